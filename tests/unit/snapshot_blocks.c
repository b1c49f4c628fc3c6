/* What a snapshot tells of the blocks its nodes lie in, and that it needs nobody to tell it. */
#include "graph_host.h"

static const op ops[] = {NODE(0x1000, "t", 8), NODE(0x1010, "t", 8), NODE(0x2040, "t", 8),
                         NODE(0x9000, "t", 8), NODE(0x1060, "t", 8), {0}};

static lw_runtime *open_recorded(host *host, script *script, lw_domain *const *domains,
                                 uint64_t count)
{
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    lw_runtime *runtime = NULL;
    options.name = "toy";
    options.enumerate = play;
    options.user = script;
    options.domains = domains;
    options.domain_count = count;
    cr_assert_eq(lw_runtime_create(host->context, &options, &runtime, NULL), LW_OK);
    return runtime;
}

static lw_frame frame_of(const lw_snapshot *snapshot, lw_key key, uint32_t level)
{
    lw_frame frame = LW_FRAME_INIT;
    cr_assert_eq(lw_node_frame_get(snapshot, find_node(snapshot, key), level, &frame, NULL),
                 LW_OK);
    return frame;
}

Test(snapshot_blocks, nodes_know_the_block_they_lie_in)
{
    host host;
    script script = {ops, 0};
    open_host(&host);
    lw_block_alloc_at(host.heap, at(0x1000), 0x60, "a.c:1");
    lw_region *region = NULL;
    lw_round round = 0;
    lw_region_create(host.context, "r", NULL, &region, NULL);
    lw_region_begin(region, &round, NULL); /* advances the epoch */
    lw_block_alloc_at(host.heap, at(0x2000), 0x100, "b.c:22");
    lw_region_end(region, round, NULL, NULL);
    open_recorded(&host, &script, &host.heap, 1);
    lw_snapshot *snapshot = take(&host);
    lw_node_info first = node_info(snapshot, 0x1000), inner = node_info(snapshot, 0x1010);
    lw_node_info later = node_info(snapshot, 0x2040), none = node_info(snapshot, 0x9000);
    cr_assert_eq(first.flags, LW_NODE_GARBAGE | LW_NODE_RECORDED);
    cr_assert_eq(first.bytes, 0x60);
    cr_assert_eq(inner.bytes, 0x60);
    cr_assert_eq(inner.epoch, first.epoch);
    cr_assert_eq(first.frames, 1);
    cr_assert_eq(later.bytes, 0x100);
    cr_assert_gt(later.epoch, first.epoch);
    cr_assert_geq(snapshot_info(snapshot).epoch, later.epoch);
    cr_assert_eq(none.flags, LW_NODE_GARBAGE | LW_NODE_BEFORE);
    cr_assert_eq(none.bytes + none.epoch + none.frames, 0);
    cr_assert_eq(node_info(snapshot, 0x1060).bytes, 0, "just behind a block");
    cr_assert_str_eq(frame_of(snapshot, 0x1010, 0).file, "a.c");
    cr_assert_eq(frame_of(snapshot, 0x2040, 0).line, 22);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(snapshot_blocks, frame_get)
{
    host host;
    script script = {ops, 0};
    lw_frame frame = LW_FRAME_INIT;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_block_alloc_at(host.heap, at(0x1000), 0x60, "a.c:1");
    open_recorded(&host, &script, &host.heap, 1);
    lw_snapshot *snapshot = take(&host);
    EXPECT_RESULT_SIZES(lw_frame, lw_node_frame_get(snapshot, 0, 0, to, &error));
    frame.line = 7;
    expect_error(lw_node_frame_get(NULL, 0, 0, &frame, &error), LW_E_INVALID, &error);
    cr_assert_eq(frame.line, 0);
    expect_error(lw_node_frame_get(snapshot, 5, 0, &frame, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_node_frame_get(snapshot, 0, 1, &frame, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_node_frame_get(snapshot, find_node(snapshot, 0x9000), 0, &frame, &error),
                 LW_E_NOT_FOUND, &error);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    static char function[16], file[16];
    (void)user;
    snprintf(function, sizeof function, "f%d", (int)word);
    snprintf(file, sizeof file, "%d.lang", (int)word / 10);
    frame->function = word == 3 ? NULL : function;
    frame->file = file;
    frame->line = (uint32_t)word * 100;
    frame->flags = word == 2 ? LW_FRAME_OWN : 0;
    return 0;
}

Test(snapshot_blocks, stacks_in_full)
{
    static const uint64_t one[] = {1, 2, 3}, two[] = {4, 2, 3};
    static const lw_stack stacks[] = {{one, 3, 0, 0}, {two, 3, 0, 0}};
    host host;
    script script = {ops, 0};
    lw_domain *lang = NULL;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    open_host(&host);
    options.name = "lang";
    options.describe_frame = describe;
    cr_assert_eq(lw_domain_create(host.context, &options, &lang, NULL), LW_OK);
    lw_block_alloc(lang, at(0x1000), 0x60, &stacks[0]);
    lw_block_alloc(lang, at(0x2000), 0x60, &stacks[1]);
    lw_block_alloc(lang, at(0x9000), 0x60, NULL);
    open_recorded(&host, &script, &lang, 1);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(node_info(snapshot, 0x1000).frames, 3);
    cr_assert_str_eq(frame_of(snapshot, 0x1000, 0).function, "f1");
    cr_assert_str_eq(frame_of(snapshot, 0x2040, 0).function, "f4");
    cr_assert_eq(frame_of(snapshot, 0x2040, 0).flags, 0);
    cr_assert_eq(frame_of(snapshot, 0x2040, 1).flags, LW_FRAME_OWN);
    cr_assert_eq(frame_of(snapshot, 0x1000, 1).function, frame_of(snapshot, 0x2040, 1).function,
                 "text is kept once");
    cr_assert_null(frame_of(snapshot, 0x1000, 2).function);
    cr_assert_eq(frame_of(snapshot, 0x1000, 2).line, 300);
    cr_assert_eq(node_info(snapshot, 0x9000).flags & LW_NODE_RECORDED, LW_NODE_RECORDED);
    cr_assert_eq(node_info(snapshot, 0x9000).frames, 0);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

Test(snapshot_blocks, the_first_domain_that_has_a_block_answers)
{
    host host;
    script script = {ops, 0};
    open_host(&host);
    lw_domain *apart = add_domain(host.context, "apart", LW_DOMAIN_APART, NULL);
    lw_domain *domains[] = {apart, host.heap};
    lw_block_alloc_at(host.heap, at(0x1000), 0x60, LW_HERE);
    lw_block_alloc_at(apart, at(0x1000), 0x10, LW_HERE);
    open_recorded(&host, &script, domains, 2);
    lw_snapshot *snapshot = take(&host);
    cr_assert_eq(node_info(snapshot, 0x1000).bytes, 0x10);
    cr_assert_eq(node_info(snapshot, 0x1010).bytes, 0x60);
    lw_snapshot_release(snapshot);
    close_host(&host);
}

/* ---- independence ---- */

static int to_buffer(const char *text, size_t length, void *user)
{
    char *buffer = user;
    size_t used = strlen(buffer);
    if (used + length < 4096) {
        memcpy(buffer + used, text, length);
        buffer[used + length] = '\0';
    }
    return 0;
}

/* All that a snapshot says of one node, in words. */
static void tell(lw_snapshot *snapshot, lw_key key, char *buffer)
{
    lw_node node = find_node(snapshot, key);
    lw_node_info info = node_info(snapshot, key);
    lw_type_info type = LW_TYPE_INFO_INIT;
    lw_frame frame = frame_of(snapshot, key, 0);
    lw_paths *paths = NULL;
    lw_snapshot_type_get(snapshot, info.type, &type, NULL);
    snprintf(buffer, 4096, "%s %s %s:%s:%u %d\n", info.runtime, type.name, frame.function,
             frame.file, (unsigned)frame.line, (int)info.bytes);
    cr_assert_eq(lw_paths_find(snapshot, &node, 1, NULL, &paths, NULL), LW_OK);
    cr_assert_eq(lw_report_path(paths, 0, NULL, to_buffer, buffer, NULL), LW_OK);
    lw_paths_release(paths);
}

/* The texts of the host, which it overwrites when it goes. */
static char name[] = "toy", type_name[] = "app.Map", label[] = "next", kind[] = "global";

static int enumerate(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t type = lw_sink_type(sink, 0, type_name, 0);
    lw_sink_node(sink, 0x1000, type, 8);
    lw_sink_node(sink, 0x2000, type, 8);
    lw_sink_edge(sink, 0x1000, 0x2000, LW_EDGE_STRONG,
                 lw_sink_label(sink, LW_LABEL_ATTRIBUTE, label, strlen(label)));
    return lw_sink_root(sink, 0x1000, lw_sink_root_kind(sink, kind, 0), 0);
}

Test(snapshot_blocks, a_snapshot_outlives_all_it_was_taken_of)
{
    static const uint64_t words[] = {1};
    static const lw_stack stack = {words, 1, 0, 0};
    static char before[4096], after[4096];
    char *texts[] = {name, type_name, label, kind};
    host host;
    lw_domain *lang = NULL;
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    lw_runtime *runtime = NULL;
    open_host(&host);
    domain.name = "lang";
    domain.describe_frame = describe;
    lw_domain_create(host.context, &domain, &lang, NULL);
    lw_block_alloc(lang, at(0x2000), 0x60, &stack);
    options.name = name;
    options.enumerate = enumerate;
    options.domains = &lang;
    options.domain_count = 1;
    lw_runtime_create(host.context, &options, &runtime, NULL);
    lw_snapshot *snapshot = take(&host);
    tell(snapshot, 0x2000, before);
    lw_block_free(lang, at(0x2000));
    lw_runtime_destroy(runtime);
    lw_context_release(host.context);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        memset(texts[i], 'x', strlen(texts[i]));
    tell(snapshot, 0x2000, after);
    cr_assert_str_eq(before, after);
    cr_assert(strstr(after, "app.Map"));
    cr_assert(strstr(after, "next"));
    lw_snapshot_release(snapshot);
    cr_assert_eq(host.memory.bytes, 0);
}
