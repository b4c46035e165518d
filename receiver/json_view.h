/* Captures as OTLP/JSON text: what json_view.c writes to streams and memory, and json_tree.c makes jansson's trees of.
 *
 * The trees stand apart so that a program which does not ask for them does not load jansson.
 */
#ifndef OTLPKIT_JSON_VIEW_H
#define OTLPKIT_JSON_VIEW_H

#include "buffer.h"
#include "otlpkit/receiver.h"

/* A buffer with room, if need be, for a message of this size as JSON. */
struct otk_buffer otk_json_buffer(size_t message_size);

/* Appends an accepted capture's message as one object. Returns 0 or OTK_ENOMEM. */
int otk_json_append(struct otk_buffer *out, const otk_capture *c);

/* The same and a newline; nothing for one that was refused. */
int otk_json_append_line(struct otk_buffer *out, const otk_capture *c);

typedef int otk_json_visit_fn(const otk_capture *c, void *arg);

/* Visits the captures in order, until one call does not return 0; returns what the last one did. Each is held on to
 * while it is looked at, since the oldest may be dropped meanwhile. */
int otk_json_visit(otk_receiver *rx, otk_json_visit_fn *visit, void *arg);

#endif
