extends Node
# A scene of a game: a client on the ledger, a feature, and a keeper. It leaves them to the engine when it goes.

var client: ReprieveClient
var core: ReprieveFeature
var keeper: ReprieveKeeper
var asked := 0
var full := 0
var first := 0


func _ready() -> void:
	var app := OS.get_cmdline_user_args()[1]
	client = ReprieveClient.open_with(app, {"upkeep": "own"})
	core = client.feature("cad", "core")
	keeper = ReprieveKeeper.new()
	keeper.client = client
	keeper.sku = "cad"
	keeper.features = ["core"]
	keeper.interval = 0.01
	keeper.decision_changed.connect(func(_feature: String, decision: ReprieveDecision, is_first: bool) -> void:
		first += int(is_first and decision.access == ReprieveDecision.ACCESS_FULL))
	if OS.get_cmdline_user_args().size() > 2:
		keeper.renew_options = {"proxy": "none", "timeout": 0.5}
		keeper.renew = true
	add_child(keeper)


func _process(_delta: float) -> void:
	asked += 1
	full += int(core.access() == ReprieveDecision.ACCESS_FULL)
