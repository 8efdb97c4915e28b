#!/usr/bin/env python3
"""Every driver of renewals against a server that is faulty in every way: each must tell the same outcome, and report the same outage.

Names and addresses are of an /etc/hosts of its own, in a mount namespace; where none can be had, those rows are not run.

The drivers: the library's own HTTP from C, C# and Lua; libcurl; C#'s HttpClient on Mono; Python's standard library, on a thread and by asyncio.
The library is taken from the folder that REPRIEVE_LIB names (target/release); one with HTTP from REPRIEVE_HTTP_LIB, else it is built into
target/http. Prints the table, then `renewing: N passed, M failed, K not run`; ends with 1 if anything failed.
"""

import concurrent.futures
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "abi"))
from kit import INCLUDE, LIB, WARNINGS, failed, note, passed, run, skip, skipped, tool

from library import http_library
from server import HOSTS, Faulty

DRIVERS = ROOT / "bindings" / "c" / "drivers"
# Long enough for a slow machine's TLS, short enough for rows that wait for it.
MILLISECONDS = "4000"

# What a driver cannot do, as what lies below it cannot: HttpClient tries a name's addresses one after the other, each for as long as the system
# does, and has no way of its own to do otherwise that all its platforms know; and Mono compares no addresses with those of a certificate.
LIMITS = {
    ("HttpClient on Mono", "the first address a black hole"): "it stays with the first",
    ("HttpClient on .NET", "the first address a black hole"): "it stays with the first",
    ("HttpClient on Mono", "a literal IPv6 address"): "Mono looks for names alone in a certificate",
    ("HttpClient on Mono", "a literal IPv4 address"): "Mono looks for names alone in a certificate",
}


def of_curl(work):
    gcc, config = tool("gcc", "cc", "clang"), tool("curl-config")
    if not gcc or not config:
        return None, "a compiler is missing" if not gcc else "libcurl's header is missing (Debian: libcurl4-openssl-dev)"
    curl = subprocess.run([config, "--cflags", "--libs"], capture_output=True, text=True, check=True).stdout.split()
    sources = [HERE / "probe.c", DRIVERS / "reprieve_curl.c"]
    problem = None
    for standard in ("c99", "c11"):
        flags = [f"-std={standard}", "-D_POSIX_C_SOURCE=200809L", "-DWITH_CURL", "-g", *WARNINGS, "-Wshadow", f"-I{INCLUDE}", f"-I{DRIVERS}"]
        libraries = [f"-L{LIB}", "-lreprieve", f"-Wl,-rpath,{LIB}", *curl]
        problem = problem or run([gcc, *flags, *sources, "-o", work / "curl-probe", *libraries])[0]
    note("libcurl's driver compiles", problem)
    return (None if problem else [work / "curl-probe", "curl"]), problem


def of_c(work, http):
    gcc = tool("gcc", "cc", "clang")
    if not gcc:
        return None, "a compiler is missing"
    command = [gcc, "-std=c99", "-D_POSIX_C_SOURCE=200809L", *WARNINGS, f"-I{INCLUDE}", HERE / "probe.c", "-o", work / "c-probe"]
    problem = run([*command, f"-L{http}", "-lreprieve", f"-Wl,-rpath,{http}"])[0]
    note("the program with the library's own HTTP compiles", problem)
    return (None if problem else [work / "c-probe", "builtin"]), problem


def of_csharp(work, roots):
    """Compiled by mcs, run by Mono, which trusts the test's authority in a home of its own."""
    if not tool("mcs") or not tool("mono") or not tool("cert-sync"):
        return None, "mcs, mono or cert-sync is missing (Debian: mono-mcs, mono-runtime, ca-certificates-mono)"
    csharp = ROOT / "bindings" / "csharp"
    sources = [*sorted((csharp / "src").glob("*.cs")), *sorted((csharp / "http").glob("*.cs")), HERE / "Probe.cs"]
    flags = ["-langversion:7.2", "-warn:4", "-warnaserror+", "-r:System.Net.Http.dll"]
    problem = run(["mcs", *flags, f"-out:{work / 'Probe.exe'}", *sources])[0]
    if problem and "System.Net.Http.dll" in problem:
        return None, "Mono's System.Net.Http is missing (Debian: libmono-system-net-http4.0-cil)"
    problem = problem or run(["cert-sync", "--user", roots], env={"HOME": str(work)})[0]
    note("C#'s driver compiles", problem)
    return (None if problem else ["mono", "--debug", work / "Probe.exe"]), problem


def of_dotnet(work):
    """Built and run by .NET, which trusts what OpenSSL's variable names. Nothing is fetched for it."""
    dotnet = os.environ.get("DOTNET") or tool("dotnet") or str(ROOT / "build" / "dotnet" / "dotnet")
    if not os.access(dotnet, os.X_OK):
        return None, "there is no dotnet; scripts/dotnet.sh fetches one to test with", {}
    folder = work / "dotnet"
    folder.mkdir()
    environment = {
        "DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1", "DOTNET_ROLL_FORWARD": "LatestMajor", "DOTNET_CLI_HOME": str(folder),
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1", "MSBUILDDISABLENODEREUSE": "1",
        "DOTNET_ROOT": str(pathlib.Path(dotnet).resolve().parent),
    }  # fmt: skip
    problem, version = run([dotnet, "--version"], env=environment)
    framework = "netcoreapp3.1" if version.startswith(b"3.") else f"net{version.decode().split('.')[0]}.0"
    (folder / "NuGet.config").write_text("<configuration><packageSources><clear/></packageSources></configuration>")
    csharp = ROOT / "bindings" / "csharp"
    (folder / "Probe.csproj").write_text(f"""<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>{framework}</TargetFramework><LangVersion>7.3</LangVersion>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors><UseAppHost>false</UseAppHost><EnableDefaultCompileItems>false</EnableDefaultCompileItems>
  </PropertyGroup>
  <ItemGroup><Compile Include="{csharp}/src/*.cs;{csharp}/http/*.cs;{HERE}/Probe.cs" /></ItemGroup>
</Project>
""")
    build = [dotnet, "build", "-nologo", "-v:q", "-c", "Release", "-o", folder / "bin", folder / "Probe.csproj"]
    problem = problem or run(build, env=environment)[0]
    note("C#'s driver is built by .NET", problem)
    return (None if problem else [dotnet, folder / "bin" / "Probe.dll", "http"]), problem, environment


def drivers(work, roots):
    """Each driver: its name, (command or None, why not), environment."""
    http, why = http_library()
    yield "Rust by C", of_c(work, http) if http else (None, why), {}
    luajit = tool("luajit")
    lua = [luajit, HERE / "probe.lua"] if luajit else None
    path = {"LUA_PATH": f"{ROOT / 'bindings' / 'lua'}/?.lua"}
    yield "Rust by Lua", (lua, "luajit is missing") if http else (None, why), {**path, "REPRIEVE_LIB": str(http)}
    yield "libcurl", of_curl(work), {}
    mono, why_not = of_csharp(work, roots)
    home = {"HOME": str(work)}
    yield "HttpClient on Mono", (mono and [*mono, "http"], why_not), {**home, "LD_LIBRARY_PATH": str(LIB)}
    yield "Rust by C#", (mono and http and [*mono, "builtin"], why_not or why), {**home, "LD_LIBRARY_PATH": str(http)}


    command, why_not, environment = of_dotnet(work)
    yield "HttpClient on .NET", (command, why_not), {**environment, "LD_LIBRARY_PATH": str(LIB), "SSL_CERT_FILE": str(roots)}
    # The package beside this interpreter: the wheel of `make build`.
    package = not run([sys.executable, "-c", "import reprieve.renewing"])[0]
    for how in ("thread", "asyncio"):
        command = [sys.executable, "-X", "dev", "-W", "error", HERE / "probe.py", how] if package else None
        yield f"Python, {how}", (command, "the wheel is not installed beside this interpreter"), {}


def looked_in_time(once, folder):
    """What `once` says of a row, with a folder for a ledger of its own. After a failure of the network's a probe comes within 5 s, at a moment that is
    drawn: where it is answered before anybody has looked, it is what ended last, and the row is done again."""
    for turn in range(4):
        said = once(folder / str(turn))
        if not said.startswith("reached|"):
            break
    return said


def row_of(faulty, work, command, environment, name, row):
    folder = work / name.replace(" ", "-").replace(",", "") / str(faulty.rows.index(row))
    return looked_in_time(lambda place: once(faulty, place, command, environment, row), folder)


def once(faulty, folder, command, environment, row):
    app = faulty.app(folder, row[1])
    environment = {**{key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}, **environment}
    parts = [str(part) for part in (*command, app, faulty.certificates.roots, MILLISECONDS)]
    try:
        done = subprocess.run(parts, capture_output=True, text=True, timeout=120, env=environment)
    except subprocess.TimeoutExpired:
        return "took longer than 120 s"
    if done.returncode:
        return f"ended with {done.returncode}: {done.stdout[-300:]} {done.stderr[-1500:]}"
    return done.stdout.strip()


def with_hosts():
    """Runs this again where /etc/hosts is the test's own, and nobody else's: what it ended with, or None."""
    unshare = tool("unshare")
    if os.environ.get("REPRIEVE_TEST_HOSTS") or not unshare:
        return None
    with tempfile.NamedTemporaryFile("w", prefix="reprieve-hosts-") as hosts:
        hosts.write(HOSTS)
        hosts.flush()
        os.chmod(hosts.name, 0o644)
        inside = [unshare, "--mount"] if os.geteuid() == 0 else [unshare, "--map-root-user", "--mount"]
        inside += ["sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts.name]
        if run([*inside, "true"])[0]:
            return None
        environment = {**os.environ, "REPRIEVE_TEST_HOSTS": hosts.name}
        return subprocess.run([*inside, sys.executable, *sys.argv], env=environment).returncode


def no_addresses():
    """Why names and addresses cannot be tested: None if they can."""
    try:
        found = [one[4][0] for one in socket.getaddrinfo("both.test", 1, type=socket.SOCK_STREAM)]
        if found != ["::1", "127.0.0.1"]:
            return f"both.test is {', '.join(found)}"
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError as error:
        return f"no namespace with names of its own, or no IPv6: {error}"
    return None


def unloaded(work, faulty):
    """A host that unloads the library while an attempt is in the midst of a black hole."""
    what, gcc, (http, why) = "the library is unloaded in the midst of an attempt", tool("gcc", "cc", "clang"), http_library()
    if not gcc or not http or sys.platform != "linux":
        return skip(what, why or ("a compiler is missing" if not gcc else "this is no Linux"))
    problem = run([gcc, "-std=c99", "-D_POSIX_C_SOURCE=200809L", *WARNINGS, f"-I{INCLUDE}", HERE / "unload.c", "-o", work / "unload", "-ldl", "-lpthread"])[0]
    url = next(row[1] for row in faulty.rows if row[0] == "a black hole")
    command = [work / "unload", http / "libreprieve.so", faulty.app(work / "unloaded", url), faulty.certificates.roots]
    problem, out = (problem, b"") if problem else run(command, timeout=60)
    return note(what, problem or (None if out == b"still there\n" else out.decode(errors="replace")))


def main():
    only = sys.argv[1:]
    ended = with_hosts()
    if ended is not None:
        return ended
    why_not = no_addresses()
    if why_not:
        skip("names and addresses", why_not)
    # Most of a row is a wait for a time-out: so many at once, also while the next driver is still being built.
    pool = concurrent.futures.ThreadPoolExecutor(6)
    with tempfile.TemporaryDirectory(prefix="reprieve-renewing-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder, pool:
        work = pathlib.Path(folder)
        faulty = Faulty(work, addresses=not why_not)
        jobs, names = [], []
        for name, (command, why), environment in drivers(work, faulty.certificates.roots):
            if only and name not in only:
                continue
            if command is None:
                if name not in failed:
                    skip(name, why)
                continue
            names.append(name)
            rows = [row for row in faulty.rows if (name, row[0]) not in LIMITS]
            jobs += [(row[0], name, pool.submit(row_of, faulty, work, command, environment, name, row)) for row in rows]
        table = {(what, name): job.result() for what, name, job in jobs}
        for what, _, word, reported, when in faulty.rows:
            expected = f"{word}|{reported}|{when}|{'full' if word == 'renewed' else 'denied'}"
            for name in names:
                if (name, what) in LIMITS:
                    skip(f"{what} by {name}", LIMITS[name, what])
            told = {name: table[what, name] for name in names if (name, what) not in LIMITS}
            print(f"{what:32} {word:22} {reported:8} " + " ".join("=" if said == expected else f"{name}: {said}" for name, said in told.items()))
            for name, said in told.items():
                note(f"{what} by {name}", None if said == expected else f"expected {expected}, got {said}")
        if not only or "unloading" in only:
            unloaded(work, faulty)
        if names:
            note("what was sent is what poll said", "\n".join(faulty.wrong) or (None if faulty.served else "nothing was served"))
    print(f"the table is of {len(faulty.rows)} rows by: {', '.join(names)}")
    print(f"renewing: {len(passed)} passed, {len(failed)} failed, {len(skipped)} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
