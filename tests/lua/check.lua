-- What the test programs here share: named tests that go on after a failure, and a count at the end.

local T = { passed = 0, failed = 0 }

--- Runs one test: an error of any kind fails it, and its objects are gone after it.
function T.test(name, body)
  local ok, err = xpcall(body, function(err) return debug.traceback(tostring(err), 2) end)
  if ok then
    T.passed = T.passed + 1
  else
    T.failed = T.failed + 1
    print(("FAILED %s: %s: %s"):format(arg[0]:match "[^/]*$", name, err))
  end
end

function T.equal(got, wanted, what)
  if got ~= wanted then error(("%s: got %s, wanted %s"):format(what or "value", tostring(got), tostring(wanted)), 2) end
end

function T.ok(value, err)
  if not value then error("this failed: " .. tostring(err), 2) end
  return value, err
end

--- A call gave `nil, err` with this word, and a text.
function T.fails(word, value, err)
  if value ~= nil then error(("got %s, wanted nil and the error '%s'"):format(tostring(value), word), 2) end
  if type(err) ~= "table" or err.word ~= word then error(("got the error %s (%s), wanted '%s'"):format(type(err) == "table" and err.word, tostring(err), word), 2) end
  if type(err.status) ~= "number" or #tostring(err) == 0 then error("the error says nothing", 2) end
  return err
end

--- A call raises a text that holds `part`, at the place of the caller.
function T.raises(part, call, ...)
  local ok, err = pcall(call, ...)
  if ok then error("this raised nothing; wanted: " .. part, 2) end
  if not tostring(err):find(part, 1, true) then error(("raised %s; wanted: %s"):format(tostring(err), part), 2) end
  return tostring(err)
end

function T.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

--- All garbage, and what its finalizers let go. Compiled code may hold a closure, and with it all that the closure sees.
function T.collect()
  require "jit".flush()
  collectgarbage()
  collectgarbage()
end

function T.finish()
  print(("%s: %d passed, %d failed"):format(arg[0]:match "[^/]*$", T.passed, T.failed))
  os.exit(T.failed == 0 and T.passed > 0 and 0 or 1)
end

--- A drill without steps, a client on it, and a lease of so many seconds for `cad`/`core`.
function T.drill(reprieve, seconds)
  local drill = assert(reprieve.drill.from_scenario '{"sku": "cad", "steps": []}')
  local client = assert(drill:client())
  if seconds then
    local claims = '{"license":"L1","sku":"cad","features":{"core":%d,"render":%d}}'
    local ends = assert(drill:now()) + seconds
    assert(assert(client:import(assert(drill:issue("lease", claims:format(ends, ends))))).accepted)
  end
  return drill, client
end

return T
