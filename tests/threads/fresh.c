/* What a snapshot makes only when it is first asked for, many threads ask for at once: the check of
 * an opened file, and who holds what. All get the same answers, as from a snapshot of one thread. */
#define _POSIX_C_SOURCE 200809L /* mkstemp() */

#include "crew.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 6, NODES = 3000, TIMES = 12 };

typedef struct question {
    lw_snapshot *snapshot;
    _Atomic int ready; /* threads at the line */
    char want[400];
} question;

static lw_key key_of(int node)
{
    return 0x10000u + (lw_key)node * 64;
}

static int enumerate(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t type = lw_sink_type(sink, 0, "node", 0);
    for (int i = 0; i < NODES; i++) {
        lw_sink_node(sink, key_of(i), type, (uint64_t)(i % 7) * 16);
        if (i > 0)
            lw_sink_edge(sink, key_of(i / 3), key_of(i), i % 5 ? LW_EDGE_STRONG : LW_EDGE_UNKNOWN,
                         LW_LABEL_INDEX(i));
        lw_sink_edge(sink, key_of(i), key_of(i * 7 % NODES), LW_EDGE_STRONG, 0);
    }
    return lw_sink_root(sink, key_of(0), lw_sink_root_kind(sink, "global", 0), 0);
}

static void tell_paths(lw_snapshot *snapshot, char *text, size_t room)
{
    lw_paths *paths = NULL;
    lw_path path = LW_PATH_INIT;
    lw_node targets[] = {NODES - 1, NODES / 2};
    CHECK_EQ(lw_paths_find(snapshot, targets, 2, NULL, &paths, NULL), LW_OK);
    CHECK_EQ(lw_path_get(paths, 0, &path, NULL), LW_OK);
    snprintf(text, room, "paths %u %u", (unsigned)path.steps, (unsigned)path.target);
    lw_paths_release(paths);
}

static void tell_dominators(lw_snapshot *snapshot, char *text, size_t room)
{
    lw_dominators *dominators = NULL;
    lw_retained retained = LW_RETAINED_INIT;
    CHECK_EQ(lw_dominators_create(snapshot, NULL, &dominators, NULL), LW_OK);
    CHECK_EQ(lw_dominators_get(dominators, 1, &retained, NULL), LW_OK);
    snprintf(text, room, "retained %llu", (unsigned long long)retained.bytes);
    lw_dominators_release(dominators);
}

static void tell_referrers(lw_snapshot *snapshot, char *text, size_t room)
{
    lw_referrers *referrers = NULL;
    lw_referrers_info info = LW_REFERRERS_INFO_INIT;
    lw_node target = NODES / 2;
    CHECK_EQ(lw_referrers_create(snapshot, &target, 1, NULL, &referrers, NULL), LW_OK);
    CHECK_EQ(lw_referrers_info_get(referrers, &info, NULL), LW_OK);
    snprintf(text, room, "referrers %u", (unsigned)info.rows);
    lw_referrers_release(referrers);
}

static void tell_cut(lw_snapshot *snapshot, char *text, size_t room)
{
    lw_cut *cut = NULL;
    lw_cut_info info = LW_CUT_INFO_INIT;
    lw_node leaked[] = {NODES - 1, NODES - 2};
    CHECK_EQ(lw_cut_find(snapshot, leaked, 2, NULL, &cut, NULL), LW_OK);
    CHECK_EQ(lw_cut_info_get(cut, &info, NULL), LW_OK);
    snprintf(text, room, "cut %u %llu", (unsigned)info.edges,
             (unsigned long long)info.freed_bytes);
    lw_cut_release(cut);
}

typedef void (*tell_fn)(lw_snapshot *snapshot, char *text, size_t room);

/* All that is asked, in words; each thread begins with another question. */
static void tell(lw_snapshot *snapshot, int first, char *text)
{
    static const tell_fn questions[] = {tell_paths, tell_dominators, tell_referrers, tell_cut};
    for (int i = 0; i < 4; i++) {
        int which = (first + i) % 4;
        questions[which](snapshot, text + which * 100, 100);
    }
}

static void *ask(void *user)
{
    worker *worker = user;
    question *question = worker->work;
    char got[sizeof question->want];
    memset(got, 0, sizeof got);
    question->ready++;
    while (question->ready < THREADS)
        ;
    tell(question->snapshot, worker->index, got);
    CHECK(memcmp(got, question->want, sizeof got) == 0);
    return NULL;
}

static void ask_at_once(question *question, lw_snapshot *fresh)
{
    question->snapshot = fresh;
    question->ready = 0;
    crew_run(THREADS, ask, question);
    lw_snapshot_release(fresh);
}

int main(void)
{
    static question question;
    char path[] = "/tmp/leakwatch-fresh-XXXXXX";
    lw_context *context = open_context();
    lw_runtime *runtime = NULL;
    lw_snapshot *taken = NULL, *opened = NULL;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "graph";
    options.key_kind = LW_KEY_OPAQUE;
    options.enumerate = enumerate;
    CHECK_EQ(lw_runtime_create(context, &options, &runtime, NULL), LW_OK);
    CHECK_EQ(lw_snapshot_take(context, NULL, &taken, NULL), LW_OK);
    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0);
    CHECK_EQ(lw_snapshot_save(taken, path, NULL, NULL), LW_OK);
    tell(taken, 0, question.want);
    lw_snapshot_release(taken);
    for (int i = 0; i < TIMES; i++) {
        CHECK_EQ(lw_snapshot_open(path, NULL, &opened, NULL), LW_OK);
        ask_at_once(&question, opened);
        CHECK_EQ(lw_snapshot_take(context, NULL, &taken, NULL), LW_OK);
        ask_at_once(&question, taken);
    }
    CHECK_EQ(unlink(path), 0);
    lw_context_release(context);
    printf("%d fresh snapshots, each asked by %d threads at once: %s, %s, %s, %s\n", 2 * TIMES,
           THREADS, question.want, question.want + 100, question.want + 200, question.want + 300);
    return check_result();
}
