#!/usr/bin/env bash
# Builds the package of every ecosystem into a folder: `build/packages`, or the one that is named.
set -euo pipefail
cd "$(dirname "$0")/.."
out="${1:-build/packages}"
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -rf "${out:?}"/*
# The one for Windows first: others take its library along.
for script in scripts/package/windows.sh $(ls scripts/package/*.sh | grep -v /windows.sh); do
  started=$SECONDS
  status=0
  "$script" "$out" || status=$?
  # 3: what it is built with cannot be had here, and it said so in a line `not run`.
  if [ "$status" != 0 ] && [ "$status" != 3 ]; then exit "$status"; fi
  printf -- '-- %s: %d s\n' "$(basename "$script" .sh)" $((SECONDS - started))
done
# Those of other platforms take much longer, so only when asked: PLATFORMS=all, or some of scripts/packages-platforms.sh's names.
# shellcheck disable=SC2086
if [ -n "${PLATFORMS:-}" ]; then scripts/packages-platforms.sh "$out/platforms" $PLATFORMS; fi
python3 scripts/package/contents.py "$out"
