#include "analyze/growth_trie.h"

#include "base/hash.h"
#include "base/order.h"

enum {
    PERIOD = 4,    /* the longest pattern of steps that is seen at once */
    DEEP = 32,     /* from here on longer ones are looked for */
    FAR_BACK = 64, /* but no longer than this */
    DEEPEST = 1000 /* paths longer than this are told apart no further */
};

/* --- steps ----------------------------------------------------------------------------------- */

static uint64_t hash_step(lwi_step_key step)
{
    return lwi_hash_mix((uint64_t)step.parent << 32 | step.type, step.label);
}

static bool same_step(const void *items, uint32_t id, const void *key)
{
    const lwi_step_key *a = &((const lwi_link *)items)[id].step, *b = key;
    return a->parent == b->parent && a->label == b->label && a->type == b->type;
}

static uint32_t add_place(lwi_trie *trie, lwi_step_key step)
{
    void *places = trie->places;
    if (!lwi_grow(trie->mem, &places, &trie->room, trie->count + 1, sizeof *trie->places))
        return LWI_NOWHERE;
    trie->places = places;
    uint32_t place = (uint32_t)trie->count++;
    trie->places[place] = (lwi_place){.step = step, .set = place};
    if (place > 0)
        trie->places[place].depth = trie->places[step.parent].depth + 1;
    return place;
}

static uint32_t add_link(lwi_trie *trie, lwi_step_key step, uint32_t to)
{
    void *links = trie->links;
    if (!lwi_grow(trie->mem, &links, &trie->link_room, trie->link_count + 1, sizeof *trie->links))
        return LWI_NOWHERE;
    trie->links = links;
    trie->links[trie->link_count] = (lwi_link){step, to, 0};
    if (!lwi_index_add(&trie->index, hash_step(step), (uint32_t)trie->link_count))
        return LWI_NOWHERE;
    return (uint32_t)trie->link_count++;
}

bool lwi_trie_open(lwi_trie *trie, lwi_mem *mem)
{
    *trie = (lwi_trie){.mem = mem};
    lwi_index_init(&trie->index, mem);
    lwi_index_init(&trie->crossed, mem);
    return add_place(trie, (lwi_step_key){0, 0, 0}) == 0;
}

void lwi_trie_close(lwi_trie *trie)
{
    lwi_mem *mem = trie->mem;
    lwi_free(mem, trie->places, lwi_array_size(trie->room, sizeof *trie->places));
    lwi_free(mem, trie->links, lwi_array_size(trie->link_room, sizeof *trie->links));
    lwi_free(mem, trie->crossings, lwi_array_size(trie->crossing_room, sizeof *trie->crossings));
    lwi_index_free(&trie->index);
    lwi_index_free(&trie->crossed);
    *trie = (lwi_trie){.mem = mem};
}

/* --- patterns -------------------------------------------------------------------------------- */

uint32_t lwi_trie_set(lwi_trie *trie, uint32_t place)
{
    while (trie->places[place].set != place) {
        trie->places[place].set = trie->places[trie->places[place].set].set;
        place = trie->places[place].set;
    }
    return place;
}

/* The older place names the set, so that the name is its highest place or next to it. */
static void unite(lwi_trie *trie, uint32_t a, uint32_t b)
{
    a = lwi_trie_set(trie, a);
    b = lwi_trie_set(trie, b);
    trie->places[a > b ? a : b].set = a > b ? b : a;
}

/* Where a step from `at` leads back to: the place above, or `at` itself, that was reached by the
 * same step from the same type. 0: nowhere. */
static uint32_t begins_again(const lwi_trie *trie, lwi_step_key step)
{
    const lwi_place *places = trie->places;
    uint32_t from_type = places[step.parent].step.type;
    uint32_t most = places[step.parent].depth < DEEP ? PERIOD : FAR_BACK;
    uint32_t at = step.parent;
    for (uint32_t i = 0; i < most; i++) {
        uint32_t above = places[at].step.parent;
        if (at == 0 || above == 0)
            return 0;
        if (places[at].step.label == step.label && places[at].step.type == step.type &&
            places[above].step.type == from_type)
            return at;
        at = above;
    }
    return 0;
}

/* Marks the pattern from `top` down to `at`; what `top` hangs on has the type of `at`, so it is
 * the first of the structure. */
static void mark_pattern(lwi_trie *trie, uint32_t top, uint32_t at)
{
    lwi_place *places = trie->places;
    places[top].chain = true;
    for (;;) {
        unite(trie, at, places[at].step.parent);
        if (at == top)
            return;
        at = places[at].step.parent;
    }
}

uint32_t lwi_trie_take(lwi_trie *trie, lwi_step_key step, bool *limit)
{
    uint32_t link =
        lwi_index_find(&trie->index, hash_step(step), same_step, trie->links, &step);
    if (link != LWI_INDEX_NONE)
        return link;
    uint32_t to = begins_again(trie, step);
    if (to > 0)
        mark_pattern(trie, to, step.parent);
    else if (trie->places[step.parent].depth >= DEEPEST)
        to = step.parent;
    else
        to = add_place(trie, step);
    *limit = to != LWI_NOWHERE && trie->count >= LWI_PLACES_MAX - 1;
    return to == LWI_NOWHERE || *limit ? LWI_NOWHERE : add_link(trie, step, to);
}

uint32_t lwi_trie_put(lwi_trie *trie, lwi_step_key step)
{
    uint32_t link =
        lwi_index_find(&trie->index, hash_step(step), same_step, trie->links, &step);
    if (link != LWI_INDEX_NONE)
        return trie->links[link].to;
    uint32_t to = add_place(trie, step);
    return to == LWI_NOWHERE || add_link(trie, step, to) == LWI_NOWHERE ? LWI_NOWHERE : to;
}

/* --- structures that are reached from two sides ----------------------------------------------- */

static bool same_crossing(const void *items, uint32_t id, const void *key)
{
    return ((const uint64_t *)items)[id] == *(const uint64_t *)key;
}

/* What places of one type, one below the other, hang on. */
static uint32_t hook_of_type(const lwi_trie *trie, uint32_t place)
{
    const lwi_place *places = trie->places;
    uint32_t type = places[place].step.type;
    do {
        place = places[place].step.parent;
    } while (place > 0 && places[place].step.type == type);
    return place;
}

static bool is_below(const lwi_trie *trie, uint32_t place, uint32_t above)
{
    const lwi_place *places = trie->places;
    while (places[place].depth > places[above].depth)
        place = places[place].step.parent;
    return place == above;
}

/* Whether an edge between two places may tell that they are of one structure. */
static bool tells(const lwi_trie *trie, uint32_t from, uint32_t to)
{
    return trie->places[from].step.type == trie->places[to].step.type &&
           hook_of_type(trie, from) == hook_of_type(trie, to) && !is_below(trie, from, to) &&
           !is_below(trie, to, from);
}

bool lwi_trie_cross(lwi_trie *trie, uint32_t from, uint32_t to)
{
    uint64_t crossing = (uint64_t)from << 32 | to, hash = lwi_hash_u64(crossing);
    void *crossings = trie->crossings;
    if (!tells(trie, from, to) || lwi_index_find(&trie->crossed, hash, same_crossing, crossings,
                                                 &crossing) != LWI_INDEX_NONE)
        return true;
    if (!lwi_grow(trie->mem, &crossings, &trie->crossing_room, trie->crossing_count + 1,
                  sizeof *trie->crossings))
        return false;
    trie->crossings = crossings;
    trie->crossings[trie->crossing_count] = crossing;
    return lwi_index_add(&trie->crossed, hash, (uint32_t)trie->crossing_count++);
}

/* Makes a place one with all above it that are of its type. */
static void unite_upwards(lwi_trie *trie, uint32_t place)
{
    const lwi_place *places = trie->places;
    for (;;) {
        uint32_t above = places[place].step.parent;
        if (above == 0 || places[above].step.type != places[place].step.type)
            return;
        unite(trie, place, above);
        place = above;
    }
}

void lwi_trie_join(lwi_trie *trie)
{
    for (uint64_t i = 0; i < trie->crossing_count; i++) {
        uint64_t crossing = trie->crossings[i], back = crossing << 32 | crossing >> 32;
        uint32_t from = (uint32_t)(crossing >> 32), to = (uint32_t)crossing;
        if (lwi_index_find(&trie->crossed, lwi_hash_u64(back), same_crossing, trie->crossings,
                           &back) == LWI_INDEX_NONE)
            continue;
        unite_upwards(trie, from);
        unite_upwards(trie, to);
        unite(trie, from, to);
    }
}
