"""Random scenarios, the same for the same seed: valid ones of 5 to 40 steps, biased towards exact boundaries.

    python3 tests/model/generate.py SEED [COUNT]     prints them, one a line

Step 0 is always a check, so that the lines of several scenarios can be told apart by `"step":0`.
"""

import json
import random
import sys

HOUR, DAY = 3600, 86400
FEATURES = ("core", "render", "export", "export.pdf", "export.a.b", "field")
SCOPES = (*FEATURES, "export.*", "*", "export.a.*")
LICENSES = ("L1", "L2", "V1")
SKUS = ("cad", "viewer")
ALLOWANCES = (0, HOUR, 6 * HOUR, 12 * HOUR, DAY, 36 * HOUR, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY)
TTLS = (1, HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY, DAY, 2 * DAY, 5 * DAY)
GAPS = (0, 1, 60, 300, 599, 600, 601, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 25 * HOUR, 26 * HOUR, 2 * DAY, 3 * DAY, 5 * DAY, 10 * DAY)
SHIFTS = (1, HOUR, HOUR, 4 * HOUR, 26 * HOUR, 26 * HOUR + 1, 2 * DAY, 10 * DAY, 20 * DAY, 400 * DAY, 400 * DAY + 1, 9000 * DAY)


def span(seconds):
    out = ""
    for unit, size in (("d", DAY), ("h", HOUR), ("m", 60), ("s", 1)):
        if seconds >= size:
            out += f"{seconds // size}{unit}"
            seconds %= size
    return out or "0s"


def signed(seconds):
    return ("-" if seconds < 0 else "+") + span(abs(seconds))


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = 0  # from the start
        self.steps, self.documents, self.saves, self.requests, self.notices = [], [], [], {}, {}
        self.turns = set()  # instants worth hitting
        self.version = 0
        self.shift = 0

    def pick(self, *values):
        return self.random.choice(values)

    def chance(self, odds):
        return self.random.random() < odds

    # -- policies

    def tier(self):
        tier = {}
        if self.chance(0.35):
            tier["start"] = "first_use"
            tier["horizon"] = span(self.pick(6 * HOUR, DAY, 2 * DAY, 5 * DAY, 30 * DAY))
        if self.chance(0.5):
            tier["budget"] = {
                "limit": span(self.pick(0, HOUR, 6 * HOUR, DAY, 30 * HOUR, 3 * DAY, 10 * DAY)),
                "window": span(self.pick(0, HOUR, DAY, 2 * DAY, 7 * DAY, 90 * DAY)),
            }
        if self.chance(0.6):
            tier["warn"] = [span(self.pick(1, HOUR, 6 * HOUR, DAY, 2 * DAY)) for _ in range(self.random.randint(0, 3))]
        for reason in ("network", "server", "unknown", "maintenance"):
            if self.chance(0.65):
                rule = {"allowance": span(self.random.choice(ALLOWANCES))}
                if self.chance(0.3):
                    afters = [0] + sorted(self.random.sample((1, HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY), self.random.randint(0, 2)))
                    rule["stages"] = [{"after": span(after), "access": self.pick("full", "limited")} for after in afters]
                if self.chance(0.25):
                    rule["counts"] = self.pick(True, False)
                if reason == "maintenance" and self.chance(0.6):
                    rule["margin"] = span(self.pick(0, HOUR, 2 * HOUR, 12 * HOUR))
                tier[reason] = rule
        return tier

    def policy(self):
        self.version += 1
        names = self.random.sample(("basic", "premium", "roaming", "bare"), self.random.randint(1, 3))
        policy = {"schema": 1, "id": "acme", "version": self.version, "tiers": {name: self.tier() for name in names}}
        if self.chance(0.85):
            policy["default_tier"] = self.random.choice(names)
        if self.chance(0.5):
            clock = {
                "tolerance": span(self.pick(0, 1, HOUR, 26 * HOUR)),
                "max_leap": span(self.pick(0, HOUR, DAY, 10 * DAY, 400 * DAY)),
                "settle": span(self.pick(0, 0, HOUR, 12 * HOUR, 72 * HOUR)),
                "suspect_limit": span(self.pick(0, HOUR, DAY, 72 * HOUR)),
            }
            policy["clock"] = {key: value for key, value in clock.items() if self.chance(0.6)}
        if self.chance(0.4):
            ledger = {"suspect_limit": span(self.pick(0, HOUR, DAY, 72 * HOUR)), "moved": self.pick("suspect", "ignore")}
            policy["ledger"] = {key: value for key, value in ledger.items() if self.chance(0.6)}
        if self.chance(0.7):
            policy["governance"] = {"approvals": self.pick(1, 1, 2), "max_extension": span(self.pick(DAY, 7 * DAY, 30 * DAY))}
        if self.chance(0.7):
            policy["skus"] = {}
            for sku in SKUS:
                if self.chance(0.7):
                    placed = {}
                    if self.chance(0.7):
                        placed["tier"] = self.random.choice(names)
                    if self.chance(0.7):
                        scopes = self.random.sample(SCOPES, self.random.randint(1, 4))
                        placed["features"] = {scope: self.random.choice(names) for scope in scopes}
                    policy["skus"][sku] = placed
        self.current = policy
        return policy

    def broken_policy(self):
        policy = json.loads(json.dumps(self.policy()))
        tier = next(iter(policy["tiers"].values()))
        way = self.random.randrange(8)
        if way == 0:
            policy["id"] = "other"
        elif way == 1:
            policy["version"] = max(1, self.version - 1)
        elif way == 2:
            policy["default_tier"] = "nobody"
        elif way == 3:
            tier["network"] = {"stages": [{"after": "0s", "access": "full"}]}
        elif way == 4:
            tier["horizon"], tier["start"] = "3d", "lease_end"
        elif way == 5:
            policy["governance"] = {"approvals": 0}
        elif way == 6:
            tier["server"] = {"allowance": "3d", "margin": "1h"}
        else:
            tier["unknown"] = {"allowance": "3d", "stages": [{"after": "1h", "access": "full"}]}
        self.version -= way == 1
        return policy

    # -- when

    def worth(self, at):
        """An instant worth hitting, with what follows from it by the policy's durations."""
        self.turns.add(at)
        for duration in (HOUR, 6 * HOUR, 12 * HOUR, DAY, 36 * HOUR, 2 * DAY, 3 * DAY, 7 * DAY):
            self.turns.add(at + duration)

    def gap(self):
        later = [turn - self.now for turn in self.turns if 0 <= turn - self.now <= 20 * DAY]
        if later and self.chance(0.6):
            return max(0, self.random.choice(sorted(later)) + self.pick(0, 0, 0, -1, 1))
        return self.random.choice(GAPS)

    def instant(self):
        near = [turn for turn in self.turns if abs(turn - self.now) <= 10 * DAY]
        if near and self.chance(0.5):
            return self.random.choice(sorted(near)) + self.pick(0, 0, 0, -1, 1)
        return self.now + self.random.choice(GAPS) * self.pick(1, 1, -1)

    # -- documents

    def scope(self, body):
        if self.chance(0.5):
            body["features"] = self.random.sample(SCOPES, self.random.randint(1, 2))

    def document(self, kind, body):
        if kind != "policy" and self.chance(0.2):
            body["age"] = span(self.pick(1, 60, 300, 600, HOUR, 6 * HOUR, DAY, 2 * DAY, 10 * DAY))
        if self.chance(0.06):
            faults = ["malformed", "unknown_key", "bad_signature", "wrong_role"]
            if kind == "ruling" or kind == "lease" and "ledger" not in body:
                faults.append("wrong_ledger")
            body["fault"] = self.random.choice(faults)
        self.documents.append(len(self.steps))
        return {kind: body}

    def lease(self):
        license = self.random.choice(LICENSES)
        body = {"license": license}
        if license == "V1" or self.chance(0.05):
            body["sku"] = self.pick("viewer", "viewer", "cad")
        names = self.random.sample(FEATURES, self.random.randint(1, 4))
        if self.chance(0.6):
            ttl = self.random.choice(TTLS)
            body.update(features=names, ttl=span(ttl))
            self.worth(self.now + ttl)
        else:
            body["features"] = {}
            for name in names:
                ttl = self.random.choice(TTLS)
                body["features"][name] = span(ttl)
                self.worth(self.now + ttl)
        way = self.random.random()
        if way < 0.3:
            body["fresh"] = False
        elif way < 0.45 and self.requests:
            name = self.random.choice(sorted(self.requests))
            body["answers"] = name
        elif way < 0.55:
            body["ledger"] = "*"
        made = self.document("lease", body)
        if "answers" in body:
            asked = self.requests[body["answers"]]
            if asked < self.now and self.chance(0.4):  # as old as the request
                body["age"] = span(self.now - asked)
            elif "age" in body:
                del body["age"]
        return made

    def notice(self):
        id = self.pick("m1", "m2", "m3")
        if id in self.notices and self.chance(0.5):
            start, end = self.notices[id]
            if self.chance(0.3):
                end = max(start + 1, self.instant())
        else:
            start = self.instant()
            end = start + self.pick(0, 1, HOUR, 4 * HOUR, DAY, 3 * DAY, 10 * DAY)
        self.notices[id] = start, end
        self.turns.update((start, end))
        body = {"id": id, "start": signed(start), "end": signed(end)}
        self.scope(body)
        if self.chance(0.2):
            body["skus"] = self.random.sample(SKUS, 1)
        if self.chance(0.25):
            body["cancelled"] = True
        return self.document("notice", body)

    def extension(self):
        until = self.now + self.pick(1, HOUR, DAY, 2 * DAY, 6 * DAY, 7 * DAY, 7 * DAY + 1)
        self.turns.add(until)
        body = {"license": self.pick(*LICENSES, "L1", "L9"), "until": signed(until)}
        self.scope(body)
        if self.chance(0.3):
            body["access"] = self.pick("full", "limited")
        if self.chance(0.5):
            body["signers"] = self.pick(1, 2, 3)
        return self.document("extension", body)

    def revocation(self):
        body = {"license": self.random.choice(LICENSES)}
        self.scope(body)
        if self.chance(0.5):
            effective = self.instant()
            body["effective"] = signed(effective)
            self.turns.add(effective)
        return self.document("revocation", body)

    def ruling(self):
        body = {"license": self.random.choice(LICENSES)}
        self.scope(body)
        if self.chance(0.6):
            start = self.instant()
            body["void"] = {"from": signed(start), "to": signed(start + self.pick(0, 1, HOUR, DAY, 5 * DAY))}
        if self.chance(0.6):
            body["clears"] = self.pick(["clock"], ["ledger"], ["clock", "ledger"])
        return self.document("ruling", body)

    # -- steps

    def step(self):
        way = self.random.random() * 100
        if way < 22:
            gap = self.gap()
            self.now += gap
            return {"advance": span(gap)}
        if way < 42:
            step = {"check": self.random.choice(FEATURES)}
            if self.chance(0.25):
                step["sku"] = self.pick("viewer", "viewer", "cad")
            return step
        if way < 54:
            return self.lease()
        if way < 60:
            return {"report": self.pick("network", "server")}
        if way < 65:
            return self.notice()
        if way < 68:
            return self.extension()
        if way < 70:
            return self.revocation()
        if way < 73:
            return self.ruling()
        if way < 75:
            if self.chance(0.25):
                return self.document("policy", self.broken_policy())
            return self.document("policy", self.policy())
        if way < 79:
            if self.shift and self.chance(0.5):
                shift, self.shift = -self.shift, 0
            else:
                shift = self.random.choice(SHIFTS) * self.pick(1, 1, -1)
                self.shift += shift
            return {"set_wall": signed(shift)}
        if way < 84:
            off = self.gap()
            self.now += off
            return {self.pick("reboot", "reboot", "power_loss"): {"off": span(off)}}
        if way < 85:
            return {"reopen": True}
        if way < 87:
            move = {"to": self.pick("a", "b", "c")}
            if self.chance(0.5):
                off = self.gap()
                self.now += off
                move["off"] = span(off)
            return {"move": move}
        if way < 89:
            self.saves.append(self.pick("s1", "s2"))
            return {"save": self.saves[-1]}
        if way < 92 and self.saves:
            return {"restore": self.random.choice(self.saves)}
        if way < 94:
            name = self.pick("r1", "r2")
            self.requests[name] = self.now
            return {"request": name}
        if way < 97 and self.documents:
            of = self.random.choice(self.documents[-6:])
            self.documents.append(len(self.steps))
            return {"replay": of}
        return {"events": True}

    def scenario(self, name):
        scenario = {"name": name, "sku": "cad"}
        if self.chance(0.95):
            scenario["policy"] = self.policy()
        self.steps.append({"check": "core"})
        if self.chance(0.9):
            self.steps.append(self.lease())
        for _ in range(self.random.randint(4, 38)):
            self.steps.append(self.step())
        self.steps.append({"events": True})
        scenario["steps"] = self.steps
        return scenario


def generate(seed):
    return Generator(seed).scenario(f"seed-{seed}")


def main(arguments):
    seed = int(arguments[0])
    for offset in range(int(arguments[1]) if len(arguments) > 1 else 1):
        print(json.dumps(generate(seed + offset)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
