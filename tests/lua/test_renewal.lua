-- Renewers, driven by hand; and the library's own HTTP, where it was built in.
local reprieve = require "reprieve"
local T = require "check"
local test, equal, ok = T.test, T.equal, T.ok

local APP = [[
vendor = "acme"
secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
endpoints = ["https://a.example/renew", "https://b.example/renew"]
roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
]]

test("a round that fails", function()
  local client = ok(reprieve.open_toml(APP, { in_memory = true }))
  local renewer = ok(client:renewer { timeout = 2.5, retry_after_most = 40 })
  local state = ok(renewer:state())
  equal(state.outcome, nil)
  equal(state.next, nil)
  local task = ok(renewer:poll())
  equal(task.kind, "send")
  equal(task.method, "POST")
  equal(task.headers["Content-Type"], "application/json")
  equal(task.seconds, 2.5)
  assert(task.url:match "^https://[ab].example/renew$" and task.body:match "^{.*}$")
  equal(renewer:state().is_busy, true)
  ok(renewer:failed(task.attempt, "certificate"))
  state = ok(renewer:state())
  equal(state.outcome, "failed")
  equal(state.failure, "certificate")
  equal(state.word, "certificate")
  equal(state.url, task.url)
  task = ok(renewer:poll())
  ok(renewer:answered(task.attempt, 429, { ["Retry-After"] = 3600 }, "<p>later</p>"))
  task = ok(renewer:poll())
  equal(task.kind, "wait")
  assert(task.seconds > 30 and task.seconds <= 40, task.seconds)
  state = ok(renewer:state())
  equal(state.word, "status 429")
  equal(state.status, 429)
  assert(state.next > 30 and state.next <= 40 and state.took < 60 and state.ago < 60)
  equal(client:report "server", false)
  ok(renewer:network_changed())
  ok(renewer:renew_now())
  ok(client:close())
  T.fails("closed", renewer:poll())
  renewer:free()
  renewer:free()
  T.fails("null_pointer", renewer:poll())
end)

test("what is wrong", function()
  local client = ok(reprieve.open_toml(APP, { in_memory = true }))
  local renewer = ok(client:renewer())
  local task = ok(renewer:poll())
  T.raises("no such failure", renewer.failed, renewer, task.attempt, "bored")
  T.raises("number expected", renewer.failed, renewer, "0", "reset")
  T.fails("argument", renewer:answered(task.attempt, 99))
  T.raises("table or string expected", renewer.answered, renewer, task.attempt, 200, 7)
  T.raises("no such option: 'tiemout'", client.renewer, client, { tiemout = 1 })
  T.raises("no number of seconds", client.renewer, client, { timeout = 0 })
  ok(renewer:answered(task.attempt, 302, "Location: http://localhost/login\r\n"))
  equal(renewer:state().word, "status 302")
end)

test("a thread of the library's", function()
  local client = ok(reprieve.open_toml(APP:gsub("endpoints = [^\n]*\n", ""), { in_memory = true }))
  local renewing, err = client:renewing { proxy = "none", headers = { ["X-Product"] = "test" } }
  if not renewing then
    equal(err.word, "unsupported")
    assert(tostring(err):find "built without HTTP")
    return
  end
  ok(renewing:renew_now())
  ok(renewing:network_changed())
  equal(ok(renewing:state()).outcome, nil)
  ok(renewing:stop())
  ok(renewing:stop())
  renewing:free()
  T.fails("null_pointer", renewing:state())
end)

T.collect()
equal(reprieve.handle_count(), 0)
T.finish()
