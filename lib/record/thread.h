/* A thread of the host, as one context sees it. Its counters are written by itself alone and read
 * by anyone: summing on reading keeps threads from sharing a cache line. */
#ifndef LWI_RECORD_THREAD_H
#define LWI_RECORD_THREAD_H

#include "record/site.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { LWI_DOMAINS = 256, LWI_HELD = 8, LWI_CACHE_BITS = 10 };

/* A thread tells the others of its bytes at the latest when it has allocated this many, so a
 * peak over several threads is off by no more than this for each other thread. */
#define LWI_PUBLISH INT64_C(65536)

typedef struct lwi_domain_count {
    _Atomic int64_t bytes, blocks; /* freed here may have been allocated elsewhere: may be < 0 */
    _Atomic uint64_t allocated;
} lwi_domain_count;

/* What birth an allocation with this stack had last time. */
typedef struct lwi_known {
    uint64_t key;   /* hash of the stack and its domain */
    uint64_t first; /* its innermost word */
    uint64_t stamp; /* of the span */
    uint32_t birth;
    uint32_t count;
} lwi_known;

struct lwi_span;
struct lwi_round;

typedef struct lwi_thread {
    lw_context *context;
    struct lwi_thread *next;
    const void *token; /* tells living threads from one another */
    uint32_t index;
    _Atomic bool free; /* the thread is gone; a new one may take the record */
    bool busy;         /* inside an event: another one now is a re-entry */
    bool torn;         /* gone with fork inside an event: what it holds is held for ever */
    bool describing;   /* inside describe_frame, with the context's lock */
    uint32_t ignore;

    uint64_t version;
    struct lwi_span *span; /* where new blocks are born */
    uint64_t stamp;
    struct lwi_round **rounds; /* THREAD and TASK rounds active here, outermost first */
    uint64_t round_count, round_room;

    uint64_t until;    /* bytes to the next sample, */
    uint64_t interval; /* drawn for this interval; 0: not yet */
    uint64_t random;
    uint64_t sampled; /* the address of the last one */

    int64_t pending;    /* bytes not published yet */
    int64_t since;      /* bytes allocated since the last publication */
    int64_t high;       /* the most that lived since the last fold; see round.c */
    uint64_t folded_at; /* the epoch then */

    /* Births of blocks that are out of the map though an event still works with them. */
    _Atomic uint32_t held[LWI_HELD];
    _Atomic uint32_t held_over; /* moves that found no place there */

    uint64_t ending; /* the block whose end was told last, and through which domain */
    const struct lw_domain *ending_in;

    _Atomic uint64_t dropped_memory, dropped_reentry, dropped_stack, dropped_address;
    _Atomic uint64_t unknown_frees, replaced;
    _Atomic uint64_t handed_over; /* blocks that an outer hook told of too, */
    _Atomic uint64_t passed_on;   /* and frees of such blocks by inner ones */
    lwi_domain_count domains[LWI_DOMAINS];
    lwi_known known[1 << LWI_CACHE_BITS];
} lwi_thread;

/* The calling thread's record, made on first use; NULL without memory. */
lwi_thread *lwi_thread_get(lw_context *context);

/* The calling thread's record if it has one. */
lwi_thread *lwi_thread_peek(lw_context *context);

bool lwi_threads_init(lw_context *context);
void lwi_threads_done(lw_context *context);

/* The only thread left after fork is the calling one. Under the lock. */
void lwi_threads_forked(lw_context *context);

/* Adds to a counter that only this thread writes. */
#define LWI_BUMP(counter, amount)                                                                  \
    atomic_store_explicit(&(counter),                                                              \
                          atomic_load_explicit(&(counter), memory_order_relaxed) + (amount),      \
                          memory_order_relaxed)

#define LWI_READ(counter) atomic_load_explicit(&(counter), memory_order_relaxed)

#endif
