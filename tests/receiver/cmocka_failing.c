/* Tests that must fail, and twins of them that must not. test_cmocka.c runs them and reads what they print; #line keeps
 * the places where they fail the same. */
#define OTK_TIMEOUT_MS patience

static unsigned patience = 20;

#include "otlpkit/cmocka.h"

#include "story.h"

static void tell_story(otk_receiver *rx)
{
    tell(rx, SPANS(ROOT "," CHILD));
    tell(rx,
         METRICS("{'name':'requests','sum':{'aggregationTemporality':2,'isMonotonic':true,'dataPoints':[{'asInt':'3',"
                 "'attributes':[{'key':'route','value':{'stringValue':'/pay'}}]}]}},"
                 "{'name':'depth','gauge':{'dataPoints':[{'asDouble':1.5}]}},"
                 "{'name':'latency','unit':'s','histogram':{'aggregationTemporality':1,'dataPoints':[{'count':'10',"
                 "'sum':55.5,'bucketCounts':['1','4','4','1'],'explicitBounds':[10,20,30]}]}}"));
    tell(rx, LOGS("{'body':{'stringValue':'timeout'},'severityNumber':13}"));
}

static void tell_nonsense(otk_receiver *rx)
{
    tell_as(otk_receiver_port(rx), "/v1/traces", "User-Agent: old-client/1\r\n", "{'resourceSpans':7}");
}

/* Each asserts the same way in both directions. */
#define PAIR(name, right, wrong)                                                                                       \
    static void name##_passes(void **state)                                                                            \
    {                                                                                                                  \
        otk_receiver *rx = *state;                                                                                     \
        patience = PATIENCE_MS;                                                                                        \
        tell_story(rx);                                                                                                \
        right;                                                                                                         \
    }                                                                                                                  \
    static void name##_fails(void **state)                                                                             \
    {                                                                                                                  \
        otk_receiver *rx = *state;                                                                                     \
        patience = 20;                                                                                                 \
        tell_story(rx);                                                                                                \
        wrong;                                                                                                         \
    }

#define GZIP (&(otk_request_match){.path = "/v1/traces", .content_encoding = "gzip"})
#define PLAIN (&(otk_request_match){.path = "/v1/traces", .content_encoding = "identity"})

/* clang-format off */
#line 10 "shop.c"
PAIR(seen, otk_assert_seen(rx, "{ name = \"checkout\" && kind = server } >> { name = \"charge\" && status = ok }"), otk_assert_seen(rx, "{ name = \"charge\" && status = error }"))
#line 20
PAIR(count, otk_assert_count(rx, "{ kind = server }", 1), otk_assert_count(rx, "{ }", 1))
#line 30
PAIR(at_least, otk_assert_at_least(rx, "{ }", 2), otk_assert_at_least(rx, "{ }", 3))
#line 40
PAIR(at_most, otk_assert_at_most(rx, "{ }", 2), otk_assert_at_most(rx, "{ }", 1))
#line 50
PAIR(none, otk_assert_none(rx, "{ status = error }"), otk_assert_none(rx, "{ status = ok }"))
#line 60
PAIR(none_for, otk_assert_none_for(rx, "log{ severity >= ERROR }", 5), otk_assert_none_for(rx, "log{ severity >= WARN }", 5))
#line 70
PAIR(nothing_for, otk_assert_nothing_for(rx, 5), otk_assert_that(rx, otk_none(NULL, 50), 20))
#line 80
PAIR(trace, otk_assert_trace_complete(rx, "{ name = \"charge\" }", 2), otk_assert_trace_complete(rx, "{ name = \"charge\" }", 3))
#line 90
PAIR(sum, otk_assert_sum(rx, "metric{ name = \"requests\" && point.route = \"/pay\" }", 3), otk_assert_sum(rx, "metric{ name = \"requests\" }", 4))
#line 100
PAIR(gauge, otk_assert_gauge(rx, "metric{ name = \"depth\" }", 1.5), otk_assert_gauge(rx, "metric{ name = \"requests\" }", 1.5))
#line 110
PAIR(histogram_count, otk_assert_histogram_count(rx, "metric{ name = \"latency\" }", 10), otk_assert_histogram_count(rx, "metric{ name = \"latency\" }", 9))
#line 120
PAIR(histogram_sum, otk_assert_histogram_sum(rx, "metric{ name = \"latency\" }", 55.5), otk_assert_histogram_sum(rx, "metric{ name = \"latency\" }", 55))
#line 130
PAIR(histogram_bucket, otk_assert_histogram_bucket(rx, "metric{ name = \"latency\" }", 15, 4), otk_assert_histogram_bucket(rx, "metric{ name = \"latency\" }", 15, 5))
#line 140
PAIR(histogram_quantile, otk_assert_histogram_quantile(rx, "metric{ name = \"latency\" }", 0.5, 10, 20), otk_assert_histogram_quantile(rx, "metric{ name = \"latency\" }", 0.99, 10, 20))
#line 150
PAIR(temporality, otk_assert_seen(rx, "metric{ name = \"requests\" && temporality = cumulative }"), otk_assert_seen(rx, "metric{ name = \"requests\" && temporality = delta }"))
#line 160
PAIR(requests, otk_assert_requests(rx, PLAIN, 1), otk_assert_requests(rx, PLAIN, 2))
#line 170
PAIR(request, otk_assert_request(rx, PLAIN), otk_assert_request(rx, GZIP))
#line 180
PAIR(nothing_lost, otk_assert_nothing_lost(rx), tell_nonsense(rx); otk_assert_nothing_lost(rx))
#line 190
PAIR(span, assert_int_equal(otk_get_span(rx, "{ name = \"checkout\" }")->kind, OTK_SPAN_KIND_SERVER), otk_get_span(rx, "{ name = \"refund\" }"))
#line 200
PAIR(metric, assert_true(otk_get_metric(rx, "metric{ name = \"requests\" }")->is_monotonic), otk_get_metric(rx, "{ name = \"checkout\" }"))
#line 210
PAIR(point, assert_int_equal(otk_get_point(rx, "metric{ name = \"latency\" }")->count, 10), otk_get_point(rx, "metric{ name = \"latency\" && type = gauge }"))
#line 220
PAIR(log, assert_string_equal(otk_get_log(rx, "log{ severity = WARN }")->body.as.string_value.data, "timeout"), otk_get_log(rx, "log{ severity = INFO }"))
#line 230
PAIR(get_request, assert_int_equal(otk_get_request(rx, PLAIN)->span_count, 2), otk_get_request(rx, GZIP))
#line 240
PAIR(wrong_selector, otk_assert_seen(rx, "{ }"), otk_assert_seen(rx, "{ nam = \"checkout\" }"))
#line 250
PAIR(nothing_arrived, otk_assert_seen(rx, "{ }"), otk_receiver_reset(rx); otk_assert_seen(rx, "{ }"))
#line 260
PAIR(since_reset, tell(rx, METRICS("{'name':'requests','sum':{'aggregationTemporality':2,'isMonotonic':true,'dataPoints':[{'asInt':'3','timeUnixNano':'1','attributes':[{'key':'route','value':{'stringValue':'/pay'}}]}]}}")); otk_receiver_reset(rx); tell(rx, METRICS("{'name':'requests','sum':{'aggregationTemporality':2,'isMonotonic':true,'dataPoints':[{'asInt':'5','timeUnixNano':'2','attributes':[{'key':'route','value':{'stringValue':'/pay'}}]}]}}")); otk_assert_sum(rx, "metric{ name = \"requests\" }", 2), otk_receiver_reset(rx); otk_assert_sum(rx, "metric{ name = \"requests\" }", 2))
/* clang-format on */
#line 1000 "cmocka_failing.c"

/* What the fixture says at the end. */
static void lost_passes(void **state)
{
    tell_nonsense(*state);
}

static void lost_fails(void **state)
{
    tell_nonsense(*state);
}

static otk_receiver_options small = OTK_RECEIVER_OPTIONS_INIT;

static void options_passes(void **state)
{
    tell_story(*state);
}

static void options_fails(void **state)
{
    tell_story(*state);
}

#define BOTH(name) otk_unit_test(name##_passes), otk_unit_test(name##_fails)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH(seen),
        BOTH(count),
        BOTH(at_least),
        BOTH(at_most),
        BOTH(none),
        BOTH(none_for),
        BOTH(nothing_for),
        BOTH(trace),
        BOTH(sum),
        BOTH(gauge),
        BOTH(histogram_count),
        BOTH(histogram_sum),
        BOTH(histogram_bucket),
        BOTH(histogram_quantile),
        BOTH(temporality),
        BOTH(requests),
        BOTH(request),
        otk_unit_test(nothing_lost_passes),
        otk_unit_test_lenient(nothing_lost_fails),
        BOTH(span),
        BOTH(metric),
        BOTH(point),
        BOTH(log),
        BOTH(get_request),
        BOTH(wrong_selector),
        BOTH(nothing_arrived),
        BOTH(since_reset),
        otk_unit_test_lenient(lost_passes),
        otk_unit_test(lost_fails),
        otk_unit_test_lenient_with(options_passes, &small),
        otk_unit_test_with(options_fails, &small),
    };
    small.max_request_bytes = 10;
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
