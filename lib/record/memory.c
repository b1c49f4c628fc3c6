/* The memory of the process against what is known of it. */
#include "base/error.h"
#include "base/structs.h"
#include "platform/pages.h"
#include "platform/usage.h"
#include "record/enter.h"
#include "record/tellers.h"

#include <string.h>

/* ---- allocators that tell of themselves ---- */

static void teller_free(lw_context *context, lwi_teller *teller)
{
    lwi_strfree(&context->mem, teller->name);
    lwi_free(&context->mem, teller->domains,
             lwi_array_size(teller->domain_count, sizeof *teller->domains));
    memset(teller, 0, sizeof *teller);
}

void lwi_tellers_done(lw_context *context)
{
    for (uint32_t i = 0; context->tellers && i < context->tellers->count; i++)
        teller_free(context, &context->tellers->items[i]);
    lwi_free(&context->mem, context->tellers, sizeof *context->tellers);
    context->tellers = NULL;
}

static lwi_teller *teller_named(lwi_tellers *tellers, const char *name)
{
    for (uint32_t i = 0; tellers && i < tellers->count; i++) {
        if (strcmp(tellers->items[i].name, name) == 0)
            return &tellers->items[i];
    }
    return NULL;
}

static const lwi_teller *teller_of(const lwi_tellers *tellers, const lw_domain *domain)
{
    for (uint32_t i = 0; tellers && i < tellers->count; i++) {
        for (uint32_t j = 0; j < tellers->items[i].domain_count; j++) {
            if (tellers->items[i].domains[j] == domain)
                return &tellers->items[i];
        }
    }
    return NULL;
}

static lw_status source_check(const lw_context *context, const lw_memory_source *source,
                              lw_error *error)
{
    if (!source->name || !*source->name || !source->ask)
        return lwi_fail(error, LW_E_INVALID, "a source needs a name and a callback `ask`");
    if (source->domain_count && !source->domains)
        return lwi_fail(error, LW_E_INVALID, "source \"%s\": domains is NULL, but not their count",
                        source->name);
    for (uint32_t i = 0; i < source->domain_count; i++) {
        if (!source->domains[i] || source->domains[i]->context != context)
            return lwi_fail(error, LW_E_INVALID, "source \"%s\": its domain %u is none of this "
                            "context", source->name, (unsigned)i);
    }
    return LW_OK;
}

static lw_status domains_check(const lw_context *context, const lw_memory_source *source,
                               lw_error *error)
{
    for (uint32_t i = 0; i < source->domain_count; i++) {
        const lwi_teller *other = teller_of(context->tellers, source->domains[i]);
        if (other && strcmp(other->name, source->name) != 0)
            return lwi_fail(error, LW_E_STATE, "source \"%s\": domain \"%s\" belongs to source "
                            "\"%s\" already", source->name, source->domains[i]->name, other->name);
    }
    return LW_OK;
}

static bool teller_make(lw_context *context, const lw_memory_source *source, lwi_teller *teller)
{
    size_t size = lwi_array_size(source->domain_count, sizeof *teller->domains);
    *teller = (lwi_teller){.ask = source->ask, .user = source->user};
    teller->name = lwi_strdup(&context->mem, source->name);
    teller->domains = size ? lwi_alloc(&context->mem, size) : NULL;
    if (teller->domains) {
        memcpy(teller->domains, source->domains, size);
        teller->domain_count = source->domain_count;
    }
    if (teller->name && teller->domain_count == source->domain_count)
        return true;
    teller_free(context, teller);
    return false;
}

static lw_status source_add(lw_context *context, const lw_memory_source *source, lw_error *error)
{
    lwi_teller fresh;
    if (!context->tellers && !(context->tellers = lwi_alloc(&context->mem, sizeof(lwi_tellers))))
        return lwi_nomem(error, "a source of memory");
    lwi_tellers *tellers = context->tellers;
    lwi_teller *place = teller_named(tellers, source->name);
    lw_status status = domains_check(context, source, error);
    if (status != LW_OK)
        return status;
    if (!place && tellers->count == LWI_TELLERS)
        return lwi_fail(error, LW_E_LIMIT, "source \"%s\": a context has at most %d", source->name,
                        LWI_TELLERS);
    if (!teller_make(context, source, &fresh))
        return lwi_nomem(error, "a source of memory");
    if (place)
        teller_free(context, place);
    else
        place = &tellers->items[tellers->count++];
    *place = fresh;
    return LW_OK;
}

lw_status lw_memory_source_add(lw_context *context, const lw_memory_source *source,
                               lw_error *error)
{
    lw_memory_source taken;
    lwi_thread *thread;
    if (!context || !source)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", context ? "source" : "context");
    lw_status status = lwi_take(&taken, sizeof taken, source, "lw_memory_source", error);
    if (status == LW_OK)
        status = source_check(context, &taken, error);
    if (status == LW_OK)
        status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    status = source_add(context, &taken, error);
    lwi_leave(thread);
    return status;
}

void lw_memory_source_remove(lw_context *context, const char *name)
{
    lwi_thread *thread;
    if (!context || !name || lwi_enter(context, &thread, NULL) != LW_OK)
        return;
    lwi_tellers *tellers = context->tellers;
    lwi_teller *gone = teller_named(tellers, name);
    if (gone) {
        teller_free(context, gone);
        *gone = tellers->items[--tellers->count];
    }
    lwi_leave(thread);
}

/* ---- what is known ---- */

typedef struct sum {
    lw_context *context;
    lw_memory *memory;
    int64_t held_in[LWI_TELLERS]; /* by the domains of each source, with what carved ones cut up */
    int64_t carved_slack;         /* what pools have and did not hand out */
} sum;

static bool is_apart(const lw_domain *domain)
{
    while (domain->parent)
        domain = domain->parent;
    return domain->kind == LW_DOMAIN_APART && !domain->in_process;
}

/* Keeps the largest domains in order. */
static void note_domain(lw_memory *memory, const lw_domain *domain, int64_t bytes)
{
    lw_memory_domain entry = {"", bytes};
    size_t length = strlen(domain->name);
    uint32_t at = memory->domain_count;
    memcpy(entry.name, domain->name, length < LW_MEMORY_NAME ? length : LW_MEMORY_NAME - 1);
    while (at && (memory->domains[at - 1].bytes < bytes ||
                  (memory->domains[at - 1].bytes == bytes &&
                   strcmp(memory->domains[at - 1].name, entry.name) > 0)))
        at--;
    if (memory->domain_count == LW_MEMORY_DOMAINS)
        memory->flags |= LW_MEMORY_MORE;
    if (at == LW_MEMORY_DOMAINS)
        return;
    if (memory->domain_count < LW_MEMORY_DOMAINS)
        memory->domain_count++;
    memmove(&memory->domains[at + 1], &memory->domains[at],
            (memory->domain_count - 1 - at) * sizeof entry);
    memory->domains[at] = entry;
}

static void add_domain(sum *sum, const lw_domain *domain)
{
    lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
    lw_domain_stats_get(domain, &stats, NULL);
    uint64_t bytes = stats.bytes > 0 ? (uint64_t)stats.bytes : 0;
    const lwi_teller *teller = teller_of(sum->context->tellers, domain);
    if (teller)
        sum->held_in[teller - sum->context->tellers->items] += stats.bytes + stats.adopted_bytes;
    if (is_apart(domain)) {
        sum->memory->apart += bytes;
        return;
    }
    sum->carved_slack += stats.adopted_bytes;
    if (domain->parent)
        sum->carved_slack -= stats.bytes + stats.adopted_bytes;
    sum->memory->blocks += bytes;
    if (bytes)
        note_domain(sum->memory, domain, stats.bytes);
}

static void add_answer(lw_memory *memory, const lwi_teller *teller, int64_t known)
{
    lw_memory_held answer = LW_MEMORY_HELD_INIT;
    if (teller->ask(&answer, teller->user) != 0) {
        memory->flags |= LW_MEMORY_SILENT;
        return;
    }
    uint64_t live = known > 0 ? (uint64_t)known : 0;
    uint64_t used = answer.used > live ? answer.used : live;
    memory->unrecorded += used - live;
    memory->slack += answer.held > used ? answer.held - used : 0;
}

/* A thread's own variables lie at the upper end of its stack. */
static uint64_t stack_in(uint64_t start, uint64_t end, void *user)
{
    enum { BEHIND = 64 << 10 }; /* variables of others, and the thread's record */
    const lw_context *context = user;
    uint64_t found = 0;
    lwi_thread *thread = atomic_load_explicit(&context->threads, memory_order_acquire);
    for (; thread; thread = thread->next) {
        uint64_t at = (uint64_t)(uintptr_t)thread->token;
        if (at >= start && at < end && !thread->is_main && !LWI_READ(thread->free) &&
            at > found)
            found = at;
    }
    if (!found)
        return 0;
    return end - found > BEHIND ? found + BEHIND : end;
}

static void settle(lw_memory *memory)
{
    uint64_t known = memory->files + memory->shared + memory->stacks + memory->blocks +
                     memory->unrecorded + memory->slack + memory->own;
    memory->unexplained = memory->resident > known ? memory->resident - known : 0;
    memory->absent = known > memory->resident ? known - memory->resident : 0;
}

static lw_status look(lw_context *context, lw_memory *memory, lw_error *error)
{
    lwi_thread *thread;
    lwi_usage usage;
    lwi_tellers tellers = {0, {{NULL, NULL, 0, NULL, NULL}}};
    sum sum = {context, memory, {0}, 0};
    lw_status status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    for (uint32_t i = 1; i <= context->domain_count; i++)
        add_domain(&sum, context->domains[i]);
    if (context->tellers)
        tellers = *context->tellers;
    bool told = lwi_usage_get(&usage, stack_in, context);
    lwi_leave(thread);
    for (uint32_t i = 0; i < tellers.count; i++)
        add_answer(memory, &tellers.items[i], sum.held_in[i]);
    memory->slack += sum.carved_slack > 0 ? (uint64_t)sum.carved_slack : 0;
    memory->own = lwi_pages_held();
    if (context->mem.allocator.realloc != lwi_pages_allocator().realloc)
        memory->own += LWI_READ(context->mem.bytes);
    if (!told)
        return lwi_fail(error, LW_E_UNSUPPORTED,
                        "this system does not tell what of a process is in memory "
                        "(/proc/self/status of Linux is needed)");
    memory->resident = usage.resident;
    memory->peak = usage.peak;
    memory->limit = usage.limit;
    memory->files = usage.files;
    memory->shared = usage.shared;
    memory->stacks = usage.stacks;
    settle(memory);
    return LW_OK;
}

lw_status lw_memory_get(lw_context *context, lw_memory *memory, lw_error *error)
{
    lw_memory full = LW_MEMORY_INIT;
    lw_status status = lwi_result_check(memory, "lw_memory", error);
    if (status != LW_OK)
        return status;
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL");
    status = look(context, &full, error);
    if (status == LW_OK)
        lwi_give(memory, &full, sizeof full);
    return status;
}

void lwi_memory_look(lw_context *context, lw_memory *memory)
{
    *memory = (lw_memory)LW_MEMORY_INIT;
    if (look(context, memory, NULL) != LW_OK)
        *memory = (lw_memory)LW_MEMORY_INIT;
}
