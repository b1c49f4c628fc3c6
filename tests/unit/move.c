/* Blocks on their way through realloc. */
#include "record_host.h"

#include <pthread.h>

typedef struct marked {
    host host;
    lw_region *region;
    lw_round round;
} marked;

static void open_marked(marked *marked)
{
    open_host(&marked->host);
    cr_assert_eq(lw_region_create(marked->host.context, "r", NULL, &marked->region, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(marked->region, &marked->round, NULL), LW_OK);
}

static lw_region_stats stats_of(marked *marked)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    cr_assert_eq(lw_region_stats_get(marked->region, marked->round, &stats, NULL), LW_OK);
    return stats;
}

static void resize(lw_domain *domain, uint64_t from, uint64_t to, uint64_t size)
{
    lw_move move;
    lw_move_begin(domain, at(from), &move);
    lw_move_end(&move, at(to), size, NULL);
}

Test(move, in_place_and_elsewhere)
{
    host host;
    lw_block block;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    resize(host.heap, 0x1000, 0x1000, 300);
    expect_live(host.heap, 300, 1);
    resize(host.heap, 0x1000, 0x2000, 50);
    expect_live(host.heap, 50, 1);
    cr_assert_eq(find_block(host.heap, 0x1000, &block), LW_E_NOT_FOUND);
    cr_assert_eq(find_block(host.heap, 0x2000, &block), LW_OK);
    cr_assert_eq(block.size, 50);
    cr_assert_eq(domain_stats(host.heap).allocated, 3);
    cr_assert_eq(domain_stats(host.heap).freed, 2);
    cr_assert_eq(context_stats(host.context).replaced, 0);
    close_host(&host);
}

/* realloc says where it stood; the block is born anew. */
Test(move, end_at_gives_a_new_site)
{
    host host;
    lw_move move;
    lw_block before, after;
    open_host(&host);
    lw_block_alloc_at(host.heap, at(0x1000), 100, LW_HERE);
    find_block(host.heap, 0x1000, &before);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_move_end_at(&move, at(0x1000), 200, LW_HERE);
    find_block(host.heap, 0x1000, &after);
    cr_assert_neq(before.site, after.site);
    cr_assert_eq(after.size, 200);
    close_host(&host);
}

Test(move, of_null_is_an_allocation)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_move_begin(host.heap, NULL, &move);
    lw_move_end(&move, at(0x1000), 100, NULL);
    expect_live(host.heap, 100, 1);
    lw_move_begin(host.heap, NULL, &move);
    lw_move_cancel(&move);
    expect_live(host.heap, 100, 1);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    cr_assert_eq(context_stats(host.context).events, 1);
    close_host(&host);
}

Test(move, to_null_is_a_free)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_move_end(&move, NULL, 0, NULL);
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

Test(move, of_an_unknown_block_is_an_allocation)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_move_begin(host.heap, at(0x8000), &move);
    lw_move_cancel(&move); /* nothing was freed */
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    resize(host.heap, 0x8000, 0x9000, 100);
    expect_live(host.heap, 100, 1);
    cr_assert_eq(context_stats(host.context).unknown_frees, 1);
    close_host(&host);
}

Test(move, that_fails_leaves_everything_as_it_was)
{
    static const uint64_t sizes[] = {0, 100, 1 << 24, UINT64_C(5) << 30};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        marked marked;
        lw_move move;
        lw_block before, after;
        uint64_t word = 9;
        lw_stack stack = {&word, 1, 0, 0};
        open_marked(&marked);
        lw_block_alloc(marked.host.heap, at(0x10000), sizes[i], &stack);
        lw_region_stats was = stats_of(&marked);
        find_block(marked.host.heap, 0x10000, &before);
        uint64_t events = context_stats(marked.host.context).events;
        lw_move_begin(marked.host.heap, at(0x10000), &move);
        expect_live(marked.host.heap, 0, 0);
        lw_move_cancel(&move);
        lw_region_stats is = stats_of(&marked);
        cr_assert_eq(memcmp(&was, &is, sizeof was), 0);
        find_block(marked.host.heap, 0x10000, &after);
        cr_assert_eq(memcmp(&before, &after, sizeof before), 0);
        expect_live(marked.host.heap, (int64_t)sizes[i], 1);
        cr_assert_eq(context_stats(marked.host.context).events, events);
        close_host(&marked.host);
    }
}

/* Even when the round has ended meanwhile, and other births have come and gone. */
Test(move, that_fails_belongs_to_its_round_still)
{
    marked marked;
    lw_move move;
    open_marked(&marked);
    lw_block_alloc(marked.host.heap, at(0x1000), 100, NULL);
    lw_move_begin(marked.host.heap, at(0x1000), &move);
    cr_assert_eq(lw_region_end(marked.region, marked.round, NULL, NULL), LW_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t word = i + 1;
        lw_stack stack = {&word, 1, 0, 0};
        lw_block_alloc(marked.host.heap, at(0x2000), 16, &stack);
    }
    lw_move_cancel(&move);
    lw_region_stats stats = stats_of(&marked);
    cr_assert_eq(stats.current_bytes, 100);
    cr_assert_eq(stats.at_end_bytes, 0);
    lw_block_free(marked.host.heap, at(0x1000));
    expect_live(marked.host.heap, 16, 1);
    close_host(&marked.host);
}

/* Deeper than there are places for what is set aside; ended innermost first, some failing. */
Test(move, moves_may_nest)
{
    enum { DEPTH = 40 };
    marked marked;
    lw_move moves[DEPTH];
    open_marked(&marked);
    for (uint64_t i = 0; i < DEPTH; i++)
        lw_block_alloc_at(marked.host.heap, at((i + 1) * 64), 10, LW_HERE);
    for (int times = 0; times < 3; times++) {
        for (uint64_t i = 0; i < DEPTH; i++)
            lw_move_begin(marked.host.heap, at((i + 1) * 64), &moves[i]);
        expect_live(marked.host.heap, 0, 0);
        lw_move unknown; /* and one of a block that nobody knows, innermost */
        lw_move_begin(marked.host.heap, at(0x9990), &unknown);
        lw_move_cancel(&unknown);
        for (int i = DEPTH - 1; i >= 0; i--) {
            if (i % 2)
                lw_move_cancel(&moves[i]);
            else
                lw_move_end(&moves[i], at(((uint64_t)i + 1) * 64), 10, NULL);
        }
        expect_live(marked.host.heap, 10 * DEPTH, DEPTH);
        cr_assert_eq(stats_of(&marked).current_bytes, 10 * DEPTH);
        cr_assert_eq(stats_of(&marked).peak_bytes, 10 * DEPTH);
    }
    close_host(&marked.host);
}

/* Moves under way hold their births: what many other births come and go meanwhile changes nothing,
 * in whatever order the moves end. */
Test(move, moves_may_end_in_any_order)
{
    enum { DEPTH = 12 };
    static const int order[DEPTH] = {0, 11, 3, 4, 2, 10, 1, 9, 5, 7, 8, 6};
    host host;
    lw_move moves[DEPTH];
    lw_region *region = NULL;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    cr_assert_eq(lw_region_create(host.context, "r", NULL, &region, NULL), LW_OK);
    for (uint64_t i = 0; i < DEPTH; i++) { /* a birth each, that nothing but its block holds */
        lw_round round = 0;
        cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
        lw_block_alloc(host.heap, at((i + 1) * 64), 10, NULL);
        cr_assert_eq(lw_region_end(region, round, NULL, NULL), LW_OK);
    }
    for (uint64_t i = 0; i < DEPTH; i++)
        lw_move_begin(host.heap, at((i + 1) * 64), &moves[i]);
    for (uint64_t i = 0; i < DEPTH; i++) {
        lw_move_cancel(&moves[order[i]]);
        for (uint64_t j = 0; j < 5000; j++) {
            uint64_t word = i * 5000 + j + 1;
            lw_stack stack = {&word, 1, 0, 0};
            lw_block_alloc(host.heap, at(0x2000), 16, &stack);
        }
    }
    expect_live(host.heap, 10 * DEPTH + 16, DEPTH + 1);
    cr_assert_eq(lw_region_stats_get(region, 0, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 10 * DEPTH);
    for (uint64_t i = 0; i < DEPTH; i++)
        lw_block_free_sized(host.heap, at((i + 1) * 64), 10);
    cr_assert_eq(lw_region_stats_get(region, 0, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 0);
    expect_live(host.heap, 16, 1);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}

/* Births must be recycled again once all moves have ended. */
Test(move, nothing_is_held_after_the_end)
{
    enum { DEPTH = 20 };
    host host;
    lw_region *region = NULL;
    lw_move moves[DEPTH];
    open_host(&host);
    cr_assert_eq(lw_region_create(host.context, "r", NULL, &region, NULL), LW_OK);
    for (uint64_t i = 0; i < DEPTH; i++)
        lw_block_alloc(host.heap, at((i + 1) * 64), 10, NULL);
    for (uint64_t i = 0; i < DEPTH; i++)
        lw_move_begin(host.heap, at((i + 1) * 64), &moves[i]);
    for (int i = DEPTH - 1; i >= 0; i--)
        lw_move_end(&moves[i], at(0x8 + (uint64_t)i * 16), 10, NULL); /* misaligned: dropped */
    cr_assert_eq(context_stats(host.context).dropped_address, DEPTH);
    expect_live(host.heap, 0, 0);
    for (int i = 0; i < 20000; i++) {
        lw_round round = 0;
        cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
        lw_block_alloc_at(host.heap, at(0x2000), 16, LW_HERE);
        lw_block_free(host.heap, at(0x2000));
        cr_assert_eq(lw_region_end(region, round, NULL, NULL), LW_OK);
    }
    cr_assert_lt(context_stats(host.context).births, 100);
    close_host(&host);
}

/* What the block's place was given to meanwhile wins over nothing, and loses to a failed move. */
Test(move, cancel_over_a_block_that_came_meanwhile)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_block_alloc(host.heap, at(0x1000), 7, NULL);
    lw_move_cancel(&move);
    expect_live(host.heap, 100, 1);
    lw_block_free(host.heap, at(0x1000));
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

Test(move, an_address_may_be_taken_while_its_block_moves)
{
    host host;
    lw_move move;
    lw_block block;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_block_alloc(host.heap, at(0x1000), 7, NULL); /* realloc has let go of it */
    lw_move_end(&move, at(0x2000), 200, NULL);
    expect_live(host.heap, 207, 2);
    cr_assert_eq(find_block(host.heap, 0x1000, &block), LW_OK);
    cr_assert_eq(block.size, 7);
    cr_assert_eq(context_stats(host.context).replaced, 0);
    close_host(&host);
}

/* In the round of a thread whose block another thread tries to resize. */
static void *try_in_vain(void *user)
{
    host *host = user;
    lw_move move;
    lw_move_begin(host->heap, at(0x1000), &move);
    lw_move_cancel(&move);
    return NULL;
}

Test(move, that_fails_on_another_thread)
{
    marked marked;
    pthread_t thread;
    open_marked(&marked);
    lw_block_alloc(marked.host.heap, at(0x1000), 100, NULL);
    pthread_create(&thread, NULL, try_in_vain, &marked.host);
    pthread_join(thread, NULL);
    lw_region_stats stats = stats_of(&marked);
    cr_assert_eq(stats.current_bytes, 100);
    cr_assert_eq(stats.peak_bytes, 100);
    cr_assert_eq(stats.net_bytes, 100);
    close_host(&marked.host);
}

Test(move, without_memory_to_record_the_new_place)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    lw_move_begin(host.heap, at(0x1000), &move);
    host.memory.persistent = 1;
    host.memory.fail_at = host.memory.calls + 1;
    lw_move_end(&move, at(UINT64_C(1) << 40), 200, NULL);
    host.memory.fail_at = 0;
    expect_live(host.heap, 0, 0);
    cr_assert_eq(context_stats(host.context).dropped_memory, 1);
    close_host(&host);
}

Test(move, null_is_ignored)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_move_begin(host.heap, at(0x1000), NULL);
    lw_move_end(NULL, at(0x1000), 10, NULL);
    lw_move_end_at(NULL, at(0x1000), 10, LW_HERE);
    lw_move_cancel(NULL);
    lw_move_begin(NULL, at(0x1000), &move);
    lw_move_end(&move, at(0x2000), 10, NULL);
    lw_move_begin(NULL, at(0x1000), &move);
    lw_move_end_at(&move, at(0x2000), 10, LW_HERE);
    lw_move_begin(NULL, at(0x1000), &move);
    lw_move_cancel(&move);
    expect_live(host.heap, 0, 0);
    cr_assert_eq(context_stats(host.context).events, 0);
    close_host(&host);
}

/* An end that comes twice says nothing new. */
Test(move, ends_once)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_move_cancel(&move);
    lw_move_cancel(&move);
    lw_move_end(&move, at(0x3000), 10, NULL);
    expect_live(host.heap, 100, 1);
    close_host(&host);
}
