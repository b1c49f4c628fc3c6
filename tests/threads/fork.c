/* fork while threads record: the child's context works and goes on by itself, the parent's is
 * untouched. */
#define _POSIX_C_SOURCE 200809L

#include "crew.h"

#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer does not follow threads of a child, and AddressSanitizer may fork while another
 * thread holds a lock of its malloc: a child's thread then waits for ever. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { CHILD_MAY_HAVE_THREADS = 0 };
#else
enum { CHILD_MAY_HAVE_THREADS = 1 };
#endif

enum { THREADS = 4, FORKS = 40 };

static lw_context *context;
static lw_domain *heap, *pool, *device;
static lw_region *region, *outer;
static lw_type *type;
static _Atomic int stop;

/* Every kind of work, so that a fork finds each table in use. */
static void *record(void *user)
{
    worker *worker = user;
    uint64_t base = 0x10000000 * ((uint64_t)worker->index + 1);
    for (uint64_t i = 0; !atomic_load(&stop); i++) {
        uint64_t words[3] = {i % 5000 + 1, 2, 3};
        lw_stack stack = {words, 3, 0, 0};
        void *block = at(base + i % 4096 * 64), *object = at(base + i % 4096 * 64 + 8);
        lw_context *shared = NULL;
        lw_round round = begin(region);
        lw_block_alloc(heap, block, i % 3 ? 32 : 1 << 25, &stack);
        lw_block_alloc(device, block, 8, NULL);
        lw_object_created(type, object);
        if (i % 64 == 0 && lw_context_default(&shared, NULL) == LW_OK)
            lw_context_release(shared);
        lw_object_destroyed(type, object);
        lw_block_free(device, block);
        lw_block_free(heap, block);
        CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
    }
    return NULL;
}

static void *work_in_child(void *user)
{
    worker *worker = user;
    lw_round round = begin(region);
    lw_block_alloc(heap, at(0x900000 + (uint64_t)worker->index * 64), 50, NULL);
    CHECK_EQ(lw_region_end(region, round, NULL, NULL), LW_OK);
    return NULL;
}

/* What the child does counts from where the fork was. */
static int child(lw_round open)
{
    lw_domain_stats before = domain_stats(heap), after;
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_context *shared = NULL;
    lw_survivors *survivors = NULL;
    uint64_t word = 77;
    lw_stack stack = {&word, 1, 0, 0};
    CHECK_EQ(context_stats(context).threads, 1);
    lw_block_free(heap, at(0x500000)); /* of the parent, born in the open round */
    lw_round round = begin(region);
    for (uint64_t i = 0; i < 1000; i++)
        lw_block_alloc(heap, at(0x800000 + i * 16), 10, &stack);
    lw_block_alloc(pool, at(0x600010), 20, NULL); /* in the parent's chunk */
    CHECK_EQ(region_stats(region, round).current_bytes, 10020);
    check_survivors(context, region, round, 10020, 1001);
    lw_block_free(heap, at(0x600000)); /* the chunk */
    CHECK_EQ(lw_region_end(region, round, &stats, NULL), LW_OK);
    CHECK_EQ(stats.current_bytes, 10000);
    CHECK_EQ(stats.net_bytes, 10000);
    CHECK_EQ(lw_region_end(outer, open, &stats, NULL), LW_OK);
    CHECK_EQ(stats.current_bytes, 10000);
    after = domain_stats(heap);
    CHECK_EQ(after.bytes - before.bytes, 10000 - 64);
    CHECK_EQ(after.blocks - before.blocks, 1000 - 1);
    CHECK_EQ(after.adopted_blocks, 0);
    if (CHILD_MAY_HAVE_THREADS) {
        crew_run(THREADS, work_in_child, NULL);
        CHECK_EQ(domain_stats(heap).bytes - after.bytes, 50 * THREADS);
        CHECK_EQ(context_stats(context).threads, 1);
    }
    CHECK_EQ(lw_survivors_take(context, NULL, 0, &survivors, NULL), LW_OK);
    lw_survivors_release(survivors);
    CHECK_EQ(lw_context_default(&shared, NULL), LW_OK);
    lw_context_release(shared);
    lw_object_created(type, at(0x700001));
    lw_context_release(context);
    return check_result();
}

static void fork_once(void)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    int status = -1;
    lw_round open = begin(outer);
    lw_block_alloc(heap, at(0x500000), 64, NULL);
    lw_block_alloc(heap, at(0x600000), 4096, NULL);
    CHECK_EQ(lw_domain_adopt(pool, at(0x600000), NULL), LW_OK);
    pid_t process = fork();
    if (process == 0)
        _exit(child(open));
    CHECK(process > 0 && waitpid(process, &status, 0) == process);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_EQ(lw_region_end(outer, open, &stats, NULL), LW_OK);
    CHECK_EQ(stats.current_bytes, 64);
    lw_block_free(heap, at(0x600000));
    lw_block_free(heap, at(0x500000));
}

int main(void)
{
    pthread_t threads[THREADS];
    worker workers[THREADS];
    lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
    context = open_context();
    heap = add_domain(context, "heap", 0, NULL);
    options.name = "pool";
    options.kind = LW_DOMAIN_CARVED;
    options.parent = heap;
    CHECK_EQ(lw_domain_create(context, &options, &pool, NULL), LW_OK);
    options.name = "device";
    options.kind = LW_DOMAIN_APART;
    options.parent = NULL;
    CHECK_EQ(lw_domain_create(context, &options, &device, NULL), LW_OK);
    CHECK_EQ(lw_type_create(context, "object", 8, &type, NULL), LW_OK);
    region = add_region(context, "region", LW_SCOPE_THREAD);
    outer = add_region(context, "outer", LW_SCOPE_THREAD);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){i, 0, NULL};
        pthread_create(&threads[i], NULL, record, &workers[i]);
    }
    for (int i = 0; i < FORKS && !check_failures; i++)
        fork_once();
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(domain_stats(heap).blocks, 0);
    CHECK_EQ(domain_stats(device).blocks, 0);
    CHECK_EQ(region_stats(region, 0).current_blocks, 0);
    CHECK_EQ(context_stats(context).unknown_frees, 0);
    lw_context_release(context);
    return check_result();
}
