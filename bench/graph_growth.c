/* What growth over four snapshots and a cut cost, by size and shape of the heap.
 *
 * usage: graph_growth [nodes...]; without sizes 100000 and 1000000. Prints seconds of processor
 * time, nanoseconds per node and the memory at its peak, less the snapshots. */
#include <leakwatch.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SNAPSHOTS = 4, LEAKED = 1000 };

/* Nodes 1 to `nodes` are a tree of `fan` children each, with two more references from every node
 * to near ones or to any; the last ones hang on a list that gets `LEAKED` more each time. */
struct heap {
    uint64_t nodes, leaked;
    uint64_t mix; /* 1: keys in the order of the walk; else scattered */
    int local;
    uint64_t live, peak; /* bytes of ours */
};

static uint64_t scatter(uint64_t word)
{
    word ^= word >> 31;
    word *= UINT64_C(0x7fb5d329728ea185);
    word ^= word >> 27;
    word *= UINT64_C(0x81dadef4bc2dd44d);
    return word ^ word >> 33;
}

static lw_key key_of(const struct heap *heap, uint64_t number)
{
    return heap->mix == 1 ? number : scatter(number + 1) | 1;
}

static int enumerate(lw_sink *sink, void *user)
{
    const struct heap *heap = user;
    uint32_t types[40], labels[8];
    for (uint64_t i = 0; i < 40; i++)
        types[i] = lw_sink_type(sink, i + 1, "type", 0);
    for (int i = 0; i < 8; i++) {
        const char name[] = {(char)('a' + i), 0};
        labels[i] = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, name, 1);
    }
    for (uint64_t i = 1; i <= heap->nodes; i++) {
        lw_key key = key_of(heap, i);
        uint64_t word = scatter(i);
        lw_sink_node(sink, key, types[word % 40], 32 + word % 4 * 16);
        for (uint64_t j = 0; j < 4 && i * 4 + j < heap->nodes; j++)
            lw_sink_edge(sink, key, key_of(heap, i * 4 + j), LW_EDGE_STRONG,
                         i % 3 ? labels[j] : LW_LABEL_INDEX(j));
        for (uint64_t j = 0; j < 2; j++) {
            uint64_t any = scatter(i * 2 + j), near = i + any % 64;
            uint64_t to = heap->local && near <= heap->nodes ? near : any % heap->nodes + 1;
            lw_sink_edge(sink, key, key_of(heap, to), LW_EDGE_STRONG, labels[4 + any % 4]);
        }
    }
    uint32_t list = lw_sink_type(sink, 0, "list", 0), page = lw_sink_type(sink, 0, "page", 0);
    lw_key holder = key_of(heap, heap->nodes + 1);
    lw_sink_node(sink, holder, list, 64);
    lw_sink_edge(sink, key_of(heap, heap->nodes / 2), holder, LW_EDGE_STRONG, labels[0]);
    for (uint64_t i = 0; i < heap->leaked; i++) {
        lw_key key = key_of(heap, heap->nodes + 2 + i);
        lw_sink_node(sink, key, page, 4096);
        lw_sink_edge(sink, holder, key, LW_EDGE_STRONG, LW_LABEL_INDEX(i));
    }
    uint32_t kind = lw_sink_root_kind(sink, "global", 0);
    for (uint64_t i = 1; i < 4; i++)
        lw_sink_root(sink, key_of(heap, i), kind, labels[i]);
    return 0;
}

/* Counts what is in use. */
static void *count(void *block, size_t old_size, size_t new_size, void *user)
{
    struct heap *heap = user;
    void *moved = NULL;
    if (new_size == 0)
        free(block);
    else if (!(moved = realloc(block, new_size)))
        return NULL;
    heap->live += new_size - old_size;
    if (heap->live > heap->peak)
        heap->peak = heap->live;
    return moved;
}

static double now(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void tell(const char *what, const struct heap *heap, double seconds, uint64_t bytes)
{
    double nodes = (double)heap->nodes;
    printf("  %-26s %8.3f s %8.1f ns/node %6.1f B/node\n", what, seconds, seconds / nodes * 1e9,
           (double)bytes / nodes);
}

static int keep(lw_node node, void *user)
{
    lw_node *leaked = user;
    leaked[++leaked[0]] = node;
    return 0;
}

static int measure(uint64_t nodes, int in_order, int local)
{
    static lw_node leaked[LEAKED * SNAPSHOTS + 1];
    struct heap heap = {nodes, 0, (uint64_t)in_order, local, 0, 0};
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_snapshot *taken[SNAPSHOTS] = {NULL};
    lw_growth *growth = NULL;
    lw_growth_head head = LW_GROWTH_HEAD_INIT;
    lw_cut *cut = NULL;
    lw_cut_info info = LW_CUT_INFO_INIT;
    lw_context_options how = LW_CONTEXT_OPTIONS_INIT;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    how.allocator.realloc = count;
    how.allocator.user = &heap;
    options.name = "generated";
    options.key_kind = LW_KEY_OPAQUE;
    options.enumerate = enumerate;
    options.user = &heap;
    lw_context_create(&how, &context, NULL);
    lw_runtime_create(context, &options, &runtime, NULL);
    for (int i = 0; i < SNAPSHOTS; i++) {
        heap.leaked += LEAKED;
        lw_snapshot_take(context, NULL, &taken[i], NULL);
    }
    printf("%llu nodes, %s, references %s\n", (unsigned long long)nodes,
           in_order ? "in heap order" : "shuffled", local ? "mostly near" : "to anywhere");
    uint64_t before = heap.peak = heap.live;
    double start = now();
    lw_growth_create(taken, SNAPSHOTS, NULL, &growth, NULL);
    tell("growth over 4 snapshots", &heap, now() - start, heap.peak - before);
    lw_growth_get(growth, 0, &head, NULL);
    leaked[0] = 0;
    lw_growth_each(growth, 0, keep, leaked, NULL);
    before = heap.peak = heap.live;
    start = now();
    lw_cut_find(taken[SNAPSHOTS - 1], leaked + 1, leaked[0], NULL, &cut, NULL);
    tell("cut, dominators included", &heap, now() - start, heap.peak - before);
    lw_cut_info_get(cut, &info, NULL);
    int right = lw_growth_count(growth) == 1 && info.edges == 1 &&
                head.grown == LEAKED * (SNAPSHOTS - 1);
    if (!right)
        printf("  wrong: %u heads, %u to cut\n", (unsigned)lw_growth_count(growth),
               (unsigned)info.edges);
    lw_cut_release(cut);
    lw_growth_release(growth);
    for (int i = 0; i < SNAPSHOTS; i++)
        lw_snapshot_release(taken[i]);
    lw_context_release(context);
    return right;
}

int main(int argc, char **argv)
{
    int right = 1;
    for (int i = 1; i < (argc > 1 ? argc : 3); i++) {
        uint64_t nodes = argc > 1 ? strtoull(argv[i], NULL, 10) : i == 1 ? 100000 : 1000000;
        right &= measure(nodes, 1, 1);
        right &= measure(nodes, 0, 0);
    }
    return !right;
}
