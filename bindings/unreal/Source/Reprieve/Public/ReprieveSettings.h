#pragma once

#include "CoreMinimal.h"
#include "Engine/DeveloperSettings.h"
#include "ReprieveSettings.generated.h"

/** Project Settings, Plugins, Reprieve. */
UCLASS(Config = Game, DefaultConfig, meta = (DisplayName = "Reprieve"))
class REPRIEVE_API UReprieveSettings : public UDeveloperSettings
{
	GENERATED_BODY()

public:
	/** The application file, from the Content folder on. Name its folder under Additional Non-Asset Directories to Package. */
	UPROPERTY(Config, EditAnywhere, Category = "Reprieve")
	FString ApplicationFile = TEXT("Reprieve/reprieve.toml");

	/** The product that is asked about. */
	UPROPERTY(Config, EditAnywhere, Category = "Reprieve")
	FString Sku;

	/** By which name events are taken; each name has its own place. */
	UPROPERTY(Config, EditAnywhere, Category = "Reprieve")
	FString Consumer = TEXT("unreal");

	/** How often upkeep is done and events are fetched, on a thread of its own. */
	UPROPERTY(Config, EditAnywhere, Category = "Reprieve", meta = (ClampMin = "0.05", ClampMax = "60"))
	float UpkeepSeconds = 1.0f;

	/** Whether leases are renewed by the library's own HTTP, at the `endpoints` of the application file, on threads of its own. If not, use the node Renew. */
	UPROPERTY(Config, EditAnywhere, Category = "Reprieve")
	bool bRenew = false;

	/** Whether each game instance opens the ledger as it begins. If not, call Open. */
	UPROPERTY(Config, EditAnywhere, Category = "Reprieve")
	bool bOpenAtStart = true;
};
