#!/usr/bin/env bash
# A Godot 4 to test with. Prints the path of a program that runs it: $GODOT, else the `godot` on the path, else one from Debian sid in a folder
# of its own, build/godot, for which nobody need be root and nothing is mounted or installed. It is a test rig: nothing of it is shipped.
# Exits with 3, and a line `not run`, if it cannot be had here.
set -euo pipefail
cd "$(dirname "$0")/.."
rig="$PWD/build/godot"
root="$rig/root"
# Mesa's drivers draw the sample's pictures on machines without a graphics card.
packages=(godot libgl1-mesa-dri libglx-mesa0 libegl1 libx11-6 libxcursor1 libxrandr2 libxinerama1 libxi6 libxkbcommon0)

lacking() {
  echo "not run: Godot: $1"
  exit 3
}

# What a log says went wrong, in a line.
last() { { grep -a '^[EW]: \|rror' "$1" || tail -n 2 "$1"; } | tail -n 4 | tr '\n' ' '; }

# Packages of sid and all that they depend on, found by apt and unpacked into $root. Apt is told of no package that this machine has, and of
# folders of our own alone: nothing of the machine is changed.
fetch() {
  local apt="$rig/apt" log="$rig/log" mirror keys
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    lacking "none is on the path, and this is no Debian to fetch one by; install Godot 4, or set \$GODOT"
  mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2> /dev/null || true)
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -e "$keys" ] || lacking "$keys, by which Debian's packages are verified, is missing; install debian-archive-keyring"
  rm -rf "$apt" "$rig/new"
  mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$rig/new"
  : > "$apt/status"
  echo "deb [signed-by=$keys] ${mirror:-http://deb.debian.org/debian} sid main" > "$apt/sources.list"
  # A mirror may be some weeks old; its signatures are verified all the same. A machine's own proxy, in apt.conf.d, goes on being used.
  cat > "$apt/conf" << END
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::Status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::Archives "$apt/archives";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "-";
Dir::Etc::Preferences "-";
Dir::Etc::PreferencesParts "-";
APT::Install-Recommends "false";
APT::Immediate-Configure "false";
APT::Keep-Downloaded-Packages "true";
APT::Sandbox::User "";
APT::Update::Post-Invoke:: "true";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
END
  APT_CONFIG="$apt/conf" apt-get -q update > "$log" 2>&1 || lacking "apt cannot read the list of Debian sid: $(last "$log")"
  APT_CONFIG="$apt/conf" apt-get -q -y --download-only install "${packages[@]}" > "$log" 2>&1 || lacking "apt cannot fetch it from Debian sid: $(last "$log")"
  for package in "$apt"/archives/*.deb; do
    dpkg-deb --extract "$package" "$rig/new" > "$log" 2>&1 || lacking "$(basename "$package") cannot be unpacked: $(last "$log")"
  done
  rm -rf "$root" "$apt"
  mv "$rig/new" "$root"
}

if [ -n "${GODOT:-}" ]; then
  command -v "$GODOT" || lacking "\$GODOT is $GODOT, which is no program"
  exit 0
fi
for name in godot godot4; do
  if command -v "$name" > /dev/null && "$name" --version 2> /dev/null | grep -q '^4\.'; then
    command -v "$name"
    exit 0
  fi
done

[ -x "$root/usr/bin/godot" ] || fetch

# By the loader and the libraries of its own tree, as they are newer than this machine's. The process that is started becomes the engine's.
loader=$(ls "$root"/{usr/,}lib*/ld-linux-*.so.? 2> /dev/null | head -n 1 || true)
[ -n "$loader" ] || lacking "build/godot/root holds no loader of programs; remove build/godot, and it is fetched anew"
libraries=$(find "$root/usr/lib" -maxdepth 1 -name '*-linux-gnu*' | head -n 1)
cat > "$rig/godot.new" << END
#!/bin/sh
export LIBGL_DRIVERS_PATH="$libraries/dri" GBM_BACKENDS_PATH="$libraries/gbm" __EGL_VENDOR_LIBRARY_DIRS="$root/usr/share/glvnd/egl_vendor.d"
export XKB_CONFIG_ROOT="$root/usr/share/X11/xkb" XLOCALEDIR="$root/usr/share/X11/locale" FONTCONFIG_SYSROOT="$root"
exec "$loader" --library-path "$libraries:$libraries/pulseaudio" --argv0 "$root/usr/bin/godot" "$root/usr/bin/godot" "\$@"
END
chmod +x "$rig/godot.new"
mv "$rig/godot.new" "$rig/godot"
timeout 60 "$rig/godot" --headless --version > "$rig/log" 2>&1 || lacking "the one in build/godot does not start here: $(last "$rig/log")"
echo "$rig/godot"
