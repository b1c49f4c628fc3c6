/* Series: what stayed over several snapshots. Sites: a Diff by the place of allocation. */
#include "results.h"
#include "view.h"

/* --- sites of a comparison ----------------------------------------------------------------- */

static void release_nothing(void *handle)
{
    (void)handle;
}

static lw_status report_sites(const lwpy_view *view, const lw_report_options *options,
                              struct lwpy_text *text, lw_error *error)
{
    return lw_report_sites(view->handle, options, lwpy_text_write, text, error);
}

static Py_ssize_t count_sites(const lwpy_view *view)
{
    return lw_diff_site_count(view->handle);
}

static PyObject *stack_of(const lw_diff *diff, uint32_t index, uint32_t count)
{
    PyObject *stack = PyTuple_New(count);
    for (uint32_t level = 0; stack && level < count; level++) {
        lw_frame words = LW_FRAME_INIT;
        lw_diff_site_frame_get(diff, index, level, &words, NULL);
        PyObject *frame = lwpy_frame(&words);
        if (frame)
            PyTuple_SET_ITEM(stack, level, frame);
        else
            Py_CLEAR(stack);
    }
    if (stack)
        PyObject_GC_UnTrack(stack); /* nothing in it refers to it */
    return stack;
}

static PyObject *site_new(const lwpy_view *view, Py_ssize_t index)
{
    lw_diff_site site = LW_DIFF_SITE_INIT;
    lw_error error = LW_ERROR_INIT;
    if (lw_diff_site_get(view->handle, (uint32_t)index, &site, &error) != LW_OK)
        return lwpy_raise(&error);
    const char *kind = site.flags & LW_SITE_BEFORE       ? "before recording"
                       : site.flags & LW_SITE_UNRECORDED ? "not recorded"
                                                         : "site";
    return lwpy_record_new(
        LWPY_SITE, 12, PyLong_FromLongLong(site.count_diff), PyLong_FromLongLong(site.size_diff),
        PyLong_FromLongLong(site.bytes_diff), PyLong_FromUnsignedLongLong(site.target_count),
        PyLong_FromUnsignedLongLong(site.target_size),
        PyLong_FromUnsignedLongLong(site.target_bytes), PyLong_FromUnsignedLongLong(site.created),
        PyLong_FromUnsignedLongLong(site.gone), PyLong_FromUnsignedLongLong(site.survived),
        lwpy_string(kind), PyBool_FromLong(site.flags & LW_SITE_APPROXIMATE),
        stack_of(view->handle, (uint32_t)index, site.frames));
}

static const struct lwpy_view_class sites_class = {
    LWPY_SITES, "site", release_nothing, report_sites, count_sites, site_new};

PyObject *lwpy_sites_of(const lw_diff *diff, PyObject *owner)
{
    return lwpy_view_new(&sites_class, (void *)(uintptr_t)diff, NULL, owner);
}

static PyType_Slot sites_slots[] = {
    {Py_tp_doc, "A Diff by the place of allocation, a sequence: most growth first. print() it."},
    LWPY_VIEW_SLOTS(lwpy_view_free, lwpy_view_repr),
    {0, NULL},
};

PyType_Spec lwpy_sites_spec = {"leakwatch.Sites", sizeof(lwpy_view), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                               sites_slots};

static PyMemberDef site_fields[] = {
    LWPY_FIELD(0, "count_diff", "objects, later minus earlier"),
    LWPY_FIELD(1, "size_diff", "their sizes in bytes, later minus earlier"),
    LWPY_FIELD(2, "bytes_diff", "the blocks they lie in, later minus earlier"),
    LWPY_FIELD(3, "count", "objects in the later snapshot"),
    LWPY_FIELD(4, "size", "their sizes in bytes"),
    LWPY_FIELD(5, "bytes", "the blocks they lie in; 0 if these are not recorded"),
    LWPY_FIELD(6, "created", "objects of the later snapshot that the earlier one does not have"),
    LWPY_FIELD(7, "gone", "objects of the earlier snapshot that the later one does not have"),
    LWPY_FIELD(8, "survived", "objects in both"),
    LWPY_FIELD(9, "kind", "'site'; or all that is older: 'before recording'; or 'not recorded'"),
    LWPY_FIELD(10, "approximate", "whether some objects may have been born elsewhere, or could "
                                  "only be matched by address"),
    LWPY_FIELD(11, "stack", "Frames, the innermost first"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot site_slots[] = {
    {Py_tp_doc, "One call stack in a Diff."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, site_fields},
    {0, NULL},
};

PyType_Spec lwpy_site_spec = {"leakwatch.Site", LWPY_RECORD_SIZE(12), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, site_slots};

/* --- what stayed --------------------------------------------------------------------------- */

typedef struct series {
    lwpy_view view;
    lw_series_info info;
} series;

static void release(void *handle)
{
    lw_series_release(handle);
}

static lw_status report(const lwpy_view *view, const lw_report_options *options,
                        struct lwpy_text *text, lw_error *error)
{
    return lw_report_series(view->handle, options, lwpy_text_write, text, error);
}

static Py_ssize_t count_rows(const lwpy_view *view)
{
    return ((const series *)view)->info.rows;
}

static PyObject *row_new(const lwpy_view *view, Py_ssize_t index)
{
    lw_series_row row = LW_SERIES_ROW_INIT;
    lw_error error = LW_ERROR_INIT;
    if (lw_series_row_get(view->handle, (uint32_t)index, &row, &error) != LW_OK)
        return lwpy_raise(&error);
    return lwpy_record_new(LWPY_SERIES_ROW, 5, lwpy_string(row.name),
                           PyLong_FromUnsignedLongLong(row.count),
                           PyLong_FromUnsignedLongLong(row.size),
                           PyLong_FromUnsignedLongLong(row.created),
                           PyBool_FromLong(row.approximate != 0));
}

static const struct lwpy_view_class series_class = {
    LWPY_SERIES, "row", release, report, count_rows, row_new};

PyObject *lwpy_series_of(PyObject *module, PyObject *const *args, Py_ssize_t count,
                         PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"snapshots", "target", NULL};
    const struct lwpy_call call = {args, count, keywords};
    lw_series_options options = LW_SERIES_OPTIONS_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_series *found = NULL;
    PyObject *values[2];
    Py_ssize_t taken_count = 0;
    int target = 1;
    if (lwpy_arguments(&call, "series", names, 1, values) < 0 ||
        lwpy_argument_int(values[1], "target", 1, INT_MAX, &target) < 0)
        return NULL;
    lw_snapshot **taken = lwpy_snapshots_of("series", values[0], &taken_count);
    if (!taken)
        return NULL;
    options.target = (uint32_t)target;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    series *self = NULL;
    if (lw_series_create(taken, (uint32_t)taken_count, &options, &found, &error) == LW_OK)
        self = lwpy_view_new(&series_class, found, NULL, NULL);
    else
        lwpy_raise(&error);
    if (self) {
        self->info = (lw_series_info)LW_SERIES_INFO_INIT;
        lw_series_info_get(found, &self->info, NULL);
    }
    lwpy_quiet_end(&quiet);
    PyMem_RawFree(taken);
    return (PyObject *)self;
}

static PyObject *series_approximate(PyObject *self)
{
    return PyBool_FromLong(((series *)self)->info.approximate != 0);
}

static struct lwpy_getter get_approximate = {series_approximate};

static PyGetSetDef series_getters[] = {
    LWPY_NUMBER(series, info.created, "created",
                "objects that the target has and the first snapshot has not"),
    LWPY_NUMBER(series, info.count, "count", "those of them that every later snapshot has"),
    LWPY_NUMBER(series, info.size, "size", "their bytes in the last snapshot"),
    {"approximate", lwpy_get, NULL, "whether some could only be followed by their address",
     &get_approximate},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot series_slots[] = {
    {Py_tp_doc, "What came to be between snapshots and stayed, by type, a sequence: most bytes "
                "first. print() it."},
    LWPY_VIEW_SLOTS(lwpy_view_free, lwpy_view_repr),
    {Py_tp_getset, series_getters},
    {0, NULL},
};

PyType_Spec lwpy_series_spec = {"leakwatch.Series", sizeof(series), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                series_slots};

static PyMemberDef row_fields[] = {
    LWPY_FIELD(0, "name", "of the type, with its module"),
    LWPY_FIELD(1, "count", "new objects that stayed"),
    LWPY_FIELD(2, "size", "their bytes in the last snapshot"),
    LWPY_FIELD(3, "created", "new objects, whether they stayed or not"),
    LWPY_FIELD(4, "approximate", "whether some could only be followed by their address"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot row_slots[] = {
    {Py_tp_doc, "One type in a Series."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, row_fields},
    {0, NULL},
};

PyType_Spec lwpy_series_row_spec = {"leakwatch.SeriesRow", LWPY_RECORD_SIZE(5), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                    row_slots};
