#!/usr/bin/env python3
"""Every platform but Windows: built by a cross compiler, and run where the machine or qemu can.

    tests/platforms/run.py [PLATFORM...]       the names of targets.py; all unless said

Needs what scripts/platforms.sh installs, which starts it. What cannot be had or run prints a line `not run` and is counted so.
"""

import os
import subprocess
import sys
import time

import core
import ledgers
import native
from kit import cargo, counts, expect, failed, not_run, passed, run
from targets import CHECK, LINK, REFUSE, ROOT, TARGETS, WORK, ZIG

PACKAGES = ["-p", "reprieve", "-p", "reprieve-c"]
# Where the program itself is asked for, too.
ALL = [*PACKAGES, "-p", "reprieve-cli"]


def lacks(target):
    """What is missing to build for a target, or none."""
    if not os.path.exists("/usr/bin/rustc") or not os.path.isdir("/usr/lib/rustlib/src"):
        return "rustc-web, cargo-web or rust-web-src is missing"
    if target.compiler() is None:
        return "zig is missing" if target.zig else f"{target.cc} is missing"
    return None


def build(target):
    """Whether it was built, or checked, as far as it goes."""
    began = time.monotonic()
    if target.upto == REFUSE:
        code, _, error = cargo(target, "check", "-p", "reprieve")
        first = next((line for line in error.splitlines() if line.startswith("error")), "no error")
        expect(f"{target.name}: is not supported, and the compiler refuses it ({first})", code != 0, "it compiled: then say so in docs/platforms.md")
        return False
    if target.upto == CHECK:
        code, _, error = cargo(target, "check", *PACKAGES)
        what = f"{target.name}: the core and the C ABI pass the compiler ({target.triple})"
    else:
        code, _, error = cargo(target, "build", *ALL)
        what = f"{target.name}: core, C ABI and command line, compiled and linked ({target.triple})"
    # rustc looks for Apple's SDK, and links without.
    known = ("generated", "xcrun")
    warnings = [line for line in error.splitlines() if line.startswith("warning") and not any(word in line for word in known)]
    if code != 0:
        failed(what, error)
    elif warnings:
        failed(what, "\n".join(warnings))
    else:
        passed(what, began=began)
    return code == 0


def starts(target):
    """Why its programs do not run here, or none."""
    code, out, error = run([*target.runner(), target.cli, "--version"])
    if code == 0 and out.startswith(b"reprieve "):
        return None
    return (error or out).decode(errors="replace").strip() or f"it ended with {code}"


def versions():
    """What it is built by and run with, in a line."""
    for command in (["/usr/bin/rustc", "--version"], [ZIG, "version"], ["/usr/bin/aarch64-linux-gnu-gcc", "--version"], ["/usr/bin/qemu-aarch64-static", "--version"]):
        code, out, _ = run(command)
        said = out.decode().splitlines()[0] if code == 0 and out else "missing"
        yield f"zig {said}" if command[0] == ZIG else said if code == 0 else f"{os.path.basename(command[0])} is missing"


def main():
    names = [name for name in sys.argv[1:] if name != "all"]
    strange = set(names) - {target.name for target in TARGETS}
    if strange:
        print(f"there is no platform {', '.join(sorted(strange))}; there are: {', '.join(target.name for target in TARGETS)}", file=sys.stderr)
        return 2
    reference = os.path.join(os.environ.get("REPRIEVE_LIB", os.path.join(ROOT, "target", "release")), "reprieve")
    print("; ".join(versions()), flush=True)
    os.makedirs(WORK, exist_ok=True)
    scenarios, together, phones, macs = native.lines([reference]), [], [], []
    for target in TARGETS:
        if names and target.name not in names:
            continue
        print(f"\n-- {target.name}", flush=True)
        if why := lacks(target):
            not_run(target.name, why)
            continue
        if not build(target):
            continue
        if target.upto == CHECK:
            if target.name.startswith("android"):
                phones.append(target)
            not_run(f"{target.name}: linked", target.why)
            continue
        native.exports(target)
        if target.upto == LINK:
            native.install_name(target)
            macs.append(target)
            not_run(f"{target.name}: run", target.why)
            continue
        if why := starts(target):
            not_run(f"{target.name}: run", why)
            continue
        native.scenarios(target, scenarios)
        native.programs(target, scenarios)
        if target.tests:
            core.tests(target)
        else:
            not_run(f"{target.name}: the core's tests", "they take a slow emulator too long, and another platform of this kind runs them")
        together.append(target)
    print("\n-- what several have in common", flush=True)
    if macs:
        native.universal(macs)
    native.pages(together, phones)
    if together:
        print("\n-- one ledger", flush=True)
        ledgers.tests(reference, together)
    print("\nplatforms: {passed} passed, {failed} failed, {not run} not run".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", os.path.join(WORK, "zig"))
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"FAILED: {error}")
        sys.exit(1)
