#include "json_request.h"

#include "json.h"
#include "utf8.h"

#include <inttypes.h>

static const char *const encodings[] = {
    [OTK_ENCODING_PROTOBUF] = "protobuf",
    [OTK_ENCODING_JSON] = "json",
};
static const char *const signals[] = {"traces", "metrics", "logs"};

static void write_headers(struct otk_buffer *out, const otk_headers *headers)
{
    otk_json_key(out, "headers");
    otk_buffer_byte(out, '[');
    for (size_t i = 0; i < headers->count; i++) {
        otk_buffer_text(out, i ? ",{" : "{");
        otk_json_text(out, "name", headers->items[i].name);
        otk_json_text(out, "value", headers->items[i].value);
        otk_buffer_byte(out, '}');
    }
    otk_buffer_byte(out, ']');
}

/* A JSON answer is text; one in protobuf, or compressed, may be as well, but only by chance. */
static bool is_text(const otk_capture *c)
{
    const char *type = otk_headers_get(&c->answer_headers, "Content-Type");
    return !otk_headers_get(&c->answer_headers, "Content-Encoding") && type && strstr(type, "json") &&
           otk_utf8_valid(c->answer.data, c->answer.size) == c->answer.size;
}

static void write_answer(struct otk_buffer *out, const otk_capture *c)
{
    otk_json_key(out, "answer");
    otk_buffer_byte(out, '{');
    otk_json_number(out, "status", c->status);
    write_headers(out, &c->answer_headers);
    otk_json_number(out, "bodySize", c->answer.size);
    if (is_text(c)) {
        otk_json_key(out, "body");
        otk_json_string(out, (const char *)c->answer.data, c->answer.size);
    } else if (c->answer.size) {
        otk_json_key(out, "bodyBase64");
        otk_json_base64(out, c->answer.data, c->answer.size);
    }
    otk_buffer_byte(out, '}');
}

static void write_counts(struct otk_buffer *out, const otk_capture *c)
{
    otk_json_number(out, "bodySize", c->body_size);
    otk_json_number(out, "inflatedSize", c->inflated_size);
    otk_json_number(out, "spans", c->span_count);
    otk_json_number(out, "metrics", c->metric_count);
    otk_json_number(out, "dataPoints", c->data_point_count);
    otk_json_number(out, "logRecords", c->log_record_count);
    otk_json_number(out, "unknownFields", c->unknown_field_count);
    otk_json_number(out, "rejected", c->rejected_count);
}

int otk_json_request(struct otk_buffer *out, const otk_capture *c)
{
    otk_buffer_byte(out, '{');
    otk_json_number(out, "number", c->number);
    otk_json_key(out, "timeUnixNano");
    otk_buffer_printf(out, "\"%" PRIu64 "\"", c->time_unix_nano);
    otk_json_text(out, "method", c->method);
    otk_json_text(out, "target", c->target);
    otk_json_text(out, "httpVersion", c->http_version);
    if (*c->session)
        otk_json_text(out, "session", c->session);
    otk_json_text(out, "peer", c->peer);
    write_headers(out, &c->headers);
    if (c->has_signal)
        otk_json_text(out, "signal", signals[c->signal]);
    if (c->encoding)
        otk_json_text(out, "encoding", encodings[c->encoding]);
    write_counts(out, c);
    if (c->repeat_of)
        otk_json_number(out, "repeatOf", c->repeat_of);
    otk_json_text(out, "notes", c->notes);
    otk_json_number(out, "status", c->status);
    otk_json_text(out, "reason", c->reason);
    if (*c->fault)
        otk_json_text(out, "fault", c->fault);
    if (c->unfinished)
        otk_json_flag(out, "unfinished", true);
    write_answer(out, c);
    otk_buffer_byte(out, '}');
    return out->failed;
}
