/* A tree of holders, and what it is grown with. */
#ifndef LWI_ANALYZE_REFERRERS_H
#define LWI_ANALYZE_REFERRERS_H

#include "base/index.h"
#include "snapshot/holders.h"

#include <leakwatch/referrers.h>

struct lw_referrers {
    lwi_mem mem;
    lw_snapshot *snapshot;
    lw_referrer *rows;
    uint64_t count, room;
    lw_referrers_info info;
};

/* Holders that are alike, before they are a row. */
typedef struct lwi_group {
    uint32_t type, label; /* the label: the first by content */
    int32_t kind;
    bool alike;           /* labels differ within their style */
    lw_node last;         /* the holder that was counted last */
    uint64_t holders, held, references, rooted, cyclic;
    uint32_t root;        /* the best so far; or one of LWI_ROOT_... */
    lw_node example;
} lwi_group;

#define LWI_ROOT_NONE UINT32_MAX
#define LWI_ROOT_OUTSIDE (UINT32_MAX - 1)

/* That a holder, or a held node, belongs to a group. */
typedef struct lwi_member {
    uint32_t group;
    lw_node node;
} lwi_member;

/* The groups that hold one set of nodes. */
typedef struct lwi_gather {
    lw_snapshot *snapshot;
    lwi_mem *mem;
    const lwi_holders *holders;
    const uint64_t *path;   /* bits: above already, the set itself among them */
    uint64_t *in_set;       /* bits: the set */
    uint64_t *seen;         /* bits: holders that were looked at; all 0 between two sets */
    lw_node *found;         /* these holders */
    uint64_t found_count, found_room;
    lwi_index index;        /* of groups */
    lwi_group *groups;
    uint64_t group_count, group_room;
    lwi_member *members;    /* holders by group */
    uint64_t member_count, member_room;
    lwi_member *held;       /* held nodes by group, with repeats */
    uint64_t held_count, held_room;
} lwi_gather;

/* Fills `groups` and `members` with who holds the set; members stand in order of group and node,
 * without what is above already. False: no memory. */
bool lwi_gather_holders(lwi_gather *gather, const lw_node *set, uint64_t count);
void lwi_gather_free(lwi_gather *gather);

/* The better of a root that was found so far and those of a node. */
uint32_t lwi_better_root(const lw_snapshot *snapshot, uint32_t best, lw_node node);
bool lwi_is_rooted(const lw_snapshot *snapshot, lw_node node);

#endif
