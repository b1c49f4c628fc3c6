/* Putting large sets in order fast: by merging or by counting, stable, with as much memory again;
 * never recursive. For small ones base/sort.h needs no memory. */
#ifndef LWI_BASE_ORDER_H
#define LWI_BASE_ORDER_H

#include <stdint.h>

/* Negative, 0 or positive: which of two ids comes first, by what they stand for. */
typedef int (*lwi_order_fn)(const void *user, uint32_t a, uint32_t b);

void lwi_order_ids(uint32_t *ids, uint32_t *scratch, uint32_t count, lwi_order_fn order,
                   const void *user);

/* In as many passes as there are bytes that differ. */
void lwi_order_u64(uint64_t *numbers, uint64_t *scratch, uint64_t count);

#endif
