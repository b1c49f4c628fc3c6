#ifndef LWM_WATCH_H
#define LWM_WATCH_H

/* Reports on a signal and at a share of the memory limit, on a thread that is there only if one of
 * these was asked for. Also in the child of a fork. */
void lwm_watch_start(void);

/* The number of bytes that the container of this process may use, and how many it uses now, less
 * what the system can take back at once; 0: unknown. */
unsigned long long lwm_limit(void);
unsigned long long lwm_usage(void);

#endif
