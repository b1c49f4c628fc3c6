/* How a call that is not an event gets at a context: with the lock, and marked as busy so that
 * an event on the same thread - from a signal, or from a callback of ours - is counted as lost
 * and does not wait for a lock that its own thread holds. */
#ifndef LWI_RECORD_ENTER_H
#define LWI_RECORD_ENTER_H

#include "record/context.h"

/* LW_E_NOMEM without memory for a record of this thread, LW_E_STATE inside a callback. */
lw_status lwi_enter(lw_context *context, lwi_thread **thread, lw_error *error);
void lwi_leave(lwi_thread *thread);

#endif
