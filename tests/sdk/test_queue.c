/* Blocks go round: into the queue, to the worker, and back. */
#include "world.h"

#include "clock.h"
#include "provider.h"

#include <sched.h>

static void put(struct otk_buffer *b, const char *text)
{
    b->size = 0;
    otk_queue_begin(b);
    otk_buffer_text(b, text);
}

static void take(struct otk_queue *q, struct otk_lock *lock, const char *const *texts, size_t count)
{
    struct otk_item items[8];
    assert_int_equal(otk_queue_take(q, count), count);
    struct otk_block *last = otk_queue_read(q, items, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(items[i].size, strlen(texts[i]));
        assert_memory_equal(items[i].data, texts[i], items[i].size);
    }
    otk_queue_release(q, lock, last);
}

static void test_a_full_queue_leaves_the_item_to_its_owner(void **state)
{
    struct otk_queue q = OTK_QUEUE_INIT(2);
    struct otk_buffer b = OTK_BUFFER_INIT(1 << 20);
    struct otk_lock lock = {false};
    (void)state;
    put(&b, "one");
    assert_int_equal(otk_queue_push(&q, NULL, &b), 0);
    assert_null(b.data);
    put(&b, "two");
    assert_int_equal(otk_queue_push(&q, NULL, &b), 0);
    put(&b, "three");
    assert_int_equal(otk_queue_push(&q, NULL, &b), OTK_ELIMIT);
    assert_memory_equal(b.data + sizeof(struct otk_block), "three", 5);
    take(&q, &lock, (const char *const[]){"one"}, 1);
    assert_int_equal(otk_queue_push(&q, NULL, &b), 0);
    take(&q, &lock, (const char *const[]){"two", "three"}, 2);
    assert_int_equal(q.bytes, 0);
    otk_buffer_clear(&b);
    otk_queue_clear(&q);
}

/* One that is larger than that goes alone. */
static void test_a_queue_is_full_by_its_bytes(void **state)
{
    struct otk_queue q = OTK_QUEUE_INIT(8);
    struct otk_buffer large = OTK_BUFFER_INIT(UINT32_MAX), b = OTK_BUFFER_INIT(1 << 20);
    struct otk_lock lock = {false};
    (void)state;
    put(&large, "large");
    assert_non_null(otk_buffer_reserve(&large, OTK_QUEUE_BYTES_MAX));
    assert_int_equal(otk_queue_push(&q, NULL, &large), 0);
    put(&b, "small");
    assert_int_equal(otk_queue_push(&q, NULL, &b), OTK_ELIMIT);
    take(&q, &lock, (const char *const[]){"large"}, 1);
    assert_int_equal(otk_queue_push(&q, NULL, &b), 0);
    otk_buffer_clear(&b);
    otk_queue_clear(&q);
}

static void test_blocks_are_used_again_unless_they_are_large(void **state)
{
    struct otk_queue q = OTK_QUEUE_INIT(8);
    struct otk_buffer b = OTK_BUFFER_INIT(1 << 20);
    struct otk_lock lock = {false};
    (void)state;
    put(&b, "small");
    const uint8_t *small = b.data;
    assert_int_equal(otk_queue_push(&q, NULL, &b), 0);
    put(&b, "large");
    assert_non_null(otk_buffer_reserve(&b, 100000));
    assert_int_equal(otk_queue_push(&q, NULL, &b), 0);
    take(&q, &lock, (const char *const[]){"small", "large"}, 2);
    assert_int_equal(q.spare_bytes, q.spare->capacity);
    assert_null(q.spare->next);
    put(&b, "next");
    assert_int_equal(otk_queue_push(&q, NULL, &b), 0);
    assert_ptr_equal(b.data, small);
    assert_int_equal(q.spare_bytes, 0);
    otk_buffer_clear(&b);
    otk_queue_clear(&q);
}

static void test_few_spare_blocks_are_kept(void **state)
{
    enum { MANY = 4000 };
    struct otk_queue q = OTK_QUEUE_INIT(MANY);
    struct otk_lock lock = {false};
    struct otk_item *items = malloc(MANY * sizeof *items);
    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct otk_buffer b = OTK_BUFFER_INIT(1 << 20);
        put(&b, "item");
        assert_non_null(otk_buffer_reserve(&b, 1000));
        assert_int_equal(otk_queue_push(&q, NULL, &b), 0);
    }
    assert_int_equal(otk_queue_take(&q, MANY), MANY);
    otk_queue_release(&q, &lock, otk_queue_read(&q, items, MANY));
    assert_int_equal(q.bytes, 0);
    assert_in_range(q.spare_bytes, 1 << 19, 1 << 20);
    free(items);
    otk_queue_clear(&q);
}

static bool sleeps(otk_sdk *sdk)
{
    struct otk_pipeline *p = &sdk->pipelines[OTK_SIGNAL_TRACES];
    otk_lock_take(&p->lock);
    bool asleep = p->sleeps;
    otk_lock_release(&p->lock);
    return asleep;
}

/* SDK-PROC-08: a timer that finds nothing sends nothing, and the next span is in time nevertheless */
static void test_a_worker_that_has_nothing_to_do_sleeps_until_something_comes(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, (const char *const[]){"OTEL_BSP_SCHEDULE_DELAY=1", NULL});
    for (size_t round = 1; round <= 3; round++) {
        uint64_t deadline = otk_clock_deadline(PATIENCE_MS);
        while (!sleeps(w.sdk) && otk_clock_monotonic() < deadline)
            sched_yield();
        assert_true(sleeps(w.sdk));
        assert_int_equal(traces_of(w.sdk).requests, round - 1);
        otk_span_free(otk_span_start(w.tracer, "s", NULL));
        server_wait(w.server, round);
    }
    finish(&w);
}

/* The worker keeps what a batch of ordinary spans needs. */
static void test_the_memory_of_a_large_batch_is_given_back(void **state)
{
    static uint8_t large[8 << 20];
    struct world w;
    (void)state;
    start_with(&w, (const char *const[]){"OTEL_BSP_SCHEDULE_DELAY=1", NULL});
    otk_span *span = otk_span_start(w.tracer, "large", NULL);
    otk_span_set_bytes(span, "large", large, sizeof large);
    otk_span_free(span);
    server_wait(w.server, 1);
    uint64_t deadline = otk_clock_deadline(PATIENCE_MS);
    while (!sleeps(w.sdk) && otk_clock_monotonic() < deadline)
        sched_yield();
    assert_true(sleeps(w.sdk));
    pthread_mutex_lock(&w.sdk->mutex);
    size_t kept = w.sdk->own.spans.capacity + w.sdk->own.body.capacity;
    pthread_mutex_unlock(&w.sdk->mutex);
    assert_in_range(kept, 0, 2 << 20);
    finish(&w);
}

/* SDK-ENV-12, SDK-ERR-05: an environment that allows batches of any size takes no memory for them before they are there. */
static void test_memory_for_a_batch_is_taken_when_it_is_there(void **state)
{
    enum { SPANS = 5000 };
    struct world w;
    (void)state;
    start_with(&w,
               (const char *const[]){"OTEL_BSP_MAX_QUEUE_SIZE=2147483647", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2147483647",
                                     "OTEL_BSP_SCHEDULE_DELAY=2147483647", NULL});
    assert_true(w.sdk->batch_capacity < SPANS);
    for (int i = 0; i < SPANS; i++)
        otk_span_free(otk_span_start(w.tracer, "s", NULL));
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(traces_of(w.sdk).delivered, SPANS);
    assert_int_equal(traces_of(w.sdk).requests, 1);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_queue_leaves_the_item_to_its_owner),
        cmocka_unit_test(test_a_queue_is_full_by_its_bytes),
        cmocka_unit_test(test_blocks_are_used_again_unless_they_are_large),
        cmocka_unit_test(test_few_spare_blocks_are_kept),
        cmocka_unit_test(test_the_memory_of_a_large_batch_is_given_back),
        cmocka_unit_test(test_a_worker_that_has_nothing_to_do_sleeps_until_something_comes),
        cmocka_unit_test(test_memory_for_a_batch_is_taken_when_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
