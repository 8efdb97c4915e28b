"""Renewers, driven by hand; and what the drivers do beside the table of tests/renewing: proxies, headers, ends."""

import asyncio
import contextlib
import pickle
import socket
import threading
import time
from typing import Any, Callable, List, Tuple

import pytest
import reprieve
from conftest import APP
from reprieve.renewing import Renewing, renew

PLAIN = APP.replace("https://", "http://")


@pytest.fixture
def port() -> int:
    """One where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until_ended(renewing: Renewing) -> reprieve.RenewalState:
    end = time.monotonic() + 30
    while renewing.state().outcome is None or renewing.state().is_busy:
        assert time.monotonic() < end
        time.sleep(0.02)
    return renewing.state()


def test_a_round_by_hand() -> None:
    with reprieve.open_toml(APP, in_memory=True) as client:
        renewer = client.renewer(timeout=2.5, retry_after_most=100)
        assert renewer.state() == reprieve.RenewalState(False, None)
        task = renewer.poll()
        assert task.kind is reprieve.RenewalKind.SEND and task.seconds == 2.5 and task.body.startswith(b"{")
        assert ("Content-Type", "application/json") in task.headers and renewer.state().is_busy
        renewer.failed(task.attempt, reprieve.Failure.CERTIFICATE)
        state = renewer.state()
        assert state.failure is reprieve.Failure.CERTIFICATE and state.word == "certificate" and state.url == task.url
        assert pickle.loads(pickle.dumps(state)) == state and pickle.loads(pickle.dumps(task)) == task
        task = renewer.poll()
        renewer.answered(task.attempt, 503, [("retry-after", " 90 ")], "<html>")
        task = renewer.poll()
        assert task.kind is reprieve.RenewalKind.WAIT and 80 < task.seconds <= 90
        assert renewer.state().status == 503 and (renewer.state().next or 0) > 80
        renewer.network_changed()
        renewer.renew_now()
    with pytest.raises(reprieve.ClosedError):
        renewer.poll()


def test_what_is_wrong_is_told() -> None:
    with reprieve.open_toml(APP, in_memory=True) as client:
        for seconds in (-1.0, float("nan"), float("inf"), 1e9):
            with pytest.raises(reprieve.ArgumentError, match="pause"):
                client.renewer(pause=seconds)
        renewer = client.renewer()
        with pytest.raises(reprieve.ArgumentError, match="no failure"):
            renewer.failed(0, "bored")
        for status in (0, 99, 1000, 65736):
            with pytest.raises(reprieve.ArgumentError, match="status"):
                renewer.answered(0, status, [], b"")
        with pytest.raises(TypeError):
            Renewing(client, tiemout=3)  # type: ignore[call-arg]


def test_a_longer_answer_than_is_read_is_too_long() -> None:
    with reprieve.open_toml(APP, in_memory=True) as client:
        renewer = client.renewer()
        task = renewer.poll()
        renewer.answered(task.attempt, 200, [], bytes(reprieve.renewing.MAX_ANSWER + 1))
        assert renewer.state().failure is reprieve.Failure.TOO_LONG


@pytest.mark.parametrize("app", [APP, PLAIN])
def test_a_proxy_that_is_not_there_is_the_customers_network(app: str, port: int) -> None:
    with reprieve.open_toml(app, in_memory=True) as client:
        with Renewing(client, proxy="http://127.0.0.1:{}".format(port)) as renewing:
            assert until_ended(renewing).word == "no_route"
        assert not client.report("network")


@pytest.mark.parametrize("app", [APP, PLAIN])
def test_a_proxy_is_asked_with_its_credentials_and_may_refuse(app: str) -> None:
    seen: List[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            # Two attempts, and a probe that may follow at once.
            while True:
                try:
                    stream, _ = server.accept()
                except OSError:
                    return
                # One that is given up resets it.
                with stream, contextlib.suppress(OSError):
                    head = b""
                    while b"\r\n\r\n" not in head:
                        # Python 3.8 sends a head in pieces.
                        piece = stream.recv(65536)
                        if not piece:
                            break
                        head += piece
                    seen.append(head)
                    stream.sendall(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        proxy = "http://me:p%40ss@127.0.0.1:{}".format(server.getsockname()[1])
        with reprieve.open_toml(app, in_memory=True) as client:
            with Renewing(client, proxy=proxy, headers={"X-Product": "test"}) as renewing:
                word = until_ended(renewing).word
    # An attempt that was given up after it connected has said nothing.
    seen = [head for head in seen if head]
    assert seen and all(b"Proxy-Authorization: Basic bWU6cEBzcw==" in head for head in seen)
    if app is APP:
        assert word == "no_route" and all(head.startswith(b"CONNECT ") for head in seen)
    else:
        posts = [head for head in seen if not head.startswith(b"HEAD ")]
        assert word == "status 502" and all(head.startswith(b"POST http://") and b"X-Product: test" in head for head in posts)


def test_it_ends_when_the_client_is_closed_and_while_it_waits_for_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        app = 'endpoints = ["http://127.0.0.1:{}/renew"]\n'.format(server.getsockname()[1])
        app += "".join(line + "\n" for line in APP.splitlines() if not line.startswith("endpoints"))
        with reprieve.open_toml(app, in_memory=True) as client:
            renewing = Renewing(client, proxy="")
            stream, _ = server.accept()
            begin = time.monotonic()
            renewing.stop()
            assert time.monotonic() - begin < 5
            stream.close()
            other = Renewing(client, proxy="")
        other.renew_now()
        other._thread.join(30)
        assert not other._thread.is_alive()


def test_in_asyncio_the_loop_runs_on_and_cancelling_ends_it(port: int) -> None:
    async def main() -> reprieve.RenewalState:
        async with reprieve.aio.open_toml(APP, in_memory=True) as client:
            renewer = client.client.renewer()
            task = asyncio.ensure_future(renew(client, renewer=renewer, proxy="http://127.0.0.1:{}".format(port)))
            ticks = 0
            while renewer.state().outcome is None or renewer.state().is_busy:
                await asyncio.sleep(0.01)
                ticks += 1
                assert ticks < 3000
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return renewer.state()

    assert asyncio.run(main()).word == "no_route"


@pytest.mark.parametrize("ticks", range(8))
def test_a_cancellation_as_an_attempt_ends_is_not_lost(ticks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    started: List[Tuple[Any, Callable[..., None]]] = []
    monkeypatch.setattr(reprieve.renewing, "_start", lambda attempt, ended: started.append((attempt, ended)))

    async def main() -> None:
        async with reprieve.aio.open_toml(APP, in_memory=True) as client:
            task = asyncio.ensure_future(renew(client, proxy="", timeout=60))
            for _ in range(1000):
                await asyncio.sleep(0.002)
                if started:
                    break
            # It waits for the attempt by now.
            await asyncio.sleep(0.1)
            attempt, ended = started[0]
            ended(attempt.task.attempt, reprieve.Failure.TIMED_OUT)
            for _ in range(ticks):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=3)
            assert done and task.cancelled()

    asyncio.run(main())


@contextlib.contextmanager
def black_hole() -> Any:
    """An address that says nothing: the queue of its connections is full."""
    with socket.socket() as listener, socket.socket() as filled:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filled.connect(listener.getsockname())
        with socket.socket() as probe:
            probe.settimeout(0.3)
            try:
                probe.connect(listener.getsockname())
            except socket.timeout:
                yield listener.getsockname()
                return
        pytest.skip("not run: this system takes more connections than a queue is for")


def resolved(monkeypatch: pytest.MonkeyPatch, *places: Tuple[str, int]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place) for place in places]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(found))


def test_an_address_that_says_nothing_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    with black_hole() as hole, socket.create_server(("127.0.0.1", 0)) as server:
        resolved(monkeypatch, hole, hole, ("127.0.0.1", port), server.getsockname()[:2])
        begin = time.monotonic()
        with reprieve.renewing._connect(("some.test", 1), 20.0) as connection:
            assert connection.getpeername() == server.getsockname() and connection.gettimeout() == 20.0
        assert time.monotonic() - begin < 5


def test_addresses_that_all_fail_end_by_the_deadline_and_say_why(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    with black_hole() as hole:
        resolved(monkeypatch, hole, ("127.0.0.1", port), hole)
        begin = time.monotonic()
        with pytest.raises(socket.timeout):
            reprieve.renewing._connect(("some.test", 1), 1.0)
        assert 0.9 < time.monotonic() - begin < 10
    resolved(monkeypatch, ("127.0.0.1", port), ("127.0.0.1", port))
    with pytest.raises(ConnectionRefusedError):
        reprieve.renewing._connect(("some.test", 1), 20.0)
