-- Lives of objects: freed in any order and twice, forgotten, used by coroutines, while the garbage collector runs, and across a reload.
local reprieve = require "reprieve"
local T = require "check"
local test, equal, ok, fails = T.test, T.equal, T.ok, T.fails
local FREED = "null_pointer"

test("what was freed gives errors, and is freed once more", function()
  local drill, client = T.drill(reprieve, 86400)
  local core, builder = ok(client:feature("cad", "core")), ok(drill:builder())
  local decision = core:check()
  for _ = 1, 2 do
    core:free()
    client:free()
    builder:free()
    drill:free()
    local unknown, err = core:check()
    equal(unknown, decision)
    equal(unknown.access, "unknown")
    equal(unknown.state, nil)
    equal(unknown.ends, nil)
    equal(err.word, FREED)
    assert(tostring(err):find("freed", 1, true), tostring(err))
    equal(core:allowed(), false)
    unknown, err = client:check("cad", "core")
    equal(unknown.access, "unknown")
    equal(err.word, FREED)
    fails(FREED, client:feature("cad", "core"))
    fails(FREED, client:explain("cad", "core"))
    fails(FREED, client:clone())
    fails(FREED, client:import "x")
    fails(FREED, client:renew "x")
    fails(FREED, client:report "network")
    fails(FREED, client:request())
    fails(FREED, client:endpoints())
    fails(FREED, client:next_event "tray")
    fails(FREED, client:acknowledge("tray", { record = 1, index = 0 }))
    fails(FREED, client:status "cad")
    fails(FREED, client:appeal(nil, "text"))
    fails(FREED, client:upkeep())
    fails(FREED, client:head())
    fails(FREED, client:ledger_id())
    fails(FREED, client:diagnostics())
    fails(FREED, client:close())
    fails(FREED, builder:folder "x")
    fails(FREED, builder:witness "x")
    fails(FREED, builder:in_memory())
    fails(FREED, builder:upkeep "own")
    fails(FREED, builder:lock_timeout(1))
    fails(FREED, builder:create(true))
    fails(FREED, builder:open())
    fails(FREED, drill:step_count())
    fails(FREED, drill:step(0))
    fails(FREED, drill:client())
    fails(FREED, drill:builder())
    fails(FREED, drill:advance(1))
    fails(FREED, drill:set_wall(1))
    fails(FREED, drill:now())
    fails(FREED, drill:folder())
    fails(FREED, drill:issue("lease", "{}"))
  end
  equal(reprieve.handle_count(), 0, "handles")
end)

test("children outlive their parents", function()
  local drill, client = T.drill(reprieve, 86400)
  local core = ok(client:feature("cad", "core"))
  local decision = core:check()
  client:free()
  equal(core:check().access, "full")
  core:free()
  core = nil
  T.collect()
  equal(decision.access, "full", "a decision outlives its feature")
end)

test("forgotten objects are freed", function()
  T.collect()
  local before = reprieve.handle_count()
  for _ = 1, 50 do
    local drill, client = T.drill(reprieve, 86400)
    local core = ok(client:feature("cad", "core"))
    core:check()
    client:check("cad", "a\0")
    fails("argument", client:feature("cad", ""))
    client:status "cad"
  end
  T.collect()
  equal(reprieve.handle_count(), before)
end)

test("no handle is left by any call", function()
  local drill, client = T.drill(reprieve, 86400)
  collectgarbage "stop"
  local before = reprieve.handle_count()
  local function all()
    client:check("cad", "core")
    client:explain("cad", "core")
    client:import "x"
    client:renew "x.y.z"
    client:renew ""
    client:report "network"
    client:request()
    client:endpoints()
    client:next_event "tray"
    client:appeal(nil, "text")
    client:acknowledge("tray", ok(client:next_event "tray"))
    client:status "cad"
    client:upkeep()
    client:head()
    client:ledger_id()
    client:diagnostics()
    client:status ""
    drill:now()
    drill:folder()
    drill:issue("lease", "{}")
    drill:step(0)
  end
  all()
  local left = reprieve.handle_count()
  collectgarbage "restart"
  equal(left, before, "without the garbage collector")
end)

test("the garbage collector runs all the time", function()
  local drill, client = T.drill(reprieve, 86400)
  local core = ok(client:feature("cad", "core"))
  collectgarbage("setpause", 0)
  collectgarbage("setstepmul", 10000)
  local full = 0
  for n = 1, 5000 do
    if core:allowed() then full = full + 1 end
    local decision = ok(client:feature("cad", "render")):check()
    if n % 50 == 0 then collectgarbage() else collectgarbage("step", 100) end
    if decision.access ~= "full" or core:check().ends_text ~= "2026-01-02T00:00:00Z" then error("wrong in round " .. n) end
  end
  collectgarbage("setpause", 200)
  collectgarbage("setstepmul", 200)
  equal(full, 5000)
end)

test("a check in a loop allocates nothing where it is compiled", function()
  if not require "jit".status() then return end
  local drill, client = T.drill(reprieve, 86400)
  local core, full = ok(client:feature("cad", "core")), 0
  local function loop(rounds)
    for _ = 1, rounds do
      if core:allowed() then full = full + 1 end
      local decision = core:check()
      if decision.access == "full" and decision.state == "licensed" and not decision.reason then full = full + 1 end
    end
  end
  loop(10000)
  collectgarbage()
  collectgarbage "stop"
  local before = collectgarbage "count"
  loop(200000)
  local grown = collectgarbage "count" - before
  collectgarbage "restart"
  equal(full, 2 * 210000)
  -- One object of 16 bytes in each round would be 3,000 KiB.
  assert(grown < 64, ("%.1f KiB were allocated"):format(grown))
end)

test("coroutines share a client", function()
  local drill, client = T.drill(reprieve, 86400)
  local core = ok(client:feature("cad", "core"))
  local threads, count = {}, 0
  for n = 1, 10 do
    threads[n] = coroutine.create(function()
      for _ = 1, 20 do
        coroutine.yield(core:check().access, client:check("cad", "render").access)
        client:appeal(nil, "n")
        for event in client:events("c" .. n) do
          count = count + 1
          coroutine.yield(event.kind ~= nil and "full", "full")
        end
      end
    end)
  end
  for _ = 1, 100 do
    for _, thread in ipairs(threads) do
      local alive, a, b = coroutine.resume(thread)
      assert(alive, a)
      if coroutine.status(thread) == "suspended" then assert(a == "full" and b == "full") end
    end
  end
  assert(count > 0, "events came")
end)

test("the module can be loaded again", function()
  local drill, client = T.drill(reprieve, 86400)
  local core = ok(client:feature("cad", "core"))
  local before = reprieve
  for _ = 1, 20 do
    for name in pairs(package.loaded) do
      if name:match "^reprieve" then package.loaded[name] = nil end
    end
    reprieve = require "reprieve"
    assert(reprieve ~= before)
    collectgarbage()
    local other, second = T.drill(reprieve, 86400)
    equal(ok(second:feature("cad", "core")):check().access, "full", "new objects")
    equal(core:check().access, "full", "old objects")
  end
  client:free()
  equal(before.handle_count(), reprieve.handle_count())
end)

test("another release's declarations are refused", function()
  package.loaded.reprieve_library, package.loaded.reprieve_cdef = nil, nil
  local declared = require "reprieve_cdef"
  declared.marker = "reprieve_cdef_of_another_release"
  T.raises("declarations of another release", require, "reprieve_library")
  package.loaded.reprieve_cdef = nil
end)

test("nothing is left", function()
  T.collect()
  equal(reprieve.handle_count(), 0)
end)

T.finish()
