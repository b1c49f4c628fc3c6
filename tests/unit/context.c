/* Contexts: making and sharing them, numbers about ourselves, ignoring. */
#include "record_host.h"

#include <errno.h>
#include <pthread.h>

/* ---- making ---- */

Test(context, create_and_release)
{
    lw_context *context = NULL;
    cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
    cr_assert_not_null(context);
    lw_context_release(context);
}

Test(context, create_refuses_null)
{
    lw_error error = LW_ERROR_INIT;
    expect_error(lw_context_create(NULL, NULL, &error), LW_E_INVALID, &error);
}

Test(context, create_takes_options_of_every_size)
{
    counting memory = {0};
    lw_context *context = NULL;
    lw_context_options good = counting_options(&memory);
    EXPECT_OPTION_SIZES(lw_context_options, good, lw_context_create(given, &context, &error));
    cr_assert_gt(memory.bytes, 0);
    lw_context_release(context);
    cr_assert_eq(memory.bytes, 0);
}

Test(context, create_zeroes_its_result_on_failure)
{
    lw_context_options options = LW_CONTEXT_OPTIONS_INIT;
    lw_context *context = at(1);
    options.struct_size = 3;
    cr_assert_eq(lw_context_create(&options, &context, NULL), LW_E_INVALID);
    cr_assert_null(context);
}

Test(context, create_refuses_what_is_reserved)
{
    lw_error error = LW_ERROR_INIT;
    lw_context *context = at(1);
    lw_context_options options = LW_CONTEXT_OPTIONS_INIT;
    options.reserved = 1;
    expect_error(lw_context_create(&options, &context, &error), LW_E_INVALID, &error);
    cr_assert_null(context);
}

/* A caller that ends before the allocator gets the default one. */
Test(context, create_extends_short_options_with_defaults)
{
    counting memory = {0};
    lw_context *context = NULL;
    lw_context_options options = counting_options(&memory);
    options.struct_size = 8;
    cr_assert_eq(lw_context_create(&options, &context, NULL), LW_OK);
    cr_assert_eq(memory.calls, 0);
    lw_context_release(context);
}

Test(context, create_without_memory)
{
    counting memory = {.fail_at = 1, .persistent = 1};
    lw_error error = LW_ERROR_INIT;
    lw_context *context = at(1);
    lw_context_options options = counting_options(&memory);
    expect_error(lw_context_create(&options, &context, &error), LW_E_NOMEM, &error);
    cr_assert_null(context);
    cr_assert_eq(memory.bytes, 0);
}

Test(context, release_of_null)
{
    lw_context_release(NULL);
}

Test(context, several_do_not_know_of_each_other)
{
    host one, two;
    open_host(&one);
    open_host(&two);
    lw_block_alloc(one.heap, at(0x1000), 100, NULL);
    lw_block_alloc(two.heap, at(0x1000), 7, NULL);
    lw_block_alloc(two.heap, at(0x2000), 7, NULL);
    expect_live(one.heap, 100, 1);
    expect_live(two.heap, 14, 2);
    lw_block_free(one.heap, at(0x1000));
    expect_live(two.heap, 14, 2);
    close_host(&one);
    expect_live(two.heap, 14, 2);
    close_host(&two);
}

/* A new context may get the address of an old one; its threads must not be mistaken. */
Test(context, follows_another_at_the_same_address)
{
    for (int i = 0; i < 50; i++) {
        lw_context *context = NULL;
        cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
        lw_domain *heap = add_domain(context, "heap", LW_DOMAIN_SHARED, NULL);
        lw_block_alloc(heap, at(0x1000), 10, NULL);
        expect_live(heap, 10, 1);
        cr_assert_eq(context_stats(context).threads, 1);
        lw_context_release(context);
    }
}

/* ---- the one that adapters share ---- */

Test(context, default_is_one_and_counts_references)
{
    lw_context *a = NULL, *b = NULL, *c = NULL;
    cr_assert_eq(lw_context_default(&a, NULL), LW_OK);
    cr_assert_eq(lw_context_default(&b, NULL), LW_OK);
    cr_assert_eq(a, b);
    lw_domain *heap = add_domain(a, "heap", LW_DOMAIN_SHARED, NULL);
    lw_context_release(a);
    lw_block_alloc(heap, at(0x1000), 10, NULL);
    expect_live(heap, 10, 1);
    lw_context_release(b);
    cr_assert_eq(lw_context_default(&c, NULL), LW_OK);
    add_domain(c, "heap", LW_DOMAIN_SHARED, NULL); /* a new one: the name is free */
    lw_context_release(c);
}

Test(context, default_is_not_one_that_was_created)
{
    lw_context *mine = NULL, *shared = NULL;
    cr_assert_eq(lw_context_create(NULL, &mine, NULL), LW_OK);
    cr_assert_eq(lw_context_default(&shared, NULL), LW_OK);
    cr_assert_neq(mine, shared);
    lw_context_release(shared);
    lw_context_release(mine);
}

Test(context, default_refuses_null)
{
    lw_error error = LW_ERROR_INIT;
    expect_error(lw_context_default(NULL, &error), LW_E_INVALID, &error);
}

/* ---- numbers about ourselves ---- */

Test(context, stats_get_takes_every_size_and_refuses_null)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    open_host(&host);
    EXPECT_RESULT_SIZES(lw_context_stats, lw_context_stats_get(host.context, to, &error));
    stats.events = 7;
    expect_error(lw_context_stats_get(NULL, &stats, &error), LW_E_INVALID, &error);
    cr_assert_eq(stats.events, 0);
    close_host(&host);
}

Test(context, stats_count_events)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL); /* 1 */
    lw_block_alloc(host.heap, at(0x2000), 10, NULL); /* 2 */
    lw_block_free(host.heap, at(0x1000));            /* 3 */
    lw_move_begin(host.heap, at(0x2000), &move);
    lw_move_end(&move, at(0x3000), 20, NULL); /* a free and an allocation: 5 */
    lw_move_begin(host.heap, at(0x3000), &move);
    lw_move_cancel(&move); /* nothing */
    cr_assert_eq(context_stats(host.context).events, 5);
    lw_block_free(host.heap, at(0x9000)); /* 6, of no block */
    lw_context_stats stats = context_stats(host.context);
    cr_assert_eq(stats.events, 6);
    cr_assert_eq(stats.unknown_frees, 1);
    cr_assert_eq(stats.dropped, 0);
    cr_assert_eq(stats.threads, 1);
    close_host(&host);
}

Test(context, stats_count_each_kind_of_drop)
{
    host host;
    uint64_t words[] = {5, 6};
    lw_stack stack = {words, 2, 0, 0};
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_block_alloc(host.heap, at(0x1008), 10, NULL); /* not aligned */
    lw_block_free(host.heap, at(0x1004));
    host.memory.persistent = 1;
    host.memory.fail_at = host.memory.calls + 1;
    lw_block_alloc(host.heap, at(0x5000), 10, NULL);   /* no page for it */
    lw_block_alloc(host.heap, at(0x1400), 10, &stack); /* no memory for the stack */
    host.memory.fail_at = 0;
    lw_context_stats stats = context_stats(host.context);
    cr_assert_eq(stats.dropped_address, 2);
    cr_assert_eq(stats.dropped_memory, 1);
    cr_assert_eq(stats.dropped_stack, 1);
    cr_assert_eq(stats.dropped_reentry, 0);
    cr_assert_eq(stats.dropped, 4);
    cr_assert_eq(site_at(host.heap, 0x1400), 0);
    expect_live(host.heap, 20, 2);
    close_host(&host);
}

Test(context, stats_count_what_was_replaced)
{
    host host;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_block_alloc(host.heap, at(0x1000), 30, NULL); /* its free was never seen */
    cr_assert_eq(context_stats(host.context).replaced, 1);
    expect_live(host.heap, 30, 1);
    lw_block_free_sized(host.heap, at(0x1000), 31); /* not what we knew */
    cr_assert_eq(context_stats(host.context).replaced, 2);
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

Test(context, stats_count_sites_and_births)
{
    host host;
    uint64_t words[] = {5, 6, 7};
    lw_stack deep = {words, 3, 0, 0}, shallow = {words, 2, 0, 0};
    open_host(&host);
    for (uint64_t i = 1; i <= 10; i++) {
        lw_block_alloc(host.heap, at(i * 4096), 10, &deep);
        lw_block_alloc(host.heap, at(i * 4096 + 64), 10, &shallow);
    }
    cr_assert_eq(context_stats(host.context).sites, 2);
    cr_assert_eq(context_stats(host.context).births, 2);
    close_host(&host);
}

/* Births that no block refers to go, whether their round left nothing or blocks that went later. */
Test(context, births_are_recycled)
{
    static const int32_t scopes[] = {LW_SCOPE_THREAD, LW_SCOPE_PROCESS};
    for (int i = 0; i < 2; i++) {
        host host;
        lw_region_options options = LW_REGION_OPTIONS_INIT;
        lw_region *region = NULL;
        open_host(&host);
        options.scope = scopes[i];
        cr_assert_eq(lw_region_create(host.context, "r", &options, &region, NULL), LW_OK);
        for (uint64_t j = 0; j < 20000; j++) {
            lw_round round = 0;
            cr_assert_eq(lw_region_begin(region, &round, NULL), LW_OK);
            lw_block_alloc(host.heap, at((j % 20 + 1) * 64), 10, NULL);
            cr_assert_eq(lw_region_end(region, round, NULL, NULL), LW_OK);
            if (j >= 10)
                lw_block_free(host.heap, at(((j - 10) % 20 + 1) * 64));
        }
        expect_live(host.heap, 100, 10);
        cr_assert_lt(context_stats(host.context).births, 5000);
        close_host(&host);
    }
}

/* A thread comes back to an outer round, where it remembers births that were recycled meanwhile. */
Test(context, births_are_recycled_while_their_round_is_open)
{
    host host;
    lw_region *outer = NULL, *inner = NULL;
    lw_round a = 0, b = 0;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    open_host(&host);
    cr_assert_eq(lw_region_create(host.context, "outer", NULL, &outer, NULL), LW_OK);
    cr_assert_eq(lw_region_create(host.context, "inner", NULL, &inner, NULL), LW_OK);
    lw_domain *device = add_domain(host.context, "device", LW_DOMAIN_APART, NULL);
    cr_assert_eq(lw_region_begin(inner, &b, NULL), LW_OK);
    lw_block_alloc(device, at(0x1000), 7, NULL); /* lives through it all, in a map of its own */
    cr_assert_eq(lw_region_end(inner, b, NULL, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(outer, &a, NULL), LW_OK);
    for (uint64_t i = 0; i < 500; i++) {
        uint64_t word = i + 1;
        lw_stack stack = {&word, 1, 0, 0};
        lw_block_alloc(host.heap, at(0x1000), 10, &stack);
        lw_block_free(host.heap, at(0x1000));
    }
    cr_assert_eq(lw_region_begin(inner, &b, NULL), LW_OK);
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t word = 100000 + i;
        lw_stack stack = {&word, 1, 0, 0};
        lw_block_alloc(host.heap, at(0x100000 + i * 16), 16, &stack);
    }
    cr_assert_eq(lw_region_end(inner, b, NULL, NULL), LW_OK);
    for (uint64_t i = 0; i < 500; i++) {
        uint64_t word = i + 1;
        lw_stack stack = {&word, 1, 0, 0};
        lw_block_alloc(host.heap, at(0x1000 + i * 16), 1, &stack);
    }
    cr_assert_eq(lw_region_stats_get(inner, b, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 160000);
    cr_assert_eq(lw_region_end(outer, a, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 160500);
    cr_assert_eq(lw_region_stats_get(inner, 0, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 160007);
    lw_block_free(device, at(0x1000));
    expect_live(device, 0, 0);
    cr_assert_eq(lw_region_stats_get(inner, 0, &stats, NULL), LW_OK);
    cr_assert_eq(stats.current_bytes, 160000);
    cr_assert_eq(site_at(host.heap, 0x1000), 1);
    cr_assert_eq(site_at(host.heap, 0x1000 + 499 * 16), 500);
    close_host(&host);
}

static void *send_one(void *user)
{
    host *host = user;
    lw_block_alloc(host->heap, at(0x7000), 10, NULL);
    return NULL;
}

Test(context, stats_count_threads_that_live)
{
    host host;
    pthread_t thread;
    open_host(&host);
    for (int i = 0; i < 5; i++) {
        pthread_create(&thread, NULL, send_one, &host);
        pthread_join(thread, NULL);
        lw_block_free(host.heap, at(0x7000));
        cr_assert_eq(context_stats(host.context).threads, 1);
    }
    cr_assert_eq(context_stats(host.context).replaced, 0);
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

/* Threads come and go; what we keep for them does not grow. */
Test(context, records_of_threads_that_ended_are_used_again)
{
    host host;
    pthread_t thread;
    open_host(&host);
    send_one(&host);
    pthread_create(&thread, NULL, send_one, &host);
    pthread_join(thread, NULL);
    uint64_t before = context_stats(host.context).own_bytes;
    for (int i = 0; i < 100; i++) {
        pthread_create(&thread, NULL, send_one, &host);
        pthread_join(thread, NULL);
    }
    cr_assert_eq(context_stats(host.context).own_bytes, before);
    close_host(&host);
}

/* An event changes nothing that its host might look at afterwards. */
Test(context, events_leave_errno_alone)
{
    lw_context *context = NULL;
    cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
    lw_domain *heap = add_domain(context, "heap", LW_DOMAIN_SHARED, NULL);
    errno = 4711;
    for (uint64_t i = 1; i <= 3000; i++)
        lw_block_alloc_at(heap, at(i << 20), 10, LW_HERE);
    for (uint64_t i = 1; i <= 3000; i++)
        lw_block_free(heap, at(i << 20));
    cr_assert_eq(errno, 4711);
    lw_context_release(context);
}

/* ---- ignoring ---- */

Test(context, ignore_hides_allocations_and_nests)
{
    host host;
    open_host(&host);
    lw_ignore_begin(host.context);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_ignore_begin(host.context);
    lw_ignore_end(host.context);
    lw_block_alloc(host.heap, at(0x2000), 10, NULL);
    lw_ignore_end(host.context);
    lw_block_alloc(host.heap, at(0x3000), 10, NULL);
    expect_live(host.heap, 10, 1);
    lw_block_free(host.heap, at(0x1000));
    expect_live(host.heap, 10, 1);
    cr_assert_eq(context_stats(host.context).unknown_frees, 0, "its end is silent");
    cr_assert_eq(context_stats(host.context).events, 1);
    close_host(&host);
}

Test(context, ignore_still_sees_frees)
{
    host host;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_ignore_begin(host.context);
    lw_block_free(host.heap, at(0x1000));
    lw_ignore_end(host.context);
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

Test(context, ignore_counts_a_move_as_a_free)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_ignore_begin(host.context);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_move_end(&move, at(0x2000), 20, NULL);
    lw_ignore_end(host.context);
    expect_live(host.heap, 0, 0);
    close_host(&host);
}

Test(context, ignore_keeps_a_block_whose_move_failed)
{
    host host;
    lw_move move;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_ignore_begin(host.context);
    lw_move_begin(host.heap, at(0x1000), &move);
    lw_move_cancel(&move);
    lw_ignore_end(host.context);
    expect_live(host.heap, 10, 1);
    close_host(&host);
}

/* The old block is certainly gone when its address is handed out again, ignored or not. */
Test(context, ignore_ends_the_block_that_was_there)
{
    host host;
    open_host(&host);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    lw_ignore_begin(host.context);
    lw_block_alloc(host.heap, at(0x1000), 30, NULL);
    lw_ignore_end(host.context);
    expect_live(host.heap, 0, 0);
    cr_assert_eq(context_stats(host.context).replaced, 1);
    close_host(&host);
}

Test(context, ignore_end_without_begin_is_harmless)
{
    host host;
    open_host(&host);
    lw_ignore_end(host.context);
    lw_ignore_end(NULL);
    lw_ignore_begin(NULL);
    lw_block_alloc(host.heap, at(0x1000), 10, NULL);
    expect_live(host.heap, 10, 1);
    lw_ignore_end(host.context);
    lw_ignore_begin(host.context);
    lw_block_alloc(host.heap, at(0x2000), 10, NULL);
    expect_live(host.heap, 10, 1);
    close_host(&host);
}

Test(context, ignore_is_of_one_thread)
{
    host host;
    pthread_t thread;
    open_host(&host);
    lw_ignore_begin(host.context);
    pthread_create(&thread, NULL, send_one, &host);
    pthread_join(thread, NULL);
    expect_live(host.heap, 10, 1);
    lw_ignore_end(host.context);
    close_host(&host);
}

static void *ignore_for_ever(void *user)
{
    host *host = user;
    lw_ignore_begin(host->context);
    return NULL;
}

Test(context, ignore_ends_with_its_thread)
{
    host host;
    pthread_t thread;
    open_host(&host);
    pthread_create(&thread, NULL, ignore_for_ever, &host);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, send_one, &host); /* may get what the other one left */
    pthread_join(thread, NULL);
    expect_live(host.heap, 10, 1);
    close_host(&host);
}

/* ---- from inside a callback of ours ---- */

typedef struct inner {
    host host;
    lw_domain *domain;
    lw_region *region;
    lw_type *type;
    lw_round round;
    int calls;
} inner;

static int ask_nothing(const lw_frame *frame, void *user)
{
    (void)frame, (void)user;
    return 0;
}

static int describe_and_call_back(uint64_t word, lw_frame *frame, void *user)
{
    inner *inner = user;
    lw_context *context = inner->host.context;
    lw_context_stats about = LW_CONTEXT_STATS_INIT;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_region *region = NULL;
    lw_type *type = NULL;
    lw_survivors *survivors = NULL;
    lw_block block = LW_BLOCK_INIT;
    lw_round round = 0;
    (void)word;
    frame->function = "f";
    inner->calls++;
    lw_block_alloc(inner->domain, at(0x9000), 10, NULL);
    lw_block_free(inner->domain, at(0x1000));
    lw_object_created(inner->type, at(0x1000));
    cr_assert_eq(lw_context_stats_get(context, &about, NULL), LW_OK);
    cr_assert_eq(about.dropped_reentry, 2);
    cr_assert_eq(lw_region_create(context, "new", NULL, &region, NULL), LW_E_STATE);
    cr_assert_eq(lw_type_create(context, "new", 1, &type, NULL), LW_E_STATE);
    cr_assert_eq(lw_region_begin(inner->region, &round, NULL), LW_E_STATE);
    cr_assert_eq(lw_region_end(inner->region, inner->round, NULL, NULL), LW_E_STATE);
    cr_assert_eq(lw_region_stats_get(inner->region, 0, &stats, NULL), LW_E_STATE);
    cr_assert_eq(lw_survivors_take(context, NULL, 0, &survivors, NULL), LW_E_STATE);
    cr_assert_eq(lw_block_find(inner->domain, at(0x1000), &block, NULL), LW_E_STATE);
    cr_assert_eq(lw_site_frames(context, 1, ask_nothing, NULL, NULL), LW_E_STATE);
    lw_code_retire(inner->domain, 0, UINT64_MAX);
    return 0;
}

/* Nothing waits for a lock that its own thread holds; what cannot be done says so. */
Test(context, calls_from_inside_describe_frame_are_refused, .timeout = 20)
{
    inner inner = {.calls = 0};
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    uint64_t word = 41;
    lw_stack stack = {&word, 1, 0, 0};
    open_host(&inner.host);
    options.name = "inner";
    options.describe_frame = describe_and_call_back;
    options.user = &inner;
    cr_assert_eq(lw_domain_create(inner.host.context, &options, &inner.domain, NULL), LW_OK);
    cr_assert_eq(lw_region_create(inner.host.context, "r", NULL, &inner.region, NULL), LW_OK);
    cr_assert_eq(lw_type_create(inner.host.context, "t", 1, &inner.type, NULL), LW_OK);
    cr_assert_eq(lw_region_begin(inner.region, &inner.round, NULL), LW_OK);
    lw_block_alloc(inner.domain, at(0x1000), 10, NULL);
    lw_block_alloc(inner.domain, at(0x2000), 10, &stack);
    cr_assert_eq(inner.calls, 1);
    expect_live(inner.domain, 20, 2);
    lw_type_stats types = LW_TYPE_STATS_INIT;
    cr_assert_eq(lw_type_stats_get(inner.type, &types, NULL), LW_OK);
    cr_assert_eq(types.dropped, 1);
    cr_assert_eq(lw_region_end(inner.region, inner.round, NULL, NULL), LW_OK);
    close_host(&inner.host);
}
