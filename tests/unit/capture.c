/* Capturing in a child. With threads that record meanwhile: tests/threads/capture.c; without
 * memory, and without malloc: tests/fault/capture.c. */
#define _GNU_SOURCE
#include "graph_host.h"

#include "../golden/scene.h"
#include "../support/whole.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- what a process has ---- */

static int entries(const char *name)
{
    int count = 0;
    DIR *directory = opendir(name);
    cr_assert_not_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* Neither by a signal nor silently: this process has no child, alive or dead. */
static void expect_no_child(void)
{
    errno = 0;
    cr_assert_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    cr_assert_eq(errno, ECHILD);
}

static int files_before;

static void count_before(void)
{
    expect_no_child();
    files_before = entries("/proc/self/fd");
}

static void count_after(void)
{
    expect_no_child();
    cr_assert_eq(entries("/proc/self/fd"), files_before, "files are left open");
}

TestSuite(capture, .init = count_before, .fini = count_after);

/* ---- a host whose walk behaves like this in a child ---- */

enum mood { WELL, FAILS, HANGS, CRASHES, EXITS, STARVES, LOOKS_AROUND, ONCE_MORE };

typedef struct walker {
    host host;
    enum mood mood;
    pid_t process;
    const op *ops;
    char seen[200]; /* what the child complains of */
    lw_status nested;
} walker;

static const op small[] = {NODE(1, "Map", 8),       NODE(2, "List", 8), NODE(3, "Lost", 8),
                           EDGE(1, 2, "['secret']"), ROOT(1, "module", "app"), {0}};

static void hang(void)
{
    struct timespec short_time = {0, 1000 * 1000};
    for (;;)
        nanosleep(&short_time, NULL);
}

static void limit(int what, rlim_t bytes)
{
    struct rlimit now;
    cr_assert_eq(getrlimit(what, &now), 0);
    now.rlim_cur = bytes;
    cr_assert_eq(setrlimit(what, &now), 0);
}

static void no_handler(int number)
{
    (void)number;
    _exit(66);
}

/* The child has the standard error, its file, and nothing of the host's but its memory. */
static int look_around(walker *walker, lw_sink *sink)
{
    char text[64] = "";
    struct sigaction action;
    sigset_t blocked;
    int file = -1;
    FILE *score = fopen("/proc/self/oom_score_adj", "r");
    if (!score || fscanf(score, "%d", &file) != 1 || file != 1000)
        return lw_sink_fail(sink, "not the first to go when memory runs out");
    fclose(score);
    if (entries("/proc/self/fd") != 3) /* and the folder that is being read */
        return lw_sink_fail(sink, "it has files of the host");
    sigaction(SIGUSR1, NULL, &action);
    if (action.sa_handler != SIG_DFL)
        return lw_sink_fail(sink, "it has handlers of the host");
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!sigismember(&blocked, SIGINT) || sigismember(&blocked, SIGTERM))
        return lw_sink_fail(sink, "it blocks other signals than it should");
    snprintf(text, sizeof text, "%d", (int)getppid() == (int)walker->process);
    return text[0] == '1' ? 0 : lw_sink_fail(sink, "it is no child");
}

static int walk(lw_sink *sink, void *user)
{
    walker *walker = user;
    script script = {walker->ops, 0};
    bool in_child = getpid() != walker->process;
    if (in_child && walker->mood == FAILS)
        return lw_sink_fail(sink, "the third page is torn");
    if (in_child && walker->mood == HANGS)
        hang();
    if (in_child && walker->mood == CRASHES)
        kill(getpid(), SIGSEGV);
    if (in_child && walker->mood == EXITS)
        _exit(3);
    if (in_child && walker->mood == STARVES)
        limit(RLIMIT_AS, 1);
    if (in_child && walker->mood == LOOKS_AROUND && look_around(walker, sink))
        return 1;
    if (walker->mood == ONCE_MORE) {
        lw_capture *capture = at(1);
        lw_error error = LW_ERROR_INIT;
        walker->nested = lw_capture_start(walker->host.context, NULL, &capture, &error);
        if (walker->nested != LW_E_STATE || capture)
            return lw_sink_fail(sink, "it may capture while it captures");
    }
    return play(sink, &script);
}

static void open_walker(walker *walker, enum mood mood)
{
    memset(walker, 0, sizeof *walker);
    open_host(&walker->host);
    walker->mood = mood;
    walker->process = getpid();
    walker->ops = small;
    add_runtime(&walker->host, "toy", LW_KEY_OPAQUE, walk, walker);
}

static lw_capture *start_with(lw_context *context, const lw_capture_options *options)
{
    lw_capture *capture = NULL;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_capture_start(context, options, &capture, &error), LW_OK, "%s", error.message);
    return capture;
}

static lw_capture *start(walker *walker)
{
    return start_with(walker->host.context, NULL);
}

static lw_snapshot *finish(lw_capture *capture)
{
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(lw_capture_wait(capture, UINT64_MAX, &snapshot, &error), LW_OK, "%s",
                 error.message);
    lw_capture_release(capture);
    return snapshot;
}

static lw_capture_info capture_info(lw_capture *capture)
{
    lw_capture_info info = LW_CAPTURE_INFO_INIT;
    cr_assert_eq(lw_capture_info_get(capture, &info, NULL), LW_OK);
    return info;
}

/* It fails for good, and leaves nothing behind. */
static void expect_end(lw_capture *capture, lw_status status, const char *words)
{
    for (int i = 0; i < 2; i++) {
        lw_snapshot *snapshot = at(1);
        lw_error error = LW_ERROR_INIT;
        expect_words(lw_capture_wait(capture, UINT64_MAX, &snapshot, &error), status, &error,
                     words);
        cr_assert_null(snapshot);
    }
    lw_capture_info info = capture_info(capture);
    cr_assert_eq(info.flags, LW_CAPTURE_DONE);
    cr_assert_eq(info.process, 0);
    count_after();
    lw_capture_release(capture);
}

static void expect_failure(enum mood mood, lw_status status, const char *words)
{
    walker walker;
    open_walker(&walker, mood);
    expect_end(start(&walker), status, words);
    walker.mood = WELL;
    lw_snapshot *snapshot = finish(start(&walker));
    cr_assert_eq(snapshot_info(snapshot).nodes, 3);
    lw_snapshot_release(snapshot);
    close_host(&walker.host);
}

/* ---- calls ---- */

static lw_status start_and_end(lw_context *context, const lw_capture_options *options,
                               lw_error *error)
{
    lw_capture *capture = at(1);
    lw_snapshot *snapshot = NULL;
    lw_status status = lw_capture_start(context, options, &capture, error);
    cr_assert_eq(capture != NULL, status == LW_OK);
    if (status == LW_OK)
        cr_assert_eq(lw_capture_wait(capture, UINT64_MAX, &snapshot, error), LW_OK);
    lw_snapshot_release(snapshot);
    lw_capture_release(capture);
    return status;
}

Test(capture, start_refuses_what_it_cannot_do)
{
    walker walker;
    lw_error error = LW_ERROR_INIT;
    lw_capture_options good = LW_CAPTURE_OPTIONS_INIT, bad = LW_CAPTURE_OPTIONS_INIT;
    open_walker(&walker, WELL);
    lw_context *context = walker.host.context;
    expect_error(lw_capture_start(context, NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(start_and_end(NULL, NULL, &error), LW_E_INVALID, &error);
    bad.flags = 2;
    expect_error(start_and_end(context, &bad, &error), LW_E_INVALID, &error);
    bad = good;
    bad.directory = "";
    expect_error(start_and_end(context, &bad, &error), LW_E_INVALID, &error);
    bad.directory = "/nowhere/at/all";
    expect_words(start_and_end(context, &bad, &error), LW_E_IO, &error, "/nowhere/at/all");
    EXPECT_OPTION_SIZES(lw_capture_options, good, start_and_end(context, given, &error));
    close_host(&walker.host);
}

Test(capture, others_refuse_what_they_cannot_do)
{
    walker walker;
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *snapshot = at(1);
    open_walker(&walker, WELL);
    lw_capture *capture = start(&walker);
    expect_error(lw_capture_wait(NULL, 0, &snapshot, &error), LW_E_INVALID, &error);
    cr_assert_null(snapshot);
    expect_error(lw_capture_wait(capture, 0, NULL, &error), LW_E_INVALID, &error);
    lw_capture_info info = LW_CAPTURE_INFO_INIT;
    expect_error(lw_capture_info_get(NULL, &info, &error), LW_E_INVALID, &error);
    expect_error(lw_capture_info_get(capture, NULL, &error), LW_E_INVALID, &error);
    EXPECT_RESULT_SIZES(lw_capture_info, lw_capture_info_get(capture, to, &error));
    lw_capture_release(NULL);
    lw_snapshot_release(finish(capture));
    close_host(&walker.host);
}

Test(capture, not_inside_a_callback)
{
    walker walker;
    open_walker(&walker, ONCE_MORE);
    lw_snapshot_release(take(&walker.host));
    cr_assert_eq(walker.nested, LW_E_STATE);
    lw_snapshot_release(finish(start(&walker))); /* and not in the child */
    close_host(&walker.host);
}

/* ---- the snapshot ---- */

static whole all_of(const lw_snapshot *snapshot)
{
    whole all = {0};
    whole_snapshot(&all, snapshot);
    cr_assert_eq(all.calls_failed, 0);
    return all;
}

/* The first line has the epoch, which each capture ends. */
static void expect_same(const lw_snapshot *a, const lw_snapshot *b)
{
    whole x = all_of(a), y = all_of(b);
    cr_assert_str_eq(strchr(x.text, '\n'), strchr(y.text, '\n'));
    cr_assert_eq(snapshot_info(a).nodes, snapshot_info(b).nodes);
    cr_assert_eq(snapshot_info(a).edges, snapshot_info(b).edges);
    cr_assert_eq(snapshot_info(a).size, snapshot_info(b).size);
    cr_assert_eq(snapshot_info(a).external, snapshot_info(b).external);
    whole_free(&x);
    whole_free(&y);
}

Test(capture, is_what_would_have_been_captured_in_place)
{
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    lw_snapshot *second = NULL;
    lw_context *context = scene_open();
    options.name = "first";
    lw_capture *capture = start_with(context, &options);
    cr_assert_eq(lw_snapshot_take(context, NULL, &second, NULL), LW_OK);
    lw_context_release(context); /* neither minds */
    lw_snapshot *first = finish(capture);
    expect_same(first, second);
    lw_snapshot_info a = snapshot_info(first), b = snapshot_info(second);
    cr_assert_str_eq(a.name, "first");
    cr_assert_eq(a.flags, LW_SNAPSHOT_CHILD);
    cr_assert_eq(b.flags, 0);
    cr_assert_eq(a.epoch + 1, b.epoch);
    cr_assert_eq(a.process, b.process);
    cr_assert_str_eq(a.program, b.program);
    cr_assert(a.peak_bytes > 0 && a.took_ns > 0 && a.taken_at <= b.taken_at);
    lw_snapshot_release(first);
    lw_snapshot_release(second);
}

static int append(const char *text, size_t length, void *user)
{
    strncat(user, text, length);
    return 0;
}

static bool report_tells(const lw_snapshot *snapshot, int32_t format, const char *words)
{
    char text[4096] = "";
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    options.format = format;
    cr_assert_eq(lw_report_snapshot(snapshot, &options, append, text, NULL), LW_OK);
    return strstr(text, words);
}

Test(capture, a_report_tells_of_the_child)
{
    lw_snapshot *here = NULL;
    lw_context *context = scene_open();
    lw_snapshot *there = finish(start_with(context, NULL));
    cr_assert_eq(lw_snapshot_take(context, NULL, &here, NULL), LW_OK);
    cr_assert(report_tells(there, LW_FORMAT_TEXT, "in a forked child"));
    cr_assert(report_tells(there, LW_FORMAT_JSON, "\"child\":true"));
    cr_assert_not(report_tells(here, LW_FORMAT_TEXT, "in a forked child"));
    cr_assert(report_tells(here, LW_FORMAT_JSON, "\"child\":false"));
    lw_snapshot_release(there);
    lw_snapshot_release(here);
    lw_context_release(context);
}

Test(capture, may_be_given_several_times_and_saved)
{
    walker walker;
    lw_snapshot *first = NULL, *again = NULL, *opened = NULL;
    char path[64];
    lw_save_options options = LW_SAVE_OPTIONS_INIT;
    snprintf(path, sizeof path, "/tmp/leakwatch-capture-%d.lws", (int)getpid());
    open_walker(&walker, WELL);
    lw_capture *capture = start(&walker);
    cr_assert_eq(lw_capture_wait(capture, UINT64_MAX, &first, NULL), LW_OK);
    cr_assert_eq(lw_capture_wait(capture, 0, &again, NULL), LW_OK);
    cr_assert_eq(first, again);
    lw_capture_release(capture);
    lw_snapshot_release(again);
    options.flags = LW_SAVE_VALUES;
    cr_assert_eq(lw_snapshot_save(first, path, &options, NULL), LW_OK);
    cr_assert_eq(lw_snapshot_open(path, NULL, &opened, NULL), LW_OK);
    expect_same(first, opened);
    cr_assert_eq(snapshot_info(opened).flags, LW_SNAPSHOT_FILE | LW_SNAPSHOT_CHILD);
    cr_assert_eq(snapshot_info(opened).epoch, snapshot_info(first).epoch);
    lw_snapshot_release(opened);
    lw_snapshot_release(first);
    unlink(path);
    close_host(&walker.host);
}

static uint64_t members_of(const lw_snapshot *base, const lw_snapshot *target, bool survived)
{
    lw_diff *diff = NULL;
    lw_diff_info info = LW_DIFF_INFO_INIT;
    uint64_t sum = 0;
    cr_assert_eq(lw_diff_create((lw_snapshot *)base, (lw_snapshot *)target, &diff, NULL), LW_OK);
    cr_assert_eq(lw_diff_info_get(diff, &info, NULL), LW_OK);
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_diff_row row = LW_DIFF_ROW_INIT;
        cr_assert_eq(lw_diff_row_get(diff, i, &row, NULL), LW_OK);
        sum += survived ? row.survived : row.created;
    }
    lw_diff_release(diff);
    return sum;
}

/* What is born at an old address while the child still walks is another object. */
Test(capture, a_block_born_after_the_fork_is_born_after_the_snapshot)
{
    static const op blocks[] = {NODE(0x1000, "Block", 32), NODE(0x2000, "Block", 32),
                                ROOT(0x1000, "global", "a"), ROOT(0x2000, "global", "b"), {0}};
    script script = {blocks, 0};
    host host;
    open_host(&host);
    add_runtime(&host, "blocks", LW_KEY_ADDRESS, play, &script);
    lw_block_alloc(host.heap, at(0x1000), 32, NULL);
    lw_block_alloc(host.heap, at(0x2000), 32, NULL);
    lw_capture *capture = start_with(host.context, NULL);
    lw_block_free(host.heap, at(0x2000));
    lw_block_alloc(host.heap, at(0x2000), 32, NULL);
    lw_snapshot *before = finish(capture);
    lw_snapshot *after = finish(start_with(host.context, NULL)), *in_place = take(&host);
    cr_assert_eq(members_of(before, after, true), 1);
    cr_assert_eq(members_of(before, after, false), 1);
    cr_assert_eq(members_of(before, in_place, true), 1);
    cr_assert_eq(members_of(after, in_place, true), 2);
    cr_assert_eq(members_of(in_place, after, true), 2);
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    lw_snapshot_release(in_place);
    close_host(&host);
}

Test(capture, two_at_once)
{
    walker walker;
    open_walker(&walker, WELL);
    lw_capture *one = start(&walker), *two = start(&walker);
    lw_snapshot *second = finish(two), *first = finish(one);
    expect_same(first, second);
    cr_assert_eq(snapshot_info(first).epoch + 1, snapshot_info(second).epoch);
    lw_snapshot_release(first);
    lw_snapshot_release(second);
    close_host(&walker.host);
}

/* ---- the host does not notice ---- */

static int forks_heard, children_heard;

static void hear_fork(void)
{
    forks_heard++;
}

static void hear_child(int number)
{
    (void)number;
    children_heard++;
}

Test(capture, the_host_does_not_notice)
{
    walker walker;
    lw_capture_info info;
    struct timespec short_time = {0, 1000 * 1000};
    pthread_atfork(hear_fork, hear_fork, hear_fork);
    signal(SIGCHLD, hear_child);
    signal(SIGUSR1, no_handler);
    open_walker(&walker, LOOKS_AROUND);
    lw_capture *capture = start(&walker);
    do {
        errno = 0;
        cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
        cr_assert_eq(errno, ECHILD);
        errno = 4711;
        info = capture_info(capture);
        cr_assert_eq(errno, 4711);
        nanosleep(&short_time, NULL);
    } while (!(info.flags & LW_CAPTURE_DONE));
    lw_snapshot_release(finish(capture));
    cr_assert_eq(forks_heard, 0);
    cr_assert_eq(children_heard, 0);
    signal(SIGUSR1, SIG_DFL);
    close_host(&walker.host);
}

Test(capture, not_even_if_it_ignores_its_children)
{
    walker walker;
    signal(SIGCHLD, SIG_IGN);
    open_walker(&walker, WELL);
    lw_snapshot_release(finish(start(&walker)));
    close_host(&walker.host);
}

/* A host that asks for every kind of child takes ours too: what it did is not lost. */
Test(capture, a_host_that_waits_for_everything)
{
    walker walker;
    open_walker(&walker, WELL);
    lw_capture *capture = start(&walker);
    cr_assert(waitpid(-1, NULL, __WALL) > 0);
    lw_snapshot_release(finish(capture));
    walker.mood = HANGS;
    capture = start(&walker);
    kill((pid_t)capture_info(capture).process, SIGKILL);
    cr_assert(waitpid(-1, NULL, __WALL) > 0);
    expect_end(capture, LW_E_RUNTIME, "status -1");
    close_host(&walker.host);
}

/* Its copy of the capture is of no use, and does no harm. */
Test(capture, a_fork_of_the_host)
{
    walker walker;
    open_walker(&walker, WELL);
    lw_capture *done = start(&walker);
    lw_snapshot *snapshot = NULL;
    cr_assert_eq(lw_capture_wait(done, UINT64_MAX, &snapshot, NULL), LW_OK);
    walker.mood = HANGS;
    lw_capture *capture = start(&walker);
    pid_t process = fork();
    if (process == 0) {
        lw_snapshot *none = NULL, *same = NULL;
        lw_error error = LW_ERROR_INIT;
        int failed = lw_capture_wait(capture, 0, &none, &error) != LW_E_STATE || none ||
                     !strstr(error.message, "cannot wait");
        failed |= lw_capture_wait(done, 0, &same, NULL) != LW_OK || same != snapshot;
        lw_capture_release(capture);
        _exit(failed);
    }
    int status = -1;
    cr_assert_eq(waitpid(process, &status, 0), process);
    cr_assert_eq(status, 0);
    cr_assert_eq(capture_info(capture).flags, 0, "it has been ended");
    lw_capture_release(capture);
    lw_capture_release(done);
    lw_snapshot_release(snapshot);
    close_host(&walker.host);
}

static bool runs(pid_t process)
{
    char path[64], state = 'X';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    cr_assert_eq(fscanf(file, "%*d %*s %c", &state), 1);
    fclose(file);
    return state != 'Z' && state != 'X';
}

static int walk_for_ever(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t type = lw_sink_type(sink, 0, "Node", 0);
    struct timespec short_time = {0, 1000};
    for (lw_key key = 1;; key = key % 5000 + 1) {
        if (lw_sink_node(sink, key, type, 8))
            return 1;
        if (key == 1)
            nanosleep(&short_time, NULL);
    }
}

Test(capture, ends_with_the_host, .timeout = 60)
{
    int ends[2];
    pid_t child = 0;
    cr_assert_eq(pipe(ends), 0);
    pid_t process = fork();
    if (process == 0) {
        host host;
        open_host(&host);
        add_runtime(&host, "toy", LW_KEY_OPAQUE, walk_for_ever, NULL);
        child = (pid_t)capture_info(start_with(host.context, NULL)).process;
        _exit(write(ends[1], &child, sizeof child) != sizeof child);
    }
    cr_assert_eq(read(ends[0], &child, sizeof child), sizeof child);
    cr_assert_eq(waitpid(process, NULL, 0), process);
    cr_assert(child > 0);
    while (runs(child))
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    close(ends[0]);
    close(ends[1]);
}

/* ---- how it may end ---- */

Test(capture, a_walk_that_fails_says_why)
{
    expect_failure(FAILS, LW_E_RUNTIME, "the third page is torn");
}

Test(capture, a_walk_that_crashes)
{
    expect_failure(CRASHES, LW_E_RUNTIME, "signal 11 in phase \"enumerate\"");
}

Test(capture, a_walk_that_ends_the_process)
{
    expect_failure(EXITS, LW_E_RUNTIME, "with status 3");
}

Test(capture, a_child_that_is_killed)
{
    walker walker;
    open_walker(&walker, HANGS);
    lw_capture *capture = start(&walker);
    lw_capture_info info = capture_info(capture);
    cr_assert_eq(info.flags, 0);
    cr_assert(info.process > 0 && info.process != (uint64_t)getpid());
    cr_assert(info.paused_ns > 0);
    cr_assert_eq(kill((pid_t)info.process, SIGKILL), 0);
    expect_end(capture, LW_E_RUNTIME, "memory ran out");
    close_host(&walker.host);
}

Test(capture, a_child_whose_time_is_over)
{
    walker walker;
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    options.timeout_ns = 30 * 1000 * 1000;
    open_walker(&walker, HANGS);
    expect_end(start_with(walker.host.context, &options), LW_E_CANCELLED, "within 30 ms");
    close_host(&walker.host);
}

Test(capture, nobody_has_to_wait_for_the_end_of_its_time)
{
    walker walker;
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    options.timeout_ns = 1;
    open_walker(&walker, HANGS);
    lw_capture *capture = start_with(walker.host.context, &options);
    pid_t child = (pid_t)capture_info(capture).process;
    if (child) /* else it has been ended by that question */
        while (runs(child))
            nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    expect_end(capture, LW_E_CANCELLED, "did not finish");
    close_host(&walker.host);
}

Test(capture, waiting_for_less_than_all)
{
    walker walker;
    lw_snapshot *snapshot = at(1);
    lw_error error = LW_ERROR_INIT;
    open_walker(&walker, HANGS);
    lw_capture *capture = start(&walker);
    for (uint64_t wait_ns = 0; wait_ns < 3000000; wait_ns += 1500000) {
        expect_words(lw_capture_wait(capture, wait_ns, &snapshot, &error), LW_E_STATE, &error,
                     "still captures");
        cr_assert_null(snapshot);
    }
    pid_t child = (pid_t)capture_info(capture).process;
    cr_assert(runs(child));
    lw_capture_release(capture);
    cr_assert_not(runs(child));
    close_host(&walker.host);
}

typedef struct listener {
    int calls, stop_at;
    char phase[32];
} listener;

static int listen_to(const char *phase, uint64_t done, uint64_t total, void *user)
{
    listener *listener = user;
    cr_assert(total == 0 || done <= total);
    snprintf(listener->phase, sizeof listener->phase, "%s", phase);
    return ++listener->calls == listener->stop_at;
}

Test(capture, progress_may_say_stop)
{
    walker walker;
    listener listener = {0, 2, ""};
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    options.progress = listen_to;
    options.user = &listener;
    open_walker(&walker, HANGS);
    expect_end(start_with(walker.host.context, &options), LW_E_CANCELLED,
               "\"enumerate\": the progress callback said stop");
    cr_assert_eq(listener.calls, 2);
    cr_assert_str_eq(listener.phase, "enumerate");
    walker.mood = WELL;
    listener.stop_at = 0;
    lw_snapshot_release(finish(start_with(walker.host.context, &options)));
    close_host(&walker.host);
}

/* Above what one write puts there, and below the whole. */
Test(capture, a_file_that_may_not_grow)
{
    walker walker;
    struct rlimit before;
    open_walker(&walker, WELL);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit(RLIMIT_FSIZE, 2000);
    lw_capture *capture = start(&walker);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    expect_end(capture, LW_E_IO, "File too large");
    close_host(&walker.host);
}

static void open_folder(char *folder)
{
    strcpy(folder, "/tmp/leakwatch-capture-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

Test(capture, a_file_in_a_directory_has_no_name)
{
    walker walker;
    char folder[64];
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    open_folder(folder);
    options.directory = folder;
    open_walker(&walker, WELL);
    lw_capture *capture = start_with(walker.host.context, &options);
    cr_assert_eq(entries(folder), 0);
    lw_snapshot *snapshot = finish(capture), *same = finish(start(&walker));
    cr_assert_eq(entries(folder), 0);
    expect_same(snapshot, same);
    lw_snapshot_release(snapshot);
    lw_snapshot_release(same);
    cr_assert_eq(rmdir(folder), 0);
    close_host(&walker.host);
}

Test(capture, a_full_disk)
{
    static char long_name[10000];
    memset(long_name, 'x', sizeof long_name - 1);
    const op large[] = {NODE(1, long_name, 8), {0}};
    walker walker;
    char folder[64];
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    open_folder(folder);
    if (mount("none", folder, "tmpfs", 0, "size=4k") != 0) {
        rmdir(folder);
        cr_skip("a full disk needs a file system of its own: run as root");
    }
    options.directory = folder;
    open_walker(&walker, WELL);
    walker.ops = large;
    expect_end(start_with(walker.host.context, &options), LW_E_IO, "No space left on device");
    cr_assert_eq(entries(folder), 0);
    cr_assert_eq(umount(folder), 0); /* nobody uses it any more */
    cr_assert_eq(rmdir(folder), 0);
    close_host(&walker.host);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
Test(capture, a_child_without_memory)
{
    expect_failure(STARVES, LW_E_NOMEM, "no memory in the child");
}
#endif

/* ---- memory that is short ---- */

Test(capture, refuses_when_memory_is_short)
{
    walker walker;
    lw_capture *capture = at(1);
    lw_error error = LW_ERROR_INIT;
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    options.memory = UINT64_C(1) << 60;
    open_walker(&walker, WELL);
    expect_words(lw_capture_start(walker.host.context, &options, &capture, &error), LW_E_NOMEM,
                 &error, "may take 1099511627776 MiB");
    cr_assert_null(capture);
    options.flags = LW_CAPTURE_OR_IN_PLACE;
    capture = start_with(walker.host.context, &options);
    lw_capture_info info = capture_info(capture);
    cr_assert_eq(info.flags, LW_CAPTURE_DONE | LW_CAPTURE_IN_PLACE);
    cr_assert_eq(info.process, 0);
    cr_assert_eq(info.memory, options.memory);
    cr_assert(info.memory_left < options.memory && info.memory_left > 0);
    cr_assert_not_null(strstr(info.reason, "are left"));
    lw_snapshot *snapshot = finish(capture);
    cr_assert_eq(snapshot_info(snapshot).flags, 0);
    cr_assert_eq(snapshot_info(snapshot).nodes, 3);
    lw_snapshot_release(snapshot);
    close_host(&walker.host);
}

Test(capture, in_place_fails_as_in_place)
{
    static const op torn[] = {NODE(1, "Map", 8), {.what = FAIL, .text = "torn"}, {0}};
    walker walker;
    lw_capture *capture = at(1);
    lw_error error = LW_ERROR_INIT;
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    options.memory = UINT64_MAX - 1;
    options.flags = LW_CAPTURE_OR_IN_PLACE;
    open_walker(&walker, WELL);
    walker.ops = torn;
    expect_words(lw_capture_start(walker.host.context, &options, &capture, &error), LW_E_RUNTIME,
                 &error, "torn");
    cr_assert_null(capture);
    close_host(&walker.host);
}

/* The limit of a group of processes counts, and not only what the system has. */
Test(capture, a_control_group_has_less_than_the_system)
{
    char group[96], path[160];
    walker walker;
    snprintf(group, sizeof group, "/sys/fs/cgroup/memory/leakwatch-%d", (int)getpid());
    bool old = mkdir(group, 0700) == 0;
    if (!old) {
        snprintf(group, sizeof group, "/sys/fs/cgroup/leakwatch-%d", (int)getpid());
        if (mkdir(group, 0700) != 0)
            cr_skip("a limit of memory needs a control group of its own: run as root");
    }
    pid_t process = fork();
    if (process == 0) {
        snprintf(path, sizeof path, "%s/%s", group, old ? "memory.limit_in_bytes" : "memory.max");
        FILE *most = fopen(path, "w");
        if (!most || fputs("268435456", most) < 0 || fclose(most) != 0)
            _exit(77);
        snprintf(path, sizeof path, "%s/cgroup.procs", group);
        FILE *members = fopen(path, "w");
        if (!members || fprintf(members, "%d", (int)getpid()) < 0 || fclose(members) != 0)
            _exit(77);
        open_walker(&walker, WELL);
        lw_capture *capture = start(&walker);
        uint64_t left = capture_info(capture).memory_left;
        lw_snapshot_release(finish(capture));
        _exit(left > 0 && left <= 268435456 ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(process, &status, 0), process);
    cr_assert_eq(rmdir(group), 0);
    cr_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        cr_skip("this control group takes no limit of memory");
    cr_assert_eq(WEXITSTATUS(status), 0);
}

Test(capture, no_more_files_may_be_opened)
{
    walker walker;
    struct rlimit before;
    lw_capture *capture = at(1);
    lw_error error = LW_ERROR_INIT;
    open_walker(&walker, WELL);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit(RLIMIT_NOFILE, 0);
    lw_status status = lw_capture_start(walker.host.context, NULL, &capture, &error);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    expect_words(status, LW_E_IO, &error, "Too many open files");
    cr_assert_null(capture);
    close_host(&walker.host);
}
