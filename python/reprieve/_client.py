"""The client."""

import os
from types import TracebackType
from typing import Iterator, List, Literal, Optional, Tuple, Type, Union

from . import _reprieve
from ._values import Answer, Decision, Diagnostic, Event, Explanation, Request, Status, answer, event, status, utc
from ._words import Outage

AnyPath = Union[str, "os.PathLike[str]"]
Upkeep = Literal["checks", "own"]


def _bytes(what: str, token: Union[bytes, bytearray, memoryview, str]) -> bytes:
    if isinstance(token, str):
        return token.encode("utf-8", "replace")
    if isinstance(token, (bytes, bytearray, memoryview)):
        return bytes(token)
    raise TypeError("{} is bytes or str, not {}".format(what, type(token).__name__))


class Client:
    """An open ledger: get one from :func:`reprieve.open`, :func:`reprieve.open_toml` or a :class:`reprieve.Drill`.

    **Threads.** One client may be used from any number of threads at once. No call holds the interpreter's lock while it waits, so
    other threads run on. Several clients, processes and products may have one ledger open at once, and give the same answers.

    **Waiting.** :meth:`check` never waits for another process. The other calls wait for the ledger's lock for ``lock_timeout``
    seconds at most, then raise :class:`reprieve.BusyError`; nothing has changed then.

    **fork.** A child of ``os.fork`` may go on with the client that it inherited: its first call drops the parent's files and opens
    the ledger anew. Fork while no other thread is inside a call on the client, as a lock that such a thread holds stays locked in
    the child for ever; or use the ``spawn`` or ``forkserver`` method of ``multiprocessing``. A client cannot be pickled: open one
    in each process.

    **Closing.** A client is a context manager. One that is forgotten is closed when it is collected.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
    ...     token = drill.issue("lease", {"license": "L1", "sku": "cad", "features": {"core": 1767312000}})
    ...     assert client.import_document(token).accepted
    ...     decision = client.check("cad", "core")
    ...     print(decision.access, decision.state, decision.until)
    full licensed 2026-01-02 00:00:00+00:00
    """

    __slots__ = ("_native", "_drill", "__weakref__")
    _native: _reprieve.Client
    _drill: Optional[_reprieve.Drill]

    def __init__(self, native: _reprieve.Client, drill: Optional[_reprieve.Drill] = None) -> None:
        """For this package alone."""
        if not isinstance(native, _reprieve.Client):
            raise TypeError("a Client comes from reprieve.open")
        self._native = native
        # A drill that nobody else holds lives on as long as its clients.
        self._drill = drill

    def check(self, sku: str, feature: str) -> Decision:
        """May the product use this feature now?

        Never waits for another process and never fails: what could not be decided has access ``unknown``, and
        :meth:`Decision.explain` says why; so it is after :meth:`close`, and for what is no name. Between two upkeeps, at most 10 ms
        apart, the same decision is given again.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill:
        ...     decision = drill.client.check("cad", "core")
        ...     print(decision.access, decision.state, decision.allowed)
        denied unlicensed False
        """
        return Decision(self._native.check(sku, feature))

    def explain(self, sku: str, feature: str) -> Explanation:
        """Why a check would answer as it does: :meth:`check`, then :meth:`Decision.explain`.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill:
        ...     why = drill.client.explain("cad", "core")
        ...     print(why["rule"], [way["way"] for way in why["ways_out"]])
        J1 ['renew', 'lease_by_file']
        """
        return self.check(sku, feature).explain()

    def import_document(self, token: Union[bytes, bytearray, memoryview, str]) -> Answer:
        """Imports a document: a token as any JWT library makes it, compact or General JSON.

        Whether it was accepted is the answer, not an error; what is accepted is on disk before this returns.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill:
        ...     answer = drill.client.import_document("no token")
        ...     print(answer.accepted, answer.error)
        False malformed

        Raises:
            LedgerError: the ledger cannot be read or written; nothing has changed.
            ClosedError: the client was closed.
        """
        return answer(self._native.import_document(_bytes("a token", token)))

    def report(self, outage: Union[Outage, Literal["network", "server"]]) -> bool:
        """A renewal failed, in this way (rule G1). Returns whether that was news.

        Only a signed document can refuse a customer, never an HTTP status: report what is not one.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill:
        ...     print(drill.client.report("network"), drill.client.report(Outage.NETWORK))
        True False

        Raises:
            ArgumentError: the outage is neither.
            LedgerError: the ledger cannot be read or written; nothing has changed.
            ClosedError: the client was closed.
        """
        return self._native.report(str(outage) if isinstance(outage, Outage) else outage)

    def request(self) -> Request:
        """Makes a renewal request: send its body to the authority. The lease that answers it within 10 minutes is fresh (rule C6);
        a newer request takes its place.

        Raises:
            LedgerError: the ledger cannot be read or written.
            ClosedError: the client was closed.
        """
        nonce, body = self._native.request()
        return Request(nonce=nonce, body=body)

    def renew(self, body: Union[bytes, bytearray, memoryview, str]) -> List[Answer]:
        """Takes the authority's answer to a renewal request: one token, or JSON ``{"documents": [token, ...]}``.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
        ...     claims = {"license": "L1", "sku": "cad", "features": {"core": 1767312000}, "nonce": client.request().nonce}
        ...     [answer] = client.renew(drill.issue("lease", claims))
        ...     print(answer.kind, answer.accepted, answer.fresh)
        lease True True

        Raises:
            ClaimsError: it is neither.
            LedgerError: the ledger cannot be read or written.
            ClosedError: the client was closed.
        """
        return [answer(value) for value in self._native.renew(_bytes("an answer", body))]

    @property
    def endpoints(self) -> Tuple[str, ...]:
        """The renewal servers of the application file, best first."""
        return tuple(self._native.endpoints())

    def next_event(self, consumer: str) -> Optional[Event]:
        """The next event that this consumer has not been given, in the ledger's order; None if there is none yet.

        A consumer is a name; one that is new starts at the end. What is not acknowledged is given again after the next open.

        Raises:
            ArgumentError: the consumer is no name.
            LedgerError: the ledger cannot be read.
            ClosedError: the client was closed.
        """
        value = self._native.next_event(consumer)
        return None if value is None else event(value)

    def acknowledge(self, consumer: str, event: Event) -> None:
        """A consumer has dealt with an event, and with all before it.

        Raises:
            ArgumentError: the consumer is no name.
            LedgerError: its place cannot be written.
            ClosedError: the client was closed.
        """
        self._native.acknowledge(consumer, event.record, event.index)

    def events(self, consumer: str) -> Iterator[Event]:
        """The events that this consumer has not been given, until there is none.

        Each is acknowledged when the loop comes for the next one: once its body has dealt with it. One whose body raises, or breaks
        the loop, is not, and is given again after the next open. (A later event that is acknowledged covers it.)

        >>> with Drill('{"sku": "cad", "steps": []}') as drill, drill.client as client:
        ...     for event in client.events("tray"):
        ...         print("none yet")
        ...     _ = client.appeal("The server room was under water.")
        ...     for event in client.events("tray"):
        ...         print(event.kind, event.text)
        appeal_filed The server room was under water.

        Raises:
            ArgumentError: the consumer is no name.
            LedgerError: the ledger cannot be read, or the consumer's place cannot be written.
            ClosedError: the client was closed.
        """
        while True:
            event = self.next_event(consumer)
            if event is None:
                return
            yield event
            self.acknowledge(consumer, event)

    def status(self, sku: str) -> Status:
        """All features of a SKU, as checks would answer, and how the ledger stands.

        Raises:
            ArgumentError: the SKU is no name.
            LedgerError: the ledger cannot be read or written.
            ClosedError: the client was closed.
        """
        return status(self._native.status(sku))

    def appeal(self, text: str, license: Optional[str] = None) -> bytes:
        """Files an appeal, in the customer's words, and gives what to send to the vendor: JSON with the text, the ledger's signed
        head and its recent history. What comes back is a ruling: see :meth:`import_document`.

        Raises:
            ArgumentError: the text has not 1 to 10,000 bytes, or the licence is no name.
            LedgerError: the ledger cannot be read or written.
            ClosedError: the client was closed.
        """
        return self._native.appeal(license, text)

    def upkeep(self) -> None:
        """Upkeep: reads the clocks and the ledger, and records what is due.

        Call it at least every few minutes, from a thread of the product's own, if the client was opened with ``upkeep="own"``: if
        none has run for 10 minutes, checks answer ``unknown``. It may wait for the disk and for other processes.

        Raises:
            LedgerError: the ledger cannot be read or written.
            ClosedError: the client was closed.
        """
        self._native.upkeep()

    def close(self) -> None:
        """Closes the ledger, for every handle on it. Closing again is no error.

        Raises:
            LedgerError: the ledger cannot be written; it is closed all the same.
        """
        self._native.close()

    def head(self) -> str:
        """The ledger's signed head: a checkpoint note that anybody can check against the file without any secret.

        Raises:
            LedgerError: the ledger cannot be written.
            ClosedError: the client was closed.
        """
        return self._native.head()

    @property
    def ledger_id(self) -> str:
        """The ledger's id, as leases and rulings name it.

        Raises:
            ClosedError: the client was closed.
        """
        return self._native.ledger_id()

    def diagnostics(self) -> List[Diagnostic]:
        """What happened that nobody was told of: the last few hundred notes of this client, oldest first. None once closed."""
        return [Diagnostic(wall=utc(ns), wall_ns=ns, text=text) for ns, text in self._native.diagnostics()]

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def open(
    app_file: AnyPath,
    *,
    folder: Optional[AnyPath] = None,
    witness: Optional[AnyPath] = None,
    in_memory: bool = False,
    upkeep: Upkeep = "checks",
    lock_timeout: float = 5.0,
    create: bool = True
) -> Client:
    """Opens the ledger of an application file, making it if none lies there.

    Args:
        app_file: the vendor's ``reprieve.toml``. Relative folders in it are relative to the file's own.
        folder: the ledger's folder, in place of the application file's or the platform's.
        witness: the witness's folder, in place of the application file's or the platform's.
        in_memory: a ledger in memory, for read-only machines: it ends with the client, and every decision says so.
        upkeep: ``"checks"``: checks do it, at most every 10 ms. ``"own"``: the product calls :meth:`Client.upkeep` on a thread of
            its choice; then a check never touches the disk.
        lock_timeout: how long a call waits for the ledger's lock, in seconds.
        create: whether a ledger is made where none lies.

    Raises:
        AppError: the application file cannot be read, or says something impossible.
        ArgumentError: an option is none.
        LedgerError: the ledger cannot be opened. Nothing is created in the place of a file that cannot be opened.
    """
    return Client(_reprieve.open(app_file, None, folder, witness, in_memory, upkeep, lock_timeout, create))


def open_toml(
    text: str,
    *,
    folder: Optional[AnyPath] = None,
    witness: Optional[AnyPath] = None,
    in_memory: bool = False,
    upkeep: Upkeep = "checks",
    lock_timeout: float = 5.0,
    create: bool = True
) -> Client:
    """Like :func:`reprieve.open`, with the application file's text: for products that carry it inside. Relative folders in it are
    relative to the working directory.

    >>> app = '''
    ... vendor = "acme"
    ... secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
    ... roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
    ... '''
    >>> with open_toml(app, in_memory=True) as client:
    ...     decision = client.check("cad", "core")
    ...     print(decision.access, decision.flags.in_memory)
    denied True
    """
    return Client(_reprieve.open(None, text, folder, witness, in_memory, upkeep, lock_timeout, create))
