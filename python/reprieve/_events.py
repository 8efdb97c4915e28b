"""Events as loops. The methods of :class:`reprieve.Client` call these."""

import threading
import time
from typing import Iterator, Optional

from ._errors import BusyError, ClosedError
from ._reprieve import Client
from ._values import Event


def events(client: Client, consumer: str) -> Iterator[Event]:
    while True:
        event = client.next_event(consumer)
        if event is None:
            return
        yield event
        client.acknowledge(consumer, event)


def follow(client: Client, consumer: str, every: float, stop: Optional[threading.Event]) -> Iterator[Event]:
    done: Optional[Event] = None
    while stop is None or not stop.is_set():
        event: Optional[Event] = None
        try:
            if done is not None:
                client.acknowledge(consumer, done)
                done = None
            event = client.next_event(consumer)
            if event is None:
                client.upkeep()
                event = client.next_event(consumer)
        except BusyError:
            pass
        except ClosedError:
            return
        if event is not None:
            yield event
            done = event
        elif stop is None:
            time.sleep(every)
        else:
            stop.wait(every)
    if done is not None:
        client.acknowledge(consumer, done)
