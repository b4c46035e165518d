/* A span as it waits for the worker: what was said of it, not yet encoded. */
#ifndef OTLPKIT_SPAN_RECORD_H
#define OTLPKIT_SPAN_RECORD_H

#include "batch.h"

/* What is known when it starts. */
struct otk_span_start {
    otk_span_context context;
    uint8_t parent_span_id[8];
    uint64_t time_unix_nano;
    uint8_t kind;
    bool has_parent, parent_is_remote;
};

/* Behind it stand the name, the attributes (draft.h), the trace state, and the records of events, links and status,
 * which are OTLP already. */
struct otk_span_record {
    struct otk_span_start start; /* its context's trace_state is nobody's business */
    uint64_t end_time_unix_nano;
    uint32_t name_size, attributes_size, trace_state_size, rest_size;
    uint32_t dropped_attributes;
    bool keys_differ; /* for certain */
};

uint32_t otk_span_record_flags(uint8_t trace_flags, bool is_remote);

/* Appends the content of a Span message: texts are repaired, and of each key the last attribute is there. */
void otk_span_record_encode(const struct otk_span_record *record, struct otk_buffer *b);

/* Puts messages, which stand in `b` until it is used again, in the place of records. Returns 0 or OTK_ENOMEM. */
int otk_span_records_encode(struct otk_buffer *b, struct otk_item *items, size_t count);

#endif
