--- Drills: an authority, a clock and a ledger of their own, and a normal client on them, for tests and for teams. Part of the module `reprieve`,
-- which hands in what they share.
-- @submodule reprieve

local ffi = require "ffi"

return function(values, C, Client, Builder)
  local ErrorHandle, BytesHandle = values.ErrorHandle, values.BytesHandle
  local failed, text, whole = values.failed, values.text_argument, values.whole_argument
  local Drill

  --- A drill. Calls give `nil, err` if they cannot do their work.
  -- @type Drill
  local drill = {}

  --- How many steps the scenario has; 0 for a drill without one.
  -- @treturn number
  function drill:step_count()
    local count, err = values.length_box(), ErrorHandle()
    local status = C.reprieve_drill_step_count(self.handle[0], count, err.handle)
    if status ~= 0 then return failed(status, err) end
    return tonumber(count[0])
  end

  --- Does the world's part of a step, and says what the product has to do. Then ask `client` for the client, as a step may close one and open
  -- another.
  -- @tparam number step from 0, as scenarios and their lines count them
  -- @return a table: `kind` ("nothing", "import", "check", "report", "events"), and what it needs: `token`, `sku` and `feature`, `outage`
  function drill:step(step)
    whole(step, 1, "step", 0, 2 ^ 32 - 1)
    local task, err = values.TaskHandle(), ErrorHandle()
    local status = C.reprieve_drill_step(self.handle[0], step, task.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return values.task(task)
  end

  --- The client of the moment: a new object that shares the drill's open ledger.
  -- @treturn Client
  function drill:client()
    local client, err = Client(), ErrorHandle()
    local status = C.reprieve_drill_client(self.handle[0], client.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return client
  end

  --- A builder for another client on the drill's ledger.
  -- @treturn Builder
  function drill:builder()
    local builder, err = Builder(), ErrorHandle()
    local status = C.reprieve_drill_builder(self.handle[0], builder.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return builder
  end

  --- Time passes, on the simulated clock of a scenario's drill.
  -- @tparam number seconds whole, 0 or more
  -- @treturn boolean true
  function drill:advance(seconds)
    whole(seconds, 1, "advance", -2 ^ 53, 2 ^ 53)
    local err = ErrorHandle()
    local status = C.reprieve_drill_advance(self.handle[0], seconds, err.handle)
    if status ~= 0 then return failed(status, err) end
    return true
  end

  --- Shifts the wall clock that the drill's clients see, back if negative. The machine's clock is never set.
  -- @tparam number seconds whole
  -- @treturn boolean true
  function drill:set_wall(seconds)
    whole(seconds, 1, "set_wall", -2 ^ 53, 2 ^ 53)
    local err = ErrorHandle()
    local status = C.reprieve_drill_set_wall(self.handle[0], seconds, err.handle)
    if status ~= 0 then return failed(status, err) end
    return true
  end

  --- True time, which the drill's authority knows.
  -- @treturn number seconds since 1970
  -- @treturn string the same as exact text
  function drill:now()
    local now, err = values.time_box(), ErrorHandle()
    local status = C.reprieve_drill_now(self.handle[0], now, err.handle)
    if status ~= 0 then return failed(status, err) end
    return values.seconds(now[0]), values.text(now[0])
  end

  --- Where the drill's files lie.
  -- @treturn string
  function drill:folder()
    local folder, err = BytesHandle(), ErrorHandle()
    local status = C.reprieve_drill_folder(self.handle[0], folder.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return values.take(folder)
  end

  --- Issues a document as the drill's authority.
  -- @tparam string kind "lease", "policy", "notice", "extension", "revocation", "ruling" or "keys"
  -- @tparam string claims JSON, as the kind has them, instants in seconds since 1970; `iat`, and `ledger` of a lease or ruling, are filled in
  -- @tparam[opt] table options `signers`: how many people of role support sign an extension, 1 unless said; `fault`: how it is broken:
  -- "malformed", "unknown_key", "bad_signature", "wrong_role" or "wrong_ledger"
  -- @treturn string a token to import
  function drill:issue(kind, claims, options)
    local number = values.word_argument("document", kind, 1, "issue")
    text(claims, 2, "issue")
    options = options or {}
    local signers, fault = options.signers, options.fault
    if signers == nil then signers = 1 end
    whole(signers, 3, "issue", 0, 2 ^ 32 - 1)
    if fault ~= nil then text(fault, 3, "issue") end
    local token, err = BytesHandle(), ErrorHandle()
    local status = C.reprieve_drill_issue(self.handle[0], number, claims, #claims, signers, fault, fault and #fault or 0, token.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return values.take(token)
  end

  --- Frees the drill at once, and its temporary folder if it has one: its own client is closed, and clients taken from it with that. Twice is
  -- no harm.
  -- @function Drill:free
  Drill = values.owner("reprieve_drill", C.reprieve_drill_free, drill)

  --- @section end

  local drills = {
    --- The consumer by which a scenario's events are taken.
    consumer = ffi.string(C.reprieve_drill_consumer()),
  }

  --- A drill that walks a scenario, on a simulated clock, in a temporary folder that goes with it.
  -- @tparam string scenario JSON, or TOML of the same shape
  -- @treturn Drill
  function drills.from_scenario(scenario)
    text(scenario, 1, "from_scenario")
    local made, err = Drill(), ErrorHandle()
    local status = C.reprieve_drill_from_scenario(scenario, #scenario, made.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return made
  end

  --- A drill on the real clock in a folder that stays, which other processes can open.
  -- @tparam string folder
  -- @tparam[opt] string policy the policy's claims as JSON
  -- @treturn Drill
  function drills.create(folder, policy)
    text(folder, 1, "create")
    if policy ~= nil then text(policy, 2, "create") end
    local made, err = Drill(), ErrorHandle()
    local status = C.reprieve_drill_create(folder, #folder, policy, policy and #policy or 0, made.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return made
  end

  --- Opens a drill that `create` made, in this process or another.
  -- @tparam string folder
  -- @treturn Drill
  function drills.open(folder)
    text(folder, 1, "open")
    local made, err = Drill(), ErrorHandle()
    local status = C.reprieve_drill_open(folder, #folder, made.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return made
  end

  return drills
end
