/* Reports: what was met, what is missing, what came besides, and what was lost on the way in.
 *
 * A report is gathered once, from a condition that was waited for and from the
 * store. Text and JSON are two writers over the same struct.
 */
#ifndef OTLPKIT_REPORT_H
#define OTLPKIT_REPORT_H

#include "expect.h"
#include "store.h"

#define REPORT_NEAR_MAX 3
#define REPORT_ITEMS_MAX 5

/* A span, metric point or log record that the report points at. */
struct report_item {
    otk_signal signal;
    const char *name; /* of a log record its body */
    const char *service;
    const char *attributes; /* of a point, {route="/pay"}; else "" */
    const char *id;         /* of a span its span id in hex; else "" */
    uint64_t request;
    struct otk_near near;
};

struct report_items {
    struct report_item items[REPORT_ITEMS_MAX];
    size_t count; /* of those shown */
    uint64_t total;
};

/* One condition and how it stood. */
struct report_finding {
    const otk_condition *condition; /* valid while it is gathered */
    const char *what;               /* the selector, or a phrase */
    const char *wanted;             /* a phrase: at least 1 */
    const char *seen;               /* a phrase: 0 times */
    const char *hint;               /* "" or what is in the way */
    bool met, exceeded;
    struct report_items near;      /* REPORT_NEAR_MAX at most, the nearest first */
    struct report_items exceeding; /* the newest that should not be */
};

struct report_request {
    uint64_t number;
    unsigned status;
    const char *method, *target, *reason, *sender;
};

struct otk_report {
    int code;
    const char *error;   /* "" or a sentence instead of all below */
    const char *explain; /* "" or the wrong selector, with a caret below the place */
    const char *url;
    unsigned timeout_ms;
    bool hopeless;
    struct report_finding *findings;
    size_t finding_count;
    struct report_items extra;
    struct report_request refused[REPORT_ITEMS_MAX]; /* the newest */
    size_t refused_shown;
    otk_receiver_counts counts;
    struct otk_arena arena;
    struct otk_buffer text, json;
};

/* NULL when memory ran out. */
otk_report *otk_report_of_wait(otk_receiver *rx, struct otk_expectation *e, int code, bool hopeless,
                               unsigned timeout_ms);
otk_report *otk_report_of_error(const otk_error *error, const otk_condition *condition);

/* The one that stands for all that found no memory; otk_report_free() leaves it alone. */
otk_report *otk_report_out_of_memory(void);

/* The writers; otk_report_text() and otk_report_json() call them once. */
void otk_report_write_text(const otk_report *r, struct otk_buffer *out);
void otk_report_write_json(const otk_report *r, struct otk_buffer *out);

#endif
