/* Referrers: all that holds some objects, as a tree of holders that are alike. */
#include "results.h"
#include "view.h"

static void release(void *referrers)
{
    lw_referrers_release(referrers);
}

static lw_status report(const lwpy_view *view, const lw_report_options *options,
                        struct lwpy_text *text, lw_error *error)
{
    return lw_report_referrers(view->handle, options, lwpy_text_write, text, error);
}

static Py_ssize_t count_rows(const lwpy_view *view)
{
    return lw_referrers_count(view->handle);
}

static PyObject *row_new(const lwpy_view *view, Py_ssize_t index)
{
    lw_referrer row = LW_REFERRER_INIT;
    lw_error error = LW_ERROR_INIT;
    if (lw_referrer_get(view->handle, (uint32_t)index, &row, &error) != LW_OK)
        return lwpy_raise(&error);
    bool rest = row.flags & LW_REFERRER_REST;
    return lwpy_record_new(
        LWPY_REFERRER, 12, PyLong_FromUnsignedLong(row.depth), lwpy_string(row.type),
        lwpy_label_string(&row.label), rest ? lwpy_string("") : lwpy_edge_kind(row.kind),
        PyLong_FromUnsignedLongLong(row.holders), PyLong_FromUnsignedLongLong(row.held),
        PyLong_FromUnsignedLongLong(row.references), PyLong_FromUnsignedLongLong(row.rooted),
        row.rooted ? lwpy_root_string(row.root_kind, &row.root_label) : lwpy_string(""),
        PyLong_FromUnsignedLongLong(row.cyclic), PyBool_FromLong(row.flags & LW_REFERRER_CUT),
        PyLong_FromUnsignedLong(rest ? row.rows : 0));
}

static const struct lwpy_view_class referrers_class = {
    LWPY_REFERRERS, "row", release, report, count_rows, row_new};

static PyObject *referrers_of(PyObject *snapshot, const struct lwpy_asked *asked,
                              const lw_referrers_options *options)
{
    struct lwpy_targets targets;
    lw_error error = LW_ERROR_INIT;
    lw_referrers *found = NULL;
    lw_snapshot *taken = lwpy_snapshot_get(snapshot);
    if (lwpy_targets_find(snapshot, asked, &targets) < 0)
        return NULL;
    PyObject *self = NULL;
    if (targets.count && lw_referrers_create(taken, targets.nodes, targets.count, options, &found,
                                             &error) != LW_OK)
        lwpy_raise(&error);
    else
        self = lwpy_view_about(lwpy_view_new(&referrers_class, found, taken, NULL), &targets);
    lwpy_targets_free(&targets);
    return self;
}

PyObject *lwpy_snapshot_referrers(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                  PyObject *keywords)
{
    static const char *const names[] = {LWPY_ASKED_NAMES, "depth", "breadth", NULL};
    const struct lwpy_call call = {args, count, keywords};
    lw_referrers_options options = LW_REFERRERS_OPTIONS_INIT;
    struct lwpy_asked asked;
    PyObject *values[5];
    int depth = 3, breadth = 10;
    if (lwpy_arguments(&call, "referrers", names, 1, values) < 0 ||
        lwpy_asked("referrers", values, &asked) < 0 ||
        lwpy_argument_int(values[3], "depth", 1, INT_MAX, &depth) < 0 ||
        lwpy_argument_int(values[4], "breadth", 1, INT_MAX, &breadth) < 0)
        return NULL;
    options.depth = (uint32_t)depth;
    options.breadth = (uint32_t)breadth;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *found = referrers_of(self, &asked, &options);
    lwpy_quiet_end(&quiet);
    return found;
}

static PyType_Slot referrers_slots[] = {
    {Py_tp_doc, "All that holds some objects, a sequence: what holds a row stands right below it, "
                "one deeper. print() it."},
    LWPY_VIEW_SLOTS(lwpy_view_free, lwpy_view_repr),
    {0, NULL},
};

PyType_Spec lwpy_referrers_spec = {"leakwatch.Referrers", sizeof(lwpy_view), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                   referrers_slots};

static PyMemberDef row_fields[] = {
    LWPY_FIELD(0, "depth", "0 holds the objects themselves"),
    LWPY_FIELD(1, "type", "name of the holders' type"),
    LWPY_FIELD(2, "label", "of their references, or of one of them: '[0]' stands for all indices"),
    LWPY_FIELD(3, "kind", "'strong', 'borrowed', 'ephemeron' or 'unknown'"),
    LWPY_FIELD(4, "holders", "how many there are"),
    LWPY_FIELD(5, "held", "how many of the row above, or of the objects, they refer to"),
    LWPY_FIELD(6, "references", "in so many references"),
    LWPY_FIELD(7, "rooted", "how many of the holders a root holds"),
    LWPY_FIELD(8, "root", "the strongest root of these, such as 'module __main__', or ''"),
    LWPY_FIELD(9, "cyclic", "how many of the holders stand above already"),
    LWPY_FIELD(10, "cut", "whether they are held by more, deeper than was asked for"),
    LWPY_FIELD(11, "rest", "above 0: stands for so many further rows"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot row_slots[] = {
    {Py_tp_doc, "Holders of one type whose references are alike."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, row_fields},
    {0, NULL},
};

PyType_Spec lwpy_referrer_spec = {"leakwatch.Referrer", LWPY_RECORD_SIZE(12), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  row_slots};
