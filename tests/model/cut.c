/* Random heaps: what lw_cut_find() says to cut, against trying every reference, every set of them,
 * and a plain maximum flow; what is freed, against walks without it.
 *
 * usage: cut [heaps] [first seed] */
#include "graph_model.h"

enum { PLACES = EDGES + ROOTS + NODES, SMALL = 14 };

static unsigned long failures, singles, several, too_many, tried_all;
static uint64_t current;

static void expect(long long got, long long want, const char *what)
{
    if (got == want)
        return;
    if (failures++ < 20)
        fprintf(stderr, "heap %llu: %s: %lld, should be %lld\n", (unsigned long long)current, what,
                got, want);
}

/* ---- plain answers ---- */

/* All that can be cut: references that retain, roots, and what is held from outside. */
struct place {
    int from, to, what; /* from -1: a root; what: edge, EDGES + root, or -1 for the outside */
    int cut;
};

struct plain {
    const struct model *model;
    struct place places[PLACES];
    int count;
    int held[NODES], leaked[NODES];
    uint64_t leaked_count, leaked_bytes;
};

static uint64_t bytes_of(const struct model *model, int node)
{
    return model->nodes[node].size + model->nodes[node].external;
}

static void list_places(struct plain *plain)
{
    const struct model *model = plain->model;
    for (int i = 0; i < model->edge_count; i++) {
        const struct edge *edge = &model->edges[i];
        if (plain->held[edge->from] && edge_strengths[edge->kind] >= 0)
            plain->places[plain->count++] = (struct place){edge->from, edge->to, i, 0};
    }
    for (int i = 0; i < model->root_count; i++)
        plain->places[plain->count++] =
            (struct place){-1, model->roots[i].node, EDGES + i, 0};
    for (int i = 0; i < model->node_count; i++) {
        if (is_outside(model, i))
            plain->places[plain->count++] = (struct place){-1, i, -1, 0};
    }
}

static void open_plain(struct plain *plain, const struct model *model, const int *leaked)
{
    memset(plain, 0, sizeof *plain);
    plain->model = model;
    find_held(model, plain->held);
    for (int i = 0; i < model->node_count; i++) {
        plain->leaked[i] = leaked[i] && plain->held[i];
        plain->leaked_count += (uint64_t)plain->leaked[i];
        plain->leaked_bytes += plain->leaked[i] ? bytes_of(model, i) : 0;
    }
    list_places(plain);
}

struct freed {
    uint64_t count, bytes, leaked;
};

/* What is reached without the places that are cut, and without `without`; all by going round
 * until nothing changes. */
static struct freed walk(const struct plain *plain, int without, int *reached)
{
    struct freed freed = {0, 0, 0};
    memset(reached, 0, NODES * sizeof *reached);
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < plain->count; i++) {
            const struct place *place = &plain->places[i];
            if (place->cut || place->to == without || (place->from >= 0 && !reached[place->from]))
                continue;
            changed |= !reached[place->to];
            reached[place->to] = 1;
        }
    }
    for (int i = 0; i < plain->model->node_count; i++) {
        if (!plain->held[i] || reached[i])
            continue;
        freed.count++;
        freed.bytes += bytes_of(plain->model, i);
        freed.leaked += plain->leaked[i] ? bytes_of(plain->model, i) : 0;
    }
    return freed;
}

/* The one place that frees 90 %, and of those the one that frees least; -1: none. */
static int best_single(struct plain *plain)
{
    int best = -1, reached[NODES];
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < plain->count; i++) {
        plain->places[i].cut = 1;
        struct freed freed = walk(plain, -1, reached);
        plain->places[i].cut = 0;
        if ((plain->leaked_bytes - freed.leaked) * 10 > plain->leaked_bytes ||
            freed.count >= least)
            continue;
        least = freed.count;
        best = i;
    }
    return best;
}

enum { SOURCE = NODES, SINK = NODES + 1, POINTS = NODES + 2 };

static int point_of(const struct plain *plain, int node)
{
    return node < 0 ? SOURCE : plain->leaked[node] ? SINK : node;
}

static int augment(int room[POINTS][POINTS], int at, int *seen)
{
    if (at == SINK)
        return 1;
    seen[at] = 1;
    for (int next = 0; next < POINTS; next++) {
        if (!room[at][next] || seen[next] || !augment(room, next, seen))
            continue;
        room[at][next]--;
        room[next][at]++;
        return 1;
    }
    return 0;
}

/* Marks the places of the smallest cut nearest to the leaked; returns how many there are. */
static int smallest_cut(struct plain *plain)
{
    static int room[POINTS][POINTS];
    int seen[POINTS] = {0}, behind[POINTS] = {0}, flow = 0;
    memset(room, 0, sizeof room);
    for (int i = 0; i < plain->count; i++) {
        int from = point_of(plain, plain->places[i].from);
        int to = point_of(plain, plain->places[i].to);
        if (from != to && from != SINK)
            room[from][to]++;
    }
    while (augment(room, SOURCE, seen)) {
        flow++;
        memset(seen, 0, sizeof seen);
    }
    behind[SINK] = 1;
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < POINTS; i++) {
            for (int j = 0; !behind[i] && j < POINTS; j++) {
                if (room[i][j] && behind[j])
                    behind[i] = changed = 1;
            }
        }
    }
    for (int i = 0; i < plain->count; i++)
        plain->places[i].cut = !behind[point_of(plain, plain->places[i].from)] &&
                               behind[point_of(plain, plain->places[i].to)];
    return flow;
}

static int bit_count(unsigned word)
{
    int count = 0;
    for (; word; word &= word - 1)
        count++;
    return count;
}

/* The fewest places that part all leaked from the roots, by trying every set. */
static int try_all(struct plain *plain)
{
    int fewest = plain->count, reached[NODES], was[PLACES];
    for (int i = 0; i < plain->count; i++)
        was[i] = plain->places[i].cut;
    for (unsigned set = 0; set < 1u << plain->count; set++) {
        if (bit_count(set) >= fewest)
            continue;
        for (int i = 0; i < plain->count; i++)
            plain->places[i].cut = set >> i & 1;
        if (walk(plain, -1, reached).leaked == plain->leaked_bytes)
            fewest = bit_count(set);
    }
    for (int i = 0; i < plain->count; i++)
        plain->places[i].cut = was[i];
    return fewest;
}

/* ---- comparing ---- */

static int same_root(const struct model *model, const struct place *place,
                     const lw_cut_edge *edge)
{
    if (place->what < 0)
        return edge->outside > 0 && strcmp(edge->root_kind, "held from outside") == 0;
    const struct root *root = &model->roots[place->what - EDGES];
    return !edge->outside && strcmp(root_kinds[root->kind].name, edge->root_kind) == 0 &&
           model_label(edge->root_label) == root->label;
}

/* The place that the answer means, of those that are cut; -1: none. */
static int place_of(const struct plain *plain, const lw_snapshot *snapshot,
                    const lw_cut_edge *edge, int *used)
{
    const struct model *model = plain->model;
    int to = model_node(snapshot, model, edge->edge.to);
    int from = edge->edge.from == LW_NODE_NONE
                   ? -1
                   : model_node(snapshot, model, edge->edge.from);
    for (int i = 0; i < plain->count; i++) {
        const struct place *place = &plain->places[i];
        if (used[i] || !place->cut || place->from != from || place->to != to)
            continue;
        if (from < 0 ? same_root(model, place, edge)
                     : model->edges[place->what].kind == edge->edge.kind &&
                           model->edges[place->what].label == model_label(edge->edge.label)) {
            used[i] = 1;
            return i;
        }
    }
    return -1;
}

static void find_owned(const struct plain *plain, int *owned)
{
    memset(owned, 0, NODES * sizeof *owned);
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < plain->count; i++) {
            const struct place *place = &plain->places[i];
            uint32_t flags = place->from < 0 && place->what >= EDGES
                                 ? root_kinds[plain->model->roots[place->what - EDGES].kind].flags
                                 : 0;
            if (owned[place->to] || (place->from >= 0 && !owned[place->from]) ||
                place->what < 0 || flags & (LW_ROOT_ASKER | LW_ROOT_BYSTANDER))
                continue;
            owned[place->to] = changed = 1;
        }
    }
}

static int is_bystander(const struct plain *plain, const struct place *place, const int *owned)
{
    if (place->from >= 0)
        return !owned[place->from];
    return place->what < 0 || (root_kinds[plain->model->roots[place->what - EDGES].kind].flags &
                               (LW_ROOT_ASKER | LW_ROOT_BYSTANDER)) != 0;
}

/* Each place of the answer is one of the expected, and says right what it frees alone. */
static void check_edges(struct plain *plain, const lw_snapshot *snapshot, const lw_cut *cut,
                        uint32_t edges)
{
    int used[PLACES] = {0}, owned[NODES], reached[NODES], was[PLACES];
    lw_cut_edge before = LW_CUT_EDGE_INIT;
    find_owned(plain, owned);
    for (uint32_t i = 0; i < edges; i++) {
        lw_cut_edge edge = LW_CUT_EDGE_INIT;
        lw_cut_edge_get(cut, i, &edge, NULL);
        int place = place_of(plain, snapshot, &edge, used);
        expect(place >= 0, 1, "a place to cut");
        if (place < 0)
            continue;
        for (int j = 0; j < plain->count; j++) {
            was[j] = plain->places[j].cut;
            plain->places[j].cut = j == place;
        }
        struct freed freed = walk(plain, -1, reached);
        for (int j = 0; j < plain->count; j++)
            plain->places[j].cut = was[j];
        expect((long long)edge.alone_bytes, (long long)freed.bytes, "bytes alone");
        expect((long long)edge.alone_leaked_bytes, (long long)freed.leaked, "leaked bytes alone");
        if (edge.edge.from != LW_NODE_NONE || edge.outside) /* kinds may bear one name */
            expect(edge.bystander, is_bystander(plain, &plain->places[place], owned), "bystander");
        if (i > 0)
            expect(before.bystander < edge.bystander ||
                       (before.bystander == edge.bystander &&
                        before.alone_leaked_bytes >= edge.alone_leaked_bytes), 1, "order");
        before = edge;
    }
}

static void check_holders(struct plain *plain, const lw_snapshot *snapshot, const lw_cut *cut,
                          uint32_t holders)
{
    int reached[NODES], tops = 0, at[NODES];
    for (int i = 0; i < plain->model->node_count; i++) {
        int is_top = plain->held[i];
        struct freed freed = walk(plain, i, reached);
        for (int j = 0; is_top && j < plain->model->node_count; j++) {
            if (j != i && plain->held[j]) {
                walk(plain, j, reached);
                is_top = reached[i];
            }
        }
        tops += is_top && freed.leaked > 0;
    }
    expect(holders, tops < 8 ? tops : 8, "holders");
    for (uint32_t i = 0; i < holders; i++) {
        lw_cut_holder holder = LW_CUT_HOLDER_INIT;
        lw_cut_holder_get(cut, i, &holder, NULL);
        at[i] = model_node(snapshot, plain->model, holder.node);
        struct freed freed = walk(plain, at[i], reached);
        expect((long long)holder.freed_bytes, (long long)freed.bytes, "bytes of a holder");
        expect((long long)holder.leaked_bytes, (long long)freed.leaked, "leaked bytes of a holder");
        for (uint32_t j = 0; j < i; j++)
            expect(reached[at[j]], 1, "a holder that holds no other");
    }
}

static void check_cut(struct plain *plain, const lw_snapshot *snapshot, const lw_cut *cut,
                      uint32_t limit)
{
    int reached[NODES];
    lw_cut_info info = LW_CUT_INFO_INIT;
    lw_cut_info_get(cut, &info, NULL);
    expect((long long)info.leaked_count, (long long)plain->leaked_count, "leaked objects");
    expect((long long)info.leaked_bytes, (long long)plain->leaked_bytes, "leaked bytes");
    if (plain->leaked_count == 0) {
        expect(info.edges, 0, "edges for garbage");
        return;
    }
    int single = best_single(plain), fewest = 1;
    expect(!!(info.flags & LW_CUT_SINGLE), single >= 0, "one place");
    if (single >= 0) {
        plain->places[single].cut = 1;
        singles++;
    } else {
        fewest = smallest_cut(plain);
        if (plain->count <= SMALL) {
            expect(fewest, try_all(plain), "the test's own smallest cut");
            tried_all++;
        }
    }
    expect(!!(info.flags & LW_CUT_TOO_MANY), fewest > (int)limit, "too many");
    if (fewest > (int)limit) {
        too_many++;
        expect(info.edges, 0, "edges of too many");
        for (int i = 0; i < plain->count; i++)
            plain->places[i].cut = 0;
        check_holders(plain, snapshot, cut, info.holders);
        return;
    }
    several += single < 0;
    expect(info.edges, fewest, "edges");
    expect(info.holders, 0, "holders of a cut");
    struct freed freed = walk(plain, -1, reached);
    expect((long long)info.freed_count, (long long)freed.count, "freed objects");
    expect((long long)info.freed_bytes, (long long)freed.bytes, "freed bytes");
    expect((long long)info.freed_leaked_bytes, (long long)freed.leaked, "freed leaked bytes");
    expect((long long)info.innocent_bytes, (long long)(freed.bytes - freed.leaked), "innocent");
    if (single < 0)
        expect((long long)freed.leaked, (long long)plain->leaked_bytes, "all leaked bytes");
    check_edges(plain, snapshot, cut, info.edges);
}

static void play(struct model *model, const int *leaked, uint32_t limit)
{
    static struct plain plain;
    lw_node nodes[NODES];
    lw_cut *cut = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_cut_options options = LW_CUT_OPTIONS_INIT;
    lw_snapshot *snapshot = capture(model);
    int count = 0;
    for (int i = 0; i < model->node_count; i++) {
        if (leaked[i])
            nodes[count++] = node_of(snapshot, model, i);
    }
    options.limit = limit;
    open_plain(&plain, model, leaked);
    if (lw_cut_find(snapshot, nodes, (uint64_t)count, &options, &cut, &error) != LW_OK)
        expect(error.status, 0, error.message);
    check_cut(&plain, snapshot, cut, limit);
    lw_cut_release(cut);
    lw_snapshot_release(snapshot);
}

int main(int argc, char **argv)
{
    uint64_t heaps = argc > 1 ? strtoull(argv[1], NULL, 10) : 1500;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    static struct model model;
    for (current = first; current < first + heaps; current++) {
        int leaked[NODES] = {0};
        seed = current * 0x9e3779b97f4a7c15u + 1;
        make_model(&model);
        while (model.root_count < ROOTS / 2 && percent(60))
            model.roots[model.root_count++] =
                (struct root){below(model.node_count), below(ROOT_KINDS), below(3)};
        int many = 1 + below(percent(50) ? 3 : model.node_count);
        for (int i = 0; i < many; i++)
            leaked[below(model.node_count)] = 1;
        uint32_t limit = 1 + (uint32_t)below(8);
        for (int i = 0; i < 2; i++) { /* the same whatever the order and the keys */
            new_keys(&model);
            shuffle(&model);
            play(&model, leaked, limit);
        }
    }
    printf("%llu heaps: %lu cut at one place, %lu at several, %lu at too many, %lu against all "
           "sets; %lu failures\n",
           (unsigned long long)heaps, singles, several, too_many, tried_all, failures);
    return failures != 0;
}
