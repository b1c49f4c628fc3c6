/* Before main and after it: constructors, atexit, destructors of threads' keys, which may run after
 * ours. */
#include "expect.h"

#include <pthread.h>

static void *from_constructor;
static void *volatile kept;
static pthread_key_t keys[40];

static __attribute__((constructor)) void begin(void)
{
    from_constructor = malloc(1234);
    kept = LEFT(malloc(5), 5);
}

static __attribute__((destructor)) void end(void)
{
    free(from_constructor);
}

static void at_exit(void)
{
    free(malloc(10));
    kept = malloc(66); /* left at exit */
}

/* Sets its key anew a few times: the round of destructors begins again. */
static void on_thread_exit(void *value)
{
    int *turns = value;
    free(malloc(50));
    if (--turns[0] > 0) {
        pthread_setspecific((pthread_key_t)turns[1], turns);
        return;
    }
    free(turns);
}

static void *work(void *user)
{
    for (int i = 0; i < 40; i++) {
        int *turns = malloc(2 * sizeof *turns);
        turns[0] = 3;
        turns[1] = (int)keys[i];
        pthread_setspecific(keys[i], turns);
    }
    return user;
}

int main(void)
{
    atexit(at_exit);
    for (int i = 0; i < 40; i++)
        CHECK(pthread_key_create(&keys[i], on_thread_exit) == 0);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    expect_print();
    return 0;
}
