#include "base/log.h"

enum {
    FIRST_CHUNK = 512,
    LAST_CHUNK = 4 * 1024 * 1024 /* bytes */
};

void lwi_log_init(lwi_log *log, lwi_mem *mem)
{
    log->mem = mem;
    log->first = log->last = NULL;
}

static size_t chunk_size(uint32_t room)
{
    return sizeof(lwi_log_chunk) + (size_t)room * sizeof(uint32_t);
}

bool lwi_log_extend(lwi_log *log)
{
    size_t size = log->last ? chunk_size(log->last->room) * 2 : FIRST_CHUNK;
    if (size > LAST_CHUNK)
        size = LAST_CHUNK;
    lwi_log_chunk *chunk = lwi_resize(log->mem, NULL, 0, size);
    if (!chunk)
        return false;
    chunk->next = NULL;
    chunk->used = 0;
    chunk->room = (uint32_t)((size - sizeof *chunk) / sizeof(uint32_t));
    if (log->last)
        log->last->next = chunk;
    else
        log->first = chunk;
    log->last = chunk;
    return true;
}

lwi_log_chunk *lwi_log_drop(lwi_log *log)
{
    lwi_log_chunk *chunk = log->first;
    if (!chunk)
        return NULL;
    log->first = chunk->next;
    if (!log->first)
        log->last = NULL;
    lwi_free(log->mem, chunk, chunk_size(chunk->room));
    return log->first;
}

void lwi_log_free(lwi_log *log)
{
    while (log->first)
        lwi_log_drop(log);
}
