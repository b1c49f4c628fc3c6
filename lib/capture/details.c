/* Roots, and what few nodes have: stated references, bytes elsewhere. */
#include "base/order.h"
#include "base/sum.h"
#include "capture/build.h"

#include <string.h>

/* --- tables of few nodes ------------------------------------------------------------------- */

bool lwi_rare_push(lwi_build *build, lwi_rare_list *list, lw_node node, uint64_t value)
{
    void *items = list->items;
    if (!lwi_grow(&build->snapshot->mem, &items, &list->room, list->count + 1,
                  sizeof *list->items))
        return false;
    list->items = items;
    list->items[list->count++] = (lwi_rare){value, node};
    return true;
}

static int by_node(const void *user, uint32_t a, uint32_t b)
{
    const lwi_rare *items = user;
    return (items[a].node > items[b].node) - (items[a].node < items[b].node);
}

static bool take_rare(lwi_build *build, lwi_rare item, bool add, lwi_rares *rares)
{
    lwi_rare *last = rares->count ? &rares->items[rares->count - 1] : NULL;
    if (!last || last->node != item.node) {
        rares->items[rares->count++] = item;
        return true;
    }
    if (add) {
        last->value = lwi_sum(last->value, item.value);
        return true;
    }
    if (last->value == item.value)
        return true;
    build->snapshot->info.conflicts++;
    lw_key key = lwi_key_of_node(build->snapshot, item.node);
    return lwi_note(build, LWI_STRAY_REFERENCES, key, item.node, 0);
}

static bool sort_rares(lwi_build *build, const lwi_rare_list *list, bool add, lwi_rares *rares)
{
    lw_snapshot *snapshot = build->snapshot;
    size_t size = lwi_array_size(list->count * 2, sizeof(uint32_t));
    uint32_t *ids = lwi_alloc(&snapshot->mem, size);
    rares->items = lwi_arena_array(&snapshot->arena, list->count, sizeof *rares->items);
    bool ready = ids && rares->items;
    for (uint32_t i = 0; ready && i < list->count; i++)
        ids[i] = i;
    if (ready)
        lwi_order_ids(ids, ids + list->count, (uint32_t)list->count, by_node, list->items);
    for (uint32_t i = 0; ready && i < list->count; i++)
        ready = take_rare(build, list->items[ids[i]], add, rares);
    lwi_free(&snapshot->mem, ids, size);
    return ready;
}

bool lwi_rare_close(lwi_build *build, lwi_rare_list *list, bool add, lwi_rares *rares)
{
    bool ready = list->count == 0 ||
                 (list->count < UINT32_MAX / 2 && sort_rares(build, list, add, rares));
    lwi_free(&build->snapshot->mem, list->items, lwi_array_size(list->room, sizeof *list->items));
    memset(list, 0, sizeof *list);
    return ready;
}

/* --- stated references, external bytes ----------------------------------------------------- */

static bool stray_detail(lwi_build *build, const lwi_job *job, lw_key key)
{
    return lwi_job_hides(job, key) || lwi_note(build, LWI_STRAY_DETAIL, key, LW_NODE_NONE,
                                               (uint32_t)(job - build->jobs));
}

static bool state_count(lwi_build *build, lwi_rare_list *many, lw_node node, lw_key key,
                        uint64_t count)
{
    uint8_t *byte = &build->snapshot->counts[node];
    if (count >= LWI_COUNT_RARE && (*byte == 0 || *byte == LWI_COUNT_RARE)) {
        *byte = LWI_COUNT_RARE;
        return lwi_rare_push(build, many, node, count);
    }
    if (*byte == 0)
        *byte = (uint8_t)count;
    if (*byte == count)
        return true;
    build->snapshot->info.conflicts++;
    return lwi_note(build, LWI_STRAY_REFERENCES, key, node, 0);
}

static bool take_references(lwi_build *build, lwi_job *job, lwi_rare_list *many)
{
    for (lwi_log_chunk *chunk = job->sink.references.first; chunk;
         chunk = lwi_log_drop(&job->sink.references)) {
        for (uint32_t at = 0; at < chunk->used; at += LWI_DETAIL_WORDS) {
            lw_key key = lwi_log_get64(chunk->words + at);
            uint64_t count = lwi_log_get64(chunk->words + at + 2);
            lw_node node = lwi_job_node(job, key);
            bool taken = node == LW_NODE_NONE ? stray_detail(build, job, key)
                                              : state_count(build, many, node, key, count);
            if (!taken)
                return false;
        }
    }
    return true;
}

static bool take_external(lwi_build *build, lwi_job *job, lwi_rare_list *external)
{
    for (lwi_log_chunk *chunk = job->sink.external.first; chunk;
         chunk = lwi_log_drop(&job->sink.external)) {
        for (uint32_t at = 0; at < chunk->used; at += LWI_DETAIL_WORDS) {
            lw_key key = lwi_log_get64(chunk->words + at);
            uint64_t bytes = lwi_log_get64(chunk->words + at + 2);
            lw_node node = lwi_job_node(job, key);
            bool taken = node == LW_NODE_NONE ? stray_detail(build, job, key)
                                              : lwi_rare_push(build, external, node, bytes);
            if (!taken)
                return false;
        }
    }
    return true;
}

bool lwi_build_details(lwi_build *build)
{
    lw_snapshot *snapshot = build->snapshot;
    lwi_rare_list many = {0}, external = {0};
    bool ready = true;
    for (uint32_t i = 0; ready && i < build->count; i++)
        ready = take_references(build, &build->jobs[i], &many) &&
                take_external(build, &build->jobs[i], &external);
    /* Both lists go back whatever happens. */
    bool closed = lwi_rare_close(build, &many, false, &snapshot->many);
    closed = lwi_rare_close(build, &external, true, &snapshot->external) && closed;
    for (uint32_t i = 0; i < snapshot->external.count; i++)
        snapshot->info.external = lwi_sum(snapshot->info.external, snapshot->external.items[i].value);
    return ready && closed;
}

/* --- roots --------------------------------------------------------------------------------- */

static int by_root(const void *user, uint32_t a, uint32_t b)
{
    const lwi_root *x = (const lwi_root *)user + a, *y = (const lwi_root *)user + b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

static bool take_roots(lwi_build *build, lwi_job *job, lwi_root *roots, uint32_t *count)
{
    for (lwi_log_chunk *chunk = job->sink.roots.first; chunk;
         chunk = lwi_log_drop(&job->sink.roots)) {
        for (uint32_t at = 0; at < chunk->used; at += LWI_ROOT_WORDS) {
            const uint32_t *item = chunk->words + at;
            lw_key key = lwi_log_get64(item);
            lw_node node = lwi_job_node(job, key);
            if (node != LW_NODE_NONE) {
                roots[(*count)++] =
                    (lwi_root){node, job->kind_map[item[2]], lwi_map_label(job, item[3])};
                continue;
            }
            if (lwi_job_hides(job, key))
                continue;
            build->snapshot->info.dangling++;
            if (!lwi_note(build, LWI_STRAY_ROOT, key, job->kind_map[item[2]], 0))
                return false;
        }
    }
    return true;
}

bool lwi_build_roots(lwi_build *build)
{
    lw_snapshot *snapshot = build->snapshot;
    uint64_t pushed = 0;
    for (uint32_t i = 0; i < build->count; i++)
        pushed += build->jobs[i].sink.root_count;
    if (pushed >= UINT32_MAX / 2)
        return false; /* no memory holds so many */
    uint32_t count = 0;
    size_t roots_size = lwi_array_size(pushed + 1, sizeof(lwi_root));
    size_t ids_size = lwi_array_size(pushed * 2 + 1, sizeof(uint32_t));
    lwi_root *roots = lwi_alloc(&snapshot->mem, roots_size);
    uint32_t *ids = lwi_alloc(&snapshot->mem, ids_size);
    bool ready = roots && ids;
    for (uint32_t i = 0; ready && i < build->count; i++)
        ready = take_roots(build, &build->jobs[i], roots, &count);
    snapshot->roots = lwi_arena_array(&snapshot->arena, count, sizeof *roots);
    ready = ready && snapshot->roots;
    for (uint32_t i = 0; ready && i < count; i++)
        ids[i] = i;
    if (ready)
        lwi_order_ids(ids, ids + count, count, by_root, roots);
    for (uint32_t i = 0; ready && i < count; i++)
        snapshot->roots[i] = roots[ids[i]];
    snapshot->info.roots = count;
    lwi_free(&snapshot->mem, roots, roots_size);
    lwi_free(&snapshot->mem, ids, ids_size);
    return ready;
}
