/* Tables of survivors: immutable, owning their text, in an order of their own. */
#include "region_host.h"

typedef struct place {
    const char *function, *file;
    uint32_t line, flags;
} place;

/* Words are indexes here. */
static const place places[] = {
    {NULL, NULL, 0, 0},
    {"numpy.full", "numpy/core.py", 20, 0},
    {"price", "svc.py", 19, LW_FRAME_OWN},
    {"order", "svc.py", 22, LW_FRAME_OWN},
    {"zeta", "a.py", 5, 0},
    {"alpha", "b.py", 5, 0},
    {"beta", "b.py", 5, 0},
    {"beta", "b.py", 6, 0},
};

static int describe(uint64_t word, lw_frame *frame, void *user)
{
    static char function[32], file[32];
    const place *place = &places[word];
    (void)user;
    strcpy(function, place->function);
    strcpy(file, place->file);
    frame->function = function;
    frame->file = file;
    frame->line = place->line;
    frame->flags = place->flags;
    return 0;
}

typedef struct shop {
    host host;
    lw_domain *domain;
    lw_region *region;
    uint64_t next;
} shop;

static void open_shop(shop *shop)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    memset(shop, 0, sizeof *shop);
    open_host(&shop->host);
    options.name = "shop";
    options.describe_frame = describe;
    cr_assert_eq(lw_domain_create(shop->host.context, &options, &shop->domain, NULL), LW_OK);
    shop->region = add_region(shop->host.context, "sale", LW_SCOPE_THREAD);
    shop->next = 0x10000;
}

static uint64_t sell(shop *shop, uint64_t size, uint64_t inner, uint64_t outer)
{
    uint64_t words[2] = {inner, outer};
    lw_stack stack = {words, (inner != 0) + (outer != 0), 0, 0};
    lw_block_alloc(shop->domain, at(shop->next += 4096), size, &stack);
    return shop->next;
}

static lw_survivors *take_all(lw_context *context)
{
    lw_survivors *survivors = NULL;
    cr_assert_eq(lw_survivors_take(context, NULL, 0, &survivors, NULL), LW_OK);
    return survivors;
}

/* "bytes/blocks domain function<function;" of each row. */
static void expect_rows(const lw_survivors *survivors, const char *want)
{
    char text[1000] = "";
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        cr_assert_eq(lw_survivors_row_get(survivors, i, &row, NULL), LW_OK);
        sprintf(text + strlen(text), "%" PRId64 "/%" PRId64 " %s", row.bytes, row.blocks,
                row.domain);
        for (uint32_t level = 0; level < row.frames; level++) {
            lw_frame frame = LW_FRAME_INIT;
            cr_assert_eq(lw_survivors_frame_get(survivors, i, level, &frame, NULL), LW_OK);
            sprintf(text + strlen(text), "%c%s:%u", level ? '<' : ' ', frame.function,
                    (unsigned)frame.line);
        }
        strcat(text, "; ");
    }
    cr_assert_str_eq(text, want);
}

Test(survivors, rows_by_site_most_bytes_first)
{
    shop shop;
    open_shop(&shop);
    sell(&shop, 100, 1, 2);
    sell(&shop, 250, 1, 3);
    sell(&shop, 100, 1, 2);
    sell(&shop, 10, 0, 0);
    lw_block_free(shop.domain, at(sell(&shop, 99999, 3, 0)));
    put(&shop.host, 0x1000, 10);
    lw_survivors *survivors = take_all(shop.host.context);
    expect_rows(survivors, "250/1 shop numpy.full:20<order:22; 200/2 shop numpy.full:20<price:19; "
                           "10/1 heap; 10/1 shop; ");
    expect_survivors(survivors, 470, 5);
    lw_survivors_release(survivors);
    close_host(&shop.host);
}

/* Births of many rounds are one row of their site. */
Test(survivors, rounds_share_their_rows)
{
    shop shop;
    lw_survivors *survivors = NULL;
    open_shop(&shop);
    lw_round rounds[3];
    for (int i = 0; i < 3; i++) {
        rounds[i] = begin(shop.region);
        sell(&shop, 100, 1, 2);
        end(shop.region, rounds[i]);
    }
    sell(&shop, 100, 1, 2);
    lw_context *context = shop.host.context;
    cr_assert_eq(lw_survivors_take(context, shop.region, 0, &survivors, NULL), LW_OK);
    expect_rows(survivors, "300/3 shop numpy.full:20<price:19; ");
    lw_survivors_release(survivors);
    cr_assert_eq(lw_survivors_take(context, shop.region, rounds[1], &survivors, NULL), LW_OK);
    expect_rows(survivors, "100/1 shop numpy.full:20<price:19; ");
    lw_survivors_release(survivors);
    survivors = take_all(context);
    expect_rows(survivors, "400/4 shop numpy.full:20<price:19; ");
    lw_survivors_release(survivors);
    close_host(&shop.host);
}

/* Same bytes, same blocks: by file, line, function; never by the order of events. */
Test(survivors, equal_rows_in_the_order_of_their_text)
{
    static const char *const want =
        "20/2 shop order:22; 20/1 heap; 20/1 shop; 20/1 shop zeta:5; 20/1 shop alpha:5; "
        "20/1 shop alpha:5<zeta:5; 20/1 shop beta:5; 20/1 shop beta:6; ";
    static const uint64_t order[2][7] = {{4, 5, 6, 7, 0, 3, 8}, {8, 0, 3, 7, 6, 5, 4}};
    for (int pass = 0; pass < 2; pass++) {
        shop shop;
        open_shop(&shop);
        for (int i = 0; i < 7; i++) {
            uint64_t word = order[pass][i];
            if (word == 3) {
                sell(&shop, 10, 3, 0);
                sell(&shop, 10, 3, 0);
            } else if (word == 8) {
                sell(&shop, 20, 5, 4);
            } else {
                sell(&shop, 20, word, 0);
            }
        }
        put(&shop.host, 0x1000, 20);
        lw_survivors *survivors = take_all(shop.host.context);
        expect_rows(survivors, want);
        lw_survivors_release(survivors);
        close_host(&shop.host);
    }
}

Test(survivors, row_says_where_the_users_own_code_is)
{
    static const struct {
        uint64_t inner, outer;
        uint32_t own;
    } all[] = {{1, 2, 1}, {2, 1, 0}, {1, 4, 2}, {3, 0, 0}, {0, 0, 0}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        shop shop;
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        open_shop(&shop);
        sell(&shop, 10, all[i].inner, all[i].outer);
        lw_survivors *survivors = take_all(shop.host.context);
        cr_assert_eq(lw_survivors_row_get(survivors, 0, &row, NULL), LW_OK);
        cr_assert_eq(row.own_frame, all[i].own);
        cr_assert_eq(row.frames, (all[i].inner != 0) + (all[i].outer != 0));
        cr_assert_eq(row.truncated, 0);
        lw_survivors_release(survivors);
        close_host(&shop.host);
    }
}

/* Taken, then the region ends, its blocks go, and the context with all its text. */
Test(survivors, table_outlives_everything)
{
    shop shop;
    lw_survivors *survivors = NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    open_shop(&shop);
    lw_round round = begin(shop.region);
    uint64_t block = sell(&shop, 100, 1, 2);
    cr_assert_eq(lw_survivors_take(shop.host.context, shop.region, round, &survivors, NULL),
                 LW_OK);
    lw_block_free(shop.domain, at(block));
    end(shop.region, round);
    lw_context_release(shop.host.context);
    expect_rows(survivors, "100/1 shop numpy.full:20<price:19; ");
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_str_eq(info.region, "sale");
    cr_assert_gt(shop.host.memory.bytes, 0);
    lw_survivors_release(survivors);
    cr_assert_eq(shop.host.memory.bytes, 0);
    cr_assert_eq(shop.host.memory.wrong, 0);
}

Test(survivors, info_tells_of_the_whole)
{
    shop shop;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    open_shop(&shop);
    sell(&shop, 100, 1, 2);
    sell(&shop, 100, 2, 1);
    lw_block_free(shop.domain, at(0x8));
    lw_survivors *survivors = take_all(shop.host.context);
    cr_assert_eq(lw_survivors_info_get(survivors, &info, NULL), LW_OK);
    cr_assert_eq(info.rows, 2);
    cr_assert_eq(info.bytes, 200);
    cr_assert_eq(info.blocks, 2);
    cr_assert_null(info.region);
    cr_assert_eq(info.events, 2);
    cr_assert_eq(info.dropped, 1);
    cr_assert_eq(info.own_bytes, context_stats(shop.host.context).own_bytes);
    lw_survivors_release(survivors);
    close_host(&shop.host);
}

Test(survivors, nothing_survives)
{
    shop shop;
    lw_error error = LW_ERROR_INIT;
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lw_survivors *survivors = NULL;
    open_shop(&shop);
    lw_round round = begin(shop.region);
    cr_assert_eq(lw_survivors_take(shop.host.context, shop.region, round, &survivors, NULL),
                 LW_OK);
    expect_survivors(survivors, 0, 0);
    expect_error(lw_survivors_row_get(survivors, 0, &row, &error), LW_E_NOT_FOUND, &error);
    lw_survivors_release(survivors);
    end(shop.region, round);
    survivors = take_all(shop.host.context);
    expect_survivors(survivors, 0, 0);
    lw_survivors_release(survivors);
    close_host(&shop.host);
}

Test(survivors, empty_blocks_are_counted)
{
    shop shop;
    open_shop(&shop);
    sell(&shop, 0, 1, 0);
    sell(&shop, 0, 1, 0);
    lw_survivors *survivors = take_all(shop.host.context);
    expect_rows(survivors, "0/2 shop numpy.full:20; ");
    lw_survivors_release(survivors);
    close_host(&shop.host);
}

Test(survivors, take_refuses_bad_arguments)
{
    shop shop, other;
    lw_error error = LW_ERROR_INIT;
    lw_survivors *survivors = at(1);
    open_shop(&shop);
    open_shop(&other);
    lw_context *context = shop.host.context;
    expect_error(lw_survivors_take(NULL, NULL, 0, &survivors, &error), LW_E_INVALID, &error);
    cr_assert_null(survivors);
    expect_error(lw_survivors_take(context, NULL, 0, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_survivors_take(context, NULL, 1, &survivors, &error), LW_E_INVALID, &error);
    expect_error(lw_survivors_take(context, other.region, 0, &survivors, &error), LW_E_INVALID,
                 &error);
    expect_error(lw_survivors_take(context, shop.region, 1, &survivors, &error), LW_E_INVALID,
                 &error);
    cr_assert_null(survivors);
    close_host(&other.host);
    close_host(&shop.host);
}

Test(survivors, take_without_memory_leaves_nothing)
{
    shop shop;
    lw_error error = LW_ERROR_INIT;
    lw_survivors *survivors = NULL;
    open_shop(&shop);
    sell(&shop, 100, 1, 2);
    sell(&shop, 100, 2, 1);
    long long before = shop.host.memory.bytes;
    int failures = 0;
    for (;; failures++) {
        shop.host.memory.fail_at = shop.host.memory.calls + failures + 1;
        lw_status status = lw_survivors_take(shop.host.context, NULL, 0, &survivors, &error);
        shop.host.memory.fail_at = 0;
        if (status == LW_OK)
            break;
        expect_error(status, LW_E_NOMEM, &error);
        cr_assert_null(survivors);
        cr_assert_eq(shop.host.memory.bytes, before);
    }
    cr_assert_geq(failures, 4); /* the table, its rows, text and frames */
    expect_survivors(survivors, 200, 2);
    lw_survivors_release(survivors);
    close_host(&shop.host);
}

Test(survivors, reading_takes_every_size_and_refuses_null)
{
    shop shop;
    lw_error error = LW_ERROR_INIT;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lw_frame frame = LW_FRAME_INIT;
    open_shop(&shop);
    sell(&shop, 100, 1, 2);
    lw_survivors *survivors = take_all(shop.host.context);
    EXPECT_RESULT_SIZES(lw_survivors_info, lw_survivors_info_get(survivors, to, &error));
    EXPECT_RESULT_SIZES(lw_survivors_row, lw_survivors_row_get(survivors, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_frame, lw_survivors_frame_get(survivors, 0, 1, to, &error));
    info.rows = row.frames = frame.line = 7;
    expect_error(lw_survivors_info_get(NULL, &info, &error), LW_E_INVALID, &error);
    expect_error(lw_survivors_row_get(NULL, 0, &row, &error), LW_E_INVALID, &error);
    expect_error(lw_survivors_frame_get(NULL, 0, 0, &frame, &error), LW_E_INVALID, &error);
    cr_assert_eq(info.rows + row.frames + frame.line, 0);
    row.frames = frame.line = 7;
    expect_error(lw_survivors_row_get(survivors, 1, &row, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_survivors_frame_get(survivors, 1, 0, &frame, &error), LW_E_NOT_FOUND, &error);
    cr_assert_eq(row.frames + frame.line, 0);
    frame.line = 7;
    expect_error(lw_survivors_frame_get(survivors, 0, 2, &frame, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_survivors_frame_get(survivors, 0, UINT32_MAX, &frame, &error), LW_E_NOT_FOUND,
                 &error);
    cr_assert_eq(frame.line, 0);
    lw_survivors_release(survivors);
    lw_survivors_release(NULL);
    close_host(&shop.host);
}

/* Ten thousand sites, each with its own number of bytes. */
Test(survivors, a_large_table_is_in_order)
{
    enum { SITES = 10000 };
    host host;
    int64_t bytes = 0;
    open_host(&host);
    for (uint64_t i = 0; i < SITES; i++) {
        uint64_t word = i + 1, size = i * 7919 % SITES;
        lw_stack stack = {&word, 1, 0, 0};
        lw_block_alloc(host.heap, at((i + 1) * 16), size, &stack);
        bytes += (int64_t)size;
    }
    lw_survivors *survivors = take_all(host.context);
    expect_survivors(survivors, bytes, SITES);
    for (uint32_t i = 0; i < SITES; i++) {
        lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
        cr_assert_eq(lw_survivors_row_get(survivors, i, &row, NULL), LW_OK);
        cr_assert_eq(row.bytes, SITES - 1 - (int64_t)i);
    }
    lw_survivors_release(survivors);
    close_host(&host);
}
