/* Cut: the fewest references without which some objects go. */
#include "results.h"
#include "view.h"

typedef struct cut {
    lwpy_view view;
    lw_cut_info info;
    uint32_t limit;
} cut;

static void release(void *handle)
{
    lw_cut_release(handle);
}

static Py_ssize_t count_edges(const lwpy_view *view)
{
    return ((const cut *)view)->info.edges;
}

static PyObject *edge_new(const lwpy_view *view, Py_ssize_t index)
{
    lw_cut_edge edge = LW_CUT_EDGE_INIT;
    lw_error error = LW_ERROR_INIT;
    if (lw_cut_edge_get(view->handle, (uint32_t)index, &edge, &error) != LW_OK)
        return lwpy_raise(&error);
    bool root = edge.edge.from == LW_NODE_NONE;
    return lwpy_record_new(
        LWPY_CUT_EDGE, 7,
        root ? lwpy_root_string(edge.root_kind, &edge.root_label) : lwpy_string(""),
        lwpy_node_type(view->snapshot, edge.edge.from),
        root ? lwpy_string("") : lwpy_label_string(&edge.edge.label),
        lwpy_node_type(view->snapshot, edge.edge.to), PyBool_FromLong(edge.bystander != 0),
        PyLong_FromUnsignedLongLong(edge.alone_bytes),
        PyLong_FromUnsignedLongLong(edge.alone_leaked_bytes));
}

static PyObject *holder_new(const cut *self, uint32_t index)
{
    lw_cut_holder holder = LW_CUT_HOLDER_INIT;
    lw_error error = LW_ERROR_INIT;
    if (lw_cut_holder_get(self->view.handle, index, &holder, &error) != LW_OK)
        return lwpy_raise(&error);
    return lwpy_record_new(LWPY_CUT_HOLDER, 4, lwpy_node_type(self->view.snapshot, holder.node),
                           PyLong_FromUnsignedLongLong(holder.leaked_count),
                           PyLong_FromUnsignedLongLong(holder.leaked_bytes),
                           PyLong_FromUnsignedLongLong(holder.freed_bytes));
}

/* All edges, or all holders, as a tuple of records. */
static PyObject *records_of(const cut *self, bool holders)
{
    uint32_t count = holders ? self->info.holders : self->info.edges;
    PyObject *records = PyTuple_New(count);
    for (uint32_t i = 0; records && i < count; i++) {
        PyObject *record = holders ? holder_new(self, i) : edge_new(&self->view, i);
        if (record)
            PyTuple_SET_ITEM(records, i, record);
        else
            Py_CLEAR(records);
    }
    if (records)
        PyObject_GC_UnTrack(records); /* nothing in it refers to it */
    return records;
}

/* --- reports ------------------------------------------------------------------------------- */

static const char *words_of(PyObject *record, Py_ssize_t field)
{
    return lwpy_words(((lwpy_record *)record)->fields[field]);
}

static uint64_t number_of(PyObject *record, Py_ssize_t field)
{
    return PyLong_AsUnsignedLongLong(((lwpy_record *)record)->fields[field]);
}

enum { ROOT, HOLDER, LABEL, TYPE, BYSTANDER, FREED, FREED_ASKED };

static void write_edge(struct lwpy_text *text, PyObject *edge, bool first)
{
    lwpy_text_format(text, "  %s ", first ? "cut" : "and");
    if (*words_of(edge, ROOT))
        lwpy_text_format(text, "root %s", words_of(edge, ROOT));
    else
        lwpy_text_format(text, "%s of %s", words_of(edge, LABEL), words_of(edge, HOLDER));
    lwpy_text_format(text, " -> %s: alone frees ", words_of(edge, TYPE));
    lwpy_text_size(text, number_of(edge, FREED));
    if (((lwpy_record *)edge)->fields[BYSTANDER] == Py_True)
        lwpy_text_format(text, " (a bystander: it lets go by itself)");
    lwpy_text_format(text, "\n");
}

static void write_holder(struct lwpy_text *text, PyObject *holder)
{
    lwpy_text_format(text, "  %s keeps ", words_of(holder, 0));
    lwpy_text_size(text, number_of(holder, 2));
    lwpy_text_format(text, " of it\n");
}

static void write_text(const cut *self, struct lwpy_text *text, PyObject *edges, PyObject *holders)
{
    const lw_cut_info *info = &self->info;
    lwpy_text_format(text, "to free %llu %s   ", (unsigned long long)info->leaked_count,
                     lwpy_words(self->view.who));
    lwpy_text_size(text, info->leaked_bytes);
    lwpy_text_format(text, "\n");
    if (info->flags & LW_CUT_TOO_MANY) {
        lwpy_text_format(text, "  no few references: held in more than ");
        lwpy_text_counted(text, self->limit, "place");
        lwpy_text_format(text, "\n");
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges); i++)
        write_edge(text, PyTuple_GET_ITEM(edges, i), i == 0);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(holders); i++)
        write_holder(text, PyTuple_GET_ITEM(holders, i));
    if (info->edges == 0)
        return;
    lwpy_text_format(text, "  frees ");
    lwpy_text_size(text, info->freed_bytes);
    lwpy_text_format(text, " in ");
    lwpy_text_counted(text, info->freed_count, "object");
    lwpy_text_format(text, ", ");
    lwpy_text_size(text, info->freed_leaked_bytes);
    lwpy_text_format(text, " of these (verified by walking without it)\n");
}

static void write_json(const cut *self, struct lwpy_text *text, PyObject *edges, PyObject *holders)
{
    const lw_cut_info *info = &self->info;
    lwpy_text_format(text, "{\"report\": \"cut\", \"format\": 1, \"who\": ");
    lwpy_text_json(text, self->view.who);
    lwpy_text_format(text, ", \"too_many\": %s, \"single\": %s",
                     info->flags & LW_CUT_TOO_MANY ? "true" : "false",
                     info->flags & LW_CUT_SINGLE ? "true" : "false");
    lwpy_text_format(text, ", \"count\": %llu, \"size\": %llu, \"freed_count\": %llu",
                     (unsigned long long)info->leaked_count, (unsigned long long)info->leaked_bytes,
                     (unsigned long long)info->freed_count);
    lwpy_text_format(text,
                     ", \"freed_size\": %llu, \"freed_asked_size\": %llu, \"innocent_size\": %llu",
                     (unsigned long long)info->freed_bytes,
                     (unsigned long long)info->freed_leaked_bytes,
                     (unsigned long long)info->innocent_bytes);
    lwpy_text_format(text, ", \"edges\": ");
    lwpy_text_json(text, edges);
    lwpy_text_format(text, ", \"holders\": ");
    lwpy_text_json(text, holders);
    lwpy_text_format(text, "}");
}

static lw_status report(const lwpy_view *view, const lw_report_options *options,
                        struct lwpy_text *text, lw_error *error)
{
    (void)error;
    const cut *self = (const cut *)view;
    PyObject *edges = records_of(self, false), *holders = edges ? records_of(self, true) : NULL;
    text->failed = text->failed || !holders;
    if (holders && options->format == LW_FORMAT_JSON)
        write_json(self, text, edges, holders);
    else if (holders && self->info.leaked_count == 0)
        lwpy_text_format(text, "%s", lwpy_words(view->empty));
    else if (holders)
        write_text(self, text, edges, holders);
    Py_XDECREF(edges);
    Py_XDECREF(holders);
    return LW_OK;
}

static const struct lwpy_view_class cut_class = {LWPY_CUT, "edge", release,
                                                 report,   count_edges, edge_new};

/* --- as Python sees it --------------------------------------------------------------------- */

static PyObject *cut_of(PyObject *snapshot, const struct lwpy_asked *asked,
                        const lw_cut_options *options)
{
    struct lwpy_targets targets;
    lw_error error = LW_ERROR_INIT;
    lw_cut *found = NULL;
    lw_snapshot *taken = lwpy_snapshot_get(snapshot);
    if (lwpy_targets_find(snapshot, asked, &targets) < 0)
        return NULL;
    cut *self = NULL;
    if (targets.count &&
        lw_cut_find(taken, targets.nodes, targets.count, options, &found, &error) != LW_OK)
        lwpy_raise(&error);
    else
        self = lwpy_view_about(lwpy_view_new(&cut_class, found, taken, NULL), &targets);
    if (self) {
        self->info = (lw_cut_info)LW_CUT_INFO_INIT;
        self->limit = options->limit;
        if (found)
            lw_cut_info_get(found, &self->info, NULL);
    }
    lwpy_targets_free(&targets);
    return (PyObject *)self;
}

PyObject *lwpy_snapshot_cut(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *keywords)
{
    static const char *const names[] = {LWPY_ASKED_NAMES, "limit", NULL};
    const struct lwpy_call call = {args, count, keywords};
    lw_cut_options options = LW_CUT_OPTIONS_INIT;
    struct lwpy_asked asked;
    PyObject *values[4];
    int limit = 8;
    if (lwpy_arguments(&call, "cut", names, 1, values) < 0 ||
        lwpy_asked("cut", values, &asked) < 0 ||
        lwpy_argument_int(values[3], "limit", 1, INT_MAX, &limit) < 0)
        return NULL;
    options.limit = (uint32_t)limit;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *found = cut_of(self, &asked, &options);
    lwpy_quiet_end(&quiet);
    return found;
}

static PyObject *cut_holders(PyObject *self)
{
    return records_of((cut *)self, true);
}

static PyObject *cut_too_many(PyObject *self)
{
    return PyBool_FromLong(((cut *)self)->info.flags & LW_CUT_TOO_MANY);
}

static PyObject *cut_single(PyObject *self)
{
    return PyBool_FromLong(((cut *)self)->info.flags & LW_CUT_SINGLE);
}

static struct lwpy_getter get_holders = {cut_holders}, get_too_many = {cut_too_many},
                          get_single = {cut_single};

static PyGetSetDef cut_getters[] = {
    LWPY_NUMBER(cut, info.leaked_count, "count", "objects that shall go, garbage left out"),
    LWPY_NUMBER(cut, info.leaked_bytes, "size", "their bytes"),
    LWPY_NUMBER(cut, info.freed_count, "freed_count", "objects that go if all of it is cut"),
    LWPY_NUMBER(cut, info.freed_bytes, "freed_size", "their bytes"),
    LWPY_NUMBER(cut, info.freed_leaked_bytes, "freed_asked_size",
                "the bytes of those of them that shall go"),
    LWPY_NUMBER(cut, info.innocent_bytes, "innocent_size", "the bytes of the others"),
    {"single", lwpy_get, NULL, "whether one reference frees at least 90 % of the bytes",
     &get_single},
    {"too_many", lwpy_get, NULL, "whether more than `limit` references are needed: see `holders`",
     &get_too_many},
    {"holders", lwpy_get, NULL, "if there are too many: CutHolders, most bytes first, as a tuple",
     &get_holders},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot cut_slots[] = {
    {Py_tp_doc, "What to cut so that some objects go, a sequence of CutEdges: as few as can be. "
                "print() it."},
    LWPY_VIEW_SLOTS(lwpy_view_free, lwpy_view_repr),
    {Py_tp_getset, cut_getters},
    {0, NULL},
};

PyType_Spec lwpy_cut_spec = {"leakwatch.Cut", sizeof(cut), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, cut_slots};

static PyMemberDef edge_fields[] = {
    LWPY_FIELD(ROOT, "root", "a root to cut, such as 'module __main__'; '': a reference"),
    LWPY_FIELD(HOLDER, "holder", "name of the type of what refers; '' for a root"),
    LWPY_FIELD(LABEL, "label", "how the holder names it: '.attribute', '[0]', \"['key']\""),
    LWPY_FIELD(TYPE, "type", "name of the type of what is held"),
    LWPY_FIELD(BYSTANDER, "bystander", "whether no owner leads here: frames let go by themselves"),
    LWPY_FIELD(FREED, "freed_size", "bytes freed if only this is cut"),
    LWPY_FIELD(FREED_ASKED, "freed_asked_size", "of these, of the objects that shall go"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot edge_slots[] = {
    {Py_tp_doc, "One reference or root to cut."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, edge_fields},
    {0, NULL},
};

PyType_Spec lwpy_cut_edge_spec = {"leakwatch.CutEdge", LWPY_RECORD_SIZE(7), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  edge_slots};

static PyMemberDef holder_fields[] = {
    LWPY_FIELD(0, "type", "name of the object's type"),
    LWPY_FIELD(1, "count", "objects that shall go and go with it"),
    LWPY_FIELD(2, "size", "their bytes"),
    LWPY_FIELD(3, "freed_size", "all bytes that go with it"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot holder_slots[] = {
    {Py_tp_doc, "An object that alone holds some of what shall go."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, holder_fields},
    {0, NULL},
};

PyType_Spec lwpy_cut_holder_spec = {"leakwatch.CutHolder", LWPY_RECORD_SIZE(4), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                    holder_slots};
