/* The events of blocks. Everything they need is in the thread's record, the map and, for a free,
 * the birth; the lock is taken for a stack or a span that is new to the thread. What most events
 * need of this is in hot.h, without the rest. */
#include "record/hot.h"
#include "record/sampled.h"

#include <string.h>

/* ---- entering and leaving an event ---- */

/* Addresses are numbers from here on: nothing reads through them. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
__attribute__((access(none, 1)))
#endif
static uint64_t address_of(const void *block)
{
    return (uint64_t)(uintptr_t)block;
}

static inline bool aligned(const lw_domain *domain, lwi_thread *thread, uint64_t address)
{
    if ((address & domain->align_mask) == 0)
        return true;
    LWI_BUMP(thread->dropped_address, 1);
    return false;
}

static inline lwi_thread *thread_begin(lw_context *context)
{
    lwi_thread *thread = lwi_thread_get(context);
    if (!thread) {
        atomic_fetch_add_explicit(&context->lost_events, 1, memory_order_relaxed);
        return NULL;
    }
    if (lwi_thread_begin(thread))
        return thread;
    LWI_BUMP(thread->dropped_reentry, 1);
    return NULL;
}

static lwi_thread *event_begin(lw_domain *domain, uint64_t address)
{
    lwi_thread *thread = domain && address ? thread_begin(domain->context) : NULL;
    if (!thread || aligned(domain, thread, address))
        return thread;
    lwi_thread_end(thread);
    return NULL;
}

/* ---- counting ---- */

static void count_rounds(lwi_thread *thread, const lwi_span *span, int64_t bytes, int64_t blocks)
{
    for (; span->round; span = span->parent)
        lwi_round_count(span->round, thread, bytes, blocks);
}

void lwi_count_more(lwi_thread *thread, const lwi_span *span, int64_t size)
{
    int64_t view = LWI_READ(thread->context->published) + thread->pending;
    if (thread->counting && view > thread->high)
        thread->high = view;
    count_rounds(thread, span, size, 1);
    if (thread->room < 0)
        lwi_thread_publish(thread);
}

void lwi_count_less(lwi_thread *thread, const lwi_span *span, int64_t size)
{
    count_rounds(thread, span, -size, -1);
    if (thread->pending < -LWI_PUBLISH)
        lwi_thread_publish(thread);
}

LWI_APART void lwi_hot_alloc_more(lwi_thread *thread, const lwi_span *span, int64_t size)
{
    lwi_count_more(thread, span, size);
    lwi_thread_end(thread);
}

LWI_APART void lwi_hot_free_more(lwi_thread *thread, const lwi_span *span, int64_t size)
{
    lwi_count_less(thread, span, size);
    atomic_store_explicit(&thread->held[LWI_HELD - 1], 0, memory_order_release);
    lwi_thread_end(thread);
}

static void count_alloc(lwi_thread *thread, const lwi_birth *birth, uint64_t address, int64_t size)
{
    if (birth->flags & LWI_SAMPLED) {
        lwi_sample_count(thread, birth, address, (uint64_t)size, 1);
        return;
    }
    lwi_count_alloc(thread, &thread->domains[birth->domain], size);
    lwi_count_more(thread, birth->span, size);
}

static void count_free(lwi_thread *thread, const lwi_birth *birth, uint64_t address, int64_t size)
{
    if (birth->flags & LWI_SAMPLED) {
        lwi_sample_count(thread, birth, address, (uint64_t)size, -1);
        return;
    }
    lwi_count_free(thread, &thread->domains[birth->domain], size);
    lwi_count_less(thread, birth->span, size);
}

bool lwi_near_move(lwi_thread *thread, lw_domain *domain, uint64_t address)
{
    uint64_t key = lwi_near_key(domain, address);
    if (lwi_near_is(thread, domain, address))
        return false;
    lwi_leaf *leaf = lwi_map_leaf(domain->map, address, false);
    if (leaf)
        *lwi_near_at(thread, domain, key) = (lwi_near){key, leaf};
    return leaf;
}

void lwi_count_adopted(lwi_thread *thread, const lwi_birth *birth, uint64_t address,
                       uint64_t size)
{
    if (birth->flags & LWI_SAMPLED) {
        lwi_sample_count_locked(thread, birth, address, size, -1);
        return;
    }
    LWI_BUMP(thread->domains[birth->domain].bytes, -(int64_t)size);
    LWI_BUMP(thread->domains[birth->domain].gone, 1);
    thread->pending -= (int64_t)size;
    count_rounds(thread, birth->span, -(int64_t)size, -1);
    if (thread->pending < -LWI_PUBLISH)
        lwi_thread_publish_locked(thread);
}

/* ---- ends that are more than a number ---- */

enum { BATCH = 64 };

typedef struct batch {
    uint64_t address[BATCH];
    uint64_t page; /* all pages before it are done */
    unsigned count;
    const lwi_births *births;
    uint8_t domain; /* whose blocks; 0: of any */
} batch;

static bool batch_add(uint64_t address, lwi_record record, void *user)
{
    batch *batch = user;
    if (batch->domain && lwi_birth_at(batch->births, record.birth)->domain != batch->domain)
        return true;
    if (batch->count == BATCH)
        return false;
    batch->address[batch->count++] = address;
    batch->page = address >> LWI_PAGE_BITS << LWI_PAGE_BITS;
    return true;
}

static void block_ended(lwi_thread *thread, uint64_t address, lwi_record record);

static void forget_blocks(lwi_thread *thread, lwi_map *map, uint64_t first, uint64_t last,
                          uint8_t domain)
{
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    batch batch = {.page = first, .births = &thread->context->births, .domain = domain};
    do {
        batch.count = 0;
        lwi_map_each(map, batch.page > first ? batch.page : first, last, batch_add, &batch);
        for (unsigned i = 0; i < batch.count; i++) {
            lwi_record record = lwi_map_take(map, batch.address[i], held);
            if (record.birth)
                block_ended(thread, batch.address[i], record);
            atomic_store_explicit(held, 0, memory_order_release);
        }
    } while (batch.count == BATCH);
}

/* What carved domains cut out of a chunk ends with it. Several hooks may have seen the chunk, so
 * its owner need not be the domain that they are children of. */
static void chunk_ended(lwi_thread *thread, const lwi_map *map, uint64_t address, uint64_t size)
{
    lw_context *context = thread->context;
    uint32_t count = atomic_load_explicit(&context->domain_count, memory_order_acquire);
    for (uint32_t i = 1; size && i <= count; i++) {
        lw_domain *child = context->domains[i];
        if (child->parent && child->parent->map == map)
            forget_blocks(thread, child->map, address, address + size - 1, 0);
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
static void uncount(lwi_thread *thread, uint64_t address, lwi_record record)
{
    const lwi_birth *birth = lwi_birth_at(&thread->context->births, record.birth);
    if (birth->flags & LWI_ADOPTED) {
        lwi_weight weight = lwi_weight_of(birth, address, record.size);
        lwi_adopted_add(thread->context->domains[birth->domain], -weight.bytes, -weight.blocks);
    } else if (!(birth->flags & LWI_UNCOUNTED)) {
        count_free(thread, birth, address, (int64_t)record.size);
    }
}

static void block_ended(lwi_thread *thread, uint64_t address, lwi_record record)
{
    const lwi_birth *birth = lwi_birth_at(&thread->context->births, record.birth);
    uint8_t flags = birth->flags;
    uint8_t domain = birth->domain;
    uncount(thread, address, record);
    if (flags & LWI_CODE)
        code_ended(thread, address);
    if (flags & LWI_ADOPTED)
        chunk_ended(thread, thread->context->domains[domain]->map, address, record.size);
}

/* ---- from a stack to a birth ---- */

/* Where an allocation's stack comes from: given, or taken if it turns out to be needed. */
typedef struct origin {
    const lw_stack *stack;
    lw_stack_fn take;
    void *user;
    bool is_place;
} origin;

static lw_stack place_stack(const char *place, uint64_t *word)
{
    *word = (uint64_t)(uintptr_t)place;
    return (lw_stack){word, place ? 1 : 0, 0, 0};
}

/* A stack as a careful host would have given it. */
static lw_stack stack_check(const lw_stack *stack)
{
    lw_stack copy = stack && stack->words ? *stack : (lw_stack){NULL, 0, 0, 0};
    if (copy.count > LW_STACK_MAX) {
        copy.count = LW_STACK_MAX;
        copy.truncated = 1;
        copy.hash = 0;
    }
    copy.truncated = copy.truncated != 0;
    return copy;
}

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

/* The birth of a sample, if `interval` is not 0. If the mode has changed since it was chosen, it
 * stands for itself alone. */
static uint32_t birth_find(lw_domain *domain, lwi_thread *thread, const lwi_source *source,
                           const lw_stack *stack, uint64_t hash, uint64_t interval)
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
        bool sampled = interval && thread->span->interval == interval;
        birth = lwi_birth_intern(context, thread->span, site, domain->id,
                                 sampled ? LWI_SAMPLED : 0);
    }
    lwi_lock_give(&context->lock);
    return birth;
}

static uint32_t birth_of(lw_domain *domain, lwi_thread *thread, const origin *origin,
                         uint64_t interval)
{
    const lw_stack *given = origin->take ? origin->take(origin->user) : origin->stack;
    const lw_stack checked = stack_check(given), *stack = &checked;
    const lwi_source *source =
        origin->is_place ? lwi_source_places(&domain->context->sites) : domain->source;
    uint64_t hash = stack->count ? stack_hash(stack, stack->count) : 0;
    uint64_t first = stack->count ? stack->words[0] : 0;
    uint64_t key = hash + lwi_known_salt(domain->id, source) + stack->truncated;
    uint32_t birth = lwi_known_birth(domain->context, thread, key, first, stack->count);
    if (birth)
        return birth;
    birth = birth_find(domain, thread, source, stack, hash, interval);
    if (thread->span && thread->span->interval == interval)
        *lwi_known_at(thread, key) = (lwi_known){key, first, thread->stamp, birth, stack->count};
    return birth;
}

/* ---- the events ---- */

/* What lived where a block is handed out: an inner hook told of the same block, or its free was
 * never seen. */
static void displaced(lw_domain *domain, lwi_thread *thread, uint64_t address, lwi_record old)
{
    if (!old.birth)
        return;
    const lwi_birth *birth = lwi_birth_at(&domain->context->births, old.birth);
    uint64_t blocks = (uint64_t)lwi_weight_of(birth, address, old.size).blocks;
    if (birth->domain == domain->id && !(birth->flags & LWI_IGNORED))
        LWI_BUMP(thread->replaced, blocks);
    else if (!(birth->flags & LWI_IGNORED))
        LWI_BUMP(thread->handed_over, blocks);
    block_ended(thread, address, old);
    atomic_store_explicit(&thread->held[LWI_HELD - 1], 0, memory_order_release);
}

/* An ignored block stands in the map without being counted, so that its end is silent too. */
static void alloc_ignored(lw_domain *domain, lwi_thread *thread, uint64_t address, uint64_t size)
{
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    lwi_record record = {size, LWI_READ(domain->ignored)}, old = {0, 0};
    if (!record.birth) {
        lwi_lock_take(&domain->context->lock);
        record.birth = lwi_domain_ignored(domain);
        lwi_lock_give(&domain->context->lock);
    }
    if (!record.birth || (!lwi_map_set(domain->map, address, record, &old, held) && !old.birth))
        old = lwi_map_take(domain->map, address, held);
    displaced(domain, thread, address, old);
}

/* An inner hook may just have told of this block, and for it it was a sample. */
static void alloc_unsampled(lw_domain *domain, lwi_thread *thread, uint64_t address)
{
    if (thread->sampled != address)
        return;
    lwi_record old = lwi_map_take(domain->map, address, &thread->held[LWI_HELD - 1]);
    displaced(domain, thread, address, old);
}

static void alloc(lw_domain *domain, lwi_thread *thread, uint64_t address, uint64_t size,
                  const origin *origin)
{
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    if (thread->attention & LWI_IGNORING) {
        alloc_ignored(domain, thread, address, size);
        return;
    }
    lw_context *context = domain->context;
    int32_t mode = atomic_load_explicit(&context->mode, memory_order_acquire);
    uint64_t interval = mode == LW_MODE_SAMPLED ? LWI_READ(context->interval) : 0;
    if (interval && !lwi_sample_due(thread, interval, size)) {
        alloc_unsampled(domain, thread, address);
        return;
    }
    lwi_record record = {size, domain->id}, old = {0, 0};
    if (mode != LW_MODE_COUNTS)
        record.birth = birth_of(domain, thread, origin, interval);
    if (!record.birth || !lwi_map_set(domain->map, address, record, &old, held)) {
        LWI_BUMP(thread->dropped_memory, 1);
        record.birth = 0;
    }
    if (!record.birth && !old.birth)
        old = lwi_map_take(domain->map, address, held);
    displaced(domain, thread, address, old);
    if (record.birth) {
        const lwi_birth *birth = lwi_birth_at(&context->births, record.birth);
        count_alloc(thread, birth, address, (int64_t)size);
        if (interval)
            thread->sampled = address;
    }
}

static void alloc_event(lw_domain *domain, uint64_t address, uint64_t size, const origin *origin)
{
    lwi_thread *thread = event_begin(domain, address);
    if (!thread)
        return;
    alloc(domain, thread, address, size, origin);
    lwi_thread_end(thread);
}

/* An event that has begun, of a stack that may be known; false with nothing done. */
static inline bool enter_known(lwi_thread *thread, const lw_domain *domain, uint64_t address,
                               uint64_t size, const lw_stack *stack)
{
    bool told = stack && stack->words, any = told && stack->count;
    uint64_t key = domain->salt + (any ? stack->hash : 0) + (told ? stack->truncated : 0);
    uint32_t birth = lwi_known_birth(domain->context, thread, key, any ? stack->words[0] : 0,
                                     any ? stack->count : 0);
    return lwi_hot_enter(thread, domain, address, size, birth, thread->span);
}

static inline bool enter_counted(lwi_thread *thread, const lw_domain *domain, uint64_t address,
                                 uint64_t size)
{
    const lwi_span *span = lwi_birth_at(&domain->context->births, domain->id)->span;
    return lwi_hot_enter(thread, domain, address, size, domain->id, span);
}

/* No sample: all there is to do is to count its bytes down. */
static inline bool pass_sampling(lwi_thread *thread, const lw_domain *domain, uint64_t address,
                                 uint64_t size)
{
    if (thread->interval != LWI_READ(domain->context->interval) || size >= thread->until ||
        size == 0 || thread->sampled == address)
        return false;
    thread->until -= size;
    lwi_thread_end(thread);
    return true;
}

/* What is left when the shortest way was none. */
static LWI_APART void alloc_any(lw_domain *domain, uint64_t address, uint64_t size,
                                const origin *origin)
{
    lwi_thread *thread = domain ? lwi_hot_begin(domain, address) : NULL;
    if (!thread) {
        alloc_event(domain, address, size, origin);
        return;
    }
    bool done = false;
    int32_t mode = atomic_load_explicit(&domain->context->mode, memory_order_acquire);
    if (mode != LW_MODE_SAMPLED)
        lwi_near_move(thread, domain, address);
    if (mode == LW_MODE_SAMPLED)
        done = pass_sampling(thread, domain, address, size);
    else if (mode == LW_MODE_COUNTS)
        done = enter_counted(thread, domain, address, size);
    else if (!origin->is_place && !origin->take)
        done = enter_known(thread, domain, address, size, origin->stack);
    if (done)
        return;
    alloc(domain, thread, address, size, origin);
    lwi_thread_end(thread);
}

static LWI_APART void alloc_stack(lw_domain *domain, uint64_t address, uint64_t size,
                                  const lw_stack *stack)
{
    const origin origin = {.stack = stack};
    alloc_any(domain, address, size, &origin);
}

static LWI_APART void alloc_place(lw_domain *domain, uint64_t address, uint64_t size,
                                  const char *place)
{
    uint64_t word;
    const lw_stack stack = place_stack(place, &word);
    const origin origin = {.stack = &stack, .is_place = true};
    alloc_any(domain, address, size, &origin);
}

void lw_block_alloc(lw_domain *domain, const void *block, uint64_t size, const lw_stack *stack)
{
    if (!LWI_LIKELY(domain && stack && stack->words && stack->count) ||
        !LWI_LIKELY(lwi_hot_alloc(domain, address_of(block), size,
                                  domain->salt + stack->hash + stack->truncated, stack->words[0],
                                  stack->count)))
        alloc_stack(domain, address_of(block), size, stack);
}

void lw_block_alloc_at(lw_domain *domain, const void *block, uint64_t size, const char *place)
{
    uint64_t word = (uint64_t)(uintptr_t)place, hash = word * LWI_FIRST_FACTOR;
    if (!LWI_LIKELY(domain && place) ||
        !LWI_LIKELY(lwi_hot_alloc(domain, address_of(block), size, domain->place_salt + hash, word,
                                  1)))
        alloc_place(domain, address_of(block), size, place);
}

void lw_block_alloc_with(lw_domain *domain, const void *block, uint64_t size, lw_stack_fn take,
                         void *user)
{
    const origin origin = {.take = take, .user = user};
    if (domain && block && take && LWI_READ(domain->context->mode) == LW_MODE_SITES)
        lw_block_alloc(domain, block, size, take(user)); /* a long walk before a short event */
    else
        alloc_any(domain, address_of(block), size, &origin);
}

/* A block that is not found: whether this thread has just told of its end through an outer hook,
 * which passes it on to this one. */
static bool passed_on(lwi_thread *thread, const lw_domain *domain, uint64_t address)
{
    if (thread->ending == address && thread->ending_in != domain &&
        domain->kind == LW_DOMAIN_SHARED)
        return true;
    lwi_note_ending(thread, domain, address);
    return false;
}

/* Once there were samples, most blocks are not found, and nothing is wrong with that. */
static void count_unknown(lwi_thread *thread, bool passed)
{
    if (LWI_READ(thread->context->interval))
        return;
    if (passed)
        LWI_BUMP(thread->passed_on, 1);
    else
        LWI_BUMP(thread->unknown_frees, 1);
}

static lwi_record take(lw_domain *domain, lwi_thread *thread, uint64_t address)
{
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    lwi_record record = lwi_map_take(domain->map, address, held);
    if (!record.birth) {
        count_unknown(thread, passed_on(thread, domain, address));
        return record;
    }
    uint8_t flags = lwi_birth_at(&thread->context->births, record.birth)->flags;
    if (flags & LWI_UNCOUNTED && !(flags & LWI_IGNORED))
        LWI_BUMP(thread->unknown_frees, 1);
    lwi_note_ending(thread, domain, address);
    block_ended(thread, address, record);
    atomic_store_explicit(held, 0, memory_order_release);
    return record;
}

/* Whether no block is at an address, as far as can be seen at once. */
static inline bool is_missing(lwi_thread *thread, const lw_domain *domain, uint64_t address)
{
    uintptr_t page = lwi_hot_page(thread, domain, address);
    if (!page)
        return lwi_near_is(thread, domain, address);
    unsigned at = home(domain->map, granule(domain->map, address), level_of(page));
    return atomic_load_explicit(&node_of(page)[at], memory_order_acquire) == 0;
}

static LWI_APART void free_any(lw_domain *domain, uint64_t address)
{
    lwi_thread *thread = domain ? lwi_hot_begin(domain, address) : NULL;
    if (thread && lwi_near_move(thread, domain, address)) {
        lwi_thread_end(thread);
        if (lwi_hot_free(domain, address))
            return;
        thread = lwi_hot_begin(domain, address);
    }
    if (!thread && !(thread = event_begin(domain, address)))
        return;
    if (is_missing(thread, domain, address))
        count_unknown(thread, passed_on(thread, domain, address));
    else
        take(domain, thread, address);
    lwi_thread_end(thread);
}

void lw_block_free(lw_domain *domain, const void *block)
{
    if (!LWI_LIKELY(domain != NULL) || !LWI_LIKELY(lwi_hot_free(domain, address_of(block))))
        free_any(domain, address_of(block));
}

void lw_block_free_sized(lw_domain *domain, const void *block, uint64_t size)
{
    lwi_thread *thread = event_begin(domain, address_of(block));
    if (!thread)
        return;
    lwi_record record = take(domain, thread, address_of(block));
    if (record.birth && record.size != size)
        LWI_BUMP(thread->replaced, 1);
    lwi_thread_end(thread);
}

void lw_domain_free_range(lw_domain *domain, const void *first, uint64_t size)
{
    lwi_thread *thread = domain && size ? thread_begin(domain->context) : NULL;
    if (!thread)
        return;
    uint64_t address = address_of(first), rest = size - 1;
    if (rest > UINT64_MAX - address)
        rest = UINT64_MAX - address;
    forget_blocks(thread, domain->map, address, address + rest, 0);
    lwi_thread_end(thread);
}

void lw_domain_free_all(lw_domain *domain)
{
    lwi_thread *thread = domain ? thread_begin(domain->context) : NULL;
    if (!thread)
        return;
    forget_blocks(thread, domain->map, 0, UINT64_MAX,
                  domain->kind == LW_DOMAIN_SHARED ? domain->id : 0);
    lwi_thread_end(thread);
}

/* ---- moves ---- */

/* What lw_move::size says of a block that was not found. */
enum { MOVE_UNKNOWN = 1, MOVE_PASSED_ON = 2 };

/* Where the birth of a block that a move takes out is named; the last place serves events. */
static _Atomic uint32_t *held_place(lwi_thread *thread)
{
    for (int i = 0; i < LWI_HELD - 1; i++) {
        if (LWI_READ(thread->held[i]) == 0)
            return &thread->held[i];
    }
    LWI_BUMP(thread->held_over, 1);
    return &thread->held[LWI_HELD - 1];
}

/* Moves of blocks of one birth may stand for one another, and so may those without a place. */
static void held_release(lwi_thread *thread, uint32_t birth)
{
    for (int i = 0; i < LWI_HELD - 1; i++) {
        if (LWI_READ(thread->held[i]) == birth) {
            atomic_store_explicit(&thread->held[i], 0, memory_order_release);
            return;
        }
    }
    if (LWI_READ(thread->held_over) > 0)
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
    _Atomic uint32_t *held = held_place(thread);
    lwi_record record = lwi_map_take(domain->map, address, held);
    if (record.birth) {
        lwi_note_ending(thread, domain, address);
        uncount(thread, address, record);
        move->record = record.birth;
        move->size = record.size;
    } else {
        move->size = passed_on(thread, domain, address) ? MOVE_PASSED_ON : MOVE_UNKNOWN;
        if (held == &thread->held[LWI_HELD - 1])
            held_release(thread, UINT32_MAX);
    }
    lwi_thread_end(thread);
}

/* What had to wait until the move was certain, and the end of holding on to the old birth. */
static void move_settle(lwi_thread *thread, const lw_move *move)
{
    const lwi_birth *birth = lwi_birth_at(&thread->context->births, (uint32_t)move->record);
    uint64_t address = address_of(move->block);
    if (birth->flags & LWI_CODE)
        code_ended(thread, address);
    if (birth->flags & LWI_ADOPTED)
        chunk_ended(thread, move->domain->map, address, move->size);
    held_release(thread, (uint32_t)move->record);
}

static void move_end(lw_move *move, uint64_t address, uint64_t size, const origin *origin)
{
    lw_domain *domain = move ? move->domain : NULL;
    bool nothing = !domain || (!address && !move->block);
    lwi_thread *thread = nothing ? NULL : thread_begin(domain->context);
    if (!thread)
        return;
    bool ignored = move->record && lwi_birth_at(&domain->context->births,
                                                (uint32_t)move->record)->flags & LWI_IGNORED;
    if (move->record)
        move_settle(thread, move);
    else if (move->size)
        count_unknown(thread, move->size == MOVE_PASSED_ON);
    bool known = address && aligned(domain, thread, address);
    if (known && ignored)
        alloc_ignored(domain, thread, address, size);
    else if (known)
        alloc(domain, thread, address, size, origin);
    lwi_thread_end(thread);
    move->domain = NULL;
}

void lw_move_end(lw_move *move, const void *block, uint64_t size, const lw_stack *stack)
{
    const origin origin = {.stack = stack};
    move_end(move, address_of(block), size, &origin);
}

void lw_move_end_at(lw_move *move, const void *block, uint64_t size, const char *place)
{
    uint64_t word;
    const lw_stack stack = place_stack(place, &word);
    const origin origin = {.stack = &stack, .is_place = true};
    move_end(move, address_of(block), size, &origin);
}

void lw_move_end_with(lw_move *move, const void *block, uint64_t size, lw_stack_fn take,
                      void *user)
{
    const origin origin = {.take = take, .user = user};
    lw_domain *domain = move ? move->domain : NULL;
    if (domain && block && take && LWI_READ(domain->context->mode) == LW_MODE_SITES)
        lw_move_end(move, block, size, take(user));
    else
        move_end(move, address_of(block), size, &origin);
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
    if (old.birth)
        block_ended(thread, address_of(move->block), old);
    atomic_store_explicit(&thread->held[LWI_HELD - 1], 0, memory_order_release);
    return done;
}

void lw_move_cancel(lw_move *move)
{
    bool found = move && move->domain && move->record;
    lwi_thread *thread = found ? thread_begin(move->domain->context) : NULL;
    if (!thread)
        return;
    const lwi_birth *birth = lwi_birth_at(&thread->context->births, (uint32_t)move->record);
    if (!move_restore(thread, move)) {
        LWI_BUMP(thread->dropped_memory, 1);
    } else if (birth->flags & LWI_ADOPTED) {
        lwi_weight weight = lwi_weight_of(birth, address_of(move->block), move->size);
        lwi_adopted_add(thread->context->domains[birth->domain], weight.bytes, weight.blocks);
    } else if (!(birth->flags & LWI_UNCOUNTED)) {
        int64_t blocks = lwi_weight_of(birth, address_of(move->block), move->size).blocks;
        LWI_BUMP(thread->domains[birth->domain].gone, -blocks);
        LWI_BUMP(thread->domains[birth->domain].allocated, -blocks);
        count_alloc(thread, birth, address_of(move->block), (int64_t)move->size);
    }
    held_release(thread, (uint32_t)move->record);
    lwi_thread_end(thread);
    move->domain = NULL;
}
