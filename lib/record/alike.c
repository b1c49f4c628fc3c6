/* Code that is loaded or compiled anew has new words for its frames, and so new sites: of a module
 * that leaks and is unloaded in every round each round would have a row of its own, and none would
 * grow. Rows that read the same are one. */
#include "base/sort.h"
#include "record/survivors.h"

static int by_text(const void *a, const void *b, const void *user)
{
    return lwi_survivors_by_text(user, a, b);
}

static int by_round(const void *a, const void *b, const void *user)
{
    const lwi_left *x = a, *y = b;
    (void)user;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

uint64_t lwi_left_merge(lwi_left *left, uint64_t count)
{
    uint64_t kept = 0;
    lwi_sort(left, count, sizeof *left, by_round, NULL);
    for (uint64_t i = 0; i < count; i++) {
        if (kept && left[kept - 1].rank == left[i].rank) {
            left[kept - 1].bytes += left[i].bytes;
            left[kept - 1].blocks += left[i].blocks;
        } else {
            left[kept++] = left[i];
        }
    }
    return kept;
}

/* One row of several; what the rounds left of them goes to `left`. */
static lwi_row unite(const lw_survivors *survivors, const lwi_row *rows, uint32_t count,
                     lwi_left *left, uint64_t left_at)
{
    lwi_row one = rows[0];
    uint64_t all = left_at;
    one.live = (lwi_amount){0, 0};
    one.samples = (lwi_samples){0, {0, 0}};
    for (uint32_t i = 0; i < count; i++) {
        one.live.bytes += rows[i].live.bytes;
        one.live.blocks += rows[i].live.blocks;
        one.samples.count += rows[i].samples.count;
        lwi_spread_add(&one.samples.spread, &rows[i].samples.spread, 1);
        for (uint64_t j = 0; j < rows[i].left_count; j++)
            left[all++] = survivors->left[rows[i].left + j];
    }
    one.left = left_at;
    one.left_count = lwi_left_merge(left + left_at, all - left_at);
    return one;
}

bool lwi_survivors_unite(lw_survivors *survivors)
{
    lwi_row *rows = survivors->rows;
    size_t size = lwi_array_size(survivors->left_room, sizeof(lwi_left));
    lwi_left *left = size ? lwi_alloc(&survivors->mem, size) : NULL;
    uint32_t kept = 0;
    uint64_t used = 0;
    if (size && !left)
        return false;
    lwi_sort(rows, survivors->count, sizeof *rows, by_text, survivors);
    for (uint32_t i = 0, end; i < survivors->count; i = end) {
        end = i + 1;
        while (end < survivors->count &&
               lwi_survivors_by_text(survivors, &rows[i], &rows[end]) == 0)
            end++;
        rows[kept] = unite(survivors, &rows[i], end - i, left, used);
        used += rows[kept++].left_count;
    }
    survivors->count = kept;
    lwi_free(&survivors->mem, survivors->left, size);
    survivors->left = left;
    survivors->left_count = used;
    return true;
}
