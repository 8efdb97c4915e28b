/* Renews once, by libcurl or by the library's own HTTP, and prints what came of it: `probe DRIVER APP ROOTS MILLISECONDS`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reprieve.h"

#ifdef WITH_CURL
#include <curl/curl.h>

#include "reprieve_curl.h"
#endif

static void must(reprieve_status status, reprieve_error *error) {
    const char *text = "";
    size_t len = 0;
    if (status != REPRIEVE_OK) {
        reprieve_error_message(error, &text, &len);
        printf("failed: %s: %s\n", reprieve_status_str(status), text);
        exit(1);
    }
}

static void nap(void) {
    const struct timespec moment = {0, 20000000};
    nanosleep(&moment, NULL);
}

int main(int argc, char **argv) {
    reprieve_client *client = NULL;
    reprieve_error *error = NULL;
    reprieve_renewer *renewer = NULL;
    reprieve_renewing *renewing = NULL;
    reprieve_renewal_settings settings = {0};
    reprieve_renewal_state state = {0};
    reprieve_bytes *word = NULL;
    reprieve_decision decision = {0};
    const char *text = "", *reported = "none";
    size_t len = 0;
    uint32_t news = 0;
    const time_t begin = time(NULL);
    if (argc != 5) {
        return 2;
    }
    must(reprieve_client_open(argv[2], strlen(argv[2]), &client, &error), error);
    settings.struct_size = sizeof settings;
    settings.timeout = (uint32_t)atoi(argv[4]);
    if (strcmp(argv[1], "builtin") == 0) {
        static char roots[65536];
        FILE *file = fopen(argv[3], "rb");
        len = file != NULL ? fread(roots, 1, sizeof roots, file) : 0;
        if (file != NULL) {
            fclose(file);
        }
        must(reprieve_renewing_start(client, &settings, (const uint8_t *)roots, len, "none", 4, NULL, 0, &renewing, &error), error);
        do {
            nap();
            state.struct_size = sizeof state;
            must(reprieve_renewing_state(renewing, &state, NULL, NULL, &error), error);
        } while ((state.outcome == REPRIEVE_OUTCOME_NONE || state.is_busy) && time(NULL) - begin < 30);
        must(reprieve_renewing_state(renewing, &state, NULL, &word, &error), error);
        must(reprieve_renewing_stop(renewing, &error), error);
    } else {
#ifdef WITH_CURL
        reprieve_curl *driver;
        reprieve_curl_options options = {NULL, NULL, NULL};
        options.roots = argv[3];
        options.proxy = "";
        curl_global_init(CURL_GLOBAL_DEFAULT);
        must(reprieve_client_renewer(client, &settings, &renewer, &error), error);
        driver = reprieve_curl_new(renewer, &options);
        if (driver == NULL) {
            return 1;
        }
        do {
            must(reprieve_curl_step(driver, 1000), NULL);
            state.struct_size = sizeof state;
            must(reprieve_renewer_state(renewer, &state, NULL, NULL, &error), error);
        } while ((state.outcome == REPRIEVE_OUTCOME_NONE || state.is_busy) && time(NULL) - begin < 30);
        must(reprieve_renewer_state(renewer, &state, NULL, &word, &error), error);
        reprieve_curl_free(driver);
        curl_global_cleanup();
#else
        puts("failed: built without libcurl");
        return 1;
#endif
    }
    /* A kind that was reported already is no news. */
    must(reprieve_client_report(client, REPRIEVE_OUTAGE_NETWORK, &news, &error), error);
    if (!news) {
        reported = "network";
    } else {
        must(reprieve_client_report(client, REPRIEVE_OUTAGE_SERVER, &news, &error), error);
        reported = news ? "none" : "server";
    }
    decision.struct_size = sizeof decision;
    must(reprieve_client_check(client, "cad", 3, "core", 4, &decision, &error), error);
    text = "nothing";
    if (word != NULL) {
        must(reprieve_bytes_get(word, &text, &len), NULL);
    }
    printf("%s|%s|%s|%s\n", text, reported, state.has_next && state.next_milliseconds > 60000 ? "later" : "soon", reprieve_access_str(decision.access));
    reprieve_bytes_free(word);
    reprieve_renewing_free(renewing);
    reprieve_renewer_free(renewer);
    reprieve_client_free(client);
    return reprieve_handle_count() == 0 ? 0 : 3;
}
