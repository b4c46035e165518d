#include "test.h"

#include "server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <sys/socket.h>
#include <zlib.h>

#define MAX_SETTINGS 8

/* An SDK that sends to a scripted server, and hardly waits before a retry. */
struct world {
    struct server *server;
    otk_sdk *sdk;
    otk_tracer *tracer;
    struct notes notes;
};

static void start_with(struct world *w, const char *const *script, const char *const *settings)
{
    const char *all[MAX_SETTINGS + 2] = {"OTEL_C_EXPORTER_RETRY_DELAY=1"};
    for (size_t i = 0; settings && settings[i]; i++)
        all[i + 1] = settings[i];
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    *w = (struct world){.server = server_start(script)};
    options.endpoint = server_url(w->server);
    options.ignore_environment = true;
    options.settings = all;
    options.on_warning = note;
    options.on_warning_arg = &w->notes;
    w->sdk = otk_sdk_start(&options, NULL);
    assert_non_null(w->sdk);
    w->tracer = otk_sdk_tracer(w->sdk, "test", NULL);
}

static void start(struct world *w, const char *const *script)
{
    start_with(w, script, NULL);
}

static void finish(struct world *w)
{
    otk_sdk_stop(w->sdk);
    server_stop(w->server);
}

static void record(struct world *w, unsigned spans)
{
    while (spans--)
        otk_span_free(otk_span_start(w->tracer, "span", NULL));
}

static void log_text(struct world *w)
{
    otk_logger_log(otk_sdk_logger(w->sdk, "test", NULL), OTK_SEVERITY_NUMBER_INFO, "text", NULL);
}

/* A span of 1 MiB. */
static void record_large(struct world *w)
{
    static char name[1 << 20];
    memset(name, 'x', sizeof name - 1);
    otk_span_free(otk_span_start(w->tracer, name, NULL));
}

static void assert_header(const struct request *r, const char *name, const char *value)
{
    char seen[256];
    if (!request_header(r, name, seen, sizeof seen))
        fail_msg("no header %s in:\n%s", name, r->head);
    assert_string_equal(seen, value);
}

/* ---- Requests -------------------------------------------------------- */

/* SDK-EXP-01, SDK-EXP-03, SDK-EXP-08, SDK-LF-03, SDK-LF-07 */
static void test_posts_protobuf_to_the_paths_of_the_signals(void **state)
{
    struct world w;
    char unwanted[64];
    (void)state;
    start_with(&w, NULL, (const char *const[]){"OTEL_EXPORTER_OTLP_HEADERS=Authorization=token,x=1", NULL});
    record(&w, 1);
    otk_counter_add(otk_meter_counter(otk_sdk_meter(w.sdk, "test", NULL), "count", NULL, NULL), 1, NULL);
    log_text(&w);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);

    static const char *const lines[] = {"POST /v1/traces HTTP/1.1\r\n", "POST /v1/metrics HTTP/1.1\r\n",
                                        "POST /v1/logs HTTP/1.1\r\n"};
    assert_int_equal(server_request_count(w.server), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct request *r = server_request(w.server, i);
        assert_true(request_begins(r, lines[i]));
        assert_header(r, "Content-Type", "application/x-protobuf");
        assert_header(r, "User-Agent", "OTel-OTLP-Exporter-C/" OTLPKIT_VERSION);
        assert_header(r, "Authorization", "token");
        assert_header(r, "x", "1");
        assert_false(request_header(r, "Content-Encoding", unwanted, sizeof unwanted));
        assert_false(request_header(r, "Accept-Encoding", unwanted, sizeof unwanted));
    }
    finish(&w);
}

/* curl would ask for permission first, and wait for an answer that many servers do not give. */
static void test_a_large_body_is_sent_without_asking(void **state)
{
    struct world w;
    char unwanted[64];
    (void)state;
    start(&w, NULL);
    record_large(&w);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_false(request_header(server_request(w.server, 0), "Expect", unwanted, sizeof unwanted));
    finish(&w);
}

/* SDK-EXP-09: whoever builds a distribution says all of it. */
static void test_a_header_of_ones_own_replaces_the_user_agent(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, NULL,
               (const char *const[]){"OTEL_EXPORTER_OTLP_HEADERS=user-agent=Mine/1.0 OTel-OTLP-Exporter-C/0", NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_header(server_request(w.server, 0), "User-Agent", "Mine/1.0 OTel-OTLP-Exporter-C/0");
    assert_null(strstr(server_request(w.server, 0)->head, OTLPKIT_VERSION));
    finish(&w);
}

/* SDK-EXP-02, SDK-ENV-22 */
static void test_gzip_bodies_say_so_and_inflate(void **state)
{
    struct world w;
    uint8_t plain[4096];
    (void)state;
    start_with(&w, NULL, (const char *const[]){"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", NULL});
    record(&w, 20);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    const struct request *r = server_request(w.server, 0);
    assert_header(r, "Content-Encoding", "gzip");
    z_stream z = {.next_in = r->body, .avail_in = (uInt)r->size, .next_out = plain, .avail_out = sizeof plain};
    assert_int_equal(inflateInit2(&z, 16 + 15), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_true(z.total_out > r->size);
    assert_int_equal(plain[0], 0x0a);
    inflateEnd(&z);
    finish(&w);
}

/* SDK-EXP-04; SDK-EXP-13: the exports are no spans themselves. */
static void test_ten_exports_take_one_connection(void **state)
{
    struct world w;
    (void)state;
    start(&w, NULL);
    for (int i = 0; i < 10; i++) {
        record(&w, 1);
        assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    }
    assert_int_equal(server_request_count(w.server), 10);
    assert_int_equal(server_connection_count(w.server), 1);
    assert_int_equal(traces_of(w.sdk).accepted, 10);
    finish(&w);
}

/* A server may close an idle connection at any time: that is no failure of an export. */
static void test_a_connection_closed_while_idle_is_opened_again(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){SERVER_OK, server_hangs_up, NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_connection_count(w.server), 2);
    finish(&w);
}

/* SDK-EXP-07 */
static void test_an_idle_sdk_sends_nothing(void **state)
{
    struct world w;
    (void)state;
    start(&w, NULL);
    otk_meter_counter(otk_sdk_meter(w.sdk, "test", NULL), "count", NULL, NULL);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(otk_sdk_shutdown(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_connection_count(w.server), 0);
    finish(&w);
}

/* SDK-EXP-06, SDK-ENV-33: before compression, which would make it small enough. */
static void test_what_is_too_large_is_split_or_counted(void **state)
{
    static const char *const compressions[] = {"none", "gzip"};
    char long_name[500], compression[64];
    (void)state;
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    for (size_t i = 0; i < COUNT(compressions); i++) {
        struct world w;
        snprintf(compression, sizeof compression, "OTEL_EXPORTER_OTLP_COMPRESSION=%s", compressions[i]);
        start_with(&w, NULL, (const char *const[]){"OTEL_C_EXPORTER_MAX_REQUEST_BYTES=400", compression, NULL});
        record(&w, 3);
        otk_span_free(otk_span_start(w.tracer, long_name, NULL));
        assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
        otk_signal_stats s = traces_of(w.sdk);
        assert_int_equal(s.delivered, 3);
        assert_int_equal(s.dropped[OTK_DROP_TOO_LARGE], 1);
        for (size_t k = 0; k < server_request_count(w.server); k++)
            assert_true(server_request(w.server, k)->size <= 400);
        finish(&w);
    }
}

/* SDK-RTY-01, SDK-RTY-04, SDK-RTY-15: a 2xx without a body is success, of which nothing is told. Redirects are not
 * followed. */
static void test_status_codes_decide(void **state)
{
    static const struct {
        const char *reply;
        bool delivered;
        unsigned requests;
    } cases[] = {
        {SERVER_STATUS("200 OK"), true, 1},
        {SERVER_STATUS("202 Accepted"), true, 1},
        {"HTTP/1.1 204 No Content\r\n\r\n", true, 1},
        {SERVER_STATUS("301 Moved\r\nLocation: /elsewhere"), false, 1},
        {SERVER_STATUS("307 Moved\r\nLocation: /elsewhere"), false, 1},
        {SERVER_STATUS("400 Bad Request"), false, 1},
        {SERVER_STATUS("401 Unauthorized"), false, 1},
        {SERVER_STATUS("404 Not Found"), false, 1},
        {SERVER_STATUS("408 Request Timeout"), false, 1},
        {SERVER_STATUS("413 Too Large"), false, 1},
        {SERVER_STATUS("500 Internal"), false, 1},
        {SERVER_STATUS("501 Not Implemented"), false, 1},
        {SERVER_STATUS("505 Version"), false, 1},
        {SERVER_STATUS("429 Too Many Requests"), true, 2},
        {SERVER_STATUS("502 Bad Gateway"), true, 2},
        {SERVER_STATUS("503 Service Unavailable"), true, 2},
        {SERVER_STATUS("504 Gateway Timeout"), true, 2},
        {server_hangs_up, true, 2},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        start(&w, (const char *const[]){cases[i].reply, NULL});
        record(&w, 2);
        assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), cases[i].delivered ? 0 : OTK_ESYSTEM);
        otk_signal_stats s = traces_of(w.sdk);
        assert_int_equal(s.delivered, cases[i].delivered ? 2 : 0);
        assert_int_equal(s.dropped[OTK_DROP_REFUSED], cases[i].delivered ? 0 : 2);
        assert_int_equal(s.retries, cases[i].requests - 1);
        assert_int_equal(s.requests, 1);
        assert_int_equal(server_request_count(w.server), cases[i].requests);
        assert_int_equal(w.notes.count, cases[i].delivered && cases[i].requests == 1 ? 0 : 1);
        finish(&w);
    }
}

/* SDK-RTY-04, SDK-RTY-05, SDK-RTY-07: the same bytes go again. */
static void test_retries_until_it_is_taken(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){server_hangs_up, SERVER_STATUS("503 Busy"), SERVER_STATUS("429 Slowly"), NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_request_count(w.server), 4);
    const struct request *first = server_request(w.server, 0);
    const struct request *last = server_request(w.server, 3);
    assert_int_equal(first->size, last->size);
    assert_memory_equal(first->body, last->body, last->size);
    assert_int_equal(traces_of(w.sdk).retries, 3);
    finish(&w);
}

/* SDK-RTY-08: longer than the timeout leaves no time for a retry; what is neither seconds nor date means backoff. */
static void test_retry_after_is_honoured(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){SERVER_STATUS("503 Busy\r\nRetry-After: 3600"), NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_int_equal(traces_of(w.sdk).dropped[OTK_DROP_UNREACHABLE], 1);
    assert_int_equal(server_request_count(w.server), 1);
    finish(&w);

    start(&w, (const char *const[]){SERVER_STATUS("503 Busy\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT"),
                                    SERVER_STATUS("503 Busy\r\nRetry-After: soon"), NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_request_count(w.server), 3);
    finish(&w);
}

/* SDK-RTY-06: nobody listens there. */
static void test_a_closed_port_is_tried_again_within_the_timeout(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, NULL, (const char *const[]){"OTEL_EXPORTER_OTLP_TIMEOUT=50", NULL});
    server_stop(w.server);
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    otk_signal_stats s = traces_of(w.sdk);
    assert_int_equal(s.dropped[OTK_DROP_UNREACHABLE], 1);
    assert_true(s.retries > 0);
    assert_noted(&w.notes, "export of traces: Could"); /* "Couldn't connect to server", "Could not …" in newer curl */
    assert_noted(&w.notes, "connect to server");
    otk_sdk_stop(w.sdk);
}

/* SDK-EXP-10, SDK-ENV-23; SDK-PROC-09, SDK-ENV-10: that of the exporter, and that of the processor */
static void test_the_shorter_timeout_bounds_an_export(void **state)
{
    static const char *const timeouts[] = {"OTEL_EXPORTER_OTLP_TIMEOUT=50", "OTEL_BSP_EXPORT_TIMEOUT=50"};
    (void)state;
    for (size_t i = 0; i < COUNT(timeouts); i++) {
        struct world w;
        start_with(&w, (const char *const[]){server_holds, NULL}, (const char *const[]){timeouts[i], NULL});
        record(&w, 1);
        assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS / 2), OTK_ESYSTEM);
        assert_int_equal(traces_of(w.sdk).dropped[OTK_DROP_UNREACHABLE], 1);
        finish(&w);
    }
}

/* A redirect may lead anywhere, with the headers that were meant for one server. */
static void test_a_redirect_is_told_and_not_followed(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){SERVER_STATUS("308 Moved\r\nLocation: /elsewhere"), NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_noted(&w.notes, "the server answered 308, but redirects are not followed: http://127.0.0.1:");
    assert_noted(&w.notes, "/elsewhere");
    finish(&w);
}

static void test_a_redirect_is_told_without_the_password(void **state)
{
    struct world w;
    char endpoint[128];
    (void)state;
    struct server *server = server_start((const char *const[]){SERVER_STATUS("308 Moved\r\nLocation: /x?y"), NULL});
    snprintf(endpoint, sizeof endpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://ada:secret@127.0.0.1:%u/v1/traces",
             server_port(server));
    start_with(&w, NULL, (const char *const[]){endpoint, NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_header(server_request(server, 0), "Authorization", "Basic YWRhOnNlY3JldA==");
    assert_noted(&w.notes, "redirects are not followed: http://***@127.0.0.1:");
    assert_null(strstr(w.notes.text, "secret"));
    finish(&w);
    server_stop(server);
}

/* ---- The host -------------------------------------------------------- */

/* The usual variables name it; what is local does not go there. */
static void test_a_proxy_is_asked_but_for_what_is_local(void **state)
{
    struct world w;
    (void)state;
    struct server *proxy = server_start(NULL);
    setenv("http_proxy", server_url(proxy), 1);
    unsetenv("no_proxy"); /* which may know what is local, too */
    unsetenv("NO_PROXY");
    start_with(&w, NULL,
               (const char *const[]){"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://collector.test:4318/v1/logs", NULL});
    record(&w, 1);
    log_text(&w);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_request_count(w.server), 1);
    assert_int_equal(server_request_count(proxy), 1);
    assert_true(request_begins(server_request(proxy, 0), "POST http://collector.test:4318/v1/logs HTTP/1.1\r\n"));
    finish(&w);
    unsetenv("http_proxy");
    server_stop(proxy);
}

static bool is_connected_to(int fd, uint16_t port)
{
    struct sockaddr_in peer = {0};
    socklen_t size = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && ntohs(peer.sin_port) == port;
}

static void test_programs_that_the_host_starts_do_not_inherit_the_connection(void **state)
{
    struct world w;
    unsigned found = 0;
    (void)state;
    start(&w, NULL);
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    for (int fd = 0; fd < 1024; fd++) {
        if (!is_connected_to(fd, server_port(w.server)))
            continue;
        found++;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    assert_int_equal(found, 1);
    finish(&w);
}

static void test_the_locale_is_the_hosts(void **state)
{
    struct world w;
    (void)state;
    assert_string_equal(setlocale(LC_ALL, "C.UTF-8"), "C.UTF-8");
    start(&w, NULL);
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    finish(&w);
    assert_string_equal(setlocale(LC_ALL, NULL), "C.UTF-8");
}

/* ---- Answers --------------------------------------------------------- */

/* ExportTraceServiceResponse{partial_success{rejected_spans: 2, error_message: "too old"}} */
#define PARTIAL "\x0a\x0b\x08\x02\x12\x07too old"
#define REPLY_13(body) "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 13\r\n\r\n" body

/* SDK-RTY-02 */
static void test_a_partial_success_is_counted_and_not_retried(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){REPLY_13(PARTIAL), NULL});
    record(&w, 5);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    otk_signal_stats s = traces_of(w.sdk);
    assert_int_equal(s.delivered, 3);
    assert_int_equal(s.rejected, 2);
    assert_int_equal(server_request_count(w.server), 1);
    assert_noted(&w.notes, "the server rejected 2: too old");
    finish(&w);
}

/* SDK-RTY-03: one that is empty, and then partial_success{error_message: "old field"} */
static void test_a_message_without_rejections_is_a_warning(void **state)
{
    static const char empty[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n"
                                "{\"partialSuccess\":{}}";
    struct world w;
    (void)state;
    start(&w, (const char *const[]){empty, REPLY_13("\x0a\x0b\x12\x09old field"), NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(w.notes.count, 0);
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_noted(&w.notes, "the server says: old field");
    assert_int_equal(traces_of(w.sdk).delivered, 2);
    finish(&w);
}

static void test_a_server_cannot_reject_more_than_it_got(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){REPLY_13("\x0a\x0b\x08\x7f\x12\x07too old"), NULL});
    record(&w, 5);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_int_equal(traces_of(w.sdk).rejected, 5);
    finish(&w);
}

static void test_a_garbled_answer_is_still_an_answer(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){REPLY_13("\xff\xff\xff not proto"), NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(traces_of(w.sdk).delivered, 1);
    assert_int_equal(w.notes.count, 1);
    finish(&w);
}

/* What a server says cannot begin another line of a log. */
static void test_a_message_of_the_server_is_one_line(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){REPLY_13("\x0a\x0b\x08\x02\x12\x07too\nold"), NULL});
    record(&w, 5);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_noted(&w.notes, "the server rejected 2: too old");
    finish(&w);
}

/* SDK-RTY-12: Status{message: "bad span"} */
static void test_the_status_of_a_refusal_is_told(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){"HTTP/1.1 400 Bad\r\nContent-Length: 10\r\n\r\n\x12\x08"
                                    "bad span",
                                    NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_noted(&w.notes, "the server answered 400: bad span");
    finish(&w);
}

/* SDK-RTY-11 */
static void test_an_endless_answer_is_cut_off_and_not_retried(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){server_floods, NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_int_equal(traces_of(w.sdk).dropped[OTK_DROP_REFUSED], 1);
    assert_int_equal(server_request_count(w.server), 1);
    assert_noted(&w.notes, "exceeds 4194304 bytes");
    finish(&w);
}

/* SDK-RTY-11 */
static void test_a_head_is_no_longer_than_an_answer_may_be(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, (const char *const[]){SERVER_STATUS("200 OK\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3"), NULL},
               (const char *const[]){"OTEL_C_EXPORTER_MAX_RESPONSE_BYTES=50", NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_int_equal(traces_of(w.sdk).dropped[OTK_DROP_REFUSED], 1);
    assert_noted(&w.notes, "exceeds 50 bytes");
    finish(&w);
}

/* ---- The queue ------------------------------------------------------- */

/* SDK-PROC-06: a full batch does not wait for its delay, and one that is not full does. */
static void test_a_full_batch_goes_at_once(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, NULL,
               (const char *const[]){"OTEL_BSP_SCHEDULE_DELAY=2147483647", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=10",
                                     "OTEL_BLRP_SCHEDULE_DELAY=1", NULL});
    record(&w, 9);
    log_text(&w);
    server_wait(w.server, 1);
    assert_true(request_begins(server_request(w.server, 0), "POST /v1/logs HTTP/1.1\r\n"));
    record(&w, 1);
    server_wait(w.server, 2);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(traces_of(w.sdk).delivered, 10);
    assert_int_equal(traces_of(w.sdk).requests, 1);
    finish(&w);
}

static void *record_some(void *arg)
{
    record(arg, 20);
    return NULL;
}

/* SDK-PROC-05, SDK-EXP-11: of the simple processor, too. The second request would open a second connection, if it did
 * not wait for the first one's answer. */
static void test_exports_do_not_overlap(void **state)
{
    static const char *const each = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1";
    struct world w;
    pthread_t threads[2];
    (void)state;
    start_with(&w, (const char *const[]){server_holds, NULL}, (const char *const[]){each, NULL});
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record_some, &w), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    server_wait(w.server, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, 1), OTK_ETIMEOUT);
    server_release(w.server);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_request_count(w.server), 40);
    assert_int_equal(server_connection_count(w.server), 1);
    finish(&w);
}

/* SDK-PROC-06 */
static void test_a_span_goes_when_its_delay_is_over(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, NULL, (const char *const[]){"OTEL_BSP_SCHEDULE_DELAY=1", NULL});
    record(&w, 1);
    server_wait(w.server, 1);
    finish(&w);
}

/* SDK-MET-23; SDK-PROC-08, SDK-EXP-07: at the end of a delay without spans and log records nothing is sent. */
static void test_metrics_go_at_their_interval(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, NULL,
               (const char *const[]){"OTEL_METRIC_EXPORT_INTERVAL=1", "OTEL_BSP_SCHEDULE_DELAY=0",
                                     "OTEL_BLRP_SCHEDULE_DELAY=0", NULL});
    otk_counter_add(otk_meter_counter(otk_sdk_meter(w.sdk, "test", NULL), "count", NULL, NULL), 1, NULL);
    server_wait(w.server, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(request_begins(server_request(w.server, i), "POST /v1/metrics HTTP/1.1\r\n"));
    finish(&w);
}

/* SDK-PROC-07, SDK-PROC-04: the caller never waits, and what does not fit is counted. */
static void test_a_full_queue_drops_what_is_new(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, (const char *const[]){server_holds, NULL},
               (const char *const[]){"OTEL_BSP_MAX_QUEUE_SIZE=10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=5", NULL});
    record(&w, 5);
    server_wait(w.server, 1);
    record(&w, 30);
    otk_signal_stats s = traces_of(w.sdk);
    assert_int_equal(s.accepted, 35);
    assert_int_equal(s.queued, 15);
    assert_int_equal(s.dropped[OTK_DROP_QUEUE_FULL], 20);
    server_release(w.server);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    s = traces_of(w.sdk);
    assert_int_equal(s.delivered, 15);
    assert_int_equal(s.queued, 0);
    finish(&w);
}

/* SDK-ERR-05: however few they are, the largest spans take no more than 64 MiB. */
static void test_a_queue_has_a_limit_in_bytes(void **state)
{
    enum { SPANS = 80 };
    struct world w;
    (void)state;
    start_with(&w, NULL, (const char *const[]){"OTEL_BSP_SCHEDULE_DELAY=2147483647", NULL});
    for (int i = 0; i < SPANS; i++)
        record_large(&w);
    otk_signal_stats s = traces_of(w.sdk);
    assert_in_range(s.queued, 60, 64);
    assert_int_equal(s.dropped[OTK_DROP_QUEUE_FULL], SPANS - s.queued);
    otk_sdk_shutdown(w.sdk, 0);
    finish(&w);
}

/* ---- Flush and shutdown ---------------------------------------------- */

/* SDK-PROC-10, SDK-PROC-06: all that ended before, however many batches that takes */
static void test_a_flush_exports_all_that_ended_before(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, (const char *const[]){server_holds, NULL},
               (const char *const[]){"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=10", NULL});
    record(&w, 10);
    server_wait(w.server, 1);
    record(&w, 95);
    assert_int_equal(otk_sdk_force_flush(w.sdk, 1), OTK_ETIMEOUT);
    server_release(w.server);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(traces_of(w.sdk).delivered, 105);
    assert_int_equal(traces_of(w.sdk).requests, 11);
    finish(&w);
}

/* SDK-PROC-10, SDK-PROC-12 */
static void test_a_flush_gives_up_at_its_timeout(void **state)
{
    struct world w;
    (void)state;
    start(&w, (const char *const[]){server_holds, NULL});
    record(&w, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, 1), OTK_ETIMEOUT);
    assert_int_equal(traces_of(w.sdk).queued, 1);
    server_release(w.server);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(traces_of(w.sdk).delivered, 1);
    finish(&w);
}

/* SDK-PROC-11, SDK-MET-24, SDK-API-23, SDK-RTY-13 */
static void test_shutdown_delivers_and_ends(void **state)
{
    struct world w;
    (void)state;
    start(&w, NULL);
    otk_span *open = otk_span_start(w.tracer, "open", NULL);
    otk_counter *counter = otk_meter_counter(otk_sdk_meter(w.sdk, "test", NULL), "count", NULL, NULL);
    otk_counter_add(counter, 1, NULL);
    record(&w, 1000);
    assert_int_equal(otk_sdk_shutdown(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_request_count(w.server), 3);
    assert_int_equal(otk_sdk_shutdown(w.sdk, PATIENCE_MS), OTK_ESHUTDOWN);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESHUTDOWN);

    otk_span_free(open);
    record(&w, 1);
    otk_counter_add(counter, 1, NULL);
    otk_signal_stats s = traces_of(w.sdk);
    assert_int_equal(s.delivered, 1000);
    assert_int_equal(s.dropped[OTK_DROP_SHUTDOWN], 1);
    assert_int_equal(server_request_count(w.server), 3);
    finish(&w);
}

/* SDK-RTY-10: the wait of an hour ends at once. */
static void test_shutdown_ends_a_retry_wait(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, (const char *const[]){SERVER_STATUS("503 Busy\r\nRetry-After: 3600"), NULL},
               (const char *const[]){"OTEL_EXPORTER_OTLP_TIMEOUT=0", "OTEL_BSP_EXPORT_TIMEOUT=0",
                                     "OTEL_BSP_SCHEDULE_DELAY=0", NULL});
    record(&w, 1);
    server_wait(w.server, 1);
    assert_int_equal(otk_sdk_shutdown(w.sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_int_equal(traces_of(w.sdk).dropped[OTK_DROP_UNREACHABLE], 1);
    finish(&w);
}

/* SDK-PROC-12, SDK-ERR-05: a server that never answers. */
static void test_shutdown_ends_at_its_timeout(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, (const char *const[]){server_holds, NULL},
               (const char *const[]){"OTEL_BSP_SCHEDULE_DELAY=0", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1", NULL});
    record(&w, 3);
    server_wait(w.server, 1);
    assert_int_equal(otk_sdk_shutdown(w.sdk, 20), OTK_ETIMEOUT);
    otk_signal_stats s = traces_of(w.sdk);
    assert_int_equal(s.queued, 0);
    assert_int_equal(s.dropped[OTK_DROP_UNREACHABLE], 1);
    assert_int_equal(s.dropped[OTK_DROP_SHUTDOWN], 2);
    finish(&w);
}

static void *record_many(void *arg)
{
    record(arg, 500);
    return NULL;
}

/* SDK-PROC-13, SDK-API-24: run under ThreadSanitizer as well. */
static void test_threads_may_record_while_others_flush(void **state)
{
    struct world w;
    pthread_t threads[8];
    (void)state;
    start(&w, NULL);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record_many, &w), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    otk_sdk_shutdown(w.sdk, PATIENCE_MS);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(traces_of(w.sdk).queued, 0);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posts_protobuf_to_the_paths_of_the_signals),
        cmocka_unit_test(test_a_large_body_is_sent_without_asking),
        cmocka_unit_test(test_a_header_of_ones_own_replaces_the_user_agent),
        cmocka_unit_test(test_gzip_bodies_say_so_and_inflate),
        cmocka_unit_test(test_ten_exports_take_one_connection),
        cmocka_unit_test(test_a_connection_closed_while_idle_is_opened_again),
        cmocka_unit_test(test_an_idle_sdk_sends_nothing),
        cmocka_unit_test(test_what_is_too_large_is_split_or_counted),
        cmocka_unit_test(test_status_codes_decide),
        cmocka_unit_test(test_retries_until_it_is_taken),
        cmocka_unit_test(test_retry_after_is_honoured),
        cmocka_unit_test(test_a_closed_port_is_tried_again_within_the_timeout),
        cmocka_unit_test(test_the_shorter_timeout_bounds_an_export),
        cmocka_unit_test(test_a_redirect_is_told_and_not_followed),
        cmocka_unit_test(test_a_redirect_is_told_without_the_password),
        cmocka_unit_test(test_a_proxy_is_asked_but_for_what_is_local),
        cmocka_unit_test(test_programs_that_the_host_starts_do_not_inherit_the_connection),
        cmocka_unit_test(test_the_locale_is_the_hosts),
        cmocka_unit_test(test_a_partial_success_is_counted_and_not_retried),
        cmocka_unit_test(test_a_message_without_rejections_is_a_warning),
        cmocka_unit_test(test_a_server_cannot_reject_more_than_it_got),
        cmocka_unit_test(test_a_garbled_answer_is_still_an_answer),
        cmocka_unit_test(test_a_message_of_the_server_is_one_line),
        cmocka_unit_test(test_the_status_of_a_refusal_is_told),
        cmocka_unit_test(test_an_endless_answer_is_cut_off_and_not_retried),
        cmocka_unit_test(test_a_head_is_no_longer_than_an_answer_may_be),
        cmocka_unit_test(test_a_full_batch_goes_at_once),
        cmocka_unit_test(test_exports_do_not_overlap),
        cmocka_unit_test(test_a_span_goes_when_its_delay_is_over),
        cmocka_unit_test(test_metrics_go_at_their_interval),
        cmocka_unit_test(test_a_full_queue_drops_what_is_new),
        cmocka_unit_test(test_a_queue_has_a_limit_in_bytes),
        cmocka_unit_test(test_a_flush_exports_all_that_ended_before),
        cmocka_unit_test(test_a_flush_gives_up_at_its_timeout),
        cmocka_unit_test(test_shutdown_delivers_and_ends),
        cmocka_unit_test(test_shutdown_ends_a_retry_wait),
        cmocka_unit_test(test_shutdown_ends_at_its_timeout),
        cmocka_unit_test(test_threads_may_record_while_others_flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
