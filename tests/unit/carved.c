/* Domains that cut blocks out of a parent's blocks. No byte is ever counted twice. */
#include "record_host.h"

typedef struct pool {
    host host;
    lw_domain *carved;
} pool;

static void open_pool(pool *pool)
{
    open_host(&pool->host);
    pool->carved = add_domain(pool->host.context, "pool", LW_DOMAIN_CARVED, pool->host.heap);
}

/* A chunk of the heap, adopted. */
static void add_chunk(pool *pool, uint64_t address, uint64_t size)
{
    lw_block_alloc(pool->host.heap, at(address), size, NULL);
    cr_assert_eq(lw_domain_adopt(pool->carved, at(address), NULL), LW_OK);
}

Test(carved, chunk_counts_as_its_blocks_only)
{
    pool pool;
    open_pool(&pool);
    lw_block_alloc(pool.host.heap, at(0x10000), 4096, NULL);
    expect_live(pool.host.heap, 4096, 1);
    cr_assert_eq(lw_domain_adopt(pool.carved, at(0x10000), NULL), LW_OK);
    expect_live(pool.host.heap, 0, 0);
    lw_domain_stats stats = domain_stats(pool.host.heap);
    cr_assert_eq(stats.adopted_bytes, 4096);
    cr_assert_eq(stats.adopted_blocks, 1);
    cr_assert_eq(stats.allocated, 1);
    cr_assert_eq(stats.freed, 0);
    lw_block_alloc(pool.carved, at(0x10040), 100, NULL);
    expect_live(pool.carved, 100, 1);
    lw_block_free(pool.carved, at(0x10040));
    expect_live(pool.carved, 0, 0);
    lw_block_free(pool.host.heap, at(0x10000));
    stats = domain_stats(pool.host.heap);
    cr_assert_eq(stats.adopted_bytes, 0);
    cr_assert_eq(stats.adopted_blocks, 0);
    cr_assert_eq(stats.freed, 1);
    expect_live(pool.host.heap, 0, 0);
    cr_assert_eq(context_stats(pool.host.context).events, 4);
    close_host(&pool.host);
}

Test(carved, first_block_at_the_chunks_address)
{
    pool pool;
    lw_block block;
    open_pool(&pool);
    add_chunk(&pool, 0x10000, 4096);
    lw_block_alloc(pool.carved, at(0x10000), 100, NULL);
    expect_live(pool.carved, 100, 1);
    expect_live(pool.host.heap, 0, 0);
    cr_assert_eq(find_block(pool.carved, 0x10063, &block), LW_OK);
    cr_assert_eq(block.size, 100);
    cr_assert_eq(find_block(pool.carved, 0x10064, &block), LW_E_NOT_FOUND);
    cr_assert_eq(find_block(pool.host.heap, 0x10064, &block), LW_OK);
    cr_assert_eq(block.size, 4096);
    lw_block_free(pool.carved, at(0x10000));
    cr_assert_eq(domain_stats(pool.host.heap).adopted_blocks, 1);
    lw_block_free(pool.host.heap, at(0x10000));
    cr_assert_eq(context_stats(pool.host.context).unknown_frees, 0);
    cr_assert_eq(context_stats(pool.host.context).replaced, 0);
    close_host(&pool.host);
}

Test(carved, chunk_freed_with_blocks_inside)
{
    pool pool;
    open_pool(&pool);
    add_chunk(&pool, 0x10000, 4096);
    add_chunk(&pool, 0x11000, 4096);
    lw_block_alloc(pool.carved, at(0x10000), 16, NULL);
    lw_block_alloc(pool.carved, at(0x10ff0), 16, NULL); /* the last of the first chunk */
    lw_block_alloc(pool.carved, at(0x11000), 16, NULL); /* the first of the second */
    lw_block_free(pool.host.heap, at(0x10000));
    expect_live(pool.carved, 16, 1);
    cr_assert_eq(domain_stats(pool.carved).freed, 2);
    lw_block_free(pool.carved, at(0x10000));
    cr_assert_eq(context_stats(pool.host.context).unknown_frees, 1);
    lw_block_free(pool.host.heap, at(0x11000));
    expect_live(pool.carved, 0, 0);
    close_host(&pool.host);
}

/* 128 MiB full of small blocks go at once: time that grows with their square would show. */
Test(carved, chunk_freed_with_very_many_blocks_inside, .timeout = 60)
{
    pool pool;
    enum { BLOCKS = 200000 };
    uint64_t chunk = UINT64_C(1) << 32;
    open_pool(&pool);
    add_chunk(&pool, chunk, BLOCKS * 640);
    for (uint64_t i = 0; i < BLOCKS; i++)
        lw_block_alloc(pool.carved, at(chunk + i * 640), 600, NULL);
    expect_live(pool.carved, BLOCKS * INT64_C(600), BLOCKS);
    lw_block_free(pool.host.heap, at(chunk));
    expect_live(pool.carved, 0, 0);
    close_host(&pool.host);
}

Test(carved, empty_chunk)
{
    pool pool;
    open_pool(&pool);
    add_chunk(&pool, 0x10000, 0);
    lw_block_alloc(pool.carved, at(0x10010), 16, NULL); /* not inside */
    lw_block_free(pool.host.heap, at(0x10000));
    expect_live(pool.carved, 16, 1);
    close_host(&pool.host);
}

/* The chunk went through several hooks: the pool's parent is the inner one, its owner the outer. */
Test(carved, chunk_that_several_hooks_see)
{
    pool pool;
    open_pool(&pool);
    lw_domain *outer = add_domain(pool.host.context, "outer", LW_DOMAIN_SHARED, NULL);
    lw_block_alloc(pool.host.heap, at(0x10000), 4096, NULL);
    lw_block_alloc(outer, at(0x10000), 4096, NULL);
    cr_assert_eq(lw_domain_adopt(pool.carved, at(0x10000), NULL), LW_OK);
    expect_live(outer, 0, 0);
    cr_assert_eq(domain_stats(outer).adopted_bytes, 4096);
    lw_block_alloc(pool.carved, at(0x10010), 16, NULL);
    lw_block_free(outer, at(0x10000));
    lw_block_free(pool.host.heap, at(0x10000));
    expect_live(pool.carved, 0, 0);
    expect_live(outer, 0, 0);
    cr_assert_eq(domain_stats(outer).adopted_bytes, 0);
    close_host(&pool.host);
}

/* A block of a pool is itself a pool. */
Test(carved, chunks_within_chunks)
{
    pool pool;
    open_pool(&pool);
    lw_domain *inner = add_domain(pool.host.context, "inner", LW_DOMAIN_CARVED, pool.carved);
    add_chunk(&pool, 0x10000, 65536);
    lw_block_alloc(pool.carved, at(0x10000), 4096, NULL);
    lw_block_alloc(pool.carved, at(0x12000), 50, NULL);
    cr_assert_eq(lw_domain_adopt(inner, at(0x10000), NULL), LW_OK);
    lw_block_alloc(inner, at(0x10000), 100, NULL);
    lw_block_alloc(inner, at(0x10100), 100, NULL);
    expect_live(pool.host.heap, 0, 0);
    expect_live(pool.carved, 50, 1);
    expect_live(inner, 200, 2);
    lw_block_free(pool.host.heap, at(0x10000));
    expect_live(pool.carved, 0, 0);
    expect_live(inner, 0, 0);
    cr_assert_eq(domain_stats(pool.carved).adopted_blocks, 0);
    close_host(&pool.host);
}

Test(carved, two_pools_of_one_heap)
{
    pool pool;
    open_pool(&pool);
    lw_domain *second = add_domain(pool.host.context, "second", LW_DOMAIN_CARVED, pool.host.heap);
    add_chunk(&pool, 0x10000, 4096);
    lw_block_alloc(pool.host.heap, at(0x20000), 4096, NULL);
    cr_assert_eq(lw_domain_adopt(second, at(0x20000), NULL), LW_OK);
    lw_block_alloc(pool.carved, at(0x10000), 10, NULL);
    lw_block_alloc(second, at(0x20000), 20, NULL);
    lw_block_free(pool.host.heap, at(0x20000));
    expect_live(pool.carved, 10, 1);
    expect_live(second, 0, 0);
    close_host(&pool.host);
}

Test(carved, carved_out_of_an_apart_domain)
{
    host host;
    open_host(&host);
    lw_domain *device = add_domain(host.context, "device", LW_DOMAIN_APART, NULL);
    lw_domain *pool = add_domain(host.context, "pool", LW_DOMAIN_CARVED, device);
    lw_block_alloc(device, at(0x10000), 4096, NULL);
    cr_assert_eq(lw_domain_adopt(pool, at(0x10000), NULL), LW_OK);
    lw_block_alloc(pool, at(0x10000), 100, NULL);
    lw_block_alloc(host.heap, at(0x10000), 7, NULL);
    lw_block_free(host.heap, at(0x10000)); /* another space: the pool stays */
    expect_live(pool, 100, 1);
    lw_block_free(device, at(0x10000));
    expect_live(pool, 0, 0);
    close_host(&host);
}

/* The chunk's own region loses its bytes, those of the blocks get them. */
Test(carved, regions_count_each_byte_once)
{
    pool pool;
    lw_region *outer = NULL, *inner = NULL;
    lw_round outer_round = 0, inner_round = 0;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_pool(&pool);
    cr_assert_eq(lw_region_create(pool.host.context, "outer", NULL, &outer, NULL), LW_OK);
    cr_assert_eq(lw_region_create(pool.host.context, "inner", NULL, &inner, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(outer, &outer_round, NULL), LW_OK);
    add_chunk(&pool, 0x10000, 4096);
    lw_region_stats_get(outer, outer_round, &stats, NULL);
    cr_assert_eq(stats.current_bytes, 0);
    cr_assert_eq(stats.net_bytes, 0);
    cr_assert_eq(lw_region_begin(inner, &inner_round, NULL), LW_OK);
    lw_block_alloc(pool.carved, at(0x10000), 100, NULL);
    cr_assert_eq(lw_region_end(inner, inner_round, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 100);
    cr_assert_eq(stats.net_bytes, 100);
    lw_region_stats_get(outer, outer_round, &stats, NULL);
    cr_assert_eq(stats.current_bytes, 100);
    lw_block_free(pool.host.heap, at(0x10000));
    lw_region_stats_get(inner, 0, &stats, NULL);
    cr_assert_eq(stats.current_bytes, 0);
    cr_assert_eq(lw_region_end(outer, outer_round, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 0);
    cr_assert_eq(stats.net_bytes, 0);
    close_host(&pool.host);
}

/* The round is over and empty but for a chunk, which does not count; the chunk's end still must. */
Test(carved, chunk_outlives_an_empty_round)
{
    pool pool;
    lw_region *region = NULL;
    lw_round round = 0;
    open_pool(&pool);
    cr_assert_eq(lw_region_create(pool.host.context, "r", NULL, &region, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
    add_chunk(&pool, 0x10000, 4096);
    cr_assert_eq(lw_region_end(region, round, NULL, NULL), LW_OK);
    for (uint64_t i = 0; i < 200; i++) /* births come and go meanwhile */
        lw_block_alloc_at(pool.carved, at(0x10000 + (i % 4) * 16), 16, LW_HERE);
    lw_block_free(pool.host.heap, at(0x10000));
    expect_live(pool.carved, 0, 0);
    expect_live(pool.host.heap, 0, 0);
    cr_assert_eq(domain_stats(pool.host.heap).adopted_blocks, 0);
    close_host(&pool.host);
}

/* Resizing a chunk frees it and allocates another, which nobody has adopted. */
Test(carved, chunk_that_moves_ends)
{
    pool pool;
    lw_move move;
    open_pool(&pool);
    add_chunk(&pool, 0x10000, 4096);
    lw_block_alloc(pool.carved, at(0x10000), 100, NULL);
    lw_move_begin(pool.host.heap, at(0x10000), &move);
    lw_move_cancel(&move);
    expect_live(pool.carved, 100, 1);
    expect_live(pool.host.heap, 0, 0);
    cr_assert_eq(domain_stats(pool.host.heap).adopted_bytes, 4096);
    lw_move_begin(pool.host.heap, at(0x10000), &move);
    lw_move_end(&move, at(0x20000), 8192, NULL);
    expect_live(pool.carved, 0, 0);
    expect_live(pool.host.heap, 8192, 1);
    cr_assert_eq(domain_stats(pool.host.heap).adopted_blocks, 0);
    close_host(&pool.host);
}

Test(carved, chunk_allocated_over_a_chunk)
{
    pool pool;
    open_pool(&pool);
    add_chunk(&pool, 0x10000, 4096);
    lw_block_alloc(pool.carved, at(0x10800), 100, NULL);
    lw_block_alloc(pool.host.heap, at(0x10000), 64, NULL); /* its free was never seen */
    expect_live(pool.carved, 0, 0);
    expect_live(pool.host.heap, 64, 1);
    cr_assert_eq(context_stats(pool.host.context).replaced, 1);
    cr_assert_eq(domain_stats(pool.host.heap).adopted_blocks, 0);
    close_host(&pool.host);
}

Test(carved, adopt_refuses)
{
    pool pool;
    lw_error error = LW_ERROR_INIT;
    open_pool(&pool);
    lw_block_alloc(pool.host.heap, at(0x10000), 4096, NULL);
    expect_error(lw_domain_adopt(NULL, at(0x10000), &error), LW_E_INVALID, &error);
    expect_error(lw_domain_adopt(pool.carved, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_domain_adopt(pool.host.heap, at(0x10000), &error), LW_E_INVALID, &error);
    expect_error(lw_domain_adopt(pool.carved, at(0x10010), &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_domain_adopt(pool.carved, at(0x10008), &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_domain_adopt(pool.carved, at(0x50000), &error), LW_E_NOT_FOUND, &error);
    expect_live(pool.host.heap, 4096, 1);
    cr_assert_eq(lw_domain_adopt(pool.carved, at(0x10000), &error), LW_OK);
    expect_error(lw_domain_adopt(pool.carved, at(0x10000), &error), LW_E_STATE, &error);
    lw_block_free(pool.host.heap, at(0x10000));
    expect_error(lw_domain_adopt(pool.carved, at(0x10000), &error), LW_E_NOT_FOUND, &error);
    close_host(&pool.host);
}

/* Also of a chunk whose size has a place of its own. */
Test(carved, adopt_without_memory_changes_nothing)
{
    static const uint64_t sizes[] = {4096, UINT64_C(5) << 30};
    for (int i = 0; i < 2; i++) {
        pool pool;
        lw_error error = LW_ERROR_INIT;
        open_pool(&pool);
        lw_block_alloc(pool.host.heap, at(UINT64_C(1) << 40), sizes[i], NULL);
        int failures = 0;
        for (int n = 1;; n++) { /* its first allocation and all after, its second ... */
            pool.host.memory.persistent = 1;
            pool.host.memory.fail_at = pool.host.memory.calls + n;
            lw_status status = lw_domain_adopt(pool.carved, at(UINT64_C(1) << 40), &error);
            pool.host.memory.fail_at = 0;
            if (status == LW_OK)
                break;
            expect_error(status, LW_E_NOMEM, &error);
            expect_live(pool.host.heap, (int64_t)sizes[i], 1);
            failures++;
        }
        cr_assert_gt(failures, 0);
        expect_live(pool.host.heap, 0, 0);
        cr_assert_eq(domain_stats(pool.host.heap).adopted_bytes, (int64_t)sizes[i]);
        lw_block_free(pool.host.heap, at(UINT64_C(1) << 40));
        cr_assert_eq(domain_stats(pool.host.heap).adopted_bytes, 0);
        close_host(&pool.host);
    }
}
