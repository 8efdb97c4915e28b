"""The tests that pygame and panda3d share: a game of each with Python's package."""

import importlib.machinery
import pathlib
import re
import shutil
import subprocess
import tempfile

import kit

GAME = pathlib.Path(__file__).resolve().parent / "python_game.py"
SAMPLE = kit.OUTPOST / "pygame"


class Engine:
    """Runs programs with an engine's interpreter. `work` is a folder of the run's own."""

    def __init__(self, name, work):
        self.name, self.work = name, pathlib.Path(work)

    def env(self, packages=None):
        env = kit.environment(OUTPOST_PYTHON=SAMPLE, SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy", PYGAME_HIDE_SUPPORT_PROMPT="1",
                              PYTHONDONTWRITEBYTECODE="1", HOME=self.work)
        return dict(env, PYTHONPATH=str(packages)) if packages else env

    def run(self, *words, packages=None, seconds=120):
        return kit.call([kit.PYTHON, *words], self.env(packages), seconds)

    def game(self, mode, *words, **more):
        return self.run(GAME, self.name, mode, *words, **more)

    def lacking(self):
        if not kit.PYTHON.exists():
            return "there is no build/engines/venv; scripts/engines.sh makes it"
        code, _, problem = self.run("-c", f"import {self.name}, reprieve")
        return problem.strip().splitlines()[-1] if code else None

    def package(self):
        return pathlib.Path(self.run("-c", "import reprieve; print(reprieve.__file__)")[1].strip()).parent


def record(engine):
    path = engine.work / "record.txt"
    code, out, problem = engine.game("record", path)
    # panda3d tells of a machine without input devices.
    told = [line for line in problem.splitlines() if not line.startswith(":device")]
    return f"status {code}: {out}{problem}" if code or told else kit.differs(path.read_text(encoding="utf-8"), kit.expected())


def played(engine):
    code, out, problem = engine.game("played", seconds=240)
    seen = re.fullmatch(r"played day 7 12:00 1\.0 (\d+)\n", out)
    return None if code == 0 and seen and int(seen[1]) > 20 else f"status {code}: {out}{problem}"


def hundred(engine):
    app = kit.vendor(engine.work / "hundred")
    code, out, problem = engine.game("hundred", app, seconds=240)
    seen = re.fullmatch(r"left 100 times (-?\d+) 1\n", out)
    if code or not seen:
        return f"status {code}: {out}{problem}"
    return f"90 rounds took {seen[1]} bytes more" if int(seen[1]) > 32 << 20 else kit.verify(app)


def says(mode, wanted):
    def test(engine):
        app = kit.vendor(engine.work / mode)
        code, out, problem = engine.game(mode, app)
        return None if code == 0 and re.fullmatch(wanted, out) else f"status {code}: {out}{problem}"

    return test


def killed(engine):
    app = kit.vendor(engine.work / "killed")
    return kit.killed([kit.PYTHON, GAME, engine.name, "appends", app], engine.env(), app)


def full_disk(engine):
    with kit.FullDisk(engine.work / "disk") as app:
        code, out, problem = engine.game("full", app)
        good = code == 0 and re.match(r"full disk 0 full .*No space left on device.*; make room", out)
        return kit.verify(app) if good else f"status {code}: {out}{problem}"


def shown_in_the_page(engine):
    place = engine.work / "page"
    place.mkdir()
    folder = kit.examples(place)
    code, out, problem = kit.call([kit.PYTHON, folder / f"{engine.name}_game.py"], engine.env(), cwd=folder)
    return None if code == 0 and out.endswith("render is full\n") else f"status {code}: {out}{problem}"


def broken(engine, counts, run):
    """Installations without a library that fits. `run(packages)` plays the sample's record; it gives status, errors and the record's text."""
    suffix = next(suffix for suffix in importlib.machinery.EXTENSION_SUFFIXES if "abi3" in suffix)

    def installed(name):
        folder = engine.work / "packages" / name
        shutil.copytree(engine.package(), folder / "reprieve", ignore=shutil.ignore_patterns("__pycache__"))
        return folder, folder / "reprieve" / f"_reprieve{suffix}"

    def case(name, folder, *told):
        code, problem, text = run(folder)
        lacks = [part for part in ("outpost: licences cannot be checked", str(folder / "reprieve"), "install reprieve again", *told) if part not in problem]
        counts.note(name, f"status {code}, lacks {lacks}: {problem}" if code or lacks else kit.differs(text, kit.UNKNOWN))

    folder, library = installed("missing")
    library.unlink()
    case("the library is missing", folder, "there is no library")
    folder, library = installed("arm")
    why = kit.alien(library)
    if why:
        counts.skip("a library for another processor", why)
    else:
        case("a library for another processor", folder, f"{library} is built for aarch64")
    folder, library = installed("other")
    # The package speaks to its extension by an interface that has a number of its own.
    init = folder / "reprieve" / "__init__.py"
    text = init.read_text(encoding="utf-8")
    assert text.count('"INTERFACE", 0) != 1') == 1
    init.write_text(text.replace('"INTERFACE", 0) != 1', '"INTERFACE", 0) != 2'), encoding="utf-8")
    case("a library of another release", folder, f"{library} is of reprieve", "two releases are mixed up in one folder")
    folder, library = installed("text")
    library.write_text("this is no library\n" * 100)
    case("no library at all", folder, str(library))


COMMON = [("the record, a frame for each step", record), ("the outage, played in frames", played), ("entered and left a hundred times", hundred),
          ("the package is reloaded", says("reload", r"reloaded 2 2\n")),
          ("two scenes on one ledger", says("scenes", r"scenes 30 30 \['from the first scene'\] full unknown\n")),
          ("killed while it appends", killed), ("a full disk", full_disk), ("what docs/engines.md shows", shown_in_the_page)]


def main(name, title, tests, run_broken):
    counts = kit.Counts(title)
    with tempfile.TemporaryDirectory(dir=kit.environment().get("TMPDIR")) as work:
        engine = Engine(name, work)
        why = engine.lacking() if kit.CLI.exists() else f"there is no command line in {kit.LIB}"
        for what, body in tests + COMMON:
            if why:
                counts.skip(what, why)
                continue
            try:
                counts.note(what, body(engine))
            except PermissionError as error:
                counts.skip(what, error)
            except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
                counts.note(what, f"{type(error).__name__}: {error}")
        if why:
            counts.skip("broken libraries", why)
        else:
            broken(engine, counts, lambda packages: run_broken(engine, packages))
    return counts.finish()
