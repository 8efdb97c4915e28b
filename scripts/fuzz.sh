#!/usr/bin/env bash
# Fuzzing. `scripts/fuzz.sh short` replays the corpus and some of its mutations on the stable compiler, and then runs each target for a
# while under libFuzzer, where a nightly compiler and cargo-fuzz are at hand. `scripts/fuzz.sh long` runs each for REPRIEVE_FUZZ_SECONDS
# (600) with the sanitizer, installs cargo-fuzz into build/cargo-tools if it is lacking, and keeps the corpus small.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/build/cargo-tools/bin:$PATH"
export ARTIFACTS="$PWD/build/fuzz/artifacts"
mode="${1:-short}"
target_dir="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
corpus=fuzz/corpus
most_files=200 most_kib=300
# Drills and clients write real files: where memory holds them, no disk is waited for.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
mkdir -p build/fuzz

lacking() {
  if ! rustup run nightly rustc --version > /dev/null 2>&1; then
    echo "no nightly compiler"
  elif ! command -v cargo-fuzz > /dev/null; then
    echo "no cargo-fuzz; \`make fuzz\` installs it"
  fi
}

# fuzz TARGET SECONDS: new inputs go to a folder of their own, so that a short run leaves the tree as it is.
fuzz() {
  local target="$1" seconds="$2" log="build/fuzz/$1.log" status=0
  mkdir -p "build/fuzz/new/$target" "$ARTIFACTS"
  CARGO_TARGET_DIR="$target_dir" cargo +nightly fuzz run --fuzz-dir fuzz "$target" "build/fuzz/new/$target" "$corpus/$target" -- \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=16384 -artifact_prefix="$ARTIFACTS/$target-" \
    > "$log" 2>&1 || status=$?
  if [ "$status" != 0 ]; then
    grep -E 'panicked|SUMMARY|ERROR|Test unit written|^error' "$log" || tail -20 "$log"
    echo "$target: FAILED after $(grep -cE '^#[0-9]+' "$log" || true) lines; see $log"
    return 1
  fi
  echo "$target: $(grep -E '^Done|^stat::number_of_executed' "$log" | tail -1)"
}

targets=$(sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"|\1|p' fuzz/Cargo.toml)
failed=0

if [ "$mode" = short ]; then
  CARGO_TARGET_DIR="$target_dir" cargo build --locked --quiet --release --no-default-features --manifest-path fuzz/Cargo.toml
  "$target_dir/release/replay" "$corpus" --mutations 2000 --seconds 3 || failed=1
  why=$(lacking)
  if [ -n "$why" ]; then
    echo "not run: libFuzzer on the targets: $why"
    exit "$failed"
  fi
  for target in $targets; do fuzz "$target" 10 || failed=1; done
  exit "$failed"
fi

if ! command -v cargo-fuzz > /dev/null; then cargo install --quiet --locked cargo-fuzz --version 0.13.2 --root build/cargo-tools; fi
why=$(lacking)
if [ -n "$why" ]; then
  echo "not run: $why" >&2
  exit 1
fi
for target in $targets; do
  if ! fuzz "$target" "${REPRIEVE_FUZZ_SECONDS:-600}"; then
    failed=1
    continue
  fi
  # The least that reaches as much; taken over if it stays small.
  least="build/fuzz/least/$target"
  rm -rf "$least"
  mkdir -p "$least"
  CARGO_TARGET_DIR="$target_dir" cargo +nightly fuzz run --fuzz-dir fuzz "$target" -- -merge=1 -max_len=4096 \
    "$least" "$corpus/$target" "build/fuzz/new/$target" > "build/fuzz/$target-merge.log" 2>&1
  files=$(find "$least" -type f | wc -l) kib=$(($(cat "$least"/* | wc -c) / 1024))
  if [ "$files" -le "$most_files" ] && [ "$kib" -le "$most_kib" ]; then
    find "$corpus/$target" -type f ! -name 'regression-*' -delete
    cp "$least"/* "$corpus/$target/"
    echo "$target: the corpus is now $files files, $kib KiB, and its regressions"
  else
    echo "$target: $files files, $kib KiB reach all, more than $most_files or $most_kib: left in $least"
  fi
done
exit "$failed"
