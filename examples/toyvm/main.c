/* A server written in the toy language leaks in two ways: its cache never forgets, and each
 * request leaves a pair of objects behind that hold each other. */
#include "toyvm_leakwatch.h"

#include <stdio.h>
#include <string.h>

static toy_vm *vm;

/* ---- the program: server.toy, as its compiler would have turned it into calls ---- */

static void render(int number)
{
    char text[64];
    toy_call_begin(vm, "render (server.toy:4)");
    snprintf(text, sizeof text, "<h1>Order %d</h1>", number);
    toy_list *page = toy_list_new(vm);
    toy_local_set(vm, "page", &page->head);
    toy_call_at(vm, "render (server.toy:5)");
    toy_list_push(vm, page, toy_local_set(vm, "title", &toy_string_new(vm, text)->head));

    toy_call_at(vm, "render (server.toy:7)"); // cache["order 17"] = page
    snprintf(text, sizeof text, "order %d", number);
    toy_map_set(vm, (toy_map *)toy_map_get(vm->globals, "cache"), text, &page->head);
    toy_call_end(vm);
}

static void handle(int number)
{
    static const char *const names[] = {"session"};
    toy_call_begin(vm, "handle (server.toy:12)"); // session["done"] = fun () { session … }
    toy_map *session = toy_map_new(vm);
    toy_object *captured = toy_local_set(vm, "session", &session->head);
    toy_closure *done = toy_closure_new(vm, names, &captured, 1);
    toy_local_set(vm, "done", &done->head);
    toy_map_set(vm, session, "done", &done->head);
    toy_call_at(vm, "handle (server.toy:13)");
    render(number);
    toy_call_end(vm);
}

/* ---- watching it ---- */

static int print(const char *text, size_t length, void *user)
{
    return fwrite(text, 1, length, user) != length;
}

static int find_list(lw_node node, void *user)
{
    *(lw_node *)user = node;
    return 1; // one is enough
}

/* What the ten requests left behind, by the line that allocated it. */
static lw_status report_region(lw_context *context, lw_region *region)
{
    lw_region_stats stats = LW_REGION_STATS_INIT;
    lw_survivors *survivors = NULL;
    lw_status status = lw_region_stats_get(region, 0, &stats, NULL);
    if (status == LW_OK)
        status = lw_survivors_take(context, region, 0, &survivors, NULL);
    if (status == LW_OK)
        status = lw_report_region(&stats, survivors, NULL, print, stdout, NULL);
    lw_survivors_release(survivors);
    return status;
}

/* What grew between the snapshots, and who holds one of the new lists. */
static lw_status report_growth(lw_snapshot *before, lw_snapshot *after)
{
    lw_diff *diff = NULL;
    lw_paths *paths = NULL;
    lw_node list = LW_NODE_NONE;
    lw_status status = lw_diff_create(before, after, &diff, NULL);
    if (status == LW_OK)
        status = lw_report_diff(diff, NULL, print, stdout, NULL);
    for (uint32_t i = 0; status == LW_OK && list == LW_NODE_NONE; i++) {
        lw_diff_row row = LW_DIFF_ROW_INIT;
        status = lw_diff_row_get(diff, i, &row, NULL);
        if (status == LW_OK && strcmp(row.name, "list") == 0)
            status = lw_diff_each(diff, i, LW_DIFF_CREATED, find_list, &list, NULL);
    }
    if (status == LW_OK)
        status = lw_paths_find(after, &list, 1, NULL, &paths, NULL);
    if (status == LW_OK)
        status = lw_report_path(paths, 0, NULL, print, stdout, NULL);
    lw_paths_release(paths);
    lw_diff_release(diff);
    return status;
}

/* Whether toyvm_leakwatch.c got it right. */
static lw_status report_check(const toy_watch *watch)
{
    lw_check *check = NULL;
    lw_status status = lw_runtime_check(watch->runtime, &check, NULL);
    if (status == LW_OK)
        status = lw_report_check(check, "toyvm", NULL, print, stdout, NULL);
    if (status == LW_OK && lw_check_count(check) != 0)
        status = LW_E_RUNTIME;
    lw_check_release(check);
    return status;
}

int main(void)
{
    lw_context *context = NULL;
    lw_region *region = NULL;
    lw_snapshot *before = NULL, *after = NULL;
    lw_error error = LW_ERROR_INIT;
    toy_watch watch = {0};
    vm = toy_vm_new();
    if (lw_context_create(NULL, &context, &error) != LW_OK ||
        toy_watch_start(&watch, vm, context, &error) != LW_OK ||
        lw_region_create(context, "handle", NULL, &region, &error) != LW_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    toy_call_begin(vm, "main (server.toy:20)");
    toy_map *cache = toy_map_new(vm);
    toy_map_set(vm, vm->globals, "cache", &cache->head);
    toy_release(vm, &cache->head);
    handle(0); // what is made once is no leak

    lw_status status = lw_snapshot_take(context, NULL, &before, &error);
    toy_call_at(vm, "main (server.toy:22)");
    for (int i = 1; i <= 10 && status == LW_OK; i++) {
        lw_round round;
        status = lw_region_begin(region, &round, &error);
        handle(i);
        if (status == LW_OK)
            status = lw_region_end(region, round, NULL, &error);
    }
    if (status == LW_OK)
        status = lw_snapshot_take(context, NULL, &after, &error);
    if (status == LW_OK)
        status = report_region(context, region);
    if (status == LW_OK)
        status = report_growth(before, after);
    if (status == LW_OK)
        status = report_check(&watch);
    if (status != LW_OK)
        fprintf(stderr, "%s %s\n", lw_status_name(status), error.message);

    lw_snapshot_release(after);
    lw_snapshot_release(before);
    toy_watch_stop(&watch);
    toy_vm_free(vm);
    lw_context_release(context);
    return status != LW_OK;
}
