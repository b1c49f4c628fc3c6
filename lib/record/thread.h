/* A thread of the host, as one context sees it. Its counters are written by itself alone and read
 * by anyone: summing on reading keeps threads from sharing a cache line. */
#ifndef LWI_RECORD_THREAD_H
#define LWI_RECORD_THREAD_H

#include "base/hint.h"
#include "record/map.h"
#include "record/site.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { LWI_DOMAINS = 256, LWI_HELD = 8, LWI_CACHE_BITS = 10, LWI_NEAR = 32 };

/* A thread tells the others of its bytes at the latest when it has allocated this many, so a
 * peak over several threads is off by no more than this for each other thread. */
#define LWI_PUBLISH INT64_C(65536)

typedef struct lwi_domain_count {
    _Atomic int64_t bytes; /* freed here may have been allocated elsewhere: may be < 0 */
    _Atomic int64_t allocated, gone; /* blocks */
} lwi_domain_count;

static inline int64_t lwi_count_blocks(const lwi_domain_count *count)
{
    return atomic_load_explicit(&count->allocated, memory_order_relaxed) -
           atomic_load_explicit(&count->gone, memory_order_relaxed);
}

/* What birth an allocation with this stack had last time. */
typedef struct lwi_known {
    uint64_t key;   /* hash of the stack and its domain */
    uint64_t first; /* its innermost word */
    uint64_t stamp; /* of the span */
    uint32_t birth;
    uint32_t count;
} lwi_known;

/* Where this thread was in a domain's map. Leaves stay as long as the map. */
typedef struct lwi_near {
    uint64_t key; /* upper bits of the addresses, and the domain */
    lwi_leaf *leaf;
} lwi_near;

/* Bits of lwi_thread::attention: why an event is not like any other. */
enum {
    LWI_BUSY = 1,    /* inside an event or a call: an event now is a re-entry */
    LWI_IGNORING = 2 /* between lw_ignore_begin() and lw_ignore_end() */
};

struct lwi_span;
struct lwi_round;

typedef struct lwi_thread {
    uint32_t attention;
    uint32_t counting; /* allocations matter to more than their domain: a round is open */
    int64_t room;     /* bytes that may still be allocated before the next publication */
    uint64_t version; /* of the context when the span was entered */
    int64_t pending;  /* bytes not published yet; not next to `room`, or both are loaded as one */
    uint64_t stamp;   /* of the span */
    struct lwi_span *span; /* where new blocks are born */
    lw_context *context;
    struct lwi_thread *next;
    const void *token; /* tells living threads from one another */
    uint32_t index;
    _Atomic bool free; /* the thread is gone; a new one may take the record */
    bool torn;         /* gone with fork inside an event: what it holds is held for ever */
    bool is_main;    /* its stack is not where its variables are */
    bool describing;   /* inside describe_frame, with the context's lock */
    uint32_t ignore;

    struct lwi_round **rounds; /* THREAD and TASK rounds active here, outermost first */
    uint64_t round_count, round_room;

    uint64_t until;    /* bytes to the next sample, */
    uint64_t interval; /* drawn for this interval; 0: not yet */
    uint64_t random;
    uint64_t sampled; /* the address of the last one */

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
    lwi_near near[LWI_NEAR];
    lwi_domain_count domains[LWI_DOMAINS];
    lwi_known known[1 << LWI_CACHE_BITS];
} lwi_thread;

#if defined(__GLIBC__) && defined(__GNUC__)
#define LWI_FAST_TLS __attribute__((tls_model("initial-exec")))
#else
#define LWI_FAST_TLS
#endif

/* The last context this thread sent an event to. The serial guards against a new context at the
 * address of an old one. */
typedef struct lwi_last {
    uint64_t serial;
    lwi_thread *thread;
    bool making; /* the system may allocate for us; that event is not recorded */
} lwi_last;

extern _Thread_local lwi_last lwi_last_used LWI_FAST_TLS;

/* The calling thread's record, made on first use; NULL without memory. */
lwi_thread *lwi_thread_get(lw_context *context);

/* An event, or a call that is none, begins on this thread; false if it is inside one already. */
static inline bool lwi_thread_begin(lwi_thread *thread)
{
    if (thread->attention & LWI_BUSY)
        return false;
    thread->attention |= LWI_BUSY;
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

static inline void lwi_thread_end(lwi_thread *thread)
{
    atomic_signal_fence(memory_order_seq_cst);
    thread->attention &= ~(uint32_t)LWI_BUSY;
}

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
