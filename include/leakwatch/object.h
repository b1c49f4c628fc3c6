/**
 * @file object.h
 * Typed objects: how many of each type live, were created, were destroyed; and, where their types
 * tell which members are pointers, who holds them.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * struct session {
 *     char name[16];
 * };
 * struct slot {
 *     struct session *session;
 * };
 * struct cache {
 *     struct slot *slots[8];
 * };
 *
 * static struct session sessions[2];
 * static struct slot slot = {&sessions[1]};
 * static struct cache cache = {.slots = {[3] = &slot}};
 * static struct cache *g_cache = &cache;
 *
 * static int print(const char *text, size_t length, void *user)
 * {
 *     (void)user;
 *     return fwrite(text, 1, length, stdout) != length;
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_type *session_type = NULL, *slot_type = NULL, *cache_type = NULL;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_type_create(context, "session", sizeof(struct session), &session_type, NULL);
 *     lw_type_create(context, "slot", sizeof(struct slot), &slot_type, NULL);
 *     lw_type_create(context, "cache", sizeof(struct cache), &cache_type, NULL);
 *     lw_field in_slot[] = {LW_FIELD(struct slot, session, LW_FIELD_OBJECT, session_type)};
 *     lw_field in_cache[] = {LW_FIELD_INLINE(struct cache, slots, slot_type)};
 *     lw_type_fields(slot_type, in_slot, 1, NULL);
 *     lw_type_fields(cache_type, in_cache, 1, NULL);
 *     lw_object_root(context, &g_cache, "g_cache", cache_type, NULL);
 *
 *     lw_object_created(cache_type, &cache); // where your code makes and frees them
 *     lw_object_created(slot_type, &slot);
 *     lw_object_created(session_type, &sessions[0]); // that nothing points to: it is lost
 *     lw_object_created(session_type, &sessions[1]);
 *
 *     lw_snapshot *snapshot = NULL;
 *     lw_node node;
 *     lw_paths *paths = NULL;
 *     lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
 *     if (lw_snapshot_take(context, NULL, &snapshot, NULL) != LW_OK)
 *         return 1;
 *     lw_snapshot_info_get(snapshot, &info, NULL);
 *     lw_node_find(snapshot, "objects", lw_key_of(&sessions[1]), &node, NULL);
 *     lw_paths_find(snapshot, &node, 1, NULL, &paths, NULL);
 *     lw_report_path(paths, 0, NULL, print, NULL, NULL); // g_cache.slots[3].session
 *     int wrong = lw_paths_count(paths) != 1 || info.garbage != 1;
 *     lw_paths_release(paths);
 *     lw_snapshot_release(snapshot);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 *
 * An object's *size* is what its type says; its *bytes* are the blocks it owns, which only
 * recording knows (record.h). An object that lies at the start of another one is a different
 * object: they are told apart by their types.
 *
 * As soon as a type has fields or a root is declared, snapshots have a runtime named "objects" with
 * all live objects of all types, keyed by their address, or by one a few bytes on where several
 * begin at the same place. **lw_snapshot_take() then reads the members of live objects: hold still
 * meanwhile whoever changes or frees them.** An object that no root and no member reaches is lost:
 * ::LW_NODE_GARBAGE. A pointer to what is no live object counts as dangling.
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

/** What a member of a type is. */
enum lw_field_kind {
    LW_FIELD_OBJECT = 0, /**< a pointer to an object that it holds */
    LW_FIELD_WEAK = 1,   /**< a pointer to an object that it does not keep alive */
    LW_FIELD_BLOCK = 2,  /**< a pointer to memory that belongs to the object; NULL: none */
    LW_FIELD_ROW = 3,    /**< the same, full of pointers to objects that it holds; how many, says
                              another member */
    LW_FIELD_SLOTS = 4   /**< an array, in the object itself, of pointers to objects it holds */
};

/** A member of a type that refers to something. NULL pointers are empty. */
typedef struct lw_field {
    const char *name;      /**< copied */
    lw_type *target;       /**< of the objects; NULL: whatever type was registered first of those
                                that have an object there */
    uint64_t offset;       /**< in the object, in bytes */
    uint64_t count_offset; /**< ::LW_FIELD_ROW: where the unsigned member is that says how many */
    uint64_t length;       /**< ::LW_FIELD_SLOTS: how many pointers */
    int32_t kind;          /**< ::lw_field_kind */
    uint32_t count_size;   /**< ::LW_FIELD_ROW: 1, 2, 4 or 8 bytes */
} lw_field;

/** An ::lw_field of kind OBJECT, WEAK or BLOCK for `member` of the C type `owner`. */
#define LW_FIELD(owner, member, kind, target)                                                      \
    {                                                                                              \
        #member, target, offsetof(owner, member), 0, 0, kind, 0                                    \
    }

/** An ::lw_field of kind ROW: `member` points to as many pointers as `counter` says. */
#define LW_FIELD_COUNTED(owner, member, counter, target)                                           \
    {                                                                                              \
        #member, target, offsetof(owner, member), offsetof(owner, counter), 0, LW_FIELD_ROW,       \
            (uint32_t)sizeof(((owner *)0)->counter)                                                \
    }

/** An ::lw_field of kind SLOTS: `member` is an array of pointers. */
#define LW_FIELD_INLINE(owner, member, target)                                                     \
    {                                                                                              \
        #member, target, offsetof(owner, member), 0,                                               \
            sizeof(((owner *)0)->member) / sizeof(void *), LW_FIELD_SLOTS, 0                       \
    }

/**
 * Tells which members of a type refer to something, in place of what was told before.
 *
 * @param type   the type
 * @param fields copied, with their names
 * @param count  how many; 0: none
 * @param error  NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID (a member outside of the type's size, a target of another
 *         context); ::LW_E_NOMEM. *exclusive*.
 */
LW_API lw_status lw_type_fields(lw_type *type, const lw_field *fields, uint32_t count,
                                lw_error *error);

/**
 * Declares a pointer variable whose object lives: a global. Read by each snapshot, so it must stay
 * until lw_object_unroot(). Declared again, it gets the new name and type.
 *
 * @param context  whose objects
 * @param variable address of a pointer to an object, which may be NULL
 * @param name     of the variable; copied
 * @param target   type of the object; NULL: as in lw_field::target
 * @param error    NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOMEM. *exclusive*.
 */
LW_API lw_status lw_object_root(lw_context *context, const void *variable, const char *name,
                                lw_type *target, lw_error *error);

/**
 * The variable goes away, with the library that it was in.
 *
 * @param context  whose objects; NULL is ignored
 * @param variable as declared; harmless otherwise. *exclusive*.
 */
LW_API void lw_object_unroot(lw_context *context, const void *variable);

LW_END_DECLS

#endif
