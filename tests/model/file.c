/* Random heaps, saved and opened again: the file gives every answer that the snapshot gives, and so
 * does a file of the file; comparisons hold across them. Without values the same is said but for
 * the text of keys.
 *
 * usage: file [heaps] [first seed] */
#define _XOPEN_SOURCE 700
#include "graph_model.h"

#include "../support/whole.h"

#include <unistd.h>

static unsigned long failures;
static uint64_t current;
static char folder[] = "/tmp/leakwatch-file-XXXXXX", paths[4][64];

static int expect(int right, const char *what)
{
    if (!right && failures++ < 20)
        fprintf(stderr, "heap %llu: %s\n", (unsigned long long)current, what);
    return right;
}

/* ---- saving, opening ---- */

static lw_snapshot *through_file(const lw_snapshot *snapshot, const char *path, uint32_t save,
                                 uint32_t open)
{
    lw_error error = LW_ERROR_INIT;
    lw_save_options save_options = LW_SAVE_OPTIONS_INIT;
    lw_open_options open_options = LW_OPEN_OPTIONS_INIT;
    lw_snapshot *opened = NULL;
    save_options.flags = save;
    open_options.flags = open;
    if (!expect(lw_snapshot_save(snapshot, path, &save_options, &error) == LW_OK, "save") ||
        !expect(lw_snapshot_open(path, &open_options, &opened, &error) == LW_OK, "open"))
        fprintf(stderr, "%s\n", error.message);
    return opened;
}

static void expect_same(const lw_snapshot *a, const lw_snapshot *b, const char *what)
{
    whole x = {0}, y = {0};
    whole_snapshot(&x, a);
    whole_snapshot(&y, b);
    whole_origin(&x);
    y.snapshot = b;
    whole_origin(&y);
    if (!expect(whole_equal(&x, &y), what)) {
        size_t at = 0;
        while (at < x.used && at < y.used && x.text[at] == y.text[at])
            at++;
        at = at > 100 ? at - 100 : 0;
        fprintf(stderr, "want ...%.200s\n got ...%.200s\n", x.text + at, y.text + at);
    }
    whole_free(&x);
    whole_free(&y);
}

/* ---- comparisons: two moments of one context ---- */

static lw_context *context;
static struct host hosts[RUNTIMES];

static lw_snapshot *take(void)
{
    lw_snapshot *snapshot = NULL;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    options.name = percent(50) ? "before" : NULL;
    expect(lw_snapshot_take(context, &options, &snapshot, NULL) == LW_OK, "take");
    return snapshot;
}

static void expect_same_diff(lw_snapshot *a, lw_snapshot *b, lw_snapshot *c, lw_snapshot *d)
{
    whole x = {0}, y = {0};
    whole_diff(&x, a, b);
    whole_diff(&y, c, d);
    expect(whole_equal(&x, &y), "comparison");
    whole_free(&x);
    whole_free(&y);
}

static void open_context(struct model *model)
{
    lw_context_create(NULL, &context, NULL);
    for (int i = 0; i < RUNTIMES; i++) {
        lw_runtime *runtime;
        lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
        hosts[i] = (struct host){model, i};
        options.name = runtime_names[i];
        options.key_kind = model->opaque[i] ? LW_KEY_OPAQUE : LW_KEY_ADDRESS;
        options.enumerate = push_model;
        options.user = &hosts[i];
        lw_runtime_create(context, &options, &runtime, NULL);
    }
}

/* Some nodes go, some change, so that a comparison has something to say. */
static void live_on(struct model *model)
{
    for (int i = 0; i < model->node_count; i++) {
        if (percent(20))
            model->nodes[i].size = 16u * (1 + (unsigned)below(2));
        if (percent(20))
            model->nodes[i].type = below(4);
    }
    for (int i = 0; i < model->root_count; i++)
        model->roots[i].node = below(model->node_count);
    shuffle(model);
}

static void check_heap(struct model *model)
{
    open_context(model);
    lw_snapshot *before = take();
    live_on(model);
    lw_snapshot *after = take();
    uint32_t copy = percent(30) ? LW_OPEN_COPY : 0;
    lw_snapshot *first = through_file(before, paths[0], LW_SAVE_VALUES, 0);
    lw_snapshot *second = through_file(after, paths[1], LW_SAVE_VALUES, copy);
    lw_snapshot *again = first ? through_file(first, paths[2], LW_SAVE_VALUES, copy) : NULL;
    if (first && second && again) {
        expect_same(before, first, "what the file says");
        expect_same(before, again, "what a file of the file says");
        expect_same_diff(before, after, first, second);
        expect_same_diff(before, after, first, after);
        expect_same_diff(after, before, second, again);
    }
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    lw_snapshot_release(first);
    lw_snapshot_release(second);
    lw_snapshot_release(again);
    lw_context_release(context);
}

/* ---- without values ---- */

static void check_hidden(struct model *model)
{
    lw_snapshot *snapshot = capture(model);
    lw_snapshot *opened = through_file(snapshot, paths[0], 0, 0);
    whole want = {0}, got = {0};
    if (opened) {
        for (lw_node i = 0; i < (lw_node)model->node_count; i++) {
            want.snapshot = snapshot;
            got.snapshot = opened;
            whole_node(&want, i);
            whole_node(&got, i);
        }
        /* In the model there is one key, so nothing is told apart by its text. */
        for (char *at = want.text; (at = strstr(at, "1:0:'k'"));)
            memcpy(at, "1:0:\xe2\x80\xa6", 7);
        expect(whole_equal(&want, &got), "what a file without values says");
        expect(!strstr(got.text, "'k'"), "a value in a file without values");
    }
    whole_free(&want);
    whole_free(&got);
    lw_snapshot_release(snapshot);
    lw_snapshot_release(opened);
}

int main(int argc, char **argv)
{
    static struct model model;
    unsigned long heaps = argc > 1 ? strtoul(argv[1], NULL, 0) : getenv("LW_TEST_ALL") ? 5000 : 300;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    if (!mkdtemp(folder))
        return 1;
    for (int i = 0; i < 4; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%d.lws", folder, i);
    for (current = first; current < first + heaps && failures == 0; current++) {
        seed = current * 0x9e3779b97f4a7c15u + 1;
        make_model(&model);
        check_hidden(&model);
        check_heap(&model);
    }
    for (int i = 0; i < 4; i++)
        unlink(paths[i]);
    expect(rmdir(folder) == 0, "something was left behind");
    printf("%lu random heaps, %lu failures\n", heaps, failures);
    return failures != 0;
}
