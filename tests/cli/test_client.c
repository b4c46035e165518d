/* `otlpkit wait`, `check`, `clear` and `dump`, asking a running `otlpkit serve` and reading files. */
#include "process.h"

#include <signal.h>
#include <unistd.h>

#define SPANS(names) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" names "]}]}]}"
#define SPAN(name) "{\"name\":\"" name "\"}"

static struct process server;
static uint16_t server_port;
static char server_url[64];

static int start_server(void **state)
{
    (void)state;
    server = SERVE(&server_port, "--json");
    snprintf(server_url, sizeof server_url, "http://127.0.0.1:%u", server_port);
    return setenv("OTLPKIT_URL", server_url, 1);
}

static int stop_server(void **state)
{
    (void)state;
    process_stop(&server, SIGTERM);
    process_clear(&server);
    return 0;
}

/* ---- wait ------------------------------------------------------------ */

static void test_wait_ends_at_once_when_it_holds(void **state)
{
    (void)state;
    assert_int_equal(post(server_port, "/v1/traces", SPANS(SPAN("charge"))), 200);
    assert_ends(RUN("wait", "--url", server_url, "--timeout", "1m", "{ name = \"charge\" }"), 0, "", "");
    assert_ends(RUN("wait", "--timeout", "1m", "{ name = \"charge\" }", "  never { status = error }"), 0, "", "");
}

static void test_wait_is_woken_by_what_comes(void **state)
{
    (void)state;
    struct process p = START("wait", "--timeout", "1m", "{ name = \"woken\" }");
    assert_int_equal(post(server_port, "/v1/traces", SPANS(SPAN("woken"))), 200);
    process_wait(&p);
    process_output(&p);
    assert_ends(p, 0, "", "");
}

static void test_wait_reports_what_is_missing_with_code_1(void **state)
{
    (void)state;
    assert_int_equal(post(server_port, "/v1/traces", SPANS(SPAN("charge"))), 200);
    assert_ends(RUN("wait", "--timeout", "10ms", "{ name = \"refund\" }"), 1, "", "refund");
    assert_ends(RUN("wait", "--timeout", "10ms", "--json", "{ name = \"refund\" }"), 1, "\"missing\":[", "");
    assert_ends(RUN("wait", "--json", "{ name = \"charge\" }"), 0, "\"met\":[", "");
}

static void test_a_wrong_line_is_explained_with_code_2(void **state)
{
    (void)state;
    assert_ends(RUN("wait", "{ name = }"), 2, "", "otlpkit wait: http://127.0.0.1:");
    assert_ends(RUN("check", "--assert", "{ name = }"), 2, "", "^");
    assert_ends(RUN("dump", "--where", "{ name = }"), 2, "", "^");
}

/* ---- clear, check, dump ---------------------------------------------- */

static void test_clear_forgets(void **state)
{
    (void)state;
    assert_int_equal(post(server_port, "/v1/traces", SPANS(SPAN("charge"))), 200);
    assert_ends(RUN("check", "--assert", "{ name = \"charge\" }"), 0, "", "");
    assert_ends(RUN("clear"), 0, "", "");
    assert_ends(RUN("check", "--assert", "{ name = \"charge\" }"), 1, "", "charge");
    assert_ends(RUN("check"), 1, "", "NOTHING ARRIVED\n");
    assert_ends(RUN("check", "--assert", "never {}"), 0, "", "");
}

static void test_check_names_the_line_of_a_file(void **state)
{
    (void)state;
    write_file("shop.expect", "{ name = \"charge\" }\n\n{ name = \"refund\" }\n");
    assert_int_equal(post(server_port, "/v1/traces", SPANS(SPAN("charge"))), 200);
    assert_ends(RUN("check", "--expect", "shop.expect"), 1, "", "shop.expect:3: ");
    assert_ends(RUN("check", "--expect", "shop.expect", "--report", "tap", "--report", "junit=r.xml"), 1, "not ok ",
                "");
    unlink("r.xml");
    unlink("shop.expect");
}

static void test_check_fails_when_something_was_refused(void **state)
{
    (void)state;
    assert_ends(RUN("clear"), 0, "", "");
    assert_int_equal(post(server_port, "/v1/traces", SPANS(SPAN("charge"))), 200);
    assert_int_equal(post(server_port, "/v1/traces", "nonsense"), 400);
    assert_ends(RUN("check", "--assert", "{ name = \"charge\" }"), 1, "",
                "REFUSED: 1 of 2 requests\n  request 2: answered 400 to POST /v1/traces: ");
    assert_ends(RUN("check", "--assert", "{ name = \"charge\" }", "--allow-refused"), 0, "", "");
    assert_ends(RUN("clear"), 0, "", "");
}

static void test_check_judges_what_clients_did_about_failures(void **state)
{
    uint16_t port;
    char url[64];
    (void)state;
    struct process p = SERVE(&port, "--json", "--fault", "traces: 503; logs: 400");
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    assert_int_equal(post(port, "/v1/traces", SPANS(SPAN("charge"))), 503);
    assert_int_equal(post(port, "/v1/traces", SPANS(SPAN("charge"))), 200);
    assert_ends(RUN("check", "--url", url, "--assert", "delivered once"), 1, "", "REFUSED: 1 of 2 requests");
    assert_ends(RUN("check", "--url", url, "--allow-refused", "--assert", "delivered once", "--assert", "retried 1",
                    "--assert", "retried rightly"),
                0, "", "");
    assert_int_equal(post(port, "/v1/logs", "{\"resourceLogs\":[]}"), 400);
    assert_int_equal(post(port, "/v1/logs", "{\"resourceLogs\":[]}"), 200);
    assert_ends(RUN("check", "--url", url, "--allow-refused", "--assert", "retried rightly"), 1, "",
                "TOO MANY: retries that were too early, or after a final answer");
    process_stop(&p, SIGTERM);
    process_clear(&p);
}

static void test_fault_lines_are_passed_over_aloud_or_refused(void **state)
{
    (void)state;
    write_file("shop.expect", "\n{ name = \"charge\" }\nfault 503\n");
    assert_int_equal(post(server_port, "/v1/traces", SPANS(SPAN("charge"))), 200);
    assert_ends(RUN("check", "--expect", "shop.expect", "--assert", "fault 400"), 0, "",
                "otlpkit check: shop.expect:3: fault lines are played by otlpkit run; passed over here\n");
    assert_ends(RUN("wait", "{ name = \"charge\" }", "fault 503"), 2, "",
                "a wait plays no faults: POST what stands behind `fault` to /otlpkit/faults first");
    unlink("shop.expect");
}

static void test_dump_shows_what_a_running_receiver_holds(void **state)
{
    (void)state;
    assert_ends(RUN("clear"), 0, "", "");
    assert_int_equal(post(server_port, "/v1/traces", SPANS(SPAN("charge") "," SPAN("refund"))), 200);
    assert_ends(RUN("dump"), 0, SPANS(SPAN("charge") "," SPAN("refund")) "\n", "");
    assert_ends(RUN("dump", "--where", "{ name = \"refund\" }"), 0, SPANS(SPAN("refund")) "\n", "");
    assert_ends(RUN("dump", "--text", "--where", "{ name = \"refund\" }"), 0, "  refund  ", "");
    assert_ends(RUN("dump", "--text", "--where", "{ name = \"other\" }"), 0, "", "");
}

static void test_sessions_are_asked_for_themselves(void **state)
{
    (void)state;
    assert_ends(RUN("clear"), 0, "", "");
    assert_int_equal(post(server_port, "/s/one/v1/traces", SPANS(SPAN("charge"))), 200);
    assert_ends(RUN("wait", "--session", "one", "{ name = \"charge\" }"), 0, "", "");
    assert_ends(RUN("check", "--session", "two", "--assert", "{ name = \"charge\" }"), 1, "", "charge");
    assert_ends(RUN("check", "--assert", "{ name = \"charge\" }"), 1, "", "charge");
    assert_ends(RUN("dump", "--session", "one"), 0, SPAN("charge"), "");
    assert_ends(RUN("clear", "--session", "one"), 0, "", "");
    assert_ends(RUN("check", "--session", "one"), 1, "", "NOTHING ARRIVED");
}

/* ---- Files ----------------------------------------------------------- */

static void test_check_judges_files_together(void **state)
{
    (void)state;
    write_file("a.json", SPANS(SPAN("charge")));
    write_file("b.json", SPANS(SPAN("refund")));
    assert_ends(
        RUN("check", "--assert", "{ name = \"charge\" }", "--assert", "{ name = \"refund\" }", "a.json", "b.json"), 0,
        "", "");
    assert_ends(RUN("check", "--assert", "{ name = \"refund\" }", "a.json"), 1, "", "refund");
    assert_ends(RUN("check", "--assert", "never { name = \"refund\" } within 1m", "a.json"), 0, "", "");
    assert_ends(RUN("check", "missing.json"), 2, "", "otlpkit check: missing.json: cannot be read: ");
    assert_ends(RUN("dump", "--where", "{ name = \"refund\" }", "a.json", "b.json"), 0, SPANS(SPAN("refund")) "\n", "");
    assert_ends(RUN("dump", "--where", "{ name = \"refund\" }", "--text", "a.json", "b.json"), 0, "  refund  ", "");
    assert_ends(RUN("dump", "--where", "{", "a.json"), 2, "", "otlpkit dump: ");
    unlink("a.json");
    unlink("b.json");
}

/* ---- What goes wrong ------------------------------------------------- */

static void test_a_receiver_that_is_not_there_is_said_with_code_3(void **state)
{
    uint16_t port;
    char url[64], told[128];
    (void)state;
    struct process p = SERVE(&port, "--json");
    process_stop(&p, SIGTERM);
    process_clear(&p);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    snprintf(told, sizeof told, "otlpkit wait: %s: ", url);
    assert_ends(RUN("wait", "--url", url, "{}"), 3, "", told);
    assert_ends(RUN("clear", "--url", url), 3, "", "otlpkit clear: ");
    assert_ends(RUN("check", "--url", url), 3, "", "otlpkit check: ");
    assert_ends(RUN("dump", "--url", url), 3, "", "otlpkit dump: ");
}

/* A file that is no library stands in for one that is not there. */
static void test_a_libcurl_that_is_not_there_is_said_with_code_3(void **state)
{
    (void)state;
    write_file("libcurl.so.4", "");
    write_file("libcurl-gnutls.so.4", "");
    setenv("LD_LIBRARY_PATH", ".", 1);
    assert_ends(RUN("clear"), 3, "", "otlpkit clear: cannot load libcurl.so.4, which asks running receivers\n");
    unsetenv("LD_LIBRARY_PATH");
    unlink("libcurl.so.4");
    unlink("libcurl-gnutls.so.4");
}

static void test_a_proxy_is_not_asked(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_ends(RUN("clear"), 0, "", "");
    unsetenv("http_proxy");
}

static int enter(void **state)
{
    return process_enter_folder(state) || start_server(state);
}

static int leave(void **state)
{
    return stop_server(state) || process_leave_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_ends_at_once_when_it_holds),
        cmocka_unit_test(test_wait_is_woken_by_what_comes),
        cmocka_unit_test(test_wait_reports_what_is_missing_with_code_1),
        cmocka_unit_test(test_a_wrong_line_is_explained_with_code_2),
        cmocka_unit_test(test_clear_forgets),
        cmocka_unit_test(test_check_names_the_line_of_a_file),
        cmocka_unit_test(test_check_fails_when_something_was_refused),
        cmocka_unit_test(test_check_judges_what_clients_did_about_failures),
        cmocka_unit_test(test_fault_lines_are_passed_over_aloud_or_refused),
        cmocka_unit_test(test_dump_shows_what_a_running_receiver_holds),
        cmocka_unit_test(test_sessions_are_asked_for_themselves),
        cmocka_unit_test(test_check_judges_files_together),
        cmocka_unit_test(test_a_receiver_that_is_not_there_is_said_with_code_3),
        cmocka_unit_test(test_a_libcurl_that_is_not_there_is_said_with_code_3),
        cmocka_unit_test(test_a_proxy_is_not_asked),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
