#!/usr/bin/env bash
# A Godot 4 to test with. Prints the path of a program that runs it: $GODOT, else the `godot` on the path, else one from Debian sid in a folder
# of its own, build/godot, where root can make that. It is a test rig: nothing of it is shipped.
# Exits with 3, and a line `not run`, if it cannot be had here.
set -euo pipefail
cd "$(dirname "$0")/.."
rig="$PWD/build/godot"
# Mesa's drivers draw the sample's pictures on machines without a graphics card.
packages=godot,libgl1-mesa-dri,libglx-mesa0,libegl1,libx11-6,libxcursor1,libxrandr2,libxinerama1,libxi6,libxkbcommon0

lacking() {
  echo "not run: Godot: $1"
  exit 3
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

if [ ! -x "$rig/root/usr/bin/godot" ]; then
  [ "$(id -u)" = 0 ] || lacking "none is on the path, and only root can make one in build/godot; install Godot 4, or set \$GODOT"
  command -v apt-get > /dev/null || lacking "none is on the path, and this is no Debian to fetch one by; install Godot 4, or set \$GODOT"
  if ! command -v mmdebstrap > /dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap; } > /dev/null 2>&1 \
      || lacking "mmdebstrap cannot be installed"
  fi
  mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources 2> /dev/null || true)
  mkdir -p "$rig"
  rm -rf "$rig/new"
  # A mirror may be some weeks old; its signatures are verified all the same.
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
    --include="$packages" sid "$rig/new" "${mirror:-http://deb.debian.org/debian}" > "$rig/log" 2>&1 \
    || lacking "mmdebstrap failed: $(grep -v '^I: ' "$rig/log" | tail -4 | tr '\n' ' ')"
  rm -rf "$rig/root"
  mv "$rig/new" "$rig/root"
fi

# It runs in a mount namespace of its own, in which the paths of this machine are the same: its process is the one that was started.
cat > "$rig/run.sh" << 'END'
set -e
root=$1 repository=$2
shift 2
[ -d "$root/proc/self" ] || mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount --rbind /tmp "$root/tmp"
for folder in "$repository" "$HOME" "$PWD"; do
  case "$folder/" in /tmp/*) continue ;; esac
  mkdir -p "$root$folder"
  mount --rbind "$folder" "$root$folder"
done
# env -C: the folder is the same one inside.
exec chroot "$root" env -C "$PWD" /usr/bin/godot "$@"
END
cat > "$rig/godot" << END
#!/bin/sh
exec unshare --mount --propagation private sh "$rig/run.sh" "$rig/root" "$PWD" "\$@"
END
chmod +x "$rig/godot"
timeout 60 "$rig/godot" --headless --version > /dev/null 2>&1 || lacking "the one in build/godot does not start here"
echo "$rig/godot"
