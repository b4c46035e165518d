/* Encoded items on their way out, and the request that they become.
 *
 * An item is the content of a Span, Metric or LogRecord message. A request is
 * made of them by concatenation, grouped by scope, in the order they came.
 */
#ifndef OTLPKIT_BATCH_H
#define OTLPKIT_BATCH_H

#include "buffer.h"
#include "otlpkit/sdk.h"

/* An instrumentation scope. Tracers, meters and loggers begin with one. */
struct otk_scope {
    struct otk_scope *next;
    otk_sdk *sdk;
    otk_signal signal;
    struct otk_buffer content;    /* of its InstrumentationScope message */
    struct otk_buffer schema_url; /* the envelope's record for it, or nothing */
    struct otk_scope *batch_next; /* for otk_batch_write, on the worker's thread */
    size_t batch_bytes;
};

struct otk_item {
    struct otk_scope *scope;
    uint8_t *data;
    size_t size;
    uint32_t count; /* what the accounting counts it as: 1, or a metric's data points */
};

/* Appends an Export…ServiceRequest. Returns 0, OTK_ENOMEM, or OTK_ELIMIT when
 * it would exceed the buffer's limit. */
int otk_batch_write(struct otk_buffer *b, const struct otk_buffer *resource, const struct otk_item *items,
                    size_t count);

#endif
