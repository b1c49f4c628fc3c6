/* Semi-NCA (Georgiadis 2005) in the numbers of a depth-first preorder, with simple path
 * compression. Number 0 stands for all roots together.
 *
 * Memory comes and goes in steps, so that no more than 36 bytes per node live at once where there
 * are three edges per node: the depth-first walk counts the holders of each node on its way, only
 * edges that are not of its tree go into rows of holders, and an array whose turn is over is used
 * for what comes next. */
#include "analyze/dominate.h"

#include "snapshot/strength.h"

#include <string.h>

enum {
    AHEAD = 16,      /* items whose memory is asked for before their turn */
    NEAR = 8,        /* of a row's targets: so many are asked for when the row is begun */
    PACE = 1u << 20, /* nodes between two reports of progress */
};

/* A node of the depth-first tree. */
typedef struct lwi_link {
    uint32_t above; /* parent; later, shortened: any ancestor, with ... */
    uint32_t low;   /* ... the lowest semidominator on the way there. Before the node has its turn:
                       the end of its row of holders */
} lwi_link;

/* A node of the dominator tree, while ancestors are looked for. */
typedef struct lwi_jump {
    uint32_t to; /* an ancestor far up, so that every other one is logarithmically near */
    uint32_t depth;
} lwi_jump;

typedef struct lwi_work {
    const lwi_flow *flow;
    lwi_mem *mem;
    lwi_progress progress;
    uint32_t count;   /* numbers given out, 0 included */
    uint32_t room;    /* for so many */
    uint32_t *number; /* by node; 0: not reached */
    lw_node *vertex;  /* by number, as all that follows */
    lwi_link *links;
    uint32_t *cursor; /* edges of its row that the walk has taken */
    uint64_t *base;   /* rows of holders: as in snapshot/rows.h, the ends are in `links` */
    uint32_t *holders;
    uint64_t holder_count;
    uint32_t *semi;
    uint32_t *idom;
    lwi_jump *jumps;
} lwi_work;

static bool tell(const lwi_work *work, const char *phase, uint64_t done)
{
    const lwi_progress *progress = &work->progress;
    return !progress->tell || progress->tell(phase, done, work->room, progress->user) == 0;
}

/* --- memory -------------------------------------------------------------------------------- */

/* Not zeroed. */
static void *array(lwi_work *work, uint64_t count, size_t size)
{
    return lwi_resize(work->mem, NULL, 0, lwi_array_size(count, size));
}

static void drop(lwi_work *work, void *items, uint64_t count, size_t size)
{
    lwi_free(work->mem, items, lwi_array_size(count, size));
}

static void drop_numbers(lwi_work *work)
{
    drop(work, work->number, work->flow->nodes, sizeof *work->number);
    work->number = NULL;
}

static void drop_cursor(lwi_work *work)
{
    drop(work, work->cursor, work->room, sizeof *work->cursor);
    work->cursor = NULL;
}

static void drop_links(lwi_work *work)
{
    drop(work, work->links, work->room, sizeof *work->links);
    drop(work, work->base, work->room / LWI_ROWS + 1, sizeof *work->base);
    drop(work, work->holders, work->holder_count, sizeof *work->holders);
    work->links = NULL;
    work->base = NULL;
    work->holders = NULL;
}

static void drop_all(lwi_work *work)
{
    drop_numbers(work);
    drop_cursor(work);
    drop_links(work);
    drop(work, work->vertex, work->room, sizeof *work->vertex);
    drop(work, work->semi, work->room, sizeof *work->semi);
    drop(work, work->idom, work->room, sizeof *work->idom);
    drop(work, work->jumps, work->room, sizeof *work->jumps);
    work->vertex = work->semi = work->idom = NULL;
    work->jumps = NULL;
}

/* --- the depth-first walk ------------------------------------------------------------------ */

static inline bool retains(const lw_snapshot *kinds, uint64_t edge)
{
    return !kinds || lwi_edge_retains(lwi_kind_at(kinds, edge));
}

/* The snapshot whose kinds of edges must be looked at; NULL if all that there are retain. */
static const lw_snapshot *kinds_of(const lwi_flow *flow)
{
    for (int32_t kind = 0; flow->snapshot && flow->snapshot->kinds && kind < 16; kind++) {
        if (flow->snapshot->edge_kinds >> kind & 1 && !lwi_edge_retains(kind))
            return flow->snapshot;
    }
    return NULL;
}

static uint32_t enter(lwi_work *work, lw_node node, uint32_t parent)
{
    const lwi_rows *rows = work->flow->rows;
    uint32_t number = work->count++;
    uint64_t edge = lwi_row_start(rows, node), end = lwi_row_end(rows, node);
    work->number[node] = number;
    work->vertex[number] = node;
    work->links[number] = (lwi_link){parent, 0};
    work->cursor[number] = 0;
    if (end - edge > NEAR)
        end = edge + NEAR;
    for (; edge < end; edge++) {
        LWI_PREFETCH(&work->number[rows->items[edge]]);
        LWI_PREFETCH(&rows->end[rows->items[edge]]);
    }
    return number;
}

/* Over an edge that leads to a node already numbered, and is none of the tree's. */
static inline void count_holder(lwi_work *work, uint32_t number, uint32_t holder)
{
    lwi_link *link = &work->links[number];
    if (number != holder && link->above != holder)
        link->low += link->low != UINT32_MAX;
}

/* Goes on from the node `at`: the number of the next one, its parent's when it has no more. */
static uint32_t step(lwi_work *work, const lw_snapshot *kinds, uint32_t at)
{
    const lwi_rows *rows = work->flow->rows;
    lw_node node = work->vertex[at];
    uint64_t start = lwi_row_start(rows, node), end = lwi_row_end(rows, node);
    for (uint64_t edge = start + work->cursor[at]; edge < end; edge++) {
        lw_node to = rows->items[edge];
        if (!retains(kinds, edge))
            continue;
        uint32_t number = work->number[to];
        if (number == 0) {
            work->cursor[at] = (uint32_t)(edge + 1 - start);
            return enter(work, to, at);
        }
        count_holder(work, number, at);
    }
    return work->links[at].above;
}

static lw_status walk(lwi_work *work)
{
    const lwi_flow *flow = work->flow;
    const lw_snapshot *kinds = kinds_of(flow);
    uint32_t told = 0;
    work->vertex[0] = flow->nodes;
    work->links[0] = (lwi_link){0, 0};
    work->count = 1;
    for (uint64_t i = 0; i < flow->start_count; i++) {
        if (work->number[flow->starts[i]])
            continue;
        for (uint32_t at = enter(work, flow->starts[i], 0); at; at = step(work, kinds, at)) {
            if (work->count - told >= PACE && !tell(work, "reach", told = work->count))
                return LW_E_CANCELLED;
        }
    }
    return LW_OK;
}

/* --- rows of holders ----------------------------------------------------------------------- */

static inline uint64_t row_end(const lwi_work *work, uint32_t number)
{
    return work->base[number / LWI_ROWS] + work->links[number].low;
}

static inline uint64_t row_start(const lwi_work *work, uint32_t number)
{
    return number % LWI_ROWS ? row_end(work, number - 1) : work->base[number / LWI_ROWS];
}

/* Makes each row empty, at its place. */
static lw_status open_rows(lwi_work *work)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        uint32_t width = work->links[i].low;
        if (i % LWI_ROWS == 0)
            work->base[i / LWI_ROWS] = sum;
        uint64_t start = sum - work->base[i / LWI_ROWS];
        if (start >= UINT32_MAX - width)
            return LW_E_LIMIT;
        work->links[i].low = (uint32_t)start;
        sum += width;
    }
    work->holders = array(work, sum, sizeof *work->holders);
    if (!work->holders && sum)
        return LW_E_NOMEM;
    work->holder_count = sum;
    return LW_OK;
}

/* In the order of the nodes, which is that of their rows. */
static void fill_rows(lwi_work *work)
{
    const lwi_flow *flow = work->flow;
    const lwi_rows *rows = flow->rows;
    const lw_snapshot *kinds = kinds_of(flow);
    for (lw_node node = 0; node < flow->nodes; node++) {
        uint32_t from = work->number[node];
        uint64_t end = lwi_row_end(rows, node);
        for (uint64_t edge = from ? lwi_row_start(rows, node) : end; edge < end; edge++) {
            if (edge + 3 * AHEAD < flow->edges) {
                LWI_PREFETCH(&work->number[rows->items[edge + 3 * AHEAD]]);
                LWI_PREFETCH(&work->links[work->number[rows->items[edge + 2 * AHEAD]]]);
                uint32_t next = work->number[rows->items[edge + AHEAD]];
                LWI_PREFETCH(work->holders + row_end(work, next));
            }
            if (!retains(kinds, edge))
                continue;
            uint32_t to = work->number[rows->items[edge]];
            lwi_link *link = &work->links[to];
            if (to != from && link->above != from)
                work->holders[work->base[to / LWI_ROWS] + link->low++] = from;
        }
    }
}

/* What a root holds is dominated by nothing else: its place in the walk does not matter. */
static void lift_starts(lwi_work *work)
{
    const lwi_flow *flow = work->flow;
    for (uint64_t i = 0; i < flow->start_count; i++)
        work->links[work->number[flow->starts[i]]].above = 0;
}

/* --- semidominators ------------------------------------------------------------------------ */

/* The lowest semidominator from `at` up to, but without, the first node of a number <= `limit`.
 * All on the way are shortened: up with the pointers turned round, then down again. */
static uint32_t lowest(lwi_link *links, uint32_t at, uint32_t limit)
{
    uint32_t below = 0, next;
    for (; (next = links[at].above) > limit; at = next) {
        links[at].above = below;
        below = at;
    }
    uint32_t low = links[at].low;
    uint32_t top = next;
    for (; below; below = next) {
        lwi_link *link = &links[below];
        next = link->above;
        link->above = top;
        if (low < link->low)
            link->low = low;
        else
            low = link->low;
    }
    return low;
}

static lw_status find_semidominators(lwi_work *work)
{
    lwi_link *links = work->links;
    for (uint32_t at = work->count - 1; at > 0; at--) {
        uint32_t semi = links[at].above;
        uint64_t start = row_start(work, at), i = row_end(work, at);
        work->idom[at] = semi;
        while (i > start && semi > 0) {
            uint32_t holder = work->holders[--i];
            if (i >= 2 * AHEAD) {
                LWI_PREFETCH(&links[work->holders[i - 2 * AHEAD]]);
                LWI_PREFETCH(&links[links[work->holders[i - AHEAD]].above]);
            }
            uint32_t low = holder < at ? holder : lowest(links, holder, at);
            if (low < semi)
                semi = low;
        }
        work->semi[at] = semi;
        links[at].low = semi;
        if (at % PACE == 0 && !tell(work, "dominators", work->count - at))
            return LW_E_CANCELLED;
    }
    return LW_OK;
}

/* --- dominators ---------------------------------------------------------------------------- */

/* The dominator is the nearest ancestor, in the tree made so far, whose number is not above the
 * semidominator's. Jumps as in Myers' random-access lists: a list of a million with a million
 * leaves at its end is no trap. */
static void find_dominators(lwi_work *work)
{
    lwi_jump *jumps = work->jumps;
    uint32_t *idom = work->idom;
    jumps[0] = (lwi_jump){0, 0};
    for (uint32_t at = 1; at < work->count; at++) {
        uint32_t up = idom[at], semi = work->semi[at];
        while (up > semi)
            up = jumps[up].to > semi ? jumps[up].to : idom[up];
        idom[at] = up;
        lwi_jump near = jumps[up], far = jumps[near.to];
        bool even = near.depth - far.depth == far.depth - jumps[far.to].depth;
        jumps[at] = (lwi_jump){even ? far.to : up, near.depth + 1};
    }
}

/* Leaves in `jumps[].to` each node's rank plus the nodes it dominates. */
static void count_dominated(lwi_work *work, uint32_t *count)
{
    lwi_jump *jumps = work->jumps;
    const uint32_t *idom = work->idom;
    for (uint32_t at = 0; at < work->count; at++)
        count[at] = 1;
    for (uint32_t at = work->count - 1; at > 0; at--)
        count[idom[at]] += count[at];
    jumps[0].to = 1;
    for (uint32_t at = 1; at < work->count; at++) {
        uint32_t *next = &jumps[idom[at]].to;
        jumps[at].to = *next + 1;
        *next += count[at];
    }
}

/* --- the tree ------------------------------------------------------------------------------ */

static inline uint32_t rank_of(const lwi_work *work, const uint32_t *count, uint32_t at)
{
    return work->jumps[at].to - count[at];
}

/* Puts everything in the order of the ranks, one array after the other. */
static bool rank_all(lwi_work *work, lwi_domtree *tree)
{
    uint32_t *count = work->semi; /* its turn is over */
    count_dominated(work, count);
    tree->node = array(work, work->count, sizeof *tree->node);
    tree->above = array(work, work->count, sizeof *tree->above);
    if (!tree->node || !tree->above)
        return false;
    for (uint32_t at = 0; at < work->count; at++) {
        uint32_t rank = rank_of(work, count, at);
        tree->node[rank] = work->vertex[at];
        tree->above[rank] = rank_of(work, count, work->idom[at]);
    }
    drop(work, work->vertex, work->room, sizeof *work->vertex);
    drop(work, work->idom, work->room, sizeof *work->idom);
    work->vertex = NULL;
    work->idom = NULL;
    tree->count = array(work, work->count, sizeof *tree->count);
    tree->depth = array(work, work->count, sizeof *tree->depth);
    if (!tree->count || !tree->depth)
        return false;
    for (uint32_t at = 0; at < work->count; at++) {
        uint32_t rank = rank_of(work, count, at);
        tree->count[rank] = count[at];
        tree->depth[rank] = work->jumps[at].depth;
    }
    return true;
}

static bool make_tree(lwi_work *work, lwi_domtree *tree)
{
    tree->reached = work->count - 1;
    if (!rank_all(work, tree))
        return false;
    drop_all(work);
    uint32_t nodes = tree->nodes;
    tree->rank = lwi_alloc(work->mem, lwi_array_size(nodes, sizeof *tree->rank));
    tree->bytes = lwi_alloc(work->mem, lwi_array_size(work->count, sizeof *tree->bytes));
    if ((!tree->rank && nodes) || !tree->bytes)
        return false;
    for (uint32_t rank = 1; rank < work->count; rank++)
        tree->rank[tree->node[rank]] = rank;
    return true;
}

void lwi_domtree_free(lwi_domtree *tree, lwi_mem *mem)
{
    uint64_t ranks = (uint64_t)tree->reached + 1;
    lwi_free(mem, tree->rank, lwi_array_size(tree->nodes, sizeof *tree->rank));
    lwi_free(mem, tree->node, lwi_array_size(ranks, sizeof *tree->node));
    lwi_free(mem, tree->above, lwi_array_size(ranks, sizeof *tree->above));
    lwi_free(mem, tree->count, lwi_array_size(ranks, sizeof *tree->count));
    lwi_free(mem, tree->depth, lwi_array_size(ranks, sizeof *tree->depth));
    lwi_free(mem, tree->bytes, lwi_array_size(ranks, sizeof *tree->bytes));
    *tree = (lwi_domtree){0};
}

static lw_status find_links(lwi_work *work)
{
    uint64_t room = work->room;
    work->number = lwi_alloc(work->mem, lwi_array_size(work->flow->nodes, sizeof *work->number));
    work->vertex = array(work, room, sizeof *work->vertex);
    work->links = array(work, room, sizeof *work->links);
    work->cursor = array(work, room, sizeof *work->cursor);
    if ((!work->number && work->flow->nodes) || !work->vertex || !work->links || !work->cursor)
        return LW_E_NOMEM;
    lw_status status = tell(work, "reach", 0) ? walk(work) : LW_E_CANCELLED;
    drop_cursor(work);
    if (status != LW_OK)
        return status;
    work->base = array(work, room / LWI_ROWS + 1, sizeof *work->base);
    status = work->base ? open_rows(work) : LW_E_NOMEM;
    if (status != LW_OK)
        return status;
    fill_rows(work);
    lift_starts(work);
    drop_numbers(work);
    return tell(work, "dominators", 0) ? LW_OK : LW_E_CANCELLED;
}

static lw_status dominate(lwi_work *work, lwi_domtree *tree)
{
    lw_status status = find_links(work);
    if (status != LW_OK)
        return status;
    work->semi = array(work, work->room, sizeof *work->semi);
    work->idom = array(work, work->room, sizeof *work->idom);
    if (!work->semi || !work->idom)
        return LW_E_NOMEM;
    work->semi[0] = work->idom[0] = 0;
    status = find_semidominators(work);
    drop_links(work);
    if (status != LW_OK)
        return status;
    work->jumps = array(work, work->room, sizeof *work->jumps);
    if (!work->jumps)
        return LW_E_NOMEM;
    find_dominators(work);
    if (!tell(work, "retained", 0))
        return LW_E_CANCELLED;
    return make_tree(work, tree) ? LW_OK : LW_E_NOMEM;
}

lw_status lwi_domtree_of_flow(lwi_domtree *tree, const lwi_flow *flow, lwi_mem *mem,
                              lwi_progress progress)
{
    lwi_work work = {.flow = flow, .mem = mem, .progress = progress, .room = flow->reached + 1};
    *tree = (lwi_domtree){.nodes = flow->nodes};
    lw_status status = dominate(&work, tree);
    drop_all(&work);
    if (status != LW_OK)
        lwi_domtree_free(tree, mem);
    return status;
}

/* --- bytes --------------------------------------------------------------------------------- */

void lwi_domtree_sum(lwi_domtree *tree)
{
    for (uint32_t rank = tree->reached; rank > 0; rank--)
        tree->bytes[tree->above[rank]] += tree->bytes[rank];
}

uint64_t lwi_own_bytes(const lw_snapshot *snapshot, lw_node node)
{
    return lwi_shape_at(snapshot, node)->size + lwi_rare_get(&snapshot->external, node);
}

static void weigh(lwi_domtree *tree, const lw_snapshot *snapshot)
{
    for (uint32_t rank = 1; rank <= tree->reached; rank++) {
        if (tree->reached - rank > AHEAD)
            LWI_PREFETCH(&snapshot->shape_of[tree->node[rank + AHEAD]]);
        tree->bytes[rank] = lwi_shape_at(snapshot, tree->node[rank])->size;
    }
    for (uint32_t i = 0; i < snapshot->external.count; i++) {
        const lwi_rare *rare = &snapshot->external.items[i];
        if (tree->rank[rare->node])
            tree->bytes[tree->rank[rare->node]] += rare->value;
    }
    lwi_domtree_sum(tree);
}

lw_status lwi_domtree_build(lwi_domtree *tree, const lw_snapshot *snapshot, lwi_mem *mem,
                            lw_progress_fn progress, void *user)
{
    const lw_snapshot_info *info = &snapshot->info;
    uint64_t count = (uint64_t)info->roots + snapshot->outside.count;
    uint32_t *starts = lwi_resize(mem, NULL, 0, lwi_array_size(count, sizeof *starts));
    *tree = (lwi_domtree){0};
    if (!starts && count)
        return LW_E_NOMEM;
    for (uint32_t i = 0; i < info->roots; i++)
        starts[i] = snapshot->roots[i].node;
    for (uint32_t i = 0; i < snapshot->outside.count; i++)
        starts[info->roots + i] = snapshot->outside.items[i].node;
    lwi_flow flow = {.rows = &snapshot->rows, .snapshot = snapshot, .nodes = info->nodes,
                     .edges = info->edges, .starts = starts, .start_count = count,
                     .reached = info->nodes - info->garbage};
    lw_status status = lwi_domtree_of_flow(tree, &flow, mem, (lwi_progress){progress, user});
    lwi_free(mem, starts, lwi_array_size(count, sizeof *starts));
    if (status == LW_OK)
        weigh(tree, snapshot);
    return status;
}
