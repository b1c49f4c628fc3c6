/* Cycles of garbage: the components that are cycles, in the order of what they weigh. */
#include "analyze/cycles.h"

#include "analyze/content.h"
#include "analyze/dominate.h"
#include "base/error.h"
#include "base/sort.h"
#include "base/structs.h"

#include <string.h>

/* --- life ---------------------------------------------------------------------------------- */

static lw_cycles *new_cycles(lw_snapshot *snapshot)
{
    lw_allocator allocator = snapshot->mem.allocator;
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_cycles *cycles = lwi_alloc(&mem, sizeof *cycles);
    if (!cycles)
        return NULL;
    lwi_mem_init(&cycles->mem, allocator, allocator);
    cycles->snapshot = lw_snapshot_retain(snapshot);
    return cycles;
}

void lw_cycles_release(lw_cycles *cycles)
{
    if (!cycles)
        return;
    lwi_mem *mem = &cycles->mem;
    lwi_free(mem, cycles->items, lwi_array_size(cycles->room, sizeof *cycles->items));
    lwi_free(mem, cycles->nodes, lwi_array_size(cycles->node_count, sizeof *cycles->nodes));
    lw_snapshot_release(cycles->snapshot);
    lwi_mem own;
    lwi_mem_init(&own, mem->allocator, mem->allocator);
    lwi_free(&own, cycles, sizeof *cycles);
}

/* --- which components are cycles ----------------------------------------------------------- */

static bool holds_itself(const lw_snapshot *snapshot, lw_node node)
{
    uint64_t end = lwi_row_end(&snapshot->rows, node);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
        if (snapshot->rows.items[edge] == node && lwi_trash_leads(snapshot, edge))
            return true;
    }
    return false;
}

static bool is_cycle(const lwi_trash *trash, uint32_t component)
{
    uint32_t first = trash->start[component];
    return trash->start[component + 1] - first > 1 ||
           holds_itself(trash->snapshot, trash->member[first]);
}

static bool add_cycle(lw_cycles *cycles, const lwi_trash *trash, uint32_t component)
{
    void *items = cycles->items;
    uint32_t first = trash->start[component], count = trash->start[component + 1] - first;
    if (!lwi_grow(&cycles->mem, &items, &cycles->room, (uint64_t)cycles->count + 1,
                  sizeof *cycles->items))
        return false;
    cycles->items = items;
    lwi_cycle *cycle = &cycles->items[cycles->count++];
    *cycle = (lwi_cycle){.first = cycles->node_count, .count = count};
    for (uint32_t i = first; i < first + count; i++)
        cycle->bytes += lwi_own_bytes(trash->snapshot, trash->member[i]);
    cycles->node_count += count;
    return true;
}

/* Their nodes, in the order in which the cycles were added: that of the components. */
static bool copy_nodes(lw_cycles *cycles, const lwi_trash *trash)
{
    uint64_t put = 0;
    size_t size = lwi_array_size(cycles->node_count, sizeof *cycles->nodes);
    cycles->nodes = lwi_resize(&cycles->mem, NULL, 0, size);
    if (!cycles->nodes)
        return false;
    for (uint32_t i = 0, at = 0; i < cycles->count; at++) {
        if (!is_cycle(trash, at))
            continue;
        const lw_node *from = trash->member + trash->start[at];
        memcpy(cycles->nodes + put, from, cycles->items[i].count * sizeof *from);
        put += cycles->items[i++].count;
    }
    return true;
}

static lw_status break_all(lw_cycles *cycles, const lwi_trash *trash)
{
    uint32_t room = 0;
    lw_status status = LW_OK;
    for (uint32_t i = 0; i < cycles->count; i++) {
        if (cycles->items[i].count > room)
            room = cycles->items[i].count;
    }
    lwi_knot knot;
    if (!lwi_knot_open(&knot, trash, room, trash->mem))
        status = LW_E_NOMEM;
    for (uint32_t i = 0; status == LW_OK && i < cycles->count; i++)
        status = lwi_knot_break(&knot, cycles->nodes + cycles->items[i].first, &cycles->items[i]);
    lwi_knot_close(&knot);
    return status;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a > b ? -1 : a < b;
}

static int compare_cycles(const void *a, const void *b, const void *user)
{
    const lwi_cycle *x = a, *y = b;
    const lw_cycles *cycles = user;
    int order = compare_numbers(x->bytes, y->bytes);
    if (order == 0)
        order = compare_numbers(x->count, y->count);
    if (order == 0)
        order = compare_numbers(x->frees, y->frees);
    if (order == 0)
        order = compare_numbers(x->frees_nodes, y->frees_nodes);
    if (order == 0)
        order = lwi_compare_nodes(cycles->snapshot, x->least, y->least);
    if (order == 0)
        order = lwi_compare_nodes(cycles->snapshot, x->from, y->from);
    if (order == 0)
        order = lwi_compare_edges(cycles->snapshot, x->edge, y->edge);
    /* They say the same: in the order of their first nodes. */
    return order ? order : compare_numbers(cycles->nodes[y->first], cycles->nodes[x->first]);
}

static lw_status find_cycles(lw_cycles *cycles)
{
    lwi_trash trash;
    lw_status status = lwi_trash_sort(&trash, cycles->snapshot, &cycles->mem);
    for (uint32_t i = 0; status == LW_OK && i < trash.components; i++) {
        if (is_cycle(&trash, i) && !add_cycle(cycles, &trash, i))
            status = LW_E_NOMEM;
    }
    if (status == LW_OK && cycles->count) {
        status = copy_nodes(cycles, &trash) ? lwi_trash_weigh(&trash, cycles) : LW_E_NOMEM;
        if (status == LW_OK)
            status = break_all(cycles, &trash);
    }
    lwi_trash_free(&trash);
    if (status == LW_OK)
        lwi_sort(cycles->items, cycles->count, sizeof *cycles->items, compare_cycles, cycles);
    return status;
}

lw_status lw_cycles_create(lw_snapshot *snapshot, lw_cycles **cycles, lw_error *error)
{
    if (!cycles)
        return lwi_fail(error, LW_E_INVALID, "cycles is NULL: pass where they shall go");
    *cycles = NULL;
    lw_status status = lwi_snapshot_check(snapshot, error);
    if (status != LW_OK)
        return status;
    lw_cycles *made = new_cycles(snapshot);
    status = made ? find_cycles(made) : LW_E_NOMEM;
    if (status != LW_OK) {
        lw_cycles_release(made);
        if (status == LW_E_LIMIT)
            return lwi_fail(error, status, "cycles: over 2^32 references in one of them");
        return lwi_nomem(error, "cycles of garbage");
    }
    *cycles = made;
    return LW_OK;
}

/* --- questions ----------------------------------------------------------------------------- */

uint32_t lw_cycles_count(const lw_cycles *cycles)
{
    return cycles ? cycles->count : 0;
}

static lw_status check(const lw_cycles *cycles, uint32_t index, lw_error *error)
{
    if (!cycles)
        return lwi_fail(error, LW_E_INVALID, "cycles is NULL: find some with lw_cycles_create()");
    if (index >= cycles->count)
        return lwi_fail(error, LW_E_NOT_FOUND, "cycle %u: %u were found, from 0", (unsigned)index,
                        (unsigned)cycles->count);
    return LW_OK;
}

lw_status lw_cycle_get(const lw_cycles *cycles, uint32_t index, lw_cycle *cycle, lw_error *error)
{
    lw_status status = lwi_result_check(cycle, "lw_cycle", error);
    if (status == LW_OK)
        status = check(cycles, index, error);
    if (status != LW_OK)
        return status;
    const lwi_cycle *from = &cycles->items[index];
    lw_cycle full = LW_CYCLE_INIT;
    full.back_edges = from->back_edges;
    full.nodes = from->count;
    full.bytes = from->bytes;
    full.frees_nodes = from->frees_nodes;
    full.frees = from->frees;
    full.back = lwi_edge_at(cycles->snapshot, from->from, from->edge);
    lwi_give(cycle, &full, sizeof full);
    return LW_OK;
}

lw_status lw_cycle_each(const lw_cycles *cycles, uint32_t index, lw_node_fn visit, void *user,
                        lw_error *error)
{
    lw_status status = check(cycles, index, error);
    if (status != LW_OK)
        return status;
    if (!visit)
        return lwi_fail(error, LW_E_INVALID, "visit is NULL: pass what to call for each node");
    const lwi_cycle *cycle = &cycles->items[index];
    for (uint32_t i = 0; i < cycle->count; i++) {
        if (visit(cycles->nodes[cycle->first + i], user) != 0)
            break;
    }
    return LW_OK;
}
