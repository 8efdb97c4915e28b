// A library that is preloaded to fake every clock of libc: frozen, or an hour back.
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void fake(clockid_t clock, struct timespec *now) {
#ifdef FREEZE
    (void)clock;
    now->tv_sec = 1000000000;
    now->tv_nsec = 0;
#else
    syscall(SYS_clock_gettime, clock, now);
    now->tv_sec -= 3600;
#endif
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    fake(clock, now);
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec fine;
    (void)zone;
    fake(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    fake(CLOCK_REALTIME, &now);
    if (out) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
