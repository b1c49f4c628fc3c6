/* A sparse set of addresses, one bit per 8 bytes, with rank and select.
 *
 *     key  63 .............. 20 | 19 ..... 11 | 10 .. 9 | 8 .. 3 | 2 .. 0
 *          chunk, by hashing    | leaf        | word    | bit    | always 0
 *
 * A leaf covers 2 KiB and is 48 bytes; chunks only find leaves and are given up by trim(). A
 * key's rank, its place among all keys, costs one leaf and no search while the chunks stand.
 *
 * A key's spot names its leaf by age and its bit, in half as many bits as the key: whoever looks a
 * key up once can keep the spot, and has the rank later without looking again. */
#ifndef LWI_BASE_BITMAP_H
#define LWI_BASE_BITMAP_H

#include "base/bits.h"
#include "base/mem.h"

typedef struct lwi_bitmap_leaf {
    uint64_t words[4];
    uint64_t number;   /* key >> 11 */
    uint32_t rank;     /* of its first key */
    uint8_t before[4]; /* keys in the words before this one */
} lwi_bitmap_leaf;

typedef struct lwi_bitmap_chunk lwi_bitmap_chunk;

typedef struct lwi_bitmap {
    lwi_mem *mem;
    lwi_bitmap_leaf *leaves;
    uint64_t leaf_count, leaf_room;
    lwi_bitmap_chunk *chunks;
    uint64_t chunk_count, chunk_room;
    uint32_t *slots; /* chunk + 1 by hash of its number; 0: free */
    uint64_t slot_count;
    uint32_t *places; /* of leaves, by age; from close() until trim() */
    uint64_t place_count;
} lwi_bitmap;

void lwi_bitmap_init(lwi_bitmap *bitmap, lwi_mem *mem);
void lwi_bitmap_free(lwi_bitmap *bitmap);

/* The spot of a key, in the set or not; LWI_NO_SPOT: no memory, or over 2^29 leaves. */
#define LWI_NO_SPOT UINT64_MAX
#define LWI_SPOT_BITS 37
uint64_t lwi_bitmap_spot(lwi_bitmap *bitmap, uint64_t key);

static inline void lwi_bitmap_set(lwi_bitmap *bitmap, uint64_t spot)
{
    bitmap->leaves[spot >> 8].words[spot >> 6 & 3] |= UINT64_C(1) << (spot & 63);
}

void lwi_bitmap_clear(lwi_bitmap *bitmap, uint64_t key);

/* Puts the leaves in order and counts; from then on the set is fixed and has ranks. */
bool lwi_bitmap_close(lwi_bitmap *bitmap, uint64_t *count);

/* Frees what only spots, clear() and the fast way of rank() need. */
void lwi_bitmap_trim(lwi_bitmap *bitmap);

#define LWI_NO_RANK UINT32_MAX

/* LWI_NO_RANK if the key is not in the set. */
uint32_t lwi_bitmap_rank(const lwi_bitmap *bitmap, uint64_t key);

/* The same for up to LWI_BATCH keys, whose leaves are asked for together. */
#define LWI_BATCH 32u
void lwi_bitmap_ranks(const lwi_bitmap *bitmap, const uint64_t *keys, uint32_t count,
                      uint32_t *ranks);

/* The same for spots, after close(). */
void lwi_bitmap_ranks_at(const lwi_bitmap *bitmap, const uint64_t *spots, uint32_t count,
                         uint32_t *ranks);

/* The key of a spot, in the set or not, after close(). */
uint64_t lwi_bitmap_key_at(const lwi_bitmap *bitmap, uint64_t spot);

/* The key of a rank below the count. */
uint64_t lwi_bitmap_select(const lwi_bitmap *bitmap, uint32_t rank);

/* All keys in order: start with {0}; false at the end. */
typedef struct lwi_bitmap_cursor {
    uint64_t leaf;
    uint32_t word;
    uint64_t done; /* bits of the word that were given out */
} lwi_bitmap_cursor;

bool lwi_bitmap_next(const lwi_bitmap *bitmap, lwi_bitmap_cursor *cursor, uint64_t *key);

#endif
