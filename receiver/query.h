/* A query: a selector that captures are fed to, one after the other, and what of them it selects so far.
 *
 * Feeding costs what is new: each item of the capture is looked at once. Where a selector looks at traces as a whole
 * (structure, pipelines, trace intrinsics), the traces that got new spans are evaluated again, and no others. A query
 * holds references to the captures that it still needs.
 */
#ifndef OTLPKIT_QUERY_H
#define OTLPKIT_QUERY_H

#include "capture.h"

struct otk_query;

#define OTK_NO_POINT UINT32_MAX

/* One selected item: a span, a log record, or a data point of a metric. */
struct otk_query_match {
    struct capture *capture;
    uint32_t item;  /* place in the capture */
    uint32_t point; /* place in the metric, else OTK_NO_POINT */
};

/* OTK_EINVAL when the selector is wrong: error->message is one sentence with the position, and
 * otk_selector_explain() (receiver.h) gives it with the text and a caret below. */
int otk_query_new(struct otk_query **out, const char *selector, otk_error *error);
void otk_query_free(struct otk_query *q);

otk_signal otk_query_signal(const struct otk_query *q);
const char *otk_query_text(const struct otk_query *q);

/* Takes in a capture; one that was refused or is of another signal does nothing. Returns 0, OTK_ENOMEM, or OTK_ELIMIT
 * when a regular expression was too costly for a text; after either the query has not seen all of the capture. */
int otk_query_feed(struct otk_query *q, struct capture *c);

/* Forgets all that it was fed. */
void otk_query_clear(struct otk_query *q);

/* Whether the selector holds: it selects at least one item, or is a count or the like that is true of none. */
bool otk_query_holds(const struct otk_query *q);

/* Whether what is selected stays selected, and what comes is selected behind it: so it is for selectors that look at each
 * item by itself. */
bool otk_query_only_grows(const struct otk_query *q);

/* How many items are selected, and the one at position `i`, in order of arrival. The latter may fail with OTK_ENOMEM
 * or, beyond the last, OTK_EINVAL. */
uint64_t otk_query_matches(const struct otk_query *q);
int otk_query_match(struct otk_query *q, uint64_t i, struct otk_query_match *out);

/* ---- Near misses ----------------------------------------------------- */

/* One comparison that failed. */
struct otk_difference {
    char field[96];     /* span.http.status_code */
    char expected[128]; /* = string "500" */
    char actual[128];   /* int 500; or: absent */
    char sentence[384]; /* span.http.status_code is int 500, expected = string "500" */
};

#define OTK_DIFFERENCES_MAX 6

struct otk_near {
    unsigned distance; /* 0: the part holds for the item, and so does its structure; the smaller the nearer */
    size_t part;       /* the one that comes nearest, from left to right */
    bool structure;    /* the part itself holds, but the item stands in the wrong place of its trace */
    size_t count;      /* differences, OTK_DIFFERENCES_MAX at most; what fails beyond is in `distance` only */
    struct otk_difference differences[OTK_DIFFERENCES_MAX];
};

/* How far an item is from what the selector's parts want, the {…} in it, each of which speaks of one item: the nearest
 * of them, structure included. `point` counts for metrics only. The item is of the query's signal; for structure its capture must have
 * been fed. Returns 0 or OTK_ENOMEM. */
int otk_query_near(struct otk_query *q, struct capture *c, uint32_t item, uint32_t point, struct otk_near *out);

/* How many data points metric `item` of the capture has; 1 for spans and log records. */
uint32_t otk_query_points(const struct capture *c, uint32_t item);

#endif
