/* What the program that tests/abi/exports.py writes is made of: a good value for each parameter, and what must hold after a call. */
#ifndef EXPORTS_H
#define EXPORTS_H

#include "check.h"

static const char SCENARIO[] =
    "{\"name\": \"exports\", \"sku\": \"cad\", \"steps\": ["
    "{\"lease\": {\"license\": \"L1\", \"features\": [\"core\"], \"ttl\": \"24h\"}}, {\"report\": \"network\"}]}";
static const char BAD_UTF8[] = "\xff\xfe";
static const char WITH_NUL[] = "a\0b";

/* One of each type, made anew for each export, as an export may close or free what it is given. */
static reprieve_drill *good_drill;
static reprieve_client *good_client;
static reprieve_builder *good_builder;
static reprieve_feature *good_feature;
static reprieve_task *good_task;
static reprieve_answers *good_answers;
static reprieve_event *good_event;
static reprieve_ledger_status *good_ledger_status;
static reprieve_bytes *good_bytes;
static reprieve_error *good_error;
static reprieve_renewer *good_renewer;
static reprieve_http_request *good_http_request;
/* NULL where the library was built without HTTP. */
static reprieve_renewing *good_renewing;
static void *freed;
static char folder[64];

/* A renewer with something to send. */
static void renewer(void) {
    reprieve_builder *builder = NULL;
    reprieve_client *client = NULL;
    reprieve_renewal_task task = {0};
    task.struct_size = sizeof task;
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_from_toml(LEN(APP), &builder, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_set_in_memory(builder, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_open(builder, &client, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_renewer(client, NULL, &good_renewer, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_renewer_poll(good_renewer, &task, &good_http_request, NULL));
    EXPECT(task.kind == REPRIEVE_RENEWAL_SEND && good_http_request != NULL);
    reprieve_client_free(client);
    reprieve_builder_free(builder);
}

static void setup(void) {
    reprieve_status started;
    const char *token = NULL;
    size_t len = 0;
    reprieve_builder *builder = NULL;
    reprieve_answer answer = {0};
    answer.struct_size = sizeof answer;
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_from_scenario(LEN(SCENARIO), &good_drill, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_client(good_drill, &good_client, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_step(good_drill, 0, &good_task, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_task_token(good_task, &token, &len));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_next_event(good_client, LEN("tray"), &good_event, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_import(good_client, (const uint8_t *)token, len, &answer, &good_answers, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_next_event(good_client, LEN("tray"), &good_event, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_from_toml(LEN(APP), &good_builder, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_feature(good_client, LEN("cad"), LEN("core"), &good_feature, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_status(good_client, LEN("cad"), &good_ledger_status, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_ledger_id(good_client, &good_bytes, NULL));
    EXPECT_STATUS(REPRIEVE_STATUS_ARGUMENT, reprieve_client_report(good_client, 99, NULL, &good_error));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_from_toml(LEN(APP), &builder, NULL));
    reprieve_builder_free(builder);
    freed = builder;
    renewer();
    started = reprieve_renewing_start(good_client, NULL, NULL, 0, LEN("none"), NULL, 0, &good_renewing, NULL);
    EXPECT(started == REPRIEVE_OK ? good_renewing != NULL : started == REPRIEVE_STATUS_UNSUPPORTED && good_renewing == NULL);
    EXPECT(good_event != NULL && good_answers != NULL);
}

static void teardown(void) {
    reprieve_renewing_free(good_renewing);
    reprieve_http_request_free(good_http_request);
    reprieve_renewer_free(good_renewer);
    reprieve_error_free(good_error);
    reprieve_bytes_free(good_bytes);
    reprieve_ledger_status_free(good_ledger_status);
    reprieve_feature_free(good_feature);
    reprieve_builder_free(good_builder);
    reprieve_answers_free(good_answers);
    reprieve_event_free(good_event);
    reprieve_task_free(good_task);
    reprieve_client_free(good_client);
    reprieve_drill_free(good_drill);
    EXPECT(reprieve_handle_count() == 0);
}

static const char *now_in;

/* What is expected of a call: a status; or that it fails in whatever way; or whatever is no bug of the library's. */
#define FAILS 0xfffffffeu
#define ANY 0xffffffffu

/* Counts what a call gave; whether its out-parameters have to be safe then. */
static int came_to(reprieve_status expected, reprieve_status got) {
    const int bug = got == REPRIEVE_STATUS_PANIC || got == REPRIEVE_STATUS_INTERNAL;
    const char *word = expected == ANY ? "no bug" : expected == FAILS ? "a failure" : reprieve_status_str(expected);
    checked++;
    if (expected == ANY ? bug : expected == FAILS ? bug || got == REPRIEVE_OK : got != expected) {
        failed++;
        fprintf(stderr, "%s: expected %s, got %s\n", now_in, word, reprieve_status_str(got));
    }
    /* A buffer that is too small has a length, by which it can be made larger. */
    return got != REPRIEVE_OK && got != REPRIEVE_STATUS_BUFFER_TOO_SMALL;
}

static void holds(int condition, const char *what) {
    checked++;
    if (!condition) {
        failed++;
        fprintf(stderr, "%s: %s\n", now_in, what);
    }
}

/* An error is there if and only if the call failed, and has its status and a text. */
static void told(reprieve_status status, reprieve_error *error) {
    const char *text = NULL;
    size_t len = 0;
    if (status == REPRIEVE_OK) {
        holds(error == NULL, "there is an error without a failure");
        return;
    }
    holds(reprieve_error_status(error) == status, "the error has another status");
    holds(reprieve_error_message(error, &text, &len) == REPRIEVE_OK && text != NULL && len > 10 && strlen(text) == len, "the error has no text");
    reprieve_error_free(error);
}

/* Where a library must stop to write that was told `size` and knows `known` bytes. */
static size_t written(uint32_t size, size_t known) { return size > known ? known : size < 4 ? 4 : size; }

static int all_bytes(const void *at, size_t from, size_t to, unsigned char byte) {
    const unsigned char *bytes = (const unsigned char *)at;
    for (; from < to; from++) {
        if (bytes[from] != byte) {
            return 0;
        }
    }
    return 1;
}

#endif
