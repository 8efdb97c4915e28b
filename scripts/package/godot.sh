#!/usr/bin/env bash
# Makes the addon's package for Godot 4 as the asset library expects it: a zip whose top is the folder `addons`.
#   scripts/package/godot.sh [--profile PROFILE] [--windows] [OUT]      OUT is build/packages unless said
# What is given to others has the profile `dist`, which takes minutes to build; a test takes `release`, which it has: so says
# REPRIEVE_GODOT_PROFILE too.
# It holds the library of this machine's platform; with --windows that for Windows x86_64 too, which scripts/windows.sh has the tools for. Libraries
# that were built elsewhere and lie in build/godot/bin/PLATFORM, such as build/godot/bin/macos/libreprieve_godot.dylib, go in too.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/flags.sh
profile="${REPRIEVE_GODOT_PROFILE:-dist}"
windows=
while :; do
  case "${1:-}" in
    --profile)
      profile=$2
      shift 2
      ;;
    --windows)
      windows=1
      shift
      ;;
    *) break ;;
  esac
done
out="${1:-build/packages}"
target="${CARGO_TARGET_DIR:-$PWD/target}/godot"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x86_64 library=libreprieve_godot.so ;;
  Linux-aarch64) platform=linux-arm64 library=libreprieve_godot.so ;;
  Darwin-*) platform=macos library=libreprieve_godot.dylib ;;
  MINGW*-x86_64 | MSYS*-x86_64) platform=windows-x86_64 library=reprieve_godot.dll ;;
  *)
    echo "not run: the Godot package: reprieve.gdextension has no row for $(uname -sm)"
    exit 3
    ;;
esac

cargo build --profile "$profile" --locked --quiet --manifest-path bindings/godot/Cargo.toml --target-dir "$target"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out" "$work/addons"
out=$(cd "$out" && pwd)
cp -r bindings/godot/addons/reprieve "$work/addons/"
addon="$work/addons/reprieve"
rm -rf "$addon/bin"
mkdir -p "$addon/bin/$platform"
cp "$target/$profile/$library" "$addon/bin/$platform/"
# On Linux the profile `dist` leaves no symbols; others do.
if [ "$profile" != dist ] && [ "$(uname -s)" = Linux ]; then
  strip "$addon/bin/$platform/$library"
fi
if [ -n "$windows" ]; then
  # shellcheck disable=SC2016 # $CARGO is that of the tools.
  scripts/windows.sh run sh -c '"$CARGO" build --profile "$1" --locked --quiet --manifest-path bindings/godot/Cargo.toml --target x86_64-pc-windows-gnu' \
    build "$profile"
  mkdir -p "$addon/bin/windows-x86_64"
  cp "build/windows/target/x86_64-pc-windows-gnu/$profile/reprieve_godot.dll" "$addon/bin/windows-x86_64/"
  x86_64-w64-mingw32-strip "$addon/bin/windows-x86_64/reprieve_godot.dll"
fi
for other in build/godot/bin/*/; do
  [ -d "$other" ] && [ ! -e "$addon/bin/$(basename "$other")" ] && cp -r "$other" "$addon/bin/"
done
cp LICENSE-MIT LICENSE-APACHE "$addon/"

# A row whose library is not in the package would make the editor complain at each export: it goes.
python3 - "$addon" << 'END'
import pathlib, re, sys
addon = pathlib.Path(sys.argv[1])
rows = addon / "reprieve.gdextension"
kept = []
for line in rows.read_text().splitlines(keepends=True):
    named = re.match(r'[\w.]+ = "(bin/[^"]+)"$', line.strip())
    if not named or (addon / named[1]).exists():
        kept.append(line)
rows.write_text("".join(kept))
END

# The same bytes from the same tree.
rm -f "$out"/reprieve-godot-*.zip
python3 - "$work" "$out/reprieve-godot-$version.zip" << 'END'
import pathlib, sys, zipfile
work, archive = pathlib.Path(sys.argv[1]), sys.argv[2]
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
    for path in sorted(work.rglob("*")):
        if path.is_file():
            entry = zipfile.ZipInfo(str(path.relative_to(work).as_posix()), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if "/bin/" in entry.filename else 0o644) << 16
            made.writestr(entry, path.read_bytes())
END
echo "$out/reprieve-godot-$version.zip"
