/* The asserts of <otlpkit/cmocka.h>, in both directions: cmocka_failing.c holds for each a test that passes and one that
 * fails, and what the latter prints is compared to the letter. */
#include "test.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define REPORT_MAX 8192

struct failure {
    const char *name;
    unsigned line; /* of shop.c, where the assert stands; 0: at the end of the test */
    const char *report;
};

static const struct failure failures[] = {
    {"seen", 10,
     "MISSING within 20 ms: { name = \"charge\" && status = error }\n"
     "  seen 0 times, wanted at least 1\n"
     "  nearest: span \"charge\" of \"shop\", request 1: status is ok, expected = error\n"
     "  nearest: span \"checkout\" of \"shop\", request 1: name is string \"checkout\", expected = string \"charge\"; "
     "status is unset, expected = error\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"count", 20,
     "TOO MANY: { }\n"
     "  seen 2 times, wanted exactly 1\n"
     "  newest: span \"charge\" of \"shop\", request 1\n"
     "  and:    span \"checkout\" of \"shop\", request 1\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 4 items that nothing asked for\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"at_least", 30,
     "MISSING within 20 ms: { }\n"
     "  seen 2 times, wanted at least 3\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 4 items that nothing asked for\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"at_most", 40,
     "TOO MANY: { }\n"
     "  seen 2 times, wanted at most 1\n"
     "  newest: span \"charge\" of \"shop\", request 1\n"
     "  and:    span \"checkout\" of \"shop\", request 1\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 4 items that nothing asked for\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"none", 50,
     "TOO MANY: { status = ok }\n"
     "  seen 1 time, wanted none\n"
     "  newest: span \"charge\" of \"shop\", request 1\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"none_for", 60,
     "TOO MANY: log{ severity >= WARN }\n"
     "  seen 1 time, wanted none, and nothing new for 5 ms\n"
     "  newest: log \"timeout\" of \"shop\", request 3\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"},
    {"nothing_for", 70,
     "MISSING within 20 ms: requests\n"
     "  seen 0 times, wanted none, and nothing new for 50 ms\n"
     "  the last one, request 3: POST /v1/logs, Content-Type application/json, Content-Encoding absent, answered with "
     "200\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"trace", 80,
     "MISSING within 20 ms: trace of { name = \"charge\" }\n"
     "  seen 0 complete of 1, wanted complete, with 3 spans\n"
     "  trace 0af7651916cd43dd8448eb211c80319c has 2 spans\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"sum", 90,
     "MISSING within 20 ms: sum of metric{ name = \"requests\" }\n"
     "  seen 3, in 1 point, wanted 4\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"gauge", 100,
     "MISSING within 20 ms: gauge of metric{ name = \"requests\" }\n"
     "  seen 1 point of another type, wanted 1.5\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"histogram_count", 110,
     "MISSING within 20 ms: histogram count of metric{ name = \"latency\" }\n"
     "  seen 10, in 1 point, wanted 9\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"histogram_sum", 120,
     "MISSING within 20 ms: histogram sum of metric{ name = \"latency\" }\n"
     "  seen 55.5, in 1 point, wanted 55\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"histogram_bucket", 130,
     "MISSING within 20 ms: bucket of 15 of metric{ name = \"latency\" }\n"
     "  seen 4, in 1 point, wanted 5\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"histogram_quantile", 140,
     "MISSING within 20 ms: quantile 0.99 of metric{ name = \"latency\" }\n"
     "  seen 30, in 1 point, wanted 10 to 20\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 5 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  log \"timeout\" of \"shop\", request 3\n"},
    {"temporality", 150,
     "MISSING within 20 ms: metric{ name = \"requests\" && temporality = delta }\n"
     "  seen 0 times, wanted at least 1\n"
     "  nearest: metric \"requests\" {route=\"/pay\"} of \"shop\", request 2: temporality is cumulative, expected = "
     "delta\n"
     "  nearest: metric \"latency\" of \"shop\", request 2: name is string \"latency\", expected = string "
     "\"requests\"\n"
     "  nearest: metric \"depth\" of \"shop\", request 2: name is string \"depth\", expected = string \"requests\"; "
     "temporality is unspecified, expected = delta\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"requests", 160,
     "MISSING within 20 ms: requests to /v1/traces with Content-Encoding identity\n"
     "  seen 1 time, wanted exactly 2\n"
     "  the last one, request 1: POST /v1/traces, Content-Type application/json, Content-Encoding absent, answered "
     "with 200\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"request", 170,
     "MISSING within 20 ms: requests to /v1/traces with Content-Encoding gzip\n"
     "  seen 0 times, wanted at least 1\n"
     "  the last one, request 1: POST /v1/traces, Content-Type application/json, Content-Encoding absent, answered "
     "with 200\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"nothing_lost", 180,
     "REFUSED: 1 of 4 requests\n"
     "  request 4: answered 400 to POST /v1/traces: resourceSpans[0]: '[' expected at byte 17 (from old-client/1)\n"
     "ARRIVED: 4 requests with 2 spans, 3 metrics, 1 log record\n"},
    {"span", 190,
     "MISSING within 20 ms: { name = \"refund\" }\n"
     "  seen 0 times, wanted at least 1\n"
     "  nearest: span \"checkout\" of \"shop\", request 1: name is string \"checkout\", expected = string \"refund\"\n"
     "  nearest: span \"charge\" of \"shop\", request 1: name is string \"charge\", expected = string \"refund\"\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"metric", 200, "{ name = \"checkout\" } does not select a metric: metric{ … }\n"},
    {"point", 210,
     "MISSING within 20 ms: metric{ name = \"latency\" && type = gauge }\n"
     "  seen 0 times, wanted at least 1\n"
     "  nearest: metric \"latency\" of \"shop\", request 2: type is histogram, expected = gauge\n"
     "  nearest: metric \"depth\" of \"shop\", request 2: name is string \"depth\", expected = string \"latency\"\n"
     "  nearest: metric \"requests\" {route=\"/pay\"} of \"shop\", request 2: name is string \"requests\", expected = "
     "string \"latency\"; type is sum, expected = gauge\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"log", 220,
     "MISSING within 20 ms: log{ severity = INFO }\n"
     "  seen 0 times, wanted at least 1\n"
     "  nearest: log \"timeout\" of \"shop\", request 3: severity is WARN, expected = INFO\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"get_request", 230,
     "MISSING within 20 ms: requests to /v1/traces with Content-Encoding gzip\n"
     "  seen 0 times, wanted at least 1\n"
     "  the last one, request 1: POST /v1/traces, Content-Type application/json, Content-Encoding absent, answered "
     "with 200\n"
     "ARRIVED: 3 requests with 2 spans, 3 metrics, 1 log record\n"
     "EXTRA: 6 items that nothing asked for\n"
     "  span \"checkout\" of \"shop\", request 1\n"
     "  span \"charge\" of \"shop\", request 1\n"
     "  metric \"requests\" {route=\"/pay\"} of \"shop\", request 2\n"
     "  metric \"depth\" of \"shop\", request 2\n"
     "  metric \"latency\" of \"shop\", request 2\n"
     "  …\n"},
    {"wrong_selector", 240,
     "unknown name `nam`, did you mean `name`?\n"
     "  { nam = \"checkout\" }\n"
     "    ^~~\n"},
    {"nothing_arrived", 250,
     "MISSING within 20 ms: { }\n"
     "  seen 0 times, wanted at least 1\n"
     "NOTHING ARRIVED at http://127.0.0.1:PORT: is OTEL_EXPORTER_OTLP_ENDPOINT set to that, and was the exporter "
     "flushed?\n"},
    {"since_reset", 260,
     "MISSING within 20 ms: sum of metric{ name = \"requests\" }\n"
     "  seen no point, wanted 2\n"
     "NOTHING ARRIVED at http://127.0.0.1:PORT: is OTEL_EXPORTER_OTLP_ENDPOINT set to that, and was the exporter "
     "flushed?\n"},
    {"lost", 0,
     "the test is over, but not all that was sent to its receiver was taken:\n"
     "REFUSED: 1 of 1 request\n"
     "  request 1: answered 400 to POST /v1/traces: resourceSpans[0]: '[' expected at byte 17 (from old-client/1)\n"
     "ARRIVED: 1 request with 0 spans, 0 metrics, 0 log records\n"},
    {"options", 0,
     "the test is over, but not all that was sent to its receiver was taken:\n"
     "REFUSED: 3 of 3 requests\n"
     "  request 1: answered 413 to POST /v1/traces: the body is larger than 10 bytes, the receiver's limit; send "
     "smaller batches\n"
     "  request 2: answered 413 to POST /v1/metrics: the body is larger than 10 bytes, the receiver's limit; send "
     "smaller batches\n"
     "  request 3: answered 413 to POST /v1/logs: the body is larger than 10 bytes, the receiver's limit; send smaller "
     "batches\n"
     "ARRIVED: 3 requests with 0 spans, 0 metrics, 0 log records\n"},
};

/* What the child says on stderr, and its exit code. */
static int run(const char *filter, char *out)
{
    char command[1024];
    snprintf(command, sizeof command, "'%s' '%s' 2>&1 >/dev/null", OTLPKIT_CMOCKA_FAILING, filter);
    FILE *child = popen(command, "r");
    assert_non_null(child);
    size_t size = fread(out, 1, REPORT_MAX - 1, child);
    out[size] = '\0';
    int status = pclose(child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The port is another one each time. */
static void hide_port(char *text)
{
    static const char host[] = "127.0.0.1:";
    char *port = strstr(text, host);
    if (!port)
        return;
    port += strlen(host);
    size_t digits = 0;
    while (isdigit((unsigned char)port[digits]))
        digits++;
    memmove(port + 4, port + digits, strlen(port + digits) + 1);
    memcpy(port, "PORT", 4);
}

/* Splits cmocka's own lines off. */
static char *end_of_report(char *out)
{
    static const char *const begins[] = {"[  ERROR", "Could not run"};
    char *end = out + strlen(out);
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        char *at = strstr(out, begins[i]);
        end = at && at < end ? at : end;
    }
    return end;
}

static void check(const struct failure *f)
{
    char out[REPORT_MAX + 8], filter[128], place[64];
    snprintf(filter, sizeof filter, "%s_fails", f->name);
    snprintf(place, sizeof place, "shop.c:%u: error: Failure!", f->line);
    assert_int_not_equal(run(filter, out), 0);
    if (f->line && !strstr(out, place))
        fail_msg("%s does not name its place: %s", f->name, out);
    hide_port(out);
    *end_of_report(out) = '\0';
    assert_string_equal(out, f->report);
}

static void test_failed_asserts_print_their_report_and_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        check(&failures[i]);
}

static void test_asserts_that_hold_say_nothing(void **state)
{
    (void)state;
    char out[REPORT_MAX];
    assert_int_equal(run("*_passes", out), 0);
    assert_null(strstr(out, "MISSING"));
    assert_null(strstr(out, "REFUSED"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_asserts_print_their_report_and_place),
        cmocka_unit_test(test_asserts_that_hold_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
