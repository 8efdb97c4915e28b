"""Writes the NuGet packages: nuget.py PROJECT-FOLDER OUT RID=LIBRARY...

What stands in them is read from Reprieve.csproj. `dotnet pack` would do for the first, but writes the time and a random name into each package, and
has no way for the second without a project that compiles nothing: these are the same, byte for byte, whenever they are made of the same files.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from xml.sax.saxutils import escape

FILES = {"win": "reprieve.dll", "linux": "libreprieve.so", "osx": "libreprieve.dylib"}
NUSPEC = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"

# .NET by the SDK finds runtimes/RID/native itself. .NET Framework, and so Mono, looks beside the program: there the library is copied.
TARGETS = """<Project>
  <PropertyGroup Condition="'$(TargetFrameworkIdentifier)' == '.NETFramework'">
    <ReprieveNativeRuntimes>$(MSBuildThisFileDirectory)../runtimes/</ReprieveNativeRuntimes>
    <ReprieveNativeFile Condition="'$(OS)' == 'Windows_NT' and '$(PlatformTarget)' == 'ARM64'">$(ReprieveNativeRuntimes)win-arm64/native/reprieve.dll</ReprieveNativeFile>
    <ReprieveNativeFile Condition="'$(OS)' == 'Windows_NT' and '$(PlatformTarget)' == 'x86'">$(ReprieveNativeRuntimes)win-x86/native/reprieve.dll</ReprieveNativeFile>
    <ReprieveNativeFile Condition="'$(OS)' == 'Windows_NT' and '$(ReprieveNativeFile)' == ''">$(ReprieveNativeRuntimes)win-x64/native/reprieve.dll</ReprieveNativeFile>
    <ReprieveNativeFile Condition="'$(OS)' != 'Windows_NT' and Exists('/System/Library/CoreServices')">$(ReprieveNativeRuntimes)osx-x64/native/libreprieve.dylib</ReprieveNativeFile>
    <ReprieveNativeFile Condition="'$(OS)' != 'Windows_NT' and '$(ReprieveNativeFile)' == ''">$(ReprieveNativeRuntimes)linux-x64/native/libreprieve.so</ReprieveNativeFile>
  </PropertyGroup>
  <ItemGroup Condition="'$(ReprieveNativeFile)' != '' and Exists('$(ReprieveNativeFile)')">
    <None Include="$(ReprieveNativeFile)">
      <Link>%(Filename)%(Extension)</Link>
      <CopyToOutputDirectory>PreserveNewest</CopyToOutputDirectory>
      <Visible>false</Visible>
    </None>
  </ItemGroup>
</Project>
"""

NATIVE_README = """# Reprieve.Native

The native library of the package `Reprieve`, for each platform under `runtimes`. There is nothing to call in it: use `Reprieve`.

| platform | what was done with it |
|---|---|
"""
# Of docs/platforms.md, for whoever has the package alone.
KNOWN = {
    "linux-x64": "all tests were run",
    "linux-arm64": "built by another compiler; its code was run under qemu-user, this build of it was not",
    "linux-musl-x64": "built by another compiler; its code was run on musl, this build of it was not",
    "osx-arm64": "built on Linux and not signed; never run",
    "win-x64": "built on Linux; run in Wine, never on Windows",
}


def metadata(project):
    root = ElementTree.parse(os.path.join(project, "Reprieve.csproj")).getroot()
    return {element.tag: element.text or "" for group in root.iter("PropertyGroup") for element in group}


def nuspec(about, name, description, groups):
    """The package's manifest; groups: each framework with the packages that it needs."""
    dependencies = "".join(
        f'      <group targetFramework="{framework}">\n'
        + "".join(f'        <dependency id="{package}" version="{version}" />\n' for package, version in needs)
        + "      </group>\n"
        for framework, needs in groups
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="{NUSPEC}">
  <metadata>
    <id>{name}</id>
    <version>{about["Version"]}</version>
    <authors>{escape(about["Authors"])}</authors>
    <requireLicenseAcceptance>false</requireLicenseAcceptance>
    <license type="expression">{escape(about["PackageLicenseExpression"])}</license>
    <licenseUrl>https://licenses.nuget.org/{escape(about["PackageLicenseExpression"]).replace(" ", "%20")}</licenseUrl>
    <readme>{about["PackageReadmeFile"]}</readme>
    <description>{escape(description)}</description>
    <tags>{escape(about["PackageTags"].replace(";", " "))}</tags>
    <dependencies>
{dependencies}    </dependencies>
  </metadata>
</package>
"""


def write(path, name, files):
    """A package: an Open Packaging container of these files, with dates and order that say nothing."""
    parts = dict(files)
    endings = sorted({os.path.splitext(part)[1][1:] for part in parts} | {"rels", "nuspec"})
    types = "".join(
        f'<Default Extension="{ending}" ContentType="application/'
        + ("vnd.openxmlformats-package.relationships+xml" if ending == "rels" else "octet") + '" />'
        for ending in endings if ending
    ) + "".join(f'<Override PartName="/{part}" ContentType="application/octet" />' for part in sorted(parts) if not os.path.splitext(part)[1])
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    parts["[Content_Types].xml"] = (
        f'{head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{types}</Types>'.encode())
    parts["_rels/.rels"] = (
        f'{head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/{name}.nuspec" Id="R1" /></Relationships>').encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for part in sorted(parts, key=lambda part: (not part.startswith(("[", "_")), not part.endswith(".nuspec"), part)):
            entry = zipfile.ZipInfo(part, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, parts[part])


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def main():
    project, out, *libraries = sys.argv[1:]
    about = metadata(project)
    version, assembly = about["Version"], about["AssemblyName"]
    frameworks = about["TargetFrameworks"].split(";")
    licences = {name: read(name) for name in ("LICENSE-MIT", "LICENSE-APACHE")}
    readme = about["PackageReadmeFile"]

    rows = [(rid, KNOWN.get(rid, "nothing is known")) for rid in sorted(item.partition("=")[0] for item in libraries)]
    native = {**licences, readme: (NATIVE_README + "".join(f"| `{rid}` | {known} |\n" for rid, known in rows)).encode()}
    for item in libraries:
        rid, _, library = item.partition("=")
        name = FILES.get(rid.split("-")[0])
        if name is None or not os.path.isfile(library):
            raise SystemExit(f"{item}: write RID=LIBRARY, such as win-x64=reprieve.dll, with a file that is there")
        native[f"runtimes/{rid}/native/{name}"] = read(library)
    for folder in ("build", "buildTransitive"):
        native[f"{folder}/Reprieve.Native.targets"] = TARGETS.encode()
    # Says that every framework may have it, and that there is nothing to reference.
    native["lib/netstandard2.0/_._"] = b""
    native["Reprieve.Native.nuspec"] = nuspec(
        about, "Reprieve.Native", "The native library of the package Reprieve.", [(".NETStandard2.0", [])]).encode()

    managed = {**licences, readme: read(project, readme)}
    for framework in frameworks:
        for ending in ("dll", "xml"):
            file = f"{assembly}.{ending}"
            managed[f"lib/{framework}/{file}"] = read(project, "bin", "Release", framework, file)
    name = about["PackageId"]
    needs = [("Reprieve.Native", version)]
    managed[f"{name}.nuspec"] = nuspec(
        about, name, about["Description"], [("." + framework.replace("netstandard", "NETStandard"), needs) for framework in frameworks]).encode()

    for package, files in ((name, managed), ("Reprieve.Native", native)):
        path = os.path.join(out, f"{package}.{version}.nupkg")
        write(path, package, files)
        print(f"{path}: {os.path.getsize(path) // 1024} KiB")


if __name__ == "__main__":
    main()
