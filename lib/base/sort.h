/* Sorting in place: no memory (libc's qsort may call malloc, which a host may have hooked), no
 * recursion. Not stable: compare by all that matters. */
#ifndef LWI_BASE_SORT_H
#define LWI_BASE_SORT_H

#include <stddef.h>

typedef int (*lwi_compare_fn)(const void *a, const void *b, const void *user);

void lwi_sort(void *items, size_t count, size_t size, lwi_compare_fn compare, const void *user);

#endif
