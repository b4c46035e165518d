/* A receiver never holds much more than it may, and tells what it refused or forgot. */
#include "given.h"

#include <malloc.h>
#include <stdio.h>

#define MEBIBYTE ((size_t)1 << 20)
#define BOUND (8 * MEBIBYTE)

/* Allocators round up and keep reserves. */
#define RESIDENT_MAX (BOUND + BOUND / 4 + 8 * MEBIBYTE)

static struct target target;

static void start(bool drop_oldest)
{
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.max_capture_bytes = BOUND;
    options.drop_oldest = drop_oldest;
    target_start(&target, &options);
    otk_receiver_reset(target.rx);
}

static struct post post_of(const struct otk_buffer *body, const char *coding)
{
    return (struct post){.body = body->data, .size = body->size, .coding = coding};
}

/* Posts until `total` inflated bytes were offered; returns how many requests that took. */
static uint64_t flood(struct post p, size_t inflated, size_t total)
{
    struct client c = client_open(target_port(&target));
    uint64_t posted = 0;
    for (size_t offered = 0; offered < total; offered += inflated, posted++) {
        struct response r = client_post(&c, p);
        assert_int_equal(r.status, 200);
        response_clear(&r);
    }
    client_close(&c);
    return posted;
}

/* RX-LIM-06, RX-RESP-18: it says so, counts it, keeps what it has, and goes on after a reset. */
static void test_full_receiver_answers_503_with_retry_after_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct otk_buffer body = payload_items(OTK_SIGNAL_TRACES, 1, 1000);
    uint64_t accepted = 0, refused = 0;
    start(false);
    struct client c = client_open(target_port(&target));
    while (refused < 50) {
        struct response r = client_post(&c, post_of(&body, NULL));
        if (r.status == 200) {
            assert_int_equal(refused, 0);
            accepted++;
        } else {
            assert_refusal(&r, 503, "the receiver is full");
            assert_string_equal(response_header(&r, "Retry-After"), "1");
            refused++;
        }
        response_clear(&r);
    }
    otk_receiver_counts counts = target_counts(&target);
    assert_int_equal(counts.requests, accepted + refused);
    assert_int_equal(counts.refused, refused);
    assert_int_equal(counts.spans, accepted * 1000);
    assert_in_range(accepted, BOUND / body.size / 2, BOUND / body.size);
    assert_int_equal(payload_span_number(otk_receiver_span(target.rx, 0)), 1);
    assert_int_equal(payload_span_number(otk_receiver_span(target.rx, accepted * 1000 - 1)), 1000);
    otk_receiver_reset(target.rx);
    target_serves(&target);
    client_close(&c);
    otk_buffer_clear(&body);
    target_stop(&target);
}

/* What it holds and what it dropped add up to what it accepted. */
static void assert_nothing_silent(uint64_t posted)
{
    otk_receiver_counts counts = target_counts(&target);
    uint64_t held = 0;
    while (otk_receiver_request(target.rx, held))
        held++;
    assert_int_equal(counts.requests, posted);
    assert_int_equal(counts.refused, 0);
    assert_int_equal(held + counts.dropped_captures, posted);
    assert_int_equal(otk_receiver_request(target.rx, 0)->number,
                     otk_receiver_request(target.rx, held - 1)->number - held + 1);
    assert_true(counts.dropped_captures > 0);
    assert_true(counts.dropped_bytes >= 8 * BOUND);
}

/* Ten times the bound comes in, in requests of `items` spans. */
static void assert_bounded(const char *name, size_t items, enum otk_coding coding, const char *coding_name)
{
    struct otk_buffer plain = payload_items(OTK_SIGNAL_TRACES, 1, items);
    struct otk_buffer body = payload_coded(coding, plain.data, plain.size);
    start(true);
    malloc_trim(0);
    size_t before = usage_resident();
    uint64_t posted = flood(post_of(&body, coding_name), plain.size, 10 * BOUND);
    size_t after = usage_resident();
    size_t more = after > before ? after - before : 0;
    print_message("%-24s %8llu requests, %5.1f MiB held at a bound of %zu MiB\n", name, (unsigned long long)posted,
                  (double)more / (double)MEBIBYTE, BOUND / MEBIBYTE);
    if (usage_is_meaningful)
        assert_in_range(more, 0, RESIDENT_MAX);
    assert_nothing_silent(posted);
    target_serves(&target);
    target_stop(&target);
    otk_buffer_clear(&plain);
    otk_buffer_clear(&body);
}

/* RX-LIM-06 */
static void test_resident_memory_stays_near_the_bound_while_the_oldest_go(void **state)
{
    (void)state;
    assert_bounded("requests of 5,000 spans", 5000, OTK_CODING_IDENTITY, NULL);
    assert_bounded("requests of 100 spans", 100, OTK_CODING_IDENTITY, NULL);
    assert_bounded("requests of 20 spans", 20, OTK_CODING_IDENTITY, NULL);
    assert_bounded("1,000 spans, gzip", 1000, OTK_CODING_GZIP, "gzip");
}

/* RX-LIM-06: those have a bound of their own. */
static void test_refused_requests_are_bounded_and_counted(void **state)
{
    (void)state;
    enum { REFUSED = 3000 };
    struct otk_buffer body = payload_items(OTK_SIGNAL_TRACES, 1, 200);
    start(false);
    malloc_trim(0);
    size_t before = usage_resident();
    struct client c = client_open(target_port(&target));
    struct post p = post_of(&body, NULL);
    p.size--;
    for (int i = 0; i < REFUSED; i++) {
        struct response r = client_post(&c, p);
        assert_int_equal(r.status, 400);
        response_clear(&r);
    }
    client_close(&c);
    size_t after = usage_resident(), held = 0;
    while (otk_receiver_request(target.rx, held))
        held++;
    otk_receiver_counts counts = target_counts(&target);
    assert_int_equal(counts.refused, REFUSED);
    assert_int_equal(held + counts.dropped_captures, REFUSED);
    print_message("%zu refused requests held, %5.1f MiB\n", held, (double)(after - before) / (double)MEBIBYTE);
    if (usage_is_meaningful)
        assert_in_range(after, 0, before + 16 * MEBIBYTE + RESIDENT_MAX - BOUND);
    target_serves(&target);
    target_stop(&target);
    otk_buffer_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_receiver_answers_503_with_retry_after_and_keeps_what_it_has),
        cmocka_unit_test(test_resident_memory_stays_near_the_bound_while_the_oldest_go),
        cmocka_unit_test(test_refused_requests_are_bounded_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
