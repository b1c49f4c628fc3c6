/* lw_runtime_check() on the toy object system of the examples: plugged in rightly it is without
 * fault, and each way of getting it wrong is told from the others. */
#include "../../examples/toyvm/toyvm.c"
#include "../../examples/toyvm/toyvm_leakwatch.c"

#include "record_host.h"

/* What an author forgot. */
enum slip {
    NOTHING,
    STRINGS,
    KEYS,
    LOCALS,
    COUNTED_LOCALS,
    TWICE,
    SIZES,
    MAKES_OBJECTS,
    SMALL_STRINGS,
    LARGE_MAPS,
    EDGE_KIND,
    ROOT_KIND,
    FOREIGN
};

typedef struct slipping {
    toy_watch watch;
    enum slip slip;
    int counts;
} slipping;

static void push_entries(lw_sink *sink, const toy_map *map, enum slip slip)
{
    for (size_t i = 0; i < map->count; i++) {
        if (slip != KEYS)
            lw_sink_edge(sink, lw_key_of(map), lw_key_of(map->entries[i].key), LW_EDGE_STRONG,
                         label(sink, LW_LABEL_INTERNAL, "key"));
        for (int times = slip == TWICE ? 2 : 1; times > 0; times--)
            lw_sink_edge(sink, lw_key_of(map), lw_key_of(map->entries[i].value),
                         slip == EDGE_KIND ? 7 : LW_EDGE_STRONG,
                         label(sink, LW_LABEL_KEY, map->entries[i].key->text));
    }
}

static void push_object(lw_sink *sink, const toy_object *object, const slipping *it)
{
    uint32_t type = lw_sink_type(sink, 0, toy_type_name(object->type), 0);
    lw_key key = lw_key_of(object);
    if (it->slip == STRINGS && object->type == TOY_STRING)
        return;
    size_t size = toy_size(object);
    if (it->slip == SMALL_STRINGS && object->type == TOY_STRING)
        size = sizeof(char *);
    if (it->slip == LARGE_MAPS && object->type == TOY_MAP)
        size *= 100;
    lw_sink_node(sink, key, type, size);
    if (it->slip == FOREIGN && object->type == TOY_STRING)
        lw_sink_bridge(sink, key, "python", 17, LW_EDGE_WEAK, 0);
    if (it->slip == SIZES && object->type == TOY_LIST)
        lw_sink_node(sink, key, type, sizeof(toy_list));
    if (it->counts)
        lw_sink_references(sink, key, object->references);
    if (object->type == TOY_MAP)
        push_entries(sink, (const toy_map *)object, it->slip);
    else
        push_references(sink, object);
}

/* enumerate() of toyvm_leakwatch.c, with a slip. */
static int enumerate_slipping(lw_sink *sink, void *user)
{
    slipping *it = user;
    toy_vm *vm = it->watch.vm;
    if (it->slip == MAKES_OBJECTS)
        toy_local_set(vm, "made by enumerate", &toy_string_new(vm, "new")->head);
    for (const toy_object *object = vm->objects.next; object != &vm->objects;
         object = object->next)
        push_object(sink, object, it);
    uint32_t flags = it->slip == COUNTED_LOCALS ? LW_ROOT_BORROWED : 0;
    uint32_t local = lw_sink_root_kind(sink, "local variable", flags);
    for (size_t i = 0; it->slip != LOCALS && i < vm->local_count; i++)
        lw_sink_root(sink, lw_key_of(vm->locals[i].object), local,
                     label(sink, LW_LABEL_VARIABLE, vm->locals[i].name));
    uint32_t globals = it->slip == ROOT_KIND ? 3 : lw_sink_root_kind(sink, "globals", 0);
    return lw_sink_root(sink, lw_key_of(vm->globals), globals, 0);
}

/* globals { "config": { "name": "toy", "list": [ "toy" ] } }, a local list that nothing else
 * holds, and two maps that only hold each other. */
static void run_small_program(toy_vm *vm)
{
    toy_call_begin(vm, "main (main.toy:1)");
    toy_map *config = toy_map_new(vm);
    toy_list *list = toy_list_new(vm), *local = toy_list_new(vm);
    toy_string *name = toy_string_new(vm, "toy");
    toy_list_push(vm, list, &name->head);
    toy_map_set(vm, config, "name", &name->head);
    toy_map_set(vm, config, "list", &list->head);
    toy_map_set(vm, vm->globals, "config", &config->head);
    toy_local_set(vm, "local", &local->head);
    toy_map *left = toy_map_new(vm), *right = toy_map_new(vm);
    toy_map_set(vm, left, "other", &right->head);
    toy_map_set(vm, right, "other", &left->head);
    toy_object *mine[] = {&config->head, &list->head, &name->head, &left->head, &right->head};
    for (size_t i = 0; i < sizeof mine / sizeof mine[0]; i++)
        toy_release(vm, mine[i]);
}

static toy_vm *small_machine(void)
{
    toy_vm *vm = toy_vm_new();
    run_small_program(vm);
    return vm;
}

static lw_check *check_slip(enum slip slip, int counts)
{
    lw_context *context = NULL;
    lw_runtime *runtime = NULL;
    lw_check *check = NULL;
    slipping it = {.slip = slip, .counts = counts};
    lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
    toy_vm *vm = toy_vm_new();
    cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
    cr_assert_eq(toy_watch_start(&it.watch, vm, context, NULL), LW_OK);
    run_small_program(vm); /* of which all blocks are recorded */
    options.name = "slipping";
    options.enumerate = enumerate_slipping;
    options.user = &it;
    options.domains = &it.watch.domain;
    options.domain_count = 1;
    lw_runtime_destroy(it.watch.runtime);
    cr_assert_eq(lw_runtime_create(context, &options, &runtime, NULL), LW_OK);
    cr_assert_eq(lw_runtime_check(runtime, &check, NULL), LW_OK);
    it.watch.runtime = NULL;
    toy_watch_stop(&it.watch);
    lw_context_release(context);
    toy_vm_free(vm);
    return check;
}

/* Exactly one problem, of this kind, whose message begins and ends so. */
static void expect_one(enum slip slip, int32_t kind, const char *type, const char *begin,
                       const char *end)
{
    lw_check *check = check_slip(slip, 1);
    lw_problem problem = LW_PROBLEM_INIT;
    cr_assert_eq(lw_check_count(check), 1);
    cr_assert_eq(lw_check_problem_get(check, 0, &problem, NULL), LW_OK);
    cr_assert_eq(problem.kind, kind);
    cr_assert_str_eq(problem.type, type);
    cr_assert_eq(strncmp(problem.message, begin, strlen(begin)), 0, "%s", problem.message);
    size_t length = strlen(problem.message);
    cr_assert(length >= strlen(end), "%s", problem.message);
    cr_assert_str_eq(problem.message + length - strlen(end), end);
    lw_check_release(check);
}

/* Exactly these kinds of problem, each for one type, in this order. */
static void expect_kinds(enum slip slip, int counts, const char *want)
{
    static const char *const names[] = {"",         "unrooted", "dangling", "unstable", "missing",
                                        "conflict", "excess",   "size",     "unknown",  "bridge"};
    char got[400] = "";
    lw_check *check = check_slip(slip, counts);
    for (uint32_t i = 0; i < lw_check_count(check); i++) {
        lw_problem problem = LW_PROBLEM_INIT;
        cr_assert_eq(lw_check_problem_get(check, i, &problem, NULL), LW_OK);
        size_t used = strlen(got);
        snprintf(got + used, sizeof got - used, "%s %s: %s\n", names[problem.kind], problem.type,
                 problem.message);
    }
    lw_check_release(check);
    cr_assert_str_eq(got, want);
}

Test(check_toyvm, example_is_without_fault)
{
    toy_vm *vm = small_machine();
    toy_watch watch = {0};
    lw_context *context = NULL;
    cr_assert_eq(lw_context_create(NULL, &context, NULL), LW_OK);
    for (int times = 0; times < 3; times++) { /* it may be stopped and started again */
        lw_check *check = NULL;
        cr_assert_eq(toy_watch_start(&watch, vm, context, NULL), LW_OK);
        run_small_program(vm);
        cr_assert_eq(lw_runtime_check(watch.runtime, &check, NULL), LW_OK);
        cr_assert_eq(lw_check_count(check), 0);
        lw_check_release(check);
        toy_watch_stop(&watch);
    }
    lw_context_release(context);
    toy_vm_free(vm);
}

Test(check_toyvm, no_slip_no_problem)
{
    expect_kinds(NOTHING, 1, "");
}

Test(check_toyvm, garbage_that_no_count_proves)
{
    expect_kinds(NOTHING, 0, "unrooted map: no root reaches 2 nodes\n"
                             "unrooted string: no root reaches 2 nodes\n");
}

Test(check_toyvm, forgotten_nodes)
{
    expect_kinds(STRINGS, 1,
                 "dangling map: 6 edges to a node that was never pushed\n"
                 "dangling list: 1 edge to a node that was never pushed\n");
}

Test(check_toyvm, forgotten_edges)
{
    expect_kinds(KEYS, 1, "missing string: 1 reference stated, 0 edges pushed\n");
}

Test(check_toyvm, forgotten_roots_of_a_runtime_that_counts)
{
    expect_kinds(LOCALS, 1, "missing list: 1 reference stated, 0 edges pushed\n");
}

Test(check_toyvm, forgotten_roots_of_a_runtime_that_does_not)
{
    expect_kinds(LOCALS, 0, "unrooted map: no root reaches 2 nodes\n"
                            "unrooted string: no root reaches 2 nodes\n"
                            "unrooted list: no root reaches 1 node; 1 held by nothing at all\n");
}

Test(check_toyvm, counted_roots_called_borrowed)
{
    expect_kinds(COUNTED_LOCALS, 1, "missing list: 1 reference stated, 0 edges pushed\n");
}

Test(check_toyvm, edges_pushed_twice)
{
    expect_kinds(TWICE, 1, "excess map: 1 reference stated, 2 edges pushed\n"
                           "excess list: 1 reference stated, 2 edges pushed\n"
                           "excess string: 2 references stated, 3 edges pushed\n");
}

Test(check_toyvm, nodes_pushed_with_two_sizes)
{
    expect_kinds(SIZES, 1, "conflict list: pushed as list of 88 bytes, then as list of 56 bytes\n");
}

Test(check_toyvm, enumerate_that_makes_objects)
{
    expect_kinds(MAKES_OBJECTS, 1, "unstable : roots: 1 only in the second of two walks\n"
                                   "unstable string: 1 only in the second of two walks\n");
}

Test(check_toyvm, sizes_that_leave_out_a_part)
{
    expect_kinds(SMALL_STRINGS, 1, "size string: 8 B stated, 47 B recorded\n");
}

Test(check_toyvm, sizes_that_are_more_than_there_is)
{
    expect_one(LARGE_MAPS, LW_PROBLEM_SIZE, "map", "12000 B stated, 56 B recorded; all nodes together",
               "B that are recorded");
}

Test(check_toyvm, edges_of_an_unknown_kind)
{
    expect_one(EDGE_KIND, LW_PROBLEM_UNKNOWN, "", "lw_sink_edge: kind 7 of an edge", "is unknown");
}

Test(check_toyvm, roots_of_a_kind_that_was_not_made)
{
    expect_one(ROOT_KIND, LW_PROBLEM_UNKNOWN, "", "lw_sink_root: kind 3 of root",
               "returned in this call of enumerate");
}

Test(check_toyvm, bridges_to_a_runtime_that_is_not_there)
{
    expect_kinds(FOREIGN, 1, "bridge string: 6 bridges whose other end was never pushed\n");
}
