#define LWPY_HOST_OPCODES
#include "heap_walk.h"

/* While a frame runs, the number of values on its evaluation stack is in a register of the
 * interpreter loop. It follows from the bytecode: every path to an instruction leads there with
 * the same depth. */

typedef struct flow {
    const PyCodeObject *code;
    const _Py_CODEUNIT *units;
    Py_ssize_t count;
    int *depths;         /* by unit; -1: not reached yet */
    Py_ssize_t *todo;    /* units to go on from, each at most once */
    Py_ssize_t todo_count;
    Py_ssize_t wanted;   /* the unit that is asked about */
    int effect;          /* of the instruction there, if it goes on to the next one */
    int more;            /* values that it finds beyond its depth */
} flow;

static void arrive(flow *flow, Py_ssize_t unit, int depth)
{
    if (unit < 0 || unit >= flow->count || depth < 0 || flow->depths[unit] >= 0)
        return;
    flow->depths[unit] = depth;
    flow->todo[flow->todo_count++] = unit;
}

static unsigned table_number(const unsigned char **at, const unsigned char *end)
{
    unsigned number = 0;
    while (*at < end) {
        unsigned char byte = *(*at)++;
        number = number << 6 | (byte & 63);
        if (!(byte & 64))
            break;
    }
    return number;
}

/* An exception handler is entered with what its entry says, the exception, and maybe a place. */
static void arrive_handlers(flow *flow)
{
    PyObject *table = flow->code->co_exceptiontable;
    if (!table || !PyBytes_CheckExact(table))
        return;
    const unsigned char *at = (const unsigned char *)PyBytes_AS_STRING(table);
    const unsigned char *end = at + PyBytes_GET_SIZE(table);
    while (at < end) {
        table_number(&at, end); /* start */
        table_number(&at, end); /* length */
        unsigned target = table_number(&at, end);
        unsigned depth = table_number(&at, end);
        arrive(flow, (Py_ssize_t)target, (int)(depth >> 1) + (int)(depth & 1) + 1);
    }
}

static void step(flow *flow, Py_ssize_t unit)
{
    int depth = flow->depths[unit], argument = 0;
    int opcode = lwpy_host_opcode(_Py_OPCODE(flow->units[unit]));
    while (opcode == EXTENDED_ARG && unit + 1 < flow->count) {
        argument = (argument | _Py_OPARG(flow->units[unit])) << 8;
        opcode = lwpy_host_opcode(_Py_OPCODE(flow->units[++unit]));
        flow->depths[unit] = depth;
    }
    argument |= _Py_OPARG(flow->units[unit]);
    int effect = PyCompile_OpcodeStackEffectWithJump(opcode, argument, 0);
    int ways = lwpy_host_flow(opcode);
    if (effect == PY_INVALID_STACK_EFFECT)
        return;
    if (unit == flow->wanted) {
        flow->more = lwpy_host_still_there(opcode, argument);
        flow->effect = effect - flow->more;
    }
    Py_ssize_t next = unit + 1 + lwpy_host_caches(opcode);
    if (ways & (LWPY_HOST_FORWARD | LWPY_HOST_BACKWARD)) {
        int jump = PyCompile_OpcodeStackEffectWithJump(opcode, argument, 1);
        Py_ssize_t distance = ways & LWPY_HOST_FORWARD ? argument : -(Py_ssize_t)argument;
        if (jump != PY_INVALID_STACK_EFFECT)
            arrive(flow, next + distance, depth + jump);
    }
    if (!(ways & LWPY_HOST_ENDS))
        arrive(flow, next, depth + effect);
}

static int depth_at(flow *flow)
{
    memset(flow->depths, -1, (size_t)flow->count * sizeof *flow->depths);
    arrive(flow, 0, lwpy_host_first_depth(flow->code));
    while (flow->todo_count)
        step(flow, flow->todo[--flow->todo_count]);
    arrive_handlers(flow);
    while (flow->todo_count)
        step(flow, flow->todo[--flow->todo_count]);
    int depth = flow->depths[flow->wanted];
    return depth < 0 ? depth : depth + flow->more;
}

int lwpy_stack_depth(lw_sink *sink, const lwpy_host_frame *frame, int *doubtful)
{
    const PyCodeObject *code = lwpy_host_frame_code(frame);
    flow flow = { code, (const _Py_CODEUNIT *)code->co_code_adaptive, Py_SIZE(code), NULL, NULL, 0,
                  lwpy_host_code_offset(code, lwpy_host_frame_word(frame)) /
                      (Py_ssize_t)sizeof(_Py_CODEUNIT),
                  PY_INVALID_STACK_EFFECT, 0 };
    int depth = -1;
    size_t size = (size_t)flow.count * (sizeof *flow.depths + sizeof *flow.todo) + 8;
    flow.depths = lw_sink_memory(sink, NULL, 0, size);
    if (flow.depths && flow.wanted >= 0 && flow.wanted < flow.count) {
        flow.todo = (Py_ssize_t *)(((uintptr_t)(flow.depths + flow.count) + 7) & ~(uintptr_t)7);
        depth = depth_at(&flow);
    }
    lwpy_give_back(sink, flow.depths, size);
    *doubtful = depth >= 0 && depth <= code->co_stacksize ? depth : code->co_stacksize;
    if (depth < 0 || depth > code->co_stacksize || flow.effect == PY_INVALID_STACK_EFFECT)
        return 0;
    /* An instruction takes at most as many values as it leaves fewer, and the one it may leave. */
    int taken = flow.effect > 0 ? 1 : 1 - flow.effect;
    return depth > taken ? depth - taken : 0;
}
