-- What Outpost knows and does not draw: the drill, what each feature may show, and the sentences. Copy what you can use.
-- Nothing here knows of LÖVE: any LuaJIT runs it.

local found, reprieve = pcall(require, "reprieve")
if not found then
  -- A broken installation is no refusal: the game goes on, and says what it could not find out.
  io.stderr:write("outpost: licences cannot be checked: ", tostring(reprieve), "\n")
  reprieve = nil
end

local outpost = {
  sku = "outpost", features = { "game", "lanterns", "weather" },
  opaque = { full = 1, limited = 0.4, denied = 0.06, unknown = 0.7 },
  fade = 2,                                        -- of alpha, in a second
  speed = 12,                                      -- steps that let time pass, in a second
}

-- The answer if there is nobody to ask.
local UNCHECKED = { access = "unknown" }

-- Words. -------------------------------------------------------------------------------------------------------------

--- The lines of words.txt, by their keys.
function outpost.words_of(text)
  local words = {}
  for key, sentence in text:gmatch "([%w_.]+) = ([^\r\n]*)" do words[key] = sentence end
  return words
end

--- How long that is, for a customer: the two largest units.
function outpost.runway(seconds)
  local days, hours, minutes = math.floor(seconds / 86400), math.floor(seconds / 3600) % 24, math.floor(seconds / 60) % 60
  if days > 0 then return ("%d d %d h"):format(days, hours) end
  if hours > 0 then return ("%d h %d min"):format(hours, minutes) end
  if minutes > 0 then return ("%d min"):format(minutes) end
  return ("%d s"):format(seconds)
end

--- What a customer reads about a decision.
function outpost.sentence(words, decision, prefix)
  prefix = prefix or ""
  local access, state, reason = decision.access, tostring(decision.state), tostring(decision.reason)
  local said
  if access == "unknown" then
    said = words[prefix .. "unknown"]
  else
    said = words[prefix .. state .. "." .. reason .. "." .. access] or words[prefix .. state .. "." .. reason]
      or words[prefix .. state .. "." .. access] or words[prefix .. state]
  end
  local left = decision.ends and outpost.runway(decision.ends - decision.t) or "some time"
  return ((said or access):gsub("{left}", left))
end

--- The drill's time as a customer reads it.
function outpost.clock(seconds)
  return ("day %d %02d:%02d"):format(math.floor(seconds / 86400), math.floor(seconds / 3600) % 24, math.floor(seconds / 60) % 60)
end

--- The banner's colour: red, green and blue, 0 to 1.
function outpost.banner_colour(decision)
  if decision.access == "unknown" then return 0x5b / 255, 0x4a / 255, 0x7a / 255 end
  if decision.access == "denied" then return 0x8a / 255, 0x2f / 255, 0x2f / 255 end
  if decision.access == "full" and decision.state == "licensed" then return 0x1f / 255, 0x6f / 255, 0x4a / 255 end
  return 0x8a / 255, 0x6d / 255, 0x1f / 255
end

-- What a frame asks. It never waits. ----------------------------------------------------------------------------------

local Face = {}
Face.__index = Face

--- What is shown of a client. `client` may be nil: then all is unknown.
function outpost.face(client, words)
  local face = setmetatable({ words = outpost.words_of(words), time = 0, asked = {}, alpha = {} }, Face)
  for _, name in ipairs(outpost.features) do
    face.asked[name] = client and assert(client:feature(outpost.sku, name))
    face.alpha[name] = face:wanted(name)
  end
  return face
end

--- The same face goes on with another client.
function Face:ask(client)
  for _, name in ipairs(outpost.features) do self.asked[name] = client and assert(client:feature(outpost.sku, name)) end
end

function Face:check(name)
  local feature = self.asked[name]
  if feature then return feature:check() end
  return UNCHECKED
end

function Face:wanted(name)
  return outpost.opaque[self:check(name).access]
end

--- The banner's two lines.
function Face:lines()
  local parts = {}
  for index = 2, #outpost.features do
    local name = outpost.features[index]
    parts[#parts + 1] = name .. ": " .. outpost.sentence(self.words, self:check(name), "feature.")
  end
  return outpost.sentence(self.words, self:check "game"), table.concat(parts, "   ")
end

--- So much real time has passed.
function Face:frame(seconds)
  self.time = self.time + seconds
  local most = outpost.fade * seconds
  for name, alpha in pairs(self.alpha) do
    self.alpha[name] = alpha + math.max(-most, math.min(most, self:wanted(name) - alpha))
  end
end

-- The drill, and what takes time: a step, a document, upkeep. Not for the frame's thread. -----------------------------------

local Play = {}
Play.__index = Play

--- Makes the drill and its client. With licences of your own, `reprieve.open` makes the client, and the steps go. Without the library, or if
-- the drill cannot be made, there is no client.
function outpost.play(scenario)
  local play = setmetatable({ timed = {}, done = 0, passed = 0, elapsed = 0 }, Play)
  for step in (scenario:match '"steps"%s*:%s*(%b[])' or ""):gmatch "%b{}" do
    play.timed[#play.timed + 1] = step:match '^{%s*"advance"' ~= nil
  end
  if not reprieve then return play end
  local made, err = pcall(function()
    play.drill = assert(reprieve.drill.from_scenario(scenario))
    play.client = assert(assert(assert(play.drill:builder()):upkeep "own"):open())
    play.began = assert(play.drill:now())
    play:settle()
  end)
  if not made then io.stderr:write("outpost: licences cannot be checked: ", tostring(err), "\n") end
  return play
end

function Play:over()
  return not self.client or self.done >= #self.timed
end

--- The next step: the world's part of it, and the product's.
function Play:step()
  local task = assert(self.drill:step(self.done))
  if task.kind == "import" then assert(self.client:import(task.token)) end
  if task.kind == "report" then assert(self.client:report(task.outage) ~= nil) end
  self.done = self.done + 1
  if self.timed[self.done] then self.passed = self.passed + 1 end
end

--- All steps that let no time pass, up to the next one that does; then upkeep, and the game has its time.
function Play:settle()
  while not self:over() and not self.timed[self.done + 1] do self:step() end
  assert(self.client:upkeep())
  self.elapsed = assert(self.drill:now()) - self.began
end

--- The next step that lets time pass, and what follows at once. False at the end.
function Play:advance()
  if self:over() then return false end
  self:step()
  self:settle()
  return not self:over()
end

function Play:free()
  if self.client then self.client:close() end
  if self.drill then self.drill:free() end
end

--- Plays the drill without waiting, and writes the banner whenever it changes.
function outpost.record(play, face, path)
  local file = assert(io.open(path, "wb"))
  local last
  while true do
    local now = table.concat({ face:lines() }, "\t")
    if now ~= last then
      last = now
      file:write(outpost.clock(play.elapsed), "\t", now, "\n")
    end
    if play:over() then break end
    play:advance()
  end
  file:close()
end

outpost.reprieve = reprieve
return outpost
