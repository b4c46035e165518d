/* The HTTP face: who may ask, how questions hold their connections, and how they end. */
#include "expect.h"
#include "served.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT "GET /otlpkit/wait?until=%7bname=%22x%22%7d"
#define SPAN_X "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"x\"}]}]}]}"

/* Its body has `says` in it. */
static void assert_answer(unsigned status, const char *says, struct response r)
{
    if (r.status != status || !strstr(response_text(&r), says))
        fail_msg("%u: %s\nis not %u: %s", r.status, response_text(&r), status, says);
    response_clear(&r);
}

static void assert_says(unsigned status, const char *says, const char *what, const char *headers)
{
    assert_answer(status, says, client_ask(&c, what, headers, NULL));
}

static void post_x(struct client *from)
{
    struct response r =
        client_post(from, (struct post){.type = "application/json", .body = SPAN_X, .size = sizeof SPAN_X - 1});
    assert_answer(200, "", r);
}

/* The next response on a connection. */
static void assert_comes(struct client *on, unsigned status, const char *says)
{
    struct response r;
    assert_true(client_read(on, &r));
    assert_answer(status, says, r);
}

/* ---- Who may ask ----------------------------------------------------- */

static void assert_host(const char *host, unsigned status)
{
    char header[600];
    snprintf(header, sizeof header, "Host: %s\r\n", host);
    assert_says(status, status == 200 ? "" : "is no name of this machine", "GET /otlpkit/stats", header);
}

/* DNS rebinding: a page of attacker.example, whose name now resolves to 127.0.0.1, asks the browser's user's receiver. */
static void test_names_that_are_not_this_machines_get_403(void **state)
{
    static const char *const strangers[] = {"attacker.example",  "attacker.example:4318", "localhost.example",
                                            "notlocalhost",      "127.0.0.1.example",     "0x7f.1.example",
                                            ":80",               "[]"};
    (void)state;
    start();
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert_host(strangers[i], 403);
}

static void test_this_machine_is_known_by_its_names_and_all_addresses(void **state)
{
    static const char *const known[] = {"localhost", "LocalHost:4318", "localhost.", "shop.localhost:1", "127.0.0.1",
                                        "127.0.0.2:80", "[::1]", "[::1]:4318", "192.0.2.7:4318"};
    char name[256] = "";
    (void)state;
    start();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_host(known[i], 200);
    assert_int_equal(gethostname(name, sizeof name - 1), 0);
    assert_host(name, 200);
}

static void test_allowed_hosts_are_let_in(void **state)
{
    (void)state;
    options.allowed_hosts = "otlp, *.ci.example";
    start();
    assert_host("otlp:4318", 200);
    assert_host("job-7.ci.example", 200);
    assert_host("ci.example", 403);
}

static void test_request_of_http_1_0_without_host_is_answered(void **state)
{
    (void)state;
    start();
    client_print(&c, "GET /otlpkit/stats HTTP/1.0\r\n\r\n");
    assert_comes(&c, 200, "counts");
}

/* Telemetry keeps its own rules. */
static void test_telemetry_and_health_may_come_by_any_name(void **state)
{
    (void)state;
    start();
    assert_says(200, "{}", "GET /healthz", "Host: attacker.example\r\n");
    post_x(&c);
}

static void test_writes_of_other_origins_get_403(void **state)
{
    static const struct {
        const char *what, *headers;
        unsigned status;
    } cases[] = {
        {"DELETE /otlpkit/captures", "Origin: https://attacker.example\r\n", 403},
        {"DELETE /otlpkit/captures", "Origin: null\r\n", 403},
        {"DELETE /s/one", "Origin: https://attacker.example\r\n", 403},
        {"DELETE /otlpkit/captures", "Host: localhost:80\r\nOrigin: http://localhost:80\r\n", 204},
        {"DELETE /otlpkit/captures", "Host: localhost:80\r\nOrigin: http://localhost:81\r\n", 403},
        {"DELETE /otlpkit/captures", "Origin: https://app.example\r\n", 204},
        {"DELETE /otlpkit/captures", NULL, 204},
        {"GET /otlpkit/stats", "Origin: https://attacker.example\r\n", 200},
    };
    (void)state;
    options.cors_origins = "https://app.example";
    start();
    post_x(&c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_says(cases[i].status, cases[i].status == 403 ? "is not among those" : "", cases[i].what,
                    cases[i].headers);
}

static void test_scripts_read_answers_when_their_origin_is_let_in(void **state)
{
    (void)state;
    options.cors_origins = "https://app.example";
    start();
    struct response r = client_ask(&c, "GET /otlpkit/stats", "Origin: https://app.example\r\n", NULL);
    assert_string_equal(response_header(&r, "Access-Control-Allow-Origin"), "https://app.example");
    response_clear(&r);
    r = client_ask(&c, "GET /otlpkit/stats", "Origin: https://attacker.example\r\n", NULL);
    assert_null(response_header(&r, "Access-Control-Allow-Origin"));
    response_clear(&r);
    r = client_ask(&c, "OPTIONS /otlpkit/captures",
                   "Origin: https://app.example\r\nAccess-Control-Request-Method: DELETE\r\n", NULL);
    assert_int_equal(r.status, 204);
    assert_non_null(strstr(response_header(&r, "Access-Control-Allow-Methods"), "DELETE"));
    response_clear(&r);
    assert_says(403, "let in by cors_origins", "OPTIONS /otlpkit/captures",
                "Origin: https://attacker.example\r\nAccess-Control-Request-Method: DELETE\r\n");
}

static void test_authorization_guards_questions_but_not_health(void **state)
{
    (void)state;
    options.authorization = "Bearer secret";
    start();
    assert_says(401, "missing", "GET /otlpkit/stats", NULL);
    assert_says(401, "missing", "DELETE /s/one", NULL);
    assert_says(200, "counts", "GET /otlpkit/stats", "Authorization: Bearer secret\r\n");
    assert_says(200, "", "GET /healthz", NULL);
}

/* ---- Questions ------------------------------------------------------- */

static void test_questions_are_no_telemetry(void **state)
{
    (void)state;
    start();
    assert_says(200, "counts", "GET /otlpkit/stats", NULL);
    assert_says(404, "no page", "GET /otlpkit/nothing", NULL);
    assert_says(404, "no page", "GET /otlpkit", NULL);
    assert_int_equal(counts().requests, 0);
}

/* Captured text is shown to browsers as what it is told to be. */
static void test_answers_are_not_to_be_guessed_at(void **state)
{
    (void)state;
    start();
    struct response r = client_ask(&c, "GET /otlpkit/stats", NULL, NULL);
    assert_string_equal(response_header(&r, "X-Content-Type-Options"), "nosniff");
    response_clear(&r);
}

static void test_answer_is_compressed_when_that_is_asked_for(void **state)
{
    (void)state;
    start();
    struct response r = client_ask(&c, "GET /otlpkit/stats", "Accept-Encoding: gzip\r\n", NULL);
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "Content-Encoding"), "gzip");
    response_clear(&r);
}

static void test_large_or_coded_bodies_are_refused(void **state)
{
    (void)state;
    start();
    assert_answer(415, "without a Content-Encoding",
                  client_ask(&c, "POST /otlpkit/wait", "Content-Encoding: gzip\r\n", "x"));
    client_print(&c, "POST /otlpkit/wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n");
    assert_comes(&c, 413, "1048576 bytes, the limit of a question");
    assert_int_equal(counts().requests, 0);
}

static void test_head_gets_the_headers_only(void **state)
{
    (void)state;
    start();
    struct response r;
    client_send_question(&c, "HEAD /otlpkit/stats", NULL, NULL);
    assert_true(client_sees(&c, "Content-Length: "));
    assert_true(client_sees(&c, "\r\n\r\n"));
    client_send_question(&c, "GET /otlpkit/stats", NULL, NULL);
    assert_true(client_read(&c, &r));
    assert_answer(200, "counts", r);
}

/* ---- Held ------------------------------------------------------------ */

static void test_wait_is_answered_by_what_fulfils_it(void **state)
{
    (void)state;
    start();
    struct client waiter = client_open(otk_receiver_port(rx));
    client_send_question(&waiter, WAIT "&timeout=10m", NULL, NULL);
    assert_says(200, "", "GET /otlpkit/stats", NULL);
    post_x(&c);
    assert_comes(&waiter, 200, "\"holds\":true");
    client_close(&waiter);
}

static void test_wait_that_is_not_fulfilled_gets_417_in_time(void **state)
{
    (void)state;
    start();
    assert_says(417, "\"holds\":false", WAIT "&timeout=30ms", NULL);
    assert_says(417, "\"holds\":false", WAIT "&timeout=0s", NULL);
}

/* The receiver's own deadlines are those of requests, not of questions. */
static void test_wait_may_last_longer_than_a_request(void **state)
{
    (void)state;
    options.timeout_ms = 50;
    start();
    assert_says(417, "", WAIT "&timeout=200ms", NULL);
}

static void test_connection_goes_on_after_a_wait(void **state)
{
    (void)state;
    start();
    client_send_question(&c, WAIT "&timeout=10ms", NULL, NULL);
    client_send_question(&c, "GET /otlpkit/stats", NULL, NULL);
    client_send_question(&c, WAIT "&timeout=10ms", NULL, NULL);
    assert_comes(&c, 417, "");
    assert_comes(&c, 200, "counts");
    assert_comes(&c, 417, "");
}

static void test_hundred_waits_are_all_answered(void **state)
{
    static struct client waiters[100];
    (void)state;
    start();
    for (size_t i = 0; i < 100; i++) {
        waiters[i] = client_open(otk_receiver_port(rx));
        client_send_question(&waiters[i], WAIT "&timeout=10m", NULL, NULL);
    }
    post_x(&c);
    for (size_t i = 0; i < 100; i++) {
        assert_comes(&waiters[i], 200, "");
        client_close(&waiters[i]);
    }
}

/* A wait before and behind a reset: the span that went with it does not count. */
static void test_reset_is_news_to_waits(void **state)
{
    (void)state;
    start();
    struct client waiter = client_open(otk_receiver_port(rx));
    client_send_question(&waiter, "GET /otlpkit/wait?until=2%20%7bname=%22x%22%7d&timeout=10m", NULL, NULL);
    post_x(&c);
    otk_receiver_reset(rx);
    post_x(&c);
    post_x(&c);
    assert_comes(&waiter, 200, "2 times");
    client_close(&waiter);
}

/* Telemetry always finds a connection: waits hold three quarters of them at most. */
static void test_too_many_waits_get_503_and_telemetry_still_gets_in(void **state)
{
    struct client waiters[3];
    (void)state;
    options.max_connections = 4;
    start();
    for (size_t i = 0; i < 3; i++) {
        waiters[i] = client_open(otk_receiver_port(rx));
        client_send_question(&waiters[i], "GET /otlpkit/stream", NULL, NULL);
        assert_true(client_sees(&waiters[i], "retry:"));
    }
    assert_says(503, "three quarters of max_connections", WAIT, NULL);
    post_x(&c);
    for (size_t i = 0; i < 3; i++)
        client_close(&waiters[i]);
}

/* Until the receiver has noticed, the places are taken: each look is a round trip. */
static void assert_places_are_free_again(void)
{
    unsigned status;
    uint64_t until_ns = otk_now_ns() + PATIENCE_MS * UINT64_C(1000000);
    do {
        struct response r = client_ask(&c, WAIT "&timeout=0s", NULL, NULL);
        status = r.status;
        response_clear(&r);
    } while (status == 503 && otk_now_ns() < until_ns);
    assert_int_equal(status, 417);
}

static void test_place_of_a_client_that_left_is_free_again(void **state)
{
    (void)state;
    options.max_connections = 4;
    start();
    for (size_t i = 0; i < 20; i++) {
        struct client waiter = client_open(otk_receiver_port(rx));
        client_send_question(&waiter, WAIT "&timeout=10m", NULL, NULL);
        client_close(&waiter);
    }
    assert_places_are_free_again();
}

/* Whoever closes his side is not waited for, as it looks the same as leaving. */
static void test_client_that_closed_its_side_is_let_go(void **state)
{
    (void)state;
    start();
    struct client half = client_open(otk_receiver_port(rx));
    client_send_question(&half, "GET /otlpkit/stream", NULL, NULL);
    assert_true(client_sees(&half, "retry:"));
    shutdown(half.fd, SHUT_WR);
    assert_true(client_sees_end(&half));
    client_close(&half);
    half = client_open(otk_receiver_port(rx));
    client_send_question(&half, WAIT "&timeout=10m", NULL, NULL);
    shutdown(half.fd, SHUT_WR);
    assert_true(client_sees_end(&half));
    client_close(&half);
}

static void test_stream_shows_what_comes_while_it_comes(void **state)
{
    (void)state;
    start();
    struct client viewer = client_open(otk_receiver_port(rx));
    client_send_question(&viewer, "GET /otlpkit/stream", NULL, NULL);
    assert_true(client_sees(&viewer, "retry:"));
    for (size_t i = 0; i < 5; i++) {
        post_x(&c);
        assert_true(client_sees(&viewer, "\"name\":\"x\""));
        assert_true(client_sees(&viewer, "event: request"));
    }
    client_close(&viewer);
}

/* Ten megabytes. */
static void post_much(void)
{
    static char name[100000];
    struct otk_buffer body = OTK_BUFFER_INIT(1 << 17);
    memset(name, 'x', sizeof name - 1);
    otk_buffer_printf(&body, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"%s\"}]}]}]}", name);
    for (size_t i = 0; i < 100; i++)
        assert_answer(200, "", client_post(&c, (struct post){.type = "application/json",
                                                               .body = body.data,
                                                               .size = body.size}));
    otk_buffer_clear(&body);
}

/* Step by step, to a client that reads late: the same as the dump in the library. */
static void test_long_dump_arrives_whole(void **state)
{
    size_t size;
    char first;
    (void)state;
    start();
    post_much();
    char *whole = otk_receiver_json(rx, &size);
    struct client late = client_open(otk_receiver_port(rx));
    client_send_question(&late, "GET /otlpkit/dump", NULL, NULL);
    assert_int_equal(recv(late.fd, &first, 1, MSG_PEEK), 1);
    for (size_t i = 0; i < 100; i++)
        post_x(&c); /* goes by while the dump is held up */
    struct response r;
    assert_true(client_read(&late, &r));
    assert_int_equal(r.body.size, size);
    assert_memory_equal(r.body.data, whole, size);
    response_clear(&r);
    client_close(&late);
    free(whole);
}

/* Whoever takes nothing for the time that a request has is cut, and holds no place for good. */
static void test_clients_that_take_nothing_are_cut(void **state)
{
    struct client stuck[3];
    int small = 4096;
    char first;
    (void)state;
    options.max_connections = 4;
    options.timeout_ms = 200;
    start();
    post_much();
    for (size_t i = 0; i < 3; i++) {
        stuck[i] = client_open(otk_receiver_port(rx));
        setsockopt(stuck[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        client_send_question(&stuck[i], "GET /otlpkit/dump", NULL, NULL);
        assert_int_equal(recv(stuck[i].fd, &first, 1, MSG_PEEK), 1);
    }
    assert_places_are_free_again();
    for (size_t i = 0; i < 3; i++)
        client_close(&stuck[i]);
}

/* ---- The end --------------------------------------------------------- */

static void test_stop_answers_waits_as_at_their_end(void **state)
{
    (void)state;
    start();
    struct client waiter = client_open(otk_receiver_port(rx)), viewer = client_open(otk_receiver_port(rx));
    client_send_question(&waiter, WAIT "&timeout=10m", NULL, NULL);
    client_send_question(&viewer, "GET /otlpkit/stream", NULL, NULL);
    assert_true(client_sees(&viewer, "retry:"));
    assert_says(200, "", "GET /otlpkit/stats", NULL);
    otk_receiver_stop(rx);
    assert_comes(&waiter, 417, "\"holds\":false");
    assert_true(client_sees(&viewer, "0\r\n\r\n"));
    client_close(&waiter);
    client_close(&viewer);
    client_close(&c);
    rx = NULL;
}

static void test_close_keeps_what_came_and_lets_nobody_wait(void **state)
{
    const otk_condition x = otk_seen("{ name = \"x\" }"), y = otk_seen("{ name = \"y\" }"), quiet = otk_none(NULL, 3600000);
    (void)state;
    start();
    otk_receiver *one = otk_receiver_session(rx, "one", NULL);
    post_x(&c);
    otk_receiver_close(rx);
    assert_int_equal(otk_receiver_wait(rx, &x, 3600000, NULL), 0);
    assert_int_equal(otk_receiver_wait(rx, &y, 3600000, NULL), OTK_ETIMEOUT);
    assert_int_equal(otk_receiver_wait(rx, &quiet, 0, NULL), 0);
    assert_int_equal(otk_receiver_wait(one, &quiet, 3600000, NULL), 0);
    assert_int_equal(otk_receiver_wait_spans(rx, 2, 3600000), OTK_ETIMEOUT);
    assert_true(client_sees_end(&c));
    otk_receiver_close(rx);
    otk_receiver *late = otk_receiver_session(rx, "made-later", NULL);
    assert_int_equal(otk_receiver_wait(late, &y, 3600000, NULL), OTK_ETIMEOUT);
}

static void *wait_for_y(void *arg)
{
    const otk_condition y = otk_seen("{ name = \"y\" }");
    *(int *)arg = otk_receiver_wait(rx, &y, 3600000, NULL);
    return NULL;
}

static void test_close_ends_waits_that_are_in_place(void **state)
{
    pthread_t threads[4];
    int rcs[4];
    (void)state;
    start();
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, wait_for_y, &rcs[i]);
    post_x(&c);
    otk_receiver_close(rx);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(rcs[i], OTK_ETIMEOUT);
    }
}

/* ---- Files ----------------------------------------------------------- */

static void test_files_are_opened_as_a_receiver_that_is_closed(void **state)
{
    char path[] = "/tmp/otlpkit-open-XXXXXX";
    const char *const paths[] = {path, path}, *const missing[] = {"/nonexistent/file"};
    const otk_condition two = otk_seen_times("{ name = \"x\" }", 2, 2), three = otk_seen_times("{ name = \"x\" }", 3, 3);
    otk_error error = {0};
    (void)state;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, SPAN_X "\n", sizeof SPAN_X), sizeof SPAN_X);
    close(fd);
    otk_receiver *files = otk_receiver_open(paths, 2, NULL, &error);
    assert_non_null(files);
    assert_string_equal(otk_receiver_url(files), "");
    assert_int_equal(otk_receiver_wait(files, &two, 3600000, NULL), 0);
    assert_int_equal(otk_receiver_wait(files, &three, 3600000, NULL), OTK_ETIMEOUT);
    assert_int_equal(otk_receiver_request(files, 1)->repeat_of, 1);
    otk_receiver_reset(files);
    otk_receiver_close(files);
    otk_receiver_stop(files);
    assert_null(otk_receiver_open(missing, 1, NULL, &error));
    assert_int_equal(error.code, OTK_ESYSTEM);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names_that_are_not_this_machines_get_403, prepare, stop),
        cmocka_unit_test_setup_teardown(test_this_machine_is_known_by_its_names_and_all_addresses, prepare, stop),
        cmocka_unit_test_setup_teardown(test_allowed_hosts_are_let_in, prepare, stop),
        cmocka_unit_test_setup_teardown(test_request_of_http_1_0_without_host_is_answered, prepare, stop),
        cmocka_unit_test_setup_teardown(test_telemetry_and_health_may_come_by_any_name, prepare, stop),
        cmocka_unit_test_setup_teardown(test_writes_of_other_origins_get_403, prepare, stop),
        cmocka_unit_test_setup_teardown(test_scripts_read_answers_when_their_origin_is_let_in, prepare, stop),
        cmocka_unit_test_setup_teardown(test_authorization_guards_questions_but_not_health, prepare, stop),
        cmocka_unit_test_setup_teardown(test_questions_are_no_telemetry, prepare, stop),
        cmocka_unit_test_setup_teardown(test_answers_are_not_to_be_guessed_at, prepare, stop),
        cmocka_unit_test_setup_teardown(test_answer_is_compressed_when_that_is_asked_for, prepare, stop),
        cmocka_unit_test_setup_teardown(test_large_or_coded_bodies_are_refused, prepare, stop),
        cmocka_unit_test_setup_teardown(test_head_gets_the_headers_only, prepare, stop),
        cmocka_unit_test_setup_teardown(test_wait_is_answered_by_what_fulfils_it, prepare, stop),
        cmocka_unit_test_setup_teardown(test_wait_that_is_not_fulfilled_gets_417_in_time, prepare, stop),
        cmocka_unit_test_setup_teardown(test_wait_may_last_longer_than_a_request, prepare, stop),
        cmocka_unit_test_setup_teardown(test_connection_goes_on_after_a_wait, prepare, stop),
        cmocka_unit_test_setup_teardown(test_hundred_waits_are_all_answered, prepare, stop),
        cmocka_unit_test_setup_teardown(test_reset_is_news_to_waits, prepare, stop),
        cmocka_unit_test_setup_teardown(test_too_many_waits_get_503_and_telemetry_still_gets_in, prepare, stop),
        cmocka_unit_test_setup_teardown(test_place_of_a_client_that_left_is_free_again, prepare, stop),
        cmocka_unit_test_setup_teardown(test_client_that_closed_its_side_is_let_go, prepare, stop),
        cmocka_unit_test_setup_teardown(test_stream_shows_what_comes_while_it_comes, prepare, stop),
        cmocka_unit_test_setup_teardown(test_long_dump_arrives_whole, prepare, stop),
        cmocka_unit_test_setup_teardown(test_clients_that_take_nothing_are_cut, prepare, stop),
        cmocka_unit_test_setup_teardown(test_stop_answers_waits_as_at_their_end, prepare, stop),
        cmocka_unit_test_setup_teardown(test_close_keeps_what_came_and_lets_nobody_wait, prepare, stop),
        cmocka_unit_test_setup_teardown(test_close_ends_waits_that_are_in_place, prepare, stop),
        cmocka_unit_test(test_files_are_opened_as_a_receiver_that_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
