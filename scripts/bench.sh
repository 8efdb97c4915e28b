#!/usr/bin/env bash
# Measures ledger and calls beside their limits and their peers, and writes the tables into docs/performance.md. What calls are measured
# with is built by the bench itself: the library and the wheel as packages are, and a program for each language.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/flags.sh
cargo build --release --locked --quiet --manifest-path benches/Cargo.toml
target=$(cargo metadata --manifest-path benches/Cargo.toml --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
exec "$target/release/reprieve-bench" docs/performance.md
