/* Every allocation of ours that runtimes, snapshots, comparisons, paths and checks ask for fails
 * in turn, once and for good: the call says LW_E_NOMEM, nothing is lost, and it succeeds when there
 * is memory again. None of these calls does without what it asked for. */
#include "../support/counting.h"

#include <leakwatch.h>

#include <stdio.h>

enum { NODES = 120 };

/* Too long to share a piece of memory with another one. */
static const char *long_text(char letter)
{
    static char texts[26][20000];
    memset(texts[letter - 'a'], letter, letter == 's' ? sizeof texts[0] - 1 : 600);
    return texts[letter - 'a'];
}

/* What a call works on, made while memory lasts. */
struct scene {
    counting memory;
    lw_context *context;
    lw_domain *heap;
    lw_runtime *runtime;
    lw_snapshot *before, *after;
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

/* ---- the scene ---- */

static lw_key key_of(int node)
{
    return 0x10000u + (lw_key)node * 0x100000; /* far apart: each in a chunk of its own */
}

/* One of everything, enough of it for tables to grow. */
static int enumerate(lw_sink *sink, void *user)
{
    const uint64_t odd = user != NULL; /* numbers that are no addresses */
    uint32_t kind = lw_sink_root_kind(sink, long_text('k'), 0);
    lw_sink_type(sink, 0, long_text('t'), 0);
    lw_sink_label(sink, LW_LABEL_KEY, long_text('l'), strlen(long_text('l')));
    for (int i = 0; i < NODES; i++) {
        char text[32];
        int length = snprintf(text, sizeof text, "field %d", i);
        lw_key key = key_of(i) + odd, next = key_of((i * 7 + 1) % NODES) + odd;
        uint32_t label = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, text, (size_t)length);
        lw_sink_node(sink, key, lw_sink_type(sink, 0, text, 0), 16 + (uint64_t)(i % 50));
        lw_sink_edge(sink, key, next, i % 5, label);
        lw_sink_edge(sink, key, key_of(i / 2) + odd, LW_EDGE_STRONG, LW_LABEL_INDEX(i));
        lw_sink_references(sink, key, i % 10 ? 2 : 1000 + (uint64_t)i);
        lw_sink_external(sink, key, 5);
        if (i % 20 == 0)
            lw_sink_root(sink, key, kind, label);
        if (i % 50 == 0) {
            lw_sink_edge(sink, key, key + 2048, LW_EDGE_STRONG, 0); /* dangling */
            lw_sink_edge(sink, key + 2048, key, LW_EDGE_STRONG, 0);
            lw_sink_root(sink, key + 2048, kind, 0);
            lw_sink_references(sink, key + 2048, 1);
            lw_sink_references(sink, key, 5000); /* a conflict */
        }
        if (i % 60 == 0)
            lw_sink_node(sink, key, lw_sink_type(sink, 0, "other", 0), 1); /* a conflict */
        if (i % 40 == 39)
            lw_sink_hide(sink, key);
        lw_sink_bridge(sink, key, odd ? long_text('r') : "numbers", next - odd + !odd, i % 5, label);
    }
    return lw_sink_root(sink, key_of(0) + odd, lw_sink_root_kind(sink, "stack", 0), 0);
}

static lw_status plug_in(struct scene *scene, const char *name, int opaque, lw_runtime **runtime)
{
    static int yes;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = name;
    options.key_kind = opaque ? LW_KEY_OPAQUE : LW_KEY_ADDRESS;
    options.enumerate = enumerate;
    options.user = opaque ? &yes : NULL;
    options.domains = &scene->heap;
    options.domain_count = !opaque;
    return lw_runtime_create(scene->context, &options, runtime, NULL);
}

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    static char file[32];
    (void)user;
    snprintf(file, sizeof file, "file %d", (int)(word % 100));
    frame->file = frame->function = word == 8 ? long_text('f') : file;
    frame->line = (uint32_t)word;
    return 0;
}

/* A table that holds objects in every way. */
struct table {
    struct table **row, *slots[2], *next;
    void *text;
    uint64_t count;
};

static lw_status tell_fields(lw_type *type)
{
    const lw_field fields[] = {LW_FIELD_COUNTED(struct table, row, count, type),
                               LW_FIELD_INLINE(struct table, slots, NULL),
                               LW_FIELD(struct table, next, LW_FIELD_WEAK, type),
                               LW_FIELD(struct table, text, LW_FIELD_BLOCK, NULL)};
    return lw_type_fields(type, fields, 4, NULL);
}

static struct table tables[NODES], *g_table = &tables[0];

static void make_objects(lw_context *context)
{
    lw_type *type = NULL, *same_place = NULL;
    lw_type_create(context, "table", sizeof(struct table), &type, NULL);
    lw_type_create(context, "row", sizeof(struct table *), &same_place, NULL);
    for (int i = 0; i < NODES; i++) {
        struct table *table = &tables[i], *next = &tables[(i + 1) % NODES];
        static struct table *row[] = {&tables[3], NULL, &tables[7]};
        *table = (struct table){row, {next, &tables[i / 2]}, &tables[i / 3], table->slots, 3};
        lw_object_created(type, table);
        lw_object_created(same_place, table);
    }
    tell_fields(type);
    lw_object_root(context, &g_table, "g_table", type, NULL);
}

static void open_scene(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    lw_context_options options = counting_options(&scene->memory);
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime *other;
    domain.name = "heap";
    domain.describe_frame = describe;
    lw_context_create(&options, &scene->context, NULL);
    lw_domain_create(scene->context, &domain, &scene->heap, NULL);
    for (int i = 0; i < NODES; i++) {
        uint64_t words[] = {(uint64_t)i + 1, 7, 8};
        lw_stack stack = {words, 3, 0, 0};
        const void *block = (const void *)(uintptr_t)key_of(i);
        lw_block_alloc(scene->heap, block, 64 + (uint64_t)i, &stack);
    }
    make_objects(scene->context);
    plug_in(scene, long_text('r'), 0, &scene->runtime);
    plug_in(scene, "numbers", 1, &other);
    lw_snapshot_take(scene->context, NULL, &scene->before, NULL);
    lw_snapshot_take(scene->context, NULL, &scene->after, NULL);
}

static void close_scene(struct scene *scene)
{
    lw_snapshot_release(scene->before);
    lw_snapshot_release(scene->after);
    lw_context_release(scene->context);
}

/* ---- the calls: each gives back what it made, and says whether a failed one left anything ---- */

struct answer {
    lw_status status;
    int left; /* 1: an output is not NULL though the call failed */
};

static struct answer call_context(struct scene *scene)
{
    lw_context_options options = counting_options(&scene->memory);
    lw_context *context = NULL;
    lw_runtime_options runtime = LW_RUNTIME_OPTIONS_INIT;
    lw_runtime *made = NULL;
    struct answer answer = {lw_context_create(&options, &context, NULL), 0};
    runtime.name = "first of its context";
    runtime.enumerate = enumerate;
    if (answer.status == LW_OK)
        answer.status = lw_runtime_create(context, &runtime, &made, NULL);
    answer.left = answer.status != LW_OK && made;
    lw_context_release(context);
    return answer;
}

static struct answer call_first_snapshot(struct scene *scene)
{
    lw_context_options options = counting_options(&scene->memory);
    lw_context *context = NULL;
    lw_snapshot *made = NULL;
    struct answer answer = {lw_context_create(&options, &context, NULL), 0};
    if (answer.status == LW_OK)
        answer.status = lw_snapshot_take(context, NULL, &made, NULL);
    answer.left = answer.status != LW_OK && made;
    lw_snapshot_release(made);
    lw_context_release(context);
    return answer;
}

static struct answer call_runtime_create(struct scene *scene)
{
    lw_runtime *made = (lw_runtime *)scene;
    struct answer answer = {plug_in(scene, "another", 0, &made), 0};
    answer.left = answer.status != LW_OK && made;
    if (answer.status == LW_OK)
        lw_runtime_destroy(made);
    return answer;
}

static struct answer call_type_fields(struct scene *scene)
{
    lw_type *type = NULL;
    struct answer answer = {lw_type_create(scene->context, "table", sizeof(struct table), &type,
                                           NULL),
                            0};
    if (answer.status == LW_OK)
        answer.status = tell_fields(type);
    return answer;
}

static struct answer call_object_root(struct scene *scene)
{
    static struct table *variables[20];
    struct answer answer = {LW_OK, 0};
    for (int i = 0; answer.status == LW_OK && i < 20; i++)
        answer.status = lw_object_root(scene->context, &variables[i], long_text('v'), NULL, NULL);
    for (int i = 0; i < 20; i++)
        lw_object_unroot(scene->context, &variables[i]);
    return answer;
}

static struct answer call_snapshot_take(struct scene *scene)
{
    lw_snapshot *made = scene->before;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    options.name = long_text('s');
    struct answer answer = {lw_snapshot_take(scene->context, &options, &made, NULL), 0};
    answer.left = answer.status != LW_OK && made;
    if (answer.status == LW_OK)
        lw_snapshot_release(made);
    return answer;
}

static struct answer call_diff_create(struct scene *scene)
{
    lw_diff *made = (lw_diff *)scene;
    struct answer answer = {lw_diff_create(scene->before, scene->after, &made, NULL), 0};
    answer.left = answer.status != LW_OK && made;
    if (answer.status == LW_OK)
        lw_diff_release(made);
    return answer;
}

static struct answer call_paths_find(struct scene *scene)
{
    lw_node targets[] = {NODES / 2, NODES / 3, 17};
    lw_paths *made = (lw_paths *)scene;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    options.limit = 50; /* until there are none, over every strength */
    struct answer answer = {lw_paths_find(scene->after, targets, 3, &options, &made, NULL), 0};
    answer.left = answer.status != LW_OK && made;
    if (answer.status == LW_OK)
        lw_paths_release(made);
    return answer;
}

static struct answer call_runtime_check(struct scene *scene)
{
    lw_check *made = (lw_check *)scene;
    struct answer answer = {lw_runtime_check(scene->runtime, &made, NULL), 0};
    answer.left = answer.status != LW_OK && made;
    if (answer.status == LW_OK)
        lw_check_release(made);
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
        call->run(&scene); /* what is made once is made now */
        for (long long n = 1; fail_nth(call, &scene, n, persistent); n++) {
            expect(call->run(&scene).status == LW_OK, call->name, "a retry fails", n, persistent);
        }
        close_scene(&scene);
        expect(scene.memory.bytes == 0, call->name, "bytes at the end", 0, persistent);
        expect(scene.memory.wrong == 0, call->name, "wrong sizes", 0, persistent);
    }
}

int main(void)
{
    static const struct call calls[] = {
        {"lw_context_create, lw_runtime_create", call_context},
        {"lw_context_create, lw_snapshot_take", call_first_snapshot},
        {"lw_runtime_create", call_runtime_create},
        {"lw_snapshot_take", call_snapshot_take},
        {"lw_type_fields", call_type_fields},
        {"lw_object_root", call_object_root},
        {"lw_diff_create", call_diff_create},
        {"lw_paths_find", call_paths_find},
        {"lw_runtime_check", call_runtime_check},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        fail_each(&calls[i]);
    printf("%lu allocations failed in turn, %lu failures\n", failed_allocations, failures);
    return failures != 0;
}
