-- Outpost in LÖVE: draws what outpost.lua knows, and takes keys.
--
--   love DIR                   the game: D plays an outage, R begins anew, Escape ends
--   love DIR --record FILE     plays it without a window, and writes what the banner says
--   love DIR --frames FOLDER   plays it, and saves pictures
--   --scenario FILE            another drill
local outpost = require "outpost"

local WIDTH, HEIGHT = 640, 360
local asked, words, scenario = {}, nil, nil
local face, news, keeper, rounds

-- A file of the game's: in its folder or archive, or in the folder above, as the engines' samples share them.
local function read(name)
  local text = love.filesystem.read(name)
  if text then return text end
  local file = assert(io.open(love.filesystem.getSource() .. "/../" .. name, "rb"))
  text = file:read "*a"
  file:close()
  return text
end

local function colour(hex, alpha)
  love.graphics.setColor(tonumber(hex:sub(1, 2), 16) / 255, tonumber(hex:sub(3, 4), 16) / 255, tonumber(hex:sub(5, 6), 16) / 255, alpha)
end

local function rectangle(hex, x, y, width, height)
  colour(hex, 1)
  love.graphics.rectangle("fill", x, y, width, height)
end

local function draw(elapsed)
  local time, alpha = face.time, face.alpha
  rectangle("0e1a2b", 0, 0, WIDTH, HEIGHT)
  rectangle("14324a", 0, 230, WIDTH, HEIGHT - 230)
  love.graphics.push()
  love.graphics.translate(320 + 180 * math.sin(0.4 * time), 226 + 3 * math.sin(1.7 * time))
  colour("b5743c", alpha.game)
  love.graphics.polygon("fill", -40, 0, 40, 0, 26, 18, -26, 18)
  colour("d9d4c7", alpha.game)
  love.graphics.rectangle("fill", -2, -46, 4, 46)
  colour("e9e4d6", alpha.game)
  love.graphics.polygon("fill", 4, -44, 4, -8, 30, -8)
  love.graphics.pop()
  colour("ffd166", alpha.lanterns)
  for i = 0, 6 do love.graphics.circle("fill", 56 + 88 * i, 300 + 4 * math.sin(time + i), 7) end
  colour("c9d6df", alpha.weather)
  for i = 0, 2 do
    local x, y = (140 + 200 * i + 8 * time) % 720 - 40, 96 + 18 * i
    love.graphics.circle("fill", x - 24, y, 16)
    love.graphics.circle("fill", x, y, 22)
    love.graphics.circle("fill", x + 24, y, 16)
  end
  love.graphics.setColor(outpost.banner_colour(face:check "game"))
  love.graphics.rectangle("fill", 0, 0, WIDTH, 48)
  love.graphics.setColor(1, 1, 1)
  local first, second = face:lines()
  love.graphics.print(first, 10, 8)
  love.graphics.print(second, 10, 26)
  love.graphics.print("D plays an outage   R begins anew", 10, HEIGHT - 24)
  love.graphics.printf(outpost.clock(elapsed), 0, HEIGHT - 24, WIDTH - 10, "right")
end

-- Pictures of the start, of some days at noon, and of the end; each as if its fading were done.
local function save_frames(folder)
  local play = outpost.play(scenario)
  face = outpost.face(play.client, words)
  local canvas = love.graphics.newCanvas(WIDTH, HEIGHT, { msaa = 4 })
  local function save(name)
    face.time = play.passed / outpost.speed
    for _, feature in ipairs(outpost.features) do face.alpha[feature] = face:wanted(feature) end
    canvas:renderTo(function() draw(play.elapsed) end)
    local file = assert(io.open(folder .. "/" .. name .. ".png", "wb"))
    file:write(canvas:newImageData():encode("png"):getString())
    file:close()
  end
  save "start"
  while play:advance() do
    local day = (play.elapsed - 43200) / 86400
    if day == 1 or day == 2 or day == 4 or day == 6 then save("day-" .. day) end
  end
  save "end"
  play:free()
end

-- The thread makes the drill, and the frame waits for nothing: until it has a client, all is unknown.
local function begin()
  rounds = (rounds or 0) + 1
  news = { elapsed = 0 }
  face = outpost.face(nil, words)
  keeper = love.thread.newThread "upkeep.lua"
  keeper:start(scenario, tostring(rounds))
end

local function order(word)
  love.thread.getChannel("orders " .. rounds):push(word)
end

local function finish()
  if not keeper then return end
  order "stop"
  keeper:wait()
  keeper = nil
end

function love.load(words_given)
  for index = 1, #words_given do
    local name = words_given[index]:match "^%-%-(%w+)$"
    if name then asked[name] = words_given[index + 1] end
  end
  words = read "words.txt"
  if asked.scenario then
    local file = assert(io.open(asked.scenario, "rb"))
    scenario = file:read "*a"
    file:close()
  else
    scenario = read "outpost.json"
  end
  if asked.record then
    local play = outpost.play(scenario)
    outpost.record(play, outpost.face(play.client, words), asked.record)
    play:free()
  end
  if asked.frames then save_frames(asked.frames) end
  if asked.record or asked.frames then
    love.event.quit()
  else
    begin()
  end
end

function love.update(seconds)
  if not keeper then return end
  local told = love.thread.getChannel("news " .. rounds):pop()
  while told do
    if told.number and told.number ~= news.number then
      -- A client of this Lua state on the thread's open ledger.
      face:ask(assert(outpost.reprieve.client(told.number)))
      if not news.ready then
        for _, name in ipairs(outpost.features) do face.alpha[name] = face:wanted(name) end
      end
    end
    news, told = told, love.thread.getChannel("news " .. rounds):pop()
  end
  face:frame(seconds)
end

function love.draw()
  if keeper then draw(news.elapsed) end
end

function love.keypressed(key)
  if key == "escape" then love.event.quit() end
  if key == "r" or key == "d" and news.over then
    finish()
    begin()
  end
  if key == "d" then order "play" end
end

function love.quit()
  finish()
end
