/* One client and one feature in many threads, handles freed while others use them, and two clients on one ledger in one process. */
#include <pthread.h>

#include "check.h"

#define THREADS 8
#define ROUNDS 200

static reprieve_client *shared;
static reprieve_client *victim;
static reprieve_feature *feature;
static reprieve_feature *victim_feature;
static char *tokens[THREADS];
static size_t lens[THREADS];
static int wrong[THREADS];

static void *work(void *argument) {
    const size_t me = (size_t)(uintptr_t)argument;
    for (int round = 0; round < ROUNDS; round++) {
        reprieve_decision decision = {0};
        reprieve_answer answer = {0};
        reprieve_client *mine = NULL;
        reprieve_status status;
        decision.struct_size = sizeof decision;
        answer.struct_size = sizeof answer;
        wrong[me] += reprieve_client_check(shared, LEN("cad"), LEN("core"), &decision, NULL) != REPRIEVE_OK;
        wrong[me] += decision.access != REPRIEVE_ACCESS_FULL;
        if (round % 20 == 0) {
            wrong[me] += reprieve_client_import(shared, (const uint8_t *)tokens[me], lens[me], &answer, NULL, NULL) != REPRIEVE_OK;
            wrong[me] += answer.accepted != 1;
        }
        wrong[me] += reprieve_client_clone(shared, &mine, NULL) != REPRIEVE_OK;
        reprieve_client_free(mine);
        /* Freed by one of the threads, while the others check. */
        status = reprieve_client_check(victim, LEN("cad"), LEN("core"), &decision, NULL);
        wrong[me] += status != REPRIEVE_OK && status != REPRIEVE_STATUS_INVALID_HANDLE;
        wrong[me] += (decision.access == REPRIEVE_ACCESS_UNKNOWN) != (status != REPRIEVE_OK);
        decision.access = 99;
        wrong[me] += reprieve_feature_check(feature, &decision, NULL) != REPRIEVE_OK || decision.access != REPRIEVE_ACCESS_FULL;
        status = reprieve_feature_check(victim_feature, &decision, NULL);
        wrong[me] += status != REPRIEVE_OK && status != REPRIEVE_STATUS_INVALID_HANDLE;
        wrong[me] += (decision.access == REPRIEVE_ACCESS_UNKNOWN) != (status != REPRIEVE_OK);
        if (round % 20 == 10) {
            /* A feature of one's own, which outlives the handle that it came from. */
            reprieve_feature *own = NULL;
            wrong[me] += reprieve_client_clone(shared, &mine, NULL) != REPRIEVE_OK;
            wrong[me] += reprieve_client_feature(mine, LEN("cad"), LEN("core"), &own, NULL) != REPRIEVE_OK;
            reprieve_client_free(mine);
            wrong[me] += reprieve_feature_check(own, &decision, NULL) != REPRIEVE_OK || decision.access != REPRIEVE_ACCESS_FULL;
            reprieve_feature_free(own);
        }
        if (round == ROUNDS / 2) {
            reprieve_client_free(victim);
            reprieve_feature_free(victim_feature);
        }
    }
    return NULL;
}

int main(void) {
    static const char SCENARIO[] = "{\"sku\": \"cad\", \"steps\": []}";
    reprieve_drill *drill = NULL;
    reprieve_builder *builder = NULL;
    reprieve_client *second = NULL;
    pthread_t threads[THREADS];
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_from_scenario(LEN(SCENARIO), &drill, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_client(drill, &shared, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_builder(drill, &builder, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_open(builder, &victim, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_open(builder, &second, NULL));
    for (size_t at = 0; at < THREADS; at++) {
        char claims[200];
        const char *text = NULL;
        reprieve_bytes *token = NULL;
        reprieve_answer answer = {0};
        const int len = snprintf(claims, sizeof claims,
                                 "{\"license\":\"L%zu\",\"sku\":\"cad\",\"features\":{\"core\":1798761600}}", at);
        answer.struct_size = sizeof answer;
        EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_issue(drill, REPRIEVE_DOCUMENT_LEASE, claims, (size_t)len, 1, NULL, 0, &token, NULL));
        EXPECT_STATUS(REPRIEVE_OK, reprieve_bytes_get(token, &text, &lens[at]));
        tokens[at] = (char *)malloc(lens[at] + 1);
        if (tokens[at] == NULL) {
            return 1;
        }
        memcpy(tokens[at], text, lens[at] + 1);
        reprieve_bytes_free(token);
        if (at == 0) {
            EXPECT_STATUS(REPRIEVE_OK, reprieve_client_import(shared, (const uint8_t *)tokens[0], lens[0], &answer, NULL, NULL));
            EXPECT(answer.accepted == 1);
            EXPECT_STATUS(REPRIEVE_OK, reprieve_client_upkeep(victim, NULL));
        }
    }
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_feature(shared, LEN("cad"), LEN("core"), &feature, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_feature(shared, LEN("cad"), LEN("core"), &victim_feature, NULL));
    for (size_t at = 0; at < THREADS; at++) {
        EXPECT(pthread_create(&threads[at], NULL, work, (void *)(uintptr_t)at) == 0);
    }
    for (size_t at = 0; at < THREADS; at++) {
        EXPECT(pthread_join(threads[at], NULL) == 0);
        EXPECT(wrong[at] == 0);
        free(tokens[at]);
    }
    /* What one client imported, another in the same process sees. */
    {
        reprieve_bytes *body = NULL;
        const char *text = NULL;
        size_t len = 0;
        EXPECT_STATUS(REPRIEVE_OK, reprieve_client_upkeep(second, NULL));
        EXPECT_STATUS(REPRIEVE_OK, reprieve_client_request(second, &body, NULL, NULL));
        EXPECT_STATUS(REPRIEVE_OK, reprieve_bytes_get(body, &text, &len));
        EXPECT(strstr(text, "\"L0\"") != NULL && strstr(text, "\"L7\"") != NULL);
        reprieve_bytes_free(body);
    }
    reprieve_feature_free(feature);
    reprieve_client_free(second);
    reprieve_builder_free(builder);
    reprieve_client_free(shared);
    reprieve_drill_free(drill);
    return done("threads");
}
