/* What only live runtimes can say about findings. */
#ifndef LWI_HUNT_ADVICE_H
#define LWI_HUNT_ADVICE_H

#include "analyze/findings.h"

/* Asks every runtime that has a collector to collect. */
lw_status lwi_collect_all(lw_context *context, lw_error *error);

/* Asks the holder's runtime what to do; its words stay with the findings. */
lw_status lwi_advise(lw_context *context, lw_findings *findings, lwi_finding *finding,
                     lw_error *error);

#endif
