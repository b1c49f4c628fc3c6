/* Our own memory: every byte goes through one lw_allocator and is counted. */
#ifndef LWI_BASE_MEM_H
#define LWI_BASE_MEM_H

#include <leakwatch/base.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct lwi_mem {
    lw_allocator allocator;
    _Atomic uint64_t bytes;
    _Atomic uint64_t peak;
} lwi_mem;

/* An allocator with `realloc` NULL becomes `fallback`. */
void lwi_mem_init(lwi_mem *mem, lw_allocator allocator, lw_allocator fallback);

void *lwi_alloc(lwi_mem *mem, size_t size);      /* zeroed; NULL when memory ran out */
void *lwi_resize(lwi_mem *mem, void *block, size_t old_size, size_t new_size); /* tail not zeroed */
void lwi_free(lwi_mem *mem, void *block, size_t size); /* NULL is allowed */
char *lwi_strdup(lwi_mem *mem, const char *text);
void lwi_strfree(lwi_mem *mem, char *text);

/* count * size, or 0 when that does not fit a size_t. */
size_t lwi_array_size(uint64_t count, size_t size);

/* Makes room for `want` items in a growing array; false (array unchanged) without memory. */
bool lwi_grow(lwi_mem *mem, void **items, uint64_t *capacity, uint64_t want, size_t item_size);

#endif
