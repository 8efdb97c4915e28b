#pragma once

#include "CoreMinimal.h"
#include "ReprieveTypes.h"

class FReprieveDrillState;

/**
 * Plays a scenario on a drill, step by step: its own authority, clock and ledger in a temporary folder, which no real open touches. For one thread at a time; a step
 * touches the disk. Features of it may be asked on any thread.
 */
class REPRIEVE_API FReprieveDrillPlayer
{
public:
	/** Makes the drill, and does its steps up to the first one that lets time pass. Null if it cannot be made; the trouble says why. */
	static TSharedPtr<FReprieveDrillPlayer, ESPMode::ThreadSafe> Create(const FString& Scenario, const FString& Sku, FString& OutTrouble);

	~FReprieveDrillPlayer();

	/** Does the next step, which lets time pass, and those behind it up to the next one that does. False if there was none, or it failed. */
	bool Tick(FString& OutTrouble);

	/** Whether all steps are done. */
	bool HasEnded() const;

	/** The drill's time since it began, in seconds. */
	int64 ElapsedSeconds() const;

	/** A feature of the drill's product, whose decision is that of the last step. */
	FReprieveFeature Feature(const FString& Name);

private:
	FReprieveDrillPlayer();

	TUniquePtr<FReprieveDrillState> State;
};
