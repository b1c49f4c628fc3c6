/* Reports of sites, of what stayed, of trees of holders and of new references. */
#include "report_heap.h"

/* module __main__ -> cache; later the cache has entries, each holding a value. */
static lw_key main_module, cache;

static lw_snapshot *first(host *host)
{
    main_module = node(block(host, 72), "module", 72);
    cache = node(block(host, 96), "dict", 96);
    root(main_module, "module", "__main__", 0);
    edge(main_module, cache, LW_LABEL_ATTRIBUTE, "kept", 0);
    return snapshot(host, "before");
}

static lw_key grow(host *host, const char *key)
{
    lw_key value = node(born(host, 56, NUMPY, PRICE, MAIN), "Value", 48);
    edge(cache, value, LW_LABEL_KEY, key, 0);
    return value;
}

static lw_report_options plain;

Test(report_series, texts)
{
    host host = open_heap();
    lw_snapshot *all[3] = {first(&host), NULL, NULL};
    lw_key value = grow(&host, "'a'");
    grow(&host, "'b'");
    all[1] = snapshot(&host, "during");
    all[2] = snapshot(&host, "after");
    lw_diff *diff = NULL;
    lw_series *series = NULL;
    lw_paths *paths = NULL;
    lw_referrers *holders = NULL;
    lw_node target = LW_NODE_NONE;
    plain = how(LW_FORMAT_TEXT, LW_REPORT_ASCII, 100);
    cr_assert_eq(lw_diff_create(all[0], all[1], &diff, NULL), LW_OK);
    cr_assert_eq(lw_series_create(all, 3, NULL, &series, NULL), LW_OK);
    cr_assert_eq(lw_node_find(all[1], "toy", value, &target, NULL), LW_OK);
    cr_assert_eq(lw_paths_find(all[1], &target, 1, NULL, &paths, NULL), LW_OK);
    cr_assert_eq(lw_referrers_create(all[1], &target, 1, NULL, &holders, NULL), LW_OK);
    memset(&out, 0, sizeof out);
    cr_assert_eq(lw_report_sites(diff, &plain, take, &out, NULL), LW_OK);
    cr_assert_eq(lw_report_series(series, &plain, take, &out, NULL), LW_OK);
    cr_assert_eq(lw_report_new_step(paths, 0, all[0], &plain, take, &out, NULL), LW_OK);
    cr_assert_eq(lw_report_referrers(holders, &plain, take, &out, NULL), LW_OK);
    expect_text("diff by site   +2 objects, +96 B; 2 sites\n"
                "  objects  blocks   size  allocated at\n"
                "       +2  +112 B  +96 B  svc.py:19 Pricing.price <- app.py:3\n"
                "        0     0 B    0 B  svc.py:19 Pricing.price <- app.py:3\n"
                "what stayed over 3 snapshots   2 of 2 new objects, 96 B\n"
                "  stayed  size  new  type\n"
                "       2  96 B    2  Value\n"
                "  new: step 2, dict ['a'] -> Value; all before it was there\n"
                "who holds 1 Value   48 B\n"
                "  held  by  holders         root\n"
                "     1   1  dict ['a']\n"
                "     1   1    module .kept  root module __main__\n");
    lw_referrers_release(holders);
    lw_paths_release(paths);
    lw_series_release(series);
    lw_diff_release(diff);
    for (int i = 0; i < 3; i++)
        lw_snapshot_release(all[i]);
    lw_context_release(host.context);
}

static int no(const char *text, size_t length, void *user)
{
    (void)text;
    (void)length;
    (void)user;
    return 1;
}

Test(report_series, refuse_what_they_cannot_do)
{
    host host = open_heap();
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *taken = first(&host);
    lw_diff *diff = NULL;
    cr_assert_eq(lw_report_sites(NULL, NULL, take, &out, &error), LW_E_INVALID);
    cr_assert_eq(lw_report_series(NULL, NULL, take, &out, &error), LW_E_INVALID);
    cr_assert_eq(lw_report_referrers(NULL, NULL, take, &out, &error), LW_E_INVALID);
    cr_assert_eq(lw_report_new_step(NULL, 0, taken, NULL, take, &out, &error), LW_E_INVALID);
    cr_assert_eq(lw_diff_create(taken, taken, &diff, NULL), LW_OK);
    cr_assert_eq(lw_report_sites(diff, NULL, NULL, &out, &error), LW_E_INVALID);
    cr_assert_eq(lw_report_sites(diff, NULL, no, NULL, &error), LW_E_IO);
    lw_diff_release(diff);
    lw_snapshot_release(taken);
    lw_context_release(host.context);
}
