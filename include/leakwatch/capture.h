/**
 * @file capture.h
 * Capturing in a forked child: the process stands still for the fork alone, and works on while a
 * child walks the copy of its heap.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user; // what the heap was at the fork, whatever the process does meanwhile
 *     lw_sink_node(sink, 1, lw_sink_type(sink, 0, "cache", 0), 64);
 *     return lw_sink_root(sink, 1, lw_sink_root_kind(sink, "global", 0), 0);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_capture *capture = NULL;
 *     lw_snapshot *snapshot = NULL;
 *     lw_error error = LW_ERROR_INIT;
 *     lw_runtime_options plug = LW_RUNTIME_OPTIONS_INIT;
 *     plug.name = "server";
 *     plug.key_kind = LW_KEY_OPAQUE;
 *     plug.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &plug, &runtime, NULL);
 *
 *     lw_capture_options options = LW_CAPTURE_OPTIONS_INIT;
 *     options.flags = LW_CAPTURE_OR_IN_PLACE; // where no child can do it
 *     lw_status status = lw_capture_start(context, &options, &capture, &error);
 *     // ... the server serves on ...
 *     if (status == LW_OK)
 *         status = lw_capture_wait(capture, UINT64_MAX, &snapshot, &error);
 *     lw_capture_release(capture);
 *     lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
 *     lw_snapshot_info_get(snapshot, &info, NULL);
 *     printf("%u node, %s %s\n", (unsigned)info.nodes,
 *            info.flags & LW_SNAPSHOT_CHILD ? "by a child" : "in place", error.message);
 *     lw_snapshot_release(snapshot);
 *     lw_context_release(context);
 *     return status != LW_OK || info.nodes != 1;
 * }
 * @endcode
 *
 * The snapshot is as good as one that lw_snapshot_take() would have taken at the moment of the
 * fork: the same nodes, labels with their text, sites and births, and comparable object by object
 * with other snapshots of the context. Its columns lie in a file without a name, in memory or in
 * lw_capture_options::directory, which goes with the snapshot.
 *
 * **The host does not notice.** The child is made by `clone` without a signal: the host's `wait()`
 * and `waitpid(-1)` do not find it, `SIGCHLD` does not come, and what `pthread_atfork()` was given
 * does not run. The child has none of the host's signal handlers and, but for the standard error,
 * none of its open files; it ends when the host ends, it leaves no core file, and if memory runs
 * out the system ends it before the host.
 *
 * **What `enumerate` must know.** The child has the calling thread only. A lock that another thread
 * held at the fork is never given back there, and that includes the locks of `malloc`: walk without
 * taking locks, and get memory from where no lock is needed, or at least from where none is held
 * while you hold the lock that orders your mutators. A child that hangs for such a reason is ended
 * when its time is over. `enumerate` must not end the process, and nothing that it writes to memory
 * is seen by the host. Our own locks are taken care of.
 *
 * **Memory.** Beside the host the child needs what lw_snapshot_take() needs (see there: about three
 * times the snapshot), the file, if it lies in memory, and a copy of each page that the host writes
 * to meanwhile. lw_capture_start() looks first whether that much is left: by default twice what the
 * process has in memory for itself, once for the copies and once for the capture, or
 * lw_capture_options::memory. What is left is the least of what the system has (`MemAvailable`) and
 * what the limits of the control groups leave, version 1 and 2.
 *
 * Only Linux has such children; elsewhere lw_capture_start() answers ::LW_E_UNSUPPORTED, or
 * captures in place with ::LW_CAPTURE_OR_IN_PLACE.
 */
#ifndef LEAKWATCH_CAPTURE_H
#define LEAKWATCH_CAPTURE_H

#include <leakwatch/snapshot.h>

LW_BEGIN_DECLS

/** A capture that a child works on, or has done. Opaque; used by one thread at a time. */
typedef struct lw_capture lw_capture;

/** Bits of lw_capture_options::flags. */
enum lw_capture_options_flags {
    LW_CAPTURE_OR_IN_PLACE = 1 /**< when no child can do it, because memory is short or the system
                                    refuses, lw_capture_start() captures in place; it says so by
                                    ::LW_CAPTURE_IN_PLACE, and why */
};

/** How to capture in a child. Zero in a field means the default. */
typedef struct lw_capture_options {
    uint32_t struct_size;    /**< set by ::LW_CAPTURE_OPTIONS_INIT */
    uint32_t flags;          /**< ::lw_capture_options_flags */
    const char *name;        /**< of the snapshot, for reports; copied; NULL: none */
    const char *directory;   /**< where the file lies, without a name; NULL: in memory */
    uint64_t timeout_ns;     /**< the child is ended after so many ns; 0: two minutes */
    uint64_t memory;         /**< bytes that must be left for it; 0: twice what the process has */
    lw_progress_fn progress; /**< NULL, or hears in lw_capture_wait() of the phases of
                                  lw_snapshot_take() and "save"; not 0 ends the child */
    void *user;              /**< passed to `progress` */
} lw_capture_options;

/** Initial value of ::lw_capture_options. */
#define LW_CAPTURE_OPTIONS_INIT                                                                    \
    {                                                                                              \
        (uint32_t)sizeof(lw_capture_options), 0, NULL, NULL, 0, 0, NULL, NULL                      \
    }

/**
 * Forks a child that captures, and returns at once. Hold the lock that orders your mutators during
 * this call, and no longer. The epoch is advanced: what is born after it was born after the
 * snapshot. Several captures may run at once.
 *
 * @param context whose runtimes; may be released before the capture
 * @param options NULL for the defaults
 * @param capture receives the capture, to be released with lw_capture_release(), or NULL on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_STATE (inside a callback of ours); and without
 *         ::LW_CAPTURE_OR_IN_PLACE ::LW_E_NOMEM (less memory is left than it may take),
 *         ::LW_E_UNSUPPORTED (the system makes no such child) or ::LW_E_IO (no file in
 *         `directory`); with it whatever lw_snapshot_take() answers. *exclusive*; calls back in the
 *         child, or in place.
 */
LW_API lw_status lw_capture_start(lw_context *context, const lw_capture_options *options,
                                  lw_capture **capture, lw_error *error);

/**
 * Waits for the snapshot.
 *
 * Whatever ends the child, the host gets a sentence about it, and nothing stays behind: no process,
 * no file.
 *
 * @param capture  the capture
 * @param wait_ns  how long at most, in ns; 0: only looks; `UINT64_MAX`: until the child's end
 * @param snapshot receives the snapshot with a reference of its own, or NULL on failure; every
 *                 further call gives the same one
 * @param error    NULL, or receives what went wrong, with the runtime's own words
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_STATE (the child still works: nothing is lost; or this
 *         is a fork of the process that captures); and for good whatever lw_snapshot_take()
 *         answers in the child, or ::LW_E_RUNTIME (the child was killed, crashed, or an
 *         `enumerate` ended it); ::LW_E_CANCELLED (its time was over, or `progress` said stop);
 *         ::LW_E_IO (the file could not be written: a full disk); ::LW_E_NOMEM. Calls `progress`; any thread, but one at a time for a capture.
 */
LW_API lw_status lw_capture_wait(lw_capture *capture, uint64_t wait_ns, lw_snapshot **snapshot,
                                 lw_error *error);

/** Bits of lw_capture_info::flags. */
enum lw_capture_flags {
    LW_CAPTURE_DONE = 1,    /**< lw_capture_wait() will not wait */
    LW_CAPTURE_IN_PLACE = 2 /**< no child did it: the call of lw_capture_start() took that long */
};

/** How far a capture has come. */
typedef struct lw_capture_info {
    uint32_t struct_size;  /**< set by ::LW_CAPTURE_INFO_INIT */
    uint32_t flags;        /**< ::lw_capture_flags */
    uint64_t process;      /**< id of the child; 0: it has ended, or there was none */
    const char *phase;     /**< what it does: "enumerate", "join", "save"; a static string */
    uint64_t done;         /**< how much of the phase is done */
    uint64_t total;        /**< how much there is; 0 when nobody knows */
    uint64_t paused_ns;    /**< how long the process stood still: the fork, or all in place */
    uint64_t memory;       /**< bytes that it may take, as lw_capture_start() had it */
    uint64_t memory_left;  /**< bytes that were left then; `UINT64_MAX`: nobody knows */
    const char *reason;    /**< why it was captured in place, or ""; belongs to the capture */
} lw_capture_info;

/** Initial value of ::lw_capture_info. */
#define LW_CAPTURE_INFO_INIT                                                                       \
    {                                                                                              \
        (uint32_t)sizeof(lw_capture_info), 0, 0, NULL, 0, 0, 0, 0, 0, NULL                         \
    }

/**
 * How far a capture has come; never waits.
 *
 * @param capture the capture
 * @param info    filled up to its `struct_size`, zeroed on failure
 * @param error   NULL, or receives what went wrong
 * @return ::LW_OK or ::LW_E_INVALID. Any thread, but one at a time for a capture.
 */
LW_API lw_status lw_capture_info_get(lw_capture *capture, lw_capture_info *info, lw_error *error);

/**
 * Ends a capture, and the child if it still works. Snapshots already given stay.
 *
 * @param capture NULL is allowed. Any thread, but one at a time for a capture.
 */
LW_API void lw_capture_release(lw_capture *capture);

LW_END_DECLS

#endif
