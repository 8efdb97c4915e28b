extends Node2D
# Outpost in Godot: draws what outpost.gd knows, and takes keys.
#
#   godot --path .                              the game: D plays an outage, R begins anew, Escape ends
#   godot --headless --path . -- --record FILE  plays it without a window, and writes what the banner says
#   godot --path . -- --frames FOLDER           plays it, and saves pictures
#   ... --scenario FILE                         another drill

const Outpost := preload("outpost.gd")
const SIZE := Vector2(640, 360)
const BANNER := 48.0
const LETTERS := 12

var _game: Outpost
var _scenario: String
var _font := ThemeDB.fallback_font
# What the banner says, made anew when it may have changed, not in each frame.
var _lines: PackedStringArray
var _said_at := -1.0


func _ready() -> void:
	var arguments := OS.get_cmdline_user_args()
	_scenario = _read(_after(arguments, "--scenario") if "--scenario" in arguments else _shared("outpost.json"))
	_game = _new_game()
	if "--record" in arguments or "--frames" in arguments:
		set_process(false)
		if "--record" in arguments:
			_record(_after(arguments, "--record"))
		if "--frames" in arguments:
			await _save_frames(_after(arguments, "--frames"))
		_end()
	else:
		_game.start()


func _process(delta: float) -> void:
	_game.frame(delta)
	queue_redraw()


func _unhandled_key_input(event: InputEvent) -> void:
	if not event.is_pressed() or event.is_echo():
		return
	match (event as InputEventKey).keycode:
		KEY_ESCAPE:
			_end()
		KEY_R:
			_anew()
		KEY_D:
			if _game.over():
				_anew()
			_game.play()


func _notification(what: int) -> void:
	if what == NOTIFICATION_WM_CLOSE_REQUEST or what == NOTIFICATION_EXIT_TREE:
		_close()


func _draw() -> void:
	var time := _game.time
	draw_rect(Rect2(Vector2.ZERO, SIZE), Color("#0e1a2b"))
	draw_rect(Rect2(0, 230, SIZE.x, SIZE.y - 230), Color("#14324a"))
	var boat := Vector2(320 + 180 * sin(0.4 * time), 226 + 3 * sin(1.7 * time))
	_shape("#b5743c", "game", boat, [Vector2(-40, 0), Vector2(40, 0), Vector2(26, 18), Vector2(-26, 18)])
	_shape("#d9d4c7", "game", boat, [Vector2(-2, -46), Vector2(2, -46), Vector2(2, 0), Vector2(-2, 0)])
	_shape("#e9e4d6", "game", boat, [Vector2(4, -44), Vector2(4, -8), Vector2(30, -8)])
	for i in 7:
		_disc("#ffd166", "lanterns", Vector2(56 + 88 * i, 300 + 4 * sin(time + i)), 7)
	for i in 3:
		var cloud := Vector2(fposmod(140 + 200 * i + 8 * time, 720) - 40, 96 + 18 * i)
		for part: Vector2 in [Vector2(-24, 16), Vector2(0, 22), Vector2(24, 16)]:
			_disc("#c9d6df", "weather", cloud + Vector2(part.x, 0), part.y)
	draw_rect(Rect2(0, 0, SIZE.x, BANNER), _game.banner_colour())
	if absf(time - _said_at) > 0.05:
		_lines = _game.lines()
		_said_at = time
	_text(_lines[0], Vector2(10, 19))
	_text(_lines[1], Vector2(10, 38))
	_text("D plays an outage   R begins anew", Vector2(10, SIZE.y - 11))
	_text(_game.clock(), Vector2(10, SIZE.y - 11), HORIZONTAL_ALIGNMENT_RIGHT)


func _shape(colour: String, feature: String, at: Vector2, points: Array[Vector2]) -> void:
	var moved := PackedVector2Array()
	for point in points:
		moved.append(at + point)
	draw_colored_polygon(moved, Color(colour, _game.alpha[feature]))


func _disc(colour: String, feature: String, at: Vector2, radius: float) -> void:
	draw_circle(at, radius, Color(colour, _game.alpha[feature]), true, -1.0, true)


func _text(said: String, at: Vector2, side := HORIZONTAL_ALIGNMENT_LEFT) -> void:
	draw_string(_font, at, said, side, SIZE.x - 20, LETTERS, Color.WHITE)


func _new_game() -> Outpost:
	_said_at = -1.0
	return Outpost.new(_scenario, _read(_shared("words.txt")))


func _anew() -> void:
	_game.close()
	_game = _new_game()
	_game.start()


func _close() -> void:
	if _game != null:
		_game.close()


func _end() -> void:
	_close()
	get_tree().quit()


# Plays the drill without waiting, and writes the banner whenever it changes.
func _record(path: String) -> void:
	var file := FileAccess.open(path, FileAccess.WRITE)
	if file == null:
		push_error("outpost: %s cannot be written: %s" % [path, error_string(FileAccess.get_open_error())])
		return
	var last := PackedStringArray()
	while true:
		var now := _game.lines()
		if now != last:
			last = now
			file.store_string("\t".join([_game.clock(), now[0], now[1]]) + "\n")
		if _game.over():
			break
		_game.advance()


# Pictures of the start, of some days at noon, and of the end; each as if its fading were done.
func _save_frames(folder: String) -> void:
	DirAccess.make_dir_recursive_absolute(folder)
	# At the picture's own size, whatever the window's.
	get_window().size = Vector2i(SIZE)
	var names := {}
	for day: int in [1, 2, 4, 6]:
		names[day * 86400 + 43200] = "day-%d" % day
	await _save(folder, "start")
	while not _game.over():
		_game.advance()
		if names.has(_game.elapsed):
			await _save(folder, names[_game.elapsed])
	await _save(folder, "end")


func _save(folder: String, name: String) -> void:
	_game.time = _game.passed / Outpost.SPEED
	_said_at = -1.0
	for feature in Outpost.FEATURES:
		_game.alpha[feature] = _game.wanted(feature)
	# Twice: a window takes its new size between two frames.
	for _frame in 2:
		queue_redraw()
		await RenderingServer.frame_post_draw
	var image := get_viewport().get_texture().get_image()
	image.convert(Image.FORMAT_RGB8)
	image.save_png(folder.path_join(name + ".png"))


func _after(arguments: PackedStringArray, name: String) -> String:
	var at := arguments.find(name) + 1
	return arguments[at] if at < arguments.size() else ""


# In the project, where an exported game has it; else beside it, where all engines share it.
func _shared(file: String) -> String:
	if FileAccess.file_exists("res://" + file):
		return "res://" + file
	return ProjectSettings.globalize_path("res://").path_join("..").path_join(file).simplify_path()


func _read(path: String) -> String:
	var text := FileAccess.get_file_as_string(path)
	if text == "":
		push_error("outpost: %s cannot be read: %s" % [path, error_string(FileAccess.get_open_error())])
	return text
