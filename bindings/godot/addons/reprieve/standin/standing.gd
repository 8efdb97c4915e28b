extends RefCounted
## Stands in for [ReprieveStanding] where the library is not loaded: nothing renews.

var is_busy := false
var next := INF
var outcome := 0
var word := ""
var url := ""
var failure := ""
var status := 0
var refusal := ""
var ago := INF
var took := 0.0


func _to_string() -> String:
	return "no round is due"
