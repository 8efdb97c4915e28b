"""What the tests of the C ABI share: outcomes, commands, builds."""

import json
import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INCLUDE = ROOT / "include"
LIB = pathlib.Path(os.environ.get("REPRIEVE_LIB") or ROOT / "target" / "release").resolve()
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
SCENARIOS = sorted((ROOT / "tests" / "scenarios").glob("*.json"))

passed, failed, skipped = [], [], []


def note(name, problem):
    """A test's outcome: no problem, or what it was."""
    if problem:
        failed.append(name)
        print(f"FAILED {name}\n{problem}".rstrip(), flush=True)
    else:
        passed.append(name)


def skip(name, why):
    skipped.append(name)
    print(f"not run: {name}: {why}", flush=True)


def run(command, timeout=600, stdin=None, env=None, cwd=None, stderr=False):
    """Runs a command: (problem or None, what it printed; with `stderr`, there too)."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=timeout, input=stdin, env={**os.environ, **(env or {})}, cwd=cwd
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} took longer than {timeout} s", b""
    if done.returncode != 0:
        text = (done.stdout[-2000:] + done.stderr[-6000:]).decode("utf-8", "replace")
        return f"{' '.join(command)}\nended with {done.returncode}\n{text}", done.stdout
    return None, done.stdout + (done.stderr if stderr else b"")


def tool(*names):
    return next((found for name in names if (found := shutil.which(name))), None)


def cargo_tool(name):
    return shutil.which(name) or shutil.which(name, path=str(pathlib.Path.home() / ".cargo" / "bin"))


def link(compiler, sources, out, *flags, static=False, library=LIB):
    """Builds a program with the library of a folder."""
    libraries = (
        [library / "libreprieve.a", "-lpthread", "-ldl", "-lm"]
        if static
        else [f"-L{library}", "-lreprieve", f"-Wl,-rpath,{library}", "-lpthread"]
    )
    return run([compiler, "-g", *flags, f"-I{INCLUDE}", f"-I{HERE}", *sources, "-o", out, *libraries])[0]


def header_text(header=INCLUDE / "reprieve.h"):
    """A header without its comments."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", header.read_text(), flags=re.S)


def declared(header=INCLUDE / "reprieve.h"):
    """The functions that a header declares."""
    return set(re.findall(r"\bREPRIEVE_API\s[^;]*?\b(reprieve_\w+)\(", header_text(header)))


def exported(library):
    """The functions that a shared library exports: (set, None), or (None, why that is not known)."""
    nm = tool("nm", "llvm-nm")
    if not nm:
        return None, "nm is missing"
    problem, out = run([nm, "-D", "--defined-only", library])
    return (None, problem) if problem else ({line.split()[-1] for line in out.decode().splitlines() if line.split()}, None)


def debug_library(*features):
    """An unoptimised build with all debug information of the C layer, for tests that need one: (path or None, problem or None).

    Dependencies are those of `cargo test`, so that only the C layer is compiled."""
    cargo = cargo_tool("cargo")
    if not cargo:
        return None, "cargo is missing"
    command = [cargo, "build", "--quiet", "--locked", "--message-format=json", "-p", "reprieve-c", "--config", "profile.dev.package.reprieve-c.debug=2"]
    problem, out = run([*command, *(f"--features={name}" for name in features)], timeout=1800, cwd=ROOT)
    if problem:
        return None, problem
    made = [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]
    files = [name for message in made if message.get("target", {}).get("name") == "reprieve" for name in message.get("filenames", [])]
    found = [pathlib.Path(name) for name in files if name.endswith(".so")]
    return (found[-1], None) if found else (None, "cargo built no shared library")
