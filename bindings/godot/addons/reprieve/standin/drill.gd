extends RefCounted
## Stands in for [ReprieveDrill] where the library is not loaded: it has the scenario's steps, and nothing happens in them.

var trouble := ""
var scenario := ""
var last_error: RefCounted:
	get:
		return client().last_error


func step_count() -> int:
	var parsed: Variant = JSON.parse_string(scenario)
	if parsed is Dictionary and parsed.get("steps") is Array:
		return parsed.steps.size()
	return 0


func step(_step: int) -> RefCounted:
	return preload("task.gd").new()


func client() -> RefCounted:
	var made := preload("client.gd").new()
	made.trouble = trouble
	return made


func new_client(_options: Dictionary) -> RefCounted:
	return client()


func advance(_seconds: float) -> bool:
	return false


func set_wall(_seconds: float) -> bool:
	return false


func now() -> float:
	return 0.0


func now_text() -> String:
	return ""


func folder() -> String:
	return ""


func issue(_kind: String, _claims: String, _signers: int = 1, _fault: String = "") -> String:
	return ""


func close() -> void:
	pass
