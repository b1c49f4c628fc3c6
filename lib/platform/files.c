/* Files for POSIX. */
#if !defined(_WIN32)

#define _GNU_SOURCE
#include "platform/files.h"

#include "platform/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 1 << 30, TRIES = 100, SUFFIX = 32 };

/* --- words --------------------------------------------------------------------------------- */

/* strerror_r() answers a number or a text: whichever the system has. */
#if defined(__GLIBC__)
static const char *words_of(char *answer, const char *words)
{
    (void)words;
    return answer;
}
#else
static const char *words_of(int answer, const char *words)
{
    return answer == 0 ? words : "unknown error";
}
#endif

void lwi_system_words(int number, char *words, size_t room)
{
    char space[128] = "";
    const char *found;
    if (number == LWI_NOT_A_FILE)
        found = "not a regular file";
    else if (number == LWI_TOO_LARGE)
        found = "larger than the address space";
    else
        found = words_of(strerror_r(number, space, sizeof space), space);
    snprintf(words, room, "%s", found);
}

/* --- reading ------------------------------------------------------------------------------- */

static int open_again(const char *path, int flags, mode_t mode)
{
    int handle;
    do
        handle = open(path, flags | O_CLOEXEC, mode);
    while (handle < 0 && errno == EINTR);
    return handle;
}

static int read_all(int handle, unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = read(handle, bytes, size < MOST ? size : MOST);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : EIO; /* shorter than it said */
        bytes += got;
        size -= (size_t)got;
    }
    return 0;
}

static int copy_in(lwi_file_in *in, int handle, lwi_mem *mem)
{
    size_t size = (size_t)in->size;
    unsigned char *bytes = lwi_resize(mem, NULL, 0, size);
    if (!bytes)
        return ENOMEM;
    int failed = read_all(handle, bytes, size);
    if (failed) {
        lwi_free(mem, bytes, size);
        return failed;
    }
    in->bytes = bytes;
    in->copied = true;
    return 0;
}

static int map_in(lwi_file_in *in, int handle)
{
    void *bytes = mmap(NULL, (size_t)in->size, PROT_READ, MAP_PRIVATE, handle, 0);
    if (bytes == MAP_FAILED)
        return errno;
    in->bytes = bytes;
    return 0;
}

static int read_in(lwi_file_in *in, int handle, bool copy, lwi_mem *mem)
{
    struct stat about;
    if (fstat(handle, &about) != 0)
        return errno;
    if (!S_ISREG(about.st_mode))
        return LWI_NOT_A_FILE;
    in->size = (uint64_t)about.st_size;
    if (in->size > SIZE_MAX / 2)
        return LWI_TOO_LARGE;
    if (in->size == 0)
        return 0;
    return copy ? copy_in(in, handle, mem) : map_in(in, handle);
}

int lwi_file_in_take(lwi_file_in *in, int handle, bool copy, lwi_mem *mem)
{
    memset(in, 0, sizeof *in);
    return read_in(in, handle, copy, mem);
}

int lwi_file_in_open(lwi_file_in *in, const char *path, bool copy, lwi_mem *mem)
{
    memset(in, 0, sizeof *in);
    int handle = open_again(path, O_RDONLY | O_NONBLOCK, 0); /* a pipe without a writer opens too */
    if (handle < 0)
        return errno;
    int failed = lwi_file_in_take(in, handle, copy, mem);
    close(handle);
    return failed;
}

void lwi_file_in_close(lwi_file_in *in, lwi_mem *mem)
{
    if (in->copied)
        lwi_free(mem, (void *)in->bytes, (size_t)in->size);
    else if (in->bytes)
        munmap((void *)in->bytes, (size_t)in->size);
    in->bytes = NULL;
}

/* --- without a name ------------------------------------------------------------------------ */

static int in_memory(void)
{
#if defined(MFD_CLOEXEC)
    return memfd_create("leakwatch", MFD_CLOEXEC);
#else
    errno = ENOSYS;
    return -1;
#endif
}

/* For file systems that know no O_TMPFILE. */
static int made_and_unlinked(const char *directory)
{
    char path[4096];
    if (strlen(directory) > sizeof path - 32) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(path, sizeof path, "%s/leakwatch-XXXXXX", directory);
    int handle = mkostemp(path, O_CLOEXEC);
    if (handle >= 0)
        unlink(path);
    return handle;
}

int lwi_file_nameless_open(const char *directory, int *handle)
{
    int saved = errno, failed = 0;
    if (!directory)
        *handle = in_memory();
#if defined(O_TMPFILE)
    else
        *handle = open_again(directory, O_TMPFILE | O_RDWR, 0600);
    if (directory && *handle < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
#else
    else
#endif
        *handle = made_and_unlinked(directory);
    if (*handle < 0)
        failed = errno;
    errno = saved;
    return failed;
}

void lwi_file_nameless_close(int handle)
{
    close(handle);
}

/* --- writing ------------------------------------------------------------------------------- */

/* Only a regular file may be replaced: renaming over a device would take it away. */
static int check_target(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return errno == ENOENT ? 0 : errno;
    return S_ISREG(about.st_mode) ? 0 : LWI_NOT_A_FILE;
}

static int create(lwi_file_out *out)
{
    uint64_t serial = lwi_process_run() ^ lwi_clock_ns();
    for (int i = 0; i < TRIES; i++) {
        snprintf(out->temporary, out->length, "%s.%08x.tmp", out->target,
                 (unsigned)(serial + (unsigned)i));
        out->handle = open_again(out->temporary, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (out->handle >= 0)
            return 0;
        if (errno != EEXIST)
            return errno;
    }
    return EEXIST;
}

int lwi_file_out_open(lwi_file_out *out, const char *path, lwi_mem *mem)
{
    memset(out, 0, sizeof *out);
    int failed = check_target(path);
    if (failed)
        return failed;
    out->target = path;
    out->length = strlen(path) + SUFFIX;
    out->temporary = lwi_resize(mem, NULL, 0, out->length);
    if (!out->temporary)
        return ENOMEM;
    failed = create(out);
    if (failed)
        lwi_free(mem, out->temporary, out->length);
    return failed;
}

int lwi_file_out_write(lwi_file_out *out, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    while (size > 0) {
        ssize_t put = write(out->handle, from, size < MOST ? size : MOST);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? errno : EIO;
        from += put;
        size -= (size_t)put;
    }
    return 0;
}

int lwi_file_out_rewrite(lwi_file_out *out, const void *bytes, size_t size)
{
    return lseek(out->handle, 0, SEEK_SET) < 0 ? errno : lwi_file_out_write(out, bytes, size);
}

static int sync_handle(int handle)
{
    int failed;
    do
        failed = fsync(handle) == 0 ? 0 : errno;
    while (failed == EINTR);
    /* What cannot be synchronised says so: there is nothing more to do for it. */
    return failed == EINVAL || failed == ENOTSUP || failed == ENOSYS ? 0 : failed;
}

/* The new name is on the disk only when its directory is. One that we may write to but not read
 * cannot be asked. */
static int sync_directory(lwi_file_out *out)
{
    char *slash;
    memcpy(out->temporary, out->target, strlen(out->target) + 1);
    slash = strrchr(out->temporary, '/');
    if (slash)
        slash[slash == out->temporary] = '\0';
    int handle = open_again(slash ? out->temporary : ".", O_RDONLY, 0);
    if (handle < 0)
        return errno == EACCES ? 0 : errno;
    int failed = sync_handle(handle);
    close(handle);
    return failed;
}

int lwi_file_out_commit(lwi_file_out *out, bool *stands, lwi_mem *mem)
{
    int failed = sync_handle(out->handle);
    /* Not again after EINTR: the handle is gone on most systems, and the data is safe. */
    if (close(out->handle) != 0 && errno != EINTR && !failed)
        failed = errno;
    if (!failed && rename(out->temporary, out->target) != 0)
        failed = errno;
    *stands = !failed;
    if (failed)
        unlink(out->temporary);
    else
        failed = sync_directory(out);
    lwi_free(mem, out->temporary, out->length);
    return failed;
}

void lwi_file_out_cancel(lwi_file_out *out, lwi_mem *mem)
{
    close(out->handle);
    unlink(out->temporary);
    lwi_free(mem, out->temporary, out->length);
}

#else
typedef int lwi_not_posix_files;
#endif
