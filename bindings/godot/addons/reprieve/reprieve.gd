extends Node
## The way into Reprieve for games that must go on without its library: the autoload [code]Reprieve[/code].
##
## If the extension's library is there, what this gives are [ReprieveClient]s, [ReprieveDrill]s and [ReprieveKeeper]s. If it is missing, of another version or for
## another processor, the console says which file was sought where and what to do, and stand-ins with the same methods answer: each access is
## [constant ACCESS_UNKNOWN], which is no refusal, and nothing else happens.
## [br][br]
## A script that names a class of the extension, as in [code]var client: ReprieveClient[/code], cannot be loaded without the library. Leave such types off,
## and compare with the constants of this script.
## [codeblock]
## var client = Reprieve.open("res://reprieve.toml", {"upkeep": "own"})
## var core = client.feature("cad", "core")
## if core.access() != Reprieve.ACCESS_DENIED:
##     pass
## [/codeblock]

## The version of the addon's files; the library's must be the same.
const VERSION := "0.1.0"

const ACCESS_UNKNOWN := 0
const ACCESS_DENIED := 1
const ACCESS_LIMITED := 2
const ACCESS_FULL := 3

const STATE_LICENSED := 1
const STATE_GRACE := 2
const STATE_EXPIRED := 3
const STATE_LEDGER_LOCKED := 4
const STATE_CLOCK_LOCKED := 5
const STATE_REVOKED := 6
const STATE_NOT_ENTITLED := 7
const STATE_UNLICENSED := 8

const OUTAGE_NETWORK := 1
const OUTAGE_SERVER := 2

const OUTCOME_NONE := 0
const OUTCOME_RENEWED := 1
const OUTCOME_ANSWERED := 2
const OUTCOME_FAILED := 3
const OUTCOME_STATUS := 4
const OUTCOME_DROPPED := 5
const OUTCOME_REACHED := 6
const OUTCOME_FETCHED := 7
const OUTCOME_UNCHANGED := 8

const TASK_NOTHING := 0
const TASK_IMPORT := 1
const TASK_CHECK := 2
const TASK_REPORT := 3
const TASK_EVENTS := 4

const FOLDER := "res://addons/reprieve/"
const EXTENSION := FOLDER + "reprieve.gdextension"

## Why the library is not used, in English; empty if it is.
var trouble := ""

# `native.gd`, or null.
var _native: Object = null
var _open_error: RefCounted = null


func _init() -> void:
	trouble = _trouble()
	if trouble != "":
		push_error("Reprieve: " + trouble + " Until then each access is unknown, which is no refusal, and the game goes on.")


## Whether the library is used. If not, [member trouble] says why.
func is_loaded() -> bool:
	return _native != null


## As [method ReprieveClient.open_with]. Null if the ledger cannot be opened; without the library, a stand-in.
func open(app_file: String, options: Dictionary = {}) -> RefCounted:
	if _native != null:
		return _native.open(app_file, options)
	return _standin("client")


## As [method ReprieveClient.open_toml_with].
func open_toml(toml: String, options: Dictionary = {}) -> RefCounted:
	if _native != null:
		return _native.open_toml(toml, options)
	return _standin("client")


## Why this thread's last [method open] or [method open_toml] gave null, as [method ReprieveClient.get_open_error].
func get_open_error() -> RefCounted:
	return _native.get_open_error() if _native != null else null


## As [method ReprieveDrill.from_scenario].
func drill(scenario: String) -> RefCounted:
	if _native != null:
		return _native.drill(scenario)
	var made := _standin("drill")
	made.scenario = scenario
	return made


## Why this thread's last [method drill] gave null, as [method ReprieveDrill.get_open_error].
func get_drill_error() -> RefCounted:
	return _native.get_drill_error() if _native != null else null


## A new [ReprieveKeeper], to be added to the tree.
func keeper() -> Node:
	if _native != null:
		return _native.keeper()
	var made: Node = load(FOLDER + "standin/keeper.gd").new()
	made.trouble = trouble
	return made


## Seconds since 1970 as text, as [method ReprieveClient.text].
func text(seconds: float) -> String:
	if _native != null:
		return _native.text(seconds)
	return Time.get_datetime_string_from_unix_time(floori(seconds)) + "Z"


func _standin(what: String) -> RefCounted:
	var made: RefCounted = load(FOLDER + "standin/" + what + ".gd").new()
	made.trouble = trouble
	return made


func _trouble() -> String:
	if ClassDB.class_exists(&"ReprieveClient"):
		# Loaded by name, as they cannot be compiled without the classes that they name.
		var version: String = load(FOLDER + "version.gd").new().version()
		if version == VERSION:
			_native = load(FOLDER + "native.gd").new()
			return ""
		return "the library %s is of version %s, the addon's files of %s: install the addon as a whole, and start anew." % [_sought()[0], version, VERSION]
	var config := ConfigFile.new()
	if config.load(EXTENSION) != OK:
		return "%s cannot be read: install the addon as a whole, with its folder `addons/reprieve` at the top of the project." % EXTENSION
	var sought := _sought()
	var machine := "%s on %s" % [OS.get_name(), Engine.get_architecture_name()]
	if sought.is_empty():
		return "%s names no library for %s: build one from Reprieve's bindings/godot, and add a row for it." % [EXTENSION, machine]
	for path: String in sought:
		if not FileAccess.file_exists(path):
			continue
		var made_for := _processor(path)
		if made_for == "":
			return "%s is no library: put the addon's own file there." % path
		if made_for != "any" and made_for != Engine.get_architecture_name():
			return "%s is for %s, this is %s: put the addon's own file there." % [path, made_for, machine]
		if not EXTENSION in _listed():
			return "%s is not in .godot/extension_list.cfg, so the engine did not load %s: open the project in the editor once, or run `godot --headless --import`." % [EXTENSION, path]
		return "%s is there, but was not loaded: what the engine says above names the reason, such as a C library or a Godot older than it needs." % path
	return "no library for %s: sought %s, which is not there. Install the addon as a whole; in an exported game the library lies beside the program." % [machine, " and ".join(sought)]


# Where the engine looks for the library: in the project, and beside the program of an exported game.
func _sought() -> PackedStringArray:
	var config := ConfigFile.new()
	if config.load(EXTENSION) != OK or not config.has_section("libraries"):
		return PackedStringArray()
	var best := ""
	var most := 0
	for key in config.get_section_keys("libraries"):
		var tags := key.split(".")
		var fits := true
		for tag in tags:
			fits = fits and OS.has_feature(tag)
		if fits and tags.size() > most:
			most = tags.size()
			best = config.get_value("libraries", key)
	if best == "":
		return PackedStringArray()
	if best.is_relative_path():
		best = EXTENSION.get_base_dir().path_join(best)
	var beside := OS.get_executable_path().get_base_dir().path_join(best.get_file())
	if OS.has_feature("template"):
		return PackedStringArray([beside])
	return PackedStringArray([ProjectSettings.globalize_path(best)])


func _listed() -> PackedStringArray:
	if OS.has_feature("template"):
		return PackedStringArray([EXTENSION])
	return FileAccess.get_file_as_string("res://.godot/extension_list.cfg").split("\n")


# For which processor a library is, as the engine calls it: "any" if it cannot be told, "" if this is no library.
func _processor(path: String) -> String:
	var file := FileAccess.open(path, FileAccess.READ)
	if file == null:
		return "any"
	var head := file.get_buffer(64)
	if head.size() < 64:
		return ""
	if head.slice(0, 4) == PackedByteArray([0x7f, 0x45, 0x4c, 0x46]):
		return _word({3: "x86_32", 40: "arm32", 62: "x86_64", 183: "arm64", 243: "rv64"}, head.decode_u16(18))
	if head.slice(0, 2) == PackedByteArray([0x4d, 0x5a]):
		file.seek(head.decode_u32(60))
		var coff := file.get_buffer(6)
		return _word({0x14c: "x86_32", 0x8664: "x86_64", 0xaa64: "arm64"}, coff.decode_u16(4)) if coff.size() == 6 else ""
	if head.decode_u32(0) == 0xfeedfacf:
		return _word({0x01000007: "x86_64", 0x0100000c: "arm64"}, head.decode_u32(4))
	# A universal library of macOS, for several.
	return "any" if head.decode_u32(0) == 0xbebafeca else ""


func _word(words: Dictionary, number: int) -> String:
	return words.get(number, "another processor (%d)" % number)
