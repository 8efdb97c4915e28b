#pragma once

#include "Async/Future.h"
#include "CoreMinimal.h"
#include "GameFramework/Actor.h"
#include "ReprieveDrill.h"
#include "ReprieveTypes.h"

#include <atomic>

#include "ReprieveOutpost.generated.h"

/** What the sample game says and asks, without a picture: the same in every engine. */
class REPRIEVEOUTPOST_API FReprieveOutpostGame
{
public:
	/** Begins, and waits. Where the library is missing the game goes on with what cannot be checked, and Trouble says why. */
	FReprieveOutpostGame(const FString& InScenario, const FString& WordList);

	/** Asks about every feature: what each frame does. Whether a text changed. */
	bool Ask();

	/** Does the next step that lets time pass, and those behind it that do not. Touches the disk: away from the game thread. */
	bool Tick();

	/** Begins anew, and waits. Touches the disk. */
	void Restart();

	bool HasEnded() const;

	/** The drill's time since it began: "day 3 04:30". */
	FString Time() const;

	/** Plays the drill without waiting, and gives what the banner said, whenever it changed. */
	static FString Record(const FString& Scenario, const FString& WordList);

	FString FirstLine;
	FString SecondLine;
	FString Trouble;
	FReprieveDecision Decisions[3];

private:
	FString Sentence(const FReprieveDecision& Decision, const TCHAR* Kind) const;

	FString Scenario;
	TMap<FString, FString> Words;
	TSharedPtr<FReprieveDrillPlayer, ESPMode::ThreadSafe> Player;
	FReprieveFeature Features[3];
	std::atomic<int64> Minutes{0};
};

/** The sample: put one into a level, press play, and read the banner on the screen. `Play` lets the outage of the scenario pass, `Restart` begins anew. */
UCLASS()
class REPRIEVEOUTPOST_API AReprieveOutpost : public AActor
{
	GENERATED_BODY()

public:
	AReprieveOutpost();

	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type EndPlayReason) override;
	virtual void Tick(float DeltaSeconds) override;

	/** Lets the drill go on, anew if it has ended. */
	UFUNCTION(BlueprintCallable, CallInEditor, Category = "Reprieve")
	void Play();

	/** Begins anew, and waits. */
	UFUNCTION(BlueprintCallable, CallInEditor, Category = "Reprieve")
	void Restart();

	/** How opaque the boat, the lanterns and the clouds are to be drawn: by their features' access, and at most 2 a second towards it. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	TArray<float> Opacities;

	/** The banner's first line. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString FirstLine;

	/** The banner's second line. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString SecondLine;

	/** The banner's colour. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FColor BannerColour = FColor::White;

	/** The drill's time since it began. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString DrillTime;

private:
	TSharedPtr<FReprieveOutpostGame, ESPMode::ThreadSafe> Game;
	/** The step that is under way, on the thread pool. */
	TFuture<void> Step;
	/** That step makes the drill anew: its features are not to be looked at. */
	bool bRestarting = false;
	bool bPlaying = false;
	bool bBegin = false;
	bool bRestart = false;
	float Owed = 0.0f;
};
