// A library that is preloaded to kill its process with SIGKILL at a chosen call on a folder's files: before it, or, of a write, after so many bytes of
// it. CUT_IN is the folder, CUT_AT the call's number from 1 on (0: none), CUT_BYTES how many bytes of a write are written first, CUT_LOG a file that is
// told of each call: its name and, of a write, its length.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int inside(const char *path) {
    const char *folder = getenv("CUT_IN");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int inside_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t got = readlink(link, path, sizeof path - 1);
    path[got < 0 ? 0 : got] = 0;
    return inside(path);
}

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) {
        pause();
    }
}

// Whether this is the call; one that is no write ends here.
static int called(const char *name, size_t length) {
    static atomic_long calls;
    const char *log = getenv("CUT_LOG");
    if (log) {
        char line[64];
        int size = snprintf(line, sizeof line, "%s %zu\n", name, length);
        int fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT, 0600);
        syscall(SYS_write, fd, line, size);
        syscall(SYS_close, fd);
    }
    if (atomic_fetch_add(&calls, 1) + 1 != number("CUT_AT")) {
        return 0;
    }
    if (length == 0) {
        die();
    }
    return 1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    if (inside_fd(fd) && called("write", length)) {
        syscall(SYS_pwrite64, fd, bytes, number("CUT_BYTES"), offset);
        die();
    }
    return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

int fdatasync(int fd) {
    if (inside_fd(fd)) {
        called("sync", 0);
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
    if (inside_fd(fd)) {
        called("sync", 0);
    }
    return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to) {
    if (inside(from)) {
        called("rename", 0);
    }
    return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path) {
    if (inside(path)) {
        called("unlink", 0);
    }
    return (int)syscall(SYS_unlink, path);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if ((flags & O_CREAT) && inside(path)) {
        called("create", 0);
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
