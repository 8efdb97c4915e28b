/* Asks about a feature in every frame, through an outage of the licence server that outlasts the lease. */
#include <reprieve.h>

#include <stdio.h>
#include <string.h>

static const char SCENARIO[] =
    "{\"sku\": \"cad\", \"steps\": ["
    "{\"policy\": {\"schema\": 1, \"id\": \"acme\", \"version\": 1, \"default_tier\": \"basic\","
    " \"tiers\": {\"basic\": {\"network\": {\"allowance\": \"14d\"}}}}},"
    "{\"lease\": {\"license\": \"L1\", \"features\": [\"core\"], \"ttl\": \"24h\"}},"
    "{\"report\": \"network\"}]}";

static int fail(const char *what, reprieve_status status, reprieve_error *error) {
    const char *text = "";
    size_t len = 0;
    reprieve_error_message(error, &text, &len);
    fprintf(stderr, "%s: %s: %.*s\n", what, reprieve_status_str(status), (int)len, text);
    return 1;
}

#define TRY(call) \
    do { \
        const reprieve_status status = (call); \
        if (status != REPRIEVE_OK) { \
            return fail(#call, status, error); \
        } \
    } while (0)

int main(void) {
    reprieve_drill *drill = NULL;
    reprieve_client *client = NULL;
    reprieve_feature *core = NULL;
    reprieve_error *error = NULL;
    size_t step, steps;
    int day;
    if (!REPRIEVE_ABI_FITS()) {
        fprintf(stderr, "frame: reprieve %s does not fit\n", reprieve_version());
        return 1;
    }
    TRY(reprieve_drill_from_scenario(SCENARIO, strlen(SCENARIO), &drill, &error));
    TRY(reprieve_drill_client(drill, &client, &error));
    TRY(reprieve_drill_step_count(drill, &steps, &error));
    for (step = 0; step < steps; step++) {
        reprieve_task *task = NULL;
        const char *token = NULL;
        size_t len = 0;
        uint32_t kind = 0, outage = 0;
        TRY(reprieve_drill_step(drill, step, &task, &error));
        TRY(reprieve_task_kind(task, &kind));
        if (kind == REPRIEVE_TASK_IMPORT) {
            reprieve_answer answer = {0};
            answer.struct_size = sizeof answer;
            TRY(reprieve_task_token(task, &token, &len));
            TRY(reprieve_client_import(client, (const uint8_t *)token, len, &answer, NULL, &error));
        } else if (kind == REPRIEVE_TASK_REPORT) {
            TRY(reprieve_task_outage(task, &outage));
            TRY(reprieve_client_report(client, outage, NULL, &error));
        }
        reprieve_task_free(task);
    }
    TRY(reprieve_client_feature(client, "cad", 3, "core", 4, &core, &error));
    for (day = 0; day <= 20; day += 10) {
        reprieve_decision decision = {0};
        decision.struct_size = sizeof decision;
        TRY(reprieve_feature_check(core, &decision, &error));
        printf("day %d: %s, %s\n", day, reprieve_access_str(decision.access), reprieve_state_str(decision.state));
        TRY(reprieve_drill_advance(drill, 10 * 86400, &error));
        TRY(reprieve_client_upkeep(client, &error));
    }
    reprieve_feature_free(core);
    reprieve_client_free(client);
    reprieve_drill_free(drill);
    return reprieve_handle_count() == 0 ? 0 : 1;
}
