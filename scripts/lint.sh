#!/usr/bin/env bash
# Formatting and lints; warnings are errors.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --locked --quiet --workspace --all-targets -- -D warnings
cargo clippy --locked --quiet -p reprieve -p reprieve-cli --all-targets --features reprieve/http,reprieve-cli/http -- -D warnings
cargo clippy --locked --quiet -p reprieve-authority --all-targets --features pkcs11 -- -D warnings
# Crates of their own, so that the workspace never builds what only they need.
for crate in fuzz benches; do cargo fmt --manifest-path "$crate/Cargo.toml" --check; done
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/fuzz" cargo clippy --locked --quiet --manifest-path fuzz/Cargo.toml --no-default-features \
  --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --no-deps -p reprieve --features http
# Its clippy runs with its tests: the engine's interface takes long to build.
cargo fmt --manifest-path bindings/godot/Cargo.toml --check
