/* Spans, metrics and log records as flat JSON objects, with what stands around them: docs/http.md tells their form.
 *
 * Written straight from the bytes. A field is there if and only if it was on the wire, under its OTLP/JSON name; what
 * is plainer than OTLP/JSON are values and collections of attributes.
 */
#ifndef OTLPKIT_JSON_ITEM_H
#define OTLPKIT_JSON_ITEM_H

#include "capture.h"

/* The text of a resource or scope, made once for the items that stand in it. */
struct otk_item_around {
    size_t place; /* in the index */
    struct otk_buffer text;
    uint64_t unknown_fields;
};

struct otk_json_item {
    const struct capture *capture; /* that `resource` and `scope` are of */
    uint64_t number;
    struct otk_item_around resource, scope;
    struct otk_buffer entries; /* of the collections that are open, one behind the other */
    struct otk_buffer *out;
    uint64_t unknown_fields;
};

void otk_json_item_init(struct otk_json_item *w);
void otk_json_item_clear(struct otk_json_item *w);

/* Appends item `i` of the capture. Returns out->failed. */
int otk_json_item_write(struct otk_json_item *w, struct otk_buffer *out, const struct capture *c, size_t i);

#endif
