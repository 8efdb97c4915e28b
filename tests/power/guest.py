"""A guest: QEMU without hardware help, a kernel of Debian's, and an initramfs with one program, made from packages in build/power."""

import glob
import lzma
import os
import re
import shutil
import subprocess
import time

BLOCK = 4096
FILE_SYSTEM = 40 << 20
# Behind the file system: eight lanes of 1024 claims, a sector each.
LANES, CLAIMS, SECTOR = 8, 1024, 512
DISK = FILE_SYSTEM + LANES * CLAIMS * SECTOR
MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
# A guest that shows no progress for so long hangs. Without hardware help on a busy machine it is slow.
STUCK = 300

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /mnt
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
while read -r module; do /bin/busybox insmod "/modules/$module"; done < /modules/order
/bin/busybox mount -t ext4 /dev/vda /mnt && echo "power: mounted"
/bin/writer "$@" > /dev/ttyS0 2>&1
echo "power: the writer ended with $?"
/bin/busybox umount /mnt && echo "power: unmounted"
/bin/busybox poweroff -f
"""


class Lacking(Exception):
    """Something that the test needs is not on this machine."""


def call(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more).stdout


def obtain(folder):
    """The kernel's and busybox's packages, unpacked; QEMU is installed if it is lacking."""
    for tool in ("apt-get", "apt-cache", "dpkg-deb", "mkfs.ext4", "ldd"):
        if shutil.which(tool) is None:
            raise Lacking(f"needs {tool} (Debian or Ubuntu)")
    if os.uname().machine != "x86_64":
        raise Lacking("the guest is x86-64, and so must the machine be")
    root = os.path.join(folder, "root")
    try:
        if shutil.which("qemu-system-x86_64") is None:
            env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
            call("apt-get", "install", "--yes", "--no-install-recommends", "qemu-system-x86", env=env)
        if not glob.glob(os.path.join(root, "boot", "vmlinuz-*")):
            depends = call("apt-cache", "depends", "--important", "linux-image-cloud-amd64")
            kernel = re.search(r"Depends: (linux-image-\S+)", depends)
            if kernel is None:
                raise Lacking("apt knows no package linux-image-cloud-amd64")
            packages = os.path.join(folder, "packages")
            shutil.rmtree(packages, ignore_errors=True)
            os.makedirs(packages)
            call("apt-get", "download", kernel.group(1), "busybox-static", cwd=packages)
            for package in glob.glob(os.path.join(packages, "*.deb")):
                call("dpkg-deb", "-x", package, root)
    except subprocess.CalledProcessError as error:
        raise Lacking(f"{' '.join(error.cmd[:3])} failed: {error.output.strip().splitlines()[-1:]}") from error
    return root


def modules(root):
    """The modules' files, each behind those that it depends on; what is built in has none."""
    files = {}
    for path in glob.glob(os.path.join(root, "**", "lib", "modules", "*", "kernel", "**", "*.ko*"), recursive=True):
        files[os.path.basename(path).split(".ko")[0].replace("-", "_")] = path
    order = []

    def take(name):
        path = files.get(name.replace("-", "_"))
        if path is None or any(path == taken for taken, _ in order):
            return
        with open(path, "rb") as file:
            code = file.read()
        if path.endswith(".xz"):
            code = lzma.decompress(code)
        elif not path.endswith(".ko"):
            raise Lacking(f"{os.path.basename(path)} is compressed in a way that is not read here")
        for depends in re.findall(rb"\0depends=([^\0]*)\0", b"\0" + code):
            for needed in filter(None, depends.decode().split(",")):
                take(needed)
        order.append((path, code))

    for name in MODULES:
        take(name)
    return order


def initramfs(folder, root, writer):
    """An initramfs in the format `newc`, written here: no cpio is needed."""
    order = modules(root)
    names = [os.path.basename(path) for path, _ in order]
    busybox = glob.glob(os.path.join(root, "**", "bin", "busybox"), recursive=True)[0]
    members = {"init": INIT.encode(), "modules/order": "".join(name + "\n" for name in names).encode()}
    for name, (_, code) in zip(names, order):
        members["modules/" + name] = code
    sources = [(busybox, "bin/busybox"), (writer, "bin/writer")]
    sources += [(path, path.lstrip("/")) for path in re.findall(r"(/\S+) \(0x", call("ldd", writer))]
    for source, name in sources:
        with open(source, "rb") as file:
            members[name] = file.read()
    folders = sorted({os.path.dirname(name)[:end] for name in members for end in range(1, len(os.path.dirname(name)) + 1)
                      if os.path.dirname(name)[end:end + 1] in ("", "/")})
    path = os.path.join(folder, "initramfs")
    with open(path, "wb") as out:
        entries = [(name, 0o040755, b"") for name in folders] + [(name, 0o100755, code) for name, code in members.items()]
        for number, (name, mode, code) in enumerate(entries + [("TRAILER!!!", 0, b"")], 1):
            fields = (number, mode, 0, 0, 1, 0, len(code), 0, 0, 0, 0, len(name) + 1, 0)
            head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
            out.write(head + bytes(-len(head) % 4) + code + bytes(-len(code) % 4))
    return path


def make_disk(path):
    """A disk with an empty file system, and zeros behind it."""
    with open(path, "wb") as file:
        file.truncate(DISK)
    call("mkfs.ext4", "-q", "-F", "-b", str(BLOCK), "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", path, str(FILE_SYSTEM // BLOCK))


def claims_on(path):
    """How many claims a disk bears."""
    with open(path, "rb") as file:
        file.seek(FILE_SYSTEM)
        behind = file.read()
    return sum(behind[at:at + 6] == b"claim " for at in range(0, len(behind), SECTOR))


class Guest:
    """A running guest, on a disk whose every write and flush is logged."""

    def __init__(self, root, ramfs, disk, log, console, words):
        kernel = sorted(glob.glob(os.path.join(root, "boot", "vmlinuz-*")))[-1]
        for path in (log, console):
            with open(path, "wb"):
                pass
        self.disk, self.console = disk, console
        backing = ("driver=blklogwrites,node-name=disk,file.driver=raw,file.file.driver=file,"
                   f"file.file.filename={disk},log.driver=raw,log.file.driver=file,log.file.filename={log}")
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot", "-machine", "pc,accel=tcg", "-cpu", "max",
             "-m", "384", "-smp", "2", "-serial", f"file:{console}", "-blockdev", backing,
             "-device", "virtio-blk-pci,drive=disk,write-cache=on", "-kernel", kernel, "-initrd", ramfs,
             "-append", f"console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off no_timer_check -- {words}"],
            stdin=subprocess.DEVNULL)

    def said(self):
        with open(self.console, errors="replace") as file:
            return file.read()

    def wait(self, claims=None):
        """Waits until the guest has powered itself off, or its disk bears so many claims. False if it hangs."""
        seen, moved = None, time.monotonic()
        while self.process.poll() is None:
            now = (claims_on(self.disk), os.path.getsize(self.console))
            if claims is not None and now[0] >= claims:
                return True
            if now != seen:
                seen, moved = now, time.monotonic()
            if time.monotonic() - moved > STUCK:
                return False
            time.sleep(0.05)
        return True

    def cut(self):
        """The power goes: nothing that QEMU was about to do is done."""
        self.process.kill()
        self.process.wait()
