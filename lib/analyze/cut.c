#include "analyze/cut.h"

#include "analyze/content.h"
#include "base/error.h"
#include "base/order.h"
#include "base/sort.h"
#include "base/structs.h"
#include "snapshot/strength.h"

/* --- places ----------------------------------------------------------------------------------- */

bool lwi_cut_add(lwi_cutting *cutting, lw_node from, lw_node to, uint64_t number)
{
    lw_cut *cut = cutting->cut;
    void *places = cut->places;
    if (!lwi_grow(cutting->mem, &places, &cut->room, (uint64_t)cut->info.edges + 1,
                  sizeof *cut->places))
        return false;
    cut->places = places;
    cut->places[cut->info.edges++] = (lwi_cut_place){from, to, number, 0, 0, false};
    return true;
}

bool lwi_cut_add_all(lwi_cutting *cutting, lw_node from, lw_node to)
{
    const lw_snapshot *snapshot = cutting->snapshot;
    if (from == LW_NODE_NONE) {
        uint32_t root, end = lwi_roots_of(snapshot, to, &root);
        for (; root < end; root++) {
            if (!lwi_cut_add(cutting, from, to, root))
                return false;
        }
        return !lwi_rare_get(&snapshot->outside, to) ||
               lwi_cut_add(cutting, from, to, LWI_CUT_OUTSIDE);
    }
    uint64_t end = lwi_row_end(&snapshot->rows, from);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, from); edge < end; edge++) {
        if (snapshot->rows.items[edge] == to && lwi_edge_retains(lwi_kind_at(snapshot, edge)) &&
            !lwi_cut_add(cutting, from, to, edge))
            return false;
    }
    return true;
}

static int compare_bytes(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

static int compare_roots(const lw_snapshot *snapshot, uint64_t a, uint64_t b)
{
    if (a == LWI_CUT_OUTSIDE || b == LWI_CUT_OUTSIDE)
        return (a == LWI_CUT_OUTSIDE) - (b == LWI_CUT_OUTSIDE);
    return lwi_compare_roots(snapshot, &snapshot->roots[a], &snapshot->roots[b]);
}

/* Owners first, then what frees most, references before roots, then by content. */
static int by_worth(const void *a, const void *b, const void *user)
{
    const lwi_cut_place *x = a, *y = b;
    const lw_snapshot *snapshot = user;
    bool x_root = x->from == LW_NODE_NONE, y_root = y->from == LW_NODE_NONE;
    int order = x->bystander - y->bystander;
    if (order == 0)
        order = compare_bytes(x->alone_leaked, y->alone_leaked);
    if (order == 0)
        order = compare_bytes(x->alone_bytes, y->alone_bytes);
    if (order == 0)
        order = x_root - y_root;
    if (order == 0 && !x_root)
        order = lwi_compare_nodes(snapshot, x->from, y->from);
    if (order == 0)
        order = x_root ? compare_roots(snapshot, x->number, y->number)
                       : lwi_compare_edges(snapshot, x->number, y->number);
    return order ? order : lwi_compare_nodes(snapshot, x->to, y->to);
}

/* --- the search ------------------------------------------------------------------------------- */

static bool open_cutting(lwi_cutting *cutting, const lw_node *leaked, uint64_t count)
{
    const lw_snapshot *snapshot = cutting->snapshot;
    lwi_mem *mem = cutting->mem;
    cutting->room = count;
    cutting->leaked =
        lwi_alloc(mem, (size_t)lwi_bits_words(snapshot->info.nodes) * sizeof(uint64_t));
    cutting->ranks = lwi_alloc(mem, lwi_array_size(count, sizeof(uint64_t)));
    cutting->before = lwi_alloc(mem, lwi_array_size(count + 1, sizeof(uint64_t)));
    if (!cutting->leaked || !cutting->ranks || !cutting->before)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (lwi_bits_get(cutting->leaked, leaked[i]) || !cutting->tree->rank[leaked[i]])
            continue;
        lwi_bits_set(cutting->leaked, leaked[i]);
        cutting->ranks[cutting->count++] = cutting->tree->rank[leaked[i]];
    }
    lwi_order_u64(cutting->ranks, cutting->before, cutting->count);
    cutting->before[0] = 0;
    for (uint64_t i = 0; i < cutting->count; i++)
        cutting->before[i + 1] =
            cutting->before[i] +
            lwi_own_bytes(snapshot, cutting->tree->node[cutting->ranks[i]]);
    return true;
}

static void close_cutting(lwi_cutting *cutting)
{
    lwi_mem *mem = cutting->mem;
    uint64_t nodes = cutting->snapshot->info.nodes;
    lwi_free(mem, cutting->leaked, (size_t)lwi_bits_words(nodes) * sizeof(uint64_t));
    lwi_free(mem, cutting->ranks, lwi_array_size(cutting->room, sizeof(uint64_t)));
    lwi_free(mem, cutting->before, lwi_array_size(cutting->room + 1, sizeof(uint64_t)));
}

static lw_status search(lwi_cutting *cutting)
{
    lw_cut *cut = cutting->cut;
    bool found = false;
    if (!lwi_cut_single(cutting, &found))
        return LW_E_NOMEM;
    if (found)
        cut->info.flags |= LW_CUT_SINGLE;
    lw_status status = found ? LW_OK : lwi_cut_flow(cutting, &found);
    if (status != LW_OK)
        return status;
    if (!found) {
        cut->info.flags |= LW_CUT_TOO_MANY;
        return lwi_cut_holders(cutting) ? LW_OK : LW_E_NOMEM;
    }
    if (!lwi_cut_verify(cutting))
        return LW_E_NOMEM;
    for (uint32_t i = 0; i < cut->info.edges; i++)
        lwi_cut_alone(cutting, &cut->places[i]);
    lwi_sort(cut->places, cut->info.edges, sizeof *cut->places, by_worth, cutting->snapshot);
    return LW_OK;
}

static lw_cut *new_cut(lw_snapshot *snapshot)
{
    lw_allocator allocator = snapshot->mem.allocator;
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_cut *cut = lwi_alloc(&mem, sizeof *cut);
    if (!cut)
        return NULL;
    lwi_mem_init(&cut->mem, allocator, allocator);
    cut->snapshot = lw_snapshot_retain(snapshot);
    cut->info = (lw_cut_info)LW_CUT_INFO_INIT;
    return cut;
}

void lw_cut_release(lw_cut *cut)
{
    if (!cut)
        return;
    lwi_free(&cut->mem, cut->places, lwi_array_size(cut->room, sizeof *cut->places));
    lwi_free(&cut->mem, cut->holders, lwi_array_size(cut->holder_room, sizeof *cut->holders));
    lw_snapshot_release(cut->snapshot);
    lwi_mem mem;
    lwi_mem_init(&mem, cut->mem.allocator, cut->mem.allocator);
    lwi_free(&mem, cut, sizeof *cut);
}

/* --- the calls -------------------------------------------------------------------------------- */

static lw_status cut_failed(lw_status status, lw_error *error)
{
    if (status == LW_E_CANCELLED)
        return lwi_fail(error, status, "cancelled while looking for what to cut");
    if (status == LW_E_LIMIT)
        return lwi_fail(error, status, "the snapshot has too many references for dominators");
    return lwi_nomem(error, "what to cut");
}

static lw_status check_input(const lw_snapshot *snapshot, const lw_node *leaked, uint64_t count,
                             lw_error *error)
{
    lw_status status = lwi_snapshot_check(snapshot, error);
    if (status != LW_OK)
        return status;
    if (!leaked || count == 0)
        return lwi_fail(error, LW_E_INVALID, "no leaked objects: pass at least one node");
    for (uint64_t i = 0; status == LW_OK && i < count; i++)
        status = lwi_node_check(snapshot, leaked[i], error);
    return status;
}

/* `options` are full. */
static lw_status find(lw_snapshot *snapshot, const lwi_domtree *tree, const lw_node *leaked,
                      uint64_t count, const lw_cut_options *options, lw_cut **cut)
{
    lw_cut *made = new_cut(snapshot);
    if (!made)
        return LW_E_NOMEM;
    lwi_cutting cutting = {.cut = made, .mem = &made->mem, .snapshot = snapshot, .tree = tree};
    cutting.limit = options->limit ? options->limit : 8;
    cutting.progress = (lwi_progress){options->progress, options->user};
    cutting.holders = lwi_holders_of(snapshot);
    lw_status status =
        cutting.holders && open_cutting(&cutting, leaked, count) ? LW_OK : LW_E_NOMEM;
    if (status == LW_OK) {
        made->info.leaked_count = cutting.count;
        made->info.leaked_bytes = cutting.before[cutting.count];
        status = cutting.count ? search(&cutting) : LW_OK;
    }
    close_cutting(&cutting);
    if (status == LW_OK)
        *cut = made;
    else
        lw_cut_release(made);
    return status;
}

lw_status lwi_cut_with(lw_snapshot *snapshot, const lwi_domtree *tree, const lw_node *leaked,
                       uint64_t count, const lw_cut_options *options, lw_cut **cut,
                       lw_error *error)
{
    lw_cut_options full;
    *cut = NULL;
    lw_status status = lwi_take(&full, sizeof full, options, "lw_cut_options", error);
    if (status != LW_OK)
        return status;
    status = find(snapshot, tree, leaked, count, &full, cut);
    return status == LW_OK ? LW_OK : cut_failed(status, error);
}

lw_status lw_cut_find(lw_snapshot *snapshot, const lw_node *leaked, uint64_t count,
                      const lw_cut_options *options, lw_cut **cut, lw_error *error)
{
    lw_cut_options full;
    lwi_domtree tree;
    lwi_mem mem;
    if (!cut)
        return lwi_fail(error, LW_E_INVALID, "cut is NULL: pass where the cut shall go");
    *cut = NULL;
    lw_status status = lwi_take(&full, sizeof full, options, "lw_cut_options", error);
    if (status == LW_OK)
        status = check_input(snapshot, leaked, count, error);
    if (status != LW_OK)
        return status;
    lwi_mem_init(&mem, snapshot->mem.allocator, snapshot->mem.allocator);
    status = lwi_domtree_build(&tree, snapshot, &mem, full.progress, full.user);
    if (status == LW_OK) {
        status = find(snapshot, &tree, leaked, count, &full, cut);
        lwi_domtree_free(&tree, &mem);
    }
    return status == LW_OK ? LW_OK : cut_failed(status, error);
}

static lw_status cut_check(const lw_cut *cut, lw_error *error)
{
    if (!cut)
        return lwi_fail(error, LW_E_INVALID, "cut is NULL: make one with lw_cut_find()");
    return LW_OK;
}

lw_status lw_cut_info_get(const lw_cut *cut, lw_cut_info *info, lw_error *error)
{
    lw_status status = lwi_result_check(info, "lw_cut_info", error);
    if (status == LW_OK)
        status = cut_check(cut, error);
    if (status == LW_OK)
        lwi_give(info, &cut->info, sizeof *info);
    return status;
}

static void tell_root(const lw_snapshot *snapshot, const lwi_cut_place *place, lw_cut_edge *full)
{
    full->edge.from = LW_NODE_NONE;
    full->edge.to = place->to;
    full->edge.kind = -1;
    full->edge.label = full->root_label = lwi_label_of(snapshot, 0);
    if (place->number == LWI_CUT_OUTSIDE) {
        full->root_kind = "held from outside";
        full->outside = lwi_rare_get(&snapshot->outside, place->to);
        return;
    }
    const lwi_root *root = &snapshot->roots[place->number];
    full->root_kind = snapshot->root_kinds[root->kind].name;
    full->root_label = lwi_label_of(snapshot, root->label);
}

lw_status lw_cut_edge_get(const lw_cut *cut, uint32_t index, lw_cut_edge *edge, lw_error *error)
{
    lw_status status = lwi_result_check(edge, "lw_cut_edge", error);
    if (status == LW_OK)
        status = cut_check(cut, error);
    if (status != LW_OK)
        return status;
    if (index >= cut->info.edges)
        return lwi_fail(error, LW_E_NOT_FOUND, "edge %u: there are %u to cut, from 0",
                        (unsigned)index, (unsigned)cut->info.edges);
    const lwi_cut_place *place = &cut->places[index];
    lw_cut_edge full = LW_CUT_EDGE_INIT;
    if (place->from == LW_NODE_NONE)
        tell_root(cut->snapshot, place, &full);
    else
        full.edge = lwi_edge_at(cut->snapshot, place->from, place->number);
    full.root_label.text = full.root_label.text ? full.root_label.text : "";
    full.bystander = place->bystander;
    full.alone_bytes = place->alone_bytes;
    full.alone_leaked_bytes = place->alone_leaked;
    lwi_give(edge, &full, sizeof full);
    return LW_OK;
}

lw_status lw_cut_holder_get(const lw_cut *cut, uint32_t index, lw_cut_holder *holder,
                            lw_error *error)
{
    lw_status status = lwi_result_check(holder, "lw_cut_holder", error);
    if (status == LW_OK)
        status = cut_check(cut, error);
    if (status != LW_OK)
        return status;
    if (index >= cut->info.holders)
        return lwi_fail(error, LW_E_NOT_FOUND, "holder %u: there are %u, from 0",
                        (unsigned)index, (unsigned)cut->info.holders);
    lwi_give(holder, &cut->holders[index], sizeof *holder);
    return LW_OK;
}
