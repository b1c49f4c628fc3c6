/* Random heaps: trees of holders against a plain merge over the list of all edges.
 *
 * usage: graph_referrers [heaps] [first seed] */
#include "graph_model.h"

enum { ROWS = 4000, CLASSES = LABELS + 1 };

static unsigned long failures;
static uint64_t current;

static void expect(long long got, long long want, const char *what, int index)
{
    if (got == want)
        return;
    if (failures++ < 20)
        fprintf(stderr, "heap %llu: %s of row %d: %lld, should be %lld\n",
                (unsigned long long)current, what, index, got, want);
}

/* ---- the plain tree ---- */

struct row {
    int depth, type, kind, label, alike, cut, rest, below;
    long long holders, held, references, rooted, cyclic;
    int members[NODES]; /* holders that are not above already */
};

struct tree {
    const struct model *model;
    int garbage[NODES], rooted[NODES], path[NODES];
    int depth, breadth, limit, count;
    struct row rows[ROWS];
};

/* Types in the library's order: by runtime, name and key. */
static int type_word(const struct model *model, int node)
{
    return model->nodes[node].runtime * 10 + model->nodes[node].type;
}

static int class_of(int label)
{
    return label >= LABELS ? LABELS : label; /* the only key is a class of its own */
}

static int counts(const struct tree *tree, const struct edge *edge, const int *set)
{
    return edge_strengths[edge->kind] >= 0 && set[edge->to] && edge->from != edge->to &&
           !tree->garbage[edge->from];
}

/* The group of holders of one type, class of label and kind. */
static struct row gather(const struct tree *tree, const int *set, int type, int class, int kind)
{
    const struct model *model = tree->model;
    struct row row = {.type = type, .kind = kind, .label = -1};
    int holds[NODES] = {0}, held[NODES] = {0};
    for (int i = 0; i < model->edge_count; i++) {
        const struct edge *edge = &model->edges[i];
        if (!counts(tree, edge, set) || type_word(model, edge->from) != type ||
            class_of(edge->label) != class || edge->kind != kind)
            continue;
        row.references++;
        row.alike |= row.label >= 0 && row.label != edge->label;
        if (row.label < 0 || edge->label < row.label)
            row.label = edge->label;
        row.holders += !holds[edge->from];
        row.held += !held[edge->to];
        holds[edge->from] = held[edge->to] = 1;
    }
    for (int i = 0; i < model->node_count; i++) {
        row.rooted += holds[i] && tree->rooted[i];
        row.cyclic += holds[i] && tree->path[i];
        row.members[i] = holds[i] && !tree->path[i];
    }
    return row;
}

static int comes_before(const struct row *a, const struct row *b)
{
    if (a->held != b->held)
        return a->held > b->held;
    if (a->holders != b->holders)
        return a->holders > b->holders;
    if (a->type != b->type)
        return a->type < b->type;
    return a->kind != b->kind ? a->kind < b->kind : a->label < b->label;
}

static int has_members(const struct row *row)
{
    for (int i = 0; i < NODES; i++) {
        if (row->members[i])
            return 1;
    }
    return 0;
}

static int find_groups(const struct tree *tree, const int *set, struct row *groups)
{
    int count = 0;
    for (int type = 0; type < RUNTIMES * 10; type++) {
        for (int class = 0; class < CLASSES; class++) {
            for (int kind = 0; kind < 5; kind++) {
                struct row row = gather(tree, set, type, class, kind);
                int at = count;
                if (row.references == 0)
                    continue;
                for (; at > 0 && comes_before(&row, &groups[at - 1]); at--)
                    groups[at] = groups[at - 1];
                groups[at] = row;
                count++;
            }
        }
    }
    return count;
}

/* Whether something holds these that is neither above them nor one of them. */
static int is_cut(const struct tree *tree, const int *set)
{
    for (int i = 0; i < tree->model->edge_count; i++) {
        const struct edge *edge = &tree->model->edges[i];
        if (counts(tree, edge, set) && !tree->path[edge->from] && !set[edge->from])
            return 1;
    }
    return 0;
}

static void grow(struct tree *tree, const int *set, int depth)
{
    struct row *groups = malloc(1000 * sizeof *groups);
    for (int i = 0; i < NODES; i++)
        tree->path[i] |= set[i];
    int count = find_groups(tree, set, groups);
    int kept = count > tree->breadth ? tree->breadth : count;
    for (int i = 0; i < kept && tree->count < ROWS - 2; i++) {
        int at = tree->count++;
        struct row *row = &tree->rows[at];
        *row = groups[i];
        row->depth = depth;
        if (!has_members(row))
            continue;
        if (depth + 1 < tree->depth && tree->count < tree->limit)
            grow(tree, row->members, depth + 1);
        else
            row->cut = is_cut(tree, row->members);
        row->below = tree->count - 1 - at;
    }
    if (count > kept) {
        struct row *row = &tree->rows[tree->count++];
        *row = (struct row){.depth = depth, .rest = 1, .below = count - kept};
        for (int i = kept; i < count; i++)
            row->references += groups[i].references;
    }
    for (int i = 0; i < NODES; i++)
        tree->path[i] &= !set[i];
    free(groups);
}

/* ---- the comparison ---- */

static void check_row(const struct tree *tree, const lw_referrer *got, int index)
{
    const struct row *want = &tree->rows[index];
    expect(got->depth, want->depth, "depth", index);
    expect(!!(got->flags & LW_REFERRER_REST), want->rest, "rest", index);
    expect(got->rows, want->below, "rows below", index);
    expect((long long)got->references, want->references, "references", index);
    if (want->rest)
        return;
    expect(strcmp(got->type, type_names[want->type % 10]), 0, "type", index);
    expect(strcmp(got->runtime, runtime_names[want->type / 10]), 0, "runtime", index);
    expect(got->kind, want->kind, "kind", index);
    expect(model_label(got->label), want->label, "label", index);
    expect(!!(got->flags & LW_REFERRER_ALIKE), want->alike, "alike", index);
    expect(!!(got->flags & LW_REFERRER_CUT), want->cut, "cut", index);
    expect((long long)got->holders, want->holders, "holders", index);
    expect((long long)got->held, want->held, "held", index);
    expect((long long)got->rooted, want->rooted, "rooted", index);
    expect((long long)got->cyclic, want->cyclic, "cyclic", index);
    expect(got->root_kind[0] != 0, want->rooted > 0, "root kind", index);
}

static void check_tree(struct model *model, lw_snapshot *snapshot, struct tree *tree)
{
    int held[NODES] = {0}, set[NODES] = {0}, targets = 1 + below(percent(60) ? 2 : 8);
    lw_node nodes[NODES];
    lw_referrers_options options = LW_REFERRERS_OPTIONS_INIT;
    lw_referrers *got = NULL;
    find_held(model, held);
    memset(tree->path, 0, sizeof tree->path);
    tree->model = model;
    for (int i = 0; i < model->node_count; i++) {
        tree->garbage[i] = !held[i];
        tree->rooted[i] = is_outside(model, i);
    }
    for (int i = 0; i < model->root_count; i++)
        tree->rooted[model->roots[i].node] = 1;
    for (int i = 0; i < targets; i++) {
        int node = below(model->node_count);
        nodes[i] = node_of(snapshot, model, node);
        set[node] = held[node];
    }
    options.depth = (uint32_t)below(6);
    options.breadth = percent(50) ? 0 : 1 + (uint32_t)below(4);
    options.limit = percent(70) ? 0 : 1 + (uint32_t)below(30);
    tree->depth = options.depth ? (int)options.depth : 3;
    tree->breadth = options.breadth ? (int)options.breadth : 10;
    tree->limit = options.limit ? (int)options.limit : 1000;
    tree->count = 0;
    grow(tree, set, 0);
    lw_referrers_create(snapshot, nodes, (uint64_t)targets, &options, &got, NULL);
    expect(lw_referrers_count(got), tree->count, "number", 0);
    for (int i = 0; i < tree->count && i < (int)lw_referrers_count(got); i++) {
        lw_referrer row = LW_REFERRER_INIT;
        lw_referrer_get(got, (uint32_t)i, &row, NULL);
        check_row(tree, &row, i);
    }
    lw_referrers_release(got);
}

/* Every row of a tree of all nodes, but for which example is named. */
static uint64_t summary(lw_snapshot *snapshot)
{
    uint64_t sum = 0;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(snapshot, &info, NULL);
    for (lw_node node = 0; node < info.nodes; node++) {
        lw_referrers *tree = NULL;
        lw_referrers_create(snapshot, &node, 1, NULL, &tree, NULL);
        for (uint32_t i = 0; i < lw_referrers_count(tree); i++) {
            lw_referrer row = LW_REFERRER_INIT;
            lw_referrer_get(tree, i, &row, NULL);
            sum = sum * 31 + row.holders * 7 + row.held * 5 + row.references + row.depth +
                  row.example + (unsigned)model_label(row.label) + (unsigned char)row.type[0] +
                  (unsigned char)row.root_kind[0];
        }
        lw_referrers_release(tree);
    }
    return sum;
}

int main(int argc, char **argv)
{
    static struct model model;
    static struct tree tree;
    unsigned long heaps =
        argc > 1 ? strtoul(argv[1], NULL, 0) : getenv("LW_TEST_ALL") ? 5000 : 1000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    for (current = first; current < first + heaps && failures == 0; current++) {
        seed = current * 0x9e3779b97f4a7c15u + 1;
        make_model(&model);
        lw_snapshot *snapshot = capture(&model);
        for (int i = 0; i < 3; i++)
            check_tree(&model, snapshot, &tree);
        shuffle(&model);
        lw_snapshot *again = capture(&model);
        expect((long long)summary(again), (long long)summary(snapshot), "all after shuffling", 0);
        lw_snapshot_release(again);
        lw_snapshot_release(snapshot);
    }
    printf("%lu random heaps, %lu failures\n", heaps, failures);
    return failures != 0;
}
