/* Regions: rounds begin, are set aside, go on, and end. */
#include "base/error.h"
#include "base/structs.h"
#include "record/context.h"
#include "record/enter.h"

#include <string.h>

static lw_region *region_find(lw_context *context, const char *name)
{
    lw_region *region = context->rounds.regions;
    while (region && strcmp(region->name, name) != 0)
        region = region->next;
    return region;
}

static lw_region *region_make(lw_context *context, const char *name, int32_t scope)
{
    lw_region *region = lwi_alloc(&context->mem, sizeof *region);
    if (!region)
        return NULL;
    region->name = lwi_strdup(&context->mem, name);
    if (!region->name) {
        lwi_free(&context->mem, region, sizeof *region);
        return NULL;
    }
    region->context = context;
    region->scope = scope;
    region->next = context->rounds.regions;
    context->rounds.regions = region;
    return region;
}

lw_status lw_region_create(lw_context *context, const char *name,
                           const lw_region_options *options, lw_region **region, lw_error *error)
{
    lw_region_options taken;
    if (!region)
        return lwi_fail(error, LW_E_INVALID, "region is NULL: nowhere to put the result");
    *region = NULL;
    if (!context || !name || !*name)
        return lwi_fail(error, LW_E_INVALID, "%s: a region needs a context and a name",
                        !context ? "context is NULL" : name ? "name is empty" : "name is NULL");
    lw_status status =
        lwi_take(&taken, sizeof taken, options, "lw_region_options", error);
    if (status != LW_OK)
        return status;
    if (taken.scope < LW_SCOPE_THREAD || taken.scope > LW_SCOPE_PROCESS)
        return lwi_fail(error, LW_E_INVALID, "region \"%s\": %d is no scope", name,
                        (int)taken.scope);
    lwi_thread *thread;
    status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    lw_region *found = region_find(context, name);
    if (found && found->scope != taken.scope)
        status = lwi_fail(error, LW_E_STATE, "region \"%s\" exists already with another scope",
                          name);
    else if (!found && !(found = region_make(context, name, taken.scope)))
        status = lwi_nomem(error, "a new region");
    if (status == LW_OK)
        *region = found;
    lwi_leave(thread);
    return status;
}

/* ---- begin ---- */

static void open_list_add(lw_context *context, lwi_round *round)
{
    lwi_round *head = LWI_READ(context->rounds.open);
    round->next_open = head;
    round->prev_open = NULL;
    if (head)
        head->prev_open = round;
    atomic_store_explicit(&context->rounds.open, round, memory_order_relaxed);
}

static void open_list_remove(lw_context *context, lwi_round *round)
{
    if (round->next_open)
        round->next_open->prev_open = round->prev_open;
    if (round->prev_open)
        round->prev_open->next_open = round->next_open;
    else
        atomic_store_explicit(&context->rounds.open, round->next_open, memory_order_relaxed);
}

/* Whether a round of this region already sees what a new one on this thread would see. */
static bool inside_itself(const lwi_thread *thread, const lw_region *region)
{
    if (region->scope == LW_SCOPE_PROCESS)
        return region->open > 0;
    for (uint64_t i = 0; i < thread->round_count; i++) {
        if (thread->rounds[i]->region == region)
            return true;
    }
    return false;
}

/* Puts a round on top of the calling thread's; false without memory. */
static bool activate(lwi_thread *thread, lwi_round *round)
{
    lw_context *context = thread->context;
    bool overlaps = inside_itself(thread, round->region);
    if (!lwi_grow(&context->mem, (void **)&thread->rounds, &thread->round_room,
                  thread->round_count + 1, sizeof(lwi_round *)))
        return false;
    thread->rounds[thread->round_count++] = round;
    if (!lwi_span_enter(context, thread)) {
        thread->round_count--;
        return false;
    }
    atomic_store_explicit(&round->owner, thread, memory_order_relaxed);
    round->region->overlaps = round->region->overlaps || overlaps;
    return true;
}

static bool round_activate(lwi_thread *thread, lwi_round *round)
{
    if (round->scope != LW_SCOPE_PROCESS)
        return activate(thread, round);
    round->region->overlaps =
        round->region->overlaps || inside_itself(thread, round->region);
    atomic_fetch_add_explicit(&thread->context->version, 1, memory_order_release);
    return true;
}

static bool round_begin(lwi_thread *thread, lwi_round *round)
{
    lw_context *context = thread->context;
    lw_region *region = round->region;
    if (!lwi_round_enlist(context, round))
        return false;
    lwi_thread_publish_locked(thread);
    round->epoch = ++context->epoch;
    if (LWI_READ(context->mode) == LW_MODE_SAMPLED) /* samples tell whether they are older */
        atomic_fetch_add_explicit(&context->version, 1, memory_order_release);
    lwi_live_sum(context, &round->base_bytes, &round->base_blocks);
    round->base_view = thread->high;
    round->threads = LWI_READ(context->live_threads);
    open_list_add(context, round);
    if (!round_activate(thread, round)) {
        open_list_remove(context, round);
        lwi_round_unlist(context, round);
        return false;
    }
    thread->folded_at = context->epoch;
    lwi_round_sees(round, lwi_mode_bit(context));
    round->ordinal = ++region->begun;
    region->open++;
    return true;
}

lw_status lw_region_begin(lw_region *region, lw_round *round, lw_error *error)
{
    if (!round)
        return lwi_fail(error, LW_E_INVALID, "round is NULL: nowhere to put the result");
    *round = 0;
    if (!region)
        return lwi_fail(error, LW_E_INVALID, "region is NULL: make one with lw_region_create()");
    lwi_thread *thread;
    lw_status status = lwi_enter(region->context, &thread, error);
    if (status != LW_OK)
        return status;
    lwi_round *fresh = lwi_round_alloc(region);
    if (fresh && round_begin(thread, fresh)) {
        *round = fresh->number;
    } else {
        if (fresh)
            lwi_round_free(region->context, fresh);
        status = lwi_nomem(error, "a new round");
    }
    lwi_leave(thread);
    return status;
}

/* ---- suspend, resume, end ---- */

/* `missing` is the status for a round that has ended and is forgotten. */
lw_status lwi_round_find(lw_region *region, lw_round number, lwi_round **round,
                            lw_status missing, lw_error *error)
{
    lw_context *context = region->context;
    *round = lwi_round_numbered(&context->rounds, number);
    if (*round && (*round)->region == region)
        return LW_OK;
    if (*round)
        return lwi_fail(error, LW_E_INVALID, "round %llu is one of region \"%s\", not of \"%s\"",
                        (unsigned long long)number, (*round)->region->name, region->name);
    if (number == 0 || number > context->rounds.last)
        return lwi_fail(error, LW_E_INVALID, "region \"%s\": round %llu never began",
                        region->name, (unsigned long long)number);
    return lwi_fail(error, missing,
                    "region \"%s\": round %llu has ended and nothing of it survives",
                    region->name, (unsigned long long)number);
}

static lw_status not_here(const lwi_round *round, lw_error *error)
{
    const char *name = round->region->name;
    if (round->state == LWI_ROUND_ENDED)
        return lwi_fail(error, LW_E_STATE, "region \"%s\": this round has ended already", name);
    if (round->state == LWI_ROUND_SUSPENDED)
        return lwi_fail(error, LW_E_STATE, "region \"%s\": this round is suspended: resume it "
                                           "first", name);
    return lwi_fail(error, LW_E_STATE, "region \"%s\": this round was begun on another thread: "
                                       "end it there", name);
}

/* Takes a round out of its thread's active ones. Never fails: without memory for the new span
 * the thread's next event will ask for it again. */
static void deactivate(lwi_thread *thread, lwi_round *round)
{
    uint64_t at = 0;
    while (thread->rounds[at] != round)
        at++;
    memmove(&thread->rounds[at], &thread->rounds[at + 1],
            (thread->round_count - at - 1) * sizeof(lwi_round *));
    thread->round_count--;
    atomic_store_explicit(&round->owner, NULL, memory_order_relaxed);
    if (!lwi_span_enter(thread->context, thread))
        lwi_span_leave(thread->context, thread);
}

static lw_status end_check(lwi_thread *thread, lwi_round *round, lw_error *error)
{
    bool process = round->scope == LW_SCOPE_PROCESS;
    if (process ? round->state != LWI_ROUND_OPEN : LWI_READ(round->owner) != thread)
        return not_here(round, error);
    lwi_round *inner = process ? round : thread->rounds[thread->round_count - 1];
    if (inner != round)
        return lwi_fail(error, LW_E_STATE,
                        "region \"%s\" cannot end: region \"%s\" is active inside it and has not "
                        "ended yet",
                        round->region->name, inner->region->name);
    return LW_OK;
}

static void round_close(lwi_thread *thread, lwi_round *round)
{
    lw_context *context = thread->context;
    int64_t bytes, blocks;
    lwi_thread_publish_locked(thread);
    open_list_remove(context, round);
    lwi_live_sum(context, &bytes, &blocks);
    round->net_bytes = bytes - round->base_bytes;
    round->net_blocks = blocks - round->base_blocks;
    if (round->net_bytes > round->net_peak) {
        round->net_peak = round->net_bytes;
        round->net_peak_spread = round->net_spread.bytes;
    }
    round->at_end_spread = round->spread;
    round->at_end_bytes = lwi_round_bytes(round);
    round->at_end_blocks = lwi_round_blocks(round);
    round->region->open--;
    round->state = LWI_ROUND_ENDED;
}

static void round_end(lwi_thread *thread, lwi_round *round, lw_region_stats *stats)
{
    lw_context *context = thread->context;
    round_close(thread, round);
    if (stats)
        lwi_round_stats(round, stats);
    round->spans++; /* keeps the round while we work */
    if (round->scope == LW_SCOPE_PROCESS) {
        atomic_fetch_add_explicit(&context->version, 1, memory_order_release);
    } else {
        lwi_span *span = thread->span;
        if (span)
            span->users++;
        deactivate(thread, round);
        if (span)
            lwi_span_release(context, span, round->at_end_blocks == 0 && !thread->torn);
    }
    round->spans--;
    lwi_round_forget(context, round);
}

lw_status lw_region_end(lw_region *region, lw_round number, lw_region_stats *stats,
                        lw_error *error)
{
    lw_region_stats full = LW_REGION_STATS_INIT;
    lw_status status = stats ? lwi_result_check(stats, "lw_region_stats", error) : LW_OK;
    if (status != LW_OK)
        return status;
    if (!region)
        return lwi_fail(error, LW_E_INVALID, "region is NULL: make one with lw_region_create()");
    lwi_thread *thread;
    status = lwi_enter(region->context, &thread, error);
    if (status != LW_OK)
        return status;
    lwi_round *round;
    status = lwi_round_find(region, number, &round, LW_E_STATE, error);
    if (status == LW_OK)
        status = end_check(thread, round, error);
    if (status == LW_OK)
        round_end(thread, round, stats ? &full : NULL);
    lwi_leave(thread);
    if (status == LW_OK && stats)
        lwi_give(stats, &full, sizeof full);
    return status;
}

void lwi_rounds_abandon(lwi_thread *thread)
{
    while (thread->round_count > 0) {
        lwi_round *round = thread->rounds[thread->round_count - 1];
        if (round->scope == LW_SCOPE_TASK) {
            deactivate(thread, round);
            round->state = LWI_ROUND_SUSPENDED;
        } else {
            round_end(thread, round, NULL);
        }
    }
}

/* What suspend and resume share: a round of scope TASK, found. */
static lw_status task_find(lw_region *region, lw_round number, lwi_thread **thread,
                           lwi_round **round, lw_error *error)
{
    if (!region)
        return lwi_fail(error, LW_E_INVALID, "region is NULL: make one with lw_region_create()");
    if (region->scope != LW_SCOPE_TASK)
        return lwi_fail(error, LW_E_INVALID,
                        "region \"%s\" is not of scope TASK: its rounds stay on their thread",
                        region->name);
    lw_status status = lwi_enter(region->context, thread, error);
    if (status != LW_OK)
        return status;
    status = lwi_round_find(region, number, round, LW_E_STATE, error);
    if (status != LW_OK)
        lwi_leave(*thread);
    return status;
}

lw_status lw_region_suspend(lw_region *region, lw_round number, lw_error *error)
{
    lwi_thread *thread;
    lwi_round *round;
    lw_status status = task_find(region, number, &thread, &round, error);
    if (status != LW_OK)
        return status;
    if (LWI_READ(round->owner) == thread) {
        deactivate(thread, round);
        round->state = LWI_ROUND_SUSPENDED;
    } else {
        status = not_here(round, error);
    }
    lwi_leave(thread);
    return status;
}

lw_status lw_region_resume(lw_region *region, lw_round number, lw_error *error)
{
    lwi_thread *thread;
    lwi_round *round;
    lw_status status = task_find(region, number, &thread, &round, error);
    if (status != LW_OK)
        return status;
    if (round->state != LWI_ROUND_SUSPENDED)
        status = lwi_fail(error, LW_E_STATE, "region \"%s\": this round is not suspended",
                          region->name);
    else if (activate(thread, round))
        round->state = LWI_ROUND_OPEN;
    else
        status = lwi_nomem(error, "resuming a round");
    lwi_leave(thread);
    return status;
}
