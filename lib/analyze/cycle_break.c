/* The one reference whose removal leaves a component without a cycle, exactly and in linear time.
 *
 * It lies on every cycle, so on any: walk until a node comes again, and call this the ring. If a
 * cycle is left without the ring's own arcs, no single one will do. Else the rest is without
 * cycles, and a way through it from place i of the ring to place j is an ear. With j > i it goes
 * round the arcs i to j - 1: breaking one of these leaves the cycle that takes the ear. With j < i
 * it closes a cycle with the arcs j to i - 1, so that the arc is one of these. Any cycle that is
 * left when an arc is broken has an ear that goes back behind what it came from, along what is left
 * of the ring; so single ears tell all, and of all ears from or to a place the farthest. */
#include "analyze/content.h"
#include "analyze/cycles.h"
#include "base/sort.h"

#include <string.h>

#define NONE UINT32_MAX

static uint32_t *numbers(lwi_knot *knot, uint64_t count)
{
    return lwi_resize(knot->mem, NULL, 0, lwi_array_size(count, sizeof(uint32_t)));
}

bool lwi_knot_open(lwi_knot *knot, const lwi_trash *trash, uint32_t room, lwi_mem *mem)
{
    *knot = (lwi_knot){.trash = trash, .mem = mem, .room = room};
    knot->first = numbers(knot, (uint64_t)room + 1);
    knot->ring = numbers(knot, room);
    knot->order = numbers(knot, room);
    knot->width = numbers(knot, room);
    knot->most = numbers(knot, room);
    knot->least = numbers(knot, room);
    knot->by = numbers(knot, room);
    return knot->first && knot->ring && knot->order && knot->width && knot->most && knot->least &&
           knot->by;
}

void lwi_knot_close(lwi_knot *knot)
{
    size_t size = lwi_array_size(knot->room, sizeof(uint32_t));
    lwi_free(knot->mem, knot->first, lwi_array_size((uint64_t)knot->room + 1, sizeof(uint32_t)));
    lwi_free(knot->mem, knot->arcs, lwi_array_size(knot->arc_room, sizeof *knot->arcs));
    lwi_free(knot->mem, knot->ring, size);
    lwi_free(knot->mem, knot->order, size);
    lwi_free(knot->mem, knot->width, size);
    lwi_free(knot->mem, knot->most, size);
    lwi_free(knot->mem, knot->least, size);
    lwi_free(knot->mem, knot->by, size);
}

/* --- the arcs of a component --------------------------------------------------------------- */

static lw_status add_arc(lwi_knot *knot, uint64_t edge, uint32_t to)
{
    void *arcs = knot->arcs;
    if (knot->arc_count == UINT32_MAX)
        return LW_E_LIMIT;
    if (!lwi_grow(knot->mem, &arcs, &knot->arc_room, knot->arc_count + 1, sizeof *knot->arcs))
        return LW_E_NOMEM;
    knot->arcs = arcs;
    knot->arcs[knot->arc_count++] = (lwi_arc){edge, to};
    return LW_OK;
}

static lw_status load(lwi_knot *knot)
{
    const lwi_trash *trash = knot->trash;
    const lw_snapshot *snapshot = trash->snapshot;
    uint32_t component = trash->component[lwi_trash_number(trash, knot->nodes[0])];
    knot->arc_count = 0;
    for (uint32_t at = 0; at < knot->count; at++) {
        uint64_t end = lwi_row_end(&snapshot->rows, knot->nodes[at]);
        knot->first[at] = (uint32_t)knot->arc_count;
        for (uint64_t edge = lwi_row_start(&snapshot->rows, knot->nodes[at]); edge < end; edge++) {
            if (!lwi_trash_leads(snapshot, edge))
                continue;
            uint32_t to = lwi_trash_number(trash, snapshot->rows.items[edge]);
            if (trash->component[to] != component)
                continue;
            lw_status status = add_arc(knot, edge, trash->place[to]);
            if (status != LW_OK)
                return status;
        }
    }
    knot->first[knot->count] = (uint32_t)knot->arc_count;
    return LW_OK;
}

/* --- by content ---------------------------------------------------------------------------- */

static int compare_arcs(const void *a, const void *b, const void *user)
{
    const lwi_arc *x = a, *y = b;
    int order = lwi_compare_edges(user, x->edge, y->edge);
    return order ? order : (x->edge > y->edge) - (x->edge < y->edge);
}

static uint32_t least_by_content(const lwi_knot *knot)
{
    uint32_t least = 0;
    for (uint32_t at = 1; at < knot->count; at++) {
        if (lwi_compare_nodes(knot->trash->snapshot, knot->nodes[at], knot->nodes[least]) < 0)
            least = at;
    }
    return least;
}

static void choose(const lwi_knot *knot, uint32_t from, const lwi_arc *arc, lwi_cycle *cycle)
{
    cycle->from = knot->nodes[from];
    cycle->edge = arc->edge;
}

/* --- the ring and its ears ----------------------------------------------------------------- */

/* Takes the first arc of each node until one comes again. The ring goes from `*start` on; gives
 * its length. Its own arcs are the first ones of its nodes. */
static uint32_t find_ring(lwi_knot *knot, uint32_t *start)
{
    memset(knot->ring, 0xff, knot->count * sizeof *knot->ring);
    uint32_t at = 0, steps = 0, length = 0;
    for (; knot->ring[at] == NONE; at = knot->arcs[knot->first[at]].to)
        knot->ring[at] = steps++;
    memset(knot->ring, 0xff, knot->count * sizeof *knot->ring);
    *start = at;
    for (; knot->ring[at] == NONE; at = knot->arcs[knot->first[at]].to)
        knot->ring[at] = length++;
    return length;
}

/* The first of a node's arcs that is not the ring's own. */
static uint32_t first_other(const lwi_knot *knot, uint32_t at)
{
    return knot->first[at] + (knot->ring[at] != NONE);
}

/* Kahn's order of all nodes without the ring's own arcs; false: there is a cycle yet. */
static bool order_rest(lwi_knot *knot)
{
    uint32_t head = 0, tail = 0;
    memset(knot->width, 0, knot->count * sizeof *knot->width);
    for (uint32_t at = 0; at < knot->count; at++) {
        for (uint32_t i = first_other(knot, at); i < knot->first[at + 1]; i++)
            knot->width[knot->arcs[i].to]++;
    }
    for (uint32_t at = 0; at < knot->count; at++) {
        if (knot->width[at] == 0)
            knot->order[tail++] = at;
    }
    while (head < tail) {
        uint32_t at = knot->order[head++];
        for (uint32_t i = first_other(knot, at); i < knot->first[at + 1]; i++) {
            if (--knot->width[knot->arcs[i].to] == 0)
                knot->order[tail++] = knot->arcs[i].to;
        }
    }
    return tail == knot->count;
}

static void raise(uint32_t *most, uint32_t value)
{
    if (value > *most)
        *most = value;
}

static void lower(uint32_t *least, uint32_t value)
{
    if (value < *least)
        *least = value;
}

static void find_ears(lwi_knot *knot)
{
    memset(knot->most, 0, knot->count * sizeof *knot->most);
    memset(knot->by, 0, knot->count * sizeof *knot->by);
    memset(knot->least, 0xff, knot->count * sizeof *knot->least);
    for (uint32_t k = knot->count; k-- > 0;) {
        uint32_t at = knot->order[k];
        for (uint32_t i = first_other(knot, at); i < knot->first[at + 1]; i++) {
            uint32_t to = knot->arcs[i].to;
            raise(&knot->most[at], knot->ring[to] + 1); /* none: 0 */
            raise(&knot->most[at], knot->most[to]);
            lower(&knot->least[at], knot->ring[to]);
            lower(&knot->least[at], knot->least[to]);
        }
    }
    for (uint32_t k = 0; k < knot->count; k++) {
        uint32_t at = knot->order[k];
        raise(&knot->by[at], knot->ring[at] + 1);
        for (uint32_t i = first_other(knot, at); i < knot->first[at + 1]; i++)
            raise(&knot->by[knot->arcs[i].to], knot->by[at]);
    }
}

/* Which arcs of the ring, from *low to below *high, every ear that goes backwards closes over. */
static void narrow(const lwi_knot *knot, uint32_t start, uint32_t length, uint32_t *low,
                   uint32_t *high)
{
    uint32_t at = start;
    *low = 0;
    *high = length;
    for (uint32_t i = 0; i < length; i++, at = knot->arcs[knot->first[at]].to) {
        if (knot->by[at] > i + 1)
            *low = i;
        if (knot->least[at] < i && i < *high)
            *high = i;
    }
}

/* The first by content of the arcs that do it; false: none does. */
static bool break_ring(const lwi_knot *knot, uint32_t start, uint32_t length, lwi_cycle *cycle)
{
    const lw_snapshot *snapshot = knot->trash->snapshot;
    uint32_t low, high, covered = 0, best = NONE, at = start;
    narrow(knot, start, length, &low, &high);
    for (uint32_t i = 0; i < length; i++, at = knot->arcs[knot->first[at]].to) {
        raise(&covered, knot->most[at] ? knot->most[at] - 1 : 0);
        if (i < low || i >= high || covered > i)
            continue;
        int order = best == NONE ? -1
                                 : lwi_compare_nodes(snapshot, knot->nodes[at], knot->nodes[best]);
        if (order == 0)
            order = compare_arcs(&knot->arcs[knot->first[at]], &knot->arcs[knot->first[best]],
                                 snapshot);
        if (order < 0)
            best = at;
    }
    if (best != NONE)
        choose(knot, best, &knot->arcs[knot->first[best]], cycle);
    return best != NONE;
}

/* --- when no single one does --------------------------------------------------------------- */

/* Depth first from the first node by content, over arcs by content: how many go back to a node
 * that is being walked from. Without these there is no cycle. */
static void count_back(lwi_knot *knot, uint32_t start, lwi_cycle *cycle)
{
    enum { NEW, OPEN, DONE };
    uint32_t *state = knot->width, *next = knot->most, *stack = knot->order, depth = 0;
    memset(state, 0, knot->count * sizeof *state);
    for (uint32_t at = 0; at < knot->count; at++)
        lwi_sort(knot->arcs + knot->first[at], knot->first[at + 1] - knot->first[at],
                 sizeof *knot->arcs, compare_arcs, knot->trash->snapshot);
    memcpy(next, knot->first, knot->count * sizeof *next);
    stack[depth++] = start;
    state[start] = OPEN;
    while (depth > 0) {
        uint32_t at = stack[depth - 1];
        if (next[at] == knot->first[at + 1]) {
            state[at] = DONE;
            depth--;
            continue;
        }
        const lwi_arc *arc = &knot->arcs[next[at]++];
        if (state[arc->to] == OPEN && cycle->back_edges++ == 0)
            choose(knot, at, arc, cycle);
        if (state[arc->to] == NEW) {
            state[arc->to] = OPEN;
            stack[depth++] = arc->to;
        }
    }
}

lw_status lwi_knot_break(lwi_knot *knot, const lw_node *nodes, lwi_cycle *cycle)
{
    knot->nodes = nodes;
    knot->count = cycle->count;
    lw_status status = load(knot);
    if (status != LW_OK)
        return status;
    uint32_t start, least = least_by_content(knot), length = find_ring(knot, &start);
    cycle->least = nodes[least];
    cycle->back_edges = 0;
    if (order_rest(knot)) {
        find_ears(knot);
        if (break_ring(knot, start, length, cycle)) {
            cycle->back_edges = 1;
            return LW_OK;
        }
    }
    count_back(knot, least, cycle);
    return LW_OK;
}
