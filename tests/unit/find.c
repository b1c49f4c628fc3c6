/* lw_find_leaks() and what it found, through the public header: a program of which every round is
 * known, and what must be said about it by hand. */
#include "graph_host.h"

#include <leakwatch/find.h>

enum { SESSION = 112, BUFFER = 888, ENTRY = SESSION + BUFFER, REGISTRY = 64, MODULE = 32 };
enum { FIRST_SESSION = 1000, FIRST_PAGE = 100000, FIRST_JOB = 200000 };

/* A server: a registry that keeps sessions, a cache of pages, a queue of jobs. */
typedef struct server {
    host host;
    lw_runtime *runtime;
    int sessions_per_call, pages_per_call, page_limit; /* what a call of the work does */
    int queue;           /* jobs in it; they come and go */
    int sessions, pages, first_job;
    int calls, stop_at;
    int collections;
    bool recorded;       /* sessions are blocks of the heap */
    _Alignas(16) char memory[64][SESSION];
} server;

static lw_key session_key(server *server, int i)
{
    return server->recorded ? lw_key_of(server->memory[i]) : (lw_key)(FIRST_SESSION + 2 * i);
}

static int enumerate_server(lw_sink *sink, void *user)
{
    server *server = user;
    uint32_t module = lw_sink_type(sink, 0, "module", 0), dict = lw_sink_type(sink, 0, "dict", 0);
    uint32_t session = lw_sink_type(sink, 0, "Session", 0);
    uint32_t bytes = lw_sink_type(sink, 0, "bytes", 0), job = lw_sink_type(sink, 0, "Job", 0);
    lw_sink_node(sink, 8, module, MODULE);
    lw_sink_node(sink, 16, dict, REGISTRY);
    lw_sink_node(sink, 24, dict, REGISTRY);
    lw_sink_node(sink, 32, lw_sink_type(sink, 0, "deque", 0), 64);
    lw_sink_edge(sink, 8, 16, LW_EDGE_STRONG, play_label(sink, ".registry"));
    lw_sink_edge(sink, 8, 24, LW_EDGE_STRONG, play_label(sink, ".pages"));
    lw_sink_edge(sink, 8, 32, LW_EDGE_STRONG, play_label(sink, ".jobs"));
    for (int i = 0; i < server->sessions; i++) {
        char label[32];
        lw_key key = session_key(server, i), buffer = (lw_key)(8 * (FIRST_SESSION + i));
        snprintf(label, sizeof label, "['user %d']", i);
        lw_sink_node(sink, key, session, SESSION);
        lw_sink_node(sink, buffer, bytes, BUFFER);
        lw_sink_edge(sink, 16, key, LW_EDGE_STRONG, play_label(sink, label));
        lw_sink_edge(sink, key, buffer, LW_EDGE_STRONG, play_label(sink, ".buffer"));
    }
    for (int i = 0; i < server->pages; i++) {
        lw_key key = (lw_key)(8 * (FIRST_PAGE + i));
        lw_sink_node(sink, key, bytes, 100);
        lw_sink_edge(sink, 24, key, LW_EDGE_STRONG, LW_LABEL_INDEX(i));
    }
    for (int i = 0; i < server->queue; i++) {
        lw_key key = (lw_key)(8 * (FIRST_JOB + server->first_job + i));
        lw_sink_node(sink, key, job, 48);
        lw_sink_edge(sink, 32, key, LW_EDGE_STRONG, LW_LABEL_INDEX(i));
    }
    return lw_sink_root(sink, 8, lw_sink_root_kind(sink, "module", 0), play_label(sink, "app"));
}

static int serve(uint32_t round, void *user)
{
    server *server = user;
    cr_assert_eq(round, (uint32_t)server->calls);
    if (++server->calls == server->stop_at)
        return 1;
    for (int i = 0; i < server->sessions_per_call; i++, server->sessions++) {
        if (server->recorded)
            lw_block_alloc_at(server->host.heap, server->memory[server->sessions], SESSION,
                              "server.c:88");
    }
    server->pages += server->pages_per_call;
    if (server->pages > server->page_limit)
        server->pages = server->page_limit;
    server->first_job += 3; /* three done, three new ones */
    return 0;
}

static int collect(void *user)
{
    ((server *)user)->collections++;
    return 0;
}

static int advise(const lw_advice_query *query, char *text, size_t size, void *user)
{
    (void)user;
    if (strcmp(query->holder_type, "dict") != 0)
        return 1;
    snprintf(text, size, "drop entries of %s that nobody asks for", query->label);
    return 0;
}

static void open_server(server *server, bool recorded)
{
    memset(server, 0, sizeof *server);
    open_host(&server->host);
    server->recorded = recorded;
    server->page_limit = 1000;
    server->queue = 5;
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = "server";
    options.key_kind = recorded ? LW_KEY_ADDRESS : LW_KEY_OPAQUE;
    options.enumerate = enumerate_server;
    options.collect = collect;
    options.advise = advise;
    options.user = server;
    options.domains = &server->host.heap;
    options.domain_count = recorded;
    cr_assert_eq(lw_runtime_create(server->host.context, &options, &server->runtime, NULL), LW_OK);
}

static lw_findings *hunt(server *server, const lw_find_options *options)
{
    lw_findings *findings = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_status status =
        lw_find_leaks(server->host.context, serve, server, options, &findings, &error);
    cr_assert_eq(status, LW_OK, "%s", error.message);
    return findings;
}

static lw_finding get(const lw_findings *findings, uint32_t index)
{
    lw_finding finding = LW_FINDING_INIT;
    cr_assert_eq(lw_finding_get(findings, index, &finding, NULL), LW_OK);
    return finding;
}

static lw_findings_info info_of(const lw_findings *findings)
{
    lw_findings_info info = LW_FINDINGS_INFO_INIT;
    cr_assert_eq(lw_findings_info_get(findings, &info, NULL), LW_OK);
    return info;
}

Test(find, a_registry_that_keeps_sessions)
{
    server server;
    open_server(&server, false);
    server.sessions_per_call = 3;
    lw_findings *findings = hunt(&server, NULL);
    cr_assert_eq(server.calls, 7); /* 2 to warm up and 5 */
    cr_assert_eq(server.collections, 0);
    cr_assert_eq(lw_findings_count(findings), 1);

    lw_findings_info info = info_of(findings);
    cr_assert_eq(info.rounds, 5);
    cr_assert_eq(info.calls, 1);
    cr_assert_eq(info.objects_diff, 5 * 3 * 2);
    cr_assert_eq(info.bytes_diff, 5 * 3 * ENTRY);
    cr_assert_eq(info.found_bytes, 5 * 3 * ENTRY);

    lw_finding worst = get(findings, 0);
    cr_assert_eq(worst.kind, LW_FINDING_GROWTH);
    cr_assert_eq(worst.rounds, 5);
    cr_assert_eq(worst.objects, 5 * 3 * 2);
    cr_assert_eq(worst.bytes, 5 * 3 * ENTRY);
    cr_assert_float_eq(worst.objects_per_round, 6.0, 1e-9);
    cr_assert_float_eq(worst.bytes_per_round, 3.0 * ENTRY, 1e-9);
    cr_assert_str_eq(worst.holder_type, "dict");
    cr_assert_str_eq(worst.type, "Session"); /* it keeps the bytes, and more of them */
    cr_assert_eq(worst.type_objects, 15);
    cr_assert_eq(worst.type_bytes, 15 * ENTRY);
    cr_assert_eq(worst.entries, 21); /* those of the warming up are like them */
    cr_assert_eq(worst.entries_bytes, 21 * ENTRY);
    cr_assert_eq(worst.frames, 0);
    cr_assert_eq(worst.rounds_left, 0);
    cr_assert_str_eq(worst.advice, "drop entries of registry that nobody asks for");
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, who_holds_it_and_what_to_cut)
{
    server server;
    open_server(&server, false);
    server.sessions_per_call = 1;
    lw_findings *findings = hunt(&server, NULL);
    const lw_paths *paths = lw_finding_paths(findings, 0);
    lw_path path = LW_PATH_INIT;
    cr_assert_eq(lw_path_get(paths, 0, &path, NULL), LW_OK);
    cr_assert_str_eq(path.root_label.text, "app");
    cr_assert_eq(path.steps, 2); /* .registry, ['user n'] */
    cr_assert_eq(path.target, get(findings, 0).example);
    lw_edge step = LW_EDGE_INIT;
    cr_assert_eq(lw_path_step_get(paths, 0, 0, &step, NULL), LW_OK);
    cr_assert_str_eq(step.label.text, "registry");
    cr_assert_eq(step.to, get(findings, 0).holder);

    lw_cut_info cut = LW_CUT_INFO_INIT;
    lw_cut_edge edge = LW_CUT_EDGE_INIT;
    cr_assert_eq(lw_cut_info_get(lw_finding_cut(findings, 0), &cut, NULL), LW_OK);
    cr_assert_eq(cut.edges, 1);
    cr_assert_eq(cut.leaked_bytes, 5 * ENTRY);
    cr_assert_eq(cut.freed_leaked_bytes, 5 * ENTRY);
    cr_assert_eq(cut.freed_bytes, 7 * ENTRY + REGISTRY);
    cr_assert_eq(lw_cut_edge_get(lw_finding_cut(findings, 0), 0, &edge, NULL), LW_OK);
    cr_assert_str_eq(edge.edge.label.text, "registry");
    cr_assert_null(lw_finding_paths(findings, 1));
    cr_assert_null(lw_finding_cut(findings, 1));
    cr_assert_null(lw_finding_paths(NULL, 0));
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, what_turns_over_or_fills_once_is_no_leak)
{
    server server;
    open_server(&server, false);
    server.pages_per_call = 50;
    server.page_limit = 100; /* full after the two rounds of warming up */
    lw_findings *findings = hunt(&server, NULL);
    cr_assert_eq(lw_findings_count(findings), 0);
    cr_assert_eq(info_of(findings).bytes_diff, 0);
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, two_leaks_most_bytes_first)
{
    server server;
    open_server(&server, false);
    server.sessions_per_call = 1;
    server.pages_per_call = 30; /* 3,000 B a round */
    lw_findings *findings = hunt(&server, NULL);
    cr_assert_eq(lw_findings_count(findings), 2);
    cr_assert_str_eq(get(findings, 0).type, "bytes");
    cr_assert_eq(get(findings, 0).bytes, 5 * 3000);
    cr_assert_str_eq(get(findings, 1).type, "Session");
    cr_assert_neq(get(findings, 0).fingerprint, get(findings, 1).fingerprint);
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, accepted_ones_come_last_and_are_counted)
{
    server server;
    char accepted[200];
    open_server(&server, false);
    server.sessions_per_call = 1;
    server.pages_per_call = 30;
    lw_findings *findings = hunt(&server, NULL);
    uint64_t known = get(findings, 0).fingerprint, other = get(findings, 1).fingerprint;
    lw_findings_release(findings);

    snprintf(accepted, sizeof accepted, "# known\n\n  %016llX  pages are for ever\nzzz\n0\n",
             (unsigned long long)known);
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    options.accepted = accepted;
    server.calls = 0;
    findings = hunt(&server, &options);
    cr_assert_eq(lw_findings_count(findings), 2);
    cr_assert_eq(info_of(findings).accepted, 1);
    cr_assert_eq(get(findings, 0).fingerprint, other);
    cr_assert_eq(get(findings, 0).accepted, 0);
    cr_assert_eq(get(findings, 1).fingerprint, known); /* the same in another hunt */
    cr_assert_eq(get(findings, 1).accepted, 1);
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, small_ones_and_those_over_the_limit_are_left_out_and_counted)
{
    server server;
    open_server(&server, false);
    server.sessions_per_call = 1;
    server.pages_per_call = 30;
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    options.limit = 1;
    lw_findings *findings = hunt(&server, &options);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(info_of(findings).left_out, 1);
    cr_assert_str_eq(get(findings, 0).type, "bytes");
    lw_findings_release(findings);
    server.calls = 0;
    options.limit = 0;
    options.least = 5 * 3000 + 1;
    findings = hunt(&server, &options);
    cr_assert_eq(lw_findings_count(findings), 0);
    cr_assert_eq(info_of(findings).left_out, 2);
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, calls_are_the_measure_of_noise)
{
    server server;
    open_server(&server, false);
    server.sessions_per_call = 1;
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    options.calls = 4;
    options.rounds = 3;
    options.warm_up = 1;
    lw_findings *findings = hunt(&server, &options);
    cr_assert_eq(server.calls, 16);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(info_of(findings).calls, 4);
    cr_assert_float_eq(get(findings, 0).bytes_per_round, 4.0 * ENTRY, 1e-9);
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, the_line_that_allocated_it)
{
    server server;
    open_server(&server, true);
    server.sessions_per_call = 2;
    lw_findings *findings = hunt(&server, NULL);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(info_of(findings).recorded, 1);
    lw_finding worst = get(findings, 0);
    cr_assert_eq(worst.frames, 1);
    cr_assert_eq(worst.site_objects, 10);
    cr_assert_eq(worst.site_bytes, 10 * SESSION);
    lw_frame frame = LW_FRAME_INIT;
    cr_assert_eq(lw_finding_frame_get(findings, 0, 0, &frame, NULL), LW_OK);
    cr_assert_str_eq(frame.file, "server.c");
    cr_assert_eq(frame.line, 88);
    lw_error error = LW_ERROR_INIT;
    expect_words(lw_finding_frame_get(findings, 0, 1, &frame, &error), LW_E_NOT_FOUND, &error,
                 "frame 1");
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, collects_before_each_snapshot_if_told_to)
{
    server server;
    open_server(&server, false);
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    options.flags = LW_FIND_COLLECT;
    lw_findings_release(hunt(&server, &options));
    cr_assert_eq(server.collections, 6);
    close_host(&server.host);
}

Test(find, how_long_until_the_limit)
{
    server server;
    open_server(&server, false);
    server.sessions_per_call = 1;
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    options.memory_limit = UINT64_C(1) << 50;
    lw_findings *findings = hunt(&server, &options);
    uint64_t left = get(findings, 0).rounds_left, most = (UINT64_C(1) << 50) / ENTRY;
    cr_assert_leq(left, most);
    cr_assert_gt(left, most / 2); /* a test does not take half of 2^50 bytes */
    lw_findings_release(findings);
    server.calls = 0;
    options.memory_limit = 1; /* long gone */
    findings = hunt(&server, &options);
    cr_assert_eq(get(findings, 0).rounds_left, 1);
    lw_findings_release(findings);
    close_host(&server.host);
}

Test(find, the_work_may_stop_the_hunt)
{
    server server;
    lw_error error = LW_ERROR_INIT;
    lw_findings *findings = (lw_findings *)&error;
    for (int stop = 1; stop <= 7; stop++) {
        open_server(&server, false);
        server.stop_at = stop;
        lw_status status =
            lw_find_leaks(server.host.context, serve, &server, NULL, &findings, &error);
        expect_words(status, LW_E_CANCELLED, &error, "work");
        cr_assert_null(findings);
        cr_assert_eq(server.calls, stop);
        close_host(&server.host); /* with the region's round ended */
    }
}

static int idle(uint32_t round, void *user)
{
    (void)round;
    (void)user;
    return 0;
}

static int hunt_again(uint32_t round, void *user)
{
    server *server = user;
    lw_findings *inner = (lw_findings *)user;
    lw_error error = LW_ERROR_INIT;
    lw_find_options few = LW_FIND_OPTIONS_INIT;
    few.warm_up = 1;
    few.rounds = 2;
    lw_status status = lw_find_leaks(server->host.context, idle, NULL, &few, &inner, &error);
    if (round < 2) { /* warming up */
        cr_assert_eq(status, LW_OK, "%s", error.message);
        lw_findings_release(inner);
        return 0;
    }
    expect_words(status, LW_E_STATE, &error, "another lw_find_leaks()");
    cr_assert_null(inner);
    return 0;
}

Test(find, no_hunt_within_a_round_of_another)
{
    server server;
    open_server(&server, false);
    lw_findings *findings = NULL;
    cr_assert_eq(lw_find_leaks(server.host.context, hunt_again, &server, NULL, &findings, NULL),
                 LW_OK);
    cr_assert_eq(lw_findings_count(findings), 0);
    lw_findings_release(findings);
    close_host(&server.host);
}

static int give_up(const char *phase, uint64_t done, uint64_t total, void *user)
{
    (void)total;
    return strcmp(phase, user) == 0 && done == 1;
}

Test(find, progress_may_stop_the_hunt)
{
    static char *const phases[] = {"warming up", "rounds"};
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        server server;
        lw_findings *findings = NULL;
        lw_error error = LW_ERROR_INIT;
        lw_find_options options = LW_FIND_OPTIONS_INIT;
        options.progress = give_up;
        options.user = phases[i];
        open_server(&server, false);
        expect_words(lw_find_leaks(server.host.context, serve, &server, &options, &findings,
                                   &error),
                     LW_E_CANCELLED, &error, phases[i]);
        close_host(&server.host);
    }
}

/* --- from snapshots ------------------------------------------------------------------------ */

Test(find, snapshots_that_were_taken_say_the_same)
{
    server server;
    lw_snapshot *snapshots[4];
    lw_findings *findings = NULL;
    open_server(&server, false);
    server.sessions_per_call = 3;
    for (int i = 0; i < 4; i++) {
        snapshots[i] = take(&server.host);
        serve((uint32_t)i, &server);
    }
    lw_context_release(server.host.context); /* they outlive it */
    cr_assert_eq(lw_findings_create(snapshots, 4, NULL, &findings, NULL), LW_OK);
    for (int i = 0; i < 4; i++)
        lw_snapshot_release(snapshots[i]);
    cr_assert_eq(lw_findings_count(findings), 1);
    cr_assert_eq(get(findings, 0).bytes, 3 * 3 * ENTRY);
    cr_assert_eq(get(findings, 0).entries, 9);
    cr_assert_str_eq(get(findings, 0).advice, ""); /* nobody is there to ask */
    lw_findings_release(findings);
    cr_assert_eq(server.host.memory.bytes, 0);
}

Test(find, too_few_snapshots)
{
    server server;
    lw_findings *findings = NULL;
    lw_error error = LW_ERROR_INIT;
    open_server(&server, false);
    lw_snapshot *snapshots[3] = {take(&server.host), take(&server.host), NULL};
    expect_words(lw_findings_create(snapshots, 2, NULL, &findings, &error), LW_E_INVALID, &error,
                 "3");
    expect_words(lw_findings_create(snapshots, 3, NULL, &findings, &error), LW_E_INVALID, &error,
                 "NULL");
    expect_words(lw_findings_create(NULL, 3, NULL, &findings, &error), LW_E_INVALID, &error,
                 "snapshots");
    expect_words(lw_findings_create(snapshots, 3, NULL, NULL, &error), LW_E_INVALID, &error,
                 "findings");
    lw_snapshot_release(snapshots[0]);
    lw_snapshot_release(snapshots[1]);
    close_host(&server.host);
}

/* --- wrong calls --------------------------------------------------------------------------- */

Test(find, wrong_arguments)
{
    server server;
    lw_error error = LW_ERROR_INIT;
    lw_findings *findings = NULL;
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    open_server(&server, false);
    lw_context *context = server.host.context;
    expect_words(lw_find_leaks(NULL, serve, &server, NULL, &findings, &error), LW_E_INVALID,
                 &error, "context");
    expect_words(lw_find_leaks(context, NULL, &server, NULL, &findings, &error), LW_E_INVALID,
                 &error, "work");
    expect_words(lw_find_leaks(context, serve, &server, NULL, NULL, &error), LW_E_INVALID, &error,
                 "findings");
    options.rounds = 1;
    expect_words(lw_find_leaks(context, serve, &server, &options, &findings, &error), LW_E_INVALID,
                 &error, "rounds");
    options.rounds = 0;
    options.flags = 0x10;
    expect_words(lw_find_leaks(context, serve, &server, &options, &findings, &error), LW_E_INVALID,
                 &error, "flags");
    options.flags = 0;
    options.struct_size = 1;
    expect_words(lw_find_leaks(context, serve, &server, &options, &findings, &error), LW_E_INVALID,
                 &error, "struct_size");
    cr_assert_eq(server.calls, 0);
    close_host(&server.host);
}

Test(find, wrong_questions)
{
    server server;
    lw_error error = LW_ERROR_INIT;
    lw_finding finding = LW_FINDING_INIT;
    lw_findings_info info = LW_FINDINGS_INFO_INIT;
    lw_frame frame = LW_FRAME_INIT;
    open_server(&server, false);
    lw_findings *findings = hunt(&server, NULL);
    expect_words(lw_finding_get(findings, 0, &finding, &error), LW_E_NOT_FOUND, &error,
                 "finding 0");
    expect_words(lw_finding_frame_get(findings, 0, 0, &frame, &error), LW_E_NOT_FOUND, &error,
                 "finding 0");
    expect_words(lw_finding_get(NULL, 0, &finding, &error), LW_E_INVALID, &error, "findings");
    expect_words(lw_findings_info_get(NULL, &info, &error), LW_E_INVALID, &error, "findings");
    expect_words(lw_findings_info_get(findings, NULL, &error), LW_E_INVALID, &error, "NULL");
    info.struct_size = 0;
    expect_words(lw_findings_info_get(findings, &info, &error), LW_E_INVALID, &error,
                 "struct_size");
    cr_assert_eq(lw_findings_count(NULL), 0);
    lw_findings_release(NULL);
    lw_findings_release(findings);
    close_host(&server.host);
}
