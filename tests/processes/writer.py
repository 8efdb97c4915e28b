"""A product in Python that does what a plan says, until it is killed: each step is announced before, and acknowledged after it returned."""

import os
import sys

import reprieve


def say(line):
    """One line, in one write: it is in the pipe whole, whatever becomes of this process."""
    os.write(1, (line + "\n").encode())


def events(client, consumer, most):
    last, told = None, 0
    while told < most:
        event = client.next_event(consumer)
        if event is None:
            break
        say(f"event {event.record} {event.index}")
        last, told = event, told + 1
    if last is not None:
        client.acknowledge(consumer, last)
        say(f"acked {last.record} {last.index}")
    return str(told)


def step(client, consumer, what, first, second=None):
    if what == "import":
        with open(first, "rb") as file:
            answer = client.import_document(file.read())
        return "known" if answer.known else "accepted" if answer.accepted else str(answer.error)
    if what == "appeal":
        client.appeal(second + " " + "." * int(first))
        return "filed"
    if what == "use":
        decision = client.check(first, second)
        client.upkeep()
        return str(decision.access)
    if what == "report":
        return "news" if client.report(first) else "old"
    return events(client, consumer, int(first))


def main(app, consumer, plan):
    with reprieve.open(app, lock_timeout=30.0) as client:
        say("open")
        with open(plan) as lines:
            for line in lines:
                number, *words = line.split()
                say(f"begin {number}")
                say(f"done {number} {step(client, consumer, *words)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
