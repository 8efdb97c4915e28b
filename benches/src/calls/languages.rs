//! From Python, C# and Lua.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Bench, beside, columns, output, package, root, sources};
use crate::Result;
use crate::rows::{Row, Times};

const ROUNDS: u32 = 1000;
/// Fewer than from C, as a call may take ten times as long.
const CHECKS: u32 = 4_000;

pub fn rows(folder: &Path) -> Result<Vec<Row>> {
    let bench = Bench::new(folder)?;
    let mut rows = python(&bench);
    rows.extend([dotnet(&bench), mono(&bench), lua(&bench)]);
    Ok(rows)
}

fn or_not_run(row: Result<Row>, work: &'static str, against: &'static str, at_most: f64) -> Row {
    row.unwrap_or_else(|why| Row::not_run(work, against, at_most, why.to_string()))
}

const ALLOWED: (&str, &str, f64) = ("Python `client.allowed(feature)`", "an empty PyO3 method of the same shape", 1.8);
const DECISION: (&str, &str, f64) = ("Python `feature.check()`, the whole decision", "the same empty PyO3 method", 4.0);

fn python(bench: &Bench) -> Vec<Row> {
    let measure = || -> Result<Vec<Row>> {
        let modules = bench.folder.join("python");
        std::fs::create_dir_all(&modules)?;
        let python = root().join("build/venv/bin/python");
        output(Command::new(&python).args(["-m", "zipfile", "-e"]).arg(package::wheel()?).arg(&modules))?;
        std::fs::copy(beside("reprieve-bench-empty")?, modules.join("empty.abi3.so"))?;
        let mut command = Command::new(&python);
        command.arg(sources().join("calls.py")).arg(&bench.app).args([ROUNDS.to_string(), CHECKS.to_string()]);
        let [allowed, empty, decision, loops] = columns(command.env("PYTHONPATH", &modules))?;
        // A loop of Python's costs as much as the call: what is compared is the call alone.
        let alone = |times: &Times| times.iter().zip(&loops).map(|(time, empty)| time.saturating_sub(*empty)).collect();
        let (allowed, empty, decision): (Times, Times, Times) = (alone(&allowed), alone(&empty), alone(&decision));
        Ok(vec![
            Row::ratio(ALLOWED.0, ALLOWED.1, ALLOWED.2, CHECKS, &allowed, &empty),
            Row::ratio(DECISION.0, DECISION.1, DECISION.2, CHECKS, &decision, &empty),
        ])
    };
    measure().unwrap_or_else(|why| {
        let why = why.to_string();
        [ALLOWED, DECISION].map(|(work, beside, at_most)| Row::not_run(work, beside, at_most, why.as_str())).into()
    })
}

const PINVOKE: &str = "an empty P/Invoke of the same shape, and C's figure";

/// The sources of the binding and of the program.
fn csharp() -> Result<Vec<PathBuf>> {
    let mut files = vec![sources().join("Calls.cs")];
    for entry in std::fs::read_dir(root().join("bindings/csharp/src"))? {
        files.push(entry?.path());
    }
    Ok(files)
}

/// A program that times checks, the empty call, and C's loop in one process.
fn beside_both(work: &'static str, bench: &Bench, command: &mut Command) -> Result<Row> {
    command.arg(&bench.app).args([ROUNDS.to_string(), CHECKS.to_string()]).env("LD_LIBRARY_PATH", &bench.folder);
    let [ours, empty, c] = columns(command)?;
    let both: Times = empty.iter().zip(&c).map(|(empty, c)| *empty + *c).collect();
    Ok(Row::ratio(work, PINVOKE, 1.25, CHECKS, &ours, &both))
}

fn mono(bench: &Bench) -> Row {
    const WORK: &str = "C# on Mono, by handle";
    let measure = || {
        let program = bench.folder.join("Calls.exe");
        let mut compile = Command::new("mcs");
        compile.args(["-optimize+", "-langversion:7.2"]).arg(format!("-out:{}", program.display())).args(csharp()?);
        output(&mut compile)?;
        beside_both(WORK, bench, Command::new("mono").arg(&program))
    };
    or_not_run(measure(), WORK, PINVOKE, 1.25)
}

/// The `dotnet` to use, as the tests of the binding find it, keeping its own files in `home`.
fn dotnet_command(home: &Path) -> Command {
    let rig = root().join("build/dotnet/dotnet");
    let found = std::env::var_os("DOTNET").map(PathBuf::from);
    let path = found.unwrap_or(if rig.exists() { rig.clone() } else { PathBuf::from("dotnet") });
    let mut command = Command::new(&path);
    if path == rig
        && let Some(folder) = rig.parent().and_then(|folder| folder.canonicalize().ok())
    {
        command.env("DOTNET_ROOT", folder);
    }
    for (name, value) in [
        ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
        ("DOTNET_NOLOGO", "1"),
        ("DOTNET_ROLL_FORWARD", "LatestMajor"),
        ("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1"),
        ("DOTNET_SKIP_FIRST_TIME_EXPERIENCE", "1"),
        ("MSBUILDDISABLENODEREUSE", "1"),
    ] {
        command.env(name, value);
    }
    command.env("DOTNET_CLI_HOME", home);
    command
}

fn dotnet(bench: &Bench) -> Row {
    const WORK: &str = "C# on .NET, by handle";
    let measure = || {
        let project = bench.folder.join("dotnet");
        std::fs::create_dir_all(&project)?;
        let version = output(dotnet_command(&project).arg("--version"))?;
        let major = version.trim().split('.').next().unwrap_or_default().to_owned();
        let framework = if major == "3" { "netcoreapp3.1".to_owned() } else { format!("net{major}.0") };
        let compiled: String =
            csharp()?.iter().map(|file| format!("    <Compile Include=\"{}\" />\n", file.display())).collect();
        std::fs::write(
            project.join("Calls.csproj"),
            format!(
                "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <PropertyGroup>\n    <OutputType>Exe</OutputType>\n    \
                 <TargetFramework>{framework}</TargetFramework>\n    <UseAppHost>false</UseAppHost>\n    \
                 <AllowUnsafeBlocks>true</AllowUnsafeBlocks>\n    <LangVersion>8.0</LangVersion>\n    \
                 <EnableDefaultCompileItems>false</EnableDefaultCompileItems>\n  </PropertyGroup>\n  <ItemGroup>\n{compiled}  \
                 </ItemGroup>\n</Project>\n"
            ),
        )?;
        // Nothing is fetched.
        let no_sources = "<configuration><packageSources><clear/></packageSources></configuration>\n";
        std::fs::write(project.join("NuGet.config"), no_sources)?;
        let mut build = dotnet_command(&project);
        output(build.args(["build", "-nologo", "-v:q", "-c", "Release", "-o", "bin"]).current_dir(&project))?;
        beside_both(WORK, bench, dotnet_command(&project).arg(project.join("bin/Calls.dll")))
    };
    or_not_run(measure(), WORK, PINVOKE, 1.25)
}

fn lua(bench: &Bench) -> Row {
    const WORK: &str = "LuaJIT, by handle";
    const BESIDE: &str = "check by handle, from C";
    let measure = || {
        let mut command = Command::new("luajit");
        command.arg(sources().join("calls.lua")).arg(&bench.app).args([ROUNDS.to_string(), CHECKS.to_string()]);
        command.env("LUA_PATH", format!("{};;", root().join("bindings/lua/?.lua").display()));
        let [ours, c] = columns(command.env("LD_LIBRARY_PATH", &bench.folder).env("REPRIEVE_LIB", &bench.folder))?;
        Ok(Row::ratio(WORK, BESIDE, 1.25, CHECKS, &ours, &c))
    };
    or_not_run(measure(), WORK, BESIDE, 1.25)
}
