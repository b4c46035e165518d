/* The fixtures and asserts of <otlpkit/cmocka.h>: cmocka's side of otk_expect(). Uses public headers only. */
#include "otlpkit/cmocka.h"

static void print_report(otk_report *report)
{
    print_error("%s", otk_report_text(report));
}

int otk_cmocka_setup(void **state)
{
    otk_error error;
    *state = otk_receiver_start((const otk_receiver_options *)*state, &error);
    if (!*state)
        print_error("no receiver for the test: %s\n", error.message);
    return *state ? 0 : -1;
}

int otk_cmocka_teardown_lenient(void **state)
{
    otk_receiver_stop((otk_receiver *)*state);
    *state = NULL;
    return 0;
}

int otk_cmocka_teardown(void **state)
{
    otk_report *lost = otk_expect_nothing_lost((otk_receiver *)*state);
    int rc = lost ? -1 : 0;
    if (lost) {
        print_error("the test is over, but not all that was sent to its receiver was taken:\n");
        print_report(lost);
    }
    otk_report_free(lost);
    otk_cmocka_teardown_lenient(state);
    return rc;
}

void otk_cmocka_check(otk_report *report, const char *file, int line)
{
    if (!report)
        return;
    print_report(report);
    otk_report_free(report);
    _fail(file, line);
}

/* The first match; does not come back when there is none. */
static otk_found get(otk_receiver *rx, const char *selector, otk_signal signal, unsigned timeout_ms, const char *file,
                     int line)
{
    static const char *const spelled[] = {"a span: { … }", "a metric: metric{ … }", "a log record: log{ … }"};
    otk_found found = {0};
    otk_error error;
    otk_cmocka_check(otk_expect(rx, otk_seen(selector), timeout_ms), file, line);
    if (otk_receiver_find(rx, selector, 0, &found, &error)) {
        print_error("%s\n", error.message);
        _fail(file, line);
    }
    if (found.signal != signal) {
        print_error("%s does not select %s\n", selector, spelled[signal]);
        _fail(file, line);
    }
    return found;
}

const otk_captured_span *otk_cmocka_span(otk_receiver *rx, const char *selector, unsigned timeout_ms, const char *file,
                                         int line)
{
    return get(rx, selector, OTK_SIGNAL_TRACES, timeout_ms, file, line).span;
}

const otk_captured_metric *otk_cmocka_metric(otk_receiver *rx, const char *selector, unsigned timeout_ms,
                                             const char *file, int line)
{
    return get(rx, selector, OTK_SIGNAL_METRICS, timeout_ms, file, line).metric;
}

const otk_captured_point *otk_cmocka_point(otk_receiver *rx, const char *selector, unsigned timeout_ms,
                                           const char *file, int line)
{
    return get(rx, selector, OTK_SIGNAL_METRICS, timeout_ms, file, line).point;
}

const otk_captured_log *otk_cmocka_log(otk_receiver *rx, const char *selector, unsigned timeout_ms, const char *file,
                                       int line)
{
    return get(rx, selector, OTK_SIGNAL_LOGS, timeout_ms, file, line).log;
}

const otk_capture *otk_cmocka_request(otk_receiver *rx, const otk_request_match *match, unsigned timeout_ms,
                                      const char *file, int line)
{
    otk_cmocka_check(otk_expect(rx, otk_requests(match, 1, UINT64_MAX), timeout_ms), file, line);
    return otk_receiver_find_request(rx, match, 0);
}
