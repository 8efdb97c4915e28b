--- What calls give: words, errors, times, decisions, answers, events, a ledger's status. Part of the module `reprieve`.
-- @submodule reprieve

local ffi = require "ffi"
local bit = require "bit"
local prefix = (... or ""):match "^(.*[./])" or ""
local native = require(prefix .. "reprieve_library")
local C, constants = native.library, native.declared.constants

local values = {}

-- Words. ---------------------------------------------------------------------------------------------------------------------------------

-- A library that is newer than these files has words that they lack.
local speakers = {
  access = C.reprieve_access_str, state = C.reprieve_state_str, reason = C.reprieve_reason_str, clock = C.reprieve_clock_str,
  ledger = C.reprieve_ledger_str, document = C.reprieve_document_str, refusal = C.reprieve_refusal_str, outage = C.reprieve_outage_str,
  event = C.reprieve_event_kind_str, failure = C.reprieve_failure_str, outcome = C.reprieve_outcome_str, status = C.reprieve_status_str,
}
local words, numbers = {}, {}
for family, names in pairs(native.declared.words) do
  local say, list, back = speakers[family], {}, {}
  for number, word in pairs(names) do list[number], back[word] = word, number end
  words[family] = setmetatable(list, { __index = function(_, number)
    if type(number) ~= "number" then return nil end
    return say and ffi.string(say(number)) or tostring(number)
  end })
  numbers[family] = back
end
values.words = words
local access_words, state_words, reason_words, clock_words, ledger_words = words.access, words.state, words.reason, words.clock, words.ledger
local UNKNOWN, LIMITED, NONE = constants.ACCESS_UNKNOWN, constants.ACCESS_LIMITED, constants.STAGE_NONE

-- The word of a number, nil for 0 ("none").
local function word(family, number)
  if number == 0 then return nil end
  return words[family][number]
end

-- Arguments. A wrong type is a mistake in the program and raises, as in Lua's own library; all else is for the library to judge. ----------

local function bad(position, call, what)
  error(("bad argument #%d to '%s' (%s)"):format(position, call, what), 4)
end

-- Raises unless `value` is text.
function values.text_argument(value, position, call)
  if type(value) ~= "string" then bad(position, call, "string expected, got " .. type(value)) end
  return value
end

-- Raises unless `value` is a whole number from `least` to `most`.
function values.whole_argument(value, position, call, least, most)
  if type(value) ~= "number" then bad(position, call, "number expected, got " .. type(value)) end
  if not (value >= least and value <= most) or value % 1 ~= 0 then bad(position, call, "not a whole number in range: " .. value) end
  return value
end

-- The number of a word; raises if there is none.
function values.word_argument(family, value, position, call)
  if type(value) ~= "string" then bad(position, call, "string expected, got " .. type(value)) end
  return numbers[family][value] or bad(position, call, ("no such %s: '%s'"):format(family, value))
end

-- Handles. -------------------------------------------------------------------------------------------------------------------------------

-- A type that owns a handle: `value.handle` is where a call puts it, `value.handle[0]` the handle. It is freed once, by `free` or by the
-- garbage collector; freeing NULL does nothing. What has methods gets them as a metatype, made anew by each load of the module (LuaJIT lets
-- a named type have one metatype for ever). A metatype is never dropped, and with `C` in it the library is not unloaded before its handles.
function values.owner(type_name, free, methods)
  methods = methods or {}
  function methods.free(self)
    free(self.handle[0])
    self.handle[0] = nil
  end
  return ffi.metatype("struct { " .. type_name .. " *handle[1]; }", { __index = methods, __gc = function(self) free(self.handle[0]) end })
end

local ErrorHandle = values.owner("reprieve_error", C.reprieve_error_free)
local BytesHandle = values.owner("reprieve_bytes", C.reprieve_bytes_free)
values.ErrorHandle, values.BytesHandle = ErrorHandle, BytesHandle
values.AnswersHandle = values.owner("reprieve_answers", C.reprieve_answers_free)
values.EventHandle = values.owner("reprieve_event", C.reprieve_event_free)
values.StatusHandle = values.owner("reprieve_ledger_status", C.reprieve_ledger_status_free)
values.TaskHandle = values.owner("reprieve_task", C.reprieve_task_free)

local text_box, length_box = ffi.typeof "const char *[1]", ffi.typeof "size_t[1]"
local number_box, time_box = ffi.typeof "uint32_t[1]", ffi.typeof "reprieve_time[1]"
values.length_box, values.number_box, values.time_box = length_box, number_box, time_box

-- Errors. --------------------------------------------------------------------------------------------------------------------------------

local Error = {}
Error.__index = Error
Error.__tostring = function(self) return self.message end
Error.__concat = function(a, b) return tostring(a) .. tostring(b) end

-- `nil` and the error of a call that failed. `handle`: the ErrorHandle that was passed to it, or nil.
function values.failed(status, handle)
  local message
  if status == constants.STATUS_NULL_POINTER then
    message = "this object was freed, or never opened; make it anew"
  elseif handle and handle.handle[0] ~= nil then
    local text, length = text_box(), length_box()
    status = C.reprieve_error_status(handle.handle[0])
    if C.reprieve_error_message(handle.handle[0], text, length) == 0 then message = ffi.string(text[0], length[0]) end
  end
  if handle then handle:free() end
  local said = words.status[status]
  return nil, setmetatable({ status = status, word = said, message = message or "reprieve: " .. said }, Error)
end
local failed = values.failed

-- The text of bytes that a call gave, which are freed.
function values.take(bytes)
  local text, length = text_box(), length_box()
  local status = C.reprieve_bytes_get(bytes.handle[0], text, length)
  if status ~= 0 then return failed(status) end
  local taken = ffi.string(text[0], length[0])
  bytes:free()
  return taken
end

-- Text that is borrowed from a handle; nil if there is none. What cannot fail on a handle that lives is not asked.
local function borrowed(get, handle)
  local text, length = text_box(), length_box()
  get(handle, text, length)
  if text[0] == nil then return nil end
  return ffi.string(text[0], length[0])
end

local function borrowed_at(get, handle, index)
  local text, length = text_box(), length_box()
  get(handle, index, text, length)
  if text[0] == nil then return nil end
  return ffi.string(text[0], length[0])
end

-- Times. ---------------------------------------------------------------------------------------------------------------------------------

local function seconds(time)
  if time.present == 0 then return nil end
  return tonumber(time.seconds) + time.nanos * 1e-9
end

local function text(time)
  if time.present == 0 then return nil end
  local buffer, length = ffi.new "char[64]", length_box()
  if C.reprieve_time_format(time, buffer, 64, length, nil) ~= 0 then return nil end
  return ffi.string(buffer, length[0])
end
values.seconds, values.text = seconds, text

local function flags(bits)
  return {
    in_memory = bit.band(bits, constants.FLAG_IN_MEMORY) ~= 0, newer = bit.band(bits, constants.FLAG_NEWER) ~= 0,
    drill = bit.band(bits, constants.FLAG_DRILL) ~= 0, detached = bit.band(bits, constants.FLAG_DETACHED) ~= 0,
  }
end

-- Decisions. -----------------------------------------------------------------------------------------------------------------------------

local Decision
local tobit = bit.tobit
local properties = {
  -- `tobit` spares compiled code a detour by floating point.
  access = function(data) return access_words[tobit(data.access)] end,
  state = function(data) if data.state ~= 0 then return state_words[data.state] end end,
  reason = function(data) if data.reason ~= 0 then return reason_words[data.reason] end end,
  clock = function(data) if data.clock ~= 0 then return clock_words[data.clock] end end,
  ledger = function(data) if data.ledger ~= 0 then return ledger_words[data.ledger] end end,
  stage = function(data) if data.stage ~= NONE then return data.stage end end,
  flags = function(data) return flags(data.flags) end,
}
for _, name in ipairs { "t", "until", "ends", "lease_end" } do
  properties[name] = function(data) return seconds(data[name]) end
  properties[name .. "_text"] = function(data) return text(data[name]) end
end

--- The answer to a check. It has no truth value of its own: in Lua every object is true, so ask `allowed`.
--
-- Fields, to be read: `access` ("unknown", "denied", "limited", "full"; unknown is no refusal), `state`, `reason`, `clock`, `ledger` (words,
-- nil if there is none), `stage` (number from 0, nil outside grace), `flags` (a table of booleans: `in_memory`, `newer`, `drill`, `detached`),
-- and the times `t`, `until` (a word of Lua's: write `decision["until"]`), `ends`, `lease_end`: numbers of seconds since 1970 in UTC, nil if
-- there is none, each with its exact text beside it: `t_text`, `until_text`, `ends_text`, `lease_end_text`.
-- @type Decision
local methods = {}

--- Whether access is limited or full. False for "denied", and for "unknown" too, which is no refusal.
-- @treturn boolean
function methods.allowed(self)
  return self.data.access >= LIMITED
end

--- A copy, which no later check changes.
-- @treturn Decision
function methods.copy(self)
  return Decision(self.data)
end

Decision = ffi.metatype("struct { reprieve_decision data; }", {
  __index = function(self, key)
    local property = properties[key]
    if property then return property(self.data) end
    return methods[key] or error(("a decision has no '%s'"):format(tostring(key)), 2)
  end,
  __newindex = function() error("a decision is for reading", 2) end,
  -- In short, for people: `limited (grace, network) until 2026-01-09T00:00:00Z`.
  __tostring = function(self)
    local said = self.access
    if self.state then said = said .. " (" .. self.state .. (self.reason and ", " .. self.reason or "") .. ")" end
    return self.until_text and said .. " until " .. self.until_text or said
  end,
})

-- A decision that is none yet: access is unknown.
function values.decision()
  local decision = Decision()
  decision.data.access, decision.data.stage = UNKNOWN, NONE
  return decision
end
values.DECISION_SIZE, values.LIMITED = ffi.sizeof "reprieve_decision", LIMITED

-- Snapshots: tables, with nothing to free. -----------------------------------------------------------------------------------------------

-- A list of answers, `accepted` of them in force; the handle is freed.
function values.answers(handle)
  local count = length_box()
  C.reprieve_answers_count(handle.handle[0], count)
  local list = { accepted = 0 }
  for index = 0, tonumber(count[0]) - 1 do
    local data = ffi.new "reprieve_answer"
    data.struct_size = ffi.sizeof(data)
    C.reprieve_answers_get(handle.handle[0], index, data)
    list[index + 1] = {
      accepted = data.accepted ~= 0, known = data.known ~= 0, fresh = data.fresh ~= 0,
      kind = word("document", data.kind), error = word("refusal", data.error),
      license = borrowed_at(C.reprieve_answers_license, handle.handle[0], index),
      detail = borrowed_at(C.reprieve_answers_detail, handle.handle[0], index) or "",
    }
    if data.accepted ~= 0 then list.accepted = list.accepted + 1 end
  end
  handle:free()
  return list
end

-- An event; the handle is freed.
function values.event(handle)
  local own = handle.handle[0]
  local data = ffi.new "reprieve_event_info"
  data.struct_size = ffi.sizeof(data)
  local status = C.reprieve_event_get(own, data)
  if status ~= 0 then return failed(status) end
  local event = {
    record = tonumber(data.record), index = data.index, kind = words.event[data.kind], at = seconds(data.at), at_text = text(data.at),
    license = borrowed(C.reprieve_event_license, own), feature = borrowed(C.reprieve_event_feature, own),
    access = data.has_access ~= 0 and access_words[data.access] or nil, state = word("state", data.state),
    reason = borrowed(C.reprieve_event_reason, own), left = data.has_left ~= 0 and tonumber(data.left_seconds) or nil,
    document = word("document", data.document), error = word("refusal", data.error), text = borrowed(C.reprieve_event_text, own),
  }
  handle:free()
  return event
end

-- A ledger's status; the handle is freed.
function values.status(handle)
  local own = handle.handle[0]
  local data, json, err = ffi.new "reprieve_ledger_info", BytesHandle(), ErrorHandle()
  data.struct_size = ffi.sizeof(data)
  local status = C.reprieve_ledger_status_get(own, data)
  if status == 0 then status = C.reprieve_ledger_status_json(own, json.handle, err.handle) end
  if status ~= 0 then return failed(status, err) end
  local features, name, length = {}, text_box(), length_box()
  for index = 0, tonumber(data.features) - 1 do
    local decision = values.decision()
    decision.data.struct_size = values.DECISION_SIZE
    status = C.reprieve_ledger_status_feature(own, index, name, length, decision.data)
    if status ~= 0 then return failed(status) end
    features[index + 1] = { name = ffi.string(name[0], length[0]), decision = decision }
  end
  local policy = borrowed(C.reprieve_ledger_status_policy, own)
  local taken = {
    t = seconds(data.t), t_text = text(data.t), clock = word("clock", data.clock), ledger = word("ledger", data.ledger),
    flags = flags(data.flags), ledger_id = borrowed(C.reprieve_ledger_status_ledger_id, own),
    folder = borrowed(C.reprieve_ledger_status_folder, own), generation = tonumber(data.generation), records = tonumber(data.records),
    unproven = tonumber(data.unproven), policy = policy, policy_version = policy and tonumber(data.policy_version) or nil,
    features = features, json = values.take(json),
  }
  handle:free()
  return taken
end

-- What a product has to do in a step of a scenario; the handle is freed.
function values.task(handle)
  local own, kind, outage = handle.handle[0], number_box(), number_box()
  C.reprieve_task_kind(own, kind)
  C.reprieve_task_outage(own, outage)
  local task = {
    kind = words.task[kind[0]], token = borrowed(C.reprieve_task_token, own), sku = borrowed(C.reprieve_task_sku, own),
    feature = borrowed(C.reprieve_task_feature, own), outage = word("outage", outage[0]),
  }
  handle:free()
  return task
end

return values
