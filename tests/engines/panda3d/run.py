#!/usr/bin/env python3
"""panda3d, without a window: a task asks in every frame, with upkeep in a thread; and what goes wrong around it. The last line counts."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import python_engine  # noqa: E402


def run_broken(engine, packages):
    path = engine.work / f"{packages.name}.txt"
    code, _, problem = engine.game("record", path, packages=packages)
    return code, problem, path.read_text(encoding="utf-8") if path.exists() else "nothing"


if __name__ == "__main__":
    sys.exit(python_engine.main("panda3d", "panda3d", [], run_broken))
