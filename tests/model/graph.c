/* Random heaps: what a snapshot and its paths say, against plain answers.
 *
 * usage: graph [heaps] [first seed] */
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

/* ---- nodes and edges ---- */

struct seen {
    const struct model *model;
    const lw_snapshot *snapshot;
    int node, edges, phantoms;
    int used[EDGES];
};

static int see_edge(const lw_edge *edge, void *user)
{
    struct seen *seen = user;
    int to = model_node(seen->snapshot, seen->model, edge->to), label = model_label(edge->label);
    seen->edges++;
    for (int i = 0; i < seen->model->edge_count; i++) {
        const struct edge *it = &seen->model->edges[i];
        if (!seen->used[i] && it->from == seen->node && it->to == to && it->kind == edge->kind &&
            it->label == label) {
            seen->used[i] = 1;
            return 0;
        }
    }
    seen->phantoms++;
    return 0;
}

static void check_nodes(const struct model *model, const lw_snapshot *snapshot)
{
    int held[NODES], garbage = 0, outside = 0;
    struct seen seen = {.model = model, .snapshot = snapshot};
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    find_held(model, held);
    for (int i = 0; i < model->node_count; i++) {
        lw_node_info node = LW_NODE_INFO_INIT;
        lw_type_info type = LW_TYPE_INFO_INIT;
        lw_node_info_get(snapshot, node_of(snapshot, model, i), &node, NULL);
        lw_snapshot_type_get(snapshot, node.type, &type, NULL);
        expect(!!(node.flags & LW_NODE_GARBAGE), !held[i], "garbage", i);
        expect(!!(node.flags & LW_NODE_OUTSIDE), is_outside(model, i), "outside", i);
        expect((long long)node.key, (long long)model->nodes[i].key, "key", i);
        expect((long long)node.size, (long long)model->nodes[i].size, "size", i);
        expect((long long)node.references, (long long)model->nodes[i].stated, "references", i);
        expect((long long)type.key, (long long)type_keys[model->nodes[i].type], "type", i);
        expect(strcmp(type.name, type_names[model->nodes[i].type]), 0, "type name", i);
        seen.node = i;
        lw_edge_each(snapshot, node_of(snapshot, model, i), see_edge, &seen, NULL);
        garbage += !held[i];
        outside += is_outside(model, i);
    }
    lw_snapshot_info_get(snapshot, &info, NULL);
    expect(info.nodes, model->node_count, "nodes", 0);
    expect((long long)info.edges, model->edge_count, "edges", 0);
    expect(seen.edges, model->edge_count, "edges seen", 0);
    expect(seen.phantoms, 0, "phantom edges", 0);
    expect(info.roots, model->root_count, "roots", 0);
    expect(info.garbage, garbage, "garbage nodes", 0);
    expect(info.outside, outside, "nodes held from outside", 0);
    expect((long long)(info.dangling + info.conflicts), 0, "dangling, conflicts", 0);
}

/* ---- paths ---- */

/* What a path says, as numbers; the smaller list comes first. */
struct words {
    int count, at[3 * NODES + 4];
};

static int compare_words(const struct words *a, const struct words *b)
{
    for (int i = 0; i < a->count && i < b->count; i++) {
        if (a->at[i] != b->at[i])
            return a->at[i] < b->at[i] ? -1 : 1;
    }
    return a->count - b->count;
}

/* What is ignored, in the model's own terms. */
struct ignored {
    int edges[5], nodes[NODES], types[4], labels[LABELS + 9], roots[ROOT_KINDS], outside;
};

struct search {
    const struct model *model;
    struct ignored ignored;
    int target[NODES], banned[NODES], used_root[ROOTS], used_outside[NODES];
    char cut[NODES][NODES]; /* a path began with this step */
    int distance[NODES];
    int known[NODES]; /* best[i] is filled */
    struct words best[NODES];
};

/* Whether a path of now may take an edge, whatever lies at its end. */
static int takes(const struct search *search, const struct edge *edge, int strength)
{
    int kind = edge_strengths[edge->kind];
    return kind >= 0 && kind <= strength && !search->ignored.edges[edge->kind] &&
           !search->ignored.labels[edge->label] && !search->cut[edge->from][edge->to];
}

static void find_distances(struct search *search, int strength)
{
    const struct model *model = search->model;
    for (int i = 0; i < model->node_count; i++)
        search->distance[i] = search->target[i] ? 0 : FAR;
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < model->edge_count; i++) {
            const struct edge *edge = &model->edges[i];
            int through = search->distance[edge->to] + 1;
            if (!takes(search, edge, strength) || search->banned[edge->from] ||
                search->ignored.nodes[edge->from] ||
                search->ignored.types[model->nodes[edge->from].type] ||
                search->distance[edge->from] <= through)
                continue;
            search->distance[edge->from] = through;
            changed = 1;
        }
    }
}

/* The first words by content from a node to the nearest target. */
static const struct words *best_from(struct search *search, int node, int strength)
{
    const struct model *model = search->model;
    struct words *best = &search->best[node];
    if (search->known[node])
        return best;
    search->known[node] = 1;
    best->count = 0;
    if (search->distance[node] == 0)
        return best;
    for (int i = 0; i < model->edge_count; i++) {
        const struct edge *edge = &model->edges[i];
        if (edge->from != node || !takes(search, edge, strength) ||
            search->distance[edge->to] != search->distance[node] - 1)
            continue;
        const struct words *rest = best_from(search, edge->to, strength);
        struct words all = {3 + rest->count, {edge->kind, edge->label,
                                              node_word(model, edge->to)}};
        memcpy(all.at + 3, rest->at, (size_t)rest->count * sizeof rest->at[0]);
        if (best->count == 0 || compare_words(&all, best) < 0)
            *best = all;
    }
    return best;
}

/* A root's words: order of its kind's name, label, what it holds. Outside roots: 9. */
static void try_start(struct search *search, int node, int kind, int label, int strength,
                      struct words *best, int *nearest)
{
    const struct words *rest = best_from(search, node, strength);
    struct words all = {3 + rest->count, {kind, label, node_word(search->model, node)}};
    memcpy(all.at + 3, rest->at, (size_t)rest->count * sizeof rest->at[0]);
    if (search->distance[node] < *nearest ||
        (search->distance[node] == *nearest && compare_words(&all, best) < 0)) {
        *nearest = search->distance[node];
        *best = all;
    }
}

static int name_word(const char *name)
{
    return strcmp(name, "aside") == 0 ? 0 : strcmp(name, "global") == 0 ? 1 : 2;
}

static int root_word(int kind)
{
    return name_word(root_kinds[kind].name);
}

/* The words of the best path; its strength and whether a bystander begins it, as one number, or -1
 * when there is none. */
static int best_path(struct search *search, struct words *best)
{
    const struct model *model = search->model;
    for (int turn = 0; turn < 2 * STRENGTHS; turn++) {
        int strength = turn / 2, owners = turn % 2 == 0, nearest = FAR;
        find_distances(search, strength);
        memset(search->known, 0, sizeof search->known);
        for (int i = 0; i < model->root_count; i++) {
            const struct root *root = &model->roots[i];
            if (root_kinds[root->kind].strength <= strength && !search->used_root[i] &&
                !(owners && root_kinds[root->kind].flags & LW_ROOT_BYSTANDER) &&
                !search->ignored.roots[root->kind] && search->distance[root->node] < FAR)
                try_start(search, root->node, root_word(root->kind), root->label, strength, best,
                          &nearest);
        }
        for (int i = 0; strength >= 3 && !search->ignored.outside && i < model->node_count; i++) {
            if (is_outside(model, i) && !search->used_outside[i] && search->distance[i] < FAR)
                try_start(search, i, 9, 0, strength, best, &nearest);
        }
        if (nearest < FAR)
            return strength * 2 + (best->at[0] != 9 && strength < 3 && !owners);
    }
    return -1;
}

static int path_strength(const lw_paths *paths, uint32_t index, const lw_path *path)
{
    int strength = path->asker ? 4 : path->outside ? 3 : 0;
    int bystander = !path->asker && path->bystander;
    for (uint32_t i = 0; i < path->steps; i++) {
        lw_edge edge = LW_EDGE_INIT;
        lw_path_step_get(paths, index, i, &edge, NULL);
        int kind = edge_strengths[edge.kind];
        strength = kind < 0 ? 99 : kind > strength ? kind : strength;
    }
    return strength * 2 + bystander;
}

static void read_path(const struct model *model, const lw_paths *paths, uint32_t index,
                      struct words *words)
{
    const lw_snapshot *snapshot = lw_paths_snapshot(paths);
    lw_path path = LW_PATH_INIT;
    lw_path_get(paths, index, &path, NULL);
    lw_node at = path.first;
    words->at[0] = path.outside ? 9 : name_word(path.root_kind);
    words->at[1] = model_label(path.root_label);
    words->at[2] = node_word(model, model_node(snapshot, model, path.first));
    words->count = 3;
    for (uint32_t i = 0; i < path.steps; i++) {
        lw_edge edge = LW_EDGE_INIT;
        lw_path_step_get(paths, index, i, &edge, NULL);
        expect(edge.from, at, "step's holder", (int)i);
        at = edge.to;
        words->at[words->count++] = edge.kind;
        words->at[words->count++] = model_label(edge.label);
        words->at[words->count++] = node_word(model, model_node(snapshot, model, edge.to));
    }
    expect(at, path.target, "end of the path", (int)index);
}

/* Bans in the plain search what the library's path went through. */
static void ban(struct search *search, const lw_paths *paths, uint32_t index)
{
    const struct model *model = search->model;
    const lw_snapshot *snapshot = lw_paths_snapshot(paths);
    lw_path path = LW_PATH_INIT;
    lw_path_get(paths, index, &path, NULL);
    for (uint32_t i = 0; i < path.steps; i++) {
        lw_edge edge = LW_EDGE_INIT;
        lw_path_step_get(paths, index, i, &edge, NULL);
        int from = model_node(snapshot, model, edge.from);
        int to = model_node(snapshot, model, edge.to);
        expect(search->banned[from], 0, "node on two paths", from);
        expect(search->cut[from][to], 0, "step on two paths", from);
        search->banned[from] = i > 0;
        search->cut[from][to] = i == 0;
    }
    int first = model_node(snapshot, model, path.first), label = model_label(path.root_label);
    if (path.steps == 0 && path.outside)
        search->used_outside[first] = 1;
    for (int i = 0; path.steps == 0 && !path.outside && i < model->root_count; i++) {
        const struct root *root = &model->roots[i];
        int asker = root_kinds[root->kind].strength == 4;
        int bystander = !!(root_kinds[root->kind].flags & LW_ROOT_BYSTANDER);
        if (!search->used_root[i] && root->node == first && root->label == label &&
            asker == (int)path.asker && bystander == (int)path.bystander && strcmp(root_kinds[root->kind].name, path.root_kind) == 0) {
            search->used_root[i] = 1;
            break;
        }
    }
}

/* What is ignored, as the library wants to be told. */
struct told {
    lw_node nodes[NODES];
    uint32_t types[8];
    lw_label labels[LABELS + 9];
    const char *roots[ROOT_KINDS + 2];
};

static void ignore_nodes(struct search *search, struct told *told, lw_paths_options *options,
                         lw_snapshot *snapshot)
{
    const struct model *model = search->model;
    for (int i = 0; i < model->node_count; i++) {
        if (!percent(8))
            continue;
        search->ignored.nodes[i] = 1;
        told->nodes[options->ignore_node_count++] = node_of(snapshot, model, i);
    }
    int type = percent(30) ? below(4) : -1;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(snapshot, &info, NULL);
    for (uint32_t i = 0; type >= 0 && i < info.types; i++) {
        lw_type_info row = LW_TYPE_INFO_INIT;
        lw_snapshot_type_get(snapshot, i, &row, NULL);
        search->ignored.types[type] = 1; /* in every runtime */
        if (row.key == type_keys[type] && strcmp(row.name, type_names[type]) == 0)
            told->types[options->ignore_type_count++] = i;
    }
    options->ignore_nodes = told->nodes;
    options->ignore_types = told->types;
}

static void ignore_edges(struct search *search, struct told *told, lw_paths_options *options)
{
    for (int i = 0; i < 5; i++) {
        search->ignored.edges[i] = percent(5);
        options->ignore_edges |= (uint32_t)search->ignored.edges[i] << i;
    }
    for (int i = 0; i < LABELS + 9; i++) {
        lw_label *label = &told->labels[options->ignore_label_count];
        search->ignored.labels[i] = percent(10);
        if (!search->ignored.labels[i])
            continue;
        options->ignore_label_count++;
        *label = (lw_label){-2, 0, NULL};
        if (i >= LABELS)
            *label = (lw_label){-1, (uint32_t)(i - LABELS), NULL};
        else if (i > 0)
            *label = (lw_label){label_texts[i].style, 0, label_texts[i].text};
    }
    options->ignore_labels = told->labels;
}

static void ignore_roots(struct search *search, struct told *told, lw_paths_options *options)
{
    static const char *const names[] = {"global", "stack", "aside", "held from outside", "none"};
    for (int i = 0; i < 5; i++) {
        if (!percent(10))
            continue;
        told->roots[options->ignore_root_count++] = names[i];
        search->ignored.outside |= i == 3;
        for (int kind = 0; kind < ROOT_KINDS; kind++)
            search->ignored.roots[kind] |= strcmp(root_kinds[kind].name, names[i]) == 0;
    }
    options->ignore_roots = told->roots;
}

static void check_paths(struct model *model, lw_snapshot *snapshot)
{
    struct search search = {.model = model};
    struct told told;
    lw_node targets[NODES];
    int count = 1 + below(percent(70) ? 1 : 5);
    for (int i = 0; i < count; i++) {
        int node = below(model->node_count);
        search.target[node] = 1;
        targets[i] = node_of(snapshot, model, node);
    }
    lw_paths *paths = NULL;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    options.limit = 1 + (uint32_t)below(5);
    if (percent(30))
        ignore_nodes(&search, &told, &options, snapshot);
    if (percent(30))
        ignore_edges(&search, &told, &options);
    if (percent(30))
        ignore_roots(&search, &told, &options);
    lw_paths_find(snapshot, targets, (uint64_t)count, &options, &paths, NULL);
    for (uint32_t i = 0; i < options.limit; i++) {
        struct words want = {0, {0}}, got = {0, {0}};
        int strength = best_path(&search, &want);
        expect(i < lw_paths_count(paths), strength >= 0, "path exists", (int)i);
        if (strength < 0 || i >= lw_paths_count(paths))
            break;
        lw_path path = LW_PATH_INIT;
        lw_path_get(paths, i, &path, NULL);
        read_path(model, paths, i, &got);
        expect(path_strength(paths, i, &path), strength, "strength", (int)i);
        expect(got.count, want.count, "length in words", (int)i);
        expect(compare_words(&got, &want), 0, "words", (int)i);
        ban(&search, paths, i);
    }
    lw_paths_release(paths);
}

/* ---- the same heap, pushed in another order or at other addresses ---- */

struct dump {
    char text[1 << 17];
    size_t used;
};

static void put(struct dump *dump, const char *what, unsigned long long a, unsigned long long b)
{
    if (dump->used < sizeof dump->text - 64)
        dump->used += (size_t)snprintf(dump->text + dump->used, 64, "%s %llx %llx\n", what, a, b);
}

static int put_edge(const lw_edge *edge, void *user)
{
    put(user, edge->label.text, edge->to, (unsigned)edge->kind);
    put(user, "label", (unsigned)edge->label.style, edge->label.index);
    return 0;
}

static void put_snapshot(lw_snapshot *snapshot, struct dump *dump)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(snapshot, &info, NULL);
    dump->used = 0;
    for (uint32_t i = 0; i < info.types; i++) {
        lw_type_info type = LW_TYPE_INFO_INIT;
        lw_snapshot_type_get(snapshot, i, &type, NULL);
        put(dump, type.name, type.key, type.count);
        put(dump, type.runtime, type.size, type.garbage);
    }
    for (lw_node i = 0; i < info.nodes; i++) {
        lw_node_info node = LW_NODE_INFO_INIT;
        lw_node_info_get(snapshot, i, &node, NULL);
        put(dump, node.runtime, node.key, node.type);
        put(dump, "node", node.flags, node.references);
        lw_edge_each(snapshot, i, put_edge, dump, NULL);
        lw_paths *paths = NULL;
        lw_paths_options options = LW_PATHS_OPTIONS_INIT;
        options.limit = 3;
        lw_paths_find(snapshot, &i, 1, &options, &paths, NULL);
        for (uint32_t j = 0; j < lw_paths_count(paths); j++) {
            lw_path path = LW_PATH_INIT;
            lw_path_get(paths, j, &path, NULL);
            put(dump, path.root_kind, path.first, path.steps);
        }
        lw_paths_release(paths);
    }
}

static void check_order(struct model *model, lw_snapshot *snapshot)
{
    static struct dump before, after;
    put_snapshot(snapshot, &before);
    shuffle(model);
    lw_snapshot *again = capture(model);
    put_snapshot(again, &after);
    expect(before.used, after.used, "length of all that is said after shuffling", 0);
    expect(memcmp(before.text, after.text, before.used), 0, "what is said after shuffling", 0);
    lw_snapshot_release(again);
}

/* The first path's words do not depend on addresses. */
static void check_addresses(struct model *model, lw_snapshot *snapshot)
{
    struct model moved = *model;
    new_keys(&moved);
    shuffle(&moved);
    lw_snapshot *again = capture(&moved);
    for (int i = 0; i < model->node_count; i++) {
        lw_paths *here = NULL, *there = NULL;
        lw_node a = node_of(snapshot, model, i), b = node_of(again, &moved, i);
        struct words here_words = {0, {0}}, there_words = {0, {0}};
        lw_paths_find(snapshot, &a, 1, NULL, &here, NULL);
        lw_paths_find(again, &b, 1, NULL, &there, NULL);
        expect(lw_paths_count(there), lw_paths_count(here), "paths elsewhere", i);
        if (lw_paths_count(here) && lw_paths_count(there)) {
            read_path(model, here, 0, &here_words);
            read_path(&moved, there, 0, &there_words);
            expect(compare_words(&here_words, &there_words), 0, "words elsewhere", i);
        }
        lw_paths_release(here);
        lw_paths_release(there);
    }
    lw_snapshot_release(again);
}

int main(int argc, char **argv)
{
    static struct model model;
    unsigned long heaps = argc > 1 ? strtoul(argv[1], NULL, 0) : getenv("LW_TEST_ALL") ? 10000 : 1000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    for (current = first; current < first + heaps && failures == 0; current++) {
        seed = current * 0x9e3779b97f4a7c15u + 1;
        make_model(&model);
        lw_snapshot *snapshot = capture(&model);
        check_nodes(&model, snapshot);
        for (int i = 0; i < 4; i++)
            check_paths(&model, snapshot);
        check_order(&model, snapshot);
        check_addresses(&model, snapshot);
        lw_snapshot_release(snapshot);
    }
    printf("%lu random heaps, %lu failures\n", heaps, failures);
    return failures != 0;
}
