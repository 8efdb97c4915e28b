#!/usr/bin/env bash
# The package of the C library: headers, shared and static library, pkg-config and CMake files, as `cargo cinstall` lays them out.
#
#   scripts/package/c.sh [OUT]                        OUT/reprieve-c-VERSION-HOST.tar.gz (OUT: build/packages)
#                                                     REPRIEVE_TARGET and REPRIEVE_BUILT: of another machine, built already in that folder
#   scripts/package/c.sh --install PREFIX [DESTDIR]   into DESTDIR/PREFIX; LIBDIR=lib64 or such says where libraries go
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/flags.sh

number() { sed -n "s/^#define REPRIEVE_ABI_VERSION_$1 //p" include/reprieve.h; }
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
host="${REPRIEVE_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}"
soname="libreprieve.so.$(number MAJOR)"
shared="$soname.$(number MINOR).0"
target="${REPRIEVE_BUILT:-${CARGO_TARGET_DIR:-target}/dist}"
# What rustc says that its static libraries need: `rustc --crate-type staticlib --print native-static-libs`.
system=(gcc_s util rt pthread m dl c)
case "$host" in *-linux-gnu) ;; *)
  echo "not run: this lays out packages for Linux with glibc only; on $host use cargo cinstall -p reprieve-c" >&2
  exit 1
  ;;
esac

# lay_out ROOT LIBDIR: the package below ROOT.
lay_out() {
  local root="$1" lib="$2" up config
  up=$(echo "$lib" | sed 's#[^/]\+#..#g')
  config="$root/$lib/cmake/reprieve"
  install -d "$root/include" "$root/$lib/pkgconfig" "$config" "$root/share/doc/reprieve" "$root/share/reprieve/drivers"
  install -m 644 include/reprieve.h include/reprieve.hpp "$root/include/"
  # Sources, which a product builds with its own libcurl.
  install -m 644 bindings/c/drivers/reprieve_curl.[ch] "$root/share/reprieve/drivers/"
  install -m 755 "$target/libreprieve.so" "$root/$lib/$shared"
  ln -sf "$shared" "$root/$lib/$soname"
  ln -sf "$soname" "$root/$lib/libreprieve.so"
  # The standard library's debug information is most of it, and nobody's.
  install -m 644 "$target/libreprieve.a" "$root/$lib/libreprieve.a"
  "${STRIP:-strip}" --strip-debug "$root/$lib/libreprieve.a"
  install -m 644 LICENSE-MIT LICENSE-APACHE README.md CHANGELOG.md docs/c.md docs/cpp.md "$root/share/doc/reprieve/"
  local file
  for file in reprieve-config.cmake reprieve-config-version.cmake; do fill "$up" "$lib" < "cmake/$file.in" > "$config/$file"; done
  fill "$up" "$lib" < cmake/reprieve.pc.in > "$root/$lib/pkgconfig/reprieve.pc"
  chmod 644 "$config"/* "$root/$lib/pkgconfig/reprieve.pc"
}

# fill UP LIBDIR: the templates' words.
fill() {
  local major minor
  IFS=. read -r major minor _ <<< "$version"
  sed -e "s#@UP@#$1/../..#" -e "s#@PC_UP@#$1/..#" -e "s#@LIBDIR@#$2#g" -e "s#@VERSION@#$version#g" -e "s#@MAJOR@#$major#g" \
    -e "s#@MINOR@#$minor#g" -e "s#@SHARED@#$shared#g" -e "s#@SONAME@#$soname#g" -e "s#@STATIC@#libreprieve.a#g" \
    -e "s#@POINTER@#$(($(getconf LONG_BIT) / 8))#g" -e "s#@SYSTEM_LIBS@#$(IFS=';'; echo "${system[*]}")#" \
    -e "s#@SYSTEM_FLAGS@#${system[*]/#/-l}#"
}

[ -n "${REPRIEVE_BUILT:-}" ] || cargo build --locked --quiet --profile dist -p reprieve-c

if [ "${1:-}" = --install ]; then
  prefix="${2:?a prefix, as /usr/local}"
  lay_out "${3:-}$prefix" "${LIBDIR:-lib}"
  echo "installed into ${3:-}$prefix"
  exit
fi
out="${1:-build/packages}"
name="reprieve-c-$version-$host"
mkdir -p "$out"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
lay_out "$stage/$name" lib
# The same tree gives the same bytes.
time="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$time" -C "$stage" -cf - "$name" | gzip -9n > "$out/$name.tar.gz"
echo "$out/$name.tar.gz"
