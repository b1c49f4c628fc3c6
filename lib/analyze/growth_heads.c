/* Which paths grow: of what grew in every step the holder, unless that grows too. And what became
 * larger in every step without becoming more. */
#include "analyze/growth.h"

/* Children of each place, in the order in which they were made. */
typedef struct family {
    uint32_t *first, *next;
    uint32_t *end; /* the last child, while the rows are made */
} family;

typedef struct inquiry {
    const lwi_fold *fold;
    lwi_heads *heads;
    lwi_mem *mem;
    family family;
    uint64_t *part; /* bits: a place whose growth is part of a head's */
    uint64_t *counts; /* of one thing, by snapshot */
    uint64_t per_step;
    uint32_t last;  /* number of the last snapshot */
} inquiry;

static uint64_t held(const inquiry *it, uint32_t place, uint32_t snapshot)
{
    return it->fold->sums[snapshot].objects[place];
}

/* The snapshot from which on a place always has objects; `last` + 1: it has none at the end. */
static uint32_t since(const inquiry *it, uint32_t place)
{
    uint32_t first = it->last + 1;
    if (place == 0)
        return 0;
    while (first > 0 && held(it, place, first - 1) > 0)
        first--;
    return first;
}

/* Whether objects with this step have no name of their own there: elements, entries. */
static bool is_one_of_many(const lwi_place *place)
{
    return place->step.parent > 0 && place->step.label / 4 == LWI_WORD_ANY;
}

/* What a row of counts says: the snapshot from which on it grew in every step, for at least two
 * steps, or NEVER. That is the one where its holder appears or, later, where it does itself. */
#define NEVER UINT32_MAX

static uint32_t grew_from(const inquiry *it, uint32_t first)
{
    uint32_t from = it->last;
    while (from > first && it->counts[from] >= it->counts[from - 1] + it->per_step)
        from--;
    if (from > first && from < it->last && it->counts[from] == 0)
        from++;
    bool appears = from > first && it->counts[from - 1] == 0;
    return (from == first || appears) && it->last - from >= 2 ? from : NEVER;
}

/* The same for one place. */
static uint32_t place_grew(const inquiry *it, uint32_t place, uint32_t first)
{
    for (uint32_t i = first; i <= it->last; i++)
        it->counts[i] = held(it, place, i);
    return grew_from(it, first);
}

/* For elements of whatever type, taken together. */
static uint32_t many_grew(const inquiry *it, uint32_t holder, uint32_t first)
{
    const lwi_place *places = it->fold->trie.places;
    for (uint32_t i = first; i <= it->last; i++) {
        it->counts[i] = 0;
        for (uint32_t child = it->family.first[holder]; child; child = it->family.next[child])
            it->counts[i] += is_one_of_many(&places[child]) ? held(it, child, i) : 0;
    }
    return grew_from(it, first);
}

static bool add_head(inquiry *it, uint32_t place, uint32_t first)
{
    lwi_heads *heads = it->heads;
    void *places = heads->places, *firsts = heads->firsts;
    if (!lwi_grow(it->mem, &places, &heads->room, heads->count + 1, sizeof *heads->places))
        return false;
    heads->places = places;
    if (!lwi_grow(it->mem, &firsts, &heads->first_room, heads->count + 1, sizeof *heads->firsts))
        return false;
    heads->firsts = firsts;
    heads->places[heads->count] = place;
    heads->firsts[heads->count++] = first;
    return true;
}

/* Makes a child part of the growth of the last head. */
static void join_head(inquiry *it, uint32_t place, uint32_t from)
{
    uint32_t head = (uint32_t)it->heads->count - 1;
    it->heads->head_of[place] = head;
    if (it->heads->firsts[head] > from)
        it->heads->firsts[head] = from;
    lwi_bits_set(it->part, place);
}

/* A holder whose growth nothing above explains: is it a head? Of what the roots hold, each path
 * is one. */
static bool look_at(inquiry *it, uint32_t holder, uint32_t first)
{
    const lwi_place *places = it->fold->trie.places;
    uint32_t many = many_grew(it, holder, first);
    bool is_head = false;
    for (uint32_t i = it->family.first[holder]; i; i = it->family.next[i]) {
        uint32_t from = place_grew(it, i, first);
        if (many != NEVER && is_one_of_many(&places[i]) &&
            held(it, i, it->last) > held(it, i, many))
            from = many;
        if (from == NEVER)
            continue;
        if ((!is_head || holder == 0) && !add_head(it, holder ? holder : i, from))
            return false;
        is_head = true;
        join_head(it, i, from);
    }
    return true;
}

/* Below what grows, only holders that do not become more are heads of their own. */
static bool is_explained(const inquiry *it, uint32_t place, uint32_t first)
{
    return lwi_bits_get(it->part, place) ||
           (it->heads->head_of[place] != LWI_NOWHERE &&
            held(it, place, it->last) > held(it, place, first));
}

static bool find_all(inquiry *it)
{
    const lwi_trie *trie = &it->fold->trie;
    uint32_t *head_of = it->heads->head_of;
    for (uint32_t place = 0; place < trie->count; place++)
        head_of[place] = LWI_NOWHERE;
    if (!look_at(it, 0, 0))
        return false;
    for (uint32_t place = 1; place < trie->count; place++) {
        uint32_t above = trie->places[place].step.parent, first = since(it, place);
        if (!lwi_bits_get(it->part, place))
            head_of[place] = head_of[above];
        if (first + 2 > it->last || is_explained(it, place, first))
            continue;
        if (!look_at(it, place, first))
            return false;
    }
    return true;
}

/* ---- what swells ---- */

/* The first snapshot from which on there were as many objects as at the end. */
static uint32_t steady_since(const inquiry *it, uint32_t place)
{
    uint32_t first = it->last, many = held(it, place, it->last);
    while (first > 0 && held(it, place, first - 1) == many)
        first--;
    return first;
}

static uint32_t swelled_from(const inquiry *it, uint32_t place)
{
    uint32_t first = steady_since(it, place), from = it->last;
    const lwi_growth_sums *sums = it->fold->sums;
    while (from > first &&
           sums[from].bytes[place] >= sums[from - 1].bytes[place] + it->per_step)
        from--;
    return from == first && it->last - from >= 2 ? from : NEVER;
}

static bool find_swelling(inquiry *it)
{
    lwi_heads *heads = it->heads;
    uint64_t *holds = it->part; /* its work is done; from here on: a holder of what grows */
    heads->holding = heads->count;
    for (uint64_t i = 0; i < heads->holding; i++)
        lwi_bits_set(holds, heads->places[i]);
    for (uint32_t place = 1; place < it->fold->trie.count; place++) {
        if (lwi_bits_get(holds, place) || held(it, place, it->last) == 0)
            continue;
        uint32_t from = swelled_from(it, place);
        if (from == NEVER)
            continue;
        if (!add_head(it, place, from))
            return false;
        heads->head_of[place] = (uint32_t)heads->count - 1;
    }
    return true;
}

static bool open_family(family *family, const lwi_trie *trie, lwi_mem *mem)
{
    size_t size = lwi_array_size(trie->count, sizeof(uint32_t));
    family->first = lwi_alloc(mem, size);
    family->next = lwi_alloc(mem, size);
    family->end = lwi_alloc(mem, size);
    if (!family->first || !family->next || !family->end)
        return false;
    for (uint32_t place = 1; place < trie->count; place++) {
        uint32_t above = trie->places[place].step.parent;
        if (family->first[above])
            family->next[family->end[above]] = place;
        else
            family->first[above] = place;
        family->end[above] = place;
    }
    return true;
}

bool lwi_heads_find(lwi_heads *heads, const lwi_fold *fold, uint64_t per_step, lwi_mem *mem)
{
    uint64_t count = fold->trie.count;
    size_t size = lwi_array_size(count, sizeof(uint32_t));
    size_t bits = lwi_array_size(lwi_bits_words(count), sizeof(uint64_t));
    inquiry it = {.fold = fold, .heads = heads, .mem = mem, .last = (uint32_t)fold->count - 1,
                  .per_step = per_step ? per_step : 1};
    *heads = (lwi_heads){0};
    heads->head_of = lwi_resize(mem, NULL, 0, size);
    it.part = lwi_alloc(mem, bits);
    it.counts = lwi_alloc(mem, lwi_array_size(fold->count, sizeof *it.counts));
    bool ready = heads->head_of && it.part && it.counts &&
                 open_family(&it.family, &fold->trie, mem) && find_all(&it) && find_swelling(&it);
    lwi_free(mem, it.part, bits);
    lwi_free(mem, it.counts, lwi_array_size(fold->count, sizeof *it.counts));
    lwi_free(mem, it.family.first, size);
    lwi_free(mem, it.family.next, size);
    lwi_free(mem, it.family.end, size);
    return ready;
}

void lwi_heads_free(lwi_heads *heads, const lwi_fold *fold, lwi_mem *mem)
{
    lwi_free(mem, heads->head_of, lwi_array_size(fold->trie.count, sizeof(uint32_t)));
    lwi_free(mem, heads->places, lwi_array_size(heads->room, sizeof(uint32_t)));
    lwi_free(mem, heads->firsts, lwi_array_size(heads->first_room, sizeof(uint32_t)));
}
