/* Plugging in and out, and what a sink says to those who use it wrongly. What
 * lw_runtime_check() finds: check.c. */
#include "graph_host.h"

static int push_nothing(lw_sink *sink, void *user)
{
    (void)sink, (void)user;
    return 0;
}

static lw_runtime_options good_options(void)
{
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "toy";
    options.enumerate = push_nothing;
    return options;
}

static lw_status create(lw_context *context, const lw_runtime_options *options, lw_error *error)
{
    lw_runtime *runtime = at(1);
    lw_status status = lw_runtime_create(context, options, &runtime, error);
    cr_assert_eq(runtime != NULL, status == LW_OK);
    return status;
}

/* ---- lw_runtime_create, lw_runtime_destroy ---- */

Test(runtime, create_refuses_null)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_runtime_options options = good_options();
    open_host(&host);
    expect_error(create(NULL, &options, &error), LW_E_INVALID, &error);
    expect_error(create(host.context, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_runtime_create(host.context, &options, NULL, &error), LW_E_INVALID, &error);
    cr_assert_eq(create(host.context, &options, NULL), LW_OK);
    close_host(&host);
}

Test(runtime, create_refuses_bad_options)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_runtime_options options = good_options();
    lw_domain *none = NULL;
    open_host(&host);
    options.name = NULL;
    expect_words(create(host.context, &options, &error), LW_E_INVALID, &error, "name");
    options.name = "";
    expect_words(create(host.context, &options, &error), LW_E_INVALID, &error, "name");
    options = good_options();
    options.enumerate = NULL;
    expect_words(create(host.context, &options, &error), LW_E_INVALID, &error, "enumerate");
    options = good_options();
    options.key_kind = 2;
    expect_words(create(host.context, &options, &error), LW_E_INVALID, &error, "key_kind 2");
    options = good_options();
    options.domain_count = 1;
    expect_words(create(host.context, &options, &error), LW_E_INVALID, &error, "domains is NULL");
    options.domains = &none;
    expect_words(create(host.context, &options, &error), LW_E_INVALID, &error, "domains[0]");
    options.domains = &host.heap;
    options.key_kind = LW_KEY_OPAQUE;
    expect_words(create(host.context, &options, &error), LW_E_INVALID, &error, "LW_KEY_OPAQUE");
    close_host(&host);
}

Test(runtime, create_refuses_domains_of_another_context)
{
    host here, there;
    lw_error error = LW_ERROR_INIT;
    lw_runtime_options options = good_options();
    open_host(&here);
    open_host(&there);
    options.domains = &there.heap;
    options.domain_count = 1;
    expect_words(create(here.context, &options, &error), LW_E_INVALID, &error, "another context");
    close_host(&there);
    close_host(&here);
}

Test(runtime, create_takes_options_of_every_size)
{
    host host;
    lw_runtime_options good = good_options();
    open_host(&host);
    EXPECT_OPTION_SIZES(lw_runtime_options, good, create(host.context, given, &error));
    good.name = "short";
    good.struct_size = offsetof(lw_runtime_options, domains);
    good.domain_count = 7; /* beyond its size: not looked at */
    cr_assert_eq(create(host.context, &good, NULL), LW_OK);
    close_host(&host);
}

Test(runtime, create_refuses_a_taken_name_until_it_is_free)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_runtime *first = NULL, *second = NULL;
    lw_runtime_options options = good_options();
    open_host(&host);
    cr_assert_eq(lw_runtime_create(host.context, &options, &first, NULL), LW_OK);
    expect_words(create(host.context, &options, &error), LW_E_STATE, &error, "\"toy\"");
    lw_runtime_destroy(first);
    cr_assert_eq(lw_runtime_create(host.context, &options, &second, NULL), LW_OK);
    lw_runtime_destroy(second);
    lw_runtime_destroy(NULL);
    close_host(&host);
}

Test(runtime, create_copies_name_and_domains)
{
    static const op ops[] = {NODE(0x1000, "t", 8), {0}};
    script script = {ops, 0};
    host host;
    char name[] = "copied";
    lw_domain *domains[1];
    lw_runtime *runtime = NULL;
    lw_runtime_options options = good_options();
    open_host(&host);
    lw_block_alloc_at(host.heap, at(0x1000), 64, LW_HERE);
    domains[0] = host.heap;
    options.name = name;
    options.domains = domains;
    options.domain_count = 1;
    options.enumerate = play;
    options.user = &script;
    cr_assert_eq(lw_runtime_create(host.context, &options, &runtime, NULL), LW_OK);
    memset(name, 'x', sizeof name - 1);
    memset(domains, 0xEE, sizeof domains);
    lw_snapshot *snapshot = take(&host);
    lw_node node;
    lw_node_info info = LW_NODE_INFO_INIT;
    cr_assert_eq(lw_node_find(snapshot, "copied", 0x1000, &node, NULL), LW_OK);
    cr_assert_eq(lw_node_info_get(snapshot, node, &info, NULL), LW_OK);
    cr_assert_eq(info.bytes, 64);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(runtime, destroyed_runtime_is_not_in_the_next_snapshot)
{
    static const op ops[] = {NODE(1, "t", 8), {0}};
    script script = {ops, 0};
    host host;
    lw_runtime *first = open_toy(&host, &script);
    lw_runtime *other = add_runtime(&host, "other", LW_KEY_OPAQUE, play, &script);
    lw_snapshot *both = take(&host);
    lw_runtime_destroy(first);
    lw_snapshot *one = take(&host);
    lw_runtime_destroy(other);
    lw_snapshot *none = take(&host);
    cr_assert_eq(snapshot_info(both).nodes, 2);
    cr_assert_eq(snapshot_info(one).nodes, 1);
    cr_assert_eq(snapshot_info(none).nodes, 0);
    cr_assert_eq(lw_node_find(one, "toy", 1, &(lw_node){0}, NULL), LW_E_NOT_FOUND);
    lw_snapshot_release(both);
    lw_snapshot_release(one);
    lw_snapshot_release(none);
    close_host(&host);
}

/* ---- wrong use of a sink, in words ---- */

/* Taking a snapshot fails with `words`; what stood stands, and the next one succeeds. */
static void expect_refused(lw_enumerate_fn enumerate, const char *words)
{
    static const op fine[] = {NODE(8, "t", 8), {0}};
    script good = {fine, 0};
    host host;
    lw_snapshot *snapshot = (lw_snapshot *)at(1);
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_runtime *bad = add_runtime(&host, "bad", LW_KEY_ADDRESS, enumerate, NULL);
    add_runtime(&host, "good", LW_KEY_OPAQUE, play, &good);
    expect_words(lw_snapshot_take(host.context, NULL, &snapshot, &error), LW_E_RUNTIME, &error,
                 words);
    cr_assert_null(snapshot);
    cr_assert(strstr(error.message, "\"bad\""), "which runtime: %s", error.message);
    cr_assert_eq(good.runs, 0, "goes on after a failure");
    lw_runtime_destroy(bad);
    lw_snapshot_release(take(&host));
    close_host(&host);
}

#define REFUSED(name, words, body)                                                                 \
    static int name(lw_sink *sink, void *user)                                                     \
    {                                                                                              \
        (void)user;                                                                                \
        body                                                                                       \
    }                                                                                              \
    Test(runtime, sink_refuses_##name)                                                             \
    {                                                                                              \
        expect_refused(name, words);                                                               \
    }

REFUSED(type_zero, "type 0 of node 0x8", { return lw_sink_node(sink, 8, 0, 1); })
REFUSED(unknown_type, "type 2 of node 0x8", {
    lw_sink_type(sink, 0, "only one", 0);
    return lw_sink_node(sink, 8, 2, 1);
})
REFUSED(type_without_name, "lw_sink_type: name is NULL", {
    lw_sink_type(sink, 0, NULL, 0);
    return 0; /* the sink remembers */
})
REFUSED(unknown_type_flags, "flags 0x6 of \"t\"", {
    return lw_sink_type(sink, 0, "t", 6) == 0;
})
REFUSED(key_zero, "lw_sink_node: key 0", {
    return lw_sink_node(sink, 0, lw_sink_type(sink, 0, "t", 0), 1);
})
REFUSED(unaligned_key, "lw_sink_node: key 0x1001", {
    return lw_sink_node(sink, 0x1001, lw_sink_type(sink, 0, "t", 0), 1);
})
REFUSED(edge_from_zero, "lw_sink_edge (from): key 0", {
    return lw_sink_edge(sink, 0, 8, LW_EDGE_STRONG, 0);
})
REFUSED(edge_to_zero, "lw_sink_edge (to): key 0", {
    return lw_sink_edge(sink, 8, 0, LW_EDGE_STRONG, 0);
})
REFUSED(edge_to_unaligned, "lw_sink_edge (to): key 0xc", {
    return lw_sink_edge(sink, 8, 12, LW_EDGE_STRONG, 0);
})
REFUSED(unknown_edge_kind, "kind 5 of an edge of 0x8", {
    return lw_sink_edge(sink, 8, 16, 5, 0);
})
REFUSED(negative_edge_kind, "kind -1", { return lw_sink_edge(sink, 8, 16, -1, 0); })
REFUSED(unknown_edge_label, "lw_sink_edge: label 3", {
    lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "one", 3);
    return lw_sink_edge(sink, 8, 16, LW_EDGE_STRONG, 3);
})
REFUSED(unknown_label_style, "style 4", { return lw_sink_label(sink, 4, "x", 1) == 0; })
REFUSED(label_without_text, "text is NULL", {
    return lw_sink_label(sink, LW_LABEL_KEY, NULL, 2) == 0;
})
REFUSED(root_kind_zero, "kind 0 of root 0x8", { return lw_sink_root(sink, 8, 0, 0); })
REFUSED(unknown_root_kind, "kind 1 of root 0x8", { return lw_sink_root(sink, 8, 1, 0); })
REFUSED(unknown_root_label, "lw_sink_root: label 1", {
    return lw_sink_root(sink, 8, lw_sink_root_kind(sink, "global", 0), 1);
})
REFUSED(root_of_zero, "lw_sink_root: key 0", {
    return lw_sink_root(sink, 0, lw_sink_root_kind(sink, "global", 0), 0);
})
REFUSED(root_kind_without_name, "lw_sink_root_kind: name is NULL", {
    return lw_sink_root_kind(sink, NULL, 0) == 0;
})
REFUSED(unknown_root_flags, "flags 0x8 of \"global\"", {
    return lw_sink_root_kind(sink, "global", 8) == 0;
})
REFUSED(references_of_zero, "lw_sink_references: key 0", { return lw_sink_references(sink, 0, 1); })
REFUSED(external_of_zero, "lw_sink_external: key 0", { return lw_sink_external(sink, 0, 1); })
REFUSED(hide_of_zero, "lw_sink_hide: key 0", { return lw_sink_hide(sink, 0); })
REFUSED(failure_in_words, "the heap is locked", {
    return lw_sink_fail(sink, "the heap is locked");
})
REFUSED(failure_without_words, "gave up", { return lw_sink_fail(sink, NULL); })
REFUSED(failure_that_is_hidden, "the heap is locked", {
    lw_sink_fail(sink, "the heap is locked");
    return 0;
})
REFUSED(answer_without_words, "enumerate returned 7", {
    (void)sink;
    return 7;
})
REFUSED(failure_after_the_first, "key 0", {
    cr_assert_neq(lw_sink_node(sink, 0, lw_sink_type(sink, 0, "t", 0), 1), 0);
    /* From here on all is refused, and the first failure stands. */
    cr_assert_neq(lw_sink_fail(sink, "another one"), 0);
    cr_assert_eq(lw_sink_type(sink, 0, "t", 0), 0);
    cr_assert_eq(lw_sink_label(sink, LW_LABEL_KEY, "k", 1), 0);
    cr_assert_eq(lw_sink_root_kind(sink, "global", 0), 0);
    cr_assert_neq(lw_sink_edge(sink, 8, 16, LW_EDGE_STRONG, 0), 0);
    cr_assert_neq(lw_sink_root(sink, 8, 1, 0), 0);
    cr_assert_neq(lw_sink_references(sink, 8, 1), 0);
    cr_assert_neq(lw_sink_external(sink, 8, 1), 0);
    cr_assert_neq(lw_sink_hide(sink, 8), 0);
    return 0;
})

Test(runtime, no_sink_is_refused)
{
    cr_assert_eq(lw_sink_type(NULL, 0, "t", 0), 0);
    cr_assert_eq(lw_sink_label(NULL, LW_LABEL_KEY, "k", 1), 0);
    cr_assert_eq(lw_sink_root_kind(NULL, "global", 0), 0);
    cr_assert_neq(lw_sink_node(NULL, 8, 1, 1), 0);
    cr_assert_neq(lw_sink_edge(NULL, 8, 16, LW_EDGE_STRONG, 0), 0);
    cr_assert_neq(lw_sink_root(NULL, 8, 1, 0), 0);
    cr_assert_neq(lw_sink_references(NULL, 8, 1), 0);
    cr_assert_neq(lw_sink_external(NULL, 8, 1), 0);
    cr_assert_neq(lw_sink_hide(NULL, 8), 0);
    cr_assert_neq(lw_sink_fail(NULL, "x"), 0);
}

/* ---- ids ---- */

static int push_equal_words(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t map = lw_sink_type(sink, 0, "map", 0);
    cr_assert_neq(map, 0);
    cr_assert_eq(lw_sink_type(sink, 0, "map", 0), map);
    cr_assert_neq(lw_sink_type(sink, 5, "map", 0), map, "one name, two types");
    cr_assert_eq(lw_sink_type(sink, 5, "map", 0), lw_sink_type(sink, 5, "map", 0));
    uint32_t label = lw_sink_label(sink, LW_LABEL_KEY, "ab", 2);
    cr_assert_neq(label, 0);
    cr_assert_eq(lw_sink_label(sink, LW_LABEL_KEY, "abc", 2), label);
    cr_assert_neq(lw_sink_label(sink, LW_LABEL_KEY, "abc", 3), label);
    cr_assert_neq(lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "ab", 2), label);
    cr_assert_neq(lw_sink_label(sink, LW_LABEL_KEY, "", 0), 0);
    uint32_t kind = lw_sink_root_kind(sink, "stack", 0);
    cr_assert_eq(lw_sink_root_kind(sink, "stack", 0), kind);
    cr_assert_neq(lw_sink_root_kind(sink, "stack", LW_ROOT_ASKER), kind);
    return 0;
}

Test(runtime, equal_words_have_equal_ids)
{
    host host;
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_OPAQUE, push_equal_words, NULL);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(snapshot_info(snapshot).types, 2);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

static int push_and_allocate(lw_sink *sink, void *user)
{
    const host *host = user;
    (void)sink;
    lw_block_alloc_at(host->heap, at(0x4000), 100, LW_HERE);
    return 0;
}

Test(runtime, what_enumerate_allocates_is_not_recorded)
{
    host host;
    lw_block block;
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_OPAQUE, push_and_allocate, &host);
    lw_snapshot_release(take(&host));
    cr_assert_eq(find_block(host.heap, 0x4000, &block), LW_E_NOT_FOUND);
    lw_block_alloc_at(host.heap, at(0x5000), 100, LW_HERE);
    cr_assert_eq(find_block(host.heap, 0x5000, &block), LW_OK, "the scope has ended");
    close_host(&host);
}

static int push_and_take(lw_sink *sink, void *user)
{
    host *host = user;
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    (void)sink;
    expect_words(lw_snapshot_take(host->context, NULL, &snapshot, &error), LW_E_STATE, &error,
                 "enumerate");
    return 0;
}

Test(runtime, enumerate_must_not_take_a_snapshot)
{
    host host;
    open_host(&host);
    add_runtime(&host, "toy", LW_KEY_OPAQUE, push_and_take, &host);
    lw_snapshot_release(take(&host));
    close_host(&host);
}
