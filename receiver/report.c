#include "report.h"

#include "json.h"
#include "number.h"
#include "view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Items that are looked at for near misses, of one finding and of all: a report is to come in a moment. */
#define LOOKED_AT_MAX 20000
#define LOOKED_AT_IN_ALL 100000

#define TEXT_LIMIT ((size_t)4 << 20)

/* Gathering: where the strings go, and whether memory ran out. */
struct gathering {
    otk_report *report;
    struct otk_store *store;
    uint64_t judged_ns; /* when the wait had its verdict */
    uint64_t to_look;   /* items that may still be looked at for near misses */
    bool failed;
};

/* ---- Phrases --------------------------------------------------------- */

static const char *keep(struct gathering *g, const char *text, size_t size)
{
    const char *copy = otk_arena_string(&g->report->arena, text, size);
    g->failed |= !copy;
    return copy ? copy : "";
}

__attribute__((format(printf, 2, 3))) static const char *phrase(struct gathering *g, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return keep(g, text, size < 0 ? 0 : (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static const char *number(char *out, double x)
{
    if (!isfinite(x))
        return isnan(x) ? "NaN" : x < 0 ? "-Infinity" : "Infinity";
    out[otk_number_double(out, x)] = '\0';
    size_t size = strlen(out);
    if (size > 2 && strcmp(out + size - 2, ".0") == 0)
        out[size - 2] = '\0';
    return out;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static const char *range_phrase(struct gathering *g, uint64_t at_least, uint64_t at_most)
{
    if (at_most == 0)
        return "none";
    if (at_least == at_most)
        return phrase(g, "exactly %" PRIu64, at_least);
    if (at_most == UINT64_MAX)
        return phrase(g, "at least %" PRIu64, at_least);
    if (at_least == 0)
        return phrase(g, "at most %" PRIu64, at_most);
    return phrase(g, "%" PRIu64 " to %" PRIu64, at_least, at_most);
}

static void quiet_phrase(struct gathering *g, struct report_finding *f)
{
    if (f->condition->quiet_ms)
        f->wanted = phrase(g, "%s, and nothing new for %u ms", f->wanted, f->condition->quiet_ms);
}

/* ---- Items ----------------------------------------------------------- */

/* A value as short text. */
static void add_value(struct otk_buffer *out, const otk_value *v)
{
    char digits[OTK_NUMBER_MAX + 1];
    switch (v->type) {
    case OTK_VALUE_STRING:
        otk_json_string(out, v->as.string_value.data, v->as.string_value.size);
        return;
    case OTK_VALUE_BOOL:
        otk_buffer_text(out, v->as.bool_value ? "true" : "false");
        return;
    case OTK_VALUE_INT:
        otk_buffer_printf(out, "%" PRId64, v->as.int_value);
        return;
    case OTK_VALUE_DOUBLE:
        otk_buffer_text(out, number(digits, v->as.double_value));
        return;
    case OTK_VALUE_BYTES:
        otk_buffer_printf(out, "%zu bytes", v->as.bytes_value.size);
        return;
    case OTK_VALUE_ARRAY:
        otk_buffer_printf(out, "an array of %zu", v->as.array_value.count);
        return;
    case OTK_VALUE_KVLIST:
        otk_buffer_printf(out, "a map of %zu", v->as.kvlist_value.count);
        return;
    case OTK_VALUE_EMPTY:
    case OTK_VALUE_STRING_STRINDEX:
        otk_buffer_text(out, "empty");
        return;
    }
}

static const char *kept_buffer(struct gathering *g, struct otk_buffer *b)
{
    const char *text = keep(g, b->data ? (const char *)b->data : "", b->size);
    otk_buffer_clear(b);
    return text;
}

static const char *attributes_text(struct gathering *g, const otk_attributes *list)
{
    struct otk_buffer b = OTK_BUFFER_INIT(1024);
    if (!list->count)
        return "";
    otk_buffer_text(&b, "{");
    for (size_t i = 0; i < list->count && i < 8; i++) {
        otk_buffer_text(&b, i ? ", " : "");
        otk_buffer_append(&b, list->items[i].key.data, list->items[i].key.size);
        otk_buffer_text(&b, "=");
        add_value(&b, &list->items[i].value);
    }
    otk_buffer_text(&b, list->count > 8 ? ", …}" : "}");
    return kept_buffer(g, &b);
}

static const char *body_text(struct gathering *g, const otk_value *body)
{
    struct otk_buffer b = OTK_BUFFER_INIT(1024);
    if (body->type == OTK_VALUE_STRING)
        return keep(g, body->as.string_value.data, body->as.string_value.size < 200 ? body->as.string_value.size : 200);
    add_value(&b, body);
    return kept_buffer(g, &b);
}

static const char *hex(struct gathering *g, const uint8_t *data, size_t size)
{
    char text[64];
    size = size < 16 ? size : 16;
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    return keep(g, text, 2 * size);
}

static void describe_span(struct gathering *g, const otk_captured_span *s, struct report_item *out)
{
    g->failed |= !s;
    if (!s)
        return;
    out->name = keep(g, s->name, strlen(s->name));
    out->service = keep(g, s->resource->service_name, strlen(s->resource->service_name));
    out->id = hex(g, s->span_id.data, s->span_id.size);
}

static void describe_point(struct gathering *g, const otk_captured_metric *m, uint32_t point, struct report_item *out)
{
    g->failed |= !m;
    if (!m)
        return;
    out->name = keep(g, m->name, strlen(m->name));
    out->service = keep(g, m->resource->service_name, strlen(m->resource->service_name));
    if (point < m->point_count)
        out->attributes = attributes_text(g, &m->points[point].attributes);
}

static void describe_log(struct gathering *g, const otk_captured_log *l, struct report_item *out)
{
    g->failed |= !l;
    if (!l)
        return;
    out->name = body_text(g, &l->body);
    out->service = keep(g, l->resource->service_name, strlen(l->resource->service_name));
}

static void describe(struct gathering *g, const struct otk_query_match *m, struct report_item *out)
{
    const otk_capture *c = &m->capture->pub;
    out->signal = c->signal;
    out->name = out->service = out->attributes = out->id = "";
    out->request = c->number;
    if (c->signal == OTK_SIGNAL_TRACES)
        describe_span(g, otk_capture_span(c, m->item), out);
    else if (c->signal == OTK_SIGNAL_METRICS)
        describe_point(g, otk_capture_metric(c, m->item), m->point, out);
    else
        describe_log(g, otk_capture_log(c, m->item), out);
}

/* The place for one more, or NULL. */
static struct report_item *add_item(struct gathering *g, struct report_items *list)
{
    if (!list->items)
        list->items = otk_arena_alloc(&g->report->arena, REPORT_ITEMS_MAX * sizeof *list->items);
    g->failed |= !list->items;
    return list->items ? &list->items[list->count++] : NULL;
}

/* ---- Walking the store ----------------------------------------------- */

typedef void each_item(struct gathering *g, const struct otk_query_match *item, void *arg);

static void walk_capture(struct gathering *g, struct capture *c, each_item *each, void *arg)
{
    bool metrics = c->pub.signal == OTK_SIGNAL_METRICS;
    for (uint32_t item = 0; item < c->index.item_count && !g->failed; item++) {
        uint32_t points = metrics ? otk_query_points(c, item) : 1;
        for (uint32_t point = 0; point < points && !g->failed; point++)
            each(g, &(struct otk_query_match){c, item, metrics ? point : OTK_NO_POINT}, arg);
    }
}

/* Every item of the accepted captures, in order of arrival. */
static void walk(struct gathering *g, each_item *each, void *arg)
{
    uint64_t number = 0;
    struct capture *c;
    while (!g->failed && (c = otk_store_next(g->store, number))) {
        number = c->pub.number;
        if (c->pub.status == 200)
            walk_capture(g, c, each, arg);
        otk_capture_free(c);
    }
}

/* ---- Near misses ----------------------------------------------------- */

struct nearest {
    struct report_finding *finding;
    struct otk_query *query;
    uint64_t to_skip; /* older items */
};

/* The room of the one that falls out is used again. */
static void insert_near(struct gathering *g, struct report_items *best, size_t at, const struct otk_near *near,
                        const struct otk_query_match *item)
{
    struct otk_near *room;
    if (best->count < REPORT_NEAR_MAX) {
        room = otk_arena_alloc(&g->report->arena, sizeof *room);
        g->failed |= !room || !add_item(g, best);
        if (g->failed)
            return;
    } else {
        room = best->items[best->count - 1].near;
    }
    memmove(&best->items[at + 1], &best->items[at], (best->count - 1 - at) * sizeof *best->items);
    *room = *near;
    describe(g, item, &best->items[at]);
    best->items[at].near = room;
}

static void look_near(struct gathering *g, const struct otk_query_match *item, void *arg)
{
    struct nearest *n = arg;
    struct report_items *best = &n->finding->near;
    struct otk_near near;
    if (item->capture->pub.signal != otk_query_signal(n->query) || (n->to_skip && n->to_skip--))
        return;
    if (otk_query_near(n->query, item->capture, item->item, item->point, &near)) {
        g->failed = true;
        return;
    }
    size_t at = best->count;
    while (at && best->items[at - 1].near->distance > near.distance)
        at--;
    if (near.distance && at < REPORT_NEAR_MAX)
        insert_near(g, best, at, &near, item);
}

static uint64_t item_count(const otk_receiver_counts *counts, otk_signal signal)
{
    return signal == OTK_SIGNAL_TRACES    ? counts->spans
           : signal == OTK_SIGNAL_METRICS ? counts->data_points
                                          : counts->log_records;
}

static void find_near(struct gathering *g, struct report_finding *f, struct otk_query *q)
{
    uint64_t items = item_count(&g->report->counts, otk_query_signal(q));
    uint64_t to_look = g->to_look < LOOKED_AT_MAX ? g->to_look : LOOKED_AT_MAX;
    if (items < to_look)
        to_look = items;
    struct nearest n = {f, q, items - to_look};
    g->to_look -= to_look;
    if (to_look)
        walk(g, look_near, &n);
}

/* ---- What nothing asked for ------------------------------------------ */

struct asked {
    struct otk_query_match *items; /* in the order of numbers, items and points */
    size_t count, capacity;
};

static int compare_matches(const void *x, const void *y)
{
    const struct otk_query_match *a = x, *b = y;
    if (a->capture->pub.number != b->capture->pub.number)
        return a->capture->pub.number < b->capture->pub.number ? -1 : 1;
    if (a->item != b->item)
        return a->item < b->item ? -1 : 1;
    return (a->point > b->point) - (a->point < b->point);
}

static bool asked_reserve(struct asked *a, uint64_t more)
{
    if (a->count + more <= a->capacity)
        return true;
    size_t capacity = a->count + (size_t)more;
    struct otk_query_match *items = realloc(a->items, capacity * sizeof *items);
    if (!items)
        return false;
    a->items = items;
    a->capacity = capacity;
    return true;
}

static void ask(struct gathering *g, const struct otk_expectation *e, struct asked *a)
{
    for (size_t i = 0; i < e->part_count; i++)
        ask(g, &e->parts[i], a);
    if (!e->query)
        return;
    uint64_t matches = otk_query_matches(e->query);
    g->failed |= !asked_reserve(a, matches);
    for (uint64_t i = 0; i < matches && !g->failed; i++)
        g->failed |= otk_query_match(e->query, i, &a->items[a->count++]) != 0;
}

static void look_extra(struct gathering *g, const struct otk_query_match *item, void *arg)
{
    struct asked *a = arg;
    struct report_items *extra = &g->report->extra;
    if (a->count && bsearch(item, a->items, a->count, sizeof *a->items, compare_matches))
        return;
    extra->total++;
    if (extra->count < REPORT_ITEMS_MAX && add_item(g, extra))
        describe(g, item, &extra->items[extra->count - 1]);
}

static void find_extra(struct gathering *g, const struct otk_expectation *e)
{
    struct asked a = {0};
    ask(g, e, &a);
    if (a.count)
        qsort(a.items, a.count, sizeof *a.items, compare_matches);
    if (!g->failed)
        walk(g, look_extra, &a);
    free(a.items);
}

/* ---- Findings -------------------------------------------------------- */

static void find_matches(struct gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    uint64_t seen = otk_expectation_seen(e);
    f->what = keep(g, otk_query_text(e->query), strlen(otk_query_text(e->query)));
    f->wanted = e->condition.truth ? "it to hold" : range_phrase(g, e->condition.at_least, e->condition.at_most);
    f->seen = phrase(g, "%" PRIu64 " time%s", seen, plural(seen));
    if (e->condition.truth && otk_query_only_grows(e->query))
        f->wanted = "at least 1";
    f->exceeded = !e->condition.truth && seen > e->condition.at_most;
    quiet_phrase(g, f);
    if (f->met)
        return;
    for (uint64_t i = 0; f->exceeded && i < seen && i < REPORT_ITEMS_MAX && !g->failed; i++) {
        struct otk_query_match m;
        g->failed |= otk_query_match(e->query, seen - 1 - i, &m) != 0;
        if (!g->failed && add_item(g, &f->exceeding))
            describe(g, &m, &f->exceeding.items[f->exceeding.count - 1]);
    }
    f->exceeding.total = f->exceeded ? seen : 0;
    if (!f->exceeded)
        find_near(g, f, e->query);
}

static const char *what_request(struct gathering *g, const otk_request_match *m)
{
    static const char *const encodings[] = {"", " in protobuf", " in JSON"};
    struct otk_buffer b = OTK_BUFFER_INIT(4096);
    otk_buffer_printf(&b, "requests%s%s", m->path ? " to " : "", m->path ? m->path : "");
    otk_buffer_text(&b, m->encoding <= OTK_ENCODING_JSON ? encodings[m->encoding] : "");
    if (m->content_encoding)
        otk_buffer_printf(&b, " with Content-Encoding %s", m->content_encoding);
    if (m->header)
        otk_buffer_printf(&b, " with %s%s%s", m->header, m->value ? ": " : "", m->value ? m->value : "");
    if (m->status && m->status != OTK_STATUS_ANY)
        otk_buffer_printf(&b, " answered with %u", m->status);
    return kept_buffer(g, &b);
}

/* The newest request that is on the path but otherwise not as described: what it has instead. */
static void find_near_request(struct gathering *g, struct report_finding *f, const otk_request_match *m)
{
    otk_request_match path = {.path = m->path, .status = OTK_STATUS_ANY};
    uint64_t number = 0;
    struct capture *c;
    while (!g->failed && (c = otk_store_next(g->store, number))) {
        number = c->pub.number;
        if (otk_request_matches(&path, &c->pub)) {
            const char *coding = otk_headers_get(&c->pub.headers, "Content-Encoding");
            const char *type = otk_headers_get(&c->pub.headers, "Content-Type");
            const char *value = m->header ? otk_headers_get(&c->pub.headers, m->header) : NULL;
            f->hint = phrase(g,
                             "the last one, request %" PRIu64
                             ": %s %.80s, Content-Type %.80s, Content-Encoding %.40s%s%.60s%s%.80s, answered with %u",
                             number, c->pub.method, c->pub.target, type ? type : "absent", coding ? coding : "absent",
                             m->header ? ", " : "", m->header ? m->header : "", m->header ? " " : "",
                             m->header ? value ? value : "absent" : "", c->pub.status);
        }
        otk_capture_free(c);
    }
}

static void find_requests(struct gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    f->what = what_request(g, &e->condition.request);
    f->wanted = range_phrase(g, e->condition.at_least, e->condition.at_most);
    f->seen = phrase(g, "%" PRIu64 " time%s", e->requests, plural(e->requests));
    f->exceeded = e->requests > e->condition.at_most;
    quiet_phrase(g, f);
    if (!f->met)
        find_near_request(g, f, &e->condition.request);
}

/* What the first incomplete trace lacks. */
static const char *trace_hint(struct gathering *g, const struct otk_expectation *e)
{
    const struct otk_trace_state *t;
    uint8_t missing[1][8];
    for (size_t i = 0; (t = otk_complete_at(e->traces, i)); i++) {
        if (!t->wanted || otk_complete_is(e->traces, t))
            continue;
        const char *id = hex(g, t->trace_id, 16);
        if (otk_complete_missing(e->traces, i, missing, 1))
            return phrase(g, "trace %s: parent span %s has not come (%" PRIu64 " missing in all)", id,
                          hex(g, missing[0], 8), t->missing);
        if (!t->roots)
            return phrase(g, "trace %s has no root", id);
        if (t->open_roots)
            return phrase(g, "trace %s: its root has not ended", id);
        return phrase(g, "trace %s has %" PRIu64 " span%s", id, t->spans, plural(t->spans));
    }
    return "";
}

static void find_trace(struct gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    const struct otk_complete_sum *sum = otk_complete_sum(e->traces);
    const char *selector = e->query ? otk_query_text(e->query) : NULL;
    f->what = selector ? phrase(g, "trace of %.400s", selector) : "every trace";
    f->wanted = e->condition.at_least ? phrase(g, "complete, with %" PRIu64 " span%s", e->condition.at_least,
                                               plural(e->condition.at_least))
                                      : "complete";
    f->seen = phrase(g, "%zu complete of %zu", sum->complete, sum->wanted);
    f->exceeded = sum->exceeded != 0;
    quiet_phrase(g, f);
    f->hint = f->met ? "" : trace_hint(g, e);
    if (!f->met && !sum->wanted && e->query)
        find_near(g, f, e->query);
}

static const char *what_measure(struct gathering *g, const otk_condition *c)
{
    static const char *const names[] = {"",          "sum",     "gauge", "histogram count", "histogram sum",
                                        "bucket of", "quantile"};
    char argument[OTK_NUMBER_MAX + 1];
    bool has_argument = c->measure >= OTK_MEASURE_HISTOGRAM_BUCKET;
    return phrase(g, "%s%s%s of %.380s", names[c->measure], has_argument ? " " : "",
                  has_argument ? number(argument, c->argument) : "", c->selector);
}

static void find_measure(struct gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    const otk_condition *c = &e->condition;
    char low[OTK_NUMBER_MAX + 1], high[OTK_NUMBER_MAX + 1], now[OTK_NUMBER_MAX + 1];
    double value;
    uint64_t points = otk_query_matches(e->query);
    bool there = otk_measured_get(e->measured, c->measure, c->argument, &value);
    f->what = what_measure(g, c);
    f->wanted = c->low == c->high ? phrase(g, "%s", number(low, c->low))
                                  : phrase(g, "%s to %s", number(low, c->low), number(high, c->high));
    f->seen = there    ? phrase(g, "%s, in %" PRIu64 " point%s", number(now, value), points, plural(points))
              : points ? phrase(g, "%" PRIu64 " point%s of another type", points, plural(points))
                       : "no point";
    quiet_phrase(g, f);
    if (!f->met && !points)
        find_near(g, f, e->query);
}

static void find_attempts(struct gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    static const char *const subjects[] = {
        [OTK_TALLY_RETRIES] = "retries of the payload that has most",
        [OTK_TALLY_WRONG] = "retries that were too early, or after a final answer",
        [OTK_TALLY_LOST] = "payloads that were not accepted",
        [OTK_TALLY_NOT_ONCE] = "payloads that were not accepted exactly once",
    };
    struct otk_attempts_sum sum = otk_attempts_sum(e->attempts);
    f->what = subjects[e->condition.tally];
    f->wanted = range_phrase(g, e->condition.at_least, e->condition.at_most);
    f->seen = phrase(g, "%" PRIu64 "; in all %zu payload%s, %zu lost, %zu duplicated", otk_expectation_seen(e),
                     sum.payloads, plural(sum.payloads), sum.lost, sum.duplicated);
    f->exceeded = otk_expectation_seen(e) > e->condition.at_most;
    quiet_phrase(g, f);
}

static void find_any(struct gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    size_t held = 0;
    for (size_t i = 0; i < e->part_count; i++)
        held += otk_expectation_judge(&e->parts[i], g->judged_ns).verdict == OTK_VERDICT_HOLDS;
    f->what = phrase(g, "any of %zu conditions", e->part_count);
    f->wanted = "at least 1";
    f->seen = phrase(g, "%zu", held);
}

static size_t count_findings(const struct otk_expectation *e)
{
    size_t count = 1;
    for (size_t i = 0; i < e->part_count; i++)
        count += count_findings(&e->parts[i]);
    return count;
}

static const char *place_of(struct gathering *g, const otk_condition *c)
{
    struct otk_buffer b = OTK_BUFFER_INIT(65536);
    if (!c->file)
        return "";
    otk_buffer_printf(&b, "%s:%u", c->file, c->line);
    return kept_buffer(g, &b);
}

static enum otk_verdict verdict_of(const struct gathering *g, const struct otk_expectation *e)
{
    return otk_expectation_judge(e, g->judged_ns).verdict;
}

static void find_one(struct gathering *g, struct otk_expectation *e, bool is_part)
{
    static void (*const finders[])(struct gathering *, struct otk_expectation *, struct report_finding *) = {
        [OTK_CONDITION_MATCHES] = find_matches,   [OTK_CONDITION_TRACE] = find_trace,
        [OTK_CONDITION_REQUESTS] = find_requests, [OTK_CONDITION_MEASURE] = find_measure,
        [OTK_CONDITION_ANY] = find_any,           [OTK_CONDITION_ATTEMPTS] = find_attempts,
    };
    otk_report *r = g->report;
    struct report_finding *f = &r->findings[r->finding_count++];
    uint64_t deadline_ns = e->at.now_ns + (uint64_t)r->timeout_ms * 1000000u;
    enum otk_verdict verdict = verdict_of(g, e);
    f->condition = &e->condition;
    f->hint = "";
    f->where = place_of(g, &e->condition);
    f->file = e->condition.file ? keep(g, e->condition.file, strlen(e->condition.file)) : NULL;
    f->line = e->condition.line;
    f->within_ms = e->condition.within_ms;
    f->is_part = is_part;
    f->met = verdict == OTK_VERDICT_HOLDS;
    f->is_late = !f->met && otk_expectation_is_late(e, g->judged_ns);
    f->is_early = verdict == OTK_VERDICT_OPEN && r->hopeless && g->judged_ns < deadline_ns;
    finders[e->condition.kind](g, e, f);
}

/* A group of which all must hold says nothing that its parts do not say, and where any is enough, those that did not
 * hold are no news once one did. */
static void find(struct gathering *g, struct otk_expectation *e, bool is_part)
{
    bool any = e->condition.kind == OTK_CONDITION_ANY, enough = any && verdict_of(g, e) == OTK_VERDICT_HOLDS;
    if (e->condition.kind != OTK_CONDITION_ALL)
        find_one(g, e, is_part);
    for (size_t i = 0; i < e->part_count && !g->failed; i++)
        if (!enough || verdict_of(g, &e->parts[i]) == OTK_VERDICT_HOLDS)
            find(g, &e->parts[i], is_part || any);
}

static void find_refused(struct gathering *g)
{
    otk_report *r = g->report;
    uint64_t number = 0;
    struct capture *c;
    while (!g->failed && r->counts.refused && (c = otk_store_next(g->store, number))) {
        number = c->pub.number;
        if (c->pub.status != 200) {
            const char *agent = otk_headers_get(&c->pub.headers, "User-Agent");
            if (r->refused_shown == REPORT_ITEMS_MAX)
                memmove(r->refused, r->refused + 1, --r->refused_shown * sizeof *r->refused);
            r->refused[r->refused_shown++] = (struct report_request){number,
                                                                     c->pub.status,
                                                                     keep(g, c->pub.method, strlen(c->pub.method)),
                                                                     keep(g, c->pub.target, strlen(c->pub.target)),
                                                                     keep(g, c->pub.reason, strlen(c->pub.reason)),
                                                                     agent ? keep(g, agent, strlen(agent)) : ""};
        }
        otk_capture_free(c);
    }
}

/* ---- Making one ------------------------------------------------------ */

static otk_report *new_report(int code)
{
    otk_report *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->code = code;
    r->error = r->explain = r->url = "";
    r->text = r->json = OTK_BUFFER_INIT(TEXT_LIMIT);
    return r;
}

static otk_report *finish(struct gathering *g)
{
    if (!g->failed)
        return g->report;
    otk_report_free(g->report);
    return NULL;
}

/* What is wrong with the first wrong selector, to be free()d; NULL when none is. */
static char *explain(const otk_condition *c)
{
    char *text = c->selector ? otk_selector_explain(c->selector) : NULL;
    for (size_t i = 0; !text && i < c->condition_count; i++)
        text = explain(&c->conditions[i]);
    return text;
}

otk_report *otk_report_of_error(const otk_error *error, const otk_condition *condition)
{
    struct gathering g = {.report = new_report(error->code)};
    if (!g.report)
        return NULL;
    g.report->error = keep(&g, error->message, strlen(error->message));
    char *text = explain(condition);
    if (text)
        g.report->explain = keep(&g, text, strlen(text));
    free(text);
    return finish(&g);
}

static void gather_common(struct gathering *g, otk_receiver *rx)
{
    g->store = otk_receiver_store(rx);
    g->report->url = keep(g, otk_receiver_url(rx), strlen(otk_receiver_url(rx)));
    otk_store_counts(g->store, &g->report->counts);
    find_refused(g);
}

otk_report *otk_report_of_wait(otk_receiver *rx, struct otk_expectation *e, int code, bool hopeless,
                               unsigned timeout_ms)
{
    struct gathering g = {.report = new_report(code), .judged_ns = e->judged_ns, .to_look = LOOKED_AT_IN_ALL};
    if (!g.report)
        return NULL;
    /* Where nothing more could come, nobody waited. */
    g.report->timeout_ms = e->judged_ns == UINT64_MAX ? 0 : timeout_ms;
    g.report->hopeless = hopeless;
    gather_common(&g, rx);
    g.report->findings = otk_arena_alloc(&g.report->arena, count_findings(e) * sizeof *g.report->findings);
    g.failed |= !g.report->findings;
    if (!g.failed)
        find(&g, e, false);
    if (!g.failed)
        find_extra(&g, e);
    return finish(&g);
}

otk_report *otk_expect_nothing_lost(otk_receiver *rx)
{
    otk_receiver_counts counts;
    otk_receiver_counts_get(rx, &counts);
    if (!counts.refused && !counts.dropped_captures && !counts.dropped_bytes && !counts.rejected &&
        !counts.unreadable_connections)
        return NULL;
    struct gathering g = {.report = new_report(OTK_EDATA)};
    if (g.report)
        gather_common(&g, rx);
    otk_report *r = g.report ? finish(&g) : NULL;
    return r ? r : otk_report_out_of_memory();
}
