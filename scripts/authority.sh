#!/usr/bin/env bash
# Leaves the authority in target/release. It is built by itself, so that what it needs of shared crates is in nothing else. Arguments go to cargo.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --profile server --locked --quiet -p reprieve-authority "$@"
mkdir -p "$target/release"
# Under another name first: one that runs is not written over.
for program in reprieve-authority examples/stampede; do
  [ -e "$target/server/$program" ] || continue
  mkdir -p "$target/release/$(dirname "$program")"
  cp "$target/server/$program" "$target/release/$program.new"
  mv "$target/release/$program.new" "$target/release/$program"
done
