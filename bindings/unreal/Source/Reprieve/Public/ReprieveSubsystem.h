#pragma once

#include "CoreMinimal.h"
#include "Containers/Ticker.h"
#include "ReprieveTypes.h"
#include "Subsystems/GameInstanceSubsystem.h"
#include "ReprieveSubsystem.generated.h"

class FReprieveSession;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FReprieveEventSignature, const FReprieveEvent&, Event);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FReprieveTroubleSignature, const FString&, Message);
DECLARE_DYNAMIC_MULTICAST_DELEGATE(FReprieveOpenedSignature);

/**
 * The ledger of one running game. It lives as long as its game instance, so that each instance of Play In Editor has a client of its own, nothing is open while
 * nobody plays, and leaving a play closes what it opened. (An engine subsystem would keep one client for the whole time of the editor.)
 *
 * One background thread opens the ledger, does upkeep, takes and acknowledges events; no call here but those that say so waits for a disk. What fails is told
 * once, by OnTrouble and in the log, and what is asked is then unknown.
 */
UCLASS()
class REPRIEVE_API UReprieveSubsystem : public UGameInstanceSubsystem
{
	GENERATED_BODY()

public:
	virtual void Initialize(FSubsystemCollectionBase& Collection) override;
	virtual void Deinitialize() override;

	/** Opens the ledger of an application file, as the settings say what it does not. Closes the one that is open. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	void Open(const FString& ApplicationFile, const FString& Sku, const FString& Consumer);

	/** As Open, for the text of an application file. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	void OpenText(const FString& Toml, const FString& Sku, const FString& Consumer);

	/** Opens another client on a drill that lies in a folder, for rehearsals. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	void OpenDrill(const FString& Folder, const FString& Sku, const FString& Consumer);

	/** Closes the ledger: what is due is recorded and synced. Waits for a round of upkeep that is under way. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	void Close();

	/** Whether the ledger is open. */
	UFUNCTION(BlueprintPure, Category = "Reprieve")
	bool IsOpen() const;

	/** What is wrong now; empty if nothing is. */
	UFUNCTION(BlueprintPure, Category = "Reprieve")
	FString GetTrouble() const;

	/** Whether leases are renewed by the library's own HTTP; as the settings say until it is called. For the ledger that is open, and those opened later; never for a drill's. Does not wait. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	void SetRenewing(bool bRenew);

	/** How they are renewed. What is renewed already begins anew with it. Does not wait. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	void SetRenewalOptions(const FReprieveRenewalOptions& Options);

	/** A renewal is wanted though none is due: somebody pressed a button. It begins at once, or 5 s after the one before. False if nothing renews. Does not wait. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	bool RenewNow();

	/** The network is back, or another one is there: a pause after failures ends within some seconds. False if nothing renews. Does not wait. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	bool NetworkChanged();

	/** How renewing stands. Copies texts: for a banner, not for each frame. */
	UFUNCTION(BlueprintPure, Category = "Reprieve")
	FReprieveRenewal GetRenewal() const;

	/** A feature to keep and to ask about. It may be asked for before the ledger is open. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	FReprieveFeature GetFeature(const FString& Name);

	/** The decision of the moment. */
	UFUNCTION(BlueprintPure, Category = "Reprieve")
	static FReprieveDecision CheckFeature(const FReprieveFeature& Feature);

	/** Whether access is limited or full now. */
	UFUNCTION(BlueprintPure, Category = "Reprieve")
	static bool IsFeatureAllowed(const FReprieveFeature& Feature);

	/** Whether the rules give no access now: false for what could not be decided. */
	UFUNCTION(BlueprintPure, Category = "Reprieve")
	static bool IsFeatureRefused(const FReprieveFeature& Feature);

	/** The runway in its two largest units. */
	UFUNCTION(BlueprintPure, Category = "Reprieve")
	static FString RunwayText(int64 Seconds);

	/** A check with all that stands behind it, as JSON, for support. May wait for the disk. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	FString Explain(const FString& Feature) const;

	/** All features of the product and how the ledger stands, as JSON; empty if none is open. May wait for the disk. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve")
	FString StatusJson() const;

	/** Something happened, on the game thread: at least once, in the ledger's order. While nothing is bound events wait in the ledger. */
	UPROPERTY(BlueprintAssignable, Category = "Reprieve")
	FReprieveEventSignature OnEvent;

	/** Something is wrong, on the game thread. */
	UPROPERTY(BlueprintAssignable, Category = "Reprieve")
	FReprieveTroubleSignature OnTrouble;

	/** The ledger was opened, on the game thread. */
	UPROPERTY(BlueprintAssignable, Category = "Reprieve")
	FReprieveOpenedSignature OnOpened;

	/** The session, for the plugin's own nodes; null while nothing is open or being opened. */
	TSharedPtr<FReprieveSession, ESPMode::ThreadSafe> GetSession() const { return Session; }

private:
	bool Pump(float DeltaTime);
	void Begin(TSharedPtr<FReprieveSession, ESPMode::ThreadSafe> Next, bool bOfDrill);
	void KeepRenewing();

	TSharedPtr<FReprieveSession, ESPMode::ThreadSafe> Session;
	FTSTicker::FDelegateHandle Ticker;
	/** Asked for while nothing was open. */
	TMap<FString, FReprieveFeature> Features;
	FReprieveRenewalOptions RenewalOptions;
	bool bRenewing = false;
	bool bDrill = false;
};
