#include "given.h"

#include "arguments.h"

static struct otk_arena arena;

static struct otk_arguments read_target(const char *target)
{
    struct otk_arguments out = {0};
    assert_int_equal(otk_arguments_read(&out, target, &arena), 0);
    return out;
}

static void test_splits_and_unescapes(void **state)
{
    (void)state;
    struct otk_arguments a = read_target("/otlpkit/wait?until=%7B+name%20%3D+%22a%26b%22+%7d&timeout=5s&flag&until=");
    assert_int_equal(a.count, 4);
    assert_string_equal(a.items[0].name, "until");
    assert_string_equal(a.items[0].value.data, "{ name = \"a&b\" }");
    assert_int_equal(a.items[0].value.size, strlen("{ name = \"a&b\" }"));
    assert_string_equal(a.items[1].value.data, "5s");
    assert_string_equal(a.items[2].value.data, "");
    assert_string_equal(a.items[3].value.data, "");
    otk_arena_clear(&arena);
}

static void test_has_none_without_a_query(void **state)
{
    (void)state;
    assert_int_equal(read_target("/otlpkit/stats").count, 0);
    assert_int_equal(read_target("/otlpkit/stats?").count, 0);
    assert_int_equal(read_target("/otlpkit/stats?&&").count, 0);
    assert_int_equal(read_target("/otlpkit/stats#?a=1").count, 0);
    assert_int_equal(read_target("/otlpkit/stats?a=b=c#d&e").count, 1);
    assert_string_equal(read_target("/otlpkit/stats?a=b=c#d").items[0].value.data, "b=c");
    otk_arena_clear(&arena);
}

static void test_takes_text_only(void **state)
{
    (void)state;
    static const char *const wrong[] = {"?a=%",   "?a=%4",  "?a=%4g",    "?a=%00",
                                        "?a=%ff", "?%g0=1", "?a=%c3%28", "?a=\xff"};
    struct otk_arguments out;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(otk_arguments_read(&out, wrong[i], &arena), OTK_EDATA);
    assert_string_equal(read_target("/?a=%c3%a9").items[0].value.data, "\xc3\xa9");
    otk_arena_clear(&arena);
}

static void test_says_when_memory_runs_out(void **state)
{
    (void)state;
    struct otk_arguments out;
    int rc = OTK_ENOMEM;
    for (size_t left = 0; rc == OTK_ENOMEM; left++) {
        allocations_left = left;
        rc = otk_arguments_read(&out, "/?a=1&b=2", &arena);
        allocations_left = SIZE_MAX;
        otk_arena_clear(&arena);
        assert_true(left < 10);
    }
    assert_int_equal(rc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits_and_unescapes),
        cmocka_unit_test(test_has_none_without_a_query),
        cmocka_unit_test(test_takes_text_only),
        cmocka_unit_test(test_says_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
