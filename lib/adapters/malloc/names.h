/* Function, file and line of frames, by libbacktrace, when a report is written. */
#ifndef LWM_NAMES_H
#define LWM_NAMES_H

#include "adapter.h"

/* Before a report: looks for what has to be asked of the loader. */
void lwm_names_begin(void);

/* lw_domain_options::name_frame. */
int lwm_name(uint64_t word, lw_frame *frame, void *user);

#endif
