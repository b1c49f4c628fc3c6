/* What to do about things of Python's that grow, and its collector. */
#include "advice.h"

#include <stdio.h>
#include <string.h>

/* By what people call it: `.cache` is cache, ['sessions'] is 'sessions'. */
static const char *name_of(const lw_advice_query *query)
{
    return *query->label ? query->label : "it";
}

int lwpy_advise(const lw_advice_query *query, char *text, size_t size, void *user)
{
    (void)user;
    static const struct {
        const char *holder;
        const char *advice; /* %s: the name it is held by */
    } advice[] = {
        {"functools._lru_cache_wrapper",
         "%s keeps a result, and its arguments (self, on a method), for every call that differs: "
         "give it a maxsize it can reach, or call %s.cache_clear()"},
        {"collections.deque", "bound %s: deque(maxlen=...), or take out what is done with"},
        {"collections.defaultdict",
         "looking a key up in %s adds it: use get() to look, or delete what is done with"},
        {"dict", "delete from %s what is done with; if it only looks things up, "
                 "weakref.WeakValueDictionary lets go by itself, and a cache wants a bound"},
        {"list", "take out of %s what is done with, or keep a bounded collections.deque instead"},
        {"set", "discard from %s what is done with, or use a weakref.WeakSet"},
        {"collections.OrderedDict", "a cache wants a bound: %s.popitem(last=False) when it is full"},
    };
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++) {
        if (strcmp(query->holder_type, advice[i].holder) != 0)
            continue;
        const char *name = name_of(query);
        int length = snprintf(text, size, advice[i].advice, name, name);
        return length < 0;
    }
    return 1;
}

int lwpy_collect(void *user)
{
    (void)user;
    PyGC_Collect();
    return 0;
}
