extends RefCounted
## Stands in for [ReprieveRenewing] where the library is not loaded: nothing renews.


func renew_now() -> bool:
	return false


func network_changed() -> bool:
	return false


func standing() -> RefCounted:
	return preload("standing.gd").new()


func is_running() -> bool:
	return false


func stop() -> void:
	pass
