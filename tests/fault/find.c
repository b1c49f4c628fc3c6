/* Every allocation of ours that a hunt asks for fails in turn, once and for good: the call says
 * LW_E_NOMEM or did without, nothing is lost, and the context goes on. */
#include "../support/counting.h"

#include <leakwatch.h>
#include <stdio.h>

enum { ROUNDS = 3, HOLDERS = 12, KEPT = 400 };

static unsigned long failures, failed_allocations;

static void expect(int right, const char *call, const char *what, long long at, int persistent)
{
    if (right)
        return;
    if (failures++ < 20)
        fprintf(stderr, "%s, allocation %lld %s: %s\n", call, at,
                persistent ? "and all after it" : "alone", what);
}

/* A program that keeps more sessions, in a dict and each in many lists too; and blocks that no
 * runtime shows. */
struct scene {
    counting memory;
    lw_context *context;
    lw_domain *heap;
    lw_runtime *runtime;
    lw_snapshot *snapshots[ROUNDS];
    int kept, blocks, lost;
};

static lw_key key_of(int number)
{
    return 0x100000u + (lw_key)number * 256;
}

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    (void)user;
    frame->file = word == 1 ? "server.c" : "pool.c";
    frame->function = word == 1 ? "serve" : "grow";
    frame->line = (uint32_t)word;
    frame->flags = LW_FRAME_OWN;
    return 0;
}

static int enumerate(lw_sink *sink, void *user)
{
    const struct scene *scene = user;
    uint32_t kind = lw_sink_root_kind(sink, "module", 0);
    uint32_t dict = lw_sink_type(sink, 0, "dict", 0), list = lw_sink_type(sink, 0, "list", 0);
    uint32_t session = lw_sink_type(sink, 0, "Session", 0);
    for (int i = 0; i <= HOLDERS; i++) {
        char name[32];
        int length = snprintf(name, sizeof name, "holder %d", i);
        lw_sink_node(sink, (lw_key)(i + 1) * 16, i ? list : dict, 64);
        lw_sink_root(sink, (lw_key)(i + 1) * 16, kind,
                     lw_sink_label(sink, LW_LABEL_VARIABLE, name, (size_t)length));
    }
    for (int i = 0; i < scene->kept; i++) {
        char name[32];
        int length = snprintf(name, sizeof name, "user %d", i);
        lw_sink_node(sink, key_of(i), session, 100);
        lw_sink_edge(sink, 16, key_of(i), LW_EDGE_STRONG,
                     lw_sink_label(sink, LW_LABEL_KEY, name, (size_t)length));
        for (int k = 1; k <= HOLDERS; k++)
            lw_sink_edge(sink, (lw_key)(k + 1) * 16, key_of(i), LW_EDGE_STRONG, LW_LABEL_INDEX(i));
        lw_sink_node(sink, key_of(i) + 128, list, 40);
        lw_sink_edge(sink, (lw_key)(i % HOLDERS + 2) * 16, key_of(i) + 128, LW_EDGE_STRONG,
                     LW_LABEL_INDEX(KEPT + i));
        if (i % 3 == 0) /* the roots themselves gain */
            lw_sink_root(sink, key_of(i) + 128, kind, 0);
    }
    return 0;
}

static int work(uint32_t round, void *user)
{
    struct scene *scene = user;
    uint64_t words[] = {1, 2};
    lw_stack stack = {words, 2, 0, 0};
    (void)round;
    for (int i = 0; i < 2 && scene->kept < KEPT; i++)
        lw_block_alloc(scene->heap, (void *)(uintptr_t)key_of(scene->kept++), 100, &stack);
    words[0] = 3;
    lw_block_alloc(scene->heap, (void *)(uintptr_t)(0x40000000u + 64 * (uint64_t)scene->blocks++),
                   48, &stack);
    return 0;
}

static int advise(const lw_advice_query *query, char *text, size_t size, void *user)
{
    (void)query;
    (void)user;
    snprintf(text, size, "%.*s", 300, "empty it now and then, and then again, and then once more");
    return 0;
}

static int collect(void *user)
{
    (void)user;
    return 0;
}

static void open_scene(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    lw_context_options options = counting_options(&scene->memory);
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime_options runtime = LW_RUNTIME_OPTIONS_INIT;
    domain.name = "heap";
    domain.describe_frame = describe;
    lw_context_create(&options, &scene->context, NULL);
    lw_domain_create(scene->context, &domain, &scene->heap, NULL);
    runtime.name = "server";
    runtime.enumerate = enumerate;
    runtime.advise = advise;
    runtime.collect = collect;
    runtime.user = scene;
    runtime.domains = &scene->heap;
    runtime.domain_count = 1;
    lw_runtime_create(scene->context, &runtime, &scene->runtime, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        work(0, scene);
        lw_snapshot_take(scene->context, NULL, &scene->snapshots[i], NULL);
    }
}

static void close_scene(struct scene *scene)
{
    for (int i = 0; i < ROUNDS; i++)
        lw_snapshot_release(scene->snapshots[i]);
    lw_context_release(scene->context);
}

/* ---- the calls ---- */

struct answer {
    lw_status status;
    int left; /* 1: an output is not NULL though the call failed, or something is missing */
};

static int swallow(const char *text, size_t length, void *user)
{
    (void)text;
    *(size_t *)user += length;
    return 0;
}

static lw_status report(const lw_findings *findings)
{
    size_t length = 0;
    lw_status status = LW_OK;
    for (int32_t format = LW_FORMAT_TEXT; status == LW_OK && format <= LW_FORMAT_JSON; format++) {
        lw_report_options options = LW_REPORT_OPTIONS_INIT;
        options.format = format;
        options.flags = LW_REPORT_ALL;
        status = lw_report_findings(findings, &options, swallow, &length, NULL);
        if (status == LW_OK)
            status = lw_report_finding(findings, 0, &options, swallow, &length, NULL);
    }
    return status;
}

static struct answer finish(lw_status status, lw_findings *findings)
{
    struct answer answer = {status, status != LW_OK && findings};
    if (status != LW_OK)
        return answer;
    answer.left = lw_findings_count(findings) == 0;
    answer.status = report(findings);
    lw_findings_release(findings);
    return answer;
}

/* The program is as before each time, so that every hunt asks for the same memory. */
static struct answer call_find_leaks(struct scene *scene)
{
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    lw_findings *findings = (lw_findings *)scene;
    options.flags = LW_FIND_COLLECT;
    options.rounds = 2;
    options.warm_up = 1;
    options.memory_limit = 1 << 20;
    lw_status status = lw_find_leaks(scene->context, work, scene, &options, &findings, NULL);
    while (scene->kept > 2 * ROUNDS)
        lw_block_free(scene->heap, (void *)(uintptr_t)key_of(--scene->kept));
    while (scene->blocks > ROUNDS)
        lw_block_free(scene->heap,
                      (void *)(uintptr_t)(0x40000000u + 64 * (uint64_t)--scene->blocks));
    return finish(status, findings);
}

static struct answer call_findings_create(struct scene *scene)
{
    lw_findings *findings = (lw_findings *)scene;
    lw_status status = lw_findings_create(scene->snapshots, ROUNDS, NULL, &findings, NULL);
    return finish(status, findings);
}

/* ---- one failure after the other ---- */

struct call {
    const char *name;
    struct answer (*run)(struct scene *scene);
    int keeps; /* 1: the context itself may learn something, which stays */
};

/* False when the call has no n-th allocation. */
static int fail_nth(const struct call *call, struct scene *scene, long long n, int persistent)
{
    counting *memory = &scene->memory;
    long long before = memory->bytes, failed = memory->failed;
    memory->persistent = persistent;
    memory->fail_at = memory->calls + n;
    struct answer answer = call->run(scene);
    memory->fail_at = 0;
    int failing = memory->failed > failed;
    failed_allocations += (unsigned long)failing;
    expect(answer.status == LW_OK || (failing && answer.status == LW_E_NOMEM), call->name,
           "another status than LW_E_NOMEM", n, persistent);
    expect(answer.status != LW_OK || failing || !answer.left, call->name, "found nothing", n,
           persistent);
    expect(answer.status == LW_OK || !answer.left, call->name, "leaves an output", n, persistent);
    expect(call->keeps || memory->bytes == before, call->name, "leaves bytes", n, persistent);
    return failing;
}

static void fail_each(const struct call *call)
{
    struct scene scene;
    for (int persistent = 0; persistent < 2; persistent++) {
        open_scene(&scene);
        call->run(&scene); /* what is made once is made now */
        for (long long n = 1; fail_nth(call, &scene, n, persistent); n++) {
            if (n % 16 == 0)
                expect(call->run(&scene).status == LW_OK, call->name, "a retry fails", n,
                       persistent);
        }
        struct answer answer = call->run(&scene);
        expect(answer.status == LW_OK && !answer.left, call->name, "the last one fails", 0,
               persistent);
        close_scene(&scene);
        expect(scene.memory.bytes == 0, call->name, "bytes at the end", 0, persistent);
        expect(scene.memory.wrong == 0, call->name, "wrong sizes", 0, persistent);
    }
}

int main(void)
{
    static const struct call calls[] = {
        {"lw_findings_create", call_findings_create, 0},
        {"lw_find_leaks", call_find_leaks, 1},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        fail_each(&calls[i]);
    printf("%lu allocations failed in turn, %lu failures\n", failed_allocations, failures);
    return failures != 0;
}
