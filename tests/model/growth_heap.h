/* A heap that programs of a test change, and a runtime that pushes it in any order. */
#ifndef GROWTH_HEAP_H
#define GROWTH_HEAP_H

#include <leakwatch.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAP_ITEMS = 20000 };

struct thing {
    const char *type;
    uint64_t size;
};

/* Labels: "x" a variable, ".x" an attribute, "[x]" a key, "(x)" internal, "#" the next index. */
struct bond {
    int from, to; /* from -1: a root of the kind `label`, named `name` */
    const char *label, *name;
    int32_t kind;
    uint32_t flags;
    int gone;
};

struct heap {
    struct thing things[HEAP_ITEMS];
    struct bond bonds[HEAP_ITEMS];
    int thing_count, bond_count;
    uint64_t seed; /* of keys and of the order in which all of it is pushed */
    uint64_t chance;
};

static inline uint64_t heap_random(struct heap *heap)
{
    heap->chance ^= heap->chance << 13;
    heap->chance ^= heap->chance >> 7;
    heap->chance ^= heap->chance << 17;
    return heap->chance * 0x9e3779b97f4a7c15u >> 11;
}

static inline int heap_below(struct heap *heap, int limit)
{
    return (int)(heap_random(heap) % (uint64_t)limit);
}

static inline struct heap *heap_open(uint64_t seed)
{
    struct heap *heap = calloc(1, sizeof *heap);
    heap->seed = seed * 2 + 1;
    heap->chance = seed * 0x9e3779b97f4a7c15u + 1;
    return heap;
}

static inline int heap_add(struct heap *heap, const char *type, uint64_t size)
{
    if (heap->thing_count == HEAP_ITEMS)
        abort();
    heap->things[heap->thing_count] = (struct thing){type, size};
    return heap->thing_count++;
}

static inline int heap_tie(struct heap *heap, int from, int to, const char *label)
{
    if (heap->bond_count == HEAP_ITEMS)
        abort();
    heap->bonds[heap->bond_count] =
        (struct bond){from, to, label, NULL, LW_EDGE_STRONG, 0, 0};
    return heap->bond_count++;
}

static inline void heap_root(struct heap *heap, int thing, const char *kind, const char *name)
{
    heap->bonds[heap_tie(heap, -1, thing, kind)].name = name;
}

/* A new thing that `from` holds. */
static inline int heap_grow(struct heap *heap, int from, const char *label, const char *type)
{
    int thing = heap_add(heap, type, 32);
    heap_tie(heap, from, thing, label);
    return thing;
}

/* Takes away the reference from one thing to another; -1 for any. */
static inline void heap_untie(struct heap *heap, int from, int to)
{
    for (int i = 0; i < heap->bond_count; i++) {
        struct bond *bond = &heap->bonds[i];
        if ((from < 0 || bond->from == from) && (to < 0 || bond->to == to))
            bond->gone = 1;
    }
}

/* Where a label leads; -1: nowhere. The oldest reference counts. */
static inline int heap_at(const struct heap *heap, int from, const char *label)
{
    for (int i = 0; i < heap->bond_count; i++) {
        const struct bond *bond = &heap->bonds[i];
        if (!bond->gone && bond->from == from && strcmp(bond->label, label) == 0)
            return bond->to;
    }
    return -1;
}

static inline void heap_set(struct heap *heap, int from, const char *label, int to)
{
    int was = heap_at(heap, from, label);
    for (int i = 0; was >= 0 && i < heap->bond_count; i++) {
        struct bond *bond = &heap->bonds[i];
        if (bond->from == from && strcmp(bond->label, label) == 0)
            bond->gone = 1;
    }
    if (to >= 0)
        heap_tie(heap, from, to, label);
}

/* --- pushing ---- */

/* Unlike for each thing, in no order. */
static inline lw_key heap_key(const struct heap *heap, int thing)
{
    return ((uint64_t)thing + 1) * (heap->seed * 0x9e3779b97f4a7c15u | 1);
}

static inline uint32_t heap_label(lw_sink *sink, const char *label, int number)
{
    size_t length = label ? strlen(label) : 0;
    if (length == 0)
        return 0;
    switch (label[0]) {
    case '#':
        return LW_LABEL_INDEX(number);
    case '.':
        return lw_sink_label(sink, LW_LABEL_ATTRIBUTE, label + 1, length - 1);
    case '[':
        return lw_sink_label(sink, LW_LABEL_KEY, label + 1, length - 2);
    case '(':
        return lw_sink_label(sink, LW_LABEL_INTERNAL, label + 1, length - 2);
    default:
        return lw_sink_label(sink, LW_LABEL_VARIABLE, label, length);
    }
}

static inline void heap_push(lw_sink *sink, const struct heap *heap, int item)
{
    if (item < heap->thing_count) {
        const struct thing *thing = &heap->things[item];
        lw_sink_node(sink, heap_key(heap, item), lw_sink_type(sink, 0, thing->type, 0),
                     thing->size);
        return;
    }
    const struct bond *bond = &heap->bonds[item - heap->thing_count];
    if (bond->gone)
        return;
    if (bond->from >= 0)
        lw_sink_edge(sink, heap_key(heap, bond->from), heap_key(heap, bond->to), bond->kind,
                     heap_label(sink, bond->label, item));
    else
        lw_sink_root(sink, heap_key(heap, bond->to),
                     lw_sink_root_kind(sink, bond->label, bond->flags),
                     heap_label(sink, bond->name, 0));
}

static inline int heap_enumerate(lw_sink *sink, void *user)
{
    struct heap *heap = user;
    int count = heap->thing_count + heap->bond_count;
    int *order = calloc((size_t)count + 1, sizeof *order);
    for (int i = 0; i < count; i++) {
        int at = heap_below(heap, i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (int i = 0; i < count; i++)
        heap_push(sink, heap, order[i]);
    free(order);
    return 0;
}

static inline lw_context *heap_context(struct heap *heap, const lw_context_options *how)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "heap";
    options.key_kind = LW_KEY_OPAQUE;
    options.enumerate = heap_enumerate;
    options.user = heap;
    lw_context_create(how, &context, NULL);
    lw_runtime_create(context, &options, &runtime, NULL);
    return context;
}

static inline lw_snapshot *heap_take(lw_context *context)
{
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    if (lw_snapshot_take(context, NULL, &snapshot, &error) != LW_OK) {
        fprintf(stderr, "snapshot: %s\n", error.message);
        exit(1);
    }
    return snapshot;
}

static inline lw_node heap_node(const struct heap *heap, const lw_snapshot *snapshot, int thing)
{
    lw_node node = LW_NODE_NONE;
    lw_node_find(snapshot, "heap", heap_key(heap, thing), &node, NULL);
    return node;
}

/* A head's path in words. */
static inline void heap_put_path(char *text, size_t room, const lw_growth *growth, uint32_t index)
{
    static const char *const forms[] = {".%s", "[%s]", "%s", "(%s)"};
    lw_growth_head head = LW_GROWTH_HEAD_INIT;
    lw_growth_get(growth, index, &head, NULL);
    size_t used = (size_t)snprintf(text, room, "%s ", head.root_kind);
    for (uint32_t i = 0; i < head.steps && used < room; i++) {
        lw_growth_step step = LW_GROWTH_STEP_INIT;
        lw_growth_step_get(growth, index, i, &step, NULL);
        if (step.flags & LW_STEP_ANY)
            used += (size_t)snprintf(text + used, room - used, "[x]");
        else if (step.label.style >= 0)
            used += (size_t)snprintf(text + used, room - used, forms[step.label.style],
                                     step.label.text);
        used += (size_t)snprintf(text + used, room - used, "%s:%s ",
                                 step.flags & LW_STEP_CHAIN ? "*" : "", step.type);
    }
}

#endif
