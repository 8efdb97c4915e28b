"""The packages for Windows: what is in them, and the zip used as a new user would, by CMake and MinGW, run in Wine."""

import os
import pathlib
import re
import shutil
import zipfile

from kit import ROOT, declared, note, run, skip, tool

HERE = pathlib.Path(__file__).resolve().parent
SAID = b"day 0: full, licensed\r\nday 10: full, grace\r\nday 20: denied, expired\r\n"
FILES = """bin/reprieve.dll bin/reprieve.exe include/reprieve.h include/reprieve.hpp lib/libreprieve.a lib/libreprieve.dll.a lib/reprieve.def
lib/cmake/reprieve/reprieve-config.cmake lib/cmake/reprieve/reprieve-config-version.cmake lib/pkgconfig/reprieve.pc
share/doc/reprieve/LICENSE-MIT share/doc/reprieve/LICENSE-APACHE share/doc/reprieve/README.md""".split()


def wheel_is_whole(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        module = next((name for name in names if name.endswith(".pyd")), None)
        if not module:
            return f"it has no module: {names}"
        wheel = archive.read(next(name for name in names if name.endswith(".dist-info/WHEEL"))).decode()
        data = archive.read(module)
    missing = [name for name in ("reprieve/__init__.py", "reprieve/py.typed") if name not in names]
    if missing or "cp38-abi3-win_amd64" not in wheel:
        return f"missing: {missing}; it says {wheel}"
    return None if data[:2] == b"MZ" and b"PyInit__reprieve" in data and b"python3.dll" in data else "the module is none for Windows"


def cmake(prefix, work):
    if not tool("cmake"):
        return skip("find_package(reprieve) for Windows", "cmake is missing")
    for name, options in (("cmake", []), ("cmake-static", ["-DREPRIEVE_USE_STATIC=ON"])):
        project, build = work / name, work / name / "build"
        shutil.copytree(ROOT / "tests" / "packages" / "c-example", project)
        problem = run(["cmake", "-S", project, "-B", build, f"-DCMAKE_TOOLCHAIN_FILE={HERE / 'mingw.cmake'}", f"-DCMAKE_PREFIX_PATH={prefix}", *options])[0]
        problem = problem or run(["cmake", "--build", build, "--parallel", "2"])[0]
        note(f"{name}: an example project is built for Windows", problem)
        if problem:
            continue
        shutil.copy(prefix / "bin" / "reprieve.dll", build)
        for program in ("frame-shared", "frame-static", "outage-shared", "outage-static", "outage"):
            problem, out = run(["wine", build / f"{program}.exe"], cwd=work)
            _, imports = run(["x86_64-w64-mingw32-objdump", "-p", build / f"{program}.exe"])
            shared = b"DLL Name: reprieve.dll" in imports
            wanted = program.endswith("shared") or (program == "outage" and not options)
            said = None if out.replace(b"\r\n", b"\n") == SAID.replace(b"\r\n", b"\n") else f"it printed {out!r}"
            note(f"{name}: {program}.exe", problem or said or (None if shared == wanted else f"linked with the DLL: {shared}"))
    return None


def with_http(prefix):
    """The packages for engines take a library with HTTP from where it is left; the zip's is without."""
    for which, wanted in (("", False), ("http", True)):
        problem, said = run(["bash", "-c", f". scripts/flags.sh; windows_dll {which}"], cwd=ROOT)
        dll = ROOT / said.decode().strip()
        if not problem:
            _, imports = run(["x86_64-w64-mingw32-objdump", "-p", dll])
            # Whom Windows trusts is asked of it, and by HTTP alone.
            found = b"DLL Name: crypt32.dll" in imports
            problem = None if found == wanted else f"{dll}: it has HTTP: {found}"
        note(f"the DLL {'with' if wanted else 'without'} HTTP is left for other packages", problem)
    same = (prefix / "bin" / "reprieve.dll").read_bytes() == (ROOT / "build" / "windows" / "dist" / "reprieve.dll").read_bytes()
    note("the zip's is the one without", None if same else "it is another")


def test(work):
    out = ROOT / "build" / "windows" / "packages"
    problem, said = run([ROOT / "scripts" / "package" / "windows.sh", out], timeout=3000, env={"PATH": os.environ.get("REPRIEVE_HOST_PATH", os.environ["PATH"])})
    if problem and b"not run" in said:
        return skip("the packages for Windows", said.decode().strip().splitlines()[-1])
    note("the packages for Windows are built", problem)
    for line in said.decode().splitlines():
        if line.startswith("not run"):
            skip("a package for Windows", line)
    zips = sorted(out.glob("reprieve-*-windows-x64.zip"))
    if problem or len(zips) != 1:
        return note("there is one zip", f"{zips}")
    with zipfile.ZipFile(zips[0]) as archive:
        archive.extractall(work)
        top = {name.split("/")[0] for name in archive.namelist()}
    note("all lies in one folder", None if top == {zips[0].stem} else f"{top}")
    prefix = work / "moved to"
    (work / zips[0].stem).rename(prefix)
    note("the files of the zip", "\n".join(name for name in FILES if not (prefix / name).is_file()))
    named = [path for path in prefix.rglob("*") if path.is_file() and os.fsencode(ROOT) in path.read_bytes()]
    note("no file names the folder that it was built in", "\n".join(map(str, named)))
    with_http(prefix)
    exports = set(re.findall(r"^  (reprieve_\w+)$", (prefix / "lib" / "reprieve.def").read_text(), re.MULTILINE))
    note("reprieve.def names every function", "\n".join(sorted(exports ^ declared())))
    if (prefix / "lib" / "reprieve.lib").exists():
        problem, listed = run(["x86_64-w64-mingw32-nm", prefix / "lib" / "reprieve.lib"])
        found = set(re.findall(r" T (reprieve_\w+)$", listed.decode(), re.MULTILINE))
        note("so does the import library for MSVC", problem or "\n".join(sorted(found ^ declared())))
        skip("a program linked by MSVC", "there is none here")
    cmake(prefix, work)
    wheels = sorted(out.glob("reprieve-*-win_amd64.whl"))
    if wheels:
        note("the wheel for Windows is whole", wheel_is_whole(wheels[0]))
        skip("the wheel for Windows, imported", "there is no Python for Windows here")
    return None
