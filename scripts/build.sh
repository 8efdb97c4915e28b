#!/usr/bin/env bash
# Leaves the command line, the authority and the library in target/release, the wheel in build/wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
# Each by itself: what the command line needs of shared crates, HTTP above all, is not in the library.
cargo build --release --locked --quiet -p reprieve-c
cargo build --release --locked --quiet -p reprieve-cli --features http
scripts/authority.sh
rm -rf build/wheels
build/venv/bin/python -m maturin build --release --quiet --manifest-path python/Cargo.toml --out build/wheels
build/venv/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps build/wheels/*.whl
echo "built: target/release/reprieve, target/release/reprieve-authority, target/release/libreprieve.so, target/release/libreprieve.a, include/reprieve.h, $(ls build/wheels/*.whl)"
