#include "ReprieveDrill.h"

#include "Misc/CString.h"
#include "Misc/ScopeLock.h"
#include "ReprieveLibrary.h"
#include "ReprieveSession.h"

/** One drill, walked step by step. */
class FReprieveDrillState
{
public:
	explicit FReprieveDrillState(const FReprieveLibrary& InLibrary) : Library(InLibrary) {}

	~FReprieveDrillState()
	{
		for (auto& Pair : Slots)
		{
			Pair.Value->Bind(nullptr);
		}
		Library.client_free(Asked);
		Library.drill_free(Drill);
	}

	bool Make(const FString& Scenario, FString& OutTrouble)
	{
		const FReprieveUtf8 Json(Scenario);
		reprieve_error* Error = nullptr;
		reprieve_status Status = Library.drill_from_scenario(Json.Data(), Json.Size(), &Drill, &Error);
		if (Status == REPRIEVE_OK)
		{
			Status = Library.drill_step_count(Drill, &Steps, &Error);
		}
		reprieve_time Now = {};
		if (Status == REPRIEVE_OK)
		{
			Status = Library.drill_now(Drill, &Now, &Error);
		}
		if (Status != REPRIEVE_OK)
		{
			OutTrouble = Library.Take(Error, Status);
			return false;
		}
		Began = Now.seconds;
		return true;
	}

	/** A client whose upkeep is done where the steps are: whoever asks touches no disk. */
	bool Ask(FString& OutTrouble)
	{
		reprieve_builder* Builder = nullptr;
		reprieve_error* Error = nullptr;
		reprieve_status Status = Library.drill_builder(Drill, &Builder, &Error);
		if (Status == REPRIEVE_OK)
		{
			Status = Library.builder_set_upkeep(Builder, REPRIEVE_UPKEEP_OWN, &Error);
		}
		if (Status == REPRIEVE_OK)
		{
			Status = Library.builder_open(Builder, &Asked, &Error);
		}
		Library.builder_free(Builder);
		if (Status != REPRIEVE_OK)
		{
			OutTrouble = Library.Take(Error, Status);
		}
		return Status == REPRIEVE_OK;
	}

	bool Upkeep(FString& OutTrouble)
	{
		reprieve_error* Error = nullptr;
		const reprieve_status Status = Library.client_upkeep(Asked, &Error);
		if (Status != REPRIEVE_OK)
		{
			OutTrouble = Library.Take(Error, Status);
		}
		return Status == REPRIEVE_OK;
	}

	/** The world's part of a step, and the product's. */
	bool Step(FString& OutTrouble)
	{
		reprieve_task* Task = nullptr;
		reprieve_client* Client = nullptr;
		reprieve_error* Error = nullptr;
		reprieve_status Status = Library.drill_step(Drill, Next, &Task, &Error);
		if (Status == REPRIEVE_OK)
		{
			Next++;
			Status = Library.drill_client(Drill, &Client, &Error);
		}
		if (Status == REPRIEVE_OK)
		{
			Status = Do(Task, Client, Error);
		}
		Library.client_free(Client);
		Library.task_free(Task);
		if (Status != REPRIEVE_OK)
		{
			OutTrouble = Library.Take(Error, Status);
		}
		return Status == REPRIEVE_OK;
	}

	bool Timeless(FString& OutTrouble)
	{
		while (Next < Steps && !Passes[static_cast<int32>(Next)])
		{
			if (!Step(OutTrouble))
			{
				return false;
			}
		}
		return true;
	}

	int64 Seconds() const
	{
		reprieve_time Now = {};
		Library.drill_now(Drill, &Now, nullptr);
		return Now.seconds - Began;
	}

	const FReprieveLibrary& Library;
	reprieve_drill* Drill = nullptr;
	reprieve_client* Asked = nullptr;
	FString Sku;
	size_t Steps = 0;
	size_t Next = 0;
	int64 Began = 0;
	TArray<bool> Passes;
	FCriticalSection Gate;
	TMap<FString, TSharedPtr<FReprieveFeatureSlot, ESPMode::ThreadSafe>> Slots;

private:
	reprieve_status Do(reprieve_task* Task, reprieve_client* Client, reprieve_error*& Error)
	{
		uint32_t Kind = 0;
		uint32_t Outage = 0;
		const char* Text = nullptr;
		const char* More = nullptr;
		size_t Size = 0;
		size_t MoreSize = 0;
		Library.task_kind(Task, &Kind);
		switch (Kind)
		{
		case REPRIEVE_TASK_IMPORT:
		{
			reprieve_answer Answer = {};
			Answer.struct_size = sizeof(Answer);
			Library.task_token(Task, &Text, &Size);
			return Library.client_import(Client, reinterpret_cast<const uint8_t*>(Text), Size, &Answer, nullptr, &Error);
		}
		case REPRIEVE_TASK_REPORT:
			Library.task_outage(Task, &Outage);
			return Library.client_report(Client, Outage, nullptr, &Error);
		case REPRIEVE_TASK_CHECK:
		{
			reprieve_decision Decision = {};
			Decision.struct_size = sizeof(Decision);
			Library.task_sku(Task, &Text, &Size);
			Library.task_feature(Task, &More, &MoreSize);
			return Library.client_check(Client, Text, Size, More, MoreSize, &Decision, &Error);
		}
		case REPRIEVE_TASK_EVENTS:
		{
			const char* Consumer = Library.drill_consumer();
			const size_t Length = FCStringAnsi::Strlen(Consumer);
			reprieve_status Status = Library.client_upkeep(Client, &Error);
			while (Status == REPRIEVE_OK)
			{
				reprieve_event* Event = nullptr;
				reprieve_event_info Info = {};
				Info.struct_size = sizeof(Info);
				Status = Library.client_next_event(Client, Consumer, Length, &Event, &Error);
				if (Status != REPRIEVE_OK || Event == nullptr)
				{
					break;
				}
				Library.event_get(Event, &Info);
				Library.event_free(Event);
				Status = Library.client_acknowledge(Client, Consumer, Length, Info.record, Info.index, &Error);
			}
			return Status;
		}
		default:
			return REPRIEVE_OK;
		}
	}
};

FReprieveDrillPlayer::FReprieveDrillPlayer() = default;

FReprieveDrillPlayer::~FReprieveDrillPlayer() = default;

TSharedPtr<FReprieveDrillPlayer, ESPMode::ThreadSafe> FReprieveDrillPlayer::Create(const FString& Scenario, const FString& Sku, FString& OutTrouble)
{
	const FReprieveLibrary* Library = FReprieveLibrary::Get();
	if (Library == nullptr)
	{
		OutTrouble = FReprieveLibrary::Trouble();
		return nullptr;
	}
	// Which steps let time pass: a drill cannot be asked that before it does a step, so another one goes ahead.
	FReprieveDrillState Scout(*Library);
	TArray<bool> Passes;
	if (!Scout.Make(Scenario, OutTrouble))
	{
		return nullptr;
	}
	while (Scout.Next < Scout.Steps)
	{
		const int64 Before = Scout.Seconds();
		if (!Scout.Step(OutTrouble))
		{
			return nullptr;
		}
		Passes.Add(Scout.Seconds() > Before);
	}
	TSharedPtr<FReprieveDrillPlayer, ESPMode::ThreadSafe> Player(new FReprieveDrillPlayer());
	Player->State = MakeUnique<FReprieveDrillState>(*Library);
	FReprieveDrillState& State = *Player->State;
	State.Sku = Sku;
	State.Passes = MoveTemp(Passes);
	if (!State.Make(Scenario, OutTrouble) || !State.Timeless(OutTrouble) || !State.Ask(OutTrouble) || !State.Upkeep(OutTrouble))
	{
		return nullptr;
	}
	return Player;
}

bool FReprieveDrillPlayer::Tick(FString& OutTrouble)
{
	return !HasEnded() && State->Step(OutTrouble) && State->Timeless(OutTrouble) && State->Upkeep(OutTrouble);
}

bool FReprieveDrillPlayer::HasEnded() const
{
	return State->Next >= State->Steps;
}

int64 FReprieveDrillPlayer::ElapsedSeconds() const
{
	return State->Seconds();
}

FReprieveFeature FReprieveDrillPlayer::Feature(const FString& Name)
{
	FScopeLock Lock(&State->Gate);
	FReprieveFeature Feature;
	if (const TSharedPtr<FReprieveFeatureSlot, ESPMode::ThreadSafe>* Found = State->Slots.Find(Name))
	{
		Feature.Slot = *Found;
		return Feature;
	}
	Feature.Slot = MakeShared<FReprieveFeatureSlot, ESPMode::ThreadSafe>(Name);
	const FReprieveUtf8 Product(State->Sku), Text(Name);
	reprieve_feature* Native = nullptr;
	if (State->Library.client_feature(State->Asked, Product.Data(), Product.Size(), Text.Data(), Text.Size(), &Native, nullptr) == REPRIEVE_OK)
	{
		Feature.Slot->Bind(Native);
	}
	State->Slots.Add(Name, Feature.Slot);
	return Feature;
}
