/* Sums that stay at the largest number instead of starting again at 0. */
#ifndef LWI_BASE_SUM_H
#define LWI_BASE_SUM_H

#include <stdint.h>

static inline uint64_t lwi_sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

#endif
