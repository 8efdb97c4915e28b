#!/usr/bin/env bash
# The Python packages: an abi3 wheel and the source distribution, into a folder (build/packages).
#
# With ziglang in build/venv (pip install ziglang) the wheel is for every Linux with glibc 2.17 or later (manylinux2014); without,
# for this machine's glibc or later, as its name says.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/flags.sh
out=${1:-build/packages}
python=${PYTHON:-build/venv/bin/python}
# maturin looks for zig by the first Python on the path.
PATH=$(cd "$(dirname "$python")" && pwd):$PATH
mkdir -p "$out"
rm -f "$out"/reprieve-*.whl "$out"/reprieve-[0-9]*.tar.gz
portable=()
if "$python" -c 'import ziglang' 2>/dev/null; then portable=(--zig --compatibility manylinux2014); fi
"$python" -m maturin build --quiet --locked --profile dist --manifest-path python/Cargo.toml --out "$out" "${portable[@]}"
# It warns of what only a registry of crates wants.
if ! log=$("$python" -m maturin sdist --manifest-path python/Cargo.toml --out "$out" 2>&1); then
  echo "$log" >&2
  exit 1
fi
ls "$out"/reprieve-*.whl "$out"/reprieve-[0-9]*.tar.gz
