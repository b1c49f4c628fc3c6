/* An order of nodes, labels and roots by what they say, so that no tie is broken by an address. */
#ifndef LWI_ANALYZE_CONTENT_H
#define LWI_ANALYZE_CONTENT_H

#include "snapshot/snapshot.h"

/* By type, runtime, size, and by block: bytes, birth, stack. */
int lwi_compare_nodes(const lw_snapshot *snapshot, lw_node a, lw_node b);

/* By file, line and function. */
int lwi_compare_frames(const lw_frame *a, const lw_frame *b);

/* Names first, then indices. */
int lwi_compare_labels(const lw_snapshot *snapshot, uint32_t a, uint32_t b);

/* By kind, label and target. */
int lwi_compare_edges(const lw_snapshot *snapshot, uint64_t a, uint64_t b);

/* By the name of the kind, then by label. */
int lwi_compare_roots(const lw_snapshot *snapshot, const lwi_root *a, const lwi_root *b);

#endif
