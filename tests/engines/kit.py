"""What the tests of the engines share: counts, places, a vendor, broken libraries, and pictures."""

import importlib.util
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIB = pathlib.Path(os.environ.get("REPRIEVE_LIB") or ROOT / "target" / "release").resolve()
LIBRARY, CLI = LIB / "libreprieve.so", LIB / "reprieve"
OUTPOST = ROOT / "samples" / "outpost"
BINDING = ROOT / "bindings" / "lua"
SCENARIOS = sorted((ROOT / "tests" / "scenarios").glob("*.json"))
PYTHON = ROOT / "build" / "engines" / "venv" / "bin" / "python"
UNKNOWN = "day 0 00:00\tThe licence could not be checked. That is no refusal: the game goes on.\tlanterns: on, not checked   weather: on, not checked\n"
# The pictures that a game saves, and what is seen on them: how opaque lanterns, clouds and boat are.
PICTURES = {"start": (1, 1, 1), "day-1": (1, 0.4, 1), "day-2": (0.4, 0.06, 1), "day-4": (0.06, 0.06, 1), "day-6": (0.06, 0.06, 0.4), "end": (1, 1, 1)}


class Counts:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, 0, 0, 0

    def note(self, what, problem=None):
        """One test: no problem is a pass. Whether it passed."""
        if problem:
            self.failed += 1
            print(f"FAILED {what}: {problem}", flush=True)
        else:
            self.passed += 1
        return not problem

    def skip(self, what, why):
        self.skipped += 1
        print(f"not run: {what}: {why}", flush=True)

    def run(self, what, body, *given):
        """A test that returns its problem, or raises one."""
        try:
            self.note(what, body(*given))
        except Exception as error:
            self.note(what, f"{type(error).__name__}: {error}")

    def finish(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} not run", flush=True)
        return 1 if self.failed else 0


def environment(**more):
    """What a program sees: no setting of the caller's finds a library or a file."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LUA_", "REPRIEVE_", "LD_", "PYTHON"))}
    # A container often has 64 MB there, and each project of Godot's takes the library along.
    if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free >= 1 << 30:
        env["TMPDIR"] = "/dev/shm"
    return dict(env, **{key: str(value) for key, value in more.items()})


def call(command, env, seconds=120, cwd=None):
    ran = subprocess.run([str(word) for word in command], env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=seconds)
    return ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace")


def said(*command, env=None, seconds=300, cwd=None):
    """A command's status, and all that it printed, to both streams, as it came."""
    ran = subprocess.run([str(word) for word in command], env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=seconds)
    return ran.returncode, ran.stdout.decode(errors="replace").strip()


def differs(got, wanted):
    """Where two texts part, or None."""
    if got == wanted:
        return None
    for number, (a, b) in enumerate(zip(got.splitlines(), wanted.splitlines()), 1):
        if a != b:
            return f"line {number} is {a!r}, not {b!r}"
    return f"{len(got)} bytes in place of {len(wanted)}"


def module(path):
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem + "_of_tests", path)
    loaded = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(pathlib.Path(path).parent))
    spec.loader.exec_module(loaded)
    sys.path.pop(0)
    return loaded


def expected():
    return (OUTPOST / "expected.txt").read_text(encoding="utf-8")


# What docs/engines.md shows.

def examples(folder):
    """Writes the page's files into a folder that docs/quickstart.sh was run in."""
    documentation = module(ROOT / "tests" / "docs" / "run.py")
    page = documentation.Page("engines.md", str(folder))
    if page.prepared[0]:
        raise RuntimeError(f"docs/quickstart.sh: {page.prepared[1]}")
    text = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    for block in documentation.blocks("docs/engines.md", text):
        if "as" in block.marks:
            page.write(block.marks["as"], block.code)
    return pathlib.Path(folder)


# Ledgers.

def vendor(folder, seconds=30 * 86_400):
    """A folder with `reprieve.toml` and a ledger that has a policy, and a lease for `cad`/`core`, for a month unless said."""
    vendors = module(ROOT / "tests" / "processes" / "vendor.py")
    made = vendors.Vendor(str(folder))
    until = int(time.time()) + seconds
    tokens = (made.policy(), made.sign("lease", {"license": "L1", "sku": "cad", "ledger": "*", "features": {"core": until}}))
    for number, token in enumerate(tokens):
        path = pathlib.Path(folder) / f"{number}.jws"
        path.write_bytes(token)
        code, out, problem = call([CLI, "import", "--create", "--app", made.app, path], environment())
        if code:
            raise RuntimeError(f"reprieve import: {out}{problem}")
    return made.app


def verify(app):
    """The problem that `reprieve ledger verify` finds, or None."""
    code, out, problem = call([CLI, "ledger", "verify", "--app", app], environment())
    return f"reprieve ledger verify ended with {code}: {out}{problem}" if code else None


def killed(command, env, app, times=6):
    """A game that appends all the time is killed, again and again: its ledger verifies, and the next one opens it."""
    acknowledged = 0
    for turn in range(times):
        with subprocess.Popen([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True) as game:
            if game.stdout.readline() != b"appending full\n":
                os.killpg(game.pid, signal.SIGKILL)
                return f"round {turn}: the game does not begin: {game.stderr.read().decode(errors='replace')[-500:]}"
            time.sleep(0.15 + 0.03 * turn)
            os.killpg(game.pid, signal.SIGKILL)
            acknowledged += game.stdout.read().count(b"\n")
        problem = verify(app)
        if problem:
            return f"round {turn}: {problem}"
    if acknowledged < times:
        return f"only {acknowledged} appends were acknowledged before {times} kills"
    code, out, problem = call([CLI, "check", "cad", "core", "--app", app], environment())
    return None if code == 0 and "full" in out else f"reprieve check ended with {code}: {out}{problem}"


def editor_killed(program, env, folder, times=6):
    """A stub of an editor is killed in the middle of an append, again and again; the next one opens the ledger."""
    appended = 0
    for turn in range(times):
        with subprocess.Popen([*map(str, program), "append", str(folder)], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as editor:
            line = editor.stdout.readline()
            if line.strip() != b"appending":
                editor.kill()
                return f"round {turn}: {line!r} {editor.stdout.read()[-2000:]!r}"
            time.sleep(0.1 + 0.05 * turn)
            editor.kill()
            appended += editor.stdout.read().count(b"appended\n")
    code, out = said(*program, "reopen", folder, env=env)
    if code or not re.search(r"^appeals \d+$", out, re.MULTILINE):
        return out or f"ended with {code}"
    # One more may have been on disk than was acknowledged, in each round; some were delivered and acknowledged before a kill.
    return None if appended > times else f"only {appended} appends before {times} kills"


class FullDisk:
    """A file system of a megabyte, with a ledger on it, that is then filled to the last byte."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def __enter__(self):
        self.folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.folder], stderr=subprocess.PIPE)
        if done.returncode:
            raise PermissionError(" ".join(done.stderr.decode(errors="replace").split()))
        try:
            app = vendor(self.folder / "product")
            with open(self.folder / "filling", "wb", buffering=0) as file:
                for size in (65536, 4096, 1):
                    try:
                        while True:
                            file.write(b"." * size)
                    except OSError:
                        pass
        except BaseException:
            self.__exit__()
            raise
        return app

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.folder], check=True)


# Libraries that are none.

def broken_libraries(folder):
    """Folders with a library that cannot be used: name, folder, and what must be said of it. What cannot be made is (name, None, why)."""
    lua = module(ROOT / "tests" / "lua" / "run.py")
    header = (ROOT / "include" / "reprieve.h").read_text(encoding="utf-8")
    major = int(re.search(r"REPRIEVE_ABI_VERSION_MAJOR (\d+)", header)[1])
    found = []

    def place(name):
        path = pathlib.Path(folder) / name
        path.mkdir(parents=True)
        return path

    found.append(("the library is missing", place("missing"), ("was not found", "no such file", "put libreprieve.so beside reprieve.lua")))
    other = place("abi")
    lua.stub(str(other), (major + 1) << 16)
    found.append(("a library of another ABI version", other, (f"has ABI version {major + 1}.0", "of one release together")))
    arm = place("arm")
    why = alien(arm / "libreprieve.so")
    found.append(("a library for another processor", None if why else arm,
                  why or ("it is built for Linux arm64, and this program is Linux x64", "put libreprieve.so beside reprieve.lua")))
    return found


def alien(path):
    """Makes a library for another processor; gives why it cannot."""
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    if not compiler:
        return "aarch64-linux-gnu-gcc is missing"
    source = path.with_suffix(".c")
    source.write_text("unsigned reprieve_abi_version(void) { return 1; }\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-nostdlib", source, "-o", path], check=True)
    return None


# Pictures.

def png(path):
    """Width, height, and the pixels as rows of (red, green, blue): a PNG of 8 bits, grey, RGB, RGBA or with a palette."""
    data = pathlib.Path(path).read_bytes()
    at, packed, palette = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8, f"{depth} bits"
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            packed += body
    wide = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    raw, stride = zlib.decompress(packed), width * wide
    rows, above = [], bytearray(stride)
    for y in range(height):
        method, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        if method:
            for x in range(stride):
                left, up = line[x - wide] if x >= wide else 0, above[x]
                if method == 1:
                    add = left
                elif method == 2:
                    add = up
                elif method == 3:
                    add = (left + up) // 2
                else:
                    corner = above[x - wide] if x >= wide else 0
                    guess = left + up - corner
                    add = min((left, up, corner), key=lambda value: abs(guess - value))
                line[x] = (line[x] + add) & 255
        above = line
        if palette:
            rows.append([tuple(palette[3 * v:3 * v + 3]) for v in line])
        else:
            rows.append([tuple(line[x:x + 3]) for x in range(0, stride, wide)])
    return width, height, rows


def near(rows, colour, top, bottom):
    """How many pixels between two rows have a colour, but for rounding."""
    return sum(1 for row in rows[top:bottom] for pixel in row if all(abs(a - b) <= 3 for a, b in zip(pixel, colour)))


def mixed(colour, alpha, ground):
    return tuple(round(a * alpha + b * (1 - alpha)) for a, b in zip(colour, ground))


def look(folder, pictures=None):
    """The problem of the pictures that a game saved: their size, and how opaque lanterns, clouds and the boat's hull are on them."""
    sky, sea = (0x0E, 0x1A, 0x2B), (0x14, 0x32, 0x4A)
    for name, (lanterns, clouds, boat) in (pictures or PICTURES).items():
        path = pathlib.Path(folder) / f"{name}.png"
        if not path.exists():
            return f"there is no {name}.png"
        width, height, rows = png(path)
        if (width, height) != (640, 360):
            return f"{name}.png is {width} by {height}"
        # Discs of radius 7 and 16, 22, 16 pixels, most of which are no edge; clouds overlap, and drift out of the picture.
        for what, colour, alpha, ground, top, bottom, least in (
                ("lanterns", (0xFF, 0xD1, 0x66), lanterns, sea, 280, 320, 700), ("clouds", (0xC9, 0xD6, 0xDF), clouds, sky, 60, 160, 3000),
                ("the boat", (0xB5, 0x74, 0x3C), boat, sea, 230, 250, 500)):
            for other in {1, 0.7, 0.4, 0.06} - {alpha}:
                seen = near(rows, mixed(colour, other, ground), top, bottom)
                if seen > least // 10:
                    return f"{name}.png: {seen} pixels of {what} with an alpha of {other}; it should be {alpha}"
            seen = near(rows, mixed(colour, alpha, ground), top, bottom)
            if seen < least:
                return f"{name}.png: {seen} pixels of {what} with an alpha of {alpha}, at least {least} were expected"
        banner = rows[2][2]
        text = [sum(pixel != banner for row in rows[top:top + 24] for pixel in row) for top in (0, 24)]
        if min(text) < 200:
            return f"{name}.png: no text is seen in the banner ({text} pixels of its lines)"
    return None
