extends SceneTree
# A game as tests/engines/godot/run.py starts it: `-s game.gd -- MODE ARGUMENTS`. It prints what it saw, and what is not as it should be.

var failed := 0


func _init() -> void:
	_run.call_deferred()


func _run() -> void:
	await process_frame
	var mode := OS.get_cmdline_user_args()[0]
	await call(mode)
	quit(1 if failed else 0)


## What a typed call gives for none is an object that is null, which is like null, but not of its type.
func plain(value: Variant) -> Variant:
	if value is Array:
		return value.map(plain)
	return null if typeof(value) == TYPE_OBJECT and value == null else value


func same(seen: Variant, wanted: Variant, what: String) -> void:
	var got: Variant = plain(seen)
	if typeof(got) != typeof(wanted) or got != wanted:
		failed += 1
		print("%s: %s, not %s" % [what, got, wanted])


func word(error: ReprieveError) -> String:
	return error.word if error != null else ""


func argument(at: int) -> String:
	return OS.get_cmdline_user_args()[at]


func frames(count: int) -> void:
	for _frame in count:
		await process_frame


## Waits until something is so, for some seconds at most.
func until(so: Callable, seconds := 10.0) -> bool:
	var end := Time.get_ticks_msec() + int(seconds * 1000)
	while not so.call():
		if Time.get_ticks_msec() > end:
			return false
		await process_frame
	return true


func drill_of(steps: String, policy := "") -> ReprieveDrill:
	return ReprieveDrill.from_scenario('{"name": "test", "sku": "cad", %s "steps": [%s]}' % [policy, steps])


const LEASE := '{"lease": {"license": "L1", "features": ["core"], "ttl": "24h"}}'
const POLICY := '"policy": {"schema": 1, "id": "acme", "version": 1, "default_tier": "basic", "tiers": {"basic": {"warn": ["24h"], "unknown": {"allowance": "3d"}}}},'


# One of everything.
func smoke() -> void:
	var drill := drill_of(LEASE)
	var client := drill.client()
	same(client.check("cad", "core").state, ReprieveDecision.STATE_UNLICENSED, "before a lease")
	var answer := client.import_document(drill.step(0).token)
	same([answer.accepted, answer.known, answer.kind, answer.license, answer.error, answer.detail], [true, false, "lease", "L1", "", ""], "the lease")
	same(client.import_document("no token").error, "malformed", "no token")
	var core := client.feature("cad", "core")
	same([core.allowed(), core.access(), core.sku, core.name], [true, ReprieveDecision.ACCESS_FULL, "cad", "core"], "the feature")
	same(str(core), "feature core of cad", "the feature's text")
	var decision := core.check()
	same([decision.access_word, decision.state_word, decision.reason_word, decision.stage], ["full", "licensed", "", -1], "the decision")
	same([decision.t_text, decision.ends_text, decision.ends - decision.t, decision.runway],
		["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 86400.0, 86400.0], "its times")
	same([decision.clock, decision.ledger, decision.drill, decision.in_memory], [ReprieveDecision.CLOCK_OK, ReprieveDecision.LEDGER_OK, true, false], "its flags")
	same(str(decision), "full (licensed) until 2026-01-02T00:00:00Z", "its text")
	same(ReprieveClient.text(decision.t), decision.t_text, "a time as text")
	same(client.allowed("cad", "core"), true, "allowed by name")
	same([client.explain("cad", "core")["license"], core.explain()["license"]], ["L1", "L1"], "explain")
	same([client.report(ReprieveClient.OUTAGE_NETWORK), client.report(ReprieveClient.OUTAGE_NETWORK)], [true, true], "report")
	same(client.explain("cad", "core")["evidence"][0]["outage"], "network", "the evidence")
	var request := client.request()
	same(JSON.parse_string(request.body)["nonce"], request.nonce, "the request")
	var until_then := int(drill.now()) + 86400 * 30
	var token := drill.issue("lease", JSON.stringify({"license": "L1", "sku": "cad", "nonce": request.nonce}).replace("}", ', "features": {"core": %d}}' % until_then))
	var answers := client.renew(JSON.stringify({"documents": [token]}))
	same([answers.size(), answers[0].fresh], [1, true], "a renewal")
	same([client.renew("").size(), word(client.last_error)], [0, "claims"], "an empty answer")
	same(client.next_event("tray"), null, "a new consumer")
	same(client.last_error, null, "that is no error")
	var packet: Dictionary = JSON.parse_string(client.appeal("L1", "The server room was under water."))
	same(packet["appeal"]["text"], "The server room was under water.", "an appeal")
	var event := client.next_event("tray")
	same([event.kind, event.license, event.text, event.access, event.left], ["appeal_filed", "L1", "The server room was under water.", -1, -1.0], "an event")
	same([client.acknowledge("tray", event), client.next_event("tray")], [true, null], "it is acknowledged")
	var status := client.status("cad")
	same([status.features.size(), status.features[0].feature, status.ledger_id, status.policy_version], [1, "core", client.ledger_id(), -1], "the status")
	same(JSON.parse_string(status.json)["ledger_id"], client.ledger_id(), "the status as JSON")
	same(client.skus(), PackedStringArray(["cad"]), "the products")
	same(client.head().begins_with("acme") or client.head().length() > 100, true, "the head")
	same(client.upkeep(), true, "upkeep")
	same(drill.advance(3600.0), true, "an hour")
	same([drill.now_text(), drill.now()], ["2026-01-01T01:00:00Z", 1767229200.0], "the drill's time")
	same(drill.set_wall(-60.0), true, "the wall")
	same([client.close(), client.close()], [true, true], "close, twice")
	same([core.access(), client.check("cad", "core").access, client.upkeep(), word(client.last_error)],
		[ReprieveDecision.ACCESS_UNKNOWN, ReprieveDecision.ACCESS_UNKNOWN, false, "closed"], "after closing")
	print("smoke is done")


# What is no argument gives an error with a word and a text, and never a refusal.
func errors() -> void:
	same([ReprieveClient.open("res://none.toml"), word(ReprieveClient.get_open_error())], [null, "app"], "no file")
	same([ReprieveClient.open("/nowhere/none.toml"), word(ReprieveClient.get_open_error())], [null, "app"], "no file of the system")
	same([ReprieveClient.open_toml("vendor ="), word(ReprieveClient.get_open_error())], [null, "app"], "no TOML")
	var app := FileAccess.get_file_as_string(argument(1))
	for options: Dictionary in [{"colour": 1}, {"upkeep": "never"}, {"lock_timeout": -1}, {"lock_timeout": "soon"}, {"in_memory": "yes"},
			{"folder": "res://ledger"}, {"folder": 7}, {"folder": "user://a", "in_memory": true}]:
		same([ReprieveClient.open_toml_with(app, options), word(ReprieveClient.get_open_error())], [null, "argument"], str(options))
	same([ReprieveClient.open_toml_with(app, {"folder": "user://none", "create": false}), word(ReprieveClient.get_open_error())], [null, "missing"], "no ledger")
	var client := ReprieveClient.open_toml_with(app, {"folder": "user://ledger", "witness": "user://witness"})
	same(client.status("cad").folder, OS.get_user_data_dir().path_join("ledger"), "a folder of the user's")
	same(ReprieveClient.get_open_error(), null, "no error after an open")
	same([client.feature("", "core"), word(client.last_error)], [null, "argument"], "no name")
	same(client.check("", "core").access, ReprieveDecision.ACCESS_UNKNOWN, "no name, checked")
	same(client.check("a b", "é").access, ReprieveDecision.ACCESS_UNKNOWN, "no name in letters")
	same(client.explain("", "core")["trouble"] is String, true, "why it is unknown")
	same([client.report(0), word(client.last_error)], [false, "argument"], "no outage")
	same([client.report(-1), client.report(1 << 40)], [false, false], "no outage, far off")
	same([client.next_event("a/b"), word(client.last_error)], [null, "argument"], "no consumer")
	same([client.acknowledge("tray", null), word(client.last_error)], [false, "argument"], "no event")
	same([client.appeal("", ""), word(client.last_error)], ["", "argument"], "no words")
	same([client.status(""), word(client.last_error)], [null, "argument"], "no product")
	same(client.import_document("").error, "malformed", "an empty token")
	same(client.import_document("x".repeat(100000)).error, "malformed", "a long token")
	same([drill_of("{}"), word(ReprieveDrill.get_open_error())], [null, "scenario"], "no step")
	same([ReprieveDrill.open("user://none"), word(ReprieveDrill.get_open_error())], [null, "missing"], "no drill")
	same([ReprieveDrill.create("res://drill"), word(ReprieveDrill.get_open_error())], [null, "argument"], "a drill in the game's files")
	var drill := drill_of(LEASE)
	same([drill.step(-1), word(drill.last_error)], [null, "argument"], "no step")
	same([drill.step(1), word(drill.last_error)], [null, "argument"], "a step too far")
	same([drill.advance(-1.0), drill.advance(NAN), drill.advance(INF), drill.set_wall(INF)], [false, false, false, false], "no time")
	same([drill.issue("letter", "{}"), drill.issue("lease", "{"), drill.issue("lease", "[]"), drill.issue("lease", "{}", -1), drill.issue("lease", "{}", 1, "rust")],
		["", "", "", "", ""], "no document")
	same([drill.new_client({"folder": "user://a"}), word(drill.last_error)], [null, "argument"], "a drill elsewhere")
	same([ReprieveClient.text(NAN), ReprieveClient.text(1e300), ReprieveClient.text(-0.5)], ["", "", "1969-12-31T23:59:59.5Z"], "odd times")
	drill.close()
	drill.close()
	same([drill.client(), word(drill.last_error), drill.step_count(), drill.now()], [null, "closed", 1, 0.0], "a drill that was closed")
	var error := client.last_error
	same(error == null or error.status >= 100, true, "a status")
	print("errors are done")


# Objects are freed in any order, with and without their parents, and each that is left answers.
func order() -> void:
	for seed_of_turn in 60:
		# In a function of its own: what is left on the stack of GDScript holds objects too.
		var folder := await order_of(seed_of_turn)
		same(await until(func() -> bool: return not DirAccess.dir_exists_absolute(folder)), true, "the drill's folder goes, turn %d" % seed_of_turn)
		if failed:
			break
	print("order is done")


func order_of(seed_of_turn: int) -> String:
	seed(seed_of_turn)
	var drill := drill_of(LEASE)
	var held := {"drill": drill, "client": drill.client(), "clone": drill.client()}
	held["client"].import_document(drill.step(0).token)
	held["core"] = held["client"].feature("cad", "core")
	held["decision"] = held["core"].check()
	held["status"] = held["clone"].status("cad")
	held["keeper"] = ReprieveKeeper.new()
	held["keeper"].client = held["clone"]
	held["keeper"].interval = 0.01
	root.add_child(held["keeper"])
	if seed_of_turn % 3 == 0:
		await process_frame
	var folder := drill.folder()
	drill = null
	var names := held.keys()
	names.shuffle()
	for name: String in names:
		if held[name] is Node:
			if seed_of_turn % 2:
				held[name].free()
			else:
				held[name].queue_free()
		held.erase(name)
		if held.has("core"):
			same(held["core"].access(), ReprieveDecision.ACCESS_FULL, "a feature after " + name)
		if held.has("decision"):
			same(held["decision"].access, ReprieveDecision.ACCESS_FULL, "a decision after " + name)
		if held.has("client"):
			same(held["client"].check("cad", "core").access, ReprieveDecision.ACCESS_FULL, "a client after " + name)
	return folder


# A client in several threads of the engine at once.
func threads() -> void:
	var client := ReprieveClient.open(argument(1))
	var core := client.feature("cad", "core")
	var seen: Array[bool] = []
	seen.resize(8)
	var work := func(index: int) -> void:
		var good := true
		for turn in 200:
			good = good and core.access() == ReprieveDecision.ACCESS_FULL and client.check("cad", "core").access == ReprieveDecision.ACCESS_FULL
			if index % 2:
				# An error of this thread, which no other sees.
				good = good and client.status("") == null and word(client.last_error) == "argument"
			else:
				good = good and client.status("cad") != null and client.last_error == null
			if turn % 50 == index:
				good = good and client.appeal("L1", "thread %d" % index) != ""
		seen[index] = good
	var group := WorkerThreadPool.add_group_task(work, 8, 8, true)
	while not WorkerThreadPool.is_group_task_completed(group):
		core.check()
		await process_frame
	WorkerThreadPool.wait_for_group_task_completion(group)
	same(seen.count(true), 8, "threads that saw what they should")
	# Each waits for the others' changes of one object, and is woken.
	var keeper := ReprieveKeeper.new()
	var change := func(index: int) -> void:
		for turn in 20000:
			keeper.interval = 1.0 + index
			seen[index] = seen[index] and keeper.interval >= 1.0
	WorkerThreadPool.wait_for_group_task_completion(WorkerThreadPool.add_group_task(change, 8, 8, true))
	same(seen.count(true), 8, "threads that changed one object")
	keeper.free()
	var thread := Thread.new()
	thread.start(func() -> bool: return ReprieveClient.open("res://none.toml") == null and ReprieveClient.get_open_error() != null)
	same([thread.wait_to_finish(), ReprieveClient.get_open_error()], [true, null], "an open in a thread")
	print("threads are done")


# What a keeper says, in the main thread, and when it stops.
func keeper() -> void:
	var drill := drill_of(LEASE + ', {"advance": "1s"}', POLICY)
	var client := drill.new_client({"upkeep": "own"})
	var made := ReprieveKeeper.new()
	same([made.state, made.last_error, made.consumer, made.interval, made.rounds], [ReprieveKeeper.STATE_STOPPED, null, "godot", 1.0, 0], "a new keeper")
	var main := OS.get_thread_caller_id()
	var said: Array[String] = []
	made.decision_changed.connect(func(feature: String, decision: ReprieveDecision, first: bool) -> void:
		same(OS.get_thread_caller_id(), main, "the signal's thread")
		said.append("%s %s %s" % [feature, decision, first]))
	made.grace_warning.connect(func(event: ReprieveEvent) -> void:
		same(OS.get_thread_caller_id(), main, "the warning's thread")
		said.append("warning %s %d" % [event.feature, event.left]))
	made.event.connect(func(event: ReprieveEvent) -> void: said.append(event.kind))
	made.interval = 0.0
	same(made.interval, 0.01, "an interval that is none")
	made.client = client
	made.sku = "cad"
	made.features = ["core"]
	same(made.state, ReprieveKeeper.STATE_STOPPED, "outside the tree")
	root.add_child(made)
	same(await until(func() -> bool: return said.size() == 1), true, "the first decision")
	same(said, ["core denied (unlicensed) true"], "the first decision's text")
	same(made.state, ReprieveKeeper.STATE_RUNNING, "in the tree")
	client.import_document(drill.step(0).token)
	same(await until(func() -> bool: return "document_accepted" in said and "core full (licensed) until 2026-01-05T00:00:00Z false" in said), true, "a lease comes: %s" % [said])
	same(str(made.decision("core")), "full (licensed) until 2026-01-05T00:00:00Z", "the newest decision")
	same(made.decision("other"), null, "a feature that is not watched")
	# A paused game is kept too.
	paused = true
	drill.advance(86400.0 * 3 + 1)
	same(await until(func() -> bool: return "warning core 86400" in said), true, "a warning while paused: %s" % [said])
	paused = false
	same("grace_started" in said and "grace_warning" in said, true, "events of grace: %s" % [said])
	# What was dealt with is acknowledged, and not told again.
	await frames(30)
	made.client = null
	same(made.state, ReprieveKeeper.STATE_STOPPED, "without a client")
	await create_timer(0.2).timeout
	same(client.next_event("godot"), null, "all events were acknowledged")
	# A client that was closed: trouble is told once, and does not end the game.
	var troubles: Array[String] = []
	made.upkeep_failed.connect(func(error: ReprieveError) -> void: troubles.append(error.word))
	made.client = client
	same(await until(func() -> bool: return made.state == ReprieveKeeper.STATE_RUNNING and made.rounds > 0), true, "again")
	client.close()
	same(await until(func() -> bool: return made.state == ReprieveKeeper.STATE_TROUBLED), true, "closed under it")
	await frames(60)
	same([troubles, word(made.last_error)], [["closed"], "closed"], "told once")
	# Names that are none.
	made.client = drill.new_client({})
	made.features = ["no name"]
	same(await until(func() -> bool: return made.state == ReprieveKeeper.STATE_ENDED), true, "a feature that is no name")
	same(word(made.last_error), "argument", "its error")
	root.remove_child(made)
	made.features = PackedStringArray(["core"])
	root.add_child(made)
	same(await until(func() -> bool: return made.state == ReprieveKeeper.STATE_RUNNING and made.decision("core") != null), true, "in the tree again")
	# A handler that frees the keeper.
	var id := made.get_instance_id()
	made.decision_changed.connect(func(_feature: String, _decision: ReprieveDecision, _first: bool) -> void: instance_from_id(id).queue_free())
	drill.advance(86400.0 * 9)
	made = null
	same(await until(func() -> bool: return not is_instance_id_valid(id)), true, "freed by its own signal")
	print("keeper is done")


# A keeper that renews: what a game has, and what a banner shows.
func renewing_keeper(client: ReprieveClient, options := {}) -> ReprieveKeeper:
	var made := ReprieveKeeper.new()
	made.client = client
	made.sku = "cad"
	made.features = ["core"]
	made.interval = 0.05
	made.renew_options = options
	made.renew = true
	made.renew_failed.connect(func(error: ReprieveError) -> void:
		failed += 1
		print("renewing failed: ", error))
	root.add_child(made)
	return made


# By the switch alone: a real authority gives a lease, and another one when a button is pressed. ARGUMENTS: the application file, the code, and with TLS the
# certificates of the vendor's own.
func renews() -> void:
	var by_tls := OS.get_cmdline_user_args().size() > 3
	var folder := "user://renews-tls" if by_tls else "user://renews"
	var client := ReprieveClient.open_with(argument(1), {"upkeep": "own", "folder": folder, "witness": folder + "-witness"})
	var core := client.feature("cad", "core")
	var accepted: Array[String] = []
	var options := {"proxy": "none", "headers": {"Authorization": "Bearer " + argument(2)}}
	var made := renewing_keeper(client, options)
	made.event.connect(func(event: ReprieveEvent) -> void: accepted.append(event.kind))
	same(made.renewal, null, "before the thread has begun")
	same(made.renew_now(), false, "a button before that")
	same(await until(func() -> bool: return made.renewal != null), true, "it renews")
	if by_tls:
		made.renew_now()
		same(await until(func() -> bool: return made.renewal.outcome == ReprieveStanding.OUTCOME_FAILED, 30.0), true, "a certificate that nobody trusts")
		same(made.renewal.failure, "certificate", "how it failed")
		options["roots"] = FileAccess.get_file_as_bytes(argument(3))
		made.renew_options = options
		same(await until(func() -> bool: return made.renewal != null and made.renewal.outcome == ReprieveStanding.OUTCOME_NONE), true, "it begins anew")
	same([made.renew_now(), made.network_changed(), made.renew_error], [true, true, null], "a button")
	same(await until(func() -> bool: return core.access() == ReprieveDecision.ACCESS_FULL, 30.0), true, "a lease comes: %s %s" % [made.renewal, client.diagnostics()])
	same(await until(func() -> bool: return made.renewal.outcome == ReprieveStanding.OUTCOME_RENEWED), true, "the banner: %s" % made.renewal)
	var standing := made.renewal
	same([standing.word, standing.url, standing.failure, standing.status, standing.refusal], ["renewed", client.endpoints()[0], "", 0, ""], "the last attempt")
	same([standing.took > 0.0, standing.ago < 60.0, str(standing).ends_with("the last attempt: renewed")], [true, true, true], "when: %s" % standing)
	same(await until(func() -> bool: return is_finite(made.renewal.next)), true, "the next round is known: %s" % made.renewal)
	# A lease is of whole seconds.
	var first := core.check().lease_end
	same(first > Time.get_unix_time_from_system() + 3600, true, "the lease's end")
	await create_timer(1.1).timeout
	same(made.renew_now(), true, "a button is pressed")
	same(await until(func() -> bool: return core.check().lease_end > first, 40.0), true, "the lease's end moves on: %s %s" % [made.renewal, client.diagnostics()])
	same(await until(func() -> bool: return "document_accepted" in accepted and made.decision("core") != null and made.decision("core").allowed), true, "the keeper tells")
	# Off and on again.
	made.renew = false
	same(await until(func() -> bool: return made.renewal == null), true, "switched off")
	same(await until(func() -> bool: return threads_of("reprieve-renew") == 0), true, "and its thread is gone")
	made.renew = true
	same(await until(func() -> bool: return made.renewal != null), true, "and on")
	made.free()
	same(await until(func() -> bool: return threads_of("reprieve-") == 0), true, "nothing is left")
	# Without a keeper.
	var alone := client.renewing_with({"roots": FileAccess.get_file_as_string(argument(3))}) if by_tls else client.renewing()
	same([alone.is_running(), alone.network_changed(), alone.standing().outcome], [true, true, ReprieveStanding.OUTCOME_NONE], "without a keeper")
	alone.stop()
	alone.stop()
	same([alone.is_running(), alone.renew_now(), alone.standing().is_busy], [false, false, false], "stopped")
	client.close()
	print("renewed by the switch")


# What cannot begin is told once, and what has nobody to ask does nothing. ARGUMENTS: an application file without renewal servers.
func wishes() -> void:
	var client := ReprieveClient.open_with(argument(1), {"upkeep": "own"})
	for options: Dictionary in [{"colour": 1}, {"proxy": 7}, {"roots": "no PEM"}, {"roots": 7}, {"headers": "x"}, {"headers": {"a b": "x"}}, {"headers": {"a": 7}},
			{"timeout": 0}, {"timeout": "soon"}, {"hedge": NAN}]:
		same([client.renewing_with(options), word(client.last_error)], [null, "argument"], str(options))
	same(client.renewing_with({"headers": {"Secret": 7}}), null, "a header that is no text")
	same("Secret" in str(client.last_error) and not "7" in str(client.last_error), true, "no value in a message")
	var made := ReprieveKeeper.new()
	same([made.renew, made.renew_options, made.renewal, made.renew_error, made.renew_now(), made.network_changed()], [false, {}, null, null, false, false], "a new keeper")
	var told: Array[String] = []
	made.renew_failed.connect(func(error: ReprieveError) -> void: told.append(error.word))
	made.client = client
	made.interval = 0.01
	made.renew_options = {"colour": 1}
	made.renew = true
	root.add_child(made)
	same(await until(func() -> bool: return not told.is_empty()), true, "told")
	var rounds := made.rounds
	same(await until(func() -> bool: return made.rounds > rounds + 5), true, "upkeep goes on")
	same([told, word(made.renew_error), made.renewal, made.state], [["argument"], "argument", null, ReprieveKeeper.STATE_RUNNING], "once")
	made.renew_options = {"timeout": 4, "pause": 1.5, "proxy": "none"}
	same(await until(func() -> bool: return made.renewal != null), true, "mended")
	rounds = made.rounds
	same(await until(func() -> bool: return made.rounds > rounds + 20), true, "rounds")
	same([made.renew_error, made.renewal.is_busy, made.renewal.next, made.renewal.ago, made.renewal.outcome, made.renewal.word, str(made.renewal)],
		[null, false, INF, INF, ReprieveStanding.OUTCOME_NONE, "", "no round is due"], "nobody to ask")
	# The client is closed under it: its thread ends.
	client.close()
	same(await until(func() -> bool: return made.state == ReprieveKeeper.STATE_TROUBLED and threads_of("reprieve-renew") == 0, 30.0), true, "closed under it")
	made.free()
	print("wishes are done")


# The server refuses connections: the outage is reported, and when the lease ends grace begins. ARGUMENTS: the application file.
func refused() -> void:
	var client := ReprieveClient.open_with(argument(1), {"upkeep": "own"})
	var core := client.feature("cad", "core")
	var told: Array[String] = []
	var made := renewing_keeper(client, {"proxy": "none"})
	made.event.connect(func(event: ReprieveEvent) -> void: told.append(event.kind))
	same(await until(func() -> bool: return made.renewal != null and made.renewal.outcome == ReprieveStanding.OUTCOME_FAILED, 60.0), true, "an attempt: %s" % made.renewal)
	same([made.renewal.word, made.renewal.failure], ["refused", "refused"], "how it failed")
	same(await until(func() -> bool: return is_finite(made.renewal.next)), true, "it is tried again: %s" % made.renewal)
	same(await until(func() -> bool: return core.check().state == ReprieveDecision.STATE_GRACE, 60.0), true, "grace begins: %s" % core.check())
	same([core.check().reason_word, core.allowed(), core.explain()["evidence"][0]["outage"]], ["server", true, "server"], "the server's fault")
	same(await until(func() -> bool: return "grace_started" in told), true, "told: %s" % [told])
	made.free()
	print("refused, and in grace")


# Stops in the midst of an attempt that gets no answer. ARGUMENTS: the application file of a black hole.
func hole() -> void:
	var client := ReprieveClient.open_with(argument(1), {"upkeep": "own"})
	var core := client.feature("cad", "core")
	var made := renewing_keeper(client, {"proxy": "none"})
	var busy := func() -> bool: return made.renewal != null and made.renewal.is_busy
	same(await until(busy, 60.0), true, "an attempt is under way: %s" % made.renewal)
	var began := Time.get_ticks_msec()
	made.renew = false
	same(await until(func() -> bool: return threads_of("reprieve-renew") == 0), true, "it is stopped")
	made.renew = true
	same(await until(busy, 60.0), true, "again")
	made.client = null
	made.free()
	same(await until(func() -> bool: return threads_of("reprieve-renew") + threads_of("reprieve-keep") == 0), true, "it goes with the node")
	# Forgotten, and stopped by hand.
	var forgotten := client.renewing_with({"proxy": "none"})
	same(await until(func() -> bool: return forgotten.standing().is_busy, 60.0), true, "without a keeper")
	forgotten = null
	same(await until(func() -> bool: return threads_of("reprieve-renew") + threads_of("reprieve-stop") == 0), true, "forgotten")
	var stopped := client.renewing_with({"proxy": "none"})
	same(await until(func() -> bool: return stopped.standing().is_busy, 60.0), true, "to be stopped")
	var before := Time.get_ticks_msec()
	stopped.stop()
	same(Time.get_ticks_msec() - before < 5000, true, "stopping waits for no network: %d ms" % (Time.get_ticks_msec() - before))
	same(core.access(), ReprieveDecision.ACCESS_FULL, "a check meanwhile")
	# The engine ends with both under way.
	set_meta("kept", client.renewing_with({"proxy": "none"}))
	same(await until(func() -> bool: return get_meta("kept").standing().is_busy, 60.0), true, "at the end")
	renewing_keeper(client, {"proxy": "none"})
	print("in the midst of it, after %d ms" % (Time.get_ticks_msec() - began))


# A scene is entered and left a hundred times.
func hundred() -> void:
	var before := 0
	for turn in 100:
		change_scene_to_file("res://scene.tscn")
		await process_frame
		await process_frame
		var scene := current_scene
		same(await until(func() -> bool: return scene.first == 1), true, "turn %d: its keeper speaks" % turn)
		same(scene.full, scene.asked, "turn %d: full in each frame" % turn)
		if turn == 9:
			before = pages()
	unload_current_scene()
	await frames(3)
	# Those of attempts that nobody waits for end by their time-out.
	same(await until(func() -> bool: return threads_of("reprieve-") == 0, 30.0), true, "threads that are left: %d" % threads_of("reprieve-"))
	print("left 100 times %d" % ((pages() - before) * 4096))


func pages() -> int:
	return int(FileAccess.open("/proc/self/statm", FileAccess.READ).get_line().split(" ")[1])


## How many threads there are whose names begin so.
func threads_of(name: String) -> int:
	var count := 0
	for task in DirAccess.get_directories_at("/proc/self/task"):
		# It may end meanwhile.
		var file := FileAccess.open("/proc/self/task/%s/comm" % task, FileAccess.READ)
		count += int(file != null and file.get_line().begins_with(name))
	return count


# A script that holds objects of the extension is reloaded.
func reload() -> void:
	change_scene_to_file("res://scene.tscn")
	await process_frame
	await process_frame
	var script: GDScript = current_scene.get_script()
	for _turn in 5:
		same(script.reload(true), OK, "reload")
		await frames(5)
		same(current_scene.core.access(), ReprieveDecision.ACCESS_FULL, "after a reload")
		var again: GDScript = ResourceLoader.load("res://scene.gd", "", ResourceLoader.CACHE_MODE_IGNORE)
		var other: Node = again.new()
		root.add_child(other)
		await frames(5)
		same(other.core.access(), ReprieveDecision.ACCESS_FULL, "a script loaded anew")
		other.free()
		reload_current_scene()
		await frames(3)
	print("reloaded")


# Two scenes with a client each on one ledger.
func scenes() -> void:
	var first: Node = load("res://scene.tscn").instantiate()
	var second: Node = load("res://scene.tscn").instantiate()
	var seen: Array[String] = []
	root.add_child(first)
	root.add_child(second)
	second.keeper.consumer = "hud"
	second.keeper.event.connect(func(event: ReprieveEvent) -> void: seen.append(event.text))
	same(await until(func() -> bool: return second.keeper.rounds > 2 and first.first == 1), true, "both keepers speak")
	same(first.client.appeal("L1", "from the first scene") != "", true, "an appeal")
	same(await until(func() -> bool: return seen.size() > 0), true, "the other hears")
	second.free()
	await frames(10)
	same([first.full > 10, first.full == first.asked, seen], [true, true, ["from the first scene"]], "the first goes on")
	first.free()
	print("scenes are done")


# Appends until it is killed.
func appends() -> void:
	var client := ReprieveClient.open(argument(1))
	print("appending ", client.check("cad", "core").access_word)
	var number := 0
	while true:
		for _append in 20:
			number += 1
			if client.appeal("", "appeal %d %s" % [number, ".".repeat(number % 7 * 900)]) != "":
				print(number)
		await process_frame


func full() -> void:
	var scene: Node = load("res://scene.tscn").instantiate()
	root.add_child(scene)
	var told := ""
	for frame in 60:
		await process_frame
		same(scene.core.access() != ReprieveDecision.ACCESS_DENIED, true, "a full disk is no refusal")
		if frame % 5 == 0 and scene.client.appeal("", "no room ".repeat(1000)) == "":
			told = "%s %s" % [scene.client.last_error.word, scene.client.last_error]
	print("full disk %s %s" % [scene.core.check().access_word, told])
	scene.free()


# The dock, as the editor shows it.
func dock() -> void:
	var made: Control = load("res://addons/reprieve/dock.gd").new()
	root.add_child(made)
	same(made.look_at(argument(1)), true, "a ledger is shown")
	var rows: Array = made.rows()
	same([rows.size(), rows[0].slice(0, 3)], [1, PackedStringArray(["cad/core", "full", "licensed"])], "its features")
	same(rows[0][3].contains(" d "), true, "its runway: " + rows[0][3])
	var client := ReprieveClient.open(argument(1))
	client.appeal("L1", "seen in the dock")
	made.show_all()
	same(made._events.item_count, 1, "an event is shown")
	same([made.look_at("res://none.toml"), made._says.text.contains("none.toml")], [false, true], "a file that is none")
	made.free()
	print("dock is done")


# Stand-ins have the methods, signals and members of what they stand for.
func standins() -> void:
	for pair: Array in [["ReprieveClient", "client"], ["ReprieveFeature", "feature"], ["ReprieveDecision", "decision"], ["ReprieveDrill", "drill"],
			["ReprieveKeeper", "keeper"], ["ReprieveTask", "task"], ["ReprieveError", "error"], ["ReprieveRenewing", "renewing"], ["ReprieveStanding", "standing"]]:
		var script: GDScript = load("res://addons/reprieve/standin/%s.gd" % pair[1])
		var methods := {}
		for method in script.get_script_method_list():
			methods[method.name] = method.args.size()
		var members := {}
		for property in script.get_script_property_list():
			members[property.name] = true
		var signals := {}
		for one in script.get_script_signal_list():
			signals[one.name] = one.args.size()
		for property in ClassDB.class_get_property_list(pair[0], true):
			if not property.usage & (PROPERTY_USAGE_CATEGORY | PROPERTY_USAGE_GROUP):
				same(members.has(property.name), true, "%s.%s" % [pair[0], property.name])
		for method in ClassDB.class_get_method_list(pair[0], true):
			# The engine makes two methods of each property, and static ones are the loader's.
			if method.flags & METHOD_FLAG_STATIC or method.flags & METHOD_FLAG_VIRTUAL or members.has(method.name.trim_prefix("get_").trim_prefix("set_")):
				continue
			same(methods.get(method.name, -1), method.args.size(), "%s.%s" % [pair[0], method.name])
		for one in ClassDB.class_get_signal_list(pair[0], true):
			same(signals.get(one.name, -1), one.args.size(), "%s.%s" % [pair[0], one.name])
	var constants: Dictionary = load("res://addons/reprieve/reprieve.gd").get_script_constant_map()
	for name: String in constants:
		for of: String in ["ReprieveDecision", "ReprieveClient", "ReprieveTask", "ReprieveStanding"]:
			if name in ClassDB.class_get_integer_constant_list(of, true):
				same(constants[name], ClassDB.class_get_integer_constant(of, name), name)
	for name in ClassDB.class_get_integer_constant_list("ReprieveStanding", true):
		same(constants.has(name), true, "the loader's " + name)
	for name in ClassDB.class_get_integer_constant_list("ReprieveDecision", true):
		if name.begins_with("ACCESS_") or name.begins_with("STATE_"):
			same(constants.has(name), true, "the loader's " + name)
	print("standins are done")


# Without a library that fits: all goes on, and all is unknown.
func unknown() -> void:
	var way: Node = root.get_node("Reprieve")
	same(way.is_loaded(), false, "the library")
	var client: RefCounted = way.open("res://reprieve.toml")
	var core: RefCounted = client.feature("cad", "core")
	same([core.access(), core.allowed(), core.check().access_word, client.check("cad", "core").state], [way.ACCESS_UNKNOWN, false, "unknown", 0], "unknown")
	same(client.explain("cad", "core")["trouble"], way.trouble, "why")
	same([client.upkeep(), client.last_error.message], [false, way.trouble], "an error that says why")
	var keeper: Node = way.keeper()
	keeper.client = client
	keeper.decision_changed.connect(func(_feature: String, _decision: RefCounted, _first: bool) -> void: print("never"))
	root.add_child(keeper)
	await frames(5)
	keeper.free()
	print("unknown: ", way.trouble)
