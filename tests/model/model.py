"""An independent, executable reading of docs/semantics.md.

It takes a scenario (JSON) and prints the lines that every implementation must print. It has no cryptography and no files: a token
is a number, a fault is the reason it leads to, a ledger is an object that can be copied. Rules are cited by their number.

    python3 tests/model/model.py SCENARIO.json...        prints the lines of each
    python3 tests/model/model.py --expect SCENARIO.json...   compares them with what the scenarios expect
"""

import datetime
import json
import re
import sys

UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")
NAME = re.compile(r"[A-Za-z0-9._:@/+-]{1,128}\Z")
EARLIEST, LATEST = 0, 253402300799  # 1970 to 9999
ANCHOR_AFTER = 600  # C5
NONCE_FOR = 600  # C6
REFUSED_KEPT = 16  # D0
HUGE = 1 << 60
REASONS = ("maintenance", "extension", "server", "network", "unknown")  # G6, best first
STATES = ("licensed", "grace", "expired", "ledger_locked", "clock_locked", "revoked", "not_entitled")  # J2, best first
ACCESS = ("full", "limited", "denied")
DEFAULTS = {  # C7
    "clock": {"tolerance": "26h", "max_leap": "400d", "settle": "72h", "suspect_limit": "72h"},
    "ledger": {"suspect_limit": "72h", "moved": "suspect"},
    "governance": {"approvals": 1, "max_extension": "0s"},
}


class Bad(Exception):
    """A claim or a policy that is malformed."""


# ---------------------------------------------------------------------------------------------------------------- words


def span(text):
    """A duration: whole numbers, units in their order, each at most once."""
    found = DURATION.match(text) if isinstance(text, str) else None
    if not text or not found:
        raise Bad(f"{text!r} is no duration")
    return sum(int(number or 0) * size for number, (_, size) in zip(found.groups(), UNITS))


def signed(text):
    """`+30h` or `-2h`."""
    return -span(text[1:]) if text[0] == "-" else span(text[1:])


def instant(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def stamp(seconds):
    if seconds is None:
        return None
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}Z"


def is_pattern(text):
    return text == "*" or text.endswith(".*")


def matches(pattern, feature):
    """`*` is every feature, `export.*` every one below `export`."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return feature.startswith(pattern[:-1]) and len(feature) > len(pattern) - 1
    return pattern == feature


def in_scope(features, feature):
    return not features or any(matches(pattern, feature) for pattern in features)


def check_name(text):
    if not isinstance(text, str) or not NAME.match(text):
        raise Bad(f"{text!r} is no name")


def check_scope(features):
    for text in features or []:
        if text == "*":
            continue
        check_name(text[:-2] if text.endswith(".*") else text)


# ------------------------------------------------------------------------------------------------------------ intervals


def union(intervals):
    out = []
    for start, end in sorted(i for i in intervals if i[0] < i[1]):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def clip(intervals, low, high):
    return [(max(s, low), min(e, high)) for s, e in intervals if max(s, low) < min(e, high)]


def minus(intervals, holes):
    out = union(intervals)
    for low, high in union(holes):
        out = [piece for s, e in out for piece in ((s, min(e, low)), (max(s, high), e)) if piece[0] < piece[1]]
    return out


# --------------------------------------------------------------------------------------------------------------- policy


class Policy:
    """P, read and checked."""

    def __init__(self, text):
        keys(text, {"schema", "id", "version", "default_tier", "clock", "ledger", "governance", "tiers", "skus", "changes"})
        if text.get("schema") != 1:
            raise Bad("schema")
        check_name(text.get("id"))
        number(text.get("version"), 0)
        self.id, self.version, self.default_tier = text["id"], text["version"], text.get("default_tier")
        self.clock = section(text, "clock", {"tolerance", "max_leap", "settle", "suspect_limit"})
        self.ledger = section(text, "ledger", {"suspect_limit", "moved"})
        self.governance = section(text, "governance", {"approvals", "max_extension"})
        self.tiers = {name: Tier(tier) for name, tier in text.get("tiers", {}).items()}
        self.skus = text.get("skus", {})
        for name, sku in self.skus.items():
            check_name(name)
            keys(sku, {"tier", "features"})
            for tier in [sku.get("tier"), *sku.get("features", {}).values()]:
                self.known(tier)
            check_scope(sku.get("features", {}))
        self.known(self.default_tier)
        for change in text.get("changes", []):
            keys(change, {"version", "date", "summary"})

    def known(self, tier):
        if tier is not None and tier not in self.tiers:
            raise Bad(f"the tier {tier!r} is not there")

    def tier(self, sku, feature):
        """P1."""
        placed = self.skus.get(sku, {})
        features = placed.get("features", {})
        if feature in features:
            return self.tiers[features[feature]]
        wild = [pattern for pattern in features if is_pattern(pattern) and matches(pattern, feature)]
        name = features[max(wild, key=len)] if wild else placed.get("tier") or self.default_tier
        return self.tiers[name] if name else Tier({})


class Tier:
    def __init__(self, text):
        keys(text, {"start", "horizon", "budget", "warn", "network", "server", "unknown", "maintenance"})
        if text.get("start", "lease_end") not in ("lease_end", "first_use"):
            raise Bad("start")
        self.first_use = text.get("start") == "first_use"
        if self.first_use != ("horizon" in text):
            raise Bad("first_use and horizon go together")
        self.horizon = span(text["horizon"]) if self.first_use else None
        self.budget = None
        if "budget" in text:
            keys(text["budget"], {"limit", "window"}, need={"limit", "window"})
            self.budget = span(text["budget"]["limit"]), span(text["budget"]["window"])
        self.warn = [span(w) for w in text.get("warn", [])]
        if 0 in self.warn:
            raise Bad("warn")
        self.rules = {r: Rule(r, text[r]) for r in ("network", "server", "unknown", "maintenance") if r in text}


class Rule:
    def __init__(self, reason, text):
        keys(text, {"allowance", "stages", "counts"} | ({"margin"} if reason == "maintenance" else set()), need={"allowance"})
        self.allowance = span(text["allowance"])
        self.margin = span(text.get("margin", "0s"))
        self.counts = text.get("counts", reason != "maintenance")  # P2
        if not isinstance(self.counts, bool):
            raise Bad("counts")
        self.stages = []
        for stage in text.get("stages", [{"after": "0s", "access": "full"}]):
            keys(stage, {"after", "access"}, need={"after", "access"})
            if stage["access"] not in ("full", "limited"):
                raise Bad("access")
            self.stages.append((span(stage["after"]), stage["access"]))
        afters = [after for after, _ in self.stages]
        if not afters or afters[0] != 0 or any(a >= b for a, b in zip(afters, afters[1:])):
            raise Bad("stages")


def keys(text, known, need=()):
    if not isinstance(text, dict) or set(text) - known or set(need) - set(text):
        raise Bad(f"{text!r} has an unknown key or lacks one")


def number(value, least):
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise Bad(f"{value!r} is no such number")


def section(text, name, known):
    given = text.get(name, {})
    keys(given, known)
    merged = {**DEFAULTS[name], **given}
    for key, value in merged.items():
        if key == "approvals":
            number(value, 1)
        elif key == "moved":
            if value not in ("suspect", "ignore"):
                raise Bad("moved")
        else:
            merged[key] = span(value)
    return merged


NO_POLICY = Policy({"schema": 1, "id": "none", "version": 0})


# --------------------------------------------------------------------------------------------------------------- ledger


class Anchor:
    """C: what is remembered of time. Suspicions are (kind, age, began in proven time), of the clock, the ledger, its place."""

    def __init__(self, proven, boot, uptime):
        self.proven, self.boot, self.uptime = proven, boot, uptime
        self.offset, self.run, self.suspicions = 0, None, {}

    def copy(self):
        other = Anchor.__new__(Anchor)
        other.__dict__.update(self.__dict__, suspicions=dict(self.suspicions))
        return other

    def __eq__(self, other):
        return self.__dict__ == other.__dict__


class Ledger:
    """What the records say, and which they are."""

    def __init__(self, anchor, t, home):
        self.anchor, self.t, self.home = anchor, t, home  # of the last record
        self.records, self.found = (), frozenset()
        self.events = []
        self.order = 0  # counts what is recorded, for "since"
        self.policies = []  # (t, policy, token)
        self.leases, self.accepted = {}, set()
        self.reports, self.last_lease = {}, -1
        self.notices, self.extensions, self.revocations, self.rulings = {}, [], [], []
        self.first_uses, self.charges, self.standings = {}, {}, {}
        self.refused = []

    def copy(self):
        other = Ledger.__new__(Ledger)
        for key, value in self.__dict__.items():
            other.__dict__[key] = value.copy() if isinstance(value, (list, dict, set, Anchor)) else value
        return other

    def next(self):
        self.order += 1
        return self.order

    def policy(self):
        return self.policies[-1][1] if self.policies else NO_POLICY


class Foretold:
    """Decisions of one state of the ledger at any instant: J, with the covers of G. `locks` are the instants at which the present
    suspicions lock, `at` the instant as at which first uses are valid (G2), `as_if` a first use to be assumed."""

    def __init__(self, ledger, locks, at, as_if=None):
        self.ledger, self.locks, self.at, self.as_if = ledger, locks, at, as_if
        self.kept = {}

    def first_use(self, license, feature):
        use = self.ledger.first_uses.get((license, feature))
        if use is not None and use <= self.at:
            return use
        return self.as_if

    def policies(self, license, exp):
        """G9."""
        ledger = self.ledger
        at_exp = max((i for i, (t, _, _) in enumerate(ledger.policies) if t <= exp), default=0)
        return [policy for _, policy, _ in ledger.policies[max(at_exp, ledger.leases[license]["policy"], 0):]]

    def in_scope_notices(self, sku, feature):
        for notice in self.ledger.notices.values():
            if in_scope(notice["features"], feature) and (not notice["skus"] or sku in notice["skus"]):
                end = notice["end"]
                if notice["cancelled"]:  # D3
                    if notice["iat"] < notice["start"]:
                        continue
                    end = min(end, notice["iat"])
                yield notice["start"], end

    def covers(self, license, feature):
        """G3 to G7: (start, end, reason, stages, counts)."""
        if (license, feature) not in self.kept:
            lease = self.ledger.leases[license]
            exp = lease["features"].get(feature)
            self.kept[license, feature] = [] if exp is None else list(self._covers(license, lease, feature, exp))
        return self.kept[license, feature]

    def _covers(self, license, lease, feature, exp):
        ledger = self.ledger
        notices = list(self.in_scope_notices(lease["sku"], feature))
        evidenced = {kind for kind, order in ledger.reports.items() if order > lease["order"]} | {"unknown"}  # G1
        for policy in self.policies(license, exp):
            tier = policy.tier(lease["sku"], feature)
            start, cut = exp, HUGE
            if tier.first_use:  # G2
                use = self.first_use(license, feature)
                start, cut = exp if use is None else use, exp + tier.horizon
            for reason, rule in tier.rules.items():
                if reason == "maintenance":  # G4
                    parts = []
                    for begin, end in notices:
                        b = max(start, begin)
                        parts.append((b, min(end + rule.margin, b + rule.allowance)))
                elif reason in evidenced:  # G3
                    parts = [(start, min(start + rule.allowance, cut))]
                else:
                    continue
                for begin, end in parts:
                    if rule.counts and tier.budget:
                        end = min(end, begin + self.budget(license, feature, tier, begin, notices))
                    if begin < end:
                        yield begin, end, reason, rule.stages, rule.counts
        for extension in ledger.extensions:  # G5
            if extension["license"] == license and in_scope(extension["features"], feature):
                begin = max(exp, extension["iat"])
                if begin < extension["until"]:
                    yield begin, extension["until"], "extension", [(0, extension["access"])], False

    def budget(self, license, feature, tier, start, notices):
        """G7: what is left of it at `start`."""
        limit, window = tier.budget
        charged = clip(self.ledger.charges.get((license, feature), []), start - window, start)
        holes = [
            ruling["void"]
            for ruling in self.ledger.rulings
            if ruling["void"] and ruling["license"] == license and in_scope(ruling["features"], feature)
        ]
        if "maintenance" in tier.rules and not tier.rules["maintenance"].counts:
            holes += notices
        return max(0, limit - sum(end - begin for begin, end in minus(charged, holes)))

    def decide(self, license, feature, x):
        """J1, of one licence."""
        ledger, lease = self.ledger, self.ledger.leases[license]
        exp = lease["features"].get(feature)
        if exp is None:
            return "denied", "not_entitled", None
        for revocation in self.revocations(license, lease, feature):
            if revocation["effective"] <= x:
                return "denied", "revoked", None
        if self.locks["place"] <= x:
            return "denied", "ledger_locked", None
        if x < exp:
            return "full", "licensed", None
        if self.locks["clock"] <= x:
            return "denied", "clock_locked", None
        if self.locks["ledger"] <= x:
            return "denied", "ledger_locked", None
        holding = []
        for begin, end, reason, stages, _ in self.covers(license, feature):
            if begin <= x < end:
                access = [access for after, access in stages if after <= x - begin][-1]
                holding.append((ACCESS.index(access), REASONS.index(reason)))
        if holding:
            access, reason = min(holding)
            return ACCESS[access], "grace", REASONS[reason]
        return "denied", "expired", None

    def revocations(self, license, lease, feature):
        """D5."""
        for revocation in self.ledger.revocations:
            if revocation["license"] == license and in_scope(revocation["features"], feature) and lease["iat"] <= revocation["iat"]:
                yield revocation

    def turns(self, license, feature):
        """Every instant at which J1's answer may change."""
        lease = self.ledger.leases[license]
        exp = lease["features"].get(feature)
        if exp is None:
            return set()
        found = {exp, *(lock for lock in self.locks.values() if lock < HUGE)}
        found.update(revocation["effective"] for revocation in self.revocations(license, lease, feature))
        for begin, end, _, stages, _ in self.covers(license, feature):
            found.update(begin + after for after, _ in stages if begin + after < end)
            found.add(end)
        return found

    def licenses(self, sku):
        return sorted(license for license, lease in self.ledger.leases.items() if lease["sku"] == sku)

    def best(self, sku, feature, x):
        """J2: (access, state, reason, licence)."""
        answers = [(*self.decide(license, feature, x), license) for license in self.licenses(sku)]
        if not answers:
            return "denied", "unlicensed", None, None
        return min(answers, key=lambda a: (ACCESS.index(a[0]), STATES.index(a[1]), REASONS.index(a[2]) if a[2] else 9, a[3]))

    def outlook(self, sku, feature, t):
        """J3: the decision, `until` and `ends`."""
        now = self.best(sku, feature, t)[:3]
        until = ends = None
        for x in sorted({x for license in self.licenses(sku) for x in self.turns(license, feature) if x > t}):
            then = self.best(sku, feature, x)[:3]
            if until is None and then != now:
                until = x
            if ends is None and then[0] == "denied" and now[0] != "denied":
                ends = x
        return now, until, ends

    def standing(self, license, feature, x):
        """A1: (access, state, reason, threshold)."""
        access, state, reason = self.decide(license, feature, x)
        lease = self.ledger.leases[license]
        tier = self.ledger.policy().tier(lease["sku"], feature)
        exp = lease["features"].get(feature)
        if tier.first_use and exp is not None and exp <= x and self.first_use(license, feature) is None:
            if state in ("grace", "expired", "ledger_locked", "clock_locked"):
                return "full", "licensed", None, None
        threshold = None
        if state == "grace" and tier.warn:
            ends = min(y for y in self.turns(license, feature) if y > x and self.decide(license, feature, y)[0] == "denied")
            threshold = min((w for w in tier.warn if w >= ends - x), default=None)
        return access, state, reason, threshold

    def changes(self, license, feature, low, high):
        """The instants strictly between, at which a standing changes, with the new one."""
        turns = self.turns(license, feature)
        warn = self.ledger.policy().tier(self.ledger.leases[license]["sku"], feature).warn
        turns |= {x - w for x in turns for w in warn}
        last = self.standing(license, feature, low)
        for x in sorted(x for x in turns if low < x < high):
            standing = self.standing(license, feature, x)
            if standing != last:
                yield x, standing
            last = standing


# --------------------------------------------------------------------------------------------------------------- client


class World:
    """The machines, their clocks and witnesses, the ledger's file, the authority."""

    def __init__(self, scenario, lose_checks=False):
        self.start = instant(scenario.get("start", "2026-01-01T00:00:00Z"))
        self.sku = scenario["sku"]
        self.now, self.shift = self.start, 0
        self.machine, self.boot, self.booted = "a", 0, self.start
        self.lose_checks = lose_checks
        self.witnesses, self.copies, self.printed = {}, {}, set()
        self.counter = 0
        self.requests = []  # (name, true time, nonce)
        self.ledger = Ledger(Anchor(self.start, 0, 0), self.start, "a")
        self.file = None
        self.client = Client(self, fresh=True)
        if scenario.get("policy"):
            self.client.take(self.issue("policy", scenario["policy"]))
        self.printed.update(number for number, _ in self.ledger.events)

    def wall(self):
        return self.now + self.shift

    def uptime(self):
        return self.now - self.booted

    def number(self):
        self.counter += 1
        return self.counter

    def restart(self, off, machine):
        self.now += off
        self.boot += 1
        self.booted = self.now
        self.machine = machine

    def issue(self, kind, body):
        """The authority: a document, as it is claimed, and how it is broken."""
        body = dict(body)
        token = {"token": self.number(), "kind": kind, "fault": body.pop("fault", None)}
        token["iat"] = iat = self.now - span(body.pop("age", "0s"))
        if kind == "policy":
            return {**token, "body": body, "license": None}
        token["license"] = body.get("license")
        token["features"] = body.get("features", [])
        if kind == "lease":
            ttl = body.get("ttl")
            features = body["features"]
            features = features if isinstance(features, dict) else {feature: ttl for feature in features}
            token["features"] = {feature: iat + span(ttl) for feature, ttl in features.items()}
            token["sku"] = body.get("sku", self.sku)
            token["any"] = body.get("ledger") == "*"
            token["nonce"] = None
            if "answers" in body:
                asked = [nonce for name, at, nonce in self.requests if name == body["answers"] and at <= iat]
                token["nonce"] = asked[-1] if asked else None
            elif body.get("fresh", True) and not token["any"]:
                token["nonce"] = self.client.request()
        elif kind == "notice":
            token.update(id=body["id"], skus=body.get("skus", []), cancelled=body.get("cancelled", False))
            token.update(start=self.start + signed(body["start"]), end=self.start + signed(body["end"]))
        elif kind == "extension":
            token.update(until=self.start + signed(body["until"]), access=body.get("access", "full"), signers=body.get("signers", 1))
        elif kind == "revocation":
            token["effective"] = self.start + signed(body["effective"]) if "effective" in body else iat
        elif kind == "ruling":
            void = body.get("void")
            token["void"] = (self.start + signed(void["from"]), self.start + signed(void["to"])) if void else None
            token["clears"] = body.get("clears", [])
        return token


class Client:
    """One open handle of a product on the ledger."""

    def __init__(self, world, fresh=False):
        self.world, self.nonce = world, None
        self.ledger = world.ledger
        self.anchor = self.ledger.anchor.copy()
        self.t = self.ledger.t
        self.pending = False
        if fresh:  # the ledger is made
            self.dirty = True
            self.commit()
        else:
            self.open()

    # -- C: time

    def read(self, opening=None):
        """C1 to C4; `opening` is what an open finds, to be done after C1 (L3, L5)."""
        world, anchor, clock = self.world, self.anchor, self.ledger.policy().clock
        uptime, wall = world.uptime(), world.wall()
        gained = uptime - anchor.uptime if anchor.boot == world.boot and uptime >= anchor.uptime else 0  # C1
        anchor.proven += gained
        anchor.boot, anchor.uptime = world.boot, uptime
        anchor.suspicions = {of: (kind, age + gained, began) for of, (kind, age, began) in anchor.suspicions.items()}
        if opening:
            opening()

        def inside(wall):
            return anchor.proven - clock["tolerance"] <= wall <= anchor.proven + clock["max_leap"]

        if not inside(wall - anchor.offset) and inside(wall):  # C2
            anchor.offset = 0
        wall -= anchor.offset
        if inside(wall):
            self.clock, self.t = "ok", max(anchor.proven, wall)
            anchor.suspicions.pop("clock", None)
            lead = wall - anchor.proven
            if lead > 0:  # C4
                first, least = anchor.run or (anchor.proven, lead)
                anchor.run = first, min(least, lead)
                if anchor.proven - first >= clock["settle"]:
                    anchor.proven += anchor.run[1]
                    anchor.run = None
            else:
                anchor.run = None
        else:  # C3
            self.clock = "rolled_back" if wall < anchor.proven else "leaped"
            self.t = anchor.proven
            anchor.run = None
            if "clock" not in anchor.suspicions:
                anchor.suspicions["clock"] = (self.clock, 0, anchor.proven)

    def raise_to(self, proven):
        if proven > self.anchor.proven:
            self.anchor.proven, self.anchor.run = proven, None  # C6

    def locks(self, suspicions=None, t=None):
        """C8: when each suspicion locks, as foretold at `t`."""
        suspicions = self.anchor.suspicions if suspicions is None else suspicions
        t = self.t if t is None else t
        policy = self.ledger.policy()
        limits = {"clock": policy.clock["suspect_limit"], "ledger": policy.ledger["suspect_limit"]}
        limits["place"] = limits["ledger"]
        locks = dict.fromkeys(limits, HUGE)
        for of, (_, age, _) in suspicions.items():  # one that locks already does so for all that is foretold
            locks[of] = t + limits[of] - age if age < limits[of] else -HUGE
        return locks

    def foretold(self, as_if=None):
        return Foretold(self.ledger, self.locks(), self.t, as_if)

    # -- A: alarms

    def event(self, event, at, **fields):
        line = dict.fromkeys(("event", "at", "license", "feature", "access", "state", "reason", "left", "document", "error"))
        line.update(fields, event=event, at=stamp(at))
        self.ledger.events.append((self.world.number(), line))
        self.dirty = True

    def changed(self, at, license, feature, new):
        """A3."""
        old = self.ledger.standings[license, feature]
        if new == old:
            return
        self.ledger.standings[license, feature] = new
        self.dirty = True
        fields = {"license": license, "feature": feature, "access": new[0], "state": new[1], "reason": new[2], "left": new[3]}
        was, is_now, before, after = old[1] == "grace", new[1] == "grace", old[3], new[3]
        if is_now and not was:
            self.event("grace_started", at, **fields)
        elif was and not is_now:
            self.event("grace_ended", at, **fields)
        elif not is_now:
            self.event("access_changed", at, **fields)
        elif new[:3] != old[:3] or (before is not None and (after is None or after > before)):
            self.event("grace_changed", at, **fields)
        if after is not None and (before is None or after < before):
            self.event("grace_warning", at, **fields)

    def foregone(self, suspicions, t):
        """A2: what happened since the last record."""
        ledger = self.ledger
        if self.t < ledger.t:
            return
        foretold = Foretold(ledger, self.locks(suspicions, t), ledger.t)
        changes = [
            (x, license, feature, standing)
            for license, feature in ledger.standings
            for x, standing in foretold.changes(license, feature, ledger.t, self.t)
        ]
        for x, license, feature, standing in sorted(changes, key=lambda change: change[:3]):
            self.changed(x, license, feature, standing)

    def differences(self):
        """A2: the suspicions that began or ended (A4), then whatever differs at `t`."""
        was, now = self.recorded, set(self.anchor.suspicions)
        if was != now:
            self.dirty = True
        if "clock" in now - was:
            self.event("clock_suspect", self.t, reason=self.clock)
        if "clock" in was - now:
            self.event("clock_restored", self.t)
        for of in ("ledger", "place"):
            if of in now - was:
                self.event("ledger_suspect", self.t, reason=self.anchor.suspicions[of][0])
        if (was - now) & {"ledger", "place"} and not now & {"ledger", "place"}:
            self.event("ledger_restored", self.t)
        self.recorded = now
        foretold = self.foretold()
        for license, feature in sorted(self.ledger.standings):
            self.changed(self.t, license, feature, foretold.standing(license, feature, self.t))

    # -- operations

    def begin(self, opening=None):
        """Every operation: C5, A2."""
        self.dirty = False
        suspicions, t = dict(self.anchor.suspicions), self.t
        self.recorded = set(suspicions)
        self.read(opening)
        self.foregone(suspicions, t)
        self.differences()

    def commit(self, check=False, close=False):
        """C5: one record, if there is anything to record."""
        ledger = self.ledger
        if close and self.anchor != ledger.anchor:
            self.dirty = True
        if self.anchor.proven >= ledger.anchor.proven + ANCHOR_AFTER:
            self.dirty = True
        if self.dirty:
            ledger.anchor, ledger.t = self.anchor.copy(), self.t
            ledger.records += (self.world.number(),)
            self.pending = True
        if self.pending and not (check and self.world.lose_checks):
            self.pending = False
            self.world.file = ledger.copy()
            self.world.witnesses[self.world.machine] = {  # L3
                "records": ledger.records,
                "proven": ledger.anchor.proven,
                "suspicions": dict(ledger.anchor.suspicions),
            }

    def open(self):
        world, ledger = self.world, self.ledger
        witness = world.witnesses.get(world.machine)
        put_back = witness and witness["records"][-1] not in ledger.records and witness["records"][-1] not in ledger.found
        durable = self.anchor.proven

        def opening():
            suspicions = self.anchor.suspicions
            if put_back:
                self.raise_to(witness["proven"])
                known = witness["suspicions"]
                greater(suspicions, "ledger", known)
                suspicions.setdefault("ledger", ("put_back", 0, None))
                greater(suspicions, "clock", known)  # ended by this reading where it is ok
            if ledger.home == world.machine:  # L5
                suspicions.pop("place", None)
            elif ledger.policy().ledger["moved"] == "suspect":
                if put_back:
                    greater(suspicions, "place", witness["suspicions"])
                suspicions.setdefault("place", ("moved", 0, None))

        def after():
            for of, (kind, age, began) in list(self.anchor.suspicions.items()):
                if began is None:
                    self.anchor.suspicions[of] = kind, age, self.anchor.proven
            if put_back:
                ledger.found |= frozenset(witness["records"]) - frozenset(ledger.records)
                for license, lease in ledger.leases.items():
                    for feature in lease["features"]:
                        self.charge(license, feature, [(durable, witness["proven"])])

        self.dirty = False
        suspicions, t = dict(self.anchor.suspicions), self.t
        self.recorded = set(suspicions)
        self.read(opening)
        after()
        if put_back:
            self.dirty = True
        self.foregone(suspicions, t)
        self.differences()
        self.commit()

    def close(self):
        self.begin()
        self.commit(close=True)

    def upkeep(self):
        self.begin()
        self.commit()

    def request(self):
        """C6: a nonce lives in memory. That a renewal is asked for is recorded before it is sent."""
        self.begin()
        self.dirty = True
        self.commit()
        self.nonce = (self.world.number(), self.world.uptime())
        return self.nonce[0]

    def report(self, kind):
        """G1."""
        self.begin()
        if self.ledger.reports.get(kind, -2) < self.ledger.last_lease or kind not in self.ledger.reports:
            self.ledger.reports[kind] = self.ledger.next()
            self.dirty = True
            self.differences()
        self.commit()

    def check(self, sku, feature):
        self.begin()
        access, state, reason, license = self.foretold(as_if=self.t).best(sku, feature, self.t)
        if state == "grace" and self.foretold().first_use(license, feature) is None:  # G2
            self.ledger.first_uses[license, feature] = self.t
            self.dirty = True
            self.differences()
        (access, state, reason), until, ends = self.foretold().outlook(sku, feature, self.t)
        self.commit(check=True)
        suspicions = self.anchor.suspicions
        return {
            "t": stamp(self.t), "sku": sku, "feature": feature, "access": access, "state": state, "reason": reason,
            "until": stamp(until), "ends": stamp(ends), "clock": self.clock,
            "ledger": "moved" if "place" in suspicions else "suspect" if "ledger" in suspicions else "ok",
        }

    # -- D: documents

    def take(self, doc):
        """Accepts or refuses a document: (accepted, error)."""
        self.begin()
        error = None
        if not self.in_force(doc):  # D0
            error = self.judge(doc)
            if error is None:
                self.accept(doc)
            elif doc["token"] not in self.ledger.refused:
                self.ledger.refused = (self.ledger.refused + [doc["token"]])[-REFUSED_KEPT:]
                license = doc["license"] if doc["license"] and NAME.match(doc["license"]) else None
                self.event("document_refused", self.t, license=license, document=doc["kind"], error=error)
                self.differences()
        self.commit()
        return error is None, error

    def in_force(self, doc):
        ledger, token, kind = self.ledger, doc["token"], doc["kind"]
        if kind == "lease":
            lease = ledger.leases.get(doc["license"])
            return lease is not None and lease["token"] == token
        if kind == "policy":
            return bool(ledger.policies) and ledger.policies[-1][2] == token
        if kind == "notice":
            return ledger.notices.get(doc["id"], {}).get("token") == token
        held = {"extension": ledger.extensions, "revocation": ledger.revocations, "ruling": ledger.rulings}[kind]
        return any(other["token"] == token for other in held)

    def fresh(self, doc):
        """C6."""
        if doc["any"] or self.nonce is None or doc["nonce"] != self.nonce[0]:
            return False
        return self.world.uptime() - self.nonce[1] <= NONCE_FOR

    def judge(self, doc):
        """D, the first reason that applies."""
        ledger, kind, governance = self.ledger, doc["kind"], self.ledger.policy().governance
        if doc["fault"] in ("unknown_key", "bad_signature", "wrong_role", "malformed"):
            return doc["fault"]
        if kind == "policy" and isinstance(doc["body"].get("schema"), int) and doc["body"]["schema"] > 1:
            return "unsupported"
        try:
            self.well_formed(doc)
        except Bad:
            return "malformed"
        if doc["fault"] == "wrong_ledger":
            return "wrong_ledger"
        if kind == "policy" and ledger.policies:
            if doc["policy"].id != ledger.policy().id:
                return "wrong_policy"
            if doc["policy"].version <= ledger.policy().version:
                return "stale"
        if kind == "lease":
            lease = ledger.leases.get(doc["license"])
            if lease and not self.fresh(doc) and doc["iat"] <= lease["iat"]:
                return "stale"
        if kind == "notice" and doc["id"] in ledger.notices and doc["iat"] <= ledger.notices[doc["id"]]["iat"]:
            return "stale"
        if kind == "extension":  # D4
            if doc["signers"] < governance["approvals"]:
                return "approvals"
            if doc["until"] > doc["iat"] + governance["max_extension"]:
                return "over_limit"
            if doc["license"] not in ledger.accepted:
                return "unknown_license"
        return None

    def well_formed(self, doc):
        kind = doc["kind"]
        if kind == "policy":
            doc["policy"] = Policy(doc["body"])
            return
        instants, intervals = [doc["iat"]], []
        if kind == "notice":
            check_name(doc["id"])
            intervals.append((doc["start"], doc["end"]))
            for sku in doc["skus"]:
                check_name(sku)
        else:
            check_name(doc["license"])
        if kind == "lease":
            check_name(doc["sku"])
            if not doc["features"]:
                raise Bad("no feature")
            for feature in doc["features"]:  # S16: one may have ended already
                check_name(feature)
        else:
            check_scope(doc["features"])
        if kind == "extension":
            intervals.append((doc["iat"], doc["until"]))
            if doc["access"] not in ("full", "limited"):
                raise Bad("access")
        if kind == "revocation":
            instants.append(doc["effective"])
        if kind == "ruling":
            if doc["void"]:
                intervals.append(doc["void"])
            if set(doc["clears"]) - {"clock", "ledger"} or not (doc["void"] or doc["clears"]):
                raise Bad("clears")
        for start, end in intervals:
            instants += [start, end]
            if end <= start:
                raise Bad("an interval that does not end after it starts")
        if any(not EARLIEST <= x <= LATEST for x in instants):
            raise Bad("an instant outside 1970 to 9999")

    def accept(self, doc):
        ledger, kind, p = self.ledger, doc["kind"], self.anchor.proven
        if kind == "policy":
            ledger.policies.append((self.t, doc["policy"], doc["token"]))
            if doc["policy"].ledger["moved"] == "ignore":  # L5
                self.anchor.suspicions.pop("place", None)
        elif kind == "notice":
            ledger.notices[doc["id"]] = doc
        else:
            self.accept_raising(doc, p)
        self.event("document_accepted", self.t, license=doc["license"], document=kind)
        self.differences()

    def accept_raising(self, doc, p):
        """C6, and what each of its kinds does."""
        ledger, anchor, kind = self.ledger, self.anchor, doc["kind"]
        if kind == "lease" and self.fresh(doc):
            self.nonce = None
            anchor.proven, anchor.offset = doc["iat"], self.world.wall() - doc["iat"]
            anchor.suspicions.clear()
            ledger.home = self.world.machine  # L5
        else:
            self.raise_to(doc["iat"])
        self.read()
        if kind == "lease":
            self.settle_account(doc["license"], p)
            policy = len(ledger.policies) - 1
            ledger.leases[doc["license"]] = {**doc, "order": ledger.next(), "policy": policy}
            ledger.last_lease = ledger.order
            ledger.accepted.add(doc["license"])
            for feature in doc["features"]:
                ledger.standings.setdefault((doc["license"], feature), ("full", "licensed", None, None))  # A1
        elif kind == "extension":
            ledger.extensions.append(doc)
        elif kind == "revocation":
            ledger.revocations.append(doc)
        elif kind == "ruling":
            ledger.rulings.append(doc)
            self.clear(doc)

    def settle_account(self, license, p):
        """G8."""
        ledger = self.ledger
        old = ledger.leases.get(license)
        for feature in old["features"] if old else ():
            use = ledger.first_uses.pop((license, feature), None)
            if use is None or use > self.t:
                continue
            stand = Foretold(ledger, {}, use, as_if=use)
            covers = stand.covers(license, feature)
            counting = clip([cover[:2] for cover in covers if cover[4]], use, p)
            self.charge(license, feature, minus(counting, [cover[:2] for cover in covers if not cover[4]]))
        for key in [key for key in ledger.first_uses if key[0] == license]:
            del ledger.first_uses[key]

    def charge(self, license, feature, intervals):
        key = license, feature
        self.ledger.charges[key] = union(self.ledger.charges.get(key, []) + list(intervals))

    def clear(self, doc):
        """D6."""
        anchor = self.anchor

        def cleared(of):
            return of in anchor.suspicions and anchor.suspicions[of][2] <= doc["iat"]

        if "ledger" in doc["clears"]:
            if cleared("ledger"):
                del anchor.suspicions["ledger"]
            if cleared("place"):
                del anchor.suspicions["place"]
                self.ledger.home = self.world.machine
        if "clock" in doc["clears"] and cleared("clock"):
            anchor.offset, anchor.run = self.world.wall() - anchor.proven, None
            self.read()


def greater(suspicions, of, known):
    """L3: suspicions that the witness knows go on, the one of greater age with its beginning."""
    if of in known and (of not in suspicions or known[of][1] > suspicions[of][1]):
        suspicions[of] = known[of]


# ------------------------------------------------------------------------------------------------------------- scenario

DOCUMENTS = ("lease", "policy", "notice", "extension", "revocation", "ruling")


def run(scenario, lose_checks=False):
    """The lines of a scenario, as a list of lists of dicts: one list for each step."""
    world = World(scenario, lose_checks)
    tokens, lines = {}, []

    def reopen():
        world.ledger = world.file.copy()
        world.client = Client(world)

    for number, step in enumerate(scenario["steps"]):
        action = next(key for key in step if key not in ("expect", "sku"))
        body, out = step[action], []
        if action == "advance":
            world.now += span(body)
        elif action == "set_wall":
            world.shift += signed(body)
        elif action in ("reboot", "move", "power_loss"):
            if action != "power_loss":
                world.client.close()
            world.restart(span(body.get("off", "0s")), body.get("to", world.machine))
            reopen()
        elif action == "reopen":
            world.client.close()
            reopen()
        elif action == "save":
            world.client.close()
            world.copies[body] = world.file
            reopen()
        elif action == "restore":
            world.client.close()
            world.file = world.copies[body]
            reopen()
        elif action == "request":
            world.requests.append((body, world.now, world.client.request()))
        elif action in DOCUMENTS or action == "replay":
            if action == "replay":
                tokens[number] = tokens[body]
            else:
                tokens[number] = world.issue(action, body)
            accepted, error = world.client.take(tokens[number])
            out.append({"step": number, "document": tokens[number]["kind"], "accepted": accepted, "error": error})
        elif action == "report":
            world.client.report(body)
        elif action == "check":
            out.append({"step": number, **world.client.check(step.get("sku", world.sku), body)})
        elif action == "events":
            world.client.upkeep()
            for event, line in world.ledger.events:
                if event not in world.printed:
                    world.printed.add(event)
                    out.append({"step": number, **line})
        else:
            raise ValueError(f"step {number}: {action!r} is nothing that a step can do")
        lines.append(out)
    return lines


def unmet(scenario, lines):
    """What of a scenario's expectations its lines do not meet."""
    for number, (step, out) in enumerate(zip(scenario["steps"], lines)):
        expect = step.get("expect")
        if expect is None:
            continue
        expect = expect if isinstance(expect, list) else [expect]
        if len(expect) != len(out):
            yield f"step {number}: expected {len(expect)} lines, got {len(out)}: {json.dumps(out)}"
        for wanted, line in zip(expect, out):
            for key, value in wanted.items():
                if line.get(key, "missing") != value:
                    yield f"step {number}: {key}: expected {value!r}, got {line.get(key)!r}"


def text(line):
    return json.dumps(line, separators=(",", ":"))


def main(arguments):
    expect = "--expect" in arguments
    failed = 0
    for path in arguments:
        if path == "--expect":
            continue
        with open(path, encoding="utf-8") as file:
            scenario = json.load(file)
        lines = run(scenario)
        if expect:
            found = list(unmet(scenario, lines))
            failed += bool(found)
            print(f"{scenario.get('name', path)}: {'as expected' if not found else 'NOT as expected'}")
            for sentence in found:
                print(f"  {sentence}")
        else:
            for out in lines:
                for line in out:
                    print(text(line))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
