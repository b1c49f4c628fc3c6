/* Paths that read alike are one: a trie whose steps are labels and types, shared by snapshots. */
#ifndef LWI_ANALYZE_GROWTH_TRIE_H
#define LWI_ANALYZE_GROWTH_TRIE_H

#include "base/index.h"
#include "snapshot/snapshot.h"

/* --- words, the same in all snapshots -------------------------------------------------------- */

enum lwi_word_kind { LWI_WORD_TYPE, LWI_WORD_LABEL, LWI_WORD_ROOT, LWI_WORD_ROOT_LABEL };

/* A type's name and runtime, a label's style and text, a root's kind, or a kind with a label. */
typedef struct lwi_word {
    int32_t kind;
    int32_t style;
    const char *text, *runtime;
    size_t length;
    uint32_t root, label; /* of a LWI_WORD_ROOT_LABEL: numbers of other words */
} lwi_word;

typedef struct lwi_names {
    lwi_arena arena;
    lwi_index index;
    lwi_word *words;
    uint64_t count, room;
    lwi_mem *mem;
} lwi_names;

/* Words that no text says: what has no label, and what is one of many. */
enum { LWI_WORD_NONE, LWI_WORD_ANY, LWI_WORD_OUTSIDE, LWI_WORDS_FIXED };

bool lwi_names_open(lwi_names *names, lwi_mem *mem);
void lwi_names_close(lwi_names *names);

/* The number of a word; its text is copied when it is new. False: no memory. */
bool lwi_names_put(lwi_names *names, const lwi_word *word, uint32_t *number);

/* The words of one snapshot of one kind. `order` by what the snapshot numbers: a smaller one comes
 * first by content, equal ones say the same; `word` by order: its number in lwi_names. */
typedef struct lwi_lexicon {
    uint32_t *order, *word;
    uint32_t count;    /* things that were numbered */
    uint32_t distinct;
} lwi_lexicon;

typedef struct lwi_lexicons {
    lwi_lexicon types, labels, roots;
    uint64_t *starts; /* pairs of root kind and label in order of content: kind's << 32 | label's */
    uint32_t *start_words;
    uint32_t start_count, start_room;
} lwi_lexicons;

bool lwi_lexicons_make(lwi_lexicons *lexicons, lwi_names *names, const lw_snapshot *snapshot);
void lwi_lexicons_free(lwi_lexicons *lexicons, lwi_mem *mem);

/* The order of a label of the snapshot: indices and keys are one. */
static inline uint32_t lwi_label_order(const lwi_lexicons *lexicons, uint32_t label)
{
    return label & LW_LABEL_INDEX(0) ? LWI_WORD_ANY : lexicons->labels.order[label];
}

/* --- the trie -------------------------------------------------------------------------------- */

#define LWI_NOWHERE UINT32_MAX
#define LWI_PLACES_MAX (UINT32_C(1) << 31)

/* A step: below node 0 a word of root kind and label, else a label's word * 4 + strength. */
typedef struct lwi_step_key {
    uint32_t parent, label, type;
} lwi_step_key;

typedef struct lwi_place {
    lwi_step_key step; /* how it is reached first */
    uint32_t depth;
    uint32_t set;      /* of the structure it belongs to: the next towards the set's name */
    bool chain;        /* where a pattern begins again */
    uint32_t order;    /* in its level, while a snapshot is walked */
    uint32_t nodes;    /* of the level, that are here */
    uint64_t level;    /* the last level that reached it */
} lwi_place;

typedef struct lwi_link {
    lwi_step_key step;
    uint32_t to;
    uint64_t group; /* the last group of nodes that took it */
} lwi_link;

typedef struct lwi_trie {
    lwi_mem *mem;
    lwi_place *places; /* number 0: the roots together */
    uint64_t count, room;
    lwi_link *links;
    uint64_t link_count, link_room;
    lwi_index index;     /* of links, by step */
    uint64_t *crossings; /* from << 32 | to: edges that tell of structures */
    uint64_t crossing_count, crossing_room;
    lwi_index crossed;
} lwi_trie;

bool lwi_trie_open(lwi_trie *trie, lwi_mem *mem);
void lwi_trie_close(lwi_trie *trie);

/* The link of a step, made if it is new; a step that repeats a pattern leads back to where the
 * pattern began. LWI_NOWHERE: no memory, or too many places (which `limit` then says). */
uint32_t lwi_trie_take(lwi_trie *trie, lwi_step_key step, bool *limit);

/* The same without looking for patterns; -> the place. */
uint32_t lwi_trie_put(lwi_trie *trie, lwi_step_key step);

/* Remembers an edge between two places if it may tell that they are of one structure; false: no
 * memory. */
bool lwi_trie_cross(lwi_trie *trie, uint32_t from, uint32_t to);

/* The name of a place's structure: places of one structure have the same. */
uint32_t lwi_trie_set(lwi_trie *trie, uint32_t place);

/* Joins structures that refer to each other both ways and hang on one holder: a queue of blocks
 * that is reached from both ends. */
void lwi_trie_join(lwi_trie *trie);

#endif
