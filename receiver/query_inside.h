/* What a query is made of, for the files that share it: query.c and near.c. */
#ifndef OTLPKIT_QUERY_INSIDE_H
#define OTLPKIT_QUERY_INSIDE_H

#include "match.h"
#include "pipeline.h"
#include "query.h"
#include "traces.h"

struct otk_query {
    struct sel_selector *selector;
    struct otk_matcher matcher;
    uint64_t near_number; /* of the capture that was last looked at for near misses, or 0 */
    uint32_t near_item, near_point;
    struct otk_arena scratch;
    uint64_t sequence;

    /* The captures that are held on to. */
    struct capture **held;
    size_t held_count, held_capacity;

    /* Selectors of single items: what fits. Grouped ones: the same, collected from the traces when asked for. */
    struct otk_query_match *matches;
    size_t match_count, match_capacity;

    /* Grouped selectors. */
    struct traces traces;
    struct trace *dirty;
    bool needs_all, holds_empty, collected;
    size_t holding, reached;
    uint64_t matched;
};

/* The trace that the item loaded in the matcher belongs to, as a key: zeros when it has none. */
void otk_query_trace_id(const struct otk_query *q, uint8_t out[16]);

#endif
