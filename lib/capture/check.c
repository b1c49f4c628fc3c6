#include "capture/check.h"

#include "base/sort.h"
#include "base/structs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool lwi_check_add(lw_check *check, int32_t kind, uint64_t count, lw_key example,
                   const char *type, const char *next, const char *format, ...)
{
    char message[240];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    void *problems = check->problems;
    if (!lwi_grow(&check->mem, &problems, &check->room, check->count + 1,
                  sizeof *check->problems))
        return false;
    check->problems = problems;
    lw_problem problem = LW_PROBLEM_INIT;
    problem.kind = kind;
    problem.count = count;
    problem.example = example;
    problem.type = lwi_arena_text(&check->arena, type, strlen(type));
    problem.message = lwi_arena_text(&check->arena, message, strlen(message));
    problem.next = lwi_arena_text(&check->arena, next, strlen(next));
    if (!problem.type || !problem.message || !problem.next)
        return false;
    check->problems[check->count++] = problem;
    return true;
}

/* What makes the other findings worthless comes first, what may be lawful comes last. */
static int gravity(int32_t kind)
{
    static const int32_t order[] = {LW_PROBLEM_UNKNOWN,  LW_PROBLEM_UNSTABLE, LW_PROBLEM_UNROOTED,
                                    LW_PROBLEM_DANGLING, LW_PROBLEM_BRIDGE,   LW_PROBLEM_CONFLICT,
                                    LW_PROBLEM_EXCESS,   LW_PROBLEM_SIZE,     LW_PROBLEM_MISSING};
    int place = 0;
    while (order[place] != kind)
        place++;
    return place;
}

static int by_gravity(const void *a, const void *b, const void *user)
{
    const lw_problem *x = a, *y = b;
    (void)user;
    if (x->kind != y->kind)
        return gravity(x->kind) - gravity(y->kind);
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    int order = strcmp(x->type, y->type);
    if (order == 0)
        order = strcmp(x->message, y->message);
    return order ? order : (x->example > y->example) - (x->example < y->example);
}

static lw_check *new_check(lw_allocator allocator)
{
    lwi_mem mem;
    lwi_mem_init(&mem, allocator, allocator);
    lw_check *check = lwi_alloc(&mem, sizeof *check);
    if (!check)
        return NULL;
    lwi_mem_init(&check->mem, allocator, allocator);
    lwi_arena_init(&check->arena, &check->mem);
    return check;
}

void lw_check_release(lw_check *check)
{
    if (!check)
        return;
    lwi_free(&check->mem, check->problems, lwi_array_size(check->room, sizeof *check->problems));
    lwi_arena_free(&check->arena);
    lwi_mem mem;
    lwi_mem_init(&mem, check->mem.allocator, check->mem.allocator);
    lwi_free(&mem, check, sizeof *check);
}

static bool search(lw_check *check, const lwi_suspect *suspect, const lw_snapshot *second,
                   const lwi_request *request)
{
    return lwi_check_misuses(check, request->misuses) &&
           lwi_check_stable(check, suspect, second) &&
           lwi_check_strays(check, suspect, request->strays) && lwi_check_counts(check, suspect) &&
           lwi_check_rooted(check, suspect) && lwi_check_sizes(check, suspect);
}

/* Of what the first walk pushed, `first`, and the second one. */
static lw_status judge(const lwi_request *request, const lw_snapshot *first,
                       const lw_snapshot *second, lw_check **check, lw_error *error)
{
    lw_check *made = new_check(lwi_view_allocator(request->context));
    lwi_suspect suspect = {request->checked, first, lwi_part_named(first, request->checked->name)};
    if (!made || !search(made, &suspect, second, request)) {
        lw_check_release(made);
        return lwi_nomem(error, "what a check found");
    }
    lwi_sort(made->problems, made->count, sizeof *made->problems, by_gravity, NULL);
    *check = made;
    return LW_OK;
}

lw_status lw_runtime_check(lw_runtime *runtime, lw_check **check, lw_error *error)
{
    if (!check)
        return lwi_fail(error, LW_E_INVALID, "check is NULL: pass where the findings shall go");
    *check = NULL;
    if (!runtime)
        return lwi_fail(error, LW_E_INVALID, "runtime is NULL: pass the runtime to check");
    lwi_strays strays = {NULL, 0, 0};
    lwi_misuse misuses[LWI_MISUSES], again[LWI_MISUSES];
    memset(misuses, 0, sizeof misuses);
    lwi_request request = {
        .context = runtime->context, .checked = runtime, .strays = &strays, .misuses = misuses};
    lwi_request repeat = {.context = runtime->context, .checked = runtime, .misuses = again};
    memset(again, 0, sizeof again);
    lw_snapshot *first, *second;
    lw_status status = lwi_capture(&request, &first, error);
    if (status != LW_OK)
        return status;
    status = lwi_capture(&repeat, &second, error);
    if (status == LW_OK)
        status = judge(&request, first, second, check, error);
    lw_snapshot_release(second);
    lwi_strays_free(&strays, &first->mem);
    lw_snapshot_release(first);
    return status;
}

uint32_t lw_check_count(const lw_check *check)
{
    return check ? (uint32_t)check->count : 0;
}

lw_status lw_check_problem_get(const lw_check *check, uint32_t index, lw_problem *problem,
                               lw_error *error)
{
    lw_status status = lwi_result_check(problem, "lw_problem", error);
    if (status != LW_OK)
        return status;
    if (!check)
        return lwi_fail(error, LW_E_INVALID, "check is NULL: make one with lw_runtime_check()");
    if (index >= check->count)
        return lwi_fail(error, LW_E_NOT_FOUND, "problem %u: %u were found, from 0",
                        (unsigned)index, (unsigned)check->count);
    lwi_give(problem, &check->problems[index], sizeof *problem);
    return LW_OK;
}
