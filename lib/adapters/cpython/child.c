#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "child.h"

#include <unistd.h>

/* A walk makes no object, except for the number that a __sizeof__ in C answers with. */
enum { ROOM = 512, ALIGN = 16 };

static union {
    long double align;
    unsigned char bytes[ROOM];
} memory;

static size_t used;

static pid_t parent; /* while it may fork; 0: it does not */

static void *child_malloc(void *unused, size_t size)
{
    (void)unused;
    size_t rounded = size < ROOM ? (size / ALIGN + 1) * ALIGN : ROOM + 1;
    if (rounded > ROOM - used)
        return NULL;
    used += rounded;
    return memory.bytes + used - rounded;
}

static void *child_calloc(void *unused, size_t count, size_t size)
{
    void *block = count < ROOM && size < ROOM ? child_malloc(unused, count * size) : NULL;
    return block ? memset(block, 0, count * size) : NULL;
}

static void *child_realloc(void *unused, void *block, size_t size)
{
    return block ? NULL : child_malloc(unused, size);
}

/* Objects come and go one at a time; what is not from here stays as it is. */
static void child_free(void *unused, void *block)
{
    (void)unused;
    unsigned char *at = block;
    if (at >= memory.bytes && at < memory.bytes + ROOM)
        used = (size_t)(at - memory.bytes);
}

void lwpy_child_begin(void)
{
    parent = getpid();
}

void lwpy_child_end(void)
{
    parent = 0;
}

void lwpy_child_settle(void)
{
    PyMemAllocatorEx ours = {NULL, child_malloc, child_calloc, child_realloc, child_free};
    if (!parent || parent == getpid())
        return;
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &ours);
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &ours);
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &ours);
}
