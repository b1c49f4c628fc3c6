/* Sites, series and new references. Against plain answers, over random histories:
 * tests/model/graph_diff.c. */
#include "graph_host.h"

static const op early[] = {NODE(1, "module", 8), NODE(2, "dict", 8), ROOT(1, "r", "app"),
                           EDGE(1, 2, ".cache"), {0}};
static const op later[] = {NODE(1, "module", 8), NODE(2, "dict", 8), NODE(3, "T", 16),
                           NODE(4, "T", 16), ROOT(1, "r", "app"), EDGE(1, 2, ".cache"),
                           EDGE(2, 3, "['k']"), EDGE(2, 4, "['l']"), {0}};
static const op last[] = {NODE(1, "module", 8), NODE(2, "dict", 8), NODE(3, "T", 16),
                          ROOT(1, "r", "app"), EDGE(1, 2, ".cache"), EDGE(2, 3, "['k']"), {0}};

typedef struct three {
    host host;
    script script;
    lw_snapshot *all[3];
} three;

static void open_three(three *three)
{
    three->script = (script){early, 0};
    open_toy(&three->host, &three->script);
    three->all[0] = take(&three->host);
    three->script.ops = later;
    three->all[1] = take(&three->host);
    three->script.ops = last;
    three->all[2] = take(&three->host);
}

static void close_three(three *three)
{
    for (int i = 0; i < 3; i++)
        lw_snapshot_release(three->all[i]);
    close_host(&three->host);
}

static lw_status create(lw_snapshot *const *all, uint32_t count, const lw_series_options *options,
                        lw_error *error)
{
    lw_series *series = at(1);
    lw_status status = lw_series_create(all, count, options, &series, error);
    cr_assert_eq(series != NULL, status == LW_OK);
    lw_series_release(series);
    return status;
}

Test(series, what_is_new_and_stays)
{
    three three;
    lw_series *series = NULL;
    lw_series_info info = LW_SERIES_INFO_INIT;
    lw_series_row row = LW_SERIES_ROW_INIT;
    open_three(&three);
    cr_assert_eq(lw_series_create(three.all, 3, NULL, &series, NULL), LW_OK);
    for (int i = 0; i < 3; i++)
        lw_snapshot_release(three.all[i]); /* the series keeps what it needs */
    cr_assert_eq(lw_series_info_get(series, &info, NULL), LW_OK);
    cr_assert_eq(info.snapshots, 3);
    cr_assert_eq(info.rows, 1);
    cr_assert_eq(info.created, 2);
    cr_assert_eq(info.count, 1);
    cr_assert_eq(info.size, 16);
    cr_assert_eq(info.approximate, 1, "numbers for keys: nothing says that they are not reused");
    cr_assert_eq(lw_series_row_get(series, 0, &row, NULL), LW_OK);
    cr_assert_str_eq(row.name, "T");
    cr_assert_str_eq(row.runtime, "toy");
    lw_series_release(series);
    close_host(&three.host);
}

static int stop(lw_node node, void *user)
{
    (void)node;
    ++*(int *)user;
    return 1;
}

Test(series, calls_refuse_what_they_cannot_do)
{
    three three;
    lw_series *series = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_series_options good = LW_SERIES_OPTIONS_INIT, bad = LW_SERIES_OPTIONS_INIT;
    lw_series_row row = LW_SERIES_ROW_INIT;
    lw_series_info info = LW_SERIES_INFO_INIT;
    int visits = 0;
    open_three(&three);
    lw_snapshot *backwards[] = {three.all[2], three.all[1], three.all[0]};
    lw_snapshot *missing[] = {three.all[0], NULL, three.all[2]};
    lw_snapshot *stranger = take_script(early);
    lw_snapshot *strange[] = {three.all[0], three.all[1], stranger};
    good.target = 1;
    bad.target = 2;
    EXPECT_OPTION_SIZES(lw_series_options, good, create(three.all, 3, given, &error));
    expect_error(create(three.all, 3, &bad, &error), LW_E_INVALID, &error);
    expect_error(create(three.all, 2, NULL, &error), LW_E_INVALID, &error);
    expect_error(create(NULL, 3, NULL, &error), LW_E_INVALID, &error);
    expect_error(create(missing, 3, NULL, &error), LW_E_INVALID, &error);
    expect_words(create(backwards, 3, NULL, &error), LW_E_INVALID, &error, "order of time");
    expect_words(create(strange, 3, NULL, &error), LW_E_INVALID, &error, "another context");
    expect_error(lw_series_create(three.all, 3, NULL, NULL, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_series_create(three.all, 3, NULL, &series, NULL), LW_OK);
    EXPECT_RESULT_SIZES(lw_series_row, lw_series_row_get(series, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_series_info, lw_series_info_get(series, to, &error));
    expect_error(lw_series_row_get(NULL, 0, &row, &error), LW_E_INVALID, &error);
    expect_error(lw_series_row_get(series, 1, &row, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_series_info_get(NULL, &info, &error), LW_E_INVALID, &error);
    expect_error(lw_series_each(NULL, 0, stop, &visits, &error), LW_E_INVALID, &error);
    expect_error(lw_series_each(series, 1, stop, &visits, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_series_each(series, 0, NULL, &visits, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_series_each(series, LW_SERIES_ALL, stop, &visits, NULL), LW_OK);
    cr_assert_eq(visits, 1);
    lw_series_release(NULL);
    lw_series_release(series);
    lw_snapshot_release(stranger);
    close_three(&three);
}

/* ---- new references ---- */

static lw_new_step new_step(const op *before, const op *after, lw_key key)
{
    host host;
    script script = {before, 0};
    lw_paths *paths = NULL;
    lw_new_step result = LW_NEW_STEP_INIT;
    open_toy(&host, &script);
    lw_snapshot *base = take(&host);
    script.ops = after;
    lw_snapshot *now = take(&host);
    lw_node node = find_node(now, key);
    cr_assert_eq(lw_paths_find(now, &node, 1, NULL, &paths, NULL), LW_OK);
    cr_assert_eq(lw_path_new_step(paths, 0, base, &result, NULL), LW_OK);
    lw_paths_release(paths);
    lw_snapshot_release(base);
    lw_snapshot_release(now);
    close_host(&host);
    return result;
}

Test(new_step, the_first_reference_that_was_not_there)
{
    lw_new_step found = new_step(early, later, 3);
    cr_assert_eq(found.state, LW_NEW_REFERENCE);
    cr_assert_eq(found.step, 1);
    cr_assert_eq(found.approximate, 1, "the keys are any numbers");
    cr_assert_eq(new_step(later, later, 3).state, LW_NEW_NOTHING);
    cr_assert_eq(new_step(later, last, 3).state, LW_NEW_NOTHING);
}

Test(new_step, a_like_object_in_the_same_place_was_there)
{
    static const op replaced[] = {NODE(1, "module", 8), NODE(7, "dict", 8), NODE(8, "T", 16),
                                  ROOT(1, "r", "app"), EDGE(1, 7, ".cache"),
                                  EDGE(7, 8, "['k']"), {0}};
    static const op other[] = {NODE(1, "module", 8), NODE(7, "list", 8), NODE(8, "T", 16),
                               ROOT(1, "r", "app"), EDGE(1, 7, ".cache"), EDGE(7, 8, "#0"), {0}};
    cr_assert_eq(new_step(later, replaced, 8).state, LW_NEW_NOTHING);
    cr_assert_eq(new_step(later, replaced, 8).approximate, 1);
    cr_assert_eq(new_step(later, other, 8).state, LW_NEW_REFERENCE);
    cr_assert_eq(new_step(later, other, 8).step, 0, "a list where a dict was");
}

Test(new_step, a_new_root)
{
    static const op moved[] = {NODE(2, "dict", 8), NODE(3, "T", 16), ROOT(2, "r", "other"),
                               EDGE(2, 3, "['k']"), {0}};
    static const op outside[] = {NODE(1, "T", 8), REFERENCES(1, 2), {0}};
    cr_assert_eq(new_step(early, moved, 3).state, LW_NEW_ROOT);
    cr_assert_eq(new_step(outside, outside, 1).state, LW_NEW_NOTHING);
    cr_assert_eq(new_step(early, outside, 1).state, LW_NEW_ROOT);
}

Test(new_step, refuses_what_it_cannot_do)
{
    three three;
    lw_paths *paths = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_new_step result = LW_NEW_STEP_INIT;
    open_three(&three);
    lw_snapshot *stranger = take_script(early);
    lw_node node = find_node(three.all[1], 3);
    cr_assert_eq(lw_paths_find(three.all[1], &node, 1, NULL, &paths, NULL), LW_OK);
    EXPECT_RESULT_SIZES(lw_new_step, lw_path_new_step(paths, 0, three.all[0], to, &error));
    expect_error(lw_path_new_step(NULL, 0, three.all[0], &result, &error), LW_E_INVALID, &error);
    expect_error(lw_path_new_step(paths, 0, NULL, &result, &error), LW_E_INVALID, &error);
    expect_error(lw_path_new_step(paths, 1, three.all[0], &result, &error), LW_E_NOT_FOUND,
                 &error);
    expect_words(lw_path_new_step(paths, 0, stranger, &result, &error), LW_E_INVALID, &error,
                 "another context");
    expect_words(lw_path_new_step(paths, 0, three.all[2], &result, &error), LW_E_INVALID, &error,
                 "later");
    lw_paths_release(paths);
    lw_snapshot_release(stranger);
    close_three(&three);
}

/* ---- sites ---- */

Test(sites, calls_refuse_what_they_cannot_do)
{
    three three;
    lw_diff *diff = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_diff_site site = LW_DIFF_SITE_INIT;
    lw_frame frame = LW_FRAME_INIT;
    int visits = 0;
    open_three(&three);
    cr_assert_eq(lw_diff_create(three.all[0], three.all[1], &diff, NULL), LW_OK);
    cr_assert_eq(lw_diff_site_count(diff), 1);
    cr_assert_eq(lw_diff_site_count(NULL), 0);
    EXPECT_RESULT_SIZES(lw_diff_site, lw_diff_site_get(diff, 0, to, &error));
    cr_assert_eq(lw_diff_site_get(diff, 0, &site, NULL), LW_OK);
    cr_assert_eq(site.flags, LW_SITE_UNRECORDED | LW_SITE_APPROXIMATE);
    cr_assert_eq(site.count_diff, 2);
    expect_error(lw_diff_site_get(NULL, 0, &site, &error), LW_E_INVALID, &error);
    expect_error(lw_diff_site_get(diff, 1, &site, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_diff_site_frame_get(NULL, 0, 0, &frame, &error), LW_E_INVALID, &error);
    expect_error(lw_diff_site_frame_get(diff, 0, 0, &frame, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_diff_site_frame_get(diff, 1, 0, &frame, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_diff_site_each(NULL, 0, 0, stop, &visits, &error), LW_E_INVALID, &error);
    expect_error(lw_diff_site_each(diff, 1, 0, stop, &visits, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_diff_site_each(diff, 0, 3, stop, &visits, &error), LW_E_INVALID, &error);
    expect_error(lw_diff_site_each(diff, 0, 0, NULL, &visits, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_diff_site_each(diff, 0, LW_DIFF_CREATED, stop, &visits, NULL), LW_OK);
    cr_assert_eq(visits, 1);
    lw_diff_release(diff);
    close_three(&three);
}
