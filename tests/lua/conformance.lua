-- Walks scenario files as a product would, and prints the line of each answer from this module's own values (docs/semantics.md, Scenarios).
-- luajit conformance.lua SCENARIO.json...; several files are told apart by a line `# name`.
package.path = (arg[0]:match "^(.*/)" or "./") .. "../../bindings/lua/?.lua;" .. package.path
local reprieve = require "reprieve"

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\127"] = "\127" }

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return ESCAPES[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

-- One line of JSON: keys in the order of the pairs, no blanks, nulls written out.
local function line(step, ...)
  local parts = { ('{"step":%d'):format(step) }
  for at = 1, select("#", ...), 2 do
    local key, value = select(at, ...)
    if type(value) == "string" then value = quoted(value) end
    if type(value) == "number" then value = ("%d"):format(value) end
    parts[#parts + 1] = ('"%s":%s'):format(key, value == nil and "null" or tostring(value))
  end
  io.write(table.concat(parts, ","), "}\n")
end

local function walk(scenario)
  local drill = assert(reprieve.drill.from_scenario(scenario))
  for step = 0, assert(drill:step_count()) - 1 do
    local task = assert(drill:step(step))
    -- A step may close one client and open another.
    local client = assert(drill:client())
    if task.kind == "import" then
      local answer = assert(client:import(task.token))
      line(step, "document", answer.kind, "accepted", answer.accepted, "error", answer.error)
    elseif task.kind == "check" then
      local by_name = client:check(task.sku, task.feature)
      -- What is no name makes no feature, but can be asked.
      local feature = client:feature(task.sku, task.feature)
      local d = feature and feature:check() or by_name
      for _, name in ipairs { "access", "state", "reason", "until_text", "ends_text", "lease_end_text", "stage" } do
        assert(d[name] == by_name[name], "a check by name differs from one by feature")
      end
      line(step, "t", d.t_text, "sku", task.sku, "feature", task.feature, "access", d.access, "state", d.state, "reason", d.reason,
        "until", d.until_text, "ends", d.ends_text, "clock", d.clock, "ledger", d.ledger)
    elseif task.kind == "report" then
      assert(client:report(task.outage) ~= nil)
    elseif task.kind == "events" then
      assert(client:upkeep())
      local events = client:events(reprieve.drill.consumer)
      for e in events do
        line(step, "event", e.kind, "at", e.at_text, "license", e.license, "feature", e.feature, "access", e.access, "state", e.state,
          "reason", e.reason, "left", e.left, "document", e.document, "error", e.error)
      end
      assert(events.error == nil, events.error)
    end
    client:free()
  end
  drill:free()
end

local failed = 0
if #arg == 0 then
  io.stderr:write("usage: luajit conformance.lua SCENARIO.json...\n")
  os.exit(2)
end
for _, path in ipairs(arg) do
  if #arg > 1 then io.write("# ", path:match "([^/\\]*)%.[^.]*$", "\n") end
  local file = assert(io.open(path, "rb"))
  local scenario = file:read "*a"
  file:close()
  local ok, err = pcall(walk, scenario)
  if not ok then
    io.stdout:flush()
    io.stderr:write(path, ": ", tostring(err), "\n")
    failed = failed + 1
  end
end
os.exit(failed == 0 and 0 or 1)
