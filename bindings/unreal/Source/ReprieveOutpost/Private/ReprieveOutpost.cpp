#include "ReprieveOutpost.h"

#include "Async/Async.h"
#include "Engine/Engine.h"
#include "Interfaces/IPluginManager.h"
#include "Misc/FileHelper.h"
#include "Misc/Paths.h"
#include "Modules/ModuleManager.h"

IMPLEMENT_MODULE(FDefaultModuleImpl, ReprieveOutpost)

namespace
{
	const TCHAR* const Names[] = {TEXT("game"), TEXT("lanterns"), TEXT("weather")};
	const TCHAR* const AccessWords[] = {TEXT("unknown"), TEXT("denied"), TEXT("limited"), TEXT("full")};
	const TCHAR* const StateWords[] = {TEXT("none"), TEXT("licensed"), TEXT("grace"), TEXT("expired"), TEXT("ledger_locked"), TEXT("clock_locked"), TEXT("revoked"),
		TEXT("not_entitled"), TEXT("unlicensed")};
	const TCHAR* const ReasonWords[] = {TEXT("none"), TEXT("maintenance"), TEXT("extension"), TEXT("server"), TEXT("network"), TEXT("unknown")};

	constexpr float StepsPerSecond = 12.0f;
	constexpr float FadePerSecond = 2.0f;

	template <typename EnumType, int32 Count>
	FString Word(const TCHAR* const (&Words)[Count], EnumType Value)
	{
		const int32 At = static_cast<int32>(Value);
		return At < Count ? FString(Words[At]) : FString(Words[0]);
	}

	float Opacity(EReprieveAccess Access)
	{
		switch (Access)
		{
		case EReprieveAccess::Full: return 1.0f;
		case EReprieveAccess::Limited: return 0.4f;
		case EReprieveAccess::Denied: return 0.06f;
		default: return 0.7f;
		}
	}

	FColor Colour(const FReprieveDecision& Boat)
	{
		if (Boat.Access == EReprieveAccess::Unknown)
		{
			return FColor(0x5b, 0x4a, 0x7a);
		}
		if (Boat.Access == EReprieveAccess::Denied)
		{
			return FColor(0x8a, 0x2f, 0x2f);
		}
		return Boat.Access == EReprieveAccess::Full && Boat.State == EReprieveState::Licensed ? FColor(0x1f, 0x6f, 0x4a) : FColor(0x8a, 0x6d, 0x1f);
	}
}

FReprieveOutpostGame::FReprieveOutpostGame(const FString& InScenario, const FString& WordList) : Scenario(InScenario)
{
	TArray<FString> Lines;
	WordList.ParseIntoArrayLines(Lines);
	for (const FString& Line : Lines)
	{
		FString Key, Value;
		if (Line.Split(TEXT(" = "), &Key, &Value))
		{
			Words.Add(Key, Value);
		}
	}
	Restart();
	Ask();
}

void FReprieveOutpostGame::Restart()
{
	const TSharedPtr<FReprieveDrillPlayer, ESPMode::ThreadSafe> Fresh = FReprieveDrillPlayer::Create(Scenario, TEXT("outpost"), Trouble);
	for (int32 At = 0; At < 3; At++)
	{
		Features[At] = Fresh.IsValid() ? Fresh->Feature(Names[At]) : FReprieveFeature();
	}
	Player = Fresh;
	Minutes = 0;
}

bool FReprieveOutpostGame::HasEnded() const
{
	return !Player.IsValid() || Player->HasEnded();
}

bool FReprieveOutpostGame::Tick()
{
	if (!Player.IsValid() || !Player->Tick(Trouble))
	{
		return false;
	}
	Minutes = Player->ElapsedSeconds() / 60;
	return true;
}

FString FReprieveOutpostGame::Time() const
{
	const int64 Now = Minutes;
	return FString::Printf(TEXT("day %lld %02lld:%02lld"), Now / 1440, Now / 60 % 24, Now % 60);
}

bool FReprieveOutpostGame::Ask()
{
	bool bChanged = FirstLine.IsEmpty();
	for (int32 At = 0; At < 3; At++)
	{
		const FReprieveDecision Before = Decisions[At];
		Decisions[At] = Features[At].Check();
		bChanged |= Before.Access != Decisions[At].Access || Before.State != Decisions[At].State || Before.Reason != Decisions[At].Reason
			|| Before.bEnds != Decisions[At].bEnds || Before.RunwaySeconds != Decisions[At].RunwaySeconds;
	}
	// Texts are made anew only where a decision says something else.
	if (!bChanged)
	{
		return false;
	}
	const FString First = Sentence(Decisions[0], TEXT(""));
	const FString Second = TEXT("lanterns: ") + Sentence(Decisions[1], TEXT("feature.")) + TEXT("   weather: ") + Sentence(Decisions[2], TEXT("feature."));
	bChanged = First != FirstLine || Second != SecondLine;
	FirstLine = First;
	SecondLine = Second;
	return bChanged;
}

FString FReprieveOutpostGame::Sentence(const FReprieveDecision& Decision, const TCHAR* Kind) const
{
	const FString State = Word(StateWords, Decision.State), Reason = Word(ReasonWords, Decision.Reason), Access = Word(AccessWords, Decision.Access);
	const FString Dot(TEXT("."));
	TArray<FString> Keys;
	if (Decision.Access == EReprieveAccess::Unknown)
	{
		Keys.Add(TEXT("unknown"));
	}
	else
	{
		Keys.Add(State + Dot + Reason + Dot + Access);
		Keys.Add(State + Dot + Reason);
		Keys.Add(State + Dot + Access);
		Keys.Add(State);
	}
	for (const FString& Key : Keys)
	{
		if (const FString* Found = Words.Find(FString(Kind) + Key))
		{
			const FString Left = Decision.bEnds ? ReprieveRunwayText(Decision.RunwaySeconds) : FString(TEXT("some time"));
			return Found->Replace(TEXT("{left}"), *Left);
		}
	}
	return State;
}

FString FReprieveOutpostGame::Record(const FString& Scenario, const FString& WordList)
{
	FReprieveOutpostGame Game(Scenario, WordList);
	FString Lines, First, Second;
	do
	{
		Game.Ask();
		if (Game.FirstLine != First || Game.SecondLine != Second)
		{
			First = Game.FirstLine;
			Second = Game.SecondLine;
			Lines += Game.Time() + TEXT("\t") + First + TEXT("\t") + Second + TEXT("\n");
		}
	}
	while (Game.Tick());
	return Lines;
}

AReprieveOutpost::AReprieveOutpost()
{
	PrimaryActorTick.bCanEverTick = true;
	Opacities.Init(0.7f, 3);
}

void AReprieveOutpost::BeginPlay()
{
	Super::BeginPlay();
	const TSharedPtr<IPlugin> Plugin = IPluginManager::Get().FindPlugin(TEXT("Reprieve"));
	const FString Folder = FPaths::Combine(Plugin.IsValid() ? Plugin->GetBaseDir() : FString(), TEXT("Resources/Outpost"));
	FString Scenario, WordList;
	if (!FFileHelper::LoadFileToString(Scenario, *FPaths::Combine(Folder, TEXT("outpost.json"))) || !FFileHelper::LoadFileToString(WordList, *FPaths::Combine(Folder, TEXT("words.txt"))))
	{
		UE_LOG(LogReprieve, Error, TEXT("the sample's files are missing in %s; install the plugin anew"), *Folder);
		return;
	}
	Game = MakeShared<FReprieveOutpostGame, ESPMode::ThreadSafe>(Scenario, WordList);
	for (int32 At = 0; At < 3; At++)
	{
		Opacities[At] = Opacity(Game->Decisions[At].Access);
	}
}

void AReprieveOutpost::EndPlay(const EEndPlayReason::Type EndPlayReason)
{
	if (Step.IsValid())
	{
		Step.Wait();
	}
	Game.Reset();
	Super::EndPlay(EndPlayReason);
}

void AReprieveOutpost::Play()
{
	bPlaying = true;
	bBegin = true;
}

void AReprieveOutpost::Restart()
{
	bPlaying = false;
	bRestart = true;
}

void AReprieveOutpost::Tick(float DeltaSeconds)
{
	Super::Tick(DeltaSeconds);
	if (!Game.IsValid())
	{
		return;
	}
	if (!Step.IsValid() || Step.IsReady())
	{
		// No step is under way: the game may be looked at, and the next step begun.
		bRestarting = false;
		Owed = bPlaying ? FMath::Min(Owed + DeltaSeconds * StepsPerSecond, 3.0f) : 0.0f;
		if (bRestart || (bBegin && Game->HasEnded()))
		{
			bRestart = false;
			bBegin = false;
			bRestarting = true;
			Step = Async(EAsyncExecution::ThreadPool, [Held = Game]() { Held->Restart(); });
		}
		else if (bPlaying && Game->HasEnded())
		{
			bPlaying = false;
		}
		else if (Owed >= 1.0f)
		{
			bBegin = false;
			Owed -= 1.0f;
			Step = Async(EAsyncExecution::ThreadPool, [Held = Game]() { Held->Tick(); });
		}
	}
	if (!bRestarting)
	{
		Game->Ask();
	}
	FirstLine = Game->FirstLine;
	SecondLine = Game->SecondLine;
	DrillTime = Game->Time();
	BannerColour = Colour(Game->Decisions[0]);
	for (int32 At = 0; At < 3; At++)
	{
		Opacities[At] = FMath::FInterpConstantTo(Opacities[At], Opacity(Game->Decisions[At].Access), DeltaSeconds, FadePerSecond);
	}
	if (GEngine != nullptr)
	{
		GEngine->AddOnScreenDebugMessage(7301, 1.0f, BannerColour, DrillTime);
		GEngine->AddOnScreenDebugMessage(7302, 1.0f, BannerColour, SecondLine);
		GEngine->AddOnScreenDebugMessage(7303, 1.0f, BannerColour, FirstLine);
	}
}
