/* A matcher: evaluates a selector's expressions on one item, straight from the bytes on the wire.
 *
 * The item's records are passed over once; what the selector does not ask for is skipped. Resource and scope are read
 * when they change. What it hands out points into the capture's message and is valid until the next load.
 */
#ifndef OTLPKIT_MATCH_H
#define OTLPKIT_MATCH_H

#include "capture.h"
#include "selector_value.h"

#define MATCH_RECORDS 17 /* field numbers of a span, a metric, a point, a log record */
#define MATCH_HEX_SIZE 64

/* What a container of attributes had for each slot. */
struct match_values {
    struct sel_value values[OTK_SELECTOR_FIELDS_MAX];
    bool has[OTK_SELECTOR_FIELDS_MAX];
};

/* The records of one message, by field number, and what its attributes had. */
struct match_message {
    struct otk_record records[MATCH_RECORDS];
    uint32_t seen; /* bits of the field numbers in `records` */
    struct match_values attributes;
};

/* An item and all around it. There are two: the item's, and its parent's. */
struct match_item {
    const struct capture *capture;
    size_t resource_place, scope_place;
    struct match_message resource, scope, item, point;
    struct otk_extent extent;            /* of the item */
    const struct otk_message *data_type; /* of a metric's points */
    const uint8_t *next_point;
    struct otk_extent data;
    uint32_t metric_type; /* enum otk_metric_type */
    uint64_t temporality;
    bool monotonic, has_temporality, has_monotonic;
};

struct otk_matcher {
    const struct sel_selector *selector;
    const struct otk_message *resource_envelope, *scope_envelope, *item_type;
    struct match_item own, parent;
    bool has_parent;
    struct sel_value of_trace[OTK_SELECTOR_FIELDS_MAX]; /* set from outside for fields that depend on the trace */
    char (*hex)[MATCH_HEX_SIZE];                        /* by slot */
    int failed;                                         /* OTK_ENOMEM, OTK_ELIMIT: what was told then is not true */
};

int otk_matcher_init(struct otk_matcher *m, const struct sel_selector *s);
void otk_matcher_clear(struct otk_matcher *m);

/* Forgets what it remembers of resources and scopes: a capture may have gone, and another stand where it stood. */
void otk_matcher_forget(struct otk_matcher *m);

/* Goes to an item. A metric then stands before its first point. */
void otk_matcher_load(struct otk_matcher *m, const struct capture *c, size_t item);

/* Goes to a metric's next point; false behind the last. */
bool otk_matcher_next_point(struct otk_matcher *m);

/* The item that fields of the parent are taken from, or NULL: there is none. */
void otk_matcher_load_parent(struct otk_matcher *m, const struct capture *c, size_t item);

/* Of the item that was loaded: the ids of a span as they stand on the wire (empty when absent), and its times. */
otk_bytes otk_matcher_id(const struct otk_matcher *m, enum sel_intrinsic which);
uint64_t otk_matcher_time(const struct otk_matcher *m, bool end);

/* The name of any span, and the service.name of its resource. */
struct sel_value otk_matcher_name_of(const struct otk_matcher *m, const struct capture *c, size_t item);
struct sel_value otk_matcher_service_of(const struct otk_matcher *m, const struct capture *c, size_t item);

struct sel_value otk_matcher_value(struct otk_matcher *m, const struct sel_node *n);

/* Whether the item fits what stands in the braces. */
bool otk_matcher_holds(struct otk_matcher *m, const struct sel_filter *f);

/* Whether one comparison holds; for looking at why an item does not fit. */
bool otk_matcher_true(struct otk_matcher *m, const struct sel_node *n);

/* A value of several (events, links) as the first of them. */
struct sel_value otk_matcher_single(struct otk_matcher *m, struct sel_value v);

#endif
