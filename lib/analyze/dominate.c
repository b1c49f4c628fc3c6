/* Semi-NCA (Georgiadis 2005) in the numbers of a depth-first preorder, with simple path
 * compression. Number 0 stands for all roots together.
 *
 * Memory comes and goes in steps, so that no more than 32 bytes per node live at once where there
 * are three edges per node: an array whose turn is over goes, or is used for what comes next. Time
 * is spent on waiting for memory: the depth-first walk counts the holders of a node where it looks
 * up its number, goes back to the rows that it has not finished only, and asks for them early. */
#include "analyze/dominate.h"

#include "snapshot/strength.h"

#include <string.h>

enum {
    AHEAD = 16,      /* items whose memory is asked for before their turn */
    NEAR = 8,        /* of a row: so many targets are asked for when it is begun */
    PACE = 1u << 20, /* nodes between two reports of progress */
};

/* A node of the depth-first tree. */
typedef struct lwi_link {
    uint32_t above; /* parent; later, shortened: any ancestor, with ... */
    uint32_t low;   /* ... the lowest semidominator on the way there. Before the node has its turn:
                       the end of its row of holders */
} lwi_link;

typedef struct lwi_place {
    uint32_t number; /* 0: not reached */
    uint32_t holders;
} lwi_place;

/* A row that the walk has left before its end. */
typedef struct lwi_pending {
    lw_node node;
    uint32_t number;
    uint32_t left; /* edges at its end */
} lwi_pending;

/* A node of the dominator tree, while ancestors are looked for. */
typedef struct lwi_jump {
    uint32_t to; /* an ancestor far up, so that every other one is logarithmically near */
    uint32_t depth;
} lwi_jump;

typedef struct lwi_work {
    const lwi_flow *flow;
    lwi_mem *mem;
    lwi_progress progress;
    uint32_t count; /* numbers given out, 0 included */
    uint32_t room;  /* for so many */
    lwi_place *places; /* by node */
    lwi_pending *pending;
    lw_node *vertex; /* by number, as all that follows */
    lwi_link *links;
    uint64_t *base; /* rows of holders: as in snapshot/rows.h, the ends are in `links` */
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

static void drop_pending(lwi_work *work)
{
    drop(work, work->pending, work->room, sizeof *work->pending);
    work->pending = NULL;
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

static void drop_places(lwi_work *work)
{
    drop(work, work->places, work->flow->nodes, sizeof *work->places);
    work->places = NULL;
}

static void drop_all(lwi_work *work)
{
    drop_pending(work);
    drop_links(work);
    drop_places(work);
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

/* Asks for what the walk needs when it comes back to rows that it has left. */
static inline void ask_for_pending(const lwi_work *work, uint64_t depth)
{
    const lwi_rows *rows = work->flow->rows;
    const lwi_pending *top = work->pending + depth;
    if (depth < NEAR)
        return;
    LWI_PREFETCH(&rows->end[top[-8].node]);
    LWI_PREFETCH(rows->items + lwi_row_end(rows, top[-4].node) - top[-4].left);
    lw_node to = rows->items[lwi_row_end(rows, top[-2].node) - top[-2].left];
    LWI_PREFETCH(&work->places[to]);
    LWI_PREFETCH(&rows->end[to]);
}

static inline void ask_for_row(const lwi_work *work, uint64_t edge, uint64_t end)
{
    const lwi_rows *rows = work->flow->rows;
    if (end - edge > NEAR)
        end = edge + NEAR;
    for (; edge < end; edge++) {
        LWI_PREFETCH(&work->places[rows->items[edge]]);
        LWI_PREFETCH(&rows->end[rows->items[edge]]);
    }
}

static inline uint32_t enter(lwi_work *work, lw_node node, uint32_t parent)
{
    uint32_t number = work->count++;
    work->places[node] = (lwi_place){number, 0};
    work->vertex[number] = node;
    work->links[number].above = parent;
    return number;
}

/* The first edge that leads to a node without a number; those before it have one more holder. */
static inline uint64_t next_edge(lwi_work *work, const lw_snapshot *kinds, uint64_t edge,
                                 uint64_t end, lw_node from)
{
    for (; edge < end; edge++) {
        lw_node to = work->flow->rows->items[edge];
        if (!retains(kinds, edge) || to == from)
            continue;
        lwi_place *place = &work->places[to];
        if (place->number == 0)
            break;
        place->holders += place->holders != UINT32_MAX;
    }
    return edge;
}

/* Numbers all that is reached from a node and has no number yet. */
static bool walk_from(lwi_work *work, const lw_snapshot *kinds, lw_node node, uint32_t *told)
{
    const lwi_rows *rows = work->flow->rows;
    uint32_t at = enter(work, node, 0);
    uint64_t edge = lwi_row_start(rows, node), end = lwi_row_end(rows, node), depth = 0;
    for (;;) {
        edge = next_edge(work, kinds, edge, end, node);
        if (edge < end) {
            if (edge + 1 < end)
                work->pending[depth++] = (lwi_pending){node, at, (uint32_t)(end - edge - 1)};
            node = rows->items[edge];
            at = enter(work, node, at);
            work->places[node].holders = 1;
            edge = lwi_row_start(rows, node);
            end = lwi_row_end(rows, node);
            ask_for_row(work, edge, end);
            continue;
        }
        if (work->count - *told >= PACE && !tell(work, "reach", *told = work->count))
            return false;
        if (depth == 0)
            return true;
        ask_for_pending(work, depth);
        const lwi_pending *next = &work->pending[--depth];
        node = next->node;
        at = next->number;
        end = lwi_row_end(rows, node);
        edge = end - next->left;
    }
}

static lw_status walk(lwi_work *work)
{
    const lwi_flow *flow = work->flow;
    const lw_snapshot *kinds = kinds_of(flow);
    uint32_t told = 0;
    work->vertex[0] = flow->nodes;
    work->links[0].above = 0;
    work->count = 1;
    for (uint64_t i = 0; i < flow->start_count; i++) {
        if (work->places[flow->starts[i]].number == 0 &&
            !walk_from(work, kinds, flow->starts[i], &told))
            return LW_E_CANCELLED;
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
    work->base[0] = 0;
    work->links[0].low = 0;
    for (uint32_t i = 1; i < work->count; i++) {
        if (work->count - i > AHEAD)
            LWI_PREFETCH(&work->places[work->vertex[i + AHEAD]]);
        uint32_t width = work->places[work->vertex[i]].holders;
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
        uint32_t from = work->places[node].number;
        uint64_t end = lwi_row_end(rows, node);
        for (uint64_t edge = from ? lwi_row_start(rows, node) : end; edge < end; edge++) {
            if (edge + 3 * AHEAD < flow->edges) {
                LWI_PREFETCH(&work->places[rows->items[edge + 3 * AHEAD]]);
                LWI_PREFETCH(&work->links[work->places[rows->items[edge + 2 * AHEAD]].number]);
                uint32_t next = work->places[rows->items[edge + AHEAD]].number;
                LWI_PREFETCH(work->holders + row_end(work, next));
            }
            if (!retains(kinds, edge) || rows->items[edge] == node)
                continue;
            uint32_t to = work->places[rows->items[edge]].number;
            work->holders[work->base[to / LWI_ROWS] + work->links[to].low++] = from;
        }
    }
}

/* What a root holds is dominated by nothing else: its place in the walk does not matter. */
static void lift_starts(lwi_work *work)
{
    const lwi_flow *flow = work->flow;
    for (uint64_t i = 0; i < flow->start_count; i++)
        work->links[work->places[flow->starts[i]].number].above = 0;
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
    work->places = lwi_alloc(work->mem, lwi_array_size(work->flow->nodes, sizeof *work->places));
    work->vertex = array(work, room, sizeof *work->vertex);
    work->links = array(work, room, sizeof *work->links);
    work->pending = array(work, room, sizeof *work->pending);
    if ((!work->places && work->flow->nodes) || !work->vertex || !work->links || !work->pending)
        return LW_E_NOMEM;
    lw_status status = tell(work, "reach", 0) ? walk(work) : LW_E_CANCELLED;
    drop_pending(work);
    if (status != LW_OK)
        return status;
    work->base = array(work, room / LWI_ROWS + 1, sizeof *work->base);
    status = work->base ? open_rows(work) : LW_E_NOMEM;
    if (status != LW_OK)
        return status;
    fill_rows(work);
    lift_starts(work);
    drop_places(work);
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
