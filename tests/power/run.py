#!/usr/bin/env python3
"""Power cuts on a real kernel: a guest with ext4 on a disk whose every write and flush is logged.

Six writers in two processes append to two ledgers and claim, on the same disk behind the file system, what was acknowledged to them.
The guests are cut off at random, each going on where the one before was cut; then every state that the disk may have been left in is made
from its log, mounted here, and judged: every claim holds, nothing is damaged or suspect, the next append works. Of unflushed writes a state
keeps all, none, or a random part, torn between sectors.

It is no test of hardware: the disk's cache is as volatile as QEMU's log of it says, a write that is still under way beside a flush counts as
covered by it, and no disk is asked whether it lies about its flushes.
"""

import argparse
import collections
import concurrent.futures
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import disklog  # noqa: E402
import guest  # noqa: E402
from guest import FILE_SYSTEM, Lacking, call  # noqa: E402

TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
MOUNTS = 3


class Judge:
    """Mounts images and lets the writer's `check` judge them, some at a time."""

    def __init__(self, folder, writer):
        self.writer = writer
        self.pool = concurrent.futures.ThreadPoolExecutor(MOUNTS)
        self.slots = queue.Queue()
        for number in range(MOUNTS):
            slot = os.path.join(folder, f"state-{number}")
            os.makedirs(slot + ".mounted")
            self.slots.put(slot)

    def start(self, image, claims, name):
        """The judgement, to come: what is wrong, and what had to be mended. `image` is copied before this returns."""
        slot = self.slots.get()
        with open(slot, "wb") as file:
            file.write(image)
        return self.pool.submit(self.judge, slot, claims, name)

    def judge(self, slot, claims, name):
        try:
            folder = slot + ".mounted"
            mounted = subprocess.run(["mount", "-t", "ext4", "-o", "loop", slot, folder], stderr=subprocess.PIPE, text=True)
            if mounted.returncode:
                return f"{name}: ext4 does not mount it: {mounted.stderr.strip()}", ()
            try:
                lines = "".join(claim + "\n" for claim in claims)
                checked = subprocess.run([self.writer, "check", folder], input=lines, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         text=True)
            finally:
                call("umount", folder)
            if checked.returncode:
                return f"{name}: {checked.stdout.strip()[-500:]}", ()
            return None, checked.stdout.split("mended:")[1].split()
        finally:
            self.slots.put(slot)


class Test:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.random = random.Random(args.seed)
        self.passed = self.failed = 0
        self.root = guest.obtain(args.build)
        call("cargo", "build", "--locked", "--quiet", "--release", "-p", "reprieve", "--example", "power_writer", cwd=ROOT)
        # A copy: what is built meanwhile is another one.
        self.writer = shutil.copy(os.path.join(TARGET, "release", "examples", "power_writer"), folder)
        self.ramfs = guest.initramfs(folder, self.root, self.writer)
        self.judge = Judge(folder, self.writer)
        self.path = lambda name: os.path.join(folder, name)

    def verdict(self, good, text):
        print(("ok      " if good else "FAILED  ") + text, flush=True)
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        return good

    def boot(self, count, cut, more=""):
        """Runs a guest on the disk as it is: whether it ended by itself, and whether it did what it should."""
        for _ in range(3):
            ended, good, said = self.boot_once(count, cut, more)
            # On a busy machine a kernel's own checks of timers may stop it, before it has seen the disk.
            if "power: mounted" in said:
                break
        if not good:
            print(said[-3000:])
        return ended, good

    def boot_once(self, count, cut, more):
        disk, console = self.path("disk"), self.path("console")
        before = guest.claims_on(disk)
        running = guest.Guest(self.root, self.ramfs, disk, self.path("log"), console, f"work /mnt /dev/vda {FILE_SYSTEM} {count} {more}")
        try:
            alive = running.wait(before + cut if cut else None)
            ended = running.process.poll() is not None
            if alive and not ended and cut:
                # Not only just after a claim.
                try:
                    running.process.wait(self.random.random())
                except subprocess.TimeoutExpired:
                    pass
                ended = running.process.poll() is not None
        finally:
            running.cut()
        said = running.said()
        good = alive and "FAILED" not in said and "judged:" in said
        good = good and (not ended or ("writer ended with 0" in said and "power: unmounted" in said))
        return ended, good, said

    def all_judged(self, states):
        """Judges states as they come: how many, what is wrong with any, and how many had to be mended in which way."""
        waiting, wrong, mended, count = collections.deque(), [], collections.Counter(), 0

        def take():
            text, how = waiting.popleft().result()
            wrong.extend([text] if text else [])
            mended.update(how)

        for image, claims, name in states:
            waiting.append(self.judge.start(image, claims, name))
            count += 1
            if len(waiting) > MOUNTS:
                take()
        while waiting:
            take()
        return count, wrong, mended

    def replay(self, base, entries, name):
        count, wrong, mended = self.all_judged(disklog.states(base, entries, self.args.seed, self.args.states))
        flushes = sum(bool(entry.flags & (disklog.FLUSH | disklog.FUA)) for entry in entries)
        claims = sum(entry.claim is not None for entry in entries)
        for text in wrong[:10]:
            print("  " + text)
        if wrong and not self.args.kept:
            kept = tempfile.mkdtemp(prefix="kept-", dir=self.args.build)
            shutil.copy(self.path("log"), kept)
            with open(os.path.join(kept, "disk"), "wb") as file:
                file.write(base)
            print(f"  the same states again: {sys.argv[0]} --seed {self.args.seed} --kept {kept}")
        self.verdict(count > 0 and not wrong, f"{name}: {len(entries)} log entries, {flushes} flushes, {claims} acknowledgements; "
                     f"{count} states replayed and opened, {len(wrong)} not as they must be; of the log's ledger "
                     f"{mended['tail']} torn tails were cut, {mended['header']} headers mended, {mended['creation']} creations begun anew")

    def cuts(self):
        """Guests that are cut off one after another, each judging first what the cut before it left."""
        guest.make_disk(self.path("disk"))
        good = claims = 0
        for _ in range(self.args.cuts):
            good += self.boot(self.args.records, self.random.randrange(1, 80))[1]
            left = self.read_disk()
            claimed = disklog.claims(left)
            claims = len(claimed)
            wrong = self.all_judged([(left, claimed, "the disk as it was left")])[1]
            good -= bool(wrong)
            for text in wrong:
                print("  " + text)
        self.verdict(good == self.args.cuts, f"{good} of {self.args.cuts} cuts in a row left a disk as it must be, with {claims} acknowledgements")

    def read_disk(self):
        with open(self.path("disk"), "rb") as file:
            return file.read()

    def run(self, number, cut):
        """One guest after another on the same disk; each log is replayed from how the disk was when the guest began."""
        base = self.read_disk()
        before = guest.claims_on(self.path("disk"))
        ended, good = self.boot(self.args.records, cut)
        left = self.read_disk()
        claims = disklog.claims(left)
        name = f"guest {number}"
        how = "ended by itself" if ended else "was cut off"
        self.verdict(good, f"{name} {how} after {len(claims) - before} acknowledgements, {len(claims)} in all")
        _, wrong, _ = self.all_judged([(left, claims, "the disk as it was left")])
        self.verdict(not wrong, f"{name}: the disk as it was left {'; '.join(wrong) or 'is as it must be'}")
        entries = disklog.read(self.path("log"))
        if ended:
            self.verdict(disklog.replayed(base, entries) == left, f"{name}: the whole log, replayed, gives the disk byte for byte")
        self.replay(base, entries, name)
        count, wrong, _ = self.all_judged(disklog.behind_its_claims(base, entries, self.random, self.args.controls))
        refused = sum(": no " in text for text in wrong)
        self.verdict(count and refused == count, f"{name}: {refused} of {count} states from before what they claim are refused for it")

    def unsynced(self):
        """A writer that does not sync what it acknowledges must be found out, or no state here says anything."""
        guest.make_disk(self.path("disk"))
        base = self.read_disk()
        _, good = self.boot(30, None, "nosync")
        entries = disklog.read(self.path("log"))
        count, wrong, _ = self.all_judged(disklog.states(base, entries, self.args.seed, 100))
        lost = sum(": no record" in text for text in wrong)
        self.verdict(good and lost, f"a writer that does not sync: {lost} of {count} states lack an acknowledged record")


def guests(test):
    guest.make_disk(test.path("disk"))
    for number in range(1, test.args.guests + 1):
        # A guest acknowledges about three and a half times what one writer does; the cut comes anywhere in that.
        cut = None if number == test.args.guests else test.random.randrange(1, test.args.records * 4)
        test.run(number, cut)
    if not test.args.quick:
        test.cuts()
        test.unsynced()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one guest, a hundred states")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--guests", type=int, default=5, help="how many guests, the last of which ends by itself")
    parser.add_argument("--cuts", type=int, default=12, help="how many further guests are cut off one after another")
    parser.add_argument("--records", type=int, default=150, help="how many records a writer appends in each guest")
    parser.add_argument("--states", type=int, help="at most so many states of each guest, at random; all of them unless said")
    parser.add_argument("--kept", help="no guest: the states of a disk and log that an earlier run has kept")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "power"), help="where the packages are kept")
    args = parser.parse_args()
    args.controls = 5 if args.quick else 20
    if args.quick:
        args.guests, args.records, args.states = 1, 60, args.states or 100
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("unshare") is None:
        print("not run: needs Linux, and root to mount what a power cut left")
        print("power: 0 passed, 0 failed, 1 not run")
        return 0
    if "REPRIEVE_POWER_INSIDE" not in os.environ:
        # Mounts of its own: none is left behind, however this ends.
        env = dict(os.environ, REPRIEVE_POWER_INSIDE="1")
        os.execvpe("unshare", ["unshare", "--mount", sys.executable, os.path.abspath(__file__), *sys.argv[1:]], env)
    # A run that is told to end takes its guest and its disks along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"seed {args.seed}", flush=True)
    os.makedirs(args.build, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="reprieve-power-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        try:
            test = Test(args, folder)
        except Lacking as lacking:
            print(f"not run: {lacking}")
            print("power: 0 passed, 0 failed, 1 not run")
            return 0
        if args.kept:
            with open(os.path.join(args.kept, "disk"), "rb") as file:
                test.replay(file.read(), disklog.read(os.path.join(args.kept, "log")), args.kept)
        else:
            guests(test)
    print(f"power: {test.passed} passed, {test.failed} failed, 0 not run")
    return 1 if test.failed else 0


if __name__ == "__main__":
    sys.exit(main())
