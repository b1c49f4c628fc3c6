/* Keys that are no addresses, beside a plain sorted array: every key is found at its place, what
 * is no key is not, in memory, in a file and when there was no memory to pack them; and they take
 * no more room than their spread asks for. */
#define _XOPEN_SOURCE 700
#include "../support/counting.h"

#include <leakwatch.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 120000, GROUP = 1024 };

typedef struct shape {
    const char *name;
    void (*make)(struct shape *shape);
    double bytes; /* that a key may take */
    uint64_t *keys;
    uint32_t count;
} shape;

static unsigned long failures, checks;
static const char *current = "";
static char path[] = "/tmp/leakwatch-keys-XXXXXX";

static int expect(int right, const char *what, uint64_t about)
{
    checks++;
    if (!right && failures++ < 20)
        fprintf(stderr, "%s: %s: 0x%llx\n", current, what, (unsigned long long)about);
    return right;
}

/* ---- chance ---- */

static uint64_t seed = 88172645463325252u;

static uint64_t random_word(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x9e3779b97f4a7c15u;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* ---- shapes ---- */

static void add(shape *shape, uint64_t key)
{
    if (shape->count < MOST && key != 0)
        shape->keys[shape->count++] = key;
}

/* `count` keys from `first` on, each up to `step` after the one before. */
static void run(shape *shape, uint64_t first, uint32_t count, uint64_t step)
{
    for (; count > 0; count--, first += step > 1 ? 1 + random_word() % step : 1)
        add(shape, first);
}

static void dense(shape *shape)
{
    run(shape, 1, 100000, 1);
}

static void whole_groups(shape *shape)
{
    run(shape, 77, 5 * GROUP, 1);
}

static void last_of_one(shape *shape)
{
    run(shape, 1, 5 * GROUP + 1, 1);
}

static void last_of_one_far(shape *shape)
{
    run(shape, 1, 5 * GROUP, 1);
    add(shape, UINT64_MAX);
}

static void last_lacks_one(shape *shape)
{
    run(shape, UINT64_MAX - 6 * GROUP + 2, 6 * GROUP - 1, 1);
}

static void sparse(shape *shape)
{
    run(shape, 1000, 50000, 1 << 20);
}

static void clustered(shape *shape)
{
    for (int i = 0; i < 300; i++)
        run(shape, random_word(), 100 + random_word() % 300, 1 + random_word() % 40);
}

static void anywhere(shape *shape)
{
    for (int i = 0; i < 100000; i++)
        add(shape, random_word());
}

/* One group spans it all. */
static void both_ends(shape *shape)
{
    run(shape, 1, GROUP / 2, 1);
    run(shape, UINT64_MAX - 9 * GROUP, 9 * GROUP + 1, 1);
}

/* A group of each width in bits that one of so many keys can have. */
static void every_width(shape *shape)
{
    uint64_t base = 1;
    for (int width = 10; width < 64; width++) {
        uint64_t span = UINT64_C(1) << width, step = span / GROUP;
        for (uint64_t i = 0; i < GROUP; i++)
            add(shape, base + i * step + (i == GROUP - 1 ? step - 1 : 0));
        base += span;
    }
}

static void few(shape *shape)
{
    add(shape, 1);
    add(shape, 2);
    add(shape, UINT64_MAX);
}

static void one(shape *shape)
{
    add(shape, UINT64_MAX);
}

static void make(shape *shape)
{
    uint32_t kept = 0;
    shape->keys = malloc(MOST * sizeof *shape->keys);
    shape->count = 0;
    shape->make(shape);
    qsort(shape->keys, shape->count, sizeof *shape->keys, by_value);
    for (uint32_t i = 0; i < shape->count; i++) {
        if (kept == 0 || shape->keys[i] != shape->keys[kept - 1])
            shape->keys[kept++] = shape->keys[i];
    }
    shape->count = kept;
}

/* ---- snapshots ---- */

/* In no order: 7919 and 104729 are primes that divide none of the counts. */
static int enumerate(lw_sink *sink, void *user)
{
    const shape *shape = user;
    uint64_t stride = shape->count % 7919 ? 7919 : 104729;
    uint32_t type = lw_sink_type(sink, 0, "node", 0);
    for (uint64_t i = 0; i < shape->count; i++)
        lw_sink_node(sink, shape->keys[i * stride % shape->count], type, 16);
    return 0;
}

static lw_context *plug_in(shape *shape, counting *memory)
{
    lw_context_options options = counting_options(memory);
    lw_runtime_options runtime = LW_RUNTIME_OPTIONS_INIT;
    lw_context *context = NULL;
    lw_runtime *made = NULL;
    runtime.name = "toy";
    runtime.key_kind = LW_KEY_OPAQUE;
    runtime.enumerate = enumerate;
    runtime.user = shape;
    expect(lw_context_create(&options, &context, NULL) == LW_OK &&
               lw_runtime_create(context, &runtime, &made, NULL) == LW_OK,
           "no runtime", 0);
    return context;
}

static uint64_t own_bytes(const lw_snapshot *snapshot)
{
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(snapshot, &info, NULL);
    return info.own_bytes;
}

/* ---- the same questions to both ---- */

static void look_for(const shape *shape, const lw_snapshot *snapshot, uint64_t key)
{
    const uint64_t *at = bsearch(&key, shape->keys, shape->count, sizeof key, by_value);
    lw_node want = at ? (lw_node)(at - shape->keys) : LW_NODE_NONE, node = 0;
    lw_status status = lw_node_find(snapshot, "toy", key, &node, NULL);
    expect(node == want && status == (at ? LW_OK : LW_E_NOT_FOUND), "found", key);
}

typedef struct walk {
    const shape *shape;
    uint32_t place;
    int right;
} walk;

static int visit(lw_node node, void *user)
{
    walk *walk = user;
    walk->right &= node == walk->place++;
    return 0;
}

static void ask(const shape *shape, const lw_snapshot *snapshot)
{
    walk walk = {shape, 0, 1};
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(snapshot, &info, NULL);
    expect(info.nodes == shape->count, "nodes", info.nodes);
    for (uint32_t i = 0; i < shape->count; i++) {
        lw_node_info node = LW_NODE_INFO_INIT;
        uint64_t key = shape->keys[i];
        expect(lw_node_info_get(snapshot, i, &node, NULL) == LW_OK && node.key == key, "key", key);
        look_for(shape, snapshot, key);
        look_for(shape, snapshot, key - 1);
        look_for(shape, snapshot, key + 1);
        look_for(shape, snapshot, key ^ UINT64_C(1) << (random_word() >> 58));
    }
    for (uint64_t key = 0; key < 4; key++) {
        look_for(shape, snapshot, key);
        look_for(shape, snapshot, UINT64_MAX - key);
    }
    expect(lw_node_each(snapshot, 0, visit, &walk, NULL) == LW_OK && walk.right &&
               walk.place == shape->count,
           "each in order", walk.place);
}

static lw_snapshot *through_file(const lw_snapshot *snapshot)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *opened = NULL;
    expect(lw_snapshot_save(snapshot, path, NULL, &error) == LW_OK &&
               lw_snapshot_open(path, NULL, &opened, &error) == LW_OK,
           error.message, 0);
    return opened;
}

static void check_shape(shape *shape)
{
    counting memory = {0};
    lw_snapshot *snapshot = NULL;
    current = shape->name;
    make(shape);
    lw_context *context = plug_in(shape, &memory);
    expect(lw_snapshot_take(context, NULL, &snapshot, NULL) == LW_OK, "no snapshot", 0);
    /* Two words of four bytes for each node beside its key, and what any snapshot takes. */
    uint64_t bytes = own_bytes(snapshot);
    expect((double)bytes <= (8 + shape->bytes) * shape->count + 32768, "bytes", bytes);
    printf("%s: %u keys, %.2f B a node\n", shape->name, (unsigned)shape->count,
           (double)bytes / shape->count);
    ask(shape, snapshot);
    lw_snapshot *opened = through_file(snapshot), *again = through_file(opened);
    ask(shape, opened);
    ask(shape, again);
    lw_snapshot_release(snapshot);
    lw_snapshot_release(opened);
    lw_snapshot_release(again);
    lw_context_release(context);
    expect(memory.bytes == 0 && memory.wrong == 0, "bytes at the end", (uint64_t)memory.bytes);
    free(shape->keys);
}

/* ---- without memory ---- */

/* Each allocation fails in turn. Where only packing fails there is a snapshot all the same, with
 * keys that take their eight bytes. */
static void check_faults(shape *shape)
{
    counting memory = {0};
    unsigned larger = 0;
    current = "faults";
    make(shape);
    lw_context *context = plug_in(shape, &memory);
    lw_snapshot *whole = NULL, *snapshot = NULL;
    expect(lw_snapshot_take(context, NULL, &whole, NULL) == LW_OK, "no snapshot", 0);
    for (long long at = 1;; at++) {
        long long failed = memory.failed, bytes = memory.bytes;
        memory.fail_at = memory.calls + at;
        lw_status status = lw_snapshot_take(context, NULL, &snapshot, NULL);
        memory.fail_at = 0;
        if (memory.failed == failed) {
            expect(status == LW_OK && own_bytes(snapshot) == own_bytes(whole), "no fault", 0);
            lw_snapshot_release(snapshot);
            break;
        }
        if (status == LW_OK) {
            larger++;
            expect(own_bytes(snapshot) > own_bytes(whole) + 6 * shape->count, "packed", 0);
            ask(shape, snapshot);
        }
        expect(status == LW_OK || status == LW_E_NOMEM, "status", (uint64_t)status);
        lw_snapshot_release(snapshot);
        expect(memory.bytes == bytes, "memory is lost", (uint64_t)at);
    }
    expect(larger == 1, "packing is one allocation", larger);
    lw_snapshot_release(whole);
    lw_context_release(context);
    expect(memory.bytes == 0 && memory.wrong == 0, "bytes at the end", (uint64_t)memory.bytes);
    free(shape->keys);
}

int main(void)
{
    shape shapes[] = {
        {.name = "dense", .make = dense, .bytes = 1.3},
        {.name = "whole groups", .make = whole_groups, .bytes = 1.3},
        {.name = "a last group of one", .make = last_of_one, .bytes = 1.3},
        {.name = "a last group of one, far away", .make = last_of_one_far, .bytes = 1.3},
        {.name = "a last group that lacks one", .make = last_lacks_one, .bytes = 1.3},
        {.name = "sparse", .make = sparse, .bytes = 3.8},
        {.name = "clustered", .make = clustered, .bytes = 8},
        {.name = "anywhere", .make = anywhere, .bytes = 8},
        {.name = "both ends", .make = both_ends, .bytes = 2.2},
        {.name = "every width", .make = every_width, .bytes = 4.7},
        {.name = "few", .make = few, .bytes = 8},
        {.name = "one", .make = one, .bytes = 8},
    };
    int file = mkstemp(path);
    if (file < 0)
        return 1;
    close(file);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_shape(&shapes[i]);
    check_faults(&shapes[1]);
    unlink(path);
    printf("%lu checks, %lu failures\n", checks, failures);
    return failures != 0;
}
