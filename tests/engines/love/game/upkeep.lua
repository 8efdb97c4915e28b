-- Upkeep off the frame's thread, until a word comes. What it could not do is told.
local reprieve = require "reprieve"
local number, name = ...
local client = assert(reprieve.client(number))
local orders, troubles = love.thread.getChannel("orders " .. name), love.thread.getChannel("troubles " .. name)
repeat
  local done, err = client:upkeep()
  if not done then troubles:push(err.word .. ": " .. tostring(err)) end
until orders:demand(0.01)
client:free()
