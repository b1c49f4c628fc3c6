/* Saves a snapshot: what it holds, put into sections. */
#include "base/error.h"
#include "base/hash.h"
#include "base/index.h"
#include "base/structs.h"
#include "snapshot/file_write.h"

#include <errno.h>

/* A text and its length; texts are numbered from 1, and 0 stands for none. */
typedef struct text {
    const char *at;
    uint64_t length;
} text;

typedef struct save {
    const lw_snapshot *snapshot;
    lwi_mem mem;
    lwi_writer writer;
    text *texts;
    uint64_t text_count, text_room;
    uint64_t text_bytes;
    lwi_index frame_texts;   /* those of frames, which repeat */
    uint32_t *frame_words;   /* per frame: number of the function's text and of the file's */
    uint32_t *label_map;     /* NULL: labels keep their numbers */
    uint32_t label_count;
    uint64_t frame_count, stack_count, tenure_count, level_count, shape_count;
    uint32_t first_part, first_type, first_kind, first_label; /* numbers of their first texts */
    bool values;
} save;

/* --- texts --------------------------------------------------------------------------------- */

static bool add_text(save *s, const char *at, uint64_t length)
{
    void *texts = s->texts;
    if (s->text_count >= UINT32_MAX - 1 ||
        !lwi_grow(&s->mem, &texts, &s->text_room, s->text_count + 1, sizeof *s->texts))
        return false;
    s->texts = texts;
    s->texts[s->text_count++] = (text){at, length};
    s->text_bytes += length + 1;
    return true;
}

static bool same_text(const void *items, uint32_t id, const void *key)
{
    const text *known = (const text *)items + id;
    return strcmp(known->at, key) == 0;
}

/* The number of a text of a frame, which others may share. */
static bool frame_text(save *s, const char *at, uint32_t *number)
{
    *number = 0;
    if (!at)
        return true;
    uint64_t length = strlen(at), hash = lwi_hash_bytes(0, at, length);
    uint32_t id = lwi_index_find(&s->frame_texts, hash, same_text, s->texts, at);
    if (id == LWI_INDEX_NONE) {
        id = (uint32_t)s->text_count;
        if (!add_text(s, at, length) || !lwi_index_add(&s->frame_texts, hash, id))
            return false;
    }
    *number = id + 1;
    return true;
}

static bool add_frame_texts(save *s)
{
    const lw_frame *frames = s->snapshot->frames;
    s->frame_words =
        lwi_alloc(&s->mem, lwi_array_size(s->frame_count * 2 + 1, sizeof *s->frame_words));
    if (!s->frame_words)
        return false;
    for (uint64_t i = 0; i < s->frame_count; i++) {
        if (!frame_text(s, frames[i].function, &s->frame_words[2 * i]) ||
            !frame_text(s, frames[i].file, &s->frame_words[2 * i + 1]))
            return false;
    }
    return true;
}

/* Labels that show a user's value become one: neither their text nor which of them are equal goes
 * into the file. Those of a runtime lie side by side, so that rows stay in order. */
static bool map_labels(save *s)
{
    const lw_snapshot *snapshot = s->snapshot;
    const lwi_name *names = snapshot->names;
    size_t size = lwi_array_size(snapshot->name_count, sizeof *s->label_map);
    s->label_map = s->values ? NULL : lwi_alloc(&s->mem, size);
    if (!s->values && !s->label_map)
        return false;
    for (uint32_t i = 0; i < snapshot->name_count; i++) {
        bool hidden = !s->values && names[i].style == LW_LABEL_KEY;
        bool merged = hidden && names[i - 1].style == LW_LABEL_KEY;
        if (!merged && !add_text(s, hidden ? LWI_HIDDEN_KEY : names[i].text,
                                 hidden ? strlen(LWI_HIDDEN_KEY) : names[i].length))
            return false;
        s->label_count += !merged;
        if (s->label_map)
            s->label_map[i] = s->label_count - 1;
    }
    return true;
}

static uint32_t label_of(const save *s, uint32_t label)
{
    return !s->label_map || label & LW_LABEL_INDEX(0) ? label : s->label_map[label];
}

static bool add_word(save *s, const char *word)
{
    return add_text(s, word, strlen(word));
}

/* The numbers of the first two: lwi_file_text() of LWI_INFO_NAME and LWI_INFO_PROGRAM. */
static bool collect_texts(save *s)
{
    const lw_snapshot *snapshot = s->snapshot;
    bool ready = add_word(s, snapshot->info.name) && add_word(s, snapshot->info.program);
    s->first_part = (uint32_t)s->text_count + 1;
    for (uint32_t i = 0; ready && i < snapshot->part_count; i++)
        ready = add_word(s, snapshot->parts[i].name);
    s->first_type = (uint32_t)s->text_count + 1;
    for (uint32_t i = 0; ready && i < snapshot->info.types; i++)
        ready = add_word(s, snapshot->types[i].name);
    s->first_kind = (uint32_t)s->text_count + 1;
    for (uint32_t i = 0; ready && i < snapshot->root_kind_count; i++)
        ready = add_word(s, snapshot->root_kinds[i].name);
    s->first_label = (uint32_t)s->text_count + 1;
    return ready && map_labels(s) && add_frame_texts(s);
}

/* --- sizes --------------------------------------------------------------------------------- */

/* The tables of blocks know their own ends by what refers to them. */
static void measure(save *s)
{
    const lw_snapshot *snapshot = s->snapshot;
    for (uint64_t i = 0; i < snapshot->info.nodes; i++) {
        if (snapshot->shape_of[i] >= s->shape_count)
            s->shape_count = snapshot->shape_of[i] + UINT64_C(1);
        if (snapshot->tenure_of && snapshot->tenure_of[i] >= s->tenure_count)
            s->tenure_count = snapshot->tenure_of[i] + UINT64_C(1);
    }
    if (!snapshot->tenure_of)
        return;
    s->tenure_count += s->tenure_count == 0;
    for (uint64_t i = 0; i < s->tenure_count; i++) {
        if (snapshot->tenures[i].stack >= s->stack_count)
            s->stack_count = snapshot->tenures[i].stack + UINT64_C(1);
    }
    for (uint64_t i = 0; i < s->stack_count; i++) {
        uint64_t end = snapshot->stacks[i].first + snapshot->stacks[i].count;
        s->level_count = end > s->level_count ? end : s->level_count;
    }
    for (uint64_t i = 0; i < s->level_count; i++) {
        if (snapshot->stack_frames[i] >= s->frame_count)
            s->frame_count = snapshot->stack_frames[i] + UINT64_C(1);
    }
}

static uint64_t key_words(const lwi_part *part)
{
    return part->keys.address ? part->keys.bitmap.leaf_count * LWI_LEAF_WORDS : part->count;
}

static void plan(save *s)
{
    const lw_snapshot *snapshot = s->snapshot;
    uint64_t *counts = s->writer.counts;
    uint64_t nodes = snapshot->info.nodes, edges = snapshot->info.edges, keys = 0;
    for (uint32_t i = 0; i < snapshot->part_count; i++)
        keys += key_words(&snapshot->parts[i]);
    counts[LWI_AT_INFO] = 1;
    counts[LWI_AT_TEXT] = s->text_bytes;
    counts[LWI_AT_TEXT_ENDS] = s->text_count;
    counts[LWI_AT_PARTS] = snapshot->part_count;
    counts[LWI_AT_TYPES] = snapshot->info.types;
    counts[LWI_AT_SHAPES] = s->shape_count;
    counts[LWI_AT_NAMES] = s->label_count;
    counts[LWI_AT_ROOT_KINDS] = snapshot->root_kind_count;
    counts[LWI_AT_TENURES] = s->tenure_count;
    counts[LWI_AT_STACKS] = s->stack_count;
    counts[LWI_AT_FRAMES] = s->frame_count;
    counts[LWI_AT_MANY] = snapshot->many.count;
    counts[LWI_AT_EXTERNAL] = snapshot->external.count;
    counts[LWI_AT_OUTSIDE] = snapshot->outside.count;
    counts[LWI_AT_KEYS] = keys;
    counts[LWI_AT_NODE_SHAPE] = nodes;
    counts[LWI_AT_NODE_TENURE] = snapshot->tenure_of ? nodes : 0;
    counts[LWI_AT_NODE_REFERENCES] = snapshot->counts ? nodes : 0;
    counts[LWI_AT_NODE_GARBAGE] = lwi_bits_words(nodes);
    counts[LWI_AT_ROW_BASE] = nodes / LWI_ROWS + 1;
    counts[LWI_AT_ROW_END] = nodes;
    counts[LWI_AT_EDGE_TO] = edges;
    counts[LWI_AT_EDGE_KIND] = snapshot->kinds ? edges / 2 + 1 : 0;
    counts[LWI_AT_EDGE_LABEL] = snapshot->labels ? edges : 0;
    counts[LWI_AT_ROOTS] = snapshot->info.roots;
    counts[LWI_AT_STACK_FRAMES] = s->level_count;
    for (int at = 0; at < LWI_AT_COUNT; at++)
        s->writer.present[at] = !lwi_forms[at].optional || counts[at] > 0;
}

/* --- sections ------------------------------------------------------------------------------ */

static uint64_t info_flags(const save *s)
{
    uint32_t flags = s->snapshot->info.flags;
    return (s->values && !(flags & LW_SNAPSHOT_HIDDEN) ? LWI_INFO_VALUES : 0) |
           (flags & LW_SNAPSHOT_CHILD ? LWI_INFO_CHILD : 0);
}

static void put_info(save *s)
{
    const lw_snapshot_info *info = &s->snapshot->info;
    uint64_t words[LWI_INFO_WORDS] = {
        [LWI_INFO_NODES] = info->nodes,
        [LWI_INFO_EDGES] = info->edges,
        [LWI_INFO_SIZE] = info->size,
        [LWI_INFO_EXTERNAL] = info->external,
        [LWI_INFO_EPOCH] = info->epoch,
        [LWI_INFO_GARBAGE] = info->garbage,
        [LWI_INFO_GARBAGE_SIZE] = info->garbage_size,
        [LWI_INFO_DANGLING] = info->dangling,
        [LWI_INFO_CONFLICTS] = info->conflicts,
        [LWI_INFO_TOOK] = info->took_ns,
        [LWI_INFO_TAKEN_AT] = info->taken_at,
        [LWI_INFO_PROCESS] = info->process,
        [LWI_INFO_EDGE_KINDS] = s->snapshot->edge_kinds,
        [LWI_INFO_FLAGS] = info_flags(s),
        [LWI_INFO_NAME] = 1,
        [LWI_INFO_PROGRAM] = 2,
        [LWI_INFO_PEAK] = info->peak_bytes,
    };
    lwi_write_array64(&s->writer, words, LWI_INFO_WORDS);
}

static void put_texts(save *s)
{
    for (uint64_t i = 0; i < s->text_count; i++) {
        lwi_write_bytes(&s->writer, s->texts[i].at, s->texts[i].length);
        lwi_write_bytes(&s->writer, "", 1);
    }
}

static void put_text_ends(save *s)
{
    uint64_t end = 0;
    for (uint64_t i = 0; i < s->text_count; i++) {
        end += s->texts[i].length + 1;
        lwi_write64(&s->writer, end);
    }
}

static void put_parts(save *s)
{
    for (uint32_t i = 0; i < s->snapshot->part_count; i++) {
        const lwi_part *part = &s->snapshot->parts[i];
        lwi_write64(&s->writer, s->first_part + i);
        lwi_write64(&s->writer, part->count);
        lwi_write64(&s->writer, (part->recorded ? LWI_PART_RECORDED : 0) |
                                    (part->keys.address ? LWI_PART_ADDRESS : 0));
        lwi_write64(&s->writer, key_words(part));
    }
}

static void put_types(save *s)
{
    for (uint32_t i = 0; i < s->snapshot->info.types; i++) {
        const lwi_type *type = &s->snapshot->types[i];
        uint64_t words[] = {s->first_type + i, type->part, type->flags,  type->key,
                            type->count,       type->size, type->garbage};
        lwi_write_array64(&s->writer, words, sizeof words / sizeof words[0]);
    }
}

static void put_shapes(save *s)
{
    for (uint64_t i = 0; i < s->shape_count; i++) {
        lwi_write64(&s->writer, s->snapshot->shapes[i].type);
        lwi_write64(&s->writer, s->snapshot->shapes[i].size);
    }
}

static void put_names(save *s)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < s->snapshot->name_count; i++) {
        if (i > 0 && s->label_map && s->label_map[i] == s->label_map[i - 1])
            continue;
        lwi_write32(&s->writer, s->first_label + number++);
        lwi_write32(&s->writer, (uint32_t)s->snapshot->names[i].style);
    }
}

static void put_root_kinds(save *s)
{
    for (uint32_t i = 0; i < s->snapshot->root_kind_count; i++) {
        lwi_write32(&s->writer, s->first_kind + i);
        lwi_write32(&s->writer, s->snapshot->root_kinds[i].part);
        lwi_write32(&s->writer, s->snapshot->root_kinds[i].flags);
    }
}

static void put_tenures(save *s)
{
    for (uint64_t i = 0; i < s->tenure_count; i++) {
        lwi_write64(&s->writer, s->snapshot->tenures[i].bytes);
        lwi_write64(&s->writer, s->snapshot->tenures[i].epoch);
        lwi_write64(&s->writer, s->snapshot->tenures[i].stack);
    }
}

static void put_stacks(save *s)
{
    for (uint64_t i = 0; i < s->stack_count; i++) {
        lwi_write64(&s->writer, s->snapshot->stacks[i].first);
        lwi_write64(&s->writer, s->snapshot->stacks[i].count);
    }
}

static void put_frames(save *s)
{
    for (uint64_t i = 0; i < s->frame_count; i++) {
        lwi_write_array32(&s->writer, &s->frame_words[2 * i], 2);
        lwi_write32(&s->writer, s->snapshot->frames[i].line);
        lwi_write32(&s->writer, s->snapshot->frames[i].flags);
    }
}

static void put_rares(save *s, const lwi_rares *rares)
{
    for (uint32_t i = 0; i < rares->count; i++) {
        lwi_write64(&s->writer, rares->items[i].node);
        lwi_write64(&s->writer, rares->items[i].value);
    }
}

static void put_keys(save *s)
{
    for (uint32_t i = 0; i < s->snapshot->part_count; i++)
        lwi_write_keys(&s->writer, &s->snapshot->parts[i].keys);
}

static void put_edge_labels(save *s, uint64_t edges)
{
    const uint32_t *labels = s->snapshot->labels;
    if (!s->label_map) {
        lwi_write_array32(&s->writer, labels, edges);
        return;
    }
    for (uint64_t i = 0; i < edges; i++)
        lwi_write32(&s->writer, label_of(s, labels[i]));
}

static void put_roots(save *s)
{
    for (uint32_t i = 0; i < s->snapshot->info.roots; i++) {
        const lwi_root *root = &s->snapshot->roots[i];
        lwi_write32(&s->writer, root->node);
        lwi_write32(&s->writer, root->kind);
        lwi_write32(&s->writer, label_of(s, root->label));
    }
}

static void put_small(save *s, lwi_section at)
{
    switch (at) {
    case LWI_AT_INFO:
        put_info(s);
        break;
    case LWI_AT_TEXT:
        put_texts(s);
        break;
    case LWI_AT_TEXT_ENDS:
        put_text_ends(s);
        break;
    case LWI_AT_PARTS:
        put_parts(s);
        break;
    case LWI_AT_TYPES:
        put_types(s);
        break;
    case LWI_AT_SHAPES:
        put_shapes(s);
        break;
    case LWI_AT_NAMES:
        put_names(s);
        break;
    case LWI_AT_ROOT_KINDS:
        put_root_kinds(s);
        break;
    case LWI_AT_TENURES:
        put_tenures(s);
        break;
    case LWI_AT_STACKS:
        put_stacks(s);
        break;
    case LWI_AT_FRAMES:
        put_frames(s);
        break;
    case LWI_AT_MANY:
        put_rares(s, &s->snapshot->many);
        break;
    case LWI_AT_EXTERNAL:
        put_rares(s, &s->snapshot->external);
        break;
    default:
        put_rares(s, &s->snapshot->outside);
        break;
    }
}

static void put_large(save *s, lwi_section at)
{
    const lw_snapshot *snapshot = s->snapshot;
    lwi_writer *writer = &s->writer;
    uint64_t count = writer->counts[at];
    switch (at) {
    case LWI_AT_KEYS:
        put_keys(s);
        break;
    case LWI_AT_NODE_SHAPE:
        lwi_write_array32(writer, snapshot->shape_of, count);
        break;
    case LWI_AT_NODE_TENURE:
        lwi_write_array32(writer, snapshot->tenure_of, count);
        break;
    case LWI_AT_NODE_REFERENCES:
        lwi_write_bytes(writer, snapshot->counts, count);
        break;
    case LWI_AT_NODE_GARBAGE:
        lwi_write_array64(writer, snapshot->garbage, count);
        break;
    case LWI_AT_ROW_BASE:
        lwi_write_array64(writer, snapshot->rows.base, count);
        break;
    case LWI_AT_ROW_END:
        lwi_write_array32(writer, snapshot->rows.end, count);
        break;
    case LWI_AT_EDGE_TO:
        lwi_write_array32(writer, snapshot->rows.items, count);
        break;
    case LWI_AT_EDGE_KIND:
        lwi_write_bytes(writer, snapshot->kinds, count);
        break;
    case LWI_AT_EDGE_LABEL:
        put_edge_labels(s, count);
        break;
    case LWI_AT_ROOTS:
        put_roots(s);
        break;
    default:
        lwi_write_array32(writer, snapshot->stack_frames, count);
        break;
    }
}

/* --- all of it ----------------------------------------------------------------------------- */

static void write_all(save *s)
{
    lwi_writer *writer = &s->writer;
    lwi_write_begin(writer);
    for (lwi_section at = 0; at < LWI_AT_COUNT; at++) {
        if (!writer->present[at] || writer->status != LW_OK)
            continue;
        lwi_write_open(writer);
        if (at < LWI_AT_KEYS)
            put_small(s, at);
        else
            put_large(s, at);
        lwi_write_close(writer, at);
    }
    uint64_t token = s->snapshot->file ? s->snapshot->file->token : s->snapshot->context;
    lwi_write_directory(writer, s->snapshot->run, token);
}

static lw_status no_memory(const char *path, lw_error *error)
{
    return lwi_fail(error, LW_E_NOMEM, "no memory to save a snapshot: %s is as it was", path);
}

static lw_status system_failure(int number, const char *what, const char *path, lw_error *error)
{
    char words[128];
    lwi_system_words(number, words, sizeof words);
    return lwi_fail(error, LW_E_IO, "cannot %s: %s: %s", what, words, path);
}

static lw_status write_file(save *s, const char *path, lw_error *error)
{
    lwi_writer *writer = &s->writer;
    int failed = lwi_file_out_open(&writer->out, path, &s->mem);
    if (failed == ENOMEM)
        return no_memory(path, error);
    if (failed)
        return system_failure(failed, "create a snapshot file", path, error);
    write_all(s);
    if (writer->status != LW_OK) {
        lwi_file_out_cancel(&writer->out, &s->mem);
        if (writer->status == LW_E_CANCELLED)
            return lwi_fail(error, LW_E_CANCELLED, "saving was cancelled: %s is as it was", path);
        return system_failure(writer->system, "write a snapshot file", path, error);
    }
    bool stands = false;
    failed = lwi_file_out_commit(&writer->out, &stands, &s->mem);
    if (failed)
        return system_failure(failed, stands ? "bring to the disk the directory of a new file"
                                             : "finish a snapshot file",
                              path, error);
    return LW_OK;
}

/* False: no memory. */
static bool prepare(save *s)
{
    measure(s);
    s->writer.buffer = lwi_resize(&s->mem, NULL, 0, LWI_WRITE_ROOM);
    if (!s->writer.buffer || !collect_texts(s))
        return false;
    plan(s);
    return true;
}

static void init_save(save *s, lw_progress_fn progress, void *user)
{
    lw_allocator allocator = s->snapshot->mem.allocator;
    s->writer.progress = progress;
    s->writer.user = user;
    lwi_mem_init(&s->mem, allocator, allocator);
    lwi_index_init(&s->frame_texts, &s->mem);
}

static void free_save(save *s)
{
    lwi_free(&s->mem, s->writer.buffer, LWI_WRITE_ROOM);
    lwi_free(&s->mem, s->texts, lwi_array_size(s->text_room, sizeof *s->texts));
    lwi_free(&s->mem, s->frame_words,
             lwi_array_size(s->frame_count * 2 + 1, sizeof *s->frame_words));
    lwi_free(&s->mem, s->label_map,
             lwi_array_size(s->snapshot->name_count, sizeof *s->label_map));
    lwi_index_free(&s->frame_texts);
}

lw_status lw_snapshot_save(const lw_snapshot *snapshot, const char *path,
                           const lw_save_options *options, lw_error *error)
{
    lw_save_options full;
    if (!path || !*path)
        return lwi_fail(error, LW_E_INVALID, "path is %s: pass where the file shall go",
                        path ? "empty" : "NULL");
    lw_status status = lwi_take(&full, sizeof full, options, "lw_save_options", error);
    if (status == LW_OK && full.flags & ~(uint32_t)LW_SAVE_VALUES)
        status = lwi_fail(error, LW_E_INVALID, "lw_save_options.flags has unknown bits: 0x%x",
                          (unsigned)full.flags);
    if (status == LW_OK)
        status = lwi_snapshot_check(snapshot, error);
    if (status != LW_OK)
        return status;
    save s = {.snapshot = snapshot, .values = full.flags & LW_SAVE_VALUES};
    init_save(&s, full.progress, full.user);
    status = prepare(&s) ? write_file(&s, path, error) : no_memory(path, error);
    free_save(&s);
    return status;
}

lw_status lwi_snapshot_put(const lw_snapshot *snapshot, int handle, lw_progress_fn progress,
                           void *user, int *system)
{
    save s = {.snapshot = snapshot, .values = true};
    lw_status status = LW_E_NOMEM;
    init_save(&s, progress, user);
    s.writer.out.handle = handle;
    if (prepare(&s)) {
        write_all(&s);
        status = s.writer.status;
    }
    *system = s.writer.system;
    free_save(&s);
    return status;
}
