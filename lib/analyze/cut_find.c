/* What dominators say: the one place to cut, what a place frees alone, and who holds most. */
#include "analyze/content.h"
#include "analyze/cut.h"

#include "base/sort.h"

enum {
    HOLDERS = 8 /* that are told */
};

/* --- weights ---------------------------------------------------------------------------------- */

/* The first place in `ranks` that is not below `rank`. */
static uint64_t place_of(const lwi_cutting *cutting, uint32_t rank)
{
    uint64_t low = 0, high = cutting->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (cutting->ranks[middle] < rank)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t lwi_cut_weight(const lwi_cutting *cutting, uint32_t rank, uint64_t *count)
{
    uint64_t begin = place_of(cutting, rank);
    uint64_t end = place_of(cutting, rank + cutting->tree->count[rank]);
    *count = end - begin;
    return cutting->before[end] - cutting->before[begin];
}

/* Whether a part is at least 90 % of a whole; of nothing at all, numbers decide. */
static bool is_most(uint64_t part, uint64_t part_count, uint64_t whole, uint64_t whole_count)
{
    return whole ? whole - part <= whole / 10 : whole_count - part_count <= whole_count / 10;
}

/* What is below a node that has most of the leaked also has the one in the middle by weight; so
 * all such nodes are on its way up. */
static uint32_t middle_of(const lwi_cutting *cutting, uint64_t begin, uint64_t end)
{
    uint64_t first = cutting->before[begin], whole = cutting->before[end] - first;
    uint64_t low = begin, high = end - 1;
    if (whole == 0)
        return (uint32_t)cutting->ranks[begin + (end - begin) / 2];
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (cutting->before[middle + 1] - first > whole / 2)
            high = middle;
        else
            low = middle + 1;
    }
    return (uint32_t)cutting->ranks[low];
}

/* --- one place -------------------------------------------------------------------------------- */

/* How many places hold a node from outside of what it dominates; counts no further than 2. */
static int places_to(const lwi_cutting *cutting, lw_node node, lw_node *from)
{
    const lwi_rows *rows = &cutting->holders->rows;
    uint32_t begin, end = lwi_roots_of(cutting->snapshot, node, &begin);
    bool outside = lwi_rare_get(&cutting->snapshot->outside, node) > 0;
    int count = end - begin > 1 ? 2 : (int)(end - begin) + outside;
    *from = LW_NODE_NONE;
    for (uint64_t i = lwi_row_start(rows, node); count < 2 && i < lwi_row_end(rows, node); i++) {
        if (lwi_dominates(cutting->tree, node, rows->items[i]))
            continue;
        *from = rows->items[i];
        count++;
    }
    return count;
}

bool lwi_cut_single(lwi_cutting *cutting, bool *found)
{
    const lwi_domtree *tree = cutting->tree;
    uint64_t whole = cutting->before[cutting->count], count;
    *found = false;
    for (uint32_t rank = middle_of(cutting, 0, cutting->count); rank; rank = tree->above[rank]) {
        uint64_t weight = lwi_cut_weight(cutting, rank, &count);
        lw_node from;
        if (!is_most(weight, count, whole, cutting->count) ||
            places_to(cutting, tree->node[rank], &from) != 1)
            continue;
        *found = true;
        return lwi_cut_add_all(cutting, from, tree->node[rank]);
    }
    return true;
}

void lwi_cut_alone(const lwi_cutting *cutting, lwi_cut_place *place)
{
    lw_node from;
    uint64_t count;
    uint32_t rank = cutting->tree->rank[place->to];
    bool frees = places_to(cutting, place->to, &from) == 1 &&
                 (place->from == LW_NODE_NONE ||
                  !lwi_dominates(cutting->tree, place->to, place->from));
    place->alone_bytes = frees ? cutting->tree->bytes[rank] : 0;
    place->alone_leaked = frees ? lwi_cut_weight(cutting, rank, &count) : 0;
}

/* --- who holds most --------------------------------------------------------------------------- */

/* Of what is below `top`, the lowest node that still has most of the leaked there, and is none of
 * them itself. */
static uint32_t lowest(const lwi_cutting *cutting, uint32_t top, uint64_t begin, uint64_t end)
{
    const lwi_domtree *tree = cutting->tree;
    uint64_t whole = cutting->before[end] - cutting->before[begin], count;
    uint32_t rank = middle_of(cutting, begin, end);
    for (; rank != top; rank = tree->above[rank]) {
        uint64_t weight = lwi_cut_weight(cutting, rank, &count);
        if (!lwi_bits_get(cutting->leaked, tree->node[rank]) &&
            is_most(weight, count, whole, end - begin))
            return rank;
    }
    return top;
}

static bool add_holder(lwi_cutting *cutting, uint32_t rank)
{
    lw_cut *cut = cutting->cut;
    void *holders = cut->holders;
    if (!lwi_grow(cutting->mem, &holders, &cut->holder_room, (uint64_t)cut->info.holders + 1,
                  sizeof *cut->holders))
        return false;
    cut->holders = holders;
    lw_cut_holder *holder = &cut->holders[cut->info.holders++];
    *holder = (lw_cut_holder)LW_CUT_HOLDER_INIT;
    holder->node = cutting->tree->node[rank];
    holder->leaked_bytes = lwi_cut_weight(cutting, rank, &holder->leaked_count);
    holder->freed_bytes = cutting->tree->bytes[rank];
    return true;
}

/* Holders before what only holds itself; most leaked bytes first. */
static int by_weight(const void *a, const void *b, const void *user)
{
    const lwi_cutting *cutting = user;
    const lw_cut_holder *x = a, *y = b;
    bool x_leaked = lwi_bits_get(cutting->leaked, x->node);
    bool y_leaked = lwi_bits_get(cutting->leaked, y->node);
    if (x_leaked != y_leaked)
        return x_leaked - y_leaked;
    if (x->leaked_bytes != y->leaked_bytes)
        return x->leaked_bytes > y->leaked_bytes ? -1 : 1;
    if (x->leaked_count != y->leaked_count)
        return x->leaked_count > y->leaked_count ? -1 : 1;
    int order = (x->freed_bytes > y->freed_bytes) - (x->freed_bytes < y->freed_bytes);
    return order ? order : lwi_compare_nodes(cutting->snapshot, x->node, y->node);
}

bool lwi_cut_holders(lwi_cutting *cutting)
{
    const lwi_domtree *tree = cutting->tree;
    uint64_t begin = 0;
    for (uint32_t top = 1; begin < cutting->count; top += tree->count[top]) {
        uint64_t end = begin;
        while (end < cutting->count && cutting->ranks[end] < top + tree->count[top])
            end++;
        if (end > begin && !add_holder(cutting, lowest(cutting, top, begin, end)))
            return false;
        begin = end;
    }
    lw_cut *cut = cutting->cut;
    lwi_sort(cut->holders, cut->info.holders, sizeof *cut->holders, by_weight, cutting);
    if (cut->info.holders > HOLDERS)
        cut->info.holders = HOLDERS;
    return true;
}
