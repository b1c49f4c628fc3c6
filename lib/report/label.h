/* Labels and kinds of references in reports. */
#ifndef LWI_REPORT_LABEL_H
#define LWI_REPORT_LABEL_H

#include "report/json.h"
#include "report/text.h"

/* ".name", "[key]", "[3]", "name", "(slot)" */
void lwi_text_label(lwi_text *text, const lw_label *label);
/* "module app": the kind of a root and its name, if it has one. */
void lwi_text_root(lwi_text *text, const char *kind, const lw_label *label);
/* ", weak"; nothing for a strong one. */
void lwi_text_edge_kind(lwi_text *text, int32_t kind);

void lwi_json_label(lwi_json *json, const lw_label *label);
void lwi_json_edge_kind(lwi_json *json, int32_t kind);

#endif
