/* The objects behind a head: which ones are new, and which of its holders gained most. */
#include "analyze/content.h"
#include "analyze/diff.h"
#include "analyze/dominate.h"
#include "analyze/growth.h"
#include "base/order.h"
#include "snapshot/strength.h"

typedef struct gain {
    lw_growth *growth;
    lwi_growing *growing;
    const lwi_fold *fold;
    const lwi_heads *heads;
    lw_diff *diff;
    uint32_t *head_at;    /* by place: whose holders are there; LWI_NOWHERE: none's */
    lw_node *holders;     /* of the last snapshot, head by head; then as much scratch */
    uint64_t holder_count;
    uint64_t *begins;     /* by head: its first holder; one more for the end */
    uint64_t *claimed[2]; /* bits of the first and the last snapshot: it is some holder's */
    lw_node *queue;
    uint64_t queue_room;
} gain;

static uint32_t place_of(const gain *gain, const uint32_t *places, lw_node node)
{
    return places[node] == LWI_NOWHERE ? LWI_NOWHERE : gain->fold->to[places[node]];
}

static uint32_t head_of(const gain *gain, const uint32_t *places, lw_node node)
{
    uint32_t place = place_of(gain, places, node);
    return place == LWI_NOWHERE ? LWI_NOWHERE : gain->heads->head_of[place];
}

/* --- new objects ------------------------------------------------------------------------------ */

static bool is_approximate(const gain *gain, lw_node node)
{
    const lw_snapshot *last = gain->growth->last;
    const lwi_type *type = lwi_type_at(last, node);
    const lwi_part *part = &last->parts[type->part];
    const lwi_part *before = lwi_part_named(gain->growing->first, part->name);
    return type->flags & LW_TYPE_FREELIST || !part->recorded || (before && !before->recorded);
}

/* Lists what is new, head by head. */
static bool list_grown(gain *gain)
{
    lw_growth *growth = gain->growth;
    const uint32_t *places = gain->growing->last_places;
    uint64_t sum = 0;
    for (int filling = 0; filling < 2; filling++) {
        for (lw_node node = 0; node < growth->last->info.nodes; node++) {
            uint32_t head = head_of(gain, places, node);
            if (head == LWI_NOWHERE || lwi_bits_get(gain->diff->target.matched, node))
                continue;
            lw_growth_head *info = &growth->heads[head].info;
            if (filling)
                growth->grown[growth->heads[head].grown + info->grown] = node;
            else if (!(info->flags & LW_GROWTH_APPROXIMATE) && is_approximate(gain, node))
                info->flags |= LW_GROWTH_APPROXIMATE;
            info->grown++;
        }
        for (uint32_t i = 0; !filling && i < growth->count; i++) {
            growth->heads[i].grown = sum;
            sum += growth->heads[i].info.grown;
            growth->heads[i].info.grown = 0;
        }
        if (!filling)
            growth->grown = lwi_arena_array(&growth->arena, sum, sizeof *growth->grown);
        if (!growth->grown)
            return false;
    }
    return true;
}

/* --- holders ---------------------------------------------------------------------------------- */

static int by_content(const void *user, uint32_t a, uint32_t b)
{
    return lwi_compare_nodes(user, a, b);
}

/* Lists the holders of all heads, each head's by content. */
static bool list_holders(gain *gain)
{
    lwi_mem *mem = &gain->growing->mem;
    const lw_snapshot *last = gain->growth->last;
    const uint32_t *places = gain->growing->last_places;
    uint32_t count = gain->growth->count;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        gain->begins[i] = sum;
        sum += gain->growth->heads[i].info.holders;
    }
    gain->begins[count] = gain->holder_count = sum;
    gain->holders = lwi_alloc(mem, lwi_array_size(sum * 2 + 1, sizeof *gain->holders));
    if (!gain->holders)
        return false;
    for (lw_node node = 0; node < last->info.nodes; node++) {
        uint32_t place = place_of(gain, places, node);
        if (place != LWI_NOWHERE && gain->head_at[place] != LWI_NOWHERE)
            gain->holders[gain->begins[gain->head_at[place]]++] = node;
    }
    for (uint32_t i = count; i > 0; i--)
        gain->begins[i] = gain->begins[i - 1];
    gain->begins[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t many = gain->begins[i + 1] - gain->begins[i];
        if (many > 1)
            lwi_order_ids(gain->holders + gain->begins[i], gain->holders + sum, (uint32_t)many,
                          by_content, last);
    }
    return true;
}

/* Takes what is not yet taken of a head's growth and reached from a holder over it. */
static bool claim(gain *gain, const lw_snapshot *snapshot, const uint32_t *places,
                  uint64_t *claimed, lw_node holder, uint32_t head, uint64_t *count)
{
    uint64_t at = 0, tail = 0;
    lw_node node = holder;
    for (;;) {
        uint64_t end = lwi_row_end(&snapshot->rows, node);
        for (uint64_t edge = lwi_row_start(&snapshot->rows, node); edge < end; edge++) {
            lw_node to = snapshot->rows.items[edge];
            void *queue = gain->queue;
            if (!lwi_edge_retains(lwi_kind_at(snapshot, edge)) || lwi_bits_get(claimed, to) ||
                head_of(gain, places, to) != head)
                continue;
            if (!lwi_grow(&gain->growing->mem, &queue, &gain->queue_room, tail + 1,
                          sizeof *gain->queue))
                return false;
            gain->queue = queue;
            gain->queue[tail++] = to;
            lwi_bits_set(claimed, to);
        }
        if (at == tail)
            break;
        node = gain->queue[at++];
    }
    *count = tail;
    return true;
}

/* The node of the first snapshot that is the same object; LW_NODE_NONE: there is none. */
static lw_node before(const gain *gain, lw_node node)
{
    const lw_snapshot *first = gain->growing->first, *last = gain->growth->last;
    if (!lwi_bits_get(gain->diff->target.matched, node))
        return LW_NODE_NONE;
    const lwi_part *part = lwi_part_named(first, lwi_part_of(last, node)->name);
    return part->first + lwi_keys_find(&part->keys, lwi_key_of_node(last, node));
}

static uint64_t sum_sizes(const gain *gain, uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += lwi_shape_at(gain->growth->last, gain->queue[i])->size;
    return sum;
}

/* Of those that gained most the one that has most, and the most bytes. */
static bool find_best(gain *gain, uint32_t head)
{
    lwi_growing *growing = gain->growing;
    lw_growth_head *info = &gain->growth->heads[head].info;
    uint64_t begin = gain->begins[head], end = gain->begins[head + 1];
    int64_t best = INT64_MIN;
    uint64_t most = 0, largest = 0;
    info->node = begin < end ? gain->holders[begin] : LW_NODE_NONE;
    for (uint64_t i = begin; end - begin > 1 && i < end; i++) {
        lw_node node = gain->holders[i], was = before(gain, node);
        uint64_t now = 0, then = 0;
        if (!claim(gain, gain->growth->last, growing->last_places, gain->claimed[1], node, head,
                   &now))
            return false;
        uint64_t size = sum_sizes(gain, now);
        if (was != LW_NODE_NONE && !claim(gain, growing->first, growing->first_places,
                                          gain->claimed[0], was, head, &then))
            return false;
        int64_t more = (int64_t)(now - then);
        if (more < best || (more == best && (now < most || (now == most && size <= largest))))
            continue;
        best = more;
        most = now;
        largest = size;
        info->node = node;
    }
    return true;
}

/* Of those that became larger the one that gained most, and is largest. */
static void find_swollen(gain *gain, uint32_t head)
{
    const lw_snapshot *first = gain->growing->first, *last = gain->growth->last;
    lw_growth_head *info = &gain->growth->heads[head].info;
    int64_t best = INT64_MIN;
    uint64_t largest = 0;
    for (uint64_t i = gain->begins[head]; i < gain->begins[head + 1]; i++) {
        lw_node node = gain->holders[i], was = before(gain, node);
        uint64_t now = lwi_own_bytes(last, node);
        int64_t more = (int64_t)(was == LW_NODE_NONE ? now : now - lwi_own_bytes(first, was));
        if (more < best || (more == best && now <= largest))
            continue;
        best = more;
        largest = now;
        info->node = node;
    }
}

static bool find_all(gain *gain)
{
    lwi_mem *mem = &gain->growing->mem;
    const lw_snapshot *sides[] = {gain->growing->first, gain->growth->last};
    uint64_t places = gain->fold->trie.count;
    gain->head_at = lwi_alloc(mem, lwi_array_size(places, sizeof *gain->head_at));
    gain->begins = lwi_alloc(mem, lwi_array_size((uint64_t)gain->growth->count + 1,
                                                 sizeof *gain->begins));
    for (int i = 0; i < 2; i++)
        gain->claimed[i] = lwi_alloc(mem, (size_t)lwi_bits_words(sides[i]->info.nodes) * 8);
    if (!gain->head_at || !gain->begins || !gain->claimed[0] || !gain->claimed[1])
        return false;
    for (uint64_t i = 0; i < places; i++)
        gain->head_at[i] = LWI_NOWHERE;
    for (uint32_t i = 0; i < gain->growth->count; i++) {
        if (!(gain->growth->heads[i].info.flags & LW_GROWTH_ROOTS))
            gain->head_at[gain->heads->places[i]] = i;
    }
    bool ready = list_grown(gain) && list_holders(gain);
    for (uint32_t i = 0; ready && i < gain->growth->count; i++) {
        if (gain->growth->heads[i].info.flags & LW_GROWTH_BYTES)
            find_swollen(gain, i);
        else
            ready = find_best(gain, i);
    }
    return ready;
}

lw_status lwi_growth_holders(lw_growth *growth, lwi_growing *growing, const lwi_fold *fold,
                             const lwi_heads *heads, lw_error *error)
{
    lwi_mem *mem = &growing->mem;
    gain gain = {.growth = growth, .growing = growing, .fold = fold, .heads = heads};
    lw_status status = lw_diff_create(growing->first, growth->last, &gain.diff, error);
    if (status != LW_OK)
        return status;
    bool ready = find_all(&gain);
    const lw_snapshot *sides[] = {growing->first, growth->last};
    for (int i = 0; i < 2; i++)
        lwi_free(mem, gain.claimed[i], (size_t)lwi_bits_words(sides[i]->info.nodes) * 8);
    lwi_free(mem, gain.head_at, lwi_array_size(fold->trie.count, sizeof *gain.head_at));
    lwi_free(mem, gain.begins,
             lwi_array_size((uint64_t)growth->count + 1, sizeof *gain.begins));
    lwi_free(mem, gain.holders,
             lwi_array_size(gain.holder_count * 2 + 1, sizeof *gain.holders));
    lwi_free(mem, gain.queue, lwi_array_size(gain.queue_room, sizeof *gain.queue));
    lw_diff_release(gain.diff);
    return ready ? LW_OK : LW_E_NOMEM;
}
