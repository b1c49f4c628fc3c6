/* Counting in rounds, and the peaks of what the whole process holds. */
#include "record/round.h"

#include "record/context.h"

#include <string.h>

/* The live bytes of the process as this thread knows them: exact but for what others have not
 * published yet. */
static int64_t view(const lwi_thread *thread)
{
    return LWI_READ(thread->context->published) + thread->pending;
}

static void raise_peak(lwi_round *round, int64_t bytes)
{
    int64_t peak = LWI_READ(round->peak);
    while (bytes > peak && !atomic_compare_exchange_weak_explicit(
                               &round->peak, &peak, bytes, memory_order_relaxed,
                               memory_order_relaxed)) {
    }
}

static void count_process(lwi_round *round, lwi_thread *thread, int64_t bytes, int64_t blocks)
{
    lwi_stripe *stripe = &round->stripes[thread->index % LWI_STRIPES];
    if (bytes > 0)
        atomic_fetch_add_explicit(&stripe->born, bytes, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(&stripe->gone, -bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&stripe->blocks, blocks, memory_order_release);
    if (bytes > 0 && LWI_READ(thread->context->live_threads) == 1)
        raise_peak(round, lwi_round_bytes(round));
}

void lwi_round_count(lwi_round *round, lwi_thread *thread, int64_t bytes, int64_t blocks)
{
    if (round->stripes) {
        count_process(round, thread, bytes, blocks);
    } else if (LWI_READ(round->owner) == thread) {
        LWI_BUMP(round->own_bytes, bytes);
        LWI_BUMP(round->own_blocks, blocks);
        int64_t now = LWI_READ(round->own_bytes) + LWI_READ(round->remote_bytes);
        if (bytes > 0 && now > LWI_READ(round->peak))
            atomic_store_explicit(&round->peak, now, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&round->remote_bytes, bytes, memory_order_relaxed);
        atomic_fetch_add_explicit(&round->remote_blocks, blocks, memory_order_release);
    }
}

/* Every open round takes the most that lived since this thread's last fold into its peaks. What
 * was high before a round began is none of its business. */
static void fold(lwi_thread *thread)
{
    int64_t now = view(thread);
    for (lwi_round *round = LWI_READ(thread->context->rounds.open); round; round = round->next_open) {
        int64_t high = round->epoch <= thread->folded_at ? thread->high : now;
        if (high - round->base_view > round->net_peak) {
            round->net_peak = high - round->base_view;
            round->net_peak_spread = round->net_spread.bytes;
        }
        if (round->stripes)
            raise_peak(round, lwi_round_bytes(round));
    }
    thread->high = now;
    thread->folded_at = thread->context->epoch;
    thread->counting = LWI_READ(thread->context->rounds.open) != NULL;
}

static void tell(lwi_thread *thread)
{
    if (thread->pending)
        atomic_fetch_add_explicit(&thread->context->published, thread->pending,
                                  memory_order_relaxed);
    thread->pending = 0;
    thread->room = LWI_PUBLISH;
}

void lwi_thread_publish_locked(lwi_thread *thread)
{
    tell(thread);
    fold(thread);
}

/* Without an open round there is nothing to fold. One that begins meanwhile is later than this
 * thread's last fold, and takes nothing from before it. */
void lwi_thread_publish(lwi_thread *thread)
{
    if (!LWI_READ(thread->context->rounds.open)) {
        tell(thread);
        return;
    }
    lwi_lock_take(&thread->context->lock);
    lwi_thread_publish_locked(thread);
    lwi_lock_give(&thread->context->lock);
}

void lwi_live_sum(lw_context *context, int64_t *bytes, int64_t *blocks)
{
    *bytes = 0;
    *blocks = 0;
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_acquire);
    for (; thread; thread = thread->next) {
        for (uint32_t i = 1; i <= context->domain_count; i++) {
            *bytes += LWI_READ(thread->domains[i].bytes);
            *blocks += lwi_count_blocks(&thread->domains[i]);
        }
    }
}

/* ---- all rounds by number ---- */

static lwi_round **bucket_of(const lwi_rounds *rounds, lw_round number)
{
    return &rounds->buckets[number & (rounds->bucket_count - 1)];
}

static void bucket_add(const lwi_rounds *rounds, lwi_round *round)
{
    lwi_round **bucket = bucket_of(rounds, round->number);
    round->next_same = *bucket;
    *bucket = round;
}

/* Numbers follow one another, so as many buckets as rounds are enough. */
static bool buckets_grow(lw_context *context)
{
    lwi_rounds *rounds = &context->rounds, old = {.buckets = rounds->buckets};
    if (rounds->count < rounds->bucket_count)
        return true;
    old.bucket_count = rounds->bucket_count;
    uint64_t count = old.bucket_count ? old.bucket_count * 2 : 16;
    lwi_round **buckets = lwi_alloc(&context->mem, lwi_array_size(count, sizeof *buckets));
    if (!buckets)
        return false;
    rounds->buckets = buckets;
    rounds->bucket_count = count;
    for (uint64_t i = 0; i < old.bucket_count; i++) {
        for (lwi_round *round = old.buckets[i], *next; round; round = next) {
            next = round->next_same;
            bucket_add(rounds, round);
        }
    }
    lwi_free(&context->mem, old.buckets, lwi_array_size(old.bucket_count, sizeof *buckets));
    return true;
}

lwi_round *lwi_round_numbered(const lwi_rounds *rounds, lw_round number)
{
    lwi_round *round = rounds->bucket_count ? *bucket_of(rounds, number) : NULL;
    while (round && round->number != number)
        round = round->next_same;
    return round;
}

bool lwi_round_enlist(lw_context *context, lwi_round *round)
{
    lwi_rounds *rounds = &context->rounds;
    lw_region *region = round->region;
    if (!buckets_grow(context))
        return false;
    round->number = ++rounds->last;
    bucket_add(rounds, round);
    rounds->count++;
    round->next = region->rounds;
    round->link = &region->rounds;
    if (round->next)
        round->next->link = &round->next;
    region->rounds = round;
    return true;
}

void lwi_round_unlist(lw_context *context, lwi_round *round)
{
    lwi_round **at = bucket_of(&context->rounds, round->number);
    while (*at != round)
        at = &(*at)->next_same;
    *at = round->next_same;
    context->rounds.count--;
    *round->link = round->next;
    if (round->next)
        round->next->link = round->link;
}

/* ---- their lives ---- */

lwi_round *lwi_round_alloc(lw_region *region)
{
    lw_context *context = region->context;
    lwi_round *round = context->rounds.spare;
    context->rounds.spare = NULL;
    if (round)
        memset(round, 0, sizeof *round);
    else if (!(round = lwi_alloc(&context->mem, sizeof *round)))
        return NULL;
    round->region = region;
    round->scope = region->scope;
    if (region->scope != LW_SCOPE_PROCESS)
        return round;
    round->stripes = lwi_alloc(&context->mem, LWI_STRIPES * sizeof *round->stripes);
    if (round->stripes)
        return round;
    lwi_round_free(context, round);
    return NULL;
}

void lwi_round_free(lw_context *context, lwi_round *round)
{
    lwi_free(&context->mem, round->stripes, LWI_STRIPES * sizeof *round->stripes);
    lwi_free(&context->mem, context->rounds.spare, sizeof *round);
    context->rounds.spare = round;
}

void lwi_round_forget(lw_context *context, lwi_round *round)
{
    if (round->state != LWI_ROUND_ENDED || round->spans > 0)
        return;
    lw_region *region = round->region;
    if (LWI_READ(round->peak) > region->peak) {
        region->peak = LWI_READ(round->peak);
        region->peak_spread = round->peak_spread;
    }
    if (round->net_peak > region->net_peak) {
        region->net_peak = round->net_peak;
        region->net_peak_spread = round->net_peak_spread;
    }
    lwi_spread_add(&region->at_end_spread, &round->at_end_spread, 1);
    lwi_spread_add(&region->net_spread, &round->net_spread, 1);
    if (round->threads > region->threads)
        region->threads = round->threads;
    region->at_end_bytes += round->at_end_bytes;
    region->at_end_blocks += round->at_end_blocks;
    region->net_bytes += round->net_bytes;
    region->net_blocks += round->net_blocks;
    lwi_round_unlist(context, round);
    lwi_round_free(context, round);
}

void lwi_rounds_done(lw_context *context)
{
    lwi_rounds *rounds = &context->rounds;
    while (rounds->regions) {
        lw_region *region = rounds->regions;
        rounds->regions = region->next;
        while (region->rounds) {
            lwi_round *round = region->rounds;
            lwi_round_unlist(context, round);
            lwi_round_free(context, round);
        }
        lwi_strfree(&context->mem, region->name);
        lwi_free(&context->mem, region, sizeof *region);
    }
    lwi_free(&context->mem, rounds->spare, sizeof *rounds->spare);
    lwi_free(&context->mem, rounds->buckets,
             lwi_array_size(rounds->bucket_count, sizeof *rounds->buckets));
}
