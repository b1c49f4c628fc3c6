/* The context and what hangs on it. Cold tables are changed under `lock`; what an event reads
 * without it is atomic or belongs to the event's thread. Order of locks: process, context, map,
 * pages. */
#ifndef LWI_RECORD_CONTEXT_H
#define LWI_RECORD_CONTEXT_H

#include "record/birth.h"
#include "record/map.h"
#include "record/object.h"
#include "record/round.h"
#include "record/site.h"
#include "record/thread.h"
#include "record/view.h"

#include <leakwatch/mode.h>
#include <leakwatch/region.h>

struct lw_domain {
    lw_context *context;
    lwi_map *map;
    const lwi_source *source; /* how its stacks' words are described */
    uint64_t salt, place_salt; /* of what threads remember of its stacks, and of its places */
    uint32_t align_mask;
    uint8_t id;
    bool serial;
    int32_t kind;
    lw_domain *parent;
    char *name;
    lwi_map own_map; /* CARVED and APART */
    bool in_process; /* APART, but memory of this process */
    _Atomic uint32_t ignored; /* the birth of its ignored blocks; 0: none yet */
    _Atomic int64_t adopted_bytes, adopted_blocks; /* of this domain's blocks */
    _Atomic double spread_bytes, spread_blocks; /* variances of what its samples stand for */
};

/* What every event reads comes first, and little of it is ever written. */
struct lw_context {
    uint64_t serial; /* never reused: an address may be */
    _Atomic uint64_t version;  /* changes when threads must rebuild their span */
    _Atomic int64_t published; /* live bytes as far as threads have told; see thread.h */
    _Atomic int32_t mode;      /* lw_mode */
    lwi_births births;
    lwi_map shared_map; /* of all SHARED domains */
    lw_domain *domains[LWI_DOMAINS];
    _Atomic uint32_t domain_count; /* 1 is the first; events see a new one when it is ready */
    lwi_slot slot;
    lw_context *next; /* in the list of all, under the process's lock */
    lwi_mem mem;
    _Atomic uint32_t references;
    lwi_lock lock;
    _Atomic(lwi_thread *) threads;
    _Atomic uint32_t live_threads;
    _Atomic uint64_t interval; /* between samples; of the last time if the mode is another */
    uint64_t epoch;
    _Atomic uint64_t lost_events; /* dropped before there was a thread record */
    lwi_sites sites;
    lwi_rounds rounds;
    _Atomic(lw_type *) types; /* in the order of registration */
    lw_type *last_type;
    lwi_variable *variables; /* that hold objects */
    uint64_t variable_count, variable_room;
    struct lwi_tellers *tellers; /* NULL: no allocator tells of itself */
    lwi_attachment attachment;
};

/* All contexts of the process that work, under its lock. */
lw_context *lwi_contexts(void);

void lwi_domains_done(lw_context *context);

/* Marks a recorded block. Under the lock. */
lw_status lwi_block_flag(lw_context *context, lwi_thread *thread, lwi_map *map, uint64_t address,
                         lwi_record record, uint8_t flag);

/* The birth of ignored blocks; 0 without memory. Under the lock, but for the reading of
 * lw_domain::ignored. */
uint32_t lwi_domain_ignored(lw_domain *domain);

/* A block counts no more as one of its domain: it is a chunk now, or ignored. Under the lock. */
void lwi_count_adopted(lwi_thread *thread, const lwi_birth *birth, uint64_t address,
                       uint64_t size);

/* The bit of the present mode, as in lw_region_stats::modes. */
static inline uint32_t lwi_mode_bit(const lw_context *context)
{
    return 1u << LWI_READ(context->mode);
}

void lwi_types_done(lw_context *context);
lw_type *lwi_type_next(lw_type *type);
lwi_lock *lwi_type_lock(lw_type *type);

static inline void lwi_adopted_add(lw_domain *domain, int64_t bytes, int64_t blocks)
{
    atomic_fetch_add_explicit(&domain->adopted_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&domain->adopted_blocks, blocks, memory_order_relaxed);
}

#endif
