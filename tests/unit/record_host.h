/* A host for the tests of recording. Its blocks are addresses only; nothing lies there. */
#ifndef TESTS_UNIT_RECORD_HOST_H
#define TESTS_UNIT_RECORD_HOST_H

#include "../support/counting.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <leakwatch.h>
#include <stdio.h>
#include <string.h>

typedef struct host {
    counting memory;
    lw_context *context;
    lw_domain *heap; /* SHARED, words shown as numbers */
} host;

static inline void *at(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

static inline lw_domain *add_domain(lw_context *context, const char *name, int32_t kind,
                                    lw_domain *parent)
{
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    lw_domain *domain = NULL;
    options.name = name;
    options.kind = kind;
    options.parent = parent;
    cr_assert_eq(lw_domain_create(context, &options, &domain, NULL), LW_OK);
    return domain;
}

static inline void open_host(host *host)
{
    memset(host, 0, sizeof *host);
    lw_context_options options = counting_options(&host->memory);
    cr_assert_eq(lw_context_create(&options, &host->context, NULL), LW_OK);
    host->heap = add_domain(host->context, "heap", LW_DOMAIN_SHARED, NULL);
}

/* Whatever a test did, every byte comes back, and was given back with its right size. */
static inline void close_host(host *host)
{
    lw_context_release(host->context);
    cr_assert_eq(host->memory.bytes, 0, "%lld bytes of ours are left", host->memory.bytes);
    cr_assert_eq(host->memory.wrong, 0);
}

static inline lw_context_stats context_stats(lw_context *context)
{
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    cr_assert_eq(lw_context_stats_get(context, &stats, NULL), LW_OK);
    return stats;
}

static inline lw_domain_stats domain_stats(lw_domain *domain)
{
    lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
    cr_assert_eq(lw_domain_stats_get(domain, &stats, NULL), LW_OK);
    return stats;
}

static inline void expect_live(lw_domain *domain, int64_t bytes, int64_t blocks)
{
    lw_domain_stats stats = domain_stats(domain);
    cr_assert_eq(stats.bytes, bytes, "bytes: %" PRId64 ", should be %" PRId64, stats.bytes, bytes);
    cr_assert_eq(stats.blocks, blocks, "blocks: %" PRId64 ", should be %" PRId64, stats.blocks,
                 blocks);
}

static inline lw_status find_block(lw_domain *domain, uint64_t address, lw_block *block)
{
    *block = (lw_block)LW_BLOCK_INIT;
    return lw_block_find(domain, at(address), block, NULL);
}

/* The site of the live block at an address. */
static inline lw_site site_at(lw_domain *domain, uint64_t address)
{
    lw_block block;
    cr_assert_eq(find_block(domain, address, &block), LW_OK);
    return block.site;
}

/* A failed call says so in a sentence. */
static inline void expect_error(lw_status got, lw_status want, const lw_error *error)
{
    cr_assert_eq(got, want, "%s, should be %s: %s", lw_status_name(got), lw_status_name(want),
                 error->message);
    cr_assert_eq(error->status, want);
    cr_assert_neq(error->message[0], 0);
    cr_assert(memchr(error->message, 0, sizeof error->message));
}

/* `call` fills the result struct that `to` points to: a wrong size is refused and nothing is
 * written; a short struct gets what fits, the tail of a long one is zeroed. */
#define EXPECT_RESULT_SIZES(type, call)                                                            \
    do {                                                                                           \
        static const uint32_t wrong[] = {0, 3, 1u << 20};                                          \
        struct {                                                                                   \
            type known;                                                                            \
            unsigned char tail[64];                                                                \
        } room;                                                                                    \
        type *to = &room.known;                                                                    \
        lw_error error = LW_ERROR_INIT;                                                            \
        unsigned char *bytes = (unsigned char *)&room;                                             \
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {                                \
            memset(&room, 0xEE, sizeof room);                                                      \
            to->struct_size = wrong[i];                                                            \
            expect_error((call), LW_E_INVALID, &error);                                            \
            for (size_t j = sizeof wrong[0]; j < sizeof room; j++)                                 \
                cr_assert_eq(bytes[j], 0xEE);                                                      \
        }                                                                                          \
        memset(&room, 0xEE, sizeof room);                                                          \
        to->struct_size = 8;                                                                       \
        cr_assert_eq((call), LW_OK);                                                               \
        cr_assert_eq(to->struct_size, 8);                                                          \
        cr_assert_eq(bytes[8], 0xEE);                                                              \
        memset(&room, 0xEE, sizeof room);                                                          \
        to->struct_size = sizeof room;                                                             \
        cr_assert_eq((call), LW_OK);                                                               \
        cr_assert_eq(to->struct_size, sizeof room);                                                \
        for (size_t j = 0; j < sizeof room.tail; j++)                                              \
            cr_assert_eq(room.tail[j], 0);                                                         \
        to = NULL;                                                                                 \
        expect_error((call), LW_E_INVALID, &error);                                                \
    } while (0)

/* `call` takes the options that `given` points to, a copy of `good`. */
#define EXPECT_OPTION_SIZES(type, good, call)                                                      \
    do {                                                                                           \
        static const uint32_t wrong[] = {0, 3, 1u << 20};                                          \
        struct {                                                                                   \
            type known;                                                                            \
            unsigned char tail[16];                                                                \
        } room = {.known = (good)};                                                                \
        const type *given = &room.known;                                                           \
        lw_error error = LW_ERROR_INIT;                                                            \
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {                                \
            room.known.struct_size = wrong[i];                                                     \
            expect_error((call), LW_E_INVALID, &error);                                            \
        }                                                                                          \
        room.known.struct_size = sizeof room;                                                      \
        room.tail[15] = 1;                                                                         \
        expect_error((call), LW_E_INVALID, &error);                                                \
        room.tail[15] = 0;                                                                         \
        cr_assert_eq((call), LW_OK);                                                               \
    } while (0)

#endif
