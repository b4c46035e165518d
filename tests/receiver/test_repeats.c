/* Requests and spans that came before. */
#include "served.h"

#include "inflate.h"
#include "repeats.h"
#include "writer.h"

#include <stdio.h>


static int start_small(void **state)
{
    prepare(state);
    options.max_capture_bytes = 16 << 10;
    options.drop_oldest = true;
    start();
    return 0;
}

static void post(const char *json)
{
    struct response r = client_post(&c, (struct post){.type = "application/json", .body = json, .size = strlen(json)});
    assert_int_equal(r.status, 200);
    response_clear(&r);
}

#define SPANS(spans) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" spans "]}]}]}"
#define SPAN(trace, span)                                                                                              \
    "{\"traceId\":\"000000000000000000000000000000" trace "\",\"spanId\":\"00000000000000" span "\"}"

/* RX-SEM-01 */
static void test_a_request_that_comes_again_is_noted_and_counted(void **state)
{
    (void)state;
    post(SPANS(SPAN("01", "01")));
    post(SPANS(SPAN("01", "02")));
    post(SPANS(SPAN("01", "01")));
    post(SPANS(SPAN("01", "01")));
    assert_int_equal(otk_receiver_request(rx, 0)->repeat_of, 0);
    assert_int_equal(otk_receiver_request(rx, 1)->repeat_of, 0);
    assert_int_equal(otk_receiver_request(rx, 2)->repeat_of, 1);
    assert_string_equal(otk_receiver_request(rx, 2)->notes, "the same bytes as request 1");
    assert_int_equal(otk_receiver_request(rx, 3)->repeat_of, 3);
    assert_int_equal(counts().repeated_requests, 2);
    assert_int_equal(counts().spans, 4);
}

/* RX-SEM-01: the same however it was compressed, and told from the other encoding. */
static void test_inflated_bytes_are_compared(void **state)
{
    static const uint8_t one_span[] = {0x0a, 7, 0x12, 5, 0x12, 3, 0x2a, 1, 'a'};
    struct otk_buffer gzip = OTK_BUFFER_INIT(4096);
    (void)state;
    struct response r = client_post(&c, (struct post){.body = one_span, .size = sizeof one_span});
    response_clear(&r);
    assert_int_equal(otk_gzip(&gzip, one_span, sizeof one_span), 0);
    r = client_post(&c, (struct post){.coding = "gzip", .body = gzip.data, .size = gzip.size});
    otk_buffer_clear(&gzip);
    response_clear(&r);
    assert_int_equal(otk_receiver_request(rx, 1)->repeat_of, 1);
    post(SPANS("{\"name\":\"a\"}"));
    assert_int_equal(otk_receiver_request(rx, 2)->repeat_of, 0);
}

static void test_requests_without_items_are_never_the_same(void **state)
{
    (void)state;
    post("{}");
    post("{}");
    assert_int_equal(counts().repeated_requests, 0);
    assert_string_equal(otk_receiver_request(rx, 1)->notes, "");
}

static void test_reset_forgets_what_was_seen(void **state)
{
    (void)state;
    post(SPANS(SPAN("01", "01")));
    otk_receiver_reset(rx);
    post(SPANS(SPAN("01", "01")));
    assert_int_equal(counts().repeated_requests, 0);
}

static void test_a_request_that_was_dropped_is_forgotten(void **state)
{
    (void)state;
    char json[256];
    post(SPANS(SPAN("01", "01")));
    for (int i = 0; counts().dropped_captures < 2; i++) {
        snprintf(json, sizeof json, SPANS("{\"name\":\"%d\"}"), i);
        post(json);
    }
    post(SPANS(SPAN("01", "01")));
    assert_int_equal(counts().repeated_requests, 0);
    post(SPANS(SPAN("01", "01")));
    assert_int_equal(counts().repeated_requests, 1);
}

/* ---- Large requests, which are not compared but where samples agree --- */

#define LARGE 20000

/* A span with `size` bytes of a name, in which one byte at `at` tells it from others. */
static struct capture *given_large(size_t at, uint8_t mark)
{
    struct otk_fault fault;
    struct otk_buffer span = OTK_BUFFER_INIT(1 << 20), scope = OTK_BUFFER_INIT(1 << 20), all = OTK_BUFFER_INIT(1 << 20);
    struct capture *made = otk_capture_new();
    char *name = malloc(LARGE);
    memset(name, 'x', LARGE);
    name[at] = (char)mark;
    otk_write_bytes(&span, 5, name, LARGE);
    otk_write_bytes(&scope, 2, span.data, span.size);
    otk_write_bytes(&all, 2, scope.data, scope.size);
    otk_write_bytes(&made->body, 1, all.data, all.size);
    otk_capture_end_body(made);
    made->pub.signal = OTK_SIGNAL_TRACES;
    made->pub.encoding = OTK_ENCODING_PROTOBUF;
    assert_int_equal(otk_capture_decode(made, NULL, 1 << 20, &fault), 0);
    free(name);
    otk_buffer_clear(&span);
    otk_buffer_clear(&scope);
    otk_buffer_clear(&all);
    return made;
}

static struct capture *add(struct otk_repeats *seen, struct capture *one)
{
    otk_repeats_reserve(seen);
    return otk_repeats_add(seen, one);
}

static void test_every_byte_counts_however_large(void **state)
{
    enum { COUNT = 200 };
    struct otk_repeats seen = {0};
    struct capture *first[COUNT], *again = given_large(100 * (COUNT - 2), 'y');
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        first[i] = given_large(100 * i, 'y');
        assert_null(add(&seen, first[i]));
    }
    assert_ptr_equal(add(&seen, again), first[COUNT - 2]);
    for (size_t i = 0; i < COUNT; i++) {
        otk_repeats_remove(&seen, first[i]);
        otk_capture_free(first[i]);
    }
    otk_repeats_remove(&seen, again);
    otk_capture_free(again);
    assert_int_equal(seen.count, 0);
    otk_repeats_clear(&seen);
}

/* ---- Spans ----------------------------------------------------------- */

static uint64_t repeated_spans(void)
{
    uint64_t count;
    assert_int_equal(otk_receiver_repeated_spans(rx, &count), 0);
    return count;
}

/* RX-SEM-01 */
static void test_spans_that_came_twice_are_counted_on_demand(void **state)
{
    (void)state;
    assert_int_equal(repeated_spans(), 0);
    post(SPANS(SPAN("01", "01") "," SPAN("01", "02")));
    post(SPANS(SPAN("02", "01")));
    assert_int_equal(repeated_spans(), 0);
    post(SPANS(SPAN("03", "01") "," SPAN("01", "02") "," SPAN("01", "02")));
    assert_int_equal(repeated_spans(), 2);
    post(SPANS("{},{},{\"name\":\"no ids\"}"));
    assert_int_equal(repeated_spans(), 2);
}

static void test_many_spans_are_told_apart(void **state)
{
    enum { COUNT = 5000 };
    (void)state;
    struct otk_buffer json = OTK_BUFFER_INIT(1 << 20);
    otk_buffer_text(&json, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[");
    for (unsigned i = 0; i < COUNT; i++)
        otk_buffer_printf(&json, "%s{\"traceId\":\"0000000000000000000000000000abcd\",\"spanId\":\"%016x\"}",
                          i ? "," : "", i + 1);
    otk_buffer_text(&json, "]}]}]}");
    post(otk_buffer_string(&json));
    assert_int_equal(repeated_spans(), 0);
    post((const char *)json.data);
    assert_int_equal(repeated_spans(), COUNT);
    otk_buffer_clear(&json);
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, prepare_and_start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_request_that_comes_again_is_noted_and_counted),
        test(inflated_bytes_are_compared),
        test(requests_without_items_are_never_the_same),
        test(reset_forgets_what_was_seen),
        cmocka_unit_test_setup_teardown(test_a_request_that_was_dropped_is_forgotten, start_small, stop),
        cmocka_unit_test(test_every_byte_counts_however_large),
        test(spans_that_came_twice_are_counted_on_demand),
        test(many_spans_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
