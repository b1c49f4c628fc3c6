/* Memory that grows round by round and that neither recording nor the graph explains. */
#ifndef LWI_HUNT_MEMORY_H
#define LWI_HUNT_MEMORY_H

#include "analyze/findings.h"

/* Once after every round. */
typedef struct lwi_reading {
    int64_t private;  /* bytes of the process, without files, stacks and our own; 0: not told */
    int64_t recorded; /* of these, what blocks and allocators explain */
    int64_t graph;    /* and what objects do */
} lwi_reading;

void lwi_reading_take(lw_context *context, lwi_reading *reading);

/* Adds a finding if the unexplained part, of `count` readings, grew in every round. */
lw_status lwi_findings_memory(lw_findings *findings, const lwi_reading *readings, uint32_t count,
                              uint64_t least, lw_error *error);

#endif
