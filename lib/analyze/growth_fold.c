/* Makes each structure one place: of a tree the branches, of a queue its blocks. What it hangs on
 * stays apart: the place at its top, or, where it is reached from two sides, what holds both. */
#include "analyze/growth.h"

typedef struct folding {
    lwi_fold *fold;
    lwi_trie *from;
    uint32_t *top; /* by name of a set: its highest place, or what it hangs on if it has two */
    uint32_t *one; /* by name of a set: the place that it becomes; LWI_NOWHERE: not yet */
} folding;

static void find_tops(folding *it)
{
    lwi_trie *trie = it->from;
    for (uint32_t place = 0; place < trie->count; place++)
        it->top[place] = it->one[place] = LWI_NOWHERE;
    for (uint32_t place = 1; place < trie->count; place++) {
        uint32_t set = lwi_trie_set(trie, place), above = trie->places[place].step.parent;
        if (lwi_trie_set(trie, above) == set)
            continue; /* not at the top */
        it->top[set] = it->top[set] == LWI_NOWHERE ? place : above;
    }
}

/* The place that a structure becomes, below its top. The first place of it that comes here is next
 * to the top, so that its step is one from there. */
static uint32_t fold_set(folding *it, uint32_t set, const lwi_place *place)
{
    if (it->one[set] == LWI_NOWHERE) {
        lwi_step_key step = {it->fold->to[it->top[set]], place->step.label, place->step.type};
        it->one[set] = lwi_trie_put(&it->fold->trie, step);
        if (it->one[set] != LWI_NOWHERE)
            it->fold->trie.places[it->one[set]].chain = true;
    }
    return it->one[set];
}

static uint32_t fold_place(folding *it, uint32_t place)
{
    const lwi_place *from = &it->from->places[place];
    uint32_t set = lwi_trie_set(it->from, place);
    if (it->top[set] != place)
        return fold_set(it, set, from);
    lwi_step_key step = {it->fold->to[from->step.parent], from->step.label, from->step.type};
    return lwi_trie_put(&it->fold->trie, step);
}

static bool fold_all(folding *it)
{
    find_tops(it);
    it->fold->to[0] = 0;
    for (uint32_t place = 1; place < it->from->count; place++) {
        it->fold->to[place] = fold_place(it, place);
        if (it->fold->to[place] == LWI_NOWHERE)
            return false;
    }
    return true;
}

static bool sum_up(lwi_fold *fold, const lwi_growing *growing)
{
    for (uint64_t i = 0; i < growing->count; i++) {
        const lwi_growth_sums *from = &growing->sums[i];
        lwi_growth_sums *to = &fold->sums[i];
        to->count = (uint32_t)fold->trie.count;
        to->objects = lwi_alloc(fold->mem, lwi_array_size(to->count, sizeof *to->objects));
        to->bytes = lwi_alloc(fold->mem, lwi_array_size(to->count, sizeof *to->bytes));
        if (!to->objects || !to->bytes)
            return false;
        for (uint32_t place = 0; place < from->count; place++) {
            to->objects[fold->to[place]] += from->objects[place];
            to->bytes[fold->to[place]] += from->bytes[place];
        }
    }
    return true;
}

bool lwi_fold_make(lwi_fold *fold, lwi_growing *growing)
{
    lwi_mem *mem = &growing->mem;
    uint64_t count = growing->trie.count;
    size_t size = lwi_array_size(count, sizeof(uint32_t));
    *fold = (lwi_fold){.mem = mem, .from_count = (uint32_t)count, .count = growing->count};
    folding it = {.fold = fold, .from = &growing->trie};
    lwi_trie_join(&growing->trie);
    it.top = lwi_resize(mem, NULL, 0, size);
    it.one = lwi_resize(mem, NULL, 0, size);
    fold->to = lwi_resize(mem, NULL, 0, size);
    fold->sums = lwi_alloc(mem, lwi_array_size(fold->count, sizeof *fold->sums));
    bool ready = lwi_trie_open(&fold->trie, mem) && it.top && it.one && fold->to && fold->sums &&
                 fold_all(&it) && sum_up(fold, growing);
    lwi_free(mem, it.top, size);
    lwi_free(mem, it.one, size);
    return ready;
}

void lwi_fold_free(lwi_fold *fold)
{
    for (uint64_t i = 0; fold->sums && i < fold->count; i++) {
        lwi_growth_sums *sums = &fold->sums[i];
        lwi_free(fold->mem, sums->objects, lwi_array_size(sums->count, sizeof *sums->objects));
        lwi_free(fold->mem, sums->bytes, lwi_array_size(sums->count, sizeof *sums->bytes));
    }
    lwi_free(fold->mem, fold->sums, lwi_array_size(fold->count, sizeof *fold->sums));
    lwi_free(fold->mem, fold->to, lwi_array_size(fold->from_count, sizeof *fold->to));
    lwi_trie_close(&fold->trie);
}
