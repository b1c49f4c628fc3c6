/* Heaps of extreme shape, captured, compared, checked and searched on a thread with 64 KiB of
 * stack: long chains, wide fans, one long ring, a comb of equal labels.
 *
 * usage: graph_shapes [nodes] */
#include <leakwatch.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum shape { CHAIN, RING, FAN_OUT, FAN_IN, SELF, COMB, SHAPES };

static const char *const shape_names[] = {"chain",  "ring",      "fan out",
                                          "fan in", "self loops", "comb"};

struct heap {
    enum shape shape;
    uint32_t nodes;
    int opaque;
};

static unsigned long failures;

static void expect(uint64_t got, uint64_t want, const struct heap *heap, const char *what)
{
    if (got == want)
        return;
    failures++;
    fprintf(stderr, "%s: %s: %llu, should be %llu\n", shape_names[heap->shape], what,
            (unsigned long long)got, (unsigned long long)want);
}

static lw_key key_of(const struct heap *heap, uint32_t node)
{
    return heap->opaque ? ((lw_key)node * 0x9e3779b97f4a7c15u | 1) : 0x10000u + (lw_key)node * 48;
}

/* Node 0 is the root; the last node is what paths are asked for. */
static int enumerate(lw_sink *sink, void *user)
{
    const struct heap *heap = user;
    uint32_t type = lw_sink_type(sink, 0, "node", 0), last = heap->nodes - 1;
    uint32_t next = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "next", 4);
    for (uint32_t i = heap->nodes; i-- > 0;) { /* backwards: the last comes first */
        lw_key key = key_of(heap, i);
        lw_sink_node(sink, key, type, 48);
        if ((heap->shape == CHAIN || heap->shape == RING) && i < last)
            lw_sink_edge(sink, key, key_of(heap, i + 1), LW_EDGE_STRONG, next);
        if (heap->shape == FAN_OUT && i > 0)
            lw_sink_edge(sink, key_of(heap, 0), key, LW_EDGE_STRONG, LW_LABEL_INDEX(i));
        if (heap->shape == FAN_IN && i < last) {
            lw_sink_edge(sink, key_of(heap, 0), key, LW_EDGE_STRONG, LW_LABEL_INDEX(i));
            lw_sink_edge(sink, key, key_of(heap, last), LW_EDGE_STRONG, next);
        }
        if (heap->shape == SELF) {
            lw_sink_edge(sink, key, key, LW_EDGE_STRONG, next);
            lw_sink_edge(sink, key_of(heap, 0), key, LW_EDGE_STRONG, next);
        }
        if (heap->shape == COMB && i < last) { /* every step twice, with equal words */
            uint32_t to = i + 2 > last ? last : i + 2;
            lw_sink_edge(sink, key, key_of(heap, to), LW_EDGE_STRONG, next);
        }
        if (heap->shape == COMB && i + 3 < heap->nodes)
            lw_sink_edge(sink, key, key_of(heap, i + 3 - i % 2), LW_EDGE_STRONG, next);
    }
    if (heap->shape == RING)
        lw_sink_edge(sink, key_of(heap, last), key_of(heap, 0), LW_EDGE_STRONG, next);
    return lw_sink_root(sink, key_of(heap, 0), lw_sink_root_kind(sink, "global", 0), 0);
}

static uint64_t edges_of(const struct heap *heap)
{
    uint64_t n = heap->nodes;
    switch (heap->shape) {
    case CHAIN:
    case FAN_OUT:
        return n - 1;
    case RING:
        return n;
    case FAN_IN:
    case SELF:
    case SHAPES:
        return heap->shape == FAN_IN ? 2 * (n - 1) : 2 * n;
    case COMB:
        return n - 1 + n - 3;
    }
    return 0;
}

static uint64_t steps_of(const struct heap *heap)
{
    switch (heap->shape) {
    case CHAIN:
    case RING:
        return heap->nodes - 1;
    case FAN_OUT:
    case SELF:
    case FAN_IN: /* the root is itself one of those that hold the last */
        return 1;
    default:
        return 0; /* not asked */
    }
}

static void check_snapshot(const struct heap *heap, lw_snapshot *snapshot)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_node last = LW_NODE_NONE;
    lw_paths *paths = NULL;
    lw_path path = LW_PATH_INIT;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    options.limit = 3;
    lw_snapshot_info_get(snapshot, &info, NULL);
    expect(info.nodes, heap->nodes, heap, "nodes");
    expect(info.edges, edges_of(heap), heap, "edges");
    lw_node_find(snapshot, "shape", key_of(heap, heap->nodes - 1), &last, NULL);
    expect((uint64_t)lw_paths_find(snapshot, &last, 1, &options, &paths, NULL), LW_OK, heap,
           "search");
    lw_path_get(paths, 0, &path, NULL);
    if (steps_of(heap))
        expect(path.steps, steps_of(heap), heap, "steps");
    else
        expect(path.steps > heap->nodes / 4, 1, heap, "many steps");
    if (heap->shape != COMB)
        expect(info.garbage, 0, heap, "garbage");
    lw_paths_release(paths);
}

static void run_shape(struct heap *heap)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_snapshot *snapshot = NULL;
    lw_check *check = NULL;
    lw_diff *diff = NULL;
    lw_diff_info info = LW_DIFF_INFO_INIT;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "shape";
    options.key_kind = heap->opaque ? LW_KEY_OPAQUE : LW_KEY_ADDRESS;
    options.enumerate = enumerate;
    options.user = heap;
    lw_context_create(NULL, &context, NULL);
    lw_runtime_create(context, &options, &runtime, NULL);
    expect((uint64_t)lw_snapshot_take(context, NULL, &snapshot, NULL), LW_OK, heap, "snapshot");
    expect((uint64_t)lw_runtime_check(runtime, &check, NULL), LW_OK, heap, "check");
    expect(lw_check_count(check), heap->shape == COMB, heap, "problems");
    check_snapshot(heap, snapshot);
    lw_diff_create(snapshot, snapshot, &diff, NULL);
    lw_diff_info_get(diff, &info, NULL);
    expect(info.created + info.gone, 0, heap, "changes");
    lw_diff_release(diff);
    lw_check_release(check);
    lw_snapshot_release(snapshot);
    lw_context_release(context);
}

static void *run_all(void *user)
{
    for (int shape = 0; shape < SHAPES; shape++) {
        for (int opaque = 0; opaque < 2; opaque++) {
            struct heap heap = {(enum shape)shape, *(uint32_t *)user, opaque};
            run_shape(&heap);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    uint32_t nodes = argc > 1                 ? (uint32_t)strtoul(argv[1], NULL, 0)
                     : getenv("LW_TEST_ALL") ? 3000000
                                             : 100000;
    size_t stack = 64 * 1024;
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, stack) != 0 ||
        pthread_create(&thread, &attributes, run_all, &nodes) != 0) {
        printf("no thread with a stack of %u KiB here\n", (unsigned)(stack / 1024));
        return 77;
    }
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    printf("%d shapes of %u nodes, %lu failures\n", SHAPES, (unsigned)nodes, failures);
    return failures != 0;
}
