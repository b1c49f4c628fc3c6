/* Typed objects and their counts. */
#define _POSIX_C_SOURCE 200809L

#include "record_host.h"

#include <pthread.h>

static lw_type *add_type(lw_context *context, const char *name, uint64_t size)
{
    lw_type *type = NULL;
    cr_assert_eq(lw_type_create(context, name, size, &type, NULL), LW_OK);
    return type;
}

static lw_type_stats stats_of(lw_type *type)
{
    lw_type_stats stats = LW_TYPE_STATS_INIT;
    cr_assert_eq(lw_type_stats_get(type, &stats, NULL), LW_OK);
    cr_assert_eq(stats.live, stats.created - stats.destroyed);
    return stats;
}

Test(object, lives_from_created_to_destroyed)
{
    host host;
    open_host(&host);
    lw_type *type = add_type(host.context, "session", 48);
    lw_object_created(type, at(0x1000));
    lw_object_created(type, at(0x2000));
    lw_object_created(type, at(0x3000));
    lw_object_destroyed(type, at(0x2000));
    lw_type_stats stats = stats_of(type);
    cr_assert_str_eq(stats.name, "session");
    cr_assert_eq(stats.size, 48);
    cr_assert_eq(stats.live, 2);
    cr_assert_eq(stats.created, 3);
    cr_assert_eq(stats.destroyed, 1);
    cr_assert_eq(stats.high_water, 3);
    cr_assert_eq(stats.unseen, 0);
    cr_assert_eq(stats.unknown, 0);
    cr_assert_eq(stats.dropped, 0);
    close_host(&host);
}

Test(object, high_water_is_the_most_at_once)
{
    host host;
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 8);
    for (uint64_t i = 1; i <= 5; i++)
        lw_object_created(type, at(i * 8));
    for (uint64_t i = 1; i <= 5; i++)
        lw_object_destroyed(type, at(i * 8));
    for (uint64_t i = 1; i <= 4; i++)
        lw_object_created(type, at(i * 8));
    cr_assert_eq(stats_of(type).high_water, 5);
    cr_assert_eq(stats_of(type).created, 9);
    close_host(&host);
}

Test(object, an_end_that_nobody_told_is_unseen)
{
    host host;
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 16);
    lw_object_created(type, at(0x1000));
    lw_object_created(type, at(0x1000));
    lw_type_stats stats = stats_of(type);
    cr_assert_eq(stats.live, 1);
    cr_assert_eq(stats.created, 2);
    cr_assert_eq(stats.destroyed, 1);
    cr_assert_eq(stats.unseen, 1);
    cr_assert_eq(stats.high_water, 1);
    close_host(&host);
}

Test(object, an_end_without_a_beginning_is_unknown)
{
    host host;
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 16);
    lw_object_destroyed(type, at(0x1000));
    lw_object_created(type, at(0x1000));
    lw_object_destroyed(type, at(0x1000));
    lw_object_destroyed(type, at(0x1000));
    lw_type_stats stats = stats_of(type);
    cr_assert_eq(stats.unknown, 2);
    cr_assert_eq(stats.destroyed, 1);
    cr_assert_eq(stats.live, 0);
    close_host(&host);
}

/* A struct's first member is another object at the same address. */
Test(object, types_are_told_apart_at_one_address)
{
    host host;
    open_host(&host);
    lw_type *outer = add_type(host.context, "outer", 64), *inner = add_type(host.context, "in", 8);
    lw_object_created(outer, at(0x1000));
    lw_object_created(inner, at(0x1000));
    lw_object_destroyed(inner, at(0x1000));
    cr_assert_eq(stats_of(outer).live, 1);
    cr_assert_eq(stats_of(inner).live, 0);
    cr_assert_eq(stats_of(outer).unseen, 0);
    close_host(&host);
}

/* Objects are not blocks: any address will do, near others and beyond 48 bits. */
Test(object, any_address_will_do)
{
    host host;
    open_host(&host);
    lw_type *type = add_type(host.context, "char", 1);
    for (uint64_t i = 1; i <= 9000; i++)
        lw_object_created(type, at(i));
    lw_object_created(type, at(UINTPTR_MAX));
    lw_object_created(type, at(UINT64_C(0xffff800000000001)));
    cr_assert_eq(stats_of(type).live, 9002);
    for (uint64_t i = 1; i <= 9000; i++)
        lw_object_destroyed(type, at(i));
    cr_assert_eq(stats_of(type).live, 2);
    lw_object_destroyed(type, at(UINT64_C(0xffff800000000001)));
    lw_object_destroyed(type, at(UINTPTR_MAX));
    cr_assert_eq(stats_of(type).live, 0);
    cr_assert_eq(stats_of(type).unknown, 0);
    close_host(&host);
}

Test(object, sizes_may_be_anything)
{
    static const uint64_t sizes[] = {0, 1, 65535, 65536, UINT64_C(1) << 40, UINT64_MAX};
    host host;
    open_host(&host);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[8];
        snprintf(name, sizeof name, "t%zu", i);
        lw_type *type = add_type(host.context, name, sizes[i]);
        lw_object_created(type, at(0x1000));
        lw_object_created(type, at(0x1001));
        cr_assert_eq(stats_of(type).live, 2);
        cr_assert_eq(stats_of(type).size, sizes[i]);
    }
    close_host(&host);
}

Test(object, null_is_ignored)
{
    host host;
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 16);
    lw_object_created(NULL, at(0x1000));
    lw_object_created(type, NULL);
    lw_object_destroyed(NULL, at(0x1000));
    lw_object_destroyed(type, NULL);
    lw_type_stats stats = stats_of(type);
    cr_assert_eq(stats.created + stats.destroyed + stats.unknown + stats.dropped, 0);
    close_host(&host);
}

Test(object, create_finds_the_type_of_a_name)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 16), *other = type;
    cr_assert_eq(add_type(host.context, "t", 16), type);
    expect_error(lw_type_create(host.context, "t", 17, &other, &error), LW_E_STATE, &error);
    cr_assert_null(other);
    cr_assert_eq(stats_of(type).size, 16);
    close_host(&host);
}

Test(object, create_copies_the_name)
{
    host host;
    char name[] = "before";
    open_host(&host);
    lw_type *type = add_type(host.context, name, 1);
    strcpy(name, "after");
    cr_assert_str_eq(stats_of(type).name, "before");
    close_host(&host);
}

Test(object, create_refuses_bad_arguments)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_type *type = at(1);
    expect_error(lw_type_create(NULL, "t", 1, &type, &error), LW_E_INVALID, &error);
    cr_assert_null(type);
    type = at(1);
    expect_error(lw_type_create(host.context, NULL, 1, &type, &error), LW_E_INVALID, &error);
    cr_assert_null(type);
    expect_error(lw_type_create(host.context, "", 1, &type, &error), LW_E_INVALID, &error);
    expect_error(lw_type_create(host.context, "t", 1, NULL, &error), LW_E_INVALID, &error);
    close_host(&host);
}

Test(object, create_without_memory_changes_nothing)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    open_host(&host);
    lw_type *type = at(1);
    host.memory.persistent = 1;
    host.memory.fail_at = host.memory.calls + 1;
    expect_error(lw_type_create(host.context, "t", 1, &type, &error), LW_E_NOMEM, &error);
    cr_assert_null(type);
    host.memory.fail_at = 0;
    add_type(host.context, "t", 2);
    close_host(&host);
}

Test(object, what_has_no_place_is_dropped)
{
    host host;
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 16);
    host.memory.persistent = 1;
    host.memory.fail_at = host.memory.calls + 1;
    lw_object_created(type, at(0x1000));
    cr_assert_eq(stats_of(type).dropped, 1);
    cr_assert_eq(stats_of(type).live, 0);
    host.memory.fail_at = 0;
    lw_object_created(type, at(0x1000));
    cr_assert_eq(stats_of(type).live, 1);
    cr_assert_eq(context_stats(host.context).dropped, 0);
    close_host(&host);
}

Test(object, stats_get_takes_every_size_and_refuses_null)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_type_stats stats = LW_TYPE_STATS_INIT;
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 16);
    EXPECT_RESULT_SIZES(lw_type_stats, lw_type_stats_get(type, to, &error));
    stats.live = 7;
    expect_error(lw_type_stats_get(NULL, &stats, &error), LW_E_INVALID, &error);
    cr_assert_eq(stats.live, 0);
    close_host(&host);
}

struct visit {
    const char *names[8];
    int count, stop_at;
    lw_context *context;
};

static int visit_type(lw_type *type, void *user)
{
    struct visit *visit = user;
    visit->names[visit->count++] = stats_of(type).name;
    if (visit->context) /* calls for any thread are allowed in here */
        add_type(visit->context, "more", 1);
    return visit->count == visit->stop_at;
}

Test(object, each_visits_in_the_order_of_registration)
{
    host host;
    struct visit visit = {{NULL}, 0, 0, NULL};
    open_host(&host);
    cr_assert_eq(lw_type_each(host.context, visit_type, &visit, NULL), LW_OK);
    cr_assert_eq(visit.count, 0);
    add_type(host.context, "b", 1);
    add_type(host.context, "a", 1);
    add_type(host.context, "c", 1);
    cr_assert_eq(lw_type_each(host.context, visit_type, &visit, NULL), LW_OK);
    cr_assert_eq(visit.count, 3);
    cr_assert_str_eq(visit.names[0], "b");
    cr_assert_str_eq(visit.names[1], "a");
    cr_assert_str_eq(visit.names[2], "c");
    close_host(&host);
}

Test(object, each_stops_when_told)
{
    host host;
    struct visit visit = {{NULL}, 0, 2, NULL};
    open_host(&host);
    add_type(host.context, "a", 1);
    add_type(host.context, "b", 1);
    add_type(host.context, "c", 1);
    cr_assert_eq(lw_type_each(host.context, visit_type, &visit, NULL), LW_OK);
    cr_assert_eq(visit.count, 2);
    close_host(&host);
}

Test(object, each_may_register_types)
{
    host host;
    struct visit visit = {{NULL}, 0, 0, NULL};
    open_host(&host);
    visit.context = host.context;
    add_type(host.context, "a", 1);
    cr_assert_eq(lw_type_each(host.context, visit_type, &visit, NULL), LW_OK);
    cr_assert_eq(visit.count, 2);
    cr_assert_str_eq(visit.names[1], "more");
    close_host(&host);
}

Test(object, each_refuses_null)
{
    host host;
    lw_error error = LW_ERROR_INIT;
    struct visit visit = {{NULL}, 0, 0, NULL};
    open_host(&host);
    expect_error(lw_type_each(NULL, visit_type, &visit, &error), LW_E_INVALID, &error);
    expect_error(lw_type_each(host.context, NULL, &visit, &error), LW_E_INVALID, &error);
    close_host(&host);
}

struct pair {
    lw_type *type;
    uint64_t base;
    pthread_barrier_t *all_live, *all_seen;
};

static void *live_together(void *user)
{
    struct pair *mine = user;
    for (int round = 0; round < 200; round++) {
        pthread_barrier_wait(mine->all_seen);
        lw_object_created(mine->type, at(mine->base + (uint64_t)round * 64));
        pthread_barrier_wait(mine->all_live);
        lw_object_destroyed(mine->type, at(mine->base + (uint64_t)round * 64));
    }
    return NULL;
}

/* All threads' objects live at once, and never one more. */
Test(object, high_water_is_exact_over_threads)
{
    enum { THREADS = 4 };
    host host;
    pthread_t threads[THREADS];
    pthread_barrier_t all_live, all_seen;
    struct pair pairs[THREADS];
    open_host(&host);
    lw_type *type = add_type(host.context, "t", 64);
    pthread_barrier_init(&all_live, NULL, THREADS);
    pthread_barrier_init(&all_seen, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        pairs[i] = (struct pair){type, (uint64_t)(i + 1) << 20, &all_live, &all_seen};
        pthread_create(&threads[i], NULL, live_together, &pairs[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    lw_type_stats stats = stats_of(type);
    cr_assert_eq(stats.created, 200 * THREADS);
    cr_assert_eq(stats.live, 0);
    cr_assert_eq(stats.high_water, THREADS);
    pthread_barrier_destroy(&all_live);
    pthread_barrier_destroy(&all_seen);
    close_host(&host);
}
