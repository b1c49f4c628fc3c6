/* malloc, touch, free; and churn: a live set of which a random block is exchanged at a time, from
 * 256 call paths of a given depth. Prints the peak of the memory in KiB, and then nanoseconds of
 * CPU time per pair, of all threads.
 * Usage: malloc_hot hot|churn THREADS PAIRS [DEPTH [LIVE [LARGEST]]] */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t doublings; /* sizes are from 16 B to 16 B doubled so often */

typedef struct job {
    uint64_t seed;
    long pairs;
    int depth;
    void **live; /* churn: this thread's part */
    uint32_t count;
} job;

static uint64_t next(job *job)
{
    job->seed ^= job->seed << 13;
    job->seed ^= job->seed >> 7;
    job->seed ^= job->seed << 17;
    return job->seed;
}

/* 16 B to the largest, as many of each doubling. */
static size_t size_of(uint64_t random)
{
    size_t base = (size_t)16 << (random & 255) % doublings;
    return base + (random >> 8) % base;
}

static __attribute__((noinline)) void *leaf(size_t size)
{
    volatile char *block = malloc(size);
    block[0] = 1;
    return (void *)(uintptr_t)block;
}

static void *path_a(uint64_t path, int depth, size_t size);
static void *path_b(uint64_t path, int depth, size_t size);

#define PATH(name)                                                                                 \
    static __attribute__((noinline)) void *name(uint64_t path, int depth, size_t size)             \
    {                                                                                              \
        void *block = depth <= 0   ? leaf(size)                                                    \
                      : (path & 1) ? path_a(path >> 1, depth - 1, size)                            \
                                   : path_b(path >> 1, depth - 1, size);                           \
        __asm__ volatile("" ::: "memory");                                                         \
        return block;                                                                              \
    }
PATH(path_a)
PATH(path_b)

static __attribute__((noinline)) void hot_loop(job *job)
{
    for (long i = 0; i < job->pairs; i++) {
        volatile char *block = malloc(64);
        block[0] = 1;
        free((void *)(uintptr_t)block);
    }
}

static __attribute__((noinline)) void hot(job *job, int depth)
{
    if (depth <= 0)
        hot_loop(job);
    else
        hot(job, depth - 1);
    __asm__ volatile("" ::: "memory");
}

static void churn(job *job)
{
    for (long i = 0; i < job->pairs; i++) {
        uint64_t random = next(job);
        uint32_t place = (uint32_t)((random >> 32) % job->count);
        free(job->live[place]);
        job->live[place] = path_a(random & 255, job->depth, size_of(random >> 8));
    }
}

static void fill(job *job)
{
    for (uint32_t i = 0; i < job->count; i++) {
        uint64_t random = next(job);
        job->live[i] = path_a(random & 255, job->depth, size_of(random >> 8));
    }
}

static int is_churn;

static void *work(void *user)
{
    job *job = user;
    if (is_churn && job->pairs == 0)
        fill(job);
    else if (is_churn)
        churn(job);
    else
        hot(job, job->depth);
    return NULL;
}

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double run(job *jobs, int threads, long pairs)
{
    pthread_t thread[64];
    double start = cpu_ns();
    for (int i = 0; i < threads; i++) {
        jobs[i].pairs = pairs;
        if (pthread_create(&thread[i], NULL, work, &jobs[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    return (cpu_ns() - start) / (double)(pairs ? pairs : 1) / threads;
}

static long peak_kib(void)
{
    char text[128];
    long peak = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(text, sizeof text, file)) {
        if (strncmp(text, "VmHWM:", 6) == 0)
            peak = atol(text + 6);
    }
    if (file)
        fclose(file);
    return peak;
}

int main(int count, char **words)
{
    static job jobs[64];
    int threads = count > 2 ? atoi(words[2]) : 1, depth = count > 4 ? atoi(words[4]) : 20;
    long pairs = count > 3 ? atol(words[3]) : 1000000, live = count > 5 ? atol(words[5]) : 1 << 20;
    if (count < 2 || threads < 1 || threads > 64 || pairs < 1 || live < threads)
        return 2;
    doublings = 0;
    for (long size = count > 6 ? atol(words[6]) : 4096; size >= 32; size /= 2)
        doublings++;
    if (doublings == 0)
        return 2;
    is_churn = strcmp(words[1], "churn") == 0;
    void **blocks = calloc((size_t)live, sizeof *blocks);
    if (!blocks)
        return 1;
    for (int i = 0; i < threads; i++) {
        uint32_t part = (uint32_t)(live / threads);
        jobs[i] = (job){(uint64_t)i * 77 + 88172645463325252u, 0, depth,
                        blocks + (size_t)part * (size_t)i, part};
    }
    if (is_churn) {
        run(jobs, threads, 0);
        run(jobs, threads, pairs);
    }
    double taken = run(jobs, threads, pairs);
    printf("peak %ld KiB\n%.1f\n", peak_kib(), taken);
    return 0;
}
