/* One pass of a search: breadth first from the targets backwards and, where that grows wide, from
 * the roots forwards, always the side with less to do, until the two meet. Where they met, the
 * distances to the targets are carried on to the roots, along shortest paths alone. */
#include "analyze/paths.h"

#include "snapshot/strength.h"

enum {
    AHEAD = 16, /* nodes of the queue whose rows are asked for before their turn */
    START = 8   /* edges: less than that is not worth a second side */
};

/* How many edges some nodes have to look at; more than `most` is enough to know. */
static uint64_t work_of(const lwi_rows *rows, const lw_node *nodes, uint64_t count, uint64_t most)
{
    uint64_t work = 0;
    for (uint64_t i = 0; i < count && work <= most; i++)
        work += 1 + lwi_row_end(rows, nodes[i]) - lwi_row_start(rows, nodes[i]);
    return work;
}

/* --- from the targets ---------------------------------------------------------------------- */

/* The weakest edges that there are up to the strength of now. */
static int edge_strength(const lwi_search *search)
{
    if (search->strength >= LWI_DOUBTFUL && lwi_filter_has(&search->filter, LW_EDGE_UNKNOWN))
        return LWI_DOUBTFUL;
    return search->strength >= LWI_EPHEMERON &&
                   lwi_filter_has(&search->filter, LW_EDGE_EPHEMERON)
               ? LWI_EPHEMERON
               : LWI_FIRM;
}

static void reach(lwi_search *search, lw_node node, uint32_t distance)
{
    lwi_bits_set(search->seen, node);
    *lwi_search_distance(search, node) = distance;
    search->queue[search->reached++] = node;
}

static void start(lwi_search *search)
{
    for (uint32_t i = 0; i < search->reached; i++)
        lwi_bits_clear(search->seen, search->queue[i]);
    search->reached = 0;
    search->complete = false;
    search->edges = edge_strength(search);
    for (uint64_t i = 0; i < search->target_count; i++) {
        lw_node node = search->targets[i];
        if (!lwi_is_garbage(search->snapshot, node) && !lwi_bits_get(search->seen, node))
            reach(search, node, 0);
    }
}

static void expand(lwi_search *search, lw_node node)
{
    const lwi_holders *holders = search->holders;
    uint64_t end = lwi_row_end(&holders->rows, node);
    for (uint64_t i = lwi_row_start(&holders->rows, node); i < end; i++) {
        lw_node holder = holders->rows.items[i];
        if (lwi_bits_get(search->seen, holder) || lwi_search_is_banned(search, holder) ||
            lwi_holder_strength(holders, i) > search->edges ||
            lwi_search_is_cut(search, holder, node))
            continue;
        reach(search, holder, *lwi_search_distance(search, node) + 1);
    }
}

static bool get_holders(lwi_search *search)
{
    if (search->holders)
        return true;
    if (!lwi_filter_has_edges(&search->filter)) {
        search->holders = lwi_holders_of(search->snapshot);
    } else if (lwi_holders_build(&search->own, search->snapshot, search->mem, lwi_filter_edge,
                                 &search->filter)) {
        search->holders = &search->own;
    }
    return search->holders;
}

/* Where the level ends that begins at `begin`. */
static uint32_t level_end(lwi_search *search, uint32_t begin)
{
    uint32_t end = begin, distance = *lwi_search_distance(search, search->queue[begin]);
    if (!search->complete)
        return search->reached;
    while (end < search->reached && *lwi_search_distance(search, search->queue[end]) == distance)
        end++;
    return end;
}

static void expand_level(lwi_search *search, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        if (i + AHEAD < search->reached)
            LWI_PREFETCH(&search->holders->rows.end[search->queue[i + AHEAD]]);
        expand(search, search->queue[i]);
    }
}

/* --- from the roots ------------------------------------------------------------------------ */

/* Whether no path of now goes through a node; one may end at a target that is ignored. */
static bool is_barred(lwi_search *search, lw_node node)
{
    return lwi_search_is_banned(search, node) &&
           !(lwi_bits_get(search->seen, node) && *lwi_search_distance(search, node) == 0);
}

static void reach_ahead(lwi_search *search, lw_node node, uint32_t distance)
{
    lwi_ahead *ahead = &search->ahead;
    lwi_bits_set(ahead->seen, node);
    if (!lwi_bits_get(search->seen, node))
        *lwi_search_distance(search, node) = distance;
    ahead->queue[ahead->reached++] = node;
}

static void forget_ahead(lwi_ahead *ahead)
{
    for (uint32_t i = 0; i < ahead->reached; i++)
        lwi_bits_clear(ahead->seen, ahead->queue[i]);
    ahead->reached = ahead->begin = ahead->levels = 0;
}

static void start_at(lwi_search *search, lw_node node)
{
    uint32_t root;
    if (!lwi_bits_get(search->ahead.seen, node) && !is_barred(search, node) &&
        lwi_search_root(search, node, &root))
        reach_ahead(search, node, 0);
}

static bool start_ahead(lwi_search *search)
{
    const lw_snapshot *snapshot = search->snapshot;
    lwi_ahead *ahead = &search->ahead;
    uint64_t nodes = snapshot->info.nodes;
    size_t size = lwi_array_size(nodes, sizeof(uint32_t));
    if (!ahead->seen)
        ahead->seen = lwi_alloc(search->mem, (size_t)lwi_bits_words(nodes) * sizeof(uint64_t));
    if (!ahead->queue)
        ahead->queue = lwi_resize(search->mem, NULL, 0, size);
    if (!ahead->seen || !ahead->queue)
        return false;
    for (uint32_t i = 0; i < snapshot->info.roots; i++)
        start_at(search, snapshot->roots[i].node);
    for (uint32_t i = 0; search->strength >= LWI_OUTSIDE && i < snapshot->outside.count; i++)
        start_at(search, snapshot->outside.items[i].node);
    ahead->levels = 1;
    return true;
}

static void expand_ahead(lwi_search *search)
{
    const lw_snapshot *snapshot = search->snapshot;
    lwi_ahead *ahead = &search->ahead;
    uint32_t end = ahead->reached;
    for (; ahead->begin < end; ahead->begin++) {
        lw_node node = ahead->queue[ahead->begin];
        uint64_t row_end = lwi_row_end(&snapshot->rows, node);
        for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < row_end; edge++) {
            lw_node to = snapshot->rows.items[edge];
            if (lwi_bits_get(ahead->seen, to) || is_barred(search, to) ||
                !lwi_search_takes(search, edge) || lwi_search_is_cut(search, node, to))
                continue;
            reach_ahead(search, to, ahead->levels);
        }
    }
    ahead->levels++;
    ahead->work = work_of(&snapshot->rows, ahead->queue + end, ahead->reached - end, UINT64_MAX);
}

/* --- both ---------------------------------------------------------------------------------- */

/* Whether the roots' side has less to do than the targets' level [begin, end). */
static bool is_less_ahead(const lwi_search *search, uint32_t begin, uint32_t end)
{
    const lw_snapshot *snapshot = search->snapshot;
    uint64_t work = search->ahead.levels
                        ? search->ahead.work
                        : START + (uint64_t)snapshot->info.roots + snapshot->outside.count;
    return work_of(&search->holders->rows, search->queue + begin, end - begin, work) > work;
}

/* Whether both sides meet in the last level from the targets, which begins at `begin`. */
static bool is_met(const lwi_search *search, uint32_t begin)
{
    for (uint32_t i = begin; i < search->reached; i++) {
        if (lwi_bits_get(search->ahead.seen, search->queue[i]))
            return true;
    }
    return false;
}

/* Whether a node refers to one that is `distance` away from the targets. */
static bool leads_to(lwi_search *search, lw_node node, uint32_t distance)
{
    const lw_snapshot *snapshot = search->snapshot;
    uint64_t end = lwi_row_end(&snapshot->rows, node);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
        lw_node to = snapshot->rows.items[edge];
        if (lwi_bits_get(search->seen, to) && *lwi_search_distance(search, to) == distance &&
            lwi_search_takes(search, edge) && !lwi_search_is_cut(search, node, to))
            return true;
    }
    return false;
}

/* From the level [*begin, *end) where both met back to the roots, over the roots' own levels: what
 * these lead to at the right distance is met too. */
static void carry_on(lwi_search *search, uint32_t *begin, uint32_t *end)
{
    const lwi_ahead *ahead = &search->ahead;
    uint32_t at = ahead->begin, distance = *lwi_search_distance(search, search->queue[*begin]);
    for (uint32_t left = ahead->levels - 1; left > 0; left--, distance++) {
        for (; at > 0 && *lwi_search_distance(search, ahead->queue[at - 1]) == left - 1; at--) {
            if (leads_to(search, ahead->queue[at - 1], distance))
                reach(search, ahead->queue[at - 1], distance + 1);
        }
        *begin = *end;
        *end = search->reached;
    }
}

/* Whether a root holds a node of the level; once there is a roots' side, whether the two meet. */
static bool is_found(lwi_search *search, uint32_t *begin, uint32_t *end)
{
    uint32_t root;
    if (search->ahead.levels == 0) {
        for (uint32_t i = *begin; i < *end; i++) {
            if (lwi_search_root(search, search->queue[i], &root))
                return true;
        }
        return false;
    }
    if (!is_met(search, *begin))
        return false;
    carry_on(search, begin, end);
    return true;
}

/* Goes on by one level on the side that has less to do. */
static bool go_on(lwi_search *search, uint32_t *begin, uint32_t *end, bool *stuck)
{
    if (!get_holders(search))
        return false;
    if (!is_less_ahead(search, *begin, *end)) {
        expand_level(search, *begin, *end);
        *begin = *end;
        *end = search->reached;
        return true;
    }
    if (search->ahead.levels == 0 && !start_ahead(search))
        return false;
    expand_ahead(search);
    *stuck = search->ahead.begin == search->ahead.reached;
    return true;
}

/* What a pass has reached in vain, the next one over the same edges need not reach again. */
bool lwi_search_pass(lwi_search *search, uint32_t *begin, uint32_t *end, bool *found)
{
    bool stuck = false; /* the roots lead nowhere */
    *found = false;
    forget_ahead(&search->ahead);
    if (!search->complete || search->edges != edge_strength(search))
        start(search);
    for (*begin = *end = 0; *begin < search->reached && !stuck;) {
        if (*end == *begin || search->complete)
            *end = level_end(search, *begin);
        *found = is_found(search, begin, end);
        if (*found)
            return true;
        if (search->complete)
            *begin = *end;
        else if (!go_on(search, begin, end, &stuck))
            return false;
    }
    search->complete = !stuck;
    return true;
}
