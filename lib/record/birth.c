#include "record/birth.h"

#include "record/context.h"
#include "record/uthash_mem.h"


typedef struct lwi_birth_id {
    lwi_span *span;
    uint32_t site;
    uint8_t domain, flags;
    uint16_t zero;
} lwi_birth_id;

typedef struct lwi_birth_key {
    lwi_birth_id id;
    uint32_t number;
    struct lwi_birth_key *next, **link; /* in its span */
    UT_hash_handle hh;
} lwi_birth_key;

enum { CHUNK = 1 << LWI_BIRTH_CHUNK_BITS, FIRST_PASS = 4096 };

/* ---- spans ---- */

static void span_unlink(lw_context *context, lwi_span *span)
{
    *span->link = span->next;
    if (span->next)
        span->next->link = span->link;
    lwi_free(&context->mem, context->births.spare, sizeof *span);
    context->births.spare = span;
}

static lwi_span *span_alloc(lw_context *context)
{
    lwi_span *span = context->births.spare;
    if (!span)
        return lwi_alloc(&context->mem, sizeof *span);
    context->births.spare = NULL;
    *span = (lwi_span){0};
    return span;
}

static bool span_unused(const lwi_span *span)
{
    return span->users == 0 && span->births == 0 && span->children == 0;
}

/* Frees a span; its parent may now be unused too. */
static lwi_span *span_free(lw_context *context, lwi_span *span)
{
    lwi_span *parent = span->parent;
    lwi_round *round = span->round;
    span_unlink(context, span);
    if (parent)
        parent->children--;
    if (round) {
        if (round->last_span == span)
            round->last_span = NULL;
        round->spans--;
        lwi_round_forget(context, round);
    }
    return parent;
}

/* Frees a span that nothing refers to, and what only it referred to. */
static void span_drop(lw_context *context, lwi_span *span)
{
    while (span && span_unused(span))
        span = span_free(context, span);
}

static lwi_span *span_make(lw_context *context, lwi_span *parent, lwi_round *round)
{
    lwi_births *births = &context->births;
    lwi_span *span = span_alloc(context);
    if (!span)
        return NULL;
    span->parent = parent;
    span->round = round;
    span->epoch = context->epoch;
    span->interval = parent ? parent->interval : 0;
    span->stamp = ++births->stamp;
    span->next = births->spans;
    span->link = &births->spans;
    if (span->next)
        span->next->link = &span->next;
    births->spans = span;
    if (parent)
        parent->children++;
    if (round) {
        round->spans++;
        round->last_span = span;
    }
    return span;
}

/* A round's span inside another: the same as last time if that is still the one. */
static lwi_span *span_child(lw_context *context, lwi_span *parent, lwi_round *round)
{
    if (round->last_span && round->last_span->parent == parent)
        return round->last_span;
    return span_make(context, parent, round);
}

/* What all threads are in: the epoch and the open PROCESS rounds. */
static lwi_span *base_span(lw_context *context)
{
    lwi_births *births = &context->births;
    uint64_t version = LWI_READ(context->version);
    if (births->base && births->base_version == version)
        return births->base;
    lwi_span *base = span_make(context, NULL, NULL);
    if (base && LWI_READ(context->mode) == LW_MODE_SAMPLED)
        base->interval = LWI_READ(context->interval);
    lwi_round *round = LWI_READ(context->rounds.open);
    for (; base && round; round = round->next_open) {
        if (round->scope != LW_SCOPE_PROCESS)
            continue;
        lwi_span *child = span_child(context, base, round);
        if (!child)
            span_drop(context, base);
        base = child;
    }
    if (!base)
        return NULL;
    base->users++;
    if (births->base) {
        births->base->users--;
        span_drop(context, births->base);
    }
    births->base = base;
    births->base_version = version;
    return base;
}

bool lwi_span_enter(lw_context *context, lwi_thread *thread)
{
    lwi_span *span = base_span(context);
    for (uint64_t i = 0; span && i < thread->round_count; i++) {
        lwi_span *child = span_child(context, span, thread->rounds[i]);
        if (!child)
            span_drop(context, span);
        span = child;
    }
    if (!span)
        return false;
    span->users++;
    lwi_span_leave(context, thread);
    thread->span = span;
    thread->stamp = span->stamp;
    thread->version = LWI_READ(context->version);
    thread->counting = span->round || LWI_READ(context->rounds.open);
    return true;
}

void lwi_span_leave(lw_context *context, lwi_thread *thread)
{
    lwi_span *span = thread->span;
    thread->span = NULL;
    thread->version = 0;
    if (span) {
        span->users--;
        span_drop(context, span);
    }
}

/* ---- births ---- */

static bool chunk_make(lw_context *context, uint32_t chunk)
{
    lwi_birth **chunks = context->births.chunks;
    if (!chunks[chunk])
        chunks[chunk] = lwi_alloc(&context->mem, CHUNK * sizeof(lwi_birth));
    return chunks[chunk];
}

static uint32_t number_take(lw_context *context)
{
    lwi_births *births = &context->births;
    if (births->free_count)
        return births->free[--births->free_count];
    uint32_t number = births->count ? births->count : LWI_DOMAINS; /* below: LWI_COUNTS */
    if (number >> LWI_BIRTH_CHUNK_BITS >= LWI_BIRTH_CHUNKS ||
        !chunk_make(context, number >> LWI_BIRTH_CHUNK_BITS))
        return 0;
    /* Room for the number's way back, so that recycling never needs memory. */
    if (!lwi_grow(&context->mem, (void **)&births->free, &births->free_room, number + 1u,
                  sizeof *births->free))
        return 0;
    births->count = number + 1;
    return number;
}

static void birth_forget(lw_context *context, lwi_birth_key *key)
{
    lwi_births *births = &context->births;
    lwi_mem *table_mem = &context->mem;
    lwi_span *span = key->id.span;
    HASH_DEL(births->keys, key);
    *key->link = key->next;
    if (key->next)
        key->next->link = key->link;
    lwi_birth_at(births, key->number)->span = NULL;
    births->free[births->free_count++] = key->number;
    births->used--;
    span->births--;
    lwi_free(&context->mem, key, sizeof *key);
}

static lwi_birth_key *key_make(lw_context *context, const lwi_birth_id *id)
{
    lwi_births *births = &context->births;
    lwi_mem *table_mem = &context->mem;
    bool table_full = false;
    lwi_birth_key *key = lwi_alloc(&context->mem, sizeof *key);
    if (!key)
        return NULL;
    key->id = *id;
    HASH_ADD(hh, births->keys, id, sizeof key->id, key);
    if (table_full) {
        lwi_free(&context->mem, key, sizeof *key);
        return NULL;
    }
    return key;
}

static void recycle(lw_context *context);

uint32_t lwi_birth_intern(lw_context *context, lwi_span *span, lw_site site, uint8_t domain,
                          uint8_t flags)
{
    lwi_births *births = &context->births;
    lwi_mem *table_mem = &context->mem;
    lwi_birth_id id = {span, site, domain, flags, 0};
    lwi_birth_key *key;
    HASH_FIND(hh, births->keys, &id, sizeof id, key);
    if (key)
        return key->number;
    if (births->used >= births->pass_at)
        recycle(context);
    key = key_make(context, &id);
    if (!key)
        return 0;
    key->number = number_take(context);
    if (!key->number) {
        HASH_DEL(births->keys, key);
        lwi_free(&context->mem, key, sizeof *key);
        return 0;
    }
    *lwi_birth_at(births, key->number) = (lwi_birth){span, site, domain, flags};
    key->next = span->keys;
    key->link = &span->keys;
    if (key->next)
        key->next->link = &key->next;
    span->keys = key;
    span->births++;
    births->used++;
    return key->number;
}

/* The span of blocks that no round sees; NULL without memory. */
static lwi_span *span_before(lw_context *context)
{
    lwi_births *births = &context->births;
    if (!births->before && (births->before = span_make(context, NULL, NULL))) {
        births->before->epoch = 0;
        births->before->users = 1; /* no round ends with them */
    }
    return births->before;
}

uint32_t lwi_birth_uncounted(lw_context *context, uint8_t domain, uint8_t flags)
{
    lwi_span *before = span_before(context);
    return before ? lwi_birth_intern(context, before, 0, domain, flags | LWI_UNCOUNTED) : 0;
}

bool lwi_births_counted(lw_context *context)
{
    lwi_span *before = span_before(context);
    if (!before || !chunk_make(context, 0))
        return false;
    if (lwi_birth_at(&context->births, 1)->span)
        return true;
    for (uint32_t i = 1; i < LWI_DOMAINS; i++)
        *lwi_birth_at(&context->births, i) = (lwi_birth){before, 0, (uint8_t)i, LWI_COUNTS};
    if (context->births.count == 0)
        context->births.count = LWI_DOMAINS;
    return true;
}

/* ---- recycling ---- */

typedef struct marks {
    uint8_t *bits;
    uint32_t count;
} marks;

static void mark(marks *marks, uint32_t number)
{
    if (number < marks->count)
        marks->bits[number >> 3] |= (uint8_t)(1u << (number & 7));
}

static bool mark_block(uint64_t address, lwi_record record, void *user)
{
    (void)address;
    mark(user, record.birth);
    return true;
}

static void mark_maps(lw_context *context, marks *marks)
{
    lwi_map_each(&context->shared_map, 0, UINT64_MAX, mark_block, marks);
    for (uint32_t i = 1; i <= context->domain_count; i++) {
        lw_domain *domain = context->domains[i];
        if (domain->map == &domain->own_map)
            lwi_map_each(&domain->own_map, 0, UINT64_MAX, mark_block, marks);
    }
}

/* What events hold outside of the map; false if some of it could not be named. */
static bool mark_held(lw_context *context, marks *marks)
{
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_acquire);
    for (; thread; thread = thread->next) {
        if (atomic_load_explicit(&thread->held_over, memory_order_acquire))
            return false;
        for (int i = 0; i < LWI_HELD; i++)
            mark(marks, atomic_load_explicit(&thread->held[i], memory_order_acquire));
    }
    return true;
}

static void sweep(lw_context *context, const marks *marks)
{
    lwi_births *births = &context->births;
    lwi_birth_key *key, *next;
    for (key = births->keys; key; key = next) {
        next = key->hh.next;
        lwi_span *span = key->id.span;
        bool kept = marks->bits[key->number >> 3] >> (key->number & 7) & 1;
        if (!kept && span->users == 0)
            birth_forget(context, key);
    }
    /* Newest first, so children come before their parents. */
    lwi_span *span = births->spans, *older;
    for (; span; span = older) {
        older = span->next;
        if (span_unused(span))
            span_free(context, span);
        else if (span->users == 0)
            span->stamp = ++births->stamp; /* a thread that comes back must look anew */
    }
}

static uint32_t next_pass(lw_context *context)
{
    int64_t blocks = 0;
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_acquire);
    for (; thread; thread = thread->next) {
        for (uint32_t i = 1; i <= context->domain_count; i++)
            blocks += lwi_count_blocks(&thread->domains[i]);
    }
    uint64_t next = (uint64_t)context->births.used * 2;
    uint64_t by_walk = blocks > 0 ? (uint64_t)blocks / 16 : 0; /* a walk costs what lives */
    next = next < by_walk ? by_walk : next;
    next = next < FIRST_PASS ? FIRST_PASS : next;
    return next > UINT32_MAX ? UINT32_MAX : (uint32_t)next;
}

static void recycle(lw_context *context)
{
    lwi_births *births = &context->births;
    size_t size = births->count / 8 + 1;
    marks marks = {lwi_alloc(&context->mem, size), births->count};
    if (marks.bits) {
        mark_maps(context, &marks);
        if (mark_held(context, &marks))
            sweep(context, &marks);
        lwi_free(&context->mem, marks.bits, size);
    }
    births->pass_at = next_pass(context);
}

static bool span_held(lw_context *context, const lwi_span *span)
{
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_acquire);
    for (; thread; thread = thread->next) {
        if (atomic_load_explicit(&thread->held_over, memory_order_acquire))
            return true;
        for (int i = 0; i < LWI_HELD; i++) {
            uint32_t held = atomic_load_explicit(&thread->held[i], memory_order_acquire);
            if (held && lwi_birth_at(&context->births, held)->span == span)
                return true;
        }
    }
    return false;
}

void lwi_span_release(lw_context *context, lwi_span *span, bool nothing_alive)
{
    span->users--;
    if (nothing_alive && span->users == 0 && !span_held(context, span)) {
        lwi_birth_key *key, *next;
        for (key = span->keys; key; key = next) {
            next = key->next;
            if (!(key->id.flags & LWI_ADOPTED)) /* not counted in the round, yet in the map */
                birth_forget(context, key);
        }
    }
    span_drop(context, span);
}

void lwi_births_init(lw_context *context)
{
    context->births.pass_at = FIRST_PASS;
}

void lwi_births_done(lw_context *context)
{
    lwi_births *births = &context->births;
    lwi_mem *table_mem = &context->mem;
    lwi_birth_key *key, *next;
    HASH_ITER(hh, births->keys, key, next)
    {
        HASH_DEL(births->keys, key);
        lwi_free(&context->mem, key, sizeof *key);
    }
    while (births->spans)
        span_unlink(context, births->spans);
    lwi_free(&context->mem, births->spare, sizeof *births->spare);
    for (uint32_t i = 0; i < LWI_BIRTH_CHUNKS; i++)
        lwi_free(&context->mem, births->chunks[i], CHUNK * sizeof(lwi_birth));
    lwi_free(&context->mem, births->free,
             lwi_array_size(births->free_room, sizeof *births->free));
}
