/* The recording as Python sees it: one context per recording, and the heap plugged into it. */
#include "recording.h"

#include "heap.h"
#include "record.h"
#include "results.h"

/* A snapshot needs a context even while nothing is recorded; a later start() takes it over, so
 * that snapshots from before and after can be compared. A context records only once. */
static struct {
    lw_context *context;
    lw_runtime *runtime;
    uint64_t number; /* of the context; 0 is none */
    lwpy_heap heap;
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
    lw_context_release(now.context);
    now.context = NULL;
    now.runtime = NULL;
}

/* Plugs the heap in, with the domains of the recording if there is one. */
static lw_status plug_in(lw_error *error)
{
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    options.name = LWPY_RUNTIME;
    options.enumerate = lwpy_heap_enumerate;
    options.user = &now.heap;
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

int lwpy_recording_start(uint32_t frames)
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
        status = lwpy_record_start(now.context, frames, &notes, &error);
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

static bool is_ours(PyObject *name)
{
    const char *words = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    if (!words)
        PyErr_Clear();
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

static lw_status take(const char *name, lw_snapshot **taken, lw_error *error)
{
    lw_snapshot_options options = LW_SNAPSHOT_OPTIONS_INIT;
    options.name = name;
    now.heap.hidden_count = list_ours(NULL);
    PyObject **hidden = PyMem_RawMalloc(now.heap.hidden_count * sizeof *hidden);
    if (!hidden) {
        PyErr_NoMemory();
        return LW_E_NOMEM;
    }
    list_ours(hidden);
    now.heap.hidden = hidden;
    lw_status status = lw_snapshot_take(now.context, &options, taken, error);
    now.heap = (lwpy_heap){NULL, 0};
    PyMem_RawFree(hidden);
    return status;
}

PyObject *lwpy_recording_snapshot(const char *name)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *taken = NULL;
    lw_status status = need_context(&error);
    if (status == LW_OK)
        status = take(name, &taken, &error);
    if (status == LW_OK)
        return lwpy_snapshot_new(taken, now.number);
    return PyErr_Occurred() ? NULL : lwpy_raise(&error);
}
