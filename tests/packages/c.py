#!/usr/bin/env python3
"""The C package, unpacked into a clean folder and used there as a new user would: by CMake and by pkg-config, shared and static, from C
and from C++, and after it was moved. Nothing of the repository is seen but the package, and the example that is copied.

The package is taken from the folder that the first argument names, or build/packages. Last line: `c: N passed, M failed, K not run`.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "packages").resolve()
SAID = "day 0: full, licensed\nday 10: full, grace\nday 20: denied, expired\n"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
# What a user's shell has, and no more: no library path, no flags.
CLEAN = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}

passed, failed, skipped = [], [], []


def note(name, problem):
    (failed if problem else passed).append(name)
    if problem:
        print(f"FAILED {name}\n{problem}".rstrip(), flush=True)


def skip(name, why):
    skipped.append(name)
    print(f"not run: {name}: {why}", flush=True)


def run(command, cwd, **env):
    """Runs a command: (problem or None, what it printed)."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, cwd=cwd, env={**CLEAN, "HOME": str(cwd), **env}, timeout=300)
    out = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        return f"{' '.join(command)}\nended with {done.returncode}\n{out[-3000:]}{done.stderr.decode('utf-8', 'replace')[-3000:]}", out
    return None, out


def says(program, cwd, **env):
    """What is wrong with what a program prints."""
    problem, out = run([program], cwd, **env)
    return problem or (None if out == SAID else f"{program} printed {out!r}")


def needed(program, cwd):
    """The shared libraries that a program names."""
    _, out = run(["readelf", "-d", program], cwd)
    return set(re.findall(r"NEEDED.*\[(.*)\]", out))


def linked(program, shared, cwd):
    if not shutil.which("readelf"):
        return None
    names = {name for name in needed(program, cwd) if "reprieve" in name}
    return None if names == ({"libreprieve.so.0"} if shared else set()) else f"{program} needs {names}"


def test_layout(prefix):
    files = ["include/reprieve.h", "include/reprieve.hpp", "lib/libreprieve.a", "lib/pkgconfig/reprieve.pc",
             "lib/cmake/reprieve/reprieve-config.cmake", "lib/cmake/reprieve/reprieve-config-version.cmake",
             "share/reprieve/drivers/reprieve_curl.c", "share/reprieve/drivers/reprieve_curl.h", "share/doc/reprieve/LICENSE-MIT", "share/doc/reprieve/LICENSE-APACHE", "share/doc/reprieve/README.md"]  # fmt: skip
    note("the files of a package", "\n".join(name for name in files if not (prefix / name).is_file()))
    lib = prefix / "lib"
    chain = [os.readlink(lib / "libreprieve.so"), os.readlink(lib / "libreprieve.so.0")]
    real = (lib / "libreprieve.so").resolve()
    good = chain[0] == "libreprieve.so.0" and re.fullmatch(r"libreprieve\.so\.0\.\d+\.0", chain[1]) and real.is_file()
    note("libreprieve.so is libreprieve.so.0 is the library", None if good else f"{chain}")
    if shutil.which("readelf"):
        _, out = run(["readelf", "-d", real], prefix)
        note("the library's own name", None if "[libreprieve.so.0]" in out and "RPATH" not in out and "RUNPATH" not in out else out)
        _, out = run(["readelf", "-S", "--wide", real], prefix)
        note("the library is stripped", ".debug_info" in out or ".symtab" in out)
    else:
        skip("the library's own name", "readelf is missing")
    # Files must not name the place that they were built in.
    named = [path for path in prefix.rglob("*") if path.is_file() and not path.is_symlink() and os.fsencode(ROOT) in path.read_bytes()]
    note("no file names the folder that it was built in", "\n".join(map(str, named)))


def test_cmake(prefix, work):
    if not shutil.which("cmake"):
        return skip("find_package(reprieve)", "cmake is missing")
    for name, options in (("cmake", []), ("cmake-static", ["-DREPRIEVE_USE_STATIC=ON"])):
        project, build = work / name, work / name / "build"
        shutil.copytree(HERE / "c-example", project)
        problem, _ = run(["cmake", "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", *options], work)
        problem = problem or run(["cmake", "--build", build, "--parallel", "2"], work)[0]
        note(f"{name}: an example project is built", problem)
        if problem:
            continue
        for program, shared in (("frame-shared", True), ("frame-static", False), ("outage-shared", True), ("outage-static", False), ("outage", not options)):
            note(f"{name}: {program}", says(build / program, work) or linked(build / program, shared, work))
    for wanted, good in (("0.1", True), ("0", True), ("0.1.0 EXACT", True), ("0.2", False), ("1", False), ("0.0.9", False)):
        project = work / f"wants-{wanted.replace(' ', '-')}"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(f"cmake_minimum_required(VERSION 3.16)\nproject(x LANGUAGES C)\nfind_package(Reprieve {wanted} REQUIRED)\n")
        problem, _ = run(["cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={prefix}"], work)
        note(f"find_package(Reprieve {wanted}) is {'met' if good else 'not met'}", problem if good else not problem and "it was met")
    return None


def test_pkg_config(prefix, work):
    tools = [name for name in ("pkg-config", "cc", "c++") if not shutil.which(name)]
    if tools:
        return skip("pkg-config", f"{' and '.join(tools)} missing")
    path = {"PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    problem, out = run(["pkg-config", "--modversion", "reprieve"], work, **path)
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    note("pkg-config knows the version", problem or (None if out.strip() == version else out))
    for source, compiler, standard in (("frame.c", "cc", "-std=c99"), ("outage.cpp", "c++", "-std=c++17")):
        for shared in (True, False):
            more = [] if shared else ["--static"]
            problem, flags = run(["pkg-config", "--cflags", "--libs", *more, "reprieve"], work, **path)
            name = f"{source} by pkg-config {' '.join(more)}".strip()
            program = work / f"{source}-{'shared' if shared else 'static'}"
            # A linker takes the shared library where there are both: -Bstatic is how it is told.
            words = flags.split()
            if not shared:
                at = words.index("-lreprieve")
                words[at : at + 1] = ["-Wl,-Bstatic", "-lreprieve", "-Wl,-Bdynamic"]
            problem = problem or run([compiler, standard, *WARNINGS, HERE / "c-example" / source, "-o", program, *words], work)[0]
            env = {"LD_LIBRARY_PATH": str(prefix / "lib")} if shared else {}
            note(name, problem or says(program, work, **env) or linked(program, shared, work))
    return None


def test_driver(prefix, work):
    """The driver for libcurl is built with the package's header and libraries alone, and the two find each other: without a renewer it says what the library says of none."""
    if not shutil.which("cc") or not shutil.which("curl-config"):
        return skip("libcurl's driver", "a compiler, or libcurl's header (Debian: libcurl4-openssl-dev), is missing")
    drivers, source = prefix / "share" / "reprieve" / "drivers", work / "driver.c"
    source.write_text('''#include "reprieve_curl.h"
#include <stdio.h>
int main(void) {
    reprieve_curl *driver = reprieve_curl_new(NULL, NULL);
    printf("%s\\n", reprieve_status_str(reprieve_curl_step(driver, 0)));
    reprieve_curl_free(driver);
    return 0;
}
''')
    _, flags = run(["curl-config", "--cflags", "--libs"], work)
    command = ["cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", *WARNINGS, f"-I{prefix / 'include'}", f"-I{drivers}", source, drivers / "reprieve_curl.c"]
    problem, _ = run([*command, "-o", work / "driver", f"-L{prefix / 'lib'}", "-lreprieve", *flags.split()], work)
    problem, out = (problem, "") if problem else run([work / "driver"], work, LD_LIBRARY_PATH=str(prefix / "lib"))
    return note("libcurl's driver", problem or (None if out == "null_pointer\n" else out))


def test_mismatch(prefix, work):
    """A program that was built with the header of a newer ABI says which library it met, and what to do."""
    if not shutil.which("c++") or not shutil.which("cc"):
        return skip("a library that does not fit", "a compiler is missing")
    include = work / "newer"
    shutil.copytree(prefix / "include", include)
    header = include / "reprieve.h"
    header.write_text(re.sub(r"(REPRIEVE_ABI_VERSION_MINOR) (\d+)", lambda found: f"{found[1]} {int(found[2]) + 1}", header.read_text(), count=1))
    for source, compiler, wanted in (("frame.c", "cc", ["does not fit"]), ("outage.cpp", "c++", ["libreprieve.so.0 ", "has ABI version 0.", "built for 0.", "install"])):
        program = work / f"newer-{source}"
        command = [compiler, f"-I{include}", HERE / "c-example" / source, "-o", program, f"-L{prefix / 'lib'}", "-lreprieve"]
        problem, _ = run(command, work)
        if not problem:
            text, _ = run([program], work, LD_LIBRARY_PATH=str(prefix / "lib"))
            problem = None if text and all(part in text for part in wanted) else f"it said: {text}"
        note(f"{source} and a library that does not fit", problem)
    return None


def main():
    packages = sorted(OUT.glob("reprieve-c-*.tar.gz"))
    if len(packages) != 1:
        print(f"FAILED: {OUT} has {len(packages)} packages reprieve-c-*.tar.gz; scripts/package/c.sh makes it")
        print("c: 0 passed, 1 failed, 0 not run")
        return 1
    with tempfile.TemporaryDirectory(prefix="reprieve-package-") as folder:
        # Another name than the one that it was packed under, with a space in it: nothing must know where it lies.
        work = pathlib.Path(folder)
        with tarfile.open(packages[0]) as archive:
            archive.extractall(work)
        prefix = work / "moved to"
        (work / packages[0].name.removesuffix(".tar.gz")).rename(prefix)
        test_layout(prefix)
        test_cmake(prefix, work)
        plain = work / "prefix"
        prefix.rename(plain)
        test_pkg_config(plain, work)
        test_driver(plain, work)
        test_mismatch(plain, work)
    print(f"c: {len(passed)} passed, {len(failed)} failed, {len(skipped)} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
