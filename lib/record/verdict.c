/* From what each round left of each row to a verdict on the region. */
#include "base/sort.h"
#include "record/history.h"

/* ---- rows of one line, judged together ---- */

static int by_line(const void *a, const void *b, const void *user)
{
    return lwi_survivors_by_line(user, *(lwi_row *const *)a, *(lwi_row *const *)b);
}

/* What the rounds left of several rows, with one entry per round. */
static uint64_t gather(const lw_survivors *survivors, lwi_row *const *rows, uint64_t count,
                       lwi_left *left)
{
    uint64_t all = 0;
    for (uint64_t i = 0; i < count; i++) {
        for (uint64_t j = 0; j < rows[i]->left_count; j++)
            left[all++] = survivors->left[rows[i]->left + j];
    }
    return lwi_left_merge(left, all);
}

static void judge_together(lw_survivors *survivors, const lwi_history *history,
                           lwi_row *const *rows, uint64_t count, lwi_left *left)
{
    uint64_t entries = gather(survivors, rows, count, left);
    lwi_opinion opinion = lwi_judge(left, entries, history->rounds, &history->shedding);
    for (uint64_t i = 0; i < count && opinion.kind != LW_VERDICT_UNCLEAR; i++) {
        rows[i]->opinion = opinion;
        rows[i]->together = true;
    }
}

/* `rows` has room for all rows, `left` for all entries. */
static void judge_lines(lw_survivors *survivors, const lwi_history *history, lwi_row **rows,
                        lwi_left *left)
{
    uint64_t count = 0, end;
    for (uint32_t i = 0; i < survivors->count; i++) {
        lwi_row *row = &survivors->rows[i];
        if (row->left_count && row->opinion.kind == LW_VERDICT_UNCLEAR)
            rows[count++] = row;
    }
    lwi_sort(rows, count, sizeof *rows, by_line, survivors);
    for (uint64_t begin = 0; begin < count; begin = end) {
        end = begin + 1;
        while (end < count && lwi_survivors_by_line(survivors, rows[begin], rows[end]) == 0)
            end++;
        if (end - begin > 1)
            judge_together(survivors, history, rows + begin, end - begin, left);
    }
}

/* ---- the region ---- */

/* How many rounds the rows that grow left something in, and the first of them. */
static void count_growth(lw_survivors *survivors, uint64_t rounds, lwi_left *left)
{
    lw_verdict *verdict = &survivors->verdict;
    uint64_t count = 0;
    for (uint32_t i = 0; i < survivors->count; i++) {
        const lwi_row *row = &survivors->rows[i];
        if (row->opinion.kind != LW_VERDICT_GROWS)
            continue;
        for (uint64_t j = 0; j < row->left_count; j++)
            left[count++] = survivors->left[row->left + j];
    }
    verdict->grew = lwi_left_merge(left, count);
    verdict->since = left[0].round;
    verdict->span = rounds - left[0].rank + 1;
}

static lwi_amount left_of(const lw_survivors *survivors, const lwi_row *row)
{
    lwi_amount sum = {0, 0};
    for (uint64_t i = 0; i < row->left_count; i++) {
        sum.bytes += survivors->left[row->left + i].bytes;
        sum.blocks += survivors->left[row->left + i].blocks;
    }
    return sum;
}

static void add_row(lw_survivors *survivors, const lwi_row *row)
{
    lw_verdict *verdict = &survivors->verdict;
    lwi_amount left = left_of(survivors, row);
    verdict->flight_bytes += row->live.bytes - left.bytes;
    verdict->flight_blocks += row->live.blocks - left.blocks;
    if (row->left_count == 0)
        return;
    if (row->once) {
        verdict->once_bytes += left.bytes;
        verdict->once_blocks += left.blocks;
    } else if (row->opinion.kind == LW_VERDICT_GROWS) {
        verdict->growth_bytes += left.bytes;
        verdict->growth_blocks += left.blocks;
    } else if (row->opinion.kind == LW_VERDICT_UNCLEAR) {
        verdict->unclear_bytes += left.bytes;
        verdict->unclear_blocks += left.blocks;
    }
}

/* Growth is as sure as its surest row, all that is flat only as its least sure one. */
static void weigh(lw_survivors *survivors)
{
    lw_verdict *verdict = &survivors->verdict;
    for (uint32_t i = 0; i < survivors->count; i++) {
        const lwi_row *row = &survivors->rows[i];
        if (row->left_count == 0 || row->opinion.kind != verdict->kind)
            continue;
        bool surer = row->opinion.confidence > verdict->confidence;
        if (!verdict->confidence || surer == (verdict->kind == LW_VERDICT_GROWS))
            verdict->confidence = row->opinion.confidence;
        uint64_t last = survivors->left[row->left + row->left_count - 1].round;
        if (verdict->kind == LW_VERDICT_WARM_UP && last > verdict->since)
            verdict->since = last;
        if (row->opinion.more > verdict->more)
            verdict->more = row->opinion.more;
    }
}

static int32_t kind_of(const lw_survivors *survivors, uint64_t rounds)
{
    static const int32_t worst[] = {LW_VERDICT_GROWS, LW_VERDICT_UNCLEAR, LW_VERDICT_WARM_UP,
                                    LW_VERDICT_TURNS_OVER};
    for (size_t i = 0; i < sizeof worst / sizeof *worst; i++) {
        for (uint32_t j = 0; j < survivors->count; j++) {
            const lwi_row *row = &survivors->rows[j];
            if (row->left_count && row->opinion.kind == worst[i])
                return worst[i];
        }
    }
    return rounds ? LW_VERDICT_CLEAN : LW_VERDICT_UNCLEAR;
}

static void judge_region(lw_survivors *survivors, const lwi_history *history, lwi_left *left)
{
    lw_verdict *verdict = &survivors->verdict;
    *verdict = (lw_verdict)LW_VERDICT_INIT;
    verdict->rounds = history->rounds;
    verdict->kind = kind_of(survivors, history->rounds);
    verdict->freed_bytes = history->freed.bytes;
    verdict->freed_blocks = history->freed.blocks;
    for (uint32_t i = 0; i < survivors->count; i++)
        add_row(survivors, &survivors->rows[i]);
    weigh(survivors);
    if (verdict->kind == LW_VERDICT_GROWS)
        count_growth(survivors, history->rounds, left);
    if (verdict->kind == LW_VERDICT_CLEAN)
        verdict->confidence = lwi_confidence(history->rounds);
    if (verdict->rounds == 0)
        verdict->more = 1;
}

bool lwi_survivors_judge(lw_survivors *survivors, const lwi_history *history)
{
    lwi_mem *mem = &survivors->mem;
    size_t rows_size = lwi_array_size(survivors->count, sizeof(lwi_row *));
    size_t left_size = lwi_array_size(survivors->left_count, sizeof(lwi_left));
    survivors->by_round = true;
    for (uint32_t i = 0; i < survivors->count; i++) {
        lwi_row *row = &survivors->rows[i];
        row->opinion = (lwi_opinion){LW_VERDICT_CLEAN, lwi_confidence(history->rounds), 0};
        if (row->once)
            row->opinion = (lwi_opinion){LW_VERDICT_ONCE, 99, 0};
        else if (row->left_count)
            row->opinion = lwi_judge(survivors->left + row->left, row->left_count,
                                     history->rounds, &history->shedding);
    }
    lwi_row **rows = rows_size ? lwi_alloc(mem, rows_size) : NULL;
    lwi_left *left = left_size ? lwi_alloc(mem, left_size) : NULL;
    bool done = (rows || !rows_size) && (left || !left_size);
    if (done) {
        judge_lines(survivors, history, rows, left);
        judge_region(survivors, history, left);
    }
    lwi_free(mem, rows, rows_size);
    lwi_free(mem, left, left_size);
    return done;
}
