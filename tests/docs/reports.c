/* Writes every kind of report as JSON, each with all its keys, for tests/docs/test_json.py. */
#include <leakwatch.h>
#include <stdio.h>
#include <stdlib.h>

static char blocks[4][64]; /* of a heap of four objects, one of which is garbage */
static int known = 1;      /* how many are there yet */

static int enumerate(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t cell = lw_sink_type(sink, 0, "cell", 0);
    for (int i = 0; i < known; i++)
        lw_sink_node(sink, lw_key_of(blocks[i]), cell, 64);
    if (known > 2) {
        uint32_t next = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "next", 4);
        lw_sink_edge(sink, lw_key_of(blocks[0]), lw_key_of(blocks[1]), LW_EDGE_STRONG, next);
        lw_sink_edge(sink, lw_key_of(blocks[1]), lw_key_of(blocks[2]), LW_EDGE_STRONG,
                     LW_LABEL_INDEX(3));
    }
    return lw_sink_root(sink, lw_key_of(blocks[0]), lw_sink_root_kind(sink, "global", 0),
                        lw_sink_label(sink, LW_LABEL_VARIABLE, "head", 4));
}

static int print(const char *text, size_t length, void *user)
{
    return fwrite(text, 1, length, user) != length;
}

static void must(lw_status status)
{
    if (status != LW_OK) {
        fprintf(stderr, "%s\n", lw_status_name(status));
        exit(1);
    }
}

/* --- something that grows: entries of one table, and of nine at once --------------------------- */

enum { TABLES = 10, ENTRIES = 4 };
_Alignas(16) static char tables[TABLES][64], owned[ENTRIES][64], shared[ENTRIES][64];
static int entries;

static int enumerate_tables(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t table = lw_sink_type(sink, 0, "table", 0), entry = lw_sink_type(sink, 0, "entry", 0);
    uint32_t kind = lw_sink_root_kind(sink, "global", 0);
    for (int i = 0; i < TABLES; i++) {
        char name[16];
        int length = snprintf(name, sizeof name, "table_%d", i);
        lw_sink_node(sink, lw_key_of(tables[i]), table, 64);
        for (int j = 0; j < entries; j++) {
            const char *held = i == 0 ? owned[j] : shared[j];
            lw_sink_node(sink, lw_key_of(held), entry, 64);
            lw_sink_edge(sink, lw_key_of(tables[i]), lw_key_of(held), LW_EDGE_STRONG,
                         LW_LABEL_INDEX(j));
        }
        lw_sink_root(sink, lw_key_of(tables[i]), kind,
                     lw_sink_label(sink, LW_LABEL_VARIABLE, name, (size_t)length));
    }
    return 0;
}

static void report_growth(const lw_report_options *json)
{
    lw_context *context = NULL;
    lw_domain *heap = NULL;
    lw_runtime *runtime = NULL;
    lw_snapshot *taken[ENTRIES] = {NULL};
    lw_dominators *dominators = NULL;
    lw_findings *findings = NULL;
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime_options plug = LW_RUNTIME_OPTIONS_INIT;
    domain.name = "heap";
    plug.name = "tables";
    plug.enumerate = enumerate_tables;
    plug.domains = &heap;
    plug.domain_count = 1;
    must(lw_context_create(NULL, &context, NULL));
    must(lw_domain_create(context, &domain, &heap, NULL));
    must(lw_runtime_create(context, &plug, &runtime, NULL));
    for (entries = 0; entries < ENTRIES; entries++) {
        must(lw_snapshot_take(context, NULL, &taken[entries], NULL));
        lw_block_alloc_at(heap, owned[entries], 64, LW_HERE);
        lw_block_alloc_at(heap, shared[entries], 64, LW_HERE);
    }
    lw_snapshot *last = taken[ENTRIES - 1];
    must(lw_report_snapshot(last, json, print, stdout, NULL));
    must(lw_dominators_create(last, NULL, &dominators, NULL));
    must(lw_report_types(dominators, json, print, stdout, NULL));
    must(lw_report_retained(dominators, json, print, stdout, NULL));
    must(lw_findings_create(taken, ENTRIES, NULL, &findings, NULL));
    must(lw_report_findings(findings, json, print, stdout, NULL));
    must(lw_report_finding(findings, 0, json, print, stdout, NULL));
    lw_findings_release(findings);
    lw_dominators_release(dominators);
    for (int i = 0; i < ENTRIES; i++)
        lw_snapshot_release(taken[i]);
    lw_context_release(context);
}

int main(void)
{
    lw_context *context = NULL;
    lw_domain *heap = NULL;
    lw_region *region = NULL;
    lw_runtime *runtime = NULL;
    lw_type *type = NULL;
    lw_round round = 0;
    lw_report_options json = LW_REPORT_OPTIONS_INIT;
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime_options plug = LW_RUNTIME_OPTIONS_INIT;
    json.format = LW_FORMAT_JSON;
    domain.name = "heap";
    plug.name = "cells";
    plug.enumerate = enumerate;
    plug.domains = &heap;
    plug.domain_count = 1;
    must(lw_context_create(NULL, &context, NULL));
    must(lw_domain_create(context, &domain, &heap, NULL));
    must(lw_region_create(context, "work", NULL, &region, NULL));
    must(lw_runtime_create(context, &plug, &runtime, NULL));
    must(lw_type_create(context, "cell", 64, &type, NULL));

    lw_snapshot *before = NULL, *after = NULL;
    must(lw_snapshot_take(context, NULL, &before, NULL));
    must(lw_region_begin(region, &round, NULL));
    for (known = 0; known < 4; known++)
        lw_block_alloc_at(heap, blocks[known], 64, LW_HERE);
    must(lw_region_end(region, round, NULL, NULL));
    must(lw_snapshot_take(context, NULL, &after, NULL));

    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = NULL;
    lw_diff *diff = NULL;
    lw_paths *paths = NULL;
    lw_check *check = NULL;
    lw_node last = LW_NODE_NONE;
    must(lw_region_stats_get(region, 0, &stats, NULL));
    must(lw_survivors_take(context, region, 0, &survivors, NULL));
    must(lw_report_region(&stats, survivors, &json, print, stdout, NULL));
    must(lw_report_totals(context, &stats, &json, print, stdout, NULL));
    must(lw_diff_create(before, after, &diff, NULL));
    must(lw_report_diff(diff, &json, print, stdout, NULL));
    must(lw_node_find(after, "cells", lw_key_of(blocks[2]), &last, NULL));
    must(lw_paths_find(after, &last, 1, NULL, &paths, NULL));
    must(lw_report_path(paths, 0, &json, print, stdout, NULL));
    lw_snapshot *later = NULL;
    lw_series *series = NULL;
    lw_referrers *referrers = NULL;
    must(lw_snapshot_take(context, NULL, &later, NULL));
    lw_snapshot *all[] = {before, after, later};
    must(lw_report_sites(diff, &json, print, stdout, NULL));
    must(lw_series_create(all, 3, NULL, &series, NULL));
    must(lw_report_series(series, &json, print, stdout, NULL));
    must(lw_report_new_step(paths, 0, before, &json, print, stdout, NULL));
    must(lw_referrers_create(after, &last, 1, NULL, &referrers, NULL));
    must(lw_report_referrers(referrers, &json, print, stdout, NULL));
    lw_referrers_release(referrers);
    lw_series_release(series);
    lw_snapshot_release(later);
    must(lw_runtime_check(runtime, &check, NULL)); /* the fourth object has no root */
    must(lw_report_check(check, "cells", &json, print, stdout, NULL));
    must(lw_report_objects(context, &json, print, stdout, NULL));

    report_growth(&json);

    lw_memory memory = LW_MEMORY_INIT;
    memory.domain_count = 1;
    must(lw_report_memory(&memory, &json, print, stdout, NULL));

    lw_check_release(check);
    lw_paths_release(paths);
    lw_diff_release(diff);
    lw_survivors_release(survivors);
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    lw_context_release(context);
    return 0;
}
