#include "heap_walk.h"

/* A bitmap of the 8-byte granules of 1 MiB: objects lie close together, and their addresses are
 * found again without hashing each one. */
enum { CHUNK_BITS = 20, WORDS = (1 << CHUNK_BITS) / 8 / 64 };

struct lwpy_marks_chunk {
    uintptr_t base;
    uint64_t bits[WORDS];
};

static size_t slot_of(const lwpy_marks *marks, uintptr_t base)
{
    uint64_t hash = (uint64_t)base * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32) & (marks->capacity - 1);
}

static void place(lwpy_marks *marks, struct lwpy_marks_chunk *chunk)
{
    size_t slot = slot_of(marks, chunk->base);
    while (marks->table[slot])
        slot = (slot + 1) & (marks->capacity - 1);
    marks->table[slot] = chunk;
}

static bool grow(lwpy_marks *marks)
{
    lwpy_marks wider = { marks->sink, NULL, marks->capacity ? marks->capacity * 2 : 64,
                         marks->count, NULL };
    wider.table = lwpy_zeros(marks->sink, wider.capacity * sizeof *wider.table);
    if (!wider.table)
        return false;
    for (size_t i = 0; i < marks->capacity; i++) {
        if (marks->table[i])
            place(&wider, marks->table[i]);
    }
    lwpy_give_back(marks->sink, marks->table, marks->capacity * sizeof *marks->table);
    marks->table = wider.table;
    marks->capacity = wider.capacity;
    return true;
}

static struct lwpy_marks_chunk *find(lwpy_marks *marks, uintptr_t base)
{
    if (!marks->capacity)
        return NULL;
    for (size_t slot = slot_of(marks, base); marks->table[slot];
         slot = (slot + 1) & (marks->capacity - 1)) {
        if (marks->table[slot]->base == base)
            return marks->last = marks->table[slot];
    }
    return NULL;
}

static struct lwpy_marks_chunk *make(lwpy_marks *marks, uintptr_t base)
{
    if (marks->count * 2 >= marks->capacity && !grow(marks))
        return NULL;
    struct lwpy_marks_chunk *chunk = lwpy_zeros(marks->sink, sizeof *chunk);
    if (!chunk)
        return NULL;
    chunk->base = base;
    place(marks, chunk);
    marks->count++;
    return marks->last = chunk;
}

int lwpy_marks_add(lwpy_marks *marks, const void *address)
{
    uintptr_t at = (uintptr_t)address, base = at >> CHUNK_BITS;
    struct lwpy_marks_chunk *chunk = marks->last;
    if (!chunk || chunk->base != base) {
        chunk = find(marks, base);
        if (!chunk && !(chunk = make(marks, base)))
            return -1;
    }
    size_t granule = (at & (((uintptr_t)1 << CHUNK_BITS) - 1)) >> 3;
    uint64_t bit = UINT64_C(1) << (granule & 63);
    if (chunk->bits[granule >> 6] & bit)
        return 0;
    chunk->bits[granule >> 6] |= bit;
    return 1;
}

bool lwpy_marks_has(lwpy_marks *marks, const void *address)
{
    uintptr_t at = (uintptr_t)address, base = at >> CHUNK_BITS;
    const struct lwpy_marks_chunk *chunk = marks->last;
    if (!chunk || chunk->base != base) {
        chunk = find(marks, base);
        if (!chunk)
            return false;
    }
    size_t granule = (at & (((uintptr_t)1 << CHUNK_BITS) - 1)) >> 3;
    return chunk->bits[granule >> 6] >> (granule & 63) & 1;
}

void lwpy_marks_free(lwpy_marks *marks)
{
    for (size_t i = 0; i < marks->capacity; i++)
        lwpy_give_back(marks->sink, marks->table[i], sizeof *marks->table[i]);
    lwpy_give_back(marks->sink, marks->table, marks->capacity * sizeof *marks->table);
    *marks = (lwpy_marks){ .sink = marks->sink };
}

bool lwpy_list_grow(lwpy_list *list)
{
    size_t capacity = list->capacity ? list->capacity * 2 : 256;
    PyObject **items = lw_sink_memory(list->sink, list->items, list->capacity * sizeof *items,
                                      capacity * sizeof *items);
    if (!items)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

void lwpy_list_free(lwpy_list *list)
{
    lwpy_give_back(list->sink, list->items, list->capacity * sizeof *list->items);
    *list = (lwpy_list){ .sink = list->sink };
}
