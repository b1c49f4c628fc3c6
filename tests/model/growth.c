/* Programs with planted leaks, and their clean twins: every leak is found once, at the right head,
 * and nothing else is, whatever the order of enumeration and the keys.
 *
 * usage: growth [worlds] [first seed] */
#include "growth_heap.h"

static unsigned long failures;
static uint64_t current;

static void complain(const char *what, const char *name, long long got, long long want)
{
    if (failures++ < 20)
        fprintf(stderr, "world %llu: %s of %s: %lld, should be %lld\n",
                (unsigned long long)current, what, name, got, want);
}

/* A program has some state under its owner, and changes it between two snapshots. */
struct state {
    struct heap *heap;
    int owner;     /* its own module, which holds all of it */
    int thing[8];
    int step, rate;
    int born;      /* the snapshot before which it comes to be */
    int leaky;
};

/* ---- lists ---- */

static void open_list(struct state *it)
{
    it->thing[0] = heap_grow(it->heap, it->owner, ".items", "list");
    for (int i = 0; i < 5; i++)
        heap_grow(it->heap, it->thing[0], "#", "Item");
}

static void step_list(struct state *it)
{
    for (int i = 0; i < it->rate; i++)
        heap_grow(it->heap, heap_grow(it->heap, it->thing[0], "#", "Item"), ".text", "str");
}

static int count_of(const struct heap *heap, int from, const char *label)
{
    int count = 0;
    for (int i = 0; i < heap->bond_count; i++)
        count += !heap->bonds[i].gone && heap->bonds[i].from == from &&
                 strcmp(heap->bonds[i].label, label) == 0;
    return count;
}

static void pop(struct state *it, int from, int count)
{
    while (count-- > 0)
        heap_untie(it->heap, from, heap_at(it->heap, from, "#"));
}

/* Up and down. */
static void step_list_clean(struct state *it)
{
    if (it->step % 2)
        step_list(it);
    else
        pop(it, it->thing[0], it->rate < 5 ? it->rate : 5);
}

/* New objects every time, as many as go. */
static void step_list_churn(struct state *it)
{
    pop(it, it->thing[0], count_of(it->heap, it->thing[0], "#"));
    for (int i = 0; i < 5; i++)
        heap_grow(it->heap, it->thing[0], "#", "Item");
}

/* ---- linked lists ---- */

static void open_linked(struct state *it)
{
    it->thing[0] = heap_grow(it->heap, it->owner, ".chain", "Chain");
    it->thing[1] = heap_grow(it->heap, it->thing[0], ".head", "Link");
    it->thing[2] = it->thing[1];
}

static void step_linked_tail(struct state *it)
{
    for (int i = 0; i < it->rate; i++)
        it->thing[2] = heap_grow(it->heap, it->thing[2], ".next", "Link");
}

static void step_linked_front(struct state *it)
{
    for (int i = 0; i < it->rate; i++) {
        int link = heap_add(it->heap, "Link", 32), head = it->thing[1];
        heap_set(it->heap, it->thing[0], ".head", link);
        heap_tie(it->heap, link, head, ".next");
        it->thing[1] = link;
    }
}

/* One at the front, one off the end. */
static void step_linked_clean(struct state *it)
{
    int link = it->thing[1];
    step_linked_front(it);
    for (int i = 0; i < 3 && heap_at(it->heap, link, ".next") >= 0; i++)
        link = heap_at(it->heap, link, ".next");
    heap_set(it->heap, link, ".next", -1);
    if (it->step % 2)
        heap_set(it->heap, it->thing[1], ".next", -1);
}

/* Objects whose attributes lie in a dict of their own. */
static void open_python(struct state *it)
{
    it->thing[0] = heap_grow(it->heap, it->owner, ".chain", "Chain");
    it->thing[1] = heap_grow(it->heap, it->thing[0], ".head", "Node");
    it->thing[2] = it->thing[1];
}

static void step_python(struct state *it)
{
    for (int i = 0; i < it->rate; i++) {
        int dict = heap_grow(it->heap, it->thing[2], "(dict)", "dict");
        it->thing[2] = heap_grow(it->heap, dict, ".next", "Node");
    }
}

/* Linked both ways, with the end at hand: two paths lead to the middle. */
static void push_job(struct state *it)
{
    if (it->thing[3] == 4) {
        int block = heap_grow(it->heap, it->thing[2], ".rightlink", "block");
        heap_tie(it->heap, block, it->thing[2], ".leftlink");
        heap_set(it->heap, it->thing[0], ".right", block);
        it->thing[2] = block;
        it->thing[3] = 0;
    }
    heap_grow(it->heap, it->thing[2], "#", "Job");
    it->thing[3]++;
}

static void open_both_ways(struct state *it)
{
    it->thing[0] = heap_grow(it->heap, it->owner, ".queue", "Queue");
    it->thing[1] = heap_grow(it->heap, it->thing[0], ".left", "block");
    heap_tie(it->heap, it->thing[0], it->thing[1], ".right");
    it->thing[2] = it->thing[1];
    it->thing[3] = 0; /* jobs in the right block */
    for (int i = 0; i < 8; i++)
        push_job(it);
}

static void pop_job(struct state *it)
{
    if (heap_at(it->heap, it->thing[1], "#") < 0) {
        int next = heap_at(it->heap, it->thing[1], ".rightlink");
        heap_set(it->heap, next, ".leftlink", -1);
        heap_set(it->heap, it->thing[0], ".left", next);
        it->thing[1] = next;
    }
    heap_untie(it->heap, it->thing[1], heap_at(it->heap, it->thing[1], "#"));
}

static void step_queue(struct state *it)
{
    for (int i = 0; i < it->rate + 30; i++)
        push_job(it);
    for (int i = 0; i < 4; i++)
        pop_job(it);
}

static void step_queue_clean(struct state *it)
{
    for (int i = 0; i < it->rate + 5; i++)
        push_job(it);
    for (int i = 0; i < it->rate + 5; i++)
        pop_job(it);
}

/* ---- dicts ---- */

static void open_dicts(struct state *it)
{
    it->thing[0] = heap_grow(it->heap, it->owner, ".cache", "dict");
    it->thing[1] = heap_grow(it->heap, it->thing[0], "['first']", "dict");
    it->thing[2] = heap_grow(it->heap, it->thing[1], "['second']", "dict");
}

static void step_dicts(struct state *it)
{
    for (int i = 0; i < it->rate; i++) {
        int inner = heap_grow(it->heap, it->thing[0], "['key']", "dict");
        for (int j = heap_below(it->heap, 3); j >= 0; j--)
            heap_grow(it->heap, inner, "['a']", j ? "str" : "float");
    }
}

/* Only what the dicts of the dict hold becomes more. */
static void step_inner_dicts(struct state *it)
{
    for (int i = 0; i < it->rate; i++)
        heap_grow(it->heap, it->thing[1], "['key']", i % 2 ? "str" : "float");
}

static void step_dicts_clean(struct state *it)
{
    if (it->step == 1) /* fills once */
        step_dicts(it);
}

/* ---- a cache with a ring of links, as functools.lru_cache has it ---- */

static void open_lru(struct state *it)
{
    it->thing[0] = heap_grow(it->heap, it->owner, ".cached", "lru_wrapper");
    it->thing[1] = heap_grow(it->heap, it->thing[0], "(cache)", "dict");
    it->thing[2] = heap_grow(it->heap, it->thing[0], "(root)", "lru_link");
    heap_tie(it->heap, it->thing[2], it->thing[2], "(next)");
    heap_tie(it->heap, it->thing[2], it->thing[2], "(prev)");
}

static void push_link(struct state *it)
{
    int root = it->thing[2], last = heap_at(it->heap, root, "(prev)");
    int link = heap_grow(it->heap, it->thing[1], "['key']", "lru_link");
    heap_grow(it->heap, link, "(result)", "Result");
    heap_grow(it->heap, it->thing[1], "['key']", "tuple");
    heap_set(it->heap, last, "(next)", link);
    heap_tie(it->heap, link, last, "(prev)");
    heap_tie(it->heap, link, root, "(next)");
    heap_set(it->heap, root, "(prev)", link);
}

static void step_lru(struct state *it)
{
    for (int i = 0; i < it->rate + 4; i++)
        push_link(it);
}

static void step_lru_clean(struct state *it)
{
    if (it->step == 1)
        step_lru(it);
}

/* ---- a tree ---- */

static void open_tree(struct state *it)
{
    it->thing[0] = heap_grow(it->heap, it->owner, ".tree", "Tree");
    it->thing[1] = heap_grow(it->heap, it->thing[0], ".root", "Branch");
}

static void step_tree(struct state *it)
{
    for (int i = 0; i < it->rate + 20; i++) {
        int at = it->thing[1];
        for (;;) {
            const char *side = heap_below(it->heap, 2) ? ".left" : ".right";
            int next = heap_at(it->heap, at, side);
            if (next < 0) {
                heap_grow(it->heap, at, side, "Branch");
                break;
            }
            at = next;
        }
    }
}

/* ---- objects that only roots hold ---- */

static void open_roots(struct state *it)
{
    it->thing[0] = heap_add(it->heap, "Handle", 32);
    heap_root(it->heap, it->thing[0], "handle", NULL);
}

static void step_roots(struct state *it)
{
    for (int i = 0; i < it->rate; i++)
        heap_root(it->heap, heap_add(it->heap, "Handle", 32), "handle", NULL);
}

/* ---- buffers ---- */

static void open_buffer(struct state *it)
{
    it->thing[0] = heap_grow(it->heap, it->owner, ".buffer", "buffer");
}

static void step_buffer(struct state *it)
{
    it->heap->things[it->thing[0]].size += (uint64_t)(it->rate * (1 + heap_below(it->heap, 9)));
}

static void step_buffer_clean(struct state *it)
{
    it->heap->things[it->thing[0]].size = (uint64_t)(it->step % 2 ? 5000 : 32);
}

/* A new one every time, larger than the one before. */
static void step_buffer_anew(struct state *it)
{
    uint64_t size = it->heap->things[it->thing[0]].size + (uint64_t)it->rate;
    heap_set(it->heap, it->owner, ".buffer", -1);
    it->thing[0] = heap_add(it->heap, "buffer", size);
    heap_tie(it->heap, it->owner, it->thing[0], ".buffer");
}

/* ---- nothing but noise ---- */

static void open_noise(struct state *it)
{
    for (int i = 0; i < 8; i++)
        it->thing[i] = heap_grow(it->heap, it->owner, i % 2 ? ".a" : ".b", "Noise");
}

/* Objects come, and go all at once. */
static void step_noise(struct state *it)
{
    static const char *const types[] = {"str", "dict", "Item", "Noise"};
    for (int i = 0; i < 8; i++) {
        heap_untie(it->heap, it->thing[i], -1);
        for (int j = it->step % 2 ? heap_below(it->heap, 9) : 0; j > 0; j--)
            heap_grow(it->heap, it->thing[i], "#", types[heap_below(it->heap, 4)]);
    }
}

static void step_nothing(struct state *it)
{
    (void)it;
}

/* `holder` is the thing where the growth is to be reported; -1: the roots, -2: clean. */
static const struct program {
    const char *name;
    void (*open)(struct state *);
    void (*step)(struct state *);
    int holder;
} programs[] = {
    {"list", open_list, step_list, 0},
    {"list up and down", open_list, step_list_clean, -2},
    {"list that churns", open_list, step_list_churn, -2},
    {"linked at the tail", open_linked, step_linked_tail, 1},
    {"linked at the front", open_linked, step_linked_front, 1},
    {"linked, as much off", open_linked, step_linked_clean, -2},
    {"linked through dicts", open_python, step_python, 1},
    {"queue of blocks", open_both_ways, step_queue, 0},
    {"queue, as much off", open_both_ways, step_queue_clean, -2},
    {"dict of dicts", open_dicts, step_dicts, 0},
    {"inner dicts", open_dicts, step_inner_dicts, 1},
    {"dicts that fill once", open_dicts, step_dicts_clean, -2},
    {"lru cache", open_lru, step_lru, 1},
    {"lru cache that fills once", open_lru, step_lru_clean, -2},
    {"tree", open_tree, step_tree, 1},
    {"roots", open_roots, step_roots, -1},
    {"buffer", open_buffer, step_buffer, 0},
    {"buffer up and down", open_buffer, step_buffer_clean, -2},
    {"buffer made anew", open_buffer, step_buffer_anew, 0},
    {"noise", open_noise, step_noise, -2},
    {"nothing", open_noise, step_nothing, -2},
};

enum { PROGRAMS = sizeof programs / sizeof programs[0], SNAPSHOTS = 6, STATES = 12 };

struct world {
    struct heap *heap;
    struct state states[STATES];
    const struct program *programs[STATES];
    char names[STATES][32];
    int count, snapshots;
};

static void begin(struct world *world, int i)
{
    struct state *it = &world->states[i];
    it->owner = heap_add(world->heap, "module", 100);
    snprintf(world->names[i], sizeof world->names[i], "module_%d", i);
    heap_root(world->heap, it->owner, "module", world->names[i]);
    world->programs[i]->open(it);
}

static void make_world(struct world *world, uint64_t seed, uint64_t keys)
{
    memset(world, 0, sizeof *world);
    world->heap = heap_open(seed);
    world->snapshots = 3 + heap_below(world->heap, SNAPSHOTS - 2);
    world->count = 1 + heap_below(world->heap, STATES);
    int roots = 0;
    for (int i = 0; i < world->count; i++) {
        int which = heap_below(world->heap, PROGRAMS);
        if (programs[which].open == open_roots && roots++)
            which = 0; /* two of these are one path */
        world->programs[i] = &programs[which];
        struct state *it = &world->states[i];
        *it = (struct state){.heap = world->heap, .rate = 1 + heap_below(world->heap, 4)};
        it->born = heap_below(world->heap, 4) ? 0 : world->snapshots - 3;
        if (it->born == 0)
            begin(world, i);
    }
    world->heap->seed = keys * 2 + 1;
}

static void step_world(struct world *world, int snapshot)
{
    for (int i = 0; i < world->count; i++) {
        struct state *it = &world->states[i];
        if (it->born > snapshot || (it->born == snapshot && snapshot == 0))
            continue;
        if (it->born == snapshot) {
            begin(world, i);
            continue;
        }
        it->step++;
        world->programs[i]->step(it);
    }
}

static int check_node(lw_node node, void *user)
{
    uint64_t *sum = user;
    (void)node;
    ++*sum;
    return 0;
}

/* How many heads have a holder, and are told right. */
static int heads_at(const lw_growth *growth, lw_node node)
{
    int count = 0;
    for (uint32_t i = 0; i < lw_growth_count(growth); i++) {
        lw_growth_head head = LW_GROWTH_HEAD_INIT;
        uint64_t grown = 0;
        lw_growth_get(growth, i, &head, NULL);
        lw_growth_each(growth, i, check_node, &grown, NULL);
        if (grown != head.grown)
            complain("grown", "a head", (long long)grown, (long long)head.grown);
        count += head.node == node;
    }
    return count;
}

static void check_world(struct world *world, const lw_growth *growth, const lw_snapshot *last)
{
    uint32_t leaks = 0;
    for (int i = 0; i < world->count; i++) {
        int holder = world->programs[i]->holder;
        if (holder == -2)
            continue;
        lw_node node = holder < 0 ? LW_NODE_NONE
                                  : heap_node(world->heap, last, world->states[i].thing[holder]);
        int found = heads_at(growth, node);
        leaks++;
        if (found != 1)
            complain("heads", world->programs[i]->name, found, 1);
    }
    if (lw_growth_count(growth) == leaks)
        return;
    complain("heads", "all", lw_growth_count(growth), leaks);
    for (uint32_t i = 0; failures < 10 && i < lw_growth_count(growth); i++) {
        char text[1000] = "";
        heap_put_path(text, sizeof text, growth, i);
        fprintf(stderr, "    %s\n", text);
    }
}

/* One world with some keys and orders; gives the fingerprints and numbers of all heads. */
static void play(uint64_t seed, uint64_t keys, char *text, size_t room)
{
    static struct world world;
    lw_snapshot *snapshots[SNAPSHOTS] = {NULL};
    lw_growth *growth = NULL;
    lw_error error = LW_ERROR_INIT;
    make_world(&world, seed, keys);
    lw_context *context = heap_context(world.heap, NULL);
    uint64_t chance = world.heap->chance;
    for (int i = 0; i < world.snapshots; i++) {
        world.heap->chance = chance; /* what the programs do is the same whatever the keys */
        step_world(&world, i);
        chance = world.heap->chance;
        world.heap->chance = keys * 77 + 13;
        snapshots[i] = heap_take(context);
    }
    if (lw_growth_create(snapshots, (uint32_t)world.snapshots, NULL, &growth, &error) != LW_OK)
        complain(error.message, "growth", error.status, 0);
    check_world(&world, growth, snapshots[world.snapshots - 1]);
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < lw_growth_count(growth) && used + 1 < room; i++) {
        lw_growth_head head = LW_GROWTH_HEAD_INIT;
        lw_growth_get(growth, i, &head, NULL);
        used += (size_t)snprintf(text + used, room - used, "%llx %u %lld %lld %llu\n",
                                 (unsigned long long)head.fingerprint, (unsigned)head.first,
                                 (long long)head.objects_diff, (long long)head.bytes_diff,
                                 (unsigned long long)head.grown);
    }
    lw_growth_release(growth);
    for (int i = 0; i < world.snapshots; i++)
        lw_snapshot_release(snapshots[i]);
    lw_context_release(context);
    free(world.heap);
}

int main(int argc, char **argv)
{
    uint64_t worlds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    static char one[4000], other[4000];
    for (uint64_t i = first; i < first + worlds; i++) {
        current = i;
        play(i, i, one, sizeof one);
        play(i, i + 1000, other, sizeof other);
        if (strcmp(one, other) != 0) {
            complain("heads", "other keys", 0, 1);
            if (failures < 10)
                fprintf(stderr, "%s---\n%s", one, other);
        }
    }
    printf("%llu worlds, %lu failures\n", (unsigned long long)worlds, failures);
    return failures != 0;
}
