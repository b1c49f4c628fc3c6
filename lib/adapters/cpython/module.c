/* The extension module: start(), stop(), region(), snapshot(), and the types they answer with. */
#include "command.h"
#include "find.h"
#include "heap.h"
#include "modes.h"
#include "plugs.h"
#include "record.h"
#include "recording.h"
#include "results.h"

struct lwpy_state lwpy;

static PyObject *module_start(PyObject *module, PyObject *const *args, Py_ssize_t count,
                              PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"frames", "mode", "interval", NULL};
    const struct lwpy_call call = {args, count, keywords};
    PyObject *values[3];
    int frames = 25;
    lwpy_mode mode = {LW_MODE_SITES, 0};
    if (lwpy_arguments(&call, "start", names, 3, values) < 0 ||
        lwpy_argument_int(values[0], "frames", 0, LW_STACK_MAX, &frames) < 0 ||
        lwpy_argument_mode(values[1], values[2], &mode) < 0 ||
        lwpy_recording_start((uint32_t)frames, &mode) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *module_stop(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    if (lwpy_recording_is_hunting()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "find_leaks() is running: the recording can stop when it is done");
        return NULL;
    }
    lwpy_recording_stop();
    Py_RETURN_NONE;
}

/* A name that is to be text: NULL with an exception for anything else. */
static PyObject *name_of(PyObject *value, const char *whose)
{
    if (!value || !PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "a %s has a name, a str%s%s", whose, value ? ", not " : "",
                     value ? Py_TYPE(value)->tp_name : "");
        return NULL;
    }
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    const char *words = PyUnicode_AsUTF8(value);
    if (!words && PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError,
                     "the name of a %s must be text, which %A is not: it holds a lone surrogate",
                     whose, value);
    }
    lwpy_quiet_end(&quiet);
    return words ? value : NULL;
}

static PyObject *module_region(PyObject *module, PyObject *const *args, Py_ssize_t count,
                               PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"name", "process", NULL};
    const struct lwpy_call call = {args, count, keywords};
    PyObject *values[2];
    bool process = false;
    if (lwpy_arguments(&call, "region", names, 1, values) < 0 || !name_of(values[0], "region") ||
        lwpy_argument_bool(values[1], &process) < 0)
        return NULL;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    PyObject *region = lwpy_region_new(values[0], process);
    lwpy_quiet_end(&quiet);
    return region;
}

static PyObject *module_snapshot(PyObject *module, PyObject *const *args, Py_ssize_t count,
                                 PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"name", NULL};
    const struct lwpy_call call = {args, count, keywords};
    PyObject *values[1];
    if (lwpy_arguments(&call, "snapshot", names, 1, values) < 0)
        return NULL;
    PyObject *name = values[0] == Py_None ? NULL : values[0];
    if (name && !name_of(name, "snapshot"))
        return NULL;
    struct lwpy_quiet quiet;
    lwpy_quiet_begin(&quiet);
    const char *words = name ? PyUnicode_AsUTF8(name) : NULL;
    PyObject *snapshot = name && !words ? NULL : lwpy_recording_snapshot(words);
    lwpy_quiet_end(&quiet);
    return snapshot;
}

static PyObject *module_hide(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *globals;
    int floor = 0;
    if (!PyArg_ParseTuple(args, "O!|p:_hide", &PyDict_Type, &globals, &floor))
        return NULL;
    return PyBool_FromLong(lwpy_record_hide(globals, floor));
}

/* A word as the system has it; NULL with an exception. */
static char *copy_word(PyObject *word)
{
    PyObject *encoded = PyUnicode_EncodeFSDefault(word);
    if (!encoded)
        return NULL;
    size_t size = (size_t)PyBytes_GET_SIZE(encoded) + 1;
    char *copy = PyMem_RawMalloc(size);
    if (copy)
        memcpy(copy, PyBytes_AS_STRING(encoded), size);
    else
        PyErr_NoMemory();
    Py_DECREF(encoded);
    return copy;
}

/* The verbs of the command that work on files; the words are str. */
static PyObject *module_command(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    PyObject *status = NULL;
    Py_ssize_t copied = 0;
    /* Twice: the command takes words out of its list as it reads them. */
    char **words = PyMem_RawCalloc(2 * (size_t)count + 1, sizeof *words);
    if (!words)
        return PyErr_NoMemory();
    while (copied < count && (words[copied] = copy_word(args[copied])) != NULL) {
        words[count + copied] = words[copied];
        copied++;
    }
    if (copied == count) {
        int answer = lwcli_main((int)count, words + count);
        status = PyLong_FromLong(fflush(stdout) == 0 ? answer : 3);
    }
    for (Py_ssize_t i = 0; i < copied; i++)
        PyMem_RawFree(words[i]);
    PyMem_RawFree(words);
    return status;
}

static PyMethodDef module_functions[] = {
    {"start", LWPY_METHOD(module_start), METH_FASTCALL | METH_KEYWORDS,
     "start($module, /, frames=25, mode='sites', interval=None)\n--\n\n"
     "Records from now on, in a mode:\n"
     "'sites': every allocation, with up to `frames` frames of its call stack;\n"
     "'counts': how much is live, exactly, but not where it was allocated: costs least;\n"
     "'sampled': estimates with their margins, from one sample in `interval` bytes (512 KiB)."},
    {"set_mode", LWPY_METHOD(lwpy_set_mode), METH_FASTCALL | METH_KEYWORDS,
     "set_mode($module, /, mode, interval=None)\n--\n\n"
     "Goes on in another mode of start(): it holds for what is allocated from now on."},
    {"mode", lwpy_mode_now, METH_NOARGS,
     "mode($module, /)\n--\n\n"
     "The mode of the recording and its interval, None unless sampled."},
    {"stop", module_stop, METH_NOARGS,
     "stop($module, /)\n--\n\n"
     "Ends the recording. Regions, snapshots and all that was made of them keep their values."},
    {"region", LWPY_METHOD(module_region), METH_FASTCALL | METH_KEYWORDS,
     "region($module, /, name, *, process=False)\n--\n\n"
     "A span of work, to be used in a with statement: what does it leave behind? It sees the\n"
     "thread or the asyncio task that enters it; with `process` all threads."},
    {"snapshot", LWPY_METHOD(module_snapshot), METH_FASTCALL | METH_KEYWORDS,
     "snapshot($module, /, name=None)\n--\n\n"
     "All objects at this moment. Never collects garbage. Without a recording it does not know\n"
     "where objects were allocated."},
    {"capture", LWPY_METHOD(lwpy_capture_start), METH_FASTCALL | METH_KEYWORDS,
     "capture($module, /, name=None, *, directory=None, timeout=None, memory=None,\n"
     "        in_place=False)\n--\n\n"
     "The same by a forked child, while this process goes on: a Capture, whose wait() gives the\n"
     "snapshot."},
    {"find_leaks", LWPY_METHOD(lwpy_find_leaks), METH_FASTCALL | METH_KEYWORDS,
     "find_leaks($module, /, work, *, rounds=5, warm_up=2, calls=1, limit=20, memory_limit=None,\n"
     "           accepted=None)\n--\n\n"
     "Calls `work` for some rounds, with a snapshot after each, and says what grew in every one:\n"
     "how fast, allocated where, held by what, and what to cut."},
    {"series", LWPY_METHOD(lwpy_series_of), METH_FASTCALL | METH_KEYWORDS,
     "series($module, /, snapshots, *, target=1)\n--\n\n"
     "What came to be and stayed: objects that snapshots[target] has, that the first has not, and\n"
     "that all later ones have too. For snapshots before, during and after some work."},
    {"findings", LWPY_METHOD(lwpy_findings_of), METH_FASTCALL | METH_KEYWORDS,
     "findings($module, /, snapshots, *, calls=1, limit=20, accepted=None)\n--\n\n"
     "The same of three or more snapshots that were taken one after the other."},
    {"load", lwpy_snapshot_load, METH_O,
     "load($module, path, /)\n--\n\nA Snapshot that was saved, perhaps by another process."},
    {"_command", LWPY_METHOD(module_command), METH_FASTCALL, NULL},
    {"_hide", module_hide, METH_VARARGS, NULL},
    {"_stack_of", lwpy_stack_of, METH_O, NULL},
    {"_heap_graph", LWPY_METHOD(lwpy_heap_graph), METH_FASTCALL, NULL},
    {"_heap_check", lwpy_heap_check, METH_NOARGS, NULL},
    {"_domain_totals", lwpy_domain_totals, METH_NOARGS, NULL},
    {"_notes", lwpy_notes_of_now, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct {
    const char *name;
    PyObject **base;
    const char *doc;
} exceptions[LWPY_EXCEPTION_COUNT] = {
    [LWPY_NOT_RECORDING] = {"leakwatch.NotRecordingError", &PyExc_RuntimeError,
                            "Nothing is recorded: call leakwatch.start() first."},
    [LWPY_ALREADY_RECORDING] = {"leakwatch.AlreadyRecordingError", &PyExc_RuntimeError,
                                "leakwatch.start() was called twice; the first goes on."},
    [LWPY_REGION_ERROR] = {"leakwatch.RegionError", &PyExc_RuntimeError,
                           "A region was entered or ended out of turn."},
    [LWPY_NOT_IN_SNAPSHOT] = {"leakwatch.NotInSnapshotError", &PyExc_LookupError,
                              "An object is not in the snapshot that was asked for it."},
    [LWPY_RECORDING_WARNING] = {"leakwatch.RecordingWarning", &PyExc_RuntimeWarning,
                                "There is memory that this recording cannot see."},
};

static PyType_Spec *const specs[LWPY_TYPE_COUNT] = {
    [LWPY_REGION] = &lwpy_region_spec,     [LWPY_ENTRY] = &lwpy_entry_spec,
    [LWPY_SURVIVOR] = &lwpy_survivor_spec, [LWPY_FRAME] = &lwpy_frame_spec,
    [LWPY_SNAPSHOT] = &lwpy_snapshot_spec, [LWPY_SNAPSHOT_ROW] = &lwpy_snapshot_row_spec,
    [LWPY_DIFF] = &lwpy_diff_spec,         [LWPY_DIFF_ROW] = &lwpy_diff_row_spec,
    [LWPY_TABLE] = &lwpy_table_spec,       [LWPY_PATHS] = &lwpy_paths_spec,
    [LWPY_PATH] = &lwpy_path_spec,         [LWPY_STEP] = &lwpy_step_spec,
    [LWPY_VERDICT] = &lwpy_verdict_spec,   [LWPY_FINDINGS] = &lwpy_findings_spec,
    [LWPY_FINDING] = &lwpy_finding_spec,   [LWPY_CAPTURE] = &lwpy_capture_spec,
    [LWPY_RETAINED] = &lwpy_retained_spec,
    [LWPY_RETENTION] = &lwpy_retention_spec,
    [LWPY_DOMINATED] = &lwpy_dominated_spec,
    [LWPY_RETAINED_TYPES] = &lwpy_retained_types_spec,
    [LWPY_RETAINED_TYPE] = &lwpy_retained_type_spec,
    [LWPY_REFERRERS] = &lwpy_referrers_spec,
    [LWPY_REFERRER] = &lwpy_referrer_spec,
    [LWPY_SITES] = &lwpy_sites_spec,       [LWPY_SITE] = &lwpy_site_spec,
    [LWPY_SERIES] = &lwpy_series_spec,     [LWPY_SERIES_ROW] = &lwpy_series_row_spec,
    [LWPY_NEW_STEP] = &lwpy_new_step_spec, [LWPY_CUT] = &lwpy_cut_spec,
    [LWPY_CUT_EDGE] = &lwpy_cut_edge_spec, [LWPY_CUT_HOLDER] = &lwpy_cut_holder_spec,
    [LWPY_CYCLES] = &lwpy_cycles_spec,     [LWPY_CYCLE] = &lwpy_cycle_spec,
};

static int add_entry(PyMethodDef *method)
{
    PyObject *class = (PyObject *)lwpy.types[LWPY_REGION];
    PyObject *entry = lwpy_entry_new(lwpy.types[LWPY_REGION], method);
    int failed = entry ? PyObject_SetAttrString(class, method->ml_name, entry) : -1;
    Py_XDECREF(entry);
    return failed;
}

static void clear_types(void)
{
    PyObject *class = (PyObject *)lwpy.types[LWPY_REGION];
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (class) { /* each of these refers to the class */
        PyObject_SetAttrString(class, lwpy_region_enter.ml_name, Py_None);
        PyObject_SetAttrString(class, lwpy_region_exit.ml_name, Py_None);
    }
    PyErr_Restore(type, value, trace);
    for (int i = 0; i < LWPY_TYPE_COUNT; i++)
        Py_CLEAR(lwpy.types[i]);
    for (int i = 0; i < LWPY_EXCEPTION_COUNT; i++)
        Py_CLEAR(lwpy.exceptions[i]);
}

static int make_types(void)
{
    for (int i = 0; i < LWPY_TYPE_COUNT; i++)
        if (!(lwpy.types[i] = (PyTypeObject *)PyType_FromSpec(specs[i])))
            return -1;
    for (int i = 0; i < LWPY_EXCEPTION_COUNT; i++)
        if (!(lwpy.exceptions[i] = PyErr_NewExceptionWithDoc(
                  exceptions[i].name, exceptions[i].doc, *exceptions[i].base, NULL)))
            return -1;
    return add_entry(&lwpy_region_enter) < 0 || add_entry(&lwpy_region_exit) < 0 ? -1 : 0;
}

static int add_types(PyObject *module)
{
    for (int i = 0; i < LWPY_TYPE_COUNT; i++) {
        const char *name = strrchr(specs[i]->name, '.') + 1;
        if (*name != '_' && PyModule_AddObjectRef(module, name, (PyObject *)lwpy.types[i]) < 0)
            return -1;
    }
    for (int i = 0; i < LWPY_EXCEPTION_COUNT; i++) {
        const char *name = strrchr(exceptions[i].name, '.') + 1;
        if (PyModule_AddObjectRef(module, name, lwpy.exceptions[i]) < 0)
            return -1;
    }
    if (lwpy_plugs_publish(module) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "__version__", lw_version());
}

/* The hooks are the process's, so one copy of this extension, in the main interpreter, owns them:
 * it leaves its mark where every copy finds it. */
static int claim_process(void)
{
    static const char mark[] = "leakwatch.extension";
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "leakwatch works in the main interpreter only: import "
                                           "it there, not in a subinterpreter");
        return -1;
    }
    PyObject *shared = PyInterpreterState_GetDict(PyInterpreterState_Main());
    PyObject *mine = PyLong_FromVoidPtr(&lwpy);
    if (!shared || !mine) {
        Py_XDECREF(mine);
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        return -1;
    }
    PyObject *owner = PyDict_GetItemString(shared, mark);
    int failed = owner ? PyObject_RichCompareBool(owner, mine, Py_NE)
                       : PyDict_SetItemString(shared, mark, mine);
    Py_DECREF(mine);
    if (failed == 1)
        PyErr_SetString(PyExc_ImportError,
                        "another copy of leakwatch is loaded in this process: two would record "
                        "each other; import the one that is there");
    return failed ? -1 : 0;
}

static int stop_at_exit(PyObject *module)
{
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *stop = atexit ? PyObject_GetAttrString(module, "stop") : NULL;
    PyObject *done = stop ? PyObject_CallMethod(atexit, "register", "O", stop) : NULL;
    Py_XDECREF(stop);
    Py_XDECREF(atexit);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int module_exec(PyObject *module)
{
    if (claim_process() < 0)
        return -1;
    *(bool *)PyModule_GetState(module) = true;
    lwpy.modules++; /* module_free() takes it back, also after a failure */
    if (lwpy.modules == 1 && (make_types() < 0 || stop_at_exit(module) < 0))
        return -1;
    return add_types(module);
}

static void module_free(void *module)
{
    const bool *claimed = PyModule_GetState(module);
    if (!claimed || !*claimed || --lwpy.modules > 0)
        return;
    lwpy_recording_stop();
    if (!lwpy.results) /* else they are still needed, until the process ends */
        clear_types();
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, LWPY_SLOT(module_exec)},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "leakwatch._leakwatch",
    .m_doc = "The extension behind leakwatch.",
    .m_size = sizeof(bool),
    .m_methods = module_functions,
    .m_slots = module_slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__leakwatch(void)
{
    return PyModuleDef_Init(&module_definition);
}
