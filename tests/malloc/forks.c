/* Forks while other threads allocate. Each child goes on by itself and leaves a block more. */
#include "expect.h"

#include <pthread.h>
#include <sys/wait.h>

enum { FORKS = 12, THREADS = 4 };

static atomic_int done;
static void *volatile kept;

static void *work(void *user)
{
    (void)user;
    while (!atomic_load(&done)) {
        void *blocks[16];
        for (int i = 0; i < 16; i++)
            blocks[i] = malloc((size_t)i * 16 + 1);
        for (int i = 0; i < 16; i++)
            free(blocks[i]);
    }
    return NULL;
}

static void at_fork(void)
{
    free(malloc(99));
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_atfork(at_fork, at_fork, at_fork);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
    kept = LEFT(malloc(4321), 4321);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            for (int j = 0; j < 1000; j++)
                free(malloc(100));
            kept = malloc(777);
            exit(7);
        }
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
    atomic_store(&done, 1);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    expect_print();
    return 0;
}
