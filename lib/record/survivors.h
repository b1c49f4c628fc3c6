/* A table of survivors, as it is made and as it is read. */
#ifndef LWI_RECORD_SURVIVORS_H
#define LWI_RECORD_SURVIVORS_H

#include "base/mem.h"

#include <leakwatch/region.h>

typedef struct lwi_amount {
    int64_t bytes, blocks;
} lwi_amount;

typedef struct lwi_row {
    lwi_amount live;
    lw_site site;
    uint8_t domain;
    bool truncated;
    uint32_t depth;
    uint64_t frames; /* index of its first frame */
    const char *domain_name;
} lwi_row;

struct lw_survivors {
    lwi_mem mem;
    lwi_row *rows;
    uint32_t count, room;
    lw_frame *frames;
    uint64_t frame_count;
    char *text, *text_end;
    size_t text_size;
    const char *region;
    uint64_t events, dropped, own_bytes;
};

/* Puts the rows into their order, most bytes first, and notes the numbers about ourselves. */
void lwi_survivors_finish(lw_survivors *survivors, const lw_context_stats *stats);

#endif
