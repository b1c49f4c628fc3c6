/* The straight way through an event: a stack that this thread has met, an address that its domain
 * has used nearby, a slot that nobody else wants, no round that looks. What is not so is left to
 * block.c, which begins anew and can do everything; so each of these functions has either done all
 * or nothing. */
#ifndef LWI_RECORD_HOT_H
#define LWI_RECORD_HOT_H

#include "record/context.h"
#include "record/map_slots.h"

/* ---- threads ---- */

/* The calling thread's record if nothing about this event is special; NULL otherwise. */
static inline lwi_thread *lwi_hot_begin(const lw_domain *domain, uint64_t address)
{
    lwi_thread *thread = lwi_last_used.thread;
    if (LWI_UNLIKELY(!address || lwi_last_used.serial != domain->context->serial ||
                     thread->attention || (address & domain->align_mask)))
        return NULL;
    thread->attention = LWI_BUSY;
    atomic_signal_fence(memory_order_seq_cst);
    return thread;
}

/* ---- births ---- */

/* Stacks of different domains are told apart by it, and so are words from places. */
static inline uint64_t lwi_known_salt(uint8_t domain, const lwi_source *source)
{
    return (((uint64_t)domain << 8) + source->id) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline lwi_known *lwi_known_at(lwi_thread *thread, uint64_t key)
{
    return &thread->known[(key * UINT64_C(0xd6e8feb86659fd93)) >> (64 - LWI_CACHE_BITS)];
}

/* A thread remembers the births of its last stacks by their 64-bit hash, length and innermost word;
 * a stack that is new to it is compared frame by frame (site.c). */
static inline uint32_t lwi_known_birth(const lw_context *context, lwi_thread *thread, uint64_t key,
                                       uint64_t first, uint32_t count)
{
    const lwi_known *known = lwi_known_at(thread, key);
    bool same = known->key == key && known->stamp == thread->stamp && known->first == first &&
                known->count == count && thread->version == LWI_READ(context->version);
    return LWI_LIKELY(same) ? known->birth : 0;
}

/* ---- the map ---- */

static inline uint64_t lwi_near_key(const lw_domain *domain, uint64_t address)
{
    return address >> (LWI_PAGE_BITS + LWI_LEAF_BITS) | (uint64_t)domain->id << 56;
}

static inline lwi_near *lwi_near_at(lwi_thread *thread, const lw_domain *domain, uint64_t key)
{
    return &thread->near[(key + domain->id) % LWI_NEAR];
}

/* The node with its level of the page that an address is in; 0: none, or too far from others. */
static inline uintptr_t lwi_hot_page(lwi_thread *thread, const lw_domain *domain, uint64_t address)
{
    uint64_t key = lwi_near_key(domain, address);
    const lwi_near *near = lwi_near_at(thread, domain, key);
    if (LWI_UNLIKELY(near->key != key))
        return 0;
    return atomic_load_explicit(
        &near->leaf->page[(address >> LWI_PAGE_BITS) & ((1u << LWI_LEAF_BITS) - 1)],
        memory_order_acquire);
}

static inline bool lwi_near_is(lwi_thread *thread, const lw_domain *domain, uint64_t address)
{
    uint64_t key = lwi_near_key(domain, address);
    return lwi_near_at(thread, domain, key)->key == key;
}

/* Makes an address near; false if it is already, or if its domain has no block around there. */
bool lwi_near_move(lwi_thread *thread, lw_domain *domain, uint64_t address);

/* Puts a block where none is, into its home. */
static inline bool lwi_hot_put(const lwi_map *map, uintptr_t page, uint64_t address, uint64_t size,
                               uint32_t birth)
{
    unsigned level = level_of(page), place = granule(map, address);
    if (LWI_UNLIKELY(!page || size >= map->limit ||
                     size > atomic_load_explicit(&map->largest, memory_order_relaxed)))
        return false;
    lwi_slot_word *slot = node_of(page) + home(map, place, level);
    uint64_t value = (uint64_t)birth << 32 | size << map->off_bits | place, nothing = 0;
    if (LWI_UNLIKELY(atomic_load_explicit(slot, memory_order_relaxed) != 0))
        return false;
    if (level < atomic_load_explicit(&map->plain_from, memory_order_relaxed))
        return atomic_compare_exchange_strong_explicit(slot, &nothing, value, memory_order_acq_rel,
                                                       memory_order_relaxed);
    atomic_store_explicit(slot, value, memory_order_release);
    return true;
}

/* The slot of the block at an address, if that is its home; NULL if not, or if there is more to it. */
static inline lwi_slot_word *lwi_hot_find(const lwi_map *map, uintptr_t page, uint64_t address,
                                          uint64_t *value)
{
    unsigned place = granule(map, address);
    if (LWI_UNLIKELY(!page))
        return NULL;
    lwi_slot_word *slot = node_of(page) + home(map, place, level_of(page));
    *value = atomic_load_explicit(slot, memory_order_acquire);
    bool simple = *value && value_granule(map, *value) == place && *value < STRAYS &&
                  value_size(map, *value) != map->limit;
    return LWI_LIKELY(simple) ? slot : NULL;
}

/* Takes out what lwi_hot_find() found; false if another thread was at the same page meanwhile. */
static inline bool lwi_hot_take(const lwi_map *map, uintptr_t page, lwi_slot_word *slot,
                                uint64_t value, _Atomic uint32_t *held)
{
    atomic_store_explicit(held, (uint32_t)(value >> 32), memory_order_relaxed);
    if (level_of(page) < atomic_load_explicit(&map->plain_from, memory_order_relaxed))
        return atomic_compare_exchange_strong_explicit(slot, &value, 0, memory_order_acq_rel,
                                                       memory_order_relaxed);
    atomic_store_explicit(slot, 0, memory_order_release);
    return true;
}

/* ---- counting ---- */

/* What is left to do when a block has been counted in its domain: peaks, the rounds that it was born
 * in, telling other threads. */
void lwi_count_more(lwi_thread *thread, const lwi_span *span, int64_t size);
void lwi_count_less(lwi_thread *thread, const lwi_span *span, int64_t size);

static inline void lwi_count_alloc(lwi_thread *thread, lwi_domain_count *count, int64_t size)
{
    LWI_BUMP(count->bytes, size);
    LWI_BUMP(count->allocated, 1);
    thread->pending += size;
    thread->room -= size;
}

static inline void lwi_count_free(lwi_thread *thread, lwi_domain_count *count, int64_t size)
{
    LWI_BUMP(count->bytes, -size);
    LWI_BUMP(count->gone, 1);
    thread->pending -= size;
}

/* A block that was told to end last here may be told of again by an inner hook. */
static inline void lwi_note_ending(lwi_thread *thread, const lw_domain *domain, uint64_t address)
{
    thread->ending = address;
    thread->ending_in = domain;
}

/* ---- whole events ---- */

/* Both end the event by the way. */
void lwi_hot_alloc_more(lwi_thread *thread, const lwi_span *span, int64_t size);
void lwi_hot_free_more(lwi_thread *thread, const lwi_span *span, int64_t size);

/* An event that has begun gets its block into the books, and ends; or goes on, with nothing done. */
static inline bool lwi_hot_enter(lwi_thread *thread, const lw_domain *domain, uint64_t address,
                                 uint64_t size, uint32_t birth, const lwi_span *span)
{
    uintptr_t page = lwi_hot_page(thread, domain, address);
    if (LWI_UNLIKELY(!birth || !lwi_hot_put(domain->map, page, address, size, birth)))
        return false;
    lwi_count_alloc(thread, &thread->domains[domain->id], (int64_t)size);
    if (LWI_UNLIKELY(thread->counting || thread->room < 0))
        lwi_hot_alloc_more(thread, span, (int64_t)size);
    else
        lwi_thread_end(thread);
    return true;
}

static inline bool lwi_hot_alloc(const lw_domain *domain, uint64_t address, uint64_t size,
                                 uint64_t key, uint64_t first, uint32_t length)
{
    lwi_thread *thread = lwi_hot_begin(domain, address);
    if (LWI_UNLIKELY(!thread))
        return false;
    bool exact = LWI_READ(domain->context->mode) == LW_MODE_SITES;
    uint32_t birth = lwi_known_birth(domain->context, thread, key, first, length);
    if (LWI_LIKELY(exact) && LWI_LIKELY(lwi_hot_enter(thread, domain, address, size, birth, thread->span)))
        return true;
    lwi_thread_end(thread);
    return false;
}

static inline bool lwi_hot_free(const lw_domain *domain, uint64_t address)
{
    lwi_thread *thread = lwi_hot_begin(domain, address);
    if (LWI_UNLIKELY(!thread))
        return false;
    uint64_t value;
    uintptr_t page = lwi_hot_page(thread, domain, address);
    lwi_slot_word *slot = lwi_hot_find(domain->map, page, address, &value);
    if (LWI_UNLIKELY(!slot)) {
        lwi_thread_end(thread);
        return false;
    }
    const lwi_birth *birth = lwi_birth_at(&domain->context->births, (uint32_t)(value >> 32));
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    if (LWI_UNLIKELY(birth->flags & LWI_SPECIAL) ||
        LWI_UNLIKELY(!lwi_hot_take(domain->map, page, slot, value, held))) {
        atomic_store_explicit(held, 0, memory_order_release);
        lwi_thread_end(thread);
        return false;
    }
    int64_t size = (int64_t)value_size(domain->map, value);
    lwi_note_ending(thread, domain, address);
    lwi_count_free(thread, &thread->domains[birth->domain], size);
    if (LWI_UNLIKELY(birth->span->round != NULL || thread->pending < -LWI_PUBLISH)) {
        lwi_hot_free_more(thread, birth->span, size);
        return true;
    }
    atomic_store_explicit(held, 0, memory_order_release);
    lwi_thread_end(thread);
    return true;
}

#endif
