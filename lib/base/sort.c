/* Heapsort (Williams 1964). */
#include "base/sort.h"

static void swap(unsigned char *a, unsigned char *b, size_t size)
{
    for (; size > 0; size--, a++, b++) {
        unsigned char was = *a;
        *a = *b;
        *b = was;
    }
}

static void sift(unsigned char *items, size_t at, size_t count, size_t size,
                 lwi_compare_fn compare, const void *user)
{
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= count)
            return;
        if (child + 1 < count &&
            compare(items + child * size, items + (child + 1) * size, user) < 0)
            child++;
        if (compare(items + at * size, items + child * size, user) >= 0)
            return;
        swap(items + at * size, items + child * size, size);
        at = child;
    }
}

void lwi_sort(void *items, size_t count, size_t size, lwi_compare_fn compare, const void *user)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(items, i, count, size, compare, user);
    for (size_t end = count; end > 1; end--) {
        swap(items, (unsigned char *)items + (end - 1) * size, size);
        sift(items, 0, end - 1, size, compare, user);
    }
}
