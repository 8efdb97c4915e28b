using System.IO;
using UnrealBuildTool;

public class ReprieveOutpost : ModuleRules
{
	public ReprieveOutpost(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = ModuleRules.PCHUsageMode.UseExplicitOrSharedPCHs;

		PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "Engine", "Reprieve" });
		PrivateDependencyModuleNames.AddRange(new string[] { "Projects" });

		RuntimeDependencies.Add(Path.Combine(PluginDirectory, "Resources", "Outpost", "outpost.json"));
		RuntimeDependencies.Add(Path.Combine(PluginDirectory, "Resources", "Outpost", "words.txt"));
	}
}
