extends Node
# The frame bench: in each frame of a game that runs at 60, 1,000 checks, and 1,000 calls of an empty method of the extension that reads the coarse
# clock. Which comes first changes with each frame. It prints one line of microseconds for each kind.
# godot --headless --path PROJECT bench.tscn -- APP FRAMES [strace]

const CALLS := 1000
const WARM := 60

var _client: ReprieveClient
var _core: ReprieveFeature
var _probe := ReprieveProbe.new()
var _loose: Object
var _keeper: ReprieveKeeper
var _renewing := 0
var _frames := 0
var _wanted := 0
var _took := {"access": [], "allowed": [], "empty": [], "untyped": [], "loose": []}
var _full := 0
# Frames in whose checks Rust allocated.
var _allocating := 0


func _ready() -> void:
	Engine.max_fps = 60
	var arguments := OS.get_cmdline_user_args()
	_wanted = int(arguments[1])
	_client = ReprieveClient.open_with(arguments[0], {"upkeep": "own"})
	_core = _client.feature("cad", "core")
	_loose = _core
	var keeper := ReprieveKeeper.new()
	keeper.client = _client
	keeper.sku = "cad"
	keeper.features = ["core"]
	keeper.interval = 1.0
	keeper.consumer = "bench-%d" % OS.get_process_id()
	# Where it gets no answer, so that an attempt is under way in every frame.
	keeper.renew_options = {"proxy": "none"}
	keeper.renew = true
	add_child(keeper)
	_keeper = keeper
	print("ready ", OS.get_process_id())


func _process(_delta: float) -> void:
	_frames += 1
	if _frames <= WARM:
		_core.access()
		return
	if _frames == WARM + 1:
		# Seen by strace: from here on frames are measured.
		DirAccess.dir_exists_absolute("/reprieve-bench-begins")
		return
	# As a banner asks.
	_renewing += int(_keeper.renewal != null and _keeper.renewal.is_busy)
	var kinds: Array[Callable] = [access, allowed, empty, untyped, loose]
	var before := _probe.allocations()
	for turn in kinds.size():
		kinds[(turn + _frames) % kinds.size()].call()
	_allocating += int(_probe.allocations() != before)
	if _frames == WARM + 1 + _wanted:
		DirAccess.dir_exists_absolute("/reprieve-bench-ends")
		for kind: String in _took:
			print(kind, " ", " ".join(PackedStringArray(_took[kind].map(func(value: int) -> String: return str(value)))))
		print("full ", _full)
		print("renewing ", _renewing)
		# The second is how often the thread allocated in all, and shows that it is counted.
		print("allocating ", _allocating, " ", _probe.allocations())
		get_tree().quit()


func access() -> void:
	var core := _core
	var full := 0
	var began := Time.get_ticks_usec()
	for _call in CALLS:
		full += int(core.access() == ReprieveDecision.ACCESS_FULL)
	_took.access.append(Time.get_ticks_usec() - began)
	_full += full


func allowed() -> void:
	var core := _core
	var full := 0
	var began := Time.get_ticks_usec()
	for _call in CALLS:
		full += int(core.allowed())
	_took.allowed.append(Time.get_ticks_usec() - began)
	_full += full


func empty() -> void:
	var probe := _probe
	var full := 0
	var began := Time.get_ticks_usec()
	for _call in CALLS:
		full += int(probe.empty())
	_took.empty.append(Time.get_ticks_usec() - began)


# As a script has it that names no class of the extension.
func untyped() -> void:
	var core: Variant = _core
	var full := 0
	var began := Time.get_ticks_usec()
	for _call in CALLS:
		full += int(core.allowed())
	_took.untyped.append(Time.get_ticks_usec() - began)
	_full += full


func loose() -> void:
	var probe: Variant = _probe
	var full := 0
	var began := Time.get_ticks_usec()
	for _call in CALLS:
		full += int(probe.empty())
	_took.loose.append(Time.get_ticks_usec() - began)
