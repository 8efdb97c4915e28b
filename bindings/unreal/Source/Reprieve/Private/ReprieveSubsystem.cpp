#include "ReprieveSubsystem.h"

#include "HAL/PlatformProcess.h"
#include "Misc/FileHelper.h"
#include "Misc/Paths.h"
#include "ReprieveLibrary.h"
#include "ReprieveSession.h"
#include "ReprieveSettings.h"

void UReprieveSubsystem::Initialize(FSubsystemCollectionBase& Collection)
{
	Super::Initialize(Collection);
	Ticker = FTSTicker::GetCoreTicker().AddTicker(FTickerDelegate::CreateUObject(this, &UReprieveSubsystem::Pump));
	const UReprieveSettings* Settings = GetDefault<UReprieveSettings>();
	bRenewing = Settings->bRenew;
	if (Settings->bOpenAtStart && !Settings->Sku.IsEmpty())
	{
		Open(Settings->ApplicationFile, Settings->Sku, Settings->Consumer);
	}
}

void UReprieveSubsystem::Deinitialize()
{
	FTSTicker::GetCoreTicker().RemoveTicker(Ticker);
	Ticker.Reset();
	Close();
	Super::Deinitialize();
}

void UReprieveSubsystem::Open(const FString& ApplicationFile, const FString& Sku, const FString& Consumer)
{
	// By the engine's file system: in a packaged game the file may lie inside a pak, where the library cannot open it.
	const FString Path = FPaths::IsRelative(ApplicationFile) ? FPaths::Combine(FPaths::ProjectContentDir(), ApplicationFile) : ApplicationFile;
	FString Toml;
	if (!FFileHelper::LoadFileToString(Toml, *Path))
	{
		Close();
		const FString Text = FString::Printf(
			TEXT("the application file %s cannot be read; put it there, and name its folder under Additional Non-Asset Directories to Package"), *Path);
		UE_LOG(LogReprieve, Error, TEXT("%s. All goes on, and what is asked is unknown."), *Text);
		OnTrouble.Broadcast(Text);
		return;
	}
	OpenText(Toml, Sku, Consumer);
}

void UReprieveSubsystem::OpenText(const FString& Toml, const FString& Sku, const FString& Consumer)
{
	Begin(MakeShared<FReprieveSession, ESPMode::ThreadSafe>(FReprieveSession::FromText(Toml), Sku, Consumer, GetDefault<UReprieveSettings>()->UpkeepSeconds), false);
}

void UReprieveSubsystem::OpenDrill(const FString& Folder, const FString& Sku, const FString& Consumer)
{
	Begin(MakeShared<FReprieveSession, ESPMode::ThreadSafe>(FReprieveSession::FromDrill(Folder), Sku, Consumer, GetDefault<UReprieveSettings>()->UpkeepSeconds), true);
}

void UReprieveSubsystem::Begin(TSharedPtr<FReprieveSession, ESPMode::ThreadSafe> Next, bool bOfDrill)
{
	Close();
	Session = Next;
	bDrill = bOfDrill;
	if (bRenewing)
	{
		KeepRenewing();
	}
	for (const auto& Pair : Features)
	{
		Session->Adopt(Pair.Value);
	}
}

void UReprieveSubsystem::Close()
{
	if (Session.IsValid())
	{
		// A node that is under way may still hold the session; its ledger is closed all the same.
		Session->Close();
		Session.Reset();
	}
}

void UReprieveSubsystem::KeepRenewing()
{
	if (Session.IsValid() && !bDrill)
	{
		Session->SetRenewing(bRenewing, RenewalOptions);
	}
}

void UReprieveSubsystem::SetRenewing(bool bRenew)
{
	if (bRenewing != bRenew)
	{
		bRenewing = bRenew;
		KeepRenewing();
	}
}

void UReprieveSubsystem::SetRenewalOptions(const FReprieveRenewalOptions& Options)
{
	RenewalOptions = Options;
	if (bRenewing)
	{
		KeepRenewing();
	}
}

bool UReprieveSubsystem::RenewNow()
{
	return Session.IsValid() && Session->RenewNow();
}

bool UReprieveSubsystem::NetworkChanged()
{
	return Session.IsValid() && Session->NetworkChanged();
}

FReprieveRenewal UReprieveSubsystem::GetRenewal() const
{
	return Session.IsValid() ? Session->Renewal() : FReprieveRenewal();
}

bool UReprieveSubsystem::IsOpen() const
{
	return Session.IsValid() && Session->IsOpen();
}

FString UReprieveSubsystem::GetTrouble() const
{
	return Session.IsValid() ? Session->GetTrouble() : FString();
}

FReprieveFeature UReprieveSubsystem::GetFeature(const FString& Name)
{
	if (const FReprieveFeature* Found = Features.Find(Name))
	{
		return *Found;
	}
	FReprieveFeature Feature;
	if (Session.IsValid())
	{
		Feature = Session->Feature(Name);
	}
	else
	{
		Feature.Slot = MakeShared<FReprieveFeatureSlot, ESPMode::ThreadSafe>(Name);
	}
	Features.Add(Name, Feature);
	return Feature;
}

FReprieveDecision UReprieveSubsystem::CheckFeature(const FReprieveFeature& Feature)
{
	return Feature.Check();
}

bool UReprieveSubsystem::IsFeatureAllowed(const FReprieveFeature& Feature)
{
	return Feature.IsAllowed();
}

bool UReprieveSubsystem::IsFeatureRefused(const FReprieveFeature& Feature)
{
	return Feature.IsRefused();
}

FString UReprieveSubsystem::RunwayText(int64 Seconds)
{
	return ReprieveRunwayText(Seconds);
}

FString UReprieveSubsystem::Explain(const FString& Feature) const
{
	return Session.IsValid() ? Session->Explain(Feature) : FString();
}

FString UReprieveSubsystem::StatusJson() const
{
	return Session.IsValid() ? Session->StatusJson() : FString();
}

bool UReprieveSubsystem::Pump(float)
{
	// A handler may close the session, or open another.
	const TSharedPtr<FReprieveSession, ESPMode::ThreadSafe> Now = Session;
	FReprieveNews News;
	if (!Now.IsValid() || !Now->Take(News, OnEvent.IsBound()))
	{
		return true;
	}
	if (News.bOpened)
	{
		OnOpened.Broadcast();
	}
	for (const FString& Text : News.Troubles)
	{
		OnTrouble.Broadcast(Text);
	}
	for (const FReprieveEvent& Event : News.Events)
	{
		OnEvent.Broadcast(Event);
	}
	if (News.Events.Num() > 0)
	{
		Now->Delivered(News.Events.Last());
	}
	return true;
}
