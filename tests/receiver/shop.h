/* The small shop of fixtures/selectors/shop.jsonl as captures: traces, metrics, logs. */
#ifndef OTLPKIT_TEST_SHOP_H
#define OTLPKIT_TEST_SHOP_H

#include "given.h"
#include "query.h"

static inline void shop_load(otk_capture *shop[OTK_SIGNAL_COUNT])
{
    FILE *file = fopen(OTLPKIT_SOURCE_DIR "/fixtures/selectors/shop.jsonl", "r");
    char *line = NULL;
    size_t room = 0;
    assert_non_null(file);
    for (int i = 0; i < OTK_SIGNAL_COUNT; i++) {
        ssize_t n = getline(&line, &room, file);
        assert_true(n > 0);
        shop[i] = given_request((otk_signal)i, OTK_ENCODING_JSON, line, (size_t)n);
    }
    free(line);
    fclose(file);
}

static inline void shop_forget(otk_capture *shop[OTK_SIGNAL_COUNT])
{
    for (int i = 0; i < OTK_SIGNAL_COUNT; i++)
        forget(shop[i]);
}

static inline struct otk_query *ask(const char *selector)
{
    otk_error error = {0};
    struct otk_query *q = NULL;
    if (otk_query_new(&q, selector, &error))
        fail_msg("%s: %s", selector, error.message);
    return q;
}

static inline void feed(struct otk_query *q, const otk_capture *c)
{
    assert_int_equal(otk_query_feed(q, otk_capture_of(c)), 0);
}

/* How many items of the captures a selector selects. */
static inline uint64_t count_in(otk_capture *const *captures, size_t n, const char *selector, bool *holds)
{
    struct otk_query *q = ask(selector);
    for (size_t i = 0; i < n; i++)
        feed(q, captures[i]);
    uint64_t count = otk_query_matches(q);
    if (holds)
        *holds = otk_query_holds(q);
    otk_query_free(q);
    return count;
}

#endif
