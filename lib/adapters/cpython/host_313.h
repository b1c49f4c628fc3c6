/* CPython 3.13: what lies behind its public headers. */
#ifndef LWPY_HOST_313_H
#define LWPY_HOST_313_H

#define Py_BUILD_CORE
#include <internal/pycore_context.h>
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE

/* ---- frames: what the recording half reads in every event ---- */

typedef struct _PyInterpreterFrame lwpy_host_frame;

/* NULL when the caller does not hold a GIL. */
static inline PyThreadState *lwpy_host_thread(void)
{
    return PyThreadState_GetUnchecked();
}

/* The innermost frame, complete or not; NULL if there is none. */
static inline lwpy_host_frame *lwpy_host_frame_top(const PyThreadState *thread)
{
    return thread->current_frame;
}

static inline lwpy_host_frame *lwpy_host_frame_previous(const lwpy_host_frame *frame)
{
    return frame->previous;
}

/* Lies inside the code object, so it alone names code and offset. */
static inline uint64_t lwpy_host_frame_word(const lwpy_host_frame *frame)
{
    return (uint64_t)(uintptr_t)frame->instr_ptr;
}

static inline PyCodeObject *lwpy_host_frame_code(const lwpy_host_frame *frame)
{
    return (PyCodeObject *)frame->f_executable;
}

static inline PyObject *lwpy_host_frame_globals(const lwpy_host_frame *frame)
{
    return frame->f_globals;
}

/* False for a frame that tracebacks do not show either: the shim that C leaves when it calls
 * Python, and one that has not run its first RESUME yet. */
static inline bool lwpy_host_frame_shown(const lwpy_host_frame *frame)
{
    if (frame->owner == FRAME_OWNED_BY_CSTACK)
        return false;
    if (frame->owner == FRAME_OWNED_BY_GENERATOR)
        return true;
    const PyCodeObject *code = (const PyCodeObject *)frame->f_executable;
    const _Py_CODEUNIT *first = (const _Py_CODEUNIT *)code->co_code_adaptive;
    return frame->instr_ptr >= first + code->_co_firsttraceable;
}

/* The offset in bytes that PyCode_Addr2Line() wants. */
static inline int lwpy_host_code_offset(const PyCodeObject *code, uint64_t word)
{
    return (int)((const char *)(uintptr_t)word - code->co_code_adaptive);
}

static inline size_t lwpy_host_code_size(const PyCodeObject *code)
{
    return offsetof(PyCodeObject, co_code_adaptive) + (size_t)_PyCode_NBYTES(code);
}

/* ---- contexts: which task runs ---- */

static inline PyObject *lwpy_host_context(const PyThreadState *thread)
{
    return thread->context;
}

/* The context from which this one was entered, or NULL. */
static inline PyObject *lwpy_host_context_previous(PyObject *context)
{
    return (PyObject *)((PyContext *)context)->ctx_prev;
}

/* ---- objects: what the heap walk reads ---- */
#ifdef LWPY_HOST_OBJECTS

#define Py_BUILD_CORE
#include <internal/pycore_dict.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_moduleobject.h>
#include <internal/pycore_long.h>
#include <internal/pycore_object.h>
#include <internal/pycore_runtime.h>
#include <internal/pycore_tstate.h>
#undef Py_BUILD_CORE

/* Instance attributes that lie outside of a dict, one per name of the type's shared keys. */
typedef struct lwpy_host_instance {
    PyObject *dict;           /* counted; NULL: none was asked for yet */
    PyObject *const *values;  /* counted by the instance; NULL: they live in the dict */
    Py_ssize_t count;         /* how many values there are room for */
} lwpy_host_instance;

/* Visits what the collector tracks, frozen objects too; stops when `visit` answers non-zero. */
static inline int lwpy_host_tracked(int (*visit)(PyObject *object, void *user), void *user)
{
    struct _gc_runtime_state *gc = &PyInterpreterState_Get()->gc;
    for (int i = 0; i <= NUM_GENERATIONS; i++) {
        const PyGC_Head *head = i < NUM_GENERATIONS ? &gc->generations[i].head
                                                    : &gc->permanent_generation.head;
        const PyGC_Head *at = (const PyGC_Head *)(head->_gc_next & ~(uintptr_t)1);
        while (at && at != head) {
            if (visit((PyObject *)(uintptr_t)(at + 1), user))
                return -1;
            at = (const PyGC_Head *)(at->_gc_next & ~(uintptr_t)1);
        }
    }
    return 0;
}

/* The keys that instances of a class share: NULL, or names that the type holds. */
static inline PyDictKeysObject *lwpy_host_shared_keys(PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? ((PyHeapTypeObject *)type)->ht_cached_keys : NULL;
}

static inline Py_ssize_t lwpy_host_keys_count(const PyDictKeysObject *keys)
{
    return keys->dk_nentries;
}

static inline PyObject *lwpy_host_keys_name(PyDictKeysObject *keys, Py_ssize_t index)
{
    return DK_UNICODE_ENTRIES(keys)[index].me_key;
}

static inline size_t lwpy_host_keys_size(const PyDictKeysObject *keys)
{
    size_t slots = (size_t)1 << keys->dk_log2_size;
    size_t entry = keys->dk_kind == DICT_KEYS_GENERAL ? sizeof(PyDictKeyEntry)
                                                      : sizeof(PyDictUnicodeEntry);
    return sizeof(PyDictKeysObject) + ((size_t)1 << keys->dk_log2_index_bytes) +
           ((slots << 1) / 3) * entry;
}

/* True if tp_traverse of this dict skips the keys, since they are all strings. */
static inline bool lwpy_host_dict_plain_keys(PyObject *dict)
{
    return DK_IS_UNICODE(((PyDictObject *)dict)->ma_keys);
}

/* True if the dict only shows values that an instance holds. */
static inline bool lwpy_host_dict_embedded(PyObject *dict)
{
    const PyDictValues *values = ((PyDictObject *)dict)->ma_values;
    return values && values->embedded;
}

/* For types with Py_TPFLAGS_MANAGED_DICT. Materialises nothing. */
static inline lwpy_host_instance lwpy_host_instance_of(PyObject *object)
{
    lwpy_host_instance instance = { (PyObject *)_PyObject_GetManagedDict(object), NULL, 0 };
    PyTypeObject *type = Py_TYPE(object);
    PyDictKeysObject *keys = lwpy_host_shared_keys(type);
    if (type->tp_flags & Py_TPFLAGS_INLINE_VALUES && keys) {
        PyDictValues *values = _PyObject_InlineValues(object);
        if (values->valid) {
            instance.values = values->values;
            instance.count = keys->dk_nentries < values->capacity ? keys->dk_nentries
                                                                  : values->capacity;
        }
    }
    return instance;
}

/* Bytes of a block before the object that sys.getsizeof() counts. */
static inline size_t lwpy_host_pre_header(PyTypeObject *type)
{
    return _PyType_PreHeaderSize(type);
}

/* False for static types, which sys.getsizeof() knows to have none. */
static inline bool lwpy_host_has_pre_header(PyObject *object)
{
    return !Py_IS_TYPE(object, &PyType_Type) ||
           ((PyTypeObject *)object)->tp_flags & Py_TPFLAGS_HEAPTYPE;
}

/* True if a reference count says nothing: the object is static or lives for ever. */
static inline bool lwpy_host_immortal(PyObject *object)
{
    return _Py_IsImmortal(object);
}

static inline size_t lwpy_host_int_size(PyObject *number)
{
    size_t digits = (size_t)(((PyLongObject *)number)->long_value.lv_tag >> _PyLong_NON_SIZE_BITS);
    return (size_t)Py_TYPE(number)->tp_basicsize + (digits ? digits : 1) * sizeof(digit);
}

/* Bytes of a second representation beside the UTF-8: none since 3.12. */
static inline size_t lwpy_host_str_extra(PyObject *text)
{
    (void)text;
    return 0;
}

/* What the interpreter keeps for a static type of its own; NULL for any other type. */
static inline const managed_static_type_state *lwpy_host_static_state(PyTypeObject *type)
{
    if (!(type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN) || !type->tp_subclasses)
        return NULL;
    const struct types_state *types = &PyInterpreterState_Get()->types;
    size_t index = (size_t)type->tp_subclasses - 1;
    if (index < _Py_MAX_MANAGED_STATIC_BUILTIN_TYPES &&
        types->builtins.initialized[index].type == type)
        return &types->builtins.initialized[index];
    if (index < _Py_MAX_MANAGED_STATIC_EXT_TYPES &&
        types->for_extensions.initialized[index].type == type)
        return &types->for_extensions.initialized[index];
    return NULL;
}

static inline PyObject *lwpy_host_type_dict(PyTypeObject *type)
{
    const managed_static_type_state *state = lwpy_host_static_state(type);
    return state ? state->tp_dict : type->tp_dict;
}

static inline PyObject *lwpy_host_type_subclasses(PyTypeObject *type)
{
    const managed_static_type_state *state = lwpy_host_static_state(type);
    if (type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN)
        return state ? state->tp_subclasses : NULL;
    return (PyObject *)type->tp_subclasses;
}

/* The name that a module holds beside its dict. */
static inline PyObject *lwpy_host_module_name(PyObject *module)
{
    return ((PyModuleObject *)module)->md_name;
}

/* What a code object made of itself for Python and keeps. */
static inline void lwpy_host_code_cached(PyCodeObject *code, PyObject *cached[4])
{
    const _PyCoCached *made = code->_co_cached;
    cached[0] = made ? made->_co_code : NULL;
    cached[1] = made ? made->_co_varnames : NULL;
    cached[2] = made ? made->_co_cellvars : NULL;
    cached[3] = made ? made->_co_freevars : NULL;
}

/* Slots for variables and evaluation stack in each frame of a code object. */
static inline Py_ssize_t lwpy_host_code_slots(const PyCodeObject *code)
{
    return code->co_framesize - (Py_ssize_t)FRAME_SPECIALS_SIZE;
}

/* What functions hold only in this version; NULL: nothing. */
static inline PyObject *lwpy_host_function_type_params(PyObject *function)
{
    return ((PyFunctionObject *)function)->func_typeparams;
}

/* False for what is no Python function's: the shim that C leaves when it calls Python. */
static inline bool lwpy_host_frame_real(const lwpy_host_frame *frame)
{
    return frame->owner != FRAME_OWNED_BY_CSTACK;
}

static inline PyObject *lwpy_host_frame_function(const lwpy_host_frame *frame)
{
    return frame->f_funcobj;
}

/* The mapping of a frame whose variables live in one (a module's, a class's), or NULL. */
static inline PyObject *lwpy_host_frame_mapping(const lwpy_host_frame *frame)
{
    return frame->f_locals;
}

static inline PyObject *lwpy_host_frame_object(const lwpy_host_frame *frame)
{
    return (PyObject *)frame->frame_obj;
}

static inline PyObject *const *lwpy_host_frame_slots(const lwpy_host_frame *frame)
{
    return frame->localsplus;
}

/* How many slots are in use; negative: the interpreter loop has the number in a register. */
static inline int lwpy_host_frame_used(const lwpy_host_frame *frame)
{
    return frame->stacktop;
}

/* The generator or coroutine whose frame this is, or NULL. */
static inline PyObject *lwpy_host_frame_generator(const lwpy_host_frame *frame)
{
    if (frame->owner != FRAME_OWNED_BY_GENERATOR)
        return NULL;
    return (PyObject *)((uintptr_t)frame - offsetof(PyGenObject, gi_iframe));
}

/* The frame of a generator or coroutine, or NULL if it has ended. */
static inline const lwpy_host_frame *lwpy_host_generator_frame(PyObject *generator)
{
    PyGenObject *gen = (PyGenObject *)generator;
    return gen->gi_frame_state < FRAME_CLEARED ? (const lwpy_host_frame *)gen->gi_iframe : NULL;
}

/* The code that a generator holds when its frame has ended; NULL: the frame holds it. */
static inline PyObject *lwpy_host_generator_code(PyObject *generator)
{
    const lwpy_host_frame *frame = (const lwpy_host_frame *)((PyGenObject *)generator)->gi_iframe;
    return ((PyGenObject *)generator)->gi_frame_state >= FRAME_CLEARED ? frame->f_executable
                                                                       : NULL;
}

static inline PyCodeObject *lwpy_host_generator_code_of(PyObject *generator)
{
    const PyGenObject *gen = (const PyGenObject *)generator;
    return (PyCodeObject *)((const lwpy_host_frame *)gen->gi_iframe)->f_executable;
}

/* What a frame object holds beside the frame. */
typedef struct lwpy_host_frame_parts {
    PyObject *back, *trace, *extra_locals, *locals_cache;
    const lwpy_host_frame *frame; /* running or not */
    bool owned;                   /* the frame has ended and its slots are the object's */
} lwpy_host_frame_parts;

static inline lwpy_host_frame_parts lwpy_host_frame_parts_of(PyObject *object)
{
    PyFrameObject *frame = (PyFrameObject *)object;
    lwpy_host_frame_parts parts = { (PyObject *)frame->f_back, frame->f_trace,
                                    frame->f_extra_locals, frame->f_locals_cache,
                                    frame->f_frame,
                                    frame->f_frame->owner == FRAME_OWNED_BY_FRAME_OBJECT };
    return parts;
}

/* ---- roots: what the interpreter itself holds ---- */

/* Every call stands for one counted reference; `kind` and `label` are read during the call. */
typedef void (*lwpy_host_root_fn)(const char *kind, const char *label, PyObject *object,
                                  void *user);

static inline PyObject *lwpy_host_modules(void)
{
    return PyInterpreterState_Get()->imports.modules;
}

static inline PyObject *lwpy_host_importlib(void)
{
    return PyInterpreterState_Get()->imports.importlib;
}

static inline void lwpy_host_thread_roots(PyThreadState *thread, lwpy_host_root_fn root, void *user)
{
    root("thread", "thread-state dict", thread->dict, user);
    root("thread", "exception being handled", thread->exc_state.exc_value, user);
    root("thread", "exception being raised", thread->current_exception, user);
    root("thread", "profile function", thread->c_profileobj, user);
    root("thread", "trace function", thread->c_traceobj, user);
    root("thread", "exception sent to the thread", thread->async_exc, user);
    root("thread", "async generator hook", thread->async_gen_firstiter, user);
    root("thread", "async generator finalizer", thread->async_gen_finalizer, user);
    root("thread", "current context", thread->context, user);
    root("thread", "local key", thread->threading_local_key, user);
    root("thread", "local sentinel", thread->threading_local_sentinel, user);
    root("thread", "running event loop", ((_PyThreadStateImpl *)thread)->asyncio_running_loop, user);
}

static inline void lwpy_host_type_cache_roots(lwpy_host_root_fn root, void *user)
{
    const struct type_cache *cache = &PyInterpreterState_Get()->types.type_cache;
    for (size_t i = 0; i < sizeof(cache->hashtable) / sizeof(cache->hashtable[0]); i++) {
        PyObject *name = cache->hashtable[i].name;
        if (name && !lwpy_host_immortal(name))
            root("interpreter", "attribute cache", name, user);
    }
}

static inline void lwpy_host_interpreter_roots(lwpy_host_root_fn root, void *user)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    root("interpreter", "sys.modules", interp->imports.modules, user);
    root("interpreter", "extension modules", interp->imports.modules_by_index, user);
    root("interpreter", "sys dict", interp->sysdict, user);
    root("interpreter", "builtins dict", interp->builtins, user);
    root("interpreter", "sys dict copy", interp->sysdict_copy, user);
    root("interpreter", "builtins copy", interp->builtins_copy, user);
    root("interpreter", "importlib", interp->imports.importlib, user);
    root("interpreter", "__import__", interp->imports.import_func, user);
    root("interpreter", "codec search path", interp->codecs.search_path, user);
    root("interpreter", "codec cache", interp->codecs.search_cache, user);
    root("interpreter", "codec error handlers", interp->codecs.error_registry, user);
    root("interpreter", "interpreter dict", interp->dict, user);
#ifdef HAVE_FORK
    root("interpreter", "before-fork callbacks", interp->before_forkers, user);
    root("interpreter", "after-fork callbacks of the parent", interp->after_forkers_parent, user);
    root("interpreter", "after-fork callbacks of the child", interp->after_forkers_child, user);
#endif
    root("interpreter", "warning filters", interp->warnings.filters, user);
    root("interpreter", "warnings shown once", interp->warnings.once_registry, user);
    root("interpreter", "default warning action", interp->warnings.default_action, user);
    root("interpreter", "gc.garbage", interp->gc.garbage, user);
    root("interpreter", "gc.callbacks", interp->gc.callbacks, user);
    root("interpreter", "audit hooks", interp->audit_hooks, user);
    root("interpreter", "errno map", interp->exc_state.errnomap, user);
    root("interpreter", "ExceptionGroup", interp->exc_state.PyExc_ExceptionGroup, user);
    root("interpreter", "NotShareableError", interp->xi.PyExc_NotShareableError, user);
    root("interpreter", "copyreg", interp->cached_objects.objreduce, user);
    root("interpreter", "slot name", interp->cached_objects.type_slots_pname, user);
    root("interpreter", "typing", (PyObject *)interp->cached_objects.generic_type, user);
    root("interpreter", "typing", (PyObject *)interp->cached_objects.typevar_type, user);
    root("interpreter", "typing", (PyObject *)interp->cached_objects.typevartuple_type, user);
    root("interpreter", "typing", (PyObject *)interp->cached_objects.paramspec_type, user);
    root("interpreter", "typing", (PyObject *)interp->cached_objects.paramspecargs_type, user);
    root("interpreter", "typing", (PyObject *)interp->cached_objects.paramspeckwargs_type, user);
    for (int tool = 0; tool < PY_MONITORING_TOOL_IDS; tool++) {
        root("interpreter", "monitoring tool", interp->monitoring_tool_names[tool], user);
        for (int event = 0; event < _PY_MONITORING_EVENTS; event++)
            root("interpreter", "monitoring callback", interp->monitoring_callables[tool][event],
                 user);
    }
    for (Py_ssize_t i = 0; i < interp->unicode.ids.size; i++)
        root("interpreter", "identifier", interp->unicode.ids.array[i], user);
    for (PyObject **at = &interp->ast.AST_type; (void *)at < (void *)(&interp->ast + 1); at++)
        root("interpreter", "ast", *at, user);
    for (int i = 0; i < interp->atexit.ncallbacks; i++) {
        const atexit_py_callback *callback = interp->atexit.callbacks[i];
        if (callback) {
            root("atexit", "callback", callback->func, user);
            root("atexit", "arguments", callback->args, user);
            root("atexit", "keywords", callback->kwargs, user);
        }
    }
    lwpy_host_type_cache_roots(root, user);
}

/* The table of signal handlers, which belongs to the main interpreter. */
static inline void lwpy_host_signal_roots(PyObject *getsignal, lwpy_host_root_fn root, void *user)
{
    (void)getsignal;
    if (PyInterpreterState_Get() != PyInterpreterState_Main())
        return;
    for (int number = 1; number < Py_NSIG; number++) {
        char label[24];
        PyOS_snprintf(label, sizeof label, "signal %d", number);
        root("signal handler", label, _PyRuntime.signals.handlers[number].func, user);
    }
    root("signal handler", "SIG_DFL", _PyRuntime.signals.default_handler, user);
    root("signal handler", "SIG_IGN", _PyRuntime.signals.ignore_handler, user);
}

/* The dict of interned strings, whose references are not counted. */
static inline PyObject *lwpy_host_interned(void)
{
    return PyInterpreterState_Get()->cached_objects.interned_strings;
}

#ifdef LWPY_HOST_OPCODES

#define Py_BUILD_CORE
#define NEED_OPCODE_METADATA
#include <internal/pycore_opcode_metadata.h>
#undef NEED_OPCODE_METADATA
#include <opcode.h>
#undef Py_BUILD_CORE

enum lwpy_host_flow {
    LWPY_HOST_FORWARD = 1,  /* may jump ahead by its argument */
    LWPY_HOST_BACKWARD = 2, /* may jump back by its argument */
    LWPY_HOST_ENDS = 4      /* never goes on to the next instruction */
};

/* The instruction that a specialised one stands for. */
static inline int lwpy_host_opcode(int opcode)
{
    return _PyOpcode_Deopt[opcode];
}

/* Units of inline cache that follow. */
static inline int lwpy_host_caches(int opcode)
{
    return _PyOpcode_Caches[opcode];
}

/* Values on the stack before the first instruction. */
static inline int lwpy_host_first_depth(const PyCodeObject *code)
{
    (void)code;
    return 0;
}

/* Values that an instruction finds on the stack beyond what the effects before it add up to. */
static inline int lwpy_host_still_there(int opcode, int argument)
{
    (void)opcode;
    (void)argument;
    return 0;
}

static inline int lwpy_host_flow(int opcode)
{
    switch (opcode) {
    case FOR_ITER:
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_TRUE:
    case POP_JUMP_IF_NONE:
    case POP_JUMP_IF_NOT_NONE:
    case SEND:
        return LWPY_HOST_FORWARD;
    case JUMP_FORWARD:
        return LWPY_HOST_FORWARD | LWPY_HOST_ENDS;
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
        return LWPY_HOST_BACKWARD | LWPY_HOST_ENDS;
    case RETURN_VALUE:
    case RETURN_CONST:
    case RAISE_VARARGS:
    case RERAISE:
        return LWPY_HOST_ENDS;
    default:
        return 0;
    }
}

#endif /* LWPY_HOST_OPCODES */

#endif /* LWPY_HOST_OBJECTS */

#endif
