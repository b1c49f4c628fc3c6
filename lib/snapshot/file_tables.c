/* From the small sections of a file to the tables of a snapshot. Every number is looked at before
 * it is used; the large sections are only pointed to. */
#include "base/error.h"
#include "base/sum.h"
#include "snapshot/file.h"

static lw_status no_memory(const lwi_file *file, lw_error *error)
{
    return lwi_fail(error, LW_E_NOMEM, "no memory to open %s", file->path);
}

/* --- texts --------------------------------------------------------------------------------- */

static lw_status read_texts(lwi_file *file, lw_error *error)
{
    const lwi_column *text = &file->columns[LWI_AT_TEXT];
    uint64_t start = 0, count = file->columns[LWI_AT_TEXT_ENDS].count;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t end = lwi_file_word(file, LWI_AT_TEXT_ENDS, i, 0);
        if (end <= start || end > text->count || text->bytes[end - 1] != '\0')
            return lwi_file_damaged(file, LWI_AT_TEXT_ENDS, i, 0, "a text ends nowhere", error);
        start = end;
    }
    file->texts = count;
    return LW_OK;
}

/* A text that there must be. */
static lw_status need_text(const lwi_file *file, lwi_section at, uint64_t row, uint32_t column,
                           const char **text, lw_error *error)
{
    *text = lwi_file_text(file, lwi_file_word(file, at, row, column), NULL);
    if (!*text)
        return lwi_file_damaged(file, at, row, column, "there is no such text", error);
    return LW_OK;
}

/* --- totals -------------------------------------------------------------------------------- */

static lw_status expect_rows(const lwi_file *file, lwi_section at, uint64_t rows, lw_error *error)
{
    if (file->columns[at].present && file->columns[at].count != rows)
        return lwi_file_damaged(file, at, 0, 0, "another number of rows than there should be",
                                error);
    return LW_OK;
}

static lw_status check_counts(const lwi_file *file, uint64_t nodes, uint64_t edges,
                              lw_error *error)
{
    const struct {
        lwi_section at;
        uint64_t rows;
    } wanted[] = {
        {LWI_AT_INFO, 1},
        {LWI_AT_NODE_SHAPE, nodes},
        {LWI_AT_NODE_TENURE, nodes},
        {LWI_AT_NODE_REFERENCES, nodes},
        {LWI_AT_NODE_GARBAGE, lwi_bits_words(nodes)},
        {LWI_AT_ROW_BASE, nodes / LWI_ROWS + 1},
        {LWI_AT_ROW_END, nodes},
        {LWI_AT_EDGE_TO, edges},
        {LWI_AT_EDGE_KIND, edges / 2 + 1},
        {LWI_AT_EDGE_LABEL, edges},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        lw_status status = expect_rows(file, wanted[i].at, wanted[i].rows, error);
        if (status != LW_OK)
            return status;
    }
    static const lwi_section narrow[] = {LWI_AT_PARTS,   LWI_AT_TYPES, LWI_AT_SHAPES,
                                         LWI_AT_TENURES, LWI_AT_STACKS, LWI_AT_FRAMES,
                                         LWI_AT_MANY,    LWI_AT_EXTERNAL, LWI_AT_OUTSIDE,
                                         LWI_AT_ROOTS,   LWI_AT_ROOT_KINDS};
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        if (file->columns[narrow[i]].count > UINT32_MAX - 1)
            return lwi_file_damaged(file, narrow[i], 0, 0, "more rows than 2^32 - 2", error);
    }
    return LW_OK;
}

static lw_status read_info(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    lw_snapshot_info *info = &snapshot->info;
    if (file->columns[LWI_AT_INFO].count != 1)
        return expect_rows(file, LWI_AT_INFO, 1, error);
    uint64_t words[LWI_INFO_WORDS];
    for (uint32_t i = 0; i < LWI_INFO_WORDS; i++)
        words[i] = lwi_file_word(file, LWI_AT_INFO, 0, i);
    uint64_t known = (1u << (LW_EDGE_UNKNOWN + 1)) - 1;
    if (words[LWI_INFO_NODES] > UINT32_MAX - 1)
        return lwi_file_damaged(file, LWI_AT_INFO, 0, LWI_INFO_NODES, "too many nodes", error);
    if (words[LWI_INFO_GARBAGE] > words[LWI_INFO_NODES])
        return lwi_file_damaged(file, LWI_AT_INFO, 0, LWI_INFO_GARBAGE, "too much garbage", error);
    if (words[LWI_INFO_EDGE_KINDS] & ~known ||
        (words[LWI_INFO_EDGE_KINDS] > 1 && !file->columns[LWI_AT_EDGE_KIND].present))
        return lwi_file_damaged(file, LWI_AT_INFO, 0, LWI_INFO_EDGE_KINDS,
                                "unknown kinds of references", error);
    info->nodes = (uint32_t)words[LWI_INFO_NODES];
    info->edges = words[LWI_INFO_EDGES];
    info->size = words[LWI_INFO_SIZE];
    info->external = words[LWI_INFO_EXTERNAL];
    info->epoch = words[LWI_INFO_EPOCH];
    info->garbage = (uint32_t)words[LWI_INFO_GARBAGE];
    info->garbage_size = words[LWI_INFO_GARBAGE_SIZE];
    info->dangling = words[LWI_INFO_DANGLING];
    info->conflicts = words[LWI_INFO_CONFLICTS];
    info->took_ns = words[LWI_INFO_TOOK];
    info->taken_at = words[LWI_INFO_TAKEN_AT];
    info->peak_bytes = words[LWI_INFO_PEAK];
    info->process = words[LWI_INFO_PROCESS];
    info->flags = LW_SNAPSHOT_FILE;
    info->flags |= words[LWI_INFO_FLAGS] & LWI_INFO_VALUES ? 0 : LW_SNAPSHOT_HIDDEN;
    info->flags |= words[LWI_INFO_FLAGS] & LWI_INFO_CHILD ? LW_SNAPSHOT_CHILD : 0;
    snapshot->edge_kinds = (uint32_t)words[LWI_INFO_EDGE_KINDS];
    lw_status status = need_text(file, LWI_AT_INFO, 0, LWI_INFO_NAME, &info->name, error);
    if (status == LW_OK)
        status = need_text(file, LWI_AT_INFO, 0, LWI_INFO_PROGRAM, &info->program, error);
    return status == LW_OK ? check_counts(file, info->nodes, info->edges, error) : status;
}

/* --- runtimes ------------------------------------------------------------------------------ */

static bool take_keys(lwi_part *part, uint64_t words, const unsigned char *bytes)
{
    lwi_keys *keys = &part->keys;
    keys->count = part->count;
    if (!keys->address) {
        keys->sorted = (uint64_t *)(uintptr_t)bytes;
        return words == part->count;
    }
    keys->bitmap.leaves = (lwi_bitmap_leaf *)(uintptr_t)bytes;
    keys->bitmap.leaf_count = words / LWI_LEAF_WORDS;
    return words % LWI_LEAF_WORDS == 0;
}

static lw_status read_part(lw_snapshot *snapshot, uint32_t i, uint64_t *node, uint64_t *key,
                           lw_error *error)
{
    const lwi_file *file = snapshot->file;
    const lwi_column *keys = &file->columns[LWI_AT_KEYS];
    lwi_part *part = &snapshot->parts[i];
    uint64_t count = lwi_file_word(file, LWI_AT_PARTS, i, 1);
    uint64_t flags = lwi_file_word(file, LWI_AT_PARTS, i, 2);
    uint64_t words = lwi_file_word(file, LWI_AT_PARTS, i, 3);
    lw_status status = need_text(file, LWI_AT_PARTS, i, 0, &part->name, error);
    if (status != LW_OK)
        return status;
    if (count > snapshot->info.nodes - *node)
        return lwi_file_damaged(file, LWI_AT_PARTS, i, 1, "more nodes than there are", error);
    lwi_keys_init(&part->keys, &snapshot->mem, flags & LWI_PART_ADDRESS);
    part->recorded = flags & LWI_PART_RECORDED;
    part->first = (lw_node)*node;
    part->count = (uint32_t)count;
    if (words > keys->count - *key || !take_keys(part, words, keys->bytes + *key * 8))
        return lwi_file_damaged(file, LWI_AT_PARTS, i, 3, "other keys than nodes", error);
    *node += count;
    *key += words;
    return LW_OK;
}

static lw_status read_parts(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    uint32_t count = (uint32_t)file->columns[LWI_AT_PARTS].count;
    uint64_t node = 0, key = 0;
    snapshot->parts = lwi_arena_zeros(&snapshot->arena, count, sizeof *snapshot->parts);
    if (!snapshot->parts)
        return no_memory(file, error);
    snapshot->part_count = count;
    for (uint32_t i = 0; i < count; i++) {
        lw_status status = read_part(snapshot, i, &node, &key, error);
        if (status != LW_OK)
            return status;
    }
    if (node != snapshot->info.nodes)
        return lwi_file_damaged(file, LWI_AT_PARTS, 0, 1, "fewer nodes than there are", error);
    return expect_rows(file, LWI_AT_KEYS, key, error);
}

/* --- types, shapes, labels, roots ---------------------------------------------------------- */

static lw_status read_types(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    uint32_t count = (uint32_t)file->columns[LWI_AT_TYPES].count;
    snapshot->types = lwi_arena_array(&snapshot->arena, count, sizeof *snapshot->types);
    if (!snapshot->types)
        return no_memory(file, error);
    snapshot->info.types = count;
    for (uint32_t i = 0; i < count; i++) {
        lwi_type *type = &snapshot->types[i];
        lw_status status = need_text(file, LWI_AT_TYPES, i, 0, &type->name, error);
        if (status != LW_OK)
            return status;
        uint64_t part = lwi_file_word(file, LWI_AT_TYPES, i, 1);
        if (part >= snapshot->part_count || (i > 0 && part < type[-1].part))
            return lwi_file_damaged(file, LWI_AT_TYPES, i, 1, "a runtime out of range", error);
        type->part = (uint32_t)part;
        type->flags = (uint32_t)lwi_file_word(file, LWI_AT_TYPES, i, 2);
        type->key = lwi_file_word(file, LWI_AT_TYPES, i, 3);
        type->count = lwi_file_word(file, LWI_AT_TYPES, i, 4);
        type->size = lwi_file_word(file, LWI_AT_TYPES, i, 5);
        type->garbage = lwi_file_word(file, LWI_AT_TYPES, i, 6);
    }
    return LW_OK;
}

static lw_status read_shapes(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    uint64_t count = file->columns[LWI_AT_SHAPES].count;
    snapshot->shapes = lwi_arena_array(&snapshot->arena, count, sizeof *snapshot->shapes);
    if (!snapshot->shapes)
        return no_memory(file, error);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t type = lwi_file_word(file, LWI_AT_SHAPES, i, 0);
        if (type >= snapshot->info.types)
            return lwi_file_damaged(file, LWI_AT_SHAPES, i, 0, "a type out of range", error);
        snapshot->shapes[i].type = (uint32_t)type;
        snapshot->shapes[i].size = lwi_file_word(file, LWI_AT_SHAPES, i, 1);
    }
    return LW_OK;
}

static lw_status read_names(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    uint64_t count = file->columns[LWI_AT_NAMES].count, length;
    if (count == 0 || count > LW_LABEL_INDEX(0))
        return lwi_file_damaged(file, LWI_AT_NAMES, 0, 0, "no number of labels", error);
    snapshot->names = lwi_arena_array(&snapshot->arena, count, sizeof *snapshot->names);
    if (!snapshot->names)
        return no_memory(file, error);
    snapshot->name_count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++) {
        lwi_name *name = &snapshot->names[i];
        name->text = lwi_file_text(file, lwi_file_word(file, LWI_AT_NAMES, i, 0), &length);
        if (!name->text)
            return lwi_file_damaged(file, LWI_AT_NAMES, i, 0, "there is no such text", error);
        name->length = (size_t)length;
        name->style = (int32_t)lwi_file_word(file, LWI_AT_NAMES, i, 1);
        if (i == 0 ? name->style != -2 || length > 0
                   : name->style < LW_LABEL_ATTRIBUTE || name->style > LW_LABEL_INTERNAL)
            return lwi_file_damaged(file, LWI_AT_NAMES, i, 1, "a style out of range", error);
    }
    return LW_OK;
}

static lw_status read_root_kinds(lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    uint32_t count = (uint32_t)file->columns[LWI_AT_ROOT_KINDS].count;
    snapshot->root_kinds = lwi_arena_array(&snapshot->arena, count, sizeof *snapshot->root_kinds);
    if (!snapshot->root_kinds)
        return no_memory(file, error);
    snapshot->root_kind_count = count;
    for (uint32_t i = 0; i < count; i++) {
        lwi_root_kind *kind = &snapshot->root_kinds[i];
        lw_status status = need_text(file, LWI_AT_ROOT_KINDS, i, 0, &kind->name, error);
        if (status != LW_OK)
            return status;
        kind->part = (uint32_t)lwi_file_word(file, LWI_AT_ROOT_KINDS, i, 1);
        kind->flags = (uint32_t)lwi_file_word(file, LWI_AT_ROOT_KINDS, i, 2);
        if (kind->part >= snapshot->part_count)
            return lwi_file_damaged(file, LWI_AT_ROOT_KINDS, i, 1, "a runtime out of range",
                                    error);
    }
    return LW_OK;
}

/* --- numbers of few nodes ------------------------------------------------------------------ */

static lw_status read_rares(lw_snapshot *snapshot, lwi_section at, lwi_rares *rares,
                            lw_error *error)
{
    const lwi_file *file = snapshot->file;
    uint32_t count = (uint32_t)file->columns[at].count;
    rares->items = lwi_arena_array(&snapshot->arena, count, sizeof *rares->items);
    if (!rares->items)
        return no_memory(file, error);
    rares->count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t node = lwi_file_word(file, at, i, 0);
        if (node >= snapshot->info.nodes || (i > 0 && node <= rares->items[i - 1].node))
            return lwi_file_damaged(file, at, i, 0, "a node out of range or order", error);
        rares->items[i] = (lwi_rare){lwi_file_word(file, at, i, 1), (lw_node)node};
    }
    return LW_OK;
}

static lw_status read_all_rares(lw_snapshot *snapshot, lw_error *error)
{
    uint64_t external = 0;
    lw_status status = read_rares(snapshot, LWI_AT_MANY, &snapshot->many, error);
    if (status == LW_OK)
        status = read_rares(snapshot, LWI_AT_EXTERNAL, &snapshot->external, error);
    if (status == LW_OK)
        status = read_rares(snapshot, LWI_AT_OUTSIDE, &snapshot->outside, error);
    snapshot->info.outside = snapshot->outside.count;
    for (uint32_t i = 0; status == LW_OK && i < snapshot->external.count; i++)
        external = lwi_sum(external, snapshot->external.items[i].value);
    if (status == LW_OK && external != snapshot->info.external)
        return lwi_file_damaged(snapshot->file, LWI_AT_EXTERNAL, 0, 1, "bytes that do not add up",
                                error);
    return status;
}

/* --- all of it ----------------------------------------------------------------------------- */

static void *column(const lwi_file *file, lwi_section at)
{
    return file->columns[at].present ? (void *)(uintptr_t)file->columns[at].bytes : NULL;
}

static void point(lw_snapshot *snapshot)
{
    const lwi_file *file = snapshot->file;
    snapshot->shape_of = column(file, LWI_AT_NODE_SHAPE);
    snapshot->tenure_of = column(file, LWI_AT_NODE_TENURE);
    snapshot->counts = column(file, LWI_AT_NODE_REFERENCES);
    snapshot->garbage = column(file, LWI_AT_NODE_GARBAGE);
    snapshot->rows.base = column(file, LWI_AT_ROW_BASE);
    snapshot->rows.end = column(file, LWI_AT_ROW_END);
    snapshot->rows.items = column(file, LWI_AT_EDGE_TO);
    snapshot->kinds = column(file, LWI_AT_EDGE_KIND);
    snapshot->labels = column(file, LWI_AT_EDGE_LABEL);
    snapshot->roots = column(file, LWI_AT_ROOTS);
    snapshot->stack_frames = column(file, LWI_AT_STACK_FRAMES);
    snapshot->info.roots = (uint32_t)file->columns[LWI_AT_ROOTS].count;
}

lw_status lwi_file_read_tables(lw_snapshot *snapshot, lw_error *error)
{
    static lw_status (*const readers[])(lw_snapshot *, lw_error *) = {
        read_info, read_parts, read_types, read_shapes, read_names, read_root_kinds, read_all_rares,
    };
    lw_status status = LW_OK;
    for (lwi_section at = 0; status == LW_OK && at < LWI_AT_KEYS; at++)
        status = lwi_file_check_sum(snapshot->file, at, error);
    if (status == LW_OK)
        status = read_texts(snapshot->file, error);
    for (size_t i = 0; status == LW_OK && i < sizeof readers / sizeof readers[0]; i++)
        status = readers[i](snapshot, error);
    if (status == LW_OK)
        point(snapshot);
    return status;
}
