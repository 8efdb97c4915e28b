"""What the ABI promises to programs that are built already: its version, its names, the first release's header."""

import re

from kit import HERE, INCLUDE, LIB, ROOT, WARNINGS, debug_library, declared, exported, header_text, link, note, run, skip, tool

CSHARP = ROOT / "bindings" / "csharp" / "src" / "NativeMethods.cs"
LUA = ROOT / "bindings" / "lua"
FIRST = HERE / "first"


def constants(header):
    """The numbers that a header defines."""
    return dict(re.findall(r"^#define (REPRIEVE_\w+) (\d+)$", header_text(header), re.MULTILINE))


def prototypes(header):
    """The declarations of a header, each by its name, without its layout."""
    found = re.findall(r"\bREPRIEVE_API\s([^;]*?\b(reprieve_\w+)\([^;]*\));", header_text(header))
    return {name: " ".join(text.split()) for text, name in found}


def structures(header):
    """The fields of a header's structures, in order."""
    found = re.findall(r"typedef struct (\w+) \{([^}]*)\}", header_text(header))
    return {name: [" ".join(field.split()) for field in body.split(";") if field.strip()] for name, body in found}


def test_version():
    numbers = constants(INCLUDE / "reprieve.h")
    major, minor = numbers["REPRIEVE_ABI_VERSION_MAJOR"], numbers["REPRIEVE_ABI_VERSION_MINOR"]
    manifest = (ROOT / "bindings" / "c" / "Cargo.toml").read_text()
    capi = re.search(r'^\[package\.metadata\.capi\.library\][^[]*?^version = "(.*)"$', manifest, re.MULTILINE)[1].split(".")
    note("the manifest's ABI version is the header's", None if capi[:2] == [major, minor] else f"{capi} is not {major}.{minor}")
    readelf = tool("readelf", "llvm-readelf")
    if not readelf:
        return skip("the library's name", "readelf is missing")
    problem, out = run([readelf, "-d", LIB / "libreprieve.so"])
    name = re.search(r"SONAME.*\[(.*)\]", out.decode())
    wanted = f"libreprieve.so.{major}"
    found = name and name[1]
    note(f"the shared library is called {wanted}", problem or (None if found == wanted else f"it is called {found}"))
    there = (LIB / wanted).resolve() == (LIB / "libreprieve.so").resolve()
    return note(f"{wanted} lies beside the library", None if there else f"{LIB / wanted} is not libreprieve.so")


def difference(one, two, one_is, two_is):
    wrong = [f"{one_is}, not {two_is}: {name}" for name in sorted(one - two)]
    return "\n".join(wrong + [f"{two_is}, not {one_is}: {name}" for name in sorted(two - one)])


def test_symbols():
    """Declared, exported and bound are the same."""
    header = declared()
    names, why = exported(LIB / "libreprieve.so")
    if names is None:
        skip("declared is exported", why)
    else:
        note("declared is exported", difference(header, names, "declared", "exported"))
    if not (LIB / "libreprieve.a").exists():
        skip("declared is in the static library", "libreprieve.a is missing")
    elif not tool("nm"):
        skip("declared is in the static library", "nm is missing")
    else:
        problem, out = run(["nm", "--defined-only", "--extern-only", LIB / "libreprieve.a"])
        names = set(re.findall(r" T (reprieve_\w+)$", out.decode(), re.MULTILINE))
        note("declared is in the static library", problem or difference(header, names, "declared", "in the library"))
    bound = set(re.findall(r"\bextern\s[^;(]*?\b(reprieve_\w+)\(", CSHARP.read_text()))
    note("declared is bound in C#", difference(header, bound, "declared", "bound"))
    cdefs = sorted(LUA.glob("*cdef*.lua")) or sorted(LUA.glob("*.lua"))
    if not cdefs:
        return skip("declared is bound in Lua", "bindings/lua has no cdef")
    text = "\n".join(re.sub(r"--[^\n]*|//[^\n]*|/\*.*?\*/", "", path.read_text(), flags=re.S) for path in cdefs)
    bound = {name for name in re.findall(r"\b(reprieve_\w+)\s*\([^;]*\)\s*;", text) if not name.startswith("reprieve_debug")}
    return note("declared is bound in Lua", difference(header, bound, "declared", "bound"))


def test_first(work):
    """The first release's header is a part of this one, and a program that was built with it runs."""
    first, now = FIRST / "reprieve.h", INCLUDE / "reprieve.h"
    wrong = []
    for what, parts in (("number", constants), ("function", prototypes)):
        mine = parts(now)
        for name, text in parts(first).items():
            # The minor number says what was added.
            if mine.get(name) != text and name != "REPRIEVE_ABI_VERSION_MINOR":
                wrong.append(f"{what} {name}: was {text}, is {mine.get(name)}")
    mine = structures(now)
    for name, fields in structures(first).items():
        grows = fields[0] == "uint32_t struct_size"
        if mine.get(name, [])[: len(fields)] != fields or (not grows and mine[name] != fields):
            wrong.append(f"structure {name}: was {fields}, is {mine.get(name)}")
    note("the first release's header is a part of this one", "\n".join(wrong))
    compiler = tool("gcc", "cc", "clang")
    if not compiler:
        return skip("a program of the first release", "a compiler is missing")
    command = [compiler, "-std=c99", *WARNINGS, f"-I{FIRST}", FIRST / "program.c", "-o", work / "first"]
    problem = run([*command, f"-L{LIB}", "-lreprieve", f"-Wl,-rpath,{LIB}"])[0]
    return note("a program of the first release", problem or run([work / "first"])[0])


def test_mismatch(work):
    """A program that meets a library of another ABI is told so, by which file, and what to do."""
    compiler = tool("g++", "c++", "clang++")
    if not compiler:
        return skip("a library that does not fit", "a compiler is missing")
    text = (INCLUDE / "reprieve.h").read_text()
    numbers = constants(INCLUDE / "reprieve.h")
    major, minor = int(numbers["REPRIEVE_ABI_VERSION_MAJOR"]), int(numbers["REPRIEVE_ABI_VERSION_MINOR"])
    source = work / "mismatch.cpp"
    source.write_text("""#include <iostream>
#include <reprieve.hpp>
int main() {
    std::cout << REPRIEVE_ABI_FITS() << reprieve::check_abi().has_value();
    try {
        reprieve::Builder::from_toml("");
    } catch (const reprieve::Error &error) {
        std::cout << " " << error.what();
    }
}
""")
    for built_for, fits in ((f"{major}.{minor}", True), (f"{major}.{minor + 1}", False), (f"{major + 1}.{minor}", False)):
        folder = work / f"abi-{built_for}"
        folder.mkdir()
        (folder / "reprieve.hpp").write_text((INCLUDE / "reprieve.hpp").read_text())
        for name, number in zip(("MAJOR", "MINOR"), built_for.split(".")):
            text = re.sub(rf"(#define REPRIEVE_ABI_VERSION_{name}) \d+", rf"\1 {number}", text)
        (folder / "reprieve.h").write_text(text)
        program = folder / "program"
        problem = run([compiler, "-std=c++17", *WARNINGS, f"-I{folder}", source, "-o", program, f"-L{LIB}", "-lreprieve", f"-Wl,-rpath,{LIB}"])[0]
        problem, out = (problem, b"") if problem else run([program])
        said = out.decode()
        if not problem and fits and not said.startswith("11 "):
            problem = f"it fits, but: {said}"
        wanted = ("00 ", "libreprieve.so", f"has ABI version {major}.{minor},", f"built for {built_for};", "install")
        if not problem and not fits and not all(part in said for part in wanted):
            problem = f"it does not fit, but: {said}"
        note(f"a program built for ABI {built_for}", problem)
    return None


def test_guard(work):
    """A panic of the library's is caught, by a build that panics when it is asked to."""
    compiler = tool("gcc", "cc", "clang")
    library, why = debug_library("panics") if compiler else (None, "a compiler is missing")
    if library is None:
        return skip("the guard against panics", why) if not compiler or why == "cargo is missing" else note("the guard against panics", why)
    problem = link(compiler, [HERE / "guard.c"], work / "guard", "-std=c11", *WARNINGS, library=library.parent)
    problem, out = (problem, b"") if problem else run([work / "guard"], stderr=True)
    note("the guard against panics", problem)
    # Nothing is printed by the library: what is there is the program's own line.
    note("a panic prints nothing", None if re.fullmatch(rb"(guard: \d+ checks\n)?", out) else f"{out!r}")
    released, why = exported(LIB / "libreprieve.so")
    if released is None:
        return skip("no released library panics on request", why)
    inside, _ = exported(library)
    note("the test's library panics on request", None if "reprieve_debug_panic" in inside else "reprieve_debug_panic is missing")
    return note("no released library panics on request", "\n".join(name for name in released if "debug" in name))
