#!/usr/bin/env python3
"""The Unity package on a stub engine: compiled as Unity compiles it, with warnings as errors, and run by Mono (and by .NET, if one is there) with the
real native library; and the package's layout, import settings and texts. REPRIEVE_LIB: the folder of the native library.

Unity itself is not part of this: see docs/unity.md for what was never run."""

import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import sys
import tarfile
import tempfile

import yaml

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent), str(pathlib.Path(__file__).resolve().parent)]
import kit  # noqa: E402
from kit import LIB, ROOT, said as call  # noqa: E402
from renewals import renewals  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = ROOT / "bindings" / "unity"
MONO_FLAGS = ["-langversion:7.2", "-warn:4", "-warnaserror+", "-debug"]
counts = kit.Counts("unity")
check, skip = counts.note, counts.skip


def environment(lib, work):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LD_", "MONO_", "REPRIEVE_"))}
    home = work / "home"
    return dict(env, LD_LIBRARY_PATH=str(lib), OUTPOST_RESOURCES=str(work / "resources"), HOME=str(home), XDG_DATA_HOME=str(home / "data"),
                XDG_STATE_HOME=str(home / "state"))


# Compiling, assembly by assembly, each with the references of its assembly definition alone.

def assemblies(package):
    """Name, sources and references, as Unity takes them: what lies below an .asmdef and below no deeper one is its."""
    found = {}
    for definition in sorted(package.rglob("*.asmdef")):
        meaning = json.loads(definition.read_text(encoding="utf-8"))
        deeper = [other.parent for other in package.rglob("*.asmdef") if other != definition and definition.parent in other.parents]
        sources = [source for source in sorted(definition.parent.rglob("*.cs")) if not any(folder in source.parents for folder in deeper)]
        found[meaning["name"]] = (sources, meaning["references"])
    return found


def compile_all(package, out, compiler, references, defines):
    """The problem of compiling all, or None. The stubs stand for Unity's own assemblies and NUnit."""
    definitions = assemblies(package)
    stubs = out / "UnityEngine.dll"
    code, said = compiler("library", stubs, sorted((HERE / "stubs").glob("*.cs")), references, defines)
    if code:
        return f"the stubs: {said}"
    done = {"UnityEngine.TestRunner": stubs, "UnityEditor.TestRunner": stubs}
    tests = [name for name in definitions if ".Tests." in name]
    while len(done) - 2 < len(definitions) - len(tests):
        ready = [name for name, (_, needs) in definitions.items() if name not in done and name not in tests and all(need in done for need in needs)]
        if not ready:
            return f"assembly definitions that refer to each other, or to none: {sorted(set(definitions) - set(done))}"
        for name in ready:
            sources, needs = definitions[name]
            done[name] = out / f"{name}.dll"
            engine = [] if name == "Reprieve.Managed" else [stubs]
            code, said = compiler("library", done[name], sources, references + engine + [done[need] for need in needs], defines)
            if code:
                return f"{name}: {said}"
    for name in tests:
        sources, needs = definitions[name]
        code, said = compiler("library", out / f"{name}.dll", sources, references + [stubs] + [done[need] for need in needs], defines)
        if code:
            return f"{name}: {said}"
    sources = [source for name in tests for source in definitions[name][0]]
    code, said = compiler("exe", out / "Program.exe", [HERE / "Program.cs", HERE / "Renewals.cs", *sources], references + list({str(path): path for path in done.values()}.values()), defines)
    return f"the tests: {said}" if code else None


def mcs(kind, out, sources, references, defines):
    return call("mcs", *MONO_FLAGS, f"-target:{kind}", f"-out:{out}", *[f"-d:{name}" for name in defines], *[f"-r:{path}" for path in references], *sources)


def roslyn(rig, language):
    csc = max(rig.glob("sdk/*/Roslyn/bincore/csc.dll"))
    env = dict(os.environ, DOTNET_ROOT=str(rig), DOTNET_ROLL_FORWARD="LatestMajor", DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="1")

    def compiler(kind, out, sources, references, defines):
        return call(rig / "dotnet", csc, "-nologo", "-noconfig", "-nostdlib", f"-langversion:{language}", "-warn:4", "-warnaserror+", f"-target:{kind}", f"-out:{out}",
                    *[f"-d:{name}" for name in defines], *[f"-r:{path}" for path in references], *sources, env=env)
    return compiler


# Libraries that are none.

def library(folder, source, compiler="cc"):
    folder.mkdir()
    file = folder / "stub.c"
    file.write_text(source)
    code, said = call(compiler, "-shared", "-fPIC", "-nostdlib", file, "-o", folder / "libreprieve.so")
    return said if code else None


def broken(engine, run, work):
    cases = [("the native library is missing", None, None, ("was not found", "processor", "Runtime/Plugins/Linux/x86_64/libreprieve.so", "goes on")),
             ("a library of another ABI version", "unsigned reprieve_abi_version(void) { return 9u << 16; }", "cc", ("ABI version 9.0", "/libreprieve.so", "restart the Editor")),
             ("a library that is none of Reprieve's", "int something(void) { return 1; }", "cc", ("none of Reprieve's", "goes on"))]
    arm = shutil.which("aarch64-linux-gnu-gcc")
    cases.append(("a library for another processor", "unsigned reprieve_abi_version(void) { return 1; }", arm, ("processor", "goes on")))
    for number, (name, source, compiler, words) in enumerate(cases):
        folder = work / f"broken-{number}"
        if source is None:
            folder.mkdir()
        elif compiler is None:
            skip(f"{engine}: {name}", "aarch64-linux-gnu-gcc is missing")
            continue
        else:
            problem = library(folder, source, compiler)
            if problem:
                check(f"{engine}: {name}", problem)
                continue
        code, said = run("broken", "x", lib=folder)
        lacking = [word for word in words if word not in said]
        check(f"{engine}: {name}", said if code else f"{lacking} is not in: {said}" if lacking else None)


def runs(name, program, work, env_of, defines, package):
    def run(*words, lib=LIB, seconds=300):
        return call(*program, *words, env=env_of(lib), seconds=seconds, cwd=work)

    def must(what, *words, seconds=300):
        code, said = run(*words, seconds=seconds)
        check(f"{name}: {what}", said or f"ended with {code}" if code else None)
        return said

    print(f"{name}: the package's own tests: {must('the tests of the package', 'nunit', 'x')}")
    print(f"{name}: " + must("play mode a hundred times, domain reload off", "play", work / "play", "100"))
    if "MONO" in defines:
        print(f"{name}: " + must("play mode with domain reload", "reload", work / "reload", "30"))
    else:
        skip(f"{name}: play mode with domain reload", "this runtime has no application domains")
    must("scripts reloaded in the middle of a play", "recompile", work / "recompile")
    must("two scenes, three clients, two ledgers", "scenes", work / "scenes")
    must("the sample's scene", "scene", "x")
    print(f"{name}: allocated by the checks and Update of a frame: " + must("nothing is allocated in a frame", "allocations", work / "allocations"))
    check(f"{name}: killed in the middle of an append", kit.editor_killed(program, env_of(LIB), work / "killed"))
    code, said = run("record", "x", work / "record.txt")
    expected = (ROOT / "samples" / "outpost" / "expected.txt").read_bytes()
    check(f"{name}: Outpost's record", said if code else None if (work / "record.txt").read_bytes() == expected else "it is not samples/outpost/expected.txt")
    sys.path.insert(0, str(ROOT / "tests" / "processes"))
    from vendor import Vendor
    (work / "product" / "assets").mkdir(parents=True)
    Vendor(str(work / "product"))
    shutil.copy(work / "product" / "reprieve.toml", work / "product" / "assets")
    must("the Inspector's fields, a text and a file", "inspector", work / "product")
    # As on a phone the folders are the program's: the file names none.
    toml = (work / "product" / "reprieve.toml").read_text()
    (work / "product" / "assets" / "reprieve.toml").write_text("\n".join(line for line in toml.splitlines() if not line.startswith(("folder", "witness"))))
    must("StreamingAssets inside an Android package", "android", work / "product")
    broken(name, run, work)
    renewals(counts, name, program, env_of, package, work / "renewals")


# The package as it is handed out.

def layout(work):
    out = work / "out"
    ran, said = call(ROOT / "scripts" / "package" / "unity.sh", out, seconds=1200)
    if not check("the package is made", said if ran else None):
        return None
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    workspace = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    check("its version is the workspace's", None if version == workspace else f"{version} is not {workspace}")
    archive = out / f"com.reprieve.client-{version}.tgz"
    if not check("its name is npm's", None if archive.exists() else f"there is no {archive.name}: {sorted(path.name for path in out.iterdir())}"):
        return None
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        tar.extractall(work / "unpacked")
    outside = [name for name in names if not (name == "package" or name.startswith("package/"))]
    check("all of it lies below package/", outside)
    package = work / "unpacked" / "package"
    expected = ["package.json", "README.md", "CHANGELOG.md", "LICENSE.md", "Runtime/Reprieve.Unity.asmdef", "Runtime/Managed/Reprieve.Managed.asmdef",
                "Runtime/Managed/Client.cs", "Editor/Reprieve.Unity.Editor.asmdef", "Tests/Runtime/Reprieve.Unity.Tests.Runtime.asmdef",
                "Tests/Editor/Reprieve.Unity.Tests.Editor.asmdef", "Samples~/Outpost/OutpostScene.cs", "Samples~/Outpost/Resources/outpost.json",
                "Samples~/Outpost/Resources/outpost-words.txt", "Documentation~/unity.md", "Runtime/Plugins/Linux/x86_64/libreprieve.so"]
    check("it holds what a package holds", [name for name in expected if not (package / name).is_file()])
    same = [path.name for path in sorted((ROOT / "bindings" / "csharp" / "src").glob("*.cs"))
            if not (package / "Runtime" / "Managed" / path.name).is_file() or (package / "Runtime" / "Managed" / path.name).read_bytes() != path.read_bytes()]
    check("the C# sources are those of bindings/csharp, every one", same)
    told = json.loads((package / "package.json").read_text())
    check("package.json says what Unity needs", [key for key in ("name", "version", "displayName", "description", "unity") if not isinstance(told.get(key), str)])
    check("its samples are there", [sample["path"] for sample in told["samples"] if not (package / sample["path"]).is_dir()])
    machine = [name for name in names if (work / "unpacked" / name).is_file() and not name.endswith((".so", ".dll", ".dylib"))
               and re.search(rb"/home/|/root/|" + re.escape(str(ROOT)).encode() + rb"/", (work / "unpacked" / name).read_bytes())]
    check("no path of the machine that built it in a text", machine)
    metas(package)
    again = work / "again"
    call(ROOT / "scripts" / "package" / "unity.sh", again, seconds=1200)
    check("the same bytes from the same tree", None if (again / archive.name).read_bytes() == archive.read_bytes() else "they differ")
    return package


PLATFORMS = ("Android", "Linux64", "OSXUniversal", "WebGL", "Win", "Win64", "iOS")


def metas(package):
    """Every file and folder that Unity imports has one .meta, with a GUID of its own, and none is left over; plug-ins load where they should, and nowhere else."""
    def hidden(path):
        return any(part.endswith("~") or part.startswith(".") for part in path.relative_to(package).parts)
    assets = [path for path in package.rglob("*") if not hidden(path) and path.suffix != ".meta"]
    check("each asset has a .meta", [str(path.relative_to(package)) for path in assets if not path.with_name(path.name + ".meta").is_file()])
    found = [path for path in package.rglob("*.meta")]
    check("each .meta has an asset", [str(path.relative_to(package)) for path in found if not path.with_suffix("").exists()])
    guids, problems, plugins = {}, [], 0
    for path in found:
        name = str(path.with_suffix("").relative_to(package))
        # An empty key before a colon is Unity's own way of writing, and the one thing in it that other YAML readers refuse.
        meaning = yaml.safe_load(re.sub(r"^( +): Any$", r"\1'': Any", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
        guid = str(meaning.get("guid", ""))
        wanted = hashlib.md5(f"com.reprieve.client/{name}".encode()).hexdigest()
        if meaning.get("fileFormatVersion") != 2 or not re.fullmatch("[0-9a-f]{32}", guid) or guid != wanted:
            problems.append(f"{name}: the GUID is not that of its path")
        if guid in guids:
            problems.append(f"{name} has the GUID of {guids[guid]}")
        guids[guid] = name
        importers = [key for key in meaning if key.endswith("Importer")]
        asset = path.with_suffix("")
        kind = ("DefaultImporter" if asset.is_dir() else {".cs": "MonoImporter", ".asmdef": "AssemblyDefinitionImporter", ".json": "TextScriptImporter", ".md": "TextScriptImporter",
                ".txt": "TextScriptImporter", ".so": "PluginImporter", ".dll": "PluginImporter", ".dylib": "PluginImporter", ".a": "PluginImporter"}.get(asset.suffix))
        if name == "package.json":
            kind = "PackageManifestImporter"
        if importers != [kind]:
            problems.append(f"{name}: {importers} in place of {kind}")
        if asset.is_dir() and meaning.get("folderAsset") is not True:
            problems.append(f"{name}: no folderAsset")
        if kind == "PluginImporter":
            plugins += 1
            problems += plugin(name, meaning["PluginImporter"])
    check("the .meta files", problems)
    check("there are plug-ins", None if plugins else "none")


def plugin(name, importer):
    """Where a native library is loaded: on its own platform, and excluded everywhere else by name."""
    own = {"Windows": ("Win64", "x86_64", "Windows"), "Linux": ("Linux64", "x86_64", "Linux"), "macOS": ("OSXUniversal", None, "OSX"),
           "Android": ("Android", None, None), "iOS": ("iOS", None, None)}[name.split("/")[2]]
    rows = {}
    for row in importer["platformData"]:
        ((group, platform),) = row["first"].items()
        rows[(group, platform)] = row["second"]
    problems = []
    excluded = rows[(None, "Any")]["settings"] if (None, "Any") in rows else rows[("", "Any")]["settings"]
    for platform in PLATFORMS:
        if excluded.get(f"Exclude {platform}") != (0 if platform == own[0] else 1):
            problems.append(f"{name}: Exclude {platform} is {excluded.get(f'Exclude {platform}')}")
    if excluded.get("Exclude Editor") != (0 if own[2] else 1):
        problems.append(f"{name}: Exclude Editor")
    enabled = sorted(platform or group for (group, platform), value in rows.items() if value["enabled"])
    wanted = sorted([own[0]] + (["Editor"] if own[2] else []))
    if enabled != wanted:
        problems.append(f"{name}: enabled on {enabled} in place of {wanted}")
    editor = rows[("Editor", "Editor")]["settings"]
    if own[2] and editor.get("OS") != own[2]:
        problems.append(f"{name}: the Editor's OS is {editor.get('OS')}")
    if own[0] == "Android":
        cpu = {"arm64-v8a": "ARM64", "armeabi-v7a": "ARMv7", "x86_64": "X86_64"}[name.split("/")[3]]
        if rows[("Android", "Android")]["settings"].get("CPU") != cpu:
            problems.append(f"{name}: not for {cpu}")
    return problems


def examples(package, out, compiler, references, defines):
    """Each C# example of docs/unity.md is a file that compiles with the package's assemblies."""
    text = (ROOT / "docs" / "unity.md").read_text(encoding="utf-8")
    found = re.findall(r"^```csharp\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    built = [out / f"{name}.dll" for name in assemblies(package) if ".Tests." not in name]
    for number, source in enumerate(found):
        file = out / f"example-{number}.cs"
        file.write_text(source)
        code, said = compiler("library", out / f"example-{number}.dll", [file], references + [out / "UnityEngine.dll", *built], defines)
        check(f"example {number + 1} of docs/unity.md", said if code else None)
    check("docs/unity.md has examples", None if found else "none was found")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "resources").mkdir()
        for name, other in (("outpost.json", "outpost.json"), ("words.txt", "outpost-words.txt")):
            shutil.copy(ROOT / "samples" / "outpost" / name, work / "resources" / other)
        package = layout(work)
        # Compiled is what is handed out, not the tree.
        if package and shutil.which("mcs") and shutil.which("mono"):
            out = work / "mono"
            out.mkdir()
            problem = compile_all(package, out, mcs, [], ["MONO", "UNITY_2021_3_OR_NEWER", "UNITY_INCLUDE_TESTS"])
            if check("mcs compiles each assembly as C# 7.2, no warning", problem):
                examples(package, out, mcs, [], ["MONO"])
                where = work / "on-mono"
                where.mkdir()
                shutil.copytree(work / "resources", where / "resources")
                runs("Mono", ["mono", "--debug", str(out / "Program.exe")], where, lambda lib: environment(lib, where), ["MONO"], package)
            defines = {"the Editor on Windows": ["UNITY_EDITOR", "UNITY_EDITOR_WIN"], "a player on macOS": ["UNITY_STANDALONE_OSX"], "Android": ["UNITY_ANDROID"],
                       "iOS": ["UNITY_IOS"]}
            for platform, symbols in defines.items():
                other = work / ("for-" + symbols[-1])
                other.mkdir()
                check(f"mcs compiles it for {platform}", compile_all(package, other, mcs, [], ["MONO", *symbols]))
        elif package:
            skip("Mono", "mcs or mono is missing")
        rig = ROOT / "build" / "dotnet"
        if package and (rig / "dotnet").exists():
            out = work / "dotnet"
            out.mkdir()
            standard = glob.glob(str(rig / "packs" / "NETStandard.Library.Ref" / "*" / "ref" / "netstandard2.1" / "*.dll"))
            app = [pathlib.Path(path) for path in glob.glob(str(rig / "packs" / "Microsoft.NETCore.App.Ref" / "*" / "ref" / "*" / "*.dll"))]
            if standard:
                # Unity 2021.3's profile. The tests' own program needs more, so only the package is compiled so.
                other = work / "netstandard"
                other.mkdir()
                compiler = roslyn(rig, "8.0")

                def quiet(kind, target, sources, references, defines):
                    return (0, "") if kind == "exe" else compiler(kind, target, sources, references, defines)
                check("Roslyn compiles it as C# 8 for netstandard2.1, no warning", compile_all(package, other, quiet, [pathlib.Path(path) for path in standard], ["UNITY_2021_3_OR_NEWER", "NETSTANDARD2_1"]))
            else:
                skip("Roslyn for netstandard2.1", "the SDK has no reference assemblies of it")
            if check("Roslyn compiles it as C# 7.3 for .NET Core, no warning", compile_all(package, out, roslyn(rig, "7.3"), app, [])):
                version = max(path.name for path in (rig / "shared" / "Microsoft.NETCore.App").iterdir())
                (out / "Program.runtimeconfig.json").write_text(json.dumps({"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": version}}}))
                where = work / "on-dotnet"
                where.mkdir()
                shutil.copytree(work / "resources", where / "resources")
                runs(".NET", [str(rig / "dotnet"), str(out / "Program.exe")], where,
                     lambda lib: dict(environment(lib, where), DOTNET_ROOT=str(rig), DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="1"), [], package)
        else:
            skip(".NET", "there is no build/dotnet; scripts/dotnet.sh makes one")
        skip("C# 9, which Unity 2021.3 compiles by", "no such compiler is here; the sources are C# 7.3, which it takes")
        skip("Unity itself", "the Editor, its importer, IL2CPP and its players cannot be had here")
    return counts.finish()


if __name__ == "__main__":
    sys.exit(main())
