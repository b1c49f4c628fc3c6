/* Leaks of the kinds that programs have, and of each a twin that gives everything back. Each runs its
 * rounds inside a region; the line that leaks is marked. Usage: planted NAME, planted -NAME for the
 * twin. */
#define _GNU_SOURCE
#include <leakwatch.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 8 };

static bool clean; /* the twin */
static void *volatile seen;

static void give(void *block)
{
    if (clean)
        free(block);
}

static void lost_pointer(int round)
{
    char *text = malloc(200); /* leaks: lost_pointer */
    memset(text, round, 200);
    seen = text;
    give(text);
}

static void realloc_loss(int round)
{
    char *block = malloc(100); /* leaks: realloc_loss */
    char *bigger = malloc((size_t)round + 200);
    memcpy(bigger, block, 100);
    give(block);
    block = bigger;
    free(block);
}

static int parse(const char *text, char **value)
{
    *value = malloc(64); /* leaks: error_path */
    strcpy(*value, text);
    if (text[0] == '?') {
        give(*value);
        *value = NULL;
        return -1;
    }
    return 0;
}

static void error_path(int round)
{
    char *value;
    if (parse(round % 2 ? "?bad" : "good", &value) == 0)
        free(value);
}

struct item {
    struct item *next;
    char text[40];
};

static struct item *list;

static void growing_list(int round)
{
    for (int i = 0; i < 5 + round % 2; i++) {
        struct item *item = malloc(sizeof *item); /* leaks: growing_list */
        item->next = list;
        list = item;
    }
    while (clean && list) {
        struct item *next = list->next;
        free(list);
        list = next;
    }
}

static char *cache[1000];
static int cached;

static void cache_without_bound(int round)
{
    char key[32];
    snprintf(key, sizeof key, "key number %d", round);
    cache[cached++] = strdup(key); /* leaks: cache_without_bound */
    if (clean && cached > 1)
        free(cache[--cached - 1]), cache[cached - 1] = cache[cached];
}

static void *thread_work(void *user)
{
    char *own = malloc(333); /* leaks: thread_that_exits */
    own[0] = 1;
    seen = own;
    give(own);
    return user;
}

static void thread_that_exits(int round)
{
    pthread_t thread;
    (void)round;
    pthread_create(&thread, NULL, thread_work, NULL);
    pthread_join(thread, NULL);
}

static void container_of_pointers(int round)
{
    char **all = malloc(10 * sizeof *all);
    (void)round;
    for (int i = 0; i < 10; i++)
        all[i] = malloc(24); /* leaks: container_of_pointers */
    for (int i = 0; clean && i < 10; i++)
        free(all[i]);
    free(all);
}

static void by_strdup(int round)
{
    char *copy = strdup("a text that nobody gives back"); /* leaks: by_strdup */
    copy[0] = (char)round;
    give(copy);
}

static void by_getline(int round)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/self/status", "r");
    (void)round;
    if (getline(&line, &room, file) > 0) /* leaks: by_getline */
        give(line);
    fclose(file);
}

static void by_asprintf(int round)
{
    char *text;
    if (asprintf(&text, "round %d of many", round) > 0) /* leaks: by_asprintf */
        give(text);
}

struct node {
    struct node *other;
    char text[72];
};

static void cycle(int round)
{
    struct node *a = malloc(sizeof *a); /* leaks: cycle */
    struct node *b = malloc(sizeof *b);
    (void)round;
    a->other = b;
    b->other = a;
    if (clean) {
        free(a->other);
        free(a);
    } else {
        a->other = NULL;
        free(b);
    }
}

static void in_a_module(int round)
{
    int (*work)(unsigned) = NULL;
    void *module = dlopen(getenv("PLANTED_MODULE"), RTLD_NOW);
    void *found = module ? dlsym(module, clean ? "work_clean" : "work") : NULL;
    memcpy(&work, &found, sizeof found);
    if (!work || work(90 + (unsigned)round * 0) != 1)
        _exit(98);
    dlclose(module);
}

static void among_a_million(int round)
{
    enum { BLOCKS = 125000 };
    static void *good[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        good[i] = malloc(16 + (size_t)(i % 5) * 16);
    char *one = malloc(48); /* leaks: among_a_million */
    one[0] = (char)round;
    seen = one;
    give(one);
    for (int i = 0; i < BLOCKS; i++)
        free(good[i]);
}

static void aligned_block(int round)
{
    void *block = NULL;
    (void)round;
    if (posix_memalign(&block, 64, 640) == 0) /* leaks: aligned_block */
        give(block);
}

static void deep(int level)
{
    if (level) {
        deep(level - 1);
    } else {
        char *block = malloc(70); /* leaks: deep_recursion */
        block[0] = 1;
        seen = block;
        give(block);
    }
    __asm__ volatile("" ::: "memory");
}

static void deep_recursion(int round)
{
    deep(10 + round % 3);
}

static const struct {
    const char *name;
    void (*round)(int);
} kinds[] = {
    {"lost_pointer", lost_pointer},
    {"realloc_loss", realloc_loss},
    {"error_path", error_path},
    {"growing_list", growing_list},
    {"cache_without_bound", cache_without_bound},
    {"thread_that_exits", thread_that_exits},
    {"container_of_pointers", container_of_pointers},
    {"by_strdup", by_strdup},
    {"by_getline", by_getline},
    {"by_asprintf", by_asprintf},
    {"cycle", cycle},
    {"in_a_module", in_a_module},
    {"among_a_million", among_a_million},
    {"aligned_block", aligned_block},
    {"deep_recursion", deep_recursion},
};

static int put(const char *text, size_t length, void *user)
{
    (void)user;
    return write(STDOUT_FILENO, text, length) != (ssize_t)length;
}

static int run(void (*work)(int))
{
    lw_context *context = NULL;
    lw_region *region = NULL;
    lw_region_options process = LW_REGION_OPTIONS_INIT;
    lw_survivors *survivors = NULL;
    lw_report_options json = LW_REPORT_OPTIONS_INIT;
    process.scope = LW_SCOPE_PROCESS;
    json.format = LW_FORMAT_JSON;
    if (lw_context_default(&context, NULL) != LW_OK ||
        lw_region_create(context, "round", &process, &region, NULL) != LW_OK)
        return 1;
    work(0); /* what is set up once is no leak */
    for (int i = 1; i <= ROUNDS; i++) {
        lw_round round = 0;
        if (lw_region_begin(region, &round, NULL) != LW_OK)
            return 1;
        work(i);
        lw_region_end(region, round, NULL, NULL);
    }
    lw_status status = lw_survivors_take(context, region, 0, &survivors, NULL);
    if (status == LW_OK)
        status = lw_report_region(NULL, survivors, &json, put, NULL, NULL);
    lw_survivors_release(survivors);
    lw_context_release(context);
    return status != LW_OK;
}

int main(int count, char **words)
{
    for (size_t i = 0; count == 1 && i < sizeof kinds / sizeof *kinds; i++)
        puts(kinds[i].name);
    clean = count > 1 && words[1][0] == '-';
    for (size_t i = 0; count > 1 && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, words[1] + clean) == 0)
            return run(kinds[i].round);
    }
    return count > 1;
}
