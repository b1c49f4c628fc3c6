/* A server whose sessions outlive their connections, in plain C: it reports its allocations and
 * its typed objects, and plugs its small object graph in, so that leakwatch can say not only what
 * grew but what holds it. */
#include <leakwatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 8 };

struct buffer {
    char bytes[1000];
};

struct session {
    struct session *next; // in its slot
    struct buffer *input;
    int closed;
};

static struct session *table[SLOTS];
static lw_domain *heap;
static lw_type *session_type, *buffer_type;

/* ---- the server ---- */

static void *allocate(size_t size, lw_type *type, const char *place)
{
    void *block = calloc(1, size);
    if (!block)
        abort();
    lw_block_alloc_at(heap, block, size, place);
    lw_object_created(type, block);
    return block;
}

static void release(void *block, lw_type *type)
{
    lw_object_destroyed(type, block);
    lw_block_free(heap, block); // before the memory goes back
    free(block);
}

static struct session *open_session(int connection)
{
    struct session *session = allocate(sizeof *session, session_type, LW_HERE);
    session->input = allocate(sizeof *session->input, buffer_type, LW_HERE);
    session->next = table[connection % SLOTS];
    table[connection % SLOTS] = session;
    return session;
}

static void serve(int connections)
{
    for (int i = 0; i < connections; i++) {
        struct session *session = open_session(i);
        session->closed = 1; // and that is all: it stays in the table, with its buffer
    }
}

static void close_all(void)
{
    for (int i = 0; i < SLOTS; i++) {
        while (table[i]) {
            struct session *session = table[i];
            table[i] = session->next;
            release(session->input, buffer_type);
            release(session, session_type);
        }
    }
}

/* ---- its object graph ---- */

static int enumerate(lw_sink *sink, void *user)
{
    (void)user;
    uint32_t table_id = lw_sink_type(sink, 0, "session table", 0);
    uint32_t session_id = lw_sink_type(sink, 0, "session", 0);
    uint32_t buffer_id = lw_sink_type(sink, 0, "buffer", 0);
    uint32_t next = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "next", 4);
    uint32_t input = lw_sink_label(sink, LW_LABEL_ATTRIBUTE, "input", 5);
    lw_sink_node(sink, lw_key_of(table), table_id, sizeof table);
    for (int i = 0; i < SLOTS; i++) {
        if (table[i])
            lw_sink_edge(sink, lw_key_of(table), lw_key_of(table[i]), LW_EDGE_STRONG,
                         LW_LABEL_INDEX(i));
        for (struct session *session = table[i]; session; session = session->next) {
            lw_key key = lw_key_of(session);
            lw_sink_node(sink, key, session_id, sizeof *session);
            lw_sink_node(sink, lw_key_of(session->input), buffer_id, sizeof *session->input);
            lw_sink_edge(sink, key, lw_key_of(session->input), LW_EDGE_STRONG, input);
            if (session->next)
                lw_sink_edge(sink, key, lw_key_of(session->next), LW_EDGE_STRONG, next);
        }
    }
    return lw_sink_root(sink, lw_key_of(table), lw_sink_root_kind(sink, "global", 0),
                        lw_sink_label(sink, LW_LABEL_VARIABLE, "table", 5));
}

/* ---- what leakwatch says ---- */

static int print(const char *text, size_t length, void *user)
{
    return fwrite(text, 1, length, user) != length;
}

static int keep_node(lw_node node, void *user)
{
    *(lw_node *)user = node;
    return 1; // one is enough
}

static lw_status plug_in(lw_context *context, lw_error *error)
{
    lw_domain_options domain = LW_DOMAIN_OPTIONS_INIT;
    lw_runtime_options runtime = LW_RUNTIME_OPTIONS_INIT;
    lw_runtime *server = NULL;
    domain.name = "heap";
    runtime.name = "server";
    runtime.enumerate = enumerate;
    runtime.domains = &heap; // where the nodes' blocks are recorded
    runtime.domain_count = 1;
    lw_status status = lw_domain_create(context, &domain, &heap, error);
    if (status == LW_OK)
        status = lw_runtime_create(context, &runtime, &server, error);
    if (status == LW_OK)
        status = lw_type_create(context, "session", sizeof(struct session), &session_type, error);
    if (status == LW_OK)
        status = lw_type_create(context, "buffer", sizeof(struct buffer), &buffer_type, error);
    return status;
}

static lw_status report(lw_context *context, const lw_region_stats *stats, lw_region *region,
                        lw_snapshot *before, lw_snapshot *after, lw_error *error)
{
    lw_survivors *survivors = NULL;
    lw_diff *diff = NULL;
    lw_paths *paths = NULL;
    lw_node leaked = LW_NODE_NONE;
    lw_status status = lw_survivors_take(context, region, 0, &survivors, error);
    if (status == LW_OK)
        status = lw_report_region(stats, survivors, NULL, print, stdout, error);
    if (status == LW_OK)
        status = lw_report_objects(context, NULL, print, stdout, error);
    if (status == LW_OK)
        status = lw_diff_create(before, after, &diff, error);
    if (status == LW_OK)
        status = lw_report_diff(diff, NULL, print, stdout, error);
    if (status == LW_OK) // the row that grew most: one of its new objects
        status = lw_diff_each(diff, 0, LW_DIFF_CREATED, keep_node, &leaked, error);
    if (status == LW_OK)
        status = lw_paths_find(after, &leaked, 1, NULL, &paths, error);
    if (status == LW_OK)
        status = lw_report_path(paths, 0, NULL, print, stdout, error);
    lw_paths_release(paths);
    lw_diff_release(diff);
    lw_survivors_release(survivors);
    return status;
}

int main(void)
{
    lw_context *context = NULL;
    lw_region *region = NULL;
    lw_round round = 0;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_snapshot *before = NULL, *after = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_status status = lw_context_create(NULL, &context, &error);
    if (status == LW_OK)
        status = plug_in(context, &error);
    if (status == LW_OK)
        status = lw_region_create(context, "serve", NULL, &region, &error);
    if (status == LW_OK)
        status = lw_snapshot_take(context, NULL, &before, &error);
    if (status == LW_OK)
        status = lw_region_begin(region, &round, &error);
    if (status == LW_OK) {
        serve(20);
        status = lw_region_end(region, round, &stats, &error);
    }
    if (status == LW_OK)
        status = lw_snapshot_take(context, NULL, &after, &error);
    if (status == LW_OK)
        status = report(context, &stats, region, before, after, &error);
    if (status != LW_OK)
        fprintf(stderr, "%s\n", error.message);
    close_all();
    lw_snapshot_release(after);
    lw_snapshot_release(before);
    lw_context_release(context);
    return status != LW_OK;
}
