/* What the Python types share: the state of the extension, result objects, records, text. */
#ifndef LWPY_TYPES_H
#define LWPY_TYPES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <leakwatch.h>
#include <stdbool.h>
#include <structmember.h>

/* CPython's slots are void pointers, which ISO C keeps apart from functions. */
#define LWPY_SLOT(function) (__extension__(void *)(function))
#define LWPY_METHOD(function) ((PyCFunction)(void (*)(void))(function))

enum lwpy_type {
    LWPY_REGION,
    LWPY_ENTRY,
    LWPY_SURVIVOR,
    LWPY_FRAME,
    LWPY_SNAPSHOT,
    LWPY_SNAPSHOT_ROW,
    LWPY_DIFF,
    LWPY_DIFF_ROW,
    LWPY_TABLE,
    LWPY_PATHS,
    LWPY_PATH,
    LWPY_STEP,
    LWPY_FINDINGS,
    LWPY_FINDING,
    LWPY_VERDICT,
    LWPY_CAPTURE,
    LWPY_RETAINED,
    LWPY_RETENTION,
    LWPY_DOMINATED,
    LWPY_RETAINED_TYPES,
    LWPY_RETAINED_TYPE,
    LWPY_REFERRERS,
    LWPY_REFERRER,
    LWPY_SITES,
    LWPY_SITE,
    LWPY_SERIES,
    LWPY_SERIES_ROW,
    LWPY_NEW_STEP,
    LWPY_CUT,
    LWPY_CUT_EDGE,
    LWPY_CUT_HOLDER,
    LWPY_CYCLES,
    LWPY_CYCLE,
    LWPY_TYPE_COUNT
};

enum lwpy_exception {
    LWPY_NOT_RECORDING,
    LWPY_ALREADY_RECORDING,
    LWPY_REGION_ERROR,
    LWPY_NOT_IN_SNAPSHOT,
    LWPY_RECORDING_WARNING,
    LWPY_EXCEPTION_COUNT
};

/* What every object of ours begins with: snapshots find all of them here, and hide them. */
typedef struct lwpy_result {
    PyObject_HEAD
    struct lwpy_result *previous;
    struct lwpy_result *next;
} lwpy_result;

/* All there is once per process, guarded by the GIL. */
struct lwpy_state {
    PyTypeObject *types[LWPY_TYPE_COUNT];
    PyObject *exceptions[LWPY_EXCEPTION_COUNT];
    lwpy_result *results;
    Py_ssize_t modules; /* module objects made of this extension; the last one takes all away */
};

extern struct lwpy_state lwpy;

/* Between these two nothing that we allocate is recorded, and the collector does not start, so
 * that no code of the user runs unrecorded. Nests. */
struct lwpy_quiet {
    lw_context *context;
    int collecting;
};

void lwpy_quiet_begin(struct lwpy_quiet *quiet);
void lwpy_quiet_end(struct lwpy_quiet *quiet);

/* Results: allocated quietly, without the collector, since they refer to nothing of the user. */
void *lwpy_result_new(enum lwpy_type type);
void lwpy_result_free(void *result);

/* A getter whose closure is one of these runs quietly. */
struct lwpy_getter {
    PyObject *(*get)(PyObject *self);
};

PyObject *lwpy_get(PyObject *self, void *getter);

/* Records: results that are nothing but read-only fields. */
typedef struct lwpy_record {
    lwpy_result result;
    Py_ssize_t count;
    PyObject *fields[1];
} lwpy_record;

#define LWPY_RECORD_SIZE(count)                                                                    \
    (int)(offsetof(lwpy_record, fields) + (count) * sizeof(PyObject *))
#define LWPY_FIELD(index, name, doc)                                                               \
    {                                                                                              \
        name, T_OBJECT, offsetof(lwpy_record, fields) + (index) * sizeof(PyObject *), READONLY,    \
            doc                                                                                    \
    }

/* A record of these fields, whose references it takes; NULL if one of them is NULL. */
PyObject *lwpy_record_new(enum lwpy_type type, Py_ssize_t count, ...);
void lwpy_record_free(PyObject *self);
PyObject *lwpy_record_repr(PyObject *self);

/* A call by METH_FASTCALL | METH_KEYWORDS. */
struct lwpy_call {
    PyObject *const *args;
    Py_ssize_t count;
    PyObject *keywords;
};

/* Sorts arguments by `names` (ended by NULL) into `values`, borrowed or NULL; the first
 * `positional` of them need no name. -1 with a TypeError for all others. */
int lwpy_arguments(const struct lwpy_call *call, const char *function, const char *const *names,
                   Py_ssize_t positional, PyObject **values);

/* Reads a value, or leaves what is there if it is NULL; -1 with an exception. */
int lwpy_argument_int(PyObject *value, const char *name, int least, int most, int *number);
int lwpy_argument_bool(PyObject *value, bool *truth);

/* Text as it is made. A lack of memory shows when it is taken. */
struct lwpy_text {
    char *bytes;
    size_t length;
    size_t room;
    bool failed;
};

#define LWPY_TEXT_INIT {NULL, 0, 0, false}

int lwpy_text_write(const char *bytes, size_t length, void *text);
void lwpy_text_format(struct lwpy_text *text, const char *format, ...);

/* The text as a str without the last line's end, or NULL with the exception that `status` and
 * `error` call for. */
PyObject *lwpy_text_take(struct lwpy_text *text, lw_status status, const lw_error *error);

/* How the reader of sys.stdout wants a report; the arguments of a text() method. */
void lwpy_text_terminal(lw_report_options *options);
int lwpy_text_arguments(const struct lwpy_call *call, lw_report_options *options);
#define LWPY_TEXT_DOC                                                                              \
    "text($self, /, *, all=False, width=100, ascii=False, colour=False)\n--\n\n"                   \
    "The report as a str; `all`: every row and frame, not only those that matter most."

/* Sets the exception for an error of the library; returns NULL. */
PyObject *lwpy_raise(const lw_error *error);

PyObject *lwpy_string(const char *text);
PyObject *lwpy_frame(const lw_frame *frame);
PyObject *lwpy_verdict_new(const lw_verdict *verdict);

/* The name a class is known by in snapshots; NULL with an exception if `type` is neither a class
 * nor a str. */
PyObject *lwpy_type_name(PyObject *type);
void lwpy_text_type(char *out, size_t room, PyTypeObject *type); /* (heap_labels.c) */

/* A mapping from the name of a type to its record, whose first field it is. Takes `rows`, a list;
 * `where` completes the sentence "no type of this name is ...", and stays. */
PyObject *lwpy_table_new(PyObject *rows, const char *where);
PyObject *lwpy_table_iterate(PyObject *table); /* over the records */
Py_ssize_t lwpy_table_length(PyObject *table);

extern PyType_Spec lwpy_region_spec, lwpy_entry_spec, lwpy_survivor_spec, lwpy_frame_spec,
    lwpy_snapshot_spec, lwpy_snapshot_row_spec, lwpy_diff_spec, lwpy_diff_row_spec,
    lwpy_table_spec, lwpy_paths_spec, lwpy_path_spec, lwpy_step_spec, lwpy_verdict_spec,
    lwpy_findings_spec, lwpy_finding_spec, lwpy_capture_spec, lwpy_retained_spec,
    lwpy_retention_spec,
    lwpy_dominated_spec, lwpy_retained_types_spec, lwpy_retained_type_spec, lwpy_referrers_spec,
    lwpy_referrer_spec, lwpy_sites_spec, lwpy_site_spec, lwpy_series_spec, lwpy_series_row_spec,
    lwpy_new_step_spec, lwpy_cut_spec, lwpy_cut_edge_spec, lwpy_cut_holder_spec, lwpy_cycles_spec,
    lwpy_cycle_spec;

#endif
