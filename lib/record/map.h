/* The block map: from an address to {size, birth} without hashing.
 *
 *   address   63..48     47..36      35..26      25..12       11..0
 *             high list  root[4096]  middle      leaf[16384]  place in the page
 *                                    [1024]          |
 *                                                    v
 *                                      page word: node of 2^level slots of 8 bytes, in lines of 8
 *
 * A slot holds the record of one block, by the granule of the page in which it starts:
 *
 *     frozen:1 | strays:1 | birth:30 | size:24 | granule:8
 *
 * A block's home slot is where its granule lies among the page's granules; if another block is
 * there, any other slot of the same line (which is a line of the cache) will do, and the home notes
 * that one of its blocks may have strayed: only then is the line searched. When a line is full, the
 * page is promoted to twice the slots or more, at the finest one slot per granule. So a block costs
 * 8 to 16 bytes whatever its size, and neighbours stay neighbours.
 *
 * A finest slot belongs to the owner of its block and needs no lock; others are changed by
 * compare-and-swap, or plainly where the host orders all events (`concurrent` false). Promotion
 * freezes the slots before it copies them. */
#ifndef LWI_RECORD_MAP_H
#define LWI_RECORD_MAP_H

#include "base/mem.h"
#include "platform/thread.h"

enum {
    LWI_PAGE_BITS = 12,
    LWI_LEAF_BITS = 14,
    LWI_MIDDLE_BITS = 10,
    LWI_ROOT_BITS = 12
};

typedef struct lwi_record {
    uint64_t size;
    uint32_t birth; /* 0: no block */
} lwi_record;

typedef _Atomic uint64_t lwi_slot_word;

typedef struct lwi_leaf {
    _Atomic uintptr_t page[1 << LWI_LEAF_BITS]; /* node address | level */
} lwi_leaf;

typedef struct lwi_middle {
    _Atomic(lwi_leaf *) leaf[1 << LWI_MIDDLE_BITS];
} lwi_middle;

typedef struct lwi_root {
    uint64_t top; /* bits 63..48 of its addresses */
    struct lwi_root *next;
    _Atomic(lwi_middle *) middle[1 << LWI_ROOT_BITS];
} lwi_root;

struct lwi_huge;

typedef struct lwi_map {
    uint8_t shift;     /* log2 of the granule: 4, 3 or 0 bytes */
    uint8_t off_bits;  /* for the granule; what is left of 32 is for the size */
    uint8_t max_level; /* LWI_PAGE_BITS - shift */
    _Atomic uint8_t plain_from; /* on this level and above, events change slots plainly */
    uint32_t limit;             /* larger sizes, and this one, lie in `huge` */
    _Atomic uint64_t largest;   /* no block was ever larger */
    lwi_root *low; /* top 0: every address of a process today */
    lwi_mem *mem;
    _Atomic(lwi_root *) high;
    struct lwi_huge *huge;
    void **retired; /* nodes replaced while others might still look at them */
    uint64_t retired_count, retired_room;
    lwi_lock lock; /* promotion, the table of huge sizes, walks */
} lwi_map;

bool lwi_map_init(lwi_map *map, lwi_mem *mem, unsigned shift, bool concurrent);
void lwi_map_done(lwi_map *map);

/* Whether events come from several threads at once. */
void lwi_map_order(lwi_map *map, bool concurrent);

/* Stores a record; `old` receives what was at this very address. False without memory: then the
 * map is as before, but for `old`, which was taken out. What leaves the map is named in `held`
 * first, so that a walk that misses it sees it there. */
bool lwi_map_set(lwi_map *map, uint64_t address, lwi_record record, lwi_record *old,
                 _Atomic uint32_t *held);

/* Takes a record out. */
lwi_record lwi_map_take(lwi_map *map, uint64_t address, _Atomic uint32_t *held);

lwi_record lwi_map_get(lwi_map *map, uint64_t address);

/* The block that starts at or before `address` and reaches beyond it. Under the map's lock. */
lwi_record lwi_map_covering(lwi_map *map, uint64_t address, uint64_t *start);

/* Visits the blocks that start from `first` to `last` until told to stop by false, under the map's
 * lock; events go on. Pages come in order, the blocks of a page need not. */
typedef bool (*lwi_map_fn)(uint64_t address, lwi_record record, void *user);
void lwi_map_each(lwi_map *map, uint64_t first, uint64_t last, lwi_map_fn visit, void *user);

#endif
