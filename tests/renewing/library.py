"""The library with the feature `http`, which the tests build beside the one without."""

import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def http_library():
    """Its folder, the one that REPRIEVE_HTTP_LIB names or target/http: (path or None, problem or None)."""
    if os.environ.get("REPRIEVE_HTTP_LIB"):
        return pathlib.Path(os.environ["REPRIEVE_HTTP_LIB"]).resolve(), None
    cargo, target = shutil.which("cargo") or shutil.which(os.path.expanduser("~/.cargo/bin/cargo")), ROOT / "target" / "http"
    if not cargo:
        return None, "cargo is missing"
    command = [cargo, "build", "--quiet", "--locked", "--release", "-p", "reprieve-c", "--features", "http", "--target-dir", target]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800)
    return (target / "release", None) if done.returncode == 0 else (None, f"cargo build: {done.stdout[-4000:].decode(errors='replace')}")
