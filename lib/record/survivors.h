/* A table of survivors, as it is made and as it is read. */
#ifndef LWI_RECORD_SURVIVORS_H
#define LWI_RECORD_SURVIVORS_H

#include "base/mem.h"
#include "record/judge.h"
#include "record/round.h"

typedef struct lwi_amount {
    int64_t bytes, blocks;
} lwi_amount;

static inline lwi_amount lwi_amount_sum(lwi_amount a, lwi_amount b)
{
    return (lwi_amount){a.bytes + b.bytes, a.blocks + b.blocks};
}

/* How many of a birth's blocks are samples, and the variances of what they stand for. */
typedef struct lwi_samples {
    uint64_t count;
    lwi_spread spread;
} lwi_samples;

typedef struct lwi_row {
    lwi_amount live;
    lwi_samples samples;
    lw_site site;
    uint8_t domain;
    bool truncated, once;
    uint32_t depth;
    uint64_t frames; /* index of its first frame */
    const char *domain_name;
    /* In a table of a whole region: */
    uint64_t left, left_count; /* its part of lw_survivors::left */
    lwi_opinion opinion;
    bool together;
} lwi_row;

struct lwi_history;

struct lw_survivors {
    lwi_mem mem;
    lwi_row *rows;
    uint32_t count, room;
    lw_frame *frames;
    uint64_t frame_count;
    char *text, *text_end;
    size_t text_size;
    const char *region;
    lwi_left *left; /* what each round left of each row */
    uint64_t left_count, left_room;
    bool by_round; /* a table of a whole region */
    uint32_t modes; /* lw_mode_bits, in use while its blocks were allocated */
    uint64_t interval; /* between samples; 0: there never were any */
    lwi_amount counted; /* all live blocks: those that no site is known of */
    lw_verdict verdict;
    lw_context_stats ourselves; /* when it was taken */
};

/* Puts the rows into their order, most bytes first, and notes the numbers about ourselves. */
void lwi_survivors_finish(lw_survivors *survivors, const lw_context_stats *stats);

/* Rows that read the same are equal in this order. */
int lwi_survivors_by_text(const lw_survivors *survivors, const lwi_row *x, const lwi_row *y);

/* Makes one row of those. Once the table is filled; false without memory. */
bool lwi_survivors_unite(lw_survivors *survivors);

/* Puts what rounds left in their order, with one entry per round; returns how many there are. */
uint64_t lwi_left_merge(lwi_left *left, uint64_t count);

/* Rows of one place in the user's code lie together in this order. */
int lwi_survivors_by_line(const lw_survivors *survivors, const lwi_row *a, const lwi_row *b);

/* Judges rows and region, once the table is filled. False without memory. */
bool lwi_survivors_judge(lw_survivors *survivors, const struct lwi_history *history);

#endif
