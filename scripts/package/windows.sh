#!/usr/bin/env bash
# The packages for Windows, made on Linux by MinGW and whatever scripts/windows.sh finds or gets:
#
#   scripts/package/windows.sh [OUT]    OUT is build/packages unless said
#
# leaves there reprieve-VERSION-windows-x64.zip (headers, DLL, import libraries, static library, command line, pkg-config and CMake
# files) and, with maturin at hand, the wheel for Windows, which hold no HTTP. It leaves the DLL in build/windows/dist, where the package for .NET
# takes it from, and the one with the feature `http` in build/windows/dist-http, where those for engines do: `windows_dll` of scripts/flags.sh
# finds them. Exits with 3, after a line `not run`, where the tools are missing: `scripts/windows.sh tools` installs them.
set -euo pipefail
cd "$(dirname "$0")/../.."
out="${1:-build/packages}"
mkdir -p "$out"
out=$(cd "$out" && pwd)
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
name="reprieve-$version-windows-x64"
built="$PWD/build/windows/dist"
command -v python3 > /dev/null || { echo "not run: the package for Windows: python3 is missing"; exit 3; }

. scripts/flags.sh
export REPRIEVE_NO_INSTALL=1
scripts/windows.sh build dist || exit
scripts/windows.sh build dist http || exit

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/$name"
config="$root/lib/cmake/reprieve"
install -d "$root/bin" "$root/include" "$root/lib/pkgconfig" "$config" "$root/share/doc/reprieve"
install -m 644 include/reprieve.h include/reprieve.hpp "$root/include/"
install -m 755 "$built/reprieve.dll" "$built/reprieve.exe" "$root/bin/"
install -m 644 "$built/libreprieve.dll.a" "$root/lib/libreprieve.dll.a"
install -m 644 "$built/libreprieve.a" "$root/lib/libreprieve.a"
x86_64-w64-mingw32-strip --strip-debug "$root/lib/libreprieve.a"
install -m 644 LICENSE-MIT LICENSE-APACHE README.md CHANGELOG.md docs/c.md docs/cpp.md "$root/share/doc/reprieve/"

# For MSVC: made of the names alone, as every function is of C. It was never linked by MSVC: there is none here.
{
  echo "LIBRARY reprieve.dll"
  echo EXPORTS
  x86_64-w64-mingw32-nm --defined-only --extern-only "$built/libreprieve.dll.a" | sed -n 's/^[0-9a-f]* T \(reprieve_[a-z0-9_]*\)$/  \1/p' | sort
} > "$root/lib/reprieve.def"
[ "$(wc -l < "$root/lib/reprieve.def")" -gt 10 ] || { echo "libreprieve.dll.a names no functions" >&2; exit 1; }
dlltool=$(command -v llvm-dlltool || ls /usr/bin/llvm-dlltool-* /usr/lib/llvm-*/bin/llvm-dlltool 2> /dev/null | head -1 || true)
if [ -n "$dlltool" ]; then
  "$dlltool" -m i386:x86-64 -D reprieve.dll -d "$root/lib/reprieve.def" -l "$root/lib/reprieve.lib"
else
  echo "not run: the import library for MSVC: llvm-dlltool is missing; lib /def:reprieve.def /machine:x64 makes it there"
fi

# What rustc says that its static libraries need: `rustc --crate-type staticlib --print native-static-libs`.
system=(bcrypt kernel32 ntdll userenv ws2_32)
fill() {
  local major minor
  IFS=. read -r major minor _ <<< "$version"
  sed -e "s#@UP@#../../..#" -e "s#@PC_UP@#../..#" -e "s#@LIBDIR@#lib#g" -e "s#@VERSION@#$version#g" -e "s#@MAJOR@#$major#g" \
    -e "s#@MINOR@#$minor#g" -e "s#@POINTER@#8#g" -e "s#@STATIC@#libreprieve.a#g" -e "s#@SYSTEM_LIBS@#$(IFS=';'; echo "${system[*]}")#" \
    -e "s#@SYSTEM_FLAGS@#${system[*]/#/-l}#"
}
fill < cmake/reprieve-config-windows.cmake.in > "$config/reprieve-config.cmake"
fill < cmake/reprieve-config-version.cmake.in > "$config/reprieve-config-version.cmake"
fill < cmake/reprieve.pc.in > "$root/lib/pkgconfig/reprieve.pc"
chmod 644 "$config"/* "$root/lib/pkgconfig/reprieve.pc" "$root/lib"/reprieve.*

# The same tree gives the same bytes.
rm -f "$out"/reprieve-*-windows-x64.zip
python3 - "$work" "$name" "$out/$name.zip" << 'END'
import os, sys, zipfile
work, name, target = sys.argv[1:]
files = sorted(os.path.join(folder, file) for folder, _, files in os.walk(os.path.join(work, name)) for file in files)
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in files:
        entry = zipfile.ZipInfo(os.path.relpath(path, work).replace(os.sep, "/"), (1980, 1, 1, 0, 0, 0))
        entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (os.stat(path).st_mode & 0o777) << 16
        with open(path, "rb") as file:
            archive.writestr(entry, file.read())
END
echo "$out/$name.zip"

# The wheel: abi3, so that one serves every Python from 3.8 on. The import library of python3.dll is pyo3's own.
python=$(readlink -f "$(dirname "${PYTHON:-build/venv/bin/python}")")/$(basename "${PYTHON:-build/venv/bin/python}")
rm -f "$out"/reprieve-*-win_amd64.whl
if ! "$python" -c 'import maturin' 2> /dev/null; then
  echo "not run: the wheel for Windows: maturin is missing from build/venv"
else
  wheel=$(mktemp -d -p "$work")
  # Maturin's own cargo and rustc are those that have a standard library for Windows.
  log=$(scripts/windows.sh run "$python" -m maturin build --quiet --locked --profile dist --target x86_64-pc-windows-gnu -i python3.11 \
    --manifest-path python/Cargo.toml --features pyo3/generate-import-lib --out "$wheel" 2>&1) ||
    { echo "not run: the wheel for Windows could not be built: $(tail -3 <<< "$log")"; exit 0; }
  cp "$wheel"/reprieve-*-win_amd64.whl "$out/"
  ls "$out"/reprieve-*-win_amd64.whl
fi
