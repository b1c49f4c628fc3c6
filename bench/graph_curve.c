/* Every question to a heap, by its size: one table, down which one reads whether a cost grows as
 * the heap does.
 *
 * usage: graph_curve [-r ROUNDS] [NODES | FOLDER]...
 *
 * A number stands for made-up heaps of so many nodes in three shapes, a folder for a real one: the
 * files 0.lws to 3.lws, taken of one program in this order, and the file "capture" with the CPU
 * seconds of a capture; bench/graph_real.py makes them. All heaps are measured in turn, that many
 * rounds, by CPU time and the library's own allocator; a last round counts memory instead.
 *
 * The questions are asked in the order of the columns, all of the last of four snapshots, each of
 * which holds more than the one before. What one prepares the next ones use: "check" is the first
 * look into a file that is open, and the first path makes the index of who holds whom. */
#define _XOPEN_SOURCE 700 /* mkdtemp() */
#include "graph_host.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SNAPSHOTS = 4, LEAKED = 1000, NEXT_PATHS = 10, MOST_ROUNDS = 9, MOST_HEAPS = 30 };
enum question {
    CAPTURE,
    SAVE,
    OPEN,
    CHECK,
    DIFF,
    FIRST_PATH,
    NEXT_PATH,
    DOMINATORS,
    GROWTH,
    CUT,
    QUESTIONS
};
static const char *const question_names[] = {"capture",  "save",      "open",      "check",  "diff",
                                             "1st path", "next path", "retained",  "growth", "cut"};

struct heap {
    const char *folder; /* NULL: made up */
    struct bench_heap made;
    uint64_t nodes, edges, file_bytes;
    double times[QUESTIONS][MOST_ROUNDS];
    double peak[QUESTIONS], kept[QUESTIONS]; /* bytes; below 0: not known */
};

/* One round of one heap. */
struct run {
    struct heap *heap;
    struct bench_memory *memory; /* NULL: times are taken, not memory */
    int round;
    lw_snapshot *taken[SNAPSHOTS];
    lw_node leaked; /* one of what is new in the last snapshot */
    double begun;
    uint64_t before;
};

static char place[] = "leakwatch-bench-XXXXXX";

static void begin(struct run *run)
{
    if (run->memory)
        run->before = run->memory->peak = run->memory->bytes;
    run->begun = bench_cpu();
}

static void end(struct run *run, enum question question)
{
    double took = bench_cpu() - run->begun;
    if (run->memory) {
        run->heap->peak[question] = (double)(run->memory->peak - run->before);
        run->heap->kept[question] = (double)(run->memory->bytes - run->before);
    } else {
        run->heap->times[question][run->round] = took;
    }
}

/* 1: done; 0, and told: it failed. */
static int done(lw_status status, const lw_error *error)
{
    if (status != LW_OK)
        fprintf(stderr, "graph_curve: %s\n", error->message);
    return status == LW_OK;
}

static int open_file(const struct run *run, const char *path, lw_snapshot **snapshot)
{
    lw_error error = LW_ERROR_INIT;
    lw_open_options options = LW_OPEN_OPTIONS_INIT;
    if (run->memory) {
        options.allocator.realloc = bench_realloc;
        options.allocator.user = run->memory;
    }
    return done(lw_snapshot_open(path, &options, snapshot, &error), &error);
}

static int capture(struct run *run)
{
    struct bench_heap *made = &run->heap->made;
    lw_error error = LW_ERROR_INIT;
    lw_context *context = bench_open(made, run->memory);
    int right = context != NULL;
    made->leaked = 0;
    for (int i = 0; right && i < SNAPSHOTS; i++) {
        made->leaked += LEAKED;
        begin(run);
        right = done(lw_snapshot_take(context, NULL, &run->taken[i], &error), &error);
        end(run, CAPTURE);
    }
    lw_context_release(context);
    return right;
}

/* The files of a real heap, looked into once, and what the program told of the last of them. */
static int open_all(struct run *run)
{
    struct heap *heap = run->heap;
    char path[1000];
    for (int i = 0; i < SNAPSHOTS; i++) {
        lw_node_info node = LW_NODE_INFO_INIT;
        lw_error error = LW_ERROR_INIT;
        snprintf(path, sizeof path, "%s/%d.lws", heap->folder, i);
        if (!open_file(run, path, &run->taken[i]) ||
            !done(lw_node_info_get(run->taken[i], 0, &node, &error), &error))
            return 0;
    }
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_snapshot_info_get(run->taken[SNAPSHOTS - 1], &info, NULL);
    heap->peak[CAPTURE] = (double)info.peak_bytes;
    heap->kept[CAPTURE] = -1;
    snprintf(path, sizeof path, "%s/capture", heap->folder);
    FILE *file = fopen(path, "r");
    int right = file && fscanf(file, "%lf", &heap->times[CAPTURE][run->round]) == 1;
    if (file)
        fclose(file);
    if (!right)
        fprintf(stderr, "graph_curve: %s does not tell how long a capture took\n", path);
    return right;
}

/* Saves the last snapshot, opens the file, and looks into it. */
static int save(struct run *run)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *opened = NULL;
    lw_node_info node = LW_NODE_INFO_INIT;
    struct stat about;
    char path[sizeof place + 10];
    snprintf(path, sizeof path, "%s/heap.lws", place);
    begin(run);
    int right = done(lw_snapshot_save(run->taken[SNAPSHOTS - 1], path, NULL, &error), &error);
    end(run, SAVE);
    begin(run);
    right = right && open_file(run, path, &opened);
    end(run, OPEN);
    begin(run);
    right = right && done(lw_node_info_get(opened, 0, &node, &error), &error);
    end(run, CHECK);
    lw_snapshot_release(opened);
    if (right && stat(path, &about) == 0)
        run->heap->file_bytes = (uint64_t)about.st_size;
    unlink(path);
    return right;
}

static int first_of(lw_node node, void *user)
{
    lw_node *first = user;
    if (*first == LW_NODE_NONE)
        *first = node;
    return 1;
}

static int diff(struct run *run)
{
    lw_diff *diff = NULL;
    lw_diff_info info = LW_DIFF_INFO_INIT;
    lw_error error = LW_ERROR_INIT;
    begin(run);
    int right = done(lw_diff_create(run->taken[0], run->taken[SNAPSHOTS - 1], &diff, &error),
                     &error) &&
                done(lw_diff_info_get(diff, &info, &error), &error);
    end(run, DIFF);
    run->leaked = LW_NODE_NONE;
    for (uint32_t i = 0; right && i < info.rows && run->leaked == LW_NODE_NONE; i++)
        lw_diff_each(diff, i, LW_DIFF_CREATED, first_of, &run->leaked, NULL);
    lw_diff_release(diff);
    if (right && run->leaked == LW_NODE_NONE)
        fprintf(stderr, "graph_curve: nothing is new in the last snapshot\n");
    return right && run->leaked != LW_NODE_NONE;
}

static int path_to(lw_snapshot *snapshot, lw_node node)
{
    lw_paths *paths = NULL;
    lw_error error = LW_ERROR_INIT;
    int right = done(lw_paths_find(snapshot, &node, 1, NULL, &paths, &error), &error);
    lw_paths_release(paths);
    return right;
}

static int paths(struct run *run)
{
    lw_snapshot *snapshot = run->taken[SNAPSHOTS - 1];
    begin(run);
    int right = path_to(snapshot, run->leaked);
    end(run, FIRST_PATH);
    begin(run);
    for (uint32_t i = 1; right && i <= NEXT_PATHS; i++)
        right = path_to(snapshot, (lw_node)(run->heap->nodes / (i + 1)));
    end(run, NEXT_PATH);
    if (!run->memory)
        run->heap->times[NEXT_PATH][run->round] /= NEXT_PATHS;
    return right;
}

static int dominators(struct run *run)
{
    lw_dominators *dominators = NULL;
    lw_error error = LW_ERROR_INIT;
    begin(run);
    int right =
        done(lw_dominators_create(run->taken[SNAPSHOTS - 1], NULL, &dominators, &error), &error);
    end(run, DOMINATORS);
    lw_dominators_release(dominators);
    return right;
}

struct nodes {
    lw_node *list;
    uint64_t count;
};

static int keep(lw_node node, void *user)
{
    struct nodes *nodes = user;
    nodes->list[nodes->count++] = node;
    return 0;
}

/* What to cut to free what the first head gained. */
static int cut(struct run *run, const lw_growth *growth)
{
    lw_growth_head head = LW_GROWTH_HEAD_INIT;
    lw_error error = LW_ERROR_INIT;
    lw_cut *cut = NULL;
    lw_cut_info info = LW_CUT_INFO_INIT;
    struct nodes nodes = {NULL, 0};
    int right = done(lw_growth_get(growth, 0, &head, &error), &error);
    nodes.list = right ? malloc((head.grown + 1) * sizeof *nodes.list) : NULL;
    if (!nodes.list)
        return 0;
    lw_growth_each(growth, 0, keep, &nodes, NULL);
    lw_snapshot *last = run->taken[SNAPSHOTS - 1];
    begin(run);
    right = done(lw_cut_find(last, nodes.list, nodes.count, NULL, &cut, &error), &error);
    end(run, CUT);
    if (right)
        lw_cut_info_get(cut, &info, NULL);
    lw_cut_release(cut);
    free(nodes.list);
    if (right && (info.edges != 1 || nodes.count < LEAKED * (SNAPSHOTS - 1))) {
        fprintf(stderr, "graph_curve: %u to cut for %llu leaked, not one\n", (unsigned)info.edges,
                (unsigned long long)nodes.count);
        return 0;
    }
    return right;
}

static int growth(struct run *run)
{
    lw_growth *growth = NULL;
    lw_error error = LW_ERROR_INIT;
    begin(run);
    int right = done(lw_growth_create(run->taken, SNAPSHOTS, NULL, &growth, &error), &error);
    end(run, GROWTH);
    right = right && cut(run, growth);
    lw_growth_release(growth);
    return right;
}

static int measure(struct heap *heap, int round, struct bench_memory *memory)
{
    struct run run = {heap, memory, round, {NULL}, LW_NODE_NONE, 0, 0};
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    int right = heap->folder ? open_all(&run) : capture(&run);
    if (right)
        lw_snapshot_info_get(run.taken[SNAPSHOTS - 1], &info, NULL);
    heap->nodes = info.nodes;
    heap->edges = info.edges;
    right = right && save(&run) && diff(&run) && paths(&run) && dominators(&run) && growth(&run);
    for (int i = 0; i < SNAPSHOTS; i++)
        lw_snapshot_release(run.taken[i]);
    return right;
}

static const char *name_of(const struct heap *heap)
{
    const char *slash = heap->folder ? strrchr(heap->folder, '/') : NULL;
    return !heap->folder ? bench_shape_names[heap->made.shape] : slash ? slash + 1 : heap->folder;
}

static void print_line(const char *what, const double *values, double unit)
{
    printf("%33s %-9s", "", what);
    for (int i = 0; i < QUESTIONS; i++) {
        if (values[i] < 0)
            printf(" %9s", "-");
        else
            printf(values[i] * unit < 1 ? " %9.3f" : " %9.1f", values[i] * unit);
    }
    putchar('\n');
}

static void print(struct heap *heap, int rounds)
{
    double medians[QUESTIONS], nodes = (double)heap->nodes;
    for (int i = 0; i < QUESTIONS; i++)
        medians[i] = bench_median(heap->times[i], rounds);
    heap->kept[SAVE] = (double)heap->file_bytes;
    printf("%-14s %8llu nodes, %llu references\n", name_of(heap), (unsigned long long)heap->nodes,
           (unsigned long long)heap->edges);
    print_line("ms", medians, 1e3);
    print_line("ns/node", medians, 1e9 / nodes);
    print_line("peak B", heap->peak, 1 / nodes);
    print_line("kept B", heap->kept, 1 / nodes);
    fflush(stdout);
}

static int measure_all(struct heap *heaps, int count, int rounds)
{
    printf("CPU time, median of %d in turn; bytes per node: at the peak, and kept (of save: "
           "the file), beside what was there\n%33s %-9s",
           rounds, "", "");
    for (int i = 0; i < QUESTIONS; i++)
        printf(" %9s", question_names[i]);
    putchar('\n');
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++) {
            if (!measure(&heaps[i], round, NULL))
                return 0;
        }
    }
    for (int i = 0; i < count; i++) {
        struct bench_memory memory = {0, 0};
        if (!measure(&heaps[i], 0, &memory))
            return 0;
        print(&heaps[i], rounds);
        if (memory.bytes != 0) {
            fprintf(stderr, "graph_curve: %llu bytes were not given back\n",
                    (unsigned long long)memory.bytes);
            return 0;
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    static struct heap heaps[MOST_HEAPS];
    static char *usual[] = {"", "100000", "1000000", "10000000"};
    int count = 0, rounds = 3;
    if (argc > 2 && strcmp(argv[1], "-r") == 0) {
        rounds = atoi(argv[2]);
        argc -= 2;
        argv += 2;
    }
    if (argc < 2) {
        argc = 4;
        argv = usual;
    }
    if (rounds < 1 || rounds > MOST_ROUNDS || argc * BENCH_SHAPES > MOST_HEAPS) {
        fprintf(stderr, "graph_curve: at most %d rounds, and %d heaps\n", MOST_ROUNDS,
                MOST_HEAPS / BENCH_SHAPES - 1);
        return 2;
    }
    for (int shape = 0; shape < BENCH_SHAPES; shape++) {
        for (int i = 1; i < argc; i++) {
            char *rest;
            uint64_t nodes = strtoull(argv[i], &rest, 10);
            if (*rest == 0 && nodes > 0)
                heaps[count++].made = (struct bench_heap){(enum bench_shape)shape, nodes, 0, 0};
            else if (shape == 0)
                heaps[count++].folder = argv[i];
        }
    }
    if (!mkdtemp(place))
        return 1;
    int right = measure_all(heaps, count, rounds);
    rmdir(place);
    return !right;
}
