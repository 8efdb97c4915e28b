#!/usr/bin/env bash
# Builds packages for other platforms than this one: scripts/packages-platforms.sh OUT [PLATFORM...]; `make packages PLATFORMS=all` calls it.
#
#   linux-x86_64        wheel for every glibc from 2.17 on (manylinux2014)
#   linux-aarch64       the same; C archive; linux-arm64 of Reprieve.Native; Linux-arm64 of the Lua archive
#   linux-x86_64-musl   wheel for musl (musllinux_1_2); linux-musl-x64 of Reprieve.Native
#   macos-aarch64       osx-arm64 of Reprieve.Native; OSX-arm64 of the Lua archive
#
# Leaves in OUT the wheels and archives, and Reprieve.Native and the Lua archive with what was built, this machine's library too. What is built
# by zig and, but for linux-x86_64, by rustc-web, which is another compiler than the host's packages have: docs/platforms.md says what of it was run.
set -euo pipefail
cd "$(dirname "$0")/.."
out="${1:?a folder}"
shift
platforms=("$@")
if [ $# = 0 ] || [ "$*" = all ]; then platforms=(linux-x86_64 linux-aarch64 linux-x86_64-musl macos-aarch64); fi
scripts/platforms.sh --tools
. scripts/flags.sh
mkdir -p "$out"
out=$(cd "$out" && pwd)
tools="$PWD/build/platforms/venv"
if ! [ -e "$tools/.made" ]; then
  echo "not run  packages for other platforms: zig cannot be had here"
  exit 3
fi
zig=$(echo "$tools"/lib/python3*/site-packages/ziglang)
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
export ZIG_GLOBAL_CACHE_DIR="$PWD/build/platforms/zig"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
natives=() folders=()

# cross TRIPLE COMMAND...: with Debian's compiler, the standard library from source, and zig.
cross() {
  local triple="$1"
  shift
  local flags=()
  case "$triple" in *-musl) flags=("RUSTFLAGS=$RUSTFLAGS -Ctarget-feature=-crt-static -Clink-self-contained=no") ;; esac
  # Symbols are stripped by the linker; rust-objcopy is not at hand for every platform.
  env PATH="$tools/bin:$zig:$PWD/build/venv/bin:/usr/bin:$PATH" CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    CARGO_UNSTABLE_BUILD_STD=std,panic_unwind CARGO_TARGET_DIR="$PWD/build/platforms/target" "${flags[@]}" "$@"
}

# library TRIPLE: the shared and static library, in $built.
library() {
  cross "$1" cargo-zigbuild build --locked --quiet --profile dist -p reprieve-c --target "$1${2:-}"
  built="$PWD/build/platforms/target/$1/dist"
}

wheel() {
  local triple="$1" tag="$2"
  cross "$triple" maturin build --quiet --locked --zig --profile dist --manifest-path python/Cargo.toml --out "$out" --target "$triple" --compatibility "$tag"
}

for platform in "${platforms[@]}"; do
  started=$SECONDS
  case "$platform" in
    linux-x86_64)
      if [ "$(uname -m)" != x86_64 ]; then
        echo "not run  $platform: the host's own compiler builds it, on that machine only"
        continue
      fi
      PATH="$tools/bin:$zig:$PWD/build/venv/bin:$PATH" maturin build --quiet --locked --zig --profile dist --manifest-path python/Cargo.toml \
        --out "$out" --compatibility manylinux2014
      ;;
    linux-aarch64)
      wheel aarch64-unknown-linux-gnu manylinux2014
      library aarch64-unknown-linux-gnu .2.17
      natives+=("linux-arm64=$built/libreprieve.so") folders+=("Linux-arm64=$built/libreprieve.so")
      REPRIEVE_TARGET=aarch64-unknown-linux-gnu REPRIEVE_BUILT="$built" STRIP=aarch64-linux-gnu-strip scripts/package/c.sh "$out"
      ;;
    linux-x86_64-musl)
      wheel x86_64-unknown-linux-musl musllinux_1_2
      library x86_64-unknown-linux-musl
      natives+=("linux-musl-x64=$built/libreprieve.so")
      ;;
    macos-aarch64)
      library aarch64-apple-darwin
      natives+=("osx-arm64=$built/libreprieve.dylib") folders+=("OSX-arm64=$built/libreprieve.dylib")
      ;;
    *)
      echo "there is no package for $platform; there are: linux-x86_64, linux-aarch64, linux-x86_64-musl, macos-aarch64" >&2
      exit 2
      ;;
  esac
  printf -- '-- %s: %d s\n' "$platform" $((SECONDS - started))
done

for file in "$out"/reprieve-*.whl; do
  [ -e "$file" ] || continue
  # auditwheel knows both libcs; it fails where a wheel needs more than its name says.
  "$tools/bin/python" scripts/package/audit.py "$file"
done

if [ ${#natives[@]} -gt 0 ]; then
  status=0
  scripts/package/nuget.sh "$out" "${natives[@]}" || status=$?
  if [ "$status" != 0 ] && [ "$status" != 3 ]; then exit "$status"; fi
fi
if [ ${#folders[@]} -gt 0 ]; then
  # One archive, with the library of each system and processor in a folder of the name that LuaJIT gives it.
  scripts/package/lua.sh "$work" > /dev/null
  host=$(basename "$work"/reprieve-lua-*.tar.gz .tar.gz)
  name="reprieve-lua-$version-all"
  tar -C "$work" -xzf "$work/$host.tar.gz"
  mv "$work/$host" "$work/$name"
  # LuaRocks installs one machine's.
  rm "$work/$name"/*.rockspec
  folders+=("${host#reprieve-lua-"$version"-}=$work/$name/libreprieve.so")
  for folder in "${folders[@]}"; do
    mkdir "$work/$name/${folder%%=*}"
    cp "${folder#*=}" "$work/$name/${folder%%=*}/"
  done
  rm "$work/$name/libreprieve.so"
  printf '\nThe libraries of `Linux-arm64` and `OSX-arm64`, where they are, were built on Linux x86_64. The code of the first was run under qemu-user, this\nbuild of it was not; the second is not signed and was never run. Both were built without HTTP: `client:renewing` says `unsupported` there.\n' >> "$work/$name/README.md"
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$work" -cf - "$name" | gzip -n > "$out/$name.tar.gz"
  echo "$out/$name.tar.gz"
fi
python3 scripts/package/contents.py "$out"
