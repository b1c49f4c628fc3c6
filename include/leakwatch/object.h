/**
 * @file object.h
 * Typed objects: how many of each type live, were created, were destroyed.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * struct session {
 *     int id;
 * };
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_type *type = NULL;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_type_create(context, "session", sizeof(struct session), &type, NULL);
 *
 *     struct session first = {1}, second = {2};
 *     lw_object_created(type, &first);
 *     lw_object_created(type, &second);
 *     lw_object_destroyed(type, &first);
 *
 *     lw_type_stats stats = LW_TYPE_STATS_INIT;
 *     lw_type_stats_get(type, &stats, NULL);
 *     printf("%s: %llu live of %llu\n", stats.name, (unsigned long long)stats.live,
 *            (unsigned long long)stats.created);
 *     int wrong = stats.live != 1 || stats.high_water != 2;
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 *
 * An object's *size* is what its type says; its *bytes* are the blocks it owns, which only
 * recording knows (record.h). An object that lies at the start of another one is a different
 * object: they are told apart by their types.
 */
#ifndef LEAKWATCH_OBJECT_H
#define LEAKWATCH_OBJECT_H

#include <leakwatch/context.h>

LW_BEGIN_DECLS

/** A registered type of objects. Lives as long as its context. */
typedef struct lw_type lw_type;

/**
 * Registers a type, or finds the one of this name and size.
 *
 * @param context owns the type
 * @param name    required; copied
 * @param size    of one object in bytes
 * @param type    receives the type, or NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_STATE (the name exists with another size);
 *         ::LW_E_NOMEM. any-thread.
 */
LW_API lw_status lw_type_create(lw_context *context, const char *name, uint64_t size,
                                lw_type **type, lw_error *error);

/**
 * An object begins to live.
 *
 * @param type   its type; NULL is ignored
 * @param object its address; NULL is ignored. An object of this type that already lives there
 *               was destroyed without a word: it is counted as destroyed and `unseen`.
 *               any-thread.
 */
LW_API void lw_object_created(lw_type *type, const void *object) LW_ADDRESS_2;

/**
 * An object ends.
 *
 * @param type   its type; NULL is ignored
 * @param object its address; one that does not live is counted as `unknown`. any-thread.
 */
LW_API void lw_object_destroyed(lw_type *type, const void *object) LW_ADDRESS_2;

/** The numbers of a type. */
typedef struct lw_type_stats {
    uint32_t struct_size; /**< set by ::LW_TYPE_STATS_INIT */
    uint32_t reserved;    /**< 0 */
    const char *name;     /**< belongs to the context */
    uint64_t size;        /**< of one object, in bytes */
    uint64_t live;        /**< objects now */
    uint64_t created;     /**< objects ever created */
    uint64_t destroyed;   /**< objects ever destroyed */
    uint64_t high_water;  /**< the most that ever lived at once */
    uint64_t unseen;      /**< objects whose end nobody told us */
    uint64_t unknown;     /**< ends of objects whose beginning nobody told us */
    uint64_t dropped;     /**< objects not recorded because our own memory ran out */
} lw_type_stats;

/** Initial value of ::lw_type_stats. */
#define LW_TYPE_STATS_INIT                                                                         \
    {                                                                                              \
        (uint32_t)sizeof(lw_type_stats), 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0                           \
    }

/**
 * Reads the numbers of a type without stopping anybody.
 *
 * @param type  the type
 * @param stats filled up to its `struct_size`; zeroed on failure
 * @param error NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. any-thread.
 */
LW_API lw_status lw_type_stats_get(const lw_type *type, lw_type_stats *stats, lw_error *error);

/**
 * Receives a type of a context.
 *
 * @param type a type
 * @param user the caller's pointer
 * @return 0 to go on, anything else to stop
 */
typedef int (*lw_type_fn)(lw_type *type, void *user);

/**
 * Visits all types in the order of their registration.
 *
 * @param context whose types
 * @param visit   called for each; may call any-thread functions
 * @param user    passed to `visit`
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. any-thread.
 */
LW_API lw_status lw_type_each(lw_context *context, lw_type_fn visit, void *user, lw_error *error);

LW_END_DECLS

#endif
