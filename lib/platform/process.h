/* Which process this is. */
#ifndef LWI_PLATFORM_PROCESS_H
#define LWI_PLATFORM_PROCESS_H

#include <stdint.h>

/* A random number that stands for this process, and is another one in a forked child. Never 0. */
uint64_t lwi_process_run(void);

uint64_t lwi_process_id(void);

/* The program's short name, or "". */
const char *lwi_process_program(void);

/* Bytes of this process that are in memory; 0: unknown. */
uint64_t lwi_process_resident(void);

/* Time of day in ns since 1970. */
uint64_t lwi_clock_ns(void);

#endif
