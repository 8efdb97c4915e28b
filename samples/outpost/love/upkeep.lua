-- The thread, a Lua state of its own: the drill's steps when they are due, and upkeep once a second. It gives the frame its client's number.
require "love.timer"
local outpost = require "outpost"
local scenario, name = ...
local orders, news = love.thread.getChannel("orders " .. name), love.thread.getChannel("news " .. name)

local play, due = outpost.play(scenario), nil
local function tell()
  news:push { number = play.client and play.client:number(), elapsed = play.elapsed, over = play:over(), ready = true }
end
tell()
repeat
  local order = orders:demand(due and math.max(0, due - love.timer.getTime()) or 1)
  if order == "play" and not play:over() then due = love.timer.getTime() end
  if play.client then
    -- Busy, or the disk is full: that is said, and the next round does it.
    local done, err = pcall(function()
      if due and love.timer.getTime() >= due then
        due = play:advance() and due + 1 / outpost.speed or nil
        tell()
      elseif not due then
        assert(play.client:upkeep())
      end
    end)
    if not done then io.stderr:write("outpost: ", tostring(err), "\n") end
  end
until order == "stop"
play:free()
