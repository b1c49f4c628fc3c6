/* What the library for the calls of other allocators (extended.c) has of the adapter. */
#ifndef LWM_OUTER_H
#define LWM_OUTER_H

#include <leakwatch.h>

#include <stdbool.h>
#include <stddef.h>

#define LWM_OUTER __attribute__((visibility("default")))

/* Around a call of the next allocator, which may be made of functions that the adapter hears of. */
LWM_OUTER void lwm_outer_enter(void);
LWM_OUTER void lwm_outer_leave(void);

/* The events; `frame` as for lwm_on_alloc(). A move is begun only if the answer is true. */
LWM_OUTER void lwm_outer_alloc(const void *block, size_t size, const void *frame);
LWM_OUTER void lwm_outer_free(const void *block);
LWM_OUTER bool lwm_outer_move_begin(lw_move *move, const void *block);
LWM_OUTER void lwm_outer_move_end(lw_move *move, const void *block, size_t size,
                                  const void *frame);

#endif
