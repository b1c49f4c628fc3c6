/* From runs of edges by key to compressed sparse rows by number. The log is read twice: to number
 * both ends in place and count, then to put each edge into its row; its chunks go back on the
 * way. Rows are sorted by content, so that no order of pushing shows. */
#include "capture/build.h"

#include "base/error.h"
#include "base/order.h"

#include <string.h>

/* --- numbering and counting ---------------------------------------------------------------- */

/* Edges of a few runs whose targets are looked up together. */
typedef struct batch {
    uint64_t places[LWI_BATCH];
    lw_node nodes[LWI_BATCH];
    uint32_t *edges[LWI_BATCH];
    const uint32_t *runs[LWI_BATCH];
    uint32_t count;
} batch;

bool lwi_stray_edge(lwi_build *build, const lwi_job *job, lw_key key, uint32_t kind, lw_node about)
{
    if (lwi_job_hides(job, key))
        return true;
    build->snapshot->info.dangling++;
    return lwi_note(build, kind, key, about, (uint32_t)(job - build->jobs));
}

/* Replaces the places of targets by numbers; LW_NODE_NONE where there is no node. */
static bool number_batch(lwi_build *build, lwi_job *job, batch *b)
{
    lw_snapshot *snapshot = build->snapshot;
    lwi_job_nodes(job, b->places, b->count, b->nodes);
    for (uint32_t i = 0; i < b->count; i++) {
        lw_node from = b->runs[i][0];
        b->edges[i][0] = b->nodes[i];
        if (b->nodes[i] != LW_NODE_NONE) {
            snapshot->rows.end[from]++;
            snapshot->edge_kinds |= 1u << lwi_run_kind(b->runs[i]);
        } else if (!lwi_stray_edge(build, job, lwi_job_key(job, b->places[i]), LWI_STRAY_TARGET,
                                   from)) {
            return false;
        }
    }
    b->count = 0;
    return true;
}

/* A run without a holder keeps none of its edges. */
static bool drop_run(lwi_build *build, lwi_job *job, const uint32_t *run, uint64_t from)
{
    for (uint32_t i = 0; i < lwi_run_count(run); i++) {
        if (!lwi_stray_edge(build, job, lwi_job_key(job, from), LWI_STRAY_HOLDER, LW_NODE_NONE))
            return false;
    }
    return true;
}

static bool number_chunk(lwi_build *build, lwi_job *job, lwi_log_chunk *chunk)
{
    const lw_sink *sink = &job->sink;
    batch b = {.count = 0};
    uint32_t at = 0, words = lwi_run_words(sink);
    while (at < chunk->used) {
        uint32_t *run = chunk->words + at, *edge = run + words, count = lwi_run_count(run);
        uint64_t from = lwi_run_place(sink, run);
        lwi_job_nodes(job, &from, 1, &run[0]);
        at += words + count * words;
        if (run[0] == LW_NODE_NONE && !drop_run(build, job, run, from))
            return false;
        for (uint32_t i = 0; run[0] != LW_NODE_NONE && i < count; i++, edge += words) {
            b.places[b.count] = lwi_edge_place(sink, run, edge);
            b.edges[b.count] = edge;
            b.runs[b.count++] = run;
            if (b.count == LWI_BATCH && !number_batch(build, job, &b))
                return false;
        }
    }
    return number_batch(build, job, &b);
}

static bool number_edges(lwi_build *build, lwi_job *job)
{
    for (lwi_log_chunk *chunk = job->sink.edges.first; chunk; chunk = chunk->next) {
        if (!lwi_progress_tick(&build->progress, LWI_STEP_EDGES) || !number_chunk(build, job, chunk))
            return false;
    }
    build->snapshot->info.dangling += job->sink.lost_edges;
    return lwi_number_bridges(build, job);
}

/* Puts the rows, whose lengths are known now, in their places. */
static lw_status open_rows(lw_snapshot *snapshot, uint32_t *widest, lw_error *error)
{
    *widest = 0;
    for (lw_node node = 0; node < snapshot->info.nodes; node++) {
        if (snapshot->rows.end[node] > *widest)
            *widest = snapshot->rows.end[node];
    }
    if (!lwi_rows_open(&snapshot->rows, snapshot->info.nodes, &snapshot->info.edges))
        return lwi_fail(error, LW_E_LIMIT, "%u neighbouring nodes have over 2^32 edges",
                        (unsigned)LWI_ROWS);
    return LW_OK;
}

/* --- filling ------------------------------------------------------------------------------- */

static void put_kind(uint8_t *kinds, uint64_t edge, uint32_t kind)
{
    unsigned shift = edge % 2 * 4;
    kinds[edge / 2] = (uint8_t)((kinds[edge / 2] & ~(15u << shift)) | kind << shift);
}

void lwi_place_edge(lw_snapshot *snapshot, lw_node from, lw_node to, uint32_t kind, uint32_t label)
{
    uint64_t place = lwi_row_put(&snapshot->rows, from);
    snapshot->rows.items[place] = to;
    if (snapshot->labels)
        snapshot->labels[place] = label;
    if (snapshot->kinds)
        put_kind(snapshot->kinds, place, kind);
}

static void place_run(lw_snapshot *snapshot, const lwi_job *job, const uint32_t *run)
{
    uint32_t words = lwi_run_words(&job->sink), kind = lwi_run_kind(run);
    const uint32_t *edge = run + words;
    for (uint32_t i = lwi_run_count(run); i > 0; i--, edge += words) {
        if (edge[0] != LW_NODE_NONE)
            lwi_place_edge(snapshot, run[0], edge[0], kind, lwi_map_label(job, edge[1]));
    }
}

static void place_edges(lw_snapshot *snapshot, lwi_job *job)
{
    uint32_t words = lwi_run_words(&job->sink);
    for (lwi_log_chunk *chunk = job->sink.edges.first; chunk;
         chunk = lwi_log_drop(&job->sink.edges)) {
        uint32_t at = 0;
        while (at < chunk->used) {
            const uint32_t *run = chunk->words + at;
            if (run[0] != LW_NODE_NONE)
                place_run(snapshot, job, run);
            at += words + lwi_run_count(run) * words;
        }
    }
}

/* --- sorting ------------------------------------------------------------------------------- */

typedef struct row_edge {
    uint32_t to;
    uint32_t kind;
    uint32_t label;
} row_edge;

/* The widest row, and what it takes to sort it. */
typedef struct row_room {
    row_edge *edges;
    uint32_t *ids;
    uint32_t width;
} row_room;

static int compare_edges(const row_edge *a, const row_edge *b)
{
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->label > b->label) - (a->label < b->label);
}

static int by_edge(const void *user, uint32_t a, uint32_t b)
{
    const row_edge *edges = user;
    return compare_edges(&edges[a], &edges[b]);
}

/* Of edges that follow each other in a row. */
static bool in_order(const lw_snapshot *snapshot, uint64_t edge)
{
    const uint32_t *to = snapshot->rows.items;
    if (to[edge] != to[edge + 1])
        return to[edge] < to[edge + 1];
    int32_t kind = lwi_kind_at(snapshot, edge), next = lwi_kind_at(snapshot, edge + 1);
    if (kind != next)
        return kind < next;
    return lwi_label_at(snapshot, edge) <= lwi_label_at(snapshot, edge + 1);
}

static void read_row(const lw_snapshot *snapshot, uint64_t start, uint32_t count, row_room *room)
{
    for (uint32_t i = 0; i < count; i++) {
        row_edge *edge = &room->edges[i];
        edge->to = snapshot->rows.items[start + i];
        edge->kind = (uint32_t)lwi_kind_at(snapshot, start + i);
        edge->label = lwi_label_at(snapshot, start + i);
        room->ids[i] = i;
    }
}

static void sort_row(lw_snapshot *snapshot, uint64_t start, uint32_t count, row_room *room)
{
    uint64_t last = start + count - 1, at = start;
    while (at < last && in_order(snapshot, at))
        at++;
    if (at == last)
        return;
    read_row(snapshot, start, count, room);
    lwi_order_ids(room->ids, room->ids + room->width, count, by_edge, room->edges);
    for (uint32_t i = 0; i < count; i++) {
        const row_edge *edge = &room->edges[room->ids[i]];
        snapshot->rows.items[start + i] = edge->to;
        if (snapshot->kinds)
            put_kind(snapshot->kinds, start + i, edge->kind);
        if (snapshot->labels)
            snapshot->labels[start + i] = edge->label;
    }
}

static bool sort_rows(lw_snapshot *snapshot, uint32_t widest)
{
    lwi_mem *mem = &snapshot->mem;
    if (widest < 2)
        return true;
    row_room room = {.width = widest};
    size_t edges_size = lwi_array_size(widest, sizeof *room.edges);
    size_t ids_size = lwi_array_size((uint64_t)widest * 2, sizeof *room.ids);
    room.edges = lwi_resize(mem, NULL, 0, edges_size);
    room.ids = lwi_resize(mem, NULL, 0, ids_size);
    bool ready = room.edges && room.ids;
    for (lw_node node = 0; ready && node < snapshot->info.nodes; node++) {
        uint64_t start = lwi_row_start(&snapshot->rows, node);
        uint32_t count = (uint32_t)(lwi_row_end(&snapshot->rows, node) - start);
        if (count > 1)
            sort_row(snapshot, start, count, &room);
    }
    lwi_free(mem, room.edges, edges_size);
    lwi_free(mem, room.ids, ids_size);
    return ready;
}

/* --- all of it ----------------------------------------------------------------------------- */

static bool make_rows(lw_snapshot *snapshot)
{
    lwi_rows *rows = &snapshot->rows;
    uint32_t nodes = snapshot->info.nodes;
    rows->base = lwi_arena_zeros(&snapshot->arena, nodes / LWI_ROWS + 1, sizeof *rows->base);
    rows->end = lwi_arena_zeros(&snapshot->arena, nodes, sizeof *rows->end);
    return rows->base && rows->end;
}

static bool make_items(lw_snapshot *snapshot, bool labelled)
{
    uint64_t edges = snapshot->info.edges;
    lwi_arena *arena = &snapshot->arena;
    snapshot->rows.items = lwi_arena_array(arena, edges, sizeof(uint32_t));
    if (labelled)
        snapshot->labels = lwi_arena_array(arena, edges, sizeof(uint32_t));
    if (snapshot->edge_kinds & ~(1u << LW_EDGE_STRONG))
        snapshot->kinds = lwi_arena_zeros(arena, edges / 2 + 1, 1);
    return snapshot->rows.items && (!labelled || snapshot->labels) &&
           (snapshot->kinds || !(snapshot->edge_kinds & ~(1u << LW_EDGE_STRONG)));
}

lw_status lwi_build_edges(lwi_build *build, lw_error *error)
{
    lw_snapshot *snapshot = build->snapshot;
    bool labelled = false;
    uint32_t widest;
    bool ready = make_rows(snapshot);
    for (uint32_t i = 0; ready && i < build->count; i++) {
        labelled |= build->jobs[i].sink.labelled;
        ready = number_edges(build, &build->jobs[i]);
    }
    if (!ready)
        return lwi_progress_failed(&build->progress, "the edges of a snapshot", error);
    lw_status status = open_rows(snapshot, &widest, error);
    if (status != LW_OK)
        return status;
    ready = make_items(snapshot, labelled);
    for (uint32_t i = 0; ready && i < build->count; i++)
        place_edges(snapshot, &build->jobs[i]);
    for (uint32_t i = 0; ready && i < build->count; i++)
        lwi_place_bridges(snapshot, &build->jobs[i]);
    if (!ready || !sort_rows(snapshot, widest))
        return lwi_nomem(error, "the edges of a snapshot");
    return LW_OK;
}
