/* Every fault as a raw socket sees it. */
#include "served.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>


static void set(const char *script)
{
    otk_error error;
    if (otk_receiver_faults_set(rx, script, &error))
        fail_msg("%s", error.message);
}

static void reconnect(void)
{
    client_close(&c);
    c = client_open(otk_receiver_port(rx));
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#define SPANS "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"},{\"name\":\"b\"}]}]}]}"

static const struct post json = {.type = "application/json", .body = SPANS, .size = sizeof SPANS - 1};
static const struct post protobuf = {0}; /* an empty request is one */

static unsigned post_status(struct post p)
{
    struct response r = client_post(&c, p);
    response_clear(&r);
    return r.status;
}

static void append_request(struct otk_buffer *out, struct post p)
{
    otk_buffer_printf(out, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                      p.type, p.size);
    otk_buffer_append(out, p.body, p.size);
}

/* In one piece, so that all of it is there before a reset. */
static void send_only(struct post p)
{
    struct otk_buffer out = OTK_BUFFER_INIT(1 << 16);
    append_request(&out, p);
    assert_true(client_send(&c, out.data, out.size));
    otk_buffer_clear(&out);
}

enum end { END_NOT_YET, END_CLOSED, END_RESET };

/* Reads until the connection ends, nothing comes for `patience_ms`, or `most` bytes are there. */
static enum end read_raw(struct otk_buffer *out, size_t most, int patience_ms)
{
    while (out->size < most && poll(&(struct pollfd){.fd = c.fd, .events = POLLIN}, 1, patience_ms) == 1) {
        char bytes[4096];
        size_t room = most - out->size < sizeof bytes ? most - out->size : sizeof bytes;
        ssize_t n = recv(c.fd, bytes, room, 0);
        if (n <= 0)
            return n == 0 ? END_CLOSED : errno == ECONNRESET ? END_RESET : END_NOT_YET;
        otk_buffer_append(out, bytes, (size_t)n);
    }
    return END_NOT_YET;
}

/* What comes, up to the end that is expected; "" and more. Free by otk_buffer_clear(). */
static struct otk_buffer read_to(enum end expected)
{
    struct otk_buffer out = OTK_BUFFER_INIT(1 << 24);
    assert_int_equal(read_raw(&out, SIZE_MAX, PATIENCE_MS), expected);
    otk_buffer_string(&out);
    return out;
}

static void assert_ends_with(enum end expected, size_t bytes)
{
    struct otk_buffer out = read_to(expected);
    assert_int_equal(out.size, bytes);
    otk_buffer_clear(&out);
}

static const otk_capture *request(size_t i)
{
    assert_int_equal(otk_receiver_wait_requests(rx, i + 1, PATIENCE_MS), 0);
    const otk_capture *capture = otk_receiver_request(rx, i);
    assert_non_null(capture);
    return capture;
}

static void assert_all_played(void)
{
    char *left = otk_receiver_faults_left(rx);
    assert_string_equal(left, "[]");
    free(left);
}

/* ---- Statuses -------------------------------------------------------- */

/* RX-RESP-10, RX-RESP-17, RX-RESP-18 */
static void test_any_status_is_answered_with_a_status_message(void **state)
{
    static const unsigned statuses[] = {400, 401, 403, 404, 408, 413, 429, 431, 500, 501, 502, 503, 504, 507, 599};
    char script[32];
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        snprintf(script, sizeof script, "%u message=busy", statuses[i]);
        set(script);
        struct response r = client_post(&c, i % 2 ? json : protobuf);
        assert_int_equal(r.status, statuses[i]);
        assert_null(response_header(&r, "Retry-After"));
        json_t *status = response_message(&r, OTK_MESSAGE_STATUS);
        assert_string_equal(json_string_value(json_object_get(status, "message")), "busy");
        json_decref(status);
        response_clear(&r);
        assert_int_equal(request(i)->status, statuses[i]);
        assert_string_equal(request(i)->fault, script);
        assert_string_equal(request(i)->reason, "busy");
    }
    assert_int_equal(post_status(json), 200);
    assert_string_equal(request(sizeof statuses / sizeof *statuses)->fault, "");
}

static void test_refused_requests_keep_their_body_but_are_not_taken_in(void **state)
{
    otk_receiver_counts counts;
    (void)state;
    set("503");
    assert_int_equal(post_status(json), 503);
    otk_receiver_counts_get(rx, &counts);
    assert_int_equal(counts.spans, 0);
    assert_int_equal(counts.refused, 1);
    assert_int_equal(request(0)->body.size, json.size);
    assert_string_equal(request(0)->reason, "as the fault script says: 503");
}

static void test_other_2xx_and_3xx_show_nothing_as_taken_in(void **state)
{
    size_t size;
    (void)state;
    set("202, 308");
    assert_int_equal(post_status(json), 202);
    assert_int_equal(post_status(json), 308);
    assert_null(otk_capture_json_tree(request(0)));
    char *lines = otk_receiver_json(rx, &size);
    assert_string_equal(lines, "");
    free(lines);
}

/* RX-RESP-19 */
static void test_retry_after_is_seconds_a_date_or_anything(void **state)
{
    (void)state;
    set("503 retry-after=3, 429 retry-after=date+2s, 503 retry-after=\"in a while\", 503");
    struct response r = client_post(&c, json);
    assert_string_equal(response_header(&r, "Retry-After"), "3");
    response_clear(&r);
    r = client_post(&c, json);
    const char *date = response_header(&r, "Retry-After");
    struct tm t = {0};
    assert_non_null(strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &t));
    double ahead = difftime(timegm(&t), time(NULL));
    assert_true(ahead >= 0 && ahead <= 2);
    response_clear(&r);
    r = client_post(&c, json);
    assert_string_equal(response_header(&r, "Retry-After"), "in a while");
    response_clear(&r);
    r = client_post(&c, json);
    assert_null(response_header(&r, "Retry-After"));
    response_clear(&r);
}

static void test_2xx_has_the_body_of_success(void **state)
{
    (void)state;
    set("202");
    struct response r = client_post(&c, json);
    assert_int_equal(r.status, 202);
    assert_int_equal(r.body.size, 2);
    response_clear(&r);
    assert_int_equal(request(0)->status, 202);
}

static void test_redirects_name_a_location(void **state)
{
    (void)state;
    set("308 location=http://127.0.0.1:1/v1/traces, 307");
    struct response r = client_post(&c, json);
    assert_int_equal(r.status, 308);
    assert_string_equal(response_header(&r, "Location"), "http://127.0.0.1:1/v1/traces");
    response_clear(&r);
    r = client_post(&c, json);
    assert_int_equal(r.status, 307);
    assert_null(response_header(&r, "Location"));
    response_clear(&r);
}

/* ---- Successes that are none ----------------------------------------- */

static void assert_partial(struct post p, const char *rejected, const char *message)
{
    struct response r = client_post(&c, p);
    assert_int_equal(r.status, 200);
    json_t *response = response_message(&r, OTK_MESSAGE_TRACES_RESPONSE);
    json_t *partial = json_object_get(response, "partialSuccess");
    const char *count = json_string_value(json_object_get(partial, "rejectedSpans"));
    const char *text = json_string_value(json_object_get(partial, "errorMessage"));
    assert_string_equal(count ? count : "0", rejected);
    assert_string_equal(text ? text : "", message);
    json_decref(response);
    response_clear(&r);
}

/* RX-RESP-04 to 07 */
static void test_partial_success_rejects_some_or_warns(void **state)
{
    (void)state;
    set("partial=2 message=\"too many\" x2, partial=1, partial=0 message=careful, ok message=careful, partial=0");
    assert_partial(json, "2", "too many");
    assert_partial(protobuf, "2", "too many");
    assert_partial(json, "1", "");
    assert_partial(json, "0", "careful");
    assert_partial(json, "0", "careful");
    assert_partial(json, "0", "");
    assert_int_equal(request(0)->rejected_count, 2);
    assert_int_equal(request(0)->span_count, 2);
    assert_int_equal(request(3)->rejected_count, 0);
}

static void test_garbage_is_no_message(void **state)
{
    (void)state;
    set("garbage x2, 503 garbage size=100KiB");
    for (int i = 0; i < 2; i++) {
        struct response r = client_post(&c, i ? json : protobuf);
        assert_int_equal(r.status, 200);
        assert_true(r.body.size >= 64);
        assert_int_equal(r.body.data[0], 0xff);
        response_clear(&r);
    }
    struct response r = client_post(&c, json);
    assert_int_equal(r.status, 503);
    assert_int_equal(r.body.size, 100 << 10);
    response_clear(&r);
    assert_int_equal(request(0)->status, 200);
}

static void test_a_wrong_content_type_is_sent(void **state)
{
    (void)state;
    set("type=text/html, 503 type=\"text/plain; charset=utf-8\"");
    struct response r = client_post(&c, protobuf);
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "Content-Type"), "text/html");
    response_clear(&r);
    r = client_post(&c, protobuf);
    assert_string_equal(response_header(&r, "Content-Type"), "text/plain; charset=utf-8");
    response_clear(&r);
}

/* RX-RESP-21 */
static void test_answers_may_be_over_4_mib_and_are_well_formed(void **state)
{
    (void)state;
    set("size=5MiB x2, partial=1 size=5MiB, 503 size=5MiB");
    for (int i = 0; i < 4; i++) {
        struct response r = client_post(&c, i % 2 ? json : protobuf);
        assert_true(r.body.size >= 5 << 20);
        json_decref(response_message(&r, i < 3 ? OTK_MESSAGE_TRACES_RESPONSE : OTK_MESSAGE_STATUS));
        response_clear(&r);
    }
}

/* ---- Time ------------------------------------------------------------ */

static void test_an_answer_is_delayed_and_the_request_is_there_before(void **state)
{
    (void)state;
    set("ok delay=40ms, 503 delay=40ms");
    for (unsigned i = 0; i < 2; i++) {
        uint64_t before = now_ms();
        send_only(json);
        assert_int_equal(request(i)->status, i ? 503 : 200);
        struct response r;
        assert_true(client_read(&c, &r));
        assert_int_equal(r.status, i ? 503 : 200);
        assert_true(now_ms() - before >= 39);
        response_clear(&r);
    }
    assert_int_equal(post_status(json), 200);
}

static void test_an_answer_stalls_in_the_middle(void **state)
{
    struct otk_buffer begun = OTK_BUFFER_INIT(1 << 16);
    (void)state;
    set("503 message=abcdefghijklmnopqrstuvwxyz stall=10m");
    send_only(json);
    do
        assert_int_equal(read_raw(&begun, begun.size + 1, PATIENCE_MS), END_NOT_YET);
    while (!memmem(begun.data, begun.size, "abc", 3));
    assert_int_equal(read_raw(&begun, SIZE_MAX, 20), END_NOT_YET);
    assert_null(memmem(begun.data, begun.size, "xyz", 3));
    otk_buffer_clear(&begun);
}

static void test_a_stalled_answer_goes_on(void **state)
{
    (void)state;
    set("503 message=abcdefghijklmnopqrstuvwxyz stall=40ms");
    uint64_t before = now_ms();
    send_only(json);
    struct otk_buffer out = read_to(END_CLOSED);
    assert_true(now_ms() - before >= 39);
    assert_non_null(strstr((char *)out.data, "xyz\"}"));
    otk_buffer_clear(&out);
}

static void test_a_large_answer_stalls_too(void **state)
{
    (void)state;
    set("size=8MiB stall=10ms");
    send_only(json);
    struct otk_buffer out = read_to(END_CLOSED);
    assert_true(out.size > 8 << 20);
    otk_buffer_clear(&out);
}

static void test_hanging_is_no_answer_while_the_connection_is_open(void **state)
{
    struct otk_buffer out = OTK_BUFFER_INIT(1 << 16);
    (void)state;
    set("hang");
    send_only(json);
    assert_int_equal(request(0)->status, 0);
    assert_string_equal(request(0)->reason, "left without an answer, as the fault script says");
    assert_int_equal(read_raw(&out, 1, 50), END_NOT_YET);
    assert_int_equal(out.size, 0);
    reconnect();
    assert_int_equal(post_status(json), 200);
}

static void test_who_hangs_up_is_let_go(void **state)
{
    static const char *const scripts[] = {"hang", "delay=10m", "reset delay=10m", "503 stall=10m"};
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct otk_buffer out = OTK_BUFFER_INIT(1 << 16);
        set(scripts[i]);
        send_only(json);
        request(i);
        shutdown(c.fd, SHUT_WR);
        assert_int_not_equal(read_raw(&out, SIZE_MAX, PATIENCE_MS), END_NOT_YET);
        otk_buffer_clear(&out);
        reconnect();
    }
}

static void test_a_body_is_read_slowly(void **state)
{
    char body[2000];
    (void)state;
    memset(body, ' ', sizeof body);
    memcpy(body, SPANS, sizeof SPANS - 1);
    set("slow=40KiB/s x2");
    for (unsigned i = 0; i < 2; i++) {
        uint64_t before = now_ms();
        assert_int_equal(post_status((struct post){.type = "application/json", .body = body, .size = sizeof body}),
                         200);
        assert_true(now_ms() - before >= 39);
        assert_int_equal(request(i)->body.size, sizeof body);
    }
}

/* What the kernel holds for a slow reader is little, so that the client feels it while it sends. */
static void test_a_slow_reader_holds_up_the_sender(void **state)
{
    static const char body[1 << 20];
    size_t sent = 0;
    ssize_t n;
    (void)state;
    set("slow=1KiB/s");
    assert_true(client_print(&c, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 33554432\r\n\r\n{"));
    while (poll(&(struct pollfd){.fd = c.fd, .events = POLLOUT}, 1, 50) == 1 &&
           (n = send(c.fd, body, sizeof body, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
        sent += (size_t)n;
    assert_in_range(sent, 1, 8 << 20);
}

/* ---- Connections ----------------------------------------------------- */

static void test_resets_come_when_they_were_asked_for(void **state)
{
    static const struct {
        const char *script;
        size_t least, most; /* of the body that was read */
    } cases[] = {
        {"reset=before", 0, 0},
        {"reset=while", 1, sizeof SPANS - 2},
        {"reset=after", sizeof SPANS - 1, sizeof SPANS - 1},
        {"reset", sizeof SPANS - 1, sizeof SPANS - 1},
        {"reset delay=20ms", sizeof SPANS - 1, sizeof SPANS - 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set(cases[i].script);
        reconnect();
        send_only(json);
        assert_ends_with(END_RESET, 0);
        const otk_capture *capture = request(i);
        assert_int_equal(capture->status, 0);
        assert_in_range(capture->body.size, cases[i].least, cases[i].most);
        assert_int_equal(capture->unfinished, capture->body.size < json.size);
        assert_true(capture->has_signal);
        assert_string_equal(capture->fault, cases[i].script);
    }
    reconnect();
    assert_int_equal(post_status(json), 200);
}

static void test_answers_are_cut(void **state)
{
    (void)state;
    set("cut=0, cut=9, 503 message=abcdefghijklmnopqrstuvwxyz cut, cut=100KiB size=200KiB");
    send_only(json);
    assert_ends_with(END_CLOSED, 0);
    assert_int_equal(request(0)->status, 200);
    reconnect();
    send_only(json);
    struct otk_buffer out = read_to(END_CLOSED);
    assert_string_equal((char *)out.data, "HTTP/1.1 ");
    otk_buffer_clear(&out);
    reconnect();
    send_only(json);
    out = read_to(END_CLOSED);
    const char *body = strstr((char *)out.data, "\r\n\r\n");
    assert_non_null(body);
    assert_null(strstr(body, "xyz"));
    assert_true(strlen(body) > 10);
    otk_buffer_clear(&out);
    reconnect();
    send_only(json);
    assert_ends_with(END_CLOSED, 100 << 10);
}

static void test_a_cut_may_come_after_a_stall(void **state)
{
    (void)state;
    set("503 stall=20ms cut");
    uint64_t before = now_ms();
    send_only(json);
    struct otk_buffer out = read_to(END_CLOSED);
    assert_true(out.size > 0);
    assert_true(now_ms() >= before);
    otk_buffer_clear(&out);
}

static void test_connection_close_is_said_and_done(void **state)
{
    (void)state;
    set("ok close");
    struct response r = client_post(&c, json);
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "Connection"), "close");
    response_clear(&r);
    assert_true(client_sees_end(&c));
}

static void test_an_idle_connection_is_closed_after_its_time(void **state)
{
    (void)state;
    set("ok idle=30ms");
    uint64_t before = now_ms();
    assert_int_equal(post_status(json), 200);
    assert_ends_with(END_CLOSED, 0);
    assert_in_range(now_ms() - before, 29, PATIENCE_MS);
}

static void test_a_connection_that_goes_on_is_not_idle(void **state)
{
    struct otk_buffer out = OTK_BUFFER_INIT(1 << 16);
    (void)state;
    set("ok idle=30ms, ok");
    for (int i = 0; i < 2; i++)
        append_request(&out, json);
    assert_true(client_send(&c, out.data, out.size));
    out.size = 0;
    for (int i = 0; i < 2; i++) {
        struct response r;
        assert_true(client_read(&c, &r));
        response_clear(&r);
    }
    assert_int_equal(read_raw(&out, 1, 60), END_NOT_YET);
    otk_buffer_clear(&out);
}

/* ---- Which requests -------------------------------------------------- */

static void test_when_the_script_is_over_requests_are_accepted(void **state)
{
    (void)state;
    set("503 x3 retry-after=0, 429");
    for (int i = 0; i < 3; i++)
        assert_int_equal(post_status(json), 503);
    assert_int_equal(post_status(json), 429);
    assert_all_played();
    assert_int_equal(post_status(json), 200);
    set("503 x*");
    assert_int_equal(post_status(json), 503);
    otk_receiver_faults_clear(rx);
    assert_int_equal(post_status(json), 200);
}

static unsigned post_to(const char *target)
{
    return post_status((struct post){.target = target, .type = "application/json", .body = "{}", .size = 2});
}

static void test_signals_and_paths_have_their_own(void **state)
{
    (void)state;
    set("logs: 503; /v1/metrics: 502; /no/such/path: 504");
    assert_int_equal(post_to("/v1/traces"), 200);
    assert_int_equal(post_to("/v1/metrics?x=1"), 502);
    assert_int_equal(post_to("/no/such/path"), 504);
    assert_int_equal(post_to("/v1/logs"), 503);
    assert_int_equal(post_to("/v1/logs"), 200);
}

static void test_questions_and_other_methods_meet_no_faults(void **state)
{
    (void)state;
    set("503");
    assert_int_equal(post_status((struct post){.method = "GET", .target = "/healthz"}), 200);
    assert_int_equal(post_status((struct post){.method = "GET", .target = "/v1/info"}), 200);
    assert_int_equal(post_status((struct post){.method = "GET", .target = "/v1/traces"}), 405);
    assert_int_equal(post_to("/v1/traces"), 503);
}

static void test_a_session_has_its_own(void **state)
{
    (void)state;
    otk_receiver *session = otk_receiver_session(rx, "mine", NULL);
    assert_non_null(session);
    assert_int_equal(otk_receiver_faults_set(session, "503 x2; /v1/logs: 504", NULL), 0);
    assert_int_equal(post_to("/v1/traces"), 200);
    assert_int_equal(post_to("/s/other/v1/traces"), 200);
    assert_int_equal(post_to("/s/mine/v1/traces"), 503);
    assert_int_equal(post_status((struct post){
                         .type = "application/json", .extra = "X-Otlpkit-Session: mine\r\n", .body = "{}", .size = 2}),
                     503);
    assert_int_equal(post_to("/s/mine/v1/logs"), 504);
    assert_int_equal(post_to("/s/mine/v1/logs"), 200);
    otk_receiver_stop(session);
}

/* ---- What clients did ------------------------------------------------ */

static void test_attempts_of_what_was_reset_are_one_payload(void **state)
{
    (void)state;
    set("reset=before, reset=while, reset, hang, 503, ok cut=0");
    for (int i = 0; i < 6; i++) {
        send_only(json);
        request((size_t)i);
        reconnect();
    }
    otk_attempts *attempts = otk_receiver_attempts(rx);
    assert_non_null(attempts);
    const otk_payload *p = otk_attempts_payload(attempts, 0);
    assert_int_equal(p->attempt_count, 6);
    assert_int_equal(p->accepted_count, 1);
    assert_int_equal(p->size, json.size);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(p->attempts[i].wrong, "");
        assert_int_equal(p->attempts[i].retry, OTK_RETRY_BACKOFF);
    }
    assert_null(otk_attempts_payload(attempts, 1));
    otk_attempts_free(attempts);
}

static int judged(otk_condition condition)
{
    otk_report *report;
    int rc = otk_receiver_wait(rx, &condition, 0, &report);
    otk_report_free(report);
    return rc;
}

static void test_conditions_ask_for_retries_and_delivery(void **state)
{
    (void)state;
    set("503 x2 retry-after=0, ok, ok");
    assert_int_equal(judged(otk_delivered(true)), OTK_ETIMEOUT);
    assert_int_equal(judged(otk_retried(0, 0)), 0);
    for (int i = 0; i < 3; i++)
        post_status(json);
    assert_int_equal(judged(otk_delivered(false)), 0);
    assert_int_equal(judged(otk_delivered(true)), 0);
    assert_int_equal(judged(otk_retried(2, 2)), 0);
    assert_int_equal(judged(otk_retried(0, 1)), OTK_ETIMEOUT);
    assert_int_equal(judged(otk_retried_rightly()), 0);
    post_status(json);
    assert_int_equal(judged(otk_delivered(false)), 0);
    assert_int_equal(judged(otk_delivered(true)), OTK_ETIMEOUT);
    assert_int_equal(judged(otk_retried_rightly()), OTK_ETIMEOUT);
}

static void test_a_wait_is_woken_by_the_delivery(void **state)
{
    (void)state;
    set("503");
    post_status(json);
    otk_condition delivered = otk_delivered(true);
    otk_report *report;
    assert_int_equal(otk_receiver_wait(rx, &delivered, 0, &report), OTK_ETIMEOUT);
    assert_non_null(strstr(otk_report_text(report), "payloads that were not accepted exactly once"));
    otk_report_free(report);
    post_status(json);
    assert_int_equal(otk_receiver_wait(rx, &delivered, PATIENCE_MS, NULL), 0);
}

/* ---- Pages ----------------------------------------------------------- */

static void assert_page(const char *what, const char *body, unsigned status, const char *says)
{
    struct response r = client_ask(&c, what, NULL, body);
    assert_int_equal(r.status, status);
    assert_string_equal(response_text(&r), says);
    response_clear(&r);
}

static void test_the_script_is_set_shown_and_cleared_over_http(void **state)
{
    (void)state;
    assert_page("POST /otlpkit/faults", "503 x2\nlogs: ok", 200,
                "[{\"of\":\"\",\"step\":\"503 x2\",\"left\":2},{\"of\":\"logs\",\"step\":\"ok\",\"left\":1}]\n");
    assert_int_equal(post_to("/v1/traces"), 503);
    assert_page("GET /otlpkit/faults", NULL, 200,
                "[{\"of\":\"\",\"step\":\"503 x2\",\"left\":1},{\"of\":\"logs\",\"step\":\"ok\",\"left\":1}]\n");
    assert_page("POST /otlpkit/faults", "500, nothing", 400,
                "{\"code\":3,\"message\":\"no such word; there is a status such as 503, ok, partial=N, hang, reset, "
                "delay=, stall=, cut, slow=, close, idle=, garbage, size=, type=, location=, message=, retry-after= or "
                "xN\\n  500, nothing\\n       ^~~~~~~\\n\"}");
    assert_page("DELETE /otlpkit/faults", NULL, 204, "");
    assert_page("GET /otlpkit/faults", NULL, 200, "[]\n");
    assert_int_equal(post_to("/v1/traces"), 200);
}

static void test_attempts_are_shown_over_http_each_session_its_own(void **state)
{
    (void)state;
    assert_page("POST /s/mine/otlpkit/faults", "503", 200, "[{\"of\":\"\",\"step\":\"503\",\"left\":1}]\n");
    assert_int_equal(post_to("/s/mine/v1/traces"), 503);
    assert_int_equal(post_to("/s/mine/v1/traces"), 200);
    assert_page("GET /otlpkit/attempts", NULL, 200, "{\"lost\":0,\"duplicated\":0,\"wrong\":0,\"payloads\":[]}\n");
    struct response r = client_ask(&c, "GET /s/mine/otlpkit/attempts", NULL, NULL);
    json_t *tree = json_loadb((char *)r.body.data, r.body.size, 0, NULL);
    json_t *payload = json_array_get(json_object_get(tree, "payloads"), 0);
    assert_string_equal(json_string_value(json_object_get(payload, "outcome")), "delivered");
    assert_int_equal(json_array_size(json_object_get(payload, "attempts")), 2);
    json_decref(tree);
    response_clear(&r);
}

/* ---- Ends ------------------------------------------------------------ */

static void test_stopping_waits_for_no_fault(void **state)
{
    static const struct {
        const char *script;
        size_t answered; /* bytes to wait for */
        bool stored;
    } cases[] = {
        {"hang", 0, true},        {"delay=10m", 0, true}, {"503 stall=10m", 1, true}, {"size=8MiB stall=10m", 1, true},
        {"ok idle=10m", 1, true}, {"slow=1/s", 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct otk_buffer out = OTK_BUFFER_INIT(1 << 16);
        set(cases[i].script);
        send_only(json);
        if (cases[i].stored)
            request(0);
        assert_int_equal(read_raw(&out, cases[i].answered, PATIENCE_MS), END_NOT_YET);
        uint64_t before = now_ms();
        otk_receiver_close(rx);
        assert_in_range(now_ms() - before, 0, PATIENCE_MS);
        otk_buffer_clear(&out);
        stop(NULL);
        start();
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare_and_start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_any_status_is_answered_with_a_status_message),
        TEST(test_refused_requests_keep_their_body_but_are_not_taken_in),
        TEST(test_other_2xx_and_3xx_show_nothing_as_taken_in),
        TEST(test_retry_after_is_seconds_a_date_or_anything),
        TEST(test_2xx_has_the_body_of_success),
        TEST(test_redirects_name_a_location),
        TEST(test_partial_success_rejects_some_or_warns),
        TEST(test_garbage_is_no_message),
        TEST(test_a_wrong_content_type_is_sent),
        TEST(test_answers_may_be_over_4_mib_and_are_well_formed),
        TEST(test_an_answer_is_delayed_and_the_request_is_there_before),
        TEST(test_an_answer_stalls_in_the_middle),
        TEST(test_a_stalled_answer_goes_on),
        TEST(test_a_large_answer_stalls_too),
        TEST(test_hanging_is_no_answer_while_the_connection_is_open),
        TEST(test_who_hangs_up_is_let_go),
        TEST(test_a_body_is_read_slowly),
        TEST(test_a_slow_reader_holds_up_the_sender),
        TEST(test_resets_come_when_they_were_asked_for),
        TEST(test_answers_are_cut),
        TEST(test_a_cut_may_come_after_a_stall),
        TEST(test_connection_close_is_said_and_done),
        TEST(test_an_idle_connection_is_closed_after_its_time),
        TEST(test_a_connection_that_goes_on_is_not_idle),
        TEST(test_when_the_script_is_over_requests_are_accepted),
        TEST(test_signals_and_paths_have_their_own),
        TEST(test_questions_and_other_methods_meet_no_faults),
        TEST(test_a_session_has_its_own),
        TEST(test_attempts_of_what_was_reset_are_one_payload),
        TEST(test_conditions_ask_for_retries_and_delivery),
        TEST(test_a_wait_is_woken_by_the_delivery),
        TEST(test_the_script_is_set_shown_and_cleared_over_http),
        TEST(test_attempts_are_shown_over_http_each_session_its_own),
        TEST(test_stopping_waits_for_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
