/* Writes one large random heap as large.heapsnapshot and, in large.expected, what each of its nodes
 * retains as lw_dominators_get() has it: for the viewers to agree with.
 *
 * usage: export_large FOLDER NODES */
#include <leakwatch.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed = 88172645463325252u;

static uint64_t below(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed * UINT64_C(0x9e3779b97f4a7c15) >> 16) % limit;
}

static lw_key key_of(uint64_t node)
{
    return 0x10000000 + node * 16;
}

/* A target: near by, anywhere, or one of a few that many know. */
static uint64_t other(uint64_t node, uint64_t nodes)
{
    switch (below(8)) {
    case 0:
        return below(nodes);
    case 1:
        return below(1 + below(1 + below(nodes)));
    default:
        return (node + below(50)) % nodes;
    }
}

/* Chains, trees and rings, with every kind of reference; about a tenth of it is garbage. */
static int enumerate(lw_sink *sink, void *user)
{
    const uint64_t nodes = *(const uint64_t *)user;
    const uint32_t types[] = {lw_sink_type(sink, 0, "List", 0), lw_sink_type(sink, 0, "Map", 0)};
    const uint32_t next = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "next", 4);
    const uint32_t kinds[] = {lw_sink_root_kind(sink, "global", 0),
                              lw_sink_root_kind(sink, "stack", LW_ROOT_BYSTANDER)};
    for (uint64_t i = 0; i < nodes; i++) {
        lw_sink_node(sink, key_of(i), types[i % 2], below(200));
        if (below(20) == 0)
            lw_sink_external(sink, key_of(i), below(100000));
        for (uint64_t degree = below(8); degree > 0; degree--)
            lw_sink_edge(sink, key_of(i), key_of(other(i, nodes)), (int32_t)below(5),
                         below(3) ? LW_LABEL_INDEX(degree) : below(2) ? next : 0);
        if (below(40) == 0)
            lw_sink_root(sink, key_of(i), kinds[below(2)], 0);
        if (below(200) == 0)
            lw_sink_references(sink, key_of(i), 1000);
    }
    return 0;
}

static void require(lw_status status, const lw_error *error)
{
    if (status == LW_OK)
        return;
    fprintf(stderr, "export_large: %s\n", error->message);
    exit(1);
}

static int to_file(const char *text, size_t length, void *user)
{
    return fwrite(text, 1, length, user) != length;
}

static FILE *open_file(const char *folder, const char *name)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "export_large: %s cannot be written\n", path);
        exit(1);
    }
    return file;
}

static lw_snapshot *take(uint64_t nodes)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "large";
    options.enumerate = enumerate;
    options.user = &nodes;
    require(lw_context_create(NULL, &context, &error), &error);
    require(lw_runtime_create(context, &options, &runtime, &error), &error);
    require(lw_snapshot_take(context, NULL, &snapshot, &error), &error);
    lw_context_release(context);
    return snapshot;
}

static void write_expected(lw_snapshot *snapshot, FILE *file)
{
    lw_dominators *dominators = NULL;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_error error = LW_ERROR_INIT;
    require(lw_snapshot_info_get(snapshot, &info, &error), &error);
    require(lw_dominators_create(snapshot, NULL, &dominators, &error), &error);
    fprintf(file, "nodes %u\n", (unsigned)info.nodes);
    for (lw_node node = 0; node < info.nodes; node++) {
        lw_retained retained = LW_RETAINED_INIT;
        lw_node_info about = LW_NODE_INFO_INIT;
        lw_type_info type = LW_TYPE_INFO_INIT;
        require(lw_dominators_get(dominators, node, &retained, &error), &error);
        require(lw_node_info_get(snapshot, node, &about, &error), &error);
        require(lw_snapshot_type_get(snapshot, about.type, &type, &error), &error);
        if (!(retained.flags & LW_RETAINED_GARBAGE))
            fprintf(file, "node %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", (unsigned)node + 2,
                    about.size, about.external, retained.bytes, type.name);
    }
    lw_dominators_release(dominators);
}

int main(int argc, char **argv)
{
    const uint64_t nodes = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    lw_error error = LW_ERROR_INIT;
    if (nodes == 0) {
        fprintf(stderr, "usage: export_large FOLDER NODES\n");
        return 2;
    }
    lw_snapshot *snapshot = take(nodes);
    FILE *file = open_file(argv[1], "large.heapsnapshot");
    FILE *expected = open_file(argv[1], "large.expected");
    require(lw_export_heapsnapshot(snapshot, NULL, to_file, file, &error), &error);
    write_expected(snapshot, expected);
    lw_snapshot_release(snapshot);
    return fclose(file) != 0 || fclose(expected) != 0;
}
