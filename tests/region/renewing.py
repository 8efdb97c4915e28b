#!/usr/bin/env python3
"""The Python product of the drill: it checks ten times a second, and renews over whichever authority answers. Each line is JSON.

    renewing.py APP_FILE CODE ADDRESS ...
"""

import http.client
import json
import random
import sys
import time

import reprieve

TIMEOUT = 8


def say(**fields):
    print(json.dumps(fields), flush=True)


def post(address, body, code):
    host, port = address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)
    try:
        connection.request("POST", "/v1/renew", body, {"Content-Type": "application/json", "Authorization": f"Bearer {code}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def renew(client, code, addresses):
    """One round: each authority in turn until one answers with documents. What failed is reported as the products' drivers do."""
    network = True
    for address in random.sample(addresses, len(addresses)):
        started = time.monotonic()
        try:
            status, body = post(address, client.request().body, code)
        except (ConnectionRefusedError, ConnectionResetError, http.client.HTTPException) as error:
            network = False
            say(failed=address, why=type(error).__name__, took=round(time.monotonic() - started, 2))
            continue
        except OSError as error:
            say(failed=address, why=type(error).__name__, took=round(time.monotonic() - started, 2))
            continue
        if status != 200:
            network = False
            say(failed=address, why=str(status), took=round(time.monotonic() - started, 2))
            continue
        answers = client.renew(body)
        tokens = [one for one in json.loads(body)["documents"] if isinstance(one, str)]
        renewed = any(one.accepted and str(one.kind.value) == "lease" for one in answers if one.kind)
        say(renewed=renewed, by=address, tokens=tokens, took=round(time.monotonic() - started, 2), problems=json.loads(body).get("problems"))
        return True
    client.report("network" if network else "server")
    return False


def main():
    app, code, *addresses = sys.argv[1:]
    client = reprieve.open(app)
    due, licensed = 0.0, None
    while True:
        decision = client.check("cad", "core")
        state = f"{decision.access.value}/{decision.state.value if decision.state else '-'}"
        if state != licensed:
            licensed = state
            say(access=decision.access.value, state=state)
        if time.monotonic() >= due:
            good = renew(client, code, addresses)
            # Half of a lease of 20 s, or a short pause, each with its jitter.
            due = time.monotonic() + (random.uniform(8, 12) if good else random.uniform(0.5, 2.5))
        time.sleep(0.1)


if __name__ == "__main__":
    main()
