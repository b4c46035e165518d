/* What stands behind an otk_span, and the spare ones.
 *
 * Always holds: a span records only between its start and its end; its buffers
 * are empty when it is taken, and their memory is used again.
 */
#ifndef OTLPKIT_SPAN_H
#define OTLPKIT_SPAN_H

#include "draft.h"
#include "lock.h"
#include "provider.h"
#include "span_record.h"

/* Records of one kind that a span collects: its events, its links. */
struct otk_records {
    struct otk_buffer bytes;
    uint32_t count, dropped;
};

/* The head is that of the block that goes to the queue. */
enum { OTK_SPAN_HEAD = sizeof(struct otk_block) + sizeof(struct otk_span_record) };

struct otk_span {
    atomic_bool recording;    /* first: <otlpkit/sdk.h> looks at it */
    bool used;                /* its buffers are in use */
    bool shown;               /* to processors, though it has ended; under the lock */
    bool adorned;             /* with events, links, a status or a trace state */
    bool sampled;             /* to be exported */
    struct otk_own_lock lock; /* covers what follows, while it records */
    otk_tracer *tracer;
    struct otk_draft attributes; /* head and name stand before them, and when it has ended all else behind them */
    struct otk_span_start start;
    uint64_t clock_offset; /* from the monotonic clock to the epoch, for the span's whole life */
    otk_span *next;        /* among the spare ones */
    otk_status_code status;
    struct otk_records events, links;
    struct otk_buffer trace_state; /* what the context's points to */
    struct otk_buffer status_message;
    struct otk_buffer message; /* the Span, for a processor that asks */
};

/* Of one that has ended. */
static inline struct otk_span_record *otk_span_record_of(const otk_span *span)
{
    return (void *)(span->attributes.bytes.data + sizeof(struct otk_block));
}

static inline bool otk_span_records(const otk_span *span)
{
    return span && atomic_load_explicit(&span->recording, memory_order_acquire);
}

/* What is current in this thread. */
extern _Thread_local otk_token otk_current __attribute__((tls_model("initial-exec")));

/* Copies the trace state; false when memory ran out. */
bool otk_span_set_trace_state(otk_span *span, const char *trace_state);

/* Spans that this thread let go of. */
struct otk_spares {
    otk_span *first;
    size_t room;  /* for so many more */
    bool watched; /* freed when the thread ends */
};

extern _Thread_local struct otk_spares otk_spares __attribute__((tls_model("initial-exec")));

otk_span *otk_span_new(void);

/* A span with no identity that records nothing, or NULL. */
static inline otk_span *otk_span_take(void)
{
    otk_span *span = otk_spares.first;
    if (!span)
        return otk_span_new();
    otk_spares.first = span->next;
    otk_spares.room++;
    return span;
}

void otk_span_give_back(otk_span *span);

#endif
