/* Typed objects: a map of addresses per type, so that an object that begins where another one does
 * is told from it, and a few shared counters. */
#include "base/error.h"
#include "base/structs.h"
#include "record/context.h"
#include "record/enter.h"

#include <string.h>

struct lw_type {
    lw_context *context;
    char *name;
    uint64_t size;
    _Atomic(lw_type *) next;
    lwi_map map;
    _Atomic uint64_t created, live, high_water, unseen, unknown, dropped;
};

lw_type *lwi_type_next(lw_type *type)
{
    return type->next;
}

lwi_lock *lwi_type_lock(lw_type *type)
{
    return &type->map.lock;
}

static void type_free(lw_context *context, lw_type *type)
{
    lwi_map_done(&type->map);
    lwi_strfree(&context->mem, type->name);
    lwi_free(&context->mem, type, sizeof *type);
}

void lwi_types_done(lw_context *context)
{
    while (context->types) {
        lw_type *type = context->types;
        context->types = type->next;
        type_free(context, type);
    }
}

static lw_type *type_make(lw_context *context, const char *name, uint64_t size)
{
    lw_type *type = lwi_alloc(&context->mem, sizeof *type);
    if (!type)
        return NULL;
    type->context = context;
    type->size = size;
    type->name = lwi_strdup(&context->mem, name);
    if (!type->name || !lwi_map_init(&type->map, &context->mem, 0, true)) {
        type_free(context, type);
        return NULL;
    }
    if (context->last_type)
        context->last_type->next = type;
    else
        context->types = type;
    context->last_type = type;
    return type;
}

lw_status lw_type_create(lw_context *context, const char *name, uint64_t size, lw_type **type,
                         lw_error *error)
{
    lwi_thread *thread;
    if (!type)
        return lwi_fail(error, LW_E_INVALID, "type is NULL: nowhere to put the result");
    *type = NULL;
    if (!context || !name || !*name)
        return lwi_fail(error, LW_E_INVALID, "a type needs a context and a name");
    lw_status status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    lw_type *found = context->types;
    while (found && strcmp(found->name, name) != 0)
        found = found->next;
    if (found && found->size != size)
        status = lwi_fail(error, LW_E_STATE, "type \"%s\" exists already with %llu bytes", name,
                          (unsigned long long)found->size);
    else if (!found && !(found = type_make(context, name, size)))
        status = lwi_nomem(error, "a new type");
    if (status == LW_OK)
        *type = found;
    lwi_leave(thread);
    return status;
}

/* ---- events ---- */

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static lwi_thread *event_begin(lw_type *type, const void *object)
{
    lwi_thread *thread = type && object ? lwi_thread_get(type->context) : NULL;
    if (!thread || thread->busy) {
        if (type && object)
            add(&type->dropped, 1);
        return NULL;
    }
    thread->busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    return thread;
}

static void event_end(lwi_thread *thread)
{
    atomic_signal_fence(memory_order_seq_cst);
    thread->busy = false;
}

static void one_more(lw_type *type)
{
    uint64_t live = atomic_fetch_add_explicit(&type->live, 1, memory_order_relaxed) + 1;
    uint64_t high = LWI_READ(type->high_water);
    while (live > high &&
           !atomic_compare_exchange_weak_explicit(&type->high_water, &high, live,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void lw_object_created(lw_type *type, const void *object)
{
    enum { LARGEST = 1 << 16 }; /* the size only hints at how dense the objects lie */
    lwi_thread *thread = event_begin(type, object);
    if (!thread)
        return;
    _Atomic uint32_t nobody = 0;
    lwi_record old, record = {type->size < LARGEST ? type->size : LARGEST, 1};
    bool stored = lwi_map_set(&type->map, (uint64_t)(uintptr_t)object, record, &old, &nobody);
    add(stored ? &type->created : &type->dropped, 1);
    if (old.birth)
        add(&type->unseen, 1);
    else if (stored)
        one_more(type);
    event_end(thread);
}

void lw_object_destroyed(lw_type *type, const void *object)
{
    lwi_thread *thread = event_begin(type, object);
    if (!thread)
        return;
    _Atomic uint32_t nobody = 0;
    lwi_record record = lwi_map_take(&type->map, (uint64_t)(uintptr_t)object, &nobody);
    if (record.birth)
        atomic_fetch_sub_explicit(&type->live, 1, memory_order_relaxed);
    else
        add(&type->unknown, 1);
    event_end(thread);
}

/* ---- numbers ---- */

lw_status lw_type_stats_get(const lw_type *type, lw_type_stats *stats, lw_error *error)
{
    lw_type_stats full = LW_TYPE_STATS_INIT;
    lw_status status = lwi_result_check(stats, "lw_type_stats", error);
    if (status != LW_OK)
        return status;
    if (!type)
        return lwi_fail(error, LW_E_INVALID, "type is NULL");
    full.name = type->name;
    full.size = type->size;
    full.live = LWI_READ(type->live);
    full.created = LWI_READ(type->created);
    if (full.created < full.live) /* another thread is at it */
        full.created = full.live;
    full.destroyed = full.created - full.live;
    full.high_water = LWI_READ(type->high_water);
    full.unseen = LWI_READ(type->unseen);
    full.unknown = LWI_READ(type->unknown);
    full.dropped = LWI_READ(type->dropped);
    lwi_give(stats, &full, sizeof full);
    return LW_OK;
}

lw_status lw_type_each(lw_context *context, lw_type_fn visit, void *user, lw_error *error)
{
    if (!context || !visit)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", context ? "visit" : "context");
    lw_type *type = atomic_load_explicit(&context->types, memory_order_acquire);
    while (type && visit(type, user) == 0)
        type = atomic_load_explicit(&type->next, memory_order_acquire);
    return LW_OK;
}
