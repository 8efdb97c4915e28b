-- The thread: a Lua state of its own, with a client on the same open ledger.
local reprieve = require "lib.reprieve"
local client = assert(reprieve.client((...)))
local channel = love.thread.getChannel "upkeep"
repeat
  assert(client:upkeep())
  if client:check("cad", "core").state == "expired" then love.thread.getChannel("done"):push(true) end
until channel:demand(0.01)
