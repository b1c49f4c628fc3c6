/* Captures in children while other threads record, allocate, fork and end: whatever lock they held
 * at the moment of the fork, the child gets along, and its snapshot is whole. */
#define _POSIX_C_SOURCE 200809L

#include "crew.h"

#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, CAPTURES = 60, NODES = 500 };

static lw_context *context;
static lw_domain *heap;
static lw_region *region;
static lw_type *type;
static _Atomic int stop;

/* Every kind of work, so that a fork finds each table in use. */
static void *record(void *user)
{
    worker *worker = user;
    uint64_t base = 0x10000000 * ((uint64_t)worker->index + 1);
    for (uint64_t i = 0; !atomic_load(&stop); i++) {
        uint64_t words[3] = {i % 5000 + 1, 2, 3};
        lw_stack stack = {words, 3, 0, 0};
        void *block = at(base + i % 4096 * 64), *object = at(base + i % 4096 * 64 + 8);
        lw_context *shared = NULL;
        lw_round round = begin(region);
        lw_block_alloc(heap, block, i % 3 ? 32 : 1 << 25, &stack);
        lw_object_created(type, object);
        free(malloc(100 + i % 1000 * 10));
        if (i % 64 == 0 && lw_context_default(&shared, NULL) == LW_OK)
            lw_context_release(shared);
        lw_object_destroyed(type, object);
        lw_block_free(heap, block);
        CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
    }
    return NULL;
}

static void *come_and_go(void *user)
{
    (void)user;
    lw_block_alloc(heap, at(0x1000), 16, NULL);
    lw_block_free(heap, at(0x1000));
    return NULL;
}

static void *fork_and_start(void *user)
{
    (void)user;
    while (!atomic_load(&stop)) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, come_and_go, NULL), 0);
        pthread_join(thread, NULL);
        pid_t process = fork();
        if (process == 0)
            _exit(0);
        int status = -1;
        CHECK(process > 0 && waitpid(process, &status, 0) == process && status == 0);
    }
    return NULL;
}

static int enumerate(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t node = lw_sink_type(sink, 0, "Node", 0);
    for (uint64_t i = 0; i < NODES; i++) {
        lw_sink_node(sink, 0x800000 + i * 64, node, 48);
        if (i > 0)
            lw_sink_edge(sink, 0x800000 + (i - 1) * 64, 0x800000 + i * 64, LW_EDGE_STRONG, 0);
    }
    return lw_sink_root(sink, 0x800000, lw_sink_root_kind(sink, "global", 0), 0);
}

static void expect_whole(const lw_snapshot *snapshot)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    CHECK_EQ(lw_snapshot_info_get(snapshot, &info, NULL), LW_OK);
    CHECK_EQ(info.nodes, NODES);
    CHECK_EQ(info.edges, NODES - 1);
    CHECK_EQ(info.garbage, 0);
    CHECK_EQ(info.flags, LW_SNAPSHOT_CHILD);
    for (lw_node i = 0; i < NODES; i++) {
        lw_node_info node = LW_NODE_INFO_INIT;
        CHECK_EQ(lw_node_info_get(snapshot, i, &node, NULL), LW_OK);
        CHECK_EQ(node.bytes, 64);
        CHECK_EQ(node.frames, 1);
        CHECK(node.epoch > 0 && node.epoch <= info.epoch);
    }
}

static void capture_once(void)
{
    lw_error error = LW_ERROR_INIT;
    lw_capture *capture = NULL;
    lw_snapshot *snapshot = NULL;
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    options.timeout_ns = UINT64_C(20000000000);
    lw_status status = lw_capture_start(context, &options, &capture, &error);
    if (CHECK_EQ(status, LW_OK))
        status = lw_capture_wait(capture, UINT64_MAX, &snapshot, &error);
    if (CHECK_EQ(status, LW_OK))
        expect_whole(snapshot);
    else
        fprintf(stderr, "%s\n", error.message);
    lw_snapshot_release(snapshot);
    lw_capture_release(capture);
}

static void open_host(void)
{
    lw_runtime *runtime = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    uint64_t word = 77;
    lw_stack stack = {&word, 1, 0, 0};
    context = open_context();
    heap = add_domain(context, "heap", 0, NULL);
    region = add_region(context, "region", LW_SCOPE_THREAD);
    CHECK_EQ(lw_type_create(context, "object", 8, &type, NULL), LW_OK);
    for (uint64_t i = 0; i < NODES; i++)
        lw_block_alloc(heap, at(0x800000 + i * 64), 64, &stack);
    options.name = "toy";
    options.enumerate = enumerate;
    options.domains = &heap;
    options.domain_count = 1;
    CHECK_EQ(lw_runtime_create(context, &options, &runtime, NULL), LW_OK);
}

int main(void)
{
    pthread_t threads[THREADS + 1];
    worker workers[THREADS];
    open_host();
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){i, 0, NULL};
        pthread_create(&threads[i], NULL, record, &workers[i]);
    }
    pthread_create(&threads[THREADS], NULL, fork_and_start, NULL);
    for (int i = 0; i < CAPTURES && !check_failures; i++)
        capture_once();
    atomic_store(&stop, 1);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
    lw_context_release(context);
    return check_result();
}
