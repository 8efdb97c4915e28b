"""Whether a wheel runs where its name says: audit.py WHEEL. Needs auditwheel and abi3audit, as scripts/platforms.sh installs them.

abi3audit looks for calls of Python's that are not in the stable ABI. Of a shared library, each symbol of a libc that it asks for is held
against the oldest release that the wheel's name promises.
"""

import os
import re
import subprocess
import sys


def main():
    wheel = sys.argv[1]
    name = os.path.basename(wheel)
    bin_folder = os.path.dirname(sys.executable)
    env = dict(os.environ, PATH=bin_folder + os.pathsep + os.environ["PATH"])
    audit = subprocess.run([os.path.join(bin_folder, "abi3audit"), "--strict", "--report", wheel], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    if audit.returncode:
        print(f"{name}: abi3audit: {audit.stdout}")
        return 1
    show = subprocess.run([os.path.join(bin_folder, "auditwheel"), "show", wheel], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    text = " ".join(show.stdout.split())
    promised = re.search(r"manylinux\d+|(?:many|musl)linux_\d+_\d+", name)[0]
    found = re.search(r'consistent with the following platform tag: "(\w+)"', text)
    # manylinux2014 is manylinux_2_17: auditwheel says the second.
    same = {"manylinux2014": "manylinux_2_17"}.get(promised, promised)
    if show.returncode or found is None or re.match(r"\D+_\d+_\d+", found[1])[0] != same:
        print(f"{name}: auditwheel: it is named for {promised}, and is {found[1] if found else show.stdout}")
        return 1
    print(f"{name}: abi3audit and auditwheel find it to be what its name says ({found[1]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
