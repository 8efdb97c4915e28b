--- Builders: how a ledger is opened. Part of the module `reprieve`, which hands in what they share.
-- @submodule reprieve

return function(values, C, Client)
  local ErrorHandle, failed = values.ErrorHandle, values.failed
  local text, whole, word = values.text_argument, values.whole_argument, values.word_argument
  local Builder

  --- How a ledger is opened. Setters give the builder, or `nil, err`. It may open again and again.
  -- @type Builder
  local builder = {}

  local function set(self, status, err)
    if status ~= 0 then return failed(status, err) end
    return self
  end

  --- The ledger's folder, in place of the application file's or the platform's.
  -- @tparam string path
  function builder:folder(path)
    local err = ErrorHandle()
    text(path, 1, "folder")
    return set(self, C.reprieve_builder_set_folder(self.handle[0], path, #path, err.handle), err)
  end

  --- The witness's folder, which shows if the ledger is put back from a copy.
  -- @tparam string path
  function builder:witness(path)
    local err = ErrorHandle()
    text(path, 1, "witness")
    return set(self, C.reprieve_builder_set_witness(self.handle[0], path, #path, err.handle), err)
  end

  --- A ledger in memory, for read-only machines: it ends with the client, and every decision says so.
  function builder:in_memory()
    local err = ErrorHandle()
    return set(self, C.reprieve_builder_set_in_memory(self.handle[0], err.handle), err)
  end

  --- Who does upkeep.
  -- @tparam string who "in_checks" (unless said) or "own": the product calls `client:upkeep`, and a check never touches the disk
  function builder:upkeep(who)
    local err = ErrorHandle()
    local number = word("upkeep", who, 1, "upkeep")
    return set(self, C.reprieve_builder_set_upkeep(self.handle[0], number, err.handle), err)
  end

  --- How long a call waits for the ledger's lock.
  -- @tparam number seconds 5 unless said; after it, the call fails with "busy"
  function builder:lock_timeout(seconds)
    local err = ErrorHandle()
    if type(seconds) ~= "number" then error("bad argument #1 to 'lock_timeout' (number expected, got " .. type(seconds) .. ")", 2) end
    local milliseconds = whole(math.floor(seconds * 1000 + 0.5), 1, "lock_timeout", 0, 2 ^ 32 - 1)
    return set(self, C.reprieve_builder_set_lock_timeout(self.handle[0], milliseconds, err.handle), err)
  end

  --- Whether a ledger is made where none lies; true unless said. If not, opening fails with "missing".
  -- @tparam boolean make
  function builder:create(make)
    local err = ErrorHandle()
    if type(make) ~= "boolean" then error("bad argument #1 to 'create' (boolean expected, got " .. type(make) .. ")", 2) end
    return set(self, C.reprieve_builder_set_create(self.handle[0], make and 1 or 0, err.handle), err)
  end

  --- Opens the ledger, making it if none lies there.
  -- @treturn Client
  function builder:open()
    local opened, err = Client(), ErrorHandle()
    local status = C.reprieve_builder_open(self.handle[0], opened.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return opened
  end

  --- Frees the builder at once; twice is no harm. What it opened stays open.
  -- @function Builder:free
  Builder = values.owner("reprieve_builder", C.reprieve_builder_free, builder)

  --- @section end

  local builders = {}

  --- The defaults, for the application file at a path.
  -- @tparam string path of `reprieve.toml`, the same for every product and language of a vendor
  -- @treturn Builder
  function builders.from_file(path)
    text(path, 1, "from_file")
    local made, err = Builder(), ErrorHandle()
    local status = C.reprieve_builder_from_file(path, #path, made.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return made
  end

  --- The defaults, for the text of an application file, as a product may have it built in.
  -- @tparam string toml the text. A relative folder in it counts from the process's current folder
  -- @treturn Builder
  function builders.from_toml(toml)
    text(toml, 1, "from_toml")
    local made, err = Builder(), ErrorHandle()
    local status = C.reprieve_builder_from_toml(toml, #toml, made.handle, err.handle)
    if status ~= 0 then return failed(status, err) end
    return made
  end

  return builders, Builder
end
