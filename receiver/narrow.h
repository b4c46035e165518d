/* Requests again, with no other items than those that a query selects. Of a metric all points are shown when one is
 * selected. */
#ifndef OTLPKIT_NARROW_H
#define OTLPKIT_NARROW_H

#include "query.h"
#include "writer.h"

struct otk_narrowing {
    struct otk_query *query;
    struct otk_query_match match; /* the next one */
    uint64_t next;
    bool done; /* there is none */
    struct otk_buffer bytes;
    struct otk_gaps gaps;
};

/* The query has been fed, and is borrowed. Returns 0 or OTK_ENOMEM. */
int otk_narrowing_begin(struct otk_narrowing *n, struct otk_query *q);

/* Appends the next request that holds a match as a line of OTLP/JSON; nothing when `done`. Returns 0, OTK_ENOMEM or
 * OTK_ELIMIT. */
int otk_narrowing_next(struct otk_narrowing *n, struct otk_buffer *out);

#endif
