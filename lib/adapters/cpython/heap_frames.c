#include "heap_walk.h"

#include <stdio.h>

/* Where the slots of a frame go: roots of a kind, or references of walk->from. */
typedef struct place {
    uint32_t kind;     /* 0: references of walk->from */
    PyObject *holder;  /* of these references */
    char where[160];   /* " in function (file:line)" */
    bool borrowed;     /* the same slots are roots as well */
} place;

static size_t put_file(char *out, size_t room, PyObject *filename)
{
    char path[600];
    size_t length = lwpy_text_str(path, sizeof path, filename), start = 0, before = 0;
    for (size_t i = 0; i + 1 < length; i++) {
        if (path[i] == '/' || path[i] == '\\') {
            before = start;
            start = i + 1;
        }
    }
    if (length - start > 2 && path[start] == '_' && path[start + 1] == '_')
        start = before; /* every package has an __init__.py */
    size_t used = length - start < room ? length - start : room;
    memcpy(out, path + start, used);
    return used;
}

static void describe(place *place, const lwpy_host_frame *frame)
{
    PyCodeObject *code = lwpy_host_frame_code(frame);
    size_t room = sizeof place->where - 20, used = 4;
    memcpy(place->where, " in ", 4);
    used += lwpy_text_str(place->where + used, room / 2, code->co_name);
    place->where[used++] = ' ';
    place->where[used++] = '(';
    used += put_file(place->where + used, room - used, code->co_filename);
    int line = PyCode_Addr2Line(code, lwpy_host_code_offset(code, lwpy_host_frame_word(frame)));
    snprintf(place->where + used, sizeof place->where - used, ":%d)", line);
}

static uint32_t label_of(lwpy_walk *walk, const place *place, const char *what, PyObject *name)
{
    char text[360];
    if (!place->kind)
        return name ? lwpy_label_name(walk, LW_LABEL_VARIABLE, name)
                    : lwpy_label(walk, LW_LABEL_INTERNAL, what);
    size_t used = name ? lwpy_text_str(text, 180, name)
                       : (size_t)snprintf(text, 180, "%s", what);
    snprintf(text + used, sizeof text - used, "%s", place->where);
    return lwpy_label(walk, LW_LABEL_VARIABLE, text);
}

static void put(lwpy_walk *walk, const place *place, PyObject *object, uint32_t label)
{
    if (place->kind)
        lwpy_walk_root(walk, object, place->kind, label);
    else
        lwpy_walk_edge(walk, object, place->borrowed ? LW_EDGE_BORROWED : LW_EDGE_STRONG, label);
}

static void doubt(lwpy_walk *walk, const place *place, PyObject *object, uint32_t label)
{
    if (!object || (uintptr_t)object & 7 || place->borrowed || walk->phase == LWPY_HIDE)
        return;
    if (walk->doubt_count == walk->doubt_capacity) {
        size_t capacity = walk->doubt_capacity ? walk->doubt_capacity * 2 : 64;
        lwpy_doubt *doubts = lw_sink_memory(walk->sink, walk->doubts,
                                            walk->doubt_capacity * sizeof *doubts,
                                            capacity * sizeof *doubts);
        if (!doubts) {
            walk->failed = LWPY_NO_MEMORY;
            return;
        }
        walk->doubts = doubts;
        walk->doubt_capacity = capacity;
    }
    walk->doubts[walk->doubt_count++] = (lwpy_doubt){ object, place->kind, label, place->holder };
}

static void put_stack(lwpy_walk *walk, const place *place, const lwpy_host_frame *frame)
{
    int variables = lwpy_host_frame_code(frame)->co_nlocalsplus;
    int used = lwpy_host_frame_used(frame), certain = used - variables, doubtful = certain;
    if (used < 0)
        certain = lwpy_stack_depth(walk->sink, frame, &doubtful);
    PyObject *const *stack = lwpy_host_frame_slots(frame) + variables;
    uint32_t label = 0;
    for (int i = 0; i < doubtful && !walk->failed; i++) {
        if (!label)
            label = label_of(walk, place, "evaluation stack", NULL);
        if (stack[i] && i < certain)
            put(walk, place, stack[i], label);
        else if (stack[i])
            doubt(walk, place, stack[i], label);
    }
}

static void put_slots(lwpy_walk *walk, const place *place, const lwpy_host_frame *frame)
{
    const PyCodeObject *code = lwpy_host_frame_code(frame);
    PyObject *const *slots = lwpy_host_frame_slots(frame);
    int used = lwpy_host_frame_used(frame);
    int variables = used >= 0 && used < code->co_nlocalsplus ? used : code->co_nlocalsplus;
    for (int i = 0; i < variables && !walk->failed; i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        if (slots[i])
            put(walk, place, slots[i], label_of(walk, place, NULL, name));
    }
    put_stack(walk, place, frame);
}

static void put_word(lwpy_walk *walk, const place *place, PyObject *object, const char *what)
{
    if (object)
        put(walk, place, object, label_of(walk, place, what, NULL));
}

static void put_frame(lwpy_walk *walk, const place *place, const lwpy_host_frame *frame)
{
    put_slots(walk, place, frame);
    put_word(walk, place, lwpy_host_frame_mapping(frame), "namespace");
    put_word(walk, place, lwpy_host_frame_function(frame), "function");
    put_word(walk, place, (PyObject *)lwpy_host_frame_code(frame), "code");
    put_word(walk, place, lwpy_host_frame_object(frame), "frame object");
}

void lwpy_frame_edges(lwpy_walk *walk, const lwpy_host_frame *frame)
{
    PyObject *holder = (PyObject *)(uintptr_t)walk->from;
    place place = { 0, holder, "", holder == walk->asker_generator };
    put_frame(walk, &place, frame);
}

static bool is_ours(const lwpy_walk *walk, const lwpy_host_frame *frame)
{
    PyObject *globals = lwpy_host_frame_globals(frame);
    for (size_t i = 0; i < walk->heap->hidden_count; i++) {
        PyObject *hidden = walk->heap->hidden[i];
        if (PyModule_Check(hidden) && PyModule_GetDict(hidden) == globals)
            return true;
    }
    return false;
}

/* A generator holds the variables of its frame; that it runs makes it a root. */
static void root_generator(lwpy_walk *walk, const lwpy_host_frame *frame, PyObject *generator,
                           uint32_t kind)
{
    place place = { kind, NULL, "", false };
    describe(&place, frame);
    if (kind == walk->kind_asker) {
        walk->asker_generator = generator;
        put_frame(walk, &place, frame);
    }
    place.kind = walk->kind_running;
    put_word(walk, &place, generator, "generator");
}

static void root_frame(lwpy_walk *walk, const lwpy_host_frame *frame, uint32_t kind)
{
    PyObject *generator = lwpy_host_frame_generator(frame);
    if (generator) {
        root_generator(walk, frame, generator, kind);
        return;
    }
    place place = { kind, NULL, "", false };
    describe(&place, frame);
    put_frame(walk, &place, frame);
}

static lwpy_host_frame *next_real(lwpy_host_frame *frame)
{
    while (frame && !lwpy_host_frame_real(frame))
        frame = lwpy_host_frame_previous(frame);
    return frame;
}

void lwpy_frames_find_asker(lwpy_walk *walk)
{
    lwpy_host_frame *frame = next_real(lwpy_host_frame_top(PyThreadState_Get()));
    while (frame && is_ours(walk, frame))
        frame = next_real(lwpy_host_frame_previous(frame));
    walk->asker = frame;
    if (frame && lwpy_host_frame_mapping(frame) == lwpy_host_frame_globals(frame))
        walk->asker_mapping = lwpy_host_frame_mapping(frame);
}

void lwpy_frames_roots(lwpy_walk *walk, const PyThreadState *thread)
{
    for (lwpy_host_frame *frame = next_real(lwpy_host_frame_top(thread)); frame && !walk->failed;
         frame = next_real(lwpy_host_frame_previous(frame))) {
        uint32_t kind = walk->kind_frame;
        if (frame == walk->asker)
            kind = walk->kind_asker;
        else if (is_ours(walk, frame))
            kind = walk->kind_ours;
        root_frame(walk, frame, kind);
    }
}

static void settle(lwpy_walk *walk, lwpy_doubt *doubt)
{
    if (doubt->kind) {
        lwpy_walk_root(walk, doubt->object, doubt->kind, doubt->label);
    } else {
        walk->from = lw_key_of(doubt->holder);
        lwpy_walk_edge(walk, doubt->object, LW_EDGE_STRONG, doubt->label);
    }
    doubt->object = NULL;
}

typedef struct search {
    lwpy_walk *walk;
    lwpy_marks wanted, found;
} search;

static int find_tracked(PyObject *object, void *user)
{
    search *search = user;
    if (lwpy_marks_has(&search->wanted, object) && lwpy_marks_add(&search->found, object) < 0)
        search->walk->failed = LWPY_NO_MEMORY;
    return search->walk->failed;
}

/* What is left in doubt lives for certain if the collector tracks it. */
static void settle_tracked(lwpy_walk *walk)
{
    search search = { walk, { .sink = walk->sink }, { .sink = walk->sink } };
    bool any = false;
    for (size_t i = 0; i < walk->doubt_count && !walk->failed; i++) {
        if (!walk->doubts[i].object)
            continue;
        any = true;
        if (lwpy_marks_add(&search.wanted, walk->doubts[i].object) < 0)
            walk->failed = LWPY_NO_MEMORY;
    }
    if (any && !walk->failed)
        lwpy_host_tracked(find_tracked, &search);
    for (size_t i = 0; i < walk->doubt_count && !walk->failed; i++) {
        lwpy_doubt *doubt = &walk->doubts[i];
        if (doubt->object && lwpy_marks_has(&search.found, doubt->object))
            settle(walk, doubt);
    }
    lwpy_marks_free(&search.wanted);
    lwpy_marks_free(&search.found);
}

void lwpy_doubts_settle(lwpy_walk *walk)
{
    for (size_t i = 0; i < walk->doubt_count && !walk->failed; i++) {
        lwpy_doubt *doubt = &walk->doubts[i];
        if (lwpy_walk_is_hidden(walk, doubt->object))
            doubt->object = NULL;
        else if (lwpy_marks_has(&walk->seen, doubt->object))
            settle(walk, doubt);
    }
    settle_tracked(walk);
}

void lwpy_doubts_free(lwpy_walk *walk)
{
    lwpy_give_back(walk->sink, walk->doubts, walk->doubt_capacity * sizeof *walk->doubts);
    walk->doubts = NULL;
    walk->doubt_count = walk->doubt_capacity = 0;
}
