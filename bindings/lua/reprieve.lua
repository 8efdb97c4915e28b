--- Reprieve for LuaJIT (plain LuaJIT 2.1, LÖVE and other hosts with its FFI): keeps licensed software running, for a bounded and audited
-- time, when its licence server cannot be reached.
--
--     local reprieve = require "reprieve"
--
--     local client, err = reprieve.open "reprieve.toml"
--     if not client then print(err) return end
--     local core = assert(client:feature("cad", "core"))
--
--     function love.update()
--       if core:allowed() then ... end        -- in every frame
--     end
--
-- **Errors.** A call that cannot do its work gives `nil, err`: `err.word` (such as "busy") and `err.status` (its number) are for programs,
-- `tostring(err)` says what happened, to which thing, and what to do next. What is wrong with the program itself (a number where a name
-- belongs) raises, as in Lua's own library. A refusal is an answer, never an error.
--
-- **Words** are those of documents, scenarios and every other language; what does not apply is nil. **Times** are numbers of seconds since
-- 1970 in UTC, each with its exact text (RFC 3339) beside it. **Text** is UTF-8.
--
-- **Ownership.** What is forgotten is freed by the garbage collector; `free` does it at once, and twice is no harm. A freed object's calls
-- give an error, its checks "unknown". The order of freeing does not matter.
--
-- **Threads.** Objects belong to their Lua state. Another state of the process, such as a LÖVE thread, gets a client of its own on the same
-- open ledger by `client:number` and `reprieve.client`. Coroutines share what they like. There are no callbacks, and no threads and timers
-- but the one of `client:renewing`: nothing else happens but in a call.
-- @module reprieve

local prefix = (... or ""):match "^(.*[./])" or ""
-- First: it says so if there is no FFI.
local native = require(prefix .. "reprieve_library")
local ffi = require "ffi"
local values = require(prefix .. "reprieve_values")
local C, constants = native.library, native.declared.constants
local ErrorHandle, BytesHandle = values.ErrorHandle, values.BytesHandle
local failed, take = values.failed, values.take
local text, whole, word = values.text_argument, values.whole_argument, values.word_argument
local SIZE, LIMITED = values.DECISION_SIZE, values.LIMITED

local reprieve = {
  --- The library's version, such as "0.1.0".
  version = ffi.string(C.reprieve_version()),
  --- The library's ABI version, such as "0.1". Loading the module has shown that it fits.
  abi_version = ("%d.%d"):format(math.floor(C.reprieve_abi_version() / 65536), C.reprieve_abi_version() % 65536),
  --- Which file the library was loaded from.
  library = native.path,
  --- All words by number: `words.access[3]` is "full". Families: access, state, reason, clock, ledger, document, refusal, outage, event,
  -- upkeep, task, renewal, failure, outcome, status.
  words = values.words,
  --- The numbers of the C header, without the prefix: `constants.STATUS_BUSY`, to compare with `err.status`.
  constants = constants,
}

--- How many native objects live in this process, of all states: for tests that nothing is left.
-- @treturn number
function reprieve.handle_count()
  return tonumber(C.reprieve_handle_count())
end

--- An instant as text: RFC 3339 in UTC, such as "2026-01-01T00:00:00Z".
-- @tparam number seconds whole seconds since 1970-01-01T00:00:00Z
-- @tparam[opt=0] number nanos the nanoseconds past them
-- @treturn string
function reprieve.text(seconds, nanos)
  whole(seconds, 1, "text", -2 ^ 53, 2 ^ 53)
  if nanos ~= nil then whole(nanos, 2, "text", 0, 999999999) end
  return values.text(ffi.new("reprieve_time", seconds, nanos or 0, 1))
end

-- Features. ------------------------------------------------------------------------------------------------------------------------------

local FeatureHandle = values.owner("reprieve_feature", C.reprieve_feature_free)

--- A feature, to ask about again and again without naming it each time: the fastest way to ask. `sku` and `name` are what it was made with.
-- @type Feature
local Feature = {}
-- A table and no cdata: its decision is an object of its own, which stays good if the feature goes first. `pointer` is the handle that `owner`
-- owns: compiled code need not look for it after each call.
Feature.__index = Feature
Feature.__tostring = function(self) return ("feature %s of %s"):format(self.name, self.sku) end

--- May the product use this feature now? Fast enough for every frame: between two looks at the ledger, some 10 ms apart (with
-- `upkeep = "own"`, between two upkeeps), it copies the same decision, without a lock or an allocation. Never waits for another process, never
-- raises.
-- @treturn Decision one object for each feature, written anew by its next check: `decision:copy()` keeps one. Access is "unknown", which is
-- no refusal, if the client was closed or the ledger cannot be read: `client:explain` says why.
-- @treturn[2] Decision of access "unknown", if the feature was freed
-- @return[2] the error
function Feature:check()
  local decision = self.decision
  local data = decision.data
  data.struct_size = SIZE
  local status = C.reprieve_feature_check(self.pointer, data, nil)
  if status ~= 0 then
    local _, err = failed(status)
    return decision, err
  end
  return decision
end

--- Whether access is limited or full: a check for who needs no more. False for "unknown" too, which is no refusal.
-- @treturn boolean
function Feature:allowed()
  local data = self.decision.data
  data.struct_size = SIZE
  C.reprieve_feature_check(self.pointer, data, nil)
  return data.access >= LIMITED
end

--- Frees the feature at once; twice is no harm.
function Feature:free()
  self.owner:free()
  self.pointer = nil
end

-- Clients. -------------------------------------------------------------------------------------------------------------------------------

local Client

--- An open ledger: what a product holds. Calls give `nil, err` if they cannot do their work; then nothing has changed, unless said. All but
-- `check`, `feature` and `explain` may wait for the disk, and for the ledger's lock until its deadline: where a game must not wait, call
-- them in a thread (see docs/lua.md).
-- @type Client
local client = {}

--- Another client on the same open ledger; the last to go closes the ledger.
-- @treturn Client
function client:clone()
  local other, err = Client(), ErrorHandle()
  local status = C.reprieve_client_clone(self.handle[0], other.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return other
end

--- A number that names this client in every Lua state of the process, until it is freed: see `reprieve.client`.
-- @treturn number
function client:number()
  return tonumber(ffi.cast("uintptr_t", self.handle[0]))
end

--- A feature of a SKU, to ask about in every frame. Whether any licence has it is asked by each check, not here.
-- @tparam string sku the product. Like the feature, 1 to 128 of `A-Z a-z 0-9 . _ : @ / + -`
-- @tparam string feature the feature
-- @treturn Feature
function client:feature(sku, feature)
  text(sku, 1, "feature")
  text(feature, 2, "feature")
  local owner, err = FeatureHandle(), ErrorHandle()
  local status = C.reprieve_client_feature(self.handle[0], sku, #sku, feature, #feature, owner.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return setmetatable({ sku = sku, name = feature, owner = owner, pointer = owner.handle[0], decision = values.decision() }, Feature)
end

--- May the product use this feature now? `client:feature` is faster where the same is asked often.
-- @tparam string sku the product
-- @tparam string feature the feature
-- @treturn Decision a new one. Access is "unknown", which is no refusal, for what is no name, after closing, and where the ledger cannot be
-- read: `explain` says why.
-- @treturn[2] Decision of access "unknown", if the question could not be asked (no UTF-8, a client that was freed)
-- @return[2] the error
function client:check(sku, feature)
  text(sku, 1, "check")
  text(feature, 2, "check")
  local decision = values.decision()
  decision.data.struct_size = SIZE
  local status = C.reprieve_client_check(self.handle[0], sku, #sku, feature, #feature, decision.data, nil)
  if status ~= 0 then
    -- Asked again for the words, so that a check that succeeds has no error object to make.
    local handle = ErrorHandle()
    status = C.reprieve_client_check(self.handle[0], sku, #sku, feature, #feature, decision.data, handle.handle)
    if status ~= 0 then
      local _, err = failed(status, handle)
      return decision, err
    end
  end
  return decision
end

--- A check with all that stands behind it, for support and for the product's own words.
-- @tparam string sku the product
-- @tparam string feature the feature
-- @treturn string JSON, as `reprieve_client_explain` in reprieve.h has it. If access is unknown, `trouble` says why and what to do
function client:explain(sku, feature)
  text(sku, 1, "explain")
  text(feature, 2, "explain")
  local json, err = BytesHandle(), ErrorHandle()
  local status = C.reprieve_client_explain(self.handle[0], sku, #sku, feature, #feature, json.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return take(json)
end

--- Imports a document; what is accepted is on disk before this returns.
-- @tparam string token as any JWT library makes it, compact or General JSON
-- @return a table: `accepted` (in force now), `known` (it was before), `fresh` (a lease that answered the newest request): booleans; `kind`
-- and `error` (words, or nil), `license` (or nil), and `detail`: what is wrong and what to do, in English, "" if nothing is
function client:import(token)
  text(token, 1, "import")
  local answer, answers, err = ffi.new "reprieve_answer", values.AnswersHandle(), ErrorHandle()
  answer.struct_size = ffi.sizeof(answer)
  local status = C.reprieve_client_import(self.handle[0], token, #token, answer, answers.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return values.answers(answers)[1]
end

--- A renewal failed, in this way: evidence for grace.
-- @tparam string outage "network" (no answer) or "server" (reached, but it failed)
-- @treturn boolean whether that was news; `nil, err` if it could not be recorded
function client:report(outage)
  local number = word("outage", outage, 1, "report")
  local news, err = values.number_box(), ErrorHandle()
  local status = C.reprieve_client_report(self.handle[0], number, news, err.handle)
  if status ~= 0 then return failed(status, err) end
  return news[0] ~= 0
end

--- Makes a renewal request. The lease that answers it within 10 minutes is fresh; a newer request takes its place. The library does no
-- networking: send it as you like, best by POST.
-- @return a table: `body` (JSON, what to send) and `nonce` (what the lease must echo)
function client:request()
  local body, nonce, err = BytesHandle(), BytesHandle(), ErrorHandle()
  local status = C.reprieve_client_request(self.handle[0], body.handle, nonce.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return { body = take(body), nonce = take(nonce) }
end

--- Takes the answer of the vendor's renewal server: one token, or JSON `{"documents": [token, ...]}`. Documents are imported one by one.
-- The error is "claims" if it is empty or its `documents` are no list of tokens; anything else is taken for a token, and refused as "malformed".
-- @tparam string answer what the server sent
-- @return a list with what became of each, as `import` gives it; its field `accepted` is how many are in force now. After an error, documents
-- before it may have been imported: give the same again
function client:renew(answer)
  text(answer, 1, "renew")
  local answers, err = values.AnswersHandle(), ErrorHandle()
  local status = C.reprieve_client_renew(self.handle[0], answer, #answer, nil, answers.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return values.answers(answers)
end

--- The renewal servers of the application file, best first.
-- @return a list of strings
function client:endpoints()
  local count, err = values.length_box(), ErrorHandle()
  local status = C.reprieve_client_endpoint_count(self.handle[0], count, err.handle)
  if status ~= 0 then return failed(status, err) end
  local list = {}
  for index = 1, tonumber(count[0]) do
    local endpoint = BytesHandle()
    status = C.reprieve_client_endpoint(self.handle[0], index - 1, endpoint.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    list[index] = take(endpoint)
  end
  return list
end

--- The next event that a consumer has not been given, in the ledger's order. Poll it, once a frame if you like. What is not acknowledged is
-- given again after the next open: an event comes at least once, those included that happened while the product was closed.
-- @tparam string consumer the name of who takes them; each has its own place, and a new one starts at the end
-- @return a table, or nil if there is none yet (`nil, err` if it failed): `kind` (a word; skip one that you do not know), `at`, `at_text`,
-- `record`, `index` (which name it), and where they apply `license`, `feature`, `access`, `state`, `reason` (of grace; or the kind of a
-- suspicion), `left` (the warning threshold, seconds), `document`, `error` (a refusal), `text` (an appeal's)
function client:next_event(consumer)
  text(consumer, 1, "next_event")
  local event, err = values.EventHandle(), ErrorHandle()
  local status = C.reprieve_client_next_event(self.handle[0], consumer, #consumer, event.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  if event.handle[0] == nil then return nil end
  return values.event(event)
end

--- A consumer has dealt with an event, and with all before it.
-- @tparam string consumer its name
-- @tparam table event what `next_event` gave
-- @treturn boolean true
function client:acknowledge(consumer, event)
  text(consumer, 1, "acknowledge")
  if type(event) ~= "table" then error("bad argument #2 to 'acknowledge' (event expected, got " .. type(event) .. ")", 2) end
  whole(event.record, 2, "acknowledge", 0, 2 ^ 53)
  whole(event.index, 2, "acknowledge", 0, 2 ^ 32 - 1)
  local err = ErrorHandle()
  local status = C.reprieve_client_acknowledge(self.handle[0], consumer, #consumer, event.record, event.index, err.handle)
  if status ~= 0 then return failed(status, err) end
  return true
end

local Events = {}
Events.__index = Events

function Events:__call()
  if self.last then
    local ok, err = self.client:acknowledge(self.consumer, self.last)
    self.last = nil
    if not ok then
      self.error = err
      return nil
    end
  end
  self.last, self.error = self.client:next_event(self.consumer)
  return self.last
end

--- All events that there are, for `for event in client:events "tray" do`. An event is acknowledged when the loop comes for the next one; if
-- the body breaks or raises, it comes again after the next open.
-- @tparam string consumer as of `next_event`
-- @return an iterator. A failure ends the loop as if there were no more, and nothing is lost: its field `error` is then the error
function client:events(consumer)
  text(consumer, 1, "events")
  return setmetatable({ client = self, consumer = consumer }, Events)
end

--- All features of a SKU, as checks would answer, and how the ledger stands.
-- @tparam string sku the product
-- @return a table: `features` (a list of `{ name, decision }` tables, by name), `t`, `t_text`, `clock`, `ledger`, `flags`, `ledger_id`, `folder`
-- (nil in memory), `generation`, `records`, `policy` and `policy_version` (nil if there is none), `unproven` (documents whose signatures do
-- not hold with this product's keys), and `json`: all of it, for a support ticket
function client:status(sku)
  text(sku, 1, "status")
  local handle, err = values.StatusHandle(), ErrorHandle()
  local status = C.reprieve_client_status(self.handle[0], sku, #sku, handle.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return values.status(handle)
end

--- Files an appeal, in the customer's words.
-- @tparam ?string license the licence that it is about; nil for the ledger as such
-- @tparam string words 1 to 10,000 bytes
-- @treturn string what to send to the vendor: JSON
function client:appeal(license, words)
  if license ~= nil then text(license, 1, "appeal") end
  text(words, 2, "appeal")
  local packet, err = BytesHandle(), ErrorHandle()
  local status = C.reprieve_client_appeal(self.handle[0], license, license and #license or 0, words, #words, packet.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return take(packet)
end

--- Upkeep: reads the clocks and the ledger, and records what is due. For a client with `upkeep = "own"`, every second or so: if none has run
-- for 10 minutes, its checks are "unknown".
-- @treturn boolean true
function client:upkeep()
  local err = ErrorHandle()
  local status = C.reprieve_client_upkeep(self.handle[0], err.handle)
  if status ~= 0 then return failed(status, err) end
  return true
end

--- The ledger's signed head: a checkpoint note that anybody can check against the file without any secret.
-- @treturn string
function client:head()
  local note, err = BytesHandle(), ErrorHandle()
  local status = C.reprieve_client_head(self.handle[0], note.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return take(note)
end

--- The ledger's id, as leases and rulings name it.
-- @treturn string
function client:ledger_id()
  local id, err = BytesHandle(), ErrorHandle()
  local status = C.reprieve_client_ledger_id(self.handle[0], id.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return take(id)
end

--- What happened that nobody was told of: the client's last few hundred notes.
-- @treturn string JSON `[{"wall", "text"}]`
function client:diagnostics()
  local json, err = BytesHandle(), ErrorHandle()
  local status = C.reprieve_client_diagnostics(self.handle[0], json.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return take(json)
end

--- Closes the ledger, for this client and its clones: what is due is recorded and synced, the files are let go. Checks are then "unknown",
-- other calls fail with "closed". Closing again is no error.
-- @treturn boolean true; `nil, err` if the disk failed (it is closed all the same)
function client:close()
  local err = ErrorHandle()
  local status = C.reprieve_client_close(self.handle[0], err.handle)
  if status ~= 0 then return failed(status, err) end
  return true
end

-- `renewer` and `renewing`: see `reprieve_renewal.lua`.
require(prefix .. "reprieve_renewal")(values, C, client)

--- Frees the client at once, and closes the ledger with the last of its clones; twice is no harm.
-- @function Client:free
Client = values.owner("reprieve_client", C.reprieve_client_free, client)

--- @section end

local Builder
--- Makes builders: see `reprieve_builder.lua`.
reprieve.builder, Builder = require(prefix .. "reprieve_builder")(values, C, Client)

local OPTIONS = { "folder", "witness", "in_memory", "upkeep", "lock_timeout", "create" }

-- Opens with options, by the setters of their names.
local function open_with(made, err, options)
  if not made then return nil, err end
  for _, name in ipairs(OPTIONS) do
    local value = options[name]
    if value ~= nil and not (name == "in_memory" and value == false) then
      local ok, failure = made[name](made, value)
      if not ok then return nil, failure end
    end
  end
  return made:open()
end

local function known(options, call)
  if options == nil then return {} end
  if type(options) ~= "table" then error(("bad argument #2 to '%s' (table expected, got %s)"):format(call, type(options)), 3) end
  for name in pairs(options) do
    local found = false
    for _, option in ipairs(OPTIONS) do found = found or option == name end
    if not found then error(("bad argument #2 to '%s' (no such option: '%s')"):format(call, tostring(name)), 3) end
  end
  return options
end

--- Opens the ledger of an application file, making it if none lies there.
-- @tparam string path of `reprieve.toml`, the same for every product and language of a vendor
-- @tparam[opt] table options `folder`, `witness`, `in_memory`, `upkeep`, `lock_timeout`, `create`: as the builder's calls of these names
-- @treturn Client
-- @return[2] nil
-- @return[2] the error: "app", or one of the keys (200s) and the ledger (300s). Nothing is created in the place of a file that cannot be opened
function reprieve.open(path, options)
  text(path, 1, "open")
  if options == nil then
    local opened, err = Client(), ErrorHandle()
    local status = C.reprieve_client_open(path, #path, opened.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return opened
  end
  options = known(options, "open")
  local made, err = reprieve.builder.from_file(path)
  return open_with(made, err, options)
end

--- As `open`, for the text of an application file, as a game may have it in its archive.
-- @tparam string toml the text. A relative folder in it counts from the process's current folder
-- @tparam[opt] table options as of `open`
-- @treturn Client
function reprieve.open_toml(toml, options)
  text(toml, 1, "open_toml")
  options = known(options, "open_toml")
  local made, err = reprieve.builder.from_toml(toml)
  return open_with(made, err, options)
end

--- Another client on the open ledger of one that lives in any Lua state of the process, such as the one that started this thread.
-- @tparam number number what `client:number` gave
-- @treturn Client a clone, which lives on its own; `nil, err` ("invalid_handle") if that client was freed
function reprieve.client(number)
  whole(number, 1, "client", 0, 2 ^ 53)
  local other, err = Client(), ErrorHandle()
  local status = C.reprieve_client_clone(ffi.cast("reprieve_client *", number), other.handle, err.handle)
  if status ~= 0 then return failed(status, err) end
  return other
end

--- Makes drills: see `reprieve_drill.lua`.
reprieve.drill = require(prefix .. "reprieve_drill")(values, C, Client, Builder)

return reprieve
