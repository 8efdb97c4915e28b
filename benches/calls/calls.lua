-- `calls.lua APP ROUNDS COUNT`: times batches of checks by the binding and from C in turns, in nanoseconds.
local ffi = require("ffi")
local reprieve = require("reprieve")

ffi.cdef([[
int loops_open(const char *app);
uint64_t loops_now(void);
uint64_t loops_handle(uint64_t count);
]])
local loops = ffi.load("loops")

local app, rounds, count = arg[1], tonumber(arg[2]), tonumber(arg[3])
assert(loops.loops_open(app) == 1, "the ledger cannot be opened")
local client = assert(reprieve.open(app))
local feature = assert(client:feature("cad", "core"))

local function ours()
  local good = 0
  local start = loops.loops_now()
  for _ = 1, count do
    if feature:check().access == "full" then good = good + 1 end
  end
  local took = loops.loops_now() - start
  assert(good == count, "a check went wrong")
  return tonumber(took)
end

local function c()
  local took = tonumber(loops.loops_handle(count))
  assert(took > 0, "a check went wrong")
  return took
end

-- The first rounds warm up: the compiler has seen the loop then.
for round = -2, rounds do
  local a, b
  if round % 2 == 0 then
    a, b = ours(), c()
  else
    b, a = c(), ours()
  end
  if round > 0 then print(string.format("%d %d", a, b)) end
end
