extends RefCounted
# What `reprieve.gd` asks of the extension. It names the extension's classes, so it is loaded only where they are.


func open(app_file: String, options: Dictionary) -> ReprieveClient:
	return ReprieveClient.open_with(app_file, options)


func open_toml(toml: String, options: Dictionary) -> ReprieveClient:
	return ReprieveClient.open_toml_with(toml, options)


func get_open_error() -> ReprieveError:
	return ReprieveClient.get_open_error()


func drill(scenario: String) -> ReprieveDrill:
	return ReprieveDrill.from_scenario(scenario)


func get_drill_error() -> ReprieveError:
	return ReprieveDrill.get_open_error()


func keeper() -> ReprieveKeeper:
	return ReprieveKeeper.new()


func text(seconds: float) -> String:
	return ReprieveClient.text(seconds)
