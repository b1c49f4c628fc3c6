/**
 * @file mode.h
 * Modes: how much is recorded of each allocation, and so what recording costs.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * // Walks the host's stack: the dear part of an event. Called only where the mode wants a stack.
 * static const lw_stack *take_stack(void *user)
 * {
 *     static const uint64_t words[] = {0x1000, 0x2000};
 *     static const lw_stack stack = {words, 2, 0, 0};
 *     ++*(int *)user;
 *     return &stack;
 * }
 *
 * int main(void)
 * {
 *     static char blocks[100][16]; // stand for what an allocator returns
 *     lw_context *context = NULL;
 *     lw_domain *heap = NULL;
 *     lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
 *     int walks = 0;
 *     options.name = "heap";
 *     lw_context_create(NULL, &context, NULL);
 *     lw_domain_create(context, &options, &heap, NULL);
 *
 *     lw_mode_set(context, LW_MODE_COUNTS, 0, NULL); // cheap: how much lives, not where it is from
 *     for (int i = 0; i < 90; i++)
 *         lw_block_alloc_with(heap, blocks[i], 16, take_stack, &walks);
 *     lw_mode_set(context, LW_MODE_SITES, 0, NULL); // from here on with stacks
 *     for (int i = 90; i < 100; i++)
 *         lw_block_alloc_with(heap, blocks[i], 16, take_stack, &walks);
 *
 *     lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
 *     lw_domain_stats_get(heap, &stats, NULL);
 *     printf("%lld bytes live, %d stacks walked\n", (long long)stats.bytes, walks);
 *     int wrong = stats.bytes != 1600 || walks != 10;
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 *
 * | mode | known | not known |
 * |-|-|-|
 * | SITES | everything, exactly | - |
 * | COUNTS | exactly what lives, by domain; `net` and `net_peak` of regions | sites; what a region's own blocks hold (`current`, `peak`, `at_end`), survivors, verdicts |
 * | SAMPLED | everything, as unbiased estimates with their margins | small leaks: a site's blocks are met once per interval of bytes |
 *
 * A switch holds for what is allocated from then on; a block weighs until its end what it weighed
 * at its birth, so totals stay right over any number of switches. An event that is under way in
 * another thread while the mode changes may follow the old one.
 */
#ifndef LEAKWATCH_MODE_H
#define LEAKWATCH_MODE_H

#include <leakwatch/record.h>

LW_BEGIN_DECLS

/** How much is recorded. Values are never reused. */
enum lw_mode {
    LW_MODE_SITES = 0,  /**< every allocation with its stack, exactly: the default */
    LW_MODE_COUNTS = 1, /**< every allocation without: net and net peak only, exactly */
    LW_MODE_SAMPLED = 2 /**< some allocations with their stacks, for estimates of all */
};

/** Modes as bits, where several may have been in use: lw_region_stats::modes. */
enum lw_mode_bits {
    LW_MODES_SITES = 1,  /**< ::LW_MODE_SITES */
    LW_MODES_COUNTS = 2, /**< ::LW_MODE_COUNTS */
    LW_MODES_SAMPLED = 4 /**< ::LW_MODE_SAMPLED */
};

/** Bytes between two samples if none are asked for. */
#define LW_SAMPLE_INTERVAL UINT64_C(524288)

/**
 * Changes the mode, also while events come in.
 *
 * @param context  the context
 * @param mode     one of ::lw_mode
 * @param interval SAMPLED: the bytes between two samples on average, up to 2^40; 0 means
 *                 ::LW_SAMPLE_INTERVAL. 0 in the other modes
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID (no such mode, an interval out of place or too large);
 *         ::LW_E_STATE (inside a callback); ::LW_E_NOMEM: nothing changed. any-thread.
 */
LW_API lw_status lw_mode_set(lw_context *context, int32_t mode, uint64_t interval,
                             lw_error *error);

/**
 * Reads the mode.
 *
 * @param context  the context
 * @param mode     receives one of ::lw_mode
 * @param interval NULL, or receives the bytes between two samples, 0 unless SAMPLED
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID (a NULL). any-thread.
 */
LW_API lw_status lw_mode_get(const lw_context *context, int32_t *mode, uint64_t *interval,
                             lw_error *error);

/**
 * Takes the stack of an event that turned out to need one. It may neither call us nor allocate what
 * is recorded: for a sample it runs in the midst of the event, and that would be dropped.
 *
 * @param user the caller's pointer
 * @return the stack, valid until the event returns; or NULL if it is not known
 */
typedef const lw_stack *(*lw_stack_fn)(void *user);

/**
 * lw_block_alloc() for a host whose stacks are dear: `take` is called only if this event needs one,
 * which in COUNTS is never, in SAMPLED rarely and in SITES always.
 *
 * @param domain where
 * @param block  its address; NULL is ignored
 * @param size   its size in bytes as asked for
 * @param take   takes the stack
 * @param user   passed to `take`. any-thread.
 */
LW_API void lw_block_alloc_with(lw_domain *domain, const void *block, uint64_t size,
                                lw_stack_fn take, void *user) LW_ADDRESS_2;

/**
 * lw_move_end() in the same way.
 *
 * @param move  what lw_move_begin() filled
 * @param block the block as it is now
 * @param size  its new size in bytes
 * @param take  takes the stack
 * @param user  passed to `take`. any-thread.
 */
LW_API void lw_move_end_with(lw_move *move, const void *block, uint64_t size, lw_stack_fn take,
                             void *user) LW_ADDRESS_2;

LW_END_DECLS

#endif
