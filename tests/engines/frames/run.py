#!/usr/bin/env python3
"""A frame's share, with another process that appends to the same ledger all the time and upkeep on another thread: on the frame's thread no
system call is made between the first and the last of a thousand checks (so no lock is waited for, no file touched, nothing synced), and nothing
is allocated. In LuaJIT, LÖVE and pygame; frames in which LuaJIT's own compiler was at work are replaced by others. How long it takes is measured by `make bench`, group `frames`. The last line counts."""

import contextlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import kit  # noqa: E402

SECONDS, FRAMES, WARM = 5, 300, 60
# Transitions, first uses and a look in the middle of a renewal cost a frame something: none of them happens here.
CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
MARK = re.compile(r'-1, "(begin|end|compiled)"')
counts = kit.Counts("frames")


class Place:
    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.library = self.work / "libframes.so"
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", HERE / "frames.c", "-o", self.library, "-lpthread"], check=True)
        self.app = kit.vendor(self.work / "product")
        self.env = kit.environment(FRAMES_EVERY=100, FRAMES_LIB=self.library, REPRIEVE_LIB=kit.LIB, LUA_PATH=f"{kit.BINDING}/?.lua;{HERE}/?.lua;;", HOME=self.work,
                                   XDG_DATA_HOME=self.work / "data", SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy")

    @contextlib.contextmanager
    def writer(self):
        """Another process, that appends all the time; at the end it must have gone on."""
        with subprocess.Popen([kit.PYTHON, HERE / "writer.py", self.app], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
            if writer.stdout.readline() != b"appending\n":
                raise RuntimeError("the other process does not append")
            try:
                yield
            finally:
                writer.stdin.close()
                written = int(writer.stdout.readline() or 0)
        if written < 50:
            raise RuntimeError(f"the other process appended {written} records only")

    def run(self, command, tracer=()):
        preload = {"LD_PRELOAD": str(self.library)} if not tracer else {}
        with self.writer():
            return kit.call([*tracer, *command, "quiet", self.app, SECONDS], dict(self.env, **preload))


def allocations(place, command):
    code, out, problem = place.run(command)
    seen = re.fullmatch(r"checks (\d+) allocated (-?\d+) before (\d+)\n", out)
    if code or not seen:
        return f"status {code}: {out}{problem[-500:]}"
    checks, allocated, before = map(int, seen.groups())
    if checks < FRAMES * 1000 or before < 100:
        return f"only {checks} checks, or the counter does not count: it saw {before} allocations in all"
    return f"{allocated} allocations or bytes in {checks} checks" if allocated else None


def system_calls(place, command):
    trace = place.work / "trace"
    code, out, problem = place.run(command, ["strace", "-f", "-o", trace])
    if code:
        return f"status {code}: {out}{problem[-500:]}"
    calls = [match.groups() for match in map(CALL.match, trace.read_text(errors="replace").splitlines()) if match]
    thread = next(thread for thread, name, rest in calls if name == "write" and MARK.match(rest))
    ended, inside, during, found = {"end": 0, "compiled": 0}, False, [], []
    for at, name, rest in calls:
        if at != thread:
            continue
        mark = MARK.match(rest) if name == "write" else None
        if mark is None:
            during += [name] * inside
            continue
        word, inside = mark[1], mark[1] == "begin"
        if inside:
            during = []
            continue
        ended[word] += 1
        if word == "end" and sum(ended.values()) > WARM:
            found += during
    if ended["end"] < FRAMES:
        return f"only {ended['end']} frames stand in the trace, and {ended['compiled']} in which a compiler was at work"
    others = {name for at, name, _ in calls if at != thread}
    if not others & {"flock", "pread64", "fcntl", "read", "statx", "fstat"}:
        return "no upkeep was seen on any other thread"
    return f"{len(found)} in {FRAMES} frames: {', '.join(sorted(set(found)))}" if found else None


def why_no_trace():
    if shutil.which("strace") is None:
        return "strace is missing"
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return None if done.returncode == 0 else "strace may trace nothing here"


def main():
    pygame = kit.PYTHON.exists() and kit.call([kit.PYTHON, "-c", "import pygame, reprieve"], kit.environment())[0] == 0
    engines = {"LuaJIT": ([shutil.which("luajit"), HERE / "frame.lua"], shutil.which("luajit")),
               "LÖVE": ([shutil.which("love"), HERE / "love"], shutil.which("love")),
               "pygame": ([kit.PYTHON, HERE / "frame.py"], pygame)}
    lacking = None
    if shutil.which("cc") is None or not kit.LIBRARY.exists() or not kit.CLI.exists():
        lacking = f"needs a C compiler, and the library and command line in {kit.LIB}"
    elif not kit.PYTHON.exists() or kit.call([kit.PYTHON, "-c", "import reprieve"], kit.environment())[0]:
        lacking = "the other process is in Python: scripts/engines.sh makes build/engines/venv"
    with tempfile.TemporaryDirectory(dir=kit.environment().get("TMPDIR")) as work:
        place = None if lacking else Place(work)
        for engine, (command, there) in engines.items():
            for what, body in (("what the frame's thread allocates", allocations), ("system calls of the frame's thread", system_calls)):
                name = f"{what}, {engine}"
                why = lacking or (None if there else f"{engine} is missing") or (why_no_trace() if body is system_calls else None)
                if why:
                    counts.skip(name, why)
                else:
                    counts.run(name, body, place, command)
    return counts.finish()


if __name__ == "__main__":
    sys.exit(main())
