#include "query_inside.h"

#include "view.h"

#include <stdio.h>
#include <stdlib.h>

#define SCRATCH_KEPT ((size_t)256 << 10)

static int fail(otk_error *error, int code, const struct sel_fault *fault)
{
    if (!error)
        return code;
    error->code = code;
    if (code == OTK_ENOMEM)
        snprintf(error->message, sizeof error->message, "out of memory");
    else
        snprintf(error->message, sizeof error->message, "%s, at character %u of the selector", fault->sentence,
                 fault->place.at + 1);
    return code;
}

int otk_query_new(struct otk_query **out, const char *selector, otk_error *error)
{
    struct sel_fault fault = {0};
    struct otk_query *q = calloc(1, sizeof *q);
    int rc = q ? otk_selector_parse(&q->selector, selector, &fault) : OTK_ENOMEM;
    if (!rc)
        rc = otk_matcher_init(&q->matcher, q->selector);
    if (rc) {
        otk_query_free(q);
        return fail(error, rc, &fault);
    }
    q->needs_all = otk_pipeline_needs_all(q->selector);
    q->holds_empty = otk_pipeline_holds_empty(q->selector);
    *out = q;
    return 0;
}

void otk_query_clear(struct otk_query *q)
{
    for (size_t i = 0; i < q->held_count; i++)
        otk_capture_free(q->held[i]);
    otk_traces_clear(&q->traces);
    q->dirty = NULL;
    q->collected = false;
    q->held_count = q->match_count = q->holding = q->reached = 0;
    q->matched = q->sequence = 0;
}

void otk_query_free(struct otk_query *q)
{
    if (!q)
        return;
    otk_query_clear(q);
    free(q->held);
    free(q->matches);
    otk_arena_clear(&q->scratch);
    otk_matcher_clear(&q->matcher);
    otk_selector_free(q->selector);
    free(q);
}

otk_signal otk_query_signal(const struct otk_query *q)
{
    return q->selector->signal;
}

const char *otk_query_text(const struct otk_query *q)
{
    return q->selector->text;
}

/* ---- Feeding --------------------------------------------------------- */

static bool grow(void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : 16;
    void *to = realloc(*items, more * item_size);
    if (!to)
        return false;
    *items = to;
    *capacity = more;
    return true;
}

static bool hold(struct otk_query *q, struct capture *c)
{
    if (q->held_count && q->held[q->held_count - 1] == c)
        return true;
    void *held = q->held;
    bool ok = grow(&held, q->held_count, &q->held_capacity, sizeof *q->held);
    q->held = held;
    if (!ok)
        return false;
    atomic_fetch_add(&c->references, 1);
    q->held[q->held_count++] = c;
    return true;
}

static int add_match(struct otk_query *q, struct capture *c, uint32_t item, uint32_t point)
{
    void *matches = q->matches;
    bool ok = hold(q, c) && grow(&matches, q->match_count, &q->match_capacity, sizeof *q->matches);
    q->matches = matches;
    if (!ok)
        return OTK_ENOMEM;
    q->matches[q->match_count++] = (struct otk_query_match){c, item, point};
    return 0;
}

void otk_query_trace_id(const struct otk_query *q, uint8_t out[16])
{
    memset(out, 0, 16);
    if (q->selector->signal != OTK_SIGNAL_TRACES)
        return;
    otk_bytes id = otk_matcher_id(&q->matcher, SEL_TRACE_ID);
    if (id.size == 16)
        memcpy(out, id.data, 16);
}

static uint64_t fitting_filters(struct otk_query *q)
{
    const struct sel_selector *s = q->selector;
    uint64_t bits = 0;
    for (size_t i = 0; i < s->filter_count; i++)
        if (!s->filters[i].of_trace && otk_matcher_holds(&q->matcher, &s->filters[i]))
            bits |= UINT64_C(1) << i;
    return bits;
}

static void widen(struct trace *t, const struct otk_matcher *m)
{
    uint64_t start = otk_matcher_time(m, false), end = otk_matcher_time(m, true);
    if (start && start < t->start)
        t->start = start;
    if (end > t->end)
        t->end = end;
}

static int add_to_trace(struct otk_query *q, struct capture *c, uint32_t item, uint32_t point)
{
    struct trace_span span = {.capture = c, .item = item, .point = point, .filters = fitting_filters(q)};
    bool is_span = q->selector->signal == OTK_SIGNAL_TRACES;
    otk_bytes id = is_span ? otk_matcher_id(&q->matcher, SEL_SPAN_ID) : (otk_bytes){0};
    otk_bytes parent = is_span ? otk_matcher_id(&q->matcher, SEL_PARENT_ID) : (otk_bytes){0};
    uint8_t trace_id[16];
    if (!q->needs_all && !span.filters)
        return 0;
    otk_query_trace_id(q, trace_id);
    span.sequence = q->sequence++;
    struct trace *t = hold(q, c) ? otk_traces_get(&q->traces, trace_id) : NULL;
    int rc = t ? otk_trace_add(t, &span, id, parent) : OTK_ENOMEM;
    if (rc)
        return rc;
    if (is_span)
        widen(t, &q->matcher);
    if (!t->dirty) {
        t->dirty = true;
        t->next_dirty = q->dirty;
        q->dirty = t;
    }
    return 0;
}

static int feed_one(struct otk_query *q, struct capture *c, uint32_t item, uint32_t point)
{
    int rc = 0;
    if (q->selector->grouped)
        rc = add_to_trace(q, c, item, point);
    else if (otk_matcher_holds(&q->matcher, &q->selector->filters[0]))
        rc = add_match(q, c, item, point);
    return rc ? rc : q->matcher.failed;
}

static int feed_item(struct otk_query *q, struct capture *c, uint32_t item)
{
    otk_matcher_load(&q->matcher, c, item);
    if (q->selector->signal != OTK_SIGNAL_METRICS)
        return feed_one(q, c, item, OTK_NO_POINT);
    int rc = 0;
    for (uint32_t point = 0; !rc && otk_matcher_next_point(&q->matcher); point++)
        rc = feed_one(q, c, item, point);
    return rc;
}

static int run_trace(struct otk_query *q, struct trace *t)
{
    size_t matched = t->matched_count, reached = t->reached;
    bool held = t->holds;
    int rc = otk_pipeline_refit(&q->matcher, t, &q->scratch);
    if (!rc)
        rc = otk_pipeline_run(&q->matcher, t, &q->scratch);
    if (rc)
        return rc;
    q->matched += t->matched_count - matched;
    q->reached += t->reached - reached;
    q->holding += (size_t)t->holds - (size_t)held;
    q->collected = false;
    if (q->scratch.total > SCRATCH_KEPT)
        otk_arena_clear(&q->scratch);
    return 0;
}

static int run_dirty(struct otk_query *q)
{
    while (q->dirty) {
        struct trace *t = q->dirty;
        int rc = run_trace(q, t);
        if (rc)
            return rc;
        q->dirty = t->next_dirty;
        t->dirty = false;
    }
    otk_arena_clear(&q->scratch);
    return 0;
}

int otk_query_feed(struct otk_query *q, struct capture *c)
{
    int rc = 0;
    if (!otk_capture_accepted(&c->pub) || c->pub.signal != q->selector->signal)
        return 0;
    otk_matcher_forget(&q->matcher);
    q->matcher.failed = 0;
    q->near_number = 0;
    for (uint32_t i = 0; i < c->index.item_count && !rc; i++)
        rc = feed_item(q, c, i);
    return rc ? rc : run_dirty(q);
}

/* ---- Answers --------------------------------------------------------- */

bool otk_query_holds(const struct otk_query *q)
{
    if (!q->selector->grouped)
        return q->match_count > 0;
    return q->holding > 0 || (q->holds_empty && q->reached == 0);
}

bool otk_query_only_grows(const struct otk_query *q)
{
    return !q->selector->grouped;
}

uint64_t otk_query_matches(const struct otk_query *q)
{
    return q->selector->grouped ? q->matched : q->match_count;
}

struct sorted {
    uint64_t sequence;
    struct otk_query_match match;
};

static int compare_sorted(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static size_t gather(const struct otk_query *q, struct sorted *out)
{
    size_t count = 0;
    for (size_t b = 0; b < q->traces.bucket_count; b++)
        for (const struct trace *t = q->traces.buckets[b]; t; t = t->next)
            for (size_t i = 0; i < t->matched_count; i++) {
                const struct trace_span *span = &t->spans[t->matched[i]];
                out[count++] = (struct sorted){span->sequence, {span->capture, span->item, span->point}};
            }
    return count;
}

static int collect(struct otk_query *q)
{
    size_t room = (size_t)q->matched + 1;
    struct sorted *sorted = malloc(room * sizeof *sorted);
    struct otk_query_match *matches = realloc(q->matches, room * sizeof *matches);
    if (matches)
        q->matches = matches;
    if (!sorted || !matches) {
        free(sorted);
        return OTK_ENOMEM;
    }
    q->match_count = gather(q, sorted);
    qsort(sorted, q->match_count, sizeof *sorted, compare_sorted);
    for (size_t i = 0; i < q->match_count; i++)
        matches[i] = sorted[i].match;
    free(sorted);
    q->collected = true;
    return 0;
}

int otk_query_match(struct otk_query *q, uint64_t i, struct otk_query_match *out)
{
    int rc = q->selector->grouped && !q->collected ? collect(q) : 0;
    if (rc)
        return rc;
    if (i >= q->match_count)
        return OTK_EINVAL;
    *out = q->matches[i];
    return 0;
}
