/* Random heaps: dominators, retained sizes and cycles, against plain answers: what is reached when
 * a node is taken out, and what is left of a cycle when an edge is.
 *
 * usage: retain [heaps] [first seed] */
#include "graph_model.h"

static unsigned long failures;
static uint64_t current;

static void expect(long long got, long long want, const char *what, int index)
{
    if (got == want)
        return;
    if (failures++ < 20)
        fprintf(stderr, "heap %llu: %s of %d: %lld, should be %lld\n",
                (unsigned long long)current, what, index, got, want);
}

static int retains(const struct edge *edge)
{
    return edge_strengths[edge->kind] >= 0;
}

static uint64_t bytes_of(const struct model *model, int node)
{
    return model->nodes[node].size + model->nodes[node].external;
}

/* Spreads marks over retaining edges, but not onto nodes that are out. */
static void spread(const struct model *model, const int *out, int *marks)
{
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < model->edge_count; i++) {
            const struct edge *edge = &model->edges[i];
            if (retains(edge) && marks[edge->from] && !marks[edge->to] && !out[edge->to])
                marks[edge->to] = changed = 1;
        }
    }
}

/* What is held without the nodes that are out. */
static void held_without(const struct model *model, const int *out, int *held)
{
    for (int i = 0; i < model->node_count; i++)
        held[i] = !out[i] && is_outside(model, i);
    for (int i = 0; i < model->root_count; i++)
        held[model->roots[i].node] |= !out[model->roots[i].node];
    spread(model, out, held);
}

/* ---- dominators ---- */

struct plain {
    const struct model *model;
    int held[NODES];
    int dominates[NODES][NODES];
    int depth[NODES], above[NODES], count[NODES];
    uint64_t bytes[NODES];
};

static void find_plain(const struct model *model, struct plain *plain)
{
    int count = model->node_count;
    memset(plain, 0, sizeof *plain);
    plain->model = model;
    find_held(model, plain->held);
    for (int a = 0; a < count; a++) {
        int out[NODES] = {0}, left[NODES];
        out[a] = 1;
        held_without(model, out, left);
        for (int b = 0; b < count; b++) {
            plain->dominates[a][b] = plain->held[b] && !left[b];
            plain->depth[b] += plain->dominates[a][b];
            plain->count[a] += plain->dominates[a][b];
            plain->bytes[a] += plain->dominates[a][b] ? bytes_of(model, b) : 0;
        }
    }
    for (int b = 0; b < count; b++) {
        plain->above[b] = -1;
        for (int a = 0; a < count; a++) {
            if (a != b && plain->dominates[a][b] && plain->depth[a] == plain->depth[b] - 1)
                plain->above[b] = a;
        }
    }
}

struct children {
    const struct plain *plain;
    const lw_snapshot *snapshot;
    int parent, count, last;
};

static int see_child(lw_node node, void *user)
{
    struct children *seen = user;
    const struct plain *plain = seen->plain;
    int child = model_node(seen->snapshot, plain->model, node), last = seen->last;
    expect(plain->held[child], 1, "a child that is held", child);
    expect(plain->above[child], seen->parent, "dominator of a child", child);
    if (last >= 0) {
        int order = (plain->bytes[last] < plain->bytes[child]) -
                    (plain->bytes[last] > plain->bytes[child]);
        if (order == 0)
            order = plain->count[child] - plain->count[last];
        if (order == 0)
            order = node_word(plain->model, last) - node_word(plain->model, child);
        expect(order <= 0, 1, "order of children", seen->parent);
        expect(last != child, 1, "children, each once", seen->parent);
    }
    seen->last = child;
    seen->count++;
    return 0;
}

static void check_children(const struct plain *plain, const lw_snapshot *snapshot,
                           const lw_dominators *dominators, int parent)
{
    struct children seen = {plain, snapshot, parent, 0, -1};
    lw_node node = parent < 0 ? LW_NODE_NONE : node_of(snapshot, plain->model, parent);
    int count = 0;
    lw_dominators_each(dominators, node, see_child, &seen, NULL);
    for (int i = 0; i < plain->model->node_count; i++)
        count += plain->held[i] && plain->above[i] == parent && (parent < 0 || plain->held[parent]);
    expect(seen.count, count, "children", parent);
}

static void check_dominators(const struct plain *plain, const lw_snapshot *snapshot,
                             const lw_dominators *dominators)
{
    const struct model *model = plain->model;
    for (int i = 0; i < model->node_count; i++) {
        lw_retained got = LW_RETAINED_INIT;
        lw_dominators_get(dominators, node_of(snapshot, model, i), &got, NULL);
        int above = got.dominator == LW_NODE_NONE ? -1
                                                  : model_node(snapshot, model, got.dominator);
        expect(got.flags, plain->held[i] ? 0 : LW_RETAINED_GARBAGE, "flags", i);
        expect(above, plain->above[i], "dominator", i);
        expect(got.depth, plain->depth[i], "depth", i);
        expect((long long)got.count, plain->count[i], "nodes retained", i);
        expect((long long)got.bytes, (long long)plain->bytes[i], "bytes retained", i);
        expect((long long)got.own, (long long)bytes_of(model, i), "own bytes", i);
        check_children(plain, snapshot, dominators, i);
    }
    check_children(plain, snapshot, dominators, -1);
}

static void check_types(const struct plain *plain, const lw_snapshot *snapshot,
                        const lw_dominators *dominators)
{
    const struct model *model = plain->model;
    for (int i = 0; i < model->node_count; i++) {
        lw_node_info info = LW_NODE_INFO_INIT;
        lw_retained got = LW_RETAINED_INIT;
        int covered[NODES] = {0};
        uint64_t count = 0, bytes = 0, own = 0;
        for (int a = 0; a < model->node_count; a++) {
            if (model->nodes[a].type != model->nodes[i].type ||
                model->nodes[a].runtime != model->nodes[i].runtime)
                continue;
            own += plain->held[a] ? bytes_of(model, a) : 0;
            for (int b = 0; b < model->node_count; b++)
                covered[b] |= plain->dominates[a][b];
        }
        for (int b = 0; b < model->node_count; b++) {
            count += (uint64_t)covered[b];
            bytes += covered[b] ? bytes_of(model, b) : 0;
        }
        lw_node_info_get(snapshot, node_of(snapshot, model, i), &info, NULL);
        lw_dominators_type_get(dominators, info.type, &got, NULL);
        expect((long long)got.count, (long long)count, "nodes retained by type", i);
        expect((long long)got.bytes, (long long)bytes, "bytes retained by type", i);
        expect((long long)got.own, (long long)own, "own bytes of type", i);
        expect(got.dominator == LW_NODE_NONE && got.depth == 0, 1, "rest of type", i);
    }
}

static void check_set(const struct plain *plain, const lw_snapshot *snapshot,
                      const lw_dominators *dominators)
{
    const struct model *model = plain->model;
    int in[NODES] = {0}, left[NODES], reached[NODES] = {0}, none[NODES] = {0};
    lw_node nodes[2 * NODES];
    uint64_t given = 0;
    lw_set_info got = LW_SET_INFO_INIT, want = LW_SET_INFO_INIT;
    for (int wanted = below(percent(50) ? 4 : model->node_count); wanted > 0; wanted--) {
        int node = below(model->node_count);
        in[node] = 1;
        reached[node] = plain->held[node];
        nodes[given++] = node_of(snapshot, model, node);
        if (percent(10))
            nodes[given++] = node_of(snapshot, model, node);
    }
    held_without(model, in, left);
    spread(model, none, reached);
    for (int i = 0; i < model->node_count; i++) {
        uint64_t bytes = plain->held[i] ? bytes_of(model, i) : 0;
        int own = in[i] && plain->held[i], gone = plain->held[i] && !left[i];
        want.own_count += (uint64_t)own;
        want.own_bytes += own ? bytes : 0;
        want.exclusive_count += (uint64_t)gone;
        want.exclusive_bytes += gone ? bytes : 0;
        want.reachable_count += (uint64_t)reached[i];
        want.reachable_bytes += reached[i] ? bytes : 0;
        want.shared_count += (uint64_t)(reached[i] && !gone);
        want.shared_bytes += reached[i] && !gone ? bytes : 0;
    }
    lw_dominators_set(dominators, nodes, given, &got, NULL);
    expect((long long)got.own_count, (long long)want.own_count, "nodes of a set", (int)given);
    expect((long long)got.own_bytes, (long long)want.own_bytes, "bytes of a set", (int)given);
    expect((long long)got.exclusive_count, (long long)want.exclusive_count, "exclusive nodes",
           (int)given);
    expect((long long)got.exclusive_bytes, (long long)want.exclusive_bytes, "exclusive bytes",
           (int)given);
    expect((long long)got.reachable_count, (long long)want.reachable_count, "reachable nodes",
           (int)given);
    expect((long long)got.reachable_bytes, (long long)want.reachable_bytes, "reachable bytes",
           (int)given);
    expect((long long)got.shared_count, (long long)want.shared_count, "shared nodes", (int)given);
    expect((long long)got.shared_bytes, (long long)want.shared_bytes, "shared bytes", (int)given);
}

/* ---- cycles ---- */

struct knots {
    int leads[NODES][NODES]; /* among garbage, in one step or more */
    int garbage[NODES];
};

static void find_knots(const struct plain *plain, struct knots *knots)
{
    const struct model *model = plain->model;
    memset(knots, 0, sizeof *knots);
    for (int i = 0; i < model->node_count; i++)
        knots->garbage[i] = !plain->held[i];
    for (int i = 0; i < model->edge_count; i++) {
        const struct edge *edge = &model->edges[i];
        if (retains(edge) && knots->garbage[edge->from] && knots->garbage[edge->to])
            knots->leads[edge->from][edge->to] = 1;
    }
    for (int k = 0; k < model->node_count; k++) {
        for (int i = 0; i < model->node_count; i++) {
            for (int j = 0; j < model->node_count; j++)
                knots->leads[i][j] |= knots->leads[i][k] && knots->leads[k][j];
        }
    }
}

static int together(const struct knots *knots, int a, int b)
{
    return knots->leads[a][b] && knots->leads[b][a];
}

static int is_inside(const struct model *model, const struct knots *knots, int node, int edge)
{
    const struct edge *it = &model->edges[edge];
    return retains(it) && together(knots, node, it->from) && together(knots, node, it->to);
}

/* Whether the cycle that `node` is on is none without one edge. */
static int is_broken(const struct model *model, const struct knots *knots, int node, int without)
{
    int left[NODES];
    for (int i = 0; i < model->node_count; i++)
        left[i] = together(knots, node, i);
    for (int changed = 1; changed;) {
        int held[NODES] = {0};
        for (int i = 0; i < model->edge_count; i++) {
            if (i != without && is_inside(model, knots, node, i) && left[model->edges[i].from])
                held[model->edges[i].to] = 1;
        }
        changed = 0;
        for (int i = 0; i < model->node_count; i++) {
            if (left[i] && !held[i]) {
                left[i] = 0;
                changed = 1;
            }
        }
    }
    for (int i = 0; i < model->node_count; i++) {
        if (left[i])
            return 0;
    }
    return 1;
}

/* The content of an edge, its holder's first. */
static long long edge_word(const struct model *model, const struct edge *edge)
{
    return (((long long)node_word(model, edge->from) * 10 + edge->kind) * 100 + edge->label) *
               10000 + node_word(model, edge->to);
}

static void check_back(const struct model *model, const struct knots *knots,
                       const lw_snapshot *snapshot, const lw_cycle *cycle, int node)
{
    struct edge got = {model_node(snapshot, model, cycle->back.from),
                       model_node(snapshot, model, cycle->back.to), cycle->back.kind,
                       model_label(cycle->back.label)};
    long long best = -1;
    int found = 0, breaks = 0;
    for (int i = 0; i < model->edge_count; i++) {
        const struct edge *edge = &model->edges[i];
        if (!is_inside(model, knots, node, i))
            continue;
        int is_it = edge->from == got.from && edge->to == got.to && edge->kind == got.kind &&
                    edge->label == got.label;
        int broken = is_broken(model, knots, node, i);
        long long word = edge_word(model, edge);
        found |= is_it;
        breaks |= is_it && broken;
        if (broken && (best < 0 || word < best))
            best = word;
    }
    expect(found, 1, "a back edge of the cycle", node);
    expect(cycle->back_edges == 1, best >= 0, "one edge to break", node);
    if (best >= 0) {
        expect(breaks, 1, "a back edge that breaks the cycle", node);
        expect(edge_word(model, &got), best, "the first of those by content", node);
    }
}

/* Garbage that no other garbage that stays leads to. */
static void find_freed(const struct model *model, const struct knots *knots, int node, int *freed)
{
    int out[NODES], stays[NODES];
    for (int i = 0; i < model->node_count; i++)
        out[i] = !knots->garbage[i] || together(knots, node, i);
    for (int i = 0; i < model->node_count; i++) {
        stays[i] = !out[i];
        for (int j = 0; j < model->node_count; j++)
            stays[i] &= !knots->leads[j][i] || together(knots, i, j);
    }
    spread(model, out, stays);
    for (int i = 0; i < model->node_count; i++)
        freed[i] = knots->garbage[i] && !stays[i];
}

struct members {
    const struct model *model;
    const lw_snapshot *snapshot;
    int seen[NODES], count;
    lw_node last;
};

static int see_member(lw_node node, void *user)
{
    struct members *members = user;
    int index = model_node(members->snapshot, members->model, node);
    expect(members->count == 0 || members->last < node, 1, "order of members", index);
    members->last = node;
    members->seen[index]++;
    members->count++;
    return 0;
}

static void check_cycle(const struct model *model, const struct knots *knots,
                        const lw_snapshot *snapshot, const lw_cycles *cycles, uint32_t index,
                        int *on_cycle)
{
    struct members members = {.model = model, .snapshot = snapshot};
    lw_cycle cycle = LW_CYCLE_INIT;
    int freed[NODES];
    uint64_t bytes = 0, frees = 0, frees_nodes = 0;
    lw_cycle_get(cycles, index, &cycle, NULL);
    lw_cycle_each(cycles, index, see_member, &members, NULL);
    int node = model_node(snapshot, model, members.last);
    find_freed(model, knots, node, freed);
    for (int i = 0; i < model->node_count; i++) {
        expect(members.seen[i], together(knots, node, i), "member of a cycle", i);
        on_cycle[i] += members.seen[i];
        bytes += members.seen[i] ? bytes_of(model, i) : 0;
        frees += freed[i] ? bytes_of(model, i) : 0;
        frees_nodes += (uint64_t)freed[i];
    }
    expect((long long)cycle.nodes, members.count, "nodes of a cycle", node);
    expect((long long)cycle.bytes, (long long)bytes, "bytes of a cycle", node);
    expect((long long)cycle.frees, (long long)frees, "bytes that go with a cycle", node);
    expect((long long)cycle.frees_nodes, (long long)frees_nodes, "nodes that go with it", node);
    check_back(model, knots, snapshot, &cycle, node);
}

static void check_cycles(const struct plain *plain, const lw_snapshot *snapshot,
                         const lw_cycles *cycles)
{
    struct knots knots;
    int on_cycle[NODES] = {0};
    uint64_t last = UINT64_MAX;
    find_knots(plain, &knots);
    for (uint32_t i = 0; i < lw_cycles_count(cycles); i++) {
        lw_cycle cycle = LW_CYCLE_INIT;
        check_cycle(plain->model, &knots, snapshot, cycles, i, on_cycle);
        lw_cycle_get(cycles, i, &cycle, NULL);
        expect(cycle.bytes <= last, 1, "order of cycles", (int)i);
        last = cycle.bytes;
    }
    for (int i = 0; i < plain->model->node_count; i++)
        expect(on_cycle[i], knots.leads[i][i], "on a cycle of garbage", i);
}

/* What the cycles say does not depend on addresses, nor on the order of enumeration. */
static void check_moved(struct model *model, const lw_snapshot *snapshot, const lw_cycles *cycles)
{
    struct model moved = *model;
    lw_cycles *again = NULL;
    if (percent(80))
        new_keys(&moved);
    shuffle(&moved);
    lw_snapshot *other = capture(&moved);
    lw_cycles_create(other, &again, NULL);
    expect(lw_cycles_count(again), lw_cycles_count(cycles), "cycles elsewhere", 0);
    for (uint32_t i = 0; i < lw_cycles_count(cycles); i++) {
        lw_cycle a = LW_CYCLE_INIT, b = LW_CYCLE_INIT;
        lw_cycle_get(cycles, i, &a, NULL);
        lw_cycle_get(again, i, &b, NULL);
        expect((long long)b.bytes, (long long)a.bytes, "bytes elsewhere", (int)i);
        expect((long long)b.nodes, (long long)a.nodes, "nodes elsewhere", (int)i);
        expect((long long)b.frees, (long long)a.frees, "frees elsewhere", (int)i);
        if (a.back_edges != 1 || b.back_edges != 1)
            continue;
        expect(node_word(&moved, model_node(other, &moved, b.back.from)),
               node_word(model, model_node(snapshot, model, a.back.from)), "holder elsewhere",
               (int)i);
        expect(model_label(b.back.label), model_label(a.back.label), "label elsewhere", (int)i);
    }
    lw_cycles_release(again);
    lw_snapshot_release(other);
}

static void check_heap(struct model *model)
{
    static struct plain plain;
    lw_dominators *dominators = NULL;
    lw_cycles *cycles = NULL;
    find_plain(model, &plain);
    lw_snapshot *snapshot = capture(model);
    expect(lw_dominators_create(snapshot, NULL, &dominators, NULL), LW_OK, "status", 0);
    expect(lw_cycles_create(snapshot, &cycles, NULL), LW_OK, "status", 1);
    check_dominators(&plain, snapshot, dominators);
    check_types(&plain, snapshot, dominators);
    for (int i = 0; i < 3; i++)
        check_set(&plain, snapshot, dominators);
    check_cycles(&plain, snapshot, cycles);
    check_moved(model, snapshot, cycles);
    lw_cycles_release(cycles);
    lw_dominators_release(dominators);
    lw_snapshot_release(snapshot);
}

int main(int argc, char **argv)
{
    static struct model model;
    unsigned long heaps = argc > 1                 ? strtoul(argv[1], NULL, 0)
                          : getenv("LW_TEST_ALL") ? 20000
                                                  : 1200;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    for (current = first; current < first + heaps && failures == 0; current++) {
        seed = current * 0x9e3779b97f4a7c15u + 1;
        make_model(&model);
        for (int i = 0; i < model.node_count; i++)
            model.nodes[i].external = percent(10) ? 1000 + (uint64_t)below(3) : 0;
        check_heap(&model);
        shuffle(&model); /* the same heap, told in another order */
        check_heap(&model);
    }
    printf("%lu random heaps, %lu failures\n", heaps, failures);
    return failures != 0;
}
