#!/usr/bin/env python3
"""Writes reprieve_cdef.lua from include/reprieve.h: what LuaJIT's FFI is told, the constants, and the words of the enumerations.

    generate.py            write it
    generate.py --check    fail if it is not what the header gives
"""

import hashlib
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
HEADER = os.path.join(HERE, "..", "..", "include", "reprieve.h")
OUT = os.path.join(HERE, "reprieve_cdef.lua")
# The families of constants that have words; a word is the constant's name behind the family, in small letters.
FAMILIES = ("access", "state", "reason", "clock", "ledger", "document", "refusal", "outage", "event", "upkeep", "task", "renewal", "failure", "outcome", "status")


def declarations(text):
    """The header's types and functions, without comments and preprocessor."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    # What is for C++ alone holds nothing but the linkage.
    text = re.sub(r"^#ifdef __cplusplus$.*?^#endif\b[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\bREPRIEVE_API\s+", "", text)
    found = []
    for statement in re.findall(r"[^;{}]+(?:\{[^}]*\}[^;]*)?;", text):
        found.append(re.sub(r"\s*\n\s*", "\n" if "{" in statement else " ", statement.strip()))
    left = re.sub(r"[^;{}]+(?:\{[^}]*\}[^;]*)?;", "", text).strip()
    if left:
        raise SystemExit(f"{HEADER}: this was not understood: {left!r}")
    return "\n".join(found)


def generated():
    with open(HEADER, encoding="utf-8") as file:
        header = file.read()
    cdef = declarations(header)
    constants = [(name, int(value)) for name, value in re.findall(r"^#define REPRIEVE_(\w+) (\d+)$", header, re.MULTILINE)]
    functions = re.findall(r"\b(reprieve_\w+)\(", cdef)
    # Names the declarations, so that a Lua state that has them is known.
    marker = "reprieve_cdef_" + hashlib.sha256(cdef.encode()).hexdigest()[:16]

    lines = ["-- Generated from include/reprieve.h by bindings/lua/generate.py; change it there.", "return {"]
    lines += [f'marker = "{marker}",', "cdef = [[", cdef, f"typedef int {marker};", "]],", "constants = {"]
    lines += [f"  {name} = {value}," for name, value in constants]
    lines += ["},", "functions = {"]
    lines += [f'  "{name}",' for name in functions]
    lines += ["},", "words = {"]
    for family in FAMILIES:
        prefix = family.upper() + "_"
        members = [(name[len(prefix):].lower(), value) for name, value in constants if name.startswith(prefix)]
        if family == "status":
            members.insert(0, ("ok", 0))
        lines.append(f"  {family} = {{ " + ", ".join(f'[{value}] = "{word}"' for word, value in members) + " },")
    return "\n".join([*lines, "},", "}", ""])


def main():
    text = generated()
    if "--check" in sys.argv[1:]:
        with open(OUT, encoding="utf-8") as file:
            if file.read() == text:
                return 0
        print(f"{os.path.relpath(OUT)} is not what the header gives: run bindings/lua/generate.py", file=sys.stderr)
        return 1
    with open(OUT, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
