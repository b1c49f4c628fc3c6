/* The calls that allocators other than libc's have of their own: jemalloc's, and the operators new and
 * delete that come with jemalloc, tcmalloc and mimalloc and do not pass through malloc. A library by
 * itself, put before a program only if that uses such an allocator: where these names do not exist,
 * they must not come to exist, for programs ask whether they do. */
#define _GNU_SOURCE
#include "outer.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define HERE __builtin_frame_address(0)

/* The next function of this name. One that is called is there: the program was linked with it. */
static void *next(_Atomic(void *) *known, const char *name)
{
    void *found = atomic_load_explicit(known, memory_order_relaxed);
    if (!found) {
        lwm_outer_enter();
        found = dlsym(RTLD_NEXT, name);
        lwm_outer_leave();
        atomic_store_explicit(known, found, memory_order_relaxed);
    }
    if (!found)
        abort();
    return found;
}

#define NEXT(function, name)                                                                       \
    do {                                                                                           \
        static _Atomic(void *) known;                                                              \
        void *found = next(&known, name);                                                          \
        memcpy(&(function), &found, sizeof found);                                                 \
    } while (0)

/* Also left when `new` throws. */
static void leave(const int *entered)
{
    (void)entered;
    lwm_outer_leave();
}

#define INSIDE(call)                                                                               \
    do {                                                                                           \
        lwm_outer_enter();                                                                         \
        __attribute__((cleanup(leave))) int entered = 0;                                           \
        (void)entered;                                                                             \
        call;                                                                                      \
    } while (0)

/* ---- jemalloc ---- */

EXPORT void *mallocx(size_t size, int flags);
EXPORT void *rallocx(void *block, size_t size, int flags);
EXPORT size_t xallocx(void *block, size_t size, size_t extra, int flags);
EXPORT void dallocx(void *block, int flags);
EXPORT void sdallocx(void *block, size_t size, int flags);

void *mallocx(size_t size, int flags)
{
    void *(*call)(size_t, int), *block;
    NEXT(call, "mallocx");
    INSIDE(block = call(size, flags));
    lwm_outer_alloc(block, size, HERE);
    return block;
}

void *rallocx(void *block, size_t size, int flags)
{
    void *(*call)(void *, size_t, int), *moved;
    lw_move move;
    NEXT(call, "rallocx");
    bool moves = lwm_outer_move_begin(&move, block);
    INSIDE(moved = call(block, size, flags));
    if (moves)
        lwm_outer_move_end(&move, moved, size, HERE);
    return moved;
}

/* In place, to `size` or up to `extra` more; or to nothing new. Answers the size with its slack. */
size_t xallocx(void *block, size_t size, size_t extra, int flags)
{
    size_t (*call)(void *, size_t, size_t, int), whole;
    lw_move move;
    NEXT(call, "xallocx");
    bool moves = lwm_outer_move_begin(&move, block);
    INSIDE(whole = call(block, size, extra, flags));
    if (moves && whole < size)
        lwm_outer_move_end(&move, NULL, 0, HERE);
    else if (moves)
        lwm_outer_move_end(&move, block, whole - size > extra ? size + extra : whole, HERE);
    return whole;
}

void dallocx(void *block, int flags)
{
    void (*call)(void *, int);
    NEXT(call, "dallocx");
    lwm_outer_free(block);
    call(block, flags);
}

void sdallocx(void *block, size_t size, int flags)
{
    void (*call)(void *, size_t, int);
    NEXT(call, "sdallocx");
    lwm_outer_free(block);
    call(block, size, flags);
}

/* ---- C++ ---- */

/* A name with its parameters after the size or the block, and these as arguments. */
#define NEW(name, parameters, types, arguments)                                                    \
    EXPORT void *name parameters;                                                                  \
    void *name parameters                                                                          \
    {                                                                                              \
        void *(*call) types, *block;                                                               \
        NEXT(call, #name);                                                                         \
        INSIDE(block = call arguments);                                                            \
        lwm_outer_alloc(block, size, HERE);                                                        \
        return block;                                                                              \
    }

#define DELETE(name, parameters, types, arguments)                                                 \
    EXPORT void name parameters;                                                                   \
    void name parameters                                                                           \
    {                                                                                              \
        void(*call) types;                                                                         \
        NEXT(call, #name);                                                                         \
        lwm_outer_free(block);                                                                     \
        call arguments;                                                                            \
    }

#define BOTH(new, delete)                                                                          \
    NEW(new, (size_t size), (size_t), (size))                                                      \
    NEW(new##RKSt9nothrow_t, (size_t size, const void *tag), (size_t, const void *), (size, tag))  \
    NEW(new##St11align_val_t, (size_t size, size_t alignment), (size_t, size_t),                   \
        (size, alignment))                                                                         \
    NEW(new##St11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void *tag),      \
        (size_t, size_t, const void *), (size, alignment, tag))                                    \
    DELETE(delete, (void *block), (void *), (block))                                               \
    DELETE(delete##m, (void *block, size_t size), (void *, size_t), (block, size))                 \
    DELETE(delete##RKSt9nothrow_t, (void *block, const void *tag), (void *, const void *),         \
           (block, tag))                                                                           \
    DELETE(delete##St11align_val_t, (void *block, size_t alignment), (void *, size_t),             \
           (block, alignment))                                                                     \
    DELETE(delete##mSt11align_val_t, (void *block, size_t size, size_t alignment),                 \
           (void *, size_t, size_t), (block, size, alignment))                                     \
    DELETE(delete##St11align_val_tRKSt9nothrow_t,                                                  \
           (void *block, size_t alignment, const void *tag), (void *, size_t, const void *),       \
           (block, alignment, tag))

BOTH(_Znwm, _ZdlPv)
BOTH(_Znam, _ZdaPv)
