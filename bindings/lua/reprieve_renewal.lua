--- Renewal: a renewer, to be driven with HTTP of the product's own, and renewing by the library's own HTTP on a thread. Part of the module
-- `reprieve`, which hands in what they share.
-- @submodule reprieve

local ffi = require "ffi"

return function(values, C, client)
  local ErrorHandle, BytesHandle = values.ErrorHandle, values.BytesHandle
  local failed, text, whole, word = values.failed, values.text_argument, values.whole_argument, values.word_argument
  local words = values.words
  local RequestHandle = values.owner("reprieve_http_request", C.reprieve_http_request_free)
  local task_box, state_box, settings_box =
    ffi.typeof "reprieve_renewal_task", ffi.typeof "reprieve_renewal_state", ffi.typeof "reprieve_renewal_settings"
  local text_box = ffi.typeof "const char *[1]"
  local SETTINGS = { "timeout", "hedge", "pause", "pause_most", "retry_after_most", "answered", "renewed" }

  -- Seconds of a table as milliseconds of the structure; `more` are names that it may have beside.
  local function settings_of(options, call, more)
    local settings = settings_box()
    settings.struct_size = ffi.sizeof(settings)
    if options == nil then return settings end
    if type(options) ~= "table" then error(("bad argument #1 to '%s' (table expected, got %s)"):format(call, type(options)), 3) end
    for name, value in pairs(options) do
      local found = more[name] or false
      for _, known in ipairs(SETTINGS) do
        if known == name then
          found = true
          if type(value) ~= "number" or not (value > 0 and value <= 4e6) then
            error(("bad argument #1 to '%s' ('%s' is no number of seconds from 0.001 to 4,000,000)"):format(call, name), 3)
          end
          settings[name] = math.max(1, math.floor(value * 1000 + 0.5))
        end
      end
      if not found then error(("bad argument #1 to '%s' (no such option: '%s')"):format(call, tostring(name)), 3) end
    end
    return settings
  end

  -- Header fields as HTTP writes them; a table has names for keys.
  local function lines(headers, position, call)
    if headers == nil then return "" end
    if type(headers) == "string" then return headers end
    if type(headers) ~= "table" then error(("bad argument #%d to '%s' (table or string expected, got %s)"):format(position, call, type(headers)), 3) end
    local list = {}
    for name, value in pairs(headers) do list[#list + 1] = ("%s: %s\r\n"):format(name, value) end
    return table.concat(list)
  end

  local function state(ask, handle)
    local data, url, said, err = state_box(), BytesHandle(), BytesHandle(), ErrorHandle()
    data.struct_size = ffi.sizeof(data)
    local status = ask(handle, data, url.handle, said.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    local taken = { is_busy = data.is_busy ~= 0 }
    if data.has_next ~= 0 then taken.next = tonumber(data.next_milliseconds) / 1000 end
    if data.outcome ~= 0 then
      taken.outcome, taken.word, taken.url = words.outcome[data.outcome], values.take(said), values.take(url)
      taken.ago, taken.took = tonumber(data.ago_milliseconds) / 1000, tonumber(data.took_milliseconds) / 1000
      if data.failure ~= 0 then taken.failure = words.failure[data.failure] end
      if data.status ~= 0 then taken.status = data.status end
      if data.refusal ~= 0 then taken.refusal = words.refusal[data.refusal] end
    end
    return taken
  end

  -- What a request holds; the handle is freed.
  local function request_of(handle)
    local own, data, length, value, value_length, count =
      handle.handle[0], text_box(), values.length_box(), text_box(), values.length_box(), values.length_box()
    local request = { headers = {} }
    for name, get in pairs { method = C.reprieve_http_request_method, url = C.reprieve_http_request_url, body = C.reprieve_http_request_body } do
      local status = get(own, data, length)
      if status ~= 0 then return failed(status) end
      request[name] = ffi.string(data[0], length[0])
    end
    C.reprieve_http_request_header_count(own, count)
    for index = 0, tonumber(count[0]) - 1 do
      local status = C.reprieve_http_request_header(own, index, data, length, value, value_length)
      if status ~= 0 then return failed(status) end
      request.headers[ffi.string(data[0], length[0])] = ffi.string(value[0], value_length[0])
    end
    handle:free()
    return request
  end

  --- Renews a client's leases with HTTP of the product's own: it says what to send where, by when, and takes what came back. Its calls may wait
  -- for the disk and for other processes.
  -- @type Renewer
  local renewer = {}

  --- What to do next. Call it again after each task, when a wait has passed, and when an attempt has ended.
  -- @return a table: `kind` ("wait", "send" or "abort"). To wait: `seconds`. To send: `attempt`, `seconds` (after them it has failed), `method`,
  -- `url`, `headers` (by name) and `body`. To abort: `attempt`. Follow no redirect, verify certificates, and read no more than
  -- `reprieve.constants.MAX_ANSWER` bytes. `nil, err` ("closed") once the client was closed
  function renewer:poll()
    local data, request, err = task_box(), RequestHandle(), ErrorHandle()
    data.struct_size = ffi.sizeof(data)
    local status = C.reprieve_renewer_poll(self.handle[0], data, request.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    local kind, task = words.renewal[data.kind], nil
    if kind == "send" then
      task, err = request_of(request)
      if not task then return nil, err end
    end
    task = task or {}
    task.kind = kind
    if kind ~= "wait" then task.attempt = tonumber(data.attempt) end
    if kind ~= "abort" then task.seconds = tonumber(data.milliseconds) / 1000 end
    return task
  end

  --- An attempt was answered, whatever the status. Documents in the body are imported.
  -- @tparam number attempt the task's
  -- @tparam number status HTTP's, such as 200
  -- @param headers the answer's header fields: a table by name, a string as HTTP writes them, or nil
  -- @tparam ?string body decoded
  -- @treturn boolean true
  function renewer:answered(attempt, status, headers, body)
    whole(attempt, 1, "answered", 0, 2 ^ 53)
    whole(status, 2, "answered", 0, 2 ^ 32 - 1)
    headers = lines(headers, 3, "answered")
    if body ~= nil then text(body, 4, "answered") end
    local err = ErrorHandle()
    local came = C.reprieve_renewer_answered(self.handle[0], attempt, status, headers, #headers, body, body and #body or 0, err.handle)
    if came ~= 0 then return failed(came, err) end
    return true
  end

  --- An attempt failed before there was a whole answer.
  -- @tparam number attempt the task's
  -- @tparam string failure "no_dns", "no_route", "timed_out", "refused", "reset", "certificate", "tls", "protocol", "too_long" or "local"
  -- @treturn boolean true
  function renewer:failed(attempt, failure)
    whole(attempt, 1, "failed", 0, 2 ^ 53)
    local number, err = word("failure", failure, 2, "failed"), ErrorHandle()
    local status = C.reprieve_renewer_failed(self.handle[0], attempt, number, err.handle)
    if status ~= 0 then return failed(status, err) end
    return true
  end

  --- The network is back, or another one is there: a pause after failures ends within some seconds. Poll after it.
  -- @treturn boolean true
  function renewer:network_changed()
    local err = ErrorHandle()
    local status = C.reprieve_renewer_network_changed(self.handle[0], err.handle)
    if status ~= 0 then return failed(status, err) end
    return true
  end

  --- A renewal is wanted though none is due. Poll after it.
  -- @treturn boolean true
  function renewer:renew_now()
    local err = ErrorHandle()
    local status = C.reprieve_renewer_renew_now(self.handle[0], err.handle)
    if status ~= 0 then return failed(status, err) end
    return true
  end

  --- How renewing stands.
  -- @return a table: `is_busy`; `next` (in how many seconds the next round begins, or nil); and of the attempt that ended last, if any has,
  -- `outcome` ("renewed", "answered", "failed", "status", "dropped"), `word` (all of it, such as "status 302"), `url`, `ago` and `took` (seconds),
  -- and where they apply `failure`, `status`, `refusal`
  function renewer:state()
    return state(C.reprieve_renewer_state, self.handle[0])
  end

  --- Frees the renewer at once; twice is no harm.
  -- @function Renewer:free
  local Renewer = values.owner("reprieve_renewer", C.reprieve_renewer_free, renewer)

  --- Renewals under way on a thread of the library's, which ends when this is stopped, freed or collected, and when the client is closed.
  -- @type Renewing
  local renewing = {}

  --- The network is back, or another one is there. Does not wait.
  -- @treturn boolean true
  function renewing:network_changed()
    local err = ErrorHandle()
    local status = C.reprieve_renewing_network_changed(self.handle[0], err.handle)
    if status ~= 0 then return failed(status, err) end
    return true
  end

  --- A renewal is wanted though none is due. Does not wait.
  -- @treturn boolean true
  function renewing:renew_now()
    local err = ErrorHandle()
    local status = C.reprieve_renewing_renew_now(self.handle[0], err.handle)
    if status ~= 0 then return failed(status, err) end
    return true
  end

  --- How renewing stands, or stood when it was stopped: as `Renewer:state`.
  function renewing:state()
    return state(C.reprieve_renewing_state, self.handle[0])
  end

  --- Stops: waits for what is being written to the ledger, never for the network. Twice is no harm.
  -- @treturn boolean true
  function renewing:stop()
    local err = ErrorHandle()
    local status = C.reprieve_renewing_stop(self.handle[0], err.handle)
    if status ~= 0 then return failed(status, err) end
    return true
  end

  --- Stops and frees it at once; twice is no harm.
  -- @function Renewing:free
  local Renewing = values.owner("reprieve_renewing", C.reprieve_renewing_free, renewing)

  --- @type Client

  --- A renewer, to be driven with HTTP of the product's own.
  -- @tparam[opt] table settings seconds: `timeout`, `hedge`, `pause`, `pause_most`, `retry_after_most`, `answered`, `renewed`, as reprieve.h has them
  -- @treturn Renewer
  function client:renewer(settings)
    local data, made, err = settings_of(settings, "renewer", {}), Renewer(), ErrorHandle()
    local status = C.reprieve_client_renewer(self.handle[0], data, made.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return made
  end

  --- Starts a thread of the library's that renews this client's leases, with its own HTTP. One for each client.
  -- @tparam[opt] table options settings as of `renewer`; `roots` (certificates of the vendor's own authorities, PEM), `proxy` (a URL, or "none"; nil
  -- for what the platform says), `headers` (for each request: a table by name)
  -- @treturn Renewing
  -- @return[2] nil
  -- @return[2] the error: "unsupported" if the library was built without HTTP
  function client:renewing(options)
    local data = settings_of(options, "renewing", { roots = true, proxy = true, headers = true })
    options = options or {}
    local roots, proxy = options.roots or "", options.proxy or ""
    text(roots, 1, "renewing")
    text(proxy, 1, "renewing")
    local headers, made, err = lines(options.headers, 1, "renewing"), Renewing(), ErrorHandle()
    local status = C.reprieve_renewing_start(
      self.handle[0], data, roots, #roots, proxy, #proxy, headers, #headers, made.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return made
  end

  --- @section end
end
