/* The default allocator: small blocks from size classes cut out of mapped chunks, large blocks
 * as mappings of their own. One heap for the process, as malloc is, and never malloc itself. */
#include "platform/pages.h"

#include "platform/system.h"
#include "platform/thread.h"

#include <string.h>

enum {
    PAGE = 4096,
    CHUNK = 256 * 1024,
    LARGE = 32 * 1024, /* from here on a mapping of its own */
    CLASSES = 40
};

typedef struct free_block {
    struct free_block *next;
} free_block;

static struct {
    lwi_lock lock;
    free_block *free[CLASSES];
    unsigned char *chunk;
    size_t left;
    _Atomic uint64_t held; /* mapped, in bytes */
} heap;

static void *map_counted(size_t size)
{
    void *pages = lwi_pages_map(size);
    if (pages)
        atomic_fetch_add_explicit(&heap.held, size, memory_order_relaxed);
    return pages;
}

uint64_t lwi_pages_held(void)
{
    return atomic_load_explicit(&heap.held, memory_order_relaxed);
}

/* Four classes per doubling: at most a quarter is lost. 16, 32, 48, 64, 80, 96, 112, 128, 160 … */
static unsigned class_of(size_t size, size_t *rounded)
{
    if (size <= 128) {
        unsigned steps = (unsigned)((size + 15) / 16);
        *rounded = (size_t)steps * 16;
        return steps - 1;
    }
    unsigned class = 8;
    size_t base = 128;
    while (size > base * 2) {
        base *= 2;
        class += 4;
    }
    size_t step = base / 4;
    size_t steps = (size - base + step - 1) / step;
    *rounded = base + steps * step;
    return class + (unsigned)steps - 1;
}

static size_t page_round(size_t size)
{
    return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static void *small_alloc(size_t size)
{
    size_t rounded;
    unsigned class = class_of(size, &rounded);
    lwi_lock_take(&heap.lock);
    free_block *block = heap.free[class];
    if (block) {
        heap.free[class] = block->next;
    } else {
        if (heap.left < rounded) {
            void *chunk = map_counted(CHUNK);
            if (chunk) {
                heap.chunk = chunk;
                heap.left = CHUNK;
            }
        }
        if (heap.left >= rounded) {
            block = (free_block *)(void *)heap.chunk;
            heap.chunk += rounded;
            heap.left -= rounded;
        }
    }
    lwi_lock_give(&heap.lock);
    return block;
}

static void small_free(void *block, size_t size)
{
    size_t rounded;
    unsigned class = class_of(size, &rounded);
    free_block *head = block;
    lwi_lock_take(&heap.lock);
    head->next = heap.free[class];
    heap.free[class] = head;
    lwi_lock_give(&heap.lock);
}

static void *any_alloc(size_t size)
{
    if (size < LARGE)
        return small_alloc(size);
    return size > SIZE_MAX - PAGE ? NULL : map_counted(page_round(size));
}

static void any_free(void *block, size_t size)
{
    if (size < LARGE) {
        small_free(block, size);
        return;
    }
    lwi_pages_unmap(block, page_round(size));
    atomic_fetch_sub_explicit(&heap.held, page_round(size), memory_order_relaxed);
}

static void *pages_realloc(void *block, size_t old_size, size_t new_size, void *user)
{
    (void)user;
    if (!block)
        return new_size ? any_alloc(new_size) : NULL;
    if (new_size == 0) {
        any_free(block, old_size);
        return NULL;
    }
    if (old_size >= LARGE && new_size >= LARGE && new_size <= SIZE_MAX - PAGE) {
        if (page_round(old_size) == page_round(new_size))
            return block;
        void *moved = lwi_pages_remap(block, page_round(old_size), page_round(new_size));
        if (moved) {
            atomic_fetch_add_explicit(&heap.held, page_round(new_size) - page_round(old_size),
                                      memory_order_relaxed);
            return moved;
        }
    }
    void *copy = any_alloc(new_size);
    if (copy) {
        memcpy(copy, block, old_size < new_size ? old_size : new_size);
        any_free(block, old_size);
    }
    return copy;
}

lw_allocator lwi_pages_allocator(void)
{
    lw_allocator allocator = {pages_realloc, NULL};
    return allocator;
}

void lwi_pages_fork_prepare(void)
{
    lwi_lock_take(&heap.lock);
}

void lwi_pages_fork_done(void)
{
    lwi_lock_give(&heap.lock);
}
