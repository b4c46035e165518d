/* The public header's calls, from the outside. */
#include "client.h"
#include "lone.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

static const uint8_t one_span[] = {0x0a, 7, 0x12, 5, 0x12, 3, 0x2a, 1, 'a'};

static void post_span(struct client *c)
{
    struct response r = client_post(c, (struct post){.body = one_span, .size = sizeof one_span});
    assert_int_equal(r.status, 200);
    response_clear(&r);
}

static void post_span_to(uint16_t port)
{
    struct client c = client_open(port);
    post_span(&c);
    client_close(&c);
}

static otk_receiver_counts counts_of(otk_receiver *of)
{
    otk_receiver_counts now;
    otk_receiver_counts_get(of, &now);
    return now;
}

/* ---- Start and stop -------------------------------------------------- */

/* RX-HTTP-20 */
static void test_url_names_loopback_and_the_port(void **state)
{
    (void)state;
    char expected[64];
    snprintf(expected, sizeof expected, "http://127.0.0.1:%u", otk_receiver_port(rx));
    assert_string_equal(otk_receiver_url(rx), expected);
    assert_true(otk_receiver_port(rx) > 0);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool works = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (fd >= 0)
        close(fd);
    return works;
}

static void test_both_loopback_addresses_answer_where_there_are_two(void **state)
{
    (void)state;
    post_span_to(otk_receiver_port(rx));
    assert_int_equal(strncmp(otk_receiver_request(rx, 0)->peer, "127.0.0.1:", 10), 0);
    if (!has_ipv6())
        return;
    struct client c = client_open_at("::1", otk_receiver_port(rx));
    post_span(&c);
    assert_int_equal(strncmp(otk_receiver_request(rx, 1)->peer, "[::1]:", 6), 0);
    client_close(&c);
}

static void test_taken_port_is_said_in_a_sentence(void **state)
{
    (void)state;
    otk_error error;
    char expected[128];
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.port = otk_receiver_port(rx);
    assert_null(otk_receiver_start(&options, &error));
    assert_int_equal(error.code, OTK_ESYSTEM);
    snprintf(expected, sizeof expected, "cannot listen on 127.0.0.1:%u: address already in use", options.port);
    assert_string_equal(error.message, expected);
    assert_null(otk_receiver_start(&options, NULL));
}

static void test_options_that_cannot_be_are_refused(void **state)
{
    (void)state;
    otk_error error;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.host = "no such host.invalid";
    assert_null(otk_receiver_start(&options, &error));
    assert_int_equal(error.code, OTK_EINVAL);
    assert_non_null(strstr(error.message, "no such host.invalid"));
    options = (otk_receiver_options)OTK_RECEIVER_OPTIONS_INIT;
    options.timeout_ms = 0;
    assert_null(otk_receiver_start(&options, &error));
    assert_int_equal(error.code, OTK_EINVAL);
}

static void test_host_and_port_are_listened_on_as_given(void **state)
{
    (void)state;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "::1"};
    for (size_t i = 0; i < (has_ipv6() ? 3 : 2); i++) {
        options.host = hosts[i];
        otk_receiver *one = otk_receiver_start(&options, NULL);
        assert_non_null(one);
        struct client c = client_open_at(i == 2 ? "::1" : "127.0.0.1", otk_receiver_port(one));
        post_span(&c);
        assert_int_equal(strncmp(otk_receiver_url(one), i == 2 ? "http://[::1]:" : "http://127.0.0.1:", 13), 0);
        client_close(&c);
        otk_receiver_stop(one);
    }
}

static void test_port_is_free_again_after_stop(void **state)
{
    (void)state;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    post_span_to(otk_receiver_port(rx));
    options.port = otk_receiver_port(rx);
    otk_receiver_stop(rx);
    rx = otk_receiver_start(&options, NULL);
    assert_non_null(rx);
    assert_int_equal(otk_receiver_port(rx), options.port);
    post_span_to(options.port);
}

static void test_many_receivers_live_side_by_side(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    otk_receiver *all[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        all[i] = otk_receiver_start(NULL, NULL);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j <= i; j++)
            post_span_to(otk_receiver_port(all[i]));
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(counts_of(all[i]).spans, i + 1);
        otk_receiver_stop(all[i]);
    }
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        count++;
    closedir(d);
    return count;
}

static void test_start_and_stop_leave_no_descriptor(void **state)
{
    (void)state;
    size_t before = open_descriptors();
    for (int i = 0; i < 100; i++) {
        otk_receiver *one = otk_receiver_start(NULL, NULL);
        assert_non_null(one);
        if (i % 10 == 0)
            post_span_to(otk_receiver_port(one));
        otk_receiver_stop(one);
    }
    assert_int_equal(open_descriptors(), before);
    otk_receiver_stop(NULL);
}

struct tally {
    unsigned captures;
    unsigned status;
};

static void tally_capture(const otk_capture *c, void *arg)
{
    struct tally *t = arg;
    t->captures++;
    t->status = c->status;
}

/* What lies in the socket when stop is called still gets its answer. */
static void test_stop_answers_what_has_arrived_whole(void **state)
{
    (void)state;
    struct tally tally = {0};
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.on_capture = tally_capture;
    options.on_capture_arg = &tally;
    otk_receiver *one = otk_receiver_start(&options, NULL);
    struct client c = client_open(otk_receiver_port(one));
    struct response r;
    client_print(&c, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    otk_receiver_stop(one);
    assert_int_equal(tally.captures, 1);
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 200);
    response_clear(&r);
    client_close(&c);
}

/* ---- What came ------------------------------------------------------- */

static void test_answered_span_is_there_at_once(void **state)
{
    (void)state;
    post_span_to(otk_receiver_port(rx));
    const otk_captured_span *span = otk_receiver_span(rx, 0);
    assert_non_null(span);
    assert_string_equal(span->name, "a");
    assert_ptr_equal(span->capture, otk_receiver_request(rx, 0));
    assert_null(otk_receiver_span(rx, 1));
    assert_null(otk_receiver_metric(rx, 0));
    assert_null(otk_receiver_log(rx, 0));
    const otk_capture *c = otk_receiver_request(rx, 0);
    assert_int_equal(c->number, 1);
    assert_string_equal(c->method, "POST");
    assert_string_equal(otk_headers_get(&c->headers, "CONTENT-type"), "application/x-protobuf");
    assert_null(otk_headers_get(&c->headers, "Content-Encoding"));
    assert_true(c->time_unix_nano > 0);
    assert_string_equal(c->reason, "");
}

static void test_reset_forgets_and_keeps_listening(void **state)
{
    (void)state;
    struct client c = client_open(otk_receiver_port(rx));
    post_span(&c);
    otk_receiver_reset(rx);
    assert_int_equal(counts_of(rx).requests, 0);
    assert_null(otk_receiver_request(rx, 0));
    post_span(&c);
    assert_int_equal(counts_of(rx).spans, 1);
    assert_int_equal(otk_receiver_request(rx, 0)->number, 2);
    client_close(&c);
}

/* RX-LIM-06, RX-RESP-17, RX-RESP-18, RX-RESP-19: what may pass later gets a code on which clients try again. */
static void test_full_receiver_answers_503_until_reset(void **state)
{
    (void)state;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.max_capture_bytes = 8192;
    otk_receiver *small = otk_receiver_start(&options, NULL);
    struct client c = client_open(otk_receiver_port(small));
    struct post p = {.body = one_span, .size = sizeof one_span};
    struct response r;
    unsigned accepted = 0;
    while ((r = client_post(&c, p)).status == 200) {
        response_clear(&r);
        assert_true(++accepted < 100);
    }
    assert_int_equal(r.status, 503);
    assert_non_null(response_header(&r, "Retry-After"));
    response_clear(&r);
    assert_true(accepted > 0);
    assert_int_equal(counts_of(small).spans, accepted);
    assert_int_equal(counts_of(small).refused, 1);
    assert_non_null(strstr(otk_receiver_request(small, accepted)->reason, "max_capture_bytes"));
    otk_receiver_reset(small);
    post_span(&c);
    client_close(&c);
    otk_receiver_stop(small);
}

static void test_callback_sees_each_request_when_it_is_already_counted(void **state)
{
    (void)state;
    struct tally tally = {0};
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.on_capture = tally_capture;
    options.on_capture_arg = &tally;
    otk_receiver *one = otk_receiver_start(&options, NULL);
    struct client c = client_open(otk_receiver_port(one));
    post_span(&c);
    struct response r = client_post(&c, (struct post){.target = "/x", .body = ""});
    response_clear(&r);
    otk_receiver_stop(one);
    assert_int_equal(tally.captures, 2);
    assert_int_equal(tally.status, 404);
    client_close(&c);
}

/* ---- Waiting --------------------------------------------------------- */

static void *post_later(void *arg)
{
    for (int i = 0; i < 3; i++)
        post_span_to(otk_receiver_port(arg));
    return NULL;
}

static void test_wait_returns_when_spans_have_come(void **state)
{
    (void)state;
    pthread_t sender;
    assert_int_equal(pthread_create(&sender, NULL, post_later, rx), 0);
    assert_int_equal(otk_receiver_wait_spans(rx, 3, PATIENCE_MS), 0);
    assert_int_equal(otk_receiver_wait_requests(rx, 3, 0), 0);
    assert_int_equal(otk_receiver_wait_logs(rx, 1, 1), OTK_ETIMEOUT);
    assert_int_equal(otk_receiver_wait_metrics(rx, 1, 1), OTK_ETIMEOUT);
    pthread_join(sender, NULL);
}

/* A reset right after a wait meets the receiver in the middle of its answer. */
static void test_reset_may_follow_a_wait_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct client c = client_open(otk_receiver_port(rx));
        struct response r;
        client_print(&c, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                         "Content-Length: %zu\r\n\r\n", sizeof one_span);
        client_send(&c, one_span, sizeof one_span);
        assert_int_equal(otk_receiver_wait_spans(rx, 1, PATIENCE_MS), 0);
        otk_receiver_reset(rx);
        assert_true(client_read(&c, &r));
        assert_int_equal(r.status, 200);
        response_clear(&r);
        client_close(&c);
    }
}

enum { CLIENTS = 32, POSTS = 20 };

static void *post_many(void *arg)
{
    struct client c = client_open(otk_receiver_port(arg));
    for (int i = 0; i < POSTS; i++)
        post_span(&c);
    client_close(&c);
    return NULL;
}

/* RX-HTTP-12 */
static void test_parallel_clients_add_up(void **state)
{
    (void)state;
    pthread_t clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, post_many, rx), 0);
    assert_int_equal(otk_receiver_wait_spans(rx, CLIENTS * POSTS, PATIENCE_MS), 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    assert_int_equal(counts_of(rx).requests, CLIENTS * POSTS);
    assert_int_equal(counts_of(rx).spans, CLIENTS * POSTS);
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(url_names_loopback_and_the_port),
        test(both_loopback_addresses_answer_where_there_are_two),
        test(taken_port_is_said_in_a_sentence),
        test(options_that_cannot_be_are_refused),
        test(host_and_port_are_listened_on_as_given),
        test(port_is_free_again_after_stop),
        test(many_receivers_live_side_by_side),
        test(start_and_stop_leave_no_descriptor),
        test(stop_answers_what_has_arrived_whole),
        test(answered_span_is_there_at_once),
        test(reset_forgets_and_keeps_listening),
        test(full_receiver_answers_503_until_reset),
        test(callback_sees_each_request_when_it_is_already_counted),
        test(wait_returns_when_spans_have_come),
        test(reset_may_follow_a_wait_at_once),
        test(parallel_clients_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
