/* numpy hands out the buffers of arrays through a data handler: a capsule with a struct of
 * functions. A context variable says which capsule new arrays take, each array keeps its own, and
 * numpy asks the capsule for its struct whenever it allocates, resizes or frees. So we stay away
 * from variable and arrays, and lead the capsules to a struct of ours instead, which calls the one
 * that was there: all threads and contexts are seen, arrays that are older than the recording too,
 * and nothing of ours is left in an array afterwards.
 *
 * The struct and the places in the table of functions are those of numpy's public C interface,
 * the same in all versions that have handlers (1.22 and later, 2.x). */
#include "numpy.h"

#include "frames.h"
#include "hooks.h"

#include <string.h>

typedef struct handler {
    char name[127];
    uint8_t version;
    void *ctx;
    void *(*malloc)(void *ctx, size_t size);
    void *(*calloc)(void *ctx, size_t count, size_t size);
    void *(*realloc)(void *ctx, void *block, size_t size);
    void (*free)(void *ctx, void *block, size_t size);
} handler;

typedef union entry {
    unsigned (*number)(void);
    PyObject *(*object)(void);
    PyObject **variable;
} entry;

enum {
    GET_ABI = 0,
    GET_FEATURES = 211,
    GET_HANDLER = 305,
    DEFAULT_HANDLER = 306,
    FEATURES_NEEDED = 0xf, /* 1.22 */
    HANDLER_VERSION = 1,
    STANDINS = 4
};

static const char capsule_name[] = "mem_handler";

/* Stands in for a handler. It is never given back: somebody may have copied its functions. */
static struct standin {
    handler ours;
    handler *theirs;
    PyObject *capsule; /* owned while it leads to `ours` */
} standins[STANDINS];

static const entry *table; /* numpy's functions; NULL: not found yet */
static bool asked;   /* a look is pending */

/* ---- what numpy calls, with the GIL ---- */

static void *array_malloc(void *ctx, size_t size)
{
    const handler *theirs = ((struct standin *)ctx)->theirs;
    lwpy_nested++;
    void *block = theirs->malloc(theirs->ctx, size);
    lwpy_nested--;
    lwpy_array_alloc(block, size);
    return block;
}

static void *array_calloc(void *ctx, size_t count, size_t size)
{
    const handler *theirs = ((struct standin *)ctx)->theirs;
    lwpy_nested++;
    void *block = theirs->calloc(theirs->ctx, count, size);
    lwpy_nested--;
    lwpy_array_alloc(block, count * size);
    return block;
}

static void *array_realloc(void *ctx, void *block, size_t size)
{
    const handler *theirs = ((struct standin *)ctx)->theirs;
    lw_move move;
    PyThreadState *thread = lwpy_array_move_begin(block, &move);
    lwpy_nested++;
    void *moved = theirs->realloc(theirs->ctx, block, size);
    lwpy_nested--;
    if (!block)
        lwpy_array_alloc(moved, size);
    else
        lwpy_array_move_end(thread, &move, moved, size);
    return moved;
}

static void array_free(void *ctx, void *block, size_t size)
{
    const handler *theirs = ((struct standin *)ctx)->theirs;
    lwpy_array_free(block);
    lwpy_nested++;
    theirs->free(theirs->ctx, block, size);
    lwpy_nested--;
}

/* ---- finding it ---- */

/* The table of an object that claims to be numpy's module in C, or NULL. */
static const entry *table_of(PyObject *module)
{
    PyObject *capsule = PyObject_GetAttrString(module, "_ARRAY_API");
    const entry *found = NULL;
    if (capsule && PyCapsule_CheckExact(capsule))
        found = PyCapsule_GetPointer(capsule, NULL);
    Py_XDECREF(capsule); /* the table is static */
    PyErr_Clear();
    if (!found)
        return NULL;
    unsigned major = found[GET_ABI].number() >> 24;
    bool known = (major == 1 || major == 2) && found[GET_FEATURES].number() >= FEATURES_NEEDED;
    return known ? found : NULL;
}

static PyObject *loaded(const char *name)
{
    PyObject *modules = PySys_GetObject("modules");
    return modules && PyDict_Check(modules) ? PyDict_GetItemString(modules, name) : NULL;
}

static void find_table(void)
{
    PyObject *module = loaded("numpy._core._multiarray_umath");
    if (!module)
        module = loaded("numpy.core._multiarray_umath");
    if (module)
        table = table_of(module);
}

/* ---- standing in ---- */

static struct standin *standin_of(PyObject *capsule)
{
    for (int i = 0; i < STANDINS; i++)
        if (standins[i].capsule == capsule)
            return &standins[i];
    return NULL;
}

/* A place that has stood in for this handler before, or one that never was used. */
static struct standin *place_for(const handler *theirs)
{
    struct standin *unused = NULL;
    for (int i = STANDINS - 1; i >= 0; i--) {
        if (!standins[i].capsule && standins[i].theirs == theirs)
            return &standins[i];
        if (!standins[i].theirs)
            unused = &standins[i];
    }
    return unused;
}

/* True if we see what this capsule hands out. */
static bool stand_in(PyObject *capsule)
{
    if (standin_of(capsule))
        return true;
    handler *theirs = PyCapsule_GetPointer(capsule, capsule_name);
    struct standin *place = theirs && theirs->version == HANDLER_VERSION ? place_for(theirs) : NULL;
    if (!place) {
        PyErr_Clear();
        return false;
    }
    place->theirs = theirs;
    place->ours = *theirs; /* the name, which arrays tell */
    place->ours.ctx = place;
    place->ours.malloc = array_malloc;
    place->ours.calloc = array_calloc;
    place->ours.realloc = array_realloc;
    place->ours.free = array_free;
    if (PyCapsule_SetPointer(capsule, &place->ours) < 0) {
        PyErr_Clear();
        return false;
    }
    place->capsule = Py_NewRef(capsule);
    return true;
}

enum lwpy_numpy lwpy_numpy_look(void)
{
    if (!table && !loaded("numpy"))
        return LWPY_NUMPY_ABSENT;
    if (!table)
        find_table();
    PyObject *usual = table ? *table[DEFAULT_HANDLER].variable : NULL;
    bool first = usual && !standin_of(usual);
    if (!usual || !stand_in(usual))
        return LWPY_NUMPY_UNKNOWN;
    PyObject *current = table[GET_HANDLER].object();
    bool seen = current && (first ? stand_in(current) : standin_of(current) != NULL);
    PyErr_Clear();
    Py_XDECREF(current);
    return seen ? LWPY_NUMPY_SEEN : LWPY_NUMPY_OTHER;
}

/* In the main thread, between two instructions. */
static int look_now(void *unused)
{
    (void)unused;
    asked = false;
    lw_context *context = lwpy_record_context();
    if (!context)
        return 0;
    lw_ignore_begin(context);
    lwpy_numpy_look();
    lw_ignore_end(context);
    return 0;
}

void lwpy_numpy_hint(const char *file)
{
    if (!asked && lwpy_record_context() && strstr(file, "/numpy/") && !standins[0].capsule)
        asked = Py_AddPendingCall(look_now, NULL) == 0;
}

void lwpy_numpy_leave(void)
{
    for (int i = 0; i < STANDINS; i++) {
        struct standin *place = &standins[i];
        PyObject *capsule = place->capsule;
        if (!capsule)
            continue;
        if (PyCapsule_GetPointer(capsule, capsule_name) == &place->ours)
            PyCapsule_SetPointer(capsule, place->theirs);
        PyErr_Clear();
        place->capsule = NULL;
        Py_DECREF(capsule);
    }
}
