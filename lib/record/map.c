#include "record/map.h"

#include "record/uthash_mem.h"

#include <string.h>

typedef struct lwi_huge {
    uint64_t address;
    uint64_t size;
    UT_hash_handle hh;
} lwi_huge;

enum { MIN_LEVEL = 1 };

#define FROZEN UINT64_C(1) /* birth 0: no block looks like this */
#define LEVEL_MASK ((uintptr_t)15)

/* ---- slots ---- */

static uint64_t size_limit(const lwi_map *map)
{
    return (UINT64_C(1) << (32 - map->off_bits)) - 1;
}

static unsigned part_bits(unsigned level)
{
    return LWI_PAGE_BITS - level;
}

static unsigned slot_index(uint64_t address, unsigned level)
{
    return (unsigned)(address & ((1u << LWI_PAGE_BITS) - 1)) >> part_bits(level);
}

static uint64_t slot_off(const lwi_map *map, uint64_t address, unsigned level)
{
    return (address & ((UINT64_C(1) << part_bits(level)) - 1)) >> map->shift;
}

static uint64_t slot_value(const lwi_map *map, uint64_t address, unsigned level, lwi_record record)
{
    uint64_t limit = size_limit(map);
    uint64_t size = record.size < limit ? record.size : limit;
    return (uint64_t)record.birth << 32 | size << map->off_bits | slot_off(map, address, level);
}

static uint64_t value_off(const lwi_map *map, uint64_t value)
{
    return value & ((UINT64_C(1) << map->off_bits) - 1);
}

static uint64_t value_address(const lwi_map *map, uint64_t page, unsigned index, unsigned level,
                              uint64_t value)
{
    return (page << LWI_PAGE_BITS) + ((uint64_t)index << part_bits(level)) +
           (value_off(map, value) << map->shift);
}

static lwi_slot_word *node_of(uintptr_t word)
{
    return (lwi_slot_word *)(word & ~LEVEL_MASK);
}

static unsigned level_of(uintptr_t word)
{
    return (unsigned)(word & LEVEL_MASK);
}

static size_t node_size(unsigned level)
{
    return sizeof(lwi_slot_word) << level;
}

/* ---- sizes that do not fit a slot ---- */

static lwi_huge *huge_find(lwi_map *map, uint64_t address)
{
    lwi_huge *huge;
    HASH_FIND(hh, map->huge, &address, sizeof address, huge);
    return huge;
}

static bool huge_put(lwi_map *map, uint64_t address, uint64_t size)
{
    lwi_mem *table_mem = map->mem;
    bool table_full = false;
    lwi_lock_take(&map->lock);
    lwi_huge *huge = huge_find(map, address);
    if (!huge && (huge = lwi_alloc(map->mem, sizeof *huge))) {
        huge->address = address;
        HASH_ADD(hh, map->huge, address, sizeof huge->address, huge);
        if (table_full) {
            lwi_free(map->mem, huge, sizeof *huge);
            huge = NULL;
        }
    }
    if (huge)
        huge->size = size;
    lwi_lock_give(&map->lock);
    return huge != NULL;
}

static uint64_t huge_get(lwi_map *map, uint64_t address, bool take)
{
    lwi_mem *table_mem = map->mem;
    lwi_lock_take(&map->lock);
    lwi_huge *huge = huge_find(map, address);
    uint64_t size = huge ? huge->size : size_limit(map);
    if (huge && take) {
        HASH_DEL(map->huge, huge);
        lwi_free(map->mem, huge, sizeof *huge);
    }
    lwi_lock_give(&map->lock);
    return size;
}

static lwi_record value_record(lwi_map *map, uint64_t address, uint64_t value, bool take)
{
    lwi_record record = {(uint32_t)value >> map->off_bits, (uint32_t)(value >> 32)};
    if (record.birth && record.size == size_limit(map))
        record.size = huge_get(map, address, take);
    return record;
}

/* ---- from an address to its page word ---- */

static lwi_root *root_of(lwi_map *map, uint64_t address, bool create)
{
    uint64_t top = address >> 48;
    if (top == 0)
        return map->low;
    lwi_root *root = atomic_load_explicit(&map->high, memory_order_acquire);
    for (; root; root = root->next) {
        if (root->top == top)
            return root;
    }
    if (!create)
        return NULL;
    lwi_root *fresh = lwi_alloc(map->mem, sizeof *fresh);
    if (!fresh)
        return NULL;
    fresh->top = top;
    lwi_lock_take(&map->lock);
    lwi_root *head = atomic_load_explicit(&map->high, memory_order_relaxed);
    for (root = head; root && root->top != top; root = root->next) {
    }
    if (!root) {
        fresh->next = head;
        atomic_store_explicit(&map->high, fresh, memory_order_release);
        root = fresh;
        fresh = NULL;
    }
    lwi_lock_give(&map->lock);
    lwi_free(map->mem, fresh, sizeof *fresh);
    return root;
}

static void *child_make(lwi_map *map, _Atomic(void *) *place, size_t size)
{
    void *fresh = lwi_alloc(map->mem, size), *expected = NULL;
    if (!fresh || atomic_compare_exchange_strong_explicit(place, &expected, fresh,
                                                          memory_order_acq_rel,
                                                          memory_order_acquire))
        return fresh;
    lwi_free(map->mem, fresh, size);
    return expected;
}

static unsigned middle_index(uint64_t address)
{
    return (unsigned)(address >> (LWI_PAGE_BITS + LWI_LEAF_BITS + LWI_MIDDLE_BITS)) &
           ((1u << LWI_ROOT_BITS) - 1);
}

static unsigned leaf_index(uint64_t address)
{
    return (unsigned)(address >> (LWI_PAGE_BITS + LWI_LEAF_BITS)) & ((1u << LWI_MIDDLE_BITS) - 1);
}

static _Atomic uintptr_t *page_of(lwi_map *map, uint64_t address, bool create)
{
    lwi_root *root = root_of(map, address, create);
    if (!root)
        return NULL;
    _Atomic(lwi_middle *) *m = &root->middle[middle_index(address)];
    lwi_middle *middle = atomic_load_explicit(m, memory_order_acquire);
    if (!middle) {
        middle = create ? child_make(map, (_Atomic(void *) *)m, sizeof *middle) : NULL;
        if (!middle)
            return NULL;
    }
    _Atomic(lwi_leaf *) *l = &middle->leaf[leaf_index(address)];
    lwi_leaf *leaf = atomic_load_explicit(l, memory_order_acquire);
    if (!leaf) {
        leaf = create ? child_make(map, (_Atomic(void *) *)l, sizeof *leaf) : NULL;
        if (!leaf)
            return NULL;
    }
    return &leaf->page[(address >> LWI_PAGE_BITS) & ((1u << LWI_LEAF_BITS) - 1)];
}

/* ---- nodes ---- */

static unsigned first_level(const lwi_map *map, uint64_t size)
{
    unsigned level = MIN_LEVEL;
    size = size ? size : 64; /* empty blocks lie as far apart as small ones */
    while (level < map->max_level && (UINT64_C(1) << part_bits(level)) > size)
        level++;
    return level;
}

static bool node_make(lwi_map *map, _Atomic uintptr_t *page, uint64_t size)
{
    unsigned level = first_level(map, size);
    lwi_slot_word *node = lwi_alloc(map->mem, node_size(level));
    uintptr_t expected = 0;
    if (node && !atomic_compare_exchange_strong_explicit(page, &expected, (uintptr_t)node | level,
                                                         memory_order_acq_rel,
                                                         memory_order_relaxed))
        lwi_free(map->mem, node, node_size(level));
    return node != NULL;
}

/* A node that others may still look at is kept, frozen, until the map goes. */
static bool node_retire_room(lwi_map *map)
{
    return !map->concurrent ||
           lwi_grow(map->mem, (void **)&map->retired, &map->retired_room, map->retired_count + 1,
                    sizeof *map->retired);
}

static void node_retire(lwi_map *map, uintptr_t word)
{
    if (map->concurrent)
        map->retired[map->retired_count++] = (void *)word;
    else
        lwi_free(map->mem, node_of(word), node_size(level_of(word)));
}

static void node_copy(lwi_map *map, uintptr_t word, lwi_slot_word *to, unsigned to_level)
{
    unsigned level = level_of(word);
    lwi_slot_word *from = node_of(word);
    uint64_t off_mask = (UINT64_C(1) << map->off_bits) - 1;
    for (unsigned i = 0; i < 1u << level; i++) {
        uint64_t value = map->concurrent
                             ? atomic_exchange_explicit(&from[i], FROZEN, memory_order_acq_rel)
                             : atomic_load_explicit(&from[i], memory_order_relaxed);
        if (value == 0)
            continue;
        uint64_t address = value_address(map, 0, i, level, value);
        value = (value & ~off_mask) | slot_off(map, address, to_level);
        atomic_store_explicit(&to[slot_index(address, to_level)], value, memory_order_relaxed);
    }
}

/* Makes the slots of a page so fine that the blocks at `a` and `b` have one each. */
static bool promote(lwi_map *map, _Atomic uintptr_t *page, uintptr_t word, uint64_t a, uint64_t b)
{
    unsigned level = level_of(word) + 1;
    while (slot_index(a, level) == slot_index(b, level))
        level++;
    lwi_lock_take(&map->lock);
    bool done = true;
    if (atomic_load_explicit(page, memory_order_relaxed) == word) {
        lwi_slot_word *node = node_retire_room(map) ? lwi_alloc(map->mem, node_size(level)) : NULL;
        done = node != NULL;
        if (node) {
            node_copy(map, word, node, level);
            atomic_store_explicit(page, (uintptr_t)node | level, memory_order_release);
            node_retire(map, word);
        }
    }
    lwi_lock_give(&map->lock);
    return done;
}

/* ---- the three things an event does ---- */

static bool exclusive(const lwi_map *map, unsigned level)
{
    return !map->concurrent || level == map->max_level;
}

static bool slot_change(const lwi_map *map, unsigned level, lwi_slot_word *slot, uint64_t *old,
                        uint64_t value, _Atomic uint32_t *held)
{
    if (*old)
        atomic_store_explicit(held, (uint32_t)(*old >> 32), memory_order_relaxed);
    if (exclusive(map, level)) {
        atomic_store_explicit(slot, value, memory_order_release);
        return true;
    }
    return atomic_compare_exchange_weak_explicit(slot, old, value, memory_order_acq_rel,
                                                 memory_order_relaxed);
}

static void note_size(lwi_map *map, uint64_t size)
{
    uint64_t largest = atomic_load_explicit(&map->largest, memory_order_relaxed);
    while (size > largest && !atomic_compare_exchange_weak_explicit(
                                 &map->largest, &largest, size, memory_order_relaxed,
                                 memory_order_relaxed)) {
    }
}

static bool slot_set(lwi_map *map, uint64_t address, lwi_record record, uint64_t *displaced,
                     _Atomic uint32_t *held)
{
    _Atomic uintptr_t *page = page_of(map, address, true);
    unsigned spins = 0;
    while (page) {
        uintptr_t word = atomic_load_explicit(page, memory_order_acquire);
        if (word == 0) {
            if (!node_make(map, page, record.size))
                return false;
            continue;
        }
        unsigned level = level_of(word);
        lwi_slot_word *slot = &node_of(word)[slot_index(address, level)];
        uint64_t old = atomic_load_explicit(slot, memory_order_relaxed);
        uint64_t value = slot_value(map, address, level, record);
        if (old == FROZEN) {
            lwi_pause(&spins);
        } else if (old == 0 || value_off(map, old) == value_off(map, value)) {
            if (slot_change(map, level, slot, &old, value, held)) {
                *displaced = old;
                return true;
            }
        } else {
            uint64_t other = value_address(map, address >> LWI_PAGE_BITS,
                                           slot_index(address, level), level, old);
            if (!promote(map, page, word, address, other))
                return false;
        }
    }
    return false;
}

bool lwi_map_set(lwi_map *map, uint64_t address, lwi_record record, lwi_record *old,
                 _Atomic uint32_t *held)
{
    uint64_t displaced = 0;
    bool huge = record.size >= size_limit(map);
    *old = (lwi_record){0, 0};
    if (record.size > atomic_load_explicit(&map->largest, memory_order_relaxed))
        note_size(map, record.size);
    if (huge) {
        *old = lwi_map_take(map, address, held);
        if (!huge_put(map, address, record.size))
            return false;
    }
    if (!slot_set(map, address, record, &displaced, held)) {
        if (huge)
            huge_get(map, address, true);
        else
            *old = lwi_map_take(map, address, held);
        return false;
    }
    if (displaced)
        *old = value_record(map, address, displaced, true);
    return true;
}

/* The slot of `address` with its value; NULL when no block starts there. */
static lwi_slot_word *slot_find(lwi_map *map, uint64_t address, uint64_t *value, unsigned *level)
{
    _Atomic uintptr_t *page = page_of(map, address, false);
    unsigned spins = 0;
    while (page) {
        uintptr_t word = atomic_load_explicit(page, memory_order_acquire);
        if (word == 0)
            return NULL;
        *level = level_of(word);
        lwi_slot_word *slot = &node_of(word)[slot_index(address, *level)];
        *value = atomic_load_explicit(slot, memory_order_acquire);
        if (*value != FROZEN) {
            bool here = *value != 0 && value_off(map, *value) == slot_off(map, address, *level);
            return here ? slot : NULL;
        }
        lwi_pause(&spins);
    }
    return NULL;
}

lwi_record lwi_map_take(lwi_map *map, uint64_t address, _Atomic uint32_t *held)
{
    for (;;) {
        uint64_t value;
        unsigned level;
        lwi_slot_word *slot = slot_find(map, address, &value, &level);
        if (!slot)
            return (lwi_record){0, 0};
        if (slot_change(map, level, slot, &value, 0, held))
            return value_record(map, address, value, true);
    }
}

lwi_record lwi_map_get(lwi_map *map, uint64_t address)
{
    uint64_t value;
    unsigned level;
    if (!slot_find(map, address, &value, &level))
        return (lwi_record){0, 0};
    return value_record(map, address, value, false);
}

/* ---- walks, beginning and end ---- */

typedef struct walk {
    lwi_map *map;
    uint64_t first, last;
    lwi_map_fn visit;
    void *user;
} walk;

static void walk_page(const walk *walk, uint64_t page, uintptr_t word)
{
    lwi_map *map = walk->map;
    unsigned level = level_of(word);
    lwi_slot_word *node = node_of(word);
    for (unsigned i = 0; i < 1u << level; i++) {
        uint64_t value = atomic_load_explicit(&node[i], memory_order_acquire);
        if (value >> 32 == 0)
            continue;
        uint64_t address = value_address(map, page, i, level, value);
        if (address < walk->first || address > walk->last)
            continue;
        lwi_record record = {(uint32_t)value >> map->off_bits, (uint32_t)(value >> 32)};
        if (record.size == size_limit(map)) {
            lwi_huge *huge = huge_find(map, address);
            record.size = huge ? huge->size : record.size;
        }
        walk->visit(address, record, walk->user);
    }
}

static void walk_leaf(const walk *walk, uint64_t base, lwi_leaf *leaf)
{
    const uint64_t page_mask = (UINT64_C(1) << LWI_LEAF_BITS) - 1;
    uint64_t page = base >> LWI_PAGE_BITS, end = page | page_mask;
    if (page < walk->first >> LWI_PAGE_BITS)
        page = walk->first >> LWI_PAGE_BITS;
    if (end > walk->last >> LWI_PAGE_BITS)
        end = walk->last >> LWI_PAGE_BITS;
    for (; page <= end; page++) {
        uintptr_t word = atomic_load_explicit(&leaf->page[page & page_mask], memory_order_acquire);
        if (word)
            walk_page(walk, page, word);
    }
}

/* Calls `walk_leaf` for each leaf that reaches into the range, in address order. */
static void walk_root(const walk *walk, lwi_root *root)
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
        if (leaf)
            walk_leaf(walk, base, leaf);
    }
}

void lwi_map_each(lwi_map *map, uint64_t first, uint64_t last, lwi_map_fn visit, void *user)
{
    walk walk = {map, first, last, visit, user};
    lwi_lock_take(&map->lock);
    if (map->low)
        walk_root(&walk, map->low);
    lwi_root *root = atomic_load_explicit(&map->high, memory_order_acquire);
    for (; root; root = root->next)
        walk_root(&walk, root);
    lwi_lock_give(&map->lock);
}

/* The last block of a page that starts at `address` or before. */
static lwi_record last_before(lwi_map *map, _Atomic uintptr_t *page, uint64_t address,
                              uint64_t *start)
{
    uintptr_t word = atomic_load_explicit(page, memory_order_acquire);
    unsigned level = level_of(word);
    lwi_slot_word *node = node_of(word);
    for (unsigned i = word ? slot_index(address, level) + 1 : 0; i-- > 0;) {
        uint64_t value = atomic_load_explicit(&node[i], memory_order_acquire);
        *start = value_address(map, address >> LWI_PAGE_BITS, i, level, value);
        if (value >> 32 != 0 && *start <= address)
            return value_record(map, *start, value, false);
    }
    return (lwi_record){0, 0};
}

lwi_record lwi_map_covering(lwi_map *map, uint64_t address, uint64_t *start)
{
    const uint64_t page_mask = (UINT64_C(1) << LWI_PAGE_BITS) - 1;
    const uint64_t leaf_mask = (UINT64_C(1) << (LWI_PAGE_BITS + LWI_LEAF_BITS)) - 1;
    uint64_t largest = atomic_load_explicit(&map->largest, memory_order_relaxed);
    uint64_t lowest = address > largest ? address - largest : 0;
    uint64_t at = address;
    for (;;) {
        _Atomic uintptr_t *page = page_of(map, at, false);
        if (page) {
            lwi_record record = last_before(map, page, at, start);
            if (record.birth) {
                bool inside = address == *start || address - *start < record.size;
                return inside ? record : (lwi_record){0, 0};
            }
        }
        uint64_t mask = page ? page_mask : leaf_mask;
        if ((at & ~mask) <= lowest || (at & ~mask) == 0)
            return (lwi_record){0, 0};
        at = (at & ~mask) - 1;
    }
}

bool lwi_map_init(lwi_map *map, lwi_mem *mem, unsigned shift, bool concurrent)
{
    memset(map, 0, sizeof *map);
    map->mem = mem;
    map->shift = (uint8_t)shift;
    map->off_bits = shift ? 8 : 12;
    map->max_level = (uint8_t)(LWI_PAGE_BITS - shift);
    map->concurrent = concurrent;
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
