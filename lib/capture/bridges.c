/* Edges from one runtime to another, resolved when all of them have their numbers. */
#include "capture/build.h"

static bool number_bridge(lwi_build *build, lwi_job *job, uint32_t *item)
{
    const lwi_job *other = item[4] < build->count ? &build->jobs[item[4]] : NULL;
    lw_key own_key = lwi_log_get64(item), other_key = lwi_log_get64(item + 2);
    lw_node own = lwi_job_node(job, own_key);
    lw_node far = other ? lwi_job_node(other, other_key) : LW_NODE_NONE;
    bool from = item[5] & LWI_BRIDGE_FROM;
    item[0] = item[1] = LW_NODE_NONE;
    if (own == LW_NODE_NONE)
        return lwi_stray_edge(build, job, own_key, LWI_STRAY_HOLDER, LW_NODE_NONE);
    if (far == LW_NODE_NONE) {
        if (other && lwi_job_hides(other, other_key))
            return true;
        build->snapshot->info.dangling++;
        return lwi_note(build, LWI_STRAY_BRIDGE, other_key, own, 0);
    }
    item[0] = from ? far : own;
    item[1] = from ? own : far;
    build->snapshot->rows.end[item[0]]++;
    build->snapshot->edge_kinds |= 1u << (item[5] & ~LWI_BRIDGE_FROM);
    return true;
}

bool lwi_number_bridges(lwi_build *build, lwi_job *job)
{
    for (lwi_log_chunk *chunk = job->sink.bridges.first; chunk; chunk = chunk->next) {
        for (uint32_t at = 0; at < chunk->used; at += LWI_BRIDGE_WORDS) {
            if (!number_bridge(build, job, chunk->words + at))
                return false;
        }
    }
    return true;
}

void lwi_place_bridges(lw_snapshot *snapshot, lwi_job *job)
{
    for (lwi_log_chunk *chunk = job->sink.bridges.first; chunk;
         chunk = lwi_log_drop(&job->sink.bridges)) {
        for (uint32_t at = 0; at < chunk->used; at += LWI_BRIDGE_WORDS) {
            const uint32_t *item = chunk->words + at;
            if (item[0] != LW_NODE_NONE)
                lwi_place_edge(snapshot, item[0], item[1], item[5] & ~LWI_BRIDGE_FROM,
                               lwi_map_label(job, item[6]));
        }
    }
}
