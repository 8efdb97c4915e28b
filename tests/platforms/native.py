"""The library and the command line of a platform: what they export, and what they say."""

import glob
import os
import re
import shutil
import tempfile
import time

from kit import call, expect, failed, not_run, passed, run
from targets import ROOT, WORK

SCENARIOS = sorted(glob.glob(os.path.join(ROOT, "tests", "scenarios", "*.json")))
ABI = os.path.join(ROOT, "tests", "abi")
INCLUDE = os.path.join(ROOT, "include")
# Threads that make, use and free handles; children of forks; wrong arguments; as many handles as there can be.
PROGRAMS = {"threads": [], "fork": ["folder"], "abuse": [], "limits": []}
PAGE = 16384  # the largest page of a phone


def tool(name):
    """LLVM's, which reads every platform's files."""
    return next((found for end in ("", "-22", "-14") if (found := shutil.which(name + end))), None)


def declared():
    with open(os.path.join(INCLUDE, "reprieve.h"), encoding="utf-8") as file:
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", file.read(), flags=re.S)
    return set(re.findall(r"\bREPRIEVE_API\s[^;]*?\b(reprieve_\w+)\(", text)), re.search(r"REPRIEVE_ABI_VERSION_MAJOR (\d+)", text)[1]


def exports(target):
    name, nm = f"{target.name}: what the header declares is exported, and nothing else", tool("llvm-nm")
    if nm is None:
        return not_run(name, "llvm-nm is missing")
    apple = target.extension == "dylib"
    code, out, error = run([nm, "--extern-only", "--defined-only", *([] if apple else ["--dynamic"]), target.library])
    found = {line.split()[-1].removeprefix("_" if apple else "") for line in out.decode().splitlines() if len(line.split()) == 3}
    header, _ = declared()
    # Where ring has no assembly, what stands in for it is a function that the linker takes for one of ours.
    found = {symbol for symbol in found if not (target.plain_ring and symbol.startswith("ring_core_"))}
    problem = error.decode() if code else ", ".join(sorted(header ^ found))
    if apple and not code and header <= found:
        passed(f"{target.name}: what the header declares is exported: {len(header)} functions")
        return not_run(f"{target.name}: nothing else is exported", "zig's linker heeds no -exported_symbols_list, as Apple's does")
    return expect(f"{name}: {len(header)} functions", not problem, problem)


def install_name(target):
    """By which name a program that was linked with it asks for it."""
    wanted, objdump = f"@rpath/libreprieve.{declared()[1]}.dylib", tool("llvm-objdump")
    name = f"{target.name}: its install name is {wanted}"
    if objdump is None:
        return not_run(name, "llvm-objdump is missing")
    _, out, error = run([objdump, "--macho", "--dylib-id", target.library])
    return expect(name, wanted in out.decode().split(), out.decode() + error.decode())


def drill(command, *files):
    """What a program says of scenarios, or why it says nothing."""
    words = ["drill", "--json"] if os.path.basename(command[-1]) == "reprieve" else []
    code, out, error = run([*command, *words, *files])
    return out if code == 0 else f"status {code}: {error.decode(errors='replace')}"


def lines(command):
    """The same, each by itself."""
    return {file: drill(command, file) for file in SCENARIOS}


def compare(name, command, wanted):
    """Every scenario says what it says on x86_64."""
    name = f"{name}, byte for byte as on x86_64"
    silent = [file for file, text in wanted.items() if not isinstance(text, bytes) or not text]
    if silent:
        return failed(name, f"x86_64 says nothing of {', '.join(silent)}: {wanted[silent[0]]}")
    began = time.monotonic()
    # All at once: an emulator that starts anew for each takes twice as long.
    if drill(command, *SCENARIOS) == b"".join(wanted.values()):
        return passed(f"{name}: {len(wanted)} scenarios", len(wanted), began)
    said = lines(command)
    wrong = [f"{file}: {text if isinstance(text, str) else 'its lines differ'}" for file, text in said.items() if text != wanted[file]]
    return failed(name, "\n".join(wrong) or "each is right by itself, and all at once are not", max(len(wrong), 1))


def scenarios(target, wanted):
    compare(f"{target.name}: the command line", [*target.runner(), target.cli], wanted)


def compiled(target, source, out, *more, plus=False):
    """A program of this platform, linked with its shared library: the path, or none."""
    warn = ["-Wall", "-Wextra", "-Werror", "-O1", "-std=c++17" if plus else "-std=c11"]
    # zig links a whole libc into a program unless it is told; what is loaded with a library shares its libc.
    dynamic = ["-dynamic"] if target.zig else []
    gnu = [] if plus else ["-D_GNU_SOURCE"]
    command = [*target.compiler(plus), *warn, *gnu, *dynamic, "-I", INCLUDE, "-I", os.path.dirname(source), source, "-o", out, *more,
               "-L", target.folder, "-lreprieve", f"-Wl,-rpath,{target.folder}", "-pthread"]  # fmt: skip
    return out if call(f"{target.name}: {os.path.basename(source)}, compiled and linked", command) is not None else None


def programs(target, wanted):
    """C programs on the shared library."""
    os.makedirs(os.path.join(WORK, target.name), exist_ok=True)
    place = os.path.join(WORK, target.name)
    if program := compiled(target, os.path.join(ABI, "conformance.c"), os.path.join(place, "conformance")):
        compare(f"{target.name}: C on the shared library", [*target.runner(), program], wanted)
    # Its assertions are the compiler's: sizes and places of all that crosses the ABI.
    if program := compiled(target, os.path.join(ABI, "layout.c"), os.path.join(place, "layout")):
        call(f"{target.name}: layout.c", [*target.runner(), program])
    for name, arguments in PROGRAMS.items():
        # As many handles as there can be: with 64 bits a million, and tests/abi makes those.
        if name == "limits" and target.bits == 64:
            continue
        if program := compiled(target, os.path.join(ABI, f"{name}.c"), os.path.join(place, name)):
            with tempfile.TemporaryDirectory() as folder:
                command = [*target.runner(), program, *(os.path.join(folder, argument) for argument in arguments)]
                call(f"{target.name}: {name}.c", command)


def universal(targets):
    """One library for both kinds of Mac."""
    name, lipo = "macos: one library of both", tool("llvm-lipo")
    if lipo is None or len(targets) < 2:
        return not_run(name, "llvm-lipo is missing" if lipo is None else "both are not built")
    out = os.path.join(WORK, "libreprieve.dylib")
    if call(name, [lipo, "-create", *(target.library for target in targets), "-output", out]) is None:
        return None
    _, said, error = run([lipo, "-archs", out])
    return expect("macos: it has both", sorted(said.decode().split()) == ["arm64", "x86_64"], said + error)


def alignment(library):
    """The least alignment of what is loaded of an ELF file."""
    _, out, _ = run([tool("llvm-readelf"), "--program-headers", "--wide", library])
    return min((int(line.split()[-1], 16) for line in out.decode().splitlines() if line.split()[:1] == ["LOAD"]), default=0)


def pages(built, checked):
    """Android's flag: cargo passes it on, and it does what it is for."""
    flag = "-Wl,-z,max-page-size="
    for target in checked:
        said = ""
        for file in glob.glob(os.path.join(target.folder, "build", "reprieve-c-*", "output")):
            with open(file, encoding="utf-8") as text:
                said += text.read()
        expect(f"{target.name}: the linker will be told of pages of 16 KiB", f"cargo::rustc-cdylib-link-arg={flag}{PAGE}\n" in said, said)
    for target in built:
        if target.name != "linux-aarch64":
            continue
        name, place = f"{target.name}: what is linked by Android's flag", os.path.join(WORK, target.name)
        if tool("llvm-readelf") is None:
            return not_run(name, "llvm-readelf is missing")
        archive = ["-Wl,--whole-archive", os.path.join(target.folder, "libreprieve.a"), "-Wl,--no-whole-archive", "-lpthread", "-ldl", "-lm"]
        found = {}
        for size in (4096, PAGE):
            out = os.path.join(place, f"pages-{size}.so")
            if call(f"{name}, for pages of {size} bytes", [*target.compiler(), "-shared", "-o", out, *archive, f"{flag}{size}"]) is None:
                return None
            found[size] = alignment(out)
        expect(f"{name} is aligned to it, and not without", found == {4096: 4096, PAGE: PAGE}, found)
    return None
