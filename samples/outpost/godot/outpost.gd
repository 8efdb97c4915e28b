extends RefCounted
# What Outpost knows and does not draw: the drill, what each feature may show, and the sentences. Copy what you can use.
#
# A frame asks and never waits: steps of the drill and upkeep are done by a thread. No class of the extension is named here, so that the game goes
# on without its library; what `Reprieve` gives then answers `unknown`.

const SKU := "outpost"
const FEATURES: Array[String] = ["game", "lanterns", "weather"]
const OPAQUE: Dictionary = {
	Reprieve.ACCESS_FULL: 1.0, Reprieve.ACCESS_LIMITED: 0.4, Reprieve.ACCESS_DENIED: 0.06, Reprieve.ACCESS_UNKNOWN: 0.7,
}
# Of alpha, in a second.
const FADE := 2.0
# Steps that let time pass, in a second.
const SPEED := 12.0

var time := 0.0
var alpha := {}
var elapsed := 0
# Steps that have let time pass.
var passed := 0

var _words := {}
var _timed: Array[bool] = []
var _done := 0
var _drill: RefCounted
var _client: RefCounted
var _features := {}
var _began := 0.0
var _thread: Thread
# What the frame asks of the thread: counted up for each step that is due, and once for the end.
var _wake := Semaphore.new()
var _lock := Mutex.new()
var _orders := 0
var _playing := false
var _stop := false
var _due := 0.0


func _init(scenario: String, words: String) -> void:
	for line in words.split("\n"):
		var parts := line.split(" = ", true, 1)
		if parts.size() == 2:
			_words[parts[0]] = parts[1]
	var parsed: Variant = JSON.parse_string(scenario)
	if parsed is Dictionary and parsed.get("steps") is Array:
		for step: Dictionary in parsed.steps:
			_timed.append(step.has("advance"))
	# With licences of your own, `Reprieve.open` makes the client, and the steps go.
	_drill = Reprieve.drill(scenario)
	if _drill == null:
		push_error("outpost: licences cannot be checked: %s" % Reprieve.get_drill_error())
	else:
		_client = _drill.new_client({"upkeep": "own"})
	if _client != null:
		for name in FEATURES:
			_features[name] = _client.feature(SKU, name)
		_began = _drill.now()
		_settle()
	for name in FEATURES:
		alpha[name] = wanted(name)


# What a frame asks.

func access(name: String) -> int:
	return _features[name].access() if _features.has(name) else Reprieve.ACCESS_UNKNOWN


func wanted(name: String) -> float:
	return OPAQUE[access(name)]


## The banner's two lines.
func lines() -> PackedStringArray:
	var parts := PackedStringArray()
	for name in FEATURES.slice(1):
		parts.append("%s: %s" % [name, _sentence(name, "feature.")])
	return PackedStringArray([_sentence("game", ""), "   ".join(parts)])


func banner_colour() -> Color:
	match access("game"):
		Reprieve.ACCESS_UNKNOWN:
			return Color("#5b4a7a")
		Reprieve.ACCESS_DENIED:
			return Color("#8a2f2f")
		Reprieve.ACCESS_FULL:
			if _features["game"].check().state == Reprieve.STATE_LICENSED:
				return Color("#1f6f4a")
	return Color("#8a6d1f")


## The drill's time since it began.
func clock() -> String:
	return "day %d %02d:%02d" % [elapsed / 86400, elapsed / 3600 % 24, elapsed / 60 % 60]


## So much real time has passed.
func frame(seconds: float) -> void:
	time += seconds
	for name in FEATURES:
		alpha[name] = move_toward(alpha[name], wanted(name), FADE * seconds)
	if _thread == null:
		return
	if _playing:
		_due += SPEED * seconds
		if _due >= 1.0 and _lock.try_lock():
			_orders += int(_due)
			_due -= int(_due)
			_playing = not over()
			_lock.unlock()
			_wake.post()


## Lets the drill go on.
func play() -> void:
	_playing = not over()
	_due = 0.0


func over() -> bool:
	return _features.is_empty() or _done >= _timed.size()


# What takes time: a step, a document, upkeep. Not for the frame's thread.

# The next step that lets time pass, and what follows at once.
func advance() -> void:
	if not over():
		_step()
		passed += 1
		_settle()


# The world's part of the next step, and the game's.
func _step() -> void:
	var task: RefCounted = _drill.step(_done)
	_done += 1
	if task == null:
		push_error("outpost: %s" % _drill.last_error)
		return
	match task.kind:
		Reprieve.TASK_IMPORT:
			_client.import_document(task.token)
		Reprieve.TASK_REPORT:
			_client.report(task.outage)


# All steps that let no time pass, up to the next one that does; then upkeep, and the game has its time.
func _settle() -> void:
	while _done < _timed.size() and not _timed[_done]:
		_step()
	_client.upkeep()
	elapsed = int(_drill.now() - _began)


## Upkeep, once a second, and the steps of the drill, when they are due, on a thread of their own.
func start() -> void:
	if _client != null and _thread == null:
		_thread = Thread.new()
		_thread.start(_keep)


## Ends the thread, and the drill.
func close() -> void:
	if _thread != null:
		_stop = true
		_wake.post()
		_thread.wait_to_finish()
		_thread = null
	if _client != null:
		_client.close()
	if _drill != null:
		_drill.close()


func _keep() -> void:
	var looked := Time.get_ticks_msec()
	while not _stop:
		# A semaphore has no deadline: it is looked at.
		if not _wake.try_wait():
			OS.delay_msec(5)
		_lock.lock()
		var orders := _orders
		_orders = 0
		_lock.unlock()
		for _order in orders:
			if not _stop:
				advance()
		if orders == 0 and Time.get_ticks_msec() - looked > 1000:
			looked = Time.get_ticks_msec()
			_client.upkeep()


# Words.

func _sentence(name: String, prefix: String) -> String:
	if not _features.has(name):
		return _words.get(prefix + "unknown", "unknown")
	var decision: RefCounted = _features[name].check()
	var keys: Array[String] = ["%s.%s.%s" % [decision.state_word, decision.reason_word, decision.access_word],
		"%s.%s" % [decision.state_word, decision.reason_word], "%s.%s" % [decision.state_word, decision.access_word], decision.state_word]
	if decision.access == Reprieve.ACCESS_UNKNOWN:
		keys = ["unknown"]
	for key in keys:
		if _words.has(prefix + key):
			return _words[prefix + key].replace("{left}", runway(decision.runway) if decision.ends_text != "" else "some time")
	return decision.access_word


## How long that is, for a customer: the two largest units, rounded down.
static func runway(left: float) -> String:
	var seconds := floori(left)
	if seconds >= 86400:
		return "%d d %d h" % [seconds / 86400, seconds / 3600 % 24]
	if seconds >= 3600:
		return "%d h %d min" % [seconds / 3600, seconds / 60 % 60]
	return "%d min" % (seconds / 60) if seconds >= 60 else "%d s" % seconds
