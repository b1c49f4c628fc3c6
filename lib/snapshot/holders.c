#include "snapshot/holders.h"

#include "snapshot/strength.h"

enum {
    AHEAD = 16 /* edges whose targets' memory is asked for before their turn */
};

typedef struct build {
    const lw_snapshot *snapshot;
    lwi_holders *holders;
    lwi_without_fn without;
    const void *user;
    bool plain; /* every edge is strong, and none is left out */
} build;

static bool leads(const build *build, lw_node from, uint64_t edge)
{
    if (build->snapshot->rows.items[edge] == from)
        return false;
    return build->plain || (lwi_edge_retains(lwi_kind_at(build->snapshot, edge)) &&
                            !(build->without && build->without(build->user, edge)));
}

static void count(const build *build)
{
    const lw_snapshot *snapshot = build->snapshot;
    const uint32_t *items = snapshot->rows.items;
    uint32_t *width = build->holders->rows.end;
    uint64_t edges = snapshot->info.edges;
    for (lw_node from = 0; from < snapshot->info.nodes; from++) {
        uint64_t edge = lwi_row_start(&snapshot->rows, from);
        uint64_t end = lwi_is_garbage(snapshot, from) ? edge : lwi_row_end(&snapshot->rows, from);
        for (; edge < end; edge++) {
            if (edge + AHEAD < edges)
                LWI_PREFETCH(&width[items[edge + AHEAD]]);
            if (leads(build, from, edge))
                width[items[edge]]++;
        }
    }
}

static void put(const build *build, lw_node from, uint64_t edge)
{
    lwi_holders *holders = build->holders;
    uint64_t at = lwi_row_put(&holders->rows, build->snapshot->rows.items[edge]);
    holders->rows.items[at] = from;
    if (holders->strengths)
        holders->strengths[at / 4] |=
            (uint8_t)(lwi_edge_strength(lwi_kind_at(build->snapshot, edge)) << (at % 4 * 2));
}

static void fill(const build *build)
{
    const lw_snapshot *snapshot = build->snapshot;
    const uint32_t *items = snapshot->rows.items;
    lwi_rows *rows = &build->holders->rows;
    uint64_t edges = snapshot->info.edges;
    for (lw_node from = 0; from < snapshot->info.nodes; from++) {
        uint64_t edge = lwi_row_start(&snapshot->rows, from);
        uint64_t end = lwi_is_garbage(snapshot, from) ? edge : lwi_row_end(&snapshot->rows, from);
        for (; edge < end; edge++) {
            if (edge + 2 * AHEAD < edges) {
                LWI_PREFETCH(&rows->end[items[edge + 2 * AHEAD]]);
                LWI_PREFETCH(rows->items + lwi_row_end(rows, items[edge + AHEAD]));
            }
            if (leads(build, from, edge))
                put(build, from, edge);
        }
    }
}

void lwi_holders_free(lwi_holders *holders, lwi_mem *mem)
{
    lwi_rows *rows = &holders->rows;
    lwi_free(mem, rows->base, lwi_array_size(holders->nodes / LWI_ROWS + 1, sizeof *rows->base));
    lwi_free(mem, rows->end, lwi_array_size(holders->nodes, sizeof *rows->end));
    lwi_free(mem, rows->items, lwi_array_size(holders->count, sizeof *rows->items));
    lwi_free(mem, holders->strengths, (size_t)(holders->count / 4 + 1));
    *holders = (lwi_holders){.count = 0};
}

/* The rows, empty, each at its place. */
static bool make_rows(const build *build, lwi_mem *mem)
{
    lwi_holders *holders = build->holders;
    lwi_rows *rows = &holders->rows;
    uint32_t odd = 1u << LW_EDGE_EPHEMERON | 1u << LW_EDGE_UNKNOWN;
    uint64_t edges;
    rows->base = lwi_alloc(mem, lwi_array_size(holders->nodes / LWI_ROWS + 1, sizeof *rows->base));
    rows->end = lwi_alloc(mem, lwi_array_size(holders->nodes, sizeof *rows->end));
    if (!rows->base || (!rows->end && holders->nodes))
        return false;
    count(build);
    if (!lwi_rows_open(rows, holders->nodes, &edges))
        return false; /* no memory holds so many */
    if (edges) {
        rows->items = lwi_resize(mem, NULL, 0, lwi_array_size(edges, sizeof *rows->items));
        if (!rows->items)
            return false;
    }
    holders->count = edges;
    if (build->snapshot->edge_kinds & odd)
        holders->strengths = lwi_alloc(mem, (size_t)(edges / 4 + 1));
    return holders->strengths || !(build->snapshot->edge_kinds & odd);
}

bool lwi_holders_build(lwi_holders *holders, const lw_snapshot *snapshot, lwi_mem *mem,
                       lwi_without_fn without, const void *user)
{
    build build = {snapshot, holders, without, user, !snapshot->kinds && !without};
    *holders = (lwi_holders){.nodes = snapshot->info.nodes};
    if (!make_rows(&build, mem)) {
        lwi_holders_free(holders, mem);
        return false;
    }
    fill(&build);
    return true;
}

const lwi_holders *lwi_holders_of(lw_snapshot *snapshot)
{
    lwi_holders *kept = atomic_load_explicit(&snapshot->holders, memory_order_acquire);
    if (kept)
        return kept;
    lwi_holders *made = lwi_alloc(&snapshot->mem, sizeof *made);
    if (!made)
        return NULL;
    if (!lwi_holders_build(made, snapshot, &snapshot->mem, NULL, NULL)) {
        lwi_free(&snapshot->mem, made, sizeof *made);
        return NULL;
    }
    if (atomic_compare_exchange_strong_explicit(&snapshot->holders, &kept, made,
                                                memory_order_acq_rel, memory_order_acquire))
        return made;
    lwi_holders_free(made, &snapshot->mem); /* another thread was faster */
    lwi_free(&snapshot->mem, made, sizeof *made);
    return kept;
}

void lwi_holders_drop(lw_snapshot *snapshot)
{
    lwi_holders *kept = atomic_load_explicit(&snapshot->holders, memory_order_acquire);
    if (!kept)
        return;
    lwi_holders_free(kept, &snapshot->mem);
    lwi_free(&snapshot->mem, kept, sizeof *kept);
}
