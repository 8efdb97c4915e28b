"""Runs scenarios through the Python package: python conformance.py FILE...

Prints the JSON lines of docs/semantics.md to standard output, for comparison byte for byte with every other language; what of the
expectations is not met goes to standard error. Exits with 0 if all was met, with 1 if not, with 2 if a scenario could not run.
"""

import json
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import reprieve

Line = Dict[str, Any]


class Outcome(NamedTuple):
    step: int
    lines: List[Line]
    differences: List[str]


def instant(ns: Optional[int]) -> Optional[str]:
    return None if ns is None else reprieve.text(ns)


def check_line(step: int, decision: reprieve.Decision) -> Line:
    return {
        "step": step,
        "t": instant(decision.t_ns),
        "sku": decision.sku,
        "feature": decision.feature,
        "access": decision.access,
        "state": decision.state,
        "reason": decision.reason,
        "until": instant(decision.until_ns),
        "ends": instant(decision.ends_ns),
        "clock": decision.clock,
        "ledger": decision.ledger,
    }


def document_line(step: int, answer: reprieve.Answer) -> Line:
    return {"step": step, "document": answer.kind, "accepted": answer.accepted, "error": answer.error}


def event_line(step: int, event: reprieve.Event) -> Line:
    return {
        "step": step,
        "event": event.kind,
        "at": instant(event.at_ns),
        "license": event.license,
        "feature": event.feature,
        "access": event.access,
        "state": event.state,
        "reason": event.reason,
        "left": event.left,
        "document": event.document,
        "error": event.error,
    }


def to_text(line: Line) -> str:
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False)


def do(step: int, task: reprieve.Task, client: reprieve.Client) -> List[Line]:
    """What a product does in a step, and what it prints."""
    if task.kind == "import":
        assert task.token is not None
        return [document_line(step, client.import_document(task.token))]
    if task.kind == "check":
        assert task.sku is not None and task.feature is not None
        return [check_line(step, client.check(task.sku, task.feature))]
    if task.kind == "report":
        assert task.outage is not None
        client.report(task.outage)
    elif task.kind == "events":
        client.upkeep()
        return [event_line(step, event) for event in client.events(reprieve.Drill.CONSUMER)]
    return []


_NOTHING = object()


def differences(expect: Any, lines: List[Line]) -> List[str]:
    """What of an expectation the lines of a step do not meet, one sentence each."""
    if expect is None:
        return []
    pairs = list(zip(expect, lines)) if isinstance(expect, list) else [(expect, line) for line in lines]
    found = []
    if isinstance(expect, list) and len(expect) != len(lines):
        found.append("expected {} events, got {}: {}".format(len(expect), len(lines), lines))
    if not isinstance(expect, list) and len(lines) != 1:
        found.append("expected one line, got {}".format(len(lines)))
    for at, (wish, line) in enumerate(pairs):
        for key, value in wish.items():
            got = line.get(key, _NOTHING)
            if got != value or type(got) is bool and type(value) is not bool:
                found.append("line {}, {}: expected {!r}, got {!r}".format(at, key, value, got))
    return found


def run(text: str) -> Iterator[Outcome]:
    steps = json.loads(text)["steps"]
    with reprieve.Drill(text) as drill:
        assert drill.steps == len(steps)
        for at, step in enumerate(steps):
            task = drill.step(at)
            lines = do(at, task, drill.client)
            yield Outcome(at, lines, differences(step.get("expect"), lines))


def main(files: List[str]) -> int:
    if not files:
        print(__doc__, file=sys.stderr)
        return 2
    missed = 0
    for file in files:
        try:
            with open(file, encoding="utf-8") as opened:
                text = opened.read()
            for outcome in run(text):
                for line in outcome.lines:
                    sys.stdout.buffer.write(to_text(line).encode("utf-8") + b"\n")
                for difference in outcome.differences:
                    missed += 1
                    print("{}: step {}: {}".format(file, outcome.step, difference), file=sys.stderr)
        except (OSError, ValueError, reprieve.Error) as error:
            print("{}: {}".format(file, error), file=sys.stderr)
            return 2
    sys.stdout.buffer.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
