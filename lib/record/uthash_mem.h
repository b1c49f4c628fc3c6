/* uthash with our memory: `table_mem` in scope names the lwi_mem, and a lost insertion is seen by
 * comparing the handle. Include this instead of <uthash.h>. */
#ifndef LWI_RECORD_UTHASH_MEM_H
#define LWI_RECORD_UTHASH_MEM_H

#include "base/mem.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) lwi_alloc(table_mem, (size))
#define uthash_free(block, size) lwi_free(table_mem, (block), (size))
#define uthash_nonfatal_oom(item) (table_full = true)

#include <uthash.h>

#endif
