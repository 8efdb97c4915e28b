#!/usr/bin/env bash
# The NuGet packages: scripts/package/nuget.sh [OUT] [RID=LIBRARY ...]. Leaves in OUT (build/packages) `Reprieve`, the assembly for
# netstandard2.0 and netstandard2.1, and `Reprieve.Native`, the native library: this machine's, built with the profile `dist`, and each other
# that is handed over, such as win-x64=/path/to/reprieve.dll. Needs a .NET SDK: the one on the path, or scripts/dotnet.sh's.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/flags.sh
out="${1:-build/packages}"
[ $# = 0 ] || shift
mkdir -p "$out"

dotnet=${DOTNET:-$(command -v dotnet || true)}
if [ -z "$dotnet" ]; then
  scripts/dotnet.sh || exit
  dotnet=build/dotnet/dotnet
fi
dotnet=$(readlink -f "$dotnet")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOTNET_ROOT=${dotnet%/*} DOTNET_ROLL_FORWARD=LatestMajor DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 MSBUILDDISABLENODEREUSE=1
export DOTNET_CLI_HOME="$work" DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

cargo build --profile dist --locked --quiet -p reprieve-c
target="${CARGO_TARGET_DIR:-target}/dist"
case $(uname -s) in
  Linux) system=linux library=libreprieve.so ;;
  Darwin) system=osx library=libreprieve.dylib ;;
  *) system=win library=reprieve.dll ;;
esac
case $(uname -m) in
  x86_64 | amd64) machine=x64 ;;
  aarch64 | arm64) machine=arm64 ;;
  *) machine=$(uname -m) ;;
esac

# A copy, so that nothing is left in the tree; and no package source, so that nothing is fetched.
cp -r bindings/csharp "$work/csharp"
echo '<configuration><packageSources><clear/></packageSources></configuration>' > "$work/NuGet.config"
reference=${dotnet%/*}/sdk/$("$dotnet" --version)/ref/netstandard.dll
if ! "$dotnet" build -nologo -v:q -c Release "$work/csharp/Reprieve.csproj" "-p:NetStandard20Reference=$reference" > "$work/log" 2>&1; then
  grep -E 'error|warn' "$work/log" | sort -u | head -20
  exit 1
fi
# For Windows too, where scripts/package/windows.sh built it of this tree.
if [[ "$system" != win && " $*" != *" win-x64="* ]] && dll=$(windows_dll); then set -- "$@" "win-x64=$dll"; fi
python3 scripts/package/nuget.py "$work/csharp" "$out" "$system-$machine=$target/$library" "$@"
