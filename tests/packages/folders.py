#!/usr/bin/env python3
"""No package names a folder of the machine that built it. The last line counts.

    tests/packages/folders.py PACKAGES
"""

import os
import pathlib
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CARGO = os.environ.get("CARGO_HOME") or str(pathlib.Path.home() / ".cargo")
NAMED = [f"{folder}/".encode() for folder in (ROOT, f"{CARGO}/registry")]


def files(package):
    """The names and bytes of what it holds."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist())
    else:
        with tarfile.open(package) as archive:
            yield from ((one.name, archive.extractfile(one).read()) for one in archive if one.isfile())


def main():
    passed = failed = 0
    for package in sorted(path for path in pathlib.Path(sys.argv[1]).rglob("*") if path.suffix in (".gz", ".tgz", ".whl", ".zip", ".nupkg")):
        wrong = [f"{name}: {folder.decode()}" for name, data in files(package) for folder in NAMED if folder in data]
        print(f"{'FAILED' if wrong else 'ok'} {package.name} names no folder of this machine", *wrong[:5], sep="\n  " if wrong else "")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    if not passed + failed:
        print(f"FAILED there is no package in {sys.argv[1]}")
        failed = 1
    print(f"folders: {passed} passed, {failed} failed, 0 not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
