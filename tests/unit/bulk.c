/* Sources of memory of every kind: what all of them hold adds up, and goes in one call. */
#include "record_host.h"

/* A batch of memory: `count` blocks of `size` bytes, `step` apart. */
static void fill(lw_domain *domain, uint64_t first, uint64_t step, uint64_t count, uint64_t size)
{
    for (uint64_t i = 0; i < count; i++)
        lw_block_alloc(domain, at(first + i * step), size, NULL);
}

/* malloc seen by two hooks, a pool cut out of it, a file mapped, a card with 24 GiB: every byte
 * counts once, in the domain that it belongs to. */
Test(bulk, totals_of_all_domains_add_up)
{
    host host;
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    open_host(&host);
    lw_domain *outer = add_domain(host.context, "outer", LW_DOMAIN_SHARED, NULL);
    lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, host.heap);
    lw_domain *mapped = add_domain(host.context, "mmap", LW_DOMAIN_SHARED, NULL);
    lw_domain *card = add_domain(host.context, "gpu", LW_DOMAIN_APART, NULL);
    lw_block_alloc(host.heap, at(0x10000), 600, NULL); /* and the hook around it: one block */
    lw_block_alloc(outer, at(0x10000), 600, NULL);
    lw_block_alloc(host.heap, at(0x20000), 65536, NULL); /* a chunk of the pool */
    cr_assert_eq(lw_domain_adopt(pool, at(0x20000), NULL), LW_OK);
    fill(pool, 0x20000, 64, 100, 48);
    lw_block_alloc(mapped, at(0x7f0000000000), UINT64_C(6) << 30, NULL);
    lw_block_alloc(card, at(0x10000), UINT64_C(16) << 30, NULL); /* a space of its own */
    lw_block_alloc(card, at(0x500000000), UINT64_C(8) << 30, NULL);
    expect_live(host.heap, 0, 0);
    expect_live(outer, 600, 1);
    expect_live(pool, 4800, 100);
    expect_live(mapped, INT64_C(6) << 30, 1);
    expect_live(card, INT64_C(24) << 30, 2);
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_eq(info.bytes, 600 + 4800 + (INT64_C(30) << 30));
    cr_assert_eq(info.blocks, 104);
    lw_survivors_release(survivors);
    close_host(&host);
}

/* A reset of 40,000 blocks, by the range and by the domain; the chunk stays adopted. */
Test(bulk, a_pool_is_reset_in_one_call)
{
    for (int way = 0; way < 2; way++) {
        host host;
        enum { BLOCKS = 40000 };
        open_host(&host);
        lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, host.heap);
        lw_block_alloc(host.heap, at(0x100000), BLOCKS * 32, NULL);
        cr_assert_eq(lw_domain_adopt(pool, at(0x100000), NULL), LW_OK);
        for (int round = 0; round < 3; round++) {
            fill(pool, 0x100000, 32, BLOCKS, 24);
            expect_live(pool, BLOCKS * 24, BLOCKS);
            if (way)
                lw_domain_free_all(pool);
            else
                lw_domain_free_range(pool, at(0x100000), BLOCKS * 32);
            expect_live(pool, 0, 0);
        }
        cr_assert_eq(domain_stats(pool).freed, 3 * BLOCKS);
        cr_assert_eq(domain_stats(host.heap).adopted_bytes, BLOCKS * 32);
        cr_assert_eq(context_stats(host.context).events, 1 + 6 * BLOCKS);
        cr_assert_eq(context_stats(host.context).unknown_frees, 0);
        close_host(&host);
    }
}

Test(bulk, a_range_ends_exactly_where_it_does)
{
    host host;
    open_host(&host);
    lw_domain *other = add_domain(host.context, "other", LW_DOMAIN_SHARED, NULL);
    lw_domain *apart = add_domain(host.context, "apart", LW_DOMAIN_APART, NULL);
    fill(host.heap, 0x10000, 16, 1024, 16);
    fill(other, 0x20000, 0x10000000000, 3, 8); /* far away, and not of this domain */
    fill(apart, 0x10000, 16, 1024, 16);
    lw_domain_free_range(host.heap, at(0x10010), 16); /* one */
    expect_live(host.heap, 1023 * 16, 1023);
    lw_domain_free_range(host.heap, at(0x10001), 15); /* a block begins before, one behind it */
    expect_live(host.heap, 1023 * 16, 1023);
    lw_domain_free_range(host.heap, at(0x10fff), 2); /* across a page */
    expect_live(host.heap, 1022 * 16, 1022);
    lw_domain_free_range(host.heap, at(0x10020), 0);
    expect_live(host.heap, 1022 * 16, 1022);
    lw_domain_free_range(host.heap, at(0x10020), UINT64_MAX); /* the end of memory is an end */
    expect_live(host.heap, 16, 1);
    expect_live(other, 0, 0);
    expect_live(apart, 1024 * 16, 1024);
    lw_domain_free_range(host.heap, NULL, UINT64_MAX);
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

/* Of what shared domains have in common, a domain gives back what it owns. */
Test(bulk, all_of_a_shared_domain)
{
    host host;
    open_host(&host);
    lw_domain *other = add_domain(host.context, "other", LW_DOMAIN_SHARED, NULL);
    fill(host.heap, 0x10000, 32, 500, 16);
    fill(other, 0x10010, 32, 500, 16);
    lw_domain_free_all(other);
    expect_live(host.heap, 8000, 500);
    expect_live(other, 0, 0);
    lw_domain_free_all(host.heap);
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

/* Addresses with something in their upper bits, as devices have them, told in no order. */
Test(bulk, all_of_a_domain_with_addresses_anywhere)
{
    static const uint64_t tops[] = {7, 2, 0, 65535, 3};
    host host;
    open_host(&host);
    lw_domain *card = add_domain(host.context, "card", LW_DOMAIN_APART, NULL);
    for (int i = 0; i < 5; i++)
        fill(card, (tops[i] << 48) + 4096, 16, 200, 16);
    expect_live(card, 16000, 1000);
    lw_domain_free_range(card, at(UINT64_C(2) << 48), UINT64_C(2) << 48); /* two of them */
    expect_live(card, 9600, 600);
    lw_domain_free_all(card);
    expect_live(card, 0, 0);
    close_host(&host);
}

/* Chunks in the range end with all that was cut out of them, and regions hear of it. */
Test(bulk, chunks_end_and_regions_hear_of_it)
{
    host host;
    lw_region *region = NULL;
    lw_round round = 0;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, host.heap);
    cr_assert_eq(lw_region_create(host.context, "r", NULL, &region, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    fill(host.heap, 0x10000, 4096, 10, 4096);
    for (uint64_t i = 0; i < 10; i++) {
        cr_assert_eq(lw_domain_adopt(pool, at(0x10000 + i * 4096), NULL), LW_OK);
        fill(pool, 0x10000 + i * 4096, 64, 64, 64);
    }
    lw_block_alloc(host.heap, at(0x90000), 100, NULL);
    lw_domain_free_range(host.heap, at(0x10000), 10 * 4096);
    expect_live(pool, 0, 0);
    expect_live(host.heap, 100, 1);
    cr_assert_eq(domain_stats(host.heap).adopted_blocks, 0);
    cr_assert_eq(lw_region_end(region, round, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 100);
    cr_assert_eq(stats.peak_bytes, 10 * 4096 + 100);
    cr_assert_eq(stats.net_bytes, 100);
    close_host(&host);
}

Test(bulk, nothing_there_is_harmless)
{
    host host;
    open_host(&host);
    lw_domain_free_range(NULL, at(0x10000), 16);
    lw_domain_free_all(NULL);
    lw_domain_free_range(host.heap, at(0x10000), 4096);
    lw_domain_free_all(host.heap);
    cr_assert_eq(context_stats(host.context).events, 0);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}
