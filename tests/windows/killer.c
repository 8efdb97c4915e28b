/* Starts writers and ends them by TerminateProcess, which asks nobody, again and again:
 *
 *   killer WRITER APPLICATION-FILE FOLDER WRITERS LIVES SEED
 *
 * Writer W in its life L follows FOLDER\plan-W-L, and what it says goes to FOLDER\said-W-L. All writers run at once. The last life of each
 * is left to end by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#define MOST 8

static unsigned random_state;

static unsigned below(unsigned most) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % most;
}

static HANDLE start(char **argv, int writer, int life) {
    char command[2048], path[1024];
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    STARTUPINFOA startup = {0};
    PROCESS_INFORMATION process = {0};
    HANDLE said;
    snprintf(path, sizeof path, "%s\\said-%d-%d", argv[3], writer, life);
    said = CreateFileA(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (said == INVALID_HANDLE_VALUE) {
        return NULL;
    }
    snprintf(command, sizeof command, "\"%s\" \"%s\" w%d \"%s\\plan-%d-%d\"", argv[1], argv[2], writer, argv[3], writer, life);
    startup.cb = sizeof startup;
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdOutput = said;
    startup.hStdError = said;
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) {
        process.hProcess = NULL;
    } else {
        CloseHandle(process.hThread);
    }
    CloseHandle(said);
    return process.hProcess;
}

int main(int argc, char **argv) {
    HANDLE running[MOST] = {NULL};
    int lives[MOST] = {0};
    int writers, most, killed = 0, ended = 0, left;
    if (argc != 7 || (writers = atoi(argv[4])) < 1 || writers > MOST || (most = atoi(argv[5])) < 1) {
        fprintf(stderr, "usage: killer WRITER APPLICATION-FILE FOLDER WRITERS LIVES SEED\n");
        return 2;
    }
    random_state = (unsigned)atoi(argv[6]);
    for (int at = 0; at < writers; at++) {
        if ((running[at] = start(argv, at, 0)) == NULL) {
            fprintf(stderr, "writer %d cannot be started: %lu\n", at, GetLastError());
            return 1;
        }
    }
    left = writers * (most - 1);
    while (left > 0) {
        const int at = (int)below((unsigned)writers);
        if (lives[at] == most - 1) {
            continue;
        }
        Sleep(20 + below(600));
        if (WaitForSingleObject(running[at], 0) == WAIT_OBJECT_0) {
            ended++;
        } else {
            killed += TerminateProcess(running[at], 9) != 0;
            WaitForSingleObject(running[at], INFINITE);
        }
        CloseHandle(running[at]);
        lives[at]++;
        left--;
        if ((running[at] = start(argv, at, lives[at])) == NULL) {
            fprintf(stderr, "writer %d cannot be started again: %lu\n", at, GetLastError());
            return 1;
        }
    }
    for (int at = 0; at < writers; at++) {
        DWORD code = 1;
        if (WaitForSingleObject(running[at], 120000) != WAIT_OBJECT_0 || !GetExitCodeProcess(running[at], &code) || code != 0) {
            fprintf(stderr, "the last life of writer %d ended with %lu\n", at, code);
            return 1;
        }
    }
    printf("%d killed, %d had ended\n", killed, ended);
    return 0;
}
