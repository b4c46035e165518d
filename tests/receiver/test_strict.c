/* What a strict receiver rejects, and what it says. In these tests memory can run out (given.h). */
#include "given.h"

#include "strict.h"

/* What is said of a request; "" when nothing. */
static const char *judge(otk_signal signal, const char *json, size_t rejected)
{
    static char said[4096];
    struct otk_buffer message = OTK_BUFFER_INIT(sizeof said - 1);
    otk_capture *c = given(signal, json);
    assert_int_equal(otk_strict_judge(otk_capture_of(c), &message), 0);
    assert_int_equal(c->rejected_count, rejected);
    snprintf(said, sizeof said, "%.*s", (int)message.size, message.data ? (const char *)message.data : "");
    otk_buffer_clear(&message);
    forget(c);
    return said;
}

static void assert_fine(otk_signal signal, const char *json)
{
    assert_string_equal(judge(signal, json, 0), "");
}

static void assert_rejected(otk_signal signal, const char *json, const char *why)
{
    const char *said = judge(signal, json, 1);
    if (!strstr(said, "rejected 1 of 1 ") || !strstr(said, why))
        fail_msg("%s is not in: %s", why, said);
}

/* ---- Spans ----------------------------------------------------------- */

#define TRACE "'traceId':'000102030405060708090a0b0c0d0e0f',"
#define ID "'spanId':'0001020304050607',"
#define TIMES "'startTimeUnixNano':'1','endTimeUnixNano':'2',"
#define NAME "'name':'n'"

static void test_spans_need_ids_and_times(void **state)
{
    (void)state;
    assert_fine(OTK_SIGNAL_TRACES, SPAN(TRACE ID TIMES NAME));
    assert_fine(OTK_SIGNAL_TRACES, SPAN(TRACE ID "'startTimeUnixNano':'2','endTimeUnixNano':'2'," NAME));
    assert_rejected(OTK_SIGNAL_TRACES, SPAN(ID TIMES NAME), "without a trace_id");
    assert_rejected(OTK_SIGNAL_TRACES, SPAN("'traceId':'00000000000000000000000000000000'," ID TIMES NAME),
                    "without a trace_id");
    assert_rejected(OTK_SIGNAL_TRACES, SPAN(TRACE TIMES NAME), "without a span_id");
    assert_rejected(OTK_SIGNAL_TRACES, SPAN(TRACE "'spanId':'0000000000000000'," TIMES NAME), "without a span_id");
    assert_rejected(OTK_SIGNAL_TRACES, SPAN(TRACE ID "'startTimeUnixNano':'1'," NAME), "without a start or end time");
    assert_rejected(OTK_SIGNAL_TRACES, SPAN(TRACE ID "'startTimeUnixNano':'2','endTimeUnixNano':'1'," NAME),
                    "that end before they start");
}

/* RX-RESP-05, RX-RESP-06: the number, why, what to do, and where it begins. */
static void test_the_sentence_counts_names_and_advises(void **state)
{
    (void)state;
    assert_string_equal(judge(OTK_SIGNAL_TRACES,
                              "{'resourceSpans':[{'scopeSpans':[{'spans':[{" TRACE ID TIMES NAME "},{" ID TIMES NAME
                              "},{" TRACE TIMES NAME "},{" ID TIMES NAME "}]}]}]}",
                              3),
                        "rejected 3 of 4 spans: 2 without a trace_id (send 16 bytes that are not all zero), 1 without "
                        "a span_id (send 8 "
                        "bytes that are not all zero); the first is resourceSpans[0].scopeSpans[0].spans[1]");
}

/* RX-RESP-07 */
static void test_what_is_odd_gets_a_warning(void **state)
{
    (void)state;
    assert_string_equal(judge(OTK_SIGNAL_TRACES, SPAN(TRACE ID TIMES "'name':''"), 0),
                        "warning: spans without a name: 1 (name what they do)");
    assert_string_equal(judge(OTK_SIGNAL_METRICS, METRIC("'name':'n','gauge':{}"), 0),
                        "warning: metrics without data points: 1 (leave them out)");
    assert_string_equal(judge(OTK_SIGNAL_TRACES, SPAN(TRACE ID TIMES "'name':'','future':1"), 0),
                        "warning: spans without a name: 1 (name what they do); warning: "
                        "resourceSpans[0].scopeSpans[0].spans[0]: unknown key \"future\" at byte 174");
}

/* ---- Metrics --------------------------------------------------------- */

#define POINTS(kind, points) METRIC("'name':'m','" kind "':{'aggregationTemporality':2,'dataPoints':[" points "]}")
#define POINT(kind, fields) POINTS(kind, "{'timeUnixNano':'1'," fields "}")

/* RX-RESP-05, RX-SEM-13: data points are counted, not metrics. */
static void test_points_without_time_are_rejected_each(void **state)
{
    (void)state;
    assert_non_null(
        strstr(judge(OTK_SIGNAL_METRICS,
                     POINTS("sum", "{'asInt':1},{'asInt':2,'timeUnixNano':'0'},{'asInt':3},"
                                   "{'asInt':4,'timeUnixNano':'1'}"),
                     3),
               "rejected 3 of 4 data points: 3 with time_unix_nano 0 (send the time of the observation); the "
               "first is in resourceMetrics[0].scopeMetrics[0].metrics[0]"));
    assert_rejected(OTK_SIGNAL_METRICS, POINTS("histogram", "{'count':'0'}"), "time_unix_nano 0");
    assert_rejected(OTK_SIGNAL_METRICS, POINTS("exponentialHistogram", "{'count':'0'}"), "time_unix_nano 0");
    assert_rejected(OTK_SIGNAL_METRICS, METRIC("'name':'m','summary':{'dataPoints':[{}]}"), "time_unix_nano 0");
}

/* RX-SEM-14, RX-SEM-12 */
static void test_numbers_need_a_value_unless_none_was_recorded(void **state)
{
    (void)state;
    assert_fine(OTK_SIGNAL_METRICS, POINT("sum", "'asInt':'0'"));
    assert_fine(OTK_SIGNAL_METRICS, POINT("sum", "'asDouble':'NaN'"));
    assert_fine(OTK_SIGNAL_METRICS, POINT("sum", "'flags':1"));
    assert_rejected(OTK_SIGNAL_METRICS, POINT("sum", "'flags':2"), "without a value");
    assert_rejected(OTK_SIGNAL_METRICS, METRIC("'name':'m','gauge':{'dataPoints':[{'timeUnixNano':'1'}]}"),
                    "without a value");
    assert_string_equal(judge(OTK_SIGNAL_METRICS, POINT("sum", "'asInt':'0','exemplars':[{}]"), 0),
                        "warning: data points with an exemplar without a value: 1 (set as_int or as_double)");
}

static void test_metrics_need_a_name_and_a_temporality(void **state)
{
    (void)state;
    assert_rejected(OTK_SIGNAL_METRICS, METRIC("'gauge':{'dataPoints':[{'timeUnixNano':'1','asInt':'1'}]}"),
                    "without a name");
    assert_rejected(OTK_SIGNAL_METRICS, METRIC("'name':'m','sum':{'dataPoints':[{'timeUnixNano':'1','asInt':'1'}]}"),
                    "aggregation_temporality");
    assert_fine(OTK_SIGNAL_METRICS, METRIC("'name':'m','gauge':{'dataPoints':[{'timeUnixNano':'1','asInt':'1'}]}"));
}

/* RX-SEM-15: without buckets there is one over everything. */
static void test_histograms_need_buckets_that_fit(void **state)
{
    (void)state;
    assert_fine(OTK_SIGNAL_METRICS, POINT("histogram", "'count':'7'"));
    assert_fine(OTK_SIGNAL_METRICS, POINT("histogram", "'count':'7','bucketCounts':['7']"));
    assert_fine(OTK_SIGNAL_METRICS, POINT("histogram", "'count':'3','bucketCounts':['1','2'],'explicitBounds':[1]"));
    assert_rejected(OTK_SIGNAL_METRICS, POINT("histogram", "'count':'3','bucketCounts':['3'],'explicitBounds':[1]"),
                    "explicit_bounds");
    assert_rejected(OTK_SIGNAL_METRICS, POINT("histogram", "'count':'0','explicitBounds':[1]"), "explicit_bounds");
    assert_rejected(OTK_SIGNAL_METRICS,
                    POINT("histogram", "'count':'3','bucketCounts':['1','1','1'],'explicitBounds':[1,1]"),
                    "explicit_bounds");
    assert_rejected(OTK_SIGNAL_METRICS,
                    POINT("histogram", "'count':'3','bucketCounts':['1','2'],'explicitBounds':['NaN']"),
                    "explicit_bounds");
    assert_rejected(OTK_SIGNAL_METRICS, POINT("histogram", "'count':'4','bucketCounts':['1','2'],'explicitBounds':[1]"),
                    "whose count is not the sum");
    assert_rejected(OTK_SIGNAL_METRICS,
                    POINT("exponentialHistogram", "'count':'4','zeroCount':'1','positive':{'bucketCounts':['2']}"),
                    "whose count is not the sum");
}

static void assert_bucket(int scale, long long offset, bool fits)
{
    char json[512];
    snprintf(json, sizeof json,
             POINT("exponentialHistogram", "'count':'1','scale':%d,'positive':{'offset':%lld,'bucketCounts':['1']}"),
             scale, offset);
    if (fits)
        assert_fine(OTK_SIGNAL_METRICS, json);
    else
        assert_rejected(OTK_SIGNAL_METRICS, json, "beyond what a double can be");
}

/* RX-SEM-16 */
static void test_exponential_buckets_stay_within_doubles(void **state)
{
    static const struct {
        int scale;
        long long lowest, highest;
    } cases[] = {
        {0, -1075, 1023}, {1, -2150, 2047}, {3, -8600, 8191}, {-1, -538, 511}, {-10, -2, 0}, {-11, -1, 0}, {-99, -1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_bucket(cases[i].scale, cases[i].lowest, true);
        assert_bucket(cases[i].scale, cases[i].highest, true);
        assert_bucket(cases[i].scale, cases[i].lowest - 1, false);
        assert_bucket(cases[i].scale, cases[i].highest + 1, false);
    }
    assert_bucket(99, INT32_MAX, true);
    assert_bucket(99, INT32_MIN, true);
    assert_fine(OTK_SIGNAL_METRICS, POINT("exponentialHistogram", "'count':'1','positive':{'offset':1023,"
                                                                  "'bucketCounts':['1','0']}"));
}

static void test_quantiles_lie_between_0_and_1(void **state)
{
    (void)state;
    const char *const format = METRIC("'name':'m','summary':{'dataPoints':[{'timeUnixNano':'1','quantileValues':"
                                      "[{'quantile':%s}]}]}");
    const char *const quantiles[] = {"0", "1", "1.5", "-0.1", "'NaN'"};
    for (size_t i = 0; i < 5; i++) {
        char json[512];
        int n = snprintf(json, sizeof json, "%.*s%s%s", (int)(strstr(format, "%s") - format), format, quantiles[i],
                         strstr(format, "%s") + 2);
        assert_in_range(n, 0, sizeof json);
        if (i < 2)
            assert_fine(OTK_SIGNAL_METRICS, json);
        else
            assert_rejected(OTK_SIGNAL_METRICS, json, "quantile outside 0 to 1");
    }
}

/* ---- Logs ------------------------------------------------------------ */

/* RX-SEM-08: an id of another length is no reason to reject, and gets a warning. */
static void test_log_records_need_a_known_severity(void **state)
{
    (void)state;
    assert_fine(OTK_SIGNAL_LOGS, LOG("'observedTimeUnixNano':'1'"));
    assert_fine(OTK_SIGNAL_LOGS, LOG("'observedTimeUnixNano':'1','severityNumber':24"));
    assert_rejected(OTK_SIGNAL_LOGS, LOG("'observedTimeUnixNano':'1','severityNumber':25"), "severity_number");
    assert_rejected(OTK_SIGNAL_LOGS, LOG("'observedTimeUnixNano':'1','severityNumber':-1"), "severity_number");
    assert_string_equal(judge(OTK_SIGNAL_LOGS, LOG("'timeUnixNano':'1'"), 0),
                        "warning: log records without observed_time_unix_nano: 1 (set when they were first seen)");
    assert_string_equal(judge(OTK_SIGNAL_LOGS, LOG("'observedTimeUnixNano':'1','traceId':'0102'"), 0),
                        "warning: 1 id of a wrong length");
}

/* ---- Captures -------------------------------------------------------- */

static void test_what_is_said_becomes_a_note(void **state)
{
    (void)state;
    struct otk_buffer message = OTK_BUFFER_INIT(4096);
    otk_capture *c = given(OTK_SIGNAL_LOGS, LOG("'observedTimeUnixNano':'1','traceId':'0102','severityNumber':25"));
    assert_int_equal(otk_strict_judge(otk_capture_of(c), &message), 0);
    assert_string_equal(
        c->notes, "1 id of a wrong length; rejected 1 of 1 log record: 1 with a severity_number outside 0 to 24 (send "
                  "one of OpenTelemetry's numbers); the first is resourceLogs[0].scopeLogs[0].logRecords[0]");
    assert_int_equal(c->log_record_count, 1);
    assert_true(c->message.size > 0);
    otk_buffer_clear(&message);
    forget(c);
}

static void test_without_memory_it_fails_and_leaks_nothing(void **state)
{
    (void)state;
    size_t failures = 0;
    int rc = OTK_ENOMEM;
    for (; rc; failures++) {
        struct otk_buffer message = OTK_BUFFER_INIT(4096);
        otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'n','attributes':[{'key':'k'}],'events':[{},{}]"));
        allocations_left = failures;
        rc = otk_strict_judge(otk_capture_of(c), &message);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
        otk_buffer_clear(&message);
        forget(c);
    }
    assert_true(failures > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_need_ids_and_times),
        cmocka_unit_test(test_the_sentence_counts_names_and_advises),
        cmocka_unit_test(test_what_is_odd_gets_a_warning),
        cmocka_unit_test(test_points_without_time_are_rejected_each),
        cmocka_unit_test(test_numbers_need_a_value_unless_none_was_recorded),
        cmocka_unit_test(test_metrics_need_a_name_and_a_temporality),
        cmocka_unit_test(test_histograms_need_buckets_that_fit),
        cmocka_unit_test(test_exponential_buckets_stay_within_doubles),
        cmocka_unit_test(test_quantiles_lie_between_0_and_1),
        cmocka_unit_test(test_log_records_need_a_known_severity),
        cmocka_unit_test(test_what_is_said_becomes_a_note),
        cmocka_unit_test(test_without_memory_it_fails_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
