#include "expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define DEPTH_MAX 8

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t otk_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- Conditions ------------------------------------------------------ */

static otk_condition condition(otk_condition_kind kind, const char *selector, uint64_t at_least, uint64_t at_most)
{
    return (otk_condition){.kind = kind, .selector = selector, .at_least = at_least, .at_most = at_most};
}

otk_condition otk_seen(const char *selector)
{
    otk_condition c = condition(OTK_CONDITION_MATCHES, selector, 1, UINT64_MAX);
    c.truth = true;
    return c;
}

otk_condition otk_seen_times(const char *selector, uint64_t at_least, uint64_t at_most)
{
    return condition(OTK_CONDITION_MATCHES, selector, at_least, at_most);
}

otk_condition otk_none(const char *selector, unsigned quiet_ms)
{
    otk_condition c = condition(selector ? OTK_CONDITION_MATCHES : OTK_CONDITION_REQUESTS, selector, 0, 0);
    c.request.status = selector ? 0 : OTK_STATUS_ANY;
    c.only_new = !selector;
    c.quiet_ms = quiet_ms;
    return c;
}

otk_condition otk_trace_complete(const char *selector, uint64_t span_count, unsigned quiet_ms)
{
    otk_condition c = condition(OTK_CONDITION_TRACE, selector, span_count, span_count ? span_count : UINT64_MAX);
    c.quiet_ms = quiet_ms;
    return c;
}

otk_condition otk_requests(const otk_request_match *match, uint64_t at_least, uint64_t at_most)
{
    otk_condition c = condition(OTK_CONDITION_REQUESTS, NULL, at_least, at_most);
    c.request = *match;
    return c;
}

otk_condition otk_measured(const char *selector, otk_measure measure, double argument, double low, double high)
{
    otk_condition c = condition(OTK_CONDITION_MEASURE, selector, 0, 0);
    c.measure = measure;
    c.argument = argument;
    c.low = low;
    c.high = high;
    return c;
}

static otk_condition tally(otk_tally what, uint64_t at_least, uint64_t at_most)
{
    otk_condition c = condition(OTK_CONDITION_ATTEMPTS, NULL, at_least, at_most);
    c.tally = what;
    return c;
}

otk_condition otk_retried(uint64_t at_least, uint64_t at_most)
{
    return tally(OTK_TALLY_RETRIES, at_least, at_most);
}

otk_condition otk_retried_rightly(void)
{
    return tally(OTK_TALLY_WRONG, 0, 0);
}

otk_condition otk_delivered(bool once)
{
    return tally(once ? OTK_TALLY_NOT_ONCE : OTK_TALLY_LOST, 0, 0);
}

static otk_condition combination(otk_condition_kind kind, const otk_condition *conditions, size_t count)
{
    otk_condition c = condition(kind, NULL, 0, 0);
    c.conditions = conditions;
    c.condition_count = count;
    return c;
}

otk_condition otk_all_of(const otk_condition *conditions, size_t count)
{
    return combination(OTK_CONDITION_ALL, conditions, count);
}

otk_condition otk_any_of(const otk_condition *conditions, size_t count)
{
    return combination(OTK_CONDITION_ANY, conditions, count);
}

/* ---- Life ------------------------------------------------------------ */

static int refuse(otk_error *error, const char *sentence)
{
    error->code = OTK_EINVAL;
    snprintf(error->message, sizeof error->message, "%s", sentence);
    return OTK_EINVAL;
}

static bool is_combination(const struct otk_expectation *e)
{
    return e->condition.kind == OTK_CONDITION_ALL || e->condition.kind == OTK_CONDITION_ANY;
}

/* What is wrong with the condition by itself, or NULL. */
static const char *fault_of(const otk_condition *c)
{
    switch (c->kind) {
    case OTK_CONDITION_MATCHES:
        return c->selector ? c->at_least <= c->at_most ? NULL : "at least is more than at most"
                           : "no selector is given";
    case OTK_CONDITION_ATTEMPTS:
        if (c->tally > OTK_TALLY_NOT_ONCE)
            return "that is no tally";
        /* fall through */
    case OTK_CONDITION_REQUESTS:
        return c->at_least <= c->at_most ? NULL : "at least is more than at most";
    case OTK_CONDITION_TRACE:
        return NULL;
    case OTK_CONDITION_MEASURE:
        if (c->measure < OTK_MEASURE_SUM || c->measure > OTK_MEASURE_HISTOGRAM_QUANTILE)
            return "that is no measure";
        return c->low <= c->high ? NULL : "low is above high, or not a number";
    case OTK_CONDITION_ALL:
        return NULL;
    case OTK_CONDITION_ANY:
        return c->condition_count ? NULL : "a list of conditions is empty";
    }
    return "a condition is none of the kinds there are; make it by otk_seen() and its sisters";
}

static int check_signal(const struct otk_expectation *e, otk_error *error)
{
    if (!e->query)
        return 0;
    if (e->condition.kind == OTK_CONDITION_TRACE && otk_query_signal(e->query) != OTK_SIGNAL_TRACES)
        return refuse(error, "a trace is told by a selector of spans: { … }");
    if (e->condition.kind == OTK_CONDITION_MEASURE && otk_query_signal(e->query) != OTK_SIGNAL_METRICS)
        return refuse(error, "a measure is taken of metrics: metric{ … }");
    return 0;
}

static int init_leaf(struct otk_expectation *e, otk_error *error)
{
    int rc = e->condition.selector ? otk_query_new(&e->query, e->condition.selector, error) : 0;
    if (!rc && e->condition.kind == OTK_CONDITION_MEASURE && !e->query)
        rc = refuse(error, "no selector is given");
    if (!rc)
        rc = check_signal(e, error);
    if (!rc && e->condition.kind == OTK_CONDITION_TRACE) {
        e->traces = otk_complete_new(e->condition.at_least);
        if (e->traces && !e->query)
            otk_complete_want_all(e->traces);
        rc = e->traces ? 0 : OTK_ENOMEM;
    }
    if (!rc && e->condition.kind == OTK_CONDITION_MEASURE) {
        e->measured = otk_measured_new(e->at.baseline);
        rc = e->measured ? 0 : OTK_ENOMEM;
    }
    if (!rc && e->condition.kind == OTK_CONDITION_ATTEMPTS) {
        e->attempts = otk_attempts_new();
        rc = e->attempts ? 0 : OTK_ENOMEM;
    }
    return rc;
}

static int init(struct otk_expectation *e, const otk_condition *c, const struct otk_beginning *at, size_t *budget,
                unsigned depth, otk_error *error)
{
    const char *fault = fault_of(c);
    *e = (struct otk_expectation){.condition = *c, .at = *at, .changed_ns = at->now_ns};
    if (!fault && (depth == 0 || c->condition_count > *budget))
        fault = "more conditions in one another, or in all, than there may be";
    if (fault)
        return refuse(error, fault);
    if (!is_combination(e))
        return init_leaf(e, error);
    *budget -= c->condition_count;
    e->parts = calloc(c->condition_count, sizeof *e->parts);
    if (!e->parts && c->condition_count)
        return OTK_ENOMEM;
    int rc = 0;
    while (!rc && e->part_count < c->condition_count) {
        rc = init(&e->parts[e->part_count], &c->conditions[e->part_count], at, budget, depth - 1, error);
        e->part_count++;
    }
    return rc;
}

int otk_expectation_init(struct otk_expectation *e, const otk_condition *c, const struct otk_beginning *at,
                         otk_error *error)
{
    size_t budget = OTK_CONDITIONS_MAX;
    *error = (otk_error){0};
    int rc = init(e, c, at, &budget, DEPTH_MAX, error);
    if (rc && !error->message[0])
        snprintf(error->message, sizeof error->message, "out of memory");
    error->code = rc;
    return rc;
}

static void clear_leaf(struct otk_expectation *e)
{
    otk_query_free(e->query);
    otk_complete_free(e->traces);
    otk_measured_free(e->measured);
    otk_attempts_free(e->attempts);
    e->query = NULL;
    e->traces = NULL;
    e->measured = NULL;
    e->attempts = NULL;
}

void otk_expectation_clear(struct otk_expectation *e)
{
    for (size_t i = 0; i < e->part_count; i++)
        otk_expectation_clear(&e->parts[i]);
    free(e->parts);
    e->parts = NULL;
    e->part_count = 0;
    clear_leaf(e);
}

int otk_expectation_restart(struct otk_expectation *e, uint64_t now_ns)
{
    otk_error unread;
    int rc = 0;
    e->requests = e->taken = 0;
    e->changed_ns = now_ns;
    for (size_t i = 0; i < e->part_count && !rc; i++)
        rc = otk_expectation_restart(&e->parts[i], now_ns);
    if (is_combination(e))
        return rc;
    clear_leaf(e);
    return init_leaf(e, &unread);
}

/* ---- Requests -------------------------------------------------------- */

static bool is_path(const char *target, const char *path)
{
    const char *host = strstr(target, "://");
    const char *begin = host ? strchr(host + 3, '/') : target;
    size_t size = strlen(path);
    return begin && strncmp(begin, path, size) == 0 && (begin[size] == '\0' || begin[size] == '?');
}

static bool has_header(const otk_headers *headers, const char *name, const char *value)
{
    for (size_t i = 0; i < headers->count; i++)
        if (strcasecmp(headers->items[i].name, name) == 0 && (!value || strcmp(headers->items[i].value, value) == 0))
            return true;
    return false;
}

static bool has_coding(const otk_headers *headers, const char *coding)
{
    const char *value = otk_headers_get(headers, "Content-Encoding");
    return strcasecmp(value && *value ? value : "identity", coding) == 0;
}

static bool has_status(unsigned wanted, unsigned status)
{
    return wanted == OTK_STATUS_ANY || status == (wanted ? wanted : 200);
}

bool otk_request_matches(const otk_request_match *m, const otk_capture *c)
{
    return has_status(m->status, c->status) && (!m->encoding || m->encoding == c->encoding) &&
           (!m->path || is_path(c->target, m->path)) && (!m->header || has_header(&c->headers, m->header, m->value)) &&
           (!m->content_encoding || has_coding(&c->headers, m->content_encoding));
}

/* ---- Feeding --------------------------------------------------------- */

/* When it arrived, by the monotonic clock. */
static uint64_t arrival_ns(const struct capture *c, uint64_t now_ns)
{
    uint64_t now = clock_ns(CLOCK_REALTIME), then = c->pub.time_unix_nano;
    uint64_t age = then < now ? now - then : 0;
    return age < now_ns ? now_ns - age : 0;
}

static int pass_on(struct otk_expectation *e, const struct otk_query_match *m)
{
    if (e->measured)
        return otk_measured_feed(e->measured, m->capture, m->item, m->point);
    otk_complete_want(e->traces, m->capture, m->item);
    return 0;
}

/* What a grouped query selects may change all over: then all is looked at again. */
static int begin_again(struct otk_expectation *e)
{
    e->taken = 0;
    if (!e->measured)
        return 0;
    otk_measured_free(e->measured);
    e->measured = otk_measured_new(e->at.baseline);
    return e->measured ? 0 : OTK_ENOMEM;
}

static int pass_matches_on(struct otk_expectation *e)
{
    struct otk_query_match m;
    uint64_t matches = otk_query_matches(e->query);
    int rc = otk_query_only_grows(e->query) ? 0 : begin_again(e);
    while (!rc && e->taken < matches) {
        rc = otk_query_match(e->query, e->taken, &m);
        rc = rc ? rc : pass_on(e, &m);
        e->taken += rc == 0;
    }
    return rc;
}

static int feed_query(struct otk_expectation *e, struct capture *c, uint64_t now_ns)
{
    uint64_t before = otk_query_matches(e->query);
    bool held = otk_query_holds(e->query);
    int rc = otk_query_feed(e->query, c);
    if (!rc && (e->traces || e->measured))
        rc = pass_matches_on(e);
    if (otk_query_matches(e->query) != before || otk_query_holds(e->query) != held)
        e->changed_ns = now_ns;
    return rc;
}

static void feed_request(struct otk_expectation *e, const otk_capture *c, uint64_t now_ns)
{
    if ((e->condition.only_new && c->number <= e->at.number) || !otk_request_matches(&e->condition.request, c))
        return;
    e->requests++;
    e->changed_ns = now_ns;
}

static int feed_leaf(struct otk_expectation *e, struct capture *c, uint64_t now_ns)
{
    int rc = 0;
    if (e->condition.kind == OTK_CONDITION_REQUESTS)
        feed_request(e, &c->pub, now_ns);
    if (e->traces)
        rc = otk_complete_feed(e->traces, c, arrival_ns(c, now_ns));
    if (e->attempts) {
        rc = otk_attempts_feed(e->attempts, c);
        e->changed_ns = now_ns;
    }
    if (!rc && e->query)
        rc = feed_query(e, c, now_ns);
    return rc;
}

bool otk_expectation_concerns(const struct otk_expectation *e, const struct capture *c)
{
    for (size_t i = 0; i < e->part_count; i++)
        if (otk_expectation_concerns(&e->parts[i], c))
            return true;
    if (is_combination(e))
        return false;
    if (e->condition.kind == OTK_CONDITION_REQUESTS || e->condition.kind == OTK_CONDITION_ATTEMPTS)
        return true;
    otk_signal signal = e->query ? otk_query_signal(e->query) : OTK_SIGNAL_TRACES;
    return c->index.item_count && c->pub.status == 200 && c->pub.has_signal && c->pub.signal == signal;
}

int otk_expectation_feed(struct otk_expectation *e, struct capture *c, uint64_t now_ns)
{
    int rc = 0;
    for (size_t i = 0; i < e->part_count && !rc; i++)
        rc = otk_expectation_feed(&e->parts[i], c, now_ns);
    if (is_combination(e) || !otk_expectation_concerns(e, c))
        return rc;
    return feed_leaf(e, c, now_ns);
}

/* ---- Verdicts -------------------------------------------------------- */

static uint64_t tallied(const struct otk_expectation *e)
{
    struct otk_attempts_sum sum = otk_attempts_sum(e->attempts);
    switch (e->condition.tally) {
    case OTK_TALLY_RETRIES:
        return sum.most ? sum.most - 1 : 0;
    case OTK_TALLY_WRONG:
        return sum.wrong;
    case OTK_TALLY_LOST:
        return sum.lost;
    default:
        return sum.lost + sum.duplicated;
    }
}

uint64_t otk_expectation_seen(const struct otk_expectation *e)
{
    if (e->attempts)
        return tallied(e);
    return e->condition.kind == OTK_CONDITION_REQUESTS ? e->requests : otk_query_matches(e->query);
}

static enum otk_verdict judge_count(const struct otk_expectation *e)
{
    uint64_t seen = otk_expectation_seen(e);
    if (e->condition.truth)
        return otk_query_holds(e->query) ? OTK_VERDICT_HOLDS : OTK_VERDICT_OPEN;
    if (seen > e->condition.at_most)
        return !e->query || otk_query_only_grows(e->query) ? OTK_VERDICT_HOPELESS : OTK_VERDICT_OPEN;
    return seen >= e->condition.at_least ? OTK_VERDICT_HOLDS : OTK_VERDICT_OPEN;
}

static enum otk_verdict judge_traces(const struct otk_expectation *e)
{
    const struct otk_complete_sum *sum = otk_complete_sum(e->traces);
    if (sum->exceeded)
        return OTK_VERDICT_HOPELESS;
    return sum->wanted && sum->complete == sum->wanted ? OTK_VERDICT_HOLDS : OTK_VERDICT_OPEN;
}

static enum otk_verdict judge_measure(const struct otk_expectation *e)
{
    double value;
    bool there = otk_measured_get(e->measured, e->condition.measure, e->condition.argument, &value);
    return there && value >= e->condition.low && value <= e->condition.high ? OTK_VERDICT_HOLDS : OTK_VERDICT_OPEN;
}

/* What is lost may still come; nothing else can be undone. */
static enum otk_verdict judge_attempts(const struct otk_expectation *e)
{
    struct otk_attempts_sum sum = otk_attempts_sum(e->attempts);
    uint64_t seen = tallied(e);
    if (seen > e->condition.at_most)
        return e->condition.tally < OTK_TALLY_LOST ||
                       (e->condition.tally == OTK_TALLY_NOT_ONCE && sum.duplicated > e->condition.at_most)
                   ? OTK_VERDICT_HOPELESS
                   : OTK_VERDICT_OPEN;
    bool begun = sum.payloads || e->condition.tally < OTK_TALLY_LOST;
    return begun && seen >= e->condition.at_least ? OTK_VERDICT_HOLDS : OTK_VERDICT_OPEN;
}

static enum otk_verdict judge_kind(const struct otk_expectation *e)
{
    switch (e->condition.kind) {
    case OTK_CONDITION_TRACE:
        return judge_traces(e);
    case OTK_CONDITION_MEASURE:
        return judge_measure(e);
    case OTK_CONDITION_ATTEMPTS:
        return judge_attempts(e);
    default:
        return judge_count(e);
    }
}

static struct otk_judgement judge_leaf(const struct otk_expectation *e, uint64_t now_ns)
{
    bool traces = e->condition.kind == OTK_CONDITION_TRACE;
    uint64_t since_ns = traces ? otk_complete_sum(e->traces)->when_ns : e->changed_ns;
    uint64_t quiet_ns = since_ns + (uint64_t)e->condition.quiet_ms * 1000000u;
    enum otk_verdict verdict = judge_kind(e);
    if (verdict != OTK_VERDICT_HOLDS || !e->condition.quiet_ms || quiet_ns <= now_ns)
        return (struct otk_judgement){verdict, UINT64_MAX};
    return (struct otk_judgement){OTK_VERDICT_OPEN, quiet_ns};
}

/* When the time has passed in which it had to hold. */
static uint64_t end_ns(const struct otk_expectation *e)
{
    return e->at.now_ns + (uint64_t)e->condition.within_ms * 1000000u;
}

/* All hold when each does, and are hopeless when one is; for any it is the other way round. */
static struct otk_judgement judge_combination(const struct otk_expectation *e, uint64_t now_ns)
{
    bool all = e->condition.kind == OTK_CONDITION_ALL;
    enum otk_verdict decides = all ? OTK_VERDICT_HOPELESS : OTK_VERDICT_HOLDS;
    struct otk_judgement out = {all ? OTK_VERDICT_HOLDS : OTK_VERDICT_HOPELESS, UINT64_MAX};
    for (size_t i = 0; i < e->part_count; i++) {
        struct otk_judgement part = otk_expectation_judge(&e->parts[i], now_ns);
        if (part.verdict == decides)
            return part;
        if (part.verdict == OTK_VERDICT_OPEN)
            out.verdict = OTK_VERDICT_OPEN;
        out.again_ns = part.again_ns < out.again_ns ? part.again_ns : out.again_ns;
    }
    return out;
}

bool otk_expectation_is_late(const struct otk_expectation *e, uint64_t now_ns)
{
    return e->condition.within_ms && end_ns(e) <= now_ns;
}

struct otk_judgement otk_expectation_judge(const struct otk_expectation *e, uint64_t now_ns)
{
    struct otk_judgement j = is_combination(e) ? judge_combination(e, now_ns) : judge_leaf(e, now_ns);
    if (j.verdict != OTK_VERDICT_OPEN || !e->condition.within_ms)
        return j;
    if (otk_expectation_is_late(e, now_ns))
        return (struct otk_judgement){OTK_VERDICT_HOPELESS, UINT64_MAX};
    return (struct otk_judgement){OTK_VERDICT_OPEN, j.again_ns < end_ns(e) ? j.again_ns : end_ns(e)};
}
