/* `load ours LIBRARY APP` or `load peer LIBRARY DATABASE PRAGMA ROW`: loads a shared library, opens, and asks once. Prints when main began,
 * when the library was loaded, when it was open, and when it had its answer, in nanoseconds of the monotonic clock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reprieve.h"

static unsigned long long now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (unsigned long long)at.tv_sec * 1000000000u + (unsigned long long)at.tv_nsec;
}

static void *library;

static void *symbol(const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "no %s: %s\n", name, dlerror());
        exit(1);
    }
    return found;
}

int main(int argc, char **argv) {
    const unsigned long long began = now();
    unsigned long long loaded, opened, answered;
    int good;
    if (argc < 4 || (library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL)) == NULL) {
        fprintf(stderr, "error: %s\n", argc < 4 ? "too few arguments" : dlerror());
        return 1;
    }
    if (strcmp(argv[1], "ours") == 0) {
        reprieve_status (*open)(const char *, size_t, reprieve_client **, reprieve_error **);
        reprieve_status (*check)(const reprieve_client *, const char *, size_t, const char *, size_t, reprieve_decision *,
                                 reprieve_error **);
        reprieve_client *client = NULL;
        reprieve_decision decision = {0};
        decision.struct_size = sizeof decision;
        *(void **)&open = symbol("reprieve_client_open");
        *(void **)&check = symbol("reprieve_client_check");
        loaded = now();
        good = open(argv[3], strlen(argv[3]), &client, NULL) == REPRIEVE_OK;
        opened = now();
        good &= check(client, "cad", 3, "core", 4, &decision, NULL) == REPRIEVE_OK && decision.access == REPRIEVE_ACCESS_FULL;
        answered = now();
    } else {
        void *(*open)(const char *, const char *);
        size_t (*read)(const void *, int64_t);
        void *connection;
        *(void **)&open = symbol("peer_open");
        *(void **)&read = symbol("peer_read");
        loaded = now();
        connection = open(argv[3], argv[4]);
        opened = now();
        good = connection != NULL && read(connection, atoll(argv[5])) == 200;
        answered = now();
    }
    printf("%llu %llu %llu %llu\n", began, loaded, opened, answered);
    fflush(stdout);
    if (!good) {
        fputs("error: no answer\n", stderr);
    }
    /* Without closing, which would leave the next one less to read. */
    _exit(good ? 0 : 1);
}
