"""Drills: a simulated authority, clock and world, and a real client on a real ledger in it."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Mapping, Optional, Type, Union

from . import _reprieve
from ._errors import ArgumentError, ClaimsError
from ._open import AnyPath, Upkeep
from ._reprieve import Client
from ._values import Task, utc
from ._words import Document, Fault, Outage, TaskKind

Seconds = Union[int, float, timedelta]
_KindWord = Literal["lease", "policy", "notice", "extension", "revocation", "ruling", "keys"]
_FaultWord = Literal["malformed", "unknown_key", "bad_signature", "wrong_role", "wrong_ledger"]

# Beyond this no calendar goes, and the core's arithmetic would be cut.
_MOST_NS = 10**30


def _nanos(seconds: Seconds) -> int:
    if isinstance(seconds, timedelta):
        return seconds // timedelta(microseconds=1) * 1000
    try:
        nanos = seconds * 10**9 if isinstance(seconds, int) else round(seconds * 1e9)
    except (OverflowError, ValueError):
        raise ArgumentError("{!r} is no number of seconds".format(seconds)) from None
    if abs(nanos) > _MOST_NS:
        raise ArgumentError("{!r} seconds are more than a drill can take".format(seconds))
    return nanos


def _json(what: str, value: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ClaimsError("{}: {}; write what JSON has".format(what, error)) from error


class Drill:
    """A drill: its own authority, clock and ledger, and a normal client on them.

    Tests, conformance in every language, and a team's outage drill are the same thing. A drill's ledger is marked as one, and a real
    open refuses it. ``Drill(scenario)`` runs a scenario (JSON, or TOML of the same shape) on a simulated clock, in a temporary
    folder that goes with it; :meth:`create` and :meth:`open` are for drills on the real clock, which other processes can open.

    A drill ends with :meth:`close`, or with the last of it, its clients and their features. It may be used from any thread, one call
    at a time: others wait. A forked child may use the drill's client; the drill itself, and its temporary folder, stay the parent's.

    >>> scenario = '''{"sku": "cad", "steps": [
    ...     {"lease": {"license": "L1", "features": ["core"], "ttl": "24h"}},
    ...     {"advance": "25h"},
    ...     {"check": "core"}
    ... ]}'''
    >>> with Drill(scenario) as drill:
    ...     for at in range(drill.steps):
    ...         task = drill.step(at)
    ...         if task.kind == "import":
    ...             print(drill.client.import_document(task.token).accepted)
    ...         elif task.kind == "check":
    ...             print(drill.client.check(task.sku, task.feature).state)
    True
    expired
    """

    CONSUMER: ClassVar[str] = _reprieve.CONSUMER
    """The consumer by which a scenario's events are taken."""

    __slots__ = ("_native", "__weakref__")
    _native: _reprieve.Drill

    def __init__(self, scenario: str) -> None:
        """Begins a scenario.

        Raises:
            ScenarioError: it is malformed, or its policy is refused.
            IoError: the temporary folder cannot be made.
        """
        self._native = _reprieve.Drill.of(scenario)

    @classmethod
    def _of(cls, native: _reprieve.Drill) -> "Drill":
        drill = cls.__new__(cls)
        drill._native = native
        return drill

    @classmethod
    def create(cls, folder: AnyPath, policy: Optional[Mapping[str, Any]] = None) -> "Drill":
        """Makes a drill on the real clock, in a folder that stays, with this policy (its claims, without ``iat``).

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with Drill.create(folder + "/drill") as drill:
        ...         print(drill.client.check("cad", "core").access)
        denied

        Raises:
            ExistsError: a drill is there already.
            ScenarioError: the policy is refused.
            LedgerError: the folder cannot be written.
        """
        return cls._of(_reprieve.Drill.create(folder, None if policy is None else _json("policy", policy)))

    @classmethod
    def open(cls, folder: AnyPath) -> "Drill":
        """Opens a drill that this or another process made with :meth:`create`.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with Drill.create(folder + "/drill") as drill, Drill.open(drill.folder) as other:
        ...         print(other.client.ledger_id == drill.client.ledger_id)
        True

        Raises:
            MissingError: there is none.
            LedgerError: its ledger cannot be opened.
        """
        return cls._of(_reprieve.Drill.open(folder))

    @property
    def steps(self) -> int:
        """How many steps the scenario has. None on the real clock: 0."""
        return self._native.steps

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self._native.folder()

    @property
    def client(self) -> Client:
        """The client of the moment. A step may close it and open another: ask anew after each.

        Raises:
            ClosedError: the drill was closed, or a step failed to open a client.
        """
        return self._native.client()

    def new_client(self, *, upkeep: Upkeep = "in_checks", lock_timeout: float = 5.0) -> Client:
        """Another client on its ledger, as another product would have; the arguments are those of :func:`reprieve.open`.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.new_client() as other:
        ...     print(other.report("network"), drill.client.report("network"))
        True False
        """
        return self._native.new_client(upkeep, lock_timeout)

    @property
    def now(self) -> datetime:
        """True time, which the authority knows: UTC, cut to the microsecond."""
        return utc(self._native.now_ns())

    @property
    def now_ns(self) -> int:
        """The same in nanoseconds since 1970, exactly."""
        return self._native.now_ns()

    def step(self, at: int) -> Task:
        """Does the world's part of a step of the scenario, counting from 0, and says what the product has to do.

        >>> with Drill('{"sku": "cad", "steps": [{"advance": "1h"}, {"report": "network"}]}') as drill:
        ...     print([str(drill.step(at).kind) for at in range(drill.steps)])
        ['nothing', 'report']

        Raises:
            ArgumentError: there is no such step.
            LedgerError: the ledger cannot be opened, read or written.
        """
        if at < 0 or at >= self._native.steps:
            raise ArgumentError("the scenario has no step {}".format(at))
        kind, token, sku, feature, outage = self._native.step(at)
        return Task(
            kind=TaskKind(kind),
            token=token,
            sku=sku,
            feature=feature,
            outage=None if outage is None else Outage(outage),
        )

    def issue(
        self,
        kind: Union[Document, _KindWord],
        claims: Mapping[str, Any],
        signers: int = 1,
        fault: Union[Fault, _FaultWord, None] = None,
    ) -> bytes:
        """Issues a document: a token, signed by the drill's authority.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill:
        ...     token = drill.issue("lease", {"license": "L1", "sku": "cad", "features": {"core": drill.now_ns // 10**9 + 3600}})
        ...     print(drill.client.import_document(token).license)
        L1

        Args:
            kind: which kind.
            claims: as its kind has them; instants in whole seconds since 1970. ``iat`` is now unless given, ``ledger`` of a lease or
                ruling this drill's, ``effective`` of a revocation its ``iat``.
            signers: how many keys of the kind's role sign it.
            fault: how it is broken, if so wished.

        Raises:
            ClaimsError: it cannot be made from these.
            ArgumentError: there is no such kind or fault.
        """
        if signers < 1:
            raise ArgumentError("{} signers: a document has 1 or more".format(signers))
        word = str(fault) if isinstance(fault, Fault) else fault
        kind_word = str(kind) if isinstance(kind, Document) else kind
        return self._native.issue(kind_word, _json("claims", claims), min(signers, 1000), word)

    def set_wall(self, by: Seconds) -> None:
        """Shifts the wall that the drill's clients see, by seconds (or a ``timedelta``), back if negative. The machine's clock is
        never set. On the real clock the shift is for every process that has the drill open, in whole seconds.

        >>> from datetime import timedelta
        >>> with Drill('{"sku": "cad", "steps": []}') as drill:
        ...     drill.set_wall(timedelta(days=-3))
        ...     drill.client.upkeep()
        ...     print(drill.client.check("cad", "core").clock)
        rolled_back

        Raises:
            IoError: the drill's folder cannot be written.
        """
        self._native.set_wall(_nanos(by))

    def advance(self, by: Seconds) -> None:
        """Time passes, machine on: seconds, or a ``timedelta``.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill:
        ...     drill.advance(3600)
        ...     print(drill.now)
        2026-01-01 01:00:00+00:00

        Raises:
            UnsupportedError: the drill is on the real clock.
            ArgumentError: time does not go back.
        """
        self._native.advance(_nanos(by))

    def close(self) -> None:
        """Ends the drill and closes its client; a temporary folder goes with it. Closing again is no error.

        >>> drill = Drill('{"sku": "cad", "steps": []}')
        >>> folder = drill.folder
        >>> drill.close()
        >>> folder.exists()
        False
        """
        self._native.close()

    def __enter__(self) -> "Drill":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
