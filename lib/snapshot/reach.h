/* What is held, and whose references add up. */
#ifndef LWI_SNAPSHOT_REACH_H
#define LWI_SNAPSHOT_REACH_H

#include "snapshot/snapshot.h"

/* Sets a bit for all that is reached over retaining edges from the nodes whose bit is set.
 * `queue` has room for all nodes. */
void lwi_reach(const lw_snapshot *snapshot, uint64_t *held, lw_node *queue);

/* Adds up the counted edges to each node. */
void lwi_count_edges(const lw_snapshot *snapshot, uint32_t *counts);

/* Adds up the counted roots of each node. */
void lwi_count_roots(const lw_snapshot *snapshot, uint32_t *counts);

/* A node's reference count as its runtime stated it; 0: not stated. */
uint64_t lwi_stated(const lw_snapshot *snapshot, lw_node node);

#endif
