#!/usr/bin/env bash
# Every package, installed and used from a clean folder as a new user would. Ends with the sum of what each test counted.
set -uo pipefail
cd "$(dirname "$0")/../.."
export PACKAGES="${1:-$PWD/build/packages}"
# The engine's interface takes minutes to build whole; the engine's own tests take this build too.
export REPRIEVE_GODOT_PROFILE=release
passed=0 failed=0 lacking=0
if ! scripts/packages.sh "$PACKAGES"; then
  echo "a package could not be built"
  failed=1
fi
for test in tests/packages/{folders.py,size.py,c.py,python.py,nuget.py,lua.sh,engines.py}; do
  case "$test" in *.py) run=(build/venv/bin/python "$test") ;; *) run=("$test") ;; esac
  log=$("${run[@]}" "$PACKAGES" 2>&1)
  status=$?
  printf '%s\n' "$log"
  counts=$(tail -n 1 <<< "$log" | sed -n 's/.*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) not run$/\1 \2 \3/p')
  read -r p f n <<< "${counts:-0 1 0}"
  # A test that fails without counting a failure has failed.
  if [ "$status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
  passed=$((passed + p)) failed=$((failed + f)) lacking=$((lacking + n))
done
printf 'packages: %d passed, %d failed, %d not run\n' "$passed" "$failed" "$lacking"
[ "$failed" = 0 ]
