/* Every fault that the receiver can play: the SDK does what OTLP says, and its accounts balance all the while. */
#include "loop.h"

#include <stdatomic.h>

enum { NOT_DROPPED = OTK_DROP_COUNT };

struct expected {
    const char *fault; /* met once by each signal, or for ever */
    unsigned dropped;  /* otk_drop_reason */
    unsigned rejected;
    unsigned requests; /* that the receiver gets of a signal; 0: more than one */
    const char *timeout;
};

struct audit {
    struct loop loop;
    atomic_uint times, faults;
};

/* In the middle of each export: the request is there, and its answer is not. */
static void audit(const otk_capture *capture, void *arg)
{
    struct audit *a = arg;
    otk_sdk_stats stats;
    (void)capture;
    otk_sdk_stats_get(a->loop.sdk, &stats);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        atomic_fetch_add(&a->faults, !balances(&stats.signals[i]));
    atomic_fetch_add(&a->times, 1);
}

static void assert_fate(const otk_signal_stats *s, const struct expected *expected)
{
    bool dropped = expected->dropped != NOT_DROPPED;
    assert_true(balances(s));
    assert_int_equal(s->accepted, LOOP_ITEMS);
    assert_int_equal(s->queued, 0);
    assert_int_equal(s->rejected, expected->rejected);
    assert_int_equal(s->delivered, dropped ? 0 : LOOP_ITEMS - expected->rejected);
    if (dropped)
        assert_int_equal(s->dropped[expected->dropped], LOOP_ITEMS);
    assert_int_equal(s->requests, 1);
}

/* Each attempt was one that OTLP allows, at a time that it allows. */
static void assert_right_attempts(otk_receiver *rx, const struct expected *expected)
{
    otk_attempts *attempts = otk_receiver_attempts(rx);
    const otk_payload *payload;
    for (size_t i = 0; (payload = otk_attempts_payload(attempts, i)) != NULL; i++) {
        if (expected->requests)
            assert_int_equal(payload->attempt_count, expected->requests);
        else
            assert_true(payload->attempt_count > 1);
        for (size_t k = 0; k < payload->attempt_count; k++)
            assert_string_equal(payload->attempts[k].wrong, "");
    }
    otk_attempts_free(attempts);
}

static void assert_survives(const struct expected *expected)
{
    struct audit a = {0};
    struct loop *loop = &a.loop;
    char script[256];
    otk_error error = {0};
    otk_sdk_stats stats;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.on_capture = audit;
    options.on_capture_arg = &a;
    loop_begin(loop, &options, (const char *const[]){expected->timeout, NULL});
    snprintf(script, sizeof script, "traces: %s; metrics: %s; logs: %s", expected->fault, expected->fault,
             expected->fault);
    if (otk_receiver_faults_set(loop->rx, script, &error))
        fail_msg("%s", error.message);
    loop_record(loop);
    bool lost = expected->rejected || expected->dropped != NOT_DROPPED;
    assert_int_equal(otk_sdk_force_flush(loop->sdk, PATIENCE_MS), lost ? OTK_ESYSTEM : 0);
    otk_sdk_stats_get(loop->sdk, &stats);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        assert_fate(&stats.signals[i], expected);
    assert_right_attempts(loop->rx, expected);
    loop_end(loop);
    assert_true(atomic_load(&a.times) >= OTK_SIGNAL_COUNT);
    assert_int_equal(atomic_load(&a.faults), 0);
}

static void assert_all_survive(const struct expected *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_message("             %s\n", expected[i].fault);
        assert_survives(&expected[i]);
    }
}

/* SDK-RTY-04, SDK-RTY-07 */
static void test_what_may_succeed_later_is_sent_again(void **state)
{
    static const struct expected cases[] = {
        {"429", NOT_DROPPED, 0, 2, NULL},
        {"502 x3", NOT_DROPPED, 0, 4, NULL},
        {"503, 504, 429 retry-after=\"soon\"", NOT_DROPPED, 0, 4, NULL},
        {"503 delay=20ms cut", NOT_DROPPED, 0, 2, NULL},
    };
    (void)state;
    assert_all_survive(cases, COUNT(cases));
}

/* SDK-RTY-05 */
static void test_a_broken_connection_is_opened_again(void **state)
{
    static const struct expected cases[] = {
        {"reset", NOT_DROPPED, 0, 2, NULL},        {"cut=0", NOT_DROPPED, 0, 2, NULL},
        {"cut", NOT_DROPPED, 0, 2, NULL},          {"cut=0 x3", NOT_DROPPED, 0, 4, NULL},
        {"ok idle=10ms", NOT_DROPPED, 0, 1, NULL}, {"close", NOT_DROPPED, 0, 1, NULL},
        {"reset=before", NOT_DROPPED, 0, 2, NULL}, {"reset=while", NOT_DROPPED, 0, 2, NULL},
    };
    (void)state;
    assert_all_survive(cases, COUNT(cases));
}

/* SDK-RTY-04, SDK-RTY-11: not even one whose end is missing. */
static void test_what_cannot_succeed_is_not_sent_again(void **state)
{
    static const struct expected cases[] = {
        {"400", OTK_DROP_REFUSED, 0, 1, NULL},
        {"401 message=\"no\"", OTK_DROP_REFUSED, 0, 1, NULL},
        {"413 retry-after=1", OTK_DROP_REFUSED, 0, 1, NULL},
        {"500 x*", OTK_DROP_REFUSED, 0, 1, NULL},
        {"501 garbage type=text/html", OTK_DROP_REFUSED, 0, 1, NULL},
        {"400 cut", OTK_DROP_REFUSED, 0, 1, NULL},
        {"308 location=/v1/traces", OTK_DROP_REFUSED, 0, 1, NULL},
        {"size=5MiB", OTK_DROP_REFUSED, 0, 1, NULL},
    };
    (void)state;
    assert_all_survive(cases, COUNT(cases));
}

/* SDK-RTY-01, SDK-RTY-02, SDK-RTY-03 */
static void test_what_was_taken_is_not_sent_again(void **state)
{
    static const struct expected cases[] = {
        {"ok", NOT_DROPPED, 0, 1, NULL},
        {"202", NOT_DROPPED, 0, 1, NULL},
        {"partial=3 message=\"too old\"", NOT_DROPPED, 3, 1, NULL},
        {"partial=1000", NOT_DROPPED, LOOP_ITEMS, 1, NULL},
        {"partial=0 message=\"deprecated\"", NOT_DROPPED, 0, 1, NULL},
        {"garbage", NOT_DROPPED, 0, 1, NULL},
        {"type=text/html garbage", NOT_DROPPED, 0, 1, NULL},
        {"delay=20ms", NOT_DROPPED, 0, 1, NULL},
        {"stall=20ms", NOT_DROPPED, 0, 1, NULL},
        {"slow=100KiB/s", NOT_DROPPED, 0, 1, NULL},
    };
    (void)state;
    assert_all_survive(cases, COUNT(cases));
}

/* SDK-EXP-10, SDK-RTY-10, SDK-RTY-14 */
static void test_what_never_succeeds_is_given_up_in_time(void **state)
{
    static const char timeout[] = "OTEL_EXPORTER_OTLP_TIMEOUT=50";
    static const struct expected cases[] = {
        {"hang x*", OTK_DROP_UNREACHABLE, 0, 1, timeout},
        {"503 x*", OTK_DROP_UNREACHABLE, 0, 0, timeout},
        {"reset x*", OTK_DROP_UNREACHABLE, 0, 0, timeout},
        {"stall=10s x*", OTK_DROP_UNREACHABLE, 0, 1, timeout},
        {"delay=10s x*", OTK_DROP_UNREACHABLE, 0, 1, timeout},
        {"503 retry-after=60", OTK_DROP_UNREACHABLE, 0, 1, timeout},
        {"503 retry-after=date+60s", OTK_DROP_UNREACHABLE, 0, 1, timeout},
    };
    (void)state;
    assert_all_survive(cases, COUNT(cases));
}

/* SDK-RTY-08: as seconds and as a date. */
static void test_a_retry_comes_no_sooner_than_the_server_allows(void **state)
{
    static const struct expected twice = {.requests = 2};
    struct loop loop;
    (void)state;
    loop_begin(&loop, NULL, (const char *const[]){"OTEL_METRICS_EXPORTER=none", NULL});
    assert_int_equal(otk_receiver_faults_set(loop.rx, "traces: 503 retry-after=1; logs: 429 retry-after=date+1s", NULL),
                     0);
    loop_record(&loop);
    assert_int_equal(otk_sdk_force_flush(loop.sdk, PATIENCE_MS), 0);
    assert_right_attempts(loop.rx, &twice);
    loop_end(&loop);
}

/* SDK-RTY-06, SDK-RTY-07, SDK-RTY-09: half as long at least as 1, 1.5, 2.25 … times the first delay, up to 5 times.
 * Chance makes the rest: some come sooner than that, which a machine that is slow cannot bring about. */
static void test_retries_come_later_each_time(void **state)
{
    enum { DELAY_MS = 4, RETRIES = 30 };
    double delay = DELAY_MS * 1e6, most = 5 * delay;
    unsigned early = 0;
    struct loop loop;
    (void)state;
    loop_begin(&loop, NULL,
               (const char *const[]){"OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none",
                                     "OTEL_C_EXPORTER_RETRY_DELAY=4", NULL});
    assert_int_equal(otk_receiver_faults_set(loop.rx, "503 x30", NULL), 0);
    loop_record(&loop);
    assert_int_equal(otk_sdk_force_flush(loop.sdk, PATIENCE_MS), 0);
    otk_attempts *attempts = otk_receiver_attempts(loop.rx);
    const otk_payload *payload = otk_attempts_payload(attempts, 0);
    assert_int_equal(payload->attempt_count, RETRIES + 1);
    for (size_t i = 1; i <= RETRIES; i++, delay = delay * 1.5 < most ? delay * 1.5 : most) {
        double gap = (double)payload->attempts[i].gap_nano;
        assert_true(gap >= 0.5 * delay);
        early += gap < delay;
    }
    assert_true(early > 0);
    otk_attempts_free(attempts);
    loop_end(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_may_succeed_later_is_sent_again),
        cmocka_unit_test(test_a_broken_connection_is_opened_again),
        cmocka_unit_test(test_what_cannot_succeed_is_not_sent_again),
        cmocka_unit_test(test_what_was_taken_is_not_sent_again),
        cmocka_unit_test(test_what_never_succeeds_is_given_up_in_time),
        cmocka_unit_test(test_retries_come_later_each_time),
        cmocka_unit_test(test_a_retry_comes_no_sooner_than_the_server_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
