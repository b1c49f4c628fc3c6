/* Finds items by content: a table of ids by hash. The items lie in an array of the caller's. */
#ifndef LWI_BASE_INDEX_H
#define LWI_BASE_INDEX_H

#include "base/mem.h"

#define LWI_INDEX_NONE UINT32_MAX

typedef struct lwi_index {
    lwi_mem *mem;
    uint64_t *slots; /* upper half of the hash, id + 1; 0: free */
    uint64_t slot_count;
    uint64_t count;
} lwi_index;

/* Whether item `id` of `items` is the one that `key` describes. */
typedef bool (*lwi_index_equal_fn)(const void *items, uint32_t id, const void *key);

void lwi_index_init(lwi_index *index, lwi_mem *mem);
void lwi_index_free(lwi_index *index);

/* The id of the equal item, or LWI_INDEX_NONE. */
uint32_t lwi_index_find(const lwi_index *index, uint64_t hash, lwi_index_equal_fn equal,
                        const void *items, const void *key);

/* Adds an item that is not there yet; false: no memory. */
bool lwi_index_add(lwi_index *index, uint64_t hash, uint32_t id);

#endif
