/* Who holds each node: the rows of a snapshot the other way round. */
#ifndef LWI_SNAPSHOT_HOLDERS_H
#define LWI_SNAPSHOT_HOLDERS_H

#include "snapshot/snapshot.h"

typedef struct lwi_holders {
    lwi_rows rows;
    uint64_t count;
    uint32_t nodes;
    uint8_t *strengths; /* four to a byte; NULL: all are firm */
} lwi_holders;

/* Whether an edge is left out. */
typedef bool (*lwi_without_fn)(const void *user, uint64_t edge);

/* Of all edges that retain, of nodes that are no garbage, and not to themselves; a holder comes
 * once for each of its edges, in the order of ids. `without` may be NULL. False: no memory. */
bool lwi_holders_build(lwi_holders *holders, const lw_snapshot *snapshot, lwi_mem *mem,
                       lwi_without_fn without, const void *user);
void lwi_holders_free(lwi_holders *holders, lwi_mem *mem);

/* The same of all edges, built when first asked for and kept with the snapshot, so that the next
 * question costs what it reaches; NULL: no memory. any-thread. */
const lwi_holders *lwi_holders_of(lw_snapshot *snapshot);
void lwi_holders_drop(lw_snapshot *snapshot);

static inline int lwi_holder_strength(const lwi_holders *holders, uint64_t at)
{
    return holders->strengths ? holders->strengths[at / 4] >> (at % 4 * 2) & 3 : 0;
}

#endif
