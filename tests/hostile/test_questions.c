/* Those who ask and do not wait for the answer, ask too much, or ask when there is no memory. */
#include "failing.h"
#include "given.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAITS 1000
#define FAILURES_MAX 20000

#define WAIT "GET /otlpkit/wait?until=%7bname=%22never%22%7d&timeout=1h"

static struct target target;

static int start(void **state)
{
    struct rlimit files;
    (void)state;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
    setrlimit(RLIMIT_NOFILE, &files);
    target_start(&target, NULL);
    return 0;
}

/* The thread that answers is there: sanitizers cannot bear that a thread's first memory fails. */
static int start_answering(void **state)
{
    start(state);
    struct client c = client_open(target_port(&target));
    struct response r = client_ask(&c, "GET /otlpkit/stats", NULL, NULL);
    assert_int_equal(r.status, 200);
    response_clear(&r);
    client_close(&c);
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

/* ---- Leaving --------------------------------------------------------- */

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

/* The receiver is asked until it has let go of all that was opened since. */
static void assert_descriptors_come_back(size_t before)
{
    uint64_t begin = now_ms();
    size_t now = open_descriptors();
    for (; now > before && now_ms() - begin < PATIENCE_MS; now = open_descriptors())
        target_serves(&target);
    assert_true(now <= before);
}

static void ask(struct client *c, const char *what)
{
    *c = client_open(target_port(&target));
    client_send_question(c, what, NULL, NULL);
}

static void leave_at_once(struct client *c)
{
    struct linger reset = {.l_onoff = 1};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client_close(c);
}

static void test_thousand_waits_that_vanish_leave_nothing(void **state)
{
    static struct client waiters[WAITS];
    (void)state;
    size_t before = open_descriptors();
    for (size_t i = 0; i < WAITS; i++)
        ask(&waiters[i], WAIT);
    target_serves(&target);
    for (size_t i = 0; i < WAITS; i++)
        (i % 2 ? leave_at_once : client_close)(&waiters[i]);
    assert_descriptors_come_back(before);
}

/* In the middle of a dump, of a stream, and before either has begun. */
static void test_clients_that_leave_in_the_middle_leave_nothing(void **state)
{
    static const char *const questions[] = {"GET /otlpkit/dump", "GET /otlpkit/stream?after=0", WAIT, "GET /otlpkit/spans",
                                            "GET /s/one/otlpkit/stream", "DELETE /s/one"};
    (void)state;
    size_t before = open_descriptors();
    struct otk_buffer body = payload_items(OTK_SIGNAL_TRACES, 1, 500);
    struct client sender = client_open(target_port(&target));
    for (size_t i = 0; i < 50; i++) {
        struct response r = client_post(&sender, (struct post){.body = body.data, .size = body.size});
        response_clear(&r);
    }
    for (size_t i = 0; i < 300; i++) {
        struct client c;
        char first;
        ask(&c, questions[i % 6]);
        if (i % 3 == 0 && i % 6 != 2)
            recv(c.fd, &first, 1, 0);
        (i % 4 ? leave_at_once : client_close)(&c);
    }
    client_close(&sender);
    otk_buffer_clear(&body);
    assert_descriptors_come_back(before);
}

/* ---- Asking too much ------------------------------------------------- */

static void test_hundreds_of_questions_in_one_go_are_answered_in_order(void **state)
{
    (void)state;
    struct client c = client_open(target_port(&target));
    for (size_t i = 0; i < 300; i++)
        client_send_question(&c, i % 3 ? "GET /otlpkit/stats" : "GET /otlpkit/nothing", NULL, NULL);
    for (size_t i = 0; i < 300; i++) {
        struct response r;
        assert_true(client_read(&c, &r));
        assert_int_equal(r.status, i % 3 ? 200 : 404);
        response_clear(&r);
    }
    client_close(&c);
    target_serves(&target);
}

/* Clients that take nothing of what they asked for do not hold up the end. */
static void test_stop_does_not_wait_for_those_who_take_nothing(void **state)
{
    struct client stuck[20], waiters[100];
    int small = 4096;
    char first;
    (void)state;
    struct otk_buffer body = payload_items(OTK_SIGNAL_TRACES, 1, 2000);
    struct client sender = client_open(target_port(&target));
    for (size_t i = 0; i < 50; i++) {
        struct response r = client_post(&sender, (struct post){.body = body.data, .size = body.size});
        response_clear(&r);
    }
    for (size_t i = 0; i < 20; i++) {
        stuck[i] = client_open(target_port(&target));
        setsockopt(stuck[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        client_send_question(&stuck[i], "GET /otlpkit/dump", NULL, NULL);
        assert_int_equal(recv(stuck[i].fd, &first, 1, MSG_PEEK), 1);
    }
    for (size_t i = 0; i < 100; i++)
        ask(&waiters[i], WAIT);
    uint64_t begin = now_ms();
    target_stop(&target);
    print_message("stopped within %u ms\n", (unsigned)(now_ms() - begin));
    assert_in_range(now_ms() - begin, 0, PATIENCE_MS - 1);
    for (size_t i = 0; i < 100; i++)
        client_close(&waiters[i]);
    for (size_t i = 0; i < 20; i++)
        client_close(&stuck[i]);
    client_close(&sender);
    otk_buffer_clear(&body);
    target_start(&target, NULL);
}

/* ---- Without memory -------------------------------------------------- */

struct question {
    const char *what, *body;
    unsigned status; /* when there is memory */
};

/* Returns whether the failure was reached. A connection may be closed without an answer. */
static bool ask_without_memory(const struct question *q, long nth, unsigned *unanswered)
{
    struct response r;
    failing_arm(nth);
    struct client c = client_open(target_port(&target));
    client_send_question(&c, q->what, NULL, q->body);
    bool answered = client_read(&c, &r);
    bool failed = failing_disarm();
    if (answered && r.status != q->status)
        assert_int_equal(r.status, 503);
    if (!answered && !client_sees_end(&c))
        fail_msg("%s hangs when allocation %ld fails", q->what, nth);
    *unanswered += !answered;
    response_clear(&r);
    client_close(&c);
    target_serves(&target);
    return failed;
}

static void fail_each(const struct question *q)
{
    unsigned unanswered = 0;
    long nth = 1;
    failing_elsewhere(true);
    while (ask_without_memory(q, nth, &unanswered))
        assert_true(++nth < FAILURES_MAX);
    failing_elsewhere(false);
    print_message("%-44s %3ld allocations, %u connections closed without an answer\n", q->what, nth - 1, unanswered);
    assert_true(nth > 2);
}

static const struct question questions[] = {
    {"GET /otlpkit/stats", NULL, 200},
    {"GET /otlpkit/dump", NULL, 200},
    {"GET /otlpkit/spans?limit=3", NULL, 200},
    {"GET /otlpkit/nothing", NULL, 404},
    {"GET /otlpkit/wait?until=%7b%7d&timeout=0s", NULL, 200},
    {WAIT "&timeout=0s", NULL, 400}, /* two timeouts */
    {"POST /otlpkit/wait?timeout=1ms", "{ name = \"never\" }", 417},
    {"GET /s/one/otlpkit/sessions", NULL, 200},
    {"POST /s/two/v1/traces", "", 415}, /* no type */
    {"DELETE /otlpkit/captures", NULL, 204},
};

static void test_questions_without_memory_are_answered_and_leave_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        fail_each(&questions[i]);
}

static void test_nothing_is_held_after_stop(void **state)
{
    (void)state;
    stop(NULL);
    start_answering(NULL);
    fail_each(&questions[0]); /* what libraries set up once */
    stop(NULL);
    long before = failing_blocks();
    start_answering(NULL);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        fail_each(&questions[i]);
    stop(NULL);
    assert_int_equal(failing_blocks(), before);
    start_answering(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_thousand_waits_that_vanish_leave_nothing, start, stop),
        cmocka_unit_test_setup_teardown(test_clients_that_leave_in_the_middle_leave_nothing, start, stop),
        cmocka_unit_test_setup_teardown(test_hundreds_of_questions_in_one_go_are_answered_in_order, start, stop),
        cmocka_unit_test_setup_teardown(test_stop_does_not_wait_for_those_who_take_nothing, start, stop),
        cmocka_unit_test_setup_teardown(test_questions_without_memory_are_answered_and_leave_nothing, start_answering, stop),
        cmocka_unit_test_setup_teardown(test_nothing_is_held_after_stop, start_answering, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
