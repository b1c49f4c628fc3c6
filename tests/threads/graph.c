/* Snapshots never change: any number of threads compare them, search them, keep and let go of
 * them at once, and all get the same answers. Meanwhile other threads go on sending events, and
 * the main thread takes further snapshots. */
#include <leakwatch.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { READERS = 4, WRITERS = 2, NODES = 2000, TIMES = 30 };

static lw_context *context;
static lw_domain *heap;
static lw_snapshot *before, *after;
static char want[200];
static _Atomic int failures, stop;

static lw_key key_of(int node)
{
    return 0x10000u + (lw_key)node * 64;
}

static int enumerate(lw_sink *sink, void *user)
{
    int *nodes = user;
    uint32_t type = lw_sink_type(sink, 0, "node", 0);
    uint32_t next = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "next", 4);
    for (int i = 0; i < *nodes; i++) {
        lw_sink_node(sink, key_of(i), type, 64);
        if (i > 0)
            lw_sink_edge(sink, key_of(i / 2), key_of(i), LW_EDGE_STRONG,
                         i % 2 ? next : LW_LABEL_INDEX(i));
    }
    return lw_sink_root(sink, key_of(0), lw_sink_root_kind(sink, "global", 0), 0);
}

/* A comparison and two paths in words. */
static void tell(char *text, size_t room)
{
    lw_diff *diff = NULL;
    lw_diff_info info = LW_DIFF_INFO_INIT;
    lw_paths *paths = NULL;
    lw_path path = LW_PATH_INIT;
    lw_node targets[] = {NODES - 1, NODES / 2};
    lw_snapshot *mine = lw_snapshot_retain(after);
    lw_diff_create(before, after, &diff, NULL);
    lw_diff_info_get(diff, &info, NULL);
    lw_paths_find(mine, targets, 2, NULL, &paths, NULL);
    lw_path_get(paths, 0, &path, NULL);
    snprintf(text, room, "%d %d %u %u", (int)info.created, (int)info.survived,
             (unsigned)path.steps, (unsigned)path.target);
    lw_paths_release(paths);
    lw_diff_release(diff);
    lw_snapshot_release(mine);
}

static void *read_graph(void *user)
{
    char got[sizeof want];
    (void)user;
    for (int i = 0; i < TIMES; i++) {
        tell(got, sizeof got);
        if (strcmp(got, want) != 0)
            failures++;
    }
    return NULL;
}

static void *send_events(void *user)
{
    uint64_t address = 0x40000000u + (uint64_t)(uintptr_t)user * 0x1000000u;
    while (!stop) {
        for (uint64_t i = 0; i < 100; i++)
            lw_block_alloc_at(heap, (void *)(uintptr_t)(address + i * 64), 64, LW_HERE);
        for (uint64_t i = 0; i < 100; i++)
            lw_block_free(heap, (void *)(uintptr_t)(address + i * 64));
    }
    return NULL;
}

int main(void)
{
    int nodes = NODES / 2;
    pthread_t readers[READERS], writers[WRITERS];
    lw_runtime *runtime = NULL;
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    domain.name = "heap";
    lw_context_create(NULL, &context, NULL);
    lw_domain_create(context, &domain, &heap, NULL);
    options.name = "graph";
    options.enumerate = enumerate;
    options.user = &nodes;
    options.domains = &heap;
    options.domain_count = 1;
    lw_runtime_create(context, &options, &runtime, NULL);
    for (int i = 0; i < NODES; i++)
        lw_block_alloc_at(heap, (void *)(uintptr_t)key_of(i), 64, LW_HERE);
    lw_snapshot_take(context, NULL, &before, NULL);
    nodes = NODES;
    lw_snapshot_take(context, NULL, &after, NULL);
    tell(want, sizeof want);

    for (size_t i = 0; i < WRITERS; i++)
        pthread_create(&writers[i], NULL, send_events, (void *)i);
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_graph, NULL);
    for (int i = 0; i < TIMES; i++) {
        lw_snapshot *further = NULL;
        lw_diff *diff = NULL;
        lw_diff_info info = LW_DIFF_INFO_INIT;
        lw_snapshot_take(context, NULL, &further, NULL);
        lw_diff_create(after, further, &diff, NULL);
        lw_diff_info_get(diff, &info, NULL);
        failures += info.survived != NODES || info.created != 0;
        lw_diff_release(diff);
        lw_snapshot_release(further);
    }
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    stop = 1;
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    lw_context_release(context);
    printf("%s; %d failures\n", want, (int)failures);
    return failures != 0;
}
