extends SceneTree
# Walks scenario files as a game would, and writes the line of each answer from the extension's own values (docs/semantics.md, Scenarios).
# godot --headless --path PROJECT -s conformance.gd -- OUT SCENARIO.json...: the lines of each go to OUT/NAME.jsonl.

var _out: FileAccess


func _init() -> void:
	var arguments := OS.get_cmdline_user_args()
	if arguments.size() < 2:
		printerr("usage: godot --headless -s conformance.gd -- OUT SCENARIO.json...")
		quit(2)
		return
	var failed := 0
	for path in arguments.slice(1):
		_out = FileAccess.open(arguments[0].path_join(path.get_file().get_basename() + ".jsonl"), FileAccess.WRITE)
		var trouble := walk(FileAccess.get_file_as_string(path))
		_out.close()
		if trouble != "":
			printerr("%s: %s" % [path, trouble])
			failed += 1
	quit(1 if failed else 0)


# One line of JSON: keys in the order of the pairs, no blanks, nulls written out.
func line(step: int, pairs: Array) -> void:
	var text := '{"step":%d' % step
	for at in range(0, pairs.size(), 2):
		text += ',"%s":%s' % [pairs[at], value(pairs[at + 1])]
	_out.store_string(text + "}\n")


func value(of: Variant) -> String:
	if of == null:
		return "null"
	if of is String:
		return JSON.stringify(of) if of != "" else "null"
	if of is float:
		return str(int(of)) if of >= 0.0 else "null"
	return str(of)


# What went wrong, or nothing.
func walk(scenario: String) -> String:
	var drill := ReprieveDrill.from_scenario(scenario)
	if drill == null:
		return str(ReprieveDrill.get_open_error())
	for step in drill.step_count():
		var task := drill.step(step)
		if task == null:
			return "step %d: %s" % [step, drill.last_error]
		# A step may close one client and open another.
		var client := drill.client()
		if client == null:
			return "step %d: %s" % [step, drill.last_error]
		match task.kind:
			ReprieveTask.TASK_IMPORT:
				var answer := client.import_document(task.token)
				if answer == null:
					return "step %d: %s" % [step, client.last_error]
				line(step, ["document", answer.kind, "accepted", answer.accepted, "error", answer.error])
			ReprieveTask.TASK_CHECK:
				var by_name := client.check(task.sku, task.feature)
				# What is no name makes no feature, but can be asked.
				var feature := client.feature(task.sku, task.feature)
				var d := feature.check() if feature != null else by_name
				for name: String in ["access", "state", "reason", "until", "ends_text", "lease_end_text", "stage", "runway"]:
					if d.get(name) != by_name.get(name):
						return "step %d: a check by name differs from one by feature in %s" % [step, name]
				line(step, ["t", d.t_text, "sku", d.sku, "feature", d.feature, "access", d.access_word, "state", d.state_word, "reason", d.reason_word,
					"until", d.until_text, "ends", d.ends_text, "clock", d.clock_word, "ledger", d.ledger_word])
			ReprieveTask.TASK_REPORT:
				if not client.report(task.outage):
					return "step %d: %s" % [step, client.last_error]
			ReprieveTask.TASK_EVENTS:
				if not client.upkeep():
					return "step %d: %s" % [step, client.last_error]
				while true:
					var e := client.next_event(ReprieveDrill.consumer())
					if e == null:
						if client.last_error != null:
							return "step %d: %s" % [step, client.last_error]
						break
					line(step, ["event", e.kind, "at", e.at_text, "license", e.license, "feature", e.feature, "access", e.access_word,
						"state", e.state_word, "reason", e.reason_word, "left", e.left, "document", e.document, "error", e.error])
					if not client.acknowledge(ReprieveDrill.consumer(), e):
						return "step %d: %s" % [step, client.last_error]
	return ""
