/* Dense sets of small numbers: one bit each in an array of words. */
#ifndef LWI_BASE_BITS_H
#define LWI_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Asks for memory that will be needed in a moment: walks in no order wait for little else. */
#if defined(__GNUC__)
#define LWI_PREFETCH(address) __builtin_prefetch(address)
#else
#define LWI_PREFETCH(address) ((void)(address))
#endif

static inline uint64_t lwi_bits_words(uint64_t count)
{
    return count / 64 + 1;
}

static inline bool lwi_bits_get(const uint64_t *bits, uint64_t index)
{
    return bits[index / 64] >> (index % 64) & 1;
}

static inline void lwi_bits_set(uint64_t *bits, uint64_t index)
{
    bits[index / 64] |= UINT64_C(1) << (index % 64);
}

static inline void lwi_bits_clear(uint64_t *bits, uint64_t index)
{
    bits[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

/* How many bits of a word are set; plain C, since the instruction is not in every baseline. */
static inline uint32_t lwi_bits_count(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* The lowest set bit of a word that is not 0. */
static inline uint32_t lwi_bits_lowest(uint64_t word)
{
    return lwi_bits_count(~word & (word - 1));
}

#endif
