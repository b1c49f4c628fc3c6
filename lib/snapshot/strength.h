/* How firmly a reference or a root holds. Every pass over the graph - what is garbage, what holds
 * what, whose counts add up - asks here and nowhere else. */
#ifndef LWI_SNAPSHOT_STRENGTH_H
#define LWI_SNAPSHOT_STRENGTH_H

#include <leakwatch/runtime.h>
#include <stdbool.h>

/* A path is as strong as its weakest link; a lower number is stronger. */
enum lwi_strength {
    LWI_FIRM,      /* strong references, from a root the runtime pushed */
    LWI_EPHEMERON, /* an entry of which something else holds the key: taken for granted here */
    LWI_DOUBTFUL,  /* found, but not known to count */
    LWI_OUTSIDE,   /* a root: references that the runtime counts and that nobody pushed */
    LWI_ASKER,     /* a root: a variable of the code that asks */
    LWI_NEVER
};

static inline int lwi_edge_strength(int32_t kind)
{
    switch (kind) {
    case LW_EDGE_STRONG:
        return LWI_FIRM;
    case LW_EDGE_EPHEMERON:
        return LWI_EPHEMERON;
    case LW_EDGE_UNKNOWN:
        return LWI_DOUBTFUL;
    default:
        return LWI_NEVER; /* borrowed: another edge holds; weak: none does */
    }
}

static inline int lwi_root_strength(uint32_t flags)
{
    return flags & LW_ROOT_ASKER ? LWI_ASKER : LWI_FIRM;
}

/* Whether paths of one strength from here come after those from owners, however short. */
static inline bool lwi_root_stands_by(uint32_t flags)
{
    return flags & LW_ROOT_BYSTANDER;
}

static inline bool lwi_edge_retains(int32_t kind)
{
    return lwi_edge_strength(kind) != LWI_NEVER;
}

/* Whether a host that counts references counts this one: just those that retain. */
static inline bool lwi_edge_counts(int32_t kind)
{
    return lwi_edge_retains(kind);
}

static inline bool lwi_root_counts(uint32_t flags)
{
    return !(flags & LW_ROOT_BORROWED);
}

#endif
