/*
 * A program as it was built with the first released header, which lies beside it. It runs with every later library of
 * the same ABI major number. Once released, this file and the header never change.
 */
#include "reprieve.h"

#include <stdio.h>
#include <string.h>

#define LEN(text) (text), (sizeof(text) - 1)

static int wrong = 0;

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            wrong++; \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
        } \
    } while (0)

static const char SCENARIO[] =
    "{\"sku\": \"cad\", \"steps\": ["
    "{\"lease\": {\"license\": \"L1\", \"features\": [\"core\"], \"ttl\": \"24h\"}}, {\"check\": \"core\"},"
    "{\"report\": \"network\"}, {\"events\": true}]}";

/* Room behind a structure, which a library that knows more must leave alone. */
struct guarded_decision {
    reprieve_decision is;
    unsigned char behind[64];
};
struct guarded_info {
    reprieve_event_info is;
    unsigned char behind[64];
};

static int untouched(const unsigned char *bytes, size_t len) {
    size_t at;
    for (at = 0; at < len; at++) {
        if (bytes[at] != 0xa5) {
            return 0;
        }
    }
    return 1;
}

static void texts(const reprieve_error *error) {
    const char *text = NULL;
    size_t len = 0;
    EXPECT(reprieve_error_status(error) == REPRIEVE_STATUS_ARGUMENT);
    EXPECT(reprieve_error_message(error, &text, &len) == REPRIEVE_OK && text != NULL && strlen(text) == len && len > 0);
}

static void check(const reprieve_client *client, const reprieve_feature *feature) {
    struct guarded_decision named, held;
    memset(&named, 0xa5, sizeof named);
    memset(&held, 0xa5, sizeof held);
    named.is.struct_size = held.is.struct_size = sizeof(reprieve_decision);
    EXPECT(reprieve_client_check(client, LEN("cad"), LEN("core"), &named.is, NULL) == REPRIEVE_OK);
    EXPECT(reprieve_feature_check(feature, &held.is, NULL) == REPRIEVE_OK);
    EXPECT(named.is.struct_size == 96 && held.is.struct_size == 96);
    EXPECT(untouched(named.behind, sizeof named.behind) && untouched(held.behind, sizeof held.behind));
    EXPECT(memcmp(&named.is, &held.is, sizeof named.is) == 0);
    EXPECT(held.is.access == REPRIEVE_ACCESS_FULL && held.is.state == REPRIEVE_STATE_LICENSED);
    EXPECT(held.is.reason == REPRIEVE_REASON_NONE && held.is.stage == REPRIEVE_STAGE_NONE);
    EXPECT(held.is.clock == REPRIEVE_CLOCK_OK && held.is.ledger == REPRIEVE_LEDGER_OK && held.is.flags == REPRIEVE_FLAG_DRILL);
    EXPECT(held.is.t.present == 1 && held.is.t.seconds == 1767225600 && held.is.t.nanos == 0);
    EXPECT(held.is.lease_end.seconds == 1767225600 + 86400 && held.is.lease_end.present == 1);
}

static void events(const reprieve_client *client) {
    int count = 0;
    for (;;) {
        struct guarded_info info;
        reprieve_event *event = NULL;
        const char *text = NULL;
        size_t len = 0;
        EXPECT(reprieve_client_next_event(client, LEN("drill"), &event, NULL) == REPRIEVE_OK);
        if (event == NULL) {
            break;
        }
        memset(&info, 0xa5, sizeof info);
        info.is.struct_size = sizeof(reprieve_event_info);
        EXPECT(reprieve_event_get(event, &info.is) == REPRIEVE_OK && info.is.struct_size == 72);
        EXPECT(info.is.kind != 0 && info.is.at.present == 1 && untouched(info.behind, sizeof info.behind));
        EXPECT(reprieve_event_license(event, &text, &len) == REPRIEVE_OK);
        EXPECT(reprieve_client_acknowledge(client, LEN("drill"), info.is.record, info.is.index, NULL) == REPRIEVE_OK);
        reprieve_event_free(event);
        count++;
    }
    EXPECT(count > 0);
}

int main(void) {
    reprieve_drill *drill = NULL;
    reprieve_task *task = NULL;
    reprieve_client *client = NULL;
    reprieve_feature *feature = NULL;
    reprieve_event *event = NULL;
    reprieve_answers *answers = NULL;
    reprieve_ledger_status *status = NULL;
    reprieve_error *error = NULL;
    reprieve_bytes *json = NULL;
    reprieve_answer answer = {0};
    reprieve_ledger_info info = {0};
    reprieve_decision decision = {0};
    const char *token = NULL;
    size_t len = 0;
    uint32_t kind = 0, news = 0;
    EXPECT(reprieve_abi_version() >> 16 == REPRIEVE_ABI_VERSION_MAJOR);
    EXPECT((reprieve_abi_version() & 0xffff) >= REPRIEVE_ABI_VERSION_MINOR);
    EXPECT(strcmp(reprieve_status_str(REPRIEVE_STATUS_BUSY), "busy") == 0);

    EXPECT(reprieve_drill_from_scenario(LEN(SCENARIO), &drill, NULL) == REPRIEVE_OK);
    EXPECT(reprieve_drill_step(drill, 0, &task, NULL) == REPRIEVE_OK);
    EXPECT(reprieve_task_kind(task, &kind) == REPRIEVE_OK && kind == REPRIEVE_TASK_IMPORT);
    EXPECT(reprieve_task_token(task, &token, &len) == REPRIEVE_OK && token != NULL);
    EXPECT(reprieve_drill_client(drill, &client, NULL) == REPRIEVE_OK);
    EXPECT(reprieve_client_next_event(client, LEN("drill"), &event, NULL) == REPRIEVE_OK && event == NULL);
    answer.struct_size = sizeof answer;
    EXPECT(reprieve_client_import(client, (const uint8_t *)token, len, &answer, &answers, NULL) == REPRIEVE_OK);
    EXPECT(answer.accepted == 1 && answer.kind == REPRIEVE_DOCUMENT_LEASE && answer.error == REPRIEVE_REFUSAL_NONE);
    EXPECT(reprieve_answers_count(answers, &len) == REPRIEVE_OK && len == 1);

    EXPECT(reprieve_client_feature(client, LEN("cad"), LEN("core"), &feature, NULL) == REPRIEVE_OK);
    check(client, feature);
    EXPECT(reprieve_client_report(client, REPRIEVE_OUTAGE_NETWORK, &news, NULL) == REPRIEVE_OK && news == 1);
    EXPECT(reprieve_client_report(client, 77, &news, &error) == REPRIEVE_STATUS_ARGUMENT && news == 0);
    texts(error);
    events(client);

    info.struct_size = sizeof info;
    EXPECT(reprieve_client_status(client, LEN("cad"), &status, NULL) == REPRIEVE_OK);
    EXPECT(reprieve_ledger_status_get(status, &info) == REPRIEVE_OK && info.features == 1 && info.records > 0);
    EXPECT(reprieve_ledger_status_json(status, &json, NULL) == REPRIEVE_OK);
    EXPECT(reprieve_bytes_get(json, &token, &len) == REPRIEVE_OK && token[0] == '{' && token[len] == 0);

    /* Freed in any order: the feature keeps the ledger open until its drill closes it, and then knows no answer. */
    reprieve_client_free(client);
    decision.struct_size = sizeof decision;
    EXPECT(reprieve_feature_check(feature, &decision, NULL) == REPRIEVE_OK && decision.access == REPRIEVE_ACCESS_FULL);
    reprieve_drill_free(drill);
    EXPECT(reprieve_feature_check(feature, &decision, NULL) == REPRIEVE_OK && decision.access == REPRIEVE_ACCESS_UNKNOWN);
    reprieve_feature_free(feature);
    reprieve_task_free(task);
    reprieve_answers_free(answers);
    reprieve_ledger_status_free(status);
    reprieve_bytes_free(json);
    reprieve_error_free(error);
    EXPECT(reprieve_handle_count() == 0);
    return wrong != 0;
}
