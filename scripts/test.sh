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

# A Rust test that lacks its tool or data prints `not run`, and cargo counts it as passed: so these are counted here.
rust_tests() {
  local log=build/rust-tests.log status=0 lacking
  cargo test --locked --quiet --no-fail-fast --workspace --exclude reprieve-python \
    --features reprieve/http,reprieve-cli/http,reprieve-authority/pkcs11 -- --show-output > "$log" 2>&1 || status=$?
  grep -E '^(error|warning|test result|not run)|FAILED|panicked' "$log"
  if [ "$status" != 0 ]; then cat "$log"; fi
  lacking=$(grep -c '^not run' "$log")
  awk -v lacking="$lacking" '/^test result/ { passed += $4; failed += $6 }
    END { printf "Rust: %d passed, %d failed, %d not run\n", passed - lacking, failed, lacking }' "$log"
  return "$status"
}

# Tests mint tokens with the Python libraries of the venv.
export PATH="$PWD/build/venv/bin:$PATH"

stage "formatting and lints" scripts/lint.sh
stage "Rust" rust_tests
stage "the C ABI: headers, symbols, C and C++, valgrind, sanitizers" "$python" tests/abi/run.py
stage "the Python package" tests/python/run.sh
stage "the C# binding" tests/csharp/run.sh
stage "the Lua binding" "$python" tests/lua/run.py
stage "drivers of renewals against a faulty server" "$python" tests/renewing/run.py
stage "conformance in six languages, byte for byte" "$python" tests/conformance.py
stage "random scenarios against the independent model" "$python" tests/model/differ.py --count "$scenarios" --reprieve target/release/reprieve
stage "checks without allocations and system calls" "$python" tests/quiet/run.py
stage "a clock that is faked by preloading" "$python" tests/preload/run.py
stage "ledgers, whole and damaged, against the independent reader" "$python" tests/verifier/run.py
stage "this release and the next one on one ledger" "$python" tests/releases/run.py
stage "writers in three languages, killed" "$python" tests/processes/run.py
stage "the authority, against what goes wrong" tests/authority/run.sh
stage "the outage of a region, the short drill" tests/authority/run.sh drill --short
stage "fuzz targets: the corpus and its mutations" scripts/fuzz.sh short
stage "packages, installed and used from clean folders" tests/packages/run.sh
stage "what the README shows" "$python" tests/readme/run.py
stage "what the documentation shows" "$python" tests/docs/run.py
stage "the demo" "$python" demo/run.py
if [ -n "${REPRIEVE_SOAK:-}" ]; then stage "power cuts on a real kernel" "$python" tests/power/run.py; fi

if [ ${#broken[@]} -gt 0 ]; then
  printf '\nfailed:\n'
  printf '  %s\n' "${broken[@]}"
fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
