#include "Async/Async.h"
#include "Engine/GameInstance.h"
#include "Engine/World.h"
#include "HAL/IConsoleManager.h"
#include "Misc/FileHelper.h"
#include "Modules/ModuleManager.h"
#include "ReprieveDrill.h"
#include "ReprieveLibrary.h"
#include "ReprieveSubsystem.h"

/** Finds the native library as the module starts; whether it can be used or not, the module does. */
class FReprieveModule : public IModuleInterface
{
public:
	virtual void StartupModule() override
	{
		FReprieveLibrary::Load();
	}

	// After all game instances: features that somebody still holds say unknown from now on.
	virtual void ShutdownModule() override
	{
		FReprieveLibrary::Unload();
	}
};

IMPLEMENT_MODULE(FReprieveModule, Reprieve)

namespace
{
	void ShowStatus(const TArray<FString>&, UWorld* World)
	{
		const UGameInstance* Game = World != nullptr ? World->GetGameInstance() : nullptr;
		const UReprieveSubsystem* Subsystem = Game != nullptr ? Game->GetSubsystem<UReprieveSubsystem>() : nullptr;
		if (FReprieveLibrary::Get() == nullptr)
		{
			UE_LOG(LogReprieve, Display, TEXT("%s"), *FReprieveLibrary::Trouble());
		}
		else if (Subsystem == nullptr || !Subsystem->IsOpen())
		{
			const FString Trouble = Subsystem != nullptr ? Subsystem->GetTrouble() : FString();
			UE_LOG(LogReprieve, Display, TEXT("no ledger is open; %s"), Trouble.IsEmpty() ? TEXT("set the SKU in the project's settings, or call Open") : *Trouble);
		}
		else
		{
			UE_LOG(LogReprieve, Display, TEXT("%s"), *Subsystem->StatusJson());
		}
	}

	/** Plays a scenario to its end, away from the game thread, and logs whenever the decision says something else. */
	void PlayDrill(const TArray<FString>& Arguments, UWorld*)
	{
		FString Scenario;
		if (Arguments.Num() < 3 || !FFileHelper::LoadFileToString(Scenario, *Arguments[0]))
		{
			UE_LOG(LogReprieve, Display, TEXT("Reprieve.Drill FILE SKU FEATURE ...: FILE is a scenario (JSON) that can be read"));
			return;
		}
		Async(EAsyncExecution::ThreadPool, [Arguments, Scenario]()
		{
			FString Trouble;
			const TSharedPtr<FReprieveDrillPlayer, ESPMode::ThreadSafe> Player = FReprieveDrillPlayer::Create(Scenario, Arguments[1], Trouble);
			const FReprieveLibrary* Library = FReprieveLibrary::Get();
			if (!Player.IsValid() || Library == nullptr)
			{
				UE_LOG(LogReprieve, Error, TEXT("the drill cannot be played: %s"), *Trouble);
				return;
			}
			TMap<FString, FString> Before;
			do
			{
				for (int32 At = 2; At < Arguments.Num(); At++)
				{
					const FReprieveDecision Decision = Player->Feature(Arguments[At]).Check();
					const FString Said = FString::Printf(TEXT("%s (%s, %s)"), UTF8_TO_TCHAR(Library->access_str(static_cast<uint32>(Decision.Access))),
						UTF8_TO_TCHAR(Library->state_str(static_cast<uint32>(Decision.State))), UTF8_TO_TCHAR(Library->reason_str(static_cast<uint32>(Decision.Reason))));
					const FString* Last = Before.Find(Arguments[At]);
					if (Last == nullptr || *Last != Said)
					{
						Before.Add(Arguments[At], Said);
						const int64 Minutes = Player->ElapsedSeconds() / 60;
						UE_LOG(LogReprieve, Display, TEXT("day %lld %02lld:%02lld %s: %s"), Minutes / 1440, Minutes / 60 % 24, Minutes % 60, *Arguments[At], *Said);
					}
				}
			}
			while (Player->Tick(Trouble));
			if (!Trouble.IsEmpty())
			{
				UE_LOG(LogReprieve, Error, TEXT("the drill ended early: %s"), *Trouble);
			}
			UE_LOG(LogReprieve, Display, TEXT("the drill has ended"));
		});
	}

	FAutoConsoleCommandWithWorldAndArgs StatusCommand(TEXT("Reprieve.Status"), TEXT("Shows the features of the open ledger, as JSON."),
		FConsoleCommandWithWorldAndArgsDelegate::CreateStatic(&ShowStatus));

	FAutoConsoleCommandWithWorldAndArgs DrillCommand(TEXT("Reprieve.Drill"), TEXT("Reprieve.Drill FILE SKU FEATURE ...: plays a scenario and logs what would be allowed."),
		FConsoleCommandWithWorldAndArgsDelegate::CreateStatic(&PlayDrill));
}
