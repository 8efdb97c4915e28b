-- A game that asks in every frame, with upkeep in a thread of its own. It prints what it saw and quits.
local reprieve = require "lib.reprieve"

local drill = assert(reprieve.drill.from_scenario '{"sku": "cad", "steps": []}')
local ends = drill:now() + 86400
local client = assert(assert(assert(drill:builder()):upkeep "own"):open())
assert(assert(client:import(assert(drill:issue("lease", ('{"license":"L1","sku":"cad","features":{"core":%d}}'):format(ends))))).accepted)
local core = assert(client:feature("cad", "core"))
local keeper, frames, allowed, kinds = nil, 0, 0, {}

function love.load()
  for event in client:events "hud" do kinds[#kinds + 1] = event.kind end
  keeper = love.thread.newThread "upkeep.lua"
  keeper:start(client:number())
end

function love.update()
  frames = frames + 1
  if core:allowed() then allowed = allowed + 1 end
  if frames == 60 then
    drill:advance(2 * 86400)
    love.thread.getChannel("done"):demand(5)
    for event in client:events "hud" do kinds[#kinds + 1] = event.kind end
    print(("frames %d, allowed %d, then %s, events %s, from %s"):format(frames, allowed, core:check().access, table.concat(kinds, ","), reprieve.library))
    love.event.quit(0)
  end
end

function love.quit()
  love.thread.getChannel("upkeep"):push "stop"
  keeper:wait()
  assert(not keeper:getError(), keeper:getError())
end

function love.errorhandler(message)
  io.stderr:write(debug.traceback(tostring(message)), "\n")
  os.exit(1)
end
