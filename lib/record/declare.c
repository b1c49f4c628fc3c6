/* What a host declares about one of its blocks: not to be counted, or to live for good. */
#include "base/error.h"
#include "record/context.h"
#include "record/enter.h"

uint32_t lwi_domain_ignored(lw_domain *domain)
{
    uint32_t birth = LWI_READ(domain->ignored);
    if (!birth) {
        birth = lwi_birth_uncounted(domain->context, domain->id, LWI_IGNORED);
        atomic_store_explicit(&domain->ignored, birth, memory_order_relaxed);
    }
    return birth;
}

/* A block in which code lies keeps being watched for the code's end. */
static lw_status ignore(lw_domain *domain, lwi_thread *thread, uint64_t address,
                        lwi_record record, lw_error *error)
{
    lw_context *context = domain->context;
    _Atomic uint32_t *held = &thread->held[LWI_HELD - 1];
    const lwi_birth *birth = lwi_birth_at(&context->births, record.birth);
    const lwi_birth was = *birth;
    uint8_t owner = was.domain;
    lwi_record old, ignored = {record.size, 0};
    ignored.birth = birth->flags & LWI_CODE
                        ? lwi_birth_uncounted(context, owner, LWI_IGNORED | LWI_CODE)
                        : lwi_domain_ignored(context->domains[owner]);
    if (!ignored.birth)
        return lwi_nomem(error, "ignoring a block");
    lwi_map_set(domain->map, address, ignored, &old, held); /* it has its place */
    lwi_count_adopted(thread, &was, address, record.size);
    atomic_store_explicit(held, 0, memory_order_release);
    return LW_OK;
}

static lw_status declare(lw_domain *domain, lwi_thread *thread, uint64_t address, uint8_t flag,
                         lw_error *error)
{
    lw_context *context = domain->context;
    lwi_record record = lwi_map_get(domain->map, address);
    uint8_t flags = record.birth ? lwi_birth_at(&context->births, record.birth)->flags : 0;
    if (flags & flag)
        return LW_OK;
    if (!record.birth || flags & LWI_UNCOUNTED)
        return lwi_fail(error, LW_E_NOT_FOUND, "domain \"%s\": no block is counted at 0x%llx",
                        domain->name, (unsigned long long)address);
    if (flags & LWI_ADOPTED)
        return lwi_fail(error, LW_E_STATE,
                        "domain \"%s\": the block at 0x%llx is cut up by a carved domain: declare "
                        "its pieces",
                        domain->name, (unsigned long long)address);
    if (flag == LWI_IGNORED)
        return ignore(domain, thread, address, record, error);
    if (lwi_block_flag(context, thread, domain->map, address, record, flag) != LW_OK)
        return lwi_nomem(error, "declaring a block");
    return LW_OK;
}

static lw_status declare_block(lw_domain *domain, const void *block, uint8_t flag, lw_error *error)
{
    lwi_thread *thread;
    uint64_t address = (uint64_t)(uintptr_t)block;
    if (!domain || !block)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", domain ? "block" : "domain");
    if (address & domain->align_mask)
        return lwi_fail(error, LW_E_NOT_FOUND, "domain \"%s\": no block begins at 0x%llx",
                        domain->name, (unsigned long long)address);
    lw_status status = lwi_enter(domain->context, &thread, error);
    if (status != LW_OK)
        return status;
    status = declare(domain, thread, address, flag, error);
    lwi_leave(thread);
    return status;
}

lw_status lw_block_ignore(lw_domain *domain, const void *block, lw_error *error)
{
    return declare_block(domain, block, LWI_IGNORED, error);
}

lw_status lw_block_once(lw_domain *domain, const void *block, lw_error *error)
{
    return declare_block(domain, block, LWI_ONCE, error);
}
