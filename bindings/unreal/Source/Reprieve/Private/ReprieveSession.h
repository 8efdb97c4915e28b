#pragma once

#include "CoreMinimal.h"
#include "HAL/CriticalSection.h"
#include "HAL/Runnable.h"
#include "ReprieveLibrary.h"
#include "ReprieveTypes.h"

#include <atomic>

class FEvent;
class FRunnableThread;

FDateTime ReprieveInstant(const reprieve_time& Time);
EReprieveAccess ReprieveAccess(uint32 Access);
EReprieveState ReprieveState(uint32 State);

/** Where a feature's native handle stands while its ledger is open. The library knows a handle that was freed, so one that is let go in the midst of a check
 * gives an answer or an error, and never a wrong one. */
struct FReprieveFeatureSlot
{
	explicit FReprieveFeatureSlot(const FString& InName) : Name(InName) {}
	~FReprieveFeatureSlot() { Bind(nullptr); }

	bool Ask(reprieve_decision& Data) const
	{
		const reprieve_feature* Feature = Native.load(std::memory_order_acquire);
		const FReprieveLibrary* Library = FReprieveLibrary::Get();
		if (Feature == nullptr || Library == nullptr)
		{
			return false;
		}
		Data.struct_size = sizeof(Data);
		return Library->feature_check(Feature, &Data, nullptr) == REPRIEVE_OK;
	}

	void Bind(reprieve_feature* Feature)
	{
		reprieve_feature* Before = Native.exchange(Feature, std::memory_order_acq_rel);
		const FReprieveLibrary* Library = FReprieveLibrary::Get();
		if (Before != nullptr && Library != nullptr)
		{
			Library->feature_free(Before);
		}
	}

	const FString Name;

private:
	std::atomic<reprieve_feature*> Native{nullptr};
};

/** Opens a client on the session's thread. Null if it cannot; the trouble says why, and bHopeless whether trying again is of no use. */
using FReprieveOpener = TFunction<reprieve_client*(const FReprieveLibrary& Library, FString& OutTrouble, bool& bOutHopeless)>;

/** What a session tells on the game thread. */
struct FReprieveNews
{
	bool bOpened = false;
	TArray<FString> Troubles;
	TArray<FReprieveEvent> Events;
};

/** One client, its features, and the thread that opens it, does upkeep, and takes and acknowledges events. */
class FReprieveSession : public FRunnable
{
public:
	FReprieveSession(FReprieveOpener InOpener, const FString& InSku, const FString& InConsumer, double InInterval);
	virtual ~FReprieveSession() override;

	/** Ends the thread, acknowledges what was delivered, and closes the ledger. Also a second time. */
	void Close();

	/** What there is to tell; events only if they are wanted. One read while there is nothing. */
	bool Take(FReprieveNews& OutNews, bool bWantEvents);

	/** These events were handed to whoever is bound: they are acknowledged on the thread. */
	void Delivered(const FReprieveEvent& Last);

	/** Has the thread do a round now. */
	void Wake();

	bool IsOpen() const;
	FString GetTrouble() const;
	FReprieveFeature Feature(const FString& Name);
	/** Takes over a feature that was asked for before. */
	void Adopt(const FReprieveFeature& Feature);

	/** Whether leases are renewed by the library's own HTTP, and how. The thread begins it and ends it. */
	void SetRenewing(bool bInRenew, const FReprieveRenewalOptions& InOptions);
	/** Whether something renews. Neither waits. */
	bool RenewNow() const;
	bool NetworkChanged() const;
	FReprieveRenewal Renewal() const;

	FString Explain(const FString& Feature) const;
	FString StatusJson() const;
	/** For the plugin's nodes and commands: each waits for the disk, and says in the trouble if it failed. */
	bool Import(const FString& Token, TArray<FReprieveAnswer>& OutAnswers, FString& OutTrouble);
	bool Request(FString& OutUrl, TArray<uint8>& OutBody, FString& OutTrouble);
	/** `bOutNonsense`: it has no document that a key of the authority's has signed. */
	bool Renew(const TArray<uint8>& Answer, TArray<FReprieveAnswer>& OutAnswers, bool& bOutNonsense, FString& OutTrouble);
	bool Report(uint32 Outage);
	bool Appeal(const FString& License, const FString& Text);

	static FReprieveOpener FromText(const FString& Toml);
	static FReprieveOpener FromDrill(const FString& Folder);

	virtual uint32 Run() override;
	virtual void Stop() override;

private:
	void Round(const FReprieveLibrary& Library);
	bool Acknowledge(const FReprieveLibrary& Library, reprieve_client* Client);
	bool Fetch(const FReprieveLibrary& Library, reprieve_client* Client);
	void Tell(const FString& Text, bool bLog = true);
	void KeepRenewing(const FReprieveLibrary& Library);
	/** Waits for what is being written to the ledger, never for the network. */
	void StopRenewing(const FReprieveLibrary& Library);
	bool Bind(const FReprieveLibrary& Library, FReprieveFeatureSlot& Slot);
	/** A client of its own for a call, so that closing does not have to wait for it. */
	reprieve_client* Borrow(const FReprieveLibrary*& OutLibrary, FString& OutTrouble) const;
	TArray<FReprieveAnswer> Answers(const FReprieveLibrary& Library, reprieve_answers* Given) const;

	const FReprieveOpener Opener;
	const FString Sku;
	const FString Consumer;
	const double Interval;

	mutable FCriticalSection Gate;
	TMap<FString, TSharedPtr<FReprieveFeatureSlot, ESPMode::ThreadSafe>> Slots;
	reprieve_client* Native = nullptr;
	FReprieveNews News;
	FString Trouble;
	FReprieveEvent LastDelivered;
	bool bAcknowledge = false;
	/** Is freed by the thread, or when that has ended, and never while the gate is held: whoever asks how it stands waits for no disk. */
	reprieve_renewing* Renewing = nullptr;
	FReprieveRenewalOptions RenewalOptions;
	FString RenewalTrouble;
	bool bRenew = false;
	bool bRenewAnew = false;
	double NextRenewing = 0.0;
	bool bHopeless = false;
	double NextOpen = 0.0;

	std::atomic<bool> bWaiting{false};
	std::atomic<bool> bEnding{false};
	FEvent* WakeUp = nullptr;
	FRunnableThread* Thread = nullptr;
};
