/* The walk in a forked child, where no lock of the parent's is ever given back. */
#ifndef LWPY_CHILD_H
#define LWPY_CHILD_H

/* Around what may fork a child that captures; calls do not nest. */
void lwpy_child_begin(void);
void lwpy_child_end(void);

/* In such a child, before it walks: from then on Python's allocators give a little memory of ours
 * and then none, and never malloc's. In the parent it does nothing. */
void lwpy_child_settle(void);

#endif
