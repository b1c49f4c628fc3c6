#include "capture/runtime.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/structs.h"
#include "platform/pages.h"

#include <string.h>

static void free_runtime(lwi_mem *mem, lw_runtime *runtime)
{
    lwi_strfree(mem, runtime->name);
    lwi_free(mem, runtime->domains,
             lwi_array_size(runtime->domain_count, sizeof *runtime->domains));
    lwi_free(mem, runtime, sizeof *runtime);
}

static void release_runtimes(lw_context *context, void *value)
{
    lwi_runtimes *runtimes = value;
    lwi_mem *mem = lwi_view_mem(context);
    while (runtimes->first) {
        lw_runtime *runtime = runtimes->first;
        runtimes->first = runtime->next;
        free_runtime(mem, runtime);
    }
    lwi_free(mem, runtimes, sizeof *runtimes);
}

lwi_runtimes *lwi_runtimes_of(lw_context *context)
{
    lwi_attachment *attachment = lwi_view_attachment(context);
    if (!attachment->value) {
        lwi_runtimes *runtimes = lwi_alloc(lwi_view_mem(context), sizeof *runtimes);
        if (!runtimes)
            return NULL;
        runtimes->token = lwi_hash_mix((uint64_t)(uintptr_t)context, lwi_time_ns());
        attachment->release = release_runtimes;
        attachment->value = runtimes;
    }
    return attachment->value;
}

lw_status lwi_runtimes_begin(lwi_runtimes *runtimes, lw_error *error)
{
    if (runtimes->busy)
        return lwi_fail(error, LW_E_STATE,
                        "an enumerate, or another callback of a runtime, asks this of its own "
                        "context: do it elsewhere");
    runtimes->busy = true;
    return LW_OK;
}

static void unplug(lwi_mem *mem, lwi_runtimes *runtimes, lw_runtime **place)
{
    lw_runtime *runtime = *place;
    *place = runtime->next;
    runtimes->count--;
    free_runtime(mem, runtime);
}

void lwi_runtimes_end(lw_context *context, lwi_runtimes *runtimes)
{
    runtimes->busy = false;
    for (lw_runtime **place = &runtimes->first; *place;) {
        if ((*place)->doomed)
            unplug(lwi_view_mem(context), runtimes, place);
        else
            place = &(*place)->next;
    }
}

static lw_status check_options(lw_context *context, const lw_runtime_options *options,
                               lw_error *error)
{
    if (!options->name || !*options->name)
        return lwi_fail(error, LW_E_INVALID, "a runtime needs a name: set options.name");
    if (!options->enumerate)
        return lwi_fail(error, LW_E_INVALID,
                        "runtime \"%s\" has no enumerate: set options.enumerate", options->name);
    if (options->key_kind != LW_KEY_ADDRESS && options->key_kind != LW_KEY_OPAQUE)
        return lwi_fail(error, LW_E_INVALID,
                        "runtime \"%s\": key_kind %d is neither LW_KEY_ADDRESS nor LW_KEY_OPAQUE",
                        options->name, (int)options->key_kind);
    if (options->domain_count && options->key_kind != LW_KEY_ADDRESS)
        return lwi_fail(error, LW_E_INVALID,
                        "runtime \"%s\" has domains, but LW_KEY_OPAQUE keys lie in no block: "
                        "leave out one or the other",
                        options->name);
    if (options->domain_count && !options->domains)
        return lwi_fail(error, LW_E_INVALID,
                        "runtime \"%s\": domains is NULL, but domain_count is not 0",
                        options->name);
    for (uint64_t i = 0; i < options->domain_count; i++) {
        const lw_domain *domain = options->domains[i];
        if (!domain || lwi_view_domain_context(domain) != context)
            return lwi_fail(error, LW_E_INVALID, "runtime \"%s\": domains[%u] is %s",
                            options->name, (unsigned)i,
                            domain ? "a domain of another context" : "NULL");
    }
    return LW_OK;
}

static lw_runtime *new_runtime(lw_context *context, const lw_runtime_options *options)
{
    lwi_mem *mem = lwi_view_mem(context);
    lw_runtime *runtime = lwi_alloc(mem, sizeof *runtime);
    if (!runtime)
        return NULL;
    size_t size = lwi_array_size(options->domain_count, sizeof *runtime->domains);
    runtime->name = lwi_strdup(mem, options->name);
    runtime->domains = lwi_alloc(mem, size);
    runtime->domain_count = options->domain_count;
    if (!runtime->name || (options->domain_count && !runtime->domains)) {
        free_runtime(mem, runtime);
        return NULL;
    }
    if (size)
        memcpy(runtime->domains, options->domains, size);
    runtime->context = context;
    runtime->enumerate = options->enumerate;
    runtime->user = options->user;
    runtime->collect = options->collect;
    runtime->preview = options->preview;
    runtime->advise = options->advise;
    runtime->address = options->key_kind == LW_KEY_ADDRESS;
    return runtime;
}

lw_status lw_runtime_create(lw_context *context, const lw_runtime_options *options,
                            lw_runtime **runtime, lw_error *error)
{
    lw_runtime_options full;
    if (!runtime)
        return lwi_fail(error, LW_E_INVALID, "runtime is NULL: pass where the runtime shall go");
    *runtime = NULL;
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL: pass the context to plug into");
    if (!options)
        return lwi_fail(error, LW_E_INVALID, "options is NULL: a runtime needs at least a name "
                                             "and an enumerate");
    lw_status status = lwi_take(&full, sizeof full, options, "lw_runtime_options", error);
    if (status == LW_OK)
        status = check_options(context, &full, error);
    if (status != LW_OK)
        return status;
    lwi_runtimes *runtimes = lwi_runtimes_of(context);
    if (!runtimes)
        return lwi_nomem(error, "a new runtime");
    if (runtimes->busy)
        return lwi_fail(error, LW_E_STATE,
                        "runtime \"%s\": an enumerate, or another callback of a runtime, plugs it "
                        "in: do it elsewhere", full.name);
    if (strcmp(full.name, LWI_OBJECTS_NAME) == 0)
        return lwi_fail(error, LW_E_STATE,
                        "\"" LWI_OBJECTS_NAME "\" is the runtime of registered objects: choose "
                        "another name");
    lw_runtime **place = &runtimes->first;
    for (; *place; place = &(*place)->next) {
        if (strcmp((*place)->name, full.name) == 0)
            return lwi_fail(error, LW_E_STATE,
                            "the context has a runtime \"%s\" already: use it, or destroy it first",
                            full.name);
    }
    lw_runtime *made = new_runtime(context, &full);
    if (!made)
        return lwi_nomem(error, "a new runtime");
    *place = made;
    runtimes->count++;
    *runtime = made;
    return LW_OK;
}

void lw_runtime_destroy(lw_runtime *runtime)
{
    if (!runtime)
        return;
    lwi_runtimes *runtimes = lwi_runtimes_of(runtime->context);
    if (runtimes->busy) {
        runtime->doomed = true;
        return;
    }
    lw_runtime **place = &runtimes->first;
    while (*place != runtime)
        place = &(*place)->next;
    unplug(lwi_view_mem(runtime->context), runtimes, place);
}

lw_status lw_runtime_each(lw_context *context, lw_runtime_fn visit, void *user, lw_error *error)
{
    if (!context || !visit)
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", context ? "visit" : "context");
    lwi_runtimes *runtimes = lwi_view_attachment(context)->value;
    lw_runtime *runtime = runtimes ? runtimes->first : NULL;
    while (runtime && visit(runtime, runtime->name, user) == 0)
        runtime = runtime->next;
    return LW_OK;
}
