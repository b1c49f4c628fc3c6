/* Statuses, errors, versions, and what is asked of an allocator. */
#include "record_host.h"

#include <stddef.h>

Test(base, version_is_that_of_the_headers)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", LW_VERSION_MAJOR, LW_VERSION_MINOR, LW_VERSION_PATCH);
    cr_assert_str_eq(lw_version(), text);
}

Test(base, each_status_has_a_name_and_a_value_for_ever)
{
    static const struct {
        lw_status status, value;
        const char *name;
    } all[] = {
        {LW_OK, 0, "LW_OK"},
        {LW_E_INVALID, -1, "LW_E_INVALID"},
        {LW_E_NOMEM, -2, "LW_E_NOMEM"},
        {LW_E_STATE, -3, "LW_E_STATE"},
        {LW_E_NOT_FOUND, -4, "LW_E_NOT_FOUND"},
        {LW_E_RUNTIME, -5, "LW_E_RUNTIME"},
        {LW_E_LIMIT, -6, "LW_E_LIMIT"},
        {LW_E_UNSUPPORTED, -7, "LW_E_UNSUPPORTED"},
        {LW_E_IO, -8, "LW_E_IO"},
        {LW_E_CANCELLED, -9, "LW_E_CANCELLED"},
        {LW_E_FORMAT, -10, "LW_E_FORMAT"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cr_assert_eq(all[i].status, all[i].value);
        cr_assert_str_eq(lw_status_name(all[i].status), all[i].name);
    }
}

Test(base, unknown_statuses_have_a_name_too)
{
    static const lw_status unknown[] = {1, -11, 100, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        cr_assert_str_eq(lw_status_name(unknown[i]), "LW_E_UNKNOWN");
}

Test(base, error_says_what_was_wrong)
{
    lw_error error = LW_ERROR_INIT;
    expect_error(lw_context_create(NULL, NULL, &error), LW_E_INVALID, &error);
    cr_assert(strstr(error.message, "context"));
}

Test(base, error_is_optional)
{
    cr_assert_eq(lw_context_create(NULL, NULL, NULL), LW_E_INVALID);
}

Test(base, error_stays_untouched_on_success)
{
    lw_error error = LW_ERROR_INIT;
    lw_context *context = NULL;
    strcpy(error.message, "as it was");
    error.status = LW_E_IO;
    cr_assert_eq(lw_context_create(NULL, &context, &error), LW_OK);
    cr_assert_eq(error.status, LW_E_IO);
    cr_assert_str_eq(error.message, "as it was");
    lw_context_release(context);
}

/* An older caller's lw_error may be shorter than ours. */
Test(base, error_of_an_older_caller_is_cut)
{
    struct {
        lw_error error;
        char beyond[16];
    } room;
    uint32_t size = offsetof(lw_error, message) + 12;
    memset(&room, 0xEE, sizeof room);
    room.error.struct_size = size;
    cr_assert_eq(lw_context_create(NULL, NULL, &room.error), LW_E_INVALID);
    cr_assert_eq(room.error.status, LW_E_INVALID);
    cr_assert_eq(strlen(room.error.message), 11);
    for (size_t i = size; i < sizeof room; i++)
        cr_assert_eq(((unsigned char *)&room)[i], 0xEE);
}

Test(base, error_of_a_newer_caller_is_filled_as_far_as_we_know)
{
    struct {
        lw_error error;
        char beyond[16];
    } room;
    memset(&room, 0xEE, sizeof room);
    room.error.struct_size = sizeof room;
    expect_error(lw_context_create(NULL, NULL, &room.error), LW_E_INVALID, &room.error);
    for (size_t i = 0; i < sizeof room.beyond; i++)
        cr_assert_eq((unsigned char)room.beyond[i], 0xEE);
}

Test(base, error_without_its_size_is_left_alone)
{
    static const uint32_t sizes[] = {0, 3, 4, 8};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        lw_error error;
        memset(&error, 0xEE, sizeof error);
        error.struct_size = sizes[i];
        cr_assert_eq(lw_context_create(NULL, NULL, &error), LW_E_INVALID);
        for (size_t j = sizeof error.struct_size; j < sizeof error; j++)
            cr_assert_eq(((unsigned char *)&error)[j], 0xEE);
    }
}

/* A long name must not break the sentence's end. */
Test(base, messages_are_always_terminated)
{
    char name[1000];
    host host;
    lw_error error = LW_ERROR_INIT;
    lw_region *region = NULL;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    open_host(&host);
    lw_region_options options = {sizeof options, 77};
    expect_error(lw_region_create(host.context, name, &options, &region, &error), LW_E_INVALID,
                 &error);
    cr_assert_eq(strlen(error.message), sizeof error.message - 1);
    close_host(&host);
}

Test(base, allocator_gives_all_and_gets_all_back)
{
    host host;
    open_host(&host);
    long long before = host.memory.bytes;
    for (uint64_t i = 1; i <= 5000; i++)
        lw_block_alloc_at(host.heap, at(i * 4096), 100, LW_HERE);
    cr_assert_gt(host.memory.bytes, before);
    cr_assert_eq(context_stats(host.context).own_bytes, (uint64_t)host.memory.bytes);
    cr_assert_geq(context_stats(host.context).own_peak_bytes, (uint64_t)host.memory.bytes);
    cr_assert_leq(context_stats(host.context).own_peak_bytes, (uint64_t)host.memory.peak);
    close_host(&host);
}

/* The default allocator, driven through a table of every size class and through large growth. */
Test(base, default_allocator_keeps_what_it_holds)
{
    lw_context *context = NULL;
    cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
    char name[60000];
    for (size_t length = 1; length < sizeof name; length += length / 3 + 1) {
        lw_region *made = NULL, *found = NULL;
        memset(name, 'a' + (int)(length % 26), length);
        name[length] = 0;
        cr_assert_eq(lw_region_create(context, name, NULL, &made, NULL), LW_OK);
        cr_assert_eq(lw_region_create(context, name, NULL, &found, NULL), LW_OK);
        cr_assert_eq(made, found);
    }
    lw_context_release(context);
}

/* What one context gives back, the next one gets: twenty of them take no more than one. */
Test(base, default_allocator_uses_memory_again)
{
    for (int i = 0; i < 20; i++) {
        lw_context *context = NULL;
        cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
        lw_domain *heap = add_domain(context, "heap", LW_DOMAIN_SHARED, NULL);
        for (uint64_t j = 1; j <= 2000; j++)
            lw_block_alloc_at(heap, at(j * 16), 16, LW_HERE);
        expect_live(heap, 32000, 2000);
        lw_context_release(context);
    }
}
