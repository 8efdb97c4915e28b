#!/usr/bin/env python3
"""LÖVE: the sample game, and what a game does to the library and the library's world to a game. The last line counts."""

import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import kit  # noqa: E402

GAME, SAMPLE = HERE / "game", kit.OUTPOST / "love"
counts = kit.Counts("LÖVE")


class Love:
    def __init__(self, work):
        self.work, self.love, self.screen = work, shutil.which("love"), shutil.which("xvfb-run")

    def env(self, lua=kit.BINDING, library=kit.LIB):
        env = kit.environment(LUA_PATH=f"{lua}/?.lua;;", XDG_DATA_HOME=self.work / "data", HOME=self.work, SDL_AUDIODRIVER="dummy",
                              XDG_RUNTIME_DIR=self.work)
        return dict(env, REPRIEVE_LIB=str(library)) if library else env

    def __call__(self, *words, screen=False, seconds=120, **env):
        start = [self.screen, "-a"] if screen else []
        return kit.call([*start, self.love, *words], self.env(**env), seconds)


def record(love):
    path = love.work / "record.txt"
    code, out, problem = love(SAMPLE, "--record", path)
    return problem + out if code or problem else kit.differs(path.read_text(encoding="utf-8"), kit.expected())


def frames(love):
    folder = love.work / "frames"
    folder.mkdir()
    code, out, problem = love(SAMPLE, "--frames", folder, screen=True)
    return f"status {code}: {out}{problem}" if code else kit.look(folder)


def played(love):
    """With a window: the outage is played by the keys, and the game ends by Escape."""
    driver = love.work / "driver"
    shutil.copytree(SAMPLE, driver)
    for name in ("words.txt", "outpost.json"):
        shutil.copy(kit.OUTPOST / name, driver)
    with open(driver / "main.lua", "a", encoding="utf-8") as file:
        file.write("""
local update, frames, lines, asked = love.update, 0, {}, 0
function love.update(seconds)
  update(seconds)
  frames = frames + 1
  if frames == 30 then love.event.push("keypressed", "d", "d", false) end
  local first, second = face:lines()
  if first .. second ~= lines[#lines] then lines[#lines + 1] = first .. second end
  if news.over then love.event.push("keypressed", "escape", "escape", false) end
end
local quit = love.quit
function love.quit()
  print(frames, #lines, outpost.clock(news.elapsed))
  quit()
end
""")
    code, out, problem = love(driver, screen=True)
    seen = re.fullmatch(r"(\d+)\t(\d+)\tday 7 12:00\n", out)
    # Half a minute of frames. A slow machine does several steps between two of them, and misses lines of the record.
    good = code == 0 and seen and int(seen[1]) > 300 and int(seen[2]) > 20
    return None if good else f"status {code}: {out}{problem[-500:]}"


def conformance(love):
    code, out, problem = love(GAME, "conformance", kit.ROOT / "tests" / "lua" / "conformance.lua", *kit.SCENARIOS)
    counts.note("the scenarios: LÖVE ends well", None if code == 0 else f"status {code}: {problem}")
    printed = dict(part.split("\n", 1) for part in out.split("# ")[1:])
    for path in kit.SCENARIOS:
        _, wanted, _ = kit.call([kit.CLI, "drill", "--json", path], kit.environment())
        counts.note(f"the scenarios: {path.stem}", kit.differs(printed.get(path.stem, ""), wanted) if wanted else "Rust says nothing")


def broken(love):
    for name, folder, told in kit.broken_libraries(love.work / "broken"):
        if folder is None:
            counts.skip(name, told)
            continue
        for file in kit.BINDING.glob("*.lua"):
            shutil.copy(file, folder)
        path = love.work / "broken.txt"
        code, out, problem = love(SAMPLE, "--record", path, lua=folder, library=None)
        lacks = [text for text in (*told, f"{folder}/libreprieve.so", "outpost: licences cannot be checked") if text not in problem]
        text = path.read_text(encoding="utf-8") if path.exists() else "nothing"
        counts.note(f"{name}: what is said, and the game goes on", f"status {code}, lacks {lacks}: {out}{problem}" if code or lacks else kit.differs(text, kit.UNKNOWN))
        path.unlink(missing_ok=True)
        if love.screen:
            pictures = love.work / "broken" / f"{folder.name}-frames"
            pictures.mkdir()
            code, out, problem = love(SAMPLE, "--frames", pictures, screen=True, lua=folder, library=None)
            counts.note(f"{name}: what is seen", f"status {code}: {out}{problem}" if code else kit.look(pictures, {"start": (0.7, 0.7, 0.7)}))


def hundred(love):
    app = kit.vendor(love.work / "hundred")
    code, out, problem = love(GAME, "hundred", app, love.work / "rounds", seconds=240)
    seen = re.fullmatch(r"left 10 times\t(\d+)\nleft 100 times\t(\d+)\n", out)
    if code or not seen:
        return f"status {code}: {out}{problem}"
    grown = (int(seen[2]) - int(seen[1])) * 4096
    return f"90 rounds took {grown} bytes more" if grown > 16 << 20 else kit.verify(app)


def says(love, mode, wanted):
    app = kit.vendor(love.work / mode)
    code, out, problem = love(GAME, mode, app)
    return None if code == 0 and re.fullmatch(wanted, out) else f"status {code}: {out}{problem}"


def killed(love):
    app = kit.vendor(love.work / "killed")
    return kit.killed([love.love, GAME, "appends", app], love.env(), app)


def full_disk(love):
    with kit.FullDisk(love.work / "disk") as app:
        code, out, problem = love(GAME, "full", app)
        good = code == 0 and re.match(r"full disk\t0\tfull\tfull: .", out)
        return kit.verify(app) if good else f"status {code}: {out}{problem}"


def shown_in_the_page(love):
    """The game of docs/engines.md, whole and without its library, and its program for other hosts of LuaJIT."""
    place = love.work / "page"
    place.mkdir()
    folder = kit.examples(place)
    game = folder / "love"
    shutil.copy(HERE.parent / "frames" / "love" / "conf.lua", game)
    shutil.copy(folder / "reprieve.toml", game)
    with open(game / "main.lua", "a", encoding="utf-8") as file:
        file.write(kit.module(kit.ROOT / "tests" / "lua" / "run.py").LOVE_END)
    for library, wanted in ((kit.LIB, "lanterns are full\n"), (folder / "none", "lanterns are unknown\n")):
        code, out, problem = kit.call([love.love, game], love.env(library=library), cwd=folder)
        if code or not out.endswith(wanted):
            return f"status {code} with REPRIEVE_LIB={library}: {out}{problem}"
    luajit = shutil.which("luajit")
    if not luajit:
        counts.skip("the page's program for other hosts of LuaJIT", "luajit is missing")
        return None
    code, out, problem = kit.call([luajit, folder / "host.lua"], love.env(), cwd=folder)
    return None if code == 0 and out == "played\tfull\n" else f"host.lua: status {code}: {out}{problem}"


# Renewal, by the package: its Lua files and its library lie in the game's folder, and nothing else is in reach.

GAME_END = """
local update, begin, denied = love.update, love.timer.getTime(), false
function love.update(...)
  update(...)
  denied = denied or shown == "denied"
  if shown == "full" or love.timer.getTime() - begin > 20 then
    print(denied, shown, renewing and renewing:state().word)
    love.event.quit(0)
  end
end
function love.errorhandler(message) io.stderr:write(debug.traceback(tostring(message)), "\\n") os.exit(1) end
"""


class Packaged:
    """A game's folder with the package for LuaJIT in it."""

    def __init__(self, love, game):
        out = love.work / "package"
        if not out.exists():
            code, said = kit.said(kit.ROOT / "scripts" / "package" / "lua.sh", out, seconds=1200)
            if code:
                raise RuntimeError(f"scripts/package/lua.sh: {said}")
        with tarfile.open(next(out.glob("reprieve-lua-*.tar.gz"))) as tar:
            for member in tar.getmembers():
                member.name = member.name.partition("/")[2]
                if member.name.endswith((".lua", ".so")) and "/" not in member.name:
                    tar.extract(member, game)
        self.love, self.game = love, game

    def __call__(self, *words, cwd=None):
        env = {name: value for name, value in self.love.env(library=None).items() if name != "LUA_PATH" and not name.lower().endswith("_proxy")}
        return kit.call([self.love.love, self.game, *words], env, 60, cwd)


def packaged(love, name):
    game = love.work / name / "game"
    shutil.copytree(GAME, game)
    return Packaged(love, game)


def faulty(love, name):
    sys.path.insert(0, str(kit.ROOT / "tests" / "renewing"))
    import server

    (love.work / f"{name}-server").mkdir()
    return server, server.Faulty(love.work / f"{name}-server")


def renews(love):
    sys.path.insert(0, str(kit.ROOT / "tests" / "renewing"))
    from authority import PROGRAM, Authority

    if not PROGRAM.exists():
        raise PermissionError(f"there is no {PROGRAM.name} in {PROGRAM.parent}")
    run, served = packaged(love, "renews"), love.work / "served"
    served.mkdir()
    with Authority(served) as authority:
        code, out, problem = run("renews", authority.app, authority.code)
    wanted = f"renews\tdenied\tfull\ttrue\t{run.game}/libreprieve.so\n"
    return kit.verify(authority.app) if code == 0 and out == wanted else f"status {code}: {out}{problem}"


def hangs(love):
    server, made = faulty(love, "hangs")
    code, out, problem = packaged(love, "hangs")("hangs", made.app(love.work / "hangs-app", made.serve(None, server.silent)))
    return None if code == 0 and out == "left\ttrue\ttrue\ttrue\n" else f"status {code}: {out}{problem}"


def hundred_renewing(love):
    """Each play asks for a renewal as it begins, and is left after five frames, whatever came of it."""
    _, made = faulty(love, "hundred")
    app = kit.vendor(love.work / "hundred-renewing")
    text = pathlib.Path(app).read_text(encoding="utf-8")
    pathlib.Path(app).write_text(f'endpoints = ["{made.serve(None, made.leases())}"]\n{text}', encoding="utf-8")
    code, out, problem = packaged(love, "hundred-renewing-game")("hundred", app, love.work / "rounds-renewing", "renewing")
    seen = re.fullmatch(r"left 10 times\t(\d+)\nleft 100 times\t(\d+)\n", out)
    if code or not seen:
        return f"status {code}: {out}{problem}"
    grown = (int(seen[2]) - int(seen[1])) * 4096
    if grown > 16 << 20 or made.served < 90:
        return f"90 rounds took {grown} bytes more, and {made.served} renewals were asked for"
    return kit.verify(app)


def page_renews(love):
    """The game of docs/lua.md, as it stands there, with an endpoint in its application file."""
    documentation = kit.module(kit.ROOT / "tests" / "docs" / "run.py")
    _, made = faulty(love, "lua-page")
    game = love.work / "lua-page"
    game.mkdir()
    for block in documentation.blocks("docs/lua.md", (kit.ROOT / "docs" / "lua.md").read_text(encoding="utf-8")):
        if block.marks.get("run") == "a game" or block.marks.get("as") == "upkeep.lua":
            (game / block.marks.get("as", "main.lua")).write_text(block.code + ("" if "as" in block.marks else GAME_END), encoding="utf-8")
    shutil.copy(HERE.parent / "frames" / "love" / "conf.lua", game)
    shutil.copy(made.app(love.work / "lua-page-app", made.serve(None, made.leases())), game)
    code, out, problem = Packaged(love, game)(cwd=love.work / "lua-page-app")
    return None if code == 0 and out == "core is denied\ncore is full\ntrue\tfull\trenewed\n" else f"status {code}: {out}{problem}"


def widths(love):
    code, out, problem = love(GAME, "widths", kit.OUTPOST, screen=True)
    seen = re.fullmatch(r"widths\t(\d+)\t(\d+)\n", out)
    return None if code == 0 and seen and all(0 < int(width) <= 620 for width in seen.groups()) else f"status {code}: {out}{problem}"


def main():
    alone = [("the record", record), ("entered and left a hundred times", hundred),
             ("a script is reloaded", lambda love: says(love, "reload", r"reloaded\t50\t50\n")),
             ("two scenes on one ledger", lambda love: says(love, "scenes", r"scenes\t30\t1\n")),
             ("a lease is renewed, by the package", renews), ("left while a server says nothing", hangs),
             ("entered and left a hundred times while it renews", hundred_renewing), ("the game of docs/lua.md renews", page_renews),
             ("killed while it appends", killed), ("a full disk", full_disk), ("what docs/engines.md shows", shown_in_the_page)]
    shown = [("the pictures", frames), ("played by its keys, in a window", played), ("every sentence fits the banner", widths)]
    with tempfile.TemporaryDirectory(dir=kit.environment().get("TMPDIR")) as work:
        love = Love(pathlib.Path(work))
        why = "love is missing" if not love.love else None if kit.LIBRARY.exists() and kit.CLI.exists() else f"there is no library and command line in {kit.LIB}"
        for name, body in alone + shown:
            lacking = why or (None if love.screen or (name, body) in alone else "xvfb-run is missing")
            if lacking:
                counts.skip(name, lacking)
                continue
            try:
                counts.note(name, body(love))
            except PermissionError as error:
                counts.skip(name, error)
            except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
                counts.note(name, f"{type(error).__name__}: {error}")
        for name, body in (("the scenarios", conformance), ("a broken library", broken)):
            if why:
                counts.skip(name, why)
            else:
                body(love)
    return counts.finish()


if __name__ == "__main__":
    sys.exit(main())
