/* How long dominators and retained sizes take, and how much memory, beyond the snapshot's: that by
 * counting in a run of its own, for the library's allocator is what the time depends on.
 *
 * usage: graph_dominators [most nodes] [least nodes] [rounds] */
#include "graph_host.h"

#include <stdio.h>

enum { MOST_ROUNDS = 9 };

/* By the library's own allocator, as users have it. */
static int measure_times(struct bench_heap *heap, double *captured, double *times, int rounds)
{
    double begun = bench_cpu();
    lw_snapshot *snapshot = bench_take(heap, NULL);
    *captured = bench_cpu() - begun;
    for (int i = 0; snapshot && i < rounds; i++) {
        lw_dominators *dominators = NULL;
        begun = bench_cpu();
        if (lw_dominators_create(snapshot, NULL, &dominators, NULL) != LW_OK)
            return 1;
        times[i] = bench_cpu() - begun;
        lw_dominators_release(dominators);
    }
    lw_snapshot_release(snapshot);
    return !snapshot;
}

static int run(enum bench_shape shape, uint64_t nodes, int rounds)
{
    struct bench_memory memory = {0, 0};
    struct bench_heap heap = {shape, nodes, 0, 0};
    double times[MOST_ROUNDS], captured;
    if (measure_times(&heap, &captured, times, rounds) != 0)
        return 1;
    lw_dominators *dominators = NULL;
    lw_snapshot *snapshot = bench_take(&heap, &memory);
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    if (!snapshot || lw_snapshot_info_get(snapshot, &info, NULL) != LW_OK)
        return 1;
    uint64_t before = memory.peak = memory.bytes;
    if (lw_dominators_create(snapshot, NULL, &dominators, NULL) != LW_OK)
        return 1;
    double median = bench_median(times, rounds);
    printf("%-10s %9u %9llu %8.2f %8.2f %8.0f %8.1f %8.1f\n", bench_shape_names[shape],
           (unsigned)info.nodes, (unsigned long long)info.edges, captured, median,
           median * 1e9 / (double)nodes, (double)(memory.peak - before) / (double)nodes,
           (double)(memory.bytes - before) / (double)nodes);
    lw_dominators_release(dominators);
    lw_snapshot_release(snapshot);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000000;
    uint64_t least = argc > 2 ? strtoull(argv[2], NULL, 0) : most < 100000 ? most : 100000;
    int rounds = argc > 3 ? atoi(argv[3]) : 3;
    if (rounds < 1 || rounds > MOST_ROUNDS)
        rounds = MOST_ROUNDS;
    printf("CPU seconds: median of %d; bytes per node: at the most, and as long as it lives\n",
           rounds);
    printf("%-10s %9s %9s %8s %8s %8s %8s %8s\n", "heap", "nodes", "edges", "capture", "retained",
           "ns/node", "B/node", "stay");
    for (uint64_t nodes = least; nodes && nodes <= most; nodes *= 10) {
        for (int shape = 0; shape < BENCH_SHAPES; shape++) {
            if (run((enum bench_shape)shape, nodes, rounds) != 0) {
                fprintf(stderr, "no snapshot, or no dominators, of %llu nodes\n",
                        (unsigned long long)nodes);
                return 1;
            }
            fflush(stdout);
        }
    }
    return 0;
}
