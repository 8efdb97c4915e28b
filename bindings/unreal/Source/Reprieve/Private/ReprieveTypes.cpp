#include "ReprieveTypes.h"

#include "ReprieveLibrary.h"
#include "ReprieveSession.h"

static_assert(static_cast<uint32>(EReprieveAccess::Full) == REPRIEVE_ACCESS_FULL, "an enumerator is not the header's");
static_assert(static_cast<uint32>(EReprieveState::Unlicensed) == REPRIEVE_STATE_UNLICENSED, "an enumerator is not the header's");
static_assert(static_cast<uint32>(EReprieveReason::Unknown) == REPRIEVE_REASON_UNKNOWN, "an enumerator is not the header's");
static_assert(static_cast<uint32>(EReprieveOutcome::Unchanged) == REPRIEVE_OUTCOME_UNCHANGED, "an enumerator is not the header's");
static_assert(static_cast<uint32>(EReprieveEventKind::AppealReceived) == REPRIEVE_EVENT_APPEAL_RECEIVED, "an enumerator is not the header's");

FDateTime ReprieveInstant(const reprieve_time& Time)
{
	// What lies beyond the years that FDateTime knows is cut to them.
	constexpr int64 Least = -62135596800, Most = 253402300799;
	return FDateTime::FromUnixTimestamp(FMath::Clamp<int64>(Time.seconds, Least, Most));
}

EReprieveAccess ReprieveAccess(uint32 Access)
{
	// A number that this plugin does not know is no refusal either.
	return Access <= REPRIEVE_ACCESS_FULL ? static_cast<EReprieveAccess>(Access) : EReprieveAccess::Unknown;
}

EReprieveState ReprieveState(uint32 State)
{
	return State <= REPRIEVE_STATE_UNLICENSED ? static_cast<EReprieveState>(State) : EReprieveState::Other;
}

FReprieveDecision ReprieveDecision(const reprieve_decision& Data)
{
	FReprieveDecision Decision;
	Decision.Access = ReprieveAccess(Data.access);
	Decision.State = ReprieveState(Data.state);
	Decision.Reason = Data.reason <= REPRIEVE_REASON_UNKNOWN ? static_cast<EReprieveReason>(Data.reason) : EReprieveReason::Other;
	Decision.bAllowed = Decision.Access == EReprieveAccess::Limited || Decision.Access == EReprieveAccess::Full;
	Decision.bRefused = Decision.Access == EReprieveAccess::Denied;
	Decision.Stage = Data.stage == REPRIEVE_STAGE_NONE ? -1 : static_cast<int32>(FMath::Min<uint32>(Data.stage, 0x7fffffff));
	Decision.Time = ReprieveInstant(Data.t);
	Decision.bEnds = Data.ends.present != 0;
	if (Decision.bEnds)
	{
		Decision.Ends = ReprieveInstant(Data.ends);
		// Rounded down, to the nanosecond.
		Decision.RunwaySeconds = FMath::Max<int64>(0, Data.ends.seconds - Data.t.seconds - (Data.ends.nanos < Data.t.nanos ? 1 : 0));
	}
	Decision.bInMemory = (Data.flags & REPRIEVE_FLAG_IN_MEMORY) != 0;
	Decision.bDetached = (Data.flags & REPRIEVE_FLAG_DETACHED) != 0;
	return Decision;
}

FReprieveDecision FReprieveFeature::Check() const
{
	reprieve_decision Data = {};
	return Slot.IsValid() && Slot->Ask(Data) ? ReprieveDecision(Data) : FReprieveDecision();
}

EReprieveAccess FReprieveFeature::GetAccess() const
{
	reprieve_decision Data = {};
	return Slot.IsValid() && Slot->Ask(Data) ? ReprieveAccess(Data.access) : EReprieveAccess::Unknown;
}

bool FReprieveFeature::IsAllowed() const
{
	const EReprieveAccess Access = GetAccess();
	return Access == EReprieveAccess::Limited || Access == EReprieveAccess::Full;
}

bool FReprieveFeature::IsRefused() const
{
	return GetAccess() == EReprieveAccess::Denied;
}

FString ReprieveRunwayText(int64 Seconds)
{
	const int64 Left = FMath::Max<int64>(0, Seconds);
	if (Left >= 86400)
	{
		return FString::Printf(TEXT("%lld d %lld h"), Left / 86400, Left / 3600 % 24);
	}
	if (Left >= 3600)
	{
		return FString::Printf(TEXT("%lld h %lld min"), Left / 3600, Left / 60 % 60);
	}
	return Left >= 60 ? FString::Printf(TEXT("%lld min"), Left / 60) : FString::Printf(TEXT("%lld s"), Left);
}
