/* Verdicts on planted series: what each round leaves is decided here, by hand. */
#include "region_host.h"

/* Blocks of one series, the oldest first; each at an address of its own. */
typedef struct series {
    uint64_t live[4096];
    uint64_t first, count;
} series;

typedef struct shop {
    host host;
    lw_region *region;
    lw_survivors *survivors;
    uint64_t next, chance;
} shop;

static series cache, other;

static void open_shop(shop *shop)
{
    memset(shop, 0, sizeof *shop);
    memset(&cache, 0, sizeof cache);
    memset(&other, 0, sizeof other);
    open_host(&shop->host);
    shop->region = add_region(shop->host.context, "request", LW_SCOPE_THREAD);
    shop->next = 0x100000;
    shop->chance = 88172645463325252u;
}

static void close_shop(shop *shop)
{
    lw_survivors_release(shop->survivors);
    close_host(&shop->host);
}

static uint64_t random_below(shop *shop, uint64_t bound)
{
    shop->chance ^= shop->chance << 13;
    shop->chance ^= shop->chance >> 7;
    shop->chance ^= shop->chance << 17;
    return shop->chance % bound;
}

static void grow(shop *shop, series *series, uint64_t size, const char *place)
{
    series->live[(series->first + series->count++) % 4096] = shop->next;
    lw_block_alloc_at(shop->host.heap, at(shop->next), size, place);
    shop->next += 4096;
}

static void drop_oldest(shop *shop, series *series)
{
    drop(&shop->host, series->live[series->first++ % 4096]);
    series->count--;
}

static void drop_any(shop *shop, series *series)
{
    uint64_t which = (series->first + random_below(shop, series->count)) % 4096;
    uint64_t oldest = series->live[series->first % 4096];
    drop(&shop->host, series->live[which]);
    series->live[which] = oldest;
    series->first++;
    series->count--;
}

/* What lives for a while within a round. */
static void churn(shop *shop)
{
    series passing = {.count = 0};
    for (int i = 0; i < 3; i++)
        grow(shop, &passing, 100, "work.c:9");
    while (passing.count)
        drop_oldest(shop, &passing);
}

typedef void (*round_fn)(shop *shop, uint64_t number);

static lw_verdict look(shop *shop)
{
    lw_verdict verdict = LW_VERDICT_INIT;
    lw_survivors_release(shop->survivors);
    cr_assert_eq(lw_survivors_take(shop->host.context, shop->region, 0, &shop->survivors, NULL),
                 LW_OK);
    cr_assert_eq(lw_survivors_verdict_get(shop->survivors, &verdict, NULL), LW_OK);
    return verdict;
}

static void run_on(shop *shop, round_fn body, uint64_t from, uint64_t to)
{
    for (uint64_t number = from; number <= to; number++) {
        lw_round round = begin(shop->region);
        churn(shop);
        body(shop, number);
        end(shop->region, round);
    }
}

static lw_verdict run(shop *shop, round_fn body, uint64_t rounds)
{
    run_on(shop, body, 1, rounds);
    lw_verdict verdict = look(shop);
    cr_assert_eq(verdict.rounds, rounds);
    return verdict;
}

static void expect_kind(const lw_verdict *verdict, int32_t kind)
{
    cr_assert_eq(verdict->kind, kind, "%s of %d rounds, should be: %s",
                 lw_verdict_name(verdict->kind), (int)verdict->rounds, lw_verdict_name(kind));
    cr_assert_eq(verdict->confidence == 0, kind == LW_VERDICT_UNCLEAR);
    cr_assert_eq(verdict->more == 0, kind != LW_VERDICT_UNCLEAR);
    cr_assert_leq(verdict->confidence, 99);
    cr_assert_eq(verdict->span == 0, kind != LW_VERDICT_GROWS);
}

/* A series that is `kind` after each of these numbers of rounds. */
static void expect_series(round_fn body, const uint64_t *rounds, int32_t kind)
{
    shop shop;
    open_shop(&shop);
    for (uint64_t done = 0; *rounds; done = *rounds++) {
        run_on(&shop, body, done + 1, *rounds);
        lw_verdict verdict = look(&shop);
        cr_assert_eq(verdict.rounds, *rounds);
        expect_kind(&verdict, kind);
    }
    close_shop(&shop);
}

static lw_trend trend_of(shop *shop, uint32_t row)
{
    lw_trend trend = LW_TREND_INIT;
    cr_assert_eq(lw_survivors_trend_get(shop->survivors, row, &trend, NULL), LW_OK);
    return trend;
}

/* ---- series ---- */

static void nothing(shop *shop, uint64_t number)
{
    (void)shop;
    (void)number;
}

Test(verdict, clean)
{
    expect_series(nothing, (const uint64_t[]){1, 2, 10, 300, 0}, LW_VERDICT_CLEAN);
}

static void ten_blocks(shop *shop, uint64_t number)
{
    (void)number;
    for (int i = 0; i < 10; i++)
        grow(shop, &cache, 64, "cache.c:41");
}

Test(verdict, one_to_three_rounds_cannot_tell)
{
    expect_series(ten_blocks, (const uint64_t[]){1, 2, 3, 0}, LW_VERDICT_UNCLEAR);
}

Test(verdict, leak_in_every_round)
{
    expect_series(ten_blocks, (const uint64_t[]){4, 5, 8, 30, 300, 0}, LW_VERDICT_GROWS);
}

/* One round at a time until it can be told: `more` never asks for too few. */
Test(verdict, more_rounds_as_asked_for)
{
    shop shop;
    open_shop(&shop);
    lw_verdict verdict = run(&shop, ten_blocks, 1);
    expect_kind(&verdict, LW_VERDICT_UNCLEAR);
    cr_assert_eq(verdict.more, 3);
    cr_assert_eq(verdict.unclear_bytes, 640);
    cr_assert_eq(verdict.unclear_blocks, 10);
    run_on(&shop, ten_blocks, 2, 4);
    verdict = look(&shop);
    expect_kind(&verdict, LW_VERDICT_GROWS);
    close_shop(&shop);
}

static void from_the_second(shop *shop, uint64_t number)
{
    if (number > 1)
        ten_blocks(shop, number);
}

/* "rounds 2-9 each left 640 B in 10 blocks, allocated at cache.c:41" */
Test(verdict, survivors_by_site_and_round)
{
    shop shop;
    open_shop(&shop);
    lw_verdict verdict = run(&shop, from_the_second, 9);
    expect_kind(&verdict, LW_VERDICT_GROWS);
    cr_assert_eq(verdict.grew, 8);
    cr_assert_eq(verdict.since, 2);
    cr_assert_eq(verdict.span, 8);
    cr_assert_eq(verdict.growth_bytes, 5120);
    cr_assert_eq(verdict.growth_blocks, 80);
    cr_assert_eq(verdict.confidence, 90); /* (8 + 1) / (8 + 2) */
    lw_trend trend = trend_of(&shop, 0);
    cr_assert_eq(trend.kind, LW_VERDICT_GROWS);
    cr_assert_eq(trend.rounds, 8);
    cr_assert_eq(trend.first, 2);
    cr_assert_eq(trend.last, 9);
    cr_assert(trend.bytes == 5120 && trend.min_bytes == 640 && trend.max_bytes == 640);
    cr_assert(trend.blocks == 80 && trend.min_blocks == 10 && trend.max_blocks == 10);
    for (uint64_t i = 0; i < 8; i++) {
        lw_left left = LW_LEFT_INIT;
        cr_assert_eq(lw_survivors_left_get(shop.survivors, 0, i, &left, NULL), LW_OK);
        cr_assert(left.round == i + 2 && left.bytes == 640 && left.blocks == 10);
    }
    lw_left left = LW_LEFT_INIT;
    lw_error error = LW_ERROR_INIT;
    expect_error(lw_survivors_left_get(shop.survivors, 0, 8, &left, &error), LW_E_NOT_FOUND,
                 &error);
    close_shop(&shop);
}

/* What of it is freed later leaves the series, and is told. */
Test(verdict, freed_since)
{
    shop shop;
    open_shop(&shop);
    run_on(&shop, from_the_second, 1, 9);
    for (int i = 0; i < 3; i++)
        drop_oldest(&shop, &cache);
    lw_verdict verdict = look(&shop);
    cr_assert_eq(verdict.freed_bytes, 192);
    cr_assert_eq(verdict.freed_blocks, 3);
    lw_trend trend = trend_of(&shop, 0);
    cr_assert(trend.min_bytes == 448 && trend.max_bytes == 640 && trend.min_blocks == 7);
    cr_assert_eq(trend.rounds, 8);
    for (int i = 0; i < 7; i++)
        drop_oldest(&shop, &cache);
    verdict = look(&shop);
    cr_assert_eq(verdict.freed_blocks, 10);
    cr_assert_eq(trend_of(&shop, 0).first, 3);
    close_shop(&shop);
}

static void warm_up(shop *shop, uint64_t number)
{
    for (int i = 0; number <= 3 && i < 200; i++)
        grow(shop, &cache, 64, "cache.c:41");
}

Test(verdict, warm_up_then_flat)
{
    shop shop;
    open_shop(&shop);
    expect_series(warm_up, (const uint64_t[]){6, 7, 100, 0}, LW_VERDICT_WARM_UP);
    lw_verdict verdict = run(&shop, warm_up, 10);
    expect_kind(&verdict, LW_VERDICT_WARM_UP);
    cr_assert_eq(verdict.since, 3);
    cr_assert_eq(verdict.confidence, 88); /* (7 + 1) / (7 + 2) */
    close_shop(&shop);
}

/* A cache of 1,000 keys that are asked for at random: it fills, ever more slowly. */
static void filling(shop *shop, uint64_t number)
{
    static uint8_t known[1000];
    if (number == 1)
        memset(known, 0, sizeof known);
    for (int i = 0; i < 100; i++) {
        uint64_t key = random_below(shop, 1000);
        if (!known[key])
            grow(shop, &cache, 64, "cache.c:41");
        known[key] = 1;
    }
}

Test(verdict, cache_that_fills_once)
{
    expect_series(filling, (const uint64_t[]){150, 200, 1000, 0}, LW_VERDICT_WARM_UP);
}

static void bounded(shop *shop, uint64_t number)
{
    ten_blocks(shop, number);
    while (cache.count > 125)
        drop_oldest(shop, &cache);
}

/* Full after 13 rounds; and never again called a leak once a seventh more have been seen. */
Test(verdict, bounded_cache_that_drops_its_oldest)
{
    expect_series(bounded, (const uint64_t[]){21, 22, 30, 100, 1000, 0}, LW_VERDICT_TURNS_OVER);
    for (uint64_t rounds = 15; rounds < 21; rounds++) {
        shop shop;
        open_shop(&shop);
        lw_verdict verdict = run(&shop, bounded, rounds);
        cr_assert_neq(verdict.kind, LW_VERDICT_GROWS, "%d rounds", (int)rounds);
        close_shop(&shop);
    }
}

static void any_goes(shop *shop, uint64_t number)
{
    ten_blocks(shop, number);
    while (cache.count > 125)
        drop_any(shop, &cache);
}

Test(verdict, bounded_cache_that_drops_any)
{
    expect_series(any_goes, (const uint64_t[]){60, 100, 1000, 0}, LW_VERDICT_TURNS_OVER);
}

static void last_one(shop *shop, uint64_t number)
{
    (void)number;
    grow(shop, &cache, 500, "last.c:3");
    if (cache.count > 1)
        drop_oldest(shop, &cache);
}

Test(verdict, last_result_is_kept)
{
    expect_series(last_one, (const uint64_t[]){4, 5, 20, 100, 0}, LW_VERDICT_TURNS_OVER);
}

/* Up and down: filled in ten rounds, then emptied. */
static void sawtooth(shop *shop, uint64_t number)
{
    ten_blocks(shop, number);
    while (number % 10 == 0 && cache.count)
        drop_oldest(shop, &cache);
}

Test(verdict, sawtooth)
{
    shop shop;
    open_shop(&shop);
    run_on(&shop, sawtooth, 1, 10);
    for (uint64_t rounds = 11; rounds < 90; rounds++) {
        run_on(&shop, sawtooth, rounds, rounds);
        lw_verdict verdict = look(&shop);
        cr_assert_neq(verdict.kind, LW_VERDICT_GROWS, "%d rounds", (int)rounds);
        if (rounds > 16)
            expect_kind(&verdict, rounds % 10 ? LW_VERDICT_TURNS_OVER : LW_VERDICT_CLEAN);
    }
    close_shop(&shop);
}

static void one_in_ten(shop *shop, uint64_t number)
{
    if (number % 10 == 0)
        grow(shop, &cache, 64, "slow.c:7");
}

Test(verdict, slow_leak_one_round_in_ten)
{
    expect_series(one_in_ten, (const uint64_t[]){80, 85, 100, 109, 1000, 0}, LW_VERDICT_GROWS);
    expect_series(one_in_ten, (const uint64_t[]){10, 11, 0}, LW_VERDICT_UNCLEAR);
}

static void one_in_ten_at_random(shop *shop, uint64_t number)
{
    (void)number;
    if (random_below(shop, 10) == 0)
        grow(shop, &cache, 64, "slow.c:7");
}

/* A long silence is taken for the end in one of twenty cases. */
Test(verdict, slow_leak_at_random)
{
    int grows = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        shop shop;
        open_shop(&shop);
        shop.chance = seed * UINT64_C(0x9e3779b97f4a7c15);
        grows += run(&shop, one_in_ten_at_random, 300).kind == LW_VERDICT_GROWS;
        close_shop(&shop);
    }
    cr_assert_geq(grows, 88, "%d of 100", grows);
}

/* Blocks that live for up to twenty rounds, from many places; with or without a leak. */
static void noise(shop *shop, uint64_t number)
{
    static const char *const places[] = {"a.c:1", "b.c:2", "c.c:3", "d.c:4", "e.c:5"};
    (void)number;
    for (uint64_t i = random_below(shop, 20); i > 0; i--)
        grow(shop, &other, 16 + random_below(shop, 1000), places[random_below(shop, 5)]);
    while (other.count > 100)
        drop_any(shop, &other);
}

static void noise_and_leak(shop *shop, uint64_t number)
{
    noise(shop, number);
    grow(shop, &cache, 64, "leak.c:1");
}

Test(verdict, noise_alone)
{
    expect_series(noise, (const uint64_t[]){100, 200, 300, 500, 1000, 0}, LW_VERDICT_TURNS_OVER);
}

/* The row of a place, which must be there. */
static uint32_t row_at(shop *shop, const char *file)
{
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_survivors_info_get(shop->survivors, &info, NULL);
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_frame frame = LW_FRAME_INIT;
        cr_assert_eq(lw_survivors_frame_get(shop->survivors, i, 0, &frame, NULL), LW_OK);
        if (strcmp(frame.file, file) == 0)
            return i;
    }
    cr_assert_fail("no row of %s", file);
    return 0;
}

Test(verdict, leak_in_noise)
{
    shop shop;
    open_shop(&shop);
    for (uint64_t rounds = 100; rounds <= 1000; rounds += 100) {
        run_on(&shop, noise_and_leak, rounds - 99, rounds);
        lw_verdict verdict = look(&shop);
        expect_kind(&verdict, LW_VERDICT_GROWS);
        cr_assert_eq(verdict.growth_blocks, (int64_t)rounds, "the leak alone grows");
        cr_assert_eq(verdict.grew, rounds);
        cr_assert_eq(verdict.since, 1);
        cr_assert_eq(verdict.confidence, 99);
        cr_assert_eq(trend_of(&shop, row_at(&shop, "leak.c")).kind, LW_VERDICT_GROWS);
        cr_assert_neq(trend_of(&shop, row_at(&shop, "a.c")).kind, LW_VERDICT_GROWS);
    }
    close_shop(&shop);
}

/* What predates the region shrinks by as much as leaks: totals stand still. */
static void hidden(shop *shop, uint64_t number)
{
    drop_oldest(shop, &other);
    grow(shop, &cache, 64, "leak.c:1");
    (void)number;
}

Test(verdict, equal_totals_with_different_survivors)
{
    shop shop;
    open_shop(&shop);
    for (int i = 0; i < 100; i++)
        grow(&shop, &other, 64, "before.c:1");
    for (uint64_t rounds = 10; rounds <= 100; rounds += 10) {
        run_on(&shop, hidden, rounds - 9, rounds);
        lw_verdict verdict = look(&shop);
        expect_kind(&verdict, LW_VERDICT_GROWS);
        cr_assert_eq(verdict.growth_blocks, (int64_t)rounds);
        expect_live(shop.host.heap, 6400, 100);
    }
    close_shop(&shop);
}

/* The same with a cache inside the region: what one round leaves, an older one's loses. */
static void hidden_behind_a_cache(shop *shop, uint64_t number)
{
    grow(shop, &cache, 64, "leak.c:1");
    for (int i = 0; number <= 5 && i < 30; i++)
        grow(shop, &other, 64, "warm.c:1");
    if (number > 5)
        drop_oldest(shop, &other);
}

Test(verdict, leak_while_a_cache_shrinks)
{
    expect_series(hidden_behind_a_cache, (const uint64_t[]){10, 20, 50, 120, 0}, LW_VERDICT_GROWS);
}

static void late(shop *shop, uint64_t number)
{
    if (number > 50)
        grow(shop, &cache, 64, "late.c:1");
}

/* Old rounds have nothing of it and never had anything: it began, and stays. */
Test(verdict, leak_that_begins_late)
{
    shop shop;
    open_shop(&shop);
    lw_verdict verdict = run(&shop, late, 100);
    expect_kind(&verdict, LW_VERDICT_GROWS);
    cr_assert_eq(verdict.since, 51);
    cr_assert_eq(verdict.grew, 50);
    cr_assert_eq(verdict.span, 50);
    close_shop(&shop);
}

static void ever_more(shop *shop, uint64_t number)
{
    for (uint64_t i = 0; i < number; i++)
        grow(shop, &cache, 64, "more.c:1");
}

Test(verdict, leak_that_gets_worse)
{
    expect_series(ever_more, (const uint64_t[]){4, 10, 40, 80, 0}, LW_VERDICT_GROWS);
}

static void warm_and_leak(shop *shop, uint64_t number)
{
    for (int i = 0; number == 1 && i < 1000; i++)
        grow(shop, &cache, 64, "cache.c:41");
    grow(shop, &cache, 64, "cache.c:41");
}

/* A cache that is filled in the first round does not hide a leak at the same place. */
Test(verdict, leak_behind_a_warm_up)
{
    expect_series(warm_and_leak, (const uint64_t[]){4, 10, 100, 0}, LW_VERDICT_GROWS);
}

static void stops(shop *shop, uint64_t number)
{
    if (number <= 20)
        grow(shop, &cache, 64, "leak.c:1");
}

Test(verdict, growth_that_ended_is_a_warm_up)
{
    expect_series(stops, (const uint64_t[]){23, 30, 100, 0}, LW_VERDICT_WARM_UP);
}

/* 30 call paths to one line, each of them rare. */
static void many_paths(shop *shop, uint64_t number)
{
    uint64_t words[2] = {7, 1000 + random_below(shop, 30)};
    lw_stack stack = {words, 2, 0, 0};
    (void)number;
    lw_block_alloc(shop->host.heap, at(shop->next), 64, &stack);
    shop->next += 4096;
}

Test(verdict, rare_call_paths_of_one_line_are_judged_together)
{
    shop shop;
    open_shop(&shop);
    lw_verdict verdict = run(&shop, many_paths, 25);
    expect_kind(&verdict, LW_VERDICT_GROWS);
    uint32_t together = 0;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_survivors_info_get(shop.survivors, &info, NULL);
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_trend trend = trend_of(&shop, i);
        together += trend.together;
        cr_assert(!trend.together || trend.kind == LW_VERDICT_GROWS);
        cr_assert(trend.kind != LW_VERDICT_GROWS || trend.together, "alone it is too rare");
    }
    cr_assert_gt(together, 4);
    close_shop(&shop);
}

/* ---- rounds ---- */

Test(verdict, rounds_in_flight_are_not_survivors)
{
    shop shop;
    open_shop(&shop);
    run_on(&shop, warm_up, 1, 8);
    lw_round round = begin(shop.region);
    grow(&shop, &other, 1000, "flight.c:1");
    lw_verdict verdict = look(&shop);
    expect_kind(&verdict, LW_VERDICT_WARM_UP);
    cr_assert_eq(verdict.rounds, 8);
    cr_assert_eq(verdict.flight_bytes, 1000);
    cr_assert_eq(verdict.flight_blocks, 1);
    lw_trend trend = trend_of(&shop, row_at(&shop, "flight.c"));
    cr_assert_eq(trend.kind, LW_VERDICT_CLEAN);
    cr_assert(trend.rounds == 0 && trend.first == 0 && trend.bytes == 0);
    end(shop.region, round);
    verdict = look(&shop);
    cr_assert_eq(verdict.rounds, 9);
    cr_assert_eq(verdict.flight_bytes, 0);
    expect_kind(&verdict, LW_VERDICT_UNCLEAR);
    close_shop(&shop);
}

/* An open round from long ago is no gap in the series of those that ended. */
Test(verdict, open_rounds_are_left_out_of_the_count)
{
    shop shop;
    open_shop(&shop);
    lw_round outer = begin(shop.region);
    lw_verdict verdict;
    run_on(&shop, ten_blocks, 2, 5);
    verdict = look(&shop);
    expect_kind(&verdict, LW_VERDICT_GROWS);
    cr_assert(verdict.rounds == 4 && verdict.grew == 4 && verdict.since == 2 && verdict.span == 4);
    end(shop.region, outer);
    verdict = look(&shop);
    cr_assert_eq(verdict.rounds, 5, "the outer round left nothing of its own");
    expect_kind(&verdict, LW_VERDICT_GROWS);
    cr_assert_eq(verdict.growth_blocks, 40);
    close_shop(&shop);
}

/* Rounds of the process overlap: each block counts in the latest. */
Test(verdict, overlapping_rounds_count_each_block_once)
{
    shop shop;
    open_shop(&shop);
    shop.region = add_region(shop.host.context, "process", LW_SCOPE_PROCESS);
    lw_round rounds[9] = {0};
    for (int i = 0; i < 9; i++) {
        rounds[i] = begin(shop.region);
        grow(&shop, &cache, 64, "leak.c:1");
        if (i > 0)
            end(shop.region, rounds[i - 1]);
    }
    lw_verdict verdict = look(&shop);
    cr_assert_eq(verdict.flight_blocks, 1);
    end(shop.region, rounds[8]);
    verdict = look(&shop);
    expect_kind(&verdict, LW_VERDICT_GROWS);
    cr_assert(verdict.grew == 9 && verdict.growth_blocks == 9);
    lw_trend trend = trend_of(&shop, 0);
    cr_assert(trend.min_blocks == 1 && trend.max_blocks == 1 && trend.rounds == 9);
    close_shop(&shop);
}

Test(verdict, no_round_yet)
{
    shop shop;
    open_shop(&shop);
    lw_verdict verdict = look(&shop);
    expect_kind(&verdict, LW_VERDICT_UNCLEAR);
    cr_assert(verdict.rounds == 0 && verdict.more == 1);
    close_shop(&shop);
}

/* A million clean rounds are forgotten, and leave no weight behind. */
Test(verdict, million_clean_rounds_cost_nothing)
{
    shop shop;
    open_shop(&shop);
    lw_round round;
    for (int i = 0; i < 1000; i++) {
        lw_region_begin(shop.region, &round, NULL);
        lw_region_end(shop.region, round, NULL, NULL);
    }
    uint64_t before = context_stats(shop.host.context).own_bytes;
    for (int i = 1000; i < 1000000; i++) {
        lw_region_begin(shop.region, &round, NULL);
        lw_region_end(shop.region, round, NULL, NULL);
    }
    lw_verdict verdict = look(&shop);
    expect_kind(&verdict, LW_VERDICT_CLEAN);
    cr_assert_eq(verdict.rounds, 1000000);
    cr_assert_eq(verdict.confidence, 99);
    cr_assert_leq(context_stats(shop.host.context).own_bytes, before);
    close_shop(&shop);
}

/* ---- arguments ---- */

Test(verdict, names)
{
    static const char *const names[] = {"cannot tell yet", "clean", "warm-up", "turns over",
                                        "grows", "once"};
    for (int32_t i = LW_VERDICT_UNCLEAR; i <= LW_VERDICT_ONCE; i++)
        cr_assert_str_eq(lw_verdict_name(i), names[i]);
    cr_assert_str_eq(lw_verdict_name(-1), "unknown");
    cr_assert_str_eq(lw_verdict_name(99), "unknown");
}

Test(verdict, tables_without_rounds_have_none)
{
    shop shop;
    open_shop(&shop);
    lw_verdict verdict = LW_VERDICT_INIT;
    lw_trend trend = LW_TREND_INIT;
    lw_left left = LW_LEFT_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_round round = begin(shop.region);
    grow(&shop, &cache, 64, "leak.c:1");
    end(shop.region, round);
    for (int all = 0; all < 2; all++) {
        lw_survivors *table = NULL;
        lw_survivors_take(shop.host.context, all ? NULL : shop.region, all ? 0 : round, &table,
                          NULL);
        expect_error(lw_survivors_verdict_get(table, &verdict, &error), LW_E_STATE, &error);
        expect_error(lw_survivors_trend_get(table, 0, &trend, &error), LW_E_STATE, &error);
        expect_error(lw_survivors_left_get(table, 0, 0, &left, &error), LW_E_STATE, &error);
        lw_survivors_release(table);
    }
    expect_error(lw_survivors_verdict_get(NULL, &verdict, &error), LW_E_INVALID, &error);
    expect_error(lw_survivors_trend_get(NULL, 0, &trend, &error), LW_E_INVALID, &error);
    expect_error(lw_survivors_left_get(NULL, 0, 0, &left, &error), LW_E_INVALID, &error);
    look(&shop);
    expect_error(lw_survivors_trend_get(shop.survivors, 1, &trend, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_survivors_left_get(shop.survivors, 1, 0, &left, &error), LW_E_NOT_FOUND,
                 &error);
    EXPECT_RESULT_SIZES(lw_verdict, lw_survivors_verdict_get(shop.survivors, to, &error));
    EXPECT_RESULT_SIZES(lw_trend, lw_survivors_trend_get(shop.survivors, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_left, lw_survivors_left_get(shop.survivors, 0, 0, to, &error));
    close_shop(&shop);
}
