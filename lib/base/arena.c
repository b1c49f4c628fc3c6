#include "base/arena.h"

#include <string.h>

enum {
    ALIGN = 16,
    FIRST_CHUNK = 1024,
    LAST_CHUNK = 16 * 1024
};

struct lwi_arena_chunk {
    lwi_arena_chunk *next;
    size_t size; /* of the chunk, with this header */
    size_t used;
};

static const size_t header = (sizeof(lwi_arena_chunk) + ALIGN - 1) / ALIGN * ALIGN;

void lwi_arena_init(lwi_arena *arena, lwi_mem *mem)
{
    arena->mem = mem;
    arena->chunks = NULL;
}

static lwi_arena_chunk *new_chunk(lwi_arena *arena, size_t size)
{
    lwi_arena_chunk *chunk = lwi_resize(arena->mem, NULL, 0, size);
    if (!chunk)
        return NULL;
    chunk->size = size;
    chunk->used = header;
    return chunk;
}

/* A large block gets a chunk of its own, behind the one that still has room. */
static void *alloc_apart(lwi_arena *arena, size_t size)
{
    lwi_arena_chunk *chunk = new_chunk(arena, header + size);
    if (!chunk)
        return NULL;
    chunk->used = chunk->size;
    lwi_arena_chunk **place = arena->chunks ? &arena->chunks->next : &arena->chunks;
    chunk->next = *place;
    *place = chunk;
    return (unsigned char *)chunk + header;
}

static void *alloc(lwi_arena *arena, size_t size, size_t align)
{
    lwi_arena_chunk *chunk = arena->chunks;
    if (chunk) {
        size_t start = (chunk->used + align - 1) / align * align;
        if (start <= chunk->size && size <= chunk->size - start) {
            chunk->used = start + size;
            return (unsigned char *)chunk + start;
        }
    }
    if (size > SIZE_MAX / 2)
        return NULL;
    if (size >= FIRST_CHUNK / 2)
        return alloc_apart(arena, size);
    size_t want = chunk ? chunk->size * 2 : FIRST_CHUNK;
    want = want < FIRST_CHUNK ? FIRST_CHUNK : want > LAST_CHUNK ? LAST_CHUNK : want;
    lwi_arena_chunk *next = new_chunk(arena, want);
    if (!next)
        return NULL;
    next->next = chunk;
    arena->chunks = next;
    next->used = header + size;
    return (unsigned char *)next + header;
}

void *lwi_arena_alloc(lwi_arena *arena, size_t size)
{
    return alloc(arena, size, ALIGN);
}

void *lwi_arena_array(lwi_arena *arena, uint64_t count, size_t size)
{
    size_t bytes = lwi_array_size(count, size);
    return bytes || count == 0 ? alloc(arena, bytes, ALIGN) : NULL;
}

void *lwi_arena_zeros(lwi_arena *arena, uint64_t count, size_t size)
{
    void *items = lwi_arena_array(arena, count, size);
    if (items)
        memset(items, 0, (size_t)count * size);
    return items;
}

const char *lwi_arena_text(lwi_arena *arena, const char *text, size_t length)
{
    if (length > SIZE_MAX / 2)
        return NULL;
    char *copy = alloc(arena, length + 1, 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void lwi_arena_free(lwi_arena *arena)
{
    lwi_arena_chunk *chunk = arena->chunks;
    while (chunk) {
        lwi_arena_chunk *next = chunk->next;
        lwi_free(arena->mem, chunk, chunk->size);
        chunk = next;
    }
    arena->chunks = NULL;
}
