# Sourced, in the project's folder, by what builds packages: their panic texts name no folder of the machine that built them. Cargo splits
# RUSTFLAGS at spaces, so a folder with one in its name stays as it is.
for folder in "${CARGO_HOME:-${HOME:-}/.cargo}/registry/src=/cargo" "$PWD=/reprieve"; do
  case "$folder" in *" "*) ;; *) RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }--remap-path-prefix=$folder" ;; esac
done
export RUSTFLAGS
