extends RefCounted
## Stands in for [ReprieveDecision] where the library is not loaded: access is unknown, which is no refusal.

var access := 0
var access_word := "unknown"
var allowed := false
var state := 0
var state_word := ""
var reason := 0
var reason_word := ""
var stage := -1
var t := 0.0
var t_text := "1970-01-01T00:00:00Z"
var until := 0.0
var until_text := ""
var ends := 0.0
var ends_text := ""
var runway := INF
var lease_end := 0.0
var lease_end_text := ""
var clock := 1
var clock_word := "ok"
var ledger := 1
var ledger_word := "ok"
var in_memory := false
var newer := false
var drill := false
var detached := false
var sku := ""
var feature := ""


func _to_string() -> String:
	return access_word
