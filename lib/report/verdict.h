/* The verdict on a region, in words and in JSON. */
#ifndef LWI_REPORT_VERDICT_H
#define LWI_REPORT_VERDICT_H

#include "report/json.h"
#include "report/text.h"

#include <leakwatch/verdict.h>

/* What a table of survivors tells of its rounds; `rounds` is 0 for one that tells nothing. */
lw_verdict lwi_verdict_of(const lw_survivors *survivors);

/* "GROWS in 1,997 of 1,997". */
void lwi_verdict_headline(const lw_verdict *verdict, lwi_text *item);

/* "+18.7 KiB, +38.6 blocks per round"; only for what grows. */
void lwi_verdict_rate(const lw_verdict *verdict, lwi_text *item);

/* "rounds 2-9 each left 640 B in 10 blocks". */
void lwi_trend_text(const lw_trend *trend, lwi_text *item);

/* The rows that grow, the heaviest first and few of them, a line each. */
lw_status lwi_verdict_evidence(lwi_out *out, const lw_survivors *survivors, lw_error *error);

/* What to do about it. */
void lwi_verdict_next(const lw_verdict *verdict, lwi_text *item);

/* Under the key "verdict": null for a table without rounds. */
void lwi_json_verdict(lwi_json *json, const lw_survivors *survivors);
lw_status lwi_json_trend(lwi_json *json, const lw_survivors *survivors, uint32_t row,
                         lw_error *error);

#endif
