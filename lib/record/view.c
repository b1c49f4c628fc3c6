/* What a question about one block or site answers, in public and to capture. */
#include "record/view.h"

#include "base/error.h"
#include "base/structs.h"
#include "record/context.h"
#include "record/enter.h"

/* Under the locks of the context, since births must not be recycled meanwhile, and of the map. */
static bool block_view(const lw_domain *domain, uint64_t address, lwi_block_view *view)
{
    lwi_record record = lwi_map_covering(domain->map, address, &view->start);
    if (!record.birth)
        return false;
    const lwi_birth *birth = lwi_birth_at(&domain->context->births, record.birth);
    if (birth->flags & LWI_UNCOUNTED)
        return false;
    view->size = record.size;
    view->epoch = birth->span->epoch;
    view->site = birth->site;
    return true;
}

lw_status lwi_view_enter(lw_context *context, lw_error *error)
{
    lwi_thread *thread;
    lw_status status = lwi_enter(context, &thread, error);
    if (status == LW_OK)
        lwi_leave(thread);
    return status;
}

lw_domain *const *lwi_view_domains(lw_context *context, uint64_t *count)
{
    *count = atomic_load_explicit(&context->domain_count, memory_order_acquire);
    return context->domains + 1;
}

/* Looks for what no domain before has answered. */
static void domain_view(const lw_domain *domain, const uint64_t *keys, uint32_t count,
                        lwi_block_view *views)
{
    lwi_lock_take(&domain->map->lock);
    for (uint32_t i = 0; i < count; i++) {
        if (views[i].epoch == 0)
            block_view(domain, keys[i], &views[i]);
    }
    lwi_lock_give(&domain->map->lock);
}

void lwi_view_blocks(lw_domain *const *domains, uint64_t domain_count, const uint64_t *keys,
                     uint32_t count, lwi_block_view *views)
{
    lwi_thread *thread;
    for (uint32_t i = 0; i < count; i++)
        views[i].epoch = 0;
    if (domain_count == 0 || lwi_enter(domains[0]->context, &thread, NULL) != LW_OK)
        return;
    for (uint64_t i = 0; i < domain_count; i++) {
        if (i == 0 || domains[i]->map != domains[i - 1]->map)
            domain_view(domains[i], keys, count, views);
    }
    lwi_leave(thread);
}

bool lwi_view_complete(lw_context *context)
{
    lwi_lock_take(&context->lock);
    bool counted = context->births.count && lwi_birth_at(&context->births, 1)->flags & LWI_COUNTS;
    bool sampled = LWI_READ(context->interval) != 0;
    lwi_lock_give(&context->lock);
    return !counted && !sampled;
}

/* Frames of a site, under the lock while they are copied; their strings stay. */
static uint32_t frames_read(lw_context *context, lw_site site, lw_frame *frames, uint32_t room)
{
    lwi_thread *thread;
    bool truncated;
    if (lwi_enter(context, &thread, NULL) != LW_OK)
        return 0;
    uint32_t depth = lwi_site_read(context, thread, site, frames, room, &truncated);
    lwi_leave(thread);
    return depth;
}

uint32_t lwi_view_depth(lw_context *context, lw_site site)
{
    return frames_read(context, site, NULL, 0);
}

bool lwi_view_frame(lw_context *context, lw_site site, uint32_t level, lw_frame *frame)
{
    lw_frame frames[LW_STACK_MAX];
    if (level >= frames_read(context, site, frames, LW_STACK_MAX))
        return false;
    *frame = frames[level];
    return true;
}

lw_status lw_block_find(lw_domain *domain, const void *address, lw_block *block, lw_error *error)
{
    lw_block full = LW_BLOCK_INIT;
    lwi_block_view view;
    lw_status status = lwi_result_check(block, "lw_block", error);
    if (status != LW_OK)
        return status;
    if (!domain)
        return lwi_fail(error, LW_E_INVALID, "domain is NULL");
    lwi_thread *thread;
    status = lwi_enter(domain->context, &thread, error);
    if (status != LW_OK)
        return status;
    lwi_lock_take(&domain->map->lock);
    bool found = block_view(domain, (uint64_t)(uintptr_t)address, &view);
    lwi_lock_give(&domain->map->lock);
    lwi_leave(thread);
    if (!found)
        return lwi_fail(error, LW_E_NOT_FOUND, "domain \"%s\": no live block holds 0x%llx",
                        domain->name, (unsigned long long)(uintptr_t)address);
    full.site = view.site;
    full.address = (const void *)(uintptr_t)view.start;
    full.size = view.size;
    full.epoch = view.epoch;
    lwi_give(block, &full, sizeof full);
    return LW_OK;
}

lw_status lw_site_frames(lw_context *context, lw_site site, lw_frame_fn visit, void *user,
                         lw_error *error)
{
    lw_frame frames[LW_STACK_MAX];
    bool truncated;
    if (!context || !visit)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", context ? "visit" : "context");
    lwi_thread *thread;
    lw_status status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    uint32_t depth = lwi_site_read(context, thread, site, frames, LW_STACK_MAX, &truncated);
    lwi_leave(thread);
    if (depth == 0)
        return lwi_fail(error, LW_E_NOT_FOUND, "there is no site %u", (unsigned)site);
    for (uint32_t i = 0; i < depth && visit(&frames[i], user) == 0; i++) {
    }
    return LW_OK;
}
