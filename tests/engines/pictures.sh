#!/usr/bin/env bash
# Draws docs/pictures anew: Outpost in Godot, LÖVE and pygame, as small PNGs with a palette. Needs the engines (scripts/engines.sh) and ImageMagick.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/love"
LUA_PATH="$PWD/bindings/lua/?.lua;;" REPRIEVE_LIB="${REPRIEVE_LIB:-$PWD/target/release}" xvfb-run -a love samples/outpost/love --frames "$work/love"
build/engines/venv/bin/python samples/outpost/pygame/main.py --frames "$work/pygame"
build/venv/bin/python tests/engines/godot/run.py --pictures "$work/godot"
mkdir -p docs/pictures
for engine in godot love pygame; do
  for name in start day-2 day-4 day-6; do
    convert "$work/$engine/$name.png" -strip -dither None -colors 64 "PNG8:docs/pictures/outpost-$engine-$name.png"
  done
done
