/* What capture may ask of record: blocks, births and sites of a context, and its attachments. */
#ifndef LWI_RECORD_VIEW_H
#define LWI_RECORD_VIEW_H

#include "base/mem.h"

#include <leakwatch/record.h>

typedef struct lwi_block_view {
    uint64_t start;
    uint64_t size;
    uint64_t epoch; /* of its birth, at least 1 */
    lw_site site;   /* 0 unknown */
} lwi_block_view;

/* The live blocks that `keys` point to or into: the first domain that has one answers; `epoch` 0
 * means that none is recorded. Reads nothing of the host, and takes the lock once for them all.
 * A SHARED domain has the blocks of all shared domains. */
void lwi_view_blocks(lw_domain *const *domains, uint64_t domain_count, const uint64_t *keys,
                     uint32_t count, lwi_block_view *views);

/* Frames of a site: how many, and the one at `level` (strings live as long as the context). */
uint32_t lwi_view_depth(lw_context *context, lw_site site);
bool lwi_view_frame(lw_context *context, lw_site site, uint32_t level, lw_frame *frame);

/* Whether every block that was allocated since recording began can be found: no mode but SITES was
 * in use. */
bool lwi_view_complete(lw_context *context);

/* LW_E_STATE inside a callback of ours; else the calling thread is known to the context. */
lw_status lwi_view_enter(lw_context *context, lw_error *error);

/* Ends the current epoch and returns its number: blocks born so far have it or a lower one. */
uint64_t lwi_view_advance(lw_context *context);

/* The context's memory, and the allocator to build values with that outlive the context. */
lwi_mem *lwi_view_mem(lw_context *context);
lw_allocator lwi_view_allocator(const lw_context *context);

/* All domains of a context. */
lw_domain *const *lwi_view_domains(lw_context *context, uint64_t *count);

lw_context *lwi_view_domain_context(const lw_domain *domain);

/* What capture hangs on a context: a list of runtimes, freed by `release` with the context. */
typedef struct lwi_attachment {
    void *value;
    void (*release)(lw_context *context, void *value);
} lwi_attachment;

lwi_attachment *lwi_view_attachment(lw_context *context);

#endif
