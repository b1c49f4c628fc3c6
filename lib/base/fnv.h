/* FNV-1a, 64 bits (Fowler, Noll and Vo, 1991), for fingerprints that are kept in files: written
 * down, because it must never change. For tables in memory there is base/hash.h. */
#ifndef LWI_BASE_FNV_H
#define LWI_BASE_FNV_H

#include <stdint.h>

#define LWI_FNV_BEGIN UINT64_C(0xcbf29ce484222325)

static inline uint64_t lwi_fnv_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

/* A text, or NULL for an empty one, and a byte that says where it ends. */
static inline uint64_t lwi_fnv_text(uint64_t hash, const char *text, unsigned char end)
{
    for (const char *at = text ? text : ""; *at; at++)
        hash = lwi_fnv_byte(hash, (unsigned char)*at);
    return lwi_fnv_byte(hash, end);
}

#endif
