#!/usr/bin/env bash
# Makes the package for LuaJIT hosts: an archive whose folder can be put into a game as it is, or installed by `luarocks make`. The library in it has
# `http`, so that client:renewing() works. REPRIEVE_PACKAGE_LIBRARY: a library that is built already, in the place of this machine's.
#   scripts/package/lua.sh [OUT]      OUT is build/packages unless said
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/flags.sh
. scripts/engine_library.sh
out="${1:-build/packages}"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
case "$(uname -s)" in
  Darwin) system=OSX library=libreprieve.dylib ;;
  MINGW* | MSYS* | CYGWIN*) system=Windows library=reprieve.dll ;;
  *) system=$(uname -s) library=libreprieve.so ;;
esac
# As LuaJIT calls them.
case "$(uname -m)" in
  x86_64 | amd64) machine=x64 ;;
  aarch64 | arm64) machine=arm64 ;;
  *) machine=$(uname -m) ;;
esac
name="reprieve-lua-$version-$system-$machine"

built=$(engine_library "$library")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
package="$work/$name"
mkdir -p "$package" "$out"
rm -f "$out"/reprieve-lua-*.tar.gz
cp bindings/lua/*.lua bindings/lua/README.md LICENSE-MIT LICENSE-APACHE "$package/"
cp "$built" "$package/$library"
# For Windows too, where scripts/windows.sh built it of this tree: in a folder that reprieve_library.lua looks into.
if [ "$system" != Windows ] && dll=$(engine_windows); then
  mkdir "$package/Windows-x64"
  cp "$dll" "$package/Windows-x64/"
fi

# `luarocks make` takes the files from the folder that it is run in, and never looks at the address.
cat > "$package/reprieve-$version-1.rockspec" << END
rockspec_format = "3.0"
package = "reprieve"
version = "$version-1"
source = { url = "file://$name.tar.gz", dir = "$name" }
description = {
  summary = "Keeps licensed software running, for a bounded and audited time, when its licence server cannot be reached.",
  license = "MIT OR Apache-2.0",
}
-- LuaJIT, which is Lua 5.1 with an FFI.
dependencies = { "lua == 5.1" }
build = {
  type = "builtin",
  modules = {
$(cd "$package" && for file in *.lua; do echo "    ${file%.lua} = \"$file\","; done)
  },
  install = { lib = { "$library" } },
  copy_directories = {},
}
END

# The same bytes from the same tree.
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$work" -cf - "$name" | gzip -n > "$out/$name.tar.gz"
echo "$out/$name.tar.gz"
