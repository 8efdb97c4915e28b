#!/usr/bin/env python3
"""Puts the Unreal plugin together: unreal.py OUT PLATFORM=LIBRARY ... (see unreal.sh). The header is include/reprieve.h, the sample's words those of samples/outpost."""

import json
import pathlib
import shutil
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NAMES = {"Win64": "reprieve.dll", "Linux": "libreprieve.so", "Mac": "libreprieve.dylib"}


def licence():
    texts = [("MIT", "LICENSE-MIT"), ("Apache 2.0", "LICENSE-APACHE")]
    return "Reprieve is under either of these licences, as you like.\n" + "".join(
        f"\n# {title}\n\n{(ROOT / file).read_text(encoding='utf-8').strip()}\n" for title, file in texts)


def build(plugin, libraries):
    shutil.copytree(ROOT / "bindings" / "unreal", plugin)
    third = plugin / "Source" / "ThirdParty" / "ReprieveLibrary"
    (third / "include").mkdir()
    shutil.copy(ROOT / "include" / "reprieve.h", third / "include")
    for platform, library in libraries:
        if platform not in NAMES:
            sys.exit(f"unreal.py: there is no platform `{platform}`; use one of: {', '.join(NAMES)}")
        (third / platform).mkdir()
        shutil.copyfile(library, third / platform / NAMES[platform])
    (plugin / "Resources" / "Outpost").mkdir()
    for name in ("outpost.json", "words.txt"):
        shutil.copy(ROOT / "samples" / "outpost" / name, plugin / "Resources" / "Outpost")
    (plugin / "Docs").mkdir()
    shutil.copy(ROOT / "docs" / "unreal.md", plugin / "Docs")
    shutil.copy(ROOT / "CHANGELOG.md", plugin)
    (plugin / "LICENSE.md").write_text(licence(), encoding="utf-8")


def main():
    out, libraries = pathlib.Path(sys.argv[1]), [word.split("=", 1) for word in sys.argv[2:]]
    version = json.loads((ROOT / "bindings" / "unreal" / "Reprieve.uplugin").read_text(encoding="utf-8"))["VersionName"]
    archive = out / f"Reprieve-Unreal-{version}.zip"
    for old in out.glob("Reprieve-Unreal-*.zip"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        build(pathlib.Path(folder) / "Reprieve", libraries)
        # The same bytes from the same tree.
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(pathlib.Path(folder).rglob("*")):
                if path.is_file():
                    entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (2026, 1, 1, 0, 0, 0))
                    entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
                    packed.writestr(entry, path.read_bytes())
    print(archive)


if __name__ == "__main__":
    main()
