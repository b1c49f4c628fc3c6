/* A runtime for the tests of graphs: it plays what a table says. */
#ifndef TESTS_UNIT_GRAPH_HOST_H
#define TESTS_UNIT_GRAPH_HOST_H

#include "record_host.h"

enum {
    END,
    PUSH_NODE,
    PUSH_EDGE,
    PUSH_ROOT,
    STATE_REFERENCES,
    STATE_EXTERNAL,
    HIDE,
    FAIL,
    ANSWER,
    BRIDGE,
    BRIDGE_FROM
};

typedef struct op {
    int what;
    lw_key a, b;
    int32_t kind;
    uint32_t flags;
    uint64_t number;
    const char *text, *label;
} op;

/* Labels: ".x" an attribute, "[x]" a key, "(x)" internal, "#7" an index, "x" a variable. */
#define NODE(key, type, size) {.what = PUSH_NODE, .a = key, .text = type, .number = size}
#define FREELIST(key, type, size)                                                                  \
    {.what = PUSH_NODE, .a = key, .text = type, .number = size, .flags = LW_TYPE_FREELIST}
#define EDGE(from, to, name) {.what = PUSH_EDGE, .a = from, .b = to, .label = name}
#define EDGE_OF(edge_kind, from, to, name)                                                         \
    {.what = PUSH_EDGE, .kind = edge_kind, .a = from, .b = to, .label = name}
#define ROOT(key, root_kind, name) {.what = PUSH_ROOT, .a = key, .text = root_kind, .label = name}
#define ROOT_OF(root_flags, key, root_kind, name)                                                  \
    {.what = PUSH_ROOT, .flags = root_flags, .a = key, .text = root_kind, .label = name}
#define REFERENCES(key, count) {.what = STATE_REFERENCES, .a = key, .number = count}
#define EXTERNAL(key, bytes) {.what = STATE_EXTERNAL, .a = key, .number = bytes}
#define TO(from, runtime, to, name)                                                                \
    {.what = BRIDGE, .a = from, .b = to, .text = runtime, .label = name}
#define FROM(runtime, from, to, name)                                                              \
    {.what = BRIDGE_FROM, .a = to, .b = from, .text = runtime, .label = name}
#define HIDDEN(key) {.what = HIDE, .a = key}

/* What a runtime plays; a test may swap the table between two snapshots. */
typedef struct script {
    const op *ops;
    int runs;
} script;

static inline uint32_t play_label(lw_sink *sink, const char *label)
{
    size_t length = label ? strlen(label) : 0;
    if (length == 0)
        return 0;
    if (label[0] == '#')
        return LW_LABEL_INDEX(strtoul(label + 1, NULL, 10));
    if (label[0] == '.')
        return lw_sink_label(sink, LW_LABEL_ATTRIBUTE, label + 1, length - 1);
    if (label[0] == '[')
        return lw_sink_label(sink, LW_LABEL_KEY, label + 1, length - 2);
    if (label[0] == '(')
        return lw_sink_label(sink, LW_LABEL_INTERNAL, label + 1, length - 2);
    return lw_sink_label(sink, LW_LABEL_VARIABLE, label, length);
}

static inline int play_op(lw_sink *sink, const op *op)
{
    switch (op->what) {
    case PUSH_NODE:
        return lw_sink_node(sink, op->a, lw_sink_type(sink, op->b, op->text, op->flags),
                            op->number);
    case PUSH_EDGE:
        return lw_sink_edge(sink, op->a, op->b, op->kind, play_label(sink, op->label));
    case PUSH_ROOT:
        return lw_sink_root(sink, op->a, lw_sink_root_kind(sink, op->text, op->flags),
                            play_label(sink, op->label));
    case STATE_REFERENCES:
        return lw_sink_references(sink, op->a, op->number);
    case STATE_EXTERNAL:
        return lw_sink_external(sink, op->a, op->number);
    case BRIDGE:
        return lw_sink_bridge(sink, op->a, op->text, op->b, op->kind, play_label(sink, op->label));
    case BRIDGE_FROM:
        return lw_sink_bridge_from(sink, op->text, op->b, op->a, op->kind,
                                   play_label(sink, op->label));
    case HIDE:
        return lw_sink_hide(sink, op->a);
    case FAIL:
        return lw_sink_fail(sink, op->text);
    default:
        return (int)op->number;
    }
}

static inline int play(lw_sink *sink, void *user)
{
    script *script = user;
    int answer = 0;
    script->runs++;
    for (const op *op = script->ops; op->what != END && answer == 0; op++)
        answer = play_op(sink, op);
    return answer;
}

static inline lw_runtime *add_runtime(host *host, const char *name, int32_t key_kind,
                                      lw_enumerate_fn enumerate, void *user)
{
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    lw_runtime *runtime = NULL;
    options.name = name;
    options.key_kind = key_kind;
    options.enumerate = enumerate;
    options.user = user;
    options.domains = &host->heap;
    options.domain_count = key_kind == LW_KEY_ADDRESS;
    cr_assert_eq(lw_runtime_create(host->context, &options, &runtime, NULL), LW_OK);
    cr_assert_not_null(runtime);
    return runtime;
}

/* Opens a host with one runtime, "toy", that plays a script; its keys are any numbers. */
static inline lw_runtime *open_toy(host *host, script *script)
{
    open_host(host);
    return add_runtime(host, "toy", LW_KEY_OPAQUE, play, script);
}

static inline lw_snapshot *take(host *host)
{
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_snapshot_take(host->context, NULL, &snapshot, &error), LW_OK, "%s",
                 error.message);
    return snapshot;
}

/* Takes a snapshot of one script, after which host and context are gone. */
static inline lw_snapshot *take_script(const op *ops)
{
    host host;
    script script = {ops, 0};
    lw_context *context = NULL;
    memset(&host, 0, sizeof host);
    cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
    host.context = context;
    add_runtime(&host, "toy", LW_KEY_OPAQUE, play, &script);
    lw_snapshot *snapshot = take(&host);
    lw_context_release(context);
    return snapshot;
}

static inline lw_snapshot_info snapshot_info(const lw_snapshot *snapshot)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    cr_assert_eq(lw_snapshot_info_get(snapshot, &info, NULL), LW_OK);
    return info;
}

static inline lw_node find_node(const lw_snapshot *snapshot, lw_key key)
{
    lw_node node = LW_NODE_NONE;
    cr_assert_eq(lw_node_find(snapshot, "toy", key, &node, NULL), LW_OK);
    return node;
}

static inline lw_node_info node_info(const lw_snapshot *snapshot, lw_key key)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    cr_assert_eq(lw_node_info_get(snapshot, find_node(snapshot, key), &info, NULL), LW_OK);
    return info;
}

/* The call failed, in words that say `words`. */
static inline void expect_words(lw_status got, lw_status want, const lw_error *error,
                                const char *words)
{
    expect_error(got, want, error);
    cr_assert(strstr(error->message, words), "\"%s\" does not say \"%s\"", error->message, words);
}

#endif
