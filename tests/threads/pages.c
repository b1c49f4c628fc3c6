/* Threads that fill one page of the block map after another, each with blocks of its own between
 * those of the others, from the first coarse slots to the finest: whatever is made finer while
 * others store into it and take out of it, no record is lost and none comes back. */
#include "crew.h"

#include <sched.h>

#if defined(__SANITIZE_THREAD__)
enum { TIMES = 2 };
#elif defined(__SANITIZE_ADDRESS__)
enum { TIMES = 4 };
#else
enum { TIMES = 8 };
#endif

enum { THREADS = 3, PAGES = 1000, GRANULES = 256, SIZE = 4096 };

typedef struct book {
    lw_context *context;
    lw_domain *heap;
    _Atomic int arrived[PAGES + 1];
} book;

static void *address(uint64_t page, uint64_t granule)
{
    return at(0x10000000 + page * 4096 + granule * 16);
}

/* All begin a page at once, or as nearly as can be had. */
static void meet(book *book, int page)
{
    atomic_fetch_add(&book->arrived[page], 1);
    for (int spins = 0; atomic_load(&book->arrived[page]) < THREADS; spins++) {
        if (spins > 2000)
            sched_yield();
    }
}

/* Blocks that are said to fill the page make it begin with its coarsest slots. */
static void fill(book *book, worker *worker, uint64_t page)
{
    for (uint64_t i = (uint64_t)worker->index; i < GRANULES; i += THREADS) {
        lw_block_alloc(book->heap, address(page, i), SIZE, NULL);
        if (i % 2)
            lw_block_free_sized(book->heap, address(page, i), SIZE);
    }
}

static void empty(book *book, worker *worker, uint64_t page)
{
    for (uint64_t i = (uint64_t)worker->index; i < GRANULES; i += THREADS) {
        lw_move move;
        if (i % 2)
            continue;
        lw_move_begin(book->heap, address(page, i), &move);
        lw_move_cancel(&move);
        lw_block_free_sized(book->heap, address(page, i), SIZE);
    }
}

static void *work(void *user)
{
    worker *worker = user;
    book *book = worker->work;
    for (int page = 0; page < PAGES; page++) {
        meet(book, page);
        fill(book, worker, (uint64_t)page);
        if (page >= 10)
            empty(book, worker, (uint64_t)page - 10);
    }
    return NULL;
}

static void run(void)
{
    static book book;
    memset(&book, 0, sizeof book);
    book.context = open_context();
    book.heap = add_domain(book.context, "heap", 0, NULL);
    crew_run(THREADS, work, &book);
    CHECK_EQ(domain_stats(book.heap).allocated, PAGES * GRANULES);
    CHECK_EQ(domain_stats(book.heap).blocks, 10 * GRANULES / 2);
    CHECK_EQ(domain_stats(book.heap).bytes, 10 * GRANULES / 2 * (int64_t)SIZE);
    check_survivors(book.context, NULL, 0, 10 * GRANULES / 2 * (int64_t)SIZE, 10 * GRANULES / 2);
    for (uint64_t page = PAGES - 10; page < PAGES; page++) {
        for (int i = 0; i < THREADS; i++)
            empty(&book, &(worker){i, 0, NULL}, page);
    }
    CHECK_EQ(domain_stats(book.heap).blocks, 0);
    CHECK_EQ(context_stats(book.context).unknown_frees, 0);
    CHECK_EQ(context_stats(book.context).replaced, 0);
    CHECK_EQ(context_stats(book.context).dropped, 0);
    lw_context_release(book.context);
}

int main(void)
{
    for (int i = 0; i < TIMES; i++)
        run();
    return check_result();
}
