/**
 * @file base.h
 * Status codes, errors, memory and versions: what every other header builds on.
 *
 * Every call that can fail returns an ::lw_status and takes an optional ::lw_error as its last
 * parameter. Nothing prints, aborts or keeps a "last error" behind your back.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * int main(void)
 * {
 *     lw_error error = LW_ERROR_INIT;
 *     lw_context *context = NULL;
 *     if (lw_context_create(NULL, &context, &error) != LW_OK) {
 *         fprintf(stderr, "%s: %s\n", lw_status_name(error.status), error.message);
 *         return 1;
 *     }
 *     // A wrong call says what was wrong and where; the context is unchanged.
 *     lw_region *region = NULL;
 *     lw_status status = lw_region_create(context, NULL, NULL, &region, &error);
 *     printf("%s: %s\n", lw_status_name(status), error.message);
 *     lw_context_release(context);
 *     return status == LW_E_INVALID ? 0 : 1;
 * }
 * @endcode
 *
 * **Structs that grow.** Options and results are plain structs whose first field is
 * `uint32_t struct_size`, set by the matching `LW_..._INIT`. A shorter one (older caller) is
 * extended with zeros, or filled as far as it goes. Longer options (newer caller) are taken only if
 * their tail is zero, else the call answers ::LW_E_INVALID; the tail of a longer result is zeroed.
 * Zero in an option always means "the default".
 *
 * **Threads.** Each function says one of: *any-thread* (may be called from every thread at any
 * time), *exclusive* (no other exclusive call on the same context may run meanwhile; any-thread
 * calls may) or *immutable* (works on a value that never changes; any number of threads at once).
 *
 * **Callbacks.** Inside `describe_frame` (stack.h) only events and lw_code_watch() do anything;
 * calls that need the context's tables answer ::LW_E_STATE there.
 */
#ifndef LEAKWATCH_BASE_H
#define LEAKWATCH_BASE_H

#include <stddef.h>
#include <stdint.h>

/** @cond macros that only serve the declarations below */
#ifdef __cplusplus
#define LW_BEGIN_DECLS extern "C" {
#define LW_END_DECLS }
#else
#define LW_BEGIN_DECLS
#define LW_END_DECLS
#endif

#if defined(_WIN32) && defined(LW_BUILDING_SHARED)
#define LW_API __declspec(dllexport)
#elif defined(__GNUC__)
#define LW_API __attribute__((visibility("default")))
#else
#define LW_API
#endif

/* Parameter 2 is an address that is never read through: memory fresh from malloc is no mistake. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define LW_ADDRESS_2 __attribute__((access(none, 2)))
#else
#define LW_ADDRESS_2
#endif
/** @endcond */

LW_BEGIN_DECLS

/** Major version of these headers: changes when the ABI breaks. */
#define LW_VERSION_MAJOR 0
/** Minor version of these headers: changes when something is added. */
#define LW_VERSION_MINOR 1
/** Patch version of these headers: changes with every release. */
#define LW_VERSION_PATCH 0

/**
 * The version of the library that runs, which may be newer than the headers.
 *
 * @return a static string such as "0.1.0". any-thread.
 */
LW_API const char *lw_version(void);

/** What a call answers: ::LW_OK or one of the negative codes of ::lw_status_code. */
typedef int32_t lw_status;

/** The values of ::lw_status. Values are never reused. */
enum lw_status_code {
    LW_OK = 0,             /**< done */
    LW_E_INVALID = -1,     /**< an argument is wrong: NULL, out of range, bad struct_size */
    LW_E_NOMEM = -2,       /**< our own memory ran out; nothing changed */
    LW_E_STATE = -3,       /**< not now: ended twice, out of order, already stopped */
    LW_E_NOT_FOUND = -4,   /**< no such object, name or key; a round that is forgotten */
    LW_E_RUNTIME = -5,     /**< a runtime's callback failed or broke its contract */
    LW_E_LIMIT = -6,       /**< more than the format can hold (2^32 nodes, names, ...) */
    LW_E_UNSUPPORTED = -7, /**< this platform or host cannot do it */
    LW_E_IO = -8,          /**< the writer you passed, or the system, could not write or read */
    LW_E_CANCELLED = -9,   /**< the progress callback said stop; nothing changed */
    LW_E_FORMAT = -10      /**< not a file of ours, damaged, or from a newer version */
};

/**
 * The name of a status, for messages: "LW_E_STATE".
 *
 * @param status any value
 * @return a static string; "LW_E_UNKNOWN" for a value this version does not know. any-thread.
 */
LW_API const char *lw_status_name(lw_status status);

/** What went wrong, filled by the call that failed. Owned by the caller, on its stack. */
typedef struct lw_error {
    uint32_t struct_size; /**< set by ::LW_ERROR_INIT */
    lw_status status;     /**< the same value that the call returned */
    char message[240];    /**< one sentence: what, where, what to do; always terminated */
} lw_error;

/** Initial value of an ::lw_error. */
#define LW_ERROR_INIT                                                                              \
    {                                                                                              \
        (uint32_t)sizeof(lw_error), LW_OK, ""                                                      \
    }

/**
 * One callback for all memory of ours, in the manner of Lua: `new_size` 0 frees, `old_size` 0
 * allocates. Returns NULL when it cannot (the old block then still stands). Must be callable
 * from any thread and from inside a host's allocator hook: never route it to an allocator that
 * is itself recorded. Blocks are aligned to 16 bytes.
 *
 * @param block    the block to change, or NULL
 * @param old_size its size in bytes as asked for before, 0 if `block` is NULL
 * @param new_size the size wanted in bytes, 0 to free
 * @param user     the `user` of the ::lw_allocator
 * @return the block, or NULL
 */
typedef void *(*lw_realloc_fn)(void *block, size_t old_size, size_t new_size, void *user);

/** Where our own memory comes from. The default maps pages from the system, never `malloc`. */
typedef struct lw_allocator {
    lw_realloc_fn realloc; /**< NULL: the default */
    void *user;            /**< passed to `realloc` */
} lw_allocator;

/**
 * Takes text as it is made. Reports, names and JSON all leave through such a callback.
 *
 * @param text   bytes of UTF-8, not terminated; valid during the call only
 * @param length how many bytes
 * @param user   the caller's pointer
 * @return 0 to go on, anything else to stop: the call then answers ::LW_E_IO
 */
typedef int (*lw_write_fn)(const char *text, size_t length, void *user);

/**
 * Hears how far a long call has come, some times a second at most and from the calling thread.
 *
 * @param phase what is being done: "enumerate", "dominators"; a static string
 * @param done  how much of the phase is done
 * @param total how much there is; 0 when nobody knows
 * @param user  the caller's pointer
 * @return 0 to go on, anything else to give up: the call then answers ::LW_E_CANCELLED
 */
typedef int (*lw_progress_fn)(const char *phase, uint64_t done, uint64_t total, void *user);

LW_END_DECLS

#endif
