/* Heaps of extreme shape on a thread with 64 KiB of stack: what is dominated, and cycles of
 * garbage, in a long chain, a long ring, wide fans, and the heap on which ancestors looked for one
 * by one take quadratic time.
 *
 * usage: retain_shapes [nodes] */
#include <leakwatch.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum shape { CHAIN, RING, FAN_IN, FAR_LEAVES, LADDER, SHAPES };

static const char *const shape_names[] = {"chain", "ring", "fan in", "far leaves", "ladder"};

struct heap {
    enum shape shape;
    uint32_t nodes;
    int rooted;
};

static unsigned long failures;

static void expect(uint64_t got, uint64_t want, const struct heap *heap, const char *what)
{
    if (got == want)
        return;
    failures++;
    fprintf(stderr, "%s%s: %s: %llu, should be %llu\n", shape_names[heap->shape],
            heap->rooted ? "" : ", garbage", what, (unsigned long long)got,
            (unsigned long long)want);
}

static void push_edges(lw_sink *sink, const struct heap *heap, uint32_t i)
{
    uint32_t last = heap->nodes - 1, half = heap->nodes / 2;
    int far = heap->shape == FAR_LEAVES && i > half;
    if (!far && heap->shape != FAN_IN && i > 0)
        lw_sink_edge(sink, i, i + 1, LW_EDGE_STRONG, 0);
    if (far) { /* on the end of a chain, but the first node holds it too */
        lw_sink_edge(sink, half + 1, i + 1, LW_EDGE_STRONG, 0);
        lw_sink_edge(sink, 1, i + 1, LW_EDGE_STRONG, 0);
    }
    if (heap->shape == LADDER && i > 0)
        lw_sink_edge(sink, i + 1, i, LW_EDGE_STRONG, 0);
    if (heap->shape == FAN_IN && i > 0 && i < last) {
        lw_sink_edge(sink, 1, i + 1, LW_EDGE_STRONG, 0);
        lw_sink_edge(sink, i + 1, last + 1, LW_EDGE_STRONG, 0);
    }
}

/* Keys 1 to `nodes`; the first is held. */
static int enumerate(lw_sink *sink, void *user)
{
    const struct heap *heap = user;
    uint32_t type = lw_sink_type(sink, 0, "node", 0);
    for (uint32_t i = 0; i < heap->nodes; i++) {
        lw_sink_node(sink, i + 1, type, 16);
        push_edges(sink, heap, i);
    }
    if (heap->shape == RING || !heap->rooted)
        lw_sink_edge(sink, heap->nodes, 1, LW_EDGE_STRONG, 0);
    return heap->rooted ? lw_sink_root(sink, 1, lw_sink_root_kind(sink, "global", 0), 0) : 0;
}

static uint64_t depth_of_last(const struct heap *heap)
{
    switch (heap->shape) {
    case FAN_IN:
    case FAR_LEAVES:
        return 2;
    default:
        return heap->nodes;
    }
}

static int count_child(lw_node node, void *user)
{
    (void)node;
    ++*(uint64_t *)user;
    return 0;
}

static void check_dominators(const struct heap *heap, lw_snapshot *snapshot)
{
    lw_dominators *dominators = NULL;
    lw_retained all = LW_RETAINED_INIT, last = LW_RETAINED_INIT;
    lw_set_info info = LW_SET_INFO_INIT;
    lw_node first = 0;
    uint64_t children = 0;
    expect((uint64_t)lw_dominators_create(snapshot, NULL, &dominators, NULL), LW_OK, heap,
           "dominators");
    lw_dominators_get(dominators, first, &all, NULL);
    lw_dominators_get(dominators, heap->nodes - 1, &last, NULL);
    lw_dominators_set(dominators, &first, 1, &info, NULL);
    lw_dominators_each(dominators, first, count_child, &children, NULL);
    expect(all.count, heap->nodes, heap, "nodes retained by the first");
    expect(all.bytes, 16 * (uint64_t)heap->nodes, heap, "bytes retained by the first");
    expect(info.exclusive_bytes, all.bytes, heap, "the same by walking");
    expect(last.count, 1, heap, "nodes retained by the last");
    expect(last.depth, depth_of_last(heap), heap, "depth of the last");
    if (heap->shape == FAN_IN)
        expect(children, heap->nodes - 1, heap, "children of the first");
    lw_dominators_release(dominators);
}

/* Closed by a reference from the last node to the first. */
static void check_cycles(const struct heap *heap, lw_snapshot *snapshot)
{
    lw_cycles *cycles = NULL;
    lw_cycle cycle = LW_CYCLE_INIT;
    expect((uint64_t)lw_cycles_create(snapshot, &cycles, NULL), LW_OK, heap, "cycles");
    expect(lw_cycles_count(cycles), 1, heap, "number of cycles");
    lw_cycle_get(cycles, 0, &cycle, NULL);
    expect(cycle.frees_nodes, heap->nodes, heap, "nodes that go with it");
    if (heap->shape == FAR_LEAVES) { /* of the leaves the last one alone leads back */
        expect(cycle.nodes, heap->nodes / 2 + 2, heap, "nodes on a cycle");
        expect(cycle.back_edges, 1, heap, "edges to break");
        expect(cycle.back.from, heap->nodes - 1, heap, "where to break it");
    } else {
        expect(cycle.nodes, heap->nodes, heap, "nodes on a cycle");
        expect(cycle.back_edges == 1, heap->shape != LADDER, heap, "one edge to break");
    }
    lw_cycles_release(cycles);
}

static void run_shape(struct heap *heap)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_snapshot *snapshot = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "shape";
    options.key_kind = LW_KEY_OPAQUE;
    options.enumerate = enumerate;
    options.user = heap;
    lw_context_create(NULL, &context, NULL);
    lw_runtime_create(context, &options, &runtime, NULL);
    expect((uint64_t)lw_snapshot_take(context, NULL, &snapshot, NULL), LW_OK, heap, "snapshot");
    if (heap->rooted)
        check_dominators(heap, snapshot);
    else
        check_cycles(heap, snapshot);
    lw_snapshot_release(snapshot);
    lw_context_release(context);
}

static void *run_all(void *user)
{
    for (int shape = 0; shape < SHAPES; shape++) {
        for (int rooted = 0; rooted < 2; rooted++) {
            struct heap heap = {(enum shape)shape, *(uint32_t *)user, rooted};
            run_shape(&heap);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    uint32_t nodes = argc > 1                 ? (uint32_t)strtoul(argv[1], NULL, 0)
                     : getenv("LW_TEST_ALL") ? 10000000
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
