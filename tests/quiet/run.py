#!/usr/bin/env python3
"""A check allocates nothing and makes no system call between two upkeeps: counted by a malloc that counts, and by strace.

The library is taken from the folder that REPRIEVE_LIB names (target/release if it names none).
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIB = pathlib.Path(os.environ.get("REPRIEVE_LIB") or ROOT / "target" / "release").resolve()
sys.path.insert(0, str(HERE.parent / "processes"))

# What a look at the ledger is allowed: it asks files for their state, and writes and waits for nothing.
IN_A_LOOK = 40
FORBIDDEN = {"flock", "fsync", "fdatasync", "sync_file_range", "futex", "poll", "ppoll", "nanosleep", "clock_nanosleep", "connect", "fork",
             "clone", "clone3", "execve"}

passed, failed, skipped = [], [], []


def note(name, problem, told=""):
    (failed if problem else passed).append(name)
    print(f"FAILED {name}: {problem}" if problem else f"{name}{told and ': ' + told}", flush=True)


def skip(name, why):
    skipped.append(name)
    print(f"not run: {name}: {why}", flush=True)


class Place:
    """A program, a vendor's documents, and a new ledger for each run."""

    def __init__(self, folder):
        import vendor as vendors

        self.folder, self.vendors, self.runs = pathlib.Path(folder), vendors, 0
        self.program = self.folder / "checks"
        subprocess.run(
            ["cc", "-O2", "-Wall", "-Wextra", "-Werror", HERE / "checks.c", "-o", self.program, "-I", ROOT / "include", "-L", LIB, "-lreprieve",
             f"-Wl,-rpath,{LIB}"], check=True)

    def checks(self, mode, how, tracer=()):
        """What the program counted: allocations before, checks, allocations in them, checks that allocated, milliseconds."""
        self.runs += 1
        folder = self.folder / str(self.runs)
        vendor = self.vendors.Vendor(str(folder))
        until = int(time.time()) + 30 * 86_400
        lease = vendor.sign("lease", {"license": "L1", "sku": "cad", "ledger": "*", "features": {"core": until}})
        for name, token in (("policy", vendor.policy()), ("lease", lease)):
            (folder / name).write_bytes(token)
        done = subprocess.run(
            [*tracer, self.program, vendor.app, folder / "policy", folder / "lease", mode, how], capture_output=True, text=True, timeout=240)
        if done.returncode != 0:
            raise RuntimeError(f"ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return [int(word) for word in done.stdout.split()]


def allocations(place, mode, how):
    name = f"allocations, {mode}, by {how}"
    before, checks, made, allocating, took = place.checks(mode, how)
    if before < 100:
        return note(name, f"only {before} allocations were counted while a ledger was opened: the counter does not count")
    if mode == "own":
        problem = made and f"{made} allocations, by {allocating} of {checks} checks"
    else:
        # A look at the ledger may allocate. The clock that times looks may go in steps, never faster than it should.
        looks = took // 10 + 1
        problem = allocating > looks and f"{allocating} of {checks} checks allocated, in {took} ms: more than looks at the ledger"
    note(name, problem, f"{checks} checks, {made} allocations, by {allocating} of them")


CALL = re.compile(r"^(?:\d+ +)?(\d+\.\d+) (\w+)\((.*)$")


def traced(place, mode, how):
    """The system calls between the marks, as (time, name), and the milliseconds that passed."""
    trace = place.folder / "trace"
    _, checks, _, _, took = place.checks(mode, how, ["strace", "-f", "-ttt", "-o", trace])
    found, inside, marks = [], False, 0
    for line in trace.read_text(errors="replace").splitlines():
        call = CALL.match(line)
        if call is None:
            continue
        at, name, rest = call.groups()
        if name == "write" and rest.startswith("-1, "):
            marks += 1
            inside = rest.startswith('-1, "begin"')
        elif inside:
            found.append((float(at), name))
    if marks != 3:
        raise RuntimeError(f"{marks} marks stand in the trace, not 3")
    return found, checks, took


def system_calls(place, mode, how):
    name = f"system calls, {mode}, by {how}"
    calls, checks, took = traced(place, mode, how)
    names = sorted({call for _, call in calls})
    if mode == "own":
        return note(name, calls and f"{len(calls)} in {checks} checks: {', '.join(names)}", f"{checks} checks, none")
    # Calls that belong together are close to each other, and looks are 10 ms apart.
    looks = []
    for at, call in calls:
        if not looks or at - looks[-1][0] >= 0.005:
            looks.append((at, []))
        looks[-1][1].append(call)
    most = max((len(look) for _, look in looks), default=0)
    problem = None
    if not looks:
        problem = f"no look at the ledger in {took} ms"
    elif len(looks) > took // 10 + 1:
        problem = f"{len(looks)} looks at the ledger in {took} ms: {', '.join(names)}"
    elif most > IN_A_LOOK:
        problem = f"{most} system calls in one look: {', '.join(names)}"
    elif FORBIDDEN & set(names):
        problem = f"a look waits or syncs: {', '.join(sorted(FORBIDDEN & set(names)))}"
    note(name, problem, f"{checks} checks in {took} ms, {len(looks)} looks at the ledger, at most {most} calls in one ({', '.join(names)})")


def why_no_trace():
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"strace may trace nothing here: {done.stderr.strip()}"


def main():
    cases = [(test, mode, how) for test in (allocations, system_calls) for mode in ("own", "in-checks") for how in ("handle", "name")]
    why = None
    if not sys.platform.startswith("linux") or shutil.which("cc") is None:
        why = "needs Linux and a C compiler"
    elif not (LIB / "libreprieve.so").exists():
        why = f"no library in {LIB}"
    else:
        try:
            import cryptography  # noqa: F401
        except ImportError:
            why = "the Python package cryptography is not installed"
    with tempfile.TemporaryDirectory() as folder:
        place = None if why else Place(folder)
        blind = why or why_no_trace()
        for test, mode, how in cases:
            name = f"{test.__name__.replace('_', ' ')}, {mode}, by {how}"
            lacking = blind if test is system_calls else why
            if lacking:
                skip(name, lacking)
                continue
            try:
                test(place, mode, how)
            except (RuntimeError, subprocess.SubprocessError) as error:
                note(name, str(error))
    print(f"quiet: {len(passed)} passed, {len(failed)} failed, {len(skipped)} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
