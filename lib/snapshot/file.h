/* Snapshot files, as docs/lws.md describes them: a header, a directory, and named columns of
 * little-endian numbers. Columns that are large are read where they lie. */
#ifndef LWI_SNAPSHOT_FILE_H
#define LWI_SNAPSHOT_FILE_H

#include "platform/files.h"
#include "snapshot/snapshot.h"

#include <leakwatch/file.h>
#include <string.h>

enum {
    LWI_FILE_VERSION = 1,
    LWI_FILE_UNIT = 64,  /* of a header, an entry, and what sections are a multiple of */
    LWI_FILE_NAME = 24,  /* room for a section's name, with its end */
    LWI_FILE_SECTIONS = 256 /* the most that any file has */
};

#define LWI_FILE_MAGIC "\x89LWS\r\n\x1a\n"

/* Offsets within the header and within an entry of the directory. */
enum {
    LWI_HEAD_VERSION = 8,
    LWI_HEAD_SECTIONS = 12,
    LWI_HEAD_SIZE = 16,
    LWI_HEAD_FLAGS = 24, /* bits that a reader has to know; none yet */
    LWI_HEAD_RUN = 32,
    LWI_HEAD_CONTEXT = 40,
    LWI_HEAD_SUM = 56, /* of header, with 0 in its place, and directory */
    LWI_ENTRY_WIDTH = 24,
    LWI_ENTRY_PER = 28,
    LWI_ENTRY_COUNT = 32,
    LWI_ENTRY_OFFSET = 40,
    LWI_ENTRY_SUM = 48,
    LWI_ENTRY_FLAGS = 56
};

enum { LWI_ENTRY_VITAL = 1 }; /* a reader that does not know the section must not go on */

typedef enum lwi_section {
    LWI_AT_INFO,
    LWI_AT_TEXT,
    LWI_AT_TEXT_ENDS,
    LWI_AT_PARTS,
    LWI_AT_TYPES,
    LWI_AT_SHAPES,
    LWI_AT_NAMES,
    LWI_AT_ROOT_KINDS,
    LWI_AT_TENURES,
    LWI_AT_STACKS,
    LWI_AT_FRAMES,
    LWI_AT_MANY,
    LWI_AT_EXTERNAL,
    LWI_AT_OUTSIDE,
    LWI_AT_KEYS, /* from here on read where it lies, and looked at when first needed */
    LWI_AT_NODE_SHAPE,
    LWI_AT_NODE_TENURE,
    LWI_AT_NODE_REFERENCES,
    LWI_AT_NODE_GARBAGE,
    LWI_AT_ROW_BASE,
    LWI_AT_ROW_END,
    LWI_AT_EDGE_TO,
    LWI_AT_EDGE_KIND,
    LWI_AT_EDGE_LABEL,
    LWI_AT_ROOTS,
    LWI_AT_STACK_FRAMES,
    LWI_AT_COUNT
} lwi_section;

/* What a section looks like: rows of `per` numbers of `width` bytes each. */
typedef struct lwi_form {
    const char *name;
    uint32_t width;
    uint32_t per;
    bool optional;
} lwi_form;

extern const lwi_form lwi_forms[LWI_AT_COUNT];

/* The numbers of the first section. Later versions may append. */
enum {
    LWI_INFO_NODES,
    LWI_INFO_EDGES,
    LWI_INFO_SIZE,
    LWI_INFO_EXTERNAL,
    LWI_INFO_EPOCH,
    LWI_INFO_GARBAGE,
    LWI_INFO_GARBAGE_SIZE,
    LWI_INFO_DANGLING,
    LWI_INFO_CONFLICTS,
    LWI_INFO_TOOK,
    LWI_INFO_TAKEN_AT,
    LWI_INFO_PROCESS,
    LWI_INFO_EDGE_KINDS,
    LWI_INFO_FLAGS,
    LWI_INFO_NAME,
    LWI_INFO_PROGRAM,
    LWI_INFO_PEAK,
    LWI_INFO_WORDS
};

enum {
    LWI_INFO_VALUES = 1, /* keys are in it as they read */
    LWI_INFO_CHILD = 2   /* taken by a child of the process */
};
enum { LWI_PART_RECORDED = 1, LWI_PART_ADDRESS = 2 };        /* flags of a part */
enum { LWI_LEAF_WORDS = sizeof(lwi_bitmap_leaf) / 8 };       /* of a part's keys, if addresses */
#define LWI_HIDDEN_KEY "\xe2\x80\xa6"                        /* what stands for a user's value */

typedef struct lwi_column {
    const unsigned char *bytes;
    uint64_t count; /* rows */
    uint32_t per;   /* numbers in a row: at least what the form says */
    uint64_t offset;
    uint64_t sum;
    bool present;
} lwi_column;

/* The file behind a snapshot. */
struct lwi_file {
    lwi_file_in in;
    const char *path;
    uint64_t token; /* as the process that took it knew the context */
    lwi_column columns[LWI_AT_COUNT];
    uint64_t texts;
    bool summed;           /* all checksums have been found right */
    _Atomic bool checked;  /* and so has what the columns say */
};

/* Between a process and its child, with values: writes to a handle, and opens what is there, as a
 * snapshot of the process and not of a file. `system`: the error number with LW_E_IO. */
lw_status lwi_snapshot_put(const lw_snapshot *snapshot, int handle, lw_progress_fn progress,
                           void *user, int *system);
lw_status lwi_snapshot_get(int handle, lw_allocator allocator, lw_snapshot **snapshot,
                           lw_error *error);

void lwi_file_close(lwi_file *file, lwi_mem *mem);

/* Looks at all of it, once. */
lw_status lwi_file_check(const lw_snapshot *snapshot, lw_error *error);

/* One word of a small section. */
uint64_t lwi_file_word(const lwi_file *file, lwi_section at, uint64_t row, uint32_t column);

/* Its `number`-th text; NULL: there is none. */
const char *lwi_file_text(const lwi_file *file, uint64_t number, uint64_t *length);

/* LW_E_FORMAT with where: `row` and `column` lead to the byte. */
lw_status lwi_file_damaged(const lwi_file *file, lwi_section at, uint64_t row, uint32_t column,
                           const char *what, lw_error *error);

/* Reads header and directory. */
lw_status lwi_file_read_directory(lwi_file *file, lw_error *error);

/* Whether a section's bytes are what was written. */
lw_status lwi_file_check_sum(const lwi_file *file, lwi_section at, lw_error *error);

/* Turns the small sections into tables, which are checked, and points to the large ones. */
lw_status lwi_file_read_tables(lw_snapshot *snapshot, lw_error *error);
lw_status lwi_file_read_blocks(lw_snapshot *snapshot, lw_error *error);

static inline bool lwi_host_is_little(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

static inline uint32_t lwi_load32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static inline uint64_t lwi_load64(const unsigned char *from)
{
    return (uint64_t)lwi_load32(from) | (uint64_t)lwi_load32(from + 4) << 32;
}

static inline void lwi_store32(unsigned char *to, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (unsigned char)(word >> (8 * i));
}

static inline void lwi_store64(unsigned char *to, uint64_t word)
{
    lwi_store32(to, (uint32_t)word);
    lwi_store32(to + 4, (uint32_t)(word >> 32));
}

#endif
