"""The platforms: what each is built by, and what of it can be run on a Linux machine."""

import functools
import os
import shutil
import subprocess
import sys
import sysconfig

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(ROOT, "build", "platforms")
TARGET = os.environ.get("REPRIEVE_PLATFORMS_TARGET", os.path.join(WORK, "target"))
# Of the environment that scripts/platforms.sh makes, which this runs in.
ZIG = os.path.join(sysconfig.get_path("purelib"), "ziglang", "zig")
# Of a libc that is loaded, no part is linked in; and zig brings what starts a program.
MUSL = "-Ctarget-feature=-crt-static -Clink-self-contained=no"

RUN, LINK, CHECK, REFUSE = "run", "link", "check", "refuse"


class Target:
    """One platform."""

    def __init__(self, name, triple, upto, *, cc=None, cxx=None, zig=None, rustflags="", machine=None, sysroot=None, tests=True, extension="so", why="", plain_ring=False, bits=64):
        self.name, self.triple, self.upto = name, triple, upto
        self.cc, self.cxx, self.zig, self.rustflags = cc, cxx, zig, rustflags
        self.machine, self.sysroot, self.tests, self.extension, self.why = machine, sysroot, tests, extension, why
        self.plain_ring, self.bits = plain_ring, bits

    @property
    def folder(self):
        return os.path.join(TARGET, self.triple, "debug")

    @property
    def library(self):
        return os.path.join(self.folder, f"libreprieve.{self.extension}")

    @property
    def cli(self):
        return os.path.join(self.folder, "reprieve")

    def compiler(self, plus=False):
        """The command of its C compiler, or its C++ one; none if it is not there."""
        if self.zig:
            return [ZIG, "c++" if plus else "cc", "-target", self.zig] if os.path.exists(ZIG) else None
        found = shutil.which((self.cxx if plus else self.cc) or "none")
        return [found] if found else None

    @functools.cached_property
    def registered(self):
        """Whether a program of this platform can start others of it here."""
        command = [os.path.join(HERE, "emulated.sh"), self.machine, self.sysroot, "true"]
        return self.machine is None or subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def runner(self):
        """What stands before a program of this platform."""
        if self.machine is None:
            return []
        return [os.path.join(HERE, "emulated.sh"), self.machine, self.sysroot] if self.registered else [f"qemu-{self.machine}-static", "-L", self.sysroot]

    def environment(self):
        """What cargo is told. Debian's compiler, as it comes with the source of its standard library."""
        low, up = self.triple.replace("-", "_"), self.triple.replace("-", "_").upper()
        env = {key: value for key, value in os.environ.items() if not key.startswith(("CARGO", "RUST")) or key == "CARGO_HOME"}
        env.update(
            CARGO="/usr/bin/cargo", RUSTC="/usr/bin/rustc", RUSTC_BOOTSTRAP="1", CARGO_TARGET_DIR=TARGET, CARGO_TERM_COLOR="never",
            # Quick to build, with the checks of debug builds in the library and in the standard one.
            CARGO_INCREMENTAL="0", CARGO_PROFILE_DEV_OPT_LEVEL="0", CARGO_PROFILE_DEV_DEBUG="0",
        )  # fmt: skip
        env["PATH"] = os.pathsep.join(["/usr/bin", os.path.dirname(sys.executable), os.path.dirname(ZIG), env["PATH"]])
        if self.rustflags:
            env["RUSTFLAGS"] = self.rustflags
        if self.cc:
            env[f"CARGO_TARGET_{up}_LINKER"] = env[f"CC_{low}"] = self.cc
        return env


def debian(name, triple, machine, gnu, **more):
    """Linux with glibc, by Debian's cross compiler and qemu."""
    return Target(name, triple, RUN, cc=f"{gnu}-gcc", cxx=f"{gnu}-g++", machine=machine, sysroot=f"/usr/{gnu}", **more)


TARGETS = [
    debian("linux-aarch64", "aarch64-unknown-linux-gnu", "aarch64", "aarch64-linux-gnu"),
    Target("linux-x86_64-musl", "x86_64-unknown-linux-musl", RUN, zig="x86_64-linux-musl", rustflags=MUSL),
    # A kernel for x86_64 runs it as it is.
    Target("linux-i686", "i686-unknown-linux-gnu", RUN, cc="i686-linux-gnu-gcc", cxx="i686-linux-gnu-g++", bits=32),
    debian("linux-armv7", "armv7-unknown-linux-gnueabihf", "arm", "arm-linux-gnueabihf", tests=False, bits=32),
    # Big-endian, and so the one that shows that the ledger's bytes are not the machine's.
    debian("linux-s390x", "s390x-unknown-linux-gnu", "s390x", "s390x-linux-gnu", tests=False, plain_ring=True),
    Target("macos-aarch64", "aarch64-apple-darwin", LINK, zig="aarch64-macos", extension="dylib", why="there is no macOS here"),
    Target("macos-x86_64", "x86_64-apple-darwin", LINK, zig="x86_64-macos", extension="dylib", why="there is no macOS here"),
    # ring's C is compiled, though not linked, in a check: by the compiler for Linux of the same processor.
    Target("android-aarch64", "aarch64-linux-android", CHECK, cc="aarch64-linux-gnu-gcc", why="linking needs the NDK"),
    Target("android-armv7", "armv7-linux-androideabi", CHECK, zig="arm-linux-musleabihf", why="linking needs the NDK"),
    Target("android-x86_64", "x86_64-linux-android", CHECK, cc="gcc", why="linking needs the NDK"),
    Target("ios-aarch64", "aarch64-apple-ios", CHECK, zig="aarch64-macos", why="linking needs Apple's SDK"),
    Target("wasm32", "wasm32-unknown-unknown", REFUSE, zig="wasm32-freestanding", why="there is no file, lock or clock there"),
]
