#!/usr/bin/env python3
"""pygame: the sample game, and what a game does to the library and the library's world to a game. The last line counts."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import kit  # noqa: E402
import oracle  # noqa: E402
import python_engine  # noqa: E402

SAMPLE = python_engine.SAMPLE / "main.py"


def sample(engine):
    path = engine.work / "sample.txt"
    code, out, problem = engine.run(SAMPLE, "--record", path)
    return f"status {code}: {out}{problem}" if code or problem else kit.differs(path.read_text(encoding="utf-8"), kit.expected())


def by_the_command_line(engine):
    """What all engines are compared with is what Rust's own answers come to."""
    return kit.differs(oracle.record(str(kit.CLI)), kit.expected())


def frames(engine):
    code, out, problem = engine.run(SAMPLE, "--frames", engine.work / "frames")
    return f"status {code}: {out}{problem}" if code else kit.look(engine.work / "frames")


KEYS = """
import sys
sys.path.insert(0, {folder!r})
import pygame, outpost, main
pygame.init()
seen, made, tick = [], [], pygame.time.Clock().tick
class Clock:
    count = 0
    def tick(self, rate):
        Clock.count += 1
        key = {{30: pygame.K_d, 90: pygame.K_r, 120: pygame.K_d, 220: pygame.K_ESCAPE}}.get(Clock.count)
        if key:
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
        game = made[-1]
        seen.append((Clock.count, len(made), game.elapsed))
        return tick(60)
pygame.time.Clock = Clock
new_game = main.new_game
main.new_game = lambda scenario: made.append(new_game(scenario)) or made[-1]
main.play(main.HERE.parent.joinpath("outpost.json").read_text())
at = {{count: (games, elapsed) for count, games, elapsed in seen}}
assert at[29] == (1, 0), at[29]
assert at[88][0] == 1 and at[88][1] > 4 * 1800, at[88]
assert at[95] == (2, 0), at[95]
assert at[219][0] == 2 and at[219][1] > 10 * 1800, at[219]
assert max(at) == 221, max(at)
print("keys are taken")
"""


def keys(engine):
    """D plays, R begins anew, Escape ends: in the sample's own loop."""
    code, out, problem = engine.run("-c", KEYS.format(folder=str(python_engine.SAMPLE)))
    return None if code == 0 and out.endswith("keys are taken\n") else f"status {code}: {out}{problem}"


WIDTHS = """
import sys
sys.path.insert(0, {folder!r})
import pygame, outpost
pygame.font.init()
font = pygame.font.Font(None, 36)
words = outpost.words_of(open({folder!r} + "/../words.txt").read())
width = lambda text: font.size(text.replace("{{left}}", "23 h 59 min"))[0] / 2
print(max(width(text) for key, text in words.items() if not key.startswith("feature.")))
parts = [text for key, text in words.items() if key.startswith("feature.")]
print(max(width("lanterns: " + a + "   weather: " + b) for a in parts for b in parts))
"""


def widths(engine):
    code, out, problem = engine.run("-c", WIDTHS.format(folder=str(python_engine.SAMPLE)))
    return None if code == 0 and all(0 < float(width) <= 620 for width in out.split()) and len(out.split()) == 2 else out + problem


def run_broken(engine, packages):
    path = engine.work / f"{packages.name}.txt"
    code, _, problem = engine.run(SAMPLE, "--record", path, packages=packages)
    pictures = engine.work / f"{packages.name}-frames"
    seen, _, told = engine.run(SAMPLE, "--frames", pictures, packages=packages)
    wrong = told if seen else kit.look(pictures, {"start": (0.7, 0.7, 0.7)})
    return code or seen, problem, wrong or (path.read_text(encoding="utf-8") if path.exists() else "nothing")


if __name__ == "__main__":
    tests = [("the record, by the command line's own answers", by_the_command_line), ("the sample's record", sample), ("the sample's pictures", frames),
             ("the sample's keys", keys), ("every sentence fits the banner", widths)]
    sys.exit(python_engine.main("pygame", "pygame", tests, run_broken))
