/* Signals as fast as they come, whose handler allocates and frees. Only for an allocator that allows
 * that (bump.c): ours must. */
#define _GNU_SOURCE
#include "expect.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static atomic_long handled;
static atomic_int done;

static void *volatile kept;

static void on_signal(int number)
{
    (void)number;
    if (atomic_load(&handled) % 64 == 0)
        kept = malloc(2048);
    free(malloc(24));
    free(realloc(calloc(1, 30), 60));
    atomic_fetch_add(&handled, 1);
}

static void *deep(int level)
{
    void *block = level ? deep(level - 1) : malloc(16);
    __asm__ volatile("" ::: "memory");
    return block;
}

static void *work(void *user)
{
    (void)user;
    for (unsigned i = 0; !atomic_load(&done); i++) {
        void *block = deep((int)(i % 40));
        if (i % 1024 == 0)
            kept = deep((int)(i / 1024 % 40));
        free(realloc(block, 32));
    }
    return NULL;
}

int main(void)
{
    struct sigaction action;
    pthread_t threads[3];
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
    for (int i = 0; i < 30000 || atomic_load(&handled) < 3000; i++) { /* equal ones are merged */
        pthread_kill(threads[i % 3], SIGUSR1);
        if (i % 16 == 0)
            sched_yield();
    }
    atomic_store(&done, 1);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
