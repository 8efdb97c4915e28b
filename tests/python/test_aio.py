"""Reprieve in an event loop."""

import asyncio
import os
import pathlib
import threading
import time
from typing import Any, Callable, List

import pytest
import reprieve
import reprieve.aio
from conftest import APP, HOUR, lease
from reprieve import Drill
from reprieve.aio import AsyncClient


def test_every_word_of_the_client_is_there() -> None:
    # A renewer waits between its words: in asyncio `reprieve.renewing.renew` drives one.
    names = {name for name in dir(reprieve.Client) if not name.startswith("_")} - {"renewer"}
    assert names <= {name for name in dir(AsyncClient) if not name.startswith("_")}


def test_a_client_in_a_loop(drill: Drill) -> None:
    async def main() -> None:
        async with AsyncClient(drill.client) as client:
            core = client.feature("cad", "core")
            assert client.allowed(core) is False and client.endpoints == ()
            request = await client.request()
            token = lease(drill, nonce=request.nonce)
            [answer] = await client.renew(token)
            assert answer.fresh and client.allowed(core) and (await client.import_document(token)).known
            assert client.check("cad", "core").allowed and client.explain("cad", "core")["rule"] == "J1.4"
            assert await client.report("network") and (await client.status("cad")).features and await client.skus() == ("cad",)
            assert await client.ledger_id() in await client.head() and b"water" in await client.appeal("water")
            await client.upkeep()
            assert await client.diagnostics() == [] and client.client is not None
        with pytest.raises(reprieve.ClosedError):
            await client.report("network")

    asyncio.run(main(), debug=True)


def test_open(tmp_path: pathlib.Path) -> None:
    (tmp_path / "reprieve.toml").write_text(APP)

    async def main() -> None:
        async with reprieve.aio.open(tmp_path / "reprieve.toml", folder=tmp_path / "l", witness=tmp_path / "w") as client:
            made = await client.ledger_id()
        client = await reprieve.aio.open_toml(APP, folder=tmp_path / "l", witness=tmp_path / "w", create=False)
        assert await client.ledger_id() == made
        await client.close()
        with pytest.raises(reprieve.AppError):
            await reprieve.aio.open(tmp_path / "none.toml")
        with pytest.raises(reprieve.MissingError):
            async with reprieve.aio.open_toml(APP, folder=tmp_path / "n", create=False):
                pass

    asyncio.run(main(), debug=True)


def test_the_loop_runs_on_while_a_call_waits(tmp_path: pathlib.Path) -> None:
    fcntl = pytest.importorskip("fcntl")

    async def main() -> None:
        async with reprieve.aio.open_toml(APP, folder=tmp_path, witness=tmp_path / "w", lock_timeout=0.5) as client:
            held = [os.open(str(path), os.O_RDWR) for path in tmp_path.iterdir() if path.name.endswith(".lock")]
            for descriptor in held:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            waiting = asyncio.ensure_future(client.report("network"))
            turns = 0
            while not waiting.done():
                turns += 1
                client.check("cad", "core")
                await asyncio.sleep(0.001)
            for descriptor in held:
                os.close(descriptor)
            with pytest.raises(reprieve.BusyError):
                waiting.result()
            # A call that held the loop up would leave one; how many there are in half a second is the machine's to say.
            assert turns > 2

    asyncio.run(main())


def test_events_are_acknowledged_when_the_loop_comes_again(drill: Drill) -> None:
    async def main() -> None:
        client, other = AsyncClient(drill.new_client()), drill.client
        assert await client.next_event("log") is None
        for word in ("first", "second", "third"):
            other.appeal(word)
        async for event in client.events("log"):
            if event.text == "second":
                break
        await client.close()
        async with AsyncClient(drill.new_client()) as client:
            assert [event.text async for event in client.events("log")] == ["second", "third"]
        async with AsyncClient(drill.new_client()) as client:
            assert [event.text async for event in client.events("log")] == []

    asyncio.run(main(), debug=True)


async def followed(client: AsyncClient, seen: List[Any]) -> None:
    async for event in client.follow("log", every=0.01):
        seen.append(event.text or event.kind)


async def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not met() and time.monotonic() < end:
        await asyncio.sleep(0.005)
    assert met()


def test_following(drill: Drill) -> None:
    async def main() -> None:
        client, seen = AsyncClient(drill.client), []  # type: ignore[var-annotated]
        assert await client.next_event("log") is None
        task = asyncio.ensure_future(followed(client, seen))
        drill.client.appeal("one")
        await until(lambda: seen == ["one"])
        drill.client.import_document(lease(drill))
        drill.advance(25 * HOUR)
        await until(lambda: len(seen) == 4)
        assert seen[1:] == ["document_accepted", "grace_started", "grace_started"]
        await client.close()
        await asyncio.wait_for(task, 30)

    asyncio.run(main(), debug=True)


def test_an_event_of_a_cancelled_call_is_not_missed(drill: Drill) -> None:
    """It was taken out in a thread when its task was cancelled: whoever asks next is given it."""
    gate = threading.Event()

    class Slow:
        def next_event(self, consumer: str) -> "reprieve.Event | None":
            gate.wait(30)
            return drill.client.next_event(consumer)

    async def main() -> None:
        assert drill.client.next_event("log") is None
        client = AsyncClient(Slow())  # type: ignore[arg-type]
        drill.client.appeal("one")
        drill.client.appeal("two")
        for _ in range(3):
            task = asyncio.ensure_future(client.next_event("log"))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        gate.set()
        both = await asyncio.gather(client.next_event("log"), client.next_event("log"))
        assert sorted(event.text for event in both if event is not None and event.text is not None) == ["one", "two"]
        assert await client.next_event("log") is None

    asyncio.run(main())


def test_a_cancelled_follower_leaves_its_event(drill: Drill) -> None:
    async def main() -> None:
        client = AsyncClient(drill.new_client())
        assert await client.next_event("log") is None
        drill.client.appeal("one")
        reached = asyncio.Event()

        async def work() -> None:
            async for _ in client.follow("log", every=0.01):
                reached.set()
                await asyncio.sleep(60)

        task = asyncio.ensure_future(work())
        await asyncio.wait_for(reached.wait(), 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.close()
        async with AsyncClient(drill.new_client()) as again:
            assert [event.text async for event in again.events("log")] == ["one"]

    asyncio.run(main())
