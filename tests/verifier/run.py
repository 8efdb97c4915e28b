"""Makes ledgers through the command line, and checks that verifier.py and `reprieve ledger verify` say the same of them,
whole and damaged: the exit code, each generation's size, root and torn tail, which are locked, and what the head beside them is of. The damage is drawn
from a seed."""

import argparse
import base64
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
POLICY = """schema = 1
id = "proof"
version = 1
default_tier = "basic"

[tiers.basic]
network = { allowance = "14d" }
server = { allowance = "14d" }
"""
LEASE = """license = "{0}"
sku = "cad"
features = {{ core = "+1d", render = "+{1}d" }}
"""


class Ledger:
    """A ledger of the command line's: its folder, name, application's secret, and how the command line is told of it."""

    def __init__(self, verifier, title, folder, name, secrets, options, code=0):
        """`code` is how its verification ends as it was made."""
        self.code = code
        self.verifier, self.title, self.folder, self.name, self.secrets, self.options = verifier, title, folder, name, secrets, options
        self.whole = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.generations = verifier.verify(folder, name, **secrets)[2]

    def restore(self):
        for path in self.folder.iterdir():
            if path.name not in self.whole:
                path.unlink()
        for name, data in self.whole.items():
            (self.folder / name).write_bytes(data)

    def product(self, command):
        """The exit code and what it says of each generation; None for one that it cannot read, nothing at all for no report."""
        done = subprocess.run([command, "ledger", "verify", "--json", *self.options], capture_output=True, text=True, check=False)
        report = json.loads(done.stdout) if done.stdout.startswith("{") else {"generations": ()}
        head, said = report.get("head"), {}
        if isinstance(head, dict):
            head = f"of {head['size']} records of generation {head['generation']}"
        for one in report["generations"]:
            unread = any("cannot be read" in finding["text"] for finding in one["findings"] if finding["kind"] == "generation")
            torn = one["torn"] and (one["torn"]["offset"], one["torn"]["bytes"])
            said[one["generation"]] = None if unread or one["locked"] else (one["first"], one["size"], one["records"], one["root"], torn)
        return done.returncode, said, head, done.stdout + done.stderr

    def reader(self):
        code, lines, generations = self.verifier.verify(self.folder, self.name, **self.secrets)
        said = {}
        for number, one in generations.items():
            said[number] = one and (
                one.header.first,
                len(one.leaves),
                len(one.records),
                self.verifier.root_of(one.leaves).hex(),
                one.torn,
            )
        if not any(said.values()):
            return code, {}, None, "\n".join(lines)
        (head,) = (line.partition(": ")[2] for line in lines if line.startswith("head: "))
        head = {"none": "missing"}.get(head, "unsigned" if head.startswith("passed over") else head)
        return code, said, head, "\n".join(lines)

    def frames(self, name):
        """Where the frames of an undamaged file begin and end."""
        data, at, found = self.whole[name], 8192, []
        while data[at : at + 2] == b"RF":
            end = at + 64 + int.from_bytes(data[at + 2 : at + 6], "little")
            found.append((at, end))
            at = end
        return found


def run(command, *words, **options):
    done = subprocess.run([command, *words], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"verifier: {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout


def make_ledgers(verifier, command, folder):
    """Ledgers of one generation, of several, of an application file's, and one that an auditor reads."""
    (folder / "policy.toml").write_text(POLICY)
    for title, archives in (("one generation", 0), ("two generations", 1), ("four generations", 3)):
        world = folder / title.replace(" ", "-")
        run(command, "world", "new", world, "--policy", folder / "policy.toml")
        for part in range(archives + 1):
            for number in range(3):
                run(command, "world", "issue", world, "lease", "-", "--import", input=LEASE.format(f"L{part}-{number}", number + 1))
            run(command, "world", "report", world, "server" if part % 2 else "network")
            run(command, "world", "check", world, "cad", "core")
            if part < archives:
                run(command, "ledger", "archive", "--drill", world)
        secret = b"reprieve drill: " + bytes(json.loads((world / "authority.json").read_text())["secret"])
        yield Ledger(verifier, title, world / "ledger", "drill", {"secret": secret}, ["--drill", world])
    place = folder / "quickstart"
    place.mkdir()
    path = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    run("sh", ROOT / "docs/quickstart.sh", cwd=place, env=path)
    secret = base64.b64decode(re.search(r'^secret = "(.+)"', (place / "reprieve.toml").read_text(), re.M)[1])
    yield Ledger(verifier, "quickstart", place / "ledger", "acme", {"secret": secret}, ["--app", place / "reprieve.toml"])
    public = run(command, "keys", "audit", "audit.jwk", cwd=place)
    app, customer, key = place / "audited.toml", place / "customer", place / "audit.jwk"
    app.write_text(public + (place / "reprieve.toml").read_text())
    for_it = ["--app", app, "--folder", customer]
    run(command, "import", "policy.jws", "lease.jws", *for_it, "--witness", place / "other", "--create", cwd=place)
    run(command, "ledger", "archive", *for_it, "--witness", place / "other", cwd=place)
    yield Ledger(verifier, "application's slot of two", customer, "acme", {"secret": secret}, for_it)
    private = json.loads(key.read_text())["d"]
    private = base64.urlsafe_b64decode(private + "=" * (-len(private) % 4))
    yield Ledger(verifier, "auditor's slot", customer, "acme", {"secret": None, "audit": private}, [*for_it, "--audit-key", key])
    # A first generation that this auditor has no slot of, under a data key of its own.
    late = place / "late"
    for_it = ["--folder", late, "--witness", place / "third"]
    run(command, "import", "policy.jws", "lease.jws", "--app", place / "reprieve.toml", *for_it, "--create", cwd=place)
    for change in (["--new-data-key"], ["--add", "audit"]):
        run(command, "ledger", "rekey", "--app", app, *for_it, *change, cwd=place)
    run(command, "ledger", "archive", "--app", app, *for_it, cwd=place)
    by_auditor = ["--app", app, "--folder", late, "--audit-key", key]
    yield Ledger(verifier, "auditor's slot of the last two", late, "acme", {"secret": None, "audit": private}, by_auditor, code=2)


def flip(rng, data, low, high):
    data = bytearray(data)
    data[rng.randrange(low, high)] ^= 1 << rng.randrange(8)
    return bytes(data)


def damage(rng, ledger):
    """Damages a ledger's folder in one way, and says how."""
    names = sorted(path.name for path in ledger.folder.iterdir() if path.name.endswith(".ledger"))
    if not names:
        return "nothing is left"
    name = rng.choice(names)
    data, frames = (ledger.folder / name).read_bytes(), ledger.frames(name)
    end = frames[-1][1]
    head = f"{ledger.name}.head"
    way = rng.choice(
        ["flip in log"] * 4
        + ["flip in last frame", "flip in header", "flip in header", "both headers", "flip behind", "cut", "cut", "cut in header", "zeros"]
        + ["swap", "swap", "repeat", "remove", "insert", "other file's frame", "head", "no head", "secret", "swap files", "no file", "old file"]
        + ["old frames", "tail", "forged link", "forged number", "forged type", "forged opening", "forged opening"]
    )
    at = rng.randrange(len(frames))
    start, stop = frames[at]
    other = rng.choice(names)
    target = name
    if len(data) < end + 2:
        way = "cut again"
        data = data[: len(data) // 2]
    elif way == "flip in log":
        data = flip(rng, data, 8192, end)
    elif way == "flip in last frame":
        data = flip(rng, data, *frames[-1])
    elif way == "flip in header":
        data = flip(rng, data, 0, 8192)
    elif way == "both headers":
        data = flip(rng, flip(rng, data, 0, 4096), 4096, 8192)
    elif way == "flip behind":
        data = flip(rng, data, end, len(data))
    elif way == "cut":
        data = data[: rng.randrange(8192, end)]
    elif way == "cut in header":
        data = data[: rng.randrange(0, 8192)]
    elif way == "zeros":
        low, high = sorted((rng.randrange(8192, end), rng.randrange(8192, end)))
        data = data[:low] + bytes(high - low) + data[high:]
    elif way == "swap":
        a, b = sorted((rng.choice(frames), rng.choice(frames)))
        if a != b:
            data = data[: a[0]] + data[slice(*b)] + data[a[1] : b[0]] + data[slice(*a)] + data[b[1] :]
    elif way == "repeat":
        data = data[:stop] + data[start:stop] + data[stop:]
    elif way == "remove":
        data = data[:start] + data[stop:]
    elif way == "insert":
        data = data[:start] + rng.randbytes(rng.randrange(1, 200)) + data[start:]
    elif way == "other file's frame":
        frame = ledger.whole[other][slice(*rng.choice(ledger.frames(other)))]
        data = data[:start] + frame + data[stop:]
    elif way == "head":
        target, data = head, flip(rng, ledger.whole[head], 0, len(ledger.whole[head]))
    elif way == "no head":
        target, data = head, None
    elif way == "secret":
        target = f"{ledger.name}.secret"
        data = flip(rng, ledger.whole[target], 0, len(ledger.whole[target]))
    elif way == "swap files":
        mine, data = data, (ledger.folder / other).read_bytes()
        (ledger.folder / other).write_bytes(mine)
    elif way == "no file":
        data = None
    elif way == "old file":
        data = data[:start] + bytes(len(data) - start)
    elif way == "old frames":
        # An older log without the head that tells of a newer one.
        data = data[:start] + bytes(len(data) - start)
        (ledger.folder / head).unlink(missing_ok=True)
    elif way.startswith("forged") and not ledger.generations[int(name.split(".")[-2][1:])]:
        way = "flip in locked log"
        data = flip(rng, data, 8192, end)
    elif way.startswith("forged"):
        # Who holds the data key can seal anything: only the link and the number then speak against it.
        one = ledger.generations[int(name.split(".")[-2][1:])]
        if way == "forged opening":
            at, (start, stop) = 0, frames[0]
        payload = ledger.verifier.unsealed(one.frames_key, data[start + 36 : stop], one.label + data[start : start + 48])
        if payload is not None:
            front = data[start : start + 48]
            if way == "forged opening" and one.number > 0:
                # What the first record of a generation says of the one before, its version and cause aside.
                payload = flip(rng, payload, 11, 115)
            elif way == "forged type":
                front = front[:6] + bytes([3 - front[6]]) + front[7:]
            else:
                where = rng.randrange(20, 36) if way == "forged link" else 8
                front = flip(rng, front, where, where + 1)
            sealed = ledger.verifier.AESGCM(one.frames_key).encrypt(front[36:], payload, one.label + front)
            data = data[:start] + front + sealed + data[stop:]
    elif way == "tail":
        data = data[:end] + rng.randbytes(rng.randrange(1, 300)) + bytes(100)
    path = ledger.folder / target
    if data is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(data)
    return f"{way}, {target}" + (f", record {at} of it" if target == name else "")


def agree(command, ledger, what, verbose):
    product, reader = ledger.product(command), ledger.reader()
    same = product[:3] == reader[:3]
    if not same:
        print(f"FAILED {ledger.title}: {what}: the product says {product[0]}, the reader {reader[0]}")
        if verbose:
            print(product[3], reader[3], product[2], reader[2], sep="\n")
            print([f"{n}: {product[1].get(n)} {reader[1].get(n)}" for n in {**product[1], **reader[1]} if product[1].get(n) != reader[1].get(n)])
    return same, reader[0]


def prove(command, ledger, seed, count, verbose):
    """How many cases passed and failed, and how often each exit code was met."""
    rng, passed, codes = random.Random(f"{seed} {ledger.title}"), 0, [0, 0, 0]
    for index in range(count + 1):
        ledger.restore()
        what = damage(rng, ledger) if index else "as it was made"
        if index % 4 == 3:
            what += f"; {damage(rng, ledger)}"
        same, code = agree(command, ledger, f"case {index}, {what}", verbose)
        if index == 0 and code != ledger.code:
            print(f"FAILED {ledger.title}: as it was made, the exit code is {code} and not {ledger.code}")
            same = False
        passed += same
        codes[code] += 1
    ledger.restore()
    return passed, count + 1 - passed, codes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--command", type=Path, default=ROOT / "target/release/reprieve")
    parser.add_argument("--count", type=int, default=200, help="damaged copies of each ledger")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    try:
        import verifier
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "cryptography":
            raise
        print("not run: the verifier, as Python's cryptography is missing")
        print("verifier: 0 passed, 0 failed, 1 not run")
        return 0
    passed, failed, codes = 0, 0, [0, 0, 0]
    with tempfile.TemporaryDirectory() as folder:
        for ledger in make_ledgers(verifier, args.command.resolve(), Path(folder)):
            good, bad, met = prove(args.command.resolve(), ledger, args.seed, args.count, args.verbose)
            passed, failed, codes = passed + good, failed + bad, [a + b for a, b in zip(codes, met)]
    print(f"verifier: {codes[0]} whole, {codes[1]} damaged, {codes[2]} unreadable")
    print(f"verifier: {passed} passed, {failed} failed, 0 not run")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
