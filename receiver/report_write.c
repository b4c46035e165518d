/* A report for people, and the same for machines. */
#include "json.h"
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

#define OUT_OF_MEMORY "out of memory: there is no report"

static const char *const signal_names[] = {"span", "metric", "log"};

/* ---- Text ------------------------------------------------------------ */

static void add(struct otk_buffer *out, const char *text)
{
    otk_buffer_text(out, text);
}

static void add_quoted(struct otk_buffer *out, const char *text)
{
    otk_json_string(out, text, strlen(text));
}

/* What came from outside may hold line breaks and escapes for terminals. */
static void add_foreign(struct otk_buffer *out, const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            otk_buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            otk_buffer_byte(out, (uint8_t)*text);
    }
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void text_item(struct otk_buffer *out, const struct report_item *item)
{
    otk_buffer_printf(out, "%s ", signal_names[item->signal]);
    add_quoted(out, item->name);
    if (*item->attributes) {
        add(out, " ");
        add_foreign(out, item->attributes);
    }
    if (*item->service) {
        add(out, " of ");
        add_quoted(out, item->service);
    }
    otk_buffer_printf(out, ", request %" PRIu64, item->request);
}

static void text_near(struct otk_buffer *out, const struct report_item *item)
{
    add(out, "  nearest: ");
    text_item(out, item);
    for (size_t i = 0; i < item->near.count; i++) {
        add(out, i ? "; " : ": ");
        add_foreign(out, item->near.differences[i].sentence);
    }
    add(out, "\n");
}

static void text_headline(const otk_report *r, struct otk_buffer *out, const struct report_finding *f)
{
    if (f->exceeded)
        add(out, "TOO MANY: ");
    else if (r->hopeless)
        add(out, "MISSING: ");
    else
        otk_buffer_printf(out, "MISSING within %u ms: ", r->timeout_ms);
    add_foreign(out, f->what);
    add(out, "\n  seen ");
    add(out, f->seen);
    add(out, ", wanted ");
    add(out, f->wanted);
    add(out, "\n");
}

/* Where something was refused, that is often why. */
static void text_loss(const otk_report *r, struct otk_buffer *out)
{
    if (!r->refused_shown)
        return;
    const struct report_request *q = &r->refused[r->refused_shown - 1];
    otk_buffer_printf(out, "  but %" PRIu64 " of %" PRIu64 " request%s %s refused, request %" PRIu64 ": ",
                      r->counts.refused, r->counts.requests, plural(r->counts.requests),
                      r->counts.refused == 1 ? "was" : "were", q->number);
    add_foreign(out, q->reason);
    add(out, "\n");
}

static void text_missing(const otk_report *r, struct otk_buffer *out, const struct report_finding *f, bool first)
{
    text_headline(r, out, f);
    if (first && !f->exceeded)
        text_loss(r, out);
    if (*f->hint) {
        add(out, "  ");
        add_foreign(out, f->hint);
        add(out, "\n");
    }
    for (size_t i = 0; i < f->exceeding.count; i++) {
        add(out, i ? "  and:    " : "  newest: ");
        text_item(out, &f->exceeding.items[i]);
        add(out, "\n");
    }
    for (size_t i = 0; i < f->near.count; i++)
        text_near(out, &f->near.items[i]);
}

static void text_arrived(const otk_report *r, struct otk_buffer *out)
{
    const otk_receiver_counts *c = &r->counts;
    if (!c->requests) {
        add(out, "NOTHING ARRIVED at ");
        add(out, r->url);
        add(out, ": is OTEL_EXPORTER_OTLP_ENDPOINT set to that, and was the exporter flushed?\n");
        return;
    }
    otk_buffer_printf(
        out, "ARRIVED: %" PRIu64 " request%s with %" PRIu64 " span%s, %" PRIu64 " metric%s, %" PRIu64 " log record%s\n",
        c->requests, plural(c->requests), c->spans, plural(c->spans), c->metrics, plural(c->metrics), c->log_records,
        plural(c->log_records));
}

static void text_refused(const otk_report *r, struct otk_buffer *out)
{
    if (!r->counts.refused)
        return;
    otk_buffer_printf(out, "REFUSED: %" PRIu64 " of %" PRIu64 " request%s\n", r->counts.refused, r->counts.requests,
                      plural(r->counts.requests));
    for (size_t i = 0; i < r->refused_shown; i++) {
        const struct report_request *q = &r->refused[i];
        otk_buffer_printf(out, "  request %" PRIu64 ": ", q->number);
        if (q->status)
            otk_buffer_printf(out, "answered %u to ", q->status);
        else
            add(out, "no answer to ");
        add_foreign(out, q->method);
        add(out, " ");
        add_foreign(out, q->target);
        add(out, ": ");
        add_foreign(out, q->reason);
        if (*q->sender) {
            add(out, " (from ");
            add_foreign(out, q->sender);
            add(out, ")");
        }
        add(out, "\n");
    }
}

static void text_dropped(const otk_report *r, struct otk_buffer *out)
{
    if (r->counts.rejected)
        otk_buffer_printf(out, "REJECTED: %" PRIu64 " item%s, by a partial success\n", r->counts.rejected,
                          plural(r->counts.rejected));
    if (r->counts.dropped_captures || r->counts.dropped_bytes)
        otk_buffer_printf(out, "DROPPED: %" PRIu64 " request%s, %" PRIu64 " bytes, to make room\n",
                          r->counts.dropped_captures, plural(r->counts.dropped_captures), r->counts.dropped_bytes);
}

static void text_extra(const otk_report *r, struct otk_buffer *out)
{
    if (!r->extra.total)
        return;
    otk_buffer_printf(out, "EXTRA: %" PRIu64 " item%s that nothing asked for\n", r->extra.total,
                      plural(r->extra.total));
    for (size_t i = 0; i < r->extra.count; i++) {
        add(out, "  ");
        text_item(out, &r->extra.items[i]);
        add(out, "\n");
    }
    if (r->extra.total > r->extra.count)
        add(out, "  …\n");
}

static void text_met(const otk_report *r, struct otk_buffer *out)
{
    for (size_t i = 0; i < r->finding_count; i++) {
        const struct report_finding *f = &r->findings[i];
        if (!f->met)
            continue;
        add(out, "MET: ");
        add_foreign(out, f->what);
        add(out, ": seen ");
        add(out, f->seen);
        add(out, ", wanted ");
        add(out, f->wanted);
        add(out, "\n");
    }
}

/* What is missing comes first and what was lost next: that is what the first lines are for. */
void otk_report_write_text(const otk_report *r, struct otk_buffer *out)
{
    if (*r->error) {
        add(out, *r->explain ? r->explain : r->error);
        if (out->size && out->data[out->size - 1] != '\n')
            add(out, "\n");
        return;
    }
    bool first = true;
    for (size_t i = 0; i < r->finding_count; i++) {
        if (r->findings[i].met)
            continue;
        text_missing(r, out, &r->findings[i], first);
        first = false;
    }
    text_refused(r, out);
    text_dropped(r, out);
    text_met(r, out);
    text_arrived(r, out);
    text_extra(r, out);
}

/* ---- JSON ------------------------------------------------------------ */

/* `"key":`, with a comma before it unless it is the first of its object. */
static void key(struct otk_buffer *out, const char *name)
{
    uint8_t last = out->size ? out->data[out->size - 1] : '{';
    add(out, last == '{' ? "\"" : ",\"");
    add(out, name);
    add(out, "\":");
}

static void json_text(struct otk_buffer *out, const char *name, const char *text)
{
    key(out, name);
    add_quoted(out, text);
}

static void json_number(struct otk_buffer *out, const char *name, uint64_t number)
{
    key(out, name);
    otk_buffer_printf(out, "%" PRIu64, number);
}

static void json_flag(struct otk_buffer *out, const char *name, bool flag)
{
    key(out, name);
    add(out, flag ? "true" : "false");
}

static void json_differences(struct otk_buffer *out, const struct otk_near *near)
{
    key(out, "differences");
    add(out, "[");
    for (size_t i = 0; i < near->count; i++) {
        const struct otk_difference *d = &near->differences[i];
        add(out, i ? ",{" : "{");
        json_text(out, "field", d->field);
        json_text(out, "expected", d->expected);
        json_text(out, "actual", d->actual);
        json_text(out, "sentence", d->sentence);
        add(out, "}");
    }
    add(out, "]");
}

static void json_item(struct otk_buffer *out, const struct report_item *item)
{
    add(out, "{");
    json_text(out, "signal", signal_names[item->signal]);
    json_text(out, "name", item->name);
    json_text(out, "service", item->service);
    if (*item->attributes)
        json_text(out, "attributes", item->attributes);
    if (*item->id)
        json_text(out, "spanId", item->id);
    json_number(out, "request", item->request);
    if (item->near.count)
        json_differences(out, &item->near);
    add(out, "}");
}

static void json_items(struct otk_buffer *out, const char *name, const struct report_items *items)
{
    key(out, name);
    add(out, "[");
    for (size_t i = 0; i < items->count; i++) {
        add(out, i ? "," : "");
        json_item(out, &items->items[i]);
    }
    add(out, "]");
}

static void json_finding(struct otk_buffer *out, const struct report_finding *f)
{
    add(out, "{");
    json_text(out, "condition", f->what);
    json_text(out, "wanted", f->wanted);
    json_text(out, "seen", f->seen);
    if (*f->hint)
        json_text(out, "hint", f->hint);
    if (!f->met) {
        json_items(out, "nearest", &f->near);
        json_items(out, "exceeding", &f->exceeding);
    }
    add(out, "}");
}

static void json_findings(const otk_report *r, struct otk_buffer *out, const char *name, bool met)
{
    const char *gap = "";
    key(out, name);
    add(out, "[");
    for (size_t i = 0; i < r->finding_count; i++) {
        if (r->findings[i].met != met)
            continue;
        add(out, gap);
        json_finding(out, &r->findings[i]);
        gap = ",";
    }
    add(out, "]");
}

static void json_refused(const otk_report *r, struct otk_buffer *out)
{
    key(out, "refused");
    add(out, "[");
    for (size_t i = 0; i < r->refused_shown; i++) {
        const struct report_request *q = &r->refused[i];
        add(out, i ? ",{" : "{");
        json_number(out, "request", q->number);
        json_number(out, "status", q->status);
        json_text(out, "method", q->method);
        json_text(out, "target", q->target);
        json_text(out, "reason", q->reason);
        json_text(out, "userAgent", q->sender);
        add(out, "}");
    }
    add(out, "]");
}

static void json_counts(const otk_report *r, struct otk_buffer *out)
{
    const otk_receiver_counts *c = &r->counts;
    key(out, "counts");
    add(out, "{");
    json_number(out, "requests", c->requests);
    json_number(out, "refused", c->refused);
    json_number(out, "rejected", c->rejected);
    json_number(out, "spans", c->spans);
    json_number(out, "metrics", c->metrics);
    json_number(out, "dataPoints", c->data_points);
    json_number(out, "logRecords", c->log_records);
    json_number(out, "droppedRequests", c->dropped_captures);
    json_number(out, "droppedBytes", c->dropped_bytes);
    add(out, "}");
}

void otk_report_write_json(const otk_report *r, struct otk_buffer *out)
{
    add(out, "{");
    json_flag(out, "holds", r->code == 0);
    if (*r->error) {
        json_text(out, "error", r->error);
        if (*r->explain)
            json_text(out, "explain", r->explain);
        add(out, "}");
        return;
    }
    json_number(out, "timeoutMs", r->timeout_ms);
    json_flag(out, "hopeless", r->hopeless);
    json_findings(r, out, "met", true);
    json_findings(r, out, "missing", false);
    json_items(out, "extra", &r->extra);
    json_number(out, "extraTotal", r->extra.total);
    json_refused(r, out);
    json_counts(r, out);
    add(out, "}");
}

/* ---- Public ---------------------------------------------------------- */

static otk_report out_of_memory = {.code = OTK_ENOMEM, .error = OUT_OF_MEMORY, .url = ""};

otk_report *otk_report_out_of_memory(void)
{
    return &out_of_memory;
}

static const char *written(otk_report *r, struct otk_buffer *out, const char *otherwise,
                           void (*write)(const otk_report *, struct otk_buffer *))
{
    if (r == &out_of_memory)
        return otherwise;
    if (!out->size && !out->failed)
        write(r, out);
    const char *text = out->failed ? NULL : otk_buffer_string(out);
    return text ? text : otherwise;
}

int otk_report_code(const otk_report *report)
{
    return report->code;
}

const char *otk_report_text(otk_report *report)
{
    return written(report, &report->text, OUT_OF_MEMORY "\n", otk_report_write_text);
}

const char *otk_report_json(otk_report *report)
{
    return written(report, &report->json, "{\"holds\":false,\"error\":\"" OUT_OF_MEMORY "\"}", otk_report_write_json);
}

void otk_report_free(otk_report *report)
{
    if (!report || report == &out_of_memory)
        return;
    otk_buffer_clear(&report->text);
    otk_buffer_clear(&report->json);
    otk_arena_clear(&report->arena);
    free(report);
}
