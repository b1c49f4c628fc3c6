/* Everything that a snapshot says, as text: two that say the same are the same. */
#ifndef TESTS_SUPPORT_WHOLE_H
#define TESTS_SUPPORT_WHOLE_H

#include <leakwatch.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct whole {
    char *text;
    size_t used, room;
    const lw_snapshot *snapshot;
    uint64_t calls_failed; /* calls on it that should not have */
} whole;

static inline void whole_put(whole *to, const char *format, ...)
{
    va_list list;
    if (to->room - to->used < 4096) {
        to->room = to->room * 2 + 65536;
        to->text = realloc(to->text, to->room);
        if (!to->text)
            abort();
    }
    va_start(list, format);
    int length = vsnprintf(to->text + to->used, to->room - to->used, format, list);
    va_end(list);
    size_t left = to->room - to->used - 1;
    to->used += (size_t)length < left ? (size_t)length : left;
}

static inline void whole_expect(whole *to, lw_status status)
{
    to->calls_failed += status != LW_OK;
}

static inline int whole_edge(const lw_edge *edge, void *user)
{
    whole_put(user, " -%d-> %u %d:%u:%.3000s\n", (int)edge->kind, (unsigned)edge->to,
              (int)edge->label.style, (unsigned)edge->label.index, edge->label.text);
    return 0;
}

static inline int whole_member(lw_node node, void *user)
{
    whole_put(user, " %u", (unsigned)node);
    return 0;
}

/* All but what a file changes: our own bytes, flags. */
static inline void whole_info(whole *to)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    whole_expect(to, lw_snapshot_info_get(to->snapshot, &info, NULL));
    whole_put(to, "%u nodes %llu edges %llu size %llu external %llu epoch %u types %u roots\n",
              (unsigned)info.nodes, (unsigned long long)info.edges, (unsigned long long)info.size,
              (unsigned long long)info.external, (unsigned long long)info.epoch,
              (unsigned)info.types, (unsigned)info.roots);
    whole_put(to, "%u outside %u garbage %llu size %llu dangling %llu conflicts\n",
              (unsigned)info.outside, (unsigned)info.garbage,
              (unsigned long long)info.garbage_size, (unsigned long long)info.dangling,
              (unsigned long long)info.conflicts);
}

/* Where and when it was taken. */
static inline void whole_origin(whole *to)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    whole_expect(to, lw_snapshot_info_get(to->snapshot, &info, NULL));
    whole_put(to, "took %llu peak %llu at %llu in %llu %s \"%.3000s\"\n",
              (unsigned long long)info.took_ns, (unsigned long long)info.peak_bytes,
              (unsigned long long)info.taken_at, (unsigned long long)info.process, info.program,
              info.name);
}

static inline void whole_type(whole *to, uint32_t id)
{
    lw_type_info type = LW_TYPE_INFO_INIT;
    whole_expect(to, lw_snapshot_type_get(to->snapshot, id, &type, NULL));
    whole_put(to, "type %.3000s %s %llx %u: %llu of %llu, %llu garbage:", type.name, type.runtime,
              (unsigned long long)type.key, (unsigned)type.flags, (unsigned long long)type.count,
              (unsigned long long)type.size, (unsigned long long)type.garbage);
    whole_expect(to, lw_node_each(to->snapshot, id, whole_member, to, NULL));
    whole_put(to, "\n");
}

static inline void whole_frames(whole *to, lw_node node, uint32_t count)
{
    for (uint32_t level = 0; level < count; level++) {
        lw_frame frame = LW_FRAME_INIT;
        whole_expect(to, lw_node_frame_get(to->snapshot, node, level, &frame, NULL));
        whole_put(to, " at %.1500s:%u %.1500s %u\n", frame.file ? frame.file : "-",
                  (unsigned)frame.line, frame.function ? frame.function : "-",
                  (unsigned)frame.flags);
    }
}

static inline void whole_node(whole *to, lw_node node)
{
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_node found = LW_NODE_NONE, none = 0;
    whole_expect(to, lw_node_info_get(to->snapshot, node, &info, NULL));
    whole_put(to, "node %u %s %llx type %u flags %u size %llu bytes %llu external %llu epoch %llu "
                  "references %llu\n",
              (unsigned)node, info.runtime, (unsigned long long)info.key, (unsigned)info.type,
              (unsigned)info.flags, (unsigned long long)info.size,
              (unsigned long long)info.bytes, (unsigned long long)info.external,
              (unsigned long long)info.epoch, (unsigned long long)info.references);
    lw_status status = info.runtime
                           ? lw_node_find(to->snapshot, info.runtime, info.key, &found, NULL)
                           : LW_OK;
    lw_status missing = info.runtime
                            ? lw_node_find(to->snapshot, info.runtime, info.key + 1, &none, NULL)
                            : LW_OK;
    whole_put(to, " found %d %u, next %d %u\n", (int)status, (unsigned)found, (int)missing,
              (unsigned)none);
    whole_frames(to, node, info.frames);
    whole_expect(to, lw_edge_each(to->snapshot, node, whole_edge, to, NULL));
}

static inline void whole_path(whole *to, const lw_paths *paths, uint32_t index)
{
    lw_path path = LW_PATH_INIT;
    whole_expect(to, lw_path_get(paths, index, &path, NULL));
    whole_put(to, "path %.1500s %d:%u:%.1500s %u %u %u to %u\n", path.root_kind,
              (int)path.root_label.style, (unsigned)path.root_label.index, path.root_label.text,
              (unsigned)path.asker, (unsigned)path.outside, (unsigned)path.first,
              (unsigned)path.target);
    for (uint32_t i = 0; i < path.steps; i++) {
        lw_edge edge = LW_EDGE_INIT;
        whole_expect(to, lw_path_step_get(paths, index, i, &edge, NULL));
        whole_edge(&edge, to);
    }
}

static inline void whole_paths(whole *to, lw_node node)
{
    lw_paths *paths = NULL;
    lw_paths_options options = LW_PATHS_OPTIONS_INIT;
    options.limit = 3;
    whole_expect(to, lw_paths_find((lw_snapshot *)to->snapshot, &node, 1, &options, &paths, NULL));
    for (uint32_t i = 0; i < lw_paths_count(paths); i++)
        whole_path(to, paths, i);
    lw_paths_release(paths);
}

static inline void whole_snapshot(whole *to, const lw_snapshot *snapshot)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    to->snapshot = snapshot;
    whole_info(to);
    lw_snapshot_info_get(snapshot, &info, NULL);
    for (uint32_t i = 0; i < info.types; i++)
        whole_type(to, i);
    for (lw_node i = 0; i < info.nodes; i++)
        whole_node(to, i);
    for (lw_node i = 0; i < info.nodes; i++)
        whole_paths(to, i);
}

static inline void whole_diff(whole *to, lw_snapshot *base, lw_snapshot *target)
{
    lw_diff *diff = NULL;
    lw_diff_info info = LW_DIFF_INFO_INIT;
    lw_status status = lw_diff_create(base, target, &diff, NULL);
    whole_put(to, "diff %d\n", (int)status);
    if (status != LW_OK)
        return;
    whole_expect(to, lw_diff_info_get(diff, &info, NULL));
    for (uint32_t i = 0; i < info.rows; i++) {
        lw_diff_row row = LW_DIFF_ROW_INIT;
        whole_expect(to, lw_diff_row_get(diff, i, &row, NULL));
        whole_put(to, "%.3000s %s +%lld +%lld, survived %llu:", row.name, row.runtime,
                  (long long)row.count_diff, (long long)row.size_diff,
                  (unsigned long long)row.survived);
        for (int32_t set = LW_DIFF_CREATED; set <= LW_DIFF_SURVIVED; set++)
            whole_expect(to, lw_diff_each(diff, i, set, whole_member, to, NULL));
        whole_put(to, "\n");
    }
    lw_diff_release(diff);
}

static inline int whole_equal(const whole *a, const whole *b)
{
    return a->used == b->used && memcmp(a->text, b->text, a->used) == 0 && !a->calls_failed &&
           !b->calls_failed;
}

static inline void whole_free(whole *it)
{
    free(it->text);
    memset(it, 0, sizeof *it);
}

#endif
