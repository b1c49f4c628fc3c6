/* Retained sizes of a made-up heap, and the same heap as a file for other people's viewers. Figures
 * as one JSON object, for bench/graph_others.py.
 *
 * usage: graph_retained NODES [FILE] */
#include "graph_host.h"

#include <stdio.h>

enum { TYPES = 50, DEGREE = 3 };

static uint64_t seed = BENCH_SEED;

static uint64_t below(uint64_t limit)
{
    return bench_random(&seed, limit);
}

static lw_key key_of(uint64_t node)
{
    return 0x10000000 + node * 48;
}

/* A tree, so that all of it is held, and two further references a node, most of them near by. */
static int enumerate(lw_sink *sink, void *user)
{
    const uint64_t nodes = *(const uint64_t *)user;
    uint32_t types[TYPES], left = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "left", 4);
    for (uint64_t i = 0; i < TYPES; i++) {
        char name[20];
        snprintf(name, sizeof name, "type %d", (int)i);
        types[i] = lw_sink_type(sink, 0, name, 0);
    }
    for (uint64_t i = 0; i < nodes; i++) {
        lw_sink_node(sink, key_of(i), types[below(TYPES)], 16 + 8 * below(20));
        if (i > 0)
            lw_sink_edge(sink, key_of((i - 1) / 4), key_of(i), LW_EDGE_STRONG,
                         LW_LABEL_INDEX(i % 4));
        for (int j = 1; j < DEGREE; j++) {
            uint64_t to = below(8) ? (i + below(1000)) % nodes : below(nodes);
            lw_sink_edge(sink, key_of(i), key_of(to), LW_EDGE_STRONG, left);
        }
    }
    return lw_sink_root(sink, key_of(0), lw_sink_root_kind(sink, "module", 0), 0);
}

/* Of this program alone: getrusage() counts what started it too. */
static unsigned long long peak_bytes(void)
{
    char line[200];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmHWM: %llu", &kilobytes) == 1)
            break;
    }
    if (file)
        fclose(file);
    return kilobytes * 1024;
}

static void require(lw_status status, const char *what, const lw_error *error)
{
    if (status == LW_OK)
        return;
    fprintf(stderr, "graph_retained: %s: %s\n", what, error->message);
    exit(1);
}

static lw_snapshot *capture(uint64_t *nodes)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "heap";
    options.enumerate = enumerate;
    options.user = nodes;
    require(lw_context_create(NULL, &context, &error), "context", &error);
    require(lw_runtime_create(context, &options, &runtime, &error), "runtime", &error);
    require(lw_snapshot_take(context, NULL, &snapshot, &error), "snapshot", &error);
    lw_context_release(context);
    return snapshot;
}

static int to_file(const char *text, size_t length, void *user)
{
    return fwrite(text, 1, length, user) != length;
}

static void export(const lw_snapshot *snapshot, const char *path)
{
    lw_error error = LW_ERROR_INIT;
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "graph_retained: %s cannot be written\n", path);
        exit(1);
    }
    require(lw_export_heapsnapshot(snapshot, NULL, to_file, file, &error), "export", &error);
    fclose(file);
}

int main(int argc, char **argv)
{
    uint64_t nodes = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_dominators *dominators = NULL;
    lw_retained first = LW_RETAINED_INIT;
    lw_error error = LW_ERROR_INIT;
    if (nodes < 1) {
        fprintf(stderr, "usage: graph_retained NODES [FILE]\n");
        return 2;
    }
    const double begin = bench_cpu();
    lw_snapshot *snapshot = capture(&nodes);
    const double captured = bench_cpu();
    require(lw_dominators_create(snapshot, NULL, &dominators, &error), "dominators", &error);
    const double known = bench_cpu();
    const unsigned long long peak = peak_bytes();
    lw_snapshot_info_get(snapshot, &info, NULL);
    require(lw_dominators_get(dominators, 0, &first, &error), "retained size", &error);
    if (first.bytes != info.size) {
        fprintf(stderr, "graph_retained: the root does not retain all\n");
        return 1;
    }
    lw_dominators_release(dominators);
    const double released = bench_cpu();
    if (argc > 2)
        export(snapshot, argv[2]);
    printf("{\"count\": %u, \"edges\": %llu, \"capture\": %.4f, \"cpu\": %.4f, \"export\": %.4f, "
           "\"peak\": %llu, \"own\": %llu}\n",
           (unsigned)info.nodes, (unsigned long long)info.edges, captured - begin,
           known - captured, bench_cpu() - released, peak,
           (unsigned long long)info.own_bytes);
    lw_snapshot_release(snapshot);
    return 0;
}
