#include "record/context.h"

#include <string.h>

_Thread_local lwi_last lwi_last_used LWI_FAST_TLS;

/* The thread is gone, its counters stay. */
static void retire(lw_context *context, lwi_thread *thread)
{
    lwi_rounds_abandon(thread);
    lwi_span_leave(context, thread);
    atomic_store_explicit(&thread->free, true, memory_order_release);
}

/* Of which context a value of our slot is a record of this thread; NULL if that is gone. */
static lw_context *context_of(const void *value)
{
    lw_context *context = lwi_contexts();
    for (; context; context = context->next) {
        lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_acquire);
        for (; thread; thread = thread->next) {
            if (thread == value && thread->token == &lwi_last_used && !LWI_READ(thread->free))
                return context;
        }
    }
    return NULL;
}

/* The context may be given back at the same moment: it is not touched before it is known to live,
 * and lives as long as the process's lock is held. */
static void on_thread_exit(void *value)
{
    if (lwi_last_used.thread == value)
        lwi_last_used.serial = 0;
    lwi_process_take();
    lw_context *context = context_of(value);
    if (context) {
        lwi_lock_take(&context->lock);
        lwi_thread_publish_locked(value);
        retire(context, value);
        atomic_fetch_sub_explicit(&context->live_threads, 1, memory_order_relaxed);
        lwi_lock_give(&context->lock);
    }
    lwi_process_give();
}

bool lwi_threads_init(lw_context *context)
{
    return lwi_slot_make(&context->slot, on_thread_exit);
}

/* A record that a thread left behind. */
static lwi_thread *reuse(lw_context *context)
{
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_relaxed);
    for (; thread; thread = thread->next) {
        if (LWI_READ(thread->free) && !thread->torn)
            return thread;
    }
    return NULL;
}

static lwi_thread *enlist(lw_context *context)
{
    lwi_thread *thread = reuse(context);
    if (!thread) {
        thread = lwi_alloc(&context->mem, sizeof *thread);
        if (!thread)
            return NULL;
        lwi_thread *head = atomic_load_explicit(&context->threads, memory_order_relaxed);
        thread->context = context;
        thread->next = head;
        thread->index = head ? head->index + 1 : 0;
        atomic_store_explicit(&context->threads, thread, memory_order_release);
    }
    thread->token = &lwi_last_used;
    thread->is_main = lwi_thread_is_main();
    thread->ignore = 0;
    thread->attention = 0;
    thread->pending = 0;
    thread->room = LWI_PUBLISH;
    thread->high = LWI_READ(context->published);
    atomic_store_explicit(&thread->free, false, memory_order_relaxed);
    uint32_t live = atomic_fetch_add_explicit(&context->live_threads, 1, memory_order_relaxed) + 1;
    for (lwi_round *round = LWI_READ(context->rounds.open); round; round = round->next_open) {
        if (live > round->threads)
            round->threads = live;
    }
    return thread;
}

static lwi_thread *thread_make(lw_context *context)
{
    lwi_thread *thread = lwi_slot_get(&context->slot);
    if (!thread && !lwi_last_used.making) {
        lwi_last_used.making = true;
        lwi_lock_take(&context->lock);
        thread = enlist(context);
        lwi_lock_give(&context->lock);
        if (thread && !lwi_slot_set(&context->slot, thread)) {
            atomic_fetch_sub_explicit(&context->live_threads, 1, memory_order_relaxed);
            atomic_store_explicit(&thread->free, true, memory_order_release);
            thread = NULL;
        }
        lwi_last_used.making = false;
    }
    if (thread) {
        lwi_last_used.serial = context->serial;
        lwi_last_used.thread = thread;
    }
    return thread;
}

lwi_thread *lwi_thread_get(lw_context *context)
{
    return lwi_last_used.serial == context->serial ? lwi_last_used.thread : thread_make(context);
}

lwi_thread *lwi_thread_peek(lw_context *context)
{
    return lwi_last_used.serial == context->serial ? lwi_last_used.thread : lwi_slot_get(&context->slot);
}

void lwi_threads_done(lw_context *context)
{
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_relaxed), *next;
    for (; thread; thread = next) {
        next = thread->next;
        lwi_free(&context->mem, thread->rounds,
                 lwi_array_size(thread->round_room, sizeof *thread->rounds));
        lwi_free(&context->mem, thread, sizeof *thread);
    }
    lwi_slot_drop(&context->slot);
    if (lwi_last_used.serial == context->serial)
        lwi_last_used.serial = 0;
}

void lwi_threads_forked(lw_context *context)
{
    lwi_thread *self = lwi_thread_peek(context);
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_relaxed);
    uint32_t live = 0;
    for (; thread; thread = thread->next) {
        if (thread == self) {
            live++;
            continue;
        }
        thread->torn = thread->torn || (thread->attention & LWI_BUSY);
        retire(context, thread);
        atomic_store_explicit(&thread->held_over, 0, memory_order_relaxed);
        for (int i = 0; i < LWI_HELD && !thread->torn; i++)
            atomic_store_explicit(&thread->held[i], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&context->live_threads, live, memory_order_relaxed);
}
