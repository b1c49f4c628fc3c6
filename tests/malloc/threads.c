/* Thirty threads that allocate, resize and free, also what others have allocated; and leave a little. */
#include "expect.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 30, STEPS = 4000, SHELF = 512 };

static _Atomic(void *) shelf[SHELF];

static void *inner(unsigned size)
{
    return malloc(size);
}

static void *work(void *user)
{
    unsigned seed = (unsigned)(size_t)user * 2654435761u + 1;
    void *kept[4] = {NULL, NULL, NULL, NULL};
    for (int i = 0; i < STEPS; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned size = seed >> 16 & 1023, place = seed >> 8 & (SHELF - 1);
        void *block = seed >> 31 ? inner(size + 1) : calloc(1, size + 1);
        if (i % 3 == 0)
            block = realloc(block, size * 2 + 1);
        memset(block, 1, size + 1);
        free(atomic_exchange(&shelf[place], block));
    }
    for (int i = 0; i < 4; i++)
        kept[i] = LEFT(malloc(1000), 1000);
    free(kept[3]);
    expect(__LINE__ - 2, -1000, -1);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < THREADS; i++)
            CHECK(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
        for (size_t i = 0; i < THREADS; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
    }
    for (int i = 0; i < SHELF; i++)
        free(shelf[i]);
    expect_print();
    return 0;
}
