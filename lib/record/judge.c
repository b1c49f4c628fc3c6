/* The rule is told in verdict.h. Ranks count the ended rounds from 1; "old" ones come first. */
#include "record/judge.h"

enum { LATEST = 8, LONG_SPAN = 4096, QUIET = 3, ENOUGH = 4 };

#define DOUBT 0.05
#define Z_SQUARED 2.7055 /* of the normal distribution at DOUBT, one-sided */

typedef struct series {
    const lwi_left *left;
    uint64_t count;
    uint64_t rounds;
    double typical; /* blocks that the newest quarter of the entries left on average */
} series;

uint32_t lwi_confidence(uint64_t rounds)
{
    double percent = 100.0 * ((double)rounds + 1) / ((double)rounds + 2);
    return percent > 99 ? 99 : (uint32_t)percent;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* A round that left very much counts as a typical one: a cache filled at once is no trend. */
static double weight(const series *series, const lwi_left *left)
{
    return smaller((double)left->blocks, series->typical);
}

static double typical(const lwi_left *left, uint64_t count)
{
    uint64_t newest = (count + 3) / 4;
    double sum = 0;
    for (uint64_t i = count - newest; i < count; i++)
        sum += (double)left[i].blocks;
    return sum / (double)newest;
}

/* How many of the newest rounds must leave nothing until that is silence. With any rate equally
 * likely beforehand, k rounds of a span s leave (s - k + 1) / (s + 2) for the next to be silent,
 * (s - k + 2) / (s + 3) for the one after, and so on; in a long span the product is about
 * (s / (s + quiet)) ^ (k + 1). */
static uint64_t silence(const series *series)
{
    static const double root[] = {0, 4.473, 2.715, 2.115, 1.821, 1.648, 1.535, 1.455, 1.395};
    uint64_t latest = series->count < LATEST ? series->count : LATEST;
    uint64_t first = series->left[series->count - latest].rank;
    uint64_t span = series->left[series->count - 1].rank - first + 1;
    if (span > LONG_SPAN)
        return (uint64_t)((double)span * (root[latest] - 1));
    uint64_t quiet = 0;
    for (double chance = 1; chance > DOUBT; quiet++)
        chance *= (double)(span - latest + 1 + quiet) / (double)(span + 2 + quiet);
    return quiet < QUIET ? QUIET : quiet;
}

/* Laplace's test for a trend among the entries from `from` on, which lie in the ranks after
 * `before`: below -1 they come ever more rarely, or smaller; above 1 more often, or larger. */
static double trend(const series *series, uint64_t from, uint64_t before, bool weighted)
{
    double rounds = (double)(series->rounds - before);
    double centre = (double)before + (rounds + 1) / 2;
    double sum = 0, squares = 0;
    for (uint64_t i = from; i < series->count; i++) {
        double w = weighted ? weight(series, &series->left[i]) : 1;
        sum += w * ((double)series->left[i].rank - centre);
        squares += w * w;
    }
    double variance = squares * (rounds * rounds - 1) / 12;
    if (variance <= 0)
        return 0;
    double ratio = sum * sum / (variance * Z_SQUARED);
    return sum < 0 ? -ratio : ratio;
}

/* The first entry whose rank is above `rank`. */
static uint64_t after(const series *series, uint64_t rank)
{
    uint64_t low = 0, high = series->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (series->left[middle].rank > rank)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Blocks that the first `rank` rounds left at their ends and that are freed since. */
static double shed_until(const lwi_shedding *shedding, uint64_t rank)
{
    uint64_t low = 0, high = shedding->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (shedding->rounds[middle].rank > rank)
            high = middle;
        else
            low = middle + 1;
    }
    double remembered = low ? (double)shedding->rounds[low - 1].blocks : 0;
    return remembered + shedding->forgotten * (double)(rank - low);
}

/* Whether what old rounds lack, beside the newest, is what they had at their ends. */
static bool replaced(const series *series, const lwi_shedding *shedding, uint64_t gap)
{
    uint64_t old = gap ? gap : series->rounds / 2;
    uint64_t from = after(series, old);
    double lasting = (double)(series->rounds - old);
    double sum = 0;
    for (uint64_t i = from; i < series->count; i++)
        sum += weight(series, &series->left[i]);
    double missing = sum / lasting * (double)old;
    for (uint64_t i = 0; i < from; i++)
        missing -= weight(series, &series->left[i]);
    return missing > 0 && shed_until(shedding, old) >= missing / 2;
}

/* Whether the older half of the rounds holds a fifth of the row at most. */
static bool newest_alone(const series *series)
{
    uint64_t half = after(series, series->rounds / 2);
    double old = 0, new = 0;
    for (uint64_t i = 0; i < series->count; i++)
        *(i < half ? &old : &new) += weight(series, &series->left[i]);
    return 4 * old <= new;
}

/* Whether the newer half of the rounds goes on leaving something, and no more rarely. */
static bool goes_on(const series *series)
{
    uint64_t half = series->rounds / 2;
    uint64_t from = after(series, half);
    uint64_t count = series->count - from;
    if (series->count < ENOUGH)
        return false;
    if (count == series->rounds - half)
        return true;
    return count >= ENOUGH && trend(series, from, half, false) > -1;
}

/* Rounds until a series of this rate has enough entries in the newer half of them all. */
static uint64_t until_enough(const series *series)
{
    uint64_t count = series->count, rounds = series->rounds;
    if (count == rounds - series->left[0].rank + 1)
        return count < ENOUGH ? ENOUGH - count : 1;
    double all = 2.0 * ENOUGH * (double)rounds / (double)count;
    return all > (double)rounds + 1 ? (uint64_t)(all - (double)rounds) : 1;
}

static lwi_opinion unclear(uint64_t a, uint64_t b)
{
    uint64_t more = a < b ? a : b;
    return (lwi_opinion){LW_VERDICT_UNCLEAR, 0, more ? more : 1};
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

lwi_opinion lwi_judge(const lwi_left *left, uint64_t count, uint64_t rounds,
                      const lwi_shedding *shedding)
{
    const series series = {left, count, rounds, typical(left, count)};
    uint64_t quiet = rounds - left[count - 1].rank;
    uint64_t enough = silence(&series);
    if (quiet >= enough)
        return (lwi_opinion){LW_VERDICT_WARM_UP, lwi_confidence(quiet), 0};

    uint64_t gap = left[0].rank - 1;
    bool rising = trend(&series, 0, 0, true) > 1;
    bool new_for_old = (gap || rising) && rounds >= ENOUGH && replaced(&series, shedding, gap);
    if (new_for_old && newest_alone(&series))
        return (lwi_opinion){LW_VERDICT_TURNS_OVER, lwi_confidence(gap ? gap : rounds / 2), 0};
    if (!goes_on(&series))
        return unclear(enough - quiet, until_enough(&series));
    if (!new_for_old)
        return (lwi_opinion){LW_VERDICT_GROWS, lwi_confidence(count), 0};
    if (gap && gap <= rounds / 8 && !rising)
        return (lwi_opinion){LW_VERDICT_GROWS, 80, 0};
    uint64_t window = rounds - gap;
    return unclear(gap ? minus(8 * gap, rounds) : rounds, minus(window * 8 / 5, rounds));
}
