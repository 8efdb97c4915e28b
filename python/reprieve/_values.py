"""What the library answers beside decisions: immutable values, safe to share between threads and to pickle.

The functions make them of the plain values of the extension module, which calls them.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, List, NamedTuple, NoReturn, Optional, Tuple, TypedDict, cast

from ._words import Access, Clock, Document, EventKind, Failure, Ledger, Outage, Refusal, RenewalKind, RenewalOutcome, State, TaskKind

if TYPE_CHECKING:
    from pathlib import Path

    from . import _reprieve
    from ._reprieve import ExplainedDecision


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


_CLOCK = {str(word): word for word in Clock}
_LEDGER = {str(word): word for word in Ledger}
_ACCESS = {str(word): word for word in Access}
_STATE = {str(word): word for word in State}


class Flags(NamedTuple):
    """What else there is to say of the ledger that was read.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     print(client.check("cad", "core").flags)
    Flags(in_memory=False, newer=False, drill=True, detached=False)
    """

    in_memory: bool
    """The ledger lies in memory and ends with the client."""
    newer: bool
    """A newer release wrote what this one does not know; nothing is appended."""
    drill: bool
    """The ledger is a drill's."""
    detached: bool
    """The ledger cannot be read or written at the moment; the answer rests on what was read before."""


def explanation(why: str) -> Explanation:
    return cast(Explanation, json.loads(why))


@dataclass(frozen=True)
class Answer:
    """What became of a document. A refusal is an answer, not an error.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     answer = client.import_document("no token")
    ...     print(answer.accepted, answer.kind, answer.error)
    False None malformed
    """

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


def answers(values: "List[_reprieve._AnswerValue]") -> List[Answer]:
    return [answer(value) for value in values]


@dataclass(frozen=True)
class Request:
    """A renewal request, for the authority.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     request = client.request()
    ...     print(type(request.nonce).__name__, type(request.body).__name__)
    str bytes
    """

    nonce: str
    """What the lease must echo to be fresh."""
    body: bytes
    """What to send: JSON, with the ledger's signed head and proofs that it goes on from those sent before."""


@dataclass(frozen=True)
class Event:
    """What products are told. Fields that do not apply are None.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     assert client.next_event("tray") is None
    ...     _ = client.import_document("no token")
    ...     for event in client.events("tray"):
    ...         print(event.kind, event.error, event.at)
    document_refused malformed 2026-01-01 00:00:00+00:00
    """

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
    """Which policy is in force.

    >>> print(PolicyVersion("acme", 3).version)
    3
    """

    id: str
    version: int


@dataclass(frozen=True)
class Status:
    """How a client sees its ledger.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     status = client.status("cad")
    ...     print(status.t, status.clock, status.ledger, status.policy)
    2026-01-01 00:00:00+00:00 ok ok None
    """

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
    features: "Tuple[ExplainedDecision, ...]"
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
        features=tuple(features),
    )


@dataclass(frozen=True)
class Diagnostic:
    """What happened that nobody was told of.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     for note in client.diagnostics():
    ...         print(note.wall, note.text)
    """

    wall: datetime
    """The machine's clock, as it was: UTC, cut to the microsecond."""
    wall_ns: int
    """The same in nanoseconds since 1970, exactly."""
    text: str
    """What happened, in English."""


def diagnostics(notes: List[Tuple[int, str]]) -> List[Diagnostic]:
    return [Diagnostic(wall=utc(ns), wall_ns=ns, text=text) for ns, text in notes]


@dataclass(frozen=True)
class RenewalTask:
    """What a driver of renewals does next.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     task = client.renewer().poll()
    ...     print(task.kind, task.seconds > 0)
    wait True
    """

    kind: RenewalKind
    """What to do; the other fields belong to some kinds only."""
    attempt: int = 0
    """``send``, ``abort``: names the attempt."""
    seconds: float = 0.0
    """``send``: the attempt is over if there is no answer within so long. ``wait``: so long."""
    method: str = ""
    """``send``: HTTP's, such as ``POST``."""
    url: str = ""
    """``send``: where to."""
    headers: Tuple[Tuple[str, str], ...] = ()
    """``send``: header fields."""
    body: bytes = b""
    """``send``: the body."""


def renewal_task(
    kind: str,
    attempt: Optional[int],
    seconds: Optional[float],
    method: str = "",
    url: str = "",
    headers: Tuple[Tuple[str, str], ...] = (),
    body: bytes = b"",
) -> RenewalTask:
    return RenewalTask(RenewalKind(kind), attempt or 0, seconds or 0.0, method, url, tuple(headers), body)


@dataclass(frozen=True)
class RenewalState:
    """How renewing stands.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     print(client.renewer().state().is_busy)
    False
    """

    is_busy: bool
    """Whether a round of attempts is under way."""
    next: Optional[float]
    """In how many seconds the next round begins, by what is known; None while one is under way, before the first poll, and without
    endpoints."""
    outcome: Optional[RenewalOutcome] = None
    """How the attempt that ended last did; None if none has. What follows is of that attempt."""
    word: str = ""
    """All of it in a word, such as ``renewed``, ``no_dns``, ``status 302`` or ``answered: wrong_ledger``."""
    url: str = ""
    """Where it went."""
    ago: float = 0.0
    """How many seconds ago it ended."""
    took: float = 0.0
    """How many seconds it took."""
    failure: Optional[Failure] = None
    """How it failed, if it did."""
    status: Optional[int] = None
    """The status of HTTP, where that is the outcome."""
    refusal: Optional[Refusal] = None
    """Why the first document was refused, if all were."""


def renewal_state(value: "_reprieve._RenewalStateValue") -> RenewalState:
    is_busy, next, last = value
    if last is None:
        return RenewalState(is_busy, next)
    outcome, word, url, ago, took, failure, status, refusal = last
    return RenewalState(
        is_busy=is_busy,
        next=next,
        outcome=RenewalOutcome(outcome),
        word=word,
        url=url,
        ago=ago,
        took=took,
        failure=None if failure is None else Failure(failure),
        status=status,
        refusal=None if refusal is None else Refusal(refusal),
    )


@dataclass(frozen=True)
class Task:
    """What a product has to do in a drill's step, after the world did its part.

    >>> with Drill('{"sku": "cad", "steps": [{"check": "core"}]}') as drill:
    ...     task = drill.step(0)
    ...     print(task.kind, task.sku, task.feature)
    check cad core
    """

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
