/* Who holds a set of nodes, grouped by type, kind and label. */
#include "analyze/referrers.h"

#include "analyze/content.h"
#include "base/hash.h"
#include "base/sort.h"
#include "snapshot/strength.h"

/* --- roots --------------------------------------------------------------------------------- */

bool lwi_is_rooted(const lw_snapshot *snapshot, lw_node node)
{
    uint32_t begin, end = lwi_roots_of(snapshot, node, &begin);
    return begin < end || lwi_rare_get(&snapshot->outside, node);
}

/* Owners, bystanders, what is outside, the asking code. */
static int rank_of(const lw_snapshot *snapshot, uint32_t root)
{
    if (root == LWI_ROOT_NONE || root == LWI_ROOT_OUTSIDE)
        return root == LWI_ROOT_NONE ? 4 : 2;
    uint32_t flags = snapshot->root_kinds[snapshot->roots[root].kind].flags;
    return lwi_root_strength(flags) == LWI_ASKER ? 3 : lwi_root_stands_by(flags);
}

static uint32_t better(const lw_snapshot *snapshot, uint32_t a, uint32_t b)
{
    int order = rank_of(snapshot, a) - rank_of(snapshot, b);
    if (order == 0 && a < LWI_ROOT_OUTSIDE)
        order = lwi_compare_roots(snapshot, &snapshot->roots[a], &snapshot->roots[b]);
    return order <= 0 ? a : b;
}

uint32_t lwi_better_root(const lw_snapshot *snapshot, uint32_t best, lw_node node)
{
    uint32_t i, end = lwi_roots_of(snapshot, node, &i);
    for (; i < end; i++)
        best = better(snapshot, best, i);
    return lwi_rare_get(&snapshot->outside, node) ? better(snapshot, best, LWI_ROOT_OUTSIDE) : best;
}

/* --- groups -------------------------------------------------------------------------------- */

/* What labels have in common within a group: the style of an index or a key, else all. */
static uint32_t label_class(const lw_snapshot *snapshot, uint32_t label)
{
    if (label & LW_LABEL_INDEX(0))
        return UINT32_MAX;
    return label && snapshot->names[label].style == LW_LABEL_KEY ? UINT32_MAX - 1 : label;
}

typedef struct group_key {
    const lw_snapshot *snapshot;
    uint32_t type, class;
    int32_t kind;
} group_key;

static bool is_group(const void *items, uint32_t id, const void *wanted)
{
    const lwi_group *group = (const lwi_group *)items + id;
    const group_key *key = wanted;
    return group->type == key->type && group->kind == key->kind &&
           label_class(key->snapshot, group->label) == key->class;
}

static bool group_of(lwi_gather *gather, lw_node holder, uint64_t edge, uint32_t *found)
{
    const lw_snapshot *snapshot = gather->snapshot;
    uint32_t label = lwi_label_at(snapshot, edge);
    group_key key = {snapshot, lwi_shape_at(snapshot, holder)->type, label_class(snapshot, label),
                     lwi_kind_at(snapshot, edge)};
    uint64_t hash = lwi_hash_u64((uint64_t)key.type << 32 | key.class);
    hash = lwi_hash_mix(hash, (uint64_t)key.kind);
    *found = lwi_index_find(&gather->index, hash, is_group, gather->groups, &key);
    if (*found != LWI_INDEX_NONE)
        return true;
    void *groups = gather->groups;
    if (!lwi_grow(gather->mem, &groups, &gather->group_room, gather->group_count + 1,
                  sizeof *gather->groups))
        return false;
    gather->groups = groups;
    *found = (uint32_t)gather->group_count;
    gather->groups[gather->group_count++] = (lwi_group){
        .type = key.type, .label = label, .kind = key.kind, .last = LW_NODE_NONE,
        .root = LWI_ROOT_NONE, .example = holder};
    return lwi_index_add(&gather->index, hash, *found);
}

static bool add_member(lwi_mem *mem, lwi_member **members, uint64_t *count, uint64_t *room,
                       lwi_member member)
{
    void *items = *members;
    if (!lwi_grow(mem, &items, room, *count + 1, sizeof member))
        return false;
    *members = items;
    (*members)[(*count)++] = member;
    return true;
}

/* A holder counts once in a group, however many references it has. */
static bool count_holder(lwi_gather *gather, uint32_t number, lw_node holder)
{
    const lw_snapshot *snapshot = gather->snapshot;
    lwi_group *group = &gather->groups[number];
    if (group->last == holder)
        return true;
    group->last = holder;
    group->holders++;
    if (lwi_is_rooted(snapshot, holder)) {
        group->rooted++;
        group->root = lwi_better_root(snapshot, group->root, holder);
    }
    int order = lwi_compare_nodes(snapshot, holder, group->example);
    if (order < 0 || (order == 0 && holder < group->example))
        group->example = holder;
    if (lwi_bits_get(gather->path, holder)) {
        group->cyclic++;
        return true;
    }
    return add_member(gather->mem, &gather->members, &gather->member_count, &gather->member_room,
                      (lwi_member){number, holder});
}

static bool count_edge(lwi_gather *gather, lw_node holder, uint64_t edge)
{
    const lw_snapshot *snapshot = gather->snapshot;
    uint32_t number, label = lwi_label_at(snapshot, edge);
    if (!group_of(gather, holder, edge, &number))
        return false;
    lwi_group *group = &gather->groups[number];
    group->references++;
    if (label != group->label && lwi_compare_labels(snapshot, label, group->label) != 0) {
        group->alike = true;
        if (lwi_compare_labels(snapshot, label, group->label) < 0)
            group->label = label;
    }
    return count_holder(gather, number, holder) &&
           add_member(gather->mem, &gather->held, &gather->held_count, &gather->held_room,
                      (lwi_member){number, snapshot->rows.items[edge]});
}

/* --- gathering ----------------------------------------------------------------------------- */

static bool find_holders(lwi_gather *gather, const lw_node *set, uint64_t count)
{
    const lwi_rows *rows = &gather->holders->rows;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t end = lwi_row_end(rows, set[i]);
        for (uint64_t at = lwi_row_start(rows, set[i]); at < end; at++) {
            void *found = gather->found;
            if (lwi_bits_get(gather->seen, rows->items[at]))
                continue;
            if (!lwi_grow(gather->mem, &found, &gather->found_room, gather->found_count + 1,
                          sizeof *gather->found))
                return false;
            gather->found = found;
            gather->found[gather->found_count++] = rows->items[at];
            lwi_bits_set(gather->seen, rows->items[at]);
        }
    }
    return true;
}

static bool count_edges(lwi_gather *gather, lw_node holder)
{
    const lw_snapshot *snapshot = gather->snapshot;
    uint64_t end = lwi_row_end(&snapshot->rows, holder);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, holder); edge < end; edge++) {
        lw_node to = snapshot->rows.items[edge];
        if (to != holder && lwi_bits_get(gather->in_set, to) &&
            lwi_edge_retains(lwi_kind_at(snapshot, edge)) && !count_edge(gather, holder, edge))
            return false;
    }
    return true;
}

static int by_group(const void *a, const void *b, const void *user)
{
    const lwi_member *x = a, *y = b;
    (void)user;
    int order = (x->group > y->group) - (x->group < y->group);
    return order ? order : (x->node > y->node) - (x->node < y->node);
}

static void count_held(lwi_gather *gather)
{
    const lwi_member *held = gather->held;
    lwi_sort(gather->held, (size_t)gather->held_count, sizeof *held, by_group, NULL);
    for (uint64_t i = 0; i < gather->held_count; i++)
        gather->groups[held[i].group].held += i == 0 || by_group(&held[i - 1], &held[i], NULL);
}

bool lwi_gather_holders(lwi_gather *gather, const lw_node *set, uint64_t count)
{
    gather->found_count = gather->group_count = gather->member_count = gather->held_count = 0;
    lwi_index_free(&gather->index);
    for (uint64_t i = 0; i < count; i++)
        lwi_bits_set(gather->in_set, set[i]);
    bool ready = find_holders(gather, set, count);
    for (uint64_t i = 0; ready && i < gather->found_count; i++)
        ready = count_edges(gather, gather->found[i]);
    for (uint64_t i = 0; i < gather->found_count; i++)
        lwi_bits_clear(gather->seen, gather->found[i]);
    for (uint64_t i = 0; i < count; i++)
        lwi_bits_clear(gather->in_set, set[i]);
    if (!ready)
        return false;
    count_held(gather);
    lwi_sort(gather->members, (size_t)gather->member_count, sizeof *gather->members, by_group,
             NULL);
    return true;
}

void lwi_gather_free(lwi_gather *gather)
{
    lwi_mem *mem = gather->mem;
    lwi_free(mem, gather->found, lwi_array_size(gather->found_room, sizeof *gather->found));
    lwi_free(mem, gather->groups, lwi_array_size(gather->group_room, sizeof *gather->groups));
    lwi_free(mem, gather->members, lwi_array_size(gather->member_room, sizeof *gather->members));
    lwi_free(mem, gather->held, lwi_array_size(gather->held_room, sizeof *gather->held));
    lwi_index_free(&gather->index);
}
