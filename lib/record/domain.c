/* Domains: sources of memory, how they share, and what they cut out of one another. */
#include "base/error.h"
#include "base/structs.h"
#include "record/context.h"
#include "record/enter.h"
#include "record/hot.h"
#include "record/sampled.h"

#include <string.h>

static lw_status options_check(lw_context *context, const lw_domain_options *options,
                               lw_error *error)
{
    const char *name = options->name;
    if (!name || !*name)
        return lwi_fail(error, LW_E_INVALID, "a domain needs a name");
    if (options->kind < LW_DOMAIN_SHARED || options->kind > LW_DOMAIN_APART)
        return lwi_fail(error, LW_E_INVALID, "domain \"%s\": %d is no kind of domain", name,
                        (int)options->kind);
    if (options->flags & ~(uint32_t)(LW_DOMAIN_SERIAL | LW_DOMAIN_IN_PROCESS))
        return lwi_fail(error, LW_E_INVALID, "domain \"%s\": unknown flags 0x%x", name,
                        (unsigned)options->flags);
    if (options->alignment != 0 && options->alignment != 16 &&
        (options->alignment != 8 || options->kind == LW_DOMAIN_SHARED))
        return lwi_fail(error, LW_E_INVALID,
                        "domain \"%s\": alignment %u: blocks of a SHARED domain are aligned to 16 "
                        "bytes, of others to 8 or 16",
                        name, (unsigned)options->alignment);
    if ((options->kind == LW_DOMAIN_CARVED) != (options->parent != NULL))
        return lwi_fail(error, LW_E_INVALID,
                        "domain \"%s\": a CARVED domain has a parent, and no other has", name);
    if (options->parent && options->parent->context != context)
        return lwi_fail(error, LW_E_INVALID, "domain \"%s\": its parent is of another context",
                        name);
    return LW_OK;
}

static lw_status name_check(lw_context *context, const char *name, lw_error *error)
{
    for (uint32_t i = 1; i <= context->domain_count; i++) {
        if (strcmp(context->domains[i]->name, name) == 0)
            return lwi_fail(error, LW_E_STATE,
                            "this context has a domain \"%s\" already: is a second adapter of "
                            "one kind being started?",
                            name);
    }
    if (context->domain_count + 1 == LWI_DOMAINS)
        return lwi_fail(error, LW_E_LIMIT, "domain \"%s\": a context has at most %d domains", name,
                        LWI_DOMAINS - 1);
    return LW_OK;
}

static void domain_free(lw_context *context, lw_domain *domain)
{
    lwi_map_done(&domain->own_map);
    lwi_strfree(&context->mem, domain->name);
    lwi_free(&context->mem, domain, sizeof *domain);
}

static lw_domain *domain_make(lw_context *context, const lw_domain_options *options)
{
    lw_domain *domain = lwi_alloc(&context->mem, sizeof *domain);
    if (!domain)
        return NULL;
    unsigned shift = options->alignment == 8 ? 3 : 4;
    domain->context = context;
    domain->kind = options->kind;
    domain->serial = options->flags & LW_DOMAIN_SERIAL;
    domain->in_process = options->flags & LW_DOMAIN_IN_PROCESS;
    domain->parent = options->parent;
    domain->align_mask = (1u << shift) - 1;
    domain->name = lwi_strdup(&context->mem, options->name);
    domain->map = &context->shared_map;
    bool made = domain->name;
    if (made && options->kind != LW_DOMAIN_SHARED) {
        domain->map = &domain->own_map;
        made = lwi_map_init(&domain->own_map, &context->mem, shift, true);
    }
    if (!made) {
        domain_free(context, domain);
        return NULL;
    }
    domain->source = lwi_source_get(&context->sites, options);
    return domain;
}

/* A host's lock orders the events of its own domains only: those of others that share the map, or
 * free the chunks that a carved one cuts up, come when they like. */
static bool one_lock(const lw_domain *a, const lw_domain *b)
{
    return a->serial && b->serial && a->source == b->source;
}

static void map_order(lw_context *context, lw_domain *domain)
{
    bool serial = domain->serial && (!domain->parent || one_lock(domain, domain->parent));
    for (uint32_t i = 1; i <= context->domain_count; i++) {
        if (context->domains[i]->map == domain->map && context->domains[i] != domain)
            serial = serial && one_lock(domain, context->domains[i]);
    }
    domain->serial = serial;
    lwi_map_order(domain->map, !serial);
}

static void domain_enlist(lw_context *context, lw_domain *domain)
{
    domain->id = (uint8_t)(context->domain_count + 1);
    domain->salt = lwi_known_salt(domain->id, domain->source);
    domain->place_salt = lwi_known_salt(domain->id, lwi_source_places(&context->sites));
    context->domains[domain->id] = domain;
    map_order(context, domain);
    context->domain_count++;
}

lw_status lw_domain_create(lw_context *context, const lw_domain_options *options,
                           lw_domain **domain, lw_error *error)
{
    lw_domain_options taken;
    if (!domain)
        return lwi_fail(error, LW_E_INVALID, "domain is NULL: nowhere to put the result");
    *domain = NULL;
    if (!context || !options)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", context ? "options" : "context");
    lw_status status = lwi_take(&taken, sizeof taken, options, "lw_domain_options", error);
    if (status == LW_OK)
        status = options_check(context, &taken, error);
    lwi_thread *thread;
    if (status == LW_OK)
        status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    status = name_check(context, taken.name, error);
    lw_domain *fresh = status == LW_OK ? domain_make(context, &taken) : NULL;
    if (fresh) {
        domain_enlist(context, fresh);
        *domain = fresh;
    } else if (status == LW_OK) {
        status = lwi_nomem(error, "a new domain");
    }
    lwi_leave(thread);
    return status;
}

void lwi_domains_done(lw_context *context)
{
    for (uint32_t i = 1; i <= context->domain_count; i++)
        domain_free(context, context->domains[i]);
    context->domain_count = 0;
}

lw_status lw_domain_stats_get(const lw_domain *domain, lw_domain_stats *stats, lw_error *error)
{
    lw_domain_stats full = LW_DOMAIN_STATS_INIT;
    lw_status status = lwi_result_check(stats, "lw_domain_stats", error);
    if (status != LW_OK)
        return status;
    if (!domain)
        return lwi_fail(error, LW_E_INVALID, "domain is NULL");
    lwi_thread *thread = atomic_load_explicit(&domain->context->threads, memory_order_acquire);
    for (; thread; thread = thread->next) {
        full.bytes += LWI_READ(thread->domains[domain->id].bytes);
        full.blocks += lwi_count_blocks(&thread->domains[domain->id]);
        full.allocated += (uint64_t)LWI_READ(thread->domains[domain->id].allocated);
    }
    full.adopted_bytes = LWI_READ(domain->adopted_bytes);
    full.adopted_blocks = LWI_READ(domain->adopted_blocks);
    full.bytes_margin = lwi_margin(LWI_READ(domain->spread_bytes));
    full.blocks_margin = lwi_margin(LWI_READ(domain->spread_blocks));
    int64_t freed = (int64_t)full.allocated - full.blocks - full.adopted_blocks;
    full.freed = freed > 0 ? (uint64_t)freed : 0; /* others may be in the midst of counting */
    lwi_give(stats, &full, sizeof full);
    return LW_OK;
}

/* ---- blocks that mean more than themselves ---- */

/* Gives the block at `address` the same birth with a further flag. */
lw_status lwi_block_flag(lw_context *context, lwi_thread *thread, lwi_map *map, uint64_t address,
                         lwi_record record, uint8_t flag)
{
    const lwi_birth *birth = lwi_birth_at(&context->births, record.birth);
    lwi_record old, flagged = {record.size, 0};
    flagged.birth = lwi_birth_intern(context, birth->span, birth->site, birth->domain,
                                     (uint8_t)(birth->flags | flag));
    if (!flagged.birth)
        return LW_E_NOMEM;
    lwi_map_set(map, address, flagged, &old, &thread->held[LWI_HELD - 1]); /* it has its place */
    atomic_store_explicit(&thread->held[LWI_HELD - 1], 0, memory_order_release);
    return LW_OK;
}

static lw_status adopt(lw_domain *child, lwi_thread *thread, uint64_t address, lw_error *error)
{
    lw_domain *parent = child->parent;
    lw_context *context = child->context;
    lwi_record record = lwi_map_get(parent->map, address);
    const lwi_birth *birth =
        record.birth ? lwi_birth_at(&context->births, record.birth) : NULL;
    if (!birth || birth->flags & LWI_UNCOUNTED)
        return lwi_fail(error, LW_E_NOT_FOUND,
                        "domain \"%s\": no live block of \"%s\" is recorded at 0x%llx",
                        child->name, parent->name, (unsigned long long)address);
    if (birth->flags & LWI_ADOPTED)
        return lwi_fail(error, LW_E_STATE, "domain \"%s\": the block at 0x%llx is adopted already",
                        child->name, (unsigned long long)address);
    const lwi_birth was = *birth;
    const lwi_weight weight = lwi_weight_of(birth, address, record.size);
    if (lwi_block_flag(context, thread, parent->map, address, record, LWI_ADOPTED) != LW_OK)
        return lwi_nomem(error, "adopting a chunk");
    lwi_count_adopted(thread, &was, address, record.size);
    lwi_adopted_add(context->domains[was.domain], weight.bytes, weight.blocks);
    return LW_OK;
}

lw_status lw_domain_adopt(lw_domain *child, const void *chunk, lw_error *error)
{
    lwi_thread *thread;
    if (!child || !chunk)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", child ? "chunk" : "child");
    if (child->kind != LW_DOMAIN_CARVED)
        return lwi_fail(error, LW_E_INVALID,
                        "domain \"%s\" is not CARVED: it cuts nothing out of a parent",
                        child->name);
    if (((uintptr_t)chunk & child->parent->align_mask) != 0)
        return lwi_fail(error, LW_E_NOT_FOUND, "domain \"%s\": no block of \"%s\" begins at 0x%llx",
                        child->name, child->parent->name, (unsigned long long)(uintptr_t)chunk);
    lw_status status = lwi_enter(child->context, &thread, error);
    if (status != LW_OK)
        return status;
    status = adopt(child, thread, (uint64_t)(uintptr_t)chunk, error);
    lwi_leave(thread);
    return status;
}

static lw_status code_watch(lw_domain *domain, lwi_thread *thread, uint64_t code, uint64_t size)
{
    lw_context *context = domain->context;
    if (!lwi_code_note(context, domain->source, code, size))
        return LW_E_NOMEM;
    lwi_record record = lwi_map_get(domain->map, code), old;
    if (record.birth)
        return lwi_block_flag(context, thread, domain->map, code, record, LWI_CODE);
    record = (lwi_record){size, lwi_birth_uncounted(context, domain->id, LWI_CODE)};
    bool done = record.birth && lwi_map_set(domain->map, code, record, &old,
                                            &thread->held[LWI_HELD - 1]);
    return done ? LW_OK : LW_E_NOMEM;
}

lw_status lw_code_watch(lw_domain *domain, const void *code, uint64_t size)
{
    if (!domain || !code || ((uintptr_t)code & domain->align_mask) != 0)
        return LW_E_INVALID;
    lwi_thread *thread = lwi_thread_peek(domain->context);
    if (thread && thread->describing) /* the lock is ours already */
        return code_watch(domain, thread, (uint64_t)(uintptr_t)code, size);
    lw_status status = lwi_enter(domain->context, &thread, NULL);
    if (status != LW_OK)
        return status;
    status = code_watch(domain, thread, (uint64_t)(uintptr_t)code, size);
    lwi_leave(thread);
    return status;
}

void lw_code_retire(lw_domain *domain, uint64_t first, uint64_t last)
{
    lwi_thread *thread = domain ? lwi_thread_get(domain->context) : NULL;
    if (!domain || (thread && !lwi_thread_begin(thread)))
        return; /* without memory for its record this thread sends no events either */
    lwi_lock_take(&domain->context->lock);
    lwi_code_forget(domain->context, domain->source->id, first, last);
    lwi_lock_give(&domain->context->lock);
    if (thread)
        lwi_thread_end(thread);
}
