/* As many handles as there can be, and a place that is used more often than it has numbers. */
#include "check.h"

#define MOST (1 << 20)

int main(void) {
    static reprieve_bytes *handles[MOST];
    reprieve_builder *builder = NULL;
    reprieve_client *client = NULL;
    reprieve_bytes *first = NULL, *other = NULL;
    reprieve_decision decision = {0};
    const char *text = NULL;
    size_t len = 0, made = 0;
    reprieve_status status = REPRIEVE_OK;
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_from_toml(LEN(APP), &builder, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_set_in_memory(builder, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_builder_open(builder, &client, NULL));
    reprieve_builder_free(builder);

    while (made < MOST) {
        status = reprieve_client_endpoint(client, 0, &handles[made], NULL);
        if (status != REPRIEVE_OK) {
            break;
        }
        made++;
    }
    /* All but the client's; the error object has no place either, and the client goes on. */
    EXPECT(status == REPRIEVE_STATUS_HANDLES_EXHAUSTED);
    EXPECT(sizeof(void *) < 8 || made == MOST - 1);
    EXPECT(made == MOST || handles[made] == NULL);
    {
        reprieve_error *error = (reprieve_error *)(uintptr_t)0x10;
        EXPECT_STATUS(REPRIEVE_STATUS_HANDLES_EXHAUSTED, reprieve_client_endpoint(client, 0, &other, &error));
        EXPECT(error == NULL && other == NULL);
    }
    decision.struct_size = sizeof decision;
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_check(client, LEN("cad"), LEN("core"), &decision, NULL));
    EXPECT(decision.access == REPRIEVE_ACCESS_DENIED);
    for (size_t at = 0; at < made; at++) {
        reprieve_bytes_free(handles[at]);
    }
    EXPECT(reprieve_handle_count() == 1);

    /* The place that was freed last is used next, again and again: the first handle there is never good again. */
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_endpoint(client, 0, &first, NULL));
    reprieve_bytes_free(first);
    for (size_t round = 0; round < 9000000 && sizeof(void *) == 8; round++) {
        if (reprieve_client_endpoint(client, 0, &other, NULL) != REPRIEVE_OK || other == first) {
            break;
        }
        reprieve_bytes_free(other);
        other = NULL;
    }
    EXPECT(other == NULL);
    EXPECT_STATUS(REPRIEVE_STATUS_INVALID_HANDLE, reprieve_bytes_get(first, &text, &len));
    reprieve_client_free(client);
    return done("limits");
}
