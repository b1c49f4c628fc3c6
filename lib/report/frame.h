/* Lines of call stacks in reports. */
#ifndef LWI_REPORT_FRAME_H
#define LWI_REPORT_FRAME_H

#include "report/json.h"
#include "report/text.h"

/* "svc.py:19", of an absolute path the last folder and the file. What is not known is left out,
 * and a frame of which nothing is known is named so. */
void lwi_text_place(lwi_text *text, const lw_frame *frame);
/* "svc.py:19 Pricing.price" */
void lwi_text_frame(lwi_text *text, const lw_frame *frame);

void lwi_json_frame(lwi_json *json, const lw_frame *frame);

/* Writes a frame on a line of its own, with its whole path and whatever its length; "yours" marks
 * the user's own code. */
void lwi_out_frame(lwi_out *out, const lw_frame *frame, uint32_t indent);

#endif
