#include "loops.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* benches/limit */
typedef struct limit_decision {
    uint64_t words[8];
} limit_decision;
void *limit_feature(void);
void *limit_client(void);
uint32_t limit_check(const void *feature, limit_decision *decision, void **error);
uint32_t limit_check_bare(const void *feature, limit_decision *decision, void **error);
uint32_t limit_check_named(const void *client, const char *sku, size_t sku_len, const char *feature, size_t feature_len,
                           limit_decision *decision, void **error);

reprieve_client *loops_client;
reprieve_feature *loops_feature;
static void *of_limit, *client_of_limit;

int loops_open(const char *app) {
    of_limit = limit_feature();
    client_of_limit = limit_client();
    return reprieve_client_open(app, strlen(app), &loops_client, NULL) == REPRIEVE_OK &&
           reprieve_client_feature(loops_client, "cad", 3, "core", 4, &loops_feature, NULL) == REPRIEVE_OK;
}

uint64_t loops_now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

uint64_t loops_handle(uint64_t count) {
    uint32_t wrong = 0;
    const uint64_t start = loops_now();
    for (uint64_t n = 0; n < count; n++) {
        reprieve_decision decision;
        reprieve_error *error;
        decision.struct_size = sizeof decision;
        wrong |= reprieve_feature_check(loops_feature, &decision, &error) | (decision.access ^ REPRIEVE_ACCESS_FULL);
    }
    return wrong ? 0 : loops_now() - start;
}

uint64_t loops_name(uint64_t count) {
    uint32_t wrong = 0;
    const uint64_t start = loops_now();
    for (uint64_t n = 0; n < count; n++) {
        reprieve_decision decision;
        reprieve_error *error;
        decision.struct_size = sizeof decision;
        wrong |= reprieve_client_check(loops_client, "cad", 3, "core", 4, &decision, &error) |
                 (decision.access ^ REPRIEVE_ACCESS_FULL);
    }
    return wrong ? 0 : loops_now() - start;
}

uint64_t loops_limit_handle(uint64_t count) {
    uint32_t wrong = 0;
    const uint64_t start = loops_now();
    for (uint64_t n = 0; n < count; n++) {
        limit_decision decision;
        void *error;
        wrong |= limit_check(of_limit, &decision, &error) | (uint32_t)(decision.words[2] ^ 3);
    }
    return wrong ? 0 : loops_now() - start;
}

uint64_t loops_limit_bare(uint64_t count) {
    uint32_t wrong = 0;
    const uint64_t start = loops_now();
    for (uint64_t n = 0; n < count; n++) {
        limit_decision decision;
        void *error;
        wrong |= limit_check_bare(of_limit, &decision, &error) | (uint32_t)(decision.words[2] ^ 3);
    }
    return wrong ? 0 : loops_now() - start;
}

uint64_t loops_limit_name(uint64_t count) {
    uint32_t wrong = 0;
    const uint64_t start = loops_now();
    for (uint64_t n = 0; n < count; n++) {
        limit_decision decision;
        void *error;
        wrong |= limit_check_named(client_of_limit, "cad", 3, "core", 4, &decision, &error) |
                 (uint32_t)(decision.words[2] ^ 3);
    }
    return wrong ? 0 : loops_now() - start;
}
