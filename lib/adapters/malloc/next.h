/* The allocator that comes after us, and memory for the time before it is found. */
#ifndef LWM_NEXT_H
#define LWM_NEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lwm_functions {
    void *(*malloc)(size_t size);
    void (*free)(void *block);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t size);
    int (*posix_memalign)(void **block, size_t alignment, size_t size);
    void *(*aligned_alloc)(size_t alignment, size_t size);
    void *(*memalign)(size_t alignment, size_t size);
    void *(*valloc)(size_t size);
    void *(*pvalloc)(size_t size);
    size_t (*malloc_usable_size)(void *block);
} lwm_functions;

extern lwm_functions lwm_next;

/* False while the search is on: dlsym itself may allocate. */
bool lwm_next_find(void);

/* A few blocks from a static array, never given back. */
void *lwm_early_alloc(size_t alignment, size_t size);
size_t lwm_early_size(const void *block);

extern unsigned char lwm_early[];
enum { LWM_EARLY_SIZE = 64 * 1024 };

static inline bool lwm_early_owns(const void *block)
{
    return (uintptr_t)block - (uintptr_t)lwm_early < LWM_EARLY_SIZE;
}

#endif
