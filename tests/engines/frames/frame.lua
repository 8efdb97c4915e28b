-- Frames at 60 a second that ask a thousand times, in LuaJIT and in LÖVE:
--
--   luajit frame.lua MODE APP SECONDS
--
-- `bench` does our checks in one frame and the empty calls in the next, and prints both times of each pair, in nanoseconds. `quiet` does our
-- checks only, each thousand of them between two marks for strace, and prints how many there were and what the frame's thread allocated in them.
-- A frame in which LuaJIT's compiler was at work ends with a mark of its own, and another is done in its place: the compiler allocates, and makes
-- its code's memory writable and executable in turn, at a time that it draws by lot.
-- FRAMES_LIB names the library that frames.c becomes.
local ffi = require "ffi"
local reprieve = require "reprieve"

ffi.cdef [[
uint64_t frames_allocations(void);
uint32_t frames_limit(const void *feature, void *decision, void **error);
uint64_t frames_now(void);
void frames_wait(uint64_t until);
void frames_mark(const char *word);
int frames_keep(void *upkeep, void *client, uint32_t milliseconds);
]]
local C = ffi.load(os.getenv "FRAMES_LIB")
local CHECKS, FRAME, WARM, SPARE = 1000, 16666667, 60, 60
-- Milliseconds between two upkeeps. Measured: no even number of frames, or it would meet the same of two frames for many seconds.
local EVERY = tonumber(os.getenv "FRAMES_EVERY" or 110)

local frames = { every = EVERY }

-- `keep` starts upkeep for a client on another thread.
function frames.new(mode, app, seconds, keep)
  local client = assert(reprieve.open(app, { upkeep = "own" }))
  assert(client:upkeep())
  local core = assert(client:feature("cad", "core"))
  keep(client)
  local count, at = math.floor(seconds * 60), 0
  local times = ffi.new("double[?]", count + WARM + SPARE + 2)
  local buffer, good = ffi.new "uint64_t[16]", 0

  local function ours()
    local allowed = 0
    for _ = 1, CHECKS do
      if core:allowed() then allowed = allowed + 1 end
    end
    return allowed
  end

  local function limit()
    local done = 0
    for _ = 1, CHECKS do
      if C.frames_limit(buffer, buffer, nil) == 0 then done = done + 1 end
    end
    return done
  end

  local made = { next = C.frames_now() }

  function made.bench()
    local body = at % 2 == 0 and ours or limit
    local start = C.frames_now()
    local done = body()
    times[at] = tonumber(C.frames_now() - start)
    if done == CHECKS then good = good + 1 end
  end

  local allocated, compiled, spared = 0, 0, 0
  if mode == "quiet" then jit.attach(function() compiled = compiled + 1 end, "trace") end

  function made.quiet()
    local before, events = tonumber(C.frames_allocations()), compiled
    C.frames_mark "begin"
    local lua = collectgarbage "count"
    local done = ours()
    local bytes = (collectgarbage "count" - lua) * 1024
    if compiled == events then
      C.frames_mark "end"
      times[at] = tonumber(C.frames_allocations()) - before + bytes
    else
      C.frames_mark "compiled"
      times[at] = 0
      if at >= WARM and spared < SPARE then spared = spared + 1 end
    end
    if done == CHECKS then good = good + 1 end
  end

  local work = made[mode]
  -- One frame; false after the last.
  function made.frame()
    made.next = made.next + FRAME
    C.frames_wait(made.next)
    work()
    at = at + 1
    return at < count + WARM + spared
  end

  function made.finish()
    assert(good == at, "access was not full in each frame")
    if mode == "bench" then
      for pair = WARM, at - 2, 2 do print(("%d %d"):format(times[pair], times[pair + 1])) end
    else
      -- The first frames warm up: their loops are being compiled.
      for frame = WARM, at - 1 do allocated = allocated + times[frame] end
      print(("checks %d allocated %d before %d"):format((at - WARM - spared) * CHECKS, allocated, tonumber(C.frames_allocations())))
    end
    io.stdout:flush()
  end
  return made
end

if not love then
  local native = require "reprieve_library".library
  local run = frames.new(arg[1], arg[2], tonumber(arg[3]), function(client)
    assert(C.frames_keep(ffi.cast("void *", native.reprieve_client_upkeep), client.handle[0], EVERY) == 0)
  end)
  while run.frame() do end
  run.finish()
  os.exit(0)
end
return frames
