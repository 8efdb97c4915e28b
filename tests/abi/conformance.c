/* Walks scenarios and prints the lines that docs/semantics.md says: conformance FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reprieve.h"

static void stop(const char *what, reprieve_status status, reprieve_error *error) {
    const char *text = "";
    size_t len = 0;
    if (error != NULL) {
        reprieve_error_message(error, &text, &len);
    }
    fprintf(stderr, "%s: %s: %.*s\n", what, reprieve_status_str(status), (int)len, text);
    reprieve_error_free(error);
    exit(1);
}

#define MUST(call) \
    do { \
        reprieve_error *error = NULL; \
        const reprieve_status status = (call); \
        if (status != REPRIEVE_OK) { \
            stop(#call, status, error); \
        } \
    } while (0)

#define GET(call) \
    do { \
        const reprieve_status status = (call); \
        if (status != REPRIEVE_OK) { \
            stop(#call, status, NULL); \
        } \
    } while (0)

static void text(const char *key, const char *value, size_t len) {
    printf(",\"%s\":", key);
    if (value == NULL) {
        printf("null");
        return;
    }
    putchar('"');
    for (size_t at = 0; at < len; at++) {
        const unsigned char byte = (unsigned char)value[at];
        switch (byte) {
        case '"': printf("\\\""); break;
        case '\\': printf("\\\\"); break;
        case '\b': printf("\\b"); break;
        case '\f': printf("\\f"); break;
        case '\n': printf("\\n"); break;
        case '\r': printf("\\r"); break;
        case '\t': printf("\\t"); break;
        default:
            if (byte < 0x20) {
                printf("\\u%04x", byte);
            } else {
                putchar(byte);
            }
        }
    }
    putchar('"');
}

/* A word, or null for the number 0. */
static void word(const char *key, uint32_t number, const char *(*words)(uint32_t)) {
    const char *value = number == 0 ? NULL : words(number);
    text(key, value, value == NULL ? 0 : strlen(value));
}

static void instant(const char *key, reprieve_time time) {
    char buffer[64];
    size_t len = 0;
    MUST(reprieve_time_format(&time, buffer, sizeof buffer, &len, &error));
    text(key, time.present ? buffer : NULL, len);
}

static void check(size_t step, const reprieve_client *client, const reprieve_task *task) {
    const char *sku, *feature;
    size_t sku_len, feature_len;
    reprieve_decision decision = {0};
    decision.struct_size = sizeof decision;
    GET(reprieve_task_sku(task, &sku, &sku_len));
    GET(reprieve_task_feature(task, &feature, &feature_len));
    MUST(reprieve_client_check(client, sku, sku_len, feature, feature_len, &decision, &error));
    printf("{\"step\":%zu", step);
    instant("t", decision.t);
    text("sku", sku, sku_len);
    text("feature", feature, feature_len);
    text("access", reprieve_access_str(decision.access), strlen(reprieve_access_str(decision.access)));
    word("state", decision.state, reprieve_state_str);
    word("reason", decision.reason, reprieve_reason_str);
    instant("until", decision.until);
    instant("ends", decision.ends);
    word("clock", decision.clock, reprieve_clock_str);
    word("ledger", decision.ledger, reprieve_ledger_str);
    printf("}\n");
}

static void import(size_t step, const reprieve_client *client, const reprieve_task *task) {
    const char *token;
    size_t len;
    reprieve_answer answer = {0};
    answer.struct_size = sizeof answer;
    GET(reprieve_task_token(task, &token, &len));
    MUST(reprieve_client_import(client, (const uint8_t *)token, len, &answer, NULL, &error));
    printf("{\"step\":%zu", step);
    word("document", answer.kind, reprieve_document_str);
    printf(",\"accepted\":%s", answer.accepted ? "true" : "false");
    word("error", answer.error, reprieve_refusal_str);
    printf("}\n");
}

static void events(size_t step, const reprieve_client *client) {
    const char *consumer = reprieve_drill_consumer();
    MUST(reprieve_client_upkeep(client, &error));
    for (;;) {
        reprieve_event *event = NULL;
        reprieve_event_info info = {0};
        const char *value;
        size_t len;
        MUST(reprieve_client_next_event(client, consumer, strlen(consumer), &event, &error));
        if (event == NULL) {
            return;
        }
        info.struct_size = sizeof info;
        GET(reprieve_event_get(event, &info));
        printf("{\"step\":%zu", step);
        word("event", info.kind, reprieve_event_kind_str);
        instant("at", info.at);
        GET(reprieve_event_license(event, &value, &len));
        text("license", value, len);
        GET(reprieve_event_feature(event, &value, &len));
        text("feature", value, len);
        value = info.has_access ? reprieve_access_str(info.access) : NULL;
        text("access", value, value == NULL ? 0 : strlen(value));
        word("state", info.state, reprieve_state_str);
        GET(reprieve_event_reason(event, &value, &len));
        text("reason", value, len);
        if (info.has_left) {
            printf(",\"left\":%lld", (long long)info.left_seconds);
        } else {
            printf(",\"left\":null");
        }
        word("document", info.document, reprieve_document_str);
        word("error", info.error, reprieve_refusal_str);
        printf("}\n");
        reprieve_event_free(event);
        MUST(reprieve_client_acknowledge(client, consumer, strlen(consumer), info.record, info.index, &error));
    }
}

static char *read_whole(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    char *whole = (char *)malloc(1 << 20);
    if (file == NULL || whole == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    *len = fread(whole, 1, 1 << 20, file);
    fclose(file);
    return whole;
}

static void walk(const char *path) {
    size_t len, steps;
    char *scenario = read_whole(path, &len);
    reprieve_drill *drill = NULL;
    MUST(reprieve_drill_from_scenario(scenario, len, &drill, &error));
    free(scenario);
    MUST(reprieve_drill_step_count(drill, &steps, &error));
    for (size_t step = 0; step < steps; step++) {
        reprieve_task *task = NULL;
        reprieve_client *client = NULL;
        uint32_t kind, outage;
        MUST(reprieve_drill_step(drill, step, &task, &error));
        MUST(reprieve_drill_client(drill, &client, &error));
        GET(reprieve_task_kind(task, &kind));
        switch (kind) {
        case REPRIEVE_TASK_IMPORT: import(step, client, task); break;
        case REPRIEVE_TASK_CHECK: check(step, client, task); break;
        case REPRIEVE_TASK_EVENTS: events(step, client); break;
        case REPRIEVE_TASK_REPORT:
            GET(reprieve_task_outage(task, &outage));
            MUST(reprieve_client_report(client, outage, NULL, &error));
            break;
        default: break;
        }
        reprieve_task_free(task);
        reprieve_client_free(client);
    }
    reprieve_drill_free(drill);
}

int main(int argc, char **argv) {
    for (int at = 1; at < argc; at++) {
        walk(argv[at]);
    }
    if (reprieve_handle_count() != 0) {
        fprintf(stderr, "%zu handles are left\n", reprieve_handle_count());
        return 1;
    }
    return 0;
}
