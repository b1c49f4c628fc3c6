/* What the plug costs: the time of a walk, call by call, beside what is done with it afterwards,
 * and the most memory that a capture takes beside its result. `graph_plug [NODES]`, 3 edges each. */
#include "graph_host.h"

#include <stdio.h>

typedef struct heap {
    uint32_t nodes;
    int opaque;
    double walk; /* seconds */
} heap;

static lw_key key_of(const heap *heap, uint32_t node)
{
    return heap->opaque ? (lw_key)node * 3 + 1 : UINT64_C(0x7f0000000000) + (lw_key)node * 48;
}

/* The loop alone, with calls that do nothing: what no batch could save. */
static int nothing(lw_key from, lw_key to, int32_t kind, uint32_t label)
{
    return (from ^ to) == 1 && kind && label;
}

static int (*volatile do_nothing)(lw_key, lw_key, int32_t, uint32_t) = nothing;

static double loop_alone(const heap *heap)
{
    double start = bench_cpu();
    for (uint32_t i = 0; i < heap->nodes; i++) {
        for (uint32_t j = 1; j <= 3; j++)
            do_nothing(key_of(heap, i), key_of(heap, (i * j + j) % heap->nodes), 0, j);
    }
    return bench_cpu() - start;
}

static int enumerate(lw_sink *sink, void *user)
{
    heap *heap = user;
    uint32_t type = lw_sink_type(sink, 0, "node", 0);
    double start = bench_cpu();
    for (uint32_t i = 0; i < heap->nodes; i++) {
        lw_key key = key_of(heap, i);
        lw_sink_node(sink, key, type, 48);
        for (uint32_t j = 1; j <= 3; j++)
            lw_sink_edge(sink, key, key_of(heap, (i * j + j) % heap->nodes), LW_EDGE_STRONG,
                         LW_LABEL_INDEX(j));
    }
    heap->walk = bench_cpu() - start;
    return lw_sink_root(sink, key_of(heap, 0), lw_sink_root_kind(sink, "global", 0), 0);
}

static int measure(heap heap)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_snapshot *snapshot = NULL;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "bench";
    options.key_kind = heap.opaque ? LW_KEY_OPAQUE : LW_KEY_ADDRESS;
    options.enumerate = enumerate;
    options.user = &heap;
    lw_context_create(NULL, &context, NULL);
    lw_runtime_create(context, &options, &runtime, NULL);
    double start = bench_cpu(), loop = loop_alone(&heap);
    if (lw_snapshot_take(context, NULL, &snapshot, NULL) != LW_OK)
        return 1;
    double all = bench_cpu() - start - loop, edges = (double)heap.nodes * 3;
    lw_snapshot_info_get(snapshot, &info, NULL);
    printf("%s keys, %u nodes: walk %.1f ns an edge (calls that do nothing: %.1f), capture %.1f; "
           "%.1f B a node kept, %.1f at the most, %.1fx\n",
           heap.opaque ? "opaque" : "address", (unsigned)heap.nodes, heap.walk / edges * 1e9,
           loop / edges * 1e9, all / edges * 1e9, (double)info.own_bytes / heap.nodes,
           (double)info.peak_bytes / heap.nodes, (double)info.peak_bytes / (double)info.own_bytes);
    lw_snapshot_release(snapshot);
    lw_context_release(context);
    return 0;
}

int main(int argc, char **argv)
{
    heap heap = {.nodes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000};
    int failed = measure(heap);
    heap.opaque = 1;
    return measure(heap) | failed;
}
