#!/usr/bin/env python3
"""Runs the tests of all engines, `NAME/run.py` beside this file, and sums up what they count. Names as arguments pick some.

What is missing is installed first, by scripts/engines.sh. A test that cannot run here says `not run`, and is counted as such.
"""

import pathlib
import re
import subprocess
import sys
import time

import kit

HERE = pathlib.Path(__file__).resolve().parent
# Seconds that one engine may take on a slow machine, the building of its extension included.
LONGEST = 1800
COUNTED = re.compile(r"^[^\n:]+: (\d+) passed, (\d+) failed, (\d+) not run$", re.MULTILINE)


def main():
    # In the order of their names; the ones that take long may end the list early by their own limits only.
    found = sorted(path.parent.name for path in HERE.glob("*/run.py"))
    wanted = [name for name in found if name in sys.argv[1:]] if sys.argv[1:] else found
    unheard = sorted(set(sys.argv[1:]) - set(found))
    subprocess.run([kit.ROOT / "scripts" / "engines.sh"])
    sums, broken = [0, 0, 0], [f"{name}: there is no tests/engines/{name}/run.py" for name in unheard]
    for name in wanted:
        began = time.monotonic()
        print(f"\n== {name}", flush=True)
        try:
            ran = subprocess.run([sys.executable, HERE / name / "run.py"], env=kit.environment(REPRIEVE_LIB=str(kit.LIB)),
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST, errors="replace")
            out, code = ran.stdout, ran.returncode
        except subprocess.TimeoutExpired as late:
            out, code = (late.stdout or b"").decode(errors="replace"), f"none within {LONGEST} s"
        print(out, end="", flush=True)
        print(f"-- {name}: {time.monotonic() - began:.0f} s", flush=True)
        counts = COUNTED.findall(out)
        if counts:
            sums = [total + int(count) for total, count in zip(sums, counts[-1])]
        if code != 0 or not counts:
            broken.append(f"{name}: status {code}" + ("" if counts else ", and it counted nothing"))
            # A run that ended before it could count is one failure.
            sums[1] += 0 if counts and int(counts[-1][1]) else 1
    sums[1] += len(unheard)
    print("".join(f"\nFAILED {problem}" for problem in broken))
    print("engines: {} passed, {} failed, {} not run".format(*sums))
    return 1 if sums[1] or not sums[0] else 0


if __name__ == "__main__":
    sys.exit(main())
