/* Leaks of the kinds that C programs have, and of each a twin that gives everything back. */
#define _GNU_SOURCE
#include "planted.h"

#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <setjmp.h>

/* ---- pointers that get lost ---- */

static void lost_pointer(int round)
{
    char *text = LEAK(malloc(200), 200);
    memset(text, round, 200);
    give(text);
}

static void realloc_loss(int round)
{
    char *block = LEAK(malloc(100), 100);
    char *bigger = malloc((size_t)round + 200);
    memcpy(bigger, block, 100);
    give(block);
    block = bigger;
    free(block);
}

static int parse(const char *text, char **value)
{
    bool bad = text[0] == '?';
    if (bad)
        LEAVES(64);
    *value = malloc(64), books.line = __LINE__;
    strcpy(*value, text);
    if (bad)
        give(*value);
    return bad ? -1 : 0;
}

static void error_path(int round)
{
    char *value;
    if (parse(round % 2 ? "?bad" : "good", &value) == 0)
        free(value);
}

static jmp_buf back;

static void fail(void)
{
    longjmp(back, 1);
}

static void jumped_over(int round)
{
    char *volatile block = LEAK(malloc(150), 150);
    block[0] = (char)round;
    if (setjmp(back) == 0) {
        fail();
        free(block); /* never comes here */
    }
    give(block);
}

struct pair {
    char *name;
    int value;
};

static void member_of_a_freed_struct(int round)
{
    struct pair *pair = malloc(sizeof *pair);
    pair->value = round;
    pair->name = LEAK(strdup("a member"), sizeof "a member");
    give(pair->name);
    free(pair);
}

static void overwritten_member(int round)
{
    static struct pair pair;
    if (clean)
        free(pair.name);
    pair.name = LEAK(malloc(77), 77);
    pair.value = round;
}

/* All in all nothing changes: for each block that is lost an older one is given back. */
static void hidden_by_another(int round)
{
    static char *stock[ROUNDS + 1];
    for (int i = 1; round == 0 && i <= ROUNDS; i++)
        stock[i] = malloc(90);
    free(stock[round]);
    give(LEAK(malloc(90), 90));
}

static void deep(int level)
{
    if (level)
        deep(level - 1);
    else
        give(LEAK(malloc(70), 70));
    __asm__ volatile("" ::: "memory");
}

static void deep_recursion(int round)
{
    deep(10 + round % 3);
}

static void among_a_million(int round)
{
    enum { BLOCKS = 1000000 / ROUNDS };
    static void *good[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        good[i] = malloc(16 + (size_t)(i % 5) * 16);
    char *one = LEAK(malloc(48), 48);
    one[0] = (char)round;
    give(one);
    for (int i = 0; i < BLOCKS; i++)
        free(good[i]);
}

/* ---- what only grows ---- */

struct item {
    struct item *next;
    char text[40];
};

static struct item *list;

static void growing_list(int round)
{
    for (int i = 0; i < 5 + round % 2; i++) {
        struct item *item = LEAK(malloc(sizeof *item), sizeof *item);
        item->next = list;
        list = item;
    }
    while (clean && list) {
        struct item *next = list->next;
        free(list);
        list = next;
    }
}

static void cache_without_bound(int round)
{
    static char *cache[ROUNDS + 1];
    char key[32];
    snprintf(key, sizeof key, "key number %d", round);
    if (!clean || !cache[0])
        cache[clean ? 0 : round] = LEAK(strdup(key), strlen(key) + 1);
}

static void queue_with_a_slow_consumer(int round)
{
    static char *queue[2 * ROUNDS + 2];
    static int waiting;
    (void)round;
    queue[waiting++] = malloc(32), LEAVES(32);
    queue[waiting++] = malloc(8);
    do /* the newest first: the others wait for ever */
        free(queue[--waiting]);
    while (clean && waiting);
}

static void registry_of_callbacks(int round)
{
    struct callback {
        void (*call)(int);
        struct callback *next;
    };
    static struct callback *all;
    struct callback *one = LEAK(malloc(sizeof *one), sizeof *one);
    *one = (struct callback){deep_recursion, all};
    all = one;
    if (clean) {
        all = one->next;
        free(one);
    }
    (void)round;
}

/* ---- structures ---- */

static void container_of_pointers(int round)
{
    char **all = malloc(10 * sizeof *all);
    (void)round;
    for (int i = 0; i < 10; i++)
        all[i] = LEAK(malloc(24), 24);
    for (int i = 0; i < 10; i++)
        give(all[i]);
    free(all);
}

static void cycle(int round)
{
    struct node {
        struct node *other;
        char text[72];
    } *nodes[2];
    (void)round;
    for (int i = 0; i < 2; i++)
        nodes[i] = LEAK(malloc(sizeof **nodes), sizeof **nodes);
    for (int i = 0; i < 2; i++)
        nodes[i]->other = nodes[!i];
    for (int i = 0; i < 2; i++)
        give(nodes[i]);
}

struct tree {
    struct tree *left, *right;
};

static struct tree *grow(int depth, bool lost)
{
    struct tree *tree = calloc(1, sizeof *tree);
    if (lost)
        LEAVES(sizeof *tree);
    books.line = __LINE__ - 3;
    if (depth > 1) {
        tree->left = grow(depth - 1, lost);
        tree->right = grow(depth - 1, lost);
    }
    return tree;
}

static void fell(struct tree *tree)
{
    if (tree) {
        fell(tree->left);
        fell(tree->right);
        free(tree);
    }
}

static void lost_subtree(int round)
{
    struct tree root = {grow(3, false), grow(3, true)};
    (void)round;
    struct tree *right = root.right;
    root.right = NULL; /* is lost here: 7 nodes */
    fell(root.left);
    if (clean)
        fell(right);
}

static void array_that_was_enlarged(int round)
{
    int *numbers = NULL;
    for (int room = 4; room <= 64; room *= 2) {
        numbers = reallocarray(numbers, (size_t)room, sizeof *numbers);
        numbers[room - 1] = round;
    }
    numbers = LEAK(reallocarray(numbers, 100, sizeof *numbers), 100 * sizeof *numbers);
    give(numbers);
}

/* ---- other calls of the family ---- */

static void by_posix_memalign(int round)
{
    void *block = NULL;
    (void)round;
    if (LEAK(posix_memalign(&block, 64, 640), 640) == 0)
        give(block);
}

static void by_aligned_alloc(int round)
{
    char *block = LEAK(aligned_alloc(256, 512), 512);
    block[0] = (char)round;
    give(block);
}

static void by_calloc(int round)
{
    int *block = LEAK(calloc(11, 12), 11 * 12);
    block[0] = round;
    give(block);
}

/* ---- what libraries hand out ---- */

static void by_strdup(int round)
{
    char *copy = LEAK(strdup("nobody gives it back"), sizeof "nobody gives it back");
    copy[0] = (char)round;
    give(copy);
}

static void by_getline(int round)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/self/status", "r");
    (void)round;
    ssize_t length = getline(&line, &room, file), place = __LINE__;
    if (length > 0)
        LEAVES(room), books.line = (int)place, give(line);
    fclose(file);
}

static void by_asprintf(int round)
{
    char *text;
    int length = asprintf(&text, "round %d of many", round), place = __LINE__;
    LEAVES(length + 1), books.line = place;
    give(text);
}

static void memory_stream(int round)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    fprintf(stream, "round %d, and %0500d", round, round);
    fclose(stream); /* cuts the text to its length */
    LEAVES(length + 1), books.line = __LINE__ - 1;
    give(text);
}

static void address_list(int round)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_family = AF_INET,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo("127.0.0.1", NULL, &hints, &found), place = __LINE__;
    (void)round;
    if (failed)
        _exit(98);
    LEAVES(sizeof *found + found->ai_addrlen), books.line = place;
    if (clean)
        freeaddrinfo(found);
}

static void open_directory(int round)
{
    DIR *folder = LEAK(opendir("/"), SIZE_OF_LIBC);
    (void)round;
    if (!folder)
        _exit(98);
    if (clean)
        closedir(folder);
}

static void open_file(int round)
{
    FILE *file = LEAK(fopen("/proc/self/status", "r"), SIZE_OF_LIBC);
    (void)round;
    if (clean)
        fclose(file);
}

/* ---- threads ---- */

static void in_a_thread(void *(*work)(void *), bool join)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) == 0 && join)
        pthread_join(thread, NULL);
}

static void *thread_work(void *user)
{
    char *own = LEAK(malloc(333), 333);
    own[0] = 1;
    give(own);
    return user;
}

static void thread_that_exits(int round)
{
    (void)round;
    in_a_thread(thread_work, true);
}

static pthread_key_t key;

static void *work_with_a_key(void *user)
{
    void *own = LEAK(malloc(120), 120);
    pthread_setspecific(key, own);
    return user;
}

static void key_without_destructor(int round)
{
    if (round == 0)
        pthread_key_create(&key, clean ? free : NULL);
    in_a_thread(work_with_a_key, true);
}

static void *thread_result(void *user)
{
    char *result = LEAK(malloc(99), 99);
    result[0] = user != NULL;
    return result;
}

static void result_of_a_thread(int round)
{
    pthread_t thread;
    void *result = NULL;
    (void)round;
    pthread_create(&thread, NULL, thread_result, NULL);
    pthread_join(thread, &result);
    give(result);
}

/* ---- modules ---- */

static void *work_of_a_module(void *module)
{
    const int *line = module ? dlsym(module, "leaking_line") : NULL;
    int (*work)(unsigned) = NULL;
    void *found = line ? dlsym(module, clean ? "work_clean" : "work") : NULL;
    memcpy(&work, &found, sizeof found);
    if (!work || work(90) != 1)
        _exit(98);
    leaves("plugin.c", *line, "plugin_one_inside", 90);
    return module;
}

static void in_a_module(int round)
{
    static void *module;
    if (round == 0)
        module = dlopen(getenv("PLANTED_MODULE"), RTLD_NOW);
    work_of_a_module(module);
}

static void in_a_module_that_is_closed(int round)
{
    (void)round;
    dlclose(work_of_a_module(dlopen(getenv("PLANTED_MODULE"), RTLD_NOW)));
}

static const plant plants[] = {
    {"lost_pointer", lost_pointer},
    {"realloc_loss", realloc_loss},
    {"error_path", error_path},
    {"jumped_over", jumped_over},
    {"member_of_a_freed_struct", member_of_a_freed_struct},
    {"overwritten_member", overwritten_member},
    {"hidden_by_another", hidden_by_another},
    {"deep_recursion", deep_recursion},
    {"among_a_million", among_a_million},
    {"growing_list", growing_list},
    {"cache_without_bound", cache_without_bound},
    {"queue_with_a_slow_consumer", queue_with_a_slow_consumer},
    {"registry_of_callbacks", registry_of_callbacks},
    {"container_of_pointers", container_of_pointers},
    {"cycle", cycle},
    {"lost_subtree", lost_subtree},
    {"array_that_was_enlarged", array_that_was_enlarged},
    {"by_posix_memalign", by_posix_memalign},
    {"by_aligned_alloc", by_aligned_alloc},
    {"by_calloc", by_calloc},
    {"by_strdup", by_strdup},
    {"by_getline", by_getline},
    {"by_asprintf", by_asprintf},
    {"memory_stream", memory_stream},
    {"address_list", address_list},
    {"open_directory", open_directory},
    {"open_file", open_file},
    {"thread_that_exits", thread_that_exits},
    {"key_without_destructor", key_without_destructor},
    {"result_of_a_thread", result_of_a_thread},
    {"in_a_module", in_a_module},
    {"in_a_module_that_is_closed", in_a_module_that_is_closed},
};

int main(int count, char **words)
{
    return run_plants(plants, sizeof plants / sizeof *plants, count, words);
}
