/* What the store holds, finds, forgets and wakes. */
#include "test.h"

#include "store.h"

#include <sys/mman.h>
#include <unistd.h>

#define REFUSED_BYTES ((size_t)16 << 20)

static struct otk_store *store;

static int start(void **state)
{
    (void)state;
    store = otk_store_new(&(struct otk_store_limits){.max_bytes = 1 << 20, .max_refused_bytes = REFUSED_BYTES});
    return store ? 0 : -1;
}

static int start_dropping(void **state)
{
    (void)state;
    store = otk_store_new(
        &(struct otk_store_limits){.max_bytes = 10 * 4096, .max_refused_bytes = REFUSED_BYTES, .drop_oldest = true});
    return store ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    otk_store_free(store);
    return 0;
}

/* Adds a capture with so many items that weighs about `bytes`. */
static int add(otk_signal signal, size_t items, unsigned status, size_t bytes)
{
    struct capture *c = otk_capture_new();
    assert_non_null(c);
    c->pub.has_signal = true;
    c->pub.signal = signal;
    c->pub.status = status;
    c->index.item_count = items;
    size_t *counts[] = {&c->pub.span_count, &c->pub.metric_count, &c->pub.log_record_count};
    *counts[signal] = items;
    assert_int_equal(otk_capture_reserve(c, bytes), 0);
    c->body.size = c->pub.body_size = bytes;
    otk_capture_end_body(c);
    int rc = otk_store_add(store, c);
    otk_capture_free(c);
    return rc;
}

static otk_receiver_counts counts(void)
{
    otk_receiver_counts now;
    otk_store_counts(store, &now);
    return now;
}

static void assert_finds(otk_signal signal, uint64_t item, uint64_t number, size_t expected_place)
{
    size_t place = 99;
    struct capture *c = otk_store_find(store, signal, item, &place);
    assert_non_null(c);
    assert_int_equal(c->pub.number, number);
    assert_int_equal(place, expected_place);
}

static void test_items_are_found_across_captures_and_signals(void **state)
{
    (void)state;
    size_t place;
    add(OTK_SIGNAL_TRACES, 2, 200, 1);
    add(OTK_SIGNAL_LOGS, 3, 200, 1);
    add(OTK_SIGNAL_TRACES, 0, 200, 1);
    add(OTK_SIGNAL_TRACES, 1, 400, 1);
    add(OTK_SIGNAL_TRACES, 2, 200, 1);
    assert_finds(OTK_SIGNAL_TRACES, 0, 1, 0);
    assert_finds(OTK_SIGNAL_TRACES, 1, 1, 1);
    assert_finds(OTK_SIGNAL_LOGS, 2, 2, 2);
    assert_null(otk_store_find(store, OTK_SIGNAL_LOGS, 3, &place));
    assert_null(otk_store_find(store, OTK_SIGNAL_METRICS, 0, &place));
    assert_null(otk_store_find(store, OTK_SIGNAL_TRACES, UINT64_MAX, &place));
    assert_int_equal(otk_store_at(store, 4)->pub.number, 5);
    assert_null(otk_store_at(store, 5));
}

static void test_next_walks_by_number(void **state)
{
    (void)state;
    uint64_t number = 0, seen = 0;
    for (int i = 0; i < 40; i++)
        add(OTK_SIGNAL_TRACES, 1, 200, 1);
    for (struct capture *c; (c = otk_store_next(store, number)); seen++) {
        number = c->pub.number;
        otk_capture_free(c);
    }
    assert_int_equal(seen, 40);
    assert_int_equal(number, 40);
}

/* RX-LIM-06 */
static void test_full_store_refuses_and_holds_what_it_has(void **state)
{
    (void)state;
    assert_int_equal(add(OTK_SIGNAL_TRACES, 1, 200, 600000), 0);
    assert_int_equal(add(OTK_SIGNAL_TRACES, 1, 200, 600000), OTK_ELIMIT);
    assert_int_equal(add(OTK_SIGNAL_TRACES, 1, 200, 2 << 20), OTK_ELIMIT);
    assert_int_equal(counts().requests, 1);
    assert_int_equal(add(OTK_SIGNAL_TRACES, 0, 503, 600000), 0);
    assert_int_equal(counts().refused, 1);
    otk_store_reset(store);
    assert_int_equal(add(OTK_SIGNAL_TRACES, 1, 200, 600000), 0);
    assert_int_equal(otk_store_at(store, 0)->pub.number, 3);
}

/* RX-LIM-06 */
static void test_dropping_store_forgets_the_oldest_and_counts(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(add(i % 2 ? OTK_SIGNAL_LOGS : OTK_SIGNAL_TRACES, 2, 200, 4096), 0);
    assert_int_equal(counts().requests, 100);
    assert_int_equal(counts().spans, 100);
    assert_in_range(counts().dropped_captures, 90, 98);
    assert_in_range(counts().dropped_bytes, 90 * 4096, 98 * 5000);
    struct capture *oldest = otk_store_at(store, 0);
    assert_int_equal(oldest->pub.number, counts().dropped_captures + 1);
    uint64_t first_trace = oldest->pub.signal == OTK_SIGNAL_TRACES ? oldest->pub.number : oldest->pub.number + 1;
    assert_finds(OTK_SIGNAL_TRACES, 0, first_trace, 0);
    assert_finds(OTK_SIGNAL_TRACES, 3, first_trace + 2, 1);
}

/* Refused requests are bounded apart from the accepted ones. */
static void test_refused_captures_never_fill_the_store(void **state)
{
    (void)state;
    assert_int_equal(add(OTK_SIGNAL_TRACES, 1, 200, 1), 0);
    for (int i = 0; i < 1500; i++)
        assert_int_equal(add(OTK_SIGNAL_TRACES, 0, 400, 100), 0);
    assert_int_equal(add(OTK_SIGNAL_TRACES, 1, 200, 1), 0);
    assert_int_equal(counts().refused, 1500);
    assert_int_equal(counts().dropped_captures, 500);
    assert_int_equal(otk_store_at(store, 0)->pub.number, 1);
    assert_int_equal(otk_store_at(store, 1)->pub.number, 502);
    assert_int_equal(otk_store_at(store, 1001)->pub.number, 1502);
    assert_finds(OTK_SIGNAL_TRACES, 1, 1502, 0);
}

static void test_refused_capture_beyond_the_bound_loses_its_body(void **state)
{
    (void)state;
    assert_int_equal(add(OTK_SIGNAL_TRACES, 0, 413, 17 << 20), 0);
    struct capture *c = otk_store_at(store, 0);
    assert_int_equal(c->pub.body.size, 0);
    assert_int_equal(c->pub.body_size, 17 << 20);
    assert_int_equal(counts().dropped_bytes, 17 << 20);
    for (int i = 0; i < 5; i++)
        add(OTK_SIGNAL_TRACES, 0, 413, 5 << 20);
    assert_int_equal(counts().dropped_captures, 3);
}

static void test_reference_outlives_a_reset(void **state)
{
    (void)state;
    add(OTK_SIGNAL_TRACES, 1, 200, 100);
    struct capture *c = otk_store_next(store, 0);
    otk_store_reset(store);
    assert_int_equal(c->pub.body_size, 100);
    otk_capture_free(c);
    assert_int_equal(counts().requests, 0);
    assert_null(otk_store_at(store, 0));
}

static int wait_spans(uint64_t count, unsigned timeout_ms)
{
    return otk_store_wait(store, offsetof(otk_receiver_counts, spans), count, timeout_ms);
}

static void *add_ten(void *arg)
{
    for (int i = 0; i < 10; i++)
        add(OTK_SIGNAL_TRACES, 1, 200, 1);
    return arg;
}

static void test_wait_returns_when_its_count_is_reached(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(wait_spans(0, 0), 0);
    assert_int_equal(wait_spans(1, 0), OTK_ETIMEOUT);
    assert_int_equal(wait_spans(1, 10), OTK_ETIMEOUT);
    assert_int_equal(pthread_create(&thread, NULL, add_ten, NULL), 0);
    assert_int_equal(wait_spans(10, PATIENCE_MS), 0);
    pthread_join(thread, NULL);
}

/* Bytes that the pages behind the first one have in memory. */
static size_t resident(uint8_t *data, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = size / page - 1, bytes = 0;
    unsigned char *pages = malloc(count);
    assert_non_null(pages);
    assert_int_equal(mincore(data + page - (uintptr_t)data % page, count * page, pages), 0);
    for (size_t i = 0; i < count; i++)
        bytes += pages[i] & 1 ? page : 0;
    free(pages);
    return bytes;
}

static void test_body_takes_memory_as_it_comes_not_as_it_is_announced(void **state)
{
    (void)state;
    static const char piece[16 << 10];
    const size_t announced = (size_t)8 << 20;
    struct capture *c = otk_capture_new();
    assert_int_equal(otk_capture_reserve(c, announced), 0);
    size_t before = resident(c->body.data, announced); /* what malloc has used already */
    assert_int_equal(otk_capture_append(c, piece, sizeof piece), 0);
    assert_in_range(resident(c->body.data, announced), before, before + (256 << 10));
    otk_capture_free(c);
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(items_are_found_across_captures_and_signals),
        test(next_walks_by_number),
        test(full_store_refuses_and_holds_what_it_has),
        cmocka_unit_test_setup_teardown(test_dropping_store_forgets_the_oldest_and_counts, start_dropping, stop),
        test(refused_captures_never_fill_the_store),
        test(refused_capture_beyond_the_bound_loses_its_body),
        test(reference_outlives_a_reset),
        test(wait_returns_when_its_count_is_reached),
        test(body_takes_memory_as_it_comes_not_as_it_is_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
