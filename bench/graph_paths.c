/* How long retention paths in a large heap take: the first one, up to ten more to the same object,
 * and those to others, the worst of them. graph_curve has the other questions.
 *
 * usage: graph_paths [most nodes] [least nodes] */
#include "graph_host.h"

#include <stdio.h>

enum { NEXT = 10 };

/* CPU seconds for up to `limit` paths to a node; the number of those found is added to *found. */
static double find(lw_snapshot *snapshot, lw_node node, uint32_t limit, uint32_t *found)
{
    lw_paths *paths = NULL;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    options.limit = limit;
    double begun = bench_cpu();
    if (lw_paths_find(snapshot, &node, 1, &options, &paths, NULL) != LW_OK)
        exit(1);
    double took = bench_cpu() - begun;
    *found += lw_paths_count(paths);
    lw_paths_release(paths);
    return took;
}

static lw_node node_at(const struct bench_heap *heap, const lw_snapshot *snapshot, uint64_t node)
{
    lw_node found = LW_NODE_NONE;
    if (lw_node_find(snapshot, "bench", bench_key(heap, node), &found, NULL) != LW_OK)
        exit(1);
    return found;
}

static int measure(struct bench_heap *heap)
{
    lw_snapshot *snapshot = bench_take(heap, NULL);
    double first, more, others = 0, worst = 0;
    uint32_t found = 0, several = 0, ignored = 0;
    if (!snapshot) {
        fprintf(stderr, "no snapshot of %llu nodes\n", (unsigned long long)heap->nodes);
        return 0;
    }
    lw_node target = node_at(heap, snapshot, heap->nodes - 7);
    first = find(snapshot, target, 1, &found);
    more = find(snapshot, target, 1 + NEXT, &several);
    for (uint64_t i = 1; i <= NEXT; i++) {
        double one = find(snapshot, node_at(heap, snapshot, heap->nodes / (i + 1)), 1, &ignored);
        others += one;
        worst = one > worst ? one : worst;
    }
    printf("%-10s  %8llu nodes  first path %8.2f ms  up to %2u paths %8.2f ms  other objects %7.2f "
           "ms (worst %7.2f)\n",
           bench_shape_names[heap->shape], (unsigned long long)heap->nodes, first * 1e3, several,
           more * 1e3, others / NEXT * 1e3, worst * 1e3);
    fflush(stdout);
    lw_snapshot_release(snapshot);
    return 1;
}

int main(int argc, char **argv)
{
    uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000000;
    uint64_t least = argc > 2 ? strtoull(argv[2], NULL, 0) : 100000;
    int right = 1;
    for (int shape = 0; shape < BENCH_SHAPES; shape++) {
        for (uint64_t nodes = least; right && nodes && nodes <= most; nodes *= 10) {
            struct bench_heap heap = {(enum bench_shape)shape, nodes, 0, 0};
            right = measure(&heap);
        }
    }
    return !right;
}
