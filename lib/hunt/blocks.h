/* Call sites that leave blocks in every round, where no runtime shows who holds them. */
#ifndef LWI_HUNT_BLOCKS_H
#define LWI_HUNT_BLOCKS_H

#include "analyze/findings.h"

/* Adds a finding for each line of code of which the last `rounds` rounds of the region all left
 * blocks that live, unless a good part of these are objects of the graph, which speaks for them. */
lw_status lwi_findings_blocks(lw_findings *findings, lw_context *context, lw_region *region,
                              uint32_t rounds, uint64_t least, lw_error *error);

#endif
