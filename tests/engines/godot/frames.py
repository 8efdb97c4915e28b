#!/usr/bin/env python3
"""The frame bench in Godot: 1,000 checks a frame at 60 frames a second, while another process appends and an attempt to renew is under way and asked about,
beside 1,000 calls of an empty method of the extension that reads the coarse clock, in the same run; and what a frame must not do: locks, files and syncs of
its thread, by strace, and allocations by the extension.

frames.py [--json]: rows `name | limit | ours | ratio | ok`. Exits with 1 if one is short, with 3 and a line `not run` if it cannot run here."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kit  # noqa: E402
import run  # noqa: E402
import servers  # noqa: E402

FRAMES = int(os.environ.get("REPRIEVE_BENCH_FRAMES", "600"))
RATIO = 1.5
# What would make a frame wait: locks, files, syncs.
WAITS = re.compile(r"^\d+ +(futex|open|openat|read|pread64|readv|write|pwrite64|writev|fsync|fdatasync|flock|fcntl|stat|newfstatat|statx|lseek|ftruncate|rename|unlink)\(")
APPENDS = "import sys, reprieve\nclient = reprieve.open(sys.argv[1])\nnumber = 0\nwhile True:\n    number += 1\n    client.appeal('appeal %d' % number)\n"


def p99(values):
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def median(values):
    return sorted(values)[len(values) // 2]


def measure(godot, folder, app, trace=None):
    """One run beside a process that appends: the microseconds of each kind, by frame."""
    appends = subprocess.Popen([kit.ROOT / "build" / "venv" / "bin" / "python", "-c", APPENDS, app], stderr=subprocess.PIPE)
    try:
        command = godot.command(folder, "bench.tscn", "--", app, FRAMES if not trace else 120)
        if trace:
            command = ["strace", "-f", "-o", trace, *command]
        code, out, problem = kit.call(command, godot.env(), 300)
        if code or appends.poll() is not None:
            raise RuntimeError(f"status {code}: {out[-500:]}{problem[-500:]}")
    finally:
        appends.kill()
        appends.wait()
    took = {}
    for line in out.splitlines():
        words = line.split()
        if words and words[0] in ("access", "allowed", "empty", "untyped", "loose", "full", "allocating", "renewing"):
            took[words[0]] = [int(word) for word in words[1:]]
    return took


def calls(trace):
    """What the frame's thread, the first, asked of the system between the marks that would make it wait, and how often."""
    seen, main, inside = {}, None, False
    for line in open(trace, errors="replace"):
        thread = line.split(maxsplit=1)[0]
        if "reprieve-bench-begins" in line:
            main, inside = thread, True
        elif "reprieve-bench-ends" in line:
            inside = False
        elif inside and thread == main:
            found = WAITS.match(line)
            if found:
                seen.setdefault(found[1], []).append(line.split(maxsplit=1)[1].strip()[:100])
    if main is None or inside:
        raise RuntimeError("strace saw no measured frames")
    return seen


def rows_of(godot, work):
    with servers.Hole() as server:
        return rows_while_renewing(godot, work, servers.renewing(kit.vendor(work / "product"), server.url))


def rows_while_renewing(godot, work, app):
    folder = godot.project("frames")
    took = measure(godot, folder, app)
    frames = len(took["access"])
    wanted = frames * 3 * 1000
    rows = []
    for name, ours, limit in (("1,000 access() in a frame", "access", "empty"), ("1,000 allowed() in a frame", "allowed", "empty"),
                              ("1,000 allowed() in a frame, untyped", "untyped", "loose")):
        for what, of in (("p99", p99), ("median", median)):
            ratio = of(took[ours]) / max(1, of(took[limit]))
            rows.append({"kind": "times", "name": f"Godot: {name}, {what}", "limit": f"{of(took[limit])} us", "ours": f"{of(took[ours])} us",
                         "ratio": round(ratio, 2), "ok": ratio <= RATIO})
    rows.append({"kind": "calls", "name": "Godot: checks that gave full", "limit": str(wanted), "ours": str(took["full"][0]), "ratio": None,
                 "ok": took["full"][0] == wanted})
    rows.append({"kind": "calls", "name": f"Godot: frames of {frames} in which an attempt to renew was under way", "limit": str(frames // 2),
                 "ours": str(took["renewing"][0]), "ratio": None, "ok": took["renewing"][0] >= frames // 2})
    # A check that meets the keeper's thread in the midst of its writing decides by itself, which is rare, and allocates.
    allocating, counted = took["allocating"]
    rows.append({"kind": "calls", "name": f"Godot: frames of {frames} in whose checks the extension allocated", "limit": str(frames // 100),
                 "ours": str(allocating), "ratio": None, "ok": allocating <= frames // 100 and counted > 0})
    if shutil.which("strace"):
        seen = calls_of(godot, folder, app, work / "trace")
        for name, words in (("locks", ("futex", "flock")), ("files", ("open", "openat", "read", "pread64", "readv", "write", "pwrite64", "writev", "stat",
                                                                    "newfstatat", "statx", "lseek", "ftruncate", "rename", "unlink", "fcntl")),
                            ("syncs", ("fsync", "fdatasync"))):
            count = sum(len(seen.get(word, [])) for word in words)
            rows.append({"kind": "calls", "name": f"Godot: {name} of the frame's thread in 120 frames", "limit": "0", "ours": str(count), "ratio": None,
                         "ok": count == 0, "seen": [line for word in words for line in seen.get(word, [])][:5]})
    else:
        print("not run: what the frame's thread asks of the system: strace is missing", file=sys.stderr)
    return rows


def calls_of(godot, folder, app, trace):
    measure(godot, folder, app, trace)
    return calls(trace)


def main():
    program, why = run.engine()
    if not why and not kit.CLI.exists():
        why = f"there is no command line in {kit.LIB}"
    if why:
        print(f"not run: the frame bench in Godot: {why}")
        return 3
    library = os.environ.get("REPRIEVE_GODOT_PROBE") or run.built("--features", "probe")
    with tempfile.TemporaryDirectory(dir=kit.environment().get("TMPDIR")) as work:
        rows = rows_of(run.Godot(program, work, library), pathlib.Path(work))
    if "--json" in sys.argv[1:]:
        print(json.dumps({"engine": "godot", "load": os.getloadavg()[0], "frames": FRAMES, "rows": rows}, indent=1))
    else:
        print(f"load {os.getloadavg()[0]:.1f}, {FRAMES} frames")
        for row in rows:
            ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
            print(" | ".join((row["name"], row["limit"], row["ours"], ratio, "ok" if row["ok"] else "short")), *row.get("seen", []), sep="\n    ")
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
