extends RefCounted
# Which version the library is of. On its own, so that it can be asked of a library that lacks what `native.gd` names.


func version() -> String:
	return ReprieveClient.version()
