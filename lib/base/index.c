#include "base/index.h"

#include <string.h>

#define TAG UINT64_C(0xffffffff00000000)

void lwi_index_init(lwi_index *index, lwi_mem *mem)
{
    memset(index, 0, sizeof *index);
    index->mem = mem;
}

void lwi_index_free(lwi_index *index)
{
    lwi_free(index->mem, index->slots, lwi_array_size(index->slot_count, sizeof(uint64_t)));
    index->slots = NULL;
    index->slot_count = index->count = 0;
}

/* The place comes from the tag, so that growing needs no hash from the caller. */
static uint64_t place_of(uint64_t slot, uint64_t mask)
{
    return (slot >> 32) * UINT64_C(0x9e3779b1) >> 7 & mask;
}

uint32_t lwi_index_find(const lwi_index *index, uint64_t hash, lwi_index_equal_fn equal,
                        const void *items, const void *key)
{
    if (index->slot_count == 0)
        return LWI_INDEX_NONE;
    uint64_t mask = index->slot_count - 1;
    for (uint64_t i = place_of(hash, mask); index->slots[i]; i = (i + 1) & mask) {
        uint32_t id = (uint32_t)index->slots[i] - 1;
        if (((index->slots[i] ^ hash) & TAG) == 0 && equal(items, id, key))
            return id;
    }
    return LWI_INDEX_NONE;
}

static void insert(uint64_t *slots, uint64_t mask, uint64_t slot)
{
    uint64_t i = place_of(slot, mask);
    while (slots[i])
        i = (i + 1) & mask;
    slots[i] = slot;
}

bool lwi_index_add(lwi_index *index, uint64_t hash, uint32_t id)
{
    if (index->count * 4 >= index->slot_count * 3) {
        uint64_t room = index->slot_count ? index->slot_count * 2 : 16;
        uint64_t *slots = lwi_alloc(index->mem, lwi_array_size(room, sizeof *slots));
        if (!slots)
            return false;
        for (uint64_t i = 0; i < index->slot_count; i++) {
            if (index->slots[i])
                insert(slots, room - 1, index->slots[i]);
        }
        lwi_free(index->mem, index->slots, lwi_array_size(index->slot_count, sizeof *slots));
        index->slots = slots;
        index->slot_count = room;
    }
    insert(index->slots, index->slot_count - 1, (hash & TAG) | (id + 1));
    index->count++;
    return true;
}
