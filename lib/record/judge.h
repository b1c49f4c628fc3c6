/* What a series of rounds means: the rule of verdict.h, on numbers alone. */
#ifndef LWI_RECORD_JUDGE_H
#define LWI_RECORD_JUDGE_H

#include <leakwatch/verdict.h>
#include <stdbool.h>

/* What one ended round left of one row. */
typedef struct lwi_left {
    uint64_t round; /* its number in the region, from 1 */
    uint64_t rank;  /* among the rounds that have ended, from 1 */
    int64_t bytes, blocks;
    lw_site site;
    uint8_t domain;
    bool once;
} lwi_left;

/* What a round left at its end and that is freed since. */
typedef struct lwi_shed {
    uint64_t rank;
    int64_t blocks; /* with those of all remembered rounds before it */
} lwi_shed;

typedef struct lwi_shedding {
    const lwi_shed *rounds; /* the remembered ones, in order */
    uint64_t count;
    double forgotten; /* blocks that each of the forgotten rounds left at its end, on average */
} lwi_shedding;

typedef struct lwi_opinion {
    int32_t kind;
    uint32_t confidence;
    uint64_t more;
} lwi_opinion;

/* `left` has `count` >= 1 entries in the order of their ranks, each at most `rounds`. */
lwi_opinion lwi_judge(const lwi_left *left, uint64_t count, uint64_t rounds,
                      const lwi_shedding *shedding);

/* Laplace's rule of succession, in per cent. */
uint32_t lwi_confidence(uint64_t rounds);

#endif
