/* Each allocation of a start, a request, a look and a dump fails once: there is a clear error or answer, nothing leaks,
 * and the receiver goes on. */
#include "failing.h"
#include "given.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

/* More than any operation here takes; one that never runs out of failures is a loop. */
#define FAILURES_MAX 20000

#define SPANS 64

static struct target target;

/* Everything that the receiver's thread does from here on counts. */
static void watch_thread(const otk_capture *capture, void *arg)
{
    (void)capture;
    (void)arg;
    failing_here(true);
}

static otk_receiver_options watched(void)
{
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.on_capture = watch_thread;
    return options;
}

static int start(void **state)
{
    otk_receiver_options options = watched();
    (void)state;
    target_start(&target, &options);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    target_stop(&target);
    return 0;
}

/* ---- Start ----------------------------------------------------------- */

/* Returns whether the failure was reached. */
static bool start_without_memory(long nth)
{
    otk_receiver_options options = watched();
    otk_error error = {0};
    failing_here(true);
    failing_arm(nth);
    struct target t = {.rx = otk_receiver_start(&options, &error)};
    bool failed = failing_disarm();
    failing_here(false);
    if (t.rx) {
        assert_string_equal(error.message, "");
        target_serves(&t);
        target_stop(&t);
    } else {
        assert_true(failed);
        assert_true(error.code == OTK_ENOMEM || error.code == OTK_ESYSTEM);
        assert_true(strlen(error.message) > 0);
    }
    return failed;
}

static void test_start_without_memory_fails_with_a_sentence_or_works(void **state)
{
    (void)state;
    while (start_without_memory(FAILURES_MAX)) /* what libraries set up once */
        ;
    long before = failing_blocks(), nth = 1;
    while (start_without_memory(nth)) {
        assert_int_equal(failing_blocks(), before);
        assert_true(++nth < FAILURES_MAX);
    }
    print_message("a start asks for memory %ld times\n", nth - 1);
    assert_true(nth > 5);
}

/* ---- Requests -------------------------------------------------------- */

struct request {
    const char *target, *type;
    enum otk_coding coding;
    bool chunked;
    unsigned status; /* when there is memory */
    struct otk_buffer body;
};

static const char *coding_name(enum otk_coding coding)
{
    static const char *const names[] = {
        [OTK_CODING_GZIP] = "gzip", [OTK_CODING_DEFLATE] = "deflate", [OTK_CODING_ZSTD] = "zstd"};
    return coding == OTK_CODING_IDENTITY ? NULL : names[coding];
}

static bool send_request(struct client *c, const struct request *q)
{
    const char *coding = coding_name(q->coding);
    client_print(c, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: %s\r\n", q->target, q->type);
    if (coding)
        client_print(c, "Content-Encoding: %s\r\n", coding);
    if (!q->chunked)
        return client_print(c, "Content-Length: %zu\r\n\r\n", q->body.size) &&
               client_send(c, q->body.data, q->body.size);
    client_print(c, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", q->body.size);
    return client_send(c, q->body.data, q->body.size) && client_print(c, "\r\n0\r\n\r\n");
}

/* As with memory, or 503 with memory as the reason. There may be none for the Status itself. */
static void assert_answered(const struct request *q, const struct response *r)
{
    if (r->status != q->status) {
        assert_int_equal(r->status, 503);
        assert_string_equal(response_header(r, "Retry-After"), "1");
    }
    if (r->status != 200 && r->body.size)
        assert_refusal(r, r->status, r->status == q->status ? "" : "out of memory");
}

/* Returns whether the failure was reached. */
static bool request_without_memory(const struct request *q, long nth, unsigned *unanswered)
{
    struct response r;
    otk_receiver_counts before = target_counts(&target), after;
    failing_arm(nth);
    struct client c = client_open(target_port(&target));
    send_request(&c, q);
    bool answered = client_read(&c, &r);
    bool failed = failing_disarm();
    after = target_counts(&target);
    if (answered) {
        assert_answered(q, &r);
        assert_int_equal(after.requests, before.requests + 1);
        assert_int_equal(after.refused, before.refused + (r.status != 200));
        assert_int_equal(after.spans, before.spans + (r.status == 200 ? SPANS : 0));
    }
    *unanswered += !answered;
    response_clear(&r);
    client_close(&c);
    target_serves(&target);
    return failed;
}

static void fail_each(const char *name, const struct request *q)
{
    unsigned unanswered = 0;
    long nth = 1;
    while (request_without_memory(q, nth, &unanswered))
        assert_true(++nth < FAILURES_MAX);
    print_message("%-28s %3ld allocations, %u connections closed without an answer\n", name, nth - 1, unanswered);
    assert_true(nth > 2);
}

static struct request spans(void)
{
    return (struct request){.target = "/v1/traces",
                            .type = "application/x-protobuf",
                            .status = 200,
                            .body = payload_items(OTK_SIGNAL_TRACES, 1, SPANS)};
}

static void encode(struct request *q, enum otk_coding coding)
{
    struct otk_buffer plain = q->body;
    q->coding = coding;
    q->body = payload_coded(coding, plain.data, plain.size);
    otk_buffer_clear(&plain);
}

static void make_json(struct request *q)
{
    struct otk_buffer protobuf = q->body;
    q->type = "application/json";
    q->body = payload_json(OTK_SIGNAL_TRACES, &protobuf);
    otk_buffer_clear(&protobuf);
}

/* Two envelopes' worth of one: what protobuf says to merge. */
static void make_irregular(struct request *q)
{
    static const uint8_t pieces[] = {0x0a, 8, 0x0a, 2, 0x10, 1, 0x0a, 2, 0x10, 2};
    otk_buffer_append(&q->body, pieces, sizeof pieces);
}

static void test_requests_without_memory_are_answered_and_leave_nothing(void **state)
{
    (void)state;
    struct request q = spans();
    fail_each("protobuf", &q);
    q.chunked = true;
    fail_each("chunked", &q);
    q.chunked = false;
    make_irregular(&q);
    fail_each("to be merged", &q);
    for (enum otk_coding coding = OTK_CODING_GZIP; coding <= OTK_CODING_ZSTD; coding++) {
        otk_buffer_clear(&q.body);
        q = spans();
        encode(&q, coding);
        fail_each(coding_name(coding), &q);
    }
    otk_buffer_clear(&q.body);
    q = spans();
    make_json(&q);
    fail_each("JSON", &q);
    encode(&q, OTK_CODING_GZIP);
    fail_each("JSON, gzip", &q);
    otk_buffer_clear(&q.body);
}

static void test_refusals_without_memory_are_answered_and_leave_nothing(void **state)
{
    (void)state;
    struct request q = spans();
    q.target = "/v1/metrics";
    q.status = 400;
    fail_each("another signal", &q);
    q.target = "/v1/trace";
    q.status = 404;
    fail_each("another path", &q);
    q.target = "/v1/traces";
    q.status = 400;
    q.body.size -= 1;
    fail_each("truncated", &q);
    q.body.size += 1;
    make_json(&q);
    q.body.size -= 1;
    fail_each("truncated JSON", &q);
    otk_buffer_clear(&q.body);
}

/* A receiver that starved is freed to the last block. */
static void test_nothing_is_held_after_stop(void **state)
{
    (void)state;
    struct request q = spans();
    unsigned unanswered = 0;
    start(NULL);
    stop(NULL);
    long before = failing_blocks();
    start(NULL);
    for (long nth = 1; request_without_memory(&q, nth, &unanswered); nth++)
        ;
    stop(NULL);
    assert_int_equal(failing_blocks(), before);
    otk_buffer_clear(&q.body);
}

/* ---- Looking --------------------------------------------------------- */

static void post_all_signals(void)
{
    static const char *const targets[OTK_SIGNAL_COUNT] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
    struct client c = client_open(target_port(&target));
    otk_receiver_reset(target.rx);
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++) {
        struct otk_buffer body = payload_items((otk_signal)i, 1, 5);
        struct response r = client_post(&c, (struct post){.target = targets[i], .body = body.data, .size = body.size});
        assert_int_equal(r.status, 200);
        response_clear(&r);
        otk_buffer_clear(&body);
    }
    client_close(&c);
}

typedef bool look_fn(otk_receiver *rx); /* whether it was complete; else its error was a clear one */

static bool look_at_items(otk_receiver *rx)
{
    const otk_captured_span *span = otk_receiver_span(rx, 4);
    const otk_captured_metric *metric = otk_receiver_metric(rx, 4);
    const otk_captured_log *log = otk_receiver_log(rx, 4);
    return span && metric && log && payload_span_number(span) == 5 && payload_metric_number(metric) == 5 &&
           payload_log_number(log) == 5;
}

static bool dump_text(otk_receiver *rx)
{
    size_t size = 0;
    char *text = otk_receiver_json(rx, &size);
    bool complete = text && size == strlen(text) && size > 3000;
    assert_true(complete || !text);
    free(text);
    return complete;
}

static bool dump_tree(otk_receiver *rx)
{
    json_t *tree = otk_receiver_json_tree(rx);
    bool complete = tree && json_array_size(tree) == OTK_SIGNAL_COUNT;
    assert_true(complete || !tree);
    json_decref(tree);
    return complete;
}

static bool dump_file(otk_receiver *rx)
{
    FILE *to = fopen("/dev/null", "we");
    int rc = to ? otk_receiver_write_json(rx, to) : OTK_ENOMEM;
    if (to)
        fclose(to);
    assert_true(rc == 0 || rc == OTK_ENOMEM);
    return rc == 0;
}

static bool write_text(otk_receiver *rx)
{
    FILE *to = fopen("/dev/null", "we");
    int rc = to ? 0 : OTK_ENOMEM;
    for (size_t i = 0; !rc && i < OTK_SIGNAL_COUNT; i++)
        rc = otk_capture_write_text(otk_receiver_request(rx, i), to, true);
    if (to)
        fclose(to);
    assert_true(rc == 0 || rc == OTK_ENOMEM);
    return rc == 0;
}

static const struct {
    const char *name;
    look_fn *look;
} looks[] = {
    {"captured items", look_at_items},      {"otk_receiver_json", dump_text},
    {"otk_receiver_json_tree", dump_tree},  {"otk_receiver_write_json", dump_file},
    {"otk_capture_write_text", write_text},
};

/* Returns whether the failure was reached. */
static bool look_without_memory(look_fn *look, long nth)
{
    post_all_signals();
    failing_here(true);
    failing_arm(nth);
    bool complete = look(target.rx);
    bool failed = failing_disarm();
    failing_here(false);
    assert_true(complete || failed);
    assert_true(look(target.rx));
    return failed;
}

static void test_looks_and_dumps_without_memory_say_so_and_work_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        long nth = 1;
        while (look_without_memory(looks[i].look, nth))
            assert_true(++nth < FAILURES_MAX);
        print_message("%-28s %3ld allocations\n", looks[i].name, nth - 1);
        assert_true(nth > 1);
    }
    target_serves(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_without_memory_fails_with_a_sentence_or_works),
        cmocka_unit_test_setup_teardown(test_requests_without_memory_are_answered_and_leave_nothing, start, stop),
        cmocka_unit_test_setup_teardown(test_refusals_without_memory_are_answered_and_leave_nothing, start, stop),
        cmocka_unit_test(test_nothing_is_held_after_stop),
        cmocka_unit_test_setup_teardown(test_looks_and_dumps_without_memory_say_so_and_work_again, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
