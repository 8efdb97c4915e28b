/* What the C tests share. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reprieve.h"

/* A memory-only ledger of a made-up vendor. */
#define APP \
    "vendor = \"acme\"\n" \
    "secret = \"c2l4dGVlbiBieXRlcyBvciBtb3Jl\"\n" \
    "endpoints = [\"https://a.example/renew\", \"https://b.example/renew\"]\n" \
    "roots = [{ kid = \"root-1\", x = \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\" }]\n"

#define LEN(text) (text), (sizeof(text) - 1)

static int failed = 0;
static int checked = 0;

#define EXPECT(condition) \
    do { \
        checked++; \
        if (!(condition)) { \
            failed++; \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
        } \
    } while (0)

/* The status of a call, with its word. */
#define EXPECT_STATUS(expected, call) \
    do { \
        const reprieve_status expect_ = (expected); \
        const reprieve_status got_ = (call); \
        checked++; \
        if (got_ != expect_) { \
            failed++; \
            fprintf(stderr, "%s:%d: %s: expected %s, got %s\n", __FILE__, __LINE__, #call, \
                    reprieve_status_str(expect_), reprieve_status_str(got_)); \
        } \
    } while (0)

/* The end of a program: nothing of the library's is left. */
static int done(const char *name) {
    EXPECT(reprieve_handle_count() == 0);
    if (failed != 0) {
        fprintf(stderr, "%s: %d of %d checks failed\n", name, failed, checked);
        return 1;
    }
    printf("%s: %d checks\n", name, checked);
    return 0;
}

/* A whole file, with a NUL behind it; freed with free. */
static inline char *read_whole(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0;
    *len = 0;
    if (file == NULL) {
        return NULL;
    }
    for (;;) {
        size_t got;
        if (*len + 1 >= room) {
            char *more = (char *)realloc(text, room = room * 2 + 4096);
            if (more == NULL) {
                break;
            }
            text = more;
        }
        got = fread(text + *len, 1, room - *len - 1, file);
        if (got == 0) {
            break;
        }
        *len += got;
    }
    fclose(file);
    if (text != NULL) {
        text[*len] = 0;
    }
    return text;
}

#endif
