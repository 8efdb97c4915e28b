"""What the tests of the platforms share: outcomes, commands, cargo."""

import json
import os
import signal
import subprocess
import time

from targets import ROOT, WORK

LATEST = 1500  # seconds after which a command hangs
counts = {"passed": 0, "failed": 0, "not run": 0}


def passed(name, number=1, began=None):
    counts["passed"] += number
    print(f"ok       {name}" + (f" ({time.monotonic() - began:.0f} s)" if began is not None else ""), flush=True)


def failed(name, why, number=1):
    counts["failed"] += number
    print(f"FAILED   {name}: {str(why).strip()[-4000:]}", flush=True)


def not_run(name, why, number=1):
    counts["not run"] += number
    print(f"not run  {name}: {why}", flush=True)


def expect(name, holds, why=""):
    (passed(name) if holds else failed(name, why))
    return holds


def run(command, timeout=LATEST, **more):
    """Runs a command: its exit code and what it printed, to stdout and to stderr. What takes too long is ended, with all that it started, and has no code."""
    try:
        child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **more)
    except OSError as error:
        return None, b"", str(error).encode()
    try:
        out, error = child.communicate(timeout=timeout)
        return child.returncode, out, error
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, error = child.communicate()
        return None, out, error + f"\nit took longer than {timeout} s".encode()
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise


def call(name, command, **more):
    """Runs a command that must succeed; gives what it printed, or none."""
    began = time.monotonic()
    code, out, error = run(command, **more)
    if code != 0:
        failed(name, f"{' '.join(map(str, command))}\nended with {code}\n{(out[-2000:] + error[-3000:]).decode(errors='replace')}")
        return None
    passed(name, began=began)
    return out


def cargo(target, *words):
    """Cargo for a target, its standard library built from source: the exit code, the messages that it prints as JSON, and all that went wrong."""
    # Where cargo links, zig is its linker.
    zig = target.zig and words[0] in ("build", "test")
    command = ["cargo-zigbuild" if zig else "/usr/bin/cargo", *words[:1], "--locked", "-Zbuild-std=std,panic_unwind", "--target", target.triple,
               "--message-format=json-render-diagnostics", "--config", "profile.dev.package.ring.opt-level=3", *words[1:]]  # fmt: skip
    env = target.environment()
    if zig:
        # Its own name leads to the cargo of somebody's toolchain.
        command[0] = next(path for folder in env["PATH"].split(os.pathsep) if os.path.exists(path := os.path.join(folder, command[0])))
    elif target.zig:
        low = target.triple.replace("-", "_")
        # Of C that is compiled and not linked, Apple's SDK and its flags are no part.
        env.update({f"CC_{low}": " ".join(target.compiler() or ["zig"]), "SDKROOT": WORK, "CRATE_CC_NO_DEFAULTS": "1"})
    env["ZIG_GLOBAL_CACHE_DIR"] = os.path.join(WORK, "zig")
    code, out, error = run(command, cwd=ROOT, env=env)
    messages = [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]
    return code, messages, error.decode(errors="replace")
