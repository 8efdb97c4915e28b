"""Reprieve keeps a licensed product running, for a bounded and audited time, when its licence server cannot be reached.

Three calls do most of it::

    import reprieve

    client = reprieve.open("reprieve.toml")
    client.import_document(token)           # what the vendor's server sent: a lease, a policy, a notice, ...
    core = client.feature("cad", "core")
    while running:
        if client.allowed(core):
            ...

A product asks whenever it wants to know, in every frame if it likes: :meth:`Client.allowed`, :meth:`Feature.check`, or
:meth:`Client.check` by name. Where a renewal fails, it says so with :meth:`Client.report`, and the
vendor's signed policy decides how long the product runs on. What happened is read with :meth:`Client.events`. For asyncio there is
:mod:`reprieve.aio`, for renewing by the standard library's HTTP :mod:`reprieve.renewing`, and for a shell ``python -m reprieve``.

**Unknown is not denied.** ``access`` is ``full``, ``limited``, ``denied``, or ``unknown`` where the library could not decide. "Could
not check", "checked and refused" and "not allowed" are different facts: a check never raises, a refused document is an
:class:`Answer`, and what could not be read or written is an :class:`Error` with a stable ``code``.

**Units.** Instants are ``datetime`` in UTC, cut to the microsecond and to the years 1 to 9999, and beside each stands an exact ``int``
with the ending ``_ns``: nanoseconds since 1970-01-01T00:00:00Z. :func:`text` writes one as every other language does. Lengths of time
are seconds.

**Threads.** Everything may be used from any thread; see :class:`Client` for processes and ``fork``. What may wait for a lock or for
another process runs without the interpreter's lock. A check by :class:`Feature` keeps it, as it waits for nothing: at
most every 10 ms it looks at the ledger's file. The library starts no thread, prints nothing, and never ends the program.

**Interpreters.** CPython 3.8 and later by its stable ABI. Nothing here needs the interpreter's lock, and the extension says so to a
free-threaded build, for which it must be built from source, as such a build has no stable ABI before 3.15. In a subinterpreter the
import fails with ``ImportError``.

**Names** of SKUs, features and licences are 1 to 128 of ``A-Z a-z 0-9 . _ : @ / + -``; of consumers the same without ``:`` and ``/``.

**Drills.** :class:`Drill` runs all of this against a simulated authority and clock: in tests, and in a team's outage drill.
"""

try:
    from . import _reprieve
except ImportError as _error:
    from ._broken import explained

    raise explained(_error) from _error

if getattr(_reprieve, "INTERFACE", 0) != 1:
    raise ImportError(
        "{} is of reprieve {} (interface {}), and the files beside it want interface 1: two releases are mixed up in one folder; "
        "remove it and install reprieve again".format(
            _reprieve.__file__, getattr(_reprieve, "VERSION", "unknown"), getattr(_reprieve, "INTERFACE", 0)
        )
    )

from ._drill import Drill
from ._errors import (
    AppError,
    ArgumentError,
    BusyError,
    ClaimsError,
    ClosedError,
    DamagedError,
    DrillError,
    Error,
    ExistsError,
    FullError,
    InternalError,
    IoError,
    LedgerError,
    MissingError,
    NewerError,
    NoFolderError,
    NotALedgerError,
    PolicyError,
    ReadOnlyError,
    ScenarioError,
    TooLargeError,
    UnsupportedError,
    WrongKeyError,
)
from ._open import open, open_toml
from ._reprieve import Client, Decision, ExplainedDecision, Feature, Renewer
from ._values import (
    Answer,
    Cover,
    Diagnostic,
    Event,
    Evidence,
    Explanation,
    Flags,
    FlagsDict,
    PolicyVersion,
    RenewalState,
    RenewalTask,
    Request,
    Status,
    Task,
    WayOut,
)
from ._words import (
    Access,
    Clock,
    Document,
    EventKind,
    Failure,
    Fault,
    Ledger,
    Outage,
    Reason,
    Refusal,
    RenewalKind,
    RenewalOutcome,
    State,
    TaskKind,
)

__version__: str = _reprieve.VERSION


def text(ns: int) -> str:
    """Nanoseconds since 1970 as RFC 3339 in UTC, with as many digits of a second as there are, as every other language prints them.

    >>> text(1767225600500000000)
    '2026-01-01T00:00:00.5Z'

    Args:
        ns: such as :attr:`Decision.t_ns` or :attr:`Event.at_ns`.

    Raises:
        OverflowError: beyond 127 bits.
    """
    return _reprieve.text(ns)


__all__ = [
    "Access",
    "Answer",
    "AppError",
    "ArgumentError",
    "BusyError",
    "ClaimsError",
    "Client",
    "Clock",
    "ClosedError",
    "Cover",
    "DamagedError",
    "Decision",
    "Diagnostic",
    "Document",
    "Drill",
    "DrillError",
    "Error",
    "Event",
    "EventKind",
    "Evidence",
    "ExistsError",
    "ExplainedDecision",
    "Explanation",
    "Failure",
    "Fault",
    "Feature",
    "Flags",
    "FlagsDict",
    "FullError",
    "InternalError",
    "IoError",
    "Ledger",
    "LedgerError",
    "MissingError",
    "NewerError",
    "NoFolderError",
    "NotALedgerError",
    "Outage",
    "PolicyError",
    "PolicyVersion",
    "ReadOnlyError",
    "Reason",
    "Refusal",
    "RenewalKind",
    "RenewalOutcome",
    "RenewalState",
    "RenewalTask",
    "Renewer",
    "Request",
    "ScenarioError",
    "State",
    "Status",
    "Task",
    "TaskKind",
    "TooLargeError",
    "UnsupportedError",
    "WayOut",
    "WrongKeyError",
    "__version__",
    "open",
    "open_toml",
    "text",
]
