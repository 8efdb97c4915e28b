#!/usr/bin/env bash
# Measures the ledger beside its limits and its peers, and writes the table into docs/performance.md.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet --manifest-path benches/Cargo.toml
target=$(cargo metadata --manifest-path benches/Cargo.toml --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
exec "$target/release/reprieve-bench" docs/performance.md
