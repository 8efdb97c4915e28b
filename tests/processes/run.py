#!/usr/bin/env python3
"""Writers in C++, C# and Python on one ledger, killed with SIGKILL again and again, while archives, re-keyings and readers go on.

Each writer says what it is about to do and what was acknowledged; the lines lie in a pipe that outlives it. Kills come at random: while it starts, while
it opens the ledger, in the middle of a step, while a write larger than a page goes on, while an event is acknowledged. Every so many kills all is
stopped and the ledger is judged (see atrest.py). Then (see cuts.py) a kill comes at each call on the ledger's files in turn, in the middle of writes too.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter

import atrest
import cuts
import vendor as vendors
from atrest import CLI, LIB, PAGE, ROOT, Broken, expect

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(ROOT, "build", "processes")
LATEST = 300  # seconds after which a process that should have ended hangs
CARE = (0.3, 1.2)  # seconds between two archives or re-keyings


def build():
    """The writers' commands, by language, and why one is missing."""
    os.makedirs(BUILD, exist_ok=True)
    written = os.path.join(BUILD, "writer")
    subprocess.run(
        ["c++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(ROOT, "include"), os.path.join(HERE, "writer.cpp"),
         "-o", written, "-L", LIB, "-lreprieve", f"-Wl,-rpath,{LIB}"], check=True)  # fmt: skip
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", os.path.join(HERE, "cut.c"), "-o", cuts.CUT], check=True)
    commands = {"cpp": [written], "py": [sys.executable, os.path.join(HERE, "writer.py")]}
    if shutil.which("mcs") and shutil.which("mono"):
        source = os.path.join(ROOT, "bindings", "csharp", "src")
        sources = [os.path.join(source, name) for name in sorted(os.listdir(source)) if name.endswith(".cs")]
        subprocess.run(["mcs", "-warnaserror", "-langversion:7.2", f"-out:{written}.exe", os.path.join(HERE, "Writer.cs"), *sources], check=True)
        commands["cs"] = ["mono", written + ".exe"]
    else:
        print("not run: the C# writer; mcs and mono are not installed")
    return commands


class Writer:
    """The lives of one writer, one after the other."""

    def __init__(self, name, command, vendor, place, rng):
        self.name, self.command, self.place, self.rng = name, command, place, rng
        self.plan = vendors.Plan(vendor, name, rng)
        self.next, self.kills, self.lives, self.acknowledged, self.begin = 0, Counter(), [], [], []
        self.opening = 0.1

    def start(self, plan):
        return subprocess.Popen([*self.command, self.place.app, self.name, plan], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def took(self, line, marks):
        """Takes a line; one that is cut off was not said."""
        if not line.endswith(b"\n"):
            return ""
        word, *rest = line.decode().split()
        if word in ("event", "acked"):
            marks.append((word, (int(rest[0]), int(rest[1]))))
        elif word == "done":
            step = self.plan.steps[int(rest[0])]
            self.acknowledged.append((step, rest[1]))
            self.next = step.number + 1
        return word

    def ended(self, process, marks, killed):
        """All that it said, and how it ended."""
        for line in process.stdout:
            self.took(line, marks)
        error = process.stderr.read().decode()
        process.stdout.close()
        process.stderr.close()
        code = process.wait(LATEST)
        self.lives.append(marks)
        expect(code == 0 or (killed and code == -9), f"{self.name} ended with {code}: {error}")
        return code == -9

    def live(self, lines):
        """A life to its natural end, by a plan of these lines."""
        path = self.plan.path + ".short"
        with open(path, "w") as file:
            file.writelines(f"{line}\n" for line in lines)
        process, marks = self.start(path), []
        for line in process.stdout:
            if not line.startswith(b"done"):
                self.took(line, marks)
        self.ended(process, marks, False)

    def life(self):
        """A life that is ended by a kill, unless the plan ends first."""
        way = self.rng.choices(["start", "loop", "step", "write", "event"], [3, 3, 6, 5, 3])[0]
        process, marks = self.start(self.plan.write(self.next)), []
        watch = threading.Timer(LATEST, process.kill)
        watch.start()
        began, steps = time.monotonic(), self.rng.randrange(1, 12)
        try:
            if way == "start":
                time.sleep(self.rng.uniform(0, 1.2 * self.opening))
            else:
                for line in process.stdout:
                    word = self.took(line, marks)
                    if word == "open":
                        self.opening = 0.7 * self.opening + 0.3 * (time.monotonic() - began)
                        if way == "loop":
                            time.sleep(self.rng.uniform(0, 0.05))
                            break
                    elif word == "begin" and way == "step":
                        steps -= 1
                        if steps == 0:
                            time.sleep(self.rng.uniform(0, 0.003))
                            break
                    elif word == "begin" and way == "write" and self.plan.steps[int(line.split()[1])].size > 1 << 16:
                        self.while_it_writes()
                        break
                    elif word == "event" and way == "event":
                        time.sleep(self.rng.uniform(0, 0.001))
                        break
            process.kill()
            if self.ended(process, marks, True):
                self.kills[way] += 1
        finally:
            watch.cancel()
            expect(time.monotonic() - began < LATEST, f"{self.name} hung")

    def while_it_writes(self):
        """Returns when the log grows: a write larger than the space that was filled ahead is under way, or about to be."""
        with open(self.place.newest(), "rb") as file:
            size, until = os.fstat(file.fileno()).st_size, time.monotonic() + 0.05
            while os.fstat(file.fileno()).st_size == size and time.monotonic() < until:
                pass
        if self.rng.random() < 0.5:
            time.sleep(self.rng.uniform(0, 0.0003))


class Run:
    """One ledger and all that goes on on it."""

    def __init__(self, folder, commands, rng):
        self.rng, self.counts, self.failures, self.stop = rng, Counter(), [], threading.Event()
        self.vendor = vendors.Vendor(folder)
        self.place = atrest.Place(folder, self.vendor.secret)
        self.writers = [Writer(name, command, self.vendor, self.place, random.Random(rng.random())) for name, command in commands.items()]
        self.slowest, self.torn, self.history, self.reader = 0.0, [], [], []
        self.care = atrest.care()
        with atrest.reprieve.open(self.vendor.app) as client:
            expect(client.import_document(self.vendor.policy()).accepted, "the policy is accepted")
        for writer in self.writers:
            # A new consumer begins at the end.
            writer.live(["0 events 1"])
            writer.begin = atrest.told(atrest.exported(self.vendor.app))

    def guarded(self, work, *arguments):
        def guard():
            try:
                work(*arguments)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it ends the run
                self.failures.append(f"{getattr(work, '__name__', work)}: {type(error).__name__}: {error}")
                self.stop.set()

        thread = threading.Thread(target=guard)
        thread.start()
        return thread

    def kill(self, writer, kills):
        """A writer's lives until it was killed so often."""
        upto = sum(writer.kills.values()) + kills
        while sum(writer.kills.values()) < upto and not self.stop.is_set():
            writer.life()

    def look_after(self, rng):
        """Archives and re-keys, some of which are killed as well."""
        while not self.stop.wait(rng.uniform(*CARE)):
            words = rng.choice(self.care)
            what = " ".join(words)
            process = subprocess.Popen([CLI, "ledger", *words, "--app", self.place.app], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if rng.random() < 0.4:
                time.sleep(rng.uniform(0, 0.06))
                process.kill()
            error = process.communicate(timeout=LATEST)[1]
            if process.returncode == 0:
                self.counts[what] += 1
            elif process.returncode == -9:
                self.counts[f"{what} killed"] += 1
            else:
                # 3: another had the lock for all of the command line's time.
                expect(process.returncode == 3 and "lock" in error, f"{what}: {process.returncode}: {error}")
                self.counts[f"{what} busy"] += 1

    def verify(self):
        """Reads from outside, with no lock: never a broken record, and what was read once stays."""
        seen = []
        while not self.stop.wait(0.3):
            atrest.verified(self.place.app)
            first = seen[-1]["record"] if seen else 0
            old = [event for event in seen if event["record"] >= first]
            new = atrest.exported(self.place.app, first)
            expect(new[: len(old)] == old, f"from record {first} on {old} was read, then {new[:len(old)]}")
            seen = new
            self.counts["reads from outside"] += 2

    def read(self):
        """The product that only looks."""
        process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "reader.py"), self.place.app], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        marks = []
        ender = threading.Thread(target=lambda: (self.stop.wait(), process.stdin.close()))
        ender.start()
        for line in process.stdout:
            word, *rest = line.split()
            if word in ("event", "acked"):
                marks.append((word, (int(rest[0]), int(rest[1]))))
            elif word == "looks":
                self.counts["looks of an open product"] += int(rest[0])
        error = process.stderr.read()
        self.reader.append(marks)
        if process.wait(LATEST):
            raise Broken(f"reader.py: {error[-3000:]}")
        ender.join()

    def round(self, kills):
        """So many kills of each writer, and then the judgement."""
        self.stop.clear()
        threads = [self.guarded(self.kill, writer, kills) for writer in self.writers]
        others = [self.guarded(self.look_after, random.Random(self.rng.random())), self.guarded(self.verify), self.guarded(self.read)]
        for thread in threads:
            thread.join()
        self.stop.set()
        for thread in others:
            thread.join()
        if self.failures:
            raise Broken("\n".join(self.failures))
        history, took = self.place.sound()
        expect(history[: len(self.history)] == self.history, "what was there before is not there now")
        self.history, self.slowest, self.torn = history, max(self.slowest, took), self.place.torn()
        everywhere = 0
        for writer in self.writers:
            reported, news = atrest.present(writer.name, writer.acknowledged, history)
            everywhere += reported
        expect(everywhere <= news, "a report that was news is not in the ledger")

    def finish(self):
        """Every consumer takes what it has not had, and had all."""
        for writer in self.writers:
            writer.live(["0 events 1000000"])
        history, _ = self.place.sound()
        for writer in self.writers:
            # What the others' last lives recorded came after.
            atrest.delivered(writer.name, writer.begin, writer.lives, history)
        return len(atrest.told(history))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, help="of each writer at random")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--folder", help="where the ledger lies; it is kept if the run fails")
    args = parser.parse_args()
    soak = bool(os.environ.get("REPRIEVE_SOAK"))
    kills, rounds, each = args.kills or 100, 2, 10 if soak else 1
    print(f"seed {args.seed}")
    commands = build()
    os.environ["LD_LIBRARY_PATH"] = LIB + os.pathsep + os.environ.get("LD_LIBRARY_PATH", "")
    began, rng, total = time.monotonic(), random.Random(args.seed), Counter()
    folder = tempfile.mkdtemp(prefix="reprieve-processes-", dir=args.folder)
    try:
        for ledger in range(each):
            total.update(random_kills(os.path.join(folder, str(ledger)), commands, rng, kills, rounds))
        total.update(cuts.all_of(os.path.join(folder, "cuts"), commands, soak))
    except Broken as error:
        print(f"FAILED: {error}\nthe files are kept in {folder}")
        print("processes: 0 passed, 1 failed")
        return 1
    shutil.rmtree(folder)
    for what, count in total.items():
        print(f"  {count} {what}")
    print(f"processes: {total['kills']} kills, 1 passed, 0 failed; {time.monotonic() - began:.0f} s")
    return 0


def random_kills(folder, commands, rng, kills, rounds):
    os.makedirs(folder)
    run, total = Run(folder, commands, rng), Counter()
    if len(run.care) == 1:
        print("not run: re-keyings while writers are killed; `reprieve ledger` has no rekey")
    for _ in range(rounds):
        run.round(kills // rounds)
    total["events delivered to each consumer"] = run.finish()
    for writer in run.writers:
        total["kills"] += sum(writer.kills.values())
        total.update({f"kills of {writer.name}, {way}": count for way, count in sorted(writer.kills.items())})
        total["acknowledged steps"] += len(writer.acknowledged)
        total["of them documents larger than 64 KiB"] += sum(step.size > 1 << 16 for step, _ in writer.acknowledged)
    total["records' events in the ledger"] = len(run.history)
    total["torn tails"] = len(run.torn)
    total["of them longer than a page"] = sum(size > PAGE for size in run.torn)
    total.update(run.counts)
    print(f"  the slowest open at rest took {run.slowest * 1000:.0f} ms")
    return total


if __name__ == "__main__":
    sys.exit(main())
