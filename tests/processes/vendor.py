"""A vendor: keys, an application file, and documents and plans for the writers, minted ahead."""

import base64
import hashlib
import itertools
import json
import os
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROLES = ["lease", "policy", "notice", "support", "revocation", "ruling"]
POLICY = {
    "schema": 1,
    "id": "processes",
    "version": 1,
    "default_tier": "basic",
    "governance": {"max_extension": "7d"},
    "tiers": {"basic": {"network": {"allowance": "14d"}, "server": {"allowance": "14d"}, "unknown": {"allowance": "3d"}}},
}
# How many licences each writer renews in turns: each has a SKU of its own, so that a check is answered by it alone.
LICENCES = 4


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Vendor:
    def __init__(self, folder):
        self.folder = folder
        self.secret = os.urandom(32)
        self.keys = {kid: Ed25519PrivateKey.generate() for kid in ("root-1", "vendor-1")}
        # All that is signed is older than the policy and newer than what was signed before.
        self.start, self.numbers = int(time.time()) - 20_000_000, itertools.count(1)
        public = {kid: base64url(key.public_key().public_bytes_raw()).decode() for kid, key in self.keys.items()}
        root = {"kid": "root-1", "x": public["root-1"]}
        claims = {"version": 1, "keys": [{"kid": "vendor-1", "x": public["vendor-1"], "roles": ROLES}], "roots": [root]}
        keys = self.sign("keys", claims, "root-1").decode()
        os.makedirs(os.path.join(folder, "documents"))
        self.app = os.path.join(folder, "reprieve.toml")
        with open(self.app, "w") as file:
            file.write(
                f'vendor = "processes"\nsecret = "{base64.b64encode(self.secret).decode()}"\nkeys = "{keys}"\n'
                f'roots = [{{ kid = "root-1", x = "{root["x"]}" }}]\n\n[place]\nfolder = "ledger"\nwitness = "witness"\n'
            )

    def sign(self, kind, claims, kid="vendor-1", iat=None):
        iat = self.start + next(self.numbers) if iat is None else iat
        header = {"alg": "EdDSA", "typ": f"reprieve-{kind}+jwt", "kid": kid}
        text = b".".join(base64url(json.dumps(part).encode()) for part in (header, {**claims, "iat": iat}))
        return text + b"." + base64url(self.keys[kid].sign(text))

    def policy(self):
        return self.sign("policy", POLICY)


class Step:
    """One line of a plan, and by what it is known in the ledger."""

    def __init__(self, number, words, **facts):
        self.number, self.words = number, words
        self.token_id, self.lease, self.text, self.size = None, None, None, 0
        self.__dict__.update(facts)

    def line(self):
        return " ".join([str(self.number), *map(str, self.words)])


class Plan:
    """What one writer does, without end: drawn from a seed, minted when it is needed. Steps that were not acknowledged are done again."""

    def __init__(self, vendor, name, rng):
        self.vendor, self.name, self.rng = vendor, name, rng
        self.path = os.path.join(vendor.folder, f"{name}.plan")
        self.steps = []

    def add(self, *words, **facts):
        self.steps.append(Step(len(self.steps), words, **facts))

    def document(self, kind, claims, iat=None, **facts):
        token = self.vendor.sign(kind, claims, iat=iat)
        path = os.path.join(self.vendor.folder, "documents", f"{self.name}-{len(self.steps)}.jws")
        with open(path, "wb") as file:
            file.write(token)
        self.add("import", path, token_id=hashlib.sha256(token).hexdigest(), size=len(token), **facts)

    def notice(self, size, iat=None):
        """One that replaces the notice of its size: what is in force, and with it each snapshot, stays small."""
        which = "large" if size > 1 << 16 else "page" if size > 1 << 12 else "small"
        claims = {"id": f"{self.name}-{which}", "start": self.vendor.start, "end": self.vendor.start + 60, "text": "." * size}
        self.document("notice", claims, iat)

    def grow(self):
        rng, draw = self.rng, self.rng.random()
        if draw < 0.22:
            # It has ended already: its acceptance begins grace, and the check records a first use.
            which = f"{self.name}-{rng.randrange(LICENCES)}"
            claims = {"license": which, "sku": which, "ledger": "*", "features": {"core": int(time.time()) - 3600}}
            self.document("lease", claims)
            self.add("use", which, "core", lease=self.steps[-1].token_id)
        elif draw < 0.36:
            self.notice(rng.randrange(500))
        elif draw < 0.50:
            self.notice(rng.randrange(5_000, 30_000))
        elif draw < 0.60:
            self.notice(rng.randrange(70_000, 180_000))
        elif draw < 0.65:
            # Stale, if its writer was here before: a refusal is recorded too.
            self.notice(400, iat=self.vendor.start - len(self.steps))
        elif draw < 0.67:
            self.document("extension", {"license": f"{self.name}-0", "until": self.vendor.start + 604_800})
        elif draw < 0.69:
            self.document("revocation", {"license": f"{self.name}-gone", "effective": self.vendor.start})
        elif draw < 0.82:
            text = f"{self.name}-{len(self.steps)}"
            self.add("appeal", size := rng.choice([20, 4_000, 9_900]), text, text=f"{text} {'.' * size}")
        elif draw < 0.88:
            self.add("report", rng.choice(["network", "server"]))
        else:
            self.add("events", 40)

    def write(self, first, count=40):
        """Writes the plan from a step on."""
        while len(self.steps) < first + count:
            self.grow()
        with open(self.path, "w") as file:
            file.writelines(step.line() + "\n" for step in self.steps[first : first + count])
        return self.path
