/* Domains and blocks. Domains that cut up others' blocks: carved.c; blocks that move: move.c. */
#include "record_host.h"

/* ---- making domains ---- */

static lw_status create(lw_context *context, const lw_domain_options *options, lw_error *error)
{
    lw_domain *domain = at(1);
    lw_status status = lw_domain_create(context, options, &domain, error);
    cr_assert_eq(domain != NULL, status == LW_OK);
    return status;
}

Test(record, domain_create_refuses_null)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    open_host(&host);
    expect_error(create(host.context, NULL, &error), LW_E_INVALID, &error);
    expect_error(create(host.context, &options, &error), LW_E_INVALID, &error); /* no name */
    options.name = "";
    expect_error(create(host.context, &options, &error), LW_E_INVALID, &error);
    options.name = "d";
    expect_error(create(NULL, &options, &error), LW_E_INVALID, &error);
    expect_error(lw_domain_create(host.context, &options, NULL, &error), LW_E_INVALID, &error);
    cr_assert_eq(create(host.context, &options, NULL), LW_OK);
    close_host(&host);
}

Test(record, domain_create_takes_options_of_every_size)
{
    host host;
    char name[] = "a";
    lw_domain_options good = LW_DOMAIN_OPTIONS_INIT;
    open_host(&host);
    good.name = name;
    EXPECT_OPTION_SIZES(lw_domain_options, good, create(host.context, given, &error));
    name[0] = 'b';
    good.struct_size = offsetof(lw_domain_options, name) + sizeof good.name;
    good.describe_frame = NULL;
    cr_assert_eq(create(host.context, &good, NULL), LW_OK);
    close_host(&host);
}

Test(record, domain_create_refuses_bad_options)
{
    static const struct {
        int32_t kind;
        uint32_t flags, alignment;
        int parent; /* 1: of this context, 2: of another */
    } bad[] = {
        {-1, 0, 0, 0},
        {3, 0, 0, 0},
        {LW_DOMAIN_SHARED, 4, 0, 0},
        {LW_DOMAIN_SHARED, UINT32_MAX, 0, 0},
        {LW_DOMAIN_SHARED, 0, 8, 0},
        {LW_DOMAIN_APART, 0, 4, 0},
        {LW_DOMAIN_APART, 0, 32, 0},
        {LW_DOMAIN_APART, 0, 1, 0},
        {LW_DOMAIN_SHARED, 0, 0, 1},
        {LW_DOMAIN_APART, 0, 0, 1},
        {LW_DOMAIN_CARVED, 0, 0, 0},
        {LW_DOMAIN_CARVED, 0, 0, 2},
    };
    host host, other;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    open_host(&other);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
        options.name = "bad";
        options.kind = bad[i].kind;
        options.flags = bad[i].flags;
        options.alignment = bad[i].alignment;
        options.parent = bad[i].parent == 1 ? host.heap : bad[i].parent == 2 ? other.heap : NULL;
        expect_error(create(host.context, &options, &error), LW_E_INVALID, &error);
    }
    close_host(&host);
    close_host(&other);
}

/* Two adapters of one kind in one context. */
Test(record, domain_create_refuses_a_name_that_is_taken)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    open_host(&host);
    options.name = "heap";
    options.kind = LW_DOMAIN_APART;
    expect_error(create(host.context, &options, &error), LW_E_STATE, &error);
    cr_assert(strstr(error.message, "\"heap\""));
    close_host(&host);
}

Test(record, domain_create_copies_the_name)
{
    host host;
    char name[] = "mine";
    lw_error error = LW_ERROR_INIT;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    open_host(&host);
    options.name = name;
    cr_assert_eq(create(host.context, &options, NULL), LW_OK);
    strcpy(name, "new");
    options.name = "mine";
    expect_error(create(host.context, &options, &error), LW_E_STATE, &error);
    close_host(&host);
}

static int describe_nothing(uint64_t word, lw_frame *frame, void *user)
{
    (void)word, (void)frame, (void)user;
    return 1;
}

/* 255 domains, each of its own host; the next one is too many. */
Test(record, domain_create_has_a_limit)
{
    static char users[256];
    host host;
    char name[16];
    uint64_t word = 7;
    lw_stack stack = {&word, 1, 0, 0};
    lw_error error = LW_ERROR_INIT;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    open_host(&host);
    options.name = name;
    options.describe_frame = describe_nothing;
    for (int i = 2; i <= 255; i++) {
        snprintf(name, sizeof name, "d%d", i);
        options.user = &users[i];
        cr_assert_eq(lw_domain_create(host.context, &options, &domain, NULL), LW_OK, "%d", i);
    }
    lw_block_alloc(domain, at(0x1000), 5, &stack);
    expect_live(domain, 5, 1);
    strcpy(name, "d256");
    expect_error(create(host.context, &options, &error), LW_E_LIMIT, &error);
    close_host(&host);
}

Test(record, domain_create_without_memory_changes_nothing)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    open_host(&host);
    options.name = "d";
    options.kind = LW_DOMAIN_APART;
    host.memory.persistent = 1;
    host.memory.fail_at = host.memory.calls + 1;
    expect_error(create(host.context, &options, &error), LW_E_NOMEM, &error);
    host.memory.fail_at = 0;
    cr_assert_eq(create(host.context, &options, NULL), LW_OK);
    close_host(&host);
}

Test(record, domain_stats_get_takes_every_size_and_refuses_null)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
    open_host(&host);
    EXPECT_RESULT_SIZES(lw_domain_stats, lw_domain_stats_get(host.heap, to, &error));
    stats.bytes = 7;
    expect_error(lw_domain_stats_get(NULL, &stats, &error), LW_E_INVALID, &error);
    cr_assert_eq(stats.bytes, 0);
    close_host(&host);
}

/* ---- blocks ---- */

Test(record, blocks_count_from_alloc_to_free)
{
    host host;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    lw_block_alloc(host.heap, at(0x2000), 50, NULL);
    lw_block_free(host.heap, at(0x1000));
    lw_domain_stats stats = domain_stats(host.heap);
    cr_assert_eq(stats.bytes, 50);
    cr_assert_eq(stats.blocks, 1);
    cr_assert_eq(stats.allocated, 2);
    cr_assert_eq(stats.freed, 1);
    cr_assert_eq(stats.adopted_bytes, 0);
    cr_assert_eq(stats.adopted_blocks, 0);
    close_host(&host);
}

Test(record, null_is_ignored)
{
    host host;
    open_host(&host);
    lw_block_alloc(NULL, at(0x1000), 10, NULL);
    lw_block_alloc(host.heap, NULL, 10, NULL);
    lw_block_alloc_at(NULL, at(0x1000), 10, LW_HERE);
    lw_block_alloc_at(host.heap, NULL, 10, LW_HERE);
    lw_block_free(NULL, at(0x1000));
    lw_block_free(host.heap, NULL);
    lw_block_free_sized(NULL, at(0x1000), 10);
    lw_block_free_sized(host.heap, NULL, 10);
    lw_context_stats stats = context_stats(host.context);
    cr_assert_eq(stats.events + stats.dropped + stats.unknown_frees, 0);
    close_host(&host);
}

Test(record, empty_blocks_are_blocks)
{
    host host;
    lw_block block;
    open_host(&host);
    for (uint64_t i = 1; i <= 1000; i++)
        lw_block_alloc(host.heap, at(i * 16), 0, NULL);
    expect_live(host.heap, 0, 1000);
    cr_assert_eq(find_block(host.heap, 160, &block), LW_OK);
    cr_assert_eq(block.size, 0);
    cr_assert_eq(find_block(host.heap, 161, &block), LW_E_NOT_FOUND);
    for (uint64_t i = 1; i <= 1000; i++)
        lw_block_free_sized(host.heap, at(i * 16), 0);
    expect_live(host.heap, 0, 0);
    cr_assert_eq(context_stats(host.context).replaced, 0);
    close_host(&host);
}

/* Sizes around every limit of a record: 24 bits, 32 bits, and beyond. */
Test(record, sizes_are_exact)
{
    static const uint64_t sizes[] = {
        1, (1 << 20) - 1, 1 << 20, (1 << 24) - 2, (1 << 24) - 1, 1 << 24, (1 << 24) + 1,
        UINT64_C(0xffffffff), UINT64_C(0x100000000), UINT64_C(5) << 30, UINT64_C(1) << 40};
    host host;
    lw_block block;
    int64_t sum = 0;
    open_host(&host);
    enum { COUNT = sizeof sizes / sizeof *sizes };
    for (uint64_t i = 0; i < COUNT; i++) {
        lw_block_alloc(host.heap, at((i + 1) << 44), sizes[i], NULL);
        sum += (int64_t)sizes[i];
    }
    expect_live(host.heap, sum, COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t start = (i + 1) << 44;
        cr_assert_eq(find_block(host.heap, start + sizes[i] - 1, &block), LW_OK);
        cr_assert_eq(block.address, at(start));
        cr_assert_eq(block.size, sizes[i]);
        cr_assert_eq(find_block(host.heap, start + sizes[i], &block), LW_E_NOT_FOUND);
        lw_block_free_sized(host.heap, at(start), sizes[i]);
        sum -= (int64_t)sizes[i];
        expect_live(host.heap, sum, (int64_t)(COUNT - 1 - i));
    }
    cr_assert_eq(context_stats(host.context).replaced, 0);
    close_host(&host);
}

/* An address that changes between sizes with and without a place of their own. */
Test(record, a_size_may_change_at_one_address)
{
    static const uint64_t sizes[] = {UINT64_C(5) << 30, 10, 1 << 24, 1 << 25, 0, 1 << 26};
    host host;
    lw_block block;
    open_host(&host);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        lw_block_alloc(host.heap, at(0x10000), sizes[i], NULL);
        expect_live(host.heap, (int64_t)sizes[i], 1);
        cr_assert_eq(find_block(host.heap, 0x10000, &block), LW_OK);
        cr_assert_eq(block.size, sizes[i]);
        if (i % 2)
            lw_block_free(host.heap, at(0x10000));
    }
    cr_assert_eq(context_stats(host.context).replaced, 3);
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

Test(record, addresses_may_be_anywhere)
{
    static const uint64_t addresses[] = {
        16, 0x7fffffffe000, UINT64_C(1) << 48, (UINT64_C(1) << 48) + 16, UINT64_C(1) << 56,
        UINT64_C(0xffff800000000000), UINT64_C(0xfffffffffffffff0)};
    host host;
    lw_block block;
    open_host(&host);
    enum { COUNT = sizeof addresses / sizeof *addresses };
    for (int64_t i = 0; i < COUNT; i++) {
        lw_block_alloc(host.heap, at(addresses[i]), 8, NULL);
        expect_live(host.heap, 8 * (i + 1), i + 1);
    }
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(find_block(host.heap, addresses[i] + 7, &block), LW_OK);
        cr_assert_eq(block.address, at(addresses[i]));
    }
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    cr_assert_eq(lw_survivors_take(host.context, NULL, 0, &survivors, NULL), LW_OK);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_eq(info.blocks, COUNT);
    cr_assert_eq(info.bytes, 8 * COUNT);
    lw_survivors_release(survivors);
    for (int i = 0; i < COUNT; i++)
        lw_block_free(host.heap, at(addresses[i]));
    expect_live(host.heap, 0, 0);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}

/* A page that begins with few slots, since its first block is large, and gets ever more blocks
 * until each granule has one. */
Test(record, a_page_may_become_dense)
{
    host host;
    lw_block block;
    int64_t count = 0;
    open_host(&host);
    for (uint64_t step = 4096; step >= 16; step /= 2) {
        for (uint64_t i = step == 4096 ? 0 : step; i < 4096; i += step == 4096 ? step : step * 2) {
            lw_block_alloc(host.heap, at(0x10000 + i), step == 4096 ? 4096 : 16, NULL);
            count++;
            expect_live(host.heap, 4080 + 16 * count, count);
        }
    }
    cr_assert_eq(count, 256);
    lw_block_free(host.heap, at(0x10000));
    lw_block_alloc(host.heap, at(0x10000), 16, NULL);
    for (uint64_t i = 0; i < 4096; i += 16) {
        cr_assert_eq(find_block(host.heap, 0x10000 + i + 5, &block), LW_OK);
        cr_assert_eq(block.address, at(0x10000 + i));
        lw_block_free(host.heap, at(0x10000 + i));
        count--;
        expect_live(host.heap, 16 * count, count);
    }
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    close_host(&host);
}

Test(record, misaligned_addresses_are_counted_and_not_recorded)
{
    host host;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    for (uint64_t i = 1; i < 16; i++) {
        lw_block_alloc(host.heap, at(0x1000 + i), 1, NULL);
        lw_block_free(host.heap, at(0x1000 + i));
        lw_block_free_sized(host.heap, at(0x1000 + i), 1);
    }
    expect_live(host.heap, 100, 1);
    cr_assert_eq(context_stats(host.context).dropped_address, 45);
    close_host(&host);
}

Test(record, free_of_an_unknown_block)
{
    host host;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    lw_block_free(host.heap, at(0x1010)); /* inside, but not its start */
    lw_block_free(host.heap, at(0x8000));
    lw_block_free_sized(host.heap, at(UINT64_C(1) << 60), 4);
    lw_block_free(host.heap, at(0x1000));
    lw_block_free(host.heap, at(0x1000));
    expect_live(host.heap, 0, 0);
    cr_assert_eq(context_stats(host.context).unknown_frees, 4);
    cr_assert_eq(domain_stats(host.heap).freed, 1);
    close_host(&host);
}

/* ---- several hooks on one block ---- */

/* malloc inside PyMem_Malloc inside PyObject_Malloc: one block, of the outermost. */
Test(record, three_hooks_see_one_block)
{
    host host;
    open_host(&host);
    lw_domain *middle = add_domain(host.context, "middle", LW_DOMAIN_SHARED, NULL);
    lw_domain *outer = add_domain(host.context, "outer", LW_DOMAIN_SHARED, NULL);
    for (int i = 0; i < 3; i++) {
        lw_block_alloc(host.heap, at(0x1000), 600, NULL);
        lw_block_alloc(middle, at(0x1000), 600, NULL);
        lw_block_alloc(outer, at(0x1000), 600, NULL);
        expect_live(host.heap, 0, 0);
        expect_live(middle, 0, 0);
        expect_live(outer, 600, 1);
        lw_block_free(outer, at(0x1000));
        lw_block_free(middle, at(0x1000));
        lw_block_free(host.heap, at(0x1000));
        expect_live(outer, 0, 0);
    }
    lw_context_stats stats = context_stats(host.context);
    cr_assert_eq(stats.events, 18);
    cr_assert_eq(stats.unknown_frees, 0);
    cr_assert_eq(stats.replaced, 0);
    cr_assert_eq(stats.dropped, 0);
    close_host(&host);
}

Test(record, three_hooks_see_one_move)
{
    host host;
    lw_move moves[3];
    open_host(&host);
    lw_domain *middle = add_domain(host.context, "middle", LW_DOMAIN_SHARED, NULL);
    lw_domain *outer = add_domain(host.context, "outer", LW_DOMAIN_SHARED, NULL);
    lw_domain *all[] = {host.heap, middle, outer};
    for (int i = 0; i < 3; i++)
        lw_block_alloc(all[i], at(0x1000), 600, NULL);
    for (int i = 2; i >= 0; i--)
        lw_move_begin(all[i], at(0x1000), &moves[i]);
    for (int i = 0; i < 3; i++)
        lw_move_cancel(&moves[i]);
    expect_live(outer, 600, 1);
    for (int i = 2; i >= 0; i--)
        lw_move_begin(all[i], at(0x1000), &moves[i]);
    for (int i = 0; i < 3; i++)
        lw_move_end(&moves[i], at(0x2000), 700, NULL);
    expect_live(outer, 700, 1);
    expect_live(middle, 0, 0);
    expect_live(host.heap, 0, 0);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0);
    cr_assert_eq(context_stats(host.context).replaced, 0);
    close_host(&host);
}

/* A block that one hook alone saw is freed through another: it is the same block. */
Test(record, shared_domains_share_their_blocks)
{
    host host;
    lw_block block;
    open_host(&host);
    lw_domain *other = add_domain(host.context, "other", LW_DOMAIN_SHARED, NULL);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    cr_assert_eq(find_block(other, 0x1005, &block), LW_OK);
    lw_block_free(other, at(0x1000));
    expect_live(host.heap, 0, 0);
    expect_live(other, 0, 0);
    lw_block_free(other, at(0x1000)); /* twice through one hook */
    cr_assert_eq(context_stats(host.context).unknown_frees, 1);
    close_host(&host);
}

/* ---- domains with addresses of their own ---- */

Test(record, apart_domains_do_not_meet)
{
    host host;
    open_host(&host);
    lw_domain *device = add_domain(host.context, "device", LW_DOMAIN_APART, NULL);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_block_alloc(device, at(0x1000), 300, NULL);
    expect_live(host.heap, 10, 1);
    expect_live(device, 300, 1);
    lw_block_free(host.heap, at(0x1000));
    expect_live(device, 300, 1);
    cr_assert_eq(context_stats(host.context).replaced, 0);
    close_host(&host);
}

Test(record, blocks_aligned_to_8_bytes)
{
    host host;
    lw_block block;
    lw_domain *device = NULL;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    open_host(&host);
    options.name = "device";
    options.kind = LW_DOMAIN_APART;
    options.alignment = 8;
    cr_assert_eq(lw_domain_create(host.context, &options, &device, NULL), LW_OK);
    for (uint64_t i = 1; i <= 2000; i++)
        lw_block_alloc(device, at(i * 8), 8, NULL);
    expect_live(device, 16000, 2000);
    lw_block_alloc(device, at(4), 8, NULL);
    cr_assert_eq(context_stats(host.context).dropped_address, 1);
    for (uint64_t i = 1; i <= 2000; i++) {
        cr_assert_eq(find_block(device, i * 8 + 7, &block), LW_OK);
        cr_assert_eq(block.address, at(i * 8));
    }
    for (uint64_t i = 1; i <= 2000; i += 2)
        lw_block_free(device, at(i * 8));
    expect_live(device, 8000, 1000);
    cr_assert_eq(find_block(device, 8, &block), LW_E_NOT_FOUND);
    cr_assert_eq(find_block(device, 16, &block), LW_OK);
    close_host(&host);
}

Test(record, a_serial_domain_counts_the_same)
{
    static const int32_t kinds[] = {LW_DOMAIN_SHARED, LW_DOMAIN_APART};
    for (int kind = 0; kind < 2; kind++) {
        counting memory = {0};
        lw_context *context = NULL;
        lw_domain *domain = NULL;
        lw_context_options how = counting_options(&memory);
        lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
        options.name = "serial";
        options.kind = kinds[kind];
        options.flags = LW_DOMAIN_SERIAL;
        cr_assert_eq(lw_context_create(&how, &context, NULL), LW_OK);
        cr_assert_eq(lw_domain_create(context, &options, &domain, NULL), LW_OK);
        for (uint64_t step = 2048; step >= 16; step /= 2) {
            for (uint64_t i = step; i <= 8 * 4096; i += step)
                lw_block_alloc(domain, at(i), 4096, NULL);
            expect_live(domain, (int64_t)(8 * 4096 / step * 4096), (int64_t)(8 * 4096 / step));
        }
        for (uint64_t i = 16; i <= 8 * 4096; i += 16)
            lw_block_free(domain, at(i));
        expect_live(domain, 0, 0);
        lw_context_release(context);
        cr_assert_eq(memory.bytes, 0);
    }
}

/* ---- finding ---- */

Test(record, find_tells_of_the_block_around_an_address)
{
    host host;
    lw_block block;
    uint64_t word = 5;
    lw_stack stack = {&word, 1, 0, 0};
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, &stack);
    lw_block_alloc(host.heap, at(0x1070), 10000, NULL);
    cr_assert_eq(find_block(host.heap, 0x1000, &block), LW_OK);
    cr_assert_eq(block.address, at(0x1000));
    cr_assert_eq(block.size, 100);
    cr_assert_neq(block.site, 0);
    cr_assert_eq(block.epoch, 1);
    cr_assert_eq(find_block(host.heap, 0x1000 + 99, &block), LW_OK);
    cr_assert_eq(find_block(host.heap, 0x1000 + 100, &block), LW_E_NOT_FOUND);
    cr_assert_eq(block.size + block.epoch, 0);
    cr_assert_eq(find_block(host.heap, 0x0fff, &block), LW_E_NOT_FOUND);
    cr_assert_eq(find_block(host.heap, 0x1070 + 9999, &block), LW_OK);
    cr_assert_eq(block.address, at(0x1070));
    cr_assert_eq(find_block(host.heap, 0, &block), LW_E_NOT_FOUND);
    lw_block_free(host.heap, at(0x1070));
    cr_assert_eq(find_block(host.heap, 0x1070 + 9999, &block), LW_E_NOT_FOUND);
    close_host(&host);
}

/* A block of many gigabytes, found from its far end, and misses far away from everything. */
Test(record, find_is_quick_over_empty_space, .timeout = 20)
{
    host host;
    lw_block block;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x100000), UINT64_C(1) << 62, NULL);
    cr_assert_eq(find_block(host.heap, UINT64_C(1) << 61, &block), LW_OK);
    cr_assert_eq(block.address, at(0x100000));
    cr_assert_eq(find_block(host.heap, UINT64_C(0xfffffffffffff000), &block), LW_E_NOT_FOUND);
    cr_assert_eq(find_block(host.heap, 0x1000, &block), LW_E_NOT_FOUND);
    close_host(&host);
}

Test(record, find_takes_every_size_and_refuses_null)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_block block = LW_BLOCK_INIT;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 100, NULL);
    EXPECT_RESULT_SIZES(lw_block, lw_block_find(host.heap, at(0x1000), to, &error));
    block.size = 7;
    expect_error(lw_block_find(NULL, at(0x1000), &block, &error), LW_E_INVALID, &error);
    cr_assert_eq(block.size, 0);
    expect_error(lw_block_find(host.heap, NULL, &block, &error), LW_E_NOT_FOUND, &error);
    close_host(&host);
}
