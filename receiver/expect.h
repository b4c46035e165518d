/* A condition, and how what came stands to it.
 *
 * Built from an otk_condition and fed with each capture once; after that the
 * verdict is asked for and costs no look at captures. Not locked: one thread
 * at a time has it.
 */
#ifndef OTLPKIT_EXPECT_H
#define OTLPKIT_EXPECT_H

#include "attempts.h"
#include "complete.h"
#include "measure.h"
#include "query.h"

#define OTK_CONDITIONS_MAX 1000 /* in one wait */

/* Where a wait begins. */
struct otk_beginning {
    uint64_t number; /* of the newest capture */
    uint64_t now_ns;
    struct otk_baseline *baseline;
};

struct otk_expectation {
    otk_condition condition; /* its strings are borrowed from the caller of the wait */
    struct otk_beginning at;
    struct otk_query *query;       /* NULL without a selector */
    struct otk_complete *traces;   /* TRACE */
    struct otk_measured *measured; /* MEASURE */
    otk_attempts *attempts;        /* ATTEMPTS */
    uint64_t requests;             /* REQUESTS: how many matched */
    uint64_t taken;                /* matches of the query that were passed on to traces or measured */
    uint64_t changed_ns;           /* when it last saw something that it looks at, or began */
    uint64_t judged_ns;            /* of the last verdict; kept by who asks for it */
    struct otk_expectation *parts; /* ALL, ANY */
    size_t part_count;
};

enum otk_verdict { OTK_VERDICT_OPEN, OTK_VERDICT_HOLDS, OTK_VERDICT_HOPELESS };

/* `again_ns`: an open verdict may change by then without anything that comes; UINT64_MAX: it cannot. */
struct otk_judgement {
    enum otk_verdict verdict;
    uint64_t again_ns;
};

/* OTK_EINVAL and a sentence in `error` for a condition that cannot be. `e` is to be cleared in any case. */
int otk_expectation_init(struct otk_expectation *e, const otk_condition *condition, const struct otk_beginning *at,
                         otk_error *error);
void otk_expectation_clear(struct otk_expectation *e);

/* Forgets all that it was fed. */
int otk_expectation_restart(struct otk_expectation *e, uint64_t now_ns);

/* 0, OTK_ENOMEM, or OTK_ELIMIT from the query. */
int otk_expectation_feed(struct otk_expectation *e, struct capture *c, uint64_t now_ns);

/* Whether the capture could matter to it at all. */
bool otk_expectation_concerns(const struct otk_expectation *e, const struct capture *c);

struct otk_judgement otk_expectation_judge(const struct otk_expectation *e, uint64_t now_ns);

/* Whether its own time, condition.within_ms, has passed. */
bool otk_expectation_is_late(const struct otk_expectation *e, uint64_t now_ns);

/* How often the condition's subject was seen: matches, requests, or what is tallied. */
uint64_t otk_expectation_seen(const struct otk_expectation *e);

/* Whether a request is as described. */
bool otk_request_matches(const otk_request_match *m, const otk_capture *c);

/* CLOCK_MONOTONIC. */
uint64_t otk_now_ns(void);

#endif
