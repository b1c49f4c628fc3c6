/* The keys of one runtime, in order: a node's number is the place of its key. Addresses are bits
 * in a sparse bitmap. Other keys are a sorted array while a snapshot is built and in a file; a
 * finished snapshot in memory has them packed, in groups that share a base:
 *
 *     key of place i = base + the i-th `width` bits of the group's words */
#ifndef LWI_SNAPSHOT_KEYS_H
#define LWI_SNAPSHOT_KEYS_H

#include "base/bitmap.h"

#define LWI_KEY_GROUP 1024u /* keys; the last group may have fewer */

typedef struct lwi_key_group {
    uint64_t base;  /* the first key */
    uint32_t start; /* in the words */
    uint32_t width; /* 1 to 64 bits */
} lwi_key_group;

typedef struct lwi_keys {
    lwi_mem *mem;
    bool address;
    uint32_t count;
    lwi_bitmap bitmap;     /* addresses */
    uint64_t *sorted;      /* other keys, or NULL: */
    lwi_key_group *groups; /* they are packed, in one block with their words */
    uint64_t *words;
    size_t packed_size;
    uint32_t *buckets;     /* first place of each span of 2^shift key values; until trimmed */
    uint64_t bucket_count;
    uint32_t shift;
} lwi_keys;

void lwi_keys_init(lwi_keys *keys, lwi_mem *mem, bool address);
void lwi_keys_free(lwi_keys *keys);

/* Takes over `count` sorted keys without repeats that live in `mem`. */
void lwi_keys_adopt(lwi_keys *keys, uint64_t *sorted, uint32_t count);

/* Makes find() fast, until trim() gives that memory back; false: no memory. */
bool lwi_keys_hasten(lwi_keys *keys);

/* Also packs the keys. Without memory for that they stay as they are, correct but larger. */
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
