/* Captured structs (spans, metrics, log records) read from a capture's bytes.
 *
 * Two ways to look: otk_capture_span() and its sisters build an item at its
 * first look and keep it in the capture's arena; a walk passes over all items
 * in order and keeps one at a time, whatever the size of the request.
 */
#ifndef OTLPKIT_VIEW_H
#define OTLPKIT_VIEW_H

#include "capture.h"

struct otk_walk {
    const struct capture *capture;
    size_t next; /* item */
    size_t scope_place, resource_place;
    const otk_captured_resource *resource;
    const otk_captured_scope *scope;
    struct otk_arena resource_arena, scope_arena, item_arena;
    int failed; /* OTK_ENOMEM when it ended early */
};

void otk_walk_init(struct otk_walk *w, const struct capture *c);

/* The next item, an otk_captured_span, _metric or _log by the capture's signal,
 * valid until the next call; NULL behind the last. */
const void *otk_walk_next(struct otk_walk *w);

void otk_walk_clear(struct otk_walk *w);

/* Whether the capture's request was taken, so that it has a message to show. */
static inline bool otk_capture_accepted(const otk_capture *c)
{
    return c->has_signal && c->encoding != OTK_ENCODING_UNKNOWN && c->status >= 200 && c->status < 400 && !*c->reason;
}

#endif
