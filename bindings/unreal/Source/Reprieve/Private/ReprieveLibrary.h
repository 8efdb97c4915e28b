#pragma once

#include "CoreMinimal.h"
#include "ReprieveTypes.h"

// The header's declarations give the types; none of its functions is linked. Its macro for exports has the name that the engine gives this module's.
THIRD_PARTY_INCLUDES_START
#pragma push_macro("REPRIEVE_API")
#undef REPRIEVE_API
#define REPRIEVE_API
#include "reprieve.h"
#undef REPRIEVE_API
#pragma pop_macro("REPRIEVE_API")
THIRD_PARTY_INCLUDES_END

#define REPRIEVE_FUNCTIONS(X) \
	X(abi_version) X(version) X(handle_count) X(status_str) X(state_str) X(access_str) X(reason_str) X(document_str) X(refusal_str) \
	X(error_message) X(error_free) X(bytes_get) X(bytes_free) \
	X(builder_from_toml) X(builder_set_upkeep) X(builder_set_lock_timeout) X(builder_open) X(builder_free) \
	X(client_clone) X(client_explain) X(client_import) X(client_report) X(client_request) X(client_renew) X(client_endpoint) X(client_next_event) \
	X(client_acknowledge) X(client_status) X(client_upkeep) X(client_close) X(client_free) X(client_feature) X(client_check) X(client_appeal) \
	X(feature_check) X(feature_free) X(answers_count) X(answers_get) X(answers_detail) X(answers_free) \
	X(event_get) X(event_license) X(event_feature) X(event_reason) X(event_text) X(event_free) \
	X(ledger_status_json) X(ledger_status_free) \
	X(renewing_start) X(renewing_state) X(renewing_renew_now) X(renewing_network_changed) X(renewing_free) \
	X(drill_from_scenario) X(drill_open) X(drill_step_count) X(drill_step) X(drill_client) X(drill_builder) X(drill_now) X(drill_consumer) X(drill_free) \
	X(task_kind) X(task_outage) X(task_token) X(task_sku) X(task_feature) X(task_free)

/** The functions of the native library, found one by one as the module starts; there are none if the library cannot be used. */
struct FReprieveLibrary
{
#define REPRIEVE_POINTER(Name) decltype(&::reprieve_##Name) Name = nullptr;
	REPRIEVE_FUNCTIONS(REPRIEVE_POINTER)
#undef REPRIEVE_POINTER

	/** The library; null if it cannot be used, and then Trouble says why. */
	static const FReprieveLibrary* Get();

	/** Why it cannot be used: which file, what is wrong with it, and what to do. Empty if it can. */
	static const FString& Trouble();

	/** Loads it from the plugin's folders. Never fails: what is wrong stands in Trouble. */
	static void Load();

	/** Ends its use, after all that was open has been closed: whoever still holds a feature is told unknown. */
	static void Unload();

	/** Takes an error's text and frees it. */
	FString Take(reprieve_error* Error, reprieve_status Status) const;

	/** Takes text or JSON and frees it. */
	FString Take(reprieve_bytes* Bytes) const;
};

/** Text as the library takes it: UTF-8 with a length. */
struct FReprieveUtf8
{
	explicit FReprieveUtf8(const FString& Text) : Converted(*Text) {}
	const char* Data() const { return reinterpret_cast<const char*>(Converted.Get()); }
	size_t Size() const { return static_cast<size_t>(Converted.Length()); }

private:
	FTCHARToUTF8 Converted;
};

/** Text as the library gives it. */
FString ReprieveText(const char* Data, size_t Size);

/** A decision as the library gives it. */
FReprieveDecision ReprieveDecision(const reprieve_decision& Data);
