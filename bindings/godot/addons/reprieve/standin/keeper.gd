extends Node
## Stands in for [ReprieveKeeper] where the library is not loaded: it has the same signals, and emits none.

@warning_ignore("unused_signal")
signal decision_changed(feature: String, decision: RefCounted, first: bool)
@warning_ignore("unused_signal")
signal grace_warning(event: RefCounted)
@warning_ignore("unused_signal")
signal event(event: RefCounted)
@warning_ignore("unused_signal")
signal upkeep_failed(error: RefCounted)
@warning_ignore("unused_signal")
signal renew_failed(error: RefCounted)

var trouble := ""
var client: RefCounted = null
var sku := ""
var features := PackedStringArray()
var consumer := "godot"
var interval := 1.0
var renew := false
var renew_options := {}
var renewal: RefCounted = null
var renew_error: RefCounted = null
var state := 0
var rounds := 0
var last_error: RefCounted:
	get:
		var error := preload("error.gd").new()
		error.message = trouble
		return error


func renew_now() -> bool:
	return false


func network_changed() -> bool:
	return false


func decision(_feature: String) -> RefCounted:
	return null
