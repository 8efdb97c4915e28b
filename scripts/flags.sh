# Sourced, in the project's folder, by what builds packages: their panic texts name no folder of the machine that built them. Cargo splits
# RUSTFLAGS at spaces, so a folder with one in its name stays as it is.
cargo="${CARGO_HOME:-${HOME:-}/.cargo}/registry/src"
# Sources lie in a folder for each registry, whose name would stand in the path of each file for nothing: it has to be there to be named.
[ -d "$cargo" ] || cargo fetch --locked --quiet
for folder in "$cargo"/* "$PWD"; do
  case "$folder" in *" "*) continue ;; "$PWD") name=/reprieve ;; *) name=/cargo ;; esac
  RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }--remap-path-prefix=$folder=$name"
done
# With frame pointers the tables for unwinding say less of each function: a thirtieth of the library's size. Profilers like them too.
RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }-C force-frame-pointers=yes"
export RUSTFLAGS

# The DLL for Windows that scripts/package/windows.sh left, if it was built of this tree.
windows_dll() {
  local dll=build/windows/dist/reprieve.dll
  [ -e "$dll" ] && [ -z "$(find src bindings/c/src bindings/c/quick Cargo.lock -newer "$dll" -print -quit)" ] && echo "$dll"
}
