#include "snapshot/reach.h"

#include "snapshot/strength.h"

enum {
    AHEAD = 16 /* nodes of the queue whose rows are asked for before their turn */
};

void lwi_reach(const lw_snapshot *snapshot, uint64_t *held, lw_node *queue)
{
    const lwi_rows *rows = &snapshot->rows;
    uint32_t head = 0, tail = 0;
    for (lw_node node = 0; node < snapshot->info.nodes; node++) {
        if (lwi_bits_get(held, node))
            queue[tail++] = node;
    }
    while (head < tail) {
        lw_node node = queue[head++];
        if (head + AHEAD < tail)
            LWI_PREFETCH(&rows->end[queue[head + AHEAD]]);
        if (head + AHEAD / 2 < tail)
            LWI_PREFETCH(rows->items + lwi_row_start(rows, queue[head + AHEAD / 2]));
        uint64_t end = lwi_row_end(rows, node);
        for (uint64_t edge = lwi_row_start(rows, node); edge < end; edge++) {
            lw_node to = rows->items[edge];
            if (lwi_bits_get(held, to) || !lwi_edge_retains(lwi_kind_at(snapshot, edge)))
                continue;
            lwi_bits_set(held, to);
            queue[tail++] = to;
        }
    }
}

static void count_one(uint32_t *count)
{
    *count += *count != UINT32_MAX; /* stays at the most it can hold */
}

void lwi_count_edges(const lw_snapshot *snapshot, uint32_t *counts)
{
    for (uint64_t edge = 0; edge < snapshot->info.edges; edge++) {
        if (lwi_edge_counts(lwi_kind_at(snapshot, edge)))
            count_one(&counts[snapshot->rows.items[edge]]);
    }
}

void lwi_count_roots(const lw_snapshot *snapshot, uint32_t *counts)
{
    for (uint32_t i = 0; i < snapshot->info.roots; i++) {
        const lwi_root *root = &snapshot->roots[i];
        if (lwi_root_counts(snapshot->root_kinds[root->kind].flags))
            count_one(&counts[root->node]);
    }
}

uint64_t lwi_stated(const lw_snapshot *snapshot, lw_node node)
{
    uint64_t count = snapshot->counts ? snapshot->counts[node] : 0;
    return count == LWI_COUNT_RARE ? lwi_rare_get(&snapshot->many, node) : count;
}
