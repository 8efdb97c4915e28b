# Sourced, in the project's folder, by what builds packages: their panic texts name no folder of the machine that built them. Cargo splits
# RUSTFLAGS at spaces, so a folder with one in its name stays as it is.
# Names of its own, which are gone after it: whoever sources it has names too.
_sources="${CARGO_HOME:-${HOME:-}/.cargo}/registry/src"
# Sources lie in a folder for each registry, whose name would stand in the path of each file for nothing: it has to be there to be named.
[ -d "$_sources" ] || cargo fetch --locked --quiet
for _folder in "$_sources"/* "$PWD"; do
  case "$_folder" in *" "*) continue ;; "$PWD") _as=/reprieve ;; *) _as=/cargo ;; esac
  RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }--remap-path-prefix=$_folder=$_as"
done
unset _sources _folder _as
# With frame pointers the tables for unwinding say less of each function: a thirtieth of the library's size. Profilers like them too.
RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }-C force-frame-pointers=yes"
export RUSTFLAGS

# windows_dll [http]: the DLL for Windows, or the one with the feature `http`, that scripts/package/windows.sh left, if it was built of this tree.
windows_dll() {
  local dll=build/windows/dist${1:+-$1}/reprieve.dll
  [ -e "$dll" ] && [ -z "$(find src bindings/c/src bindings/c/quick Cargo.lock -newer "$dll" -print -quit)" ] && echo "$dll"
}
