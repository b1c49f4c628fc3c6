/* Hints for the compiler about paths that are gone all the time, and those that are not. */
#ifndef LWI_BASE_HINT_H
#define LWI_BASE_HINT_H

#if defined(__GNUC__)
#define LWI_LIKELY(x) __builtin_expect(!!(x), 1)
#define LWI_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define LWI_COLD __attribute__((noinline, cold)) /* out of the way of its callers */
#define LWI_APART __attribute__((noinline))      /* so that its callers keep no room for it */
#else
#define LWI_LIKELY(x) (x)
#define LWI_UNLIKELY(x) (x)
#define LWI_COLD
#define LWI_APART
#endif

#endif
