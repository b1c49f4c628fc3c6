/* Which types and which objects of two snapshots are the same. */
#include "analyze/diff.h"
#include "base/order.h"

#include <string.h>

/* --- types --------------------------------------------------------------------------------- */

/* A type of either side; ids below the base's number of types are the base's. */
static const lwi_type *type_of(const lw_diff *diff, uint32_t id, const char **runtime)
{
    uint32_t first = diff->base.snapshot->info.types;
    const lwi_side *side = id < first ? &diff->base : &diff->target;
    const lwi_type *type = &side->snapshot->types[id < first ? id : id - first];
    *runtime = side->snapshot->parts[type->part].name;
    return type;
}

/* Rows by runtime and name; within a row, equal types side by side. */
static int compare_rows(const lw_diff *diff, uint32_t a, uint32_t b)
{
    const char *a_runtime, *b_runtime;
    const lwi_type *x = type_of(diff, a, &a_runtime), *y = type_of(diff, b, &b_runtime);
    int order = strcmp(a_runtime, b_runtime);
    return order ? order : strcmp(x->name, y->name);
}

static int by_type(const void *user, uint32_t a, uint32_t b)
{
    const char *runtime;
    int order = compare_rows(user, a, b);
    if (order)
        return order;
    uint64_t x = type_of(user, a, &runtime)->key, y = type_of(user, b, &runtime)->key;
    return (x > y) - (x < y);
}

static void add_type(lw_diff *diff, uint32_t id, uint32_t row, uint32_t same)
{
    uint32_t first = diff->base.snapshot->info.types;
    lw_diff_row *sums = &diff->rows[row];
    const lwi_type *type = type_of(diff, id, &sums->runtime);
    sums->name = type->name;
    if (id < first) {
        diff->base.row_of[id] = row;
        diff->base.same_as[id] = same;
        sums->base_count += type->count;
        sums->base_size += type->size;
    } else {
        diff->target.row_of[id - first] = row;
        diff->target.same_as[id - first] = same;
        sums->target_count += type->count;
        sums->target_size += type->size;
    }
}

bool lwi_diff_rows(lw_diff *diff)
{
    uint64_t types = (uint64_t)diff->base.snapshot->info.types + diff->target.snapshot->info.types;
    uint32_t *ids = types < UINT32_MAX ? lwi_arena_array(&diff->arena, types * 2, sizeof *ids)
                                       : NULL;
    diff->rows = lwi_arena_zeros(&diff->arena, types, sizeof *diff->rows);
    if (!ids || !diff->rows)
        return false;
    uint32_t count = (uint32_t)types, same = 0;
    for (uint32_t i = 0; i < count; i++)
        ids[i] = i;
    lwi_order_ids(ids, ids + count, count, by_type, diff);
    for (uint32_t i = 0; i < count; i++) {
        bool new_row = i == 0 || compare_rows(diff, ids[i - 1], ids[i]) != 0;
        bool new_type = i == 0 || by_type(diff, ids[i - 1], ids[i]) != 0;
        if (new_row)
            diff->rows[diff->info.rows++].struct_size = sizeof(lw_diff_row);
        same += i > 0 && new_type;
        diff->rows[diff->info.rows - 1].types += new_type;
        add_type(diff, ids[i], diff->info.rows - 1, same);
    }
    return true;
}

/* --- objects ------------------------------------------------------------------------------- */

/* Whether the block that the later snapshot knows can be the one that the earlier one saw. A node
 * without a recorded block predates recording; had its memory been handed on since, there would
 * be a block now, and had it had a block before, that has been freed. */
static bool same_block(const lwi_tenure *earlier, const lwi_tenure *later, uint64_t epoch)
{
    return later ? later->epoch <= epoch : !earlier;
}

static bool is_same_block(const lw_snapshot *base, lw_node before, const lw_snapshot *target,
                          lw_node after)
{
    const lwi_tenure *first = lwi_tenure_at(base, before), *second = lwi_tenure_at(target, after);
    return base->info.epoch <= target->info.epoch
               ? same_block(first, second, base->info.epoch)
               : same_block(second, first, target->info.epoch);
}

bool lwi_is_same(const lw_snapshot *base, lw_node before, const lw_snapshot *target,
                 lw_node after)
{
    const lwi_type *x = lwi_type_at(base, before), *y = lwi_type_at(target, after);
    return !lwi_is_garbage(base, before) && !lwi_is_garbage(target, after) && x->key == y->key &&
           strcmp(x->name, y->name) == 0 && is_same_block(base, before, target, after);
}

bool lwi_is_unsure(const lw_snapshot *base, const lw_snapshot *target, lw_node after)
{
    const lwi_part *part = lwi_part_of(target, after);
    const lwi_part *earlier = lwi_part_named(base, part->name);
    return !part->recorded || !earlier || !earlier->recorded ||
           lwi_type_at(target, after)->flags & LW_TYPE_FREELIST;
}

typedef struct matching {
    lw_diff *diff;
    lwi_pair_fn pair;
    void *user;
} matching;

/* An object is in both snapshots if its key is, its type is the same, and so is its block. */
static void match(const matching *matching, lw_node before, lw_node after, bool recorded)
{
    lw_diff *diff = matching->diff;
    const lw_snapshot *base = diff->base.snapshot, *target = diff->target.snapshot;
    uint32_t type = lwi_shape_at(target, after)->type;
    if (lwi_is_garbage(base, before) || lwi_is_garbage(target, after) ||
        diff->base.same_as[lwi_shape_at(base, before)->type] != diff->target.same_as[type] ||
        !is_same_block(base, before, target, after))
        return;
    bool unsure = !recorded || target->types[type].flags & LW_TYPE_FREELIST;
    lw_diff_row *row = &diff->rows[diff->target.row_of[type]];
    lwi_bits_set(diff->base.matched, before);
    lwi_bits_set(diff->target.matched, after);
    row->survived++;
    row->approximate |= unsure;
    if (matching->pair)
        matching->pair(before, after, unsure, matching->user);
}

/* Both sides' keys are in order: one walk finds the common ones. */
static void match_part(const matching *matching, const lwi_part *base, const lwi_part *target)
{
    lwi_keys_cursor before = {0}, after = {0};
    lw_key base_key = 0, target_key = 0;
    bool more = lwi_keys_next(&base->keys, &before, &base_key) &&
                lwi_keys_next(&target->keys, &after, &target_key);
    while (more) {
        if (base_key < target_key) {
            more = lwi_keys_next(&base->keys, &before, &base_key);
        } else if (base_key > target_key) {
            more = lwi_keys_next(&target->keys, &after, &target_key);
        } else {
            match(matching, base->first + before.place - 1, target->first + after.place - 1,
                  base->recorded && target->recorded);
            more = lwi_keys_next(&base->keys, &before, &base_key) &&
                   lwi_keys_next(&target->keys, &after, &target_key);
        }
    }
}

void lwi_diff_match(lw_diff *diff, lwi_pair_fn pair, void *user)
{
    const matching matching = {diff, pair, user};
    const lw_snapshot *target = diff->target.snapshot;
    for (uint32_t i = 0; i < target->part_count; i++) {
        const lwi_part *base = lwi_part_named(diff->base.snapshot, target->parts[i].name);
        if (base)
            match_part(&matching, base, &target->parts[i]);
    }
}
