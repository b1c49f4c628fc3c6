/* Walks over the block map, its beginning and its end. */
#include "record/map_slots.h"

#include <string.h>

typedef struct walk {
    lwi_map *map;
    uint64_t first, last;
    lwi_map_fn visit;
    void *user;
} walk;

/* Under the lock. */
static lwi_record value_read(lwi_map *map, uint64_t address, uint64_t value)
{
    lwi_record record = {value_size(map, value), value_birth(value)};
    if (record.size == map->limit) {
        lwi_huge *huge = huge_find(map, address);
        record.size = huge ? huge->size : record.size;
    }
    return record;
}

static bool walk_page(const walk *walk, uint64_t page, uintptr_t word)
{
    lwi_map *map = walk->map;
    unsigned level = level_of(word);
    lwi_slot_word *node = node_of(word);
    for (unsigned i = 0; i < 1u << level; i++) {
        uint64_t value = atomic_load_explicit(&node[i], memory_order_acquire);
        if (!value_birth(value))
            continue;
        uint64_t address = value_address(map, page, value);
        if (address < walk->first || address > walk->last)
            continue;
        if (!walk->visit(address, value_read(map, address, value), walk->user))
            return false;
    }
    return true;
}

static bool walk_leaf(const walk *walk, uint64_t base, lwi_leaf *leaf)
{
    const uint64_t page_mask = (UINT64_C(1) << LWI_LEAF_BITS) - 1;
    uint64_t page = base >> LWI_PAGE_BITS, end = page | page_mask;
    if (page < walk->first >> LWI_PAGE_BITS)
        page = walk->first >> LWI_PAGE_BITS;
    if (end > walk->last >> LWI_PAGE_BITS)
        end = walk->last >> LWI_PAGE_BITS;
    for (; page <= end; page++) {
        uintptr_t word = atomic_load_explicit(&leaf->page[page & page_mask], memory_order_acquire);
        if (word && !walk_page(walk, page, word))
            return false;
    }
    return true;
}

/* Calls `walk_leaf` for each leaf that reaches into the range, in address order. */
static bool walk_root(const walk *walk, lwi_root *root)
{
    const unsigned leaf_bits = LWI_PAGE_BITS + LWI_LEAF_BITS;
    const uint64_t leaf_mask = (UINT64_C(1) << leaf_bits) - 1;
    const uint64_t middle_mask = (UINT64_C(1) << (leaf_bits + LWI_MIDDLE_BITS)) - 1;
    uint64_t low = root->top << 48, high = low | ((UINT64_C(1) << 48) - 1);
    uint64_t first = walk->first > low ? walk->first : low;
    uint64_t last = walk->last < high ? walk->last : high;
    for (uint64_t base = first & ~leaf_mask; base <= last && base >= low; base += leaf_mask + 1) {
        lwi_middle *middle =
            atomic_load_explicit(&root->middle[middle_index(base)], memory_order_acquire);
        if (!middle) {
            base |= middle_mask & ~leaf_mask; /* nothing in all of this middle */
            continue;
        }
        lwi_leaf *leaf =
            atomic_load_explicit(&middle->leaf[leaf_index(base)], memory_order_acquire);
        if (leaf && !walk_leaf(walk, base, leaf))
            return false;
    }
    return true;
}

/* Roots are listed in no order, and are few. */
static lwi_root *root_after(lwi_map *map, uint64_t top)
{
    lwi_root *next = NULL, *root = atomic_load_explicit(&map->high, memory_order_acquire);
    for (; root; root = root->next) {
        if (root->top > top && (!next || root->top < next->top))
            next = root;
    }
    return next;
}

void lwi_map_each(lwi_map *map, uint64_t first, uint64_t last, lwi_map_fn visit, void *user)
{
    walk walk = {map, first, last, visit, user};
    lwi_lock_take(&map->lock);
    lwi_root *root = map->low;
    while (root && walk_root(&walk, root))
        root = root_after(map, root->top);
    lwi_lock_give(&map->lock);
}

/* The last block of a page that starts at `address` or before. Slots are in the order of the
 * blocks but for those within a line. */
static lwi_record last_before(lwi_map *map, _Atomic uintptr_t *page, uint64_t address,
                              uint64_t *start)
{
    uintptr_t word = atomic_load_explicit(page, memory_order_acquire);
    unsigned level = level_of(word);
    uint64_t best = 0;
    if (word == 0)
        return (lwi_record){0, 0};
    unsigned end = (home(map, granule(map, address), level) | (LINE - 1u)) + 1;
    if (end > 1u << level)
        end = 1u << level;
    for (unsigned i = end; i-- > 0;) {
        uint64_t value = atomic_load_explicit(&node_of(word)[i], memory_order_acquire);
        unsigned at = value_granule(map, value);
        if (value_birth(value) && at <= granule(map, address) &&
            (!best || at >= value_granule(map, best)))
            best = value;
        if (best && i % LINE == 0)
            break;
    }
    if (!best)
        return (lwi_record){0, 0};
    *start = value_address(map, address >> LWI_PAGE_BITS, best);
    return value_read(map, *start, best);
}

/* How far around an address there is nothing, as a mask; 0 if its page is there. */
static uint64_t gap_around(lwi_map *map, uint64_t address, _Atomic uintptr_t **page)
{
    const unsigned leaf_bits = LWI_PAGE_BITS + LWI_LEAF_BITS;
    lwi_root *root = lwi_map_root(map, address, false);
    if (!root)
        return (UINT64_C(1) << 48) - 1;
    if (!atomic_load_explicit(&root->middle[middle_index(address)], memory_order_acquire))
        return (UINT64_C(1) << (leaf_bits + LWI_MIDDLE_BITS)) - 1;
    *page = lwi_map_page(map, address, false);
    return *page ? 0 : (UINT64_C(1) << leaf_bits) - 1;
}

lwi_record lwi_map_covering(lwi_map *map, uint64_t address, uint64_t *start)
{
    const uint64_t page_mask = (UINT64_C(1) << LWI_PAGE_BITS) - 1;
    uint64_t largest = atomic_load_explicit(&map->largest, memory_order_relaxed);
    uint64_t lowest = address > largest ? address - largest : 0;
    uint64_t at = address;
    for (;;) {
        _Atomic uintptr_t *page = NULL;
        uint64_t mask = gap_around(map, at, &page);
        if (page) {
            mask = page_mask;
            lwi_record record = last_before(map, page, at, start);
            if (record.birth) {
                bool inside = address == *start || address - *start < record.size;
                return inside ? record : (lwi_record){0, 0};
            }
        }
        if ((at & ~mask) <= lowest || (at & ~mask) == 0)
            return (lwi_record){0, 0};
        at = (at & ~mask) - 1;
    }
}

void lwi_map_order(lwi_map *map, bool concurrent)
{
    uint8_t plain_from = concurrent ? map->max_level : 0;
    atomic_store_explicit(&map->plain_from, plain_from, memory_order_relaxed);
}

bool lwi_map_init(lwi_map *map, lwi_mem *mem, unsigned shift, bool concurrent)
{
    memset(map, 0, sizeof *map);
    map->mem = mem;
    map->shift = (uint8_t)shift;
    map->off_bits = (uint8_t)(LWI_PAGE_BITS - shift);
    map->max_level = (uint8_t)(LWI_PAGE_BITS - shift);
    map->limit = (uint32_t)((UINT64_C(1) << (32 - map->off_bits)) - 1);
    lwi_map_order(map, concurrent);
    map->low = lwi_alloc(mem, sizeof *map->low);
    return map->low != NULL;
}

static void leaf_free(lwi_map *map, lwi_leaf *leaf)
{
    for (unsigned i = 0; i < 1u << LWI_LEAF_BITS; i++) {
        uintptr_t word = atomic_load_explicit(&leaf->page[i], memory_order_relaxed);
        if (word)
            lwi_free(map->mem, node_of(word), node_size(level_of(word)));
    }
    lwi_free(map->mem, leaf, sizeof *leaf);
}

static void root_free(lwi_map *map, lwi_root *root)
{
    for (unsigned m = 0; m < 1u << LWI_ROOT_BITS; m++) {
        lwi_middle *middle = atomic_load_explicit(&root->middle[m], memory_order_relaxed);
        for (unsigned l = 0; middle && l < 1u << LWI_MIDDLE_BITS; l++) {
            lwi_leaf *leaf = atomic_load_explicit(&middle->leaf[l], memory_order_relaxed);
            if (leaf)
                leaf_free(map, leaf);
        }
        lwi_free(map->mem, middle, sizeof *middle);
    }
    lwi_free(map->mem, root, sizeof *root);
}

void lwi_map_done(lwi_map *map)
{
    lwi_mem *table_mem = map->mem;
    lwi_huge *huge, *next_huge;
    if (!map->mem)
        return;
    HASH_ITER(hh, map->huge, huge, next_huge)
    {
        HASH_DEL(map->huge, huge);
        lwi_free(map->mem, huge, sizeof *huge);
    }
    for (uint64_t i = 0; i < map->retired_count; i++) {
        uintptr_t word = (uintptr_t)map->retired[i];
        lwi_free(map->mem, node_of(word), node_size(level_of(word)));
    }
    lwi_free(map->mem, map->retired,
             lwi_array_size(map->retired_room, sizeof *map->retired));
    if (map->low)
        root_free(map, map->low);
    lwi_root *root = atomic_load_explicit(&map->high, memory_order_relaxed), *next;
    for (; root; root = next) {
        next = root->next;
        root_free(map, root);
    }
    memset(map, 0, sizeof *map);
}
