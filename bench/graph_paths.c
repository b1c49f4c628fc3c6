/* How long questions to a large heap take: the first retention path and the next ones, of the same
 * objects and of others, and a comparison.
 *
 * usage: graph_paths [most nodes] [least nodes] */
#include <leakwatch.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NEXT = 10, DEGREE = 3 };

/* In what order the nodes lie in memory, and whom they refer to. */
enum shape { HEAP_ORDER, SHUFFLED, POWER_LAW, SHAPES };
static const char *const shape_names[] = {"heap order", "shuffled", "power law"};

struct heap {
    enum shape shape;
    uint64_t nodes;
    uint64_t prime; /* place of node i is i * prime % nodes */
    int grown;
};

static uint64_t seed;

static uint64_t below(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed * UINT64_C(0x9e3779b97f4a7c15) >> 16) % limit;
}

static lw_key key_of(const struct heap *heap, uint64_t node)
{
    uint64_t place = heap->shape == SHUFFLED ? node * heap->prime % heap->nodes : node;
    return 0x10000000 + place * 48;
}

/* A tree, so that all of it is held, and further references: near by, or mostly to a few. */
static uint64_t other_of(const struct heap *heap, uint64_t node)
{
    if (heap->shape == POWER_LAW) {
        uint64_t limit = heap->nodes;
        for (int i = 0; i < 6; i++)
            limit = 1 + below(limit);
        return limit - 1;
    }
    return below(8) ? (node + below(1000)) % heap->nodes : below(heap->nodes);
}

static int enumerate(lw_sink *sink, void *user)
{
    const struct heap *heap = user;
    uint32_t types[8], left = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "left", 4);
    for (int i = 0; i < 8; i++)
        types[i] = lw_sink_type(sink, (uint64_t)i + 1, "node", 0);
    seed = 88172645463325252u;
    uint64_t nodes = heap->nodes - (heap->grown ? 0 : heap->nodes / 100);
    for (uint64_t i = 0; i < nodes; i++) {
        lw_key key = key_of(heap, i);
        lw_sink_node(sink, key, types[i % 8], 48);
        if (i > 0)
            lw_sink_edge(sink, key_of(heap, (i - 1) / 4), key, LW_EDGE_STRONG,
                         i % 2 ? left : LW_LABEL_INDEX(i % 4));
        for (int j = 1; j < DEGREE; j++) {
            uint64_t to = other_of(heap, i);
            if (to < nodes)
                lw_sink_edge(sink, key, key_of(heap, to), LW_EDGE_STRONG, left);
        }
    }
    uint32_t kind = lw_sink_root_kind(sink, "module", 0);
    return lw_sink_root(sink, key_of(heap, 0), kind, 0);
}

static double now(void)
{
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static lw_snapshot *must(lw_context *context)
{
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    if (lw_snapshot_take(context, NULL, &snapshot, &error) != LW_OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return snapshot;
}

/* Seconds for up to `limit` paths to a node; the number of those found is added to *found. */
static double find(lw_snapshot *snapshot, lw_node node, uint32_t limit, uint32_t *found)
{
    lw_paths *paths = NULL;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    options.limit = limit;
    double begun = now();
    if (lw_paths_find(snapshot, &node, 1, &options, &paths, NULL) != LW_OK)
        exit(1);
    double took = now() - begun;
    *found += lw_paths_count(paths);
    lw_paths_release(paths);
    return took;
}

static lw_node node_at(const struct heap *heap, const lw_snapshot *snapshot, uint64_t node)
{
    lw_node found = LW_NODE_NONE;
    if (lw_node_find(snapshot, "heap", key_of(heap, node), &found, NULL) != LW_OK)
        exit(1);
    return found;
}

static void measure(struct heap *heap)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "heap";
    options.enumerate = enumerate;
    options.user = heap;
    lw_context_create(NULL, &context, NULL);
    lw_runtime_create(context, &options, &runtime, NULL);
    heap->grown = 0;
    lw_snapshot *base = must(context);
    heap->grown = 1;
    double begun = now();
    lw_snapshot *snapshot = must(context);
    double took = now() - begun, first, more, others = 0, worst = 0;
    uint32_t found = 0, several = 0, ignored = 0;
    lw_node target = node_at(heap, snapshot, heap->nodes - 7);
    first = find(snapshot, target, 1, &found);
    more = find(snapshot, target, 1 + NEXT, &several);
    for (uint64_t i = 1; i <= NEXT; i++) {
        lw_node other = node_at(heap, snapshot, heap->nodes / (i + 1));
        double one = find(snapshot, other, 1, &ignored);
        others += one;
        worst = one > worst ? one : worst;
    }
    begun = now();
    lw_diff *diff = NULL;
    lw_diff_create(base, snapshot, &diff, NULL);
    double compared = now() - begun;
    printf("%-10s  %8llu nodes  capture %6.2f s  first path %8.2f ms  up to %2u paths %8.2f ms  "
           "other objects %7.2f ms (worst %7.2f)  diff %6.1f ms\n",
           shape_names[heap->shape], (unsigned long long)heap->nodes, took, first * 1e3, several,
           more * 1e3, others / NEXT * 1e3, worst * 1e3, compared * 1e3);
    fflush(stdout);
    lw_diff_release(diff);
    lw_snapshot_release(base);
    lw_snapshot_release(snapshot);
    lw_context_release(context);
}

int main(int argc, char **argv)
{
    uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000000;
    uint64_t least = argc > 2 ? strtoull(argv[2], NULL, 0) : 100000;
    for (int shape = 0; shape < SHAPES; shape++) {
        for (uint64_t nodes = least; nodes <= most; nodes *= 10) {
            struct heap heap = {(enum shape)shape, nodes, 2654435761u, 0};
            measure(&heap);
        }
    }
    return 0;
}
