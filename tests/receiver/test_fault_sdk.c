/* Every fault as our SDK meets it: it survives, gives up or goes on as OTLP says, and loses count of nothing. */
#include "test.h"

#include <otlpkit/sdk.h>

#include <stdio.h>

#define SPANS 3

/* What must have become of the spans: on the SDK's side … */
struct fate {
    unsigned delivered, rejected, refused, unreachable, retries;
    unsigned held; /* … and on the receiver's */
};

struct meeting {
    const char *script;
    const char *settings[4];
    struct fate fate;
};

#define DELIVERED                                                                                                      \
    {                                                                                                                  \
        .delivered = SPANS, .held = SPANS                                                                              \
    }
#define DELIVERED_AFTER(n)                                                                                             \
    {                                                                                                                  \
        .delivered = SPANS, .retries = n, .held = SPANS                                                                \
    }
#define DELIVERED_TWICE                                                                                                \
    {                                                                                                                  \
        .delivered = SPANS, .retries = 1, .held = 2 * SPANS                                                            \
    }
#define REFUSED                                                                                                        \
    {                                                                                                                  \
        .refused = SPANS                                                                                               \
    }
#define REFUSED_THOUGH_HELD                                                                                            \
    {                                                                                                                  \
        .refused = SPANS, .held = SPANS                                                                                \
    }
#define UNREACHABLE                                                                                                    \
    {                                                                                                                  \
        .unreachable = SPANS                                                                                           \
    }

static void drop_warning(const char *message, void *arg)
{
    (void)message;
    (void)arg;
}

static otk_sdk *start(const otk_receiver *rx, const struct meeting *m)
{
    const char *settings[8] = {"OTEL_C_EXPORTER_RETRY_DELAY=5"};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    for (size_t i = 0; i < 4; i++)
        settings[i + 1] = m->settings[i];
    options.endpoint = otk_receiver_url(rx);
    options.settings = settings;
    options.ignore_environment = true;
    options.no_flush_at_exit = true;
    options.on_warning = drop_warning;
    return otk_sdk_start(&options, NULL);
}

static void assert_fate(const struct meeting *m, const otk_signal_stats *s, const otk_receiver_counts *held)
{
    uint64_t dropped = 0;
    for (size_t i = 0; i < OTK_DROP_COUNT; i++)
        dropped += s->dropped[i];
    if (s->accepted != SPANS || s->accepted != s->delivered + s->rejected + dropped + s->queued ||
        s->delivered != m->fate.delivered || s->rejected != m->fate.rejected ||
        s->dropped[OTK_DROP_REFUSED] != m->fate.refused || s->dropped[OTK_DROP_UNREACHABLE] != m->fate.unreachable ||
        (m->fate.retries && s->retries != m->fate.retries) || held->spans != m->fate.held)
        fail_msg("%s: accepted %u, delivered %u, rejected %u, refused %u, unreachable %u, dropped %u, queued %u, "
                 "retries %u; the receiver holds %u",
                 m->script, (unsigned)s->accepted, (unsigned)s->delivered, (unsigned)s->rejected,
                 (unsigned)s->dropped[OTK_DROP_REFUSED], (unsigned)s->dropped[OTK_DROP_UNREACHABLE], (unsigned)dropped,
                 (unsigned)s->queued, (unsigned)s->retries, (unsigned)held->spans);
}

/* Nothing was sent again that was not to be, or too early. */
static void assert_right(otk_receiver *rx, const char *script)
{
    otk_condition rightly = otk_retried_rightly();
    otk_report *report;
    if (otk_receiver_wait(rx, &rightly, 0, &report))
        fail_msg("%s: %s", script, otk_report_text(report));
    otk_report_free(report);
}

static void meet(const struct meeting *m)
{
    otk_error error = {0};
    otk_sdk_stats stats;
    otk_receiver_counts counts;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    if (otk_receiver_faults_set(rx, m->script, &error))
        fail_msg("%s", error.message);
    otk_sdk *sdk = start(rx, m);
    for (int i = 0; i < SPANS; i++)
        otk_span_free(otk_span_start(otk_sdk_tracer(sdk, "test", NULL), "span", NULL));
    otk_sdk_force_flush(sdk, PATIENCE_MS);
    otk_sdk_stats_get(sdk, &stats);
    otk_receiver_counts_get(rx, &counts);
    assert_fate(m, &stats.signals[OTK_SIGNAL_TRACES], &counts);
    assert_right(rx, m->script);
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

#define MEET(...)                                                                                                      \
    do {                                                                                                               \
        const struct meeting meetings[] = {__VA_ARGS__};                                                               \
        for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++)                                                \
            meet(&meetings[i]);                                                                                        \
    } while (0)

#define PLAIN                                                                                                          \
    {                                                                                                                  \
        NULL                                                                                                           \
    }
#define SHORT                                                                                                          \
    {                                                                                                                  \
        "OTEL_EXPORTER_OTLP_TIMEOUT=300"                                                                               \
    }

/* SDK-RTY-04, SDK-RTY-07 */
static void test_what_may_pass_is_sent_again(void **state)
{
    (void)state;
    MEET({"429", PLAIN, DELIVERED_AFTER(1)}, {"502, 503, 504", PLAIN, DELIVERED_AFTER(3)},
         {"503 x4 retry-after=0", PLAIN, DELIVERED_AFTER(4)}, {"503 x*", SHORT, UNREACHABLE},
         {"503 retry-after=\"in a while\"", PLAIN, DELIVERED_AFTER(1)});
}

/* SDK-RTY-08 */
static void test_a_retry_after_is_honoured(void **state)
{
    (void)state;
    MEET({"503 retry-after=1", PLAIN, DELIVERED_AFTER(1)}, {"429 retry-after=date+1s", PLAIN, DELIVERED_AFTER(1)},
         {"503 retry-after=5", SHORT, UNREACHABLE});
}

/* SDK-RTY-01, SDK-RTY-04 */
static void test_what_is_final_is_sent_once(void **state)
{
    static const unsigned finals[] = {400, 401, 403, 404, 405, 408, 413, 415, 431, 500, 501, 505, 599};
    (void)state;
    for (size_t k = 0; k < sizeof finals / sizeof *finals; k++) {
        char script[16];
        snprintf(script, sizeof script, "%u", finals[k]);
        MEET({script, PLAIN, REFUSED});
    }
    MEET({"400 retry-after=1", PLAIN, REFUSED}, {"308 location=/v1/traces", PLAIN, REFUSED}, {"301", PLAIN, REFUSED},
         {"202", PLAIN, {.delivered = SPANS}});
}

/* SDK-RTY-02, SDK-RTY-03 */
static void test_a_partial_success_is_counted_and_not_sent_again(void **state)
{
    (void)state;
    MEET({"partial=2 message=no", PLAIN, {.delivered = SPANS - 2, .rejected = 2, .held = SPANS}},
         {"partial=0 message=careful", PLAIN, DELIVERED}, {"partial=0", PLAIN, DELIVERED});
}

/* SDK-RTY-05. Where the status has come, as by cut=30, the answer is known. */
static void test_connections_that_break_are_taken_up_again(void **state)
{
    (void)state;
    MEET({"reset", PLAIN, DELIVERED_AFTER(1)}, {"reset=before", PLAIN, DELIVERED_AFTER(1)},
         {"reset=while x2", PLAIN, DELIVERED_AFTER(2)}, {"cut=0", PLAIN, DELIVERED_TWICE},
         {"cut=1", PLAIN, DELIVERED_TWICE}, {"cut=30", PLAIN, DELIVERED}, {"503 cut", PLAIN, DELIVERED_AFTER(1)},
         {"reset x*", SHORT, UNREACHABLE}, {"close", PLAIN, DELIVERED}, {"idle=1ms", PLAIN, DELIVERED});
}

/* SDK-EXP-10 */
static void test_nobody_waits_longer_than_the_timeout(void **state)
{
    (void)state;
    MEET({"hang x*", SHORT, UNREACHABLE}, {"ok delay=10m x*", SHORT, {.unreachable = SPANS, .held = SPANS}},
         {"ok stall=10m x*", SHORT, {.unreachable = SPANS, .held = SPANS}}, {"slow=1/s x*", SHORT, UNREACHABLE},
         {"delay=20ms", PLAIN, DELIVERED}, {"stall=20ms", PLAIN, DELIVERED},
         {"503 stall=20ms", PLAIN, DELIVERED_AFTER(1)}, {"slow=20KiB/s", PLAIN, DELIVERED});
}

/* SDK-RTY-11 */
static void test_answers_that_are_none_are_no_reason_to_send_again(void **state)
{
    (void)state;
    MEET({"size=5MiB", PLAIN, REFUSED_THOUGH_HELD}, {"size=1MiB", PLAIN, DELIVERED}, {"garbage", PLAIN, DELIVERED},
         {"type=text/html", PLAIN, DELIVERED}, {"garbage size=4MiB", PLAIN, DELIVERED},
         {"503 garbage", PLAIN, DELIVERED_AFTER(1)}, {"400 size=5MiB", PLAIN, REFUSED});
}

static void test_compressed_attempts_are_the_same_payload(void **state)
{
    (void)state;
    MEET({"reset=while, 503 x2", {"OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}, DELIVERED_AFTER(3)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_may_pass_is_sent_again),
        cmocka_unit_test(test_a_retry_after_is_honoured),
        cmocka_unit_test(test_what_is_final_is_sent_once),
        cmocka_unit_test(test_a_partial_success_is_counted_and_not_sent_again),
        cmocka_unit_test(test_connections_that_break_are_taken_up_again),
        cmocka_unit_test(test_nobody_waits_longer_than_the_timeout),
        cmocka_unit_test(test_answers_that_are_none_are_no_reason_to_send_again),
        cmocka_unit_test(test_compressed_attempts_are_the_same_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
