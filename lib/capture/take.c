/* Runs runtimes and makes a snapshot of what they push. */
#include "base/error.h"
#include "base/structs.h"
#include "capture/build.h"
#include "platform/pages.h"

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
static bool plan(lwi_build *build, const lwi_runtimes *runtimes, const lw_runtime *only)
{
    lw_snapshot *snapshot = build->snapshot;
    uint32_t count = only ? 1 : runtimes->count;
    build->jobs = lwi_alloc(&snapshot->mem, lwi_array_size(count + 1, sizeof *build->jobs));
    snapshot->parts = lwi_arena_zeros(&snapshot->arena, count, sizeof *snapshot->parts);
    if (!build->jobs || !snapshot->parts)
        return false;
    const lw_runtime *runtime = only ? only : runtimes->first;
    for (uint32_t i = 0; i < count; i++, runtime = runtime->next) {
        lwi_part *part = &snapshot->parts[i];
        build->jobs[i].part = part;
        lwi_sink_init(&build->jobs[i].sink, snapshot, runtime);
        lwi_keys_init(&part->keys, &snapshot->mem, runtime->address);
        part->recorded = runtime->domain_count > 0;
        part->name = lwi_arena_text(&snapshot->arena, runtime->name, strlen(runtime->name));
        build->count = snapshot->part_count = i + 1;
        if (!part->name)
            return false;
    }
    return true;
}

static lw_status build_all(lwi_build *build, lw_error *error)
{
    lw_status status = lwi_build_keys(build, error);
    if (status != LW_OK)
        return status;
    if (!lwi_build_words(build) || !lwi_build_nodes(build))
        return lwi_nomem(error, "the nodes of a snapshot");
    status = lwi_build_edges(build, error);
    if (status != LW_OK)
        return status;
    if (!lwi_build_roots(build) || !lwi_build_details(build))
        return lwi_nomem(error, "the roots of a snapshot");
    for (uint32_t i = 0; i < build->count; i++)
        lwi_keys_trim(&build->jobs[i].part->keys);
    if (!lwi_build_blocks(build) || !lwi_build_verdicts(build))
        return lwi_nomem(error, "the blocks of a snapshot");
    return LW_OK;
}

static lw_status run_all(lwi_build *build, lwi_runtimes *runtimes, lw_error *error)
{
    lw_status status = LW_OK;
    runtimes->busy = true;
    for (uint32_t i = 0; status == LW_OK && i < build->count; i++)
        status = lwi_sink_run(&build->jobs[i].sink, error);
    runtimes->busy = false;
    return status;
}

lw_status lwi_capture(lw_context *context, const lw_runtime *only, lw_allocator allocator,
                      lwi_strays *strays, lw_snapshot **snapshot, lw_error *error)
{
    *snapshot = NULL;
    lwi_runtimes *runtimes = lwi_runtimes_of(context);
    if (!runtimes)
        return lwi_nomem(error, "a snapshot");
    if (runtimes->busy)
        return lwi_fail(error, LW_E_STATE,
                        "an enumerate asks to capture its own context: do that elsewhere");
    lwi_build build = {.snapshot = lwi_snapshot_new(allocator), .strays = strays};
    if (!build.snapshot)
        return lwi_nomem(error, "a snapshot");
    build.snapshot->context = runtimes->token;
    lw_status status = LW_OK;
    if (!plan(&build, runtimes, only))
        status = lwi_nomem(error, "a snapshot");
    if (status == LW_OK)
        status = run_all(&build, runtimes, error);
    if (status == LW_OK)
        status = build_all(&build, error);
    lwi_mem *mem = &build.snapshot->mem;
    for (uint32_t i = 0; i < build.count; i++)
        free_job(&build.jobs[i], mem);
    lwi_free(mem, build.jobs,
             lwi_array_size((only ? 1 : runtimes->count) + 1, sizeof *build.jobs));
    if (status == LW_OK) {
        *snapshot = build.snapshot;
        return LW_OK;
    }
    if (strays)
        lwi_strays_free(strays, mem);
    lw_snapshot_release(build.snapshot);
    return status;
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
    uint64_t start = lwi_time_ns();
    lw_snapshot *made;
    status = lwi_capture(context, NULL, lwi_view_allocator(context), NULL, &made, error);
    if (status != LW_OK)
        return status;
    if (full.name) {
        made->info.name = lwi_arena_text(&made->arena, full.name, strlen(full.name));
        if (!made->info.name) {
            lw_snapshot_release(made);
            return lwi_nomem(error, "a snapshot");
        }
    }
    /* Afterwards, so that whatever was born while we looked is not born after us. */
    made->info.epoch = lwi_view_advance(context);
    made->info.own_bytes = atomic_load(&made->mem.bytes) + sizeof *made;
    made->info.took_ns = lwi_time_ns() - start;
    *snapshot = made;
    return LW_OK;
}
