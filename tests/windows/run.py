#!/usr/bin/env python3
"""The tests of the build for Windows, run in Wine, which is no Windows: that locks, syncs and names hold there is Windows's to say.

Started by scripts/windows.sh, which says where all is. Prints what failed, then `windows: N passed, M failed, K not run`.
"""

import difflib
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RIG = ROOT / "build" / "windows"
LIB = RIG / "release"
HTTP = RIG / "release-http"
os.environ.setdefault("REPRIEVE_LIB", str(LIB))
sys.path.insert(0, str(ROOT / "tests" / "abi"))

import exports  # noqa: E402
import package  # noqa: E402
from kit import INCLUDE, SCENARIOS, WARNINGS, declared, failed, note, passed, run, skip, skipped, tool  # noqa: E402

ABI = ROOT / "tests" / "abi"
GCC, GXX = "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-g++"
if tool("x86_64-w64-mingw32-g++-posix"):
    # std::thread, and the C library's threads.
    GCC, GXX = GCC + "-posix", GXX + "-posix"
C, CPP = ["-std=c11", *WARNINGS, "-D__USE_MINGW_ANSI_STDIO=1"], ["-std=c++17", *WARNINGS]
# What a library of Windows's may need: all of it is on every Windows from 10 on. crypt32 is of the one with HTTP: whom Windows trusts is asked of it.
SYSTEM = re.compile(r"^(kernel32|ntdll|advapi32|iphlpapi|bcryptprimitives|bcrypt|userenv|ws2_32|msvcrt|ucrtbase|api-ms-win-[a-z0-9-]+)\.dll$", re.IGNORECASE)
SYSTEM_HTTP = re.compile(SYSTEM.pattern.replace("bcrypt|", "bcrypt|crypt32|"), re.IGNORECASE)
# Tests of the core that do not run here, and why. `not` a name: a whole file.
CORE_NOT = {} if os.environ.get("REPRIEVE_SOAK") else {
    "drill::year": "it measures a year of records, and takes minutes in Wine; REPRIEVE_SOAK=1 runs it",
    "many_records": "it measures 700 appeals, and takes minutes in Wine; REPRIEVE_SOAK=1 runs it",
}
FILES_NOT = {
    "client_network": "it mounts file systems of Linux; tests/windows looks at drives and shares",
    "key_wiping": "it reads its own memory by /proc",
    "ledger_sweep": "an hour-long sweep of a simulated disk, which has nothing of Windows in it",
    "crash": "a simulated disk, which has nothing of Windows in it",
    "damage": "it flips each bit of a ledger, and takes too long in Wine; the code has nothing of Windows in it",
    "properties": "it has no input or output",
    "policy_properties": "it has no input or output",
    "document_interop": "it starts the venv's Python",
    "forks": "there is no fork on Windows",
}


def link(compiler, sources, out, *flags, static=False, library=LIB):
    """Builds a program; all but the DLL is linked in."""
    libraries = (
        [library / "libreprieve.a", *static_libraries()]
        if static
        else [library / "libreprieve.dll.a"]
    )
    binary = out.parent / "binary.o"
    if not binary.exists():
        problem = run([GCC, *WARNINGS, "-c", HERE / "binary.c", "-o", binary])[0]
        if problem:
            return problem
    if not static:
        shutil.copy(library / "reprieve.dll", out.parent)
    return run([compiler, "-g", *flags, f"-I{INCLUDE}", f"-I{ABI}", *sources, binary, "-o", out, "-static", *libraries])[0]


def static_libraries():
    """As cmake/ says it to users."""
    return ["-lbcrypt", "-lkernel32", "-lntdll", "-luserenv", "-lws2_32"]


def windows_path(path):
    return "Z:" + str(path).replace("/", "\\")


def wine(program, *arguments, timeout=600, **more):
    return run(["wine", program, *arguments], timeout=timeout, **more)


# The library.


def test_symbols(library=LIB, which="the DLL", system=SYSTEM):
    problem, out = run(["x86_64-w64-mingw32-objdump", "-p", library / "reprieve.dll"])
    if problem:
        return note(f"the exports of {which}", problem)
    text = out.decode()
    table = text[text.index("[Ordinal/Name Pointer] Table") :]
    exported = set(re.findall(r"^\s*\[\s*\d+\](?: \+base\[\s*\d+\]\s+[0-9a-f]+)? (\w+)$", table, re.MULTILINE))
    # GNU's linker exports nothing else from a DLL of Rust's.
    difference = exported ^ declared()
    note(f"{which} exports what the header declares, {len(declared())} functions", "\n".join(sorted(difference)))
    needs = re.findall(r"DLL Name: (\S+)", text)
    note(f"{which} needs nothing but Windows", "\n".join(name for name in needs if not system.match(name)) or (None if needs else "it needs nothing at all"))
    return None


def test_headers():
    jobs = {}
    for header, language, standards, compiler in (
        ("reprieve.h", "c", ("c99", "c11", "c17"), GCC),
        ("reprieve.h", "c++", ("c++11", "c++17", "c++20"), GXX),
        ("reprieve.hpp", "c++", ("c++17", "c++20"), GXX),
    ):
        for standard in standards:
            source = f'#include "{header}"\nint main(void) {{ return 0; }}\n'
            command = [compiler, f"-std={standard}", *WARNINGS, f"-I{INCLUDE}", "-fsyntax-only", "-x", language, "-"]
            jobs[f"{header} as {standard} for Windows"] = run(command, stdin=source.encode())[0]
    jobs["the layout of every structure"] = run([GCC, "-std=c11", *WARNINGS, f"-I{INCLUDE}", "-fsyntax-only", ABI / "layout.c"])[0]
    for name, problem in jobs.items():
        note(name, problem)


def test_programs(work):
    for name, compiler, source, flags in (
        ("abuse", GCC, "abuse.c", C),
        ("threads", GCC, "threads.c", C),
        ("limits", GCC, "limits.c", [*C, "-O2"]),
        ("classes", GXX, "classes.cpp", CPP),
        ("results", GXX, "results.cpp", [*CPP, "-fno-exceptions", "-fno-rtti"]),
    ):
        program = work / f"{name}.exe"
        problem = link(compiler, [ABI / source], program, *flags)
        note(f"{name} in Wine", problem or wine(program, timeout=400)[0])
    program = work / "abuse-static.exe"
    problem = link(GCC, [ABI / "abuse.c"], program, *C, "-DREPRIEVE_STATIC", static=True)
    note("abuse with the static library in Wine", problem or wine(program, timeout=400)[0])
    skip("fork", "there is none on Windows")
    try:
        text, count = exports.program()
    except LookupError as error:
        return note("every export with wrong arguments in Wine", str(error))
    (work / "exports.c").write_text(text)
    problem = link(GCC, [work / "exports.c"], work / "exports.exe", *C, "-Wno-unused-variable")
    note(f"{count} exports with wrong arguments in Wine", problem or wine(work / "exports.exe", windows_path(work / "exports-drill"), timeout=600)[0])
    return None


def rust_lines():
    """What Rust says on this machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CARGO", "RUST"))}
    command = ["cargo", "run", "--quiet", "--release", "-p", "reprieve-c", "--example", "scenario_lines", "--", *map(str, SCENARIOS)]
    if "REPRIEVE_HOST_TARGET" in os.environ:
        environment["CARGO_TARGET_DIR"] = os.environ["REPRIEVE_HOST_TARGET"]
    if "REPRIEVE_HOST_PATH" in os.environ:
        environment["PATH"] = os.environ["REPRIEVE_HOST_PATH"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, timeout=1800, check=False)
    return (None, done.stderr.decode("utf-8", "replace")[-2000:]) if done.returncode else (done.stdout, None)


def test_conformance(work):
    rust, why = rust_lines()
    for language, compiler, source, flags in (("C", GCC, "conformance.c", C), ("C++", GXX, "conformance.cpp", CPP)):
        program = work / f"{source.replace('.', '-')}.exe"
        problem = link(compiler, [ABI / source], program, *flags)
        out = b""
        if not problem:
            problem, out = wine(program, *map(windows_path, SCENARIOS), timeout=900)
        name = f"{language} in Wine prints what Rust prints on Linux, byte for byte: {len(SCENARIOS)} scenarios"
        if rust is None:
            skip(name, f"Rust did not run: {why}")
            note(f"conformance in {language} in Wine", problem)
            continue
        if not problem and rust != out:
            lines = difflib.unified_diff(rust.decode().splitlines(), out.decode("utf-8", "replace").splitlines(), "Rust", language, lineterm="", n=0)
            problem = "\n".join(lines)[:4000] or "the line ends differ"
        note(name, problem)


# Files and processes.


def command_line(work):
    """A folder with `reprieve`, which is the command line for Windows."""
    tools = work / "tools"
    tools.mkdir()
    script = tools / "reprieve"
    script.write_text(f'#!/bin/sh\nexec wine "{LIB / "reprieve.exe"}" "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


def host(*arguments, cwd=None):
    """The command line of this machine: a ledger is the same file everywhere."""
    program = os.environ.get("REPRIEVE_CLI", str(ROOT / "target" / "release" / "reprieve"))
    if not os.access(program, os.X_OK):
        return "missing", b""
    return run([program, *arguments], cwd=cwd)


def test_quickstart(work, env):
    place = work / "quickstart"
    place.mkdir()
    problem, out = run(["bash", ROOT / "docs" / "quickstart.sh"], cwd=place, env=env)
    if not problem and b"full" not in out:
        problem = f"it printed {out.decode('utf-8', 'replace')}"
    note("the quickstart in Wine", problem)
    if problem:
        return None
    problem, out = host("ledger", "verify", "--app", "reprieve.toml", cwd=place)
    if problem == "missing":
        skip("a ledger made on Windows is read on Linux", "there is no command line for this machine; cargo build --release -p reprieve-cli")
        return place
    note("a ledger made on Windows is read on Linux", problem or (None if b"nothing is wrong" in out else out.decode()))
    problem, out = host("check", "cad", "core", "--app", "reprieve.toml", cwd=place)
    note("a lease that was imported on Windows runs on Linux", problem or (None if out.startswith(b"full") or b"full" in out else out.decode()))
    problem, out = run(["reprieve", "ledger", "verify", "--app", "reprieve.toml"], cwd=place, env=env)
    note("and is read on Windows again", problem or (None if b"nothing is wrong" in out else out.decode()))
    return place


def test_places(work, env, made):
    """Where a ledger lies by default; and where none may."""
    place = work / "places"
    place.mkdir()
    for name in ("policy.jws", "lease.jws"):
        shutil.copy(made / name, place)
    text = (made / "reprieve.toml").read_text()
    (place / "reprieve.toml").write_text(text[: text.index("[place]")])
    drive = pathlib.Path(os.environ["WINEPREFIX"]) / "drive_c"
    for found in [*drive.glob("users/*/AppData/*/reprieve"), *drive.glob("users/*/AppData/*/reprieve-local")]:
        shutil.rmtree(found)
    problem, _ = run(["reprieve", "import", "policy.jws", "lease.jws", "--app", "reprieve.toml", "--create"], cwd=place, env=env)
    ledgers, witnesses = list(drive.glob("users/*/AppData/Local/reprieve/acme/*.ledger")), list(drive.glob("users/*/AppData/Roaming/reprieve/acme/*"))
    note("a ledger lies in the user's LOCALAPPDATA by default", problem or (None if len(ledgers) == 1 else f"{ledgers}"))
    note("and its witness in APPDATA", problem or (None if witnesses else "there is none"))
    # What roams is kept on a server: the witness goes to what does not.
    command = ["reprieve", "import", "policy.jws", "lease.jws", "--app", "reprieve.toml"]
    # Wine sets APPDATA itself.
    shutil.copy(LIB / "reprieve.exe", place)
    (place / "away.cmd").write_text("@set APPDATA=\\\\server\\share\\anna\r\n@reprieve.exe " + " ".join(command[1:]) + "\r\n")
    problem, _ = run(["wine", "cmd", "/c", "away.cmd"], cwd=place, env=env)
    aside = list(drive.glob("users/*/AppData/Local/reprieve-local/witness/acme/*"))
    note("where APPDATA is a share, the witness lies beside it, locally", problem or (None if aside else "there is none"))
    problem, _ = run([*command, "--folder", r"\\server\share\ledger"], cwd=place, env=env)
    note("a folder on a share is refused", None if problem and "network" in problem else f"{problem}")
    # A drive that is mapped, as Windows calls it.
    prefix = pathlib.Path(os.environ["WINEPREFIX"])
    (prefix / "share").mkdir(exist_ok=True)
    mapped = prefix / "dosdevices" / "n:"
    if not mapped.is_symlink():
        mapped.symlink_to(prefix / "share")
    run(["wine", "reg", "add", r"HKLM\Software\Wine\Drives", "/v", "n:", "/t", "REG_SZ", "/d", "network", "/f"])
    problem = "it was not taken for one"
    for _ in range(3):
        run(["wineserver", "-k"])
        problem, _ = run([*command, "--folder", r"n:\ledger"], cwd=place, env=env)
        if problem and "network drive N:" in problem:
            problem = None
            break
    note("a folder on a mapped drive is refused", problem)


def test_wall(work, env, made):
    """A drill's clock is turned back while its products run."""
    place = work / "wall"
    place.mkdir()
    shutil.copy(made / "policy.toml", place)
    (place / "lease.toml").write_text('license = "L1"\nsku = "cad"\nfeatures = { core = "+1d" }\n')
    problem = None
    for line in (
        ["world", "new", "w", "--policy", "policy.toml"],
        ["world", "issue", "w", "lease", "lease.toml", "--fresh", "--import"],
        ["world", "wall", "w", "+2h"],
        ["world", "report", "w", "network"],
        # Further than what the policy tolerates, which is 26 h.
        ["world", "wall", "w", "-50h"],
    ):
        problem = problem or run(["reprieve", *line], cwd=place, env=env)[0]
    _, out = run(["reprieve", "world", "check", "w", "cad", "core", "--json"], cwd=place, env=env)
    text = out.decode("utf-8", "replace")
    note("a wall that is set back by a drill is seen", problem or (None if '"clock":"rolled_back"' in text else text))


def test_killed(work, made):
    """Two writers on one ledger, ended by TerminateProcess at random: what they were told is there, and nothing is damaged."""
    place = work / "killed"
    place.mkdir()
    problem = link(GXX, [ROOT / "tests" / "processes" / "writer.cpp"], work / "writer.exe", *CPP)
    problem = problem or run([GCC, "-std=c11", *WARNINGS, HERE / "killer.c", "-o", work / "killer.exe", "-static"])[0]
    if problem:
        return note("writers that are killed", problem)
    for name in ("policy.jws", "lease.jws"):
        shutil.copy(made / name, place)
    text = (made / "reprieve.toml").read_text()
    folder, witness = windows_path(place / "ledger").replace("\\", "/"), windows_path(place / "witness").replace("\\", "/")
    (place / "reprieve.toml").write_text(text[: text.index("[place]")] + f'[place]\nfolder = "{folder}"\nwitness = "{witness}"\n')
    seed = int(os.environ.get("REPRIEVE_SEED") or random.randrange(1 << 30))
    draw = random.Random(seed)
    writers, lives = 2, 12
    for writer in range(writers):
        for life in range(lives):
            # Lines for longer than it lives; the last is short.
            steps = [f"{at} appeal {draw.choice((1, 40, 900, 5000))} w{writer}-{life}-{at}-" for at in range(400 if life < lives - 1 else 5)]
            (place / f"plan-{writer}-{life}").write_text("".join(f"{step}\n" for step in steps))
    problem, out = wine(work / "killer.exe", windows_path(work / "writer.exe"), windows_path(place / "reprieve.toml"), windows_path(place), writers, lives, seed, timeout=900)
    acknowledged, wrong = set(), []
    for writer in range(writers):
        for life in range(lives):
            said = place / f"said-{writer}-{life}"
            for line in said.read_text("utf-8", "replace").splitlines() if said.exists() else ():
                found = re.fullmatch(r"done (\d+) filed", line)
                if found:
                    acknowledged.add(f"w{writer}-{life}-{found[1]}-")
                elif not re.match(r"open|begin|done|don|do|d|b|o", line):
                    wrong.append(f"{said.name}: {line}")
    note(f"two writers, {out.decode().strip() or 'none'}, seed {seed}", problem or "\n".join(wrong[:20]))
    # The ledger as another system reads it.
    for name, at in (("folder", "ledger"), ("witness", "witness")):
        (place / "reprieve.toml").write_text(re.sub(rf'^{name} = .*$', f'{name} = "{place / at}"', (place / "reprieve.toml").read_text(), flags=re.MULTILINE))
    problem, out = host("ledger", "history", "--app", "reprieve.toml", cwd=place)
    if problem == "missing":
        return skip("what the writers were told", "there is no command line for this machine")
    there = set(re.findall(r"w\d+-\d+-\d+-", out.decode("utf-8", "replace")))
    missing = sorted(acknowledged - there)
    enough = None if len(acknowledged) >= 20 else f"only {len(acknowledged)} were acknowledged"
    note(f"each of {len(acknowledged)} acknowledged records is there", problem or (f"missing: {missing[:20]}" if missing else enough))
    problem, out = host("ledger", "verify", "--app", "reprieve.toml", cwd=place)
    note("and nothing is damaged", problem or (None if b"nothing is wrong" in out else out.decode()))
    return None


# The core.


def test_core(whole=True):
    """The library's tests and its integration tests, built for Windows with `http`, or those of HTTP alone. What is not run is counted by its file,
    or by its test."""
    files = sorted(path.stem for path in (ROOT / "tests").glob("*.rs")) + sorted(path.parent.name for path in (ROOT / "tests").glob("*/main.rs") if path.parent.name != "power")
    build = [os.environ["CARGO"], "test", "--locked", "--no-fail-fast", "--target", "x86_64-pc-windows-gnu", "--target-dir", RIG / "target-http"]
    build += ["-p", "reprieve", "--features", "http"]
    how = ["--", "--test-threads=2", "--show-output"]
    if whole:
        for name in files:
            if name in FILES_NOT:
                skip(f"the core's {name}", FILES_NOT[name])
        chosen = [f"--test={name}" for name in files if name not in FILES_NOT]
        commands = [[*build, "--lib", *chosen, *how, *(f"--skip={name}" for name in CORE_NOT)]]
        for name, why in CORE_NOT.items():
            skip(f"the core's {name}", why)
    else:
        commands = [[*build, "--lib", *how, "http::"], [*build, "--test=http", *how]]
    log, code, programs = RIG / "core.log", 0, sum(len([word for word in command if str(word).startswith(("--lib", "--test="))]) for command in commands)
    with open(log, "wb") as file:
        for command in commands:
            code |= subprocess.run(list(map(str, command)), stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, timeout=3600, check=False).returncode
    text = log.read_text("utf-8", "replace")
    results = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text, re.MULTILINE)
    good, bad, ignored = (sum(int(result[at]) for result in results) for at in (0, 1, 2))
    for name, why in re.findall(r"^test (\S+) \.\.\. ignored(?:, (.*))?$", text, re.MULTILINE):
        skip(f"the core's {name}", why or "it is marked as ignored")
    lacking = re.findall(r"^not run: (.*)$", text, re.MULTILINE)
    for line in lacking:
        skip("the core", line)
    passed.extend(f"core {at}" for at in range(good - len(lacking)))
    names = sorted(set(re.findall(r"^test (\S+) \.\.\. FAILED$", text, re.MULTILINE)))
    for name in names or [f"core, failed {at}" for at in range(bad)]:
        note(f"the core's {name}", "see build/windows/core.log")
    if len(results) != programs or (code and not bad):
        note("the core's tests are built and run", text[-4000:])
    print(f"the core in Wine: {good - len(lacking)} passed, {bad} failed, {len(lacking) + ignored} not run, of {programs} programs")


# Renewal by HTTP.


def test_http():
    """tests/windows/renewals.py, which runs where names are its own: in a process of its own, whose counts are added."""
    done = subprocess.run([sys.executable, HERE / "renewals.py"], stdout=subprocess.PIPE, text=True, timeout=3600, check=False)
    print(done.stdout, end="", flush=True)
    counts = re.search(r"^http: (\d+) passed, (\d+) failed, (\d+) not run$", done.stdout, re.MULTILINE)
    if not counts or (done.returncode == 1) != (counts[2] != "0"):
        return note("renewal by HTTP", f"it ended with {done.returncode}")
    for outcomes, count in zip((passed, failed, skipped), counts.groups()):
        outcomes.extend(f"http {at}" for at in range(int(count)))
    return None


def main():
    only = set(sys.argv[1:])
    lib = HTTP if only == {"http"} else LIB
    if not (lib / "reprieve.dll").exists():
        print(f"not run: there is no {lib.relative_to(ROOT)}/reprieve.dll; start scripts/windows.sh")
        return 3
    with tempfile.TemporaryDirectory(prefix="reprieve-windows-") as folder:
        work = pathlib.Path(folder)
        env = command_line(work)
        made = None
        if not only or "abi" in only:
            test_symbols()
            test_headers()
            test_programs(work)
            test_conformance(work)
        if not only or "http" in only:
            if (HTTP / "reprieve.dll").exists():
                test_symbols(HTTP, "the DLL with HTTP", SYSTEM_HTTP)
            test_http()
        if not only or "files" in only:
            made = test_quickstart(work, env)
            if made:
                test_places(work, env, made)
                test_wall(work, env, made)
                test_killed(work, made)
        if not only or "package" in only:
            package.test(work)
        if not only or {"core", "http"} & only:
            test_core(whole=not only or "core" in only)
    skip("LuaJIT and Python on Windows", "neither can be had here")
    print(f"windows: {len(passed)} passed, {len(failed)} failed, {len(skipped)} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
