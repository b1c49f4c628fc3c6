/**
 * @file leakwatch.h
 * libleakwatch: what grows, how fast, who allocated it, who holds it, which reference to cut.
 *
 * In thirty lines: a cache that is never emptied, found by its region.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 * #include <stdlib.h>
 *
 * static int print(const char *text, size_t length, void *user)
 * {
 *     return fwrite(text, 1, length, user) != length;
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_domain *heap = NULL;
 *     lw_region *request = NULL;
 *     lw_round round = 0;
 *     void *cache[10];
 *     lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
 *     options.name = "heap";
 *     lw_context_create(NULL, &context, NULL);
 *     lw_domain_create(context, &options, &heap, NULL);
 *     lw_region_create(context, "request", NULL, &request, NULL);
 *
 *     lw_region_begin(request, &round, NULL);
 *     for (int i = 0; i < 10; i++) {
 *         cache[i] = malloc(100);
 *         lw_block_alloc_at(heap, cache[i], 100, LW_HERE);
 *     }
 *     lw_region_stats stats = LW_REGION_STATS_INIT;
 *     lw_region_end(request, round, &stats, NULL);
 *
 *     lw_survivors *survivors = NULL;
 *     lw_survivors_take(context, request, round, &survivors, NULL);
 *     lw_report_region(&stats, survivors, NULL, print, stdout, NULL);
 *     lw_survivors_release(survivors);
 *     for (int i = 0; i < 10; i++) {
 *         lw_block_free(heap, cache[i]);
 *         free(cache[i]);
 *     }
 *     lw_context_release(context);
 *     return 0;
 * }
 * @endcode
 *
 * | header | what it answers |
 * |-|-|
 * | base.h | statuses, errors, our own memory |
 * | context.h | who owns everything |
 * | stack.h | call stacks, in numbers and in words |
 * | record.h | blocks: what was allocated where |
 * | mode.h | how much is recorded: every stack, counts only, samples |
 * | region.h | regions: what a span of work left behind |
 * | verdict.h | whether a region's rounds leak: by site and by round |
 * | memory.h | the process's memory: what is known of it, and how much is not |
 * | object.h | typed objects: how many live |
 * | runtime.h | the plug for a host with an object graph |
 * | sink.h | what a walk over that graph pushes |
 * | check.h | what its author got wrong |
 * | snapshot.h | the graph at one moment |
 * | capture.h | the same by a forked child |
 * | file.h | snapshots in files |
 * | analyze.h | what grew between two moments, and who holds it |
 * | retain.h | what is freed if something goes, and cycles of garbage |
 * | growth.h | what grew round after round |
 * | referrers.h | everything that holds some objects, as a tree |
 * | series.h | what stayed, and which reference is new |
 * | cut.h | what to cut so that some objects go |
 * | report.h | all of this as text or JSON |
 * | cpython.h | another runtime beside Python in its process; included by itself only |
 */
#ifndef LEAKWATCH_H
#define LEAKWATCH_H

#include <leakwatch/analyze.h>
#include <leakwatch/base.h>
#include <leakwatch/capture.h>
#include <leakwatch/check.h>
#include <leakwatch/context.h>
#include <leakwatch/cut.h>
#include <leakwatch/file.h>
#include <leakwatch/find.h>
#include <leakwatch/growth.h>
#include <leakwatch/memory.h>
#include <leakwatch/mode.h>
#include <leakwatch/object.h>
#include <leakwatch/record.h>
#include <leakwatch/referrers.h>
#include <leakwatch/region.h>
#include <leakwatch/report.h>
#include <leakwatch/retain.h>
#include <leakwatch/runtime.h>
#include <leakwatch/series.h>
#include <leakwatch/sink.h>
#include <leakwatch/snapshot.h>
#include <leakwatch/stack.h>
#include <leakwatch/verdict.h>

#endif
