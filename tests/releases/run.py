#!/usr/bin/env python3
"""This release and the next one on one ledger at once, in both orders.

What the next release could be is built with `--cfg reprieve_next` (see src/next.rs): with each record it writes an event that this
release does not know. One that may be skipped; with REPRIEVE_NEXT=must_understand one that must be understood; and with
REPRIEVE_NEXT=level its archive raises the ledger's level. This release's products are a C++ program and a Python one; the next one's
is the same C++ program with the other library."""

import calendar
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LIB = Path(os.environ.get("REPRIEVE_LIB", ROOT / "target" / "release"))
CLI = os.environ.get("REPRIEVE_CLI", str(ROOT / "target" / "release" / "reprieve"))
NEXT = ROOT / "build" / "next"
NEWER = 306

POLICY = {
    "schema": 1,
    "id": "acme",
    "version": 1,
    "default_tier": "basic",
    "governance": {"approvals": 1, "max_extension": "7d"},
    "tiers": {
        "basic": {
            "warn": ["24h"],
            "network": {"allowance": "14d"},
            "server": {"allowance": "14d"},
            "unknown": {"allowance": "3d"},
            "maintenance": {"allowance": "7d", "margin": "12h"},
        }
    },
}


def build_next():
    """The library and the command line of the next release. Unoptimised: it is as fast to build as can be."""
    env = {**os.environ, "RUSTFLAGS": os.environ.get("RUSTFLAGS", "") + " --cfg reprieve_next"}
    command = ["cargo", "build", "--locked", "--quiet", "--target-dir", str(NEXT), "-p", "reprieve-c", "-p", "reprieve-cli"]
    subprocess.run(command, cwd=ROOT, env=env, check=True)


class Product:
    """A process of one release that has the ledger open."""

    def __init__(self, command, folder, lib, policy=None, asks=None):
        env = {**os.environ, "LD_LIBRARY_PATH": str(lib)}
        env.pop("REPRIEVE_NEXT", None)
        if asks:
            env["REPRIEVE_NEXT"] = asks
        words = [*command, str(folder), *([json.dumps(policy)] if policy else [])]
        self.process = subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.opened = self.receive()

    def send(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")

    def receive(self):
        line = self.process.stdout.readline()
        assert line, f"the product ended with {self.process.wait()}"
        return json.loads(line)

    def ask(self, *words):
        if words[0] == "check":
            # A check looks at the ledger every 10 ms at most.
            time.sleep(0.02)
        self.send(*words)
        return self.receive()

    def give(self, kind, **claims):
        return self.ask(kind, json.dumps(claims))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class World:
    """A drill's folder, and what may be done to it from outside."""

    def __init__(self, folder, products, stack):
        self.folder, self.products, self.stack = Path(folder), products, stack

    def open(self, release, policy=None, asks=None):
        command, lib = self.products[release]
        return self.stack.enter_context(Product(command, self.folder, lib, policy, asks))

    def pair(self, first, asks=None):
        """Both releases at work; `first` has made the ledger. This one and the next one, in that order."""
        second = "next" if first == "old" else "old"
        made = {first: self.open(first, POLICY, asks if first == "next" else None)}
        made[second] = self.open(second, None, asks if second == "next" else None)
        return made["old"], made["next"]

    def archive(self, release, *open_products, asks=None):
        """Checks see another file at every eighth look, so products that are to see it at once do upkeep."""
        code, text = self.cli(release, "archive", asks=asks)
        assert code == 0 and "goes on in generation" in text, text
        for product in open_products:
            assert product.ask("upkeep") is True

    def cli(self, release, *words, asks=None):
        command = CLI if release == "old" else str(NEXT / "debug" / "reprieve")
        env = {**os.environ, **({"REPRIEVE_NEXT": asks} if asks else {})}
        done = subprocess.run([command, "ledger", *words, "--drill", str(self.folder)], env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def logs(self):
        """All generations, byte for byte."""
        return {path.name: path.read_bytes() for path in (self.folder / "ledger").glob("*.ledger")}

    def folds(self):
        """The fold versions of the snapshots that are there."""
        files = sorted((self.folder / "ledger").glob("*.snapshot.?"))
        return [int.from_bytes(path.read_bytes()[12:16], "little") for path in files]

    def unknown(self):
        """How many events the ledger holds that this release does not know, by type."""
        code, text = self.cli("old", "history")
        assert code == 0, text
        kinds = [line.rsplit("(type ", 1)[1].split(")")[0] for line in text.splitlines() if "(type " in line]
        return {kind: kinds.count(kind) for kind in set(kinds)}


def decided(product, feature="core"):
    """All of a decision but the instant at which it was asked for, and what the next release alone says."""
    decision = product.ask("check", feature)
    return {key: value for key, value in decision.items() if key not in ("t", "flags", "trouble")}


def newer(product):
    return product.ask("check", "core")["flags"]["newer"]


def counts(product):
    """How many of its events the next release has folded."""
    return product.ask("check", "core")["trouble"]


def nanoseconds(text):
    """An instant as nanoseconds since 1970."""
    whole, _, part = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(part.ljust(9, "0") or 0)


def equal(ours, theirs):
    """Equal to the nanosecond; but what is foretold of a suspect ledger rests on two clocks, which are not read at one instant."""
    near = dict(theirs)
    if ours["ledger"] != "ok":
        for key in ("until", "ends"):
            if ours[key] and theirs[key] and abs(nanoseconds(ours[key]) - nanoseconds(theirs[key])) < 10**7:
                near[key] = ours[key]
    return ours == near


def same(old, new):
    for feature in ("core", "render", "export"):
        ours, theirs = decided(old, feature), decided(new, feature)
        assert equal(ours, theirs), f"this release decides {ours}, the next one {theirs}"
    return decided(old)


def refused(reply, *words):
    assert isinstance(reply, dict) and reply["status"] == NEWER, reply
    assert all(word in reply["message"] for word in words), reply["message"]


def lease(product, license="L1", after=-60):
    now = int(time.time())
    assert product.give("lease", license=license, sku="cad", features={"core": now + after, "render": now + 86400}) is True


def optional(world, first):
    """Skipped, kept, and no hindrance: both append, and decide the same to the nanosecond."""
    old, new = world.pair(first)
    for name, product in (("of-old", old), ("of-new", new)):
        assert product.ask("events", name) == []
    lease(old if first == "old" else new)
    assert same(old, new)["reason"] == "unknown"
    assert old.ask("report", "network") is True
    assert same(old, new)["reason"] == "network"
    assert new.ask("report", "network") is False
    assert new.ask("report", "server") is True
    assert same(old, new)["reason"] == "server"
    now = int(time.time())
    assert new.give("notice", id="N1", start=now - 30, end=now + 3600) is True
    assert same(old, new)["reason"] == "maintenance"
    assert old.give("extension", license="L1", until=now + 6 * 86400) is True
    assert new.ask("request") is True
    assert same(old, new)["ends"] is not None
    assert not newer(old) and not newer(new)
    # At once.
    for product in (old, new):
        for n in range(40):
            product.send("appeal", f"at once {n}")
    for product in (old, new):
        assert [product.receive() for _ in range(40)] == [True] * 40
    told = [product.ask("events", name) for name, product in (("of-old", old), ("of-new", new))]
    assert told[0] == told[1], told
    assert told[0].count("appeal_filed -") == 80
    # The other's consumer goes on here, and nothing is told twice.
    assert new.ask("events", "of-old") == old.ask("events", "of-new") == []
    assert old.ask("status")["records"] == new.ask("status")["records"]
    # None of them was lost.
    assert counts(new) == f"{world.unknown()['65000']} noted, 0 bound"
    for release in ("old", "next"):
        assert world.cli(release, "verify")[0] == 0


def snapshots(world, first):
    """Each writes its own, keeps the other's, and never takes the other's for its own."""
    old, new = world.pair(first)
    for n in range(4):
        lease(old, f"L{n}", -60 + n)
        lease(old, f"M{n}", -60 + n)
        lease(new, f"N{n}", -60 + n)
        lease(new, f"O{n}", -60 + n)
        assert sorted(world.folds()) == [1, 2], world.folds()
    known = same(old, new)
    held = f"{world.unknown()['65000']} noted, 0 bound"
    assert counts(new) == held
    # A newer one of the old fold alone: the next release folds the log, as its events are not in there.
    for path in (world.folder / "ledger").glob("*.snapshot.?"):
        if path.read_bytes()[12:16] == b"\2\0\0\0":
            path.unlink()
    fresh = world.open("next")
    assert counts(fresh) == held
    assert decided(fresh) == known
    lease(fresh, "P")
    # And one of the new fold alone.
    for path in (world.folder / "ledger").glob("*.snapshot.?"):
        if path.read_bytes()[12:16] == b"\1\0\0\0":
            path.unlink()
    assert world.folds() == [2]
    again = world.open("old")
    assert same(again, fresh)["state"] == "grace"
    assert again.ask("appeal", "still at work") is True
    # What it does not know, it knows that it does not know: from its own snapshot too.
    lease(again, "Q")
    assert sorted(world.folds()) == [1, 2]
    assert world.open("old").opened is True
    code, text = world.cli("old", "archive")
    assert code != 0 and "archive with the newer one" in text, text


def archives(world, first):
    """What this release does not know it puts into no new file; the next one's new file it reads."""
    old, new = world.pair(first)
    lease(old)
    lease(new, "L2", -90)
    known = same(old, new)
    before, noted = world.logs(), counts(new)
    code, text = world.cli("old", "archive")
    assert code != 0 and "would be lost" in text and "archive with the newer one" in text, text
    assert {name: data for name, data in world.logs().items() if name not in before} == {}
    world.archive("next", old, new)
    # A handle that was open, and one that is not.
    assert same(old, new) == known == decided(world.open("old"))
    assert old.ask("status")["generation"] == new.ask("status")["generation"] == 1
    assert int(counts(new).split()[0]) >= int(noted.split()[0]) and counts(world.open("next")) == counts(new)
    assert not newer(old) and old.ask("report", "server") is True
    assert same(old, new)["reason"] == "server"
    assert world.cli("old", "archive")[0] != 0
    # The file before may go: the new one holds what both need.
    (world.folder / "ledger" / "drill.g0.ledger").unlink()
    assert same(world.open("old"), world.open("next")) == decided(old)
    world.archive("next", old, new)
    assert same(old, new) == decided(world.open("old"))


def archived_by_old(world, _):
    """An archive that this release makes, before the next one comes."""
    old = world.open("old", POLICY)
    lease(old)
    assert old.ask("report", "network") is True
    known = decided(old)
    world.archive("old", old)
    new = world.open("next")
    assert same(old, new) == known
    assert new.ask("report", "server") is True and old.ask("appeal", "here as well") is True
    assert same(old, new)["reason"] == "server"
    assert world.cli("old", "archive")[0] != 0
    world.archive("next", old, new)
    assert same(old, new) == decided(world.open("old"))


def stopped(world, old, known):
    """This release decides from what it knows, says so, and appends nothing, whatever it is asked for."""
    before = world.logs()
    assert newer(old) and decided(old) == known
    for words in (("report", "server"), ("appeal", "anybody there?"), ("request",)):
        refused(old.ask(*words), "newer release", "nothing is appended", "update this product")
    now = int(time.time())
    refused(old.give("lease", license="L9", sku="cad", features={"core": now + 9}), "update this product")
    # A first use in grace is not recorded either.
    decided(old, "export")
    assert old.ask("upkeep") is True and old.ask("reopen") is True
    assert newer(old) and decided(old) == known
    fresh = world.open("old")
    assert fresh.opened is True and newer(fresh) and decided(fresh) == known
    code, text = world.cli("old", "archive")
    assert code != 0 and "update this product" in text, text
    assert fresh.ask("close") is True
    assert world.logs() == before, "this release wrote to the ledger"


def must_understand(world, first):
    """From then on this release only reads."""
    old = world.open("old", POLICY) if first == "old" else None
    if old is None:
        # The next release made it, and has not written such an event yet.
        with world.open("next", POLICY):
            old = world.open("old")
    assert old.ask("events", "tray") == []
    lease(old)
    known = decided(old)
    new = world.open("next", asks="must_understand")
    assert same(old, new) == known
    assert new.ask("appeal", "with an event that must be understood") is True
    assert new.ask("check", "render")["access"] == "limited", "the next release's event has an effect"
    assert old.ask("check", "render")["access"] == "full"
    stopped(world, old, known)
    # What it can read, it follows.
    assert new.ask("report", "network") is True
    known = decided(old)
    assert known["reason"] == "network"
    stopped(world, old, known)
    assert old.ask("events", "tray")[-2:] == ["appeal_filed -", "grace_changed core"]
    assert not newer(new) and world.cli("old", "verify")[0] == 0 and world.cli("next", "verify")[0] == 0
    # The next release's archive says it again.
    world.archive("next", old, new)
    stopped(world, old, known)
    assert new.ask("report", "server") is True and decided(old)["reason"] == "server"


def higher_level(world, first):
    """A ledger whose level was raised, and that goes on in a way of that level."""
    old, new = world.pair(first)
    lease(old)
    known = same(old, new)
    world.archive("next", old, new, asks="level")
    assert decided(new) == known and new.ask("report", "network") is True
    known = decided(old)
    assert known == decided(new) and known["reason"] == "network"
    stopped(world, old, known)
    # Without the file before, who has it open knows what it knew; who comes new says what lacks, and what to do.
    before = world.folder / "ledger" / "drill.g0.ledger"
    aside = world.folder / "put-away"
    before.rename(aside)
    assert newer(old) and decided(old) == known == decided(new)
    refused(world.open("old").opened, "put away", "update this product")
    assert decided(world.open("next")) == known
    aside.rename(before)
    stopped(world, old, known)


def raised_away(world, first):
    """The same where the file before is gone at once: an open product never falls back to knowing nothing."""
    old, new = world.pair(first)
    lease(old)
    known = same(old, new)
    world.archive("next", old, new, asks="level")
    (world.folder / "ledger" / "drill.g0.ledger").unlink()
    assert newer(old) and decided(old) == known == decided(new)
    refused(old.ask("report", "network"), "update this product")


def damage(world, first):
    """Damage in a ledger with events that this release does not know: it goes on in memory, and the next one in a new file."""
    old, new = world.pair(first)
    lease(old)
    for n in range(3):
        assert old.ask("appeal", f"record to lose {n}") is True and new.ask("appeal", f"record between {n}") is True
    known = same(old, new)
    assert old.ask("close") is True and new.ask("close") is True
    path = world.folder / "ledger" / "drill.g0.ledger"
    data = bytearray(path.read_bytes())
    at, frames = 8192, []
    while data[at : at + 2] == b"RF":
        frames.append(at)
        at += 64 + int.from_bytes(data[at + 2 : at + 6], "little")
    data[frames[-4] + 60] ^= 1
    path.write_bytes(data)
    before = world.logs()
    old = world.open("old")
    assert newer(old) and old.ask("check", "core")["ledger"] == "suspect"
    for key in ("access", "state", "reason", "until", "ends", "lease_end", "cover"):
        assert decided(old)[key] == known[key], key
    refused(old.ask("appeal", "not recorded"), "update this product")
    assert old.ask("upkeep") is True and world.logs() == before
    new = world.open("next")
    assert new.ask("status")["generation"] == 1
    assert same(old, new)["ledger"] == "suspect" and not newer(old)
    assert old.ask("appeal", "recorded again") is True


CASES = [optional, snapshots, archives, archived_by_old, must_understand, higher_level, raised_away, damage]


def main():
    if not sys.platform.startswith("linux") or shutil.which("g++") is None:
        print("not run: needs Linux and a C++ compiler")
        print(f"releases: 0 passed, 0 failed, {4 * len(CASES)} not run")
        return 0
    build_next()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        binary = str(Path(folder) / "product")
        flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", f"-L{LIB}"]
        subprocess.run(["g++", *flags, str(HERE / "product.cpp"), "-lreprieve", "-o", binary], check=True)
        languages = {"C++": [binary], "Python": [sys.executable, str(HERE / "product.py")]}
        for case in CASES:
            for language, command in languages.items():
                for first in ("old", "next"):
                    products = {"old": (command, LIB), "next": ([binary], NEXT / "debug")}
                    name = f"{case.__name__}-{language}-{first}"
                    try:
                        with ExitStack() as stack:
                            case(World(Path(folder) / name, products, stack), first)
                        passed += 1
                    except (AssertionError, KeyError) as error:
                        line = error.__traceback__
                        while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == __file__:
                            line = line.tb_next
                        print(f"FAILED {name}, line {line.tb_lineno}: {error!r}")
                        failed += 1
    print(f"releases: {passed} passed, {failed} failed, 0 not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
