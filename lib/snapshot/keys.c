#include "snapshot/keys.h"

#include "base/bits.h"

#include <string.h>

void lwi_keys_init(lwi_keys *keys, lwi_mem *mem, bool address)
{
    memset(keys, 0, sizeof *keys);
    keys->mem = mem;
    keys->address = address;
    lwi_bitmap_init(&keys->bitmap, mem);
}

void lwi_keys_free(lwi_keys *keys)
{
    lwi_keys_trim(keys);
    lwi_bitmap_free(&keys->bitmap);
    lwi_free(keys->mem, keys->sorted, lwi_array_size(keys->count, sizeof(uint64_t)));
    keys->sorted = NULL;
    keys->count = 0;
}

void lwi_keys_adopt(lwi_keys *keys, uint64_t *sorted, uint32_t count)
{
    keys->sorted = sorted;
    keys->count = count;
}

static uint64_t bucket_of(const lwi_keys *keys, uint64_t key)
{
    return (key - keys->sorted[0]) >> keys->shift;
}

/* About one bucket per key, so that evenly spread keys are found at once; others are searched
 * for within their bucket. */
bool lwi_keys_hasten(lwi_keys *keys)
{
    if (keys->address || keys->count == 0)
        return true; /* the bitmap is fast until it is trimmed */
    keys->shift = 0;
    uint64_t last = keys->sorted[keys->count - 1];
    while (bucket_of(keys, last) / 2 >= keys->count)
        keys->shift++;
    keys->bucket_count = bucket_of(keys, last) + 1;
    keys->buckets = lwi_alloc(
        keys->mem, lwi_array_size(keys->bucket_count + 1, sizeof *keys->buckets));
    if (!keys->buckets)
        return false;
    uint64_t bucket = 0;
    for (uint32_t i = 0; i < keys->count; i++) {
        for (; bucket <= bucket_of(keys, keys->sorted[i]); bucket++)
            keys->buckets[bucket] = i;
    }
    keys->buckets[bucket] = keys->count;
    return true;
}

void lwi_keys_trim(lwi_keys *keys)
{
    lwi_bitmap_trim(&keys->bitmap);
    lwi_free(keys->mem, keys->buckets,
             lwi_array_size(keys->bucket_count + 1, sizeof *keys->buckets));
    keys->buckets = NULL;
}

static bool within(const lwi_keys *keys, uint64_t key)
{
    return keys->count && key >= keys->sorted[0] && key <= keys->sorted[keys->count - 1];
}

static uint32_t search(const lwi_keys *keys, uint64_t key, uint32_t low, uint32_t high)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (keys->sorted[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < keys->count && keys->sorted[low] == key ? low : LWI_NO_RANK;
}

uint32_t lwi_keys_find(const lwi_keys *keys, uint64_t key)
{
    if (keys->address)
        return lwi_bitmap_rank(&keys->bitmap, key);
    if (!within(keys, key))
        return LWI_NO_RANK;
    if (!keys->buckets)
        return search(keys, key, 0, keys->count);
    uint64_t bucket = bucket_of(keys, key);
    return search(keys, key, keys->buckets[bucket], keys->buckets[bucket + 1]);
}

void lwi_keys_find_all(const lwi_keys *keys, const uint64_t *wanted, uint32_t count,
                       uint32_t *places)
{
    if (keys->address) {
        lwi_bitmap_ranks(&keys->bitmap, wanted, count, places);
        return;
    }
    for (uint32_t i = 0; keys->buckets && i < count; i++) {
        if (within(keys, wanted[i]))
            LWI_PREFETCH(&keys->buckets[bucket_of(keys, wanted[i])]);
    }
    for (uint32_t i = 0; keys->buckets && i < count; i++) {
        if (within(keys, wanted[i]))
            LWI_PREFETCH(&keys->sorted[keys->buckets[bucket_of(keys, wanted[i])]]);
    }
    for (uint32_t i = 0; i < count; i++)
        places[i] = lwi_keys_find(keys, wanted[i]);
}

uint64_t lwi_keys_at(const lwi_keys *keys, uint32_t place)
{
    return keys->address ? lwi_bitmap_select(&keys->bitmap, place) : keys->sorted[place];
}

bool lwi_keys_next(const lwi_keys *keys, lwi_keys_cursor *cursor, uint64_t *key)
{
    if (cursor->place >= keys->count)
        return false;
    cursor->place++;
    if (keys->address)
        return lwi_bitmap_next(&keys->bitmap, &cursor->bits, key);
    *key = keys->sorted[cursor->place - 1];
    return true;
}
