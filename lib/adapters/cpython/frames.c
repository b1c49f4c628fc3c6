/* The stack of a thread, read as raw words in every event.
 *
 * Following `previous` from frame to frame costs a round trip to the cache each, since every load
 * waits for the one before. But most stacks resemble the last one of their thread. So each thread
 * remembers its last stack; as long as `previous` leads to the frame that is remembered next, the
 * walk goes on from the *remembered* address, and the processor may load what lies there before
 * the comparison is done. Every frame is still compared, every word still read: frames are
 * recycled at the same address while their caller has moved on.
 *
 *     frame  | ... room ... | innermost | caller | caller's caller | ... room ... |
 *     word   | ... room ... |   0x7f..  | 0x7f.. |      0x7f..     | ... room ... |
 *                           ^ first                                ^ end
 *
 * A call takes the room in front, a return gives it back. */
#include "frames.h"
#include "record.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

enum {
    ROOM = 3 * LW_STACK_MAX,
    NEAR = 16 /* how far into the remembered stack a frame is searched for */
};

typedef const lwpy_host_frame frame_in;

/* Ends what is remembered: no frame, and nothing that `previous` ever is. */
#define NOWHERE ((frame_in *)(uintptr_t)1)

struct walk {
    uint32_t first;
    uint32_t end;
    uint64_t hash;
    frame_in *frame[ROOM + 1]; /* frame[end] is NOWHERE */
    uint64_t word[ROOM];
    struct walk *next;
    atomic_bool taken; /* by a thread that lives */
};

static LWPY_THREAD_LOCAL struct walk *mine;
static struct walk *walks; /* all of them; guarded by the GIL */
static pthread_key_t at_thread_exit;
static bool have_key;
static uint32_t limit = 1;
static const uint64_t *factors;

static struct {
    PyObject *globals;
    bool floor;
} hidden[LWPY_HIDDEN_MAX];
static uint32_t hidden_count;
static uint32_t hiding; /* as many of them as are in force */
static PyObject *plain; /* the last globals that were found not to be hidden */

bool lwpy_record_hide(PyObject *globals, bool floor)
{
    if (hidden_count == LWPY_HIDDEN_MAX)
        return false;
    hidden[hidden_count].globals = Py_NewRef(globals);
    hidden[hidden_count++].floor = floor;
    if (lwpy_record_context())
        lwpy_frames_setup(limit, true);
    return true;
}

/* ---- memory: one walk for each thread ---- */

static void give_back(void *walk)
{
    mine = NULL;
    atomic_store(&((struct walk *)walk)->taken, false);
}

static void forget_other_threads(void)
{
    for (struct walk *walk = walks; walk; walk = walk->next)
        atomic_store(&walk->taken, walk == mine);
}

void lwpy_frames_setup(uint32_t frames, bool hide)
{
    if (!factors) {
        factors = lw_stack_factors();
        have_key = pthread_key_create(&at_thread_exit, give_back) == 0;
        pthread_atfork(NULL, NULL, forget_other_threads);
    }
    limit = frames;
    hiding = hide ? hidden_count : 0;
    plain = NULL;
    for (struct walk *walk = walks; walk; walk = walk->next) {
        walk->first = walk->end = 0;
        walk->frame[0] = NOWHERE;
    }
}

static struct walk *first_walk_of_thread(void)
{
    struct walk *walk = walks;
    while (walk && atomic_load(&walk->taken))
        walk = walk->next;
    if (!walk) {
        walk = mmap(NULL, sizeof *walk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (walk == MAP_FAILED)
            return NULL;
        walk->next = walks;
        walks = walk;
    }
    atomic_store(&walk->taken, true);
    walk->first = walk->end = 0;
    walk->frame[0] = NOWHERE;
    if (have_key)
        pthread_setspecific(at_thread_exit, walk);
    mine = walk;
    return walk;
}

/* ---- which frames count ---- */

enum {
    PLAIN,
    HIDDEN,
    FLOOR
};

static __attribute__((noinline)) int look_hidden(PyObject *globals)
{
    for (uint32_t i = 0; i < hiding; i++)
        if (globals == hidden[i].globals)
            return hidden[i].floor ? FLOOR : HIDDEN;
    plain = globals;
    return PLAIN;
}

static inline int is_hidden(frame_in *frame)
{
    PyObject *globals = lwpy_host_frame_globals(frame);
    return LWPY_LIKELY(globals == plain) ? PLAIN : look_hidden(globals);
}

/* The first frame from here outwards that belongs into a stack, or NULL. */
static inline frame_in *outward(frame_in *frame)
{
    for (; frame; frame = lwpy_host_frame_previous(frame)) {
        if (!lwpy_host_frame_shown(frame))
            continue;
        int hide = is_hidden(frame);
        if (hide == PLAIN)
            return frame;
        if (hide == FLOOR)
            return NULL;
    }
    return NULL;
}

/* ---- the walk ---- */

/* Appends the stack from `frame` outwards; true if it has more frames than the limit. */
static __attribute__((noinline)) bool append(struct walk *walk, frame_in *frame)
{
    uint32_t at = walk->end, stop = walk->first + limit;
    for (; frame && at < stop; frame = outward(lwpy_host_frame_previous(frame))) {
        walk->frame[at] = frame;
        walk->word[at++] = lwpy_host_frame_word(frame);
    }
    walk->frame[at] = NOWHERE;
    walk->end = at;
    return frame != NULL;
}

static __attribute__((noinline)) void hash_anew(struct walk *walk)
{
    uint64_t hash = 0;
    const uint64_t *word = walk->word + walk->first;
    for (uint32_t level = 0; level < walk->end - walk->first; level++)
        hash += word[level] * factors[level];
    walk->hash = hash;
}

/* True if `frame` leads to the frame remembered at index `to`, with the word remembered there. */
static inline bool leads(const struct walk *walk, frame_in **frame, size_t to)
{
    frame_in *remembered = walk->frame[to];
    if (lwpy_host_frame_previous(*frame) != remembered)
        return false;
    __asm__("" : "=r"(*frame) : "0"(remembered)); /* or the compiler goes on from `previous` */
    return lwpy_host_frame_word(*frame) == walk->word[to];
}

/* The longest stretch from index `at` on in which each frame leads to the one remembered next and
 * has the word that is remembered: returns the index of its last frame. The time goes here. */
static inline size_t unchanged(const struct walk *walk, size_t at)
{
    frame_in *frame = walk->frame[at];
    for (;; at += 4) {
        if (!leads(walk, &frame, at + 1))
            return at;
        if (!leads(walk, &frame, at + 2))
            return at + 1;
        if (!leads(walk, &frame, at + 3))
            return at + 2;
        if (!leads(walk, &frame, at + 4))
            return at + 3;
    }
}

/* Compares the remembered stack from index `at` on with the frames that are there, and puts right
 * what differs. frame[at] is known to be right. True if there are more frames than the limit. */
static inline bool follow(struct walk *walk, uint32_t at, bool *rehash)
{
    for (;;) {
        at = (uint32_t)unchanged(walk, at);
        frame_in *frame = lwpy_host_frame_previous(walk->frame[at]);
        if (frame)
            frame = outward(frame);
        if (LWPY_LIKELY(++at == walk->end)) {
            if (LWPY_LIKELY(!frame || at - walk->first == limit))
                return frame != NULL;
        } else if (frame == walk->frame[at]) {
            uint64_t word = lwpy_host_frame_word(frame);
            walk->hash += (word - walk->word[at]) * factors[at - walk->first];
            walk->word[at] = word;
            continue;
        }
        *rehash = true;
        walk->end = at;
        return append(walk, frame);
    }
}

/* Makes `first` the place of the innermost frame, with room for a whole stack behind it. What is
 * remembered from index `kept` on moves along; returns its new index. */
static uint32_t make_room(struct walk *walk, uint32_t kept, uint32_t fresh)
{
    uint32_t count = walk->end - kept;
    if (count > limit - fresh)
        count = limit - fresh;
    uint32_t to = kept;
    if (kept < fresh || kept - fresh + limit > ROOM)
        to = (ROOM - limit) / 2 + fresh;
    if (to != kept) {
        memmove(walk->frame + to, walk->frame + kept, count * sizeof walk->frame[0]);
        memmove(walk->word + to, walk->word + kept, count * sizeof walk->word[0]);
    }
    walk->first = to - fresh;
    walk->end = to + count;
    walk->frame[walk->end] = NOWHERE;
    return to;
}

/* Where the remembered stack has this frame, or `end`. */
static uint32_t find(const struct walk *walk, frame_in *frame)
{
    uint32_t stop = walk->end - walk->first > NEAR ? walk->first + NEAR : walk->end;
    for (uint32_t at = walk->first; at < stop; at++)
        if (walk->frame[at] == frame)
            return at;
    return walk->end;
}

/* The innermost frame is not the remembered one: something was called or has returned since. */
static bool realign(struct walk *walk, frame_in *frame)
{
    frame_in *fresh[LW_STACK_MAX];
    uint32_t count = 0, found = walk->end;
    for (; frame && count < limit; frame = outward(lwpy_host_frame_previous(frame))) {
        found = find(walk, frame);
        if (found < walk->end)
            break;
        fresh[count++] = frame;
    }
    bool more, known = found < walk->end, rehash = false;
    uint32_t at = make_room(walk, found, count);
    for (uint32_t i = 0; i < count; i++) {
        walk->frame[walk->first + i] = fresh[i];
        walk->word[walk->first + i] = lwpy_host_frame_word(fresh[i]);
    }
    if (known) {
        walk->word[at] = lwpy_host_frame_word(frame);
        more = follow(walk, at, &rehash);
    } else {
        more = append(walk, frame);
    }
    hash_anew(walk);
    return more;
}

static bool is_counted(frame_in *frame)
{
    return lwpy_host_frame_shown(frame) && !is_hidden(frame);
}

/* Makes the remembered innermost frame right, if it is the one that runs. */
static inline bool is_remembered(struct walk *walk, frame_in *frame)
{
    if (LWPY_UNLIKELY(frame != walk->frame[walk->first]))
        return false;
    uint64_t word = lwpy_host_frame_word(frame), last = walk->word[walk->first];
    if (word == last)
        return true;
    if (LWPY_UNLIKELY(!is_counted(frame)))
        return false;
    walk->hash += (word - last) * factors[0];
    walk->word[walk->first] = word;
    return true;
}

bool lwpy_frames_ours(PyThreadState *thread)
{
    if (LWPY_LIKELY(!hiding))
        return false;
    frame_in *frame = lwpy_host_frame_top(thread);
    while (frame && !lwpy_host_frame_shown(frame))
        frame = lwpy_host_frame_previous(frame);
    return frame && is_hidden(frame);
}

enum lwpy_stack_kind lwpy_frames_take(PyThreadState *thread, lw_stack *stack)
{
    struct walk *walk = mine;
    if (LWPY_UNLIKELY(!walk) && !(walk = first_walk_of_thread()))
        return LWPY_STACK_UNKNOWN;
    frame_in *frame = lwpy_host_frame_top(thread);
    bool more, rehash = false;
    if (LWPY_LIKELY(is_remembered(walk, frame))) {
        more = follow(walk, walk->first, &rehash);
        if (rehash)
            hash_anew(walk);
    } else {
        while (frame && !lwpy_host_frame_shown(frame))
            frame = lwpy_host_frame_previous(frame);
        if (frame && is_hidden(frame))
            return LWPY_STACK_OURS;
        more = realign(walk, frame);
    }
    stack->words = walk->word + walk->first;
    stack->count = walk->end - walk->first;
    stack->truncated = more;
    stack->hash = walk->hash;
    return LWPY_STACK_TAKEN;
}

PyCodeObject *lwpy_frames_code(uint64_t word)
{
    const struct walk *walk = mine;
    if (walk)
        for (uint32_t at = walk->first; at < walk->end; at++)
            if (walk->word[at] == word)
                return lwpy_host_frame_code(walk->frame[at]);
    return NULL;
}
