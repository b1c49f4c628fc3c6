/* Snapshot files when the system will not: every allocation fails in turn, every call of ours to
 * the system fails in turn, is interrupted, or does less than asked. What was there stays, nothing
 * else is left behind, and the next try succeeds.
 *
 * The calls are taken over by name: this program's `write` comes before libc's. */
#define _GNU_SOURCE
#include "../golden/scene.h"
#include "../support/counting.h"
#include "../support/lws.h"
#include "../support/whole.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !defined(__linux__)
int main(void)
{
    puts("system calls are taken over on Linux only");
    return 77;
}
#else

static unsigned long failures, faults;
static char folder[] = "/tmp/leakwatch-fault-XXXXXX", path[64], other[64];

static int expect(int right, const char *what, const char *fault, long long at)
{
    if (!right && failures++ < 20)
        fprintf(stderr, "%s %lld: %s\n", fault, at, what);
    return right;
}

/* ---- the system ---- */

enum call { NONE, OPEN, READ, WRITE, SEEK, SYNC, CLOSE, RENAME, STAT, FSTAT, MAP, CALLS };
static const char *const call_names[] = {"none",  "open",  "read",   "write", "lseek", "fsync",
                                         "close", "rename", "stat",  "fstat", "mmap"};
enum { SHORT = -1, NOTHING = -2 }; /* instead of an error number: does half of it, or none */

static struct {
    enum call call; /* that fails */
    int how;
    long long at;   /* the n-th one */
    int persistent;
    long long seen, hit;
} fault;

static int strikes(enum call call)
{
    if (fault.call != call)
        return 0;
    fault.seen++;
    if (fault.persistent ? fault.seen < fault.at : fault.seen != fault.at)
        return 0;
    fault.hit++;
    if (fault.how > 0)
        errno = fault.how;
    return fault.how;
}

int open(const char *name, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    int mode = va_arg(list, int);
    va_end(list);
    return strikes(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

ssize_t read(int handle, void *bytes, size_t size)
{
    int how = strikes(READ);
    if (how > 0)
        return -1;
    if (how == NOTHING)
        return 0;
    return syscall(SYS_read, handle, bytes, how == SHORT ? (size + 1) / 2 : size);
}

ssize_t write(int handle, const void *bytes, size_t size)
{
    int how = strikes(WRITE);
    if (how > 0)
        return -1;
    if (how == NOTHING)
        return 0;
    return syscall(SYS_write, handle, bytes, how == SHORT ? (size + 1) / 2 : size);
}

off_t lseek(int handle, off_t offset, int whence)
{
    return strikes(SEEK) ? -1 : syscall(SYS_lseek, handle, offset, whence);
}

int fsync(int handle)
{
    return strikes(SYNC) ? -1 : (int)syscall(SYS_fsync, handle);
}

int close(int handle)
{
    int failed = strikes(CLOSE), answer = (int)syscall(SYS_close, handle);
    if (failed)
        errno = failed;
    return failed ? -1 : answer;
}

int rename(const char *from, const char *to)
{
    return strikes(RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int stat(const char *restrict name, struct stat *restrict about)
{
    return strikes(STAT) ? -1 : fstatat(AT_FDCWD, name, about, 0);
}

int fstat(int handle, struct stat *about)
{
    return strikes(FSTAT) ? -1 : fstatat(handle, "", about, AT_EMPTY_PATH);
}

void *mmap(void *address, size_t size, int rights, int flags, int handle, off_t offset)
{
    if (handle >= 0 && strikes(MAP))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, address, size, rights, flags, handle, offset);
}

/* ---- what there should be ---- */

static lw_snapshot *before, *after;
static whole before_words, after_words;

static int says(const char *name, const whole *want)
{
    lw_snapshot *opened = NULL;
    whole got = {0};
    if (lw_snapshot_open(name, NULL, &opened, NULL) != LW_OK)
        return 0;
    whole_snapshot(&got, opened);
    int same = whole_equal(&got, want);
    lw_snapshot_release(opened);
    whole_free(&got);
    return same;
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* ---- saving ---- */

static lw_status save(const lw_snapshot *snapshot, lw_error *error)
{
    lw_save_options options = LW_SAVE_OPTIONS_INIT;
    options.flags = LW_SAVE_VALUES;
    return lw_snapshot_save(snapshot, path, &options, error);
}

/* Whether this fault is one that saving gets over. */
static int harmless(enum call call, int how, int persistent)
{
    if (how == SHORT)
        return 1;
    if (how == EINTR)
        return call == CLOSE || !persistent;
    return call == SYNC && (how == EINVAL || how == ENOTSUP);
}

static void check_save(enum call call, int how, long long at, int persistent, lw_status status,
                       const lw_error *error)
{
    const char *name = call_names[call];
    int directory = strstr(error->message, "directory of a new file") != NULL;
    if (status == LW_OK) {
        int reads_only = at == 2 && ((call == OPEN && how == EACCES) || call == CLOSE); /* the folder */
        expect(harmless(call, how, persistent) || reads_only, "is not noticed", name, at);
    } else {
        expect(!harmless(call, how, persistent), "is not got over", name, at);
        int memory = how == ENOMEM && at == 1 && (call == OPEN || call == STAT);
        expect(status == (memory ? LW_E_NOMEM : LW_E_IO), "another status", name, at);
        if (!expect(strstr(error->message, path) != NULL, "does not name the file", name, at))
            fprintf(stderr, "%s\n", error->message);
        expect(how < 0 || memory || strstr(error->message, strerror(how)),
               "does not give the system's words", name, at);
    }
    expect(says(path, status == LW_OK || directory ? &after_words : &before_words),
           "the file is neither the old one nor the new one", name, at);
    expect(files_in_folder() == 1, "something is left behind", name, at);
}

static void fail_saves(enum call call, int how, int persistent)
{
    if (persistent && how == EINTR && call != CLOSE)
        return; /* for ever is for ever */
    for (long long at = 1;; at++) {
        lw_error error = LW_ERROR_INIT;
        expect(save(before, NULL) == LW_OK, "the next try fails", call_names[call], at);
        memset(&fault, 0, sizeof fault);
        fault.call = call;
        fault.how = how;
        fault.at = at;
        fault.persistent = persistent;
        lw_status status = save(after, &error);
        fault.call = NONE;
        if (!fault.hit) {
            expect(status == LW_OK, "fails without a reason", call_names[call], at);
            expect(at > 1, "is never called", call_names[call], at);
            return;
        }
        faults++;
        check_save(call, how, at, persistent, status, &error);
    }
}

static void check_saves(void)
{
    static const enum call calls[] = {OPEN, WRITE, SEEK, SYNC, CLOSE, RENAME, STAT};
    static const int errors[] = {EIO, ENOSPC, EACCES, ENOMEM, EINTR, EDQUOT};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (size_t j = 0; j < sizeof errors / sizeof *errors; j++) {
            if (errors[j] == EINTR && (calls[i] == SEEK || calls[i] == RENAME || calls[i] == STAT))
                continue; /* are not interrupted */
            fail_saves(calls[i], errors[j], 0);
            fail_saves(calls[i], errors[j], 1);
        }
    }
    fail_saves(SYNC, EINVAL, 1);
    fail_saves(WRITE, SHORT, 0);
    fail_saves(WRITE, SHORT, 1);
    fail_saves(WRITE, NOTHING, 0);
}

/* The kernel's own way: no file may grow beyond a limit. */
static void check_full_disk(void)
{
    struct stat about;
    struct rlimit limit, old;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    save(before, NULL);
    stat(path, &about);
    for (off_t size = 0; size < about.st_size; size += 61) {
        lw_error error = LW_ERROR_INIT;
        limit = old;
        limit.rlim_cur = (rlim_t)size;
        setrlimit(RLIMIT_FSIZE, &limit);
        lw_status status = save(after, &error);
        setrlimit(RLIMIT_FSIZE, &old);
        expect(status == LW_E_IO && strstr(error.message, strerror(EFBIG)), "no words of it",
               "disk of bytes", (long long)size);
        expect(says(path, &before_words) && files_in_folder() == 1, "something changed",
               "disk of bytes", (long long)size);
        faults++;
    }
}

/* ---- opening ---- */

static void fail_opens(enum call call, int how, uint32_t flags)
{
    lw_error error = LW_ERROR_INIT;
    lw_open_options options = LW_OPEN_OPTIONS_INIT;
    lw_snapshot *opened = (lw_snapshot *)&error;
    options.flags = flags;
    memset(&fault, 0, sizeof fault);
    fault.call = call;
    fault.how = how;
    fault.at = 1;
    lw_status status = lw_snapshot_open(path, &options, &opened, &error);
    fault.call = NONE;
    faults++;
    if (how == EINTR || how == SHORT) {
        expect(status == LW_OK && fault.hit, "opening does not get over it", call_names[call], how);
        lw_snapshot_release(opened);
        return;
    }
    expect(fault.hit && !opened && status == (how == ENOMEM ? LW_E_NOMEM : LW_E_IO) &&
               strstr(error.message, path),
           "opening: another answer", call_names[call], how);
}

static void check_opens(void)
{
    static const int errors[] = {EIO, EACCES, ENOMEM};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fail_opens(OPEN, errors[i], 0);
        fail_opens(FSTAT, errors[i], 0);
        fail_opens(MAP, errors[i], 0);
        fail_opens(READ, errors[i], LW_OPEN_COPY);
    }
    fail_opens(OPEN, EINTR, 0);
    fail_opens(READ, EINTR, LW_OPEN_COPY);
    fail_opens(READ, SHORT, LW_OPEN_COPY);
    fail_opens(READ, NOTHING, LW_OPEN_COPY); /* shorter than it said */
}

/* ---- memory ---- */

static counting memory;

/* Opens, asks, saves again, compares: the first failure is the answer. */
static lw_status use_file(uint32_t flags)
{
    lw_open_options options = LW_OPEN_OPTIONS_INIT;
    lw_node_info node = LW_NODE_INFO_INIT;
    lw_snapshot *opened = NULL, *again = NULL;
    lw_diff *diff = NULL;
    options.flags = flags;
    options.allocator.realloc = counting_realloc;
    options.allocator.user = &memory;
    lw_status status = lw_snapshot_open(path, &options, &opened, NULL);
    if (status == LW_OK)
        status = lw_node_info_get(opened, 0, &node, NULL);
    if (status == LW_OK)
        status = lw_snapshot_save(opened, other, NULL, NULL);
    if (status == LW_OK)
        status = lw_snapshot_open(other, &options, &again, NULL);
    if (status == LW_OK)
        status = lw_diff_create(opened, again, &diff, NULL);
    lw_diff_release(diff);
    lw_snapshot_release(again);
    lw_snapshot_release(opened);
    return status;
}

static void check_memory(uint32_t flags, int persistent)
{
    for (long long at = 1;; at++) {
        long long failed = memory.failed;
        memory.persistent = persistent;
        memory.fail_at = memory.calls + at;
        lw_status status = use_file(flags);
        memory.fail_at = 0;
        expect(memory.bytes == 0, "bytes are left", "allocation", at);
        if (memory.failed == failed) {
            expect(status == LW_OK && at > 10, "fails without a reason", "allocation", at);
            break;
        }
        faults++;
        expect(status == LW_E_NOMEM, "another status than LW_E_NOMEM", "allocation", at);
        unlink(other);
        expect(files_in_folder() == 1, "a file is left", "allocation", at);
    }
    unlink(other);
    expect(memory.wrong == 0, "wrong sizes", "allocation", 0);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/heap.lws", folder);
    snprintf(other, sizeof other, "%s/other.lws", folder);
    lw_context *context = scene_open();
    before = scene_take(context);
    after = scene_take(context); /* of a later epoch */
    whole_snapshot(&before_words, before);
    whole_snapshot(&after_words, after);
    expect(!whole_equal(&before_words, &after_words), "cannot be told apart", "snapshots", 2);
    check_saves();
    check_full_disk();
    expect(save(before, NULL) == LW_OK, "save", "at the end", 0);
    check_opens();
    for (int persistent = 0; persistent < 2; persistent++) {
        check_memory(0, persistent);
        check_memory(LW_OPEN_COPY, persistent);
    }
    unlink(path);
    expect(rmdir(folder) == 0, "something was left", "folder", 0);
    lw_snapshot_release(before);
    lw_snapshot_release(after);
    lw_context_release(context);
    whole_free(&before_words);
    whole_free(&after_words);
    printf("%lu faults, %lu failures\n", faults, failures);
    return failures != 0 || faults < 100;
}
#endif
