#!/usr/bin/env python3
"""Runs what the README shows: docs/quickstart.sh, then the ten lines of each language, as a new user would paste them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIB = os.environ.get("REPRIEVE_LIB", os.path.join(ROOT, "target", "release"))
PYTHON = os.path.join(ROOT, "build", "venv", "bin", "python")
EXPECTED = re.compile(r"^(full until 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)", re.IGNORECASE)


def blocks():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return dict(re.findall(r"^```(cpp|cs|python|rust)\n(.*?)^```$", file.read(), re.DOTALL | re.MULTILINE))


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def commands(language, code, folder):
    """What to run, one after the other; the last prints."""
    if language == "cpp":
        source = write(folder, "example.cpp", code)
        program = os.path.join(folder, "example-cpp")
        build = ["c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(ROOT, "include"), source,
                 "-o", program, "-L", LIB, "-lreprieve", f"-Wl,-rpath,{LIB}"]
        return [build, [program]]
    if language == "cs":
        source = write(folder, "Example.cs", code)
        program = os.path.join(folder, "Example.exe")
        sources = os.path.join(ROOT, "bindings", "csharp", "src")
        own = [os.path.join(sources, name) for name in sorted(os.listdir(sources)) if name.endswith(".cs")]
        return [["mcs", "-warnaserror", "-langversion:7.2", f"-out:{program}", source, *own], ["mono", program]]
    if language == "python":
        return [[PYTHON, "-W", "error", write(folder, "example.py", code)]]
    manifest = write(folder, os.path.join("example", "Cargo.toml"),
                     '[package]\nname = "example"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n'
                     f'[dependencies]\nreprieve = {{ path = "{ROOT}" }}\n')
    write(folder, os.path.join("example", "src", "main.rs"), code)
    shutil.copy(os.path.join(ROOT, "Cargo.lock"), os.path.join(folder, "example", "Cargo.lock"))
    return [["cargo", "run", "--quiet", "--manifest-path", manifest,
             "--target-dir", os.path.join(ROOT, "target", "readme")]]


def main():
    passed = failed = skipped = 0
    env = dict(os.environ, LD_LIBRARY_PATH=LIB, PATH=LIB + os.pathsep + os.environ["PATH"])
    with tempfile.TemporaryDirectory() as folder:
        started = subprocess.run(["bash", os.path.join(ROOT, "docs", "quickstart.sh")], cwd=folder, env=env,
                                 capture_output=True, text=True)
        if started.returncode:
            print(started.stdout + started.stderr)
            print("FAILED docs/quickstart.sh")
            failed += 1
        else:
            passed += 1
        found = blocks()
        for language in ("cpp", "cs", "python", "rust"):
            if language not in found:
                print(f"FAILED: the README has no example in {language}")
                failed += 1
                continue
            lines = commands(language, found[language], folder)
            if shutil.which(lines[0][0]) is None:
                print(f"not run: {language}, as {lines[0][0]} is missing")
                skipped += 1
                continue
            for line in lines:
                result = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True)
                if result.returncode:
                    break
            if result.returncode == 0 and EXPECTED.match(result.stdout):
                passed += 1
            else:
                print(f"FAILED {language}: {' '.join(line)}\n{result.stdout}{result.stderr}")
                failed += 1
    print(f"readme: {passed} passed, {failed} failed, {skipped} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
