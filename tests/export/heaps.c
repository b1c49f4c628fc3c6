/* Writes random heaps as .heapsnapshot files and, beside each, what must be in it, worked out from
 * the model alone: nodes with what goes when they go, references, roots.
 *
 * usage: export_heaps FOLDER HEAPS [SEED] */
#include "../model/graph_model.h"

#include <inttypes.h>

static uint64_t external[NODES];

static const char *const edge_types[] = {"property", "property", "context", "internal"};

/* Sizes that do not fit the format's numbers, and some that just do. */
static uint64_t odd_size(void)
{
    static const uint64_t sizes[] = {0, 1, UINT32_MAX - 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                     (uint64_t)2 * UINT32_MAX, UINT64_C(20000000000)};
    return sizes[below((int)(sizeof sizes / sizeof *sizes))];
}

static void make_odd(struct model *model)
{
    const int odd = percent(50) ? 30 : 0;
    for (int i = 0; i < model->node_count; i++) {
        external[i] = percent(odd) ? odd_size() : percent(10) ? (uint64_t)below(5000) : 0;
        if (percent(odd))
            model->nodes[i].size = odd_size();
    }
}

/* ---- the file ---- */

static int push_all(lw_sink *sink, void *user)
{
    const struct host *host = user;
    for (int i = 0; i < host->model->node_count; i++) {
        if (host->model->nodes[i].runtime == host->runtime && external[i])
            lw_sink_external(sink, host->model->nodes[i].key, external[i]);
    }
    return push_model(sink, user);
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static lw_snapshot *take(struct model *model)
{
    struct host hosts[RUNTIMES] = {{model, 0}, {model, 1}};
    lw_context *context = NULL;
    lw_snapshot *snapshot = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_context_create(NULL, &context, NULL);
    for (int i = 0; i < RUNTIMES; i++) {
        lw_runtime *runtime;
        lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
        options.name = runtime_names[i];
        options.key_kind = model->opaque[i] ? LW_KEY_OPAQUE : LW_KEY_ADDRESS;
        options.enumerate = push_all;
        options.user = &hosts[i];
        lw_runtime_create(context, &options, &runtime, NULL);
    }
    if (lw_snapshot_take(context, NULL, &snapshot, &error) != LW_OK)
        fail("snapshot", error.message);
    lw_context_release(context);
    return snapshot;
}

static int to_file(const char *text, size_t length, void *user)
{
    return fwrite(text, 1, length, user) != length;
}

static FILE *open_file(const char *folder, int number, const char *suffix)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%d.%s", folder, number, suffix);
    FILE *file = fopen(path, "w");
    if (!file)
        fail(path, "cannot be written");
    return file;
}

static void write_heap(const lw_snapshot *snapshot, const char *folder, int number, int values)
{
    FILE *file = open_file(folder, number, "heapsnapshot");
    lw_error error = LW_ERROR_INIT;
    lw_export_options options = LW_EXPORT_OPTIONS_INIT;
    options.flags = values ? LW_EXPORT_VALUES : 0;
    if (lw_export_heapsnapshot(snapshot, &options, to_file, file, &error) != LW_OK)
        fail("export", error.message);
    fclose(file);
}

/* ---- what must be in it ---- */

/* Bytes held while `without` is not there; -1: it is. */
static uint64_t held_bytes(const struct model *model, int without, int *held)
{
    uint64_t bytes = 0;
    for (int i = 0; i < model->node_count; i++)
        held[i] = i != without && is_outside(model, i);
    for (int i = 0; i < model->root_count; i++)
        held[model->roots[i].node] = model->roots[i].node != without;
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < model->edge_count; i++) {
            const struct edge *edge = &model->edges[i];
            if (edge->to != without && held[edge->from] && !held[edge->to] &&
                edge_strengths[edge->kind] >= 0)
                held[edge->to] = changed = 1;
        }
    }
    for (int i = 0; i < model->node_count; i++)
        bytes += held[i] ? model->nodes[i].size + external[i] : 0;
    return bytes;
}

static void put_label(FILE *file, int label, int weak, int values)
{
    const int key = label > 0 && label < LABELS && label_texts[label].style == LW_LABEL_KEY;
    const char *type = label >= LABELS ? "element"
                       : label         ? edge_types[label_texts[label].style]
                                       : "hidden";
    if (weak)
        type = "weak";
    if (label >= LABELS && !weak)
        fprintf(file, "%s %d\n", type, label - LABELS);
    else if (label >= LABELS || (key && !values))
        fprintf(file, "%s [x]\n", type);
    else
        fprintf(file, "%s %s\n", type, label ? label_texts[label].text : "");
}

static void write_expected(const lw_snapshot *snapshot, const struct model *model,
                           const char *folder, int number, int values)
{
    FILE *file = open_file(folder, number, "expected");
    int held[NODES], rest[NODES];
    uint64_t id[NODES], all = held_bytes(model, -1, held);
    for (int i = 0; i < model->node_count; i++)
        id[i] = 2 + (uint64_t)node_of(snapshot, model, i);
    fprintf(file, "nodes %d\n", model->node_count);
    for (int i = 0; i < model->node_count; i++) {
        const struct node *node = &model->nodes[i];
        if (held[i])
            fprintf(file, "node %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", id[i],
                    node->size, external[i], all - held_bytes(model, i, rest),
                    type_names[node->type]);
        if (is_outside(model, i))
            fprintf(file, "outside %" PRIu64 "\n", id[i]);
    }
    for (int i = 0; i < model->edge_count; i++) {
        const struct edge *edge = &model->edges[i];
        if (!held[edge->from] || !held[edge->to])
            continue;
        fprintf(file, "edge %" PRIu64 " %" PRIu64 " ", id[edge->from], id[edge->to]);
        put_label(file, edge->label, edge_strengths[edge->kind] < 0, values);
    }
    for (int i = 0; i < model->root_count; i++) {
        const struct root *root = &model->roots[i];
        fprintf(file, "root %s:_%s %" PRIu64 " ", runtime_names[model->nodes[root->node].runtime],
                root_kinds[root->kind].name, id[root->node]);
        put_label(file, root->label, 0, values);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    static struct model model;
    const int heaps = argc > 2 ? atoi(argv[2]) : 0;
    if (heaps <= 0) {
        fprintf(stderr, "usage: export_heaps FOLDER HEAPS [SEED]\n");
        return 2;
    }
    seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 0x5eed;
    for (int number = 0; number < heaps; number++) {
        const int values = number % 2;
        make_model(&model);
        make_odd(&model);
        lw_snapshot *snapshot = take(&model);
        write_heap(snapshot, argv[1], number, values);
        write_expected(snapshot, &model, argv[1], number, values);
        lw_snapshot_release(snapshot);
    }
    return 0;
}
