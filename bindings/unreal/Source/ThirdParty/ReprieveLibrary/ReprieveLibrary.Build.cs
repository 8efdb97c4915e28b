using System.IO;
using UnrealBuildTool;

// The header, and the shared library as a file that goes with the program. Nothing is linked: the plugin loads the library by its path and takes its functions one
// by one, so that an editor or a game without it starts all the same, on every platform. So there is no import library, and nothing to load with delay.
public class ReprieveLibrary : ModuleRules
{
	public ReprieveLibrary(ReadOnlyTargetRules Target) : base(Target)
	{
		Type = ModuleType.External;

		PublicSystemIncludePaths.Add(Path.Combine(ModuleDirectory, "include"));

		string Platform = null, Library = null;
		if (Target.Platform == UnrealTargetPlatform.Win64)
		{
			Platform = "Win64";
			Library = "reprieve.dll";
		}
		else if (Target.Platform == UnrealTargetPlatform.Linux)
		{
			Platform = "Linux";
			Library = "libreprieve.so";
		}
		else if (Target.Platform == UnrealTargetPlatform.Mac)
		{
			Platform = "Mac";
			Library = "libreprieve.dylib";
		}
		if (Library != null)
		{
			string Source = Path.Combine(ModuleDirectory, Platform, Library);
			if (File.Exists(Source))
			{
				RuntimeDependencies.Add(Path.Combine("$(PluginDir)", "Binaries", "ThirdParty", "ReprieveLibrary", Platform, Library), Source);
			}
		}
	}
}
