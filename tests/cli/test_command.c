/* The command `otlpkit`, driven from outside. */
#include "client.h"
#include "process.h"
#include "recording.h"

#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define SPAN "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"charge\",\"kind\":3}]}]}]}"

/* ---- Usage ----------------------------------------------------------- */

static void test_help_and_version_are_everywhere(void **state)
{
    (void)state;
    assert_ends(RUN("--help"), 0, "  serve ", "");
    assert_ends(RUN("--version"), 0, "otlpkit ", "");
    assert_ends(RUN("serve", "--help"), 0, "  --ready-file FILE ", "");
    assert_ends(RUN("dump", "--help"), 0, "Usage: otlpkit dump [OPTION]... [FILE]...", "");
    assert_ends(RUN("serve", "--version"), 0, "otlpkit ", "");
    assert_ends(RUN("dump", "--version"), 0, "otlpkit ", "");
}

static void test_wrong_usage_gets_one_clear_sentence(void **state)
{
    (void)state;
    assert_ends(RUN(""), 2, "", "Usage: ");
    assert_ends(RUN("sevre"), 2, "", "otlpkit: unknown command 'sevre', did you mean 'serve'?\n");
    assert_ends(RUN("xyzzy"), 2, "", "otlpkit: unknown command 'xyzzy'\n");
    assert_ends(RUN("serve", "--prot", "1"), 2, "", "otlpkit serve: unknown option --prot, did you mean --port?\n");
    assert_ends(RUN("serve", "-x"), 2, "", "otlpkit serve: unknown option -x\n");
    assert_ends(RUN("serve", "--port"), 2, "", "--port needs a port from 0 to 65535\n");
    assert_ends(RUN("serve", "--port=65536"), 2, "", "--port needs a port from 0 to 65535, not '65536'\n");
    assert_ends(RUN("serve", "--timeout", "5"), 2, "", "--timeout needs a duration such as 500ms, 2s or 1m, not '5'\n");
    assert_ends(RUN("serve", "--max-memory", "1XB"), 2, "", "--max-memory needs a size such as 64MiB, not '1XB'\n");
    assert_ends(RUN("serve", "--max-memory", "99999999999GiB"), 2, "", "needs a size");
    assert_ends(RUN("serve", "--max-connections", "0"), 2, "", "--max-connections needs a number from 1, not '0'\n");
    assert_ends(RUN("serve", "--json=1"), 2, "", "--json takes no argument\n");
    assert_ends(RUN("serve", "file"), 2, "", "otlpkit serve: takes no operands, but got 'file'\n");
    assert_ends(RUN("serve", "--save", "x.txt"), 2, "", "--save needs a name that ends in .jsonl or .warc");
    assert_ends(RUN("wait"), 2, "", "otlpkit wait: needs at least one LINE\n");
    assert_ends(RUN("dump", "--url", "http://h", "x"), 2, "", "otlpkit dump: takes a FILE or --url, not both\n");
    assert_ends(RUN("check", "--session", "s", "x"), 2, "", "otlpkit check: takes a FILE or --url, not both\n");
    assert_ends(RUN("dump", "--signal", "spans", "x"), 2, "",
                "--signal needs one of traces, metrics, logs, not 'spans'\n");
}

/* ---- serve ----------------------------------------------------------- */

static void test_json_is_written_before_the_answer_leaves(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = SERVE(&port, "--json");
    assert_int_equal(post(port, "/v1/traces", SPAN), 200);
    assert_string_equal(process_output(&p), SPAN "\n");
    assert_int_equal(post(port, "/v1/logs", "{\"resourceLogs\":[]}"), 200);
    assert_string_equal(process_output(&p), SPAN "\n{}\n");
    process_stop(&p, SIGTERM);
    assert_int_equal(p.code, 0);
    process_clear(&p);
}

static void test_lines_for_people_have_no_colour_in_a_file(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = SERVE(&port, "--host=127.0.0.1");
    assert_int_equal(post(port, "/v1/traces", SPAN), 200);
    assert_string_equal(process_output(&p), "--:--:--.---  span  -  charge  CLIENT  UNSET  no end\n");
    process_stop(&p, SIGTERM);
    process_clear(&p);
}

static void test_a_signal_ends_it_with_a_summary(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint16_t port;
        struct process p = SERVE(&port, "--json");
        assert_int_equal(post(port, "/v1/traces", SPAN), 200);
        assert_int_equal(post(port, "/v1/trace", SPAN), 404);
        process_stop(&p, signals[i]);
        assert_int_equal(p.code, 0);
        assert_has(&p.err_text, "request 2: refused with 404: POST /v1/trace: ");
        assert_has(&p.err_text, "\n2 requests, 1 of them refused, 1 span, 150 bytes\n");
        process_clear(&p);
    }
}

static void test_the_summary_counts_what_came_and_leaves_out_what_did_not(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = SERVE(&port, "--json", "--strict");
    process_stop(&p, SIGTERM);
    assert_has(&p.err_text, "no request came\n");
    process_clear(&p);
    p = SERVE(&port, "--json", "--strict");
    struct client grpc = client_open(port);
    assert_true(client_print(&grpc, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    assert_true(client_sees_end(&grpc));
    process_stop(&p, SIGTERM);
    client_close(&grpc);
    assert_has(&p.err_text, "otlpkit serve: a client spoke gRPC, over HTTP/2: set "
                            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
                            "no request came; not readable: 1 connection, 1 of them gRPC\n");
    process_clear(&p);
    p = SERVE(&port, "--json", "--strict");
    for (int i = 0; i < 2; i++)
        assert_int_equal(post(port, "/v1/metrics",
                              "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\","
                              "\"gauge\":{\"dataPoints\":[{\"asInt\":1}]}}]}]}]}"),
                         200);
    process_stop(&p, SIGTERM);
    assert_has(&p.err_text, "\n2 requests, 1 of them a repetition, 2 metrics with 2 data points, 2 items rejected, ");
    assert_has(&p.err_text, "request 1: rejected 1 of 1 data point: 1 with time_unix_nano 0");
    assert_has(&p.err_text, "; the same bytes as request 1\n");
    process_clear(&p);
}

static void test_a_session_is_named_in_its_lines(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = SERVE(&port, "--max-sessions", "1");
    assert_int_equal(post(port, "/s/one/v1/traces", SPAN), 200);
    assert_string_equal(process_output(&p), "--:--:--.---  [one]  span  -  charge  CLIENT  UNSET  no end\n");
    assert_int_equal(post(port, "/s/two/v1/traces", SPAN), 503);
    process_stop(&p, SIGTERM);
    process_clear(&p);
}

static unsigned ask_as(const char *host, uint16_t port)
{
    struct response r;
    struct client c = client_open(port);
    assert_true(client_print(&c, "GET /otlpkit/stats HTTP/1.1\r\nHost: %s\r\n\r\n", host));
    assert_true(client_read(&c, &r));
    unsigned status = r.status;
    response_clear(&r);
    client_close(&c);
    return status;
}

static void test_further_hosts_can_be_allowed(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = SERVE(&port, "--allow-host", "otlp.test,ci-runner");
    assert_int_equal(ask_as("localhost", port), 200);
    assert_int_equal(ask_as("otlp.test", port), 200);
    assert_int_equal(ask_as("elsewhere.test", port), 403);
    process_stop(&p, SIGTERM);
    process_clear(&p);
}

static void lower_file_limit(struct rlimit *before)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){256, before->rlim_max}), 0);
}

static void test_the_limit_of_open_files_is_raised_for_ourselves_only(void **state)
{
    (void)state;
    uint16_t port;
    struct rlimit before, of_serve;
    lower_file_limit(&before);
    assert_ends(RUN("run", "sh", "-c", "ulimit -n"), 1, "256\n", "");
    struct process p = SERVE(&port, "--max-connections", "300");
    assert_int_equal(prlimit(p.pid, RLIMIT_NOFILE, NULL, &of_serve), 0);
    assert_true(of_serve.rlim_cur >= 300 || of_serve.rlim_cur == before.rlim_max);
    process_stop(&p, SIGTERM);
    process_clear(&p);
    setrlimit(RLIMIT_NOFILE, &before);
}

/* RX-HTTP-06 */
static void test_further_paths_can_be_named(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = SERVE(&port, "--json", "--traces-path", "/custom", "--logs-path=/other");
    assert_int_equal(post(port, "/custom", SPAN), 200);
    assert_string_equal(process_output(&p), SPAN "\n");
    assert_int_equal(post(port, "/other", "{}"), 200);
    process_stop(&p, SIGTERM);
    process_clear(&p);
    assert_ends(RUN("serve", "--port", "0", "--logs-path", "x"), 2, "",
                "otlpkit serve: the path 'x' cannot be: it takes a / in front, and no query\n");
}

/* RX-HTTP-18 */
static void test_a_token_can_be_asked_for(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = SERVE(&port, "--json", "--authorization", "Bearer secret");
    assert_int_equal(post(port, "/v1/traces", SPAN), 401);
    process_stop(&p, SIGTERM);
    assert_has(&p.err_text, "refused with 401: POST /v1/traces: the Authorization header is missing");
    process_clear(&p);
}

/* RX-HTTP-08: whether it is free or taken on this machine. */
static void test_the_port_is_4318_when_none_is_named(void **state)
{
    char line[256];
    (void)state;
    struct process p = process_start((const char *const[]){"serve", "--host", "127.0.0.1", "--json", NULL}, NULL, NULL);
    process_error_line(&p, line, sizeof line);
    if (strncmp(line, "listening on ", 13) == 0) {
        assert_non_null(strstr(line, "http://127.0.0.1:4318"));
        process_stop(&p, SIGTERM);
    } else {
        assert_non_null(strstr(line, "cannot listen on 127.0.0.1:4318: address already in use"));
        process_wait(&p);
    }
    process_clear(&p);
}

static void test_the_ready_file_holds_the_url(void **state)
{
    (void)state;
    uint16_t port;
    char line[64] = "", expected[64];
    struct process p = SERVE(&port, "--ready-file", "ready");
    snprintf(expected, sizeof expected, "http://127.0.0.1:%u\n", port);
    process_stop(&p, SIGTERM);
    FILE *ready = fopen("ready", "r");
    assert_non_null(ready);
    assert_non_null(fgets(line, sizeof line, ready));
    assert_string_equal(line, expected);
    fclose(ready);
    unlink("ready");
    process_clear(&p);
}

static void test_what_the_machine_refuses_is_said_with_code_3(void **state)
{
    (void)state;
    uint16_t port;
    char taken[16];
    struct process p = SERVE(&port, "--json");
    snprintf(taken, sizeof taken, "%u", port);
    assert_ends(RUN("serve", "--port", taken), 3, "", ": address already in use\n");
    process_stop(&p, SIGTERM);
    process_clear(&p);
    assert_ends(RUN("serve", "--port", "0", "--save", "no/place.jsonl"), 3, "",
                "otlpkit serve: cannot write no/place.jsonl: No such file or directory\n");
    assert_ends(RUN("serve", "--port", "0", "--save", "no/place.warc"), 3, "",
                "otlpkit serve: cannot write no/place.warc: No such file or directory\n");
    assert_ends(RUN("serve", "--port", "0", "--ready-file", "no/place"), 3, "",
                "otlpkit serve: cannot write no/place: No such file or directory\n");
    assert_ends(RUN("serve", "--port", "0", "--host", "no such host"), 2, "", "no such host");
}

static void test_a_full_disk_stops_it_with_code_3(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = process_serve((const char *const[]){"serve", "--port", "0", "--json", NULL}, "/dev/full", &port);
    post(port, "/v1/traces", SPAN);
    process_wait(&p);
    assert_int_equal(p.code, 3);
    assert_has(&p.err_text, "otlpkit serve: cannot write to standard output: No space left on device\n");
    process_clear(&p);
}

static void assert_dumps(const char *file, const char *expected)
{
    struct process p = RUN("dump", file);
    if (p.code)
        fail_msg("%s", (const char *)p.err_text.data);
    assert_string_equal((const char *)p.out_text.data, expected);
    process_clear(&p);
}

static void test_what_is_saved_can_be_dumped(void **state)
{
    static const char *const files[] = {"saved.jsonl", "saved.warc"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint16_t port;
        struct process p = SERVE(&port, "--save", files[i]);
        assert_int_equal(post(port, "/v1/traces", SPAN), 200);
        assert_int_equal(post(port, "/v1/traces", "nonsense"), 400);
        assert_int_equal(post(port, "/v1/logs", "{\"resourceLogs\":[{}]}"), 200);
        process_stop(&p, SIGTERM);
        assert_int_equal(p.code, 0);
        process_clear(&p);
        assert_dumps(files[i], SPAN "\n{\"resourceLogs\":[{}]}\n");
        unlink(files[i]);
    }
}

static void test_the_oldest_requests_are_dropped_and_counted(void **state)
{
    (void)state;
    uint16_t port;
    struct process p = SERVE(&port, "--json", "--max-memory", "16KiB");
    for (int i = 0; i < 50; i++)
        assert_int_equal(post(port, "/v1/traces", SPAN), 200);
    process_stop(&p, SIGTERM);
    assert_int_equal(p.code, 0);
    assert_has(&p.err_text, "50 requests, ");
    assert_has(&p.err_text, ", 50 spans, ");
    assert_has(&p.err_text, "; dropped from memory: ");
    process_clear(&p);
}

/* ---- dump ------------------------------------------------------------ */

static void dump_recording(const json_t *fixture)
{
    char path[512];
    const char *file = json_string_value(json_object_get(fixture, "file"));
    bool quirks = strncmp(file, "30-", 3) == 0;
    snprintf(path, sizeof path, "%s/%s", RECORDINGS, file);
    struct process p = RUN("dump", path);
    if (p.code)
        fail_msg("%s", (const char *)p.err_text.data);
    const char *text = (const char *)p.out_text.data;
    json_t *actual = json_loads(text, 0, NULL);
    if (!actual) /* doubles that are written as integers beyond 64 bits */
        actual = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
    assert_recording(actual, json_string_value(json_object_get(fixture, "decoded")), quirks);
    assert_int_equal(p.err_text.size > 0, quirks);
    process_clear(&p);
}

static void test_every_recording_dumps_to_what_it_holds(void **state)
{
    (void)state;
    size_t i, dumped = 0;
    json_t *fixture, *index = json_load_file(RECORDINGS "/index.json", JSON_DECODE_INT_AS_REAL, NULL);
    assert_non_null(index);
    json_array_foreach(json_object_get(index, "fixtures"), i, fixture)
    {
        const char *transport = json_string_value(json_object_get(fixture, "transport"));
        if (strcmp(transport, "http/1.1") != 0)
            continue;
        dump_recording(fixture);
        dumped++;
    }
    assert_true(dumped >= 20);
    json_decref(index);
}

static void test_dump_reads_standard_input(void **state)
{
    (void)state;
    write_file("in.json", SPAN);
    assert_ends(process_run((const char *const[]){"dump", "-", NULL}, "in.json"), 0, SPAN "\n", "");
    assert_ends(process_run((const char *const[]){"dump", "--text", "-", NULL}, "in.json"), 0, "  charge  ", "");
    assert_ends(process_run((const char *const[]){"dump", "--signal", "logs", "-", NULL}, NULL), 0, "{}\n", "");
    unlink("in.json");
}

static void test_dump_goes_on_behind_a_file_it_cannot_read(void **state)
{
    (void)state;
    write_file("good.json", SPAN);
    write_file("bad.json", "{\"resourceSpans\":7}");
    assert_ends(RUN("dump", "missing", "bad.json", "good.json"), 2, SPAN "\n",
                "otlpkit dump: missing: cannot be read: No such file or directory\notlpkit dump: bad.json, line 1: ");
    unlink("good.json");
    unlink("bad.json");
}

static void test_dump_tells_that_its_output_is_full(void **state)
{
    (void)state;
    write_file("in.json", SPAN);
    struct process p = process_start((const char *const[]){"dump", "in.json", NULL}, NULL, "/dev/full");
    process_wait(&p);
    assert_int_equal(p.code, 3);
    assert_has(&p.err_text, "cannot write to standard output: No space left on device\n");
    process_clear(&p);
    unlink("in.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_version_are_everywhere),
        cmocka_unit_test(test_wrong_usage_gets_one_clear_sentence),
        cmocka_unit_test(test_json_is_written_before_the_answer_leaves),
        cmocka_unit_test(test_lines_for_people_have_no_colour_in_a_file),
        cmocka_unit_test(test_a_signal_ends_it_with_a_summary),
        cmocka_unit_test(test_the_summary_counts_what_came_and_leaves_out_what_did_not),
        cmocka_unit_test(test_a_session_is_named_in_its_lines),
        cmocka_unit_test(test_further_hosts_can_be_allowed),
        cmocka_unit_test(test_the_limit_of_open_files_is_raised_for_ourselves_only),
        cmocka_unit_test(test_further_paths_can_be_named),
        cmocka_unit_test(test_a_token_can_be_asked_for),
        cmocka_unit_test(test_the_port_is_4318_when_none_is_named),
        cmocka_unit_test(test_the_ready_file_holds_the_url),
        cmocka_unit_test(test_what_the_machine_refuses_is_said_with_code_3),
        cmocka_unit_test(test_a_full_disk_stops_it_with_code_3),
        cmocka_unit_test(test_what_is_saved_can_be_dumped),
        cmocka_unit_test(test_the_oldest_requests_are_dropped_and_counted),
        cmocka_unit_test(test_every_recording_dumps_to_what_it_holds),
        cmocka_unit_test(test_dump_reads_standard_input),
        cmocka_unit_test(test_dump_goes_on_behind_a_file_it_cannot_read),
        cmocka_unit_test(test_dump_tells_that_its_output_is_full),
    };
    return cmocka_run_group_tests(tests, process_enter_folder, process_leave_folder);
}
