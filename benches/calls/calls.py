"""`calls.py APP ROUNDS COUNT`: times batches in turns, in nanoseconds: `client.allowed(feature)`, the empty method, `feature.check()`, and
the loop around them."""

import sys
from itertools import repeat
from time import perf_counter_ns

import empty
import reprieve


def allowed(client, feature, count):
    start = perf_counter_ns()
    for _ in repeat(None, count):
        client.allowed(feature)
    return perf_counter_ns() - start


def check(feature, count):
    start = perf_counter_ns()
    for _ in repeat(None, count):
        feature.check()
    return perf_counter_ns() - start


def loop(count):
    start = perf_counter_ns()
    for _ in repeat(None, count):
        pass
    return perf_counter_ns() - start


def allowed_of_empty(client, feature, count):
    # A function of its own: the interpreter fits its code to the types that it meets.
    start = perf_counter_ns()
    for _ in repeat(None, count):
        client.allowed(feature)
    return perf_counter_ns() - start


def main():
    app, rounds, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    client = reprieve.open(app)
    feature = client.feature("cad", "core")
    if client.allowed(feature) is not True or feature.check().access != reprieve.Access.FULL:
        sys.exit("error: the ledger gives no access")
    empty_client, empty_feature = empty.Client(), empty.Feature()
    runs = [
        lambda: allowed(client, feature, count),
        lambda: allowed_of_empty(empty_client, empty_feature, count),
        lambda: check(feature, count),
        lambda: loop(count),
    ]
    # The first round warms up.
    for turn in range(rounds + 1):
        took = [0] * len(runs)
        for at in range(len(runs)):
            which = (at + turn) % len(runs)
            took[which] = runs[which]()
        if turn > 0:
            print(*took)


main()
