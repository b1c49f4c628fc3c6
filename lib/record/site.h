/* Sites: interned call stacks. A frame is described once, when its word is first seen; stacks are
 * kept as a prefix tree from the outermost frame in. All of this is cold: an event finds the birth
 * of a stack it has met before in its thread's cache. Everything here runs under the lock. */
#ifndef LWI_RECORD_SITE_H
#define LWI_RECORD_SITE_H

#include "base/mem.h"

#include <leakwatch/record.h>

struct lwi_thread;
struct lwi_text;
struct lwi_frame;
struct lwi_code;
struct lwi_site;

/* One way to describe words; domains that agree on it share their frames. */
typedef struct lwi_source {
    lw_describe_frame_fn describe, name;
    void *user;
    uint32_t id;             /* 0: words are texts "file:line" */
    struct lwi_frame *loose; /* its frames that no code was named for when they were described */
} lwi_source;

/* The first of lw_stack_factors(). */
#define LWI_FIRST_FACTOR UINT64_C(0x4bdde9e74be798ad)

enum { LWI_SOURCES = 256 }; /* that of places, and one for each domain there can be */

typedef struct lwi_node {
    uint32_t parent; /* towards the outermost; 0: none */
    uint32_t frame;
} lwi_node;

typedef struct lwi_sites {
    lwi_source sources[LWI_SOURCES];
    uint32_t source_count;
    struct lwi_text *texts;
    struct lwi_frame *by_word;
    struct lwi_frame **frames; /* by id, 1 is the first */
    uint64_t frame_count, frame_room;
    struct lwi_code *codes;
    struct lwi_code *open_code; /* watched during the current description */
    lwi_node *nodes;            /* by id, 1 is the first */
    uint64_t node_count, node_room;
    uint32_t *node_index; /* open addressing over `nodes` */
    uint64_t node_slots;
    struct lwi_site *by_hash;
    struct lwi_site **sites; /* by id, 1 is the first */
    _Atomic uint64_t site_count;
    uint64_t site_room;
    bool any_retired; /* there may be sites that read the same */
} lwi_sites;

/* Never fails for a new domain. */
const lwi_source *lwi_source_get(lwi_sites *sites, const lw_domain_options *options);
const lwi_source *lwi_source_places(lwi_sites *sites);

/* The site of a stack, new or known; 0 without memory. May call describe_frame. */
lw_site lwi_site_intern(lw_context *context, struct lwi_thread *thread, const lwi_source *source,
                        const lw_stack *stack, uint64_t hash);

/* Fills up to `room` frames, the innermost first; returns how many there are, LW_STACK_MAX at
 * most. A frame that is read for the first time is named. `truncated`: there were more calls. */
uint32_t lwi_site_read(lw_context *context, struct lwi_thread *thread, lw_site site,
                       lw_frame *frames, uint32_t room, bool *truncated);

/* Remembers that the words in [first, first + size) live with a block. */
bool lwi_code_note(lw_context *context, const lwi_source *source, uint64_t first, uint64_t size);

/* Forgets what the words of a source in [first, last] mean; true if there were any. */
bool lwi_code_forget(lw_context *context, uint32_t source, uint64_t first, uint64_t last);

/* The same for the code noted at `first`: the words inside it, and those it was named for. */
bool lwi_code_ended(lw_context *context, uint64_t first);

void lwi_sites_done(lw_context *context);

#endif
