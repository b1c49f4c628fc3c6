#include "analyze/growth.h"

#include "base/error.h"
#include "base/fnv.h"
#include "base/sort.h"
#include "base/structs.h"

#include <string.h>

/* --- snapshot by snapshot --------------------------------------------------------------------- */

bool lwi_growing_open(lwi_growing *growing, lw_allocator allocator, uint64_t per_step)
{
    memset(growing, 0, sizeof *growing);
    lwi_mem_init(&growing->mem, allocator, allocator);
    growing->per_step = per_step;
    bool names = lwi_names_open(&growing->names, &growing->mem);
    return lwi_trie_open(&growing->trie, &growing->mem) && names;
}

static void free_places(lwi_growing *growing, uint32_t *places, const lw_snapshot *snapshot)
{
    if (snapshot)
        lwi_free(&growing->mem, places,
                 lwi_array_size((uint64_t)snapshot->info.nodes + 1, sizeof *places));
}

void lwi_growing_close(lwi_growing *growing)
{
    lwi_mem *mem = &growing->mem;
    for (uint64_t i = 0; i < growing->count; i++) {
        lwi_growth_sums *sums = &growing->sums[i];
        lwi_free(mem, sums->objects, lwi_array_size(sums->count, sizeof *sums->objects));
        lwi_free(mem, sums->bytes, lwi_array_size(sums->count, sizeof *sums->bytes));
    }
    lwi_free(mem, growing->sums, lwi_array_size(growing->room, sizeof *growing->sums));
    free_places(growing, growing->first_places, growing->first);
    free_places(growing, growing->last_places, growing->last);
    lw_snapshot_release(growing->first);
    lw_snapshot_release(growing->last);
    lwi_trie_close(&growing->trie);
    lwi_names_close(&growing->names);
}

static bool add_up(lwi_growing *growing, const lw_snapshot *snapshot, const uint32_t *places)
{
    lwi_mem *mem = &growing->mem;
    void *all = growing->sums;
    if (!lwi_grow(mem, &all, &growing->room, growing->count + 1, sizeof *growing->sums))
        return false;
    growing->sums = all;
    lwi_growth_sums *sums = &growing->sums[growing->count++];
    *sums = (lwi_growth_sums){.count = (uint32_t)growing->trie.count};
    sums->objects = lwi_alloc(mem, lwi_array_size(sums->count, sizeof *sums->objects));
    sums->bytes = lwi_alloc(mem, lwi_array_size(sums->count, sizeof *sums->bytes));
    if (!sums->objects || !sums->bytes)
        return false;
    for (lw_node node = 0; node < snapshot->info.nodes; node++) {
        if (places[node] == LWI_NOWHERE)
            continue;
        sums->objects[places[node]]++;
        sums->bytes[places[node]] += lwi_shape_at(snapshot, node)->size;
    }
    for (uint32_t i = 0; i < snapshot->external.count; i++) {
        const lwi_rare *external = &snapshot->external.items[i];
        if (places[external->node] != LWI_NOWHERE)
            sums->bytes[places[external->node]] += external->value;
    }
    return true;
}

static void keep(lwi_growing *growing, lw_snapshot *snapshot, uint32_t *places)
{
    if (!growing->first) {
        growing->first = lw_snapshot_retain(snapshot);
        growing->first_places = places;
        return;
    }
    free_places(growing, growing->last_places, growing->last);
    lw_snapshot_release(growing->last);
    growing->last = lw_snapshot_retain(snapshot);
    growing->last_places = places;
}

static lw_status check_order(const lwi_growing *growing, const lw_snapshot *snapshot,
                             lw_error *error)
{
    const lw_snapshot *before = growing->last ? growing->last : growing->first;
    lw_status status = lwi_snapshot_check(snapshot, error);
    if (status != LW_OK || !before)
        return status;
    if (before->context != snapshot->context)
        return lwi_fail(error, LW_E_INVALID, "snapshot %u is of another context: its objects have "
                                             "nothing to do with those of the others",
                        (unsigned)growing->count);
    if (before->info.epoch > snapshot->info.epoch)
        return lwi_fail(error, LW_E_INVALID, "snapshot %u was taken before the one it comes "
                                             "after: pass them in order of time",
                        (unsigned)growing->count);
    return LW_OK;
}

lw_status lwi_growing_add(lwi_growing *growing, lw_snapshot *snapshot, lw_error *error)
{
    lw_status status = check_order(growing, snapshot, error);
    if (status != LW_OK)
        return status;
    size_t size = lwi_array_size((uint64_t)snapshot->info.nodes + 1, sizeof(uint32_t));
    uint32_t *places = lwi_resize(&growing->mem, NULL, 0, size);
    status = places ? lwi_growth_walk(growing, snapshot, places) : LW_E_NOMEM;
    if (status == LW_OK && !add_up(growing, snapshot, places))
        status = LW_E_NOMEM;
    if (status == LW_OK) {
        keep(growing, snapshot, places);
        return LW_OK;
    }
    lwi_free(&growing->mem, places, size);
    if (status == LW_E_LIMIT)
        return lwi_fail(error, status, "snapshot %u: too many different labels or paths for one "
                                       "comparison",
                        (unsigned)growing->count);
    return lwi_nomem(error, "the paths of a snapshot");
}

/* --- what people see -------------------------------------------------------------------------- */

static lw_label label_of(lw_growth *growth, const lwi_word *word, bool *ready)
{
    lw_label label = {word->style, 0, lwi_arena_text(&growth->arena, word->text, word->length)};
    *ready = *ready && label.text;
    return label;
}

static const char *text_of(lw_growth *growth, const char *text, bool *ready)
{
    text = lwi_arena_text(&growth->arena, text, strlen(text));
    *ready = *ready && text;
    return text;
}

/* Of edges that retain, the kind that has a strength. */
static int32_t kind_of(uint32_t strength)
{
    static const int32_t kinds[] = {LW_EDGE_STRONG, LW_EDGE_EPHEMERON, LW_EDGE_UNKNOWN};
    return kinds[strength];
}

static bool write_step(lw_growth *growth, lwi_head *head, const lwi_growing *growing,
                       const lwi_place *place)
{
    const lwi_word *words = growing->names.words, *type = &words[place->step.type];
    lw_growth_step *step = &head->path[place->depth - 1];
    bool ready = true, root = place->step.parent == 0;
    uint32_t number = root ? words[place->step.label].label : place->step.label / 4;
    *step = (lw_growth_step)LW_GROWTH_STEP_INIT;
    step->kind = root ? -1 : kind_of(place->step.label % 4);
    step->flags = (number == LWI_WORD_ANY ? LW_STEP_ANY : 0) | (place->chain ? LW_STEP_CHAIN : 0);
    step->label = label_of(growth, &words[number], &ready);
    step->type = text_of(growth, type->text, &ready);
    step->runtime = text_of(growth, type->runtime, &ready);
    if (root) {
        head->info.root_kind =
            text_of(growth, words[words[place->step.label].root].text, &ready);
        head->info.root_label = step->label;
    }
    return ready;
}

static uint64_t fingerprint_of(const lwi_head *head)
{
    uint64_t hash = lwi_fnv_text(LWI_FNV_BEGIN, head->info.root_kind, 0);
    if (head->info.flags & LW_GROWTH_BYTES)
        hash = lwi_fnv_text(hash, "bytes", 0);
    for (uint32_t i = 0; i < head->info.steps; i++) {
        const lw_growth_step *step = &head->path[i];
        const char how[] = {(char)('a' + step->kind + 1), (char)('a' + step->label.style + 2),
                            (char)('a' + step->flags), 0};
        hash = lwi_fnv_text(hash, how, 0);
        hash = lwi_fnv_text(hash, step->label.text, 0);
        hash = lwi_fnv_text(hash, step->type, 0);
        hash = lwi_fnv_text(hash, step->runtime, 0);
    }
    return hash;
}

static bool write_path(lw_growth *growth, lwi_head *head, const lwi_growing *growing,
                       const lwi_fold *fold, uint32_t place)
{
    const lwi_place *places = fold->trie.places;
    head->info.steps = places[place].depth;
    head->path = lwi_arena_array(&growth->arena, head->info.steps, sizeof *head->path);
    if (!head->path)
        return false;
    for (; place > 0; place = places[place].step.parent) {
        if (!write_step(growth, head, growing, &places[place]))
            return false;
    }
    head->info.fingerprint = fingerprint_of(head);
    return true;
}

static void write_sums(lw_growth *growth, const lwi_fold *fold, const lwi_heads *heads)
{
    for (uint32_t i = 0; i < growth->snapshots; i++) {
        for (uint32_t place = 1; place < fold->trie.count; place++) {
            uint32_t head = heads->head_of[place];
            if (head == LWI_NOWHERE)
                continue;
            growth->heads[head].points[i].objects += fold->sums[i].objects[place];
            growth->heads[head].points[i].bytes += fold->sums[i].bytes[place];
        }
    }
    for (uint32_t k = 0; k < growth->count; k++) {
        lwi_head *head = &growth->heads[k];
        for (uint32_t i = 0; i < growth->snapshots; i++)
            head->points[i].holders = head->info.flags & LW_GROWTH_ROOTS
                                          ? 0
                                          : fold->sums[i].objects[heads->places[k]];
        const lw_growth_point *from = &head->points[head->info.first];
        const lw_growth_point *to = &head->points[growth->snapshots - 1];
        head->info.holders = to->holders;
        head->info.objects = to->objects;
        head->info.bytes = to->bytes;
        head->info.objects_diff = (int64_t)(to->objects - from->objects);
        head->info.bytes_diff = (int64_t)(to->bytes - from->bytes);
    }
}

static bool write_heads(lw_growth *growth, const lwi_growing *growing, const lwi_fold *fold,
                        const lwi_heads *heads)
{
    growth->count = (uint32_t)heads->count;
    growth->heads = lwi_arena_zeros(&growth->arena, heads->count, sizeof *growth->heads);
    if (!growth->heads)
        return false;
    for (uint32_t i = 0; i < growth->count; i++) {
        lwi_head *head = &growth->heads[i];
        uint32_t place = heads->places[i];
        head->info = (lw_growth_head)LW_GROWTH_HEAD_INIT;
        head->info.node = LW_NODE_NONE;
        head->info.first = heads->firsts[i];
        head->info.flags = i >= heads->holding            ? LW_GROWTH_BYTES
                           : heads->head_of[place] == i ? LW_GROWTH_ROOTS
                                                        : 0;
        head->points = lwi_arena_array(&growth->arena, growth->snapshots, sizeof *head->points);
        if (!head->points || !write_path(growth, head, growing, fold, place))
            return false;
        for (uint32_t j = 0; j < growth->snapshots; j++)
            head->points[j] = (lw_growth_point)LW_GROWTH_POINT_INIT;
    }
    write_sums(growth, fold, heads);
    return true;
}

static int by_gain(const void *a, const void *b, const void *user)
{
    const lw_growth_head *x = &((const lwi_head *)a)->info, *y = &((const lwi_head *)b)->info;
    (void)user;
    if (x->bytes_diff != y->bytes_diff)
        return x->bytes_diff > y->bytes_diff ? -1 : 1;
    if (x->objects_diff != y->objects_diff)
        return x->objects_diff > y->objects_diff ? -1 : 1;
    return (x->fingerprint > y->fingerprint) - (x->fingerprint < y->fingerprint);
}

static lw_growth *new_growth(lwi_growing *growing)
{
    lw_allocator allocator = growing->mem.allocator;
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_growth *growth = lwi_alloc(&mem, sizeof *growth);
    if (!growth)
        return NULL;
    lwi_mem_init(&growth->mem, allocator, allocator);
    lwi_arena_init(&growth->arena, &growth->mem);
    growth->last = lw_snapshot_retain(growing->last);
    growth->snapshots = (uint32_t)growing->count;
    return growth;
}

lw_status lwi_growing_finish(lwi_growing *growing, lw_growth **growth, lw_error *error)
{
    lwi_fold fold;
    lwi_heads heads = {0};
    lw_growth *made = new_growth(growing);
    bool ready = lwi_fold_make(&fold, growing) && made &&
                 lwi_heads_find(&heads, &fold, growing->per_step, &growing->mem) &&
                 write_heads(made, growing, &fold, &heads);
    lw_status status = ready ? LW_OK : LW_E_NOMEM;
    if (status == LW_OK && made->count > 0)
        status = lwi_growth_holders(made, growing, &fold, &heads, error);
    lwi_heads_free(&heads, &fold, &growing->mem);
    lwi_fold_free(&fold);
    if (status != LW_OK) {
        lw_growth_release(made);
        return lwi_nomem(error, "what grew");
    }
    lwi_sort(made->heads, made->count, sizeof *made->heads, by_gain, NULL);
    *growth = made;
    return LW_OK;
}

/* --- the calls -------------------------------------------------------------------------------- */

static lw_status add_all(lwi_growing *growing, lw_snapshot *const *snapshots, uint32_t count,
                         const lw_growth_options *options, lw_error *error)
{
    lw_status status = LW_OK;
    for (uint32_t i = 0; status == LW_OK && i < count; i++) {
        if (options->progress && options->progress("growth", i, count, options->user))
            return lwi_fail(error, LW_E_CANCELLED, "cancelled at snapshot %u of %u", (unsigned)i,
                            (unsigned)count);
        status = lwi_growing_add(growing, snapshots[i], error);
    }
    return status;
}

lw_status lw_growth_create(lw_snapshot *const *snapshots, uint32_t count,
                           const lw_growth_options *options, lw_growth **growth, lw_error *error)
{
    lw_growth_options full;
    lwi_growing growing;
    if (!growth)
        return lwi_fail(error, LW_E_INVALID, "growth is NULL: pass where the heads shall go");
    *growth = NULL;
    lw_status status = lwi_take(&full, sizeof full, options, "lw_growth_options", error);
    if (status != LW_OK)
        return status;
    if (!snapshots || count < 3)
        return lwi_fail(error, LW_E_INVALID, "%u snapshots: growth takes at least 3, so that "
                                             "there are two steps",
                        snapshots ? (unsigned)count : 0);
    status = lwi_snapshot_check(snapshots[0], error);
    if (status != LW_OK)
        return status;
    if (!lwi_growing_open(&growing, snapshots[0]->mem.allocator, full.per_step))
        status = lwi_nomem(error, "growth");
    if (status == LW_OK)
        status = add_all(&growing, snapshots, count, &full, error);
    if (status == LW_OK)
        status = lwi_growing_finish(&growing, growth, error);
    lwi_growing_close(&growing);
    return status;
}

void lw_growth_release(lw_growth *growth)
{
    if (!growth)
        return;
    lw_snapshot_release(growth->last);
    lwi_arena_free(&growth->arena);
    lwi_mem mem;
    lwi_mem_init(&mem, growth->mem.allocator, growth->mem.allocator);
    lwi_free(&mem, growth, sizeof *growth);
}

uint32_t lw_growth_count(const lw_growth *growth)
{
    return growth ? growth->count : 0;
}

static lw_status head_check(const lw_growth *growth, uint32_t index, lw_error *error)
{
    if (!growth)
        return lwi_fail(error, LW_E_INVALID, "growth is NULL: make one with lw_growth_create()");
    if (index >= growth->count)
        return lwi_fail(error, LW_E_NOT_FOUND, "head %u: %u were found, from 0", (unsigned)index,
                        (unsigned)growth->count);
    return LW_OK;
}

lw_status lw_growth_get(const lw_growth *growth, uint32_t index, lw_growth_head *head,
                        lw_error *error)
{
    lw_status status = lwi_result_check(head, "lw_growth_head", error);
    if (status == LW_OK)
        status = head_check(growth, index, error);
    if (status == LW_OK)
        lwi_give(head, &growth->heads[index].info, sizeof *head);
    return status;
}

lw_status lw_growth_point_get(const lw_growth *growth, uint32_t index, uint32_t snapshot,
                              lw_growth_point *point, lw_error *error)
{
    lw_status status = lwi_result_check(point, "lw_growth_point", error);
    if (status == LW_OK)
        status = head_check(growth, index, error);
    if (status != LW_OK)
        return status;
    if (snapshot >= growth->snapshots)
        return lwi_fail(error, LW_E_NOT_FOUND, "snapshot %u: there were %u, from 0",
                        (unsigned)snapshot, (unsigned)growth->snapshots);
    lwi_give(point, &growth->heads[index].points[snapshot], sizeof *point);
    return LW_OK;
}

lw_status lw_growth_step_get(const lw_growth *growth, uint32_t index, uint32_t step,
                             lw_growth_step *to, lw_error *error)
{
    lw_status status = lwi_result_check(to, "lw_growth_step", error);
    if (status == LW_OK)
        status = head_check(growth, index, error);
    if (status != LW_OK)
        return status;
    const lwi_head *head = &growth->heads[index];
    if (step >= head->info.steps)
        return lwi_fail(error, LW_E_NOT_FOUND, "step %u: the path of head %u has %u, from 0",
                        (unsigned)step, (unsigned)index, (unsigned)head->info.steps);
    lwi_give(to, &head->path[step], sizeof *to);
    return LW_OK;
}

lw_status lw_growth_each(const lw_growth *growth, uint32_t index, lw_node_fn visit, void *user,
                         lw_error *error)
{
    lw_status status = head_check(growth, index, error);
    if (status != LW_OK)
        return status;
    if (!visit)
        return lwi_fail(error, LW_E_INVALID, "visit is NULL: pass what to call for each object");
    const lwi_head *head = &growth->heads[index];
    for (uint64_t i = 0; i < head->info.grown; i++) {
        if (visit(growth->grown[head->grown + i], user) != 0)
            break;
    }
    return LW_OK;
}
