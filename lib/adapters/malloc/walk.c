/* The walk. Each frame leads to its caller's by a rule (rules.h); for code with frame pointers that
 * is what a frame-pointer walk does, but proven, place by place. No address is read that does not
 * lie between the stack pointer and the end of the mapping that it points into.
 *
 * A thread remembers its last stack. Where a frame of the new one is the same as a remembered one -
 * same place, same registers - the next frame must lie where it lay then, so all that is left to do
 * is to compare the return address and the saved bp that lie there now. These loads do not wait
 * for one another, as the chain itself would. The memory saves looking for frames, never comparing
 * them. */
#include "walk.h"

#include "options.h"
#include "rules.h"

#include <stdatomic.h>
#include <string.h>
#include <unwind.h>

static _Atomic uint32_t forgets = 1;

void lwm_walk_forget(void)
{
    atomic_fetch_add(&forgets, 1);
    lwm_rules_forget();
}

static inline uint64_t load(uint64_t place)
{
    return *(const uint64_t *)(uintptr_t)place;
}

enum step {
    STEP_ON,
    STEP_END,  /* this was the outermost frame */
    STEP_LOST, /* code without tables, or a stack that is not what they say */
    STEP_HARD  /* the tables say more than a rule can hold */
};

static bool readable(uint64_t place, uint64_t from)
{
    return place >= from && place <= lwm_thread.stack_high - 8 && (place & 7) == 0;
}

/* Out of a signal handler: the kernel has put all registers into a ucontext at sp. */
static enum step step_signal(lwm_level *at)
{
    enum { UCONTEXT_BP = 0x78, UCONTEXT_SP = 0xa0, UCONTEXT_PC = 0xa8 };
    if (!readable(at->sp + UCONTEXT_PC, at->sp))
        return STEP_LOST;
    uint64_t sp = load(at->sp + UCONTEXT_SP);
    if (!readable(sp, at->sp))
        return STEP_LOST;
    *at = (lwm_level){load(at->sp + UCONTEXT_PC) + 1, sp, load(at->sp + UCONTEXT_BP), 0, true};
    return at->pc > 1 ? STEP_ON : STEP_END;
}

/* From a frame to its caller's. */
static enum step step(lwm_level *at)
{
    lwm_rule rule = lwm_rule_of(at->pc - 1);
    uint64_t cfa, place = 0;
    switch (rule.is.kind) {
    case LWM_RULE_SP:
        cfa = at->sp + (uint64_t)(int64_t)rule.is.cfa;
        break;
    case LWM_RULE_BP:
        cfa = at->bp + (uint64_t)(int64_t)rule.is.cfa;
        break;
    case LWM_RULE_MEMORY:
        if (!readable(at->bp + (uint64_t)(int64_t)rule.is.cfa, at->sp))
            return STEP_LOST;
        cfa = load(at->bp + (uint64_t)(int64_t)rule.is.cfa);
        break;
    case LWM_RULE_SIGNAL:
        return step_signal(at);
    case LWM_RULE_END:
        return STEP_END;
    case LWM_RULE_HARD:
        return STEP_HARD;
    default:
        return STEP_LOST;
    }
    if (!readable(cfa - 8, at->sp))
        return STEP_LOST;
    if (rule.is.bp_kind != LWM_BP_SAME) {
        place = (rule.is.bp_kind == LWM_BP_CFA ? cfa : at->bp) + (uint64_t)(int64_t)rule.is.bp;
        if (!readable(place, at->sp))
            return STEP_LOST;
        at->bp = load(place);
    }
    at->pc = load(cfa - 8);
    at->sp = cfa;
    at->bp_place = place;
    at->loose = rule.is.kind == LWM_RULE_MEMORY;
    return at->pc ? STEP_ON : STEP_END;
}

static inline bool same(const lwm_level *a, const lwm_level *b)
{
    return a->pc == b->pc && a->sp == b->sp && a->bp == b->bp;
}

/* How many levels after the first, which is as it was, are as they were. */
static inline uint32_t unchanged(const lwm_level *level, uint32_t count)
{
    uint32_t i = 1;
    for (; i < count; i++) {
        if (load(level[i].sp - 8) != level[i].pc || level[i].loose ||
            (level[i].bp_place && load(level[i].bp_place) != level[i].bp))
            break;
    }
    return i;
}

/* A stack on its way from the remembered one to the new one. As long as frames lie where frames
 * lay both are one array, in which a frame that has changed is exchanged in place. */
typedef struct mix {
    lwm_memory *memory;
    const lwm_level *old;
    uint32_t old_at, old_count;
    uint32_t count; /* levels of the new stack so far */
    bool apart, changed;
} mix;

static void set_apart(mix *mix)
{
    lwm_memory *memory = mix->memory;
    mix->old_count -= mix->old_at;
    memcpy(memory->spare, memory->level + mix->old_at, mix->old_count * sizeof *mix->old);
    mix->old = memory->spare;
    mix->old_at = 0;
    mix->apart = true;
}

static void put(mix *mix, const lwm_level *level)
{
    if (!mix->apart && mix->count < mix->old_count && mix->old[mix->count].sp != level->sp)
        set_apart(mix);
    mix->memory->words[mix->count] = level->pc - 1;
    mix->memory->level[mix->count++] = *level;
    if (!mix->apart)
        mix->old_at = mix->count;
    mix->changed = true;
}

/* True if the level at hand is a remembered one, which is then at `old_at`. */
static inline bool meets(mix *mix, const lwm_level *at)
{
    if (mix->apart) {
        while (mix->old_at < mix->old_count && mix->old[mix->old_at].sp < at->sp)
            mix->old_at++;
    }
    return mix->old_at < mix->old_count && same(&mix->old[mix->old_at], at);
}

/* Takes over what is as it was, from a level that is. */
static inline void take_over(mix *mix, uint32_t limit)
{
    const lwm_level *from = mix->old + mix->old_at;
    uint32_t count = mix->old_count - mix->old_at;
    if (count > limit - mix->count)
        count = limit - mix->count;
    count = unchanged(from, count);
    mix->old_at += count;
    if (!mix->apart) {
        mix->count += count;
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        put(mix, &from[i]);
}

/* STEP_ON: there is more than `limit` allows. */
static enum step follow(mix *mix, lwm_level *at, uint32_t limit)
{
    enum step now = STEP_ON;
    while (now == STEP_ON && mix->count < limit) {
        if (meets(mix, at)) {
            take_over(mix, limit);
            if (mix->old_at == mix->old_count && mix->memory->end != STEP_ON)
                return (enum step)mix->memory->end;
            *at = mix->memory->level[mix->count - 1];
        } else {
            put(mix, at);
        }
        now = step(at);
    }
    return now;
}

static void rehash(lwm_memory *memory)
{
    const uint64_t *factors = lw_stack_factors();
    uint64_t hash = 0;
    for (uint32_t i = 0; i < memory->count; i++)
        hash += memory->words[i] * factors[i];
    memory->hash = hash;
}

/* Stacks of threads that end are used again, like their memory here: if both this frame and the
 * thread's own variables, which lie above it, are in the last one's stack, it is the same. */
static bool inherit(const lwm_memory *memory, uintptr_t frame)
{
    uintptr_t own = (uintptr_t)&lwm_thread;
    if (lwm_thread.stack_high || frame < memory->stack_low || own < frame ||
        own >= memory->stack_high)
        return false;
    lwm_thread.stack_low = memory->stack_low;
    lwm_thread.stack_high = memory->stack_high;
    return true;
}

static bool begin(lwm_memory *memory, uintptr_t frame)
{
    uint32_t now = atomic_load_explicit(&forgets, memory_order_relaxed);
    if (LWM_UNLIKELY(memory->forgets != now))
        memory->count = 0;
    memory->forgets = now;
    if (LWM_LIKELY(frame >= lwm_thread.stack_low && frame < lwm_thread.stack_high))
        return true;
    memory->count = 0;
    if (!inherit(memory, frame) && !lwm_stretch_find(frame))
        return false;
    memory->stack_low = lwm_thread.stack_low;
    memory->stack_high = lwm_thread.stack_high;
    return true;
}

void lwm_walk(lwm_memory *memory, const void *frame, lw_stack *stack)
{
    const uint64_t *saved = frame;
    lwm_level at = {saved[1], (uint64_t)(uintptr_t)(saved + 2), saved[0], 0, false};
    *stack = (lw_stack){memory->words, 0, 1, 0};
    if (!begin(memory, (uintptr_t)frame) || lwm_frames == 0)
        return;
    mix mix = {memory, memory->level, 0, memory->count, 0, false, false};
    enum step end = lwm_asked.by_libgcc ? STEP_HARD : follow(&mix, &at, lwm_frames);
    memory->count = mix.count;
    memory->end = (uint8_t)end;
    if (LWM_UNLIKELY(end == STEP_HARD)) {
        memory->count = 0;
        lwm_walk_libgcc(memory->words, frame, stack);
        return;
    }
    if (mix.changed)
        rehash(memory);
    stack->count = memory->count;
    stack->truncated = end == STEP_ON;
    stack->hash = memory->hash;
}

/* ---- by libgcc ---- */

typedef struct gathering {
    uint64_t *words;
    uint64_t first; /* the stack pointer of the first frame that counts */
    uint32_t count;
    bool more;
} gathering;

static _Unwind_Reason_Code gather(struct _Unwind_Context *context, void *user)
{
    gathering *to = user;
    int exact = 0;
    uint64_t word = _Unwind_GetIPInfo(context, &exact);
    if (_Unwind_GetCFA(context) < to->first)
        return _URC_NO_REASON;
    if (word == 0)
        return _URC_END_OF_STACK;
    if (to->count == lwm_frames) {
        to->more = true;
        return _URC_END_OF_STACK;
    }
    to->words[to->count++] = exact ? word : word - 1;
    return _URC_NO_REASON;
}

void lwm_walk_libgcc(uint64_t *words, const void *frame, lw_stack *stack)
{
    gathering to = {words, (uint64_t)(uintptr_t)frame + 16, 0, false};
    _Unwind_Backtrace(gather, &to);
    *stack = (lw_stack){words, to.count, to.more, 0};
}
