-- Finds the native library, loads it and looks whether it is one that this binding can use. `require "reprieve"` does that.

local jitted, ffi = pcall(require, "ffi")
if not jitted then error("reprieve: this needs LuaJIT with its FFI; the program runs " .. _VERSION .. " without it", 0) end
local prefix = (... or ""):match "^(.*[./])" or ""
local declared = require(prefix .. "reprieve_cdef")

-- A Lua state takes each declaration once; a module that is loaded again (hot reload) must not repeat them.
if not pcall(ffi.typeof, declared.marker) then
  if pcall(ffi.typeof, "reprieve_decision") then
    error("reprieve: this Lua state holds the declarations of another release of reprieve_cdef.lua, and LuaJIT cannot drop them; "
      .. "start the program anew after an update", 0)
  end
  ffi.cdef(declared.cdef)
end

local MAJOR, MINOR = declared.constants.ABI_VERSION_MAJOR, declared.constants.ABI_VERSION_MINOR
local NAME = ffi.os == "Windows" and "reprieve.dll" or ffi.os == "OSX" and "libreprieve.dylib" or "libreprieve.so"

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The folder of this file, "" if it is none of the file system's (a LÖVE archive, a string).
local function own_folder()
  local source = debug.getinfo(1, "S").source
  return source:sub(1, 1) == "@" and (source:sub(2):match "^(.*[/\\])" or "./") or ""
end

-- Each place to look: a path, and what kind of place it is.
local function places()
  local list = {}
  local function add(path, what) list[#list + 1] = { path = path, what = what } end
  local function folder(path, what)
    add(path .. NAME, what)
    add(path .. ffi.os .. "-" .. ffi.arch .. "/" .. NAME, what)
  end

  local own, files = own_folder(), type(love) == "table" and love.filesystem
  local absolute = own:match "^[/\\]" or own:match "^%a:"
  -- What LÖVE's loader gives counts from the game's folder, not from the process's.
  if own ~= "" and (absolute or not files) then folder(own, "beside reprieve.lua") end
  -- A library inside an archive cannot be loaded: it lies beside it, or in the save folder.
  if files then
    local module = absolute and "" or own:gsub("^%./", "")
    for _, at in ipairs { { files.getSource(), "the game's folder" }, { files.getSourceBaseDirectory(), "beside the game" },
                          { files.getSaveDirectory(), "the save folder" } } do
      if at[1] and at[1] ~= "" then
        folder(at[1] .. "/", at[2])
        if module ~= "" then folder(at[1] .. "/" .. module, at[2]) end
      end
    end
  end
  for template in package.cpath:gmatch "[^;]+" do
    local path = template:gsub("[^/\\]*%?.*$", NAME)
    if path ~= template then add(path, "package.cpath") end
  end
  return list
end

-- Calls are looked up in here: an alien library has no such function.
local function version_of(library)
  local ok, version = pcall(function() return library.reprieve_abi_version() end)
  return ok and version or nil
end

-- The processors by their numbers in the headers of ELF and PE files, named as `jit.arch` names them.
local MACHINES = {
  ELF = { [3] = "x86", [8] = "mips", [20] = "ppc", [40] = "arm", [62] = "x64", [183] = "arm64" },
  PE = { [0x14c] = "x86", [0x1c4] = "arm", [0x8664] = "x64", [0xaa64] = "arm64" },
}

-- What a file is built for, where that is another system or processor than this program's: a loader may say of it no more than that there is
-- no such file. "" if that is not it.
local function built_for(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local head = file:read(4096) or ""
  file:close()
  local function number(at)
    local low, high = head:byte(at + 1, at + 2)
    return low and high and low + high * 256
  end
  local system, machine
  if head:sub(1, 4) == "\127ELF" then
    system, machine = "Linux", MACHINES.ELF[number(18)] or "another processor"
  elseif head:sub(1, 2) == "MZ" then
    local at = number(60)
    system, machine = "Windows", at and MACHINES.PE[number(at + 4)] or "another processor"
  elseif head:find "^\207\250\237\254" or head:find "^\202\254\186\190" then
    system = "OSX"
  end
  -- Android and the BSDs have ELF files too.
  local alien = system and (system == "Linux" and (ffi.os == "Windows" or ffi.os == "OSX") or system ~= "Linux" and system ~= ffi.os)
  if not alien and (not machine or machine == ffi.arch) then return "" end
  return ("it is built for %s, and this program is %s %s; "):format(machine and system .. " " .. machine or system, ffi.os, ffi.arch)
end

-- Refuses a library of another ABI: better no start than wrong numbers.
local function fit(library, path)
  local version = version_of(library)
  if not version then
    error(("reprieve: %s is no library of Reprieve's (it has no `reprieve_abi_version`); remove it, or name the right file in the environment "
      .. "variable REPRIEVE_LIB"):format(path), 0)
  end
  local major, minor = math.floor(version / 65536), version % 65536
  if major ~= MAJOR or minor < MINOR then
    error(("reprieve: %s has ABI version %d.%d, but this reprieve.lua needs %d.%d or a later %d.x; put the library and the Lua files of one "
      .. "release together, or name the right file in the environment variable REPRIEVE_LIB"):format(path, major, minor, MAJOR, MINOR, MAJOR), 0)
  end
  return library, path
end

local function load()
  local named = os.getenv "REPRIEVE_LIB"
  if named and named ~= "" then
    local path = named
    if exists(named .. "/" .. NAME) then path = named .. "/" .. NAME end
    local ok, library = pcall(ffi.load, path)
    if ok then return fit(library, path) end
    error(("reprieve: the environment variable REPRIEVE_LIB names %s, and it cannot be loaded: %s%s; name the file %s or its folder, or unset it")
      :format(path, built_for(path), library, NAME), 0)
  end

  local tried, seen = {}, {}
  for _, place in ipairs(places()) do
    if not seen[place.path] then
      seen[place.path] = true
      if exists(place.path) then
        local ok, library = pcall(ffi.load, place.path)
        if ok then return fit(library, place.path) end
        tried[#tried + 1] = ("%s (%s): %s%s"):format(place.path, place.what, built_for(place.path), library)
      else
        tried[#tried + 1] = ("%s (%s): no such file"):format(place.path, place.what)
      end
    end
  end
  local ok, library = pcall(ffi.load, "reprieve")
  if ok then return fit(library, "the system's " .. NAME) end
  tried[#tried + 1] = ("the system's libraries: %s"):format(library)
  -- A host may have linked it in, as on iOS.
  if version_of(ffi.C) then return fit(ffi.C, "the library in the program") end
  tried[#tried + 1] = "the program itself: it has no `reprieve_abi_version`"
  error(("reprieve: the native library was not found; put %s beside reprieve.lua, or name it in the environment variable REPRIEVE_LIB. Tried:\n  %s")
    :format(NAME, table.concat(tried, "\n  ")), 0)
end

local library, path = load()
return { library = library, path = path, declared = declared }
