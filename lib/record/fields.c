/* What types tell of their members, and the variables from where objects are held. */
#include "base/error.h"
#include "record/enter.h"
#include "record/type.h"

#include <string.h>

/* ---- fields ---- */

static void table_free(lwi_mem *mem, lw_field *fields, uint32_t count)
{
    for (uint32_t i = 0; fields && i < count; i++)
        lwi_strfree(mem, (char *)fields[i].name);
    lwi_free(mem, fields, lwi_array_size(count, sizeof *fields));
}

void lwi_fields_free(lw_type *type)
{
    table_free(&type->context->mem, type->facts.fields, type->facts.field_count);
    type->facts.fields = NULL;
    type->facts.field_count = 0;
}

static bool fits(const lw_type *type, uint64_t offset, uint64_t size)
{
    return offset <= type->facts.size && size <= type->facts.size - offset;
}

static lw_status field_check(const lw_type *type, const lw_field *field, uint32_t i,
                             lw_error *error)
{
    const char *wrong = NULL;
    uint64_t pointers = field->kind == LW_FIELD_SLOTS ? field->length : 1;
    uint32_t bytes = field->count_size;
    if (!field->name || !*field->name)
        wrong = "has no name";
    else if (field->kind < LW_FIELD_OBJECT || field->kind > LW_FIELD_SLOTS)
        wrong = "is of no known kind";
    else if (field->target && field->target->context != type->context)
        wrong = "has a target of another context";
    else if (pointers == 0 || pointers > type->facts.size / sizeof(void *) ||
             !fits(type, field->offset, pointers * sizeof(void *)))
        wrong = "reaches beyond the type's size";
    else if (field->kind == LW_FIELD_ROW && bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
        wrong = "has a count_size that is not 1, 2, 4 or 8";
    else if (field->kind == LW_FIELD_ROW && !fits(type, field->count_offset, bytes))
        wrong = "has a counter beyond the type's size";
    if (wrong)
        return lwi_fail(error, LW_E_INVALID, "type \"%s\": field %u (\"%.60s\") %s", type->facts.name,
                        (unsigned)i, field->name ? field->name : "", wrong);
    return LW_OK;
}

static lw_field *table_copy(lwi_mem *mem, const lw_field *fields, uint32_t count)
{
    lw_field *copy = lwi_alloc(mem, lwi_array_size(count, sizeof *copy));
    bool ready = copy;
    for (uint32_t i = 0; ready && i < count; i++) {
        copy[i] = fields[i];
        copy[i].name = lwi_strdup(mem, fields[i].name);
        ready = copy[i].name;
    }
    if (ready)
        return copy;
    table_free(mem, copy, count);
    return NULL;
}

lw_status lw_type_fields(lw_type *type, const lw_field *fields, uint32_t count, lw_error *error)
{
    if (!type || (count && !fields))
        return lwi_fail(error, LW_E_INVALID, "%s is NULL", type ? "fields" : "type");
    lw_status status = LW_OK;
    for (uint32_t i = 0; status == LW_OK && i < count; i++)
        status = field_check(type, &fields[i], i, error);
    lwi_thread *thread;
    if (status == LW_OK)
        status = lwi_enter(type->context, &thread, error);
    if (status != LW_OK)
        return status;
    lw_field *copy = count ? table_copy(&type->context->mem, fields, count) : NULL;
    if (copy || !count) {
        lwi_fields_free(type);
        type->facts.fields = copy;
        type->facts.field_count = count;
    } else {
        status = lwi_nomem(error, "the fields of a type");
    }
    lwi_leave(thread);
    return status;
}

/* ---- roots ---- */

void lwi_variables_done(lw_context *context)
{
    for (uint64_t i = 0; i < context->variable_count; i++)
        lwi_strfree(&context->mem, context->variables[i].name);
    lwi_free(&context->mem, context->variables,
             lwi_array_size(context->variable_room, sizeof *context->variables));
    context->variables = NULL;
    context->variable_count = context->variable_room = 0;
}

const lwi_variable *lwi_variables_of(const lw_context *context, uint64_t *count)
{
    *count = context->variable_count;
    return context->variables;
}

bool lwi_objects_linked(lw_context *context)
{
    const lwi_type_facts *facts = lwi_types_first(context);
    while (facts && facts->field_count == 0)
        facts = lwi_types_next(facts);
    return facts || context->variable_count;
}

static lwi_variable *variable_find(lw_context *context, const void *address)
{
    for (uint64_t i = 0; i < context->variable_count; i++) {
        if (context->variables[i].address == address)
            return &context->variables[i];
    }
    return NULL;
}

static bool variable_set(lw_context *context, const void *address, const char *name,
                         lw_type *target)
{
    lwi_variable *variable = variable_find(context, address);
    char *copy = lwi_strdup(&context->mem, name);
    void *items = context->variables;
    if (!copy)
        return false;
    if (!variable) {
        if (!lwi_grow(&context->mem, &items, &context->variable_room, context->variable_count + 1,
                      sizeof *context->variables)) {
            lwi_strfree(&context->mem, copy);
            return false;
        }
        context->variables = items;
        variable = &context->variables[context->variable_count++];
        variable->name = NULL;
    }
    lwi_strfree(&context->mem, variable->name);
    *variable = (lwi_variable){address, copy, target};
    return true;
}

lw_status lw_object_root(lw_context *context, const void *variable, const char *name,
                         lw_type *target, lw_error *error)
{
    if (!context || !variable || !name || !*name)
        return lwi_fail(error, LW_E_INVALID, "a root needs a context, a variable and its name");
    if (target && target->context != context)
        return lwi_fail(error, LW_E_INVALID, "root \"%s\": its type is of another context", name);
    lwi_thread *thread;
    lw_status status = lwi_enter(context, &thread, error);
    if (status != LW_OK)
        return status;
    if (!variable_set(context, variable, name, target))
        status = lwi_nomem(error, "a root");
    lwi_leave(thread);
    return status;
}

void lw_object_unroot(lw_context *context, const void *variable)
{
    lwi_thread *thread;
    if (!context || lwi_enter(context, &thread, NULL) != LW_OK)
        return;
    lwi_variable *gone = variable_find(context, variable);
    if (gone) {
        lwi_strfree(&context->mem, gone->name);
        *gone = context->variables[--context->variable_count];
    }
    lwi_leave(thread);
}
