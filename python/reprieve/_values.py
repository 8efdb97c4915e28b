"""What the library answers: immutable values, safe to share between threads and to pickle."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, NoReturn, Optional, Tuple, Type, TypedDict, TypeVar, Union, cast

from ._reprieve import text
from ._words import Access, Clock, Document, EventKind, Ledger, Outage, Reason, Refusal, State, TaskKind, _Word

if TYPE_CHECKING:
    from pathlib import Path

    from . import _reprieve


class Cover(TypedDict):
    """The cover that holds, in grace; instants as RFC 3339 text in UTC."""

    reason: str
    start: str
    end: str
    stage: int
    counts: bool
    policy: Optional[int]
    tier: Optional[str]
    notice: Optional[str]


class Evidence(TypedDict):
    """A report that counts, and when it was made first."""

    outage: str
    since: str


class WayOut(TypedDict):
    """What ends a lock, a suspicion or a denial: a stable word, and what to do in English."""

    way: str
    text: str


class FlagsDict(TypedDict):
    """As :class:`Flags`."""

    in_memory: bool
    newer: bool
    drill: bool
    detached: bool


class Explanation(TypedDict):
    """A decision and why it is as it is, with the keys that every language has; instants as RFC 3339 text in UTC."""

    t: str
    sku: str
    feature: str
    access: str
    state: Optional[str]
    reason: Optional[str]
    until: Optional[str]
    ends: Optional[str]
    clock: str
    ledger: str
    license: Optional[str]
    lease_end: Optional[str]
    flags: FlagsDict
    rule: str
    cover: Optional[Cover]
    evidence: List[Evidence]
    ways_out: List[WayOut]
    trouble: Optional[str]


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST = datetime.min.replace(tzinfo=timezone.utc)
_LAST = datetime.max.replace(tzinfo=timezone.utc)


def utc(ns: int) -> datetime:
    """Nanoseconds since 1970 as a ``datetime`` in UTC, cut to the microsecond and to the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(microseconds=ns // 1000)
    except OverflowError:
        return _FIRST if ns < 0 else _LAST


def _utc_or_none(ns: Optional[int]) -> Optional[datetime]:
    return None if ns is None else utc(ns)


_W = TypeVar("_W", bound=_Word)


def _words(kind: Type[_W]) -> Dict[str, _W]:
    return {word.value: word for word in kind}


_ACCESS = _words(Access)
_STATE = _words(State)
_REASON = _words(Reason)
_CLOCK = _words(Clock)
_LEDGER = _words(Ledger)


class Flags(NamedTuple):
    """What else there is to say of the ledger that was read."""

    in_memory: bool
    """The ledger lies in memory and ends with the client."""
    newer: bool
    """A newer release wrote what this one does not know; nothing is appended."""
    drill: bool
    """The ledger is a drill's."""
    detached: bool
    """The ledger cannot be read or written at the moment; the answer rests on what was read before."""


_FIELDS = (
    "t_ns",
    "sku",
    "feature",
    "access",
    "allowed",
    "state",
    "reason",
    "until_ns",
    "ends_ns",
    "clock",
    "ledger",
    "license",
    "lease_end_ns",
    "flags",
    "why",
)


class Decision:
    """What a product asked, and the answer.

    Immutable; equal if everything in it is; it can be hashed, pickled and shared between threads.

    Instants come twice: as ``datetime`` in UTC, which has microseconds and ends with the year 9999 (what lies beyond is cut), and
    with the ending ``_ns`` as whole nanoseconds since 1970-01-01T00:00:00Z, which is exact. :func:`reprieve.text` writes the
    latter as every other language does.

    A decision has no truth value: ``if client.check(...)`` would be true for a refusal too, so it raises ``TypeError``, whatever
    was decided. Ask :attr:`allowed`, or compare :attr:`access`.
    """

    __slots__ = ("_d", "__weakref__")
    _d: "Union[_reprieve.Decision, SimpleNamespace]"

    def __init__(self, native: "Union[_reprieve.Decision, SimpleNamespace]") -> None:
        object.__setattr__(self, "_d", native)

    @property
    def access(self) -> Access:
        """What the feature may do."""
        return _ACCESS[self._d.access]

    @property
    def allowed(self) -> bool:
        """Whether access is ``limited`` or ``full``. False for ``unknown`` too: what that means is the product's choice."""
        return bool(self._d.allowed)

    @property
    def state(self) -> Optional[State]:
        """Where the feature stands. None if access is ``unknown``."""
        word = self._d.state
        return None if word is None else _STATE[word]

    @property
    def reason(self) -> Optional[Reason]:
        """What grants grace, in grace."""
        word = self._d.reason
        return None if word is None else _REASON[word]

    @property
    def sku(self) -> str:
        """The product."""
        return cast(str, self._d.sku)

    @property
    def feature(self) -> str:
        """The feature."""
        return cast(str, self._d.feature)

    @property
    def t(self) -> datetime:
        """When it was decided, by trusted time."""
        return utc(self._d.t_ns)

    @property
    def t_ns(self) -> int:
        """The same in nanoseconds since 1970, exactly."""
        return cast(int, self._d.t_ns)

    @property
    def until(self) -> Optional[datetime]:
        """The next instant at which access, state or reason changes if nothing else arrives. None if there is none."""
        return _utc_or_none(self._d.until_ns)

    @property
    def until_ns(self) -> Optional[int]:
        """The same in nanoseconds since 1970, exactly."""
        return cast(Optional[int], self._d.until_ns)

    @property
    def ends(self) -> Optional[datetime]:
        """The first later instant at which access is denied. None if it is denied now, or never will be."""
        return _utc_or_none(self._d.ends_ns)

    @property
    def ends_ns(self) -> Optional[int]:
        """The same in nanoseconds since 1970, exactly."""
        return cast(Optional[int], self._d.ends_ns)

    @property
    def clock(self) -> Clock:
        """What is known against the clock."""
        return _CLOCK[self._d.clock]

    @property
    def ledger(self) -> Ledger:
        """What is known against the ledger."""
        return _LEDGER[self._d.ledger]

    @property
    def license(self) -> Optional[str]:
        """The licence that answers."""
        return cast(Optional[str], self._d.license)

    @property
    def lease_end(self) -> Optional[datetime]:
        """When the lease itself ends: grace is what comes after."""
        return _utc_or_none(self._d.lease_end_ns)

    @property
    def lease_end_ns(self) -> Optional[int]:
        """The same in nanoseconds since 1970, exactly."""
        return cast(Optional[int], self._d.lease_end_ns)

    @property
    def flags(self) -> Flags:
        """What else there is to say of the ledger that was read."""
        return Flags(*self._d.flags)

    def explain(self) -> Explanation:
        """The decision and why it was made: the rule of ``docs/semantics.md``, the cover that holds, the evidence, and the ways out.

        A new dict of plain values, ready for JSON, with the keys that every language has; instants are RFC 3339 text. ``trouble``
        says in English why access is ``unknown``, and is None otherwise. More keys may follow.
        """
        return cast(Explanation, json.loads(self._d.why))

    def _fields(self) -> Tuple[Any, ...]:
        return tuple(getattr(self._d, name) for name in _FIELDS)

    def __bool__(self) -> NoReturn:
        raise TypeError("a Decision is neither true nor false; ask decision.allowed, or compare decision.access")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return self._d is other._d or self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((self._d.t_ns, self._d.sku, self._d.feature, self._d.access))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Decision cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Decision cannot be changed")

    def __reduce__(self) -> "Tuple[Any, ...]":
        return _restore, (self._fields(),)

    def __repr__(self) -> str:
        words = [str(self.access)]
        words.extend(str(word) for word in (self.state, self.reason) if word is not None)
        ends = self._d.ends_ns
        until = "" if ends is None else " until " + text(ends)
        return "<Decision {}/{}: {}{}>".format(self.sku, self.feature, ", ".join(words), until)


def _restore(fields: Tuple[Any, ...]) -> Decision:
    return Decision(SimpleNamespace(**dict(zip(_FIELDS, fields))))


@dataclass(frozen=True)
class Answer:
    """What became of a document. A refusal is an answer, not an error."""

    kind: Optional[Document]
    """Its kind, where it can be read."""
    license: Optional[str]
    """The licence that it is about, where it can be read."""
    accepted: bool
    """Whether it is in force now."""
    known: bool
    """It was in force before; nothing changed."""
    fresh: bool
    """It is a lease that answered the newest request."""
    error: Optional[Refusal]
    """Why it was refused."""
    detail: str
    """The same in English: what is wrong, and what to do."""

    def __bool__(self) -> NoReturn:
        raise TypeError("an Answer is neither true nor false; ask answer.accepted")


def answer(value: "_reprieve._AnswerValue") -> Answer:
    kind, license, accepted, known, fresh, error, detail = value
    return Answer(
        kind=None if kind is None else Document(kind),
        license=license,
        accepted=accepted,
        known=known,
        fresh=fresh,
        error=None if error is None else Refusal(error),
        detail=detail,
    )


@dataclass(frozen=True)
class Request:
    """A renewal request, for the authority."""

    nonce: str
    """What the lease must echo to be fresh."""
    body: bytes
    """What to send: JSON, with the ledger's signed head and proofs that it goes on from those sent before."""


@dataclass(frozen=True)
class Event:
    """What products are told. Fields that do not apply are None."""

    record: int
    """The number of the record that it stands in."""
    index: int
    """Its place in that record, from 0. Record and index name it for acknowledgement."""
    kind: EventKind
    """What it tells of."""
    at: datetime
    """The instant at which it took effect, also if no product ran then: UTC, cut to the microsecond."""
    at_ns: int
    """The same in nanoseconds since 1970, exactly."""
    license: Optional[str]
    """The licence."""
    feature: Optional[str]
    """The feature."""
    access: Optional[Access]
    """The new access."""
    state: Optional[State]
    """The new state."""
    reason: Optional[str]
    """What grants grace (a word of :class:`Reason`); or, of a suspicion, its kind: ``rolled_back``, ``leaped``, ``damaged``,
    ``put_back`` or ``moved``."""
    left: Optional[int]
    """The warning threshold in force, in seconds."""
    document: Optional[Document]
    """Which kind of document."""
    error: Optional[Refusal]
    """Why a document was refused."""
    text: Optional[str]
    """An appeal's text."""


def event(value: "_reprieve._EventValue") -> Event:
    record, index, kind, at, (license, feature), (access, state, reason, left), (document, error, words) = value
    return Event(
        record=record,
        index=index,
        kind=EventKind(kind),
        at=utc(at),
        at_ns=at,
        license=license,
        feature=feature,
        access=None if access is None else _ACCESS[access],
        state=None if state is None else _STATE[state],
        reason=reason,
        left=left,
        document=None if document is None else Document(document),
        error=None if error is None else Refusal(error),
        text=words,
    )


class PolicyVersion(NamedTuple):
    """Which policy is in force."""

    id: str
    version: int


@dataclass(frozen=True)
class Status:
    """How a client sees its ledger."""

    t: datetime
    """Trusted time, in UTC, cut to the microsecond."""
    t_ns: int
    """The same in nanoseconds since 1970, exactly."""
    clock: Clock
    """What is known against the clock."""
    ledger: Ledger
    """What is known against the ledger."""
    flags: Flags
    """What else there is to say of it."""
    ledger_id: str
    """The ledger's id."""
    folder: "Optional[Path]"
    """Where it lies; None in memory."""
    generation: int
    """Which file of its line it is, counting from 0."""
    records: int
    """How many records it has."""
    policy: Optional[PolicyVersion]
    """The policy in force."""
    unproven: int
    """Accepted documents whose signatures do not hold with this product's keys. They give nothing."""
    features: Tuple[Decision, ...]
    """A decision for each feature of the SKU, as a check would answer, in the order of their names."""


def status(value: "_reprieve._StatusValue") -> Status:
    t, clock, ledger, flags, (ledger_id, folder, generation, records, policy, unproven), features = value
    return Status(
        t=utc(t),
        t_ns=t,
        clock=_CLOCK[clock],
        ledger=_LEDGER[ledger],
        flags=Flags(*flags),
        ledger_id=ledger_id,
        folder=folder,
        generation=generation,
        records=records,
        policy=None if policy is None else PolicyVersion(*policy),
        unproven=unproven,
        features=tuple(Decision(feature) for feature in features),
    )


@dataclass(frozen=True)
class Diagnostic:
    """What happened that nobody was told of."""

    wall: datetime
    """The machine's clock, as it was: UTC, cut to the microsecond."""
    wall_ns: int
    """The same in nanoseconds since 1970, exactly."""
    text: str
    """What happened, in English."""


@dataclass(frozen=True)
class Task:
    """What a product has to do in a drill's step, after the world did its part."""

    kind: TaskKind
    """What to do; the other fields belong to some kinds only and are None otherwise."""
    token: Optional[bytes] = None
    """``import``: this token."""
    sku: Optional[str] = None
    """``check``: the product."""
    feature: Optional[str] = None
    """``check``: the feature."""
    outage: Optional[Outage] = None
    """``report``: what to report."""
