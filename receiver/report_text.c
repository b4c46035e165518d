/* A report for people. */
#include "report.h"
#include "speech.h"
#include "visible.h"

#include <inttypes.h>

static void add(struct otk_buffer *out, const char *text)
{
    otk_buffer_text(out, text);
}

static void add_quoted(struct otk_buffer *out, const char *text)
{
    add(out, "\"");
    otk_visible(out, text, strlen(text), "\"\\");
    add(out, "\"");
}

/* What came from outside may hold line breaks and escapes for terminals. */
static void add_foreign(struct otk_buffer *out, const char *text)
{
    otk_visible(out, text, strlen(text), "");
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void text_item(struct otk_buffer *out, const struct report_item *item)
{
    otk_buffer_printf(out, "%s ", otk_report_signal_names[item->signal]);
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
    for (size_t i = 0; i < item->near->count; i++) {
        add(out, i ? "; " : ": ");
        add_foreign(out, item->near->differences[i].sentence);
    }
    add(out, "\n");
}

static void text_headline(const otk_report *r, struct otk_buffer *out, const struct report_finding *f)
{
    unsigned within_ms = f->is_late ? f->within_ms : r->hopeless ? 0 : r->timeout_ms;
    if (f->exceeded)
        add(out, "TOO MANY: ");
    else if (f->is_early)
        add(out, "NOT YET: ");
    else if (within_ms)
        otk_buffer_printf(out, "MISSING within %u ms: ", within_ms);
    else
        add(out, "MISSING: ");
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

void otk_report_write_missing(const otk_report *r, const struct report_finding *f, bool first, struct otk_buffer *out)
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

static void text_counts(const otk_receiver_counts *c, struct otk_buffer *out)
{
    otk_buffer_printf(out,
                      "%" PRIu64 " request%s with %" PRIu64 " span%s, %" PRIu64 " metric%s, %" PRIu64 " log record%s",
                      c->requests, plural(c->requests), c->spans, plural(c->spans), c->metrics, plural(c->metrics),
                      c->log_records, plural(c->log_records));
}

static void text_arrived(const otk_report *r, struct otk_buffer *out)
{
    if (!r->counts.requests && !*r->url) {
        add(out, "NOTHING ARRIVED\n");
        return;
    }
    if (!r->counts.requests) {
        add(out, "NOTHING ARRIVED at ");
        add(out, r->url);
        add(out, ": is OTEL_EXPORTER_OTLP_ENDPOINT set to that, and was the exporter flushed?\n");
        return;
    }
    add(out, "ARRIVED: ");
    text_counts(&r->counts, out);
    add(out, "\n");
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
    const otk_receiver_counts *c = &r->counts;
    if (c->rejected)
        otk_buffer_printf(out, "REJECTED: %" PRIu64 " item%s, by a partial success\n", c->rejected,
                          plural(c->rejected));
    if (c->repeated_requests)
        otk_buffer_printf(out, "REPEATED: %" PRIu64 " request%s with the same bytes as one before\n",
                          c->repeated_requests, plural(c->repeated_requests));
    if (c->dropped_captures || c->dropped_bytes)
        otk_buffer_printf(out, "DROPPED: %" PRIu64 " request%s, %" PRIu64 " bytes, to make room\n", c->dropped_captures,
                          plural(c->dropped_captures), c->dropped_bytes);
}

static void text_spoke(uint64_t connections, enum otk_speech speech, struct otk_buffer *out)
{
    if (connections)
        otk_buffer_printf(out, "  %" PRIu64 " spoke %s\n", connections, otk_speech_advice(speech));
}

static void text_unreadable(const otk_report *r, struct otk_buffer *out)
{
    const otk_receiver_counts *c = &r->counts;
    uint64_t known = c->grpc_connections + c->tls_connections;
    if (!c->unreadable_connections)
        return;
    otk_buffer_printf(out, "UNREADABLE: %" PRIu64 " connection%s without an HTTP/1.1 request\n",
                      c->unreadable_connections, plural(c->unreadable_connections));
    text_spoke(c->grpc_connections, OTK_SPEECH_GRPC, out);
    text_spoke(c->tls_connections, OTK_SPEECH_TLS, out);
    if (c->unreadable_connections > known)
        otk_buffer_printf(out, "  %" PRIu64 " sent something else, or not the whole head of a request\n",
                          c->unreadable_connections - known);
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

static void text_place(const struct report_finding *f, struct otk_buffer *out)
{
    add_foreign(out, f->where);
    add(out, *f->where ? ": " : "");
}

static void text_met(const otk_report *r, struct otk_buffer *out)
{
    for (size_t i = 0; i < r->finding_count; i++) {
        const struct report_finding *f = &r->findings[i];
        if (!f->met)
            continue;
        text_place(f, out);
        add(out, "MET: ");
        add_foreign(out, f->what);
        add(out, ": seen ");
        add(out, f->seen);
        add(out, ", wanted ");
        add(out, f->wanted);
        add(out, "\n");
    }
}

void otk_report_write_notes(const otk_report *r, struct otk_buffer *out)
{
    text_refused(r, out);
    text_dropped(r, out);
    text_unreadable(r, out);
    if (r->code == 0 || *r->error)
        return;
    text_arrived(r, out);
    text_extra(r, out);
}

/* One line, as long as nothing was lost on the way in. */
static void text_holds(const otk_report *r, struct otk_buffer *out)
{
    size_t count = 0;
    for (size_t i = 0; i < r->finding_count; i++)
        count += !r->findings[i].is_part;
    otk_buffer_printf(out, "HOLDS: %zu condition%s; ", count, plural(count));
    text_counts(&r->counts, out);
    add(out, "\n");
    otk_report_write_notes(r, out);
}

static void text_error(const otk_report *r, struct otk_buffer *out)
{
    const char *text = *r->explain ? r->explain : r->error;
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        otk_visible(out, text, n, "");
        add(out, "\n");
    }
}

/* What is missing comes first and what was lost next: that is what the first lines are for. */
void otk_report_write_text(const otk_report *r, struct otk_buffer *out)
{
    bool first = true;
    if (*r->error) {
        text_error(r, out);
        return;
    }
    if (r->code == 0) {
        text_holds(r, out);
        return;
    }
    for (size_t i = 0; i < r->finding_count; i++) {
        if (r->findings[i].met)
            continue;
        text_place(&r->findings[i], out);
        otk_report_write_missing(r, &r->findings[i], first, out);
        first = false;
    }
    text_met(r, out);
    otk_report_write_notes(r, out);
}
