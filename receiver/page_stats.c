/* GET /otlpkit/stats: every counter there is. */
#include "json.h"
#include "pages.h"

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

static enum otk_step step_stats(struct otk_question *q)
{
    otk_buffer_byte(&q->out, '{');
    otk_json_text(&q->out, "version", otk_receiver_version());
    otk_json_text(&q->out, "url", otk_receiver_url(q->rx));
    otk_page_counts(q, q->rx);
    otk_buffer_text(&q->out, "}\n");
    return OTK_STEP_DONE;
}

static const char *const arguments[] = {NULL};

const struct otk_page otk_page_stats = {
    .method = "GET", .path = "/otlpkit/stats", .arguments = arguments, .step = step_stats};
