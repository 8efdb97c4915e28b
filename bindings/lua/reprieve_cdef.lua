-- Generated from include/reprieve.h by bindings/lua/generate.py; change it there.
return {
marker = "reprieve_cdef_ad00c60ce4ff3ed9",
cdef = [[
typedef struct reprieve_answers reprieve_answers;
typedef struct reprieve_builder reprieve_builder;
typedef struct reprieve_bytes reprieve_bytes;
typedef struct reprieve_client reprieve_client;
typedef struct reprieve_drill reprieve_drill;
typedef struct reprieve_error reprieve_error;
typedef struct reprieve_event reprieve_event;
typedef struct reprieve_feature reprieve_feature;
typedef struct reprieve_http_request reprieve_http_request;
typedef struct reprieve_ledger_status reprieve_ledger_status;
typedef struct reprieve_renewer reprieve_renewer;
typedef struct reprieve_renewing reprieve_renewing;
typedef struct reprieve_task reprieve_task;
typedef uint32_t reprieve_status;
typedef struct reprieve_time {
int64_t seconds;
uint32_t nanos;
uint32_t present;
} reprieve_time;
typedef struct reprieve_decision {
uint32_t struct_size;
uint32_t access;
uint32_t state;
uint32_t reason;
uint32_t clock;
uint32_t ledger;
uint32_t flags;
uint32_t stage;
struct reprieve_time t;
struct reprieve_time until;
struct reprieve_time ends;
struct reprieve_time lease_end;
} reprieve_decision;
typedef struct reprieve_answer {
uint32_t struct_size;
uint32_t accepted;
uint32_t known;
uint32_t fresh;
uint32_t kind;
uint32_t error;
} reprieve_answer;
typedef struct reprieve_event_info {
uint32_t struct_size;
uint32_t kind;
uint64_t record;
uint32_t index;
uint32_t access;
uint32_t has_access;
uint32_t state;
uint32_t document;
uint32_t error;
uint32_t has_left;
uint32_t reserved;
int64_t left_seconds;
struct reprieve_time at;
} reprieve_event_info;
typedef struct reprieve_ledger_info {
uint32_t struct_size;
uint32_t clock;
uint32_t ledger;
uint32_t flags;
struct reprieve_time t;
uint64_t generation;
uint64_t records;
uint64_t unproven;
uint64_t policy_version;
uint64_t features;
} reprieve_ledger_info;
typedef struct reprieve_renewal_settings {
uint32_t struct_size;
uint32_t timeout;
uint32_t hedge;
uint32_t pause;
uint32_t pause_most;
uint32_t retry_after_most;
uint32_t answered;
uint32_t renewed;
} reprieve_renewal_settings;
typedef struct reprieve_renewal_task {
uint32_t struct_size;
uint32_t kind;
uint64_t attempt;
uint64_t milliseconds;
} reprieve_renewal_task;
typedef struct reprieve_renewal_state {
uint32_t struct_size;
uint32_t outcome;
uint32_t failure;
uint32_t status;
uint32_t refusal;
uint32_t is_busy;
uint32_t has_next;
uint32_t reserved;
uint64_t next_milliseconds;
uint64_t ago_milliseconds;
uint64_t took_milliseconds;
} reprieve_renewal_state;
const char *reprieve_version(void);
uint32_t reprieve_abi_version(void);
size_t reprieve_handle_count(void);
const char *reprieve_status_str(uint32_t status);
const char *reprieve_access_str(uint32_t access);
const char *reprieve_state_str(uint32_t state);
const char *reprieve_reason_str(uint32_t reason);
const char *reprieve_clock_str(uint32_t clock);
const char *reprieve_ledger_str(uint32_t ledger);
const char *reprieve_document_str(uint32_t document);
const char *reprieve_refusal_str(uint32_t refusal);
const char *reprieve_outage_str(uint32_t outage);
const char *reprieve_event_kind_str(uint32_t kind);
const char *reprieve_failure_str(uint32_t failure);
const char *reprieve_outcome_str(uint32_t outcome);
reprieve_status reprieve_time_format(const struct reprieve_time *time, char *buffer, size_t capacity, size_t *len, struct reprieve_error **error);
reprieve_status reprieve_error_status(const struct reprieve_error *error);
reprieve_status reprieve_error_message(const struct reprieve_error *error, const char **text, size_t *len);
void reprieve_error_free(struct reprieve_error *error);
reprieve_status reprieve_bytes_get(const struct reprieve_bytes *bytes, const char **data, size_t *len);
void reprieve_bytes_free(struct reprieve_bytes *bytes);
reprieve_status reprieve_client_open(const char *path, size_t path_len, struct reprieve_client **client, struct reprieve_error **error);
reprieve_status reprieve_client_clone(const struct reprieve_client *client, struct reprieve_client **other, struct reprieve_error **error);
reprieve_status reprieve_client_check(const struct reprieve_client *client, const char *sku, size_t sku_len, const char *feature, size_t feature_len, struct reprieve_decision *decision, struct reprieve_error **error);
reprieve_status reprieve_client_explain(const struct reprieve_client *client, const char *sku, size_t sku_len, const char *feature, size_t feature_len, struct reprieve_bytes **json, struct reprieve_error **error);
reprieve_status reprieve_client_import(const struct reprieve_client *client, const uint8_t *token, size_t token_len, struct reprieve_answer *answer, struct reprieve_answers **details, struct reprieve_error **error);
reprieve_status reprieve_client_report(const struct reprieve_client *client, uint32_t outage, uint32_t *news, struct reprieve_error **error);
reprieve_status reprieve_client_request(const struct reprieve_client *client, struct reprieve_bytes **body, struct reprieve_bytes **nonce, struct reprieve_error **error);
reprieve_status reprieve_client_renew(const struct reprieve_client *client, const uint8_t *answer, size_t answer_len, uint32_t *accepted, struct reprieve_answers **answers, struct reprieve_error **error);
reprieve_status reprieve_client_endpoint_count(const struct reprieve_client *client, size_t *count, struct reprieve_error **error);
reprieve_status reprieve_client_endpoint(const struct reprieve_client *client, size_t index, struct reprieve_bytes **endpoint, struct reprieve_error **error);
reprieve_status reprieve_client_next_event(const struct reprieve_client *client, const char *consumer, size_t consumer_len, struct reprieve_event **event, struct reprieve_error **error);
reprieve_status reprieve_client_acknowledge(const struct reprieve_client *client, const char *consumer, size_t consumer_len, uint64_t record, uint32_t index, struct reprieve_error **error);
reprieve_status reprieve_client_status(const struct reprieve_client *client, const char *sku, size_t sku_len, struct reprieve_ledger_status **status, struct reprieve_error **error);
reprieve_status reprieve_client_appeal(const struct reprieve_client *client, const char *license, size_t license_len, const char *text, size_t text_len, struct reprieve_bytes **packet, struct reprieve_error **error);
reprieve_status reprieve_client_upkeep(const struct reprieve_client *client, struct reprieve_error **error);
reprieve_status reprieve_client_head(const struct reprieve_client *client, struct reprieve_bytes **note, struct reprieve_error **error);
reprieve_status reprieve_client_ledger_id(const struct reprieve_client *client, struct reprieve_bytes **id, struct reprieve_error **error);
reprieve_status reprieve_client_diagnostics(const struct reprieve_client *client, struct reprieve_bytes **json, struct reprieve_error **error);
reprieve_status reprieve_client_close(const struct reprieve_client *client, struct reprieve_error **error);
void reprieve_client_free(struct reprieve_client *client);
reprieve_status reprieve_client_feature(const struct reprieve_client *client, const char *sku, size_t sku_len, const char *feature, size_t feature_len, struct reprieve_feature **handle, struct reprieve_error **error);
reprieve_status reprieve_feature_check(const struct reprieve_feature *feature, struct reprieve_decision *decision, struct reprieve_error **error);
void reprieve_feature_free(struct reprieve_feature *feature);
reprieve_status reprieve_answers_count(const struct reprieve_answers *answers, size_t *count);
reprieve_status reprieve_answers_get(const struct reprieve_answers *answers, size_t index, struct reprieve_answer *answer);
reprieve_status reprieve_answers_license(const struct reprieve_answers *answers, size_t index, const char **text, size_t *len);
reprieve_status reprieve_answers_detail(const struct reprieve_answers *answers, size_t index, const char **text, size_t *len);
void reprieve_answers_free(struct reprieve_answers *answers);
reprieve_status reprieve_event_get(const struct reprieve_event *event, struct reprieve_event_info *info);
reprieve_status reprieve_event_license(const struct reprieve_event *event, const char **text, size_t *len);
reprieve_status reprieve_event_feature(const struct reprieve_event *event, const char **text, size_t *len);
reprieve_status reprieve_event_reason(const struct reprieve_event *event, const char **text, size_t *len);
reprieve_status reprieve_event_text(const struct reprieve_event *event, const char **text, size_t *len);
void reprieve_event_free(struct reprieve_event *event);
reprieve_status reprieve_ledger_status_get(const struct reprieve_ledger_status *status, struct reprieve_ledger_info *info);
reprieve_status reprieve_ledger_status_ledger_id(const struct reprieve_ledger_status *status, const char **text, size_t *len);
reprieve_status reprieve_ledger_status_folder(const struct reprieve_ledger_status *status, const char **text, size_t *len);
reprieve_status reprieve_ledger_status_policy(const struct reprieve_ledger_status *status, const char **text, size_t *len);
reprieve_status reprieve_ledger_status_feature(const struct reprieve_ledger_status *status, size_t index, const char **text, size_t *len, struct reprieve_decision *decision);
reprieve_status reprieve_ledger_status_json(const struct reprieve_ledger_status *status, struct reprieve_bytes **json, struct reprieve_error **error);
void reprieve_ledger_status_free(struct reprieve_ledger_status *status);
reprieve_status reprieve_builder_from_file(const char *path, size_t path_len, struct reprieve_builder **builder, struct reprieve_error **error);
reprieve_status reprieve_builder_from_toml(const char *toml, size_t toml_len, struct reprieve_builder **builder, struct reprieve_error **error);
reprieve_status reprieve_builder_set_folder(struct reprieve_builder *builder, const char *path, size_t path_len, struct reprieve_error **error);
reprieve_status reprieve_builder_set_witness(struct reprieve_builder *builder, const char *path, size_t path_len, struct reprieve_error **error);
reprieve_status reprieve_builder_set_in_memory(struct reprieve_builder *builder, struct reprieve_error **error);
reprieve_status reprieve_builder_set_upkeep(struct reprieve_builder *builder, uint32_t upkeep, struct reprieve_error **error);
reprieve_status reprieve_builder_set_lock_timeout(struct reprieve_builder *builder, uint32_t milliseconds, struct reprieve_error **error);
reprieve_status reprieve_builder_set_create(struct reprieve_builder *builder, uint32_t create, struct reprieve_error **error);
reprieve_status reprieve_builder_open(const struct reprieve_builder *builder, struct reprieve_client **client, struct reprieve_error **error);
void reprieve_builder_free(struct reprieve_builder *builder);
reprieve_status reprieve_client_renewer(const struct reprieve_client *client, const struct reprieve_renewal_settings *settings, struct reprieve_renewer **renewer, struct reprieve_error **error);
reprieve_status reprieve_renewer_poll(const struct reprieve_renewer *renewer, struct reprieve_renewal_task *task, struct reprieve_http_request **request, struct reprieve_error **error);
reprieve_status reprieve_renewer_answered(const struct reprieve_renewer *renewer, uint64_t attempt, uint32_t status, const uint8_t *headers, size_t headers_len, const uint8_t *body, size_t body_len, struct reprieve_error **error);
reprieve_status reprieve_renewer_failed(const struct reprieve_renewer *renewer, uint64_t attempt, uint32_t failure, struct reprieve_error **error);
reprieve_status reprieve_renewer_network_changed(const struct reprieve_renewer *renewer, struct reprieve_error **error);
reprieve_status reprieve_renewer_renew_now(const struct reprieve_renewer *renewer, struct reprieve_error **error);
reprieve_status reprieve_renewer_state(const struct reprieve_renewer *renewer, struct reprieve_renewal_state *state, struct reprieve_bytes **url, struct reprieve_bytes **word, struct reprieve_error **error);
void reprieve_renewer_free(struct reprieve_renewer *renewer);
reprieve_status reprieve_http_request_method(const struct reprieve_http_request *request, const char **text, size_t *len);
reprieve_status reprieve_http_request_url(const struct reprieve_http_request *request, const char **text, size_t *len);
reprieve_status reprieve_http_request_body(const struct reprieve_http_request *request, const char **data, size_t *len);
reprieve_status reprieve_http_request_header_count(const struct reprieve_http_request *request, size_t *count);
reprieve_status reprieve_http_request_header(const struct reprieve_http_request *request, size_t index, const char **name, size_t *name_len, const char **value, size_t *value_len);
void reprieve_http_request_free(struct reprieve_http_request *request);
reprieve_status reprieve_renewing_start(const struct reprieve_client *client, const struct reprieve_renewal_settings *settings, const uint8_t *roots, size_t roots_len, const char *proxy, size_t proxy_len, const char *headers, size_t headers_len, struct reprieve_renewing **renewing, struct reprieve_error **error);
reprieve_status reprieve_renewing_network_changed(const struct reprieve_renewing *renewing, struct reprieve_error **error);
reprieve_status reprieve_renewing_renew_now(const struct reprieve_renewing *renewing, struct reprieve_error **error);
reprieve_status reprieve_renewing_state(const struct reprieve_renewing *renewing, struct reprieve_renewal_state *state, struct reprieve_bytes **url, struct reprieve_bytes **word, struct reprieve_error **error);
reprieve_status reprieve_renewing_stop(const struct reprieve_renewing *renewing, struct reprieve_error **error);
void reprieve_renewing_free(struct reprieve_renewing *renewing);
reprieve_status reprieve_drill_from_scenario(const char *scenario, size_t scenario_len, struct reprieve_drill **drill, struct reprieve_error **error);
reprieve_status reprieve_drill_create(const char *folder, size_t folder_len, const char *policy, size_t policy_len, struct reprieve_drill **drill, struct reprieve_error **error);
reprieve_status reprieve_drill_open(const char *folder, size_t folder_len, struct reprieve_drill **drill, struct reprieve_error **error);
reprieve_status reprieve_drill_step_count(const struct reprieve_drill *drill, size_t *count, struct reprieve_error **error);
reprieve_status reprieve_drill_step(const struct reprieve_drill *drill, size_t step, struct reprieve_task **task, struct reprieve_error **error);
reprieve_status reprieve_drill_client(const struct reprieve_drill *drill, struct reprieve_client **client, struct reprieve_error **error);
reprieve_status reprieve_drill_builder(const struct reprieve_drill *drill, struct reprieve_builder **builder, struct reprieve_error **error);
reprieve_status reprieve_drill_advance(const struct reprieve_drill *drill, int64_t seconds, struct reprieve_error **error);
reprieve_status reprieve_drill_set_wall(const struct reprieve_drill *drill, int64_t seconds, struct reprieve_error **error);
reprieve_status reprieve_drill_now(const struct reprieve_drill *drill, struct reprieve_time *now, struct reprieve_error **error);
reprieve_status reprieve_drill_folder(const struct reprieve_drill *drill, struct reprieve_bytes **folder, struct reprieve_error **error);
reprieve_status reprieve_drill_issue(const struct reprieve_drill *drill, uint32_t kind, const char *claims, size_t claims_len, uint32_t signers, const char *fault, size_t fault_len, struct reprieve_bytes **token, struct reprieve_error **error);
const char *reprieve_drill_consumer(void);
void reprieve_drill_free(struct reprieve_drill *drill);
reprieve_status reprieve_task_kind(const struct reprieve_task *task, uint32_t *kind);
reprieve_status reprieve_task_outage(const struct reprieve_task *task, uint32_t *outage);
reprieve_status reprieve_task_token(const struct reprieve_task *task, const char **token, size_t *len);
reprieve_status reprieve_task_sku(const struct reprieve_task *task, const char **text, size_t *len);
reprieve_status reprieve_task_feature(const struct reprieve_task *task, const char **text, size_t *len);
void reprieve_task_free(struct reprieve_task *task);
typedef int reprieve_cdef_ad00c60ce4ff3ed9;
]],
constants = {
  OK = 0,
  STATUS_ARGUMENT = 100,
  STATUS_APP = 101,
  STATUS_SCENARIO = 102,
  STATUS_CLAIMS = 103,
  STATUS_POLICY = 104,
  STATUS_WRONG_KEY = 200,
  STATUS_MISSING = 300,
  STATUS_BUSY = 301,
  STATUS_READ_ONLY = 302,
  STATUS_FULL = 303,
  STATUS_NO_FOLDER = 304,
  STATUS_NOT_A_LEDGER = 305,
  STATUS_NEWER = 306,
  STATUS_DRILL = 307,
  STATUS_EXISTS = 308,
  STATUS_DAMAGED = 309,
  STATUS_IO = 310,
  STATUS_CLOSED = 400,
  STATUS_UNSUPPORTED = 401,
  STATUS_TOO_LARGE = 402,
  STATUS_INTERNAL = 900,
  STATUS_PANIC = 901,
  STATUS_NULL_POINTER = 902,
  STATUS_INVALID_HANDLE = 903,
  STATUS_STRUCT_SIZE = 904,
  STATUS_BUFFER_TOO_SMALL = 905,
  STATUS_OUT_OF_RANGE = 906,
  STATUS_HANDLES_EXHAUSTED = 907,
  ABI_VERSION_MAJOR = 0,
  ABI_VERSION_MINOR = 1,
  ACCESS_UNKNOWN = 0,
  ACCESS_DENIED = 1,
  ACCESS_LIMITED = 2,
  ACCESS_FULL = 3,
  STATE_NONE = 0,
  STATE_LICENSED = 1,
  STATE_GRACE = 2,
  STATE_EXPIRED = 3,
  STATE_LEDGER_LOCKED = 4,
  STATE_CLOCK_LOCKED = 5,
  STATE_REVOKED = 6,
  STATE_NOT_ENTITLED = 7,
  STATE_UNLICENSED = 8,
  REASON_NONE = 0,
  REASON_MAINTENANCE = 1,
  REASON_EXTENSION = 2,
  REASON_SERVER = 3,
  REASON_NETWORK = 4,
  REASON_UNKNOWN = 5,
  CLOCK_NONE = 0,
  CLOCK_OK = 1,
  CLOCK_ROLLED_BACK = 2,
  CLOCK_LEAPED = 3,
  LEDGER_NONE = 0,
  LEDGER_OK = 1,
  LEDGER_SUSPECT = 2,
  LEDGER_MOVED = 3,
  FLAG_IN_MEMORY = 1,
  FLAG_NEWER = 2,
  FLAG_DRILL = 4,
  FLAG_DETACHED = 8,
  DOCUMENT_NONE = 0,
  DOCUMENT_LEASE = 1,
  DOCUMENT_POLICY = 2,
  DOCUMENT_NOTICE = 3,
  DOCUMENT_EXTENSION = 4,
  DOCUMENT_REVOCATION = 5,
  DOCUMENT_RULING = 6,
  DOCUMENT_KEYS = 7,
  REFUSAL_NONE = 0,
  REFUSAL_UNKNOWN_KEY = 1,
  REFUSAL_BAD_SIGNATURE = 2,
  REFUSAL_WRONG_ROLE = 3,
  REFUSAL_UNSUPPORTED = 4,
  REFUSAL_MALFORMED = 5,
  REFUSAL_WRONG_LEDGER = 6,
  REFUSAL_WRONG_POLICY = 7,
  REFUSAL_STALE = 8,
  REFUSAL_APPROVALS = 9,
  REFUSAL_OVER_LIMIT = 10,
  REFUSAL_UNKNOWN_LICENSE = 11,
  OUTAGE_NETWORK = 1,
  OUTAGE_SERVER = 2,
  EVENT_GRACE_STARTED = 1,
  EVENT_GRACE_ENDED = 2,
  EVENT_ACCESS_CHANGED = 3,
  EVENT_GRACE_CHANGED = 4,
  EVENT_GRACE_WARNING = 5,
  EVENT_DOCUMENT_ACCEPTED = 6,
  EVENT_DOCUMENT_REFUSED = 7,
  EVENT_CLOCK_SUSPECT = 8,
  EVENT_CLOCK_RESTORED = 9,
  EVENT_LEDGER_SUSPECT = 10,
  EVENT_LEDGER_RESTORED = 11,
  EVENT_LEDGER_RECOVERED = 12,
  EVENT_APPEAL_FILED = 13,
  EVENT_APPEAL_RECEIVED = 14,
  UPKEEP_IN_CHECKS = 0,
  UPKEEP_OWN = 1,
  TASK_NOTHING = 0,
  TASK_IMPORT = 1,
  TASK_CHECK = 2,
  TASK_REPORT = 3,
  TASK_EVENTS = 4,
  RENEWAL_NOTHING = 0,
  RENEWAL_WAIT = 1,
  RENEWAL_SEND = 2,
  RENEWAL_ABORT = 3,
  MAX_ANSWER = 4194304,
  FAILURE_NO_DNS = 1,
  FAILURE_NO_ROUTE = 2,
  FAILURE_TIMED_OUT = 3,
  FAILURE_REFUSED = 4,
  FAILURE_RESET = 5,
  FAILURE_CERTIFICATE = 6,
  FAILURE_TLS = 7,
  FAILURE_PROTOCOL = 8,
  FAILURE_TOO_LONG = 9,
  FAILURE_LOCAL = 10,
  OUTCOME_NONE = 0,
  OUTCOME_RENEWED = 1,
  OUTCOME_ANSWERED = 2,
  OUTCOME_FAILED = 3,
  OUTCOME_STATUS = 4,
  OUTCOME_DROPPED = 5,
  OUTCOME_REACHED = 6,
  OUTCOME_FETCHED = 7,
  OUTCOME_UNCHANGED = 8,
  STAGE_NONE = 4294967295,
},
functions = {
  "reprieve_version",
  "reprieve_abi_version",
  "reprieve_handle_count",
  "reprieve_status_str",
  "reprieve_access_str",
  "reprieve_state_str",
  "reprieve_reason_str",
  "reprieve_clock_str",
  "reprieve_ledger_str",
  "reprieve_document_str",
  "reprieve_refusal_str",
  "reprieve_outage_str",
  "reprieve_event_kind_str",
  "reprieve_failure_str",
  "reprieve_outcome_str",
  "reprieve_time_format",
  "reprieve_error_status",
  "reprieve_error_message",
  "reprieve_error_free",
  "reprieve_bytes_get",
  "reprieve_bytes_free",
  "reprieve_client_open",
  "reprieve_client_clone",
  "reprieve_client_check",
  "reprieve_client_explain",
  "reprieve_client_import",
  "reprieve_client_report",
  "reprieve_client_request",
  "reprieve_client_renew",
  "reprieve_client_endpoint_count",
  "reprieve_client_endpoint",
  "reprieve_client_next_event",
  "reprieve_client_acknowledge",
  "reprieve_client_status",
  "reprieve_client_appeal",
  "reprieve_client_upkeep",
  "reprieve_client_head",
  "reprieve_client_ledger_id",
  "reprieve_client_diagnostics",
  "reprieve_client_close",
  "reprieve_client_free",
  "reprieve_client_feature",
  "reprieve_feature_check",
  "reprieve_feature_free",
  "reprieve_answers_count",
  "reprieve_answers_get",
  "reprieve_answers_license",
  "reprieve_answers_detail",
  "reprieve_answers_free",
  "reprieve_event_get",
  "reprieve_event_license",
  "reprieve_event_feature",
  "reprieve_event_reason",
  "reprieve_event_text",
  "reprieve_event_free",
  "reprieve_ledger_status_get",
  "reprieve_ledger_status_ledger_id",
  "reprieve_ledger_status_folder",
  "reprieve_ledger_status_policy",
  "reprieve_ledger_status_feature",
  "reprieve_ledger_status_json",
  "reprieve_ledger_status_free",
  "reprieve_builder_from_file",
  "reprieve_builder_from_toml",
  "reprieve_builder_set_folder",
  "reprieve_builder_set_witness",
  "reprieve_builder_set_in_memory",
  "reprieve_builder_set_upkeep",
  "reprieve_builder_set_lock_timeout",
  "reprieve_builder_set_create",
  "reprieve_builder_open",
  "reprieve_builder_free",
  "reprieve_client_renewer",
  "reprieve_renewer_poll",
  "reprieve_renewer_answered",
  "reprieve_renewer_failed",
  "reprieve_renewer_network_changed",
  "reprieve_renewer_renew_now",
  "reprieve_renewer_state",
  "reprieve_renewer_free",
  "reprieve_http_request_method",
  "reprieve_http_request_url",
  "reprieve_http_request_body",
  "reprieve_http_request_header_count",
  "reprieve_http_request_header",
  "reprieve_http_request_free",
  "reprieve_renewing_start",
  "reprieve_renewing_network_changed",
  "reprieve_renewing_renew_now",
  "reprieve_renewing_state",
  "reprieve_renewing_stop",
  "reprieve_renewing_free",
  "reprieve_drill_from_scenario",
  "reprieve_drill_create",
  "reprieve_drill_open",
  "reprieve_drill_step_count",
  "reprieve_drill_step",
  "reprieve_drill_client",
  "reprieve_drill_builder",
  "reprieve_drill_advance",
  "reprieve_drill_set_wall",
  "reprieve_drill_now",
  "reprieve_drill_folder",
  "reprieve_drill_issue",
  "reprieve_drill_consumer",
  "reprieve_drill_free",
  "reprieve_task_kind",
  "reprieve_task_outage",
  "reprieve_task_token",
  "reprieve_task_sku",
  "reprieve_task_feature",
  "reprieve_task_free",
},
words = {
  access = { [0] = "unknown", [1] = "denied", [2] = "limited", [3] = "full" },
  state = { [0] = "none", [1] = "licensed", [2] = "grace", [3] = "expired", [4] = "ledger_locked", [5] = "clock_locked", [6] = "revoked", [7] = "not_entitled", [8] = "unlicensed" },
  reason = { [0] = "none", [1] = "maintenance", [2] = "extension", [3] = "server", [4] = "network", [5] = "unknown" },
  clock = { [0] = "none", [1] = "ok", [2] = "rolled_back", [3] = "leaped" },
  ledger = { [0] = "none", [1] = "ok", [2] = "suspect", [3] = "moved" },
  document = { [0] = "none", [1] = "lease", [2] = "policy", [3] = "notice", [4] = "extension", [5] = "revocation", [6] = "ruling", [7] = "keys" },
  refusal = { [0] = "none", [1] = "unknown_key", [2] = "bad_signature", [3] = "wrong_role", [4] = "unsupported", [5] = "malformed", [6] = "wrong_ledger", [7] = "wrong_policy", [8] = "stale", [9] = "approvals", [10] = "over_limit", [11] = "unknown_license" },
  outage = { [1] = "network", [2] = "server" },
  event = { [1] = "grace_started", [2] = "grace_ended", [3] = "access_changed", [4] = "grace_changed", [5] = "grace_warning", [6] = "document_accepted", [7] = "document_refused", [8] = "clock_suspect", [9] = "clock_restored", [10] = "ledger_suspect", [11] = "ledger_restored", [12] = "ledger_recovered", [13] = "appeal_filed", [14] = "appeal_received" },
  upkeep = { [0] = "in_checks", [1] = "own" },
  task = { [0] = "nothing", [1] = "import", [2] = "check", [3] = "report", [4] = "events" },
  renewal = { [0] = "nothing", [1] = "wait", [2] = "send", [3] = "abort" },
  failure = { [1] = "no_dns", [2] = "no_route", [3] = "timed_out", [4] = "refused", [5] = "reset", [6] = "certificate", [7] = "tls", [8] = "protocol", [9] = "too_long", [10] = "local" },
  outcome = { [0] = "none", [1] = "renewed", [2] = "answered", [3] = "failed", [4] = "status", [5] = "dropped", [6] = "reached", [7] = "fetched", [8] = "unchanged" },
  status = { [0] = "ok", [100] = "argument", [101] = "app", [102] = "scenario", [103] = "claims", [104] = "policy", [200] = "wrong_key", [300] = "missing", [301] = "busy", [302] = "read_only", [303] = "full", [304] = "no_folder", [305] = "not_a_ledger", [306] = "newer", [307] = "drill", [308] = "exists", [309] = "damaged", [310] = "io", [400] = "closed", [401] = "unsupported", [402] = "too_large", [900] = "internal", [901] = "panic", [902] = "null_pointer", [903] = "invalid_handle", [904] = "struct_size", [905] = "buffer_too_small", [906] = "out_of_range", [907] = "handles_exhausted" },
},
}
