/* Saving, opening and the first question: time, and bytes per node, beside a plain copy of the same
 * bytes. A heap of three references per node, of which few go far, with labels and kinds.
 *
 * usage: graph_file [nodes...] */
#define _XOPEN_SOURCE 700
#include "graph_host.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t seed = BENCH_SEED;

static uint64_t below(uint64_t limit)
{
    return bench_random(&seed, limit);
}

static lw_key key_of(uint64_t node)
{
    return 0x7f0000000000u + node * 64;
}

static int enumerate(lw_sink *sink, void *user)
{
    uint64_t nodes = *(const uint64_t *)user;
    uint32_t types[100], labels[1000];
    for (int i = 0; i < 1000; i++) {
        char text[32];
        int length = snprintf(text, sizeof text, "name %d", i);
        labels[i] = lw_sink_label(sink, i % 4, text, (size_t)length);
        if (i < 100)
            types[i] = lw_sink_type(sink, 0, text, 0);
    }
    for (uint64_t i = 0; i < nodes; i++) {
        lw_sink_node(sink, key_of(i), types[below(100)], 16 + 16 * below(4));
        for (int j = 0; j < 3; j++) {
            uint64_t to = below(10) ? (i + 1 + below(1000)) % nodes : below(nodes);
            lw_sink_edge(sink, key_of(i), key_of(to), below(50) ? LW_EDGE_STRONG : LW_EDGE_WEAK,
                         below(3) ? labels[below(1000)] : LW_LABEL_INDEX((uint32_t)j));
        }
    }
    return lw_sink_root(sink, key_of(0), lw_sink_root_kind(sink, "global", 0), 0);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static lw_snapshot *capture(uint64_t nodes)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_snapshot *snapshot = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "generated";
    options.enumerate = enumerate;
    options.user = &nodes;
    lw_context_create(NULL, &context, NULL);
    lw_runtime_create(context, &options, &runtime, NULL);
    lw_snapshot_take(context, NULL, &snapshot, NULL);
    lw_context_release(context);
    return snapshot;
}

/* What the machine needs to write as many bytes and bring them to the disk. */
static double plain_write(const char *path, size_t size)
{
    static char zeros[1 << 18];
    double start = now();
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (size_t done = 0; file >= 0 && done < size; done += sizeof zeros) {
        if (write(file, zeros, sizeof zeros) < 0)
            break;
    }
    fsync(file);
    close(file);
    double took = now() - start;
    unlink(path);
    return took;
}

/* False: something went wrong, and was told. */
static int measure(const char *path, const char *other, uint64_t nodes)
{
    lw_error error = LW_ERROR_INIT;
    struct stat about;
    lw_snapshot *snapshot = capture(nodes), *opened = NULL;
    double start = now();
    lw_status status = lw_snapshot_save(snapshot, path, NULL, &error);
    double saved = now() - start;
    lw_snapshot_release(snapshot);
    if (status != LW_OK || stat(path, &about) != 0) {
        fprintf(stderr, "%s\n", error.message);
        return 0;
    }
    double plain = plain_write(other, (size_t)about.st_size);
    start = now();
    status = lw_snapshot_open(path, NULL, &opened, &error);
    double took = now() - start;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(opened, &info, NULL);
    lw_node_info node = LW_NODE_INFO_INIT;
    start = now();
    if (status == LW_OK)
        status = lw_node_info_get(opened, 0, &node, &error);
    double asked = now() - start;
    lw_snapshot_release(opened);
    if (status != LW_OK)
        fprintf(stderr, "%s\n", error.message);
    printf("%10llu nodes %10llu edges: %5.1f B/node; save %7.1f ms (plain write %7.1f), open %6.2f "
           "ms, first question %6.1f ms, memory when open %llu KiB\n",
           (unsigned long long)nodes, (unsigned long long)info.edges,
           (double)about.st_size / (double)nodes, saved * 1e3, plain * 1e3, took * 1e3, asked * 1e3,
           (unsigned long long)info.own_bytes / 1024);
    return status == LW_OK;
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"100000", "1000000", "10000000"};
    const char *const *sizes = argc > 1 ? (const char *const *)argv + 1 : usual;
    int count = argc > 1 ? argc - 1 : 3, right = 1;
    char folder[] = "leakwatch-bench-XXXXXX", path[64], other[64];
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/heap.lws", folder);
    snprintf(other, sizeof other, "%s/zeros", folder);
    for (int i = 0; right && i < count; i++)
        right = measure(path, other, strtoull(sizes[i], NULL, 10));
    unlink(path);
    rmdir(folder);
    return !right;
}
