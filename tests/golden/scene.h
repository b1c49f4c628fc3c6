/* The heap of the golden files: some of everything that a snapshot can hold. */
#ifndef TESTS_GOLDEN_SCENE_H
#define TESTS_GOLDEN_SCENE_H

#include <leakwatch.h>

#include <string.h>

static inline uint32_t scene_label(lw_sink *sink, int32_t style, const char *text)
{
    return lw_sink_label(sink, style, text, strlen(text));
}

/* Addresses: a cache that holds entries, one of them through an odd reference, and garbage. */
static inline int scene_heap(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t cache = lw_sink_type(sink, 7, "app.Cache", 0);
    uint32_t entry = lw_sink_type(sink, 0, "app.Entry", LW_TYPE_FREELIST);
    lw_sink_node(sink, 0x10000, cache, 64);
    for (int i = 0; i < 5; i++)
        lw_sink_node(sink, 0x20000 + 0x100 * (lw_key)i, entry, i < 4 ? 48 : 56);
    lw_sink_edge(sink, 0x10000, 0x20000, LW_EDGE_STRONG,
                 scene_label(sink, LW_LABEL_ATTRIBUTE, "newest"));
    lw_sink_edge(sink, 0x10000, 0x20100, LW_EDGE_STRONG, scene_label(sink, LW_LABEL_KEY, "'bob'"));
    lw_sink_edge(sink, 0x10000, 0x20200, LW_EDGE_EPHEMERON, LW_LABEL_INDEX(2));
    lw_sink_edge(sink, 0x20200, 0x20000, LW_EDGE_WEAK, scene_label(sink, LW_LABEL_INTERNAL, "up"));
    lw_sink_edge(sink, 0x20300, 0x20300, LW_EDGE_STRONG, 0);
    lw_sink_references(sink, 0x20000, 1);
    lw_sink_references(sink, 0x20100, 1000);
    lw_sink_external(sink, 0x20200, 4096);
    return lw_sink_root(sink, 0x10000, lw_sink_root_kind(sink, "module", 0),
                        scene_label(sink, LW_LABEL_VARIABLE, "sessions"));
}

/* Numbers. */
static inline int scene_numbers(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t handle = lw_sink_type(sink, 0, "handle", 0);
    lw_sink_node(sink, 3, handle, 8);
    lw_sink_node(sink, UINT64_MAX, handle, 8);
    lw_sink_edge(sink, 3, UINT64_MAX, LW_EDGE_BORROWED, 0);
    lw_sink_root(sink, UINT64_MAX, lw_sink_root_kind(sink, "stack", LW_ROOT_ASKER), 0);
    return lw_sink_root(sink, 3, lw_sink_root_kind(sink, "stack", LW_ROOT_BORROWED), 0);
}

static inline int scene_describe(uint64_t word, lw_frame *frame, void *user)
{
    (void)user;
    frame->file = word == 2 ? "lib.py" : "app.py";
    frame->function = word == 1 ? "put" : word == 2 ? NULL : "main";
    frame->line = (uint32_t)word * 10;
    frame->flags = word == 2 ? 0 : LW_FRAME_OWN;
    return 0;
}

static inline lw_context *scene_open(void)
{
    static const uint64_t words[] = {1, 2, 3};
    static const lw_stack stack = {words, 3, 0, 0};
    lw_context *context = NULL;
    lw_domain *heap = NULL;
    lw_runtime *runtime = NULL;
    lw_context_create(NULL, &context, NULL);
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    domain.name = "heap";
    domain.describe_frame = scene_describe;
    lw_domain_create(context, &domain, &heap, NULL);
    lw_block_alloc(heap, (const void *)(uintptr_t)0x10000, 64, NULL);
    lw_block_alloc(heap, (const void *)(uintptr_t)0x20000, 0x200, &stack);
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "app";
    options.enumerate = scene_heap;
    options.domains = &heap;
    options.domain_count = 1;
    lw_runtime_create(context, &options, &runtime, NULL);
    options = (lw_runtime_options)LW_RUNTIME_OPTIONS_INIT;
    options.name = "handles";
    options.key_kind = LW_KEY_OPAQUE;
    options.enumerate = scene_numbers;
    lw_runtime_create(context, &options, &runtime, NULL);
    return context;
}

static inline lw_snapshot *scene_take(lw_context *context)
{
    lw_snapshot *snapshot = NULL;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    options.name = "golden";
    lw_snapshot_take(context, &options, &snapshot, NULL);
    return snapshot;
}

#endif
