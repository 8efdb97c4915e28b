"""Appends to the ledger of an application file all the time, until its input ends. `writer.py APP`."""

import sys
import threading

import reprieve

stop = threading.Event()


def wait():
    sys.stdin.read()
    stop.set()


with reprieve.open(sys.argv[1]) as client:
    threading.Thread(target=wait, daemon=True).start()
    number = 0
    while not stop.wait(0.001):
        number += 1
        client.appeal("appeal {}".format(number), license="L1")
        if number == 1:
            print("appending", flush=True)
    print(number, flush=True)
