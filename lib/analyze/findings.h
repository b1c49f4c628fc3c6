/* Findings: what grows, with its evidence from the last snapshot. */
#ifndef LWI_ANALYZE_FINDINGS_H
#define LWI_ANALYZE_FINDINGS_H

#include "analyze/dominate.h"
#include "snapshot/snapshot.h"

#include <leakwatch/find.h>

typedef struct lwi_finding {
    lw_finding info;
    lw_paths *paths;
    lw_cut *cut;
    lw_frame *frames; /* info.frames of them; their text is the snapshot's, or in the arena */
    uint32_t head;    /* of growth: what it was made of */
} lwi_finding;

struct lw_findings {
    lwi_mem mem;
    lwi_arena arena;
    lw_findings_info info;
    lw_snapshot *first, *last;
    lwi_finding *items;
    uint64_t room;
};

/* Takes options, defaults filled in. */
lw_status lwi_find_options_take(lw_find_options *to, const lw_find_options *from,
                                lw_error *error);

lw_findings *lwi_findings_new(lw_snapshot *first, lw_snapshot *last);

/* Fills in what is about all. */
void lwi_findings_sum(lw_findings *findings, uint32_t rounds, const lw_find_options *options);

/* First all candidates: a finding for each head of `growth`, without its evidence. */
lw_status lwi_findings_grow(lw_findings *findings, const lw_growth *growth,
                            const lw_find_options *options, lw_error *error);

/* Then their order: marks what is accepted, and keeps those within the limit. */
void lwi_findings_rank(lw_findings *findings, const lw_find_options *options);

/* Then the evidence of those that are left. */
lw_status lwi_findings_inquire(lw_findings *findings, const lw_growth *growth,
                               const lw_find_options *options, lw_error *error);

/* A further finding, empty, good until the next one; NULL: no memory. */
lwi_finding *lwi_findings_add(lw_findings *findings);

/* Makes room for frames, to be filled in; false: no memory. */
bool lwi_finding_frames(lw_findings *findings, lwi_finding *finding, uint32_t count);

/* What the search for evidence works with: one for all findings of a snapshot. */
typedef struct lwi_evidence {
    lw_findings *findings;
    const lw_snapshot *last;
    lwi_domtree tree;
    lw_node *leaked; /* what the head at hand gained */
    uint64_t leaked_count, leaked_room;
    uint64_t *is_leaked;   /* bits: the same */
    uint64_t *seen;        /* bits: a walk was here; clear between walks */
    uint64_t *type_bytes;  /* what the leaked nodes of a type keep; zero between heads */
    uint64_t *type_count;
} lwi_evidence;

/* Fills in what the leaked nodes say: types, site, entries of the holder. False: no memory. */
bool lwi_evidence_types(lwi_evidence *evidence, lwi_finding *finding);
bool lwi_evidence_site(lwi_evidence *evidence, lwi_finding *finding);
bool lwi_evidence_entries(lwi_evidence *evidence, lwi_finding *finding);

#endif
