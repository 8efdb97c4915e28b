extends RefCounted
## Stands in for [ReprieveClient] where the library is not loaded: each access is unknown, which is no refusal, and nothing is recorded.

var trouble := ""
var last_error: RefCounted:
	get:
		var error := preload("error.gd").new()
		error.message = trouble
		return error


func feature(sku: String, name: String) -> RefCounted:
	var made := preload("feature.gd").new()
	made.sku = sku
	made.name = name
	made.trouble = trouble
	return made


func check(sku: String, name: String) -> RefCounted:
	return feature(sku, name).check()


func allowed(_sku: String, _feature: String) -> bool:
	return false


func explain(sku: String, name: String) -> Dictionary:
	return feature(sku, name).explain()


func import_document(_token: String) -> RefCounted:
	return null


func renewing() -> RefCounted:
	return preload("renewing.gd").new()


func renewing_with(_options: Dictionary) -> RefCounted:
	return renewing()


func request() -> RefCounted:
	return null


func renew(_answer: String) -> Array:
	return []


func report(_outage: int) -> bool:
	return false


func endpoints() -> PackedStringArray:
	return PackedStringArray()


func next_event(_consumer: String) -> RefCounted:
	return null


func acknowledge(_consumer: String, _event: RefCounted) -> bool:
	return false


func status(_sku: String) -> RefCounted:
	return null


func skus() -> PackedStringArray:
	return PackedStringArray()


func appeal(_license: String, _words: String) -> String:
	return ""


func upkeep() -> bool:
	return false


func ledger_id() -> String:
	return ""


func head() -> String:
	return ""


func diagnostics() -> Array:
	return []


func close() -> bool:
	return true
