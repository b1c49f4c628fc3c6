/* Recording: hooks on CPython's allocators, the stacks of their events, regions that follow tasks.
 * All of it is called with the GIL held. */
#ifndef LWPY_RECORD_H
#define LWPY_RECORD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <leakwatch.h>
#include <stdbool.h>

/* Sentences for the user: what this recording does not see, and why. */
enum {
    LWPY_NOTES_MAX = 4,
    LWPY_NOTE_SIZE = 240
};

typedef struct lwpy_notes {
    uint32_t count;
    char text[LWPY_NOTES_MAX][LWPY_NOTE_SIZE];
} lwpy_notes;

/* How much is recorded: lw_mode_set()'s. */
typedef struct lwpy_mode {
    int32_t mode;
    uint64_t interval;
} lwpy_mode;

/* Records what this interpreter allocates from now on in this mode, with up to `frames` frames
 * (0: no stacks, at most LW_STACK_MAX). The context must be one that has never recorded Python, since what is
 * freed while nobody listens stays in the books: LW_E_STATE otherwise, as for a second start;
 * LW_E_INVALID for too many frames; LW_E_UNSUPPORTED for a free-threaded build; LW_E_NOMEM.
 * Runs a little Python code, to prove the stacks right. Only one interpreter of the process is
 * recorded: what others do on a GIL of their own is passed on unseen. */
lw_status lwpy_record_start(lw_context *context, uint32_t frames, const lwpy_mode *mode,
                            lwpy_notes *notes, lw_error *error);

/* Goes on in another mode, while there is a recording. */
lw_status lwpy_record_mode_set(const lwpy_mode *mode, lw_error *error);

/* Ends it; harmless without a start. When it returns no event is running and none will come: the
 * context may be released. Regions that are still open stay so, and can be ended. */
void lwpy_record_stop(void);

/* The context that is recorded to, or NULL. */
lw_context *lwpy_record_context(void);

/* python.obj, python.mem, python.raw and python.numpy of the running recording. */
lw_domain *const *lwpy_record_domains(uint64_t *count);

/* The notes as of now: some come up while recording (numpy is imported, somebody removes our
 * hooks). */
void lwpy_record_notes(lwpy_notes *notes);

/* Frames of these globals, a module of ours, are not the user's: they are left out of stacks, and
 * what they allocate themselves is not recorded. With `floor` the stack ends there: all that lies
 * further out is how the program was run. The dict is kept for good. */
enum {
    LWPY_HIDDEN_MAX = 8
};
bool lwpy_record_hide(PyObject *globals, bool floor);

/* lw_region_begin() and lw_region_end() for regions of scope LW_SCOPE_TASK. A round begun in a
 * context (an asyncio task, Context.run) is suspended while the thread is neither in that context
 * nor in one entered from there, and resumed when it is again. A round begun without a context
 * stays with its thread. Other tasks that a task starts have contexts of their own. */
lw_status lwpy_task_region_begin(lw_region *region, lw_round *round, lw_error *error);
lw_status lwpy_task_region_end(lw_region *region, lw_round round, lw_region_stats *stats,
                               lw_error *error);

/* Where the block of an object was allocated: a list of (file, line, function, own), the
 * innermost first; None if it is not recorded. For the tests, and for whoever asks. METH_O. */
PyObject *lwpy_stack_of(PyObject *module, PyObject *object);

/* {name: (bytes, blocks, allocated, freed)} of the domains. METH_NOARGS. */
PyObject *lwpy_domain_totals(PyObject *module, PyObject *unused);

/* lwpy_record_notes() as a list of str. METH_NOARGS. */
PyObject *lwpy_notes_of_now(PyObject *module, PyObject *unused);

#endif
