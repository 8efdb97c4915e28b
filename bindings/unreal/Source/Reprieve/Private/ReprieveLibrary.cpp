#include "ReprieveLibrary.h"

#include "HAL/PlatformProcess.h"
#include "Interfaces/IPluginManager.h"
#include "Misc/Paths.h"

DEFINE_LOG_CATEGORY(LogReprieve);

namespace
{
	FReprieveLibrary Table;
	void* Handle = nullptr;
	bool bUsable = false;
	FString Wrong = TEXT("the module Reprieve is not loaded");

#if PLATFORM_WINDOWS
	const TCHAR* const Platform = TEXT("Win64");
	const TCHAR* const File = TEXT("reprieve.dll");
#elif PLATFORM_MAC
	const TCHAR* const Platform = TEXT("Mac");
	const TCHAR* const File = TEXT("libreprieve.dylib");
#else
	const TCHAR* const Platform = TEXT("Linux");
	const TCHAR* const File = TEXT("libreprieve.so");
#endif

	void LetGo()
	{
		bUsable = false;
		if (Handle != nullptr)
		{
			FPlatformProcess::FreeDllHandle(Handle);
			Handle = nullptr;
		}
		Table = FReprieveLibrary();
	}

	FString LoadFrom(const FString& Path)
	{
		Handle = FPlatformProcess::GetDllHandle(*Path);
		if (Handle == nullptr)
		{
			return FString::Printf(TEXT("%s cannot be loaded: it is for another processor or system, or something that it needs is missing; put the library of this release there"), *Path);
		}
		Table.abi_version = reinterpret_cast<decltype(Table.abi_version)>(FPlatformProcess::GetDllExport(Handle, TEXT("reprieve_abi_version")));
		if (Table.abi_version == nullptr)
		{
			return FString::Printf(TEXT("%s is none of Reprieve's libraries: it has no reprieve_abi_version; put the library of this release there"), *Path);
		}
		const uint32 Version = Table.abi_version();
		if (Version >> 16 != REPRIEVE_ABI_VERSION_MAJOR || (Version & 0xffff) < REPRIEVE_ABI_VERSION_MINOR)
		{
			return FString::Printf(TEXT("%s has ABI version %d.%d, this plugin needs %d.%d or a later %d.x; update the older of the two and start again"), *Path,
				static_cast<int32>(Version >> 16), static_cast<int32>(Version & 0xffff), REPRIEVE_ABI_VERSION_MAJOR, REPRIEVE_ABI_VERSION_MINOR, REPRIEVE_ABI_VERSION_MAJOR);
		}
#define REPRIEVE_FIND(Name) \
		Table.Name = reinterpret_cast<decltype(Table.Name)>(FPlatformProcess::GetDllExport(Handle, TEXT("reprieve_") TEXT(#Name))); \
		if (Table.Name == nullptr) \
		{ \
			return FString::Printf(TEXT("%s has no function reprieve_%s; put the library of this release there"), *Path, TEXT(#Name)); \
		}
		REPRIEVE_FUNCTIONS(REPRIEVE_FIND)
#undef REPRIEVE_FIND
		return FString();
	}
}

const FReprieveLibrary* FReprieveLibrary::Get()
{
	return bUsable ? &Table : nullptr;
}

const FString& FReprieveLibrary::Trouble()
{
	return Wrong;
}

void FReprieveLibrary::Load()
{
	if (bUsable)
	{
		return;
	}
	const TSharedPtr<IPlugin> Plugin = IPluginManager::Get().FindPlugin(TEXT("Reprieve"));
	const FString Base = Plugin.IsValid() ? Plugin->GetBaseDir() : FString();
	// A build puts it with the binaries; a plugin that was never built has it where it came.
	const FString Built = FPaths::Combine(Base, TEXT("Binaries/ThirdParty/ReprieveLibrary"), Platform, File);
	const FString Source = FPaths::Combine(Base, TEXT("Source/ThirdParty/ReprieveLibrary"), Platform, File);
	const FString Path = FPaths::FileExists(Built) ? Built : Source;
	if (!FPaths::FileExists(Path))
	{
		Wrong = FString::Printf(TEXT("the native library is missing: there is no %s and no %s; put it there, and start again"), *Built, *Source);
	}
	else
	{
		Wrong = LoadFrom(FPaths::ConvertRelativePathToFull(Path));
	}
	bUsable = Wrong.IsEmpty();
	if (!bUsable)
	{
		LetGo();
		// Nothing but this: the editor and the game go on, and what they ask is unknown.
		UE_LOG(LogReprieve, Error, TEXT("%s. All goes on, and what is asked is unknown."), *Wrong);
	}
}

void FReprieveLibrary::Unload()
{
	// The library itself stays in the process: it has memory of its own for each thread, and the next load finds it there.
	bUsable = false;
	Wrong = TEXT("the module Reprieve is not loaded");
}

FString FReprieveLibrary::Take(reprieve_error* Error, reprieve_status Status) const
{
	const char* Data = nullptr;
	size_t Size = 0;
	if (Error != nullptr && error_message(Error, &Data, &Size) == REPRIEVE_OK)
	{
		const FString Text = ReprieveText(Data, Size);
		error_free(Error);
		return Text;
	}
	error_free(Error);
	return FString(UTF8_TO_TCHAR(status_str(Status)));
}

FString FReprieveLibrary::Take(reprieve_bytes* Bytes) const
{
	const char* Data = nullptr;
	size_t Size = 0;
	FString Text;
	if (Bytes != nullptr && bytes_get(Bytes, &Data, &Size) == REPRIEVE_OK)
	{
		Text = ReprieveText(Data, Size);
	}
	bytes_free(Bytes);
	return Text;
}

FString ReprieveText(const char* Data, size_t Size)
{
	if (Data == nullptr || Size == 0)
	{
		return FString();
	}
	const FUTF8ToTCHAR Converted(reinterpret_cast<const ANSICHAR*>(Data), static_cast<int32>(Size));
	return FString(Converted.Length(), Converted.Get());
}
