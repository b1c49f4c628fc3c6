/* Memory that goes back all at once: arrays and text with one owner and one life. */
#ifndef LWI_BASE_ARENA_H
#define LWI_BASE_ARENA_H

#include "base/mem.h"

typedef struct lwi_arena_chunk lwi_arena_chunk;

typedef struct lwi_arena {
    lwi_mem *mem;
    lwi_arena_chunk *chunks; /* the first one has room left */
} lwi_arena;

void lwi_arena_init(lwi_arena *arena, lwi_mem *mem);

/* Aligned to 16 bytes, not zeroed; NULL when memory ran out. Sizes of 0 are lawful. */
void *lwi_arena_alloc(lwi_arena *arena, size_t size);

/* The same, for `count` items; NULL also when they do not fit a size_t. */
void *lwi_arena_array(lwi_arena *arena, uint64_t count, size_t size);
void *lwi_arena_zeros(lwi_arena *arena, uint64_t count, size_t size);

/* A terminated copy, packed byte by byte. */
const char *lwi_arena_text(lwi_arena *arena, const char *text, size_t length);

void lwi_arena_free(lwi_arena *arena);

#endif
