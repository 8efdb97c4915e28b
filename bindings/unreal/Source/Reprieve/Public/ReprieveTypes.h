#pragma once

#include "CoreMinimal.h"
#include "ReprieveTypes.generated.h"

DECLARE_LOG_CATEGORY_EXTERN(LogReprieve, Log, All);

/** What the product may do. Unknown is no refusal: it could not be decided. */
UENUM(BlueprintType)
enum class EReprieveAccess : uint8
{
	Unknown = 0,
	Denied = 1,
	Limited = 2,
	Full = 3,
};

/** Where a feature stands. */
UENUM(BlueprintType)
enum class EReprieveState : uint8
{
	None = 0,
	Licensed = 1,
	Grace = 2,
	Expired = 3,
	LedgerLocked = 4,
	ClockLocked = 5,
	Revoked = 6,
	NotEntitled = 7,
	Unlicensed = 8,
	/** A newer library's, which this plugin does not know. */
	Other = 255,
};

/** What grants grace. */
UENUM(BlueprintType)
enum class EReprieveReason : uint8
{
	None = 0,
	Maintenance = 1,
	Extension = 2,
	Server = 3,
	Network = 4,
	Unknown = 5,
	/** A newer library's, which this plugin does not know. */
	Other = 255,
};

/** What an event tells of. */
UENUM(BlueprintType)
enum class EReprieveEventKind : uint8
{
	None = 0,
	GraceStarted = 1,
	GraceEnded = 2,
	AccessChanged = 3,
	GraceChanged = 4,
	GraceWarning = 5,
	DocumentAccepted = 6,
	DocumentRefused = 7,
	ClockSuspect = 8,
	ClockRestored = 9,
	LedgerSuspect = 10,
	LedgerRestored = 11,
	LedgerRecovered = 12,
	AppealFiled = 13,
	AppealReceived = 14,
	/** A newer library's, which this plugin does not know: skip it. */
	Other = 255,
};

/** The answer to a check. As it is made, it says Unknown. */
USTRUCT(BlueprintType)
struct REPRIEVE_API FReprieveDecision
{
	GENERATED_BODY()

	/** What the product may do. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	EReprieveAccess Access = EReprieveAccess::Unknown;

	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	EReprieveState State = EReprieveState::None;

	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	EReprieveReason Reason = EReprieveReason::None;

	/** Whether access is limited or full. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bAllowed = false;

	/** Whether the rules give no access. What could not be decided is not refused. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bRefused = false;

	/** The stage of grace, from 0; -1 outside grace. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	int32 Stage = -1;

	/** The time that it was decided at, UTC. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FDateTime Time = FDateTime(0);

	/** Whether there is an instant at which access ends. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bEnds = false;

	/** That instant, UTC. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FDateTime Ends = FDateTime(0);

	/** The runway: how long it goes on, in seconds. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	int64 RunwaySeconds = 0;

	/** The ledger lies in memory and ends with the process. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bInMemory = false;

	/** The ledger cannot be read or written at the moment; the decision rests on what was read before. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bDetached = false;
};

/** Something that happened on the ledger, once for all products. */
USTRUCT(BlueprintType)
struct REPRIEVE_API FReprieveEvent
{
	GENERATED_BODY()

	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	EReprieveEventKind Kind = EReprieveEventKind::None;

	/** When it took effect, UTC, also if no product ran then. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FDateTime At = FDateTime(0);

	/** The licence; empty if it is about none. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString License;

	/** The feature; empty if it is about none. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Feature;

	/** What grants grace, or the kind of a suspicion, as a word. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Reason;

	/** An appeal's text. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Text;

	/** The new access, if it tells of one. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	EReprieveAccess Access = EReprieveAccess::Unknown;

	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	EReprieveState State = EReprieveState::None;

	/** The warning threshold, in seconds; -1 if it is no warning. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	int64 LeftSeconds = -1;

	/** Record and index name an event. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	int64 Record = 0;

	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	int32 Index = 0;
};

/** What became of a document. A refusal is an answer. */
USTRUCT(BlueprintType)
struct REPRIEVE_API FReprieveAnswer
{
	GENERATED_BODY()

	/** Whether the document is in force now. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bAccepted = false;

	/** Whether it was in force before. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bKnown = false;

	/** Its kind, as a word. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Kind;

	/** Why it was refused, as a word; "none" if it was not. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Refusal;

	/** In English words, what is wrong with it and what to do; empty if nothing is. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Detail;
};

struct FReprieveFeatureSlot;

/**
 * A feature, to keep and to ask about in every frame: it copies the decision of the moment, without a lock, an allocation or a system call. It is good
 * before its ledger is open and after it was closed: then access is unknown. Any thread.
 */
USTRUCT(BlueprintType)
struct REPRIEVE_API FReprieveFeature
{
	GENERATED_BODY()

	/** The decision of the moment. */
	FReprieveDecision Check() const;

	/** What the product may do now. */
	EReprieveAccess GetAccess() const;

	/** Whether access is limited or full now. */
	bool IsAllowed() const;

	/** Whether the rules give no access now: false for what could not be decided. */
	bool IsRefused() const;

	/** Filled by the plugin. */
	TSharedPtr<FReprieveFeatureSlot, ESPMode::ThreadSafe> Slot;
};

/** The runway in its two largest units, rounded down: "3 d 4 h", "4 h 10 min", "12 min", "50 s". */
REPRIEVE_API FString ReprieveRunwayText(int64 Seconds);
