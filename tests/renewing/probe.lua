-- Renews once by the library's own HTTP, and prints what came of it: `probe.lua APP ROOTS MILLISECONDS`.
local reprieve = require "reprieve"
local ffi = require "ffi"
ffi.cdef "int usleep(unsigned int microseconds);"

local app, roots, milliseconds = arg[1], arg[2], tonumber(arg[3])
local client = assert(reprieve.open(app))
local file = assert(io.open(roots, "rb"))
local renewing = assert(client:renewing { timeout = milliseconds / 1000, roots = file:read "*a", proxy = "none" })
file:close()
local begin, state = os.time(), nil
repeat
  ffi.C.usleep(20000)
  state = assert(renewing:state())
until (state.outcome and not state.is_busy) or os.time() - begin > 30
assert(renewing:stop())
-- A kind that was reported already is no news.
local function is_news(outage)
  local news, err = client:report(outage)
  if news == nil then error(tostring(err)) end
  return news
end
local reported = not is_news "network" and "network" or not is_news "server" and "server" or "none"
local access = client:check("cad", "core").access
print(("%s|%s|%s|%s"):format(state.word, reported, state.next and state.next > 60 and "later" or "soon", access))
