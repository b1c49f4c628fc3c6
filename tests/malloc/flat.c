/* What looks like a leak for a while, and is none: memory that is set up once, is replaced, or goes up
 * and down. The name says after a colon what is to be thought of it. */
#include "planted.h"

static void cache_that_fills(int round)
{
    static char *cache[5];
    int slot = round % 5;
    if (!cache[slot])
        cache[slot] = malloc(100);
}

static void table_that_is_made_late(int round)
{
    static char *table;
    if (round == 3)
        table = malloc(5000);
    seen = table;
}

/* Doubles until it is large enough for all that will ever be in it. */
static void buffer_that_grows(int round)
{
    static char *buffer;
    static size_t room;
    size_t needed = round < 7 ? (size_t)round * 100 : 700;
    if (needed > room) {
        room = needed * 2;
        buffer = realloc(buffer, room);
    }
    seen = buffer;
}

static void cache_of_four(int round)
{
    static char *cache[4];
    free(cache[round % 4]);
    cache[round % 4] = malloc(64);
}

static void last_result(int round)
{
    static char *result;
    free(result);
    result = malloc((size_t)(50 + round % 3));
}

/* The first out again are the oldest. */
static void queue_up_and_down(int round)
{
    static const int waiting_after[] = {2, 5, 3, 7, 1, 4, 2, 6};
    static char *queue[100];
    static int first, end;
    queue[end++] = malloc(40);
    while (end - first < waiting_after[round % 8])
        queue[end++] = malloc(40);
    while (end - first > waiting_after[round % 8])
        free(queue[first++]);
}

/* Here it is the newest. */
static void stack_up_and_down(int round)
{
    static const int held_after[] = {3, 6, 2, 8, 1, 5, 0, 4};
    static char *stack[8];
    static int held;
    while (held < held_after[round % 8])
        stack[held++] = malloc(40);
    while (held > held_after[round % 8])
        free(stack[--held]);
}

static void freelist(int round)
{
    static void *spare[6];
    void *taken[6];
    int wanted = round < 5 ? round + 2 : 2 + round % 4;
    for (int i = 0; i < wanted; i++) {
        taken[i] = spare[i] ? spare[i] : malloc(80);
        spare[i] = NULL;
    }
    for (int i = 0; i < wanted; i++)
        spare[i] = taken[i];
}

static void given_back_one_round_later(int round)
{
    static char *last[3];
    for (int i = 0; i < 3; i++) {
        free(last[i]);
        last[i] = malloc(30 + (size_t)(round + i) % 2);
    }
}

static void *work(void *user)
{
    char *own = malloc(500);
    seen = own;
    free(own);
    return user;
}

static void threads_that_clean_up(int round)
{
    pthread_t threads[4];
    for (int i = 0; i < 1 + round % 4; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 1 + round % 4; i++)
        pthread_join(threads[i], NULL);
}

static const plant plants[] = {
    {"cache_that_fills:warm-up", cache_that_fills},
    {"table_that_is_made_late:warm-up", table_that_is_made_late},
    {"buffer_that_grows:warm-up", buffer_that_grows},
    {"cache_of_four:turns over", cache_of_four},
    {"last_result:turns over", last_result},
    {"queue_up_and_down:turns over", queue_up_and_down},
    {"stack_up_and_down:turns over", stack_up_and_down},
    {"freelist:warm-up", freelist},
    {"given_back_one_round_later:turns over", given_back_one_round_later},
    {"threads_that_clean_up:", threads_that_clean_up},
};

int main(int count, char **words)
{
    return run_plants(plants, sizeof plants / sizeof *plants, count, words);
}
