"""Writes each Python example of pages to a file of its own: python examples.py FOLDER PAGE... Prints how many there are."""

import pathlib
import re
import sys


def main(folder: str, *pages: str) -> None:
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for old in pathlib.Path(folder).glob("*.py"):
        old.unlink()
    count = 0
    for page in pages:
        for code in re.findall(r"^```python\n(.*?)^```$", pathlib.Path(page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            count += 1
            name = "{}_{}.py".format(pathlib.Path(page).parent.name + "_" + pathlib.Path(page).stem.lower(), count)
            pathlib.Path(folder, re.sub(r"\W(?!py$)", "_", name)).write_text(code, encoding="utf-8")
    print(count, "examples")


if __name__ == "__main__":
    main(*sys.argv[1:])
