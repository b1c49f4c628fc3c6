/**
 * @file record.h
 * Recording: domains, and the events of their blocks.
 *
 * A host tells us of every block it hands out and takes back. That is all we need to say, at any
 * time and exactly, how many bytes live, where they were allocated, and in which region.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 * #include <stdlib.h>
 *
 * static lw_domain *heap;
 *
 * static void *my_malloc(size_t size, const char *place)
 * {
 *     void *block = malloc(size);
 *     lw_block_alloc_at(heap, block, size, place);
 *     return block;
 * }
 *
 * static void *my_realloc(void *block, size_t size, const char *place)
 * {
 *     lw_move move;
 *     lw_move_begin(heap, block, &move); // before the memory can go to another thread
 *     void *moved = realloc(block, size);
 *     if (moved)
 *         lw_move_end_at(&move, moved, size, place);
 *     else
 *         lw_move_cancel(&move); // the old block still stands
 *     return moved;
 * }
 *
 * static void my_free(void *block)
 * {
 *     lw_block_free(heap, block); // before the memory goes back
 *     free(block);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_domain_options options = LW_DOMAIN_OPTIONS_INIT;
 *     options.name = "malloc";
 *     lw_context_create(NULL, &context, NULL);
 *     lw_domain_create(context, &options, &heap, NULL);
 *
 *     char *text = my_malloc(100, LW_HERE);
 *     text = my_realloc(text, 300, LW_HERE);
 *     lw_domain_stats stats = LW_DOMAIN_STATS_INIT;
 *     lw_domain_stats_get(heap, &stats, NULL);
 *     printf("%lld bytes in %lld blocks\n", (long long)stats.bytes, (long long)stats.blocks);
 *     int wrong = stats.bytes != 300 || stats.blocks != 1;
 *     my_free(text);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 *
 * Events never fail: a NULL domain or block is ignored, and what our own memory cannot hold is
 * counted in lw_context_stats::dropped. Events of different blocks may come from any threads at
 * once; those of one block are ordered by its owner, as for `malloc` and `free` themselves.
 */
#ifndef LEAKWATCH_RECORD_H
#define LEAKWATCH_RECORD_H

#include <leakwatch/stack.h>

LW_BEGIN_DECLS

/** How the blocks of a domain lie among those of others. */
enum lw_domain_kind {
    LW_DOMAIN_SHARED = 0, /**< one record per address with all other shared domains; when several
                               hooks see one block, the outermost (the last to tell) owns it */
    LW_DOMAIN_CARVED = 1, /**< cuts blocks out of blocks of `parent`; see lw_domain_adopt() */
    LW_DOMAIN_APART = 2   /**< addresses of its own, such as a device's memory */
};

/** Bits of lw_domain_options::flags. */
enum lw_domain_flags {
    LW_DOMAIN_SERIAL = 1, /**< one lock of the host orders all events of this domain, also those of
                              its parent: faster. Of SHARED domains all must be of one host (the
                              same `describe_frame` and `user`), or it has no effect; no event
                              may run while a second host makes the first of its own */
    LW_DOMAIN_IN_PROCESS = 2 /**< of an APART domain: its blocks are memory of this process all the
                                  same (see memory.h), such as those of an allocator that aligns to
                                  8 bytes */
};

/** How to make a domain. */
typedef struct lw_domain_options {
    uint32_t struct_size;                /**< set by ::LW_DOMAIN_OPTIONS_INIT */
    int32_t kind;                        /**< ::lw_domain_kind */
    uint32_t flags;                      /**< ::lw_domain_flags */
    uint32_t alignment;                  /**< of its blocks: 8 or 16 bytes; 0 means 16. A SHARED
                                              domain takes 16 only */
    const char *name;                    /**< required, unique in the context; copied */
    lw_domain *parent;                   /**< for ::LW_DOMAIN_CARVED */
    lw_describe_frame_fn describe_frame; /**< NULL: words are shown as numbers */
    void *user;                          /**< passed to `describe_frame` and `name_frame` */
    lw_describe_frame_fn name_frame;     /**< NULL, or finds better words for a frame when it is
                                              first read: see ::lw_describe_frame_fn */
} lw_domain_options;

/** Initial value of ::lw_domain_options. */
#define LW_DOMAIN_OPTIONS_INIT                                                                     \
    {                                                                                              \
        (uint32_t)sizeof(lw_domain_options), 0, 0, 0, NULL, NULL, NULL, NULL, NULL                 \
    }

/**
 * Makes a domain. Domains with the same `describe_frame`, `name_frame` and `user` share their
 * frames.
 *
 * @param context owns the domain
 * @param options required, with a name
 * @param domain  receives the domain, or NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID (bad options); ::LW_E_STATE (the name is taken: two adapters
 *         of one kind in one context); ::LW_E_NOMEM; ::LW_E_LIMIT (more than 255). *exclusive*.
 */
LW_API lw_status lw_domain_create(lw_context *context, const lw_domain_options *options,
                                  lw_domain **domain, lw_error *error);

/** What a domain holds now and has seen so far. */
typedef struct lw_domain_stats {
    uint32_t struct_size;   /**< set by ::LW_DOMAIN_STATS_INIT */
    uint32_t reserved;      /**< 0 */
    int64_t bytes;          /**< live bytes, adopted chunks not counted */
    int64_t blocks;         /**< live blocks, adopted chunks not counted */
    uint64_t allocated;     /**< blocks ever allocated */
    uint64_t freed;         /**< blocks ever freed, or told of by an outer hook too */
    int64_t adopted_bytes;  /**< bytes of blocks that carved domains cut up; each byte of theirs
                                 counts there, so all domains' `bytes` may be added up */
    int64_t adopted_blocks; /**< the number of such blocks */
    int64_t bytes_margin;   /**< with samples among its blocks (mode.h) all numbers are estimates:
                                 `bytes` lies within this of the truth in 95 % of cases; 0: exact */
    int64_t blocks_margin;  /**< the same for `blocks` */
} lw_domain_stats;

/** Initial value of ::lw_domain_stats. */
#define LW_DOMAIN_STATS_INIT                                                                       \
    {                                                                                              \
        (uint32_t)sizeof(lw_domain_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0                               \
    }

/**
 * Reads a domain's numbers without stopping anybody: a value "as of now".
 *
 * @param domain the domain
 * @param stats  filled up to its `struct_size`; zeroed on failure
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. any-thread.
 */
LW_API lw_status lw_domain_stats_get(const lw_domain *domain, lw_domain_stats *stats,
                                     lw_error *error);

/**
 * Declares a live block of the parent to be a chunk that a carved domain cuts up. From now on
 * the chunk's bytes count only as the child's blocks; until then, both count. Freeing or resizing
 * the chunk in the parent ends this and forgets the child's blocks in it.
 *
 * @param child a domain of kind ::LW_DOMAIN_CARVED
 * @param chunk the start of a live block of its parent
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOT_FOUND (no such block is recorded); ::LW_E_STATE
 *         (adopted already); ::LW_E_NOMEM. any-thread, by the owner of the chunk.
 */
LW_API lw_status lw_domain_adopt(lw_domain *child, const void *chunk, lw_error *error) LW_ADDRESS_2;

/**
 * A block was handed out. Call it after the allocation. A block that is not aligned as its domain
 * says is not recorded, and counted in lw_context_stats::dropped_address.
 *
 * @param domain where
 * @param block  its address; NULL is ignored
 * @param size   its size in bytes as asked for
 * @param stack  the calls that lead here, or NULL if not known. any-thread.
 */
LW_API void lw_block_alloc(lw_domain *domain, const void *block, uint64_t size,
                           const lw_stack *stack) LW_ADDRESS_2;

/**
 * lw_block_alloc() with a place in a C source as its stack.
 *
 * @param domain where
 * @param block  its address; NULL is ignored
 * @param size   its size in bytes as asked for
 * @param place  ::LW_HERE: a string literal "file:line"; must stay as long as the context.
 *               any-thread.
 */
LW_API void lw_block_alloc_at(lw_domain *domain, const void *block, uint64_t size,
                              const char *place) LW_ADDRESS_2;

/**
 * A block goes back. Call it *before* the memory is given back. Unknown blocks are harmless.
 *
 * @param domain where
 * @param block  its address; NULL is ignored. any-thread.
 */
LW_API void lw_block_free(lw_domain *domain, const void *block) LW_ADDRESS_2;

/**
 * lw_block_free() for a host that knows the size. A size that differs from the recorded one is
 * counted as a replaced block: the host freed something else than what we knew.
 *
 * @param domain where
 * @param block  its address; NULL is ignored
 * @param size   the size in bytes. any-thread.
 */
LW_API void lw_block_free_sized(lw_domain *domain, const void *block, uint64_t size) LW_ADDRESS_2;

/**
 * All blocks that begin in a range go back at once: a pool is reset, an arena is unmapped. Call it
 * *before* the memory is given back. What carved domains cut out of them ends too.
 *
 * @param domain where; for a SHARED domain, the blocks of all shared domains
 * @param first  where the range begins
 * @param size   of the range in bytes. any-thread, by one who knows that no block of the range is
 *               being freed or resized meanwhile; takes time by what is there, not by `size`.
 */
LW_API void lw_domain_free_range(lw_domain *domain, const void *first, uint64_t size) LW_ADDRESS_2;

/**
 * All blocks of a domain go back at once: a whole pool, or a device that is reset.
 *
 * @param domain where; of what shared domains have in common, the blocks that this one owns.
 *               any-thread, as for lw_domain_free_range().
 */
LW_API void lw_domain_free_all(lw_domain *domain);

/** A block on its way through `realloc`. On the caller's stack; its fields are private. */
typedef struct lw_move {
    lw_domain *domain; /**< private */
    const void *block; /**< private */
    uint64_t record;   /**< private */
    uint64_t size;     /**< private */
} lw_move;

/**
 * A block is about to be resized. Its record is set aside, since another thread may get its
 * address as soon as `realloc` lets go of it. Exactly one of the `lw_move_...` calls below
 * must follow, on the same thread.
 *
 * @param domain where
 * @param block  the block as it is now; NULL (then the end is a plain allocation)
 * @param move   receives what is set aside. any-thread.
 */
LW_API void lw_move_begin(lw_domain *domain, const void *block, lw_move *move) LW_ADDRESS_2;

/**
 * The block was resized, in place or not. It counts as freed and allocated anew, here.
 *
 * @param move  what lw_move_begin() filled
 * @param block the block as it is now
 * @param size  its new size in bytes
 * @param stack as for lw_block_alloc(). any-thread.
 */
LW_API void lw_move_end(lw_move *move, const void *block, uint64_t size,
                        const lw_stack *stack) LW_ADDRESS_2;

/**
 * lw_move_end() with a place in a C source as its stack.
 *
 * @param move  what lw_move_begin() filled
 * @param block the block as it is now
 * @param size  its new size in bytes
 * @param place as for lw_block_alloc_at(). any-thread.
 */
LW_API void lw_move_end_at(lw_move *move, const void *block, uint64_t size,
                           const char *place) LW_ADDRESS_2;

/**
 * The block could not be resized and stands as it was, record, region and all.
 *
 * @param move what lw_move_begin() filled. any-thread.
 */
LW_API void lw_move_cancel(lw_move *move);

/** What is known of a live block. */
typedef struct lw_block {
    uint32_t struct_size; /**< set by ::LW_BLOCK_INIT */
    lw_site site;         /**< where it was allocated; 0 unknown */
    const void *address;  /**< its start */
    uint64_t size;        /**< in bytes */
    uint64_t epoch;       /**< of its birth: see lw_snapshot_info::epoch */
} lw_block;

/** Initial value of an ::lw_block. */
#define LW_BLOCK_INIT                                                                              \
    {                                                                                              \
        (uint32_t)sizeof(lw_block), 0, NULL, 0, 0                                                  \
    }

/**
 * Finds the live block that an address points to or into.
 *
 * @param domain  where; for a SHARED domain, the blocks of all shared domains
 * @param address any address
 * @param block   filled up to its `struct_size`; zeroed on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID, ::LW_E_NOT_FOUND or ::LW_E_NOMEM. any-thread, by one who knows
 *         that the block is not being freed meanwhile.
 */
LW_API lw_status lw_block_find(lw_domain *domain, const void *address, lw_block *block,
                               lw_error *error);

/**
 * Takes a live block out of the books, as if it had been allocated between lw_ignore_begin() and
 * lw_ignore_end(): nothing counts it any more, its end is silent, and it stays ignored when it is
 * resized. What it added to peaks stays in them.
 *
 * @param domain where; for a SHARED domain, the blocks of all shared domains
 * @param block  its start
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK, also for one that is ignored already; ::LW_E_INVALID; ::LW_E_NOT_FOUND (no
 *         recorded block starts there); ::LW_E_STATE (a carved domain cuts it up: ignore the
 *         pieces); or ::LW_E_NOMEM. any-thread, by one who knows that the block is not being freed
 *         or resized meanwhile.
 */
LW_API lw_status lw_block_ignore(lw_domain *domain, const void *block, lw_error *error);

/**
 * Declares that a live block is allocated once and lives for good: a table, a singleton. It is
 * counted as before, but has a row of its own in tables of survivors, and no verdict calls it a
 * leak. Resizing makes it a new block, which is not declared.
 *
 * @param domain where; for a SHARED domain, the blocks of all shared domains
 * @param block  its start
 * @param error  NULL, or receives what went wrong
 * @return as lw_block_ignore()
 */
LW_API lw_status lw_block_once(lw_domain *domain, const void *block, lw_error *error);

LW_END_DECLS

#endif
