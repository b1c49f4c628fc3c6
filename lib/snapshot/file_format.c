/* What snapshot files look like, and how what is wrong with one is told. */
#include "base/error.h"
#include "snapshot/file.h"
#include "snapshot/file_sum.h"

const lwi_form lwi_forms[LWI_AT_COUNT] = {
    [LWI_AT_INFO] = {"info", 8, LWI_INFO_WORDS, false},
    [LWI_AT_TEXT] = {"text", 1, 1, false},
    [LWI_AT_TEXT_ENDS] = {"text.ends", 8, 1, false},
    [LWI_AT_PARTS] = {"runtimes", 8, 4, false},
    [LWI_AT_TYPES] = {"types", 8, 7, false},
    [LWI_AT_SHAPES] = {"shapes", 8, 2, false},
    [LWI_AT_NAMES] = {"labels", 4, 2, false},
    [LWI_AT_ROOT_KINDS] = {"root.kinds", 4, 3, false},
    [LWI_AT_TENURES] = {"blocks", 8, 3, true},
    [LWI_AT_STACKS] = {"stacks", 8, 2, true},
    [LWI_AT_FRAMES] = {"frames", 4, 4, true},
    [LWI_AT_MANY] = {"node.many", 8, 2, true},
    [LWI_AT_EXTERNAL] = {"node.external", 8, 2, true},
    [LWI_AT_OUTSIDE] = {"node.outside", 8, 2, true},
    [LWI_AT_KEYS] = {"keys", 8, 1, false},
    [LWI_AT_NODE_SHAPE] = {"node.shape", 4, 1, false},
    [LWI_AT_NODE_TENURE] = {"node.block", 4, 1, true},
    [LWI_AT_NODE_REFERENCES] = {"node.references", 1, 1, true},
    [LWI_AT_NODE_GARBAGE] = {"node.garbage", 8, 1, false},
    [LWI_AT_ROW_BASE] = {"row.base", 8, 1, false},
    [LWI_AT_ROW_END] = {"row.end", 4, 1, false},
    [LWI_AT_EDGE_TO] = {"edge.to", 4, 1, false},
    [LWI_AT_EDGE_KIND] = {"edge.kind", 1, 1, true},
    [LWI_AT_EDGE_LABEL] = {"edge.label", 4, 1, true},
    [LWI_AT_ROOTS] = {"roots", 4, 3, false},
    [LWI_AT_STACK_FRAMES] = {"stack.frames", 4, 1, true},
};

lw_status lwi_file_damaged(const lwi_file *file, lwi_section at, uint64_t row, uint32_t column,
                           const char *what, lw_error *error)
{
    const lwi_form *form = &lwi_forms[at];
    uint64_t per = file->columns[at].per;
    uint64_t byte = file->columns[at].offset + (row * per + column) * form->width;
    return lwi_fail(error, LW_E_FORMAT, "section \"%s\", byte %llu: %s: damaged snapshot file %s",
                    form->name, (unsigned long long)byte, what, file->path);
}

uint64_t lwi_file_word(const lwi_file *file, lwi_section at, uint64_t row, uint32_t column)
{
    const lwi_form *form = &lwi_forms[at];
    const unsigned char *from =
        file->columns[at].bytes + (row * file->columns[at].per + column) * form->width;
    return form->width == 8 ? lwi_load64(from) : lwi_load32(from);
}

const char *lwi_file_text(const lwi_file *file, uint64_t number, uint64_t *length)
{
    if (number == 0 || number > file->texts)
        return NULL;
    uint64_t start = number > 1 ? lwi_file_word(file, LWI_AT_TEXT_ENDS, number - 2, 0) : 0;
    uint64_t end = lwi_file_word(file, LWI_AT_TEXT_ENDS, number - 1, 0);
    if (length)
        *length = end - start - 1;
    return (const char *)file->columns[LWI_AT_TEXT].bytes + start;
}

lw_status lwi_file_check_sum(const lwi_file *file, lwi_section at, lw_error *error)
{
    const lwi_column *column = &file->columns[at];
    uint64_t size = column->count * column->per * lwi_forms[at].width;
    lwi_checksum sum;
    lwi_checksum_begin(&sum);
    lwi_checksum_add(&sum, column->bytes,
                (size_t)((size + LWI_FILE_UNIT - 1) / LWI_FILE_UNIT * LWI_FILE_UNIT));
    if (column->present && lwi_checksum_end(&sum) != column->sum)
        return lwi_file_damaged(file, at, 0, 0, "the checksum does not fit what follows", error);
    return LW_OK;
}
