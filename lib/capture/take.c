/* Runs runtimes and makes a snapshot of what they push. */
#include "base/error.h"
#include "base/structs.h"
#include "capture/build.h"
#include "capture/objects.h"
#include "platform/pages.h"
#include "record/object.h"

#include <string.h>

static void free_job(lwi_job *job, lwi_mem *mem)
{
    lwi_free(mem, job->hidden, lwi_array_size(job->sink.hidden_count, sizeof *job->hidden));
    lwi_free(mem, job->type_map, lwi_array_size(job->sink.type_count + 1, sizeof(uint32_t)));
    lwi_free(mem, job->name_map, lwi_array_size(job->sink.name_count + 1, sizeof(uint32_t)));
    lwi_free(mem, job->kind_map, lwi_array_size(job->sink.root_kind_count + 1, sizeof(uint32_t)));
    lwi_sink_free(&job->sink);
}

/* One part and one job for each runtime. */
static bool plan(lwi_build *build, const lwi_request *request, const lw_runtime *first,
                 uint32_t count)
{
    lw_snapshot *snapshot = build->snapshot;
    build->jobs = lwi_alloc(&snapshot->mem, lwi_array_size(count + 1, sizeof *build->jobs));
    snapshot->parts = lwi_arena_zeros(&snapshot->arena, count, sizeof *snapshot->parts);
    if (!build->jobs || !snapshot->parts)
        return false;
    const lw_runtime *runtime = first;
    bool complete = lwi_view_complete(request->context);
    for (uint32_t i = 0; i < count; i++, runtime = runtime->next) {
        lwi_part *part = &snapshot->parts[i];
        lw_sink *sink = &build->jobs[i].sink;
        build->jobs[i].part = part;
        lwi_sink_init(sink, snapshot, runtime);
        sink->runtimes = first;
        sink->progress = &build->progress;
        sink->misuses = runtime == request->checked ? request->misuses : NULL;
        lwi_keys_init(&part->keys, &snapshot->mem, runtime->address);
        part->recorded = runtime->domain_count > 0 && complete;
        part->name = lwi_arena_text(&snapshot->arena, runtime->name, strlen(runtime->name));
        build->count = snapshot->part_count = i + 1;
        if (!part->name)
            return false;
    }
    return true;
}

static bool step(lwi_build *build, uint32_t done)
{
    return lwi_progress_at(&build->progress, "join", done, LWI_STEPS);
}

static lw_status build_graph(lwi_build *build, lw_error *error)
{
    if (!step(build, LWI_STEP_NODES) || !lwi_build_words(build) || !lwi_build_nodes(build))
        return lwi_progress_failed(&build->progress, "the nodes of a snapshot", error);
    if (!step(build, LWI_STEP_EDGES))
        return lwi_progress_failed(&build->progress, "", error);
    lw_status status = lwi_build_edges(build, error);
    if (status != LW_OK)
        return status;
    if (!step(build, LWI_STEP_ROOTS) || !lwi_build_roots(build) || !lwi_build_details(build))
        return lwi_progress_failed(&build->progress, "the roots of a snapshot", error);
    for (uint32_t i = 0; i < build->count; i++)
        lwi_keys_trim(&build->jobs[i].part->keys);
    return LW_OK;
}

static lw_status build_all(lwi_build *build, lw_error *error)
{
    if (!step(build, LWI_STEP_KEYS))
        return lwi_progress_failed(&build->progress, "", error);
    lw_status status = lwi_build_keys(build, error);
    if (status == LW_OK)
        status = build_graph(build, error);
    if (status != LW_OK)
        return status;
    if (!step(build, LWI_STEP_BLOCKS) || !lwi_build_blocks(build) ||
        !step(build, LWI_STEP_VERDICTS) || !lwi_build_verdicts(build) || !step(build, LWI_STEPS))
        return lwi_progress_failed(&build->progress, "the blocks of a snapshot", error);
    return LW_OK;
}

static lw_status run_all(lwi_build *build, lw_error *error)
{
    lw_status status = LW_OK;
    uint64_t nodes = 0;
    if (!lwi_progress_at(&build->progress, "enumerate", 0, 0))
        return lwi_progress_failed(&build->progress, "", error);
    for (uint32_t i = 0; status == LW_OK && i < build->count; i++) {
        lw_sink *sink = &build->jobs[i].sink;
        sink->before = nodes;
        status = lwi_sink_run(sink, error);
        nodes += sink->node_count;
        build->snapshot->info.conflicts += sink->type_conflicts;
    }
    if (status == LW_OK && !lwi_progress_at(&build->progress, "enumerate", nodes, nodes))
        status = lwi_progress_failed(&build->progress, "", error);
    return status;
}

static lw_status capture_all(const lwi_request *request, lwi_runtimes *runtimes, lwi_build *build,
                             lw_error *error)
{
    uint32_t count = runtimes->count;
    lw_status status = LW_OK;
    if (!plan(build, request, runtimes->first, count))
        status = lwi_nomem(error, "a snapshot");
    if (status == LW_OK)
        status = run_all(build, error);
    if (status == LW_OK)
        status = build_all(build, error);
    lwi_mem *mem = &build->snapshot->mem;
    for (uint32_t i = 0; i < build->count; i++)
        free_job(&build->jobs[i], mem);
    lwi_free(mem, build->jobs, lwi_array_size(count + 1, sizeof *build->jobs));
    return status;
}

/* Registered objects are a runtime, while they are captured; NULL: nobody told who holds them. */
static lw_runtime **add_objects(lw_context *context, lwi_runtimes *runtimes)
{
    static char name[] = LWI_OBJECTS_NAME;
    lw_runtime **place = &runtimes->first;
    if (!lwi_objects_linked(context))
        return NULL;
    lw_runtime *objects = &runtimes->objects;
    *objects = (lw_runtime){.context = context,
                            .name = name,
                            .enumerate = lwi_objects_enumerate,
                            .user = context};
    objects->domains = (lw_domain **)lwi_view_domains(context, &objects->domain_count);
    while (*place)
        place = &(*place)->next;
    *place = objects;
    runtimes->count++;
    return place;
}

static void take_objects_away(lwi_runtimes *runtimes, lw_runtime **place)
{
    if (!place)
        return;
    *place = NULL;
    runtimes->count--;
}

lw_status lwi_capture(const lwi_request *request, lw_snapshot **snapshot, lw_error *error)
{
    *snapshot = NULL;
    lwi_runtimes *runtimes = lwi_runtimes_of(request->context);
    if (!runtimes)
        return lwi_nomem(error, "a snapshot");
    lw_status status = lwi_runtimes_begin(runtimes, error);
    if (status != LW_OK)
        return status;
    lw_allocator allocator = request->allocator.realloc ? request->allocator
                                                        : lwi_view_allocator(request->context);
    lwi_build build = {.snapshot = lwi_snapshot_new(allocator),
                       .strays = request->strays,
                       .progress = {.tell = request->progress, .user = request->user}};
    lw_runtime **objects = add_objects(request->context, runtimes);
    if (build.snapshot) {
        build.snapshot->context = runtimes->token;
        status = capture_all(request, runtimes, &build, error);
    } else {
        status = lwi_nomem(error, "a snapshot");
    }
    take_objects_away(runtimes, objects);
    lwi_runtimes_end(request->context, runtimes);
    if (status == LW_OK) {
        *snapshot = build.snapshot;
        return LW_OK;
    }
    if (build.snapshot && request->strays)
        lwi_strays_free(request->strays, &build.snapshot->mem);
    lw_snapshot_release(build.snapshot);
    return status;
}

lw_status lwi_capture_named(const lwi_request *request, const char *name, lw_snapshot **snapshot,
                            lw_error *error)
{
    uint64_t start = lwi_time_ns();
    lw_snapshot *made;
    *snapshot = NULL;
    lw_status status = lwi_capture(request, &made, error);
    if (status != LW_OK)
        return status;
    if (name) {
        made->info.name = lwi_arena_text(&made->arena, name, strlen(name));
        if (!made->info.name) {
            lw_snapshot_release(made);
            return lwi_nomem(error, "a snapshot");
        }
    }
    /* Afterwards, so that whatever was born while we looked is not born after us. */
    made->info.epoch = lwi_view_advance(request->context);
    made->info.own_bytes = atomic_load(&made->mem.bytes) + sizeof *made;
    made->info.peak_bytes = atomic_load(&made->mem.peak) + sizeof *made;
    made->info.took_ns = lwi_time_ns() - start;
    *snapshot = made;
    return LW_OK;
}

lw_status lw_snapshot_take(lw_context *context, const lw_snapshot_options *options,
                           lw_snapshot **snapshot, lw_error *error)
{
    lw_snapshot_options full;
    if (!snapshot)
        return lwi_fail(error, LW_E_INVALID, "snapshot is NULL: pass where the snapshot shall go");
    *snapshot = NULL;
    if (!context)
        return lwi_fail(error, LW_E_INVALID, "context is NULL: pass the context to capture");
    lw_status status = lwi_take(&full, sizeof full, options, "lw_snapshot_options", error);
    if (status != LW_OK)
        return status;
    if (full.flags)
        return lwi_fail(error, LW_E_INVALID,
                        "lw_snapshot_options.flags 0x%x: no bit has a meaning in version %s",
                        (unsigned)full.flags, lw_version());
    lwi_request request = {.context = context, .progress = full.progress, .user = full.user};
    return lwi_capture_named(&request, full.name, snapshot, error);
}
