/* What is asked of a runtime besides its graph - to collect, for a preview, for advice - and what
 * its callbacks may not ask of us. */
#include "graph_host.h"

static const op one[] = {NODE(0x1000, "t", 8), ROOT(0x1000, "global", NULL), {0}};

typedef struct asked {
    host host;
    script script;
    lw_runtime *runtime;
    lw_collect_fn then; /* what a callback does, with the struct */
    int collected, answer;
    lw_key key;
    const char *text;
    lw_status inside[5];
} asked;

static int play_asked(lw_sink *sink, void *user)
{
    asked *it = user;
    if (it->then)
        it->then(it);
    return play(sink, &it->script);
}

static int collect(void *user)
{
    asked *it = user;
    it->collected++;
    if (it->then)
        it->then(it);
    return it->answer;
}

static int preview(lw_key key, char *text, size_t size, void *user)
{
    asked *it = user;
    it->key = key;
    cr_assert_eq(size, LW_PREVIEW_MAX + 1);
    if (it->text)
        strncpy(text, it->text, size); /* not terminated when it is too long */
    return it->answer;
}

static int advise(const lw_advice_query *query, char *text, size_t size, void *user)
{
    asked *it = user;
    snprintf(text, size, "%s of %s: call %s_clear()", query->label, query->holder_type,
             query->root_label);
    return it->answer;
}

static void open_asked(asked *it)
{
    memset(it, 0, sizeof *it);
    open_host(&it->host);
    it->script.ops = one;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "toy";
    options.enumerate = play_asked;
    options.collect = collect;
    options.preview = preview;
    options.advise = advise;
    options.user = it;
    options.domains = &it->host.heap;
    options.domain_count = 1;
    cr_assert_eq(lw_runtime_create(it->host.context, &options, &it->runtime, NULL), LW_OK);
}

/* A runtime that only enumerates. */
static lw_runtime *add_dumb(asked *it)
{
    static script script;
    script = (struct script){one, 0};
    return add_runtime(&it->host, "dumb", LW_KEY_OPAQUE, play, &script);
}

/* ---- lw_runtime_each ---- */

static int keep_name(lw_runtime *runtime, const char *name, void *user)
{
    strcat(user, name);
    strcat(user, " ");
    return runtime == NULL;
}

static int stop_at_first(lw_runtime *runtime, const char *name, void *user)
{
    (void)name;
    *(lw_runtime **)user = runtime;
    return 1;
}

Test(runtime_ask, each_visits_in_order_until_told_to_stop)
{
    asked it;
    char names[50] = "";
    lw_runtime *first = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_context *empty = NULL;
    open_asked(&it);
    add_dumb(&it);
    cr_assert_eq(lw_runtime_each(it.host.context, keep_name, names, NULL), LW_OK);
    cr_assert_str_eq(names, "toy dumb ");
    cr_assert_eq(lw_runtime_each(it.host.context, stop_at_first, &first, NULL), LW_OK);
    cr_assert_eq(first, it.runtime);
    expect_error(lw_runtime_each(NULL, keep_name, names, &error), LW_E_INVALID, &error);
    expect_error(lw_runtime_each(it.host.context, NULL, names, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_context_create(NULL, &empty, NULL), LW_OK);
    cr_assert_eq(lw_runtime_each(empty, keep_name, names, NULL), LW_OK);
    lw_context_release(empty);
    close_host(&it.host);
}

/* ---- lw_runtime_collect ---- */

Test(runtime_ask, collects_when_asked_and_never_else)
{
    asked it;
    lw_error error = LW_ERROR_INIT;
    lw_check *check = NULL;
    open_asked(&it);
    lw_snapshot_release(take(&it.host));
    cr_assert_eq(lw_runtime_check(it.runtime, &check, NULL), LW_OK);
    lw_check_release(check);
    cr_assert_eq(it.collected, 0);
    cr_assert_eq(lw_runtime_collect(it.runtime, NULL), LW_OK);
    cr_assert_eq(it.collected, 1);
    it.answer = 3;
    expect_words(lw_runtime_collect(it.runtime, &error), LW_E_RUNTIME, &error, "returned 3");
    expect_words(lw_runtime_collect(add_dumb(&it), &error), LW_E_UNSUPPORTED, &error, "dumb");
    expect_error(lw_runtime_collect(NULL, &error), LW_E_INVALID, &error);
    close_host(&it.host);
}

/* ---- lw_advice_get ---- */

Test(runtime_ask, advice_is_cut_between_characters)
{
    asked it;
    char text[64];
    lw_error error = LW_ERROR_INIT;
    lw_advice_query query = LW_ADVICE_QUERY_INIT;
    open_asked(&it);
    query.runtime = "toy";
    query.label = "_cache";
    query.holder_type = "module";
    query.root_label = "sess\303\251";
    cr_assert_eq(lw_advice_get(it.host.context, &query, text, sizeof text, NULL), LW_OK);
    cr_assert_str_eq(text, "_cache of module: call sess\303\251_clear()");
    cr_assert_eq(lw_advice_get(it.host.context, &query, text, 29, NULL), LW_OK);
    cr_assert_str_eq(text, "_cache of module: call sess");
    query.label = NULL; /* an old caller's zeros read as "" */
    cr_assert_eq(lw_advice_get(it.host.context, &query, text, sizeof text, NULL), LW_OK);
    cr_assert_eq(strncmp(text, " of module", 10), 0);
    it.answer = 1;
    expect_words(lw_advice_get(it.host.context, &query, text, sizeof text, &error),
                 LW_E_NOT_FOUND, &error, "no advice");
    cr_assert_str_eq(text, "");
    add_dumb(&it);
    query.runtime = "dumb";
    expect_words(lw_advice_get(it.host.context, &query, text, 9, &error), LW_E_NOT_FOUND, &error,
                 "no advice");
    query.runtime = "nobody";
    expect_words(lw_advice_get(it.host.context, &query, text, 9, &error), LW_E_NOT_FOUND, &error,
                 "nobody");
    close_host(&it.host);
}

Test(runtime_ask, advice_refuses_bad_arguments)
{
    asked it;
    char text[64];
    lw_error error = LW_ERROR_INIT;
    lw_advice_query query = LW_ADVICE_QUERY_INIT;
    open_asked(&it);
    query.runtime = "toy";
    lw_context *context = it.host.context;
    expect_error(lw_advice_get(NULL, &query, text, 9, &error), LW_E_INVALID, &error);
    expect_error(lw_advice_get(context, NULL, text, 9, &error), LW_E_INVALID, &error);
    expect_error(lw_advice_get(context, &query, NULL, 9, &error), LW_E_INVALID, &error);
    expect_error(lw_advice_get(context, &query, text, 0, &error), LW_E_INVALID, &error);
    EXPECT_OPTION_SIZES(lw_advice_query, query,
                        lw_advice_get(context, given, text, sizeof text, &error));
    close_host(&it.host);
}

/* ---- lw_node_preview ---- */

static lw_status show(asked *it, const lw_snapshot *snapshot, char *text, size_t size,
                      lw_error *error)
{
    return lw_node_preview(it->host.context, snapshot, find_node(snapshot, 0x1000), text, size,
                           error);
}

Test(runtime_ask, previews_are_short_and_of_the_living)
{
    asked it;
    char text[100];
    lw_error error = LW_ERROR_INIT;
    open_asked(&it);
    lw_block_alloc_at(it.host.heap, at(0x1000), 64, LW_HERE);
    lw_snapshot *snapshot = take(&it.host);
    it.text = "\"user 17\"";
    cr_assert_eq(show(&it, snapshot, text, sizeof text, NULL), LW_OK);
    cr_assert_str_eq(text, "\"user 17\"");
    cr_assert_eq(it.key, 0x1000);
    cr_assert_eq(show(&it, snapshot, text, 4, NULL), LW_OK);
    cr_assert_str_eq(text, "\"us");
    it.text = "0123456789012345678901234567890123456789012345678901234567890123456789";
    cr_assert_eq(show(&it, snapshot, text, sizeof text, NULL), LW_OK);
    cr_assert_eq(strlen(text), LW_PREVIEW_MAX);
    it.text = NULL;
    expect_words(show(&it, snapshot, text, sizeof text, &error), LW_E_NOT_FOUND, &error,
                 "nothing");
    cr_assert_str_eq(text, "");
    it.text = "x";
    it.answer = 1;
    expect_error(show(&it, snapshot, text, sizeof text, &error), LW_E_NOT_FOUND, &error);
    it.answer = 0;
    it.key = 0;
    lw_block_free(it.host.heap, at(0x1000));
    expect_words(show(&it, snapshot, text, sizeof text, &error), LW_E_NOT_FOUND, &error, "gone");
    lw_block_alloc_at(it.host.heap, at(0x1000), 64, LW_HERE); /* another one's now */
    expect_words(show(&it, snapshot, text, sizeof text, &error), LW_E_NOT_FOUND, &error, "gone");
    cr_assert_eq(it.key, 0, "the runtime was asked about an object that is gone");
    lw_runtime_destroy(it.runtime);
    expect_words(show(&it, snapshot, text, sizeof text, &error), LW_E_NOT_FOUND, &error,
                 "plugged in");
    lw_snapshot_release(snapshot);
    close_host(&it.host);
}

Test(runtime_ask, previews_refuse_bad_arguments_and_other_contexts)
{
    asked it;
    host other;
    char text[9];
    lw_error error = LW_ERROR_INIT;
    open_asked(&it);
    open_host(&other);
    lw_context *context = it.host.context;
    lw_snapshot *snapshot = take(&it.host), *foreign = take(&other);
    expect_error(lw_node_preview(NULL, snapshot, 0, text, 9, &error), LW_E_INVALID, &error);
    expect_error(lw_node_preview(context, NULL, 0, text, 9, &error), LW_E_INVALID, &error);
    expect_error(lw_node_preview(context, snapshot, 0, NULL, 9, &error), LW_E_INVALID, &error);
    expect_error(lw_node_preview(context, snapshot, 0, text, 0, &error), LW_E_INVALID, &error);
    expect_error(lw_node_preview(context, snapshot, 1, text, 9, &error), LW_E_NOT_FOUND, &error);
    expect_words(lw_node_preview(other.context, snapshot, 0, text, 9, &error), LW_E_STATE, &error,
                 "context");
    lw_snapshot_release(snapshot);
    lw_snapshot_release(foreign);
    close_host(&other);
    close_host(&it.host);
}

/* ---- inside a callback ---- */

static int ask_all(void *user)
{
    asked *it = user;
    lw_context *context = it->host.context;
    lw_runtime *made = NULL;
    lw_snapshot *snapshot = NULL;
    lw_check *check = NULL;
    lw_advice_query query = LW_ADVICE_QUERY_INIT;
    char text[9];
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "inner";
    options.enumerate = play;
    query.runtime = "toy";
    it->then = NULL;
    it->inside[0] = lw_runtime_create(context, &options, &made, NULL);
    it->inside[1] = lw_snapshot_take(context, NULL, &snapshot, NULL);
    it->inside[2] = lw_runtime_check(it->runtime, &check, NULL);
    it->inside[3] = lw_runtime_collect(it->runtime, NULL);
    it->inside[4] = lw_advice_get(context, &query, text, sizeof text, NULL);
    return 0;
}

Test(runtime_ask, callbacks_are_refused_what_would_run_them_again)
{
    asked it;
    open_asked(&it);
    for (int round = 0; round < 2; round++) {
        memset(it.inside, 0, sizeof it.inside);
        it.then = ask_all;
        if (round == 0)
            lw_snapshot_release(take(&it.host));
        else
            cr_assert_eq(lw_runtime_collect(it.runtime, NULL), LW_OK);
        for (size_t i = 0; i < sizeof it.inside / sizeof it.inside[0]; i++)
            cr_assert_eq(it.inside[i], LW_E_STATE, "call %zu", i);
    }
    cr_assert_eq(it.collected, 1);
    close_host(&it.host);
}

static int pull_the_plug(void *user)
{
    asked *it = user;
    it->then = NULL;
    lw_runtime_destroy(it->runtime);
    lw_runtime_destroy(it->runtime);
    return 0;
}

Test(runtime_ask, a_runtime_that_unplugs_itself_is_gone_afterwards)
{
    asked it;
    char names[50] = "";
    open_asked(&it);
    add_dumb(&it);
    it.then = pull_the_plug;
    lw_snapshot *snapshot = take(&it.host);
    cr_assert_eq(snapshot_info(snapshot).nodes, 2); /* it is still in this one */
    lw_snapshot_release(snapshot);
    cr_assert_eq(lw_runtime_each(it.host.context, keep_name, names, NULL), LW_OK);
    cr_assert_str_eq(names, "dumb ");
    close_host(&it.host);
}
