#!/usr/bin/env bash
# Installs what the build and the tests need and this machine lacks, or says exactly what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need cc gcc
need c++ g++
need make make
need git git
need nm binutils
need mcs mono-mcs
need mono mono-runtime
need valgrind valgrind
need cmake cmake
need pkg-config pkg-config
need abidiff abigail-tools
need strace strace
need luajit luajit
need curl-config libcurl4-openssl-dev
need cert-sync ca-certificates-mono
need softhsm2-util softhsm2
[ -e /usr/lib/mono/4.5/System.Core.dll ] || missing+=(libmono-system-core4.0-cil)
[ -e /usr/lib/mono/4.5/System.Net.Http.dll ] || missing+=(libmono-system-net-http4.0-cil)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)

if [ ${#missing[@]} -gt 0 ]; then
  run=()
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then run=(sudo -n); else
      echo "setup: these Debian packages are missing: ${missing[*]}" >&2
      echo "setup: install them with: sudo apt-get install ${missing[*]}" >&2
      exit 1
    fi
  fi
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: install what Debian calls: ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  "${run[@]}" apt-get update -qq
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null 2>&1; then
  echo "setup: cargo is missing; install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer" >&2
  exit 1
fi

# Python tools live in a venv of the project's own.
stamp=build/venv/.requirements
if ! cmp -s scripts/requirements.txt "$stamp" 2>/dev/null; then
  mkdir -p build
  [ -x build/venv/bin/python ] || python3 -m venv build/venv
  echo "setup: installing the Python tools into build/venv"
  build/venv/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt
  cp scripts/requirements.txt "$stamp"
fi
