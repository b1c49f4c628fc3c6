#include "heap_walk.h"

/* Layouts of types in C whose structs are in no header. They are the same in CPython 3.11 to
 * 3.13; a type is only read if its name and its size fit. */

typedef struct lru_entry {
    PyObject_HEAD
    struct lru_entry *previous, *next;
    Py_hash_t hash;
    PyObject *key, *result;
} lru_entry;

typedef struct lru_cache {
    lru_entry root; /* the ends of the list; not an object */
    void *call;
    int typed;
    PyObject *cache;
    Py_ssize_t hits;
    PyObject *func;
    Py_ssize_t maxsize, misses;
    PyObject *keyword_mark;
    PyTypeObject *entry_type;
    PyObject *info_type, *dict, *weak_references;
} lru_cache;

enum { DEQUE_BLOCK = 64 };

typedef struct deque_block {
    struct deque_block *left;
    PyObject *items[DEQUE_BLOCK];
    struct deque_block *right;
} deque_block;

typedef struct deque {
    PyObject_VAR_HEAD
    deque_block *left, *right;
    Py_ssize_t left_index, right_index;
    size_t state;
    Py_ssize_t maxlen, free_count;
    deque_block *free[16];
    PyObject *weak_references;
} deque;

typedef struct ordered {
    PyDictObject dict;
    void *first, *last, *fast_nodes;
    Py_ssize_t fast_size;
} ordered;

typedef struct range {
    PyObject_HEAD
    PyObject *start, *stop, *step, *length;
} range;

typedef struct long_range_iterator {
    PyObject_HEAD
    PyObject *start, *step, *length;
} long_range_iterator;

typedef struct date_time {
    PyObject_HEAD
    Py_hash_t hash;
    char has_tzinfo;
    unsigned char data[10], fold;
    PyObject *tzinfo; /* only if has_tzinfo */
} date_time;

typedef struct day_time {
    PyObject_HEAD
    Py_hash_t hash;
    char has_tzinfo;
    unsigned char data[6], fold;
    PyObject *tzinfo; /* only if has_tzinfo */
} day_time;

typedef struct time_zone {
    PyObject_HEAD
    PyObject *offset, *name;
} time_zone;

typedef struct bytes_io {
    PyObject_HEAD
    PyObject *buffer;
} bytes_io;

typedef struct hamt_bitmap_node {
    PyObject_VAR_HEAD
    uint32_t bitmap;
    PyObject *pairs[1];
} hamt_bitmap_node;

/* The public part of numpy's C interface; the same in numpy 1 and 2. */
typedef struct array_type {
    PyObject_HEAD
    PyTypeObject *element_type;
    char kind;
} array_type;

typedef struct array {
    PyObject_HEAD
    char *data;
    int dimension_count;
    intptr_t *dimensions, *strides;
    PyObject *base;
    array_type *type;
    int flags;
} array;

enum { ARRAY_OWNS_DATA = 4 };

static bool is_named(const PyTypeObject *type, const char *name, size_t size)
{
    return (size_t)type->tp_basicsize == size && !strcmp(type->tp_name, name);
}

bool lwpy_library_shape(lwpy_type *type, PyTypeObject *native)
{
    if (is_named(native, "functools._lru_cache_wrapper", sizeof(lru_cache)))
        type->shape = LWPY_SHAPE_LRU_CACHE;
    else if (is_named(native, "functools._lru_list_elem", sizeof(lru_entry)))
        type->shape = LWPY_SHAPE_LRU_ENTRY;
    else if (is_named(native, "collections.deque", sizeof(deque)))
        type->shape = LWPY_SHAPE_DEQUE;
    else
        return false;
    return true;
}

uint8_t lwpy_library_find(const PyTypeObject *native)
{
    if (native == &PyRange_Type)
        return LWPY_LIBRARY_RANGE;
    if (native == &PyLongRangeIter_Type)
        return LWPY_LIBRARY_LONG_RANGE;
    if (is_named(native, "datetime.datetime", sizeof(date_time)))
        return LWPY_LIBRARY_DATETIME;
    if (is_named(native, "datetime.time", sizeof(day_time)))
        return LWPY_LIBRARY_TIME;
    if (is_named(native, "datetime.timezone", sizeof(time_zone)))
        return LWPY_LIBRARY_TIMEZONE;
    if (!strcmp(native->tp_name, "_io.BytesIO"))
        return LWPY_LIBRARY_BYTESIO;
    if (!strcmp(native->tp_name, "hamt_bitmap_node"))
        return LWPY_LIBRARY_HAMT_NODE;
    if (!strcmp(native->tp_name, "numpy.ndarray") && (size_t)native->tp_basicsize >= sizeof(array))
        return LWPY_LIBRARY_ARRAY;
    return LWPY_LIBRARY_NONE;
}

static void owned_word(lwpy_walk *walk, PyObject *to, enum lwpy_word word)
{
    lwpy_owned(walk, to, walk->words[word]);
}

/* Values of context variables, under their names. */
static void claim_context(lwpy_walk *walk, PyObject *object)
{
    const hamt_bitmap_node *node = (const hamt_bitmap_node *)object;
    for (Py_ssize_t i = 0; i + 1 < Py_SIZE(object) && !walk->failed; i += 2) {
        PyObject *variable = node->pairs[i], *value = node->pairs[i + 1];
        if (!variable || !Py_IS_TYPE(variable, &PyContextVar_Type))
            continue;
        PyObject *name = *(PyObject **)(variable + 1); /* the first field */
        lwpy_claim(walk, variable, walk->words[LWPY_WORD_VARIABLE]);
        lwpy_claim(walk, value, lwpy_label_name(walk, LW_LABEL_VARIABLE, name));
    }
}

static size_t array_bytes(const array *array)
{
    size_t bytes = 0;
    for (int i = 0; i < array->dimension_count; i++) {
        intptr_t stride = array->strides[i] < 0 ? -array->strides[i] : array->strides[i];
        size_t span = (size_t)array->dimensions[i] * (size_t)stride;
        if (!array->dimensions[i])
            return 0;
        bytes = span > bytes ? span : bytes;
    }
    return bytes;
}

/* Arrays of objects that own their data lie packed in it. */
static void edges_array(lwpy_walk *walk, const array *array)
{
    owned_word(walk, array->base, LWPY_WORD_ARRAY_BASE);
    owned_word(walk, (PyObject *)array->type, LWPY_WORD_DTYPE);
    if (!(array->flags & ARRAY_OWNS_DATA) || !array->type || array->type->kind != 'O')
        return;
    size_t count = array_bytes(array) / sizeof(PyObject *);
    PyObject *const *items = (PyObject *const *)(void *)array->data;
    for (size_t i = 0; i < count && !walk->failed; i++)
        lwpy_walk_edge(walk, items[i], LW_EDGE_STRONG, LW_LABEL_INDEX(i));
}

size_t lwpy_library_array_size(PyObject *object)
{
    const array *numbers = (const array *)object;
    size_t shape = 2 * sizeof(intptr_t) * (size_t)numbers->dimension_count;
    return shape + (numbers->flags & ARRAY_OWNS_DATA ? array_bytes(numbers) : 0);
}

static void edges_range(lwpy_walk *walk, const range *range)
{
    owned_word(walk, range->start, LWPY_WORD_START);
    owned_word(walk, range->stop, LWPY_WORD_STOP);
    owned_word(walk, range->step, LWPY_WORD_STEP);
    owned_word(walk, range->length, LWPY_WORD_LENGTH);
}

void lwpy_library_edges(lwpy_walk *walk, PyObject *object, const lwpy_type *type)
{
    switch (type->library) {
    case LWPY_LIBRARY_RANGE:
        edges_range(walk, (const range *)object);
        break;
    case LWPY_LIBRARY_LONG_RANGE:
        owned_word(walk, ((long_range_iterator *)object)->start, LWPY_WORD_START);
        owned_word(walk, ((long_range_iterator *)object)->step, LWPY_WORD_STEP);
        owned_word(walk, ((long_range_iterator *)object)->length, LWPY_WORD_LENGTH);
        break;
    case LWPY_LIBRARY_DATETIME:
        if (((date_time *)object)->has_tzinfo)
            owned_word(walk, ((date_time *)object)->tzinfo, LWPY_WORD_TZINFO);
        break;
    case LWPY_LIBRARY_TIME:
        if (((day_time *)object)->has_tzinfo)
            owned_word(walk, ((day_time *)object)->tzinfo, LWPY_WORD_TZINFO);
        break;
    case LWPY_LIBRARY_TIMEZONE:
        owned_word(walk, ((time_zone *)object)->offset, LWPY_WORD_OFFSET);
        owned_word(walk, ((time_zone *)object)->name, LWPY_WORD_NAME);
        break;
    case LWPY_LIBRARY_BYTESIO:
        owned_word(walk, ((bytes_io *)object)->buffer, LWPY_WORD_BUFFER);
        break;
    case LWPY_LIBRARY_HAMT_NODE:
        claim_context(walk, object);
        break;
    case LWPY_LIBRARY_ARRAY:
        edges_array(walk, (const array *)object);
        break;
    default:
        break;
    }
}

/* What the entry of a bounded cache holds, shown as the cache's own. */
static void edges_entry_of_cache(lwpy_walk *walk, PyObject *object, lw_key cache, PyObject *key)
{
    const lru_entry *entry = (const lru_entry *)object;
    bool new_entry = lwpy_walk_take(walk, object);
    lwpy_walk_edge(walk, object, LW_EDGE_STRONG, lwpy_label_key(walk, key));
    lwpy_walk_strong(walk, key, LWPY_WORD_KEY);
    if (!new_entry)
        return;
    lw_key dict = walk->from;
    walk->from = lw_key_of(object);
    lwpy_walk_strong(walk, (PyObject *)Py_TYPE(object), LWPY_WORD_TYPE);
    lwpy_walk_edge(walk, entry->key, LW_EDGE_BORROWED, walk->words[LWPY_WORD_KEY]);
    lwpy_walk_edge(walk, entry->result, LW_EDGE_BORROWED, walk->words[LWPY_WORD_RESULT]);
    walk->from = cache;
    lwpy_walk_edge(walk, entry->result, LW_EDGE_STRONG, lwpy_label_key(walk, key));
    lwpy_walk_edge(walk, entry->key, LW_EDGE_STRONG, lwpy_label_key_of(walk, key));
    walk->from = dict;
}

/* A cache without bound keeps results in the dict itself. */
static void edges_result_of_cache(lwpy_walk *walk, PyObject *result, lw_key cache, PyObject *key)
{
    lw_key dict = walk->from;
    lwpy_walk_edge(walk, result, LW_EDGE_BORROWED, lwpy_label_key(walk, key));
    lwpy_walk_edge(walk, key, LW_EDGE_BORROWED, walk->words[LWPY_WORD_KEY]);
    walk->from = cache;
    lwpy_walk_edge(walk, result, LW_EDGE_STRONG, lwpy_label_key(walk, key));
    lwpy_walk_edge(walk, key, LW_EDGE_STRONG, lwpy_label_key_of(walk, key));
    walk->from = dict;
}

static void edges_cache_entries(lwpy_walk *walk, const lru_cache *cache)
{
    lw_key from = walk->from;
    PyObject *key, *value;
    Py_ssize_t at = 0;
    walk->from = lw_key_of(cache->cache);
    while (!walk->failed && PyDict_Next(cache->cache, &at, &key, &value)) {
        if (Py_IS_TYPE(value, cache->entry_type))
            edges_entry_of_cache(walk, value, from, key);
        else
            edges_result_of_cache(walk, value, from, key);
    }
    walk->from = from;
}

void lwpy_edges_lru_cache(lwpy_walk *walk, PyObject *object)
{
    const lru_cache *cache = (const lru_cache *)object;
    lwpy_walk_strong(walk, cache->func, LWPY_WORD_WRAPPED);
    lwpy_walk_strong(walk, cache->keyword_mark, LWPY_WORD_KEYWORD_MARK);
    lwpy_walk_strong(walk, (PyObject *)cache->entry_type, LWPY_WORD_ENTRY_TYPE);
    lwpy_walk_strong(walk, cache->info_type, LWPY_WORD_INFO_TYPE);
    if (!cache->cache)
        return;
    bool alone = PyDict_CheckExact(cache->cache) && Py_REFCNT(cache->cache) == 1 &&
                 lwpy_walk_take(walk, cache->cache);
    lwpy_walk_strong(walk, cache->cache, LWPY_WORD_CACHE);
    if (alone)
        edges_cache_entries(walk, cache);
    /* The list by age holds each entry once more. */
    for (const lru_entry *entry = cache->root.next; entry && entry != &cache->root && !walk->failed;
         entry = entry->next)
        lwpy_walk_strong(walk, (PyObject *)(uintptr_t)entry, LWPY_WORD_CACHED);
}

void lwpy_edges_lru_entry(lwpy_walk *walk, PyObject *object)
{
    const lru_entry *entry = (const lru_entry *)object;
    lwpy_walk_strong(walk, entry->key, LWPY_WORD_KEY);
    lwpy_walk_strong(walk, entry->result, LWPY_WORD_RESULT);
}

void lwpy_edges_deque(lwpy_walk *walk, PyObject *object)
{
    const deque *items = (const deque *)object;
    const deque_block *block = items->left;
    Py_ssize_t at = items->left_index;
    for (Py_ssize_t i = 0; block && i < Py_SIZE(object) && !walk->failed; i++) {
        lwpy_walk_edge(walk, block->items[at], LW_EDGE_STRONG, LW_LABEL_INDEX(i));
        if (++at == DEQUE_BLOCK) {
            block = block->right;
            at = 0;
        }
    }
}

size_t lwpy_library_deque_size(PyObject *object)
{
    const deque *items = (const deque *)object;
    size_t blocks = (size_t)(items->left_index + Py_SIZE(object) + DEQUE_BLOCK - 1) / DEQUE_BLOCK;
    return (size_t)Py_TYPE(object)->tp_basicsize + blocks * sizeof(deque_block);
}

size_t lwpy_library_ordered_size(PyObject *object)
{
    const ordered *dict = (const ordered *)object;
    size_t node = 3 * sizeof(void *) + sizeof(Py_hash_t);
    size_t size = (size_t)_PyDict_SizeOf((PyDictObject *)object);
    size += sizeof(void *) * (size_t)dict->fast_size;
    return dict->first ? size + node * (size_t)((PyDictObject *)object)->ma_used : size;
}
