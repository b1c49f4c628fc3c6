#include "base/order.h"

#include <stdbool.h>
#include <string.h>

enum {
    RUN = 8 /* ids that are ordered by insertion before runs are merged */
};

static void order_run(uint32_t *ids, uint32_t count, lwi_order_fn order, const void *user)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t id = ids[i], j = i;
        for (; j > 0 && order(user, ids[j - 1], id) > 0; j--)
            ids[j] = ids[j - 1];
        ids[j] = id;
    }
}

static void merge(uint32_t *to, const uint32_t *a, uint64_t a_count, const uint32_t *b,
                  uint64_t b_count, lwi_order_fn order, const void *user)
{
    bool ordered = a_count == 0 || b_count == 0 || order(user, a[a_count - 1], *b) <= 0;
    while (!ordered && a_count && b_count) {
        if (order(user, *a, *b) <= 0) {
            *to++ = *a++;
            a_count--;
        } else {
            *to++ = *b++;
            b_count--;
        }
    }
    memcpy(to, a, a_count * sizeof *a);
    memcpy(to + a_count, b, b_count * sizeof *b);
}

void lwi_order_ids(uint32_t *ids, uint32_t *scratch, uint32_t count, lwi_order_fn order,
                   const void *user)
{
    for (uint64_t at = 0; at < count; at += RUN)
        order_run(ids + at, (uint32_t)(count - at < RUN ? count - at : RUN), order, user);
    uint32_t *from = ids, *to = scratch;
    for (uint64_t run = RUN; run < count; run *= 2) {
        for (uint64_t at = 0; at < count; at += 2 * run) {
            uint64_t left = count - at, a = left < run ? left : run;
            uint64_t b = left - a < run ? left - a : run;
            merge(to + at, from + at, a, from + at + a, b, order, user);
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != ids)
        memcpy(ids, from, (size_t)count * sizeof *ids);
}

void lwi_order_u64(uint64_t *numbers, uint64_t *scratch, uint64_t count)
{
    uint64_t any = 0, all = UINT64_MAX;
    for (uint64_t i = 0; i < count; i++) {
        any |= numbers[i];
        all &= numbers[i];
    }
    uint64_t *from = numbers, *to = scratch;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (((any ^ all) >> shift & 255) == 0)
            continue; /* every number has the same byte here */
        uint64_t places[256] = {0}, sum = 0;
        for (uint64_t i = 0; i < count; i++)
            places[from[i] >> shift & 255]++;
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t here = places[byte];
            places[byte] = sum;
            sum += here;
        }
        for (uint64_t i = 0; i < count; i++)
            to[places[from[i] >> shift & 255]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != numbers && count)
        memcpy(numbers, from, (size_t)count * sizeof *numbers);
}
