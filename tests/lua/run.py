#!/usr/bin/env python3
"""Everything that proves the Lua binding: the declarations, every call with and without the compiler, how the library is found, the scenarios,
a game in LÖVE, and what docs/lua.md shows. The last line counts.

    LUAJIT         the interpreter (luajit)
    REPRIEVE_LIB   the folder of the library and the command line (target/release)

What is missing on this machine is said to be `not run`; it is no failure.
"""

import glob
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BINDING = os.path.join(ROOT, "bindings", "lua")
LIB = os.environ.get("REPRIEVE_LIB", os.path.join(ROOT, "target", "release"))
LUAJIT = shutil.which(os.environ.get("LUAJIT", "luajit"))
LIBRARY = os.path.join(LIB, "libreprieve.so")
CLI = os.path.join(LIB, "reprieve")
# The modes of the compiler: as it is, none, and everything at once, which also leaves every trace at once.
MODES = {"compiled": [], "interpreted": ["-joff"], "all compiled": ["-Ohotloop=1", "-Ohotexit=1"]}
counts = {"passed": 0, "failed": 0, "not run": 0}


def note(name, problem=None):
    """One test: no problem is a pass."""
    counts["failed" if problem else "passed"] += 1
    if problem:
        print(f"FAILED {name}: {problem}")


def skip(name, why):
    counts["not run"] += 1
    print(f"not run: {name}: {why}")


def environment(lua_path=BINDING, library=LIB, **more):
    """What a program sees: no setting of the caller's finds a library or a file."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LUA_", "REPRIEVE_", "LD_"))}
    if os.access("/dev/shm", os.W_OK):
        env["TMPDIR"] = "/dev/shm"
    env["LUA_PATH"] = f"{lua_path}/?.lua;{HERE}/?.lua"
    if library:
        env["REPRIEVE_LIB"] = library
    return dict(env, **more)


def call(command, env, cwd=None):
    result = subprocess.run(command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    return result.returncode, result.stdout, result.stderr.decode(errors="replace")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_declarations():
    code, _, problem = call([sys.executable, os.path.join(BINDING, "generate.py"), "--check"], environment())
    note("reprieve_cdef.lua is what the header gives", problem or None if code else None)
    header = re.sub(r"//[^\n]*|/\*.*?\*/", "", read(os.path.join(ROOT, "include", "reprieve.h")), flags=re.DOTALL)
    declared = set(re.findall(r"\b(reprieve_\w+)\(", header))
    cdef = set(re.findall(r"\b(reprieve_\w+)\(", read(os.path.join(BINDING, "reprieve_cdef.lua"))))
    note("declared in C is declared in Lua", " ".join(sorted(declared ^ cdef)) or None)
    sources = "".join(read(path) for path in glob.glob(os.path.join(BINDING, "*.lua")) if not path.endswith("_cdef.lua"))
    bound = set(re.findall(r"\b(?:C|library)\.(reprieve_\w+)", sources))
    note("every function is bound", " ".join(sorted(declared ^ bound)) or None)
    public = re.findall(r"([^\n]*)\n *function ((?:reprieve|client|builders?|drills?|renewer|renewing|Feature)[.:][\w.]+)", sources)
    silent = [name for before, name in public if not before.strip().startswith("--")]
    note("every function has a comment", " ".join(silent) or None if len(public) > 40 else f"{len(public)} functions were found")


def test_programs(work):
    if not os.path.exists(CLI):
        return skip("the test programs", f"there is no {CLI}, which makes their application file")
    app = os.path.join(work, "app")
    os.makedirs(app)
    code, _, problem = call(["bash", os.path.join(ROOT, "docs", "quickstart.sh")], environment(PATH=LIB + os.pathsep + os.environ["PATH"]), app)
    if code:
        return note("docs/quickstart.sh", problem)
    for mode, flags in MODES.items():
        for program in ("test_calls.lua", "test_errors.lua", "test_life.lua", "test_states.lua", "test_renewal.lua"):
            own = tempfile.mkdtemp(dir=work)
            shutil.copytree(app, os.path.join(own, "app"))
            env = environment(REPRIEVE_APP_FOLDER=os.path.join(own, "app"))
            code, out, problem = call([LUAJIT, *flags, os.path.join(HERE, program)], env, os.path.join(own, "app"))
            text = out.decode()
            counted = re.search(r"(\d+) passed, (\d+) failed\n$", text)
            if text.startswith("not run"):
                skip(f"{program}, {mode}", text.strip())
            elif not counted or (code != 0) != (counted[2] != "0"):
                note(f"{program}, {mode}", f"status {code}: {text}{problem}")
            else:
                counts["passed"] += int(counted[1])
                counts["failed"] += int(counted[2])
                if code:
                    print(f"{mode}: {text}")


# How the library is found, and what is refused.

LOADS = 'local ok, got = pcall(require, "reprieve") print(ok, ok and got.library or got) os.exit(ok and 0 or 1)'


def stub(folder, version, name="libreprieve.so", rest=True):
    """A library of another ABI version; all other functions are those of the real one, if it has any."""
    source = os.path.join(folder, "stub.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(f"unsigned reprieve_abi_version(void) {{ return {version}u; }}\n" if version is not None else "int nothing;\n")
    link = ["-Wl,--no-as-needed", LIBRARY, f"-Wl,-rpath,{LIB}"] if rest else []
    path = os.path.join(folder, name)
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", path, *link], check=True)
    return path


def test_library(work):
    def case(name, good, *holds, library=None, cwd=None, lua=LOADS, path=None, **more):
        code, out, problem = call([LUAJIT, "-e", lua], environment(path or modules, library, **more), cwd or empty)
        said = out.decode() + problem
        lacks = [part for part in holds if part not in said]
        note(f"library: {name}", f"status {code}, lacks {lacks}: {said}" if (code == 0) != good or lacks else None)

    def folder(*parts):
        path = os.path.join(work, "library", *parts)
        os.makedirs(path, exist_ok=True)
        return path

    def module_folder(*parts):
        path = folder(*parts)
        for file in glob.glob(os.path.join(BINDING, "*.lua")):
            shutil.copy(file, path)
        return path

    empty, modules = folder("empty"), module_folder("modules")
    what_to_do = "put libreprieve.so beside reprieve.lua, or name it in the environment variable REPRIEVE_LIB"
    case("missing", False, "was not found", what_to_do, f"{modules}/libreprieve.so (beside reprieve.lua): no such file", f"{modules}/Linux-",
         "(package.cpath)", "the system's libraries: ", "the program itself")
    case("named, a folder", True, LIBRARY, library=LIB)
    case("named, a file", True, LIBRARY, library=LIBRARY)
    case("named, not there", False, "REPRIEVE_LIB names /no/such", "cannot open", library="/no/such")

    beside = module_folder("beside")
    shutil.copy(LIBRARY, beside)
    case("beside the module", True, f"{beside}/libreprieve.so", path=beside)
    case("named goes before beside", False, "/no/such", path=beside, library="/no/such")
    prefixed = module_folder("game", "vendor", "reprieve")
    shutil.copy(LIBRARY, prefixed)
    for separator in "./":
        lua = LOADS.replace('"reprieve"', f'"vendor{separator}reprieve{separator}reprieve"')
        case(f"in a folder of the game, {separator}", True, "vendor/reprieve/libreprieve.so", lua=lua, path=folder("game"))
    case("by a relative path", True, "./libreprieve.so", cwd=beside, path=".")
    case("by dofile", True, f"{beside}/libreprieve.so", path=beside,
         lua=LOADS.replace('pcall(require, "reprieve")', f'pcall(dofile, "{beside}/reprieve.lua")'))
    system = subprocess.run([LUAJIT, "-e", "io.write(jit.os, '-', jit.arch)"], stdout=subprocess.PIPE, check=True).stdout.decode()
    shutil.copy(LIBRARY, os.path.join(module_folder("platforms"), "..", folder("platforms", system)))
    case("in the platform's folder", True, f"/platforms/{system}/libreprieve.so", path=os.path.join(work, "library", "platforms"))
    rocks = folder("rocks")
    shutil.copy(LIBRARY, rocks)
    case("in package.cpath", True, f"{rocks}/libreprieve.so", LUA_CPATH=f"{rocks}/?.so;;")
    case("the system's", True, "the system's libreprieve.so", LD_LIBRARY_PATH=LIB)
    case("in the program", True, "the library in the program", LD_PRELOAD=LIBRARY)
    case("a Lua without FFI", False, "this needs LuaJIT with its FFI", library=LIB, lua="package.preload.ffi, package.loaded.ffi = nil, nil " + LOADS)

    broken = module_folder("broken")
    with open(os.path.join(broken, "libreprieve.so"), "w", encoding="utf-8") as file:
        file.write("this is no library\n" * 100)
    case("no library at all", False, f"{broken}/libreprieve.so (beside reprieve.lua): ", "invalid ELF header", path=broken)
    case("no library at all, and another behind it", True, f"{rocks}/libreprieve.so", path=broken, LUA_CPATH=f"{rocks}/?.so")

    if shutil.which("cc") is None:
        return skip("library: other versions", "the C compiler is missing")
    header = read(os.path.join(ROOT, "include", "reprieve.h"))
    major, minor = (int(re.search(rf"REPRIEVE_ABI_VERSION_{part} (\d+)", header)[1]) for part in ("MAJOR", "MINOR"))
    for name, version, good in (("another major", (major + 1, minor), False), ("a lower minor", (major, minor - 1), False),
                                ("a higher minor", (major, minor + 7), True), ("the same", (major, minor), True)):
        if version[1] < 0:
            skip(f"library: {name}", "there is none")
            continue
        path = stub(folder(name.replace(" ", "-")), version[0] << 16 | version[1])
        texts = [] if good else [f"{path} has ABI version {version[0]}.{version[1]}", f"needs {major}.{minor} or a later {major}.x", "of one release together"]
        case(name, good, *texts, library=path)
        beside = module_folder("beside " + name)
        stub(beside, version[0] << 16 | version[1])
        case(name + ", beside the module", good, *[text.replace(path, f"{beside}/libreprieve.so") for text in texts], path=beside, LD_LIBRARY_PATH=LIB)
    alien = stub(folder("alien"), None, rest=False)
    case("an alien library", False, f"{alien} is no library of Reprieve's", "reprieve_abi_version", library=alien)


def test_conformance():
    files = sorted(glob.glob(os.path.join(ROOT, "tests", "scenarios", "*.json")))
    program = os.path.join(HERE, "conformance.lua")
    if not os.path.exists(CLI):
        return skip("conformance", f"there is no {CLI} to compare with")
    printed = {mode: {} for mode in MODES}
    for mode, flags in MODES.items():
        code, out, problem = call([LUAJIT, *flags, program, *files], environment())
        note(f"conformance, {mode}: it ends well", problem or str(code) if code else None)
        for part in out.decode().split("# ")[1:]:
            name, lines = part.split("\n", 1)
            printed[mode][name] = lines
    for file in files:
        _, out, _ = call([CLI, "drill", "--json", file], environment())
        name = os.path.splitext(os.path.basename(file))[0]
        for mode in MODES:
            note(f"conformance, {mode}: {name}", None if printed[mode].get(name) == out.decode() and out else "its lines differ from Rust's")


# LÖVE.

def test_love(work):
    love = shutil.which("love")
    if not love:
        return skip("a game in LÖVE", "love is missing")

    def game(*parts):
        folder = os.path.join(work, "love", *parts)
        os.makedirs(os.path.join(folder, "lib"))
        for file in glob.glob(os.path.join(HERE, "love", "*.lua")):
            shutil.copy(file, folder)
        for file in glob.glob(os.path.join(BINDING, "*.lua")):
            shutil.copy(file, os.path.join(folder, "lib"))
        return folder

    def play(name, at, library):
        env = environment(library=None, XDG_DATA_HOME=os.path.join(work, "love", "data"), HOME=work)
        del env["LUA_PATH"]
        code, out, problem = call(["timeout", "60", love, at], env, work)
        wanted = f"frames 60, allowed 60, then denied, events access_changed, from {library}\n"
        note(f"a game in LÖVE, the library {name}", None if code == 0 and out.decode() == wanted else f"status {code}: {out.decode()}{problem}")

    folder = game("beside")
    shutil.copy(LIBRARY, os.path.join(folder, "lib"))
    play("beside the module", folder, f"{folder}/lib/libreprieve.so")
    folder = game("folder")
    shutil.copy(LIBRARY, folder)
    play("in the game's folder", folder, f"{folder}/libreprieve.so")
    folder = game("archive")
    place = os.path.join(work, "love", "shipped")
    os.makedirs(place)
    archive = os.path.join(place, "game.love")
    with zipfile.ZipFile(archive, "w") as file:
        for at, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(at, name)
                file.write(path, os.path.relpath(path, folder))
    shutil.copy(LIBRARY, place)
    play("beside an archive", archive, f"{place}/libreprieve.so")
    os.remove(os.path.join(place, "libreprieve.so"))
    save = os.path.join(work, "love", "data", "love", "reprieve-test")
    os.makedirs(save, exist_ok=True)
    shutil.copy(LIBRARY, save)
    play("in the save folder", archive, f"{save}/libreprieve.so")


# What docs/lua.md shows.

LOVE_END = """
local frames, update = 0, love.update
function love.update(...)
  update(...)
  frames = frames + 1
  if frames == 20 then love.event.quit(0) end
end
function love.errorhandler(message) io.stderr:write(debug.traceback(tostring(message)), "\\n") os.exit(1) end
"""


def test_documentation(work):
    spec = importlib.util.spec_from_file_location("documentation", os.path.join(ROOT, "tests", "docs", "run.py"))
    documentation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(documentation)
    folder = os.path.join(work, "docs")
    os.makedirs(folder)
    page = documentation.Page("lua.md", folder)
    page.env.update(environment(PATH=LIB + os.pathsep + os.environ["PATH"], XDG_DATA_HOME=os.path.join(folder, ".home", "data")))
    code, out = page.prepared
    if code:
        return note("docs/lua.md: docs/quickstart.sh", out)
    game = os.path.join(folder, "game")
    os.makedirs(game)
    for file in [*glob.glob(os.path.join(BINDING, "*.lua")), os.path.join(HERE, "love", "conf.lua"), os.path.join(folder, "reprieve.toml")]:
        shutil.copy(file, game)
    found = [block for block in documentation.blocks("docs/lua.md", read(os.path.join(ROOT, "docs", "lua.md"))) if block.language == "lua"]
    note("docs/lua.md has examples", None if len(found) > 3 else str(len(found)))
    for number, block in enumerate(found):
        if "as" in block.marks:
            page.write(os.path.join("game", block.marks["as"]), block.code)
            continue
        if "needs" in block.marks:
            if not shutil.which(block.marks["needs"]):
                skip(block.name, f"{block.marks['needs']} is missing")
                continue
            page.write("game/main.lua", block.code + LOVE_END)
            code, out = page.call(["timeout", "60", block.marks["needs"], game])
        else:
            code, out = page.call([LUAJIT, page.write(f"block{number}.lua", block.code)])
        lacks = [text for text in block.expect if text not in out]
        note(block.name, f"status {code}, lacks {lacks}:\n{out}" if code or lacks else None)


def main():
    test_declarations()
    if not LUAJIT:
        skip("the Lua binding", "luajit is missing")
    elif not os.path.exists(LIBRARY):
        note("the library", f"there is no {LIBRARY}; run `make build`")
    else:
        with tempfile.TemporaryDirectory() as work:
            test_programs(work)
            test_library(work)
            test_conformance()
            test_love(work)
            test_documentation(work)
    print("Lua: {passed} passed, {failed} failed, {not run} not run".format(**counts))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
