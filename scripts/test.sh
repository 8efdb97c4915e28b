#!/usr/bin/env bash
# All tests, in every language. Each stage prints its own counts; the last line counts stages.
set -uo pipefail
cd "$(dirname "$0")/.."
export REPRIEVE_LIB="$PWD/target/release"
export REPRIEVE_CLI="$PWD/target/release/reprieve"
python=build/venv/bin/python
passed=0 failed=0
if [ -n "${REPRIEVE_SOAK:-}" ]; then scenarios=20000; else scenarios=300; fi
broken=()

stage() {
  local name="$1" started=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); broken+=("$name"); fi
  printf -- '-- %s: %d s\n' "$name" $((SECONDS - started))
}

# Tests mint tokens with the Python libraries of the venv.
export PATH="$PWD/build/venv/bin:$PATH"

stage "formatting and lints" scripts/lint.sh
stage "Rust" cargo test --locked --quiet --workspace --exclude reprieve-python
stage "the C ABI: headers, symbols, C and C++, valgrind, sanitizers" "$python" tests/abi/run.py
stage "the Python package" tests/python/run.sh
stage "the C# binding" tests/csharp/run.sh
stage "conformance in five languages, byte for byte" "$python" tests/conformance.py
stage "random scenarios against the independent model" "$python" tests/model/differ.py --count "$scenarios" --reprieve target/release/reprieve
stage "a clock that is faked by preloading" "$python" tests/preload/run.py
stage "what the README shows" "$python" tests/readme/run.py
stage "what the documentation shows" "$python" tests/docs/run.py
stage "the demo" "$python" demo/run.py

if [ ${#broken[@]} -gt 0 ]; then
  printf '\nfailed:\n'
  printf '  %s\n' "${broken[@]}"
fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
