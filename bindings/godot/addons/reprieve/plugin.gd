@tool
extends EditorPlugin
# The addon in the editor: the autoload, the dock, and what an export must take along.

const AUTOLOAD := "Reprieve"
const SETTING := "reprieve/app_file"

var _dock: Control
var _exporter: EditorExportPlugin


func _enable_plugin() -> void:
	add_autoload_singleton(AUTOLOAD, "res://addons/reprieve/reprieve.gd")


func _disable_plugin() -> void:
	remove_autoload_singleton(AUTOLOAD)


func _enter_tree() -> void:
	if not ProjectSettings.has_setting(SETTING):
		ProjectSettings.set_setting(SETTING, "res://reprieve.toml")
	ProjectSettings.set_initial_value(SETTING, "res://reprieve.toml")
	ProjectSettings.set_as_basic(SETTING, true)
	ProjectSettings.add_property_info({"name": SETTING, "type": TYPE_STRING, "hint": PROPERTY_HINT_FILE, "hint_string": "*.toml"})
	_dock = preload("dock.gd").new()
	_dock.name = "Reprieve"
	add_control_to_dock(DOCK_SLOT_RIGHT_BL, _dock)
	_exporter = preload("export.gd").new()
	add_export_plugin(_exporter)


func _exit_tree() -> void:
	remove_export_plugin(_exporter)
	_exporter = null
	remove_control_from_docks(_dock)
	_dock.free()
