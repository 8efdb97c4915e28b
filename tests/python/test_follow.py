"""Events as they come, for threads."""

import threading
import time
from typing import List, Tuple

import pytest
import reprieve
from conftest import HOUR, lease
from reprieve import Drill, Event, _events


def test_a_thread_follows(drill: Drill) -> None:
    client, other = drill.client, drill.new_client()
    assert client.next_event("tray") is None
    stop, seen = threading.Event(), []  # type: Tuple[threading.Event, List[str]]

    def follow() -> None:
        for event in client.follow("tray", every=0.01, stop=stop):
            seen.append(event.kind)

    thread = threading.Thread(target=follow)
    thread.start()
    other.import_document(lease(drill))
    # Nobody checks: what is due is recorded by the one that follows.
    drill.advance(25 * HOUR)
    until = time.monotonic() + 30
    while len(seen) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    thread.join(30)
    assert not thread.is_alive() and seen == ["document_accepted", "grace_started", "grace_started"]
    client.close()
    with drill.new_client() as again:
        assert list(again.events("tray")) == []


def test_it_stops_at_once_and_acknowledges_what_was_done(drill: Drill) -> None:
    client = drill.client
    assert client.next_event("tray") is None
    client.appeal("one")
    client.appeal("two")
    stop = threading.Event()
    seen = []
    began = time.monotonic()
    for event in client.follow("tray", every=60, stop=stop):
        seen.append(event.text)
        stop.set()
    assert seen == ["one"] and time.monotonic() - began < 30
    assert list(client.follow("tray", stop=stop)) == []
    assert [event.text for event in client.events("tray")] == ["two"]


def test_it_ends_with_the_client(drill: Drill) -> None:
    client = drill.client
    assert client.next_event("tray") is None
    following = client.follow("tray", every=0)
    client.appeal("one")
    assert next(following).text == "one"
    client.close()
    assert list(following) == []
    with pytest.raises(reprieve.ClosedError):
        list(client.events("tray"))


def test_a_busy_ledger_is_asked_again(drill: Drill) -> None:
    """The place of a consumer could not be kept: the event before is acknowledged later, and none is missed."""

    class Busy:
        """A client whose every second call finds the ledger busy."""

        def __init__(self) -> None:
            self.calls = 0
            self.acknowledged: List[Event] = []

        def _busy(self) -> None:
            self.calls += 1
            if self.calls % 2:
                raise reprieve.BusyError("busy")

        def next_event(self, consumer: str) -> "Event | None":
            self._busy()
            return client.next_event(consumer)

        def acknowledge(self, consumer: str, event: Event) -> None:
            self._busy()
            self.acknowledged.append(event)

        def upkeep(self) -> None:
            self._busy()

    client = drill.client
    assert client.next_event("tray") is None
    for text in ("one", "two", "three"):
        client.appeal(text)
    busy = Busy()
    stop = threading.Event()
    seen = []
    for event in _events.follow(busy, "tray", 0, stop):  # type: ignore[arg-type]
        seen.append(event.text)
        if event.text == "three":
            busy.calls = 1
            stop.set()
    assert seen == ["one", "two", "three"] == [event.text for event in busy.acknowledged]


def test_odd_arguments(drill: Drill) -> None:
    client = drill.client
    with pytest.raises(reprieve.ArgumentError):
        next(client.follow("a b"))
    with pytest.raises(TypeError):
        client.follow("tray", 1.0)  # type: ignore[misc]
