/* A heap in tables for the tests of reports on graphs. */
#ifndef TESTS_UNIT_REPORT_HEAP_H
#define TESTS_UNIT_REPORT_HEAP_H

#include "report_host.h"

enum { NODES = 1100 };

/* A heap in tables: what `enumerate` pushes. Keys are addresses. */
typedef struct heap {
    struct heap_node {
        lw_key key;
        const char *type;
        uint64_t size;
        uint32_t type_flags;
        uint64_t references; /* stated; 0: none */
    } nodes[NODES];
    struct heap_edge {
        lw_key from, to;
        int32_t kind, style; /* style -1: an index, -2: no label */
        const char *label;
        uint32_t index;
    } edges[NODES];
    struct heap_root {
        lw_key key;
        const char *kind, *label;
        uint32_t flags;
    } roots[8];
    int node_count, edge_count, root_count;
} heap;

static heap world;

static inline int enumerate(lw_sink *sink, void *user)
{
    const heap *heap = user;
    for (int i = 0; i < heap->node_count; i++) {
        const struct heap_node *node = &heap->nodes[i];
        lw_sink_node(sink, node->key, lw_sink_type(sink, 0, node->type, node->type_flags),
                     node->size);
        if (node->references)
            lw_sink_references(sink, node->key, node->references);
    }
    for (int i = 0; i < heap->edge_count; i++) {
        const struct heap_edge *edge = &heap->edges[i];
        uint32_t label = 0;
        if (edge->style == -1)
            label = LW_LABEL_INDEX(edge->index);
        else if (edge->style >= 0)
            label = lw_sink_label(sink, edge->style, edge->label, strlen(edge->label));
        lw_sink_edge(sink, edge->from, edge->to, edge->kind, label);
    }
    for (int i = 0; i < heap->root_count; i++) {
        const struct heap_root *root = &heap->roots[i];
        uint32_t label = root->label ? lw_sink_label(sink, LW_LABEL_VARIABLE, root->label,
                                                     strlen(root->label))
                                     : 0;
        lw_sink_root(sink, root->key, lw_sink_root_kind(sink, root->kind, root->flags), label);
    }
    return 0;
}

static inline host open_heap(void)
{
    host host = open_host("x");
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "toy";
    options.enumerate = enumerate;
    options.domains = &host.heap;
    options.domain_count = 1;
    options.user = &world;
    memset(&world, 0, sizeof world);
    cr_assert_eq(lw_runtime_create(host.context, &options, &host.runtime, NULL), LW_OK);
    return host;
}

static inline lw_key node(lw_key key, const char *type, uint64_t size)
{
    world.nodes[world.node_count++] = (struct heap_node){key, type, size, 0, 0};
    return key;
}

static inline void edge(lw_key from, lw_key to, int32_t style, const char *label, uint32_t index)
{
    world.edges[world.edge_count++] =
        (struct heap_edge){from, to, LW_EDGE_STRONG, style, label, index};
}

static inline void root(lw_key key, const char *kind, const char *label, uint32_t flags)
{
    world.roots[world.root_count++] = (struct heap_root){key, kind, label, flags};
}

static inline lw_snapshot *snapshot(host *host, const char *name)
{
    lw_snapshot *taken = NULL;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    options.name = name;
    cr_assert_eq(lw_snapshot_take(host->context, &options, &taken, NULL), LW_OK);
    return taken;
}

static inline lw_key block(host *host, uint64_t size)
{
    return born(host, size, PRICE, MAIN, 0);
}

#endif
