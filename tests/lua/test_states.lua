-- Several Lua states in one process, as a host with threads of its own has them: each loads the module, all see one ledger, each ends alone.
local reprieve = require "reprieve"
local T = require "check"
local ffi = require "ffi"
local test, equal, ok = T.test, T.equal, T.ok

ffi.cdef [[
typedef struct lua_State lua_State;
lua_State *luaL_newstate(void);
void luaL_openlibs(lua_State *L);
int luaL_loadstring(lua_State *L, const char *s);
int lua_pcall(lua_State *L, int nargs, int nresults, int errfunc);
const char *lua_tolstring(lua_State *L, int idx, size_t *len);
void lua_settop(lua_State *L, int idx);
void lua_close(lua_State *L);
]]
local lua = ffi.C
if not pcall(function() return lua.luaL_newstate end) then
  print "not run: two Lua states: this LuaJIT does not show its C functions"
  os.exit(0)
end

-- Runs text in a state and gives the text that it returns.
local function run(state, text)
  local status = lua.luaL_loadstring(state, text)
  -- LuaJIT compiles no call that may run Lua code.
  if status == 0 then status = lua.lua_pcall(state, 0, 1, 0) end
  local got = lua.lua_tolstring(state, -1, nil)
  local said = got ~= nil and ffi.string(got) or nil
  lua.lua_settop(state, 0)
  if status ~= 0 then error("in the other state: " .. tostring(said), 2) end
  return said
end
require "jit".off(run)

local function new()
  local state = lua.luaL_newstate()
  lua.luaL_openlibs(state)
  return state
end

test("states on one ledger", function()
  local folder = os.tmpname()
  os.remove(folder)
  local drill = ok(reprieve.drill.create(folder))
  local client = ok(drill:client())
  local core = ok(client:feature("cad", "core"))
  local states = { new(), new(), new() }
  for _, state in ipairs(states) do
    equal(run(state, ([[
      reprieve = require "reprieve"
      drill = assert(reprieve.drill.open(%q))
      client = assert(drill:client())
      core = assert(client:feature("cad", "core"))
      return core:check().state
    ]]):format(folder)), "unlicensed")
  end
  local claims = ('{"license":"L1","sku":"cad","features":{"core":%d}}'):format(drill:now() + 86400)
  ok(ok(client:import(ok(drill:issue("lease", claims)))).accepted)
  equal(core:check().access, "full")
  for _, state in ipairs(states) do
    equal(run(state, "return client:status('cad').features[1].decision.access"), "full")
    equal(run(state, "assert(client:upkeep()) return core:check().access"), "full")
  end
  -- A state that ends frees what it forgot, and disturbs nobody.
  local before = reprieve.handle_count()
  lua.lua_close(states[1])
  assert(reprieve.handle_count() < before, "its handles are freed")
  equal(core:check().access, "full")
  equal(run(states[2], "collectgarbage() return tostring(core:allowed())"), "true")
  client:free()
  core:free()
  drill:free()
  package.loaded.reprieve = nil
  T.collect()
  equal(run(states[3], "return core:check().access"), "full")
  lua.lua_close(states[2])
  lua.lua_close(states[3])
  os.execute("rm -rf '" .. folder .. "'")
end)

test("a client in another state", function()
  local drill, client = T.drill(reprieve, 86400)
  local own = ok(ok(drill:builder()):upkeep "own"):open()
  local other = new()
  equal(run(other, ([[
    reprieve = require "reprieve"
    client = assert(reprieve.client(%.0f))
    assert(client:upkeep())
    return client:check("cad", "core").access
  ]]):format(own:number())), "full")
  equal(own:check("cad", "core").access, "full")
  local number = own:number()
  own:free()
  equal(run(other, "return client:check('cad', 'core').access"), "full", "it lives on its own")
  T.fails("invalid_handle", reprieve.client(number))
  T.fails("invalid_handle", reprieve.client(12345))
  T.fails("null_pointer", reprieve.client(0))
  T.fails("null_pointer", reprieve.client(own:number()))
  T.fails("invalid_handle", reprieve.client(tonumber(ffi.cast("uintptr_t", drill.handle[0]))))
  for _, wrong in ipairs { -1, 0.5, 2 ^ 60, 0 / 0 } do T.raises("whole number", function() reprieve.client(wrong) end) end
  T.raises("number expected", function() reprieve.client "5" end)
  lua.lua_close(other)
end)

test("many states, one after another", function()
  for _ = 1, 50 do
    local state = new()
    equal(run(state, [[
      local reprieve = require "reprieve"
      local drill = assert(reprieve.drill.from_scenario '{"sku": "cad", "steps": []}')
      return assert(assert(drill:client()):feature("cad", "core")):check().state
    ]]), "unlicensed")
    lua.lua_close(state)
  end
end)

test("nothing is left", function()
  T.collect()
  equal(reprieve.handle_count(), 0)
end)

T.finish()
