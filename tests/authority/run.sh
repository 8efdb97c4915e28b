#!/usr/bin/env bash
# Builds the authority, and runs its tests; or the short drill of regions, with `drill`.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/authority.sh
python=build/venv/bin/python
if [ "${1:-}" = drill ]; then
  shift
  exec "$python" tests/region/drill.py "$@"
fi
exec "$python" tests/authority/run.py "$@"
