#include "given.h"

#include <jansson.h>

/* ' stands for " in `expected`. */
static void assert_json_line(otk_capture *c, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_int_equal(otk_capture_write_json(c, to), 0);
    fclose(to);
    for (char *p = text; *p; p++)
        *p = *p == '"' ? '\'' : *p;
    assert_string_equal(text, expected);
    free(text);
    forget(c);
}

static const json_t *attribute_value(const json_t *request)
{
    const json_t *span = request;
    static const char *const keys[] = {"resourceSpans", "scopeSpans", "spans", "attributes"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        span = json_array_get(json_object_get(span, keys[i]), 0);
    return json_object_get(span, "value");
}

static void test_an_accepted_request_is_one_line(void **state)
{
    (void)state;
    assert_json_line(
        given(OTK_SIGNAL_TRACES, SPAN("'name':'x','kind':2,'startTimeUnixNano':'1'")),
        "{'resourceSpans':[{'scopeSpans':[{'spans':[{'name':'x','kind':2,'startTimeUnixNano':'1'}]}]}]}\n");
    assert_json_line(given(OTK_SIGNAL_LOGS, "{}"), "{}\n");
}

static void test_a_refused_request_is_nothing(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, "{}");
    c->status = 400;
    assert_null(otk_capture_json_tree(c));
    assert_json_line(c, "");
}

static void test_a_tree_has_the_same_values(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'attributes':[{'key':'k','value':{'stringValue':'a\\u0000b'}}]"));
    json_t *tree = otk_capture_json_tree(c);
    const json_t *value = json_object_get(attribute_value(tree), "stringValue");
    assert_int_equal(json_string_length(value), 3);
    assert_memory_equal(json_string_value(value), "a\0b", 3);
    json_decref(tree);
    forget(c);
}

static void test_a_tree_takes_doubles_that_look_like_large_integers(void **state)
{
    (void)state;
    otk_capture *c =
        given(OTK_SIGNAL_TRACES, SPAN("'kind':2,'attributes':[{'key':'\\\\\\'1e','value':{'doubleValue':1e20}}]"));
    json_t *tree = otk_capture_json_tree(c);
    assert_non_null(tree);
    assert_true(json_number_value(json_object_get(attribute_value(tree), "doubleValue")) == 1e20);
    json_decref(tree);
    forget(c);
}

static void test_a_full_disk_is_reported(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'x'"));
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(otk_capture_write_json(c, full), OTK_ESYSTEM);
    fclose(full);
    forget(c);
}

static void test_without_memory_it_fails_and_leaks_nothing(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'x'"));
    FILE *to = tmpfile();
    size_t failures = 0;
    int rc = OTK_ENOMEM;
    assert_non_null(to);
    setvbuf(to, NULL, _IONBF, 0);
    for (; rc; failures++) {
        allocations_left = failures;
        rc = otk_capture_write_json(c, to);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
    }
    assert_true(failures > 1);
    fclose(to);
    forget(c);
}

static void test_a_receiver_without_requests_shows_nothing(void **state)
{
    (void)state;
    size_t size = 1;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    assert_non_null(rx);
    char *text = otk_receiver_json(rx, &size);
    json_t *tree = otk_receiver_json_tree(rx);
    assert_string_equal(text, "");
    assert_int_equal(size, 0);
    assert_int_equal(json_array_size(tree), 0);
    json_decref(tree);
    free(text);
    otk_receiver_stop(rx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_accepted_request_is_one_line),
        cmocka_unit_test(test_a_refused_request_is_nothing),
        cmocka_unit_test(test_a_tree_has_the_same_values),
        cmocka_unit_test(test_a_tree_takes_doubles_that_look_like_large_integers),
        cmocka_unit_test(test_a_full_disk_is_reported),
        cmocka_unit_test(test_without_memory_it_fails_and_leaks_nothing),
        cmocka_unit_test(test_a_receiver_without_requests_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
