/**
 * @file check.h
 * The conformance check: what the author of an `enumerate` got wrong, and where to fix it.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * // A list of three, counted, of which the walk forgets the last element.
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     uint32_t list = lw_sink_type(sink, 0, "list", 0), text = lw_sink_type(sink, 0, "text", 0);
 *     lw_sink_node(sink, 1, list, 40);
 *     for (lw_key key = 2; key <= 4; key++) {
 *         lw_sink_node(sink, key, text, 24);
 *         lw_sink_references(sink, key, 1);
 *         if (key != 4)
 *             lw_sink_edge(sink, 1, key, LW_EDGE_STRONG, LW_LABEL_INDEX(key - 2));
 *     }
 *     return lw_sink_root(sink, 1, lw_sink_root_kind(sink, "global", 0), 0);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_check *check = NULL;
 *     lw_problem problem = LW_PROBLEM_INIT;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "lists";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     lw_runtime_check(runtime, &check, NULL);
 *     lw_check_problem_get(check, 0, &problem, NULL);
 *     printf("%s: %s; %s\n", problem.type, problem.message, problem.next);
 *     int wrong = lw_check_count(check) != 1 || problem.kind != LW_PROBLEM_MISSING;
 *     lw_check_release(check);
 *     lw_context_release(context);
 *     return wrong;
 * }
 * @endcode
 */
#ifndef LEAKWATCH_CHECK_H
#define LEAKWATCH_CHECK_H

#include <leakwatch/runtime.h>

LW_BEGIN_DECLS

/** What a conformance check found. Immutable; owns its text. */
typedef struct lw_check lw_check;

/** The ways in which an `enumerate` can be wrong. */
enum lw_problem_kind {
    LW_PROBLEM_UNROOTED = 1,  /**< nodes that no root reaches and nothing says are garbage */
    LW_PROBLEM_DANGLING = 2,  /**< edges or roots whose end was never pushed */
    LW_PROBLEM_UNSTABLE = 3,  /**< two enumerations of an unchanged heap differ */
    LW_PROBLEM_MISSING = 4,   /**< fewer edges than the stated references */
    LW_PROBLEM_CONFLICT = 5,  /**< one key described in two ways */
    LW_PROBLEM_EXCESS = 6,    /**< more edges than the stated references */
    LW_PROBLEM_SIZE = 7,      /**< stated sizes and recorded blocks do not go together */
    LW_PROBLEM_UNKNOWN = 8,   /**< a call with a kind, a type, a label or a key that cannot be */
    LW_PROBLEM_BRIDGE = 9     /**< bridges whose other end was never pushed */
};

/** One problem, for one type. */
typedef struct lw_problem {
    uint32_t struct_size; /**< set by ::LW_PROBLEM_INIT */
    int32_t kind;         /**< ::lw_problem_kind */
    uint64_t count;       /**< how many nodes or edges */
    lw_key example;       /**< the key of one of them */
    const char *type;     /**< the type's name, or "" */
    const char *message;  /**< what is wrong: "2 references stated, 1 edge pushed" */
    const char *next;     /**< what to do about it */
} lw_problem;

/** Initial value of an ::lw_problem. */
#define LW_PROBLEM_INIT                                                                            \
    {                                                                                              \
        (uint32_t)sizeof(lw_problem), 0, 0, 0, NULL, NULL, NULL                                    \
    }

/**
 * Runs `enumerate` twice on a heap that must not change meanwhile, and looks for what its author
 * got wrong: unrooted nodes, dangling edges and bridges, two enumerations that differ, edges
 * against stated references, sizes against recorded blocks, calls that make no sense. These are
 * skipped instead of ending the walk, so that one check shows them all. Where the context has
 * several runtimes, the others run too, since bridges lead to them; only this one is judged.
 *
 * @param runtime the runtime
 * @param check   receives what was found, to be given to lw_check_release(); NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK (also with problems); ::LW_E_INVALID; ::LW_E_RUNTIME (an `enumerate` failed);
 *         ::LW_E_STATE (inside an `enumerate`); ::LW_E_NOMEM. *exclusive*; calls back.
 */
LW_API lw_status lw_runtime_check(lw_runtime *runtime, lw_check **check, lw_error *error);

/**
 * Frees what a check found.
 * @param check NULL is allowed. any-thread, once.
 */
LW_API void lw_check_release(lw_check *check);

/**
 * How many problems there are.
 * @param check the check
 * @return their number; 0 for NULL. immutable.
 */
LW_API uint32_t lw_check_count(const lw_check *check);

/**
 * One problem; the worst come first.
 *
 * @param check   the check
 * @param index   from 0
 * @param problem filled up to its `struct_size`, zeroed on failure; strings belong to the check
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK, ::LW_E_INVALID or ::LW_E_NOT_FOUND (no such problem). immutable.
 */
LW_API lw_status lw_check_problem_get(const lw_check *check, uint32_t index, lw_problem *problem,
                                      lw_error *error);

LW_END_DECLS

#endif
