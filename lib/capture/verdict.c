/* What the whole graph says of each node: held from outside, or garbage; and the totals. */
#include "base/bits.h"
#include "base/sum.h"
#include "capture/build.h"
#include "snapshot/reach.h"

/* References that a runtime counts and that neither an edge nor a root explains. */
static bool find_outside(lwi_build *build, uint32_t *pushed)
{
    lw_snapshot *snapshot = build->snapshot;
    lwi_rare_list list = {0};
    bool ready = true;
    lwi_count_edges(snapshot, pushed);
    lwi_count_roots(snapshot, pushed);
    for (lw_node node = 0; ready && node < snapshot->info.nodes; node++) {
        uint64_t stated = lwi_stated(snapshot, node);
        if (stated > pushed[node])
            ready = lwi_rare_push(build, &list, node, stated - pushed[node]);
    }
    bool closed = lwi_rare_close(build, &list, false, &snapshot->outside);
    snapshot->info.outside = snapshot->outside.count;
    return ready && closed;
}

/* Marks what is held, then turns the marks round. */
static void find_garbage(lw_snapshot *snapshot, lw_node *queue)
{
    uint64_t *bits = snapshot->garbage;
    for (uint32_t i = 0; i < snapshot->info.roots; i++)
        lwi_bits_set(bits, snapshot->roots[i].node);
    for (uint32_t i = 0; i < snapshot->outside.count; i++)
        lwi_bits_set(bits, snapshot->outside.items[i].node);
    lwi_reach(snapshot, bits, queue);
    for (uint64_t i = 0; i < lwi_bits_words(snapshot->info.nodes); i++)
        bits[i] = ~bits[i];
}

static void add_up(lw_snapshot *snapshot)
{
    lw_snapshot_info *info = &snapshot->info;
    for (lw_node node = 0; node < info->nodes; node++) {
        const lwi_shape *shape = lwi_shape_at(snapshot, node);
        lwi_type *type = &snapshot->types[shape->type];
        info->size = lwi_sum(info->size, shape->size);
        if (lwi_is_garbage(snapshot, node)) {
            info->garbage++;
            info->garbage_size = lwi_sum(info->garbage_size, shape->size);
            type->garbage++;
        } else {
            type->count++;
            type->size = lwi_sum(type->size, shape->size);
        }
    }
}

bool lwi_build_verdicts(lwi_build *build)
{
    lw_snapshot *snapshot = build->snapshot;
    uint64_t nodes = snapshot->info.nodes;
    size_t size = lwi_array_size(nodes + 1, sizeof(uint32_t));
    uint32_t *scratch = lwi_alloc(&snapshot->mem, size); /* counts first, then the queue */
    snapshot->garbage = lwi_arena_zeros(&snapshot->arena, lwi_bits_words(nodes), sizeof(uint64_t));
    bool ready = scratch && snapshot->garbage;
    if (ready && snapshot->counts)
        ready = find_outside(build, scratch);
    if (ready) {
        find_garbage(snapshot, scratch);
        add_up(snapshot);
    }
    lwi_free(&snapshot->mem, scratch, size);
    return ready;
}
