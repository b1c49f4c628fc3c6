/* Snapshot files. Every cut and every bit: tests/golden; against random heaps: tests/model/file.c;
 * what the system refuses in the middle of it: tests/fault/file.c. */
#define _XOPEN_SOURCE 700
#include "graph_host.h"

#include "../golden/scene.h"
#include "../support/lws.h"
#include "../support/whole.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A folder of its own for each test, and a file in it. */
static char folder[64], path[96];

static void open_folder(void)
{
    strcpy(folder, "/tmp/leakwatch-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/heap.lws", folder);
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *directory = opendir(folder);
    cr_assert_not_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void close_folder(void)
{
    unlink(path);
    cr_assert_eq(rmdir(folder), 0, "something was left in it");
}

TestSuite(file, .init = open_folder, .fini = close_folder);

static const op small[] = {NODE(1, "Map", 8),         NODE(2, "List", 8),
                           NODE(3, "Lost", 8),        EDGE(1, 2, "['secret']"),
                           EDGE(1, 3, "['other']"),   ROOT(1, "module", "app"), {0}};

static lw_status save(const lw_snapshot *snapshot, uint32_t flags, lw_error *error)
{
    lw_save_options options = LW_SAVE_OPTIONS_INIT;
    options.flags = flags;
    return lw_snapshot_save(snapshot, path, &options, error);
}

static lw_snapshot *opened(void)
{
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_snapshot_open(path, NULL, &snapshot, &error), LW_OK, "%s", error.message);
    return snapshot;
}

static lw_status open_fails(lw_error *error)
{
    lw_snapshot *snapshot = at(1);
    lw_status status = lw_snapshot_open(path, NULL, &snapshot, error);
    cr_assert_null(snapshot);
    return status;
}

static void save_script(const op *ops, uint32_t flags)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *snapshot = take_script(ops);
    cr_assert_eq(save(snapshot, flags, &error), LW_OK, "%s", error.message);
    lw_snapshot_release(snapshot);
}

/* ---- calls ---- */

Test(file, save_refuses_what_it_cannot_do)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *snapshot = take_script(small);
    expect_error(lw_snapshot_save(NULL, path, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_snapshot_save(snapshot, NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_snapshot_save(snapshot, "", NULL, &error), LW_E_INVALID, &error);
    expect_error(save(snapshot, 2, &error), LW_E_INVALID, &error);
    cr_assert_eq(files_in_folder(), 0);
    lw_save_options good = LW_SAVE_OPTIONS_INIT;
    good.flags = LW_SAVE_VALUES;
    EXPECT_OPTION_SIZES(lw_save_options, good, lw_snapshot_save(snapshot, path, given, &error));
    cr_assert_eq(lw_snapshot_save(snapshot, path, NULL, NULL), LW_OK);
    cr_assert_eq(files_in_folder(), 1);
    lw_snapshot_release(snapshot);
}

static lw_status open_and_close(const lw_open_options *options, lw_error *error)
{
    lw_snapshot *snapshot = at(1);
    lw_status status = lw_snapshot_open(path, options, &snapshot, error);
    cr_assert_eq(snapshot != NULL, status == LW_OK);
    lw_snapshot_release(snapshot);
    return status;
}

Test(file, open_refuses_what_it_cannot_do)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *snapshot = at(1);
    lw_open_options good = LW_OPEN_OPTIONS_INIT;
    save_script(small, 0);
    expect_error(lw_snapshot_open(path, NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_snapshot_open(NULL, NULL, &snapshot, &error), LW_E_INVALID, &error);
    cr_assert_null(snapshot);
    expect_error(lw_snapshot_open("", NULL, &snapshot, &error), LW_E_INVALID, &error);
    good.flags = 2;
    expect_error(open_and_close(&good, &error), LW_E_INVALID, &error);
    good.flags = LW_OPEN_COPY;
    EXPECT_OPTION_SIZES(lw_open_options, good, open_and_close(given, &error));
}

static int stop(const char *phase, uint64_t done, uint64_t total, void *user)
{
    cr_assert_str_eq(phase, "save");
    cr_assert_leq(done, total);
    ++*(int *)user;
    return 1;
}

Test(file, save_can_be_cancelled)
{
    int calls = 0;
    lw_error error = LW_ERROR_INIT;
    lw_save_options options = LW_SAVE_OPTIONS_INIT;
    lw_snapshot *snapshot = take_script(small);
    options.progress = stop;
    options.user = &calls;
    expect_error(lw_snapshot_save(snapshot, path, &options, &error), LW_E_CANCELLED, &error);
    cr_assert_eq(calls, 1);
    cr_assert_eq(files_in_folder(), 0);
    lw_snapshot_release(snapshot);
}

/* ---- what is in a file ---- */

static void expect_same(const lw_snapshot *a, const lw_snapshot *b)
{
    whole x = {0}, y = {0};
    whole_snapshot(&x, a);
    whole_snapshot(&y, b);
    cr_assert(whole_equal(&x, &y), "want %s\ngot %s", x.text, y.text);
    whole_free(&x);
    whole_free(&y);
}

Test(file, everything_comes_back)
{
    lw_context *context = scene_open();
    lw_snapshot *snapshot = scene_take(context);
    cr_assert_eq(save(snapshot, LW_SAVE_VALUES, NULL), LW_OK);
    lw_snapshot *file = opened();
    expect_same(snapshot, file);
    lw_snapshot_info before = snapshot_info(snapshot), after = snapshot_info(file);
    cr_assert_eq(before.flags, 0);
    cr_assert_eq(after.flags, LW_SNAPSHOT_FILE);
    cr_assert_eq(after.taken_at, before.taken_at);
    cr_assert_gt(after.taken_at, UINT64_C(1700000000000000000));
    cr_assert_eq(after.process, (uint64_t)getpid());
    cr_assert_str_eq(after.program, before.program);
    cr_assert_str_eq(after.name, "golden");
    cr_assert_eq(after.took_ns, before.took_ns);
    cr_assert_gt(after.own_bytes, 0);
    lw_context_release(context);
    lw_snapshot_release(snapshot);
    lw_snapshot_release(file);
}

Test(file, nothing_at_all_comes_back)
{
    static const op none[] = {{0}};
    lw_snapshot *snapshot = take_script(none);
    cr_assert_eq(save(snapshot, 0, NULL), LW_OK);
    lw_snapshot *file = opened();
    expect_same(snapshot, file);
    cr_assert_eq(snapshot_info(file).nodes, 0);
    lw_snapshot_release(snapshot);
    lw_snapshot_release(file);
}

Test(file, a_long_heap_comes_back)
{
    enum { COUNT = 20000 }; /* rows of several bases, more than one buffer */
    op *ops = calloc(2 * COUNT + 2, sizeof *ops);
    cr_assert_not_null(ops);
    for (int i = 0; i < COUNT; i++) {
        ops[2 * i] = (op)NODE((lw_key)(i + 1), "Link", 16);
        ops[2 * i + 1] = (op)EDGE((lw_key)(i + 1), (lw_key)(i + 2 <= COUNT ? i + 2 : 1), "#7");
    }
    ops[2 * COUNT] = (op)ROOT(1, "global", NULL);
    lw_snapshot *snapshot = take_script(ops);
    cr_assert_eq(save(snapshot, 0, NULL), LW_OK);
    lw_snapshot *file = opened();
    lw_node last = find_node(file, COUNT);
    lw_paths *a = NULL, *b = NULL;
    lw_path here = LW_PATH_INIT, there = LW_PATH_INIT;
    cr_assert_eq(lw_paths_find(snapshot, &last, 1, NULL, &a, NULL), LW_OK);
    cr_assert_eq(lw_paths_find(file, &last, 1, NULL, &b, NULL), LW_OK);
    lw_path_get(a, 0, &here, NULL);
    lw_path_get(b, 0, &there, NULL);
    cr_assert_eq(here.steps, COUNT - 1);
    cr_assert_eq(there.steps, COUNT - 1);
    lw_paths_release(a);
    lw_paths_release(b);
    lw_snapshot_release(snapshot);
    lw_snapshot_release(file);
    free(ops);
}

/* ---- values of users ---- */

static int holds(const char *text)
{
    size_t size;
    unsigned char *bytes = lws_read(path, &size);
    int found = 0;
    for (size_t i = 0; i + strlen(text) <= size; i++)
        found |= memcmp(bytes + i, text, strlen(text)) == 0;
    free(bytes);
    return found;
}

static int see_label(const lw_edge *edge, void *user)
{
    strcat(strcat(user, edge->label.text), " ");
    return 0;
}

Test(file, values_of_users_stay_outside)
{
    char labels[100] = "";
    save_script(small, 0);
    cr_assert(!holds("secret") && !holds("other") && holds("module") && holds("app"));
    lw_snapshot *file = opened();
    cr_assert_eq(snapshot_info(file).flags, LW_SNAPSHOT_FILE | LW_SNAPSHOT_HIDDEN);
    cr_assert_eq(snapshot_info(file).edges, 2);
    lw_edge_each(file, find_node(file, 1), see_label, labels, NULL);
    cr_assert_str_eq(labels, "\xe2\x80\xa6 \xe2\x80\xa6 ");
    cr_assert_eq(save(file, LW_SAVE_VALUES, NULL), LW_OK); /* what is gone stays gone */
    lw_snapshot_release(file);
    file = opened();
    cr_assert_eq(snapshot_info(file).flags, LW_SNAPSHOT_FILE | LW_SNAPSHOT_HIDDEN);
    lw_snapshot_release(file);
}

Test(file, values_of_users_on_request)
{
    save_script(small, LW_SAVE_VALUES);
    cr_assert(holds("'secret'") && holds("'other'"));
    lw_snapshot *file = opened();
    cr_assert_eq(snapshot_info(file).flags, LW_SNAPSHOT_FILE);
    lw_snapshot_release(file);
}

/* ---- who may be compared with whom ---- */

static lw_status compare(lw_snapshot *base, lw_snapshot *target)
{
    lw_diff *diff = NULL;
    lw_status status = lw_diff_create(base, target, &diff, NULL);
    lw_diff_release(diff);
    return status;
}

Test(file, compares_with_its_own_run_only)
{
    lw_context *context = scene_open(), *other = scene_open();
    lw_snapshot *snapshot = scene_take(context), *stranger = scene_take(other);
    cr_assert_eq(save(snapshot, 0, NULL), LW_OK);
    lw_snapshot *file = opened(), *again = opened();
    cr_assert_eq(compare(file, again), LW_OK);
    cr_assert_eq(compare(snapshot, file), LW_OK);
    cr_assert_eq(compare(stranger, file), LW_E_INVALID);
    lw_snapshot_release(file);
    lw_snapshot_release(again);
    /* The same, made by another process: its files go together, and with nothing of ours. */
    size_t size;
    unsigned char *bytes = lws_read(path, &size);
    bytes[32] ^= 1;
    lws_sign(bytes, size);
    cr_assert(lws_write(path, bytes, size));
    free(bytes);
    file = opened();
    again = opened();
    cr_assert_eq(compare(file, again), LW_OK);
    cr_assert_eq(compare(snapshot, file), LW_E_INVALID);
    lw_snapshot_release(file);
    lw_snapshot_release(again);
    lw_snapshot_release(snapshot);
    lw_snapshot_release(stranger);
    lw_context_release(context);
    lw_context_release(other);
}

Test(file, a_forked_child_is_another_run)
{
    lw_context *context = scene_open();
    lw_snapshot *before = scene_take(context);
    pid_t child = fork();
    if (child == 0) {
        lw_snapshot *snapshot = scene_take(context);
        lw_status status = save(snapshot, 0, NULL);
        lw_snapshot_release(snapshot);
        _exit(status != LW_OK);
    }
    int ended = 1;
    cr_assert_eq(waitpid(child, &ended, 0), child);
    cr_assert_eq(ended, 0);
    lw_snapshot *file = opened();
    cr_assert_eq(compare(before, file), LW_E_INVALID);
    cr_assert_eq(snapshot_info(file).process, (uint64_t)child);
    lw_snapshot_release(file);
    lw_snapshot_release(before);
    lw_context_release(context);
}

/* ---- the system ---- */

Test(file, replaces_and_leaves_the_old_one_to_those_who_have_it)
{
    save_script(small, 0);
    lw_snapshot *old = opened();
    save_script(small + 1, 0);
    lw_snapshot *new = opened();
    cr_assert_eq(snapshot_info(old).nodes, 3);
    cr_assert_eq(snapshot_info(new).nodes, 2);
    find_node(old, 1);
    struct stat about;
    cr_assert_eq(stat(path, &about), 0);
    cr_assert_eq(about.st_mode & 0777, 0600);
    cr_assert_eq(files_in_folder(), 1);
    lw_snapshot_release(old);
    lw_snapshot_release(new);
}

Test(file, saves_over_what_it_is_opened_from)
{
    save_script(small, 0);
    lw_snapshot *file = opened();
    cr_assert_eq(save(file, 0, NULL), LW_OK);
    lw_snapshot *again = opened();
    expect_same(file, again);
    lw_snapshot_release(file);
    lw_snapshot_release(again);
}

Test(file, a_name_without_a_folder)
{
    lw_snapshot *snapshot = take_script(small);
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(lw_snapshot_save(snapshot, "heap.lws", NULL, NULL), LW_OK);
    cr_assert_eq(files_in_folder(), 1);
    lw_snapshot_release(snapshot);
}

Test(file, says_why_it_cannot_write)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *snapshot = take_script(small);
    lw_status status = lw_snapshot_save(snapshot, "/nowhere/heap.lws", NULL, &error);
    expect_words(status, LW_E_IO, &error, "No such file or directory: /nowhere/heap.lws");
    status = lw_snapshot_save(snapshot, folder, NULL, &error);
    expect_words(status, LW_E_IO, &error, "not a regular file");
    status = lw_snapshot_save(snapshot, "/dev/full", NULL, &error);
    expect_words(status, LW_E_IO, &error, "not a regular file: /dev/full");
    cr_assert_eq(files_in_folder(), 0);
    lw_snapshot_release(snapshot);
}

Test(file, says_why_it_cannot_read)
{
    lw_error error = LW_ERROR_INIT;
    expect_words(open_fails(&error), LW_E_IO, &error, "No such file or directory");
    cr_assert_eq(mkfifo(path, 0600), 0); /* does not wait for who writes to it */
    expect_words(open_fails(&error), LW_E_IO, &error, "not a regular file");
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_words(open_fails(&error), LW_E_IO, &error, "not a regular file");
    rmdir(path);
    cr_assert(lws_write(path, (const unsigned char *)"", 0));
    expect_words(open_fails(&error), LW_E_FORMAT, &error, "byte 0: the file is empty");
    cr_assert(lws_write(path, (const unsigned char *)"hello, world", 12));
    expect_words(open_fails(&error), LW_E_FORMAT, &error, "byte 0: not a snapshot file");
}

/* ---- files that lie, with checksums that fit ---- */

/* Changes one number of a file, and says what opening it, or the first question, answers. */
static lw_status lie(const char *section, uint64_t row, int byte, int width, uint64_t number,
                     lw_error *error)
{
    size_t size;
    lw_snapshot *snapshot = NULL;
    unsigned char *bytes = lws_read(path, &size);
    unsigned char *at = section ? lws_row(bytes, size, section, row) : bytes;
    lws_put(at + byte, width, number);
    lws_sign(bytes, size);
    cr_assert(lws_write(path, bytes, size));
    free(bytes);
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_status status = lw_snapshot_open(path, NULL, &snapshot, error);
    if (status == LW_OK)
        status = lw_node_info_get(snapshot, 0, &info, error);
    lw_snapshot_release(snapshot);
    return status;
}

typedef struct lie_case {
    const char *section;
    uint64_t row;
    int byte, width;
    uint64_t number;
    const char *words;
} lie_case;

Test(file, lies_are_found_out)
{
    static const lie_case lies[] = {
        {NULL, 0, 8, 4, 2, "byte 8: format 2: made by a newer version"},
        {NULL, 0, 8, 4, 0, "byte 8: format 0"},
        {NULL, 0, 16, 8, 99, "should have 99 bytes"},
        {NULL, 0, 12, 4, 500, "byte 12: too many sections"},
        {NULL, 0, 24, 8, 1, "byte 24: flags 1: made by a newer version"},
        {NULL, 0, 64 + 32, 8, UINT64_MAX, "directory, byte 64"},
        {NULL, 0, 64 + 40, 8, 0, "directory, byte 64"},
        {NULL, 0, 64 + 24, 4, 0, "directory, byte 64"},
        {NULL, 0, 64 + 28, 4, 3, "directory, byte 64"},
        {NULL, 0, 64, 4, 0x41414141, "section \"info\" is missing"},
        {"info", 0, 0, 8, UINT32_MAX, "section \"info\", byte"},
        {"info", 0, 0, 8, 9, "another number of rows"},
        {"info", 0, 8, 8, 7, "another number of rows"},
        {"info", 0, 3 * 8, 8, 7, "do not add up"},
        {"info", 0, 12 * 8, 8, 1 << 9, "unknown kinds"},
        {"info", 0, 14 * 8, 8, 999, "no such text"},
        {"text.ends", 0, 0, 8, UINT64_MAX, "a text ends nowhere"},
        {"runtimes", 0, 0, 8, 0, "no such text"},
        {"runtimes", 0, 8, 8, 99, "more nodes"},
        {"runtimes", 0, 24, 8, 99, "other keys"},
        {"types", 0, 8, 8, 99, "a runtime out of range"},
        {"types", 0, 32, 8, 99, "do not add up"},
        {"shapes", 0, 0, 8, 99, "a type out of range"},
        {"labels", 1, 4, 4, 9, "a style out of range"},
        {"labels", 1, 0, 4, 999, "no such text"},
        {"root.kinds", 0, 4, 4, 9, "a runtime out of range"},
        {"blocks", 1, 16, 8, 99, "a stack out of range"},
        {"stacks", 1, 0, 8, UINT64_MAX, "frames out of range"},
        {"stacks", 1, 8, 8, 99, "frames out of range"},
        {"frames", 0, 0, 4, 999, "no such text"},
        {"node.many", 0, 0, 8, 99, "out of range or order"},
        {"node.external", 0, 8, 8, 99, "do not add up"},
        {"node.outside", 0, 0, 8, 99, "out of range or order"},
        {"keys", 0, 0, 8, 3, "keys out of order"},
        {"keys", 10, 0, 8, 0, "keys out of order"},
        {"keys", 13, 0, 8, 0, "keys out of order"},
        {"node.shape", 0, 0, 4, 99, "a number out of range"},
        {"node.shape", 0, 0, 4, 3, "a type of another runtime"},
        {"node.block", 0, 0, 4, 99, "a number out of range"},
        {"node.garbage", 0, 0, 8, 0, "bits of no node"},
        {"row.base", 0, 0, 8, 1, "do not follow each other"},
        {"row.end", 1, 0, 4, 1, "do not follow each other"},
        {"row.end", 7, 0, 4, 7, "do not follow each other"},
        {"edge.to", 0, 0, 4, 8, "a number out of range"},
        {"edge.kind", 0, 0, 1, 0x5f, "a kind of reference"},
        {"edge.label", 0, 0, 4, 99, "a label out of range"},
        {"roots", 0, 0, 4, 8, "out of range or order"},
        {"roots", 2, 0, 4, 0, "out of range or order"},
        {"roots", 0, 4, 4, 99, "a kind out of range"},
        {"roots", 0, 8, 4, 99, "a label out of range"},
        {"stack.frames", 0, 0, 4, 99, "a number out of range"},
    };
    lw_context *context = scene_open();
    lw_snapshot *snapshot = scene_take(context);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        lw_error error = LW_ERROR_INIT;
        const lie_case *it = &lies[i];
        cr_assert_eq(save(snapshot, LW_SAVE_VALUES, NULL), LW_OK);
        lw_status status = lie(it->section, it->row, it->byte, it->width, it->number, &error);
        cr_expect_eq(status, LW_E_FORMAT, "lie %zu in %s: %d", i, it->section, status);
        cr_expect(strstr(error.message, it->words) && strstr(error.message, "byte "),
                  "lie %zu in %s: \"%s\"", i, it->section, error.message);
        char where[64];
        snprintf(where, sizeof where, "section \"%s\", byte ", it->section ? it->section : "");
        bool totals = it->section && strcmp(it->section, "info") == 0; /* found out elsewhere */
        cr_expect(!it->section || totals || strstr(error.message, where), "lie %zu: \"%s\"", i,
                  error.message);
    }
    lw_snapshot_release(snapshot);
    lw_context_release(context);
}

Test(file, sections_that_nobody_knows)
{
    lw_error error = LW_ERROR_INIT;
    size_t size;
    lw_snapshot *snapshot = take_script(small);
    cr_assert_eq(save(snapshot, 0, NULL), LW_OK);
    unsigned char *bytes = lws_read(path, &size);
    unsigned char *entry = lws_find(bytes, size, "edge.label");
    memcpy(entry, "from.later", 10); /* labels are optional, so it is a file without */
    lws_sign(bytes, size);
    cr_assert(lws_write(path, bytes, size));
    lw_snapshot *file = opened();
    cr_assert_eq(snapshot_info(file).edges, 2);
    find_node(file, 1);
    lw_snapshot_release(file);
    entry[56] = 1;
    lws_sign(bytes, size);
    cr_assert(lws_write(path, bytes, size));
    expect_words(open_fails(&error), LW_E_FORMAT, &error, "made by a newer version");
    free(bytes);
    lw_snapshot_release(snapshot);
}
