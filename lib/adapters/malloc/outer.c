#include "outer.h"

#include "adapter.h"

void lwm_outer_enter(void)
{
    lwm_thread.inside++;
}

void lwm_outer_leave(void)
{
    lwm_thread.inside--;
}

void lwm_outer_alloc(const void *block, size_t size, const void *frame)
{
    if (block && lwm_listening())
        lwm_on_alloc(block, size, frame);
}

void lwm_outer_free(const void *block)
{
    if (block && lwm_listening())
        lw_block_free(lwm_domain, block);
}

bool lwm_outer_move_begin(lw_move *move, const void *block)
{
    if (!block || !lwm_listening())
        return false;
    lw_move_begin(lwm_domain, block, move);
    return true;
}

void lwm_outer_move_end(lw_move *move, const void *block, size_t size, const void *frame)
{
    if (block)
        lwm_on_move(move, block, size, frame);
    else
        lw_move_cancel(move);
}
