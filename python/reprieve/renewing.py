"""Renews leases with the HTTP of the standard library: on a thread, or in asyncio.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    ...     with Renewing(drill.client) as renewing:
    ...         print(renewing.state().outcome)
    None

Certificates are verified by the name in the URL, redirects are not followed, and no more than :data:`MAX_ANSWER` bytes of an answer are
read. Proxies are those of the environment, unless told otherwise.
"""

import asyncio
import errno
import http.client
import os
import queue
import selectors
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request
from base64 import b64encode
from types import TracebackType
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Type, Union, cast

from ._errors import ClosedError
from ._reprieve import MAX_ANSWER, Client, Renewer
from ._values import RenewalState, RenewalTask
from ._words import Failure, RenewalKind
from .aio import AsyncClient, _in_thread

__all__ = ["MAX_ANSWER", "HttpAnswer", "Renewing", "failure_of", "renew"]

# No longer at once: timers stand still while the machine sleeps.
_NAP = 20.0
# So long after one address of a name the next is tried too (RFC 8305).
_STAGGER = 0.25
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}


class HttpAnswer(NamedTuple):
    """An answer by HTTP, whole.

    >>> HttpAnswer(503, [("Retry-After", "60")], b"").status
    503
    """

    status: int
    """Such as 200."""
    headers: List[Tuple[str, str]]
    """The header fields."""
    body: bytes
    """The body."""


_Outcome = Union[HttpAnswer, Failure]


def failure_of(error: BaseException, by_proxy: bool = False) -> Failure:
    """Which failure an exception of the standard library's is.

    >>> print(failure_of(ConnectionRefusedError()), failure_of(ConnectionRefusedError(), by_proxy=True))
    refused no_route

    Args:
        error: what ``http.client``, ``ssl`` or ``socket`` raised.
        by_proxy: whether it was a proxy that was connected to, which stands in the customer's network.
    """
    if isinstance(error, socket.gaierror):
        return Failure.NO_ROUTE if by_proxy else Failure.NO_DNS
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure.CERTIFICATE
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Failure.RESET
    if isinstance(error, socket.timeout):
        return Failure.TIMED_OUT
    if isinstance(error, ssl.SSLError):
        return Failure.TLS
    if isinstance(error, ConnectionRefusedError):
        return Failure.NO_ROUTE if by_proxy else Failure.REFUSED
    if isinstance(error, (ConnectionError, http.client.IncompleteRead)):
        return Failure.RESET
    if isinstance(error, http.client.InvalidURL):
        return Failure.LOCAL
    if isinstance(error, http.client.HTTPException):
        return Failure.PROTOCOL
    if isinstance(error, OSError):
        if error.errno == errno.ETIMEDOUT:
            return Failure.TIMED_OUT
        # What a proxy refuses to connect to has no number.
        if error.errno in _NO_ROUTE or (by_proxy and error.errno is None):
            return Failure.NO_ROUTE
    return Failure.LOCAL


class _Http:
    """How requests go."""

    def __init__(self, roots: Optional[str], proxy: Optional[str], headers: Optional[Mapping[str, str]]) -> None:
        self.context = ssl.create_default_context(cadata=roots)
        self.proxy = proxy
        self.headers = dict(headers or {})

    def proxy_for(self, url: urllib.parse.SplitResult) -> str:
        if self.proxy is not None:
            return self.proxy
        if urllib.request.proxy_bypass(url.netloc):
            return ""
        proxies = urllib.request.getproxies()
        return proxies.get(url.scheme) or proxies.get("all") or ""


def _connect(address: Tuple[str, int], timeout: float, source_address: object = None) -> socket.socket:
    """A connection to whichever address of a name answers first, within the time: one that says nothing does not hold up the others."""
    end = time.monotonic() + timeout
    left = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    begins, error = 0.0, OSError("the name has no address")
    with selectors.DefaultSelector() as waiting:
        try:
            while left or waiting.get_map():
                now = time.monotonic()
                if now >= end:
                    raise socket.timeout("timed out")
                if left and (now >= begins or not waiting.get_map()):
                    family, kind, protocol, _, place = left.pop(0)
                    begins = now + _STAGGER
                    try:
                        tried = socket.socket(family, kind, protocol)
                    except OSError as unsupported:
                        error = unsupported
                        continue
                    waiting.register(tried, selectors.EVENT_WRITE)
                    tried.setblocking(False)
                    try:
                        tried.connect(place)
                    except BlockingIOError:
                        pass
                    except OSError as refused:
                        waiting.unregister(tried)
                        tried.close()
                        error, begins = refused, now
                        continue
                for ready, _ in waiting.select((min(begins, end) if left else end) - now):
                    waiting.unregister(ready.fileobj)
                    tried = cast(socket.socket, ready.fileobj)
                    number = tried.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if number == 0:
                        tried.settimeout(timeout)
                        return tried
                    tried.close()
                    error, begins = OSError(number, os.strerror(number)), 0.0
        finally:
            for key in list(waiting.get_map().values()):
                cast(socket.socket, key.fileobj).close()
    raise error


class _Attempt:
    """One request, which another thread may abort."""

    def __init__(self, task: RenewalTask, http: _Http) -> None:
        self.task, self.http = task, http
        self.by_proxy = False
        self._connection: Optional[http_client_connection] = None
        self._aborted = False

    def abort(self) -> None:
        """Ends what waits on the socket."""
        self._aborted = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                # Below TLS, which would wait for the other side.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
            except OSError:
                pass

    def run(self) -> _Outcome:
        try:
            return self._send()
        except Exception as error:
            return failure_of(error, self.by_proxy)
        finally:
            if self._connection is not None:
                self._connection.close()

    def _send(self) -> _Outcome:
        task, url = self.task, urllib.parse.urlsplit(self.task.url)
        headers: Dict[str, str] = {**dict(task.headers), **self.http.headers, "Connection": "close"}
        target = (url.path or "/") + ("?" + url.query if url.query else "")
        host, port = url.hostname, url.port
        if host is None or url.scheme not in ("http", "https"):
            return Failure.LOCAL
        proxy = self.http.proxy_for(url)
        self.by_proxy = bool(proxy)
        through = urllib.parse.urlsplit(proxy if "//" in proxy else "//" + proxy)
        credentials: Dict[str, str] = {}
        if through.username is not None:
            words = urllib.parse.unquote(through.username) + ":" + urllib.parse.unquote(through.password or "")
            credentials["Proxy-Authorization"] = "Basic " + b64encode(words.encode()).decode()
        first, number = (through.hostname or "", through.port) if proxy else (host, port)
        connection: http_client_connection
        if url.scheme == "https":
            connection = http.client.HTTPSConnection(first, number, timeout=task.seconds, context=self.http.context)
            if proxy:
                connection.set_tunnel(host, port, credentials)
        else:
            connection = http.client.HTTPConnection(first, number, timeout=task.seconds)
            if proxy:
                target = task.url
                headers.update(credentials)
        # The library's own tries one address after the other, each for the whole time.
        connection._create_connection = _connect  # type: ignore[attr-defined]
        self._connection = connection
        connection.connect()
        # From here on it is the authority that fails, not the way to a proxy.
        self.by_proxy = self.by_proxy and url.scheme != "https"
        if self._aborted:
            return Failure.TIMED_OUT
        connection.request(task.method, target, task.body or None, headers)
        answer = connection.getresponse()
        parts, size = [], 0
        while True:
            part = answer.read(65536)
            if not part:
                break
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                return Failure.TOO_LONG
        # Some versions say nothing of a body that ends early.
        if task.method != "HEAD" and answer.length:
            return Failure.RESET
        return HttpAnswer(answer.status, answer.getheaders(), b"".join(parts))


http_client_connection = Union[http.client.HTTPConnection, http.client.HTTPSConnection]


def _start(attempt: _Attempt, ended: Callable[[int, _Outcome], None]) -> None:
    """On a thread of its own: two are hedged at once. One that hangs in the resolver does not keep the program from ending."""

    def run() -> None:
        ended(attempt.task.attempt, attempt.run())

    threading.Thread(target=run, name="reprieve-http", daemon=True).start()


def _tell(renewer: Renewer, attempt: int, outcome: _Outcome) -> None:
    if isinstance(outcome, HttpAnswer):
        if 100 <= outcome.status <= 999:
            renewer.answered(attempt, outcome.status, outcome.headers, outcome.body)
        else:
            renewer.failed(attempt, Failure.PROTOCOL)
    else:
        renewer.failed(attempt, outcome)


class Renewing:
    """Renews a client's leases on a thread of its own, until it is stopped or the client is closed. A context manager, which stops.

    A forked child has no such thread: it makes a ``Renewing`` of its own.

    >>> import threading
    >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    ...     renewing = Renewing(drill.client, timeout=10)
    ...     renewing.renew_now()
    ...     renewing.stop()
    """

    def __init__(
        self,
        client: Client,
        *,
        roots: Optional[str] = None,
        proxy: Optional[str] = None,
        headers: Optional[Mapping[str, str]] = None,
        **settings: Optional[float]
    ) -> None:
        """Starts the thread.

        Args:
            client: whose leases.
            roots: certificates of the vendor's own authorities, PEM, in place of those that the platform trusts.
            proxy: a proxy's URL; ``""`` for none; None for what the environment says.
            headers: for each request, such as ``Authorization``.
            settings: as of :meth:`reprieve.Client.renewer`.

        Raises:
            ArgumentError: a setting is no number of seconds.
            ClosedError: the client was closed.
        """
        self._http = _Http(roots, proxy, headers)
        self._renewer = client.renewer(**settings)
        # What ended; None: look again.
        self._inbox: "queue.Queue[Optional[Tuple[int, _Outcome]]]" = queue.Queue()
        self._stopped = False
        self._thread = threading.Thread(target=self._drive, name="reprieve-renew", daemon=True)
        self._thread.start()

    def _drive(self) -> None:
        running: Dict[int, _Attempt] = {}
        try:
            while not self._stopped:
                task = self._renewer.poll()
                if task.kind is RenewalKind.SEND:
                    attempt = running[task.attempt] = _Attempt(task, self._http)
                    try:
                        _start(attempt, lambda number, outcome: self._inbox.put((number, outcome)))
                    except RuntimeError:
                        self._renewer.failed(task.attempt, Failure.LOCAL)
                elif task.kind is RenewalKind.ABORT:
                    aborted = running.pop(task.attempt, None)
                    if aborted is not None:
                        aborted.abort()
                else:
                    try:
                        ended = self._inbox.get(timeout=min(task.seconds, _NAP))
                    except queue.Empty:
                        continue
                    if ended is not None:
                        running.pop(ended[0], None)
                        _tell(self._renewer, *ended)
        except ClosedError:
            pass
        finally:
            for attempt in running.values():
                attempt.abort()
            # The turn is another product's from here on.
            self._stopped = True

    def network_changed(self) -> None:
        """The network is back, or another one is there.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill, Renewing(drill.client) as renewing:
        ...     renewing.network_changed()
        """
        self._renewer.network_changed()
        self._inbox.put(None)

    def renew_now(self) -> None:
        """A renewal is wanted though none is due.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill, Renewing(drill.client) as renewing:
        ...     renewing.renew_now()
        """
        self._renewer.renew_now()
        self._inbox.put(None)

    def state(self) -> RenewalState:
        """How renewing stands.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill, Renewing(drill.client) as renewing:
        ...     print(renewing.state().url)
        <BLANKLINE>
        """
        return self._renewer.state()

    def stop(self) -> None:
        """Stops: waits for what is being written to the ledger, never for the network. Again is no error.

        >>> with Drill('{"sku": "cad", "steps": []}') as drill:
        ...     renewing = Renewing(drill.client)
        ...     renewing.stop()
        ...     renewing.stop()
        """
        self._stopped = True
        self._inbox.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> "Renewing":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.stop()


async def renew(
    client: Union[Client, AsyncClient],
    *,
    renewer: Optional[Renewer] = None,
    roots: Optional[str] = None,
    proxy: Optional[str] = None,
    headers: Optional[Mapping[str, str]] = None,
    **settings: Optional[float]
) -> None:
    """Renews a client's leases until its task is cancelled or the client is closed; the loop runs on.

    >>> async def main():
    ...     with Drill('{"sku": "cad", "steps": []}') as drill:
    ...         task = asyncio.create_task(renew(drill.client))
    ...         await asyncio.sleep(0.01)
    ...         task.cancel()
    >>> import asyncio
    >>> asyncio.run(main())

    Args:
        client: whose leases.
        renewer: one of the client's, to be asked for its state or told of the network by others; poll comes at most 20 s later.
        roots, proxy, headers, settings: as of :class:`Renewing`.
    """
    plain = client.client if isinstance(client, AsyncClient) else client
    way = _Http(roots, proxy, headers)
    if renewer is None:
        renewer = plain.renewer(**settings)
    loop = asyncio.get_running_loop()
    inbox: "asyncio.Queue[Tuple[int, _Outcome]]" = asyncio.Queue()
    running: Dict[int, _Attempt] = {}
    taken: Optional["asyncio.Future[Tuple[int, _Outcome]]"] = None

    def ended(number: int, outcome: _Outcome) -> None:
        try:
            loop.call_soon_threadsafe(inbox.put_nowait, (number, outcome))
        except RuntimeError:
            # The loop has ended meanwhile.
            pass

    try:
        while True:
            task = await _in_thread(renewer.poll)
            if task.kind is RenewalKind.SEND:
                attempt = running[task.attempt] = _Attempt(task, way)
                try:
                    _start(attempt, ended)
                except RuntimeError:
                    await _in_thread(renewer.failed, task.attempt, Failure.LOCAL)
            elif task.kind is RenewalKind.ABORT:
                aborted = running.pop(task.attempt, None)
                if aborted is not None:
                    aborted.abort()
            else:
                # Not `wait_for`: before 3.12 it may swallow a cancellation that comes as an attempt ends.
                taken = taken or asyncio.ensure_future(inbox.get())
                await asyncio.wait([taken], timeout=min(task.seconds, _NAP))
                if not taken.done():
                    continue
                number, outcome = taken.result()
                taken = None
                running.pop(number, None)
                await _in_thread(_tell, renewer, number, outcome)
    except ClosedError:
        pass
    finally:
        if taken is not None:
            taken.cancel()
        for attempt in running.values():
            attempt.abort()
