/* The rounds of a region in the order of their beginnings, and what each of them left. */
#include "record/history.h"

#include "base/sort.h"

static bool ended(const lwi_round *round)
{
    return round->state == LWI_ROUND_ENDED;
}

/* Rounds that are remembered stand newest first. Gives ranks, and tells how many have ended. */
static uint64_t rank_rounds(const lw_region *region, uint64_t *remembered)
{
    uint64_t open_before = region->open;
    *remembered = 0;
    for (lwi_round *round = region->rounds; round; round = round->next) {
        if (!ended(round)) {
            open_before--;
            continue;
        }
        round->rank = round->ordinal - open_before;
        ++*remembered;
    }
    return region->begun - region->open;
}

static int64_t positive(int64_t value)
{
    return value > 0 ? value : 0;
}

static void fill_shed(lwi_history *history, const lw_region *region, uint64_t remembered)
{
    uint64_t at = remembered;
    for (const lwi_round *round = region->rounds; round; round = round->next) {
        if (!ended(round))
            continue;
        int64_t blocks = positive(round->at_end_blocks - lwi_round_blocks(round));
        history->freed.blocks += blocks;
        history->freed.bytes += positive(round->at_end_bytes - lwi_round_bytes(round));
        history->shed[--at] = (lwi_shed){round->rank, blocks};
    }
    for (uint64_t i = 1; i < remembered; i++)
        history->shed[i].blocks += history->shed[i - 1].blocks;
}

bool lwi_history_make(lwi_history *history, lw_region *region)
{
    uint64_t remembered;
    *history = (lwi_history){.rounds = rank_rounds(region, &remembered)};
    if (remembered) {
        history->shed =
            lwi_alloc(&region->context->mem, lwi_array_size(remembered, sizeof(lwi_shed)));
        if (!history->shed)
            return false;
        history->shed_room = remembered;
        fill_shed(history, region, remembered);
    }
    uint64_t forgotten = history->rounds - remembered;
    history->shedding = (lwi_shedding){history->shed, remembered, 0};
    if (forgotten)
        history->shedding.forgotten = (double)region->at_end_blocks / (double)forgotten;
    history->freed.blocks += region->at_end_blocks;
    history->freed.bytes += region->at_end_bytes;
    return true;
}

void lwi_history_done(lwi_history *history, lw_context *context)
{
    lwi_free(&context->mem, history->shed, lwi_array_size(history->shed_room, sizeof(lwi_shed)));
}

const lwi_round *lwi_history_round(const lw_region *region, const lwi_birth *birth)
{
    const lwi_round *latest = NULL;
    for (const lwi_span *span = birth->span; span->round; span = span->parent) {
        if (span->round->region == region && (!latest || span->round->ordinal > latest->ordinal))
            latest = span->round;
    }
    return latest;
}

static int by_site_and_round(const void *a, const void *b, const void *user)
{
    const lwi_left *x = a, *y = b;
    (void)user;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    if (x->once != y->once)
        return x->once - y->once;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static void merge(lw_survivors *survivors)
{
    lwi_left *left = survivors->left;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < survivors->left_count; i++) {
        if (kept && by_site_and_round(&left[kept - 1], &left[i], NULL) == 0) {
            left[kept - 1].bytes += left[i].bytes;
            left[kept - 1].blocks += left[i].blocks;
        } else {
            left[kept++] = left[i];
        }
    }
    survivors->left_count = kept;
}

/* Rows and entries are in the same order. */
static void give_to_rows(lw_survivors *survivors)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < survivors->count; i++) {
        lwi_row *row = &survivors->rows[i];
        row->left = at;
        while (at < survivors->left_count && survivors->left[at].site == row->site &&
               survivors->left[at].domain == row->domain && survivors->left[at].once == row->once)
            at++;
        row->left_count = at - row->left;
    }
}

/* A block in flight is in no series. */
static const lwi_round *round_of(const lw_region *region, const lwi_amount *amount,
                                 const lwi_birth *birth)
{
    const lwi_round *round = amount->blocks > 0 ? lwi_history_round(region, birth) : NULL;
    return round && ended(round) ? round : NULL;
}

bool lwi_history_left(lw_survivors *survivors, const lw_region *region, const lwi_amount *births,
                      uint32_t count)
{
    const lwi_births *all = &region->context->births;
    for (uint32_t i = 1; i < count; i++)
        survivors->left_count += round_of(region, &births[i], lwi_birth_at(all, i)) != NULL;
    if (survivors->left_count == 0)
        return true;
    survivors->left =
        lwi_alloc(&survivors->mem, lwi_array_size(survivors->left_count, sizeof(lwi_left)));
    if (!survivors->left)
        return false;
    survivors->left_room = survivors->left_count;
    lwi_left *next = survivors->left;
    for (uint32_t i = 1; i < count; i++) {
        const lwi_birth *birth = lwi_birth_at(all, i);
        const lwi_round *round = round_of(region, &births[i], birth);
        if (round)
            *next++ = (lwi_left){round->ordinal, round->rank, births[i].bytes, births[i].blocks,
                                 birth->site, birth->domain, (birth->flags & LWI_ONCE) != 0};
    }
    lwi_sort(survivors->left, survivors->left_count, sizeof(lwi_left), by_site_and_round, NULL);
    merge(survivors);
    give_to_rows(survivors);
    return true;
}
