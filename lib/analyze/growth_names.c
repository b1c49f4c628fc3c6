/* The words of paths: one number for what reads alike, whichever snapshot says it. */
#include "analyze/growth_trie.h"

#include "base/hash.h"
#include "base/order.h"

#include <string.h>

/* --- one word, one number -------------------------------------------------------------------- */

static int compare_sizes(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_words(const lwi_word *a, const lwi_word *b)
{
    int order = (a->style > b->style) - (a->style < b->style);
    if (order == 0)
        order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    if (order == 0)
        order = compare_sizes(a->length, b->length);
    return order || a->runtime == b->runtime ? order : strcmp(a->runtime, b->runtime);
}

static bool same_word(const void *items, uint32_t id, const void *key)
{
    const lwi_word *a = (const lwi_word *)items + id, *b = key;
    return a->kind == b->kind && a->root == b->root && a->label == b->label &&
           compare_words(a, b) == 0;
}

static uint64_t hash_word(const lwi_word *word)
{
    uint64_t hash = lwi_hash_bytes((uint64_t)word->kind, word->text, word->length);
    hash = lwi_hash_bytes(hash, word->runtime, strlen(word->runtime));
    return lwi_hash_mix(lwi_hash_mix(hash, (uint64_t)word->root << 32 | word->label),
                        (uint64_t)word->style);
}

bool lwi_names_put(lwi_names *names, const lwi_word *word, uint32_t *number)
{
    uint64_t hash = hash_word(word);
    void *words = names->words;
    *number = lwi_index_find(&names->index, hash, same_word, words, word);
    if (*number != LWI_INDEX_NONE)
        return true;
    if (!lwi_grow(names->mem, &words, &names->room, names->count + 1, sizeof *names->words))
        return false;
    names->words = words;
    lwi_word *fresh = &names->words[names->count];
    *fresh = *word;
    fresh->text = lwi_arena_text(&names->arena, word->text, word->length);
    fresh->runtime = lwi_arena_text(&names->arena, word->runtime, strlen(word->runtime));
    *number = (uint32_t)names->count;
    if (!fresh->text || !fresh->runtime || !lwi_index_add(&names->index, hash, *number))
        return false;
    names->count++;
    return true;
}

bool lwi_names_open(lwi_names *names, lwi_mem *mem)
{
    static const lwi_word fixed[LWI_WORDS_FIXED] = {
        {LWI_WORD_LABEL, -2, "", "", 0, 0, 0},
        {LWI_WORD_LABEL, -1, "", "", 0, 0, 0},
        {LWI_WORD_ROOT, 1, "held from outside", "", 17, 0, 0},
    };
    uint32_t number;
    bool ready = true;
    *names = (lwi_names){.mem = mem};
    lwi_arena_init(&names->arena, mem);
    lwi_index_init(&names->index, mem);
    for (int i = 0; ready && i < LWI_WORDS_FIXED; i++)
        ready = lwi_names_put(names, &fixed[i], &number);
    return ready;
}

void lwi_names_close(lwi_names *names)
{
    lwi_index_free(&names->index);
    lwi_free(names->mem, names->words, lwi_array_size(names->room, sizeof *names->words));
    lwi_arena_free(&names->arena);
    *names = (lwi_names){.mem = names->mem};
}

/* --- the words of a snapshot ----------------------------------------------------------------- */

/* Which words are to be put in order. */
typedef struct source {
    const lw_snapshot *snapshot;
    int32_t kind;
} source;

static lwi_word word_of(const source *source, uint32_t id)
{
    const lw_snapshot *snapshot = source->snapshot;
    lwi_word word = {source->kind, 0, "", "", 0, 0, 0};
    if (source->kind == LWI_WORD_LABEL) {
        const lwi_name *name = &snapshot->names[id];
        word.style = name->style;
        word.text = name->text;
        word.length = name->length;
        return word;
    }
    if (source->kind == LWI_WORD_TYPE) {
        word.text = snapshot->types[id].name;
        word.runtime = snapshot->parts[snapshot->types[id].part].name;
    } else {
        word.text = snapshot->root_kinds[id].name;
    }
    word.length = strlen(word.text);
    return word;
}

static int by_word(const void *user, uint32_t a, uint32_t b)
{
    lwi_word x = word_of(user, a), y = word_of(user, b);
    return compare_words(&x, &y);
}

/* Whether a label is said by its text. */
static bool is_said(const lw_snapshot *snapshot, uint32_t label)
{
    return label > 0 && snapshot->names[label].style != LW_LABEL_KEY;
}

/* Numbers in order what is in `ids`; orders below `first` are taken. */
static bool number(lwi_lexicon *lexicon, lwi_names *names, const source *source, uint32_t *ids,
                   uint32_t count, uint32_t first)
{
    lwi_order_ids(ids, ids + lexicon->count, count, by_word, source);
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || by_word(source, ids[i - 1], ids[i]) != 0) {
            lwi_word word = word_of(source, ids[i]);
            if (!lwi_names_put(names, &word, &lexicon->word[first + lexicon->distinct]))
                return false;
            lexicon->distinct++;
        }
        lexicon->order[ids[i]] = first + lexicon->distinct - 1;
    }
    lexicon->distinct += first;
    return true;
}

static bool make_lexicon(lwi_lexicon *lexicon, lwi_names *names, const lw_snapshot *snapshot,
                         int32_t kind, uint32_t count)
{
    bool labels = kind == LWI_WORD_LABEL;
    uint32_t wanted = 0, first = labels ? LWI_WORD_OUTSIDE : 0;
    source source = {snapshot, kind};
    size_t size = lwi_array_size((uint64_t)count * 2 + 2, sizeof(uint32_t));
    lexicon->count = count;
    lexicon->order = lwi_alloc(names->mem, lwi_array_size((uint64_t)count + 1, sizeof(uint32_t)));
    lexicon->word = lwi_alloc(names->mem, lwi_array_size((uint64_t)count + 2, sizeof(uint32_t)));
    uint32_t *ids = lwi_alloc(names->mem, size);
    bool ready = lexicon->order && lexicon->word && ids;
    for (uint32_t i = 0; ready && i < count; i++) {
        if (!labels || is_said(snapshot, i))
            ids[wanted++] = i;
        else
            lexicon->order[i] = i == 0 ? LWI_WORD_NONE : LWI_WORD_ANY;
    }
    if (ready && labels)
        lexicon->word[LWI_WORD_ANY] = LWI_WORD_ANY; /* and that of no label is 0 */
    ready = ready && number(lexicon, names, &source, ids, wanted, first);
    lwi_free(names->mem, ids, size);
    return ready;
}

static void free_lexicon(lwi_lexicon *lexicon, lwi_mem *mem)
{
    lwi_free(mem, lexicon->order, lwi_array_size((uint64_t)lexicon->count + 1, sizeof(uint32_t)));
    lwi_free(mem, lexicon->word, lwi_array_size((uint64_t)lexicon->count + 2, sizeof(uint32_t)));
}

/* --- where paths begin ----------------------------------------------------------------------- */

static bool put_starts(lwi_lexicons *lexicons, lwi_names *names)
{
    for (uint32_t i = 0; i < lexicons->start_count; i++) {
        uint64_t start = lexicons->starts[i];
        lwi_word word = {LWI_WORD_ROOT_LABEL, 0, "", "", 0,
                         lexicons->roots.word[start >> 32],
                         lexicons->labels.word[(uint32_t)start]};
        if (!lwi_names_put(names, &word, &lexicons->start_words[i]))
            return false;
    }
    return true;
}

static bool make_starts(lwi_lexicons *lexicons, lwi_names *names, const lw_snapshot *snapshot)
{
    uint32_t count = snapshot->info.roots, kept = 0;
    size_t size = lwi_array_size((uint64_t)count + 1, sizeof(uint64_t));
    lexicons->start_room = count;
    lexicons->starts = lwi_alloc(names->mem, size);
    lexicons->start_words =
        lwi_alloc(names->mem, lwi_array_size((uint64_t)count + 1, sizeof(uint32_t)));
    uint64_t *scratch = lwi_alloc(names->mem, size), *starts = lexicons->starts;
    bool ready = scratch && starts && lexicons->start_words;
    for (uint32_t i = 0; ready && i < count; i++) {
        const lwi_root *root = &snapshot->roots[i];
        starts[i] = (uint64_t)lexicons->roots.order[root->kind] << 32 |
                    lwi_label_order(lexicons, root->label);
    }
    if (ready) {
        lwi_order_u64(starts, scratch, count);
        for (uint32_t i = 0; i < count; i++) {
            if (i == 0 || starts[i] != starts[kept - 1])
                starts[kept++] = starts[i];
        }
        lexicons->start_count = kept;
        ready = put_starts(lexicons, names);
    }
    lwi_free(names->mem, scratch, size);
    return ready;
}

bool lwi_lexicons_make(lwi_lexicons *lexicons, lwi_names *names, const lw_snapshot *snapshot)
{
    *lexicons = (lwi_lexicons){0};
    return make_lexicon(&lexicons->types, names, snapshot, LWI_WORD_TYPE, snapshot->info.types) &&
           make_lexicon(&lexicons->labels, names, snapshot, LWI_WORD_LABEL,
                        snapshot->name_count) &&
           make_lexicon(&lexicons->roots, names, snapshot, LWI_WORD_ROOT,
                        snapshot->root_kind_count) &&
           make_starts(lexicons, names, snapshot);
}

void lwi_lexicons_free(lwi_lexicons *lexicons, lwi_mem *mem)
{
    uint64_t room = (uint64_t)lexicons->start_room + 1;
    free_lexicon(&lexicons->types, mem);
    free_lexicon(&lexicons->labels, mem);
    free_lexicon(&lexicons->roots, mem);
    lwi_free(mem, lexicons->starts, lwi_array_size(room, sizeof(uint64_t)));
    lwi_free(mem, lexicons->start_words, lwi_array_size(room, sizeof(uint32_t)));
}
