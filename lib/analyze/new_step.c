/* Follows a path of a later snapshot through an earlier one, as far as it was there. */
#include "analyze/content.h"
#include "analyze/diff.h"
#include "analyze/paths.h"

#include "base/error.h"
#include "base/structs.h"
#include "snapshot/strength.h"

#include <string.h>

typedef struct follower {
    const lw_snapshot *now, *base;
    bool unsure;
} follower;

/* The node of the base that is this one; LW_NODE_NONE: there is none. */
static lw_node earlier(const follower *follower, lw_node node, bool *unsure)
{
    const lw_snapshot *base = follower->base;
    const lwi_part *part = lwi_part_named(base, lwi_part_of(follower->now, node)->name);
    if (!part)
        return LW_NODE_NONE;
    uint32_t place = lwi_keys_find(&part->keys, lwi_key_of_node(follower->now, node));
    if (place == LWI_NO_RANK || !lwi_is_same(base, part->first + place, follower->now, node))
        return LW_NODE_NONE;
    *unsure = lwi_is_unsure(base, follower->now, node);
    return part->first + place;
}

static bool is_same_type(const follower *follower, lw_node before, lw_node after)
{
    const lwi_type *x = lwi_type_at(follower->base, before);
    const lwi_type *y = lwi_type_at(follower->now, after);
    return !lwi_is_garbage(follower->base, before) && x->key == y->key &&
           strcmp(x->name, y->name) == 0 &&
           strcmp(follower->base->parts[x->part].name, follower->now->parts[y->part].name) == 0;
}

static bool is_same_label(const follower *follower, uint32_t before, uint32_t after)
{
    const uint32_t index = LW_LABEL_INDEX(0);
    if (before & index || after & index || !before || !after)
        return before == after;
    return lwi_name_compare(&follower->base->names[before], &follower->now->names[after]) == 0;
}

/* Of two nodes that may stand for the same: the same object before a like one, then by content. */
static bool is_better(const follower *follower, lw_node a, lw_node b, lw_node same)
{
    if (b == LW_NODE_NONE || b == same)
        return b == LW_NODE_NONE;
    if (a == same)
        return true;
    int order = lwi_compare_nodes(follower->base, a, b);
    return order ? order < 0 : a < b;
}

/* Goes on to what stood for `after` in the base: the same object, or a like one in its place. */
static bool go_on(follower *follower, lw_node found, lw_node same, bool unsure)
{
    if (found == LW_NODE_NONE)
        return false;
    follower->unsure |= found != same || unsure;
    return true;
}

/* What held the path's first node. */
static lw_node follow_root(follower *follower, const lwi_path *path)
{
    const lw_snapshot *now = follower->now, *base = follower->base;
    bool unsure = false;
    lw_node same = earlier(follower, path->first, &unsure), found = LW_NODE_NONE;
    if (path->root == LWI_NO_ROOT) {
        if (same != LW_NODE_NONE && lwi_rare_get(&base->outside, same))
            found = same;
        return go_on(follower, found, same, unsure) ? found : LW_NODE_NONE;
    }
    const lwi_root *root = &now->roots[path->root];
    for (uint32_t i = 0; i < base->info.roots; i++) {
        const lwi_root *other = &base->roots[i];
        if (strcmp(base->root_kinds[other->kind].name, now->root_kinds[root->kind].name) == 0 &&
            (other->node == same || (is_same_label(follower, other->label, root->label) &&
                                     is_same_type(follower, other->node, path->first))) &&
            is_better(follower, other->node, found, same))
            found = other->node;
    }
    return go_on(follower, found, same, unsure) ? found : LW_NODE_NONE;
}

/* Where the holder's counterpart led with this reference. */
static lw_node follow_step(follower *follower, lw_node holder, uint64_t edge)
{
    const lw_snapshot *now = follower->now, *base = follower->base;
    bool unsure = false;
    lw_node to = now->rows.items[edge];
    lw_node same = earlier(follower, to, &unsure), found = LW_NODE_NONE;
    uint64_t end = lwi_row_end(&base->rows, holder);
    for (uint64_t i = lwi_row_start(&base->rows, holder); i < end; i++) {
        lw_node other = base->rows.items[i];
        if (lwi_edge_retains(lwi_kind_at(base, i)) &&
            (other == same ||
             (is_same_label(follower, lwi_label_at(base, i), lwi_label_at(now, edge)) &&
              is_same_type(follower, other, to))) &&
            is_better(follower, other, found, same))
            found = other;
    }
    return go_on(follower, found, same, unsure) ? found : LW_NODE_NONE;
}

static lw_new_step find(const lw_paths *paths, const lwi_path *path, const lw_snapshot *base)
{
    follower follower = {paths->snapshot, base, false};
    lw_new_step result = LW_NEW_STEP_INIT;
    lw_node at = follow_root(&follower, path);
    if (at == LW_NODE_NONE) {
        result.state = LW_NEW_ROOT;
        return result;
    }
    for (uint32_t i = 0; i < path->steps && at != LW_NODE_NONE; i++) {
        at = follow_step(&follower, at, paths->steps[path->first_step + i].edge);
        if (at == LW_NODE_NONE) {
            result.state = LW_NEW_REFERENCE;
            result.step = i;
        }
    }
    result.approximate = follower.unsure;
    return result;
}

lw_status lw_path_new_step(const lw_paths *paths, uint32_t index, lw_snapshot *base,
                           lw_new_step *new_step, lw_error *error)
{
    lw_status status = lwi_result_check(new_step, "lw_new_step", error);
    if (status == LW_OK)
        status = lwi_path_check(paths, index, error);
    if (status == LW_OK)
        status = lwi_snapshot_check(base, error);
    if (status != LW_OK)
        return status;
    if (base->context != paths->snapshot->context)
        return lwi_fail(error, LW_E_INVALID, "the base is of another context than the paths");
    if (base->info.epoch > paths->snapshot->info.epoch)
        return lwi_fail(error, LW_E_INVALID, "the base is later than the paths: pass an earlier "
                                             "snapshot");
    lw_new_step result = find(paths, &paths->items[index], base);
    lwi_give(new_step, &result, sizeof result);
    return LW_OK;
}
