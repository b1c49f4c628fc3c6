/* The memory of the process, at the end of any report. */
#ifndef LWI_REPORT_MEMORY_H
#define LWI_REPORT_MEMORY_H

#include "report/json.h"

void lwi_out_memory(lwi_out *out, const lw_memory *memory);

/* Under the key "memory"; NULL is null. */
void lwi_json_memory(lwi_json *json, const lw_memory *memory);

#endif
