// Plays the plugin on the stub engine with the real native library: program WHAT FOLDER [MORE].
#include "ReprieveActions.h"
#include "ReprieveLibrary.h"
#include "ReprieveOutpost.h"
#include "ReprieveSession.h"
#include "ReprieveSettings.h"
#include "ReprieveSubsystem.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

IModuleInterface* StubModuleReprieve();
IModuleInterface* StubModuleReprieveOutpost();

namespace
{
	std::string Folder;

	void Is(bool bCondition, const char* What)
	{
		if (bCondition) { return; }
		std::printf("%s; the log:\n", What);
		for (const std::string& Line : FStubEngine::Get().Log) { std::printf("%s\n", Line.c_str()); }
		std::fflush(stdout);
		std::_Exit(1);
	}

	FString Text(const std::string& In) { return FString(FUTF8ToTCHAR(In.c_str()).Get()); }

	void Frame()
	{
		auto& Engine = FStubEngine::Get();
		std::vector<std::function<void()>> Now;
		{ std::lock_guard<std::recursive_mutex> Lock(Engine.Mutex); Now.swap(Engine.GameThread); }
		for (const auto& Call : Now) { Call(); }
		FTSTicker::GetCoreTicker().Tick(1.0f / 60);
	}

	template <typename F> void Frames(F Until, const char* What)
	{
		const double End = FPlatformTime::Seconds() + 60;
		while (FPlatformTime::Seconds() < End)
		{
			Frame();
			if (Until()) { return; }
			FPlatformProcess::Sleep(0.002f);
		}
		Is(false, What);
	}

	const FReprieveLibrary& Native() { Is(FReprieveLibrary::Get() != nullptr, "the library is there"); return *FReprieveLibrary::Get(); }

	/** A game, and what it binds. */
	struct FGame : UObject
	{
		UWorld World;
		UGameInstance Instance;
		UReprieveSubsystem* Licence = nullptr;
		std::vector<FReprieveEvent> Events;
		std::vector<std::string> Troubles;
		int Opened = 0;

		FGame() { World.Game = &Instance; Licence = Instance.StubBegin<UReprieveSubsystem>(); }
		~FGame() override { Instance.Shutdown(); }
		void Listen() { Licence->OnEvent.AddDynamic(this, &FGame::OnEvent); }
		void Bind() { Licence->OnTrouble.AddDynamic(this, &FGame::OnTrouble); Licence->OnOpened.AddDynamic(this, &FGame::OnOpened); }
		void OnEvent(const FReprieveEvent& Event) { Is(std::this_thread::get_id() == FStubEngine::Get().Main, "on the game thread"); Events.push_back(Event); }
		void OnTrouble(const FString& Message) { Troubles.push_back(Message.Stub()); }
		void OnOpened() { Opened++; }
	};

	/** A drill in a folder, with a lease for a day: what the plugin itself never makes. */
	void MakeDrill()
	{
		void* Handle = FPlatformProcess::GetDllHandle(*Text(FStubEngine::Get().PluginDir + "/Source/ThirdParty/ReprieveLibrary/Linux/libreprieve.so"));
		const auto Create = reinterpret_cast<decltype(&reprieve_drill_create)>(dlsym(Handle, "reprieve_drill_create"));
		const auto Issue = reinterpret_cast<decltype(&reprieve_drill_issue)>(dlsym(Handle, "reprieve_drill_issue"));
		reprieve_drill* Drill = nullptr;
		reprieve_client* Client = nullptr;
		reprieve_bytes* Token = nullptr;
		reprieve_time Now = {};
		reprieve_answer Answer = {};
		Answer.struct_size = sizeof(Answer);
		const char* Data = nullptr;
		size_t Size = 0;
		Is(Create(Folder.c_str(), Folder.size(), nullptr, 0, &Drill, nullptr) == REPRIEVE_OK && Native().drill_client(Drill, &Client, nullptr) == REPRIEVE_OK && Native().drill_now(Drill, &Now, nullptr) == REPRIEVE_OK, "a drill");
		const std::string Claims = "{\"license\": \"L1\", \"sku\": \"cad\", \"features\": {\"core\": " + std::to_string(Now.seconds + 86400) + "}}";
		Is(Issue(Drill, REPRIEVE_DOCUMENT_LEASE, Claims.c_str(), Claims.size(), 1, nullptr, 0, &Token, nullptr) == REPRIEVE_OK && Native().bytes_get(Token, &Data, &Size) == REPRIEVE_OK, "a lease");
		Is(Native().client_import(Client, reinterpret_cast<const uint8_t*>(Data), Size, &Answer, nullptr, nullptr) == REPRIEVE_OK && Answer.accepted == 1, "imported");
		Native().bytes_free(Token);
		Native().client_free(Client);
		Native().drill_free(Drill);
		FPlatformProcess::FreeDllHandle(Handle);
	}

	void Settings() { GetMutableDefault<UReprieveSettings>()->UpkeepSeconds = 0.01f; }

	void Ticks()
	{
		FGame Game;
		Game.Bind();
		// Asked for before anything is open.
		const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
		Is(Core.GetAccess() == EReprieveAccess::Unknown && !Core.IsRefused() && !Core.IsAllowed(), "unknown before opening");
		Game.Licence->OpenDrill(Text(Folder), TEXT("cad"), TEXT("ticks"));
		Frames([&] { return Game.Opened == 1 && Core.IsAllowed(); }, "opened");
		for (int Turn = 0; Turn < 1000; Turn++)
		{
			Frame();
			const FReprieveDecision Decision = UReprieveSubsystem::CheckFeature(Core);
			Is(Decision.bAllowed && Decision.Access == EReprieveAccess::Full && Decision.State == EReprieveState::Licensed && Decision.bEnds && Decision.RunwaySeconds > 80000, "a frame's check");
		}
		Is(Game.Licence->GetFeature(TEXT("other")).Check().State == EReprieveState::NotEntitled, "another feature");
		// Nothing is bound: it waits.
		Is(Game.Licence->GetSession()->Appeal(TEXT("L1"), TEXT("The server room was under water: \u00fc, \U0001f30a.")), "an appeal");
		Frame();
		Game.Listen();
		Frames([&] { return Game.Events.size() == 1; }, "an event");
		Is(Game.Events[0].Kind == EReprieveEventKind::AppealFiled && Game.Events[0].Text == FString(TEXT("The server room was under water: \u00fc, \U0001f30a.")), "the event");
		Is(Game.Licence->StatusJson().Stub().find("\"features\"") != std::string::npos, "the status");
		Is(Game.Licence->Explain(TEXT("core")).Stub().find("\"licensed\"") != std::string::npos, "the explanation");
		FStubCommands::All().at("Reprieve.Status").Execute(TArray<FString>(), &Game.World);
		Is(FStubEngine::Get().Log.back().find("Display: {") != std::string::npos, "the console shows the status");
		Game.Licence->Close();
		Is(Core.GetAccess() == EReprieveAccess::Unknown && !Game.Licence->IsOpen(), "unknown after closing");
		Game.Licence->OpenDrill(Text(Folder), TEXT("cad"), TEXT("ticks"));
		Frames([&] { return Game.Opened == 2 && Core.IsAllowed(); }, "opened again, with the same feature");
		Frames([turn = 0]() mutable { return ++turn > 50; }, "frames");
		Is(Game.Events.size() == 1 && Game.Troubles.empty(), "what was delivered does not come again");
		std::printf("1000 frames\n");
	}

	void Plays(int Times)
	{
		size_t After = 0;
		for (int Turn = 0; Turn < Times; Turn++)
		{
			// Two instances at once, as Play In Editor with two players.
			FGame One, Two;
			One.Licence->OpenDrill(Text(Folder), TEXT("cad"), TEXT("one"));
			Two.Licence->OpenDrill(Text(Folder), TEXT("cad"), TEXT("two"));
			const FReprieveFeature First = One.Licence->GetFeature(TEXT("core")), Second = Two.Licence->GetFeature(TEXT("core"));
			Frames([&] { return First.IsAllowed() && Second.IsAllowed(); }, "both are open");
			One.Licence->Close();
			Is(!First.IsAllowed() && Second.IsAllowed(), "a client each");
			if (Turn == 0) { After = Native().handle_count(); }
			Is(Native().handle_count() <= After, "no handle is left of a play");
		}
		Is(Native().handle_count() == 0 && FTSTicker::GetCoreTicker().StubCount() == 0 && FStubEngine::Get().Log.empty(), "nothing is left, and nothing was logged");
		std::printf("%d plays, %d handles left\n", Times, static_cast<int>(Native().handle_count()));
	}

	struct FAnswers : UObject
	{
		int Done = 0, Wrong = 0;
		TArray<FReprieveAnswer> Last;
		std::string Message;
		void Completed(const TArray<FReprieveAnswer>& Answers, const FString&) { Done++; Last = Answers; }
		void Failed(const TArray<FReprieveAnswer>&, const FString& Text) { Wrong++; Message = Text.Stub(); }
	};

	template <typename T> void Go(T* Action, FAnswers& Into)
	{
		const int Before = Into.Done + Into.Wrong;
		Action->Completed.AddDynamic(&Into, &FAnswers::Completed);
		Action->Failed.AddDynamic(&Into, &FAnswers::Failed);
		Action->Activate();
		Frames([&] { return Into.Done + Into.Wrong > Before; }, "the node ends");
		Is(Action->bRegistered && Action->bReady, "the node lets go");
		delete Action;
	}

	/** Import and renewal, with the tokens of a vendor in the folder: 0.jws a policy, 1.jws a lease. */
	void Nodes()
	{
		FGame Game;
		Game.Listen();
		FString Toml, Policy, Lease;
		Is(FFileHelper::LoadFileToString(Toml, *Text(Folder + "/reprieve.toml")) && FFileHelper::LoadFileToString(Policy, *Text(Folder + "/0.jws")) && FFileHelper::LoadFileToString(Lease, *Text(Folder + "/1.jws")), "files");
		FAnswers Answers;
		Go(UReprieveImportAction::ImportDocument(&Game.World, Policy), Answers);
		Is(Answers.Wrong == 1 && Answers.Message == "the ledger is not open", "nothing is open");
		Game.Licence->OpenText(Toml, TEXT("cad"), TEXT("nodes"));
		const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
		Frames([&] { return Game.Licence->IsOpen(); }, "open");
		Go(UReprieveImportAction::ImportDocument(&Game.World, Policy), Answers);
		Is(Answers.Done == 1 && Answers.Last.Num() == 1 && Answers.Last[0].bAccepted && Answers.Last[0].Kind == FString(TEXT("policy")), "the policy is in force");
		Go(UReprieveImportAction::ImportDocument(&Game.World, TEXT("no token")), Answers);
		Is(Answers.Done == 2 && !Answers.Last[0].bAccepted && Answers.Last[0].Refusal == FString(TEXT("malformed")), "a refusal is an answer");
		Go(UReprieveRenewAction::Renew(&Game.World), Answers);
		Is(Answers.Wrong == 2 && Answers.Message.find("gave no answer") != std::string::npos, "no network");
		IHttpRequest::Server = [](const IHttpRequest&, TArray<uint8>&) { return 503; };
		Go(UReprieveRenewAction::Renew(&Game.World), Answers);
		Is(Answers.Wrong == 3 && Answers.Message.find("status 503") != std::string::npos, "a failing server");
		Is(Core.IsRefused(), "no lease yet");
		IHttpRequest::Server = [&](const IHttpRequest& Request, TArray<uint8>& Out)
		{
			Is(Request.Verb == FString(TEXT("POST")) && Request.Content.Num() > 100 && Request.Content[0] == '{', "the request");
			const FTCHARToUTF8 Token(*Lease);
			Out.Append(reinterpret_cast<const uint8*>(Token.Get()), Token.Length());
			return 200;
		};
		Go(UReprieveRenewAction::Renew(&Game.World), Answers);
		Is(Answers.Done == 3 && Answers.Last[0].bAccepted && Answers.Last[0].Kind == FString(TEXT("lease")), "the lease is in force");
		Frames([&] { return Core.IsAllowed(); }, "and is seen");
		Frames([&] { return Game.Events.size() >= 3; }, "and told of");
		// What a failure is evidence of: rule G1's table.
		const auto Evidence = [&](const char* Outage) { return Game.Licence->Explain(TEXT("core")).Stub().find("\"outage\":\"" + std::string(Outage) + "\"") != std::string::npos; };
		Is(!Evidence("network") && !Evidence("server"), "a lease ends what was known before it");
		IHttpRequest::Server = [](const IHttpRequest&, TArray<uint8>&) { return 511; };
		Go(UReprieveRenewAction::Renew(&Game.World), Answers);
		Is(Answers.Wrong == 4 && Evidence("network") && !Evidence("server"), "a network that wants a login");
		IHttpRequest::Server = [](const IHttpRequest&, TArray<uint8>& Out)
		{
			const std::string Page = "<html>Welcome</html>";
			Out.Append(reinterpret_cast<const uint8*>(Page.data()), static_cast<int32>(Page.size()));
			return 200;
		};
		Go(UReprieveRenewAction::Renew(&Game.World), Answers);
		Is(Answers.Done == 4 && Answers.Last[0].Refusal == FString(TEXT("malformed")) && Evidence("server"), "a page over TLS");
		// A node whose game has ended while it was under way.
		auto* Late = UReprieveImportAction::ImportDocument(&Game.World, Lease);
		Late->Activate();
		Game.Licence->Close();
		delete Late;
		FStubEngine::Get().Drain();
		Frame();
	}

	/** The settings open by themselves; what is missing is told once. */
	void Configured()
	{
		auto* Values = GetMutableDefault<UReprieveSettings>();
		Values->Sku = TEXT("cad");
		FStubEngine::Get().ContentDir = Folder;
		{
			FGame Game;
			Is(!Game.Licence->IsOpen() && FStubEngine::Get().Log.size() == 1 && FStubEngine::Get().Log[0].find("Reprieve/reprieve.toml cannot be read") != std::string::npos, "no application file");
			Frame();
		}
		FStubEngine::Get().Log.clear();
		Values->ApplicationFile = TEXT("reprieve.toml");
		{
			FGame Game;
			const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
			Frames([&] { return Game.Licence->IsOpen() && Core.GetAccess() != EReprieveAccess::Unknown; }, "open by the settings");
		}
		FGame Game;
		Game.Bind();
		Game.Licence->OpenText(TEXT("vendor = 3"), TEXT("cad"), TEXT("x"));
		Frames([&] { return !Game.Troubles.empty(); }, "a bad application file is told");
		Frames([turn = 0]() mutable { return ++turn > 50; }, "frames");
		Is(Game.Troubles.size() == 1 && FStubEngine::Get().Log.size() == 1 && Game.Licence->GetFeature(TEXT("core")).GetAccess() == EReprieveAccess::Unknown, "once");
	}

	FString File(const char* Name)
	{
		FString Read;
		Is(FFileHelper::LoadFileToString(Read, *Text(Folder + "/" + Name)), Name);
		return Read;
	}

	int Threads(const std::string& Name)
	{
		int Count = 0;
		for (const auto& Task : std::filesystem::directory_iterator("/proc/self/task"))
		{
			std::string Line;
			std::getline(std::ifstream(Task.path() / "comm"), Line);
			Count += Line.rfind(Name, 0) == 0;
		}
		return Count;
	}

	/** By the settings' switch alone, from a real authority. `Code`: the licence's. */
	void Renews(const char* Code)
	{
		auto* Values = GetMutableDefault<UReprieveSettings>();
		Values->Sku = TEXT("cad");
		Values->ApplicationFile = Text(Folder + "/reprieve.toml");
		Values->bRenew = true;
		Values->bOpenAtStart = false;
		FGame Game;
		Game.Bind();
		Game.Listen();
		Is(!Game.Licence->RenewNow() && !Game.Licence->NetworkChanged() && !Game.Licence->GetRenewal().bRenewing, "nothing renews before opening");
		FReprieveRenewalOptions Options;
		Options.Headers = TEXT("Authorization: Bearer ") + FString(FUTF8ToTCHAR(Code).Get());
		Options.Proxy = TEXT("none");
		Game.Licence->SetRenewalOptions(Options);
		Game.Licence->Open(Values->ApplicationFile, Values->Sku, Values->Consumer);
		const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
		Frames([&] { return Game.Licence->GetRenewal().bRenewing; }, "it renews");
		Is(Game.Licence->RenewNow() && Game.Licence->NetworkChanged(), "a button");
		Frames([&] { return Core.IsAllowed(); }, "a lease comes, and a check sees it");
		Frames([&] { return Game.Licence->GetRenewal().Outcome == EReprieveOutcome::Renewed; }, "how it stands");
		const FReprieveRenewal Renewal = Game.Licence->GetRenewal();
		Is(Renewal.Word == FString(TEXT("renewed")) && Renewal.Url.StartsWith(TEXT("http://127.0.0.1:")) && Renewal.Status == 0 && Renewal.AgoSeconds >= 0.0f && Renewal.TookSeconds > 0.0f && Renewal.Trouble.IsEmpty(), "the last attempt");
		Frames([&] { return Game.Licence->GetRenewal().NextSeconds > 0.0f; }, "the next round is known");
		const FReprieveDecision First = Core.Check();
		// A lease is of whole seconds.
		const double Second = FPlatformTime::Seconds() + 1.1;
		Frames([&] { return FPlatformTime::Seconds() > Second; }, "a second");
		Is(Game.Licence->RenewNow(), "a button is pressed");
		Frames([&] { return Core.Check().Ends.GetTicks() > First.Ends.GetTicks(); }, "the lease's end moves on");
		Frames([&] { for (const FReprieveEvent& Event : Game.Events) { if (Event.Kind == EReprieveEventKind::DocumentAccepted) { return true; } } return false; }, "told");
		Game.Licence->SetRenewing(false);
		Frames([&] { return !Game.Licence->GetRenewal().bRenewing && Threads("reprieve-renew") == 0; }, "switched off");
		Game.Licence->SetRenewing(true);
		Frames([&] { return Game.Licence->GetRenewal().bRenewing; }, "and on");
		Options.Proxy = TEXT("no proxy");
		Game.Licence->SetRenewalOptions(Options);
		Frames([&] { return Game.Troubles.size() == 1; }, "options that are wrong are told");
		Frames([turn = 0]() mutable { return ++turn > 50; }, "frames");
		Is(Game.Troubles.size() == 1 && !Game.Licence->GetRenewal().bRenewing && Game.Licence->GetRenewal().Trouble.Stub().find("proxy") != std::string::npos && Core.IsAllowed(), "once, and all else goes on");
		for (const std::string& Line : FStubEngine::Get().Log) { Is(Line.find(Code) == std::string::npos, "no secret in the log"); }
		Game.Licence->Close();
		Is(Threads("reprieve-renew") == 0 && !Game.Licence->GetRenewal().bRenewing, "closed");
		std::printf("renewed twice\n");
	}

	/** Closing in the midst of an attempt that gets no answer; then a hundred plays, two instances each. */
	void Hole()
	{
		auto* Values = GetMutableDefault<UReprieveSettings>();
		Values->bRenew = true;
		const FString Toml = File("reprieve.toml");
		FReprieveRenewalOptions Options;
		Options.Proxy = TEXT("none");
		{
			FGame Game;
			Game.Licence->SetRenewalOptions(Options);
			Game.Licence->OpenText(Toml, TEXT("cad"), TEXT("hole"));
			const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
			Frames([&] { return Game.Licence->GetRenewal().bBusy && Core.IsAllowed(); }, "an attempt is under way");
			const double Began = FPlatformTime::Seconds();
			Game.Licence->Close();
			Is(FPlatformTime::Seconds() - Began < 5.0 && Threads("reprieve-renew") == 0, "closing waits for no network");
		}
		Is(Native().handle_count() == 0, "no handle");
		Options.TimeoutSeconds = 0.5f;
		for (int Turn = 0; Turn < 100; Turn++)
		{
			FGame One, Two;
			for (FGame* Game : {&One, &Two})
			{
				Game->Licence->SetRenewalOptions(Options);
				Game->Licence->OpenText(Toml, TEXT("cad"), Game == &One ? TEXT("one") : TEXT("two"));
			}
			Frames([&] { return One.Licence->GetRenewal().bRenewing && Two.Licence->GetRenewal().bRenewing; }, "both renew");
			One.Licence->Close();
			Is(!One.Licence->GetRenewal().bRenewing && Two.Licence->GetRenewal().bRenewing, "each by itself");
		}
		// Those of attempts that nobody waits for end by their time-out: 15 s of the first.
		Frames([&] { return Threads("reprieve-") == 0; }, "no thread");
		Is(Native().handle_count() == 0 && FStubEngine::Get().Log.empty(), "no handle is left, and nothing was logged");
		std::printf("100 plays, %d handles left\n", static_cast<int>(Native().handle_count()));
	}

	/** A library that was built without HTTP says so once; the node renews. */
	void Without()
	{
		GetMutableDefault<UReprieveSettings>()->bRenew = true;
		const FString Toml = File("reprieve.toml"), Lease = File("1.jws");
		IHttpRequest::Server = [&](const IHttpRequest&, TArray<uint8>& Out)
		{
			const FTCHARToUTF8 Token(*Lease);
			Out.Append(reinterpret_cast<const uint8*>(Token.Get()), Token.Length());
			return 200;
		};
		for (int Turn = 0; Turn < 2; Turn++)
		{
			FGame Game;
			Game.Bind();
			Game.Licence->OpenText(Toml, TEXT("cad"), TEXT("without"));
			Frames([&] { return Game.Troubles.size() == 1; }, "told to whoever is bound");
			Is(Game.Troubles[0].find("built without HTTP") != std::string::npos && Game.Troubles[0].find("node Renew") != std::string::npos && !Game.Licence->RenewNow(), "what is wrong, and what to do");
			FAnswers Answers;
			Go(UReprieveRenewAction::Renew(&Game.World), Answers);
			const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
			Frames([&] { return Core.IsAllowed(); }, "renewed by the node");
			Is(Game.Troubles.size() == 1 && !Game.Licence->GetRenewal().Trouble.IsEmpty(), "once");
		}
		Is(FStubEngine::Get().Log.size() == 1 && Native().handle_count() == 0, "logged once, for all plays");
		std::printf("%s\n", FStubEngine::Get().Log[0].c_str());
	}

	void Broken()
	{
		Is(FReprieveLibrary::Get() == nullptr && FStubEngine::Get().Log.size() == 1, "told once, as the module starts");
		for (int Turn = 0; Turn < 3; Turn++)
		{
			FGame Game;
			Game.Bind();
			Game.Licence->OpenText(TEXT("vendor = \"acme\""), TEXT("cad"), TEXT("x"));
			const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
			Frames([&] { return Game.Troubles.size() == 1; }, "told to whoever is bound");
			for (int At = 0; At < 50; At++)
			{
				Frame();
				Is(Core.GetAccess() == EReprieveAccess::Unknown && !Core.IsRefused() && !Core.Check().bRefused, "unknown, and no refusal");
			}
			Is(Game.Licence->Explain(TEXT("core")).IsEmpty() && Game.Licence->StatusJson().IsEmpty() && !Game.Licence->GetTrouble().IsEmpty(), "nothing to explain");
			FAnswers Answers;
			Go(UReprieveImportAction::ImportDocument(&Game.World, TEXT("x")), Answers);
			Go(UReprieveRenewAction::Renew(&Game.World), Answers);
			Is(Answers.Wrong == 2, "nodes fail");
			AReprieveOutpost Actor;
			Actor.BeginPlay();
			Actor.Play();
			for (int At = 0; At < 5; At++) { Actor.Tick(0.1f); FPlatformProcess::Sleep(0.01f); }
			Is(Actor.FirstLine.Stub() == "The licence could not be checked. That is no refusal: the game goes on.", "the sample goes on");
			Actor.EndPlay(EEndPlayReason::EndPlayInEditor);
		}
		Is(FStubEngine::Get().Log.size() == 1, "and no more is logged");
		std::printf("%s\n", FStubEngine::Get().Log[0].c_str());
	}

	void Record(const char* File)
	{
		FString Scenario, Words;
		Is(FFileHelper::LoadFileToString(Scenario, *Text(FStubEngine::Get().PluginDir + "/Resources/Outpost/outpost.json")) && FFileHelper::LoadFileToString(Words, *Text(FStubEngine::Get().PluginDir + "/Resources/Outpost/words.txt")), "files");
		std::ofstream(File, std::ios::binary) << FReprieveOutpostGame::Record(Scenario, Words).Stub();
	}

	void Actor()
	{
		AReprieveOutpost Sample;
		Sample.BeginPlay();
		Sample.Tick(0.016f);
		Is(Sample.FirstLine.Stub() == "Licensed. All of the game is yours." && Sample.DrillTime.Stub() == "day 0 00:00" && Sample.Opacities[0] == 1.0f, "the start");
		for (int Turn = 0; Turn < 2; Turn++)
		{
			Sample.Play();
			const double End = FPlatformTime::Seconds() + 60;
			bool bFaded = false;
			while ((Sample.DrillTime.Stub() != "day 7 12:00" || !bFaded) && FPlatformTime::Seconds() < End)
			{
				Sample.Tick(0.25f);
				bFaded |= Sample.Opacities[2] < 0.07f;
				FPlatformProcess::Sleep(0.001f);
			}
			Is(Sample.DrillTime.Stub() == "day 7 12:00" && bFaded, "played to its end");
			Sample.Tick(0.25f);
			Sample.Tick(0.25f);
		}
		Sample.Restart();
		const double End = FPlatformTime::Seconds() + 20;
		while (Sample.DrillTime.Stub() != "day 0 00:00" && FPlatformTime::Seconds() < End) { Sample.Tick(0.016f); FPlatformProcess::Sleep(0.001f); }
		Is(Sample.DrillTime.Stub() == "day 0 00:00" && FStubEngine::Get().OnScreen[2] == Sample.FirstLine.Stub(), "anew");
		Sample.EndPlay(EEndPlayReason::EndPlayInEditor);
		Is(FStubEngine::Get().Log.empty(), "nothing was logged");
	}

	void Console()
	{
		TArray<FString> Arguments;
		Arguments.Add(Text(FStubEngine::Get().PluginDir + "/Resources/Outpost/outpost.json"));
		for (const char* Word : {"outpost", "game", "weather"}) { Arguments.Add(Text(Word)); }
		FStubCommands::All().at("Reprieve.Drill").Execute(Arguments, nullptr);
		FStubEngine::Get().Drain();
		for (const std::string& Line : FStubEngine::Get().Log) { std::printf("%s\n", Line.c_str()); }
	}

	/** To be killed in the midst of appending. */
	void Append()
	{
		FGame Game;
		Game.Licence->OpenDrill(Text(Folder), TEXT("cad"), TEXT("append"));
		const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
		Frames([&] { return Core.IsAllowed(); }, "open");
		std::printf("appending\n");
		std::fflush(stdout);
		for (int Turn = 0;; Turn++)
		{
			Frame();
			if (Game.Licence->GetSession()->Appeal(TEXT("L1"), FString::Printf(TEXT("number %d"), Turn))) { std::printf("appended\n"); std::fflush(stdout); }
		}
	}

	void Reopen()
	{
		FGame Game;
		Game.Listen();
		Game.Licence->OpenDrill(Text(Folder), TEXT("cad"), TEXT("append"));
		const FReprieveFeature Core = Game.Licence->GetFeature(TEXT("core"));
		Frames([&] { return Core.IsAllowed(); }, "open");
		size_t Before = 1;
		for (int Quiet = 0; Quiet < 100; Quiet = Before == Game.Events.size() ? Quiet + 1 : 0)
		{
			Before = Game.Events.size();
			Frame();
			FPlatformProcess::Sleep(0.003f);
		}
		Is(FStubEngine::Get().Log.empty(), "nothing was logged");
		std::printf("appeals %d\n", static_cast<int>(Game.Events.size()));
	}
}

int main(int Count, char** Words)
{
	const std::string What = Words[1];
	Folder = Words[2];
	FStubEngine::Get().PluginDir = std::getenv("PLUGIN");
	Settings();
	TUniquePtr<IModuleInterface> Module(StubModuleReprieve()), Sample(StubModuleReprieveOutpost());
	Module->StartupModule();
	if (What == "make") { MakeDrill(); }
	else if (What == "ticks") { Ticks(); }
	else if (What == "plays") { Plays(100); }
	else if (What == "nodes") { Nodes(); }
	else if (What == "configured") { Configured(); }
	else if (What == "renews" && Count > 3) { Renews(Words[3]); }
	else if (What == "hole") { Hole(); }
	else if (What == "without") { Without(); }
	else if (What == "broken") { Broken(); }
	else if (What == "record" && Count > 3) { Record(Words[3]); }
	else if (What == "actor") { Actor(); }
	else if (What == "console") { Console(); }
	else if (What == "append") { Append(); }
	else if (What == "reopen") { Reopen(); }
	else { return 2; }
	FStubEngine::Get().Drain();
	Frame();
	Module->ShutdownModule();
	return 0;
}
