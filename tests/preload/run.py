#!/usr/bin/env python3
"""A shim that is preloaded and freezes or turns back every clock of libc changes no decision."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
LIB = os.environ.get("REPRIEVE_LIB", os.path.join(ROOT, "target", "release"))


def main():
    if not sys.platform.startswith("linux") or shutil.which("cc") is None:
        print("not run: needs Linux and a C compiler")
        print("preload: 0 passed, 0 failed, 3 not run")
        return 0
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        product = os.path.join(folder, "product")
        subprocess.run(["cc", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", os.path.join(HERE, "product.c"), "-o", product,
                        "-I", os.path.join(ROOT, "include"), "-L", LIB, "-lreprieve", f"-Wl,-rpath,{LIB}"], check=True)
        for name, flags in (("none", None), ("freeze", ["-DFREEZE"]), ("back", [])):
            env = dict(os.environ)
            if flags is not None:
                shim = os.path.join(folder, f"{name}.so")
                subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", *flags,
                                os.path.join(HERE, "shim.c"), "-o", shim], check=True)
                env["LD_PRELOAD"] = shim
            now = time.time()
            output = subprocess.run([product, os.path.join(folder, f"drill-{name}")], env=env, check=True,
                                    stdout=subprocess.PIPE, text=True).stdout
            libc, first, second, clock = output.split()
            fooled = abs(float(libc) - now) > 600
            right = abs(float(first) - now) < 30 and 0.04 < float(second) - float(first) < 30 and clock == "ok"
            # The test is one only if the shim does fool libc.
            if right and fooled == (flags is not None):
                passed += 1
            else:
                print(f"FAILED {name}: libc, first and second check, clock: {output.strip()}; it is {now}")
                failed += 1
    print(f"preload: {passed} passed, {failed} failed, 0 not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
