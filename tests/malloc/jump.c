/* A handler that comes in the middle of events and jumps out of them. */
#define _GNU_SOURCE
#include "expect.h"
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

static sigjmp_buf out;
static volatile sig_atomic_t armed, jumps;

static void on_signal(int number)
{
    (void)number;
    if (armed) {
        armed = 0;
        jumps++;
        siglongjmp(out, 1);
    }
}

static void *volatile kept;

int main(void)
{
    struct sigaction action;
    struct itimerval every = {{0, 300}, {0, 300}};
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    while (jumps < 1000) {
        if (sigsetjmp(out, 1) == 0) {
            armed = 1;
            for (;;) {
                kept = malloc(100);
                free(kept);
            }
        }
    }
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
    return 0;
}
