/* Threads allocate, free, resize and hand blocks to one another; at the end every total is exact.
 * The addresses of different threads lie side by side, so that they meet in every page. */
#include "crew.h"

#include <errno.h>

enum { SLOTS = 1500, STEPS = 6000, PER_ROUND = 500, ROUNDS = STEPS / PER_ROUND, BOX = 64 };

/* A place for a block, used by one thread, freed by any. */
typedef struct slot {
    _Atomic int taken;
    uint64_t size;
    int round;
} slot;

typedef struct parcel {
    int from;
    uint64_t slot;
} parcel;

typedef struct plant {
    lw_context *context;
    lw_domain *domains[2]; /* by the thread's number, odd or even */
    pthread_mutex_t *locks[2];
    lw_region *region;
    int threads;
    slot slots[CREW_MAX][SLOTS];
    lw_round rounds[CREW_MAX][ROUNDS];
    _Atomic int64_t bytes[CREW_MAX][ROUNDS], blocks[CREW_MAX][ROUNDS]; /* by birth */
    _Atomic uint64_t allocated, freed;
    pthread_mutex_t mutex; /* of the boxes */
    parcel boxes[CREW_MAX][BOX];
    int boxed[CREW_MAX];
} plant;

static void *address(const plant *plant, int thread, uint64_t slot)
{
    return at(0x100000 + (slot * (uint64_t)plant->threads + (uint64_t)thread) * 16);
}

/* A host's lock, if the domain is one whose host has one. */
static void lock(plant *plant, int thread)
{
    if (plant->locks[thread % 2])
        pthread_mutex_lock(plant->locks[thread % 2]);
}

static void unlock(plant *plant, int thread)
{
    if (plant->locks[thread % 2])
        pthread_mutex_unlock(plant->locks[thread % 2]);
}

static void count(plant *plant, int thread, const slot *slot, int sign)
{
    plant->bytes[thread][slot->round] += sign * (int64_t)slot->size;
    plant->blocks[thread][slot->round] += sign;
    if (sign > 0)
        plant->allocated++;
    else
        plant->freed++;
}

static uint64_t some_size(worker *worker)
{
    uint64_t kind = random_below(worker, 100);
    if (kind == 0)
        return UINT64_C(1) << (24 + random_below(worker, 10));
    return kind < 10 ? 0 : random_below(worker, 400);
}

static void take(plant *plant, worker *worker, uint64_t number, int round, int move)
{
    slot *slot = &plant->slots[worker->index][number];
    lw_domain *domain = plant->domains[worker->index % 2];
    void *block = address(plant, worker->index, number);
    uint64_t words[2] = {random_below(worker, 20) + 1, 7};
    lw_stack stack = {words, 2, 0, 0};
    lw_move moving;
    lock(plant, worker->index);
    if (move) {
        lw_move_begin(domain, block, &moving);
        count(plant, worker->index, slot, -1);
    }
    slot->size = some_size(worker);
    slot->round = round;
    if (move)
        lw_move_end(&moving, block, slot->size, &stack);
    else
        lw_block_alloc(domain, block, slot->size, &stack);
    count(plant, worker->index, slot, 1);
    atomic_store(&slot->taken, 1);
    unlock(plant, worker->index);
}

static void give(plant *plant, int owner, uint64_t number)
{
    slot *slot = &plant->slots[owner][number];
    lock(plant, owner);
    lw_block_free_sized(plant->domains[owner % 2], address(plant, owner, number), slot->size);
    count(plant, owner, slot, -1);
    unlock(plant, owner);
    atomic_store(&slot->taken, 0); /* the owner may use it again */
}

static void fail_to_move(plant *plant, int owner, uint64_t number)
{
    lw_move move;
    lock(plant, owner);
    lw_move_begin(plant->domains[owner % 2], address(plant, owner, number), &move);
    lw_move_cancel(&move);
    unlock(plant, owner);
}

/* To another thread, which will free it; while in the box it is nobody's to touch. */
static void send(plant *plant, worker *worker, uint64_t number)
{
    int to = (int)random_below(worker, (uint64_t)plant->threads);
    pthread_mutex_lock(&plant->mutex);
    if (plant->boxed[to] < BOX) {
        atomic_store(&plant->slots[worker->index][number].taken, 2);
        plant->boxes[to][plant->boxed[to]++] = (parcel){worker->index, number};
    }
    pthread_mutex_unlock(&plant->mutex);
}

static void free_what_came(plant *plant, worker *worker)
{
    parcel parcels[BOX];
    pthread_mutex_lock(&plant->mutex);
    int came = plant->boxed[worker->index];
    memcpy(parcels, plant->boxes[worker->index], (size_t)came * sizeof *parcels);
    plant->boxed[worker->index] = 0;
    pthread_mutex_unlock(&plant->mutex);
    for (int i = 0; i < came; i++)
        give(plant, parcels[i].from, parcels[i].slot);
}

static void step(plant *plant, worker *worker, int round)
{
    uint64_t number = random_below(worker, SLOTS), what = random_below(worker, 8);
    int taken = atomic_load(&plant->slots[worker->index][number].taken);
    if (taken == 0)
        take(plant, worker, number, round, 0);
    else if (taken == 1 && what < 2)
        take(plant, worker, number, round, 1);
    else if (taken == 1 && what < 3)
        fail_to_move(plant, worker->index, number);
    else if (taken == 1 && what < 5)
        send(plant, worker, number);
    else if (taken == 1)
        give(plant, worker->index, number);
    if (what == 7)
        free_what_came(plant, worker);
}

static void *work(void *user)
{
    worker *worker = user;
    plant *plant = worker->work;
    errno = 4711;
    for (int i = 0; i < ROUNDS; i++) {
        lw_round round = begin(plant->region);
        plant->rounds[worker->index][i] = round;
        for (int j = 0; j < PER_ROUND; j++)
            step(plant, worker, i);
        CHECK_EQ(lw_region_end(plant->region, round, NULL, NULL), LW_OK);
    }
    CHECK_EQ(errno, 4711);
    return NULL;
}

static void check_totals(plant *plant)
{
    int64_t bytes = 0, blocks = 0;
    for (int i = 0; i < plant->threads; i++) {
        for (int j = 0; j < ROUNDS; j++) {
            lw_region_stats stats = region_stats(plant->region, plant->rounds[i][j]);
            CHECK_EQ(stats.current_bytes, plant->bytes[i][j]);
            CHECK_EQ(stats.current_blocks, plant->blocks[i][j]);
            check_survivors(plant->context, plant->region, plant->rounds[i][j],
                            plant->bytes[i][j], plant->blocks[i][j]);
            bytes += plant->bytes[i][j];
            blocks += plant->blocks[i][j];
        }
    }
    lw_domain_stats one = domain_stats(plant->domains[0]), two = {.bytes = 0};
    if (plant->domains[1] != plant->domains[0])
        two = domain_stats(plant->domains[1]);
    CHECK_EQ(one.bytes + two.bytes, bytes);
    CHECK_EQ(one.blocks + two.blocks, blocks);
    CHECK_EQ(one.allocated + two.allocated, plant->allocated);
    CHECK_EQ(one.freed + two.freed, plant->freed);
    CHECK_EQ(region_stats(plant->region, 0).current_bytes, bytes);
    check_survivors(plant->context, NULL, 0, bytes, blocks);
    lw_context_stats stats = context_stats(plant->context);
    CHECK_EQ(stats.events, plant->allocated + plant->freed);
    CHECK_EQ(stats.dropped + stats.unknown_frees + stats.replaced, 0);
}

static void run(int threads, int serial)
{
    static plant plant;
    static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
    static char hosts[2];
    memset(&plant, 0, sizeof plant);
    pthread_mutex_init(&plant.mutex, NULL);
    plant.threads = threads;
    plant.context = open_context();
    plant.region = add_region(plant.context, "work", LW_SCOPE_THREAD);
    uint32_t flags = serial ? LW_DOMAIN_SERIAL : 0;
    plant.domains[0] = plant.domains[1] = add_domain(plant.context, "one", flags, &hosts[0]);
    if (serial) {
        plant.domains[1] = add_domain(plant.context, "two", flags, &hosts[1]);
        plant.locks[0] = &locks[0];
        plant.locks[1] = &locks[1];
    }
    crew_run(threads, work, &plant);
    check_totals(&plant);
    for (int i = 0; i < threads; i++) {
        for (uint64_t j = 0; j < SLOTS; j++) {
            if (plant.slots[i][j].taken)
                give(&plant, i, j);
        }
    }
    check_totals(&plant);
    CHECK_EQ(domain_stats(plant.domains[0]).blocks, 0);
    lw_context_release(plant.context);
    pthread_mutex_destroy(&plant.mutex);
}

int main(void)
{
    run(2, 0);
    run(4, 0);
    run(16, 0);
    run(4, 1); /* two hosts with a lock each, that share their map */
    return check_result();
}
