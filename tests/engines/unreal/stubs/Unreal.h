// The part of Unreal Engine's API that the plugin uses, as documented for 5.1 to 5.5: no more, and with those signatures, over the C++ library. No engine. The page of
// each type is below https://dev.epicgames.com/documentation/en-us/unreal-engine/API/ with the path given here. The macros of UnrealHeaderTool are empty; uht.py
// checks what that tool would refuse, by rules.
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <typeindex>
#include <type_traits>
#include <utility>
#include <vector>

#define PLATFORM_WINDOWS 0
#define PLATFORM_MAC 0
#define PLATFORM_LINUX 1
#define REPRIEVE_API
#define REPRIEVEOUTPOST_API
#define THIRD_PARTY_INCLUDES_START
#define THIRD_PARTY_INCLUDES_END
#define UENUM(...)
#define USTRUCT(...)
#define UCLASS(...)
#define UPROPERTY(...)
#define UFUNCTION(...)
// Runtime/CoreUObject/UObject/ObjectMacros.h: the tool's macro for this file and line.
#define BODY_MACRO_COMBINE_INNER(A, B, C, D) A##B##C##D
#define BODY_MACRO_COMBINE(A, B, C, D) BODY_MACRO_COMBINE_INNER(A, B, C, D)
#define GENERATED_BODY(...) BODY_MACRO_COMBINE(CURRENT_FILE_ID, _, __LINE__, _GENERATED_BODY)
#define TEXT_PASTE(x) u##x
#define TEXT(x) TEXT_PASTE(x)

// Runtime/Core/HAL/GenericPlatformTypes: on Linux TCHAR has 16 bits.
using TCHAR = char16_t;
using ANSICHAR = char;
using uint8 = std::uint8_t;
using int32 = std::int32_t;
using uint32 = std::uint32_t;
using uint64 = unsigned long long;
using int64 = long long;

inline std::string StubNarrow(const TCHAR* Text, size_t Length)
{
	std::string Out;
	for (size_t At = 0; At < Length; At++)
	{
		uint32 Code = Text[At];
		if (Code >= 0xd800 && Code < 0xdc00 && At + 1 < Length) { Code = 0x10000 + ((Code - 0xd800) << 10) + (Text[++At] - 0xdc00u); }
		if (Code < 0x80) { Out += static_cast<char>(Code); }
		else if (Code < 0x800) { Out += static_cast<char>(0xc0 | Code >> 6); Out += static_cast<char>(0x80 | (Code & 63)); }
		else if (Code < 0x10000) { Out += static_cast<char>(0xe0 | Code >> 12); Out += static_cast<char>(0x80 | (Code >> 6 & 63)); Out += static_cast<char>(0x80 | (Code & 63)); }
		else { Out += static_cast<char>(0xf0 | Code >> 18); Out += static_cast<char>(0x80 | (Code >> 12 & 63)); Out += static_cast<char>(0x80 | (Code >> 6 & 63)); Out += static_cast<char>(0x80 | (Code & 63)); }
	}
	return Out;
}

inline std::u16string StubWide(const char* Text, size_t Length)
{
	std::u16string Out;
	for (size_t At = 0; At < Length;)
	{
		const auto Byte = static_cast<unsigned char>(Text[At]);
		const size_t More = Byte < 0x80 ? 0 : Byte < 0xe0 ? 1 : Byte < 0xf0 ? 2 : 3;
		uint32 Code = More == 0 ? Byte : Byte & (0x3f >> More);
		for (size_t Next = 1; Next <= More && At + Next < Length; Next++) { Code = Code << 6 | (static_cast<unsigned char>(Text[At + Next]) & 63u); }
		At += More + 1;
		if (Code < 0x10000) { Out += static_cast<TCHAR>(Code); }
		else { Out += static_cast<TCHAR>(0xd800 + ((Code - 0x10000) >> 10)); Out += static_cast<TCHAR>(0xdc00 + ((Code - 0x10000) & 0x3ff)); }
	}
	return Out;
}

// Runtime/Core/Containers/TStringConversion: StringConv.h
class FTCHARToUTF8
{
public:
	explicit FTCHARToUTF8(const TCHAR* Source) : Text(StubNarrow(Source, std::char_traits<TCHAR>::length(Source))) {}
	const ANSICHAR* Get() const { return Text.c_str(); }
	int32 Length() const { return static_cast<int32>(Text.size()); }
private:
	std::string Text;
};

class FUTF8ToTCHAR
{
public:
	explicit FUTF8ToTCHAR(const ANSICHAR* Source) : Text(StubWide(Source, std::strlen(Source))) {}
	FUTF8ToTCHAR(const ANSICHAR* Source, int32 SourceLen) : Text(StubWide(Source, static_cast<size_t>(SourceLen))) {}
	const TCHAR* Get() const { return Text.c_str(); }
	int32 Length() const { return static_cast<int32>(Text.size()); }
private:
	std::u16string Text;
};

#define UTF8_TO_TCHAR(str) FUTF8ToTCHAR(str).Get()

template <typename T> using TDecayRef = std::remove_reference_t<T>;
template <typename T> constexpr std::remove_reference_t<T>&& MoveTemp(T&& Value) { return static_cast<std::remove_reference_t<T>&&>(Value); }
template <typename T> using TFunction = std::function<T>;
template <typename T> using TUniquePtr = std::unique_ptr<T>;
template <typename T, typename... A> std::unique_ptr<T> MakeUnique(A&&... Args) { return std::make_unique<T>(std::forward<A>(Args)...); }

// Runtime/Core/Containers/TArray
template <typename T> class TArray
{
public:
	TArray() = default;
	int32 Add(const T& Item) { Items.push_back(Item); return Num() - 1; }
	int32 Add(T&& Item) { Items.push_back(std::move(Item)); return Num() - 1; }
	void Append(const T* Ptr, int32 Count) { Items.insert(Items.end(), Ptr, Ptr + Count); }
	void Init(const T& Element, int32 Number) { Items.assign(static_cast<size_t>(Number), Element); }
	int32 Num() const { return static_cast<int32>(Items.size()); }
	void Empty() { Items.clear(); }
	const T* GetData() const { return Items.data(); }
	decltype(auto) operator[](int32 Index) { return Items.at(static_cast<size_t>(Index)); }
	decltype(auto) operator[](int32 Index) const { return Items.at(static_cast<size_t>(Index)); }
	const T& Last() const { return Items.back(); }
	auto begin() { return Items.begin(); }
	auto end() { return Items.end(); }
	auto begin() const { return Items.begin(); }
	auto end() const { return Items.end(); }
private:
	std::vector<T> Items;
};

// Runtime/Core/Containers/FString
class FString
{
public:
	FString() = default;
	FString(const TCHAR* Text) : Data(Text) {}
	FString(int32 InCount, const TCHAR* InSrc) : Data(InSrc, static_cast<size_t>(InCount)) {}
	const TCHAR* operator*() const { return Data.c_str(); }
	bool IsEmpty() const { return Data.empty(); }
	int32 Len() const { return static_cast<int32>(Data.size()); }
	void Empty() { Data.clear(); }
	FString& operator+=(const FString& Other) { Data += Other.Data; return *this; }
	FString Replace(const TCHAR* From, const TCHAR* To) const
	{
		FString Out = *this;
		const std::u16string What(From), By(To);
		for (size_t At = 0; (At = Out.Data.find(What, At)) != std::u16string::npos; At += By.size()) { Out.Data.replace(At, What.size(), By); }
		return Out;
	}
	bool Split(const FString& InS, FString* LeftS, FString* RightS) const
	{
		const size_t At = Data.find(InS.Data);
		if (At == std::u16string::npos) { return false; }
		LeftS->Data = Data.substr(0, At);
		RightS->Data = Data.substr(At + InS.Data.size());
		return true;
	}
	int32 ParseIntoArrayLines(TArray<FString>& OutArray) const
	{
		std::u16string Line;
		for (const TCHAR Char : Data + u"\n")
		{
			if (Char == u'\n') { if (!Line.empty()) { OutArray.Add(FString(Line.c_str())); } Line.clear(); }
			else if (Char != u'\r') { Line += Char; }
		}
		return OutArray.Num();
	}
	static FString Printf(const TCHAR* Format, ...)
	{
		va_list Arguments;
		va_start(Arguments, Format);
		FString Out;
		Out.Data = Print(Format, Arguments);
		va_end(Arguments);
		return Out;
	}
	static std::u16string Print(const TCHAR* Format, va_list Arguments)
	{
		std::u16string Out;
		for (const TCHAR* At = Format; *At != 0; At++)
		{
			if (*At != u'%') { Out += *At; continue; }
			std::string Form = "%";
			while (std::strchr("0123456789l.-", static_cast<char>(*++At)) != nullptr && *At != 0) { Form += static_cast<char>(*At); }
			char Digits[64] = "";
			if (*At == u's') { Out += va_arg(Arguments, const TCHAR*); continue; }
			if (*At == u'%') { Out += u'%'; continue; }
			Form += static_cast<char>(*At);
			if (Form.find("ll") != std::string::npos) { std::snprintf(Digits, sizeof(Digits), Form.c_str(), va_arg(Arguments, long long)); }
			else { std::snprintf(Digits, sizeof(Digits), Form.c_str(), va_arg(Arguments, int)); }
			Out += StubWide(Digits, std::strlen(Digits));
		}
		return Out;
	}
	/** Without regard to case, as the engine does unless it is told otherwise. */
	bool StartsWith(const FString& Prefix) const
	{
		const auto Lower = [](char16_t One) { return One >= u'A' && One <= u'Z' ? static_cast<char16_t>(One + 32) : One; };
		return Data.size() >= Prefix.Data.size() && std::equal(Prefix.Data.begin(), Prefix.Data.end(), Data.begin(), [&](char16_t A, char16_t B) { return Lower(A) == Lower(B); });
	}
	friend bool operator==(const FString& A, const FString& B) { return A.Data == B.Data; }
	friend bool operator!=(const FString& A, const FString& B) { return A.Data != B.Data; }
	friend bool operator<(const FString& A, const FString& B) { return A.Data < B.Data; }
	friend FString operator+(const FString& A, const FString& B) { FString Out = A; Out += B; return Out; }
	friend FString operator+(const FString& A, const TCHAR* B) { FString Out = A; Out += FString(B); return Out; }
	friend FString operator+(const TCHAR* A, const FString& B) { FString Out(A); Out += B; return Out; }
	std::string Stub() const { return StubNarrow(Data.c_str(), Data.size()); }
private:
	std::u16string Data;
};

// Runtime/Core/Misc/TCString
struct FCStringAnsi { static int32 Strlen(const char* String) { return static_cast<int32>(std::strlen(String)); } };

// Runtime/Core/Containers/TMap
template <typename K, typename V> class TMap
{
public:
	struct FPair { K Key; V Value; };
	V& Add(const K& InKey, const V& InValue)
	{
		if (V* Found = Find(InKey)) { *Found = InValue; return *Found; }
		Pairs.push_back(FPair{InKey, InValue});
		return Pairs.back().Value;
	}
	V* Find(const K& Key) { for (FPair& Pair : Pairs) { if (Pair.Key == Key) { return &Pair.Value; } } return nullptr; }
	const V* Find(const K& Key) const { for (const FPair& Pair : Pairs) { if (Pair.Key == Key) { return &Pair.Value; } } return nullptr; }
	auto begin() { return Pairs.begin(); }
	auto end() { return Pairs.end(); }
	auto begin() const { return Pairs.begin(); }
	auto end() const { return Pairs.end(); }
private:
	std::vector<FPair> Pairs;
};

// Runtime/Core/Templates/TSharedPtr, TSharedRef, TWeakPtr
enum class ESPMode : uint8 { NotThreadSafe = 0, ThreadSafe = 1 };

template <typename T, ESPMode Mode = ESPMode::ThreadSafe> class TSharedPtr
{
public:
	TSharedPtr() = default;
	TSharedPtr(std::nullptr_t) {}
	explicit TSharedPtr(T* Object) : Inner(Object) {}
	TSharedPtr(std::shared_ptr<T> Object) : Inner(std::move(Object)) {}
	bool IsValid() const { return Inner != nullptr; }
	explicit operator bool() const { return IsValid(); }
	void Reset() { Inner.reset(); }
	T* operator->() const { return Inner.get(); }
	T& operator*() const { return *Inner; }
	std::shared_ptr<T> Inner;
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe> class TSharedRef
{
public:
	explicit TSharedRef(std::shared_ptr<T> Object) : Inner(std::move(Object)) {}
	T* operator->() const { return Inner.get(); }
	T& operator*() const { return *Inner; }
	operator TSharedPtr<T, Mode>() const { return TSharedPtr<T, Mode>(Inner); }
	std::shared_ptr<T> Inner;
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe> class TWeakPtr
{
public:
	TWeakPtr() = default;
	TWeakPtr(const TSharedPtr<T, Mode>& Object) : Inner(Object.Inner) {}
	TSharedPtr<T, Mode> Pin() const { return TSharedPtr<T, Mode>(Inner.lock()); }
	bool IsValid() const { return !Inner.expired(); }
	void Reset() { Inner.reset(); }
	std::weak_ptr<T> Inner;
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe, typename... A> TSharedRef<T, Mode> MakeShared(A&&... Args)
{
	return TSharedRef<T, Mode>(std::make_shared<T>(std::forward<A>(Args)...));
}

// Runtime/Core/Math/FMath
struct FMath
{
	template <typename T> static constexpr T Min(T A, T B) { return A < B ? A : B; }
	template <typename T> static constexpr T Max(T A, T B) { return A > B ? A : B; }
	template <typename T> static constexpr T Clamp(T X, T Least, T Most) { return X < Least ? Least : X > Most ? Most : X; }
	static float FInterpConstantTo(float Current, float Target, float DeltaTime, float InterpSpeed)
	{
		const float Step = InterpSpeed * DeltaTime;
		return Current + Clamp(Target - Current, -Step, Step);
	}
};

// Runtime/Core/Misc/FTimespan, FDateTime
struct FTimespan { int64 Ticks = 0; static FTimespan FromSeconds(double Seconds) { return FTimespan{static_cast<int64>(Seconds * 1e7)}; } };

struct FDateTime
{
	constexpr FDateTime() : Ticks(0) {}
	explicit constexpr FDateTime(int64 InTicks) : Ticks(InTicks) {}
	static FDateTime FromUnixTimestamp(int64 UnixTime) { return FDateTime(621355968000000000LL + UnixTime * 10000000LL); }
	int64 GetTicks() const { return Ticks; }
	int64 Ticks;
};

// Runtime/Core/Math/FColor
struct FColor
{
	uint8 R = 0, G = 0, B = 0, A = 255;
	FColor(uint8 InR, uint8 InG, uint8 InB, uint8 InA = 255) : R(InR), G(InG), B(InB), A(InA) {}
	static const FColor White;
};
inline const FColor FColor::White(255, 255, 255);

// Runtime/Core/HAL/FCriticalSection, Misc/FScopeLock: a lock that the same thread may take again.
class FCriticalSection { public: void Lock() { Mutex.lock(); } void Unlock() { Mutex.unlock(); } private: std::recursive_mutex Mutex; };
class FScopeLock
{
public:
	explicit FScopeLock(FCriticalSection* InSynchObject) : Object(InSynchObject) { Object->Lock(); }
	~FScopeLock() { Object->Unlock(); }
	FScopeLock(const FScopeLock&) = delete;
	FScopeLock& operator=(const FScopeLock&) = delete;
private:
	FCriticalSection* Object;
};

// Runtime/Core/HAL/FEvent
class FEvent
{
public:
	void Trigger() { std::lock_guard<std::mutex> Lock(Mutex); bSet = true; Condition.notify_one(); }
	bool Wait(const FTimespan& WaitTime, const bool = false)
	{
		std::unique_lock<std::mutex> Lock(Mutex);
		const bool bWas = Condition.wait_for(Lock, std::chrono::nanoseconds(WaitTime.Ticks * 100), [this] { return bSet; });
		bSet = false;
		return bWas;
	}
private:
	std::mutex Mutex;
	std::condition_variable Condition;
	bool bSet = false;
};

// Runtime/Core/HAL/FGenericPlatformProcess
struct FPlatformProcess
{
	static void* GetDllHandle(const TCHAR* Filename) { return dlopen(FTCHARToUTF8(Filename).Get(), RTLD_LAZY | RTLD_LOCAL); }
	static void* GetDllExport(void* DllHandle, const TCHAR* ProcName) { return dlsym(DllHandle, FTCHARToUTF8(ProcName).Get()); }
	static void FreeDllHandle(void* DllHandle) { dlclose(DllHandle); }
	static FEvent* GetSynchEventFromPool(bool = false) { return new FEvent(); }
	static void ReturnSynchEventToPool(FEvent* Event) { delete Event; }
	static void Sleep(float Seconds) { std::this_thread::sleep_for(std::chrono::duration<float>(Seconds)); }
};

struct FPlatformTime { static double Seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); } };

// Runtime/Core/HAL/FRunnable, FRunnableThread
class FRunnable
{
public:
	virtual bool Init() { return true; }
	virtual uint32 Run() = 0;
	virtual void Stop() {}
	virtual void Exit() {}
	virtual ~FRunnable() = default;
};

enum EThreadPriority { TPri_Normal };

class FRunnableThread
{
public:
	static FRunnableThread* Create(FRunnable* InRunnable, const TCHAR*, uint32 = 0, EThreadPriority = TPri_Normal)
	{
		auto* Made = new FRunnableThread();
		Made->Thread = std::thread([InRunnable] { if (InRunnable->Init()) { InRunnable->Run(); InRunnable->Exit(); } });
		return Made;
	}
	void WaitForCompletion() { if (Thread.joinable()) { Thread.join(); } }
	~FRunnableThread() { WaitForCompletion(); }
private:
	std::thread Thread;
};

// What stands behind: the game thread's queue, the log, the tickers.
struct FStubEngine
{
	static FStubEngine& Get() { static FStubEngine Engine; return Engine; }
	std::recursive_mutex Mutex;
	std::vector<std::function<void()>> GameThread;
	std::vector<std::thread> Pool;
	std::vector<std::string> Log;
	std::vector<std::string> OnScreen;
	std::string PluginDir, ContentDir;
	std::thread::id Main = std::this_thread::get_id();

	void Add(std::function<void()> Call) { std::lock_guard<std::recursive_mutex> Lock(Mutex); GameThread.push_back(std::move(Call)); }
	void Run(std::function<void()> Call) { std::lock_guard<std::recursive_mutex> Lock(Mutex); Pool.emplace_back(std::move(Call)); }
	void Drain()
	{
		std::vector<std::thread> Done;
		{ std::lock_guard<std::recursive_mutex> Lock(Mutex); Done.swap(Pool); }
		for (std::thread& Thread : Done) { Thread.join(); }
	}
	void Say(const std::string& Line) { std::lock_guard<std::recursive_mutex> Lock(Mutex); Log.push_back(Line); }
};

// Runtime/Core/Logging: the macros
namespace ELogVerbosity { enum Type { Error, Warning, Display, Log, All }; }
struct FStubCategory { const char* Name; };
#define DECLARE_LOG_CATEGORY_EXTERN(CategoryName, DefaultVerbosity, CompileTimeVerbosity) extern FStubCategory CategoryName
#define DEFINE_LOG_CATEGORY(CategoryName) FStubCategory CategoryName{#CategoryName}
inline void StubLog(const char* Category, const char* Verbosity, const TCHAR* Format, ...)
{
	va_list Arguments;
	va_start(Arguments, Format);
	const std::u16string Text = FString::Print(Format, Arguments);
	va_end(Arguments);
	FStubEngine::Get().Say(std::string(Category) + ": " + Verbosity + ": " + StubNarrow(Text.c_str(), Text.size()));
}
#define UE_LOG(CategoryName, Verbosity, Format, ...) StubLog(CategoryName.Name, #Verbosity, Format, ##__VA_ARGS__)

// Runtime/Core/Misc/FPaths, FFileHelper
struct FPaths
{
	static FString Combine(const FString& A, const TCHAR* B) { return A + FString(TEXT("/")) + FString(B); }
	static FString Combine(const FString& A, const FString& B) { return Combine(A, *B); }
	static FString Combine(const FString& A, const TCHAR* B, const TCHAR* C, const TCHAR* D) { return Combine(Combine(Combine(A, B), C), D); }
	static bool FileExists(const FString& InPath) { return access(InPath.Stub().c_str(), F_OK) == 0; }
	static bool IsRelative(const FString& InPath) { return InPath.IsEmpty() || (*InPath)[0] != u'/'; }
	static FString ConvertRelativePathToFull(const FString& InPath) { return InPath; }
	static FString ProjectContentDir() { const std::string& Dir = FStubEngine::Get().ContentDir; return FString(FUTF8ToTCHAR(Dir.c_str()).Get()); }
};

struct FFileHelper
{
	static bool LoadFileToString(FString& Result, const TCHAR* Filename)
	{
		std::ifstream File(FTCHARToUTF8(Filename).Get(), std::ios::binary);
		if (!File) { return false; }
		std::stringstream Text;
		Text << File.rdbuf();
		Result = FString(FUTF8ToTCHAR(Text.str().c_str()).Get());
		return true;
	}
};

// Runtime/Projects/IPlugin, IPluginManager
class IPlugin { public: FString GetBaseDir() const { const std::string& Dir = FStubEngine::Get().PluginDir; return FString(FUTF8ToTCHAR(Dir.c_str()).Get()); } };
class IPluginManager
{
public:
	static IPluginManager& Get() { static IPluginManager Manager; return Manager; }
	TSharedPtr<IPlugin> FindPlugin(const FString&) { return TSharedPtr<IPlugin>(std::make_shared<IPlugin>()); }
};

// Runtime/Core/Modules/IModuleInterface, FDefaultModuleImpl
class IModuleInterface { public: virtual ~IModuleInterface() = default; virtual void StartupModule() {} virtual void ShutdownModule() {} };
class FDefaultModuleImpl : public IModuleInterface {};
#define IMPLEMENT_MODULE(ModuleImplClass, ModuleName) IModuleInterface* StubModule##ModuleName() { return new ModuleImplClass(); }

// Runtime/CoreUObject/UObject/UObject. The stub's objects are counted, and those that a weak pointer names can go away.
class UObject
{
public:
	virtual ~UObject() = default;
	UObject* GetOuter() const { return Outer; }
	UObject* Outer = nullptr;
	std::shared_ptr<int> StubAlive = std::make_shared<int>(0);
};

template <typename T> T* NewObject() { return new T(); }
template <typename T> const T* GetDefault() { static T Default; return &Default; }
template <typename T> T* GetMutableDefault() { return const_cast<T*>(GetDefault<T>()); }

// Runtime/CoreUObject/UObject/TWeakObjectPtr
template <typename T> class TWeakObjectPtr
{
public:
	explicit TWeakObjectPtr(T* Object) : Pointer(Object), Alive(Object->StubAlive) {}
	T* Get() const { return Alive.expired() ? nullptr : Pointer; }
private:
	T* Pointer;
	std::weak_ptr<int> Alive;
};

// Delegates: Programming guide, Delegates and Lambda Functions
template <typename... A> class TStubMulticast
{
public:
	bool IsBound() const { return !Calls.empty(); }
	void Broadcast(A... Args) const { const auto Now = Calls; for (const auto& Call : Now) { Call(Args...); } }
	template <typename T> void StubAdd(T* Object, void (T::*Function)(A...)) { Calls.push_back([Object, Function](A... Args) { (Object->*Function)(Args...); }); }
private:
	std::vector<std::function<void(A...)>> Calls;
};
#define AddDynamic(Object, Function) StubAdd(Object, Function)
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE(DelegateName) using DelegateName = TStubMulticast<>
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(DelegateName, Param1Type, Param1Name) using DelegateName = TStubMulticast<Param1Type>
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(DelegateName, Param1Type, Param1Name, Param2Type, Param2Name) using DelegateName = TStubMulticast<Param1Type, Param2Type>

template <typename R, typename... A> class TDelegate
{
public:
	template <typename T> static TDelegate CreateUObject(T* Object, R (T::*Function)(A...)) { TDelegate Out; Out.Call = [Object, Function](A... Args) { return (Object->*Function)(Args...); }; return Out; }
	static TDelegate CreateStatic(R (*Function)(A...)) { TDelegate Out; Out.Call = Function; return Out; }
	template <typename F> void BindLambda(F Function) { Call = Function; }
	R Execute(A... Args) const { return Call(Args...); }
	std::function<R(A...)> Call;
};

// Runtime/Core/FTSTicker (Containers/Ticker.h)
using FTickerDelegate = TDelegate<bool, float>;
class FTSTicker
{
public:
	struct FElement { FTickerDelegate Delegate; };
	using FDelegateHandle = TWeakPtr<FElement>;
	static FTSTicker& GetCoreTicker() { static FTSTicker Ticker; return Ticker; }
	FDelegateHandle AddTicker(const FTickerDelegate& InDelegate, float = 0.0f)
	{
		Elements.push_back(std::make_shared<FElement>(FElement{InDelegate}));
		return FDelegateHandle(TSharedPtr<FElement>(Elements.back()));
	}
	static void RemoveTicker(FDelegateHandle Handle)
	{
		auto& All = GetCoreTicker().Elements;
		All.erase(std::remove(All.begin(), All.end(), Handle.Inner.lock()), All.end());
	}
	void Tick(float DeltaTime)
	{
		const auto Now = Elements;
		for (const auto& Element : Now) { if (!Element->Delegate.Execute(DeltaTime)) { Elements.erase(std::remove(Elements.begin(), Elements.end(), Element), Elements.end()); } }
	}
	size_t StubCount() const { return Elements.size(); }
private:
	std::vector<std::shared_ptr<FElement>> Elements;
};

// Runtime/Core/Async: Async, AsyncTask, TFuture
enum class EAsyncExecution { TaskGraph, TaskGraphMainThread, Thread, ThreadIfForkSafe, ThreadPool };
namespace ENamedThreads { enum Type { GameThread, AnyThread }; }
template <typename T> class TFuture;
template <> class TFuture<void>
{
public:
	TFuture() = default;
	explicit TFuture(std::shared_future<void> InInner) : Inner(std::move(InInner)) {}
	bool IsValid() const { return Inner.valid(); }
	bool IsReady() const { return Inner.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
	void Wait() const { Inner.wait(); }
private:
	std::shared_future<void> Inner;
};
template <typename F> TFuture<void> Async(EAsyncExecution, F Callable)
{
	auto Task = std::make_shared<std::packaged_task<void()>>(std::move(Callable));
	std::shared_future<void> Done = Task->get_future().share();
	FStubEngine::Get().Run([Task] { (*Task)(); });
	return TFuture<void>(Done);
}
inline void AsyncTask(ENamedThreads::Type, std::function<void()> Function) { FStubEngine::Get().Add(std::move(Function)); }

// Runtime/Engine/Subsystems/USubsystem, UGameInstanceSubsystem, FSubsystemCollectionBase
class FSubsystemCollectionBase {};
class USubsystem : public UObject
{
public:
	virtual bool ShouldCreateSubsystem(UObject*) const { return true; }
	virtual void Initialize(FSubsystemCollectionBase&) {}
	virtual void Deinitialize() {}
};
class UGameInstanceSubsystem : public USubsystem {};

// Runtime/Engine/UGameInstance. The stub makes one subsystem, when it is told which.
class UGameInstance : public UObject
{
public:
	template <typename T> T* GetSubsystem() const { const auto Found = Subsystems.find(std::type_index(typeid(T))); return Found == Subsystems.end() ? nullptr : static_cast<T*>(Found->second); }
	template <typename T> T* StubBegin() { T* Made = new T(); Subsystems[std::type_index(typeid(T))] = Made; Made->Outer = this; FSubsystemCollectionBase Collection; Made->Initialize(Collection); return Made; }
	void Shutdown() { for (auto& Pair : Subsystems) { Pair.second->Deinitialize(); delete Pair.second; } Subsystems.clear(); }
private:
	std::map<std::type_index, USubsystem*> Subsystems;
};

// Runtime/Engine/UWorld
class UWorld : public UObject
{
public:
	UGameInstance* GetGameInstance() const { return Game; }
	UGameInstance* Game = nullptr;
};

// Runtime/Engine/UEngine
enum class EGetWorldErrorMode { ReturnNull, LogAndReturnNull, Assert };
class UEngine : public UObject
{
public:
	UWorld* GetWorldFromContextObject(const UObject* Object, EGetWorldErrorMode) const { return const_cast<UWorld*>(dynamic_cast<const UWorld*>(Object)); }
	void AddOnScreenDebugMessage(uint64 Key, float, FColor, const FString& DebugMessage) { auto& Lines = FStubEngine::Get().OnScreen; Lines.resize(3); Lines.at(Key - 7301) = DebugMessage.Stub(); }
};
inline UEngine* GEngine = new UEngine();

// Runtime/Engine/UBlueprintAsyncActionBase (Kismet/BlueprintAsyncActionBase.h)
class UBlueprintAsyncActionBase : public UObject
{
public:
	virtual void Activate() {}
	void RegisterWithGameInstance(const UObject*) { bRegistered = true; }
	virtual void SetReadyToDestroy() { bReady = true; }
	bool bRegistered = false, bReady = false;
};

// Runtime/DeveloperSettings/UDeveloperSettings
class UDeveloperSettings : public UObject {};

// Runtime/Engine/AActor
namespace EEndPlayReason { enum Type { Destroyed, LevelTransition, EndPlayInEditor, RemovedFromWorld, Quit }; }
struct FActorTickFunction { uint8 bCanEverTick : 1; };
class AActor : public UObject
{
public:
	virtual void BeginPlay() {}
	virtual void EndPlay(const EEndPlayReason::Type) {}
	virtual void Tick(float) {}
	FActorTickFunction PrimaryActorTick = {};
};

// Runtime/Core/HAL/IConsoleManager
using FConsoleCommandWithWorldAndArgsDelegate = TDelegate<void, const TArray<FString>&, UWorld*>;
struct FStubCommands { static std::map<std::string, FConsoleCommandWithWorldAndArgsDelegate>& All() { static std::map<std::string, FConsoleCommandWithWorldAndArgsDelegate> Commands; return Commands; } };
class FAutoConsoleCommandWithWorldAndArgs
{
public:
	FAutoConsoleCommandWithWorldAndArgs(const TCHAR* Name, const TCHAR*, const FConsoleCommandWithWorldAndArgsDelegate& Command, uint32 = 0) { FStubCommands::All()[FString(Name).Stub()] = Command; }
};

// Runtime/Online/HTTP: IHttpRequest, IHttpResponse, FHttpModule. The stub's server is a function.
class IHttpResponse
{
public:
	int32 GetResponseCode() const { return Code; }
	const TArray<uint8>& GetContent() const { return Content; }
	int32 Code = 0;
	TArray<uint8> Content;
};
class IHttpRequest;
using FHttpRequestPtr = TSharedPtr<IHttpRequest, ESPMode::ThreadSafe>;
using FHttpResponsePtr = TSharedPtr<IHttpResponse, ESPMode::ThreadSafe>;
using FHttpRequestCompleteDelegate = TDelegate<void, FHttpRequestPtr, FHttpResponsePtr, bool>;
class IHttpRequest
{
public:
	void SetVerb(const FString& InVerb) { Verb = InVerb; }
	void SetURL(const FString& InUrl) { Url = InUrl; }
	void SetHeader(const FString&, const FString&) {}
	void SetContent(const TArray<uint8>& ContentPayload) { Content = ContentPayload; }
	void SetTimeout(float) {}
	FHttpRequestCompleteDelegate& OnProcessRequestComplete() { return Complete; }
	bool ProcessRequest()
	{
		const FHttpResponsePtr Response(std::make_shared<IHttpResponse>());
		Response->Code = Server ? Server(*this, Response->Content) : 0;
		const auto Call = Complete;
		const bool bConnected = Response->Code != 0;
		FStubEngine::Get().Add([Call, Response, bConnected] { Call.Execute(FHttpRequestPtr(), bConnected ? Response : FHttpResponsePtr(), bConnected); });
		return true;
	}
	inline static std::function<int32(const IHttpRequest&, TArray<uint8>&)> Server;
	FString Verb, Url;
	TArray<uint8> Content;
private:
	FHttpRequestCompleteDelegate Complete;
};
class FHttpModule
{
public:
	static FHttpModule& Get() { static FHttpModule Module; return Module; }
	TSharedRef<IHttpRequest, ESPMode::ThreadSafe> CreateRequest() { return TSharedRef<IHttpRequest, ESPMode::ThreadSafe>(std::make_shared<IHttpRequest>()); }
};
