#!/usr/bin/env python3
"""The tests of the C ABI: headers, symbols, layout, what must never change, conformance in C and C++, abuse, threads, fork, Valgrind,
sanitizers; with REPRIEVE_SOAK ThreadSanitizer too.

The library is taken from the folder that REPRIEVE_LIB names (target/release if it names none). Prints what failed, then
`N passed, M failed, K not run`; ends with 1 if anything failed. Tools that are missing are named, and their tests not run.
"""

import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import sys
import tempfile

import baseline
import exports
import gates
import tsan
from kit import HERE, INCLUDE, LIB, ROOT, SCENARIOS, WARNINGS, cargo_tool, declared, failed, link, note, passed, run, skip, skipped, tool

# What the header says.


def standards(compiler, language):
    """The standards of a language that a compiler knows; the newest by either of its names."""
    known = [["c99"], ["c11"], ["c17"], ["c23", "c2x"]] if language == "c" else [["c++11"], ["c++14"], ["c++17"], ["c++20"], ["c++23", "c++2b"]]
    for names in known:
        good = [name for name in names if not run([compiler, f"-std={name}", "-x", language, "-fsyntax-only", "-"], stdin=b"")[0]]
        if good:
            yield good[0]
        else:
            skip(f"headers as {names[0]} by {pathlib.Path(compiler).name}", "the compiler does not know it")


def test_headers():
    jobs = {}
    for language, names in (("c", ("gcc", "clang")), ("c++", ("g++", "clang++"))):
        for name in names:
            compiler = tool(name)
            if not compiler:
                skip(f"headers as {language} by {name}", "the compiler is missing")
                continue
            for standard in standards(compiler, language):
                flags = [compiler, f"-std={standard}", *WARNINGS, f"-I{INCLUDE}", "-fsyntax-only", "-x", language]
                headers = [("reprieve.h", 1, []), ("reprieve.h", 2, [])]
                if language == "c++" and standard >= "c++17":
                    headers += [("reprieve.hpp", 2, []), ("reprieve.hpp", 1, ["-fno-exceptions", "-fno-rtti"])]
                for header, times, more in headers:
                    source = f'#include "{header}"\n' * times + "int main(void) { return 0; }\n"
                    command = [*flags, "-Wshadow", "-Wconversion", *more, "-"]
                    jobs[" ".join([f"{header} x{times} as {standard} by {name}", *more])] = (command, source.encode())
                jobs[f"layout as {standard} by {name}"] = ([*flags, HERE / "layout.c"], None)
            if language == "c":
                command = [compiler, "-std=c11", "-m32", "-ffreestanding", f"-I{INCLUDE}", "-fsyntax-only", HERE / "layout.c"]
                jobs[f"layout with 32 bits by {name}"] = (command, None)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for name, result in zip(jobs, pool.map(lambda job: run(job[0], stdin=job[1])[0], jobs.values())):
            note(name, result)
    # What layout.c asserts is every field of every structure.
    asserted = set(re.findall(r"^AT\((\w+), (\w+),", (HERE / "layout.c").read_text(), re.MULTILINE))
    fields = {(name, field.split()[-1]) for name, body in gates.structures(INCLUDE / "reprieve.h").items() for field in body}
    note("the layout of every field is asserted", "\n".join(f"{name}.{field}" for name, field in sorted(fields ^ asserted)))


def test_documentation():
    text = (INCLUDE / "reprieve.h").read_text()
    wrong = []
    for match in re.finditer(r"((?://[^\n]*\n)*)(?:REPRIEVE_API\s+)([^;]*?\b(reprieve_\w+)\([^;]*);", text):
        said, name = " ".join(match[1].replace("//", " ").split()), match[3]
        wrong += [f"{name}: its text does not say {what!r}" for what in ("Any thread", "Since 0.1") if what not in said]
        # What is owned must say so: each out-parameter for a handle, errors aside.
        for out in re.findall(r"reprieve_\w+ \*\*(\w+)", match[2]):
            if out != "error" and f"`{out}`" not in said:
                wrong.append(f"{name}: its text does not name `{out}`")
    note("every function is documented", "\n".join(wrong))
    mentioned = set(re.findall(r"\breprieve_\w+", (HERE / "abuse.c").read_text()))
    mentioned |= {"reprieve_handle_count"}
    note("every function is abused", "\n".join(sorted(declared() - mentioned)))
    classes = set(re.findall(r"\breprieve_\w+", (INCLUDE / "reprieve.hpp").read_text()))
    # For tests of C; an Error has the status that the call gave.
    classes |= {"reprieve_handle_count", "reprieve_error_status"}
    note("every function is in the classes", "\n".join(sorted(declared() - classes)))


# What the library does.


def example(header):
    """The program in a header's first comment."""
    lines = (INCLUDE / header).read_text().splitlines()
    begin = next(at for at, line in enumerate(lines) if "#include <reprieve" in line)
    body = []
    for line in lines[begin:]:
        if line.strip() != "*" and not line.startswith(" *     "):
            break
        body.append(line[7:])
    return "\n".join(body) + "\n"


def test_examples(work):
    for header, suffix, names, standard in (("reprieve.h", "c", ("gcc", "cc", "clang"), "c99"), ("reprieve.hpp", "cpp", ("g++", "c++"), "c++17")):
        compiler = tool(*names)
        if not compiler:
            skip(f"the example of {header}", "a compiler is missing")
            continue
        source, program = work / f"example.{suffix}", work / f"example-{suffix}"
        source.write_text(example(header))
        app = work / f"app-{suffix}.toml"
        app.write_text(
            'vendor = "acme"\nsecret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"\n'
            'roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]\n'
            f"[place]\nfolder = {json.dumps(str(work / suffix))}\nwitness = {json.dumps(str(work / ('w' + suffix)))}\n"
        )
        problem = link(compiler, [source], program, f"-std={standard}", *WARNINGS)
        if not problem:
            problem, out = run([program, app])
            if not problem and out != b"denied\n":
                problem = f"it printed {out!r}"
            if not problem:
                problem, out = run([program, work / "missing.toml"])
                if not problem and suffix == "c" and not out.startswith(b"could not be decided"):
                    problem = f"without an application file it printed {out!r}"
        note(f"the example of {header}", problem)


def rust_lines():
    cargo = cargo_tool("cargo")
    if not cargo:
        return None, "cargo is missing"
    command = [cargo, "run", "--quiet", "--release", "-p", "reprieve-c", "--example", "scenario_lines", "--", *SCENARIOS]
    problem, out = run(command, timeout=1800, cwd=ROOT)
    return (None, problem) if problem else (out, None)


def expectations(out):
    """What of the scenarios' expectations the lines of a program do not meet."""
    lines = [json.loads(line) for line in out.decode().splitlines()]
    wrong = []
    for path in SCENARIOS:
        scenario = json.loads(path.read_text())
        for at, step in enumerate(scenario["steps"]):
            mine = []
            documents = ("lease", "notice", "extension", "revocation", "ruling", "policy", "keys", "replay")
            if any(key in step for key in documents) or "check" in step:
                mine = [lines.pop(0)] if lines else []
            elif "events" in step:
                while lines and "event" in lines[0] and lines[0]["step"] == at:
                    mine.append(lines.pop(0))
            if any(line["step"] != at for line in mine):
                return [*wrong, f"{path.name} step {at}: the lines are out of step"]
            if (expect := step.get("expect")) is None:
                continue
            wishes = expect if isinstance(expect, list) else [expect]
            good = len(wishes) == len(mine) and all(
                key in line and line[key] == value for wish, line in zip(wishes, mine) for key, value in wish.items()
            )
            if not good:
                wrong.append(f"{path.name} step {at}: expected {wishes}, got {mine}")
    return wrong + [f"{len(lines)} lines too many"] * bool(lines)


def test_conformance(work):
    rust, why = rust_lines()
    if rust is None:
        skip("what Rust prints, to compare with", why)
    programs = [("C", "conformance.c", ("gcc", "cc", "clang"), "c11"), ("C++", "conformance.cpp", ("g++", "c++", "clang++"), "c++17")]
    for language, source, names, standard in programs:
        compiler = tool(*names)
        if not compiler:
            skip(f"conformance in {language}", "a compiler is missing")
            continue
        program = work / source.replace(".", "-")
        problem = link(compiler, [HERE / source], program, f"-std={standard}", *WARNINGS)
        if problem:
            note(f"conformance in {language}", problem)
            continue
        problem, out = run([program, *SCENARIOS])
        note(f"conformance in {language}: {len(SCENARIOS)} scenarios", problem or "\n".join(expectations(out)))
        if rust is not None:
            same = difflib.unified_diff(rust.decode().splitlines(), out.decode().splitlines(), "Rust", language, lineterm="", n=0)
            note(f"{language} prints what Rust prints", "" if rust == out else "\n".join(same)[:4000])


def test_programs(work):
    """Abuse, threads, fork, classes: plain, static, sanitized, under Valgrind."""
    gcc, gxx, clang = tool("gcc", "cc"), tool("g++", "c++"), tool("clang")
    if not gcc or not gxx:
        return skip("the programs", "a compiler is missing")
    c, cpp = ["-std=c11", "-D_GNU_SOURCE", *WARNINGS], ["-std=c++17", *WARNINGS]
    programs = {
        "abuse": (gcc, "abuse.c", c, []),
        "threads": (gcc, "threads.c", c, []),
        "fork": (gcc, "fork.c", c, ["folder"]),
        "classes": (gxx, "classes.cpp", cpp, []),
        "results": (gxx, "results.cpp", [*cpp, "-fno-exceptions", "-fno-rtti"], []),
    }

    def folder(label, arguments):
        return [work / f"folder-{label}"] if arguments else []

    for name, (compiler, source, flags, arguments) in programs.items():
        problem = link(compiler, [HERE / source], work / name, *flags)
        problem = problem or run([work / name, *folder("plain", arguments)], timeout=120)[0]
        note(name, problem)
    for compiler in filter(None, (tool("g++"), tool("clang++"))):
        for standard in standards(compiler, "c++"):
            if standard > "c++17":
                for name in ("classes", "results"):
                    _, source, flags, _ = programs[name]
                    program = work / f"{name}-{standard}"
                    problem = link(compiler, [HERE / source], program, *flags, f"-std={standard}", "-O2")
                    note(f"{name} as {standard} by {pathlib.Path(compiler).name}", problem or run([program], timeout=120)[0])
    problem = link(gcc, [HERE / "limits.c"], work / "limits", *c, "-O2")
    note("limits", problem or run([work / "limits"], timeout=300)[0])
    if (LIB / "libreprieve.a").exists():
        problem = link(gcc, [HERE / "abuse.c"], work / "abuse-static", *c, static=True)
        note("abuse with the static library", problem or run([work / "abuse-static"], timeout=120)[0])
    else:
        skip("abuse with the static library", "libreprieve.a is missing")
    if clang:
        problem = link(clang, [HERE / "abuse.c"], work / "abuse-clang", *c)
        note("abuse by clang", problem or run([work / "abuse-clang"], timeout=120)[0])
    else:
        skip("abuse by clang", "clang is missing")

    # Sanitizers, if this compiler has them.
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    (work / "empty.c").write_text("int main(void) { return 0; }\n")
    if run([gcc, *sanitize, work / "empty.c", "-o", work / "empty"])[0]:
        skip("the programs with sanitizers", "the compiler has none")
    else:
        options = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
        for name, (compiler, source, flags, arguments) in programs.items():
            program = work / f"{name}-san"
            problem = link(compiler, [HERE / source], program, *flags, *sanitize)
            note(f"{name} with ASan and UBSan", problem or run([program, *folder("san", arguments)], timeout=300, env=options)[0])
        program = work / "conformance-san"
        problem = link(gcc, [HERE / "conformance.c"], program, *c, *sanitize)
        note("conformance with ASan and UBSan", problem or run([program, *SCENARIOS], env=options)[0])

    valgrind = tool("valgrind")
    if not valgrind:
        return skip("the programs under Valgrind", "valgrind is missing")
    check = [valgrind, "-q", "--leak-check=full", "--error-exitcode=9", "--trace-children=no"]
    # A forked child leaves alone what its parent had open: to Valgrind that is lost. Reads and writes are still watched.
    kinds = {"fork": ["--errors-for-leak-kinds=none"]}
    jobs = {
        f"{name} under Valgrind": [*check, *kinds.get(name, []), work / name, *folder("valgrind", programs[name][3])]
        for name in programs
    }
    if (work / "conformance-c").exists():
        for at in range(4):
            jobs[f"conformance under Valgrind, part {at + 1} of 4"] = [*check, work / "conformance-c", *SCENARIOS[at::4]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for name, result in zip(jobs, pool.map(lambda command: run(command, timeout=900)[0], jobs.values())):
            note(name, result)
    return None


def main():
    if not (LIB / "libreprieve.so").exists():
        print(f"there is no libreprieve.so in {LIB}; build it with `cargo build --release -p reprieve-c`, or set REPRIEVE_LIB")
        return 1
    # Drills write real files: where memory holds them, no disk is waited for.
    if os.access("/dev/shm", os.W_OK):
        os.environ.setdefault("TMPDIR", "/dev/shm")
    with tempfile.TemporaryDirectory(prefix="reprieve-abi-") as folder:
        work = pathlib.Path(folder)
        test_headers()
        test_documentation()
        gates.test_version()
        gates.test_symbols()
        gates.test_first(work)
        gates.test_mismatch(work)
        gates.test_guard(work)
        baseline.test_baseline(work)
        exports.test_exports(work)
        test_examples(work)
        test_conformance(work)
        test_programs(work)
        # A build of all with another compiler: long.
        if os.environ.get("REPRIEVE_SOAK"):
            tsan.test_tsan(work)
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
