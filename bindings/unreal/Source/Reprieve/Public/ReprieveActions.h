#pragma once

#include "CoreMinimal.h"
#include "Kismet/BlueprintAsyncActionBase.h"
#include "ReprieveTypes.h"
#include "ReprieveActions.generated.h"

class FReprieveSession;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FReprieveActionSignature, const TArray<FReprieveAnswer>&, Answers, const FString&, Message);

/** Imports a document that the vendor signed. The ledger is written on the thread pool; the pins fire on the game thread. */
UCLASS()
class REPRIEVE_API UReprieveImportAction : public UBlueprintAsyncActionBase
{
	GENERATED_BODY()

public:
	/** The token, as a JWT library makes it. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve", meta = (BlueprintInternalUseOnly = "true", WorldContext = "WorldContextObject"))
	static UReprieveImportAction* ImportDocument(UObject* WorldContextObject, const FString& Token);

	virtual void Activate() override;

	/** It was looked at: the answer says whether it is in force. */
	UPROPERTY(BlueprintAssignable)
	FReprieveActionSignature Completed;

	/** It could not be looked at, and the message says why; nothing has changed. */
	UPROPERTY(BlueprintAssignable)
	FReprieveActionSignature Failed;

private:
	TWeakPtr<FReprieveSession, ESPMode::ThreadSafe> Session;
	FString Pending;
};

/** Renews by the first renewal server of the application file: request, POST, import. A failure is reported to the ledger, as evidence for grace. */
UCLASS()
class REPRIEVE_API UReprieveRenewAction : public UBlueprintAsyncActionBase
{
	GENERATED_BODY()

public:
	/** How long the server may take. */
	UFUNCTION(BlueprintCallable, Category = "Reprieve", meta = (BlueprintInternalUseOnly = "true", WorldContext = "WorldContextObject"))
	static UReprieveRenewAction* Renew(UObject* WorldContextObject, float TimeoutSeconds = 30.0f);

	virtual void Activate() override;

	/** The server answered: what became of each document. */
	UPROPERTY(BlueprintAssignable)
	FReprieveActionSignature Completed;

	/** There was no answer, or none that could be taken; the message says why. */
	UPROPERTY(BlueprintAssignable)
	FReprieveActionSignature Failed;

private:
	void Post(const FString& Url, const TArray<uint8>& Body);
	void Finish(bool bCompleted, const TArray<FReprieveAnswer>& Answers, const FString& Message);

	TWeakPtr<FReprieveSession, ESPMode::ThreadSafe> Session;
	float Timeout = 30.0f;
};
