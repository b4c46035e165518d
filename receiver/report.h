/* Reports: what was met, what is missing, what came besides, and what was lost on the way in.
 *
 * A report is gathered once, from a condition that was waited for and from the
 * store. What is written of it comes from that alone: report_text.c, report_json.c, and report_write.c for the rest.
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
    struct otk_near *near; /* how it differs, or NULL */
};

struct report_items {
    struct report_item *items; /* room for REPORT_ITEMS_MAX, once there is one */
    size_t count;              /* of those shown */
    uint64_t total;
};

/* One condition and how it stood. */
struct report_finding {
    const otk_condition *condition; /* valid while it is gathered */
    const char *what;               /* the selector, or a phrase */
    const char *wanted;             /* a phrase: at least 1 */
    const char *seen;               /* a phrase: 0 times */
    const char *hint;               /* "" or what is in the way */
    const char *file;               /* where it is written, or NULL */
    unsigned line;
    const char *where;  /* "" or both as shop.expect:3 */
    unsigned within_ms; /* its own time, or 0 */
    bool met, exceeded;
    bool is_late;                  /* its own time has passed */
    bool is_early;                 /* the wait ended before it could tell */
    bool is_part;                  /* of the finding before it: one of several of which any is enough */
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

/* A report in the making. Looking for what came near, what nothing asked for and what was refused takes its time where
 * much has come, and goes in steps of a millisecond; `e` and its condition are needed until the end. */
struct otk_gathering;

/* NULL when memory ran out. */
struct otk_gathering *otk_gathering_new(otk_receiver *rx, struct otk_expectation *e, int code, bool hopeless,
                                        unsigned timeout_ms);

/* Whether there is more to look at. */
bool otk_gathering_step(struct otk_gathering *g);

/* The report as far as it was gathered, or NULL when memory ran out. Accepts NULL. */
otk_report *otk_gathering_end(struct otk_gathering *g);

/* All of that at once. */
otk_report *otk_report_of_wait(otk_receiver *rx, struct otk_expectation *e, int code, bool hopeless,
                               unsigned timeout_ms);
otk_report *otk_report_of_error(const otk_error *error, const otk_condition *condition);

/* The one that stands for all that found no memory; otk_report_free() leaves it alone. */
otk_report *otk_report_out_of_memory(void);

/* The writers; otk_report_text() and otk_report_json() call them once. */
void otk_report_write_text(const otk_report *r, struct otk_buffer *out);
void otk_report_write_json(const otk_report *r, struct otk_buffer *out);

/* Parts of the text: a condition that was not met, where `first` also tells what may be the reason; and what the report
 * says besides. */
void otk_report_write_missing(const otk_report *r, const struct report_finding *f, bool first, struct otk_buffer *out);
void otk_report_write_notes(const otk_report *r, struct otk_buffer *out);

extern const char *const otk_report_signal_names[];

#endif
