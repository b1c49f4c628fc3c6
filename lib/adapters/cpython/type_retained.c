/* Retained: what some objects hold, by themselves and with others. */
#include "results.h"
#include "view.h"

typedef struct retained {
    lwpy_view view;
    lw_set_info info;
} retained;

static void release_nothing(void *handle)
{
    (void)handle;
}

static void write_part(struct lwpy_text *text, const char *words, uint64_t count, uint64_t bytes)
{
    lwpy_text_format(text, "  %-23s  ", words);
    lwpy_text_size(text, bytes);
    lwpy_text_format(text, ", ");
    lwpy_text_counted(text, count, "object");
    lwpy_text_format(text, "\n");
}

static void write_set(const lwpy_view *view, struct lwpy_text *text)
{
    const lw_set_info *info = &((const retained *)view)->info;
    lwpy_text_format(text, "what %llu %s holds\n", (unsigned long long)info->own_count,
                     lwpy_words(view->who));
    write_part(text, "themselves", info->own_count, info->own_bytes);
    write_part(text, "freed if all of it goes", info->exclusive_count, info->exclusive_bytes);
    write_part(text, "shared with others", info->shared_count, info->shared_bytes);
    write_part(text, "reachable in all", info->reachable_count, info->reachable_bytes);
}

static void json_set(const lwpy_view *view, struct lwpy_text *text)
{
    const lw_set_info *info = &((const retained *)view)->info;
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {
        {"count", info->own_count},
        {"size", info->own_bytes},
        {"exclusive_count", info->exclusive_count},
        {"exclusive_size", info->exclusive_bytes},
        {"shared_count", info->shared_count},
        {"shared_size", info->shared_bytes},
        {"reachable_count", info->reachable_count},
        {"reachable_size", info->reachable_bytes},
    };
    lwpy_text_format(text, "{\"report\": \"set\", \"format\": 1, \"who\": ");
    lwpy_text_json(text, view->who);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        lwpy_text_format(text, ", \"%s\": %llu", numbers[i].name,
                         (unsigned long long)numbers[i].number);
    lwpy_text_format(text, "}");
}

static lw_status report_set(const lwpy_view *view, const lw_report_options *options,
                            struct lwpy_text *text, lw_error *error)
{
    (void)error;
    if (options->format == LW_FORMAT_JSON)
        json_set(view, text);
    else if (((const retained *)view)->info.own_count == 0)
        lwpy_text_format(text, "%s", lwpy_words(view->empty));
    else
        write_set(view, text);
    return LW_OK;
}

static const struct lwpy_view_class retained_class = {
    LWPY_RETAINED, "row", release_nothing, report_set, NULL, NULL};

static PyObject *retained_of(PyObject *snapshot, const struct lwpy_asked *asked)
{
    struct lwpy_targets targets;
    lw_error error = LW_ERROR_INIT;
    if (lwpy_targets_find(snapshot, asked, &targets) < 0)
        return NULL;
    lw_dominators *dominators = lwpy_snapshot_dominators(snapshot);
    retained *self = dominators ? lwpy_view_new(&retained_class, NULL, NULL, NULL) : NULL;
    lwpy_view_about(self, &targets);
    if (self) {
        self->info = (lw_set_info)LW_SET_INFO_INIT;
        self->view.handle = &self->info;
        if (lw_dominators_set(dominators, targets.nodes, targets.count, &self->info, &error) !=
            LW_OK) {
            lwpy_raise(&error);
            Py_CLEAR(self);
        }
    }
    lwpy_targets_free(&targets);
    return (PyObject *)self;
}

PyObject *lwpy_snapshot_retained(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *keywords)
{
    static const char *const names[] = {LWPY_ASKED_NAMES, NULL};
    const struct lwpy_call call = {args, count, keywords};
    struct lwpy_asked asked;
    PyObject *values[3];
    if (lwpy_arguments(&call, "retained", names, 1, values) < 0 ||
        lwpy_asked("retained", values, &asked) < 0)
        return NULL;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *found = retained_of(self, &asked);
    lwpy_quiet_end(&quiet);
    return found;
}

static PyObject *retained_repr(PyObject *self)
{
    const lw_set_info *info = &((retained *)self)->info;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *repr = PyUnicode_FromFormat(
        "<leakwatch.Retained: %llu %U, %llu bytes in %llu objects go with it>",
        (unsigned long long)info->own_count, ((lwpy_view *)self)->who,
        (unsigned long long)info->exclusive_bytes,
        (unsigned long long)info->exclusive_count);
    lwpy_quiet_end(&quiet);
    return repr;
}

static PyGetSetDef retained_getters[] = {
    LWPY_NUMBER(retained, info.own_count, "count", "the objects themselves, garbage left out"),
    LWPY_NUMBER(retained, info.own_bytes, "size", "their bytes"),
    LWPY_NUMBER(retained, info.exclusive_count, "exclusive_count",
                "objects that are freed if all of them go, themselves included"),
    LWPY_NUMBER(retained, info.exclusive_bytes, "exclusive_size", "the bytes of these"),
    LWPY_NUMBER(retained, info.shared_count, "shared_count",
                "further objects that they lead to, but that others hold too"),
    LWPY_NUMBER(retained, info.shared_bytes, "shared_size", "the bytes of these"),
    LWPY_NUMBER(retained, info.reachable_count, "reachable_count",
                "objects that they lead to, themselves included: exclusive and shared"),
    LWPY_NUMBER(retained, info.reachable_bytes, "reachable_size", "the bytes of these"),
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot retained_slots[] = {
    {Py_tp_doc, "What some objects hold: exclusively, which is freed if all of them go, and what "
                "they share with others.\nprint() it."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_view_free)},
    {Py_tp_repr, LWPY_SLOT(retained_repr)},
    {Py_tp_str, LWPY_SLOT(lwpy_view_str)},
    {Py_tp_methods, lwpy_view_methods},
    {Py_tp_getset, retained_getters},
    {0, NULL},
};

PyType_Spec lwpy_retained_spec = {"leakwatch.Retained", sizeof(retained), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  retained_slots};
