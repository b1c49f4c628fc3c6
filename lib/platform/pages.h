/* The default allocator: pages mapped from the system, never malloc. */
#ifndef LWI_PLATFORM_PAGES_H
#define LWI_PLATFORM_PAGES_H

#include <leakwatch/base.h>

/* Serves small blocks from mapped chunks by size class and large ones by mappings of their own.
 * One heap for the process: its lock is held for a few instructions only and is never taken
 * across a callback. */
lw_allocator lwi_pages_allocator(void);

/* Bytes that it has from the system, of all contexts and snapshots. */
uint64_t lwi_pages_held(void);

/* Monotonic time in ns. */
uint64_t lwi_time_ns(void);

#endif
