#!/usr/bin/env bash
# Installs the engines that tests/engines needs and this machine lacks: by apt as setup.sh does, and pygame and panda3d, beside the project's
# wheel, into a venv of their own. What cannot be had is said; the tests of it then say `not run`.
set -uo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { command -v "$1" > /dev/null 2>&1 || missing+=("$2"); }
need love love
need xvfb-run xvfb
need xauth xauth
need luajit luajit
need strace strace
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
if [ ${#missing[@]} -gt 0 ]; then
  run=()
  if [ "$(id -u)" != 0 ]; then run=(sudo -n); fi
  if command -v apt-get > /dev/null 2>&1 && { [ "$(id -u)" = 0 ] || sudo -n true 2> /dev/null; }; then
    echo "engines: installing ${missing[*]}"
    "${run[@]}" apt-get update -qq
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" libgl1-mesa-dri > /dev/null ||
      echo "engines: these could not be installed: ${missing[*]}"
  else
    echo "engines: install with: sudo apt-get install ${missing[*]}"
  fi
fi

venv=build/engines/venv
stamp=$venv/.requirements
if ! cmp -s tests/engines/requirements.txt "$stamp" 2> /dev/null; then
  mkdir -p build/engines
  [ -x $venv/bin/python ] || python3 -m venv $venv
  echo "engines: installing pygame-ce and panda3d into $venv"
  if $venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/engines/requirements.txt; then
    cp tests/engines/requirements.txt "$stamp"
  else
    echo "engines: what tests/engines/requirements.txt names could not be installed"
  fi
fi
# The wheel that was built last.
wheel=$(ls -t build/wheels/reprieve-*.whl 2> /dev/null | head -n 1)
if [ -n "$wheel" ]; then
  $venv/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
else
  echo "engines: there is no wheel in build/wheels; run \`make build\`"
fi
