/* Clients that lie, dawdle, or come in their thousands. */
#include "given.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 500
#define DRIP_MS 20

static const char head[] = "POST /v1/traces HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-protobuf\r\n";

static struct target target;

static int start(void **state)
{
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    (void)state;
    options.timeout_ms = TIMEOUT_MS;
    target_start(&target, &options);
    otk_receiver_reset(target.rx);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    target_stop(&target);
    return 0;
}

static uint64_t now_ms(void)
{
    return usage_cpu_ns(CLOCK_MONOTONIC) / 1000000u;
}

/* ---- A Content-Length that lies -------------------------------------- */

/* RX-LIM-03, and nothing silent: the client promised more than it sent. */
static void test_length_too_large_and_a_client_that_leaves_is_kept_as_refused(void **state)
{
    (void)state;
    struct client c = client_open(target_port(&target));
    client_print(&c, "%sContent-Length: 1000\r\n\r\n0123456789", head);
    client_close(&c);
    assert_int_equal(otk_receiver_wait_requests(target.rx, 1, PATIENCE_MS), 0);
    const otk_capture *kept = otk_receiver_request(target.rx, 0);
    assert_int_equal(kept->status, 0);
    assert_int_equal(kept->body.size, 10);
    assert_non_null(strstr(kept->reason, "closed after 10 bytes of body"));
    assert_int_equal(target_counts(&target).refused, 1);
    target_serves(&target);
}

/* RX-LIM-05: the client waits for an answer to what it never sent. */
static void test_length_too_large_and_a_client_that_waits_gets_408(void **state)
{
    (void)state;
    struct response r;
    struct client c = client_open(target_port(&target));
    client_print(&c, "%sContent-Length: 1000\r\n\r\n0123456789", head);
    assert_true(client_read(&c, &r));
    assert_refusal(&r, 408, "did not arrive whole within 500 ms");
    assert_true(client_sees_end(&c));
    response_clear(&r);
    client_close(&c);
    target_serves(&target);
}

/* RX-LIM-03: huge promises reserve nothing. */
static void test_length_beyond_any_number_is_refused(void **state)
{
    static const char *const lengths[] = {"18446744073709551615", "99999999999999999999999", "-1", "1e3", "0x10"};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct response r;
        struct client c = client_open(target_port(&target));
        client_print(&c, "%sContent-Length: %s\r\n\r\n", head, lengths[i]);
        assert_true(client_read(&c, &r));
        assert_in_range(r.status, 400, 413);
        assert_true(client_sees_end(&c));
        response_clear(&r);
        client_close(&c);
    }
    target_serves(&target);
}

/* What stands behind the announced body is the next request, and no part of this one. */
static void test_length_too_small_makes_the_rest_a_request_of_its_own(void **state)
{
    static const uint8_t one_span[] = {0x0a, 7, 0x12, 5, 0x12, 3, 0x2a, 1, 'a'};
    (void)state;
    struct response r;
    struct client c = client_open(target_port(&target));
    client_print(&c, "%sContent-Length: %zu\r\n\r\n", head, sizeof one_span);
    client_send(&c, one_span, sizeof one_span);
    client_send(&c, "rest of a body\r\n\r\n", 18);
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 200);
    assert_int_equal(otk_receiver_request(target.rx, 0)->body.size, sizeof one_span);
    response_clear(&r);
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 400);
    response_clear(&r);
    assert_true(client_sees_end(&c));
    client_close(&c);
    assert_int_equal(target_counts(&target).spans, 1);
    target_serves(&target);
}

/* ---- Byte by byte ---------------------------------------------------- */

/* Sends a byte every 20 ms, however long the receiver listens; the socket itself is what is waited on. Returns the
 * milliseconds until it had enough. */
static uint64_t drip(struct client *c, const char *text)
{
    uint64_t begin = now_ms();
    size_t size = strlen(text);
    for (size_t i = 0; now_ms() - begin < PATIENCE_MS; i++) {
        struct pollfd answered = {.fd = c->fd, .events = POLLIN | POLLRDHUP};
        if (!client_send(c, &text[i % size], 1) || poll(&answered, 1, DRIP_MS) == 1)
            break;
    }
    return now_ms() - begin;
}

static void assert_in_time(uint64_t ms)
{
    print_message("given up after %u ms, allowed %d\n", (unsigned)ms, TIMEOUT_MS);
    assert_in_range(ms, 1, PATIENCE_MS - 1);
}

/* RX-LIM-05: each byte comes in time, the request does not. */
static void test_body_byte_by_byte_gets_408_when_the_time_is_over(void **state)
{
    (void)state;
    struct response r;
    struct client c = client_open(target_port(&target));
    client_print(&c, "%sContent-Length: 1000000\r\n\r\n", head);
    assert_in_time(drip(&c, "x"));
    assert_true(client_read(&c, &r));
    assert_refusal(&r, 408, "did not arrive whole within 500 ms");
    assert_int_equal(target_counts(&target).refused, 1);
    response_clear(&r);
    client_close(&c);
    target_serves(&target);
}

static void test_chunks_byte_by_byte_get_408_when_the_time_is_over(void **state)
{
    (void)state;
    struct response r;
    struct client c = client_open(target_port(&target));
    client_print(&c, "%sTransfer-Encoding: chunked\r\n\r\n", head);
    assert_in_time(drip(&c, "1\r\nx\r\n"));
    assert_true(client_read(&c, &r));
    assert_refusal(&r, 408, "did not arrive whole within 500 ms");
    response_clear(&r);
    client_close(&c);
    target_serves(&target);
}

/* RX-LIM-05: before its headers are whole there is no request to answer. */
static void test_headers_byte_by_byte_are_hung_up_on(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"", "POST /v1/traces HTTP/1.1\r\nX-Long: "};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        struct client c = client_open(target_port(&target));
        client_print(&c, "%s", beginnings[i]);
        assert_in_time(drip(&c, "POST"));
        assert_true(client_sees_end(&c));
        client_close(&c);
    }
    target_serves(&target);
}

/* ---- By the thousands ------------------------------------------------ */

#define CROWD 10000

/* Descriptors that this process may open besides the few that it has. */
static size_t descriptors(size_t wanted)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < wanted) {
        struct rlimit more = {wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted};
        if (setrlimit(RLIMIT_NOFILE, &more)) {
            more = (struct rlimit){limit.rlim_max, limit.rlim_max};
            setrlimit(RLIMIT_NOFILE, &more);
        }
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur < wanted ? (size_t)limit.rlim_cur : wanted;
}

static int connect_later(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd >= 0)
        connect(fd, (struct sockaddr *)&to, sizeof to);
    return fd;
}

struct crowd {
    int *sockets;
    size_t count;
};

/* One more connects, and says `text` if the connection stands at once. */
static bool join(struct crowd *crowd, const char *text)
{
    int fd = connect_later(target_port(&target));
    if (fd < 0)
        return false;
    send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    crowd->sockets[crowd->count++] = fd;
    return true;
}

static void disperse(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        close(crowd->sockets[i]);
    free(crowd->sockets);
}

/* How many, when each takes `each` descriptors in this process. */
static size_t crowd_size(size_t each, size_t besides)
{
    size_t allowed = descriptors(CROWD * each + besides);
    size_t count = allowed >= CROWD * each + besides ? CROWD : (allowed - besides) / each;
    if (count < CROWD)
        print_message("the limit of %zu descriptors allows %zu connections only\n", allowed, count);
    return count;
}

static void assert_good(struct client *c)
{
    struct response r = client_post(c, (struct post){.body = "", .size = 0});
    assert_int_equal(r.status, 200);
    response_clear(&r);
}

/* RX-LIM-05, RX-LIM-06: beyond max_connections they wait in the kernel, and hold up nobody who is already there. */
static void test_10000_connections_do_not_disturb_a_good_client(void **state)
{
    (void)state;
    size_t count = crowd_size(1, 3000);
    struct client regular = client_open(target_port(&target));
    assert_good(&regular);
    size_t resident = usage_reset_peak();
    struct crowd crowd = {.sockets = calloc(count, sizeof *crowd.sockets)};
    assert_non_null(crowd.sockets);
    while (crowd.count < count) {
        assert_true(join(&crowd, "POST /v1/traces HTTP/1.1\r\nX-Never: ends"));
        if (crowd.count % 100 == 0)
            assert_good(&regular);
    }
    assert_good(&regular);
    size_t peak = usage_peak();
    client_close(&regular);
    disperse(&crowd);
    target_serves(&target);
    print_message("%zu connections, %zu MiB more\n", count, (peak - resident) >> 20);
    if (usage_is_meaningful && resident)
        assert_in_range(peak, 0, resident + ((size_t)128 << 20));
}

/* All of them at once, where the receiver is told to bear that. */
static void test_a_receiver_of_10000_connections_serves_each(void **state)
{
    (void)state;
    size_t count = crowd_size(2, 500);
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.max_connections = (unsigned)count + 100;
    target_start(&target, &options);
    otk_receiver_reset(target.rx);
    size_t resident = usage_reset_peak();
    struct crowd crowd = {.sockets = calloc(count, sizeof *crowd.sockets)};
    assert_non_null(crowd.sockets);
    for (; crowd.count < count; crowd.count++)
        crowd.sockets[crowd.count] = client_open(target_port(&target)).fd;
    for (size_t i = 0; i < count; i++) {
        struct client c = {.fd = crowd.sockets[i], .in = OTK_BUFFER_INIT(1 << 20)};
        assert_good(&c);
        otk_buffer_clear(&c.in);
    }
    size_t peak = usage_peak();
    print_message("%zu connections, %zu MiB more\n", count, (peak - resident) >> 20);
    assert_int_equal(target_counts(&target).requests, count);
    if (usage_is_meaningful && resident)
        assert_in_range(peak, 0, resident + count * 80 * 1024);
    disperse(&crowd);
    target_serves(&target);
    target_stop(&target);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_length_too_large_and_a_client_that_leaves_is_kept_as_refused),
        TEST(test_length_too_large_and_a_client_that_waits_gets_408),
        TEST(test_length_beyond_any_number_is_refused),
        TEST(test_length_too_small_makes_the_rest_a_request_of_its_own),
        TEST(test_body_byte_by_byte_gets_408_when_the_time_is_over),
        TEST(test_chunks_byte_by_byte_get_408_when_the_time_is_over),
        TEST(test_headers_byte_by_byte_are_hung_up_on),
        TEST(test_10000_connections_do_not_disturb_a_good_client),
        cmocka_unit_test(test_a_receiver_of_10000_connections_serves_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
