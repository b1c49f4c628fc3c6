/* One walk of a snapshot: each object that something holds gets its place in the trie.
 *
 * Breadth first, level by level, once for each strength. A level lies in the queue place by place,
 * in the order of their content; so the first place that reaches an object is the one it hangs on,
 * and among the edges from there the first label by content says how. No order of enumeration and
 * no address has a say. */
#include "analyze/growth.h"

#include "base/error.h"
#include "base/sort.h"
#include "snapshot/strength.h"

#include <string.h>

enum {
    AHEAD = 16, /* nodes of the queue whose rows are asked for before their turn */
    NEAR = 8    /* of a row's targets: so many places are asked for */
};

#define PENDING (UINT32_C(1) << 31)   /* found from the group at hand: the rest is the order of
                                         the label so far */
#define LABELS_MAX (UINT32_C(1) << 29)

/* A step that the group at hand took, by content. */
typedef struct taken {
    uint32_t label, type; /* orders */
    uint32_t to;
} taken;

typedef struct walk {
    lwi_growing *growing;
    lwi_trie *trie;
    const lw_snapshot *snapshot;
    lwi_lexicons lexicons;
    uint32_t *places;
    lw_node *queue, *scratch;
    uint32_t tail;
    uint64_t scratch_room;
    taken *taken;
    uint64_t taken_count, taken_room;
    uint32_t *reached; /* places that the level reached, in order */
    uint64_t reached_count, reached_room;
    uint64_t group, level;
    bool limit;
} walk;

/* --- what a group of nodes of one place reaches ----------------------------------------------- */

static void reach(walk *walk, lw_node node, uint32_t label)
{
    uint32_t *place = &walk->places[node];
    if (*place == LWI_NOWHERE) {
        *place = PENDING | label;
        walk->queue[walk->tail++] = node;
    } else if (*place & PENDING && *place > (PENDING | label)) {
        *place = PENDING | label;
    }
}

/* Edges between the two ends of a structure tell that it is one. */
static bool cross(walk *walk, uint32_t from, lw_node node)
{
    uint32_t to = walk->places[node];
    const lwi_place *places = walk->trie->places;
    if (to == from || to & PENDING)
        return true;
    return places[to].step.type != places[from].step.type ||
           lwi_trie_cross(walk->trie, from, to);
}

/* Asks for the places of what a node refers to. */
static void prefetch_places(const walk *walk, lw_node node)
{
    const lwi_rows *rows = &walk->snapshot->rows;
    uint64_t edge = lwi_row_start(rows, node), end = lwi_row_end(rows, node);
    end = end - edge > NEAR ? edge + NEAR : end;
    for (; edge < end; edge++)
        LWI_PREFETCH(&walk->places[rows->items[edge]]);
}

static bool scan(walk *walk, lw_node node, uint32_t place, int weakest, int strongest)
{
    const lw_snapshot *snapshot = walk->snapshot;
    uint64_t end = lwi_row_end(&snapshot->rows, node);
    for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
        int strength = lwi_edge_strength(lwi_kind_at(snapshot, edge));
        if (strength > weakest || strength < strongest)
            continue;
        uint32_t order = lwi_label_order(&walk->lexicons, lwi_label_at(snapshot, edge));
        if (!cross(walk, place, snapshot->rows.items[edge]))
            return false;
        reach(walk, snapshot->rows.items[edge], order * 4 + (uint32_t)strength);
    }
    return true;
}

/* Notes that the group took a step, once. */
static bool note(walk *walk, uint32_t label, uint32_t type, uint32_t link)
{
    lwi_link *it = &walk->trie->links[link];
    void *items = walk->taken;
    if (it->group == walk->group)
        return true;
    if (!lwi_grow(walk->trie->mem, &items, &walk->taken_room, walk->taken_count + 1,
                  sizeof *walk->taken))
        return false;
    walk->taken = items;
    walk->taken[walk->taken_count++] = (taken){label, type, it->to};
    it->group = walk->group;
    return true;
}

static int by_content(const void *a, const void *b, const void *user)
{
    const taken *x = a, *y = b;
    (void)user;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    return (x->type > y->type) - (x->type < y->type);
}

/* Puts the places that the group reached at the end of those that the level did. */
static bool line_up(walk *walk)
{
    void *items = walk->reached;
    if (!lwi_grow(walk->trie->mem, &items, &walk->reached_room,
                  walk->reached_count + walk->taken_count, sizeof *walk->reached))
        return false;
    walk->reached = items;
    if (walk->taken_count > 1)
        lwi_sort(walk->taken, walk->taken_count, sizeof *walk->taken, by_content, NULL);
    for (uint64_t i = 0; i < walk->taken_count; i++) {
        lwi_place *place = &walk->trie->places[walk->taken[i].to];
        if (place->level == walk->level)
            continue;
        place->level = walk->level;
        place->nodes = 0;
        place->order = (uint32_t)walk->reached_count;
        walk->reached[walk->reached_count++] = walk->taken[i].to;
    }
    return true;
}

/* Gives what the group found, from `begin` on, its places. */
static bool settle(walk *walk, uint32_t begin, uint32_t parent)
{
    const lwi_lexicons *lexicons = &walk->lexicons;
    uint32_t last_label = UINT32_MAX, last_type = UINT32_MAX, to = 0;
    walk->group++;
    walk->taken_count = 0;
    for (uint32_t i = begin; i < walk->tail; i++) {
        lw_node node = walk->queue[i];
        if (i + AHEAD < walk->tail)
            LWI_PREFETCH(&walk->snapshot->shape_of[walk->queue[i + AHEAD]]);
        uint32_t label = walk->places[node] & ~PENDING;
        uint32_t type = lexicons->types.order[lwi_shape_at(walk->snapshot, node)->type];
        if (label != last_label || type != last_type) {
            uint32_t word = parent == 0 ? lexicons->start_words[label]
                                        : lexicons->labels.word[label / 4] * 4 + label % 4;
            lwi_step_key step = {parent, word, lexicons->types.word[type]};
            uint32_t link = lwi_trie_take(walk->trie, step, &walk->limit);
            if (link == LWI_NOWHERE || !note(walk, label, type, link))
                return false;
            to = walk->trie->links[link].to;
            last_label = label;
            last_type = type;
        }
        walk->places[node] = to;
    }
    return line_up(walk);
}

/* --- levels ----------------------------------------------------------------------------------- */

/* What the nodes of queue[begin, end) reach, group by group. */
static bool reach_level(walk *walk, uint32_t begin, uint32_t end, int weakest, int strongest)
{
    const lwi_rows *rows = &walk->snapshot->rows;
    while (begin < end) {
        uint32_t place = walk->places[walk->queue[begin]], first = walk->tail;
        for (; begin < end && walk->places[walk->queue[begin]] == place; begin++) {
            if (begin + AHEAD < end)
                LWI_PREFETCH(&rows->end[walk->queue[begin + AHEAD]]);
            if (begin + AHEAD / 2 < end)
                LWI_PREFETCH(rows->items + lwi_row_start(rows, walk->queue[begin + AHEAD / 2]));
            if (begin + AHEAD / 4 < end)
                prefetch_places(walk, walk->queue[begin + AHEAD / 4]);
            if (!scan(walk, walk->queue[begin], place, weakest, strongest))
                return false;
        }
        if (walk->tail > first && !settle(walk, first, place))
            return false;
    }
    return true;
}

/* Puts a level, the end of the queue from `begin` on, in the order of its places. */
static bool order_level(walk *walk, uint32_t begin)
{
    lwi_place *places = walk->trie->places;
    uint32_t sum = 0, count = walk->tail - begin;
    void *scratch = walk->scratch;
    if (walk->reached_count > 1) {
        if (!lwi_grow(walk->trie->mem, &scratch, &walk->scratch_room, count,
                      sizeof *walk->scratch))
            return false;
        walk->scratch = scratch;
        for (uint32_t i = begin; i < walk->tail; i++)
            places[walk->places[walk->queue[i]]].nodes++;
        for (uint64_t i = 0; i < walk->reached_count; i++) {
            lwi_place *place = &places[walk->reached[i]];
            uint32_t nodes = place->nodes;
            place->nodes = sum;
            sum += nodes;
        }
        for (uint32_t i = begin; i < walk->tail; i++)
            walk->scratch[places[walk->places[walk->queue[i]]].nodes++] = walk->queue[i];
        memcpy(walk->queue + begin, walk->scratch, count * sizeof *walk->queue);
    }
    walk->reached_count = 0;
    walk->level++;
    return true;
}

/* Goes on over edges up to `weakest` until a level is empty. */
static bool drain(walk *walk, uint32_t begin, int weakest)
{
    while (begin < walk->tail) {
        uint32_t end = walk->tail;
        if (!reach_level(walk, begin, end, weakest, LWI_FIRM) || !order_level(walk, end))
            return false;
        begin = end;
    }
    return true;
}

/* --- beginnings ------------------------------------------------------------------------------- */

static uint32_t start_of(const walk *walk, const lwi_root *root)
{
    const lwi_lexicons *lexicons = &walk->lexicons;
    uint64_t start = (uint64_t)lexicons->roots.order[root->kind] << 32 |
                     lwi_label_order(lexicons, root->label);
    uint32_t low = 0, high = lexicons->start_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (lexicons->starts[middle] <= start)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void seed_roots(walk *walk, int strength, bool bystanders)
{
    const lw_snapshot *snapshot = walk->snapshot;
    for (uint32_t i = 0; i < snapshot->info.roots; i++) {
        const lwi_root *root = &snapshot->roots[i];
        uint32_t flags = snapshot->root_kinds[root->kind].flags;
        if (lwi_root_strength(flags) == strength && lwi_root_stands_by(flags) == bystanders)
            reach(walk, root->node, start_of(walk, root));
    }
}

/* The beginning that is held from outside comes after all others. */
static bool seed_outside(walk *walk)
{
    lwi_lexicons *lexicons = &walk->lexicons;
    uint32_t outside = lexicons->start_count;
    lwi_word word = {LWI_WORD_ROOT_LABEL, 0, "", "", 0, LWI_WORD_OUTSIDE, LWI_WORD_NONE};
    if (!lwi_names_put(&walk->growing->names, &word, &lexicons->start_words[outside]))
        return false;
    for (uint32_t i = 0; i < walk->snapshot->outside.count; i++)
        reach(walk, walk->snapshot->outside.items[i].node, outside);
    return true;
}

static bool pass(walk *walk, int strength, bool bystanders)
{
    uint32_t begin = walk->tail;
    int weakest = strength < LWI_DOUBTFUL ? strength : LWI_DOUBTFUL;
    if (strength == LWI_OUTSIDE) {
        if (!seed_outside(walk))
            return false;
    } else {
        seed_roots(walk, strength, bystanders);
    }
    if (walk->tail > begin && !settle(walk, begin, 0))
        return false;
    if (strength > LWI_FIRM && strength <= LWI_DOUBTFUL && !bystanders &&
        !reach_level(walk, 0, begin, strength, strength))
        return false;
    return order_level(walk, begin) && drain(walk, begin, weakest);
}

static bool has_edges(const lw_snapshot *snapshot, int32_t kind)
{
    return snapshot->edge_kinds >> kind & 1;
}

static bool worth_while(const lw_snapshot *snapshot, int strength)
{
    switch (strength) {
    case LWI_EPHEMERON:
        return has_edges(snapshot, LW_EDGE_EPHEMERON);
    case LWI_DOUBTFUL:
        return has_edges(snapshot, LW_EDGE_UNKNOWN);
    case LWI_OUTSIDE:
        return snapshot->outside.count > 0;
    default:
        return true;
    }
}

static bool walk_all(walk *walk)
{
    for (int strength = LWI_FIRM; strength < LWI_NEVER; strength++) {
        if (worth_while(walk->snapshot, strength) &&
            (!pass(walk, strength, false) || !pass(walk, strength, true)))
            return false;
    }
    return true;
}

lw_status lwi_growth_walk(lwi_growing *growing, const lw_snapshot *snapshot, uint32_t *places)
{
    lwi_mem *mem = &growing->mem;
    size_t size = lwi_array_size((uint64_t)snapshot->info.nodes + 1, sizeof(uint32_t));
    walk walk = {.growing = growing, .trie = &growing->trie, .snapshot = snapshot,
                 .places = places};
    memset(places, 0xff, size);
    walk.queue = lwi_resize(mem, NULL, 0, size);
    bool ready = walk.queue && lwi_lexicons_make(&walk.lexicons, &growing->names, snapshot);
    walk.limit = ready && growing->names.count >= LABELS_MAX;
    for (uint64_t i = 0; i < growing->trie.count; i++)
        growing->trie.places[i].level = 0;
    for (uint64_t i = 0; i < growing->trie.link_count; i++)
        growing->trie.links[i].group = 0;
    walk.level = 1;
    ready = ready && !walk.limit && walk_all(&walk);
    lwi_lexicons_free(&walk.lexicons, mem);
    lwi_free(mem, walk.queue, size);
    lwi_free(mem, walk.scratch, lwi_array_size(walk.scratch_room, sizeof *walk.scratch));
    lwi_free(mem, walk.taken, lwi_array_size(walk.taken_room, sizeof *walk.taken));
    lwi_free(mem, walk.reached, lwi_array_size(walk.reached_room, sizeof *walk.reached));
    return ready ? LW_OK : walk.limit ? LW_E_LIMIT : LW_E_NOMEM;
}
