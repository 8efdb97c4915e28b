"""Reprieve for asyncio: what waits for the disk or for another process runs in the loop's default executor, and the loop runs on.

    >>> import asyncio
    >>> async def main():
    ...     async with open_toml(app, in_memory=True) as client:
    ...         core = client.feature("cad", "core")
    ...         print(client.allowed(core), await client.report("network"))
    >>> app = '''
    ... vendor = "acme"
    ... secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
    ... roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
    ... '''
    >>> asyncio.run(main())
    False True

A call that is cancelled while it waits is not undone: its thread finishes, and what was recorded is recorded.
"""

import asyncio
import contextvars
import functools
from types import TracebackType
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Generator, List, Literal, Optional, Tuple, Type, TypeVar, Union

from . import _open
from ._errors import BusyError, ClosedError
from ._open import AnyPath, Upkeep
from ._reprieve import Client, ExplainedDecision, Feature
from ._values import Answer, Diagnostic, Event, Explanation, Request, Status
from ._words import Outage

__all__ = ["AsyncClient", "open", "open_toml"]

_T = TypeVar("_T")


def _in_thread(call: Callable[..., _T], *args: Any, **named: Any) -> "Awaitable[_T]":
    """As ``asyncio.to_thread``, which CPython 3.8 lacks; it begins at once."""
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return loop.run_in_executor(None, functools.partial(context.run, call, *args, **named))


class AsyncClient:
    """A :class:`reprieve.Client` for coroutines of one event loop. Its words are the client's.

    Checks are plain calls, as they wait for nothing; the rest is awaited. An asynchronous context manager, which closes.

    >>> async def main():
    ...     with Drill('{"sku": "cad", "steps": []}') as drill:
    ...         async with AsyncClient(drill.client) as client:
    ...             answer = await client.import_document("no token")
    ...             print(answer.error, client.check("cad", "core").state)
    >>> import asyncio
    >>> asyncio.run(main())
    malformed unlicensed
    """

    __slots__ = ("_client", "_taken", "__weakref__")

    def __init__(self, client: Client) -> None:
        """Wraps a client, which may be used beside it."""
        self._client = client
        # An event that was taken out for a coroutine that was cancelled meanwhile: it is the next one's, or it would be missed.
        self._taken: Dict[str, "asyncio.Future[Optional[Event]]"] = {}

    @property
    def client(self) -> Client:
        """The client that it wraps."""
        return self._client

    def feature(self, sku: str, feature: str) -> Feature:
        """See :meth:`reprieve.Client.feature`."""
        return self._client.feature(sku, feature)

    def allowed(self, feature: Feature) -> bool:
        """See :meth:`reprieve.Client.allowed`."""
        return self._client.allowed(feature)

    def check(self, sku: str, feature: str) -> ExplainedDecision:
        """See :meth:`reprieve.Client.check`."""
        return self._client.check(sku, feature)

    def explain(self, sku: str, feature: str) -> Explanation:
        """See :meth:`reprieve.Client.explain`."""
        return self._client.explain(sku, feature)

    @property
    def endpoints(self) -> Tuple[str, ...]:
        """See :attr:`reprieve.Client.endpoints`."""
        return self._client.endpoints

    async def import_document(self, token: Union[bytes, bytearray, memoryview, str]) -> Answer:
        """See :meth:`reprieve.Client.import_document`."""
        return await _in_thread(self._client.import_document, token)

    async def report(self, outage: Union[Outage, Literal["network", "server"]]) -> bool:
        """See :meth:`reprieve.Client.report`."""
        return await _in_thread(self._client.report, outage)

    async def request(self) -> Request:
        """See :meth:`reprieve.Client.request`."""
        return await _in_thread(self._client.request)

    async def renew(self, body: Union[bytes, bytearray, memoryview, str]) -> List[Answer]:
        """See :meth:`reprieve.Client.renew`."""
        return await _in_thread(self._client.renew, body)

    async def next_event(self, consumer: str) -> Optional[Event]:
        """See :meth:`reprieve.Client.next_event`. If it is cancelled, the next call gets the event."""
        while True:
            taken = self._taken.get(consumer)
            if taken is None:
                taken = self._taken[consumer] = asyncio.ensure_future(_in_thread(self._client.next_event, consumer))
            await asyncio.wait([taken])
            if self._taken.get(consumer) is taken:
                del self._taken[consumer]
                return taken.result()

    async def acknowledge(self, consumer: str, event: Event) -> None:
        """See :meth:`reprieve.Client.acknowledge`."""
        await _in_thread(self._client.acknowledge, consumer, event)

    async def events(self, consumer: str) -> AsyncIterator[Event]:
        """The events that this consumer has not been given, until there is none: see :meth:`reprieve.Client.events`.

        >>> async def main():
        ...     with Drill('{"sku": "cad", "steps": []}') as drill:
        ...         async with AsyncClient(drill.client) as client:
        ...             await client.next_event("tray")
        ...             await client.appeal("The server room was under water.")
        ...             async for event in client.events("tray"):
        ...                 print(event.kind)
        >>> import asyncio
        >>> asyncio.run(main())
        appeal_filed
        """
        while True:
            event = await self.next_event(consumer)
            if event is None:
                return
            yield event
            await self.acknowledge(consumer, event)

    async def follow(self, consumer: str, *, every: float = 1.0) -> AsyncIterator[Event]:
        """The events as they come: see :meth:`reprieve.Client.follow`. Cancel its task to end it; it ends by itself when the client
        was closed.

        Each event is acknowledged when the loop comes for the next one. A task that is cancelled in the loop's body leaves its
        event to the next open.
        """
        done: Optional[Event] = None
        while True:
            event: Optional[Event] = None
            try:
                if done is not None:
                    await self.acknowledge(consumer, done)
                    done = None
                event = await self.next_event(consumer)
                if event is None:
                    await self.upkeep()
                    event = await self.next_event(consumer)
            except BusyError:
                pass
            except ClosedError:
                return
            if event is not None:
                yield event
                done = event
            else:
                await asyncio.sleep(every)

    async def status(self, sku: str) -> Status:
        """See :meth:`reprieve.Client.status`."""
        return await _in_thread(self._client.status, sku)

    async def skus(self) -> Tuple[str, ...]:
        """See :meth:`reprieve.Client.skus`."""
        return await _in_thread(self._client.skus)

    async def appeal(self, text: str, license: Optional[str] = None) -> bytes:
        """See :meth:`reprieve.Client.appeal`."""
        return await _in_thread(self._client.appeal, text, license)

    async def upkeep(self) -> None:
        """See :meth:`reprieve.Client.upkeep`."""
        await _in_thread(self._client.upkeep)

    async def head(self) -> str:
        """See :meth:`reprieve.Client.head`."""
        return await _in_thread(self._client.head)

    async def ledger_id(self) -> str:
        """See :attr:`reprieve.Client.ledger_id`."""
        return await _in_thread(lambda: self._client.ledger_id)

    async def diagnostics(self) -> List[Diagnostic]:
        """See :meth:`reprieve.Client.diagnostics`."""
        return await _in_thread(self._client.diagnostics)

    async def close(self) -> None:
        """See :meth:`reprieve.Client.close`."""
        await _in_thread(self._client.close)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()


class _Opening:
    """What :func:`open` gives: to be awaited, or to be entered by ``async with``."""

    __slots__ = ("_open", "_client")

    def __init__(self, opening: Callable[[], Client]) -> None:
        self._open = opening
        self._client: Optional[AsyncClient] = None

    async def _opened(self) -> AsyncClient:
        return AsyncClient(await _in_thread(self._open))

    def __await__(self) -> Generator[Any, None, AsyncClient]:
        return self._opened().__await__()

    async def __aenter__(self) -> AsyncClient:
        self._client = await self._opened()
        return self._client

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._client is not None:
            await self._client.close()


def open(
    app_file: AnyPath,
    *,
    folder: Optional[AnyPath] = None,
    witness: Optional[AnyPath] = None,
    in_memory: bool = False,
    upkeep: Upkeep = "in_checks",
    lock_timeout: float = 5.0,
    create: bool = True
) -> _Opening:
    """As :func:`reprieve.open`: ``async with reprieve.aio.open(...) as client``, or ``client = await reprieve.aio.open(...)``.

    >>> async def main():
    ...     try:
    ...         client = await open("no/such/reprieve.toml")
    ...     except AppError as error:
    ...         print(error.word)
    >>> import asyncio
    >>> asyncio.run(main())
    app
    """
    return _Opening(
        functools.partial(
            _open.open,
            app_file,
            folder=folder,
            witness=witness,
            in_memory=in_memory,
            upkeep=upkeep,
            lock_timeout=lock_timeout,
            create=create,
        )
    )


def open_toml(
    text: str,
    *,
    folder: Optional[AnyPath] = None,
    witness: Optional[AnyPath] = None,
    in_memory: bool = False,
    upkeep: Upkeep = "in_checks",
    lock_timeout: float = 5.0,
    create: bool = True
) -> _Opening:
    """As :func:`reprieve.open_toml`; used like :func:`open`.

    >>> app = '''
    ... vendor = "acme"
    ... secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
    ... roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
    ... '''
    >>> async def main():
    ...     client = await open_toml(app, in_memory=True)
    ...     print(client.check("cad", "core").access)
    ...     await client.close()
    >>> import asyncio
    >>> asyncio.run(main())
    denied
    """
    return _Opening(
        functools.partial(
            _open.open_toml,
            text,
            folder=folder,
            witness=witness,
            in_memory=in_memory,
            upkeep=upkeep,
            lock_timeout=lock_timeout,
            create=create,
        )
    )
