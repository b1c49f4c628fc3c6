/* What pages.c needs of the system, and the system of pages.c around fork. */
#ifndef LWI_PLATFORM_SYSTEM_H
#define LWI_PLATFORM_SYSTEM_H

#include <stddef.h>

void *lwi_pages_map(size_t size); /* zeroed; NULL when there is none */
void lwi_pages_unmap(void *pages, size_t size);
void *lwi_pages_remap(void *pages, size_t old_size, size_t new_size); /* NULL: copy by hand */

void lwi_pages_fork_prepare(void);
void lwi_pages_fork_done(void);

#endif
