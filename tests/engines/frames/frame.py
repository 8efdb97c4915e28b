"""As frame.lua says, in pygame: `frame.py MODE APP SECONDS`. `bench` wants the module `empty` of benches/empty on the path."""

import ctypes
import os
import sys
import threading
import time

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame
import reprieve

CHECKS, WARM = 1000, 60
# Seconds between two upkeeps. Measured: no even number of frames, or it would meet the same of two frames for many seconds.
EVERY = float(os.environ.get("FRAMES_EVERY", 110)) / 1000
RANGE = range(CHECKS)


def ours(client, core):
    allowed = client.allowed
    for _ in RANGE:
        allowed(core)
    return allowed(core)


def limit(client, feature):
    # A function of its own: the interpreter fits its code to the types that it meets.
    clock = client.clock
    for _ in RANGE:
        clock(feature)
    return clock(feature)


def main():
    mode, app, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    # A call that keeps Python's own lock: a mark must not hand it to the thread of upkeep, nor wait to have it back.
    frames = ctypes.PyDLL(os.environ["FRAMES_LIB"])
    frames.frames_allocations.restype = ctypes.c_uint64
    pygame.init()
    pygame.display.set_mode((320, 180))
    clock, count = pygame.time.Clock(), int(seconds * 60) + WARM
    client = reprieve.open(app, upkeep="own")
    core, stop = client.feature("cad", "core"), threading.Event()

    def keep():
        while not stop.wait(EVERY):
            client.upkeep()

    client.upkeep()
    keeper = threading.Thread(target=keep)
    keeper.start()
    times, good = [0] * count, True
    if mode == "bench":
        import empty

        empty_client, empty_feature = empty.Client(), empty.Feature()
        for at in range(count):
            pygame.event.pump()
            clock.tick(60)
            if at % 2 == 0:
                start = time.perf_counter_ns()
                done = ours(client, core)
            else:
                start = time.perf_counter_ns()
                done = limit(empty_client, empty_feature)
            times[at] = time.perf_counter_ns() - start
            good = good and done
        for at in range(WARM, count - 1, 2):
            print(times[at], times[at + 1])
    else:
        # The thread of upkeep takes Python's own lock between two frames, and never asks for it in the middle of the checks.
        sys.setswitchinterval(60)
        begin, end = b"begin", b"end"
        for at in range(count):
            pygame.event.pump()
            clock.tick(60)
            blocks, before = sys.getallocatedblocks(), frames.frames_allocations()
            frames.frames_mark(begin)
            done = ours(client, core)
            frames.frames_mark(end)
            times[at] = frames.frames_allocations() - before
            good = good and done
        print("checks", (count - WARM) * (CHECKS + 1), "allocated", sum(times[WARM:]), "before", frames.frames_allocations())
    stop.set()
    keeper.join()
    client.close()
    pygame.quit()
    if not good:
        sys.exit("access was not full in each frame")


main()
