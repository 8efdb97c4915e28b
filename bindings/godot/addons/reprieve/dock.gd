@tool
extends VBoxContainer
# The dock: the runway and the events of the ledger of an application file. It makes no ledger, and records nothing but how far it has read.

const CONSUMER := "godot-editor"
const COLUMNS: Array[String] = ["Feature", "Access", "State", "Runway"]
# How many events are kept in view.
const EVENTS := 200

var _way: Object
var _client: RefCounted
var _file := LineEdit.new()
var _says := Label.new()
var _tree := Tree.new()
var _events := ItemList.new()
var _timer := Timer.new()


func _init() -> void:
	custom_minimum_size = Vector2(220, 260)
	var row := HBoxContainer.new()
	_file.text = ProjectSettings.get_setting("reprieve/app_file", "res://reprieve.toml")
	_file.tooltip_text = "The application file whose ledger is shown"
	_file.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	_file.text_submitted.connect(func(_text: String) -> void: look_at(_file.text))
	row.add_child(_file)
	var button := Button.new()
	button.text = "Open"
	button.pressed.connect(func() -> void: look_at(_file.text))
	row.add_child(button)
	add_child(row)
	_says.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	_says.text = "Nothing is open."
	add_child(_says)
	_tree.columns = COLUMNS.size()
	_tree.column_titles_visible = true
	_tree.hide_root = true
	for column in COLUMNS.size():
		_tree.set_column_title(column, COLUMNS[column])
	_tree.size_flags_vertical = Control.SIZE_EXPAND_FILL
	_tree.custom_minimum_size.y = 90
	add_child(_tree)
	_events.size_flags_vertical = Control.SIZE_EXPAND_FILL
	_events.custom_minimum_size.y = 70
	add_child(_events)
	_timer.wait_time = 2.0
	_timer.timeout.connect(show_all)
	add_child(_timer)


## Opens the ledger of an application file, and shows it from now on. Whether it could.
func look_at(file: String) -> bool:
	_client = null
	_timer.stop()
	_tree.clear()
	_events.clear()
	if _way == null:
		_way = load("res://addons/reprieve/reprieve.gd").new()
	if not _way.is_loaded():
		_says.text = _way.trouble
		return false
	# The editor makes no ledger, and does not hold up a game that writes.
	_client = _way.open(file, {"create": false, "lock_timeout": 0.2})
	if _client == null:
		_says.text = str(_way.get_open_error())
		return false
	if is_inside_tree():
		_timer.start()
	show_all()
	return true


## Shows how things stand now.
func show_all() -> void:
	if _client == null:
		return
	var skus: PackedStringArray = _client.skus()
	_says.text = "Ledger %s" % _client.ledger_id() if not skus.is_empty() else "No licence has come yet."
	_tree.clear()
	var root := _tree.create_item()
	for sku in skus:
		var status: RefCounted = _client.status(sku)
		if status == null:
			_says.text = str(_client.last_error)
			return
		for decision: RefCounted in status.features:
			var item := _tree.create_item(root)
			item.set_text(0, "%s/%s" % [sku, decision.feature])
			item.set_text(1, decision.access_word)
			item.set_text(2, decision.state_word + (", " + decision.reason_word if decision.reason_word != "" else ""))
			item.set_text(3, runway(decision.runway))
	for _event in EVENTS:
		var event: RefCounted = _client.next_event(CONSUMER)
		if event == null:
			break
		_client.acknowledge(CONSUMER, event)
		_events.add_item("%s  %s  %s %s" % [event.at_text, event.kind, event.license, event.feature])
		if _events.item_count > EVENTS:
			_events.remove_item(0)


## The text in the cell of a column for each feature: what a test reads.
func rows() -> Array[PackedStringArray]:
	var found: Array[PackedStringArray] = []
	var root := _tree.get_root()
	for item in root.get_children() if root != null else []:
		var row := PackedStringArray()
		for column in COLUMNS.size():
			row.append(item.get_text(column))
		found.append(row)
	return found


## A runway in its two largest units, rounded down.
static func runway(seconds: float) -> String:
	if is_inf(seconds):
		return "no end known"
	var left := floori(maxf(seconds, 0.0))
	if left >= 86400:
		return "%d d %d h" % [left / 86400, left % 86400 / 3600]
	if left >= 3600:
		return "%d h %d min" % [left / 3600, left % 3600 / 60]
	if left >= 60:
		return "%d min" % (left / 60)
	return "%d s" % left


func _exit_tree() -> void:
	_client = null


func _notification(what: int) -> void:
	if what == NOTIFICATION_PREDELETE and _way != null:
		_way.free()
