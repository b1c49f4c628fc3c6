/* The parts of the heap walk, for each other. Every file of them includes heap_host.h first. */
#ifndef LWPY_HEAP_WALK_H
#define LWPY_HEAP_WALK_H

#include "heap_host.h"

#include "heap.h"

#include <leakwatch/runtime.h>
#include <string.h>

/* Memory of the sink's, zeroed, since a forked child must not use malloc(). */
static inline void *lwpy_zeros(lw_sink *sink, size_t size)
{
    void *block = lw_sink_memory(sink, NULL, 0, size);
    return block ? memset(block, 0, size) : NULL;
}

static inline void lwpy_give_back(lw_sink *sink, void *block, size_t size)
{
    if (block)
        lw_sink_memory(sink, block, size, 0);
}

/* ---- a set of addresses (heap_marks.c) ---- */

typedef struct lwpy_marks {
    lw_sink *sink; /* gives the memory */
    struct lwpy_marks_chunk **table; /* open addressing, by the address' upper bits */
    size_t capacity, count;
    struct lwpy_marks_chunk *last; /* neighbours come together */
} lwpy_marks;

/* 1: it was not there; 0: it was; -1: out of memory. */
int lwpy_marks_add(lwpy_marks *marks, const void *address);
bool lwpy_marks_has(lwpy_marks *marks, const void *address);
void lwpy_marks_free(lwpy_marks *marks);

/* ---- growing lists of objects (heap_marks.c) ---- */

typedef struct lwpy_list {
    lw_sink *sink; /* gives the memory */
    PyObject **items;
    size_t count, capacity;
} lwpy_list;

/* False: out of memory. */
bool lwpy_list_grow(lwpy_list *list);
void lwpy_list_free(lwpy_list *list);

static inline bool lwpy_list_push(lwpy_list *list, PyObject *object)
{
    if (list->count == list->capacity && !lwpy_list_grow(list))
        return false;
    list->items[list->count++] = object;
    return true;
}

/* ---- types (heap_types.c) ---- */

/* Which layout the references of a type's instances have: that of its innermost base in C. */
enum lwpy_shape {
    LWPY_SHAPE_LEAF, /* holds no references */
    LWPY_SHAPE_OBJECT, /* a bare object: only what a class in Python adds */
    LWPY_SHAPE_LIST,
    LWPY_SHAPE_TUPLE,
    LWPY_SHAPE_DICT,
    LWPY_SHAPE_SET,
    LWPY_SHAPE_FUNCTION,
    LWPY_SHAPE_CELL,
    LWPY_SHAPE_CODE,
    LWPY_SHAPE_TYPE,
    LWPY_SHAPE_MODULE,
    LWPY_SHAPE_FRAME,
    LWPY_SHAPE_GENERATOR,
    LWPY_SHAPE_WEAKREF,
    LWPY_SHAPE_METHOD,
    LWPY_SHAPE_LRU_CACHE,
    LWPY_SHAPE_LRU_ENTRY,
    LWPY_SHAPE_DEQUE,
    LWPY_SHAPE_OTHER /* tp_traverse finds the references, tp_members and we name what we can */
};

/* Types in C that hold what neither tp_traverse nor tp_members shows, or shows without a name. */
enum lwpy_library {
    LWPY_LIBRARY_NONE,
    LWPY_LIBRARY_RANGE,
    LWPY_LIBRARY_LONG_RANGE,
    LWPY_LIBRARY_DATETIME,
    LWPY_LIBRARY_TIME,
    LWPY_LIBRARY_TIMEZONE,
    LWPY_LIBRARY_BYTESIO,
    LWPY_LIBRARY_HAMT_NODE,
    LWPY_LIBRARY_ARRAY
};

/* How sys.getsizeof() comes by its number (heap_sizes.c). */
enum lwpy_size_rule {
    LWPY_SIZE_BASIC, /* tp_basicsize and items */
    LWPY_SIZE_INT,
    LWPY_SIZE_STR,
    LWPY_SIZE_LIST,
    LWPY_SIZE_DICT,
    LWPY_SIZE_ORDERED,
    LWPY_SIZE_SET,
    LWPY_SIZE_TYPE,
    LWPY_SIZE_CODE,
    LWPY_SIZE_FRAME,
    LWPY_SIZE_GENERATOR,
    LWPY_SIZE_BYTEARRAY,
    LWPY_SIZE_DEQUE,
    LWPY_SIZE_ARRAY, /* as numpy does: with the data */
    LWPY_SIZE_CALL /* a C function of the standard library that runs no Python code */
};

/* A field of instances that holds an object. */
typedef struct lwpy_field {
    Py_ssize_t offset;
    uint32_t label;
    bool counted; /* a slot of a class in Python: counted for certain */
} lwpy_field;

typedef struct lwpy_type {
    PyTypeObject *type;
    uint32_t id;       /* from the sink */
    uint8_t shape;     /* enum lwpy_shape */
    uint8_t size_rule; /* enum lwpy_size_rule */
    uint8_t library;   /* enum lwpy_library */
    bool heap;         /* each instance holds a reference to it */
    bool managed;      /* instances have a managed dict */
    bool own_dict;     /* instances have a dict at an offset that no shape knows of */
    bool traversed;    /* the shape does not know all: ask tp_traverse for the rest */
    bool slotted;      /* has fields */
    uint32_t pre_header;
    uint32_t rest_label; /* for references without a name: "deque.slot" */
    lwpy_field *fields;
    size_t field_count;
    PyCFunction size_call;
    PyTypeObject *size_class; /* that it also wants to be told, or NULL */
    uint32_t *names; /* labels of the shared keys */
    Py_ssize_t name_count;
} lwpy_type;

struct lwpy_walk;

/* The labels of the names that instances of a class share, at least `count`. */
const uint32_t *lwpy_type_names(struct lwpy_walk *walk, const lwpy_type *type, Py_ssize_t count);
void lwpy_types_free(struct lwpy_walk *walk);

/* ---- words that name references often (heap_labels.c) ---- */

#define LWPY_WORDS(X)                                                                              \
    X(TYPE, INTERNAL, "type")                                                                      \
    X(KEY, INTERNAL, "key")                                                                        \
    X(ELEMENT, INTERNAL, "element")                                                                \
    X(DICT, ATTRIBUTE, "__dict__")                                                                 \
    X(CONTENTS, ATTRIBUTE, "cell_contents")                                                        \
    X(CODE, ATTRIBUTE, "__code__")                                                                 \
    X(GLOBALS, ATTRIBUTE, "__globals__")                                                           \
    X(BUILTINS, ATTRIBUTE, "__builtins__")                                                         \
    X(NAME, ATTRIBUTE, "__name__")                                                                 \
    X(QUALNAME, ATTRIBUTE, "__qualname__")                                                         \
    X(MODULE, ATTRIBUTE, "__module__")                                                             \
    X(DOC, ATTRIBUTE, "__doc__")                                                                   \
    X(DEFAULTS, ATTRIBUTE, "__defaults__")                                                         \
    X(KWDEFAULTS, ATTRIBUTE, "__kwdefaults__")                                                     \
    X(CLOSURE, ATTRIBUTE, "__closure__")                                                           \
    X(ANNOTATIONS, ATTRIBUTE, "__annotations__")                                                   \
    X(TYPE_PARAMS, ATTRIBUTE, "__type_params__")                                                   \
    X(SELF, ATTRIBUTE, "__self__")                                                                 \
    X(FUNC, ATTRIBUTE, "__func__")                                                                 \
    X(MRO, ATTRIBUTE, "__mro__")                                                                   \
    X(BASES, ATTRIBUTE, "__bases__")                                                               \
    X(BASE, ATTRIBUTE, "__base__")                                                                 \
    X(SLOTS, ATTRIBUTE, "__slots__")                                                               \
    X(CACHE, INTERNAL, "cache")                                                                    \
    X(SUBCLASSES, INTERNAL, "subclasses")                                                          \
    X(SHARED_KEY, INTERNAL, "attribute name")                                                      \
    X(CONSTS, ATTRIBUTE, "co_consts")                                                              \
    X(NAMES, ATTRIBUTE, "co_names")                                                                \
    X(EXCEPTIONS, ATTRIBUTE, "co_exceptiontable")                                                  \
    X(VARIABLES, INTERNAL, "variable names")                                                       \
    X(KINDS, INTERNAL, "variable kinds")                                                           \
    X(FILENAME, ATTRIBUTE, "co_filename")                                                          \
    X(CO_NAME, ATTRIBUTE, "co_name")                                                               \
    X(CO_QUALNAME, ATTRIBUTE, "co_qualname")                                                       \
    X(LINETABLE, ATTRIBUTE, "co_linetable")                                                        \
    X(CO_CODE, ATTRIBUTE, "co_code")                                                               \
    X(VARNAMES, ATTRIBUTE, "co_varnames")                                                          \
    X(CELLVARS, ATTRIBUTE, "co_cellvars")                                                          \
    X(FREEVARS, ATTRIBUTE, "co_freevars")                                                          \
    X(FUNCTION, INTERNAL, "function")                                                              \
    X(MAPPING, ATTRIBUTE, "f_locals")                                                              \
    X(FRAME, INTERNAL, "frame object")                                                             \
    X(STACK, INTERNAL, "evaluation stack")                                                         \
    X(BACK, ATTRIBUTE, "f_back")                                                                   \
    X(TRACE, ATTRIBUTE, "f_trace")                                                                 \
    X(EXTRA_LOCALS, INTERNAL, "extra locals")                                                      \
    X(LOCALS_CACHE, INTERNAL, "locals cache")                                                      \
    X(HANDLED, INTERNAL, "exception being handled")                                                \
    X(ORIGIN, INTERNAL, "origin or finalizer")                                                     \
    X(REFERENT, INTERNAL, "referent")                                                              \
    X(CALLBACK, ATTRIBUTE, "__callback__")                                                         \
    X(WRAPPED, INTERNAL, "wrapped function")                                                       \
    X(ARRAY_BASE, ATTRIBUTE, "base")                                                               \
    X(DTYPE, ATTRIBUTE, "dtype")                                                                   \
    X(KEYWORD_MARK, INTERNAL, "keyword mark")                                                      \
    X(ENTRY_TYPE, INTERNAL, "entry type")                                                          \
    X(INFO_TYPE, INTERNAL, "info type")                                                            \
    X(RESULT, INTERNAL, "result")                                                                  \
    X(CACHED, INTERNAL, "cache entry")                                                             \
    X(CONTEXT, ATTRIBUTE, "__context__")                                                           \
    X(CAUSE, ATTRIBUTE, "__cause__")                                                               \
    X(TRACEBACK, ATTRIBUTE, "__traceback__")                                                       \
    X(ARGS, ATTRIBUTE, "args")                                                                     \
    X(TB_NEXT, ATTRIBUTE, "tb_next")                                                               \
    X(TB_FRAME, ATTRIBUTE, "tb_frame")                                                             \
    X(NOTES, ATTRIBUTE, "__notes__")                                                               \
    X(OBJCLASS, ATTRIBUTE, "__objclass__")                                                         \
    X(TZINFO, ATTRIBUTE, "tzinfo")                                                                 \
    X(OFFSET, INTERNAL, "offset")                                                                  \
    X(START, ATTRIBUTE, "start")                                                                   \
    X(STOP, ATTRIBUTE, "stop")                                                                     \
    X(STEP, ATTRIBUTE, "step")                                                                     \
    X(LENGTH, INTERNAL, "length")                                                                  \
    X(VARIABLE, INTERNAL, "context variable")                                                      \
    X(BUFFER, INTERNAL, "buffer")

enum lwpy_word {
#define LWPY_WORD_ENUM(name, style, text) LWPY_WORD_##name,
    LWPY_WORDS(LWPY_WORD_ENUM)
#undef LWPY_WORD_ENUM
    LWPY_WORD_COUNT
};

/* ---- the walk (heap.c) ---- */

/* What is being done with the objects that are found. */
enum lwpy_phase {
    LWPY_PUSH, /* push them */
    LWPY_HIDE, /* they are only reached from our own objects: hide them */
    LWPY_REST  /* push them: nothing leads to them */
};

/* A slot of an evaluation stack that the current instruction may already have given up. */
typedef struct lwpy_doubt {
    PyObject *object;
    uint32_t kind, label; /* of the root that it is */
    PyObject *holder;     /* the generator that it is an edge of, or NULL: a root */
} lwpy_doubt;

#define LWPY_NAME_CACHE 4096
#define LWPY_TYPES_LATELY 64

typedef struct lwpy_walk {
    lw_sink *sink;
    const lwpy_heap *heap;
    int failed; /* what the sink answered, or LWPY_NO_MEMORY */
    int phase;  /* enum lwpy_phase */
    lwpy_marks seen, hidden;
    lwpy_list todo, weak, visited;
    lwpy_type *types_lately[LWPY_TYPES_LATELY]; /* by address; with an id */
    lwpy_type **types; /* open addressing, by address */
    size_t type_capacity, type_count;
    traverseproc class_traverse; /* what classes in Python have */
    destructor class_dealloc;
    uint32_t words[LWPY_WORD_COUNT];
    struct {
        PyObject *name;
        uint32_t style, id;
    } names[LWPY_NAME_CACHE];
    lwpy_doubt *doubts;
    size_t doubt_count, doubt_capacity;
    const lwpy_host_frame *asker; /* the frame of the code that asks */
    PyObject *asker_generator;    /* whose frame that is, or NULL */
    PyObject *asker_mapping; /* the namespace of asking code that runs at module level, or NULL */
    uint32_t kind_module, kind_static, kind_immortal, kind_frame, kind_running, kind_asker, kind_ours;
    lw_key from; /* the object whose references are being found */
    size_t claim_at;
} lwpy_walk;

enum { LWPY_NO_MEMORY = -1000 };

/* Visits an object once: pushes or hides it and, later, follows its references. */
void lwpy_walk_reach(lwpy_walk *walk, PyObject *object);
/* Pushes a node without following it; true if it is new. */
bool lwpy_walk_take(lwpy_walk *walk, PyObject *object);
/* A reference of walk->from. */
void lwpy_walk_edge(lwpy_walk *walk, PyObject *to, int32_t kind, uint32_t label);
void lwpy_walk_root(lwpy_walk *walk, PyObject *object, uint32_t kind, uint32_t label);
/* NULL: out of memory, which `walk` then knows. */
const lwpy_type *lwpy_type_add(lwpy_walk *walk, PyTypeObject *type);

static inline size_t lwpy_type_slot(const PyTypeObject *type)
{
    return ((uintptr_t)type >> 4 ^ (uintptr_t)type >> 10) % LWPY_TYPES_LATELY;
}

static inline const lwpy_type *lwpy_walk_type(lwpy_walk *walk, PyTypeObject *type)
{
    const lwpy_type *known = walk->types_lately[lwpy_type_slot(type)];
    if (known && known->type == type)
        return known;
    return lwpy_type_add(walk, type);
}

bool lwpy_walk_is_hidden(const lwpy_walk *walk, PyObject *object);

static inline void lwpy_walk_strong(lwpy_walk *walk, PyObject *to, enum lwpy_word word)
{
    if (to)
        lwpy_walk_edge(walk, to, LW_EDGE_STRONG, walk->words[word]);
}

/* ---- labels (heap_labels.c) ---- */

void lwpy_labels_init(lwpy_walk *walk);
uint32_t lwpy_label(lwpy_walk *walk, int32_t style, const char *text);
/* The label of a name that is a str; names are remembered by address. */
uint32_t lwpy_label_name(lwpy_walk *walk, int32_t style, PyObject *name);
/* `[key]`, as repr() would write it if it is short and of an exact built-in type. */
uint32_t lwpy_label_key(lwpy_walk *walk, PyObject *key);
/* `[key of key]`: the key itself, where it is held apart from its value. */
uint32_t lwpy_label_key_of(lwpy_walk *walk, PyObject *key);
/* UTF-8 of a str, at most `room` bytes and no part of a character; no terminator. */
size_t lwpy_text_str(char *out, size_t room, PyObject *text);
/* The name of a type as users know it; always terminated. */
void lwpy_text_type(char *out, size_t room, PyTypeObject *type);

/* ---- sizes (heap_sizes.c) ---- */

void lwpy_size_rule_find(lwpy_type *type);
uint64_t lwpy_size_of(const lwpy_type *type, PyObject *object);

/* ---- references of an object (heap_edges.c, heap_code.c, heap_rest.c) ---- */

void lwpy_edges(lwpy_walk *walk, PyObject *object, const lwpy_type *type);
/* Entries of a dict. `owner`: the object that alone holds the dict, which then shows the values
 * as its own attributes and the dict borrows them; NULL: the dict's own. */
void lwpy_edges_dict(lwpy_walk *walk, PyObject *dict, PyObject *owner);
/* A dict that belongs to walk->from alone, as far as its count says so. */
void lwpy_edges_own_dict(lwpy_walk *walk, PyObject *dict, enum lwpy_word word);
/* A module in sys.modules: its dict's entries are its attributes, whoever else has the dict. First
 * take it and its dict; true if both are new, and its edges are still to be found. */
bool lwpy_edges_take_module(lwpy_walk *walk, PyObject *module);
void lwpy_edges_rooted_module(lwpy_walk *walk, PyObject *module);
void lwpy_edges_function(lwpy_walk *walk, PyObject *object);
void lwpy_edges_code(lwpy_walk *walk, PyObject *object);
void lwpy_edges_type(lwpy_walk *walk, PyObject *object);
void lwpy_edges_frame(lwpy_walk *walk, PyObject *object);
void lwpy_edges_generator(lwpy_walk *walk, PyObject *object);
void lwpy_edges_rest(lwpy_walk *walk, PyObject *object, const lwpy_type *type);

/* Lists what tp_traverse of an object visits, for these two. */
void lwpy_traverse(lwpy_walk *walk, PyObject *object);
/* Names a reference of an object whose references tp_traverse lists, if it is among them. */
void lwpy_claim(lwpy_walk *walk, PyObject *to, uint32_t label);
/* A counted reference that tp_traverse may list too: it is then not found twice. */
void lwpy_owned(lwpy_walk *walk, PyObject *to, uint32_t label);

/* ---- frames (heap_frames.c, heap_stack.c) ---- */

/* How many slots of a running frame's evaluation stack hold references for certain; the slots up
 * to *doubtful may. Both count from the first slot of the stack. */
int lwpy_stack_depth(lw_sink *sink, const lwpy_host_frame *frame, int *doubtful);
/* Whose variables are the asker's; sets the asker of the walk. */
void lwpy_frames_find_asker(lwpy_walk *walk);
void lwpy_frames_roots(lwpy_walk *walk, const PyThreadState *thread);
/* The slots of a frame that walk->from holds. */
void lwpy_frame_edges(lwpy_walk *walk, const lwpy_host_frame *frame);
void lwpy_doubts_settle(lwpy_walk *walk);
void lwpy_doubts_free(lwpy_walk *walk);

/* ---- roots (heap_roots.c) ---- */

void lwpy_roots(lwpy_walk *walk);
/* The value of a name in a dict, without running code: borrowed, or NULL. */
PyObject *lwpy_dict_find(PyObject *dict, const char *name);

/* ---- types in C of the standard library, by layout (heap_library.c) ---- */

/* True if `native` is one that the walk reads as a whole: gives `type` its shape. */
bool lwpy_library_shape(lwpy_type *type, PyTypeObject *native);
/* One of enum lwpy_library. */
uint8_t lwpy_library_find(const PyTypeObject *native);
void lwpy_library_edges(lwpy_walk *walk, PyObject *object, const lwpy_type *type);
void lwpy_edges_lru_cache(lwpy_walk *walk, PyObject *object);
void lwpy_edges_lru_entry(lwpy_walk *walk, PyObject *object);
void lwpy_edges_deque(lwpy_walk *walk, PyObject *object);
size_t lwpy_library_deque_size(PyObject *object);
size_t lwpy_library_ordered_size(PyObject *object);
/* Bytes of shape and data that an array of numpy owns. */
size_t lwpy_library_array_size(PyObject *object);

#endif
