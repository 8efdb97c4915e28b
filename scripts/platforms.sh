#!/usr/bin/env bash
# Builds for every platform but Windows, and runs what can be run: scripts/platforms.sh [PLATFORM...]; all of tests/platforms/targets.py unless said.
#   scripts/platforms.sh --tools     only installs what it needs, for scripts/package/platforms.sh
#
# Debian's cross compilers, qemu and rustc-web with the source of its standard library come by apt; zig, cargo-zigbuild and what checks
# wheels by pip into build/platforms/venv. All that is built lies in build/platforms. What cannot be had is a line `not run`, never a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=() missing=()
need() { [ -e "$1" ] || packages+=("$2"); }
need /usr/bin/rustc rustc-web
need /usr/bin/cargo cargo-web
need /usr/lib/rustlib/src/rust/library/Cargo.lock rust-web-src
need /usr/bin/llvm-nm llvm
need /usr/bin/qemu-aarch64-static qemu-user-static
need /lib/ld-musl-x86_64.so.1 musl
for machine in aarch64-linux-gnu:arm64 arm-linux-gnueabihf:armhf i686-linux-gnu:i386 s390x-linux-gnu:s390x; do
  gnu=${machine%:*}
  need "/usr/bin/$gnu-gcc" "gcc-$gnu"
  need "/usr/bin/$gnu-g++" "g++-$gnu"
  need "/usr/$gnu/lib/libc.so.6" "libc6-dev-${machine#*:}-cross"
done
# What a program of 32 bits loads.
need /lib/ld-linux.so.2 libc6-i386
need /usr/lib32/libgcc_s.so.1 lib32gcc-s1
need /usr/lib32/libstdc++.so.6 lib32stdc++6

if [ ${#packages[@]} -gt 0 ]; then
  run=()
  [ "$(id -u)" = 0 ] || run=(sudo -n)
  if ! command -v apt-get > /dev/null 2>&1 || ! "${run[@]}" true 2> /dev/null; then
    echo "platforms: these Debian packages are missing, and cannot be installed by this user: ${packages[*]}" >&2
  else
    "${run[@]}" apt-get update -qq || true
    for package in "${packages[@]}"; do
      # One that this Debian does not have must not keep the others away.
      if apt-cache show "$package" > /dev/null 2>&1; then missing+=("$package"); else echo "platforms: there is no Debian package $package here" >&2; fi
    done
    [ ${#missing[@]} = 0 ] || echo "platforms: installing ${missing[*]}"
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null ||
      echo "platforms: they could not be installed; what needs them is not run" >&2
  fi
fi

venv=build/platforms/venv
if [ ! -e "$venv/.made" ]; then
  mkdir -p build/platforms
  # With the packages of build/venv beside its own: the judges of a shared ledger need them.
  build/venv/bin/python -m venv "$venv"
  echo "$PWD"/build/venv/lib/python3*/site-packages > "$(echo "$venv"/lib/python3*/site-packages)/project.pth"
  echo "platforms: installing zig into $venv"
  if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ziglang>=0.14,<0.18' 'cargo-zigbuild>=0.20,<1' 'auditwheel>=6' 'abi3audit>=0.0.20'; then
    touch "$venv/.made"
  else
    echo "platforms: zig could not be installed; what needs it is not run" >&2
  fi
fi
if [ "${1:-}" = --tools ]; then exit; fi
export REPRIEVE_LIB="$PWD/target/release" REPRIEVE_CLI="$PWD/target/release/reprieve"
exec "$venv/bin/python" tests/platforms/run.py "$@"
