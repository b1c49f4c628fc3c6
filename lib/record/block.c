/* The events of blocks: the hot path. Everything it needs is in the thread's record, the map and,
 * for a free, the birth; the lock is taken for a stack or a span that is new to the thread. */
#include "record/context.h"

#include <string.h>

/* ---- entering and leaving an event ---- */

/* Addresses are numbers from here on: nothing reads through them. */
static uint64_t address_of(const void *block)
{
    return (uint64_t)(uintptr_t)block;
}

static lwi_thread *event_begin(lw_domain *domain, uint64_t address)
{
    if (!domain || !address)
        return NULL;
    lwi_thread *thread = lwi_thread_get(domain->context);
    if (!thread)
        return NULL;
    if (thread->busy) {
        LWI_BUMP(thread->dropped_reentry, 1);
        return NULL;
    }
    if ((address & domain->align_mask) != 0) {
        LWI_BUMP(thread->dropped_address, 1);
        return NULL;
    }
    thread->busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    return thread;
}

static void event_end(lwi_thread *thread)
{
    atomic_signal_fence(memory_order_seq_cst);
    thread->busy = false;
}

/* ---- counting ---- */

static void count_rounds(const lwi_birth *birth, lwi_thread *thread, int64_t bytes, int64_t blocks)
{
    for (const lwi_span *span = birth->span; span->round; span = span->parent)
        lwi_round_count(span->round, thread, bytes, blocks);
}

static void count_alloc(lwi_thread *thread, const lwi_birth *birth, int64_t size)
{
    lwi_domain_count *count = &thread->domains[birth->domain];
    LWI_BUMP(count->bytes, size);
    LWI_BUMP(count->blocks, 1);
    thread->pending += size;
    thread->since += size;
    int64_t view = LWI_READ(thread->context->published) + thread->pending;
    if (view > thread->high)
        thread->high = view;
    if (birth->span->round)
        count_rounds(birth, thread, size, 1);
    if (thread->since > LWI_PUBLISH)
        lwi_thread_publish(thread);
}

static void count_free(lwi_thread *thread, const lwi_birth *birth, int64_t size)
{
    lwi_domain_count *count = &thread->domains[birth->domain];
    LWI_BUMP(count->bytes, -size);
    LWI_BUMP(count->blocks, -1);
    thread->pending -= size;
    if (birth->span->round)
        count_rounds(birth, thread, -size, -1);
    if (thread->pending < -LWI_PUBLISH)
        lwi_thread_publish(thread);
}

void lwi_count_adopted(lwi_thread *thread, const lwi_span *span, uint8_t domain, int64_t size)
{
    LWI_BUMP(thread->domains[domain].bytes, -size);
    LWI_BUMP(thread->domains[domain].blocks, -1);
    thread->pending -= size;
    for (; span->round; span = span->parent)
        lwi_round_count(span->round, thread, -size, -1);
}

/* ---- ends that are more than a number ---- */

enum { BATCH = 64 };

typedef struct batch {
    uint64_t address[BATCH];
    unsigned count;
} batch;

static void batch_add(uint64_t address, lwi_record record, void *user)
{
    batch *batch = user;
    (void)record;
    if (batch->count < BATCH)
        batch->address[batch->count++] = address;
}

static void block_ended(lwi_thread *thread, uint64_t address, lwi_record record);

/* What carved domains cut out of a chunk ends with it. */
static void chunk_ended(lwi_thread *thread, lw_domain *parent, uint64_t address, uint64_t size)
{
    uint64_t last = size ? address + size - 1 : address;
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    for (lw_domain *child = parent->children; child; child = child->next_child) {
        batch batch;
        do {
            batch.count = 0;
            lwi_map_each(child->map, address, last, batch_add, &batch);
            for (unsigned i = 0; i < batch.count; i++) {
                lwi_record record = lwi_map_take(child->map, batch.address[i], held);
                if (record.birth)
                    block_ended(thread, batch.address[i], record);
                atomic_store_explicit(held, 0, memory_order_release);
            }
        } while (batch.count == BATCH);
    }
}

static void code_ended(lwi_thread *thread, uint64_t address)
{
    lw_context *context = thread->context;
    lwi_lock_take(&context->lock);
    lwi_code_ended(context, address);
    lwi_lock_give(&context->lock);
}

/* Counts a record that has left the map. */
static void uncount(lwi_thread *thread, lwi_record record)
{
    const lwi_birth *birth = lwi_birth_at(&thread->context->births, record.birth);
    if (birth->flags & LWI_ADOPTED) {
        lw_domain *domain = thread->context->domains[birth->domain];
        lwi_adopted_add(domain, -(int64_t)record.size, -1);
    } else if (!(birth->flags & LWI_UNCOUNTED)) {
        count_free(thread, birth, (int64_t)record.size);
    }
}

static void block_ended(lwi_thread *thread, uint64_t address, lwi_record record)
{
    const lwi_birth *birth = lwi_birth_at(&thread->context->births, record.birth);
    uint8_t flags = birth->flags;
    uint8_t domain = birth->domain;
    uncount(thread, record);
    if (flags & LWI_CODE)
        code_ended(thread, address);
    if (flags & LWI_ADOPTED)
        chunk_ended(thread, thread->context->domains[domain], address, record.size);
}

/* ---- from a stack to a birth ---- */

static uint64_t stack_hash(const lw_stack *stack, uint32_t count)
{
    if (stack->hash)
        return stack->hash;
    const uint64_t *factors = lw_stack_factors();
    uint64_t hash = 0;
    for (uint32_t i = 0; i < count; i++)
        hash += stack->words[i] * factors[i];
    return hash;
}

static uint32_t birth_find(lw_domain *domain, lwi_thread *thread, const lwi_source *source,
                           const lw_stack *stack, uint64_t hash)
{
    lw_context *context = domain->context;
    lw_site site = 0;
    uint32_t birth = 0;
    lwi_lock_take(&context->lock);
    if ((thread->span && thread->version == LWI_READ(context->version)) ||
        lwi_span_enter(context, thread)) {
        if (stack->count) {
            site = lwi_site_intern(context, thread, source, stack, hash);
            if (!site)
                LWI_BUMP(thread->dropped_stack, 1);
        }
        birth = lwi_birth_intern(context, thread->span, site, domain->id, 0);
    }
    lwi_lock_give(&context->lock);
    return birth;
}

/* A thread remembers the births of its last stacks by their 64-bit hash and innermost word; a
 * stack that is new to it is compared frame by frame (site.c). */
static uint32_t birth_of(lw_domain *domain, lwi_thread *thread, const lwi_source *source,
                         const lw_stack *stack)
{
    uint64_t hash = stack->count ? stack_hash(stack, stack->count) : 0;
    uint64_t key = hash + (((uint64_t)domain->id << 8) + source->id) *
                              UINT64_C(0x9e3779b97f4a7c15) + stack->truncated;
    uint64_t first = stack->count ? stack->words[0] : 0;
    unsigned slot = (unsigned)((key * UINT64_C(0xd6e8feb86659fd93)) >> (64 - LWI_CACHE_BITS));
    lwi_known *known = &thread->known[slot];
    if (known->key == key && known->stamp == thread->stamp && known->first == first &&
        known->count == stack->count && known->birth &&
        thread->version == LWI_READ(domain->context->version))
        return known->birth;
    uint32_t birth = birth_find(domain, thread, source, stack, hash);
    *known = (lwi_known){key, first, thread->stamp, birth, stack->count};
    return birth;
}

/* ---- the events ---- */

static void alloc(lw_domain *domain, lwi_thread *thread, uint64_t address, uint64_t size,
                  const lwi_source *source, const lw_stack *stack)
{
    lwi_record record = {size, birth_of(domain, thread, source, stack)};
    lwi_record old = {0, 0};
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    if (!record.birth || !lwi_map_set(domain->map, address, record, &old, held)) {
        LWI_BUMP(thread->dropped_memory, 1);
        if (!record.birth)
            old = lwi_map_take(domain->map, address, held);
        record.birth = 0;
    }
    if (old.birth) {
        if (lwi_birth_at(&domain->context->births, old.birth)->domain == domain->id)
            LWI_BUMP(thread->replaced, 1);
        block_ended(thread, address, old);
        atomic_store_explicit(held, 0, memory_order_release);
    }
    if (record.birth) {
        LWI_BUMP(thread->domains[domain->id].allocated, 1);
        count_alloc(thread, lwi_birth_at(&domain->context->births, record.birth), (int64_t)size);
    }
}

static const lw_stack no_stack = {NULL, 0, 0, 0};

static void alloc_event(lw_domain *domain, uint64_t address, uint64_t size,
                        const lwi_source *source, const lw_stack *stack)
{
    lwi_thread *thread = event_begin(domain, address);
    if (!thread)
        return;
    if (!thread->ignore)
        alloc(domain, thread, address, size, source, stack);
    event_end(thread);
}

/* A stack as a careful host would have given it. */
static lw_stack checked(const lw_stack *stack)
{
    lw_stack copy = stack && stack->words ? *stack : no_stack;
    if (copy.count > LW_STACK_MAX) {
        copy.count = LW_STACK_MAX;
        copy.truncated = 1;
        copy.hash = 0;
    }
    copy.truncated = copy.truncated != 0;
    return copy;
}

static lw_stack place_stack(const char *place, uint64_t *word)
{
    *word = (uint64_t)(uintptr_t)place;
    return (lw_stack){word, place ? 1 : 0, 0, 0};
}

void lw_block_alloc(lw_domain *domain, const void *block, uint64_t size, const lw_stack *stack)
{
    lw_stack copy = checked(stack);
    alloc_event(domain, address_of(block), size, domain ? domain->source : NULL, &copy);
}

void lw_block_alloc_at(lw_domain *domain, const void *block, uint64_t size, const char *place)
{
    uint64_t word;
    lw_stack stack = place_stack(place, &word);
    alloc_event(domain, address_of(block), size,
                domain ? lwi_source_places(&domain->context->sites) : NULL, &stack);
}

static lwi_record take(lw_domain *domain, lwi_thread *thread, uint64_t address)
{
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    lwi_record record = lwi_map_take(domain->map, address, held);
    if (record.birth) {
        block_ended(thread, address, record);
        atomic_store_explicit(held, 0, memory_order_release);
    } else {
        LWI_BUMP(thread->unknown_frees, 1);
    }
    return record;
}

void lw_block_free(lw_domain *domain, const void *block)
{
    lwi_thread *thread = event_begin(domain, address_of(block));
    if (!thread)
        return;
    take(domain, thread, address_of(block));
    event_end(thread);
}

void lw_block_free_sized(lw_domain *domain, const void *block, uint64_t size)
{
    lwi_thread *thread = event_begin(domain, address_of(block));
    if (!thread)
        return;
    lwi_record record = take(domain, thread, address_of(block));
    if (record.birth && record.size != size)
        LWI_BUMP(thread->replaced, 1);
    event_end(thread);
}

/* ---- moves ---- */

/* Where the birth of a block that a move has taken out is named; the last place serves events. */
static _Atomic uint32_t *held_push(lwi_thread *thread)
{
    uint32_t at = thread->held_count++;
    if (at < LWI_HELD - 1)
        return &thread->held[at];
    LWI_BUMP(thread->held_over, 1);
    return &thread->held[LWI_HELD - 1];
}

static void held_pop(lwi_thread *thread)
{
    uint32_t at = --thread->held_count;
    if (at < LWI_HELD - 1)
        atomic_store_explicit(&thread->held[at], 0, memory_order_release);
    else
        atomic_store_explicit(&thread->held_over, LWI_READ(thread->held_over) - 1,
                              memory_order_release);
}

void lw_move_begin(lw_domain *domain, const void *block, lw_move *move)
{
    if (!move)
        return;
    *move = (lw_move){domain, block, 0, 0};
    uint64_t address = address_of(block);
    lwi_thread *thread = event_begin(domain, address);
    if (!thread)
        return;
    _Atomic uint32_t *held = held_push(thread);
    lwi_record record = lwi_map_take(domain->map, address, held);
    if (record.birth) {
        uncount(thread, record);
        move->record = record.birth;
        move->size = record.size;
    } else {
        LWI_BUMP(thread->unknown_frees, 1);
        held_pop(thread);
    }
    event_end(thread);
}

/* What had to wait until the move was certain, and the end of holding on to the old birth. */
static void move_settle(lwi_thread *thread, const lw_move *move)
{
    const lwi_birth *birth = lwi_birth_at(&thread->context->births, (uint32_t)move->record);
    uint64_t address = address_of(move->block);
    if (birth->flags & LWI_CODE)
        code_ended(thread, address);
    if (birth->flags & LWI_ADOPTED)
        chunk_ended(thread, thread->context->domains[birth->domain], address, move->size);
    held_pop(thread);
}

static void move_end(lw_move *move, uint64_t address, uint64_t size, bool place,
                     const lw_stack *stack)
{
    lw_domain *domain = move->domain;
    lwi_thread *thread = event_begin(domain, address ? address : address_of(move->block));
    if (!thread)
        return;
    if (move->record)
        move_settle(thread, move);
    if (address && !thread->ignore)
        alloc(domain, thread, address, size,
              place ? lwi_source_places(&domain->context->sites) : domain->source, stack);
    event_end(thread);
    move->domain = NULL;
}

void lw_move_end(lw_move *move, const void *block, uint64_t size, const lw_stack *stack)
{
    lw_stack copy = checked(stack);
    if (move)
        move_end(move, address_of(block), size, false, &copy);
}

void lw_move_end_at(lw_move *move, const void *block, uint64_t size, const char *place)
{
    uint64_t word;
    lw_stack stack = place_stack(place, &word);
    if (move)
        move_end(move, address_of(block), size, true, &stack);
}

/* The lock keeps a recycling walk from passing by while the record is in neither place. */
static bool move_restore(lwi_thread *thread, const lw_move *move)
{
    lw_context *context = thread->context;
    lwi_record record = {move->size, (uint32_t)move->record}, old;
    lwi_lock_take(&context->lock);
    bool done = lwi_map_set(move->domain->map, address_of(move->block), record, &old,
                            &thread->held[LWI_HELD - 1]);
    lwi_lock_give(&context->lock);
    if (done && old.birth)
        block_ended(thread, address_of(move->block), old);
    atomic_store_explicit(&thread->held[LWI_HELD - 1], 0, memory_order_release);
    return done;
}

void lw_move_cancel(lw_move *move)
{
    lwi_thread *thread = move && move->record ? event_begin(move->domain, address_of(move->block)) : NULL;
    if (!thread)
        return;
    const lwi_birth *birth = lwi_birth_at(&thread->context->births, (uint32_t)move->record);
    if (!move_restore(thread, move)) {
        LWI_BUMP(thread->dropped_memory, 1);
    } else if (birth->flags & LWI_ADOPTED) {
        lwi_adopted_add(thread->context->domains[birth->domain], (int64_t)move->size, 1);
    } else if (!(birth->flags & LWI_UNCOUNTED)) {
        count_alloc(thread, birth, (int64_t)move->size);
    }
    held_pop(thread);
    event_end(thread);
    move->domain = NULL;
}
