#ifndef LWM_REPORT_H
#define LWM_REPORT_H

/* Remembers what standard error is, to tell later that it is still that. */
void lwm_report_init(void);

/* Once there is a domain, of glibc: its allocator tells what it keeps. */
void lwm_report_source(void);

/* Begins what the report of mode COUNTS is about. */
void lwm_report_begin(void);

/* What lives now, by site, to where it was asked for. `why` is a word or two: "at exit". */
void lwm_report(const char *why);

#endif
