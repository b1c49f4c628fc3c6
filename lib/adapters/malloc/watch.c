#define _GNU_SOURCE
#include "watch.h"

#include "adapter.h"
#include "options.h"
#include "report.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 50 };

static sem_t wanted;
static pid_t watched; /* the process that has a thread */

/* All that a signal may do: a report inside its handler would wait for what it has interrupted. */
static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    sem_post(&wanted);
    errno = saved;
}

static void wait_ms(long ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (sem_timedwait(&wanted, &until) == 0)
        lwm_report("asked by a signal");
}

static void wait_for_ever(void)
{
    for (;;) {
        if (sem_wait(&wanted) == 0)
            lwm_report("asked by a signal");
    }
}

static void *watch(void *user)
{
    unsigned long long limit = *(unsigned long long *)user;
    char why[64];
    lwm_thread.inside++;
    snprintf(why, sizeof why, "at %u %% of its memory limit", (unsigned)lwm_asked.at);
    unsigned long long mark = limit / 100 * lwm_asked.at;
    while (mark) {
        if (lwm_usage() >= mark) {
            lwm_report(why);
            break;
        }
        wait_ms(TICK_MS);
    }
    wait_for_ever();
    return NULL;
}

static void catch_signal(void)
{
    struct sigaction action, now;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (lwm_asked.signal && sigaction(lwm_asked.signal, NULL, &now) == 0 &&
        now.sa_handler == SIG_DFL)
        sigaction(lwm_asked.signal, &action, NULL);
}

/* The program's signals are not for our thread. */
static void start_thread(unsigned long long *limit)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    lwm_thread.inside++;
    if (pthread_create(&thread, NULL, watch, limit) == 0)
        pthread_detach(thread);
    lwm_thread.inside--;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void lwm_watch_start(void)
{
    static unsigned long long limit;
    if ((!lwm_asked.signal && !lwm_asked.at) || watched == getpid())
        return;
    watched = getpid();
    if (lwm_asked.at) {
        limit = lwm_limit();
        if (!limit)
            dprintf(STDERR_FILENO, "leakwatch: --at: this process has no memory limit\n");
    }
    sem_init(&wanted, 0, 0);
    catch_signal();
    start_thread(&limit);
}
