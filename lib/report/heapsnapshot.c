/* Snapshots as DevTools and memlab read them. The loaders take much on trust: keys in this order,
 * counts that agree, the root first, a node's references right after those of the node before it,
 * every number below 2^32. Nothing is kept but where held nodes and roots come in the file. */
#include "base/error.h"
#include "base/structs.h"
#include "report/json.h"
#include "report/text.h"
#include "snapshot/snapshot.h"
#include "snapshot/strength.h"

#include <string.h>

static const char *const node_fields[] = {"type", "name", "id", "self_size", "edge_count", NULL};
static const char *const node_types[] = {"synthetic", "object", "native", NULL};
static const char *const edge_fields[] = {"type", "name_or_index", "to_node", NULL};
static const char *const edge_types[] = {"element", "property", "context", "internal",
                                         "hidden",  "weak",     NULL};

enum { SYNTHETIC, OBJECT, NATIVE, NODE_FIELDS = 5 };
enum { ELEMENT, PROPERTY, CONTEXT, INTERNAL, HIDDEN, WEAK, EDGE_FIELDS = 3 };
enum { LINES = 1 << 20 }; /* written between two calls of `progress` */

/* The first strings; behind them come the names of root kinds, of types and of labels. */
enum { EMPTY, OUTSIDE, MORE, EXTERNAL, SOME_KEY, FIXED };
static const char *const fixed[FIXED] = {"", "(held from outside)", "(more of it)",
                                         "(external memory)", "[x]"};

typedef struct file {
    lwi_out out;
    lwi_json json;
    const lw_snapshot *snapshot;
    lw_export_options options;
    lwi_mem mem;
    uint32_t *before;      /* held nodes before each word of the garbage bits; NULL: all are */
    uint32_t *roots_end;   /* by kind: where its roots end in `roots` */
    uint32_t *roots;       /* by kind, then as in the snapshot */
    uint64_t first;        /* what comes before the nodes: the root, its kinds, "outside" */
    uint64_t held, parts;  /* nodes; then what hangs on them: see parts_of() */
    uint64_t edges;
    uint64_t lines, total; /* of this phase */
    const char *phase;
    bool cancelled;
} file;

/* ---- what is in the file ---- */

static uint64_t rank(const file *file, lw_node node)
{
    if (!file->before)
        return node;
    uint64_t below = (UINT64_C(1) << node % 64) - 1;
    return file->before[node / 64] +
           lwi_bits_count(~file->snapshot->garbage[node / 64] & below);
}

/* Held nodes in their order, with what few of them have. */
typedef struct walk {
    lw_node node;
    uint32_t rare;     /* the next of snapshot->external */
    uint64_t size, external;
} walk;

static const walk walk_start = {.node = UINT32_MAX};

static bool next_held(const file *file, walk *walk)
{
    const lwi_rares *rares = &file->snapshot->external;
    do
        walk->node++;
    while (walk->node < file->snapshot->info.nodes && lwi_is_garbage(file->snapshot, walk->node));
    if (walk->node >= file->snapshot->info.nodes)
        return false;
    while (walk->rare < rares->count && rares->items[walk->rare].node < walk->node)
        walk->rare++;
    walk->size = lwi_shape_at(file->snapshot, walk->node)->size;
    walk->external = 0;
    if (walk->rare < rares->count && rares->items[walk->rare].node == walk->node)
        walk->external = rares->items[walk->rare].value;
    return true;
}

/* A self size is a 32-bit number: more of a node hangs on it as nodes of their own, which it alone
 * holds, and so do its external bytes. */
static uint64_t more_of(const walk *walk)
{
    return walk->size ? (walk->size - 1) / UINT32_MAX : 0;
}

static uint64_t external_of(const walk *walk)
{
    return walk->external / UINT32_MAX + (walk->external % UINT32_MAX != 0);
}

static uint64_t parts_of(const walk *walk)
{
    return more_of(walk) + external_of(walk);
}

/* A held node may refer to garbage weakly; what is not in the file has no number. */
static uint64_t edges_of(const file *file, lw_node node)
{
    const lwi_rows *rows = &file->snapshot->rows;
    uint64_t start = lwi_row_start(rows, node), end = lwi_row_end(rows, node), count = end - start;
    for (uint64_t edge = start; edge < end && file->before; edge++)
        count -= lwi_is_garbage(file->snapshot, rows->items[edge]);
    return count;
}

static uint64_t roots_of(const file *file, uint32_t kind)
{
    return file->roots_end[kind] - (kind ? file->roots_end[kind - 1] : 0);
}

/* ---- getting ready ---- */

static void order_roots(file *file)
{
    const lw_snapshot *snapshot = file->snapshot;
    uint32_t start = 0;
    for (uint32_t i = 0; i < snapshot->info.roots; i++)
        file->roots_end[snapshot->roots[i].kind]++;
    for (uint32_t kind = 0; kind < snapshot->root_kind_count; kind++) {
        uint32_t count = file->roots_end[kind];
        file->roots_end[kind] = start;
        start += count;
    }
    for (uint32_t i = 0; i < snapshot->info.roots; i++)
        file->roots[file->roots_end[snapshot->roots[i].kind]++] = i;
}

static void count_held(file *file)
{
    const lw_snapshot *snapshot = file->snapshot;
    uint32_t held = 0;
    for (uint64_t word = 0; file->before && word < lwi_bits_words(snapshot->info.nodes); word++) {
        file->before[word] = held;
        held += 64 - lwi_bits_count(snapshot->garbage[word]);
    }
}

static void count_all(file *file)
{
    const lw_snapshot *snapshot = file->snapshot;
    uint64_t groups = snapshot->root_kind_count + (uint64_t)(snapshot->outside.count != 0);
    file->first = 1 + groups;
    file->edges = groups + snapshot->info.roots + snapshot->outside.count;
    for (walk walk = walk_start; next_held(file, &walk);) {
        file->held++;
        file->parts += parts_of(&walk);
        file->edges += edges_of(file, walk.node) + parts_of(&walk);
    }
}

static size_t before_size(const file *file)
{
    return lwi_array_size(lwi_bits_words(file->snapshot->info.nodes), sizeof *file->before);
}

static void close_file(file *file)
{
    const lw_snapshot *snapshot = file->snapshot;
    lwi_free(&file->mem, file->before, before_size(file));
    lwi_free(&file->mem, file->roots, lwi_array_size(snapshot->info.roots, sizeof *file->roots));
    lwi_free(&file->mem, file->roots_end,
             lwi_array_size(snapshot->root_kind_count, sizeof *file->roots_end));
}

static lw_status open_file(file *file, lw_error *error)
{
    const lw_snapshot *snapshot = file->snapshot;
    const size_t roots = lwi_array_size(snapshot->info.roots, sizeof *file->roots);
    const size_t kinds = lwi_array_size(snapshot->root_kind_count, sizeof *file->roots_end);
    lwi_mem_init(&file->mem, snapshot->mem.allocator, snapshot->mem.allocator);
    if (snapshot->info.garbage)
        file->before = lwi_alloc(&file->mem, before_size(file));
    if (roots)
        file->roots = lwi_alloc(&file->mem, roots);
    if (kinds)
        file->roots_end = lwi_alloc(&file->mem, kinds);
    if ((snapshot->info.garbage && !file->before) || (roots && !file->roots) ||
        (kinds && !file->roots_end))
        return lwi_nomem(error, "an export");
    order_roots(file);
    count_held(file);
    count_all(file);
    uint64_t nodes = file->first + file->held + file->parts;
    if (nodes > UINT32_MAX / NODE_FIELDS || file->edges > UINT32_MAX / EDGE_FIELDS)
        return lwi_fail(error, LW_E_LIMIT,
                        "%llu nodes and %llu references: a .heapsnapshot holds %u and %u",
                        (unsigned long long)nodes, (unsigned long long)file->edges,
                        (unsigned)(UINT32_MAX / NODE_FIELDS), (unsigned)(UINT32_MAX / EDGE_FIELDS));
    return LW_OK;
}

/* ---- writing ---- */

/* Whether to go on; so answers all that writes lines. */
static bool tell(file *file)
{
    if (file->lines % LINES == 0 && file->options.progress)
        file->cancelled |= file->options.progress(file->phase, file->lines, file->total,
                                                  file->options.user) != 0;
    return !file->out.failed && !file->cancelled;
}

static bool begin_phase(file *file, const char *phase, uint64_t total)
{
    file->phase = phase;
    file->lines = 0;
    file->total = total;
    lwi_json_array(&file->json, phase);
    return tell(file);
}

static bool end_line(file *file)
{
    lwi_out_bytes(&file->out, "\n", 1);
    file->lines++;
    return tell(file);
}

static bool put_node(file *file, uint32_t type, uint64_t name, uint64_t id, uint64_t size,
                     uint64_t edges)
{
    const uint64_t fields[NODE_FIELDS] = {type, name, id, size, edges};
    for (int i = 0; i < NODE_FIELDS; i++)
        lwi_json_unsigned(&file->json, NULL, fields[i]);
    return end_line(file);
}

static bool put_edge(file *file, uint32_t type, uint64_t name_or_index, uint64_t ordinal)
{
    lwi_json_unsigned(&file->json, NULL, type);
    lwi_json_unsigned(&file->json, NULL, name_or_index);
    lwi_json_unsigned(&file->json, NULL, ordinal * NODE_FIELDS);
    return end_line(file);
}

static void put_names(lwi_json *json, const char *const *names)
{
    for (; *names; names++)
        lwi_json_string(json, NULL, *names);
}

/* The fields and, per field, what its numbers are. */
static void put_meta(lwi_json *json, const char *key, const char *const *fields, const char *types,
                     const char *const *names, const char *const *kinds)
{
    lwi_json_array(json, key);
    put_names(json, fields);
    lwi_json_array_end(json);
    lwi_json_array(json, types);
    lwi_json_array(json, NULL);
    put_names(json, names);
    lwi_json_array_end(json);
    put_names(json, kinds);
    lwi_json_array_end(json);
}

static void put_head(file *file)
{
    static const char *const of_nodes[] = {"string", "number", "number", "number", NULL};
    static const char *const of_edges[] = {"string_or_number", "node", NULL};
    lwi_json *json = &file->json;
    lwi_json_object(json, "snapshot");
    lwi_json_object(json, "meta");
    put_meta(json, "node_fields", node_fields, "node_types", node_types, of_nodes);
    put_meta(json, "edge_fields", edge_fields, "edge_types", edge_types, of_edges);
    lwi_json_object_end(json);
    lwi_json_unsigned(json, "node_count", file->first + file->held + file->parts);
    lwi_json_unsigned(json, "edge_count", file->edges);
    lwi_json_unsigned(json, "trace_function_count", 0);
    lwi_json_object_end(json);
}

/* DevTools gives an object that is called Object the name of its properties, and memlab takes one
 * that is called Object(...) for Hermes's: neither looks at native nodes. */
static uint32_t node_type(const char *name)
{
    return strcmp(name, "Object") == 0 || strncmp(name, "Object(", 7) == 0 ? NATIVE : OBJECT;
}

/* The self size of one of the parts that `bytes` make: all are full but the last. */
static uint64_t part_size(uint64_t bytes, uint64_t part)
{
    uint64_t left = bytes - part * UINT32_MAX;
    return left < UINT32_MAX ? left : UINT32_MAX;
}

static bool put_groups(file *file, uint64_t *id)
{
    const lw_snapshot *snapshot = file->snapshot;
    bool more = put_node(file, SYNTHETIC, EMPTY, 1, 0, file->first - 1);
    for (uint32_t kind = 0; more && kind < snapshot->root_kind_count; kind++)
        more = put_node(file, SYNTHETIC, FIXED + kind, (*id)++, 0, roots_of(file, kind));
    if (more && snapshot->outside.count)
        more = put_node(file, SYNTHETIC, OUTSIDE, (*id)++, 0, snapshot->outside.count);
    return more;
}

static bool put_parts(file *file, const walk *walk, uint64_t *id)
{
    bool more = true;
    for (uint64_t i = 0; more && i < more_of(walk); i++)
        more = put_node(file, SYNTHETIC, MORE, (*id)++, part_size(walk->size, i + 1), 0);
    for (uint64_t i = 0; more && i < external_of(walk); i++)
        more = put_node(file, NATIVE, EXTERNAL, (*id)++, part_size(walk->external, i), 0);
    return more;
}

static bool put_nodes(file *file)
{
    const lw_snapshot *snapshot = file->snapshot;
    uint64_t id = 2 + (uint64_t)snapshot->info.nodes; /* 1 is the root, then come the nodes */
    bool more = begin_phase(file, "nodes", file->first + file->held + file->parts) &&
                put_groups(file, &id);
    for (walk walk = walk_start; more && next_held(file, &walk);) {
        uint32_t type = lwi_shape_at(snapshot, walk.node)->type;
        more = put_node(file, node_type(snapshot->types[type].name),
                        (uint64_t)FIXED + snapshot->root_kind_count + type,
                        2 + (uint64_t)walk.node, part_size(walk.size, 0),
                        edges_of(file, walk.node) + parts_of(&walk));
    }
    for (walk walk = walk_start; file->parts && more && next_held(file, &walk);)
        more = put_parts(file, &walk, &id);
    lwi_json_array_end(&file->json);
    return more;
}

static uint64_t string_of(const file *file, uint32_t label)
{
    bool key = file->snapshot->names[label].style == LW_LABEL_KEY;
    if (key && !(file->options.flags & LW_EXPORT_VALUES))
        return SOME_KEY;
    return (uint64_t)FIXED + file->snapshot->root_kind_count + file->snapshot->info.types + label;
}

/* `place` stands for a name where there is none. */
static bool put_labelled(file *file, bool weak, uint32_t label, uint64_t place, uint64_t ordinal)
{
    static const uint32_t types[] = {
        [LW_LABEL_ATTRIBUTE] = PROPERTY,
        [LW_LABEL_KEY] = PROPERTY,
        [LW_LABEL_VARIABLE] = CONTEXT,
        [LW_LABEL_INTERNAL] = INTERNAL,
    };
    const bool index = label & LW_LABEL_INDEX(0);
    if (weak) /* these take no index */
        return put_edge(file, WEAK, index ? SOME_KEY : label ? string_of(file, label) : EMPTY,
                        ordinal);
    if (index)
        return put_edge(file, ELEMENT, label & ~LW_LABEL_INDEX(0), ordinal);
    if (!label)
        return put_edge(file, HIDDEN, place, ordinal);
    return put_edge(file, types[file->snapshot->names[label].style], string_of(file, label),
                    ordinal);
}

static bool put_root_edges(file *file)
{
    const lw_snapshot *snapshot = file->snapshot;
    bool more = true;
    for (uint64_t i = 1; more && i < file->first; i++)
        more = put_edge(file, ELEMENT, i, i);
    for (uint32_t i = 0; more && i < snapshot->info.roots; i++) {
        const lwi_root *root = &snapshot->roots[file->roots[i]];
        more = put_labelled(file, false, root->label, i, file->first + rank(file, root->node));
    }
    for (uint32_t i = 0; more && i < snapshot->outside.count; i++)
        more = put_edge(file, HIDDEN, i, file->first + rank(file, snapshot->outside.items[i].node));
    return more;
}

static bool put_node_edges(file *file, lw_node node)
{
    const lw_snapshot *snapshot = file->snapshot;
    const uint64_t start = lwi_row_start(&snapshot->rows, node);
    const uint64_t end = lwi_row_end(&snapshot->rows, node);
    bool more = true;
    for (uint64_t edge = start; more && edge < end; edge++) {
        lw_node to = snapshot->rows.items[edge];
        if (file->before && lwi_is_garbage(snapshot, to))
            continue;
        more = put_labelled(file, !lwi_edge_retains(lwi_kind_at(snapshot, edge)),
                            lwi_label_at(snapshot, edge), edge - start,
                            file->first + rank(file, to));
    }
    return more;
}

static bool put_edges(file *file)
{
    uint64_t part = file->first + file->held;
    bool more = begin_phase(file, "edges", file->edges) && put_root_edges(file);
    for (walk walk = walk_start; more && next_held(file, &walk);) {
        more = put_node_edges(file, walk.node);
        for (uint64_t i = 0; more && i < parts_of(&walk); i++)
            more = put_edge(file, INTERNAL, i < more_of(&walk) ? MORE : EXTERNAL, part++);
    }
    lwi_json_array_end(&file->json);
    return more;
}

static bool put_string(file *file, const char *text)
{
    lwi_json_string(&file->json, NULL, text);
    return end_line(file);
}

/* With the runtime in front no name is one that a viewer knows and treats as its own. */
static bool put_kind(file *file, const lwi_root_kind *kind)
{
    lwi_text text;
    lwi_text_init(&text, false);
    lwi_text_put(&text, "(");
    lwi_text_name(&text, file->snapshot->parts[kind->part].name);
    lwi_text_put(&text, ": ");
    lwi_text_name(&text, kind->name);
    lwi_text_put(&text, ")");
    return put_string(file, text.bytes);
}

static void put_strings(file *file)
{
    const lw_snapshot *snapshot = file->snapshot;
    const bool values = file->options.flags & LW_EXPORT_VALUES;
    bool more = begin_phase(file, "strings", (uint64_t)FIXED + snapshot->root_kind_count +
                                                 snapshot->info.types + snapshot->name_count);
    for (uint32_t i = 0; more && i < FIXED; i++)
        more = put_string(file, fixed[i]);
    for (uint32_t i = 0; more && i < snapshot->root_kind_count; i++)
        more = put_kind(file, &snapshot->root_kinds[i]);
    for (uint32_t i = 0; more && i < snapshot->info.types; i++)
        more = put_string(file, snapshot->types[i].name);
    for (uint32_t i = 0; more && i < snapshot->name_count; i++) {
        const lwi_name *name = &snapshot->names[i];
        bool shown = name->text && (values || name->style != LW_LABEL_KEY);
        more = put_string(file, shown ? name->text : "");
    }
    lwi_json_array_end(&file->json);
}

static lw_status write_file(file *file, lw_error *error)
{
    file->json = (lwi_json){&file->out, 0, 0};
    lwi_json_object(&file->json, NULL);
    put_head(file);
    if (put_nodes(file) && put_edges(file))
        put_strings(file);
    lwi_json_object_end(&file->json);
    lwi_out_bytes(&file->out, "\n", 1);
    if (file->cancelled)
        return lwi_fail(error, LW_E_CANCELLED,
                        "the export is cut short among its %s: the progress callback said stop",
                        file->phase);
    return LW_OK;
}

static lw_status check_options(file *file, const lw_export_options *options, lw_error *error)
{
    const uint32_t known = LW_EXPORT_VALUES;
    lw_status status = lwi_take(&file->options, sizeof file->options, options, "lw_export_options",
                                error);
    if (status == LW_OK && file->options.flags & ~known)
        return lwi_fail(error, LW_E_INVALID,
                        "lw_export_options.flags is 0x%x: this version knows the bits 0x%x only",
                        (unsigned)file->options.flags, (unsigned)known);
    return status;
}

lw_status lw_export_heapsnapshot(const lw_snapshot *snapshot, const lw_export_options *options,
                                 lw_write_fn write, void *user, lw_error *error)
{
    /* Readers decode the bytes in pieces, some without care for what a cut leaves of a letter. */
    lw_report_options ascii = LW_REPORT_OPTIONS_INIT;
    file file = {.snapshot = snapshot};
    ascii.flags = LW_REPORT_ASCII;
    lw_status status = lwi_snapshot_check(snapshot, error);
    if (status == LW_OK)
        status = check_options(&file, options, error);
    if (status == LW_OK)
        status = lwi_out_open(&file.out, &ascii, write, user, error);
    if (status != LW_OK)
        return status;
    status = open_file(&file, error);
    if (status == LW_OK)
        status = lwi_out_close(&file.out, write_file(&file, error), error);
    close_file(&file);
    return status;
}
