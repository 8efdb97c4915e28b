#!/usr/bin/env python3
"""The Unreal plugin on a stub engine: checked by UnrealHeaderTool's rules, compiled as C++17 and C++20 with warnings as errors, and run with the real native library;
and the plugin's layout. REPRIEVE_LIB: the folder of the native library.

Unreal Engine itself is not part of this: see docs/unreal.md for what was never run."""

import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import kit  # noqa: E402
import servers  # noqa: E402
from kit import LIB, ROOT, said as call  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-Wall", "-Wextra", "-Wshadow", "-Werror", "-O1", "-g"]
counts = kit.Counts("unreal")
check, skip = counts.note, counts.skip


# The plugin as it is handed out.

def layout(work):
    out = work / "out"
    env = dict(os.environ, REPRIEVE_PACKAGE_LIBRARY=str(LIB / "libreprieve.so"))
    code, said = call(ROOT / "scripts" / "package" / "unreal.sh", out, env=env, seconds=1200)
    if not check("the plugin is made", said if code else None):
        return None
    told = json.loads((ROOT / "bindings" / "unreal" / "Reprieve.uplugin").read_text(encoding="utf-8"))
    workspace = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
    check("its version is the workspace's", None if told["VersionName"] == workspace else f"{told['VersionName']} is not {workspace}")
    archive = out / f"Reprieve-Unreal-{workspace}.zip"
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
        packed.extractall(work)
    check("all of it lies in one folder", [name for name in names if not name.startswith("Reprieve/")])
    plugin = work / "Reprieve"
    wanted = ["Reprieve.uplugin", "README.md", "LICENSE.md", "CHANGELOG.md", "Docs/unreal.md", "Config/FilterPlugin.ini", "Resources/Icon128.png", "Resources/Outpost/outpost.json",
              "Resources/Outpost/words.txt", "Source/Reprieve/Reprieve.Build.cs", "Source/Reprieve/Public/ReprieveSubsystem.h", "Source/ReprieveOutpost/ReprieveOutpost.Build.cs",
              "Source/ThirdParty/ReprieveLibrary/ReprieveLibrary.Build.cs", "Source/ThirdParty/ReprieveLibrary/include/reprieve.h", "Source/ThirdParty/ReprieveLibrary/Linux/libreprieve.so"]
    check("it holds what a plugin holds", [name for name in wanted if not (plugin / name).is_file()])
    check("each module of the .uplugin has its rules and its files",
          [module["Name"] for module in told["Modules"] if not (plugin / "Source" / module["Name"] / f"{module['Name']}.Build.cs").is_file()
           or not list((plugin / "Source" / module["Name"] / "Private").glob("*.cpp"))])
    check("the .uplugin says what the engine asks", [key for key in ("FileVersion", "Version", "VersionName", "FriendlyName", "Description", "Category", "CreatedBy", "Modules") if key not in told])
    for name, text in ((path, path.read_text(encoding="utf-8")) for path in plugin.rglob("*.Build.cs")):
        own = name.name.split(".")[0]
        fits = re.search(rf"public class {own} : ModuleRules\s*{{\s*public {own}\(ReadOnlyTargetRules Target\) : base\(Target\)", text)
        check(f"{name.name} is a module's rules, and its brackets close", None if fits and text.count("{") == text.count("}") and text.count("(") == text.count(")") else "it is not")
    check("the external module is external", None if "Type = ModuleType.External;" in (plugin / wanted[12]).read_text(encoding="utf-8") else "it is not")
    modules = {module["Name"] for module in told["Modules"]} | {"ReprieveLibrary"}
    engine = {"Core", "CoreUObject", "Engine", "DeveloperSettings", "Projects", "HTTP"}
    used = {name for path in plugin.rglob("*.Build.cs") for line in re.findall(r"DependencyModuleNames\.AddRange\((.*?)\)", path.read_text(encoding="utf-8")) for name in re.findall(r'"(\w+)"', line)}
    check("each module that is named is the engine's or the plugin's", sorted(used - modules - engine))
    icon = (plugin / "Resources" / "Icon128.png").read_bytes()
    check("the icon is a PNG of 128 by 128", None if icon[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", icon[16:24]) == (128, 128) else "it is not")
    machine = [name for name in names if not name.endswith((".so", ".png")) and re.search(rb"/home/|/root/|" + re.escape(str(ROOT)).encode() + rb"/", (work / name).read_bytes())]
    check("no path of the machine that built it in a text", machine)
    check("no path is too long for the store", [name for name in names if len(name) > 140])
    again = work / "again"
    call(ROOT / "scripts" / "package" / "unreal.sh", again, env=env, seconds=1200)
    check("the same bytes from the same tree", None if (again / archive.name).read_bytes() == archive.read_bytes() else "they differ")
    return plugin


# Compiling.

def headers(plugin, work):
    """The engine's headers by their names, each the stub; and what the header tool writes."""
    generated = work / "generated"
    generated.mkdir()
    sources = [path for path in (plugin / "Source").rglob("*") if path.suffix in (".h", ".cpp") and "ThirdParty" not in path.parts] + [HERE / "program.cpp"]
    own = {path.name for path in sources}
    for path in sources:
        for name in re.findall(r'^#include "([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
            if name not in own and not name.endswith(".generated.h") and name != "reprieve.h":
                (generated / name).parent.mkdir(parents=True, exist_ok=True)
                (generated / name).write_text('#include "Unreal.h"\n', encoding="utf-8")
    sys.path.insert(0, str(HERE))
    import uht
    problems, reflected = uht.check(plugin / "Source", generated)
    check("the header tool's rules", problems)
    check("there are reflected headers", None if reflected else "none")
    rules(uht, work)
    return generated


BAD = {
    "a bool without its b": "USTRUCT(BlueprintType)\nstruct FX\n{\n\tGENERATED_BODY()\n\tUPROPERTY(BlueprintReadOnly, Category = \"X\")\n\tbool On = false;\n};\n",
    "a type that Blueprint has not": "USTRUCT(BlueprintType)\nstruct FX\n{\n\tGENERATED_BODY()\n\tUPROPERTY(BlueprintReadOnly, Category = \"X\")\n\tuint32 On = 0;\n};\n",
    "a type of the C++ library": "USTRUCT(BlueprintType)\nstruct FX\n{\n\tGENERATED_BODY()\n\tUPROPERTY()\n\tstd::string On;\n};\n",
    "a struct without a body": "USTRUCT(BlueprintType)\nstruct FX\n{\n\tUPROPERTY(BlueprintReadOnly, Category = \"X\")\n\tint32 On = 0;\n};\n",
    "no category": "USTRUCT(BlueprintType)\nstruct FX\n{\n\tGENERATED_BODY()\n\tUPROPERTY(BlueprintReadOnly)\n\tint32 On = 0;\n};\n",
    "a wide enumeration": "UENUM(BlueprintType)\nenum class EX : uint32\n{\n\tOne,\n};\n",
    "a pure function that gives nothing": "UCLASS()\nclass UX : public UObject\n{\n\tGENERATED_BODY()\npublic:\n\tUFUNCTION(BlueprintPure, Category = \"X\")\n\tvoid Nothing();\n};\n",
    "a private property": "UCLASS()\nclass UX : public UObject\n{\n\tGENERATED_BODY()\n\tUPROPERTY(BlueprintReadOnly, Category = \"X\")\n\tint32 On = 0;\n};\n",
}


def rules(uht, work):
    """Each rule refuses what it is there for."""
    for name, text in BAD.items():
        folder = work / "bad"
        folder.mkdir()
        (folder / "X.h").write_text('#pragma once\n#include "CoreMinimal.h"\n#include "X.generated.h"\n' + text, encoding="utf-8")
        problems, _ = uht.check(folder, folder)
        check(f"the rules refuse {name}", None if len(problems) == 1 else f"{problems}")
        shutil.rmtree(folder)
    (work / "bad").mkdir()
    (work / "bad" / "X.h").write_text('#pragma once\n#include "X.generated.h"\n#include "CoreMinimal.h"\nUENUM(BlueprintType)\nenum class EX : uint8\n{\n\tOne,\n};\n', encoding="utf-8")
    check("the rules refuse a generated header that is not last", None if uht.check(work / "bad", work / "bad")[0] else "it is not refused")


def compile_all(plugin, generated, out, compiler, standard, extra=()):
    source = plugin / "Source"
    paths = [generated, HERE / "stubs", source / "ThirdParty" / "ReprieveLibrary" / "include", source / "Reprieve" / "Public", source / "Reprieve" / "Private", source / "ReprieveOutpost" / "Public"]
    files = [*sorted((source / "Reprieve" / "Private").glob("*.cpp")), *sorted((source / "ReprieveOutpost" / "Private").glob("*.cpp")), HERE / "program.cpp"]
    if "-fsyntax-only" in extra:
        code, said = call(compiler, f"-std={standard}", *FLAGS, *extra, *[f"-I{path}" for path in paths], *files, seconds=600)
        return said[:2000] if code else None
    running = [(file, subprocess.Popen([compiler, f"-std={standard}", *FLAGS, *extra, "-c", *[f"-I{path}" for path in paths], str(file), "-o", str(out / f"{file.stem}.o")],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)) for file in files]
    said = [(file.name, process.communicate()[0].decode(errors="replace"), process.returncode) for file, process in running]
    bad = [f"{name}: {text[:2000]}" for name, text, code in said if code]
    if bad:
        return "\n".join(bad)
    code, text = call(compiler, *extra, *[out / f"{file.stem}.o" for file in files], "-o", out / "program", "-lpthread", "-ldl")
    if code:
        return text
    # Nothing of the library is linked: an editor without it starts.
    code, text = call("nm", "-u", out / "program")
    linked = re.findall(r"\breprieve_\w+", text)
    return f"these are linked, and not looked up: {linked}" if linked else None


def together(plugin, generated, work):
    """All files of a module in one, as the engine compiles them: no name of one file may stand in another's way."""
    source = plugin / "Source"
    paths = [generated, HERE / "stubs", source / "ThirdParty" / "ReprieveLibrary" / "include", source / "Reprieve" / "Public", source / "Reprieve" / "Private"]
    one = work / "together.cpp"
    one.write_text("".join(f'#include "{file}"\n' for file in sorted((source / "Reprieve" / "Private").glob("*.cpp"))), encoding="utf-8")
    code, said = call("g++", "-std=c++20", *FLAGS, "-fsyntax-only", *[f"-I{path}" for path in paths], one)
    check("all files of the module in one", said[:2000] if code else None)


def broken(run, plugin, work):
    cases = [("the native library is missing", None, None, ("is missing", "put it there")),
             ("a library of another ABI version", "unsigned reprieve_abi_version(void) { return 9u << 16; }", "cc", ("ABI version 9.0", "update the older")),
             ("a library that is none of Reprieve's", "int something(void) { return 1; }", "cc", ("none of Reprieve's",)),
             ("a library that lacks a function", "unsigned reprieve_abi_version(void) { return 1; }", "cc", ("has no function reprieve_version",)),
             ("a library for another processor", "unsigned reprieve_abi_version(void) { return 1; }", shutil.which("aarch64-linux-gnu-gcc"), ("cannot be loaded", "another processor"))]
    for number, (name, source, compiler, words) in enumerate(cases):
        other = work / f"broken-{number}"
        shutil.copytree(plugin, other)
        library = other / "Source" / "ThirdParty" / "ReprieveLibrary" / "Linux" / "libreprieve.so"
        library.unlink()
        if source is not None and compiler is None:
            skip(name, "aarch64-linux-gnu-gcc is missing")
            continue
        if source is not None:
            (other / "stub.c").write_text(source)
            code, said = call(compiler, "-shared", "-fPIC", "-nostdlib", other / "stub.c", "-o", library)
            if code:
                check(name, said)
                continue
        code, said = run("broken", "x", plugin=other)
        lacking = [word for word in words if word not in said]
        check(name, said if code else f"{lacking} is not in: {said}" if lacking else None)


def runs(program, plugin, work):
    home = work / "home"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "REPRIEVE_"))}
    env.update(HOME=str(home), XDG_DATA_HOME=str(home / "data"), XDG_STATE_HOME=str(home / "state"))

    def run(*words, plugin=plugin, cwd=None):
        return call(program, *words, env=dict(env, PLUGIN=str(plugin)), cwd=cwd)

    def must(what, *words, cwd=None):
        code, said = run(*words, cwd=cwd)
        check(what, said or f"ended with {code}" if code else None)
        return said

    drill = work / "drill"
    must("a drill to open", "make", drill)
    print("checks in the frames: " + must("1,000 frames with checks, events, console, closing and opening", "ticks", drill))
    print("Play In Editor: " + must("entered and left a hundred times, two instances each", "plays", drill))
    check("killed in the middle of an append", kit.editor_killed([program], dict(env, PLUGIN=str(plugin)), drill))
    sys.path.insert(0, str(ROOT / "tests" / "processes"))
    from vendor import Vendor
    product = work / "product"
    product.mkdir()
    made = Vendor(str(product))
    (product / "0.jws").write_bytes(made.policy())
    (product / "1.jws").write_bytes(made.sign("lease", {"license": "L1", "sku": "cad", "ledger": "*", "features": {"core": int(time.time()) + 86400}}))
    file = product / "reprieve.toml"
    file.write_text('endpoints = ["https://one.example/renew"]\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
    must("the nodes for import and renewal", "nodes", product, cwd=product)
    must("opened by the settings; a file that is missing or wrong", "configured", product, cwd=product)
    must("the sample actor, played twice", "actor", "x")
    code, said = run("record", "x", work / "record.txt")
    check("Outpost's record", said if code else None if (work / "record.txt").read_bytes() == (ROOT / "samples" / "outpost" / "expected.txt").read_bytes() else "it is not samples/outpost/expected.txt")
    said = must("Reprieve.Drill in the console", "console", "x")
    lines = [line for line in ("day 1 12:00 weather: limited (grace, network)", "day 6 00:00 game: limited (grace, network)", "the drill has ended") if line not in said]
    check("what Reprieve.Drill logs", lines)
    broken(run, plugin, work)
    if shutil.which("valgrind"):
        # A drill of its own: the other one has what the killed ones appended.
        run("make", work / "valgrind")
        code, said = call("valgrind", "-q", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", program, "ticks", work / "valgrind", env=dict(env, PLUGIN=str(plugin)), seconds=600)
        check("valgrind finds nothing", said[:3000] if code else None)
    else:
        skip("valgrind", "it is missing")


def with_library(plugin, library, folder):
    """A copy of the plugin with another native library."""
    shutil.copytree(plugin, folder)
    shutil.copy(library, folder / "Source" / "ThirdParty" / "ReprieveLibrary" / "Linux" / "libreprieve.so")
    return folder


def renewing(program, plugin, work):
    """The switch that renews, with a library that has HTTP, and with one that has not."""
    whats = ("renewed by the switch from a real authority", "closed in the midst of an attempt, and a hundred plays with the switch on", "a library without HTTP")
    try:
        real = servers.http_library()
    except (OSError, RuntimeError) as error:
        for what in whats:
            check(what, str(error))
        return
    home = work / "renewing"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "REPRIEVE_"))}
    env.update(HOME=str(home), XDG_DATA_HOME=str(home / "data"), XDG_STATE_HOME=str(home / "state"))
    has, lacks = with_library(plugin, real / "libreprieve.so", work / "with-http"), with_library(plugin, LIB / "libreprieve.so", work / "without-http")

    ways = [(whats[0], (program,), {})]
    if shutil.which("valgrind"):
        finds = ("--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite")
        ways.append(("valgrind finds nothing while it renews", ("valgrind", "-q", *finds, program), {}))
    else:
        skip("valgrind while it renews", "it is missing")
    if (work / "tsan" / "program").exists():
        ways.append(("ThreadSanitizer finds nothing while it renews", (work / "tsan" / "program",), sanitized(work)))
    for number, (what, command, more) in enumerate(ways):
        try:
            with servers.authority(work / f"authority-{number}") as server:
                fresh = dict(env, XDG_DATA_HOME=str(home / str(number) / "data"), XDG_STATE_HOME=str(home / str(number) / "state"), PLUGIN=str(has), **more)
                code, said = call(*command, "renews", server.folder, server.code, env=fresh, seconds=600)
                check(what, said[-3000:] or f"ended with {code}" if code else None if server.issued() >= 2 else f"the authority has issued {server.issued()} leases")
        except PermissionError as error:
            skip(what, error)
    with servers.Hole() as server:
        made = servers.renewing(kit.vendor(work / "hole"), server.url)
        code, said = call(program, "hole", work / "hole", env=dict(env, PLUGIN=str(has)), cwd=work / "hole", seconds=300)
        if check(whats[1], said or f"ended with {code}" if code else None if server.taken >= 2 else f"{server.taken} attempts came"):
            print(f"Play In Editor, renewing: {said}, {server.taken} attempts at a server that says nothing")
            check("its ledger", kit.verify(made))
    made = servers.renewing(kit.vendor(work / "lacks"), servers.nobody())
    code, said = call(program, "without", work / "lacks", env=dict(env, PLUGIN=str(lacks)), cwd=work / "lacks")
    check(whats[2], said or f"ended with {code}" if code else None)


def sanitized(work):
    """What ThreadSanitizer is told."""
    # What the library does inside itself is not seen rightly, as it was not built with it, and is tested elsewhere.
    (work / "suppressions").write_text("called_from_lib:libreprieve.so\nrace:libreprieve.so\n")
    return {"TSAN_OPTIONS": f"exitcode=66 suppressions={work / 'suppressions'} ignore_noninstrumented_modules=1"}


def threads(plugin, generated, work):
    """Under ThreadSanitizer: what the plugin itself shares between the game thread, the session's and the pool. The library was not built with it."""
    out = work / "tsan"
    out.mkdir()
    if not check("compiled for ThreadSanitizer", compile_all(plugin, generated, out, "g++", "c++17", ("-fsanitize=thread",))):
        return
    env = dict(os.environ, PLUGIN=str(plugin), **sanitized(work))
    call(out / "program", "make", work / "threads", env=env)
    for what in ("ticks", "actor"):
        code, said = call(out / "program", what, work / "threads", env=env, seconds=600)
        check(f"ThreadSanitizer finds nothing: {what}", said[:3000] if code else None)


def examples(plugin, generated, work):
    """Each C++ example of docs/unreal.md compiles."""
    found = re.findall(r"^```cpp\n(.*?)^```", (ROOT / "docs" / "unreal.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    check("docs/unreal.md has examples", None if found else "none was found")
    sys.path.insert(0, str(HERE))
    import uht
    for number, text in enumerate(found):
        folder = work / f"example-{number}"
        folder.mkdir()
        # One that declares types is a header, and is included as one.
        own = re.search(r'#include "(\w+)\.generated\.h"', text)
        if own:
            (folder / f"{own[1]}.h").write_text(text, encoding="utf-8")
            types = uht.known([*plugin.rglob("Public/*.h"), folder / f"{own[1]}.h"])
            header = uht.Header(folder / f"{own[1]}.h", types)
            (folder / f"{own[1]}.generated.h").write_text(header.generated(), encoding="utf-8")
            check(f"example {number + 1} of docs/unreal.md by the header tool's rules", header.problems)
            text = f'#include "{own[1]}.h"\n'
        (folder / "example.cpp").write_text(text, encoding="utf-8")
        source = plugin / "Source"
        paths = [folder, generated, HERE / "stubs", source / "Reprieve" / "Public", source / "ReprieveOutpost" / "Public"]
        code, said = call("g++", "-std=c++17", *FLAGS, "-fsyntax-only", *[f"-I{path}" for path in paths], folder / "example.cpp")
        check(f"example {number + 1} of docs/unreal.md", said if code else None)


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        plugin = layout(work)
        if plugin:
            generated = headers(plugin, work)
            first = None
            for compiler, standard in (("g++", "c++17"), ("g++", "c++20"), ("clang++", "c++17"), ("clang++", "c++20")):
                if not shutil.which(compiler):
                    skip(f"{compiler}", "it is missing")
                    continue
                out = work / f"{compiler}-{standard}"
                out.mkdir()
                # One is run; the others say what they think of it.
                extra = ("-fsyntax-only",) if first else ()
                if check(f"compiled by {compiler} as {standard}, no warning", compile_all(plugin, generated, out, compiler, standard, extra)):
                    first = first or out / "program"
            if first:
                runs(first, plugin, work)
                threads(plugin, generated, work)
                renewing(first, plugin, work)
            together(plugin, generated, work)
            examples(plugin, generated, work)
        skip("Unreal Engine itself", "UnrealHeaderTool, UnrealBuildTool, the editor and packaged games cannot be had here")
    return counts.finish()


if __name__ == "__main__":
    sys.exit(main())
