/* Findings: what grows, who allocated it, who holds it, what to cut. */
#include "results.h"

typedef struct findings {
    lwpy_result result;
    lw_findings *findings;
} findings;

typedef struct finding {
    lwpy_result result;
    PyObject *owner; /* its Findings */
    uint32_t index;
} finding;

PyObject *lwpy_findings_new(lw_findings *found)
{
    findings *self = lwpy_result_new(LWPY_FINDINGS);
    if (!self) {
        lw_findings_release(found);
        return NULL;
    }
    self->findings = found;
    return (PyObject *)self;
}

/* --- all of them --------------------------------------------------------------------------- */

static void findings_free(PyObject *self)
{
    lw_findings_release(((findings *)self)->findings);
    lwpy_result_free(self);
}

static lw_findings_info whole_of(PyObject *self)
{
    lw_findings_info info = LW_FINDINGS_INFO_INIT;
    lw_findings_info_get(((findings *)self)->findings, &info, NULL);
    return info;
}

static Py_ssize_t findings_length(PyObject *self)
{
    return lw_findings_count(((findings *)self)->findings);
}

static PyObject *findings_item(PyObject *self, Py_ssize_t index)
{
    if (index < 0 || index >= findings_length(self)) {
        PyErr_Format(PyExc_IndexError, "finding %zd of %zd", index, findings_length(self));
        return NULL;
    }
    finding *item = lwpy_result_new(LWPY_FINDING);
    if (!item)
        return NULL;
    item->owner = Py_NewRef(self);
    item->index = (uint32_t)index;
    return (PyObject *)item;
}

static PyObject *findings_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<leakwatch.Findings: %zd>", findings_length(self));
}

static PyObject *findings_rounds(PyObject *self)
{
    return PyLong_FromUnsignedLong(whole_of(self).rounds);
}

static PyObject *findings_accepted(PyObject *self)
{
    return PyLong_FromUnsignedLong(whole_of(self).accepted);
}

static PyObject *findings_left_out(PyObject *self)
{
    return PyLong_FromUnsignedLong(whole_of(self).left_out);
}

static PyObject *findings_bytes_diff(PyObject *self)
{
    return PyLong_FromLongLong(whole_of(self).bytes_diff);
}

static PyObject *findings_objects_diff(PyObject *self)
{
    return PyLong_FromLongLong(whole_of(self).objects_diff);
}

/* --- reports ------------------------------------------------------------------------------- */

static PyObject *report(PyObject *self, const lw_report_options *options)
{
    struct lwpy_quiet quiet;
    struct lwpy_text text = LWPY_TEXT_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_status status;
    lwpy_quiet_begin(&quiet);
    if (Py_TYPE(self) == lwpy.types[LWPY_FINDING])
        status = lw_report_finding(((findings *)((finding *)self)->owner)->findings,
                                   ((finding *)self)->index, options, lwpy_text_write, &text,
                                   &error);
    else
        status = lw_report_findings(((findings *)self)->findings, options, lwpy_text_write, &text,
                                    &error);
    PyObject *string = lwpy_text_take(&text, status, &error);
    lwpy_quiet_end(&quiet);
    return string;
}

static PyObject *report_str(PyObject *self)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    lwpy_text_terminal(&options);
    return report(self, &options);
}

static PyObject *report_text(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *keywords)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    const struct lwpy_call call = {args, count, keywords};
    return lwpy_text_arguments(&call, &options) < 0 ? NULL : report(self, &options);
}

static PyObject *report_json(PyObject *self, PyObject *unused)
{
    (void)unused;
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    options.format = LW_FORMAT_JSON;
    return report(self, &options);
}

static PyMethodDef report_methods[] = {
    {"text", LWPY_METHOD(report_text), METH_FASTCALL | METH_KEYWORDS, LWPY_TEXT_DOC},
    {"json", report_json, METH_NOARGS, "json($self, /)\n--\n\nThe report as JSON, a str."},
    {NULL, NULL, 0, NULL},
};

static struct lwpy_getter get_rounds = {findings_rounds}, get_all_accepted = {findings_accepted},
                          get_left_out = {findings_left_out},
                          get_bytes_diff = {findings_bytes_diff},
                          get_objects_diff = {findings_objects_diff};

static PyGetSetDef findings_getters[] = {
    {"rounds", lwpy_get, NULL, "rounds between the first and the last snapshot", &get_rounds},
    {"accepted", lwpy_get, NULL, "how many are known and accepted; they come last",
     &get_all_accepted},
    {"left_out", lwpy_get, NULL, "further ones, over the limit", &get_left_out},
    {"bytes_diff", lwpy_get, NULL, "bytes of all objects, last minus first snapshot",
     &get_bytes_diff},
    {"objects_diff", lwpy_get, NULL, "objects, last minus first snapshot", &get_objects_diff},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot findings_slots[] = {
    {Py_tp_doc, "What was found, a sequence: most bytes per round first. print() it."},
    {Py_tp_dealloc, LWPY_SLOT(findings_free)},
    {Py_tp_repr, LWPY_SLOT(findings_repr)},
    {Py_tp_str, LWPY_SLOT(report_str)},
    {Py_tp_iter, LWPY_SLOT(PySeqIter_New)},
    {Py_tp_methods, report_methods},
    {Py_tp_getset, findings_getters},
    {Py_sq_length, LWPY_SLOT(findings_length)},
    {Py_sq_item, LWPY_SLOT(findings_item)},
    {0, NULL},
};

PyType_Spec lwpy_findings_spec = {"leakwatch.Findings", sizeof(findings), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  findings_slots};

/* --- one ----------------------------------------------------------------------------------- */

static void finding_free(PyObject *self)
{
    Py_XDECREF(((finding *)self)->owner);
    lwpy_result_free(self);
}

static lw_findings *all_of(PyObject *self)
{
    return ((findings *)((finding *)self)->owner)->findings;
}

static lw_finding info_of(PyObject *self)
{
    lw_finding info = LW_FINDING_INIT;
    lw_finding_get(all_of(self), ((finding *)self)->index, &info, NULL);
    return info;
}

static PyObject *finding_kind(PyObject *self)
{
    int32_t kind = info_of(self).kind;
    return lwpy_string(kind == LW_FINDING_BLOCKS ? "blocks"
                       : kind == LW_FINDING_BYTES ? "bytes"
                       : kind == LW_FINDING_MEMORY ? "memory" : "growth");
}

static PyObject *finding_fingerprint(PyObject *self)
{
    char words[24];
    PyOS_snprintf(words, sizeof words, "%016llx", (unsigned long long)info_of(self).fingerprint);
    return lwpy_string(words);
}

static PyObject *finding_is_accepted(PyObject *self)
{
    return PyBool_FromLong(info_of(self).accepted != 0);
}

static PyObject *finding_objects(PyObject *self)
{
    return PyLong_FromUnsignedLongLong(info_of(self).objects);
}

static PyObject *finding_bytes(PyObject *self)
{
    return PyLong_FromUnsignedLongLong(info_of(self).bytes);
}

static PyObject *finding_objects_per_round(PyObject *self)
{
    return PyFloat_FromDouble(info_of(self).objects_per_round);
}

static PyObject *finding_bytes_per_round(PyObject *self)
{
    return PyFloat_FromDouble(info_of(self).bytes_per_round);
}

static PyObject *finding_rounds(PyObject *self)
{
    return PyLong_FromUnsignedLong(info_of(self).rounds);
}

static PyObject *finding_type(PyObject *self)
{
    return lwpy_string(info_of(self).type);
}

static PyObject *finding_holder(PyObject *self)
{
    return lwpy_string(info_of(self).holder_type);
}

static PyObject *finding_advice(PyObject *self)
{
    return lwpy_string(info_of(self).advice);
}

static PyObject *finding_freed(PyObject *self)
{
    const lw_cut *cut = lw_finding_cut(all_of(self), ((finding *)self)->index);
    lw_cut_info info = LW_CUT_INFO_INIT;
    if (cut)
        lw_cut_info_get(cut, &info, NULL);
    return PyLong_FromUnsignedLongLong(info.freed_bytes);
}

static PyObject *finding_allocated(PyObject *self)
{
    uint32_t count = info_of(self).frames;
    PyObject *frames = PyList_New(0);
    for (uint32_t level = 0; frames && level < count; level++) {
        lw_frame words = LW_FRAME_INIT;
        lw_finding_frame_get(all_of(self), ((finding *)self)->index, level, &words, NULL);
        PyObject *frame = lwpy_frame(&words);
        if (!frame || PyList_Append(frames, frame) < 0)
            Py_CLEAR(frames);
        Py_XDECREF(frame);
    }
    return frames;
}

static PyObject *finding_paths(PyObject *self)
{
    const lw_paths *paths = lw_finding_paths(all_of(self), ((finding *)self)->index);
    return lwpy_paths_of(paths, ((finding *)self)->owner);
}

static PyObject *finding_repr(PyObject *self)
{
    lw_finding info = info_of(self);
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *repr = PyUnicode_FromFormat(
        "<leakwatch.Finding: %s gains %llu objects, %llu bytes in %u rounds>",
        info.kind == LW_FINDING_BLOCKS ? "a call site" : info.holder_type,
        (unsigned long long)info.objects, (unsigned long long)info.bytes, info.rounds);
    lwpy_quiet_end(&quiet);
    return repr;
}

static struct lwpy_getter get_kind = {finding_kind}, get_fingerprint = {finding_fingerprint},
                          get_accepted = {finding_is_accepted}, get_objects = {finding_objects},
                          get_bytes = {finding_bytes},
                          get_objects_per_round = {finding_objects_per_round},
                          get_bytes_per_round = {finding_bytes_per_round},
                          get_grown = {finding_rounds}, get_type = {finding_type},
                          get_holder = {finding_holder}, get_advice = {finding_advice},
                          get_freed = {finding_freed}, get_allocated = {finding_allocated},
                          get_paths = {finding_paths};

static PyGetSetDef finding_getters[] = {
    {"kind", lwpy_get, NULL, "'growth': something reachable holds more after every round; "
                             "'blocks': a call site leaves memory in every round",
     &get_kind},
    {"fingerprint", lwpy_get, NULL, "the same in every run, a str; to accept a known finding by",
     &get_fingerprint},
    {"accepted", lwpy_get, NULL, "whether it is known and accepted", &get_accepted},
    {"objects", lwpy_get, NULL, "objects gained", &get_objects},
    {"bytes", lwpy_get, NULL, "bytes gained", &get_bytes},
    {"objects_per_round", lwpy_get, NULL, "objects gained per round, on average",
     &get_objects_per_round},
    {"bytes_per_round", lwpy_get, NULL, "bytes gained per round, on average",
     &get_bytes_per_round},
    {"rounds", lwpy_get, NULL, "rounds in which it grew, up to the last", &get_grown},
    {"type", lwpy_get, NULL, "the type that has most of the gained bytes", &get_type},
    {"holder", lwpy_get, NULL, "the type of what gains", &get_holder},
    {"advice", lwpy_get, NULL, "what to do about such a holder, or ''", &get_advice},
    {"freed", lwpy_get, NULL, "bytes freed by the cut that the report shows", &get_freed},
    {"allocated", lwpy_get, NULL, "Frames of the place where most of it was allocated, the "
                                  "innermost first; empty if that was not recorded",
     &get_allocated},
    {"paths", lwpy_get, NULL, "who holds an example: Paths", &get_paths},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot finding_slots[] = {
    {Py_tp_doc, "One finding: print() it."},
    {Py_tp_dealloc, LWPY_SLOT(finding_free)},
    {Py_tp_repr, LWPY_SLOT(finding_repr)},
    {Py_tp_str, LWPY_SLOT(report_str)},
    {Py_tp_methods, report_methods},
    {Py_tp_getset, finding_getters},
    {0, NULL},
};

PyType_Spec lwpy_finding_spec = {"leakwatch.Finding", sizeof(finding), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 finding_slots};
