/* Hooks on CPython's three allocators. They wrap what is there: the debug allocator, malloc,
 * pymalloc, another tool.
 *
 * Each hook is called with the `ctx` of the allocator it wraps. So whoever reads a table while it
 * is being exchanged (the raw domain has no lock) has a pair that fits, whichever he gets, and the
 * hooks stay callable after they are taken away. */
#include "hooks.h"

#include "frames.h"
#include "numpy.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    OBJ,
    MEM,
    RAW,
    HOOKED,
    ARRAYS = HOOKED, /* numpy.c tells of them */
    DOMAINS
};

static const PyMemAllocatorDomain host_domain[HOOKED] = {PYMEM_DOMAIN_OBJ, PYMEM_DOMAIN_MEM,
                                                         PYMEM_DOMAIN_RAW};

static PyMemAllocatorEx wrapped[HOOKED];

/* What is recorded to; all NULL while nothing is. */
static lw_context *context;
static lw_domain *domain[DOMAINS];
static _Atomic(lw_domain *) raw_domain;
static atomic_uint raw_events; /* in flight, outside of the GIL */

static PyInterpreterState *home;
/* Taken for every event, or by need: the library asks if the mode and this event call for one. */
static enum { STACKS_NONE, STACKS_BY_NEED, STACKS_ALWAYS } stacks;
static bool with_stacks;
static bool stacks_differ;
static unsigned probed;
_Atomic uint32_t lwpy_attention;

/* A big block of obj or mem comes from the raw domain: only the outermost hook counts it. */
LWPY_THREAD_LOCAL unsigned lwpy_nested;

void lwpy_attend(uint32_t why, bool on)
{
    if (on)
        atomic_fetch_or(&lwpy_attention, why);
    else
        atomic_fetch_and(&lwpy_attention, ~why);
}

static inline uint32_t attention(void)
{
    return atomic_load_explicit(&lwpy_attention, memory_order_relaxed);
}

/* ---- obj and mem: with the GIL ---- */

/* False if the event is not of the interpreter that is recorded. */
static __attribute__((noinline)) bool attend(int which, PyThreadState *thread)
{
    if (attention() & LWPY_ATTEND_PROBE)
        probed |= 1u << which;
    return thread && thread->interp == home;
}

/* The thread of an event that is to be recorded, or NULL. */
static inline PyThreadState *listen(int which)
{
    PyThreadState *thread = lwpy_host_thread();
    if (LWPY_UNLIKELY(!thread))
        return NULL;
    if (LWPY_UNLIKELY(thread->interp != home))
        lwpy_attend(LWPY_ATTEND_INTERPRETERS, true);
    if (LWPY_UNLIKELY(attention())) {
        if (!attend(which, thread))
            return NULL;
        if (attention() & LWPY_ATTEND_TASKS)
            lwpy_tasks_follow(thread);
    }
    return thread;
}

/* A free needs no stack and belongs to the round that its block was born in: the thread is looked
 * at only if there are several interpreters. */
static inline bool listen_free(int which)
{
    return LWPY_LIKELY(!(attention() & ~(uint32_t)LWPY_ATTEND_TASKS)) ||
           attend(which, lwpy_host_thread());
}

/* NULL: not known; `ours` is set if it is no event of the user's. */
static inline const lw_stack *take_stack(PyThreadState *thread, lw_stack *stack, bool *ours)
{
    enum lwpy_stack_kind kind = lwpy_frames_take(thread, stack);
    *ours = kind == LWPY_STACK_OURS;
    return kind == LWPY_STACK_TAKEN ? stack : NULL;
}

/* An event whose stack the library asks for, or not. */
struct asked {
    PyThreadState *thread;
    lw_stack stack;
};

static const lw_stack *take_asked(void *user)
{
    struct asked *asked = user;
    bool ours;
    return stacks == STACKS_NONE ? NULL : take_stack(asked->thread, &asked->stack, &ours);
}

static __attribute__((noinline)) void alloc_by_need(lw_domain *to, PyThreadState *thread,
                                                    const void *block, size_t size)
{
    struct asked asked = {.thread = thread};
    if (stacks == STACKS_NONE || !lwpy_frames_ours(thread))
        lw_block_alloc_with(to, block, size, take_asked, &asked);
}

static __attribute__((noinline)) void move_by_need(lw_move *move, PyThreadState *thread,
                                                   const void *moved, size_t size)
{
    struct asked asked = {.thread = thread};
    lw_domain *to = move->domain;
    lw_move_end_with(move, moved, size, take_asked, &asked);
    if (stacks != STACKS_NONE && lwpy_frames_ours(thread))
        lw_block_free(to, moved);
}

static inline void on_alloc(int which, const void *block, size_t size)
{
    if (!block || !domain[which])
        return;
    PyThreadState *thread = listen(which);
    if (!thread)
        return;
    if (LWPY_UNLIKELY(stacks != STACKS_ALWAYS)) {
        alloc_by_need(domain[which], thread, block, size);
        return;
    }
    lw_stack room;
    bool ours;
    const lw_stack *stack = take_stack(thread, &room, &ours);
    if (!ours)
        lw_block_alloc(domain[which], block, size, stack);
}

/* NULL: the move is not to be recorded. */
static inline PyThreadState *move_begin(int which, const void *block, lw_move *move)
{
    PyThreadState *thread = block && domain[which] ? listen(which) : NULL;
    if (thread)
        lw_move_begin(domain[which], block, move);
    return thread;
}

static inline void move_end(int which, PyThreadState *thread, lw_move *move, const void *moved,
                            size_t size)
{
    if (!thread)
        return;
    if (!moved) {
        lw_move_cancel(move);
        return;
    }
    if (LWPY_UNLIKELY(stacks != STACKS_ALWAYS)) {
        move_by_need(move, thread, moved, size);
        return;
    }
    lw_stack room;
    bool ours;
    const lw_stack *stack = take_stack(thread, &room, &ours);
    lw_move_end(move, moved, size, stack);
    if (ours)
        lw_block_free(domain[which], moved);
}

static inline void on_end(int which, const void *block)
{
    if (block && domain[which] && listen_free(which))
        lw_block_free(domain[which], block);
}

static inline void *on_malloc(int which, void *ctx, size_t size)
{
    lwpy_nested++;
    void *block = wrapped[which].malloc(ctx, size);
    lwpy_nested--;
    on_alloc(which, block, size);
    return block;
}

static inline void *on_calloc(int which, void *ctx, size_t count, size_t size)
{
    lwpy_nested++;
    void *block = wrapped[which].calloc(ctx, count, size);
    lwpy_nested--;
    on_alloc(which, block, count * size);
    return block;
}

static inline void *on_realloc(int which, void *ctx, void *block, size_t size)
{
    lw_move move;
    PyThreadState *thread = move_begin(which, block, &move);
    lwpy_nested++;
    void *moved = wrapped[which].realloc(ctx, block, size);
    lwpy_nested--;
    if (block)
        move_end(which, thread, &move, moved, size);
    else
        on_alloc(which, moved, size);
    return moved;
}

static inline void on_free(int which, void *ctx, void *block)
{
    on_end(which, block);
    lwpy_nested++;
    wrapped[which].free(ctx, block);
    lwpy_nested--;
}

#define HOOKS(which, name)                                                                         \
    static void *name##_malloc(void *ctx, size_t size)                                             \
    {                                                                                              \
        return on_malloc(which, ctx, size);                                                        \
    }                                                                                              \
    static void *name##_calloc(void *ctx, size_t count, size_t size)                               \
    {                                                                                              \
        return on_calloc(which, ctx, count, size);                                                 \
    }                                                                                              \
    static void *name##_realloc(void *ctx, void *block, size_t size)                               \
    {                                                                                              \
        return on_realloc(which, ctx, block, size);                                                \
    }                                                                                              \
    static void name##_free(void *ctx, void *block)                                                \
    {                                                                                              \
        on_free(which, ctx, block);                                                                \
    }

HOOKS(OBJ, obj)
HOOKS(MEM, mem)

/* ---- arrays: as obj and mem, but another handler may be below ours and call it ---- */

void lwpy_array_alloc(const void *block, size_t size)
{
    if (!lwpy_nested)
        on_alloc(ARRAYS, block, size);
}

PyThreadState *lwpy_array_move_begin(const void *block, lw_move *move)
{
    return lwpy_nested ? NULL : move_begin(ARRAYS, block, move);
}

void lwpy_array_move_end(PyThreadState *thread, lw_move *move, const void *moved, size_t size)
{
    move_end(ARRAYS, thread, move, moved, size);
}

void lwpy_array_free(const void *block)
{
    if (!lwpy_nested)
        on_end(ARRAYS, block);
}

/* ---- raw: from any thread, without the GIL or a thread state ---- */

/* NULL unless the event is to be recorded; then raw_end() must follow. */
static lw_domain *raw_begin(void)
{
    if (lwpy_nested)
        return NULL;
    if (LWPY_UNLIKELY(attention() & LWPY_ATTEND_PROBE))
        probed |= 1u << RAW;
    atomic_fetch_add(&raw_events, 1);
    lw_domain *to = atomic_load(&raw_domain);
    if (!to)
        atomic_fetch_sub(&raw_events, 1);
    return to;
}

static void raw_end(void)
{
    atomic_fetch_sub(&raw_events, 1);
}

static void *raw_alloc(void *block, size_t size)
{
    lw_domain *to = block ? raw_begin() : NULL;
    if (to) {
        lw_block_alloc(to, block, size, NULL);
        raw_end();
    }
    return block;
}

static void *raw_malloc(void *ctx, size_t size)
{
    return raw_alloc(wrapped[RAW].malloc(ctx, size), size);
}

static void *raw_calloc(void *ctx, size_t count, size_t size)
{
    return raw_alloc(wrapped[RAW].calloc(ctx, count, size), count * size);
}

static void *raw_realloc(void *ctx, void *block, size_t size)
{
    if (!block)
        return raw_alloc(wrapped[RAW].realloc(ctx, NULL, size), size);
    lw_domain *to = raw_begin();
    if (!to)
        return wrapped[RAW].realloc(ctx, block, size);
    lw_move move;
    lw_move_begin(to, block, &move);
    void *moved = wrapped[RAW].realloc(ctx, block, size);
    if (moved)
        lw_move_end(&move, moved, size, NULL);
    else
        lw_move_cancel(&move);
    raw_end();
    return moved;
}

static void raw_free(void *ctx, void *block)
{
    lw_domain *to = block ? raw_begin() : NULL;
    if (to) {
        lw_block_free(to, block);
        raw_end();
    }
    wrapped[RAW].free(ctx, block);
}

/* ---- putting them in and taking them out ---- */

static const PyMemAllocatorEx hooks[HOOKED] = {
    {NULL, obj_malloc, obj_calloc, obj_realloc, obj_free},
    {NULL, mem_malloc, mem_calloc, mem_realloc, mem_free},
    {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free},
};

/* Which of our hooks are called: a bit each. They may lie below those of another tool. */
static unsigned probe(void)
{
    probed = 0;
    lw_ignore_begin(context);
    lwpy_attend(LWPY_ATTEND_PROBE, true);
    PyObject_Free(PyObject_Malloc(1));
    PyMem_Free(PyMem_Malloc(1));
    PyMem_RawFree(PyMem_RawMalloc(1));
    lwpy_attend(LWPY_ATTEND_PROBE, false);
    lw_ignore_end(context);
    return probed;
}

static void install(void)
{
    unsigned called = probe();
    for (int i = 0; i < HOOKED; i++) {
        if (called & 1u << i)
            continue;
        PyMem_GetAllocator(host_domain[i], &wrapped[i]);
        atomic_thread_fence(memory_order_seq_cst);
        PyMemAllocatorEx hook = hooks[i];
        hook.ctx = wrapped[i].ctx;
        PyMem_SetAllocator(host_domain[i], &hook);
    }
}

/* A hook below that of another tool stays where it is, and only passes on. */
static void uninstall(void)
{
    for (int i = 0; i < HOOKED; i++) {
        PyMemAllocatorEx now;
        PyMem_GetAllocator(host_domain[i], &now);
        if (now.malloc == hooks[i].malloc)
            PyMem_SetAllocator(host_domain[i], &wrapped[i]);
    }
}

static void forget_events_of_other_threads(void)
{
    atomic_store(&raw_events, 0);
}

static lw_status fail(lw_error *error, lw_status status, const char *message)
{
    if (error) {
        error->status = status;
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return status;
}

static lw_status check_start(lw_context *to, uint32_t frames, lw_error *error)
{
#ifdef Py_GIL_DISABLED
    return fail(error, LW_E_UNSUPPORTED,
                "this CPython is built without the GIL, which leakwatch does not support: use the "
                "ordinary build of the same version");
#endif
    if (!to)
        return fail(error, LW_E_INVALID, "no context to record to");
    if (frames > LW_STACK_MAX)
        return fail(error, LW_E_INVALID, "a stack has at most 128 frames: ask for fewer");
    if (context)
        return fail(error, LW_E_STATE, "this process is being recorded already: stop that first");
    return LW_OK;
}

static lw_status make_domains(lw_context *to, lw_domain *made[DOMAINS], lw_error *error)
{
    static const char *const names[DOMAINS] = {"python.obj", "python.mem", "python.raw",
                                               "python.numpy"};
    for (int i = 0; i < DOMAINS; i++) {
        lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
        options.name = names[i];
        options.kind = i == RAW ? LW_DOMAIN_APART : LW_DOMAIN_SHARED;
        options.flags = i == RAW ? 0 : LW_DOMAIN_SERIAL;
        options.describe_frame = i == RAW ? NULL : lwpy_describe_frame;
        options.user = i == RAW ? NULL : &domain[OBJ];
        lw_status status = lw_domain_create(to, &options, &made[i], error);
        if (status != LW_OK)
            return status;
    }
    return LW_OK;
}

static void follow_mode(int32_t mode)
{
    stacks = !with_stacks             ? STACKS_NONE
             : mode == LW_MODE_SITES ? STACKS_ALWAYS
                                     : STACKS_BY_NEED;
}

lw_status lwpy_record_mode_set(const lwpy_mode *mode, lw_error *error)
{
    lw_status status = lw_mode_set(context, mode->mode, mode->interval, error);
    if (status == LW_OK)
        follow_mode(mode->mode);
    return status;
}

lw_status lwpy_record_start(lw_context *to, uint32_t frames, const lwpy_mode *mode,
                            lwpy_notes *notes, lw_error *error)
{
    static bool at_fork;
    lw_domain *made[DOMAINS];
    notes->count = 0;
    lw_status status = check_start(to, frames, error);
    if (status != LW_OK)
        return status;
    if (!lwpy_names_start())
        PyErr_Clear(); /* a prefix that is no text: code below it counts as the user's */
    lwpy_frames_setup(LW_STACK_MAX, false);
    with_stacks = frames && lwpy_stacks_proven();
    stacks_differ = frames && !with_stacks;
    lwpy_frames_setup(frames ? frames : 1, true);
    status = make_domains(to, made, error);
    if (status == LW_OK)
        status = lw_mode_set(to, mode->mode, mode->interval, error);
    if (status != LW_OK)
        return status;
    follow_mode(mode->mode);
    if (!at_fork)
        at_fork = pthread_atfork(NULL, NULL, forget_events_of_other_threads) == 0;
    context = to;
    home = PyThreadState_Get()->interp;
    if (PyInterpreterState_Next(PyInterpreterState_Head())) /* else its first event says so */
        lwpy_attend(LWPY_ATTEND_INTERPRETERS, true);
    memcpy(domain, made, sizeof domain);
    atomic_store(&raw_domain, domain[RAW]);
    install();
    lwpy_record_notes(notes);
    return LW_OK;
}

void lwpy_record_stop(void)
{
    if (!context)
        return;
    memset(domain, 0, sizeof domain);
    atomic_store(&raw_domain, NULL);
    uninstall();
    lwpy_numpy_leave();
    while (atomic_load(&raw_events))
        sched_yield();
    context = NULL;
    lwpy_tasks_forget();
}

lw_context *lwpy_record_context(void)
{
    return context;
}

lw_domain *const *lwpy_record_domains(uint64_t *count)
{
    *count = context ? DOMAINS : 0;
    return domain;
}

static void note(lwpy_notes *notes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (notes->count < LWPY_NOTES_MAX)
        vsnprintf(notes->text[notes->count++], LWPY_NOTE_SIZE, format, arguments);
    va_end(arguments);
}

void lwpy_record_notes(lwpy_notes *notes)
{
    notes->count = 0;
    if (!context)
        return;
    if (stacks_differ)
        note(notes,
             "stacks are off: the frames of this CPython %.*s differ from what sys._getframe() "
             "tells; blocks are counted, but not where they come from",
             (int)strcspn(Py_GetVersion(), " "), Py_GetVersion());
    enum lwpy_numpy numpy = lwpy_numpy_look();
    if (numpy == LWPY_NUMPY_UNKNOWN)
        note(notes, "numpy is loaded, but not one whose data handlers we know: the buffers of its "
                    "arrays come from malloc, past CPython's allocators, and are not counted; the "
                    "array objects are");
    if (numpy == LWPY_NUMPY_OTHER)
        note(notes, "numpy's data handler has been exchanged since the recording began: the "
                    "buffers of arrays made with the new one are not counted; stop and start "
                    "again");
    if (probe() != (1u << HOOKED) - 1)
        note(notes, "another tool has removed the hooks on CPython's allocators (as "
                    "tracemalloc.stop() does if it was started first): nothing is counted since; "
                    "stop and start again");
}
