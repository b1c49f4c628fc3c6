#include "record/map_slots.h"

/* ---- sizes that do not fit a slot ---- */

/* `was` receives the size that was here, 0 if there was none: a size that has a place keeps it, so
 * changing it needs no memory. */
static bool huge_put(lwi_map *map, uint64_t address, uint64_t size, uint64_t *was)
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
    *was = huge ? huge->size : 0;
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
    uint64_t size = huge ? huge->size : map->limit;
    if (huge && take) {
        HASH_DEL(map->huge, huge);
        lwi_free(map->mem, huge, sizeof *huge);
    }
    lwi_lock_give(&map->lock);
    return size;
}

lwi_record lwi_map_value(lwi_map *map, uint64_t address, uint64_t value, bool take)
{
    lwi_record record = {value_size(map, value), value_birth(value)};
    if (record.birth && record.size == map->limit)
        record.size = huge_get(map, address, take);
    return record;
}

/* ---- from an address to its page word ---- */

lwi_root *lwi_map_root(lwi_map *map, uint64_t address, bool create)
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

lwi_leaf *lwi_map_leaf(lwi_map *map, uint64_t address, bool create)
{
    lwi_root *root = address >> 48 == 0 ? map->low : lwi_map_root(map, address, create);
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
    if (!leaf && create)
        leaf = child_make(map, (_Atomic(void *) *)l, sizeof *leaf);
    return leaf;
}

_Atomic uintptr_t *lwi_map_page(lwi_map *map, uint64_t address, bool create)
{
    lwi_leaf *leaf = lwi_map_leaf(map, address, create);
    return leaf ? &leaf->page[(address >> LWI_PAGE_BITS) & ((1u << LWI_LEAF_BITS) - 1)] : NULL;
}

/* ---- nodes ---- */

static unsigned first_level(const lwi_map *map, uint64_t size)
{
    unsigned level = MIN_LEVEL;
    size = size ? size : 64; /* empty blocks lie as far apart as small ones */
    while (level < map->max_level && (UINT64_C(1) << (LWI_PAGE_BITS - level)) > size)
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
static bool node_retire_room(lwi_map *map, bool concurrent)
{
    return !concurrent ||
           lwi_grow(map->mem, (void **)&map->retired, &map->retired_room, map->retired_count + 1,
                    sizeof *map->retired);
}

static void node_retire(lwi_map *map, uintptr_t word, bool concurrent)
{
    if (concurrent)
        map->retired[map->retired_count++] = (void *)word;
    else
        lwi_free(map->mem, node_of(word), node_size(level_of(word)));
}

/* A free slot of a granule's line, its home first; NULL when the line is full. In a node that no
 * event has seen yet. */
static lwi_slot_word *slot_free(const lwi_map *map, lwi_slot_word *node, unsigned level,
                                unsigned place)
{
    unsigned at = home(map, place, level), line = at & ~(LINE - 1u);
    if (atomic_load_explicit(&node[at], memory_order_relaxed) == 0)
        return &node[at];
    if (level == map->max_level)
        return NULL;
    for (unsigned i = line; i < line + LINE && i < 1u << level; i++) {
        if (atomic_load_explicit(&node[i], memory_order_relaxed) == 0)
            return &node[i];
    }
    return NULL;
}

/* From now on nobody changes a slot of this node; in a serial map nobody could. */
static void node_freeze(uintptr_t word, bool concurrent)
{
    for (unsigned i = 0; concurrent && i < 1u << level_of(word); i++)
        atomic_fetch_or_explicit(&node_of(word)[i], FROZEN, memory_order_acq_rel);
}

static void node_thaw(uintptr_t word, bool concurrent)
{
    for (unsigned i = 0; concurrent && i < 1u << level_of(word); i++)
        atomic_fetch_and_explicit(&node_of(word)[i], ~FROZEN, memory_order_release);
}

static void note_stray(lwi_slot_word *at)
{
    atomic_fetch_or_explicit(at, STRAYS, memory_order_acq_rel);
}

/* Copies a node into a finer one; false if its lines have no room for all and one more. */
static bool node_copy(const lwi_map *map, uintptr_t word, lwi_slot_word *to, unsigned level,
                      unsigned one_more)
{
    for (unsigned i = 0; i < 1u << level_of(word); i++) {
        uint64_t value = atomic_load_explicit(&node_of(word)[i], memory_order_relaxed);
        if (!value_birth(value))
            continue;
        lwi_slot_word *at = &to[home(map, value_granule(map, value), level)];
        lwi_slot_word *slot = slot_free(map, to, level, value_granule(map, value));
        if (!slot)
            return false;
        atomic_store_explicit(slot, value & ~(FROZEN | STRAYS), memory_order_relaxed);
        if (slot != at)
            note_stray(at);
    }
    return slot_free(map, to, level, one_more) != NULL;
}

/* A finer copy of a frozen node, with room for one more block; 0 without memory. */
static uintptr_t node_refine(lwi_map *map, uintptr_t word, unsigned one_more)
{
    for (unsigned level = level_of(word) + 1; level <= map->max_level; level++) {
        lwi_slot_word *node = lwi_alloc(map->mem, node_size(level));
        if (!node)
            return 0;
        if (node_copy(map, word, node, level, one_more))
            return (uintptr_t)node | level;
        lwi_free(map->mem, node, node_size(level));
    }
    return 0; /* not reached: the finest has a slot for every granule */
}

/* Makes room for a block whose line is full. */
static bool promote(lwi_map *map, _Atomic uintptr_t *page, uintptr_t word, unsigned one_more)
{
    lwi_lock_take(&map->lock);
    bool done = true, concurrent = is_concurrent(map);
    if (atomic_load_explicit(page, memory_order_relaxed) == word) {
        done = node_retire_room(map, concurrent);
        if (done)
            node_freeze(word, concurrent);
        uintptr_t finer = done ? node_refine(map, word, one_more) : 0;
        if (finer) {
            atomic_store_explicit(page, finer, memory_order_release);
            node_retire(map, word, concurrent);
        } else if (done) {
            node_thaw(word, concurrent);
            done = false;
        }
    }
    lwi_lock_give(&map->lock);
    return done;
}

/* ---- the three things an event does ---- */

/* What the slot says of strays stays; `old` receives what is there if that is something else. */
static bool slot_change(const lwi_map *map, unsigned level, lwi_slot_word *slot, uint64_t *old,
                        uint64_t value, _Atomic uint32_t *held)
{
    if (value_birth(*old))
        atomic_store_explicit(held, value_birth(*old), memory_order_relaxed);
    if (level >= atomic_load_explicit(&map->plain_from, memory_order_relaxed)) {
        atomic_store_explicit(slot, value, memory_order_release); /* the slot is ours alone */
        return true;
    }
    return atomic_compare_exchange_strong_explicit(slot, old, value, memory_order_acq_rel,
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

/* What a look at a granule's line found. */
typedef struct look {
    lwi_slot_word *home;
    lwi_slot_word *slot; /* of the granule's block; else a free one, the home first; or NULL */
    uint64_t value;      /* of `slot` */
    bool found;          /* the granule's block */
    bool frozen;         /* the node is being replaced: look again */
} look;

static bool look_at(const lwi_map *map, look *look, lwi_slot_word *slot, unsigned place)
{
    uint64_t value = atomic_load_explicit(slot, memory_order_acquire);
    look->frozen = value & FROZEN;
    look->found = value_birth(value) && value_granule(map, value) == place;
    if (look->found || (!value_birth(value) && !look->slot)) {
        look->slot = slot;
        look->value = value;
    }
    return look->frozen || look->found;
}

/* Whether a block of this home lies in another slot of the line. */
static bool has_strays(const lwi_map *map, const lwi_slot_word *node, unsigned at, unsigned level)
{
    unsigned line = at & ~(LINE - 1u);
    for (unsigned i = line; i < line + LINE && i < 1u << level; i++) {
        uint64_t value = atomic_load_explicit(&node[i], memory_order_acquire);
        if (i != at && value_birth(value) && home(map, value_granule(map, value), level) == at)
            return true;
    }
    return false;
}

static look line_look(const lwi_map *map, uintptr_t word, unsigned place)
{
    unsigned level = level_of(word);
    unsigned at = home(map, place, level), line = at & ~(LINE - 1u);
    lwi_slot_word *node = node_of(word);
    look look = {&node[at], NULL, 0, false, false};
    if (look_at(map, &look, &node[at], place) || level == map->max_level ||
        (look.slot && !(look.value & STRAYS)))
        return look;
    for (unsigned i = line; i < line + LINE && i < 1u << level; i++) {
        if (i != at && look_at(map, &look, &node[i], place))
            break;
    }
    return look;
}

/* Stores into the slot that a look found. A block that goes astray is noted at its home after it is
 * there; who takes the note away looks again afterwards. So it is missing only while nobody needs
 * it: in the midst of the event of the one block or of the other. */
static bool slot_fill(const lwi_map *map, uintptr_t word, const look *look, uint64_t *displaced,
                      uint64_t value, _Atomic uint32_t *held)
{
    unsigned level = level_of(word), at = (unsigned)(look->home - node_of(word));
    uint64_t strays = look->value & STRAYS;
    bool at_home = look->slot == look->home;
    if (strays && at_home && !look->found && !has_strays(map, node_of(word), at, level))
        strays = 0;
    *displaced = look->value;
    if (!slot_change(map, level, look->slot, displaced, value | strays, held))
        return false;
    bool cleared = at_home && strays != (look->value & STRAYS);
    if ((!at_home && !look->found) || (cleared && has_strays(map, node_of(word), at, level)))
        note_stray(look->home);
    return true;
}

static bool slot_set(lwi_map *map, uint64_t address, lwi_record record, uint64_t *displaced,
                     _Atomic uint32_t *held)
{
    _Atomic uintptr_t *page = lwi_map_page(map, address, true);
    uint64_t value = slot_value(map, address, record);
    unsigned spins = 0;
    while (page) {
        uintptr_t word = atomic_load_explicit(page, memory_order_acquire);
        if (word == 0) {
            if (!node_make(map, page, record.size))
                return false;
            continue;
        }
        look look = line_look(map, word, granule(map, address));
        if (look.frozen)
            lwi_pause(&spins);
        else if (!look.slot && !promote(map, page, word, granule(map, address)))
            return false;
        else if (look.slot && slot_fill(map, word, &look, displaced, value, held))
            return true;
    }
    return false;
}

bool lwi_map_set(lwi_map *map, uint64_t address, lwi_record record, lwi_record *old,
                 _Atomic uint32_t *held)
{
    uint64_t displaced = 0, was = 0;
    bool huge = record.size >= map->limit;
    *old = (lwi_record){0, 0};
    if (record.size > atomic_load_explicit(&map->largest, memory_order_relaxed))
        note_size(map, record.size);
    if (huge && !huge_put(map, address, record.size, &was)) {
        *old = lwi_map_take(map, address, held);
        return false;
    }
    if (!slot_set(map, address, record, &displaced, held)) { /* so nothing was there */
        if (huge)
            huge_get(map, address, true);
        return false;
    }
    if (value_birth(displaced) && huge)
        *old = (lwi_record){was ? was : value_size(map, displaced), value_birth(displaced)};
    else if (value_birth(displaced))
        *old = lwi_map_value(map, address, displaced, true);
    return true;
}

/* The slot of `address` with its value; NULL when no block starts there. */
static lwi_slot_word *slot_find(lwi_map *map, uint64_t address, uint64_t *value, unsigned *level)
{
    _Atomic uintptr_t *page = lwi_map_page(map, address, false);
    unsigned spins = 0;
    while (page) {
        uintptr_t word = atomic_load_explicit(page, memory_order_acquire);
        if (word == 0)
            return NULL;
        look look = line_look(map, word, granule(map, address));
        if (!look.frozen) {
            *level = level_of(word);
            *value = look.value;
            return look.found ? look.slot : NULL;
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
        if (slot_change(map, level, slot, &value, value & STRAYS, held))
            return lwi_map_value(map, address, value, true);
    }
}

lwi_record lwi_map_get(lwi_map *map, uint64_t address)
{
    uint64_t value;
    unsigned level;
    if (!slot_find(map, address, &value, &level))
        return (lwi_record){0, 0};
    return lwi_map_value(map, address, value, false);
}
