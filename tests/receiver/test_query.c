/* Queries fed capture by capture: structure in whatever order spans come, counts, near misses, memory. */
#include "shop.h"

/* One span; `fields` are further ones, with a comma in front. */
static otk_capture *span(const char *id, const char *parent, const char *name, const char *fields)
{
    char json[1024];
    snprintf(json, sizeof json,
             SPAN("'traceId':'0102030405060708090a0b0c0d0e0f10','spanId':'00000000000000%s',%s%s%s'name':'%s'%s"), id,
             parent ? "'parentSpanId':'00000000000000" : "", parent ? parent : "", parent ? "'," : "", name, fields);
    return given(OTK_SIGNAL_TRACES, json);
}

static void feed_once(struct otk_query *q, otk_capture *c)
{
    feed(q, c);
    forget(c);
}

static const char *name_at(struct otk_query *q, uint64_t i)
{
    struct otk_query_match match;
    assert_int_equal(otk_query_match(q, i, &match), 0);
    return otk_capture_span(&match.capture->pub, match.item)->name;
}

/* ---- Structure ------------------------------------------------------- */

static void a_parent_may_come_after_its_child(void **state)
{
    struct otk_query *q = ask("{ name = \"root\" } >> { name = \"leaf\" }");
    (void)state;
    feed_once(q, span("03", "02", "leaf", ""));
    assert_false(otk_query_holds(q));
    feed_once(q, span("01", NULL, "root", ""));
    assert_false(otk_query_holds(q));
    feed_once(q, span("02", "01", "middle", ""));
    assert_true(otk_query_holds(q));
    assert_int_equal(otk_query_matches(q), 1);
    assert_string_equal(name_at(q, 0), "leaf");
    otk_query_free(q);
}

static void what_held_may_cease_to_hold(void **state)
{
    struct otk_query *q = ask("{} !> { name = \"leaf\" }");
    (void)state;
    feed_once(q, span("02", "01", "leaf", ""));
    assert_true(otk_query_holds(q));
    feed_once(q, span("01", NULL, "root", ""));
    assert_false(otk_query_holds(q));
    assert_int_equal(otk_query_matches(q), 0);
    otk_query_free(q);
}

static void siblings_need_no_parent_that_came(void **state)
{
    struct otk_query *q = ask("{ name = \"a\" } ~ { name = \"b\" }");
    (void)state;
    feed_once(q, span("02", "01", "a", ""));
    feed_once(q, span("03", "01", "b", ""));
    assert_int_equal(otk_query_matches(q), 1);
    otk_query_free(q);
}

static void circles_of_parents_end(void **state)
{
    static const char *const selectors[] = {
        "{} >> {}", "{} << {}", "{} > {}", "{ nestedSetLeft > 0 }", "{ name = \"x\" } >> {}", "{} !>> {}"};
    static const uint64_t counts[] = {3, 3, 3, 0, 0, 0};
    (void)state;
    for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++) {
        struct otk_query *q = ask(selectors[i]);
        feed_once(q, span("01", "03", "a", ""));
        feed_once(q, span("02", "01", "b", ""));
        feed_once(q, span("03", "02", "c", ""));
        assert_int_equal(otk_query_matches(q), counts[i]);
        otk_query_free(q);
    }
}

static void eight_zeros_are_no_parent(void **state)
{
    struct otk_query *q = ask("{ parent = nil && rootName = \"a\" }");
    (void)state;
    feed_once(q, span("01", "00", "a", ""));
    assert_int_equal(otk_query_matches(q), 1);
    otk_query_free(q);
}

static void matches_come_in_order_of_arrival(void **state)
{
    struct otk_query *q = ask("{} | count() > 1");
    (void)state;
    feed_once(q, span("01", NULL, "first", ""));
    feed_once(q, span("02", NULL, "second", ""));
    feed_once(q, span("03", NULL, "third", ""));
    assert_string_equal(name_at(q, 0), "first");
    assert_string_equal(name_at(q, 2), "third");
    struct otk_query_match beyond;
    assert_int_equal(otk_query_match(q, 3, &beyond), OTK_EINVAL);
    otk_query_free(q);
}

/* ---- Counts ---------------------------------------------------------- */

static void a_count_of_nothing_holds_until_something_comes(void **state)
{
    struct otk_query *q = ask("{ status = error } | count() = 0");
    (void)state;
    assert_true(otk_query_holds(q));
    feed_once(q, span("01", NULL, "fine", ""));
    assert_true(otk_query_holds(q));
    feed_once(q, span("02", NULL, "bad", ",'status':{'code':2}"));
    assert_false(otk_query_holds(q));
    assert_int_equal(otk_query_matches(q), 0);
    otk_query_free(q);
}

static void traces_are_counted_each(void **state)
{
    otk_capture *shop[OTK_SIGNAL_COUNT];
    bool holds;
    (void)state;
    shop_load(shop);
    assert_int_equal(count_in(shop, 1, "{} | count() = 1", &holds), 1);
    assert_int_equal(count_in(shop, 1, "{} | count() = 6", &holds), 0);
    assert_false(holds);
    assert_int_equal(count_in(shop, 1, "{} | by(resource.service.name) | coalesce() | count() = 5", NULL), 5);
    shop_forget(shop);
}

static void other_signals_and_refused_requests_are_left_alone(void **state)
{
    otk_capture *shop[OTK_SIGNAL_COUNT];
    struct otk_query *q = ask("log{}");
    (void)state;
    shop_load(shop);
    shop[OTK_SIGNAL_LOGS]->status = 400;
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        feed(q, shop[i]);
    assert_int_equal(otk_query_matches(q), 0);
    assert_int_equal(otk_query_signal(q), OTK_SIGNAL_LOGS);
    assert_string_equal(otk_query_text(q), "log{}");
    otk_query_free(q);
    shop_forget(shop);
}

static void a_point_is_told_by_its_place(void **state)
{
    otk_capture *shop[OTK_SIGNAL_COUNT];
    struct otk_query *q = ask("metric{ point.route = \"/cart\" }");
    struct otk_query_match match;
    (void)state;
    shop_load(shop);
    feed(q, shop[OTK_SIGNAL_METRICS]);
    assert_int_equal(otk_query_match(q, 0, &match), 0);
    assert_int_equal(match.item, 0);
    assert_int_equal(match.point, 1);
    assert_int_equal(otk_query_points(match.capture, 0), 2);
    assert_int_equal(otk_query_points(match.capture, 1), 1);
    otk_query_free(q);
    shop_forget(shop);
}

/* ---- Near misses ----------------------------------------------------- */

static struct otk_near near_span(const char *selector, size_t item)
{
    otk_capture *shop[OTK_SIGNAL_COUNT];
    struct otk_near near;
    struct otk_query *q = ask(selector);
    shop_load(shop);
    feed(q, shop[otk_query_signal(q)]);
    assert_int_equal(otk_query_near(q, otk_capture_of(shop[otk_query_signal(q)]), (uint32_t)item, 0, &near), 0);
    otk_query_free(q);
    shop_forget(shop);
    return near;
}

static void a_miss_tells_value_and_kind(void **state)
{
    static const struct {
        const char *selector;
        size_t item;
        const char *sentence;
    } misses[] = {
        {"{ name = \"charge\" && span.http.response.status_code = \"502\" }", 1,
         "span.http.response.status_code is int 502, expected = string \"502\""},
        {"{ name = \"charge\" && .attempt >= 3 }", 2, ".attempt is int 2, expected >= int 3"},
        {"{ 3 <= .attempt }", 2, ".attempt is int 2, expected >= int 3"},
        {"{ name = \"charge\" && .refund = 1 }", 2, ".refund is absent, expected = int 1"},
        {"{ name = \"charges\" }", 2, "name is string \"charge\", expected = string \"charges\""},
        {"{ status = error }", 2, "status is ok, expected = error"},
        {"{ duration > 1s }", 2, "duration is 40ms, expected > 1s"},
        {"{ .attempt = nil }", 2, ".attempt is int 2, expected nil"},
        {"{ name =~ \"x.*\" }", 2, "name is string \"charge\", expected =~ string \"x.*\""},
        {"{ kind = server || status = error }", 2, "kind is client, expected = server"},
        {"metric{ name = \"requests\" && type = gauge }", 0, "type is sum, expected = gauge"},
        {"metric{ name = \"requests\" && temporality = delta }", 0, "temporality is cumulative, expected = delta"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof misses / sizeof *misses; i++) {
        struct otk_near near = near_span(misses[i].selector, misses[i].item);
        assert_true(near.distance > 0);
        assert_int_equal(near.count, 1);
        assert_string_equal(near.differences[0].sentence, misses[i].sentence);
    }
}

/* However they are gone through, and with a capture fed in between. */
static void points_are_looked_at_in_any_order(void **state)
{
    static const uint32_t order[] = {0, 1, 2, 2, 1, 0, 2, 0, 1};
    otk_capture *c = given(OTK_SIGNAL_METRICS, METRIC("'name':'m','sum':{'dataPoints':["
                                                      "{'asInt':'0'},{'asInt':'1'},{'asInt':'2'}]}"));
    struct otk_query *q = ask("metric{ value > 9 }");
    struct otk_near near;
    char sentence[64];
    (void)state;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        assert_int_equal(otk_query_near(q, otk_capture_of(c), 0, order[i], &near), 0);
        snprintf(sentence, sizeof sentence, "value is int %u, expected > int 9", order[i]);
        assert_string_equal(near.differences[0].sentence, sentence);
        if (i % 2)
            feed(q, c);
    }
    otk_query_free(q);
    forget(c);
}

static void the_nearest_is_the_one_with_the_name(void **state)
{
    static const char selector[] = "{ name = \"charge\" && kind = client && .attempt = 2 && status = error }";
    (void)state;
    unsigned charge = near_span(selector, 1).distance, other = near_span(selector, 5).distance;
    assert_true(charge < other);
    assert_true(near_span("{ .http.response.status_code = 502 && .x = 1 }", 1).distance <
                near_span("{ .http.response.status_code = \"502\" && .x = 1 }", 1).distance);
    assert_int_equal(near_span("{ name = \"health\" }", 5).distance, 0);
}

static void a_span_under_the_wrong_parent_is_told(void **state)
{
    struct otk_near near = near_span("{ name = \"checkout\" } > { name = \"authorize\" }", 3);
    (void)state;
    assert_true(near.structure);
    assert_int_equal(near.part, 1);
    assert_string_equal(near.differences[0].sentence,
                        "the span is a child of span \"charge\", expected a child of { name = \"checkout\" }");
    near = near_span("{ name = \"checkout\" } >> { name = \"health\" }", 5);
    assert_string_equal(near.differences[0].sentence,
                        "the span is a root, without a parent, expected a descendant of { name = \"checkout\" }");
    assert_int_equal(near_span("{ name = \"checkout\" } >> { name = \"authorize\" }", 3).distance, 0);
}

/* ---- Memory ---------------------------------------------------------- */

static int feed_all(const char *selector, otk_capture *const *shop)
{
    struct otk_query *q = NULL;
    struct otk_query_match match;
    otk_error error;
    int rc = otk_query_new(&q, selector, &error);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT && !rc; i++)
        rc = otk_query_feed(q, otk_capture_of(shop[i]));
    if (!rc)
        rc = otk_query_match(q, 0, &match);
    otk_query_free(q);
    return rc;
}

static void each_failing_allocation_is_told(void **state)
{
    static const char *const selectors[] = {
        "{ name =~ \"c.*\" }", "metric{} | by(name) | count() > 1 | coalesce()",
        "({ rootName = \"checkout\" } >> { nestedSetLeft > 0 } && {} &~ {}) | by(name) | avg(duration) > 0"};
    otk_capture *shop[OTK_SIGNAL_COUNT];
    (void)state;
    shop_load(shop);
    for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++) {
        int rc = OTK_ENOMEM;
        for (size_t n = 0; rc; n++) {
            assert_true(n < 1000);
            allocations_left = n;
            rc = feed_all(selectors[i], shop);
            allocations_left = SIZE_MAX;
            assert_true(rc == 0 || rc == OTK_ENOMEM);
        }
    }
    shop_forget(shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_may_come_after_its_child),
        cmocka_unit_test(what_held_may_cease_to_hold),
        cmocka_unit_test(siblings_need_no_parent_that_came),
        cmocka_unit_test(circles_of_parents_end),
        cmocka_unit_test(eight_zeros_are_no_parent),
        cmocka_unit_test(matches_come_in_order_of_arrival),
        cmocka_unit_test(a_count_of_nothing_holds_until_something_comes),
        cmocka_unit_test(traces_are_counted_each),
        cmocka_unit_test(other_signals_and_refused_requests_are_left_alone),
        cmocka_unit_test(a_point_is_told_by_its_place),
        cmocka_unit_test(a_miss_tells_value_and_kind),
        cmocka_unit_test(points_are_looked_at_in_any_order),
        cmocka_unit_test(the_nearest_is_the_one_with_the_name),
        cmocka_unit_test(a_span_under_the_wrong_parent_is_told),
        cmocka_unit_test(each_failing_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
