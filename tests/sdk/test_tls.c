/* The way over TLS: who is trusted, who is not, and what broken connections do. */
#include "test.h"

#include "tls_server.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRUST "OTEL_EXPORTER_OTLP_CERTIFICATE=" CERTIFICATES "/authority.pem"
#define CLIENT_CERTIFICATE "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" CERTIFICATES "/client.pem"
#define CLIENT_KEY "OTEL_EXPORTER_OTLP_CLIENT_KEY=" CERTIFICATES "/client.key"

#define MAX_SETTINGS 8

struct world {
    struct tls_server *server;
    char endpoint[64];
    otk_sdk *sdk;
    struct notes notes;
};

static void start_at(struct world *w, const char *scheme, const char *const *settings)
{
    const char *all[MAX_SETTINGS] = {"OTEL_C_EXPORTER_RETRY_DELAY=1"};
    for (size_t i = 0; settings[i]; i++)
        all[i + 1] = settings[i];
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    snprintf(w->endpoint, sizeof w->endpoint, "%s://127.0.0.1:%u", scheme, tls_server_port(w->server));
    w->notes = (struct notes){0};
    options.endpoint = w->endpoint;
    options.ignore_environment = true;
    options.settings = all;
    options.on_warning = note;
    options.on_warning_arg = &w->notes;
    w->sdk = otk_sdk_start(&options, NULL);
    assert_non_null(w->sdk);
}

static void finish(struct world *w)
{
    otk_sdk_stop(w->sdk);
    tls_server_stop(w->server);
}

static int send_span(struct world *w)
{
    otk_span_free(otk_span_start(otk_sdk_tracer(w->sdk, "test", NULL), "span", NULL));
    return otk_sdk_force_flush(w->sdk, PATIENCE_MS);
}

/* Nothing is sent, and nothing is tried again: another attempt would meet the same server. */
static void assert_refused(struct world *w, const char *why)
{
    assert_int_equal(send_span(w), OTK_ESYSTEM);
    assert_int_equal(traces_of(w->sdk).dropped[OTK_DROP_REFUSED], 1);
    assert_int_equal(traces_of(w->sdk).retries, 0);
    assert_int_equal(tls_server_requests(w->server), 0);
    assert_noted(&w->notes, why);
}

/* SDK-URL-06, SDK-ENV-24, SDK-EXP-12, SDK-EXP-04, SDK-EXP-05: the server offers HTTP/1.1 only. */
static void test_a_trusted_server_gets_all_over_one_connection(void **state)
{
    struct world w = {.server = tls_server_start("server", false)};
    (void)state;
    start_at(&w, "https", (const char *const[]){TRUST, NULL});
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_span(&w), 0);
    assert_int_equal(tls_server_requests(w.server), 3);
    assert_int_equal(tls_server_connections(w.server), 1);
    assert_int_equal(w.notes.count, 0);
    finish(&w);
}

/* SDK-EXP-12: the system's authorities do not know ours. */
static void test_an_unknown_authority_is_refused(void **state)
{
    struct world w = {.server = tls_server_start("server", false)};
    (void)state;
    start_at(&w, "https", (const char *const[]){NULL});
    assert_refused(&w, "certificate");
    finish(&w);
}

/* SDK-EXP-12 */
static void test_a_server_with_another_name_is_refused(void **state)
{
    struct world w = {.server = tls_server_start("elsewhere", false)};
    (void)state;
    start_at(&w, "https", (const char *const[]){TRUST, NULL});
    assert_refused(&w, "certificate");
    finish(&w);
}

/* What is missing does not mean that all is trusted. */
static void test_a_certificate_file_that_is_missing_is_refused(void **state)
{
    struct world w = {.server = tls_server_start("server", false)};
    (void)state;
    start_at(&w, "https", (const char *const[]){"OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere.pem", NULL});
    assert_refused(&w, "/nowhere.pem");
    finish(&w);
}

/* SDK-URL-06: nothing is sent in the clear to a server that speaks TLS, nor the other way round. */
static void test_the_scheme_decides(void **state)
{
    struct world w = {.server = tls_server_start("server", false)};
    (void)state;
    start_at(&w, "http", (const char *const[]){"OTEL_EXPORTER_OTLP_TIMEOUT=50", NULL});
    assert_int_equal(send_span(&w), OTK_ESYSTEM);
    assert_int_equal(traces_of(w.sdk).delivered, 0);
    assert_int_equal(tls_server_requests(w.server), 0);
    finish(&w);
}

/* SDK-ENV-25 */
static void test_a_client_shows_its_certificate(void **state)
{
    struct world w = {.server = tls_server_start("server", true)};
    (void)state;
    start_at(&w, "https", (const char *const[]){TRUST, CLIENT_CERTIFICATE, CLIENT_KEY, NULL});
    assert_int_equal(send_span(&w), 0);
    finish(&w);
}

/* SDK-ENV-25 */
static void test_a_client_without_certificate_is_turned_away(void **state)
{
    struct world w = {.server = tls_server_start("server", true)};
    (void)state;
    start_at(&w, "https", (const char *const[]){TRUST, NULL});
    assert_int_equal(send_span(&w), OTK_ESYSTEM);
    assert_noted(&w.notes, "export of traces: the server answered 403");
    finish(&w);
}

/* SDK-ENV-27, SDK-ENV-24 */
static void test_each_signal_may_trust_others(void **state)
{
    struct world w = {.server = tls_server_start("server", false)};
    (void)state;
    start_at(&w, "https",
             (const char *const[]){"OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE=" CERTIFICATES "/authority.pem",
                                   "OTEL_EXPORTER_OTLP_CERTIFICATE=" CERTIFICATES "/elsewhere.pem", NULL});
    otk_logger_log(otk_sdk_logger(w.sdk, "test", NULL), OTK_SEVERITY_NUMBER_INFO, "text", NULL);
    assert_int_equal(send_span(&w), OTK_ESYSTEM);
    assert_int_equal(traces_of(w.sdk).dropped[OTK_DROP_REFUSED], 1);
    assert_int_equal(stats_of(w.sdk, OTK_SIGNAL_LOGS).delivered, 1);
    finish(&w);
}

/* What OpenSSL writes into a broken connection raises SIGPIPE, which would end this program. */
static void test_a_server_that_is_gone_harms_nobody(void **state)
{
    struct sigaction pipe;
    struct world w = {.server = tls_server_start("server", false)};
    (void)state;
    start_at(&w, "https", (const char *const[]){TRUST, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=50", NULL});
    assert_int_equal(send_span(&w), 0);
    tls_server_stop(w.server);
    assert_int_equal(send_span(&w), OTK_ESYSTEM);
    assert_int_equal(traces_of(w.sdk).dropped[OTK_DROP_UNREACHABLE], 1);
    otk_sdk_stop(w.sdk);
    assert_int_equal(sigaction(SIGPIPE, NULL, &pipe), 0);
    assert_true(pipe.sa_handler == SIG_DFL);
}

/* How a program ends that records a span and returns from main. */
static int run_program(struct world *w, const char *argument)
{
    int status;
    snprintf(w->endpoint, sizeof w->endpoint, "https://127.0.0.1:%u", tls_server_port(w->server));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("OTEL_EXPORTER_OTLP_ENDPOINT", w->endpoint, 1);
        setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", CERTIFICATES "/authority.pem", 1);
        setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1", 1);
        execl(PROGRAM_THAT_EXITS, PROGRAM_THAT_EXITS, argument, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* SDK-PROC-11: the last flush comes before the TLS library takes itself down. */
static void test_a_program_that_just_exits_has_delivered(void **state)
{
    struct world w = {.server = tls_server_start("server", false)};
    (void)state;
    assert_int_equal(run_program(&w, NULL), 0);
    assert_int_equal(tls_server_requests(w.server), 1);
    tls_server_stop(w.server);
}

/* The worker is anywhere in its first export when main returns. */
static void test_a_program_that_exits_in_an_export_ends_well(void **state)
{
    struct world w = {.server = tls_server_start("server", false)};
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(run_program(&w, "quiet"), 0);
    tls_server_stop(w.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_trusted_server_gets_all_over_one_connection),
        cmocka_unit_test(test_an_unknown_authority_is_refused),
        cmocka_unit_test(test_a_server_with_another_name_is_refused),
        cmocka_unit_test(test_a_certificate_file_that_is_missing_is_refused),
        cmocka_unit_test(test_the_scheme_decides),
        cmocka_unit_test(test_a_client_shows_its_certificate),
        cmocka_unit_test(test_a_client_without_certificate_is_turned_away),
        cmocka_unit_test(test_each_signal_may_trust_others),
        cmocka_unit_test(test_a_server_that_is_gone_harms_nobody),
        cmocka_unit_test(test_a_program_that_just_exits_has_delivered),
        cmocka_unit_test(test_a_program_that_exits_in_an_export_ends_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
