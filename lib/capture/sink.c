/* Taking in what an `enumerate` pushes. The first failure stands and is what gets reported; after
 * it every call is a cheap refusal. */
#include "capture/sink.h"

#include "base/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TICK = 4096 }; /* nodes, or holders, from one look at the clock to the next */

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
                       &sink->references, &sink->external, &sink->hidden,
                       &sink->bridges};
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
                       &sink->references, &sink->external, &sink->hidden,
                       &sink->bridges};
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++)
        lwi_log_free(logs[i]);
    lwi_free(mem, sink->types, lwi_array_size(sink->type_room, sizeof *sink->types));
    lwi_free(mem, sink->shapes, lwi_array_size(sink->shape_room, sizeof *sink->shapes));
    lwi_free(mem, sink->names, lwi_array_size(sink->name_room, sizeof *sink->names));
    lwi_free(mem, sink->root_kinds,
             lwi_array_size(sink->root_kind_room, sizeof *sink->root_kinds));
}

int lwi_sink_fail(lw_sink *sink, lw_status status, const char *format, ...)
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

int lwi_sink_fail_memory(lw_sink *sink)
{
    return lwi_sink_fail(sink, LW_E_NOMEM, "no memory for what it pushes: nothing was changed");
}

int lwi_sink_refuse(lw_sink *sink, enum lwi_misuse_kind kind, lw_key key, const char *format, ...)
{
    char what[sizeof sink->misuses->message];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    if (!sink->misuses)
        return lwi_sink_fail(sink, LW_E_RUNTIME, "%s", what);
    lwi_misuse *misuse = &sink->misuses[kind];
    if (misuse->count++ == 0) {
        misuse->example = key;
        memcpy(misuse->message, what, sizeof what);
    }
    return 0;
}

bool lwi_sink_grow(lw_sink *sink, void **items, uint64_t *room, uint64_t count, size_t item_size)
{
    if (lwi_grow(sink->mem, items, room, count + 1, item_size))
        return true;
    lwi_sink_fail_memory(sink);
    return false;
}

/* What a call that cannot go on answers: not 0 if the sink has failed, else it skips. */
static int stop(const lw_sink *sink)
{
    return !lwi_sink_usable(sink);
}

/* Tells how far the walk has come. */
static bool tick(lw_sink *sink)
{
    if (lwi_progress_tick(sink->progress, sink->before + sink->node_count))
        return true;
    lwi_sink_fail(sink, LW_E_CANCELLED, "the progress callback said stop");
    return false;
}

static bool good_key(lw_sink *sink, lw_key key, const char *call)
{
    if (key == 0) {
        lwi_sink_refuse(sink, LWI_MISUSE_KEY, key, "%s: key 0 is no node: skip empty slots", call);
        return false;
    }
    if (sink->runtime->address && key % 8) {
        lwi_sink_refuse(
            sink, LWI_MISUSE_KEY, key,
            "%s: key 0x%llx is no multiple of 8: mask tag bits off, or use LW_KEY_OPAQUE", call,
            (unsigned long long)key);
        return false;
    }
    return true;
}

/* Where somebody checks, what is unknown is counted and something else taken for it, so that one
 * mistake is not seen as several. */
static bool good_label(lw_sink *sink, lw_key key, uint32_t *label, const char *call)
{
    if (*label == 0 || *label & LW_LABEL_INDEX(0) || *label < sink->name_count)
        return true;
    lwi_sink_refuse(sink, LWI_MISUSE_LABEL, key,
                    "%s: label %u is unknown: pass what lw_sink_label() returned", call,
                    (unsigned)*label);
    *label = 0;
    return lwi_sink_usable(sink);
}

/* False: no memory, which the sink then knows. */
static bool place_of(lw_sink *sink, lw_key key, uint64_t *place)
{
    *place = key;
    if (!sink->runtime->address)
        return true;
    *place = lwi_bitmap_spot(&sink->marks, key);
    if (*place != LWI_NO_SPOT)
        return true;
    lwi_sink_fail_memory(sink);
    return false;
}

/* --- nodes --------------------------------------------------------------------------------- */

static bool same_shape(const void *items, uint32_t id, const void *key)
{
    const lwi_shape *shape = (const lwi_shape *)items + id, *wanted = key;
    return shape->size == wanted->size && shape->type == wanted->type;
}

/* A heap has few shapes. */
static uint32_t shape_of(lw_sink *sink, uint32_t type, uint64_t size)
{
    lwi_shape shape = {size, type};
    uint32_t *lately = &sink->shapes_lately[(type * 31 + size / 8) % LWI_SHAPES_LATELY];
    if (*lately < sink->shape_count && same_shape(sink->shapes, *lately, &shape))
        return *lately;
    uint64_t hash = lwi_hash_mix(size, type);
    uint32_t id = lwi_index_find(&sink->shape_index, hash, same_shape, sink->shapes, &shape);
    if (id == LWI_INDEX_NONE) {
        void *shapes = sink->shapes;
        if (sink->shape_count >= LWI_INDEX_NONE - 1) {
            lwi_sink_fail(sink, LW_E_LIMIT, "over 2^32 - 2 nodes");
            return LWI_INDEX_NONE;
        }
        if (!lwi_sink_grow(sink, &shapes, &sink->shape_room, sink->shape_count, sizeof shape))
            return LWI_INDEX_NONE;
        sink->shapes = shapes;
        id = (uint32_t)sink->shape_count;
        if (!lwi_index_add(&sink->shape_index, hash, id)) {
            lwi_sink_fail_memory(sink);
            return LWI_INDEX_NONE;
        }
        sink->shapes[sink->shape_count++] = shape;
    }
    return *lately = id;
}

int lw_sink_node(lw_sink *sink, lw_key key, uint32_t type, uint64_t size)
{
    if (!lwi_sink_usable(sink) || !good_key(sink, key, "lw_sink_node"))
        return stop(sink);
    if (type == 0 || type > sink->type_count) {
        lwi_sink_refuse(sink, LWI_MISUSE_TYPE, key,
                        "lw_sink_node: type %u of node 0x%llx is unknown: pass what "
                        "lw_sink_type() returned in this call of enumerate",
                        (unsigned)type, (unsigned long long)key);
        type = lw_sink_type(sink, 0, "(unknown)", 0);
        if (type == 0)
            return 1;
    }
    uint64_t place;
    uint32_t shape = shape_of(sink, type - 1, size);
    if (shape == LWI_INDEX_NONE || !place_of(sink, key, &place))
        return 1;
    uint32_t *item = lwi_log_push(&sink->nodes, lwi_node_words(sink));
    if (!item)
        return lwi_sink_fail_memory(sink);
    item[0] = (uint32_t)place;
    item[1] = shape;
    item[2] = 0;
    if (sink->runtime->address) {
        lwi_bitmap_set(&sink->marks, place);
        item[2] = (uint32_t)(place >> 32) << LWI_NODE_UPPER;
    } else {
        item[3] = (uint32_t)(place >> 32);
    }
    sink->last_item = item;
    sink->last_key = key;
    sink->last_place = place;
    return ++sink->node_count % TICK != 0 || tick(sink) ? 0 : 1;
}

static int push_detail(lw_sink *sink, lwi_log *log, lw_key key, uint64_t number, const char *call)
{
    if (!lwi_sink_usable(sink) || !good_key(sink, key, call))
        return stop(sink);
    uint32_t *item = lwi_log_push(log, LWI_DETAIL_WORDS);
    if (!item)
        return lwi_sink_fail_memory(sink);
    lwi_log_put64(item, key);
    lwi_log_put64(item + 2, number);
    return 0;
}

/* Most counts are stated right after their node and go with it; a large one is logged, and the node
 * knows. After one that was stated otherwise all are logged: of two the first stands. */
static bool state_here(lw_sink *sink, lw_key key, uint64_t count)
{
    sink->counts_apart |= key != sink->last_key || count == 0;
    if (sink->counts_apart || lwi_node_count(sink->last_item))
        return false;
    sink->last_item[2] |= count < LWI_COUNT_RARE ? (uint32_t)count : LWI_COUNT_RARE;
    sink->stated = true;
    return count < LWI_COUNT_RARE;
}

int lw_sink_references(lw_sink *sink, lw_key key, uint64_t count)
{
    if (lwi_sink_usable(sink) && key && state_here(sink, key, count))
        return 0;
    return push_detail(sink, sink ? &sink->references : NULL, key, count, "lw_sink_references");
}

int lw_sink_external(lw_sink *sink, lw_key key, uint64_t bytes)
{
    return push_detail(sink, sink ? &sink->external : NULL, key, bytes, "lw_sink_external");
}

int lw_sink_hide(lw_sink *sink, lw_key key)
{
    if (!lwi_sink_usable(sink) || !good_key(sink, key, "lw_sink_hide"))
        return stop(sink);
    uint32_t *item = lwi_log_push(&sink->hidden, LWI_HIDDEN_WORDS);
    if (!item)
        return lwi_sink_fail_memory(sink);
    lwi_log_put64(item, key);
    sink->hidden_count++;
    return 0;
}

/* --- edges and roots ----------------------------------------------------------------------- */

static bool good_kind(lw_sink *sink, lw_key from, int32_t *kind, const char *call)
{
    if (*kind >= LW_EDGE_STRONG && *kind <= LW_EDGE_UNKNOWN)
        return true;
    lwi_sink_refuse(sink, LWI_MISUSE_EDGE_KIND, from,
                    "%s: kind %d of an edge of 0x%llx is unknown", call, (int)*kind,
                    (unsigned long long)from);
    *kind = LW_EDGE_UNKNOWN;
    return lwi_sink_usable(sink);
}

/* Kind, and the upper bits of the targets, if they are addresses: what edges of a run share. */
static uint32_t head_of(const lw_sink *sink, int32_t kind, uint64_t to)
{
    uint32_t upper = sink->runtime->address ? (uint32_t)(to >> 32) : 0;
    return (uint32_t)kind | upper << LWI_RUN_TARGETS;
}

static uint32_t *begin_run(lw_sink *sink, lw_key from, uint32_t head)
{
    uint32_t words = lwi_run_words(sink);
    uint64_t place = sink->last_place;
    bool full = !lwi_log_continues(&sink->edges, words * 2);
    if ((full || ++sink->run_count % TICK == 0) && !tick(sink))
        return NULL;
    if (from != sink->last_key && !place_of(sink, from, &place))
        return NULL;
    uint32_t *run = lwi_log_push(&sink->edges, words * 2);
    if (!run)
        return NULL;
    run[0] = (uint32_t)place;
    run[1] = head;
    if (sink->runtime->address)
        run[1] |= (uint32_t)(place >> 32) << LWI_RUN_UPPER;
    else
        run[2] = (uint32_t)(place >> 32);
    sink->run = run;
    sink->run_from = from;
    sink->run_head = head;
    sink->edge_kinds |= 1u << (head & 7);
    return run + words;
}

int lw_sink_edge(lw_sink *sink, lw_key from, lw_key to, int32_t kind, uint32_t label)
{
    uint64_t place;
    if (!lwi_sink_usable(sink) || !good_key(sink, from, "lw_sink_edge (from)") ||
        !good_key(sink, to, "lw_sink_edge (to)") ||
        !good_label(sink, from, &label, "lw_sink_edge") ||
        !good_kind(sink, from, &kind, "lw_sink_edge"))
        return stop(sink);
    if (!place_of(sink, to, &place))
        return 1;
    uint32_t *edge, words = lwi_run_words(sink), head = head_of(sink, kind, place);
    if (sink->run && from == sink->run_from && head == sink->run_head &&
        lwi_log_continues(&sink->edges, words))
        edge = lwi_log_push(&sink->edges, words);
    else
        edge = begin_run(sink, from, head);
    if (!edge)
        return lwi_sink_fail_memory(sink);
    sink->run[1] += 1u << LWI_RUN_COUNT;
    edge[0] = (uint32_t)place;
    edge[1] = label;
    if (!sink->runtime->address)
        edge[2] = (uint32_t)(place >> 32);
    sink->labelled |= label != 0;
    return 0;
}

/* The number of a runtime in this capture; UINT32_MAX: it is not plugged in. */
static uint32_t runtime_number(const lw_sink *sink, const char *name)
{
    uint32_t number = 0;
    for (const lw_runtime *runtime = sink->runtimes; runtime; runtime = runtime->next, number++) {
        if (strcmp(runtime->name, name) == 0)
            return number;
    }
    return UINT32_MAX;
}

static int push_bridge(lw_sink *sink, lw_key own, const char *runtime, lw_key other, int32_t kind,
                       uint32_t label, uint32_t way)
{
    static const char call[] = "lw_sink_bridge";
    if (!lwi_sink_usable(sink) || !good_key(sink, own, call) ||
        !good_label(sink, own, &label, call) || !good_kind(sink, own, &kind, call))
        return stop(sink);
    if (!runtime || other == 0)
        return lwi_sink_refuse(sink, LWI_MISUSE_KEY, own, "%s: %s", call,
                               runtime ? "key 0 of the other runtime is no node: skip empty slots"
                                       : "the name of the other runtime is NULL");
    uint32_t *item = lwi_log_push(&sink->bridges, LWI_BRIDGE_WORDS);
    if (!item)
        return lwi_sink_fail_memory(sink);
    lwi_log_put64(item, own);
    lwi_log_put64(item + 2, other);
    item[4] = runtime_number(sink, runtime);
    item[5] = (uint32_t)kind | way;
    item[6] = label;
    sink->labelled |= label != 0;
    return 0;
}

int lw_sink_bridge(lw_sink *sink, lw_key from, const char *runtime, lw_key to, int32_t kind,
                   uint32_t label)
{
    return push_bridge(sink, from, runtime, to, kind, label, 0);
}

int lw_sink_bridge_from(lw_sink *sink, const char *runtime, lw_key from, lw_key to, int32_t kind,
                        uint32_t label)
{
    return push_bridge(sink, to, runtime, from, kind, label, LWI_BRIDGE_FROM);
}

int lw_sink_root(lw_sink *sink, lw_key key, uint32_t kind, uint32_t label)
{
    if (!lwi_sink_usable(sink) || !good_key(sink, key, "lw_sink_root") ||
        !good_label(sink, key, &label, "lw_sink_root"))
        return stop(sink);
    if (kind == 0 || kind > sink->root_kind_count) {
        lwi_sink_refuse(sink, LWI_MISUSE_ROOT_KIND, key,
                        "lw_sink_root: kind %u of root 0x%llx is unknown: pass what "
                        "lw_sink_root_kind() returned in this call of enumerate",
                        (unsigned)kind, (unsigned long long)key);
        kind = lw_sink_root_kind(sink, "(unknown)", 0);
        if (kind == 0)
            return 1;
    }
    uint32_t *item = lwi_log_push(&sink->roots, LWI_ROOT_WORDS);
    if (!item)
        return lwi_sink_fail_memory(sink);
    lwi_log_put64(item, key);
    item[2] = kind - 1;
    item[3] = label;
    sink->root_count++;
    return 0;
}

void *lw_sink_memory(lw_sink *sink, void *block, size_t old_size, size_t new_size)
{
    return sink && (block || new_size) ? lwi_resize(sink->mem, block, old_size, new_size) : NULL;
}

int lw_sink_fail(lw_sink *sink, const char *message)
{
    if (lwi_sink_usable(sink))
        lwi_sink_fail(sink, LW_E_RUNTIME, "%s", message ? message : "gave up without a reason");
    return 1;
}

lw_status lwi_sink_run(lw_sink *sink, lw_error *error)
{
    lw_context *context = sink->runtime->context;
    lw_ignore_begin(context);
    int answer = sink->runtime->enumerate(sink, sink->runtime->user);
    lw_ignore_end(context);
    if (answer != 0 && sink->failure.status == LW_OK)
        lwi_sink_fail(sink, LW_E_RUNTIME,
                      "enumerate returned %d without a reason: call lw_sink_fail() with one",
                      answer);
    if (sink->failure.status != LW_OK)
        return lwi_fail(error, sink->failure.status, "%s", sink->failure.message);
    return LW_OK;
}
