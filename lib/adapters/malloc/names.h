/* Function, file and line of frames, by libbacktrace, when a report is written. */
#ifndef LWM_NAMES_H
#define LWM_NAMES_H

#include "adapter.h"

/* Looks for what has to be asked of the loader: before the program begins, and before a report. */
void lwm_names_begin(void);

/* lw_domain_options::name_frame. */
int lwm_name(uint64_t word, lw_frame *frame, void *user);

#endif
