/**
 * @file file.h
 * Snapshot files (`.lws`): a snapshot outlives its process, and is opened in milliseconds.
 *
 * @code{.c}
 * #include <leakwatch.h>
 * #include <stdio.h>
 *
 * static int enumerate(lw_sink *sink, void *user)
 * {
 *     (void)user;
 *     lw_sink_node(sink, 1, lw_sink_type(sink, 0, "cache", 0), 64);
 *     return lw_sink_root(sink, 1, lw_sink_root_kind(sink, "global", 0), 0);
 * }
 *
 * int main(void)
 * {
 *     lw_context *context = NULL;
 *     lw_runtime *runtime = NULL;
 *     lw_snapshot *snapshot = NULL, *opened = NULL;
 *     lw_error error = LW_ERROR_INIT;
 *     lw_runtime_options options = LW_RUNTIME_OPTIONS_INIT;
 *     options.name = "server";
 *     options.key_kind = LW_KEY_OPAQUE;
 *     options.enumerate = enumerate;
 *     lw_context_create(NULL, &context, NULL);
 *     lw_runtime_create(context, &options, &runtime, NULL);
 *     lw_snapshot_take(context, NULL, &snapshot, NULL);
 *
 *     lw_status status = lw_snapshot_save(snapshot, "server.lws", NULL, &error);
 *     if (status == LW_OK)
 *         status = lw_snapshot_open("server.lws", NULL, &opened, &error);
 *     lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
 *     lw_snapshot_info_get(opened, &info, NULL);
 *     printf("%u node of process %u %s\n", (unsigned)info.nodes, (unsigned)info.process,
 *            error.message);
 *     lw_snapshot_release(opened);
 *     lw_snapshot_release(snapshot);
 *     lw_context_release(context);
 *     remove("server.lws");
 *     return status != LW_OK || info.nodes != 1;
 * }
 * @endcode
 *
 * An opened snapshot answers everything that a captured one does. Two files of one run of a
 * process and one context can be compared object by object, and so can a file and a snapshot of
 * the process that wrote it; to snapshots of another run or of a forked child a file is one of
 * another context.
 *
 * **Privacy.** Names of types, fields, variables, functions and files are always in a file, and so
 * are the keys of nodes (addresses, or the numbers a runtime chose) and lw_snapshot_info::name.
 * Values of users are in it only with ::LW_SAVE_VALUES: without it every label of style
 * ::LW_LABEL_KEY reads "…". Nodes and references stay, and so does their number; labels that were
 * told apart by their text alone are one label then, and where the text of keys would have decided
 * between two equally good paths something else does.
 *
 * The format is described in docs/lws.md.
 */
#ifndef LEAKWATCH_FILE_H
#define LEAKWATCH_FILE_H

#include <leakwatch/snapshot.h>

LW_BEGIN_DECLS

/** Bits of lw_save_options::flags. */
enum lw_save_flags {
    LW_SAVE_VALUES = 1 /**< values of users go into the file too: labels of style ::LW_LABEL_KEY
                            as they read */
};

/** How to save. Zero in a field means the default. */
typedef struct lw_save_options {
    uint32_t struct_size;    /**< set by ::LW_SAVE_OPTIONS_INIT */
    uint32_t flags;          /**< ::lw_save_flags */
    lw_progress_fn progress; /**< NULL, or told "save" with bytes done and bytes to do */
    void *user;              /**< passed to `progress` */
} lw_save_options;

/** Initial value of ::lw_save_options. */
#define LW_SAVE_OPTIONS_INIT                                                                       \
    {                                                                                              \
        (uint32_t)sizeof(lw_save_options), 0, NULL, NULL                                           \
    }

/**
 * Writes a snapshot to a file, whole or not at all: beside `path` under a temporary name, brought
 * to the disk, then renamed. A file that was there is replaced; whoever has it open keeps the old
 * one. Only the user may read and write the new one. On failure `path` is as it was and nothing
 * else is left; only if the directory could not be brought to the disk (the error says so) the new
 * file stands, though a power cut may undo it.
 *
 * @param snapshot the snapshot
 * @param path     where to; a regular file or nothing yet
 * @param options  NULL for the defaults
 * @param error    NULL, or receives what went wrong, with the path and the system's own words
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_NOMEM; ::LW_E_IO; ::LW_E_CANCELLED; ::LW_E_FORMAT (the
 *         snapshot is itself an opened file, and damaged). immutable; allocates; calls back.
 */
LW_API lw_status lw_snapshot_save(const lw_snapshot *snapshot, const char *path,
                                  const lw_save_options *options, lw_error *error);

/** Bits of lw_open_options::flags. */
enum lw_open_flags {
    LW_OPEN_COPY = 1 /**< reads the file into memory instead of mapping it: for a file that someone
                          may shorten or write over meanwhile, or on a share that may go away, both
                          of which end a process that has it mapped */
};

/** How to open. Zero in a field means the default. */
typedef struct lw_open_options {
    uint32_t struct_size;   /**< set by ::LW_OPEN_OPTIONS_INIT */
    uint32_t flags;         /**< ::lw_open_flags */
    lw_allocator allocator; /**< for the snapshot and all that is made of it */
} lw_open_options;

/** Initial value of ::lw_open_options. */
#define LW_OPEN_OPTIONS_INIT                                                                       \
    {                                                                                              \
        (uint32_t)sizeof(lw_open_options), 0, { NULL, NULL }                                       \
    }

/**
 * Opens a snapshot file. Maps it and reads its tables of types and names; nodes and references are
 * looked at when they are first asked for. That first call - any but lw_snapshot_info_get() and
 * lw_snapshot_type_get() - checks all of them once, and answers ::LW_E_FORMAT if the file is
 * damaged. Nothing in a file is believed: one that was made to do harm is refused like a damaged
 * one.
 *
 * The file must not be changed in place while it is open (replacing or deleting it is fine), see
 * ::LW_OPEN_COPY.
 *
 * @param path     of the file
 * @param options  NULL for the defaults
 * @param snapshot receives the snapshot with one reference, or NULL on failure
 * @param error    NULL, or receives what went wrong: the section and the byte of the file
 * @return ::LW_OK; ::LW_E_INVALID; ::LW_E_IO (cannot be read); ::LW_E_FORMAT (no snapshot file,
 *         damaged, or made by a newer version); ::LW_E_UNSUPPORTED (larger than this process's
 *         address space); ::LW_E_NOMEM. any-thread; allocates.
 */
LW_API lw_status lw_snapshot_open(const char *path, const lw_open_options *options,
                                  lw_snapshot **snapshot, lw_error *error);

LW_END_DECLS

#endif
