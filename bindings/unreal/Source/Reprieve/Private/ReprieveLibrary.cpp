#include "ReprieveLibrary.h"

#include "HAL/PlatformProcess.h"
#include "Interfaces/IPluginManager.h"
#include "Misc/Paths.h"

DEFINE_LOG_CATEGORY(LogReprieve);

namespace
{
	FReprieveLibrary LibraryTable;
	void* LibraryHandle = nullptr;
	bool bLibraryUsable = false;
	FString LibraryTrouble = TEXT("the module Reprieve is not loaded");

#if PLATFORM_WINDOWS
	const TCHAR* const LibraryPlatform = TEXT("Win64");
	const TCHAR* const LibraryFile = TEXT("reprieve.dll");
#elif PLATFORM_MAC
	const TCHAR* const LibraryPlatform = TEXT("Mac");
	const TCHAR* const LibraryFile = TEXT("libreprieve.dylib");
#else
	const TCHAR* const LibraryPlatform = TEXT("Linux");
	const TCHAR* const LibraryFile = TEXT("libreprieve.so");
#endif

	void LetLibraryGo()
	{
		bLibraryUsable = false;
		if (LibraryHandle != nullptr)
		{
			FPlatformProcess::FreeDllHandle(LibraryHandle);
			LibraryHandle = nullptr;
		}
		LibraryTable = FReprieveLibrary();
	}

	FString LoadLibraryFrom(const FString& Path)
	{
		LibraryHandle = FPlatformProcess::GetDllHandle(*Path);
		if (LibraryHandle == nullptr)
		{
			return FString::Printf(TEXT("%s cannot be loaded: it is for another processor or system, or something that it needs is missing; put the library of this release there"), *Path);
		}
		LibraryTable.abi_version = reinterpret_cast<decltype(LibraryTable.abi_version)>(FPlatformProcess::GetDllExport(LibraryHandle, TEXT("reprieve_abi_version")));
		if (LibraryTable.abi_version == nullptr)
		{
			return FString::Printf(TEXT("%s is none of Reprieve's libraries: it has no reprieve_abi_version; put the library of this release there"), *Path);
		}
		const uint32 Version = LibraryTable.abi_version();
		if (Version >> 16 != REPRIEVE_ABI_VERSION_MAJOR || (Version & 0xffff) < REPRIEVE_ABI_VERSION_MINOR)
		{
			return FString::Printf(TEXT("%s has ABI version %d.%d, this plugin needs %d.%d or a later %d.x; update the older of the two and start again"), *Path,
				static_cast<int32>(Version >> 16), static_cast<int32>(Version & 0xffff), REPRIEVE_ABI_VERSION_MAJOR, REPRIEVE_ABI_VERSION_MINOR, REPRIEVE_ABI_VERSION_MAJOR);
		}
#define REPRIEVE_FIND(Name) \
		LibraryTable.Name = reinterpret_cast<decltype(LibraryTable.Name)>(FPlatformProcess::GetDllExport(LibraryHandle, TEXT("reprieve_") TEXT(#Name))); \
		if (LibraryTable.Name == nullptr) \
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
	return bLibraryUsable ? &LibraryTable : nullptr;
}

const FString& FReprieveLibrary::Trouble()
{
	return LibraryTrouble;
}

void FReprieveLibrary::Load()
{
	if (bLibraryUsable)
	{
		return;
	}
	const TSharedPtr<IPlugin> Plugin = IPluginManager::Get().FindPlugin(TEXT("Reprieve"));
	const FString Base = Plugin.IsValid() ? Plugin->GetBaseDir() : FString();
	// A build puts it with the binaries; a plugin that was never built has it where it came.
	const FString Built = FPaths::Combine(Base, TEXT("Binaries/ThirdParty/ReprieveLibrary"), LibraryPlatform, LibraryFile);
	const FString Source = FPaths::Combine(Base, TEXT("Source/ThirdParty/ReprieveLibrary"), LibraryPlatform, LibraryFile);
	const FString Path = FPaths::FileExists(Built) ? Built : Source;
	if (!FPaths::FileExists(Path))
	{
		LibraryTrouble = FString::Printf(TEXT("the native library is missing: there is no %s and no %s; put it there, and start again"), *Built, *Source);
	}
	else
	{
		LibraryTrouble = LoadLibraryFrom(FPaths::ConvertRelativePathToFull(Path));
	}
	bLibraryUsable = LibraryTrouble.IsEmpty();
	if (!bLibraryUsable)
	{
		LetLibraryGo();
		// Nothing but this: the editor and the game go on, and what they ask is unknown.
		UE_LOG(LogReprieve, Error, TEXT("%s. All goes on, and what is asked is unknown."), *LibraryTrouble);
	}
}

void FReprieveLibrary::Unload()
{
	// The library itself stays in the process: it has memory of its own for each thread, and the next load finds it there.
	bLibraryUsable = false;
	LibraryTrouble = TEXT("the module Reprieve is not loaded");
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
