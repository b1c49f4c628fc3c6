/* What the core's own books take for a live set of blocks of one size: bytes per block.
 *
 * usage: books_core SIZE BLOCKS packed|half
 *
 * The blocks lie side by side; or twice as many did, and every second one was freed. Their
 * addresses are real, of pages that nobody may touch: the core never looks into a block. Prints
 * what was taken beyond an empty context, and nanoseconds of CPU time per event. */
#define _GNU_SOURCE
#include <leakwatch.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { FRAMES = 25 };

static uint64_t own_bytes(lw_context *context)
{
    lw_context_stats stats = LW_CONTEXT_STATS_INIT;
    lw_context_stats_get(context, &stats, NULL);
    return stats.dropped ? UINT64_MAX : stats.own_bytes;
}

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int count, char **words)
{
    if (count != 4)
        return 2;
    uint64_t size = strtoull(words[1], NULL, 10), blocks = strtoull(words[2], NULL, 10);
    uint64_t times = strcmp(words[3], "half") == 0 ? 2 : 1, each = (size + 15) / 16 * 16;
    uint64_t frames[FRAMES], events = blocks * (times == 2 ? 3 : 1);
    for (uint64_t i = 0; i < FRAMES; i++)
        frames[i] = 0x10000 + i * 64;
    lw_stack stack = {frames, FRAMES, 0, 0};
    lw_context *context = NULL;
    lw_domain *heap = NULL;
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    options.name = "heap";
    char *place = mmap(NULL, (size_t)(each * blocks * times), PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED || lw_context_create(NULL, &context, NULL) != LW_OK ||
        lw_domain_create(context, &options, &heap, NULL) != LW_OK) {
        fprintf(stderr, "no address space, or no context\n");
        return 1;
    }
    uint64_t before = own_bytes(context);
    double begin = cpu_ns();
    for (uint64_t i = 0; i < blocks * times; i++)
        lw_block_alloc(heap, place + i * each, size, &stack);
    for (uint64_t i = 1; times == 2 && i < blocks * 2; i += 2)
        lw_block_free(heap, place + i * each);
    double taken = cpu_ns() - begin;
    uint64_t after = own_bytes(context);
    lw_domain_stats live = LW_DOMAIN_STATS_INIT;
    lw_domain_stats_get(heap, &live, NULL);
    if (after == UINT64_MAX || (uint64_t)live.blocks != blocks) {
        fprintf(stderr, "events were dropped\n");
        return 1;
    }
    printf("%llu %.1f\n", (unsigned long long)(after - before), taken / (double)events);
    lw_context_release(context);
    return 0;
}
