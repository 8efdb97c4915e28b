"""A product that only looks, while others are killed: through one client that stays open, and through fresh ones. Ends when its input does."""

import select
import sys

import reprieve


def look(client):
    status = client.status("cpp-0")
    assert (status.ledger, status.clock, status.unproven) == ("ok", "ok", 0), status
    assert not status.flags.detached and not status.flags.newer, status
    for which in range(4):
        for sku in (f"cpp-{which}", f"cs-{which}", f"py-{which}"):
            decision = client.check(sku, "core")
            # A licence has no lease yet, or is in grace.
            assert decision.access == "full" or decision.state == "unlicensed", decision.explain()


def main(app):
    looks, last, place = 0, None, None
    with reprieve.open(app, lock_timeout=30.0) as client:
        print("open", flush=True)
        while not select.select([sys.stdin], [], [], 0.02)[0]:
            look(client)
            for _ in range(200):
                event = client.next_event("reader")
                if event is None:
                    break
                assert place is None or (event.record, event.index) > place, (place, event)
                last, place = event, (event.record, event.index)
                print("event", *place)
            if last is not None:
                client.acknowledge("reader", last)
                print("acked", *place)
                last = None
            if looks % 16 == 0:
                with reprieve.open(app, lock_timeout=30.0) as fresh:
                    look(fresh)
            looks += 1
            sys.stdout.flush()
    print(f"looks {looks}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
