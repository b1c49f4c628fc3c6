/* Small heaps that a test makes up, the runtimes that push them, and plain answers about them:
 * fixpoints and exhaustive comparison, nothing that the library does too. */
#ifndef GRAPH_MODEL_H
#define GRAPH_MODEL_H

#include <leakwatch.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 48, EDGES = 400, ROOTS = 24, RUNTIMES = 2, LABELS = 6, STRENGTHS = 5, FAR = 1000 };

/* All of it in the order of content: a smaller number comes first. */
static const char *const type_names[] = {"Array", "Map", "Map", "String"};
static const uint64_t type_keys[] = {0, 77, 78, 0};
static const int type_order[] = {0, 1, 1, 2}; /* two types bear one name */
static const struct {
    int32_t style;
    const char *text;
} label_texts[LABELS] = {
    {0, NULL}, {LW_LABEL_ATTRIBUTE, "left"}, {LW_LABEL_ATTRIBUTE, "right"},
    {LW_LABEL_KEY, "'k'"}, {LW_LABEL_VARIABLE, "v"}, {LW_LABEL_INTERNAL, "slot"},
};
static const struct {
    const char *name;
    uint32_t flags;
    int strength;
} root_kinds[] = {
    {"global", 0, 0}, {"stack", LW_ROOT_BORROWED, 0}, {"stack", LW_ROOT_ASKER, 4},
    {"global", LW_ROOT_BYSTANDER, 0}, {"aside", LW_ROOT_BYSTANDER | LW_ROOT_BORROWED, 0},
};
enum { ROOT_KINDS = 5 };
static const int edge_strengths[] = {0, -1, -1, 1, 2}; /* by lw_edge_kind; -1: holds nothing */

struct node {
    lw_key key;
    int runtime, type;
    uint64_t size, stated, external;
};

struct edge {
    int from, to, kind, label; /* a label from LABELS on is an index */
};

struct root {
    int node, kind, label;
};

struct model {
    struct node nodes[NODES];
    struct edge edges[EDGES];
    struct root roots[ROOTS];
    int node_count, edge_count, root_count;
    int opaque[RUNTIMES];
    int pushes[NODES + EDGES + ROOTS]; /* the order in which all of it is pushed */
};

/* ---- chance ---- */

static uint64_t seed;

static uint64_t random_word(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x9e3779b97f4a7c15u;
}

static int below(int limit)
{
    return (int)((random_word() >> 33) % (uint64_t)limit);
}

static int percent(int chance)
{
    return below(100) < chance;
}

/* ---- making ---- */

static lw_key random_key(int opaque)
{
    if (opaque)
        return percent(50) ? 1 + (lw_key)below(100) : percent(5) ? UINT64_MAX : random_word() | 1;
    lw_key base = percent(70) ? 0x7f0000001000u : percent(50) ? 0x10000u : 0xfffffffffff00000u;
    return base + 8 * (lw_key)below(percent(50) ? 64 : 60000);
}

static int key_taken(const struct model *model, int count, int runtime, lw_key key)
{
    for (int i = 0; i < count; i++) {
        if (model->nodes[i].runtime == runtime && model->nodes[i].key == key)
            return 1;
    }
    return 0;
}

static void new_keys(struct model *model)
{
    for (int i = 0; i < model->node_count; i++) {
        struct node *node = &model->nodes[i];
        do {
            node->key = random_key(model->opaque[node->runtime]);
        } while (key_taken(model, i, node->runtime, node->key));
    }
}

static void shuffle(struct model *model)
{
    int count = model->node_count + model->edge_count + model->root_count;
    for (int i = 0; i < count; i++)
        model->pushes[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int other = below(i + 1), swap = model->pushes[i];
        model->pushes[i] = model->pushes[other];
        model->pushes[other] = swap;
    }
}

static int random_kind(int odd)
{
    return percent(odd) ? below(5) : LW_EDGE_STRONG;
}

/* Sparse, dense, in layers, in cycles, in parts that know nothing of each other; with edges side
 * by side and to oneself; with every kind of edge or with strong ones only. */
static void add_edges(struct model *model)
{
    int shape = below(5), odd = percent(50) ? 0 : below(60), labels = percent(20) ? 1 : 9;
    int wanted = shape == 1 ? model->node_count * 6 : model->node_count * (1 + below(2));
    for (int i = 0; i < wanted && model->edge_count < EDGES; i++) {
        struct edge edge = {below(model->node_count), below(model->node_count), 0, below(labels)};
        if (shape == 2 && edge.to <= edge.from)
            continue; /* downwards only */
        if (shape == 3)
            edge.to = (edge.from + 1 + below(3)) % model->node_count; /* rings */
        if (shape == 4 && edge.from / 8 != edge.to / 8)
            continue; /* islands */
        if (model->nodes[edge.from].runtime != model->nodes[edge.to].runtime)
            continue;
        edge.kind = random_kind(odd);
        model->edges[model->edge_count++] = edge;
        if (percent(10) && model->edge_count < EDGES)
            model->edges[model->edge_count++] = edge;
    }
}

static int counted_references(const struct model *model, int node)
{
    int count = 0;
    for (int i = 0; i < model->edge_count; i++)
        count += model->edges[i].to == node && edge_strengths[model->edges[i].kind] >= 0;
    for (int i = 0; i < model->root_count; i++)
        count += model->roots[i].node == node &&
                 !(root_kinds[model->roots[i].kind].flags & LW_ROOT_BORROWED);
    return count;
}

static void make_model(struct model *model)
{
    int runtimes = 1 + percent(25), labels = percent(50) ? 1 : 9, types = 1 + below(4);
    int askers = percent(30) ? 100 : 15;
    memset(model, 0, sizeof *model);
    model->node_count = 1 + below(percent(30) ? 8 : NODES);
    for (int i = 0; i < RUNTIMES; i++)
        model->opaque[i] = percent(40);
    for (int i = 0; i < model->node_count; i++) {
        struct node *node = &model->nodes[i];
        *node = (struct node){0, below(runtimes), below(types), 16u * (1 + (unsigned)below(2)), 0, 0};
    }
    new_keys(model);
    add_edges(model);
    for (int wanted = below(4); wanted > 0; wanted--) {
        int kind = percent(askers) ? 2 : percent(60) ? below(2) : 3 + below(2);
        model->roots[model->root_count++] =
            (struct root){below(model->node_count), kind, below(labels)};
    }
    if (percent(40)) {
        for (int i = 0; i < model->node_count; i++) {
            if (percent(80))
                model->nodes[i].stated = (uint64_t)counted_references(model, i);
            if (percent(5))
                model->nodes[i].stated += (uint64_t)(percent(50) ? 1 : 300);
        }
    }
    shuffle(model);
}

/* ---- pushing ---- */

struct host {
    struct model *model;
    int runtime;
};

static uint32_t push_label(lw_sink *sink, int label)
{
    if (label >= LABELS)
        return LW_LABEL_INDEX(label - LABELS);
    const char *text = label_texts[label].text;
    return text ? lw_sink_label(sink, label_texts[label].style, text, strlen(text)) : 0;
}

static void push_node(lw_sink *sink, const struct node *node)
{
    uint32_t type = lw_sink_type(sink, type_keys[node->type], type_names[node->type], 0);
    lw_sink_node(sink, node->key, type, node->size);
    if (node->stated)
        lw_sink_references(sink, node->key, node->stated);
    if (node->external)
        lw_sink_external(sink, node->key, node->external);
}

static int push_model(lw_sink *sink, void *user)
{
    const struct host *host = user;
    const struct model *model = host->model;
    for (int i = 0; i < model->node_count + model->edge_count + model->root_count; i++) {
        int item = model->pushes[i];
        if (item < model->node_count) {
            if (model->nodes[item].runtime == host->runtime)
                push_node(sink, &model->nodes[item]);
        } else if (item < model->node_count + model->edge_count) {
            const struct edge *edge = &model->edges[item - model->node_count];
            if (model->nodes[edge->from].runtime == host->runtime)
                lw_sink_edge(sink, model->nodes[edge->from].key, model->nodes[edge->to].key,
                             edge->kind, push_label(sink, edge->label));
        } else {
            const struct root *root = &model->roots[item - model->node_count - model->edge_count];
            uint32_t kind = lw_sink_root_kind(sink, root_kinds[root->kind].name,
                                              root_kinds[root->kind].flags);
            if (model->nodes[root->node].runtime == host->runtime)
                lw_sink_root(sink, model->nodes[root->node].key, kind,
                             push_label(sink, root->label));
        }
    }
    return 0;
}

static const char *const runtime_names[RUNTIMES] = {"one", "two"};

static inline lw_snapshot *capture(struct model *model)
{
    struct host hosts[RUNTIMES] = {{model, 0}, {model, 1}};
    lw_context *context = NULL;
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_context_create(NULL, &context, NULL);
    for (int i = 0; i < RUNTIMES; i++) {
        lw_runtime *runtime;
        lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
        options.name = runtime_names[i];
        options.key_kind = model->opaque[i] ? LW_KEY_OPAQUE : LW_KEY_ADDRESS;
        options.enumerate = push_model;
        options.user = &hosts[i];
        lw_runtime_create(context, &options, &runtime, NULL);
    }
    if (lw_snapshot_take(context, NULL, &snapshot, &error) != LW_OK) {
        fprintf(stderr, "snapshot: %s\n", error.message);
        exit(1);
    }
    lw_context_release(context);
    return snapshot;
}

/* ---- plain answers ---- */

static int is_outside(const struct model *model, int node)
{
    return model->nodes[node].stated > (uint64_t)counted_references(model, node);
}

/* Sets held[i] for every node that something holds. */
static inline void find_held(const struct model *model, int *held)
{
    for (int i = 0; i < model->node_count; i++)
        held[i] = is_outside(model, i);
    for (int i = 0; i < model->root_count; i++)
        held[model->roots[i].node] = 1;
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < model->edge_count; i++) {
            const struct edge *edge = &model->edges[i];
            if (held[edge->from] && !held[edge->to] && edge_strengths[edge->kind] >= 0)
                held[edge->to] = changed = 1;
        }
    }
}

/* The content of a node as a number. */
static inline int node_word(const struct model *model, int node)
{
    const struct node *it = &model->nodes[node];
    return type_order[it->type] * 1000 + it->runtime * 100 + (int)it->size;
}

static lw_node node_of(const lw_snapshot *snapshot, const struct model *model, int node)
{
    lw_node found = LW_NODE_NONE;
    lw_node_find(snapshot, runtime_names[model->nodes[node].runtime], model->nodes[node].key,
                 &found, NULL);
    return found;
}

static inline int model_node(const lw_snapshot *snapshot, const struct model *model, lw_node node)
{
    for (int i = 0; i < model->node_count; i++) {
        if (node_of(snapshot, model, i) == node)
            return i;
    }
    return -1;
}

static inline int model_label(lw_label label)
{
    if (label.style == -2)
        return 0;
    if (label.style == -1)
        return LABELS + (int)label.index;
    for (int i = 1; i < LABELS; i++) {
        if (label_texts[i].style == label.style && strcmp(label_texts[i].text, label.text) == 0)
            return i;
    }
    return -1;
}

#endif
