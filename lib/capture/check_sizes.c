/* Problems with sizes: what is stated of objects against the blocks that are recorded. A type's
 * size may well be larger than its block, when parts of the object lie in blocks of their own; but
 * not smaller, and all of them together not larger than what is recorded. */
#include "base/sum.h"
#include "capture/check.h"

#include <stdio.h>

/* Hosts round up; what is less than this counts for nothing. */
enum { ROUNDING = 16, BATCH = 128 };

typedef struct scale {
    uint64_t alone;       /* nodes that have a recorded block to themselves */
    uint64_t less, more;  /* of them, those of which less, or more, is stated than recorded */
    uint64_t less_gap, more_gap; /* the widest */
    uint64_t too_much;           /* all of `more` together */
    uint64_t less_bytes, more_bytes; /* of the block of the example */
    lw_node less_example, more_example;
} scale;

typedef struct weighing {
    const lwi_suspect *suspect;
    scale *scales;       /* by type */
    uint64_t stated;     /* of all nodes in recorded blocks */
    lw_node node, first; /* `first` of those in the block that is being looked at */
    uint64_t start, bytes;
    uint32_t tenants;
    lw_key key;          /* of the first */
} weighing;

/* All nodes of a block have been seen. */
static void weigh(weighing *w)
{
    if (w->tenants != 1)
        return;
    const lwi_shape *shape = lwi_shape_at(w->suspect->snapshot, w->first);
    scale *scale = &w->scales[shape->type];
    uint64_t before = w->key - w->start; /* a header that the type may or may not count */
    scale->alone++;
    if (lwi_sum(lwi_sum(shape->size, before), ROUNDING) <= w->bytes) {
        uint64_t gap = w->bytes - shape->size;
        if (scale->less++ == 0 || gap > scale->less_gap) {
            scale->less_gap = gap;
            scale->less_bytes = w->bytes;
            scale->less_example = w->first;
        }
    } else if (shape->size > w->bytes) {
        uint64_t gap = shape->size - w->bytes;
        scale->too_much = lwi_sum(scale->too_much, gap);
        if (scale->more++ == 0 || gap > scale->more_gap) {
            scale->more_gap = gap;
            scale->more_bytes = w->bytes;
            scale->more_example = w->first;
        }
    }
}

static void enter(weighing *w, lw_node node, lw_key key, const lwi_block_view *block)
{
    if (block->epoch == 0)
        return;
    w->stated = lwi_sum(w->stated, lwi_shape_at(w->suspect->snapshot, node)->size);
    if (w->tenants && block->start == w->start) {
        w->tenants++;
        return;
    }
    weigh(w);
    w->first = node;
    w->key = key;
    w->start = block->start;
    w->bytes = block->size;
    w->tenants = 1;
}

static void weigh_all(weighing *w)
{
    const lw_runtime *runtime = w->suspect->runtime;
    const lwi_part *part = w->suspect->part;
    lwi_keys_cursor cursor = {0};
    lwi_block_view blocks[BATCH];
    lw_key keys[BATCH];
    lw_node node = part->first;
    uint32_t count;
    do {
        count = 0;
        while (count < BATCH && lwi_keys_next(&part->keys, &cursor, &keys[count]))
            count++;
        lwi_view_blocks(runtime->domains, runtime->domain_count, keys, count, blocks);
        for (uint32_t i = 0; i < count; i++)
            enter(w, node++, keys[i], &blocks[i]);
    } while (count == BATCH);
    weigh(w);
}

/* Of all domains, since some share their blocks. */
static uint64_t held_bytes(const lw_runtime *runtime)
{
    uint64_t held = 0, count;
    lw_domain *const *domains = lwi_view_domains(runtime->context, &count);
    for (uint64_t i = 0; i < count; i++) {
        lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
        if (lw_domain_stats_get(domains[i], &stats, NULL) == LW_OK && stats.bytes > 0)
            held = lwi_sum(held, (uint64_t)stats.bytes);
    }
    return held;
}

static bool add_less(lw_check *check, const lw_snapshot *snapshot, const scale *found)
{
    const lwi_shape *shape = lwi_shape_at(snapshot, found->less_example);
    return lwi_check_add(check, LW_PROBLEM_SIZE, found->less,
                         lwi_key_of_node(snapshot, found->less_example),
                         snapshot->types[shape->type].name,
                         "state all of the object: its header, its variable part, what it has "
                         "reserved",
                         "%llu B stated, %llu B recorded", (unsigned long long)shape->size,
                         (unsigned long long)found->less_bytes);
}

static bool add_more(lw_check *check, const lw_snapshot *snapshot, const scale *found,
                     uint64_t stated, uint64_t held)
{
    const lwi_shape *shape = lwi_shape_at(snapshot, found->more_example);
    return lwi_check_add(check, LW_PROBLEM_SIZE, found->more,
                         lwi_key_of_node(snapshot, found->more_example),
                         snapshot->types[shape->type].name,
                         "state what is the object's own: what others share, or no domain "
                         "records, is lw_sink_external()",
                         "%llu B stated, %llu B recorded; all nodes together state %llu B of "
                         "the %llu B that are recorded",
                         (unsigned long long)shape->size, (unsigned long long)found->more_bytes,
                         (unsigned long long)stated, (unsigned long long)held);
}

bool lwi_check_sizes(lw_check *check, const lwi_suspect *suspect)
{
    const lw_snapshot *snapshot = suspect->snapshot;
    size_t size = lwi_array_size(snapshot->info.types, sizeof(scale));
    weighing w = {.suspect = suspect};
    if (suspect->runtime->domain_count == 0 || size == 0)
        return true;
    w.scales = lwi_alloc(&check->mem, size);
    if (!w.scales)
        return false;
    weigh_all(&w);
    uint64_t held = held_bytes(suspect->runtime);
    bool ready = true;
    for (uint32_t type = 0; ready && type < snapshot->info.types; type++) {
        const scale *found = &w.scales[type];
        /* A few with room to spare shrank, or came from a larger one's freelist. */
        if (found->less * 2 > found->alone)
            ready = add_less(check, snapshot, found);
        /* What lists and the like state of parts elsewhere is no matter beside the culprit. */
        if (ready && w.stated > held && found->too_much >= (w.stated - held) / 2)
            ready = add_more(check, snapshot, found, w.stated, held);
    }
    lwi_free(&check->mem, w.scales, size);
    return ready;
}
