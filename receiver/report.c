#include "report_inside.h"

#include "json.h"
#include "number.h"
#include "view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_LIMIT ((size_t)4 << 20)

/* Of one step, and of what comes last in it. */
#define STEP_NS UINT64_C(1000000)

/* ---- Phrases --------------------------------------------------------- */

const char *otk_keep(struct otk_gathering *g, const char *text, size_t size)
{
    const char *copy = otk_arena_string(&g->report->arena, text, size);
    g->failed |= !copy;
    return copy ? copy : "";
}

const char *otk_phrase(struct otk_gathering *g, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return otk_keep(g, text, size < 0 ? 0 : (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
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

static const char *range_phrase(struct otk_gathering *g, uint64_t at_least, uint64_t at_most)
{
    if (at_most == 0)
        return "none";
    if (at_least == at_most)
        return otk_phrase(g, "exactly %" PRIu64, at_least);
    if (at_most == UINT64_MAX)
        return otk_phrase(g, "at least %" PRIu64, at_least);
    if (at_least == 0)
        return otk_phrase(g, "at most %" PRIu64, at_most);
    return otk_phrase(g, "%" PRIu64 " to %" PRIu64, at_least, at_most);
}

static void quiet_phrase(struct otk_gathering *g, struct report_finding *f)
{
    if (f->condition->quiet_ms)
        f->wanted = otk_phrase(g, "%s, and nothing new for %u ms", f->wanted, f->condition->quiet_ms);
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

static const char *kept_buffer(struct otk_gathering *g, struct otk_buffer *b)
{
    const char *text = otk_keep(g, b->data ? (const char *)b->data : "", b->size);
    otk_buffer_clear(b);
    return text;
}

static const char *attributes_text(struct otk_gathering *g, const otk_attributes *list)
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

static const char *body_text(struct otk_gathering *g, const otk_value *body)
{
    struct otk_buffer b = OTK_BUFFER_INIT(1024);
    if (body->type == OTK_VALUE_STRING)
        return otk_keep(g, body->as.string_value.data,
                        body->as.string_value.size < 200 ? body->as.string_value.size : 200);
    add_value(&b, body);
    return kept_buffer(g, &b);
}

static const char *hex(struct otk_gathering *g, const uint8_t *data, size_t size)
{
    char text[64];
    size = size < 16 ? size : 16;
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    return otk_keep(g, text, 2 * size);
}

static void describe_span(struct otk_gathering *g, const otk_captured_span *s, struct report_item *out)
{
    g->failed |= !s;
    if (!s)
        return;
    out->name = otk_keep(g, s->name, strlen(s->name));
    out->service = otk_keep(g, s->resource->service_name, strlen(s->resource->service_name));
    out->id = hex(g, s->span_id.data, s->span_id.size);
}

static void describe_point(struct otk_gathering *g, const otk_captured_metric *m, uint32_t point,
                           struct report_item *out)
{
    g->failed |= !m;
    if (!m)
        return;
    out->name = otk_keep(g, m->name, strlen(m->name));
    out->service = otk_keep(g, m->resource->service_name, strlen(m->resource->service_name));
    if (point < m->point_count)
        out->attributes = attributes_text(g, &m->points[point].attributes);
}

static void describe_log(struct otk_gathering *g, const otk_captured_log *l, struct report_item *out)
{
    g->failed |= !l;
    if (!l)
        return;
    out->name = body_text(g, &l->body);
    out->service = otk_keep(g, l->resource->service_name, strlen(l->resource->service_name));
}

void otk_describe(struct otk_gathering *g, const struct otk_query_match *m, struct report_item *out)
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

struct report_item *otk_add_item(struct otk_gathering *g, struct report_items *list)
{
    if (!list->items)
        list->items = otk_arena_alloc(&g->report->arena, REPORT_ITEMS_MAX * sizeof *list->items);
    g->failed |= !list->items;
    return list->items ? &list->items[list->count++] : NULL;
}

/* ---- Findings -------------------------------------------------------- */

static void find_matches(struct otk_gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    uint64_t seen = otk_expectation_seen(e);
    f->what = otk_keep(g, otk_query_text(e->query), strlen(otk_query_text(e->query)));
    f->wanted = e->condition.truth ? "it to hold" : range_phrase(g, e->condition.at_least, e->condition.at_most);
    f->seen = otk_phrase(g, "%" PRIu64 " time%s", seen, plural(seen));
    if (e->condition.truth && otk_query_only_grows(e->query))
        f->wanted = "at least 1";
    f->exceeded = !e->condition.truth && seen > e->condition.at_most;
    quiet_phrase(g, f);
    if (f->met)
        return;
    for (uint64_t i = 0; f->exceeded && i < seen && i < REPORT_ITEMS_MAX && !g->failed; i++) {
        struct otk_query_match m;
        g->failed |= otk_query_match(e->query, seen - 1 - i, &m) != 0;
        if (!g->failed && otk_add_item(g, &f->exceeding))
            otk_describe(g, &m, &f->exceeding.items[f->exceeding.count - 1]);
    }
    f->exceeding.total = f->exceeded ? seen : 0;
    if (!f->exceeded)
        otk_look_near(g, f, e->query);
}

static const char *what_request(struct otk_gathering *g, const otk_request_match *m)
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

static void find_requests(struct otk_gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    f->what = what_request(g, &e->condition.request);
    f->wanted = range_phrase(g, e->condition.at_least, e->condition.at_most);
    f->seen = otk_phrase(g, "%" PRIu64 " time%s", e->requests, plural(e->requests));
    f->exceeded = e->requests > e->condition.at_most;
    quiet_phrase(g, f);
    if (!f->met)
        otk_look_request(g, f);
}

/* What the first incomplete trace lacks. */
static const char *trace_hint(struct otk_gathering *g, const struct otk_expectation *e)
{
    const struct otk_trace_state *t;
    uint8_t missing[1][8];
    for (size_t i = 0; (t = otk_complete_at(e->traces, i)); i++) {
        if (!t->wanted || otk_complete_is(e->traces, t))
            continue;
        const char *id = hex(g, t->trace_id, 16);
        if (otk_complete_missing(e->traces, i, missing, 1))
            return otk_phrase(g, "trace %s: parent span %s has not come (%" PRIu64 " missing in all)", id,
                              hex(g, missing[0], 8), t->missing);
        if (!t->roots)
            return otk_phrase(g, "trace %s has no root", id);
        if (t->open_roots)
            return otk_phrase(g, "trace %s: its root has not ended", id);
        return otk_phrase(g, "trace %s has %" PRIu64 " span%s", id, t->spans, plural(t->spans));
    }
    return "";
}

static void find_trace(struct otk_gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    const struct otk_complete_sum *sum = otk_complete_sum(e->traces);
    const char *selector = e->query ? otk_query_text(e->query) : NULL;
    f->what = selector ? otk_phrase(g, "trace of %.400s", selector) : "every trace";
    f->wanted = e->condition.at_least ? otk_phrase(g, "complete, with %" PRIu64 " span%s", e->condition.at_least,
                                                   plural(e->condition.at_least))
                                      : "complete";
    f->seen = otk_phrase(g, "%zu complete of %zu", sum->complete, sum->wanted);
    f->exceeded = sum->exceeded != 0;
    quiet_phrase(g, f);
    f->hint = f->met ? "" : trace_hint(g, e);
    if (!f->met && !sum->wanted && e->query)
        otk_look_near(g, f, e->query);
}

static const char *what_measure(struct otk_gathering *g, const otk_condition *c)
{
    static const char *const names[] = {"",          "sum",     "gauge", "histogram count", "histogram sum",
                                        "bucket of", "quantile"};
    char argument[OTK_NUMBER_MAX + 1];
    bool has_argument = c->measure >= OTK_MEASURE_HISTOGRAM_BUCKET;
    return otk_phrase(g, "%s%s%s of %.380s", names[c->measure], has_argument ? " " : "",
                      has_argument ? number(argument, c->argument) : "", c->selector);
}

static void find_measure(struct otk_gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    const otk_condition *c = &e->condition;
    char low[OTK_NUMBER_MAX + 1], high[OTK_NUMBER_MAX + 1], now[OTK_NUMBER_MAX + 1];
    double value;
    uint64_t points = otk_query_matches(e->query);
    bool there = otk_measured_get(e->measured, c->measure, c->argument, &value);
    f->what = what_measure(g, c);
    f->wanted = c->low == c->high ? otk_phrase(g, "%s", number(low, c->low))
                                  : otk_phrase(g, "%s to %s", number(low, c->low), number(high, c->high));
    f->seen = there    ? otk_phrase(g, "%s, in %" PRIu64 " point%s", number(now, value), points, plural(points))
              : points ? otk_phrase(g, "%" PRIu64 " point%s of another type", points, plural(points))
                       : "no point";
    quiet_phrase(g, f);
    if (!f->met && !points)
        otk_look_near(g, f, e->query);
}

static void find_attempts(struct otk_gathering *g, struct otk_expectation *e, struct report_finding *f)
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
    f->seen = otk_phrase(g, "%" PRIu64 "; in all %zu payload%s, %zu lost, %zu duplicated", otk_expectation_seen(e),
                         sum.payloads, plural(sum.payloads), sum.lost, sum.duplicated);
    f->exceeded = otk_expectation_seen(e) > e->condition.at_most;
    quiet_phrase(g, f);
}

static void find_any(struct otk_gathering *g, struct otk_expectation *e, struct report_finding *f)
{
    size_t held = 0;
    for (size_t i = 0; i < e->part_count; i++)
        held += otk_expectation_judge(&e->parts[i], g->judged_ns).verdict == OTK_VERDICT_HOLDS;
    f->what = otk_phrase(g, "any of %zu conditions", e->part_count);
    f->wanted = "at least 1";
    f->seen = otk_phrase(g, "%zu", held);
}

static size_t count_findings(const struct otk_expectation *e)
{
    size_t count = 1;
    for (size_t i = 0; i < e->part_count; i++)
        count += count_findings(&e->parts[i]);
    return count;
}

static const char *place_of(struct otk_gathering *g, const otk_condition *c)
{
    struct otk_buffer b = OTK_BUFFER_INIT(65536);
    if (!c->file)
        return "";
    otk_buffer_printf(&b, "%s:%u", c->file, c->line);
    return kept_buffer(g, &b);
}

static enum otk_verdict verdict_of(const struct otk_gathering *g, const struct otk_expectation *e)
{
    return otk_expectation_judge(e, g->judged_ns).verdict;
}

static void find_one(struct otk_gathering *g, struct otk_expectation *e, bool is_part)
{
    static void (*const finders[])(struct otk_gathering *, struct otk_expectation *, struct report_finding *) = {
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
    f->file = e->condition.file ? otk_keep(g, e->condition.file, strlen(e->condition.file)) : NULL;
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
static void find(struct otk_gathering *g, struct otk_expectation *e, bool is_part)
{
    bool any = e->condition.kind == OTK_CONDITION_ANY, enough = any && verdict_of(g, e) == OTK_VERDICT_HOLDS;
    if (e->condition.kind != OTK_CONDITION_ALL)
        find_one(g, e, is_part);
    for (size_t i = 0; i < e->part_count && !g->failed; i++)
        if (!enough || verdict_of(g, &e->parts[i]) == OTK_VERDICT_HOLDS)
            find(g, &e->parts[i], is_part || any);
}

static void ask(struct otk_gathering *g, const struct otk_expectation *e)
{
    for (size_t i = 0; i < e->part_count && !g->failed; i++)
        ask(g, &e->parts[i]);
    if (e->query && !g->failed)
        otk_look_beyond(g, e->query);
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

static otk_report *finish(struct otk_gathering *g)
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
    struct otk_gathering g = {.report = new_report(error->code)};
    if (!g.report)
        return NULL;
    g.report->error = otk_keep(&g, error->message, strlen(error->message));
    char *text = explain(condition);
    if (text)
        g.report->explain = otk_keep(&g, text, strlen(text));
    free(text);
    return finish(&g);
}

static void gather_common(struct otk_gathering *g, otk_receiver *rx)
{
    g->store = otk_receiver_store(rx);
    g->report->url = otk_keep(g, otk_receiver_url(rx), strlen(otk_receiver_url(rx)));
    otk_store_counts(g->store, &g->report->counts);
}

static void find_all(struct otk_gathering *g, struct otk_expectation *e)
{
    size_t count = count_findings(e);
    g->report->findings = otk_arena_alloc(&g->report->arena, count * sizeof *g->report->findings);
    g->failed |= !g->report->findings;
    otk_look_begin(g, count);
    if (!g->failed)
        find(g, e, false);
    ask(g, e);
}

struct otk_gathering *otk_gathering_new(otk_receiver *rx, struct otk_expectation *e, int code, bool hopeless,
                                        unsigned timeout_ms)
{
    struct otk_gathering *g = calloc(1, sizeof *g);
    if (g)
        g->report = new_report(code);
    if (!g || !g->report) {
        free(g);
        return NULL;
    }
    /* Where nothing more could come, nobody waited. */
    g->report->timeout_ms = e->judged_ns == UINT64_MAX ? 0 : timeout_ms;
    g->report->hopeless = hopeless;
    g->judged_ns = e->judged_ns;
    gather_common(g, rx);
    find_all(g, e);
    return g;
}

bool otk_gathering_step(struct otk_gathering *g)
{
    uint64_t until_ns = otk_now_ns() + STEP_NS;
    while (otk_look_on(g))
        if (otk_now_ns() >= until_ns)
            return true;
    return false;
}

otk_report *otk_gathering_end(struct otk_gathering *g)
{
    if (!g)
        return NULL;
    otk_look_end(g);
    otk_report *r = finish(g);
    free(g);
    return r;
}

otk_report *otk_report_of_wait(otk_receiver *rx, struct otk_expectation *e, int code, bool hopeless,
                               unsigned timeout_ms)
{
    struct otk_gathering *g = otk_gathering_new(rx, e, code, hopeless, timeout_ms);
    while (g && otk_gathering_step(g))
        ;
    return otk_gathering_end(g);
}

static void gather_lost(struct otk_gathering *g, otk_receiver *rx)
{
    gather_common(g, rx);
    otk_look_begin(g, 0);
    while (g->report->counts.refused && otk_look_on(g))
        ;
    otk_look_end(g);
}

otk_report *otk_expect_nothing_lost(otk_receiver *rx)
{
    otk_receiver_counts counts;
    otk_receiver_counts_get(rx, &counts);
    if (!counts.refused && !counts.dropped_captures && !counts.dropped_bytes && !counts.rejected &&
        !counts.unreadable_connections)
        return NULL;
    struct otk_gathering g = {.report = new_report(OTK_EDATA)};
    if (g.report)
        gather_lost(&g, rx);
    otk_report *r = g.report ? finish(&g) : NULL;
    return r ? r : otk_report_out_of_memory();
}
