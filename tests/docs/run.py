#!/usr/bin/env python3
"""Runs what docs/*.md shows, as a reader would paste it, and checks every relative link in every *.md of the repository.

Each page has a folder of its own, in which docs/quickstart.sh was run; its blocks run there from top to bottom. A fenced block with
one of the languages of RUN below is run, and its exit code must be 0. TOML and JSON are read; all other languages are text.
Comments on the lines before a block say more, one to a line:

    <!-- run: NAME -->          what the result is called, in place of the page and line
    <!-- not run: WHY -->       the block is counted as not run
    <!-- needs: TOOL -->        where this tool is missing, the block is counted as not run
    <!-- exit: N -->            the exit code that is right
    <!-- as: PATH -->           write the block to this file and do nothing else
    <!-- check: policy -->      TOML or JSON: `reprieve policy check` must accept it; a part without `schema` gets a beginning
    <!-- check: drill -->       TOML or JSON: `reprieve drill` must run it and meet its expectations
    <!-- check: app -->         TOML: an application file, which a client must accept
    <!-- check: KIND -->        TOML or JSON: `reprieve sign KIND` must sign it with the page's keys
    <!-- measured: BY -->       up to `end of measured` a table that a tool writes; so with `calls` and `frames`
    <!-- output -->             the block is the whole output of the block before it; a line `...` stands for any lines

and after a block, one for each text that its output must hold:

    <!-- expect: TEXT -->
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIB = os.environ.get("REPRIEVE_LIB", os.path.join(ROOT, "target", "release"))
VENV = os.path.join(ROOT, "build", "venv", "bin")
PYTHON = os.path.join(VENV, "python")
RUN = ("sh", "python", "c", "cpp", "csharp", "rust")
# Pages that are specifications: their blocks are parts, tested elsewhere; and those of engines, whose examples tests/engines compiles.
NOT_HERE = ("semantics.md", "ledger-format.md", "unity.md", "unreal.md")
KINDS = ("lease", "policy", "notice", "extension", "revocation", "ruling", "keys")
BEGINNING = 'schema = 1\nid = "acme"\nversion = 1\n'
SKIP_FOLDERS = {".git", "target", "build", "node_modules", "__pycache__", ".venv"}


class Block:
    def __init__(self, page, line, language, marks):
        self.page, self.line, self.language, self.marks = page, line, language, marks
        self.code, self.expect = "", []

    @property
    def name(self):
        return f"{self.page}:{self.line}" + (f" ({self.marks['run']})" if "run" in self.marks else "")


def blocks(page, text):
    """The fenced blocks of a page, each with the comments before and after it."""
    found, marks, current, last = [], {}, None, None
    for number, line in enumerate(text.splitlines(), 1):
        if current is not None:
            if line.startswith("```"):
                found.append(current)
                last, current, marks = current, None, {}
            else:
                current.code += line + "\n"
            continue
        fence = re.match(r"^```([A-Za-z+#-]*)\s*$", line)
        comment = re.match(r"^<!--\s*([a-z ]+?)(?::\s*(.*?))?\s*-->$", line)
        if fence:
            current = Block(page, number, fence.group(1), marks)
        elif comment and comment.group(1) == "expect":
            if last is None:
                raise SystemExit(f"{page}:{number}: `expect` follows a block")
            last.expect.append(comment.group(2))
        elif comment:
            if comment.group(1) not in ("run", "not run", "needs", "exit", "as", "check", "output", "measured", "end of measured", "calls", "end of calls", "frames", "end of frames"):
                raise SystemExit(f"{page}:{number}: `{comment.group(1)}` is not known here")
            marks[comment.group(1)] = comment.group(2) or ""
        elif line.strip():
            marks, last = {}, None
    if current is not None:
        raise SystemExit(f"{page}:{current.line}: the block does not end")
    return found


def matches(shown, output):
    """Whether a shown output is the output; a line `...` stands for any lines."""
    parts = [re.escape(line.rstrip()) if line.strip() != "..." else None for line in shown.strip("\n").splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if part is None else part + r"\n" for part in parts)
    lines = "".join(line.rstrip() + "\n" for line in output.strip("\n").splitlines())
    return re.fullmatch(pattern, lines) is not None


class Page:
    def __init__(self, page, folder):
        self.page, self.folder, self.count, self.output = page, folder, 0, ""
        home = os.path.join(folder, ".home")
        os.makedirs(home, exist_ok=True)
        self.env = dict(os.environ, LD_LIBRARY_PATH=LIB, NO_COLOR="1", REPRIEVE_ROOT=ROOT, REPRIEVE_LIB=LIB,
                        XDG_DATA_HOME=os.path.join(home, "data"), XDG_STATE_HOME=os.path.join(home, "state"),
                        PATH=os.pathsep.join([LIB, VENV, os.environ["PATH"]]))
        self.prepared = self.call(["bash", os.path.join(ROOT, "docs", "quickstart.sh")])

    def call(self, *commands, stdin=None):
        """Runs commands until one fails; gives the last exit code and all that the last one printed."""
        code, output = 0, ""
        for command in commands:
            try:
                result = subprocess.run(command, cwd=self.folder, env=self.env, input=stdin, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, timeout=600)
            except (OSError, subprocess.TimeoutExpired) as error:
                return 127, f"{error}\n"
            code, output = result.returncode, result.stdout
            if code:
                break
        return code, output

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def commands(self, block):
        """How a block is run: the tool that it needs, and the commands."""
        self.count += 1
        stem = f"block{self.count}"
        at = os.path.join(self.folder, stem)
        if block.language == "sh":
            return "bash", [["bash", "-eu", "-o", "pipefail", self.write(stem + ".sh", block.code)]]
        if block.language == "python":
            return PYTHON, [[PYTHON, "-W", "error", self.write(stem + ".py", block.code)]]
        include = ["-I", os.path.join(ROOT, "include")]
        link = ["-o", at, "-L", LIB, "-lreprieve", f"-Wl,-rpath,{LIB}"]
        if block.language == "c":
            source = self.write(stem + ".c", block.code)
            return "cc", [["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", *include, source, *link, "-lpthread"], [at]]
        if block.language == "cpp":
            source = self.write(stem + ".cpp", block.code)
            return "c++", [["c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", *include, source, *link, "-lpthread"], [at]]
        if block.language == "csharp":
            source = self.write(stem + ".cs", block.code)
            own = os.path.join(ROOT, "bindings", "csharp", "src")
            sources = [os.path.join(own, name) for name in sorted(os.listdir(own)) if name.endswith(".cs")]
            return "mcs", [["mcs", "-warnaserror", "-langversion:7.2", f"-out:{at}.exe", source, *sources],
                           ["mono", at + ".exe"]]
        self.write("rust/Cargo.toml", '[package]\nname = "docs"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n'
                   f'[dependencies]\nreprieve = {{ path = "{ROOT}" }}\n')
        shutil.copy(os.path.join(ROOT, "Cargo.lock"), os.path.join(self.folder, "rust", "Cargo.lock"))
        self.write(f"rust/src/bin/{stem}.rs", block.code)
        target = os.path.join(ROOT, "target", "readme")
        return "cargo", [["cargo", "run", "--quiet", "--manifest-path", os.path.join(self.folder, "rust", "Cargo.toml"),
                          "--target-dir", target, "--bin", stem]]

    def check(self, block):
        """What TOML and JSON are checked by."""
        what = block.marks.get("check")
        if block.language == "json":
            json.loads(block.code)
        if what is None:
            if block.language == "toml":
                code = "import sys; import tomllib; tomllib.loads(sys.stdin.read())"
                if sys.version_info < (3, 11):
                    return None
                return self.call([PYTHON, "-c", code], stdin=block.code)
            return 0, ""
        self.count += 1
        path = self.write(f"block{self.count}.{block.language}", block.code)
        if what == "drill":
            return self.call(["reprieve", "drill", path])
        if what == "app":
            code = "import sys, reprieve; reprieve.open_toml(sys.stdin.read(), in_memory=True).close()"
            return self.call([PYTHON, "-W", "error", "-c", code], stdin=block.code)
        if what == "policy" and not re.search(r'^schema =|^\s*"schema":|^\{"schema":', block.code, re.MULTILINE):
            self.write(os.path.basename(path), BEGINNING + block.code)
        if what == "policy":
            return self.call(["reprieve", "policy", "check", path])
        if what not in KINDS:
            raise SystemExit(f"{block.name}: `check: {what}` is not known here")
        key = os.path.join(self.folder, "all.jwk")
        if not os.path.exists(key):
            roles = [word for kind in ("lease", "policy", "notice", "support", "revocation", "ruling", "root")
                     for word in ("--role", kind)]
            code, output = self.call(["reprieve", "keys", "new", key, *roles, "--kid", "all-1"])
            if code:
                return code, output
        return self.call(["reprieve", "sign", what, path, "--key", key])

    def run(self, block):
        """None if it passed, a text if it failed; False if it was not run, True if there is nothing to run."""
        if "as" in block.marks:
            self.write(block.marks["as"], block.code)
            if "check" not in block.marks:
                return True
        if "output" in block.marks:
            if matches(block.code, self.output):
                return None
            return f"the output differs; it was:\n{self.output}"
        if "not run" in block.marks:
            print(f"not run: {block.name}: {block.marks['not run']}")
            return False
        if "needs" in block.marks and shutil.which(block.marks["needs"]) is None:
            print(f"not run: {block.name}: {block.marks['needs']} is missing")
            return False
        if block.language in ("toml", "json"):
            result = self.check(block)
            if result is None:
                return True
        elif block.language in RUN:
            tool, commands = self.commands(block)
            if shutil.which(tool) is None or (tool == "mcs" and shutil.which("mono") is None):
                print(f"not run: {block.name}: {tool} is missing")
                return False
            result = self.call(*commands)
        else:
            return True
        code, self.output = result
        right = int(block.marks.get("exit", "0"))
        if code != right:
            return f"exit code {code}, not {right}:\n{self.output}"
        lacks = [text for text in block.expect if text not in self.output]
        if lacks:
            return f"the output lacks {lacks}:\n{self.output}"
        return None


def markdown():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - SKIP_FOLDERS)
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.join(folder, name)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def prose(text):
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def anchors(path):
    """The anchors of a page's headings, as forges make them."""
    text = re.sub(r"^```.*?^```$", "", read(path), flags=re.DOTALL | re.MULTILINE)
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
        n = 0
        while (slug if n == 0 else f"{slug}-{n}") in found:
            n += 1
        found.add(slug if n == 0 else f"{slug}-{n}")
    return found


def links():
    """Each relative link, and what is wrong with it."""
    for path in markdown():
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(read(path))):
            if re.match(r"^[a-z][a-z0-9+.-]*:", target):
                continue
            file, _, anchor = target.partition("#")
            goal = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
            name = f"{os.path.relpath(path, ROOT)}: {target}"
            if not os.path.exists(goal):
                yield name, "there is no such file"
            elif anchor and goal.endswith(".md") and anchor not in anchors(goal):
                yield name, "there is no such heading"
            else:
                yield name, None


def main():
    passed = failed = skipped = 0
    wanted = sys.argv[1:]
    folder = os.path.join(ROOT, "docs")
    for page in sorted(os.listdir(folder)):
        if not page.endswith(".md") or page in NOT_HERE or (wanted and page not in wanted):
            continue
        found = blocks("docs/" + page, read(os.path.join(folder, page)))
        with tempfile.TemporaryDirectory() as temporary:
            place = Page(page, temporary)
            code, output = place.prepared
            if code:
                print(f"FAILED docs/{page}: docs/quickstart.sh:\n{output}")
                failed += 1
                continue
            for block in found:
                result = place.run(block)
                if result is None:
                    passed += 1
                elif result is False:
                    skipped += 1
                elif isinstance(result, str):
                    print(f"FAILED {block.name}: {result}")
                    failed += 1
    for name, wrong in links():
        if wrong is None:
            passed += 1
        else:
            print(f"FAILED {name}: {wrong}")
            failed += 1
    print(f"docs: {passed} passed, {failed} failed, {skipped} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
