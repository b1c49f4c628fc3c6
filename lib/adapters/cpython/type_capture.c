/* Capture: a snapshot that a forked child takes while this process goes on. */
#include "recording.h"
#include "results.h"

#include <math.h>
#include <time.h>

typedef struct capture {
    lwpy_result result;
    lw_capture *capture; /* NULL: cancelled */
    uint64_t recording;
} capture;

enum { NAP_MOST = 20 * 1000 * 1000 };
static const double NS = 1e9, LONGEST = 1e9; /* s */

PyObject *lwpy_capture_new(lw_capture *started, uint64_t recording)
{
    capture *self = lwpy_result_new(LWPY_CAPTURE);
    if (!self) {
        lw_capture_release(started);
        return NULL;
    }
    self->capture = started;
    self->recording = recording;
    return (PyObject *)self;
}

static void capture_free(PyObject *object)
{
    lw_capture_release(((capture *)object)->capture);
    lwpy_result_free(object);
}

/* --- starting ------------------------------------------------------------------------------ */

/* Seconds in ns, from 1; `value` NULL or None leaves what is there. -1 with an exception. */
static int seconds_of(PyObject *value, uint64_t *ns)
{
    if (!value || value == Py_None)
        return 0;
    double seconds = PyFloat_AsDouble(value);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (isnan(seconds) || seconds < 0) {
        PyErr_SetString(PyExc_ValueError, "timeout is a number of seconds, 0 or more");
        return -1;
    }
    *ns = (uint64_t)((seconds < LONGEST ? seconds : LONGEST) * NS) + 1;
    return 0;
}

static int bytes_of(PyObject *value, uint64_t *bytes)
{
    if (!value || value == Py_None)
        return 0;
    *bytes = PyLong_AsUnsignedLongLong(value);
    return *bytes == UINT64_MAX && PyErr_Occurred() ? -1 : 0;
}

static int name_of(PyObject *value, const char **name)
{
    if (!value || value == Py_None)
        return 0;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "a snapshot has a name, a str, not %s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    *name = PyUnicode_AsUTF8(value);
    return *name ? 0 : -1;
}

PyObject *lwpy_capture_start(PyObject *module, PyObject *const *args, Py_ssize_t count,
                             PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"name", "directory", "timeout", "memory", "in_place", NULL};
    const struct lwpy_call call = {args, count, keywords};
    PyObject *values[5], *directory = NULL, *started = NULL;
    lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
    struct lwpy_quiet quiet;
    bool in_place = false;
    if (lwpy_arguments(&call, "capture", names, 1, values) < 0 ||
        lwpy_argument_bool(values[4], &in_place) < 0 ||
        seconds_of(values[2], &options.timeout_ns) < 0 ||
        bytes_of(values[3], &options.memory) < 0)
        return NULL;
    if (values[1] && values[1] != Py_None && !PyUnicode_FSConverter(values[1], &directory))
        return NULL;
    lwpy_quiet_begin(&quiet);
    options.directory = directory ? PyBytes_AS_STRING(directory) : NULL;
    options.flags = in_place ? LW_CAPTURE_OR_IN_PLACE : 0;
    if (name_of(values[0], &options.name) == 0)
        started = lwpy_recording_capture(&options);
    lwpy_quiet_end(&quiet);
    Py_XDECREF(directory);
    return started;
}

/* --- waiting ------------------------------------------------------------------------------- */

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Other threads may ask meanwhile, and a user may press Ctrl-C. */
static int nap(long ns)
{
    struct timespec time = {0, ns};
    Py_BEGIN_ALLOW_THREADS
    nanosleep(&time, NULL);
    Py_END_ALLOW_THREADS
    return PyErr_CheckSignals();
}

/* 1: there is an outcome; 0: not in time; -1 with an exception. */
static int wait_for(capture *self, uint64_t wait_ns)
{
    uint64_t start = clock_ns();
    lw_capture_info info = LW_CAPTURE_INFO_INIT;
    for (long ns = 1000 * 1000; self->capture; ns = ns < NAP_MOST ? ns * 2 : NAP_MOST) {
        lw_capture_info_get(self->capture, &info, NULL);
        if (info.flags & LW_CAPTURE_DONE)
            return 1;
        if (clock_ns() - start >= wait_ns)
            return 0;
        if (nap(ns) < 0)
            return -1;
    }
    return 1;
}

static PyObject *take(capture *self)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *taken = NULL;
    if (!self->capture) {
        PyErr_SetString(PyExc_RuntimeError, "this capture was cancelled");
        return NULL;
    }
    lw_status status = lw_capture_wait(self->capture, 0, &taken, &error);
    if (status == LW_OK)
        return lwpy_snapshot_new(taken, self->recording);
    if (status != LW_E_STATE)
        return lwpy_raise(&error);
    PyErr_SetString(PyExc_TimeoutError, error.message);
    return NULL;
}

static PyObject *capture_wait(PyObject *object, PyObject *const *args, Py_ssize_t count,
                              PyObject *keywords)
{
    static const char *const names[] = {"timeout", NULL};
    const struct lwpy_call call = {args, count, keywords};
    PyObject *values[1];
    struct lwpy_quiet quiet;
    uint64_t wait_ns = UINT64_MAX;
    if (lwpy_arguments(&call, "wait", names, 1, values) < 0 ||
        seconds_of(values[0], &wait_ns) < 0 || wait_for((capture *)object, wait_ns) < 0)
        return NULL;
    lwpy_quiet_begin(&quiet);
    PyObject *snapshot = take((capture *)object);
    lwpy_quiet_end(&quiet);
    return snapshot;
}

static PyObject *capture_cancel(PyObject *object, PyObject *unused)
{
    (void)unused;
    capture *self = (capture *)object;
    lw_capture *ended = self->capture;
    self->capture = NULL;
    lw_capture_release(ended);
    Py_RETURN_NONE;
}

/* --- what it is ---------------------------------------------------------------------------- */

static lw_capture_info info_of(PyObject *object)
{
    lw_capture_info info = LW_CAPTURE_INFO_INIT;
    if (((capture *)object)->capture)
        lw_capture_info_get(((capture *)object)->capture, &info, NULL);
    else
        info.flags = LW_CAPTURE_DONE;
    return info;
}

static PyObject *capture_done(PyObject *self)
{
    return PyBool_FromLong(info_of(self).flags & LW_CAPTURE_DONE);
}

static PyObject *capture_in_place(PyObject *self)
{
    return PyBool_FromLong(info_of(self).flags & LW_CAPTURE_IN_PLACE);
}

static PyObject *capture_reason(PyObject *self)
{
    return lwpy_string(info_of(self).reason);
}

static PyObject *capture_paused(PyObject *self)
{
    return PyFloat_FromDouble((double)info_of(self).paused_ns / NS);
}

static struct lwpy_getter get_done = {capture_done}, get_in_place = {capture_in_place},
                          get_reason = {capture_reason}, get_paused = {capture_paused};

static PyGetSetDef capture_getters[] = {
    {"done", lwpy_get, NULL, "whether wait() will not wait", &get_done},
    {"in_place", lwpy_get, NULL, "whether no child could do it", &get_in_place},
    {"reason", lwpy_get, NULL, "why not, or ''", &get_reason},
    {"paused", lwpy_get, NULL, "seconds for which this process stood still", &get_paused},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef capture_methods[] = {
    {"wait", LWPY_METHOD(capture_wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, /, timeout=None)\n--\n\n"
     "The Snapshot; TimeoutError if it is not there within so many seconds. Other threads run."},
    {"cancel", capture_cancel, METH_NOARGS, "cancel($self, /)\n--\n\nEnds the child."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot capture_slots[] = {
    {Py_tp_doc, "A snapshot that a forked child takes: wait() for it."},
    {Py_tp_dealloc, LWPY_SLOT(capture_free)},
    {Py_tp_methods, capture_methods},
    {Py_tp_getset, capture_getters},
    {0, NULL},
};

PyType_Spec lwpy_capture_spec = {"leakwatch.Capture", sizeof(capture), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 capture_slots};
