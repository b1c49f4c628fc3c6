/* Every allocation of ours that dominators and cycles ask for fails in turn, once and for good: the
 * call says LW_E_NOMEM, nothing is lost, and it succeeds when there is memory again. */
#include "../support/counting.h"

#include <leakwatch.h>

#include <stdio.h>

enum { NODES = 200 };

struct scene {
    counting memory;
    lw_snapshot *snapshot;
    lw_dominators *dominators;
};

static unsigned long failures, failed_allocations;

static void expect(int right, const char *call, const char *what, long long at, int persistent)
{
    if (right)
        return;
    if (failures++ < 20)
        fprintf(stderr, "%s, allocation %lld %s: %s\n", call, at,
                persistent ? "and all after it" : "alone", what);
}

/* Half of it held, half of it rings of garbage, knots and what hangs on them. */
static int enumerate(lw_sink *sink, void *user)
{
    (void)user;
    for (lw_key i = 1; i <= NODES; i++) {
        lw_sink_node(sink, i, lw_sink_type(sink, i % 5, "node", 0), 16);
        lw_sink_external(sink, i, i);
        if (i % 10)
            lw_sink_edge(sink, i, i + 1, LW_EDGE_STRONG, 0);
        else
            lw_sink_edge(sink, i, i - 9, LW_EDGE_STRONG, 0);
        if (i % 20 == 3)
            lw_sink_edge(sink, i, i - 1, LW_EDGE_STRONG, 0);
        lw_sink_edge(sink, i, i / 2 + 1, i % 2 ? LW_EDGE_WEAK : LW_EDGE_BORROWED, 0);
        if (i % 10 == 4 && i < NODES / 2)
            lw_sink_root(sink, i, lw_sink_root_kind(sink, "global", 0), 0);
    }
    return 0;
}

static void open_scene(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    lw_context_options options = counting_options(&scene->memory);
    lw_runtime_options runtime = LW_RUNTIME_OPTIONS_INIT;
    lw_context *context = NULL;
    lw_runtime *made = NULL;
    runtime.name = "toy";
    runtime.key_kind = LW_KEY_OPAQUE;
    runtime.enumerate = enumerate;
    lw_context_create(&options, &context, NULL);
    lw_runtime_create(context, &runtime, &made, NULL);
    lw_snapshot_take(context, NULL, &scene->snapshot, NULL);
    lw_dominators_create(scene->snapshot, NULL, &scene->dominators, NULL);
    lw_context_release(context);
}

static void close_scene(struct scene *scene)
{
    lw_dominators_release(scene->dominators);
    lw_snapshot_release(scene->snapshot);
}

/* ---- the calls: each gives back what it made, and says whether a failed one left anything ---- */

struct answer {
    lw_status status;
    int left;
};

static struct answer call_dominators_create(struct scene *scene)
{
    lw_dominators *made = (lw_dominators *)scene;
    struct answer answer = {lw_dominators_create(scene->snapshot, NULL, &made, NULL), 0};
    answer.left = answer.status != LW_OK && made;
    if (answer.status == LW_OK)
        lw_dominators_release(made);
    return answer;
}

static struct answer call_dominators_set(struct scene *scene)
{
    lw_node nodes[] = {3, 33, 63};
    lw_set_info info = LW_SET_INFO_INIT;
    struct answer answer = {lw_dominators_set(scene->dominators, nodes, 3, &info, NULL), 0};
    answer.left = answer.status != LW_OK && info.own_count;
    return answer;
}

static int count_node(lw_node node, void *user)
{
    (void)node;
    ++*(int *)user;
    return 0;
}

static struct answer call_dominators_each(struct scene *scene)
{
    int seen = 0;
    struct answer answer = {
        lw_dominators_each(scene->dominators, LW_NODE_NONE, count_node, &seen, NULL), 0};
    answer.left = answer.status != LW_OK && seen;
    return answer;
}

static struct answer call_cycles_create(struct scene *scene)
{
    lw_cycles *made = (lw_cycles *)scene;
    struct answer answer = {lw_cycles_create(scene->snapshot, &made, NULL), 0};
    answer.left = answer.status != LW_OK && made;
    if (answer.status == LW_OK)
        lw_cycles_release(made);
    return answer;
}

/* ---- one failure after the other ---- */

struct call {
    const char *name;
    struct answer (*run)(struct scene *scene);
};

/* The n-th allocation of the call fails. False when the call has no n-th one. */
static int fail_nth(const struct call *call, struct scene *scene, long long n, int persistent)
{
    counting *memory = &scene->memory;
    long long before = memory->bytes, failed = memory->failed;
    memory->persistent = persistent;
    memory->fail_at = memory->calls + n;
    struct answer answer = call->run(scene);
    memory->fail_at = 0;
    failed_allocations += memory->failed > failed;
    if (memory->failed == failed) {
        expect(answer.status == LW_OK, call->name, "fails without a reason", n, persistent);
        return 0;
    }
    expect(answer.status == LW_E_NOMEM, call->name, "another status than LW_E_NOMEM", n,
           persistent);
    expect(!answer.left, call->name, "leaves an output", n, persistent);
    expect(memory->bytes == before, call->name, "leaves bytes", n, persistent);
    return 1;
}

static void fail_each(const struct call *call)
{
    struct scene scene;
    for (int persistent = 0; persistent < 2; persistent++) {
        open_scene(&scene);
        for (long long n = 1; fail_nth(call, &scene, n, persistent); n++)
            expect(call->run(&scene).status == LW_OK, call->name, "a retry fails", n, persistent);
        close_scene(&scene);
        expect(scene.memory.bytes == 0, call->name, "bytes at the end", 0, persistent);
        expect(scene.memory.wrong == 0, call->name, "wrong sizes", 0, persistent);
    }
}

int main(void)
{
    static const struct call calls[] = {
        {"lw_dominators_create", call_dominators_create},
        {"lw_dominators_set", call_dominators_set},
        {"lw_dominators_each", call_dominators_each},
        {"lw_cycles_create", call_cycles_create},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        fail_each(&calls[i]);
    printf("%lu allocations failed in turn, %lu failures\n", failed_allocations, failures);
    return failures != 0;
}
