/* Plants: functions that leave something behind in every round of a region, and of each a clean twin
 * that leaves nothing which counts. A plant keeps its own books of what it leaves, with the place:
 * LEAK(call, bytes) around an allocation that is never given back. */
#ifndef TESTS_MALLOC_PLANTED_H
#define TESTS_MALLOC_PLANTED_H

#include <leakwatch.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 16 };

/* What LEAK() is told of a block whose size the C library keeps to itself. */
enum { SIZE_OF_LIBC = 0 };

typedef struct plant {
    const char *name;
    void (*round)(int number);
} plant;

static bool clean; /* the twin */
static void *volatile seen;

typedef struct book {
    const char *file, *function;
    int line;
    long bytes[ROUNDS + 1], blocks[ROUNDS + 1];
} book;

static book books;
static int now; /* the round; 0: before the first */

/* What is left at a place; a plant has one. */
static inline void leaves(const char *file, int line, const char *function, long bytes)
{
    books.file = file;
    books.function = function;
    books.line = line;
    if (clean)
        return;
    books.bytes[now] += bytes;
    books.blocks[now]++;
}

#define LEAVES(bytes) leaves(__FILE__, __LINE__, __func__, (long)(bytes))
#define LEAK(call, bytes) (LEAVES(bytes), (call))

/* What a plant loses and its twin gives back. */
static inline void give(void *block)
{
    seen = block;
    if (clean)
        free(block);
}

/* ---- running one ---- */

static inline int put(const char *text, size_t length, void *user)
{
    (void)user;
    return write(STDOUT_FILENO, text, length) != (ssize_t)length;
}

static inline void print_books(void)
{
    const char *last = books.file ? strrchr(books.file, '/') : NULL;
    printf("{\"file\": \"%s\", \"line\": %d, \"function\": \"%s\", \"left\": [",
           last ? last + 1 : books.file ? books.file : "", books.line,
           books.function ? books.function : "");
    for (int i = 1; i <= ROUNDS; i++)
        printf("%s[%ld, %ld]", i > 1 ? ", " : "", books.bytes[i], books.blocks[i]);
    puts("]}");
    fflush(stdout);
}

static inline int run_rounds(const plant *plant, lw_region *region)
{
    plant->round(0); /* what is set up once is no leak */
    for (now = 1; now <= ROUNDS; now++) {
        lw_round round = 0;
        if (lw_region_begin(region, &round, NULL) != LW_OK)
            return 1;
        plant->round(now);
        if (lw_region_end(region, round, NULL, NULL) != LW_OK)
            return 1;
    }
    return 0;
}

static inline int run_plant(const plant *plant)
{
    lw_context *context = NULL;
    lw_region *region = NULL;
    lw_region_options process = LW_REGION_OPTIONS_INIT;
    lw_survivors *survivors = NULL;
    lw_report_options json = LW_REPORT_OPTIONS_INIT, wide = LW_REPORT_OPTIONS_INIT;
    process.scope = LW_SCOPE_PROCESS;
    json.format = LW_FORMAT_JSON;
    wide.width = 500;
    if (lw_context_default(&context, NULL) != LW_OK ||
        lw_region_create(context, plant->name, &process, &region, NULL) != LW_OK ||
        run_rounds(plant, region) != 0)
        return 1;
    lw_status status = lw_survivors_take(context, region, 0, &survivors, NULL);
    print_books();
    if (status == LW_OK)
        status = lw_report_region(NULL, survivors, &json, put, NULL, NULL);
    if (status == LW_OK)
        status = lw_report_region(NULL, survivors, &wide, put, NULL, NULL);
    lw_survivors_release(survivors);
    lw_context_release(context);
    return status != LW_OK;
}

/* `leak` or `clean`; and the name of one, or all of them one after another. */
static inline int run_plants(const plant *plants, size_t many, int count, char **words)
{
    clean = count > 1 && strcmp(words[1], "clean") == 0;
    for (size_t i = 0; i < many; i++) {
        if (count > 2 && strcmp(plants[i].name, words[2]) != 0)
            continue;
        memset(&books, 0, sizeof books);
        now = 0;
        printf("== %s\n", plants[i].name);
        if (run_plant(&plants[i]) != 0)
            return 1;
    }
    return 0;
}

#endif
