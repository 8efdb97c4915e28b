"""A game in Python, as tests/engines/pygame and panda3d start it: `python_game.py ENGINE MODE ARGUMENTS`. It prints what it saw."""

import os
import sys
import threading
import time

sys.path.insert(0, os.environ["OUTPOST_PYTHON"])


class Pygame:
    """Enters with a window of SDL's dummy driver."""

    def enter(self):
        import pygame

        self.pygame = pygame
        pygame.init()
        self.screen, self.clock = pygame.display.set_mode((320, 180)), pygame.time.Clock()

    def frames(self, count, body):
        for _ in range(count):
            self.pygame.event.pump()
            body()
            self.pygame.display.flip()
            self.clock.tick(240)

    def leave(self):
        self.pygame.quit()


class Panda:
    """Enters without a window; frames are the task manager's."""

    def enter(self):
        from panda3d.core import loadPrcFileData

        loadPrcFileData("", "window-type none\naudio-library-name null\nnotify-level error\n")
        from direct.showbase.ShowBase import ShowBase

        self.base = ShowBase()

    def frames(self, count, body):
        left = [count]

        def ask(task):
            body()
            left[0] -= 1
            return task.cont if left[0] else task.done

        self.base.taskMgr.add(ask, "ask")
        while left[0]:
            self.base.taskMgr.step()
            # At the pace of the other engine: frames without end would leave the thread of upkeep no time of the interpreter's.
            time.sleep(1 / 240)

    def leave(self):
        self.base.destroy()


class Scene:
    """A client on the ledger, a feature, and upkeep in a thread."""

    def __init__(self, reprieve, app):
        self.reprieve = reprieve
        self.client = reprieve.open(app, upkeep="own")
        self.core = self.client.feature("cad", "core")
        self.asked = self.allowed = 0
        self.stop, self.troubles = threading.Event(), []
        self.keeper = threading.Thread(target=self.keep, daemon=True)
        self.keeper.start()

    def keep(self):
        while not self.stop.wait(0.01):
            try:
                self.client.upkeep()
            except self.reprieve.Error as error:
                self.troubles.append(error.word)

    def frame(self):
        self.asked += 1
        self.allowed += self.client.allowed(self.core)

    def end(self):
        self.stop.set()
        self.keeper.join()

    def leave(self):
        self.end()
        self.client.close()


def record(engine, path):
    """Outpost's record, with a frame of the engine's between two looks."""
    import outpost

    folder = os.path.dirname(os.environ["OUTPOST_PYTHON"])
    with open(os.path.join(folder, "outpost.json"), encoding="utf-8") as file:
        scenario = file.read()
    with open(os.path.join(folder, "words.txt"), encoding="utf-8") as file:
        game = outpost.Outpost(scenario, file.read())
    engine.enter()
    last = []
    with open(path, "w", encoding="utf-8", newline="\n") as file:

        def ask():
            game.frame(1 / 60)
            now = game.lines()
            if [now] != last:
                last[:] = [now]
                file.write("\t".join((game.clock(), *now)) + "\n")

        engine.frames(1, ask)
        while not game.over():
            game.advance()
            engine.frames(1, ask)
    engine.leave()
    game.close()


def played(engine):
    """Outpost's outage in frames, with steps and upkeep in its thread."""
    import outpost

    folder = os.path.dirname(os.environ["OUTPOST_PYTHON"])
    with open(os.path.join(folder, "outpost.json"), encoding="utf-8") as file:
        scenario = file.read()
    with open(os.path.join(folder, "words.txt"), encoding="utf-8") as file:
        game = outpost.Outpost(scenario, file.read())
    engine.enter()
    game.start()
    game.play()
    seen, frames = [], 0

    def ask():
        game.frame(1 / 48)
        if game.lines() not in seen[-1:]:
            seen.append(game.lines())

    while not game.over() and frames < 6000:
        engine.frames(1, ask)
        frames += 1
    engine.frames(60, ask)
    print("played", game.clock(), game.alpha["game"], len(seen))
    engine.leave()
    game.close()


def hundred(engine, app):
    import reprieve

    def pages():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1])

    for round_ in range(100):
        engine.enter()
        scene = Scene(reprieve, app)
        engine.frames(3, scene.frame)
        if scene.allowed != 3:
            sys.exit("round {}: access was not full".format(round_))
        scene.leave()
        engine.leave()
        if round_ == 9:
            before = pages()
    print("left 100 times", (pages() - before) * 4096, threading.active_count())


def reload(engine, app):
    """The package is loaded anew while objects of the old one live."""
    import importlib

    import reprieve

    engine.enter()
    scene = Scene(reprieve, app)
    for _ in range(5):
        engine.frames(10, scene.frame)
        for name in [name for name in sys.modules if name.startswith("reprieve") and name != "reprieve._reprieve"]:
            del sys.modules[name]
        again = importlib.import_module("reprieve")
        other = Scene(again, app)
        engine.frames(2, other.frame)
        assert again is not reprieve and other.core.check().access == "full" and scene.core.check().access == "full"
        scene.leave()
        scene = other
    print("reloaded", scene.asked, scene.allowed)
    scene.leave()
    engine.leave()


def scenes(engine, app):
    import reprieve

    engine.enter()
    first, second = Scene(reprieve, app), Scene(reprieve, app)
    second.client.next_event("hud")
    seen = []

    def both():
        first.frame()
        second.frame()
        seen.extend(event.text for event in second.client.events("hud"))

    engine.frames(10, both)
    first.client.appeal("from the first scene", license="L1")
    engine.frames(20, both)
    second.leave()
    print("scenes", first.allowed, second.allowed, seen, str(first.core.check().access), str(second.core.check().access))
    first.leave()
    engine.leave()


def appends(engine, app):
    import reprieve

    engine.enter()
    scene, number = Scene(reprieve, app), [0]
    print("appending", scene.core.check().access, flush=True)

    def ask():
        for _ in range(20):
            number[0] += 1
            scene.client.appeal("appeal {} {}".format(number[0], "." * (number[0] % 7 * 900)))
            print(number[0], flush=True)

    engine.frames(10**9, ask)


def full(engine, app):
    import reprieve

    engine.enter()
    scene, denied, told = Scene(reprieve, app), [], []

    def ask():
        scene.frame()
        if scene.core.check().access == "denied":
            denied.append(scene.asked)
        if scene.asked % 5 == 0:
            try:
                scene.client.appeal("no room " * 1000)
            except reprieve.FullError as error:
                told[:] = [error]

    engine.frames(60, ask)
    scene.end()
    print("full disk", len(denied), scene.core.check().access, *told)
    engine.leave()


if __name__ == "__main__":
    engines = {"pygame": Pygame, "panda3d": Panda}
    globals()[sys.argv[2]](engines[sys.argv[1]](), *sys.argv[3:])
