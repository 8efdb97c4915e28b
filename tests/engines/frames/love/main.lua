-- As ../frame.lua says, in LÖVE: a check is asked in love.update, and upkeep is done by a love.thread. `love . MODE APP SECONDS`.
local run, keeper

function love.errorhandler(message)
  io.stderr:write(debug.traceback(tostring(message)), "\n")
  os.exit(1)
end

function love.load(words)
  local frames = require "frame"
  run = frames.new(words[1], words[2], tonumber(words[3]), function(client)
    keeper = love.thread.newThread "upkeep.lua"
    keeper:start(client:number(), frames.every)
  end)
end

function love.update()
  if not run.frame() then
    run.finish()
    love.event.quit(0)
  end
end

function love.quit()
  love.thread.getChannel("upkeep"):push(true)
  keeper:wait()
  assert(not keeper:getError(), keeper:getError())
end
