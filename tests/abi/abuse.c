/* Every export with what it must not be given: NULL, no length, wrong numbers, handles freed twice, used after free, of another type. */
#include "check.h"

#define TOKEN(text) ((const uint8_t *)(text)), (sizeof(text) - 1)

static const char BAD_UTF8[] = "\xff\xfe";
static const char WITH_NUL[] = "a\0b";
static char LONG[300];

static reprieve_drill *drill;
static reprieve_client *client;
static reprieve_builder *builder;
static reprieve_answers *answers;
static reprieve_ledger_status *ledger_status;
static reprieve_bytes *bytes;
static reprieve_event *event;
static reprieve_task *task;

static const char SCENARIO[] =
    "{\"name\": \"abuse\", \"sku\": \"cad\", \"steps\": ["
    "{\"lease\": {\"license\": \"L1\", \"features\": [\"core\"], \"ttl\": \"24h\"}},"
    "{\"check\": \"core\"}, {\"report\": \"network\"}, {\"events\": true}, {\"advance\": \"1h\"}]}";

/* A failed call leaves a message, which says what was wrong. */
#define EXPECT_ERROR(expected, call) \
    do { \
        reprieve_error *error = (reprieve_error *)(uintptr_t)0x10; \
        const char *message_ = NULL; \
        size_t len_ = 0; \
        EXPECT_STATUS(expected, call); \
        EXPECT(error != NULL); \
        EXPECT_STATUS(expected, reprieve_error_status(error)); \
        EXPECT_STATUS(REPRIEVE_OK, reprieve_error_message(error, &message_, &len_)); \
        EXPECT(message_ != NULL && len_ > 10 && strlen(message_) == len_); \
        reprieve_error_free(error); \
    } while (0)

#define EXPECT_OK(call) \
    do { \
        reprieve_error *error = (reprieve_error *)(uintptr_t)0x10; \
        EXPECT_STATUS(REPRIEVE_OK, call); \
        EXPECT(error == NULL); \
    } while (0)

/* A call on the handle `h` with every handle that is not one of its type. */
#define EXPECT_HANDLES(type, good, call) \
    do { \
        static const uintptr_t odd_[] = {1, 8, 24, 0x7fff1234, UINTPTR_MAX, UINTPTR_MAX - 15}; \
        type *h = NULL; \
        EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, call); \
        for (size_t at_ = 0; at_ < sizeof odd_ / sizeof odd_[0]; at_++) { \
            h = (type *)odd_[at_]; \
            EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, call); \
        } \
        h = (type *)(void *)((void *)(good) == (void *)client ? (void *)builder : (void *)client); \
        EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, call); \
        h = (type *)freed_handle(); \
        EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, call); \
    } while (0)

/* A handle that was good a moment ago. */
static void *freed_handle(void) {
    reprieve_client *other = NULL;
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_clone(client, &other, NULL));
    reprieve_client_free(other);
    return other;
}

static reprieve_decision fresh_decision(void) {
    reprieve_decision decision;
    memset(&decision, 0x5a, sizeof decision);
    decision.struct_size = sizeof decision;
    decision.access = REPRIEVE_ACCESS_FULL;
    return decision;
}

static void words(void) {
    static const uint32_t numbers[] = {0, 1, 99, 1000, UINT32_MAX};
    const char *(*const all[])(uint32_t) = {
        reprieve_status_str, reprieve_access_str, reprieve_state_str, reprieve_reason_str, reprieve_clock_str,
        reprieve_ledger_str, reprieve_document_str, reprieve_refusal_str, reprieve_outage_str, reprieve_event_kind_str,
        reprieve_failure_str, reprieve_outcome_str,
    };
    for (size_t at = 0; at < sizeof all / sizeof all[0]; at++) {
        for (size_t number = 0; number < sizeof numbers / sizeof numbers[0]; number++) {
            const char *word = all[at](numbers[number]);
            EXPECT(word != NULL && word[0] != 0);
            EXPECT(numbers[number] < 1000 || strcmp(word, "unrecognized") == 0);
        }
    }
    EXPECT(strlen(reprieve_version()) >= 5);
    EXPECT(reprieve_abi_version() == ((REPRIEVE_ABI_VERSION_MAJOR << 16) | REPRIEVE_ABI_VERSION_MINOR));
    EXPECT(strcmp(reprieve_drill_consumer(), "drill") == 0);
}

static void builders(void) {
    reprieve_builder *made = NULL;
    reprieve_client *opened = NULL;
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_builder_from_toml(LEN(APP), NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_from_toml(NULL, 5, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_from_toml("x", SIZE_MAX, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_from_toml(LEN(BAD_UTF8), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_from_toml(LEN(WITH_NUL), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_APP, reprieve_builder_from_toml(NULL, 0, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_APP, reprieve_builder_from_toml(LEN("vendor = 3"), &made, &error));
    EXPECT(made == NULL);
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_from_file(NULL, 0, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_from_file(NULL, 1, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_from_file(LEN(WITH_NUL), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_APP, reprieve_builder_from_file(LEN("/nowhere/reprieve.toml"), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_builder_from_file(LEN("/nowhere"), NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_APP, reprieve_client_open(LEN("/nowhere/reprieve.toml"), &opened, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_open(NULL, 0, &opened, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_open(LEN(BAD_UTF8), &opened, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_open(LEN("x"), NULL, &error));
    EXPECT(opened == NULL);

    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_set_folder(builder, NULL, 0, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_set_folder(builder, LEN(WITH_NUL), &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_set_witness(builder, NULL, 7, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_set_witness(builder, LEN(BAD_UTF8), &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_set_upkeep(builder, 2, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_builder_set_create(builder, 2, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_builder_open(builder, NULL, &error));
    EXPECT_HANDLES(reprieve_builder, builder, reprieve_builder_set_folder(h, LEN("x"), NULL));
    EXPECT_HANDLES(reprieve_builder, builder, reprieve_builder_set_witness(h, LEN("x"), NULL));
    EXPECT_HANDLES(reprieve_builder, builder, reprieve_builder_set_in_memory(h, NULL));
    EXPECT_HANDLES(reprieve_builder, builder, reprieve_builder_set_upkeep(h, 0, NULL));
    EXPECT_HANDLES(reprieve_builder, builder, reprieve_builder_set_lock_timeout(h, 0, NULL));
    EXPECT_HANDLES(reprieve_builder, builder, reprieve_builder_set_create(h, 0, NULL));
    opened = client;
    EXPECT_HANDLES(reprieve_builder, builder, reprieve_builder_open(h, &opened, NULL));
    EXPECT(opened == NULL);

    EXPECT_OK(reprieve_builder_from_toml(LEN(APP), &made, &error));
    EXPECT_OK(reprieve_builder_set_lock_timeout(made, 10, &error));
    EXPECT_OK(reprieve_builder_set_create(made, 0, &error));
    EXPECT_OK(reprieve_builder_set_upkeep(made, REPRIEVE_UPKEEP_OWN, &error));
    EXPECT_OK(reprieve_builder_set_folder(made, LEN("/nowhere/at/all"), &error));
    EXPECT_OK(reprieve_builder_set_witness(made, LEN("/nowhere/at/all"), &error));
    EXPECT(reprieve_builder_open(made, &opened, NULL) != REPRIEVE_OK);
    EXPECT(opened == NULL);
    reprieve_builder_free(made);
    reprieve_builder_free(made);
    EXPECT_ERROR(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_builder_open(made, &opened, &error));
}

static void checks(void) {
    reprieve_decision decision;
    reprieve_bytes *json = NULL;
    const char *text = NULL;
    size_t len = 0;
    /* Texts that are none. Access never stays what it was. */
    static const struct { const char *text; size_t len; } none[] = {
        {NULL, 1}, {NULL, SIZE_MAX}, {"x", SIZE_MAX}, {BAD_UTF8, 2}, {WITH_NUL, 3}, {"core\0", 5},
    };
    for (size_t at = 0; at < sizeof none / sizeof none[0]; at++) {
        decision = fresh_decision();
        EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT,
                     reprieve_client_check(client, LEN("cad"), none[at].text, none[at].len, &decision, &error));
        EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN && decision.state == 0 && decision.until.present == 0);
        decision = fresh_decision();
        EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT,
                     reprieve_client_check(client, none[at].text, none[at].len, LEN("core"), &decision, &error));
        EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN && decision.stage == REPRIEVE_STAGE_NONE);
        EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT,
                     reprieve_client_explain(client, LEN("cad"), none[at].text, none[at].len, &json, &error));
    }
    /* Texts that are no names: the question is put, access is unknown, and the explanation says why. */
    static const struct { const char *text; size_t len; } odd[] = {
        {NULL, 0}, {"", 0}, {LONG, sizeof LONG}, {"a b", 3}, {"*", 1}, {"\xc3\xa9", 2}, {"../..", 0},
    };
    for (size_t at = 0; at < sizeof odd / sizeof odd[0]; at++) {
        decision = fresh_decision();
        EXPECT_OK(reprieve_client_check(client, LEN("cad"), odd[at].text, odd[at].len, &decision, &error));
        EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN && decision.state == 0);
        decision = fresh_decision();
        EXPECT_OK(reprieve_client_check(client, odd[at].text, odd[at].len, LEN("core"), &decision, &error));
        EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN);
        EXPECT_OK(reprieve_client_explain(client, LEN("cad"), odd[at].text, odd[at].len, &json, &error));
        EXPECT_STATUS(REPRIEVE_OK, reprieve_bytes_get(json, &text, &len));
        EXPECT(strstr(text, "is no name of a feature") != NULL);
        reprieve_bytes_free(json);
    }
    /* Structures of every size. */
    for (uint32_t size = 0; size < sizeof decision; size++) {
        decision = fresh_decision();
        decision.struct_size = size;
        EXPECT_ERROR(REPRIEVE_STATUS_STRUCT_SIZE,
                     reprieve_client_check(client, LEN("cad"), LEN("core"), &decision, &error));
        EXPECT(decision.struct_size == size && decision.access != REPRIEVE_ACCESS_LIMITED);
        EXPECT(size < 8 || decision.access == REPRIEVE_ACCESS_UNKNOWN);
        EXPECT(decision.lease_end.present == 0x5a5a5a5a || size > offsetof(reprieve_decision, lease_end));
    }
    struct { reprieve_decision known; unsigned char more[64]; } large;
    memset(&large, 0x77, sizeof large);
    large.known.struct_size = sizeof large;
    EXPECT_OK(reprieve_client_check(client, LEN("cad"), LEN("core"), &large.known, &error));
    EXPECT(large.known.struct_size == sizeof(reprieve_decision) && large.known.access == REPRIEVE_ACCESS_FULL);
    for (size_t at = 0; at < sizeof large.more; at++) {
        EXPECT(large.more[at] == 0x77);
    }
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_check(client, LEN("cad"), LEN("core"), NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_explain(client, LEN("cad"), LEN("core"), NULL, &error));
    decision = fresh_decision();
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_check(h, LEN("cad"), LEN("core"), &decision, NULL));
    EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN);
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_explain(h, LEN("cad"), LEN("core"), &json, NULL));
    EXPECT(json == NULL);
}

static void features(void) {
    reprieve_feature *feature = (reprieve_feature *)(uintptr_t)0x10;
    reprieve_decision decision = fresh_decision();
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_feature(client, LEN("cad"), LEN("core"), NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_feature(client, LEN("cad"), NULL, 1, &feature, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_feature(client, LEN(BAD_UTF8), LEN("core"), &feature, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_feature(client, LEN("cad"), NULL, 0, &feature, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_feature(client, LEN("cad"), LONG, sizeof LONG, &feature, &error));
    EXPECT(feature == NULL);
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_feature(h, LEN("cad"), LEN("core"), &feature, NULL));
    EXPECT_OK(reprieve_client_feature(client, LEN("cad"), LEN("core"), &feature, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_feature_check(feature, NULL, &error));
    decision.struct_size = 95;
    EXPECT_ERROR(REPRIEVE_STATUS_STRUCT_SIZE, reprieve_feature_check(feature, &decision, &error));
    EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN);
    decision = fresh_decision();
    EXPECT_OK(reprieve_feature_check(feature, &decision, &error));
    EXPECT(decision.access != REPRIEVE_ACCESS_UNKNOWN);
    EXPECT_HANDLES(reprieve_feature, feature, reprieve_feature_check(h, &decision, NULL));
    EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN);
    reprieve_feature_free(NULL);
    reprieve_feature_free((reprieve_feature *)(void *)client);
    reprieve_feature_free(feature);
    reprieve_feature_free(feature);
    EXPECT_ERROR(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_feature_check(feature, &decision, &error));
}

static void clients(void) {
    reprieve_answer answer = {0};
    reprieve_answers *list = NULL;
    reprieve_bytes *out = NULL, *nonce = NULL;
    reprieve_client *other = NULL;
    reprieve_event *next = NULL;
    reprieve_ledger_status *found = NULL;
    uint32_t number = 7;
    size_t count = 7;
    answer.struct_size = sizeof answer;

    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_import(client, NULL, 1, &answer, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_import(client, TOKEN("x"), NULL, &list, &error));
    answer.struct_size = 8;
    EXPECT_ERROR(REPRIEVE_STATUS_STRUCT_SIZE, reprieve_client_import(client, TOKEN("x"), &answer, &list, &error));
    answer.struct_size = sizeof answer;
    /* What is no document is an answer, not a failure. */
    static const char *const rubbish[] = {"", "x", "a.b.c", "{}", "{\"payload\":1}", "\xff", "e30.e30.e30"};
    for (size_t at = 0; at < sizeof rubbish / sizeof rubbish[0]; at++) {
        answer.accepted = 1;
        EXPECT_OK(reprieve_client_import(client, (const uint8_t *)rubbish[at], strlen(rubbish[at]), &answer, &list, &error));
        EXPECT(answer.accepted == 0 && answer.error != 0);
        reprieve_answers_free(list);
    }
    EXPECT_OK(reprieve_client_import(client, NULL, 0, &answer, NULL, &error));
    EXPECT(answer.accepted == 0);
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_import(h, TOKEN("x"), &answer, NULL, NULL));

    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_report(client, 0, &number, &error));
    EXPECT(number == 0);
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_report(client, 3, NULL, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_report(h, REPRIEVE_OUTAGE_SERVER, NULL, NULL));

    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_request(client, NULL, &nonce, &error));
    EXPECT(nonce == NULL);
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_request(h, &out, &nonce, NULL));
    EXPECT_OK(reprieve_client_request(client, &out, NULL, &error));
    reprieve_bytes_free(out);

    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_renew(client, NULL, 3, &number, &list, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_CLAIMS, reprieve_client_renew(client, NULL, 0, &number, &list, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_CLAIMS, reprieve_client_renew(client, TOKEN("{\"documents\":3}"), NULL, NULL, &error));
    EXPECT(list == NULL);
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_renew(h, TOKEN("x"), NULL, NULL, NULL));

    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_endpoint_count(client, NULL, &error));
    EXPECT_OK(reprieve_client_endpoint_count(client, &count, &error));
    EXPECT(count == 0);
    EXPECT_ERROR(REPRIEVE_STATUS_OUT_OF_RANGE, reprieve_client_endpoint(client, 0, &out, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_OUT_OF_RANGE, reprieve_client_endpoint(client, SIZE_MAX, &out, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_endpoint(client, 0, NULL, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_endpoint_count(h, &count, NULL));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_endpoint(h, 0, &out, NULL));

    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_next_event(client, LEN("game"), NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_next_event(client, NULL, 0, &next, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_next_event(client, LEN("../../etc/x"), &next, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_next_event(client, LEN(BAD_UTF8), &next, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_next_event(client, LONG, sizeof LONG, &next, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_next_event(h, LEN("game"), &next, NULL));
    EXPECT(next == NULL);
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_acknowledge(client, NULL, 0, 1, 1, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_acknowledge(client, LEN(WITH_NUL), 1, 1, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_acknowledge(h, LEN("game"), 1, 1, NULL));

    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_status(client, LEN("cad"), NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_status(client, NULL, 0, &found, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_status(client, LONG, sizeof LONG, &found, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_status(h, LEN("cad"), &found, NULL));
    EXPECT(found == NULL);

    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_appeal(client, NULL, 0, LEN("help"), NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_appeal(client, NULL, 0, NULL, 0, &out, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_appeal(client, LEN("no name"), LEN("help"), &out, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_client_appeal(client, NULL, 0, LEN(BAD_UTF8), &out, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_appeal(h, NULL, 0, LEN("help"), &out, NULL));

    EXPECT_HANDLES(reprieve_client, client, reprieve_client_upkeep(h, NULL));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_head(client, NULL, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_head(h, &out, NULL));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_ledger_id(client, NULL, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_ledger_id(h, &out, NULL));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_diagnostics(client, NULL, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_diagnostics(h, &out, NULL));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_clone(client, NULL, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_clone(h, &other, NULL));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_close(h, NULL));
    EXPECT(out == NULL && other == NULL);
}

static void results(void) {
    const char *text = NULL;
    size_t len = 0, count = 0;
    uint32_t number = 7;
    reprieve_answer answer = {0};
    reprieve_event_info info = {0};
    reprieve_ledger_info ledger = {0};
    reprieve_decision decision = fresh_decision();
    reprieve_bytes *json = NULL;
    answer.struct_size = sizeof answer;
    info.struct_size = sizeof info;
    ledger.struct_size = sizeof ledger;

#define TEXTS(type, good, call_) \
    do { \
        type *h = (good); \
        text = "x"; \
        EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, call_(h, NULL, &len)); \
        EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, call_(h, &text, NULL)); \
        EXPECT(text == NULL); \
        EXPECT_HANDLES(type, good, call_(h, &text, &len)); \
        h = (good); \
        EXPECT_STATUS(REPRIEVE_OK, call_(h, &text, &len)); \
        EXPECT(text == NULL ? len == 0 : text[len] == 0); \
    } while (0)

    TEXTS(reprieve_bytes, bytes, reprieve_bytes_get);
    TEXTS(reprieve_event, event, reprieve_event_license);
    TEXTS(reprieve_event, event, reprieve_event_feature);
    TEXTS(reprieve_event, event, reprieve_event_reason);
    TEXTS(reprieve_event, event, reprieve_event_text);
    TEXTS(reprieve_task, task, reprieve_task_token);
    TEXTS(reprieve_task, task, reprieve_task_sku);
    TEXTS(reprieve_task, task, reprieve_task_feature);
    TEXTS(reprieve_ledger_status, ledger_status, reprieve_ledger_status_ledger_id);
    TEXTS(reprieve_ledger_status, ledger_status, reprieve_ledger_status_folder);
    TEXTS(reprieve_ledger_status, ledger_status, reprieve_ledger_status_policy);

    {
        reprieve_error *error = NULL;
        EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_close(NULL, &error));
        TEXTS(reprieve_error, error, reprieve_error_message);
        reprieve_error_free(error);
        reprieve_error_free(error);
        EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_error_status(error));
        EXPECT_STATUS(REPRIEVE_OK, reprieve_error_status(NULL));
    }

    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_event_get(event, NULL));
    EXPECT_HANDLES(reprieve_event, event, reprieve_event_get(h, &info));
    info.struct_size = 4;
    EXPECT_STATUS(REPRIEVE_STATUS_STRUCT_SIZE, reprieve_event_get(event, &info));
    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_task_kind(task, NULL));
    EXPECT_HANDLES(reprieve_task, task, reprieve_task_kind(h, &number));
    EXPECT(number == 0);
    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_task_outage(task, NULL));
    EXPECT_HANDLES(reprieve_task, task, reprieve_task_outage(h, &number));

    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_answers_count(answers, NULL));
    EXPECT_HANDLES(reprieve_answers, answers, reprieve_answers_count(h, &count));
    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_answers_get(answers, 0, NULL));
    EXPECT_STATUS(REPRIEVE_STATUS_OUT_OF_RANGE, reprieve_answers_get(answers, 1, &answer));
    EXPECT_STATUS(REPRIEVE_STATUS_OUT_OF_RANGE, reprieve_answers_license(answers, SIZE_MAX, &text, &len));
    EXPECT_STATUS(REPRIEVE_STATUS_OUT_OF_RANGE, reprieve_answers_detail(answers, 1, &text, &len));
    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_answers_license(answers, 0, NULL, &len));
    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_answers_detail(answers, 0, &text, NULL));
    EXPECT_HANDLES(reprieve_answers, answers, reprieve_answers_get(h, 0, &answer));
    EXPECT_HANDLES(reprieve_answers, answers, reprieve_answers_license(h, 0, &text, &len));
    EXPECT_HANDLES(reprieve_answers, answers, reprieve_answers_detail(h, 0, &text, &len));

    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_ledger_status_get(ledger_status, NULL));
    EXPECT_HANDLES(reprieve_ledger_status, ledger_status, reprieve_ledger_status_get(h, &ledger));
    ledger.struct_size = sizeof ledger - 1;
    EXPECT_STATUS(REPRIEVE_STATUS_STRUCT_SIZE, reprieve_ledger_status_get(ledger_status, &ledger));
    EXPECT_STATUS(REPRIEVE_STATUS_OUT_OF_RANGE, reprieve_ledger_status_feature(ledger_status, 1, &text, &len, &decision));
    EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN);
    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_ledger_status_feature(ledger_status, 0, NULL, &len, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_ledger_status_feature(ledger_status, 0, &text, &len, NULL));
    EXPECT(strcmp(text, "core") == 0 && len == 4);
    EXPECT_HANDLES(reprieve_ledger_status, ledger_status, reprieve_ledger_status_feature(h, 0, &text, &len, NULL));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_ledger_status_json(ledger_status, NULL, &error));
    EXPECT_HANDLES(reprieve_ledger_status, ledger_status, reprieve_ledger_status_json(h, &json, NULL));
}

static void times(void) {
    reprieve_time time = {1767225600, 500000000, 1};
    char buffer[64];
    size_t len = 0;
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_time_format(NULL, buffer, sizeof buffer, &len, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_time_format(&time, buffer, sizeof buffer, NULL, &error));
    EXPECT_OK(reprieve_time_format(&time, NULL, 0, &len, &error));
    EXPECT(len == strlen("2026-01-01T00:00:00.5Z"));
    for (size_t capacity = 0; capacity <= len; capacity++) {
        memset(buffer, 0x55, sizeof buffer);
        EXPECT_ERROR(REPRIEVE_STATUS_BUFFER_TOO_SMALL, reprieve_time_format(&time, buffer, capacity, &len, &error));
        EXPECT(len == 22 && buffer[capacity] == 0x55 && (capacity == 0 || buffer[0] == 0));
    }
    EXPECT_OK(reprieve_time_format(&time, buffer, len + 1, &len, &error));
    EXPECT(strcmp(buffer, "2026-01-01T00:00:00.5Z") == 0);
    time.nanos = 1000000000;
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_time_format(&time, buffer, sizeof buffer, &len, &error));
    static const int64_t far[] = {INT64_MAX, INT64_MIN, 0, -1};
    for (size_t at = 0; at < sizeof far / sizeof far[0]; at++) {
        time.seconds = far[at];
        time.nanos = 999999999;
        EXPECT_OK(reprieve_time_format(&time, buffer, sizeof buffer, &len, &error));
        EXPECT(len > 0 && len < sizeof buffer && strlen(buffer) == len);
    }
    time.present = 0;
    EXPECT_OK(reprieve_time_format(&time, buffer, sizeof buffer, &len, &error));
    EXPECT(len == 0 && buffer[0] == 0);
}

static void drills(void) {
    reprieve_drill *made = NULL;
    reprieve_task *step = NULL;
    reprieve_client *opened = NULL;
    reprieve_builder *other = NULL;
    reprieve_bytes *token = NULL;
    reprieve_time now = {7, 7, 1};
    size_t count = 7;
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_from_scenario(LEN(SCENARIO), NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_drill_from_scenario(NULL, 9, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_drill_from_scenario(LEN(BAD_UTF8), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_SCENARIO, reprieve_drill_from_scenario(NULL, 0, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_SCENARIO, reprieve_drill_from_scenario(LEN("{\"sku\":\"a\",\"steps\":3}"), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_drill_create(NULL, 0, NULL, 0, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_POLICY, reprieve_drill_create(LEN("/nowhere"), LEN("[]"), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_POLICY, reprieve_drill_create(LEN("/nowhere"), LEN("{"), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_create(LEN("/nowhere"), NULL, 0, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_drill_open(NULL, 0, &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_MISSING, reprieve_drill_open(LEN("/nowhere"), &made, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_open(LEN("/nowhere"), NULL, &error));
    EXPECT(made == NULL);
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_step_count(drill, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_step(drill, 0, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_drill_step(drill, 99, &step, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_drill_step(drill, SIZE_MAX, &step, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_client(drill, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_builder(drill, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_now(drill, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_drill_folder(drill, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_drill_advance(drill, -1, &error));
    EXPECT_HANDLES(reprieve_drill, drill, reprieve_drill_step_count(h, &count, NULL));
    EXPECT(count == 0);
    EXPECT_HANDLES(reprieve_drill, drill, reprieve_drill_step(h, 0, &step, NULL));
    EXPECT_HANDLES(reprieve_drill, drill, reprieve_drill_client(h, &opened, NULL));
    EXPECT_HANDLES(reprieve_drill, drill, reprieve_drill_builder(h, &other, NULL));
    EXPECT_HANDLES(reprieve_drill, drill, reprieve_drill_advance(h, 1, NULL));
    EXPECT_HANDLES(reprieve_drill, drill, reprieve_drill_set_wall(h, 1, NULL));
    EXPECT_HANDLES(reprieve_drill, drill, reprieve_drill_now(h, &now, NULL));
    EXPECT(now.present == 0);
    EXPECT_HANDLES(reprieve_drill, drill, reprieve_drill_folder(h, &token, NULL));
#define ISSUE(h, kind, claims, signers, fault, fault_len, out, error) \
    reprieve_drill_issue(h, kind, claims, sizeof claims - 1, signers, fault, fault_len, out, error)
    EXPECT_HANDLES(reprieve_drill, drill, ISSUE(h, 1, "{}", 1, NULL, 0, &token, NULL));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, ISSUE(drill, 0, "{}", 1, NULL, 0, &token, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, ISSUE(drill, 99, "{}", 1, NULL, 0, &token, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_CLAIMS, ISSUE(drill, 1, "[]", 1, NULL, 0, &token, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_CLAIMS, ISSUE(drill, 1, "", 1, NULL, 0, &token, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, ISSUE(drill, 1, "{}", 1, "no fault", 8, &token, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, ISSUE(drill, 1, "{}", 1, NULL, 8, &token, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, ISSUE(drill, 1, "{}", 1, NULL, 0, NULL, &error));
    {
        /* How many signers a caller asks for is his affair; the library does not end over it. */
        static const uint32_t signers[] = {0, 3, 4, 1000, UINT32_MAX};
        for (size_t at = 0; at < sizeof signers / sizeof signers[0]; at++) {
            (void)ISSUE(drill, REPRIEVE_DOCUMENT_EXTENSION, "{\"license\":\"L1\",\"until\":1767830400}", signers[at], NULL, 0,
                        &token, NULL);
            EXPECT(reprieve_status_str(0) != NULL);
            reprieve_bytes_free(token);
        }
    }
    EXPECT_OK(reprieve_drill_set_wall(drill, 60, &error));
    EXPECT_OK(reprieve_drill_set_wall(drill, -60, &error));
}

/* Freed twice, used after free, freed in any order. */
static void ends(void) {
    reprieve_decision decision = fresh_decision();
    reprieve_client *other = NULL;
    reprieve_bytes *id = NULL;
    const char *text = NULL;
    size_t len = 0;

    /* The drill goes first: what was taken from it goes on to be good handles. */
    reprieve_drill_free(drill);
    reprieve_drill_free(drill);
    EXPECT_OK(reprieve_client_check(client, LEN("cad"), LEN("core"), &decision, &error));
    EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN);
    EXPECT_ERROR(REPRIEVE_STATUS_CLOSED, reprieve_client_upkeep(client, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_CLOSED, reprieve_client_ledger_id(client, &id, &error));
    EXPECT_OK(reprieve_client_close(client, &error));
    EXPECT_OK(reprieve_client_close(client, &error));
    EXPECT_OK(reprieve_client_clone(client, &other, &error));
    reprieve_client_free(client);
    reprieve_client_free(client);
    decision = fresh_decision();
    EXPECT_ERROR(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_client_check(client, LEN("cad"), LEN("core"), &decision, &error));
    EXPECT(decision.access == REPRIEVE_ACCESS_UNKNOWN);
    EXPECT_OK(reprieve_client_check(other, LEN("cad"), LEN("core"), &decision, &error));
    /* A free of another type frees nothing. */
    reprieve_builder_free((reprieve_builder *)(void *)other);
    reprieve_error_free((reprieve_error *)(void *)other);
    EXPECT_OK(reprieve_client_check(other, LEN("cad"), LEN("core"), &decision, &error));
    reprieve_client_free(other);

    EXPECT_STATUS(REPRIEVE_OK, reprieve_bytes_get(bytes, &text, &len));
    for (int twice = 0; twice < 2; twice++) {
        reprieve_bytes_free(bytes);
        reprieve_answers_free(answers);
        reprieve_event_free(event);
        reprieve_task_free(task);
        reprieve_ledger_status_free(ledger_status);
        reprieve_builder_free(builder);
    }
    EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_bytes_get(bytes, &text, &len));
    EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_event_license(event, &text, &len));
    EXPECT(text == NULL && len == 0);

    reprieve_error_free(NULL);
    reprieve_bytes_free(NULL);
    reprieve_client_free(NULL);
    reprieve_answers_free(NULL);
    reprieve_event_free(NULL);
    reprieve_ledger_status_free(NULL);
    reprieve_builder_free(NULL);
    reprieve_drill_free(NULL);
    reprieve_task_free(NULL);
}

static void endpoints(void) {
    reprieve_builder *made = NULL;
    reprieve_client *opened = NULL;
    reprieve_bytes *endpoint = NULL;
    reprieve_decision decision = fresh_decision();
    const char *text = NULL;
    size_t len = 0, count = 0;
    EXPECT_OK(reprieve_builder_from_toml(LEN(APP), &made, &error));
    EXPECT_OK(reprieve_builder_set_in_memory(made, &error));
    EXPECT_OK(reprieve_builder_open(made, &opened, &error));
    reprieve_builder_free(made);
    EXPECT_OK(reprieve_client_endpoint_count(opened, &count, &error));
    EXPECT(count == 2);
    EXPECT_OK(reprieve_client_endpoint(opened, 1, &endpoint, &error));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_bytes_get(endpoint, &text, &len));
    EXPECT(strcmp(text, "https://b.example/renew") == 0);
    reprieve_bytes_free(endpoint);
    EXPECT_OK(reprieve_client_check(opened, LEN("cad"), LEN("core"), &decision, &error));
    EXPECT(decision.access == REPRIEVE_ACCESS_DENIED && decision.state == REPRIEVE_STATE_UNLICENSED);
    EXPECT(decision.flags == REPRIEVE_FLAG_IN_MEMORY);
    reprieve_client_free(opened);
}

static reprieve_renewal_task polled(reprieve_renewer *renewer, reprieve_http_request **request) {
    reprieve_renewal_task task;
    memset(&task, 0x5a, sizeof task);
    task.struct_size = sizeof task;
    EXPECT_OK(reprieve_renewer_poll(renewer, &task, request, &error));
    EXPECT((task.kind == REPRIEVE_RENEWAL_SEND) == (*request != NULL));
    return task;
}

/* How the attempt that ended last did. */
static void stands(reprieve_renewer *renewer, uint32_t outcome, const char *expect) {
    reprieve_renewal_state state;
    reprieve_bytes *url = NULL, *word = NULL;
    const char *text = NULL;
    size_t len = 0;
    memset(&state, 0x5a, sizeof state);
    state.struct_size = sizeof state;
    EXPECT_OK(reprieve_renewer_state(renewer, &state, &url, &word, &error));
    EXPECT(state.outcome == outcome && state.reserved == 0);
    EXPECT((word == NULL) == (expect == NULL) && (url == NULL) == (expect == NULL));
    if (word != NULL) {
        EXPECT_STATUS(REPRIEVE_OK, reprieve_bytes_get(word, &text, &len));
        EXPECT(strcmp(text, expect) == 0);
        EXPECT_STATUS(REPRIEVE_OK, reprieve_bytes_get(url, &text, &len));
        EXPECT(strstr(text, ".example/renew") != NULL);
    }
    reprieve_bytes_free(url);
    reprieve_bytes_free(word);
}

static void renewals(void) {
    reprieve_builder *made = NULL;
    reprieve_client *opened = NULL;
    reprieve_renewer *renewer = NULL;
    reprieve_renewing *renewing = NULL;
    reprieve_http_request *request = NULL;
    reprieve_renewal_settings settings = {0};
    reprieve_renewal_state state = {0};
    reprieve_renewal_task task;
    reprieve_status started;
    const char *text = NULL, *value = NULL;
    size_t len = 0, value_len = 0, count = 0;
    uint64_t first;
    state.struct_size = sizeof state;
    EXPECT_OK(reprieve_builder_from_toml(LEN(APP), &made, &error));
    EXPECT_OK(reprieve_builder_set_in_memory(made, &error));
    EXPECT_OK(reprieve_builder_open(made, &opened, &error));
    reprieve_builder_free(made);

    EXPECT_ERROR(REPRIEVE_STATUS_STRUCT_SIZE, reprieve_client_renewer(opened, &settings, &renewer, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_client_renewer(opened, NULL, NULL, &error));
    EXPECT_HANDLES(reprieve_client, client, reprieve_client_renewer(h, NULL, &renewer, NULL));
    EXPECT(renewer == NULL);
    settings.struct_size = sizeof settings;
    settings.timeout = 1500;
    settings.retry_after_most = 7000;
    EXPECT_OK(reprieve_client_renewer(opened, &settings, &renewer, &error));
    stands(renewer, REPRIEVE_OUTCOME_NONE, NULL);

    task = polled(renewer, &request);
    EXPECT(task.kind == REPRIEVE_RENEWAL_SEND && task.milliseconds == 1500);
    EXPECT_STATUS(REPRIEVE_OK, reprieve_http_request_method(request, &text, &len));
    EXPECT(strcmp(text, "POST") == 0 && len == 4);
    EXPECT_STATUS(REPRIEVE_OK, reprieve_http_request_url(request, &text, &len));
    EXPECT(strstr(text, "https://") == text && strlen(text) == len);
    EXPECT_STATUS(REPRIEVE_OK, reprieve_http_request_body(request, &text, &len));
    EXPECT(len > 100 && text[0] == '{' && text[len - 1] == '}' && text[len] == 0);
    EXPECT_STATUS(REPRIEVE_OK, reprieve_http_request_header_count(request, &count));
    EXPECT(count == 3);
    EXPECT_STATUS(REPRIEVE_OK, reprieve_http_request_header(request, 0, &text, &len, &value, &value_len));
    EXPECT(strcmp(text, "Content-Type") == 0 && strcmp(value, "application/json") == 0);
    EXPECT_STATUS(REPRIEVE_STATUS_OUT_OF_RANGE, reprieve_http_request_header(request, 3, &text, &len, &value, &value_len));
    EXPECT(text == NULL && len == 0 && value == NULL && value_len == 0);
    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_http_request_header(request, 0, NULL, &len, &value, &value_len));
    EXPECT_STATUS(REPRIEVE_STATUS_NULL_POINTER, reprieve_http_request_header_count(request, NULL));
    EXPECT_HANDLES(reprieve_http_request, request, reprieve_http_request_method(h, &text, &len));
    EXPECT_HANDLES(reprieve_http_request, request, reprieve_http_request_url(h, &text, &len));
    EXPECT_HANDLES(reprieve_http_request, request, reprieve_http_request_body(h, &text, &len));
    EXPECT_HANDLES(reprieve_http_request, request, reprieve_http_request_header_count(h, &count));
    reprieve_http_request_free(request);
    reprieve_http_request_free(request);
    EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_http_request_url(request, &text, &len));

    /* What is wrong with a call leaves the attempt as it is. */
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_renewer_failed(renewer, task.attempt, 0, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_renewer_failed(renewer, task.attempt, 11, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_renewer_answered(renewer, task.attempt, 99, NULL, 0, NULL, 0, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_renewer_answered(renewer, task.attempt, 200, NULL, 1, NULL, 0, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_renewer_answered(renewer, task.attempt, 200, NULL, 0, NULL, 1, &error));
    EXPECT_OK(reprieve_renewer_failed(renewer, task.attempt + 77, REPRIEVE_FAILURE_NO_DNS, &error));
    EXPECT_OK(reprieve_renewer_failed(renewer, UINT64_MAX, REPRIEVE_FAILURE_NO_DNS, &error));
    stands(renewer, REPRIEVE_OUTCOME_NONE, NULL);
    EXPECT_OK(reprieve_renewer_failed(renewer, task.attempt, REPRIEVE_FAILURE_NO_DNS, &error));
    EXPECT_OK(reprieve_renewer_failed(renewer, task.attempt, REPRIEVE_FAILURE_REFUSED, &error));
    stands(renewer, REPRIEVE_OUTCOME_FAILED, "no_dns");

    /* The next endpoint; what it asks for is obeyed, as far as the settings believe it. */
    first = task.attempt;
    task = polled(renewer, &request);
    EXPECT(task.kind == REPRIEVE_RENEWAL_SEND && task.attempt != first);
    reprieve_http_request_free(request);
    EXPECT_OK(reprieve_renewer_answered(renewer, task.attempt, 429, TOKEN("HTTP/1.1 429 X\r\nX-\xff: y\r\nretry-AFTER:  99999\r\n\r\n"), TOKEN("<p>"), &error));
    stands(renewer, REPRIEVE_OUTCOME_STATUS, "status 429");
    task = polled(renewer, &request);
    EXPECT(task.kind == REPRIEVE_RENEWAL_WAIT && task.milliseconds > 6000 && task.milliseconds <= 30000);
    EXPECT_OK(reprieve_renewer_state(renewer, &state, NULL, NULL, &error));
    EXPECT(state.status == 429 && state.has_next == 1 && state.next_milliseconds <= 30000 && state.is_busy == 0);
    EXPECT_OK(reprieve_renewer_network_changed(renewer, &error));
    EXPECT_OK(reprieve_renewer_renew_now(renewer, &error));
    task = polled(renewer, &request);
    EXPECT(task.kind == REPRIEVE_RENEWAL_WAIT && task.milliseconds <= 7000);

    task.struct_size = 8;
    EXPECT_ERROR(REPRIEVE_STATUS_STRUCT_SIZE, reprieve_renewer_poll(renewer, &task, &request, &error));
    EXPECT(task.kind == REPRIEVE_RENEWAL_NOTHING);
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_renewer_poll(renewer, NULL, &request, &error));
    task.struct_size = sizeof task;
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_renewer_poll(renewer, &task, NULL, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_renewer_state(renewer, NULL, NULL, NULL, &error));
    EXPECT_HANDLES(reprieve_renewer, renewer, reprieve_renewer_poll(h, &task, &request, NULL));
    EXPECT_HANDLES(reprieve_renewer, renewer, reprieve_renewer_failed(h, 0, REPRIEVE_FAILURE_LOCAL, NULL));
    EXPECT_HANDLES(reprieve_renewer, renewer, reprieve_renewer_answered(h, 0, 200, NULL, 0, NULL, 0, NULL));
    EXPECT_HANDLES(reprieve_renewer, renewer, reprieve_renewer_network_changed(h, NULL));
    EXPECT_HANDLES(reprieve_renewer, renewer, reprieve_renewer_renew_now(h, NULL));
    EXPECT_HANDLES(reprieve_renewer, renewer, reprieve_renewer_state(h, &state, NULL, NULL, NULL));

    /* A thread of the library's, or word that it has none. */
    started = reprieve_renewing_start(opened, &settings, NULL, 0, LEN("none"), LEN("X-Product: abuse\n"), &renewing, NULL);
    EXPECT(started == REPRIEVE_OK || started == REPRIEVE_STATUS_UNSUPPORTED);
    EXPECT((renewing != NULL) == (started == REPRIEVE_OK));
    if (started == REPRIEVE_OK) {
        reprieve_renewing *other = NULL;
        EXPECT_OK(reprieve_renewing_network_changed(renewing, &error));
        EXPECT_OK(reprieve_renewing_renew_now(renewing, &error));
        EXPECT_OK(reprieve_renewing_state(renewing, &state, NULL, NULL, &error));
        EXPECT_OK(reprieve_renewing_stop(renewing, &error));
        EXPECT_OK(reprieve_renewing_stop(renewing, &error));
        EXPECT_OK(reprieve_renewing_renew_now(renewing, &error));
        EXPECT_OK(reprieve_renewing_state(renewing, &state, NULL, NULL, &error));
        EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_renewing_start(opened, NULL, TOKEN("no PEM"), NULL, 0, NULL, 0, &other, &error));
        EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_renewing_start(opened, NULL, NULL, 0, LEN("::"), NULL, 0, &other, &error));
        EXPECT(other == NULL);
    } else {
        EXPECT_ERROR(REPRIEVE_STATUS_UNSUPPORTED, reprieve_renewing_start(opened, NULL, NULL, 0, NULL, 0, NULL, 0, &renewing, &error));
    }
    EXPECT_ERROR(REPRIEVE_STATUS_ARGUMENT, reprieve_renewing_start(opened, NULL, NULL, 0, NULL, 0, LEN("no name"), &(reprieve_renewing *){NULL}, &error));
    EXPECT_ERROR(REPRIEVE_STATUS_NULL_POINTER, reprieve_renewing_start(opened, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, &error));
    EXPECT_HANDLES(reprieve_renewing, renewing, reprieve_renewing_network_changed(h, NULL));
    EXPECT_HANDLES(reprieve_renewing, renewing, reprieve_renewing_renew_now(h, NULL));
    EXPECT_HANDLES(reprieve_renewing, renewing, reprieve_renewing_state(h, &state, NULL, NULL, NULL));
    EXPECT_HANDLES(reprieve_renewing, renewing, reprieve_renewing_stop(h, NULL));
    reprieve_renewing_free(renewing);
    reprieve_renewing_free(renewing);
    reprieve_renewing_free((reprieve_renewing *)(void *)client);

    /* A client that is closed ends it; one that is freed does not. */
    EXPECT_OK(reprieve_client_close(opened, &error));
    reprieve_client_free(opened);
    EXPECT_ERROR(REPRIEVE_STATUS_CLOSED, reprieve_renewer_poll(renewer, &task, &request, &error));
    EXPECT(task.kind == REPRIEVE_RENEWAL_NOTHING && request == NULL);
    reprieve_renewer_free(renewer);
    reprieve_renewer_free(renewer);
    reprieve_renewer_free(NULL);
    EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_renewer_renew_now(renewer, NULL));
}

/* Everything once as it should be, so that every handle is there. */
static void begin(void) {
    reprieve_answer answer = {0};
    const char *token = NULL;
    size_t len = 0;
    answer.struct_size = sizeof answer;
    EXPECT_OK(reprieve_drill_from_scenario(LEN(SCENARIO), &drill, &error));
    EXPECT_OK(reprieve_drill_step(drill, 0, &task, &error));
    EXPECT_OK(reprieve_drill_client(drill, &client, &error));
    EXPECT_OK(reprieve_drill_builder(drill, &builder, &error));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_task_token(task, &token, &len));
    EXPECT_OK(reprieve_client_import(client, (const uint8_t *)token, len, &answer, &answers, &error));
    EXPECT(answer.accepted == 1 && answer.fresh == 1 && answer.kind == REPRIEVE_DOCUMENT_LEASE);
    EXPECT_OK(reprieve_client_status(client, LEN("cad"), &ledger_status, &error));
    EXPECT_OK(reprieve_client_head(client, &bytes, &error));
    EXPECT_OK(reprieve_client_next_event(client, LEN("drill"), &event, &error));
    EXPECT(event != NULL);
}

int main(void) {
    memset(LONG, 'a', sizeof LONG);
    begin();
    words();
    times();
    builders();
    checks();
    features();
    clients();
    results();
    drills();
    endpoints();
    renewals();
    ends();
    return done("abuse");
}
