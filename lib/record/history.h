/* The rounds of a region as a table of survivors sees them, while it is made. */
#ifndef LWI_RECORD_HISTORY_H
#define LWI_RECORD_HISTORY_H

#include "record/context.h"
#include "record/survivors.h"

typedef struct lwi_history {
    uint64_t rounds; /* that have ended */
    lwi_shed *shed;
    uint64_t shed_room;
    lwi_shedding shedding;
    lwi_amount freed; /* left at the ends of all rounds, and freed since */
} lwi_history;

/* Under the lock. False without memory; lwi_history_done() is due in any case. */
bool lwi_history_make(lwi_history *history, lw_region *region);
void lwi_history_done(lwi_history *history, lw_context *context);

/* Of a region's rounds, the one in which a block of this birth counts; NULL: born outside. */
const lwi_round *lwi_history_round(const lw_region *region, const lwi_birth *birth);

/* Notes in the table what each round left of each row, whose rows are in the order of their sites.
 * `births` holds what lives, by birth. Under the lock; false without memory. */
bool lwi_history_left(lw_survivors *survivors, const lw_region *region, const lwi_amount *births,
                      uint32_t count);

#endif
