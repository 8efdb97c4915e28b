#!/usr/bin/env python3
"""Every scenario through Rust, C, C++, C#, Python and LuaJIT: the printed lines are the same, byte for byte, and meet what is expected.

Each language's runner walks the steps itself and prints each line from its own types, so it is the binding that is tested.
"""

import glob
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIB = os.environ.get("REPRIEVE_LIB", os.path.join(ROOT, "target", "release"))
PYTHON = os.path.join(ROOT, "build", "venv", "bin", "python")
OUT = os.path.join(ROOT, "build", "conformance")
ENV = dict(os.environ, LD_LIBRARY_PATH=LIB, REPRIEVE_LIB=LIB)


def compiled(language):
    """The command of a language's runner, compiled; none if its tools are missing."""
    abi = os.path.join(ROOT, "tests", "abi")
    link = ["-I", os.path.join(ROOT, "include"), "-L", LIB, "-lreprieve", f"-Wl,-rpath,{LIB}"]
    warn = ["-Wall", "-Wextra", "-Werror"]
    if language == "Rust":
        return [os.path.join(LIB, "reprieve"), "drill", "--json"]
    if language == "Python":
        return [PYTHON, os.path.join(ROOT, "tests", "python", "conformance.py")]
    if language == "Lua":
        return ["luajit", os.path.join(ROOT, "tests", "lua", "conformance.lua")] if shutil.which("luajit") else None
    if language == "C":
        build = ["cc", "-std=c11", *warn, os.path.join(abi, "conformance.c"), "-o", os.path.join(OUT, "conformance-c"), *link]
        run = [os.path.join(OUT, "conformance-c")]
    elif language == "C++":
        build = ["c++", "-std=c++17", *warn, os.path.join(abi, "conformance.cpp"), "-o", os.path.join(OUT, "conformance-cpp"), *link]
        run = [os.path.join(OUT, "conformance-cpp")]
    else:
        program = os.path.join(OUT, "Conformance.exe")
        sources = sorted(glob.glob(os.path.join(ROOT, "bindings", "csharp", "src", "*.cs")))
        build = ["mcs", "-warnaserror", "-langversion:7.2", f"-out:{program}",
                 os.path.join(ROOT, "tests", "csharp", "Conformance.cs"), *sources]
        run = ["mono", program]
    if not all(map(shutil.which, (build[0], run[0] if run[0] == "mono" else "true"))):
        return None
    subprocess.run(build, check=True)
    return run


def lines(command, file):
    result = subprocess.run([*command, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV)
    if result.returncode:
        raise RuntimeError(f"status {result.returncode}: {result.stderr.decode(errors='replace').strip()}")
    return result.stdout


def unmet(scenario, output):
    """What of the scenario's expectations the lines do not meet."""
    by_step = {}
    for line in output.decode().splitlines():
        value = json.loads(line)
        by_step.setdefault(value["step"], []).append(value)
    for number, step in enumerate(scenario["steps"]):
        if "expect" not in step:
            continue
        expected = step["expect"] if isinstance(step["expect"], list) else [step["expect"]]
        got = by_step.get(number, [])
        if len(expected) != len(got):
            yield f"step {number}: {len(expected)} lines expected, {len(got)} printed"
        for want, have in zip(expected, got):
            for key, value in want.items():
                if have.get(key) != value or key not in have:
                    yield f"step {number}: {key} is {have.get(key)!r}, expected {value!r}"


def main():
    os.makedirs(OUT, exist_ok=True)
    files = sorted(glob.glob(os.path.join(ROOT, "tests", "scenarios", "*.json")))
    runners = {language: compiled(language) for language in ("Rust", "C", "C++", "C#", "Python", "Lua")}
    passed = failed = skipped = 0
    for file in files:
        with open(file, encoding="utf-8") as text:
            scenario = json.load(text)
        reference = None
        for language, command in runners.items():
            if command is None:
                skipped += 1
                continue
            name = f"{language} {os.path.basename(file)}"
            try:
                output = lines(command, file)
            except RuntimeError as error:
                print(f"FAILED {name}: {error}")
                failed += 1
                continue
            reference = output if reference is None else reference
            problems = list(unmet(scenario, output))
            if output != reference:
                problems.append("its lines differ from those of the first language")
            for problem in problems:
                print(f"FAILED {name}: {problem}")
            failed += bool(problems)
            passed += not problems
    for language, command in runners.items():
        if command is None:
            print(f"not run: {language}, as its compiler or runtime is missing")
    print(f"conformance: {passed} passed, {failed} failed, {skipped} not run")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
