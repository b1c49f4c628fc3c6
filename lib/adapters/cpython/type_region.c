/* Region: a span of work as a context manager, and what it left behind. */
#include "record.h"
#include "recording.h"
#include "types.h"

enum region_state {
    REGION_FRESH,  /* never entered: tells of all rounds of its name */
    REGION_OPEN,   /* from here on: of its latest round */
    REGION_ENDED,
};

typedef struct region {
    lwpy_result result;
    PyObject *name;
    lw_region *region; /* NULL once the recording is over: then all numbers are below */
    lw_round round;    /* 0: all */
    enum region_state state;
    bool process;
    lw_region_stats stats;   /* as of the end of the round, or of the recording */
    lw_survivors *survivors; /* as of the end of the recording */
    lw_verdict verdict;      /* the same; of kind UNCLEAR and 0 rounds without memory */
    PyObject *totals[2];     /* the same, if the mode was counts: the report as text and as JSON */
    uint32_t modes;          /* the same, of all rounds of the name */
    lwpy_notes notes;        /* the same */
} region;

static const char over[] = "this region belongs to a recording that has ended: call "
                           "leakwatch.region() again";

PyObject *lwpy_region_new(PyObject *name, bool process)
{
    lw_context *context = lwpy_recording_required();
    Py_ssize_t length = 0;
    const char *words = context ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
    if (!words)
        return NULL;
    if (strlen(words) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "the name of a region must not contain null characters");
        return NULL;
    }
    region *self = lwpy_result_new(LWPY_REGION);
    if (!self)
        return NULL;
    lw_error error = LW_ERROR_INIT;
    lw_region_options options = LW_REGION_OPTIONS_INIT;
    options.scope = process ? LW_SCOPE_PROCESS : LW_SCOPE_TASK;
    self->name = Py_NewRef(name);
    self->process = process;
    if (lw_region_create(context, words, &options, &self->region, &error) != LW_OK) {
        self->region = NULL;
        Py_DECREF(self);
        return lwpy_raise(&error);
    }
    return (PyObject *)self;
}

static void region_free(PyObject *object)
{
    region *self = (region *)object;
    lw_survivors_release(self->survivors);
    Py_XDECREF(self->totals[0]);
    Py_XDECREF(self->totals[1]);
    Py_XDECREF(self->name);
    lwpy_result_free(self);
}

static PyObject *region_enter(PyObject *object, PyObject *unused)
{
    (void)unused;
    region *self = (region *)object;
    lw_error error = LW_ERROR_INIT;
    if (!self->region) {
        PyErr_SetString(lwpy.exceptions[LWPY_NOT_RECORDING], over);
        return NULL;
    }
    if (self->state == REGION_OPEN) {
        PyErr_Format(lwpy.exceptions[LWPY_REGION_ERROR],
                     "region '%U' is entered already by this object: for another round inside "
                     "it, call leakwatch.region() again",
                     self->name);
        return NULL;
    }
    lw_round round;
    lw_status status = self->process ? lw_region_begin(self->region, &round, &error)
                                     : lwpy_task_region_begin(self->region, &round, &error);
    if (status != LW_OK)
        return lwpy_raise(&error);
    self->round = round;
    self->state = REGION_OPEN;
    return Py_NewRef(object);
}

static PyObject *region_exit(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    (void)args;
    (void)count;
    region *self = (region *)object;
    if (self->state != REGION_OPEN) {
        PyErr_Format(lwpy.exceptions[LWPY_REGION_ERROR],
                     self->state == REGION_FRESH
                         ? "region '%U' was never entered: use it in a with statement"
                         : "region '%U' has ended already",
                     self->name);
        return NULL;
    }
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_status status = LW_OK;
    if (self->region) /* else the recording ended first, and took the numbers */
        status = self->process
                     ? lw_region_end(self->region, self->round, &stats, &error)
                     : lwpy_task_region_end(self->region, self->round, &stats, &error);
    if (status != LW_OK)
        return lwpy_raise(&error);
    if (self->region)
        self->stats = stats;
    self->state = REGION_ENDED;
    Py_RETURN_NONE;
}

/* Rounds of which nothing is left are forgotten by the books: then nothing is current. */
static lw_region_stats stats_of(region *self)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    if (!self->region)
        return self->stats;
    if (lw_region_stats_get(self->region, self->round, &stats, NULL) != LW_OK) {
        stats = self->stats;
        stats.current_bytes = stats.current_blocks = 0;
        stats.current_bytes_margin = stats.current_blocks_margin = 0;
    }
    stats.name = NULL; /* it may go before us */
    return stats;
}

static uint32_t modes_of_name(region *self)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    if (self->region)
        lw_region_stats_get(self->region, 0, &stats, NULL);
    return self->region ? stats.modes : self->modes;
}

/* True, with an exception, if nothing is known of the blocks of the region itself. */
static bool is_blind(region *self, uint32_t modes)
{
    if (modes != LW_MODES_COUNTS)
        return false;
    PyErr_Format(PyExc_RuntimeError,
                 "region '%U' was recorded in mode 'counts', which knows its net, net_blocks and "
                 "net_peak only: for the rest, change to 'sites' or 'sampled' with "
                 "leakwatch.set_mode() before it is entered",
                 self->name);
    return true;
}

/* The empty table of a round that the books have forgotten, made in books of its own. */
static lw_status nothing_left(region *self, lw_survivors **survivors, lw_error *error)
{
    lw_context *context = NULL;
    lw_region *again = NULL;
    lw_status status = lw_context_create(NULL, &context, error);
    if (status == LW_OK)
        status = lw_region_create(context, PyUnicode_AsUTF8(self->name), NULL, &again, error);
    if (status == LW_OK)
        status = lw_survivors_take(context, again, 0, survivors, error);
    lw_context_release(context);
    return status;
}

/* The table of survivors: to be released unless it is the region's own. */
static lw_survivors *survivors_of(region *self)
{
    if (!self->region) {
        if (!self->survivors)
            PyErr_SetString(PyExc_MemoryError, "no memory was left to keep the table of survivors "
                                               "when the recording ended");
        return self->survivors;
    }
    lw_survivors *survivors = NULL;
    lw_error error = LW_ERROR_INIT;
    lw_status status = lw_survivors_take(lwpy_record_context(), self->region, self->round,
                                         &survivors, &error);
    if (status == LW_E_NOT_FOUND)
        status = nothing_left(self, &survivors, &error);
    if (status != LW_OK)
        lwpy_raise(&error);
    return survivors;
}

static void survivors_done(region *self, lw_survivors *survivors)
{
    if (survivors != self->survivors)
        lw_survivors_release(survivors);
}

/* On all rounds of the region's name, whichever this object was. */
static lw_status verdict_of(region *self, lw_verdict *verdict, lw_error *error)
{
    lw_survivors *survivors = NULL;
    *verdict = (lw_verdict)LW_VERDICT_INIT;
    lw_status status =
        lw_survivors_take(lwpy_record_context(), self->region, 0, &survivors, error);
    if (status == LW_OK)
        status = lw_survivors_verdict_get(survivors, verdict, error);
    lw_survivors_release(survivors);
    return status;
}

static PyObject *region_verdict(PyObject *object)
{
    region *self = (region *)object;
    lw_verdict verdict;
    lw_error error = LW_ERROR_INIT;
    if (is_blind(self, modes_of_name(self)))
        return NULL;
    if (!self->region)
        return lwpy_verdict_new(&self->verdict);
    if (verdict_of(self, &verdict, &error) != LW_OK)
        return lwpy_raise(&error);
    return lwpy_verdict_new(&verdict);
}

static void notes_of(region *self, lwpy_notes *notes)
{
    *notes = self->notes;
    if (self->region)
        lwpy_record_notes(notes);
}

/* Adds the notes: as lines, or as one more key of the JSON object. */
static void add_notes(struct lwpy_text *text, const lwpy_notes *notes, bool json)
{
    for (uint32_t i = 0; i < notes->count && !json; i++)
        lwpy_text_format(text, "  note: %s\n", notes->text[i]);
    if (!json)
        return;
    while (text->length && text->bytes[--text->length] != '}')
        continue;
    lwpy_text_format(text, ",\"notes\":[");
    for (uint32_t i = 0; i < notes->count; i++) {
        lwpy_text_format(text, i ? ",\"" : "\"");
        for (const char *c = notes->text[i]; *c; c++)
            lwpy_text_format(text, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        lwpy_text_format(text, "\"");
    }
    lwpy_text_format(text, "]}");
}

static PyObject *finish(region *self, struct lwpy_text *text, const lw_report_options *options,
                        lw_status status, const lw_error *error)
{
    lwpy_notes notes;
    notes_of(self, &notes);
    if (status == LW_OK)
        add_notes(text, &notes, options->format == LW_FORMAT_JSON);
    return lwpy_text_take(text, status, error);
}

/* The report of a region that was recorded in mode counts. */
static PyObject *totals(region *self, const lw_region_stats *stats,
                        const lw_report_options *options)
{
    struct lwpy_text text = LWPY_TEXT_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_region_stats named = *stats;
    if (!self->region) {
        PyObject *kept = self->totals[options->format == LW_FORMAT_JSON];
        return kept ? Py_NewRef(kept) : PyErr_NoMemory();
    }
    named.name = PyUnicode_AsUTF8(self->name);
    lw_status status = lw_report_totals(lwpy_record_context(), &named, options, lwpy_text_write,
                                        &text, &error);
    return finish(self, &text, options, status, &error);
}

static void keep_totals(region *self)
{
    static const int32_t formats[] = {LW_FORMAT_TEXT, LW_FORMAT_JSON};
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    for (int i = 0; i < 2; i++) {
        lw_report_options options = LW_REPORT_OPTIONS_INIT;
        options.format = formats[i];
        options.flags = LW_REPORT_ASCII; /* nobody knows who will read it */
        self->totals[i] = totals(self, &self->stats, &options);
    }
    lwpy_quiet_end(&quiet);
}

void lwpy_regions_freeze(void)
{
    for (lwpy_result *result = lwpy.results; result; result = result->next) {
        region *self = (region *)result;
        if (Py_TYPE(result) != lwpy.types[LWPY_REGION] || !self->region)
            continue;
        self->modes = modes_of_name(self);
        self->stats = stats_of(self);
        if (self->stats.modes == LW_MODES_COUNTS)
            keep_totals(self);
        else
            self->survivors = survivors_of(self);
        PyErr_Clear(); /* out of memory: the numbers stay, the table is empty */
        verdict_of(self, &self->verdict, NULL);
        lwpy_record_notes(&self->notes);
        self->region = NULL;
    }
}

static PyObject *survivor_new(const lw_survivors *survivors, uint32_t index)
{
    lw_survivors_row row = LW_SURVIVORS_ROW_INIT;
    lw_survivors_row_get(survivors, index, &row, NULL);
    PyObject *line = NULL;
    PyObject *stack = PyTuple_New(row.frames);
    for (uint32_t level = 0; stack && level < row.frames; level++) {
        lw_frame words = LW_FRAME_INIT;
        lw_survivors_frame_get(survivors, index, level, &words, NULL);
        PyObject *frame = lwpy_frame(&words);
        if (!frame) {
            Py_CLEAR(stack);
            break;
        }
        PyTuple_SET_ITEM(stack, level, frame);
        if (level == row.own_frame)
            line = Py_NewRef(frame);
    }
    if (stack)
        PyObject_GC_UnTrack(stack); /* frames refer to nothing */
    return lwpy_record_new(LWPY_SURVIVOR, 9, PyLong_FromLongLong(row.bytes),
                           PyLong_FromLongLong(row.blocks), line ? line : Py_NewRef(Py_None),
                           stack, PyBool_FromLong(row.truncated), lwpy_string(row.domain),
                           PyLong_FromLongLong(row.bytes_margin),
                           PyLong_FromLongLong(row.blocks_margin),
                           PyLong_FromUnsignedLongLong(row.samples));
}

static PyObject *region_survivors(PyObject *object)
{
    region *self = (region *)object;
    if (is_blind(self, stats_of(self).modes))
        return NULL;
    lw_survivors *survivors = survivors_of(self);
    if (!survivors)
        return NULL;
    lw_survivors_info info = LW_SURVIVORS_INFO_INIT;
    lw_survivors_info_get(survivors, &info, NULL);
    PyObject *rows = PyList_New(0);
    for (uint32_t i = 0; rows && i < info.rows; i++) {
        PyObject *row = survivor_new(survivors, i);
        if (!row || PyList_Append(rows, row) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    survivors_done(self, survivors);
    return rows;
}

static PyObject *report(PyObject *object, const lw_report_options *options)
{
    region *self = (region *)object;
    struct lwpy_quiet quiet;
    struct lwpy_text text = LWPY_TEXT_INIT;
    lw_error error = LW_ERROR_INIT;
    PyObject *string = NULL;
    lwpy_quiet_begin(&quiet);
    lw_region_stats stats = stats_of(self);
    lw_survivors *survivors = NULL;
    if (stats.modes == LW_MODES_COUNTS)
        string = totals(self, &stats, options);
    else
        survivors = survivors_of(self);
    if (survivors) {
        lw_status status =
            lw_report_region(&stats, survivors, options, lwpy_text_write, &text, &error);
        string = finish(self, &text, options, status, &error);
        survivors_done(self, survivors);
    }
    lwpy_quiet_end(&quiet);
    return string;
}

static PyObject *region_str(PyObject *self)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    lwpy_text_terminal(&options);
    return report(self, &options);
}

static PyObject *region_text(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *keywords)
{
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    const struct lwpy_call call = {args, count, keywords};
    return lwpy_text_arguments(&call, &options) < 0 ? NULL : report(self, &options);
}

static PyObject *region_json(PyObject *self, PyObject *unused)
{
    (void)unused;
    lw_report_options options = LW_REPORT_OPTIONS_INIT;
    options.format = LW_FORMAT_JSON;
    return report(self, &options);
}

static PyObject *region_repr(PyObject *object)
{
    region *self = (region *)object;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    lw_region_stats stats = stats_of(self);
    bool counts = stats.modes == LW_MODES_COUNTS;
    PyObject *repr = PyUnicode_FromFormat(
        "<leakwatch.Region %R: %s %lld bytes in %lld blocks, peak %lld>", self->name,
        counts ? "net" : "current",
        (long long)(counts ? stats.net_bytes : stats.current_bytes),
        (long long)(counts ? stats.net_blocks : stats.current_blocks),
        (long long)(counts ? stats.net_peak_bytes : stats.peak_bytes));
    lwpy_quiet_end(&quiet);
    return repr;
}

/* A number of lw_region_stats; `own`: of blocks born inside, which counts do not tell apart. */
struct number {
    size_t at;
    bool own;
};

/* One getter for all numbers: the closure says which. */
static PyObject *region_number(PyObject *self, void *closure)
{
    const struct number *which = closure;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    lw_region_stats stats = stats_of((region *)self);
    int64_t value;
    memcpy(&value, (const char *)&stats + which->at, sizeof value);
    PyObject *number = which->own && is_blind((region *)self, stats.modes)
                           ? NULL
                           : PyLong_FromLongLong(value);
    lwpy_quiet_end(&quiet);
    return number;
}

static PyObject *region_name(PyObject *self)
{
    return Py_NewRef(((region *)self)->name);
}

static PyObject *region_open(PyObject *self)
{
    return PyBool_FromLong(((region *)self)->state == REGION_OPEN);
}

static PyObject *region_notes(PyObject *self)
{
    lwpy_notes notes;
    notes_of((region *)self, &notes);
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list && i < notes.count; i++) {
        PyObject *note = lwpy_string(notes.text[i]);
        if (!note || PyList_Append(list, note) < 0)
            Py_CLEAR(list);
        Py_XDECREF(note);
    }
    return list;
}

#define NUMBER(field) {offsetof(lw_region_stats, field), false}
#define OWN(field) {offsetof(lw_region_stats, field), true}
static struct number at_current = OWN(current_bytes), at_blocks = OWN(current_blocks),
                     at_peak = OWN(peak_bytes), at_at_end = OWN(at_end_bytes),
                     at_current_margin = OWN(current_bytes_margin),
                     at_blocks_margin = OWN(current_blocks_margin),
                     at_peak_margin = OWN(peak_margin),
                     at_at_end_margin = OWN(at_end_bytes_margin), at_net = NUMBER(net_bytes),
                     at_net_blocks = NUMBER(net_blocks), at_net_peak = NUMBER(net_peak_bytes),
                     at_net_margin = NUMBER(net_bytes_margin),
                     at_net_blocks_margin = NUMBER(net_blocks_margin),
                     at_net_peak_margin = NUMBER(net_peak_margin), at_rounds = NUMBER(rounds);

static struct lwpy_getter get_survivors = {region_survivors}, get_name = {region_name},
                          get_open = {region_open}, get_notes = {region_notes},
                          get_verdict = {region_verdict};

static PyGetSetDef region_getters[] = {
    {"current", region_number, NULL, "bytes allocated inside and still there", &at_current},
    {"blocks", region_number, NULL, "the same in blocks", &at_blocks},
    {"peak", region_number, NULL, "the most that current ever was in one round", &at_peak},
    {"net", region_number, NULL, "bytes allocated minus bytes freed meanwhile; may be negative",
     &at_net},
    {"net_blocks", region_number, NULL, "the same in blocks", &at_net_blocks},
    {"net_peak", region_number, NULL, "the most that net ever was in one round", &at_net_peak},
    {"at_end", region_number, NULL, "what current was when the round ended; 0 while it is open",
     &at_at_end},
    {"rounds", region_number, NULL, "how many rounds the numbers are of", &at_rounds},
    {"current_margin", region_number, NULL,
     "in mode sampled current is an estimate, within this of the truth in 95 % of cases; 0: exact",
     &at_current_margin},
    {"blocks_margin", region_number, NULL, "the same of blocks", &at_blocks_margin},
    {"peak_margin", region_number, NULL, "the same of peak", &at_peak_margin},
    {"at_end_margin", region_number, NULL, "the same of at_end", &at_at_end_margin},
    {"net_margin", region_number, NULL, "the same of net", &at_net_margin},
    {"net_blocks_margin", region_number, NULL, "the same of net_blocks", &at_net_blocks_margin},
    {"net_peak_margin", region_number, NULL, "the same of net_peak", &at_net_peak_margin},
    {"survivors", lwpy_get, NULL, "what current consists of, by place: the most bytes first",
     &get_survivors},
    {"verdict", lwpy_get, NULL, "whether the rounds of this name leak, all of them together",
     &get_verdict},
    {"name", lwpy_get, NULL, "as given to leakwatch.region()", &get_name},
    {"open", lwpy_get, NULL, "whether the round has not ended yet", &get_open},
    {"notes", lwpy_get, NULL, "what the recording cannot see, in sentences", &get_notes},
    {NULL, NULL, NULL, NULL, NULL},
};

PyMethodDef lwpy_region_enter = {"__enter__", region_enter, METH_NOARGS,
                                 "__enter__($self, /)\n--\n\nBegins a round."};
PyMethodDef lwpy_region_exit = {"__exit__", LWPY_METHOD(region_exit), METH_FASTCALL,
                                "__exit__($self, /, *exception)\n--\n\nEnds the round."};

static PyMethodDef region_methods[] = {
    {"text", LWPY_METHOD(region_text), METH_FASTCALL | METH_KEYWORDS, LWPY_TEXT_DOC},
    {"json", region_json, METH_NOARGS, "json($self, /)\n--\n\nThe report as JSON, a str."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot region_slots[] = {
    {Py_tp_doc, "A span of work: use it in a with statement, then print() it. Each entry is a "
                "round; a region\nthat was never entered tells of all rounds of its name."},
    {Py_tp_dealloc, LWPY_SLOT(region_free)},
    {Py_tp_repr, LWPY_SLOT(region_repr)},
    {Py_tp_str, LWPY_SLOT(region_str)},
    {Py_tp_methods, region_methods},
    {Py_tp_getset, region_getters},
    {0, NULL},
};

PyType_Spec lwpy_region_spec = {"leakwatch.Region", sizeof(region), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                region_slots};

static PyMemberDef survivor_fields[] = {
    LWPY_FIELD(0, "bytes", "live bytes that were allocated here"),
    LWPY_FIELD(1, "blocks", "the same in blocks"),
    LWPY_FIELD(2, "line", "the innermost Frame of your own code, or None"),
    LWPY_FIELD(3, "stack", "all Frames, the innermost first"),
    LWPY_FIELD(4, "truncated", "whether the stack had more frames than were recorded"),
    LWPY_FIELD(5, "domain", "which of CPython's allocators handed it out"),
    LWPY_FIELD(6, "bytes_margin", "in mode sampled bytes is an estimate, within this of the truth "
                                  "in 95 % of cases; 0: exact"),
    LWPY_FIELD(7, "blocks_margin", "the same of blocks"),
    LWPY_FIELD(8, "samples", "live samples behind the estimate: with few a margin is but a hint"),
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot survivor_slots[] = {
    {Py_tp_doc, "What survives of one place."},
    {Py_tp_dealloc, LWPY_SLOT(lwpy_record_free)},
    {Py_tp_repr, LWPY_SLOT(lwpy_record_repr)},
    {Py_tp_members, survivor_fields},
    {0, NULL},
};

PyType_Spec lwpy_survivor_spec = {"leakwatch.Survivor", LWPY_RECORD_SIZE(9), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  survivor_slots};
