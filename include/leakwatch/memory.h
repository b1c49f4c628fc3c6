/**
 * @file memory.h
 * Memory of the process: what of it is explained by what is known, and how much is not.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int to_stdout(const char *text, size_t length, void *user)
 * {
 *     (void)user;
 *     return fwrite(text, 1, length, stdout) != length;
 * }
 *
 * static int ask_pool(lw_memory_held *held, void *user)
 * {
 *     (void)user;
 *     held->held = 1 << 20; // what my pool took from the system,
 *     held->used = 600000;  // and what it has handed out of that
 *     return 0;
 * }
 *
 * int main(void)
 * {
 *     static char block[600000];
 *     lw_context *context = NULL;
 *     lw_domain *pool = NULL;
 *     lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
 *     options.name = "pool";
 *     lw_context_create(NULL, &context, NULL);
 *     lw_domain_create(context, &options, &pool, NULL);
 *     lw_block_alloc_at(pool, block, sizeof block, LW_HERE);
 *
 *     lw_memory_source source = LW_MEMORY_SOURCE_INIT;
 *     source.name = "pool";
 *     source.domains = &pool;
 *     source.domain_count = 1;
 *     source.ask = ask_pool;
 *     lw_memory_source_add(context, &source, NULL);
 *
 *     lw_memory memory = LW_MEMORY_INIT;
 *     lw_status status = lw_memory_get(context, &memory, NULL);
 *     int wrong = status != LW_E_UNSUPPORTED && memory.slack != (1 << 20) - 600000;
 *     if (status == LW_OK)
 *         lw_report_memory(&memory, NULL, to_stdout, NULL, NULL);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 *
 * **What is exact and what is a bound.** The process's size, files, shared memory and stacks are
 * the kernel's numbers of what is in memory (its counters lag by up to 256 KiB per processor). All
 * else is what was *asked for*: memory that is reserved and not touched, or swapped out, is not in the
 * process's size, so each of those parts reads "up to", and `unexplained` "at least". If together
 * they are more than there is, `absent` says by how much, and nothing is unexplained.
 */
#ifndef LEAKWATCH_MEMORY_H
#define LEAKWATCH_MEMORY_H

#include <leakwatch/record.h>

LW_BEGIN_DECLS

/** The most domains that lw_memory names. */
#define LW_MEMORY_DOMAINS 8

/** Room for a domain's name, with its end; longer ones are cut. */
#define LW_MEMORY_NAME 32

/** What a domain holds. */
typedef struct lw_memory_domain {
    char name[LW_MEMORY_NAME]; /**< terminated */
    int64_t bytes;             /**< live */
} lw_memory_domain;

/** Bits of lw_memory::flags. */
enum lw_memory_flags {
    LW_MEMORY_SILENT = 1, /**< a source could not answer: its slack is among what is unexplained */
    LW_MEMORY_MORE = 2    /**< there are more domains than are named; `blocks` has all of them */
};

/** The memory of the process at one moment, in bytes. `resident` is the sum of `blocks` to
 *  `unexplained`, less `absent`. */
typedef struct lw_memory {
    uint32_t struct_size;  /**< set by ::LW_MEMORY_INIT */
    uint32_t flags;        /**< ::lw_memory_flags */
    uint64_t resident;     /**< of the process, in memory */
    uint64_t peak;         /**< the most that ever was */
    uint64_t limit;        /**< of the nearest group of processes (container) that has one; 0: none
                                is known */
    uint64_t blocks;       /**< live blocks of all domains but those APART: up to */
    uint64_t unrecorded;   /**< handed out by allocators that say so, and not recorded: older than
                                recording, ignored, or the headers of blocks: up to */
    uint64_t slack;        /**< kept by allocators that say so, and by pools: up to */
    uint64_t stacks;       /**< of the main thread and of all that have sent events */
    uint64_t files;        /**< code, libraries, mapped files */
    uint64_t shared;       /**< shared with other processes, without a file */
    uint64_t own;          /**< our own, of all contexts and snapshots: up to */
    uint64_t unexplained;  /**< the rest: at least */
    uint64_t absent;       /**< what of the parts that read "up to" cannot be in memory: at least */
    uint64_t apart;        /**< live bytes of domains APART, as a device's: not in `resident` */
    uint32_t domain_count; /**< of `domains` */
    uint32_t reserved;     /**< 0 */
    lw_memory_domain domains[LW_MEMORY_DOMAINS]; /**< the largest that make up `blocks`, most bytes
                                                      first, equal ones by name */
} lw_memory;

/** Initial value of an ::lw_memory. */
#define LW_MEMORY_INIT                                                                             \
    {                                                                                              \
        (uint32_t)sizeof(lw_memory), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,               \
        {                                                                                          \
            {                                                                                      \
                {0}, 0                                                                             \
            }                                                                                      \
        }                                                                                          \
    }

/**
 * Sets the memory of the process against what is known.
 *
 * Reads `/proc/self/status` and `/proc/self/maps` into buffers on the stack (12 KiB), asks the
 * kernel which pages of known stacks are in memory, and asks all sources: 0.15 ms and 0.3 µs per
 * mapping on the machine of the README, besides what the sources take. Meanwhile, but for the
 * sources, events wait that are the first of their stack; others go on: a value "as of now".
 *
 * @param context whose domains
 * @param memory  filled up to its `struct_size`; zeroed on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOMEM; ::LW_E_STATE (inside a callback);
 *         ::LW_E_UNSUPPORTED (no Linux, or `/proc` is not there). any-thread; allocates nothing;
 *         calls back.
 */
LW_API lw_status lw_memory_get(lw_context *context, lw_memory *memory, lw_error *error);

/** What an allocator tells of itself. */
typedef struct lw_memory_held {
    uint32_t struct_size; /**< set before the call */
    uint32_t reserved;    /**< 0 */
    uint64_t held;        /**< bytes that it has from the system, or from another allocator that
                               does not tell of itself */
    uint64_t used;        /**< of these, bytes that it has handed out, with its headers */
} lw_memory_held;

/** Initial value of ::lw_memory_held. */
#define LW_MEMORY_HELD_INIT                                                                        \
    {                                                                                              \
        (uint32_t)sizeof(lw_memory_held), 0, 0, 0                                                  \
    }

/**
 * Asks an allocator how much it holds.
 *
 * @param held receives the numbers; comes with zeros
 * @param user the caller's pointer
 * @return 0; anything else if it cannot tell now. Called on the thread that asks, without a lock of
 *         ours; the host's collector may not run.
 */
typedef int (*lw_memory_source_fn)(lw_memory_held *held, void *user);

/** An allocator that tells of itself. */
typedef struct lw_memory_source {
    uint32_t struct_size;      /**< set by ::LW_MEMORY_SOURCE_INIT */
    uint32_t domain_count;     /**< of `domains` */
    const char *name;          /**< required; copied */
    lw_domain *const *domains; /**< in which blocks it hands out are recorded; copied; NULL: none.
                                    A domain belongs to one source */
    lw_memory_source_fn ask;   /**< required */
    void *user;                /**< passed to `ask` */
} lw_memory_source;

/** Initial value of ::lw_memory_source. */
#define LW_MEMORY_SOURCE_INIT                                                                      \
    {                                                                                              \
        (uint32_t)sizeof(lw_memory_source), 0, NULL, NULL, NULL, NULL                              \
    }

/**
 * Makes an allocator known, in place of the one of the same name.
 *
 * @param context that has its domains
 * @param source  the allocator
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID (no name, no `ask`, a domain of another context);
 *         ::LW_E_STATE (a domain belongs to another source); ::LW_E_LIMIT (more than 16);
 *         ::LW_E_NOMEM. *exclusive*.
 */
LW_API lw_status lw_memory_source_add(lw_context *context, const lw_memory_source *source,
                                      lw_error *error);

/**
 * Forgets an allocator.
 *
 * @param context that it was added to; NULL is ignored
 * @param name    of the source; harmless otherwise. *exclusive*.
 */
LW_API void lw_memory_source_remove(lw_context *context, const char *name);

LW_END_DECLS

#endif
