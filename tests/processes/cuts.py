"""A kill at each call that a step makes on the ledger's files, and in the middle of each write: cut.c is preloaded and does it."""

import itertools
import os
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import atrest
import vendor as vendors
from atrest import CLI, PAGE, ROOT, expect

CUT = os.path.join(ROOT, "build", "processes", "cut.so")
# How many cases of a step are tried, in a short run: spread over all of its calls.
SHORT = {"cpp": 40, "cs": 12, "py": 16, "archive": 24, "rekey": 16, "rekey --new-data-key": 24, "create": 24}


class Cuts:
    def __init__(self, folder):
        os.makedirs(folder)
        self.folder = os.path.realpath(folder)
        self.vendor = vendors.Vendor(self.folder)
        self.numbers, self.done = itertools.count(), Counter()
        self.tokens = [self.vendor.sign("notice", self.notice(f"n{at}", size)) for at, size in enumerate((100, 20_000, 120_000, 150_000))]
        with atrest.reprieve.open(self.vendor.app) as client:
            expect(client.import_document(self.vendor.policy()).accepted, "the policy is accepted")
            for token in self.tokens[:3]:
                expect(client.import_document(token).accepted, "a notice is accepted")
            client.appeal("." * 9_000)
        self.history = atrest.exported(self.vendor.app)
        self.token = os.path.join(self.folder, "token.jws")
        with open(self.token, "wb") as file:
            file.write(self.tokens[3])

    def notice(self, name, size):
        return {"id": name, "start": self.vendor.start, "end": self.vendor.start + 60, "text": "." * size}

    def run(self, command, empty, at=0, size=0, log=None):
        """One run on a copy of the ledger, or where none lies, and the copy."""
        folder = os.path.join(self.folder, str(next(self.numbers)))
        os.makedirs(folder)
        shutil.copy(self.vendor.app, folder)
        for part in () if empty else ("ledger", "witness"):
            shutil.copytree(os.path.join(self.folder, part), os.path.join(folder, part))
        env = {**os.environ, "LD_PRELOAD": CUT, "CUT_IN": folder + os.sep, "CUT_AT": str(at), "CUT_BYTES": str(size)}
        if log:
            env["CUT_LOG"] = log
        words = [os.path.join(folder, "reprieve.toml") if word is None else word for word in command]
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        return done, atrest.Place(folder, self.vendor.secret)

    def calls(self, command, empty):
        """The calls that a step makes, each with the length of what it writes."""
        log = os.path.join(self.folder, f"calls-{next(self.numbers)}")
        done, place = self.run(command, empty, log=log)
        expect(done.returncode == 0, f"{command}: {done.returncode}: {done.stderr}")
        shutil.rmtree(place.base)
        with open(log) as file:
            return [(name, int(length)) for name, length in map(str.split, file)]

    def cut(self, name, command, empty, at, call, size):
        what = f"{name}, killed at call {at} ({call[0]} of {call[1]} bytes) behind {size} of them"
        done, place = self.run(command, empty, at, size)
        try:
            # What is named at random may sort otherwise: not every run makes the very same calls.
            expect(done.returncode in (-9, 0), f"it ended with {done.returncode}: {done.stderr}")
            self.done["kills at a chosen call"] += done.returncode == -9
            self.done["of them in the middle of a write larger than a page"] += done.returncode == -9 and call[1] > PAGE and size > 0
            if empty:
                with atrest.reprieve.open(place.app, lock_timeout=0) as client:
                    expect(client.import_document(self.vendor.policy()).accepted, "the policy is accepted")

            def go_on(client):
                expect(all(client.import_document(token).accepted for token in self.tokens), "it goes on: what was imported is accepted")
                client.appeal("it goes on")

            before = [] if empty else self.history
            history, _ = place.sound(go_on)
            expect(history[: len(before)] == before, "what was there before is not there now")
            self.done["torn tails behind them"] += len(place.torn())
        except atrest.Broken as error:
            raise atrest.Broken(f"{what}: {error}\n(the copy: {place.base})") from None
        shutil.rmtree(place.base)


def all_of(folder, commands, soak):
    cuts = Cuts(folder)
    plan = os.path.join(cuts.folder, "one.plan")
    with open(plan, "w") as file:
        file.write(f"0 import {cuts.token}\n")
    steps = {name: ([*command, None, name, plan], False) for name, command in commands.items()}
    steps["create"] = ([*commands["cpp"], None, "cpp", os.devnull], True)
    for words in atrest.care():
        steps[" ".join(words)] = ([CLI, "ledger", *words, "--app", None], False)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        cases = []
        for name, (command, empty) in steps.items():
            places = []
            for at, call in enumerate(cuts.calls(command, empty), 1):
                length = call[1]
                sizes = [0] if length < 2 else [0, length // 2] if length <= PAGE else [0, PAGE, length // 2, length - 1]
                places += [(at, call, size) for size in sizes]
            step = 1 if soak else max(1, len(places) / SHORT[name])
            tried = [places[int(at * step)] for at in range(int(len(places) / step))]
            cuts.done[f"calls or parts of writes in `{name}`, {len(tried)} of them cut"] = len(places)
            cases += [pool.submit(cuts.cut, name, command, empty, *place) for place in tried]
        for case in cases:
            case.result()
    return cuts.done
