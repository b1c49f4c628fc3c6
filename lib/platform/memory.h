/* How much memory there is, and how much a second process beside this one would take. */
#ifndef LWI_PLATFORM_MEMORY_H
#define LWI_PLATFORM_MEMORY_H

#include <stdint.h>

/* Bytes that this process has in memory for itself: what a child's copy may come to. 0: unknown. */
uint64_t lwi_memory_private(void);

/* Bytes that this process and its children may still take: what the system has left, or what the
 * nearest limit of a group of processes leaves it. UINT64_MAX: unknown. */
uint64_t lwi_memory_left(void);

/* The nearest limit of a group of processes in bytes; 0: none is known. */
uint64_t lwi_memory_limit(void);

#endif
