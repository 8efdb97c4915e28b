#!/usr/bin/env bash
# Runs a program of another architecture, and whatever it starts: emulated.sh MACHINE SYSROOT PROGRAM [ARGUMENT...]
#
# qemu-user runs one program. What that starts is the kernel's to run, which needs qemu's help registered: this is done in a user
# namespace of its own (Linux 6.7), so that the machine stays as it is and nobody need be root.
set -euo pipefail
if [ "${EMULATED_INSIDE:-}" != 1 ]; then
  EMULATED_INSIDE=1 exec unshare --user --map-root-user --mount "$BASH" "$0" "$@"
fi
unset EMULATED_INSIDE
machine="$1" sysroot="$2"
shift 2
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
# The kernel's own line for this machine, as Debian ships it, but with the interpreter that takes QEMU_LD_PREFIX as it is called here.
line=$(sed -n 's/^\(:[^:]*:M:[^:]*:[^:]*:[^:]*:\).*/\1/p' "/usr/lib/binfmt.d/qemu-$machine.conf")
printf '%s' "$line/usr/bin/qemu-$machine-static:F" > /proc/sys/fs/binfmt_misc/register
QEMU_LD_PREFIX="$sysroot" exec "$@"
