#include "ReprieveActions.h"

#include "Async/Async.h"
#include "Engine/Engine.h"
#include "Engine/GameInstance.h"
#include "Engine/World.h"
#include "HttpModule.h"
#include "Interfaces/IHttpRequest.h"
#include "Interfaces/IHttpResponse.h"
#include "ReprieveSession.h"
#include "ReprieveSubsystem.h"

namespace
{
	TWeakPtr<FReprieveSession, ESPMode::ThreadSafe> SessionOf(const UObject* Context)
	{
		const UWorld* World = GEngine->GetWorldFromContextObject(Context, EGetWorldErrorMode::LogAndReturnNull);
		const UGameInstance* Game = World != nullptr ? World->GetGameInstance() : nullptr;
		const UReprieveSubsystem* Subsystem = Game != nullptr ? Game->GetSubsystem<UReprieveSubsystem>() : nullptr;
		return Subsystem != nullptr ? Subsystem->GetSession() : TSharedPtr<FReprieveSession, ESPMode::ThreadSafe>();
	}

	const TCHAR* const NotOpen = TEXT("the ledger is not open");
}

UReprieveImportAction* UReprieveImportAction::ImportDocument(UObject* WorldContextObject, const FString& Token)
{
	UReprieveImportAction* Action = NewObject<UReprieveImportAction>();
	Action->Session = SessionOf(WorldContextObject);
	Action->Pending = Token;
	Action->RegisterWithGameInstance(WorldContextObject);
	return Action;
}

void UReprieveImportAction::Activate()
{
	Async(EAsyncExecution::ThreadPool, [Weak = TWeakObjectPtr<UReprieveImportAction>(this), Held = Session, Token = Pending]()
	{
		TArray<FReprieveAnswer> Answers;
		FString Message = NotOpen;
		const TSharedPtr<FReprieveSession, ESPMode::ThreadSafe> Open = Held.Pin();
		const bool bDone = Open.IsValid() && Open->Import(Token, Answers, Message);
		AsyncTask(ENamedThreads::GameThread, [Weak, bDone, Answers, Message]()
		{
			if (UReprieveImportAction* Action = Weak.Get())
			{
				(bDone ? Action->Completed : Action->Failed).Broadcast(Answers, bDone ? FString() : Message);
				Action->SetReadyToDestroy();
			}
		});
	});
}

UReprieveRenewAction* UReprieveRenewAction::Renew(UObject* WorldContextObject, float TimeoutSeconds)
{
	UReprieveRenewAction* Action = NewObject<UReprieveRenewAction>();
	Action->Session = SessionOf(WorldContextObject);
	Action->Timeout = TimeoutSeconds;
	Action->RegisterWithGameInstance(WorldContextObject);
	return Action;
}

void UReprieveRenewAction::Activate()
{
	Async(EAsyncExecution::ThreadPool, [Weak = TWeakObjectPtr<UReprieveRenewAction>(this), Held = Session]()
	{
		FString Url;
		FString Message = NotOpen;
		TArray<uint8> Body;
		const TSharedPtr<FReprieveSession, ESPMode::ThreadSafe> Open = Held.Pin();
		const bool bDone = Open.IsValid() && Open->Request(Url, Body, Message);
		AsyncTask(ENamedThreads::GameThread, [Weak, bDone, Url, Body, Message]()
		{
			if (UReprieveRenewAction* Action = Weak.Get())
			{
				if (bDone)
				{
					Action->Post(Url, Body);
				}
				else
				{
					Action->Finish(false, TArray<FReprieveAnswer>(), Message);
				}
			}
		});
	});
}

void UReprieveRenewAction::Post(const FString& Url, const TArray<uint8>& Body)
{
	const TSharedRef<IHttpRequest, ESPMode::ThreadSafe> Request = FHttpModule::Get().CreateRequest();
	Request->SetURL(Url);
	Request->SetVerb(TEXT("POST"));
	Request->SetHeader(TEXT("Content-Type"), TEXT("application/json"));
	Request->SetContent(Body);
	Request->SetTimeout(Timeout);
	Request->OnProcessRequestComplete().BindLambda(
		[Weak = TWeakObjectPtr<UReprieveRenewAction>(this), Held = Session, Url](FHttpRequestPtr, FHttpResponsePtr Response, bool bConnected)
		{
			const int32 Code = bConnected && Response.IsValid() ? Response->GetResponseCode() : 0;
			const TArray<uint8> Content = Code >= 200 && Code < 300 ? Response->GetContent() : TArray<uint8>();
			Async(EAsyncExecution::ThreadPool, [Weak, Held, Url, Code, Content]()
			{
				TArray<FReprieveAnswer> Answers;
				FString Message = NotOpen;
				bool bDone = false;
				if (const TSharedPtr<FReprieveSession, ESPMode::ThreadSafe> Open = Held.Pin())
				{
					// Over TLS that holds it is the server that talks nonsense; over plain HTTP it may be a captive portal.
					const uint32 Nonsense = Url.StartsWith(TEXT("https:")) ? REPRIEVE_OUTAGE_SERVER : REPRIEVE_OUTAGE_NETWORK;
					if (Code >= 200 && Code < 300)
					{
						bool bNonsense = false;
						bDone = Open->Renew(Content, Answers, bNonsense, Message);
						if (bNonsense)
						{
							Open->Report(Nonsense);
						}
					}
					else if (Code == 0)
					{
						Open->Report(REPRIEVE_OUTAGE_NETWORK);
						Message = FString::Printf(TEXT("%s gave no answer"), *Url);
					}
					else
					{
						// 511: the network wants a login. No status refuses a customer: only a signed document can.
						const bool bServer = (Code >= 500 && Code < 600) || Code == 429;
						Open->Report(Code == 511 ? REPRIEVE_OUTAGE_NETWORK : bServer ? REPRIEVE_OUTAGE_SERVER : Nonsense);
						Message = FString::Printf(TEXT("%s answered with status %d"), *Url, Code);
					}
				}
				AsyncTask(ENamedThreads::GameThread, [Weak, bDone, Answers, Message]()
				{
					if (UReprieveRenewAction* Action = Weak.Get())
					{
						Action->Finish(bDone, Answers, bDone ? FString() : Message);
					}
				});
			});
		});
	Request->ProcessRequest();
}

void UReprieveRenewAction::Finish(bool bCompleted, const TArray<FReprieveAnswer>& Answers, const FString& Message)
{
	(bCompleted ? Completed : Failed).Broadcast(Answers, Message);
	SetReadyToDestroy();
}
