require "love.timer"
local reprieve = require "reprieve"
local number, every = ...
local client = assert(reprieve.client(number))
while not love.thread.getChannel("upkeep"):demand(every / 1000) do client:upkeep() end
