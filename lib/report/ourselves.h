/* Numbers about ourselves, how far others can be trusted, and estimates with their margins. */
#ifndef LWI_REPORT_OURSELVES_H
#define LWI_REPORT_OURSELVES_H

#include "report/json.h"
#include "report/text.h"

/* As they were when a table was taken; what it does not have is 0. */
lw_context_stats lwi_ourselves_of(const lw_survivors_info *info);

/* "exact, 0 dropped", or why not: modes, samples, drops and their reasons. */
void lwi_put_trust(lwi_text *item, uint32_t modes, uint64_t interval,
                   const lw_context_stats *ourselves);

/* ", our own 1.2 MiB for 4,096 events" */
void lwi_put_price(lwi_text *item, const lw_context_stats *ourselves);

/* "36.5 MiB in 77,078 blocks", each with its margin if it has one. */
void lwi_put_held(lwi_text *item, int64_t bytes, int64_t blocks, int64_t bytes_margin,
                  int64_t blocks_margin);

/* " ± 1.1 MiB" and " ± 2,144"; nothing for 0. */
void lwi_put_margin(lwi_text *item, int64_t bytes);
void lwi_put_blocks_margin(lwi_text *item, int64_t blocks);

/* The key `modes`, an array of names. */
void lwi_json_modes(lwi_json *json, uint32_t modes);

/* The keys `events`, `dropped` and their like. */
void lwi_json_ourselves(lwi_json *json, const lw_context_stats *ourselves);

/* The key `stats`. */
void lwi_json_stats(lwi_json *json, const lw_region_stats *stats);

#endif
