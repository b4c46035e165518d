/* GET /otlpkit/stats: every counter there is, and the limits. */
#include "json.h"
#include "pages.h"
#include "receiver_inside.h"

#define COUNT(name, member)                                                                                            \
    {                                                                                                                  \
        name, offsetof(otk_receiver_counts, member)                                                                    \
    }

static const struct {
    const char *name;
    size_t at;
} counters[] = {
    COUNT("requests", requests),
    COUNT("refused", refused),
    COUNT("repeatedRequests", repeated_requests),
    COUNT("spans", spans),
    COUNT("metrics", metrics),
    COUNT("dataPoints", data_points),
    COUNT("logRecords", log_records),
    COUNT("rejected", rejected),
    COUNT("unknownFields", unknown_fields),
    COUNT("bodyBytes", body_bytes),
    COUNT("inflatedBytes", inflated_bytes),
    COUNT("droppedRequests", dropped_captures),
    COUNT("droppedBytes", dropped_bytes),
    COUNT("unreadableConnections", unreadable_connections),
    COUNT("grpcConnections", grpc_connections),
    COUNT("tlsConnections", tls_connections),
};

void otk_page_counts(struct otk_question *q, otk_receiver *rx)
{
    otk_receiver_counts counts;
    uint64_t value;
    otk_receiver_counts_get(rx, &counts);
    otk_json_key(&q->out, "counts");
    otk_buffer_byte(&q->out, '{');
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        memcpy(&value, (const char *)&counts + counters[i].at, sizeof value);
        otk_json_number(&q->out, counters[i].name, value);
    }
    otk_buffer_byte(&q->out, '}');
}

/* Those of a session are its own or, where it has none of its own, its receiver's. */
static void write_limits(struct otk_question *q)
{
    const otk_receiver *root = q->rx->root;
    const otk_receiver_options *o = &root->options;
    otk_json_key(&q->out, "limits");
    otk_buffer_byte(&q->out, '{');
    otk_json_number(&q->out, "maxRequestBytes", o->max_request_bytes);
    otk_json_number(&q->out, "maxResponseBytes", o->max_response_bytes);
    otk_json_number(&q->out, "maxCaptureBytes", q->rx == root ? o->max_capture_bytes : root->session_limits.max_bytes);
    otk_json_flag(&q->out, "dropOldest", o->drop_oldest);
    otk_json_number(&q->out, "maxConnections", o->max_connections);
    otk_json_number(&q->out, "maxSessions", o->max_sessions);
    otk_json_number(&q->out, "maxSessionBytes", root->session_limits.max_bytes);
    otk_json_number(&q->out, "timeoutMs", o->timeout_ms);
    otk_buffer_byte(&q->out, '}');
}

static enum otk_step step_stats(struct otk_question *q)
{
    otk_buffer_byte(&q->out, '{');
    otk_json_text(&q->out, "version", otk_receiver_version());
    otk_json_text(&q->out, "url", otk_receiver_url(q->rx));
    if (*q->rx->session.name)
        otk_json_text(&q->out, "session", q->rx->session.name);
    otk_page_counts(q, q->rx);
    write_limits(q);
    otk_buffer_text(&q->out, "}\n");
    return OTK_STEP_DONE;
}

static const char *const arguments[] = {NULL};

const struct otk_page otk_page_stats = {
    .method = "GET", .path = "/otlpkit/stats", .arguments = arguments, .step = step_stats};
