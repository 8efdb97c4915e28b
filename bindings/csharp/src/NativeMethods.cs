using System;
using System.Runtime.InteropServices;

namespace Reprieve
{
    // The C ABI, include/reprieve.h, function by function and in its order; a test compares the two. Names are the header's. Nothing here is
    // kept by the native side after a call: arrays are pinned only while it runs.
    internal static class NativeMethods
    {
#if REPRIEVE_INTERNAL || (UNITY_IOS && !UNITY_EDITOR)
        // Linked into the program itself.
        private const string Library = "__Internal";
#else
        private const string Library = "reprieve";
#endif

        internal const uint AbiMajor = 0;
        internal const uint AbiMinor = 1;

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_version();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_abi_version();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern UIntPtr reprieve_handle_count();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_status_str(uint status);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_access_str(uint access);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_state_str(uint state);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_reason_str(uint reason);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_clock_str(uint clock);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_ledger_str(uint ledger);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_document_str(uint document);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_refusal_str(uint refusal);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_outage_str(uint outage);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_event_kind_str(uint kind);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_failure_str(uint failure);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_outcome_str(uint outcome);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_time_format(
            ref TimeData time, byte[] buffer, UIntPtr capacity, out UIntPtr len, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_error_status(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_error_message(ErrorHandle error, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_error_free(IntPtr error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_bytes_get(BytesHandle bytes, out IntPtr data, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_bytes_free(IntPtr bytes);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_from_file(
            byte[] path, UIntPtr path_len, out BuilderHandle builder, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_from_toml(
            byte[] toml, UIntPtr toml_len, out BuilderHandle builder, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_set_folder(
            BuilderHandle builder, byte[] path, UIntPtr path_len, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_set_witness(
            BuilderHandle builder, byte[] path, UIntPtr path_len, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_set_in_memory(BuilderHandle builder, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_set_upkeep(BuilderHandle builder, uint upkeep, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_set_lock_timeout(BuilderHandle builder, uint milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_set_create(BuilderHandle builder, uint create, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_builder_open(BuilderHandle builder, out ClientHandle client, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_builder_free(IntPtr builder);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_open(byte[] path, UIntPtr path_len, out ClientHandle client, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_clone(ClientHandle client, out ClientHandle other, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_check(
            ClientHandle client, byte[] sku, UIntPtr sku_len, byte[] feature, UIntPtr feature_len, ref DecisionData decision, out ErrorHandle error);

        // The same without a place for an error: nothing is allocated.
        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_check(
            ClientHandle client, byte[] sku, UIntPtr sku_len, byte[] feature, UIntPtr feature_len, ref DecisionData decision, IntPtr noError);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_explain(
            ClientHandle client, byte[] sku, UIntPtr sku_len, byte[] feature, UIntPtr feature_len, out BytesHandle json, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_import(
            ClientHandle client, byte[] token, UIntPtr token_len, ref AnswerData answer, out AnswersHandle details, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_report(ClientHandle client, uint outage, out uint news, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_request(
            ClientHandle client, out BytesHandle body, out BytesHandle nonce, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_renew(
            ClientHandle client, byte[] answer, UIntPtr answer_len, out uint accepted, out AnswersHandle answers, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_endpoint_count(ClientHandle client, out UIntPtr count, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_endpoint(
            ClientHandle client, UIntPtr index, out BytesHandle endpoint, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_next_event(
            ClientHandle client, byte[] consumer, UIntPtr consumer_len, out EventHandle @event, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_acknowledge(
            ClientHandle client, byte[] consumer, UIntPtr consumer_len, ulong record, uint index, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_status(
            ClientHandle client, byte[] sku, UIntPtr sku_len, out StatusHandle status, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_appeal(
            ClientHandle client, byte[] license, UIntPtr license_len, byte[] text, UIntPtr text_len, out BytesHandle packet, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_upkeep(ClientHandle client, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_head(ClientHandle client, out BytesHandle note, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_ledger_id(ClientHandle client, out BytesHandle id, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_diagnostics(ClientHandle client, out BytesHandle json, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_close(ClientHandle client, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_client_free(IntPtr client);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_feature(
            ClientHandle client, byte[] sku, UIntPtr sku_len, byte[] feature, UIntPtr feature_len, out FeatureHandle handle, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_feature_check(FeatureHandle feature, ref DecisionData decision, IntPtr noError);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_feature_free(IntPtr feature);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_answers_count(AnswersHandle answers, out UIntPtr count);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_answers_get(AnswersHandle answers, UIntPtr index, ref AnswerData answer);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_answers_license(AnswersHandle answers, UIntPtr index, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_answers_detail(AnswersHandle answers, UIntPtr index, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_answers_free(IntPtr answers);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_event_get(EventHandle @event, ref EventData info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_event_license(EventHandle @event, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_event_feature(EventHandle @event, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_event_reason(EventHandle @event, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_event_text(EventHandle @event, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_event_free(IntPtr @event);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_ledger_status_get(StatusHandle status, ref LedgerData info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_ledger_status_ledger_id(StatusHandle status, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_ledger_status_folder(StatusHandle status, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_ledger_status_policy(StatusHandle status, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_ledger_status_feature(
            StatusHandle status, UIntPtr index, out IntPtr text, out UIntPtr len, ref DecisionData decision);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_ledger_status_json(StatusHandle status, out BytesHandle json, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_ledger_status_free(IntPtr status);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_client_renewer(
            ClientHandle client, ref RenewalSettingsData settings, out RenewerHandle renewer, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewer_poll(
            RenewerHandle renewer, ref RenewalTaskData task, out HttpRequestHandle request, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewer_answered(
            RenewerHandle renewer, ulong attempt, uint status, byte[] headers, UIntPtr headers_len, byte[] body, UIntPtr body_len, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewer_failed(RenewerHandle renewer, ulong attempt, uint failure, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewer_network_changed(RenewerHandle renewer, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewer_renew_now(RenewerHandle renewer, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewer_state(
            RenewerHandle renewer, ref RenewalStateData state, out BytesHandle url, out BytesHandle word, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_renewer_free(IntPtr renewer);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_http_request_method(HttpRequestHandle request, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_http_request_url(HttpRequestHandle request, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_http_request_body(HttpRequestHandle request, out IntPtr data, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_http_request_header_count(HttpRequestHandle request, out UIntPtr count);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_http_request_header(
            HttpRequestHandle request, UIntPtr index, out IntPtr name, out UIntPtr name_len, out IntPtr value, out UIntPtr value_len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_http_request_free(IntPtr request);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewing_start(
            ClientHandle client, ref RenewalSettingsData settings, byte[] roots, UIntPtr roots_len, byte[] proxy, UIntPtr proxy_len, byte[] headers,
            UIntPtr headers_len, out RenewingHandle renewing, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewing_network_changed(RenewingHandle renewing, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewing_renew_now(RenewingHandle renewing, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewing_state(
            RenewingHandle renewing, ref RenewalStateData state, out BytesHandle url, out BytesHandle word, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_renewing_stop(RenewingHandle renewing, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_renewing_free(IntPtr renewing);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_from_scenario(
            byte[] scenario, UIntPtr scenario_len, out DrillHandle drill, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_create(
            byte[] folder, UIntPtr folder_len, byte[] policy, UIntPtr policy_len, out DrillHandle drill, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_open(
            byte[] folder, UIntPtr folder_len, out DrillHandle drill, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_step_count(DrillHandle drill, out UIntPtr count, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_step(DrillHandle drill, UIntPtr step, out TaskHandle task, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_client(DrillHandle drill, out ClientHandle client, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_builder(DrillHandle drill, out BuilderHandle builder, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_advance(DrillHandle drill, long seconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_set_wall(DrillHandle drill, long seconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_now(DrillHandle drill, out TimeData now, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_folder(DrillHandle drill, out BytesHandle folder, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_drill_issue(
            DrillHandle drill, uint kind, byte[] claims, UIntPtr claims_len, uint signers, byte[] fault, UIntPtr fault_len, out BytesHandle token, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr reprieve_drill_consumer();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_drill_free(IntPtr drill);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_task_kind(TaskHandle task, out uint kind);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_task_outage(TaskHandle task, out uint outage);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_task_token(TaskHandle task, out IntPtr token, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_task_sku(TaskHandle task, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern uint reprieve_task_feature(TaskHandle task, out IntPtr text, out UIntPtr len);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void reprieve_task_free(IntPtr task);
    }
}
