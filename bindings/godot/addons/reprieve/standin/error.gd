extends RefCounted
## Stands in for [ReprieveError] where the library is not loaded.

var status := 401
var word := "unsupported"
var message := ""


func _to_string() -> String:
	return message
