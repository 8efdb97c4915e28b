"""The Python product of the demo: a command a line in, a line of JSON out."""

import json
import sys

import reprieve


def decision_line(decision):
    def text(nanos):
        return None if nanos is None else reprieve.text(nanos)

    runway = None if decision.ends_ns is None else (decision.ends_ns - decision.t_ns) / 10**9
    return {
        "t": text(decision.t_ns),
        "access": str(decision.access),
        "state": None if decision.state is None else str(decision.state),
        "reason": None if decision.reason is None else str(decision.reason),
        "until": text(decision.until_ns),
        "ends": text(decision.ends_ns),
        "clock": str(decision.clock),
        "ledger": str(decision.ledger),
        "runway": runway,
    }


def main():
    drill = reprieve.Drill.open(sys.argv[1])
    client = drill.client
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "check":
            answer = decision_line(client.check(*rest))
        elif word == "import":
            with open(rest[0], "rb") as file:
                imported = client.import_document(file.read())
            answer = {"accepted": imported.accepted, "error": None if imported.error is None else str(imported.error)}
        elif word == "report":
            answer = {"news": client.report(rest[0])}
        elif word == "request":
            answer = {"nonce": client.request().nonce}
        else:
            client.close()
            answer = {"closed": True}
        print(json.dumps(answer), flush=True)
        if word == "quit":
            break


if __name__ == "__main__":
    main()
