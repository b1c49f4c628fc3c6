/* Writes the sections of a snapshot file in their order, and the directory last. */
#ifndef LWI_SNAPSHOT_FILE_WRITE_H
#define LWI_SNAPSHOT_FILE_WRITE_H

#include "snapshot/file.h"
#include "snapshot/file_sum.h"

enum { LWI_WRITE_ROOM = 256 * 1024 }; /* a multiple of LWI_FILE_UNIT */

typedef struct lwi_writer {
    lwi_file_out out;
    lw_progress_fn progress;
    void *user;
    uint64_t told;         /* when progress was told last */
    unsigned char *buffer; /* of LWI_WRITE_ROOM */
    size_t used;
    uint64_t done, total;  /* bytes of the file */
    uint64_t counts[LWI_AT_COUNT]; /* rows; set before lwi_write_begin() */
    bool present[LWI_AT_COUNT];
    uint64_t sums[LWI_AT_COUNT];
    lwi_checksum sum;           /* of the section that is being written */
    lw_status status;      /* the first failure; puts after it do nothing */
    int system;            /* its error number */
} lwi_writer;

/* Leaves room for header and directory. */
void lwi_write_begin(lwi_writer *writer);

/* A section's rows come between these two. */
void lwi_write_open(lwi_writer *writer);
void lwi_write_close(lwi_writer *writer, lwi_section at);

void lwi_write_flush(lwi_writer *writer);

/* The directory, and in front of it the header, which makes it a snapshot file. */
void lwi_write_directory(lwi_writer *writer, uint64_t run, uint64_t context);

void lwi_write_bytes(lwi_writer *writer, const void *bytes, uint64_t count);
void lwi_write_array32(lwi_writer *writer, const uint32_t *words, uint64_t count);
void lwi_write_array64(lwi_writer *writer, const uint64_t *words, uint64_t count);

/* Leaves, or all keys in full: in a file they are not packed. */
void lwi_write_keys(lwi_writer *writer, const lwi_keys *keys);

static inline void lwi_write32(lwi_writer *writer, uint32_t word)
{
    if (LWI_WRITE_ROOM - writer->used < 4)
        lwi_write_flush(writer);
    lwi_store32(writer->buffer + writer->used, word);
    writer->used += 4;
}

static inline void lwi_write64(lwi_writer *writer, uint64_t word)
{
    lwi_write32(writer, (uint32_t)word);
    lwi_write32(writer, (uint32_t)(word >> 32));
}

#endif
