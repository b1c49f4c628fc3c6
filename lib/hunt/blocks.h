/* Call sites that leave blocks in every round, where no runtime shows who holds them. */
#ifndef LWI_HUNT_BLOCKS_H
#define LWI_HUNT_BLOCKS_H

#include "analyze/findings.h"

/* All live blocks; NULL if mode COUNTS has left nothing to tell of them. */
lw_status lwi_live_blocks(lw_context *context, lw_survivors **live, lw_error *error);

/* Adds a finding for each line of code of which all the hunt's rounds, the last of the region, left
 * blocks that live, and which has more of them than in `before`, the table of all live blocks before
 * these rounds; unless a good part of them are objects of the graph, which speaks for them. */
lw_status lwi_findings_blocks(lw_findings *findings, lw_context *context, lw_region *region,
                              const lw_survivors *before, uint64_t least, lw_error *error);

#endif
