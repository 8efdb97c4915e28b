/* No panic leaves the library: with a build that has an export which panics on purpose (bindings/c/src/panics.rs). */
#include "check.h"

reprieve_status reprieve_debug_panic(const reprieve_client *client, uint32_t how, uint32_t *number, reprieve_error **error);

int main(void) {
    static const char SCENARIO[] = "{\"sku\": \"cad\", \"steps\": []}";
    static const char *const SAID[] = {"on purpose", "on purpose, 1", "no message", "no message", "index out of bounds", "overflow"};
    reprieve_drill *drill = NULL;
    reprieve_client *client = NULL;
    reprieve_feature *feature = NULL;
    reprieve_decision decision = {0};
    uint32_t number = 7;
    size_t handles;
    decision.struct_size = sizeof decision;
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_from_scenario(LEN(SCENARIO), &drill, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_client(drill, &client, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_feature(client, LEN("cad"), LEN("core"), &feature, NULL));
    handles = reprieve_handle_count();
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t how = 0; how < 6; how++) {
            reprieve_error *error = (reprieve_error *)(uintptr_t)0x10;
            const char *text = NULL;
            size_t len = 0;
            number = 7;
            EXPECT_STATUS(REPRIEVE_STATUS_PANIC, reprieve_debug_panic(client, how, &number, &error));
            EXPECT(number == 0);
            EXPECT_STATUS(REPRIEVE_STATUS_PANIC, reprieve_error_status(error));
            EXPECT_STATUS(REPRIEVE_OK, reprieve_error_message(error, &text, &len));
            EXPECT(text != NULL && strstr(text, SAID[how]) != NULL && strstr(text, "bug") != NULL);
            reprieve_error_free(error);
            EXPECT_STATUS(REPRIEVE_STATUS_PANIC, reprieve_debug_panic(client, how, &number, NULL));
        }
        /* Where nothing can be told, all goes on; so it does after every one of them, with the same handles. */
        EXPECT_STATUS(REPRIEVE_OK, reprieve_debug_panic(client, 6, &number, NULL));
        EXPECT(number == 1);
        EXPECT_STATUS(REPRIEVE_OK, reprieve_feature_check(feature, &decision, NULL));
        EXPECT(decision.access == REPRIEVE_ACCESS_DENIED);
        EXPECT_STATUS(REPRIEVE_OK, reprieve_client_upkeep(client, NULL));
        EXPECT(reprieve_handle_count() == handles);
    }
    reprieve_feature_free(feature);
    reprieve_client_free(client);
    reprieve_drill_free(drill);
    return done("guard");
}
