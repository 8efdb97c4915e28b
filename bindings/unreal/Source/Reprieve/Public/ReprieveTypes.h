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

/** How an attempt to renew ended. */
UENUM(BlueprintType)
enum class EReprieveOutcome : uint8
{
	/** No attempt has ended yet. */
	None = 0,
	Renewed = 1,
	/** The authority answered, and gave no new lease. */
	Answered = 2,
	/** There was no whole answer. */
	Failed = 3,
	/** A status of HTTP's without documents. */
	Status = 4,
	/** Another server was quicker, or it was stopped. */
	Dropped = 5,
	/** A probe was answered: the network leads there again. */
	Reached = 6,
	/** A mirror gave documents. */
	Fetched = 7,
	/** A mirror has nothing new. */
	Unchanged = 8,
	/** A newer library's, which this plugin does not know. */
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

/** How renewing stands, by the library's own HTTP: for a banner, or a support case. */
USTRUCT(BlueprintType)
struct REPRIEVE_API FReprieveRenewal
{
	GENERATED_BODY()

	/** Whether leases are renewed at all. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bRenewing = false;

	/** Why they are not, though they should; empty if nothing is wrong. A server that cannot be reached is told below. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Trouble;

	/** Whether a round of attempts is under way. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	bool bBusy = false;

	/** In how many seconds the next round begins; -1 if that is not known: while one is under way, and without renewal servers. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	float NextSeconds = -1.0f;

	/** How the attempt that ended last did. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	EReprieveOutcome Outcome = EReprieveOutcome::None;

	/** All of that in a word or two, such as "renewed", "timed_out" or "status 503"; empty if none has ended. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Word;

	/** Where that attempt went. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	FString Url;

	/** The HTTP status, if the outcome is one; otherwise 0. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	int32 Status = 0;

	/** How many seconds ago it ended; -1 if none has. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	float AgoSeconds = -1.0f;

	/** How many seconds it took. */
	UPROPERTY(BlueprintReadOnly, Category = "Reprieve")
	float TookSeconds = 0.0f;
};

/** How leases are renewed. As it is made, it is well for most. */
USTRUCT(BlueprintType)
struct REPRIEVE_API FReprieveRenewalOptions
{
	GENERATED_BODY()

	/** Header fields for each request, one a line, such as "Authorization: Bearer CODE". They are never logged. */
	UPROPERTY(BlueprintReadWrite, EditAnywhere, Category = "Reprieve")
	FString Headers;

	/** A proxy, "http://HOST:PORT", or "none"; empty for what the platform says. */
	UPROPERTY(BlueprintReadWrite, EditAnywhere, Category = "Reprieve")
	FString Proxy;

	/** Certificates of the vendor's own authorities in PEM, in place of those that the platform trusts; empty for those. */
	UPROPERTY(BlueprintReadWrite, EditAnywhere, Category = "Reprieve")
	FString Roots;

	/** An attempt that has no answer after this has failed; 0 for what the library finds fit. */
	UPROPERTY(BlueprintReadWrite, EditAnywhere, Category = "Reprieve")
	float TimeoutSeconds = 0.0f;
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
