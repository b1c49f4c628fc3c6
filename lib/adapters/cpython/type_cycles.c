/* Cycles: garbage that holds itself, and the reference to break. */
#include "results.h"
#include "view.h"

#include <stdlib.h>

static void release(void *handle)
{
    lw_cycles_release(handle);
}

static Py_ssize_t count_cycles(const lwpy_view *view)
{
    return lw_cycles_count(view->handle);
}

/* How many nodes of a cycle are of which type. */
struct kinds {
    lw_snapshot *taken;
    uint64_t *counts; /* by type */
};

struct kind {
    const char *name;
    uint64_t count;
};

static int add_node(lw_node node, void *user)
{
    struct kinds *kinds = user;
    lw_node_info info = LW_NODE_INFO_INIT;
    lw_node_info_get(kinds->taken, node, &info, NULL);
    kinds->counts[info.type]++;
    return 0;
}

static int by_count(const void *left, const void *right)
{
    const struct kind *one = left, *other = right;
    if (one->count != other->count)
        return one->count < other->count ? 1 : -1;
    return strcmp(one->name, other->name);
}

static PyObject *pairs_of(const struct kind *kinds, uint32_t count)
{
    PyObject *pairs = PyTuple_New(count);
    for (uint32_t i = 0; pairs && i < count; i++) {
        PyObject *pair = Py_BuildValue("(NK)", lwpy_string(kinds[i].name),
                                       (unsigned long long)kinds[i].count);
        if (pair) {
            PyObject_GC_UnTrack(pair);
            PyTuple_SET_ITEM(pairs, i, pair);
        } else {
            Py_CLEAR(pairs);
        }
    }
    if (pairs)
        PyObject_GC_UnTrack(pairs); /* nothing in it refers to it */
    return pairs;
}

static PyObject *types_of(const lwpy_view *view, uint32_t index)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(view->snapshot, &info, NULL);
    struct kinds kinds = {view->snapshot, PyMem_RawCalloc(info.types + 1, sizeof *kinds.counts)};
    struct kind *rows = PyMem_RawCalloc(info.types + 1, sizeof *rows);
    uint32_t count = 0;
    PyObject *pairs = NULL;
    if (kinds.counts && rows) {
        lw_cycle_each(view->handle, index, add_node, &kinds, NULL);
        for (uint32_t i = 0; i < info.types; i++) {
            lw_type_info type = LW_TYPE_INFO_INIT;
            if (!kinds.counts[i])
                continue;
            lw_snapshot_type_get(view->snapshot, i, &type, NULL);
            rows[count++] = (struct kind){type.name, kinds.counts[i]};
        }
        qsort(rows, count, sizeof *rows, by_count);
        pairs = pairs_of(rows, count);
    } else {
        PyErr_NoMemory();
    }
    PyMem_RawFree(kinds.counts);
    PyMem_RawFree(rows);
    return pairs;
}

static PyObject *cycle_new(const lwpy_view *view, Py_ssize_t index)
{
    lw_cycle cycle = LW_CYCLE_INIT;
    lw_error error = LW_ERROR_INIT;
    if (lw_cycle_get(view->handle, (uint32_t)index, &cycle, &error) != LW_OK)
        return lwpy_raise(&error);
    return lwpy_record_new(
        LWPY_CYCLE, 9, PyLong_FromUnsignedLongLong(cycle.nodes),
        PyLong_FromUnsignedLongLong(cycle.bytes), PyLong_FromUnsignedLongLong(cycle.frees_nodes),
        PyLong_FromUnsignedLongLong(cycle.frees),
        lwpy_node_type(view->snapshot, cycle.back.from), lwpy_label_string(&cycle.back.label),
        lwpy_node_type(view->snapshot, cycle.back.to), PyLong_FromUnsignedLong(cycle.back_edges),
        types_of(view, (uint32_t)index));
}

/* --- reports ------------------------------------------------------------------------------- */

enum { CYCLES_SHOWN = 10, TYPES_SHOWN = 4 };

static void write_cycle(struct lwpy_text *text, const lw_cycle *cycle, PyObject *record)
{
    PyObject *const *fields = ((lwpy_record *)record)->fields;
    const char *holder = lwpy_words(fields[4]), *label = lwpy_words(fields[5]);
    const char *type = lwpy_words(fields[6]);
    PyObject *types = fields[8];
    lwpy_text_counted(text, cycle->nodes, "object");
    lwpy_text_format(text, ", ");
    lwpy_text_size(text, cycle->bytes);
    lwpy_text_format(text, ":");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(types) && i < TYPES_SHOWN; i++) {
        PyObject *pair = PyTuple_GET_ITEM(types, i);
        lwpy_text_format(text, "%s %llu %s", i ? "," : "",
                         PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(pair, 1)),
                         lwpy_words(PyTuple_GET_ITEM(pair, 0)));
    }
    if (PyTuple_GET_SIZE(types) > TYPES_SHOWN)
        lwpy_text_format(text, ", and more");
    lwpy_text_format(text, "\n  break %s of %s -> %s", label, holder, type);
    if (cycle->back_edges > 1)
        lwpy_text_format(text, " (and %u more references)", (unsigned)cycle->back_edges - 1);
    lwpy_text_format(text, "\n  frees ");
    lwpy_text_size(text, cycle->frees);
    lwpy_text_format(text, " in ");
    lwpy_text_counted(text, cycle->frees_nodes, "object");
    lwpy_text_format(text, "\n");
}

static lw_status report(const lwpy_view *view, const lw_report_options *options,
                        struct lwpy_text *text, lw_error *error)
{
    (void)error;
    bool json = options->format == LW_FORMAT_JSON;
    uint32_t count = lw_cycles_count(view->handle), shown = count;
    if (!json && !(options->flags & LW_REPORT_ALL) && shown > CYCLES_SHOWN)
        shown = CYCLES_SHOWN;
    if (json) {
        lwpy_text_format(text, "{\"report\": \"cycles\", \"format\": 1, \"cycles\": [");
    } else if (count == 0) {
        lwpy_text_format(text, "no cycles of garbage");
    } else {
        lwpy_text_counted(text, count, "cycle");
        lwpy_text_format(text, " of garbage\n");
    }
    for (uint32_t i = 0; i < shown && !text->failed; i++) {
        lw_cycle cycle = LW_CYCLE_INIT;
        PyObject *record = cycle_new(view, i);
        lw_cycle_get(view->handle, i, &cycle, NULL);
        text->failed = text->failed || !record;
        if (record && json) {
            lwpy_text_format(text, i ? ", " : "");
            lwpy_text_json(text, record);
        } else if (record) {
            write_cycle(text, &cycle, record);
        }
        Py_XDECREF(record);
    }
    if (json)
        lwpy_text_format(text, "]}");
    else if (shown < count)
        lwpy_text_format(text, "and %u more: text(all=True)\n", (unsigned)(count - shown));
    return LW_OK;
}

static const struct lwpy_view_class cycles_class = {LWPY_CYCLES, "cycle",      release,
                                                    report,      count_cycles, cycle_new};

PyObject *lwpy_snapshot_cycles(PyObject *self, PyObject *unused)
{
    (void)unused;
    lw_snapshot *taken = lwpy_snapshot_get(self);
    lw_error error = LW_ERROR_INIT;
    lw_cycles *found = NULL;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *cycles = lw_cycles_create(taken, &found, &error) == LW_OK
                           ? lwpy_view_new(&cycles_class, found, taken, NULL)
                           : lwpy_raise(&error);
    lwpy_quiet_end(&quiet);
    return cycles;
}

static PyType_Slot cycles_slots[] = {
    {Py_tp_doc, "Cycles of garbage, a sequence: most bytes first. print() it."},
    LWPY_VIEW_SLOTS(lwpy_view_free, lwpy_view_repr),
    {0, NULL},
};

PyType_Spec lwpy_cycles_spec = {"leakwatch.Cycles", sizeof(lwpy_view), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                cycles_slots};

static PyMemberDef cycle_fields[] = {
    LWPY_FIELD(0, "count", "objects of the cycle"),
    LWPY_FIELD(1, "size", "their bytes"),
    LWPY_FIELD(2, "frees_count", "garbage that goes with it, itself included"),
    LWPY_FIELD(3, "frees_size", "the bytes of that"),
    LWPY_FIELD(4, "holder", "the reference to break: name of the type of what refers"),
    LWPY_FIELD(5, "label", "how the holder names it: '.attribute', '[0]', \"['key']\""),
    LWPY_FIELD(6, "type", "name of the type of what it refers to"),
    LWPY_FIELD(7, "back_edges", "1: without this reference no cycle is left; else so many "
                                "suffice, this one among them"),
    LWPY_FIELD(8, "types", "pairs of a type's name and how many it has of it, most first"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot cycle_slots[] = {
    {Py_tp_doc, "One cycle of garbage: objects that nothing holds but they each other."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, cycle_fields},
    {0, NULL},
};

PyType_Spec lwpy_cycle_spec = {"leakwatch.Cycle", LWPY_RECORD_SIZE(9), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                               cycle_slots};
