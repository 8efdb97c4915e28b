"""What must hold of a ledger once all its writers are gone."""

import fcntl
import json
import os
import subprocess
import sys
import time

import reprieve

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIB = os.environ.get("REPRIEVE_LIB", os.path.join(ROOT, "target", "release"))
CLI = os.environ.get("REPRIEVE_CLI", os.path.join(LIB, "reprieve"))
PAGE = 4096
# What products are told of: all other events are the ledger's own.
TOLD = {
    "grace_started", "grace_ended", "access_changed", "grace_changed", "grace_warning", "document_accepted", "document_refused", "clock_suspect",
    "clock_restored", "ledger_suspect", "ledger_restored", "ledger_recovered", "appeal_filed",
    "appeal_received",
}  # fmt: skip
# What no ledger here may hold: nobody damaged it, put it back, moved it or turned a clock.
NEVER = {"clock_suspect", "ledger_suspect", "damage_found", "record_missing"}

sys.path.insert(0, os.path.join(ROOT, "tests", "verifier"))
import verifier  # noqa: E402


class Broken(Exception):
    """A promise that was not kept."""


def expect(holds, what):
    if not holds:
        raise Broken(what)


def command(*words, app):
    return subprocess.run([CLI, "ledger", *words, "--app", app], capture_output=True, text=True, check=False)


def verified(app, half_a_header=False):
    """What `reprieve ledger verify` says, which must be that nothing is wrong; but for one copy of a header, where its writer was killed in the middle
    of it and nobody opened the ledger since."""
    done = command("verify", "--json", app=app)
    said = f"verify: {done.returncode}: {done.stdout[-3000:]}{done.stderr}"
    expect(done.returncode in (0, 1) and not done.stderr, said)
    generations = json.loads(done.stdout)["generations"]
    kinds = [finding["kind"] for one in generations for finding in one["findings"]]
    expect(kinds == [] or (half_a_header and kinds == ["header_copy"]), said)
    expect((done.returncode == 0) == (kinds == []), said)
    return generations


def exported(app, first=0):
    done = command("export", "--from", str(first), app=app)
    expect(done.returncode == 0, f"export: {done.returncode}: {done.stdout[-300:]}{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def care():
    """The commands that look after a ledger while products go on."""
    known = subprocess.run([CLI, "ledger", "rekey", "--help"], capture_output=True, check=False).returncode == 0
    return [["archive"]] + ([["rekey"], ["rekey", "--new-data-key"]] if known else [])


class Place:
    """The folders of one ledger."""

    def __init__(self, base, secret):
        self.base, self.secret, self.app = base, secret, os.path.join(base, "reprieve.toml")
        self.folder, self.witness = (os.path.join(base, name) for name in ("ledger", "witness"))

    def files(self, begin):
        return [os.path.join(self.folder, name) for name in os.listdir(self.folder) if name.startswith(f"processes.{begin}")]

    def newest(self):
        """The file of the generation that rules."""
        return max((path for path in self.files("g") if path.endswith(".ledger")), key=lambda path: int(path.split(".g")[-1][:-7]))

    def torn(self):
        """How long each torn tail is that was cut off and kept."""
        return [os.path.getsize(path) for path in self.files("torn-")]

    def unlocked(self):
        for folder in (self.folder, self.witness):
            for name in os.listdir(folder):
                if name.endswith(".lock"):
                    with open(os.path.join(folder, name), "rb") as file:
                        try:
                            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        except BlockingIOError:
                            raise Broken(f"{name} is still locked") from None

    def opened(self, wish=lambda client: None):
        """An open that waits for no lock, and how long it took."""
        began = time.monotonic()
        with reprieve.open(self.app, lock_timeout=0, create=False) as client:
            took = time.monotonic() - began
            status = client.status("none")
            expect((str(status.ledger), str(status.clock)) == ("ok", "ok"), f"it is opened as {status.ledger}, its clock as {status.clock}")
            expect(status.unproven == 0 and not status.flags.detached, f"{status}")
            wish(client)
        return took

    def sound(self, wish=lambda client: None):
        """No lock is left, nothing is damaged, and the product's reader and the independent one read the same records. Gives the history and how
        long the open took."""
        self.unlocked()
        verified(self.app, half_a_header=True)
        took = self.opened(wish)
        generations = verified(self.app)
        expect(all(one["torn"] is None for one in generations), f"a torn tail is left: {generations}")
        code, lines, read = verifier.verify(self.folder, "processes", self.secret)
        expect(code == 0, "the independent reader: " + "\n".join(lines))
        ours = {one["generation"]: (one["size"], one["root"]) for one in generations}
        theirs = {number: (len(one.leaves), verifier.root_of(one.leaves).hex()) for number, one in read.items()}
        expect(ours == theirs, f"the product reads {ours}, the independent reader {theirs}")
        history = exported(self.app)
        bad = [event for event in history if event["event"] in NEVER]
        expect(not bad, f"recorded against an honest customer: {bad}")
        numbers = [event["record"] for event in history]
        expect(numbers == sorted(numbers), "records are out of order")
        return history, took


def told(history):
    """The place of each event that products are told of, in the ledger's order."""
    return [(event["record"], event["index"]) for event in history if event["event"] in TOLD]


def present(name, acknowledged, history):
    """Every step that was acknowledged left its record, and no document was recorded twice."""
    accepted, refused, appeals, news, uses, holder = {}, set(), set(), 0, set(), {}
    for event in history:
        kind = event["event"]
        if kind == "document_accepted":
            token = event["token_id"]
            expect(token not in accepted, f"{token} was accepted twice")
            accepted[token] = event["record"]
            if event["document"] == "lease":
                holder[event["license"]] = token
        elif kind == "document_refused":
            refused.add(event["token_id"])
        elif kind == "appeal_filed":
            appeals.add(event["text"])
        elif kind == "outage_reported":
            news += 1
        elif kind == "first_use":
            uses.add(holder[event["license"]])
    reported = 0
    for step, answer in acknowledged:
        what = f"{name}'s step {step.line()}: {answer}"
        if step.words[0] == "import":
            expect(step.token_id in (accepted if answer in ("accepted", "known") else refused), f"{what}: is not in the ledger")
        elif step.words[0] == "appeal":
            expect(step.text in appeals, f"{what}: is not in the ledger")
        elif step.words[0] == "use":
            expect(answer == "full", f"{what}: it is in grace")
            expect(step.lease in uses, f"{what}: its first use is not in the ledger")
        elif answer == "news":
            reported += 1
    return reported, news


def delivered(name, begin, lives, history):
    """A consumer was told of every event behind its beginning, in the ledger's order: each life goes on where the last acknowledged, or was known to,
    and leaves out nothing."""
    every = told(history)
    at = {place: index for index, place in enumerate(every)}
    expect(every[: len(begin)] == begin, f"{name}: the ledger's events are not those that it began with")
    # The next event that it is owed at the latest, and the first that it may still be told of.
    owed = kept = len(begin)
    for life, marks in enumerate(lives):
        last = None
        for word, place in marks:
            expect(place in at, f"{name}, life {life}: it was told of {place}, which is no event of the ledger")
            index = at[place]
            if word == "acked":
                kept = index + 1
            elif last is None:
                expect(kept <= index <= owed, f"{name}, life {life}: it was told of event {index} first, between {kept} and {owed} was due")
                last = index
            else:
                expect(index == last + 1, f"{name}, life {life}: behind event {last} it was told of {index}")
                last = index
            if word == "event":
                owed = max(owed, index + 1)
    expect(owed == len(every), f"{name}: of {len(every)} events it was told of {owed}")
