/* The checksum of snapshot files: FNV-1a (Fowler, Noll, Vo) over 64-bit words, in eight lanes, with
 * a rotation after each multiplication as in XXH64 (Collet).
 *
 * Each step maps words and lanes one to one, so that whatever is changed within a single word of
 * 64 bits changes the sum for certain; anything else goes unseen once in 2^64. */
#ifndef LWI_SNAPSHOT_FILE_SUM_H
#define LWI_SNAPSHOT_FILE_SUM_H

#include <stddef.h>
#include <stdint.h>

enum { LWI_CHECKSUM_LANES = 8, LWI_CHECKSUM_STRIPE = 64 };

typedef struct lwi_checksum {
    uint64_t lanes[LWI_CHECKSUM_LANES];
} lwi_checksum;

void lwi_checksum_begin(lwi_checksum *sum);

/* `size` is a multiple of LWI_CHECKSUM_STRIPE. */
void lwi_checksum_add(lwi_checksum *sum, const void *bytes, size_t size);

uint64_t lwi_checksum_end(const lwi_checksum *sum);

#endif
