/* Births, spans and rounds: where, when and in which regions blocks come to life.
 *
 * A *span* is what holds for all allocations of a thread between two changes: the rounds that are
 * open around it and the epoch. A *birth* is an interned (span, site, domain); a block's record
 * holds its number. No count per site is kept while running; a walk over the map counts.
 *
 * Births that no block refers to are recycled, so a million rounds cost what is live: at the end
 * of a round of which nothing survives, and by a walk whenever the number of births has doubled.
 * Recycling is safe against events that run meanwhile because a thread changes its span only
 * under the lock, and births of any thread's present span, or of a block it is moving, stay. */
#ifndef LWI_RECORD_BIRTH_H
#define LWI_RECORD_BIRTH_H

#include "base/mem.h"

#include <leakwatch/region.h>

struct lwi_thread;
struct lwi_round;
struct lwi_birth_key;

typedef struct lwi_span {
    struct lwi_span *parent;
    struct lwi_round *round; /* NULL in the outermost span */
    uint64_t epoch;
    uint64_t interval; /* of the samples born in it; 0: all are exact */
    uint64_t stamp;   /* of the caches that are valid in it; changes when births are recycled */
    uint64_t births;  /* that belong to it */
    uint64_t children;
    uint64_t users;   /* threads that are in it */
    struct lwi_birth_key *keys; /* of its births */
    struct lwi_span *next, **link; /* in the list of all */
} lwi_span;

/* Bits of lwi_birth::flags. */
enum {
    LWI_ADOPTED = 1,  /* a chunk that a carved domain cuts up: counts in the child only */
    LWI_CODE = 2,     /* its end retires words */
    LWI_UNCOUNTED = 4, /* predates recording and here for LWI_CODE alone; or: */
    LWI_IGNORED = 8,   /* told not to count it */
    LWI_ONCE = 16,     /* declared to live for good */
    LWI_COUNTS = 32,   /* in totals only: one birth per domain, whose number is the domain's */
    LWI_SAMPLED = 64,  /* stands for others too: see sampled.h */
    /* Of blocks that end in a way of their own: */
    LWI_SPECIAL = LWI_ADOPTED | LWI_CODE | LWI_UNCOUNTED | LWI_IGNORED | LWI_SAMPLED
};

typedef struct lwi_birth {
    lwi_span *span; /* NULL: the number is free */
    lw_site site;
    uint8_t domain;
    uint8_t flags;
} lwi_birth;

enum { LWI_BIRTH_CHUNK_BITS = 10, LWI_BIRTH_CHUNKS = 1 << 15 };

typedef struct lwi_births {
    lwi_birth *chunks[LWI_BIRTH_CHUNKS]; /* never moved: events read them without the lock */
    uint32_t count;                      /* numbers handed out so far, free ones included */
    _Atomic uint32_t used;
    uint32_t pass_at; /* recycle when `used` gets here */
    uint32_t *free;
    uint64_t free_count, free_room;
    struct lwi_birth_key *keys;
    lwi_span *spans; /* the newest first */
    lwi_span *spare; /* the last one that was given back: a round most often makes one again */
    lwi_span *before; /* of blocks that no round sees */
    lwi_span *base;   /* what a thread without rounds of its own is in */
    uint64_t base_version;
    uint64_t stamp;
} lwi_births;

static inline lwi_birth *lwi_birth_at(const lwi_births *births, uint32_t number)
{
    return &births->chunks[number >> LWI_BIRTH_CHUNK_BITS]
                          [number & ((1u << LWI_BIRTH_CHUNK_BITS) - 1)];
}

/* All of these run under the lock. */

/* Finds or makes; 0 without memory. */
uint32_t lwi_birth_intern(lw_context *context, lwi_span *span, lw_site site, uint8_t domain,
                          uint8_t flags);

/* For a block that predates recording and is watched because code lies in it, or (flag
 * LWI_IGNORED) that is ignored. Never recycled. */
uint32_t lwi_birth_uncounted(lw_context *context, uint8_t domain, uint8_t flags);

/* Puts a thread into the span that its rounds, the process's rounds and the epoch make. Without
 * memory it stays where it is, and false is returned. */
bool lwi_span_enter(lw_context *context, struct lwi_thread *thread);

/* Takes a thread out of its span; its next event must enter one again. */
void lwi_span_leave(lw_context *context, struct lwi_thread *thread);

/* Gives back a use of a span; if nothing of its round is alive, its births go with it. */
void lwi_span_release(lw_context *context, lwi_span *span, bool nothing_alive);

/* Makes the births of blocks that are only counted, once; false without memory. */
bool lwi_births_counted(lw_context *context);

void lwi_births_init(lw_context *context);
void lwi_births_done(lw_context *context);

#endif
