/* Large heaps that a benchmark makes up: three references to each node, of which one makes all of
 * it held. A list in the middle may hold pages besides: what leaks. */
#ifndef BENCH_GRAPH_HOST_H
#define BENCH_GRAPH_HOST_H

#include <leakwatch.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* In heap order a node lies near what refers to it, and one reference in sixteen leads anywhere;
 * shuffled is the same heap with its nodes anywhere; by power law most references lead to few. */
enum bench_shape { HEAP_ORDER, SHUFFLED, POWER_LAW, BENCH_SHAPES };
static const char *const bench_shape_names[] = {"heap order", "shuffled", "power law"};

struct bench_heap {
    enum bench_shape shape;
    uint64_t nodes;
    uint64_t leaked; /* pages; 0: there is no list */
    uint64_t seed;
};

/* Where the numbers of every made-up heap begin: each run has the same. */
#define BENCH_SEED UINT64_C(88172645463325252)

/* Below the limit; of 2^44 numbers. */
static inline uint64_t bench_random(uint64_t *seed, uint64_t limit)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (*seed * UINT64_C(0x9e3779b97f4a7c15) >> 20) % limit;
}

static inline uint64_t bench_below(struct bench_heap *heap, uint64_t limit)
{
    return bench_random(&heap->seed, limit);
}

static inline lw_key bench_key(const struct bench_heap *heap, uint64_t node)
{
    /* A large prime: it divides none of the sizes, so that no two nodes share a place. */
    uint64_t place = heap->shape == SHUFFLED ? node * 2654435761u % heap->nodes : node;
    return 0x10000000 + place * 48;
}

static inline uint64_t bench_other(struct bench_heap *heap, uint64_t node)
{
    if (heap->shape == POWER_LAW) {
        uint64_t limit = heap->nodes;
        for (int i = 0; i < 6; i++)
            limit = 1 + bench_below(heap, limit);
        return limit - 1;
    }
    if (bench_below(heap, 16) == 0)
        return bench_below(heap, heap->nodes);
    return (node + heap->nodes + bench_below(heap, 128) - 64) % heap->nodes;
}

static inline void bench_leak(lw_sink *sink, const struct bench_heap *heap, uint32_t label)
{
    lw_key list = 0x10000000 + heap->nodes * 48;
    uint32_t page = lw_sink_type(sink, 0, "page", 0);
    lw_sink_node(sink, list, lw_sink_type(sink, 0, "list", 0), 48);
    lw_sink_edge(sink, bench_key(heap, heap->nodes / 2), list, LW_EDGE_STRONG, label);
    for (uint64_t i = 0; i < heap->leaked; i++) {
        lw_key key = list + 48 + i * 4096;
        lw_sink_node(sink, key, page, 4096);
        lw_sink_edge(sink, list, key, LW_EDGE_STRONG, LW_LABEL_INDEX(i));
    }
}

static inline int bench_enumerate(lw_sink *sink, void *user)
{
    struct bench_heap *heap = user;
    uint32_t types[8], label = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "next", 4);
    for (int i = 0; i < 8; i++)
        types[i] = lw_sink_type(sink, (uint64_t)i + 1, "node", 0);
    heap->seed = BENCH_SEED;
    for (uint64_t i = 0; i < heap->nodes; i++) {
        lw_key key = bench_key(heap, i);
        lw_sink_node(sink, key, types[i % 8], 48);
        if (i > 0) {
            uint64_t holder = i - 1 - bench_below(heap, i < 8 ? i : 8);
            lw_sink_edge(sink, bench_key(heap, holder), key, LW_EDGE_STRONG, label);
        }
        for (int j = 0; j < 2; j++)
            lw_sink_edge(sink, key, bench_key(heap, bench_other(heap, i)), LW_EDGE_STRONG, label);
    }
    if (heap->leaked)
        bench_leak(sink, heap, label);
    uint32_t kind = lw_sink_root_kind(sink, "module", 0);
    return lw_sink_root(sink, bench_key(heap, 0), kind, 0);
}

/* Memory as malloc has it, counted. */
struct bench_memory {
    uint64_t bytes, peak;
};

static inline void *bench_realloc(void *block, size_t old_size, size_t new_size, void *user)
{
    struct bench_memory *memory = user;
    void *fresh = NULL;
    if (new_size == 0)
        free(block);
    else if (!(fresh = realloc(block, new_size)))
        return NULL;
    memory->bytes += new_size - old_size;
    if (memory->bytes > memory->peak)
        memory->peak = memory->bytes;
    return fresh;
}

/* A context with a heap, or NULL; `memory` NULL: what the library takes by itself, which users get
 * and which asks for huge pages. */
static inline lw_context *bench_open(struct bench_heap *heap, struct bench_memory *memory)
{
    lw_context_options options = LW_CONTEXT_OPTIONS_INIT;
    lw_runtime_options runtime = LW_RUNTIME_OPTIONS_INIT;
    lw_context *context = NULL;
    lw_runtime *made = NULL;
    if (memory) {
        options.allocator.realloc = bench_realloc;
        options.allocator.user = memory;
    }
    runtime.name = "bench";
    runtime.enumerate = bench_enumerate;
    runtime.user = heap;
    if (lw_context_create(&options, &context, NULL) == LW_OK &&
        lw_runtime_create(context, &runtime, &made, NULL) == LW_OK)
        return context;
    lw_context_release(context);
    return NULL;
}

/* The snapshot of a heap, or NULL. */
static inline lw_snapshot *bench_take(struct bench_heap *heap, struct bench_memory *memory)
{
    lw_context *context = bench_open(heap, memory);
    lw_snapshot *snapshot = NULL;
    if (context)
        lw_snapshot_take(context, NULL, &snapshot, NULL);
    lw_context_release(context);
    return snapshot;
}

/* CPU time of this program, in seconds. */
static inline double bench_cpu(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static inline int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double bench_median(double *times, int count)
{
    qsort(times, (size_t)count, sizeof *times, bench_compare);
    return times[count / 2];
}

#endif
