/* The modules that frames lie in: the program and its shared objects, also those that are gone. */
#ifndef LWM_MODULES_H
#define LWM_MODULES_H

#include "adapter.h"

enum { LWM_BUILD_ID = 41 };

typedef struct lwm_module {
    uintptr_t first, last; /* its mappings */
    uintptr_t base;        /* what is added to the addresses in its file */
    const void *map;       /* the loader's object for it */
    _Atomic bool gone;
    bool own;              /* the program, or a library that is not the system's */
    const char *path;
    const char *label;           /* the file of its frames as they are described: path, build-id */
    char build_id[LWM_BUILD_ID]; /* in hexadecimal, or "" */
} lwm_module;

void lwm_modules_init(void);

/* lw_domain_options::describe_frame: module and offset. Takes no lock of the loader's: whoever has
 * that may be waiting for ours. */
int lwm_describe(uint64_t word, lw_frame *frame, void *user);

/* The module that a frame was described by, and the place in its file; NULL if none. */
const lwm_module *lwm_module_of(const lw_frame *frame, uint64_t *offset);

/* Looks which modules have gone, and retires their frames. */
void lwm_modules_sweep(void);

/* Set when one seems to have gone without dlclose(). */
extern _Atomic bool lwm_modules_moved;

/* The build-id in the ELF image at `image`, of which `size` bytes can be read. False: none. */
bool lwm_build_id(const unsigned char *image, size_t size, bool loaded, char *text);

#endif
