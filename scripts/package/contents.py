"""What is in each package: contents.py FOLDER. Ends with 1 if a package holds what it must not, or lacks what it must have.

Whatever is a program or library by its first bytes must be for the system, processor and C library that the package's name, or the folder in it, says; it must be
stripped, and name no folder of the machine that built it. With it come the licences and a readme. A static library is looked at for its processor only.
"""

import hashlib
import os
import re
import struct
import sys
import tarfile
import zipfile

# What names and folders mean; the last one in a path counts. Packages of NuGet, LuaJIT, Python, C, Unity, Unreal and Godot, each in its own words.
NAMES = {
    "Linux x86_64": r"linux-x64|Linux-x64|manylinux[0-9_]*_x86_64|Linux/x86_64|/Linux/|linux-x86_64|x86_64-unknown-linux-gnu",
    "Linux aarch64": r"linux-arm64|Linux-arm64|manylinux[0-9_]*_aarch64|aarch64-unknown-linux-gnu",
    "Linux x86_64 musl": r"linux-musl-x64|musllinux[0-9_]*_x86_64",
    "macOS aarch64": r"osx-arm64|OSX-arm64",
    "Windows x86_64": r"win-x64|Windows-x64|win_amd64|windows-x64|Windows/x86_64|/Win64/|windows-x86_64",
}
ELF = {62: "x86_64", 183: "aarch64", 40: "armv7", 3: "i686"}
MACHO = {0x0100000C: "aarch64", 0x01000007: "x86_64"}
PE = {0x8664: "x86_64", 0xAA64: "aarch64", 0x14C: "i686"}


def elf(data):
    """Which platform a file is for, and what of it should have been stripped."""
    machine = ELF.get(struct.unpack_from("<H", data, 18)[0], "of another processor")
    sections, size, count, names = struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HHH", data, 58)
    table = [struct.unpack_from("<IIQQQQIIQQ", data, sections + number * size) for number in range(count)]

    def text(base, at):
        return data[base + at : data.index(b"\0", base + at)].decode()

    kept, needs = [], []
    for name, kind, _, _, at, length, link, *_ in table:
        word = text(table[names][4], name)
        if kind == 2 or word.startswith(".debug"):
            kept.append(word)
        if kind == 6:
            strings = table[link][4]
            entries = (struct.unpack_from("<QQ", data, at + step) for step in range(0, length, 16))
            needs = [text(strings, value) for tag, value in entries if tag == 1]
    # musl's libc has the name that a linker gave it: libc.so, or one with the processor.
    glibc = any(re.match(r"libc\.so\.\d", need) for need in needs)
    return f"Linux {machine}" + ("" if glibc else " musl"), kept


def signed(blob, data):
    """Whether a Mach-O file's code directory has the hash of each of its pages: ad hoc, by nobody, without which Apple's own processors load nothing."""
    start = struct.unpack_from(">I", blob, 16)[0]
    magic, _, _, _, hashes, _, _, pages, limit, width, kind, _, page = struct.unpack_from(">IIIIIIIIIBBBB", blob, start)
    if (magic, width, kind) != (0xFADE0C02, 32, 2) or pages != -(-limit // (1 << page)):
        return False
    size = 1 << page
    found = b"".join(hashlib.sha256(data[number * size : min(limit, (number + 1) * size)]).digest() for number in range(pages))
    return blob[start + hashes : start + hashes + len(found)] == found


def macho(data):
    machine, commands = MACHO.get(struct.unpack_from("<I", data, 4)[0], "of another processor"), struct.unpack_from("<I", data, 16)[0]
    at, kept, right = 32, [], False
    for _ in range(commands):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 2:
            symbols, count = struct.unpack_from("<II", data, at + 8)
            # Of debuggers (N_STAB), or of the file alone (no N_EXT).
            kinds = [data[symbols + 16 * number + 4] for number in range(count)]
            own = sum(1 for one in kinds if one & 0xE0 or not one & 1)
            kept += [f"{own} symbols that nobody outside can use"] if own else []
        if kind == 0x1D:
            place, length = struct.unpack_from("<II", data, at + 8)
            right = signed(data[place : place + length], data)
        at += size
    return f"macOS {machine}" + ("" if right else " without the hashes of its pages, which no Mac loads"), kept


def windows(data):
    head = struct.unpack_from("<I", data, 0x3C)[0] + 4
    machine, _, _, table, symbols, _, _ = struct.unpack_from("<HHIIIHH", data, head)
    return f"Windows {PE.get(machine, 'of another processor')}", [f"{symbols} symbols"] if table or symbols else []


def archive(data):
    """A static library's platform, by its first object."""
    at = 8
    while at + 60 <= len(data):
        size = int(data[at + 48 : at + 58])
        body = data[at + 60 : at + 60 + size]
        if body[:4] == b"\x7fELF":
            return "Linux " + ELF.get(struct.unpack_from("<H", body, 18)[0], "of another processor")
        if body[:2] == b"\x64\x86":
            return "Windows x86_64"
        # An import library's member names its processor after four bytes.
        if body[:4] == b"\0\0\xff\xff":
            return "Windows " + PE.get(struct.unpack_from("<H", body, 6)[0], "of another processor")
        at += 60 + size + size % 2
    return "nothing that is known"


def files(path):
    if path.endswith((".tar.gz", ".tgz")):
        with tarfile.open(path) as packed:
            return {entry.name: packed.extractfile(entry).read() for entry in packed if entry.isfile()}
    with zipfile.ZipFile(path) as packed:
        return {entry.filename: packed.read(entry) for entry in packed.infolist() if not entry.is_dir()}


def promised(path):
    """The platform that a path names last, or none."""
    found = [(match.start(), platform) for platform, words in NAMES.items() for match in re.finditer(words, path)]
    return max(found)[1] if found else None


def look(path, folders):
    """Prints what a package holds, and gives what is wrong with it."""
    held, wrong, natives = files(path), [], 0
    package = os.path.basename(path)
    for name, data in sorted(held.items()):
        kind = next((read for magic, read in ((b"\x7fELF", elf), (b"\xcf\xfa\xed\xfe", macho), (b"MZ", windows)) if data.startswith(magic)), None)
        managed = kind is windows and name.startswith("lib/netstandard")
        if managed or kind is None and not data.startswith(b"!<arch>\n"):
            continue
        natives += 1
        wanted = promised(f"{package}/{name}")
        if kind is None:
            found = archive(data)
            print(f"  {name}: {found}, {len(data)} bytes")
            wrong += [f"{package}: {name} is for {found}, and should be for {wanted}"] if found != wanted else []
            continue
        found, kept = kind(data)
        print(f"  {name}: {found}, {len(data)} bytes" + ("" if kept else ", stripped"))
        wrong += [f"{package}: {name} is for {found}, and should be for {wanted or 'a platform that its path names'}"] if found != wanted else []
        wrong += [f"{package}: {name} is not stripped: it has {', '.join(kept)}"] if kept else []
        wrong += [f"{package}: {name} names {folder.decode()}, of the machine that built it" for folder in folders if folder in data]
    names = [os.path.basename(name).upper() for name in held]
    licences = [word for word in ("MIT", "APACHE") if not any(name in (f"LICENSE-{word}", "LICENSE.MD") for name in names)]
    wrong += [f"{package}: there is no licence {word}" for word in licences]
    # A wheel's readme is the text of its METADATA.
    metadata = next((data for name, data in held.items() if name.endswith(".dist-info/METADATA")), b"")
    readme = "README.MD" in names or len(metadata.partition(b"\n\n")[2]) > 200
    wrong += [] if readme else [f"{package}: there is no readme"]
    print(f"  {len(held)} files, {natives} native; " + ("licences and readme" if readme and not licences else "not all licences or no readme"))
    return wrong


def main():
    if not os.path.isdir(sys.argv[1]):
        raise SystemExit(f"{sys.argv[1]} is no folder")
    packages = sorted(os.path.join(folder, name) for folder, _, names in os.walk(sys.argv[1]) for name in names)
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folders = [os.fsencode(folder) for folder in (here + "/", os.path.join(os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo"), "registry"))]
    wrong = []
    for path in packages:
        print(f"{os.path.relpath(path, sys.argv[1])}: {os.path.getsize(path)} bytes")
        wrong += look(path, folders)
    print("".join(f"FAILED {problem}\n" for problem in wrong) + f"contents of packages: {len(packages)} looked at, {len(wrong)} faults")
    return 1 if wrong or not packages else 0


if __name__ == "__main__":
    sys.exit(main())
