/* From what was pushed to numbered keys and their words. */
#include "capture/build.h"

#include "base/error.h"
#include "base/order.h"

#include <string.h>

bool lwi_job_hides(const lwi_job *job, lw_key key)
{
    uint64_t low = 0, high = job->sink.hidden_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (job->hidden[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < job->sink.hidden_count && job->hidden[low] == key;
}

bool lwi_note(lwi_build *build, uint32_t kind, lw_key key, uint32_t about, uint32_t shape)
{
    lwi_strays *strays = build->strays;
    if (!strays)
        return true;
    void *items = strays->items;
    if (!lwi_grow(&build->snapshot->mem, &items, &strays->room, strays->count + 1,
                  sizeof *strays->items))
        return false;
    strays->items = items;
    strays->items[strays->count++] = (lwi_stray){key, kind, about, shape};
    return true;
}

void lwi_strays_free(lwi_strays *strays, lwi_mem *mem)
{
    lwi_free(mem, strays->items, lwi_array_size(strays->room, sizeof *strays->items));
    strays->items = NULL;
    strays->count = strays->room = 0;
}

/* --- keys ---------------------------------------------------------------------------------- */

/* Copies the keys of a log into an array: they come every `words` words, the upper half of one so
 * many words after the lower. */
static void copy_keys(const lwi_log *log, uint32_t words, uint32_t upper, uint64_t *keys)
{
    for (const lwi_log_chunk *chunk = log->first; chunk; chunk = chunk->next) {
        for (uint32_t at = 0; at + words <= chunk->used; at += words)
            *keys++ = (uint64_t)chunk->words[at + upper] << 32 | chunk->words[at];
    }
}

/* The keys of a log in order, repeats and all; NULL without memory. */
static uint64_t *sorted_keys(lwi_mem *mem, const lwi_log *log, uint32_t words, uint32_t upper,
                             uint64_t count)
{
    size_t size = lwi_array_size(count, sizeof(uint64_t));
    uint64_t *keys = lwi_resize(mem, NULL, 0, size), *scratch = lwi_resize(mem, NULL, 0, size);
    if (keys && scratch) {
        copy_keys(log, words, upper, keys);
        lwi_order_u64(keys, scratch, count);
    } else {
        lwi_free(mem, keys, size);
        keys = NULL;
    }
    lwi_free(mem, scratch, size);
    return keys;
}

static lw_status no_memory(const lwi_job *job, lw_error *error)
{
    return lwi_fail(error, LW_E_NOMEM,
                    "runtime \"%s\": no memory for what it pushed: nothing was changed",
                    job->sink.runtime->name);
}

static lw_status number_addresses(lwi_job *job, uint64_t *count, lw_error *error)
{
    lw_sink *sink = &job->sink;
    for (uint64_t i = 0; i < sink->hidden_count; i++)
        lwi_bitmap_clear(&sink->marks, job->hidden[i]);
    if (!lwi_bitmap_close(&sink->marks, count))
        return no_memory(job, error);
    job->part->keys.bitmap = sink->marks;
    lwi_bitmap_init(&sink->marks, sink->mem);
    return LW_OK;
}

static lw_status number_others(lwi_job *job, uint64_t *count, lw_error *error)
{
    lw_sink *sink = &job->sink;
    *count = 0;
    if (sink->node_count == 0)
        return LW_OK;
    size_t size = lwi_array_size(sink->node_count, sizeof(uint64_t));
    uint32_t words = lwi_node_words(sink);
    uint64_t *keys = sorted_keys(sink->mem, &sink->nodes, words, words - 1, sink->node_count);
    if (!keys)
        return no_memory(job, error);
    for (uint64_t i = 0; i < sink->node_count; i++) {
        bool repeat = i > 0 && keys[i] == keys[i - 1];
        if (!repeat && !lwi_job_hides(job, keys[i]))
            keys[(*count)++] = keys[i];
    }
    if (*count > UINT32_MAX - 1) {
        lwi_free(sink->mem, keys, size);
        return LW_OK; /* the caller says so */
    }
    uint64_t *fitting = lwi_resize(sink->mem, keys, size, *count * sizeof *keys);
    if (*count && !fitting) {
        lwi_free(sink->mem, keys, size);
        return no_memory(job, error);
    }
    lwi_keys_adopt(&job->part->keys, fitting, (uint32_t)*count);
    return LW_OK;
}

static lw_status number_job(lwi_job *job, uint64_t *nodes, lw_error *error)
{
    lw_sink *sink = &job->sink;
    uint64_t count = 0;
    if (sink->hidden_count) {
        job->hidden =
            sorted_keys(sink->mem, &sink->hidden, LWI_HIDDEN_WORDS, 1, sink->hidden_count);
        if (!job->hidden)
            return no_memory(job, error);
    }
    lw_status status = sink->runtime->address ? number_addresses(job, &count, error)
                                              : number_others(job, &count, error);
    if (status != LW_OK)
        return status;
    if (count > UINT32_MAX - 1 - *nodes)
        return lwi_fail(error, LW_E_LIMIT,
                        "runtime \"%s\": a snapshot holds at most 2^32 - 2 nodes", job->part->name);
    job->part->first = (lw_node)*nodes;
    job->part->count = job->part->keys.count = (uint32_t)count;
    *nodes += count;
    return lwi_keys_hasten(&job->part->keys) ? LW_OK : no_memory(job, error);
}

lw_status lwi_build_keys(lwi_build *build, lw_error *error)
{
    uint64_t nodes = 0;
    for (uint32_t i = 0; i < build->count; i++) {
        lw_status status = number_job(&build->jobs[i], &nodes, error);
        if (status != LW_OK)
            return status;
    }
    build->snapshot->info.nodes = (uint32_t)nodes;
    return LW_OK;
}

/* --- words --------------------------------------------------------------------------------- */

static int by_type(const void *user, uint32_t a, uint32_t b)
{
    const lwi_type *types = user;
    int order = strcmp(types[a].name, types[b].name);
    return order ? order : (types[a].key > types[b].key) - (types[a].key < types[b].key);
}

static int by_root_kind(const void *user, uint32_t a, uint32_t b)
{
    const lwi_root_kind *kinds = user;
    int order = strcmp(kinds[a].name, kinds[b].name);
    return order ? order : (kinds[a].flags > kinds[b].flags) - (kinds[a].flags < kinds[b].flags);
}

static int by_name(const void *user, uint32_t a, uint32_t b)
{
    const lwi_name *names = user;
    return lwi_name_compare(&names[a], &names[b]);
}

/* Sorts ids `from` to `count` of a sink by content, so that no order of pushing shows. Gives the
 * ids in order; *map receives each id's place among them plus `first`. */
static uint32_t *sort_words(lwi_mem *mem, uint32_t from, uint64_t count, uint32_t first,
                            lwi_order_fn compare, const void *items, uint32_t **map)
{
    size_t size = lwi_array_size(count + 1, sizeof(uint32_t));
    uint32_t *ids = lwi_alloc(mem, size), *places = lwi_alloc(mem, size);
    if (!ids || !places) {
        lwi_free(mem, ids, size);
        lwi_free(mem, places, size);
        return NULL;
    }
    for (uint32_t i = from; i < count; i++)
        ids[i] = i;
    lwi_order_ids(ids + from, places + from, (uint32_t)(count - from), compare, items);
    for (uint32_t i = from; i < count; i++)
        places[ids[i]] = first + i - from;
    *map = places;
    return ids;
}

static bool build_types(lwi_job *job, lw_snapshot *snapshot, uint32_t *first)
{
    lw_sink *sink = &job->sink;
    uint64_t count = sink->type_count;
    uint32_t *ids =
        sort_words(sink->mem, 0, count, *first, by_type, sink->types, &job->type_map);
    if (!ids)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        lwi_type *type = &snapshot->types[*first + i];
        *type = sink->types[ids[i]];
        type->part = (uint32_t)(job->part - snapshot->parts);
    }
    *first += (uint32_t)count;
    lwi_free(sink->mem, ids, lwi_array_size(count + 1, sizeof *ids));
    return true;
}

static bool build_names(lwi_job *job, lw_snapshot *snapshot, uint32_t *first)
{
    lw_sink *sink = &job->sink;
    uint64_t count = sink->name_count;
    uint32_t from = count > 0; /* number 0 is no label */
    uint32_t *ids =
        sort_words(sink->mem, from, count, *first, by_name, sink->names, &job->name_map);
    if (!ids)
        return false;
    for (uint64_t i = from; i < count; i++)
        snapshot->names[(*first)++] = sink->names[ids[i]];
    lwi_free(sink->mem, ids, lwi_array_size(count + 1, sizeof *ids));
    return true;
}

static bool build_root_kinds(lwi_job *job, lw_snapshot *snapshot, uint32_t *first)
{
    lw_sink *sink = &job->sink;
    uint64_t count = sink->root_kind_count;
    uint32_t *ids = sort_words(sink->mem, 0, count, *first, by_root_kind, sink->root_kinds,
                               &job->kind_map);
    if (!ids)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        lwi_root_kind *kind = &snapshot->root_kinds[(*first)++];
        *kind = sink->root_kinds[ids[i]];
        kind->part = (uint32_t)(job->part - snapshot->parts);
    }
    lwi_free(sink->mem, ids, lwi_array_size(count + 1, sizeof *ids));
    return true;
}

static void build_shapes(lwi_job *job, lw_snapshot *snapshot, uint32_t *first)
{
    job->first_shape = *first;
    for (uint64_t i = 0; i < job->sink.shape_count; i++) {
        lwi_shape shape = job->sink.shapes[i];
        shape.type = job->type_map[shape.type];
        snapshot->shapes[(*first)++] = shape;
    }
}

bool lwi_build_words(lwi_build *build)
{
    lw_snapshot *snapshot = build->snapshot;
    uint64_t types = 0, shapes = 0, kinds = 0, names = 1;
    for (uint32_t i = 0; i < build->count; i++) {
        types += build->jobs[i].sink.type_count;
        shapes += build->jobs[i].sink.shape_count;
        kinds += build->jobs[i].sink.root_kind_count;
        names += build->jobs[i].sink.name_count;
    }
    if (types > UINT32_MAX - 1 || shapes > UINT32_MAX - 1 || names > LW_LABEL_INDEX(0))
        return false; /* no memory holds so many */
    snapshot->types = lwi_arena_array(&snapshot->arena, types, sizeof *snapshot->types);
    snapshot->shapes = lwi_arena_array(&snapshot->arena, shapes, sizeof *snapshot->shapes);
    snapshot->root_kinds = lwi_arena_array(&snapshot->arena, kinds, sizeof *snapshot->root_kinds);
    snapshot->names = lwi_arena_array(&snapshot->arena, names, sizeof *snapshot->names);
    if (!snapshot->types || !snapshot->shapes || !snapshot->root_kinds || !snapshot->names)
        return false;
    snapshot->names[0] = (lwi_name){"", 0, -2};
    uint32_t type = 0, shape = 0, kind = 0, name = 1;
    for (uint32_t i = 0; i < build->count; i++) {
        lwi_job *job = &build->jobs[i];
        if (!build_types(job, snapshot, &type) || !build_names(job, snapshot, &name) ||
            !build_root_kinds(job, snapshot, &kind))
            return false;
        build_shapes(job, snapshot, &shape);
    }
    snapshot->info.types = type;
    snapshot->root_kind_count = kind;
    snapshot->name_count = name;
    return true;
}

/* --- nodes --------------------------------------------------------------------------------- */

static bool place_node(lwi_build *build, const lwi_job *job, const uint32_t *item, lw_node node)
{
    lw_snapshot *snapshot = build->snapshot;
    uint32_t shape = job->first_shape + item[1];
    if (node == LW_NODE_NONE)
        return true; /* hidden */
    if (snapshot->shape_of[node] == UINT32_MAX)
        snapshot->shape_of[node] = shape;
    if (snapshot->shape_of[node] == shape)
        return true;
    snapshot->info.conflicts++;
    return lwi_note(build, LWI_STRAY_NODE, lwi_job_key(job, lwi_node_place(&job->sink, item)), node,
                    shape);
}

/* A count that was stated with the node. */
static bool place_count(lwi_build *build, const lwi_job *job, const uint32_t *item, lw_node node)
{
    uint8_t count = lwi_node_count(item);
    if (count == 0 || node == LW_NODE_NONE)
        return true;
    uint8_t *byte = &build->snapshot->counts[node];
    if (*byte == 0)
        *byte = count;
    if (*byte == count)
        return true;
    build->snapshot->info.conflicts++;
    return lwi_note(build, LWI_STRAY_REFERENCES,
                    lwi_job_key(job, lwi_node_place(&job->sink, item)), node, 0);
}

static bool place_nodes(lwi_build *build, lwi_job *job)
{
    uint64_t places[LWI_BATCH];
    lw_node nodes[LWI_BATCH];
    uint32_t words = lwi_node_words(&job->sink);
    for (lwi_log_chunk *chunk = job->sink.nodes.first; chunk;
         chunk = lwi_log_drop(&job->sink.nodes)) {
        uint32_t total = chunk->used / words, count;
        for (uint32_t at = 0; at < total; at += count) {
            const uint32_t *item = chunk->words + at * words;
            count = total - at < LWI_BATCH ? total - at : LWI_BATCH;
            for (uint32_t i = 0; i < count; i++)
                places[i] = lwi_node_place(&job->sink, item + i * words);
            lwi_job_nodes(job, places, count, nodes);
            for (uint32_t i = 0; i < count; i++, item += words) {
                if (!place_node(build, job, item, nodes[i]) ||
                    !place_count(build, job, item, nodes[i]))
                    return false;
            }
        }
    }
    return true;
}

bool lwi_build_nodes(lwi_build *build)
{
    lw_snapshot *snapshot = build->snapshot;
    size_t size = (size_t)snapshot->info.nodes * sizeof *snapshot->shape_of;
    bool stated = false;
    snapshot->shape_of = lwi_arena_alloc(&snapshot->arena, size);
    if (!snapshot->shape_of)
        return false;
    memset(snapshot->shape_of, 0xff, size);
    for (uint32_t i = 0; i < build->count; i++)
        stated |= build->jobs[i].sink.stated || build->jobs[i].sink.references.first;
    if (stated && !(snapshot->counts = lwi_arena_zeros(&snapshot->arena, snapshot->info.nodes, 1)))
        return false;
    for (uint32_t i = 0; i < build->count; i++) {
        if (!place_nodes(build, &build->jobs[i]))
            return false;
    }
    return true;
}
