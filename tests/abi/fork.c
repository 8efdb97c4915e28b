/* A forked child checks and imports with the client it inherited, while the parent goes on: fork FOLDER */
#include <pthread.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* A lease of a licence of its own: a second one of the same licence and second would be stale. */
static void import(reprieve_client *client, reprieve_drill *drill, const char *feature) {
    static int number = 0;
    char claims[200];
    const char *text = NULL;
    size_t len = 0;
    reprieve_bytes *token = NULL;
    reprieve_answer answer = {0};
    const int size = snprintf(claims, sizeof claims, "{\"license\":\"%s-%d\",\"sku\":\"cad\",\"features\":{\"%s\":%lld}}",
                              feature, number++, feature, (long long)time(NULL) + 86400);
    answer.struct_size = sizeof answer;
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_issue(drill, REPRIEVE_DOCUMENT_LEASE, claims, (size_t)size, 1, NULL, 0, &token, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_bytes_get(token, &text, &len));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_import(client, (const uint8_t *)text, len, &answer, NULL, NULL));
    EXPECT(answer.accepted == 1);
    reprieve_bytes_free(token);
}

static uint32_t access_to(reprieve_client *client, const char *feature) {
    reprieve_decision decision = {0};
    decision.struct_size = sizeof decision;
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_check(client, LEN("cad"), feature, strlen(feature), &decision, NULL));
    return decision.access;
}

static volatile int stop = 0;

static void *work(void *client) {
    while (!stop) {
        EXPECT(access_to(client, "before") == REPRIEVE_ACCESS_FULL);
        EXPECT_STATUS(REPRIEVE_OK, reprieve_client_upkeep(client, NULL));
    }
    return NULL;
}

/* Children of a process whose other threads are inside the client: what those held is held for ever in the child. */
static void fork_while_busy(reprieve_client *client) {
    pthread_t threads[2];
    for (int thread = 0; thread < 2; thread++) {
        EXPECT(pthread_create(&threads[thread], NULL, work, client) == 0);
    }
    for (int child = 0; child < 40; child++) {
        int status = -1;
        fflush(NULL);
        const pid_t pid = fork();
        if (pid == 0) {
            uint32_t news = 0;
            failed = 0;
            alarm(60);
            EXPECT(access_to(client, "before") == REPRIEVE_ACCESS_FULL);
            EXPECT_STATUS(REPRIEVE_OK, reprieve_client_report(client, REPRIEVE_OUTAGE_NETWORK, &news, NULL));
            EXPECT_STATUS(REPRIEVE_OK, reprieve_client_upkeep(client, NULL));
            EXPECT(access_to(client, "before") == REPRIEVE_ACCESS_FULL);
            EXPECT_STATUS(REPRIEVE_OK, reprieve_client_close(client, NULL));
            reprieve_client_free(client);
            fflush(NULL);
            _exit(failed != 0);
        }
        EXPECT(waitpid(pid, &status, 0) == pid);
        EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    stop = 1;
    for (int thread = 0; thread < 2; thread++) {
        EXPECT(pthread_join(threads[thread], NULL) == 0);
    }
}

int main(int argc, char **argv) {
    reprieve_drill *drill = NULL;
    reprieve_client *client = NULL;
    pid_t children[4];
    if (argc != 2) {
        return 2;
    }
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_create(argv[1], strlen(argv[1]), NULL, 0, &drill, NULL));
    EXPECT_STATUS(REPRIEVE_OK, reprieve_drill_client(drill, &client, NULL));
    if (client == NULL) {
        return done("fork");
    }
    import(client, drill, "before");
    EXPECT(access_to(client, "before") == REPRIEVE_ACCESS_FULL);
    for (int child = 0; child < 4; child++) {
        char name[20];
        fflush(NULL);
        snprintf(name, sizeof name, "child%d", child);
        children[child] = fork();
        if (children[child] == 0) {
            EXPECT(access_to(client, "before") == REPRIEVE_ACCESS_FULL);
            for (int round = 0; round < 5; round++) {
                import(client, drill, name);
            }
            EXPECT(access_to(client, name) == REPRIEVE_ACCESS_FULL);
            /* Half of the children end without freeing anything. */
            if (child % 2 == 0) {
                reprieve_client_free(client);
                reprieve_drill_free(drill);
                EXPECT(reprieve_handle_count() == 0);
            }
            fflush(NULL);
            _exit(failed != 0);
        }
        EXPECT(children[child] > 0);
        import(client, drill, "parent");
    }
    for (int child = 0; child < 4; child++) {
        int status = -1;
        EXPECT(waitpid(children[child], &status, 0) == children[child]);
        EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    /* Nothing that was acknowledged is lost, no lock is left behind. */
    EXPECT_STATUS(REPRIEVE_OK, reprieve_client_upkeep(client, NULL));
    for (int child = 0; child < 4; child++) {
        char name[20];
        snprintf(name, sizeof name, "child%d", child);
        EXPECT(access_to(client, name) == REPRIEVE_ACCESS_FULL);
    }
    import(client, drill, "after");
    EXPECT(access_to(client, "after") == REPRIEVE_ACCESS_FULL && access_to(client, "parent") == REPRIEVE_ACCESS_FULL);
#ifdef __SANITIZE_ADDRESS__
    /* Its allocator's locks do not survive a fork while another thread allocates: the child would hang in it, not in us. */
    (void)fork_while_busy;
    puts("not run: forks while other threads are busy, under AddressSanitizer");
#else
    if (getenv("LD_PRELOAD") != NULL && strstr(getenv("LD_PRELOAD"), "vgpreload") != NULL) {
        /* What only the stacks of the other threads point to is lost in the child, by its nature. */
        puts("not run: forks while other threads are busy, under Valgrind");
    } else {
        fork_while_busy(client);
    }
#endif
    reprieve_client_free(client);
    reprieve_drill_free(drill);
    return done("fork");
}
