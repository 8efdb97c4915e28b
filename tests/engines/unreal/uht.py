#!/usr/bin/env python3
"""What UnrealHeaderTool would refuse, by rules: uht.py SOURCE-FOLDER GENERATED-FOLDER. Prints what is wrong, and writes for each header that has reflected types the
`.generated.h` that the stub engine needs. The tool itself cannot be had here; the rules are those of its documentation
(https://dev.epicgames.com/documentation/en-us/unreal-engine/reflection-system-in-unreal-engine, .../unreal-engine-uproperties, .../ufunctions-in-unreal-engine,
.../structs-in-unreal-engine)."""

import pathlib
import re
import sys

BASE = {"int32", "int64", "uint8", "float", "double", "FString", "FName", "FText", "FDateTime", "FTimespan", "FColor", "FLinearColor", "FVector", "FGuid", "UObject*", "void"}
# Legal as properties, but not where Blueprint sees them.
NOT_BLUEPRINT = {"uint32", "uint64", "int8", "int16", "uint16"}
MACRO = re.compile(r"\b(UPROPERTY|UFUNCTION|UCLASS|USTRUCT|UENUM)\(")


def closing(text, at):
    """The index behind the bracket that closes the one at `at`."""
    depth = 0
    for index in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    raise ValueError("a bracket is never closed")


def plain(text):
    """Without comments, which keep their lines."""
    text = re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found[0]), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def split(text):
    parts, depth, part = [], 0, ""
    for char in text:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    return [part.strip() for part in parts + [part] if part.strip()]


class Header:
    def __init__(self, path, known):
        self.path, self.known, self.problems, self.bodies, self.current = path, known, [], {}, (None, "a class")
        self.text = plain(path.read_text(encoding="utf-8"))
        if not MACRO.search(self.text):
            return
        self.includes()
        self.walk()
        self.delegates()

    def wrong(self, at, what):
        self.problems.append(f"{self.path.name}:{self.text.count(chr(10), 0, at) + 1}: {what}")

    def includes(self):
        found = list(re.finditer(r'^#include "([^"]+)"|^#include <([^>]+)>', self.text, re.MULTILINE))
        own = f"{self.path.stem}.generated.h"
        if not found or found[-1][1] != own or sum(one[1] == own for one in found) != 1:
            self.wrong(found[-1].start() if found else 0, f"{own} is not the last include")
        if "#pragma once" not in self.text:
            self.wrong(0, "no #pragma once")

    def good(self, kind, blueprint, where, at):
        """Whether a type can be reflected."""
        kind = re.sub(r"\s+", " ", kind.replace("const ", "").replace("&", "").replace(" *", "*")).strip()
        container = re.fullmatch(r"(TArray|TSet|TMap|TObjectPtr|TSubclassOf|TSoftObjectPtr)<(.*)>", kind)
        if container:
            inner = split(container[2])
            if container[1] in ("TArray", "TSet", "TMap") and any(one.startswith(("TArray", "TMap", "TSet")) for one in inner):
                self.wrong(at, f"{where}: a container in a container is not supported: {kind}")
            for one in inner:
                self.good(one, blueprint, where, at)
        elif kind in NOT_BLUEPRINT:
            if blueprint:
                self.wrong(at, f"{where}: {kind} is not supported by Blueprint")
        elif kind not in BASE and kind != "bool" and kind not in self.known and kind.rstrip("*") not in self.known:
            self.wrong(at, f"{where}: `{kind}` is no type that can be reflected")

    def walk(self):
        seen = {}
        for found in MACRO.finditer(self.text):
            end = closing(self.text, found.end() - 1)
            specifiers, rest = self.text[found.end():end - 1], self.text[end:]
            getattr(self, found[1].lower())(found.start(), specifiers, rest, seen)

    def uenum(self, at, specifiers, rest, seen):
        found = re.match(r"\s*enum class (\w+)\s*:\s*(\w+)", rest)
        if not found or not found[1].startswith("E") or ("BlueprintType" in specifiers and found[2] != "uint8"):
            self.wrong(at, "an enumeration for Blueprint is `enum class E... : uint8`")

    def body(self, at, rest, pattern, prefix, what):
        found = re.match(pattern, rest)
        if not found or not found[2].startswith(prefix):
            self.wrong(at, f"{what} is not called {prefix[0]}...")
            return
        self.current = (found[2], what)
        brace = rest.index("{", found.end())
        inside = re.match(r"\{\s*GENERATED_BODY\(\)", rest[brace:])
        if not inside:
            self.wrong(at, f"{found[2]} does not begin with GENERATED_BODY()")
            return
        line = self.text.count("\n", 0, at + len(self.text[at:]) - len(rest) + brace + inside.end()) + 1
        base = re.search(r":\s*public (\w+)", rest[found.end():brace])
        self.bodies[line] = (base[1] if base else None, what)

    def ustruct(self, at, specifiers, rest, seen):
        seen.clear()
        self.body(at, rest, r"\s*struct (\w+_API )?(\w+)", ("F",), "a struct")

    def uclass(self, at, specifiers, rest, seen):
        seen.clear()
        self.body(at, rest, r"\s*class (\w+_API )?(\w+)", ("U", "A"), "a class")

    def access(self, at):
        before = self.text.rfind("GENERATED_BODY", 0, at)
        found = re.findall(r"^(public|protected|private):", self.text[before:at], re.MULTILINE)
        return found[-1] if found else ("public" if self.current[1] == "a struct" else "private")

    def uproperty(self, at, specifiers, rest, seen):
        found = re.match(r"\s*([\w:<>,\s*]+?[\s*>&])(\w+)\s*(=[^;]*)?;", rest)
        if not found:
            self.wrong(at, "a property that cannot be read")
            return
        kind, name = found[1].strip(), found[2]
        blueprint = "Blueprint" in specifiers
        self.good(kind, blueprint, name, at)
        if kind == "bool" and not re.match(r"b[A-Z]", name):
            self.wrong(at, f"{name}: a bool is called b...")
        if blueprint and "BlueprintAssignable" not in specifiers and "Category" not in specifiers:
            self.wrong(at, f"{name}: what Blueprint sees needs a Category")
        if kind in self.known and self.known[kind] == "delegate" and "BlueprintAssignable" not in specifiers:
            self.wrong(at, f"{name}: a delegate is BlueprintAssignable")
        if ("BlueprintReadOnly" in specifiers or "BlueprintReadWrite" in specifiers) and self.access(at) == "private" and "AllowPrivateAccess" not in specifiers:
            self.wrong(at, f"{name}: Blueprint cannot read what is private")
        if name in seen:
            self.wrong(at, f"{name} is there twice")
        seen[name] = "property"
        self.conditional(at, name)

    def ufunction(self, at, specifiers, rest, seen):
        found = re.match(r"\s*(static |virtual )?([\w:<>,\s*&]+?[\s*>&])(\w+)\(", rest)
        if not found:
            self.wrong(at, "a function that cannot be read")
            return
        result, name = found[2].strip(), found[3]
        arguments = rest[found.end():closing(rest, found.end() - 1) - 1]
        self.good(result, True, name, at)
        outs = [part for part in split(arguments) if "&" in part and not part.startswith("const ")]
        if "BlueprintPure" in specifiers and result == "void" and not outs:
            self.wrong(at, f"{name}: pure, and gives nothing")
        if "Blueprint" in specifiers and "Category" not in specifiers:
            self.wrong(at, f"{name}: what Blueprint sees needs a Category")
        if name in seen:
            self.wrong(at, f"{name}: there is another function or property of this name")
        if "WorldContext" in specifiers and not re.search(r'WorldContext\s*=\s*"(\w+)"', specifiers)[1] in arguments:
            self.wrong(at, f"{name}: no parameter is the WorldContext")
        for part in split(arguments):
            argument = re.match(r"(.+?[\s*&>])(\w+)(\s*=\s*(.+))?$", part)
            if not argument:
                self.wrong(at, f"{name}: the parameter `{part}` cannot be read")
                continue
            self.good(argument[1], True, f"{name}, {argument[2]}", at)
            if argument[4] and not re.fullmatch(r'[-\d.f]+|true|false|TEXT\("[^"]*"\)|""', argument[4]):
                self.wrong(at, f"{name}: a default of a parameter is a plain value")
            if seen.get(argument[2]) == "property":
                self.wrong(at, f"{name}: the parameter {argument[2]} hides a property")
        seen[name] = "function"
        self.conditional(at, name)

    def conditional(self, at, name):
        depth = len(re.findall(r"^#if", self.text[:at], re.MULTILINE)) - len(re.findall(r"^#endif", self.text[:at], re.MULTILINE))
        if depth and "WITH_EDITORONLY_DATA" not in self.text[:at]:
            self.wrong(at, f"{name} stands under #if, which the tool does not see through")

    def delegates(self):
        for found in re.finditer(r"DECLARE_DYNAMIC_MULTICAST_DELEGATE(\w*)\(([^)]*)\)", self.text):
            parts = split(found[2])
            count = {"": 0, "_OneParam": 1, "_TwoParams": 2, "_ThreeParams": 3, "_FourParams": 4}.get(found[1])
            if count is None or len(parts) != 1 + 2 * count or not parts[0].startswith("F"):
                self.wrong(found.start(), f"the delegate {parts[0]} is not declared rightly")
            for at in range(1, len(parts), 2):
                self.good(parts[at], True, parts[0], found.start())

    def generated(self):
        """As the tool writes it: a macro for the line of each body, the file's own name before it. A class's ends in private."""
        name = re.sub(r"\W", "_", self.path.stem)
        lines = ["#pragma once", "#undef CURRENT_FILE_ID", f"#define CURRENT_FILE_ID FID_{name}_h"]
        for line, (base, what) in self.bodies.items():
            body = f"public: typedef {base} Super; private:" if base and what == "a class" else ""
            lines.append(f"#define FID_{name}_h_{line}_GENERATED_BODY {body}")
        return "\n".join(lines) + "\n"


def known(headers):
    """Types that are declared with a macro, in any header."""
    types = {}
    for path in headers:
        text = plain(path.read_text(encoding="utf-8"))
        for found in re.finditer(r"\b(?:UENUM|USTRUCT|UCLASS)\([^{;]*?\b(?:enum class|struct|class) (?:\w+_API )?(\w+)", text):
            types[found[1]] = "type"
        for found in re.finditer(r"DECLARE_DYNAMIC_MULTICAST_DELEGATE\w*\((\w+)", text):
            types[found[1]] = "delegate"
    return types


def check(source, generated):
    headers = sorted(pathlib.Path(source).rglob("*.h"))
    headers = [path for path in headers if "ThirdParty" not in path.parts]
    types, problems, reflected = known(headers), [], 0
    for path in headers:
        header = Header(path, types)
        problems += header.problems
        if MACRO.search(header.text):
            reflected += 1
            (pathlib.Path(generated) / f"{path.stem}.generated.h").write_text(header.generated(), encoding="utf-8")
    return problems, reflected


if __name__ == "__main__":
    found, count = check(sys.argv[1], sys.argv[2])
    print("\n".join(found) or f"{count} headers, nothing wrong")
    sys.exit(1 if found else 0)
