/* Hashes for tables in memory; never stored, never an order. */
#ifndef LWI_BASE_HASH_H
#define LWI_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t lwi_hash_u64(uint64_t word)
{
    word ^= word >> 32;
    word *= UINT64_C(0xd6e8feb86659fd93);
    word ^= word >> 32;
    word *= UINT64_C(0xd6e8feb86659fd93);
    return word ^ word >> 32;
}

static inline uint64_t lwi_hash_mix(uint64_t hash, uint64_t word)
{
    return lwi_hash_u64(hash * UINT64_C(0x9e3779b97f4a7c15) + word);
}

static inline uint64_t lwi_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t word;
    hash = lwi_hash_mix(hash, length);
    for (; length >= sizeof word; at += sizeof word, length -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = lwi_hash_mix(hash, word);
    }
    if (length == 0)
        return hash;
    word = 0;
    memcpy(&word, at, length);
    return lwi_hash_mix(hash, word);
}

/* NULL is as good as "". */
static inline uint64_t lwi_hash_text(uint64_t hash, const char *text)
{
    return lwi_hash_bytes(hash, text ? text : "", text ? strlen(text) : 0);
}

#endif
