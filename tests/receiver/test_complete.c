/* When a trace is complete. */
#include "given.h"

#include "complete.h"

#define ID(n) "'traceId':'0af7651916cd43dd8448eb211c80319" #n "',"
#define MANY(...) "{'resourceSpans':[{'scopeSpans':[{'spans':[" __VA_ARGS__ "]}]}]}"
#define ROOT "{" ID(1) "'spanId':'00000000000000a1','endTimeUnixNano':'2'}"
#define CHILD "{" ID(1) "'spanId':'00000000000000a2','parentSpanId':'00000000000000a1','endTimeUnixNano':'2'}"
#define OPEN_ROOT "{" ID(1) "'spanId':'00000000000000a1'}"
#define REMOTE_CHILD                                                                                                   \
    "{" ID(1) "'spanId':'00000000000000a3','parentSpanId':'00000000000000ff','endTimeUnixNano':'2','flags':768}"
#define LOCAL_CHILD                                                                                                    \
    "{" ID(1) "'spanId':'00000000000000a3','parentSpanId':'00000000000000ff','endTimeUnixNano':'2','flags':256}"
#define OTHER_ROOT "{" ID(2) "'spanId':'00000000000000a1','endTimeUnixNano':'2'}"

static struct otk_complete *traces;

static int start(void **state)
{
    (void)state;
    traces = otk_complete_new(0);
    otk_complete_want_all(traces);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    otk_complete_free(traces);
    return 0;
}

static void feed(const char *json)
{
    otk_capture *c = given(OTK_SIGNAL_TRACES, json);
    assert_int_equal(otk_complete_feed(traces, otk_capture_of(c), 7), 0);
    forget(c);
}

static void assert_sum(size_t wanted, size_t complete)
{
    assert_int_equal(otk_complete_sum(traces)->wanted, wanted);
    assert_int_equal(otk_complete_sum(traces)->complete, complete);
}

static void test_root_that_has_ended_is_a_complete_trace(void **state)
{
    (void)state;
    assert_sum(0, 0);
    feed(MANY(ROOT));
    assert_sum(1, 1);
    assert_int_equal(otk_complete_sum(traces)->when_ns, 7);
}

static void test_child_waits_for_its_parent(void **state)
{
    (void)state;
    uint8_t missing[2][8];
    feed(MANY(CHILD));
    assert_sum(1, 0);
    assert_int_equal(otk_complete_missing(traces, 0, missing, 2), 1);
    assert_int_equal(missing[0][7], 0xa1);
    feed(MANY(ROOT));
    assert_sum(1, 1);
    assert_int_equal(otk_complete_missing(traces, 0, missing, 2), 0);
}

static void test_root_without_end_is_not_complete(void **state)
{
    (void)state;
    feed(MANY(OPEN_ROOT));
    assert_sum(1, 0);
    assert_int_equal(otk_complete_at(traces, 0)->open_roots, 1);
}

/* The flags say whether the parent is remote (0x100) and that it is (0x200). */
static void test_remote_parent_is_not_waited_for_but_a_local_one_is(void **state)
{
    (void)state;
    feed(MANY(REMOTE_CHILD));
    assert_sum(1, 1);
    stop(NULL);
    start(NULL);
    feed(MANY(LOCAL_CHILD));
    assert_sum(1, 0);
}

static void test_span_that_comes_twice_counts_once(void **state)
{
    (void)state;
    feed(MANY(ROOT "," ROOT));
    feed(MANY(ROOT));
    assert_int_equal(otk_complete_at(traces, 0)->spans, 1);
    assert_sum(1, 1);
}

static void test_same_span_id_in_another_trace_is_another_span(void **state)
{
    (void)state;
    feed(MANY(CHILD "," OTHER_ROOT));
    assert_sum(2, 1);
    assert_null(otk_complete_at(traces, 2));
}

static void test_count_of_spans_is_exact(void **state)
{
    (void)state;
    stop(NULL);
    traces = otk_complete_new(2);
    otk_complete_want_all(traces);
    feed(MANY(ROOT));
    assert_sum(1, 0);
    feed(MANY(CHILD));
    assert_sum(1, 1);
    feed(MANY(REMOTE_CHILD));
    assert_sum(1, 0);
    assert_int_equal(otk_complete_sum(traces)->exceeded, 1);
}

static void test_only_wanted_traces_count(void **state)
{
    (void)state;
    stop(NULL);
    traces = otk_complete_new(0);
    otk_capture *c = given(OTK_SIGNAL_TRACES, MANY(ROOT "," OTHER_ROOT));
    assert_int_equal(otk_complete_feed(traces, otk_capture_of(c), 7), 0);
    assert_sum(0, 0);
    otk_complete_want(traces, otk_capture_of(c), 1);
    otk_complete_want(traces, otk_capture_of(c), 1);
    assert_sum(1, 1);
    forget(c);
}

static void test_many_spans_are_found_again(void **state)
{
    (void)state;
    char json[512];
    for (unsigned i = 1000; i > 0; i--) {
        snprintf(json, sizeof json,
                 MANY("{" ID(1) "'spanId':'%016x','parentSpanId':'%s','endTimeUnixNano':'2'},"
                                "{'traceId':'%032x','spanId':'0000000000000001'}"),
                 i, "", i);
        if (i > 1)
            snprintf(json, sizeof json,
                     MANY("{" ID(1) "'spanId':'%016x','parentSpanId':'%016x','endTimeUnixNano':'2'},"
                                    "{'traceId':'%032x','spanId':'0000000000000001','endTimeUnixNano':'2'}"),
                     i, i - 1, i);
        feed(json);
        assert_int_equal(otk_complete_at(traces, 0)->missing, i > 1);
    }
    assert_sum(1001, 1000);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, MANY(CHILD "," OTHER_ROOT "," LOCAL_CHILD));
    int rc = OTK_ENOMEM;
    for (size_t n = 0; rc; n++) {
        assert_in_range(n, 0, 100);
        stop(NULL);
        start(NULL);
        allocations_left = n;
        rc = otk_complete_feed(traces, otk_capture_of(c), 7);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
    }
    forget(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_root_that_has_ended_is_a_complete_trace),
        TEST(test_child_waits_for_its_parent),
        TEST(test_root_without_end_is_not_complete),
        TEST(test_remote_parent_is_not_waited_for_but_a_local_one_is),
        TEST(test_span_that_comes_twice_counts_once),
        TEST(test_same_span_id_in_another_trace_is_another_span),
        TEST(test_count_of_spans_is_exact),
        TEST(test_only_wanted_traces_count),
        TEST(test_many_spans_are_found_again),
        TEST(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
