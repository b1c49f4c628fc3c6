/* The golden file of format 1 opens for ever, and says what its heap says today. Cut at every byte
 * and with every bit turned it is refused, in words that say where.
 *
 * usage: format format1.lws; with a second argument it writes the file anew instead */
#define _XOPEN_SOURCE 700
#include "../support/check.h"
#include "../support/lws.h"
#include "../support/whole.h"
#include "scene.h"

#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST = 4096 };

static char damaged[] = "/tmp/leakwatch-golden-XXXXXX";

static lw_status open_file(const char *path, uint32_t flags, lw_snapshot **snapshot,
                           lw_error *error)
{
    lw_open_options options = LW_OPEN_OPTIONS_INIT;
    options.flags = flags;
    return lw_snapshot_open(path, &options, snapshot, error);
}

/* ---- as it is ---- */

static void check_content(const char *path)
{
    whole want = {0}, got = {0};
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *opened = NULL;
    lw_snapshot_info info = LW_SNAPSHOT_INFO_INIT;
    lw_context *context = scene_open();
    lw_snapshot *snapshot = scene_take(context);
    if (!CHECK_EQ(open_file(path, 0, &opened, &error), LW_OK))
        fprintf(stderr, "%s\n", error.message);
    whole_snapshot(&want, snapshot);
    whole_snapshot(&got, opened);
    CHECK(whole_equal(&want, &got));
    lw_snapshot_info_get(opened, &info, NULL);
    CHECK_EQ(info.nodes, 8); /* the heap itself is still the same */
    CHECK_EQ(info.edges, 6);
    CHECK_EQ(info.garbage, 2);
    CHECK_EQ(info.outside, 1);
    CHECK_EQ(info.flags, LW_SNAPSHOT_FILE);
    CHECK_EQ(strcmp(info.name, "golden"), 0);
    lw_diff *diff = NULL;
    CHECK_EQ(lw_diff_create(opened, snapshot, &diff, NULL), LW_E_INVALID); /* of another run */
    lw_snapshot_release(opened);
    lw_snapshot_release(snapshot);
    lw_context_release(context);
    whole_free(&want);
    whole_free(&got);
}

/* ---- damaged ---- */

/* The call refuses, and says in which byte. */
static int refused(lw_status status, const lw_error *error, const char *how, size_t at)
{
    if (status == LW_E_FORMAT && error->status == status && strstr(error->message, "byte "))
        return 1;
    fprintf(stderr, "%s %zu: status %d, \"%s\"\n", how, at, (int)status, error->message);
    return 0;
}

/* Opening fails, or else the first call that asks for nodes, and then every one. */
static int is_refused(uint32_t flags, const char *how, size_t at)
{
    lw_error error = LW_ERROR_INIT;
    lw_snapshot *opened = NULL;
    lw_node_info node = LW_NODE_INFO_INIT;
    lw_node found;
    lw_status status = open_file(damaged, flags, &opened, &error);
    if (status != LW_OK)
        return CHECK(!opened) && refused(status, &error, how, at);
    int right = refused(lw_node_info_get(opened, 0, &node, &error), &error, how, at) &&
                refused(lw_node_find(opened, "app", 0x10000, &found, &error), &error, how, at);
    CHECK_EQ(node.size, 0);
    lw_snapshot_release(opened);
    return right;
}

static void check_cuts(unsigned char *bytes, size_t size)
{
    for (size_t length = 0; length < size; length++) {
        CHECK(lws_write(damaged, bytes, length));
        CHECK(is_refused(length % 2 ? LW_OPEN_COPY : 0, "cut at", length));
    }
    CHECK(lws_write(damaged, bytes, size + 1)); /* and one byte too many */
    CHECK(is_refused(0, "cut at", size + 1));
}

/* The bit is turned in place: nobody has the file open. */
static void turn(FILE *file, unsigned char *bytes, size_t bit)
{
    bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    fseek(file, (long)(bit / 8), SEEK_SET);
    fputc(bytes[bit / 8], file);
    fflush(file);
}

static void check_bits(unsigned char *bytes, size_t size)
{
    CHECK(lws_write(damaged, bytes, size));
    FILE *file = fopen(damaged, "r+b");
    if (!CHECK(file))
        return;
    for (size_t bit = 0; bit < size * 8; bit++) {
        turn(file, bytes, bit);
        CHECK(is_refused(bit % 64 ? LW_OPEN_COPY : 0, "bit", bit));
        turn(file, bytes, bit);
    }
    fclose(file);
}

/* With its checksums put right, a turned bit is another file: refused or read, never a crash. */
static void check_signed_bits(const unsigned char *bytes, size_t size)
{
    unsigned char copy[LARGEST];
    size_t read = 0, refusals = 0;
    for (size_t bit = 0; bit < size * 8; bit += getenv("LW_TEST_ALL") ? 1 : 7) {
        lw_snapshot *opened = NULL;
        memcpy(copy, bytes, size);
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
        lws_sign(copy, size);
        CHECK(lws_write(damaged, copy, size));
        lw_node_info node = LW_NODE_INFO_INIT;
        if (open_file(damaged, 0, &opened, NULL) == LW_OK &&
            lw_node_info_get(opened, 0, &node, NULL) == LW_OK) {
            whole all = {0};
            whole_snapshot(&all, opened);
            CHECK_EQ(all.calls_failed, 0);
            whole_free(&all);
            read++;
        } else {
            refusals++;
        }
        lw_snapshot_release(opened);
    }
    CHECK(read > 0 && refusals > 0); /* names may be anything, numbers not */
}

static int write_golden(const char *path)
{
    lw_error error = LW_ERROR_INIT;
    lw_save_options options = LW_SAVE_OPTIONS_INIT;
    lw_context *context = scene_open();
    lw_snapshot *snapshot = scene_take(context);
    options.flags = LW_SAVE_VALUES;
    lw_status status = lw_snapshot_save(snapshot, path, &options, &error);
    fprintf(stderr, "%s", error.message);
    lw_snapshot_release(snapshot);
    lw_context_release(context);
    return status != LW_OK;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return write_golden(argv[1]);
    if (argc != 2)
        return 2;
    size_t size = 0;
    unsigned char *bytes = lws_read(argv[1], &size);
    int handle = mkstemp(damaged);
    if (!CHECK(handle >= 0 && size > 0 && size <= LARGEST))
        return check_result();
    close(handle);
    check_content(argv[1]);
    bytes[size] = 0;
    check_cuts(bytes, size);
    check_bits(bytes, size);
    check_signed_bits(bytes, size);
    unlink(damaged);
    free(bytes);
    printf("%zu bytes, every cut and every bit\n", size);
    return check_result();
}
