/* What stands behind an otk_span, and the spare ones.
 *
 * Always holds: a span records only between its start and its end; its buffers
 * are empty when it is taken, and their memory is used again.
 */
#ifndef OTLPKIT_SPAN_H
#define OTLPKIT_SPAN_H

#include "attributes.h"
#include "lock.h"
#include "provider.h"

/* Records of one kind that a span collects: its events, its links. */
struct otk_records {
    struct otk_buffer bytes;
    uint32_t count, dropped;
};

enum { OTK_SPAN_ATTRIBUTES = 9, OTK_SPAN_MAX_BYTES = 64 << 20 };

struct otk_span {
    otk_span *next; /* among the spare ones */
    otk_span_context context;
    struct otk_buffer trace_state; /* what the context's points to */
    atomic_bool recording;
    bool used;                /* its buffers are in use */
    bool adorned;             /* with events, links, a status or a trace state */
    bool sampled;             /* to be exported */
    struct otk_own_lock lock; /* covers what follows, while it records */
    otk_tracer *tracer;
    unsigned process; /* the SDK's count of forks when it started */
    uint8_t parent_span_id[8];
    bool has_parent, parent_is_remote;
    uint64_t clock_offset;               /* from the monotonic clock to the epoch, for the span's whole life */
    struct otk_attribute_set attributes; /* its bytes become the Span message: ids, name, times stand before them */
    uint32_t name_at, name_size;         /* of the name's record there */
    uint32_t end_at;                     /* and of the end's time */
    struct otk_records events, links;
    otk_status_code status;
    struct otk_buffer status_message;
};

static inline bool otk_span_records(const otk_span *span)
{
    return span && atomic_load_explicit(&span->recording, memory_order_acquire);
}

/* What is current in this thread. */
extern _Thread_local otk_token otk_current __attribute__((tls_model("initial-exec")));

/* Given out where there is nothing to record and no trace to continue. */
extern otk_span otk_span_nothing;

/* Copies the trace state; false when memory ran out. */
bool otk_span_set_trace_state(otk_span *span, const char *trace_state);

/* A span with no identity that records nothing, or NULL. */
otk_span *otk_span_take(void);
void otk_span_give_back(otk_span *span);

#endif
