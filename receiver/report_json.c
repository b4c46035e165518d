/* A report for machines. */
#include "json.h"
#include "report.h"

static void add(struct otk_buffer *out, const char *text)
{
    otk_buffer_text(out, text);
}

static void json_differences(struct otk_buffer *out, const struct otk_near *near)
{
    otk_json_key(out, "differences");
    add(out, "[");
    for (size_t i = 0; i < near->count; i++) {
        const struct otk_difference *d = &near->differences[i];
        add(out, i ? ",{" : "{");
        otk_json_text(out, "field", d->field);
        otk_json_text(out, "expected", d->expected);
        otk_json_text(out, "actual", d->actual);
        otk_json_text(out, "sentence", d->sentence);
        add(out, "}");
    }
    add(out, "]");
}

static void json_item(struct otk_buffer *out, const struct report_item *item)
{
    add(out, "{");
    otk_json_text(out, "signal", otk_report_signal_names[item->signal]);
    otk_json_text(out, "name", item->name);
    otk_json_text(out, "service", item->service);
    if (*item->attributes)
        otk_json_text(out, "attributes", item->attributes);
    if (*item->id)
        otk_json_text(out, "spanId", item->id);
    otk_json_number(out, "request", item->request);
    if (item->near)
        json_differences(out, item->near);
    add(out, "}");
}

static void json_items(struct otk_buffer *out, const char *name, const struct report_items *items)
{
    otk_json_key(out, name);
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
    if (*f->where)
        otk_json_text(out, "where", f->where);
    otk_json_text(out, "condition", f->what);
    otk_json_text(out, "wanted", f->wanted);
    otk_json_text(out, "seen", f->seen);
    if (*f->hint)
        otk_json_text(out, "hint", f->hint);
    if (!f->met) {
        json_items(out, "nearest", &f->near);
        json_items(out, "exceeding", &f->exceeding);
    }
    add(out, "}");
}

static void json_findings(const otk_report *r, struct otk_buffer *out, const char *name, bool met)
{
    const char *gap = "";
    otk_json_key(out, name);
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
    otk_json_key(out, "refused");
    add(out, "[");
    for (size_t i = 0; i < r->refused_shown; i++) {
        const struct report_request *q = &r->refused[i];
        add(out, i ? ",{" : "{");
        otk_json_number(out, "request", q->number);
        otk_json_number(out, "status", q->status);
        otk_json_text(out, "method", q->method);
        otk_json_text(out, "target", q->target);
        otk_json_text(out, "reason", q->reason);
        otk_json_text(out, "userAgent", q->sender);
        add(out, "}");
    }
    add(out, "]");
}

static void json_counts(const otk_report *r, struct otk_buffer *out)
{
    const otk_receiver_counts *c = &r->counts;
    otk_json_key(out, "counts");
    add(out, "{");
    otk_json_number(out, "requests", c->requests);
    otk_json_number(out, "refused", c->refused);
    otk_json_number(out, "rejected", c->rejected);
    otk_json_number(out, "repeatedRequests", c->repeated_requests);
    otk_json_number(out, "spans", c->spans);
    otk_json_number(out, "metrics", c->metrics);
    otk_json_number(out, "dataPoints", c->data_points);
    otk_json_number(out, "logRecords", c->log_records);
    otk_json_number(out, "droppedRequests", c->dropped_captures);
    otk_json_number(out, "droppedBytes", c->dropped_bytes);
    otk_json_number(out, "unreadableConnections", c->unreadable_connections);
    otk_json_number(out, "grpcConnections", c->grpc_connections);
    otk_json_number(out, "tlsConnections", c->tls_connections);
    add(out, "}");
}

void otk_report_write_json(const otk_report *r, struct otk_buffer *out)
{
    add(out, "{");
    otk_json_flag(out, "holds", r->code == 0);
    if (*r->error) {
        otk_json_text(out, "error", r->error);
        if (*r->explain)
            otk_json_text(out, "explain", r->explain);
        add(out, "}");
        return;
    }
    otk_json_number(out, "timeoutMs", r->timeout_ms);
    otk_json_flag(out, "hopeless", r->hopeless);
    json_findings(r, out, "met", true);
    json_findings(r, out, "missing", false);
    json_items(out, "extra", &r->extra);
    otk_json_number(out, "extraTotal", r->extra.total);
    json_refused(r, out);
    json_counts(r, out);
    add(out, "}");
}
