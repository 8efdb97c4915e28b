#!/usr/bin/env python3
"""Puts the Unity package together: unity.py OUT PLACE=LIBRARY ... (see unity.sh).

The C# sources are those of bindings/csharp, copied here and nowhere else. Every file and folder gets a .meta whose GUID is the hash of its path, so that it
is the same in every release and scenes keep what they refer to."""

import gzip
import hashlib
import io
import pathlib
import re
import shutil
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NAME = "com.reprieve.client"
PLATFORMS = ("Android", "Linux64", "OSXUniversal", "WebGL", "Win", "Win64", "iOS")
# By the first folder below Runtime/Plugins: Unity's platform, its processor by the second folder, and on which systems' Editor it is loaded.
PLACES = {"Windows": ("Win64", {"x86_64": "x86_64"}, "Windows"), "Linux": ("Linux64", {"x86_64": "x86_64"}, "Linux"), "macOS": ("OSXUniversal", {None: "AnyCPU"}, "OSX"),
          "Android": ("Android", {"arm64-v8a": "ARM64", "armeabi-v7a": "ARMv7", "x86_64": "X86_64"}, None), "iOS": ("iOS", {None: "AnyCPU"}, None)}
END = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"


def guid(name):
    return hashlib.md5(f"{NAME}/{name}".encode()).hexdigest()


def head(name, folder=False):
    return f"fileFormatVersion: 2\nguid: {guid(name)}\n" + ("folderAsset: yes\n" if folder else "")


def row(group, platform, enabled, settings):
    lines = f"  - first:\n      {group}: {platform}\n    second:\n      enabled: {int(enabled)}\n"
    if not settings:
        return lines + "      settings: {}\n"
    return lines + "      settings:\n" + "".join(f"        {key}: {value}\n" for key, value in settings.items())


def plugin(name):
    parts = name.split("/")
    platform, processors, editor = PLACES[parts[2]]
    cpu = processors[parts[3] if len(parts) > 4 else None]
    excluded = {f"Exclude {other}": int(other != platform) for other in PLATFORMS}
    excluded["Exclude Editor"] = int(not editor)
    rows = row("", "Any", False, dict(sorted(excluded.items())))
    rows += row("Android", "Android", platform == "Android", {"CPU": cpu if platform == "Android" else "ARMv7"})
    rows += row("Any", "", False, {})
    rows += row("Editor", "Editor", bool(editor), {"CPU": cpu if editor else "AnyCPU", "DefaultValueInitialized": "true", "OS": editor or "AnyOS"})
    for other in ("Linux64", "OSXUniversal", "Win", "Win64"):
        rows += row("Standalone", other, other == platform, {"CPU": cpu if other == platform else "None"})
    rows += row("iPhone", "iOS", platform == "iOS", {"AddToEmbeddedBinaries": "false", "CPU": "AnyCPU", "CompileFlags": "", "FrameworkDependencies": ""})
    return (head(name) + "PluginImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  iconMap: {}\n  executionOrder: {}\n  defineConstraints: []\n"
            "  isPreloaded: 0\n  isOverridable: 0\n  isExplicitlyReferenced: 0\n  validateReferences: 1\n  platformData:\n" + rows + END)


def meta(path, name):
    if path.is_dir():
        return head(name, True) + "DefaultImporter:\n  externalObjects: {}\n" + END
    if path.suffix in (".so", ".dll", ".dylib", ".a"):
        return plugin(name)
    if path.suffix == ".cs":
        return (head(name) + "MonoImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  defaultReferences: []\n  executionOrder: 0\n"
                "  icon: {instanceID: 0}\n" + END)
    importer = {".asmdef": "AssemblyDefinitionImporter", ".json": "TextScriptImporter", ".md": "TextScriptImporter", ".txt": "TextScriptImporter"}[path.suffix]
    if name == "package.json":
        importer = "PackageManifestImporter"
    return head(name) + f"{importer}:\n  externalObjects: {{}}\n" + END


def licence():
    texts = [("MIT", "LICENSE-MIT"), ("Apache 2.0", "LICENSE-APACHE")]
    return "Reprieve is under either of these licences, as you like.\n" + "".join(
        f"\n# {title}\n\n{(ROOT / file).read_text(encoding='utf-8').strip()}\n" for title, file in texts)


def build(package, libraries):
    shutil.copytree(ROOT / "bindings" / "unity", package)
    for source in (ROOT / "bindings" / "csharp" / "src").glob("*.cs"):
        shutil.copy(source, package / "Runtime" / "Managed")
    resources = package / "Samples~" / "Outpost" / "Resources"
    resources.mkdir()
    for file, name in (("outpost.json", "outpost.json"), ("words.txt", "outpost-words.txt")):
        shutil.copy(ROOT / "samples" / "outpost" / file, resources / name)
    (package / "Documentation~").mkdir(exist_ok=True)
    shutil.copy(ROOT / "docs" / "unity.md", package / "Documentation~")
    shutil.copy(ROOT / "CHANGELOG.md", package)
    (package / "LICENSE.md").write_text(licence(), encoding="utf-8")
    for place, library in libraries:
        first, _, second = place.partition("/")
        if first not in PLACES or (second or None) not in PLACES[first][1]:
            sys.exit(f"unity.py: there is no place `{place}` below Runtime/Plugins; use one of: "
                     + ", ".join("/".join(filter(None, (name, part))) for name, (_, parts, _) in PLACES.items() for part in parts))
        (package / "Runtime" / "Plugins" / place).mkdir(parents=True)
        # One name on each system, however the build calls the file: DllImport says `reprieve`.
        name = {"Windows": "reprieve.dll", "macOS": "libreprieve.dylib", "iOS": "libreprieve.a"}.get(first, "libreprieve.so")
        shutil.copyfile(library, package / "Runtime" / "Plugins" / place / name)
    for path in sorted(package.rglob("*")):
        name = path.relative_to(package).as_posix()
        # What Unity does not import has none: folders whose name ends in ~.
        if not any(part.endswith("~") for part in name.split("/")):
            path.with_name(path.name + ".meta").write_text(meta(path, name), encoding="utf-8", newline="\n")


def main():
    out, libraries = pathlib.Path(sys.argv[1]), [word.split("=", 1) for word in sys.argv[2:]]
    version = re.search(r'"version": "(.*)"', (ROOT / "bindings" / "unity" / "package.json").read_text(encoding="utf-8"))[1]
    with tempfile.TemporaryDirectory() as folder:
        package = pathlib.Path(folder) / "package"
        build(package, libraries)
        packed = io.BytesIO()
        # The same bytes from the same tree.
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path in sorted(package.rglob("*")):
                if path.is_file():
                    entry = tarfile.TarInfo("package/" + path.relative_to(package).as_posix())
                    entry.size, entry.mode = path.stat().st_size, 0o644
                    with open(path, "rb") as file:
                        tar.addfile(entry, file)
        archive = out / f"{NAME}-{version}.tgz"
        for old in out.glob(f"{NAME}-*.tgz"):
            old.unlink()
        with open(archive, "wb") as file, gzip.GzipFile("", "wb", mtime=0, fileobj=file) as zipped:
            zipped.write(packed.getvalue())
    print(archive)


if __name__ == "__main__":
    main()
