#include "ReprieveSession.h"

#include "HAL/Event.h"
#include "HAL/PlatformProcess.h"
#include "HAL/PlatformTime.h"
#include "HAL/RunnableThread.h"
#include "Misc/ScopeLock.h"

namespace
{
	/** Fetched and not yet handed out: more stay in the ledger. */
	constexpr int32 MostWaiting = 64;
	/** How long a call waits for another process that has the ledger's lock: closing waits for one. */
	constexpr uint32 LockMilliseconds = 1000;
	constexpr double OpensAgain = 10.0;

	reprieve_client* OpenOn(const FReprieveLibrary& Library, reprieve_builder* Builder, reprieve_status Status, reprieve_error* Error, FString& OutTrouble, bool& bOutHopeless)
	{
		reprieve_client* Client = nullptr;
		if (Status == REPRIEVE_OK)
		{
			Status = Library.builder_set_upkeep(Builder, REPRIEVE_UPKEEP_OWN, &Error);
		}
		if (Status == REPRIEVE_OK)
		{
			Status = Library.builder_set_lock_timeout(Builder, LockMilliseconds, &Error);
		}
		if (Status == REPRIEVE_OK)
		{
			Status = Library.builder_open(Builder, &Client, &Error);
		}
		Library.builder_free(Builder);
		if (Status != REPRIEVE_OK)
		{
			OutTrouble = Library.Take(Error, Status);
			// What was said to the library is wrong, and stays so; a ledger that is busy or a disk that is full may not.
			bOutHopeless = Status / 100 == 1;
		}
		return Client;
	}

	FReprieveEvent ConvertEvent(const FReprieveLibrary& Library, const reprieve_event* Given)
	{
		FReprieveEvent Event;
		reprieve_event_info Info = {};
		Info.struct_size = sizeof(Info);
		if (Library.event_get(Given, &Info) != REPRIEVE_OK)
		{
			return Event;
		}
		const auto Text = [Given](reprieve_status (*Get)(const reprieve_event*, const char**, size_t*))
		{
			const char* Data = nullptr;
			size_t Size = 0;
			return Get(Given, &Data, &Size) == REPRIEVE_OK ? ReprieveText(Data, Size) : FString();
		};
		Event.Kind = Info.kind <= REPRIEVE_EVENT_APPEAL_RECEIVED ? static_cast<EReprieveEventKind>(Info.kind) : EReprieveEventKind::Other;
		Event.At = ReprieveInstant(Info.at);
		Event.License = Text(Library.event_license);
		Event.Feature = Text(Library.event_feature);
		Event.Reason = Text(Library.event_reason);
		Event.Text = Text(Library.event_text);
		Event.Access = Info.has_access != 0 ? ReprieveAccess(Info.access) : EReprieveAccess::Unknown;
		Event.State = ReprieveState(Info.state);
		Event.LeftSeconds = Info.has_left != 0 ? static_cast<int64>(Info.left_seconds) : -1;
		Event.Record = static_cast<int64>(Info.record);
		Event.Index = static_cast<int32>(Info.index);
		return Event;
	}
}

FReprieveOpener FReprieveSession::FromText(const FString& Toml)
{
	return [Toml](const FReprieveLibrary& Library, FString& OutTrouble, bool& bOutHopeless)
	{
		const FReprieveUtf8 Text(Toml);
		reprieve_builder* Builder = nullptr;
		reprieve_error* Error = nullptr;
		const reprieve_status Status = Library.builder_from_toml(Text.Data(), Text.Size(), &Builder, &Error);
		return OpenOn(Library, Builder, Status, Error, OutTrouble, bOutHopeless);
	};
}

FReprieveOpener FReprieveSession::FromDrill(const FString& Folder)
{
	return [Folder](const FReprieveLibrary& Library, FString& OutTrouble, bool& bOutHopeless)
	{
		const FReprieveUtf8 Path(Folder);
		reprieve_drill* Drill = nullptr;
		reprieve_builder* Builder = nullptr;
		reprieve_error* Error = nullptr;
		reprieve_status Status = Library.drill_open(Path.Data(), Path.Size(), &Drill, &Error);
		if (Status == REPRIEVE_OK)
		{
			Status = Library.drill_builder(Drill, &Builder, &Error);
		}
		reprieve_client* Client = OpenOn(Library, Builder, Status, Error, OutTrouble, bOutHopeless);
		Library.drill_free(Drill);
		return Client;
	};
}

FReprieveSession::FReprieveSession(FReprieveOpener InOpener, const FString& InSku, const FString& InConsumer, double InInterval)
	: Opener(MoveTemp(InOpener)), Sku(InSku), Consumer(InConsumer), Interval(FMath::Clamp(InInterval, 0.001, 60.0))
{
	WakeUp = FPlatformProcess::GetSynchEventFromPool(false);
	Thread = FRunnableThread::Create(this, TEXT("Reprieve upkeep"));
	if (Thread == nullptr)
	{
		Tell(TEXT("the thread for upkeep cannot be started; what is asked is unknown"));
	}
}

FReprieveSession::~FReprieveSession()
{
	Close();
	FPlatformProcess::ReturnSynchEventToPool(WakeUp);
}

void FReprieveSession::Stop()
{
	bEnding = true;
	WakeUp->Trigger();
}

void FReprieveSession::Wake()
{
	WakeUp->Trigger();
}

void FReprieveSession::Close()
{
	Stop();
	if (Thread != nullptr)
	{
		Thread->WaitForCompletion();
		delete Thread;
		Thread = nullptr;
	}
	const FReprieveLibrary* Library = FReprieveLibrary::Get();
	if (Library != nullptr)
	{
		// Before the ledger is closed: what came in the last moment is in it.
		StopRenewing(*Library);
	}
	reprieve_client* Last = nullptr;
	{
		FScopeLock Lock(&Gate);
		Last = Native;
		Native = nullptr;
		for (auto& Pair : Slots)
		{
			Pair.Value->Bind(nullptr);
		}
	}
	if (Last == nullptr || Library == nullptr)
	{
		return;
	}
	Acknowledge(*Library, Last);
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library->client_close(Last, &Error);
	if (Status != REPRIEVE_OK)
	{
		UE_LOG(LogReprieve, Error, TEXT("the ledger was closed, but what was due may be missing in it: %s"), *Library->Take(Error, Status));
	}
	Library->client_free(Last);
}

uint32 FReprieveSession::Run()
{
	const FReprieveLibrary* Library = FReprieveLibrary::Get();
	if (Library == nullptr)
	{
		// It was logged as the module started: the same for every game instance.
		FScopeLock Lock(&Gate);
		Trouble = FReprieveLibrary::Trouble();
		News.Troubles.Add(Trouble);
		bWaiting = true;
		return 0;
	}
	while (!bEnding)
	{
		Round(*Library);
		WakeUp->Wait(FTimespan::FromSeconds(Interval));
	}
	return 0;
}

void FReprieveSession::Round(const FReprieveLibrary& Library)
{
	if (Native == nullptr)
	{
		if (bHopeless || FPlatformTime::Seconds() < NextOpen)
		{
			return;
		}
		NextOpen = FPlatformTime::Seconds() + OpensAgain;
		FString Wrong;
		reprieve_client* Made = Opener(Library, Wrong, bHopeless);
		if (Made == nullptr)
		{
			Tell(FString::Printf(TEXT("the ledger was not opened: %s. All goes on, and what is asked is unknown; %s"), *Wrong,
				bHopeless ? TEXT("mend that and open again") : TEXT("it is tried again every 10 s")));
			return;
		}
		{
			FScopeLock Lock(&Gate);
			Native = Made;
			News.bOpened = true;
			bWaiting = true;
		}
		// Upkeep first, so that what is asked has an answer from the first moment on.
	}
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library.client_upkeep(Native, &Error);
	if (Status != REPRIEVE_OK)
	{
		Tell(Library.Take(Error, Status));
	}
	bool bGood = Status == REPRIEVE_OK;
	{
		FScopeLock Lock(&Gate);
		for (auto& Pair : Slots)
		{
			bGood &= Bind(Library, *Pair.Value);
		}
	}
	if (!Consumer.IsEmpty())
	{
		bGood &= Acknowledge(Library, Native);
		bGood &= Fetch(Library, Native);
	}
	if (bGood)
	{
		FScopeLock Lock(&Gate);
		Trouble.Empty();
	}
	// After the first decisions: a game waits for them, and for no lease.
	KeepRenewing(Library);
}

void FReprieveSession::SetRenewing(bool bInRenew, const FReprieveRenewalOptions& InOptions)
{
	{
		FScopeLock Lock(&Gate);
		bRenew = bInRenew;
		RenewalOptions = InOptions;
		bRenewAnew = true;
		NextRenewing = 0.0;
	}
	Wake();
}

void FReprieveSession::KeepRenewing(const FReprieveLibrary& Library)
{
	FReprieveRenewalOptions Options;
	bool bStart = false;
	{
		FScopeLock Lock(&Gate);
		if (!bRenewAnew || FPlatformTime::Seconds() < NextRenewing)
		{
			return;
		}
		bRenewAnew = false;
		bStart = bRenew;
		Options = RenewalOptions;
	}
	StopRenewing(Library);
	if (!bStart)
	{
		FScopeLock Lock(&Gate);
		RenewalTrouble.Empty();
		return;
	}
	const FReprieveUtf8 Roots(Options.Roots), Proxy(Options.Proxy), Headers(Options.Headers);
	reprieve_renewal_settings Settings = {};
	Settings.struct_size = sizeof(Settings);
	Settings.timeout = static_cast<uint32>(FMath::Clamp(Options.TimeoutSeconds, 0.0f, 86400.0f) * 1000.0f);
	reprieve_renewing* Made = nullptr;
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library.renewing_start(Native, &Settings, reinterpret_cast<const uint8_t*>(Roots.Data()), Roots.Size(), Proxy.Data(), Proxy.Size(),
		Headers.Data(), Headers.Size(), &Made, &Error);
	if (Status == REPRIEVE_OK)
	{
		FScopeLock Lock(&Gate);
		Renewing = Made;
		RenewalTrouble.Empty();
		return;
	}
	const bool bUnsupported = Status == REPRIEVE_STATUS_UNSUPPORTED;
	const FString Text = FString::Printf(TEXT("leases are not renewed by themselves: %s%s"), *Library.Take(Error, Status),
		bUnsupported ? TEXT(". The node Renew renews without it") : TEXT(""));
	// What the library cannot do is the same for every game instance, and logged once.
	static std::atomic<bool> bLogged{false};
	// Only this thread writes it.
	if (RenewalTrouble != Text)
	{
		Tell(Text, !bUnsupported || !bLogged.exchange(true));
	}
	FScopeLock Lock(&Gate);
	RenewalTrouble = Text;
	if (Status == REPRIEVE_STATUS_IO && !bRenewAnew)
	{
		// No thread: the system may have one later.
		bRenewAnew = true;
		NextRenewing = FPlatformTime::Seconds() + OpensAgain;
	}
}

void FReprieveSession::StopRenewing(const FReprieveLibrary& Library)
{
	reprieve_renewing* Last = nullptr;
	{
		FScopeLock Lock(&Gate);
		Last = Renewing;
		Renewing = nullptr;
	}
	Library.renewing_free(Last);
}

bool FReprieveSession::RenewNow() const
{
	const FReprieveLibrary* Library = FReprieveLibrary::Get();
	FScopeLock Lock(&Gate);
	return Library != nullptr && Renewing != nullptr && Library->renewing_renew_now(Renewing, nullptr) == REPRIEVE_OK;
}

bool FReprieveSession::NetworkChanged() const
{
	const FReprieveLibrary* Library = FReprieveLibrary::Get();
	FScopeLock Lock(&Gate);
	return Library != nullptr && Renewing != nullptr && Library->renewing_network_changed(Renewing, nullptr) == REPRIEVE_OK;
}

FReprieveRenewal FReprieveSession::Renewal() const
{
	FReprieveRenewal Renewal;
	const FReprieveLibrary* Library = FReprieveLibrary::Get();
	FScopeLock Lock(&Gate);
	Renewal.Trouble = RenewalTrouble;
	if (Library == nullptr || Renewing == nullptr)
	{
		return Renewal;
	}
	reprieve_renewal_state Data = {};
	Data.struct_size = sizeof(Data);
	reprieve_bytes* Url = nullptr;
	reprieve_bytes* Word = nullptr;
	if (Library->renewing_state(Renewing, &Data, &Url, &Word, nullptr) == REPRIEVE_OK)
	{
		const auto Seconds = [](uint64_t Milliseconds) { return static_cast<float>(static_cast<double>(Milliseconds) * 0.001); };
		Renewal.bRenewing = true;
		Renewal.bBusy = Data.is_busy != 0;
		Renewal.NextSeconds = Data.has_next != 0 ? Seconds(Data.next_milliseconds) : -1.0f;
		Renewal.Outcome = Data.outcome <= REPRIEVE_OUTCOME_UNCHANGED ? static_cast<EReprieveOutcome>(Data.outcome) : EReprieveOutcome::Other;
		Renewal.Status = static_cast<int32>(Data.status);
		// There is a word wherever an attempt has ended.
		Renewal.AgoSeconds = Word != nullptr ? Seconds(Data.ago_milliseconds) : -1.0f;
		Renewal.TookSeconds = Seconds(Data.took_milliseconds);
	}
	Renewal.Word = Library->Take(Word);
	Renewal.Url = Library->Take(Url);
	return Renewal;
}

bool FReprieveSession::Acknowledge(const FReprieveLibrary& Library, reprieve_client* Client)
{
	FReprieveEvent Done;
	{
		FScopeLock Lock(&Gate);
		if (!bAcknowledge)
		{
			return true;
		}
		bAcknowledge = false;
		Done = LastDelivered;
	}
	const FReprieveUtf8 Name(Consumer);
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library.client_acknowledge(Client, Name.Data(), Name.Size(), static_cast<uint64>(Done.Record), static_cast<uint32>(Done.Index), &Error);
	if (Status != REPRIEVE_OK)
	{
		Tell(Library.Take(Error, Status));
		FScopeLock Lock(&Gate);
		bAcknowledge = true;
		return false;
	}
	return true;
}

bool FReprieveSession::Fetch(const FReprieveLibrary& Library, reprieve_client* Client)
{
	const FReprieveUtf8 Name(Consumer);
	while (!bEnding)
	{
		{
			FScopeLock Lock(&Gate);
			if (News.Events.Num() >= MostWaiting)
			{
				return true;
			}
		}
		reprieve_event* Given = nullptr;
		reprieve_error* Error = nullptr;
		const reprieve_status Status = Library.client_next_event(Client, Name.Data(), Name.Size(), &Given, &Error);
		if (Status != REPRIEVE_OK)
		{
			Tell(Library.Take(Error, Status));
			return false;
		}
		if (Given == nullptr)
		{
			return true;
		}
		FReprieveEvent Event = ConvertEvent(Library, Given);
		Library.event_free(Given);
		FScopeLock Lock(&Gate);
		News.Events.Add(MoveTemp(Event));
		bWaiting = true;
	}
	return true;
}

void FReprieveSession::Tell(const FString& Text, bool bLog)
{
	FScopeLock Lock(&Gate);
	// The same trouble round after round is told once.
	if (Trouble == Text)
	{
		return;
	}
	Trouble = Text;
	News.Troubles.Add(Text);
	bWaiting = true;
	if (bLog)
	{
		UE_LOG(LogReprieve, Error, TEXT("%s"), *Text);
	}
}

bool FReprieveSession::Bind(const FReprieveLibrary& Library, FReprieveFeatureSlot& Slot)
{
	reprieve_decision Seen = {};
	if (Native == nullptr || Slot.Ask(Seen))
	{
		return true;
	}
	const FReprieveUtf8 Product(Sku), Name(Slot.Name);
	reprieve_feature* Feature = nullptr;
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library.client_feature(Native, Product.Data(), Product.Size(), Name.Data(), Name.Size(), &Feature, &Error);
	if (Status != REPRIEVE_OK)
	{
		Tell(Library.Take(Error, Status));
		return false;
	}
	Slot.Bind(Feature);
	return true;
}

bool FReprieveSession::Take(FReprieveNews& OutNews, bool bWantEvents)
{
	if (!bWaiting.load(std::memory_order_acquire))
	{
		return false;
	}
	FScopeLock Lock(&Gate);
	OutNews.bOpened = News.bOpened;
	News.bOpened = false;
	OutNews.Troubles = MoveTemp(News.Troubles);
	News.Troubles.Empty();
	OutNews.Events.Empty();
	if (bWantEvents)
	{
		OutNews.Events = MoveTemp(News.Events);
		News.Events.Empty();
	}
	// What waits for somebody who is bound keeps the flag up.
	bWaiting = News.Events.Num() > 0;
	return OutNews.bOpened || OutNews.Troubles.Num() > 0 || OutNews.Events.Num() > 0;
}

void FReprieveSession::Delivered(const FReprieveEvent& Last)
{
	{
		FScopeLock Lock(&Gate);
		LastDelivered = Last;
		bAcknowledge = true;
	}
	Wake();
}

bool FReprieveSession::IsOpen() const
{
	FScopeLock Lock(&Gate);
	return Native != nullptr;
}

FString FReprieveSession::GetTrouble() const
{
	FScopeLock Lock(&Gate);
	return Trouble;
}

FReprieveFeature FReprieveSession::Feature(const FString& Name)
{
	FScopeLock Lock(&Gate);
	FReprieveFeature Feature;
	if (const TSharedPtr<FReprieveFeatureSlot, ESPMode::ThreadSafe>* Found = Slots.Find(Name))
	{
		Feature.Slot = *Found;
		return Feature;
	}
	Feature.Slot = MakeShared<FReprieveFeatureSlot, ESPMode::ThreadSafe>(Name);
	Slots.Add(Name, Feature.Slot);
	if (const FReprieveLibrary* Library = FReprieveLibrary::Get())
	{
		Bind(*Library, *Feature.Slot);
	}
	return Feature;
}

void FReprieveSession::Adopt(const FReprieveFeature& Feature)
{
	FScopeLock Lock(&Gate);
	Slots.Add(Feature.Slot->Name, Feature.Slot);
	if (const FReprieveLibrary* Library = FReprieveLibrary::Get())
	{
		Bind(*Library, *Feature.Slot);
	}
}

reprieve_client* FReprieveSession::Borrow(const FReprieveLibrary*& OutLibrary, FString& OutTrouble) const
{
	OutLibrary = FReprieveLibrary::Get();
	if (OutLibrary == nullptr)
	{
		OutTrouble = FReprieveLibrary::Trouble();
		return nullptr;
	}
	FScopeLock Lock(&Gate);
	reprieve_client* Copy = nullptr;
	reprieve_error* Error = nullptr;
	if (Native == nullptr)
	{
		OutTrouble = Trouble.IsEmpty() ? FString(TEXT("the ledger is not open")) : Trouble;
		return nullptr;
	}
	const reprieve_status Status = OutLibrary->client_clone(Native, &Copy, &Error);
	if (Status != REPRIEVE_OK)
	{
		OutTrouble = OutLibrary->Take(Error, Status);
	}
	return Copy;
}

FString FReprieveSession::Explain(const FString& Feature) const
{
	const FReprieveLibrary* Library = nullptr;
	FString Wrong;
	reprieve_client* Client = Borrow(Library, Wrong);
	if (Client == nullptr)
	{
		return FString();
	}
	const FReprieveUtf8 Product(Sku), Name(Feature);
	reprieve_bytes* Json = nullptr;
	Library->client_explain(Client, Product.Data(), Product.Size(), Name.Data(), Name.Size(), &Json, nullptr);
	const FString Text = Library->Take(Json);
	Library->client_free(Client);
	return Text;
}

FString FReprieveSession::StatusJson() const
{
	const FReprieveLibrary* Library = nullptr;
	FString Wrong;
	reprieve_client* Client = Borrow(Library, Wrong);
	if (Client == nullptr)
	{
		return FString();
	}
	const FReprieveUtf8 Product(Sku);
	reprieve_ledger_status* Status = nullptr;
	reprieve_bytes* Json = nullptr;
	if (Library->client_status(Client, Product.Data(), Product.Size(), &Status, nullptr) == REPRIEVE_OK)
	{
		Library->ledger_status_json(Status, &Json, nullptr);
	}
	const FString Text = Library->Take(Json);
	Library->ledger_status_free(Status);
	Library->client_free(Client);
	return Text;
}

TArray<FReprieveAnswer> FReprieveSession::Answers(const FReprieveLibrary& Library, reprieve_answers* Given) const
{
	TArray<FReprieveAnswer> List;
	size_t Count = 0;
	if (Given != nullptr)
	{
		Library.answers_count(Given, &Count);
	}
	for (size_t At = 0; At < Count; At++)
	{
		reprieve_answer Data = {};
		Data.struct_size = sizeof(Data);
		const char* Text = nullptr;
		size_t Size = 0;
		if (Library.answers_get(Given, At, &Data) == REPRIEVE_OK && Library.answers_detail(Given, At, &Text, &Size) == REPRIEVE_OK)
		{
			FReprieveAnswer Answer;
			Answer.bAccepted = Data.accepted != 0;
			Answer.bKnown = Data.known != 0;
			Answer.Kind = FString(UTF8_TO_TCHAR(Library.document_str(Data.kind)));
			Answer.Refusal = FString(UTF8_TO_TCHAR(Library.refusal_str(Data.error)));
			Answer.Detail = ReprieveText(Text, Size);
			List.Add(MoveTemp(Answer));
		}
	}
	Library.answers_free(Given);
	return List;
}

bool FReprieveSession::Import(const FString& Token, TArray<FReprieveAnswer>& OutAnswers, FString& OutTrouble)
{
	const FReprieveLibrary* Library = nullptr;
	reprieve_client* Client = Borrow(Library, OutTrouble);
	if (Client == nullptr)
	{
		return false;
	}
	const FReprieveUtf8 Text(Token);
	reprieve_answer Data = {};
	Data.struct_size = sizeof(Data);
	reprieve_answers* Details = nullptr;
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library->client_import(Client, reinterpret_cast<const uint8_t*>(Text.Data()), Text.Size(), &Data, &Details, &Error);
	Library->client_free(Client);
	if (Status != REPRIEVE_OK)
	{
		OutTrouble = Library->Take(Error, Status);
		return false;
	}
	OutAnswers = Answers(*Library, Details);
	Wake();
	return true;
}

bool FReprieveSession::Request(FString& OutUrl, TArray<uint8>& OutBody, FString& OutTrouble)
{
	const FReprieveLibrary* Library = nullptr;
	reprieve_client* Client = Borrow(Library, OutTrouble);
	if (Client == nullptr)
	{
		return false;
	}
	reprieve_bytes* Endpoint = nullptr;
	reprieve_bytes* Body = nullptr;
	reprieve_error* Error = nullptr;
	reprieve_status Status = Library->client_endpoint(Client, 0, &Endpoint, &Error);
	if (Status == REPRIEVE_STATUS_OUT_OF_RANGE)
	{
		OutTrouble = TEXT("the application file names no renewal server; add one under `endpoints`");
		Library->error_free(Error);
		Library->client_free(Client);
		return false;
	}
	if (Status == REPRIEVE_OK)
	{
		OutUrl = Library->Take(Endpoint);
		Status = Library->client_request(Client, &Body, nullptr, &Error);
	}
	Library->client_free(Client);
	if (Status != REPRIEVE_OK)
	{
		OutTrouble = Library->Take(Error, Status);
		return false;
	}
	const char* Data = nullptr;
	size_t Size = 0;
	Library->bytes_get(Body, &Data, &Size);
	OutBody.Append(reinterpret_cast<const uint8*>(Data), static_cast<int32>(Size));
	Library->bytes_free(Body);
	return true;
}

bool FReprieveSession::Renew(const TArray<uint8>& Answer, TArray<FReprieveAnswer>& OutAnswers, bool& bOutNonsense, FString& OutTrouble)
{
	bOutNonsense = false;
	const FReprieveLibrary* Library = nullptr;
	reprieve_client* Client = Borrow(Library, OutTrouble);
	if (Client == nullptr)
	{
		return false;
	}
	reprieve_answers* Given = nullptr;
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library->client_renew(Client, Answer.GetData(), static_cast<size_t>(Answer.Num()), nullptr, &Given, &Error);
	Library->client_free(Client);
	if (Status != REPRIEVE_OK)
	{
		bOutNonsense = Status == REPRIEVE_STATUS_CLAIMS;
		OutTrouble = Library->Take(Error, Status);
		return false;
	}
	OutAnswers = Answers(*Library, Given);
	bOutNonsense = true;
	for (const FReprieveAnswer& One : OutAnswers)
	{
		bOutNonsense = bOutNonsense && (One.Refusal == TEXT("malformed") || One.Refusal == TEXT("bad_signature") || One.Refusal == TEXT("unknown_key"));
	}
	Wake();
	return true;
}

bool FReprieveSession::Report(uint32 Outage)
{
	const FReprieveLibrary* Library = nullptr;
	FString Wrong;
	reprieve_client* Client = Borrow(Library, Wrong);
	if (Client == nullptr)
	{
		return false;
	}
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library->client_report(Client, Outage, nullptr, &Error);
	Library->client_free(Client);
	if (Status != REPRIEVE_OK)
	{
		Tell(Library->Take(Error, Status));
		return false;
	}
	Wake();
	return true;
}

bool FReprieveSession::Appeal(const FString& License, const FString& Text)
{
	const FReprieveLibrary* Library = nullptr;
	FString Wrong;
	reprieve_client* Client = Borrow(Library, Wrong);
	if (Client == nullptr)
	{
		return false;
	}
	const FReprieveUtf8 Name(License), Words(Text);
	reprieve_bytes* Packet = nullptr;
	reprieve_error* Error = nullptr;
	const reprieve_status Status = Library->client_appeal(Client, Name.Size() == 0 ? nullptr : Name.Data(), Name.Size(), Words.Data(), Words.Size(), &Packet, &Error);
	Library->bytes_free(Packet);
	Library->client_free(Client);
	if (Status != REPRIEVE_OK)
	{
		Tell(Library->Take(Error, Status));
	}
	Wake();
	return Status == REPRIEVE_OK;
}
