/* The malloc family, as the program calls it. C++'s new and delete come through it too.
 *
 * An allocation is told of after it was made, a free before the memory goes back: then the record
 * belongs to whoever owns the block. */
#include "adapter.h"
#include "next.h"

#include <errno.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* An allocator may be made of its own public functions: only the outermost call is the program's. */
#define INSIDE(call)                                                                               \
    do {                                                                                           \
        lwm_thread.inside++;                                                                       \
        call;                                                                                      \
        lwm_thread.inside--;                                                                       \
    } while (0)

#define HERE __builtin_frame_address(0)

/* The caller's frame must still stand while the call before this runs. */
#define STAY __asm__ volatile("" ::: "memory")

static bool ready(void)
{
    return LWM_LIKELY(lwm_next.malloc != NULL) || lwm_next_find();
}

EXPORT void *malloc(size_t size)
{
    if (!ready())
        return lwm_early_alloc(16, size);
    void *block = lwm_next.malloc(size);
    if (LWM_LIKELY(block != NULL) && lwm_listening())
        lwm_on_alloc(block, size, HERE);
    return block;
}

EXPORT void free(void *block)
{
    if (!block || LWM_UNLIKELY(lwm_early_owns(block)) || !ready())
        return;
    if (lwm_listening())
        lw_block_free(lwm_domain, block);
    lwm_next.free(block);
}

EXPORT void cfree(void *block)
{
    free(block);
}

EXPORT void *calloc(size_t count, size_t size)
{
    void *block;
    if (!ready())
        return size && count > LWM_EARLY_SIZE / size ? NULL : lwm_early_alloc(16, count * size);
    INSIDE(block = lwm_next.calloc(count, size));
    if (LWM_LIKELY(block != NULL) && lwm_listening())
        lwm_on_alloc(block, count * size, HERE);
    return block;
}

/* A block of the time before the next allocator was known moves into it. */
static void *leave_early(void *block, size_t size)
{
    size_t old = lwm_early_size(block);
    void *moved = ready() ? lwm_next.malloc(size) : lwm_early_alloc(16, size);
    if (moved)
        memcpy(moved, block, old < size ? old : size);
    return moved;
}

/* A block that is resized to 0 is gone, whatever comes back. */
static void *resize(void *block, size_t size, const void *frame)
{
    lw_move move;
    void *moved;
    bool listening = lwm_listening();
    bool moves = listening && block && size;
    if (moves)
        lw_move_begin(lwm_domain, block, &move);
    else if (listening && block)
        lw_block_free(lwm_domain, block);
    INSIDE(moved = lwm_next.realloc(block, size));
    if (moves && moved)
        lwm_on_move(&move, moved, size, frame);
    else if (moves)
        lw_move_cancel(&move);
    else if (listening && moved)
        lwm_on_alloc(moved, size, frame);
    return moved;
}

EXPORT void *realloc(void *block, size_t size)
{
    if (LWM_UNLIKELY(block && lwm_early_owns(block)))
        return leave_early(block, size);
    if (!ready())
        return lwm_early_alloc(16, size);
    block = resize(block, size, HERE);
    STAY;
    return block;
}

/* Not every allocator has this one. */
EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (LWM_UNLIKELY(block && lwm_early_owns(block)))
        return leave_early(block, bytes);
    if (!ready())
        return lwm_early_alloc(16, bytes);
    block = resize(block, bytes, HERE);
    STAY;
    return block;
}

EXPORT int posix_memalign(void **block, size_t alignment, size_t size)
{
    int failed;
    if (!ready() || !lwm_next.posix_memalign)
        return ENOMEM;
    INSIDE(failed = lwm_next.posix_memalign(block, alignment, size));
    if (!failed && *block && lwm_listening())
        lwm_on_alloc(*block, size, HERE);
    return failed;
}

#define ALIGNED(name)                                                                              \
    EXPORT void *name(size_t alignment, size_t size)                                               \
    {                                                                                              \
        void *block;                                                                               \
        if (!ready() || !lwm_next.name) {                                                          \
            errno = ENOMEM;                                                                        \
            return NULL;                                                                           \
        }                                                                                          \
        INSIDE(block = lwm_next.name(alignment, size));                                            \
        if (block && lwm_listening())                                                              \
            lwm_on_alloc(block, size, HERE);                                                       \
        return block;                                                                              \
    }

#define PAGED(name)                                                                                \
    EXPORT void *name(size_t size)                                                                 \
    {                                                                                              \
        void *block;                                                                               \
        if (!ready() || !lwm_next.name) {                                                          \
            errno = ENOMEM;                                                                        \
            return NULL;                                                                           \
        }                                                                                          \
        INSIDE(block = lwm_next.name(size));                                                       \
        if (block && lwm_listening())                                                              \
            lwm_on_alloc(block, size, HERE);                                                       \
        return block;                                                                              \
    }

ALIGNED(aligned_alloc)
ALIGNED(memalign)
PAGED(valloc)
PAGED(pvalloc)

EXPORT size_t malloc_usable_size(void *block)
{
    if (block && lwm_early_owns(block))
        return lwm_early_size(block);
    return block && ready() && lwm_next.malloc_usable_size ? lwm_next.malloc_usable_size(block)
                                                           : 0;
}
