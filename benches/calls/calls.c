/* `calls WHAT APP ROUNDS COUNT`: times batches of COUNT checks in turns, and prints a line of nanoseconds for each of ROUNDS rounds.
 * turns: by handle, the limit, by name, the limit by name, the limit with the barest guard.
 * threads: by handle in one thread, in each of two at once, the limit in one thread, in each of two at once.
 * mean: by handle and the limit, many batches on end, so that what upkeep costs is in them. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loops.h"

typedef uint64_t loop(uint64_t count);

static uint64_t count;

static atomic_int waiting;

typedef struct work {
    loop *loop;
    uint64_t took;
} work;

static void *worker(void *argument) {
    work *mine = argument;
    /* Both begin at once, or the one would be done before the other is there. */
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting) != 0) {
    }
    mine->took = mine->loop(count);
    return NULL;
}

static uint64_t both(loop *loop) {
    pthread_t thread;
    work first = {loop, 0}, second = {loop, 0};
    atomic_store(&waiting, 2);
    if (pthread_create(&thread, NULL, worker, &first) != 0) {
        return 0;
    }
    worker(&second);
    pthread_join(thread, NULL);
    /* A thread's time, of the two on average; none if a check of either went wrong. */
    return first.took && second.took ? (first.took + second.took) / 2 : 0;
}

static uint64_t handle_in_two(uint64_t unused) {
    (void)unused;
    return both(loops_handle);
}

static uint64_t limit_in_two(uint64_t unused) {
    (void)unused;
    return both(loops_limit_handle);
}

static uint64_t many(loop *loop) {
    uint64_t sum = 0;
    for (int batch = 0; batch < 100; batch++) {
        const uint64_t took = loop(count / 100);
        if (took == 0) {
            return 0;
        }
        sum += took;
    }
    return sum;
}

static uint64_t many_handles(uint64_t unused) {
    (void)unused;
    return many(loops_handle);
}

static uint64_t many_limits(uint64_t unused) {
    (void)unused;
    return many(loops_limit_handle);
}

static loop *const TURNS[] = {loops_handle, loops_limit_handle, loops_name, loops_limit_name, loops_limit_bare, NULL};
static loop *const THREADS[] = {loops_handle, handle_in_two, loops_limit_handle, limit_in_two, NULL};
static loop *const MEAN[] = {many_handles, many_limits, NULL};

int main(int argc, char **argv) {
    if (argc != 5 || !loops_open(argv[2])) {
        fputs("the ledger cannot be opened\n", stderr);
        return 1;
    }
    loop *const *loops = strcmp(argv[1], "turns") == 0 ? TURNS : strcmp(argv[1], "threads") == 0 ? THREADS : MEAN;
    const int rounds = atoi(argv[3]);
    count = strtoull(argv[4], NULL, 10);
    int loops_count = 0;
    while (loops[loops_count] != NULL) {
        loops_count++;
    }
    /* The first round warms up. */
    for (int round = 0; round <= rounds; round++) {
        uint64_t took[8] = {0};
        for (int turn = 0; turn < loops_count; turn++) {
            const int which = (turn + round) % loops_count;
            took[which] = loops[which](count);
            if (took[which] == 0) {
                fputs("a check went wrong\n", stderr);
                return 1;
            }
        }
        for (int which = 0; round > 0 && which < loops_count; which++) {
            printf("%llu%c", (unsigned long long)took[which], which + 1 < loops_count ? ' ' : '\n');
        }
    }
    return 0;
}
