/* A report in the making, for the files that share it: report.c says how each condition stands, report_look.c what the
 * store has to show for it. */
#ifndef OTLPKIT_REPORT_INSIDE_H
#define OTLPKIT_REPORT_INSIDE_H

#include "report.h"

/* What comes nearest to what a finding misses: items by a query, else requests. */
struct look {
    struct report_finding *finding;
    struct otk_query *query; /* or NULL */
    uint64_t to_skip;        /* older items */
    struct capture *newest;  /* request on the path, with a reference; or NULL */
};

/* What a query selects, in the order of the store. */
struct asked {
    struct otk_query *query;
    uint64_t next;
    struct otk_query_match match;
    bool ended; /* there is no match any more */
};

struct otk_gathering {
    otk_report *report;
    struct otk_store *store;
    uint64_t judged_ns; /* when the wait had its verdict */
    bool failed;        /* memory ran out */

    /* One walk through the store, up to what was the newest, serves all that is looked for. */
    struct look *looks;
    struct asked *asked;
    size_t look_count, asked_count;
    bool looks_at_items;
    uint64_t to_look; /* items that may still be looked at for near misses */
    uint64_t number, newest;
    struct capture *capture; /* with a reference, or NULL */
    uint32_t item, point, point_count;
};

/* Copies that live as long as the report; "" when memory ran out. */
const char *otk_keep(struct otk_gathering *g, const char *text, size_t size);
__attribute__((format(printf, 2, 3))) const char *otk_phrase(struct otk_gathering *g, const char *format, ...);

void otk_describe(struct otk_gathering *g, const struct otk_query_match *m, struct report_item *out);

/* The place for one more, or NULL. */
struct report_item *otk_add_item(struct otk_gathering *g, struct report_items *list);

/* ---- Looking --------------------------------------------------------- */

/* Makes room for as many looks, and begins the walk; without them it is about what was refused alone. */
void otk_look_begin(struct otk_gathering *g, size_t findings);

/* What is to be looked for: items near to what the query wants; what else was on the path of the finding's requests;
 * items that neither this query nor others asked for. */
void otk_look_near(struct otk_gathering *g, struct report_finding *f, struct otk_query *q);
void otk_look_request(struct otk_gathering *g, struct report_finding *f);
void otk_look_beyond(struct otk_gathering *g, struct otk_query *q);

/* The next item or request; false when all was seen. */
bool otk_look_on(struct otk_gathering *g);

/* Settles what the newest of all decides. */
void otk_look_end(struct otk_gathering *g);

#endif
