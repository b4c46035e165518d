/* What a receiver's options make of its answers. */
#include "served.h"

#include "accept.h"
#include "cors.h"

#include <jansson.h>
#include <stdio.h>

static const uint8_t one_span[] = {0x0a, 7, 0x12, 5, 0x12, 3, 0x2a, 1, 'a'};

static struct response r;

static int stop_and_forget(void **state)
{
    response_clear(&r);
    return stop(state);
}

static void post(struct post p)
{
    response_clear(&r);
    r = client_post(&c, p);
}

static void post_json(const char *target, const char *json)
{
    post((struct post){.target = target, .type = "application/json", .body = json, .size = strlen(json)});
}

static void post_span_with(const char *headers)
{
    post((struct post){.extra = headers, .body = one_span, .size = sizeof one_span});
}

static void assert_header(const char *name, const char *expected)
{
    const char *value = response_header(&r, name);
    if (!expected)
        assert_null(value);
    else if (!value || strcmp(value, expected) != 0)
        fail_msg("%s: %s instead of %s", name, value ? value : "(none)", expected);
}

static void assert_status(unsigned status, const char *says)
{
    json_t *body = response_message(&r, OTK_MESSAGE_STATUS);
    const char *message = json_string_value(json_object_get(body, "message"));
    assert_int_equal(r.status, status);
    if (!message || !strstr(message, says))
        fail_msg("%s does not say: %s", message ? message : "(no message)", says);
    json_decref(body);
}

static void assert_impossible(const char *message)
{
    otk_error error;
    assert_null(otk_receiver_start(&options, &error));
    assert_int_equal(error.code, OTK_EINVAL);
    assert_string_equal(error.message, message);
}

/* ---- Compressed answers ---------------------------------------------- */

static void test_accept_encoding_is_weighed(void **state)
{
    static const struct {
        const char *list;
        bool gzip;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZIP", true},
        {"x-gzip", true},
        {"deflate, gzip;q=1.0, *;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip;q=0.000", false},
        {"gzip ; q=0.001", true},
        {"gzip;Q=0", false},
        {"gzip;q=x", false},
        {"*", true},
        {"*;q=0", false},
        {"gzip;q=0, *", false},
        {"*;q=0, gzip", true},
        {"br, deflate", false},
        {"identity;q=0.5, gzip;q=0.4", false},
        {"identity;q=0.5, gzip;q=0.6", true},
        {"gzipped", false},
        {",,;q=1,", false},
        {"gzip;level=9;q=0", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (otk_accepts_gzip(cases[i].list) != cases[i].gzip)
            fail_msg("Accept-Encoding: %s", cases[i].list);
}

/* A path so long that what is said of it is worth compressing. */
static void post_to_a_long_path(const char *headers)
{
    char target[256] = "/";
    memset(target + 1, 'x', 200);
    post((struct post){.target = target, .extra = headers, .body = ""});
}

/* RX-ENC-11 */
static void test_answers_are_compressed_for_those_who_ask(void **state)
{
    (void)state;
    start();
    post_to_a_long_path("Accept-Encoding: deflate, gzip;q=0.5\r\n");
    assert_header("Content-Encoding", "gzip");
    assert_header("Vary", "Accept-Encoding");
    assert_status(404, "no such path: /xxx");
    const otk_capture *kept = otk_receiver_request(rx, 0);
    assert_int_equal(kept->answer.size, r.body.size);
    assert_memory_equal(kept->answer.data, r.body.data, r.body.size);
    assert_string_equal(otk_headers_get(&kept->answer_headers, "Content-Encoding"), "gzip");

    const char *const plain[] = {"", "Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: br\r\n"};
    for (size_t i = 0; i < 3; i++) {
        post_to_a_long_path(plain[i]);
        assert_header("Content-Encoding", NULL);
        assert_status(404, "no such path: /xxx");
    }
}

/* RX-ENC-11: nothing, and two bytes, would only grow. */
static void test_success_stays_plain(void **state)
{
    (void)state;
    start();
    post_span_with("Accept-Encoding: gzip\r\n");
    assert_int_equal(r.status, 200);
    assert_header("Content-Encoding", NULL);
    assert_int_equal(r.body.size, 0);
}

/* ---- Browsers -------------------------------------------------------- */

static void test_origins_are_matched_whole_with_a_star_for_anything(void **state)
{
    static const struct {
        const char *list, *origin;
        bool allowed;
    } cases[] = {
        {NULL, "http://a", false},
        {"", "http://a", false},
        {"*", "http://a", true},
        {"*", "", false},
        {"*", "http://a\tb", false},
        {"http://a", "http://a", true},
        {"http://a", "HTTP://A", true},
        {"http://a", "http://ab", false},
        {"http://a", "https://a", false},
        {"http://b, http://a", "http://a", true},
        {"http://localhost:*", "http://localhost:3000", true},
        {"http://localhost:*", "http://localhost.example", false},
        {"https://*.example", "https://app.example", true},
        {"https://*.example", "https://.exampl", false},
        {"http://[::1]:3000", "http://[::1]:3000", true},
        {"null", "null", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (otk_cors_allows(cases[i].list, cases[i].origin) != cases[i].allowed)
            fail_msg("%s: %s", cases[i].list, cases[i].origin);
}

#define ASKS(origin) "Origin: " origin "\r\nAccess-Control-Request-Method: POST\r\n"

static void ask(const char *headers)
{
    post((struct post){.method = "OPTIONS", .target = "/v1/logs", .type = "", .extra = headers, .body = ""});
}

/* RX-HTTP-19 */
static void test_preflight_is_answered_when_its_origin_is_let_in(void **state)
{
    (void)state;
    options.cors_origins = "http://localhost:*,https://app.example";
    start();
    ask(ASKS("https://app.example") "Access-Control-Request-Headers: content-type,authorization,x-any\r\n");
    assert_int_equal(r.status, 204);
    assert_header("Access-Control-Allow-Origin", "https://app.example");
    assert_header("Access-Control-Allow-Methods", "POST");
    assert_header("Access-Control-Allow-Headers", "content-type,authorization,x-any");
    assert_header("Access-Control-Allow-Credentials", "true");
    assert_header("Access-Control-Max-Age", "600");
    assert_header("Vary", "Origin");
    assert_int_equal(counts().requests, 0);

    ask(ASKS("http://localhost:3000") "Access-Control-Request-Headers: a\tb\r\n");
    assert_int_equal(r.status, 204);
    assert_header("Access-Control-Allow-Origin", "http://localhost:3000");
    assert_header("Access-Control-Allow-Headers", NULL);
}

/* RX-HTTP-19 */
static void test_preflight_of_a_stranger_gets_403_and_is_kept(void **state)
{
    (void)state;
    options.cors_origins = "https://app.example";
    start();
    ask(ASKS("https://evil.example"));
    assert_header("Access-Control-Allow-Origin", NULL);
    assert_status(403, "the origin https://evil.example is not among those that are let in by cors_origins: https://app.example");
    assert_int_equal(counts().refused, 1);
}

/* RX-HTTP-19, RX-HTTP-15 */
static void test_without_the_option_there_is_no_cors(void **state)
{
    (void)state;
    start();
    ask(ASKS("https://app.example"));
    assert_header("Allow", "POST");
    assert_header("Access-Control-Allow-Origin", NULL);
    assert_status(405, "POST");
    post_span_with("Origin: https://app.example\r\n");
    assert_int_equal(r.status, 200);
    assert_header("Access-Control-Allow-Origin", NULL);
}

/* RX-HTTP-19: scripts may read what they are told, refusals too. */
static void test_answers_to_scripts_carry_their_origin(void **state)
{
    (void)state;
    options.cors_origins = "*";
    start();
    post_span_with("Origin: https://app.example\r\n");
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.size, 0);
    assert_header("Access-Control-Allow-Origin", "https://app.example");
    assert_header("Access-Control-Expose-Headers", "Retry-After");
    post((struct post){.extra = "Origin: https://app.example\r\n", .body = "x", .size = 1});
    assert_int_equal(r.status, 400);
    assert_header("Access-Control-Allow-Origin", "https://app.example");
    post_span_with("");
    assert_header("Access-Control-Allow-Origin", NULL);
    assert_int_equal(counts().spans, 2);
}

/* ---- Authorization --------------------------------------------------- */

/* RX-HTTP-18, RX-RESP-10, RX-RESP-17: 401 is none that a client tries again. */
static void test_only_the_token_lets_in(void **state)
{
    (void)state;
    const char *const wrong[] = {"Authorization: Bearer secre\r\n", "Authorization: Bearer secrets\r\n",
                                 "Authorization: bearer secret\r\n", "Authorization: \r\n"};
    options.authorization = "Bearer secret";
    start();
    post_span_with("authorization: Bearer secret\r\n");
    assert_int_equal(r.status, 200);
    post_span_with("");
    assert_status(401, "the Authorization header is missing");
    assert_header("WWW-Authenticate", "Bearer realm=\"otlpkit\"");
    for (size_t i = 0; i < 4; i++) {
        post_span_with(wrong[i]);
        assert_status(401, "Authorization");
    }
    assert_int_equal(counts().spans, 1);
    assert_int_equal(counts().refused, 5);
    assert_int_equal(otk_receiver_request(rx, 1)->body.size, sizeof one_span);
}

static void get(const char *target, const char *headers)
{
    post((struct post){.method = "GET", .target = target, .type = "", .extra = headers, .body = ""});
}

/* RX-HTTP-18: Logfire asks there whether its token is right. */
static void test_the_token_guards_the_info_page_too(void **state)
{
    (void)state;
    options.authorization = "pylf_v1_local";
    start();
    get("/v1/info", "Authorization: pylf_v1_local\r\n");
    assert_int_equal(r.status, 200);
    get("/v1/info", "Authorization: other\r\n");
    assert_status(401, "is not the one");
    get("/healthz", "");
    assert_int_equal(r.status, 200);
}

static void test_the_challenge_names_the_scheme_that_is_asked_for(void **state)
{
    (void)state;
    options.authorization = "Basic dXNlcjpwYXNz";
    start();
    post_span_with("");
    assert_header("WWW-Authenticate", "Basic realm=\"otlpkit\"");
}

static void test_browsers_ask_without_a_token(void **state)
{
    (void)state;
    options.authorization = "Bearer secret";
    options.cors_origins = "*";
    start();
    ask(ASKS("http://a"));
    assert_int_equal(r.status, 204);
    post_span_with("Origin: http://a\r\n");
    assert_status(401, "missing");
    assert_header("Access-Control-Allow-Origin", "http://a");
}

/* ---- Paths ----------------------------------------------------------- */

/* RX-HTTP-06 */
static void test_further_paths_take_telemetry(void **state)
{
    (void)state;
    const otk_path paths[] = {{"/custom", OTK_SIGNAL_TRACES}, {"/api/v2/otlp/logs", OTK_SIGNAL_LOGS}};
    options.paths = paths;
    options.path_count = 2;
    start();
    post((struct post){.target = "/custom?a=b", .body = one_span, .size = sizeof one_span});
    assert_int_equal(r.status, 200);
    post_json("/api/v2/otlp/logs", "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{}]}]}]}");
    assert_int_equal(r.status, 200);
    post_span_with("");
    assert_int_equal(r.status, 200);
    post_json("/customs", "{}");
    assert_int_equal(r.status, 404);
    assert_int_equal(counts().spans, 2);
    assert_int_equal(counts().log_records, 1);
}

static void test_options_that_cannot_be_are_told(void **state)
{
    otk_path path = {"custom", OTK_SIGNAL_TRACES};
    (void)state;
    options.paths = &path;
    options.path_count = 1;
    assert_impossible("the path 'custom' cannot be: it takes a / in front, and no query");
    path.path = "/a?b";
    assert_impossible("the path '/a?b' cannot be: it takes a / in front, and no query");
    path.path = "/healthz";
    assert_impossible("the path '/healthz' is a page of the receiver itself");
    path.path = "/v1/logs";
    assert_impossible("the path '/v1/logs' is already taken by another signal");
    path = (otk_path){"/x", (otk_signal)7};
    assert_impossible("the path '/x' is of no signal");
    options.path_count = 0;
    options.authorization = "";
    assert_impossible("the authorization '' cannot be: it is empty or more than a line");
    options.authorization = NULL;
    options.max_response_bytes = 0;
    assert_impossible("max_request_bytes, max_response_bytes, max_connections and timeout_ms must not be 0");
}

/* ---- Strict ---------------------------------------------------------- */

#define GOOD_POINT "{\"timeUnixNano\":\"1\",\"asInt\":\"1\"}"
#define METRICS(points)                                                                                                \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":{\"dataPoints\":[" points        \
    "]}}]}]}]}"

static json_t *partial_success(otk_signal signal)
{
    json_t *body = response_message(&r, (enum otk_message_id)(OTK_MESSAGE_TRACES_RESPONSE + (int)signal));
    json_t *partial = json_incref(json_object_get(body, "partialSuccess"));
    assert_int_equal(r.status, 200);
    json_decref(body);
    return partial;
}

/* RX-RESP-04, RX-RESP-05, RX-RESP-06, RX-SEM-13, RX-SEM-14 */
static void test_strict_rejects_some_and_keeps_all(void **state)
{
    (void)state;
    options.strict = true;
    start();
    post_json("/v1/metrics", METRICS(GOOD_POINT ",{\"asInt\":\"2\"},{\"timeUnixNano\":\"1\"},{}"));
    json_t *partial = partial_success(OTK_SIGNAL_METRICS);
    assert_string_equal(json_string_value(json_object_get(partial, "rejectedDataPoints")), "3");
    assert_non_null(strstr(json_string_value(json_object_get(partial, "errorMessage")), "2 with time_unix_nano 0"));
    json_decref(partial);
    const otk_capture *kept = otk_receiver_request(rx, 0);
    assert_int_equal(kept->rejected_count, 3);
    assert_int_equal(kept->data_point_count, 4);
    assert_int_equal(otk_receiver_metric(rx, 0)->point_count, 4);
    assert_int_equal(counts().rejected, 3);
    assert_int_equal(counts().refused, 0);
    assert_int_equal(counts().data_points, 4);
    assert_non_null(strstr(kept->notes, "rejected 3 of 4 data points"));

    post_span_with("");
    partial = partial_success(OTK_SIGNAL_TRACES);
    assert_string_equal(json_string_value(json_object_get(partial, "rejectedSpans")), "1");
    json_decref(partial);
    post_json("/v1/logs", "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":25}]}]}]}");
    partial = partial_success(OTK_SIGNAL_LOGS);
    assert_string_equal(json_string_value(json_object_get(partial, "rejectedLogRecords")), "1");
    json_decref(partial);
    assert_int_equal(counts().rejected, 5);
}

/* RX-RESP-02, RX-RESP-08 */
static void test_strict_has_nothing_to_say_of_good_requests(void **state)
{
    (void)state;
    options.strict = true;
    start();
    post_json("/v1/metrics", METRICS(GOOD_POINT));
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.size, 2);
    post((struct post){.body = ""});
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.size, 0);
    assert_string_equal(otk_receiver_request(rx, 0)->notes, "");
}

/* RX-RESP-07 */
static void test_strict_warns_and_takes_it(void **state)
{
    (void)state;
    options.strict = true;
    start();
    post_json("/v1/metrics", METRICS("{\"timeUnixNano\":\"1\",\"asInt\":\"1\",\"future\":1}"));
    json_t *partial = partial_success(OTK_SIGNAL_METRICS);
    assert_null(json_object_get(partial, "rejectedDataPoints"));
    assert_non_null(strstr(json_string_value(json_object_get(partial, "errorMessage")), "unknown key \"future\""));
    json_decref(partial);
    assert_int_equal(counts().rejected, 0);
}

/* RX-SEM-13, RX-SEM-14: by default everything is taken, and shown as it is. */
static void test_without_strict_all_is_accepted(void **state)
{
    (void)state;
    start();
    post_json("/v1/metrics", METRICS("{}"));
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.size, 2);
    assert_int_equal(counts().rejected, 0);
}

/* RX-RESP-21, RX-RESP-22 */
static void test_answers_are_cut_to_the_limit(void **state)
{
    (void)state;
    options.strict = true;
    options.max_response_bytes = 70;
    start();
    post_json("/v1/metrics", METRICS("{}"));
    assert_in_range(r.body.size, 60, 70);
    json_t *partial = partial_success(OTK_SIGNAL_METRICS);
    assert_string_equal(json_string_value(json_object_get(partial, "rejectedDataPoints")), "1");
    assert_int_equal(strncmp(json_string_value(json_object_get(partial, "errorMessage")), "rej", 3), 0);
    json_decref(partial);
    post_json("/v1/nothing", "{}");
    assert_in_range(r.body.size, 60, 70);
    assert_status(404, "no such path");
}

/* RX-RESP-23 */
static void test_answer_that_cannot_fit_is_500(void **state)
{
    (void)state;
    options.strict = true;
    options.max_response_bytes = 1;
    start();
    post_span_with("");
    assert_int_equal(r.status, 500);
    assert_int_equal(r.body.size, 0);
    assert_non_null(strstr(otk_receiver_request(rx, 0)->reason, "max_response_bytes"));
    assert_int_equal(otk_receiver_request(rx, 0)->rejected_count, 0);
    assert_int_equal(counts().refused, 1);
    post((struct post){.body = ""});
    assert_int_equal(r.status, 200);
    post_json("/v1/traces", "{}");
    assert_int_equal(r.status, 500);
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, prepare, stop_and_forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(accept_encoding_is_weighed),
        test(answers_are_compressed_for_those_who_ask),
        test(success_stays_plain),
        test(origins_are_matched_whole_with_a_star_for_anything),
        test(preflight_is_answered_when_its_origin_is_let_in),
        test(preflight_of_a_stranger_gets_403_and_is_kept),
        test(without_the_option_there_is_no_cors),
        test(answers_to_scripts_carry_their_origin),
        test(only_the_token_lets_in),
        test(the_token_guards_the_info_page_too),
        test(the_challenge_names_the_scheme_that_is_asked_for),
        test(browsers_ask_without_a_token),
        test(further_paths_take_telemetry),
        test(options_that_cannot_be_are_told),
        test(strict_rejects_some_and_keeps_all),
        test(strict_has_nothing_to_say_of_good_requests),
        test(strict_warns_and_takes_it),
        test(without_strict_all_is_accepted),
        test(answers_are_cut_to_the_limit),
        test(answer_that_cannot_fit_is_500),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
