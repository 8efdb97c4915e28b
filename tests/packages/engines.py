#!/usr/bin/env python3
"""The packages for engines hold a library that renews by itself: of each the library of x86-64 Linux is taken out, and renews at an authority, asked by LuaJIT. Of a library
for another system it is looked whether HTTP is in it at all. The packages for programs hold one without. Last line: `engines' packages: N passed, M failed, K not run`.

    tests/packages/engines.py PACKAGES
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "renewing"))
from authority import PROGRAM, Authority  # noqa: E402
from folders import files  # noqa: E402

# Where this machine's library lies in a package, and which packages are meant.
PACKAGES = {"Unity": ("com.reprieve.client-*.tgz", "Plugins/Linux/x86_64/libreprieve.so"), "Unreal": ("Reprieve-Unreal-*.zip", "ReprieveLibrary/Linux/libreprieve.so"),
            "LuaJIT": ("reprieve-lua-*-Linux-x64.tar.gz", "/libreprieve.so")}
NATIVE = re.compile(r"(^|/)(lib)?reprieve\.(so|dll|dylib)[.0-9]*$")
# What a library without HTTP says to who wants it to renew; it is in no other.
WITHOUT = b"this library was built without HTTP"
LUA = """
local reprieve = require "reprieve"
local ffi = require "ffi"
ffi.cdef "int usleep(unsigned int microseconds);"
local client = assert(reprieve.open "reprieve.toml")
local before = client:check("cad", "core").access
local renewing = assert(client:renewing { proxy = "none", headers = { Authorization = "Bearer " .. arg[1] } })
local begin = os.time()
repeat ffi.C.usleep(10000) until client:check("cad", "core").access == "full" or os.time() - begin > 20
print(before, client:check("cad", "core").access, assert(renewing:state()).word)
"""
passed, failed, skipped = [], [], []


def note(name, problem):
    print(f"FAILED {name}: {problem}" if problem else f"ok {name}")
    (failed if problem else passed).append(name)


def skip(name, why):
    print(f"not run: {name}: {why}")
    skipped.append(name)


def renews(library):
    """The problem of renewing by this library, or None."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "library").mkdir()
        (work / "library" / "libreprieve.so").write_bytes(library)
        (work / "renews.lua").write_text(LUA)
        try:
            with Authority(folder) as authority:
                env = {key: value for key, value in os.environ.items() if not key.startswith(("LUA_", "LD_", "REPRIEVE_"))}
                env.update(LUA_PATH=f"{ROOT}/bindings/lua/?.lua", REPRIEVE_LIB=str(work / "library"))
                ran = subprocess.run(["luajit", "renews.lua", authority.code], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            return error
        return None if ran.stdout == "denied\tfull\trenewed\n" else f"status {ran.returncode}: {ran.stdout}{ran.stderr}"


def main():
    folder = pathlib.Path(sys.argv[1])
    lacking = f"this is {platform.system()} on {platform.machine()}" if (platform.system(), platform.machine()) != ("Linux", "x86_64") else None
    lacking = lacking or (None if shutil.which("luajit") else "luajit is missing") or (None if PROGRAM.exists() else f"there is no {PROGRAM.name} in {PROGRAM.parent}")
    for name, (pattern, place) in PACKAGES.items():
        found = sorted(folder.glob(pattern))
        if not found:
            note(f"the package for {name}", f"there is no {pattern} in {folder}")
            continue
        for file, data in ((file, data) for file, data in files(found[0]) if NATIVE.search(file)):
            if not file.endswith(place):
                note(f"{found[0].name}: {file} has HTTP in it", "it says that it was built without" if WITHOUT in data else None)
            elif lacking:
                skip(f"{found[0].name}: {file} renews at an authority", lacking)
            else:
                note(f"{found[0].name}: {file} renews at an authority", renews(data))
    others = [path for pattern in ("reprieve-c-*.tar.gz", "reprieve-*-windows-*.zip", "Reprieve.Native.*.nupkg") for path in sorted(folder.glob(pattern))]
    for package in others:
        natives = [(file, WITHOUT in data) for file, data in files(package) if NATIVE.search(file)]
        wrong = [file for file, without in natives if not without]
        note(f"{package.name} has no HTTP in it", f"there is in {', '.join(wrong)}" if wrong else None if natives else "there is no library in it")
    print(f"engines' packages: {len(passed)} passed, {len(failed)} failed, {len(skipped)} not run")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
