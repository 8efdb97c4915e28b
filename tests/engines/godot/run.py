#!/usr/bin/env python3
"""Godot: the extension in the real engine, all scenarios in GDScript, the sample game, and what a game does to the library and the library's world to
a game. The last line counts."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import kit  # noqa: E402
import servers  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
BINDING = kit.ROOT / "bindings" / "godot"
ADDON = BINDING / "addons" / "reprieve"
SAMPLE = kit.OUTPOST / "godot"
LIBRARY = pathlib.Path("bin", "linux-x86_64", "libreprieve_godot.so")
# What the engine says at its end of objects that nobody freed.
LEAKS = re.compile(r"ObjectDB instances? (was|were) leaked|ObjectDB instances leaked|Leaked instance|resources? still in use|RID allocations|leaked at exit|orphan")
# What the engine says of itself, whatever the game does.
NOISE = re.compile(r"^(Initialize godot-rust|Godot Engine v|OpenGL API|ALSA lib|\s*$)|audio|Audio|ERR_CANT_OPEN|status < 0|ca-certificates|X11 Display is not available")

TALK = re.compile(r"Loading resource|platform:|Unrecognized|XR:|SDL:|TextServer|API HASH|SceneTreeFTI|tablet")


def engine():
    """The program that runs Godot, or why there is none."""
    try:
        ran = subprocess.run([kit.ROOT / "scripts" / "godot.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
    except subprocess.TimeoutExpired as late:
        return None, f"Godot: scripts/godot.sh took longer than {late.timeout} s"
    out = ran.stdout.decode(errors="replace").strip().splitlines()
    return (None, out[-1].removeprefix("not run: ")) if ran.returncode or not out else (out[-1], None)


def built(*features):
    """The extension's library, built as the project builds for tests."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or kit.ROOT / "target") / "godot"
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", BINDING / "Cargo.toml", "--target-dir", target, *features]
    # As scripts/package/godot.sh, so that it is built once.
    subprocess.run(["bash", "-c", '. scripts/flags.sh; exec "$@"', "build", *command], cwd=kit.ROOT, check=True)
    return target / "release" / "libreprieve_godot.so"


class Godot:
    """Runs projects. `work` is a folder of the run's own."""

    def __init__(self, program, work, library):
        self.program, self.work, self.library = program, pathlib.Path(work), library

    def project(self, name, of=HERE / "project", library=True):
        """A copy of a project with the addon in it, as an editor leaves it."""
        folder = self.work / name / "project"
        shutil.copytree(of, folder)
        shutil.copytree(ADDON, folder / "addons" / "reprieve", dirs_exist_ok=True)
        into = folder / "addons" / "reprieve" / LIBRARY
        into.parent.mkdir(parents=True)
        if library:
            shutil.copy(self.library, into)
        (folder / ".godot").mkdir()
        (folder / ".godot" / "extension_list.cfg").write_text("res://addons/reprieve/reprieve.gdextension\n")
        return folder

    def env(self):
        # What the engine keeps for a user lies in the run's own folder.
        return kit.environment(HOME=self.work, XDG_DATA_HOME=self.work / "data", XDG_CONFIG_HOME=self.work / "config", XDG_CACHE_HOME=self.work / "cache")

    def command(self, folder, *words):
        return [self.program, "--headless", "--path", folder, *words]

    def run(self, folder, *words, seconds=120):
        return kit.call(self.command(folder, *words), self.env(), seconds)

    def game(self, mode, *words, folder=None, verbose=True):
        """A mode of game.gd: status, what it said, and what was said of errors and of leaks."""
        folder = folder or self.project(mode)
        code, out, problem = self.run(folder, *(["--verbose"] if verbose else []), "-s", "game.gd", "--", mode, *words)
        told = [line for line in (out + problem).splitlines() if LEAKS.search(line)]
        wrong = [line for line in problem.splitlines() if re.match(r"(SCRIPT )?ERROR|USER ERROR|\[panic|panic", line) and not NOISE.search(line)]
        # With --verbose the engine talks of pads and loads: what the game said comes last.
        return code, "\n".join(line for line in out.splitlines() if not TALK.search(line)), problem, told + wrong


def says(mode, last, make=None):
    """A mode that ends with a line, without an error and without a leak."""

    def test(godot):
        given = [make(godot.work / mode)] if make else []
        code, out, problem, wrong = godot.game(mode, *given)
        if code or wrong or not re.search(rf"^{last}$", out, re.MULTILINE):
            return f"status {code}: {wrong or ''} {out[-1500:]}{problem[-1500:]}"
        return kit.verify(given[0]) if given else None

    return test


def app_in(folder):
    folder.mkdir(exist_ok=True)
    return kit.vendor(folder / "product")


def hundred(godot):
    app = app_in(godot.work / "hundred")
    code, out, problem, wrong = godot.game("hundred", app, verbose=False)
    seen = re.search(r"^left 100 times (-?\d+)$", out, re.MULTILINE)
    if code or wrong or not seen:
        return f"status {code}: {wrong or ''} {out[-1500:]}{problem[-1500:]}"
    return f"90 scenes took {seen[1]} bytes more" if int(seen[1]) > 32 << 20 else kit.verify(app)


def renews(godot, tls=False):
    """A real authority renews by the keeper's switch, and its books say so too."""
    name = "renews-tls" if tls else "renews"
    with servers.authority(godot.work / f"authority-{name}", tls) as server:
        more = [server.roots] if tls else []
        code, out, problem, wrong = godot.game("renews", server.app, server.code, *more, folder=godot.project(name))
        if code or wrong or not re.search(r"^renewed by the switch$", out, re.MULTILINE):
            return f"status {code}: {wrong or ''} {out[-2500:]}{problem[-1500:]}"
        return None if server.issued() >= 2 else f"the authority has issued {server.issued()} leases"


def renews_by_tls(godot):
    return renews(godot, tls=True)


def refused(godot):
    folder = godot.work / "refused"
    folder.mkdir()
    # Long enough for the engine to start on a busy machine, and over soon.
    app = servers.renewing(kit.vendor(folder / "product", 12), servers.nobody())
    code, out, problem, wrong = godot.game("refused", app)
    if code or wrong or not re.search(r"^refused, and in grace$", out, re.MULTILINE):
        return f"status {code}: {wrong or ''} {out[-2500:]}{problem[-1500:]}"
    return kit.verify(app)


def due(folder, url):
    """A ledger whose lease is due for renewal at once, and not over for long: half of its life is gone."""
    folder.mkdir()
    return servers.renewing(kit.vendor(folder / "product", 86_400), url)


def hole(godot):
    """Stopped and ended in the midst of an attempt that gets no answer, which would take 15 s."""
    with servers.Hole() as server:
        app = due(godot.work / "hole", server.url)
        folder = godot.project("hole")
        ended, command = None, godot.command(folder, "-s", "game.gd", "--", "hole", app)
        env = dict(godot.env(), LD_DEBUG="files", LD_DEBUG_OUTPUT=str(godot.work / "hole" / "loader"))
        with subprocess.Popen([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as game:
            lines = []
            for line in game.stdout:
                lines.append(line.decode(errors="replace"))
                if lines[-1].startswith("in the midst of it"):
                    ended = time.monotonic()
            code = game.wait(60)
        took = time.monotonic() - ended if ended else None
        wrong = [line for line in lines if LEAKS.search(line) or re.match(r"(SCRIPT |USER )?ERROR", line) and not NOISE.search(line)]
        if code or took is None or wrong or server.taken < 4:
            return f"status {code}, {server.taken} attempts: {''.join(lines)}"[-2500:]
        # Threads of attempts that nobody waits for are still there: the engine lets the library go, and it must stay.
        said = "".join(path.read_text(errors="replace") for path in (godot.work / "hole").glob("loader.*"))
        if "libreprieve_godot.so" in said and not re.search(r"marking \S*libreprieve_godot\.so \[\d+\] as NODELETE", said):
            return "the library may be unloaded while its threads are in it"
        return f"the end took {took:.1f} s" if took > 8 else kit.verify(app)


def hundred_renewing(godot):
    """As `hundred`, each scene with the switch on, and with attempts that get no answer."""
    with servers.Hole() as server:
        app = due(godot.work / "hundred-renewing", server.url)
        code, out, problem, wrong = godot.game("hundred", app, "renew", folder=godot.project("hundred-renewing"), verbose=False)
        seen = re.search(r"^left 100 times (-?\d+)$", out, re.MULTILINE)
        if code or wrong or not seen or server.taken < 10:
            return f"status {code}, {server.taken} attempts: {wrong or ''} {out[-1500:]}{problem[-1500:]}"
        return f"90 scenes took {seen[1]} bytes more" if int(seen[1]) > 32 << 20 else kit.verify(app)


def leak_is_seen(godot):
    """The check for leaks can fail: an object that is never freed is told of."""
    folder = godot.project("leak")
    (folder / "leak.gd").write_text("extends SceneTree\nfunc _init() -> void:\n\tReprieveKeeper.new()\n\tquit()\n")
    code, out, problem = godot.run(folder, "--verbose", "-s", "leak.gd")
    return None if LEAKS.search(out + problem) else f"nothing is said of it: {out}{problem}"[-800:]


def killed(godot):
    app = app_in(godot.work / "killed")
    folder = godot.project("killed")
    command = godot.command(folder, "-s", "game.gd", "--", "appends", app)
    quiet = godot.work / "killed" / "quiet.py"
    # The engine says who it is first; `kit.killed` wants the game's own lines alone.
    quiet.write_text("import subprocess, sys\ngame = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n"
                     "for line in game.stdout:\n    if line.startswith(b'appending') or line.strip().isdigit():\n"
                     "        sys.stdout.buffer.write(line)\n        sys.stdout.flush()\n")
    return kit.killed([sys.executable, quiet, *command], godot.env(), app)


def full_disk(godot):
    with kit.FullDisk(godot.work / "disk") as app:
        code, out, problem, wrong = godot.game("full", app)
        if code or wrong or not re.search(r"^full disk full full .*No space left on device", out, re.MULTILINE):
            return f"status {code}: {wrong or ''} {out[-1500:]}{problem[-1500:]}"
        return kit.verify(app)


def scenarios(godot, counts):
    """All in one start of the engine: the lines of each are the command line's, byte for byte."""
    folder = godot.project("scenarios")
    shutil.copy(HERE / "conformance.gd", folder)
    out = godot.work / "scenarios" / "lines"
    out.mkdir()
    code, said, problem = godot.run(folder, "-s", "conformance.gd", "--", out, *kit.SCENARIOS)
    if code:
        counts.note("scenarios", f"status {code}: {problem}")
    for path in kit.SCENARIOS:
        status, wanted, told = kit.call([kit.CLI, "drill", "--json", path], kit.environment())
        if status:
            counts.note(path.stem, f"reprieve drill: {told}")
            continue
        lines = out / f"{path.stem}.jsonl"
        counts.note(f"scenario {path.stem}", kit.differs(lines.read_text(encoding="utf-8"), wanted) if lines.exists() else "no lines")


def sample_in(godot, name):
    """The sample beside what all engines share, as in the repository."""
    folder = godot.project(name, SAMPLE)
    for shared in ("outpost.json", "words.txt"):
        shutil.copy(kit.OUTPOST / shared, folder.parent)
    return folder


def record(godot):
    folder = sample_in(godot, "record")
    path = godot.work / "record" / "record.txt"
    code, out, problem = godot.run(folder, "--verbose", "--", "--record", path)
    told = [line for line in (out + problem).splitlines() if LEAKS.search(line) or re.match(r"(SCRIPT )?ERROR", line)]
    return f"status {code}: {told} {out}{problem}"[-2000:] if code or told else kit.differs(path.read_text(encoding="utf-8"), kit.expected())


def shown(godot, folder, *words, seconds=120):
    """With a window, on a screen of its own that no one sees."""
    screen = ["xvfb-run", "-a", "-s", "-screen 0 1280x800x24"]
    return kit.call([*screen, godot.program, "--audio-driver", "Dummy", "--path", folder, *words], godot.env(), seconds)


def pictures(godot):
    if not shutil.which("xvfb-run"):
        raise PermissionError("xvfb-run is missing")
    folder = sample_in(godot, "pictures")
    code, out, problem = shown(godot, folder, "--", "--frames", godot.work / "pictures" / "frames")
    return f"status {code}: {out}{problem}"[-2000:] if code else kit.look(godot.work / "pictures" / "frames")


KEYS = """extends Node
# Presses the sample's keys, as a player would, and waits for what should come of each: a slow machine takes longer.
func press(key: Key) -> void:
	var event := InputEventKey.new()
	event.keycode = key
	event.pressed = true
	Input.parse_input_event(event)
func until(condition: Callable) -> bool:
	var end := Time.get_ticks_msec() + 40000
	while not condition.call() and Time.get_ticks_msec() < end:
		await get_tree().process_frame
	return condition.call()
func _ready() -> void:
	await get_tree().process_frame
	var main := get_tree().root.get_node("Main")
	await get_tree().create_timer(0.5).timeout
	var before: bool = main._game.elapsed == 0
	press(KEY_D)
	var plays: bool = await until(func() -> bool: return main._game.elapsed > 4 * 1800)
	press(KEY_R)
	var anew: bool = await until(func() -> bool: return main._game.elapsed == 0)
	await get_tree().create_timer(0.5).timeout
	var stays: bool = main._game.elapsed == 0
	press(KEY_D)
	var again: bool = await until(func() -> bool: return main._game.elapsed > 4 * 1800)
	print("keys %s %s %s %s %s" % [before, plays, anew, stays, again])
	press(KEY_ESCAPE)
"""


def keys(godot):
    """D plays, R begins anew, Escape ends: in the sample's own loop, with steps in its thread."""
    if not shutil.which("xvfb-run"):
        raise PermissionError("xvfb-run is missing")
    folder = sample_in(godot, "keys")
    (folder / "keys.gd").write_text(KEYS)
    project = folder / "project.godot"
    project.write_text(project.read_text().replace("[autoload]\n", '[autoload]\n\nKeys="*res://keys.gd"', 1))
    code, out, problem = shown(godot, folder, "--verbose", seconds=180)
    told = [line for line in (out + problem).splitlines() if re.match(r"SCRIPT ERROR|keys ", line) or "Reprieve" in line and LEAKS.search(line)]
    return None if code == 0 and told == ["keys true true true true true"] else f"status {code}: {told} {out}{problem}"[:400] + f" … {problem[-1500:]}"


def broken(godot, counts):
    """Installations without a library that fits: the console says which file, and what to do; the game goes on, and the sample shows `unknown`."""

    def case(name, spoil, *told):
        try:
            why = None
            for what in ("game", "sample"):
                place = f"broken-{name.replace(' ', '-')}-{what}"
                folder = godot.project(place) if what == "game" else sample_in(godot, place)
                library = folder / "addons" / "reprieve" / LIBRARY
                skipped = spoil(folder, library)
                if skipped:
                    return counts.skip(name, skipped)
                if what == "game":
                    (folder / "unknown.gd").write_text(only_mode((folder / "game.gd").read_text(), "unknown"))
                    code, out, problem = godot.run(folder, "-s", "unknown.gd", "--", "unknown")
                    good = code == 0 and re.search(r"^unknown: ", out, re.MULTILINE) and "never" not in out
                else:
                    path = folder.parent / "record.txt"
                    code, out, problem = godot.run(folder, "--", "--record", path)
                    good = code == 0 and kit.differs(path.read_text(encoding="utf-8"), kit.UNKNOWN) is None
                lacks = [part for part in (*told, "which is no refusal, and the game goes on") if part.replace("LIBRARY", str(library)) not in problem]
                if not good or lacks or "SCRIPT ERROR" in problem:
                    why = why or f"{what}: status {code}, lacks {lacks}: {out}{problem}"[-2500:]
            counts.note(name, why)
        except (OSError, subprocess.SubprocessError) as error:
            counts.note(name, f"{type(error).__name__}: {error}")

    def other_version(folder, library):
        loader = folder / "addons" / "reprieve" / "reprieve.gd"
        text = loader.read_text()
        changed = re.sub(r'const VERSION := "[^"]*"', 'const VERSION := "99.0.0"', text)
        assert changed != text
        loader.write_text(changed)

    def text_file(folder, library):
        library.write_text("this is no library\n" * 100)

    def unlisted(folder, library):
        (folder / ".godot" / "extension_list.cfg").write_text("")

    def no_row(folder, library):
        rows = folder / "addons" / "reprieve" / "reprieve.gdextension"
        rows.write_text("\n".join(line for line in rows.read_text().splitlines() if not line.startswith("linux")) + "\n")

    case("the library is missing", lambda folder, library: library.unlink(), "Reprieve: no library for Linux on x86_64: sought LIBRARY, which is not there",
         "Install the addon as a whole")
    case("a library for another processor", lambda folder, library: kit.alien(library), "Reprieve: LIBRARY is for arm64, this is Linux on x86_64",
         "put the addon's own file there")
    case("a library of another version", other_version, "Reprieve: the library LIBRARY is of version 0.1.0, the addon's files of 99.0.0",
         "install the addon as a whole")
    case("no library at all", text_file, "Reprieve: LIBRARY is no library", "put the addon's own file there")
    case("an extension that the engine was not told of", unlisted, "is not in .godot/extension_list.cfg", "open the project in the editor once")
    case("a platform without a row", no_row, "names no library for Linux on x86_64", "add a row for it")


def only_mode(script, mode):
    """A script of one mode of game.gd: the others name classes that are not there without the library."""
    head = "extends SceneTree\n" + re.search(r"var failed.*?(?=\n\nfunc same)", script, re.DOTALL)[0]
    parts = {match[1]: match[0] for match in re.finditer(r"^func (\w+)\(.*?(?=^(?:func|#|const|\Z))", script, re.DOTALL | re.MULTILINE)}
    return head + "\n\n" + "\n\n".join(parts[name] for name in ("same", "frames", mode))


def editor(godot):
    """The editor opens the project with the plugin, shows its dock, and ends, without an error: as a developer does it for the first time, and again."""
    folder = godot.project("editor")
    shutil.rmtree(folder / ".godot")
    for start in ("first", "second"):
        why = opened(godot, folder)
        if why:
            return f"the {start} start: {why}"
    return None


def opened(godot, folder):
    """The problem with a start of the editor that lasts for some seconds, or None."""
    code, out, problem = kit.call([godot.program, "--headless", "--editor", "--path", folder, "--frame-delay", "40", "--quit-after", "100"], godot.env(), 180)
    wrong = [line for line in (out + problem).splitlines() if re.match(r"(SCRIPT |USER )?ERROR", line) and not NOISE.search(line)]
    if code or wrong or "Initialize godot-rust" not in out + problem or not listed(folder):
        return f"status {code}: {wrong} {out}{problem}"[-2500:]
    return None


TOOL = """@tool
extends EditorPlugin
# What an editor's plugin of a developer's may do: a keeper in the editor does nothing, and renewing that somebody started ends with the editor.
var _renewing: ReprieveRenewing
func _enter_tree() -> void:
	var keeper := ReprieveKeeper.new()
	keeper.client = ReprieveClient.open_with("%s", {"upkeep": "own"})
	keeper.interval = 0.01
	keeper.renew_options = {"proxy": "none"}
	keeper.renew = true
	add_child(keeper)
	_renewing = ReprieveClient.open_with("%s", {"upkeep": "own"}).renewing_with({"proxy": "none"})
"""


def editor_closes(godot):
    """The editor is closed while a tool of a developer's renews, in the midst of an attempt; a keeper in it sends nothing."""
    with servers.Hole() as of_keeper, servers.Hole() as of_tool:
        folder = godot.project("editor-closes")
        tool = folder / "addons" / "tool"
        tool.mkdir()
        (tool / "plugin.cfg").write_text('[plugin]\nname="tool"\ndescription=""\nauthor=""\nversion="1"\nscript="plugin.gd"\n')
        (tool / "plugin.gd").write_text(TOOL % (due(folder.parent / "keeper", of_keeper.url), due(folder.parent / "tool", of_tool.url)))
        project = folder / "project.godot"
        both = project.read_text().replace('plugin.cfg")', 'plugin.cfg", "res://addons/tool/plugin.cfg")')
        project.write_text(both)
        why = opened(godot, folder)
        if why or not of_tool.taken or of_keeper.taken:
            return f"{of_tool.taken} attempts of the tool's, {of_keeper.taken} of the keeper's: {why}"
        return None


def listed(folder):
    """Whether the editor has listed the extension, as it must before a game can load it."""
    path = folder / ".godot" / "extension_list.cfg"
    return path.exists() and "reprieve.gdextension" in path.read_text()


def imported(godot, folder):
    return kit.call([godot.program, "--headless", "--path", folder, "--import"], godot.env(), 180)


def build_machine(godot):
    """What docs/godot.md says for a machine without the editor: the list first, then the import."""
    folder = godot.project("build-machine")
    shutil.rmtree(folder / ".godot")
    page = (kit.ROOT / "docs" / "godot.md").read_text(encoding="utf-8")
    first = re.search(r"^(mkdir -p \.godot && .*)\n(godot --headless --import)$", page, re.MULTILINE)
    if not first:
        return "docs/godot.md does not say how"
    subprocess.run(["sh", "-c", first[1]], cwd=folder, check=True)
    code, out, problem = imported(godot, folder)
    if code or not listed(folder):
        return f"status {code}: {out}{problem}"[-2500:]
    code, out, problem, wrong = godot.game("smoke", folder=folder)
    return None if code == 0 and not wrong and "smoke is done" in out else f"status {code}: {wrong} {out}{problem}"[-2000:]


def first_import(godot):
    """An import as the very first thing, without the list. The engine may crash at its end; then it must do so with any extension, and must have done
    its work."""
    folder = godot.project("first-import")
    shutil.rmtree(folder / ".godot")
    code, out, problem = imported(godot, folder)
    crashed = code < 0 or code > 128
    if not listed(folder) or code and not crashed:
        return f"status {code}: {out}{problem}"[-2500:]
    again, out, problem = imported(godot, folder)
    if again:
        return f"the second: status {again}: {out}{problem}"[-2500:]
    if not crashed:
        return None
    control = godot.work / "first-import" / "control"
    control.mkdir()
    (control / "project.godot").write_text("config_version=5\n")
    (control / "control.gdextension").write_text('[configuration]\nentry_symbol = "control_init"\ncompatibility_minimum = "4.3"\n'
                                                 '[libraries]\nlinux.x86_64 = "libcontrol.so"\n')
    subprocess.run(["cc", "-shared", "-fPIC", "-o", control / "libcontrol.so", HERE / "control.c"], check=True)
    other, out, problem = imported(godot, control)
    if other >= 0 and other <= 128:
        return f"status {code} with the addon, {other} with an extension that has one empty class: {out}{problem}"[-2500:]
    raise PermissionError(f"this engine crashes at the end of a first import with any extension, here with status {code}, and {other} with one that has "
                          "one empty class (godotengine/godot 111048); the import's work was done, and the second was sound")


def help_pages(godot):
    """The editor's help has a text for every class, method, member, signal and constant."""
    folder, pages = godot.project("help"), godot.work / "help" / "pages"
    pages.mkdir()
    code, out, problem = kit.call([godot.program, "--headless", "--path", folder, "--doctool", pages, "--gdextension-docs"], godot.env(), 180)
    import xml.etree.ElementTree as tree
    found = sorted(pages.rglob("*.xml"))
    names = {tree.parse(path).getroot().get("name") for path in found}
    wanted = {"ReprieveClient", "ReprieveFeature", "ReprieveDecision", "ReprieveDrill", "ReprieveKeeper", "ReprieveAnswer", "ReprieveEvent",
              "ReprieveStatus", "ReprieveRequest", "ReprieveTask", "ReprieveError", "ReprieveRenewing", "ReprieveStanding"}
    if names != wanted:
        return f"status {code}: pages for {names}: {out}{problem}"[-2000:]
    lacking = undocumented()
    return f"without a text: {lacking}" if lacking else None


def undocumented():
    """What the sources show to the engine without a comment, from which its help is made."""
    lacking = []
    for path in sorted((BINDING / "src").glob("*.rs")):
        if path.name == "probe.rs":
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if not re.match(r"\s+#\[(func|signal|constant|var)\b|\s*#\[derive\(GodotClass\)\]", line):
                continue
            above = number - 1
            while re.match(r"\s*#\[", lines[above]):
                above -= 1
            name = next(one for one in lines[number:] if not re.match(r"\s*#\[", one))
            # A member's own comment speaks for its getter and setter.
            if not lines[above].lstrip().startswith("///") and not re.search(r"fn (get|set)_", name):
                lacking.append(f"{path.name}: {name.strip()}")
    return lacking


EXAMPLE = re.compile(r"^<!-- (run|scene|skip): ([^\n]*) -->\n```gdscript\n(.*?)^```$(?:\n<!-- expect: ([^\n]*) -->)?", re.DOTALL | re.MULTILINE)


def enough(godot, folder, wanted):
    """Runs `start.gd` until it has said what is wanted, for some seconds at least and at most: status and both streams."""
    with open(folder / "problem", "wb+") as problem, subprocess.Popen([str(word) for word in godot.command(folder, "-s", "start.gd")], env=godot.env(),
                                                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=problem) as game:
        out = ""
        if not wanted:
            (folder / "enough").touch()
        for line in game.stdout:
            out += line.decode(errors="replace")
            if wanted and wanted in out:
                (folder / "enough").touch()
        status = game.wait(60)
        problem.seek(0)
        return status, out, problem.read().decode(errors="replace")


def examples(godot, counts):
    """Every GDScript of docs/godot.md runs, with a ledger that has a lease, and says what the page says."""
    page = (kit.ROOT / "docs" / "godot.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```gdscript$", page, re.MULTILINE)
    found = EXAMPLE.findall(page)
    counts.note("docs/godot.md: each example is named", None if len(blocks) == len(found) else f"{len(blocks)} examples, {len(found)} of them named")
    for kind, name, code, wanted in found:
        if kind == "skip":
            counts.skip(f"docs/godot.md: {name}", "it stands for what a game writes itself")
            continue
        folder = godot.project("example-" + re.sub(r"\W+", "-", name))
        app = pathlib.Path(app_in(folder.parent / "vendor"))
        for path in app.parent.iterdir():
            if path.is_file():
                shutil.copy(path, folder)
        # The examples say res://; their ledger is the one that was made.
        text = app.read_text()
        for place in ("folder", "witness"):
            text = re.sub(rf'^{place} = "(?!/)(.*)"$', lambda match: f'{place} = "{app.parent}/{match[1]}"', text, flags=re.MULTILINE)
        (folder / "reprieve.toml").write_text(text)
        # Nobody answers there.
        servers.renewing(folder / "reprieve.toml", servers.nobody())
        shutil.copy(folder / "1.jws", folder / "lease.jws") if (folder / "1.jws").exists() else None
        shutil.copy(kit.OUTPOST / "outpost.json", folder / "outage.json")
        (folder / "example.gd").write_text(code)
        (folder / "start.gd").write_text(
            "extends SceneTree\nfunc _init() -> void:\n\t_go.call_deferred()\nfunc _go() -> void:\n\tawait process_frame\n"
            '\tvar node: Node = load("res://example.gd").new()\n\tnode.name = "Example"\n\troot.add_child(node)\n'
            "\tawait create_timer(1.0).timeout\n\tvar end := Time.get_ticks_msec() + 20000\n"
            '\twhile not FileAccess.file_exists("res://enough") and Time.get_ticks_msec() < end:\n\t\tawait process_frame\n'
            "\tnode.free()\n\tquit()\n")
        status, out, problem = enough(godot, folder, wanted)
        wrong = [line for line in problem.splitlines() if "ERROR" in line and not NOISE.search(line)]
        bad = status or wrong or wanted and wanted not in out
        counts.note(f"docs/godot.md: {name}", f"status {status}, wanted {wanted!r}: {out}{problem}"[-1800:] if bad else None)


def package(godot):
    """The package, unpacked into an empty project: it runs there. Its library is of the profile that is built already."""
    ran = subprocess.run([kit.ROOT / "scripts" / "package" / "godot.sh", "--profile", "release", godot.work / "packages"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = ran.stdout.decode(errors="replace").strip()
    if ran.returncode:
        return f"scripts/package/godot.sh: {out}"
    (archive,) = (godot.work / "packages").glob("reprieve-godot-*.zip")
    folder = godot.work / "packages" / "project"
    folder.mkdir()
    shutil.unpack_archive(archive, folder)
    top = sorted(path.name for path in folder.iterdir())
    if top != ["addons"]:
        return f"the archive's top holds {top}"
    for name in ("LICENSE-MIT", "LICENSE-APACHE", "README.md", "plugin.cfg", "reprieve.gdextension", str(LIBRARY)):
        if not (folder / "addons" / "reprieve" / name).exists():
            return f"the archive lacks {name}"
    symbols = subprocess.run(["nm", folder / "addons" / "reprieve" / LIBRARY], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    if b"no symbols" not in symbols:
        return "the library is not stripped"
    for name in ("project.godot", "game.gd", "scene.gd", "scene.tscn"):
        shutil.copy(HERE / "project" / name, folder)
    # The project is opened in the editor once, as the page says.
    why = opened(godot, folder)
    if why:
        return f"the editor: {why}"
    code, said, problem, wrong = godot.game("smoke", folder=folder)
    return None if code == 0 and not wrong and "smoke is done" in said else f"status {code}: {wrong} {said}{problem}"[-2000:]


LOADS = """#include <windows.h>
#include <stdio.h>
int main(int count, char **words) {
    HMODULE library = LoadLibraryA(words[count - 1]);
    if (!library) { printf("not loaded: %lu\\n", GetLastError()); return 1; }
    printf("entry: %d\\n", GetProcAddress(library, "gdext_rust_init") != 0);
    return 0;
}
"""
# Wine before 9 lacks the one function from which Rust's standard library has its random bytes.
RANDOM = """#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
"""
# Windows has them all since 10.
OF_WINDOWS = {"advapi32", "bcrypt", "bcryptprimitives", "crypt32", "iphlpapi", "kernel32", "msvcrt", "ntdll", "secur32", "userenv", "ws2_32"}


def windows(godot):
    """The package with a library for Windows: that it needs no other library, and that a program in Wine, which is no Windows, can load it."""
    if not os.environ.get("REPRIEVE_GODOT_WINDOWS"):
        raise PermissionError("it takes minutes to build; with REPRIEVE_GODOT_WINDOWS=1 it is")
    out = godot.work / "windows"
    code, said = kit.said(kit.ROOT / "scripts" / "package" / "godot.sh", "--profile", "release", "--windows", out, seconds=3600)
    if "not run:" in said:
        raise PermissionError(said.splitlines()[-1])
    if code:
        return said[-2000:]
    (archive,) = out.glob("*.zip")
    shutil.unpack_archive(archive, out)
    addon = out / "addons" / "reprieve"
    library = addon / "bin" / "windows-x86_64" / "reprieve_godot.dll"
    rows = (addon / "reprieve.gdextension").read_text()
    if "windows.release.x86_64" not in rows or "linux.release.x86_64" not in rows:
        return f"rows are missing: {rows}"
    told = kit.said("x86_64-w64-mingw32-objdump", "-p", library)[1]
    needs = {name.lower() for name in re.findall(r"DLL Name: ([^.\s]*)\.dll", told) if not name.startswith("api-ms-win-")}
    if not needs or needs - OF_WINDOWS or "gdext_rust_init" not in told:
        return f"it needs {sorted(needs - OF_WINDOWS)}: {told[:500]}"
    if os.fspath(kit.ROOT).encode() in library.read_bytes():
        return "it names a folder of the machine that built it"
    if not shutil.which("wine"):
        raise PermissionError("wine is missing; that it needs no other library was seen")
    # Its drive C is too large for a file system in memory.
    drive = pathlib.Path(tempfile.mkdtemp(prefix="reprieve-wine-"))
    env = kit.environment(WINEPREFIX=drive, WINEARCH="win64", WINEDEBUG="-all", WINEDLLOVERRIDES="mscoree,mshtml=", DISPLAY="")
    try:
        kit.call(["wineboot", "-i"], env, 300)
        kit.call(["wineserver", "-w"], env, 120)
        (out / "loads.c").write_text(LOADS)
        (out / "random.c").write_text(RANDOM)
        system = drive / "drive_c" / "windows" / "system32" / "bcryptprimitives.dll"
        made = [kit.said("x86_64-w64-mingw32-gcc", out / "loads.c", "-o", out / "loads.exe")]
        if not system.exists():
            made.append(kit.said("x86_64-w64-mingw32-gcc", "-shared", "-o", system, out / "random.c", "-ladvapi32"))
        if any(code for code, _ in made):
            return f"{made}"
        code, said, problem = kit.call(["wine", out / "loads.exe", library.name], env, 120, cwd=library.parent)
    finally:
        kit.call(["wineserver", "-k"], env, 60)
        shutil.rmtree(drive, ignore_errors=True)
    return None if said.strip() == "entry: 1" else f"status {code}: {said}{problem}"


def versions(godot):
    """One version in all that says one."""
    wanted = re.search(r'^version = "([^"]*)"', (kit.ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    found = {"Cargo.toml": re.search(r'^version = "([^"]*)"', (BINDING / "Cargo.toml").read_text(), re.MULTILINE)[1],
             "plugin.cfg": re.search(r'^version="([^"]*)"', (ADDON / "plugin.cfg").read_text(), re.MULTILINE)[1],
             "reprieve.gd": re.search(r'^const VERSION := "([^"]*)"', (ADDON / "reprieve.gd").read_text(), re.MULTILINE)[1]}
    return None if set(found.values()) == {wanted} else f"{found}, not {wanted}"


def lints(_godot):
    """Warnings are errors here as in scripts/lint.sh, which does not wait for the engine's interface to be built."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or kit.ROOT / "target") / "godot"
    ran = subprocess.run(["cargo", "clippy", "--locked", "--quiet", "--manifest-path", BINDING / "Cargo.toml", "--target-dir", target,
                          "--all-features", "--", "-D", "warnings"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return None if ran.returncode == 0 else ran.stdout.decode(errors="replace")[-2000:]


def cell(_godot):
    """What is changed in the crate that hands the objects to threads: bindings/godot/cell/README.md."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or kit.ROOT / "target") / "godot"
    ran = subprocess.run(["cargo", "test", "--locked", "--quiet", "--manifest-path", BINDING / "cell" / "Cargo.toml", "--target-dir", target],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return None if ran.returncode == 0 else ran.stdout.decode(errors="replace")[-2000:]


def frame_bench(godot):
    """The frame bench's limits, by its own script."""
    ran = subprocess.run([sys.executable, HERE / "frames.py", "--json"], env=dict(os.environ, GODOT=godot.program), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = ran.stdout.decode(errors="replace")
    if ran.returncode == 3:
        raise PermissionError(out.strip())
    rows = json.loads(out)["rows"] if ran.returncode in (0, 1) else []
    # Times are judged by the bench: a machine that is busy with other tests says nothing about them. What no load excuses is judged here.
    never = [row for row in rows if row["kind"] == "calls" and not row["ok"]]
    return None if rows and not never else f"status {ran.returncode}: {never or out}{ran.stderr.decode(errors='replace')}"[-1500:]


TESTS = [
    ("one of everything", says("smoke", "smoke is done")), ("errors", says("errors", "errors are done", app_in)),
    ("objects freed in any order", says("order", "order is done")), ("threads of the engine", says("threads", "threads are done", app_in)),
    ("the keeper", says("keeper", "keeper is done")), ("renewed by the keeper's switch", renews), ("renewed by TLS, with roots of the vendor's", renews_by_tls), ("renewing that cannot begin", says("wishes", "wishes are done", app_in)),
    ("a renewal server that refuses", refused), ("stopped in the midst of an attempt", hole), ("a hundred scenes that renew", hundred_renewing), ("stand-ins are alike", says("standins", "standins are done")),
    ("the dock", says("dock", "dock is done", app_in)), ("a leak is told of", leak_is_seen),
    ("entered and left a hundred times", hundred), ("scripts are reloaded", says("reload", "reloaded", app_in)),
    ("two scenes on one ledger", says("scenes", "scenes are done", app_in)), ("killed while it appends", killed), ("a full disk", full_disk),
    ("the sample's record", record), ("the sample's pictures", pictures), ("the sample's keys", keys), ("the editor", editor), ("the editor is closed while a tool renews", editor_closes),
    ("an import on a build machine", build_machine), ("a first import without the list", first_import),
    ("the help pages", help_pages), ("one version everywhere", versions), ("the package", package), ("the library for Windows", windows),
    ("calls in the frame", frame_bench), ("objects changed by threads", cell), ("lints", lints)]


def draw(folder):
    """Leaves the sample's pictures in a folder, for tests/engines/pictures.sh."""
    program, why = engine()
    if why:
        return f"not run: {why}"
    with tempfile.TemporaryDirectory(dir=kit.environment().get("TMPDIR")) as work:
        wrong = pictures(Godot(program, work, shutil.copy(built(), work)))
        if not wrong:
            shutil.copytree(pathlib.Path(work) / "pictures" / "frames", folder)
    return wrong


def main(wanted):
    counts = kit.Counts("godot")
    program, why = engine()
    if not why and not kit.CLI.exists():
        why = f"there is no command line in {kit.LIB}"
    library = None
    if not why:
        try:
            began = time.monotonic()
            library = built()
            print(f"the extension: built in {time.monotonic() - began:.0f} s", flush=True)
        except (OSError, subprocess.SubprocessError) as error:
            counts.note("the extension is built", str(error))
            return counts.finish()
    with tempfile.TemporaryDirectory(dir=kit.environment().get("TMPDIR")) as work:
        if library:
            # The frame bench builds it with more, into the same place.
            library = shutil.copy(library, work)
        godot = Godot(program, work, library)
        for what, body in TESTS:
            if wanted and not any(word in what for word in wanted):
                continue
            if why:
                counts.skip(what, why)
                continue
            try:
                counts.note(what, body(godot))
            except PermissionError as error:
                counts.skip(what, error)
            except Exception as error:
                counts.note(what, f"{type(error).__name__}: {error}")
        for what, body in (("scenarios", scenarios), ("broken libraries", broken), ("docs/godot.md", examples)):
            if wanted and not any(word in what for word in wanted):
                continue
            if why:
                counts.skip(what, why)
                continue
            try:
                body(godot, counts)
            except Exception as error:
                counts.note(what, f"{type(error).__name__}: {error}")
    return counts.finish()


if __name__ == "__main__":
    sys.exit(draw(sys.argv[2]) if sys.argv[1:2] == ["--pictures"] else main(sys.argv[1:]))
