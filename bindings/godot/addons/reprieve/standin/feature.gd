extends RefCounted
## Stands in for [ReprieveFeature] where the library is not loaded: access is unknown, which is no refusal.

var sku := ""
var name := ""
var trouble := ""


func allowed() -> bool:
	return false


func access() -> int:
	return 0


func check() -> RefCounted:
	var decision := preload("decision.gd").new()
	decision.sku = sku
	decision.feature = name
	return decision


func explain() -> Dictionary:
	return {
		"t": "1970-01-01T00:00:00Z", "sku": sku, "feature": name, "access": "unknown", "state": null, "reason": null, "until": null, "ends": null,
		"clock": "ok", "ledger": "ok", "license": null, "lease_end": null,
		"flags": {"in_memory": false, "newer": false, "drill": false, "detached": false},
		"rule": "unknown", "cover": null, "evidence": [], "ways_out": [], "trouble": trouble,
	}
