/* What a question to a Snapshot is about: an object, several, or all instances of a class. */
#ifndef LWPY_TARGETS_H
#define LWPY_TARGETS_H

#include "types.h"

/* The arguments that every such question begins with; borrowed, NULL if not given. */
struct lwpy_asked {
    const char *function;
    PyObject *object;
    PyObject *class;   /* instances_of */
    PyObject *objects; /* a list or tuple */
};

#define LWPY_ASKED_NAMES "obj", "instances_of", "objects"
#define LWPY_ASKED_SIGNATURE "obj=None, *, instances_of=None, objects=None"

struct lwpy_targets {
    lw_node *nodes;
    size_t count;
    size_t room;
    PyObject *who;   /* what follows a number: "main.Value", "objects" */
    PyObject *empty; /* why nothing is found, in a sentence */
};

/* What the first three of `values` ask for; -1 with an exception if that is not one thing. */
int lwpy_asked(const char *function, PyObject *const *values, struct lwpy_asked *asked);

/* Finds the nodes, perhaps none. -1 with an exception; else to be given to
 * lwpy_targets_free(). To be called quietly. */
int lwpy_targets_find(PyObject *snapshot, const struct lwpy_asked *asked,
                      struct lwpy_targets *targets);
void lwpy_targets_free(struct lwpy_targets *targets);

/* Calls `visit` for every type of the snapshot that a class or name means; -1 with an exception. */
int lwpy_targets_types(PyObject *snapshot, PyObject *class,
                       bool (*visit)(uint32_t type, void *user), void *user);

#endif
