/* Taking in what an `enumerate` pushes. The first failure stands and is what gets reported; after
 * it every call is a cheap refusal. */
#include "capture/sink.h"

#include "base/error.h"
#include "base/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void lwi_sink_init(lw_sink *sink, lw_snapshot *snapshot, const lw_runtime *runtime)
{
    lwi_mem *mem = &snapshot->mem;
    memset(sink, 0, sizeof *sink);
    sink->mem = mem;
    sink->arena = &snapshot->arena;
    sink->runtime = runtime;
    sink->failure = (lw_error)LW_ERROR_INIT;
    lwi_index_init(&sink->type_index, mem);
    lwi_index_init(&sink->shape_index, mem);
    lwi_index_init(&sink->name_index, mem);
    lwi_bitmap_init(&sink->marks, mem);
    lwi_log *logs[] = {&sink->nodes,      &sink->edges,    &sink->roots,
                       &sink->references, &sink->external, &sink->hidden};
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++)
        lwi_log_init(logs[i], mem);
}

void lwi_sink_free(lw_sink *sink)
{
    lwi_mem *mem = sink->mem;
    lwi_index_free(&sink->type_index);
    lwi_index_free(&sink->shape_index);
    lwi_index_free(&sink->name_index);
    lwi_bitmap_free(&sink->marks);
    lwi_log *logs[] = {&sink->nodes,      &sink->edges,    &sink->roots,
                       &sink->references, &sink->external, &sink->hidden};
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++)
        lwi_log_free(logs[i]);
    lwi_free(mem, sink->types, lwi_array_size(sink->type_room, sizeof *sink->types));
    lwi_free(mem, sink->shapes, lwi_array_size(sink->shape_room, sizeof *sink->shapes));
    lwi_free(mem, sink->names, lwi_array_size(sink->name_room, sizeof *sink->names));
    lwi_free(mem, sink->root_kinds,
             lwi_array_size(sink->root_kind_room, sizeof *sink->root_kinds));
}

static int fail(lw_sink *sink, lw_status status, const char *format, ...) LWI_PRINTF(3, 4);

static int fail(lw_sink *sink, lw_status status, const char *format, ...)
{
    char what[sizeof sink->failure.message];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    if (sink->failure.status == LW_OK)
        lwi_fail(&sink->failure, status, "runtime \"%s\": %s", sink->runtime->name, what);
    return 1;
}

static int fail_memory(lw_sink *sink)
{
    return fail(sink, LW_E_NOMEM, "no memory for what it pushes: nothing was changed");
}

static bool usable(const lw_sink *sink)
{
    return sink && sink->failure.status == LW_OK;
}

static bool good_key(lw_sink *sink, lw_key key, const char *call)
{
    if (key == 0) {
        fail(sink, LW_E_RUNTIME, "%s: key 0 is no node: skip empty slots", call);
        return false;
    }
    if (sink->runtime->address && key % 8) {
        fail(sink, LW_E_RUNTIME,
             "%s: key 0x%llx is no multiple of 8: mask tag bits off, or use LW_KEY_OPAQUE", call,
             (unsigned long long)key);
        return false;
    }
    return true;
}

static bool grow(lw_sink *sink, void **items, uint64_t *room, uint64_t count, size_t item_size)
{
    if (lwi_grow(sink->mem, items, room, count + 1, item_size))
        return true;
    fail_memory(sink);
    return false;
}

/* --- types --------------------------------------------------------------------------------- */

static bool same_type(const void *items, uint32_t id, const void *key)
{
    const lwi_type *type = (const lwi_type *)items + id, *wanted = key;
    return type->key == wanted->key && (type->key || strcmp(type->name, wanted->name) == 0);
}

uint32_t lw_sink_type(lw_sink *sink, uint64_t key, const char *name, uint32_t flags)
{
    if (!usable(sink))
        return 0;
    if (!name) {
        fail(sink, LW_E_RUNTIME, "lw_sink_type: name is NULL");
        return 0;
    }
    if (flags & ~(uint32_t)LW_TYPE_FREELIST) {
        fail(sink, LW_E_RUNTIME, "lw_sink_type: flags 0x%x of \"%.60s\" are unknown",
             (unsigned)flags, name);
        return 0;
    }
    lwi_type type = {.name = name, .key = key, .flags = flags};
    uint64_t hash = key ? lwi_hash_u64(key) : lwi_hash_bytes(1, name, strlen(name));
    uint32_t id = lwi_index_find(&sink->type_index, hash, same_type, sink->types, &type);
    if (id != LWI_INDEX_NONE)
        return id + 1;
    if (sink->type_count >= UINT32_MAX - 1) {
        fail(sink, LW_E_LIMIT, "over 2^32 - 2 types");
        return 0;
    }
    void *types = sink->types;
    if (!grow(sink, &types, &sink->type_room, sink->type_count, sizeof type))
        return 0;
    sink->types = types;
    type.name = lwi_arena_text(sink->arena, name, strlen(name));
    if (!type.name || !lwi_index_add(&sink->type_index, hash, (uint32_t)sink->type_count)) {
        fail_memory(sink);
        return 0;
    }
    sink->types[sink->type_count++] = type;
    return (uint32_t)sink->type_count;
}

/* --- labels -------------------------------------------------------------------------------- */

static bool same_name(const void *items, uint32_t id, const void *key)
{
    const lwi_name *name = (const lwi_name *)items + id, *wanted = key;
    return name->style == wanted->style && name->length == wanted->length &&
           memcmp(name->text, wanted->text, wanted->length) == 0;
}

static uint32_t new_name(lw_sink *sink, lwi_name name, uint64_t hash)
{
    if (sink->name_count == 0)
        sink->name_count = 1; /* number 0 is no label */
    if (sink->name_count >= LW_LABEL_INDEX(0)) {
        fail(sink, LW_E_LIMIT, "over 2^31 - 1 labels");
        return 0;
    }
    void *names = sink->names;
    if (!grow(sink, &names, &sink->name_room, sink->name_count, sizeof name))
        return 0;
    sink->names = names;
    name.text = lwi_arena_text(sink->arena, name.text, name.length);
    if (!name.text || !lwi_index_add(&sink->name_index, hash, (uint32_t)sink->name_count)) {
        fail_memory(sink);
        return 0;
    }
    sink->names[sink->name_count] = name;
    return (uint32_t)sink->name_count++;
}

uint32_t lw_sink_label(lw_sink *sink, int32_t style, const char *text, size_t length)
{
    if (!usable(sink))
        return 0;
    if (style < LW_LABEL_ATTRIBUTE || style > LW_LABEL_INTERNAL) {
        fail(sink, LW_E_RUNTIME, "lw_sink_label: style %d is unknown", (int)style);
        return 0;
    }
    if (!text && length) {
        fail(sink, LW_E_RUNTIME, "lw_sink_label: text is NULL, but length is not 0");
        return 0;
    }
    lwi_name name = {text ? text : "", length, style};
    uint64_t hash = lwi_hash_bytes((uint64_t)style, name.text, length);
    uint32_t id = lwi_index_find(&sink->name_index, hash, same_name, sink->names, &name);
    return id != LWI_INDEX_NONE ? id : new_name(sink, name, hash);
}

static bool good_label(lw_sink *sink, uint32_t label, const char *call)
{
    if (label == 0 || label & LW_LABEL_INDEX(0) || label < sink->name_count)
        return true;
    fail(sink, LW_E_RUNTIME, "%s: label %u is unknown: pass what lw_sink_label() returned", call,
         (unsigned)label);
    return false;
}

/* --- nodes --------------------------------------------------------------------------------- */

static bool same_shape(const void *items, uint32_t id, const void *key)
{
    const lwi_shape *shape = (const lwi_shape *)items + id, *wanted = key;
    return shape->size == wanted->size && shape->type == wanted->type;
}

/* Neighbours are mostly alike, and a heap has few shapes. */
static uint32_t shape_of(lw_sink *sink, uint32_t type, uint64_t size)
{
    lwi_shape shape = {size, type};
    if (sink->last_shape < sink->shape_count &&
        same_shape(sink->shapes, sink->last_shape, &shape))
        return sink->last_shape;
    uint64_t hash = lwi_hash_mix(size, type);
    uint32_t id = lwi_index_find(&sink->shape_index, hash, same_shape, sink->shapes, &shape);
    if (id == LWI_INDEX_NONE) {
        void *shapes = sink->shapes;
        if (sink->shape_count >= LWI_INDEX_NONE - 1) {
            fail(sink, LW_E_LIMIT, "over 2^32 - 2 nodes");
            return LWI_INDEX_NONE;
        }
        if (!grow(sink, &shapes, &sink->shape_room, sink->shape_count, sizeof shape))
            return LWI_INDEX_NONE;
        sink->shapes = shapes;
        id = (uint32_t)sink->shape_count;
        if (!lwi_index_add(&sink->shape_index, hash, id)) {
            fail_memory(sink);
            return LWI_INDEX_NONE;
        }
        sink->shapes[sink->shape_count++] = shape;
    }
    return sink->last_shape = id;
}

int lw_sink_node(lw_sink *sink, lw_key key, uint32_t type, uint64_t size)
{
    if (!usable(sink) || !good_key(sink, key, "lw_sink_node"))
        return 1;
    if (type == 0 || type > sink->type_count)
        return fail(sink, LW_E_RUNTIME,
                    "lw_sink_node: type %u of node 0x%llx is unknown: pass what lw_sink_type() "
                    "returned in this call of enumerate",
                    (unsigned)type, (unsigned long long)key);
    uint32_t shape = shape_of(sink, type - 1, size);
    if (shape == LWI_INDEX_NONE)
        return 1;
    uint32_t *item = lwi_log_push(&sink->nodes, LWI_NODE_WORDS);
    if (!item || (sink->runtime->address && !lwi_bitmap_set(&sink->marks, key)))
        return fail_memory(sink);
    lwi_log_put64(item, key);
    item[2] = shape;
    sink->node_count++;
    return 0;
}

static int push_detail(lw_sink *sink, lwi_log *log, lw_key key, uint64_t number, const char *call)
{
    if (!usable(sink) || !good_key(sink, key, call))
        return 1;
    uint32_t *item = lwi_log_push(log, LWI_DETAIL_WORDS);
    if (!item)
        return fail_memory(sink);
    lwi_log_put64(item, key);
    lwi_log_put64(item + 2, number);
    return 0;
}

int lw_sink_references(lw_sink *sink, lw_key key, uint64_t count)
{
    return push_detail(sink, sink ? &sink->references : NULL, key, count, "lw_sink_references");
}

int lw_sink_external(lw_sink *sink, lw_key key, uint64_t bytes)
{
    return push_detail(sink, sink ? &sink->external : NULL, key, bytes, "lw_sink_external");
}

int lw_sink_hide(lw_sink *sink, lw_key key)
{
    if (!usable(sink) || !good_key(sink, key, "lw_sink_hide"))
        return 1;
    uint32_t *item = lwi_log_push(&sink->hidden, LWI_HIDDEN_WORDS);
    if (!item)
        return fail_memory(sink);
    lwi_log_put64(item, key);
    sink->hidden_count++;
    return 0;
}

/* --- edges and roots ----------------------------------------------------------------------- */

static uint32_t *begin_run(lw_sink *sink, lw_key from, int32_t kind)
{
    uint32_t *run = lwi_log_push(&sink->edges, LWI_RUN_WORDS + LWI_EDGE_WORDS);
    if (!run)
        return NULL;
    lwi_log_put64(run, from);
    run[2] = (uint32_t)kind;
    run[3] = 0;
    sink->run = run;
    sink->run_from = from;
    sink->run_kind = kind;
    sink->edge_kinds |= 1u << kind;
    return run + LWI_RUN_WORDS;
}

int lw_sink_edge(lw_sink *sink, lw_key from, lw_key to, int32_t kind, uint32_t label)
{
    if (!usable(sink) || !good_key(sink, from, "lw_sink_edge (from)") ||
        !good_key(sink, to, "lw_sink_edge (to)") || !good_label(sink, label, "lw_sink_edge"))
        return 1;
    if (kind < LW_EDGE_STRONG || kind > LW_EDGE_UNKNOWN)
        return fail(sink, LW_E_RUNTIME, "lw_sink_edge: kind %d of an edge of 0x%llx is unknown",
                    (int)kind, (unsigned long long)from);
    uint32_t *edge;
    if (sink->run && from == sink->run_from && kind == sink->run_kind &&
        lwi_log_continues(&sink->edges, LWI_EDGE_WORDS))
        edge = lwi_log_push(&sink->edges, LWI_EDGE_WORDS);
    else
        edge = begin_run(sink, from, kind);
    if (!edge)
        return fail_memory(sink);
    sink->run[3]++;
    lwi_log_put64(edge, to);
    edge[2] = label;
    sink->labelled |= label != 0;
    return 0;
}

uint32_t lw_sink_root_kind(lw_sink *sink, const char *name, uint32_t flags)
{
    if (!usable(sink))
        return 0;
    if (!name) {
        fail(sink, LW_E_RUNTIME, "lw_sink_root_kind: name is NULL");
        return 0;
    }
    if (flags & ~(uint32_t)(LW_ROOT_ASKER | LW_ROOT_BORROWED | LW_ROOT_BYSTANDER)) {
        fail(sink, LW_E_RUNTIME, "lw_sink_root_kind: flags 0x%x of \"%.60s\" are unknown",
             (unsigned)flags, name);
        return 0;
    }
    for (uint64_t i = 0; i < sink->root_kind_count; i++) {
        if (sink->root_kinds[i].flags == flags && strcmp(sink->root_kinds[i].name, name) == 0)
            return (uint32_t)i + 1;
    }
    void *kinds = sink->root_kinds;
    if (!grow(sink, &kinds, &sink->root_kind_room, sink->root_kind_count,
              sizeof *sink->root_kinds))
        return 0;
    sink->root_kinds = kinds;
    lwi_root_kind kind = {lwi_arena_text(sink->arena, name, strlen(name)), 0, flags};
    if (!kind.name) {
        fail_memory(sink);
        return 0;
    }
    sink->root_kinds[sink->root_kind_count++] = kind;
    return (uint32_t)sink->root_kind_count;
}

int lw_sink_root(lw_sink *sink, lw_key key, uint32_t kind, uint32_t label)
{
    if (!usable(sink) || !good_key(sink, key, "lw_sink_root") ||
        !good_label(sink, label, "lw_sink_root"))
        return 1;
    if (kind == 0 || kind > sink->root_kind_count)
        return fail(sink, LW_E_RUNTIME,
                    "lw_sink_root: kind %u of root 0x%llx is unknown: pass what "
                    "lw_sink_root_kind() returned in this call of enumerate",
                    (unsigned)kind, (unsigned long long)key);
    uint32_t *item = lwi_log_push(&sink->roots, LWI_ROOT_WORDS);
    if (!item)
        return fail_memory(sink);
    lwi_log_put64(item, key);
    item[2] = kind - 1;
    item[3] = label;
    sink->root_count++;
    return 0;
}

int lw_sink_fail(lw_sink *sink, const char *message)
{
    if (usable(sink))
        fail(sink, LW_E_RUNTIME, "%s", message ? message : "gave up without a reason");
    return 1;
}

lw_status lwi_sink_run(lw_sink *sink, lw_error *error)
{
    lw_context *context = sink->runtime->context;
    lw_ignore_begin(context);
    int answer = sink->runtime->enumerate(sink, sink->runtime->user);
    lw_ignore_end(context);
    if (answer != 0 && sink->failure.status == LW_OK)
        fail(sink, LW_E_RUNTIME,
             "enumerate returned %d without a reason: call lw_sink_fail() with one", answer);
    if (sink->failure.status != LW_OK)
        return lwi_fail(error, sink->failure.status, "%s", sink->failure.message);
    return LW_OK;
}
