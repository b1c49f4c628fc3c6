#include "snapshot/file_sum.h"

#include "snapshot/file.h"

#define PRIME UINT64_C(0x9e3779b185ebca87) /* the first of XXH64 */

enum { TURN = 29 };

static uint64_t step(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * PRIME;
    return lane << TURN | lane >> (64 - TURN);
}

void lwi_checksum_begin(lwi_checksum *sum)
{
    for (unsigned i = 0; i < LWI_CHECKSUM_LANES; i++)
        sum->lanes[i] = (i + 1) * PRIME;
}

void lwi_checksum_add(lwi_checksum *sum, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    lwi_checksum now = *sum; /* in registers */
    for (size_t i = 0; i < size; i += LWI_CHECKSUM_STRIPE, at += LWI_CHECKSUM_STRIPE) {
        now.lanes[0] = step(now.lanes[0], lwi_load64(at));
        now.lanes[1] = step(now.lanes[1], lwi_load64(at + 8));
        now.lanes[2] = step(now.lanes[2], lwi_load64(at + 16));
        now.lanes[3] = step(now.lanes[3], lwi_load64(at + 24));
        now.lanes[4] = step(now.lanes[4], lwi_load64(at + 32));
        now.lanes[5] = step(now.lanes[5], lwi_load64(at + 40));
        now.lanes[6] = step(now.lanes[6], lwi_load64(at + 48));
        now.lanes[7] = step(now.lanes[7], lwi_load64(at + 56));
    }
    *sum = now;
}

uint64_t lwi_checksum_end(const lwi_checksum *sum)
{
    uint64_t all = PRIME;
    for (unsigned i = 0; i < LWI_CHECKSUM_LANES; i++)
        all = step(all, sum->lanes[i]);
    all ^= all >> 32; /* the high bits have seen more than the low ones */
    return all;
}
