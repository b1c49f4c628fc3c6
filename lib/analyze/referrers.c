#include "analyze/referrers.h"

#include "analyze/content.h"
#include "analyze/filter.h"
#include "base/error.h"
#include "base/sort.h"
#include "base/structs.h"

#include <string.h>

/* A group that became a row, and whom it consists of. */
typedef struct branch {
    lwi_group group;
    uint64_t first, count; /* in level::nodes */
} branch;

/* The rows below one row. Its holders are on the path while the level stands. */
typedef struct level {
    const lw_node *set; /* whom these rows hold: of the level above, or the targets */
    uint64_t set_count;
    lw_node *nodes;
    uint64_t node_count;
    branch *branches;
    uint32_t count, next;
    uint32_t rest;      /* groups that became no row */
    uint64_t rest_references;
    uint64_t row;       /* the row above; only below the first level */
} level;

typedef struct grow {
    lw_referrers *tree;
    lwi_gather gather;
    uint64_t *path;
    uint32_t depth, breadth, limit;
    level *levels;
    uint64_t count, room;
} grow;

/* --- levels -------------------------------------------------------------------------------- */

static int by_weight(const void *a, const void *b, const void *user)
{
    const lwi_group *x = &((const branch *)a)->group, *y = &((const branch *)b)->group;
    const lw_snapshot *snapshot = user;
    int order = (x->held < y->held) - (x->held > y->held);
    if (order == 0)
        order = (x->holders < y->holders) - (x->holders > y->holders);
    if (order == 0)
        order = (x->type > y->type) - (x->type < y->type); /* types are numbered by name */
    if (order == 0)
        order = (x->kind > y->kind) - (x->kind < y->kind);
    return order ? order : lwi_compare_labels(snapshot, x->label, y->label);
}

static bool copy_groups(grow *grow, level *level)
{
    const lwi_gather *gather = &grow->gather;
    lwi_mem *mem = &grow->tree->mem;
    uint64_t at = 0;
    if (gather->group_count == 0)
        return true;
    level->branches =
        lwi_resize(mem, NULL, 0, lwi_array_size(gather->group_count, sizeof *level->branches));
    if (!level->branches)
        return false;
    level->count = (uint32_t)gather->group_count;
    for (uint32_t i = 0; i < level->count; i++) {
        uint64_t first = at;
        while (at < gather->member_count && gather->members[at].group == i)
            at++;
        level->branches[i] = (branch){gather->groups[i], first, at - first};
    }
    if (at == 0)
        return true;
    level->nodes = lwi_resize(mem, NULL, 0, lwi_array_size(at, sizeof *level->nodes));
    if (!level->nodes)
        return false;
    level->node_count = at;
    for (uint64_t i = 0; i < at; i++)
        level->nodes[i] = gather->members[i].node;
    return true;
}

static void free_level(grow *grow, level *level)
{
    lwi_mem *mem = &grow->tree->mem;
    lwi_free(mem, level->nodes, lwi_array_size(level->node_count, sizeof *level->nodes));
    lwi_free(mem, level->branches,
             lwi_array_size((uint64_t)level->count + level->rest, sizeof *level->branches));
}

/* What holds a set, as a level; false: no memory. */
static bool push(grow *grow, const lw_node *set, uint64_t count, uint64_t row)
{
    void *levels = grow->levels;
    if (!lwi_grow(&grow->tree->mem, &levels, &grow->room, grow->count + 1, sizeof *grow->levels))
        return false;
    grow->levels = levels;
    level *level = &grow->levels[grow->count++];
    *level = (struct level){.set = set, .set_count = count, .row = row};
    for (uint64_t i = 0; i < count; i++)
        lwi_bits_set(grow->path, set[i]);
    if (!lwi_gather_holders(&grow->gather, set, count) || !copy_groups(grow, level))
        return false;
    if (level->count == 0)
        return true;
    lwi_sort(level->branches, level->count, sizeof *level->branches, by_weight,
             grow->tree->snapshot);
    for (; level->count > grow->breadth; level->count--, level->rest++)
        level->rest_references += level->branches[level->count - 1].group.references;
    return true;
}

/* --- rows ---------------------------------------------------------------------------------- */

static lw_referrer *add_row(grow *grow)
{
    lw_referrers *tree = grow->tree;
    void *rows = tree->rows;
    if (!lwi_grow(&tree->mem, &rows, &tree->room, tree->count + 1, sizeof *tree->rows))
        return NULL;
    tree->rows = rows;
    lw_referrer *row = &tree->rows[tree->count++];
    *row = (lw_referrer)LW_REFERRER_INIT;
    row->depth = (uint32_t)(grow->count - 1);
    row->type = row->runtime = row->root_kind = "";
    row->label = row->root_label = lwi_label_of(tree->snapshot, 0);
    row->example = LW_NODE_NONE;
    return row;
}

static const char *name_root(const lw_snapshot *snapshot, uint32_t root, lw_label *label)
{
    *label = lwi_label_of(snapshot, root < LWI_ROOT_OUTSIDE ? snapshot->roots[root].label : 0);
    if (root == LWI_ROOT_NONE)
        return "";
    return root == LWI_ROOT_OUTSIDE ? LWI_OUTSIDE_NAME
                                    : snapshot->root_kinds[snapshot->roots[root].kind].name;
}

/* Whether some of these are held by what is not above them. */
static bool is_held(const grow *grow, const lw_node *nodes, uint64_t count)
{
    const lwi_rows *rows = &grow->gather.holders->rows;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t end = lwi_row_end(rows, nodes[i]);
        for (uint64_t at = lwi_row_start(rows, nodes[i]); at < end; at++) {
            if (!lwi_bits_get(grow->path, rows->items[at]))
                return true;
        }
    }
    return false;
}

static lw_referrer *write_row(grow *grow, const branch *branch)
{
    const lw_snapshot *snapshot = grow->tree->snapshot;
    const lwi_group *group = &branch->group;
    const lwi_type *type = &snapshot->types[group->type];
    lw_referrer *row = add_row(grow);
    if (!row)
        return NULL;
    row->flags = group->alike ? LW_REFERRER_ALIKE : 0;
    row->type = type->name;
    row->runtime = snapshot->parts[type->part].name;
    row->label = lwi_label_of(snapshot, group->label);
    row->kind = group->kind;
    row->holders = group->holders;
    row->held = group->held;
    row->references = group->references;
    row->rooted = group->rooted;
    row->cyclic = group->cyclic;
    row->root_kind = name_root(snapshot, group->root, &row->root_label);
    row->example = group->example;
    return row;
}

static bool write_rest(grow *grow, const level *level)
{
    lw_referrer *row = level->rest ? add_row(grow) : NULL;
    if (!row)
        return level->rest == 0;
    row->flags = LW_REFERRER_REST;
    row->rows = level->rest;
    row->references = level->rest_references;
    return true;
}

/* --- growing ------------------------------------------------------------------------------- */

static bool next_branch(grow *grow, level *level)
{
    const branch *branch = &level->branches[level->next++];
    const lw_node *nodes = level->nodes + branch->first;
    lw_referrer *row = write_row(grow, branch);
    if (!row)
        return false;
    if (branch->count == 0)
        return true;
    if (grow->count < grow->depth && grow->tree->count < grow->limit)
        return push(grow, nodes, branch->count, grow->tree->count - 1);
    for (uint64_t i = 0; i < branch->count; i++)
        lwi_bits_set(grow->path, nodes[i]);
    if (is_held(grow, nodes, branch->count))
        row->flags |= LW_REFERRER_CUT;
    for (uint64_t i = 0; i < branch->count; i++)
        lwi_bits_clear(grow->path, nodes[i]);
    return true;
}

static bool pop(grow *grow)
{
    level *level = &grow->levels[grow->count - 1];
    bool ready = write_rest(grow, level);
    for (uint64_t i = 0; i < level->set_count; i++)
        lwi_bits_clear(grow->path, level->set[i]);
    if (grow->count > 1)
        grow->tree->rows[level->row].rows = (uint32_t)(grow->tree->count - 1 - level->row);
    free_level(grow, level);
    grow->count--;
    return ready;
}

static bool grow_tree(grow *grow, const lw_node *set, uint64_t count)
{
    bool ready = push(grow, set, count, 0);
    while (ready && grow->count > 0) {
        level *level = &grow->levels[grow->count - 1];
        ready = level->next < level->count ? next_branch(grow, level) : pop(grow);
    }
    return ready;
}

static bool make_bits(grow *grow)
{
    lwi_gather *gather = &grow->gather;
    size_t size = (size_t)lwi_bits_words(grow->tree->snapshot->info.nodes) * sizeof(uint64_t);
    gather->snapshot = grow->tree->snapshot;
    gather->mem = &grow->tree->mem;
    lwi_index_init(&gather->index, gather->mem);
    grow->path = lwi_alloc(gather->mem, size);
    gather->path = grow->path;
    gather->in_set = lwi_alloc(gather->mem, size);
    gather->seen = lwi_alloc(gather->mem, size);
    gather->holders = lwi_holders_of(gather->snapshot);
    return grow->path && gather->in_set && gather->seen && gather->holders;
}

static void free_grow(grow *grow)
{
    lwi_mem *mem = &grow->tree->mem;
    size_t size = (size_t)lwi_bits_words(grow->tree->snapshot->info.nodes) * sizeof(uint64_t);
    while (grow->count > 0)
        free_level(grow, &grow->levels[--grow->count]);
    lwi_free(mem, grow->levels, lwi_array_size(grow->room, sizeof *grow->levels));
    lwi_gather_free(&grow->gather);
    lwi_free(mem, grow->path, size);
    lwi_free(mem, grow->gather.in_set, size);
    lwi_free(mem, grow->gather.seen, size);
}

/* --- the nodes asked for ------------------------------------------------------------------- */

static int by_node(const void *a, const void *b, const void *user)
{
    lw_node x = *(const lw_node *)a, y = *(const lw_node *)b;
    (void)user;
    return (x > y) - (x < y);
}

/* Puts them in order, each once, and counts; returns how many are no garbage, which come first. */
static uint64_t survey(lw_referrers *tree, lw_node *nodes, uint64_t count)
{
    const lw_snapshot *snapshot = tree->snapshot;
    lw_referrers_info *info = &tree->info;
    uint32_t root = LWI_ROOT_NONE;
    uint64_t kept = 0;
    lw_node last = LW_NODE_NONE;
    lwi_sort(nodes, (size_t)count, sizeof *nodes, by_node, NULL);
    for (uint64_t i = 0; i < count; i++) {
        lw_node node = nodes[i];
        const lwi_type *type = lwi_type_at(snapshot, node);
        if (node == last)
            continue;
        last = node;
        bool alike = info->count == 0 || strcmp(info->type, type->name) == 0;
        info->type = alike ? type->name : "";
        info->count++;
        info->size += lwi_shape_at(snapshot, node)->size;
        if (lwi_is_garbage(snapshot, node)) {
            info->garbage++;
            continue;
        }
        nodes[kept++] = node;
        if (lwi_is_rooted(snapshot, node)) {
            info->rooted++;
            root = lwi_better_root(snapshot, root, node);
        }
    }
    info->root_kind = name_root(snapshot, root, &info->root_label);
    return kept;
}

static lw_referrers *new_tree(lw_snapshot *snapshot)
{
    lw_allocator allocator = snapshot->mem.allocator;
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_referrers *tree = lwi_alloc(&mem, sizeof *tree);
    if (!tree)
        return NULL;
    lwi_mem_init(&tree->mem, allocator, allocator);
    tree->snapshot = lw_snapshot_retain(snapshot);
    tree->info = (lw_referrers_info)LW_REFERRERS_INFO_INIT;
    return tree;
}

void lw_referrers_release(lw_referrers *referrers)
{
    if (!referrers)
        return;
    lwi_free(&referrers->mem, referrers->rows,
             lwi_array_size(referrers->room, sizeof *referrers->rows));
    lw_snapshot_release(referrers->snapshot);
    lwi_mem mem;
    lwi_mem_init(&mem, referrers->mem.allocator, referrers->mem.allocator);
    lwi_free(&mem, referrers, sizeof *referrers);
}

static bool make(lw_referrers *tree, const lw_node *nodes, uint64_t count,
                 const lw_referrers_options *options)
{
    grow grow = {.tree = tree,
                 .depth = options->depth ? options->depth : 3,
                 .breadth = options->breadth ? options->breadth : 10,
                 .limit = options->limit ? options->limit : 1000};
    size_t size = lwi_array_size(count, sizeof *nodes);
    lw_node *set = lwi_resize(&tree->mem, NULL, 0, size);
    if (!set)
        return false;
    memcpy(set, nodes, size);
    uint64_t held = survey(tree, set, count);
    bool ready = make_bits(&grow) && grow_tree(&grow, set, held);
    free_grow(&grow);
    lwi_free(&tree->mem, set, size);
    tree->info.rows = (uint32_t)tree->count;
    return ready;
}

lw_status lw_referrers_create(lw_snapshot *snapshot, const lw_node *nodes, uint64_t count,
                              const lw_referrers_options *options, lw_referrers **referrers,
                              lw_error *error)
{
    lw_referrers_options full;
    if (!referrers)
        return lwi_fail(error, LW_E_INVALID, "referrers is NULL: pass where the tree shall go");
    *referrers = NULL;
    lw_status status = lwi_take(&full, sizeof full, options, "lw_referrers_options", error);
    if (status == LW_OK)
        status = lwi_snapshot_check(snapshot, error);
    if (status != LW_OK)
        return status;
    if (!nodes || count == 0)
        return lwi_fail(error, LW_E_INVALID, "no nodes: pass at least one");
    for (uint64_t i = 0; i < count; i++) {
        status = lwi_node_check(snapshot, nodes[i], error);
        if (status != LW_OK)
            return status;
    }
    lw_referrers *made = new_tree(snapshot);
    if (!made || !make(made, nodes, count, &full)) {
        lw_referrers_release(made);
        return lwi_nomem(error, "a tree of holders");
    }
    *referrers = made;
    return LW_OK;
}

/* --- what it says -------------------------------------------------------------------------- */

uint32_t lw_referrers_count(const lw_referrers *referrers)
{
    return referrers ? referrers->info.rows : 0;
}

static lw_status given(const lw_referrers *referrers, lw_error *error)
{
    if (!referrers)
        return lwi_fail(error, LW_E_INVALID,
                        "referrers is NULL: make a tree with lw_referrers_create()");
    return LW_OK;
}

lw_status lw_referrer_get(const lw_referrers *referrers, uint32_t index, lw_referrer *row,
                          lw_error *error)
{
    lw_status status = lwi_result_check(row, "lw_referrer", error);
    if (status == LW_OK)
        status = given(referrers, error);
    if (status != LW_OK)
        return status;
    if (index >= referrers->info.rows)
        return lwi_fail(error, LW_E_NOT_FOUND, "row %u: the tree has %u rows, from 0",
                        (unsigned)index, (unsigned)referrers->info.rows);
    lwi_give(row, &referrers->rows[index], sizeof *row);
    return LW_OK;
}

lw_status lw_referrers_info_get(const lw_referrers *referrers, lw_referrers_info *info,
                                lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_referrers_info", error);
    if (status == LW_OK)
        status = given(referrers, error);
    if (status == LW_OK)
        lwi_give(info, &referrers->info, sizeof *info);
    return status;
}
