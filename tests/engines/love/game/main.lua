-- What tests/engines/love/run.py starts: `love game MODE ARGUMENTS`. It prints what it saw, and quits.
local modes, scene, words = {}, nil, nil

function love.errorhandler(message)
  io.stderr:write(debug.traceback(tostring(message)), "\n")
  os.exit(1)
end

local function say(...)
  print(...)
  io.stdout:flush()
end

-- A scene: a client on the ledger, features, upkeep in a thread.
local scenes = 0
local function enter(reprieve, app)
  scenes = scenes + 1
  local made = { name = tostring(scenes), frames = 0, allowed = 0 }
  made.client = assert(reprieve.open(app, { upkeep = "own" }))
  made.core = assert(made.client:feature("cad", "core"))
  made.keeper = love.thread.newThread "upkeep.lua"
  made.keeper:start(made.client:number(), made.name)
  return made
end

local function frame(made)
  made.frames = made.frames + 1
  if made.core:allowed() then made.allowed = made.allowed + 1 end
end

local function leave(made)
  if made.renewing then made.renewing:free() end
  love.thread.getChannel("orders " .. made.name):push "stop"
  made.keeper:wait()
  assert(not made.keeper:getError(), made.keeper:getError())
  assert(made.client:close())
end

-- Every scenario, by LÖVE's own LuaJIT: conformance.lua writes the lines and ends the process.
function modes.conformance()
  arg = { [0] = words[2], unpack(words, 3) }
  dofile(words[2])
end

-- The game is entered and left a hundred times in one process, with renewals under way if there is a third word. What an earlier round leaves behind is seen by the next one.
function modes.hundred()
  local reprieve = require "reprieve"
  local path = words[3]
  local file = io.open(path, "rb")
  local round = file and tonumber(file:read "*a") or 0
  if file then file:close() end
  assert(reprieve.handle_count() == 0, "round " .. round .. " begins with handles of the round before: " .. reprieve.handle_count())
  scene = enter(reprieve, words[2])
  if words[4] then
    scene.renewing = assert(scene.client:renewing { proxy = "none" })
    assert(scene.renewing:renew_now())
  end
  function scene.update()
    if scene.frames < 5 then return end
    assert(scene.allowed == scene.frames, "access was not full")
    local out = assert(io.open(path, "wb"))
    out:write(round + 1)
    out:close()
    if round + 1 == 100 then
      local memory = assert(io.open "/proc/self/statm"):read "*a"
      say("left 100 times", memory:match "%d+ (%d+)")
      love.event.quit(0)
    else
      if round == 9 then say("left 10 times", assert(io.open "/proc/self/statm"):read "*a":match "%d+ (%d+)") end
      love.event.quit "restart"
    end
  end
end

-- A script is reloaded, module and all, while its objects live.
function modes.reload()
  local reprieve = require "reprieve"
  scene = enter(reprieve, words[2])
  local first = scene
  function scene.update()
    if scene.frames % 10 ~= 0 then return end
    for name in pairs(package.loaded) do
      if name:match "^reprieve" then package.loaded[name] = nil end
    end
    local again = require "reprieve"
    assert(again ~= reprieve, "it was not loaded anew")
    local client = assert(again.client(scene.client:number()))
    assert(client:feature("cad", "core"):check().access == "full" and first.core:check().access == "full")
    scene.core = assert(client:feature("cad", "core"))
    collectgarbage()
    if scene.frames == 50 then
      say("reloaded", scene.frames, scene.allowed)
      love.event.quit(0)
    end
  end
end

-- Two scenes, each with a client of its own on the one ledger; what one is told, the other knows.
function modes.scenes()
  local reprieve = require "reprieve"
  scene = enter(reprieve, words[2])
  local other = enter(reprieve, words[2])
  local seen = 0
  other.client:next_event "hud"
  function scene.update()
    frame(other)
    if scene.frames == 10 then assert(scene.client:appeal("L1", "from the first scene")) end
    for event in other.client:events "hud" do
      if event.text == "from the first scene" then seen = seen + 1 end
    end
    if scene.frames == 30 then
      leave(other)
      -- One is left; the other goes on.
      assert(scene.core:check().access == "full" and other.core:check().access == "unknown")
      say("scenes", other.allowed, seen)
      love.event.quit(0)
    end
  end
end

-- Appends in every frame, as fast as they go, until the process is killed.
function modes.appends()
  local reprieve = require "reprieve"
  scene = enter(reprieve, words[2])
  say("appending " .. scene.core:check().access)
  local number = 0
  function scene.update()
    for _ = 1, 20 do
      number = number + 1
      assert(scene.client:appeal("L1", ("appeal %d %s"):format(number, ("."):rep(number % 7 * 900))))
      say(number)
    end
  end
end

-- The disk is full: the frame goes on, the thread says what is the matter, and so does each call that wants to write.
function modes.full()
  local reprieve = require "reprieve"
  local opened, err = reprieve.open(words[2], { upkeep = "own" })
  if not opened then
    say("not opened", err.word, tostring(err))
    return love.event.quit(0)
  end
  opened:free()
  scene = enter(reprieve, words[2])
  local denied, trouble = 0, "-"
  function scene.update()
    if scene.core:check().access == "denied" then denied = denied + 1 end
    if scene.frames % 5 == 0 then
      local packet, why = scene.client:appeal("L1", ("no room "):rep(1000))
      if not packet then trouble = why.word .. ": " .. tostring(why) end
    end
    if scene.frames == 60 then
      say("full disk", denied, scene.core:check().access, trouble)
      leave = function(made)
        love.thread.getChannel("orders " .. made.name):push "stop"
        made.keeper:wait()
      end
      love.event.quit(0)
    end
  end
end

-- A lease is renewed by the library's own HTTP while frames go on: seen by a check in a frame, and by what is asked for a banner.
function modes.renews()
  local reprieve = require "reprieve"
  scene = enter(reprieve, words[2])
  scene.renewing = assert(scene.client:renewing { proxy = "none", headers = { Authorization = "Bearer " .. words[3] } })
  local first, begin = scene.core:check().access, love.timer.getTime()
  function scene.update()
    local access = scene.core:check().access
    if access == "full" and scene.frames % 10 == 0 then
      local state = assert(scene.renewing:state())
      if state.word == "renewed" and not state.is_busy then
        say("renews", first, access, state.next > 60, reprieve.library)
        love.event.quit(0)
      end
    end
    assert(love.timer.getTime() - begin < 20, "not renewed within 20 s")
  end
end

local function threads()
  return tonumber(assert(io.open "/proc/self/status"):read("*a"):match "Threads:%s*(%d+)")
end

-- The game is left while a server says nothing: nothing waits for it. The thread that was listening ends by its attempt's time.
function modes.hangs()
  local reprieve = require "reprieve"
  scene = enter(reprieve, words[2])
  local before, plain = threads(), leave
  scene.renewing = assert(scene.client:renewing { proxy = "none", timeout = 3 })
  leave = function(made)
    local more, begin = threads() - before, love.timer.getTime()
    plain(made)
    local left = love.timer.getTime() - begin < 3
    -- The scene's keeper has ended too.
    while threads() >= before and love.timer.getTime() - begin < 10 do love.timer.sleep(0.01) end
    say("left", left, more > 0, threads() < before)
  end
  function scene.update()
    if scene.frames > 20 and scene.renewing:state().is_busy then love.event.quit(0) end
    assert(scene.frames < 5000, "it does not begin")
  end
end

-- The widest that the banner's lines can be.
function modes.widths()
  package.path = words[2] .. "/love/?.lua;" .. package.path
  local outpost = require "outpost"
  local file = assert(io.open(words[2] .. "/words.txt", "rb"))
  local font, first, parts = love.graphics.newFont(12), 0, {}
  for key, text in pairs(outpost.words_of(file:read "*a")) do
    text = text:gsub("{left}", "23 h 59 min")
    if key:match "^feature%." then
      for index = 2, #outpost.features do
        local name = outpost.features[index]
        parts[name] = math.max(parts[name] or 0, font:getWidth(name .. ": " .. text))
      end
    else
      first = math.max(first, font:getWidth(text))
    end
  end
  local second = font:getWidth "   "
  for _, width in pairs(parts) do second = second + width end
  say("widths", first, second)
  love.event.quit(0)
end

function love.load(given)
  words = given
  modes[given[1]]()
end

function love.update()
  if not scene then return end
  frame(scene)
  scene.update()
end

function love.quit()
  if scene then leave(scene) end
end
