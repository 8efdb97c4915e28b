# Sourced after scripts/flags.sh by what packages for engines: their library is the one with `http`, so that a game renews by one switch.

# engine_library NAME: builds this machine's, as packages are built, and prints where it lies; NAME is the file's, such as libreprieve.so.
# REPRIEVE_PACKAGE_LIBRARY names one that is built already. With `http` it has a folder of its own, or each would be built anew after the other.
engine_library() {
  local target="${CARGO_TARGET_DIR:-target}/http"
  if [ -n "${REPRIEVE_PACKAGE_LIBRARY:-}" ]; then
    echo "$REPRIEVE_PACKAGE_LIBRARY"
    return
  fi
  cargo build --profile dist --locked --quiet -p reprieve-c --features http --target-dir "$target" >&2 && echo "$target/dist/$1"
}

# engine_windows: prints the DLL for Windows with `http`, if scripts/windows.sh built it of this tree.
engine_windows() {
  windows_dll http
}
