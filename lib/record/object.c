/* Typed objects: a map of addresses per type, so that an object that begins where another one does
 * is told from it, and a few shared counters. */
#include "base/error.h"
#include "base/structs.h"
#include "record/enter.h"
#include "record/type.h"

#include <string.h>

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
    lwi_fields_free(type);
    lwi_strfree(&context->mem, type->facts.name);
    lwi_free(&context->mem, type, sizeof *type);
}

void lwi_types_done(lw_context *context)
{
    while (context->types) {
        lw_type *type = context->types;
        context->types = type->next;
        type_free(context, type);
    }
    lwi_variables_done(context);
}

static lw_type *type_make(lw_context *context, const char *name, uint64_t size)
{
    lw_type *type = lwi_alloc(&context->mem, sizeof *type);
    if (!type)
        return NULL;
    type->context = context;
    type->facts.size = size;
    type->facts.name = lwi_strdup(&context->mem, name);
    if (!type->facts.name || !lwi_map_init(&type->map, &context->mem, 0, true)) {
        type_free(context, type);
        return NULL;
    }
    type->facts.number = context->last_type ? context->last_type->facts.number + 1 : 0;
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
    while (found && strcmp(found->facts.name, name) != 0)
        found = found->next;
    if (found && found->facts.size != size)
        status = lwi_fail(error, LW_E_STATE, "type \"%s\" exists already with %llu bytes", name,
                          (unsigned long long)found->facts.size);
    else if (!found && !(found = type_make(context, name, size)))
        status = lwi_nomem(error, "a new type");
    if (status == LW_OK)
        *type = found;
    lwi_leave(thread);
    return status;
}

/* ---- for capture ---- */

const lwi_type_facts *lwi_types_first(lw_context *context)
{
    const lw_type *type = atomic_load_explicit(&context->types, memory_order_acquire);
    return type ? &type->facts : NULL;
}

const lwi_type_facts *lwi_types_next(const lwi_type_facts *facts)
{
    const lw_type *type =
        atomic_load_explicit(&((lw_type *)(uintptr_t)facts)->next, memory_order_acquire);
    return type ? &type->facts : NULL;
}

const lwi_type_facts *lwi_type_facts_of(const lw_type *type)
{
    return &type->facts;
}

typedef struct objects_visit {
    lwi_object_fn visit;
    void *user;
} objects_visit;

static bool visit_object(uint64_t address, lwi_record record, void *user)
{
    const objects_visit *it = user;
    (void)record;
    return it->visit(address, it->user);
}

void lwi_objects_each(const lwi_type_facts *facts, lwi_object_fn visit, void *user)
{
    lw_type *type = (lw_type *)(uintptr_t)facts;
    objects_visit it = {visit, user};
    lwi_map_each(&type->map, 0, UINT64_MAX, visit_object, &it);
}

/* ---- events ---- */

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static lwi_thread *event_begin(lw_type *type, const void *object)
{
    lwi_thread *thread = type && object ? lwi_thread_get(type->context) : NULL;
    if (thread && lwi_thread_begin(thread))
        return thread;
    if (type && object)
        add(&type->dropped, 1);
    return NULL;
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
    lwi_record old, record = {type->facts.size < LARGEST ? type->facts.size : LARGEST, 1};
    bool stored = lwi_map_set(&type->map, (uint64_t)(uintptr_t)object, record, &old, &nobody);
    add(stored ? &type->created : &type->dropped, 1);
    if (old.birth)
        add(&type->unseen, 1);
    else if (stored)
        one_more(type);
    lwi_thread_end(thread);
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
    lwi_thread_end(thread);
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
    full.name = type->facts.name;
    full.size = type->facts.size;
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
