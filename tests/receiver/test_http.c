/* What a client meets on the socket. */
#include "served.h"

#include "inflate.h"
#include "json.h"
#include "writer.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/socket.h>

#define LIMIT 65536

/* resourceSpans[0].scopeSpans[0].spans[0] with a name only. */
static const uint8_t one_span[] = {0x0a, 7, 0x12, 5, 0x12, 3, 0x2a, 1, 'a'};
static const char one_span_json[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"}]}]}]}";


static char notices[512];

static void on_notice(const char *sentence, void *arg)
{
    strncat(arg, sentence, sizeof notices - strlen(arg) - 1);
}

static int start_limited(void **state)
{
    prepare(state);
    *notices = '\0';
    options.on_notice = on_notice;
    options.on_notice_arg = notices;
    options.max_request_bytes = LIMIT;
    start();
    return 0;
}

static struct post span_post(void)
{
    return (struct post){.body = one_span, .size = sizeof one_span};
}

static void assert_accepted(struct post p)
{
    uint64_t before = counts().spans;
    struct response r = client_post(&c, p);
    assert_int_equal(r.status, 200);
    assert_int_equal(counts().spans, before + 1);
    response_clear(&r);
}

static json_t *status_of(const struct response *r)
{
    return response_message(r, OTK_MESSAGE_STATUS);
}

/* Every refusal carries a Status, is kept, and leaves the connection usable. */
static void assert_refused(struct post p, unsigned status, const char *says)
{
    otk_receiver_reset(rx);
    struct response r = client_post(&c, p);
    json_t *body = status_of(&r);
    assert_int_equal(r.status, status);
    const char *message = json_string_value(json_object_get(body, "message"));
    if (!message || !strstr(message, says)) {
        print_error("%s\ndoes not say: %s\n", message ? message : "(no message)", says);
        fail();
    }
    const otk_capture *kept = otk_receiver_request(rx, 0);
    assert_non_null(kept);
    assert_int_equal(kept->status, status);
    assert_string_equal(kept->reason, message);
    assert_int_equal(kept->body.size, p.size);
    assert_int_equal(kept->message.size, 0);
    assert_int_equal(counts().refused, 1);
    json_decref(body);
    response_clear(&r);
    assert_accepted(span_post());
}

/* ---- Accepted -------------------------------------------------------- */

/* RX-RESP-01, RX-RESP-02, RX-ENC-08 */
static void test_protobuf_gets_an_empty_protobuf_answer(void **state)
{
    (void)state;
    struct response r = client_post(&c, span_post());
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "Content-Type"), "application/x-protobuf");
    assert_int_equal(r.body.size, 0);
    response_clear(&r);
}

/* RX-RESP-01, RX-ENC-09 */
static void test_json_gets_an_empty_object(void **state)
{
    (void)state;
    struct post p = {.type = "application/json", .body = one_span_json, .size = sizeof one_span_json - 1};
    struct response r = client_post(&c, p);
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "Content-Type"), "application/json");
    assert_int_equal(r.body.size, 2);
    assert_memory_equal(r.body.data, "{}", 2);
    response_clear(&r);
}

/* RX-RESP-03 */
static void test_requests_without_telemetry_succeed(void **state)
{
    (void)state;
    const char *const bodies[] = {"{}", "{\"resourceSpans\":[]}"};
    for (size_t i = 0; i < 2; i++) {
        struct post p = {.type = "application/json", .body = bodies[i], .size = strlen(bodies[i])};
        struct response r = client_post(&c, p);
        assert_int_equal(r.status, 200);
        response_clear(&r);
    }
    struct response r = client_post(&c, (struct post){.body = ""});
    assert_int_equal(r.status, 200);
    response_clear(&r);
}

/* RX-HTTP-13, RX-ENC-10 */
static void test_content_type_is_matched_without_case_and_parameters(void **state)
{
    (void)state;
    const char *const types[] = {"application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x=y",
                                 "Application/Json ; a=b"};
    for (size_t i = 0; i < 4; i++) {
        struct post p = {.type = types[i], .body = one_span_json, .size = sizeof one_span_json - 1};
        struct response r = client_post(&c, p);
        assert_int_equal(r.status, 200);
        assert_string_equal(response_header(&r, "Content-Type"), "application/json");
        response_clear(&r);
    }
    struct post p = span_post();
    p.type = "Application/X-Protobuf; a=b";
    assert_accepted(p);
}

/* RX-ENC-01, RX-ENC-05, RX-ENC-07 */
static void test_codings_are_undone(void **state)
{
    (void)state;
    struct otk_buffer gzip = OTK_BUFFER_INIT(4096);
    assert_int_equal(otk_gzip(&gzip, one_span, 4), 0);
    assert_int_equal(otk_gzip(&gzip, one_span + 4, sizeof one_span - 4), 0);
    const char *const names[] = {"gzip", "GZIP", "x-gzip"};
    for (size_t i = 0; i < 3; i++)
        assert_accepted((struct post){.coding = names[i], .body = gzip.data, .size = gzip.size});
    assert_accepted((struct post){.coding = "identity", .body = one_span, .size = sizeof one_span});
    assert_accepted((struct post){.coding = "", .body = one_span, .size = sizeof one_span});
    otk_buffer_clear(&gzip);
}

/* RX-HTTP-17 */
static void test_absolute_form_and_query_reach_the_path(void **state)
{
    (void)state;
    struct post p = span_post();
    p.target = "http://collector.example:4318/v1/traces?a=%2F";
    otk_receiver_reset(rx);
    assert_accepted(p);
    assert_string_equal(otk_receiver_request(rx, 0)->target, p.target);
}

/* RX-HTTP-17 */
static void test_expect_is_answered_with_continue(void **state)
{
    (void)state;
    struct response r;
    client_print(
        &c,
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\ncontent-TYPE: application/x-protobuf\r\n"
        "Content-Length: %zu\r\n\r\n",
        sizeof one_span);
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 100);
    client_send(&c, one_span, sizeof one_span);
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 200);
    response_clear(&r);
}

/* RX-HTTP-17 */
static void test_chunks_of_one_byte_are_joined(void **state)
{
    (void)state;
    struct response r;
    client_print(&c, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < sizeof one_span; i++) {
        client_print(&c, "1\r\n");
        client_send(&c, &one_span[i], 1);
        client_print(&c, "\r\n");
    }
    client_print(&c, "0\r\n\r\n");
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 200);
    response_clear(&r);
    assert_memory_equal(otk_receiver_request(rx, 0)->body.data, one_span, sizeof one_span);
}

/* RX-HTTP-09, RX-HTTP-11 */
static void test_one_connection_carries_many_requests(void **state)
{
    (void)state;
    struct post json = {.type = "application/json", .body = one_span_json, .size = sizeof one_span_json - 1};
    for (int i = 0; i < 50; i++) {
        assert_accepted(span_post());
        assert_accepted(json);
    }
    assert_int_equal(counts().requests, 100);
    assert_string_equal(otk_receiver_request(rx, 0)->peer, otk_receiver_request(rx, 99)->peer);
}

/* RX-HTTP-07: who would rather speak HTTP/2 stays with 1.1 and delivers. */
static void test_upgrade_to_http_2_is_passed_over(void **state)
{
    (void)state;
    struct post p = span_post();
    p.extra = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n";
    assert_accepted(p);
    assert_string_equal(otk_receiver_request(rx, 0)->http_version, "HTTP/1.1");
    assert_string_equal(otk_headers_get(&otk_receiver_request(rx, 0)->headers, "upgrade"), "h2c");
}

/* RX-HTTP-17 */
static void test_header_names_have_no_case(void **state)
{
    (void)state;
    struct response r;
    client_print(&c,
                 "POST /v1/traces HTTP/1.1\r\nhOST: x\r\ncontent-type: application/x-protobuf\r\n"
                 "CONTENT-ENCODING: identity\r\ncontent-LENGTH: %zu\r\n\r\n",
                 sizeof one_span);
    client_send(&c, one_span, sizeof one_span);
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 200);
    response_clear(&r);
    assert_int_equal(counts().spans, 1);
}

/* RX-HTTP-17: curl asks so before bodies of a megabyte and more. */
static void test_large_body_follows_its_100_continue(void **state)
{
    (void)state;
    struct response r;
    struct otk_buffer body = OTK_BUFFER_INIT((size_t)4 << 20);
    otk_receiver *large = otk_receiver_start(NULL, NULL);
    struct client one = client_open(otk_receiver_port(large));
    char *name = calloc(1, (size_t)2 << 20);
    otk_write_bytes(&body, 999, name, (size_t)2 << 20);
    client_print(&one,
                 "POST /v1/traces HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                 "Content-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                 body.size);
    assert_true(client_read(&one, &r));
    assert_int_equal(r.status, 100);
    assert_true(client_send(&one, body.data, body.size));
    assert_true(client_read(&one, &r));
    assert_int_equal(r.status, 200);
    assert_int_equal(otk_receiver_request(large, 0)->body.size, body.size);
    client_close(&one);
    otk_receiver_stop(large);
    otk_buffer_clear(&body);
    free(name);
}

/* ---- Refused --------------------------------------------------------- */

/* RX-HTTP-05 (profiles are not received), RX-HTTP-16, RX-RESP-10 */
static void test_wrong_paths_say_which_path_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *target, *says;
    } cases[] = {
        {"/", "/v1/traces, /v1/metrics or /v1/logs"},
        {"/v1/trace", "POST traces to /v1/traces"},
        {"/v1/traces/", "/v1/traces"},
        {"/v1/traces/v1/traces", "the base endpoint must end before /v1/traces"},
        {"/v1/metric", "POST metrics to /v1/metrics"},
        {"/api/logs", "POST logs to /v1/logs"},
        {"/v1development/profiles", "profiles are not received"},
        {"/v1/profiles", "profiles are not received"},
        {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", "gRPC"},
        {"/nothing", "POST to /v1/traces, /v1/metrics or /v1/logs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct post p = span_post();
        p.target = cases[i].target;
        assert_refused(p, 404, cases[i].says);
    }
}

/* RX-HTTP-01, RX-HTTP-15, RX-RESP-10 */
static void test_other_methods_get_405_with_allow(void **state)
{
    (void)state;
    const char *const methods[] = {"GET", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < 5; i++) {
        struct response r = client_post(&c, (struct post){.method = methods[i], .body = ""});
        assert_int_equal(r.status, 405);
        assert_string_equal(response_header(&r, "Allow"), "POST");
        response_clear(&r);
        assert_refused((struct post){.method = methods[i], .body = ""}, 405, "telemetry arrives by POST");
    }
}

/* RX-HTTP-14, RX-RESP-11 */
static void test_other_content_types_get_415_as_json(void **state)
{
    (void)state;
    const char *const types[] = {"text/plain", "", "application/protobuf", "application/jsonx", "application/grpc"};
    for (size_t i = 0; i < 5; i++) {
        struct post p = span_post();
        p.type = types[i];
        assert_refused(p, 415, "send application/x-protobuf or application/json");
    }
}

/* RX-ENC-04 */
static void test_unknown_coding_gets_415_and_is_told_the_known_ones(void **state)
{
    (void)state;
    struct post p = span_post();
    p.coding = "br";
    struct response r = client_post(&c, p);
    assert_string_equal(response_header(&r, "Accept-Encoding"), "gzip, deflate, zstd, identity");
    response_clear(&r);
    assert_refused(p, 415, "Content-Encoding br is not known");
}

/* RX-ENC-06 */
static void test_broken_gzip_gets_400(void **state)
{
    (void)state;
    struct otk_buffer gzip = OTK_BUFFER_INIT(4096);
    assert_int_equal(otk_gzip(&gzip, one_span, sizeof one_span), 0);
    assert_refused((struct post){.coding = "gzip", .body = gzip.data, .size = gzip.size - 4}, 400, "truncated");
    gzip.data[12] ^= 0xff;
    assert_refused((struct post){.coding = "gzip", .body = gzip.data, .size = gzip.size}, 400, "cannot be inflated");
    assert_refused((struct post){.coding = "gzip", .body = ""}, 400, "truncated");
    otk_buffer_clear(&gzip);
}

/* RX-ENC-02 */
static void test_gzip_without_its_header_gets_400_with_the_hint(void **state)
{
    (void)state;
    struct otk_buffer gzip = OTK_BUFFER_INIT(4096);
    assert_int_equal(otk_gzip(&gzip, one_span, sizeof one_span), 0);
    assert_refused((struct post){.body = gzip.data, .size = gzip.size}, 400, "looks like gzip");
    otk_buffer_clear(&gzip);
}

/* RX-RESP-13, RX-RESP-15, RX-RESP-16, RX-HTTP-21, RX-PB-12, RX-PB-13 */
static void test_bad_protobuf_gets_400_naming_field_and_byte(void **state)
{
    (void)state;
    uint8_t broken[sizeof one_span];
    memcpy(broken, one_span, sizeof broken);
    broken[8] = 0xff;
    struct post p = {.body = broken, .size = sizeof broken};
    assert_refused(p, 400, "resourceSpans[0].scopeSpans[0].spans[0].name");
    assert_refused((struct post){.body = one_span, .size = sizeof one_span - 1}, 400, "at byte");

    struct response r = client_post(&c, p);
    json_t *status = status_of(&r);
    json_t *detail = json_array_get(json_object_get(status, "details"), 0);
    json_t *violation = json_array_get(json_object_get(detail, "fieldViolations"), 0);
    assert_int_equal(json_integer_value(json_object_get(status, "code")), 3);
    assert_string_equal(json_string_value(json_object_get(detail, "@type")),
                        "type.googleapis.com/google.rpc.BadRequest");
    assert_string_equal(json_string_value(json_object_get(violation, "field")),
                        "resourceSpans[0].scopeSpans[0].spans[0].name");
    json_decref(status);
    response_clear(&r);
}

/* RX-RESP-15, RX-JSON-21 */
static void test_bad_json_gets_400(void **state)
{
    (void)state;
    const char *const bodies[] = {"1234", "[]", "", "{\"resourceSpans\":", "{\"resourceSpans\":7}"};
    for (size_t i = 0; i < 5; i++) {
        struct post p = {.type = "application/json", .body = bodies[i], .size = strlen(bodies[i])};
        assert_refused(p, 400, "");
    }
}

/* A client's bytes in our sentences stay text: a Status with bad UTF-8 would itself be undecodable. */
static void test_hostile_names_do_not_spoil_the_status(void **state)
{
    (void)state;
    struct post p = span_post();
    p.target = "/v1/tr\xff\xfe";
    assert_refused(p, 404, "no such path: /v1/tr??");
    p = span_post();
    p.type = "te\xc3t/\x01x";
    assert_refused(p, 415, "te?t/?x");
}

/* resourceMetrics[0].scopeMetrics[0].metrics[0] named "requests", with unit and description. */
static size_t write_metric(uint8_t *out)
{
    static const uint8_t metric[] = {0x0a, 22,  0x12, 20,  0x12, 18, 0x0a, 8,   'r', 'e',  'q', 'u',
                                     'e',  's', 't',  's', 0x12, 3,  'a',  'l', 'l', 0x1a, 1,   '1'};
    memcpy(out, metric, sizeof metric);
    return sizeof metric;
}

static void test_body_of_another_signal_is_told_its_path(void **state)
{
    (void)state;
    uint8_t metric[64];
    struct post p = {.body = metric, .size = write_metric(metric)};
    assert_refused(p, 400, "this looks like a metrics request: POST it to /v1/metrics");
    const char json[] = "{\"resourceLogs\":[]}";
    p = (struct post){.type = "application/json", .body = json, .size = sizeof json - 1};
    assert_refused(p, 400, "this looks like a logs request: POST it to /v1/logs");
}

/* RX-ENC-10, RX-RESP-09, RX-RESP-10, RX-RESP-17: none of these is a code on which a client tries again. */
static void test_every_refusal_is_a_status_in_the_encoding_of_the_request(void **state)
{
    static const char *const types[] = {"application/x-protobuf", "application/json"};
    const struct {
        struct post post;
        unsigned status;
    } cases[] = {
        {{.body = "\x0a", .size = 1}, 400},        {{.coding = "gzip", .body = "{}", .size = 2}, 400},
        {{.target = "/v1/span", .body = ""}, 404}, {{.method = "PUT", .body = ""}, 405},
        {{.coding = "br", .body = ""}, 415},       {{.extra = "X-Not: this\r\n", .body = "\xff\xff", .size = 2}, 400},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t t = 0; t < 2; t++) {
            struct post p = cases[i].post;
            p.type = types[t];
            struct response r = client_post(&c, p);
            json_t *status = status_of(&r);
            assert_int_equal(r.status, cases[i].status);
            assert_string_equal(response_header(&r, "Content-Type"), types[t]);
            assert_true(*json_string_value(json_object_get(status, "message")));
            json_decref(status);
            response_clear(&r);
        }
}

/* RX-ENC-10, RX-RESP-10 */
static void test_413_is_a_status_in_the_encoding_of_the_request(void **state)
{
    static const char *const types[] = {"application/x-protobuf", "application/json"};
    (void)state;
    for (size_t t = 0; t < 2; t++) {
        struct response r;
        struct client one = client_open(otk_receiver_port(rx));
        client_print(&one, "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
                     types[t], LIMIT + 1);
        assert_true(client_read(&one, &r));
        json_t *status = status_of(&r);
        assert_int_equal(r.status, 413);
        assert_string_equal(response_header(&r, "Content-Type"), types[t]);
        json_decref(status);
        response_clear(&r);
        client_close(&one);
    }
}

/* RX-PB-16, RX-LIM-02: by default 64 MiB is the end, long before what a length of 32 bits could hold. */
static void test_64_mib_and_one_byte_is_too_much_by_default(void **state)
{
    static const char *const sizes[] = {"67108865", "3221225472", "18446744073709551615"};
    (void)state;
    otk_receiver *usual = otk_receiver_start(NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        struct response r;
        struct client one = client_open(otk_receiver_port(usual));
        client_print(&one,
                     "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     "Content-Length: %s\r\n\r\n",
                     sizes[i]);
        assert_true(client_read(&one, &r));
        assert_int_equal(r.status, 413);
        response_clear(&r);
        client_close(&one);
    }
    otk_receiver_stop(usual);
}

/* RX-RESP-20, RX-LIM-02 */
static void test_announced_body_over_the_limit_gets_413_at_once(void **state)
{
    (void)state;
    struct response r;
    client_print(&c,
                 "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                 "Content-Length: %d\r\n\r\n",
                 LIMIT + 1);
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 413);
    assert_string_equal(response_header(&r, "Connection"), "close");
    json_t *status = status_of(&r);
    assert_non_null(strstr(json_string_value(json_object_get(status, "message")), "larger than 65536 bytes"));
    json_decref(status);
    response_clear(&r);
    assert_int_equal(counts().refused, 1);
    assert_int_equal(otk_receiver_request(rx, 0)->status, 413);
}

/* The answer survives although the client sends all of its body first. */
static void test_client_that_sends_on_still_reads_its_413(void **state)
{
    (void)state;
    enum { SIZE = 8 << 20 };
    struct response r;
    char *body = calloc(1, SIZE);
    client_print(&c,
                 "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
                 SIZE);
    assert_true(client_send(&c, body, SIZE));
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 413);
    assert_string_equal(response_header(&r, "Content-Type"), "application/json");
    response_clear(&r);
    free(body);
}

/* RX-RESP-20, RX-LIM-03 */
static void test_chunked_body_over_the_limit_gets_413_and_is_kept_up_to_it(void **state)
{
    (void)state;
    struct response r;
    char block[4096] = {0};
    client_print(&c, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i <= LIMIT / sizeof block; i++)
        if (!client_print(&c, "1000\r\n") || !client_send(&c, block, sizeof block) || !client_print(&c, "\r\n"))
            break;
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 413);
    response_clear(&r);
    assert_int_equal(otk_receiver_request(rx, 0)->body.size, LIMIT);
    assert_true(otk_receiver_request(rx, 0)->body_size > LIMIT);
}

/* RX-LIM-02 */
static void test_body_of_exactly_the_limit_is_read(void **state)
{
    (void)state;
    struct otk_buffer body = OTK_BUFFER_INIT(1 << 20);
    char text[LIMIT] = {0};
    memset(text, 'x', sizeof text);
    otk_write_bytes(&body, 999, text, LIMIT - 5);
    assert_int_equal(body.size, LIMIT);
    struct response r = client_post(&c, (struct post){.body = body.data, .size = body.size});
    assert_int_equal(r.status, 200);
    assert_int_equal(otk_receiver_request(rx, 0)->unknown_field_count, 1);
    assert_non_null(strstr(otk_receiver_request(rx, 0)->notes, "1 unknown field"));
    response_clear(&r);
    otk_buffer_clear(&body);
}

/* RX-RESP-20, RX-LIM-01 */
static void test_body_that_inflates_over_the_limit_gets_413(void **state)
{
    (void)state;
    struct otk_buffer gzip = OTK_BUFFER_INIT(1 << 20);
    char *zeros = calloc(1, 1 << 24);
    assert_int_equal(otk_gzip(&gzip, zeros, 1 << 24), 0);
    assert_true(gzip.size < LIMIT);
    assert_refused((struct post){.coding = "gzip", .body = gzip.data, .size = gzip.size}, 413, "inflates to more than");
    otk_buffer_clear(&gzip);
    free(zeros);
}

/* ---- Pages of the receiver itself ------------------------------------ */

static void test_info_answers_what_logfire_asks(void **state)
{
    (void)state;
    struct response r = client_post(&c, (struct post){.method = "GET", .target = "/v1/info", .type = "", .body = ""});
    json_t *info = json_loadb((const char *)r.body.data, r.body.size, 0, NULL);
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "Content-Type"), "application/json");
    assert_string_equal(json_string_value(json_object_get(info, "project_url")), otk_receiver_url(rx));
    assert_non_null(json_object_get(info, "project_name"));
    json_decref(info);
    response_clear(&r);
    assert_int_equal(counts().requests, 0);
}

static void test_health_is_told_and_kept_out_of_the_captures(void **state)
{
    (void)state;
    struct response r =
        client_post(&c, (struct post){.method = "GET", .target = "/healthz?x=1", .type = "", .body = ""});
    assert_int_equal(r.status, 200);
    response_clear(&r);
    r = client_post(&c, (struct post){.target = "/healthz", .body = ""});
    assert_int_equal(r.status, 405);
    assert_string_equal(response_header(&r, "Allow"), "GET, HEAD");
    response_clear(&r);
    assert_int_equal(counts().requests, 0);
}

/* ---- Connections ----------------------------------------------------- */

static void test_request_cut_off_by_the_client_is_kept_with_the_reason(void **state)
{
    (void)state;
    struct response r;
    client_print(&c, "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
                     "Expect: 100-continue\r\n\r\n");
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 100);
    shutdown(c.fd, SHUT_WR);
    assert_int_equal(otk_receiver_wait_requests(rx, 1, PATIENCE_MS), 0);
    const otk_capture *kept = otk_receiver_request(rx, 0);
    assert_int_equal(kept->status, 0);
    assert_int_equal(kept->body.size, 0);
    assert_int_equal(kept->signal, OTK_SIGNAL_LOGS);
    assert_non_null(strstr(kept->reason, "after 0 bytes of body"));
    assert_int_equal(counts().refused, 1);
}

/* The end of the connection arrives together with the last bytes, or right behind them. */
static void test_bytes_with_the_end_behind_them_are_kept_at_once(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 20; i++) {
        struct client one = client_open(otk_receiver_port(rx));
        client_print(&one, "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{\"re");
        shutdown(one.fd, SHUT_WR);
        assert_int_equal(otk_receiver_wait_requests(rx, i, PATIENCE_MS), 0);
        assert_int_equal(otk_receiver_request(rx, i - 1)->body.size, 4);
        client_close(&one);
    }
}

static void test_client_that_only_closes_its_side_gets_its_answer(void **state)
{
    (void)state;
    struct response r;
    client_print(
        &c, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    shutdown(c.fd, SHUT_WR);
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 200);
    response_clear(&r);
    assert_true(client_sees_end(&c));
}

/* RX-LIM-05 */
static void test_request_that_dawdles_gets_408(void **state)
{
    (void)state;
    struct response r;
    otk_receiver_options own = OTK_RECEIVER_OPTIONS_INIT;
    own.timeout_ms = 200;
    otk_receiver *hasty = otk_receiver_start(&own, NULL);
    struct client slow = client_open(otk_receiver_port(hasty));
    client_print(&slow,
                 "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
    assert_true(client_read(&slow, &r));
    assert_int_equal(r.status, 408);
    response_clear(&r);
    assert_true(client_sees_end(&slow));
    assert_int_equal(otk_receiver_request(hasty, 0)->status, 408);
    client_close(&slow);
    otk_receiver_stop(hasty);
}

/* RX-LIM-05 */
static void test_idle_and_half_spoken_connections_are_closed_in_time(void **state)
{
    (void)state;
    otk_receiver_options own = OTK_RECEIVER_OPTIONS_INIT;
    own.timeout_ms = 100;
    otk_receiver *hasty = otk_receiver_start(&own, NULL);
    struct client idle = client_open(otk_receiver_port(hasty));
    struct client mute = client_open(otk_receiver_port(hasty));
    struct client header = client_open(otk_receiver_port(hasty));
    client_print(&mute, "POST /v1/tra");
    client_print(&header, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nCont");
    assert_true(client_sees_end(&idle));
    assert_true(client_sees_end(&mute));
    assert_true(client_sees_end(&header));
    client_close(&idle);
    client_close(&mute);
    client_close(&header);
    otk_receiver_stop(hasty);
}

static void say(const char *bytes, size_t size)
{
    struct client one = client_open(otk_receiver_port(rx));
    assert_true(client_send(&one, bytes, size));
    shutdown(one.fd, SHUT_WR);
    assert_true(client_sees_end(&one));
    client_close(&one);
}

#define SAY(bytes) say(bytes, sizeof bytes - 1)

static void test_connections_without_a_request_are_counted(void **state)
{
    (void)state;
    SAY("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"); /* gRPC: HTTP/2 with prior knowledge */
    SAY("\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03 a ClientHello of TLS");
    SAY("\x16\x03\x01\x00\x2f\x01\n\x00\x00 one that looks like lines\r\n\r\n");
    SAY("POST /v1/traces HTTP/1.1\r\nHost: x\r\nCont");
    otk_receiver_close(rx);
    assert_int_equal(counts().unreadable_connections, 4);
    assert_int_equal(counts().grpc_connections, 1);
    assert_int_equal(counts().tls_connections, 2);
    otk_report *lost = otk_expect_nothing_lost(rx);
    assert_non_null(lost);
    assert_non_null(strstr(otk_report_text(lost), "UNREADABLE: 4 connections without an HTTP/1.1 request\n"
                                                  "  1 spoke gRPC, over HTTP/2: set OTEL_EXPORTER_OTLP_PROTOCOL"
                                                  "=http/protobuf\n"
                                                  "  2 spoke TLS: let the endpoint begin with http://, not https://\n"
                                                  "  1 sent something else, or not the whole head of a request\n"));
    assert_non_null(strstr(otk_report_json(lost), "\"unreadableConnections\":4,\"grpcConnections\":1,"
                                                  "\"tlsConnections\":2"));
    otk_report_free(lost);
}

/* While they still wait for an answer: the time of a request is a minute. */
static void test_grpc_and_tls_are_sent_away_at_once_and_noticed_once(void **state)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", hello[] = "\x16\x03\x01\x02\x00\x01";
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct client one = client_open(otk_receiver_port(rx));
        assert_true(client_print(&one, "%s", i % 2 ? hello : preface));
        assert_true(client_sees_end(&one));
        client_close(&one);
    }
    assert_accepted(span_post());
    otk_receiver_close(rx);
    assert_int_equal(counts().grpc_connections, 3);
    assert_int_equal(counts().unreadable_connections, 6);
    assert_string_equal(notices, "a client spoke gRPC, over HTTP/2: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
                                 "a client spoke TLS: let the endpoint begin with http://, not https://");
}

static void test_connections_that_say_nothing_or_all_are_not_counted_as_unreadable(void **state)
{
    (void)state;
    SAY("");
    assert_accepted(span_post());
    SAY("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    SAY("POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
    otk_receiver_close(rx);
    assert_int_equal(counts().unreadable_connections, 0);
}

/* RX-HTTP-12 */
static void test_more_connections_than_allowed_wait_their_turn(void **state)
{
    (void)state;
    otk_receiver_options own = OTK_RECEIVER_OPTIONS_INIT;
    own.max_connections = 2;
    own.timeout_ms = 300;
    otk_receiver *small = otk_receiver_start(&own, NULL);
    struct client all[6];
    for (size_t i = 0; i < 6; i++) {
        all[i] = client_open(otk_receiver_port(small));
        client_print(&all[i], "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                              "Content-Length: 2\r\n\r\n{}");
    }
    for (size_t i = 0; i < 6; i++) {
        struct response r;
        assert_true(client_read(&all[i], &r));
        assert_int_equal(r.status, 200);
        response_clear(&r);
    }
    for (size_t i = 0; i < 6; i++)
        client_close(&all[i]);
    otk_receiver_stop(small);
}

static void test_silent_connections_make_room_for_one_that_speaks(void **state)
{
    (void)state;
    otk_receiver_options own = OTK_RECEIVER_OPTIONS_INIT;
    struct client silent[2], one;
    own.max_connections = 2;
    otk_receiver *small = otk_receiver_start(&own, NULL);
    for (size_t i = 0; i < 2; i++)
        silent[i] = client_open(otk_receiver_port(small));
    one = client_open(otk_receiver_port(small));
    struct response r = client_post(&one, span_post());
    assert_int_equal(r.status, 200);
    response_clear(&r);
    assert_true(client_sees_end(&silent[0]));
    for (size_t i = 0; i < 2; i++)
        client_close(&silent[i]);
    client_close(&one);
    otk_receiver_stop(small);
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, start_limited, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(protobuf_gets_an_empty_protobuf_answer),
        test(json_gets_an_empty_object),
        test(requests_without_telemetry_succeed),
        test(content_type_is_matched_without_case_and_parameters),
        test(codings_are_undone),
        test(absolute_form_and_query_reach_the_path),
        test(expect_is_answered_with_continue),
        test(chunks_of_one_byte_are_joined),
        test(one_connection_carries_many_requests),
        test(upgrade_to_http_2_is_passed_over),
        test(header_names_have_no_case),
        test(large_body_follows_its_100_continue),
        test(wrong_paths_say_which_path_was_meant),
        test(other_methods_get_405_with_allow),
        test(other_content_types_get_415_as_json),
        test(unknown_coding_gets_415_and_is_told_the_known_ones),
        test(broken_gzip_gets_400),
        test(gzip_without_its_header_gets_400_with_the_hint),
        test(bad_protobuf_gets_400_naming_field_and_byte),
        test(bad_json_gets_400),
        test(hostile_names_do_not_spoil_the_status),
        test(body_of_another_signal_is_told_its_path),
        test(every_refusal_is_a_status_in_the_encoding_of_the_request),
        test(413_is_a_status_in_the_encoding_of_the_request),
        test(64_mib_and_one_byte_is_too_much_by_default),
        test(announced_body_over_the_limit_gets_413_at_once),
        test(client_that_sends_on_still_reads_its_413),
        test(chunked_body_over_the_limit_gets_413_and_is_kept_up_to_it),
        test(body_of_exactly_the_limit_is_read),
        test(body_that_inflates_over_the_limit_gets_413),
        test(info_answers_what_logfire_asks),
        test(health_is_told_and_kept_out_of_the_captures),
        test(request_cut_off_by_the_client_is_kept_with_the_reason),
        test(bytes_with_the_end_behind_them_are_kept_at_once),
        test(client_that_only_closes_its_side_gets_its_answer),
        test(request_that_dawdles_gets_408),
        test(idle_and_half_spoken_connections_are_closed_in_time),
        test(connections_without_a_request_are_counted),
        test(grpc_and_tls_are_sent_away_at_once_and_noticed_once),
        test(connections_that_say_nothing_or_all_are_not_counted_as_unreadable),
        test(more_connections_than_allowed_wait_their_turn),
        test(silent_connections_make_room_for_one_that_speaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
