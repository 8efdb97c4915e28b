@tool
extends EditorExportPlugin
# An export takes the application file along: it is no resource, so the engine would leave it out.


func _get_name() -> String:
	return "Reprieve"


func _export_begin(_features: PackedStringArray, _is_debug: bool, _path: String, _flags: int) -> void:
	var file: String = ProjectSettings.get_setting("reprieve/app_file", "res://reprieve.toml")
	if file.begins_with("res://") and FileAccess.file_exists(file):
		add_file(file, FileAccess.get_file_as_bytes(file), false)
