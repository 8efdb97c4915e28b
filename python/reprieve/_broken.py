"""What is said of an installation whose library cannot be loaded: which file it is, why, and what to do."""

import platform
import sys
from pathlib import Path

# The numbers of processors in the header of an ELF file.
_MACHINES = {3: "i686", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}


def _built_for(file: Path) -> str:
    """The processor that a library of Linux is for. The loader says of another one's no more than that there is no such file."""
    try:
        with file.open("rb") as opened:
            head = opened.read(20)
    except OSError:
        return ""
    if len(head) < 20 or head[:4] != b"\x7fELF":
        return ""
    machine = _MACHINES.get(int.from_bytes(head[18:20], "little" if head[5] == 1 else "big"), "another processor")
    return "" if machine == platform.machine() else " is built for {}, and".format(machine)


def explained(error: ImportError) -> ImportError:
    """The error with the file, its place, and what to do."""
    folder = Path(__file__).resolve().parent
    found = [file for file in sorted(folder.glob("_reprieve.*")) if file.suffix in (".so", ".pyd")]
    if found:
        what = "{}{} cannot be loaded ({})".format(found[0], _built_for(found[0]), error)
    else:
        what = "there is no library _reprieve.* in {}".format(folder)
    return ImportError(
        "reprieve: {}; this is Python {}.{} on {} {}: install reprieve again on it, with its own pip".format(
            what, sys.version_info[0], sys.version_info[1], platform.system(), platform.machine()
        ),
        name="reprieve._reprieve",
        path=str(found[0] if found else folder),
    )
