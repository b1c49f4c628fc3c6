#include "base/bitmap.h"

#include "base/order.h"

#include <string.h>

enum {
    LEAF_SHIFT = 11,
    CHUNK_SHIFT = 20,
    LEAVES = 1 << (CHUNK_SHIFT - LEAF_SHIFT)
};

struct lwi_bitmap_chunk {
    uint64_t number;       /* key >> 20 */
    uint32_t leaf[LEAVES]; /* + 1; 0: none */
};

static uint32_t leaf_of(uint64_t key)
{
    return (uint32_t)(key >> LEAF_SHIFT) & (LEAVES - 1);
}

static uint32_t word_of(uint64_t key)
{
    return (uint32_t)(key >> 9) & 3;
}

static uint32_t bit_of(uint64_t key)
{
    return (uint32_t)(key >> 3) & 63;
}

void lwi_bitmap_init(lwi_bitmap *bitmap, lwi_mem *mem)
{
    memset(bitmap, 0, sizeof *bitmap);
    bitmap->mem = mem;
}

void lwi_bitmap_trim(lwi_bitmap *bitmap)
{
    lwi_free(bitmap->mem, bitmap->chunks,
             lwi_array_size(bitmap->chunk_room, sizeof *bitmap->chunks));
    lwi_free(bitmap->mem, bitmap->slots, lwi_array_size(bitmap->slot_count, sizeof(uint32_t)));
    lwi_free(bitmap->mem, bitmap->places,
             lwi_array_size(bitmap->place_count, sizeof *bitmap->places));
    bitmap->chunks = NULL;
    bitmap->slots = NULL;
    bitmap->places = NULL;
    bitmap->chunk_count = bitmap->chunk_room = bitmap->slot_count = bitmap->place_count = 0;
}

void lwi_bitmap_free(lwi_bitmap *bitmap)
{
    lwi_bitmap_trim(bitmap);
    lwi_free(bitmap->mem, bitmap->leaves,
             lwi_array_size(bitmap->leaf_room, sizeof *bitmap->leaves));
    bitmap->leaves = NULL;
    bitmap->leaf_count = bitmap->leaf_room = 0;
}

static uint64_t slot_of(const lwi_bitmap *bitmap, uint64_t number)
{
    uint64_t mask = bitmap->slot_count - 1;
    uint64_t slot = number * UINT64_C(0x9e3779b97f4a7c15) >> 32 & mask;
    while (bitmap->slots[slot] && bitmap->chunks[bitmap->slots[slot] - 1].number != number)
        slot = (slot + 1) & mask;
    return slot;
}

static lwi_bitmap_chunk *find_chunk(const lwi_bitmap *bitmap, uint64_t number)
{
    if (bitmap->slot_count == 0)
        return NULL;
    uint32_t found = bitmap->slots[slot_of(bitmap, number)];
    return found ? &bitmap->chunks[found - 1] : NULL;
}

static bool grow_slots(lwi_bitmap *bitmap)
{
    uint64_t count = bitmap->slot_count ? bitmap->slot_count * 2 : 16;
    uint32_t *slots = lwi_alloc(bitmap->mem, lwi_array_size(count, sizeof *slots));
    if (!slots)
        return false;
    lwi_free(bitmap->mem, bitmap->slots, lwi_array_size(bitmap->slot_count, sizeof *slots));
    bitmap->slots = slots;
    bitmap->slot_count = count;
    for (uint64_t i = 0; i < bitmap->chunk_count; i++)
        slots[slot_of(bitmap, bitmap->chunks[i].number)] = (uint32_t)i + 1;
    return true;
}

/* The chunk of a number that no slot has yet. */
static lwi_bitmap_chunk *make_chunk(lwi_bitmap *bitmap, uint64_t number)
{
    void *chunks = bitmap->chunks;
    if (bitmap->chunk_count * 2 >= bitmap->slot_count && !grow_slots(bitmap))
        return NULL;
    if (!lwi_grow(bitmap->mem, &chunks, &bitmap->chunk_room, bitmap->chunk_count + 1,
                  sizeof *bitmap->chunks))
        return NULL;
    bitmap->chunks = chunks;
    lwi_bitmap_chunk *chunk = &bitmap->chunks[bitmap->chunk_count];
    memset(chunk, 0, sizeof *chunk);
    chunk->number = number;
    uint64_t slot = slot_of(bitmap, number);
    bitmap->slots[slot] = (uint32_t)++bitmap->chunk_count;
    return chunk;
}

static uint64_t spot_in(uint32_t leaf, uint64_t key)
{
    return (uint64_t)leaf << 8 | (key >> 3 & 255);
}

static uint64_t make_spot(lwi_bitmap *bitmap, uint64_t key)
{
    lwi_bitmap_chunk *chunk = find_chunk(bitmap, key >> CHUNK_SHIFT);
    void *leaves = bitmap->leaves;
    if (bitmap->leaf_count >> (LWI_SPOT_BITS - 8))
        return LWI_NO_SPOT;
    if (!lwi_grow(bitmap->mem, &leaves, &bitmap->leaf_room, bitmap->leaf_count + 1,
                  sizeof *bitmap->leaves))
        return LWI_NO_SPOT;
    bitmap->leaves = leaves;
    if (!chunk && !(chunk = make_chunk(bitmap, key >> CHUNK_SHIFT)))
        return LWI_NO_SPOT;
    lwi_bitmap_leaf *fresh = &bitmap->leaves[bitmap->leaf_count];
    memset(fresh, 0, sizeof *fresh);
    fresh->number = key >> LEAF_SHIFT;
    chunk->leaf[leaf_of(key)] = (uint32_t)++bitmap->leaf_count;
    return spot_in(chunk->leaf[leaf_of(key)] - 1, key);
}

uint64_t lwi_bitmap_spot(lwi_bitmap *bitmap, uint64_t key)
{
    const lwi_bitmap_chunk *chunk = find_chunk(bitmap, key >> CHUNK_SHIFT);
    uint32_t leaf = chunk ? chunk->leaf[leaf_of(key)] : 0;
    return leaf ? spot_in(leaf - 1, key) : make_spot(bitmap, key);
}

void lwi_bitmap_clear(lwi_bitmap *bitmap, uint64_t key)
{
    lwi_bitmap_chunk *chunk = find_chunk(bitmap, key >> CHUNK_SHIFT);
    uint32_t leaf = chunk ? chunk->leaf[leaf_of(key)] : 0;
    if (leaf)
        bitmap->leaves[leaf - 1].words[word_of(key)] &= ~(UINT64_C(1) << bit_of(key));
}

static int by_number(const void *user, uint32_t a, uint32_t b)
{
    const lwi_bitmap_chunk *chunks = user;
    return (chunks[a].number > chunks[b].number) - (chunks[a].number < chunks[b].number);
}

/* Copies the leaves into an array of exactly their number, in the order of their keys. */
static lwi_bitmap_leaf *ordered_leaves(lwi_bitmap *bitmap)
{
    uint32_t count = (uint32_t)bitmap->chunk_count;
    size_t ids_size = lwi_array_size((uint64_t)count * 2, sizeof(uint32_t));
    uint32_t *ids = lwi_alloc(bitmap->mem, ids_size);
    lwi_bitmap_leaf *leaves =
        lwi_resize(bitmap->mem, NULL, 0, lwi_array_size(bitmap->leaf_count, sizeof *leaves));
    if (ids && leaves) {
        for (uint32_t i = 0; i < count; i++)
            ids[i] = i;
        lwi_order_ids(ids, ids + count, count, by_number, bitmap->chunks);
        uint32_t filled = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t *leaf = bitmap->chunks[ids[i]].leaf;
            for (uint32_t j = 0; j < LEAVES; j++) {
                if (leaf[j]) {
                    leaves[filled] = bitmap->leaves[leaf[j] - 1];
                    bitmap->places[leaf[j] - 1] = filled;
                    leaf[j] = ++filled;
                }
            }
        }
    } else {
        lwi_free(bitmap->mem, leaves, lwi_array_size(bitmap->leaf_count, sizeof *leaves));
        leaves = NULL;
    }
    lwi_free(bitmap->mem, ids, ids_size);
    return leaves;
}

bool lwi_bitmap_close(lwi_bitmap *bitmap, uint64_t *count)
{
    *count = 0;
    if (bitmap->leaf_count == 0)
        return true;
    bitmap->places = lwi_resize(bitmap->mem, NULL, 0,
                                lwi_array_size(bitmap->leaf_count, sizeof *bitmap->places));
    if (!bitmap->places)
        return false;
    bitmap->place_count = bitmap->leaf_count;
    lwi_bitmap_leaf *leaves = ordered_leaves(bitmap);
    if (!leaves)
        return false;
    lwi_free(bitmap->mem, bitmap->leaves, lwi_array_size(bitmap->leaf_room, sizeof *leaves));
    bitmap->leaves = leaves;
    bitmap->leaf_room = bitmap->leaf_count;
    for (uint64_t i = 0; i < bitmap->leaf_count; i++) {
        uint32_t inside = 0;
        leaves[i].rank = (uint32_t)*count;
        for (uint32_t j = 0; j < 4; j++) {
            leaves[i].before[j] = (uint8_t)inside;
            inside += lwi_bits_count(leaves[i].words[j]);
        }
        *count += inside;
    }
    return true;
}

static const lwi_bitmap_leaf *find_leaf(const lwi_bitmap *bitmap, uint64_t key)
{
    if (bitmap->slot_count) {
        const lwi_bitmap_chunk *chunk = find_chunk(bitmap, key >> CHUNK_SHIFT);
        uint32_t leaf = chunk ? chunk->leaf[leaf_of(key)] : 0;
        return leaf ? &bitmap->leaves[leaf - 1] : NULL;
    }
    uint64_t low = 0, high = bitmap->leaf_count, number = key >> LEAF_SHIFT;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (bitmap->leaves[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < bitmap->leaf_count && bitmap->leaves[low].number == number;
    return found ? &bitmap->leaves[low] : NULL;
}

static uint32_t rank_in(const lwi_bitmap_leaf *leaf, uint64_t key)
{
    if (!leaf)
        return LWI_NO_RANK;
    uint64_t word = leaf->words[word_of(key)], bit = UINT64_C(1) << bit_of(key);
    if (!(word & bit))
        return LWI_NO_RANK;
    return leaf->rank + leaf->before[word_of(key)] + lwi_bits_count(word & (bit - 1));
}

uint32_t lwi_bitmap_rank(const lwi_bitmap *bitmap, uint64_t key)
{
    return rank_in(key & 7 ? NULL : find_leaf(bitmap, key), key);
}

void lwi_bitmap_ranks(const lwi_bitmap *bitmap, const uint64_t *keys, uint32_t count,
                      uint32_t *ranks)
{
    const lwi_bitmap_leaf *leaves[LWI_BATCH];
    for (uint32_t i = 0; i < count; i++) {
        leaves[i] = keys[i] & 7 ? NULL : find_leaf(bitmap, keys[i]);
        LWI_PREFETCH(leaves[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        ranks[i] = rank_in(leaves[i], keys[i]);
}

void lwi_bitmap_ranks_at(const lwi_bitmap *bitmap, const uint64_t *spots, uint32_t count,
                         uint32_t *ranks)
{
    const lwi_bitmap_leaf *leaves[LWI_BATCH];
    for (uint32_t i = 0; i < count; i++) {
        leaves[i] = &bitmap->leaves[bitmap->places[spots[i] >> 8]];
        LWI_PREFETCH(leaves[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        ranks[i] = rank_in(leaves[i], spots[i] << 3);
}

uint64_t lwi_bitmap_key_at(const lwi_bitmap *bitmap, uint64_t spot)
{
    uint64_t number = bitmap->leaves[bitmap->places[spot >> 8]].number;
    return number << LEAF_SHIFT | (spot & 255) << 3;
}

uint64_t lwi_bitmap_select(const lwi_bitmap *bitmap, uint32_t rank)
{
    /* Leaves may be empty (cleared keys): the last one that starts at the rank or before has it. */
    uint64_t low = 0, high = bitmap->leaf_count;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (bitmap->leaves[middle].rank <= rank)
            low = middle;
        else
            high = middle;
    }
    const lwi_bitmap_leaf *leaf = &bitmap->leaves[low];
    uint32_t left = rank - leaf->rank, word = 3;
    while (leaf->before[word] > left)
        word--;
    uint64_t bits = leaf->words[word];
    for (left -= leaf->before[word]; left > 0; left--)
        bits &= bits - 1;
    return leaf->number << LEAF_SHIFT | (uint64_t)word << 9 | (uint64_t)lwi_bits_lowest(bits) << 3;
}

bool lwi_bitmap_next(const lwi_bitmap *bitmap, lwi_bitmap_cursor *cursor, uint64_t *key)
{
    while (cursor->leaf < bitmap->leaf_count) {
        const lwi_bitmap_leaf *leaf = &bitmap->leaves[cursor->leaf];
        uint64_t bits = leaf->words[cursor->word] & ~cursor->done;
        if (bits) {
            cursor->done |= bits & (~bits + 1);
            *key = leaf->number << LEAF_SHIFT | (uint64_t)cursor->word << 9 |
                   (uint64_t)lwi_bits_lowest(bits) << 3;
            return true;
        }
        cursor->done = 0;
        cursor->word = (cursor->word + 1) % 4;
        cursor->leaf += cursor->word == 0;
    }
    return false;
}
