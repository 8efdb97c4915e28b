#!/usr/bin/env python3
"""The ABI as the debug information tells it, against tests/abi/reprieve.abi: what abidiff calls a change is an error; additions are not.

Run as a program, this writes the baseline anew: do so after an addition, and after a change only together with a new ABI major number.
The baseline holds the exported functions and the types that they reach, and no path, so that other builds of the same ABI write the same.
"""

import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from kit import HERE, debug_library, failed, note, run, skip, tool

BASELINE = HERE / "reprieve.abi"
NAME = "the ABI is the baseline's"


def dump(library, out):
    """What abidw tells of a library, into a file: a problem or None."""
    problem, sections = run(["readelf", "-S", "--wide", library])
    if problem or b".debug_info" not in sections:
        return problem or f"{library} has no .debug_info: abidw would see names only"
    command = ["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", "--out-file", out, library]
    return run(command)[0]


def parts(corpus):
    """The types and functions of all units. Rust's modules show as namespaces, and are not part of the ABI."""
    left = [item for unit in reversed(corpus.findall("abi-instr")) for item in reversed(unit)]
    while left:
        item = left.pop()
        if item.tag == "namespace-decl":
            left.extend(reversed(item))
        else:
            yield item


def reduced(text):
    """A dump, but only of what is exported: functions and the types that they reach, one unit without a path, in a fixed order."""
    corpus = xml.fromstring(text)
    types, functions = {}, {}
    for item in parts(corpus):
        if item.tag == "function-decl" and item.get("elf-symbol-id"):
            functions[item.get("elf-symbol-id")] = item
        elif item.get("id"):
            types.setdefault(item.get("id"), item)
    # Types in the order in which functions, by name, meet them; numbered so too, as abidw counts the types of all of the library.
    order, left = {}, [functions[name] for name in sorted(functions, reverse=True)]
    while left:
        item = left.pop()
        for part in item.iter():
            name = part.get("type-id")
            if name in types and name not in order:
                order[name] = f"type-id-{len(order) + 1}"
                left.append(types[name])
    for unit in corpus.findall("abi-instr"):
        corpus.remove(unit)
    unit = xml.SubElement(corpus, "abi-instr", {"address-size": "64", "path": "bindings/c/src/lib.rs", "language": "LANG_Rust"})
    unit.extend([*(types[name] for name in order), *(functions[name] for name in sorted(functions))])
    for item in unit.iter():
        # Some types are written inside of others.
        if item.get("id"):
            order.setdefault(item.get("id"), f"type-id-{len(order) + 1}")
    for item in unit.iter():
        for key in ("id", "type-id"):
            if item.get(key):
                item.set(key, order[item.get(key)])
    xml.indent(corpus)
    return xml.tostring(corpus, encoding="unicode") + "\n"


def differs(old, new):
    """What abidiff says of two: (whether it is a change, its text). A failure of abidiff is an error here, never a change."""
    done = subprocess.run(["abidiff", "--no-added-syms", old, new], capture_output=True, timeout=600)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode not in (0, 4, 8, 12):
        raise RuntimeError(f"abidiff ended with {done.returncode}: {text}")
    return done.returncode != 0, text


def missing():
    lacking = [name for name in ("abidw", "abidiff", "readelf") if not tool(name)]
    return f"{' and '.join(lacking)} missing: Debian's abigail-tools and binutils have them" if lacking else None


def library_and_dump(folder):
    """The dump of this tree's library: (path or None, problem or None)."""
    library, problem = debug_library()
    if problem:
        return None, problem
    whole, small = folder / "whole.abi", folder / "small.abi"
    problem = dump(library, whole)
    if problem:
        return None, problem
    small.write_text(reduced(whole.read_text()))
    return small, None


def test_baseline(work):
    if why := missing():
        return skip(NAME, why)
    now, problem = library_and_dump(work)
    if problem:
        return note(NAME, problem)
    changed, text = differs(BASELINE, now)
    note(NAME, text + "\nan addition? then run tests/abi/baseline.py" if changed else None)

    # The gate is not blind: each of these changes to what was must be told.
    was = BASELINE.read_text()
    changes = {
        "a function that is gone": ("reprieve_version", "reprieve_version_old"),
        "a structure of another size": ("name='reprieve_answer' size-in-bits='192'", "name='reprieve_answer' size-in-bits='256'"),
        "a field that moved": ("data-member access='public' layout-offset-in-bits='64'", "data-member access='public' layout-offset-in-bits='96'"),
    }
    for name, (old, new) in changes.items():
        old, new = (part.replace("'", '"') for part in (old, new))
        altered = work / "altered.abi"
        altered.write_text(was.replace(old, new))
        blind = old not in was or not differs(altered, now)[0]
        note(f"abidiff sees {name}", f"abidiff did not tell {old} from {new}" if blind else None)
    grown = {line for line in now.read_text().splitlines() if "elf-symbol name" in line} - set(was.splitlines())
    return note("the baseline knows every export", "\n".join([*sorted(grown), "run tests/abi/baseline.py"]) if grown else None)


def main():
    if why := missing():
        print(f"not run: {why}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        now, problem = library_and_dump(pathlib.Path(folder))
        if problem:
            print(problem)
            return 1
        BASELINE.write_text(now.read_text())
    print(f"{BASELINE.relative_to(HERE.parent.parent)}: {len(BASELINE.read_text().splitlines())} lines")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
