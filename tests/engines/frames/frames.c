/* What a frame is measured with, from any language with a foreign function interface: clocks, the empty call, marks for strace, a count of the
 * calling thread's allocations (if this library is preloaded), and a thread that does upkeep for hosts that have none. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The C library's own, behind those that count. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static __thread uint64_t allocations __attribute__((tls_model("initial-exec")));

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    allocations++;
    return __libc_realloc(old, size);
}

uint64_t frames_allocations(void) { return allocations; }

/* The least that a check could be: a call of the same shape that reads the coarse clock and returns. */
uint32_t frames_limit(const void *feature, void *decision, void **error) {
    struct timespec at;
    (void)feature, (void)decision, (void)error;
    clock_gettime(CLOCK_REALTIME_COARSE, &at);
    return at.tv_sec == 0;
}

uint64_t frames_now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

void frames_wait(uint64_t until) {
    const struct timespec at = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* A write that fails: strace shows it between the system calls. */
void frames_mark(const char *word) {
    if (write(-1, word, strlen(word)) >= 0) pthread_exit(NULL);
}

typedef uint32_t (*upkeep_call)(void *client, void **error);
static struct { upkeep_call upkeep; void *client; uint64_t every; } kept;

static void *keep(void *nothing) {
    for (;;) {
        kept.upkeep(kept.client, NULL);
        frames_wait(frames_now() + kept.every);
    }
    return nothing;
}

/* Does upkeep every so many milliseconds until the process ends. */
int frames_keep(upkeep_call upkeep, void *client, uint32_t milliseconds) {
    pthread_t thread;
    kept.upkeep = upkeep, kept.client = client, kept.every = milliseconds * UINT64_C(1000000);
    return pthread_create(&thread, NULL, keep, NULL);
}
