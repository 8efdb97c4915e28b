#!/usr/bin/env python3
"""Takes the Python packages from a folder (build/packages), installs them into clean environments, and uses them as a new user would.

    tests/packages/python.py [FOLDER]

The wheel goes into a fresh environment of each CPython at hand, with no index; the source distribution is built in a clean folder, with
what cargo has fetched already. With REPRIEVE_SOAK it is built as pip builds it, optimised; otherwise without, which is quicker.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PYTHON = os.environ.get("PYTHON", os.path.join(ROOT, "build", "venv", "bin", "python"))
MOST = 1_500_000
# Of the tree and of whoever runs this nothing is seen but cargo's and rustup's caches.
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "REPRIEVE", "LD_", "VIRTUAL_ENV", "MYPY"))}
CLEAN.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INDEX="1", PIP_NO_CACHE_DIR="1")

counts = {"passed": 0, "failed": 0, "not run": 0}


def done(name, began=None):
    counts["passed"] += 1
    print(f"ok       {name}" + (f" ({time.monotonic() - began:.1f} s)" if began is not None else ""), flush=True)


def failed(name, why):
    counts["failed"] += 1
    print(f"FAILED   {name}: {why}", flush=True)


def not_run(name, why):
    counts["not run"] += 1
    print(f"not run  {name}: {why}", flush=True)


def expect(name, holds, why=""):
    if holds:
        done(name)
    else:
        failed(name, why)
    return holds


def call(name, command, cwd, says=None, code=0, **more):
    """Runs a command in a clean environment; gives its output, or None if it is not as it is to be."""
    began = time.monotonic()
    try:
        ran = subprocess.run(command, cwd=cwd, env=dict(CLEAN, **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        return failed(name, error)
    if ran.returncode != code or (says is not None and says not in ran.stdout):
        return failed(name, f"exit code {ran.returncode}\n{ran.stdout}")
    done(name, began)
    return ran.stdout


def environment(python, folder):
    """A fresh environment of an interpreter, with nothing in it: pip works on it from outside."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, env=CLEAN, stdout=subprocess.PIPE)
    return os.path.join(folder, "bin", "python")


def use(title, python, wheel, folder):
    """Installs a wheel and uses it, in a folder of its own."""
    os.makedirs(folder)
    there = environment(python, os.path.join(folder, "venv"))
    pip = [PYTHON, "-m", "pip", "--python", there, "install", "--quiet", "--no-deps", wheel]
    if call(f"{title}: install", pip, folder) is None:
        return
    sample = shutil.copy(os.path.join(HERE, "sample.py"), folder)
    drill = os.path.join(folder, "drill")
    said = call(f"{title}: the sample", [there, "-X", "dev", "-W", "error", sample, drill], folder, "sample ok")
    if said is not None and os.path.join(folder, "venv") not in said:
        failed(title, f"another package was used: {said}")
    main = [there, "-W", "error", "-m", "reprieve"]
    said = call(f"{title}: python -m reprieve version", [*main, "version", "--json"], folder)
    if said is not None:
        expect(f"{title}: it is the wheel's version", json.loads(said)["version"] == os.path.basename(wheel).split("-")[1], said)
    call(f"{title}: python -m reprieve check", [*main, "check", "cad", "core", "--drill", drill], folder, "core: full, licensed")
    call(f"{title}: python -m reprieve verify", [*main, "verify", "--drill", drill], folder, "nothing is wrong")
    return there


def the_wheel(wheel):
    size = os.path.getsize(wheel)
    expect(f"the wheel has at most {MOST:,} bytes: {size:,}", size <= MOST, size)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        extension = [archive.getinfo(name).file_size for name in names if name.endswith(".so")]
    wanted = ("reprieve/py.typed", "reprieve/_reprieve.pyi", "reprieve/_reprieve.abi3.so", "licenses/LICENSE-MIT",
              "licenses/LICENSE-APACHE", ".dist-info/METADATA")
    lacks = [name for name in wanted if not any(found.endswith(name) for found in names)]
    expect(f"the wheel is whole: {len(names)} files, its extension has {extension[0]:,} bytes", not lacks, lacks)
    tag = os.path.basename(wheel)[:-len(".whl")].split("-", 2)[2]
    expect(f"its tag: {tag}", tag.startswith("cp38-abi3-") and "manylinux" in tag if sys.platform == "linux" else "abi3" in tag, tag)


def others():
    """One interpreter for each other CPython of 3.8 and later."""
    mine, found = sys.version_info[:2], {}
    candidates = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python")))
    candidates += [path for minor in range(8, 20) for path in [shutil.which(f"python3.{minor}")] if path]
    for python in candidates:
        try:
            said = subprocess.run([python, "-c", "import sys, venv; print(*sys.version_info[:2])"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, timeout=60, env=CLEAN).stdout.split()
        except (OSError, subprocess.TimeoutExpired):
            continue
        version = tuple(map(int, said)) if len(said) == 2 else (0, 0)
        if version >= (3, 8) and version != mine:
            found.setdefault(version, python)
    return sorted(found.items())


def the_source(sdist, folder):
    os.makedirs(folder)
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    lacks = {"Cargo.lock", "Cargo.toml", "LICENSE-MIT", "LICENSE-APACHE", "PKG-INFO", "pyproject.toml", "reprieve/py.typed"} - names
    expect(f"the source distribution is whole: {len(names)} files, {os.path.getsize(sdist):,} bytes", not lacks, lacks)
    strange = [name for name in names if name.startswith((".ci", "bindings", "demo", "docs", "benches", "fuzz"))]
    expect("and has nothing of the other languages", not strange, strange)
    if shutil.which("cargo") is None or subprocess.run([PYTHON, "-c", "import maturin"], stderr=subprocess.DEVNULL).returncode:
        return not_run("the source distribution, built", "it needs cargo and, in the environment, maturin")
    how = {} if os.environ.get("REPRIEVE_SOAK") else {"MATURIN_PEP517_ARGS": "--profile dev"}
    build = [PYTHON, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, sdist]
    path = os.pathsep.join([os.path.dirname(PYTHON), os.environ["PATH"]])
    target = os.path.join(folder, "target")
    if call("the source distribution, built in a clean folder", build, folder, CARGO_TARGET_DIR=target, CARGO_NET_OFFLINE="true", PATH=path,
            **how) is None:
        return
    [wheel] = glob.glob(os.path.join(folder, "*.whl"))
    shutil.rmtree(target, ignore_errors=True)
    use("the source distribution", PYTHON, wheel, os.path.join(folder, "use"))


def main():
    out = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "packages"))
    # The one for Windows, where its tools are at hand, is looked at by tests/windows/package.py.
    wheels = [wheel for wheel in glob.glob(os.path.join(out, "reprieve-*-abi3-*.whl")) if "-win_" not in os.path.basename(wheel)]
    sdists = glob.glob(os.path.join(out, "reprieve-[0-9]*.tar.gz"))
    with tempfile.TemporaryDirectory() as folder:
        if expect("one wheel and one source distribution", (len(wheels), len(sdists)) == (1, 1), f"{out}: {wheels} {sdists}"):
            the_wheel(wheels[0])
            there = use("the wheel", PYTHON, wheels[0], os.path.join(folder, "wheel"))
            if subprocess.run([PYTHON, "-c", "import mypy"], stderr=subprocess.DEVNULL).returncode:
                not_run("mypy --strict, the sample", "mypy is missing")
            elif there is not None:
                cache = os.path.join(folder, "mypy")
                call("mypy --strict, the sample", [PYTHON, "-m", "mypy", "--strict", "--python-executable", there, "--cache-dir", cache,
                                                  "sample.py"], os.path.join(folder, "wheel"), "no issues found")
            found = others()
            for version, python in found:
                title = "CPython %d.%d" % version
                use(title, python, wheels[0], os.path.join(folder, title))
            if not found:
                not_run("other CPythons", "none from 3.8 on was found")
            the_source(sdists[0], os.path.join(folder, "source"))
    print("python: {passed} passed, {failed} failed, {not run} not run".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
