#!/usr/bin/env python3
"""The NuGet packages, as a new user has them: nuget.py [FOLDER OF THE PACKAGES (build/packages)].

Each is unpacked as NuGet unpacks it, and a program outside the tree is built against it and run: by Mono, and by .NET with a restore from the
folder as a package source. Nothing of the tree is in reach, and no library path is set.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
APP = """vendor = "acme"
secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
"""
PROGRAM = """using System;
using Reprieve;

internal static class Program
{
    private static void Main()
    {
        using (Client client = Client.Open("reprieve.toml", new OpenOptions { InMemory = true }))
        using (Feature core = client.Feature("cad", "core"))
        {
            Decision decision = core.Check();
            Console.WriteLine("{0} {1} {2}", ReprieveLibrary.Version, decision, decision.Flags);
        }
    }
}
"""
PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>{framework}</TargetFramework><UseAppHost>false</UseAppHost><TreatWarningsAsErrors>true</TreatWarningsAsErrors>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Reprieve" Version="{version}" /></ItemGroup>
</Project>
"""
# A project of .NET Framework, as far as what a package's targets see of it.
FRAMEWORK = """<Project>
  <PropertyGroup><TargetFrameworkIdentifier>{identifier}</TargetFrameworkIdentifier></PropertyGroup>
  <Import Project="{targets}" />
  <Target Name="Copied"><Message Importance="high" Text="copied: @(None)" /></Target>
</Project>
"""


class Problem(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Problem(what)


def run(*command, folder, env=None):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("REPRIEVE_", "LD_LIBRARY_", "DYLD_"))}
    result = subprocess.run(command, cwd=folder, env=dict(clean, **(env or {})), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    need(result.returncode == 0, f"`{' '.join(command)[:120]}` gives {result.returncode}:\n{result.stdout[-2000:]}")
    return result.stdout


class Test:
    def __init__(self, packages, work):
        self.packages, self.work = packages, work
        self.files, self.version = {}, ""
        (managed,) = [name for name in os.listdir(packages) if re.fullmatch(r"Reprieve\.\d.*\.nupkg", name)]
        self.version = managed[len("Reprieve."):-len(".nupkg")]
        # As `nuget install` lays them out.
        self.cache = os.path.join(work, "unpacked")
        for name in ("Reprieve", "Reprieve.Native"):
            with zipfile.ZipFile(os.path.join(packages, f"{name}.{self.version}.nupkg")) as package:
                package.extractall(os.path.join(self.cache, f"{name}.{self.version}"))
        dotnet = os.environ.get("DOTNET") or shutil.which("dotnet") or os.path.join(ROOT, "build", "dotnet", "dotnet")
        self.dotnet = os.path.realpath(dotnet) if os.access(dotnet, os.X_OK) else None
        self.env = {"DOTNET_ROOT": os.path.dirname(self.dotnet or ""), "DOTNET_ROLL_FORWARD": "LatestMajor", "DOTNET_CLI_HOME": work, "DOTNET_NOLOGO": "1",
                    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1",
                    "MSBUILDDISABLENODEREUSE": "1", "NUGET_PACKAGES": os.path.join(work, "nuget")}

    def place(self, name):
        return os.path.join(self.cache, f"{name}.{self.version}")

    def consumer(self, name):
        folder = os.path.join(self.work, name)
        os.makedirs(folder)
        for file, text in (("reprieve.toml", APP), ("Program.cs", PROGRAM)):
            with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
                out.write(text)
        return folder

    def answered(self, output):
        need(re.search(r"^\d+\.\d+\.\d+ denied \(unlicensed\) InMemory$", output, re.MULTILINE), f"the program printed {output!r}")

    def what_is_in_them(self):
        for name, parts in (("Reprieve", ["README.md", "LICENSE-MIT", "LICENSE-APACHE"]), ("Reprieve.Native", ["lib/netstandard2.0/_._"])):
            place = self.place(name)
            for part in ["[Content_Types].xml", "_rels/.rels", f"{name}.nuspec", *parts]:
                need(os.path.isfile(os.path.join(place, part)), f"{name} lacks {part}")
            about = ElementTree.parse(os.path.join(place, f"{name}.nuspec"))
            space = {"n": "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"}
            need(about.findtext(".//n:id", "", space) == name and about.findtext(".//n:version", "", space) == self.version, f"{name}: id and version")
            if name == "Reprieve":
                groups = about.findall(".//n:group", space)
                need(sorted(group.get("targetFramework") for group in groups) == [".NETStandard2.0", ".NETStandard2.1"], "two frameworks")
                for group in groups:
                    framework = group.get("targetFramework")[1:].lower()
                    needs = [(item.get("id"), item.get("version")) for item in group.findall("n:dependency", space)]
                    need(needs == [("Reprieve.Native", self.version)], f"{framework} needs {needs}")
                    documented = os.path.join(place, "lib", framework, "Reprieve.Managed.xml")
                    with open(documented, encoding="utf-8") as file:
                        need("M:Reprieve.Feature.Check" in file.read(), f"{framework}: comments for the editor")
            # What a container's list of types must say of every part.
            types = ElementTree.parse(os.path.join(place, "[Content_Types].xml")).getroot()
            known = {item.get("Extension") for item in types} | {item.get("PartName") for item in types}
            for folder, _, files in os.walk(place):
                for file in files:
                    part = os.path.relpath(os.path.join(folder, file), place).replace(os.sep, "/")
                    ending = os.path.splitext(file)[1][1:]
                    need(part == "[Content_Types].xml" or ending in known or "/" + part in known or part == "_rels/.rels", f"{name}: the type of {part}")

    def the_library_is_stripped_and_has_only_its_own_names(self):
        library = os.path.join(self.place("Reprieve.Native"), "runtimes", "linux-x64", "native", "libreprieve.so")
        need(".symtab" not in run("readelf", "--sections", "--wide", library, folder=self.work), "it is not stripped")
        names = run("nm", "-D", "--defined-only", library, folder=self.work).split()[2::3]
        need(names and all(name.startswith("reprieve_") for name in names), f"it exports {names[:5]}")

    def built_by_mono_and_run(self):
        if not shutil.which("mcs") or not shutil.which("mono"):
            return "mcs and mono are not installed"
        facade = "/usr/lib/mono/4.5/Facades/netstandard.dll"
        if not os.path.exists(facade):
            return f"{facade} is missing; Debian's package mono-devel brings it"
        folder = self.consumer("mono")
        lib = os.path.join(self.place("Reprieve"), "lib", "netstandard2.0", "Reprieve.Managed.dll")
        run("mcs", "-warnaserror", "-langversion:7.2", f"-r:{lib}", f"-r:{facade}", "-out:Program.exe", "Program.cs", folder=folder)
        shutil.copy(lib, folder)
        # What the package's targets copy for .NET Framework, of which Mono is one.
        shutil.copy(os.path.join(self.place("Reprieve.Native"), "runtimes", "linux-x64", "native", "libreprieve.so"), folder)
        self.answered(run("mono", "Program.exe", folder=folder))
        return None

    def restored_built_and_run_by_dotnet(self):
        if self.dotnet is None:
            return "there is no dotnet; scripts/dotnet.sh fetches one to test with"
        folder = self.consumer("dotnet")
        version = run(self.dotnet, "--version", folder=folder, env=self.env).strip().splitlines()[-1]
        framework = "netcoreapp3.1" if version.startswith("3.") else f"net{version.split('.')[0]}.0"
        with open(os.path.join(folder, "Program.csproj"), "w", encoding="utf-8") as file:
            file.write(PROJECT.format(framework=framework, version=self.version))
        with open(os.path.join(folder, "NuGet.config"), "w", encoding="utf-8") as file:
            file.write(f'<configuration><packageSources><clear/><add key="here" value="{self.packages}"/></packageSources></configuration>')
        run(self.dotnet, "build", "-nologo", "-v:q", "-c", "Release", "-o", "out", folder=folder, env=self.env)
        out = os.path.join(folder, "out")
        need(os.path.isfile(os.path.join(out, "runtimes", "linux-x64", "native", "libreprieve.so")), "runtimes/RID/native is beside the program")
        need(not os.path.exists(os.path.join(out, "libreprieve.so")), "and is not copied once more")
        # A build for the developer's own machine looks into NuGet's cache too; a deployed one has no such file.
        if os.path.exists(os.path.join(out, "Program.runtimeconfig.dev.json")):
            os.remove(os.path.join(out, "Program.runtimeconfig.dev.json"))
        self.answered(run(self.dotnet, os.path.join("out", "Program.dll"), folder=folder, env=self.env))
        # Without it, the program says what is missing: so it was the package's library that answered.
        os.remove(os.path.join(out, "runtimes", "linux-x64", "native", "libreprieve.so"))
        try:
            run(self.dotnet, os.path.join("out", "Program.dll"), folder=folder, env=self.env)
        except Problem as problem:
            need("native/libreprieve.so: cannot open" in str(problem), f"the message: {problem}")
        else:
            raise Problem("another library answered")
        return None

    def the_targets_copy_the_library_for_dotnet_framework_alone(self):
        if self.dotnet is None:
            return "there is no dotnet; scripts/dotnet.sh fetches one to test with"
        for folder in ("build", "buildTransitive"):
            targets = os.path.join(self.place("Reprieve.Native"), folder, "Reprieve.Native.targets")
            for identifier, copied in ((".NETFramework", True), (".NETCoreApp", False)):
                project = os.path.join(self.work, "framework.proj")
                with open(project, "w", encoding="utf-8") as file:
                    file.write(FRAMEWORK.format(identifier=identifier, targets=targets))
                said = run(self.dotnet, "msbuild", "-nologo", project, "-t:Copied", folder=self.work, env=self.env)
                need(bool(re.search(r"copied: .*runtimes/linux-x64/native/libreprieve\.so", said)) == copied, f"{folder}, {identifier}: {said}")
        return None


def main():
    packages = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "packages"))
    passed = failed = skipped = 0
    if not os.path.isdir(packages) or not any(name.endswith(".nupkg") for name in os.listdir(packages)):
        print(f"not run: no .nupkg in {packages}; scripts/package/nuget.sh makes them")
        print("nuget: 0 passed, 0 failed, 1 not run")
        return 0
    with tempfile.TemporaryDirectory() as work:
        test = Test(packages, os.path.realpath(work))
        for case in (test.what_is_in_them, test.the_library_is_stripped_and_has_only_its_own_names, test.built_by_mono_and_run,
                     test.restored_built_and_run_by_dotnet, test.the_targets_copy_the_library_for_dotnet_framework_alone):
            try:
                why = case()
            except (Problem, OSError, subprocess.TimeoutExpired) as problem:
                print(f"FAILED {case.__name__}: {problem}")
                failed += 1
                continue
            if why:
                print(f"not run: {case.__name__}: {why}")
                skipped += 1
            else:
                passed += 1
    print(f"nuget: {passed} passed, {failed} failed, {skipped} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
