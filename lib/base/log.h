/* An append-only list of words in chunks: it grows without moving, and goes back chunk by chunk
 * while it is read. */
#ifndef LWI_BASE_LOG_H
#define LWI_BASE_LOG_H

#include "base/mem.h"

typedef struct lwi_log_chunk {
    struct lwi_log_chunk *next;
    uint32_t used;
    uint32_t room;
    uint32_t words[];
} lwi_log_chunk;

typedef struct lwi_log {
    lwi_mem *mem;
    lwi_log_chunk *first, *last;
} lwi_log;

void lwi_log_init(lwi_log *log, lwi_mem *mem);
void lwi_log_free(lwi_log *log);

/* Frees the first chunk; gives the one after it. */
lwi_log_chunk *lwi_log_drop(lwi_log *log);

bool lwi_log_extend(lwi_log *log); /* false: no memory */

/* Room for up to 16 words that lie in one chunk; NULL when memory ran out. */
static inline uint32_t *lwi_log_push(lwi_log *log, uint32_t words)
{
    if ((!log->last || log->last->room - log->last->used < words) && !lwi_log_extend(log))
        return NULL;
    uint32_t *place = log->last->words + log->last->used;
    log->last->used += words;
    return place;
}

/* Whether the next push continues the same chunk. */
static inline bool lwi_log_continues(const lwi_log *log, uint32_t words)
{
    return log->last && log->last->room - log->last->used >= words;
}

static inline void lwi_log_put64(uint32_t *words, uint64_t value)
{
    words[0] = (uint32_t)value;
    words[1] = (uint32_t)(value >> 32);
}

static inline uint64_t lwi_log_get64(const uint32_t *words)
{
    return (uint64_t)words[1] << 32 | words[0];
}

#endif
