"""threads.c under ThreadSanitizer: the library and the standard library built with it by a nightly compiler.

The standard library's source is needed: in a build without it the locks are not seen, and every use of what they guard is reported.
REPRIEVE_RUST_SRC names a folder that has it (the one with `std`), if the compiler has none of its own.
"""

import os
import pathlib
import shutil

from kit import HERE, INCLUDE, ROOT, cargo_tool, note, run, skip, tool

NAME = "threads under ThreadSanitizer"
TARGET = "x86_64-unknown-linux-gnu"


def source(sysroot):
    """(The folder of the standard library's source or None, what tells cargo of it)."""
    own = sysroot / "lib" / "rustlib" / "src" / "rust" / "library"
    named = os.environ.get("REPRIEVE_RUST_SRC")
    if (own / "std").is_dir():
        return own, {}
    # The variable by which cargo's own tests say where a source lies.
    return (pathlib.Path(named), {"__CARGO_TESTS_ONLY_SRC_ROOT": named}) if named else (None, {})


def test_tsan(work):
    gcc, rustc, cargo = tool("gcc"), cargo_tool("rustc"), cargo_tool("cargo")
    if not gcc or not rustc or not cargo or not shutil.which("setarch"):
        return skip(NAME, "gcc, cargo or setarch is missing")
    problem, out = run([rustc, "+nightly", "--print", "sysroot"])
    if problem:
        return skip(NAME, "no nightly compiler")
    sysroot = pathlib.Path(out.decode().strip())
    runtime = sysroot / "lib" / "rustlib" / TARGET / "lib" / "librustc-nightly_rt.tsan.a"
    where, told = source(sysroot)
    if where is None or not runtime.exists():
        return skip(NAME, "the nightly compiler lacks the standard library's source (rustup component add rust-src --toolchain nightly)")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "tsan"
    env = {"RUSTFLAGS": "-Zsanitizer=thread", "CARGO_TARGET_DIR": str(target), **told}
    command = [cargo, "+nightly", "build", "--quiet", "--locked", "-Zbuild-std=std,panic_unwind", "--target", TARGET, "-p", "reprieve-c"]
    problem = run(command, timeout=1800, env=env, cwd=ROOT)[0]
    if problem:
        return note(NAME, problem)
    folder = target / TARGET / "debug"
    # The runtime must be the compiler's own, as gcc's is older than what it calls.
    sanitized = [gcc, "-fsanitize=thread", "-std=c11", "-D_GNU_SOURCE", "-g", f"-I{INCLUDE}", "-c", HERE / "threads.c", "-o", work / "tsan.o"]
    linked = [gcc, work / "tsan.o", "-o", work / "tsan", "-Wl,--whole-archive", runtime, "-Wl,--no-whole-archive", "-rdynamic"]
    libraries = [f"-L{folder}", "-lreprieve", f"-Wl,-rpath,{folder}", "-lpthread", "-ldl", "-lm", "-lrt", "-lstdc++"]
    problem = run(sanitized)[0] or run([*linked, *libraries])[0]
    # Its shadow memory does not fit beside every random layout of a process.
    return note(NAME, problem or run(["setarch", "-R", work / "tsan"], timeout=600, env={"TSAN_OPTIONS": "halt_on_error=0 exitcode=66"})[0])
