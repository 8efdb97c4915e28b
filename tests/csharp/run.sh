#!/bin/sh
# Tests the C# binding: run.sh mono compiles it by mcs and runs it by Mono; run.sh dotnet builds and runs it by .NET; without a word, the first,
# and the second where `dotnet` is on the path.
# REPRIEVE_LIB: the folder of the native library (target/release). REPRIEVE_CLI: the command line (REPRIEVE_LIB/reprieve), whose lines every
# scenario's must equal byte for byte. DOTNET: the `dotnet` to use; else the one on the path, else the one of scripts/dotnet.sh.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
lib=${REPRIEVE_LIB:-$root/target/release}
cli=${REPRIEVE_CLI:-$lib/reprieve}
dotnet=${DOTNET:-$(command -v dotnet || true)}
which=${1:-}
if [ "$which" = dotnet ] && [ -z "$dotnet" ] && [ -x "$root/build/dotnet/dotnet" ]; then dotnet=$root/build/dotnet/dotnet; fi
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT
failed=0

if [ ! -e "$lib/libreprieve.so" ] && [ ! -e "$lib/libreprieve.dylib" ]; then
    echo "not run: no native library in $lib; build it with: cargo build --release -p reprieve-c"
    exit 2
fi
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export DYLD_LIBRARY_PATH="$lib${DYLD_LIBRARY_PATH:+:$DYLD_LIBRARY_PATH}"

# What every scenario printed, against the lines of Rust. One process walks them all: a line `# NAME` goes before each.
compare() { # NAME COMMAND...
    name=$1
    shift
    same=0 other=0 unmet=0
    mkdir -p "$out/$name"
    "$@" "$root"/tests/scenarios/*.json > "$out/$name.lines" 2> "$out/$name.err" || {
        sed 's/^/FAILED: /' "$out/$name.err" | head -5
        failed=1
    }
    awk -v folder="$out/$name" '/^# / { file = folder "/" $2; printf "" > file; next } { print > file }' "$out/$name.lines"
    for file in "$root"/tests/scenarios/*.json; do
        scenario=$(basename "$file" .json)
        if [ -x "$cli" ]; then
            "$cli" drill --json "$file" > "$out/rust.lines" 2> "$out/rust.err"
            if cmp -s "$out/$name/$scenario" "$out/rust.lines"; then
                same=$((same + 1))
            else
                echo "FAILED: $name, $scenario prints other lines than Rust:"
                diff "$out/rust.lines" "$out/$name/$scenario" 2>&1 | head -4
                other=$((other + 1))
            fi
        elif [ -e "$out/$name/$scenario" ]; then
            same=$((same + 1))
        else
            other=$((other + 1))
        fi
        if command -v python3 > /dev/null; then
            python3 "$root/tests/csharp/expected.py" "$file" "$out/$name/$scenario" || unmet=$((unmet + 1))
        fi
    done
    if [ -x "$cli" ]; then
        echo "$name: $same scenarios print the lines of Rust, $other do not, $unmet do not meet what they expect"
    else
        echo "$name: $same scenarios walked, $other failed, $unmet do not meet what they expect"
        echo "not run: comparison with Rust's lines; there is no $cli"
    fi
    [ "$same" != 0 ] && [ "$other" = 0 ] && [ "$unmet" = 0 ] || failed=1
}

# The driver of renewals, whose library of HTTP not every Mono has. tests/renewing runs it.
http_with_mono() {
    if [ -e "$(dirname "$(command -v mono)")/../lib/mono/4.5/System.Net.Http.dll" ]; then
        mcs $flags -target:library -r:System.Net.Http.dll -out:"$out/Http.dll" "$root"/bindings/csharp/src/*.cs "$root"/bindings/csharp/http/*.cs
    else
        echo "not run: HttpDriver by Mono; its System.Net.Http is missing (Debian: libmono-system-net-http4.0-cil)"
    fi
}

with_mono() {
    flags="-langversion:7.2 -warn:4 -warnaserror+ -debug"
    # As Unity compiles it; and with the streams, whose types this Mono has.
    if mcs $flags -target:library -out:"$out/Plain.dll" "$root"/bindings/csharp/src/*.cs &&
        mcs $flags -define:REPRIEVE_INTERNAL -target:library -out:"$out/Internal.dll" "$root"/bindings/csharp/src/*.cs &&
        mcs $flags -define:REPRIEVE_ASYNC_STREAMS -target:library -doc:"$out/Reprieve.Managed.xml" -out:"$out/Reprieve.Managed.dll" \
            "$root"/bindings/csharp/src/*.cs &&
        http_with_mono &&
        mcs $flags -define:REPRIEVE_ASYNC_STREAMS -r:"$out/Reprieve.Managed.dll" -out:"$out/Tests.exe" "$root"/tests/csharp/*Tests.cs &&
        mcs $flags -r:"$out/Reprieve.Managed.dll" -out:"$out/Conformance.exe" "$root/tests/csharp/Conformance.cs"; then
        mono --debug "$out/Tests.exe" "$root/include/reprieve.h" || failed=1
        compare mono mono "$out/Conformance.exe"
    else
        echo "FAILED: mcs does not compile the binding"
        failed=1
    fi
}

with_dotnet() {
    export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_ROLL_FORWARD=LatestMajor DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
    export DOTNET_CLI_HOME="$out/net" DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1
    DOTNET_ROOT=$(dirname "$(readlink -f "$dotnet")")
    export DOTNET_ROOT
    version=$("$dotnet" --version)
    case $version in
        3.*) framework=netcoreapp3.1 ;;
        *) framework=net${version%%.*}.0 ;;
    esac
    mkdir -p "$out/net/lib" "$out/net/tests" "$out/net/conformance"
    # Nothing is fetched: the SDK's own reference assemblies are enough, netstandard2.0's among them, which it keeps for its tasks.
    echo '<configuration><packageSources><clear/></packageSources></configuration>' > "$out/net/NuGet.config"
    standard=$DOTNET_ROOT/sdk/$version/ref/netstandard.dll
    cp "$root/bindings/csharp/Reprieve.csproj" "$root/bindings/csharp/README.md" "$out/net/lib/"
    cp -r "$root/bindings/csharp/src" "$root/bindings/csharp/http" "$out/net/lib/"
    for program in tests:Tests:*Tests.cs conformance:Conformance:Conformance.cs; do
        folder=${program%%:*} sources=${program##*:} name=${program#*:}
        cat > "$out/net/$folder/${name%%:*}.csproj" << END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>$framework</TargetFramework><LangVersion>7.3</LangVersion>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors><UseAppHost>false</UseAppHost><EnableDefaultCompileItems>false</EnableDefaultCompileItems>
  </PropertyGroup>
  <ItemGroup>
    <Compile Include="$root/tests/csharp/$sources" /><Reference Include="$out/net/lib/bin/Release/netstandard2.1/Reprieve.Managed.dll" />
  </ItemGroup>
</Project>
END
    done
    build() {
        "$dotnet" build -nologo -v:q -c Release "$@" > "$out/net/log" 2>&1 || { grep -E 'error|warn' "$out/net/log" | sort -u | head -20; return 1; }
    }
    frameworks="netstandard2.1;$framework"
    if [ -e "$standard" ]; then
        frameworks="netstandard2.0;$frameworks"
    else
        echo "not run: netstandard2.0 by .NET; the SDK has no reference assembly of it"
    fi
    if build "$out/net/lib/Reprieve.csproj" "-p:TargetFrameworks=\"$frameworks\"" "-p:NetStandard20Reference=$standard" &&
        build -o "$out/net/tests/bin" "$out/net/tests/Tests.csproj" &&
        build -o "$out/net/conformance/bin" "$out/net/conformance/Conformance.csproj"; then
        echo "dotnet: SDK $version builds it for $frameworks with annotations for null, no warning"
        "$dotnet" "$out/net/tests/bin/Tests.dll" "$root/include/reprieve.h" || failed=1
        compare dotnet "$dotnet" "$out/net/conformance/bin/Conformance.dll"
    else
        echo "FAILED: dotnet $version does not build the binding"
        failed=1
    fi
}

if [ "$which" != dotnet ]; then
    if command -v mcs > /dev/null && command -v mono > /dev/null; then
        with_mono
    else
        echo "not run: Mono; mcs and mono are not installed"
    fi
fi
if [ "$which" != mono ]; then
    if [ -n "$dotnet" ]; then
        with_dotnet
    else
        echo "not run: .NET; there is no dotnet; scripts/dotnet.sh fetches one to test with"
        [ "$which" = dotnet ] && exit 2
    fi
fi

[ "$failed" = 0 ] && echo "C#: all passed" || echo "C#: something failed"
exit $failed
