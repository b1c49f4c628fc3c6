/* A finding and its evidence, as its report reads it. */
#ifndef LWI_REPORT_FINDINGS_H
#define LWI_REPORT_FINDINGS_H

#include "report/json.h"
#include "report/text.h"

#include <leakwatch/find.h>

typedef struct lwi_found {
    lwi_out *out;
    const lw_findings *findings;
    lw_findings_info info;
    uint32_t index;
    lw_finding finding;
    const lw_paths *paths; /* NULL: nobody shows who holds it */
    const lw_cut *cut;     /* NULL with `paths` */
} lwi_found;

/* The keys of the whole, and of the finding at hand. */
void lwi_json_findings(const lwi_found *found, lwi_json *json);
lw_status lwi_json_finding(const lwi_found *found, lwi_json *json, lw_error *error);

#endif
