/* Which traces are complete: spans by their ids, and the parents that are still missing.
 *
 * Grows with the spans fed to it and looks at each once. A trace is complete
 * when its root has ended and every parent that a span names is there or was
 * declared remote by the span's flags.
 */
#ifndef OTLPKIT_COMPLETE_H
#define OTLPKIT_COMPLETE_H

#include "capture.h"

struct otk_complete;

/* `span_count`: how many spans a trace has when it is all there; 0: any number. */
struct otk_complete *otk_complete_new(uint64_t span_count);
void otk_complete_free(struct otk_complete *t);

/* Takes in the spans of a capture that arrived at `when_ns`. 0 or OTK_ENOMEM. */
int otk_complete_feed(struct otk_complete *t, const struct capture *c, uint64_t when_ns);

/* The trace of span `item` of the capture, fed before, is one that is asked for. */
void otk_complete_want(struct otk_complete *t, const struct capture *c, size_t item);
void otk_complete_want_all(struct otk_complete *t);

/* One trace as it stands. */
struct otk_trace_state {
    uint8_t trace_id[16];
    bool wanted;
    uint64_t spans;   /* different ones */
    uint64_t missing; /* parents */
    uint64_t roots;
    uint64_t open_roots; /* that have no end */
    uint64_t when_ns;    /* its newest span came */
};

/* The trace at position `i`, in order of arrival; NULL beyond the last. */
const struct otk_trace_state *otk_complete_at(const struct otk_complete *t, size_t i);

/* The traces that are asked for, taken together. */
struct otk_complete_sum {
    size_t wanted;
    size_t complete;
    size_t exceeded;  /* have more than `span_count` spans */
    uint64_t when_ns; /* the newest span of any came */
};

const struct otk_complete_sum *otk_complete_sum(const struct otk_complete *t);

bool otk_complete_is(const struct otk_complete *t, const struct otk_trace_state *trace);

/* The missing parents of a trace: up to `max` ids of 8 bytes to `out`. How many there are. */
size_t otk_complete_missing(const struct otk_complete *t, size_t i, uint8_t (*out)[8], size_t max);

#endif
