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

static void drop_buckets(lwi_keys *keys)
{
    lwi_free(keys->mem, keys->buckets,
             lwi_array_size(keys->bucket_count + 1, sizeof *keys->buckets));
    keys->buckets = NULL;
}

static void drop_sorted(lwi_keys *keys)
{
    lwi_free(keys->mem, keys->sorted, lwi_array_size(keys->count, sizeof *keys->sorted));
    keys->sorted = NULL;
}

void lwi_keys_free(lwi_keys *keys)
{
    lwi_bitmap_free(&keys->bitmap);
    drop_buckets(keys);
    drop_sorted(keys);
    lwi_free(keys->mem, keys->groups, keys->packed_size);
    keys->groups = NULL;
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

/* --- packing ------------------------------------------------------------------------------- */

enum { LEAST_SAVING = 4096 /* bytes; for less, packing is not worth it */ };

static uint32_t group_count(const lwi_keys *keys)
{
    return (keys->count - 1) / LWI_KEY_GROUP + 1;
}

static uint32_t group_size(const lwi_keys *keys, uint32_t group)
{
    uint32_t left = keys->count - group * LWI_KEY_GROUP;
    return left < LWI_KEY_GROUP ? left : LWI_KEY_GROUP;
}

static uint32_t words_of(uint32_t count, uint32_t width)
{
    return (count * width + 63) / 64;
}

static lwi_key_group plan_group(const uint64_t *sorted, uint32_t count, uint32_t start)
{
    uint64_t span = sorted[count - 1] - sorted[0];
    lwi_key_group group = {sorted[0], start, 1};
    while (group.width < 64 && span >> group.width)
        group.width++;
    return group;
}

static void pack_group(const uint64_t *sorted, uint32_t count, lwi_key_group group,
                       uint64_t *words)
{
    words += group.start;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = sorted[i] - group.base;
        uint32_t bit = i * group.width, shift = bit % 64;
        words[bit / 64] |= offset << shift;
        if (shift + group.width > 64)
            words[bit / 64 + 1] |= offset >> (64 - shift);
    }
}

/* Plans all groups, and packs them if there is where to; returns how many words they take. */
static uint32_t pack_groups(const lwi_keys *keys, lwi_key_group *groups, uint64_t *words)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < group_count(keys); i++) {
        const uint64_t *sorted = keys->sorted + (uint64_t)i * LWI_KEY_GROUP;
        uint32_t count = group_size(keys, i);
        lwi_key_group group = plan_group(sorted, count, used);
        used += words_of(count, group.width);
        if (groups) {
            groups[i] = group;
            pack_group(sorted, count, group, words);
        }
    }
    return used;
}

static void pack(lwi_keys *keys)
{
    uint32_t count = group_count(keys);
    size_t size = count * sizeof *keys->groups +
                  lwi_array_size(pack_groups(keys, NULL, NULL), sizeof *keys->words);
    if (size + LEAST_SAVING > lwi_array_size(keys->count, sizeof *keys->sorted))
        return;
    lwi_key_group *groups = lwi_alloc(keys->mem, size);
    if (!groups)
        return;
    keys->groups = groups;
    keys->words = (uint64_t *)(void *)(groups + count);
    keys->packed_size = size;
    pack_groups(keys, groups, keys->words);
    drop_sorted(keys);
}

void lwi_keys_trim(lwi_keys *keys)
{
    lwi_bitmap_trim(&keys->bitmap);
    drop_buckets(keys);
    if (keys->sorted && keys->count)
        pack(keys);
}

static uint64_t unpack(const lwi_keys *keys, const lwi_key_group *group, uint32_t i)
{
    uint32_t bit = i * group->width, shift = bit % 64;
    const uint64_t *word = keys->words + group->start + bit / 64;
    uint64_t offset = word[0] >> shift;
    if (shift + group->width > 64)
        offset |= word[1] << (64 - shift);
    return group->base + (offset & UINT64_MAX >> (64 - group->width));
}

static uint64_t key_at(const lwi_keys *keys, uint32_t place)
{
    if (keys->sorted)
        return keys->sorted[place];
    return unpack(keys, &keys->groups[place / LWI_KEY_GROUP], place % LWI_KEY_GROUP);
}

static uint32_t find_packed(const lwi_keys *keys, uint64_t key)
{
    uint32_t group = 0, end = group_count(keys);
    while (end - group > 1) {
        uint32_t middle = group + (end - group) / 2;
        if (keys->groups[middle].base <= key)
            group = middle;
        else
            end = middle;
    }
    uint32_t low = 0, size = group_size(keys, group), high = size;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (unpack(keys, &keys->groups[group], middle) < key)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < size && unpack(keys, &keys->groups[group], low) == key;
    return found ? group * LWI_KEY_GROUP + low : LWI_NO_RANK;
}

/* --- finding ------------------------------------------------------------------------------- */

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
    if (keys->groups)
        return find_packed(keys, key);
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
    return keys->address ? lwi_bitmap_select(&keys->bitmap, place) : key_at(keys, place);
}

bool lwi_keys_next(const lwi_keys *keys, lwi_keys_cursor *cursor, uint64_t *key)
{
    if (cursor->place >= keys->count)
        return false;
    cursor->place++;
    if (keys->address)
        return lwi_bitmap_next(&keys->bitmap, &cursor->bits, key);
    *key = key_at(keys, cursor->place - 1);
    return true;
}
