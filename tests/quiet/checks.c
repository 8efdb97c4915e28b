/* `checks APP POLICY LEASE MODE HOW`: opens a ledger, imports the two documents, and checks a feature between two marks, system calls that a
 * trace shows. MODE: `own`, a million checks with upkeep left to the product, which does none; `in-checks`, half a second of checks that do
 * it. HOW: `handle` or `name`. Every allocation of the process is counted, the library's too, as this program's malloc is the one that it
 * finds. Prints: allocations before the first mark, checks between the marks, allocations in them, checks that allocated, milliseconds. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reprieve.h"

static atomic_ulong allocations;

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
    return aligned_alloc(alignment, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
    void *made = aligned_alloc(alignment, size);
    if (made == NULL) {
        return ENOMEM;
    }
    *place = made;
    return 0;
}

static reprieve_client *client;
static reprieve_feature *feature;

static void must(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "%s went wrong\n", what);
        exit(1);
    }
}

static void import(const char *path) {
    static uint8_t token[65536];
    reprieve_answer answer = {0};
    FILE *file = fopen(path, "rb");
    must(file != NULL, path);
    const size_t len = fread(token, 1, sizeof token, file);
    fclose(file);
    answer.struct_size = sizeof answer;
    must(reprieve_client_import(client, token, len, &answer, NULL, NULL) == REPRIEVE_OK && answer.accepted == 1, path);
}

static int by_handle(void) {
    reprieve_decision decision = {0};
    reprieve_error *error = NULL;
    decision.struct_size = sizeof decision;
    return reprieve_feature_check(feature, &decision, &error) == REPRIEVE_OK && decision.access == REPRIEVE_ACCESS_FULL;
}

static int by_name(void) {
    reprieve_decision decision = {0};
    reprieve_error *error = NULL;
    decision.struct_size = sizeof decision;
    return reprieve_client_check(client, "cad", 3, "core", 4, &decision, &error) == REPRIEVE_OK &&
           decision.access == REPRIEVE_ACCESS_FULL;
}

static double milliseconds(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static void mark(const char *text) {
    /* No such file: nothing is written, and the call stands in a trace. */
    const ssize_t written = write(-1, text, strlen(text));
    (void)written;
}

int main(int argc, char **argv) {
    reprieve_builder *builder = NULL;
    must(argc == 6, "the call");
    const int own = strcmp(argv[4], "own") == 0;
    int (*check)(void) = strcmp(argv[5], "handle") == 0 ? by_handle : by_name;
    must(reprieve_builder_from_file(argv[1], strlen(argv[1]), &builder, NULL) == REPRIEVE_OK, argv[1]);
    must(reprieve_builder_set_upkeep(builder, own ? REPRIEVE_UPKEEP_OWN : REPRIEVE_UPKEEP_IN_CHECKS, NULL) == REPRIEVE_OK, "the mode");
    must(reprieve_builder_open(builder, &client, NULL) == REPRIEVE_OK, "the open");
    import(argv[2]);
    import(argv[3]);
    must(reprieve_client_feature(client, "cad", 3, "core", 4, &feature, NULL) == REPRIEVE_OK, "the feature");
    /* The first of each kind decides; what the program itself calls for the first time is bound now. */
    must(by_handle() && by_name() && by_handle() && by_name(), "a check");
    mark("warm");
    double began = milliseconds(), now = began;

    unsigned long checks = 0, allocating = 0;
    int good = 1;
    const unsigned long before = atomic_load(&allocations);
    mark("begin");
    while (own ? checks < 1000000 : now - began < 500) {
        const unsigned long sofar = atomic_load_explicit(&allocations, memory_order_relaxed);
        good &= check();
        allocating += atomic_load_explicit(&allocations, memory_order_relaxed) != sofar;
        checks++;
        if (!own) {
            now = milliseconds();
        }
    }
    mark("end");
    const unsigned long after = atomic_load(&allocations);
    must(good, "a check");
    printf("%lu %lu %lu %lu %.0f\n", before, checks, after - before, allocating, milliseconds() - began);
    reprieve_feature_free(feature);
    reprieve_client_free(client);
    reprieve_builder_free(builder);
    return 0;
}
