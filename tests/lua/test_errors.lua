-- What fails, and how: `nil, err` for what the library refuses, an error raised for a mistake in the program.
local reprieve = require "reprieve"
local T = require "check"
local test, equal, ok, fails, raises = T.test, T.equal, T.ok, T.fails, T.raises
local APP = os.getenv "REPRIEVE_APP_FOLDER"

test("an error says what, and what to do", function()
  local err = fails("app", reprieve.open "no/such/reprieve.toml")
  equal(err.status, reprieve.constants.STATUS_APP)
  assert(tostring(err):find("no/such/reprieve.toml", 1, true), tostring(err))
  equal(err.message, tostring(err))
  equal("opening: " .. err, "opening: " .. err.message)
  local caught = select(2, pcall(function() assert(reprieve.open "no/such/reprieve.toml") end))
  equal(caught.word, "app", "the object goes through assert")
end)

test("what opening refuses", function()
  fails("app", reprieve.open_toml "this is no application file")
  fails("app", reprieve.open_toml "")
  fails("missing", reprieve.open(APP .. "/reprieve.toml", { folder = APP .. "/nothing", create = false }))
  local toml = T.read(APP .. "/reprieve.toml")
  local other = toml:gsub('secret = "[^"]*"', 'secret = "' .. ("A"):rep(43) .. '="')
  fails("wrong_key", reprieve.open_toml(other, { folder = APP .. "/ledger", witness = APP .. "/witness" }))
  fails("argument", reprieve.open("a\0b"))
  fails("argument", reprieve.open("\255\254"))
  fails("argument", reprieve.open_toml("\255"))
  fails("argument", reprieve.open(APP .. "/reprieve.toml", { folder = "a\0b" }))
  fails("argument", reprieve.open(APP .. "/reprieve.toml", { witness = "\192" }))
  fails("scenario", reprieve.drill.from_scenario "{}")
  fails("scenario", reprieve.drill.from_scenario '{"sku":"cad","steps":[{"nonsense":1}]}')
  fails("argument", reprieve.drill.from_scenario "\0")
  fails("missing", reprieve.drill.open(APP .. "/no drill"))
  fails("scenario", reprieve.drill.create(APP .. "/a drill", "{}"))
  fails("argument", reprieve.drill.create "a\0b")
end)

test("names and texts that are none", function()
  local drill, client = T.drill(reprieve, 86400)
  local huge = ("x"):rep(32 * 1024 * 1024)
  for _, name in ipairs { "", "no name", "Grüße", ("x"):rep(129), huge } do
    fails("argument", client:feature("cad", name))
    fails("argument", client:feature(name, "core"))
    equal(client:check("cad", name).access, "unknown")
    equal(client:check(name, "core").access, "unknown")
    assert(ok(client:explain("cad", name)):find('"access":"unknown"', 1, true))
  end
  for _, name in ipairs { "a\0b", "\0", "\255", "\237\160\128" } do
    fails("argument", client:feature("cad", name))
    local decision, err = client:check("cad", name)
    equal(decision.access, "unknown")
    equal(decision:allowed(), false)
    equal(decision.ends, nil)
    equal(err.word, "argument")
    fails("argument", client:explain(name, "core"))
    fails("argument", client:status(name))
    fails("argument", client:next_event(name))
    fails("argument", client:appeal("L1", name))
    fails("argument", client:appeal(name, "text"))
    fails("argument", client:acknowledge(name, { record = 1, index = 0 }))
  end
  fails("argument", client:status "no name")
  fails("argument", client:next_event "")
  fails("argument", client:appeal(nil, ""))
  fails("argument", client:appeal(nil, ("x"):rep(10001)))
  for _, token in ipairs { "", "x", "\0", "\255\0\255", "a.b.c", huge } do
    local answer = ok(client:import(token))
    equal(answer.accepted, false)
    equal(answer.error, "malformed")
    equal(answer.kind, nil)
  end
  fails("claims", client:renew '{"documents":5}')
  equal(ok(client:renew "<html>").accepted, 0)
  equal(client:check("cad", "core").access, "full", "after all that")
end)

test("what a drill refuses", function()
  local drill = T.drill(reprieve)
  fails("argument", drill:step(0))
  fails("argument", drill:advance(-1))
  fails("claims", drill:issue("lease", "no JSON"))
  fails("argument", drill:issue("lease", "{}", { fault = "unheard of" }))
  fails("claims", drill:issue("extension", "{}", { signers = 0 }))
  local folder = APP .. "/real"
  local real = ok(reprieve.drill.create(folder))
  fails("unsupported", real:advance(1))
end)

test("an event iterator that fails ends, and says so", function()
  local drill, client = T.drill(reprieve)
  local events = client:events "no name\0"
  for _ in events do error "there is none" end
  equal(events.error.word, "argument")
  events = client:events "tray"
  equal(events(), nil)
  ok(client:appeal(nil, "one"))
  ok(events())
  ok(client:close())
  equal(events(), nil)
  equal(events.error.word, "closed")
end)

test("wrong types raise, where they were passed", function()
  local drill, client = T.drill(reprieve, 86400)
  local core = ok(client:feature("cad", "core"))
  local builder = ok(drill:builder())
  local calls = {
    { client, "feature", 2 }, { client, "check", 2 }, { client, "explain", 2 }, { client, "import", 1 }, { client, "renew", 1 },
    { client, "report", 1 }, { client, "status", 1 }, { client, "next_event", 1 }, { client, "events", 1 }, { builder, "folder", 1 },
    { builder, "witness", 1 }, { builder, "upkeep", 1 },
  }
  for _, value in ipairs { false, true, 5, 0 / 0, {}, print, io.stdout, core, client, coroutine.create(print) } do
    for _, call in ipairs(calls) do
      local message = raises("string expected, got", function() call[1][call[2]](call[1], value, value) end)
      assert(message:find "test_errors.lua" and message:find("'" .. call[2] .. "'", 1, true), message)
      if call[3] == 2 then raises("#2", function() call[1][call[2]](call[1], "cad", value) end) end
    end
    raises("string expected", function() reprieve.open(value) end)
    raises("string expected", function() reprieve.open_toml(value) end)
    raises("string expected", function() reprieve.builder.from_file(value) end)
    raises("string expected", function() reprieve.builder.from_toml(value) end)
    raises("string expected", function() reprieve.drill.from_scenario(value) end)
    raises("string expected", function() reprieve.drill.create(value) end)
    raises("string expected", function() reprieve.drill.open(value) end)
    raises("string expected", function() client:appeal("L1", value) end)
    raises("string expected", function() client:appeal(value, "text") end)
    raises("string expected", function() drill:issue(value, "{}") end)
    raises("string expected", function() drill:issue("lease", value) end)
  end
  for _, call in ipairs(calls) do raises("got nil", function() call[1][call[2]](call[1]) end) end
  for _, value in ipairs { false, "5", {}, print } do
    raises("number expected", function() drill:advance(value) end)
    raises("number expected", function() drill:set_wall(value) end)
    raises("number expected", function() drill:step(value) end)
    raises("number expected", function() builder:lock_timeout(value) end)
    raises("number expected", function() reprieve.text(value) end)
    raises("number expected", function() client:acknowledge("tray", { record = value, index = 0 }) end)
  end
  for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0, 0.5, 2 ^ 60 } do
    raises("whole number", function() drill:advance(value) end)
    raises("whole number", function() drill:step(value) end)
    raises("whole number", function() reprieve.text(value) end)
    raises("whole number", function() reprieve.text(0, value) end)
    raises("whole number", function() drill:issue("extension", "{}", { signers = value }) end)
    raises("whole number", function() client:acknowledge("tray", { record = value, index = 0 }) end)
  end
  for _, value in ipairs { 0 / 0, 1 / 0, -1, 2 ^ 40 } do raises("whole number", function() builder:lock_timeout(value) end) end
  raises("boolean expected", function() builder:create(1) end)
  raises("event expected", function() client:acknowledge("tray", "event") end)
  raises("no such outage: 'nework'", function() client:report "nework" end)
  raises("no such upkeep: 'never'", function() builder:upkeep "never" end)
  raises("no such document: 'leese'", function() drill:issue("leese", "{}") end)
  raises("no such option: 'fodler'", function() reprieve.open(APP .. "/reprieve.toml", { fodler = "x" }) end)
  raises("table expected", function() reprieve.open_toml("", "in_memory") end)
  raises("#2 to 'feature'", function() client.feature("cad", "core") end)
  equal(core:allowed(), true, "after all that")
end)

test("nothing is left", function()
  T.collect()
  equal(reprieve.handle_count(), 0)
end)

T.finish()
