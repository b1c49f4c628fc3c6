/* An allocator that counts, checks what it is told, and fails when asked to. Thread-safe. */
#ifndef TESTS_SUPPORT_COUNTING_H
#define TESTS_SUPPORT_COUNTING_H

#include <leakwatch/context.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct counting {
    _Atomic long long calls;   /* that asked for memory */
    _Atomic long long fail_at; /* the call that fails, counted from 1; below: none */
    _Atomic int persistent;    /* 1: and all after it */
    _Atomic long long failed;  /* calls that did */
    _Atomic long long bytes;   /* handed out now */
    _Atomic long long peak;
    _Atomic long long wrong;   /* sizes or addresses that are not what was handed out */
} counting;

enum { COUNTING_HEAD = 16, COUNTING_MARK = 0x6c77 };

static inline int counting_fails(counting *memory)
{
    long long call = ++memory->calls;
    long long at = memory->fail_at;
    if (at < 1 || (memory->persistent ? call < at : call != at))
        return 0;
    ++memory->failed;
    return 1;
}

static inline void *counting_realloc(void *block, size_t old_size, size_t new_size, void *user)
{
    counting *memory = user;
    size_t *head = block ? (size_t *)(void *)((char *)block - COUNTING_HEAD) : NULL;
    if (head ? head[0] != old_size || head[1] != COUNTING_MARK : old_size != 0)
        ++memory->wrong;
    if (new_size == 0) {
        memory->bytes -= (long long)old_size;
        if (head)
            head[1] = 0;
        free(head);
        return NULL;
    }
    if (counting_fails(memory))
        return NULL;
    size_t *fresh = malloc(new_size + COUNTING_HEAD); /* never in place: a stale pointer shows */
    if (!fresh)
        return NULL;
    memset((char *)fresh + COUNTING_HEAD, 0xA5, new_size);
    if (head) {
        memcpy((char *)fresh + COUNTING_HEAD, block, old_size < new_size ? old_size : new_size);
        head[1] = 0;
        free(head);
    }
    fresh[0] = new_size;
    fresh[1] = COUNTING_MARK;
    memory->bytes += (long long)new_size - (long long)old_size;
    if (memory->bytes > memory->peak)
        memory->peak = memory->bytes;
    return (char *)fresh + COUNTING_HEAD;
}

static inline lw_context_options counting_options(counting *memory)
{
    lw_context_options options = LW_CONTEXT_OPTIONS_INIT;
    options.allocator.realloc = counting_realloc;
    options.allocator.user = memory;
    return options;
}

#endif
