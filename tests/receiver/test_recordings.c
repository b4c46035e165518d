/* Every recording of a real client decodes to exactly what it holds. */
#include "client.h"
#include "lone.h"
#include "recording.h"

#include <stdio.h>

#define CHUNK 700

static void assert_shows(const otk_capture *c, const char *decoded, bool quirks)
{
    assert_recording(otk_capture_json_tree(c), decoded, quirks);
}

/* ---- Playing --------------------------------------------------------- */

static const char *text_of(const json_t *fixture, const char *key)
{
    return json_string_value(json_object_get(fixture, key));
}

static void send_chunked(struct client *c, const struct otk_buffer *body)
{
    for (size_t at = 0; at < body->size; at += CHUNK) {
        size_t n = body->size - at < CHUNK ? body->size - at : CHUNK;
        client_print(c, "%zx\r\n", n);
        client_send(c, body->data + at, n);
        client_print(c, "\r\n");
    }
    client_print(c, "0\r\n\r\n");
}

static void send_recorded(struct client *c, const json_t *request, const struct otk_buffer *body)
{
    size_t i;
    json_t *header;
    bool chunked = false;
    client_print(c, "%s %s HTTP/1.1\r\n", text_of(request, "method"), text_of(request, "path"));
    json_array_foreach(json_object_get(request, "headers"), i, header) {
        const char *name = json_string_value(json_array_get(header, 0));
        chunked |= strcmp(name, "Transfer-Encoding") == 0;
        client_print(c, "%s: %s\r\n", name, json_string_value(json_array_get(header, 1)));
    }
    client_print(c, "\r\n");
    if (chunked)
        send_chunked(c, body);
    else
        client_send(c, body->data, body->size);
}

static void assert_answered(struct client *c, const char *encoding)
{
    struct response r;
    bool json = strcmp(encoding, "json") == 0;
    assert_true(client_read(c, &r));
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "Content-Type"), json ? "application/json" : "application/x-protobuf");
    assert_int_equal(r.body.size, json ? 2 : 0);
    response_clear(&r);
}

static void assert_kept_as_sent(const otk_capture *c, const json_t *fixture, const struct otk_buffer *body)
{
    const json_t *headers = json_object_get(json_object_get(fixture, "request"), "headers");
    assert_int_equal(c->headers.count, json_array_size(headers));
    for (size_t i = 0; i < c->headers.count; i++) {
        const json_t *header = json_array_get(headers, i);
        assert_string_equal(c->headers.items[i].name, json_string_value(json_array_get(header, 0)));
        assert_string_equal(c->headers.items[i].value, json_string_value(json_array_get(header, 1)));
    }
    assert_int_equal(c->body.size, body->size);
    assert_memory_equal(c->body.data, body->data, body->size);
    assert_true((double)c->inflated_size == json_number_value(json_object_get(fixture, "decoded_bytes")));
    assert_string_equal(c->http_version, "HTTP/1.1");
}

static void play_request(const json_t *fixture)
{
    struct otk_buffer body = read_recording(text_of(fixture, "file"));
    struct client c = client_open(otk_receiver_port(rx));
    bool quirks = strncmp(text_of(fixture, "file"), "30-", 3) == 0;
    otk_receiver_reset(rx);
    send_recorded(&c, json_object_get(fixture, "request"), &body);
    assert_answered(&c, text_of(fixture, "encoding"));
    const otk_capture *capture = otk_receiver_request(rx, 0);
    assert_non_null(capture);
    assert_kept_as_sent(capture, fixture, &body);
    assert_shows(capture, text_of(fixture, "decoded"), quirks);
    assert_int_equal(*capture->notes != '\0', quirks);
    client_close(&c);
    otk_buffer_clear(&body);
}

static size_t count_of(const char *needle, const struct otk_buffer *in)
{
    size_t count = 0;
    const uint8_t *end = in->data + in->size;
    for (const uint8_t *p = in->data; (p = memmem(p, (size_t)(end - p), needle, strlen(needle))); p++)
        count++;
    return count;
}

static void play_raw(const json_t *fixture, size_t piece)
{
    struct otk_buffer bytes = read_recording(text_of(fixture, "file"));
    struct client c = client_open(otk_receiver_port(rx));
    size_t requests = count_of("POST /v1/", &bytes);
    otk_receiver_reset(rx);
    for (size_t at = 0; at < bytes.size; at += piece)
        assert_true(client_send(&c, bytes.data + at, bytes.size - at < piece ? bytes.size - at : piece));
    for (size_t i = 0; i < requests; i++)
        assert_answered(&c, text_of(fixture, "encoding"));
    assert_shows(otk_receiver_request(rx, 0), text_of(fixture, "decoded"), false);
    assert_non_null(otk_receiver_request(rx, requests - 1));
    assert_null(otk_receiver_request(rx, requests));
    client_close(&c);
    otk_buffer_clear(&bytes);
}

static void each_fixture(const char *transport, void (*play)(const json_t *fixture))
{
    json_t *index = json_load_file(RECORDINGS "/index.json", JSON_DECODE_INT_AS_REAL, NULL);
    assert_non_null(index);
    size_t i, played = 0;
    json_t *fixture;
    json_array_foreach(json_object_get(index, "fixtures"), i, fixture)
        if (strcmp(text_of(fixture, "transport"), transport) == 0) {
            play(fixture);
            played++;
        }
    assert_true(played > 0);
    json_decref(index);
}

static void play_raw_at_once(const json_t *fixture)
{
    play_raw(fixture, SIZE_MAX / 2);
}

static void play_raw_by_bytes(const json_t *fixture)
{
    play_raw(fixture, 1);
}

/* RX-HTTP-02, RX-HTTP-03, RX-HTTP-04, RX-ENC-01, RX-ENC-08, RX-ENC-09, RX-HTTP-17 */
static void test_every_recorded_request_shows_what_was_sent(void **state)
{
    (void)state;
    each_fixture("http/1.1", play_request);
}

/* RX-HTTP-11, RX-HTTP-17 */
static void test_raw_connections_play_as_recorded(void **state)
{
    (void)state;
    each_fixture("raw tcp, HTTP/1.1", play_raw_at_once);
}

static void test_raw_connections_play_byte_by_byte(void **state)
{
    (void)state;
    each_fixture("raw tcp, HTTP/1.1", play_raw_by_bytes);
}

static double number(const otk_value *value)
{
    return value->type == OTK_VALUE_INT ? (double)value->as.int_value : value->as.double_value;
}

static bool has_value(const otk_capture *c, const char *name, double value)
{
    for (size_t i = 0; i < c->metric_count; i++) {
        const otk_captured_metric *m = otk_capture_metric(c, i);
        for (size_t j = 0; j < m->point_count && strcmp(m->name, name) == 0; j++)
            if (number(&m->points[j].value) == value)
                return true;
    }
    return false;
}

/* RX-HTTP-11: two requests on one connection are two captures, in order. */
static void test_second_request_of_a_connection_is_its_own_capture(void **state)
{
    (void)state;
    struct otk_buffer bytes = read_recording("27-oteljs-http1-keepalive.h1raw");
    struct client c = client_open(otk_receiver_port(rx));
    otk_receiver_reset(rx);
    assert_true(client_send(&c, bytes.data, bytes.size));
    assert_int_equal(otk_receiver_wait_requests(rx, 2, PATIENCE_MS), 0);
    const otk_capture *second = otk_receiver_request(rx, 1);
    assert_false(has_value(otk_receiver_request(rx, 0), "orders", 18));
    assert_true(has_value(second, "orders", 18));
    assert_string_equal(otk_receiver_request(rx, 0)->peer, second->peer);
    client_close(&c);
    otk_buffer_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recorded_request_shows_what_was_sent),
        cmocka_unit_test(test_raw_connections_play_as_recorded),
        cmocka_unit_test(test_raw_connections_play_byte_by_byte),
        cmocka_unit_test(test_second_request_of_a_connection_is_its_own_capture),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
