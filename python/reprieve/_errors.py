"""The tree of errors. One class for each of the core's kinds, under a few families."""

from typing import Dict, Type


class Error(Exception):
    """The base of every error of this package.

    ``str(error)`` says in English what happened, to which thing, and what to do next. ``code`` is the stable number of the kind,
    the same in every language, and ``word`` its stable name: products translate by these. Numbers are never reused.

    A refused document is no error: see :class:`reprieve.Answer`. Neither is a decision that could not be made: its access is
    ``unknown``.

    >>> try:
    ...     open("no/such/reprieve.toml")
    ... except Error as error:
    ...     print(type(error).__name__, error.code, error.word)
    AppError 101 app
    """

    code: int = 0
    word: str = "error"


class ArgumentError(Error, ValueError):
    """An argument is not what the call takes. It is a ``ValueError`` too."""

    code = 100
    word = "argument"


class AppError(Error):
    """The application file cannot be read, or says something impossible."""

    code = 101
    word = "app"


class ScenarioError(Error):
    """A scenario is malformed: the message names the step and the key."""

    code = 102
    word = "scenario"


class ClaimsError(Error):
    """A document cannot be made from these claims, or an answer of the authority holds none."""

    code = 103
    word = "claims"


class PolicyError(Error):
    """A policy is not valid."""

    code = 104
    word = "policy"


class LedgerError(Error):
    """The ledger could not be opened, read or written: the family of all errors with codes from 200 to 399.

    A call that raises one has changed nothing. Checks go on meanwhile, from what was read before.
    """


class WrongKeyError(LedgerError):
    """The application's secret or the install secret does not open the ledger. Nothing is created in its place."""

    code = 200
    word = "wrong_key"


class MissingError(LedgerError):
    """No ledger lies there, and none was to be created."""

    code = 300
    word = "missing"


class BusyError(LedgerError):
    """Another process or thread held the ledger's lock for longer than ``lock_timeout``. Try again."""

    code = 301
    word = "busy"


class ReadOnlyError(LedgerError):
    """The folder or file cannot be written."""

    code = 302
    word = "read_only"


class FullError(LedgerError):
    """The disk is full."""

    code = 303
    word = "full"


class NoFolderError(LedgerError):
    """The folder is not there and cannot be made."""

    code = 304
    word = "no_folder"


class NotALedgerError(LedgerError):
    """What lies there is no ledger."""

    code = 305
    word = "not_a_ledger"


class NewerError(LedgerError):
    """The ledger is of a newer format or level: update this product."""

    code = 306
    word = "newer"


class DrillError(LedgerError):
    """A drill's ledger was opened as a real one, or the other way round."""

    code = 307
    word = "drill"


class ExistsError(LedgerError):
    """A ledger or a drill lies there already."""

    code = 308
    word = "exists"


class DamagedError(LedgerError):
    """The ledger is damaged beyond what can be read."""

    code = 309
    word = "damaged"


class IoError(LedgerError):
    """Any other error of the operating system."""

    code = 310
    word = "io"


class ClosedError(Error):
    """The client or drill was closed."""

    code = 400
    word = "closed"


class UnsupportedError(Error):
    """The platform, or this drill, cannot do this."""

    code = 401
    word = "unsupported"


class TooLargeError(Error):
    """A record is larger than a ledger takes."""

    code = 402
    word = "too_large"


class InternalError(Error):
    """A bug in this library. The client that met it is not to be used further: close it and open the ledger again."""

    code = 900
    word = "internal"


_ALL = (
    ArgumentError,
    AppError,
    ScenarioError,
    ClaimsError,
    PolicyError,
    WrongKeyError,
    MissingError,
    BusyError,
    ReadOnlyError,
    FullError,
    NoFolderError,
    NotALedgerError,
    NewerError,
    DrillError,
    ExistsError,
    DamagedError,
    IoError,
    ClosedError,
    UnsupportedError,
    TooLargeError,
    InternalError,
)
_BY_CODE: Dict[int, Type[Error]] = {kind.code: kind for kind in _ALL}
for _kind in (Error, LedgerError) + _ALL:
    _kind.__module__ = "reprieve"
del _kind


def of(code: int, message: str) -> Error:
    """The error of a code. The extension module calls this."""
    error = _BY_CODE.get(code, Error)(message)
    if error.code != code:
        error.code = code
    return error
