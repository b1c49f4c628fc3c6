/* Diff: what grew between two snapshots, by type. */
#include "results.h"

typedef struct diff {
    lwpy_result result;
    lw_diff *diff;
    PyObject *types; /* made when first asked for */
} diff;

PyObject *lwpy_diff_new(lw_snapshot *base, lw_snapshot *target)
{
    diff *self = lwpy_result_new(LWPY_DIFF);
    if (!self)
        return NULL;
    lw_error error = LW_ERROR_INIT;
    if (lw_diff_create(base, target, &self->diff, &error) != LW_OK) {
        Py_DECREF(self);
        return lwpy_raise(&error);
    }
    return (PyObject *)self;
}

static void diff_free(PyObject *self)
{
    lw_diff_release(((diff *)self)->diff);
    Py_XDECREF(((diff *)self)->types);
    lwpy_result_free(self);
}

static lw_diff_info info_of(PyObject *self)
{
    lw_diff_info info = LW_DIFF_INFO_INIT;
    lw_diff_info_get(((diff *)self)->diff, &info, NULL);
    return info;
}

static PyObject *row_new(const lw_diff_row *row)
{
    return lwpy_record_new(
        LWPY_DIFF_ROW, 10, lwpy_string(row->name), PyLong_FromLongLong(row->count_diff),
        PyLong_FromLongLong(row->size_diff), PyLong_FromUnsignedLongLong(row->target_count),
        PyLong_FromUnsignedLongLong(row->target_size), PyLong_FromUnsignedLongLong(row->created),
        PyLong_FromUnsignedLongLong(row->gone), PyLong_FromUnsignedLongLong(row->survived),
        PyBool_FromLong(row->approximate != 0), PyLong_FromUnsignedLong(row->types));
}

static PyObject *table_of(diff *self)
{
    if (self->types)
        return self->types;
    uint32_t count = info_of((PyObject *)self).rows;
    PyObject *rows = PyList_New(0);
    for (uint32_t i = 0; rows && i < count; i++) {
        lw_error error = LW_ERROR_INIT;
        lw_diff_row row = LW_DIFF_ROW_INIT;
        PyObject *record = lw_diff_row_get(self->diff, i, &row, &error) == LW_OK
                               ? row_new(&row)
                               : lwpy_raise(&error);
        if (!record || PyList_Append(rows, record) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(record);
    }
    self->types = lwpy_table_new(rows, "is in either snapshot");
    return self->types;
}

static PyObject *diff_types(PyObject *self)
{
    return Py_XNewRef(table_of((diff *)self));
}

static PyObject *diff_iterate(PyObject *self)
{
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *table = table_of((diff *)self);
    PyObject *iterator = table ? lwpy_table_iterate(table) : NULL;
    lwpy_quiet_end(&quiet);
    return iterator;
}

static PyObject *diff_sites(PyObject *self)
{
    return lwpy_sites_of(((diff *)self)->diff, self);
}

static Py_ssize_t diff_length(PyObject *self)
{
    return info_of(self).rows;
}

static PyObject *report(PyObject *self, const lw_report_options *options)
{
    struct lwpy_quiet quiet;
    struct lwpy_text text = LWPY_TEXT_INIT;
    lw_error error = LW_ERROR_INIT;
    lwpy_quiet_begin(&quiet);
    lw_status status =
        lw_report_diff(((diff *)self)->diff, options, lwpy_text_write, &text, &error);
    PyObject *string = lwpy_text_take(&text, status, &error);
    lwpy_quiet_end(&quiet);
    return string;
}

static PyObject *diff_str(PyObject *self)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    lwpy_text_terminal(&options);
    return report(self, &options);
}

static PyObject *diff_text(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    const struct lwpy_call call = {args, count, keywords};
    return lwpy_text_arguments(&call, &options) < 0 ? NULL : report(self, &options);
}

static PyObject *diff_json(PyObject *self, PyObject *unused)
{
    (void)unused;
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    options.format = LW_FORMAT_JSON;
    return report(self, &options);
}

static PyObject *diff_repr(PyObject *self)
{
    lw_diff_info info = info_of(self);
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *repr = PyUnicode_FromFormat(
        "<leakwatch.Diff: %lld objects, %lld bytes, %u of %u types grew>",
        (long long)info.count_diff, (long long)info.size_diff, info.grew, info.rows);
    lwpy_quiet_end(&quiet);
    return repr;
}

static PyObject *diff_count_diff(PyObject *self)
{
    return PyLong_FromLongLong(info_of(self).count_diff);
}

static PyObject *diff_size_diff(PyObject *self)
{
    return PyLong_FromLongLong(info_of(self).size_diff);
}

static PyObject *diff_garbage(PyObject *self)
{
    return PyLong_FromUnsignedLongLong(info_of(self).target_garbage);
}

static struct lwpy_getter get_types = {diff_types}, get_sites = {diff_sites},
                          get_count_diff = {diff_count_diff},
                          get_size_diff = {diff_size_diff}, get_garbage = {diff_garbage};

static PyGetSetDef diff_getters[] = {
    {"types", lwpy_get, NULL, "the rows by type: a name or the class itself", &get_types},
    {"sites", lwpy_get, NULL, "the same by the place of allocation: Sites", &get_sites},
    {"count_diff", lwpy_get, NULL, "objects: those of the later snapshot minus the earlier's",
     &get_count_diff},
    {"size_diff", lwpy_get, NULL, "the same in bytes", &get_size_diff},
    {"garbage", lwpy_get, NULL, "objects of the later snapshot that nothing holds any more",
     &get_garbage},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef diff_methods[] = {
    {"text", LWPY_METHOD(diff_text), METH_FASTCALL | METH_KEYWORDS, LWPY_TEXT_DOC},
    {"json", diff_json, METH_NOARGS, "json($self, /)\n--\n\nThe report as JSON, a str."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot diff_slots[] = {
    {Py_tp_doc, "What grew between two snapshots. print() it; iterate over its rows, growth first; "
                "or ask `types`."},
    {Py_tp_dealloc, LWPY_SLOT(diff_free)},
    {Py_tp_repr, LWPY_SLOT(diff_repr)},
    {Py_tp_str, LWPY_SLOT(diff_str)},
    {Py_tp_iter, LWPY_SLOT(diff_iterate)},
    {Py_tp_methods, diff_methods},
    {Py_tp_getset, diff_getters},
    {Py_mp_length, LWPY_SLOT(diff_length)},
    {0, NULL},
};

PyType_Spec lwpy_diff_spec = {"leakwatch.Diff", sizeof(diff), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, diff_slots};

static PyMemberDef row_fields[] = {
    LWPY_FIELD(0, "name", "of the type, with its module"),
    LWPY_FIELD(1, "count_diff", "objects, later minus earlier"),
    LWPY_FIELD(2, "size_diff", "bytes, later minus earlier"),
    LWPY_FIELD(3, "count", "objects in the later snapshot"),
    LWPY_FIELD(4, "size", "their bytes"),
    LWPY_FIELD(5, "created", "objects of the later snapshot that the earlier one does not have"),
    LWPY_FIELD(6, "gone", "objects of the earlier snapshot that the later one does not have"),
    LWPY_FIELD(7, "survived", "objects in both"),
    LWPY_FIELD(8, "approximate", "whether objects could only be matched by address, so that "
                                 "created, gone and survived are approximate"),
    LWPY_FIELD(9, "types", "how many types bear the name; the numbers are their sums"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot row_slots[] = {
    {Py_tp_doc, "One type in a Diff."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, row_fields},
    {0, NULL},
};

PyType_Spec lwpy_diff_row_spec = {"leakwatch.DiffRow", LWPY_RECORD_SIZE(10), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  row_slots};
