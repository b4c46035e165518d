#include "payload.h"

#include <stdio.h>
#include <stdlib.h>

#include "writer.h"

#define LIMIT ((size_t)64 << 20)

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

static void put_double(struct otk_buffer *b, unsigned number, const char *key, double value)
{
    otk_attribute a = {text(key), {.type = OTK_VALUE_DOUBLE, .as.double_value = value}};
    otk_write_attribute(b, number, &a);
}

static void put_bool(struct otk_buffer *b, unsigned number, const char *key, bool value)
{
    otk_attribute a = {text(key), {.type = OTK_VALUE_BOOL, .as.bool_value = value}};
    otk_write_attribute(b, number, &a);
}

static void put_event(struct otk_buffer *b, struct otk_gaps *gaps, size_t i)
{
    struct otk_open event = otk_write_begin(b, gaps, 11);
    otk_write_fixed64(b, 1, 1700000000000000000u + i);
    otk_write_bytes(b, 2, "cache.lookup", 12);
    put_string(b, 3, "cache.key", "user:4711:basket");
    put_bool(b, 3, "cache.hit", i % 2);
    otk_write_end(b, gaps, event);
}

static void put_span(struct otk_buffer *b, struct otk_gaps *gaps, size_t i, bool events)
{
    uint8_t id[16] = "trace-0123456789";
    char url[64];
    id[15] = (uint8_t)i;
    id[14] = (uint8_t)(i >> 8);
    snprintf(url, sizeof url, "https://shop.example.com/api/v1/basket/%zu", i);
    struct otk_open span = otk_write_begin(b, gaps, 2);
    otk_write_bytes(b, 1, id, 16);
    otk_write_bytes(b, 2, id + 8, 8);
    otk_write_bytes(b, 4, "parent-1", 8);
    otk_write_bytes(b, 5, "GET /api/v1/basket/{id}", 23);
    otk_write_varint(b, 6, 2);
    otk_write_fixed64(b, 7, 1700000000000000000u + i);
    otk_write_fixed64(b, 8, 1700000000001500000u + i);
    put_string(b, 9, "http.request.method", "GET");
    put_string(b, 9, "url.full", url);
    put_string(b, 9, "server.address", "shop.example.com");
    put_int(b, 9, "server.port", 443);
    put_int(b, 9, "http.response.status_code", 200);
    put_string(b, 9, "user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0");
    put_double(b, 9, "app.basket.total", 19.99 + (double)i);
    put_bool(b, 9, "app.customer.returning", true);
    put_string(b, 9, "network.protocol.version", "1.1");
    for (size_t e = 0; events && e < 2; e++)
        put_event(b, gaps, i + e);
    otk_write_bytes(b, 15, "\x18\x01", 2);
    otk_write_fixed32(b, 16, 257);
    otk_write_end(b, gaps, span);
}

static void put_resource(struct otk_buffer *b, struct otk_gaps *gaps)
{
    struct otk_open resource = otk_write_begin(b, gaps, 1);
    put_string(b, 1, "service.name", "shop");
    put_string(b, 1, "service.version", "1.2.3");
    put_string(b, 1, "telemetry.sdk.language", "c");
    put_string(b, 1, "telemetry.sdk.name", "otlpkit");
    otk_write_end(b, gaps, resource);
}

struct otk_buffer bench_payload(size_t spans, bool events)
{
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    struct otk_gaps gaps = OTK_GAPS_INIT;
    struct otk_open envelope = otk_write_begin(&b, &gaps, 1);
    put_resource(&b, &gaps);
    struct otk_open scope_spans = otk_write_begin(&b, &gaps, 2);
    otk_write_bytes(&b, 1, "\x0a\x05"
                           "bench",
                    7);
    for (size_t i = 0; i < spans; i++)
        put_span(&b, &gaps, i, events);
    otk_write_end(&b, &gaps, scope_spans);
    otk_write_end(&b, &gaps, envelope);
    if (otk_write_finish(&b, &gaps))
        abort();
    return b;
}
