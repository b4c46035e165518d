/* otlpkit/cmocka.h - cmocka tests that say what a program must export
 *
 *     #include <otlpkit/cmocka.h>
 *
 *     static void checkout_is_traced(void **state)
 *     {
 *         otk_receiver *rx = *state;
 *         run_checkout(otk_receiver_url(rx));
 *         otk_assert_seen(rx, "{ name = \"checkout\" } >> { name = \"charge\" && status = ok }");
 *         otk_assert_none(rx, "{ status = error }");
 *     }
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = {otk_unit_test(checkout_is_traced)};
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 *
 * An assert waits for what it says, up to OTK_TIMEOUT_MS, and goes on the
 * moment it is so. When it fails it prints the report on what is missing and
 * the file and line it stands in. Everything here is a thin layer over
 * <otlpkit/receiver.h>: otk_expect() serves any other test framework alike.
 *
 * Lifetime: the receiver of a test is started before it and stopped after it.
 * What accessors return is valid until the end of the test or the next
 * otk_receiver_reset().
 *
 * Threads: asserts belong into the thread that runs the test.
 *
 * Errors: everything fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLPKIT_CMOCKA_H
#define OTLPKIT_CMOCKA_H

#include <otlpkit/receiver.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How long an assert waits at most. Define it before the include to change it. */
#ifndef OTK_TIMEOUT_MS
#define OTK_TIMEOUT_MS 5000
#endif

/* ---- Tests with a receiver of their own ------------------------------ */

/* A test whose *state is a receiver on a free port. It also fails when a
 * request was refused, or anything dropped, on the way in. */
#define otk_unit_test(test) cmocka_unit_test_setup_teardown(test, otk_cmocka_setup, otk_cmocka_teardown)

/* The same for tests in which requests are meant to be refused. */
#define otk_unit_test_lenient(test) cmocka_unit_test_setup_teardown(test, otk_cmocka_setup, otk_cmocka_teardown_lenient)

/* The same, started with options: a pointer to otk_receiver_options that lives as long as the test. */
#define otk_unit_test_with(test, options) \
    cmocka_unit_test_prestate_setup_teardown(test, otk_cmocka_setup, otk_cmocka_teardown, (void *)(uintptr_t)(options))
#define otk_unit_test_lenient_with(test, options) \
    cmocka_unit_test_prestate_setup_teardown(test, otk_cmocka_setup, otk_cmocka_teardown_lenient, (void *)(uintptr_t)(options))

/* The fixtures by themselves, for tests with a setup of their own. */
OTK_API int otk_cmocka_setup(void **state);
OTK_API int otk_cmocka_teardown(void **state);
OTK_API int otk_cmocka_teardown_lenient(void **state);

/* ---- Asserts --------------------------------------------------------- */

/* Any condition of <otlpkit/receiver.h>, with a timeout of its own. */
#define otk_assert_that(rx, condition, timeout_ms) \
    otk_cmocka_check(otk_expect(rx, condition, timeout_ms), __FILE__, __LINE__)

/* The selector matches: spans, metric points or log records. */
#define otk_assert_seen(rx, selector) otk_assert_that(rx, otk_seen(selector), OTK_TIMEOUT_MS)
#define otk_assert_count(rx, selector, n) otk_assert_that(rx, otk_seen_times(selector, n, n), OTK_TIMEOUT_MS)
#define otk_assert_at_least(rx, selector, n) otk_assert_that(rx, otk_seen_times(selector, n, UINT64_MAX), OTK_TIMEOUT_MS)
#define otk_assert_at_most(rx, selector, n) otk_assert_that(rx, otk_seen_times(selector, 0, n), 0)

/* It has matched nothing until now; or nothing from then until `ms` later. */
#define otk_assert_none(rx, selector) otk_assert_that(rx, otk_none(selector, 0), 0)
#define otk_assert_none_for(rx, selector, ms) otk_assert_that(rx, otk_none(selector, ms), (ms) + OTK_TIMEOUT_MS)

/* No request at all comes for `ms`. */
#define otk_assert_nothing_for(rx, ms) otk_assert_none_for(rx, NULL, ms)

/* Every trace with a match is complete and has `spans` spans (0: any number). */
#define otk_assert_trace_complete(rx, selector, spans) \
    otk_assert_that(rx, otk_trace_complete(selector, spans, 0), OTK_TIMEOUT_MS)

/* ---- Metrics: since start or the last reset, whatever the temporality -- */

#define otk_assert_measured(rx, selector, measure, argument, low, high) \
    otk_assert_that(rx, otk_measured(selector, measure, argument, low, high), OTK_TIMEOUT_MS)

#define otk_assert_sum(rx, selector, value) \
    otk_assert_measured(rx, selector, OTK_MEASURE_SUM, 0, value, value)
#define otk_assert_gauge(rx, selector, value) \
    otk_assert_measured(rx, selector, OTK_MEASURE_GAUGE, 0, value, value)
#define otk_assert_histogram_count(rx, selector, value) \
    otk_assert_measured(rx, selector, OTK_MEASURE_HISTOGRAM_COUNT, 0, value, value)
#define otk_assert_histogram_sum(rx, selector, value) \
    otk_assert_measured(rx, selector, OTK_MEASURE_HISTOGRAM_SUM, 0, value, value)

/* The bucket that `x` falls into has counted `value`. */
#define otk_assert_histogram_bucket(rx, selector, x, value) \
    otk_assert_measured(rx, selector, OTK_MEASURE_HISTOGRAM_BUCKET, x, value, value)

/* The quantile `q`, 0.99 say, lies within low and high. */
#define otk_assert_histogram_quantile(rx, selector, q, low, high) \
    otk_assert_measured(rx, selector, OTK_MEASURE_HISTOGRAM_QUANTILE, q, low, high)

/* ---- Requests -------------------------------------------------------- */

/* `n` requests came that are as described by a pointer to otk_request_match;
 * in C: &(otk_request_match){.path = "/v1/traces", .content_encoding = "gzip"} */
#define otk_assert_requests(rx, match, n) otk_assert_that(rx, otk_requests(match, n, n), OTK_TIMEOUT_MS)

/* At least one did. */
#define otk_assert_request(rx, match) otk_assert_that(rx, otk_requests(match, 1, UINT64_MAX), OTK_TIMEOUT_MS)

/* Nothing was refused and nothing dropped. Tests of otk_unit_test() end with it. */
#define otk_assert_nothing_lost(rx) otk_cmocka_check(otk_expect_nothing_lost(rx), __FILE__, __LINE__)

/* ---- Accessors ------------------------------------------------------- */

/* The first match as a struct, so that any cmocka assert works on it. They
 * wait for it, and fail the test when it does not come. */
#define otk_get_span(rx, selector) otk_cmocka_span(rx, selector, OTK_TIMEOUT_MS, __FILE__, __LINE__)
#define otk_get_metric(rx, selector) otk_cmocka_metric(rx, selector, OTK_TIMEOUT_MS, __FILE__, __LINE__)
#define otk_get_point(rx, selector) otk_cmocka_point(rx, selector, OTK_TIMEOUT_MS, __FILE__, __LINE__)
#define otk_get_log(rx, selector) otk_cmocka_log(rx, selector, OTK_TIMEOUT_MS, __FILE__, __LINE__)
#define otk_get_request(rx, match) otk_cmocka_request(rx, match, OTK_TIMEOUT_MS, __FILE__, __LINE__)

/* ---- What the macros stand on ---------------------------------------- */

/* Frees `report` and fails the test with its text; NULL does nothing. */
OTK_API void otk_cmocka_check(otk_report *report, const char *file, int line);

OTK_API const otk_captured_span *otk_cmocka_span(otk_receiver *rx, const char *selector, unsigned timeout_ms,
                                                 const char *file, int line);
OTK_API const otk_captured_metric *otk_cmocka_metric(otk_receiver *rx, const char *selector, unsigned timeout_ms,
                                                     const char *file, int line);
OTK_API const otk_captured_point *otk_cmocka_point(otk_receiver *rx, const char *selector, unsigned timeout_ms,
                                                   const char *file, int line);
OTK_API const otk_captured_log *otk_cmocka_log(otk_receiver *rx, const char *selector, unsigned timeout_ms,
                                               const char *file, int line);
OTK_API const otk_capture *otk_cmocka_request(otk_receiver *rx, const otk_request_match *match, unsigned timeout_ms,
                                              const char *file, int line);

#ifdef __cplusplus
}
#endif

#endif
