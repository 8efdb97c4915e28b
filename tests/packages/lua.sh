#!/usr/bin/env bash
# Uses the Lua package as a new user would: unpacked in a clean folder, and installed by LuaRocks. Nothing of the tree is seen but the archive.
#   tests/packages/lua.sh [OUT]       OUT is where the archive lies, build/packages unless said
set -uo pipefail
out=$(cd "${1:-$(dirname "$0")/../../build/packages}" && pwd) || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset "${!LUA_@}" "${!REPRIEVE_@}" "${!LD_@}"
export HOME="$work/home" XDG_DATA_HOME="$work/home/data" XDG_STATE_HOME="$work/home/state"
mkdir -p "$HOME" "$work/game" "$work/sample"
passed=0 failed=0 skipped=0
not_run() { skipped=$((skipped + 1)); echo "not run: $1: $2"; }
# check NAME COMMAND...: what it prints is shown if it fails.
check() {
  local name="$1" said
  shift
  if said=$("$@" 2>&1); then passed=$((passed + 1)); else failed=$((failed + 1)); printf 'FAILED %s: %s\n' "$name" "$said"; return 1; fi
}
finish() { echo "lua: $passed passed, $failed failed, $skipped not run"; [ "$failed" = 0 ] && [ "$passed" -gt 0 ]; exit; }

archives=("$out"/reprieve-lua-*.tar.gz)
check "there is one archive" test ${#archives[@]} = 1 -a -f "${archives[0]}" || finish
name=$(basename "${archives[0]}" .tar.gz)
version=$(cut -d- -f3 <<< "$name")
check "unpacking" tar -xzf "${archives[0]}" -C "$work/game" || finish
package="$work/game/$name"
library=$(cd "$package" && ls libreprieve.so libreprieve.dylib reprieve.dll 2> /dev/null)
for file in reprieve.lua reprieve_cdef.lua README.md LICENSE-MIT LICENSE-APACHE "reprieve-$version-1.rockspec" "$library"; do
  check "it holds $file" test -s "$package/$file"
done
check "nothing lies beside its folder" test "$(ls "$work/game")" = "$name"
check "no path of the machine that built it in a text" sh -c "! grep -rIlE '/home/|/root/|$(cd "$(dirname "$0")/../.." && pwd)/' '$package'"
if command -v nm > /dev/null && [ "$library" = libreprieve.so ]; then
  check "the library is stripped" sh -c "nm '$package/$library' 2>&1 | grep -q 'no symbols'"
else
  not_run "the library is stripped" "nm is missing"
fi

cat > "$work/sample/sample.lua" << 'LUA'
local reprieve = require "reprieve"
local drill = assert(reprieve.drill.from_scenario '{"sku": "cad", "steps": []}')
local client = assert(drill:client())
local core = assert(client:feature("cad", "core"))
assert(core:check().state == "unlicensed" and not core:allowed())
local claims = ('{"license":"L1","sku":"cad","features":{"core":%d}}'):format(drill:now() + 86400)
assert(assert(client:import(assert(drill:issue("lease", claims)))).accepted)
assert(core:allowed() and core:check().ends_text == "2026-01-02T00:00:00Z")
assert(drill:advance(90000))
assert(core:check().state == "expired")
local client, err = reprieve.open "no such file.toml"
assert(not client and err.word == "app")
print(reprieve.version, reprieve.library)
LUA
# sample FOLDER: the sample runs, and the library came from there.
sample() {
  local said
  said=$(cd "$work/sample" && luajit sample.lua) || return 1
  echo "$said"
  [ "$said" = "$version"$'\t'"$1/$library" ]
}

if ! command -v luajit > /dev/null; then
  not_run "the sample" "luajit is missing"
  finish
fi
LUA_PATH="$package/?.lua" check "the sample, from the unpacked folder" sample "$package"
cp -r "$package" "$work/sample/reprieve"
sed 's/require "reprieve"/require "reprieve.reprieve"/' "$work/sample/sample.lua" > "$work/sample/other.lua"
check "the sample, from a folder of the game" sh -c "cd '$work/sample' && luajit other.lua"
rm -r "$work/sample/reprieve"

# The package's own library renews by its own HTTP, at a licence server. Seen by the checks of a loop, as a game asks.
cat > "$work/sample/renews.lua" << 'LUA'
local reprieve = require "reprieve"
local ffi = require "ffi"
ffi.cdef "int usleep(unsigned int microseconds);"
local client = assert(reprieve.open "reprieve.toml")
local core = assert(client:feature("cad", "core"))
local before = core:check().access
local renewing = assert(client:renewing { proxy = "none", headers = { Authorization = "Bearer " .. os.getenv "REPRIEVE_CODE" } })
local begin = os.time()
repeat
  ffi.C.usleep(10000)
until core:check().access == "full" or os.time() - begin > 20
print(before, core:check().access, assert(renewing:state()).word, reprieve.library)
assert(renewing:stop())
LUA
renews() {
  local said
  said=$(LUA_PATH="$package/?.lua" python3 "$authority" "$work/served" luajit "$work/sample/renews.lua" 2>&1) || { echo "$said"; return 1; }
  echo "$said"
  [ "$said" = "denied"$'\t'"full"$'\t'"renewed"$'\t'"$package/$library" ]
}
authority="$(cd "$(dirname "$0")/.." && pwd)/renewing/authority.py"
if [ -x "$(dirname "$0")/../../target/release/reprieve-authority" ]; then
  mkdir "$work/served"
  check "the package's own library renews at an authority" renews
else
  not_run "the package's own library renews at an authority" "there is no target/release/reprieve-authority"
fi

if command -v luarocks > /dev/null; then
  rocks="$work/rocks"
  if check "luarocks make" sh -c "cd '$package' && luarocks --lua-version 5.1 --tree '$rocks' make 'reprieve-$version-1.rockspec'"; then
    LUA_PATH="$rocks/share/lua/5.1/?.lua" LUA_CPATH="$rocks/lib/lua/5.1/?.so" check "the sample, from LuaRocks' tree" sample "$rocks/lib/lua/5.1"
  fi
else
  not_run "luarocks make" "luarocks is missing"
fi
finish
