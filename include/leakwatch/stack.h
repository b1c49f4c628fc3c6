/**
 * @file stack.h
 * Call stacks: what an event comes from, and how it is put into words.
 *
 * A host describes a stack by *words*: one number per active call, the innermost first - an
 * instruction pointer, or whatever else names code and line. They are put into words once, when
 * a word is first seen, by the host's `describe_frame`.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int describe(uint64_t word, lw_frame *frame, void *user)
 * {
 *     static const char *const names[] = {"", "main", "handle", "put"};
 *     (void)user;
 *     frame->function = names[word / 100];
 *     frame->file = "cache.lang";
 *     frame->line = (uint32_t)(word % 100);
 *     return 0;
 * }
 *
 * static int show(const lw_frame *frame, void *user)
 * {
 *     printf("%s at %s:%u\n", frame->function, frame->file, (unsigned)frame->line);
 *     ++*(int *)user;
 *     return 0;
 * }
 *
 * int main(void)
 * {
 *     static char block[32];
 *     static const uint64_t calls[] = {341, 217, 103}; // put:41, called by handle:17, by main:3
 *     lw_context *context = NULL;
 *     lw_domain *heap = NULL;
 *     lw_block found = LW_BLOCK_INIT;
 *     lw_stack stack = {calls, 3, 0, 0};
 *     lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
 *     int lines = 0;
 *     options.name = "lang";
 *     options.describe_frame = describe;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_domain_create(context, &options, &heap, NULL);
 *
 *     lw_block_alloc(heap, block, sizeof block, &stack);
 *     lw_block_find(heap, block + 8, &found, NULL); // any address inside will do
 *     lw_site_frames(context, found.site, show, &lines, NULL);
 *     lw_context_release(context);
 *     return lines != 3;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_STACK_H
#define LEAKWATCH_STACK_H

#include <leakwatch/context.h>

LW_BEGIN_DECLS

/** A source of memory: `malloc`, `python.obj`, a pool, a GPU. Lives as long as its context. */
typedef struct lw_domain lw_domain;

/** An interned call stack. 0: none is known. Ids belong to one context. */
typedef uint32_t lw_site;

/** The most frames a stack may have. */
#define LW_STACK_MAX 128

/** Bits of lw_frame::flags. */
enum lw_frame_flags {
    LW_FRAME_OWN = 1,    /**< the user's own code, not a library's: reports show this line first */
    LW_FRAME_INLINED = 2 /**< the compiler put this call into the code of the next frame's function */
};

/** One line of a call stack, in words. */
typedef struct lw_frame {
    uint32_t struct_size; /**< set by ::LW_FRAME_INIT */
    uint32_t flags;       /**< ::lw_frame_flags */
    uint32_t line;        /**< 1 is the first; 0 unknown */
    uint32_t level;       /**< 0, but see ::lw_describe_frame_fn */
    const char *function; /**< UTF-8, or NULL if not known */
    const char *file;     /**< UTF-8, or NULL if not known */
} lw_frame;

/** Initial value of an ::lw_frame. */
#define LW_FRAME_INIT                                                                              \
    {                                                                                              \
        (uint32_t)sizeof(lw_frame), 0, 0, 0, NULL, NULL                                            \
    }

/**
 * Puts a word of a stack into words. Called once per word, when it is first seen, from inside an
 * event, one call at a time per context. It must not allocate from, or run code of, the host.
 * Of ours it may call lw_code_watch() and what reads lw_context_stats; other calls answer
 * ::LW_E_STATE, and events are counted in lw_context_stats::dropped_reentry.
 *
 * As lw_domain_options::name_frame it is called once per frame when somebody first reads it: by a
 * table of survivors, lw_site_frames(), a path. That is the time for what is slow, such as debug
 * information. The frame then holds what `describe_frame` told; what it meant may be gone. If it
 * answers with ::LW_FRAME_INLINED set, it is called again for the frame that this call was inlined
 * into, with one more in lw_frame::level and all else the same: one word may stand for many frames.
 *
 * @param word  one of lw_stack::words
 * @param frame to be filled; the strings must stay until the next call and are copied at once
 * @param user  lw_domain_options::user
 * @return 0, or anything else if the word means nothing: the frame is then shown as a number
 */
typedef int (*lw_describe_frame_fn)(uint64_t word, lw_frame *frame, void *user);

/** Where an event comes from: words that stand for the active calls, the innermost first. */
typedef struct lw_stack {
    const uint64_t *words; /**< `count` words, never 0, read during the call only */
    uint32_t count;        /**< 0 to ::LW_STACK_MAX */
    uint32_t truncated;    /**< 1: there are more calls than words */
    uint64_t hash;         /**< 0, or the sum of word × factor (see lw_stack_factors()) */
} lw_stack;

/**
 * ::LW_STACK_MAX odd factors, by level. A walker that knows which words have changed since its
 * last stack corrects lw_stack::hash (sum of `words[i] * factors[i]`, modulo 2^64) in passing
 * instead of leaving the whole sum to us.
 *
 * @return a static table. any-thread.
 */
LW_API const uint64_t *lw_stack_factors(void);

/** @cond */
#define LW_STRINGIZE_(x) #x
#define LW_STRINGIZE(x) LW_STRINGIZE_(x)
/** @endcond */

/** The place in the source where this macro stands, for the calls that end in `_at`. */
#define LW_HERE __FILE__ ":" LW_STRINGIZE(__LINE__)

/**
 * Receives the frames of a site, the innermost first.
 *
 * @param frame a frame; its strings live as long as the context
 * @param user  the caller's pointer
 * @return 0 to go on, anything else to stop
 */
typedef int (*lw_frame_fn)(const lw_frame *frame, void *user);

/**
 * The call stack of a site in words.
 *
 * @param context whose site
 * @param site    from ::lw_block
 * @param visit   called for each frame; may call any-thread functions
 * @param user    passed to `visit`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND or ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_site_frames(lw_context *context, lw_site site, lw_frame_fn visit, void *user,
                                lw_error *error);

/**
 * Says that the words inside a piece of code mean that code only as long as a block lives: when
 * `code` is freed in `domain`, they are retired. May be called from `describe_frame`. The block
 * need not be recorded; a block that is not is watched without being counted.
 *
 * @param domain where the code lives; its frames are meant
 * @param code   the block's address
 * @param size   its size in bytes
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_code_watch(lw_domain *domain, const void *code, uint64_t size) LW_ADDRESS_2;

/**
 * Retires the words from `first` to `last`: what they meant is gone, sites that have them keep
 * their names, and a later stack with such a word is described anew.
 *
 * @param domain whose frames
 * @param first  the first word
 * @param last   the last word. any-thread.
 */
LW_API void lw_code_retire(lw_domain *domain, uint64_t first, uint64_t last);

LW_END_DECLS

#endif
