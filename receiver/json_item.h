/* One span, metric or log record as a flat JSON object, with what stands around it: docs/http.md tells its form.
 *
 * Written straight from the bytes. A field is there if and only if it was on the wire, under its OTLP/JSON name; what
 * is plainer than OTLP/JSON are values and collections of attributes. */
#ifndef OTLPKIT_JSON_ITEM_H
#define OTLPKIT_JSON_ITEM_H

#include "capture.h"

/* Appends item `i` of the capture. Returns out->failed. */
int otk_json_item(struct otk_buffer *out, const struct capture *c, size_t i);

#endif
