"""One ledger file, used by processes of all platforms: in turn, and at once while they are killed."""

import os
import random
import shutil
import subprocess
import sys
import tempfile

from kit import expect, failed, not_run, passed, run
from native import compiled
from targets import ROOT, WORK

PROCESSES = os.path.join(ROOT, "tests", "processes")
KILLS = 8  # of each writer
LATEST = 1200  # seconds after which one hangs: an emulator of a build without optimisation is slow
# Between two archives or re-keyings, where one of the writers is emulated: more often, and it has more generations to open than it closes.
CARE = (5, 15)


def tests(reference, targets):
    with tempfile.TemporaryDirectory() as folder:
        turns(reference, targets, folder)
    at_once(targets)


def said(title, command, app, *more):
    """What the command line of a platform says of the ledger."""
    code, out, error = run([*command, *more, "--app", app])
    if code != 0:
        failed(title, f"{' '.join(more)} ended with {code}\n{(out + error).decode(errors='replace')[-2000:]}")
        return None
    return out


def turns(reference, targets, folder):
    """x86_64 and each other write in turn; what one wrote, and the head over it, all others verify to be the same."""
    quickstart = os.path.join(ROOT, "docs", "quickstart.sh")
    env = dict(os.environ, PATH=os.path.dirname(reference) + os.pathsep + os.environ["PATH"])
    code, out, error = run(["sh", quickstart], cwd=folder, env=env)
    if not expect("one ledger: x86_64 makes it", code == 0, (out + error).decode(errors="replace")):
        return
    app, everyone = os.path.join(folder, "reprieve.toml"), {"x86_64": [reference]}
    everyone.update((target.name, [*target.runner(), target.cli]) for target in targets)
    for writer, command in everyone.items():
        if said(f"one ledger: {writer} appends", command, app, "appeal", f"written by {writer}") is None:
            continue
        seen = {}
        for reader, there in everyone.items():
            verified = said(f"one ledger: {reader} verifies what {writer} wrote", there, app, "ledger", "verify", "--json")
            exported = said(f"one ledger: {reader} reads what {writer} wrote", there, app, "ledger", "export")
            seen[reader] = (verified, exported)
        alike = len(set(seen.values())) == 1 and all(seen[writer]) and f"written by {writer}" in seen[writer][1].decode()
        expect(f"one ledger: what {writer} wrote, {len(everyone)} platforms verify to one root and head, and read alike", alike, seen)
        proof = os.path.join(folder, f"{writer}.json")
        if said(f"one ledger: {writer} proves its record", command, app, "ledger", "prove", "-o", proof) is None:
            continue
        checks = {checker: run([*there, "ledger", "check-proof", proof])[0] for checker, there in everyone.items()}
        expect(f"one ledger: the others check {writer}'s signed head and proof", set(checks.values()) == {0}, checks)


def at_once(targets):
    """A writer of each platform, killed at random, while the ledger is archived, re-keyed and read: the tests of processes, and their judgement."""
    name = "one ledger at once"
    try:
        import reprieve  # noqa: F401 - they read by it
    except ImportError:
        return not_run(name, "the Python package is not installed; run make build")
    sys.path.insert(0, PROCESSES)
    # In this order: what they read ledgers by has a run.py of its own.
    import run as processes

    import atrest

    processes.LATEST = LATEST
    if any(target.machine for target in targets):
        processes.CARE = CARE

    writers, source = {}, os.path.join(PROCESSES, "writer.cpp")
    for target in targets:
        if target.plain_ring:
            not_run(f"one ledger at once: {target.name}", "its emulator seals a document of 180 kB too slowly: the others wait for the lock in vain")
        elif target.compiler(plus=True) is None:
            not_run(f"one ledger at once: {target.name}", f"{target.cxx} is missing")
        elif program := compiled(target, source, os.path.join(WORK, target.name, "writer"), plus=True):
            writers[target.name] = [*target.runner(), program]
    if not writers:
        return not_run(name, "no writer of another platform")
    name = f"one ledger at once: x86_64 and {', '.join(writers)}"
    here = os.path.join(WORK, "writer")
    build = ["c++", "-std=c++17", "-O1", "-I", os.path.join(ROOT, "include"), source, "-o", here, "-L", atrest.LIB, "-lreprieve", f"-Wl,-rpath,{atrest.LIB}"]
    subprocess.run(build, check=True)
    folder, seed = tempfile.mkdtemp(prefix="reprieve-platforms-"), random.randrange(1 << 32)
    try:
        total = processes.random_kills(os.path.join(folder, "ledger"), {"x86_64": [here], **writers}, random.Random(seed), KILLS, 2)
    except atrest.Broken as error:
        return failed(name, f"{error}\nseed {seed}; the files are kept in {folder}")
    shutil.rmtree(folder)
    for what in ("kills", "acknowledged steps", "records' events in the ledger", "torn tails"):
        print(f"         {total[what]} {what}")
    return passed(f"{name}: killed {KILLS} times each, nothing acknowledged was lost, nothing is damaged")
