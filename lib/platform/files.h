/* Files: read by mapping, written whole or not at all. What can fail answers 0 or the system's
 * error number. */
#ifndef LWI_PLATFORM_FILES_H
#define LWI_PLATFORM_FILES_H

#include "base/mem.h"

/* The system's words for an error number. */
void lwi_system_words(int number, char *words, size_t room);

/* A file that is read. */
typedef struct lwi_file_in {
    const unsigned char *bytes; /* 8-aligned; NULL if the file is empty */
    uint64_t size;
    bool copied; /* into memory of `mem`, else mapped */
} lwi_file_in;

enum { LWI_NOT_A_FILE = -1, LWI_TOO_LARGE = -2 }; /* besides error numbers: for lwi_system_words() */

int lwi_file_in_open(lwi_file_in *in, const char *path, bool copy, lwi_mem *mem);
int lwi_file_in_take(lwi_file_in *in, int handle, bool copy, lwi_mem *mem); /* which stays open */
void lwi_file_in_close(lwi_file_in *in, lwi_mem *mem);

/* A file that is written beside its target and takes the target's name at the end. */
typedef struct lwi_file_out {
    const char *target;
    char *temporary;
    size_t length; /* of both names' room */
    int handle;
} lwi_file_out;

int lwi_file_out_open(lwi_file_out *out, const char *path, lwi_mem *mem);
/* A file without a name, in a directory, or in memory if that is NULL: it goes with its last
 * handle. */
int lwi_file_nameless_open(const char *directory, int *handle);
void lwi_file_nameless_close(int handle);

int lwi_file_out_write(lwi_file_out *out, const void *bytes, size_t size);
int lwi_file_out_rewrite(lwi_file_out *out, const void *bytes, size_t size); /* of the beginning */

/* Brings all of it to the disk, then gives it its name; *stands: it has it, whatever failed then. */
int lwi_file_out_commit(lwi_file_out *out, bool *stands, lwi_mem *mem);

/* Leaves nothing behind. */
void lwi_file_out_cancel(lwi_file_out *out, lwi_mem *mem);

#endif
