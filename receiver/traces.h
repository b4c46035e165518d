/* Spans by trace: who is whose parent. Grown span by span, in constant time each.
 *
 * A node is a span id, of a span that came or that others call their parent; it knows its own parent once its span is
 * there. So structure does not depend on the order of arrival, and a parent that never came still joins siblings.
 */
#ifndef OTLPKIT_TRACES_H
#define OTLPKIT_TRACES_H

#include "capture.h"

#define OTK_NO_NODE UINT32_MAX

struct trace_node {
    uint64_t id;
    uint32_t span;   /* the first that has the id, or OTK_NO_NODE */
    uint32_t parent; /* a node, or OTK_NO_NODE */
};

struct trace_span {
    struct capture *capture;
    uint32_t item, point;
    uint32_t node;
    uint64_t filters; /* bits of the selector's filters that it fits */
    uint64_t sequence;
};

struct trace {
    uint8_t id[16];
    struct trace *next; /* in the table's chain */
    struct trace *next_dirty;
    bool dirty, holds;
    struct trace_span *spans;
    struct trace_node *nodes;
    uint32_t *slots; /* hash table of nodes by id, plus one */
    size_t span_count, span_capacity, node_count, node_capacity, slot_count;
    uint32_t root; /* the first span without a parent, or OTK_NO_NODE */
    uint64_t start, end;
    size_t reached; /* sets that came to be counted */
    uint32_t *matched;
    size_t matched_count;
};

struct traces {
    struct trace **buckets;
    size_t bucket_count, count;
};

void otk_traces_clear(struct traces *t);

/* The trace with this id, made when it is new; NULL when memory ran out. */
struct trace *otk_traces_get(struct traces *t, const uint8_t id[16]);

/* The trace with this id, or NULL. */
struct trace *otk_traces_find(const struct traces *t, const uint8_t id[16]);

/* Adds a span; ids of no bytes are absent. On failure nothing changed that could be seen. */
int otk_trace_add(struct trace *t, const struct trace_span *span, otk_bytes id, otk_bytes parent_id);

/* The nested set model of the trace: left, right and parent of each node; 0 where no root leads to, -1 for a root's
 * parent. `out` has room for all nodes. Returns 0 or OTK_ENOMEM. */
struct trace_nested {
    int64_t left, right, parent;
};
int otk_trace_nest(const struct trace *t, struct trace_nested *out);

#endif
