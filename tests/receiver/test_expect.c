/* Each kind of condition, in both directions. */
#include "given.h"

#include "expect.h"

#define MS 1000000u
#define BEGIN_NS (1000u * MS)

static struct otk_expectation e;
static struct otk_baseline *baseline;
static uint64_t number;

static int start(void **state)
{
    (void)state;
    baseline = otk_baseline_new();
    number = 0;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    otk_expectation_clear(&e);
    e = (struct otk_expectation){0};
    otk_baseline_free(baseline);
    return 0;
}

static void expect(otk_condition c)
{
    otk_error error;
    struct otk_beginning at = {number, BEGIN_NS, baseline};
    if (otk_expectation_init(&e, &c, &at, &error))
        fail_msg("%s", error.message);
}

static void assert_refused(otk_condition c, const char *sentence)
{
    otk_error error;
    struct otk_expectation wrong;
    struct otk_beginning at = {0, BEGIN_NS, baseline};
    assert_int_equal(otk_expectation_init(&wrong, &c, &at, &error), OTK_EINVAL);
    assert_int_equal(error.code, OTK_EINVAL);
    assert_string_equal(error.message, sentence);
    otk_expectation_clear(&wrong);
}

static void feed_capture(otk_capture *c, unsigned at_ms)
{
    c->number = ++number;
    assert_int_equal(otk_expectation_feed(&e, otk_capture_of(c), BEGIN_NS + (uint64_t)at_ms * MS), 0);
    forget(c);
}

static void feed_at(unsigned at_ms, otk_signal signal, const char *json)
{
    feed_capture(given(signal, json), at_ms);
}

static void feed_span(const char *name)
{
    char json[256];
    snprintf(json, sizeof json, SPAN("'name':'%s'"), name);
    feed_at(0, OTK_SIGNAL_TRACES, json);
}

static void assert_verdict_at(unsigned at_ms, enum otk_verdict verdict)
{
    assert_int_equal(otk_expectation_judge(&e, BEGIN_NS + (uint64_t)at_ms * MS).verdict, verdict);
}

static void assert_holds(void)
{
    assert_verdict_at(0, OTK_VERDICT_HOLDS);
}

static void assert_open(void)
{
    assert_verdict_at(0, OTK_VERDICT_OPEN);
}

/* ---- Matches --------------------------------------------------------- */

static void test_seen_holds_with_the_first_match(void **state)
{
    (void)state;
    expect(otk_seen("{ name = \"a\" }"));
    assert_open();
    feed_span("b");
    assert_open();
    feed_span("a");
    assert_holds();
}

static void test_exact_count_is_open_below_and_hopeless_above(void **state)
{
    (void)state;
    expect(otk_seen_times("{ name = \"a\" }", 2, 2));
    feed_span("a");
    assert_open();
    feed_span("a");
    assert_holds();
    feed_span("a");
    assert_verdict_at(0, OTK_VERDICT_HOPELESS);
}

static void test_at_least_stays_true(void **state)
{
    (void)state;
    expect(otk_seen_times("{ name = \"a\" }", 2, UINT64_MAX));
    feed_span("a");
    assert_open();
    feed_span("a");
    feed_span("a");
    assert_holds();
}

static void test_at_most_holds_until_there_are_more(void **state)
{
    (void)state;
    expect(otk_seen_times("{ name = \"a\" }", 0, 1));
    assert_holds();
    feed_span("a");
    assert_holds();
    feed_span("a");
    assert_verdict_at(0, OTK_VERDICT_HOPELESS);
}

static void test_structure_may_undo_a_count_so_it_is_never_hopeless(void **state)
{
    (void)state;
    expect(otk_seen_times("{ name = \"a\" } !>> { name = \"b\" }", 0, 0));
    feed_span("a");
    feed_span("b");
    if (otk_expectation_seen(&e))
        assert_open();
    else
        assert_holds();
}

static void test_other_signals_do_not_concern_it(void **state)
{
    (void)state;
    expect(otk_seen("log{ body = \"a\" }"));
    feed_span("a");
    assert_open();
    feed_at(0, OTK_SIGNAL_LOGS, LOG("'body':{'stringValue':'a'}"));
    assert_holds();
}

static void test_none_holds_after_the_quiet_time_only(void **state)
{
    (void)state;
    expect(otk_none("{ name = \"a\" }", 50));
    assert_open();
    assert_int_equal(otk_expectation_judge(&e, BEGIN_NS).again_ns, BEGIN_NS + 50 * MS);
    feed_span("b");
    assert_verdict_at(49, OTK_VERDICT_OPEN);
    assert_verdict_at(50, OTK_VERDICT_HOLDS);
    feed_span("a");
    assert_verdict_at(50, OTK_VERDICT_HOPELESS);
}

static void test_quiet_time_begins_again_with_each_match(void **state)
{
    (void)state;
    otk_condition c = otk_seen_times("{ name = \"a\" }", 1, UINT64_MAX);
    c.quiet_ms = 50;
    expect(c);
    feed_at(0, OTK_SIGNAL_TRACES, SPAN("'name':'a'"));
    feed_at(40, OTK_SIGNAL_TRACES, SPAN("'name':'a'"));
    feed_at(45, OTK_SIGNAL_TRACES, SPAN("'name':'b'"));
    assert_verdict_at(89, OTK_VERDICT_OPEN);
    assert_verdict_at(90, OTK_VERDICT_HOLDS);
}

static void test_restart_forgets(void **state)
{
    (void)state;
    expect(otk_seen("{ name = \"a\" }"));
    feed_span("a");
    assert_holds();
    assert_int_equal(otk_expectation_restart(&e, BEGIN_NS), 0);
    assert_open();
}

/* ---- Deadlines of their own ------------------------------------------ */

static otk_condition within(otk_condition c, unsigned within_ms)
{
    c.within_ms = within_ms;
    return c;
}

static void test_own_time_is_told_and_then_it_is_hopeless(void **state)
{
    (void)state;
    expect(within(otk_seen("{ name = \"a\" }"), 20));
    assert_int_equal(otk_expectation_judge(&e, BEGIN_NS).again_ns, BEGIN_NS + 20 * MS);
    assert_verdict_at(19, OTK_VERDICT_OPEN);
    assert_verdict_at(20, OTK_VERDICT_HOPELESS);
}

static void test_what_came_in_its_own_time_holds_after_it(void **state)
{
    (void)state;
    expect(within(otk_seen("{ name = \"a\" }"), 20));
    feed_span("a");
    assert_verdict_at(30, OTK_VERDICT_HOLDS);
}

static void test_a_silence_that_is_sooner_than_its_time_is_waited_for(void **state)
{
    (void)state;
    expect(within(otk_none("{ name = \"a\" }", 10), 20));
    assert_int_equal(otk_expectation_judge(&e, BEGIN_NS).again_ns, BEGIN_NS + 10 * MS);
    assert_verdict_at(10, OTK_VERDICT_HOLDS);
}

static void test_a_part_out_of_time_decides_for_all_but_not_for_any(void **state)
{
    (void)state;
    const otk_condition parts[] = {within(otk_seen("{ name = \"a\" }"), 20), otk_seen("{ name = \"b\" }")};
    expect(otk_all_of(parts, 2));
    assert_verdict_at(20, OTK_VERDICT_HOPELESS);
    otk_expectation_clear(&e);
    expect(otk_any_of(parts, 2));
    assert_verdict_at(20, OTK_VERDICT_OPEN);
    otk_expectation_clear(&e);
    expect(within(otk_any_of(parts, 2), 30));
    assert_verdict_at(30, OTK_VERDICT_HOPELESS);
}

static void test_all_of_no_conditions_hold(void **state)
{
    (void)state;
    expect(otk_all_of(NULL, 0));
    assert_holds();
}

/* ---- Requests -------------------------------------------------------- */

static otk_capture *request(const char *target, const char *name, const char *value, unsigned status)
{
    static otk_header header;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'a'"));
    header = (otk_header){name, value};
    c->target = target;
    c->headers = (otk_headers){&header, name ? 1 : 0};
    c->status = status;
    return c;
}

static void assert_request(const otk_request_match *m, const char *target, const char *name, const char *value,
                           unsigned status, bool expected)
{
    otk_capture *c = request(target, name, value, status);
    assert_int_equal(otk_request_matches(m, c), expected);
    forget(c);
}

static void test_request_is_told_by_path(void **state)
{
    (void)state;
    otk_request_match m = {.path = "/v1/traces"};
    assert_request(&m, "/v1/traces", NULL, NULL, 200, true);
    assert_request(&m, "/v1/traces?a=b", NULL, NULL, 200, true);
    assert_request(&m, "http://host:1/v1/traces", NULL, NULL, 200, true);
    assert_request(&m, "/v1/traces/", NULL, NULL, 200, false);
    assert_request(&m, "/v1/logs", NULL, NULL, 200, false);
    assert_request(&m, "http://host", NULL, NULL, 200, false);
}

static void test_request_is_told_by_header(void **state)
{
    (void)state;
    otk_request_match there = {.header = "X-Key"}, value = {.header = "x-key", .value = "k"};
    assert_request(&there, "/", "x-key", "any", 200, true);
    assert_request(&there, "/", "y-key", "any", 200, false);
    assert_request(&value, "/", "X-KEY", "k", 200, true);
    assert_request(&value, "/", "X-KEY", "K", 200, false);
}

static void test_request_is_told_by_compression(void **state)
{
    (void)state;
    otk_request_match gzip = {.content_encoding = "gzip"}, plain = {.content_encoding = "identity"};
    assert_request(&gzip, "/", "Content-Encoding", "GZIP", 200, true);
    assert_request(&gzip, "/", NULL, NULL, 200, false);
    assert_request(&plain, "/", NULL, NULL, 200, true);
    assert_request(&plain, "/", "Content-Encoding", "gzip", 200, false);
}

static void test_request_is_told_by_encoding_and_status(void **state)
{
    (void)state;
    otk_request_match json = {.encoding = OTK_ENCODING_JSON}, protobuf = {.encoding = OTK_ENCODING_PROTOBUF};
    otk_request_match refused = {.status = 400}, any = {.status = OTK_STATUS_ANY};
    assert_request(&json, "/", NULL, NULL, 200, true);
    assert_request(&protobuf, "/", NULL, NULL, 200, false);
    assert_request(&json, "/", NULL, NULL, 400, false);
    assert_request(&refused, "/", NULL, NULL, 400, true);
    assert_request(&refused, "/", NULL, NULL, 200, false);
    assert_request(&any, "/", NULL, NULL, 0, true);
}

static void test_requests_are_counted(void **state)
{
    (void)state;
    otk_request_match m = {.path = "/v1/traces"};
    expect(otk_requests(&m, 1, 1));
    assert_open();
    feed_span("a");
    assert_holds();
    feed_span("a");
    assert_verdict_at(0, OTK_VERDICT_HOPELESS);
}

static void test_nothing_at_all_looks_only_at_what_comes_later(void **state)
{
    (void)state;
    number = 1;
    expect(otk_none(NULL, 50));
    number = 0;
    feed_span("before");
    assert_verdict_at(50, OTK_VERDICT_HOLDS);
    feed_capture(request("/nowhere", NULL, NULL, 404), 10);
    assert_verdict_at(50, OTK_VERDICT_HOPELESS);
}

/* ---- Traces ---------------------------------------------------------- */

#define ID "'traceId':'0af7651916cd43dd8448eb211c80319c',"
#define TWO(...) "{'resourceSpans':[{'scopeSpans':[{'spans':[" __VA_ARGS__ "]}]}]}"
#define ROOT "{" ID "'spanId':'00000000000000a1','name':'root','endTimeUnixNano':'2'}"
#define CHILD                                                                                                          \
    "{" ID "'spanId':'00000000000000a2','name':'child','parentSpanId':'00000000000000a1','endTimeUnixNano':'2'}"

static void test_trace_is_complete_when_its_parents_are_there(void **state)
{
    (void)state;
    expect(otk_trace_complete("{ name = \"child\" }", 0, 0));
    feed_at(0, OTK_SIGNAL_TRACES, TWO(CHILD));
    assert_open();
    feed_at(0, OTK_SIGNAL_TRACES, TWO(ROOT));
    assert_holds();
}

static void test_trace_without_a_match_is_not_looked_at(void **state)
{
    (void)state;
    expect(otk_trace_complete("{ name = \"another\" }", 0, 0));
    feed_at(0, OTK_SIGNAL_TRACES, TWO(ROOT));
    assert_open();
}

static void test_trace_with_more_spans_than_said_is_hopeless(void **state)
{
    (void)state;
    expect(otk_trace_complete(NULL, 1, 0));
    feed_at(0, OTK_SIGNAL_TRACES, TWO(ROOT));
    assert_holds();
    feed_at(0, OTK_SIGNAL_TRACES, TWO(CHILD));
    assert_verdict_at(0, OTK_VERDICT_HOPELESS);
}

/* ---- Measures -------------------------------------------------------- */

static void test_measure_holds_within_its_bounds(void **state)
{
    (void)state;
    expect(otk_measured("metric{ name = \"m\" }", OTK_MEASURE_SUM, 0, 5, 6));
    assert_open();
    feed_at(0, OTK_SIGNAL_METRICS,
            METRIC("'name':'m','sum':{'aggregationTemporality':1,'dataPoints':[{'asInt':'4'}]}"));
    assert_open();
    feed_at(0, OTK_SIGNAL_METRICS,
            METRIC("'name':'m','sum':{'aggregationTemporality':1,'dataPoints':[{'asInt':'2'}]}"));
    assert_holds();
    feed_at(0, OTK_SIGNAL_METRICS,
            METRIC("'name':'m','sum':{'aggregationTemporality':1,'dataPoints':[{'asInt':'1'}]}"));
    assert_open();
}

/* ---- Several --------------------------------------------------------- */

static void test_all_need_each(void **state)
{
    (void)state;
    otk_condition both[] = {otk_seen("{ name = \"a\" }"), otk_seen_times("{ name = \"b\" }", 1, 1)};
    expect(otk_all_of(both, 2));
    feed_span("a");
    assert_open();
    feed_span("b");
    assert_holds();
    feed_span("b");
    assert_verdict_at(0, OTK_VERDICT_HOPELESS);
}

static void test_any_needs_one(void **state)
{
    (void)state;
    otk_condition either[] = {otk_none("{ name = \"a\" }", 50), otk_seen("{ name = \"b\" }")};
    expect(otk_any_of(either, 2));
    assert_open();
    assert_int_equal(otk_expectation_judge(&e, BEGIN_NS).again_ns, BEGIN_NS + 50 * MS);
    feed_span("a");
    assert_open();
    feed_span("b");
    assert_holds();
}

static void test_any_is_hopeless_only_when_each_is(void **state)
{
    (void)state;
    otk_condition either[] = {otk_none("{ name = \"a\" }", 50), otk_none("{ name = \"b\" }", 50)};
    expect(otk_any_of(either, 2));
    feed_span("a");
    assert_open();
    feed_span("b");
    assert_verdict_at(0, OTK_VERDICT_HOPELESS);
}

/* ---- What cannot be -------------------------------------------------- */

static void test_wrong_conditions_are_refused_with_a_sentence(void **state)
{
    (void)state;
    otk_condition nested[10];
    for (size_t i = 0; i < 9; i++)
        nested[i] = otk_all_of(&nested[i + 1], 1);
    nested[9] = otk_seen("{ name = \"a\" }");
    assert_refused(nested[0], "more conditions in one another, or in all, than there may be");
    assert_refused((otk_condition){0},
                   "a condition is none of the kinds there are; make it by otk_seen() and its sisters");
    assert_refused(otk_seen(NULL), "no selector is given");
    assert_refused(otk_seen_times("{ name = \"a\" }", 2, 1), "at least is more than at most");
    assert_refused(otk_any_of(NULL, 0), "a list of conditions is empty");
    assert_refused(otk_measured("{ name = \"a\" }", OTK_MEASURE_SUM, 0, 1, 1),
                   "a measure is taken of metrics: metric{ … }");
    assert_refused(otk_measured("metric{ name = \"a\" }", OTK_MEASURE_SUM, 0, 2, 1),
                   "low is above high, or not a number");
    assert_refused(otk_trace_complete("log{ body = \"a\" }", 0, 0), "a trace is told by a selector of spans: { … }");
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    otk_condition parts[] = {otk_seen("{ name = \"a\" }"), otk_trace_complete("{ name = \"a\" }", 0, 0),
                             otk_measured("metric{ name = \"m\" }", OTK_MEASURE_SUM, 0, 1, 1)};
    otk_condition all = otk_all_of(parts, 3);
    struct otk_beginning at = {0, BEGIN_NS, baseline};
    otk_capture *c = given(OTK_SIGNAL_TRACES, TWO(ROOT));
    otk_error error;
    int rc = OTK_ENOMEM;
    for (size_t n = 0; rc; n++) {
        assert_in_range(n, 0, 1000);
        allocations_left = n;
        rc = otk_expectation_init(&e, &all, &at, &error);
        rc = rc ? rc : otk_expectation_feed(&e, otk_capture_of(c), BEGIN_NS);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
        otk_expectation_clear(&e);
    }
    forget(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_own_time_is_told_and_then_it_is_hopeless),
        TEST(test_what_came_in_its_own_time_holds_after_it),
        TEST(test_a_silence_that_is_sooner_than_its_time_is_waited_for),
        TEST(test_a_part_out_of_time_decides_for_all_but_not_for_any),
        TEST(test_all_of_no_conditions_hold),
        TEST(test_seen_holds_with_the_first_match),
        TEST(test_exact_count_is_open_below_and_hopeless_above),
        TEST(test_at_least_stays_true),
        TEST(test_at_most_holds_until_there_are_more),
        TEST(test_structure_may_undo_a_count_so_it_is_never_hopeless),
        TEST(test_other_signals_do_not_concern_it),
        TEST(test_none_holds_after_the_quiet_time_only),
        TEST(test_quiet_time_begins_again_with_each_match),
        TEST(test_restart_forgets),
        TEST(test_request_is_told_by_path),
        TEST(test_request_is_told_by_header),
        TEST(test_request_is_told_by_compression),
        TEST(test_request_is_told_by_encoding_and_status),
        TEST(test_requests_are_counted),
        TEST(test_nothing_at_all_looks_only_at_what_comes_later),
        TEST(test_trace_is_complete_when_its_parents_are_there),
        TEST(test_trace_without_a_match_is_not_looked_at),
        TEST(test_trace_with_more_spans_than_said_is_hopeless),
        TEST(test_measure_holds_within_its_bounds),
        TEST(test_all_need_each),
        TEST(test_any_needs_one),
        TEST(test_any_is_hopeless_only_when_each_is),
        TEST(test_wrong_conditions_are_refused_with_a_sentence),
        TEST(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
