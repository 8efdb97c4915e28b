#!/usr/bin/env bash
# Builds Reprieve for Windows on Debian, and runs its tests in Wine, which is no Windows: see docs/platforms.md.
#
#   scripts/windows.sh tools                   gets what is missing: MinGW, a compiler with a standard library for Windows, Wine
#   scripts/windows.sh build [PROFILE] [http]  the DLL, its import library, the static library and the command line, in build/windows/PROFILE
#                                              (release); with the feature `http`, in build/windows/PROFILE-http
#   scripts/windows.sh test [PART...]          all of it, then tests/windows/run.py: abi, http, files, package, core; `http` alone builds that alone
#   scripts/windows.sh run COMMAND...          a command with all that is set for a build
#
# Exits with 3, after a line `not run`, where the tools cannot be had, or with REPRIEVE_NO_INSTALL=1 are not there.
set -euo pipefail
cd "$(dirname "$0")/.."
rig="$PWD/build/windows"
target=x86_64-pc-windows-gnu
mkdir -p "$rig"

lacks() {
  echo "not run: Windows: $1"
  exit 3
}

# The machine's own Rust if its standard library for Windows is installed (`rustup target add x86_64-pc-windows-gnu`); else Debian's
# rustc-web, the newest that it has, which comes with the standard library's source to be built from.
own() {
  command -v cargo > /dev/null && command -v rustc > /dev/null && ls "$(rustc --print target-libdir --target $target 2> /dev/null)"/libstd-*.rlib > /dev/null 2>&1
}
debians() { [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] && [ -d /usr/lib/rustlib/src/rust/library/std ] && new_enough; }
new_enough() {
  local wanted
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  printf '%s\n' "$wanted" "$(/usr/bin/rustc --version | cut -d' ' -f2)" | sort -VC
}

# tools [wine]
tools() {
  local missing=() run=()
  command -v x86_64-w64-mingw32-gcc > /dev/null || missing+=(gcc-mingw-w64-x86-64)
  command -v x86_64-w64-mingw32-g++ > /dev/null || missing+=(g++-mingw-w64-x86-64)
  [ -z "${1:-}" ] || command -v wine > /dev/null || missing+=(wine wine64)
  own || debians || missing+=(rustc-web cargo-web rust-web-src)
  if [ ${#missing[@]} -gt 0 ]; then
    [ -z "${REPRIEVE_NO_INSTALL:-}" ] && command -v apt-get > /dev/null ||
      lacks "these Debian packages are missing: ${missing[*]}; scripts/windows.sh tools installs them"
    if [ "$(id -u)" != 0 ]; then
      sudo -n true 2> /dev/null || lacks "these packages are missing; install them with: sudo apt-get install ${missing[*]}"
      run=(sudo -n)
    fi
    echo "windows: installing ${missing[*]}"
    "${run[@]}" apt-get update -qq || true
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > "$rig/apt.log" 2>&1 ||
      lacks "apt-get install ${missing[*]} failed: $(tail -1 "$rig/apt.log")"
  fi
  own || debians || lacks "there is no Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer with a standard library for Windows"
}

# A drive C of our own, for as long as the tests run. It is no part of the tree: its drive Z is a link to /, and what looks through the tree for
# files to package, as cargo does, follows it.
prefix() {
  local system
  WINEPREFIX=$(mktemp -d -t reprieve-wine-XXXXXX)
  export WINEPREFIX
  trap 'wineserver -k || true; rm -rf "$WINEPREFIX"' EXIT
  system="$WINEPREFIX/drive_c/windows/system32"
  wineboot -i > "$rig/wineboot.log" 2>&1 || lacks "wineboot failed: $(tail -1 "$rig/wineboot.log")"
  wineserver -w
  if [ ! -e "$system/bcryptprimitives.dll" ]; then
    # Wine before 9 lacks the one function from which Rust's standard library has its random bytes.
    cat > "$rig/bcryptprimitives.c" << 'END'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    return SystemFunction036(data, (ULONG)size);
}
END
    x86_64-w64-mingw32-gcc -shared -o "$system/bcryptprimitives.dll" "$rig/bcryptprimitives.c" -ladvapi32
  fi
  # While one program runs, Wine's services do. Else each program that is waited for waits for theirs to start and to end, three seconds.
  { tail --pid=$$ -f /dev/null | wine cmd > /dev/null 2>&1 || true; } &
}

settings() {
  # What builds for this machine, to compare with, is left as it was.
  export REPRIEVE_HOST_PATH=$PATH REPRIEVE_HOST_TARGET=${CARGO_TARGET_DIR:-$PWD/target}
  if own; then
    CARGO=$(command -v cargo)
  else
    CARGO=/usr/bin/cargo
    # What calls rustc by itself finds the same one.
    export PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    unset RUSTUP_TOOLCHAIN
    export CARGO_UNSTABLE_BUILD_STD=std,panic_unwind
  fi
  export CARGO CARGO_TARGET_DIR="$rig/target" CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
  export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine
  export WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" DISPLAY=
}

# build PROFILE [http]
build() {
  local name="$1" features=()
  if [ -n "${2:-}" ]; then
    [ "$2" = http ] || { echo "windows: \`$2\` is no feature; leave it out, or say http" >&2; exit 2; }
    # A target folder of its own: in one, each of the two would be built anew after the other.
    name="$1-http" features=(--features http --target-dir "$rig/target-http")
  fi
  local out="$rig/$name" made="$rig/target${2:+-$2}/$target/$1"
  "$CARGO" build --locked --quiet --profile "$1" --target $target -p reprieve-c -p reprieve-cli "${features[@]}"
  mkdir -p "$out"
  cp "$made/reprieve.dll" "$made/libreprieve.dll.a" "$made/libreprieve.a" "$made/reprieve.exe" "$out/"
  echo "built: build/windows/$name/reprieve.dll ($(stat -c %s "$out/reprieve.dll") bytes), by $("${RUSTC:-rustc}" --version)"
}

case "${1:-test}" in
  tools) tools wine ;;
  build)
    tools
    settings
    build "${2:-release}" "${3:-}"
    ;;
  run)
    tools
    settings
    shift
    exec "$@"
    ;;
  test)
    tools wine
    settings
    prefix
    shift || true
    [ "$*" = http ] || build release
    build release http
    # What serves renewals needs packages of the venv's.
    python=build/venv/bin/python
    [ -x "$python" ] || python=python3
    "$python" tests/windows/run.py "$@"
    ;;
  *)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
