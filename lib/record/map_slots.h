/* The inside of the block map: slots, nodes and the table of sizes that do not fit a slot. Shared
 * by map.c (what events do) and map_walk.c (walks, beginning and end). */
#ifndef LWI_RECORD_MAP_SLOTS_H
#define LWI_RECORD_MAP_SLOTS_H

#include "record/map.h"
#include "record/uthash_mem.h"

typedef struct lwi_huge {
    uint64_t address;
    uint64_t size;
    UT_hash_handle hh;
} lwi_huge;

enum { MIN_LEVEL = 1, LINE = 8 };

/* Bits of a slot; births have 30. */
#define FROZEN (UINT64_C(1) << 63) /* the node is being replaced: nobody changes it */
#define STRAYS (UINT64_C(1) << 62) /* a block whose home this is may lie elsewhere in the line */
#define LEVEL_MASK ((uintptr_t)15)

static inline bool is_concurrent(const lwi_map *map)
{
    return atomic_load_explicit(&map->plain_from, memory_order_relaxed) > 0;
}

/* Which granule of its page an address is in. */
static inline unsigned granule(const lwi_map *map, uint64_t address)
{
    return (unsigned)(address & ((1u << LWI_PAGE_BITS) - 1)) >> map->shift;
}

/* The slot that a granule's block takes if it is free. */
static inline unsigned home(const lwi_map *map, unsigned place, unsigned level)
{
    return place >> (map->max_level - level);
}

static inline uint64_t slot_value(const lwi_map *map, uint64_t address, lwi_record record)
{
    uint64_t size = record.size < map->limit ? record.size : map->limit;
    return (uint64_t)record.birth << 32 | size << map->off_bits | granule(map, address);
}

static inline unsigned value_granule(const lwi_map *map, uint64_t value)
{
    return (unsigned)(value & ((UINT64_C(1) << map->off_bits) - 1));
}

static inline uint64_t value_size(const lwi_map *map, uint64_t value)
{
    return (uint32_t)value >> map->off_bits;
}

static inline uint32_t value_birth(uint64_t value)
{
    return (uint32_t)((value & ~(FROZEN | STRAYS)) >> 32);
}

static inline uint64_t value_address(const lwi_map *map, uint64_t page, uint64_t value)
{
    return (page << LWI_PAGE_BITS) + ((uint64_t)value_granule(map, value) << map->shift);
}

static inline lwi_slot_word *node_of(uintptr_t word)
{
    return (lwi_slot_word *)(word & ~LEVEL_MASK);
}

static inline unsigned level_of(uintptr_t word)
{
    return (unsigned)(word & LEVEL_MASK);
}

static inline size_t node_size(unsigned level)
{
    return sizeof(lwi_slot_word) << level;
}

static inline lwi_huge *huge_find(lwi_map *map, uint64_t address)
{
    lwi_huge *huge;
    HASH_FIND(hh, map->huge, &address, sizeof address, huge);
    return huge;
}

static inline unsigned middle_index(uint64_t address)
{
    return (unsigned)(address >> (LWI_PAGE_BITS + LWI_LEAF_BITS + LWI_MIDDLE_BITS)) &
           ((1u << LWI_ROOT_BITS) - 1);
}

static inline unsigned leaf_index(uint64_t address)
{
    return (unsigned)(address >> (LWI_PAGE_BITS + LWI_LEAF_BITS)) & ((1u << LWI_MIDDLE_BITS) - 1);
}

/* The root of an address's upper bits; NULL if there is none, or without memory to `create` it. */
lwi_root *lwi_map_root(lwi_map *map, uint64_t address, bool create);

/* The leaf that has it. Leaves stay where they are as long as the map. */
lwi_leaf *lwi_map_leaf(lwi_map *map, uint64_t address, bool create);

/* The word of an address's page; NULL if there is none, or without memory to `create` it. */
_Atomic uintptr_t *lwi_map_page(lwi_map *map, uint64_t address, bool create);

/* A slot's value as a record; `take` also takes the size out of the table of huge ones. */
lwi_record lwi_map_value(lwi_map *map, uint64_t address, uint64_t value, bool take);

#endif
