/* Checks for tests with a plain main(): all are made, the first failures are told. */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H

#include <stdatomic.h>
#include <stdio.h>

static _Atomic int check_failures;

/* Counts a failure and tells where; returns whether the condition held. */
static inline int check_that(int holds, const char *file, int line, const char *what)
{
    if (!holds && atomic_fetch_add(&check_failures, 1) < 20)
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
    return holds;
}

static inline int check_equal(long long got, long long want, const char *file, int line,
                              const char *what)
{
    if (got != want && atomic_fetch_add(&check_failures, 1) < 20)
        fprintf(stderr, "%s:%d: %s is %lld, should be %lld\n", file, line, what, got, want);
    return got == want;
}

#define CHECK(condition) check_that((condition) != 0, __FILE__, __LINE__, #condition)
#define CHECK_EQ(got, want)                                                                        \
    check_equal((long long)(got), (long long)(want), __FILE__, __LINE__, #got)

/* What main() returns. */
static inline int check_result(void)
{
    if (check_failures)
        fprintf(stderr, "%d checks failed\n", (int)check_failures);
    return check_failures != 0;
}

#endif
