/* Waits: woken by the request that fulfils them, and by nothing else. */
#include "story.h"

#include "lone.h"

#include <pthread.h>

static const char spans_a[] = SPANS("{'name':'a'}");

static int wait_for(otk_condition c, unsigned timeout_ms)
{
    return otk_receiver_wait(rx, &c, timeout_ms, NULL);
}

/* ---- Waits in threads of their own ----------------------------------- */

struct waiter {
    pthread_t thread;
    otk_condition condition;
    unsigned timeout_ms;
    int rc;
};

static void *wait_in_thread(void *arg)
{
    struct waiter *w = arg;
    w->rc = otk_receiver_wait(rx, &w->condition, w->timeout_ms, NULL);
    return NULL;
}

static void begin(struct waiter *w, otk_condition c, unsigned timeout_ms)
{
    w->condition = c;
    w->timeout_ms = timeout_ms;
    assert_int_equal(pthread_create(&w->thread, NULL, wait_in_thread, w), 0);
}

static int end(struct waiter *w)
{
    pthread_join(w->thread, NULL);
    return w->rc;
}

/* ---- What is there already ------------------------------------------- */

static void test_what_came_before_the_wait_counts(void **state)
{
    (void)state;
    tell(rx, spans_a);
    assert_int_equal(wait_for(otk_seen("{ name = \"a\" }"), 0), 0);
    assert_int_equal(wait_for(otk_seen("{ name = \"b\" }"), 0), OTK_ETIMEOUT);
}

static void test_what_was_reset_does_not_count(void **state)
{
    (void)state;
    tell(rx, spans_a);
    otk_receiver_reset(rx);
    assert_int_equal(wait_for(otk_seen("{ name = \"a\" }"), 0), OTK_ETIMEOUT);
    tell(rx, spans_a);
    assert_int_equal(wait_for(otk_seen_times("{ name = \"a\" }", 1, 1), 0), 0);
}

/* ---- What comes while waiting ---------------------------------------- */

static void test_wait_ends_with_the_request_that_fulfils_it(void **state)
{
    (void)state;
    struct waiter w;
    begin(&w, otk_seen_times("{ name = \"a\" }", 2, UINT64_MAX), PATIENCE_MS);
    tell(rx, spans_a);
    tell(rx, SPANS("{'name':'b'}"));
    tell(rx, spans_a);
    assert_int_equal(end(&w), 0);
}

static void test_wait_that_nothing_can_fulfil_any_more_ends_at_once(void **state)
{
    (void)state;
    struct waiter w;
    begin(&w, otk_none("{ name = \"a\" }", 10 * PATIENCE_MS), 20 * PATIENCE_MS);
    tell(rx, spans_a);
    assert_int_equal(end(&w), OTK_ETIMEOUT);
}

static void test_reset_while_waiting_starts_over(void **state)
{
    (void)state;
    struct waiter w;
    otk_condition c = otk_seen_times("{ name = \"a\" }", 2, UINT64_MAX);
    begin(&w, c, PATIENCE_MS);
    tell(rx, spans_a);
    otk_receiver_reset(rx);
    tell(rx, spans_a);
    tell(rx, spans_a);
    assert_int_equal(end(&w), 0);
    assert_int_equal(wait_for(otk_seen_times("{ name = \"a\" }", 2, 2), 0), 0);
}

static void test_quiet_time_passes_without_any_request(void **state)
{
    (void)state;
    assert_int_equal(wait_for(otk_none("{ name = \"a\" }", 20), PATIENCE_MS), 0);
    assert_int_equal(wait_for(otk_none(NULL, 20), PATIENCE_MS), 0);
    assert_int_equal(wait_for(otk_none("{ name = \"a\" }", PATIENCE_MS), 20), OTK_ETIMEOUT);
}

static void test_trace_is_waited_for_until_its_root_came(void **state)
{
    (void)state;
    struct waiter w;
    begin(&w, otk_trace_complete("{ name = \"charge\" }", 2, 10), PATIENCE_MS);
    tell(rx, SPANS(CHILD));
    tell(rx, SPANS(ROOT));
    assert_int_equal(end(&w), 0);
}

static void test_refused_requests_can_be_waited_for(void **state)
{
    (void)state;
    struct waiter w;
    otk_request_match refused = {.path = "/v1/traces", .status = 400};
    begin(&w, otk_requests(&refused, 1, 1), PATIENCE_MS);
    tell_as(otk_receiver_port(rx), "/v1/traces", NULL, "{'resourceSpans':7}");
    assert_int_equal(end(&w), 0);
}

/* ---- Many ------------------------------------------------------------ */

enum { MANY = 64 };

/* Whoever leads leaves first or last, and hands on. */
static void test_many_waits_end_each_with_its_own_request(void **state)
{
    (void)state;
    struct waiter w[MANY];
    for (size_t i = 0; i < MANY; i++)
        begin(&w[i], otk_seen_times("{ name = \"a\" }", (i * 37) % MANY + 1, UINT64_MAX), PATIENCE_MS);
    for (size_t i = 0; i < MANY; i++)
        tell(rx, spans_a);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(end(&w[i]), 0);
}

static void test_waits_with_deadlines_leave_while_others_stay(void **state)
{
    (void)state;
    struct waiter w[MANY];
    for (size_t i = 0; i < MANY; i++)
        begin(&w[i], otk_seen(i % 2 ? "{ name = \"last\" }" : "{ name = \"never\" }"),
              i % 2 ? PATIENCE_MS : (unsigned)i % 7);
    for (size_t i = 0; i < MANY / 4; i++)
        tell(rx, spans_a);
    tell(rx, SPANS("{'name':'last'}"));
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(end(&w[i]), i % 2 ? 0 : OTK_ETIMEOUT);
}

static void test_wait_joins_while_requests_come_and_misses_none(void **state)
{
    (void)state;
    struct waiter w[MANY], leader;
    begin(&leader, otk_seen("{ name = \"last\" }"), PATIENCE_MS);
    for (size_t i = 0; i < MANY; i++) {
        begin(&w[i], otk_seen_times("{ name = \"a\" }", MANY, UINT64_MAX), PATIENCE_MS);
        tell(rx, spans_a);
    }
    tell(rx, SPANS("{'name':'last'}"));
    assert_int_equal(end(&leader), 0);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(end(&w[i]), 0);
}

/* ---- Wrong ----------------------------------------------------------- */

static void test_wrong_selector_is_an_error_with_its_sentence(void **state)
{
    (void)state;
    otk_condition c = otk_seen("{ name = ");
    otk_report *report = NULL;
    assert_int_equal(otk_receiver_wait(rx, &c, PATIENCE_MS, &report), OTK_EINVAL);
    assert_non_null(report);
    assert_int_equal(otk_report_code(report), OTK_EINVAL);
    assert_true(strlen(otk_report_text(report)) > 10);
    otk_report_free(report);
}

/* ---- Finding --------------------------------------------------------- */

static void test_matches_are_found_by_position(void **state)
{
    (void)state;
    otk_found found;
    otk_error error;
    tell(rx, SPANS("{'name':'a','kind':2},{'name':'b'},{'name':'a','kind':3}"));
    assert_int_equal(otk_receiver_find(rx, "{ name = \"a\" }", 1, &found, NULL), 0);
    assert_int_equal(found.signal, OTK_SIGNAL_TRACES);
    assert_int_equal(found.span->kind, OTK_SPAN_KIND_CLIENT);
    assert_int_equal(otk_receiver_find(rx, "{ name = \"a\" }", 2, &found, &error), OTK_EDATA);
    assert_string_equal(error.message, "the selector has fewer matches");
    assert_int_equal(otk_receiver_find(rx, "nonsense", 0, &found, &error), OTK_EINVAL);
}

static void test_points_and_records_are_found_with_what_holds_them(void **state)
{
    (void)state;
    otk_found found;
    tell(rx, METRICS("{'name':'m','gauge':{'dataPoints':[{'asInt':'1'},{'asInt':'2'}]}}"));
    tell(rx, LOGS("{'body':{'stringValue':'hello'}}"));
    assert_int_equal(otk_receiver_find(rx, "metric{ name = \"m\" }", 1, &found, NULL), 0);
    assert_string_equal(found.metric->name, "m");
    assert_int_equal(found.point->value.as.int_value, 2);
    assert_int_equal(otk_receiver_find(rx, "log{ body = \"hello\" }", 0, &found, NULL), 0);
    assert_string_equal(found.log->body.as.string_value.data, "hello");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_came_before_the_wait_counts),
        TEST(test_what_was_reset_does_not_count),
        TEST(test_wait_ends_with_the_request_that_fulfils_it),
        TEST(test_wait_that_nothing_can_fulfil_any_more_ends_at_once),
        TEST(test_reset_while_waiting_starts_over),
        TEST(test_quiet_time_passes_without_any_request),
        TEST(test_trace_is_waited_for_until_its_root_came),
        TEST(test_refused_requests_can_be_waited_for),
        TEST(test_many_waits_end_each_with_its_own_request),
        TEST(test_waits_with_deadlines_leave_while_others_stay),
        TEST(test_wait_joins_while_requests_come_and_misses_none),
        TEST(test_wrong_selector_is_an_error_with_its_sentence),
        TEST(test_matches_are_found_by_position),
        TEST(test_points_and_records_are_found_with_what_holds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
