#include "record/context.h"

#include "base/error.h"
#include "base/structs.h"
#include "platform/pages.h"
#include "record/enter.h"
#include "record/sampled.h"
#include "record/tellers.h"

#include <string.h>

/* Under the process's lock: all contexts that work, and the one that adapters share. */
static lw_context *contexts;
static lw_context *default_context;
static _Atomic uint64_t next_serial = 1;

lw_context *lwi_contexts(void)
{
    return contexts;
}

/* ---- fork: no table is half-written in the child, and only one thread is left ---- */

static void maps_lock(lw_context *context, void (*change)(lwi_lock *lock))
{
    change(&context->shared_map.lock);
    for (uint32_t i = 1; i <= context->domain_count; i++)
        change(&context->domains[i]->own_map.lock);
    for (lw_type *type = context->types; type; type = lwi_type_next(type))
        change(lwi_type_lock(type));
}

static void before_fork(void)
{
    for (lw_context *context = contexts; context; context = context->next) {
        lwi_lock_take(&context->lock);
        maps_lock(context, lwi_lock_take);
    }
}

static void after_fork_in_parent(void)
{
    for (lw_context *context = contexts; context; context = context->next) {
        maps_lock(context, lwi_lock_give);
        lwi_lock_give(&context->lock);
    }
}

static void after_fork_in_child(void)
{
    for (lw_context *context = contexts; context; context = context->next) {
        maps_lock(context, lwi_lock_give);
        lwi_threads_forked(context);
        lwi_lock_give(&context->lock);
    }
}

static const lwi_fork_calls fork_calls = {before_fork, after_fork_in_parent, after_fork_in_child};

/* ---- beginning and end ---- */

static void enlist(lw_context *context)
{
    lwi_fork_watch(&fork_calls);
    context->next = contexts;
    contexts = context;
}

static void delist(lw_context *context)
{
    lw_context **link = &contexts;
    while (*link != context)
        link = &(*link)->next;
    *link = context->next;
}

static void context_free(lw_context *context)
{
    lwi_mem mem = context->mem;
    if (context->attachment.release)
        context->attachment.release(context, context->attachment.value);
    lwi_tellers_done(context);
    lwi_types_done(context);
    lwi_rounds_done(context);
    lwi_births_done(context);
    lwi_sites_done(context);
    lwi_domains_done(context);
    lwi_map_done(&context->shared_map);
    lwi_threads_done(context);
    mem.allocator.realloc(context, sizeof *context, 0, mem.allocator.user);
}

static lw_context *context_make(lw_allocator allocator)
{
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, lwi_pages_allocator());
    lw_context *context = lwi_alloc(&mem, sizeof *context);
    if (!context)
        return NULL;
    context->mem.allocator = mem.allocator;
    atomic_store(&context->mem.bytes, sizeof *context);
    atomic_store(&context->mem.peak, sizeof *context);
    atomic_store(&context->references, 1);
    atomic_store(&context->version, 1);
    context->serial = atomic_fetch_add(&next_serial, 1);
    context->epoch = 1;
    lwi_births_init(context);
    if (lwi_threads_init(context) && lwi_map_init(&context->shared_map, &context->mem, 4, false))
        return context;
    context_free(context);
    return NULL;
}

lw_status lw_context_create(const lw_context_options *options, lw_context **context,
                            lw_error *error)
{
    lw_context_options taken;
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL: nowhere to put the result");
    *context = NULL;
    lw_status status = lwi_take(&taken, sizeof taken, options, "lw_context_options", error);
    if (status == LW_OK && taken.reserved)
        status = lwi_fail(error, LW_E_INVALID, "lw_context_options.reserved is not 0");
    if (status != LW_OK)
        return status;
    *context = context_make(taken.allocator);
    if (!*context)
        return lwi_nomem(error, "a new context");
    lwi_process_take();
    enlist(*context);
    lwi_process_give();
    return LW_OK;
}

lw_status lw_context_default(lw_context **context, lw_error *error)
{
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL: nowhere to put the result");
    lwi_process_take();
    if (default_context)
        atomic_fetch_add(&default_context->references, 1);
    else if ((default_context = context_make((lw_allocator){NULL, NULL})))
        enlist(default_context);
    *context = default_context;
    lwi_process_give();
    return *context ? LW_OK : lwi_nomem(error, "the default context");
}

void lw_context_release(lw_context *context)
{
    if (!context)
        return;
    lwi_process_take();
    bool last = atomic_fetch_sub(&context->references, 1) == 1;
    if (last && context == default_context)
        default_context = NULL;
    if (last)
        delist(context);
    lwi_process_give();
    if (last)
        context_free(context);
}

/* ---- calls that are not events ---- */

lw_status lwi_enter(lw_context *context, lwi_thread **thread, lw_error *error)
{
    *thread = lwi_thread_get(context);
    if (!*thread)
        return lwi_nomem(error, "a record of this thread");
    if (!lwi_thread_begin(*thread))
        return lwi_fail(error, LW_E_STATE,
                        "this call is not allowed inside a callback of leakwatch");
    lwi_lock_take(&context->lock);
    return LW_OK;
}

void lwi_leave(lwi_thread *thread)
{
    lwi_lock_give(&thread->context->lock);
    lwi_thread_end(thread);
}

void lw_ignore_begin(lw_context *context)
{
    lwi_thread *thread = context ? lwi_thread_get(context) : NULL;
    if (thread) {
        thread->ignore++;
        thread->attention |= LWI_IGNORING;
    }
}

void lw_ignore_end(lw_context *context)
{
    lwi_thread *thread = context ? lwi_thread_peek(context) : NULL;
    if (thread && thread->ignore > 0 && --thread->ignore == 0)
        thread->attention &= ~(uint32_t)LWI_IGNORING;
}

static void add_thread(lw_context_stats *sum, const lwi_thread *thread, uint32_t domains)
{
    sum->threads += !LWI_READ(thread->free);
    sum->dropped_memory += LWI_READ(thread->dropped_memory);
    sum->dropped_reentry += LWI_READ(thread->dropped_reentry);
    sum->dropped_stack += LWI_READ(thread->dropped_stack);
    sum->dropped_address += LWI_READ(thread->dropped_address);
    sum->unknown_frees += LWI_READ(thread->unknown_frees);
    sum->replaced += LWI_READ(thread->replaced);
    for (uint32_t i = 1; i <= domains; i++) {
        const lwi_domain_count *count = &thread->domains[i];
        sum->bytes += LWI_READ(count->bytes);
        sum->blocks += lwi_count_blocks(count);
        sum->events += (uint64_t)(LWI_READ(count->allocated) + LWI_READ(count->gone));
    }
    sum->events += LWI_READ(thread->passed_on) - LWI_READ(thread->handed_over);
}

lw_status lw_context_stats_get(const lw_context *context, lw_context_stats *stats,
                               lw_error *error)
{
    lw_context_stats full = LW_CONTEXT_STATS_INIT;
    lw_status status = lwi_result_check(stats, "lw_context_stats", error);
    if (status != LW_OK)
        return status;
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL");
    uint32_t domains = atomic_load_explicit(&context->domain_count, memory_order_acquire);
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_acquire);
    for (; thread; thread = thread->next)
        add_thread(&full, thread, domains);
    lwi_spread spread = {0, 0};
    for (uint32_t i = 1; i <= domains; i++) {
        full.events -= (uint64_t)LWI_READ(context->domains[i]->adopted_blocks);
        spread.bytes += LWI_READ(context->domains[i]->spread_bytes);
        spread.blocks += LWI_READ(context->domains[i]->spread_blocks);
    }
    full.bytes_margin = lwi_margin(spread.bytes);
    full.blocks_margin = lwi_margin(spread.blocks);
    full.events += full.unknown_frees;
    full.dropped_memory += LWI_READ(context->lost_events);
    full.dropped = full.dropped_memory + full.dropped_reentry + full.dropped_stack +
                   full.dropped_address;
    full.own_bytes = LWI_READ(context->mem.bytes);
    full.own_peak_bytes = LWI_READ(context->mem.peak);
    full.sites = LWI_READ(context->sites.site_count);
    full.births = LWI_READ(context->births.used);
    lwi_give(stats, &full, sizeof full);
    return LW_OK;
}

/* ---- what capture may ask ---- */

uint64_t lwi_view_advance(lw_context *context)
{
    lwi_lock_take(&context->lock);
    uint64_t ended = context->epoch++;
    atomic_fetch_add_explicit(&context->version, 1, memory_order_release);
    lwi_lock_give(&context->lock);
    return ended;
}

lwi_mem *lwi_view_mem(lw_context *context)
{
    return &context->mem;
}

lw_allocator lwi_view_allocator(const lw_context *context)
{
    return context->mem.allocator;
}

lwi_attachment *lwi_view_attachment(lw_context *context)
{
    return &context->attachment;
}

lw_context *lwi_view_domain_context(const lw_domain *domain)
{
    return domain->context;
}
