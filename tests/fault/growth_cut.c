/* Growth and cuts without memory: each allocation fails in turn, once and for good. */
#include "../model/growth_heap.h"
#include "../support/check.h"
#include "../support/counting.h"

enum { TAKEN = 4, LEAKED = 60 };

typedef struct scene {
    counting memory;
    struct heap *heap;
    lw_context *context;
    lw_snapshot *taken[TAKEN];
    lw_node leaked[LEAKED];
    uint64_t leaked_count;
} scene;

/* Lists, dicts and a queue that grow, so that paths are many and structures are joined. */
static void grow_all(scene *scene, const int *holders)
{
    static const char *const labels[] = {"#", "['k']", ".next", ""};
    struct heap *heap = scene->heap;
    static int right;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 3 + i; j++)
            heap_grow(heap, holders[i], labels[i], j % 2 ? "Item" : "Thing");
    }
    if (heap_at(heap, holders[4], ".left") < 0) {
        right = heap_grow(heap, holders[4], ".left", "block");
        heap_tie(heap, holders[4], right, ".right");
    }
    for (int i = 0; i < 9; i++) {
        int block = heap_grow(heap, right, ".rightlink", "block");
        heap_tie(heap, block, right, ".leftlink");
        heap_set(heap, holders[4], ".right", block);
        right = block;
    }
    heap_root(heap, heap_add(heap, "Handle", 8), "handle", NULL);
}

static int keep(lw_node node, void *user)
{
    scene *scene = user;
    scene->leaked[scene->leaked_count++] = node;
    return scene->leaked_count == LEAKED;
}

static void open_scene(scene *scene)
{
    lw_growth *growth = NULL;
    int holders[5];
    memset(scene, 0, sizeof *scene);
    lw_context_options how = counting_options(&scene->memory);
    scene->heap = heap_open(3);
    scene->context = heap_context(scene->heap, &how);
    int module = heap_add(scene->heap, "module", 8);
    heap_root(scene->heap, module, "module", "app");
    for (int i = 0; i < 5; i++) {
        static const char *const names[] = {".a", ".b", ".c", ".d", ".e"};
        holders[i] = heap_grow(scene->heap, module, names[i], "Holder");
    }
    int twins = heap_grow(scene->heap, module, ".twins", "list");
    for (int i = 0; i < 2; i++)
        heap_grow(scene->heap, twins, "#", "list");
    for (int i = 0; i < TAKEN; i++) {
        grow_all(scene, holders);
        heap_grow(scene->heap, twins + 1, "#", "Item");
        scene->taken[i] = heap_take(scene->context);
    }
    CHECK_EQ(lw_growth_create(scene->taken, TAKEN, NULL, &growth, NULL), LW_OK);
    CHECK(lw_growth_count(growth) >= 4);
    for (uint32_t i = 0; i < lw_growth_count(growth) && scene->leaked_count < LEAKED; i++)
        lw_growth_each(growth, i, keep, scene, NULL);
    lw_growth_release(growth);
}

static void close_scene(scene *scene)
{
    for (int i = 0; i < TAKEN; i++)
        lw_snapshot_release(scene->taken[i]);
    lw_context_release(scene->context);
    free(scene->heap);
    CHECK_EQ(scene->memory.bytes, 0);
    CHECK_EQ(scene->memory.wrong, 0);
}

/* --- the calls: NULL when they fail ---- */

static lw_status call_growth(scene *scene)
{
    lw_growth *growth = (lw_growth *)(void *)scene;
    lw_status status = lw_growth_create(scene->taken, TAKEN, NULL, &growth, NULL);
    CHECK_EQ(growth != NULL, status == LW_OK);
    lw_growth_release(growth);
    return status;
}

static lw_status cut(scene *scene, uint64_t count, uint32_t limit)
{
    lw_cut *found = (lw_cut *)(void *)scene;
    lw_cut_options options = LW_CUT_OPTIONS_INIT;
    options.limit = limit;
    lw_status status = lw_cut_find(scene->taken[TAKEN - 1], scene->leaked, count, &options,
                                   &found, NULL);
    CHECK_EQ(found != NULL, status == LW_OK);
    lw_cut_release(found);
    return status;
}

static lw_status call_cut_single(scene *scene)
{
    return cut(scene, 1, 8);
}

static lw_status call_cut_many(scene *scene)
{
    return cut(scene, scene->leaked_count, 100);
}

static lw_status call_cut_too_many(scene *scene)
{
    return cut(scene, scene->leaked_count, 1);
}

static unsigned long failed;

/* A snapshot that was asked who holds what keeps the answer; so each failure is of a fresh scene,
 * where nothing was asked before. */
static int fail_nth(lw_status (*call)(scene *), long long n, int persistent)
{
    static scene scene;
    open_scene(&scene);
    long long before = scene.memory.bytes, count = scene.memory.failed;
    scene.memory.persistent = persistent;
    scene.memory.fail_at = scene.memory.calls + n;
    lw_status status = call(&scene);
    scene.memory.fail_at = 0;
    int did = scene.memory.failed > count;
    CHECK_EQ(status, did ? LW_E_NOMEM : LW_OK);
    if (did) {
        CHECK(call == call_growth ? scene.memory.bytes == before : scene.memory.bytes >= before);
        CHECK_EQ(call(&scene), LW_OK);
    }
    failed += (unsigned long)did;
    close_scene(&scene);
    return did;
}

int main(void)
{
    static lw_status (*const calls[])(scene *) = {call_growth, call_cut_single, call_cut_many,
                                                  call_cut_too_many};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (int persistent = 0; persistent < 2; persistent++) {
            long long n = 1;
            while (fail_nth(calls[i], n, persistent))
                n++;
            CHECK(n > 10);
        }
    }
    printf("%lu allocations failed in turn\n", failed);
    return check_result();
}
