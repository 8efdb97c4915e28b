/* A host of plugins: loads the library, has it renew, and unloads it in the midst of an attempt, whose thread comes back two seconds later. It must find
 * its code there: `unload LIBRARY APP ROOTS`. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reprieve.h"

#define FIND(name) (*(void **)&call_##name = find(library, #name))

static void *find(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) {
        printf("%s is missing\n", name);
        exit(1);
    }
    return found;
}

static void must(reprieve_status status) {
    if (status != REPRIEVE_OK) {
        printf("a call ended with %d\n", (int)status);
        exit(1);
    }
}

static void nap(long milliseconds) {
    const struct timespec moment = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&moment, NULL);
}

struct host {
    void *library;
    const char *app, *roots;
};

/* All that is asked of the library, on a thread that has ended when it is unloaded: the loader keeps what a thread still has to tidy up in. */
static void *renews(void *of) {
    static char roots[65536];
    reprieve_status (*call_reprieve_client_open)(const char *, size_t, reprieve_client **, reprieve_error **);
    reprieve_status (*call_reprieve_renewing_start)(const reprieve_client *, const reprieve_renewal_settings *, const uint8_t *, size_t, const char *, size_t,
                                                    const char *, size_t, reprieve_renewing **, reprieve_error **);
    reprieve_status (*call_reprieve_renewing_state)(const reprieve_renewing *, reprieve_renewal_state *, reprieve_bytes **, reprieve_bytes **, reprieve_error **);
    void (*call_reprieve_renewing_free)(reprieve_renewing *);
    void (*call_reprieve_client_free)(reprieve_client *);
    const struct host *host = of;
    void *library = host->library;
    reprieve_client *client = NULL;
    reprieve_renewing *renewing = NULL;
    reprieve_renewal_settings settings = {0};
    reprieve_renewal_state state = {0};
    FILE *file = fopen(host->roots, "rb");
    size_t len = file != NULL ? fread(roots, 1, sizeof roots, file) : 0;
    int turns = 0;
    if (file != NULL) fclose(file);
    FIND(reprieve_client_open);
    FIND(reprieve_renewing_start);
    FIND(reprieve_renewing_state);
    FIND(reprieve_renewing_free);
    FIND(reprieve_client_free);
    must(call_reprieve_client_open(host->app, strlen(host->app), &client, NULL));
    settings.struct_size = sizeof settings;
    settings.timeout = 2000;
    must(call_reprieve_renewing_start(client, &settings, (const uint8_t *)roots, len, "none", 4, NULL, 0, &renewing, NULL));
    do {
        nap(20);
        state.struct_size = sizeof state;
        must(call_reprieve_renewing_state(renewing, &state, NULL, NULL, NULL));
    } while (!state.is_busy && ++turns < 500);
    if (!state.is_busy) {
        printf("no attempt began\n");
        exit(1);
    }
    nap(300);
    call_reprieve_renewing_free(renewing);
    call_reprieve_client_free(client);
    return NULL;
}

int main(int argc, char **argv) {
    struct host host;
    pthread_t thread;
    int turn;
    if (argc != 4) return 2;
    host.library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    host.app = argv[2];
    host.roots = argv[3];
    if (host.library == NULL || pthread_create(&thread, NULL, renews, &host) != 0 || pthread_join(thread, NULL) != 0) {
        printf("%s\n", host.library == NULL ? dlerror() : "no thread");
        return 1;
    }
    dlclose(host.library);
    /* The attempt is over then. */
    nap(4000);
    /* What the loader kept for a thread's sake goes with the next one who lets it go. */
    for (turn = 0; turn < 2; turn++) {
        void *again = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
        if (again == NULL) {
            printf("it was unloaded\n");
            return 1;
        }
        dlclose(again);
    }
    printf("still there\n");
    return 0;
}
