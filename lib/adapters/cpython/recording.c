/* The recording as Python sees it: one context per recording, with the heap and the other runtimes
 * of the process plugged in. */
#include "recording.h"

#include "advice.h"
#include "child.h"
#include "heap.h"
#include "plugs.h"
#include "record.h"
#include "results.h"

/* A snapshot needs a context even while nothing is recorded; a later start() takes it over, so
 * that snapshots from before and after can be compared. A context records only once. */
static struct {
    lw_context *context;
    lw_runtime *runtime;
    uint64_t number; /* of the context; 0 is none */
    bool hunting;    /* find_leaks() runs, and needs the context to its end */
} now;

void lwpy_quiet_begin(struct lwpy_quiet *quiet)
{
    quiet->context = lwpy_record_context();
    quiet->collecting = PyGC_Disable();
    if (quiet->context)
        lw_ignore_begin(quiet->context);
}

void lwpy_quiet_end(struct lwpy_quiet *quiet)
{
    if (quiet->context)
        lw_ignore_end(quiet->context);
    if (quiet->collecting)
        PyGC_Enable();
}

static void drop_context(void)
{
    lwpy_plugs_end();
    lw_context_release(now.context);
    now.context = NULL;
    now.runtime = NULL;
}

static bool is_ours(PyObject *name)
{
    /* Of others PyUnicode_AsUTF8() would leave a copy in the string. */
    bool ascii = PyUnicode_Check(name) && PyUnicode_IS_COMPACT_ASCII(name);
    const char *words = ascii ? (const char *)PyUnicode_1BYTE_DATA(name) : NULL;
    return words && strncmp(words, "leakwatch", 9) == 0 && (words[9] == '\0' || words[9] == '.');
}

/* All of ours that a walk may meet: our modules, types, exceptions and results. Fills `found`
 * unless it is NULL; returns how many. */
static size_t list_ours(PyObject **found)
{
    size_t count = 0;
    Py_ssize_t position = 0;
    PyObject *name, *module;
    while (PyDict_Next(PyImport_GetModuleDict(), &position, &name, &module))
        if (is_ours(name) && ++count && found)
            found[count - 1] = module;
    for (int i = 0; i < LWPY_TYPE_COUNT; i++, count++)
        if (found)
            found[count] = (PyObject *)lwpy.types[i];
    for (int i = 0; i < LWPY_EXCEPTION_COUNT; i++, count++)
        if (found)
            found[count] = lwpy.exceptions[i];
    for (lwpy_result *result = lwpy.results; result; result = result->next, count++)
        if (found)
            found[count] = (PyObject *)result;
    return count;
}

/* What is ours is listed at the moment of each walk, in memory that the walk cannot meet. */
static int enumerate(lw_sink *sink, void *user)
{
    (void)user;
    struct lwpy_quiet quiet;
    lwpy_child_settle();
    lwpy_quiet_begin(&quiet);
    lwpy_heap heap = {NULL, list_ours(NULL)};
    size_t size = heap.hidden_count * sizeof(PyObject *);
    PyObject **hidden = lw_sink_memory(sink, NULL, 0, size);
    int failed = 1;
    if (hidden) {
        list_ours(hidden);
        heap.hidden = hidden;
        failed = lwpy_heap_enumerate(sink, &heap);
    } else {
        PyErr_NoMemory(); /* made beforehand: takes no memory */
    }
    if (hidden)
        lw_sink_memory(sink, hidden, size, 0);
    lwpy_quiet_end(&quiet);
    return failed;
}

/* Plugs the heap in, with the domains of the recording if there is one. */
static lw_status plug_in(lw_error *error)
{
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = LWPY_RUNTIME;
    options.enumerate = enumerate;
    options.collect = lwpy_collect;
    options.advise = lwpy_advise;
    options.domains = lwpy_record_domains(&options.domain_count);
    lw_runtime_destroy(now.runtime);
    now.runtime = NULL;
    return lw_runtime_create(now.context, &options, &now.runtime, error);
}

static lw_status need_context(lw_error *error)
{
    if (now.context)
        return LW_OK;
    lw_status status = lw_context_create(NULL, &now.context, error);
    if (status == LW_OK) {
        now.number++;
        status = plug_in(error);
        if (status == LW_OK)
            status = lwpy_plugs_begin(now.context, error);
        if (status != LW_OK)
            drop_context();
    }
    return status;
}

lw_context *lwpy_recording_required(void)
{
    lw_context *context = lwpy_record_context();
    if (!context)
        PyErr_SetString(lwpy.exceptions[LWPY_NOT_RECORDING],
                        "nothing is recorded: call leakwatch.start() first");
    return context;
}

uint64_t lwpy_recording_number(void)
{
    return lwpy_record_context() ? now.number : 0;
}

uint64_t lwpy_recording_epoch(PyObject *object)
{
    uint64_t count = 0;
    lw_domain *const *domains = lwpy_record_domains(&count);
    lw_block block = LW_BLOCK_INIT;
    if (!lwpy_record_context() || count == 0)
        return 0;
    return lw_block_find(domains[0], object, &block, NULL) == LW_OK ? block.epoch : 0;
}

/* Says once what this recording cannot see; -1 if the user has made errors of warnings. */
static int warn(const lwpy_notes *notes)
{
    lw_context *context = lwpy_record_context();
    int failed = 0;
    lw_ignore_begin(context);
    for (uint32_t i = 0; i < notes->count && !failed; i++)
        failed = PyErr_WarnEx(lwpy.exceptions[LWPY_RECORDING_WARNING], notes->text[i], 1);
    if (lwpy_record_context() == context) /* a user's showwarning() may have called stop() */
        lw_ignore_end(context);
    return failed;
}

int lwpy_recording_start(uint32_t frames, const lwpy_mode *mode)
{
    lw_error error = LW_ERROR_INIT;
    lwpy_notes notes = {0};
    if (lwpy_record_context()) {
        PyErr_SetString(lwpy.exceptions[LWPY_ALREADY_RECORDING],
                        "leakwatch is recording already and goes on: call stop() first to begin "
                        "anew");
        return -1;
    }
    lw_status status = need_context(&error);
    if (status == LW_OK)
        status = lwpy_record_start(now.context, frames, mode, &notes, &error);
    if (status == LW_OK) {
        status = plug_in(&error);
        if (status != LW_OK)
            lwpy_record_stop();
    }
    if (status != LW_OK) {
        drop_context();
        lwpy_raise(&error);
        return -1;
    }
    if (warn(&notes) < 0) {
        lwpy_recording_stop();
        return -1;
    }
    return 0;
}

void lwpy_recording_stop(void)
{
    if (!lwpy_record_context())
        return;
    lwpy_regions_freeze();
    lwpy_record_stop();
    drop_context();
}

PyObject *lwpy_recording_snapshot(const char *name)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *taken = NULL;
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    options.name = name;
    lw_status status = need_context(&error);
    if (status == LW_OK)
        status = lw_snapshot_take(now.context, &options, &taken, &error);
    if (status == LW_OK)
        return lwpy_snapshot_new(taken, now.number);
    return PyErr_Occurred() ? NULL : lwpy_raise(&error);
}

PyObject *lwpy_recording_capture(const lw_capture_options *options)
{
    lw_error error = LW_ERROR_INIT;
    lw_capture *capture = NULL;
    lw_status status = need_context(&error);
    if (status == LW_OK) {
        lwpy_child_begin();
        status = lw_capture_start(now.context, options, &capture, &error);
        lwpy_child_end();
    }
    if (status == LW_OK)
        return lwpy_capture_new(capture, now.number);
    return PyErr_Occurred() ? NULL : lwpy_raise(&error);
}

bool lwpy_recording_is_hunting(void)
{
    return now.hunting;
}

PyObject *lwpy_recording_find(lw_round_fn work, void *user, const lw_find_options *options)
{
    lw_error error = LW_ERROR_INIT;
    lw_findings *found = NULL;
    if (now.hunting) {
        PyErr_SetString(PyExc_RuntimeError, "find_leaks() is running already: one at a time");
        return NULL;
    }
    lw_status status = need_context(&error);
    now.hunting = true;
    if (status == LW_OK)
        status = lw_find_leaks(now.context, work, user, options, &found, &error);
    now.hunting = false;
    lwpy_find_done(options);
    if (status == LW_OK)
        return lwpy_findings_new(found);
    return PyErr_Occurred() ? NULL : lwpy_raise(&error);
}
