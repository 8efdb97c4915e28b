#!/bin/sh
# Tests the C# binding: compiled by mcs and run by Mono; and, where `dotnet` is on the path, built and run by that too.
# REPRIEVE_LIB: the folder of the native library (target/release). REPRIEVE_CLI: the command line (REPRIEVE_LIB/reprieve), whose lines every
# scenario's must equal byte for byte. DOTNET: the `dotnet` to use.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
lib=${REPRIEVE_LIB:-$root/target/release}
cli=${REPRIEVE_CLI:-$lib/reprieve}
dotnet=${DOTNET:-$(command -v dotnet || true)}
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT
failed=0

if [ ! -e "$lib/libreprieve.so" ] && [ ! -e "$lib/libreprieve.dylib" ]; then
    echo "not run: no native library in $lib; build it with: cargo build --release -p reprieve-c"
    exit 2
fi
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export DYLD_LIBRARY_PATH="$lib${DYLD_LIBRARY_PATH:+:$DYLD_LIBRARY_PATH}"

# What every scenario printed, against the lines of Rust.
compare() { # NAME COMMAND...
    name=$1
    shift
    same=0 other=0 unmet=0
    for file in "$root"/tests/scenarios/*.json; do
        scenario=$(basename "$file" .json)
        "$@" "$file" > "$out/$name.lines" 2> "$out/$name.err" || {
            echo "FAILED: $name, $scenario: $(head -1 "$out/$name.err")"
            other=$((other + 1))
            continue
        }
        if [ -x "$cli" ]; then
            "$cli" drill --json "$file" > "$out/rust.lines" 2> "$out/rust.err"
            if cmp -s "$out/$name.lines" "$out/rust.lines"; then
                same=$((same + 1))
            else
                echo "FAILED: $name, $scenario prints other lines than Rust:"
                diff "$out/rust.lines" "$out/$name.lines" | head -4
                other=$((other + 1))
            fi
        else
            same=$((same + 1))
        fi
        if command -v python3 > /dev/null; then
            python3 "$root/tests/csharp/expected.py" "$file" "$out/$name.lines" || unmet=$((unmet + 1))
        fi
    done
    if [ -x "$cli" ]; then
        echo "$name: $same scenarios print the lines of Rust, $other do not, $unmet do not meet what they expect"
    else
        echo "$name: $same scenarios walked, $other failed, $unmet do not meet what they expect"
        echo "not run: comparison with Rust's lines; there is no $cli"
    fi
    [ "$other" = 0 ] && [ "$unmet" = 0 ] || failed=1
}

if command -v mcs > /dev/null && command -v mono > /dev/null; then
    flags="-langversion:7.2 -warn:4 -warnaserror+ -debug"
    if mcs $flags -target:library -doc:"$out/Reprieve.Managed.xml" -out:"$out/Reprieve.Managed.dll" "$root"/bindings/csharp/src/*.cs &&
        mcs $flags -define:REPRIEVE_INTERNAL -target:library -out:"$out/Internal.dll" "$root"/bindings/csharp/src/*.cs &&
        mcs $flags -r:"$out/Reprieve.Managed.dll" -out:"$out/Tests.exe" "$root/tests/csharp/Tests.cs" &&
        mcs $flags -r:"$out/Reprieve.Managed.dll" -out:"$out/Conformance.exe" "$root/tests/csharp/Conformance.cs"; then
        mono --debug "$out/Tests.exe" "$root/include/reprieve.h" || failed=1
        compare mono mono "$out/Conformance.exe"
    else
        echo "FAILED: mcs does not compile the binding"
        failed=1
    fi
else
    echo "not run: Mono; mcs and mono are not installed"
fi

if [ -n "$dotnet" ] && "$dotnet" --version > /dev/null 2>&1; then
    export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_ROLL_FORWARD=LatestMajor
    version=$("$dotnet" --version)
    case $version in
        3.*) framework=netcoreapp3.1 ;;
        *) framework=net${version%%.*}.0 ;;
    esac
    mkdir -p "$out/net/lib" "$out/net/tests" "$out/net/conformance"
    # Nothing is fetched: the SDK's own reference assemblies are enough.
    echo '<configuration><packageSources><clear/></packageSources></configuration>' > "$out/net/NuGet.config"
    cp "$root/bindings/csharp/Reprieve.csproj" "$out/net/lib/"
    cp -r "$root/bindings/csharp/src" "$out/net/lib/"
    for program in tests:Tests conformance:Conformance; do
        cat > "$out/net/${program%%:*}/${program##*:}.csproj" << END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>$framework</TargetFramework><LangVersion>7.3</LangVersion>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors><UseAppHost>false</UseAppHost><EnableDefaultCompileItems>false</EnableDefaultCompileItems>
  </PropertyGroup>
  <ItemGroup>
    <Compile Include="$root/tests/csharp/${program##*:}.cs" /><Reference Include="$out/net/lib/bin/Reprieve.Managed.dll" />
  </ItemGroup>
</Project>
END
    done
    build() {
        "$dotnet" build -nologo -v:q -c Release -o "$@" > "$out/net/log" 2>&1 || { grep -E 'error|warn' "$out/net/log" | sort -u | head -20; return 1; }
    }
    if build "$out/net/lib/bin" "$out/net/lib/Reprieve.csproj" -p:TargetFrameworks=netstandard2.1 &&
        build "$out/net/tests/bin" "$out/net/tests/Tests.csproj" &&
        build "$out/net/conformance/bin" "$out/net/conformance/Conformance.csproj"; then
        "$dotnet" "$out/net/tests/bin/Tests.dll" "$root/include/reprieve.h" || failed=1
        compare dotnet "$dotnet" "$out/net/conformance/bin/Conformance.dll"
    else
        echo "FAILED: dotnet $version does not build the binding"
        failed=1
    fi
else
    echo "not run: .NET; there is no dotnet"
fi

[ "$failed" = 0 ] && echo "C#: all passed" || echo "C#: something failed"
exit $failed
