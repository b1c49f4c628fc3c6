/* The keys of one runtime, in order: a node's number is the place of its key. Addresses are bits
 * in a sparse bitmap, other keys a sorted array. */
#ifndef LWI_SNAPSHOT_KEYS_H
#define LWI_SNAPSHOT_KEYS_H

#include "base/bitmap.h"

typedef struct lwi_keys {
    lwi_mem *mem;
    bool address;
    uint32_t count;
    lwi_bitmap bitmap;   /* addresses */
    uint64_t *sorted;    /* other keys */
    uint32_t *buckets;   /* first place of each span of 2^shift key values; until trimmed */
    uint64_t bucket_count;
    uint32_t shift;
} lwi_keys;

void lwi_keys_init(lwi_keys *keys, lwi_mem *mem, bool address);
void lwi_keys_free(lwi_keys *keys);

/* Takes over `count` sorted keys without repeats that live in `mem`. */
void lwi_keys_adopt(lwi_keys *keys, uint64_t *sorted, uint32_t count);

/* Makes find() fast, until trim() gives that memory back; false: no memory. */
bool lwi_keys_hasten(lwi_keys *keys);
void lwi_keys_trim(lwi_keys *keys);

/* LWI_NO_RANK if there is no such key. */
uint32_t lwi_keys_find(const lwi_keys *keys, uint64_t key);

/* The same for up to LWI_BATCH keys. */
void lwi_keys_find_all(const lwi_keys *keys, const uint64_t *wanted, uint32_t count,
                       uint32_t *places);
uint64_t lwi_keys_at(const lwi_keys *keys, uint32_t place);

/* All keys in order: start with {0}; false at the end. */
typedef struct lwi_keys_cursor {
    lwi_bitmap_cursor bits;
    uint32_t place; /* of the key that comes next */
} lwi_keys_cursor;

bool lwi_keys_next(const lwi_keys *keys, lwi_keys_cursor *cursor, uint64_t *key);

#endif
