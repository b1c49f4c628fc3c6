/* Garbage in components (Tarjan 1972, without recursion), and what each of them keeps. */
#include "analyze/cycles.h"
#include "analyze/dominate.h"

#include <string.h>

#define NONE UINT32_MAX

static void *array(lwi_mem *mem, uint64_t count, size_t size)
{
    return lwi_resize(mem, NULL, 0, lwi_array_size(count, size));
}

static void drop(lwi_mem *mem, void *items, uint64_t count, size_t size)
{
    lwi_free(mem, items, lwi_array_size(count, size));
}

/* --- numbers ------------------------------------------------------------------------------- */

static bool number_nodes(lwi_trash *trash)
{
    const lw_snapshot *snapshot = trash->snapshot;
    uint64_t words = lwi_bits_words(snapshot->info.nodes);
    trash->before = array(trash->mem, words, sizeof *trash->before);
    if (!trash->before)
        return false;
    uint32_t sum = 0;
    for (uint64_t i = 0; i < words; i++) {
        trash->before[i] = sum;
        sum += lwi_bits_count(snapshot->garbage[i]);
    }
    trash->count = snapshot->info.garbage;
    return true;
}

/* The first node of garbage from `node` on; there is one. */
static lw_node next_garbage(const lw_snapshot *snapshot, lw_node node)
{
    uint64_t word = snapshot->garbage[node / 64] >> node % 64;
    if (word)
        return node + lwi_bits_lowest(word);
    uint64_t i = node / 64 + 1;
    while (!snapshot->garbage[i])
        i++;
    return (lw_node)(i * 64 + lwi_bits_lowest(snapshot->garbage[i]));
}

/* --- components ---------------------------------------------------------------------------- */

/* By number of the node. */
typedef struct lwi_tarjan {
    lwi_trash *trash;
    uint32_t *order;  /* in which they were found, from 1; 0: not yet */
    uint32_t *low;
    uint32_t *stack;  /* of numbers whose component is not known yet */
    lw_node *caller;  /* the node it was found from */
    uint64_t *cursor; /* the next edge of its row */
    uint32_t found, depth;
} lwi_tarjan;

static bool tarjan_open(lwi_tarjan *tarjan, lwi_trash *trash)
{
    lwi_mem *mem = trash->mem;
    uint32_t count = trash->count;
    *tarjan = (lwi_tarjan){.trash = trash};
    tarjan->order = lwi_alloc(mem, lwi_array_size(count, sizeof *tarjan->order));
    tarjan->low = array(mem, count, sizeof *tarjan->low);
    tarjan->stack = array(mem, count, sizeof *tarjan->stack);
    tarjan->caller = array(mem, count, sizeof *tarjan->caller);
    tarjan->cursor = array(mem, count, sizeof *tarjan->cursor);
    return tarjan->order && tarjan->low && tarjan->stack && tarjan->caller && tarjan->cursor;
}

static void tarjan_close(lwi_tarjan *tarjan)
{
    lwi_mem *mem = tarjan->trash->mem;
    uint32_t count = tarjan->trash->count;
    drop(mem, tarjan->order, count, sizeof *tarjan->order);
    drop(mem, tarjan->low, count, sizeof *tarjan->low);
    drop(mem, tarjan->stack, count, sizeof *tarjan->stack);
    drop(mem, tarjan->caller, count, sizeof *tarjan->caller);
    drop(mem, tarjan->cursor, count, sizeof *tarjan->cursor);
}

static void find(lwi_tarjan *tarjan, lw_node node, lw_node caller)
{
    uint32_t number = lwi_trash_number(tarjan->trash, node);
    tarjan->order[number] = tarjan->low[number] = ++tarjan->found;
    tarjan->caller[number] = caller;
    tarjan->cursor[number] = lwi_row_start(&tarjan->trash->snapshot->rows, node);
    tarjan->stack[tarjan->depth++] = number;
}

/* All that `number` leads to is known: its component, too, if it was the first of it. */
static void finish(lwi_tarjan *tarjan, uint32_t number)
{
    lwi_trash *trash = tarjan->trash;
    uint32_t other;
    if (tarjan->low[number] != tarjan->order[number])
        return;
    do {
        other = tarjan->stack[--tarjan->depth];
        trash->component[other] = trash->components;
    } while (other != number);
    trash->components++;
}

static void lower(uint32_t *low, uint32_t value)
{
    if (value < *low)
        *low = value;
}

/* Goes on from a node; gives the one to go on from next, LW_NODE_NONE when all is done. */
static lw_node step(lwi_tarjan *tarjan, lw_node node)
{
    const lwi_trash *trash = tarjan->trash;
    const lwi_rows *rows = &trash->snapshot->rows;
    uint32_t number = lwi_trash_number(trash, node);
    uint64_t end = lwi_row_end(rows, node);
    for (uint64_t edge = tarjan->cursor[number]; edge < end; edge++) {
        if (!lwi_trash_leads(trash->snapshot, edge))
            continue;
        uint32_t to = lwi_trash_number(trash, rows->items[edge]);
        if (tarjan->order[to] == 0) {
            tarjan->cursor[number] = edge + 1;
            find(tarjan, rows->items[edge], node);
            return rows->items[edge];
        }
        if (trash->component[to] == NONE)
            lower(&tarjan->low[number], tarjan->order[to]);
    }
    finish(tarjan, number);
    lw_node caller = tarjan->caller[number];
    if (caller != LW_NODE_NONE)
        lower(&tarjan->low[lwi_trash_number(trash, caller)], tarjan->low[number]);
    return caller;
}

static bool find_components(lwi_trash *trash)
{
    lwi_tarjan tarjan;
    size_t size = lwi_array_size(trash->count, sizeof *trash->component);
    trash->component = lwi_resize(trash->mem, NULL, 0, size);
    bool ready = tarjan_open(&tarjan, trash) && trash->component;
    if (ready)
        memset(trash->component, 0xff, size);
    lw_node node = 0;
    for (uint32_t i = 0; ready && i < trash->count; i++, node++) {
        node = next_garbage(trash->snapshot, node);
        if (tarjan.order[i])
            continue;
        find(&tarjan, node, LW_NODE_NONE);
        for (lw_node at = node; at != LW_NODE_NONE;)
            at = step(&tarjan, at);
    }
    tarjan_close(&tarjan);
    return ready;
}

static bool list_members(lwi_trash *trash)
{
    uint32_t count = trash->count;
    trash->start = lwi_alloc(trash->mem, lwi_array_size((uint64_t)trash->components + 1,
                                                        sizeof *trash->start));
    trash->place = array(trash->mem, count, sizeof *trash->place);
    trash->member = array(trash->mem, count, sizeof *trash->member);
    if (!trash->start || !trash->place || !trash->member)
        return false;
    for (uint32_t i = 0; i < count; i++)
        trash->place[i] = trash->start[trash->component[i] + 1]++;
    for (uint32_t i = 0; i < trash->components; i++)
        trash->start[i + 1] += trash->start[i];
    lw_node node = 0;
    for (uint32_t i = 0; i < count; i++, node++) {
        node = next_garbage(trash->snapshot, node);
        trash->member[trash->start[trash->component[i]] + trash->place[i]] = node;
    }
    return true;
}

lw_status lwi_trash_sort(lwi_trash *trash, const lw_snapshot *snapshot, lwi_mem *mem)
{
    *trash = (lwi_trash){.snapshot = snapshot, .mem = mem};
    bool ready = number_nodes(trash);
    if (ready && trash->count)
        ready = find_components(trash) && list_members(trash);
    return ready ? LW_OK : LW_E_NOMEM;
}

void lwi_trash_free(lwi_trash *trash)
{
    lwi_mem *mem = trash->mem;
    uint32_t count = trash->count;
    drop(mem, trash->before, lwi_bits_words(trash->snapshot->info.nodes), sizeof *trash->before);
    drop(mem, trash->component, count, sizeof *trash->component);
    drop(mem, trash->place, count, sizeof *trash->place);
    drop(mem, trash->start, (uint64_t)trash->components + 1, sizeof *trash->start);
    drop(mem, trash->member, count, sizeof *trash->member);
}

/* --- what each keeps ----------------------------------------------------------------------- */

/* The components as a graph of their own. */
typedef struct lwi_coarse {
    const lwi_trash *trash;
    lwi_rows rows;
    uint64_t edges;
    uint32_t *starts; /* components that no other garbage leads to */
    uint32_t start_count;
} lwi_coarse;

typedef void (*lwi_coarse_fn)(lwi_coarse *coarse, uint32_t from, uint32_t to);

static void each_edge(lwi_coarse *coarse, lwi_coarse_fn visit)
{
    const lwi_trash *trash = coarse->trash;
    const lwi_rows *rows = &trash->snapshot->rows;
    for (uint32_t from = 0; from < trash->components; from++) {
        for (uint32_t i = trash->start[from]; i < trash->start[from + 1]; i++) {
            uint64_t end = lwi_row_end(rows, trash->member[i]);
            for (uint64_t edge = lwi_row_start(rows, trash->member[i]); edge < end; edge++) {
                if (!lwi_trash_leads(trash->snapshot, edge))
                    continue;
                uint32_t to = trash->component[lwi_trash_number(trash, rows->items[edge])];
                if (to != from)
                    visit(coarse, from, to);
            }
        }
    }
}

static void count_edge(lwi_coarse *coarse, uint32_t from, uint32_t to)
{
    coarse->rows.end[from] += coarse->rows.end[from] != UINT32_MAX;
    coarse->edges++;
    coarse->starts[to] = 1; /* for now: something leads to it */
}

static void put_edge(lwi_coarse *coarse, uint32_t from, uint32_t to)
{
    coarse->rows.items[lwi_row_put(&coarse->rows, from)] = to;
}

static lw_status coarse_open(lwi_coarse *coarse, const lwi_trash *trash)
{
    lwi_mem *mem = trash->mem;
    uint32_t count = trash->components;
    lwi_rows *rows = &coarse->rows;
    *coarse = (lwi_coarse){.trash = trash};
    rows->base = lwi_alloc(mem, lwi_array_size(count / LWI_ROWS + 1, sizeof *rows->base));
    rows->end = lwi_alloc(mem, lwi_array_size(count, sizeof *rows->end));
    coarse->starts = lwi_alloc(mem, lwi_array_size(count, sizeof *coarse->starts));
    if (!rows->base || !rows->end || !coarse->starts)
        return LW_E_NOMEM;
    uint64_t edges;
    each_edge(coarse, count_edge);
    if (!lwi_rows_open(rows, count, &edges) || edges != coarse->edges)
        return LW_E_LIMIT;
    rows->items = array(mem, coarse->edges, sizeof *rows->items);
    if (!rows->items && coarse->edges)
        return LW_E_NOMEM;
    each_edge(coarse, put_edge);
    for (uint32_t i = 0; i < count; i++) {
        if (!coarse->starts[i])
            coarse->starts[coarse->start_count++] = i;
    }
    return LW_OK;
}

static void coarse_close(lwi_coarse *coarse)
{
    lwi_mem *mem = coarse->trash->mem;
    uint32_t count = coarse->trash->components;
    drop(mem, coarse->rows.base, count / LWI_ROWS + 1, sizeof *coarse->rows.base);
    drop(mem, coarse->rows.end, count, sizeof *coarse->rows.end);
    drop(mem, coarse->rows.items, coarse->edges, sizeof *coarse->rows.items);
    drop(mem, coarse->starts, count, sizeof *coarse->starts);
}

static uint64_t own_bytes(const lwi_trash *trash, uint32_t component)
{
    uint64_t bytes = 0;
    for (uint32_t i = trash->start[component]; i < trash->start[component + 1]; i++)
        bytes += lwi_own_bytes(trash->snapshot, trash->member[i]);
    return bytes;
}

static void weigh(const lwi_trash *trash, lwi_domtree *tree, lw_cycles *cycles, bool nodes)
{
    memset(tree->bytes, 0, ((size_t)tree->reached + 1) * sizeof *tree->bytes);
    for (uint32_t rank = 1; rank <= tree->reached; rank++) {
        uint32_t i = tree->node[rank];
        tree->bytes[rank] = nodes ? trash->start[i + 1] - trash->start[i] : own_bytes(trash, i);
    }
    lwi_domtree_sum(tree);
    for (uint32_t i = 0; i < cycles->count; i++) {
        lwi_cycle *cycle = &cycles->items[i];
        uint32_t number = lwi_trash_number(trash, cycles->nodes[cycle->first]);
        uint64_t sum = lwi_retained_bytes(tree, trash->component[number]);
        *(nodes ? &cycle->frees_nodes : &cycle->frees) = sum;
    }
}

lw_status lwi_trash_weigh(const lwi_trash *trash, lw_cycles *cycles)
{
    lwi_coarse coarse;
    lwi_domtree tree;
    lw_status status = coarse_open(&coarse, trash);
    if (status == LW_OK) {
        lwi_flow flow = {.rows = &coarse.rows, .nodes = trash->components,
                         .edges = coarse.edges, .starts = coarse.starts,
                         .start_count = coarse.start_count, .reached = trash->components};
        status = lwi_domtree_of_flow(&tree, &flow, trash->mem, (lwi_progress){NULL, NULL});
    }
    coarse_close(&coarse);
    if (status != LW_OK)
        return status;
    weigh(trash, &tree, cycles, true);
    weigh(trash, &tree, cycles, false);
    lwi_domtree_free(&tree, trash->mem);
    return LW_OK;
}
