#!/usr/bin/env bash
# The Unity package: scripts/package/unity.sh [OUT] [PLACE=LIBRARY ...]. Leaves com.reprieve.client-VERSION.tgz in OUT (build/packages): with this
# machine's native library, built with the profile `dist` and `http` in it, and each other that is handed over by its place below Runtime/Plugins, such as
# Windows/x86_64=/path/to/reprieve.dll, macOS=/path/to/libreprieve.dylib, Android/arm64-v8a=/path/to/libreprieve.so, iOS=/path/to/libreprieve.a.
# REPRIEVE_PACKAGE_LIBRARY: a library that is built already, in the place of this machine's.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/flags.sh
. scripts/engine_library.sh
out="${1:-build/packages}"
[ $# = 0 ] || shift
mkdir -p "$out"
case "$(uname -s)" in
  Darwin) place=macOS name=libreprieve.dylib ;;
  MINGW* | MSYS* | CYGWIN*) place=Windows/x86_64 name=reprieve.dll ;;
  *) place=Linux/x86_64 name=libreprieve.so ;;
esac
library=$(engine_library "$name")
# For Windows too, where scripts/windows.sh built it of this tree.
if [[ "$place" != Windows/* && " $*" != *" Windows/x86_64="* ]] && dll=$(engine_windows); then set -- "$@" "Windows/x86_64=$dll"; fi
python3 scripts/package/unity.py "$out" "$place=$library" "$@"
