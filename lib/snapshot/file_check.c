/* Looks at all of an opened file, once: at its checksums, and at every number in the large sections
 * that an index is made of. What has passed here is as good as captured. */
#include "base/error.h"
#include "base/sum.h"
#include "snapshot/file.h"

enum { LEAF_SHIFT = 11 }; /* of a leaf's number: base/bitmap.h */

/* --- columns ------------------------------------------------------------------------------- */

/* Every number is below `limit`. */
static lw_status check_below(const lwi_file *file, lwi_section at, const uint32_t *numbers,
                             uint64_t limit, lw_error *error)
{
    uint64_t count = file->columns[at].count;
    uint32_t most = 0;
    for (uint64_t i = 0; i < count; i++)
        most = numbers[i] > most ? numbers[i] : most;
    for (uint64_t i = 0; most >= limit && i < count; i++) {
        if (numbers[i] >= limit)
            return lwi_file_damaged(file, at, i, 0, "a number out of range", error);
    }
    return LW_OK;
}

static bool is_label(const lw_snapshot *snapshot, uint32_t label)
{
    return label & LW_LABEL_INDEX(0) || label < snapshot->name_count;
}

static lw_status check_labels(const lw_snapshot *snapshot, lw_error *error)
{
    for (uint64_t i = 0; snapshot->labels && i < snapshot->info.edges; i++) {
        if (!is_label(snapshot, snapshot->labels[i]))
            return lwi_file_damaged(snapshot->file, LWI_AT_EDGE_LABEL, i, 0,
                                    "a label out of range", error);
    }
    return LW_OK;
}

static lw_status check_kinds(const lw_snapshot *snapshot, lw_error *error)
{
    for (uint64_t i = 0; snapshot->kinds && i < snapshot->info.edges; i++) {
        if (!(snapshot->edge_kinds >> lwi_kind_at(snapshot, i) & 1))
            return lwi_file_damaged(snapshot->file, LWI_AT_EDGE_KIND, i / 2, 0,
                                    "a kind of reference that there is not", error);
    }
    return LW_OK;
}

/* Rows lie side by side, in order, and cover all edges. */
static lw_status check_rows(const lw_snapshot *snapshot, lw_error *error)
{
    const lwi_rows *rows = &snapshot->rows;
    uint64_t end = 0;
    for (uint32_t row = 0; row < snapshot->info.nodes; row++) {
        if (row % LWI_ROWS == 0 && rows->base[row / LWI_ROWS] != end)
            return lwi_file_damaged(snapshot->file, LWI_AT_ROW_BASE, row / LWI_ROWS, 0,
                                    "rows that do not follow each other", error);
        uint64_t next = lwi_row_end(rows, row);
        if (next < end || next > snapshot->info.edges)
            return lwi_file_damaged(snapshot->file, LWI_AT_ROW_END, row, 0,
                                    "rows that do not follow each other", error);
        end = next;
    }
    if (end != snapshot->info.edges)
        return lwi_file_damaged(snapshot->file, LWI_AT_ROW_END, 0, 0,
                                "references that belong to no node", error);
    return LW_OK;
}

static lw_status check_roots(const lw_snapshot *snapshot, lw_error *error)
{
    for (uint32_t i = 0; i < snapshot->info.roots; i++) {
        const lwi_root *root = &snapshot->roots[i];
        if (root->node >= snapshot->info.nodes || (i > 0 && root->node < root[-1].node))
            return lwi_file_damaged(snapshot->file, LWI_AT_ROOTS, i, 0,
                                    "a node out of range or order", error);
        if (root->kind >= snapshot->root_kind_count)
            return lwi_file_damaged(snapshot->file, LWI_AT_ROOTS, i, 1, "a kind out of range",
                                    error);
        if (!is_label(snapshot, root->label))
            return lwi_file_damaged(snapshot->file, LWI_AT_ROOTS, i, 2, "a label out of range",
                                    error);
    }
    return LW_OK;
}

/* --- keys ---------------------------------------------------------------------------------- */

static bool leaf_fits(const lwi_bitmap_leaf *leaf, uint64_t *rank)
{
    uint32_t inside = 0;
    if (leaf->rank != *rank || leaf->number >> (64 - LEAF_SHIFT))
        return false;
    for (uint32_t i = 0; i < 4; i++) {
        if (leaf->before[i] != inside)
            return false;
        inside += lwi_bits_count(leaf->words[i]);
    }
    *rank += inside;
    return true;
}

/* The place of a key within the section: its words are those of all runtimes. */
static lw_status key_damaged(const lw_snapshot *snapshot, const void *key, lw_error *error)
{
    const unsigned char *bytes = snapshot->file->columns[LWI_AT_KEYS].bytes;
    uint64_t row = (uint64_t)((const unsigned char *)key - bytes) / sizeof(uint64_t);
    return lwi_file_damaged(snapshot->file, LWI_AT_KEYS, row, 0, "keys out of order", error);
}

static lw_status check_part_keys(const lw_snapshot *snapshot, const lwi_part *part,
                                 lw_error *error)
{
    const lwi_keys *keys = &part->keys;
    const lwi_bitmap_leaf *leaves = keys->bitmap.leaves;
    uint64_t rank = 0;
    for (uint64_t i = 0; keys->address && i < keys->bitmap.leaf_count; i++) {
        if ((i > 0 && leaves[i].number <= leaves[i - 1].number) || !leaf_fits(&leaves[i], &rank))
            return key_damaged(snapshot, &leaves[i], error);
    }
    if (keys->address && rank != part->count)
        return key_damaged(snapshot, leaves, error);
    for (uint32_t i = 1; !keys->address && i < part->count; i++) {
        if (keys->sorted[i] <= keys->sorted[i - 1])
            return key_damaged(snapshot, &keys->sorted[i], error);
    }
    return LW_OK;
}

static lw_status check_keys(const lw_snapshot *snapshot, lw_error *error)
{
    lw_status status = LW_OK;
    for (uint32_t i = 0; status == LW_OK && i < snapshot->part_count; i++)
        status = check_part_keys(snapshot, &snapshot->parts[i], error);
    return status;
}

/* --- sums ---------------------------------------------------------------------------------- */

/* What the nodes add up to. */
typedef struct totals {
    uint64_t size, garbage_size, garbage;
    lwi_type *types;
} totals;

static void add_node(const lw_snapshot *snapshot, totals *sums, lw_node node)
{
    const lwi_shape *shape = lwi_shape_at(snapshot, node);
    lwi_type *type = &sums->types[shape->type];
    sums->size = lwi_sum(sums->size, shape->size);
    if (lwi_is_garbage(snapshot, node)) {
        sums->garbage++;
        sums->garbage_size = lwi_sum(sums->garbage_size, shape->size);
        type->garbage++;
    } else {
        type->count++;
        type->size = lwi_sum(type->size, shape->size);
    }
}

static lw_status add_up(const lw_snapshot *snapshot, totals *sums, lw_error *error)
{
    for (uint32_t i = 0; i < snapshot->part_count; i++) {
        const lwi_part *part = &snapshot->parts[i];
        for (uint32_t j = 0; j < part->count; j++) {
            lw_node node = part->first + j;
            if (lwi_type_at(snapshot, node)->part != i)
                return lwi_file_damaged(snapshot->file, LWI_AT_NODE_SHAPE, node, 0,
                                        "a type of another runtime", error);
            add_node(snapshot, sums, node);
        }
    }
    return LW_OK;
}

static lw_status compare(const lw_snapshot *snapshot, const totals *sums, lw_error *error)
{
    const lw_snapshot_info *info = &snapshot->info;
    uint64_t last = snapshot->garbage[info->nodes / 64];
    if (last >> (info->nodes % 64) != UINT64_MAX >> (info->nodes % 64))
        return lwi_file_damaged(snapshot->file, LWI_AT_NODE_GARBAGE, info->nodes / 64, 0,
                                "bits of no node", error);
    if (sums->size != info->size || sums->garbage != info->garbage ||
        sums->garbage_size != info->garbage_size)
        return lwi_file_damaged(snapshot->file, LWI_AT_INFO, 0, LWI_INFO_SIZE,
                                "sizes that do not add up", error);
    for (uint32_t i = 0; i < info->types; i++) {
        const lwi_type *said = &snapshot->types[i], *found = &sums->types[i];
        if (said->count != found->count || said->size != found->size ||
            said->garbage != found->garbage)
            return lwi_file_damaged(snapshot->file, LWI_AT_TYPES, i, 4,
                                    "nodes that do not add up", error);
    }
    return LW_OK;
}

static lw_status check_totals(const lw_snapshot *snapshot, lw_error *error)
{
    lwi_mem mem;
    lwi_mem_init(&mem, snapshot->mem.allocator, snapshot->mem.allocator);
    size_t size = lwi_array_size(snapshot->info.types + UINT64_C(1), sizeof(lwi_type));
    totals sums = {.types = lwi_alloc(&mem, size)};
    if (!sums.types)
        return lwi_fail(error, LW_E_NOMEM, "no memory to check %s", snapshot->file->path);
    lw_status status = add_up(snapshot, &sums, error);
    if (status == LW_OK)
        status = compare(snapshot, &sums, error);
    lwi_free(&mem, sums.types, size);
    return status;
}

/* --- all of it ----------------------------------------------------------------------------- */

static lw_status check_numbers(const lw_snapshot *snapshot, lw_error *error)
{
    const lwi_file *file = snapshot->file;
    const lwi_column *columns = file->columns;
    lw_status status = check_below(file, LWI_AT_NODE_SHAPE, snapshot->shape_of,
                                   columns[LWI_AT_SHAPES].count, error);
    if (status == LW_OK)
        status = check_below(file, LWI_AT_NODE_TENURE, snapshot->tenure_of,
                             columns[LWI_AT_TENURES].count, error);
    if (status == LW_OK)
        status = check_below(file, LWI_AT_EDGE_TO, snapshot->rows.items, snapshot->info.nodes,
                             error);
    if (status == LW_OK)
        status = check_below(file, LWI_AT_STACK_FRAMES, snapshot->stack_frames,
                             columns[LWI_AT_FRAMES].count, error);
    return status;
}

static lw_status check_all(const lw_snapshot *snapshot, lw_error *error)
{
    static lw_status (*const checks[])(const lw_snapshot *, lw_error *) = {
        check_numbers, check_rows, check_kinds, check_labels, check_roots, check_keys, check_totals,
    };
    lw_status status = LW_OK;
    for (lwi_section at = LWI_AT_KEYS; status == LW_OK && !snapshot->file->summed &&
                                       at < LWI_AT_COUNT; at++)
        status = lwi_file_check_sum(snapshot->file, at, error);
    for (size_t i = 0; status == LW_OK && i < sizeof checks / sizeof checks[0]; i++)
        status = checks[i](snapshot, error);
    return status;
}

/* Threads that come at the same time each look for themselves: nothing waits, and what they find
 * is the same. */
lw_status lwi_file_check(const lw_snapshot *snapshot, lw_error *error)
{
    lwi_file *file = snapshot->file;
    if (atomic_load_explicit(&file->checked, memory_order_acquire))
        return LW_OK;
    lw_status status = check_all(snapshot, error);
    if (status == LW_OK)
        atomic_store_explicit(&file->checked, true, memory_order_release);
    return status;
}
