#include "base/mem.h"

#include <string.h>

void lwi_mem_init(lwi_mem *mem, lw_allocator allocator, lw_allocator fallback)
{
    mem->allocator = allocator.realloc ? allocator : fallback;
    atomic_init(&mem->bytes, 0);
    atomic_init(&mem->peak, 0);
}

static void account(lwi_mem *mem, size_t old_size, size_t new_size)
{
    uint64_t change = (uint64_t)new_size - (uint64_t)old_size;
    uint64_t now = atomic_fetch_add_explicit(&mem->bytes, change, memory_order_relaxed) + change;
    uint64_t peak = atomic_load_explicit(&mem->peak, memory_order_relaxed);
    while (new_size > old_size && now > peak &&
           !atomic_compare_exchange_weak_explicit(&mem->peak, &peak, now, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

void *lwi_resize(lwi_mem *mem, void *block, size_t old_size, size_t new_size)
{
    void *moved = mem->allocator.realloc(block, old_size, new_size, mem->allocator.user);
    if (moved || new_size == 0)
        account(mem, old_size, new_size);
    return moved;
}

void *lwi_alloc(lwi_mem *mem, size_t size)
{
    if (size == 0)
        return NULL;
    void *block = lwi_resize(mem, NULL, 0, size);
    if (block)
        memset(block, 0, size);
    return block;
}

void lwi_free(lwi_mem *mem, void *block, size_t size)
{
    if (block)
        lwi_resize(mem, block, size, 0);
}

char *lwi_strdup(lwi_mem *mem, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = lwi_resize(mem, NULL, 0, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void lwi_strfree(lwi_mem *mem, char *text)
{
    if (text)
        lwi_free(mem, text, strlen(text) + 1);
}

size_t lwi_array_size(uint64_t count, size_t size)
{
    if (count > SIZE_MAX / 2 || (size && count > (SIZE_MAX / 2) / size))
        return 0;
    return (size_t)count * size;
}

bool lwi_grow(lwi_mem *mem, void **items, uint64_t *capacity, uint64_t want, size_t item_size)
{
    if (want <= *capacity)
        return true;
    uint64_t room = *capacity + *capacity / 2 + 8;
    if (room < want)
        room = want;
    size_t size = lwi_array_size(room, item_size);
    if (size == 0)
        return false;
    void *moved = lwi_resize(mem, *items, lwi_array_size(*capacity, item_size), size);
    if (!moved)
        return false;
    *items = moved;
    *capacity = room;
    return true;
}
