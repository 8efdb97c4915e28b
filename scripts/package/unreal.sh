#!/usr/bin/env bash
# The Unreal plugin: scripts/package/unreal.sh [OUT] [PLATFORM=LIBRARY ...]. Leaves Reprieve-Unreal-VERSION.zip in OUT (build/packages), whose folder Reprieve goes
# into a project's Plugins: with this machine's native library, built with the profile `dist` and `http` in it, and each other that is handed over, such as Win64=/path/to/reprieve.dll,
# Mac=/path/to/libreprieve.dylib. REPRIEVE_PACKAGE_LIBRARY: a library that is built already, in the place of this machine's.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/flags.sh
. scripts/engine_library.sh
out="${1:-build/packages}"
[ $# = 0 ] || shift
mkdir -p "$out"
case "$(uname -s)" in
  Darwin) platform=Mac name=libreprieve.dylib ;;
  MINGW* | MSYS* | CYGWIN*) platform=Win64 name=reprieve.dll ;;
  *) platform=Linux name=libreprieve.so ;;
esac
library=$(engine_library "$name")
# For Windows too, where scripts/windows.sh built it of this tree.
if [[ "$platform" != Win64 && " $*" != *" Win64="* ]] && dll=$(engine_windows); then set -- "$@" "Win64=$dll"; fi
python3 scripts/package/unreal.py "$out" "$platform=$library" "$@"
