/* find_leaks() and findings(): the hunt, with a Python callable for a round. */
#include "find.h"
#include "recording.h"
#include "results.h"

#include <stdio.h>
#ifndef _WIN32
#include <unistd.h>
#endif

static int run_round(uint32_t round, void *user)
{
    (void)round;
    PyObject *answer = PyObject_CallNoArgs(user);
    if (!answer)
        return 1;
    Py_DECREF(answer);
    return 0;
}

/* A line on a terminal that is written over, and at the end taken away. Not by Python's streams:
 * during a walk no code of the user may run. */
static int show_progress(const char *phase, uint64_t done, uint64_t total, void *user)
{
    (void)user;
    char line[80];
    int length = total ? PyOS_snprintf(line, sizeof line, "\r\033[Kleakwatch: %s, %llu of %llu", phase,
                                       (unsigned long long)done, (unsigned long long)total)
                       : PyOS_snprintf(line, sizeof line, "\r\033[Kleakwatch: %s", phase);
#ifndef _WIN32
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
        return 0; /* the terminal is gone: the hunt goes on */
#endif
    return 0;
}

static bool is_watched(void)
{
#ifndef _WIN32
    return isatty(STDERR_FILENO);
#else
    return false;
#endif
}

static void clear_progress(void)
{
#ifndef _WIN32
    static const char clear[] = "\r\033[K";
    if (write(STDERR_FILENO, clear, sizeof clear - 1) < 0)
        return;
#endif
}

static int size_argument(PyObject *value, const char *name, uint64_t *bytes)
{
    if (!value || value == Py_None)
        return 0;
    *bytes = PyLong_AsUnsignedLongLong(value);
    if (*bytes == (uint64_t)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s is a number of bytes, not %R", name, value);
        return -1;
    }
    return 0;
}

/* The text stays as long as `value`, which is the caller's. */
static int accepted_argument(PyObject *value, const char **text)
{
    if (!value || value == Py_None)
        return 0;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "accepted is the text of a file of fingerprints, a str, not "
                                      "%s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    *text = PyUnicode_AsUTF8(value);
    return *text ? 0 : -1;
}

PyObject *lwpy_find_leaks(PyObject *module, PyObject *const *args, Py_ssize_t count,
                          PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"work",  "rounds",       "warm_up",  "calls",
                                        "limit", "memory_limit", "accepted", NULL};
    const struct lwpy_call call = {args, count, keywords};
    PyObject *values[7];
    int rounds = 5, warm_up = 2, calls = 1, limit = 20;
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    if (lwpy_arguments(&call, "find_leaks", names, 1, values) < 0)
        return NULL;
    if (!values[0] || !PyCallable_Check(values[0])) {
        PyErr_SetString(PyExc_TypeError, "find_leaks() takes the suspected work, a callable that "
                                         "needs no arguments");
        return NULL;
    }
    if (lwpy_argument_int(values[1], "rounds", 2, 1000, &rounds) < 0 ||
        lwpy_argument_int(values[2], "warm_up", 1, INT_MAX, &warm_up) < 0 ||
        lwpy_argument_int(values[3], "calls", 1, INT_MAX, &calls) < 0 ||
        lwpy_argument_int(values[4], "limit", 1, 10000, &limit) < 0 ||
        size_argument(values[5], "memory_limit", &options.memory_limit) < 0 ||
        accepted_argument(values[6], &options.accepted) < 0)
        return NULL;
    options.rounds = (uint32_t)rounds;
    options.warm_up = (uint32_t)warm_up;
    options.calls = (uint32_t)calls;
    options.limit = (uint32_t)limit;
#if !defined(__SANITIZE_ADDRESS__) /* which keeps what is freed: the process grows by that */
    options.flags = LW_FIND_MEMORY;
#endif
    options.progress = is_watched() ? show_progress : NULL;
    return lwpy_recording_find(run_round, values[0], &options);
}

void lwpy_find_done(const lw_find_options *options)
{
    if (options->progress)
        clear_progress();
}

lw_snapshot **lwpy_snapshots_of(const char *function, PyObject *sequence, Py_ssize_t *count)
{
    if (!sequence || (!PyList_Check(sequence) && !PyTuple_Check(sequence))) {
        PyErr_Format(PyExc_TypeError, "%s() takes a list of Snapshots, three or more%s%s", function,
                     sequence ? ", not " : "", sequence ? Py_TYPE(sequence)->tp_name : "");
        return NULL;
    }
    *count = PySequence_Fast_GET_SIZE(sequence);
    lw_snapshot **taken = PyMem_RawCalloc((size_t)*count + 1, sizeof *taken);
    if (!taken) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < *count; i++) {
        taken[i] = lwpy_snapshot_get(PySequence_Fast_GET_ITEM(sequence, i));
        if (!taken[i]) {
            PyErr_Format(PyExc_TypeError, "%s() takes Snapshots; item %zd is %s", function, i,
                         Py_TYPE(PySequence_Fast_GET_ITEM(sequence, i))->tp_name);
            PyMem_RawFree(taken);
            return NULL;
        }
    }
    return taken;
}

PyObject *lwpy_findings_of(PyObject *module, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"snapshots", "calls", "limit", "accepted", NULL};
    const struct lwpy_call call = {args, count, keywords};
    PyObject *values[4];
    int calls = 1, limit = 20;
    Py_ssize_t taken_count = 0;
    lw_find_options options = LW_FIND_OPTIONS_INIT;
    if (lwpy_arguments(&call, "findings", names, 1, values) < 0 ||
        lwpy_argument_int(values[1], "calls", 1, INT_MAX, &calls) < 0 ||
        lwpy_argument_int(values[2], "limit", 1, 10000, &limit) < 0 ||
        accepted_argument(values[3], &options.accepted) < 0)
        return NULL;
    lw_snapshot **taken = lwpy_snapshots_of("findings", values[0], &taken_count);
    if (!taken)
        return NULL;
    options.calls = (uint32_t)calls;
    options.limit = (uint32_t)limit;
    struct lwpy_quiet quiet;
    lw_error error = LW_ERROR_INIT;
    lw_findings *found = NULL;
    lwpy_quiet_begin(&quiet);
    lw_status status = lw_findings_create(taken, (uint32_t)taken_count, &options, &found, &error);
    PyObject *result = status == LW_OK ? lwpy_findings_new(found) : lwpy_raise(&error);
    lwpy_quiet_end(&quiet);
    PyMem_RawFree(taken);
    return result;
}
