/* What grew round after round. Planted programs against known heads: tests/model/growth.c. */
#include "../model/growth_heap.h"
#include "graph_host.h"

/* A heap of one module, snapshots of it, and what grew. */
typedef struct scene {
    struct heap *heap;
    lw_context *context;
    lw_snapshot *taken[6];
    uint32_t count;
    int module;
    lw_growth *growth;
} scene;

static void open_scene(scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene->heap = heap_open(7);
    scene->context = heap_context(scene->heap, NULL);
    scene->module = heap_add(scene->heap, "module", 100);
    heap_root(scene->heap, scene->module, "module", "app");
}

static void snap(scene *scene)
{
    scene->taken[scene->count++] = heap_take(scene->context);
}

static lw_status look(scene *scene, const lw_growth_options *options, lw_error *error)
{
    lw_growth_release(scene->growth);
    return lw_growth_create(scene->taken, scene->count, options, &scene->growth, error);
}

static lw_growth_head head_of(const scene *scene, uint32_t index)
{
    lw_growth_head head = LW_GROWTH_HEAD_INIT;
    cr_assert_eq(lw_growth_get(scene->growth, index, &head, NULL), LW_OK);
    return head;
}

/* All paths, one a line. */
static void expect_heads(scene *scene, const char *want)
{
    char got[1000] = "";
    lw_error error = LW_ERROR_INIT;
    cr_assert_eq(look(scene, NULL, &error), LW_OK, "%s", error.message);
    for (uint32_t i = 0; i < lw_growth_count(scene->growth); i++) {
        size_t used = strlen(got);
        heap_put_path(got + used, sizeof got - used, scene->growth, i);
        snprintf(got + strlen(got), sizeof got - strlen(got), "\n");
    }
    cr_assert_str_eq(got, want);
}

static void close_scene(scene *scene)
{
    lw_growth_release(scene->growth);
    for (uint32_t i = 0; i < scene->count; i++)
        lw_snapshot_release(scene->taken[i]);
    lw_context_release(scene->context);
    free(scene->heap);
}

/* A list in the module that gets one object more before each of three snapshots. */
static int open_list(scene *scene)
{
    open_scene(scene);
    int list = heap_grow(scene->heap, scene->module, ".items", "list");
    for (int i = 0; i < 3; i++) {
        heap_grow(scene->heap, list, "#", "Item");
        snap(scene);
    }
    return list;
}

/* ---- calls ---- */

static int stop(const char *phase, uint64_t done, uint64_t total, void *user)
{
    cr_assert_str_eq(phase, "growth");
    cr_assert_leq(done, total);
    return ++*(int *)user == 2;
}

Test(growth, create_refuses_what_it_cannot_do)
{
    scene scene;
    lw_error error = LW_ERROR_INIT;
    int calls = 0;
    open_list(&scene);
    lw_growth *growth = at(1);
    lw_snapshot *some[] = {scene.taken[0], NULL, scene.taken[2]};
    lw_snapshot *wrong[] = {scene.taken[1], scene.taken[0], scene.taken[2]};
    lw_growth_options options = LW_GROWTH_OPTIONS_INIT;
    expect_error(lw_growth_create(scene.taken, 3, NULL, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_growth_create(NULL, 3, NULL, &growth, &error), LW_E_INVALID, &error);
    cr_assert_null(growth);
    expect_error(lw_growth_create(scene.taken, 2, NULL, &growth, &error), LW_E_INVALID, &error);
    expect_error(lw_growth_create(some, 3, NULL, &growth, &error), LW_E_INVALID, &error);
    expect_words(lw_growth_create(wrong, 3, NULL, &growth, &error), LW_E_INVALID, &error,
                 "in order of time");
    lw_context *other = heap_context(scene.heap, NULL);
    some[1] = heap_take(other);
    expect_words(lw_growth_create(some, 3, NULL, &growth, &error), LW_E_INVALID, &error,
                 "another context");
    options.progress = stop;
    options.user = &calls;
    expect_error(lw_growth_create(scene.taken, 3, &options, &growth, &error), LW_E_CANCELLED,
                 &error);
    cr_assert_null(growth);
    cr_assert_eq(calls, 2);
    lw_snapshot_release(some[1]);
    lw_context_release(other);
    lw_growth_release(NULL);
    close_scene(&scene);
}

Test(growth, create_takes_options_of_every_size)
{
    scene scene;
    lw_growth_options good = LW_GROWTH_OPTIONS_INIT;
    open_list(&scene);
    EXPECT_OPTION_SIZES(lw_growth_options, good, look(&scene, given, &error));
    close_scene(&scene);
}

static int count_node(lw_node node, void *user)
{
    (void)node;
    return ++*(int *)user == 1;
}

Test(growth, results_of_every_size_and_what_is_not_there)
{
    scene scene;
    int seen = 0;
    lw_error error = LW_ERROR_INIT;
    lw_growth_point point = LW_GROWTH_POINT_INIT;
    lw_growth_step step = LW_GROWTH_STEP_INIT;
    lw_growth_head head = LW_GROWTH_HEAD_INIT;
    open_list(&scene);
    cr_assert_eq(look(&scene, NULL, NULL), LW_OK);
    lw_growth *growth = scene.growth;
    EXPECT_RESULT_SIZES(lw_growth_head, lw_growth_get(growth, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_growth_point, lw_growth_point_get(growth, 0, 0, to, &error));
    EXPECT_RESULT_SIZES(lw_growth_step, lw_growth_step_get(growth, 0, 0, to, &error));
    expect_error(lw_growth_get(NULL, 0, &head, &error), LW_E_INVALID, &error);
    expect_error(lw_growth_get(growth, 1, &head, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_growth_get(growth, 0, NULL, &error), LW_E_INVALID, &error);
    expect_error(lw_growth_point_get(NULL, 0, 0, &point, &error), LW_E_INVALID, &error);
    expect_error(lw_growth_point_get(growth, 1, 0, &point, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_growth_point_get(growth, 0, 3, &point, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_growth_step_get(NULL, 0, 0, &step, &error), LW_E_INVALID, &error);
    expect_error(lw_growth_step_get(growth, 1, 0, &step, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_growth_step_get(growth, 0, 2, &step, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_growth_each(NULL, 0, count_node, &seen, &error), LW_E_INVALID, &error);
    expect_error(lw_growth_each(growth, 1, count_node, &seen, &error), LW_E_NOT_FOUND, &error);
    expect_error(lw_growth_each(growth, 0, NULL, &seen, &error), LW_E_INVALID, &error);
    cr_assert_eq(lw_growth_each(growth, 0, count_node, &seen, &error), LW_OK);
    cr_assert_eq(seen, 1, "the visitor stops it");
    cr_assert_eq(lw_growth_count(NULL), 0);
    close_scene(&scene);
}

/* ---- numbers ---- */

static int keep_node(lw_node node, void *user)
{
    lw_node *kept = user;
    cr_assert_lt(kept[0], 5);
    kept[++kept[0]] = node;
    return 0;
}

Test(growth, a_list)
{
    scene scene;
    lw_node kept[6] = {0};
    lw_growth_step step = LW_GROWTH_STEP_INIT;
    int list = open_list(&scene);
    lw_snapshot *last = scene.taken[2];
    expect_heads(&scene, "module app:module .items:list \n");
    lw_growth_head head = head_of(&scene, 0);
    cr_assert_eq(head.node, heap_node(scene.heap, last, list));
    cr_assert_eq(head.first, 0);
    cr_assert_eq(head.steps, 2);
    cr_assert_eq(head.holders, 1);
    cr_assert_eq(head.objects, 3);
    cr_assert_eq(head.bytes, 96);
    cr_assert_eq(head.objects_diff, 2);
    cr_assert_eq(head.bytes_diff, 64);
    cr_assert_eq(head.grown, 2);
    cr_assert_eq(head.flags, LW_GROWTH_APPROXIMATE, "keys that are just numbers");
    cr_assert_str_eq(head.root_kind, "module");
    cr_assert_str_eq(head.root_label.text, "app");
    for (uint32_t i = 0; i < 3; i++) {
        lw_growth_point point = LW_GROWTH_POINT_INIT;
        cr_assert_eq(lw_growth_point_get(scene.growth, 0, i, &point, NULL), LW_OK);
        cr_assert_eq(point.holders, 1);
        cr_assert_eq(point.objects, i + 1);
        cr_assert_eq(point.bytes, 32 * (i + 1));
    }
    cr_assert_eq(lw_growth_step_get(scene.growth, 0, 0, &step, NULL), LW_OK);
    cr_assert_eq(step.kind, -1);
    cr_assert_str_eq(step.runtime, "heap");
    cr_assert_eq(lw_growth_step_get(scene.growth, 0, 1, &step, NULL), LW_OK);
    cr_assert_eq(step.kind, LW_EDGE_STRONG);
    cr_assert_eq(step.label.style, LW_LABEL_ATTRIBUTE);
    cr_assert_eq(lw_growth_each(scene.growth, 0, keep_node, kept, NULL), LW_OK);
    cr_assert_eq(kept[0], 2);
    cr_assert(kept[1] == heap_node(scene.heap, last, list + 2) ||
              kept[2] == heap_node(scene.heap, last, list + 2));
    cr_assert(kept[1] == heap_node(scene.heap, last, list + 3) ||
              kept[2] == heap_node(scene.heap, last, list + 3));
    close_scene(&scene);
}

Test(growth, of_each_step_a_number_may_be_asked)
{
    scene scene;
    lw_growth_options options = LW_GROWTH_OPTIONS_INIT;
    open_list(&scene);
    options.per_step = 1;
    cr_assert_eq(look(&scene, &options, NULL), LW_OK);
    cr_assert_eq(lw_growth_count(scene.growth), 1);
    options.per_step = 2;
    cr_assert_eq(look(&scene, &options, NULL), LW_OK);
    cr_assert_eq(lw_growth_count(scene.growth), 0);
    close_scene(&scene);
}

/* Written down: fingerprints are kept in files. FNV-1a over each word and its end; of a step: the
 * kind from 'a' for a root, the style from 'a' for no label, the flags from 'a' for none. */
Test(growth, fingerprints_stay)
{
    static const char *const words[] = {"module", "aea", "app", "module", "heap",
                                        "bca", "items", "list", "heap"};
    scene scene;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    open_list(&scene);
    expect_heads(&scene, "module app:module .items:list \n");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (size_t j = 0; j <= strlen(words[i]); j++)
            hash = (hash ^ (unsigned char)words[i][j]) * UINT64_C(0x100000001b3);
    }
    cr_assert_eq(head_of(&scene, 0).fingerprint, hash);
    close_scene(&scene);
}

Test(growth, external_bytes_count)
{
    static const op ops[3][12] = {
        {NODE(1, "List", 8), ROOT(1, "r", NULL), {0}},
        {NODE(1, "List", 8), ROOT(1, "r", NULL), NODE(2, "T", 8), EDGE(1, 2, "#0"),
         EXTERNAL(2, 1000), {0}},
        {NODE(1, "List", 8), ROOT(1, "r", NULL), NODE(2, "T", 8), EDGE(1, 2, "#0"),
         EXTERNAL(2, 1000), NODE(3, "T", 8), EDGE(1, 3, "#1"), EXTERNAL(3, 500), {0}},
    };
    host host;
    script script = {ops[0], 0};
    lw_snapshot *taken[3];
    lw_growth *growth = NULL;
    lw_growth_head head = LW_GROWTH_HEAD_INIT;
    open_toy(&host, &script);
    for (int i = 0; i < 3; i++) {
        script.ops = ops[i];
        taken[i] = take(&host);
    }
    cr_assert_eq(lw_growth_create(taken, 3, NULL, &growth, NULL), LW_OK);
    cr_assert_eq(lw_growth_get(growth, 0, &head, NULL), LW_OK);
    cr_assert_eq(head.bytes_diff, 1516);
    lw_growth_release(growth);
    for (int i = 0; i < 3; i++)
        lw_snapshot_release(taken[i]);
    close_host(&host);
}

/* ---- which paths ---- */

Test(growth, two_leaks_under_one_parent_are_two)
{
    scene scene;
    open_scene(&scene);
    int one = heap_grow(scene.heap, scene.module, ".one", "dict");
    int two = heap_grow(scene.heap, scene.module, ".two", "dict");
    for (int i = 0; i < 3; i++) {
        heap_grow(scene.heap, one, "['a']", "str");
        heap_grow(scene.heap, two, "['a']", "str");
        heap_grow(scene.heap, two, "['b']", "str");
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .two:dict \nmodule app:module .one:dict \n");
    cr_assert_neq(head_of(&scene, 0).fingerprint, head_of(&scene, 1).fingerprint);
    close_scene(&scene);
}

Test(growth, a_path_that_appears_late)
{
    scene scene;
    open_scene(&scene);
    snap(&scene);
    int list = heap_grow(scene.heap, scene.module, ".late", "list");
    for (int i = 0; i < 3; i++) {
        heap_grow(scene.heap, list, "#", "Item");
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .late:list \n");
    cr_assert_eq(head_of(&scene, 0).first, 1);
    cr_assert_eq(head_of(&scene, 0).objects_diff, 2);
    scene.count--; /* two snapshots with the list are one step */
    lw_snapshot_release(scene.taken[3]);
    expect_heads(&scene, "");
    close_scene(&scene);
}

/* A step without growth acquits. */
Test(growth, what_rests_once_is_not_told)
{
    scene scene;
    open_scene(&scene);
    int list = heap_grow(scene.heap, scene.module, ".items", "list");
    for (int i = 0; i < 5; i++) {
        if (i != 3)
            heap_grow(scene.heap, list, "#", "Item");
        snap(&scene);
    }
    expect_heads(&scene, "");
    close_scene(&scene);
}

Test(growth, elements_of_changing_types_count_together)
{
    static const char *const types[] = {"A", "B", "C", "D"};
    scene scene;
    open_scene(&scene);
    int list = heap_grow(scene.heap, scene.module, ".items", "list");
    for (int i = 0; i < 4; i++) {
        heap_grow(scene.heap, list, "#", types[i]);
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .items:list \n");
    cr_assert_eq(head_of(&scene, 0).objects_diff, 3);
    close_scene(&scene);
}

/* Attributes that are filled one after the other are no collection. */
Test(growth, attributes_are_not_elements)
{
    static const char *const names[] = {".a", ".b", ".c", ".d"};
    scene scene;
    open_scene(&scene);
    for (int i = 0; i < 4; i++) {
        heap_grow(scene.heap, scene.module, names[i], "str");
        snap(&scene);
    }
    expect_heads(&scene, "");
    close_scene(&scene);
}

Test(growth, weak_references_and_garbage_hold_nothing)
{
    scene scene;
    open_scene(&scene);
    int list = heap_grow(scene.heap, scene.module, ".items", "list");
    for (int i = 0; i < 3; i++) {
        int thing = heap_grow(scene.heap, list, "#", "Item");
        scene.heap->bonds[scene.heap->bond_count - 1].kind =
            i % 2 ? LW_EDGE_WEAK : LW_EDGE_BORROWED;
        heap_grow(scene.heap, thing, ".part", "Part");
        snap(&scene);
    }
    expect_heads(&scene, "");
    close_scene(&scene);
}

/* A growing list of sessions is one leak; a log that one of them writes is another. */
Test(growth, a_holder_that_stays_one_below_what_grows)
{
    scene scene;
    open_scene(&scene);
    int sessions = heap_grow(scene.heap, scene.module, ".sessions", "list"), log = -1;
    for (int i = 0; i < 4; i++) {
        int session = heap_grow(scene.heap, sessions, "#", "Session");
        heap_grow(scene.heap, session, ".user", "User");
        log = log < 0 ? heap_grow(scene.heap, session, ".log", "list") : log;
        heap_grow(scene.heap, log, "#", "Line");
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .sessions:list \n"
                         "module app:module .sessions:list [x]:Session .log:list \n");
    cr_assert_eq(head_of(&scene, 0).objects_diff, 6, "sessions and users");
    cr_assert_eq(head_of(&scene, 1).objects_diff, 3, "lines");
    close_scene(&scene);
}

/* Of lists on one path the one that gains, though others have more that is new. */
Test(growth, the_holder_that_gained)
{
    scene scene;
    int lists[3];
    open_scene(&scene);
    int all = heap_grow(scene.heap, scene.module, ".all", "list");
    for (int i = 0; i < 3; i++)
        lists[i] = heap_grow(scene.heap, all, "#", "list");
    for (int i = 0; i < 3; i++) {
        heap_untie(scene.heap, lists[0], -1);
        for (int j = 0; j < 20; j++)
            heap_grow(scene.heap, lists[0], "#", "Item");
        heap_grow(scene.heap, lists[1], "#", "Item");
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .all:list [x]:list \n");
    cr_assert_eq(head_of(&scene, 0).holders, 3);
    cr_assert_eq(head_of(&scene, 0).node, heap_node(scene.heap, scene.taken[2], lists[1]));
    close_scene(&scene);
}

/* Owners name the path, frames only what nothing else holds. */
Test(growth, owners_before_frames)
{
    scene scene;
    open_scene(&scene);
    int cache = heap_grow(scene.heap, scene.module, ".cache", "Cache");
    int list = heap_grow(scene.heap, cache, ".items", "list");
    heap_root(scene.heap, list, "frame", "items");
    scene.heap->bonds[scene.heap->bond_count - 1].flags = LW_ROOT_BYSTANDER;
    for (int i = 0; i < 3; i++) {
        heap_grow(scene.heap, list, "#", "Item");
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .cache:Cache .items:list \n");
    close_scene(&scene);
}

Test(growth, what_only_roots_hold)
{
    scene scene;
    open_scene(&scene);
    for (int i = 0; i < 3; i++) {
        heap_root(scene.heap, heap_add(scene.heap, "Handle", 8), "handle", NULL);
        snap(&scene);
    }
    expect_heads(&scene, "handle :Handle \n");
    lw_growth_head head = head_of(&scene, 0);
    cr_assert_eq(head.node, LW_NODE_NONE);
    cr_assert(head.flags & LW_GROWTH_ROOTS);
    cr_assert_eq(head.holders, 0);
    cr_assert_eq(head.grown, 2);
    close_scene(&scene);
}

/* A buffer that has these sizes, one for each snapshot. */
static int swell(scene *scene, const uint64_t *sizes, int count)
{
    int buffer = heap_grow(scene->heap, scene->module, ".buffer", "buffer");
    for (int i = 0; i < count; i++) {
        scene->heap->things[buffer].size = sizes[i];
        snap(scene);
    }
    return buffer;
}

Test(growth, what_becomes_larger_but_not_more)
{
    static const uint64_t sizes[] = {1000, 1001, 5001, 5002};
    scene scene;
    open_scene(&scene);
    int buffer = swell(&scene, sizes, 4);
    expect_heads(&scene, "module app:module .buffer:buffer \n");
    lw_growth_head head = head_of(&scene, 0);
    cr_assert_eq(head.flags, LW_GROWTH_BYTES);
    cr_assert_eq(head.node, heap_node(scene.heap, scene.taken[3], buffer));
    cr_assert_eq(head.holders, 1);
    cr_assert_eq(head.objects, 1);
    cr_assert_eq(head.objects_diff, 0);
    cr_assert_eq(head.bytes, 5002);
    cr_assert_eq(head.bytes_diff, 4002);
    cr_assert_eq(head.grown, 0);
    cr_assert_eq(head.first, 0);
    close_scene(&scene);
}

Test(growth, of_those_that_swell_the_one_that_gained_most)
{
    scene scene;
    open_scene(&scene);
    int list = heap_grow(scene.heap, scene.module, ".items", "list"), buffers[3];
    for (int i = 0; i < 3; i++)
        buffers[i] = heap_grow(scene.heap, list, "#", "buffer");
    scene.heap->things[buffers[0]].size = 100000; /* large, but as it was */
    for (int i = 0; i < 3; i++) {
        scene.heap->things[buffers[1]].size += 10;
        scene.heap->things[buffers[2]].size += 11;
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .items:list [x]:buffer \n");
    lw_growth_head head = head_of(&scene, 0);
    cr_assert_eq(head.node, heap_node(scene.heap, scene.taken[2], buffers[2]));
    cr_assert_eq(head.holders, 3);
    cr_assert_eq(head.bytes_diff, 42);
    close_scene(&scene);
}

Test(growth, what_does_not_swell_in_every_step)
{
    static const uint64_t sizes[] = {1000, 2000, 2000, 3000};
    lw_growth_options options = LW_GROWTH_OPTIONS_INIT;
    scene scene;
    open_scene(&scene);
    swell(&scene, sizes, 4);
    expect_heads(&scene, "");
    close_scene(&scene);
    open_scene(&scene);
    swell(&scene, (uint64_t[]){0, 9, 20, 29}, 4);
    options.per_step = 10;
    cr_assert_eq(look(&scene, &options, NULL), LW_OK);
    cr_assert_eq(lw_growth_count(scene.growth), 0);
    options.per_step = 9;
    cr_assert_eq(look(&scene, &options, NULL), LW_OK);
    cr_assert_eq(lw_growth_count(scene.growth), 1);
    close_scene(&scene);
}

/* A list gets longer by what it holds, and more of something are more bytes. */
Test(growth, what_swells_by_more_objects_is_told_once)
{
    scene scene;
    open_scene(&scene);
    int list = heap_grow(scene.heap, scene.module, ".items", "list");
    for (int i = 0; i < 4; i++) {
        heap_grow(scene.heap, list, "#", "Item");
        scene.heap->things[list].size += 8;
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .items:list \n");
    cr_assert_eq(head_of(&scene, 0).flags & LW_GROWTH_BYTES, 0);
    close_scene(&scene);
}

/* Told from the snapshot on from which there are as many of them as at the end. */
Test(growth, what_swells_from_later_on)
{
    scene scene;
    open_scene(&scene);
    snap(&scene);
    swell(&scene, (uint64_t[]){10, 20, 30}, 3);
    expect_heads(&scene, "module app:module .buffer:buffer \n");
    cr_assert_eq(head_of(&scene, 0).first, 1);
    cr_assert_eq(head_of(&scene, 0).bytes_diff, 20);
    close_scene(&scene);
}

Test(growth, what_is_held_from_outside)
{
    static const op ops[3][8] = {
        {NODE(1, "T", 8), REFERENCES(1, 2), {0}},
        {NODE(1, "T", 8), REFERENCES(1, 2), NODE(2, "T", 8), REFERENCES(2, 1), {0}},
        {NODE(1, "T", 8), REFERENCES(1, 2), NODE(2, "T", 8), REFERENCES(2, 1), NODE(3, "T", 8),
         REFERENCES(3, 1), {0}},
    };
    host host;
    script script = {ops[0], 0};
    lw_snapshot *taken[3];
    lw_growth *growth = NULL;
    lw_growth_head head = LW_GROWTH_HEAD_INIT;
    open_toy(&host, &script);
    for (int i = 0; i < 3; i++) {
        script.ops = ops[i];
        taken[i] = take(&host);
    }
    cr_assert_eq(lw_growth_create(taken, 3, NULL, &growth, NULL), LW_OK);
    cr_assert_eq(lw_growth_count(growth), 1);
    cr_assert_eq(lw_growth_get(growth, 0, &head, NULL), LW_OK);
    cr_assert_str_eq(head.root_kind, "held from outside");
    cr_assert_eq(head.objects_diff, 2);
    lw_growth_release(growth);
    for (int i = 0; i < 3; i++)
        lw_snapshot_release(taken[i]);
    close_host(&host);
}

/* A pattern of five steps is longer than those that are seen at once, yet ends. */
Test(growth, long_patterns_and_deep_paths_end)
{
    static const char *const names[] = {".a", ".b", ".c", ".d", ".e"};
    scene scene;
    open_scene(&scene);
    int at = heap_grow(scene.heap, scene.module, ".chain", "Link"), made = 0;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 1500; j++)
            at = heap_grow(scene.heap, at, names[made++ % 5], "Link");
        snap(&scene);
    }
    cr_assert_eq(look(&scene, NULL, NULL), LW_OK);
    cr_assert_eq(lw_growth_count(scene.growth), 1);
    cr_assert_lt(head_of(&scene, 0).steps, 40);
    cr_assert_eq(head_of(&scene, 0).objects_diff, 3000);
    close_scene(&scene);
}

/* What starts to grow later, in a holder that was there before. */
Test(growth, elements_that_appear_late)
{
    scene scene;
    open_scene(&scene);
    int list = heap_grow(scene.heap, scene.module, ".items", "list");
    for (int i = 0; i < 5; i++) {
        if (i > 1)
            heap_grow(scene.heap, list, "#", "Item");
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .items:list \n");
    cr_assert_eq(head_of(&scene, 0).first, 2);
    lw_snapshot_release(scene.taken[--scene.count]);
    expect_heads(&scene, "");
    close_scene(&scene);
}

/* Holders that become more because what holds them does, if not in every step, explain it. */
Test(growth, holders_that_become_more_are_no_heads)
{
    scene scene;
    open_scene(&scene);
    int sessions = heap_grow(scene.heap, scene.module, ".sessions", "list"), log = -1;
    for (int i = 0; i < 4; i++) {
        int session = heap_grow(scene.heap, sessions, "#", "Session");
        if (i % 2 == 0)
            log = heap_grow(scene.heap, session, ".log", "list");
        heap_grow(scene.heap, log, "#", "Line");
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .sessions:list \n");
    close_scene(&scene);
}

/* Of holders on one path the first label by content names the step, whichever comes first. */
Test(growth, the_first_label_by_content)
{
    scene scene;
    int holders[2], lists[2];
    open_scene(&scene);
    int all = heap_grow(scene.heap, scene.module, ".all", "list");
    for (int i = 0; i < 2; i++)
        holders[i] = heap_grow(scene.heap, all, "#", "Holder");
    for (int i = 0; i < 2; i++)
        lists[i] = heap_add(scene.heap, "list", 8);
    heap_tie(scene.heap, holders[0], lists[0], ".b");
    heap_tie(scene.heap, holders[1], lists[0], ".a");
    heap_tie(scene.heap, holders[0], lists[1], ".c");
    heap_tie(scene.heap, holders[1], lists[1], ".d");
    for (int i = 0; i < 3; i++) {
        heap_grow(scene.heap, lists[0], "#", "Item");
        heap_grow(scene.heap, lists[0], "#", "Item");
        heap_grow(scene.heap, lists[1], "#", "Item");
        snap(&scene);
    }
    expect_heads(&scene, "module app:module .all:list [x]:Holder .a:list \n"
                         "module app:module .all:list [x]:Holder .c:list \n");
    close_scene(&scene);
}
