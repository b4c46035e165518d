#include "payload.h"

#include "json.h"
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define TIME UINT64_C(1700000000000000000)
#define METRIC_NAME "requests."

static otk_string text(const char *s)
{
    return (otk_string){s, strlen(s)};
}

static void put_string(struct otk_buffer *b, unsigned number, const char *key, const char *value)
{
    otk_attribute a = {text(key), {.type = OTK_VALUE_STRING, .as.string_value = text(value)}};
    otk_write_attribute(b, number, &a);
}

static void put_int(struct otk_buffer *b, unsigned number, const char *key, int64_t value)
{
    otk_attribute a = {text(key), {.type = OTK_VALUE_INT, .as.int_value = value}};
    otk_write_attribute(b, number, &a);
}

static void put_span(struct otk_buffer *b, struct otk_gaps *gaps, uint64_t n)
{
    (void)gaps;
    otk_write_bytes(b, 1, "trace-0123456789", 16);
    otk_write_bytes(b, 2, &n, sizeof n);
    otk_write_bytes(b, 5, "GET /api/v1/basket/{id}", 23);
    otk_write_varint(b, 6, 2);
    otk_write_fixed64(b, 7, TIME);
    otk_write_fixed64(b, 8, TIME + 1500000);
    put_string(b, 9, "http.request.method", "GET");
    put_int(b, 9, "http.response.status_code", 200);
}

static void put_metric(struct otk_buffer *b, struct otk_gaps *gaps, uint64_t n)
{
    char name[64];
    int size = snprintf(name, sizeof name, METRIC_NAME "%016llx", (unsigned long long)n);
    otk_write_bytes(b, 1, name, (size_t)size);
    struct otk_open sum = otk_write_begin(b, gaps, 7);
    struct otk_open point = otk_write_begin(b, gaps, 1);
    otk_write_fixed64(b, 3, TIME);
    otk_write_fixed64(b, 6, n);
    put_string(b, 7, "http.route", "/api/v1/basket/{id}");
    otk_write_end(b, gaps, point);
    otk_write_varint(b, 2, 2);
    otk_write_end(b, gaps, sum);
}

static void put_log(struct otk_buffer *b, struct otk_gaps *gaps, uint64_t n)
{
    (void)gaps;
    otk_write_fixed64(b, 1, TIME);
    otk_write_varint(b, 2, OTK_SEVERITY_NUMBER_INFO);
    otk_write_bytes(b, 5, "\x0a\x05ready", 7);
    put_string(b, 6, "http.route", "/api/v1/basket/{id}");
    otk_write_bytes(b, 9, "trace-0123456789", 16);
    otk_write_bytes(b, 10, &n, sizeof n);
}

typedef void put_fn(struct otk_buffer *b, struct otk_gaps *gaps, uint64_t n);

static struct otk_buffer request(put_fn *put, uint64_t first, size_t count)
{
    struct otk_buffer b = OTK_BUFFER_INIT(PAYLOAD_LIMIT);
    struct otk_gaps gaps = OTK_GAPS_INIT;
    struct otk_open envelope = otk_write_begin(&b, &gaps, 1);
    struct otk_open resource = otk_write_begin(&b, &gaps, 1);
    put_string(&b, 1, "service.name", "shop");
    otk_write_end(&b, &gaps, resource);
    struct otk_open scope = otk_write_begin(&b, &gaps, 2);
    for (size_t i = 0; i < count; i++) {
        struct otk_open item = otk_write_begin(&b, &gaps, 2);
        put(&b, &gaps, first + i);
        otk_write_end(&b, &gaps, item);
    }
    otk_write_end(&b, &gaps, scope);
    otk_write_end(&b, &gaps, envelope);
    if (otk_write_finish(&b, &gaps))
        abort();
    return b;
}

struct otk_buffer payload_items(otk_signal signal, uint64_t first, size_t count)
{
    static put_fn *const put[OTK_SIGNAL_COUNT] = {
        [OTK_SIGNAL_TRACES] = put_span, [OTK_SIGNAL_METRICS] = put_metric, [OTK_SIGNAL_LOGS] = put_log};
    return request(put[signal], first, count);
}

static void put_flags(struct otk_buffer *b, struct otk_gaps *gaps, uint64_t n)
{
    (void)gaps;
    otk_write_bytes(b, 1, "trace-0123456789", 16);
    otk_write_bytes(b, 2, &n, sizeof n);
    otk_write_bytes(b, 5, "a", 1);
    for (int i = 0; i < 32; i++) {
        char key[] = {(char)('A' + i), '\0'};
        put_int(b, 9, key, i);
    }
}

struct otk_buffer payload_of_size(size_t size)
{
    struct otk_buffer one = request(put_flags, 1, 1), many = request(put_flags, 1, 101);
    size_t span = (many.size - one.size) / 100 + 1;
    size_t count = size > one.size ? (size - one.size) / span + 1 : 1;
    otk_buffer_clear(&one);
    otk_buffer_clear(&many);
    return request(put_flags, 1, count);
}

struct otk_buffer payload_json(otk_signal signal, const struct otk_buffer *protobuf)
{
    struct otk_buffer json = OTK_BUFFER_INIT(PAYLOAD_LIMIT);
    if (otk_json_write(&json, otk_schema((enum otk_message_id)signal), protobuf->data, protobuf->size))
        abort();
    return json;
}

static size_t deflate_into(struct otk_buffer *b, const void *data, size_t size)
{
    uLongf room = compressBound(size);
    uint8_t *to = otk_buffer_reserve(b, room);
    return to && compress2(to, &room, data, size, 1) == Z_OK ? room : 0;
}

static size_t zstd_into(struct otk_buffer *b, const void *data, size_t size)
{
    size_t room = ZSTD_compressBound(size);
    uint8_t *to = otk_buffer_reserve(b, room);
    size_t n = to ? ZSTD_compress(to, room, data, size, 1) : 0;
    return ZSTD_isError(n) ? 0 : n;
}

struct otk_buffer payload_coded(enum otk_coding coding, const void *data, size_t size)
{
    struct otk_buffer b = OTK_BUFFER_INIT(PAYLOAD_LIMIT);
    size_t added = 0;
    if (coding == OTK_CODING_GZIP)
        added = otk_gzip(&b, data, size) ? 0 : b.size;
    else if (coding == OTK_CODING_DEFLATE)
        added = b.size = deflate_into(&b, data, size);
    else if (coding == OTK_CODING_ZSTD)
        added = b.size = zstd_into(&b, data, size);
    else
        added = otk_buffer_append(&b, data, size) ? 0 : b.size;
    if (!added)
        abort();
    return b;
}

/* ---- Numbers of what was captured ------------------------------------ */

static uint64_t number_of(otk_bytes id)
{
    uint64_t n = 0;
    if (id.size == sizeof n)
        memcpy(&n, id.data, sizeof n);
    return n;
}

uint64_t payload_span_number(const otk_captured_span *span)
{
    return number_of(span->span_id);
}

uint64_t payload_metric_number(const otk_captured_metric *metric)
{
    return strtoull(metric->name + strlen(METRIC_NAME), NULL, 16);
}

uint64_t payload_log_number(const otk_captured_log *log)
{
    return number_of(log->span_id);
}
